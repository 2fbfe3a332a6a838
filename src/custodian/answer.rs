//! What the custodian answers.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    access::Policy,
    codec::{coded, wire},
    consent::GrantStatement,
    credential::{Attestations, Trust},
    crypto::Signed,
    custodian::SealedChart,
    event::{Receipt, StreamHead, Streamed},
    folder::{Epoch, FolderKind},
    id::{FolderId, PartyId},
    limits::MESSAGE_BYTES_MAX,
    party::Card,
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
