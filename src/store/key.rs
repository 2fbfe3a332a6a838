//! Keys, and ranges of them.

use std::{borrow::Borrow, fmt};

use super::StoreError;
use crate::limits::ROW_BYTES_MAX;

/// The store's own place: no key of a caller can name it.
const RESERVED: Place = Place([0; Place::LEN]);

/// The table of the store's own rows.
const RESERVED_TABLE: u8 = 0;

/// An owner's rows lie together at one place, which says nothing about the owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place([u8; Self::LEN]);

impl Place {
    /// The length in bytes.
    pub const LEN: usize = 16;

    /// Takes the bytes as they are; a [`Key`] at the all-zero place is refused.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(")?;
        hex(f, self.0.iter().take(8))?;
        f.write_str(")")
    }
}

/// The name of one row: `place ‖ table ‖ row`, ordered as its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// At least place and table.
    bytes: Vec<u8>,
}

impl Key {
    /// The bytes before the row.
    pub const HEAD_LEN: usize = Place::LEN + 1;

    /// A key.
    ///
    /// # Errors
    /// [`StoreError::ReservedPlace`] for the all-zero place, [`StoreError::RowTooLong`] for a row of more than 120 bytes.
    pub fn new(place: Place, table: u8, row: &[u8]) -> Result<Self, StoreError> {
        if place == RESERVED {
            return Err(StoreError::ReservedPlace);
        }
        if row.len() > ROW_BYTES_MAX {
            return Err(StoreError::RowTooLong);
        }
        Ok(Self::joined(place, table, row))
    }

    /// Reads [`Self::as_bytes`] back.
    ///
    /// # Errors
    /// [`StoreError::KeyMalformed`] if the bytes are shorter than place and table, or what [`Self::new`] says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let Some((place, [table, row @ ..])) = bytes.split_first_chunk() else {
            return Err(StoreError::KeyMalformed);
        };
        Self::new(Place(*place), *table, row)
    }

    /// The row of the store's own that counts its batches.
    #[cfg(feature = "sled")]
    pub(super) fn generation() -> Self {
        Self::joined(RESERVED, RESERVED_TABLE, b"generation")
    }

    /// The place.
    #[must_use]
    pub fn place(&self) -> Place {
        self.bytes.first_chunk().map_or(RESERVED, |place| Place(*place))
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> u8 {
        self.bytes.get(Place::LEN).copied().unwrap_or(RESERVED_TABLE)
    }

    /// The row.
    #[must_use]
    pub fn row(&self) -> &[u8] {
        self.bytes.get(Self::HEAD_LEN..).unwrap_or_default()
    }

    /// `place ‖ table ‖ row`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn joined(place: Place, table: u8, row: &[u8]) -> Self {
        Self { bytes: [place.as_bytes(), [table].as_slice(), row].concat() }
    }
}

/// Keys compare as their bytes, so a map of them can be searched by bytes.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        hex(f, self.place().0.iter().take(8))?;
        write!(f, "/{:02x}/", self.table())?;
        hex(f, self.row().iter().take(8))?;
        f.write_str(")")
    }
}

/// A row as a scan returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// Its value.
    pub value: Vec<u8>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value } = self;
        write!(f, "Entry({key:?}, {} bytes)", value.len())
    }
}

/// Consecutive keys: of a table, of a place, or of the whole store.
///
/// What narrows a range is relative to what its keys have in common: in a table it is a row, in a place
/// `table ‖ row`, in the whole store the bytes of a key. The store's own rows are in no range.
///
/// ```
/// use casevault::store::{Key, KeyRange, Place};
///
/// # fn main() -> Result<(), casevault::store::StoreError> {
/// let place = Place::from_bytes([7; 16]);
/// let records = KeyRange::table(place, 1).prefix(b"2026-").after(b"2026-03");
/// assert!(records.contains(&Key::new(place, 1, b"2026-04")?));
/// assert!(!records.contains(&Key::new(place, 1, b"2026-03")?));
/// assert!(!records.contains(&Key::new(place, 2, b"2026-04")?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// What all keys begin with.
    common: Vec<u8>,
    /// The first key that may be in it.
    start: Vec<u8>,
    /// The first key after it; none if there is no end.
    end: Option<Vec<u8>>,
}

impl KeyRange {
    /// The rows of one table at one place.
    #[must_use]
    pub fn table(place: Place, table: u8) -> Self {
        Self::beginning_with([place.as_bytes(), [table].as_slice()].concat())
    }

    /// All rows of a place.
    #[must_use]
    pub fn place(place: Place) -> Self {
        Self::beginning_with(place.as_bytes().to_vec())
    }

    /// All rows of the store but its own.
    #[must_use]
    pub fn all() -> Self {
        Self::beginning_with(Vec::new())
    }

    /// Only from this row on, the row included.
    #[must_use]
    pub fn starting(self, row: &[u8]) -> Self {
        let start = [self.common.as_slice(), row].concat();
        self.from(start)
    }

    /// Only what comes after this row.
    #[must_use]
    pub fn after(self, row: &[u8]) -> Self {
        // The next greater byte string is the same one with a zero behind it.
        let start = [self.common.as_slice(), row, &[0]].concat();
        self.from(start)
    }

    /// Only what comes before this row.
    #[must_use]
    pub fn before(self, row: &[u8]) -> Self {
        let end = [self.common.as_slice(), row].concat();
        Self { end: Some(self.end.map_or(end.clone(), |old| old.min(end))), ..self }
    }

    /// Only what comes after this key: the next page after one that ends with it.
    #[must_use]
    pub fn past(self, key: &Key) -> Self {
        let start = [key.as_bytes(), &[0]].concat();
        self.from(start)
    }

    /// Only rows that begin with these bytes.
    #[must_use]
    pub fn prefix(self, row: &[u8]) -> Self {
        let prefix = [self.common.as_slice(), row].concat();
        let end = match (self.end.clone(), successor(&prefix)) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
        Self { end, ..self.from(prefix) }
    }

    /// Whether a key is in it.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        self.start.as_slice() <= key.as_bytes()
            && self.end.as_ref().is_none_or(|end| key.as_bytes() < end.as_slice())
    }

    /// Whether no key can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// The first byte string in the range, for an engine.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The first byte string after the range, for an engine; none if there is no end.
    #[must_use]
    pub fn end(&self) -> Option<&[u8]> {
        self.end.as_deref()
    }

    fn beginning_with(common: Vec<u8>) -> Self {
        // What follows the reserved place: whatever the range, it begins behind the store's own rows.
        let first = successor(RESERVED.as_bytes()).unwrap_or_default();
        Self { start: first.max(common.clone()), end: successor(&common), common }
    }

    fn from(self, start: Vec<u8>) -> Self {
        Self { start: self.start.max(start), ..self }
    }
}

impl fmt::Debug for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { common: _, start, end } = self;
        f.write_str("KeyRange(")?;
        hex(f, start.iter())?;
        f.write_str("..")?;
        hex(f, end.iter().flatten())?;
        f.write_str(")")
    }
}

/// The first byte string greater than all that begin with `prefix`; none if all its bytes are 255.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = prefix.to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

fn hex<'a>(f: &mut fmt::Formatter<'_>, mut bytes: impl Iterator<Item = &'a u8>) -> fmt::Result {
    bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
}
