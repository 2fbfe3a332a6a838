//! What a party hands in.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    consent::Grant,
    credential::AttestationStatement,
    crypto::Signed,
    custodian::Query,
    event::Event,
    folder::BackLinks,
    id::PartyId,
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
    pub owner: Option<PartyId>,
    /// In order.
    #[n(1)]
    pub parts: Vec<Part>,
}

/// One event and what it brings.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Part {
    /// The event.
    #[n(0)]
    pub event: Signed<Event>,
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
}

wire! { Request: "request", MESSAGE_BYTES_MAX; }

impl Part {
    /// An event that brings nothing.
    #[must_use]
    pub const fn of(event: Signed<Event>) -> Self {
        Self {
            event,
            grants: Vec::new(),
            staged: Vec::new(),
            records: Vec::new(),
            back_links: None,
            card: None,
            attestation: None,
        }
    }
}
