//! What a query answers: a table for people, JSON and CSV for programs.

use casevault::public::export::formula_safe;
use serde_json::{Map, Value, json};

use super::source::Cell;
use crate::failure::{Done, Failure};

/// Lines under their names.
pub(super) struct Answer {
    pub(super) names: Vec<String>,
    pub(super) lines: Vec<Vec<Cell>>,
}

impl Answer {
    /// A JSON object a line.
    pub(super) fn as_json(&self) -> String {
        let value = |cell: &Cell| match cell {
            Cell::Empty => Value::Null,
            Cell::List(values) => json!(values),
            Cell::Number(number) => json!(number),
            Cell::Text(text) => json!(text),
        };
        let line = |cells: &Vec<Cell>| {
            let object: Map<String, Value> =
                self.names.iter().cloned().zip(cells.iter().map(value)).collect();
            format!("{}\n", Value::Object(object))
        };
        self.lines.iter().map(line).collect()
    }

    /// CSV with a header; lists as JSON, and nothing that a spreadsheet would run.
    pub(super) fn as_csv(&self) -> Done<String> {
        let failed = |error: &dyn std::fmt::Display| Failure::failed("csv", error.to_string());
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(&self.names).map_err(|error| failed(&error))?;
        for cells in &self.lines {
            let texts = cells.iter().map(|cell| match cell {
                Cell::Empty => String::new(),
                Cell::List(values) => json!(values).to_string(),
                Cell::Number(number) => number.to_string(),
                Cell::Text(text) => formula_safe(text).into_owned(),
            });
            out.write_record(texts).map_err(|error| failed(&error))?;
        }
        let bytes = out.into_inner().map_err(|error| failed(&error.error()))?;
        String::from_utf8(bytes).map_err(|error| failed(&error))
    }

    /// Columns with two spaces between them.
    pub(super) fn as_table(&self) -> String {
        let text = |cell: &Cell| match cell {
            Cell::Empty => "-".to_owned(),
            Cell::List(values) => values.join(", "),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
        };
        let lines = self.lines.iter().map(|cells| cells.iter().map(text).collect());
        let lines: Vec<Vec<String>> = std::iter::once(self.names.clone()).chain(lines).collect();
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|text| text.chars().count()).max()
        };
        let widths: Vec<usize> = (0..self.names.len()).map(|column| width(column).unwrap_or(0)).collect();
        let line = |cells: &Vec<String>| {
            let padded: Vec<String> =
                cells.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
            format!("{}\n", padded.join("  ").trim_end())
        };
        lines.iter().map(line).collect()
    }
}
