//! An export's verdict.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use casevault::{
    audit::{self, AuditError, AuditReport, Basis, Gravity, State},
    codec::{self, Wire as _},
    crypto::Signed,
    event::Receipt,
};
use clap::Args;
use serde_json::json;

use super::export::{export, said};
use crate::Ending;

/// What an auditor goes by besides the export, and how to say what came of it.
#[derive(Debug, Args)]
pub(crate) struct From {
    /// A checkpoint that was kept from before, or got from someone else: the log must have grown from it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// What the last audit kept: only what is new is verified. Written anew when nothing is wrong; not there the first time.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// A receipt that someone got of the vault: what it promises must be there. May be given several times.
    #[arg(long = "receipt", value_name = "FILE")]
    receipts: Vec<PathBuf>,
    /// The verdict as JSON on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(what: &Path, from: &From) -> Ending {
    let scratch;
    let directory = if what.join("policy.json").is_file() {
        what
    } else if what.join("store").is_dir() {
        scratch = match tempfile::tempdir() {
            Ok(scratch) => scratch,
            Err(error) => {
                eprintln!("no place for an export: {error}");
                return Ending::Failed;
            }
        };
        if let Err(error) = export(what, scratch.path()) {
            return said(&error);
        }
        scratch.path()
    } else {
        eprintln!(
            "{} is neither an export (policy.json is not there) nor a vault (store is not there): check the path",
            what.display()
        );
        return Ending::Failed;
    };
    match verify_from(directory, from) {
        Ok(report) => tell(&report, from),
        Err(words) => {
            eprintln!("{words}");
            Ending::Failed
        }
    }
}

/// Reads what the auditor has, verifies, and keeps what is to be kept; what went wrong, in words.
fn verify_from(directory: &Path, from: &From) -> Result<AuditReport, String> {
    let kept = from.checkpoint.as_ref().map(|path| {
        fs::read_to_string(path).map_err(|error| format!("the checkpoint cannot be read: {error}"))
    });
    let kept = kept.transpose()?;
    // The first time there is none.
    let state = from.state.as_deref().filter(|path| path.exists()).map(|path| {
        let bytes =
            read(path, State::BYTES_MAX).map_err(|error| format!("the state cannot be read: {error}"))?;
        State::from_bytes(&bytes).map_err(|_malformed| {
            format!("{} is damaged, or no state: take it away, and all is verified anew", path.display())
        })
    });
    let state = state.transpose()?;
    let receipts = from.receipts.iter().map(|path| {
        let bytes = read(path, Signed::<Receipt>::BYTES_MAX)
            .map_err(|error| format!("the receipt {} cannot be read: {error}", path.display()))?;
        codec::decode(&bytes).map_err(|_malformed| format!("{} is no receipt", path.display()))
    });
    let receipts = receipts.collect::<Result<Vec<Signed<Receipt>>, String>>()?;
    let basis = Basis { kept: kept.as_deref(), state: state.as_ref(), receipts: &receipts };
    let (report, next) = audit::verify_from(directory, &basis).map_err(|error| match error {
        AuditError::Receipt(number) => {
            let path = from.receipts.get(number).map(|path| path.display().to_string());
            format!("{error} ({})", path.unwrap_or_default())
        }
        AuditError::Files(_) | AuditError::Malformed(_) | _ => error.to_string(),
    })?;
    if let Some((path, next)) = from.state.as_deref().zip(next) {
        write(path, &next.to_bytes()).map_err(|error| format!("the state cannot be kept: {error}"))?;
    }
    Ok(report)
}

/// A file of so many bytes at the most, or the beginning of a longer one.
fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts a file in the place of another, so that after a crash one of the two is there, whole.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    if cfg!(unix) { fs::File::open(directory)?.sync_all() } else { Ok(()) }
}

fn tell(report: &AuditReport, from: &From) -> Ending {
    let AuditReport { vault, log, epochs, streams, events, receipts, findings, .. } = report;
    if from.json {
        let findings = findings.iter().map(|finding| {
            json!({
                "index": finding.index,
                "fault": format!("{:?}", finding.fault),
                "gravity": finding.fault.gravity().word(),
                "stream": finding.stream,
                "seq": finding.seq,
            })
        });
        let verdict = json!({
            "vault": vault.to_hex(),
            "log": { "size": log.size, "root": log.root.to_hex() },
            "epochs": epochs,
            "streams": streams,
            "events": events,
            "receipts": receipts,
            "findings": findings.collect::<Vec<_>>(),
        });
        println!("{verdict}");
    } else {
        for finding in findings {
            println!("{finding}");
        }
    }
    eprintln!("{events} events of {streams} streams in {epochs} epochs: {} findings", findings.len());
    if !from.receipts.is_empty() {
        eprintln!("{receipts} of {} receipts were due", from.receipts.len());
    }
    match report.worst() {
        None | Some(Gravity::Warning) => Ending::Fine,
        Some(Gravity::Missing) => Ending::Missing,
        Some(_) => Ending::Tampering,
    }
}
