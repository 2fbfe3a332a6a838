//! The transparency log, as others read it: signed notes, checkpoints, witnesses, tiles, proofs.
//!
//! ```text
//! note          text ‖ "\n" ‖ signature lines                                C2SP signed-note
//! checkpoint    a note of origin, size and root                              C2SP tlog-checkpoint
//! cosignature   a witness's line under it, with the moment                   C2SP tlog-cosignature, cosignature/v1
//! request       what a log asks a witness, and what that answers             C2SP tlog-witness, add-checkpoint
//! tiles         the tree in files of 256 hashes, the entries in bundles      C2SP tlog-tiles
//! proof         an entry's index and inclusion, with the checkpoint          C2SP tlog-proof
//! ```
//!
//! The texts are those specifications', so that whoever has a verifier for them needs nothing of ours. One value has one
//! text here too: what parses is written again byte for byte. Pure, without store or clock, and safe on hostile input.
#![deny(clippy::arithmetic_side_effects)]

mod checkpoint;
mod cosignature;
mod epochs;
mod heads;
mod key;
mod note;
mod proof;
mod text;
mod tile;
pub mod tiles;
mod whole;
mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use cosignature::{Witness, WitnessPolicy, WitnessSigner};
pub use epochs::{LogEpoch, open_checkpoint, origin};
pub use heads::{
    HeadLeaf, MapProof, OwnerHead, bucket_hash, bucket_of, bucket_root, buckets_at, depth_for, map_root,
};
pub use key::{KeyId, KeyName, NoteSigner, NoteVerifier};
pub use note::{Note, NoteSignature};
pub use proof::LogProof;
pub use tile::{Tile, bundle, entries};
pub use whole::{StreamProof, verify_history};
pub use witness::{CosignRequest, PendingCosignature, WitnessRefusal, WitnessReply, WitnessState};

use crate::{codec::Malformed, crypto::sign::BadSignature, merkle::NotProven};

/// A note, or what stands in it, is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unverified {
    /// A line of the key does not verify: the whole note is refused.
    #[error("a signature line is not by the key it names")]
    BadSignature(#[from] BadSignature),
    /// The key signed it, and it is not what such a text must be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The entry does not stand where the proof says.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The key signed a checkpoint of another log.
    #[error("the checkpoint names another log than its key does")]
    OtherLog,
    /// The key has more than one line, and would have to choose.
    #[error("a key has signed more than once")]
    Repeated,
    /// Fewer witnesses saw it than are asked for.
    #[error("not enough witnesses have seen the checkpoint")]
    TooFewWitnesses,
    /// The key has no line.
    #[error("the key has not signed")]
    Unsigned,
}
