//! Random histories of a small clinic, through real sessions and the vault, each step held against the model on paper.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    io::Write as _,
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Attestation, Category, Severity, Standing, Thresholds},
    custodian::Errand,
    error::{Error, Misuse},
    event::Principal,
    id::{Digest, PartyId, RulingId},
    party::{Doctor, Owner, Patient, Registrar, Role},
    record::Kind,
    session::{Case, ReadPetition, Sentence, Session},
    time::{Clock as _, Timestamp, days},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

use crate::{
    model::{
        About, Answer, BARRED, HOUR, IDLE_DAYS, LONGEST_DAYS, MINUTE, Model, NEW_CASES_MAX, OPEN_CASES_MAX,
        Op, PARTIES, PATIENTS, REPORTS_MAX, SUSPENDED, Stands, WARNED, concerned,
    },
    world::{ALICE, BOB, CAROL, DAVE, REGISTRAR, World, keyring, profile},
};

const SECOND: u8 = 40;
const SEEDS: [u8; PARTIES] = [ALICE, DAVE, 6, BOB, CAROL, 7];
const STEPS: usize = 40;

fn policy(needed: u8) -> Policy {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    Policy::trusting(&cards)
        .registrars_needed(needed)
        .thresholds(Thresholds { warned: WARNED, suspended: SUSPENDED, barred: BARRED })
        .open_cases_max(u32::try_from(OPEN_CASES_MAX).unwrap())
        .new_cases_a_day_max(NEW_CASES_MAX)
        .cases_lapse_after(days(IDLE_DAYS))
        .reports_a_day_max(REPORTS_MAX)
        .longest_grant(days(LONGEST_DAYS))
}

/// The same clinic as the model's, with keys.
struct Clinic<'w> {
    world: &'w World,
    offices: [Session<'w, Registrar>; 2],
    patients: BTreeMap<usize, Session<'w, Patient>>,
    doctors: BTreeMap<usize, Session<'w, Doctor>>,
    cases: Vec<Case>,
    /// What a doctor was last shown of a case: it is tried again when it is shown no more.
    shown: BTreeMap<(usize, usize), Case>,
    letters: Vec<Digest>,
    read: BTreeMap<Digest, ReadPetition>,
    strikes: Vec<RulingId>,
    /// What the last opening showed.
    seen: Option<Seen>,
}

/// What somebody sees who opens a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    doctor: Option<usize>,
    case: usize,
    records: usize,
    /// Whether who it is whose case it is.
    is_known: bool,
}

/// Does the same for whoever it is.
macro_rules! of {
    ($clinic:ident, $party:expr, $session:ident => $does:expr) => {
        if $party < PATIENTS {
            let $session = &$clinic.patients[&$party];
            $does
        } else {
            let $session = &$clinic.doctors[&$party];
            $does
        }
    };
}

fn id(party: usize) -> PartyId {
    keyring(SEEDS[party]).party()
}

/// Whether it was done; or, if it was refused, that it was in one of the ways in which people are refused.
fn done<T>(outcome: Result<T, Error>) -> Result<Option<T>, TestCaseError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Error::Denied) => Ok(None),
        Err(Error::Misuse(
            Misuse::Closed
            | Misuse::Enrolled
            | Misuse::Lapsed
            | Misuse::NotAttested
            | Misuse::NotOwn
            | Misuse::NotWaiting
            | Misuse::Terms,
        )) => Ok(None),
        Err(error) => Err(TestCaseError::fail(format!("refused by {error:?}"))),
    }
}

fn same<T: PartialEq + Debug>(what: &str, real: T, model: T) -> Result<(), TestCaseError> {
    if real == model {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}: {real:?}, and by the model {model:?}")))
}

impl<'w> Clinic<'w> {
    fn new(world: &'w World) -> Self {
        let office = |seed| {
            Session::<Registrar>::sign_in_with(
                &world.vault,
                keyring(seed),
                world.trusting(),
                world.tools(seed),
            )
            .unwrap()
        };
        Self {
            world,
            offices: [REGISTRAR, SECOND].map(office),
            patients: BTreeMap::new(),
            doctors: BTreeMap::new(),
            cases: Vec::new(),
            shown: BTreeMap::new(),
            letters: Vec::new(),
            read: BTreeMap::new(),
            strikes: Vec::new(),
            seen: None,
        }
    }

    fn is_here(&self, party: usize) -> bool {
        self.patients.contains_key(&party) || self.doctors.contains_key(&party)
    }

    #[expect(clippy::too_many_lines, reason = "a table: a row for each thing that people do")]
    fn step(&mut self, op: Op) -> Result<bool, TestCaseError> {
        self.seen = None;
        let now = self.world.clock.now();
        let is_done = match op {
            Op::Accept { doctor, is_accepting } => {
                done(self.doctors[&doctor].accept_new_cases(is_accepting))?.is_some()
            }
            Op::Answer { registrar, letter, answer, weight, days: lasts } => {
                self.answer(registrar, letter, (answer, weight, now.plus(days(lasts))))?
            }
            Op::Appeal { party, strike } => {
                let ruling = self.strikes[strike];
                let written = done(of!(self, party, session => session.appeal(ruling, "hear me")))?;
                self.letters.extend(written);
                written.is_some()
            }
            Op::Ask { party } => done(of!(self, party, session => session.ask_to_be_vetted()))?.is_some(),
            Op::Attest { registrar, party, days: lasts } => {
                let attestation =
                    if party < PATIENTS { Attestation::patient() } else { Attestation::doctor("cardiology") };
                let attestation = attestation.until(now.plus(days(lasts)));
                done(self.offices[registrar].attest(id(party), attestation))?.is_some()
            }
            Op::Decide { registrar, letter, is_lifted } => {
                let Some(read) = self.read(registrar, letter)? else { return Ok(false) };
                let office = &self.offices[registrar];
                done(if is_lifted { office.lift(&read) } else { office.confirm(&read) })?.is_some()
            }
            Op::Enrol { party } => self.enrol(party)?,
            Op::Look { doctor, case } => self.look(doctor, case)?,
            Op::Note { doctor, case } => {
                let Some(his) = self.shown(doctor, case)? else { return Ok(false) };
                done(self.doctors[&doctor].write(&his, Kind::Note, "seen"))?.is_some()
            }
            Op::Refuse { registrar, party } => {
                let office = &self.offices[registrar];
                let refused = done(office.refuse(id(party), &office.check_list()))?.is_some();
                self.world.clock.set(Timestamp::at_ms(now.as_ms() + MINUTE));
                refused
            }
            Op::Report { party, about } => {
                let about = self.principal(about);
                let what = (Category::Abuse, Severity::Serious);
                let written = done(of!(self, party, session => session.report(about, what, "in my words")))?;
                self.letters.extend(written);
                written.is_some()
            }
            Op::Shut { doctor, whom, is_out } => {
                let (doctor, whom) = (&self.doctors[&doctor], self.principal(whom));
                done(if is_out { doctor.shut_out(whom) } else { doctor.let_in(whom) })?.is_some()
            }
            Op::SignIn { party } => self.sign_in(party)?,
            Op::Strike { registrar, party, weight, from_days, days: lasts } => {
                let from = now.plus(days(from_days));
                let sentence = Sentence::new(Category::Waste, weight, from.plus(days(lasts))).from(from);
                let ruling = done(self.offices[registrar].strike(id(party), sentence))?;
                self.strikes.extend(ruling);
                ruling.is_some()
            }
            Op::Wait { hours } => {
                self.world.clock.set(Timestamp::at_ms(now.as_ms() + u64::from(hours) * HOUR));
                true
            }
            Op::Withdraw { registrar, party } => done(self.offices[registrar].withdraw(id(party)))?.is_some(),
            Op::Assign { patient, .. }
            | Op::Close { patient, .. }
            | Op::OpenCase { patient }
            | Op::Opinion { patient, .. }
            | Op::Read { patient, .. }
            | Op::Revoke { patient, .. }
            | Op::Write { patient, .. } => self.step_of_patient(patient, op)?,
        };
        Ok(is_done)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others' are beside it")]
    fn step_of_patient(&mut self, patient: usize, op: Op) -> Result<bool, TestCaseError> {
        let (now, patient) = (self.world.clock.now(), &self.patients[&patient]);
        let is_done = match op {
            Op::Assign { case, doctor, from_days, days: lasts, .. } => {
                let terms = Terms::treatment().from(now.plus(days(from_days))).until(now.plus(days(lasts)));
                done(patient.assign(&self.cases[case], id(doctor), terms))?.is_some()
            }
            Op::Close { case, .. } => done(patient.close_case(&self.cases[case]))?.is_some(),
            Op::OpenCase { .. } => {
                let case = done(patient.open_case("a case"))?;
                let is_done = case.is_some();
                self.cases.extend(case);
                is_done
            }
            Op::Opinion { case, doctor, days: lasts, writes, .. } => {
                let terms = Terms::opinion().until(now.plus(days(lasts)));
                let terms = if writes { terms.writing() } else { terms };
                done(patient.opinion(&self.cases[case], id(doctor), terms))?.is_some()
            }
            Op::Read { case, .. } => {
                let records =
                    done(patient.open(&self.cases[case]))?.map(|chart| chart.records().unwrap().len());
                self.seen = records.map(|records| Seen { doctor: None, case, records, is_known: true });
                records.is_some()
            }
            Op::Revoke { case, doctor, .. } => done(patient.revoke(&self.cases[case], id(doctor)))?.is_some(),
            Op::Write { case, .. } => done(patient.write(&self.cases[case], Kind::Note, "worse"))?.is_some(),
            other => panic!("not a patient's: {other:?}"),
        };
        Ok(is_done)
    }

    fn enrol(&mut self, party: usize) -> Result<bool, TestCaseError> {
        fn enrol<R: Owner>(world: &World, party: usize) -> Result<Option<Session<'_, R>>, TestCaseError> {
            let (ring, tools) = (keyring(SEEDS[party]), world.tools(SEEDS[party]));
            done(Session::<R>::enrol_with(&world.vault, ring, &profile("someone"), world.trusting(), tools))
        }
        if party < PATIENTS {
            let session = enrol(self.world, party)?;
            Ok(session.map(|session| self.patients.insert(party, session)).is_some())
        } else {
            let session = enrol(self.world, party)?;
            Ok(session.map(|session| self.doctors.insert(party, session)).is_some())
        }
    }

    fn sign_in(&mut self, party: usize) -> Result<bool, TestCaseError> {
        let (vault, ring) = (&self.world.vault, keyring(SEEDS[party]));
        let (memory, tools) = (of!(self, party, session => session.memory()), self.world.tools(SEEDS[party]));
        if party < PATIENTS {
            let session = done(Session::<Patient>::sign_in_with(vault, ring, memory, tools))?;
            Ok(session.map(|session| self.patients.insert(party, session)).is_some())
        } else {
            let session = done(Session::<Doctor>::sign_in_with(vault, ring, memory, tools))?;
            Ok(session.map(|session| self.doctors.insert(party, session)).is_some())
        }
    }

    fn principal(&self, whom: About) -> Principal {
        match whom {
            About::Case(case) => Principal::Folder(self.cases[case].id()),
            About::Party(party) => Principal::Party(id(party)),
        }
    }

    /// A case as a doctor is shown it now, or was before.
    fn shown(&mut self, doctor: usize, case: usize) -> Result<Option<Case>, TestCaseError> {
        let cases = done(self.doctors[&doctor].cases())?.unwrap_or_default();
        if let Some(now) = cases.into_iter().find(|one| one.id() == self.cases[case].id()) {
            self.shown.insert((doctor, case), now);
        }
        Ok(self.shown.get(&(doctor, case)).cloned())
    }

    fn look(&mut self, doctor: usize, case: usize) -> Result<bool, TestCaseError> {
        let Some(his) = self.shown(doctor, case)? else { return Ok(false) };
        let Some(chart) = done(self.doctors[&doctor].open(&his))? else { return Ok(false) };
        let is_known = match chart.identity() {
            Err(Error::Misuse(Misuse::NoIdentity)) => false,
            outcome => done(outcome)?.is_some(),
        };
        let records = chart.records().unwrap().len();
        self.seen = Some(Seen { doctor: Some(doctor), case, records, is_known });
        Ok(true)
    }

    /// A letter, read by a registrar while it waited.
    fn read(&mut self, registrar: usize, letter: usize) -> Result<Option<ReadPetition>, TestCaseError> {
        let digest = self.letters[letter];
        if let Some(read) = self.read.get(&digest) {
            return Ok(Some(read.clone()));
        }
        let office = &self.offices[registrar];
        for errand in [Errand::Report, Errand::Appeal] {
            for waiting in office.queue(errand) {
                let waiting = waiting.unwrap();
                if waiting.letter == Some(digest) {
                    let read = done(office.read(&waiting))?;
                    self.read.extend(read.clone().map(|read| (digest, read)));
                    return Ok(read);
                }
            }
        }
        Ok(None)
    }

    fn answer(
        &mut self,
        registrar: usize,
        letter: usize,
        (answer, weight, until): (Answer, u8, Timestamp),
    ) -> Result<bool, TestCaseError> {
        let Some(read) = self.read(registrar, letter)? else { return Ok(false) };
        let office = &self.offices[registrar];
        let ruling = match answer {
            Answer::Dismiss => return Ok(done(office.dismiss(&read))?.is_some()),
            Answer::DismissAsFalse => done(office.dismiss_as_false(&read, (weight, until)))?,
            Answer::Uphold => done(office.uphold(&read, Sentence::new(Category::Abuse, weight, until)))?,
        };
        self.strikes.extend(ruling);
        Ok(ruling.is_some())
    }

    /// What was seen, what waits, and how things stand for the parties whose turn it is: a session that is asked learns what
    /// has happened, so that not all are asked each time.
    fn compare(&self, model: &Model, turns: [usize; 2]) -> Result<(), TestCaseError> {
        if let Some(Seen { doctor, case, records, is_known }) = self.seen {
            same("records", records, model.cases[case].records)?;
            same("who it is", is_known, doctor.is_none_or(|doctor| model.knows_who(doctor, case)))?;
        }
        let [one, other] = &self.offices;
        let petitions = one.queue(Errand::Report).chain(other.queue(Errand::Appeal)).map(Result::unwrap);
        let waiting = self.letters.iter().zip(&model.letters).filter(|(_, letter)| letter.is_waiting);
        let letters: BTreeSet<Digest> = petitions.filter_map(|waiting| waiting.letter).collect();
        same("letters that wait", letters, waiting.map(|(digest, _)| *digest).collect())?;
        let queue = one.queue(Errand::Application).map(|waiting| waiting.unwrap().party);
        let expected = (0..PARTIES).filter(|party| model.parties[*party].waits).map(id);
        same("who waits", queue.collect::<BTreeSet<_>>(), expected.collect())?;
        for party in turns.into_iter().filter(|party| self.is_here(*party)) {
            same("vouched for", one.vouched(id(party)).is_ok(), model.is_vouched(party))?;
            let told = of!(self, party, session => session.standing()).unwrap();
            same("standing", told.standing, standing(model.stands_at(party, model.now)))?;
            same("until", told.until.map(Timestamp::as_ms), model.better_at(party))?;
        }
        self.compare_cases(model, turns[0])
    }

    fn compare_cases(&self, model: &Model, party: usize) -> Result<(), TestCaseError> {
        for own in self.patients.get(&party).into_iter().flat_map(|patient| patient.own_cases().unwrap()) {
            let case = self.cases.iter().position(|case| case.id() == own.id()).unwrap();
            same("closed", own.is_closed(), !model.is_live(case))?;
        }
        let Some(doctor) = self.doctors.get(&party) else { return Ok(()) };
        let shown: BTreeSet<_> = doctor.cases().unwrap().iter().map(Case::id).collect();
        let granted =
            self.cases.iter().zip(&model.cases).filter(|(_, case)| case.is_granted(party, model.now));
        same("cases", shown, granted.map(|(case, _)| case.id()).collect())
    }
}

fn standing(stands: Stands) -> Standing {
    match stands {
        Stands::Good => Standing::Good,
        Stands::Warned => Standing::Warned,
        Stands::Suspended => Standing::Suspended,
        Stands::Barred => Standing::Barred,
    }
}

/// What is drawn, before it is said which case, letter or strike of those there are.
fn op() -> impl Strategy<Value = Op> {
    // Some more often than others: most of what can go wrong takes the same two more than once.
    let patient = prop_oneof![4 => Just(0usize), 1 => 1..PATIENTS];
    let doctor = prop_oneof![4 => Just(PATIENTS), 1 => PATIENTS + 1..PARTIES];
    let party = prop_oneof![patient.clone(), doctor.clone()];
    let (index, registrar) = (0usize..32, 0usize..2);
    let lasts = prop_oneof![Just(1u32), Just(3), Just(10), Just(30)];
    let weight = prop_oneof![4 => Just(1u8), 2 => Just(2), 1 => Just(4)];
    let own = (patient.clone(), index.clone());
    let his = (doctor.clone(), index.clone());
    let about = prop_oneof![party.clone().prop_map(About::Party), index.clone().prop_map(About::Case)];
    let whom = prop_oneof![patient.clone().prop_map(About::Party), index.clone().prop_map(About::Case)];
    let answer =
        prop_oneof![1 => Just(Answer::Dismiss), 1 => Just(Answer::DismissAsFalse), 2 => Just(Answer::Uphold)];
    let answered = (registrar.clone(), index.clone(), answer, weight.clone(), lasts.clone());
    let from = prop_oneof![3 => Just(0u32), 1 => Just(2)];
    let struck = (registrar.clone(), party.clone(), weight, from.clone(), lasts.clone());
    let vetted = (registrar.clone(), party.clone());
    let treats = prop_oneof![6 => lasts.clone(), 1 => Just(90)];
    let hours = prop_oneof![Just(1u32), Just(7), Just(24), Just(48), Just(120), Just(360)];
    let of_vetting = prop_oneof![
        1 => party.clone().prop_map(|party| Op::Enrol { party }),
        6 => (vetted.clone(), lasts.clone()).prop_map(|((registrar, party), days)| Op::Attest { registrar, party, days }),
        2 => vetted.clone().prop_map(|(registrar, party)| Op::Withdraw { registrar, party }),
        1 => vetted.prop_map(|(registrar, party)| Op::Refuse { registrar, party }),
        4 => party.clone().prop_map(|party| Op::Ask { party }),
        3 => party.clone().prop_map(|party| Op::SignIn { party }),
        5 => hours.prop_map(|hours| Op::Wait { hours }),
    ];
    let of_cases = prop_oneof![
        4 => patient.prop_map(|patient| Op::OpenCase { patient }),
        6 => (own.clone(), doctor.clone(), from, treats.clone()).prop_map(|((patient, case), doctor, from_days, days)| {
            Op::Assign { patient, case, doctor, from_days, days }
        }),
        3 => (own.clone(), doctor.clone(), treats, any::<bool>()).prop_map(|((patient, case), doctor, days, writes)| {
            Op::Opinion { patient, case, doctor, days, writes }
        }),
        4 => his.clone().prop_map(|(doctor, case)| Op::Look { doctor, case }),
        4 => his.prop_map(|(doctor, case)| Op::Note { doctor, case }),
        3 => own.clone().prop_map(|(patient, case)| Op::Write { patient, case }),
        1 => own.clone().prop_map(|(patient, case)| Op::Read { patient, case }),
        3 => (own.clone(), doctor.clone()).prop_map(|((patient, case), doctor)| Op::Revoke { patient, case, doctor }),
        1 => own.prop_map(|(patient, case)| Op::Close { patient, case }),
        1 => (doctor.clone(), any::<bool>()).prop_map(|(doctor, is_accepting)| Op::Accept { doctor, is_accepting }),
        3 => (doctor, whom, any::<bool>()).prop_map(|(doctor, whom, is_out)| Op::Shut { doctor, whom, is_out }),
    ];
    let of_conduct = prop_oneof![
        4 => (party.clone(), about).prop_map(|(party, about)| Op::Report { party, about }),
        4 => answered.prop_map(|(registrar, letter, answer, weight, days)| {
            Op::Answer { registrar, letter, answer, weight, days }
        }),
        3 => struck.prop_map(|(registrar, party, weight, from_days, days)| {
            Op::Strike { registrar, party, weight, from_days, days }
        }),
        3 => (party, index.clone()).prop_map(|(party, strike)| Op::Appeal { party, strike }),
        3 => (registrar, index, any::<bool>()).prop_map(|(registrar, letter, is_lifted)| {
            Op::Decide { registrar, letter, is_lifted }
        }),
    ];
    prop_oneof![3 => of_vetting, 5 => of_cases, 2 => of_conduct]
}

/// How many registrars must attest, and what is done: most are vetted at first.
fn history() -> impl Strategy<Value = (u8, Vec<Op>)> {
    let enrolled = (0..PARTIES).map(|party| Op::Enrol { party });
    let attested =
        (0..PARTIES).flat_map(|party| [0, 1].map(|registrar| Op::Attest { registrar, party, days: 30 }));
    let before: Vec<Op> = enrolled.chain(attested).collect();
    let (most, all) = (before.len() - 4, before.len());
    let before = proptest::sample::subsequence(before, most..=all);
    let steps = proptest::collection::vec(op(), STEPS);
    (1u8..=2, before, steps).prop_map(|(needed, before, steps)| (needed, [before, steps].concat()))
}

#[derive(Debug, Default)]
struct Tally {
    permitted: u64,
    refused: u64,
}

fn run(needed: u8, ops: &[Op], tally: &mut Tally) -> Result<(), TestCaseError> {
    let world = World::with(policy(needed));
    let mut clinic = Clinic::new(&world);
    let mut model = Model::new(world.clock.now().as_ms(), usize::from(needed));
    for (number, drawn) in ops.iter().enumerate() {
        let Some(op) = model.resolve(*drawn) else { continue };
        let expected = model.step(op);
        let mut step = || -> Result<(), TestCaseError> {
            same("permitted", clinic.step(op)?, expected)?;
            clinic.compare(&model, [number % PARTIES, concerned(op).unwrap_or(number % PARTIES)])
        };
        step().map_err(|error| TestCaseError::fail(format!("step {number}, {op:?}: {error}")))?;
        *(if expected { &mut tally.permitted } else { &mut tally.refused }) += 1;
    }
    Ok(())
}

/// How many histories: a few by default, all with `CASEVAULT_FULL=1`; one by its number, with `CASEVAULT_HISTORY=n`.
fn numbers() -> std::ops::Range<u64> {
    if let Some(number) = std::env::var("CASEVAULT_HISTORY").ok().and_then(|number| number.parse().ok()) {
        return number..number + 1;
    }
    let is_full = std::env::var_os("CASEVAULT_FULL").is_some_and(|value| !value.is_empty() && value != "0");
    0..if is_full { 3000 } else { 20 }
}

/// How long a history that fails is made shorter: a minute, or as `CASEVAULT_SHRINK_MS` says.
fn shrink_ms() -> u32 {
    std::env::var("CASEVAULT_SHRINK_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(60_000)
}

#[test]
fn histories_go_as_the_model_says() {
    let tally = std::cell::RefCell::new(Tally::default());
    for number in numbers() {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        let config = Config {
            cases: 1,
            failure_persistence: None,
            max_shrink_iters: u32::MAX,
            max_shrink_time: shrink_ms(),
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let outcome = runner.run(&history(), |(needed, ops)| run(needed, &ops, &mut tally.borrow_mut()));
        if let Err(TestError::Fail(reason, (needed, ops))) = outcome {
            let steps: Vec<String> =
                ops.iter().enumerate().map(|(number, op)| format!("  {number}: {op:?}")).collect();
            panic!("history {number}, {needed} must attest: {reason}\n{}", steps.join("\n"));
        }
    }
    let Tally { permitted, refused } = tally.into_inner();
    let steps = permitted + refused;
    writeln!(std::io::stderr(), "steps: {steps}, permitted: {permitted}, refused: {refused}").unwrap();
    assert!(permitted > steps / 3 && refused > steps / 10, "{permitted} permitted, {refused} refused");
}
