//! What an event says.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    consent::Purpose,
    crypto::{Label, VerifyingKey, kdf::digest},
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

/// What was done: all that a folder's readers need to verify it, and nothing that joins it to another folder.
///
/// Ids, verbs and digests, no content and no names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Step {
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
    /// Whose data it is about.
    #[n(4)]
    pub owner: Principal,
    /// What was done.
    #[n(5)]
    pub verb: Verb,
    /// To which folder.
    #[n(6)]
    pub folder: Option<FolderId>,
    /// In which epoch: the one it makes, for [`Verb::Rotate`] and [`Verb::Revoke`].
    #[n(7)]
    pub epoch: Option<Epoch>,
    /// The folder's head before; for a new epoch, where the older ones end.
    #[n(8)]
    pub before: Option<Head>,
    /// The folder's head after.
    #[n(9)]
    pub after: Option<Head>,
    /// The digests of the grants' statements it brings.
    #[n(10)]
    pub grants: Vec<Digest>,
    /// The commitments to the keys of the epoch it makes.
    #[n(11)]
    pub commitments: Option<Commitments>,
    /// The digest of the back links it brings.
    #[n(12)]
    pub back_links: Option<Digest>,
    /// What else it is about: a card, an attestation, a policy, the grant it uses or ends, the beginning of the folder.
    #[n(13)]
    pub subject: Option<Digest>,
    /// What begins with the folder.
    #[n(14)]
    pub opening: Option<FolderOpening>,
    /// How many records of each clearance it adds.
    #[n(15)]
    pub counts: Option<Counts>,
    /// The digest of all grants of the epoch that a new one replaces: none made meanwhile is lost unseen.
    #[n(16)]
    pub replaces: Option<Digest>,
}

/// When it was done, and how far the actor had seen: what readers of one folder could join to another by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Moment {
    /// When, by the actor's clock.
    #[n(0)]
    pub at: Timestamp,
    /// Random: the digest of a moment tells nothing.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub salt: [u8; 16],
    /// As what kind of actor.
    #[n(2)]
    pub class: ActorClass,
    /// For whom, if for another.
    #[n(3)]
    pub on_behalf_of: Option<PartyId>,
    /// The newest head of the folder that the actor has verified.
    #[n(4)]
    pub seen: Option<Head>,
    /// An owner: the newest head of its stream that it has verified.
    #[n(5)]
    pub seen_stream: Option<Head>,
    /// What for.
    #[n(6)]
    pub purpose: Option<Purpose>,
    /// Why: a denial's code.
    #[n(7)]
    pub reason: Option<u8>,
}

/// A statement "I did this, to these, then".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub step: Step,
    /// When.
    pub moment: Moment,
}

// READERS_MAX digests of 34 bytes, and the fields.
wire! { Step: "event", 12 * 1024; Moment: "moment of an event", 512; }

impl std::ops::Deref for Event {
    type Target = Step;

    fn deref(&self) -> &Step {
        &self.step
    }
}

impl Step {
    /// The digest of a set of grants, by their statements' digests.
    #[must_use]
    pub fn replaced(grants: impl IntoIterator<Item = Digest>) -> Digest {
        let grants: BTreeSet<Digest> = grants.into_iter().collect();
        let parts: Vec<&[u8]> = grants.iter().map(|grant| grant.as_bytes().as_slice()).collect();
        digest(Label::Replaced, &parts)
    }
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
            step: Step {
                format: Self::FORMAT,
                vault,
                op_id,
                actor,
                owner: actor,
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
                counts: None,
                replaces: None,
            },
            moment: Moment {
                at,
                salt,
                class: ActorClass::Person,
                on_behalf_of: None,
                seen: None,
                seen_stream: None,
                purpose: None,
                reason: None,
            },
        }
    }

    /// The same, with its step changed.
    #[must_use]
    pub fn with(self, change: impl FnOnce(Step) -> Step) -> Self {
        Self { step: change(self.step), moment: self.moment }
    }

    /// The same, with its moment changed.
    #[must_use]
    pub fn when(self, change: impl FnOnce(Moment) -> Moment) -> Self {
        Self { moment: change(self.moment), step: self.step }
    }
}
