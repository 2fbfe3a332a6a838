//! The log's entries and hashes, out of an export's tiles.

use std::{collections::BTreeSet, path::Path};

use crate::{
    audit::{AuditError, report::read_file},
    codec,
    id::{Digest, VaultId},
    log::{LogEpoch, Tile, entries},
    merkle::{self, Frontier, Head},
};

/// The longest bundle of entries: 256, each behind its length.
const BUNDLE_BYTES_MAX: u64 = 256 * (2 + 256);

/// The longest tile of hashes.
const TILE_BYTES_MAX: u64 = 256 * 32;

/// Reads the entries of a log of this size, one after the other.
pub(crate) fn each(directory: &Path, size: u64, mut visit: impl FnMut(LogEpoch)) -> Result<(), AuditError> {
    let malformed = || AuditError::Malformed("tile/entries");
    for tile in Tile::of(size) {
        let Some(path) = tile.entries_path() else { continue };
        let bytes = read_file(&directory.join(path), BUNDLE_BYTES_MAX)?;
        for entry in entries(tile, &bytes).map_err(|_malformed| malformed())? {
            visit(codec::decode(entry).map_err(|_malformed| malformed())?);
        }
    }
    Ok(())
}

/// A log: the hashes of its epochs, and the last of them.
#[derive(Debug)]
pub(super) struct Log {
    hashes: Vec<Digest>,
    pub(super) last: Option<LogEpoch>,
    /// Whether all are the vault's, numbered, and no time goes back, and the tiles of hashes are theirs.
    is_in_order: bool,
}

impl Log {
    /// Reads all epochs of a log of this size.
    pub(super) fn read(directory: &Path, size: u64, vault: VaultId) -> Result<Self, AuditError> {
        let mut log = Self { hashes: Vec::new(), last: None, is_in_order: true };
        each(directory, size, |epoch| log.add(epoch, vault))?;
        for tile in Tile::of(size) {
            let bytes = read_file(&directory.join(tile.path()), TILE_BYTES_MAX)?;
            log.is_in_order &= tile.of_leaves(&log.hashes).is_some_and(|expected| expected == bytes);
        }
        Ok(log)
    }

    fn add(&mut self, epoch: LogEpoch, vault: VaultId) {
        let follows = self.last.is_none_or(|last| last.at <= epoch.at);
        self.is_in_order &= follows && epoch.number == self.size() && epoch.vault == vault;
        self.hashes.push(epoch.hash());
        self.last = Some(epoch);
    }

    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.hashes.len()).unwrap_or(u64::MAX)
    }

    /// Whether this is the log, whole and in order, that a checkpoint signs.
    pub(super) fn makes(&self, head: Head) -> bool {
        self.is_in_order && merkle::root(&self.hashes) == head
    }

    /// The roots it had, one for each epoch.
    pub(super) fn roots(&self) -> BTreeSet<Digest> {
        let mut log = Frontier::new();
        let roots = self.hashes.iter().map(|hash| {
            log.append(*hash);
            log.head().root
        });
        roots.collect()
    }

    /// Whether it begins as the log with this head.
    pub(super) fn grows_from(&self, head: Head) -> bool {
        let size = usize::try_from(head.size).ok();
        size.and_then(|size| self.hashes.get(..size)).is_some_and(|hashes| merkle::root(hashes) == head)
    }
}
