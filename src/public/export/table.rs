//! Tables, whatever they hold: fields with a meaning and a role, and rows of cells.

use crate::public::export::ExportError;

/// What a researcher must know of a field to judge what it can tell of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// Tells nothing of a person: a random id, the facts of a batch.
    Insensitive,
    /// What others may know of a person; released only with k persons behind each combination.
    QuasiIdentifier,
    /// What nobody should learn of a person: diagnoses, drugs, results.
    Sensitive,
}

impl Role {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Insensitive => "insensitive",
            Self::QuasiIdentifier => "quasi-identifier",
            Self::Sensitive => "sensitive",
        }
    }
}

/// What a cell of a field is, in every format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A whole number, not negative; 64 bits wide where a format has widths.
    Integer,
    /// Texts, none or more, in an order that says nothing.
    List,
    /// A text, never empty.
    Text,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name: small letters, digits and underscores, beginning with a letter.
    pub name: String,
    /// The name as people say it.
    pub title: String,
    /// What it means, in a sentence or two.
    pub description: String,
    /// What its cells are.
    pub kind: Kind,
    /// What it can tell.
    pub role: Role,
    /// Whether a cell may be empty. A list is never: it can be a list of none.
    pub may_be_empty: bool,
    /// Every text it can hold, where they are few. Empty: see `system`.
    pub values: Vec<String>,
    /// The code system of its texts, if they are codes.
    pub system: Option<String>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cell {
    /// Nothing is said.
    Empty,
    /// A number.
    Integer(u32),
    /// Texts.
    List(Vec<String>),
    /// A text.
    Text(String),
}

/// What the rows of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    name: String,
    description: String,
    fields: Vec<Field>,
}

/// What readers of CSV take for "nothing", whatever it stood for.
const TAKEN_FOR_EMPTY: [&str; 19] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "",
];

impl Table {
    /// A table without rows.
    ///
    /// # Errors
    /// [`ExportError::Table`] if a name cannot be one in every format, or occurs twice.
    pub fn new(name: &str, description: &str, fields: Vec<Field>) -> Result<Self, ExportError> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.len() <= 64
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        if fields.is_empty() || !names.iter().copied().chain([name]).all(is_name) {
            return Err(ExportError::Table("a name"));
        }
        names.sort_unstable();
        names.dedup();
        if names.len() != fields.len() {
            return Err(ExportError::Table("a name that occurs twice"));
        }
        if fields.iter().flat_map(|field| &field.values).any(|value| is_taken_for_empty(value)) {
            return Err(ExportError::Table("a value that readers take for none"));
        }
        Ok(Self { name: name.to_owned(), description: description.to_owned(), fields })
    }

    /// The name, which its files bear.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a row is.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The columns, in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether a row has a cell for each field, of its kind and among its values, that every format holds alike.
    ///
    /// # Errors
    /// [`ExportError::Table`] if not.
    pub fn check(&self, row: &[Cell]) -> Result<(), ExportError> {
        if row.len() != self.fields.len() {
            return Err(ExportError::Table("a row of another length"));
        }
        self.fields.iter().zip(row).try_for_each(|(field, cell)| field.check(cell))
    }
}

impl Field {
    fn check(&self, cell: &Cell) -> Result<(), ExportError> {
        let known = |text: &String| self.values.is_empty() || self.values.contains(text);
        let fits = match (self.kind, cell) {
            (Kind::Integer, Cell::Integer(_)) => true,
            (Kind::Integer | Kind::Text, Cell::Empty) => self.may_be_empty,
            (Kind::List, Cell::List(texts)) => texts.iter().all(|text| known(text) && !text.is_empty()),
            (Kind::Text, Cell::Text(text)) => known(text) && !is_taken_for_empty(text),
            (Kind::Integer, Cell::List(_) | Cell::Text(_))
            | (Kind::List, Cell::Empty | Cell::Integer(_) | Cell::Text(_))
            | (Kind::Text, Cell::Integer(_) | Cell::List(_)) => false,
        };
        if fits { Ok(()) } else { Err(ExportError::Table("a cell that its field cannot hold")) }
    }
}

fn is_taken_for_empty(text: &str) -> bool {
    TAKEN_FOR_EMPTY.contains(&text)
}
