//! A case, as a session names it.

use crate::{
    consent::{GrantStatement, Terms},
    custodian::MyFolder,
    folder::FolderKind,
    id::FolderId,
    session::exchange::From,
};

/// A folder one may open: one's own, or one that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub(super) folder: FolderId,
    pub(super) kind: FolderKind,
    pub(super) granted: Option<MyFolder>,
    pub(super) identity: Option<MyFolder>,
    pub(super) is_closed: bool,
}

impl Case {
    pub(super) const fn own(folder: FolderId, kind: FolderKind) -> Self {
        Self { folder, kind, granted: None, identity: None, is_closed: false }
    }

    /// The folder's id: random to whoever does not hold the key, and the case's pseudonym.
    #[must_use]
    pub const fn id(&self) -> FolderId {
        self.folder
    }

    /// What the folder is for.
    #[must_use]
    pub const fn kind(&self) -> FolderKind {
        self.kind
    }

    /// Under which terms it was granted; none for one's own.
    #[must_use]
    pub fn terms(&self) -> Option<Terms> {
        self.granted.map(|granted| granted.statement.terms)
    }

    /// Whether the patient's identity came with it.
    #[must_use]
    pub const fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether it was closed when it was listed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// As whom one hands something in that is about it.
    pub(super) const fn sender(&self) -> From {
        if self.granted.is_some() { From::Other } else { From::Owner }
    }

    pub(super) fn statement(&self) -> Option<GrantStatement> {
        self.granted.map(|granted| granted.statement)
    }
}
