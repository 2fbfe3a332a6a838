//! Writing records.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    crypto::Random,
    custodian::Part,
    error::{Error, Misuse, Tampering},
    event::{Event, Moment, Principal, SignedEvent, Step, Verb},
    folder::{Clearance, FolderKind},
    id::{FolderId, OpId, RecordId},
    limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX},
    merkle,
    party::{Doctor, Owner, Patient, RoleType},
    record::{Content, Context, Counts, Kind, Leaf, Sealing, seal},
    session::{
        Case, Record, Session,
        exchange::{From, Hand, Outcome},
        memory::Own,
        pen::Pen,
    },
    spread,
};

/// How often a write is tried again when others write to the same folder.
const ATTEMPTS: usize = 4;

/// How many records are worth a thread: some two hundred microseconds of work.
const RECORDS_WORTH_A_THREAD: usize = 50;

/// A record to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    kind: Kind,
    clearance: Clearance,
    content: Content,
    /// The record and version it amends.
    amends: Option<(RecordId, u32)>,
}

impl Entry {
    /// A value of the caller's.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it does not serialize or is too large.
    pub fn new<T: Serialize + ?Sized>(kind: Kind, value: &T) -> Result<Self, Error> {
        Ok(Self::of_content(kind, Content::from_value(value)?))
    }

    /// Bytes with a media type, kept as they come.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are too large.
    pub fn of_bytes(kind: Kind, media: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        Ok(Self::of_content(kind, Content::from_bytes(media, bytes)?))
    }

    pub(super) const fn of_content(kind: Kind, content: Content) -> Self {
        Self { kind, clearance: Clearance::Normal, content, amends: None }
    }

    /// For readers of this clearance only.
    #[must_use]
    pub fn cleared_for(self, clearance: Clearance) -> Self {
        Self { clearance, ..self }
    }

    pub(super) fn amending(self, record: &Record) -> Self {
        let amends = Some((record.id(), record.version().saturating_add(1)));
        Self { clearance: record.clearance(), kind: record.kind(), amends, ..self }
    }

    fn context(
        &self,
        pen: &Pen,
        (vault, folder): (crate::id::VaultId, FolderId),
        fresh: RecordId,
    ) -> Context {
        let (record, version) = self.amends.unwrap_or((fresh, 1));
        Context {
            vault,
            folder,
            epoch: pen.epoch,
            record,
            version,
            kind: self.kind,
            clearance: self.clearance,
        }
    }
}

/// What one write has become before it is handed in.
struct Drawn {
    parts: Vec<Vec<Part>>,
    list: merkle::Frontier,
}

impl Session<'_, Patient> {
    /// Begins a case, with a title in a line.
    ///
    /// # Errors
    /// [`Error::Denied`] if the patient is not attested, or has as many open cases as the vault allows.
    pub fn open_case(&self, title: &str) -> Result<Case, Error> {
        let case = self.begin_case()?;
        self.write(&case, Kind::Title, title)?;
        Ok(case)
    }

    /// One's own cases, in no particular order.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if the custodian leaves out what was there.
    pub fn own_cases(&self) -> Result<Vec<Case>, Error> {
        self.sync()?;
        let (idle, now) = (self.policy()?.idle(), self.clock.now());
        let state = self.state();
        let cases = state.memory.own.iter().filter(|(_, own)| own.kind == FolderKind::Case);
        Ok(cases
            .map(|(folder, own)| Case {
                is_closed: own.is_closed || is_lapsed(own, idle, now),
                ..Case::own(*folder, own.kind)
            })
            .collect())
    }

    /// Writes a record to a case.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the case is closed; [`Misuse::Conflict`] if others keep writing.
    pub fn write<T: Serialize + ?Sized>(
        &self,
        case: &Case,
        kind: Kind,
        value: &T,
    ) -> Result<RecordId, Error> {
        self.write_one(case, Entry::new(kind, value)?)
    }

    /// Writes a new version of a record; the old one stays.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn amend<T: Serialize + ?Sized>(
        &self,
        case: &Case,
        record: &Record,
        value: &T,
    ) -> Result<RecordId, Error> {
        self.write_one(case, Entry::new(record.kind(), value)?.amending(record))
    }

    /// Writes records together: all of them, under one signature, or none.
    ///
    /// # Errors
    /// As [`Self::write`]; [`Misuse::Empty`] for none; [`Misuse::TooMuch`] above the limit of one event.
    pub fn write_all(&self, case: &Case, entries: Vec<Entry>) -> Result<Vec<RecordId>, Error> {
        self.write_entries(case, entries)
    }

    /// Closes a case: it stays to be read, and nothing is added any more.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if it is closed already.
    pub fn close_case(&self, case: &Case) -> Result<(), Error> {
        let own = self.own_folder(case.folder)?;
        if own.is_closed {
            return Err(Misuse::Closed.into());
        }
        let (hand, actor) = self.hand(&own)?;
        let event = self.event(actor, Verb::Close, self.fresh_op())?;
        let event = event.with(|step| Step { folder: Some(case.folder), ..step });
        self.submit_alone(From::Owner, vec![Part::of(self.sign(&hand, event))])?;
        self.sync()
    }

    pub(super) fn begin_case(&self) -> Result<Case, Error> {
        let nonce = self.random();
        let key = self.keyring.derive_case(self.vault_id()?, nonce);
        let folder = key.folder();
        let verifying = Some(key.signer().verifying_key());
        let opening = crate::event::FolderOpening { kind: FolderKind::Case, verifying, nonce };
        let parts = self.begin(folder, opening, &[])?;
        self.submit_alone(From::Owner, parts.into())?;
        Ok(Case::own(folder, FolderKind::Case))
    }
}

impl Session<'_, Doctor> {
    /// Writes a record to a case, if the grant gives the right; signed by this doctor.
    ///
    /// # Errors
    /// [`Error::Denied`] if the grant gives no such right, or has ended.
    pub fn write<T: Serialize + ?Sized>(
        &self,
        case: &Case,
        kind: Kind,
        value: &T,
    ) -> Result<RecordId, Error> {
        self.write_one(case, Entry::new(kind, value)?)
    }

    /// Writes a new version of a record; the old one stays, with its author.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn amend<T: Serialize + ?Sized>(
        &self,
        case: &Case,
        record: &Record,
        value: &T,
    ) -> Result<RecordId, Error> {
        self.write_one(case, Entry::new(record.kind(), value)?.amending(record))
    }

    /// Writes records together: all of them, under one signature, or none.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_all(&self, case: &Case, entries: Vec<Entry>) -> Result<Vec<RecordId>, Error> {
        self.write_entries(case, entries)
    }
}

impl<R: Owner> Session<'_, R> {
    /// Writes who one is anew, as a further record of one's Identity.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn write_identity<T: Serialize + ?Sized>(&self, identity: &T) -> Result<RecordId, Error> {
        self.write_one(&self.own_identity()?, Entry::new(Kind::Profile, identity)?)
    }

    pub(super) fn own_identity(&self) -> Result<Case, Error> {
        let known = |session: &Self| {
            let state = session.state();
            let mut own = state.memory.own.iter();
            own.find(|(_, own)| own.kind == FolderKind::Identity).map(|(folder, _)| *folder)
        };
        if known(self).is_none() {
            self.sync()?;
        }
        known(self).map(|folder| Case::own(folder, FolderKind::Identity)).ok_or_else(|| Misuse::NotOwn.into())
    }
}

impl<R: RoleType> Session<'_, R> {
    fn write_one(&self, case: &Case, entry: Entry) -> Result<RecordId, Error> {
        self.write_entries(case, vec![entry])?.into_iter().next().ok_or_else(|| Misuse::Empty.into())
    }

    pub(super) fn write_entries(&self, case: &Case, entries: Vec<Entry>) -> Result<Vec<RecordId>, Error> {
        self.write_together(&[(case, entries)]).map(|mut ids| ids.pop().unwrap_or_default())
    }

    /// Writes to several of one's folders, all or nothing.
    pub(super) fn write_together(&self, writes: &[(&Case, Vec<Entry>)]) -> Result<Vec<Vec<RecordId>>, Error> {
        let (idle, now) = (self.policy()?.idle(), self.clock.now());
        for (case, entries) in writes {
            if entries.is_empty() {
                return Err(Misuse::Empty.into());
            }
            let known = || self.state().memory.own.get(&case.folder).cloned();
            if known().is_some_and(|own| own.is_closed) {
                return Err(Misuse::Closed.into());
            }
            if known().is_some_and(|own| is_lapsed(&own, idle, now)) {
                // What others have written since one's stream was read keeps a case alive.
                self.sync()?;
                if known().is_some_and(|own| is_lapsed(&own, idle, now)) {
                    return Err(Misuse::Lapsed.into());
                }
            }
            if entries.len() > BATCH_RECORDS_MAX {
                return Err(Misuse::TooMuch.into());
            }
        }
        let ids: Vec<Vec<RecordId>> = writes
            .iter()
            .map(|(_, entries)| {
                let fresh = || RecordId::from_bytes(self.random());
                entries.iter().map(|entry| entry.amends.map_or_else(fresh, |(id, _)| id)).collect()
            })
            .collect();
        for _ in 0..ATTEMPTS {
            if self.try_write(writes, &ids)? {
                return Ok(ids);
            }
            for (case, _) in writes {
                self.state().pens.remove(&case.folder);
            }
        }
        Err(Misuse::Conflict.into())
    }

    fn try_write(&self, writes: &[(&Case, Vec<Entry>)], ids: &[Vec<RecordId>]) -> Result<bool, Error> {
        let mut last = Vec::new();
        let mut moved = Vec::new();
        let is_owner = writes.iter().all(|(case, _)| case.granted.is_none());
        let from = if is_owner { From::Owner } else { From::Other };
        for ((case, entries), ids) in writes.iter().zip(ids) {
            let pen = self.pen(case)?;
            let Drawn { mut parts, list } = self.draw(case, &pen, entries, ids)?;
            last.extend(parts.pop().unwrap_or_default());
            for ahead in parts {
                if matches!(self.submit(from, ahead)?, Outcome::Conflict) {
                    return Ok(false);
                }
            }
            moved.push((case.folder, pen, list));
        }
        if matches!(self.submit(from, last)?, Outcome::Conflict) {
            return Ok(false);
        }
        let mut state = self.state();
        for (folder, pen, list) in moved {
            state.memory.keep_seen(folder, list.head(), pen.epoch);
            state.pens.insert(folder, Arc::new(pen.moved_to(list)));
        }
        Ok(true)
    }

    /// Seals entries, and draws up the submissions: those that go ahead, then the one that lists all.
    fn draw(&self, case: &Case, pen: &Pen, entries: &[Entry], ids: &[RecordId]) -> Result<Drawn, Error> {
        let (key, salt) = pen.ring.of(pen.epoch).ok_or(Misuse::NotOwn)?;
        let vault = self.vault_id()?;
        let op_id = self.fresh_op();
        let mut random = self.fork_random();
        let (mut ahead, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0usize);
        let mut leaves: Vec<Leaf> = Vec::new();
        if entries.iter().any(|entry| entry.clearance > pen.clearance) {
            return Err(Error::Denied);
        }
        let fresh: Vec<(&Entry, RecordId, [u8; 32])> =
            entries.iter().zip(ids).map(|(entry, id)| (entry, *id, random.bytes())).collect();
        let sealed = spread::map(&fresh, RECORDS_WORTH_A_THREAD, |(entry, id, seed)| {
            let context = entry.context(pen, (vault, case.folder), *id);
            seal((key, salt), context, op_id, &entry.content, &mut Random::seeded(*seed))
        });
        for sealing in sealed {
            let sealing = sealing.map_err(|_unfit| Tampering::Grant)?;
            let size = sealing.chunks.iter().map(|chunk| chunk.len()).sum::<usize>() + sealing.sealed.len();
            if bytes > 0 && bytes + size > BATCH_BYTES_MAX {
                ahead.push(vec![self.stage(case, pen, std::mem::take(&mut waiting))?]);
                bytes = 0;
            }
            bytes += size;
            leaves.push(sealing.leaf);
            waiting.push(sealing);
        }
        let staged: Vec<Leaf> = leaves.iter().take(leaves.len() - waiting.len()).copied().collect();
        let mut list = pen.list.clone();
        for leaf in &leaves {
            list.append(leaf.hash());
        }
        let verb = if entries.iter().any(|entry| entry.amends.is_some()) { Verb::Amend } else { Verb::Write };
        let event = self.write_event(case, pen, verb, op_id)?.with(|step| Step {
            before: Some(pen.list.head()),
            after: Some(list.head()),
            counts: Some(Counts::of(&leaves)),
            ..step
        });
        let part = Part { staged, records: waiting, ..Part::of(self.sign_in_case(case, event)?) };
        ahead.push(vec![part]);
        Ok(Drawn { parts: ahead, list })
    }

    fn stage(&self, case: &Case, pen: &Pen, records: Vec<Sealing>) -> Result<Part, Error> {
        let hashes: Vec<_> = records.iter().map(|sealing| sealing.leaf.hash()).collect();
        let subject = Some(merkle::root(&hashes).root);
        let event = self.write_event(case, pen, Verb::Stage, self.fresh_op())?;
        let event = event.with(|step| Step { subject, ..step });
        Ok(Part { records, ..Part::of(self.sign_in_case(case, event)?) })
    }

    fn write_event(&self, case: &Case, pen: &Pen, verb: Verb, op_id: OpId) -> Result<Event, Error> {
        let actor = self.actor_in(case)?;
        let event = self.event(actor, verb, op_id)?;
        let owner = self.owner_of(case)?;
        let seen = self.state().memory.seen(case.folder).map(|seen| seen.head);
        let event =
            event.with(|step| Step { owner, folder: Some(case.folder), epoch: Some(pen.epoch), ..step });
        Ok(event.when(|moment| Moment { seen, ..moment }))
    }

    /// As whom this party acts in a case.
    pub(super) fn actor_in(&self, case: &Case) -> Result<Principal, Error> {
        if case.granted.is_some() || case.kind != FolderKind::Case {
            return Ok(Principal::Party(self.id()));
        }
        Ok(Principal::Folder(case.folder))
    }

    /// Whose data a case is, as far as its readers may know.
    pub(super) fn owner_of(&self, case: &Case) -> Result<Principal, Error> {
        let granted = case.granted.as_ref();
        match (case.kind, granted.and_then(|granted| granted.owner)) {
            (FolderKind::Case, _) => Ok(Principal::Folder(case.folder)),
            (_, Some(owner)) => Ok(Principal::Party(owner)),
            (_, None) => Ok(Principal::Party(self.id())),
        }
    }

    pub(super) fn sign_in_case(&self, case: &Case, event: Event) -> Result<SignedEvent, Error> {
        if case.granted.is_some() {
            return Ok(self.sign(&Hand::Own, event));
        }
        let (hand, _) = self.hand(&self.own_folder(case.folder)?)?;
        Ok(self.sign(&hand, event))
    }
}

/// Whether a case is closed by itself, for nothing was done in it.
fn is_lapsed(own: &Own, idle: std::time::Duration, now: crate::time::Timestamp) -> bool {
    own.kind == FolderKind::Case && own.touched.is_some_and(|touched| touched.plus(idle) <= now)
}
