//! What an event says.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    consent::Purpose,
    crypto::{Label, Statement, VerifyingKey},
    event::{ActorClass, Verb},
    folder::{Commitments, Epoch, FolderKind},
    id::{Digest, FolderId, OpId, PartyId, VaultId},
    merkle::Head,
    record::Counts,
    time::Timestamp,
};

/// Who acts, or whose it is: in a Case the folder itself, so that nothing in it names the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[non_exhaustive]
pub enum Principal {
    /// A party, under its card.
    #[n(0)]
    Party(#[n(0)] PartyId),
    /// The owner of a Case, under the Case's own key.
    #[n(1)]
    Folder(#[n(0)] FolderId),
    /// The custodian.
    #[n(2)]
    Vault(#[n(0)] VaultId),
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Party(id) => write!(f, "party {id}"),
            Self::Folder(id) => write!(f, "the owner of {id}"),
            Self::Vault(id) => write!(f, "vault {id}"),
        }
    }
}

/// What begins with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FolderOpening {
    /// What it is for.
    #[n(0)]
    pub kind: FolderKind,
    /// A Case's own key, whose digest is the folder's id.
    #[n(1)]
    pub verifying: Option<VerifyingKey>,
    /// What the owner derives that key with.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
}

/// A statement "I did this, to these": ids, verbs and digests, no content and no names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// The version of this format.
    #[n(0)]
    pub format: u8,
    /// The vault.
    #[n(1)]
    pub vault: VaultId,
    /// The act: what makes a repeated submission the same submission.
    #[n(2)]
    pub op_id: OpId,
    /// Who acts, and signs.
    #[n(3)]
    pub actor: Principal,
    /// As what kind of actor.
    #[n(4)]
    pub class: ActorClass,
    /// For whom, if for another.
    #[n(5)]
    pub on_behalf_of: Option<PartyId>,
    /// Whose data it is about.
    #[n(6)]
    pub owner: Principal,
    /// The newest head of the folder that the actor has verified.
    #[n(7)]
    pub seen: Option<Head>,
    /// An owner: the newest head of its stream that it has verified.
    #[n(8)]
    pub seen_stream: Option<Head>,
    /// What was done.
    #[n(9)]
    pub verb: Verb,
    /// To which folder.
    #[n(10)]
    pub folder: Option<FolderId>,
    /// In which epoch: the one it makes, for [`Verb::Rotate`] and [`Verb::Revoke`].
    #[n(11)]
    pub epoch: Option<Epoch>,
    /// The folder's head before.
    #[n(12)]
    pub before: Option<Head>,
    /// The folder's head after.
    #[n(13)]
    pub after: Option<Head>,
    /// The digests of the grants' statements it brings.
    #[n(14)]
    pub grants: Vec<Digest>,
    /// The commitments to the keys of the epoch it makes.
    #[n(15)]
    pub commitments: Option<Commitments>,
    /// The digest of the back links it brings.
    #[n(16)]
    pub back_links: Option<Digest>,
    /// What else it is about: a card, an attestation, a policy, the grant it uses or ends.
    #[n(17)]
    pub subject: Option<Digest>,
    /// What begins with the folder.
    #[n(18)]
    pub opening: Option<FolderOpening>,
    /// What for.
    #[n(19)]
    pub purpose: Option<Purpose>,
    /// Why: a denial's code.
    #[n(20)]
    pub reason: Option<u8>,
    /// When, by the actor's clock.
    #[n(21)]
    pub at: Timestamp,
    /// Random: an event's digest tells nothing to who does not have the event.
    #[cbor(n(22), with = "minicbor::bytes")]
    pub salt: [u8; 16],
    /// How many records of each clearance it adds.
    #[n(23)]
    pub counts: Option<Counts>,
}

// READERS_MAX digests of 34 bytes, and the fields.
wire! { Event: "event", 12 * 1024; }

impl Statement for Event {
    const LABEL: Label = Label::Event;
}

impl Event {
    /// The version this build writes and reads.
    pub const FORMAT: u8 = 1;

    /// An event that says only who, what and when.
    #[must_use]
    pub const fn new(
        (vault, op_id): (VaultId, OpId),
        actor: Principal,
        verb: Verb,
        at: Timestamp,
        salt: [u8; 16],
    ) -> Self {
        Self {
            format: Self::FORMAT,
            vault,
            op_id,
            actor,
            class: ActorClass::Person,
            on_behalf_of: None,
            owner: actor,
            seen: None,
            seen_stream: None,
            verb,
            folder: None,
            epoch: None,
            before: None,
            after: None,
            grants: Vec::new(),
            commitments: None,
            back_links: None,
            subject: None,
            opening: None,
            purpose: None,
            reason: None,
            at,
            salt,
            counts: None,
        }
    }
}
