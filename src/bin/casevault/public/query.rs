//! `casevault public query`: what a researcher asks first.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use casevault::public::Icd3;
use clap::Args;

use super::{
    answer::Answer,
    export::{policy, write_plain},
    source::{self, Cases, Cell, Field},
};
use crate::{
    context::Context,
    failure::{Done, Failure},
    screen,
};

/// What to ask, and how to answer.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// An export's folder, or a vault's.
    what: PathBuf,
    /// For an export: the vault's verifier key, or a file that holds it. Of an export that it did not sign nothing is told.
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// For a vault: the public policy, `small`, `default`, or a file; its own, if not said.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Only cases of which this field has this value, or holds it, if it is a list: sex=female, drugs=314076. Several: all hold.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    conditions: Vec<String>,
    /// Only cases whose main diagnosis lies in this category or block of ICD-10: J45, J40-J47. What is told coarser is left out.
    #[arg(long, value_name = "ICD")]
    diagnosis: Option<String>,
    /// How many, instead of which.
    #[arg(long)]
    count: bool,
    /// How many of each value of these fields; several with commas.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    by: Vec<String>,
    /// Which fields to show; several with commas. Without it a table shows a few, JSON and CSV all.
    #[arg(long, value_name = "FIELD", value_delimiter = ',', conflicts_with_all = ["count", "by"])]
    columns: Vec<String>,
    /// So many lines at the most.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// A JSON object a line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV with a header.
    #[arg(long)]
    csv: bool,
}

/// A query against the fields there are.
struct Plan {
    conditions: Vec<(usize, String)>,
    diagnosis: Option<(usize, Icd3, Icd3)>,
    by: Vec<usize>,
    columns: Vec<usize>,
}

impl Query {
    pub(super) fn run(self, context: &Context) -> Done {
        let scratch = tempfile::tempdir()
            .map_err(|error| Failure::failed("files", format!("no place for an export: {error}")))?;
        let export = if self.what.join("store").is_dir() {
            let policy = policy(&self.what, self.policy.as_deref())?;
            let (vault, at) = (context.open_vault_at(&self.what)?, scratch.path().join("export"));
            let written = write_plain(&vault, &at, policy.as_ref());
            vault.close()?;
            written?;
            at
        } else if let Some(vkey) = &self.vkey {
            source::verified(&self.what, vkey)?;
            self.what.clone()
        } else if self.what.join("manifest.json").is_file() {
            return Err(Failure::usage("an export needs --vkey: the key of the vault that signed it"));
        } else {
            let words = "it is neither an export (manifest.json is not there) nor a vault (store is not there): check the path";
            return Err(Failure::failed("no-export", words).about(&self.what));
        };
        let answer = self.ask(&export)?;
        let text = match (self.json, self.csv) {
            (true, _) => answer.as_json(),
            (false, true) => answer.as_csv()?,
            (false, false) => answer.as_table(),
        };
        screen::write(text.as_bytes())
    }

    fn ask(&self, export: &Path) -> Done<Answer> {
        let cases = Cases::of(export)?;
        let plan = self.plan(&cases.fields)?;
        let is_counted = self.count || !self.by.is_empty();
        let shown = if is_counted { &plan.by } else { &plan.columns };
        let name = |index: &usize| cases.fields.get(*index).map(|field| field.name.clone());
        let mut names: Vec<String> = shown.iter().filter_map(name).collect();
        let most = self.limit.unwrap_or(usize::MAX);
        let (mut found, mut lines, mut counts) = (0_u64, Vec::new(), BTreeMap::<Vec<String>, u64>::new());
        cases.each(|case| {
            if !plan.fits(&case) {
                return;
            }
            found = found.saturating_add(1);
            if is_counted {
                for key in plan.keys(&case) {
                    let count = counts.entry(key).or_default();
                    *count = count.saturating_add(1);
                }
            } else if lines.len() < most {
                lines.push(plan.columns.iter().filter_map(|index| case.get(*index).cloned()).collect());
            }
        })?;
        if is_counted {
            names.push("count".to_owned());
            if plan.by.is_empty() {
                return Ok(Answer { names, lines: vec![vec![Cell::Number(found)]] });
            }
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|(_, count)| Reverse(*count));
            let text = |text: String| if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
            let line = |(key, count): (Vec<String>, u64)| {
                key.into_iter().map(text).chain([Cell::Number(count)]).collect()
            };
            lines = counts.into_iter().take(most).map(line).collect();
            screen::word(&format!("{found} cases fit"));
        } else {
            screen::word(&format!("{} of {found} cases that fit", lines.len()));
        }
        Ok(Answer { names, lines })
    }

    fn plan(&self, fields: &[Field]) -> Done<Plan> {
        let index = |name: &str| {
            fields.iter().position(|field| field.name == name).ok_or_else(|| {
                let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                Failure::usage(format!("there is no field {name}: there are {}", known.join(", ")))
            })
        };
        let all = |names: &[String]| names.iter().map(|name| index(name)).collect::<Result<Vec<usize>, _>>();
        let condition = |text: &String| {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "--where {text}: write a field, an equals sign and a value, like sex=female"
                ))
            })?;
            Ok((index(name)?, value.to_owned()))
        };
        let diagnosis = self.diagnosis.as_deref().map(|text| {
            let (first, last) = codes(text).ok_or_else(|| {
                Failure::usage(format!(
                    "--diagnosis {text}: write a category or a block of ICD-10, like J45 or J40-J47; what is told as a whole \
                     chapter, --where diagnosis=X finds"
                ))
            })?;
            index("diagnosis").map(|index| (index, first, last))
        });
        let is_shown = |field: &Field| {
            self.json
                || self.csv
                || field.is_quasi()
                || matches!(field.name.as_str(), "id" | "diagnosis" | "outcome")
        };
        let columns = if self.columns.is_empty() {
            let shown = fields.iter().enumerate().filter(|(_, field)| is_shown(field));
            shown.map(|(index, _)| index).collect()
        } else {
            all(&self.columns)?
        };
        Ok(Plan {
            conditions: self.conditions.iter().map(condition).collect::<Done<_>>()?,
            diagnosis: diagnosis.transpose()?,
            by: all(&self.by)?,
            columns,
        })
    }
}

/// A category twice, or the first and last of a block.
fn codes(text: &str) -> Option<(Icd3, Icd3)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let codes = (Icd3::parse(first).ok()?, Icd3::parse(last).ok()?);
    (codes.0 <= codes.1).then_some(codes)
}

impl Plan {
    fn fits(&self, case: &[Cell]) -> bool {
        let holds = |(index, value): &(usize, String)| match case.get(*index) {
            Some(Cell::Empty) => value.is_empty(),
            Some(Cell::List(values)) => values.contains(value),
            Some(Cell::Number(number)) => number.to_string() == *value,
            Some(Cell::Text(text)) => text == value,
            None => false,
        };
        // What is told coarser than asked may be another: a chapter is no such text.
        let is_within = |(index, first, last): &(usize, Icd3, Icd3)| {
            matches!(case.get(*index), Some(Cell::Text(text))
                if codes(text).is_some_and(|(begin, end)| *first <= begin && end <= *last))
        };
        self.conditions.iter().all(holds) && self.diagnosis.as_ref().is_none_or(is_within)
    }

    /// The values a case is counted under: of a list each once.
    fn keys(&self, case: &[Cell]) -> Vec<Vec<String>> {
        let mut keys = vec![Vec::new()];
        for index in &self.by {
            let mut values = match case.get(*index) {
                Some(Cell::List(values)) if !values.is_empty() => values.clone(),
                Some(Cell::Number(number)) => vec![number.to_string()],
                Some(Cell::Text(text)) => vec![text.clone()],
                Some(Cell::Empty | Cell::List(_)) | None => vec![String::new()],
            };
            values.sort_unstable();
            values.dedup();
            let longer = |key: &Vec<String>| {
                values
                    .iter()
                    .map(|value| [key.as_slice(), std::slice::from_ref(value)].concat())
                    .collect::<Vec<_>>()
            };
            keys = keys.iter().flat_map(longer).collect();
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_that_is_told_coarser_than_asked_does_not_fit() {
        let fits = |asked: &str, told: Cell| {
            let (first, last) = codes(asked).unwrap();
            let diagnosis = Some((0, first, last));
            Plan { conditions: Vec::new(), diagnosis, by: Vec::new(), columns: Vec::new() }.fits(&[told])
        };
        for (asked, told, expected) in [
            ("J45", "J45", true),
            ("J40-J47", "J45", true),
            ("J40-J47", "J40-J47", true),
            ("J45", "J40-J47", false),
            ("J40-J44", "J45", false),
            ("J40-J47", "J00-J99", false),
            ("A00-Z99", "X", false),
        ] {
            assert_eq!(fits(asked, Cell::Text(told.to_owned())), expected, "{asked} {told}");
        }
        assert!(!fits("A00-Z99", Cell::Empty));
    }
}
