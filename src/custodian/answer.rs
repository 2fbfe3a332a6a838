//! What the custodian answers.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    access::{Charter, Policy},
    codec::{coded, wire},
    consent::{GrantStatement, Terms},
    credential::{Attestations, ListingStatement, RegistryStatement, RulingStatement, Standing, Trust},
    crypto::Signed,
    custodian::{ExportPlace, PastRelease, PoolPage, PublicAnswer, QueuePlace, SealedChart, SharedCase},
    event::{Receipt, SignedEvent, StreamHead, Streamed},
    folder::{Epoch, FolderKind},
    id::{Digest, FolderId, PartyId},
    letter::Letter,
    limits::MESSAGE_BYTES_MAX,
    log::StreamProof,
    merkle::Head,
    party::Card,
    time::Timestamp,
};

coded! {
    /// Why there is no other answer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Refusal {
        /// Not permitted, or not there: which of them is not said.
        Denied = 1, "denied";
        /// Someone wrote to the folder meanwhile; told only to who may know it.
        Conflict = 2, "conflict";
        /// The message is not what it should be.
        Malformed = 3, "malformed";
        /// The store failed; nothing was done, or it is not known whether it was.
        Unavailable = 4, "unavailable";
        /// The vault was opened to save what can be saved; it takes nothing.
        ReadOnly = 5, "read-only";
    }
}

/// A message from the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Response {
    /// No.
    #[n(0)]
    Refused(#[n(0)] Refusal),
    /// Which vault this is, and what it allows.
    #[n(1)]
    Hello(#[n(0)] Trust, #[n(1)] Policy),
    /// A submission was committed.
    #[n(2)]
    Accepted(#[n(0)] Accepted),
    /// A question was answered.
    #[n(3)]
    Answer(#[n(0)] Answer),
    /// The policies that came after so many, in their order, and the registrars' keys, the newest last.
    #[n(4)]
    Charters(#[n(0)] Vec<Charter>, #[n(1)] Vec<Signed<RegistryStatement>>),
    /// The newest checkpoint, a signed note, and that it grew from the log of the size that was asked; nothing before the
    /// first.
    #[n(5)]
    Checkpoint(#[n(0)] String, #[n(1)] Vec<Digest>),
    /// What is public.
    #[n(10)]
    Public(#[n(0)] PublicAnswer),
}

wire! { Response: "response", MESSAGE_BYTES_MAX; }

/// What comes back for a submission.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Accepted {
    /// The promise.
    #[n(0)]
    pub receipt: Signed<Receipt>,
    /// The salts of epochs it made or folders it opened.
    #[n(1)]
    pub salts: Vec<Salt>,
    /// What it opened.
    #[n(2)]
    pub charts: Vec<SealedChart>,
    /// The letter it opened.
    #[n(3)]
    pub letter: Option<Delivered>,
    /// Whom a withdrawal concerns.
    #[cbor(n(4), default, skip_if = "Vec::is_empty")]
    pub concerned: Vec<Concerned>,
}

/// A letter, with the event in which its author signed it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delivered {
    /// The letter.
    #[n(0)]
    pub letter: Sealed,
    /// The event that names its digest; without its moment for a patient.
    #[n(1)]
    pub event: SignedEvent,
    /// Who wrote it.
    #[n(2)]
    pub author: Card,
}

/// What was sealed outside a folder.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Sealed {
    /// For one reader.
    #[n(0)]
    Letter(#[n(0)] Letter),
    /// A check list, for the registrars.
    #[n(1)]
    Dossier(#[n(0)] ByteVec),
}

/// Someone whose data a party may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Concerned {
    /// Who.
    #[n(0)]
    pub owner: PartyId,
    /// Under which terms.
    #[n(1)]
    pub terms: Terms,
    /// Of what: a case, or who the owner is.
    #[n(2)]
    pub kind: FolderKind,
}

/// What the owner's shred key adds to the record keys of one folder and epoch.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Salt {
    /// The folder.
    #[n(0)]
    pub folder: FolderId,
    /// The epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// The salt.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub salt: [u8; 32],
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Salt({}, {}, ..)", self.folder, self.epoch)
    }
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Answer {
    /// A party's card and attestations.
    #[n(0)]
    Card(#[n(0)] Card, #[n(1)] Attestations),
    /// Chunks.
    #[n(1)]
    Chunks(#[n(0)] Vec<ByteVec>),
    /// The folders the asker was granted.
    #[n(2)]
    MyFolders(#[n(0)] Vec<MyFolder>),
    /// Grants of a folder, of an epoch and all later ones.
    #[n(3)]
    Consents(#[n(0)] Vec<GrantStatement>),
    /// Events.
    #[n(4)]
    Stream(#[n(0)] StreamPage),
    /// Sealed records.
    #[n(5)]
    Records(#[n(0)] Vec<ByteVec>),
    /// Doctors, and where the next page begins, if there is one.
    #[n(6)]
    Directory(#[n(0)] Vec<Listed>, #[n(1)] Option<u32>),
    /// A doctor's listing, if there is one.
    #[n(7)]
    Listing(#[n(0)] Option<Signed<ListingStatement>>),
    /// What waits, in the order it came, and whether that is all.
    #[n(8)]
    Queue(#[n(0)] Vec<Queued>, #[n(1)] bool),
    /// Who has the person's live card.
    #[n(9)]
    Person(#[n(0)] Option<PartyId>),
    /// Rulings, in the order they were made, and the card that the person had before.
    #[n(10)]
    Rulings(#[n(0)] Vec<Signed<RulingStatement>>, #[n(1)] Option<PartyId>),
    /// Policies that wait, each with the signatures it has.
    #[n(11)]
    Proposals(#[n(0)] Vec<Charter>),
    /// A stream in the log, and the checkpoint that it leads to.
    #[n(12)]
    InLog(#[n(0)] StreamProof, #[n(1)] String),
    /// Check lists: whose, and their digests.
    #[n(13)]
    Dossiers(#[n(0)] Vec<(PartyId, Digest)>),
    /// The checkpoint of an export, a signed note, and that it grew from the log of the size that was asked.
    #[n(14)]
    Checkpoint(#[n(0)] String, #[n(1)] Vec<Digest>),
    /// A page of a file of an export, and where the next one begins, if there is one.
    #[n(15)]
    Export(#[n(0)] ByteVec, #[n(1)] Option<ExportPlace>),
    /// Entries of the pool.
    #[n(20)]
    Pool(#[n(0)] PoolPage),
    /// Releases, in their order, and the head of all.
    #[n(21)]
    Releases(#[n(0)] Vec<PastRelease>, #[n(1)] Head),
    /// What the asker shared.
    #[n(22)]
    Shared(#[n(0)] Vec<SharedCase>),
}

/// A doctor of the directory. The card is in its bytes: a page of cards is verified where it is read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Listed {
    /// The card.
    #[n(0)]
    pub card: ByteVec,
    /// What registrars say of it.
    #[n(1)]
    pub attestations: Attestations,
    /// The listing.
    #[n(2)]
    pub listing: Signed<ListingStatement>,
    /// How the doctor stands, by the custodian's word.
    #[n(3)]
    pub standing: Standing,
}

/// Something that waits for the registrars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Queued {
    /// Its place.
    #[n(0)]
    pub place: QueuePlace,
    /// Who is to be vetted, or who wrote.
    #[n(1)]
    pub party: PartyId,
    /// The letter, if it is one.
    #[n(2)]
    pub letter: Option<Digest>,
    /// When it was received.
    #[n(3)]
    pub received: Timestamp,
}

/// A folder of another's, granted to the asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MyFolder {
    /// The grant.
    #[n(0)]
    pub statement: GrantStatement,
    /// What it is for.
    #[n(1)]
    pub kind: FolderKind,
    /// Whose it is; for a Case nobody's, that the reader would know.
    #[n(2)]
    pub owner: Option<PartyId>,
    /// Whether nothing is added to it any more.
    #[n(3)]
    pub is_closed: bool,
}

/// A page of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StreamPage {
    /// The custodian's word on the whole stream's head.
    #[n(0)]
    pub head: Signed<StreamHead>,
    /// The position of the first event.
    #[n(1)]
    pub first: u64,
    /// The events.
    #[n(2)]
    pub events: Vec<Streamed>,
    /// The cards of the parties that signed them.
    #[n(3)]
    pub cards: Vec<Card>,
}
