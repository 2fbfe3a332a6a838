//! Charts: an opened folder, verified.

use std::{collections::BTreeMap, sync::Arc};

use minicbor::bytes::ByteVec;
use serde::de::DeserializeOwned;

use crate::{
    consent::Terms,
    credential::Vouched,
    custodian::{Answer, Question},
    error::{Error, Misuse, Tampering},
    folder::{Clearance, FolderKind},
    id::{Digest, FolderId, PartyId, RecordId},
    party::{Card, Doctor, Role, RoleType},
    record::{Content, Kind, Leaf, SealedRecord, open},
    session::{
        Case, Session,
        open::Beside,
        pen::{Pen, Ring},
        verify::{Listed, Verified, is_doctor, ties},
    },
    spread,
    time::Timestamp,
};

/// How many records are worth a thread: some two hundred microseconds of work.
const RECORDS_WORTH_A_THREAD: usize = 50;

/// Who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Author {
    /// Whose folder it is.
    Owner,
    /// Someone by right of a grant.
    Party(PartyId, Role),
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner => f.write_str("the owner"),
            Self::Party(party, role) => write!(f, "{role} {party}"),
        }
    }
}

/// An opened folder: its list verified whole, its records ready to be read.
///
/// # Security
/// Holds the folder's keys until dropped. What it shows was verified when it was opened; later writes and revocations
/// do not change it.
#[derive(Debug)]
pub struct Chart<'s, 'c, R> {
    session: &'s Session<'c, R>,
    case: Case,
    ring: Arc<Ring>,
    entries: Vec<Listed>,
    hidden: u64,
    terms: Terms,
    beside: BesideChart,
    /// The newest version of each record, as its index in the entries.
    newest: BTreeMap<RecordId, usize>,
}

/// Who the owner is, as far as it came with the chart.
#[derive(Debug)]
struct BesideChart {
    owner: Option<Card>,
    vouched: Option<Vouched>,
    /// The event that began the folder.
    begun: Option<Digest>,
}

/// A record of a chart, in its newest version, with its content.
#[derive(Debug, Clone)]
pub struct Record {
    id: RecordId,
    version: u32,
    kind: Kind,
    clearance: Clearance,
    author: Author,
    at: Option<Timestamp>,
    content: Content,
}

impl Record {
    /// The record's id; its versions share it.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// Its version, from one.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How private it is.
    #[must_use]
    pub const fn clearance(&self) -> Clearance {
        self.clearance
    }

    /// Who wrote this version.
    #[must_use]
    pub const fn author(&self) -> Author {
        self.author
    }

    /// When, by the author's clock; of another's Identity that is not told.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// What it says.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// What it says, as the value it was made from.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is another type's.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(self.content.to_value()?)
    }
}

/// A record that does not open, or is not what its author signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u32,
    /// Who wrote it: whom to ask.
    pub author: Author,
}

/// Who someone is: what an Identity folder says.
#[derive(Debug, Clone)]
pub struct Identity {
    party: PartyId,
    card: Card,
    vouched: Option<Vouched>,
    records: Vec<Record>,
}

impl Identity {
    /// The party.
    #[must_use]
    pub const fn party(&self) -> PartyId {
        self.party
    }

    /// The party's card.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// What the registrars vouch for now, if they do.
    #[must_use]
    pub const fn vouched(&self) -> Option<&Vouched> {
        self.vouched.as_ref()
    }

    /// The newest profile, as the value it was made from.
    ///
    /// # Errors
    /// [`Misuse::NoRecord`] if none was written; [`Error::Malformed`] if it is another type's.
    pub fn profile<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let profile = self.records.iter().rev().find(|record| record.kind == Kind::Profile);
        profile.ok_or(Misuse::NoRecord)?.value()
    }

    /// All its records, large ones left out.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

impl<'s, 'c, R: RoleType> Chart<'s, 'c, R> {
    pub(super) fn new(session: &'s Session<'c, R>, case: Case, verified: Verified, beside: Beside) -> Self {
        let Verified { ring, epoch, clearance, list, entries, hidden, statement, begun } = verified;
        let ring = Arc::new(ring);
        let pen = Pen { ring: Arc::clone(&ring), epoch, list, clearance };
        session.state().pens.insert(case.folder, Arc::new(pen));
        let now = session.clock.now();
        let trust = session.state().memory.trust.clone();
        let vouched = beside
            .owner
            .as_ref()
            .zip(trust)
            .and_then(|(owner, trust)| trust.vouched(&owner.card, &owner.attestations, now));
        let owner = beside.owner.map(|owner| owner.card);
        let (terms, beside) = (statement.terms, BesideChart { owner, vouched, begun });
        let newest = newest(&entries);
        Self { session, case, ring, entries, hidden, terms, beside, newest }
    }

    /// The folder.
    #[must_use]
    pub const fn id(&self) -> FolderId {
        self.case.folder
    }

    /// Under which terms it was opened.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How many versions of records there are above the reader's clearance.
    #[must_use]
    pub const fn hidden(&self) -> u64 {
        self.hidden
    }

    /// How many versions of records the reader may open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The records in their newest versions, opened; those of original documents, which are large, left out.
    ///
    /// # Errors
    /// [`Tampering::Record`] if one does not open in its place; [`Self::readable`] has the rest.
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        self.of(|kind| kind != Kind::Original)
    }

    /// The records of one kind, in their newest versions.
    ///
    /// # Errors
    /// As [`Self::records`].
    pub fn records_of(&self, kind: Kind) -> Result<Vec<Record>, Error> {
        self.of(|own| own == kind)
    }

    /// One record, in its newest version.
    ///
    /// # Errors
    /// As [`Self::records`]; [`Misuse::NoRecord`] if there is no such record here.
    pub fn record(&self, record: RecordId) -> Result<Record, Error> {
        let index = *self.newest.get(&record).ok_or(Misuse::NoRecord)?;
        self.read_all(&[index])?.into_iter().next().ok_or_else(|| Misuse::NoRecord.into())
    }

    /// All versions of a record, the first first.
    ///
    /// # Errors
    /// As [`Self::records`]; [`Misuse::NoRecord`] if there is no such record here.
    pub fn versions(&self, record: RecordId) -> Result<Vec<Record>, Error> {
        let versions = self.entries.iter().enumerate().filter(|(_, entry)| entry.leaf.record == record);
        let versions: Vec<usize> = versions.map(|(index, _)| index).collect();
        if versions.is_empty() { Err(Misuse::NoRecord.into()) } else { self.read_all(&versions) }
    }

    /// The records that open, and those that do not: what a writer spoilt does not hide what others wrote.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Denied`] if the rest of a large chart cannot be had.
    pub fn readable(&self) -> Result<(Vec<Record>, Vec<Unreadable>), Error> {
        let (mut records, mut spoilt) = (Vec::new(), Vec::new());
        for index in self.indices(|kind| kind != Kind::Original) {
            match (self.read_all(&[index]), self.entries.get(index)) {
                (Ok(read), _) => records.extend(read),
                (Err(Error::Tampered(Tampering::Record)), Some(entry)) => {
                    let Listed { leaf, author, .. } = entry;
                    spoilt.push(Unreadable { record: leaf.record, version: leaf.version, author: *author });
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok((records, spoilt))
    }

    fn of(&self, wanted: impl Fn(Kind) -> bool) -> Result<Vec<Record>, Error> {
        self.read_all(&self.indices(wanted))
    }

    /// The newest versions of records of these kinds, in the order of the list.
    fn indices(&self, wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
        let is_wanted = |index: &usize| self.entries.get(*index).is_some_and(|entry| wanted(entry.leaf.kind));
        let mut indices: Vec<usize> = self.newest.values().copied().filter(is_wanted).collect();
        indices.sort_unstable();
        indices
    }

    /// Opens records, those that did not come with the chart included.
    fn read_all(&self, indices: &[usize]) -> Result<Vec<Record>, Error> {
        let entries: Vec<&Listed> = indices.iter().filter_map(|index| self.entries.get(*index)).collect();
        let mut fetched = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.sealed.is_none()) {
            if !fetched.contains_key(&entry.position) {
                fetched.extend(self.fetch(entry.position)?);
            }
        }
        let opened = spread::map(&entries, RECORDS_WORTH_A_THREAD, |entry| self.read(entry, &fetched));
        opened.into_iter().collect()
    }

    fn read(&self, entry: &Listed, fetched: &BTreeMap<u64, ByteVec>) -> Result<Record, Error> {
        let Listed { leaf, position, author, at, sealed } = entry;
        let sealed = sealed.as_ref().or_else(|| fetched.get(position)).ok_or(Tampering::List)?;
        let chunks = self.chunks(sealed, *position)?;
        let (key, salt) = self.ring.of(leaf.epoch).ok_or(Tampering::Record)?;
        let content = open(key, salt, leaf, sealed, &chunks).or(Err(Tampering::Record))?;
        Ok(Record {
            id: leaf.record,
            version: leaf.version,
            kind: leaf.kind,
            clearance: leaf.clearance,
            author: *author,
            at: *at,
            content,
        })
    }

    /// The sealed records from a position of the list on, as many as one answer holds.
    fn fetch(&self, from: u64) -> Result<BTreeMap<u64, ByteVec>, Error> {
        let Answer::Records(sealed) = self.session.ask(Question::Records(self.case.folder, from))? else {
            return Err(Tampering::Answer.into());
        };
        let positions =
            self.entries.iter().map(|entry| entry.position).skip_while(|position| *position < from);
        let found: BTreeMap<u64, ByteVec> = positions.zip(sealed).collect();
        if found.contains_key(&from) { Ok(found) } else { Err(Tampering::List.into()) }
    }

    fn chunks(&self, sealed: &[u8], position: u64) -> Result<Vec<ByteVec>, Error> {
        if SealedRecord::from_bytes(sealed).or(Err(Tampering::Record))?.chunk_count() == 0 {
            return Ok(Vec::new());
        }
        let Answer::Chunks(chunks) = self.session.ask(Question::Chunks(self.case.folder, position))? else {
            return Err(Tampering::Answer.into());
        };
        Ok(chunks)
    }

    /// What this folder says of its owner, if it is an Identity.
    ///
    /// # Errors
    /// [`Misuse::NoIdentity`] if it is not.
    pub fn as_identity(&self) -> Result<Identity, Error> {
        let card = self.beside.owner.as_ref().filter(|_| self.case.kind == FolderKind::Identity);
        let card = card.ok_or(Misuse::NoIdentity)?.clone();
        let vouched = self.beside.vouched.clone();
        Ok(Identity { party: card.party(), card, vouched, records: self.records()? })
    }
}

/// The newest version of each record, as its index.
///
/// Versions follow on one another, and stay the same kind of thing and as private; what does not is a version of nothing.
fn newest(entries: &[Listed]) -> BTreeMap<RecordId, usize> {
    let mut newest: BTreeMap<RecordId, (usize, &Leaf)> = BTreeMap::new();
    for (index, Listed { leaf, .. }) in entries.iter().enumerate() {
        let follows = match newest.get(&leaf.record) {
            None => leaf.version == 1,
            Some((_, last)) => {
                last.version.checked_add(1) == Some(leaf.version)
                    && (last.kind, last.clearance) == (leaf.kind, leaf.clearance)
            }
        };
        if follows {
            newest.insert(leaf.record, (index, leaf));
        }
    }
    newest.into_iter().map(|(record, (index, _))| (record, index)).collect()
}

impl Chart<'_, '_, Doctor> {
    /// Who the patient is: for the assigned doctor only. It is an opening of its own, and leaves its own event.
    ///
    /// # Errors
    /// [`Misuse::NoIdentity`] after an opinion grant; [`Error::Denied`] if the assignment holds no more;
    /// [`Tampering::Chart`] if the identity is not that of this case's owner.
    pub fn identity(&self) -> Result<Identity, Error> {
        let granted = self.case.identity.ok_or(Misuse::NoIdentity)?;
        let identity = Case {
            folder: granted.statement.folder,
            kind: granted.kind,
            granted: Some(granted),
            identity: None,
            is_closed: false,
        };
        if self.case.kind != FolderKind::Case {
            return Err(Misuse::NoIdentity.into());
        }
        let (verified, beside) = self.session.open_verified(&identity)?;
        let card = &beside.owner.as_ref().ok_or(Tampering::Chart)?.card;
        let tie = beside.tie.as_ref().ok_or(Tampering::Chart)?;
        let place = (self.session.vault_id()?, self.case.folder);
        let is_its = verified.statement.because == Some(self.case.folder)
            && ties(tie, card, place, self.beside.begun)
            && is_doctor(&self.session.card);
        if !is_its {
            return Err(Tampering::Chart.into());
        }
        let who = Chart::new(self.session, identity, verified, beside).as_identity()?;
        if let Err(error) = self.session.reveal_by_choice(&self.case, &who) {
            // The patient is shown all the same; what was not told is tried again at the next look.
            tracing::warn!(code = error.code(), "the patient was not told who her doctor is");
        }
        Ok(who)
    }
}
