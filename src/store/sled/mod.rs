//! The default store: `sled` 0.34.7 in one directory, kept to what it does well.
//!
//! What was found in exactly that version, and what is done about it here:
//!
//! | found | done |
//! | --- | --- |
//! | a crash while opening leaves `snap.*.generating`, after which it never opens again | removed under our own lock, before opening |
//! | `flush()` is no fsync on Linux; errors of its background thread are swallowed | no background thread; `flush()` **and** `sync_data()` on a descriptor of our own, for every commit |
//! | large pages go to `blobs/`, which is never synced | segments of 8 MiB, values of at most 64 KiB: no page is so large; a file there is refused |
//! | damage can drop the tail of the log silently | not found here: the anchor above compares generations |
//! | a disk that fails can leave a call waiting for ever (3 in two runs over 1,600 system calls each) | nothing: a service wants a watchdog outside |
//! | damage and failing disks make it panic | every call is caught, reported, and closes the store |
//! | a batch costs an fsync whatever its size | concurrent commits are gathered into one; who reads other rows does not wait |
//! | two processes, network file systems | a lock file of our own; a network file system is not supported |
//! | it uses two to five times the data's space | compaction is a backup and its restoring |
//!
//! `sled`'s own words on a panic go to standard error through the process's panic hook, which a library leaves alone.

mod files;
mod flight;
mod gather;

use std::{
    fmt,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use self::{
    files::Claim,
    flight::{Flight, Rows},
    gather::{Answers, Gathering},
};
use super::{Batch, CheckedBatch, Entry, Expectation, Key, KeyRange, Store, StoreError};

/// A page is at most a quarter of a segment, or it becomes a file that is never synced.
const SEGMENT_BYTES: u32 = 8 * 1024 * 1024;

/// Rows on disk, in one directory that is this store's alone.
///
/// ```
/// # let parent = tempfile::tempdir()?;
/// # let path = parent.path().join("vault");
/// use casevault::store::{KeyRange, SledStore, Store};
///
/// let store = SledStore::open(&path)?;
/// assert!(store.scan(KeyRange::all(), 10)?.is_empty());
/// assert!(SledStore::open(&path).is_err(), "one process, and in it one store");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// After any error of the engine the store is closed for good ([`StoreError::Poisoned`]) until it is opened again:
/// reading on could show what the disk does not have.
///
/// # Security
/// Values are kept as they come: what must not be read was sealed before. Rows that were deleted or replaced stay in the
/// files until their space is used again. When a disk has reported an error on writing, the operating system may go on
/// showing what the disk never took: replace the disk and restore a backup, do not just open again.
pub struct SledStore {
    engine: Opened,
    gathering: Gathering,
    flight: Flight,
    poisoned: AtomicBool,
    path: PathBuf,
    /// Last, so that the directory is free when the engine is gone.
    _claim: Claim,
}

/// `sled`, and what durability needs besides it.
struct Opened {
    /// None once dropped.
    db: Option<::sled::Db>,
    /// `<directory>/db`, by a descriptor whose errors nobody else takes.
    file: File,
}

/// How to open a [`SledStore`].
#[derive(Debug, Clone)]
pub struct SledOptions {
    cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 * 1024 * 1024 }
    }
}

impl SledOptions {
    /// The memory `sled` may keep pages in; 64 MiB unless set, at least 1 MiB. Give it 512 bytes for each owner: with less, an epoch
    /// of the log reads from the disk.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: u64) -> Self {
        const MIN: u64 = 1024 * 1024;
        self.cache_bytes = if bytes < MIN { MIN } else { bytes };
        self
    }

    /// Opens the store in a directory; makes both if there is nothing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open elsewhere; [`StoreError::ForeignFormat`] for a directory with other files;
    /// [`StoreError::OtherFormat`] for one of another version; [`StoreError::StrayBlobs`] or [`StoreError::Corrupt`] if
    /// the files cannot be what was written; [`StoreError::Full`] or [`StoreError::Io`] from the operating system.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SledStore, StoreError> {
        let path = path.as_ref();
        let claim = Claim::of(path)?;
        let db = caught(|| self.config(path).open())?;
        let (engine, generation) = Opened::new(db, path, &claim)?;
        claim.complete(path)?;
        Ok(SledStore {
            engine,
            gathering: Gathering::default(),
            flight: Flight::landed_at(generation),
            poisoned: AtomicBool::new(false),
            path: path.to_owned(),
            _claim: claim,
        })
    }

    fn config(&self, path: &Path) -> ::sled::Config {
        ::sled::Config::new()
            .path(path)
            .cache_capacity(self.cache_bytes)
            .segment_size(usize::try_from(SEGMENT_BYTES).unwrap_or(usize::MAX))
            .use_compression(false)
            .flush_every_ms(None)
    }
}

impl SledStore {
    /// Opens the store in a directory; makes both if there is nothing.
    ///
    /// # Errors
    /// As [`SledOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// The options, to change them before opening.
    #[must_use]
    pub fn options() -> SledOptions {
        SledOptions::default()
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads, once none of it is on its way to the disk.
    fn read<T>(
        &self,
        touches: impl Fn(&Rows) -> bool,
        read: impl FnOnce(&Opened) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _clear = self.flight.clear_of(touches)?;
        self.usable()?;
        read(&self.engine).inspect_err(|_| self.poison())
    }

    /// Writes a group, of which nobody sees anything before it is durable.
    fn write(&self, group: Vec<CheckedBatch>) -> Result<Answers, StoreError> {
        self.usable()?;
        self.engine.write(group, &self.flight).inspect_err(|_| self.poison())
    }

    fn usable(&self) -> Result<(), StoreError> {
        if self.poisoned.load(Ordering::Acquire) { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }
}

impl Store for SledStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|rows| rows.contains_key(key), |opened| opened.get(key))
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.read(|rows| rows.keys().any(|key| range.contains(key)), |opened| opened.scan(&range, limit))
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let batch = batch.checked()?;
        self.gathering.submit(batch, |group| self.write(group))
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.usable()?;
        Ok(self.flight.generation())
    }
}

impl Opened {
    /// Makes the engine's files durable, and finds or begins the count of batches.
    fn new(db: ::sled::Db, path: &Path, claim: &Claim) -> Result<(Self, u64), StoreError> {
        let opened = Self { db: Some(db), file: files::data(path)? };
        let key = Key::generation();
        match opened.get(&key)?.as_deref().map(<[u8; 8]>::try_from) {
            Some(Ok(generation)) => Ok((opened, u64::from_be_bytes(generation))),
            None if claim.is_new() => {
                let mut first = ::sled::Batch::default();
                first.insert(key.as_bytes(), &0u64.to_be_bytes());
                opened.apply(first)?;
                Ok((opened, 0))
            }
            // A store that is not new has the row from its first day.
            None | Some(Err(_)) => Err(StoreError::Corrupt),
        }
    }

    fn db(&self) -> Result<&::sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Poisoned)
    }

    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        let value = caught(|| db.get(key.as_bytes()))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn holds_now(&self, key: &Key, expectation: &Expectation) -> Result<bool, StoreError> {
        let db = self.db()?;
        Ok(expectation.holds(caught(|| db.get(key.as_bytes()))?.as_deref()))
    }

    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let db = self.db()?;
        let rows = caught(|| {
            let rows = match range.end() {
                Some(end) => db.range(range.start()..end),
                None => db.range(range.start()..),
            };
            rows.take(limit).collect::<::sled::Result<Vec<_>>>()
        })?;
        let entry = |(key, value): (::sled::IVec, ::sled::IVec)| match Key::from_bytes(&key) {
            Ok(key) => Ok(Entry { key, value: value.to_vec() }),
            // Only whole keys are ever written.
            Err(_) => Err(StoreError::Corrupt),
        };
        rows.into_iter().map(entry).collect()
    }

    /// Applies the writes in one batch with the count, and waits until the disk has them.
    fn apply(&self, writes: ::sled::Batch) -> Result<(), StoreError> {
        let db = self.db()?;
        caught(|| db.apply_batch(writes))?;
        caught(|| db.flush())?;
        Ok(self.file.sync_data()?)
    }
}

/// Dropping flushes, and panics if that fails: there is nothing left to lose, all that was acknowledged is on disk.
impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            drop(catch_unwind(AssertUnwindSafe(|| drop(db))));
        }
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine: _, gathering: _, flight: _, poisoned, path, _claim } = self;
        f.debug_struct("SledStore").field("path", path).field("poisoned", poisoned).finish_non_exhaustive()
    }
}

/// The border: whatever `sled` does in there, a panic included, comes out as an error.
fn caught<T>(call: impl FnOnce() -> ::sled::Result<T>) -> Result<T, StoreError> {
    use ::sled::Error;
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};

    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        // How `sled` says that a file ends, or reads, where it must not.
        Ok(Err(Error::Io(error))) if matches!(error.kind(), UnexpectedEof | InvalidData | InvalidInput) => {
            Err(StoreError::Corrupt)
        }
        Ok(Err(Error::Io(error))) => Err(error.into()),
        Ok(Err(
            Error::CollectionNotFound(_)
            | Error::Corruption { .. }
            | Error::ReportableBug(_)
            | Error::Unsupported(_),
        ))
        | Err(_) => Err(StoreError::Corrupt),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::{id::OpId, store::Place};

    /// A descriptor that cannot be synced, as after the disk failed.
    fn break_disk(store: &mut SledStore) {
        store.engine.file = File::open("/dev/null").unwrap();
    }

    fn put(row: &[u8]) -> Batch {
        let mut batch = Batch::new(OpId::from_bytes([1; 16]));
        batch.put(key(row), b"value".to_vec());
        batch
    }

    fn key(row: &[u8]) -> Key {
        Key::new(Place::from_bytes([7; 16]), 1, row).unwrap()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a store is tested by what it commits")]
    fn after_a_failed_sync_nothing_is_read_or_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        store.commit(put(b"first")).unwrap();
        break_disk(&mut store);
        assert_eq!(store.commit(put(b"second")).unwrap_err().code(), "store-io");
        assert_eq!(store.commit(put(b"third")).unwrap_err().code(), "store-poisoned");
        assert_eq!(store.get(&key(b"first")).unwrap_err().code(), "store-poisoned");
        assert_eq!(store.scan(KeyRange::all(), 1).unwrap_err().code(), "store-poisoned");
        assert_eq!(store.generation().unwrap_err().code(), "store-poisoned");
        drop(store);
        let store = SledStore::open(directory.path()).unwrap();
        assert!(store.get(&key(b"first")).unwrap().is_some(), "what was acknowledged is kept");
        assert!(store.get(&key(b"third")).unwrap().is_none(), "what was refused is not");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a store is tested by what it commits")]
    fn conflicts_and_misuse_do_not_close_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let store = SledStore::open(directory.path()).unwrap();
        let mut failing = put(b"first");
        failing.expect(key(b"first"), Some(Vec::new()));
        assert_eq!(store.commit(failing).unwrap_err().code(), "store-conflict");
        store.commit(put(b"first")).unwrap();
    }

    #[test]
    fn a_group_is_checked_batch_by_batch_and_counted_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = SledStore::open(directory.path()).unwrap();
        let expecting = |value: Option<&[u8]>| {
            let mut batch = put(b"row");
            batch.expect(key(b"row"), value.map(<[u8]>::to_vec));
            batch.checked().unwrap()
        };
        let group =
            vec![expecting(None), expecting(None), expecting(Some(b"value")), expecting(Some(b"other"))];
        let answers = store.write(group).unwrap();
        let codes: Vec<_> =
            answers.into_iter().map(|answer| answer.map_or_else(|error| error.code(), |()| "ok")).collect();
        assert_eq!(codes, ["ok", "store-conflict", "ok", "store-conflict"]);
        assert_eq!(store.generation().unwrap(), 1);
    }

    #[test]
    fn a_panic_inside_is_an_error_outside() {
        let outcome: Result<(), _> = caught(|| panic!("as sled does on damaged pages"));
        assert_eq!(outcome.unwrap_err().code(), "store-corrupt");
    }
}
