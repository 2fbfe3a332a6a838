//! What can go wrong in a store.

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An expectation did not hold: nothing was written.
    #[error("a row is not as expected: nothing was written; read again, and repeat")]
    Conflict,
    /// What was read cannot be what was written.
    #[error("the store is damaged: stop, keep it as evidence, and restore a backup")]
    Corrupt,
    /// The directory holds files that are not a store of this format.
    #[error("the directory is not a store of this version: check the path, or use the version that made it")]
    ForeignFormat,
    /// The disk failed, or is full.
    #[error("the disk failed or is full: it is not known whether the last batch was written; reopen the store")]
    Io(#[source] std::io::Error),
    /// A key is longer than a key may be, or names the store's own rows.
    #[error("a key is too long, or reserved: this is a fault in the program")]
    Key,
    /// Another process, or another part of this one, has the store open.
    #[error("the store is open elsewhere: close it there; one process at a time")]
    Locked,
    /// A batch touches more than one place without saying so.
    #[error("a batch touches several places: this is a fault in the program")]
    Places,
    /// An earlier write failed: what is on disk is not known until the store is opened again.
    #[error("an earlier write failed: close the store and open it again")]
    Poisoned,
    /// There are files the engine never syncs.
    #[error("the store's blobs directory is not empty: it was written by another program; restore a backup")]
    StrayBlobs,
    /// A value is above [`VALUE_BYTES_MAX`](crate::limits::VALUE_BYTES_MAX).
    #[error("a value is too large for a row: this is a fault in the program")]
    ValueTooLarge,
}

impl StoreError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Conflict => "store-conflict",
            Self::Corrupt => "store-corrupt",
            Self::ForeignFormat => "store-foreign-format",
            Self::Io(_) => "store-io",
            Self::Key => "store-key",
            Self::Locked => "store-locked",
            Self::Places => "store-places",
            Self::Poisoned => "store-poisoned",
            Self::StrayBlobs => "store-stray-blobs",
            Self::ValueTooLarge => "store-value-too-large",
        }
    }
}
