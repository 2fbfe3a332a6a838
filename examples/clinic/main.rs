//! A clinic's day on an embedded vault: enrol, vet, import charts, assign, open, write, revoke, look who looked.
//!
//! `cargo run --release --example clinic -- --help` tells the options.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example tells what happens")]

mod day;
mod options;
mod report;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    if options.help {
        println!("{}", options::HELP);
        return ExitCode::SUCCESS;
    }
    match day::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the day ended early: {error}");
            ExitCode::FAILURE
        }
    }
}
