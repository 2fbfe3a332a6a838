//! The process under test: this test binary again, told by its environment what to do. It says what was acknowledged
//! as soon as it knows, a line each, and may be killed at any moment.

use std::{
    env,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
};

use casevault::id::Digest;

use crate::{
    clinic::{Refused, create, open, trusting},
    files, kills,
    listening::{Heard, Listening},
    place::Place,
    verb::Verb,
};

const JOB: &str = "CASEVAULT_CRASH_JOB";
const PLACE: &str = "CASEVAULT_CRASH_PLACE";
const ROUND: &str = "CASEVAULT_CRASH_ROUND";

/// The job of a process that does verbs until it is killed.
pub(crate) const LOAD: &str = "load";

/// What a worker said before it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The events that were acknowledged.
    pub(crate) events: Vec<Digest>,
    /// Whether the verb was.
    pub(crate) is_done: bool,
    /// Whether the vault was closed, with its anchor kept.
    pub(crate) is_closed: bool,
    /// Why the verb, or the closing, was refused.
    pub(crate) refused: Option<String>,
    /// Whether a panic crossed the border.
    pub(crate) has_panicked: bool,
}

impl Said {
    pub(crate) fn hear(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "event" => self.events.extend(Digest::from_hex(rest)),
            "done" => self.is_done = true,
            "closed" => self.is_closed = true,
            "refused" => self.refused = Some(rest.to_owned()),
            "panicked" => self.has_panicked = true,
            _ => (),
        }
    }
}

/// The worker as a command, in its environment.
pub(crate) fn environment<'c>(
    command: &'c mut Command,
    job: &str,
    place: &Place,
    round: u32,
) -> &'c mut Command {
    command
        .env(JOB, job)
        .env(PLACE, place.path())
        .env(ROUND, round.to_string())
        // What `sled` prints when it panics is caught by the store; a trace of it would only cost time.
        .env("RUST_BACKTRACE", "0")
}

/// The program and its arguments.
pub(crate) fn program() -> Vec<String> {
    let own = env::current_exe().unwrap().to_str().unwrap().to_owned();
    let rest = ["--exact", "worker::process", "--nocapture", "--test-threads=1"];
    [own].into_iter().chain(rest.map(str::to_owned)).collect()
}

/// Says a line to whoever keeps the list.
pub(crate) fn tell(line: &str) {
    // Before it, for the harness leaves its own line open. An end of the list's keeper is an end of this one.
    io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

pub(crate) fn tell_acknowledged(heard: Heard) {
    if let Heard::Acknowledged(events) = heard {
        let lines: Vec<String> = events.iter().map(|event| format!("event {}", event.to_hex())).collect();
        tell(&lines.join("\n"));
    }
}

#[test]
fn process() {
    let Ok(job) = env::var(JOB) else { return };
    let place = Place::new(env::var_os(PLACE).unwrap());
    let round = env::var(ROUND).unwrap().parse().unwrap();
    let work = || match Verb::named(&job) {
        Some(verb) => once(verb, &place, round),
        None if job == files::LOOK => files::look_and_tell(&place, round),
        None => kills::load(&place, round),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => (),
        Ok(Err(refused)) => tell(&format!("refused {refused}")),
        Err(_) => tell("panicked"),
    }
}

/// From a closed vault to a closed vault.
fn once(verb: Verb, place: &Place, round: u32) -> Result<(), Refused> {
    let vault = if verb == Verb::Create { create(place, round)? } else { open(place, round)? };
    let memory = trusting(&vault);
    verb.act(&Listening::over(&vault, tell_acknowledged), round, memory)?;
    tell("done");
    vault.close()?;
    tell("closed");
    Ok(())
}
