//! `casevault public`: what anyone may know, as files and as answers.

mod answer;
pub(crate) mod export;
mod query;
mod source;

use std::path::PathBuf;

use clap::Subcommand;

use crate::{Ending, context::Context, failure::Done, screen};

#[derive(Debug, Subcommand)]
pub(crate) enum Public {
    /// Write all public cases into a folder that is not there yet: in the formats asked for, explained, and signed.
    Export(export::ExportOf),
    /// Check that an export is what a vault signed, each byte of it; prints its files.
    ///
    /// Ends with 3 if it is not, with 4 if there is no signature.
    Verify {
        /// The export's folder.
        export: PathBuf,
        /// The vault's verifier key, or a file that holds it: got another way than with the export.
        #[arg(long, value_name = "VKEY")]
        vkey: String,
    },
    /// Count or list public cases: of a vault, or of an export that was got from someone, once its signature holds.
    Query(query::Query),
}

impl Public {
    pub(crate) fn run(self, context: &Context) -> Done<Ending> {
        match self {
            Self::Export(export) => export.run(context)?,
            Self::Verify { export, vkey } => {
                let written = source::verified(&export, &vkey)?;
                for file in &written {
                    screen::answer(&format!("{}  {}", file.sha256.to_hex(), file.name))?;
                }
                screen::word(&format!("{} files are what the vault signed", written.len()));
            }
            Self::Query(query) => query.run(context)?,
        }
        Ok(Ending::Fine)
    }
}
