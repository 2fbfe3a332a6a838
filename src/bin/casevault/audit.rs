//! `casevault audit`: an export for auditors, and its verdict.

use std::{
    fs,
    path::{Path, PathBuf},
};

use casevault::{
    audit::{self, AuditReport, Gravity},
    store::SledStore,
    vault::{ExportError, HostDir, Vault, VaultError},
};
use clap::Subcommand;
use serde_json::json;

use crate::Ending;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Write all that an auditor needs into an empty folder: no name and no content is in it.
    Export {
        /// The vault: a folder with its `store` and its `host`.
        vault: PathBuf,
        /// The folder to write to, which must be empty or not there.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check an export, or a vault by an export of it.
    Verify {
        /// An export's folder, or a vault's.
        what: PathBuf,
        /// A checkpoint that was kept from before, or got from someone else: the log must have grown from it.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
        /// The verdict as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
}

impl Audit {
    pub(crate) fn run(self) -> Ending {
        match self {
            Self::Export { vault, out } => match export(&vault, &out) {
                Ok((streams, events)) => {
                    eprintln!("{events} events of {streams} streams exported to {}", out.display());
                    Ending::Fine
                }
                Err(error) => said(&error),
            },
            Self::Verify { what, checkpoint, json } => verify(&what, checkpoint.as_deref(), json),
        }
    }
}

fn export(vault: &Path, out: &Path) -> Result<(u64, u64), ExportError> {
    let vault = open(vault)?;
    let exported = vault.export_audit(out)?;
    vault.close()?;
    Ok((exported.streams, exported.events))
}

fn open(vault: &Path) -> Result<Vault, VaultError> {
    Vault::open(SledStore::open(vault.join("store"))?, HostDir::open(vault.join("host"))?)
}

fn said(error: &ExportError) -> Ending {
    eprintln!("{error}");
    match error {
        ExportError::Vault(VaultError::WrongRoot | VaultError::Anchor) => Ending::WrongKey,
        ExportError::Vault(VaultError::RolledBack { .. } | VaultError::Damaged) => Ending::Tampering,
        ExportError::Files(_) | ExportError::NotEmpty | ExportError::Vault(_) | _ => Ending::Failed,
    }
}

fn verify(what: &Path, checkpoint: Option<&Path>, is_json: bool) -> Ending {
    let kept = match checkpoint.map(fs::read_to_string).transpose() {
        Ok(kept) => kept,
        Err(error) => {
            eprintln!("the checkpoint cannot be read: {error}");
            return Ending::Failed;
        }
    };
    let report = if what.join("policy.json").is_file() {
        audit::verify(what, kept.as_deref())
    } else if what.join("store").is_dir() {
        let scratch = match tempfile::tempdir() {
            Ok(scratch) => scratch,
            Err(error) => {
                eprintln!("no place for an export: {error}");
                return Ending::Failed;
            }
        };
        if let Err(error) = export(what, &scratch.path().join("export")) {
            return said(&error);
        }
        audit::verify(&scratch.path().join("export"), kept.as_deref())
    } else {
        eprintln!(
            "{} is neither an export (policy.json is not there) nor a vault (store is not there): check the path",
            what.display()
        );
        return Ending::Failed;
    };
    match report {
        Ok(report) => tell(&report, is_json),
        Err(error) => {
            eprintln!("{error}");
            Ending::Failed
        }
    }
}

fn tell(report: &AuditReport, is_json: bool) -> Ending {
    let AuditReport { vault, log, epochs, streams, events, findings, .. } = report;
    if is_json {
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
            "findings": findings.collect::<Vec<_>>(),
        });
        println!("{verdict}");
    } else {
        for finding in findings {
            println!("{finding}");
        }
    }
    eprintln!("{events} events of {streams} streams in {epochs} epochs: {} findings", findings.len());
    match findings.iter().map(|finding| finding.fault.gravity()).max() {
        None | Some(Gravity::Warning) => Ending::Fine,
        Some(Gravity::Missing) => Ending::Missing,
        Some(_) => Ending::Tampering,
    }
}
