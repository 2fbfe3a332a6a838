//! What a party hands in.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    consent::Grant,
    credential::AttestationStatement,
    crypto::{Label, Signed, kdf::digest},
    custodian::Query,
    event::SignedEvent,
    folder::BackLinks,
    id::{Digest, PartyId},
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
        }
    }
}
