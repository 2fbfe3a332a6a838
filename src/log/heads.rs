//! The heads map: every owner's stream at one moment, one head each, provably.
//!
//! ```text
//! key(owner)  = SHA-256("head key" ‖ vault ‖ owner)
//! entry       = SHA-256("head entry" ‖ owner ‖ size ‖ root)
//! bucket b    = RFC 6962 tree over key ‖ entry of all owners whose key begins with the d bits of b, sorted by key
//! map         = RFC 6962 tree over the roots of the 2^d buckets
//! ```
//!
//! A bucket is small enough to be shown whole: who sees its keys and entries sees that an owner stands there once, or not at
//! all, and learns nobody's id, for a key tells whose it is only to who knows the owner already.
#![deny(clippy::arithmetic_side_effects)]

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    crypto::{Label, kdf::digest},
    event::Principal,
    id::{Digest, VaultId},
    limits::{BUCKET_OWNERS_MAX, MAP_DEPTH_MAX},
    log::tiles::{Tiles, prove_inclusion},
    merkle::{self, Head, NotProven, leaf_hash, verify_inclusion},
};

/// How many owners a bucket is made for: with twice as many on the average, there are twice as many buckets. Of 10,000 heads
/// among a million nearly each lies in a bucket of its own, which is read, hashed and written whole.
const BUCKET_OWNERS: u64 = 4;

/// An owner's stream at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OwnerHead {
    /// Whose stream.
    #[n(0)]
    pub owner: Principal,
    /// Its head.
    #[n(1)]
    pub head: Head,
}

wire! { OwnerHead: "owner's head", 128; }

impl OwnerHead {
    /// Where it stands in the map.
    #[must_use]
    pub fn key(vault: VaultId, owner: Principal) -> Digest {
        key_of(vault, &codec::encode(&owner))
    }

    /// The leaf it makes.
    #[must_use]
    pub fn leaf(&self, vault: VaultId) -> HeadLeaf {
        let Self { owner, head } = self;
        let owner = codec::encode(owner);
        let parts: [&[u8]; 3] = [&owner, &head.size.to_be_bytes(), head.root.as_bytes()];
        HeadLeaf { key: key_of(vault, &owner), entry: digest(Label::HeadEntry, &parts) }
    }
}

fn key_of(vault: VaultId, owner: &[u8]) -> Digest {
    digest(Label::HeadKey, &[vault.as_bytes(), owner])
}

/// A leaf of a bucket: whose, and what, for who knows both already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct HeadLeaf {
    /// Where the owner stands.
    #[n(0)]
    pub key: Digest,
    /// Its head.
    #[n(1)]
    pub entry: Digest,
}

impl HeadLeaf {
    fn hash(&self) -> Digest {
        leaf_hash(&[self.key.as_bytes().as_slice(), self.entry.as_bytes()].concat())
    }
}

/// How many buckets a map of so many owners has: 2 to this power.
#[must_use]
pub fn depth_for(owners: u64) -> u8 {
    let mut depth = 0u8;
    let mut room = BUCKET_OWNERS.saturating_mul(2);
    while room < owners && depth < MAP_DEPTH_MAX {
        depth = depth.saturating_add(1);
        room = room.saturating_mul(2);
    }
    depth
}

/// How many buckets a map of this depth has; none that is too deep.
#[must_use]
pub fn buckets_at(depth: u8) -> Option<u64> {
    1u64.checked_shl(u32::from(depth)).filter(|_| depth <= MAP_DEPTH_MAX)
}

/// The number of the bucket a key belongs to.
#[must_use]
pub fn bucket_of(key: &Digest, depth: u8) -> u32 {
    let first = key.as_bytes().first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    first.checked_shr(32u32.saturating_sub(u32::from(depth))).unwrap_or(0)
}

/// The root of a bucket; its leaves are in order.
#[must_use]
pub fn bucket_root(leaves: &[HeadLeaf]) -> Digest {
    let hashes: Vec<Digest> = leaves.iter().map(HeadLeaf::hash).collect();
    merkle::root(&hashes).root
}

/// The root of a map, by its buckets' roots.
#[must_use]
pub fn map_root(buckets: &[Digest]) -> Digest {
    merkle::root(&buckets.iter().map(bucket_hash).collect::<Vec<_>>()).root
}

/// The leaf a bucket makes in the map, by its root.
#[must_use]
pub fn bucket_hash(root: &Digest) -> Digest {
    leaf_hash(root.as_bytes())
}

/// A bucket, whole, and the way from it to a map's root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MapProof {
    #[n(0)]
    depth: u8,
    #[n(1)]
    bucket: u32,
    #[n(2)]
    leaves: Vec<HeadLeaf>,
    #[n(3)]
    path: Vec<Digest>,
}

wire! { MapProof: "map proof", 4096 + 72 * BUCKET_OWNERS_MAX; }

impl MapProof {
    /// Shows the bucket of a key, out of the tiles over all buckets' leaves.
    ///
    /// # Errors
    /// [`NotProven`] if a tile is missing.
    pub fn of(
        (depth, key): (u8, &Digest),
        leaves: Vec<HeadLeaf>,
        tiles: &impl Tiles,
    ) -> Result<Self, NotProven> {
        let bucket = bucket_of(key, depth);
        let size = buckets_at(depth).ok_or(NotProven)?;
        let path = prove_inclusion(tiles, u64::from(bucket), size).ok_or(NotProven)?;
        Ok(Self { depth, bucket, leaves, path })
    }

    /// The head's leaf under a key in the map with this root and depth: there once, or not at all.
    ///
    /// # Errors
    /// [`NotProven`] if the bucket is another's, is not in order, or does not lead to the root.
    pub fn find(&self, key: &Digest, (depth, root): (u8, &Digest)) -> Result<Option<HeadLeaf>, NotProven> {
        let Self { depth: own, bucket, leaves, path } = self;
        let in_order = leaves.is_sorted_by(|one, other| one.key < other.key);
        let are_its = leaves.iter().all(|leaf| bucket_of(&leaf.key, depth) == *bucket);
        if *own != depth || depth > MAP_DEPTH_MAX || bucket_of(key, depth) != *bucket || !in_order || !are_its
        {
            return Err(NotProven);
        }
        let size = buckets_at(depth).ok_or(NotProven)?;
        let leaf = bucket_hash(&bucket_root(leaves));
        verify_inclusion(&leaf, u64::from(*bucket), &Head { size, root: *root }, path)?;
        Ok(leaves.iter().find(|leaf| leaf.key == *key).copied())
    }
}
