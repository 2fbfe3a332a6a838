//! Stores that fail on purpose: for tests of what stands on a store.
//!
//! A test runs a verb once to count its operations, then again with a fault at each of them in turn; after each it opens
//! the inner store and finds the verb done or not begun.
//!
//! ```
//! use casevault::store::{MemoryStore, Key, Place, Store, fault::{Fault, FaultStore, Operations}};
//!
//! # fn main() -> Result<(), casevault::store::StoreError> {
//! let store = FaultStore::new(MemoryStore::new());
//! let key = Key::new(Place::from_bytes([7; 16]), 1, b"row")?;
//! store.arm(Fault::Error, Operations::Reads, 1);
//! assert!(store.get(&key).is_ok());
//! assert!(store.get(&key).is_err());
//! assert!(store.get(&key).is_ok());
//! # Ok(())
//! # }
//! ```

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Batch, Entry, Key, KeyRange, MemorySnapshot, MemoryStore, Store, StoreError};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The operation is done and reports an error: the answer was lost.
    AcknowledgementLost,
    /// The operation is not done and reports an error; the next one works.
    Error,
    /// The operation is not done for want of space; the next one works.
    Full,
    /// The operation is done, then the process is dead: it and all later ones report an error.
    StopAfter,
    /// The process is dead before the operation: it and all later ones report an error and are not done.
    StopBefore,
}

impl Fault {
    /// Every one, for a test that tries them all.
    pub const ALL: [Self; 5] =
        [Self::AcknowledgementLost, Self::Error, Self::Full, Self::StopAfter, Self::StopBefore];

    /// Whether the operation happens all the same.
    const fn acts(self) -> bool {
        match self {
            Self::AcknowledgementLost | Self::StopAfter => true,
            Self::Error | Self::Full | Self::StopBefore => false,
        }
    }

    const fn stops(self) -> bool {
        match self {
            Self::StopAfter | Self::StopBefore => true,
            Self::AcknowledgementLost | Self::Error | Self::Full => false,
        }
    }

    fn error(self) -> StoreError {
        match self {
            Self::Full => StoreError::Full,
            Self::AcknowledgementLost | Self::Error | Self::StopAfter | Self::StopBefore => {
                io::Error::other("injected").into()
            }
        }
    }
}

/// Which operations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operations {
    /// Reads and commits.
    All,
    /// [`Store::commit`].
    Commits,
    /// [`Store::get`], [`Store::scan`] and [`Store::generation`].
    Reads,
}

/// A store that fails at one chosen operation.
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: S,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    reads: u64,
    commits: u64,
    armed: Option<(Fault, Operations, u64)>,
    stopped: bool,
}

impl Plan {
    const fn count(&self, operations: Operations) -> u64 {
        match operations {
            Operations::All => self.reads.saturating_add(self.commits),
            Operations::Commits => self.commits,
            Operations::Reads => self.reads,
        }
    }

    /// Counts one operation and says whether it is the one to fail.
    fn step(&mut self, kind: Operations) -> Option<Fault> {
        let due = self.armed.filter(|(_, operations, nth)| {
            (*operations == kind || *operations == Operations::All) && self.count(*operations) == *nth
        });
        let counter = if kind == Operations::Commits { &mut self.commits } else { &mut self.reads };
        *counter = counter.saturating_add(1);
        let (fault, ..) = due?;
        self.armed = None;
        self.stopped = fault.stops();
        Some(fault)
    }
}

impl<S: Store> FaultStore<S> {
    /// A store that does not fail yet.
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Mutex::default() }
    }

    /// Fails once, after `nth` operations from now that count: 0 is the next one. Wakes a stopped store.
    pub fn arm(&self, fault: Fault, operations: Operations, nth: u64) {
        *self.plan() = Plan { armed: Some((fault, operations, nth)), ..Plan::default() };
    }

    /// Fails no more, counts from zero. Wakes a stopped store.
    pub fn disarm(&self) {
        *self.plan() = Plan::default();
    }

    /// The operations tried since the last [`Self::arm`] or [`Self::disarm`].
    pub fn operations(&self, operations: Operations) -> u64 {
        self.plan().count(operations)
    }

    /// Whether the armed fault has come.
    pub fn has_failed(&self) -> bool {
        let plan = self.plan();
        plan.armed.is_none() && plan.count(Operations::All) > 0
    }

    /// The store that does not fail.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The store that does not fail, to close it or open it again.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        &self,
        kind: Operations,
        operation: impl FnOnce(&S) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fault = {
            let mut plan = self.plan();
            if plan.stopped {
                return Err(StoreError::Poisoned);
            }
            plan.step(kind)
        };
        let Some(fault) = fault else { return operation(&self.inner) };
        if fault.acts() {
            operation(&self.inner)?;
        }
        Err(fault.error())
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(Operations::Reads, |inner| inner.get(key))
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.run(Operations::Reads, |inner| inner.scan(range, limit))
    }

    #[expect(clippy::disallowed_methods, reason = "hands the caller's own commit on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.run(Operations::Commits, |inner| inner.commit(batch))
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.run(Operations::Reads, Store::generation)
    }
}

/// A store in memory that may forget what it acknowledged: a disk that lies about its cache, a database with
/// asynchronous replication.
#[derive(Debug, Default)]
pub struct LossyMemory {
    live: MemoryStore,
    synced: Mutex<Synced>,
}

#[derive(Debug, Default)]
struct Synced {
    state: MemorySnapshot,
    lying: bool,
}

impl LossyMemory {
    /// An empty store that keeps what it acknowledges, until [`Self::lie`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on acknowledges commits that a crash will lose.
    pub fn lie(&self) {
        self.synced().lying = true;
    }

    /// Makes all that was acknowledged survive a crash, and lies no more.
    pub fn sync(&self) {
        *self.synced() = Synced { state: self.live.snapshot(), lying: false };
    }

    /// The power fails: what was not synced is gone.
    pub fn crash(&self) {
        self.live.restore(&self.synced().state);
    }

    fn synced(&self) -> MutexGuard<'_, Synced> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for LossyMemory {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.live.get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.live.scan(range, limit)
    }

    #[expect(clippy::disallowed_methods, reason = "hands the caller's own commit on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        // Held throughout, so that what is synced is what was committed.
        let mut synced = self.synced();
        self.live.commit(batch)?;
        if !synced.lying {
            synced.state = self.live.snapshot();
        }
        Ok(())
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.live.generation()
    }
}
