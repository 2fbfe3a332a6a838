//! Epochs: the reign of one folder key.

use minicbor::{Decode, Encode};

use crate::{
    crypto::{Label, kdf::digest},
    folder::FolderKind,
    id::{FolderId, PartyId, VaultId},
};

/// The id of a folder that is no Case: it vouches for the owner, so that nobody begins a folder under another's id.
#[must_use]
pub fn owned_folder(vault: VaultId, owner: PartyId, kind: FolderKind, nonce: [u8; 16]) -> FolderId {
    let parts: [&[u8]; 4] = [vault.as_bytes(), owner.as_bytes(), &[kind.code()], &nonce];
    FolderId::from_bytes(*digest(Label::FolderId, &parts).as_bytes())
}

/// The number of an epoch, from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Epoch(#[n(0)] u32);

impl Epoch {
    /// The epoch a folder begins with.
    pub const FIRST: Self = Self(1);

    /// The epoch with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before it, if there was one.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        if self.0 > 1 { Some(Self(self.0.saturating_sub(1))) } else { None }
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One epoch of one folder of one vault: the place a folder key is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochOf {
    /// The vault.
    pub vault: VaultId,
    /// The folder.
    pub folder: FolderId,
    /// The epoch.
    pub epoch: Epoch,
}

impl EpochOf {
    /// `vault ‖ folder ‖ epoch`, each of fixed length.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let Self { vault, folder, epoch } = self;
        [vault.as_bytes().as_slice(), folder.as_bytes(), &epoch.number().to_be_bytes()].concat()
    }
}
