//! A small clinic for tests: a vault, a clock that stands, people with seeds.

use std::sync::Arc;

use casevault::{
    access::Policy,
    credential::Attestation,
    crypto::{Random, Secret},
    custodian::Custodian,
    party::{Doctor, Keyring, Owner, Patient, Registrar, Role},
    session::{Memory, Session, Tools},
    store::MemoryStore,
    time::{ManualClock, Timestamp, days},
    vault::{HostDir, Vault},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Who someone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

pub(crate) fn profile(name: &str) -> Profile {
    Profile { name: name.to_owned() }
}

pub(crate) fn keyring(seed: u8) -> Keyring {
    Keyring::from_seed(Secret::from_bytes([seed; 32]))
}

pub(crate) const REGISTRAR: u8 = 1;
pub(crate) const ALICE: u8 = 2;
pub(crate) const BOB: u8 = 3;
pub(crate) const CAROL: u8 = 4;
pub(crate) const DAVE: u8 = 5;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) host: TempDir,
    pub(crate) vault: Vault,
}

impl World {
    pub(crate) fn new() -> Self {
        let registrar = keyring(REGISTRAR).card(Role::Registrar);
        Self::with(Policy::trusting([&registrar]))
    }

    pub(crate) fn with(policy: Policy) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
        let store = Arc::new(MemoryStore::new());
        let host = TempDir::new().unwrap();
        let vault = Vault::create_with(
            Arc::clone(&store),
            HostDir::open(host.path()).unwrap(),
            policy,
            Arc::clone(&clock),
            Random::seeded([9; 32]),
        )
        .unwrap();
        Self { clock, store, host, vault }
    }

    pub(crate) fn tools(&self, seed: u8) -> Tools {
        let generation = self.store_generation();
        let mut bytes = [seed; 32];
        bytes[..8].copy_from_slice(&generation.to_be_bytes());
        Tools::new(Arc::clone(&self.clock), Random::seeded(bytes))
    }

    fn store_generation(&self) -> u64 {
        use casevault::store::Store;
        self.store.generation().unwrap()
    }

    pub(crate) fn trusting(&self) -> Memory {
        Memory::trusting(self.vault.trust().clone())
    }

    pub(crate) fn office(&self) -> Session<'_, Registrar> {
        self.office_over(&self.vault)
    }

    pub(crate) fn office_over<'c>(&self, custodian: &'c dyn Custodian) -> Session<'c, Registrar> {
        Session::<Registrar>::sign_in_with(
            custodian,
            keyring(REGISTRAR),
            self.trusting(),
            self.tools(REGISTRAR),
        )
        .unwrap()
    }

    pub(crate) fn enrol<R: Owner>(&self, seed: u8, name: &str) -> Session<'_, R> {
        self.enrol_over(&self.vault, seed, name)
    }

    pub(crate) fn enrol_over<'c, R: Owner>(
        &self,
        custodian: &'c dyn Custodian,
        seed: u8,
        name: &str,
    ) -> Session<'c, R> {
        Session::<R>::enrol_with(custodian, keyring(seed), &profile(name), self.trusting(), self.tools(seed))
            .unwrap()
    }

    /// An attested patient.
    pub(crate) fn patient(&self, seed: u8, name: &str) -> Session<'_, Patient> {
        let patient = self.enrol::<Patient>(seed, name);
        self.office().attest(patient.id(), Attestation::patient()).unwrap();
        patient
    }

    /// An attested doctor.
    pub(crate) fn doctor(&self, seed: u8, name: &str) -> Session<'_, Doctor> {
        let doctor = self.enrol::<Doctor>(seed, name);
        self.office().attest(doctor.id(), Attestation::doctor("cardiology")).unwrap();
        doctor
    }

    pub(crate) fn in_days(&self, count: u32) -> Timestamp {
        use casevault::time::Clock;
        self.clock.now().plus(days(count))
    }
}
