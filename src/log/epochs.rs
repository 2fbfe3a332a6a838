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

/// The path of a bundle of entries, whole or so many wide.
pub(crate) fn entry_path(bundle: u64, width: u16) -> String {
    format!("tile/entries/{}", numbered(bundle, width))
}

/// The path of a tile of hashes, whole or so many wide.
#[cfg(feature = "vault")]
pub(crate) fn tile_path(level: u8, index: u64, width: u16) -> String {
    format!("tile/{level}/{}", numbered(index, width))
}

/// A number in threes, as paths bear it: `1234067` is `x001/x234/067`.
fn numbered(index: u64, width: u16) -> String {
    let mut parts = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        parts.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    parts.reverse();
    let path = parts.join("/");
    if width < 256 { format!("{path}.p/{width}") } else { path }
}
