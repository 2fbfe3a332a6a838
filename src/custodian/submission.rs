//! What a party hands in.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    access::Charter,
    codec::wire,
    consent::Grant,
    credential::{AttestationStatement, ListingStatement, RegistryStatement, RulingStatement},
    crypto::{Label, Signed, kdf::digest},
    custodian::{PublicQuestion, Publication, Query, SharedAbstract},
    event::{Principal, SignedEvent},
    folder::BackLinks,
    id::{Digest, FolderId, PartyId},
    letter::Letter,
    limits::MESSAGE_BYTES_MAX,
    party::Card,
    record::{Leaf, Sealing},
};

/// A message to the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Request {
    /// Which vault is this, and what does it allow?
    #[n(0)]
    Hello,
    /// A question, signed.
    #[n(1)]
    Ask(#[n(0)] Signed<Query>),
    /// A submission.
    #[n(2)]
    Submit(#[n(0)] Submission),
    /// The policies that came after so many, and the registrars' key.
    #[n(3)]
    Charters(#[n(0)] u32),
    /// The newest checkpoint of the log, and that it grew from a log of this size: for whoever asks.
    #[n(4)]
    Checkpoint(#[n(0)] u64),
    /// What is public: for whoever asks.
    #[n(10)]
    Public(#[n(0)] PublicQuestion),
}

/// What must happen together: events with what they bring, all about one owner's data.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Submission {
    /// The owner, if the sender is; a reader does not know it, and says nothing.
    #[n(0)]
    pub sender: Option<Sender>,
    /// In order.
    #[n(1)]
    pub parts: Vec<Part>,
}

/// The owner of what a submission is about, and the proof that it is the owner who sends it.
///
/// Readers see the owner's signed events; without the proof they could hand them in again, and learn from the answer whose
/// they are. It opens nothing and decides nothing.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sender {
    /// The owner.
    #[n(0)]
    pub owner: PartyId,
    /// Derived from the owner's seed; the custodian knows its digest since the enrolment.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 32],
}

impl Sender {
    /// The digest by which a token is known.
    #[must_use]
    pub fn digest_of(token: &[u8; 32]) -> Digest {
        digest(Label::Sender, &[token])
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sender({}, ..)", self.owner)
    }
}

/// One event and what it brings.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Part {
    /// The event.
    #[n(0)]
    pub event: SignedEvent,
    /// The grants whose digests it names, in its order.
    #[n(1)]
    pub grants: Vec<Grant>,
    /// The leaves of records that were sent ahead.
    #[n(2)]
    pub staged: Vec<Leaf>,
    /// The records, after those sent ahead.
    #[n(3)]
    pub records: Vec<Sealing>,
    /// From the epoch it makes to the one before.
    #[n(4)]
    pub back_links: Option<BackLinks>,
    /// The card that is enrolled.
    #[n(5)]
    pub card: Option<Card>,
    /// What a registrar attests or withdraws.
    #[n(6)]
    pub attestation: Option<Signed<AttestationStatement>>,
    /// The digest of the sender's token of whom is enrolled.
    #[n(7)]
    pub sender: Option<Digest>,
    /// What else is brought, whose digest the event names.
    #[n(8)]
    pub enclosure: Option<Enclosure>,
}

/// What an event brings that is no record and no grant.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Enclosure {
    /// A policy that a registrar signs.
    #[n(0)]
    Charter(#[n(0)] Charter),
    /// The check list of an attestation, sealed for the registrars.
    #[n(1)]
    Dossier(#[n(0)] ByteVec),
    /// A letter to the registrars: a report or an appeal.
    #[n(2)]
    Letter(#[n(0)] Letter),
    /// A doctor's listing.
    #[n(3)]
    Listing(#[n(0)] Signed<ListingStatement>),
    /// The registrars' key.
    #[n(4)]
    Registry(#[n(0)] Signed<RegistryStatement>),
    /// A letter to the patient of a case, from its doctor.
    #[n(5)]
    Reveal(#[n(0)] Letter, #[n(1)] PartyId, #[n(2)] FolderId),
    /// A ruling; and, if it is about the owner of a case, which party the case was granted to: so it is found.
    #[n(6)]
    Ruling(#[n(0)] Signed<RulingStatement>, #[n(1)] Option<PartyId>),
    /// Whom a doctor shuts out, or lets in again: a patient, or the owner of a case.
    #[n(7)]
    Blocked(#[n(0)] Principal, #[n(1)] bool),
    /// For which case a patient asks who her doctor is.
    #[n(8)]
    WhoIs(#[n(0)] FolderId),
    /// A release of the public area.
    #[n(10)]
    Release(#[n(0)] Publication),
    /// An anonymised case.
    #[n(11)]
    Share(#[n(0)] SharedAbstract),
}

wire! { Request: "request", MESSAGE_BYTES_MAX; }

impl Part {
    /// An event that brings nothing.
    #[must_use]
    pub const fn of(event: SignedEvent) -> Self {
        Self {
            event,
            grants: Vec::new(),
            staged: Vec::new(),
            records: Vec::new(),
            back_links: None,
            card: None,
            attestation: None,
            sender: None,
            enclosure: None,
        }
    }
}
