//! A small clinic to measure in: a vault on disk or in memory, and people with seeds.

use casevault::{
    access::Policy,
    credential::Attestation,
    crypto::{Random, Secret},
    id::PartyId,
    party::{Auditor, Doctor, Keyring, Owner, Patient, Registrar, Role},
    record::Kind,
    session::{Case, Entry, Memory, Session},
    store::{MemoryStore, SledStore, Store},
    vault::{HostDir, Vault},
};
use tempfile::TempDir;

use crate::Outcome;

/// The bytes of a record, if nothing else is said.
pub(crate) const RECORD_BYTES: usize = 1024;

const REGISTRAR: u64 = 0;

pub(crate) struct Clinic {
    pub(crate) vault: Vault,
    /// Last, so that the vault has gone when its files do.
    pub(crate) directory: TempDir,
}

fn keyring(number: u64) -> Keyring {
    let mut seed = [0xbe; 32];
    seed.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Keyring::from_seed(Secret::from_bytes(seed))
}

impl Clinic {
    /// On disk.
    pub(crate) fn open() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let store = SledStore::open(directory.path().join("store"))?;
        Self::over(store, directory)
    }

    /// With a store in memory: what is left is the work.
    pub(crate) fn in_memory() -> Outcome<Self> {
        Self::over(MemoryStore::new(), tempfile::tempdir()?)
    }

    fn over(store: impl Store, directory: TempDir) -> Outcome<Self> {
        let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)])
            .open_cases_max(100_000)
            .new_cases_a_day_max(u32::MAX);
        let vault = Vault::create(store, HostDir::open(directory.path().join("host"))?, policy)?;
        Ok(Self { vault, directory })
    }

    fn memory(&self) -> Memory {
        Memory::trusting(self.vault.trust().clone())
    }

    fn enrol<R: Owner>(&self, number: u64, attestation: Attestation) -> Outcome<Session<'_, R>> {
        let name = format!("person {number}");
        let tools = casevault::session::Tools::system()?;
        let session = Session::<R>::enrol_with(&self.vault, keyring(number), &name, self.memory(), tools)?;
        let office = Session::<Registrar>::sign_in(&self.vault, keyring(REGISTRAR), self.memory())?;
        office.attest(session.id(), attestation)?;
        Ok(session)
    }

    pub(crate) fn patient(&self, number: u64) -> Outcome<Session<'_, Patient>> {
        self.enrol(number, Attestation::patient())
    }

    pub(crate) fn doctor(&self, number: u64) -> Outcome<Session<'_, Doctor>> {
        self.enrol(number, Attestation::doctor("general practice"))
    }

    pub(crate) fn auditor(&self, number: u64) -> Outcome<Session<'_, Auditor>> {
        self.enrol(number, Attestation::auditor())
    }

    /// So many doctors from a number on: their ids.
    pub(crate) fn doctors(&self, first: u64, count: u64) -> Outcome<Vec<PartyId>> {
        (first..first + count).map(|number| Ok(self.doctor(number)?.id())).collect()
    }

    /// Someone who has just come in and remembers the vault only.
    pub(crate) fn returning<R: Owner>(&self, number: u64) -> Outcome<Session<'_, R>> {
        Ok(Session::<R>::sign_in(&self.vault, keyring(number), self.memory())?)
    }
}

/// Records to be written, of random bytes: a store may skip what it has already.
pub(crate) fn entries(count: usize, random: &mut Random) -> Outcome<Vec<Entry>> {
    let entry = |random: &mut Random| {
        let bytes = random.bytes::<RECORD_BYTES>().to_vec();
        Ok(Entry::of_bytes(Kind::Document, "application/octet-stream", bytes)?)
    };
    (0..count).map(|_| entry(random)).collect()
}

/// A case with so many records of one import.
pub(crate) fn case_of(alice: &Session<'_, Patient>, records: usize, random: &mut Random) -> Outcome<Case> {
    let case = alice.open_case("measured")?;
    if records > 1 {
        alice.write_all(&case, entries(records - 1, random)?)?;
    }
    Ok(case)
}

/// The case as this doctor was granted it.
pub(crate) fn granted(doctor: &Session<'_, Doctor>, case: &Case) -> Outcome<Case> {
    let cases = doctor.cases()?;
    Ok(cases.into_iter().find(|granted| granted.id() == case.id()).ok_or("the case was not granted")?)
}
