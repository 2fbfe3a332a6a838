//! What an auditor keeps of an audit, to go on from it the next time.
//!
//! ```text
//! state = "CVAS" ‖ 1 ‖ { 0 vault, 1 its key, 2 head of the log, 3 [ { 0 owner, 1 head }, … ] } ‖ SHA-256("audit state" ‖ all before)
//! ```
//!
//! The streams are in the order of their owners, each once, none empty.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Magic, Malformed, wire},
    crypto::{Label, VerifyingKey, kdf::digest},
    event::Principal,
    id::VaultId,
    limits::STATE_STREAMS_MAX,
    log::OwnerHead,
    merkle::Head,
};

const MAGIC: Magic = Magic(*b"CVAS", 1);

/// What an audit without findings leaves: how far the log and each stream were verified.
///
/// # Security
/// It says whose signatures need not be looked at again, and so it is the auditor's own and stays with him: who can write it can
/// hide what was done before it. Its digest finds a damaged file, and no forger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(Kept);

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Kept {
    #[n(0)]
    vault: VaultId,
    #[n(1)]
    vault_key: VerifyingKey,
    #[n(2)]
    log: Head,
    #[n(3)]
    streams: Vec<OwnerHead>,
}

wire! { Kept: "audit state", 256 + 128 * STATE_STREAMS_MAX; }

impl State {
    /// The longest file there is, in bytes.
    pub const BYTES_MAX: usize = 512 + 128 * STATE_STREAMS_MAX;

    /// Of the streams of an export that was verified; nothing if there are more than a state holds.
    pub(super) fn new(
        (vault, vault_key, log): (VaultId, VerifyingKey, Head),
        heads: Vec<(Principal, Head)>,
    ) -> Option<Self> {
        let mut streams: Vec<OwnerHead> = heads
            .into_iter()
            .filter(|(_, head)| head.size > 0)
            .map(|(owner, head)| OwnerHead { owner, head })
            .collect();
        streams.sort_unstable_by_key(|stream| stream.owner);
        (streams.len() <= STATE_STREAMS_MAX).then_some(Self(Kept { vault, vault_key, log, streams }))
    }

    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = codec::frame(MAGIC, &self.0);
        let sum = digest(Label::AuditState, &[&bytes]);
        bytes.extend_from_slice(sum.as_bytes());
        bytes
    }

    /// Reads [`Self::to_bytes`] back.
    ///
    /// # Errors
    /// [`Malformed`] if they are damaged, or not a state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = Malformed("audit state");
        let (framed, sum) = bytes.split_last_chunk::<32>().ok_or(malformed)?;
        if digest(Label::AuditState, &[framed]).as_bytes() != sum {
            return Err(malformed);
        }
        let kept: Kept = codec::unframe(MAGIC, framed)?;
        let in_order = kept.streams.is_sorted_by(|one, other| one.owner < other.owner);
        let are_sound = in_order && kept.streams.iter().all(|stream| stream.head.size > 0);
        if are_sound { Ok(Self(kept)) } else { Err(malformed) }
    }

    /// The head of the log when it was kept.
    #[must_use]
    pub const fn log(&self) -> Head {
        self.0.log
    }

    /// Whether it is of this vault, under this key.
    pub(super) fn is_of(&self, vault: VaultId, key: &VerifyingKey) -> bool {
        self.0.vault == vault && self.0.vault_key == *key
    }

    /// How far a stream was verified.
    pub(super) fn head(&self, of: Principal) -> Option<Head> {
        let found = self.0.streams.binary_search_by_key(&of, |stream| stream.owner).ok();
        found.and_then(|index| self.0.streams.get(index)).map(|stream| stream.head)
    }

    /// The streams that were verified.
    pub(super) fn owners(&self) -> impl Iterator<Item = Principal> {
        self.0.streams.iter().map(|stream| stream.owner)
    }
}
