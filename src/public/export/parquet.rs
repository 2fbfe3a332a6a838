//! Parquet: one column a field, without compression, so that any reader reads it.
//!
//! ```text
//! text     BYTE_ARRAY (STRING)       number   INT64
//! list     required group (LIST) { repeated group list { required BYTE_ARRAY element (STRING) } }
//! empty    null: the column is optional if its field may be empty, else required
//! ```

use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

use parquet::{
    data_type::{ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};

use crate::public::export::{
    ExportError,
    table::{Cell, Field, Kind, Table},
};

/// How many rows one row group has, and memory holds.
const GROUP_ROWS: usize = 16_384;

/// Writes a table as Parquet.
///
/// # Errors
/// [`ExportError`] if a row is none of the table's, or writing fails.
pub fn write_parquet<'r>(
    table: &Table,
    rows: impl IntoIterator<Item = &'r [Cell]>,
    out: impl Write + Send,
) -> Result<(), ExportError> {
    let mut groups = Groups::begin(table, out)?;
    for row in rows {
        table.check(row)?;
        groups.row(row)?;
    }
    groups.finish()?.flush()?;
    Ok(())
}

/// The values of a column of one row group, with the levels that say where they stand.
enum Column {
    Integers(Vec<i64>),
    Texts(Vec<ByteArray>),
}

struct Gathered {
    column: Column,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// Lists repeat, and what may be empty is defined or not; other columns have no levels.
    has_definitions: bool,
    has_repetitions: bool,
}

impl Gathered {
    fn of(field: &Field) -> Self {
        let is_list = field.kind == Kind::List;
        let column = match field.kind {
            Kind::Integer => Column::Integers(Vec::new()),
            Kind::List | Kind::Text => Column::Texts(Vec::new()),
        };
        Self {
            column,
            definitions: Vec::new(),
            repetitions: Vec::new(),
            has_definitions: is_list || field.may_be_empty,
            has_repetitions: is_list,
        }
    }

    fn take(&mut self, cell: &Cell) {
        match (cell, &mut self.column) {
            (Cell::Integer(number), Column::Integers(numbers)) => {
                numbers.push(i64::from(*number));
                self.definitions.push(1);
            }
            (Cell::Text(text), Column::Texts(texts)) => {
                texts.push(text.as_str().into());
                self.definitions.push(1);
            }
            (Cell::List(items), Column::Texts(texts)) if !items.is_empty() => {
                for (place, item) in items.iter().enumerate() {
                    texts.push(item.as_str().into());
                    self.definitions.push(1);
                    self.repetitions.push(i16::from(place > 0));
                }
            }
            // No value: an empty cell, or a list of none. Other pairs do not pass the table's check.
            (Cell::Empty | Cell::Integer(_) | Cell::List(_) | Cell::Text(_), _) => {
                self.definitions.push(0);
                self.repetitions.push(0);
            }
        }
    }

    fn write(self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let definitions = self.has_definitions.then_some(self.definitions.as_slice());
        let repetitions = self.has_repetitions.then_some(self.repetitions.as_slice());
        match self.column {
            Column::Integers(numbers) => {
                writer.typed::<Int64Type>().write_batch(&numbers, definitions, repetitions)?;
            }
            Column::Texts(texts) => {
                writer.typed::<ByteArrayType>().write_batch(&texts, definitions, repetitions)?;
            }
        }
        Ok(())
    }
}

/// A file that is being written.
pub(super) struct Groups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    fields: Vec<Field>,
    gathered: Vec<Gathered>,
    rows: usize,
}

impl<W: Write + Send> Groups<W> {
    pub(super) fn begin(table: &Table, out: W) -> io::Result<Self> {
        let schema = parse_message_type(&message(table)).map_err(io::Error::other)?;
        // The writer's name and version would be bytes that change with the dependency.
        let properties = WriterProperties::builder().set_created_by("casevault".to_owned()).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties));
        let gathered = table.fields().iter().map(Gathered::of).collect();
        let writer = writer.map_err(io::Error::other)?;
        Ok(Self { writer, fields: table.fields().to_vec(), gathered, rows: 0 })
    }

    pub(super) fn row(&mut self, row: &[Cell]) -> io::Result<()> {
        self.gathered.iter_mut().zip(row).for_each(|(column, cell)| column.take(cell));
        self.rows = self.rows.saturating_add(1);
        if self.rows == GROUP_ROWS { self.group().map_err(io::Error::other) } else { Ok(()) }
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let fresh = self.fields.iter().map(Gathered::of).collect();
        let mut columns = mem::replace(&mut self.gathered, fresh).into_iter();
        self.rows = 0;
        let mut group = self.writer.next_row_group()?;
        while let (Some(mut writer), Some(column)) = (group.next_column()?, columns.next()) {
            column.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.group().map_err(io::Error::other)?;
        }
        self.writer.into_inner().map_err(io::Error::other)
    }
}

fn message(table: &Table) -> String {
    let columns = table.fields().iter().map(|field| {
        let (name, need) = (&field.name, if field.may_be_empty { "optional" } else { "required" });
        match field.kind {
            Kind::Integer => format!("{need} int64 {name};"),
            Kind::List => format!(
                "required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
            ),
            Kind::Text => format!("{need} binary {name} (STRING);"),
        }
    });
    format!("message {} {{ {} }}", table.name(), columns.collect::<Vec<_>>().join(" "))
}
