//! That a leaf stands in a list: RFC 9162 §2.1.3.

use crate::{
    id::Digest,
    merkle::{
        Head, NotProven, root,
        tree::{node_hash, split},
    },
};

/// The proof that the leaf at an index stands in this list; none if there is no such leaf.
#[must_use]
pub fn prove_inclusion(leaves: &[Digest], index: u64) -> Option<Vec<Digest>> {
    let mut index = usize::try_from(index).ok().filter(|index| *index < leaves.len())?;
    let (mut leaves, mut proof) = (leaves, Vec::new());
    while let Some((left, right)) = split(leaves) {
        if index < left.len() {
            proof.push(root(right).root);
            leaves = left;
        } else {
            proof.push(root(left).root);
            index = index.checked_sub(left.len())?;
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Whether a leaf stands at an index of the list with this head.
///
/// # Errors
/// [`NotProven`] if the proof does not say so.
pub fn verify_inclusion(leaf: &Digest, index: u64, head: &Head, proof: &[Digest]) -> Result<(), NotProven> {
    let mut last = head.size.checked_sub(1).filter(|last| index <= *last).ok_or(NotProven)?;
    let (mut at, mut hash) = (index, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(NotProven);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == head.root { Ok(()) } else { Err(NotProven) }
}
