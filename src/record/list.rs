//! A folder's list: what is in it, leaf by leaf.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    folder::{Clearance, Epoch},
    id::{Digest, OpId, RecordId},
    merkle::leaf_hash,
    record::Kind,
};

/// What a folder's list says of one version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Leaf {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// Its version, from one.
    #[n(1)]
    pub version: u32,
    /// What it is.
    #[n(2)]
    pub kind: Kind,
    /// How private it is.
    #[n(3)]
    pub clearance: Clearance,
    /// The epoch whose key seals it.
    #[n(4)]
    pub epoch: Epoch,
    /// The act that wrote it: its author's event.
    #[n(5)]
    pub author: OpId,
    /// The digest of the sealed record.
    #[n(6)]
    pub sealed: Digest,
    /// The digest of the content, under a salt that is sealed with it.
    #[n(7)]
    pub content: Digest,
}

wire! { Leaf: "leaf of a folder's list", 256; }

impl Leaf {
    /// The leaf's hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Digest {
        leaf_hash(&codec::encode(self))
    }
}

/// A leaf as a reader gets it: above the reader's clearance, only its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum ListItem {
    /// There is a record here, of a clearance the reader does not have.
    #[n(0)]
    Hidden(#[n(0)] Digest),
    /// A record the reader may open.
    #[n(1)]
    Shown(#[n(0)] Leaf),
}

impl ListItem {
    /// The leaf's hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Digest {
        match self {
            Self::Hidden(hash) => *hash,
            Self::Shown(leaf) => leaf.hash(),
        }
    }

    /// The leaf, as a reader of this clearance gets it.
    #[must_use]
    pub fn of(leaf: Leaf, clearance: Clearance) -> Self {
        if leaf.clearance <= clearance { Self::Shown(leaf) } else { Self::Hidden(leaf.hash()) }
    }
}
