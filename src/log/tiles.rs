//! The tree, written to tiles and read out of them.
//!
//! Where leaves are replaced instead, as in the heads map, [`replaced`] makes the tiles that change. A log that grew writes the tiles of [`Tile::changed`]: [`grown`] makes them from the new hashes and the few tiles at the
//! right edge. Heads and proofs come out of at most two tiles a level, in the form that [`crate::merkle`] proves them.
//! What a tile holds is believed for nothing: a proof read out of wrong tiles does not verify.

use std::collections::BTreeMap;

use crate::{
    id::Digest,
    log::{
        Tile,
        tile::{LEVELS, bytes_of},
    },
    merkle::{self, Head, node_hash},
    spread,
};

/// How many tiles to read, change and hash are worth a thread.
const TILES_WORTH_A_THREAD: usize = 4;

/// Where tiles are kept.
pub trait Tiles {
    /// The bytes of a tile, as many as its width says: of a wider one that is kept in its place, the beginning.
    fn tile(&self, tile: Tile) -> Option<Vec<u8>>;
}

impl Tiles for BTreeMap<Tile, Vec<u8>> {
    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        self.get(&tile).cloned()
    }
}

/// The tiles that change when these hashes of entries are appended to a tree of the old size, in the order of
/// [`Tile::changed`]; none if a tile at the right edge of the old tree is missing, or there would be too many entries.
#[must_use]
pub fn grown(tiles: &impl Tiles, old: u64, leaves: &[Digest]) -> Option<Vec<(Tile, Vec<u8>)>> {
    old.checked_add(u64::try_from(leaves.len()).ok()?)?;
    let (mut changed, mut before, mut hashes) = (Vec::new(), old, leaves.to_vec());
    for level in 0..LEVELS {
        if hashes.is_empty() {
            break;
        }
        let first = before / 256;
        if let Some(edge) = Tile::new(level, first, u16::try_from(before % 256).ok()?) {
            let mut all = edge.hashes(&tiles.tile(edge)?)?;
            all.append(&mut hashes);
            hashes = all;
        }
        let mut above = Vec::new();
        for (index, hashes) in (first..).zip(hashes.chunks(256)) {
            let tile = Tile::new(level, index, u16::try_from(hashes.len()).ok()?)?;
            changed.push((tile, bytes_of(hashes.iter().copied())));
            if tile.is_full() {
                above.push(merkle::root(hashes).root);
            }
        }
        (before, hashes) = (first, above);
    }
    Some(changed)
}

/// The tiles that change when leaves of a tree of this size are replaced, each by its index, the lowest level first and one
/// level's in order; none if one of them is missing, or there is no such leaf. They are read and made on all cores.
#[must_use]
pub fn replaced(
    tiles: &(impl Tiles + Sync),
    size: u64,
    leaves: &BTreeMap<u64, Digest>,
) -> Option<Vec<(Tile, Vec<u8>)>> {
    let (mut replaced, mut fresh) = (Vec::new(), leaves.clone());
    for level in 0..LEVELS {
        let mut within: BTreeMap<u64, Vec<(u64, Digest)>> = BTreeMap::new();
        for (index, hash) in fresh {
            within.entry(index / 256).or_default().push((index % 256, hash));
        }
        let within: Vec<_> = within.into_iter().collect();
        let changed = spread::map(&within, TILES_WORTH_A_THREAD, |(index, fresh)| {
            let tile = Tile::within(level, *index, size)?;
            let mut hashes = tile.hashes(&tiles.tile(tile)?)?;
            for (at, hash) in fresh {
                *hashes.get_mut(usize::try_from(*at).ok()?)? = *hash;
            }
            let above = tile.is_full().then(|| (*index, merkle::root(&hashes).root));
            Some((tile, bytes_of(hashes.into_iter()), above))
        });
        fresh = BTreeMap::new();
        for one in changed {
            let (tile, bytes, above) = one?;
            replaced.push((tile, bytes));
            fresh.extend(above);
        }
    }
    Some(replaced)
}

/// The head of a tree of this size; none if a tile is missing.
#[must_use]
pub fn head(tiles: &impl Tiles, size: u64) -> Option<Head> {
    if size == 0 {
        Some(Head::default())
    } else {
        Some(Head { size, root: Tree::new(tiles, size).root(0, size)? })
    }
}

/// The proof that the leaf at an index stands in a tree of this size; none if there is no such leaf, or a tile is missing.
#[must_use]
pub fn prove_inclusion(tiles: &impl Tiles, index: u64, size: u64) -> Option<Vec<Digest>> {
    let mut tree = Tree::new(tiles, size);
    let (mut from, mut to) = (0, Some(size).filter(|size| index < *size)?);
    let mut proof = Vec::new();
    while let Some(middle) = split(from, to) {
        if index < middle {
            proof.push(tree.root(middle, to)?);
            to = middle;
        } else {
            proof.push(tree.root(from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The proof that a tree of the old size is the beginning of one of the new size; none if it is larger, or a tile is missing.
#[must_use]
pub fn prove_consistency(tiles: &impl Tiles, old: u64, new: u64) -> Option<Vec<Digest>> {
    let mut tree = Tree::new(tiles, new);
    let (mut from, mut to) = (0, Some(new).filter(|new| old <= *new)?);
    let mut proof = Vec::new();
    if old == 0 {
        return Some(proof);
    }
    while old != to {
        let middle = split(from, to)?;
        if old <= middle {
            proof.push(tree.root(middle, to)?);
            to = middle;
        } else {
            proof.push(tree.root(from, middle)?);
            from = middle;
        }
    }
    if from != 0 {
        proof.push(tree.root(from, to)?);
    }
    proof.reverse();
    Some(proof)
}

/// Where the tree over these leaves splits: after the largest power of two below their number. For two leaves or more.
fn split(from: u64, to: u64) -> Option<u64> {
    let last = to.checked_sub(from)?.checked_sub(1)?;
    from.checked_add(power(last.checked_ilog2()?)?)
}

fn power(height: u32) -> Option<u64> {
    2u64.checked_pow(height)
}

/// A tree that is read, and the tiles of it that were.
struct Tree<'t, T> {
    tiles: &'t T,
    size: u64,
    read: BTreeMap<Tile, Vec<Digest>>,
}

impl<'t, T: Tiles> Tree<'t, T> {
    const fn new(tiles: &'t T, size: u64) -> Self {
        Self { tiles, size, read: BTreeMap::new() }
    }

    /// The root over these leaves, where the tree has a node over them all, or they are all that follow one.
    fn root(&mut self, from: u64, to: u64) -> Option<Digest> {
        let (mut at, mut nodes) = (from, Vec::new());
        while at < to {
            let height = to.checked_sub(at)?.checked_ilog2()?;
            nodes.push(self.node(height, at)?);
            at = at.checked_add(power(height)?)?;
        }
        nodes.into_iter().rev().reduce(|right, left| node_hash(&left, &right))
    }

    /// The node over 2 to the power of the height leaves, from this one.
    fn node(&mut self, height: u32, first: u64) -> Option<Digest> {
        let (level, above) = (u8::try_from(height / 8).ok()?, height % 8);
        let position = first.checked_shr(height.checked_sub(above)?)?;
        let tile = Tile::within(level, position / 256, self.size)?;
        let start = usize::try_from(position % 256).ok()?;
        let end = start.checked_add(usize::try_from(power(above)?).ok()?)?;
        let hashes = self.hashes(tile)?.get(start..end)?;
        Some(merkle::root(hashes).root)
    }

    fn hashes(&mut self, tile: Tile) -> Option<&[Digest]> {
        if !self.read.contains_key(&tile) {
            self.read.insert(tile, tile.hashes(&self.tiles.tile(tile)?)?);
        }
        self.read.get(&tile).map(Vec::as_slice)
    }
}
