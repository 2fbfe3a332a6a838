//! What the command line says.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
clinic: a clinic's day on an embedded vault

First, once: doctors are vetted, an impostor is refused, a patient finds her doctor, a trouble-maker is suspended, and
a doctor whose attestation is withdrawn is locked out. Then, for each chart: a patient's way from the door to the door, and
her case, anonymised, to the public area, where a curator lets cases out that hide one another.

  --fhir PATH…        FHIR R4 charts, one patient each: files or folders, .json or .json.gz
                      (without it: the small charts of examples/data)
  --limit N           at most N charts
  --public DIR        write what is public after each epoch to DIR, a folder an epoch
  --grid NAME         the public policy: small (few patients, a coarse grid), as without it, or default
  --vault DIR         keep the vault in DIR, which must hold none yet (without it: a temporary one)
  --seed N            the same keys and ids in every run; for demonstrations only
  --dump-opinion DIR  for each patient one NDJSON file of exactly what the second doctor could read
  --report FILE       what was done and how long it took, as JSON
  --help              this";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) fhir: Vec<PathBuf>,
    pub(crate) limit: Option<usize>,
    pub(crate) public: Option<PathBuf>,
    pub(crate) grid: Option<String>,
    pub(crate) vault: Option<PathBuf>,
    pub(crate) seed: Option<u64>,
    pub(crate) dump_opinion: Option<PathBuf>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) help: bool,
}

impl Options {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let split = |word: String| match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => vec![option.to_owned(), value.to_owned()],
            Some(_) | None => vec![word],
        };
        let mut words = words.flat_map(split).peekable();
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
                "--limit" => match number(&word, &value()?)? {
                    0 => return Err("--limit must be 1 or more".to_owned()),
                    limit => once(&mut options.limit, &word, limit)?,
                },
                "--public" => once(&mut options.public, &word, value()?.into())?,
                "--grid" => match value()? {
                    name if name == "small" || name == "default" => once(&mut options.grid, &word, name)?,
                    name => return Err(format!("--grid {name}: small or default")),
                },
                "--vault" => once(&mut options.vault, &word, value()?.into())?,
                "--seed" => once(&mut options.seed, &word, number(&word, &value()?)?)?,
                "--dump-opinion" => once(&mut options.dump_opinion, &word, value()?.into())?,
                "--report" => once(&mut options.report, &word, value()?.into())?,
                "--help" | "-h" => options.help = true,
                _ => return Err(format!("unknown option: {word}")),
            }
        }
        Ok(options)
    }
}

fn once<T>(option: &mut Option<T>, word: &str, value: T) -> Result<(), String> {
    if option.replace(value).is_some() { Err(format!("{word} is given twice")) } else { Ok(()) }
}

fn number<T: std::str::FromStr>(option: &str, word: &str) -> Result<T, String> {
    word.parse().map_err(|_unsaid| {
        if !word.is_empty() && word.chars().all(|symbol| symbol.is_ascii_digit()) {
            format!("{option} {word}: too large")
        } else {
            format!("{option} {word}: not a number")
        }
    })
}
