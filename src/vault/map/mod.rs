//! The heads map as it lies in the store: its buckets, and the tiles over their hashes.
//!
//! ```text
//! Bucket  depth ‖ number          the heads in it
//! MapTile depth ‖ level ‖ index   256 hashes: of buckets, and over them of full tiles, as tlog-tiles has it for 2^depth entries
//! ```
//!
//! An epoch takes the fresh heads of those who changed up into their buckets, and changes the tiles above those. When there are
//! more owners than the buckets are made for, all heads go into more of them, which lie beside the old ones. Whoever finds the map
//! half written, or without tiles, as the version before left it, makes all tiles anew out of the buckets.

use std::collections::BTreeMap;

use crate::{
    id::Digest,
    log::{
        HeadLeaf, MapProof, OwnerHead, Tile, bucket_hash, bucket_of, bucket_root, buckets_at, depth_for,
        tiles::{self, Tiles},
    },
    merkle::{self, Head},
    spread,
    vault::{
        Vault,
        desk::Desk,
        fault::Fault,
        lease::Lease,
        rows::{BucketRow, LogRow},
        tables::Table,
        tiles::StoredTiles,
    },
};

/// How many buckets to read and hash are worth a thread: some two hundred microseconds of work.
const BUCKETS_WORTH_A_THREAD: usize = 16;

/// How many buckets, and how many tiles, one batch writes: some two megabytes, and eight.
pub(super) const A_BATCH: ABatch = ABatch { buckets: 2048, tiles: 1024 };

/// How many rows one batch writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ABatch {
    pub(super) buckets: usize,
    pub(super) tiles: usize,
}

/// The heads map while the next epoch is worked out.
pub(super) struct Map {
    pub(super) depth: u8,
    pub(super) owners: u64,
    pub(super) events: u64,
    /// Whether all tiles are made anew: then all hashes are there but those of empty buckets.
    is_anew: bool,
    /// The hashes of the buckets that change.
    hashes: BTreeMap<u64, Digest>,
    /// Those of them that are not written yet, in order.
    waiting: Vec<(u32, BucketRow)>,
}

/// What lies over the buckets.
pub(super) struct Crown {
    pub(super) root: Digest,
    /// The tiles that change.
    pub(super) tiles: Vec<(Tile, Vec<u8>)>,
}

/// A bucket into which fresh heads were taken.
struct Taken {
    bucket: BucketRow,
    hash: Digest,
    /// How many owners are new.
    owners: u64,
    /// Events of those who changed, before and after.
    before: u64,
    after: u64,
}

impl Vault {
    /// The map as it stands, without its buckets.
    pub(super) fn map(&self, log: &LogRow) -> Result<Map, Fault> {
        let LogRow { depth, owners, events, is_between, .. } = *log;
        let mut map =
            Map { depth, owners, events, is_anew: false, hashes: BTreeMap::new(), waiting: Vec::new() };
        map.is_anew = is_between || log.frontier.size() == 0 || !self.has_tiles(depth)?;
        if map.is_anew {
            // Whoever wrote these buckets did not come to say how many they hold.
            (map.owners, map.events) = (0, 0);
            let buckets = self.all_buckets(depth)?;
            for head in buckets.iter().flat_map(|(_, bucket)| &bucket.heads) {
                map.owners = map.owners.saturating_add(1);
                map.events = map.events.saturating_add(head.head.size);
            }
            map.hashes = self.hashes_of(&buckets);
        }
        Ok(map)
    }

    /// Whether tiles lie over the buckets.
    fn has_tiles(&self, depth: u8) -> Result<bool, Fault> {
        let stored = StoredTiles::map(self, depth);
        let top = Tile::of(buckets_at(depth).ok_or(Fault::Damaged)?).last().ok_or(Fault::Damaged)?;
        let is_there = stored.tile(top).is_some();
        stored.fault().map_or(Ok(is_there), Err)
    }

    /// All buckets in which somebody stands, as they stand, in order.
    fn all_buckets(&self, depth: u8) -> Result<Vec<(u32, BucketRow)>, Fault> {
        let next = [depth.saturating_add(1)];
        let rows = self.shelves.scan_between((self.log_place(), Table::Bucket), &[depth], &next)?;
        let numbered = |(id, bucket): (Vec<u8>, BucketRow)| {
            let number = id.last_chunk::<4>().ok_or(Fault::Damaged)?;
            Ok((u32::from_be_bytes(*number), bucket))
        };
        rows.into_iter().map(numbered).collect()
    }

    fn hashes_of(&self, buckets: &[(u32, BucketRow)]) -> BTreeMap<u64, Digest> {
        let hash = |(number, bucket): &(u32, BucketRow)| (u64::from(*number), self.hash_of(bucket));
        spread::map(buckets, BUCKETS_WORTH_A_THREAD, hash).into_iter().collect()
    }

    /// A bucket, as it stands.
    pub(super) fn bucket(&self, depth: u8, bucket: u32) -> Result<BucketRow, Fault> {
        let id = bucket.to_be_bytes();
        Ok(self.shelves.read(self.log_place(), Table::Bucket, &[&[depth], &id])?.unwrap_or_default())
    }

    /// The hashes of all buckets, as they stand.
    pub(super) fn bucket_hashes(&self, depth: u8) -> Result<Vec<Digest>, Fault> {
        let (stored, size) = (StoredTiles::map(self, depth), buckets_at(depth).ok_or(Fault::Damaged)?);
        let lowest = Tile::of(size).take_while(|tile| tile.level() == 0);
        let hashes: Option<Vec<_>> = lowest.map(|tile| tile.hashes(&stored.tile(tile)?)).collect();
        match (hashes, stored.fault()) {
            (_, Some(fault)) => Err(fault),
            (Some(hashes), None) => Ok(hashes.into_iter().flatten().collect()),
            (None, None) => Ok(filled(size, &self.hashes_of(&self.all_buckets(depth)?))),
        }
    }

    /// The proof of what a bucket holds under a key, as the map stands.
    pub(super) fn prove_in_map(
        &self,
        (depth, key): (u8, &Digest),
        bucket: &BucketRow,
    ) -> Result<MapProof, Fault> {
        let stored = StoredTiles::map(self, depth);
        let proof = MapProof::of((depth, key), self.leaves_of(bucket), &stored);
        match (proof, stored.fault()) {
            (_, Some(fault)) => Err(fault),
            (Ok(proof), None) => Ok(proof),
            // As the version before left it.
            (Err(_), None) => {
                let tiles = tiles::grown(&BTreeMap::new(), 0, &self.bucket_hashes(depth)?);
                let tiles: BTreeMap<Tile, Vec<u8>> = tiles.ok_or(Fault::Damaged)?.into_iter().collect();
                MapProof::of((depth, key), self.leaves_of(bucket), &tiles).or(Err(Fault::Damaged))
            }
        }
    }

    /// Puts fresh heads into the map, on all cores: where there are more buckets than one batch writes, some are written while the
    /// next are read and hashed.
    pub(super) fn take_up(
        &self,
        (lease, log): (&mut Lease, &LogRow),
        map: &mut Map,
        heads: &[OwnerHead],
    ) -> Result<(), Fault> {
        let depth = map.depth;
        // Buckets that are too few for so many owners are not written.
        let owners = map.owners.saturating_add(u64::try_from(heads.len()).unwrap_or(u64::MAX));
        let a_batch = if depth_for(owners) > depth { heads.len().max(1) } else { self.a_batch.buckets };
        let mut fresh: BTreeMap<u32, Vec<OwnerHead>> = BTreeMap::new();
        for head in heads {
            let number = bucket_of(&OwnerHead::key(self.id, head.owner), depth);
            fresh.entry(number).or_default().push(*head);
        }
        let fresh: Vec<(u32, Vec<OwnerHead>)> = fresh.into_iter().collect();
        let take =
            |(number, heads): &(u32, Vec<OwnerHead>)| self.bucket_with(self.bucket(depth, *number)?, heads);
        for some in fresh.chunks(a_batch) {
            let waiting = std::mem::take(&mut map.waiting);
            let taken = if waiting.is_empty() {
                spread::map(some, BUCKETS_WORTH_A_THREAD, take)
            } else {
                let mut desk = self.log_desk();
                self.put_buckets(&mut desk, depth, waiting)?;
                let (taken, written) =
                    spread::map_beside(some, take, || self.commit_leased(lease, desk, &between(log)));
                written?;
                taken
            };
            for ((number, _), taken) in some.iter().zip(taken) {
                let Taken { bucket, hash, owners, before, after } = taken?;
                map.owners = map.owners.saturating_add(owners);
                map.events = map.events.saturating_sub(before).saturating_add(after);
                map.hashes.insert(u64::from(*number), hash);
                map.waiting.push((*number, bucket));
            }
        }
        Ok(())
    }

    /// A bucket with these heads in the place of their owners' older ones.
    fn bucket_with(&self, mut bucket: BucketRow, fresh: &[OwnerHead]) -> Result<Taken, Fault> {
        let (mut owners, mut before, mut after) = (0u64, 0u64, 0u64);
        let mut leaves = self.leaves_of(&bucket);
        for head in fresh {
            let leaf = head.leaf(self.id);
            match leaves.binary_search_by_key(&leaf.key, |known| known.key) {
                Ok(index) => {
                    let places = bucket.heads.get_mut(index).zip(leaves.get_mut(index));
                    let (known, known_leaf) = places.ok_or(Fault::Damaged)?;
                    before = before.saturating_add(known.head.size);
                    if goes_back(&known.head, &head.head) {
                        // An old word of the change, put back: what was signed stays. The stream's next event says more.
                        tracing::error!("the head of a stream lies behind the one that a checkpoint has");
                    } else {
                        (*known, *known_leaf) = (*head, leaf);
                    }
                    after = after.saturating_add(known.head.size);
                }
                Err(index) => {
                    owners = owners.saturating_add(1);
                    after = after.saturating_add(head.head.size);
                    bucket.heads.insert(index, *head);
                    leaves.insert(index, leaf);
                }
            }
        }
        let hash = bucket_hash(&bucket_root(&leaves));
        Ok(Taken { bucket, hash, owners, before, after })
    }

    fn leaves_of(&self, bucket: &BucketRow) -> Vec<HeadLeaf> {
        bucket.heads.iter().map(|head| head.leaf(self.id)).collect()
    }

    /// What a bucket is in the map.
    pub(super) fn hash_of(&self, bucket: &BucketRow) -> Digest {
        bucket_hash(&bucket_root(&self.leaves_of(bucket)))
    }

    /// The map with more buckets, if there are too many owners for those it has.
    pub(super) fn deepened(&self, map: Map) -> Result<Map, Fault> {
        let depth = depth_for(map.owners).max(map.depth);
        if depth == map.depth {
            return Ok(map);
        }
        let mut rows: Vec<(u32, BucketRow)> =
            numbers(depth)?.map(|number| (number, <_>::default())).collect();
        let mut waiting: BTreeMap<u32, BucketRow> = map.waiting.into_iter().collect();
        for (number, bucket) in self.all_buckets(map.depth)? {
            waiting.entry(number).or_insert(bucket);
        }
        for bucket in waiting.into_values() {
            // In order within each old bucket, and old buckets in order: so are the new ones.
            for head in bucket.heads {
                let number = bucket_of(&OwnerHead::key(self.id, head.owner), depth);
                let index = usize::try_from(number).map_err(|_wide| Fault::Damaged)?;
                rows.get_mut(index).ok_or(Fault::Damaged)?.1.heads.push(head);
            }
        }
        let hashes = self.hashes_of(&rows);
        Ok(Map { depth, is_anew: true, hashes, waiting: rows, ..map })
    }

    /// The map's root, and the tiles on the way to it.
    pub(super) fn crown(&self, map: &Map) -> Result<Crown, Fault> {
        let size = buckets_at(map.depth).ok_or(Fault::Damaged)?;
        let stored = StoredTiles::map(self, map.depth);
        let tiles = if map.is_anew {
            tiles::grown(&BTreeMap::new(), 0, &filled(size, &map.hashes))
        } else {
            tiles::replaced(&stored, size, &map.hashes)
        };
        let tiles = tiles.ok_or_else(|| stored.missing())?;
        let root = match tiles.last() {
            Some((top, bytes)) => top.hashes(bytes).map(|hashes| merkle::root(&hashes).root),
            None => tiles::head(&stored, size).map(|head| head.root),
        };
        Ok(Crown { root: root.ok_or_else(|| stored.missing())?, tiles })
    }

    /// Writes what of the map is not written yet, in batches. What comes last is not committed: the epoch goes with it.
    pub(super) fn put_map(
        &self,
        (lease, log): (&mut Lease, &LogRow),
        (map, crown): (&mut Map, &Crown),
    ) -> Result<Desk<'_>, Fault> {
        let a_batch = self.a_batch;
        let mut desk = self.log_desk();
        let mut waiting = std::mem::take(&mut map.waiting).into_iter();
        loop {
            self.put_buckets(&mut desk, map.depth, waiting.by_ref().take(a_batch.buckets).collect())?;
            if waiting.len() == 0 {
                break;
            }
            desk = self.next_desk(lease, desk, log)?;
        }
        let mut tiles = crown.tiles.chunks(a_batch.tiles);
        loop {
            StoredTiles::map(self, map.depth).put_all(&mut desk, tiles.next().unwrap_or_default())?;
            if tiles.len() == 0 {
                return Ok(desk);
            }
            desk = self.next_desk(lease, desk, log)?;
        }
    }

    /// Commits a part of the map: the desk for the next.
    fn next_desk(&self, lease: &mut Lease, desk: Desk<'_>, log: &LogRow) -> Result<Desk<'_>, Fault> {
        self.commit_leased(lease, desk, &between(log))?;
        Ok(self.log_desk())
    }

    fn put_buckets(
        &self,
        desk: &mut Desk<'_>,
        depth: u8,
        buckets: Vec<(u32, BucketRow)>,
    ) -> Result<(), Fault> {
        let numbers: Vec<u32> = buckets.iter().map(|(number, _)| *number).collect();
        self.keep_replaced(depth, &numbers)?;
        let row =
            |(number, bucket): (u32, BucketRow)| ([&[depth][..], &number.to_be_bytes()].concat(), bucket);
        let rows: Vec<(Vec<u8>, BucketRow)> = buckets.into_iter().map(row).collect();
        desk.put_all((self.log_place(), Table::Bucket), &rows)
    }
}

/// The hashes of so many buckets, where those that are not there are of empty ones.
fn filled(size: u64, hashes: &BTreeMap<u64, Digest>) -> Vec<Digest> {
    let empty = bucket_hash(&bucket_root(&[]));
    (0..size).map(|number| hashes.get(&number).copied().unwrap_or(empty)).collect()
}

/// Whether a stream that had the one head has the other before it, or beside it.
fn goes_back(had: &Head, has: &Head) -> bool {
    has.size < had.size || (has.size == had.size && has.root != had.root)
}

/// The log while the map is ahead of its last epoch.
fn between(log: &LogRow) -> LogRow {
    LogRow { is_between: true, ..log.clone() }
}

/// The buckets of a map of this depth.
fn numbers(depth: u8) -> Result<std::ops::Range<u32>, Fault> {
    let count = buckets_at(depth).and_then(|count| u32::try_from(count).ok());
    Ok(0..count.ok_or(Fault::Damaged)?)
}

#[cfg(test)]
mod tests;
