//! Snapshots: all streams' heads as one checkpoint has them, while later ones are made; and the fetches that go by them.
//!
//! Streams, the log, cards and charters only grow: what a checkpoint has of them stays where it is. The buckets of the heads
//! map are overwritten by the next epoch, so for as long as someone goes by them the checkpointer puts those aside that it
//! replaces. Whoever fetches need not hurry, and holds nobody up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    access::{Act, Permit},
    custodian::{Answer, ExportFile, ExportPlace},
    event::Principal,
    id::{Digest, PartyId},
    limits::FETCHES_MAX,
    log::OwnerHead,
    merkle::{self, Head},
    time::Timestamp,
    vault::{
        Vault,
        ask::Asker,
        fault::Fault,
        rows::{BucketRow, CharterRow},
        submit::{Claim, Work},
        tables::Table,
    },
};

/// A fetch of which nothing was asked for so long is over.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// All streams, as one checkpoint has them.
pub(super) struct Snapshot {
    pub(super) log: Head,
    /// The checkpoint, a signed note.
    pub(super) note: String,
    pub(super) depth: u8,
    /// How many streams, and how many events in them.
    pub(super) streams: u64,
    pub(super) events: u64,
    /// How many policies followed on the first.
    pub(super) charters: usize,
    /// How many releases of the public area.
    pub(super) releases: u64,
    /// The hash of each bucket in the heads map: 4 MiB among a million owners.
    pub(super) hashes: Vec<Digest>,
    /// The buckets that were replaced since.
    kept: Mutex<BTreeMap<u32, BucketRow>>,
}

/// An export that an auditor fetches.
struct Fetch {
    auditor: PartyId,
    snapshot: Arc<Snapshot>,
    /// Whether the event is in the vault's stream that says so.
    is_on_record: bool,
    used: Timestamp,
}

/// The exports under way: one an auditor, and so many in all. Where there is no room, the one that was idle longest ends.
#[derive(Default)]
pub(super) struct Fetches(Mutex<Vec<Fetch>>);

impl Fetches {
    fn lock(&self) -> MutexGuard<'_, Vec<Fetch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an auditor's fetch. The one before ends, unless it is of the same checkpoint: then it goes on.
    fn begin(&self, auditor: PartyId, snapshot: Snapshot, now: Timestamp) {
        let mut fetches = self.lock();
        let same = fetches.iter().find(|fetch| fetch.snapshot.log == snapshot.log);
        let snapshot = same.map_or_else(|| Arc::new(snapshot), |fetch| Arc::clone(&fetch.snapshot));
        fetches.retain(|fetch| fetch.auditor != auditor || fetch.snapshot.log == snapshot.log);
        if let Some(fetch) = fetches.iter_mut().find(|fetch| fetch.auditor == auditor) {
            fetch.used = now;
            return;
        }
        while fetches.len() >= FETCHES_MAX {
            let idlest = fetches.iter().enumerate().min_by_key(|(_, fetch)| fetch.used);
            let Some((idlest, _)) = idlest else { break };
            fetches.remove(idlest);
        }
        fetches.push(Fetch { auditor, snapshot, is_on_record: false, used: now });
    }

    fn is_begun(&self, auditor: PartyId, log: Digest) -> bool {
        self.lock().iter().any(|fetch| fetch.is(auditor, log))
    }

    /// That an auditor takes this export stands in the vault's stream.
    pub(super) fn put_on_record(&self, auditor: PartyId, log: Digest) {
        if let Some(fetch) = self.lock().iter_mut().find(|fetch| fetch.is(auditor, log)) {
            fetch.is_on_record = true;
        }
    }

    fn on_record(&self, auditor: PartyId, log: Digest, now: Timestamp) -> Option<Arc<Snapshot>> {
        let mut fetches = self.lock();
        let fetch = fetches.iter_mut().find(|fetch| fetch.is(auditor, log) && fetch.is_on_record)?;
        fetch.used = now;
        Some(Arc::clone(&fetch.snapshot))
    }

    /// What is still gone by.
    fn in_use(&self, now: Timestamp) -> Vec<Arc<Snapshot>> {
        let mut fetches = self.lock();
        fetches.retain(|fetch| now < fetch.used.plus(IDLE));
        fetches.iter().map(|fetch| Arc::clone(&fetch.snapshot)).collect()
    }
}

impl Fetch {
    fn is(&self, auditor: PartyId, log: Digest) -> bool {
        self.auditor == auditor && self.snapshot.log.root == log
    }
}

impl Snapshot {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<u32, BucketRow>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many buckets there are.
    pub(super) fn buckets(&self) -> Result<u32, Fault> {
        1u32.checked_shl(u32::from(self.depth)).ok_or(Fault::Damaged)
    }
}

impl Vault {
    /// All streams as the newest checkpoint has them, for who holds the log still.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Fault> {
        let log = self.log()?;
        if log.is_between {
            // Another process works on the map.
            return Err(Fault::Leased);
        }
        let hashes = self.bucket_hashes(log.depth)?;
        let epoch = log.frontier.size().checked_sub(1).map(|number| self.log_epoch(number)).transpose()?;
        if epoch.flatten().is_some_and(|epoch| merkle::root(&hashes).root != epoch.map) {
            return Err(self.read_apart(&log, Fault::Leased));
        }
        // After the checkpoint: of a policy that it has, the charter is there.
        let charters = self.shelves.scan::<CharterRow>(self.log_place(), Table::Charter, &[])?.len();
        let snapshot = Snapshot {
            log: log.frontier.head(),
            note: self.shown(&log)?,
            depth: log.depth,
            streams: log.owners,
            events: log.events,
            charters,
            releases: 0,
            hashes,
            kept: Mutex::default(),
        };
        Ok(Snapshot { releases: self.releases_in(&snapshot)?, ..snapshot })
    }

    /// The streams' heads in a bucket, as a snapshot has them. [`Fault::Conflict`] if they are no more what they were: another
    /// process made a checkpoint.
    pub(super) fn heads(&self, snapshot: &Snapshot, number: u32) -> Result<Vec<OwnerHead>, Fault> {
        let bucket = {
            let kept = snapshot.kept();
            // Read while nothing is put aside: what is not, is not yet replaced.
            match kept.get(&number) {
                Some(bucket) => bucket.clone(),
                None => self.bucket(snapshot.depth, number)?,
            }
        };
        let number = usize::try_from(number).map_err(|_wide| Fault::Malformed)?;
        let is_same = snapshot.hashes.get(number) == Some(&self.hash_of(&bucket));
        if is_same { Ok(bucket.heads) } else { Err(Fault::Conflict) }
    }

    /// Puts aside, for who goes by an earlier checkpoint, the buckets that are to be replaced.
    pub(super) fn keep_replaced(&self, depth: u8, numbers: &[u32]) -> Result<(), Fault> {
        // A map with more buckets lies beside the one with fewer, and replaces nothing of it.
        let in_use = self.fetches.in_use(self.clock.now());
        for snapshot in in_use.into_iter().filter(|snapshot| snapshot.depth == depth) {
            let mut kept = snapshot.kept();
            for number in numbers {
                if !kept.contains_key(number) {
                    kept.insert(*number, self.bucket(depth, *number)?);
                }
            }
        }
        Ok(())
    }

    /// Begins an auditor's fetch: a checkpoint not older than those made when due, and that it grew from a log of this size.
    pub(super) fn begin_export(&self, asker: &Asker, since: u64) -> Result<Answer, Fault> {
        self.may_export(asker)?;
        if self.is_read_only() {
            return Err(Fault::ReadOnly);
        }
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.make_checkpoint_if_due() {
            // While another process makes one, the last will do.
            Ok(()) | Err(Fault::Leased) => (),
            Err(fault) => return Err(fault),
        }
        let snapshot = self.snapshot()?;
        let growth = self.growth(since, snapshot.log.size)?;
        let note = snapshot.note.clone();
        self.fetches.begin(asker.card.party(), snapshot, self.clock.now());
        Ok(Answer::Checkpoint(note, growth))
    }

    /// A page of an export that was begun, and is on record.
    pub(super) fn part_of_export(
        &self,
        (asker, log): (&Asker, Digest),
        file: ExportFile,
        from: ExportPlace,
    ) -> Result<Answer, Fault> {
        self.may_export(asker)?;
        let auditor = asker.card.party();
        let snapshot = self.fetches.on_record(auditor, log, self.clock.now()).ok_or(Fault::Conflict)?;
        let (page, next) = self.export_page(&snapshot, file, from)?;
        Ok(Answer::Export(page.into(), next))
    }
}

impl Work<'_> {
    /// An auditor takes an export: by the checkpoint that was shown, before any page of it is given.
    pub(super) fn export(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let stance = self.stance(claim, None)?;
        let permit = self.decide(claim, Act::Audit, (&stance, None))?;
        let is_alone = claim.before.is_empty() && claim.after.is_empty();
        let (Principal::Party(auditor), Some(log), None, true) =
            (claim.event.actor, claim.event.subject, claim.event.folder, is_alone)
        else {
            return Err(Fault::Malformed);
        };
        if !self.vault.fetches.is_begun(auditor, log) {
            return Err(Fault::Conflict);
        }
        self.exports = Some((auditor, log));
        Ok(permit)
    }
}
