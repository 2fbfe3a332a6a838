//! `casevault`: for people who do not write Rust. So far: the audit.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints: data on stdout, words on stderr"
)]

mod audit;
mod files;
mod public;
mod reach;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A privacy-preserving vault for medical records.
///
/// Exit codes: 0 all is well; 1 it could not be done; 2 the command line is wrong; 3 tampering was found; 4 evidence is missing;
/// 12 the host directory is not this vault's.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every access against a consent, and that nothing was removed or re-ordered; no data is seen.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What anyone may know of cases that patients shared: as files for researchers, and as answers.
    #[command(subcommand)]
    Public(public::Public),
}

/// How it ended.
pub(crate) enum Ending {
    Fine,
    Failed,
    Tampering,
    Missing,
    WrongKey,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Fine => 0,
            Ending::Failed => 1,
            Ending::Tampering => 3,
            Ending::Missing => 4,
            Ending::WrongKey => 12,
        })
    }
}

fn main() -> ExitCode {
    let Line { command } = Line::parse();
    match command {
        Command::Audit(audit) => audit.run(),
        Command::Public(public) => public.run(),
    }
    .into()
}
