//! What the command line says.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
clinic: a clinic's day on an embedded vault

  --fhir PATH…        FHIR R4 charts, one patient each: files or folders, .json or .json.gz
                      (without it: the small charts of examples/data)
  --limit N           at most N charts
  --vault DIR         keep the vault in DIR, which must be new (without it: a temporary one)
  --seed N            the same keys and ids in every run; for demonstrations only
  --dump-opinion DIR  for each patient one NDJSON file of exactly what the second doctor could read
  --report FILE       what was done and how long it took, as JSON
  --help              this";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) fhir: Vec<PathBuf>,
    pub(crate) limit: Option<usize>,
    pub(crate) vault: Option<PathBuf>,
    pub(crate) seed: Option<u64>,
    pub(crate) dump_opinion: Option<PathBuf>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) help: bool,
}

impl Options {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value =
                || words.next_if(|word| !word.starts_with("--")).ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--fhir" => {
                    options.fhir.push(value()?.into());
                    while let Some(path) = words.next_if(|word| !word.starts_with("--")) {
                        options.fhir.push(path.into());
                    }
                }
                "--limit" => options.limit = Some(number(&value()?)?),
                "--vault" => options.vault = Some(value()?.into()),
                "--seed" => options.seed = Some(number(&value()?)?),
                "--dump-opinion" => options.dump_opinion = Some(value()?.into()),
                "--report" => options.report = Some(value()?.into()),
                "--help" | "-h" => options.help = true,
                _ => return Err(format!("unknown option: {word}")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_unsaid| format!("not a number: {word}"))
}
