//! What can go wrong when a vault is made, opened or closed.

use crate::{
    crypto::NoRandomness,
    store::StoreError,
    time::Timestamp,
    vault::{fault::Fault, host::HostError},
};

/// Why a vault was not made, opened or closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The anchor is missing, or not this vault's.
    #[error("the host's anchor is missing or not this vault's: bring the right host directory, or salvage")]
    Anchor,
    /// A stored row is not what this vault wrote.
    #[error("the store holds what this vault did not write: keep it as evidence, and restore a backup")]
    Damaged,
    /// The store holds a vault already.
    #[error("the store holds a vault already: open it")]
    Exists,
    /// The host failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The host keeps the anchor of another vault.
    #[error(
        "the host belongs to another vault, whose store is not this one: bring that store, or give the new vault a \
         host of its own"
    )]
    HostInUse,
    /// Another process is at work on the log, or took that work over.
    #[error("another process is making a checkpoint: it will be there when that is done")]
    Leased,
    /// The store holds no vault.
    #[error("the store holds no vault: create one, or check the path")]
    NoVault,
    /// The vault's rows are of another version of casevault.
    #[error(
        "the vault was written by a version of casevault whose rows are others: open it with that version"
    )]
    OtherFormat,
    /// The store is as far as the anchor, but grew otherwise.
    #[error(
        "the store holds another history: its log of {store} epochs does not contain the {anchor} that were anchored at \
         {at}. Bring the store that does, and keep this one as evidence; or save what is there with `Vault::salvage`; or \
         go on from it with `Vault::accept_restore`"
    )]
    OtherHistory {
        /// How many epochs the store's log has.
        store: u64,
        /// How many the anchored one had.
        anchor: u64,
        /// When that was.
        at: Timestamp,
    },
    /// The policy cannot be kept.
    #[error("the policy names no registrars, too many, cards of another role, or needs more than it names")]
    Policy,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store is older than the anchor.
    #[error(
        "the store is rolled back: it stands at generation {store}, and stood at {anchor} at {at}. Bring the newer \
         store; or save what is there with `Vault::salvage`; or go on from a backup with `Vault::accept_restore`"
    )]
    RolledBack {
        /// The store's generation.
        store: u64,
        /// The anchor's generation.
        anchor: u64,
        /// When that was.
        at: Timestamp,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host's root key is not the one this vault was made with.
    #[error("the host's root key is not the one this vault was made with: bring the right host directory")]
    WrongRoot,
}

impl VaultError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Damaged => "damaged",
            Self::Exists => "vault-exists",
            Self::Host(error) => error.code(),
            Self::HostInUse => "host-in-use",
            Self::Leased => "leased",
            Self::NoVault => "no-vault",
            Self::OtherFormat => "other-format",
            Self::OtherHistory { .. } => "other-history",
            Self::Policy => "policy",
            Self::Randomness(_) => "no-randomness",
            Self::RolledBack { .. } => "rolled-back",
            Self::Store(error) => error.code(),
            Self::WrongRoot => "wrong-root",
        }
    }
}

impl From<Fault> for VaultError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => Self::Store(error),
            Fault::Host(error) => Self::Host(error),
            Fault::Leased => Self::Leased,
            Fault::Denied(..) | Fault::Conflict | Fault::Malformed | Fault::Damaged | Fault::ReadOnly => {
                Self::Damaged
            }
        }
    }
}
