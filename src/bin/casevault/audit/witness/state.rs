//! What a witness keeps: of each log that it knows, one file with the last checkpoint it signed.
//!
//! ```text
//! <folder>/lock                             held while one reads, compares and writes
//! <folder>/<SHA-256 of the origin>.state    the log's vkey, and the checkpoint's text
//! <folder>/<the same>.checkpoint            that checkpoint as the log signed it
//! <folder>/<the same>.<number>.refused      a request that the log signed, and that does not continue it
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use casevault::log::{CosignRequest, KeyName, NoteVerifier, SignedCheckpoint, WitnessState};
use sha2::{Digest as _, Sha256};

use crate::{
    disk,
    failure::{Done, Failure},
};

/// A state is a verifier's key and three lines.
const STATE_BYTES_MAX: usize = 1024;
/// How many refused requests are kept of one log.
const REFUSED_MAX: usize = 16;

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

    /// Keeps a state, durably, in the place of the one before; and the checkpoint as it was signed, to hold against another.
    pub(super) fn keep(&self, state: &WitnessState, checkpoint: &SignedCheckpoint) -> Done {
        let place = self.place(state.log().name());
        self.put(&place.with_extension("checkpoint"), checkpoint.to_string().as_bytes())?;
        self.put(&place, state.to_string().as_bytes())
    }

    /// Keeps a request that was refused, of so many of each log; where.
    pub(super) fn keep_refused(&self, origin: &KeyName, request: &[u8]) -> Done<Option<PathBuf>> {
        for number in 1..=REFUSED_MAX {
            let path = self.place(origin).with_extension(format!("{number}.refused"));
            match disk::read_if_there(&path, CosignRequest::BYTES_MAX)? {
                Some(kept) if *kept == request => return Ok(Some(path)),
                Some(_) => (),
                None => return self.put(&path, request).map(|()| Some(path)),
            }
        }
        Ok(None)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> Done {
        let beside = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
            disk::sync(&self.path)
        };
        write().map_err(|error| Failure::files(path, "kept, and nothing is signed", &error))
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
            None => {
                let place = self.place(log.name());
                self.put(&place, WitnessState::new(log).to_string().as_bytes()).map(|()| true)
            }
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
