//! A clinic's directory: the store's and the host's, and copies of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file below a place: its name relative to it, and its bytes.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The two directories of a vault, beside each other.
#[derive(Debug, Clone)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join("vault")
    }

    pub(crate) fn host(&self) -> PathBuf {
        self.0.join("host")
    }

    /// Every file, in the order of their names.
    pub(crate) fn files(&self) -> Files {
        let mut found = Vec::new();
        let mut queue = vec![self.0.clone()];
        while let Some(path) = queue.pop() {
            if path.is_dir() {
                queue.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let name = path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(path).unwrap()));
            }
        }
        found.sort();
        found
    }

    /// Makes the place hold these files and no others.
    pub(crate) fn lay(&self, files: &Files) {
        if self.0.exists() {
            fs::remove_dir_all(&self.0).unwrap();
        }
        for directory in [self.vault().join("blobs"), self.host()] {
            fs::create_dir_all(directory).unwrap();
        }
        files.iter().for_each(|(name, bytes)| self.put(name, bytes));
    }

    /// A place that holds nothing, and is not there.
    pub(crate) fn clear(&self) {
        if self.0.exists() {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Writes a file; the zeros at its end are a hole, as the engine leaves them.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes[..used(bytes)]).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(bytes.len().try_into().unwrap()).unwrap();
    }
}

/// How many bytes of a file come before the zeros at its end.
pub(crate) fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}
