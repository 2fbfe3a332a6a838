//! `casevault audit watch`: verifies what is new, again and again.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, SystemTime},
};

use casevault::{
    audit::{AuditReport, Finding, Gravity},
    store::StoreError,
    time::{Clock as _, SystemClock},
    vault::VaultError,
};
use clap::Args;
use serde_json::json;

use super::{
    export::export,
    verify::{From, finding_json, verify_from},
};
use crate::{
    Ending,
    context::Context,
    failure::{Done, Failure},
    screen,
};

/// How long a folder must stand still before what is wrong in it is said.
const STILL: Duration = Duration::from_secs(2);
/// How often an export that is being renewed is looked at before the round is given up.
const LOOKS: usize = 3;

/// What to watch, and how.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// An export's folder that someone renews, or a vault's that nobody has open for long.
    what: PathBuf,
    /// What the last round kept, which the next goes on from; not there the first time.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// How long to wait between two rounds: 30s, 15m, 6h.
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// One round, and no more.
    #[arg(long)]
    once: bool,
    /// A JSON object a line on stdout: each finding, and the verdict of each round that brought something new.
    #[arg(long)]
    json: bool,
}

/// Whether it is time to end: said once by a signal, and so from then on.
struct Stop {
    said: mpsc::Receiver<()>,
    is_over: Cell<bool>,
}

impl Stop {
    fn on_signal() -> Done<Self> {
        let (stop, said) = mpsc::channel();
        let handler = ctrlc::set_handler(move || stop.send(()).unwrap_or_default());
        handler.map_err(|error| Failure::failed("signals", format!("ctrl-c cannot be caught: {error}")))?;
        Ok(Self { said, is_over: Cell::new(false) })
    }

    /// Waits so long, or until it is time; whether it is.
    fn wait(&self, span: Duration) -> bool {
        if !self.is_over.get() {
            self.is_over.set(self.said.recv_timeout(span) != Err(mpsc::RecvTimeoutError::Timeout));
        }
        self.is_over.get()
    }
}

/// What came of a round.
enum Round {
    /// It could not be made now; the next may be.
    Later(String),
    Verdict(Box<AuditReport>),
}

impl Watch {
    pub(crate) fn run(self, context: &Context) -> Done<Ending> {
        let stop = Stop::on_signal()?;
        let from = From::state(self.state.clone());
        let mut told = Told { is_json: self.json, ..Told::default() };
        loop {
            let ending = match self.round(context, &from, &stop)? {
                Round::Later(words) => {
                    screen::word(&screen::clean(&format!("{}: {words}", SystemClock.now())));
                    Ending::Failed
                }
                Round::Verdict(report) => told.tell(&report)?,
            };
            if self.once || ending == Ending::Tampering {
                return Ok(ending);
            }
            if stop.wait(self.interval) {
                screen::word(&format!("ended; the next watch goes on from {}", self.state.display()));
                return Ok(ending);
            }
        }
    }

    fn round(&self, context: &Context, from: &From, stop: &Stop) -> Done<Round> {
        if self.what.join("store").is_dir() {
            self.round_of_vault(context, from)
        } else {
            Ok(self.round_of_export(from, stop))
        }
    }

    fn round_of_vault(&self, context: &Context, from: &From) -> Done<Round> {
        let scratch = tempfile::tempdir()
            .map_err(|error| Failure::failed("files", format!("no place for an export: {error}")))?;
        match export(context, &self.what, scratch.path()) {
            Err(failure) if failure.code() == StoreError::Locked.code() => Ok(Round::Later(
                "the vault is open in another process, which alone can read it: let that process export it, and watch \
                 the export's folder; or let an auditor's session fetch one"
                    .to_owned(),
            )),
            Err(failure) if failure.code() == VaultError::Leased.code() => {
                Ok(Round::Later(failure.words().to_owned()))
            }
            Err(failure) => Err(failure),
            Ok(_) => match verify_from((scratch.path(), &self.what), from) {
                Ok(report) => Ok(Round::Verdict(Box::new(report))),
                Err(words) => Err(Failure::failed("audit", words)),
            },
        }
    }

    /// What is wrong in a folder counts if nobody changed it meanwhile, nor shortly after.
    fn round_of_export(&self, from: &From, stop: &Stop) -> Round {
        let mut last = "the export is being renewed".to_owned();
        for _ in 0..LOOKS {
            let before = listing(&self.what);
            let found = verify_from((&self.what, &self.what), from);
            if let Ok(report) = &found
                && report.findings.is_empty()
            {
                return Round::Verdict(Box::new(report.clone()));
            }
            let is_over = stop.wait(STILL);
            let is_still = before == listing(&self.what);
            match found {
                Ok(report) if is_still => return Round::Verdict(Box::new(report)),
                Ok(_) => (),
                Err(words) if is_still => return Round::Later(words),
                Err(words) => last = words,
            }
            if is_over {
                break;
            }
        }
        Round::Later(last)
    }
}

/// The files of a folder, with their lengths and when they were written: of a folder that cannot be read, nothing.
fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, Option<SystemTime>)> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => {
                    found.insert(entry.path(), (about.len(), about.modified().ok()));
                }
                Err(_) => (),
            }
        }
    }
    found
}

/// What was said in the rounds before: each thing is said once.
#[derive(Default)]
struct Told {
    is_json: bool,
    findings: BTreeSet<Finding>,
    size: Option<u64>,
}

impl Told {
    fn tell(&mut self, report: &AuditReport) -> Done<Ending> {
        let AuditReport { vault, log, epochs, streams, events, findings, .. } = report;
        let mut is_new = self.size.replace(log.size) != Some(log.size);
        for finding in findings {
            if self.findings.insert(finding.clone()) {
                is_new = true;
                let line = if self.is_json { finding_json(finding).to_string() } else { finding.to_string() };
                screen::answer(&line)?;
            }
        }
        if is_new {
            let at = SystemClock.now();
            if self.is_json {
                let verdict = json!({
                    "at": at.to_string(),
                    "vault": vault.to_hex(),
                    "log": { "size": log.size, "root": log.root.to_hex() },
                    "epochs": epochs,
                    "streams": streams,
                    "events": events,
                    "findings": findings.len(),
                });
                screen::json(&verdict)?;
            }
            screen::word(&format!(
                "{at}: {events} events of {streams} streams in {epochs} epochs: {} findings",
                findings.len()
            ));
        }
        // What is mended may break again, and is said again then.
        self.findings.retain(|finding| findings.contains(finding));
        Ok(match report.worst() {
            None | Some(Gravity::Warning) => Ending::Fine,
            Some(Gravity::Missing) => Ending::Missing,
            Some(_) => Ending::Tampering,
        })
    }
}
