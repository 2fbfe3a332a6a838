//! That one list is the beginning of another: RFC 9162 §2.1.4.

use crate::{
    id::Digest,
    merkle::{
        Head, NotProven, root,
        tree::{node_hash, split},
    },
};

/// The proof that the first so many leaves of this list are the older list; none if there are not so many.
#[must_use]
pub fn prove_consistency(leaves: &[Digest], old_size: u64) -> Option<Vec<Digest>> {
    let mut old = usize::try_from(old_size).ok().filter(|old| *old <= leaves.len())?;
    let (mut leaves, mut proof, mut is_whole) = (leaves, Vec::new(), true);
    if old == 0 {
        return Some(proof);
    }
    while old != leaves.len() {
        let (left, right) = split(leaves)?;
        if old <= left.len() {
            proof.push(root(right).root);
            leaves = left;
        } else {
            proof.push(root(left).root);
            old = old.checked_sub(left.len())?;
            leaves = right;
            is_whole = false;
        }
    }
    if !is_whole {
        proof.push(root(leaves).root);
    }
    proof.reverse();
    Some(proof)
}

/// Whether the list with the old head is the beginning of the list with the new one.
///
/// # Errors
/// [`NotProven`] if the proof does not say so.
pub fn verify_consistency(old: &Head, new: &Head, proof: &[Digest]) -> Result<(), NotProven> {
    let holds = if old.size > new.size {
        false
    } else if old.size == new.size {
        proof.is_empty() && old.root == new.root
    } else if old.size == 0 {
        proof.is_empty() && *old == Head::default()
    } else {
        grows(old, new, proof)
    };
    if holds { Ok(()) } else { Err(NotProven) }
}

fn grows(old: &Head, new: &Head, proof: &[Digest]) -> bool {
    let own = old.size.is_power_of_two().then_some(old.root);
    let mut path = own.iter().chain(proof);
    let (Some(mut at), Some(mut last)) = (old.size.checked_sub(1), new.size.checked_sub(1)) else {
        return false;
    };
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let Some(first) = path.next() else { return false };
    let (mut older, mut newer) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            newer = node_hash(&newer, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && older == old.root && newer == new.root
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests compute with small numbers")]
mod tests {
    use proptest::prelude::*;

    use crate::{
        id::Digest,
        merkle::{
            Frontier, Head, leaf_hash, prove_consistency, prove_inclusion, root, verify_consistency,
            verify_inclusion,
        },
    };

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    fn flipped(digest: Digest, bit: usize) -> Digest {
        let mut bytes = *digest.as_bytes();
        bytes[bit / 8 % 32] ^= 1 << (bit % 8);
        Digest::from_bytes(bytes)
    }

    /// The definition of RFC 6962 §2.1, word for word.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Head::default().root,
            [one] => *one,
            many => {
                let mut half = 1;
                while half * 2 < many.len() {
                    half *= 2;
                }
                super::node_hash(&by_definition(&many[..half]), &by_definition(&many[half..]))
            }
        }
    }

    #[test]
    fn the_published_roots_are_met() {
        // The eight inputs of the Certificate Transparency test suite, and the roots published with them.
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let hashes: Vec<Digest> = inputs.iter().map(|input| leaf_hash(input)).collect();
        let check = |size: usize, expected: &str| assert_eq!(root(&hashes[..size]).root.to_hex(), expected);
        check(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        check(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        check(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    proptest! {
        #[test]
        fn the_frontier_makes_the_root_of_the_definition(count in 0usize..300) {
            prop_assert_eq!(root(&leaves(count)).root, by_definition(&leaves(count)));
        }

        #[test]
        fn what_stands_in_a_list_is_proven_and_nothing_else(count in 1usize..300, pick in any::<usize>(), bit in any::<usize>()) {
            let leaves = leaves(count);
            let (index, head) = (pick % count, root(&leaves));
            let at = index as u64;
            let proof = prove_inclusion(&leaves, at).unwrap();
            prop_assert!(verify_inclusion(&leaves[index], at, &head, &proof).is_ok());
            prop_assert!(verify_inclusion(&flipped(leaves[index], bit), at, &head, &proof).is_err());
            prop_assert!(verify_inclusion(&leaves[index], at + 1, &head, &proof).is_err());
            for position in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[position] = flipped(wrong[position], bit);
                prop_assert!(verify_inclusion(&leaves[index], at, &head, &wrong).is_err());
            }
            let mut longer = proof.clone();
            longer.push(leaves[0]);
            prop_assert!(verify_inclusion(&leaves[index], at, &head, &longer).is_err());
        }

        #[test]
        fn a_list_that_grew_is_proven_and_a_fork_is_not(count in 1usize..300, pick in any::<usize>(), bit in any::<usize>()) {
            let leaves = leaves(count);
            let old = pick % (count + 1);
            let (older, newer) = (root(&leaves[..old]), root(&leaves));
            let proof = prove_consistency(&leaves, old as u64).unwrap();
            prop_assert!(verify_consistency(&older, &newer, &proof).is_ok());
            let fork = Head { root: flipped(older.root, bit), ..older };
            prop_assert!(verify_consistency(&fork, &newer, &proof).is_err());
            for position in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[position] = flipped(wrong[position], bit);
                prop_assert!(verify_consistency(&older, &newer, &wrong).is_err());
            }
        }

        #[test]
        fn absurd_sizes_end(size in any::<u64>(), index in any::<u64>(), length in 0usize..80) {
            let (proof, head) = (leaves(length), Head { size, ..root(&leaves(3)) });
            prop_assert!(verify_inclusion(&leaves(1)[0], index, &head, &proof).is_err() || size == 1);
            let _ended = verify_consistency(&Head { size: index, ..head }, &head, &proof);
        }

        #[test]
        fn a_frontier_comes_back_as_it_was(count in 0usize..300) {
            let mut frontier = Frontier::new();
            leaves(count).into_iter().for_each(|leaf| frontier.append(leaf));
            let bytes = minicbor::to_vec(&frontier).unwrap();
            prop_assert_eq!(minicbor::decode::<Frontier>(&bytes).unwrap(), frontier);
        }
    }
}
