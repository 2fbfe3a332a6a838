//! `casevault`: for people who do not write Rust.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints: data on stdout, words on stderr"
)]

mod audit;
mod config;
mod context;
mod disk;
mod ending;
mod failure;
mod passphrase;
mod public;
mod reach;
mod screen;
mod settings;
mod shell;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    context::Context,
    failure::Done,
    settings::{Flags, Settings},
};

pub(crate) use ending::Ending;

/// A privacy-preserving vault for medical records.
///
/// What is asked for goes to stdout, words for people go to stderr. No secret is ever taken from the command line or the
/// environment.
#[derive(Debug, Parser)]
#[command(name = "casevault", version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every access against a consent, and that nothing was removed or re-ordered; no data is seen.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What is set, and where from.
    #[command(subcommand)]
    Config(config::Config),
    /// Print what makes a shell complete this command's words.
    Completions(shell::Completions),
    /// Write the man pages.
    Man(shell::Man),
    /// What anyone may know of cases that patients shared: as files for researchers, and as answers.
    #[command(subcommand)]
    Public(public::Public),
}

/// The command line as clap has it, with the exit codes in the help of every command.
fn line() -> clap::Command {
    fn tell(command: clap::Command) -> clap::Command {
        let names: Vec<String> = command.get_subcommands().map(|under| under.get_name().to_owned()).collect();
        let told = command.after_help(ending::EXIT_CODES);
        names.into_iter().fold(told, |command, name| command.mut_subcommand(name, tell))
    }
    tell(Line::command())
}

fn main() -> ExitCode {
    let Line { command, flags } =
        match line().try_get_matches().and_then(|said| Line::from_arg_matches(&said)) {
            Ok(line) => line,
            Err(error) => error.exit(),
        };
    match run(command, flags) {
        Ok(ending) => ending.into(),
        Err(failure) => {
            screen::word(&screen::clean(&failure.to_string()));
            failure.ending.into()
        }
    }
}

fn run(command: Command, flags: Flags) -> Done<Ending> {
    // What makes a shell at home here needs no settings, and must not fail by them.
    let command = match command {
        Command::Completions(completions) => return completions.run().map(|()| Ending::Fine),
        Command::Man(man) => return man.run().map(|()| Ending::Fine),
        other => other,
    };
    let context = Context { settings: Settings::gather(flags)? };
    match command {
        Command::Audit(audit) => return audit.run(&context),
        Command::Public(public) => return public.run(&context),
        Command::Config(config) => config.run(&context),
        Command::Completions(_) | Command::Man(_) => Ok(()),
    }
    .map(|()| Ending::Fine)
}
