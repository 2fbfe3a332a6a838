//! `casevault`: for people who do not write Rust.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints: data on stdout, words on stderr"
)]

mod attest;
mod audit;
mod chart;
mod config;
mod consent;
mod context;
mod curate;
mod demo;
mod directory;
mod disk;
mod ending;
mod enrol;
mod failure;
mod history;
mod init;
mod keys;
mod named;
mod passphrase;
mod public;
mod reach;
mod records;
mod screen;
mod settings;
mod share;
mod shell;
mod signed_in;

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
    /// Make a new vault.
    Init(init::Init),
    /// Key files: make one, show whose it is, change its passphrase.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Become a party of the vault with your key, and say who you are.
    Enrol(enrol::Enrol),
    /// As a registrar: see who waits, read papers, attest, refuse, withdraw.
    Attest(attest::Attest),
    /// As a doctor: say how you stand in the directory.
    List(directory::List),
    /// As a patient: find a doctor.
    Directory(directory::Directory),
    /// As a patient: bring a FHIR chart in, as a new case.
    Import(chart::Import),
    /// Write a text in a case, or begin one with it.
    Write(chart::Write),
    /// Show your cases, or what one says: a doctor's opening is an event that the patient sees.
    Show(chart::Show),
    /// As a patient: let a doctor treat your case, and know who you are.
    Assign(consent::Grant),
    /// As a patient: ask another doctor, who does not learn who you are.
    Opinion(consent::Grant),
    /// As a patient: take a case back from a doctor.
    Revoke(consent::Revoke),
    /// Who did what with your data, when, why.
    History(history::History),
    /// As a patient: give a case to the public area, anonymised, or take it back.
    Share(share::Share),
    /// As a curator: let cases out that hide one another.
    Curate(curate::Curate),
    /// Check every access against a consent, and that nothing was removed or re-ordered; no data is seen.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What anyone may know of cases that patients shared: as files for researchers, and as answers.
    #[command(subcommand)]
    Public(public::Public),
    /// What is set, and where from.
    #[command(subcommand)]
    Config(config::Config),
    /// Make a small vault to play with, and say what to try.
    Demo(demo::Demo),
    /// Print what makes a shell complete this command's words.
    Completions(shell::Completions),
    /// Write the man pages.
    Man(shell::Man),
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
    // Commands that need no settings must not fail by them.
    let context = Settings::gather(flags).map(|settings| Context { settings });
    let done = match command {
        Command::Assign(grant) => grant.assign(&context?),
        Command::Attest(attest) => attest.run(&context?),
        Command::Audit(audit) => return audit.run(&context?),
        Command::Completions(completions) => completions.run(),
        Command::Config(config) => config.run(&context?),
        Command::Curate(curate) => curate.run(&context?),
        Command::Demo(demo) => demo.run(),
        Command::Directory(directory) => directory.run(&context?),
        Command::Enrol(enrol) => enrol.run(&context?),
        Command::History(history) => history.run(&context?),
        Command::Import(import) => import.run(&context?),
        Command::Init(init) => init.run(&context?),
        Command::Keys(keys) => keys.run(&context?),
        Command::List(list) => list.run(&context?),
        Command::Man(man) => man.run(),
        Command::Opinion(grant) => grant.opinion(&context?),
        Command::Public(public) => return public.run(&context?),
        Command::Revoke(revoke) => revoke.run(&context?),
        Command::Share(share) => share.run(&context?),
        Command::Show(show) => show.run(&context?),
        Command::Write(write) => write.run(&context?),
    };
    done.map(|()| Ending::Fine)
}
