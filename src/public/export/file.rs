//! A folder that comes to be whole or not at all, and files whose digests are taken as they are written.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{id::Digest, public::export::ExportError};

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The name in the folder.
    pub name: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, as `sha256sum` prints it.
    pub sha256: Digest,
}

/// A folder under another name until it is whole.
pub(super) struct Draft {
    target: PathBuf,
    draft: Option<PathBuf>,
}

impl Draft {
    /// Begins a folder; nothing may be at its name.
    pub(super) fn begin(target: &Path) -> Result<Self, ExportError> {
        let name = target.file_name().ok_or(ExportError::Exists)?;
        if fs::symlink_metadata(target).is_ok() {
            return Err(ExportError::Exists);
        }
        fs::create_dir_all(above(target))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".unfinished-{}", std::process::id()));
        let draft = target.with_file_name(hidden);
        fs::create_dir(&draft)?;
        Ok(Self { target: target.to_owned(), draft: Some(draft) })
    }

    /// Begins a file in it.
    pub(super) fn file(&self, name: &str) -> Result<Hashed, ExportError> {
        let draft = self.draft.as_deref().ok_or(ExportError::Exists)?;
        let file = File::create_new(draft.join(name))?;
        let inner = Counted { file, bytes: 0, hash: Sha256::new() };
        Ok(Hashed { name: name.to_owned(), out: BufWriter::with_capacity(64 * 1024, inner) })
    }

    /// Writes a file in it.
    pub(super) fn put(&self, name: &str, text: &str) -> Result<Written, ExportError> {
        let mut file = self.file(name)?;
        file.write_all(text.as_bytes())?;
        file.finish()
    }

    /// Gives the folder its name, durably.
    pub(super) fn publish(mut self) -> Result<(), ExportError> {
        let Some(draft) = self.draft.as_deref() else { return Ok(()) };
        sync_directory(draft)?;
        // Renaming would replace an empty folder.
        if fs::symlink_metadata(&self.target).is_ok() {
            return Err(ExportError::Exists);
        }
        fs::rename(draft, &self.target)?;
        self.draft = None;
        Ok(sync_directory(above(&self.target))?)
    }
}

impl Drop for Draft {
    /// What is not whole does not stay. Where even that fails, its name says what it is.
    fn drop(&mut self) {
        if let Some(draft) = self.draft.take() {
            drop(fs::remove_dir_all(draft));
        }
    }
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// A file that is being written.
pub(super) struct Hashed {
    name: String,
    out: BufWriter<Counted>,
}

struct Counted {
    file: File,
    bytes: u64,
    hash: Sha256,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Hashed {
    /// Makes the file durable, and says what it is.
    pub(super) fn finish(self) -> Result<Written, ExportError> {
        let Counted { file, bytes, hash } = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Written { name: self.name, bytes, sha256: Digest::from_bytes(hash.finalize().into()) })
    }
}
