//! Streams: an owner's events, in the order the custodian received them.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    crypto::{Label, Statement},
    event::{Principal, SignedEvent},
    id::{Digest, VaultId},
    merkle::{Head, leaf_hash},
    time::Timestamp,
};

/// A leaf of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StreamEntry {
    /// Its position, from zero.
    #[n(0)]
    pub seq: u64,
    /// When the custodian received the event.
    #[n(1)]
    pub received: Timestamp,
    /// The digest of the signed event.
    #[n(2)]
    pub event: Digest,
}

impl StreamEntry {
    /// The leaf's hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Digest {
        leaf_hash(&codec::encode(self))
    }
}

/// An event with the time it was received: what a stream keeps.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Streamed {
    /// When the custodian received it.
    #[n(0)]
    pub received: Timestamp,
    /// The event.
    #[n(1)]
    pub event: SignedEvent,
}

impl Streamed {
    /// The leaf it makes at a position.
    #[must_use]
    pub fn entry(&self, seq: u64) -> StreamEntry {
        StreamEntry { seq, received: self.received, event: self.event.digest() }
    }
}

/// The custodian's signed word on the head of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StreamHead {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// Whose stream.
    #[n(1)]
    pub owner: Principal,
    /// Its head.
    #[n(2)]
    pub head: Head,
    /// When.
    #[n(3)]
    pub at: Timestamp,
}

wire! { StreamEntry: "stream entry", 128; StreamHead: "stream head", 256; Streamed: "streamed event", 13 * 1024; }

impl Statement for StreamHead {
    const LABEL: Label = Label::StreamHead;
}
