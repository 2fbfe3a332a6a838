//! Rows as CSV: RFC 4180 with LF, UTF-8, a header; nothing that a spreadsheet would run.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use crate::{
    public::export::formula_safe,
    report::{
        consents::Consent,
        reading::{Reader, Told},
        rows::{self, EVENT, GRANT, Value},
    },
};

/// Two files of rows.
pub(super) struct Csv<W> {
    events: W,
    grants: W,
}

impl<W: Write> Csv<W> {
    pub(super) fn begin([mut events, mut grants]: [W; 2]) -> io::Result<Self> {
        row(&mut events, &EVENT.map(Value::Word))?;
        row(&mut grants, &GRANT.map(Value::Word))?;
        Ok(Self { events, grants })
    }

    pub(super) fn into_files(self) -> [W; 2] {
        [self.events, self.grants]
    }
}

impl<W: Write> Reader for Csv<W> {
    fn event(&mut self, told: &Told<'_>) -> io::Result<()> {
        row(&mut self.events, &rows::event(told))
    }

    fn consent(&mut self, consent: &Consent) -> io::Result<()> {
        row(&mut self.grants, &rows::grant(consent))
    }

    fn unreadable(&mut self, index: u64) -> io::Result<()> {
        let mut cells = [const { Value::Absent }; EVENT.len()];
        for (cell, column) in cells.iter_mut().zip(EVENT) {
            match column {
                "index" => *cell = Value::Number(index),
                "decision" => *cell = Value::Word("unreadable"),
                _ => (),
            }
        }
        row(&mut self.events, &cells)
    }
}

fn row(out: &mut impl Write, cells: &[Value]) -> io::Result<()> {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        match cell {
            Value::Absent => (),
            Value::Number(number) => write!(out, "{number}")?,
            Value::Text(text) => out.write_all(quoted(text).as_bytes())?,
            Value::Word(word) => out.write_all(quoted(word).as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

/// A text as a cell: with ' before it if a spreadsheet would take it for a formula, in quotation marks if it needs them.
fn quoted(text: &str) -> Cow<'_, str> {
    let text = formula_safe(text);
    if text.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_stays_one_cell() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("'=1", "''=1"),
            ("=\"a\",b", "\"'=\"\"a\"\",b\""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("party:00", "party:00"),
        ] {
            let mut out = Vec::new();
            row(&mut out, &[Value::text(text), Value::Absent, Value::Number(7)]).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{cell},,7\n"), "{text:?}");
        }
    }
}
