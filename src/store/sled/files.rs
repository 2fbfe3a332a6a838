//! The directory: whose it is, what may lie in it, and that it is there after a crash.
//!
//! ```text
//! casevault.format   "CVST" ‖ version (1) ‖ segment size (4, big-endian) ‖ 1; while it is made, 0 ‖ "begun" instead of 1
//! casevault.lock     held while the store is open
//! db conf blobs/ snap.*   sled's
//! ```

use std::{
    fs::{self, DirEntry, File, TryLockError},
    io::{self, Write},
    path::Path,
    thread,
    time::Duration,
};

use super::SEGMENT_BYTES;
use crate::store::StoreError;

const FORMAT: &str = "casevault.format";
/// A marker half written: renamed when whole, written over when found.
const FORMAT_DRAFT: &str = "casevault.format.draft";
const LOCK: &str = "casevault.lock";
const DATA: &str = "db";
const CONFIG: &str = "conf";
const BLOBS: &str = "blobs";

const MAGIC: [u8; 4] = *b"CVST";
const VERSION: u8 = 1;

/// How often, ten milliseconds apart, to wait for `sled`'s threads of a store just closed.
const CLOSING_TRIES: u32 = 100;

/// Whether a store was ever open in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The marker is there, the first opening did not end: nothing was acknowledged.
    Begun,
    /// A store.
    Complete,
}

/// A directory that is ours alone for as long as this lives.
#[derive(Debug)]
pub(super) struct Claim {
    stage: Stage,
    /// The lock goes with it.
    _lock: File,
}

impl Claim {
    /// Takes the directory, and leaves it as the engine must find it.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        // Before the first file of ours, so that a directory given by mistake stays as it was.
        if path.exists() && stage(path)?.is_none() {
            refuse_foreign(path)?;
        }
        create(path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        locked(&lock)?;
        let stage = match stage(path)? {
            Some(stage) => stage,
            None => {
                refuse_foreign(path)?;
                mark(path, Stage::Begun)?;
                Stage::Begun
            }
        };
        let data = path.join(DATA);
        if stage == Stage::Complete && !(data.exists() && path.join(CONFIG).exists()) {
            return Err(StoreError::Corrupt);
        }
        refuse_blobs(path)?;
        match stage {
            Stage::Begun => remove_begun(path)?,
            Stage::Complete => remove_unfinished_snapshots(path)?,
        }
        if data.exists() {
            wait_for(&data)?;
        }
        Ok(Self { stage, _lock: lock })
    }

    /// Whether the store is being made.
    pub(super) fn is_new(&self) -> bool {
        self.stage == Stage::Begun
    }

    /// The engine has opened and written its first row: from now on it must be there.
    pub(super) fn complete(&self, path: &Path) -> Result<(), StoreError> {
        if self.is_new() {
            // `sled` syncs neither its parameters nor the directory.
            File::options().write(true).open(path.join(CONFIG))?.sync_all()?;
            sync_directory(&path.join(BLOBS))?;
            sync_directory(path)?;
            mark(path, Stage::Complete)?;
        }
        Ok(())
    }
}

/// A descriptor of `sled`'s log that is ours, for syncing: it reports every error since now, whoever else was told.
pub(super) fn data(path: &Path) -> Result<File, StoreError> {
    Ok(File::options().write(true).open(path.join(DATA))?)
}

/// Makes the directory and those above it, and their names durable.
fn create(path: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> =
        path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
    fs::create_dir_all(path)?;
    for made in missing {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent)?,
            _ => sync_directory(Path::new("."))?,
        }
    }
    Ok(())
}

fn locked(file: &File) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Under our lock only `sled`'s threads of a store just dropped can hold its own one, for a moment.
fn wait_for(data: &Path) -> Result<(), StoreError> {
    let file = File::options().read(true).open(data)?;
    for _ in 0..CLOSING_TRIES {
        match locked(&file) {
            Ok(()) => return Ok(file.unlock()?),
            Err(StoreError::Locked) => thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Locked)
}

/// Reads the marker.
fn stage(path: &Path) -> Result<Option<Stage>, StoreError> {
    let marker = match fs::read(path.join(FORMAT)) {
        Ok(marker) => marker,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match marker.as_slice() {
        bytes if *bytes == marker_bytes(Stage::Begun) => Ok(Some(Stage::Begun)),
        bytes if *bytes == marker_bytes(Stage::Complete) => Ok(Some(Stage::Complete)),
        bytes if bytes.starts_with(&MAGIC) => Err(StoreError::OtherFormat),
        _ => Err(StoreError::ForeignFormat),
    }
}

/// A store that is begun is made anew, so its marker is longer: no changed or missing byte makes one of the other.
fn marker_bytes(stage: Stage) -> Vec<u8> {
    let stage: &[u8] = match stage {
        Stage::Begun => b"\x00begun",
        Stage::Complete => b"\x01",
    };
    [MAGIC.as_slice(), &[VERSION], &SEGMENT_BYTES.to_be_bytes(), stage].concat()
}

/// Writes the marker whole or not at all.
fn mark(path: &Path, stage: Stage) -> Result<(), StoreError> {
    let draft = path.join(FORMAT_DRAFT);
    let mut file = File::create(&draft)?;
    file.write_all(&marker_bytes(stage))?;
    file.sync_all()?;
    fs::rename(draft, path.join(FORMAT))?;
    sync_directory(path)
}

/// Without a marker, only what a crash before its writing leaves may be there.
fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let ours = |entry: &DirEntry| [LOCK, FORMAT_DRAFT].iter().any(|name| entry.file_name() == *name);
    for entry in fs::read_dir(path)? {
        if !ours(&entry?) {
            return Err(StoreError::ForeignFormat);
        }
    }
    Ok(())
}

fn refuse_blobs(path: &Path) -> Result<(), StoreError> {
    let blobs = path.join(BLOBS);
    if blobs.exists() && fs::read_dir(blobs)?.next().is_some() {
        return Err(StoreError::StrayBlobs);
    }
    Ok(())
}

/// Of a store whose making did not end nothing was acknowledged, and `sled` does not open all that it may have left.
fn remove_begun(path: &Path) -> Result<(), StoreError> {
    remove_files(path, |name| name == DATA || name == CONFIG || name.starts_with("snap."))
}

/// `sled` takes a snapshot it did not finish for a finished one, and then never opens again.
fn remove_unfinished_snapshots(path: &Path) -> Result<(), StoreError> {
    remove_files(path, |name| name.starts_with("snap.") && name.ends_with(".generating"))
}

fn remove_files(path: &Path, goes: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if goes(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    sync_directory(path)
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    // Elsewhere a directory is no file that could be synced.
    if cfg!(unix) { Ok(File::open(path)?.sync_all()?) } else { Ok(()) }
}
