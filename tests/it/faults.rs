//! A23 on a store that fails: at each operation in turn, every verb is done whole or not at all, and can be repeated.

use std::{fs, io::Write as _, sync::Arc};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Attestation, Category, Listing, Severity},
    crypto::Random,
    custodian::{Errand, PoolCursor},
    error::Error,
    event::Principal,
    party::{Curator, Doctor, Owner, Patient, Registrar, Role},
    public::Use,
    record::Kind,
    session::{Looking, Memory, Sentence, Session, Tools},
    store::{
        MemorySnapshot, MemoryStore,
        fault::{Fault, FaultStore, Operations},
    },
    time::{ManualClock, Timestamp, days},
    vault::{HostDir, Vault, VaultError},
};
use tempfile::TempDir;

use crate::{
    shares::{CURATOR, PUBLIC, abstracted},
    world::{ALICE, BOB, CAROL, Profile, REGISTRAR, keyring, profile},
};

type Engine = Arc<FaultStore<Arc<MemoryStore>>>;

/// A clinic that can be set back to where it began.
struct Stage {
    clock: Arc<ManualClock>,
    memory: Arc<MemoryStore>,
    engine: Engine,
    host: TempDir,
    begun: MemorySnapshot,
    anchor: Vec<u8>,
    alice: Memory,
    /// The number of each sign-in, so that no two use the same randomness.
    round: u32,
}

/// The people of one round.
struct Cast<'v> {
    alice: Session<'v, Patient>,
    bob: Session<'v, Doctor>,
    office: Session<'v, Registrar>,
    curator: Session<'v, Curator>,
}

type Verb = fn(&Cast<'_>) -> Result<(), Error>;

const CHART: &[u8] = br#"{"resourceType":"Bundle","type":"collection","entry":[
    {"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Condition","id":"2"}}]}"#;

fn case(alice: &Session<'_, Patient>) -> Result<casevault::session::Case, Error> {
    // Not the one that was shared when all began.
    let shared: Vec<_> = alice.shared_cases()?.into_iter().map(|shared| shared.case).collect();
    alice.own_cases()?.into_iter().find(|case| !shared.contains(&case.id())).ok_or(Error::Denied)
}

fn his(bob: &Session<'_, Doctor>) -> Result<casevault::session::Case, Error> {
    bob.cases()?.into_iter().next().ok_or(Error::Denied)
}

const VERBS: &[(&str, Verb)] = &[
    ("write", |cast| cast.alice.write(&case(&cast.alice)?, Kind::Complaint, "new").map(drop)),
    ("amend", |cast| {
        let case = case(&cast.alice)?;
        let record = cast.alice.open(&case)?.records_of(Kind::Complaint)?.remove(0);
        cast.alice.amend(&case, &record, "amended").map(drop)
    }),
    ("import", |cast| cast.alice.import(CHART).map(drop)),
    ("opinion", |cast| {
        cast.alice.opinion(&case(&cast.alice)?, keyring(CAROL).party(), Terms::opinion()).map(drop)
    }),
    ("assign", |cast| {
        cast.alice.assign(&case(&cast.alice)?, keyring(CAROL).party(), Terms::treatment()).map(drop)
    }),
    ("revoke", |cast| cast.alice.revoke(&case(&cast.alice)?, keyring(BOB).party()).map(drop)),
    ("open", |cast| cast.bob.open(&his(&cast.bob)?)?.identity().map(drop)),
    ("doctor writes", |cast| cast.bob.write(&his(&cast.bob)?, Kind::Note, "seen").map(drop)),
    ("attest", |cast| cast.office.attest(keyring(20).party(), Attestation::patient())),
    ("close", |cast| cast.alice.close_case(&case(&cast.alice)?)),
    ("report", |cast| {
        let conduct = (Category::Abuse, Severity::Minor);
        cast.bob.report(Principal::Party(cast.alice.id()), conduct, "what she said").map(drop)
    }),
    ("strike", |cast| {
        let until = Timestamp::at_ms(1_799_000_000_000);
        cast.office.strike(cast.alice.id(), Sentence::new(Category::Waste, 1, until)).map(drop)
    }),
    ("list", |cast| cast.bob.list(&Listing::new("Dr. Sparrow").language("en"))),
    ("shut out", |cast| cast.bob.shut_out(Principal::Party(cast.alice.id()))),
    ("withdraw", |cast| cast.office.withdraw(keyring(CAROL).party()).map(drop)),
    ("share", |cast| {
        let until = Timestamp::at_ms(1_799_000_000_000);
        cast.alice.share(&case(&cast.alice)?, &abstracted(1), [Use::Education], until)
    }),
    ("retract", |cast| {
        let shared = cast.alice.shared_cases()?.first().map(|shared| shared.case);
        let cases = cast.alice.own_cases()?;
        let case = cases.iter().find(|case| Some(case.id()) == shared).ok_or(Error::Denied)?;
        cast.alice.retract(case)
    }),
    ("pull", |cast| cast.curator.pull(&PoolCursor::default()).map(drop)),
    ("propose", |cast| cast.office.propose(cast.office.policy()?.open_cases_max(7)).map(drop)),
];

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
        let memory = Arc::new(MemoryStore::new());
        let engine: Engine = Arc::new(FaultStore::new(Arc::clone(&memory)));
        let host = tempfile::tempdir().unwrap();
        let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)])
            .curated(PUBLIC, &keyring(CURATOR).card(Role::Curator));
        let parts = (HostDir::open(host.path()).unwrap(), Arc::clone(&clock));
        let vault =
            Vault::create_with(Arc::clone(&engine), parts.0, policy, parts.1, Random::seeded([1; 32]))
                .unwrap();
        let tools = |seed: u8| Tools::new(Arc::clone(&clock), Random::seeded([seed; 32]));
        let trusting = || Memory::trusting(vault.trust().clone());
        let enrol = |seed: u8| {
            Session::<Doctor>::enrol_with(&vault, keyring(seed), &profile("Dr"), trusting(), tools(seed))
                .unwrap()
        };
        let office =
            Session::<Registrar>::sign_in_with(&vault, keyring(REGISTRAR), trusting(), tools(101)).unwrap();
        let patient = |seed: u8| {
            Session::<Patient>::enrol_with(&vault, keyring(seed), &profile("Pat"), trusting(), tools(seed))
                .unwrap()
        };
        let alice = patient(ALICE);
        patient(20);
        office.attest(alice.id(), Attestation::patient()).unwrap();
        let bob = enrol(BOB);
        for doctor in [&bob, &enrol(CAROL)] {
            office.attest(doctor.id(), Attestation::doctor("cardiology")).unwrap();
        }
        let curator = Session::<Curator>::enrol_with(
            &vault,
            keyring(CURATOR),
            &profile("Curator"),
            trusting(),
            tools(CURATOR),
        )
        .unwrap();
        office.attest(curator.id(), Attestation::curator()).unwrap();
        let case = alice.open_case("one").unwrap();
        alice.write(&case, Kind::Complaint, "old").unwrap();
        let other = alice.open_case("two").unwrap();
        let until = Timestamp::at_ms(1_799_000_000_000);
        alice.share(&other, &abstracted(2), [Use::Education], until).unwrap();
        clock.advance(days(1));
        alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
        alice.verify_stream().unwrap();
        let memory_of_alice = alice.memory();
        drop((alice, bob, office, curator));
        vault.close().unwrap();
        let anchor = fs::read(host.path().join("anchor")).unwrap();
        let begun = memory.snapshot();
        Self { clock, memory, engine, host, begun, anchor, alice: memory_of_alice, round: 0 }
    }

    fn reset(&mut self) {
        self.engine.disarm();
        self.memory.restore(&self.begun);
        fs::write(self.host.path().join("anchor"), &self.anchor).unwrap();
    }

    fn vault(&mut self) -> Vault {
        self.round += 1;
        let mut seed = [3; 32];
        seed[..4].copy_from_slice(&self.round.to_be_bytes());
        let host = HostDir::open(self.host.path()).unwrap();
        Vault::open_with(Arc::clone(&self.engine), host, Arc::clone(&self.clock), Random::seeded(seed))
            .unwrap()
    }

    fn tools(&self, seed: u8) -> Tools {
        let mut bytes = [seed; 32];
        bytes[..4].copy_from_slice(&self.round.to_be_bytes());
        Tools::new(Arc::clone(&self.clock), Random::seeded(bytes))
    }

    fn cast<'v>(&self, vault: &'v Vault, alice: Memory) -> Cast<'v> {
        let trusting = || Memory::trusting(vault.trust().clone());
        let office = (keyring(REGISTRAR), trusting(), self.tools(101));
        Cast {
            alice: Session::<Patient>::sign_in_with(vault, keyring(ALICE), alice, self.tools(ALICE)).unwrap(),
            bob: Session::<Doctor>::sign_in_with(vault, keyring(BOB), trusting(), self.tools(BOB)).unwrap(),
            office: Session::<Registrar>::sign_in_with(vault, office.0, office.1, office.2).unwrap(),
            curator: Session::<Curator>::sign_in_with(
                vault,
                keyring(CURATOR),
                trusting(),
                self.tools(CURATOR),
            )
            .unwrap(),
        }
    }
}

/// What the clinic looks like from within; cases without records, which a broken import leaves, left out.
fn state(cast: &Cast<'_>) -> String {
    let alice = &cast.alice;
    let mut lines = Vec::new();
    for case in alice.own_cases().unwrap() {
        let chart = alice.open(&case).unwrap();
        let records = chart.records().unwrap();
        let said: Vec<String> = records
            .iter()
            .map(|record| record.value::<String>().unwrap_or_else(|_| "a resource".to_owned()))
            .collect();
        if !said.is_empty() {
            lines.push(format!("{} {said:?}", case.is_closed()));
        }
    }
    let identity = alice.open(&alice.identity_folder().unwrap()).unwrap();
    lines.push(format!("{} in the identity", identity.len()));
    let mut readers: Vec<String> = alice
        .who_has_access()
        .unwrap()
        .iter()
        .map(|access| format!("{} {}", access.party, access.because.is_some()))
        .collect();
    readers.sort();
    lines.push(format!("{readers:?}"));
    for seed in [20, CAROL] {
        lines.push(format!("{seed} {}", cast.office.vouched(keyring(seed).party()).is_ok()));
    }
    let waiting = |errand| cast.office.queue(errand).map(Result::unwrap).count();
    lines.push(format!("{} applications, {} reports", waiting(Errand::Application), waiting(Errand::Report)));
    lines.push(format!("{:?}", alice.standing().unwrap().standing));
    let listed = alice.directory(Looking::for_doctors()).unwrap().doctors;
    lines.push(format!("{:?}", listed.iter().map(|doctor| doctor.listing.pseudonym()).collect::<Vec<_>>()));
    lines.push(format!(
        "{} papers",
        cast.bob.credentials().unwrap().map_or(0, |folder| cast.bob.open(&folder).unwrap().len())
    ));
    lines.push(format!("{} policies", cast.office.trust().unwrap().version));
    let events = cast.bob.history().unwrap();
    lines.push(format!(
        "{} blocks",
        events.iter().filter(|line| line.verb.word().contains("whom not to see")).count()
    ));
    let shared = alice.shared_cases().unwrap();
    lines.push(format!("{} shared", shared.len()));
    lines.sort();
    lines.join("\n")
}

#[test]
fn every_verb_is_whole_or_nothing_at_every_fault() {
    let mut stage = Stage::new();
    let mut points = 0u32;
    for (name, verb) in VERBS {
        stage.reset();
        let vault = stage.vault();
        let cast = stage.cast(&vault, stage.alice.clone());
        let before = state(&cast);
        stage.engine.disarm();
        verb(&cast).unwrap();
        let (reads, commits) =
            (stage.engine.operations(Operations::Reads), stage.engine.operations(Operations::Commits));
        let after = state(&cast);
        drop(cast);
        drop(vault);
        for fault in Fault::ALL {
            for nth in 0..commits {
                at_fault(&mut stage, (name, *verb), (fault, Operations::Commits, nth), [&before, &after]);
                points += 1;
            }
        }
        for nth in (0..reads).step_by(2) {
            at_fault(&mut stage, (name, *verb), (Fault::Error, Operations::Reads, nth), [&before, &after]);
            points += 1;
        }
    }
    writeln!(std::io::stderr(), "points tried: {points}, lost: 0, half done: 0").unwrap();
    assert!(points > 150);
}

fn at_fault(
    stage: &mut Stage,
    (name, verb): (&str, Verb),
    (fault, operations, nth): (Fault, Operations, u64),
    [before, after]: [&str; 2],
) {
    let point = format!("{name}, {fault:?} at {operations:?} {nth}");
    stage.reset();
    let vault = stage.vault();
    let cast = stage.cast(&vault, stage.alice.clone());
    stage.engine.arm(fault, operations, nth);
    let done = verb(&cast);
    assert!(!matches!(done, Err(Error::Tampered(_))), "{point}: {done:?}");
    let remembered = cast.alice.memory();
    stage.engine.disarm();
    drop(cast);
    drop(vault);
    // The process has ended; the next one opens what is there, and the patient's memory accepts it.
    let vault = stage.vault();
    let cast = stage.cast(&vault, remembered);
    let found = state(&cast);
    cast.alice.verify_stream().unwrap();
    if done.is_ok() {
        assert_eq!(found, after, "{point}: acknowledged and lost");
    } else {
        assert!(found == before || found == after, "{point}: half done\n{found}");
    }
    if found == before && before != after {
        verb(&cast).unwrap();
        assert_eq!(state(&cast), after, "{point}: repeated");
    }
}

/// A host that fails when told to.
#[derive(Debug)]
struct FailingHost {
    inner: HostDir,
    fails: Arc<std::sync::atomic::AtomicBool>,
}

impl casevault::vault::Host for FailingHost {
    fn root(&self) -> Result<casevault::crypto::Secret<32>, casevault::vault::HostError> {
        self.inner.root()
    }

    fn anchor(&self) -> Result<Option<Vec<u8>>, casevault::vault::HostError> {
        self.inner.anchor()
    }

    fn keep_anchor(&self, anchor: &[u8]) -> Result<(), casevault::vault::HostError> {
        self.failing()?;
        self.inner.keep_anchor(anchor)
    }

    fn shred_key(
        &self,
        tag: casevault::vault::ShredTag,
    ) -> Result<Option<Vec<u8>>, casevault::vault::HostError> {
        self.inner.shred_key(tag)
    }

    fn keep_shred_key(
        &self,
        tag: casevault::vault::ShredTag,
        wrapped: &[u8],
    ) -> Result<(), casevault::vault::HostError> {
        self.failing()?;
        self.inner.keep_shred_key(tag, wrapped)
    }
}

impl FailingHost {
    fn failing(&self) -> Result<(), casevault::vault::HostError> {
        if self.fails.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(std::io::Error::other("injected").into());
        }
        Ok(())
    }
}

fn try_to_enrol<'v, R: Owner>(
    vault: &'v Vault,
    clock: &Arc<ManualClock>,
    seed: u8,
) -> Result<Session<'v, R>, Error> {
    let tools = Tools::new(Arc::clone(clock), Random::seeded([seed; 32]));
    let memory = Memory::trusting(vault.trust().clone());
    Session::<R>::enrol_with(vault, keyring(ALICE), &profile("Alice"), memory, tools)
}

#[test]
fn nobody_is_enrolled_without_a_shred_key() {
    let host = tempfile::tempdir().unwrap();
    let fails = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let failing = FailingHost { inner: HostDir::open(host.path()).unwrap(), fails: Arc::clone(&fails) };
    let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]);
    let vault =
        Vault::create_with(MemoryStore::new(), failing, policy, Arc::clone(&clock), Random::seeded([1; 32]))
            .unwrap();
    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = try_to_enrol::<Patient>(&vault, &clock, 1).unwrap_err();
    assert_eq!(refused.code(), "store");
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    let alice = try_to_enrol::<Patient>(&vault, &clock, 2).unwrap();
    alice.verify_stream().unwrap();
    assert_eq!(try_to_enrol::<Patient>(&vault, &clock, 3).unwrap_err().code(), "already-enrolled");
}

fn try_to_make(engine: &Engine, host: &TempDir, round: u8) -> Result<Vault, VaultError> {
    let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]);
    let host = HostDir::open(host.path()).unwrap();
    Vault::create_with(Arc::clone(engine), host, policy, clock, Random::seeded([round; 32]))
}

#[test]
fn a_vault_whose_making_did_not_end_opens_or_is_made_anew() {
    let mut points = 0;
    for fault in Fault::ALL {
        for nth in 0.. {
            let engine: Engine = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
            let host = tempfile::tempdir().unwrap();
            engine.arm(fault, Operations::All, nth);
            drop(try_to_make(&engine, &host, 1));
            let has_failed = engine.has_failed();
            engine.disarm();
            let clock = ManualClock::at(Timestamp::at_ms(1_790_000_000_000));
            let again = HostDir::open(host.path()).unwrap();
            let opened = Vault::open_with(Arc::clone(&engine), again, clock, Random::seeded([2; 32]));
            let vault = match opened {
                Ok(vault) => vault,
                Err(VaultError::NoVault) => try_to_make(&engine, &host, 3).unwrap(),
                Err(error) => panic!("{fault:?} at {nth}: {error}"),
            };
            // Its registrars came with it.
            let tools =
                Tools::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)), Random::seeded([4; 32]));
            let memory = Memory::trusting(vault.trust().clone());
            Session::<Registrar>::sign_in_with(&vault, keyring(REGISTRAR), memory, tools).unwrap();
            points += 1;
            if !has_failed {
                break;
            }
        }
    }
    assert!(points > 20, "{points}");
}

#[test]
fn a_vault_is_not_made_over_the_host_of_another() {
    let host = tempfile::tempdir().unwrap();
    let engine = || -> Engine { Arc::new(FaultStore::new(Arc::new(MemoryStore::new()))) };
    let first = engine();
    try_to_make(&first, &host, 1).unwrap().close().unwrap();
    let kept = fs::read(host.path().join("anchor")).unwrap();
    // The first one's disk is not mounted: an empty directory stands there.
    assert_eq!(try_to_make(&engine(), &host, 2).unwrap_err().code(), "host-in-use");
    assert_eq!(fs::read(host.path().join("anchor")).unwrap(), kept);
    assert_eq!(try_to_make(&first, &host, 3).unwrap_err().code(), "vault-exists");
    Vault::open(first, HostDir::open(host.path()).unwrap()).unwrap();
}

#[test]
fn an_enrolment_that_did_not_end_is_finished_by_another() {
    let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
    let engine: Engine = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let host = tempfile::tempdir().unwrap();
    let vault = try_to_make(&engine, &host, 1).unwrap();
    let mut round = 1;
    let mut enrol = || {
        round += 1;
        try_to_enrol::<Patient>(&vault, &clock, round)
    };
    // The party and its folder are there; opening the folder fails, and so does what would have been written.
    engine.arm(Fault::Error, Operations::Commits, 1);
    assert_eq!(enrol().unwrap_err().code(), "store");
    engine.disarm();
    let alice = enrol().unwrap();
    let own = alice.open(&alice.identity_folder().unwrap()).unwrap();
    assert_eq!(own.as_identity().unwrap().profile::<Profile>().unwrap(), profile("Alice"));
    assert_eq!(own.len(), 1);
    alice.verify_stream().unwrap();
    assert_eq!(enrol().unwrap_err().code(), "already-enrolled");
}
