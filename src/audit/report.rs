//! What an audit says at its end: its verdict, or why there is none.

use std::{fs::File, io::Read as _, path::Path};

use crate::{
    audit::{Fault, Finding, Gravity},
    id::VaultId,
    limits::FINDINGS_MAX,
    merkle::Head,
};

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A file cannot be read.
    #[error("the export cannot be read: {0}. Check that the folder is whole")]
    Files(#[from] std::io::Error),
    /// A file that all depends on is not one.
    #[error("{0} is not what an export holds: ask for another, and keep this one")]
    Malformed(&'static str),
    /// A receipt, by its place among those that were given, is not signed by this vault, and proves nothing about it.
    #[error(
        "receipt {0} is not signed by this vault: it is no evidence against it. Leave it out, or check whose it is"
    )]
    Receipt(usize),
}

impl AuditError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Files(_) => "audit-files",
            Self::Malformed(_) => "audit-malformed",
            Self::Receipt(_) => "audit-receipt",
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// The vault.
    pub vault: VaultId,
    /// The head of the log, by its checkpoint.
    pub log: Head,
    /// Epochs of the log.
    pub epochs: u64,
    /// Streams, the vault's own included.
    pub streams: u64,
    /// Events, each with a signature that was verified: now, or by the audit that kept the state.
    pub events: u64,
    /// Receipts whose promise was due, each looked for.
    pub receipts: u64,
    /// Batches of the public area that are shown.
    pub batches: u64,
    /// Those of them whose rows were held to the gate of their policy, which was given.
    pub gated: u64,
    /// What is wrong, the first first; nothing, if all is in order.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    /// How bad the worst of it is; nothing, if nothing is wrong.
    #[must_use]
    pub fn worst(&self) -> Option<Gravity> {
        self.findings.iter().map(|finding| finding.fault.gravity()).max()
    }
}

/// Findings, so many at the most; the first of each stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, index: u64, fault: Fault, (stream, seq): (&str, u64)) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding { index, fault, stream: stream.to_owned(), seq });
        }
    }

    pub(super) fn in_order(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort();
        findings
    }
}

/// A whole file, of so many bytes at the most: of a longer one, one byte more, so that it is none.
pub(crate) fn read_file(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
