//! The public area, as it crosses: what is shared, pooled, released, and asked by whoever likes.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, coded},
    event::SignedEvent,
    id::{BatchId, Digest, FolderId, Handle, PersonToken, PublicId},
    letter::Letter,
    merkle::Head,
    public::{BatchFacts, Code, Icd3, PublicRow, ReleaseNote},
    time::Timestamp,
};

/// An abstract with its consent, sealed for the curator; and the same for its owner to see later.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SharedAbstract {
    /// For the curator: of one length, whatever it says.
    #[n(0)]
    pub sealed: Letter,
    /// For the owner, likewise.
    #[n(1)]
    pub own: ByteVec,
    /// The digest of the public policy it was made under.
    #[n(2)]
    pub policy: Digest,
    /// The digest of the curator's card it was sealed for.
    #[n(3)]
    pub curator: Digest,
}

coded! {
    /// How far something shared has come.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum SharedState {
        /// It waits for the curator.
        Waiting = 1, "waiting";
        /// The curator has had it.
        Taken = 2, "with the curator";
        /// It was taken back after that.
        Gone = 3, "taken back";
    }
}

/// What an owner shared of a case.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SharedCase {
    /// The case.
    #[n(0)]
    pub case: FolderId,
    /// When it was received.
    #[n(1)]
    pub received: Timestamp,
    /// The digest that the owner's event names.
    #[n(2)]
    pub sealed: Digest,
    /// For the owner; nothing of what was taken back.
    #[n(3)]
    pub own: Option<ByteVec>,
    /// How far it has come.
    #[n(4)]
    pub state: SharedState,
}

/// A place in the pool: a day and, within it, a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct PoolPlace(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 24]);

/// How far a curator has read the pool; the default is from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PoolCursor {
    /// The place of the last arrival that was read.
    #[n(0)]
    pub arrived: Option<PoolPlace>,
    /// How many departures were read.
    #[n(1)]
    pub departed: u64,
}

/// An entry of the pool, as the curator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pooled {
    /// What names it.
    #[n(0)]
    pub handle: Handle,
    /// Who is the same person.
    #[n(1)]
    pub token: PersonToken,
    /// The abstract with its consent.
    #[n(2)]
    pub sealed: Letter,
    /// The digest of the public policy it was made under.
    #[n(3)]
    pub policy: Digest,
}

/// A page of the pool: days that are over, in their order, and in each the entries in no order but their handles'.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PoolPage {
    /// What arrived.
    #[n(0)]
    pub entries: Vec<Pooled>,
    /// What was taken back after the curator had it.
    #[n(1)]
    pub departed: Vec<Handle>,
    /// Where to go on.
    #[n(2)]
    pub next: PoolCursor,
    /// Whether that is all for now.
    #[n(3)]
    pub is_last: bool,
}

/// What one release brings, in one batch or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Publication {
    /// What becomes public.
    #[n(0)]
    pub rows: Vec<PublicRow>,
    /// Of each new batch what is known.
    #[n(1)]
    pub batches: Vec<BatchFacts>,
    /// Batches that are shown no more.
    #[n(2)]
    pub hidden: Vec<BatchId>,
    /// What the curator must know again, sealed for itself.
    #[n(3)]
    pub journal: ByteVec,
    /// How many departures the curator has read: none that is newer is passed over.
    #[n(4)]
    pub departed: u64,
}

impl Publication {
    /// How many bytes it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        codec::encode(self).len()
    }

    /// What names it.
    #[must_use]
    pub fn note(&self) -> ReleaseNote {
        let mut rows: BTreeMap<BatchId, Vec<&PublicRow>> = BTreeMap::new();
        for row in &self.rows {
            rows.entry(row.batch).or_default().push(row);
        }
        let of =
            |facts: &BatchFacts| ReleaseNote::rows_digest(rows.get(&facts.id).into_iter().flatten().copied());
        ReleaseNote::of(
            self.batches.iter().map(|facts| (facts, of(facts))),
            self.hidden.iter().copied(),
            ReleaseNote::journal_digest(&self.journal),
        )
    }
}

/// A release of before, for the curator.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PastRelease {
    /// The curator's event.
    #[n(0)]
    pub event: SignedEvent,
    /// What it names.
    #[n(1)]
    pub note: ReleaseNote,
    /// The sealed journal.
    #[n(2)]
    pub journal: ByteVec,
}

/// What anyone may ask about the public area.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum PublicQuestion {
    /// The batches that are shown.
    #[n(0)]
    Batches(#[n(0)] Option<PublicPlace>),
    /// The rows that are shown and fit.
    #[n(1)]
    Rows(#[n(0)] PublicQuery, #[n(1)] Option<PublicPlace>),
}

/// What is looked for among the public rows; what is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicQuery {
    /// One of the policy's grids.
    #[n(0)]
    pub grid: Option<u8>,
    /// For quasi-identifiers, by their numbers in the policy's order, their value: the year, say.
    #[cbor(n(1), default, skip_if = "BTreeMap::is_empty")]
    pub bins: BTreeMap<u8, u16>,
    /// The first and the last category of what is looked for: a block, or one category twice.
    #[n(2)]
    pub diagnosis: Option<(Icd3, Icd3)>,
}

impl PublicQuery {
    /// Whether a row is looked for. One whose diagnosis is coarser than what is asked is not: it may be another.
    #[must_use]
    pub fn fits(&self, row: &PublicRow) -> bool {
        let Self { grid, bins, diagnosis } = self;
        let is_within = |(first, last): &(Icd3, Icd3)| match &row.said.diagnosis {
            Code::Category(category) => (first..=last).contains(&category),
            Code::Block(begins, ends) => first <= begins && ends <= last,
            Code::Chapter(_) => false,
        };
        grid.is_none_or(|grid| row.class.grid == grid)
            && bins.iter().all(|(number, bin)| row.class.bins.get(usize::from(*number)) == Some(bin))
            && diagnosis.as_ref().is_none_or(is_within)
    }
}

/// Where a reader of the public area stands, and in which state of it: after another release there is no going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicPlace {
    /// The head of the releases.
    #[n(0)]
    pub ledger: Head,
    /// The last batch that was read.
    #[n(1)]
    pub batch: BatchId,
    /// And the last row in it.
    #[n(2)]
    pub row: Option<PublicId>,
}

/// A page of what is public, in the order of the public ids.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicPage<T> {
    /// The head of the releases: what all pages of one reading are of.
    #[n(0)]
    pub ledger: Head,
    /// What is public.
    #[n(1)]
    pub found: Vec<T>,
    /// Where to go on, if there may be more.
    #[n(2)]
    pub next: Option<PublicPlace>,
}

/// What is answered about the public area.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum PublicAnswer {
    /// Batches.
    #[n(0)]
    Batches(#[n(0)] PublicPage<BatchFacts>),
    /// Rows.
    #[n(1)]
    Rows(#[n(0)] PublicPage<PublicRow>),
}
