//! What a witness keeps: of each log that it knows, one file with the last checkpoint it signed.
//!
//! ```text
//! <folder>/lock                             held while one reads, compares and writes
//! <folder>/<SHA-256 of the origin>.state    the log's vkey, and the checkpoint's text
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use casevault::log::{KeyName, NoteVerifier, WitnessState};
use sha2::{Digest as _, Sha256};

use crate::{
    disk,
    failure::{Done, Failure},
};

/// A state is a verifier's key and three lines.
const STATE_BYTES_MAX: usize = 1024;

/// The folder, which nobody else works in as long as this is there.
pub(super) struct States {
    path: PathBuf,
    _lock: File,
}

impl States {
    /// Waits for the folder.
    pub(super) fn lock(path: &Path) -> Done<Self> {
        let lock = path.join("lock");
        let file = OpenOptions::new().write(true).open(&lock).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                wrong("it is no witness's state: name a log with `witness trust` first").about(path)
            } else {
                Failure::files(&lock, "opened", &error)
            }
        })?;
        file.lock().map_err(|error| Failure::files(&lock, "locked", &error))?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    /// The same, of a folder that need not be there yet.
    pub(super) fn make(path: &Path) -> Done<Self> {
        let make = || {
            fs::create_dir_all(path)?;
            OpenOptions::new().create(true).append(true).open(path.join("lock"))?;
            disk::sync(path)
        };
        make().map_err(|error| Failure::files(path, "made", &error))?;
        Self::lock(path)
    }

    /// What is kept of a log.
    pub(super) fn of(&self, origin: &KeyName) -> Done<Option<WitnessState>> {
        let Some(bytes) = disk::read_if_there(&self.place(origin), STATE_BYTES_MAX)? else { return Ok(None) };
        let state = parse(&bytes).filter(|state| state.log().name() == origin);
        state.map(Some).ok_or_else(|| {
            wrong(&format!("what is kept of {origin} is damaged: sign nothing more for it under this key"))
        })
    }

    /// Keeps a state, durably, in the place of the one before.
    pub(super) fn keep(&self, state: &WitnessState) -> Done {
        let path = self.place(state.log().name());
        let beside = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(state.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            disk::sync(&self.path)
        };
        write().map_err(|error| Failure::files(&path, "kept, and nothing is signed", &error))
    }

    /// Every log that is known.
    pub(super) fn all(&self) -> Done<Vec<WitnessState>> {
        let failed = |error: io::Error| Failure::files(&self.path, "read", &error);
        let mut states = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "state") {
                let bytes = disk::read(&path, STATE_BYTES_MAX)?;
                states.push(parse(&bytes).ok_or_else(|| wrong("it is damaged").about(&path))?);
            }
        }
        states.sort_by(|one, other| one.log().name().cmp(other.log().name()));
        Ok(states)
    }

    /// Begins to know a log; says whether it is new.
    pub(super) fn trust(&self, log: NoteVerifier) -> Done<bool> {
        match self.of(log.name())? {
            Some(state) if *state.log() == log => Ok(false),
            Some(state) => Err(wrong(&format!(
                "another key is known for {}: {}. A log has one key: find out which of the two is its own",
                log.name(),
                state.log()
            ))),
            None => self.keep(&WitnessState::new(log)).map(|()| true),
        }
    }

    fn place(&self, origin: &KeyName) -> PathBuf {
        let digest = Sha256::digest(origin.as_str());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.path.join(hex).with_extension("state")
    }
}

fn wrong(words: &str) -> Failure {
    Failure::failed("witness-state", words)
}

fn parse(bytes: &[u8]) -> Option<WitnessState> {
    WitnessState::parse(str::from_utf8(bytes).ok()?).ok()
}
