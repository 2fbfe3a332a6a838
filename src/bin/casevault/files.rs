//! Files: bounded in what is read, whole in what is written.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
};

/// A file of so many bytes at the most, or the beginning of a longer one.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, most)
}

/// So many bytes at the most; of a longer stream one byte more, so that it is found too long.
pub(crate) fn read_all(from: impl io::Read, most: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts a file in the place of another, so that after a crash one of the two is there, whole; durable on return, and only its
/// user's to read.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync(directory)
}

/// Makes a file that is not there yet, which only its user may read; durable on return.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    sync(directory)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

/// Makes the names in a directory durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Data for stdout: a reader that has gone away is an error, and no panic.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
