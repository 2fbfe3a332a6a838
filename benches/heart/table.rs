//! The table: a row for each kind of work, with its goal.

use serde_json::{Value, json};

use crate::{Outcome, measure::Spread};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Time,
}

/// `casevault ≤ times × beside + plus`.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    words: String,
    times: f64,
    plus: f64,
}

impl Goal {
    pub(crate) fn new(words: impl Into<String>, times: f64, plus: f64) -> Self {
        Self { words: words.into(), times, plus }
    }
}

/// One kind of work beside what it is built on.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) unit: Unit,
    pub(crate) ours: Spread,
    pub(crate) beside: Spread,
    pub(crate) beside_is: &'static str,
    pub(crate) goal: Option<Goal>,
}

impl Row {
    pub(crate) fn of_times(
        work: impl Into<String>,
        (ours, beside): (Spread, Spread),
        beside_is: &'static str,
        goal: Option<Goal>,
    ) -> Self {
        Self { work: work.into(), unit: Unit::Time, ours, beside, beside_is, goal }
    }

    fn ratio(&self) -> f64 {
        self.ours.median() / self.beside.median()
    }

    fn is_met(&self) -> Option<bool> {
        let Goal { times, plus, .. } = self.goal.as_ref()?;
        Some(self.ours.median() <= times * self.beside.median() + plus)
    }

    fn met(&self) -> &'static str {
        match self.is_met() {
            None => "",
            Some(false) => "NO",
            Some(true) => "yes",
        }
    }
}

/// A value with three digits and its unit.
fn shown(unit: Unit, value: f64) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Bytes => &[(1.0, "B"), (1024.0, "KiB"), (1024.0 * 1024.0, "MiB")],
        Unit::Time => &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")],
    };
    let fits = scales.iter().rev().find(|(scale, _)| value.abs() >= *scale).or(scales.first());
    let (scale, name) = fits.copied().unwrap_or((1.0, ""));
    let value = value / scale;
    let digits = if value.abs() >= 100.0 { 0 } else { usize::from(value.abs() < 10.0) + 1 };
    format!("{value:.digits$} {name}")
}

fn spread(unit: Unit, spread: &Spread) -> String {
    if spread.lower() == spread.upper() {
        return shown(unit, spread.median());
    }
    let (lower, upper) = (shown(unit, spread.lower()), shown(unit, spread.upper()));
    format!("{} ({lower} – {upper})", shown(unit, spread.median()))
}

/// The table in Markdown: medians, with the quartiles in brackets.
pub(crate) fn words(rows: &[Row]) -> String {
    let head = ["work", "casevault", "beside it", "ratio", "over", "goal", "met"].map(str::to_owned);
    let mut cells = vec![head];
    cells.extend(rows.iter().map(|row| {
        [
            row.work.clone(),
            spread(row.unit, &row.ours),
            format!("{}: {}", row.beside_is, spread(row.unit, &row.beside)),
            format!("{:.2}", row.ratio()),
            shown(row.unit, row.ours.median() - row.beside.median()),
            row.goal.as_ref().map_or_else(String::new, |goal| goal.words.clone()),
            row.met().to_owned(),
        ]
    }));
    let mut widths = [0; 7];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}", cells.collect::<String>())
    };
    let rule = format!("|{}", widths.map(|width| format!(" {} |", "-".repeat(width))).concat());
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    lines.insert(1, rule);
    lines.join("\n")
}

/// The table as JSON: nanoseconds or bytes.
pub(crate) fn json(rows: &[Row]) -> Outcome<Vec<u8>> {
    let three = |spread: &Spread| json!({ "median": spread.median(), "lower": spread.lower(), "upper": spread.upper() });
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "work": row.work,
                "unit": match row.unit { Unit::Bytes => "bytes", Unit::Time => "ns" },
                "casevault": three(&row.ours),
                "beside": three(&row.beside),
                "beside_is": row.beside_is,
                "ratio": row.ratio(),
                "goal": row.goal.as_ref().map(|goal| {
                    json!({ "words": goal.words, "times": goal.times, "plus": goal.plus })
                }),
                "met": row.is_met(),
            })
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&json!({ "rows": rows }))?;
    bytes.push(b'\n');
    Ok(bytes)
}
