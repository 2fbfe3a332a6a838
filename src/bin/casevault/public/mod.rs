//! `casevault public`: what anyone may know, as files and as answers.

mod answer;
mod export;
mod query;
mod source;

use std::path::PathBuf;

use clap::Subcommand;

use crate::{Ending, files};

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

/// Why there is no answer: what to say, and how to end.
struct Trouble(String, Ending);

impl Trouble {
    fn failed(words: impl ToString) -> Self {
        Self(words.to_string(), Ending::Failed)
    }
}

impl Public {
    pub(crate) fn run(self) -> Ending {
        let ended = match self {
            Self::Export(export) => export.run(),
            Self::Verify { export, vkey } => source::verified(&export, &vkey).and_then(|written| {
                let lines = written.iter().map(|file| format!("{}  {}\n", file.sha256.to_hex(), file.name));
                files::print(&lines.collect::<String>()).map_err(Trouble::failed)?;
                eprintln!("{} files are what the vault signed", written.len());
                Ok(Ending::Fine)
            }),
            Self::Query(query) => query.run(),
        };
        ended.unwrap_or_else(|Trouble(words, ending)| {
            if !words.is_empty() {
                eprintln!("{words}");
            }
            ending
        })
    }
}
