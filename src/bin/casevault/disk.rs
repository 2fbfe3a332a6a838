//! Files: read to a bound, written whole or not at all, and `-` for what is piped.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::{Done, Failure};

/// Whether a path stands for stdin or stdout.
pub(crate) fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// A file of so many bytes at the most, or stdin for `-`.
pub(crate) fn read(path: &Path, most: usize) -> Done<Zeroizing<Vec<u8>>> {
    let failed = |error: io::Error| Failure::files(path, "read", &error);
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::new());
    if is_dash(path) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() > most {
        let words =
            format!("{} is longer than {most} bytes: check that it is the right file", path.display());
        return Err(Failure::failed("too-long", words));
    }
    Ok(bytes)
}

/// The same as text.
pub(crate) fn read_text(path: &Path, most: usize) -> Done<Zeroizing<String>> {
    let bytes = read(path, most)?;
    let text = str::from_utf8(&bytes).map_err(|_not_text| {
        Failure::failed("not-text", format!("{} is no text: check that it is the right file", path.display()))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A file as it is, if it is there.
pub(crate) fn read_if_there(path: &Path, most: usize) -> Done<Option<Zeroizing<Vec<u8>>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) | Ok(_) => read(path, most).map(Some),
    }
}

/// Makes a new file, whole and durable, which only its user may read; what is there already stays as it is.
pub(crate) fn make(path: &Path, bytes: &[u8]) -> Done {
    let failed = |error: io::Error| Failure::files(path, "written", &error);
    let file = beside(path, bytes).map_err(failed)?;
    file.persist_noclobber(path).map_err(|unkept| {
        if unkept.error.kind() == ErrorKind::AlreadyExists { is_there(path) } else { failed(unkept.error) }
    })?;
    sync(&directory_of(path)).map_err(failed)
}

/// Puts bytes in the place of a file: after a crash one of the two is there, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Done {
    let failed = |error: io::Error| Failure::files(path, "written", &error);
    // Where the file is a link, what it leads to is replaced.
    let real = fs::canonicalize(path).unwrap_or_else(|_not_there| path.to_owned());
    beside(&real, bytes).map_err(failed)?.persist(&real).map_err(|unkept| failed(unkept.error))?;
    sync(&directory_of(&real)).map_err(failed)
}

/// That a file is in the way.
pub(crate) fn is_there(path: &Path) -> Failure {
    let words = format!("{} is there already and is never overwritten: give another name", path.display());
    Failure::failed("exists", words)
}

/// A file's name with something behind it.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

// A temporary file is made with 0600.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(directory_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn directory_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Makes the names in a directory durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
