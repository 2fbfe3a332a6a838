//! A store that fails where it is told to: for tests of everything above it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::store::{Batch, Entry, Key, KeyRange, MemoryStore, Store, StoreError};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fail {
    /// This operation reports an error and does nothing; those after it work.
    Error,
    /// This operation reports a full disk and does nothing; those after it work.
    Full,
    /// The batch is written, and the answer lost: an error is reported.
    Unheard,
    /// This operation and all after it fail, as if the process had stopped before it.
    Stop,
    /// The operation works, then power fails: what was written since the last sync is lost, and all after it fails.
    Lose,
}

/// Another store, made to fail at one operation.
#[derive(Debug)]
pub struct FaultStore {
    inner: Mutex<MemoryStore>,
    /// What is on the disk for good.
    synced: Mutex<MemoryStore>,
    /// Commits that are written without being synced, as a broken engine's would be.
    lazily: bool,
    operations: AtomicU64,
    at: Mutex<Option<(u64, Fail)>>,
    stopped: Mutex<bool>,
}

impl FaultStore {
    /// A store that works.
    #[must_use]
    pub fn new(inner: MemoryStore) -> Self {
        Self {
            synced: Mutex::new(inner.copy()),
            inner: Mutex::new(inner),
            lazily: false,
            operations: AtomicU64::new(0),
            at: Mutex::new(None),
            stopped: Mutex::new(false),
        }
    }

    /// A store whose commits are not durable, as an engine's that forgets to sync: tests must find it out.
    #[must_use]
    pub fn forgetting(inner: MemoryStore) -> Self {
        Self { lazily: true, ..Self::new(inner) }
    }

    /// Makes the operation after so many more fail.
    pub fn fail_after(&self, operations: u64, how: Fail) {
        let at = self.operations.load(Ordering::SeqCst).saturating_add(operations);
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, how));
    }

    /// Whether the fault has happened.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// What is on the disk, after the process has ended.
    #[must_use]
    pub fn survivors(&self) -> MemoryStore {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner).copy()
    }

    /// Counts an operation; how it fails, if it does.
    fn step(&self) -> Result<Option<Fail>, StoreError> {
        if *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(StoreError::Poisoned);
        }
        let number = self.operations.fetch_add(1, Ordering::SeqCst);
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let how = at.filter(|(at, _)| *at == number).map(|(_, how)| how);
        if how.is_some() {
            *at = None;
        }
        match how {
            Some(Fail::Error) => Err(StoreError::Io(std::io::Error::other("injected"))),
            Some(Fail::Full) => Err(StoreError::Io(std::io::ErrorKind::StorageFull.into())),
            Some(Fail::Stop) => {
                self.stop();
                Err(StoreError::Poisoned)
            }
            Some(Fail::Lose | Fail::Unheard) | None => Ok(how),
        }
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn after(&self, how: Option<Fail>) -> Result<(), StoreError> {
        match how {
            Some(Fail::Lose) => {
                self.stop();
                Err(StoreError::Poisoned)
            }
            Some(Fail::Unheard) => Err(StoreError::Io(std::io::Error::other("injected"))),
            Some(Fail::Error | Fail::Full | Fail::Stop) | None => Ok(()),
        }
    }
}

impl Store for FaultStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let how = self.step()?;
        let value = self.inner.lock().unwrap_or_else(PoisonError::into_inner).get(key)?;
        self.after(how)?;
        Ok(value)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let how = self.step()?;
        let rows = self.inner.lock().unwrap_or_else(PoisonError::into_inner).scan(range, limit)?;
        self.after(how)?;
        Ok(rows)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let how = self.step()?;
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::disallowed_methods, reason = "passes a commit on")]
        inner.commit(batch)?;
        if !self.lazily && how != Some(Fail::Lose) {
            *self.synced.lock().unwrap_or_else(PoisonError::into_inner) = inner.copy();
        }
        drop(inner);
        self.after(how)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        let how = self.step()?;
        let generation = self.inner.lock().unwrap_or_else(PoisonError::into_inner).generation()?;
        self.after(how)?;
        Ok(generation)
    }
}
