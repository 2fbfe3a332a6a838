//! Memory: what a session will not be lied to about.
//!
//! ```text
//! memory at rest = "CVMM" ‖ 1 ‖ r₃₂ ‖ AES-256-GCM(HKDF(seed, "memory" ‖ r), memory)
//! ```

use std::collections::BTreeMap;

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, Magic, wire},
    credential::Trust,
    crypto::{Label, Random, aead::OneUseKey},
    error::{Error, Tampering},
    folder::Epoch,
    id::{Digest, FolderId, PartyId},
    merkle::{Frontier, Head},
    party::Keyring,
};

/// Whom a session trusts and what it has seen; the host saves it and hands it back at sign-in.
///
/// # Security
/// Without it a session believes the first answer it gets, and cannot tell an old state from the present one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Memory {
    #[n(0)]
    pub(super) trust: Option<Trust>,
    /// The digests of cards, as first seen.
    #[n(1)]
    pub(super) cards: BTreeMap<PartyId, Digest>,
    /// The newest verified heads of folders.
    #[n(2)]
    pub(super) heads: BTreeMap<FolderId, Head>,
    /// The party's own stream, as far as it was verified.
    #[n(3)]
    pub(super) stream: Frontier,
    /// What that stream says of the party's own folders: the present epoch, and the grants of its key.
    #[n(4)]
    pub(super) granted: BTreeMap<FolderId, Keyholders>,
    /// The newest head of that stream that a receipt promised.
    #[n(5)]
    pub(super) promised: Option<Head>,
}

/// Who holds the key of a folder's present epoch, as digests of the grants' statements.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Keyholders {
    #[n(0)]
    pub(super) epoch: Epoch,
    #[n(1)]
    pub(super) grants: Vec<Digest>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Sealed {
    #[cbor(n(0), with = "minicbor::bytes")]
    random: [u8; 32],
    #[n(1)]
    body: ByteVec,
}

/// A million folders, readers and cards.
const BYTES_MAX: usize = 256 * 1024 * 1024;

wire! { Memory: "memory", BYTES_MAX; Sealed: "memory", BYTES_MAX; }

const MAGIC: Magic = Magic(*b"CVMM", 1);

impl Memory {
    /// Nothing known yet: the vault and its registrars are pinned at the first answer.
    #[must_use]
    pub fn first_use() -> Self {
        Self::default()
    }

    /// The vault and its registrars are known out of band.
    #[must_use]
    pub fn trusting(trust: Trust) -> Self {
        Self { trust: Some(trust), ..Self::default() }
    }

    /// Opens a saved memory.
    ///
    /// # Errors
    /// [`Tampering::Memory`] if it is another keyring's, or was changed.
    pub fn open(bytes: &[u8], keyring: &Keyring) -> Result<Self, Error> {
        let wrong = |_| Tampering::Memory;
        let Sealed { random, body } = codec::unframe(MAGIC, bytes).map_err(wrong)?;
        let plain = memory_key(keyring, &random).open(&MAGIC.0, &body).or(Err(Tampering::Memory))?;
        Ok(codec::decode(&plain).map_err(wrong)?)
    }

    /// Seals it for keeping.
    #[must_use]
    pub fn seal(&self, keyring: &Keyring, random: &mut Random) -> Vec<u8> {
        let random = random.bytes();
        let body = memory_key(keyring, &random).seal(&MAGIC.0, &codec::encode(self)).into();
        codec::frame(MAGIC, &Sealed { random, body })
    }

    /// Keeps a head, which must be no older than the one kept.
    pub(super) fn keep_head(&mut self, folder: FolderId, head: Head) {
        let known = self.heads.entry(folder).or_insert(head);
        if head.size >= known.size {
            *known = head;
        }
    }

    /// Whether the card with this digest is the one first seen under this id; from now on it is.
    pub(super) fn pin(&mut self, party: PartyId, card: Digest) -> Result<(), Error> {
        if *self.cards.entry(party).or_insert(card) == card { Ok(()) } else { Err(Tampering::Card.into()) }
    }
}

fn memory_key(keyring: &Keyring, random: &[u8; 32]) -> OneUseKey {
    OneUseKey::new(keyring.derive_own(Label::Memory, &[random]))
}
