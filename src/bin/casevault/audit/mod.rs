//! `casevault audit`: an export for auditors, and its verdict.

mod export;
mod report;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use self::{
    export::As,
    report::To,
    verify::{From, verify},
};
use crate::Ending;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Write all that an auditor needs into an empty folder: no name and no content is in it.
    Export {
        /// The vault: a folder with its `store` and its `host`. For other formats than `bundle` also an export's folder.
        vault: PathBuf,
        /// The folder to write to, which must be empty or not there.
        #[arg(long)]
        out: PathBuf,
        /// What to write. Only a bundle can be verified.
        #[arg(long, value_enum, default_value_t = As::Bundle)]
        format: As,
    },
    /// Check an export, or a vault by an export of it, and write what came of it as one HTML file for people.
    ///
    /// It tells the verdict as `verify` does, and ends as that does.
    Report {
        /// An export's folder, or a vault's.
        what: PathBuf,
        #[command(flatten)]
        to: To,
        #[command(flatten)]
        from: From,
    },
    /// Check an export, or a vault by an export of it.
    Verify {
        /// An export's folder, or a vault's.
        what: PathBuf,
        #[command(flatten)]
        from: From,
    },
}

impl Audit {
    pub(crate) fn run(self) -> Ending {
        match self {
            Self::Export { vault, out, format } => export::run(&vault, &out, format),
            Self::Report { what, to, from } => report::run(&what, &to, &from),
            Self::Verify { what, from } => verify(&what, &from),
        }
    }
}
