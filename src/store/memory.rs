//! A store in memory: for tests, and for trying things out. Nothing survives it.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use crate::store::{Batch, Change, Entry, Key, KeyRange, Store, StoreError};

#[derive(Debug, Clone, Default)]
struct Rows {
    rows: BTreeMap<Vec<u8>, (Key, Vec<u8>)>,
    generation: u64,
}

/// Rows in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<Rows>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of its present state: what a backup of the whole store would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(RwLock::new(self.0.read().unwrap_or_else(PoisonError::into_inner).clone()))
    }

    /// Changes a row past every check, as someone with the disk in hand would: for tests.
    pub fn tamper(&self, key: &Key, value: Option<Vec<u8>>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => state.rows.insert(key.as_bytes().to_vec(), (key.clone(), value)),
            None => state.rows.remove(key.as_bytes()),
        };
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.rows.get(key.as_bytes()).map(|(_, value)| value.clone()))
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let rows = state.rows.range((range.start(), Bound::Unbounded));
        let rows = rows.take_while(|(key, _)| range.covers(key)).take(limit);
        Ok(rows.map(|(_, (key, value))| Entry { key: key.clone(), value: value.clone() }).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        batch.check()?;
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let value = |key: &Key| state.rows.get(key.as_bytes()).map(|(_, value)| value.as_slice());
        if !batch.expectations().iter().all(|(key, expectation)| expectation.holds(value(key))) {
            return Err(StoreError::Conflict);
        }
        for (key, change) in batch.into_changes() {
            match change {
                Change::Delete => state.rows.remove(key.as_bytes()),
                Change::Put(value) => state.rows.insert(key.as_bytes().to_vec(), (key, value)),
            };
        }
        state.generation = state.generation.saturating_add(1);
        Ok(())
    }

    fn generation(&self) -> Result<u64, StoreError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).generation)
    }
}
