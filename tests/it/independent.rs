//! A second opinion: the verifier in Python, which shares no code with this crate, finds what the audit finds, and where.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use casevault::{
    audit::{self, Basis, Fault},
    codec,
    crypto::Signed,
    event::Receipt,
    record::Kind,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    forged::Forged,
    forgeries::{EXPORTS, FORGERIES, MISRELEASED, changing, end_of_vault, place_of, released, watched},
    supervision::{clinic, export, lines, put},
    world::{ALICE, World},
};

/// Every how many lines one is tampered with: a Python is started for each.
const STEP: usize = 9;

/// A Python that has what the verifier needs; without one the test names itself as skipped.
pub(crate) fn python(test: &str) -> Option<String> {
    let python = env::var("CASEVAULT_PYTHON").unwrap_or_else(|_unsaid| "python3".to_owned());
    let mut asked = Command::new(&python);
    asked.args(["-c", "import cryptography"]).stdout(Stdio::null()).stderr(Stdio::null());
    let reason = match asked.status() {
        Ok(status) if status.success() => return Some(python),
        Ok(_) => "the Python package `cryptography` is not installed",
        Err(_) => "there is no `python3`",
    };
    // Past the test harness, which keeps what passes to itself.
    writeln!(std::io::stderr(), "SKIPPED {test}: {reason}").unwrap();
    None
}

pub(crate) fn run(python: &str, arguments: &[&str]) -> Output {
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/verify.py");
    Command::new(python).arg("-B").arg(verifier).args(arguments).output().unwrap()
}

/// What either finds: line, fault, stream, position.
pub(crate) type Found = Vec<(u64, String, String, u64)>;

pub(crate) fn word(fault: Fault) -> String {
    format!("{fault:?}").to_lowercase()
}

/// What both find in an export, which must be the same.
pub(crate) fn both(python: &str, directory: &Path, kept: Option<&str>) -> Found {
    both_with(python, directory, (kept, &[]))
}

/// The same, with receipts.
pub(crate) fn both_with(
    python: &str,
    directory: &Path,
    (kept, receipts): (Option<&str>, &[Signed<Receipt>]),
) -> Found {
    let basis = Basis { kept, receipts, ..Basis::default() };
    let report = audit::verify_from(directory, &basis).unwrap().0;
    let ours: Found = report
        .findings
        .iter()
        .map(|found| (found.index, word(found.fault), found.stream.clone(), found.seq))
        .collect();
    let path = directory.to_str().unwrap();
    let mut arguments = vec![path, "--json"];
    let file = tempfile::NamedTempFile::new().unwrap();
    if let Some(kept) = kept {
        fs::write(file.path(), kept).unwrap();
        arguments.extend(["--checkpoint", file.path().to_str().unwrap()]);
    }
    let files: Vec<_> = receipts.iter().map(|_| tempfile::NamedTempFile::new().unwrap()).collect();
    for (receipt, file) in receipts.iter().zip(&files) {
        fs::write(file.path(), codec::encode(receipt)).unwrap();
        arguments.extend(["--receipt", file.path().to_str().unwrap()]);
    }
    let output = run(python, &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let theirs: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|wrong| panic!("{wrong}: {said}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: Found = theirs["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let number = |name: &str| found[name].as_u64().unwrap();
            (number("index"), text(&found["fault"]), text(&found["stream"]), number("seq"))
        })
        .collect();
    assert_eq!(found, ours);
    assert_eq!(theirs["events"], report.events);
    assert_eq!(theirs["streams"], report.streams);
    assert_eq!(theirs["receipts"], report.receipts);
    assert_eq!(theirs["log"]["root"], report.log.root.to_hex());
    let worst = report.findings.iter().map(|found| found.fault.gravity()).max();
    let code = match worst {
        Some(audit::Gravity::Tampering) => 3,
        Some(audit::Gravity::Missing) => 4,
        Some(_) | None => 0,
    };
    assert_eq!(output.status.code(), Some(code), "{said}");
    found
}

fn stream_of(line: &str) -> String {
    serde_json::from_str::<Value>(line).unwrap()["stream"].to_string()
}

/// One symbol of a base64 text that stands behind a name.
fn altered(line: &str, name: &str) -> Option<String> {
    let at = line.find(name)? + name.len() + 40;
    let mut line = line.to_owned();
    let other = if line.as_bytes()[at] == b'A' { "B" } else { "A" };
    line.replace_range(at..=at, other);
    Some(line)
}

#[test]
fn two_verifiers_find_nothing_where_nothing_is_wrong() {
    let Some(python) = python("two_verifiers_find_nothing_where_nothing_is_wrong") else { return };
    for world in [clinic(), changing(), released()] {
        let kept = world.vault.checkpoint().unwrap();
        assert_eq!(both(&python, export(&world).path(), Some(&kept)), []);
        world.enrol::<casevault::party::Patient>(90, "one more");
        let later = export(&world);
        assert_eq!(both(&python, later.path(), Some(&kept)), [], "a log that grew");
    }
}

#[test]
fn a17_two_verifiers_find_what_was_tampered_with_at_the_same_place() {
    let Some(python) = python("a17_two_verifiers_find_what_was_tampered_with_at_the_same_place") else {
        return;
    };
    let world = clinic();
    let directory = export(&world);
    let path = directory.path();
    let clean = lines(path);
    let first = |lines: &[String]| {
        put(path, lines);
        both(&python, path, None).first().unwrap().0
    };
    for index in (0..clean.len()).step_by(STEP) {
        let expected = u64::try_from(index).unwrap();
        let mut removed = clean.clone();
        removed.remove(index);
        assert_eq!(first(&removed), expected, "removal of {index}");
        let mut wrong = clean.clone();
        wrong[index] = altered(&clean[index], "\"event\":\"").unwrap();
        assert_eq!(first(&wrong), expected, "alteration of {index}");
        if index + 1 < clean.len() && stream_of(&clean[index]) == stream_of(&clean[index + 1]) {
            let mut swapped = clean.clone();
            swapped.swap(index, index + 1);
            assert_eq!(first(&swapped), expected, "swap at {index}");
        }
    }
    // A grant, an attestation and a ruling that are not the ones their events name.
    for brought in ["{\"grant\":\"", "{\"attestation\":\"", "{\"ruling\":\""] {
        let found = clean.iter().enumerate().find_map(|(index, line)| Some((index, altered(line, brought)?)));
        let (index, line) = found.unwrap();
        let mut wrong = clean.clone();
        wrong[index] = line;
        assert_eq!(first(&wrong), u64::try_from(index).unwrap(), "{brought}");
    }
    // Each stream cut out, and each without its tail.
    let mut names: Vec<String> = clean.iter().map(|line| stream_of(line)).collect();
    names.dedup();
    for name in names {
        let start = clean.iter().position(|line| stream_of(line) == name).unwrap();
        let end = clean.iter().rposition(|line| stream_of(line) == name).unwrap();
        let mut cut = clean.clone();
        cut.drain(start..=end);
        assert_eq!(first(&cut), u64::try_from(start).unwrap(), "{name} cut out");
        let mut shorter = clean.clone();
        shorter.drain(end - 1..=end);
        assert_eq!(first(&shorter), u64::try_from(end - 1).unwrap(), "{name} cut");
    }
}

#[test]
fn two_verifiers_see_through_the_same_forgeries() {
    let Some(python) = python("two_verifiers_see_through_the_same_forgeries") else { return };
    let world = clinic();
    assert_eq!(both(&python, Forged::of(&world).write().0.path(), None), []);
    for (name, forge, whose, fault) in FORGERIES {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let (directory, starts) = forged.write();
        let found = both(&python, directory.path(), None);
        let place = place_of(&forged, *whose, &starts);
        assert_eq!((found[0].0, found[0].1.as_str()), (place, word(*fault).as_str()), "{name}");
    }
    let world = watched();
    for (name, forge, fault) in EXPORTS {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let (directory, starts) = forged.write();
        let found = both(&python, directory.path(), None);
        let place = end_of_vault(&forged, &starts);
        assert_eq!((found[0].0, found[0].1.as_str()), (place, word(*fault).as_str()), "{name}");
    }
}

#[test]
fn two_verifiers_judge_what_is_shared_and_released_alike() {
    let Some(python) = python("two_verifiers_judge_what_is_shared_and_released_alike") else { return };
    let world = released();
    for (name, forge, fault) in MISRELEASED {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let found = both(&python, forged.write().0.path(), None);
        assert_eq!(found[0].1, word(*fault), "{name}");
    }
}

/// An export with one of its other files replaced.
fn with(world: &World, path: &str, change: impl FnOnce(String) -> String) -> TempDir {
    let directory = export(world);
    let path = directory.path().join(path);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(text)).unwrap();
    directory
}

#[test]
fn two_verifiers_judge_checkpoints_heads_and_policies_alike() {
    let Some(python) = python("two_verifiers_judge_checkpoints_heads_and_policies_alike") else { return };
    let world = clinic();
    let faults = |directory: &TempDir, kept: Option<&str>| -> Vec<String> {
        both(&python, directory.path(), kept).into_iter().map(|(_, fault, ..)| fault).collect()
    };
    let of_size = |note: String| note.replacen("\n1\n", "\n2\n", 1);
    assert_eq!(faults(&with(&world, "checkpoint", of_size), None)[0], "checkpoint");
    assert_eq!(faults(&with(&world, "checkpoint", |note| note + "\n"), None)[0], "checkpoint");
    let doubled = |parties: String| parties.lines().next().unwrap().to_owned() + "\n" + &parties;
    assert_eq!(faults(&with(&world, "parties.ndjson", doubled), None)[0], "map");
    let without = |parties: String| parties.split_once('\n').unwrap().1.to_owned();
    assert_eq!(faults(&with(&world, "parties.ndjson", without), None)[..2], ["map", "missing"]);
    let other = |parties: String| altered(&parties, "\"card\":\"").unwrap();
    assert!(faults(&with(&world, "parties.ndjson", other), None).contains(&"malformed".to_owned()));
    let unchartered = |policy: String| {
        let mut policy: Value = serde_json::from_str(&policy).unwrap();
        policy["charters"] = Value::Array(Vec::new());
        policy.to_string()
    };
    assert_eq!(faults(&with(&world, "policy.json", unchartered), None), ["policy"]);
    // A checkpoint kept from another log of the same vault.
    let other = clinic();
    other.enrol::<casevault::party::Patient>(91, "somebody else");
    let kept = other.vault.checkpoint().unwrap();
    assert_eq!(faults(&export(&world), Some(&kept)), ["checkpoint"]);
}

#[test]
fn two_verifiers_read_a_log_of_many_tiles_alike() {
    let Some(python) = python("two_verifiers_read_a_log_of_many_tiles_alike") else { return };
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("a rash").unwrap();
    for _ in 0..258 {
        alice.write(&case, Kind::Note, "it itches").unwrap();
        world.vault.checkpoint().unwrap();
    }
    let directory = export(&world);
    assert_eq!(both(&python, directory.path(), None), []);
    for tile in ["tile/0/000", "tile/1/000.p/1"] {
        let path = directory.path().join(tile);
        let clean = fs::read(&path).unwrap();
        let mut wrong = clean.clone();
        wrong[7] ^= 1;
        fs::write(&path, wrong).unwrap();
        let found = both(&python, directory.path(), None);
        assert_eq!(found, [(0, "log".to_owned(), String::new(), 0)], "{tile}");
        fs::write(&path, clean).unwrap();
    }
}

#[test]
fn the_verifier_says_how_it_ended() {
    let Some(python) = python("the_verifier_says_how_it_ended") else { return };
    let world = clinic();
    let directory = export(&world);
    let path = directory.path().to_str().unwrap();
    let code = |arguments: &[&str]| run(&python, arguments).status.code();
    assert_eq!(code(&[path]), Some(0));
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&[path, "--loudly"]), Some(2));
    assert_eq!(code(&["/nowhere"]), Some(1));
    let clean = lines(directory.path());
    put(directory.path(), &clean[1..]);
    let output = run(&python, &[path]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("tampering at event 0: "), "{said}");
    fs::write(directory.path().join("policy.json"), "{}").unwrap();
    assert_eq!(code(&[path]), Some(1));
}
