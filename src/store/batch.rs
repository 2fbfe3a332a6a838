//! What is written together, and under which expectations.

use std::{collections::BTreeMap, fmt};

use super::{Key, Place, StoreError};
use crate::{
    id::OpId,
    limits::{STORE_BATCH_BYTES_MAX, STORE_BATCH_ROWS_MAX, VALUE_BYTES_MAX},
};

/// What a row must be for a batch to be written.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// There is no such row.
    Absent,
    /// The row has exactly this value.
    Value(Vec<u8>),
}

impl Expectation {
    /// Whether it holds for a row as it is.
    #[must_use]
    pub fn holds(&self, current: Option<&[u8]>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::Value(value) => current == Some(value.as_slice()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Value(value) => value.len(),
        }
    }
}

/// What [`Store::get`](super::Store::get) returned is what is expected to be there still.
impl From<Option<Vec<u8>>> for Expectation {
    fn from(current: Option<Vec<u8>>) -> Self {
        current.map_or(Self::Absent, Self::Value)
    }
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Value(value) => write!(f, "Value({} bytes)", value.len()),
        }
    }
}

/// Writes that happen together or not at all.
///
/// A batch touches one place, so that an engine may keep places apart; [`Batch::across`] is for the rare one that
/// must not.
///
/// ```
/// use casevault::{id::OpId, store::{Batch, Expectation, Key, Place}};
///
/// # fn main() -> Result<(), casevault::store::StoreError> {
/// let head = Key::new(Place::from_bytes([7; 16]), 1, b"head")?;
/// let mut batch = Batch::new(OpId::from_bytes([1; 16]));
/// batch.expect(head.clone(), Expectation::Absent);
/// batch.put(head, b"first".to_vec());
/// assert_eq!(batch.checked()?.writes().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Batch {
    op_id: OpId,
    places: Places,
    expectations: Vec<(Key, Expectation)>,
    writes: BTreeMap<Key, Option<Vec<u8>>>,
}

/// How many places a batch may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    Many,
    One,
}

impl Batch {
    /// An empty batch for one place.
    #[must_use]
    pub const fn new(op_id: OpId) -> Self {
        Self::touching(op_id, Places::One)
    }

    /// An empty batch for several places.
    #[must_use]
    pub const fn across(op_id: OpId) -> Self {
        Self::touching(op_id, Places::Many)
    }

    /// Requires a row to be as expected before anything of this batch is written. All expectations must hold.
    pub fn expect(&mut self, key: Key, expectation: impl Into<Expectation>) -> &mut Self {
        self.expectations.push((key, expectation.into()));
        self
    }

    /// Writes a row. Of several writes of one row the last counts.
    pub fn put(&mut self, key: Key, value: Vec<u8>) -> &mut Self {
        self.writes.insert(key, Some(value));
        self
    }

    /// Removes a row, if it is there. Of several writes of one row the last counts.
    pub fn delete(&mut self, key: Key) -> &mut Self {
        self.writes.insert(key, None);
        self
    }

    /// Whether it writes nothing; it may still expect something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Checks the bounds. Only what was checked shows its rows: an engine begins here.
    ///
    /// # Errors
    /// [`StoreError::MixedPlaces`], [`StoreError::ValueTooLarge`] or [`StoreError::BatchTooLarge`].
    pub fn checked(self) -> Result<CheckedBatch, StoreError> {
        let Self { op_id, places, expectations, writes } = self;
        let mut bytes = 0_usize;
        let mut first: Option<Place> = None;
        let expected = expectations.iter().map(|(key, expectation)| (key, expectation.len()));
        let written = writes.iter().map(|(key, value)| (key, value.as_ref().map_or(0, Vec::len)));
        for (key, len) in expected.chain(written) {
            if places == Places::One && *first.get_or_insert(key.place()) != key.place() {
                return Err(StoreError::MixedPlaces);
            }
            if len > VALUE_BYTES_MAX {
                return Err(StoreError::ValueTooLarge);
            }
            bytes = bytes.saturating_add(key.as_bytes().len()).saturating_add(len);
        }
        let rows = expectations.len().saturating_add(writes.len());
        if rows > STORE_BATCH_ROWS_MAX || bytes > STORE_BATCH_BYTES_MAX {
            return Err(StoreError::BatchTooLarge);
        }
        Ok(CheckedBatch { op_id, expectations, writes, bytes })
    }

    const fn touching(op_id: OpId, places: Places) -> Self {
        Self { op_id, places, expectations: Vec::new(), writes: BTreeMap::new() }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op_id, places, expectations, writes } = self;
        let (expected, written) = (expectations.len(), writes.len());
        write!(f, "Batch({op_id}, {places:?} place, {expected} expected, {written} written)")
    }
}

/// A [`Batch`] within all bounds, for an engine to write.
#[derive(Clone)]
pub struct CheckedBatch {
    op_id: OpId,
    expectations: Vec<(Key, Expectation)>,
    writes: BTreeMap<Key, Option<Vec<u8>>>,
    bytes: usize,
}

impl CheckedBatch {
    /// The act it belongs to: how an engine that lost the answer finds out whether it was written.
    #[must_use]
    pub const fn op_id(&self) -> OpId {
        self.op_id
    }

    /// What must hold before anything is written.
    pub fn expectations(&self) -> impl Iterator<Item = (&Key, &Expectation)> {
        self.expectations.iter().map(|(key, expectation)| (key, expectation))
    }

    /// What is written, in the order of the keys, each key once; none removes the row.
    pub fn writes(&self) -> impl Iterator<Item = (&Key, Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key, value.as_deref()))
    }

    /// What is written, to keep.
    pub fn into_writes(self) -> impl Iterator<Item = (Key, Option<Vec<u8>>)> {
        self.writes.into_iter()
    }

    /// Keys and values together, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for CheckedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op_id, expectations, writes, bytes } = self;
        let (expected, written) = (expectations.len(), writes.len());
        write!(f, "CheckedBatch({op_id}, {expected} expected, {written} written, {bytes} bytes)")
    }
}
