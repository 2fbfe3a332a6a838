//! Append-only Merkle trees: a short head for a long list, and short proofs about it.
//!
//! ```text
//! leaf(d)     = SHA-256(0x00 ‖ d)
//! node(l, r)  = SHA-256(0x01 ‖ l ‖ r)
//! root(D[n])  = node(root(D[0..k]), root(D[k..n])), k the largest power of two below n; root() = SHA-256()
//! ```
//!
//! RFC 6962 §2.1, proofs as in RFC 9162 §2.1.3 and §2.1.4. Pure, and safe on hostile input: sizes up to 2⁶⁴ − 1 take at
//! most 64 steps.
#![deny(clippy::arithmetic_side_effects)]

mod consistency;
mod inclusion;
mod tree;

pub use consistency::{prove_consistency, verify_consistency};
pub use inclusion::{prove_inclusion, verify_inclusion};
pub(crate) use tree::node_hash;
pub use tree::{Frontier, Head, leaf_hash, root};

/// A proof does not lead to the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead to the head")]
#[non_exhaustive]
pub struct NotProven;
