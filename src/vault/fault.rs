//! Why the custodian did not do something, for itself; the other side hears a [`Refusal`].

use crate::{
    access::Denial,
    codec::Malformed,
    custodian::Refusal,
    id::{FolderId, PartyId},
    store::StoreError,
    vault::{host::HostError, tables::Foreign},
};

/// Why not.
#[derive(Debug)]
pub(super) enum Fault {
    /// Not permitted: for the log, why, and what little is known of who wanted what.
    Denied(Denial, Option<PartyId>, Option<FolderId>),
    /// Someone else wrote to the folder meanwhile.
    Conflict,
    /// The submission contradicts itself, or what it rests on.
    Malformed,
    /// A stored row is not what this vault wrote.
    Damaged,
    /// The store failed.
    Store(StoreError),
    /// The host failed.
    Host(HostError),
    /// Another process is at work on the log.
    Leased,
    /// The vault is open for salvage.
    ReadOnly,
}

impl Fault {
    /// What the other side hears.
    pub(super) const fn refusal(&self) -> Refusal {
        match self {
            Self::Denied(..) => Refusal::Denied,
            Self::Conflict | Self::Leased => Refusal::Conflict,
            Self::Malformed => Refusal::Malformed,
            Self::Damaged | Self::Store(_) | Self::Host(_) => Refusal::Unavailable,
            Self::ReadOnly => Refusal::ReadOnly,
        }
    }
}

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial, None, None)
    }
}

impl From<Foreign> for Fault {
    fn from(Foreign: Foreign) -> Self {
        Self::Damaged
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<HostError> for Fault {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}
