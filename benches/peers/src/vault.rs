//! casevault: every record under its own key, one wrap for the folder; each of the three acts signed, logged, durable;
//! the reader proves that nothing is missing and who wrote.

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    party::{Doctor, Keyring, Patient, Registrar, Role},
    record::Kind,
    session::{Entry, Memory, Session},
    store::SledStore,
    vault::{HostDir, Vault},
};
use tempfile::TempDir;

use crate::{Outcome, Peer, Round, same, timed};

pub(crate) struct Place {
    vault: Vault,
    registrar: std::cell::Cell<Option<Keyring>>,
    _directory: TempDir,
}

impl Place {
    pub(crate) fn open() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let registrar = Keyring::generate()?;
        let policy = Policy::trusting([&registrar.card(Role::Registrar)]).open_cases_max(1000).new_cases_a_day_max(1000);
        let store = SledStore::open(directory.path().join("store"))?;
        let vault = Vault::create(store, HostDir::open(directory.path().join("host"))?, policy)?;
        Ok(Self { vault, registrar: Some(registrar).into(), _directory: directory })
    }

    pub(crate) fn peer(&self) -> Outcome<CaseVault<'_>> {
        let registrar = self.registrar.take().ok_or("the registrar has signed in already")?;
        let office = Session::<Registrar>::sign_in(&self.vault, registrar, Memory::first_use())?;
        let alice = Session::<Patient>::enrol(&self.vault, Keyring::generate()?, "Alice")?;
        let bob = Session::<Doctor>::enrol(&self.vault, Keyring::generate()?, "Bob")?;
        office.attest(alice.id(), Attestation::patient())?;
        office.attest(bob.id(), Attestation::doctor("general practice"))?;
        Ok(CaseVault { alice, bob })
    }
}

pub(crate) struct CaseVault<'v> {
    alice: Session<'v, Patient>,
    bob: Session<'v, Doctor>,
}

impl Peer for CaseVault<'_> {
    fn name(&self) -> &'static str {
        "casevault"
    }

    fn round(&mut self, records: &[Vec<u8>]) -> Outcome<Round> {
        let (alice, bob) = (&self.alice, &self.bob);
        let case = alice.open_case("measured")?;
        let (put, _) = timed(|| {
            let entry =
                |bytes: &Vec<u8>| Entry::of_bytes(Kind::Document, "application/octet-stream", bytes.clone());
            Ok(alice.write_all(&case, records.iter().map(entry).collect::<Result<_, _>>()?)?)
        })?;
        let (grant, _) = timed(|| Ok(alice.opinion(&case, bob.id(), Terms::opinion())?))?;
        let cases = bob.cases()?;
        let granted = cases.iter().find(|granted| granted.id() == case.id()).ok_or("not granted")?;
        let (open, (_chart, read)) = timed(|| {
            let chart = bob.open(granted)?;
            let records = chart.records_of(Kind::Document)?;
            Ok((chart, records))
        })?;
        let read: Vec<Vec<u8>> = read.iter().map(|record| record.content().bytes().to_vec()).collect();
        same(&read, records)?;
        Ok(Round { put, grant, open })
    }
}
