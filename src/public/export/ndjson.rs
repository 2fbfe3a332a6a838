//! NDJSON: a JSON object a line, its members in the order of the fields, every one of them there.
//!
//! ```text
//! text   "…"      number   12      list   ["…","…"] or []      empty   null
//! ```

use std::io::{self, Write};

use crate::public::export::{
    ExportError,
    json::Json,
    table::{Cell, Table},
};

/// Writes a table as NDJSON.
///
/// # Errors
/// [`ExportError`] if a row is none of the table's, or writing fails.
pub fn write_ndjson<'r>(
    table: &Table,
    rows: impl IntoIterator<Item = &'r [Cell]>,
    mut out: impl Write,
) -> Result<(), ExportError> {
    for row in rows {
        table.check(row)?;
        line(table, row, &mut out)?;
    }
    Ok(out.flush()?)
}

pub(super) fn line(table: &Table, row: &[Cell], out: &mut impl Write) -> io::Result<()> {
    let mut before = '{';
    for (field, cell) in table.fields().iter().zip(row) {
        write!(out, "{before}\"{}\":", field.name)?;
        before = ',';
        match cell {
            Cell::Empty => out.write_all(b"null")?,
            Cell::Integer(number) => write!(out, "{number}")?,
            Cell::List(texts) => out.write_all(Json::texts(texts).line()?.as_bytes())?,
            Cell::Text(text) => out.write_all(Json::text(text).line()?.as_bytes())?,
        }
    }
    out.write_all(b"}\n")
}
