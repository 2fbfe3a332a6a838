//! Memory: what a session will not be lied to about.
//!
//! ```text
//! memory at rest = "CVMM" ‖ 1 ‖ r₃₂ ‖ AES-256-GCM(HKDF(seed, "memory" ‖ r), memory)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode, bytes::ByteVec};
use zeroize::Zeroizing;

use crate::{
    codec::{self, Magic, wire},
    credential::Trust,
    crypto::{Label, Random, aead::OneUseKey},
    error::{Error, Tampering},
    folder::{Epoch, FolderKind},
    id::{Digest, FolderId, PartyId},
    merkle::{Frontier, Head},
    party::Keyring,
    time::Timestamp,
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
    /// What was seen of the folders of others.
    #[n(2)]
    pub(super) seen: BTreeMap<FolderId, Seen>,
    /// The party's own stream, as far as it was verified.
    #[n(3)]
    pub(super) stream: Frontier,
    /// What that stream says of the party's own folders.
    #[n(4)]
    pub(super) own: BTreeMap<FolderId, Own>,
    /// Heads of that stream that receipts promised and that were not yet met.
    #[n(5)]
    pub(super) promised: Vec<Head>,
    /// Events of the party's own that were accepted, and not yet met in that stream.
    #[n(6)]
    pub(super) accepted: Vec<Digest>,
    /// The newest generation of the registrars' key that was seen.
    #[n(7)]
    pub(super) registry: Option<u32>,
    /// A doctor's own listing, by his stream.
    #[n(8)]
    pub(super) listing: Option<Digest>,
    /// The cases whose patients the doctor has told who he is.
    #[cbor(n(9), default, skip_if = "BTreeSet::is_empty")]
    pub(super) revealed: BTreeSet<FolderId>,
    /// When a registrar last refused to attest this party.
    #[n(11)]
    pub(super) refused: Option<Timestamp>,
    /// The newest head of the vault's log that was seen.
    #[n(12)]
    pub(super) log: Option<Head>,
    /// Cards that were offered in the place of pinned ones, and not taken.
    #[cbor(n(10), default, skip_if = "BTreeMap::is_empty")]
    pub(super) offered: BTreeMap<PartyId, Digest>,
    /// A curator's: the releases, as far as it made or read them.
    #[cbor(n(20), default, skip_if = "is_nothing")]
    pub(super) releases: Frontier,
}

fn is_nothing(frontier: &Frontier) -> bool {
    frontier.size() == 0
}

/// How far a folder of another's was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Seen {
    #[n(0)]
    pub(super) head: Head,
    #[n(1)]
    pub(super) epoch: Epoch,
}

/// What the party's stream says of one of its folders.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Own {
    #[n(0)]
    pub(super) kind: FolderKind,
    /// What its key or its id is derived with.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) nonce: [u8; 16],
    /// The present epoch; none before the first.
    #[n(2)]
    pub(super) epoch: Epoch,
    /// The statements of that epoch's grants, the owner's included.
    #[n(3)]
    pub(super) grants: Vec<Digest>,
    /// Its list, as far as writes in the stream have taken it.
    #[n(4)]
    pub(super) head: Head,
    #[n(5)]
    pub(super) is_closed: bool,
    /// When something was last written or granted.
    #[n(6)]
    pub(super) touched: Option<Timestamp>,
    /// A Case: the digest of what is shared of it with the public area.
    #[n(10)]
    pub(super) shared: Option<Digest>,
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
        Ok(codec::decode(&Zeroizing::new(plain)).map_err(wrong)?)
    }

    /// Seals it for keeping.
    #[must_use]
    pub fn seal(&self, keyring: &Keyring, random: &mut Random) -> Vec<u8> {
        let random = random.bytes();
        let plain = Zeroizing::new(codec::encode(self));
        let body = memory_key(keyring, &random).seal(&MAGIC.0, &plain).into();
        codec::frame(MAGIC, &Sealed { random, body })
    }

    /// How far a folder was seen: one's own by the stream and by opening it, another's by opening it.
    pub(super) fn seen(&self, folder: FolderId) -> Option<Seen> {
        let opened = self.seen.get(&folder).copied();
        let Some(own) = self.own.get(&folder) else { return opened };
        let streamed = Seen { head: own.head, epoch: own.epoch };
        Some(
            opened.filter(|opened| opened.head.size > streamed.head.size).map_or(streamed, |opened| Seen {
                head: opened.head,
                epoch: opened.epoch.max(streamed.epoch),
            }),
        )
    }

    /// Keeps how far a folder was seen, which goes no way back.
    pub(super) fn keep_seen(&mut self, folder: FolderId, head: Head, epoch: Epoch) {
        let known = self.seen.entry(folder).or_insert(Seen { head, epoch });
        known.epoch = known.epoch.max(epoch);
        if head.size >= known.head.size {
            known.head = head;
        }
    }

    /// Whether the card with this digest is the one first seen under this id; from now on it is.
    pub(super) fn pin(&mut self, party: PartyId, card: Digest) -> Result<(), Error> {
        if *self.cards.entry(party).or_insert(card) == card {
            return Ok(());
        }
        self.offered.insert(party, card);
        Err(Tampering::Card.into())
    }
}

fn memory_key(keyring: &Keyring, random: &[u8; 32]) -> OneUseKey {
    OneUseKey::new(keyring.derive_own(Label::Memory, &[random]))
}
