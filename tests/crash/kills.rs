//! `kill -9` at random moments under load: patients and doctors act at once in one process; another keeps the list of
//! what was acknowledged, and looks for all of it afterwards.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use casevault::{
    consent::Terms,
    custodian::Custodian,
    error::{Error, Misuse},
    id::Digest,
    party::{Doctor, Patient},
    record::Kind,
    session::{Memory, Session, Tools},
    time::{Clock, Timestamp},
    vault::{HostDir, Vault, VaultError},
};

use crate::{
    clinic::{
        self, ALICE, BOB, CAROL, ERIN, Refused, doctor, first_case, keyring, patient, random, trusting,
    },
    listening::{Heard, Listening},
    place::Place,
    tally::{Tally, Verdict, is_full},
    worker::{self, Said, tell, tell_acknowledged},
};

/// How many times one vault is killed before the next one takes its place.
const ROUNDS: u32 = 20;
const VAULTS_IN_FULL: u32 = 10;

/// From its first acknowledgement a worker lives less than this many milliseconds.
const LIFE_MS: u64 = 150;

/// Time that runs twenty times as fast, so that anchors fall due all the time.
#[derive(Debug, Clone, Copy)]
struct Fast {
    begun: Instant,
    from: Timestamp,
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.from.plus(self.begun.elapsed() * 20)
    }
}

/// Acts as several people at once, until it is killed.
pub(crate) fn load(place: &Place, round: u32) -> Result<(), Refused> {
    // It ends before the time at which the clinic is looked at, so that what was granted has begun by then.
    let from = clinic::clock().now().minus(Duration::from_secs(250));
    let clock = Fast { begun: Instant::now(), from };
    let host = HostDir::open(place.host()).map_err(VaultError::from)?;
    let vault = Vault::open_with(clinic::store(place)?, host, clock, random(100, round))?;
    let listening = Listening::over(&vault, tell_acknowledged);
    let tools = |who| Tools::new(clock, random(who, round));
    let memory = || trusting(&vault);
    let alice = Session::<Patient>::sign_in_with(&listening, keyring(ALICE), memory(), tools(ALICE))?;
    let erin = Session::<Patient>::sign_in_with(&listening, keyring(ERIN), memory(), tools(ERIN))?;
    let bob = Session::<Doctor>::sign_in_with(&listening, keyring(BOB), memory(), tools(BOB))?;
    thread::scope(|scope| {
        let people = [
            scope.spawn(|| until_refused(|| changes_her_mind(&alice))),
            scope.spawn(|| until_refused(|| writes(&erin))),
            scope.spawn(|| until_refused(|| reads_and_writes(&bob))),
        ];
        people.into_iter().try_for_each(|person| person.join().unwrap())
    })
}

fn until_refused(act: impl Fn() -> Result<(), Error>) -> Result<(), Refused> {
    loop {
        match act() {
            Ok(()) | Err(Error::Misuse(Misuse::Conflict)) => (),
            Err(error) => {
                let refused = Refused::from(error);
                tell(&format!("refused {refused}"));
                return Err(refused);
            }
        }
    }
}

fn changes_her_mind(alice: &Session<'_, Patient>) -> Result<(), Error> {
    let (case, carol) = (first_case(alice)?, keyring(CAROL).party());
    // Before it: whoever keeps the list knows that she may come to be either.
    tell("changing");
    if alice.who_has_access()?.iter().all(|access| access.party != carol) {
        alice.assign(&case, carol, Terms::treatment())?;
        tell("assigned");
    } else {
        alice.revoke(&case, carol)?;
        tell("revoked");
    }
    alice.write(&case, Kind::Complaint, "it still itches").map(drop)
}

fn writes(erin: &Session<'_, Patient>) -> Result<(), Error> {
    let case = first_case(erin)?;
    erin.write(&case, Kind::Complaint, "it comes and goes").map(drop)
}

fn reads_and_writes(bob: &Session<'_, Doctor>) -> Result<(), Error> {
    let case = bob.cases()?.into_iter().next().ok_or(Error::Denied)?;
    bob.open(&case)?.records()?;
    bob.write(&case, Kind::Note, "eczema, as before").map(drop)
}

/// What a worker said until it was killed, and the last that was said of the doctor who comes and goes.
struct Heart {
    said: Said,
    carol: Option<Carol>,
}

/// How it stands with the second doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carol {
    Assigned,
    Revoked,
    /// A change was under way.
    Unknown,
}

/// Runs a worker under load and kills it so long after its first acknowledgement.
fn kill_after(place: &Place, round: u32, life: Duration) -> Result<Heart, String> {
    let program = worker::program();
    let mut command = Command::new(&program[0]);
    worker::environment(command.args(&program[1..]), worker::LOAD, place, round);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (first, begun) = mpsc::channel();
    let output = child.stdout.take().unwrap();
    let keeper = thread::spawn(move || keep(output, &first));
    let has_begun = begun.recv_timeout(Duration::from_secs(60)).is_ok();
    thread::sleep(life);
    let ended_before = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let heart = keeper.join().unwrap();
    match ended_before {
        Some(status) => Err(format!("it ended by itself with {status}: {:?}", heart.said)),
        None if !has_begun => Err("it did not begin".to_owned()),
        None => Ok(heart),
    }
}

fn keep(output: ChildStdout, first: &mpsc::Sender<()>) -> Heart {
    let mut heart = Heart { said: Said::default(), carol: None };
    for line in BufReader::new(output).lines() {
        let line = line.unwrap();
        match line.as_str() {
            "changing" => heart.carol = Some(Carol::Unknown),
            "assigned" => heart.carol = Some(Carol::Assigned),
            "revoked" => heart.carol = Some(Carol::Revoked),
            _ => heart.said.hear(&line),
        }
        // Only the first is waited for, and by then nobody may listen any more.
        if !heart.said.events.is_empty() && first.send(()).is_err() {
            continue;
        }
    }
    heart
}

/// One vault's life: all that was ever acknowledged in it, and what its patients remember.
struct Watch {
    place: Place,
    acknowledged: BTreeSet<Digest>,
    memories: [(u8, Memory); 2],
}

impl Watch {
    fn over(place: Place) -> Self {
        let memory = clinic::begin(&place);
        let vault = clinic::open(&place, 1).unwrap();
        let erin = trusting(&vault);
        Self { place, acknowledged: BTreeSet::new(), memories: [(ALICE, memory), (ERIN, erin)] }
    }

    /// Kills it once; how much was acknowledged, and what became of it.
    fn round(&mut self, round: u32, life: Duration) -> (usize, Verdict) {
        let heart = match kill_after(&self.place, round, life) {
            Ok(heart) => heart,
            Err(what) => return (0, Verdict::Lost(what)),
        };
        let count = heart.said.events.len();
        if heart.said.has_panicked {
            return (count, Verdict::Panicked("in the worker".to_owned()));
        }
        self.acknowledged.extend(&heart.said.events);
        match catch_unwind(AssertUnwindSafe(|| self.check(heart.carol, round))) {
            Ok(Ok(())) => (count, Verdict::Kept),
            Ok(Err(what)) => (count, Verdict::Lost(what)),
            Err(_) => (count, Verdict::Panicked("on opening again".to_owned())),
        }
    }

    fn check(&mut self, carol: Option<Carol>, round: u32) -> Result<(), String> {
        let number = 1000 + round;
        let vault = clinic::open(&self.place, number).map_err(|error| Refused::from(error).to_string())?;
        let shown = Arc::new(Mutex::new(BTreeSet::new()));
        let listening = Listening::over(&vault, |heard| {
            if let Heard::Shown(events) = heard {
                shown.lock().unwrap().extend(events);
            }
        });
        let refused = |error: Error| Refused::from(error).to_string();
        for (who, memory) in &mut self.memories {
            *memory = read_all(&listening, (*who, number), memory.clone()).map_err(refused)?;
        }
        let missing = self.acknowledged.difference(&shown.lock().unwrap()).count();
        if missing > 0 {
            return Err(format!("{missing} of {} acknowledged events are gone", self.acknowledged.len()));
        }
        let second = doctor(&listening, (CAROL, number), trusting(&vault)).map_err(refused)?;
        let has_a_case = !second.cases().map_err(refused)?.is_empty();
        match carol {
            Some(Carol::Assigned) if !has_a_case => Err("assigned, and she has no case".to_owned()),
            Some(Carol::Revoked) if has_a_case => Err("revoked, and she has a case".to_owned()),
            Some(_) | None => vault.close().map_err(|error| Refused::from(error).to_string()),
        }
    }
}

fn read_all(custodian: &dyn Custodian, who: (u8, u32), memory: Memory) -> Result<Memory, Error> {
    let patient = patient(custodian, who, memory)?;
    patient.verify_stream()?;
    for case in patient.own_cases()? {
        patient.open(&case)?.records()?;
    }
    Ok(patient.memory())
}

#[test]
fn what_was_acknowledged_before_a_kill_under_load_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut tally = Tally::new("kills");
    let mut chance = random(200, 0);
    for vault in 0..if is_full() { VAULTS_IN_FULL } else { 1 } {
        let mut watch = Watch::over(Place::new(directory.path().join(format!("vault-{vault}"))));
        for round in 1..=ROUNDS {
            let life = Duration::from_millis(u64::from_be_bytes(chance.bytes()) % LIFE_MS);
            let (acknowledged, verdict) = watch.round(round, life);
            tally.add(&format!("vault {vault}, round {round}"), acknowledged, verdict);
        }
    }
    tally.finish();
}
