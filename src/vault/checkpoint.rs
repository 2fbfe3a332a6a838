//! Checkpoints: all streams' heads put down in one leaf of a log, and the log's head signed.
//!
//! Writers leave word of every stream that grows (the table of changed owners) and wait for nobody. The checkpointer, which
//! holds the [lease](crate::vault::lease), takes that up: buckets of the heads map first and the tiles over them, in batches, then the epoch, the
//! log and the signed checkpoint with the last of these; then the anchor; only then is a checkpoint shown. A log that stands elsewhere than it was
//! read is another's: then nothing is written. Witnesses are asked when all that is done, and nobody waits for them.

use std::{ops::ControlFlow, sync::PoisonError, time::Duration};

use crate::{
    access::Denial,
    custodian::{Answer, Response},
    event::Principal,
    id::Digest,
    log::{LogEpoch, NoteSigner, OwnerHead, SignedCheckpoint, StreamProof, bucket_of, origin, tiles},
    merkle::Frontier,
    spread,
    store::{Entry, Key, KeyRange, Place, StoreError},
    vault::{
        Vault, VaultError,
        desk::Desk,
        fault::Fault,
        lease::Lease,
        map::{Crown, Map},
        rows::{ChangedBeforeRow, ChangedRow, EpochOfLogRow, HeadRow, LogRow},
        tables::Table,
        tiles::StoredTiles,
    },
};

/// How many rows of changed owners one batch takes away.
const TAKEN_A_BATCH: usize = 2048;

/// Between two checkpoints that are made when due.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// How long a checkpointer waits before it looks again.
const LOOK: Duration = Duration::from_secs(1);

/// How many events make a checkpoint due.
const EVENTS_DUE: u64 = 1000;

/// An owner whose stream grew, and the row that says so as it was read.
pub(super) struct Changed {
    key: Key,
    sealed: Vec<u8>,
    pub(super) head: OwnerHead,
}

impl Vault {
    /// Puts all streams' heads down, signs a checkpoint, keeps it and anchors it before it is shown, and asks the policy's
    /// witnesses to sign it too: the newest checkpoint, as a C2SP signed note, with the lines of those who did. Where no
    /// stream has grown, it is the one there was, and only witnesses are asked whose line it lacks.
    ///
    /// Writers are not held up. [`Self::checkpointing`] calls it when one is due; [`Self::close`] does it too.
    ///
    /// # Errors
    /// [`VaultError`] if store or host fail, then the next call goes on from what stands there; [`VaultError::Leased`] while
    /// another process makes one.
    pub fn checkpoint(&self) -> Result<String, VaultError> {
        {
            let _one_at_a_time = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
            self.make_checkpoint()?;
        }
        self.ask_witnesses();
        Ok(self.shown(&self.log()?)?)
    }

    /// The same, if the last one is a minute or a thousand events old and nobody else is at it. Witnesses who have not signed
    /// the newest one are asked again once a minute.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub fn checkpoint_if_due(&self) -> Result<(), VaultError> {
        {
            let Ok(_one_at_a_time) = self.checkpointing.try_lock() else { return Ok(()) };
            match self.make_checkpoint_if_due() {
                Ok(()) | Err(Fault::Leased) => (),
                Err(fault) => return Err(fault.into()),
            }
        }
        self.ask_witnesses_if_due();
        Ok(())
    }

    /// The same without witnesses, for who holds the log still.
    pub(super) fn make_checkpoint_if_due(&self) -> Result<(), Fault> {
        let log = self.log()?;
        let last = match log.frontier.size().checked_sub(1) {
            Some(number) => self.log_epoch(number)?.map(|epoch| epoch.at),
            None => None,
        };
        let is_old = last.is_none_or(|last| last.plus(PERIOD) <= self.clock.now());
        if is_old || log.is_between || self.grown()? >= EVENTS_DUE { self.make_checkpoint() } else { Ok(()) }
    }

    /// Makes checkpoints when they are due, until told to stop: for a thread of its own. Several processes may do it; one
    /// of them works at a time, and another takes over if it ends midway. What fails is logged and tried again.
    ///
    /// Between two looks it calls `wait` with how long to wait, which breaks off when it is time to stop.
    ///
    /// ```
    /// # use casevault::{access::Policy, party::{Keyring, Role}, store::MemoryStore, vault::{HostDir, Vault}};
    /// use std::{ops::ControlFlow, sync::mpsc::{self, RecvTimeoutError}, thread};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let place = std::env::temp_dir().join(format!("casevault-checkpointing-{}", std::process::id()));
    /// # let policy = Policy::trusting([&Keyring::generate()?.card(Role::Registrar)]);
    /// # let vault = Vault::create(MemoryStore::new(), HostDir::open(&place)?, policy)?;
    /// let (stop, stopped) = mpsc::channel::<()>();
    /// let serving = &vault;
    /// thread::scope(|threads| {
    ///     threads.spawn(move || {
    ///         serving.checkpointing(|span| match stopped.recv_timeout(span) {
    ///             Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
    ///             Ok(()) | Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
    ///         });
    ///     });
    ///     // … serve …
    ///     drop(stop);
    /// });
    /// vault.close()?;
    /// # std::fs::remove_dir_all(place)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn checkpointing(&self, mut wait: impl FnMut(Duration) -> ControlFlow<()>) {
        loop {
            let span = match self.checkpoint_if_due() {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::error!(code = error.code(), "a checkpoint could not be made");
                    PERIOD
                }
            };
            if wait(span).is_break() {
                return;
            }
        }
    }

    /// At least how many events came since: as many as streams grew.
    fn grown(&self) -> Result<u64, Fault> {
        let mut count = 0u64;
        for place in self.shelves.keys.shared_places(Table::Changed) {
            let limit = usize::try_from(EVENTS_DUE.saturating_sub(count)).unwrap_or(usize::MAX);
            let range = KeyRange::table(place, Table::Changed.code());
            let rows = self.shelves.store.scan(range, limit)?;
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

    /// Makes a checkpoint and anchors it, if a stream has grown since the last one.
    pub(super) fn make_checkpoint(&self) -> Result<(), Fault> {
        let log = self.log()?;
        if !log.is_between && !log.checkpoint.is_empty() && self.grown()? == 0 {
            return self.anchor_log(&log);
        }
        let (mut lease, log) = self.take_lease()?;
        let made = self.make_epoch(&mut lease, &log);
        self.give_back(lease);
        self.anchor_log(&made?)
    }

    /// The next epoch: the log as it stands then.
    fn make_epoch(&self, lease: &mut Lease, log: &LogRow) -> Result<LogRow, Fault> {
        let generation = self.shelves.store.generation()?;
        let changed = self.changed()?;
        let mut map = self.map(log)?;
        let heads: Vec<OwnerHead> = changed.iter().map(|one| one.head).collect();
        self.take_up((lease, log), &mut map, &heads)?;
        let mut map = self.deepened(map)?;
        let crown = self.crown(&map)?;
        let epoch = LogEpoch {
            vault: self.id,
            number: log.frontier.size(),
            at: self.clock.now(),
            depth: map.depth,
            map: crown.root,
            owners: map.owners,
            events: map.events,
            generation,
        };
        let log = self.put_epoch(lease, log, (&mut map, &crown), &epoch)?;
        self.take_away(&changed);
        Ok(log)
    }

    /// The newest checkpoint with what witnesses signed of it, once it is anchored.
    pub(super) fn shown(&self, log: &LogRow) -> Result<String, Fault> {
        self.anchor_log(log)?;
        Ok(log.checkpoint.clone() + &self.cosigned(log.frontier.head())?)
    }

    /// Leaves word that the stream of a desk grows with its batch, to this head.
    pub(super) fn note_changed(&self, desk: &mut Desk<'_>, head: &HeadRow) -> Result<(), Fault> {
        let keys = &self.shelves.keys;
        let id = match desk.owner {
            Principal::Party(owner) => keys.blind(Table::Changed, &[&owner]),
            Principal::Folder(_) | Principal::Vault(_) => [0; 16],
        };
        let place = keys.shared_place(Table::Changed, desk.place);
        let row = ChangedRow { head: OwnerHead { owner: desk.owner, head: head.frontier.head() } };
        desk.put_at(place, Table::Changed, &[&id], &row)
    }

    /// The owners whose streams grew, by the word their writers left.
    pub(super) fn changed(&self) -> Result<Vec<Changed>, Fault> {
        let places = self.shelves.keys.shared_places(Table::Changed);
        let changed = spread::map(&places, 1, |place| self.changed_of(*place));
        Ok(changed.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn changed_of(&self, place: Place) -> Result<Vec<Changed>, Fault> {
        let open = |entry: Entry| {
            let keys = &self.shelves.keys;
            let head = match keys.open::<ChangedRow>(Table::Changed, &entry.key, &entry.value) {
                Ok(row) => row.head,
                Err(_other) => self.head_of(
                    keys.open::<ChangedBeforeRow>(Table::Changed, &entry.key, &entry.value)?.owner,
                )?,
            };
            Ok(Changed { key: entry.key, sealed: entry.value, head })
        };
        self.shelves.raw(place, Table::Changed)?.into_iter().map(open).collect()
    }

    /// An owner's head, as it stands.
    pub(super) fn head_of(&self, owner: Principal) -> Result<OwnerHead, Fault> {
        let row: Option<HeadRow> = self.shelves.read(self.shelves.keys.place(owner), Table::Head, &[])?;
        Ok(OwnerHead { owner, head: row.ok_or(Fault::Damaged)?.frontier.head() })
    }

    /// Writes what is left of the map, then the epoch and the signed checkpoint; in one batch, if it fits.
    fn put_epoch(
        &self,
        lease: &mut Lease,
        log: &LogRow,
        (map, crown): (&mut Map, &Crown),
        epoch: &LogEpoch,
    ) -> Result<LogRow, Fault> {
        let mut desk = self.put_map((lease, log), (map, crown))?;
        let place = self.log_place();
        let mut frontier = log.frontier.clone();
        frontier.append(epoch.hash());
        self.put_log_hash(&mut desk, epoch)?;
        let number = epoch.number.to_be_bytes();
        desk.put_at(place, Table::LogEpoch, &[&number], &EpochOfLogRow { epoch: *epoch })?;
        let row = LogRow {
            checkpoint: self.sign_checkpoint(&frontier)?,
            frontier,
            depth: map.depth,
            owners: map.owners,
            events: map.events,
            is_between: false,
        };
        self.commit_leased(lease, desk, &row)?;
        Ok(row)
    }

    /// The hash of an epoch's leaf, beside those before it, and what that changes above.
    fn put_log_hash(&self, desk: &mut Desk<'_>, epoch: &LogEpoch) -> Result<(), Fault> {
        let stored = StoredTiles::log(self);
        let grown = tiles::grown(&stored, epoch.number, &[epoch.hash()]).ok_or_else(|| stored.missing())?;
        stored.put_all(desk, &grown)
    }

    /// The newest checkpoint, and that it grew from a log of this size.
    pub(super) fn newest_checkpoint(&self, since: u64) -> Result<Response, Fault> {
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        let growth = self.growth(since, log.frontier.size())?;
        Ok(Response::Checkpoint(self.shown(&log)?, growth))
    }

    /// That a log grew to this size from an earlier one; nothing if it did not, which whoever asked will see.
    pub(super) fn growth(&self, since: u64, size: u64) -> Result<Vec<Digest>, Fault> {
        if since == 0 || since >= size {
            return Ok(Vec::new());
        }
        let stored = StoredTiles::log(self);
        tiles::prove_consistency(&stored, since, size).ok_or_else(|| stored.missing())
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
        let map = self.prove_in_map((log.depth, &key), &bucket)?;
        let stored = StoredTiles::log(self);
        let path = tiles::prove_inclusion(&stored, number, log.frontier.size());
        let path = path.ok_or_else(|| stored.missing())?;
        let proof = StreamProof { head, map, epoch, path };
        if proof.verify((self.id, owner), &log.frontier.head()).is_err() {
            return Err(self.read_apart(&log, Fault::Conflict));
        }
        Ok(Answer::InLog(proof, self.shown(&log)?))
    }

    /// Why rows that were read one after the other do not belong together: another process wrote meanwhile, which `meanwhile` says,
    /// or they are damaged.
    pub(super) fn read_apart(&self, log: &LogRow, meanwhile: Fault) -> Fault {
        match self.log() {
            Ok(now) if now.frontier == log.frontier && !now.is_between => Fault::Damaged,
            Ok(_) => meanwhile,
            Err(fault) => fault,
        }
    }

    /// Takes the word away of those who changed, unless they have changed again.
    fn take_away(&self, changed: &[Changed]) {
        // While one batch is written, the next is made ready.
        let batches: Vec<&[Changed]> = changed.chunks(TAKEN_A_BATCH).collect();
        spread::map(&batches, 1, |some| self.take_away_some(some));
    }

    /// By halves, where some have changed again: those stay for the next epoch.
    fn take_away_some(&self, some: &[Changed]) {
        let taken = self.take_away_together(some);
        if matches!(taken, Err(Fault::Conflict | Fault::Store(StoreError::Conflict))) && some.len() > 1 {
            let (one, other) = some.split_at(some.len() / 2);
            self.take_away_some(one);
            self.take_away_some(other);
        }
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
