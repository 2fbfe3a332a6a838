//! The clinic under test: who is there, and how it begins.

use std::{fmt, sync::Arc, thread, time::Duration};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    crypto::{Random, Secret},
    custodian::Custodian,
    error::Error,
    id::Digest,
    party::{Curator, Doctor, Keyring, Owner, Patient, Registrar, Role},
    record::Kind,
    session::{Case, Memory, Session, Tools},
    store::{SledStore, StoreError},
    time::{ManualClock, Timestamp},
    vault::{HostDir, Vault, VaultError},
};

use crate::place::Place;

pub(crate) const REGISTRAR: u8 = 1;
pub(crate) const ALICE: u8 = 2;
pub(crate) const BOB: u8 = 3;
pub(crate) const CAROL: u8 = 4;
/// A doctor who is not enrolled when the clinic begins.
pub(crate) const DAVE: u8 = 5;
pub(crate) const ERIN: u8 = 6;
pub(crate) const CURATOR: u8 = 7;

/// The digest of the clinic's public policy.
pub(crate) const PUBLIC: Digest = Digest::from_bytes([9; 32]);

/// Why something was not done: a name that stays, and the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: &'static str,
    pub(crate) words: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { code: error.code(), words: error.to_string() }
    }
}

impl From<VaultError> for Refused {
    fn from(error: VaultError) -> Self {
        Self { code: error.code(), words: error.to_string() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code, self.words)
    }
}

pub(crate) fn keyring(seed: u8) -> Keyring {
    Keyring::from_seed(Secret::from_bytes([seed; 32]))
}

/// Randomness for one use: the same for the same numbers.
pub(crate) fn random(who: u8, round: u32) -> Random {
    let mut seed = [who; 32];
    seed[..4].copy_from_slice(&round.to_be_bytes());
    Random::seeded(seed)
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(Timestamp::at_ms(1_790_000_000_000))
}

pub(crate) fn tools(who: u8, round: u32) -> Tools {
    Tools::new(clock(), random(who, round))
}

/// Opens a store. A process being begun by this one holds its files until it becomes another program.
pub(crate) fn store(place: &Place) -> Result<SledStore, VaultError> {
    for _ in 0..200 {
        match SledStore::open(place.vault()) {
            Err(StoreError::Locked) => thread::sleep(Duration::from_millis(10)),
            opened => return Ok(opened?),
        }
    }
    Err(StoreError::Locked.into())
}

pub(crate) fn create(place: &Place, round: u32) -> Result<Vault, VaultError> {
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]);
    let policy = policy.curated(PUBLIC, &keyring(CURATOR).card(Role::Curator));
    let (store, host) = (store(place)?, HostDir::open(place.host())?);
    Vault::create_with(store, host, policy, clock(), random(100, round))
}

pub(crate) fn open(place: &Place, round: u32) -> Result<Vault, VaultError> {
    Vault::open_with(store(place)?, HostDir::open(place.host())?, clock(), random(100, round))
}

pub(crate) fn trusting(vault: &Vault) -> Memory {
    Memory::trusting(vault.trust().clone())
}

pub(crate) fn patient<'c>(
    custodian: &'c dyn Custodian,
    (who, round): (u8, u32),
    memory: Memory,
) -> Result<Session<'c, Patient>, Error> {
    Session::<Patient>::sign_in_with(custodian, keyring(who), memory, tools(who, round))
}

pub(crate) fn doctor<'c>(
    custodian: &'c dyn Custodian,
    (who, round): (u8, u32),
    memory: Memory,
) -> Result<Session<'c, Doctor>, Error> {
    Session::<Doctor>::sign_in_with(custodian, keyring(who), memory, tools(who, round))
}

pub(crate) fn curator<'c>(
    custodian: &'c dyn Custodian,
    round: u32,
    memory: Memory,
) -> Result<Session<'c, Curator>, Error> {
    Session::<Curator>::sign_in_with(custodian, keyring(CURATOR), memory, tools(CURATOR, round))
}

pub(crate) fn enrol<'c, R: Owner>(
    custodian: &'c dyn Custodian,
    (who, round): (u8, u32),
    memory: Memory,
) -> Result<Session<'c, R>, Error> {
    Session::<R>::enrol_with(custodian, keyring(who), &format!("person {who}"), memory, tools(who, round))
}

/// A patient's first case with something in it.
pub(crate) fn first_case(alice: &Session<'_, Patient>) -> Result<Case, Error> {
    let own = alice.own_cases()?;
    for case in own {
        if !alice.open(&case)?.records_of(Kind::Complaint)?.is_empty() {
            return Ok(case);
        }
    }
    Err(Error::Denied)
}

/// A small clinic, closed: two patients and two doctors, vetted; a case, assigned to one of the doctors, with his note.
/// The first patient's memory of it.
pub(crate) fn begin(place: &Place) -> Memory {
    let vault = Arc::new(create(place, 0).unwrap());
    let office = Session::<Registrar>::sign_in_with(
        &*vault,
        keyring(REGISTRAR),
        trusting(&vault),
        tools(REGISTRAR, 0),
    )
    .unwrap();
    let enrolled = |who| enrol::<Patient>(&*vault, (who, 0), trusting(&vault)).unwrap();
    let hired = |who| enrol::<Doctor>(&*vault, (who, 0), trusting(&vault)).unwrap();
    let (alice, erin, bob, carol) = (enrolled(ALICE), enrolled(ERIN), hired(BOB), hired(CAROL));
    for patient in [&alice, &erin] {
        office.attest(patient.id(), Attestation::patient()).unwrap();
        patient.settle().unwrap();
        let case = patient.open_case("a rash").unwrap();
        patient.write(&case, Kind::Complaint, "it itches").unwrap();
    }
    for doctor in [&bob, &carol] {
        office.attest(doctor.id(), Attestation::doctor("cardiology")).unwrap();
        doctor.settle().unwrap();
    }
    let curator = enrol::<Curator>(&*vault, (CURATOR, 0), trusting(&vault)).unwrap();
    office.attest(curator.id(), Attestation::curator()).unwrap();
    curator.settle().unwrap();
    let case = first_case(&alice).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.write(&bob.cases().unwrap()[0], Kind::Note, "eczema").unwrap();
    alice.verify_stream().unwrap();
    let memory = alice.memory();
    drop((alice, erin, bob, carol, curator, office));
    Arc::into_inner(vault).unwrap().close().unwrap();
    memory
}
