//! Stores: ordered rows, changed in atomic durable batches.
//!
//! A [`Store`] knows nothing of what it keeps. [`MemoryStore`] is for tests; [`SledStore`] (feature `sled`) is the
//! default engine; [`FaultStore`] makes another fail where it is told to. [`conformance`] says what every store must do,
//! and runs on each.
//!
//! ```text
//! key = place (16 bytes) ‖ table (1 byte) ‖ row (at most 120 bytes)        in byte order
//! ```

mod batch;
pub mod conformance;
mod error;
mod fault;
mod key;
mod memory;
#[cfg(feature = "sled")]
mod sled;

pub use batch::{Batch, Change, Expectation};
pub use error::StoreError;
pub use fault::{Fail, FaultStore};
pub use key::{Entry, Key, KeyRange, Place};
pub use memory::MemoryStore;
#[cfg(feature = "sled")]
pub use self::sled::{SledOptions, SledStore};

/// Ordered rows, changed in atomic durable batches.
pub trait Store: Send + Sync + 'static {
    /// The value of a row.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows of a range in the order of their keys, at most so many; go on after the last.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Changes rows, all or none, if all expectations hold; durable on return.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if an expectation does not hold: nothing was written. After any other error it is not
    /// known whether the batch was written until the store is opened again.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// How many gathered batches were committed: written in the same batch as the data, and never less than it was.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn generation(&self) -> Result<u64, StoreError>;
}

impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        (**self).scan(range, limit)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        #[expect(clippy::disallowed_methods, reason = "passes a commit on")]
        (**self).commit(batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        (**self).generation()
    }
}
