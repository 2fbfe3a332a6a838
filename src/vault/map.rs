//! The heads map as it lies in the store: its buckets, and their roots.
//!
//! An epoch takes the fresh heads of those who changed up into their buckets; when there are more owners than these are made
//! for, all heads go into twice as many, which lie beside the old ones.

use std::collections::BTreeMap;

use crate::{
    event::Principal,
    id::Digest,
    log::{HeadLeaf, OwnerHead, bucket_of, bucket_root, depth_for},
    spread,
    vault::{
        Vault,
        fault::Fault,
        rows::{BucketRow, HashesRow, HeadRow, LogRow},
        tables::Table,
    },
};

/// How many heads to read are worth a thread, and how many buckets: some two hundred microseconds of work.
const READS_WORTH_A_THREAD: usize = 64;
const BUCKETS_WORTH_A_THREAD: usize = 4;

/// The heads map while the next epoch is worked out.
pub(super) struct Map {
    pub(super) depth: u8,
    pub(super) owners: u64,
    pub(super) events: u64,
    /// The root of each bucket.
    pub(super) roots: Vec<Digest>,
    /// The buckets that change.
    pub(super) buckets: BTreeMap<u32, BucketRow>,
}

/// A bucket into which fresh heads were taken.
struct Taken {
    bucket: BucketRow,
    root: Digest,
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
        let mut roots = Vec::new();
        let count = 1usize.checked_shl(u32::from(depth)).ok_or(Fault::Damaged)?;
        let rows = self.shelves.scan::<HashesRow>(self.log_place(), Table::Roots, &[depth])?;
        roots.extend(rows.into_iter().flat_map(|row| row.hashes));
        if roots.is_empty() {
            roots = vec![bucket_root(&[]); count];
        }
        if roots.len() != count {
            return Err(Fault::Damaged);
        }
        if is_between {
            // Whoever wrote these buckets did not come to say how many they hold.
            (owners, events) = (0, 0);
            for bucket in 0..u32::try_from(count).map_err(|_wrong| Fault::Damaged)? {
                for head in self.bucket(depth, bucket)?.heads {
                    owners = owners.saturating_add(1);
                    events = events.saturating_add(head.head.size);
                }
            }
        }
        Ok(Map { depth, owners, events, roots, buckets: BTreeMap::new() })
    }

    /// A bucket, as it stands.
    pub(super) fn bucket(&self, depth: u8, bucket: u32) -> Result<BucketRow, Fault> {
        let id = bucket.to_be_bytes();
        Ok(self.shelves.read(self.log_place(), Table::Bucket, &[&[depth], &id])?.unwrap_or_default())
    }

    /// Puts the heads of those who changed into the map, on all cores.
    pub(super) fn take_up(&self, map: &mut Map, changed: &[Principal]) -> Result<(), Fault> {
        let heads = spread::map(changed, READS_WORTH_A_THREAD, |owner| self.head_of(*owner));
        let mut fresh: BTreeMap<u32, Vec<OwnerHead>> = BTreeMap::new();
        for head in heads {
            if let Some(head) = head? {
                let number = bucket_of(&OwnerHead::key(self.id, head.owner), map.depth);
                fresh.entry(number).or_default().push(head);
            }
        }
        let fresh: Vec<(u32, Vec<OwnerHead>)> = fresh.into_iter().collect();
        let depth = map.depth;
        let taken = spread::map(&fresh, BUCKETS_WORTH_A_THREAD, |(number, heads)| {
            self.bucket_with(self.bucket(depth, *number)?, heads)
        });
        for ((number, _), taken) in fresh.iter().zip(taken) {
            let Taken { bucket, root, owners, before, after } = taken?;
            map.owners = map.owners.saturating_add(owners);
            map.events = map.events.saturating_sub(before).saturating_add(after);
            let index = usize::try_from(*number).map_err(|_wrong| Fault::Damaged)?;
            *map.roots.get_mut(index).ok_or(Fault::Damaged)? = root;
            map.buckets.insert(*number, bucket);
        }
        Ok(())
    }

    /// An owner's head, as it stands.
    fn head_of(&self, owner: Principal) -> Result<Option<OwnerHead>, Fault> {
        let head: Option<HeadRow> = self.shelves.read(self.shelves.keys.place(owner), Table::Head, &[])?;
        Ok(head.map(|head| OwnerHead { owner, head: head.frontier.head() }))
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
        let root = bucket_root(&leaves);
        Ok(Taken { bucket, root, owners, before, after })
    }

    pub(super) fn leaves_of(&self, bucket: &BucketRow) -> Vec<HeadLeaf> {
        bucket.heads.iter().map(|head| head.leaf(self.id)).collect()
    }

    /// The map with more buckets, if there are too many owners for those it has.
    pub(super) fn deepened(&self, map: Map) -> Result<Map, Fault> {
        let depth = depth_for(map.owners).max(map.depth);
        if depth == map.depth {
            return Ok(map);
        }
        let count = 1u32.checked_shl(u32::from(depth)).ok_or(Fault::Damaged)?;
        let mut buckets: BTreeMap<u32, BucketRow> =
            (0..count).map(|number| (number, <_>::default())).collect();
        let old = 1u32.checked_shl(u32::from(map.depth)).ok_or(Fault::Damaged)?;
        for number in 0..old {
            let bucket = match map.buckets.get(&number) {
                Some(bucket) => bucket.clone(),
                None => self.bucket(map.depth, number)?,
            };
            // In order within each old bucket, and old buckets in order: so are the new ones.
            for head in bucket.heads {
                let number = bucket_of(&OwnerHead::key(self.id, head.owner), depth);
                if let Some(bucket) = buckets.get_mut(&number) {
                    bucket.heads.push(head);
                }
            }
        }
        let roots = buckets.values().map(|bucket| bucket_root(&self.leaves_of(bucket))).collect();
        Ok(Map { depth, roots, buckets, ..map })
    }
}
