//! An audit of the public area: what is shown, and what was hidden, is what the releases named, and passes its gate.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use casevault::{
    audit::{self, AuditReport, Basis, Fault},
    codec,
    custodian::{ExportFile, ExportPlace, PoolCursor, Question, Request},
    event::{SignedEvent, Verb},
    id::{BatchId, Digest, PublicId},
    public::{BatchFacts, Class, Outcome, PublicPolicy, PublicRow, ReleaseNote},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    auditors::{asked, attested, auditor},
    curations::{CURATOR, curator, epoch, many, small, world},
    curators::batch,
    custodians::Meanwhile,
    forged::{Forged, base64, from_base64},
    forgeries::release_named,
    independent::{both, python, word},
    shares,
    supervision::export,
    world::World,
};

/// Three releases: the second hides a batch of the first, for one of its patients took back, and brings what remains.
fn three_releases() -> World {
    let world = world();
    let shared = many(&world, 40);
    assert!(epoch(&world, 1).batches > 0);
    let (alice, case) = &shared[7];
    alice.retract(case).unwrap();
    assert!(epoch(&world, 2).hidden > 0);
    for (alice, case) in &shared[8..10] {
        alice.retract(case).unwrap();
    }
    epoch(&world, 3);
    drop(shared);
    world
}

fn judged(directory: &Path, policies: &[PublicPolicy]) -> AuditReport {
    audit::verify_from(directory, &Basis { policies, ..Basis::default() }).unwrap().0
}

fn lines(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("releases.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// At which lines of the events the releases stand.
fn releases(directory: &Path) -> Vec<u64> {
    let text = fs::read_to_string(directory.join("events.ndjson")).unwrap();
    let is_release = |line: &str| {
        let said: Value = serde_json::from_str(line).unwrap();
        from_base64::<SignedEvent>(&said["event"]).claimed_step().unwrap().verb == Verb::Release
    };
    (0..).zip(text.lines()).filter(|(_, line)| is_release(line)).map(|(number, _)| number).collect()
}

fn is_batch(line: &Value) -> bool {
    line.get("batch").is_some()
}

/// The line of the first batch that is shown, and the line of its rows behind it.
fn shown(lines: &[Value]) -> usize {
    lines.iter().position(|line| is_batch(line) && line["hidden"].is_null()).unwrap()
}

fn hidden(lines: &[Value]) -> usize {
    lines.iter().position(|line| is_batch(line) && !line["hidden"].is_null()).unwrap()
}

fn release_of(line: &Value) -> u64 {
    line["release"].as_u64().unwrap()
}

fn change_row(lines: &mut [Value], change: impl FnOnce(&mut PublicRow)) {
    let at = shown(lines) + 1;
    let rows = &mut lines[at]["rows"];
    let mut row: PublicRow = from_base64(&rows[0]);
    change(&mut row);
    rows[0] = base64(&codec::encode(&row)).into();
}

fn change_facts(lines: &mut [Value], at: usize, change: impl FnOnce(&mut BatchFacts)) {
    let mut facts: BatchFacts = from_base64(&lines[at]["batch"]);
    change(&mut facts);
    lines[at]["batch"] = base64(&codec::encode(&facts)).into();
}

/// Where a damage shows first.
#[derive(Debug, Clone, Copy)]
enum At {
    /// At the event of the release that brought the first batch shown.
    Shown,
    /// At the event of the one that brought the first batch hidden.
    Hidden,
    First,
    Last,
    Whole,
}

type Damage = (&'static str, fn(&mut Vec<Value>), Fault, At);

const DAMAGES: &[Damage] = &[
    (
        "a row says something else",
        |lines| {
            change_row(lines, |row| {
                row.said.outcome =
                    if row.said.outcome == Outcome::Died { Outcome::Unknown } else { Outcome::Died };
            });
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "a row is another's class",
        |lines| change_row(lines, |row| row.class = Class { grid: 9, bins: vec![1] }),
        Fault::Release,
        At::Shown,
    ),
    (
        "a row is left out",
        |lines| {
            let at = shown(lines) + 1;
            lines[at]["rows"].as_array_mut().unwrap().pop().unwrap();
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "a row more",
        |lines| {
            let at = shown(lines) + 1;
            let mut row: PublicRow = from_base64(&lines[at]["rows"][0]);
            row.id = PublicId::from_bytes([7; 16]);
            lines[at]["rows"].as_array_mut().unwrap().push(base64(&codec::encode(&row)).into());
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "rows are not there",
        |lines| {
            let at = shown(lines) + 1;
            lines.remove(at);
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "a batch is said to reach more",
        |lines| {
            let at = shown(lines);
            change_facts(lines, at, |facts| facts.reached.l += 1);
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "a batch is left out",
        |lines| {
            let at = shown(lines);
            lines.drain(at..at + 2).for_each(drop);
        },
        Fault::Release,
        At::Shown,
    ),
    (
        "a hidden one is left out",
        |lines| {
            let at = hidden(lines);
            lines.remove(at);
        },
        Fault::Release,
        At::Hidden,
    ),
    (
        "a hidden one is said to be shown",
        |lines| {
            let at = hidden(lines);
            lines[at]["hidden"] = Value::Null;
        },
        Fault::Release,
        At::Hidden,
    ),
    (
        "one that is shown is said to be hidden",
        |lines| {
            let (at, last) =
                (shown(lines), lines.iter().filter(|line| line.get("journal").is_some()).count() - 1);
            lines[at]["hidden"] = last.into();
            lines.remove(at + 1);
        },
        Fault::Release,
        At::Last,
    ),
    (
        "hidden by another release than it was",
        |lines| {
            let at = hidden(lines);
            lines[at]["hidden"] = release_of(&lines[at]).into();
        },
        Fault::Release,
        At::Hidden,
    ),
    (
        "hidden otherwise than it was",
        |lines| {
            let at = hidden(lines);
            change_facts(lines, at, |facts| facts.reached.k += 1);
        },
        Fault::Release,
        At::Hidden,
    ),
    ("another journal", |lines| lines[1]["journal"] = json!("00".repeat(32)), Fault::Release, At::First),
    (
        "a release is left out, and the number changed",
        |lines| {
            lines.remove(1);
            lines[0]["releases"] = 2.into();
        },
        Fault::Malformed,
        At::Whole,
    ),
    (
        "a release that has no event",
        |lines| {
            lines.insert(4, json!({ "release": 3, "journal": "00".repeat(32) }));
            lines[0]["releases"] = 4.into();
        },
        Fault::Malformed,
        At::Whole,
    ),
    ("another number of releases", |lines| lines[0]["releases"] = 9.into(), Fault::Release, At::Whole),
    ("nothing at all", Vec::clear, Fault::Release, At::First),
    (
        "only that there is nothing",
        |lines| *lines = vec![json!({ "releases": 0 })],
        Fault::Release,
        At::First,
    ),
    (
        "one batch twice",
        |lines| {
            let at = hidden(lines);
            let twice = lines[at].clone();
            lines.insert(at, twice);
        },
        Fault::Malformed,
        At::Whole,
    ),
    (
        "a batch of a release that never was",
        |lines| {
            let at = shown(lines);
            lines[at]["release"] = 77.into();
        },
        Fault::Release,
        At::Whole,
    ),
    ("no line of these", |lines| lines.push(json!({ "hello": 1 })), Fault::Malformed, At::Whole),
];

fn damaged(world: &World, damage: fn(&mut Vec<Value>)) -> (TempDir, [u64; 4]) {
    let directory = export(world);
    let mut said = lines(directory.path());
    let places = releases(directory.path());
    let of = |number: u64| places[usize::try_from(number).unwrap()];
    let gone = &said[hidden(&said)];
    let at = [of(release_of(&said[shown(&said)])), of(release_of(gone)), places[0], *places.last().unwrap()];
    damage(&mut said);
    let text: String = said.iter().map(|line| format!("{line}\n")).collect();
    fs::write(directory.path().join("releases.ndjson"), text).unwrap();
    (directory, at)
}

#[test]
fn what_is_public_is_what_the_releases_named_and_passes_the_gate() {
    let world = three_releases();
    let directory = export(&world);
    let said = lines(directory.path());
    let batches: Vec<&Value> = said.iter().filter(|line| is_batch(line)).collect();
    let follows = |line: &&&Value| from_base64::<BatchFacts>(&line["batch"]).follows.is_some();
    assert!(batches.iter().any(|line| !line["hidden"].is_null()), "one is hidden");
    assert!(batches.iter().any(|line| follows(&line)), "and one is what remained");
    let shown: BTreeSet<BatchId> = batches
        .iter()
        .filter(|line| line["hidden"].is_null())
        .map(|line| from_base64::<BatchFacts>(&line["batch"]).id)
        .collect();
    let (_, public) = world.vault.public().batches().unwrap();
    assert_eq!(shown, public.iter().map(|facts| facts.id).collect(), "what anyone is shown");
    let report = judged(directory.path(), &[small()]);
    assert_eq!(report.findings, []);
    let count = u64::try_from(shown.len()).unwrap();
    assert_eq!((report.batches, report.gated), (count, count));
    // Without the policy, and with another, they are held to all but the gate.
    assert_eq!(
        (judged(directory.path(), &[]).gated, judged(directory.path(), &[]).findings),
        (0, Vec::new())
    );
    let other = [PublicPolicy::shipped_default().unwrap()];
    assert_eq!(judged(directory.path(), &other).gated, 0);
}

#[test]
fn what_is_said_of_the_public_area_cannot_be_changed_unseen() {
    let world = three_releases();
    let python = python("what_is_said_of_the_public_area_cannot_be_changed_unseen");
    for (name, damage, fault, at) in DAMAGES {
        let (directory, places) = damaged(&world, *damage);
        let [shown, hidden, first, last] = places;
        let place = match at {
            At::Shown => shown,
            At::Hidden => hidden,
            At::First => first,
            At::Last => last,
            At::Whole => 0,
        };
        let found = judged(directory.path(), &[small()]).findings;
        let first = found.first().unwrap_or_else(|| panic!("{name}: nothing is found"));
        assert_eq!((first.fault, first.index), (*fault, place), "{name}: {found:?}");
        if let Some(python) = &python {
            let theirs = both(python, directory.path(), None);
            assert_eq!((theirs[0].1.as_str(), theirs[0].0), (word(*fault).as_str(), place), "{name}");
        }
    }
}

#[test]
fn a_curator_who_goes_round_the_gate_is_found_by_who_has_the_policy() {
    for (name, count) in [("too few", 3), ("facts that are not those of the rows", 40)] {
        let world = world();
        let (rows, facts) = batch(1, count);
        let facts = BatchFacts { policy: small().digest(), ..facts };
        let curator = curator(&world);
        curator.release(&PoolCursor::default(), (rows, vec![facts], Vec::new()), b"").unwrap();
        let directory = export(&world);
        let report = judged(directory.path(), &[small()]);
        assert_eq!((report.batches, report.gated), (1, 1));
        let found: Vec<_> = report.findings.iter().map(|found| (found.fault, found.index)).collect();
        assert_eq!(found, [(Fault::Gate, releases(directory.path())[0])], "{name}");
        assert_eq!(judged(directory.path(), &[]).findings, [], "who has not the policy cannot say");
    }
}

#[test]
fn a_fetch_during_which_a_batch_is_hidden_begins_anew() {
    let world = shares::area();
    let curator = shares::curator(&world);
    for number in 1..=20 {
        let (rows, facts) = batch(number, 200);
        curator.release(&PoolCursor::default(), (rows, vec![facts], Vec::new()), b"").unwrap();
    }
    attested(&world, &world.vault);
    let text = |directory: &Path| fs::read_to_string(directory.join("releases.ndjson")).unwrap();
    // Undisturbed, it is what the platform writes, in many pages.
    let (written, place) = (export(&world), TempDir::new().unwrap());
    assert!(text(written.path()).len() > 4 * casevault::limits::EXPORT_PAGE_BYTES);
    let first = auditor(&world, &world.vault, world.trusting()).audit(place.path().join("first")).unwrap();
    assert_eq!((first.findings, first.batches), (Vec::new(), 20));
    assert_eq!(text(&place.path().join("first")), text(written.path()));
    let awaited: fn(&Request) -> bool = |request| {
        let asks = asked(request);
        matches!(asks, Some(Question::Export(_, ExportFile::Releases, place)) if place != ExportPlace::default())
    };
    let slow = Meanwhile::over(&world.vault, awaited, || {
        world.clock.advance(Duration::from_secs(61));
        let hidden = vec![BatchId::from_bytes([20; 16])];
        curator.release(&PoolCursor::default(), (Vec::new(), Vec::new(), hidden), b"").unwrap();
    });
    let report = auditor(&world, &slow, world.trusting()).audit(place.path().join("second")).unwrap();
    assert_eq!((report.findings, report.batches), (Vec::new(), 19));
    assert!(text(&place.path().join("second")).contains("\"hidden\":20"));
}

/// What a curator and a custodian together sign for: a batch more, by its facts.
type Collusion = (&'static str, fn(&mut BatchFacts, &BatchFacts), bool);

const COLLUSIONS: &[Collusion] = &[
    ("as it may be", |_, _| (), true),
    ("under another policy", |facts, _| facts.policy = Digest::from_bytes([3; 32]), false),
    ("what remained of one that is shown", |facts, shown| facts.follows = Some(shown.id), false),
    (
        "what remained of one that never was",
        |facts, _| facts.follows = Some(BatchId::from_bytes([5; 16])),
        false,
    ),
];

#[test]
fn a_curator_and_a_custodian_together_release_nothing_under_another_policy_unseen() {
    let python = python("a_curator_and_a_custodian_together_release_nothing_under_another_policy_unseen");
    let world = world();
    let (first_rows, first) = batch(1, 40);
    let first = BatchFacts { policy: small().digest(), ..first };
    let released = (first_rows, vec![first.clone()], Vec::new());
    curator(&world).release(&PoolCursor::default(), released, b"").unwrap();
    for (name, change, is_fine) in COLLUSIONS {
        let (rows, facts) = batch(2, 12);
        let mut facts = BatchFacts { policy: small().digest(), class: first.class.clone(), ..facts };
        let rows: Vec<PublicRow> =
            rows.into_iter().map(|row| PublicRow { class: first.class.clone(), ..row }).collect();
        change(&mut facts, &first);
        let (digest, journal) = (ReleaseNote::rows_digest(&rows), ReleaseNote::journal_digest(b""));
        let note = ReleaseNote::of([(&facts, digest)], [], journal);
        let mut forged = Forged::of(&world);
        release_named(&mut forged, (CURATOR, world.in_days(0)), note.digest());
        let mut said: Vec<Value> =
            forged.releases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        said[0]["releases"] = 2.into();
        said.insert(2, json!({ "release": 1, "journal": journal.to_hex() }));
        let encoded: Vec<String> = rows.iter().map(|row| base64(&codec::encode(row))).collect();
        let facts = base64(&codec::encode(&facts));
        said.push(json!({ "batch": facts, "release": 1, "rows": digest.to_hex(), "hidden": null }));
        said.push(json!({ "rows": encoded }));
        forged.releases = said.iter().map(|line| format!("{line}\n")).collect();
        let (directory, _) = forged.write();
        let second = releases(directory.path())[1];
        let found = judged(directory.path(), &[]).findings;
        let found: Vec<_> = found.iter().map(|found| (found.fault, found.index)).collect();
        let expected = if *is_fine { Vec::new() } else { vec![(Fault::Release, second)] };
        assert_eq!(found, expected, "{name}");
        if let Some(python) = &python {
            assert_eq!(both(python, directory.path(), None).len(), expected.len(), "{name}");
        }
    }
}
