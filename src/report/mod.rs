//! What an auditor's export holds, for people and for programs: events and grants as NDJSON, CSV and FHIR, and a report in one
//! HTML file.
//!
//! ```text
//! export's folder ─ lines, decoded on all cores ─ Reading ─▶ each event in plain words      ─▶ NDJSON · CSV · AuditEvent
//!                                                        ─▶ each grant, from given to ended ─▶ NDJSON · CSV · Consent
//!                                                        ─▶ what both add up to             ─▶ the report
//! ```
//!
//! [`write_events`] and [`write_report`] read the folder once, line by line. In memory are two chunks of lines, of one stream at a
//! time its folders and the grants that hold, the role of each party, and for the report what it shows. `docs/audit.md` says
//! what the formats hold.
//!
//! ```no_run
//! use std::fs::File;
//!
//! use casevault::{
//!     audit,
//!     report::{Language, write_report},
//!     time::{Clock, SystemClock},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verdict = audit::verify("export".as_ref(), None)?;
//! let mut page = File::create_new("report.html")?;
//! write_report("export", &verdict, (Language::English, SystemClock.now()), &mut page)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//! Nothing here verifies: what is written is what the export's lines claim. Verify first; [`write_report`] takes the verdict and
//! shows it. Ids and coded values only are written, so there is no text of a line's maker in what comes out; who acted on which
//! folder when is in it, and it is for an auditor alone, as the export is.

mod charts;
mod consents;
mod csv;
mod fhir;
mod format;
mod html;
mod language;
mod ndjson;
mod page;
mod reading;
mod rows;
mod tables;
mod tally;
mod words;
mod write;

pub use format::Format;
pub use language::Language;
pub use page::write_report;
pub use write::{Written, write_events};

use crate::audit::AuditError;

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder is not an export's, or cannot be read.
    #[error(transparent)]
    Export(#[from] AuditError),
    /// What was made cannot be written.
    #[error("it cannot be written: {0}. Check that there is room, and that the folder may be written to")]
    Written(#[source] std::io::Error),
}

impl ReportError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Export(error) => error.code(),
            Self::Written(_) => "report-written",
        }
    }
}
