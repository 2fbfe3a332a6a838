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

/// How many leaves of each clearance a write adds: signed with it, so that none below a reader's clearance is passed off
/// as one above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Counts {
    #[n(0)]
    normal: u32,
    #[n(1)]
    restricted: u32,
    #[n(2)]
    very_restricted: u32,
}

impl Counts {
    /// Counts leaves.
    #[must_use]
    pub fn of<'l>(leaves: impl IntoIterator<Item = &'l Leaf>) -> Self {
        let mut counts = Self::default();
        for leaf in leaves {
            let count = match leaf.clearance {
                Clearance::Normal => &mut counts.normal,
                Clearance::Restricted => &mut counts.restricted,
                Clearance::VeryRestricted => &mut counts.very_restricted,
            };
            *count = count.saturating_add(1);
        }
        counts
    }

    /// Of each clearance, the lowest first.
    pub(crate) const fn each(self) -> [u32; 3] {
        [self.normal, self.restricted, self.very_restricted]
    }

    /// The highest clearance that is counted; the lowest, if nothing is.
    #[must_use]
    pub const fn highest(self) -> Clearance {
        if self.very_restricted > 0 {
            Clearance::VeryRestricted
        } else if self.restricted > 0 {
            Clearance::Restricted
        } else {
            Clearance::Normal
        }
    }

    /// The same, as far as a reader of this clearance can check it.
    #[must_use]
    pub fn up_to(self, clearance: Clearance) -> Self {
        let of = |own, count| if own <= clearance { count } else { 0 };
        let Self { normal, restricted, very_restricted } = self;
        Self {
            normal: of(Clearance::Normal, normal),
            restricted: of(Clearance::Restricted, restricted),
            very_restricted: of(Clearance::VeryRestricted, very_restricted),
        }
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
