//! `casevault audit`: an export for auditors, and its verdict.

mod export;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use self::{
    export::{export, said},
    verify::{From, verify},
};
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
        #[command(flatten)]
        from: From,
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
            Self::Verify { what, from } => verify(&what, &from),
        }
    }
}
