//! The rows: what stands in the custodian's tables, each with the magic it begins with.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    access::Charter,
    codec::{Magic, Wire, wire},
    consent::{Grant, GrantStatement},
    credential::{
        AttestationStatement, Attestations, CreditLedger, ListingStatement, RegistryStatement,
        RulingStatement,
    },
    crypto::{Signed, VerifyingKey},
    custodian::{Errand, QueuePlace},
    event::Principal,
    folder::{BackLinks, Commitments, Epoch, FolderKind},
    id::{Digest, FolderId, Handle, PartyId, PersonToken},
    letter::Letter,
    limits::VALUE_BYTES_MAX,
    log::{LogEpoch, OwnerHead},
    merkle::{Frontier, Head},
    party::Card,
    public::{BatchFacts, PublicRow, ReleaseNote},
    record::Leaf,
    time::Timestamp,
};

/// A value the custodian keeps, with the magic it begins with.
pub(super) trait Row: Wire {
    const MAGIC: Magic;
}

macro_rules! rows {
    ($($type:ty: $magic:literal, $name:literal;)+) => {$(
        wire! { $type: $name, VALUE_BYTES_MAX; }

        impl Row for $type {
            const MAGIC: Magic = Magic(*$magic, 1);
        }
    )+};
}

/// An owner's stream and counts.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct HeadRow {
    #[n(0)]
    pub(super) frontier: Frontier,
    #[n(1)]
    pub(super) identity: Option<FolderId>,
    #[n(2)]
    pub(super) open_cases: u32,
    /// When the newest event was received: the next is received no earlier, whatever the clock says.
    #[n(3)]
    pub(super) received: Timestamp,
    /// What was done on the day of the newest event that is counted by the day.
    #[n(4)]
    pub(super) today: Option<Today>,
    #[n(5)]
    pub(super) credentials: Option<FolderId>,
}

/// What is counted by the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Today {
    /// Which day, from 1970.
    #[n(0)]
    pub(super) day: u64,
    #[n(1)]
    pub(super) cases: u32,
    /// Reports and appeals.
    #[n(2)]
    pub(super) reports: u32,
}

impl HeadRow {
    /// What was done today so far.
    pub(super) fn today(&self, now: Timestamp) -> Today {
        let day = now.as_ms() / (24 * 60 * 60 * 1000);
        self.today.filter(|today| today.day == day).unwrap_or(Today { day, ..Today::default() })
    }
}

impl Default for HeadRow {
    fn default() -> Self {
        let frontier = Frontier::new();
        Self {
            frontier,
            identity: None,
            open_cases: 0,
            received: Timestamp::at_ms(0),
            today: None,
            credentials: None,
        }
    }
}

/// A party.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct PartyRow {
    #[n(0)]
    pub(super) card: Card,
    #[n(1)]
    pub(super) attestations: Attestations,
    /// The digest of its token as a sender; none of registrars, who own nothing.
    #[n(2)]
    pub(super) sender: Option<Digest>,
    /// What counts against it.
    #[n(3)]
    pub(super) ledger: Option<CreditLedger>,
    /// The card its person had before, what counts against which counts against this one.
    #[n(4)]
    pub(super) succeeds: Option<PartyId>,
    /// Where it waits to be vetted.
    #[n(5)]
    pub(super) waits: Option<QueuePlace>,
    /// A doctor: whether new cases are taken.
    #[n(6)]
    pub(super) is_accepting: Option<bool>,
    /// A doctor with a listing: its number in the directory.
    #[n(7)]
    pub(super) ordinal: Option<u32>,
    /// When a registrar last refused to attest: what was shown for that is shown no more.
    #[n(8)]
    pub(super) refused: Option<Timestamp>,
}

impl PartyRow {
    /// A party of whom nothing is known but its card.
    pub(super) const fn new(card: Card, sender: Option<Digest>) -> Self {
        Self {
            card,
            attestations: Attestations(Vec::new()),
            sender,
            ledger: None,
            succeeds: None,
            waits: None,
            is_accepting: None,
            ordinal: None,
            refused: None,
        }
    }
}

/// A folder.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct FolderRow {
    #[n(0)]
    pub(super) folder: FolderId,
    #[n(1)]
    pub(super) kind: FolderKind,
    #[n(2)]
    pub(super) verifying: Option<VerifyingKey>,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) nonce: [u8; 16],
    /// The present epoch; none before the first key.
    #[n(4)]
    pub(super) epoch: Epoch,
    #[n(5)]
    pub(super) commitments: Option<Commitments>,
    #[n(6)]
    pub(super) list: Frontier,
    #[n(7)]
    pub(super) is_closed: bool,
    /// The event that began it.
    #[n(8)]
    pub(super) opened: u64,
    /// When something was last written or granted; before this was kept, nobody knows.
    #[n(9)]
    pub(super) touched: Option<Timestamp>,
}

/// A letter to the registrars.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct LetterRow {
    #[n(0)]
    pub(super) letter: Letter,
    /// The event that brought it.
    #[n(1)]
    pub(super) event: u64,
    /// Where it waits, until it is answered.
    #[n(2)]
    pub(super) waits: Option<(Errand, QueuePlace)>,
}

/// A letter of a doctor to a patient.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct RevealRow {
    #[n(0)]
    pub(super) letter: Letter,
    #[n(1)]
    pub(super) event: u64,
    /// The patient.
    #[n(2)]
    pub(super) patient: PartyId,
}

/// Something that waits for the registrars.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct QueueRow {
    #[n(0)]
    pub(super) party: PartyId,
    #[n(1)]
    pub(super) letter: Option<Digest>,
    #[n(2)]
    pub(super) received: Timestamp,
}

/// Who has a person's live card.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct PersonRow {
    #[n(0)]
    pub(super) party: PartyId,
}

/// A ruling.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct RulingRow {
    #[n(0)]
    pub(super) signed: Signed<RulingStatement>,
}

/// An entry of the directory: all that a page shows, and until when it may be shown.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct ListingRow {
    #[n(0)]
    pub(super) ordinal: u32,
    #[n(1)]
    pub(super) party: PartyId,
    /// The card's bytes: who reads the page verifies it.
    #[n(2)]
    pub(super) card: ByteVec,
    #[n(3)]
    pub(super) attestations: Attestations,
    #[n(4)]
    pub(super) listing: Signed<ListingStatement>,
    /// Until when the registrars vouch for the card; nothing if they do not.
    #[n(5)]
    pub(super) vouched: Option<(Timestamp, Timestamp)>,
    /// By which policy that was found.
    #[n(6)]
    pub(super) version: u32,
    #[n(7)]
    pub(super) ledger: CreditLedger,
    /// What it is found by.
    #[n(8)]
    pub(super) terms: BTreeSet<String>,
}

/// Whom a doctor does not see.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct BlockRow {
    #[n(0)]
    pub(super) whom: Principal,
}

/// A policy: signed by enough, or waiting to be.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct CharterRow {
    #[n(0)]
    pub(super) charter: Charter,
}

/// A key of the registrars.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct RegistryRow {
    #[n(0)]
    pub(super) signed: Signed<RegistryStatement>,
}

/// A sealed check list, and the event that brought it.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct DossierRow {
    #[n(0)]
    pub(super) sealed: ByteVec,
    #[n(1)]
    pub(super) event: u64,
    #[n(2)]
    pub(super) registrar: PartyId,
    /// The digest of the list.
    #[n(3)]
    pub(super) evidence: Option<Digest>,
}

/// One write, or a part of one: the leaves it added.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct RunRow {
    /// The event.
    #[n(0)]
    pub(super) event: u64,
    #[n(1)]
    pub(super) leaves: Vec<Leaf>,
    /// A writer who is not the owner: the grant that gave the right, and the event that granted it.
    #[n(2)]
    pub(super) writer: Option<(GrantStatement, u64)>,
}

/// A grant of the present epoch, and the event that granted it.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct GrantRow {
    #[n(0)]
    pub(super) grant: Grant,
    #[n(1)]
    pub(super) event: u64,
}

/// An epoch: the event that made it, and the way to the one before.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct EpochRow {
    #[n(0)]
    pub(super) event: u64,
    #[n(1)]
    pub(super) back_links: Option<BackLinks>,
}

/// Where a folder lies that was granted to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct MineRow {
    #[n(0)]
    pub(super) owner: PartyId,
    #[n(1)]
    pub(super) folder: FolderId,
    #[n(2)]
    pub(super) kind: FolderKind,
}

/// An entry that waits to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct OutboxRow {
    #[n(0)]
    pub(super) reader: PartyId,
    #[n(1)]
    pub(super) mine: MineRow,
}

/// An act done: an event is taken once. The first of a submission speaks for all.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct OpRow {
    #[n(0)]
    pub(super) submission: Option<Done>,
}

/// A submission done: what its receipt says. Signed once more it is the same receipt, to the last byte.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct Done {
    #[n(0)]
    pub(super) events: Vec<Digest>,
    #[n(1)]
    pub(super) received: Timestamp,
    #[n(2)]
    pub(super) stream: Head,
}

/// An owner whose head has changed since the last epoch of the log, and that head.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct ChangedRow {
    #[n(0)]
    pub(super) head: OwnerHead,
}

impl Row for ChangedRow {
    const MAGIC: Magic = Magic(*b"CVch", 2);
}

/// The same, as the version before wrote it: with the owner alone.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct ChangedBeforeRow {
    #[n(0)]
    pub(super) owner: Principal,
}

/// A statement of a grant.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct ConsentRow {
    #[n(0)]
    pub(super) statement: GrantStatement,
    #[n(1)]
    pub(super) event: u64,
}

/// An attestation, as an event gave it or took it back.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct AttestedRow {
    #[n(0)]
    pub(super) signed: Signed<AttestationStatement>,
}

/// A bucket of the heads map.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct BucketRow {
    /// In the order of their keys.
    #[n(0)]
    pub(super) heads: Vec<OwnerHead>,
}

/// Hashes that lie side by side.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct HashesRow {
    #[n(0)]
    pub(super) hashes: Vec<Digest>,
}

/// An epoch of the log.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct EpochOfLogRow {
    #[n(0)]
    pub(super) epoch: LogEpoch,
}

/// How far the log has come.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct LogRow {
    #[n(0)]
    pub(super) frontier: Frontier,
    /// The newest checkpoint, as it is shown: a signed note.
    #[n(1)]
    pub(super) checkpoint: String,
    /// The heads map: how deep, how many streams, how many events.
    #[n(2)]
    pub(super) depth: u8,
    #[n(3)]
    pub(super) owners: u64,
    #[n(4)]
    pub(super) events: u64,
    /// Whether the map is being written for the next epoch, and leads to no checkpoint.
    #[n(5)]
    pub(super) is_between: bool,
}

/// Who works on the log, of all processes that serve the vault.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct LeaseRow {
    /// A number that each opened vault draws.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) holder: [u8; 16],
    /// How many leases there were.
    #[n(1)]
    pub(super) token: u64,
    #[n(2)]
    pub(super) until: Timestamp,
}

/// What witnesses signed of a checkpoint.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct CosignedRow {
    /// The head it signs.
    #[n(0)]
    pub(super) head: Head,
    /// Their lines, as they stand under it.
    #[n(1)]
    pub(super) lines: String,
}

/// An entry of the pool: what is sealed for the curator, and whose it is.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct PoolRow {
    #[n(0)]
    pub(super) handle: Handle,
    #[n(1)]
    pub(super) owner: PartyId,
    #[n(2)]
    pub(super) sealed: Letter,
    /// The digest of the public policy it was made under.
    #[n(3)]
    pub(super) policy: Digest,
    /// As whom its person counts.
    #[n(4)]
    pub(super) token: PersonToken,
    #[n(5)]
    pub(super) received: Timestamp,
}

/// An entry of the pool that was taken back after the curator had it.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct GoneRow {
    #[n(0)]
    pub(super) handle: Handle,
}

/// How far the pool was shown.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct PoolHeadRow {
    /// Up to which day, from 1970.
    #[n(0)]
    pub(super) shown: u64,
    /// How many entries are gone that were shown.
    #[n(1)]
    pub(super) gone: u64,
}

/// What an owner shared of a case.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct SharedRow {
    #[n(0)]
    pub(super) case: FolderId,
    #[n(1)]
    pub(super) handle: Handle,
    /// The day under which it stands in the pool.
    #[n(2)]
    pub(super) epoch: u64,
    #[n(3)]
    pub(super) sealed: Digest,
    /// The owner's own copy, sealed by the owner.
    #[n(4)]
    pub(super) own: Option<ByteVec>,
    #[n(5)]
    pub(super) received: Timestamp,
    /// Whether it was taken back after the curator had it.
    #[n(6)]
    pub(super) is_gone: bool,
}

/// A batch of the public area.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct BatchRow {
    #[n(0)]
    pub(super) facts: BatchFacts,
    /// The release that brought it.
    #[n(1)]
    pub(super) release: u64,
    /// The release that hid it.
    #[n(2)]
    pub(super) hidden: Option<u64>,
    /// The digest of its rows, which stays when they go.
    #[n(3)]
    pub(super) rows: Digest,
}

/// Public rows of one batch, in the order of their ids.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct PublicRowsRow {
    #[n(0)]
    pub(super) rows: Vec<PublicRow>,
}

/// A release: its event, and what that names.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(map)]
pub(super) struct ReleaseRow {
    #[n(0)]
    pub(super) event: u64,
    #[n(1)]
    pub(super) note: ReleaseNote,
}

/// A piece of what is too long for one row.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct BytesRow {
    #[n(0)]
    pub(super) bytes: ByteVec,
}

/// The releases so far, one leaf each.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct LedgerRow {
    #[n(0)]
    pub(super) releases: Frontier,
}

rows! {
    AttestedRow: b"CVat", "attested row";
    BatchRow: b"CVba", "row of a batch";
    BlockRow: b"CVbl", "row of who is shut out";
    BucketRow: b"CVbu", "bucket row";
    BytesRow: b"CVby", "row of a piece";
    ChangedBeforeRow: b"CVch", "changed row";
    CharterRow: b"CVcr", "charter row";
    ConsentRow: b"CVco", "consent row";
    CosignedRow: b"CVcs", "row of cosignatures";
    DossierRow: b"CVdo", "row of a check list";
    EpochOfLogRow: b"CVel", "row of an epoch of the log";
    EpochRow: b"CVep", "epoch row";
    FolderRow: b"CVfo", "folder row";
    GoneRow: b"CVgo", "row of what is gone from the pool";
    GrantRow: b"CVgr", "grant row";
    HashesRow: b"CVhs", "row of hashes";
    HeadRow: b"CVhd", "head row";
    LeaseRow: b"CVls", "lease row";
    LedgerRow: b"CVld", "row of the releases";
    LetterRow: b"CVle", "letter row";
    ListingRow: b"CVli", "listing row";
    LogRow: b"CVlo", "log row";
    MineRow: b"CVmi", "row of a granted folder";
    OpRow: b"CVop", "operation row";
    OutboxRow: b"CVob", "outbox row";
    PartyRow: b"CVpa", "party row";
    PersonRow: b"CVpe", "person row";
    PoolHeadRow: b"CVph", "row of the pool's head";
    PoolRow: b"CVpl", "row of the pool";
    PublicRowsRow: b"CVpr", "row of public rows";
    QueueRow: b"CVqu", "queue row";
    RegistryRow: b"CVrg", "registry row";
    ReleaseRow: b"CVre", "row of a release";
    RevealRow: b"CVrv", "reveal row";
    RulingRow: b"CVrl", "ruling row";
    RunRow: b"CVru", "run row";
    SharedRow: b"CVsh", "row of what was shared";
}

wire! { ChangedRow: "changed row", VALUE_BYTES_MAX; }

impl Row for crate::event::Streamed {
    const MAGIC: Magic = Magic(*b"CVev", 1);
}

impl Row for crate::access::Policy {
    const MAGIC: Magic = Magic(*b"CVpo", 1);
}
