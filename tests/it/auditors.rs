//! An auditor away from the platform: the same export, page by page, from a custodian who may lie about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use casevault::{
    audit::{self, Fault},
    codec,
    consent::Terms,
    credential::{Attestation, Category},
    crypto::{Label, Random},
    custodian::{
        Answer, Custodian, ExportFile, ExportPlace, Part, Question, Refusal, Request, Response, Sender,
        Unreachable,
    },
    event::{Event, Principal, Step, Verb},
    id::{Digest, PartyId},
    limits::EXPORT_PAGE_BYTES_MAX,
    log::open_checkpoint,
    merkle::Head,
    party::{Auditor, Patient},
    record::Kind,
    session::{Memory, Sentence, Session},
    store::MemoryStore,
    time::days,
    vault::{HostDir, Vault},
};
use tempfile::TempDir;

use crate::{
    custodians::{Meanwhile, Recording, Tampering},
    supervision::{clinic, export, with_decoded},
    world::{ALICE, BOB, REGISTRAR, World, is_accepted, keyring, signed},
};

const AUDITOR: u8 = 30;

pub(crate) fn auditor<'c>(
    world: &World,
    custodian: &'c dyn Custodian,
    memory: Memory,
) -> Session<'c, Auditor> {
    Session::<Auditor>::sign_in_with(custodian, keyring(AUDITOR), memory, world.tools(AUDITOR)).unwrap()
}

/// All files under a folder, by their paths in it.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut queue, mut files) = (vec![directory.to_owned()], BTreeMap::new());
    while let Some(path) = queue.pop() {
        if path.is_dir() {
            queue.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.insert(path.strip_prefix(directory).unwrap().to_owned(), fs::read(path).unwrap());
        }
    }
    files
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

/// What a signed question asks.
pub(crate) fn asked(request: &Request) -> Option<Question> {
    let Request::Ask(query) = request else { return None };
    Some(query.claims().unwrap().question)
}

/// The pages of an export that crossed, with what was asked.
fn pages(recording: &Recording<'_>) -> Vec<(ExportFile, ExportPlace, Vec<u8>)> {
    let page = |(request, response): (Vec<u8>, Vec<u8>)| {
        let Some(Question::Export(_, file, place)) = asked(&codec::decode(&request).unwrap()) else {
            return None;
        };
        let Response::Answer(Answer::Export(page, _)) = codec::decode(&response).unwrap() else {
            return None;
        };
        Some((file, place, page.to_vec()))
    };
    recording.messages().into_iter().filter_map(page).collect()
}

fn head(world: &World, note: &str) -> Head {
    let trust = world.vault.trust();
    open_checkpoint(note, trust.vault, &trust.vault_key).unwrap()
}

/// The steps of the vault's own stream.
fn vault_steps(world: &World) -> Vec<Step> {
    let Response::Answer(Answer::Stream(page)) = world.ask(REGISTRAR, Question::VaultStream(0)) else {
        panic!("no stream")
    };
    page.events.iter().map(|streamed| streamed.event.claimed_step().unwrap()).collect()
}

#[test]
fn what_an_auditor_fetches_is_what_the_platform_writes_byte_for_byte() {
    let world = clinic();
    let written = export(&world);
    let recording = Recording::over(&world.vault);
    let auditor = auditor(&world, &recording, world.trusting());
    let before = recording.messages().len();
    let place = TempDir::new().unwrap();
    let there = place.path().join("export");
    let checkpoint = auditor.fetch(&there).unwrap();
    assert!(files(&there) == files(written.path()), "other bytes");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing beside it");
    let pages = pages(&recording);
    let events = pages.iter().filter(|(file, ..)| *file == ExportFile::Events).count();
    assert!(events > 1, "{events} pages");
    assert!(pages.iter().all(|(.., page)| page.len() <= EXPORT_PAGE_BYTES_MAX));
    // Who took it, and which, stands in the vault's stream, once, and came before any page.
    let of_exports = |steps: Vec<Step>| -> Vec<Step> {
        steps.into_iter().filter(|step| step.verb == Verb::Export).collect()
    };
    let steps = of_exports(vault_steps(&world));
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((step.actor, step.subject), (Principal::Party(auditor.id()), Some(checkpoint.head.root)));
    let crossed = recording.messages().split_off(before);
    let order: Vec<bool> = crossed
        .iter()
        .map(|(request, _)| codec::decode::<Request>(request).unwrap())
        .filter(|request| matches!(asked(request), Some(Question::Export(..)) | None))
        .filter(|request| !matches!(request, Request::Hello))
        .map(|request| matches!(request, Request::Submit(_)))
        .collect();
    assert!(order[0] && order[1..].iter().all(|is_submission| !is_submission), "{order:?}");
    // The folder is another's now.
    assert_eq!(auditor.fetch(&there).unwrap_err().code(), "export-not-empty");
    // It stands in the next export, and is in order there.
    world.vault.checkpoint().unwrap();
    let report = auditor.audit(place.path().join("next")).unwrap();
    assert_eq!((report.findings, report.log.size), (Vec::new(), checkpoint.head.size + 1));
    assert_eq!(of_exports(vault_steps(&world)).len(), 2);
}

#[test]
fn an_empty_folder_is_filled_and_one_that_holds_something_is_left_alone() {
    let world = World::new();
    let auditor = attested(&world, &world.vault);
    let place = TempDir::new().unwrap();
    auditor.fetch(place.path().join("a/b/new")).unwrap();
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    auditor.fetch(&empty).unwrap();
    assert!(empty.join("events.ndjson").exists());
    let full = place.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "mine").unwrap();
    assert_eq!(auditor.fetch(&full).unwrap_err().code(), "export-not-empty");
    assert_eq!(files(&full), BTreeMap::from([("mine".into(), b"mine".to_vec())]));
    let file = place.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert_eq!(auditor.fetch(&file).unwrap_err().code(), "export-files");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

pub(crate) fn attested<'w>(world: &'w World, custodian: &'w dyn Custodian) -> Session<'w, Auditor> {
    let auditor = world.enrol::<Auditor>(AUDITOR, "Audit");
    world.office().attest(auditor.id(), Attestation::auditor()).unwrap();
    self::auditor(world, custodian, world.trusting())
}

/// How a page is falsified: what was asked, the page, where it says the next one is.
type Lie = fn(ExportFile, &mut Vec<u8>, &mut Option<ExportPlace>);

fn lines_of(page: &[u8]) -> Vec<Vec<u8>> {
    page.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn changed(page: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines = lines_of(page);
    change(&mut lines);
    *page = lines.concat();
}

/// Lies in the first page that crosses of a file, or in all of them.
fn lying(between: &Tampering<'_>, of: fn(ExportFile) -> bool, is_for_good: bool, lie: Lie) {
    let mut told = false;
    between.changing(move |request, response| {
        if let (Some(Question::Export(_, file, _)), Response::Answer(Answer::Export(page, next))) =
            (asked(request), response)
            && of(file)
            && (is_for_good || !told)
        {
            told = true;
            let mut bytes = page.to_vec();
            lie(file, &mut bytes, next);
            *page = bytes.into();
        }
    });
}

const EVENTS: fn(ExportFile) -> bool = |file| file == ExportFile::Events;
const PARTIES: fn(ExportFile) -> bool = |file| file == ExportFile::Parties;
const POLICY: fn(ExportFile) -> bool = |file| file == ExportFile::Policy;
const LOG: fn(ExportFile) -> bool = |file| matches!(file, ExportFile::LogEntries(_));

/// Replaces a text in a page by one that is as long.
fn replaced(page: &mut Vec<u8>, before: &str, after: &str) {
    let text = String::from_utf8(page.clone()).unwrap();
    assert!(text.contains(before));
    *page = text.replace(before, after).into_bytes();
}

/// What a lie is called, in which file it is told, whether in all its pages, how, and as what the fetch finds it.
type Told = (&'static str, fn(ExportFile) -> bool, bool, Lie, &'static str);

const LIES: &[Told] = &[
    (
        "an event left out",
        EVENTS,
        false,
        |_, page, _| changed(page, |lines| drop(lines.pop())),
        "tampered-stream",
    ),
    ("ends early", EVENTS, false, |_, _, next| *next = None, "tampered-stream"),
    (
        "an event twice",
        EVENTS,
        false,
        |_, page, _| changed(page, |lines| lines.push(lines[0].clone())),
        "tampered-stream",
    ),
    (
        "endless events",
        EVENTS,
        true,
        |_, _, next| {
            let bucket = next.map_or(1, |next| next.bucket + 1);
            *next = Some(ExportPlace { bucket, ..ExportPlace::default() });
        },
        // The honest vault behind it has nothing there.
        "tampered-answer",
    ),
    (
        "endless, as if there were always one more",
        EVENTS,
        true,
        |_, page, next| {
            *page = b"{}\n".repeat(1000);
            let within = next.map_or(1 << 40, |next| next.within + 1);
            *next = Some(ExportPlace { within, ..ExportPlace::default() });
        },
        "tampered-stream",
    ),
    (
        "a place that is no further",
        EVENTS,
        true,
        |_, _, next| *next = Some(ExportPlace::default()),
        "tampered-answer",
    ),
    ("an empty page", EVENTS, false, |_, page, _| page.clear(), "tampered-answer"),
    ("half a line", EVENTS, false, |_, page, _| page.truncate(page.len() - 1), "tampered-stream"),
    (
        "a page without end",
        EVENTS,
        false,
        |_, page, _| page.resize(EXPORT_PAGE_BYTES_MAX + 1, b'\n'),
        "tampered-answer",
    ),
    (
        "most heads left out",
        PARTIES,
        false,
        |_, page, _| changed(page, |lines| lines.truncate(2)),
        "tampered-stream",
    ),
    (
        "more heads than there are streams",
        PARTIES,
        false,
        |_, page, _| {
            changed(page, |lines| lines.extend([lines.clone(), lines.clone(), lines.clone()].concat()))
        },
        "tampered-stream",
    ),
    (
        "another vault",
        POLICY,
        false,
        |_, page, _| replaced(page, "\"vault\": \"", "\"vault\": \"0"),
        "tampered-trust",
    ),
    (
        "another origin",
        POLICY,
        false,
        |_, page, _| replaced(page, "casevault/", "casevault/0"),
        "tampered-trust",
    ),
    (
        "another key",
        POLICY,
        false,
        |_, page, _| {
            use base64ct::{Base64, Encoding as _};
            let mut policy: serde_json::Value = serde_json::from_slice(page).unwrap();
            let other = keyring(66).signer().verifying_key();
            policy["vault_key"] = Base64::encode_string(other.as_bytes()).into();
            *page = policy.to_string().into_bytes();
        },
        "tampered-trust",
    ),
    (
        "another first policy",
        POLICY,
        false,
        |_, page, _| {
            use base64ct::{Base64, Encoding as _};
            let card = keyring(66).card(casevault::party::Role::Registrar);
            let other = casevault::access::Policy::trusting([&card]);
            let mut policy: serde_json::Value = serde_json::from_slice(page).unwrap();
            policy["first"] = Base64::encode_string(&codec::encode(&other)).into();
            *page = policy.to_string().into_bytes();
        },
        "tampered-trust",
    ),
    (
        "a policy left out",
        POLICY,
        false,
        |_, page, _| {
            let mut policy: serde_json::Value = serde_json::from_slice(page).unwrap();
            assert!(!policy["charters"].as_array().unwrap().is_empty());
            policy["charters"] = serde_json::json!([]);
            *page = policy.to_string().into_bytes();
        },
        "tampered-trust",
    ),
    (
        "other fingerprints, for people to compare",
        POLICY,
        false,
        |_, page, _| {
            let mut policy: serde_json::Value = serde_json::from_slice(page).unwrap();
            policy["registrars"][0]["fingerprint"] = "ab".repeat(32).into();
            *page = policy.to_string().into_bytes();
        },
        "tampered-trust",
    ),
    ("an entry of the log altered", LOG, false, |_, page, _| page[40] ^= 1, "tampered-stream"),
    ("an entry of the log cut", LOG, false, |_, page, _| page.truncate(page.len() - 1), "tampered-stream"),
    ("an entry of the log more", LOG, false, |_, page, _| page.extend(page.clone()), "tampered-stream"),
];

#[test]
fn a17_a_custodian_who_gives_less_or_more_or_another_is_found_and_nothing_is_left() {
    let world = supervised();
    let between = Tampering::over(&world.vault);
    for (number, (name, of, is_for_good, lie, code)) in LIES.iter().enumerate() {
        let auditor = auditor(&world, &between, world.trusting());
        let place = TempDir::new().unwrap();
        lying(&between, *of, *is_for_good, *lie);
        let found = auditor.fetch(place.path().join("export")).map(drop).map_err(|error| error.code());
        assert_eq!(found, Err(*code), "{number}: {name}");
        assert!(is_empty(place.path()), "{name}: something is left");
        between.honest();
    }
    let place = TempDir::new().unwrap();
    auditor(&world, &between, world.trusting()).audit(place.path().join("export")).unwrap();
}

/// A clinic that has a checkpoint, a day later: another is due.
fn supervised() -> World {
    let world = clinic();
    world.vault.checkpoint().unwrap();
    world.clock.advance(days(1));
    world
}

/// How a page is damaged, and what that is called.
type Way = (&'static str, fn(&mut Vec<u8>));

#[test]
fn a17_whatever_is_changed_in_a_page_the_fetch_or_the_audit_finds_it() {
    let world = supervised();
    let recording = Recording::over(&world.vault);
    let place = TempDir::new().unwrap();
    auditor(&world, &recording, world.trusting()).fetch(place.path().join("clean")).unwrap();
    let count = pages(&recording).len();
    assert!(count >= 5, "{count} pages");
    let ways: [Way; 3] = [
        ("altered", |page| {
            let middle = page.len() / 2;
            let at = (middle..page.len()).find(|at| page[*at].is_ascii_alphanumeric()).unwrap_or(middle);
            page[at] = if page[at] == b'A' { b'B' } else { b'A' };
        }),
        ("cut", |page| changed(page, |lines| drop(lines.remove(lines.len() / 2)))),
        ("in another order", |page| changed(page, |lines| lines.rotate_left(1))),
    ];
    let between = Tampering::over(&world.vault);
    let mut by = BTreeMap::new();
    for number in 0..count {
        for (name, way) in ways {
            let auditor = auditor(&world, &between, world.trusting());
            let mut so_far = 0;
            let touched = Arc::new(AtomicUsize::new(0));
            let touching = Arc::clone(&touched);
            between.changing(move |_, response| {
                if let Response::Answer(Answer::Export(page, _)) = response {
                    if so_far == number {
                        let mut bytes = page.to_vec();
                        way(&mut bytes);
                        if bytes != page.to_vec() {
                            touching.store(1, Ordering::Relaxed);
                        }
                        *page = bytes.into();
                    }
                    so_far += 1;
                }
            });
            let place = TempDir::new().unwrap();
            let report = auditor.audit(place.path().join("export"));
            let found = match &report {
                Ok(report) if report.findings.is_empty() => "nothing",
                Ok(_) => "the audit",
                Err(_) => "the fetch",
            };
            let is_touched = touched.load(Ordering::Relaxed) == 1;
            assert!(found != "nothing" || !is_touched, "page {number}, {name}");
            // The evidence stays; half an export does not.
            assert_eq!(is_empty(place.path()), report.is_err(), "page {number}, {name}");
            *by.entry(found).or_insert(0) += 1;
            between.honest();
        }
    }
    assert!(by["the audit"] > 3 && by["the fetch"] > 3, "{by:?}");
}

#[test]
fn a6_anothers_card_under_a_doctors_name_is_found() {
    let world = supervised();
    let between = Tampering::over(&world.vault);
    let auditor = auditor(&world, &between, world.trusting());
    between.changing(|_, response| {
        if let Response::Answer(Answer::Export(page, _)) = response {
            let name = format!("party:{}", keyring(BOB).party().to_hex());
            let mut bytes = page.to_vec();
            changed(&mut bytes, |lines| {
                for line in lines.iter_mut() {
                    let mut said: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
                    if said["stream"] == name.as_str() && !said["card"].is_null() {
                        use base64ct::{Base64, Encoding as _};
                        let other = codec::encode(&keyring(66).card(casevault::party::Role::Doctor));
                        said["card"] = Base64::encode_string(&other).into();
                        *line = format!("{said}\n").into_bytes();
                    }
                }
            });
            *page = bytes.into();
        }
    });
    let place = TempDir::new().unwrap();
    let report = auditor.audit(place.path().join("export")).unwrap();
    let faults: BTreeSet<Fault> = report.findings.iter().map(|found| found.fault).collect();
    assert!(faults.contains(&Fault::Malformed), "{faults:?}");
}

#[test]
fn a5_a_checkpoint_that_is_older_or_another_logs_is_refused() {
    let world = clinic();
    let early = world.vault.checkpoint().unwrap();
    world.clock.advance(days(1));
    world.enrol::<Patient>(60, "one more");
    let between = Tampering::over(&world.vault);
    let auditor = auditor(&world, &between, world.trusting());
    let place = TempDir::new().unwrap();
    auditor.fetch(place.path().join("first")).unwrap();
    let root = head(&world, &early).root;
    let other = {
        use casevault::log::{NoteSigner, SignedCheckpoint, origin};
        let origin = origin(world.vault.trust().vault).unwrap();
        let stranger = keyring(66);
        let signer = NoteSigner::new(origin, stranger.signer());
        SignedCheckpoint::sign(Head { size: 9, root }, &signer).unwrap().to_string()
    };
    for note in [early, other, String::new()] {
        let shown = note.clone();
        between.changing(move |_, response| {
            if let Response::Answer(Answer::Checkpoint(note, growth)) = response {
                note.clone_from(&shown);
                growth.clear();
            }
        });
        let code = auditor.fetch(place.path().join("second")).unwrap_err().code();
        assert_eq!(code, "tampered-stream", "{note}");
        between.honest();
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    auditor.fetch(place.path().join("second")).unwrap();
}

/// A vault as it is now, with all that its host keeps: what a thief of the whole machine would have.
fn copied(world: &World) -> (TempDir, Vault) {
    let host = TempDir::new().unwrap();
    for (path, bytes) in files(world.host.path()) {
        let path = host.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let store = MemoryStore::new();
    store.restore(&world.store.snapshot());
    let clock = Arc::clone(&world.clock);
    let opened = HostDir::open(host.path()).unwrap();
    let vault = Vault::open_with(store, opened, clock, Random::seeded([8; 32])).unwrap();
    (host, vault)
}

#[test]
fn a5_a_later_audit_is_held_to_the_earlier_and_finds_a_restored_backup_and_a_fork() {
    let world = clinic();
    // Who signs in the first time does something in its own stream, which would tell already.
    drop(auditor(&world, &world.vault, world.trusting()));
    world.vault.checkpoint().unwrap();
    let (_backup_host, backup) = copied(&world);
    let (_fork_host, fork) = copied(&world);
    world.clock.advance(days(1));
    world.enrol::<Patient>(60, "one more");
    world.vault.checkpoint().unwrap();
    let place = TempDir::new().unwrap();
    let first = auditor(&world, &world.vault, world.trusting());
    let report = first.audit(place.path().join("first")).unwrap();
    assert_eq!(report.findings, []);
    let kept = first.save();
    let memory = || Memory::open(&kept, &keyring(AUDITOR)).unwrap();
    // The log goes on elsewhere: longer, and in order in itself.
    let elsewhere =
        Session::<Patient>::sign_in_with(&fork, keyring(ALICE), world.trusting(), world.tools(71)).unwrap();
    for round in 0..3 {
        world.clock.advance(days(1));
        elsewhere.open_case(&format!("another {round}")).unwrap();
        fork.checkpoint().unwrap();
    }
    for (name, vault) in [("a backup", &backup), ("a fork", &fork)] {
        let next = auditor(&world, vault, memory());
        let code = next.audit(place.path().join("next")).unwrap_err().code();
        assert_eq!(code, "tampered-stream", "{name}");
        assert!(!place.path().join("next").exists());
        // Who has no memory cannot know: that is what it is for.
        auditor(&world, vault, world.trusting()).audit(place.path().join(name)).unwrap();
    }
    let next = auditor(&world, &world.vault, memory());
    assert_eq!(next.audit(place.path().join("next")).unwrap().findings, []);
}

#[test]
fn a_fork_that_was_shown_to_one_auditor_is_found_by_another_in_what_the_first_one_signed() {
    let world = clinic();
    world.vault.checkpoint().unwrap();
    let (_host, fork) = copied(&world);
    world.clock.advance(days(1));
    let place = TempDir::new().unwrap();
    let recording = Recording::over(&fork);
    world.enrol::<Patient>(60, "one more");
    world.vault.checkpoint().unwrap();
    let elsewhere =
        Session::<Patient>::sign_in_with(&fork, keyring(ALICE), world.trusting(), world.tools(71)).unwrap();
    elsewhere.open_case("another").unwrap();
    fork.checkpoint().unwrap();
    let misled = auditor(&world, &recording, world.trusting());
    misled.fetch(place.path().join("misled")).unwrap();
    // The custodian keeps up appearances, and puts what was signed where all look.
    let signed = recording.submissions().pop().unwrap();
    assert_eq!(
        world.submit(None, signed.parts.clone()),
        Response::Refused(Refusal::Conflict),
        "not this log"
    );
    let found = {
        // A vault that takes it has it in its stream for the next auditor.
        let mut forged = crate::forged::Forged::of(&world);
        forged.takes(signed.parts[0].event.clone(), world.in_days(0));
        let (directory, _) = forged.write();
        audit::verify(directory.path(), None).unwrap().findings
    };
    let faults: Vec<Fault> = found.iter().map(|found| found.fault).collect();
    assert_eq!(faults, [Fault::Seen]);
}

const FILES: [ExportFile; 4] =
    [ExportFile::Events, ExportFile::LogEntries(0), ExportFile::Parties, ExportFile::Policy];

/// That an auditor takes an export: signed, by whom and about whose stream it says.
fn taken(world: &World, seed: u8, root: Digest, op: u8) -> Event {
    let event = world.event(Principal::Party(keyring(seed).party()), Verb::Export, op);
    let owner = Principal::Vault(world.vault.trust().vault);
    event.with(|step| Step { owner, subject: Some(root), ..step })
}

/// All that one may try who wants an export, and what the custodian said.
fn tried(world: &World, seed: u8, root: Digest, op: u8) -> Vec<Response> {
    let mut said =
        vec![world.ask(seed, Question::BeginExport(0)), world.ask(seed, Question::BeginExport(1 << 40))];
    said.push(world.submit(None, vec![signed(seed, &taken(world, seed, root, op))]));
    let own = Some(Sender { owner: keyring(seed).party(), token: [1; 32] });
    said.push(world.submit(own, vec![signed(seed, &taken(world, seed, root, op))]));
    for file in FILES {
        for within in [0, 1 << 40] {
            let place = ExportPlace { within, ..ExportPlace::default() };
            said.push(world.ask(seed, Question::Export(root, file, place)));
        }
    }
    said
}

#[test]
fn a16_a31_who_is_no_auditor_or_not_any_more_gets_nothing_and_learns_nothing() {
    let world = clinic();
    let office = world.office();
    world.vault.checkpoint().unwrap();
    let [unvetted, barred, withdrawn, lapsed] = [31, 32, 33, 34];
    for seed in [unvetted, barred, withdrawn, lapsed] {
        world.enrol::<Auditor>(seed, "another");
    }
    let id = |seed: u8| keyring(seed).party();
    for seed in [barred, withdrawn] {
        office.attest(id(seed), Attestation::auditor()).unwrap();
    }
    office.attest(id(lapsed), Attestation::auditor().until(world.in_days(1))).unwrap();
    office.strike(id(barred), Sentence::new(Category::Fraud, 9, world.in_days(90))).unwrap();
    office.withdraw(id(withdrawn)).unwrap();
    world.clock.advance(days(2));
    let root = head(&world, &world.vault.checkpoint().unwrap()).root;
    // An auditor's fetch is under way: what it may see, nobody else does.
    let honest = auditor(&world, &world.vault, world.trusting());
    let place = TempDir::new().unwrap();
    honest.fetch(place.path().join("export")).unwrap();
    let before = head(&world, &world.vault.checkpoint().unwrap()).size;
    let known = head(&world, &fs::read_to_string(place.path().join("export/checkpoint")).unwrap()).root;
    assert_eq!(known, root);
    let absent = world.ask(BOB, Question::Stream(PartyId::from_bytes([9; 32]), 0));
    assert_eq!(absent, Response::Refused(Refusal::Denied));
    world.clock.advance(days(1));
    for (number, seed) in (0u8..).zip([ALICE, BOB, REGISTRAR, 99, unvetted, barred, withdrawn, lapsed]) {
        for root in [root, Digest::from_bytes([7; 32])] {
            for said in tried(&world, seed, root, 100 + number) {
                assert_eq!(said, absent, "{seed}");
            }
        }
    }
    // Nothing was done for them: no checkpoint, no event of theirs, and the auditor's fetch stands.
    let newest = world.send(&Request::Checkpoint(0));
    let Response::Checkpoint(note, _) = newest else { panic!("no checkpoint") };
    assert_eq!(head(&world, &note).size, before);
    let exporters: Vec<Principal> = vault_steps(&world)
        .into_iter()
        .filter(|step| step.verb == Verb::Export)
        .map(|step| step.actor)
        .collect();
    assert_eq!(exporters, [Principal::Party(id(AUDITOR))]);
    let page = world.ask(AUDITOR, Question::Export(root, ExportFile::Policy, ExportPlace::default()));
    assert!(matches!(page, Response::Answer(Answer::Export(..))));
}

#[test]
fn a15_no_page_is_given_before_its_event_is_on_record() {
    let world = clinic();
    let begin = || {
        let Response::Answer(Answer::Checkpoint(note, _)) = world.ask(AUDITOR, Question::BeginExport(0))
        else {
            panic!("not begun")
        };
        head(&world, &note).root
    };
    let page = |root| world.ask(AUDITOR, Question::Export(root, ExportFile::Events, ExportPlace::default()));
    let conflict = Response::Refused(Refusal::Conflict);
    let root = begin();
    assert_eq!(page(root), conflict, "not on record");
    // An event about another checkpoint, one that brings company, one in one's own stream: none of them counts.
    let other = taken(&world, AUDITOR, Digest::from_bytes([7; 32]), 1);
    assert_eq!(world.submit(None, vec![signed(AUDITOR, &other)]), conflict);
    let two: Vec<Part> = [2, 3].map(|op| signed(AUDITOR, &taken(&world, AUDITOR, root, op))).into();
    assert_eq!(world.submit(None, two), Response::Refused(Refusal::Malformed));
    let vault = world.vault.trust().vault;
    let token = *keyring(AUDITOR).derive_own(Label::Sender, &[vault.as_bytes()]).expose();
    let own = Sender { owner: keyring(AUDITOR).party(), token };
    for owner in [Principal::Vault(vault), Principal::Party(keyring(AUDITOR).party())] {
        let event = taken(&world, AUDITOR, root, 4).with(|step| Step { owner, ..step });
        let said = world.submit(Some(own.clone()), vec![signed(AUDITOR, &event)]);
        assert_eq!(said, Response::Refused(Refusal::Denied), "in one's own stream");
    }
    assert_eq!(page(root), conflict);
    assert!(vault_steps(&world).iter().all(|step| step.verb != Verb::Export));
    assert!(is_accepted(&world.submit(None, vec![signed(AUDITOR, &taken(&world, AUDITOR, root, 5))])));
    assert!(matches!(page(root), Response::Answer(Answer::Export(..))));
    assert_eq!(page(Digest::from_bytes([7; 32])), conflict);
    // Begun again at the same checkpoint, it goes on; at a later one, the earlier is over.
    assert_eq!(begin(), root);
    assert!(matches!(page(root), Response::Answer(Answer::Export(..))));
    world.clock.advance(days(1));
    let later = begin();
    assert!(later != root && page(root) == conflict && page(later) == conflict);
}

#[test]
fn a16_who_loses_the_right_meanwhile_is_given_no_more_and_keeps_nothing() {
    let world = clinic();
    let awaited: fn(&Request) -> bool =
        |request| matches!(asked(request), Some(Question::Export(_, ExportFile::Events, _)));
    let id = keyring(AUDITOR).party();
    let slow = Meanwhile::over(&world.vault, awaited, || drop(world.office().withdraw(id).unwrap()));
    let auditor = auditor(&world, &slow, world.trusting());
    let place = TempDir::new().unwrap();
    assert_eq!(auditor.fetch(place.path().join("export")).unwrap_err().code(), "denied");
    assert!(slow.has_acted() && is_empty(place.path()));
}

/// Does something before each page it carries.
struct Busy<'c> {
    inner: &'c dyn Custodian,
    act: Box<dyn Fn() + Send + Sync + 'c>,
    pages: Mutex<usize>,
}

impl Custodian for Busy<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        if let Some(Question::Export(..)) = asked(&codec::decode(message).unwrap()) {
            *self.pages.lock().unwrap() += 1;
            (self.act)();
        }
        self.inner.exchange(message)
    }
}

#[test]
fn a_fetch_ends_with_what_its_checkpoint_has_though_the_log_grows_with_every_page() {
    let world = World::new();
    attested(&world, &world.vault);
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("a rash").unwrap();
    // The map has one bucket still, and gets more while it is read.
    for seed in 100..155 {
        world.enrol::<Patient>(seed, "one of many");
    }
    let written = export(&world);
    let counter = AtomicUsize::new(0);
    let act = || {
        let round = counter.fetch_add(1, Ordering::Relaxed);
        alice.write(&case, Kind::Note, "more").unwrap();
        if let Some(seed) = u8::try_from(160 + round).ok().filter(|seed| *seed < 190) {
            world.enrol::<Patient>(seed, "one more");
        }
        world.vault.checkpoint().unwrap();
    };
    let busy = Busy { inner: &world.vault, act: Box::new(act), pages: Mutex::new(0) };
    let auditor = auditor(&world, &busy, world.trusting());
    let place = TempDir::new().unwrap();
    let checkpoint = auditor.fetch(place.path().join("export")).unwrap();
    let pages = *busy.pages.lock().unwrap();
    assert!((5..40).contains(&pages), "{pages} pages");
    assert!(world.vault.checkpoint().unwrap() != checkpoint.note);
    assert!(files(&place.path().join("export")) == files(written.path()), "other bytes");
    // And what came meanwhile is in the next one, in order.
    drop(busy);
    world.clock.advance(days(1));
    let next = self::auditor(&world, &world.vault, world.trusting());
    let report = next.audit(place.path().join("next")).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.streams > 64, "more buckets than one");
}

#[test]
fn a_fetch_that_the_custodian_gave_up_begins_anew() {
    let world = clinic();
    let awaited: fn(&Request) -> bool =
        |request| matches!(asked(request), Some(Question::Export(_, ExportFile::Events, _)));
    let slow = Meanwhile::over(&world.vault, awaited, || {
        // The same auditor begins elsewhere, later.
        world.clock.advance(Duration::from_secs(61));
        world.enrol::<Patient>(60, "one more");
        world.ask(AUDITOR, Question::BeginExport(0));
    });
    let auditor = auditor(&world, &slow, world.trusting());
    let place = TempDir::new().unwrap();
    let report = auditor.audit(place.path().join("export")).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    // One that gives up every time is not believed to go on some day.
    let between = Tampering::over(&world.vault);
    let auditor = self::auditor(&world, &between, world.trusting());
    between.changing(|_, response| {
        if matches!(response, Response::Answer(Answer::Export(..))) {
            *response = Response::Refused(Refusal::Conflict);
        }
    });
    assert_eq!(auditor.fetch(place.path().join("never")).unwrap_err().code(), "conflict");
    assert!(!place.path().join("never").exists());
}

#[test]
fn nothing_that_an_auditor_is_sent_holds_a_name_or_content() {
    let world = World::new();
    attested(&world, &world.vault);
    let alice = world.patient(ALICE, "Quillfeather");
    let bob = world.doctor(BOB, "Marzipanopoulos");
    let case = alice.open_case("Thistlewick").unwrap();
    alice.write(&case, Kind::Complaint, "Obsidianberry").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let recording = Recording::over(&world.vault);
    let auditor = auditor(&world, &recording, world.trusting());
    let place = TempDir::new().unwrap();
    auditor.audit(place.path().join("export")).unwrap();
    let crossed = recording.messages().into_iter().flat_map(|(_, response)| response);
    let bytes: Vec<u8> = crossed.chain(files(place.path()).into_values().flatten()).collect();
    assert!(bytes.len() > 30_000);
    let bytes = with_decoded(bytes);
    let finds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    assert!(finds(alice.id().to_hex().as_bytes()), "who acted is there");
    assert!(finds(alice.card().digest().as_bytes()), "what an event says is among it");
    for word in ["Quillfeather", "Marzipanopoulos", "Thistlewick", "Obsidianberry"] {
        assert!(!finds(word.as_bytes()), "{word}");
    }
}
