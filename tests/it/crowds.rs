//! Many at once: every act that was acknowledged stands once, in one order, in a stream that never goes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    crypto::Random,
    error::Error,
    id::RecordId,
    merkle::Head,
    party::{Auditor, Doctor, Patient, Role},
    record::Kind,
    session::{Case, Session, Tools},
    store::{MemoryStore, Store},
    time::{ManualClock, Timestamp},
    vault::{HostDir, Vault},
};
use tempfile::TempDir;

use crate::world::{BOB, REGISTRAR, keyring, profile};

const THREADS: u8 = 64;
/// Acts of each thread.
const ACTS: u32 = 3;
const AUDITOR: u8 = 99;
/// The first owner's seed; the others follow.
const FIRST: u8 = 100;

/// What one thread saw acknowledged: records of an owner's case, and heads of the owner's stream in the order it saw them.
#[derive(Default)]
struct Seen {
    owner: u8,
    records: Vec<RecordId>,
    heads: Vec<Head>,
}

struct Crowd {
    vault: Vault,
    clock: Arc<ManualClock>,
    _host: TempDir,
}

impl Crowd {
    fn over(store: impl Store) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
        let host = TempDir::new().unwrap();
        let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]);
        let dir = HostDir::open(host.path()).unwrap();
        let vault =
            Vault::create_with(store, dir, policy, Arc::clone(&clock), Random::seeded([1; 32])).unwrap();
        Self { vault, clock, _host: host }
    }

    fn tools(&self, number: u32) -> Tools {
        let mut seed = [0x5a; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        Tools::new(Arc::clone(&self.clock), Random::seeded(seed))
    }

    fn memory(&self) -> casevault::session::Memory {
        casevault::session::Memory::trusting(self.vault.trust().clone())
    }

    fn enrol<R: casevault::party::Owner>(&self, seed: u8, attestation: Attestation) -> Session<'_, R> {
        let tools = self.tools(u32::from(seed));
        let session =
            Session::<R>::enrol_with(&self.vault, keyring(seed), &profile("someone"), self.memory(), tools);
        let session = session.unwrap();
        let office = Session::<casevault::party::Registrar>::sign_in_with(
            &self.vault,
            keyring(REGISTRAR),
            self.memory(),
            self.tools(1000 + u32::from(seed)),
        );
        office.unwrap().attest(session.id(), attestation).unwrap();
        session
    }
}

/// Until it is done: others write to the same case all the time, and a session gives up after a few tries.
fn until_done<T>(mut act: impl FnMut() -> Result<T, Error>) -> T {
    loop {
        match act() {
            Ok(done) => return done,
            Err(error) if error.code() == "conflict" => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Patients' and doctors' threads over these owners, and what each saw.
fn run(crowd: &Crowd, owners: u8) -> Vec<Seen> {
    let mut cases: BTreeMap<u8, Case> = BTreeMap::new();
    let bob = crowd.enrol::<Doctor>(BOB, Attestation::doctor("general practice"));
    for owner in FIRST..FIRST + owners {
        let patient = crowd.enrol::<Patient>(owner, Attestation::patient());
        let case = patient.open_case("a crowd").unwrap();
        patient.assign(&case, bob.id(), Terms::treatment()).unwrap();
        cases.insert(owner, case);
    }
    let cases = &cases;
    thread::scope(|scope| {
        let acting: Vec<_> = (0..THREADS)
            .map(|number| {
                let owner = FIRST + number % owners;
                let tools = crowd.tools(5000 + u32::from(number));
                scope.spawn(move || match number % 4 {
                    3 => as_doctor(crowd, owner, &cases[&owner], tools),
                    _ => as_patient(crowd, owner, &cases[&owner], tools),
                })
            })
            .collect();
        acting.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn as_patient(crowd: &Crowd, owner: u8, case: &Case, tools: Tools) -> Seen {
    let sign_in = Session::<Patient>::sign_in_with(&crowd.vault, keyring(owner), crowd.memory(), tools);
    let patient = sign_in.unwrap();
    let mut seen = Seen { owner, ..Seen::default() };
    for act in 0..ACTS {
        seen.records.push(until_done(|| patient.write(case, Kind::Complaint, &act)));
        if act % 3 == 2 {
            let versions = until_done(|| patient.open(case).map(|chart| chart.len()));
            assert!(versions > 1, "one's own record and the title");
            seen.heads.push(patient.verify_stream().unwrap().head);
        }
    }
    seen
}

fn as_doctor(crowd: &Crowd, owner: u8, case: &Case, tools: Tools) -> Seen {
    let sign_in = Session::<Doctor>::sign_in_with(&crowd.vault, keyring(BOB), crowd.memory(), tools);
    let doctor = sign_in.unwrap();
    let his = doctor.cases().unwrap().into_iter().find(|granted| granted.id() == case.id()).unwrap();
    let mut seen = Seen { owner, ..Seen::default() };
    for act in 0..ACTS {
        seen.records.push(until_done(|| doctor.write(&his, Kind::Note, &act)));
    }
    seen
}

/// Each acknowledged record once, none that was not, and every head that was seen is the beginning of the last.
fn check(crowd: &Crowd, all: &[Seen], owners: u8) {
    let auditor = crowd.enrol::<Auditor>(AUDITOR, Attestation::auditor());
    for owner in FIRST..FIRST + owners {
        let tools = crowd.tools(9000 + u32::from(owner));
        let sign_in = Session::<Patient>::sign_in_with(&crowd.vault, keyring(owner), crowd.memory(), tools);
        let patient = sign_in.unwrap();
        let case = patient.own_cases().unwrap().remove(0);
        let chart = patient.open(&case).unwrap();
        let listed: Vec<RecordId> = chart.records().unwrap().iter().map(|record| record.id()).collect();
        let unique: BTreeSet<RecordId> = listed.iter().copied().collect();
        assert_eq!(unique.len(), listed.len(), "a record stands twice");
        let mine = all.iter().filter(|seen| seen.owner == owner);
        let acknowledged: BTreeSet<RecordId> =
            mine.clone().flat_map(|seen| seen.records.iter().copied()).collect();
        assert!(acknowledged.is_subset(&unique), "an acknowledged record is missing");
        assert_eq!(unique.len(), acknowledged.len() + 1, "more than was acknowledged, and the title");
        let mut heads: Vec<Head> = Vec::new();
        for seen in mine {
            assert!(seen.heads.windows(2).all(|pair| pair[0].size < pair[1].size), "a head went back");
            heads.extend(&seen.heads);
        }
        heads.sort_by_key(|head| head.size);
        let own = patient.verify_stream().unwrap();
        assert_eq!(auditor.check_owner(patient.id(), &heads).unwrap().head, own.head);
    }
}

/// Ends with a word if the crowd does not.
fn or_deadlock(work: impl FnOnce() + Send + 'static) {
    let (done, waiting) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    match waiting.recv_timeout(Duration::from_secs(240)) {
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => worker.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("they wait for one another"),
    }
}

#[test]
fn sixty_four_on_two_owners_lose_nothing_and_wait_for_nobody_for_ever() {
    or_deadlock(|| {
        let crowd = Crowd::over(MemoryStore::new());
        let seen = run(&crowd, 2);
        check(&crowd, &seen, 2);
    });
}

#[test]
fn one_session_in_eight_threads_takes_no_one_for_a_liar() {
    or_deadlock(|| {
        let crowd = Crowd::over(MemoryStore::new());
        let patient = crowd.enrol::<Patient>(FIRST, Attestation::patient());
        let cases: Vec<Case> = (0..4).map(|_| patient.open_case("shared").unwrap()).collect();
        let (patient, cases) = (&patient, &cases);
        let written: usize = thread::scope(|scope| {
            let acting: Vec<_> = (0..8)
                .map(|number: usize| {
                    scope.spawn(move || {
                        let case = &cases[number % cases.len()];
                        for act in 0..12 {
                            until_done(|| patient.write(case, Kind::Note, &act));
                            assert!(!patient.own_cases().unwrap().is_empty());
                        }
                        12
                    })
                })
                .collect();
            acting.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let listed: usize =
            cases.iter().map(|case| patient.open(case).unwrap().records().unwrap().len()).sum();
        assert_eq!(listed, written + cases.len());
        patient.verify_stream().unwrap();
    });
}

#[cfg(feature = "sled")]
#[test]
fn sixty_four_on_sixteen_owners_on_disk_lose_nothing() {
    or_deadlock(|| {
        let directory = TempDir::new().unwrap();
        let crowd = Crowd::over(casevault::store::SledStore::open(directory.path()).unwrap());
        let seen = run(&crowd, 16);
        check(&crowd, &seen, 16);
        let Crowd { vault, .. } = crowd;
        vault.close().unwrap();
    });
}
