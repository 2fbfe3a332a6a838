//! A clinic's day on an embedded vault: who may come in and who has to leave; then enrol, import charts, assign, open,
//! write, revoke, look who looked.
//!
//! `cargo run --release --example clinic -- --help` tells the options.
#![expect(clippy::print_stderr, reason = "an example says what went wrong")]

mod charts;
mod clock;
mod day;
mod options;
mod public;
mod report;
mod standing;
mod vetting;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use options::Options;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Says a line to whoever listens.
pub(crate) fn say(line: &str) -> Outcome<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    if options.help {
        return ended(say(options::HELP));
    }
    ended(day::run(&options))
}

fn ended(outcome: Outcome<()>) -> ExitCode {
    let is_unheard = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever listened has heard enough.
        Err(error) if error.downcast_ref().is_some_and(is_unheard) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the day ended early: {error}");
            ExitCode::FAILURE
        }
    }
}
