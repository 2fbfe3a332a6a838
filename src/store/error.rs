//! What can go wrong in a store, and what to do next.

use std::{io, sync::Arc};

/// A store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The batch has too many rows or bytes.
    #[error("the batch is too large: write it in several")]
    BatchTooLarge,
    /// An expectation did not hold; nothing was written.
    #[error("a row changed meanwhile and nothing was written: read it again and repeat")]
    Conflict,
    /// What was read cannot be what was written.
    #[error("the store is damaged: stop, keep a copy of it as evidence, restore a backup")]
    Corrupt,
    /// The directory has files and they are not a store's.
    #[error("the directory is not a casevault store: give an empty directory or the store's own")]
    ForeignFormat,
    /// The disk or the quota is full.
    #[error("no space is left for the store: make room, then open it again")]
    Full,
    /// The operating system refused.
    #[error("the store cannot be read or written: look at the disk, then open it again")]
    Io {
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// The bytes are no key.
    #[error("the bytes are not a key: pass the bytes of a whole key")]
    KeyMalformed,
    /// Another process, or another part of this one, has the store open.
    #[error("the store is open elsewhere: close it there first")]
    Locked,
    /// A batch for one place names a second one.
    #[error("the batch touches two places: write one place at a time, or say so with `Batch::across`")]
    MixedPlaces,
    /// Another version of this program made the store.
    #[error(
        "the store has another format: open it with the version that wrote it, or restore its backup here"
    )]
    OtherFormat,
    /// An earlier call failed, so what this handle knows is not to be trusted.
    #[error("an earlier call failed: drop this store and open it again")]
    Poisoned,
    /// The place is the store's own.
    #[error("the all-zero place is the store's own: derive the place from an owner")]
    ReservedPlace,
    /// The row of a key is too long.
    #[error("the row is too long for a key: name it by a digest")]
    RowTooLong,
    /// The engine's directory for oversized pages is not empty.
    #[error("the store has files in `blobs` that were never synced: keep them as evidence, restore a backup")]
    StrayBlobs,
    /// A value is too large.
    #[error("the value is too large for one row: store it in pieces")]
    ValueTooLarge,
}

impl StoreError {
    /// A word that stays the same for ever, for logs and programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BatchTooLarge => "store-batch-too-large",
            Self::Conflict => "store-conflict",
            Self::Corrupt => "store-corrupt",
            Self::ForeignFormat => "store-foreign-format",
            Self::Full => "store-full",
            Self::Io { .. } => "store-io",
            Self::KeyMalformed => "store-key-malformed",
            Self::Locked => "store-locked",
            Self::MixedPlaces => "store-mixed-places",
            Self::OtherFormat => "store-other-format",
            Self::Poisoned => "store-poisoned",
            Self::ReservedPlace => "store-reserved-place",
            Self::RowTooLong => "store-row-too-long",
            Self::StrayBlobs => "store-stray-blobs",
            Self::ValueTooLarge => "store-value-too-large",
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        ) {
            return Self::Full;
        }
        Self::Io { source: Arc::new(error) }
    }
}
