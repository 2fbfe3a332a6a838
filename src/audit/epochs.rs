//! The log's entries and hashes, out of an export's tiles.

use std::{fs, path::Path};

use crate::{
    audit::AuditError,
    codec,
    id::Digest,
    log::{LogEpoch, Tile, entries},
};

/// Reads all epochs of a log of this size, and whether the tiles of hashes are those of these entries.
pub(super) fn read(directory: &Path, size: u64) -> Result<(Vec<LogEpoch>, bool), AuditError> {
    let mut epochs = Vec::new();
    let malformed = || AuditError::Malformed("tile/entries");
    for tile in Tile::of(size) {
        let Some(path) = tile.entries_path() else { continue };
        let bytes = fs::read(directory.join(path))?;
        for entry in entries(tile, &bytes).map_err(|_malformed| malformed())? {
            epochs.push(codec::decode::<LogEpoch>(entry).map_err(|_malformed| malformed())?);
        }
    }
    let hashes: Vec<Digest> = epochs.iter().map(LogEpoch::hash).collect();
    let mut are_its = true;
    for tile in Tile::of(size) {
        let bytes = fs::read(directory.join(tile.path()))?;
        are_its &= tile.of_leaves(&hashes).is_some_and(|expected| expected == bytes);
    }
    Ok((epochs, are_its))
}
