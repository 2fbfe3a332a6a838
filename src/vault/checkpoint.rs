//! Checkpoints: all streams' heads put down in one leaf of a log, and the log's head signed.
//!
//! Writers leave word of every stream that grows (the table of changed owners) and wait for nobody. The checkpointer takes
//! that up: buckets of the heads map first, then the epoch, the log and the signed checkpoint in one batch, and only then
//! is a checkpoint shown. A log that stands elsewhere than it was read is another's: then nothing is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

use crate::{
    access::Denial,
    custodian::{Answer, Response},
    event::Principal,
    id::{Digest, OpId},
    log::{
        HeadLeaf, LogEpoch, MapProof, NoteSigner, OwnerHead, SignedCheckpoint, StreamProof, Tile, bucket_of,
        bucket_root, depth_for, map_root, origin,
        tiles::{self, Tiles},
    },
    merkle::Frontier,
    store::{Key, Place},
    vault::{
        Vault, VaultError,
        desk::Desk,
        fault::Fault,
        rows::{BucketRow, ChangedRow, EpochOfLogRow, HashesRow, HeadRow, LogRow},
        tables::Table,
    },
};

/// How many roots of buckets one row holds.
const ROOTS_A_ROW: usize = 256;

/// How many rows one batch of the map writes.
const ROWS_A_BATCH: usize = 4096;

/// How many rows of changed owners one batch takes away.
const TAKEN_A_BATCH: usize = 256;

/// Milliseconds between two checkpoints that are made when due.
const PERIOD_MS: u64 = 60_000;

/// How many events make a checkpoint due.
const EVENTS_DUE: u64 = 1000;

/// An owner whose stream grew, and the row that says so as it was read.
struct Changed {
    key: Key,
    sealed: Vec<u8>,
    owner: Principal,
}

/// The heads map while the next epoch is worked out.
pub(super) struct Map {
    depth: u8,
    owners: u64,
    events: u64,
    /// The root of each bucket.
    pub(super) roots: Vec<Digest>,
    /// The buckets that change.
    buckets: BTreeMap<u32, BucketRow>,
}

impl Vault {
    /// Puts all streams' heads down, signs a checkpoint, and keeps it before it is shown: the newest checkpoint, as a C2SP
    /// signed note. Where no stream has grown, it is the one there was.
    ///
    /// Writers are not held up. Call it every minute or so, from a thread of its own; [`Self::close`] does it too.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; then the next call goes on from what stands there.
    pub fn checkpoint(&self) -> Result<String, VaultError> {
        let _one_at_a_time = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.make_checkpoint()?)
    }

    /// The same, if the last one is a minute or a thousand events old.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub fn checkpoint_if_due(&self) -> Result<(), VaultError> {
        let Ok(_one_at_a_time) = self.checkpointing.try_lock() else { return Ok(()) };
        Ok(self.make_checkpoint_if_due()?)
    }

    /// The same, for who holds the log still.
    pub(super) fn make_checkpoint_if_due(&self) -> Result<(), Fault> {
        let log = self.log()?;
        let last = match log.frontier.size().checked_sub(1) {
            Some(number) => self.log_epoch(number)?.map(|epoch| epoch.at),
            None => None,
        };
        let now = self.clock.now();
        let is_old = last.is_none_or(|last| last.as_ms().saturating_add(PERIOD_MS) <= now.as_ms());
        if is_old || log.is_between || self.grown(&log)? >= EVENTS_DUE {
            self.make_checkpoint()?;
        }
        Ok(())
    }

    /// At least how many events came since: as many as streams grew.
    fn grown(&self, _log: &LogRow) -> Result<u64, Fault> {
        let mut count = 0u64;
        for place in self.shelves.keys.shared_places(Table::Changed) {
            let limit = usize::try_from(EVENTS_DUE).unwrap_or(usize::MAX);
            let rows = self.shelves.page::<ChangedRow>((place, Table::Changed), None, limit)?;
            count = count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
        Ok(count)
    }

    pub(super) fn log_place(&self) -> Place {
        self.shelves.keys.place(Principal::Vault(self.id))
    }

    pub(super) fn log(&self) -> Result<LogRow, Fault> {
        Ok(self.shelves.read(self.log_place(), Table::Log, &[])?.unwrap_or_default())
    }

    pub(super) fn log_epoch(&self, number: u64) -> Result<Option<LogEpoch>, Fault> {
        let row: Option<EpochOfLogRow> =
            self.shelves.read(self.log_place(), Table::LogEpoch, &[&number.to_be_bytes()])?;
        Ok(row.map(|row| row.epoch))
    }

    pub(super) fn make_checkpoint(&self) -> Result<String, Fault> {
        let generation = self.shelves.store.generation()?;
        let changed = self.changed()?;
        let log = self.log()?;
        if changed.is_empty() && !log.is_between && !log.checkpoint.is_empty() {
            return Ok(log.checkpoint);
        }
        let mut map = self.map(&log)?;
        self.take_up(&mut map, &changed)?;
        let map = self.deepened(map)?;
        let number = log.frontier.size();
        let epoch = LogEpoch {
            vault: self.id,
            number,
            at: self.clock.now(),
            depth: map.depth,
            map: map_root(&map.roots),
            owners: map.owners,
            events: map.events,
            generation,
        };
        let checkpoint = self.put_epoch(&log, &map, &epoch)?;
        self.take_away(changed)?;
        self.anchor_if_due();
        Ok(checkpoint)
    }

    /// Leaves word that the stream of a desk grows with its batch.
    pub(super) fn note_changed(&self, desk: &mut Desk<'_>) -> Result<(), Fault> {
        let keys = &self.shelves.keys;
        let id = match desk.owner {
            Principal::Party(owner) => keys.blind(Table::Changed, &[&owner]),
            Principal::Folder(_) | Principal::Vault(_) => [0; 16],
        };
        let place = keys.shared_place(Table::Changed, desk.place);
        let row = ChangedRow { owner: desk.owner };
        desk.put_at(place, Table::Changed, &[&id], &row)
    }

    /// The owners whose streams grew, by the word their writers left.
    fn changed(&self) -> Result<Vec<Changed>, Fault> {
        let mut changed = Vec::new();
        for place in self.shelves.keys.shared_places(Table::Changed) {
            for entry in self.shelves.raw(place, Table::Changed)? {
                let row: ChangedRow = self.shelves.keys.open(Table::Changed, &entry.key, &entry.value)?;
                changed.push(Changed { key: entry.key, sealed: entry.value, owner: row.owner });
            }
        }
        Ok(changed)
    }

    /// The map as it stands, without its buckets.
    pub(super) fn map(&self, log: &LogRow) -> Result<Map, Fault> {
        let LogRow { depth, owners, events, .. } = *log;
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
        Ok(Map { depth, owners, events, roots, buckets: BTreeMap::new() })
    }

    /// A bucket, as it stands.
    pub(super) fn bucket(&self, depth: u8, bucket: u32) -> Result<BucketRow, Fault> {
        let id = bucket.to_be_bytes();
        Ok(self.shelves.read(self.log_place(), Table::Bucket, &[&[depth], &id])?.unwrap_or_default())
    }

    /// Puts the heads of those who changed into the map.
    fn take_up(&self, map: &mut Map, changed: &[Changed]) -> Result<(), Fault> {
        for Changed { owner, .. } in changed {
            let head: Option<HeadRow> =
                self.shelves.read(self.shelves.keys.place(*owner), Table::Head, &[])?;
            let Some(head) = head else { continue };
            let fresh = OwnerHead { owner: *owner, head: head.frontier.head() };
            let key = OwnerHead::key(self.id, *owner);
            let number = bucket_of(&key, map.depth);
            let bucket = match map.buckets.entry(number) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(self.bucket(map.depth, number)?)
                }
            };
            let of = |known: &OwnerHead| OwnerHead::key(self.id, known.owner);
            match bucket.heads.binary_search_by_key(&key, of) {
                Ok(index) => {
                    if let Some(known) = bucket.heads.get_mut(index) {
                        map.events =
                            map.events.saturating_add(fresh.head.size).saturating_sub(known.head.size);
                        *known = fresh;
                    }
                }
                Err(index) => {
                    bucket.heads.insert(index, fresh);
                    map.owners = map.owners.saturating_add(1);
                    map.events = map.events.saturating_add(fresh.head.size);
                }
            }
        }
        for (number, bucket) in &map.buckets {
            let index = usize::try_from(*number).map_err(|_wrong| Fault::Damaged)?;
            *map.roots.get_mut(index).ok_or(Fault::Damaged)? = bucket_root(&self.leaves_of(bucket));
        }
        Ok(())
    }

    pub(super) fn leaves_of(&self, bucket: &BucketRow) -> Vec<HeadLeaf> {
        bucket.heads.iter().map(|head| head.leaf(self.id)).collect()
    }

    /// The map with more buckets, if there are too many owners for those it has.
    fn deepened(&self, map: Map) -> Result<Map, Fault> {
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

    /// Writes the map, then the epoch and the signed checkpoint; in one batch, if it fits.
    fn put_epoch(&self, log: &LogRow, map: &Map, epoch: &LogEpoch) -> Result<String, Fault> {
        let place = self.log_place();
        let numbers: Vec<u32> = map.buckets.keys().copied().collect();
        self.keep_replaced(map.depth, &numbers)?;
        let mut known = log.clone();
        let mut chunks = numbers.chunks(ROWS_A_BATCH).peekable();
        let mut desk = self.log_desk()?;
        while let Some(chunk) = chunks.next() {
            for number in chunk {
                let bucket = map.buckets.get(number).ok_or(Fault::Damaged)?;
                desk.put_at(place, Table::Bucket, &[&[map.depth], &number.to_be_bytes()], bucket)?;
            }
            if chunks.peek().is_some() {
                known.is_between = true;
                desk.put_at(place, Table::Log, &[], &known)?;
                self.commit_log(desk)?;
                desk = self.log_desk()?;
            }
        }
        let tiles: BTreeSet<u32> = numbers.iter().map(|number| number / 256).collect();
        for (number, roots) in (0u32..).zip(map.roots.chunks(ROOTS_A_ROW)) {
            if tiles.contains(&number) || map.depth != log.depth {
                let row = HashesRow { hashes: roots.to_vec() };
                desk.put_at(place, Table::Roots, &[&[map.depth], &number.to_be_bytes()], &row)?;
            }
        }
        let mut frontier = log.frontier.clone();
        frontier.append(epoch.hash());
        self.put_log_hash(&mut desk, epoch)?;
        let checkpoint = self.sign_checkpoint(&frontier)?;
        let row = LogRow {
            frontier,
            checkpoint: checkpoint.clone(),
            depth: map.depth,
            owners: map.owners,
            events: map.events,
            is_between: false,
        };
        desk.put_at(
            place,
            Table::LogEpoch,
            &[&epoch.number.to_be_bytes()],
            &EpochOfLogRow { epoch: *epoch },
        )?;
        desk.put_at(place, Table::Log, &[], &row)?;
        self.commit_log(desk)?;
        Ok(checkpoint)
    }

    /// The hash of an epoch's leaf, beside those before it, and what that changes above.
    fn put_log_hash(&self, desk: &mut Desk<'_>, epoch: &LogEpoch) -> Result<(), Fault> {
        let grown = tiles::grown(&StoredTiles(self), epoch.number, &[epoch.hash()]).ok_or(Fault::Damaged)?;
        for (tile, bytes) in grown {
            let row = HashesRow { hashes: tile.hashes(&bytes).ok_or(Fault::Damaged)? };
            let id = tile_id(tile);
            desk.put_at(self.log_place(), Table::LogTile, &[&id], &row)?;
        }
        Ok(())
    }

    /// The newest checkpoint, and that it grew from a log of this size.
    pub(super) fn newest_checkpoint(&self, since: u64) -> Result<Response, Fault> {
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        let growth = self.growth(since, log.frontier.size())?;
        Ok(Response::Checkpoint(log.checkpoint, growth))
    }

    /// That a log grew to this size from an earlier one; nothing if it did not, which whoever asked will see.
    pub(super) fn growth(&self, since: u64, size: u64) -> Result<Vec<Digest>, Fault> {
        if since == 0 || since >= size {
            return Ok(Vec::new());
        }
        tiles::prove_consistency(&StoredTiles(self), since, size).ok_or(Fault::Damaged)
    }

    /// That a stream is whole and in the log, as the newest checkpoint has it.
    pub(super) fn in_log(&self, owner: Principal) -> Result<Answer, Fault> {
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        let number = log.frontier.size().checked_sub(1).ok_or(Denial::Absent)?;
        if log.is_between {
            // The map is ahead of the checkpoint; the next one is as far.
            return Err(Fault::Conflict);
        }
        let epoch = self.log_epoch(number)?.ok_or(Fault::Damaged)?;
        let key = OwnerHead::key(self.id, owner);
        let bucket = self.bucket(log.depth, bucket_of(&key, log.depth))?;
        let head = bucket.heads.iter().find(|known| known.owner == owner).map(|known| known.head);
        let roots = self.map(&log)?.roots;
        let map = MapProof::of((log.depth, &key), self.leaves_of(&bucket), &roots);
        let map = map.map_err(|_damaged| Fault::Damaged)?;
        let path = tiles::prove_inclusion(&StoredTiles(self), number, log.frontier.size());
        let path = path.ok_or(Fault::Damaged)?;
        Ok(Answer::InLog(StreamProof { head, map, epoch, path }, log.checkpoint))
    }

    /// A desk whose batch is taken only if the log stands where it was read: never two histories.
    fn log_desk(&self) -> Result<Desk<'_>, Fault> {
        let mut desk = Desk::beside(&self.shelves, Principal::Vault(self.id), self.fork_random());
        desk.get_at::<LogRow>(self.log_place(), Table::Log, &[])?;
        Ok(desk)
    }

    fn commit_log(&self, mut desk: Desk<'_>) -> Result<(), Fault> {
        let op_id = OpId::from_bytes(desk.random().bytes());
        desk.commit(op_id, Vec::new())
    }

    /// Takes the word away of those who changed, unless they have changed again.
    fn take_away(&self, changed: Vec<Changed>) -> Result<(), Fault> {
        let mut changed = changed.into_iter().peekable();
        while changed.peek().is_some() {
            let some: Vec<Changed> = changed.by_ref().take(TAKEN_A_BATCH).collect();
            if self.take_away_together(&some).is_err() {
                for one in some {
                    // Whoever changed again stays for the next epoch.
                    drop(self.take_away_together(&[one]));
                }
            }
        }
        Ok(())
    }

    fn take_away_together(&self, some: &[Changed]) -> Result<(), Fault> {
        let mut desk = Desk::beside(&self.shelves, Principal::Vault(self.id), self.fork_random());
        for Changed { key, sealed, .. } in some {
            desk.delete_as_read(key.clone(), sealed.clone());
        }
        self.commit_log(desk)
    }

    fn sign_checkpoint(&self, frontier: &Frontier) -> Result<String, Fault> {
        let signer = NoteSigner::new(origin(self.id)?, &self.signer);
        Ok(SignedCheckpoint::sign(frontier.head(), &signer)?.to_string())
    }
}

/// The log's tiles, as they lie in the store.
pub(super) struct StoredTiles<'v>(pub(super) &'v Vault);

impl Tiles for StoredTiles<'_> {
    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        let Self(vault) = self;
        let row: Option<HashesRow> =
            vault.shelves.read(vault.log_place(), Table::LogTile, &[&tile_id(tile)]).ok()?;
        let hashes = row?.hashes;
        let hashes = hashes.get(..usize::from(tile.width()))?;
        Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }
}

/// Where a tile's row lies: a wider one takes a narrower one's place.
fn tile_id(tile: Tile) -> Vec<u8> {
    [[tile.level()].as_slice(), &tile.index().to_be_bytes()].concat()
}
