//! Keys and ranges of keys.

use std::ops::Bound;

use crate::store::StoreError;

/// Where an owner's rows lie: blinded by whoever makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "sixteen bytes, for good")]
pub struct Place(pub [u8; 16]);

impl Place {
    /// The store's own rows; no key of a caller's names it.
    const RESERVED: Self = Self([0; 16]);
}

/// The most bytes of a row's part of a key.
const ROW_BYTES_MAX: usize = 120;
const PREFIX_BYTES: usize = 17;

/// The key of a row: `place ‖ table ‖ row`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    bytes: Vec<u8>,
    place: Place,
    table: u8,
}

impl Key {
    /// A key.
    ///
    /// # Errors
    /// [`StoreError::Key`] if the row is longer than 120 bytes, or the place is all zero.
    pub fn new(place: Place, table: u8, row: &[u8]) -> Result<Self, StoreError> {
        if row.len() > ROW_BYTES_MAX || place == Place::RESERVED {
            return Err(StoreError::Key);
        }
        Ok(Self { bytes: [place.0.as_slice(), &[table], row].concat(), place, table })
    }

    /// Reads a key back from its bytes.
    ///
    /// # Errors
    /// [`StoreError::Key`] if they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let (place, rest) = bytes.split_first_chunk::<16>().ok_or(StoreError::Key)?;
        let (table, row) = rest.split_first().ok_or(StoreError::Key)?;
        Self::new(Place(*place), *table, row)
    }

    /// All its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> u8 {
        self.table
    }

    /// The row.
    #[must_use]
    pub fn row(&self) -> &[u8] {
        self.bytes.get(PREFIX_BYTES..).unwrap_or_default()
    }
}

/// A range of keys with a common beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every row of every place.
    #[must_use]
    pub const fn all() -> Self {
        Self { prefix: Vec::new(), after: None }
    }

    /// The rows of a table of a place whose row begins so.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn prefix(place: Place, table: u8, row: &[u8]) -> Result<Self, StoreError> {
        Ok(Self { prefix: Key::new(place, table, row)?.bytes, after: None })
    }

    /// The rest of this range, after a key.
    #[must_use]
    pub fn after(self, key: &Key) -> Self {
        Self { after: Some(key.bytes.clone()), ..self }
    }

    /// Where it begins.
    pub(super) fn start(&self) -> Bound<Vec<u8>> {
        match &self.after {
            Some(after) => Bound::Excluded(after.clone()),
            // The store's own rows come first, and are no caller's.
            None if self.prefix.is_empty() => Bound::Excluded([Place::RESERVED.0.as_slice(), &[u8::MAX]].concat()),
            None => Bound::Included(self.prefix.clone()),
        }
    }

    /// Whether a key begins as this range does.
    pub(super) fn covers(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix)
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: Vec<u8>,
}
