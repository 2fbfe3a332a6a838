//! `casevault audit watch`: what it says, round by round, and how it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use crate::stage::{PROGRAM, Stage, begun, ends, gate, grow, reopened, vault};

/// A vault and an export of it.
fn exported(stage: &Stage) -> (String, String) {
    let (place, export) = (stage.path("vault"), stage.path("export"));
    vault(Path::new(&place), &[], 0);
    ends(&["audit", "export", &place, "--out", &export], 0, "exported to");
    (place, export)
}

/// Puts another export in the place of the one that is watched.
fn renew(stage: &Stage, place: &str, export: &str) {
    let next = stage.path("next");
    ends(&["audit", "export", place, "--out", &next], 0, "exported to");
    fs::remove_dir_all(export).unwrap();
    fs::rename(next, export).unwrap();
}

/// Takes the first event out of a stream that has more.
fn tamper(export: &str) {
    let events = Path::new(export).join("events.ndjson");
    let text = fs::read_to_string(&events).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let stream = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"].clone();
    let first = lines.windows(2).position(|pair| stream(pair[0]) == stream(pair[1])).unwrap();
    lines.remove(first);
    fs::write(&events, lines.join("\n") + "\n").unwrap();
}

/// Takes a whole stream out.
#[cfg(unix)]
fn hide_a_stream(export: &str) {
    let events = Path::new(export).join("events.ndjson");
    let text = fs::read_to_string(&events).unwrap();
    let stream = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"].clone();
    let last = stream(text.lines().last().unwrap());
    let rest: String =
        text.lines().filter(|line| stream(line) != last).map(|line| format!("{line}\n")).collect();
    fs::write(&events, rest).unwrap();
}

#[test]
fn a_round_goes_on_from_the_one_before_and_finds_what_was_changed() {
    let stage = Stage::new();
    let (place, export) = exported(&stage);
    let state = stage.path("state");
    let watch = ["audit", "watch", &export, "--state", &state, "--once"];
    ends(&watch, 0, "0 findings");
    let kept = fs::read(&state).unwrap();
    grow(Path::new(&place));
    renew(&stage, &place, &export);
    let out = ends(&[&watch[..], &["--json"]].concat(), 0, "0 findings");
    let verdict: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert!(verdict["events"].as_u64().unwrap() > 4 && verdict["findings"] == 0, "{verdict}");
    let grown = fs::read(&state).unwrap();
    assert_ne!(grown, kept);
    tamper(&export);
    let out = ends(&[&watch[..], &["--json"]].concat(), 3, "1 findings");
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["gravity"].as_str(), lines[1]["findings"].as_u64()), (Some("tampering"), Some(1)));
    assert_eq!(fs::read(&state).unwrap(), grown, "what is wrong is not gone on from");
    // An export of before is a log that went back.
    let (old, first) = (stage.path("old"), stage.path("first"));
    vault(Path::new(&old), &[], 0);
    ends(&["audit", "export", &old, "--out", &first], 0, "exported to");
    ends(&["audit", "watch", &first, "--state", &state, "--once"], 3, "does not grow");
}

#[test]
fn a_vault_is_watched_by_fresh_exports_unless_another_has_it_open() {
    let stage = Stage::new();
    let (place, state) = (stage.path("vault"), stage.path("state"));
    vault(Path::new(&place), &[], 0);
    let watch = ["audit", "watch", &place, "--state", &state, "--once"];
    ends(&watch, 0, "0 findings");
    grow(Path::new(&place));
    ends(&watch, 0, "0 findings");
    let alone = gate();
    let held = reopened(Path::new(&place));
    let Output { status, stderr, .. } = Command::new(PROGRAM).args(watch).output().unwrap();
    held.close().unwrap();
    drop(alone);
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.code() == Some(1) && said.contains("open in another process"), "{said}");
    ends(&watch, 0, "0 findings");
}

#[test]
fn what_cannot_be_watched_is_said() {
    let stage = Stage::new();
    let (place, export) = exported(&stage);
    let state = stage.path("state");
    ends(&["audit", "watch", &export], 2, "--state");
    ends(&["audit", "watch", &export, "--state", &state, "--interval", "soon"], 2, "--interval");
    ends(&["audit", "watch", &stage.path("nowhere"), "--state", &state, "--once"], 1, "cannot be read");
    fs::write(&state, "no state").unwrap();
    ends(&["audit", "watch", &export, "--state", &state, "--once"], 1, "take it away");
    ends(&["audit", "watch", &place, "--state", &state, "--once"], 1, "take it away");
    let far = stage.path("nowhere/state");
    ends(&["audit", "watch", &export, "--state", &far, "--once"], 1, "cannot be kept");
}

#[test]
fn an_export_that_is_being_written_is_no_tampering() {
    let stage = Stage::new();
    let (_, export) = exported(&stage);
    let events = Path::new(&export).join("events.ndjson");
    let whole = fs::read(&events).unwrap();
    fs::write(&events, &whole[..whole.len() / 2]).unwrap();
    let mut watching = Watching::once(&export, &stage.path("state"));
    while watching.0.try_wait().unwrap().is_none() {
        fs::write(&events, &whole[..whole.len() / 2]).unwrap();
        thread::sleep(Duration::from_millis(50));
    }
    let (code, said) = watching.end();
    assert!(code == Some(1) && said.contains("being renewed"), "{code:?} {said}");
}

/// A watch that goes on; ended with this.
struct Watching(Child, BufReader<std::process::ChildStdout>);

impl Watching {
    fn begin(what: &str, state: &str) -> Self {
        Self::every("20ms", what, state)
    }

    fn every(span: &str, what: &str, state: &str) -> Self {
        Self::with(&["audit", "watch", what, "--state", state, "--interval", span, "--json"])
    }

    fn once(what: &str, state: &str) -> Self {
        Self::with(&["audit", "watch", what, "--state", state, "--once"])
    }

    fn with(words: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = begun(&mut command);
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    fn line(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// How it ends, and what it said to people.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.0.wait().unwrap();
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

#[test]
fn an_export_that_is_renewed_is_followed_until_it_is_tampered_with() {
    let stage = Stage::new();
    let (place, export) = exported(&stage);
    let mut watching = Watching::begin(&export, &stage.path("state"));
    let first = watching.line();
    assert_eq!(first["findings"], 0);
    grow(Path::new(&place));
    renew(&stage, &place, &export);
    let second = watching.line();
    assert!(second["findings"] == 0 && second["events"].as_u64() > first["events"].as_u64(), "{second}");
    tamper(&export);
    assert_eq!(watching.line()["gravity"], "tampering");
    assert_eq!(watching.line()["findings"], 1);
    assert_eq!(watching.end().0, Some(3));
}

#[cfg(unix)]
#[test]
fn a_watch_is_ended_by_a_signal_and_goes_on_later() {
    let stage = Stage::new();
    let (_, export) = exported(&stage);
    for signal in ["-INT", "-TERM"] {
        let mut watching = Watching::begin(&export, &stage.path("state"));
        watching.line();
        let sent = Command::new("kill").args([signal, &watching.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let (code, said) = watching.end();
        assert!(code == Some(0) && said.contains("goes on from"), "{code:?} {said}");
    }
    // What is missing is looked at twice: nearly all the time is between two looks, and a signal then is not forgotten.
    hide_a_stream(&export);
    fs::remove_file(stage.at("state")).unwrap();
    let mut watching = Watching::every("0s", &export, &stage.path("state"));
    assert_eq!(watching.line()["gravity"], "evidence missing");
    assert!(Command::new("kill").arg(watching.0.id().to_string()).status().unwrap().success());
    let (code, said) = watching.end();
    assert!(code == Some(4) && said.contains("goes on from"), "{code:?} {said}");
}
