//! Where rows are kept: one small contract, and the engines that hold to it.
//!
//! ```text
//! key    = place (16) ‖ table (1) ‖ row (0..=120)      compared byte by byte, so that a place lies together
//! value  = 0..=65,536 bytes                            sealed by who writes it; a store believes nothing and reads nothing
//! batch  = expectations + writes                       whole or not at all, on disk when `commit` returns
//! ```
//!
//! | type | when |
//! | --- | --- |
//! | [`MemoryStore`] | tests, and whatever may be forgotten at the end of the process |
//! | `SledStore` | the default: one directory, one process, no set-up (feature `sled`) |
//! | [`fault::FaultStore`], [`fault::LossyMemory`] | tests of what happens when a store fails or forgets |
//!
//! Another engine implements [`Store`] and runs [`conformance::check`]: passing it is what being a store means.
//!
//! # Security
//! No engine's integrity is believed: a store may lose its tail, show old rows or exchanged ones without noticing. What
//! is kept here is sealed with its position and proven by lists, streams and the anchor above. A thief of the store sees
//! how many rows a place has and how long they are.

mod batch;
pub mod conformance;
mod error;
pub mod fault;
mod key;
mod memory;
#[cfg(feature = "sled")]
mod sled;

use std::sync::Arc;

#[cfg(feature = "sled")]
pub use self::sled::{SledOptions, SledStore};
pub use self::{
    batch::{Batch, CheckedBatch, Expectation},
    error::StoreError,
    key::{Entry, Key, KeyRange, Place},
    memory::{MemorySnapshot, MemoryStore},
};

/// Rows under ordered keys, written in batches that are whole or not there.
///
/// All that any reader sees is durable: an answer is never taken back by a crash.
pub trait Store: Send + Sync + 'static {
    /// The value at a key, if there is one.
    ///
    /// # Errors
    /// What [`StoreError`] says of a store that cannot be read.
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows of a range in the order of their keys: the first `limit` of them, or all if there are fewer.
    ///
    /// A page shorter than `limit` is the last one; the next page is [`KeyRange::past`] the last key.
    ///
    /// # Errors
    /// What [`StoreError`] says of a store that cannot be read.
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Writes a batch if all its expectations hold: atomic, and durable on return.
    ///
    /// A batch without writes checks its expectations and leaves [`Self::generation`] as it is.
    ///
    /// # Errors
    /// Nothing is written on [`StoreError::Conflict`] and on what [`Batch::checked`] refuses. After any other error the
    /// outcome is unknown, whole or nothing, until the store was opened again and looked at.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// How many batches this store has made durable; batches that were gathered into one count once.
    ///
    /// Kept in a row of its own, written with the data. It never goes back, so one that did is a store rolled back.
    ///
    /// # Errors
    /// What [`StoreError`] says of a store that cannot be read.
    fn generation(&self) -> Result<u64, StoreError>;
}

impl<T: Store + ?Sized> Store for Arc<T> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        (**self).scan(range, limit)
    }

    #[expect(clippy::disallowed_methods, reason = "hands the caller's own commit on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        (**self).commit(batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        (**self).generation()
    }
}
