//! A store in memory.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Batch, Entry, Key, KeyRange, Store, StoreError};

/// Rows in memory, for tests and for what may be forgotten.
///
/// Besides [`Store`] it has what an attacker with the disk in his hands would do: [`overwrite`](Self::overwrite) a row,
/// [`restore`](Self::restore) an older state.
#[derive(Default)]
pub struct MemoryStore {
    rows: RwLock<MemorySnapshot>,
}

/// The whole state of a [`MemoryStore`] at one moment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MemorySnapshot {
    rows: BTreeMap<Key, Vec<u8>>,
    generation: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with these rows and nothing committed yet; of several rows with one key the last counts.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Self {
        let rows = entries.into_iter().map(|Entry { key, value }| (key, value)).collect();
        Self { rows: RwLock::new(MemorySnapshot { rows, generation: 0 }) }
    }

    /// All rows in the order of their keys.
    #[must_use]
    pub fn export(&self) -> Vec<Entry> {
        self.read().rows.iter().map(|(key, value)| entry(key, value)).collect()
    }

    /// The whole state, to go back to.
    #[must_use]
    pub fn snapshot(&self) -> MemorySnapshot {
        self.read().clone()
    }

    /// Goes back to a state, generation and all: what a thief does who puts an old disk back.
    pub fn restore(&self, snapshot: &MemorySnapshot) {
        self.write().clone_from(snapshot);
    }

    /// Changes or removes a row past [`Store::commit`], every bound and the generation: for tests and tools.
    pub fn overwrite(&self, key: &Key, value: Option<Vec<u8>>) {
        let rows = &mut self.write().rows;
        match value {
            Some(value) => rows.insert(key.clone(), value),
            None => rows.remove(key),
        };
    }

    // No call panics while it holds the lock, so a poisoned one guards whole rows.
    fn read(&self) -> RwLockReadGuard<'_, MemorySnapshot> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, MemorySnapshot> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().rows.get(key).cloned())
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        // An inverted range is an empty one here; `BTreeMap::range` would panic on it.
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let end = range.end().map_or(Bound::Unbounded, Bound::Excluded);
        let held = self.read();
        let rows = held.rows.range::<[u8], _>((Bound::Included(range.start()), end));
        Ok(rows.take(limit).map(|(key, value)| entry(key, value)).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let batch = batch.checked()?;
        let mut held = self.write();
        let MemorySnapshot { rows, generation } = &mut *held;
        if !batch.expectations().all(|(key, expected)| expected.holds(rows.get(key).map(Vec::as_slice))) {
            return Err(StoreError::Conflict);
        }
        let mut writes = batch.into_writes().peekable();
        if writes.peek().is_some() {
            *generation = generation.saturating_add(1);
        }
        for (key, value) in writes {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn generation(&self) -> Result<u64, StoreError> {
        Ok(self.read().generation)
    }
}

fn entry(key: &Key, value: &[u8]) -> Entry {
    Entry { key: key.clone(), value: value.to_vec() }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows: _ } = self;
        write!(f, "MemoryStore({:?})", self.read())
    }
}

impl fmt::Debug for MemorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, generation } = self;
        write!(f, "{} rows, generation {generation}", rows.len())
    }
}
