//! Epochs: one leaf of the log for each moment at which all streams' heads were put down.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Malformed, wire},
    crypto::VerifyingKey,
    id::{Digest, VaultId},
    log::{KeyName, NoteVerifier, SignedCheckpoint, Unverified},
    merkle::{Head, leaf_hash},
    time::Timestamp,
};

/// What the log says of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogEpoch {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// Which epoch, from zero: its position in the log.
    #[n(1)]
    pub number: u64,
    /// When it ended, by the custodian's clock.
    #[n(2)]
    pub at: Timestamp,
    /// The heads map has 2 to this power buckets.
    #[n(3)]
    pub depth: u8,
    /// The root of the heads map.
    #[n(4)]
    pub map: Digest,
    /// How many streams it holds.
    #[n(5)]
    pub owners: u64,
    /// How many events they hold together.
    #[n(6)]
    pub events: u64,
    /// How many batches the store had committed when it began to be put down.
    #[n(7)]
    pub generation: u64,
}

wire! { LogEpoch: "epoch of the log", 256; }

impl LogEpoch {
    /// The leaf's hash in the log.
    #[must_use]
    pub fn hash(&self) -> Digest {
        leaf_hash(&codec::encode(self))
    }
}

/// The origin of a vault's checkpoints: what names the log, for all time.
///
/// # Errors
/// None that occur: an id in hexadecimal is a name.
pub fn origin(vault: VaultId) -> Result<KeyName, Malformed> {
    KeyName::parse(&format!("casevault/{}", vault.to_hex()))
}

/// The head that a vault's checkpoint signs.
///
/// # Errors
/// [`Unverified`] if it is no checkpoint of this vault's, under this key.
pub fn open_checkpoint(note: &str, vault: VaultId, key: &VerifyingKey) -> Result<Head, Unverified> {
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())?;
    let verified = checkpoint.verify(&NoteVerifier::new(origin(vault)?, *key))?;
    Ok(verified.head)
}
