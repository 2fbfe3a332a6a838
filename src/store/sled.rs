//! The default engine: `sled` 0.34.7, made safe to trust with what must not be lost.
//!
//! What that takes was measured on exactly this version; each point stands where it is done:
//! our own lock, left-overs of an interrupted opening removed, a format marker, no blob files, a sync of our own after
//! every flush, no more writes after an error, panics caught at the border, and concurrent writers gathered into one
//! batch and one sync.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::store::{Batch, Change, Entry, Key, KeyRange, Store, StoreError};

/// Large enough that no row of [`VALUE_BYTES_MAX`](crate::limits::VALUE_BYTES_MAX) becomes a blob file, which the engine
/// never syncs. The engine refuses to open with another, so the format marker keeps it.
const SEGMENT_BYTES: u32 = 8 * 1024 * 1024;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const MARKER: &[u8] = b"casevault sled store, format 1, segment ";
/// The row that counts batches: in the reserved place, before every caller's key.
const GENERATION: &[u8] = &[0; 17];

/// How to open a store.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SledOptions {
    cache_bytes: u64,
}

impl SledOptions {
    /// The most bytes of pages kept in memory: 64 MiB unless told.
    pub const fn cache_bytes(self, bytes: u64) -> Self {
        Self { cache_bytes: bytes }
    }

    /// Opens a store in a directory of its own, made if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open elsewhere; [`StoreError::ForeignFormat`] if the directory holds something
    /// else; [`StoreError::StrayBlobs`], [`StoreError::Corrupt`] or [`StoreError::Io`] as they say.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SledStore, StoreError> {
        let path = path.as_ref();
        fs::create_dir_all(path).map_err(StoreError::Io)?;
        let lock = lock(path)?;
        let engine = path.join("sled");
        check_marker(path, &engine)?;
        remove_leftovers(&engine)?;
        check_blobs(&engine)?;
        let config = sled::Config::new()
            .path(&engine)
            .segment_size(usize::try_from(SEGMENT_BYTES).or(Err(StoreError::ForeignFormat))?)
            .cache_capacity(self.cache_bytes)
            .flush_every_ms(None);
        let db = guarded(|| Ok(config.open()?))?;
        let file = File::open(engine.join("db")).map_err(StoreError::Io)?;
        sync_directory(&engine)?;
        sync_directory(path)?;
        let store = SledStore {
            db: Some(db),
            file,
            queue: Mutex::default(),
            done: Condvar::new(),
            settled: RwLock::default(),
            poisoned: AtomicBool::new(false),
            _lock: lock,
        };
        store.generation()?;
        Ok(store)
    }
}

/// The default engine.
///
/// # Security
/// One process, one machine, a local disk: no network file system keeps its promises. The engine does not notice every
/// flipped bit; what the vault keeps in it is authenticated, and its anchor shows what is missing.
pub struct SledStore {
    /// Taken out on drop, which may panic.
    db: Option<sled::Db>,
    /// Our own descriptor of the engine's file, for our own sync.
    file: File,
    queue: Mutex<Queue>,
    done: Condvar,
    /// Held for reading by reads and for writing from apply to sync: nobody sees what is not yet durable.
    settled: RwLock<()>,
    poisoned: AtomicBool,
    _lock: File,
}

#[derive(Default)]
struct Queue {
    next: u64,
    is_led: bool,
    waiting: Vec<(u64, Batch)>,
    results: BTreeMap<u64, Result<(), StoreError>>,
}

impl SledStore {
    /// Opens a store in a directory of its own, made if it does not exist, with default options.
    ///
    /// # Errors
    /// As [`SledOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// Options, to be changed.
    pub const fn options() -> SledOptions {
        SledOptions { cache_bytes: CACHE_BYTES }
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(StoreError::Poisoned);
        }
        self.db.as_ref().ok_or(StoreError::Poisoned)
    }

    /// Runs something of the engine's; after any failure nothing more is done until the store is opened again.
    fn with<T>(&self, run: impl FnOnce(&sled::Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let db = self.db()?;
        let result = guarded(|| run(db));
        if matches!(result, Err(StoreError::Io(_) | StoreError::Corrupt)) {
            self.poisoned.store(true, Ordering::SeqCst);
        }
        result
    }

    /// Writes what has gathered: one batch, one sync. Whose expectation fails drops out alone.
    fn write(&self, gathered: Vec<(u64, Batch)>) -> Vec<(u64, Result<(), StoreError>)> {
        let _settling = self.settled.write().unwrap_or_else(PoisonError::into_inner);
        let mut merged: BTreeMap<Key, Change> = BTreeMap::new();
        let mut results = Vec::new();
        let mut taken = Vec::new();
        for (ticket, batch) in gathered {
            match self.holds(&batch, &merged) {
                Ok(true) => {
                    merged.extend(batch.into_changes());
                    taken.push(ticket);
                }
                Ok(false) => results.push((ticket, Err(StoreError::Conflict))),
                Err(error) => results.push((ticket, Err(error))),
            }
        }
        if taken.is_empty() {
            return results;
        }
        let mut failure = self.apply(merged).err();
        results.extend(taken.into_iter().map(|ticket| match &failure {
            None => (ticket, Ok(())),
            Some(_) => (ticket, Err(failure.replace(StoreError::Poisoned).unwrap_or(StoreError::Poisoned))),
        }));
        results
    }

    fn holds(&self, batch: &Batch, merged: &BTreeMap<Key, Change>) -> Result<bool, StoreError> {
        self.with(|db| {
            for (key, expectation) in batch.expectations() {
                let holds = match merged.get(key) {
                    Some(Change::Delete) => expectation.holds(None),
                    Some(Change::Put(value)) => expectation.holds(Some(value)),
                    None => expectation.holds(db.get(key.as_bytes())?.as_deref()),
                };
                if !holds {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn apply(&self, merged: BTreeMap<Key, Change>) -> Result<(), StoreError> {
        self.with(|db| {
            let mut batch = sled::Batch::default();
            for (key, change) in merged {
                match change {
                    Change::Delete => batch.remove(key.as_bytes()),
                    Change::Put(value) => batch.insert(key.as_bytes(), value),
                }
            }
            let generation = read_generation(db)?.saturating_add(1);
            batch.insert(GENERATION, &generation.to_be_bytes());
            db.apply_batch(batch)?;
            // On Linux the engine's flush is no fsync, and it swallows errors of its own: ours comes after it.
            db.flush()?;
            self.file.sync_data().map_err(StoreError::Io)
        })
    }
}

impl Store for SledStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let _settled = self.settled.read().unwrap_or_else(PoisonError::into_inner);
        self.with(|db| Ok(db.get(key.as_bytes())?.map(|value| value.to_vec())))
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let _settled = self.settled.read().unwrap_or_else(PoisonError::into_inner);
        self.with(|db| {
            let mut entries = Vec::new();
            for row in db.range((range.start(), Bound::<Vec<u8>>::Unbounded)).take(limit) {
                let (key, value) = row?;
                if !range.covers(&key) {
                    break;
                }
                let key = Key::from_bytes(&key).or(Err(StoreError::Corrupt))?;
                entries.push(Entry { key, value: value.to_vec() });
            }
            Ok(entries)
        })
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        batch.check()?;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = queue.next;
        queue.next = queue.next.wrapping_add(1);
        queue.waiting.push((ticket, batch));
        loop {
            if let Some(result) = queue.results.remove(&ticket) {
                return result;
            }
            if queue.is_led {
                queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // Whoever comes first leads: writes what waits, its own included, while others gather behind it.
            queue.is_led = true;
            let gathered = std::mem::take(&mut queue.waiting);
            drop(queue);
            let results = self.write(gathered);
            queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.results.extend(results);
            queue.is_led = false;
            self.done.notify_all();
        }
    }

    fn generation(&self) -> Result<u64, StoreError> {
        let _settled = self.settled.read().unwrap_or_else(PoisonError::into_inner);
        self.with(read_generation)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        let db = self.db.take();
        if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::error!("the engine failed while it was closed");
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SledStore(..)")
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) if error.kind() == ErrorKind::WouldBlock => Self::Locked,
            sled::Error::Io(error) => Self::Io(error),
            sled::Error::CollectionNotFound(_)
            | sled::Error::Corruption { .. }
            | sled::Error::ReportableBug(_)
            | sled::Error::Unsupported(_) => Self::Corrupt,
        }
    }
}

/// The engine can panic where it should fail: that ends here.
fn guarded<T>(run: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(StoreError::Corrupt))
}

fn read_generation(db: &sled::Db) -> Result<u64, StoreError> {
    match db.get(GENERATION)? {
        None => Ok(0),
        Some(bytes) => Ok(u64::from_be_bytes(bytes.as_ref().try_into().or(Err(StoreError::Corrupt))?)),
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(StoreError::Io)?;
    match fs2::FileExt::try_lock_exclusive(&file) {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == fs2::lock_contended_error().kind() => Err(StoreError::Locked),
        Err(error) => Err(StoreError::Io(error)),
    }
}

/// The marker says what made the store, and with which segment size; it is written before the engine's first file.
fn check_marker(path: &Path, engine: &Path) -> Result<(), StoreError> {
    let marker = path.join("format");
    let expected = [MARKER, SEGMENT_BYTES.to_string().as_bytes(), b"\n"].concat();
    match fs::read(&marker) {
        Ok(found) if found == expected => Ok(()),
        // A marker cut short by a crash, before anything else was written, is written again.
        Ok(found) if expected.starts_with(&found) && !engine.exists() => write_marker(path, &marker, &expected),
        Ok(_) => Err(StoreError::ForeignFormat),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if is_foreign(path)? { Err(StoreError::ForeignFormat) } else { write_marker(path, &marker, &expected) }
        }
        Err(error) => Err(StoreError::Io(error)),
    }
}

fn write_marker(path: &Path, marker: &PathBuf, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create(marker).map_err(StoreError::Io)?;
    file.write_all(bytes).map_err(StoreError::Io)?;
    file.sync_all().map_err(StoreError::Io)?;
    sync_directory(path)?;
    path.parent().filter(|parent| parent.is_dir()).map_or(Ok(()), sync_directory)
}

/// Whether a directory without a marker holds anything but our lock.
fn is_foreign(path: &Path) -> Result<bool, StoreError> {
    for entry in fs::read_dir(path).map_err(StoreError::Io)? {
        if entry.map_err(StoreError::Io)?.file_name() != "lock" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A crash while opening can leave `snap.*.generating`, after which the engine would never open again.
fn remove_leftovers(engine: &Path) -> Result<(), StoreError> {
    for entry in entries(engine)? {
        let name = entry.file_name().into_string().unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(StoreError::Io)?;
        }
    }
    Ok(())
}

fn check_blobs(engine: &Path) -> Result<(), StoreError> {
    if entries(&engine.join("blobs"))?.is_empty() { Ok(()) } else { Err(StoreError::StrayBlobs) }
}

fn entries(path: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect::<Result<_, _>>().map_err(StoreError::Io),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(StoreError::Io(error)),
    }
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StoreError::Io)?;
    #[cfg(not(unix))]
    let _path = path;
    Ok(())
}
