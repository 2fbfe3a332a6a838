//! An export's verdict.

use std::{
    fs,
    path::{Path, PathBuf},
};

use casevault::{
    audit::{self, AuditError, AuditReport, Basis, Finding, Gravity, State},
    codec::{self, Wire as _},
    crypto::Signed,
    event::Receipt,
    public::PublicPolicy,
};
use clap::Args;
use serde_json::{Value, json};

use super::export::Export;
use crate::{Ending, context::Context, disk, failure::Failure, init::public_policy, public::export::policy};

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
    /// A public policy under which batches became public: their rows must pass its gate. `small`, `default`, or a file; may be
    /// given several times. Without it, the one in the vault's folder.
    #[arg(long = "public-policy", value_name = "POLICY")]
    policies: Vec<String>,
    /// The verdict as JSON on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(context: &Context, what: &Path, from: &From) -> Ending {
    let export = match Export::of(context, what) {
        Ok(export) => export,
        Err(ending) => return ending,
    };
    match verify_from((export.folder(), what), from) {
        Ok(report) => {
            from.tell(&report);
            ending(&report)
        }
        Err(words) => {
            eprintln!("{words}");
            Ending::Failed
        }
    }
}

/// Reads what the auditor has, verifies, and keeps what is to be kept; what went wrong, in words.
///
/// The folder is an export's. What it was made of may be a vault's: then the public policy that is kept there is gone by, if no
/// other is named. A release names its policy by its digest, so that a policy put there in its place is none.
pub(super) fn verify_from((directory, of): (&Path, &Path), from: &From) -> Result<AuditReport, String> {
    let words = |failure: Failure| failure.words().to_owned();
    let kept = from.checkpoint.as_ref().map(|path| {
        fs::read_to_string(path).map_err(|error| format!("the checkpoint cannot be read: {error}"))
    });
    let kept = kept.transpose()?;
    // The first time there is none.
    let state = from.state.as_deref().filter(|path| path.exists()).map(|path| {
        let bytes = disk::read(path, State::BYTES_MAX).map_err(words)?;
        State::from_bytes(&bytes).map_err(|_malformed| {
            format!("{} is damaged, or no state: take it away, and all is verified anew", path.display())
        })
    });
    let state = state.transpose()?;
    let receipts = from.receipts.iter().map(|path| {
        let bytes = disk::read(path, Signed::<Receipt>::BYTES_MAX).map_err(words)?;
        codec::decode(&bytes).map_err(|_malformed| format!("{} is no receipt", path.display()))
    });
    let receipts = receipts.collect::<Result<Vec<Signed<Receipt>>, String>>()?;
    let policies = from.policies.iter().map(|named| public_policy(named).map(|(_text, policy)| policy));
    let mut policies = policies.collect::<Result<Vec<PublicPolicy>, Failure>>().map_err(words)?;
    if policies.is_empty() {
        policies.extend(policy(of, None).map_err(words)?);
    }
    let basis =
        Basis { kept: kept.as_deref(), state: state.as_ref(), receipts: &receipts, policies: &policies };
    let (report, next) = audit::verify_from(directory, &basis).map_err(|error| match error {
        AuditError::Receipt(number) => {
            let path = from.receipts.get(number).map(|path| path.display().to_string());
            format!("{error} ({})", path.unwrap_or_default())
        }
        AuditError::Files(_) | AuditError::Malformed(_) | _ => error.to_string(),
    })?;
    if let Some((path, next)) = from.state.as_deref().zip(next) {
        disk::replace(path, &next.to_bytes())
            .map_err(|failure| format!("the state cannot be kept: {}", failure.words()))?;
    }
    Ok(report)
}

/// A finding, as `--json` says it.
pub(super) fn finding_json(finding: &Finding) -> Value {
    json!({
        "index": finding.index,
        "fault": format!("{:?}", finding.fault),
        "gravity": finding.fault.gravity().word(),
        "stream": finding.stream,
        "seq": finding.seq,
    })
}

impl From {
    /// Nothing but a state.
    pub(super) const fn state(path: PathBuf) -> Self {
        Self { checkpoint: None, state: Some(path), receipts: Vec::new(), policies: Vec::new(), json: false }
    }

    /// The verdict, on stdout; what it is of, on stderr.
    pub(super) fn tell(&self, report: &AuditReport) {
        let AuditReport { vault, log, epochs, streams, events, receipts, batches, gated, findings, .. } =
            report;
        if self.json {
            let verdict = json!({
                "vault": vault.to_hex(),
                "log": { "size": log.size, "root": log.root.to_hex() },
                "epochs": epochs,
                "streams": streams,
                "events": events,
                "receipts": receipts,
                "batches": { "public": batches, "held_to_gate": gated },
                "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
            });
            println!("{verdict}");
        } else {
            for finding in findings {
                println!("{finding}");
            }
        }
        eprintln!("{events} events of {streams} streams in {epochs} epochs: {} findings", findings.len());
        if !self.receipts.is_empty() {
            eprintln!("{receipts} of {} receipts were due", self.receipts.len());
        }
        if *batches > 0 && gated < batches {
            eprintln!(
                "{gated} of {batches} public batches were held to the gate of their policy: give it with --public-policy"
            );
        }
    }
}

/// How an audit ends, by the worst that it found.
pub(super) fn ending(report: &AuditReport) -> Ending {
    match report.worst() {
        None | Some(Gravity::Warning) => Ending::Fine,
        Some(Gravity::Missing) => Ending::Missing,
        Some(_) => Ending::Tampering,
    }
}
