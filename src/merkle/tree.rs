//! Heads, and the frontier that is enough to append.

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    Digest::from_bytes(hash.finalize().into())
}

/// The hash of an inner node.
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.as_bytes());
    hash.update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The head of a list: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// The number of leaves.
    #[n(0)]
    pub size: u64,
    /// The root.
    #[n(1)]
    pub root: Digest,
}

impl Default for Head {
    /// The head of the empty list.
    fn default() -> Self {
        Frontier::new().head()
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.size, self.root)
    }
}

/// The right edge of a tree: the roots of its perfect subtrees, the largest first. Enough to append and to know the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Frontier {
    #[n(0)]
    size: u64,
    #[n(1)]
    nodes: Vec<Digest>,
}

impl Frontier {
    /// The edge of the empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, nodes: Vec::new() }
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of a leaf.
    pub fn append(&mut self, leaf: Digest) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.nodes.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The head of the whole list.
    #[must_use]
    pub fn head(&self) -> Head {
        let mut nodes = self.nodes.iter().rev();
        let root = match nodes.next() {
            None => Digest::from_bytes(Sha256::digest([]).into()),
            Some(last) => nodes.fold(*last, |right, left| node_hash(left, &right)),
        };
        Head { size: self.size, root }
    }
}

impl<'b, C> Decode<'b, C> for Frontier {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        #[derive(Decode)]
        #[cbor(map)]
        struct Raw {
            #[n(0)]
            size: u64,
            #[n(1)]
            nodes: Vec<Digest>,
        }
        let Raw { size, nodes } = Raw::decode(d, c)?;
        if u32::try_from(nodes.len()) == Ok(size.count_ones()) {
            Ok(Self { size, nodes })
        } else {
            Err(minicbor::decode::Error::message("not the edge of a tree of this size"))
        }
    }
}

/// The head of these leaf hashes.
#[must_use]
pub fn root(leaves: &[Digest]) -> Head {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.head()
}

/// Splits a list where its tree does: at the largest power of two below its length. For two leaves or more.
pub(super) fn split(leaves: &[Digest]) -> Option<(&[Digest], &[Digest])> {
    let half = leaves.len().checked_next_power_of_two()? / 2;
    if leaves.len() < 2 { None } else { leaves.split_at_checked(half) }
}
