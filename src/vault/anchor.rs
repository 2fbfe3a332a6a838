//! The anchor: the vault's signed word, kept outside the store, on how far the store had come.

use std::sync::PoisonError;

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Magic, wire},
    crypto::{Label, Signed, Statement, VerifyingKey},
    id::VaultId,
    time::Timestamp,
    vault::{Vault, VaultError},
};

/// What an anchor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Anchor {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// How many batches the store had committed.
    #[n(1)]
    pub generation: u64,
    /// When.
    #[n(2)]
    pub at: Timestamp,
}

wire! { Anchor: "anchor", 128; }

impl Statement for Anchor {
    const LABEL: Label = Label::Anchor;
}

const MAGIC: Magic = Magic(*b"CVAN", 1);

impl Anchor {
    /// Reads an anchor, if this vault signed it.
    ///
    /// # Errors
    /// [`VaultError::Anchor`] if it did not, or the bytes are no anchor.
    pub fn read(bytes: &[u8], vault: VaultId, key: &VerifyingKey) -> Result<Self, VaultError> {
        let signed: Signed<Self> = codec::unframe(MAGIC, bytes).map_err(|_damaged| VaultError::Anchor)?;
        let anchor = signed.verify(key).map_err(|_forged| VaultError::Anchor)?;
        if anchor.vault == vault { Ok(anchor) } else { Err(VaultError::Anchor) }
    }
}

/// Milliseconds between two anchors, at the least.
const PERIOD_MS: u64 = 1000;

impl Vault {
    /// Keeps an anchor, if the last is a second old.
    pub(super) fn anchor_if_due(&self) {
        let now = self.clock.now();
        let Ok(mut last) = self.anchored.try_lock() else { return };
        if now.as_ms() < last.as_ms().saturating_add(PERIOD_MS) && now >= *last {
            return;
        }
        *last = now;
        if let Err(error) = self.keep_anchor(now) {
            tracing::warn!(code = error.code(), "the anchor could not be kept");
        }
    }

    /// Keeps an anchor now.
    pub(super) fn anchor(&self) -> Result<(), VaultError> {
        let now = self.clock.now();
        let mut last = self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        *last = now;
        self.keep_anchor(now)
    }

    /// Keeps the anchor of a vault that is about to be made.
    ///
    /// Where a making did not end, there may be one already; another vault's is further than a store without a vault.
    pub(super) fn first_anchor(&self) -> Result<(), VaultError> {
        if let Some(bytes) = self.host.anchor()? {
            let signed: Signed<Anchor> =
                codec::unframe(MAGIC, &bytes).map_err(|_damaged| VaultError::HostInUse)?;
            let anchor = signed.claims().map_err(|_damaged| VaultError::HostInUse)?;
            if anchor.generation > self.shelves.store.generation()? {
                return Err(VaultError::HostInUse);
            }
        }
        self.anchor()
    }

    fn keep_anchor(&self, at: Timestamp) -> Result<(), VaultError> {
        let generation = self.shelves.store.generation()?;
        let anchor = self.sign(&Anchor { vault: self.id, generation, at });
        Ok(self.host.keep_anchor(&codec::frame(MAGIC, &anchor))?)
    }

    /// Whether the store is as far as the host's anchor says it was.
    pub(super) fn check_anchor(&self) -> Result<(), VaultError> {
        let generation = self.shelves.store.generation()?;
        let bytes = self.host.anchor()?.ok_or(VaultError::Anchor)?;
        let anchor = Anchor::read(&bytes, self.id, &self.signer.verifying_key())?;
        if generation < anchor.generation {
            return Err(VaultError::RolledBack {
                store: generation,
                anchor: anchor.generation,
                at: anchor.at,
            });
        }
        Ok(())
    }
}
