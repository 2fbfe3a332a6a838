//! The heart's speed: what the vault does, beside the raw store or primitive under it, in one run.
//!
//! `cargo bench --bench heart` prints the table; words after `--` choose rows, `--json FILE` keeps it. Rounds of both
//! sides alternate, so that a noisy neighbour slows both; medians are compared.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

mod clinic;
mod measure;
mod raw;
mod rows;
mod table;

use std::process::ExitCode;

use rows::GROUPS;
use table::Row;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
heart: the vault beside the raw store and the raw primitives

  WORD…         only the rows whose group's name contains one of these
  --json FILE   the table once more, as JSON
  --list        the names of the groups
  CASEVAULT_FHIR=PATH…  charts for the import, files or folders (without it: those of examples/data)";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let (mut wanted, mut json): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // What cargo says to every benchmark.
            "--bench" => (),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--json" => json = Some(words.next().ok_or("--json needs a file")?),
            "--list" => {
                GROUPS.iter().for_each(|(name, _)| println!("{name}"));
                return Ok(());
            }
            _ if word.starts_with('-') => return Err(format!("unknown option: {word}\n\n{HELP}").into()),
            _ => wanted.push(word),
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (name, measure) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word)) {
            eprintln!("measuring: {name}");
            rows.extend(measure()?);
        }
    }
    println!("{}", table::words(&rows));
    if let Some(file) = json {
        std::fs::write(file, table::json(&rows)?)?;
    }
    Ok(())
}
