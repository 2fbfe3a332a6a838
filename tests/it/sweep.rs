//! Every damage of every event of a log: found, and where, by both verifiers.
//!
//! By default a sample of a small hospital's log, spread evenly over each kind of damage; with `CASEVAULT_FULL=1` every one
//! of a log of a thousand events. Where a damage must show is worked out from the damage alone.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use casevault::{
    access::Policy,
    audit::{self, Fault, Finding},
    codec::{self, Wire},
    consent::{GrantStatement, Terms},
    credential::{
        Attestation, AttestationStatement, Category, Checked, Listing, Reveal, RulingStatement, Severity,
    },
    crypto::Signed,
    custodian::Errand,
    event::{Event, Moment, Principal, SignedEvent, Step, Verb},
    folder::Clearance,
    id::{Digest, OpId, PartyId},
    party::{Auditor, Doctor, Registrar, Role},
    record::Kind,
    session::{Case, Entry, Sentence, Session},
    time::{Timestamp, days},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    forged::{Forged, Line, base64, from_base64},
    independent::{Found, python, word},
    supervision::{SECOND, export, lines},
    world::{REGISTRAR, World, keyring},
};

const AUDITOR: u8 = 30;
const MALLORY: u8 = 50;
const DOCTORS: u8 = 60;
const PATIENTS: u8 = 100;

/// How many of each kind of damage are tried by default.
const SAMPLE: usize = 12;

fn is_full() -> bool {
    std::env::var_os("CASEVAULT_FULL").is_some_and(|value| !value.is_empty() && value != "0")
}

fn tick(world: &World) {
    world.clock.advance(Duration::from_secs(1));
}

fn granted(doctor: &Session<'_, Doctor>, case: &Case) -> Case {
    doctor.cases().unwrap().into_iter().find(|granted| granted.id() == case.id()).unwrap()
}

/// A hospital in which everything happens again and again, and a checkpoint of it that was kept early.
fn hospital(patients: u8, doctors: u8) -> (World, String) {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    let world = World::with(Policy::trusting(&cards));
    let office = world.office();
    let auditor = world.enrol::<Auditor>(AUDITOR, "Audit");
    office.attest(auditor.id(), Attestation::auditor()).unwrap();
    let doctors: Vec<_> = (DOCTORS..DOCTORS + doctors).map(|seed| world.doctor(seed, "a doctor")).collect();
    for doctor in &doctors {
        tick(&world);
        doctor.list(&Listing::new("Dr. Sparrow").reveals(Reveal::NameOnly)).unwrap();
    }
    let kept = world.vault.checkpoint().unwrap();
    for number in 0..patients {
        let (first, second) = (usize::from(number) % doctors.len(), usize::from(number + 1) % doctors.len());
        visits(&world, PATIENTS + number, (&doctors[first], &doctors[second]));
        if number % 4 == 0 {
            rulings(&world, PATIENTS + number, &doctors[first]);
        }
        if number == patients / 2 {
            office.propose(world.vault.policy().open_cases_max(9)).unwrap();
        }
        world.vault.checkpoint().unwrap();
        world.clock.advance(days(1));
    }
    tick(&world);
    office.withdraw(doctors[0].id()).unwrap();
    let mallory = world.enrol::<Doctor>(MALLORY, "Mallory");
    mallory.ask_to_be_vetted().unwrap();
    let checks = office.check_list().failed(Checked::Licence, None, "not in the register");
    office.refuse(mallory.id(), &checks).unwrap();
    doctors[1].ask_to_be_vetted().unwrap();
    tick(&world);
    office.attest(doctors[1].id(), Attestation::doctor("surgery")).unwrap();
    drop((office, auditor, mallory, doctors));
    (world, kept)
}

/// A patient enrols and has two cases: one that is treated and closed, one that stays open.
fn visits(world: &World, seed: u8, (treating, asked): (&Session<'_, Doctor>, &Session<'_, Doctor>)) {
    let patient = world.patient(seed, "a patient");
    for is_last in [false, true] {
        tick(world);
        let case = patient.open_case("a rash").unwrap();
        let complaint = patient.write(&case, Kind::Complaint, "it itches").unwrap();
        let secret = Entry::new(Kind::Note, "a secret").unwrap().cleared_for(Clearance::Restricted);
        patient.write_all(&case, vec![secret]).unwrap();
        tick(world);
        patient.assign(&case, treating.id(), Terms::treatment()).unwrap();
        tick(world);
        let his = granted(treating, &case);
        treating.open(&his).unwrap().identity().unwrap();
        treating.write(&his, Kind::Note, "eczema").unwrap();
        tick(world);
        let complaint = patient.open(&case).unwrap().record(complaint).unwrap();
        patient.amend(&case, &complaint, "it itches at night").unwrap();
        patient.opinion(&case, asked.id(), Terms::opinion().writing()).unwrap();
        tick(world);
        // Of the last case the opinion is asked for, and never given.
        if !is_last {
            let theirs = granted(asked, &case);
            asked.open(&theirs).unwrap();
            asked.write(&theirs, Kind::Note, "I agree").unwrap();
        }
        tick(world);
        patient.open(&case).unwrap();
        patient.revoke(&case, treating.id()).unwrap();
        tick(world);
        assert!(treating.open(&his).is_err(), "a denial, in the vault's own stream");
        patient.write(&case, Kind::Note, "better").unwrap();
        if !is_last {
            patient.close_case(&case).unwrap();
        }
    }
}

/// A patient is reported and struck; a doctor is struck, appeals, and is heard.
fn rulings(world: &World, patient: u8, doctor: &Session<'_, Doctor>) {
    let office = world.office();
    tick(world);
    let about = Principal::Party(keyring(patient).party());
    doctor.report(about, (Category::Abuse, Severity::Minor), "in my words").unwrap();
    tick(world);
    let report = office.queue(Errand::Report).next().unwrap().unwrap();
    let sentence = Sentence::new(Category::Abuse, 1, world.in_days(3));
    office.uphold(&office.read(&report).unwrap(), sentence).unwrap();
    tick(world);
    let ruling = office.strike(doctor.id(), sentence).unwrap();
    tick(world);
    doctor.appeal(ruling, "hear me").unwrap();
    tick(world);
    let tools = world.tools(SECOND);
    let sign_in = Session::<Registrar>::sign_in_with(&world.vault, keyring(SECOND), world.trusting(), tools);
    // Whoever struck does not judge the appeal.
    let office = sign_in.unwrap();
    let appeal = office.queue(Errand::Appeal).next().unwrap().unwrap();
    office.lift(&office.read(&appeal).unwrap()).unwrap();
}

/// One stream of the log.
struct Stream {
    owner: Principal,
    start: usize,
    lines: Vec<Line>,
}

/// Where one event stands.
#[derive(Clone, Copy)]
struct At<'l> {
    stream: &'l Stream,
    seq: usize,
    /// Its line.
    index: usize,
}

/// The log that is damaged: as the vault exported it, and as a custodian wrote it who signs again what it changes.
struct Log {
    /// Without the newlines.
    events: Vec<String>,
    parties: Vec<String>,
    forged: Forged,
    streams: Vec<Stream>,
    /// Who signs for a party.
    seeds: BTreeMap<PartyId, u8>,
}

impl Log {
    fn of(world: &World, directory: &Path) -> Self {
        let parties = fs::read_to_string(directory.join("parties.ndjson")).unwrap();
        let forged = Forged::of(world);
        let mut streams = Vec::new();
        let mut start = 0;
        for (owner, lines) in &forged.streams {
            streams.push(Stream { owner: *owner, start, lines: lines.clone() });
            start += lines.len();
        }
        Self {
            events: lines(directory),
            parties: parties.lines().map(str::to_owned).collect(),
            forged,
            streams,
            seeds: (0..=u8::MAX).map(|seed| (keyring(seed).party(), seed)).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = At<'_>> {
        self.streams.iter().flat_map(|stream| {
            (0..stream.lines.len()).map(move |seq| At { stream, seq, index: stream.start + seq })
        })
    }

    fn value(&self, index: usize) -> Value {
        serde_json::from_str(&self.events[index]).unwrap()
    }

    /// Signs an event as the party that acts, or as the vault.
    fn sign(&self, event: &Event) -> SignedEvent {
        match event.step.actor {
            Principal::Party(party) => SignedEvent::sign(event, keyring(self.seeds[&party]).signer()),
            Principal::Folder(_) | Principal::Vault(_) | _ => SignedEvent::sign(event, &Forged::signer()),
        }
    }
}

/// Where one of these faults shows.
type Shown = (RangeInclusive<u64>, &'static [Fault]);

/// What must be found: of the findings that are no warnings the first; and in a forked stream, without what was kept, the first.
struct Expected {
    first: (u64, &'static [Fault]),
    within: Option<(RangeInclusive<u64>, Option<Shown>)>,
}

fn at(index: usize, faults: &'static [Fault]) -> Expected {
    Expected { first: (u64::try_from(index).unwrap(), faults), within: None }
}

const CHECKPOINT: &[Fault] = &[Fault::Checkpoint];
const SEEN: &[Fault] = &[Fault::Seen];
/// Whatever it is.
const ANY: &[Fault] = &[];

/// An export that was damaged.
enum Made {
    /// Signed again, and judged against a checkpoint that was kept from before, and without.
    Forked(Forged),
    /// Lines of the events and of the heads.
    Lines(Vec<String>, Vec<String>),
    /// Signed again, as what an auditor sees for the first time.
    Signed(Forged),
}

/// A damage: of which kind, what it is called, how it is made.
struct Damage<'l> {
    kind: &'static str,
    name: String,
    make: Box<dyn Fn() -> (Made, Expected) + Send + Sync + 'l>,
}

/// All damages of a log, by their kinds.
struct Damages<'l> {
    log: &'l Log,
    all: Vec<Damage<'l>>,
}

impl<'l> Damages<'l> {
    fn of(log: &'l Log) -> Self {
        let mut damages = Self { log, all: Vec::new() };
        for at in log.all() {
            damages.lines(at);
            damages.altered(at);
            damages.brought(at);
            damages.forks(at);
            damages.grants(at);
        }
        damages.owners();
        damages
    }

    fn add(
        &mut self,
        kind: &'static str,
        name: String,
        make: impl Fn() -> (Made, Expected) + Send + Sync + 'l,
    ) {
        self.all.push(Damage { kind, name, make: Box::new(make) });
    }

    /// With other lines of events.
    fn events(
        &mut self,
        (kind, place): (&'static str, At<'l>),
        change: impl Fn(&mut Vec<String>) -> Expected + Send + Sync + 'l,
    ) {
        let log = self.log;
        self.add(kind, place.index.to_string(), move || {
            let mut events = log.events.clone();
            let expected = change(&mut events);
            (Made::Lines(events, log.parties.clone()), expected)
        });
    }

    /// With another line instead of one.
    fn line(
        &mut self,
        (kind, place): (&'static str, At<'l>),
        change: impl Fn(&mut Value) -> Expected + Send + Sync + 'l,
    ) {
        let log = self.log;
        self.events((kind, place), move |events| {
            let mut value = log.value(place.index);
            let expected = change(&mut value);
            events[place.index] = value.to_string();
            expected
        });
    }

    /// With a stream changed and signed again.
    fn signed(
        &mut self,
        (kind, what, place): (&'static str, &'static str, At<'l>),
        change: impl Fn(&mut Vec<Line>) -> Expected + Send + Sync + 'l,
    ) {
        let log = self.log;
        self.add(kind, format!("{} {what}", place.index), move || {
            let mut forged = log.forged.clone();
            let expected = change(forged.stream(place.stream.owner));
            let is_fork = expected.first.1 == CHECKPOINT;
            (if is_fork { Made::Forked(forged) } else { Made::Signed(forged) }, expected)
        });
    }

    /// Left out, exchanged, cut off.
    fn lines(&mut self, place: At<'l>) {
        let At { stream, seq, index } = place;
        let last = stream.lines.len() - 1;
        self.events(("event removed", place), move |events| {
            events.remove(index);
            at(
                index,
                match (seq, last) {
                    (0, 0) => &[Fault::Missing],
                    _ if seq == last => &[Fault::Stream],
                    _ => &[Fault::Position],
                },
            )
        });
        if seq < last {
            self.events(("neighbours swapped", place), move |events| {
                events.swap(index, index + 1);
                at(index, &[Fault::Position])
            });
        }
        let ended = move || at(index, if seq == 0 { &[Fault::Missing] } else { &[Fault::Stream] });
        self.events(("stream ended", place), move |events| {
            events.drain(index..=index + last - seq);
            ended()
        });
        self.events(("tail of the log cut", place), move |events| {
            events.truncate(index);
            ended()
        });
    }

    /// Another symbol, number or time.
    fn altered(&mut self, place: At<'l>) {
        let At { stream, seq, index } = place;
        self.line(("event altered", place), move |line| {
            let (altered, is_one) = other_symbol::<SignedEvent>(&line["event"], 40 + 37 * index);
            line["event"] = altered;
            at(index, if is_one { &[Fault::Signature] } else { &[Fault::Malformed] })
        });
        if !matches!(stream.lines[seq].step().actor, Principal::Vault(_)) {
            self.signed(("event altered, all signed again", "", place), move |lines| {
                let event = lines[seq].event.claims().unwrap();
                let event = event.when(|moment| Moment { salt: [9; 16], ..moment });
                lines[seq].event = SignedEvent::sign(&event, &Forged::signer());
                at(index, &[Fault::Signature])
            });
        }
        self.line(("position altered", place), move |line| {
            line["seq"] = (seq + 1).into();
            at(index, &[Fault::Position])
        });
        self.line(("time altered", place), move |line| {
            line["received"] = (line["received"].as_u64().unwrap() + 1).into();
            // Where the owner next says what it had seen, or at the stream's end.
            match contradicted(stream, seq) {
                Some(later) => at(stream.start + later, &[Fault::Seen]),
                None => at(stream.start + stream.lines.len(), &[Fault::Stream]),
            }
        });
    }

    /// What an event brings, altered and left out.
    fn brought(&mut self, place: At<'l>) {
        let index = place.index;
        for (number, brought) in place.stream.lines[place.seq].brings.iter().enumerate() {
            let (kind, _) = brought.as_object().unwrap().iter().next().unwrap();
            let kind = kind.clone();
            let (is_grant, of) = (kind == "grant", kind.clone());
            self.line(("statement altered", place), move |line| {
                let value = &mut line["brings"][number][&of];
                let (altered, is_one) = match of.as_str() {
                    "grant" => other_symbol::<GrantStatement>(value, 40 + 37 * index),
                    "attestation" => other_symbol::<Signed<AttestationStatement>>(value, 40 + 37 * index),
                    _ => other_symbol::<Signed<RulingStatement>>(value, 40 + 37 * index),
                };
                *value = altered;
                at(
                    index,
                    match (is_one, is_grant) {
                        (false, _) => &[Fault::Malformed],
                        (true, true) => &[Fault::Grant],
                        (true, false) => &[Fault::Registrar],
                    },
                )
            });
            self.line(("statement removed", place), move |line| {
                line["brings"].as_array_mut().unwrap().remove(number);
                at(index, if is_grant { &[Fault::Grant] } else { &[Fault::Registrar] })
            });
        }
    }

    /// Other continuations of a stream, signed by the vault's own key: against a checkpoint that was kept, and what was seen.
    fn forks(&mut self, place: At<'l>) {
        let At { stream, seq, index } = place;
        let log = self.log;
        let lines = u64::try_from(stream.start).unwrap();
        let whole = move |count: usize| lines..=lines + u64::try_from(count).unwrap();
        let forked = (0, CHECKPOINT);
        let contradicted = contradicted(stream, seq);
        if seq == 0 {
            return;
        }
        self.signed(("head forked", "ended", place), move |lines| {
            lines.truncate(seq);
            Expected { first: forked, within: None }
        });
        let other = move |lines: &[Line]| invented(log, stream.owner, (seq, &lines[seq - 1]));
        self.signed(("head forked", "continued otherwise", place), move |lines| {
            let line = other(lines);
            lines.truncate(seq);
            lines.push(line);
            Expected { first: forked, within: Some((whole(seq), None)) }
        });
        self.signed(("head forked", "something put between", place), move |lines| {
            let line = other(lines);
            lines.insert(seq, line);
            let place = contradicted.map(|later| u64::try_from(stream.start + later + 1).unwrap());
            let within = place.map(|place| (place..=place, SEEN));
            Expected { first: forked, within: Some((whole(lines.len()), within)) }
        });
        let told = told(stream, seq).map(|later| u64::try_from(stream.start + later - 1).unwrap());
        // Of their own, for in a sample of all there would be few.
        let is_grant = matches!(stream.lines[seq].step().verb, Verb::Assign | Verb::Grant);
        let kind = if is_grant { "head forked, a grant left out" } else { "head forked" };
        self.signed((kind, "something left out", place), move |lines| {
            lines.remove(seq);
            let within = told.map(|told| (told..=told, ANY));
            Expected { first: forked, within: Some((whole(lines.len()), within)) }
        });
        if seq + 1 < stream.lines.len() {
            self.signed(("head forked", "neighbours swapped", place), move |lines| {
                lines.swap(seq, seq + 1);
                // At the latest where the owner says what it had seen: mostly the folder tells before that.
                let from = u64::try_from(index).unwrap();
                let within = contradicted.map(|later| {
                    let last = u64::try_from(stream.start + later).unwrap();
                    (whole(lines.len()), Some((from..=last, ANY)))
                });
                Expected { first: forked, within }
            });
        }
    }

    /// An owner who is not there: in the heads, in the events, in both, and signed again without.
    fn owners(&mut self) {
        let log = self.log;
        for (number, stream) in log.streams.iter().enumerate() {
            let end = stream.start + stream.lines.len();
            let name = move |what: &str| format!("{what} {}", stream.start);
            self.add("owner missing", name("without its head"), move || {
                let mut parties = log.parties.clone();
                parties.remove(number);
                (Made::Lines(log.events.clone(), parties), at(0, &[Fault::Map]))
            });
            self.add("owner missing", name("without its events"), move || {
                let mut events = log.events.clone();
                events.drain(stream.start..end);
                (Made::Lines(events, log.parties.clone()), at(stream.start, &[Fault::Missing]))
            });
            self.add("owner missing", name("without both"), move || {
                let (mut events, mut parties) = (log.events.clone(), log.parties.clone());
                events.drain(stream.start..end);
                parties.remove(number);
                (Made::Lines(events, parties), at(0, &[Fault::Map]))
            });
            self.add("owner missing", name("signed without"), move || {
                let mut forged = log.forged.clone();
                forged.streams.remove(number);
                forged.cards.retain(|(owner, _)| *owner != stream.owner);
                (Made::Forked(forged), at(0, CHECKPOINT))
            });
        }
    }

    /// Forged grants.
    fn grants(&mut self, place: At<'l>) {
        let At { stream, seq, index } = place;
        let step = stream.lines[seq].step();
        if !matches!(step.verb, Verb::Assign | Verb::Grant | Verb::Revoke | Verb::Rotate) {
            return;
        }
        let log = self.log;
        for (kind, forgery) in FORGERIES.iter().enumerate() {
            let (name, forge) = *forgery;
            let statements = stream.lines[seq].brings.len();
            for number in 0..statements {
                self.line(("grant forged", place), move |line| {
                    forge(log, (stream, seq), number, line["brings"].as_array_mut().unwrap());
                    at(index, &[Fault::Grant])
                });
            }
            let number = index % statements;
            let forged = move |line: &Line| {
                let mut brings = line.brings.clone();
                forge(log, (stream, seq), number, &mut brings);
                let named = |brought: &Value| from_base64::<GrantStatement>(&brought["grant"]).digest();
                let grants: Vec<Digest> = brings.iter().map(named).collect();
                let event = line.event.claims().unwrap().with(|step| Step { grants, ..step });
                (brings, event)
            };
            // Under another's key: a doctor's, a registrar's, the custodian's own; each key for other forgeries of each event.
            let other =
                if stream.owner == Principal::Party(keyring(DOCTORS).party()) { MALLORY } else { DOCTORS };
            let seed = [Some(other), Some(REGISTRAR), None][(index + kind) % 3];
            self.signed(("grant forged under another's key", name, place), move |lines| {
                let (brings, event) = forged(&lines[seq]);
                let event = match seed {
                    Some(seed) => SignedEvent::sign(&event, keyring(seed).signer()),
                    None => SignedEvent::sign(&event, &Forged::signer()),
                };
                lines[seq] = Line { received: lines[seq].received, event, brings };
                at(index, &[Fault::Signature])
            });
            // In another's own name: a doctor's, or the custodian's.
            let doctor = Principal::Party(keyring(other).party());
            let actor = [doctor, Principal::Vault(log.forged.vault)][(index + kind) % 2];
            self.signed(("grant forged in another's name", name, place), move |lines| {
                let (brings, event) = forged(&lines[seq]);
                let event = log.sign(&event.with(|step| Step { actor, ..step }));
                lines[seq] = Line { received: lines[seq].received, event, brings };
                at(index, &[Fault::Folder, Fault::Identity])
            });
        }
    }
}

/// A grant's forgery: changes what an event brings, at one of its statements.
type Forge = fn(&Log, (&Stream, usize), usize, &mut Vec<Value>);

const FORGERIES: &[(&str, Forge)] = &[
    ("substituted", |log, (stream, seq), number, brings| {
        let own: GrantStatement = from_base64(&brings[number]["grant"]);
        brings[number] = another(log, (stream, seq), &own);
    }),
    ("added", |log, (stream, seq), number, brings| {
        let own: GrantStatement = from_base64(&brings[number]["grant"]);
        brings.insert(number, another(log, (stream, seq), &own));
    }),
    ("prolonged", |_, _, number, brings| {
        change(&mut brings[number], |one| {
            let ends = one.terms.ends().plus(days(365)).min(Timestamp::MAX);
            let terms = if ends == one.terms.ends() {
                one.terms.from(Timestamp::at_ms(0))
            } else {
                one.terms.until(ends)
            };
            GrantStatement { terms, ..one }
        });
    }),
    ("for another reader", |_, _, number, brings| {
        change(&mut brings[number], |one| {
            // Somebody else, also where it was Mallory's own.
            let is_hers = one.reader == keyring(MALLORY).party();
            let other = if is_hers { DOCTORS } else { MALLORY };
            GrantStatement { reader: keyring(other).party(), ..one }
        });
    }),
    ("for another card", |_, _, number, brings| {
        let cards = [MALLORY, DOCTORS].map(|seed| keyring(seed).card(Role::Doctor).digest());
        change(&mut brings[number], |one| {
            let [hers, another] = cards;
            GrantStatement { card: if one.card == hers { another } else { hers }, ..one }
        });
    }),
];

fn change(brought: &mut Value, change: impl FnOnce(GrantStatement) -> GrantStatement) {
    let before: GrantStatement = from_base64(&brought["grant"]);
    let statement = change(before);
    assert_ne!(statement, before, "a forgery changes something");
    *brought = json!({ "grant": base64(&codec::encode(&statement)) });
}

/// A real grant of another event, the next one in the log.
fn another(log: &Log, (stream, seq): (&Stream, usize), own: &GrantStatement) -> Value {
    let here = stream.start + seq;
    let others = log.all().skip(here + 1).chain(log.all().take(here));
    let mut grants = others.flat_map(|place| place.stream.lines[place.seq].brings.iter());
    let is_other = |brought: &&Value| {
        brought.get("grant").is_some_and(|grant| from_base64::<GrantStatement>(grant) != *own)
    };
    grants.find(is_other).unwrap().clone()
}

/// The first later event of a stream whose signer says it saw the stream with this one in it.
fn contradicted(stream: &Stream, seq: usize) -> Option<usize> {
    (seq + 1..stream.lines.len()).find(|later| {
        let seen = stream.lines[*later].event.claims().unwrap().moment.seen_stream;
        seen.is_some_and(|seen| seen.size > u64::try_from(seq).unwrap())
    })
}

/// The first later event of a stream that cannot be without this one, as what it says of itself shows.
fn told(stream: &Stream, seq: usize) -> Option<usize> {
    let gone = &stream.lines[seq];
    (seq + 1..stream.lines.len()).find(|later| needs(&stream.lines[*later], (seq, gone)))
}

/// Whether an event cannot be without an earlier one: by the head that was seen, or by what was before in the folder.
#[expect(clippy::wildcard_enum_match_arm, reason = "what nothing else follows on")]
fn needs(later: &Line, (seq, gone): (usize, &Line)) -> bool {
    let (event, before) = (later.event.claims().unwrap(), gone.step());
    if event.moment.seen_stream.is_some_and(|seen| seen.size > u64::try_from(seq).unwrap()) {
        return true;
    }
    let Some(folder) = before.folder else { return false };
    let given: Vec<GrantStatement> = gone.grants();
    let is_beside = later.grants().iter().any(|one| {
        one.because == Some(folder)
            && given.iter().any(|given| (given.reader, given.card) == (one.reader, one.card))
    });
    if is_beside || (before.verb == Verb::OpenFolder && event.step.owner == Principal::Folder(folder)) {
        return true;
    }
    if event.step.folder != Some(folder) {
        return false;
    }
    let is_readers = given.iter().any(|given| Principal::Party(given.reader) == event.step.actor);
    let has_seen =
        || event.moment.seen.is_some_and(|seen| before.after.is_some_and(|after| seen.size >= after.size));
    let (is_renewal, is_writing) = (
        matches!(event.step.verb, Verb::Revoke | Verb::Rotate),
        matches!(event.step.verb, Verb::Amend | Verb::Write),
    );
    let is_giving = matches!(event.step.verb, Verb::Assign | Verb::Grant);
    let uses = is_readers && (is_writing || matches!(event.step.verb, Verb::Open));
    match before.verb {
        Verb::OpenFolder => true,
        Verb::Revoke | Verb::Rotate => is_renewal || is_writing || is_giving || uses,
        Verb::Assign | Verb::Grant => is_renewal || uses,
        Verb::Amend | Verb::Write => is_renewal || is_writing || has_seen(),
        _ => false,
    }
}

/// An event that could stand there: a report by the owner, a refusal by the vault.
fn invented(log: &Log, owner: Principal, (seq, before): (usize, &Line)) -> Line {
    let verb = if matches!(owner, Principal::Party(_)) { Verb::Report } else { Verb::Deny };
    let mut act = [0xee; 16];
    act[..8].copy_from_slice(&u64::try_from(seq).unwrap().to_be_bytes());
    let place = (log.forged.vault, OpId::from_bytes(act));
    let event = Event::new(place, owner, verb, before.received, [7; 16]);
    Line { received: before.received, event: log.sign(&event), brings: Vec::new() }
}

/// One symbol of a base64 text exchanged, and whether it is still a value of its kind.
fn other_symbol<T: Wire>(text: &Value, place: usize) -> (Value, bool) {
    use base64ct::{Base64, Encoding as _};
    let mut text = text.as_str().unwrap().trim_end_matches('=').to_owned();
    let padding = (4 - text.len() % 4) % 4;
    let place = place % text.len();
    let other = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
    text.replace_range(place..=place, other);
    text.push_str(&"=".repeat(padding));
    let is_one = Base64::decode_vec(&text).is_ok_and(|bytes| codec::decode::<T>(&bytes).is_ok());
    (text.into(), is_one)
}

/// The verifier in Python, in a process that judges one export after the other.
struct Many {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Many {
    fn start(python: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/many.py");
        let mut child = Command::new(python)
            .arg("-B")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asks, says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asks, says }
    }

    fn ask(&mut self, export: &Path, kept: Option<&Path>) {
        let kept = kept.map(|kept| format!("\t{}", kept.display())).unwrap_or_default();
        writeln!(self.asks, "{}{kept}", export.display()).unwrap();
    }

    fn answer(&mut self) -> (Found, u64) {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        (serde_json::from_value(said["findings"].clone()).unwrap(), said["events"].as_u64().unwrap())
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

type OneFound = (u64, String, String, u64);

fn start(found: &Found) -> &[OneFound] {
    &found[..found.len().min(4)]
}

/// Who judges: both verifiers, and the folders in which exports are damaged.
struct Bench {
    exported: TempDir,
    forged: TempDir,
    python: Option<Many>,
}

impl Bench {
    fn new(log: &Log, world: &World, (kept, python): (&str, Option<&str>)) -> Self {
        let (exported, forged) = (export(world), tempfile::tempdir().unwrap());
        fs::write(exported.path().join("kept"), kept).unwrap();
        log.forged.write_into(forged.path());
        fs::copy(forged.path().join("checkpoint"), forged.path().join("kept")).unwrap();
        Self { exported, forged, python: python.map(Many::start) }
    }

    /// Writes it; where, and the checkpoint that was kept.
    fn write(&self, made: &Made) -> (PathBuf, Option<PathBuf>) {
        match made {
            Made::Lines(events, parties) => {
                let path = self.exported.path();
                for (name, lines) in [("events.ndjson", events), ("parties.ndjson", parties)] {
                    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
                    fs::write(path.join(name), text).unwrap();
                }
                (path.to_owned(), Some(path.join("kept")))
            }
            Made::Forked(forged) | Made::Signed(forged) => {
                let path = self.forged.path();
                forged.write_into(path);
                let kept = matches!(made, Made::Forked(_)).then(|| path.join("kept"));
                (path.to_owned(), kept)
            }
        }
    }

    /// What both find, if it is the same.
    fn judge(&mut self, path: &Path, kept: Option<&Path>) -> Result<Found, String> {
        if let Some(python) = &mut self.python {
            python.ask(path, kept);
        }
        let kept = kept.map(|kept| fs::read_to_string(kept).unwrap());
        let report = audit::verify(path, kept.as_deref()).unwrap();
        let found = |found: Finding| (found.index, word(found.fault), found.stream, found.seq);
        let ours: Found = report.findings.into_iter().map(found).collect();
        if let Some(python) = &mut self.python {
            let theirs = python.answer();
            if theirs != (ours.clone(), report.events) {
                return Err(format!(
                    "they disagree: {:?}, and in Python {:?}",
                    start(&ours),
                    start(&theirs.0)
                ));
            }
        }
        Ok(ours)
    }

    /// Whether a damage is found as it must be; what is wrong, otherwise.
    fn check(&mut self, damage: &Damage<'_>) -> Result<(), String> {
        let (made, Expected { first, within }) = (damage.make)();
        let (path, kept) = self.write(&made);
        let found = self.judge(&path, kept.as_deref())?;
        expect(worse(&found).next(), Some((first.0..=first.0, first.1)), &found)?;
        if let Some((stream, expected)) = within {
            // What was kept adds one finding and takes none away: in the long run that is not tried again each time.
            let found = if is_full() { found } else { self.judge(&path, None)? };
            let is_its = |found: &&OneFound| stream.contains(&found.0) && found.1 != word(Fault::Checkpoint);
            let first = worse(&found).find(is_its);
            expect(first, expected, &found)?;
        }
        Ok(())
    }
}

/// What is found, but for warnings.
fn worse(found: &Found) -> impl Iterator<Item = &OneFound> {
    found.iter().filter(|found| found.1 != word(Fault::Time))
}

fn expect(found: Option<&OneFound>, expected: Option<Shown>, all: &Found) -> Result<(), String> {
    match (found, &expected) {
        (None, None) => Ok(()),
        (Some(found), Some((places, faults)))
            if places.contains(&found.0)
                && (faults.is_empty() || faults.iter().any(|fault| word(*fault) == found.1)) =>
        {
            Ok(())
        }
        _ => Err(format!("not {expected:?} but {found:?}, among {:?}", start(all))),
    }
}

/// The damages that are tried: all, or of each kind some, spread evenly.
fn tried<'d, 'l>(all: &'d [Damage<'l>]) -> Vec<&'d Damage<'l>> {
    let mut of: BTreeMap<&str, Vec<&Damage<'_>>> = BTreeMap::new();
    for damage in all {
        of.entry(damage.kind).or_default().push(damage);
    }
    let some = |damages: Vec<&'d Damage<'l>>| {
        let count = if is_full() { damages.len() } else { SAMPLE.min(damages.len()) };
        (0..count).map(move |number| damages[number * damages.len() / count]).collect::<Vec<_>>()
    };
    of.into_values().flat_map(some).collect()
}

#[test]
fn a17_every_damage_of_every_event_is_found_where_it_begins_by_two_verifiers() {
    let python = python("a17_every_damage_of_every_event_is_found_where_it_begins_by_two_verifiers");
    let (world, kept) = if is_full() { hospital(18, 4) } else { hospital(2, 2) };
    let log = Log::of(&world, export(&world).path());
    let damages = Damages::of(&log).all;
    let tried = tried(&damages);
    let bench = || Bench::new(&log, &world, (&kept, python.as_deref()));
    let mut clean = bench();
    for made in [Made::Lines(log.events.clone(), log.parties.clone()), Made::Forked(log.forged.clone())] {
        let (path, kept) = clean.write(&made);
        assert_eq!(clean.judge(&path, kept.as_deref()), Ok(Vec::new()));
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for mut bench in [clean, bench()] {
            let (next, wrong, tried) = (&next, &wrong, &tried);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(damage) = tried.get(number) else { return };
                    if is_full() && number.is_multiple_of(1000) {
                        writeln!(std::io::stderr(), "{number} of {}", tried.len()).unwrap();
                    }
                    if let Err(error) = bench.check(damage) {
                        let Damage { kind, name, .. } = damage;
                        wrong.lock().unwrap().push((*kind, format!("{kind}, {name}: {error}")));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    if is_full() {
        let mut out = std::io::stderr();
        writeln!(out, "{} events in {} streams", log.events.len(), log.streams.len()).unwrap();
        let mut of: BTreeMap<&str, usize> = BTreeMap::new();
        tried.iter().for_each(|damage| *of.entry(damage.kind).or_default() += 1);
        for (kind, count) in of {
            let found = count - wrong.iter().filter(|(of, _)| *of == kind).count();
            writeln!(out, "| {kind} | {count} | {found} |").unwrap();
        }
    }
    let said: Vec<&str> = wrong.iter().take(30).map(|(_, said)| said.as_str()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), tried.len(), said.join("\n"));
}
