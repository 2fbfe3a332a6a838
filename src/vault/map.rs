//! The heads map as it lies in the store: its buckets, and the tiles over their hashes.
//!
//! ```text
//! Bucket  depth ‖ number          the heads in it
//! Roots   depth ‖ level ‖ index   256 hashes: of buckets, and over them of full tiles, as tlog-tiles has it for 2^depth entries
//! ```
//!
//! An epoch takes the fresh heads of those who changed up into their buckets, and changes the tiles above those. When there are
//! more owners than the buckets are made for, all heads go into twice as many, which lie beside the old ones.

use std::collections::BTreeMap;

use crate::{
    id::Digest,
    log::{
        HeadLeaf, OwnerHead, Tile, bucket_hash, bucket_of, bucket_root, buckets_at, depth_for,
        tiles::{self, Tiles},
    },
    merkle, spread,
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
const BUCKETS_WORTH_A_THREAD: usize = 4;

/// How many buckets, and how many tiles, one batch writes: some two megabytes, and eight.
pub(super) const A_BATCH: ABatch = ABatch { buckets: 2048, tiles: 1024 };

/// How many rows one batch writes.
#[derive(Clone, Copy)]
pub(super) struct ABatch {
    buckets: usize,
    tiles: usize,
}

/// The heads map while the next epoch is worked out.
pub(super) struct Map {
    pub(super) depth: u8,
    pub(super) owners: u64,
    pub(super) events: u64,
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
        let LogRow { depth, mut owners, mut events, is_between, .. } = *log;
        if is_between {
            // Whoever wrote these buckets did not come to say how many they hold.
            (owners, events) = (0, 0);
            for bucket in numbers(depth)? {
                for head in self.bucket(depth, bucket)?.heads {
                    owners = owners.saturating_add(1);
                    events = events.saturating_add(head.head.size);
                }
            }
        }
        Ok(Map { depth, owners, events, hashes: BTreeMap::new(), waiting: Vec::new() })
    }

    /// A bucket, as it stands.
    pub(super) fn bucket(&self, depth: u8, bucket: u32) -> Result<BucketRow, Fault> {
        let id = bucket.to_be_bytes();
        Ok(self.shelves.read(self.log_place(), Table::Bucket, &[&[depth], &id])?.unwrap_or_default())
    }

    /// The hashes of all buckets, as they stand.
    pub(super) fn bucket_hashes(&self, log: &LogRow) -> Result<Vec<Digest>, Fault> {
        let tiles = StoredTiles::map(self, log.depth);
        let lowest =
            Tile::of(buckets_at(log.depth).ok_or(Fault::Damaged)?).take_while(|tile| tile.level() == 0);
        let hashes = lowest.map(|tile| tile.hashes(&tiles.tile(tile)?));
        Ok(hashes.collect::<Option<Vec<_>>>().ok_or(Fault::Damaged)?.into_iter().flatten().collect())
    }

    /// Puts fresh heads into the map, on all cores: where there are more buckets than one batch writes, some are written while the
    /// next are read and hashed.
    pub(super) fn take_up(
        &self,
        (lease, log): (&mut Lease, &LogRow),
        map: &mut Map,
        heads: &[OwnerHead],
        a_batch: ABatch,
    ) -> Result<(), Fault> {
        let depth = map.depth;
        let mut fresh: BTreeMap<u32, Vec<OwnerHead>> = BTreeMap::new();
        for head in heads {
            let number = bucket_of(&OwnerHead::key(self.id, head.owner), depth);
            fresh.entry(number).or_default().push(*head);
        }
        let fresh: Vec<(u32, Vec<OwnerHead>)> = fresh.into_iter().collect();
        let take =
            |(number, heads): &(u32, Vec<OwnerHead>)| self.bucket_with(self.bucket(depth, *number)?, heads);
        for some in fresh.chunks(a_batch.buckets) {
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
            after = after.saturating_add(head.head.size);
            match leaves.binary_search_by_key(&leaf.key, |known| known.key) {
                Ok(index) => {
                    let places = bucket.heads.get_mut(index).zip(leaves.get_mut(index));
                    let (known, known_leaf) = places.ok_or(Fault::Damaged)?;
                    before = before.saturating_add(known.head.size);
                    (*known, *known_leaf) = (*head, leaf);
                }
                Err(index) => {
                    owners = owners.saturating_add(1);
                    bucket.heads.insert(index, *head);
                    leaves.insert(index, leaf);
                }
            }
        }
        let hash = bucket_hash(&bucket_root(&leaves));
        Ok(Taken { bucket, hash, owners, before, after })
    }

    pub(super) fn leaves_of(&self, bucket: &BucketRow) -> Vec<HeadLeaf> {
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
        for number in numbers(map.depth)? {
            let bucket = match waiting.remove(&number) {
                Some(bucket) => bucket,
                None => self.bucket(map.depth, number)?,
            };
            // In order within each old bucket, and old buckets in order: so are the new ones.
            for head in bucket.heads {
                let number = bucket_of(&OwnerHead::key(self.id, head.owner), depth);
                let index = usize::try_from(number).map_err(|_wide| Fault::Damaged)?;
                rows.get_mut(index).ok_or(Fault::Damaged)?.1.heads.push(head);
            }
        }
        let hashes = spread::map(&rows, BUCKETS_WORTH_A_THREAD, |(_, bucket)| self.hash_of(bucket));
        Ok(Map { depth, hashes: (0u64..).zip(hashes).collect(), waiting: rows, ..map })
    }

    /// The map's root, and the tiles on the way to it.
    pub(super) fn crown(&self, log: &LogRow, map: &Map) -> Result<Crown, Fault> {
        let size = buckets_at(map.depth).ok_or(Fault::Damaged)?;
        let stored = StoredTiles::map(self, map.depth);
        let is_new = log.frontier.size() == 0 || map.depth != log.depth;
        let tiles = if is_new {
            let empty = bucket_hash(&bucket_root(&[]));
            let hash = |number| map.hashes.get(&number).copied().unwrap_or(empty);
            let hashes: Vec<Digest> = (0..size).map(hash).collect();
            tiles::grown(&BTreeMap::new(), 0, &hashes)
        } else {
            tiles::replaced(&stored, size, &map.hashes)
        };
        let tiles = tiles.ok_or(Fault::Damaged)?;
        let root = match tiles.last() {
            Some((top, bytes)) => top.hashes(bytes).map(|hashes| merkle::root(&hashes).root),
            None => tiles::head(&stored, size).map(|head| head.root),
        };
        Ok(Crown { root: root.ok_or(Fault::Damaged)?, tiles })
    }

    /// Writes what of the map is not written yet, in batches. What comes last is not committed: the epoch goes with it.
    pub(super) fn put_map(
        &self,
        (lease, log): (&mut Lease, &LogRow),
        (map, crown): (&mut Map, &Crown),
        a_batch: ABatch,
    ) -> Result<Desk<'_>, Fault> {
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        access::Policy,
        custodian::Answer,
        event::Principal,
        id::PartyId,
        log::{LogEpoch, map_root},
        merkle::{Frontier, leaf_hash},
        party::{Keyring, Role},
        store::MemoryStore,
        vault::{HostDir, rows::HeadRow},
    };

    /// A vault, its host's directory, and the streams that grew in it.
    struct World {
        vault: Vault,
        heads: BTreeMap<Principal, OwnerHead>,
        _host: tempfile::TempDir,
    }

    fn owner(number: u32) -> Principal {
        Principal::Party(PartyId::from_bytes(*leaf_hash(&number.to_be_bytes()).as_bytes()))
    }

    impl World {
        fn new() -> Self {
            let host = tempfile::tempdir().unwrap();
            let policy = Policy::trusting([&Keyring::generate().unwrap().card(Role::Registrar)]);
            let vault =
                Vault::create(MemoryStore::new(), HostDir::open(host.path().join("host")).unwrap(), policy)
                    .unwrap();
            let own = Principal::Vault(vault.id);
            let row: HeadRow =
                vault.shelves.read(vault.shelves.keys.place(own), Table::Head, &[]).unwrap().unwrap();
            let heads = [(own, OwnerHead { owner: own, head: row.frontier.head() })].into();
            Self { vault, heads, _host: host }
        }

        /// A stream grows by an event, as far as the map is concerned.
        fn grow(&mut self, number: u32) {
            let owner = owner(number);
            let mut frontier = Frontier::new();
            let size = self.heads.get(&owner).map_or(0, |head| head.head.size);
            (0..=size).for_each(|seq| frontier.append(leaf_hash(&seq.to_be_bytes())));
            self.heads.insert(owner, OwnerHead { owner, head: frontier.head() });
            let row = HeadRow { frontier, ..HeadRow::default() };
            let mut desk = Desk::beside(&self.vault.shelves, owner, self.vault.fork_random());
            self.vault.note_changed(&mut desk, &row).unwrap();
            self.vault.commit_log(desk).unwrap();
        }

        fn epoch(&self) -> LogEpoch {
            let log = self.vault.log().unwrap();
            self.vault.log_epoch(log.frontier.size() - 1).unwrap().unwrap()
        }

        /// All buckets of a map of this depth, from nothing.
        fn buckets(&self, depth: u8) -> Vec<Vec<HeadLeaf>> {
            let mut buckets = vec![Vec::new(); 1 << depth];
            for head in self.heads.values() {
                let leaf = head.leaf(self.vault.id);
                buckets[bucket_of(&leaf.key, depth) as usize].push(leaf);
            }
            buckets.iter_mut().for_each(|bucket| bucket.sort());
            buckets
        }

        /// A checkpoint has the map that all heads make, and proves who stands in it and who does not.
        fn check(&self) {
            self.vault.checkpoint().unwrap();
            let (log, epoch) = (self.vault.log().unwrap(), self.epoch());
            assert_eq!((log.depth, log.is_between), (epoch.depth, false));
            assert_eq!(epoch.depth, depth_for(epoch.owners));
            assert_eq!(epoch.owners, self.heads.len() as u64);
            assert_eq!(epoch.events, self.heads.values().map(|head| head.head.size).sum::<u64>());
            let roots: Vec<Digest> =
                self.buckets(epoch.depth).iter().map(|bucket| bucket_root(bucket)).collect();
            assert_eq!(epoch.map, map_root(&roots));
            let hashes: Vec<Digest> = roots.iter().map(bucket_hash).collect();
            assert_eq!(self.vault.bucket_hashes(&log).unwrap(), hashes);
            let known = self.heads.keys().copied().step_by(self.heads.len() / 7 + 1);
            for owner in known.chain([owner(u32::MAX)]) {
                let Answer::InLog(proof, _) = self.vault.in_log(owner).unwrap() else { panic!("no proof") };
                let head = proof.verify((self.vault.id, owner), &log.frontier.head()).unwrap();
                assert_eq!(head, self.heads.get(&owner).map(|head| head.head));
            }
        }
    }

    proptest! {
        // Each makes a vault and some thousand streams.
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn an_epoch_has_the_map_that_all_heads_make(
            steps in prop::collection::vec((0u32..1500, prop::collection::vec(any::<u32>(), 0..40)), 1..5),
        ) {
            let mut world = World::new();
            let mut count = 0;
            for (more, again) in steps {
                for number in count..count + more {
                    world.grow(number);
                }
                count += more;
                for number in again.into_iter().filter(|_| count > 0) {
                    world.grow(number % count);
                }
                world.check();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_map_that_was_left_half_written_is_taken_up(
            before in 0u32..3000,
            grown in prop::collection::vec(0u32..6000, 1..400),
            (buckets, tiles) in (1usize..60, 1usize..3),
            goes_on in any::<bool>(),
            after in 0u32..5,
        ) {
            let mut world = World::new();
            (0..before).for_each(|number| world.grow(number));
            world.check();
            grown.into_iter().for_each(|number| world.grow(number));
            // The next map, all of it but its last batch; or as far as the buckets that change are written while others are read.
            let (vault, a_batch) = (&world.vault, ABatch { buckets, tiles });
            let (mut lease, log) = vault.take_lease().unwrap();
            let mut map = vault.map(&log).unwrap();
            let heads: Vec<OwnerHead> = vault.changed().unwrap().into_iter().map(|one| one.head).collect();
            vault.take_up((&mut lease, &log), &mut map, &heads, a_batch).unwrap();
            let mut written = map.hashes.len() > buckets;
            if goes_on {
                let mut map = vault.deepened(map).unwrap();
                let crown = vault.crown(&log, &map).unwrap();
                written |= map.waiting.len() > buckets || crown.tiles.len() > tiles;
                drop(vault.put_map((&mut lease, &log), (&mut map, &crown), a_batch).unwrap());
            }
            vault.give_back(lease);
            prop_assert_eq!(vault.log().unwrap().is_between, written);
            (0..after).for_each(|number| world.grow(number));
            world.check();
        }
    }
}
