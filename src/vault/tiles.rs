//! The tiles of the log and of the heads map, as they lie in the store.

use std::sync::{Mutex, PoisonError};

use crate::{
    log::{Tile, tiles::Tiles},
    vault::{Vault, desk::Desk, fault::Fault, rows::HashesRow, tables::Table},
};

/// A tree's tiles, as they lie in the store.
pub(super) struct StoredTiles<'v> {
    vault: &'v Vault,
    table: Table,
    /// The map's depth, which its rows' ids begin with.
    depth: Option<u8>,
    /// Why a tile could not be read.
    fault: Mutex<Option<Fault>>,
}

impl<'v> StoredTiles<'v> {
    /// Those of the log.
    pub(super) const fn log(vault: &'v Vault) -> Self {
        Self { vault, table: Table::LogTile, depth: None, fault: Mutex::new(None) }
    }

    /// Those of the heads map of this depth.
    pub(super) const fn map(vault: &'v Vault, depth: u8) -> Self {
        Self { vault, table: Table::MapTile, depth: Some(depth), fault: Mutex::new(None) }
    }

    /// Why a tile could not be read; none if all were, or were not there.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why nothing came out of the tiles.
    pub(super) fn missing(&self) -> Fault {
        self.fault().unwrap_or(Fault::Damaged)
    }

    /// Puts tiles down.
    pub(super) fn put_all(&self, desk: &mut Desk<'_>, tiles: &[(Tile, Vec<u8>)]) -> Result<(), Fault> {
        let row = |(tile, bytes): &(Tile, Vec<u8>)| {
            let hashes = tile.hashes(bytes).ok_or(Fault::Damaged)?;
            Ok((self.id(*tile), HashesRow { hashes }))
        };
        let rows = tiles.iter().map(row).collect::<Result<Vec<_>, Fault>>()?;
        desk.put_all((self.vault.log_place(), self.table), &rows)
    }

    /// Where the tile's row lies: a wider one takes a narrower one's place.
    fn id(&self, tile: Tile) -> Vec<u8> {
        let depth = self.depth.into_iter().chain([tile.level()]);
        depth.chain(tile.index().to_be_bytes()).collect()
    }
}

impl Tiles for StoredTiles<'_> {
    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        let Self { vault, table, .. } = self;
        let read = vault.shelves.read::<HashesRow>(vault.log_place(), *table, &[&self.id(tile)]);
        let row = read.unwrap_or_else(|fault| {
            self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
            None
        });
        let hashes = row?.hashes;
        let hashes = hashes.get(..usize::from(tile.width()))?;
        Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }
}
