//! `casevault audit`: an export for auditors, and its verdict.

mod cosign;
mod export;
mod report;
mod verify;
mod watch;
mod witness;

use std::path::PathBuf;

use clap::Subcommand;

use self::{
    export::As,
    report::To,
    verify::{From, verify},
};
use crate::{Ending, context::Context, failure::Done};

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Ask a vault's witnesses for their lines under its newest checkpoint, and print it with them.
    ///
    /// How they are reached stands in `witnesses.toml` in the host's folder. Ends with 4 if fewer have seen it than the policy
    /// asks for, with 3 if one has seen a log that this one does not continue.
    Cosign {
        /// The vault: a folder with its `store` and its `host`.
        vault: PathBuf,
    },
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
    /// Print the verifier key of a vault's log: what a witness trusts, and what signs the vault's public exports.
    Vkey {
        /// An export's folder, or a vault's.
        what: PathBuf,
    },
    /// Verify what is new, again and again, and say what is found as it comes; ends with 3 at the first tampering.
    Watch(watch::Watch),
    /// Vouch for vaults: keep the last checkpoint of each, sign what grows from it, refuse what does not.
    #[command(subcommand)]
    Witness(witness::Command),
}

impl Audit {
    pub(crate) fn run(self, context: &Context) -> Done<Ending> {
        match self {
            Self::Cosign { vault } => cosign::cosign(context, &vault),
            Self::Export { vault, out, format } => Ok(export::run(context, &vault, &out, format)),
            Self::Report { what, to, from } => Ok(report::run(context, &what, &to, &from)),
            Self::Verify { what, from } => Ok(verify(context, &what, &from)),
            Self::Vkey { what } => cosign::vkey(context, &what),
            Self::Watch(watch) => watch.run(context),
            Self::Witness(command) => command.run(),
        }
    }
}
