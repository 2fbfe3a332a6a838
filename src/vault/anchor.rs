//! The anchor: the vault's signed word, kept outside the store, on how far the store had come.

use std::sync::PoisonError;

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Magic, wire},
    crypto::{Label, Signed, Statement, VerifyingKey},
    id::VaultId,
    log::tiles,
    merkle::{Head, verify_consistency},
    time::Timestamp,
    vault::{Vault, VaultError, fault::Fault, rows::LogRow, tiles::StoredTiles},
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
    /// The head of the log; none before its first epoch, and in anchors of before this was kept.
    #[n(3)]
    pub log: Option<Head>,
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

/// Milliseconds between two anchors, at the least; an epoch of the log does not wait for them.
const PERIOD_MS: u64 = 1000;

/// What the last anchor said that this vault kept.
#[derive(Debug)]
pub(super) struct Anchored {
    at: Timestamp,
    /// The size of the log.
    log: u64,
}

impl Anchored {
    /// Nothing was kept yet.
    pub(super) const fn nothing() -> Self {
        Self { at: Timestamp::at_ms(0), log: 0 }
    }
}

impl Vault {
    /// Keeps an anchor, if the last is a second old.
    pub(super) fn anchor_if_due(&self) {
        let now = self.clock.now();
        let Ok(mut last) = self.anchored.try_lock() else { return };
        if now.as_ms() < last.at.as_ms().saturating_add(PERIOD_MS) && now >= last.at {
            return;
        }
        last.at = now;
        if let Err(error) = self.keep_anchor(&mut last) {
            tracing::warn!(code = VaultError::from(error).code(), "the anchor could not be kept");
        }
    }

    /// Keeps an anchor now.
    pub(super) fn anchor(&self) -> Result<(), VaultError> {
        let mut last = self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        last.at = self.clock.now();
        Ok(self.keep_anchor(&mut last)?)
    }

    /// Keeps an anchor, unless one has this log: no checkpoint is shown before.
    pub(super) fn anchor_log(&self, log: &LogRow) -> Result<(), Fault> {
        let mut last = self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_read_only() || log.frontier.size() <= last.log {
            return Ok(());
        }
        last.at = self.clock.now();
        self.keep_anchor(&mut last)
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

    fn keep_anchor(&self, last: &mut Anchored) -> Result<(), Fault> {
        let (generation, log) = (self.shelves.store.generation()?, self.log()?.frontier.head());
        let log = Some(log).filter(|log| log.size > 0);
        let anchor = self.sign(&Anchor { vault: self.id, generation, at: last.at, log });
        self.host.keep_anchor(&codec::frame(MAGIC, &anchor))?;
        last.log = log.unwrap_or_default().size;
        Ok(())
    }

    /// Whether the store is as far as the host's anchor says it was, and its log the one that was anchored.
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
        let Some(anchored) = anchor.log else { return Ok(()) };
        let head = self.log()?.frontier.head();
        let stored = StoredTiles::log(self);
        let proof = tiles::prove_consistency(&stored, anchored.size, head.size);
        if let Some(fault @ Fault::Store(_)) = stored.fault() {
            return Err(fault.into());
        }
        let grows = proof.is_some_and(|proof| verify_consistency(&anchored, &head, &proof).is_ok());
        if grows {
            Ok(())
        } else {
            Err(VaultError::OtherHistory { store: head.size, anchor: anchored.size, at: anchor.at })
        }
    }
}
