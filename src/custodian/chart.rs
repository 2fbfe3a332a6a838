//! An opened folder, sealed: all that a reader needs to verify and read it, and nothing it may not know.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    consent::{Grant, GrantStatement},
    credential::Attestations,
    crypto::VerifyingKey,
    event::SignedEvent,
    folder::{BackLinks, FolderKind},
    id::FolderId,
    merkle::Head,
    party::Card,
    record::ListItem,
};

/// An opened folder.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedChart {
    /// The folder.
    #[n(0)]
    pub folder: FolderId,
    /// What it is for.
    #[n(1)]
    pub kind: FolderKind,
    /// A Case's own key.
    #[n(2)]
    pub verifying: Option<VerifyingKey>,
    /// The owner's card and attestations; none for a Case.
    #[n(3)]
    pub owner: Option<ChartOwner>,
    /// The head of its list.
    #[n(4)]
    pub head: Head,
    /// The writes that made the list.
    #[n(5)]
    pub runs: Vec<Run>,
    /// The sealed records of the items that are shown, in their order: the first of them, as many as a chart carries. The
    /// rest is asked for.
    #[n(6)]
    pub sealed: Vec<ByteVec>,
    /// The epochs, from the first.
    #[n(7)]
    pub epochs: Vec<EpochEntry>,
    /// The reader's grant.
    #[n(8)]
    pub grant: Grant,
    /// The event that granted it.
    #[n(9)]
    pub granted: SignedEvent,
    /// Those who wrote here without being the owner.
    #[n(10)]
    pub writers: Vec<Writer>,
    /// For an Identity opened by assignment: the event in which the owner began the Case, which ties the two.
    #[n(11)]
    pub tie: Option<SignedEvent>,
}

/// Whose folder it is, which its id vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChartOwner {
    /// The owner's card.
    #[n(0)]
    pub card: Card,
    /// What registrars say of it.
    #[n(1)]
    pub attestations: Attestations,
    /// What the folder's id is derived with.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
}

/// One write: the event, and the items it added.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Run {
    /// The event, with the head before and after.
    #[n(0)]
    pub event: SignedEvent,
    /// What it added.
    #[n(1)]
    pub items: Vec<ListItem>,
}

/// One epoch: the event that made it, and the way to the one before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EpochEntry {
    /// The event, with the commitments.
    #[n(0)]
    pub event: SignedEvent,
    /// The back links; none in the first epoch.
    #[n(1)]
    pub back_links: Option<BackLinks>,
}

/// Someone who wrote by right of a grant, and the proof of that right.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Writer {
    /// The writer's card.
    #[n(0)]
    pub card: Card,
    /// The grant that gave the right.
    #[n(1)]
    pub statement: GrantStatement,
    /// The event that granted it.
    #[n(2)]
    pub granted: SignedEvent,
}
