//! CSV: RFC 4180 with LF, UTF-8, a header; nothing that a spreadsheet would run.
//!
//! ```text
//! text     as it is; with ' before it if it begins with = + - @ ' tab or CR       to read: drop one leading '
//! number   in decimal
//! list     a JSON array of texts: [] is a list of none
//! empty    nothing between the commas; as the only cell of a row, ""
//! ```
//!
//! A cell is quoted if it holds a comma, a quotation mark or a line's end, and only then.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use crate::public::export::{
    ExportError,
    json::Json,
    table::{Cell, Table},
};

/// What a spreadsheet takes for the beginning of a formula, and the mark itself, so that dropping one mark is always right.
const MARKED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// A text as a cell of CSV holds it: with a mark if it would be taken for a formula.
#[must_use]
pub fn formula_safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(MARKED) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Writes a table as CSV.
///
/// # Errors
/// [`ExportError`] if a row is none of the table's, or writing fails.
pub fn write_csv<'r>(
    table: &Table,
    rows: impl IntoIterator<Item = &'r [Cell]>,
    out: impl Write,
) -> Result<(), ExportError> {
    let mut lines = Lines::begin(table, out)?;
    for row in rows {
        table.check(row)?;
        lines.row(row)?;
    }
    Ok(lines.out.flush()?)
}

/// A file that is being written.
pub(super) struct Lines<W> {
    pub(super) out: W,
}

impl<W: Write> Lines<W> {
    pub(super) fn begin(table: &Table, out: W) -> io::Result<Self> {
        let mut lines = Self { out };
        lines.line(table.fields().iter().map(|field| Cow::Borrowed(field.name.as_str())))?;
        Ok(lines)
    }

    pub(super) fn row(&mut self, row: &[Cell]) -> io::Result<()> {
        let cells: Vec<Cow<'_, str>> = row.iter().map(cell).collect::<io::Result<_>>()?;
        self.line(cells.into_iter())
    }

    fn line<'t>(&mut self, cells: impl Iterator<Item = Cow<'t, str>>) -> io::Result<()> {
        let cells: Vec<_> = cells.collect();
        // A line without a symbol is no row to most readers.
        if cells.iter().map(AsRef::as_ref).eq([""]) {
            return self.out.write_all(b"\"\"\n");
        }
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                self.out.write_all(b",")?;
            }
            if cell.contains([',', '"', '\n', '\r']) {
                write!(self.out, "\"{}\"", cell.replace('"', "\"\""))?;
            } else {
                self.out.write_all(cell.as_bytes())?;
            }
        }
        self.out.write_all(b"\n")
    }
}

fn cell(cell: &Cell) -> io::Result<Cow<'_, str>> {
    Ok(match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::List(texts) => Cow::Owned(Json::texts(texts).line()?),
        Cell::Text(text) => formula_safe(text),
    })
}
