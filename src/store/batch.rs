//! Batches: changes that happen together, if what they rest on still holds.

use crate::{
    id::OpId,
    limits::VALUE_BYTES_MAX,
    store::{Key, StoreError},
};

/// What a row must be for a batch to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// There is no such row.
    Absent,
    /// The row has exactly this value.
    Value(Vec<u8>),
}

impl Expectation {
    /// Whether it holds for what a row is.
    #[must_use]
    pub fn holds(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Absent => value.is_none(),
            Self::Value(expected) => value == Some(expected),
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It is gone.
    Delete,
    /// It has this value.
    Put(Vec<u8>),
}

/// Changes that happen together or not at all.
#[derive(Debug, Clone)]
pub struct Batch {
    op_id: OpId,
    across: bool,
    expectations: Vec<(Key, Expectation)>,
    changes: Vec<(Key, Change)>,
}

impl Batch {
    /// A batch that touches one place.
    #[must_use]
    pub const fn new(op_id: OpId) -> Self {
        Self { op_id, across: false, expectations: Vec::new(), changes: Vec::new() }
    }

    /// A batch that may touch several places.
    #[must_use]
    pub fn across(op_id: OpId) -> Self {
        Self { across: true, ..Self::new(op_id) }
    }

    /// Only if the row has this value.
    #[must_use]
    pub fn expect_value(mut self, key: Key, value: Vec<u8>) -> Self {
        self.expectations.push((key, Expectation::Value(value)));
        self
    }

    /// Only if there is no such row.
    #[must_use]
    pub fn expect_absent(mut self, key: Key) -> Self {
        self.expectations.push((key, Expectation::Absent));
        self
    }

    /// Writes a row; the last change of a row counts.
    #[must_use]
    pub fn put(mut self, key: Key, value: Vec<u8>) -> Self {
        self.changes.push((key, Change::Put(value)));
        self
    }

    /// Removes a row, if it is there.
    #[must_use]
    pub fn delete(mut self, key: Key) -> Self {
        self.changes.push((key, Change::Delete));
        self
    }

    /// The act it belongs to: by this an engine that lost its connection finds out whether it was written.
    #[must_use]
    pub const fn op_id(&self) -> OpId {
        self.op_id
    }

    /// What it rests on.
    #[must_use]
    pub fn expectations(&self) -> &[(Key, Expectation)] {
        &self.expectations
    }

    /// What it changes, in order.
    #[must_use]
    pub fn changes(&self) -> &[(Key, Change)] {
        &self.changes
    }

    /// Checks what every engine must refuse.
    ///
    /// # Errors
    /// [`StoreError::ValueTooLarge`]; [`StoreError::Places`] if it touches several without saying so.
    pub fn check(&self) -> Result<(), StoreError> {
        let is_large = |(_, change): &(Key, Change)| matches!(change, Change::Put(value) if value.len() > VALUE_BYTES_MAX);
        if self.changes.iter().any(is_large) {
            return Err(StoreError::ValueTooLarge);
        }
        let mut places = self.changes.iter().map(|(key, _)| key).chain(self.expectations.iter().map(|(key, _)| key));
        let first = places.next().map(Key::place);
        if !self.across && places.any(|key| Some(key.place()) != first) {
            return Err(StoreError::Places);
        }
        Ok(())
    }

    /// The changes, given away.
    pub(super) fn into_changes(self) -> Vec<(Key, Change)> {
        self.changes
    }
}
