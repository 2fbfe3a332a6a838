//! What a decision looks at.

use crate::{consent::Terms, credential::Standing, folder::FolderKind, party::Role, time::Timestamp};

/// How the actor stands to the data it wants to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capacity {
    /// A vetted checker of streams.
    Auditor,
    /// Whom the policy names to run the public area.
    Curator,
    /// It is the actor's own.
    Owner,
    /// It was granted to the actor.
    Reader(GrantFacts),
    /// One of the policy's registrars.
    Registrar,
    /// None of these.
    Stranger,
}

/// What is known of the grant an actor relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantFacts {
    /// Its terms.
    pub terms: Terms,
    /// Whether it is of the folder's present epoch.
    pub is_current: bool,
    /// Whether it names the card that signed.
    pub is_same_card: bool,
    /// Whether the actor is attested now; a registrar vouches for itself.
    pub is_attested: bool,
    /// For an Identity granted with a Case: whether that Case's own grant still holds.
    pub is_backed: bool,
    /// For a grant to vet: whether the vetting is over.
    pub is_vetted: bool,
}

/// What is known of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderFacts {
    /// What it is for.
    pub kind: FolderKind,
    /// Whether nothing is to be added.
    pub is_closed: bool,
    /// Whether nothing was done in it for so long that nothing is to be added.
    pub is_lapsed: bool,
}

/// All that a decision looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The custodian's time.
    pub now: Timestamp,
    /// The time the actor says it is.
    pub claimed: Timestamp,
    /// How the actor stands to the data.
    pub capacity: Capacity,
    /// The folder, if one is touched.
    pub folder: Option<FolderFacts>,
    /// How the actor stands.
    pub standing: Standing,
}

/// Who is to be granted something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker {
    /// In which role.
    pub role: Role,
    /// Whether attested now; the owner need not be.
    pub is_attested: bool,
    /// Whether a Case's grant to the same reader stands beside it, under the same terms.
    pub is_assignment: bool,
    /// How the reader stands.
    pub standing: Standing,
    /// Whether the reader takes this: new cases are taken and this owner is not shut out, or it is under way already.
    pub is_willing: bool,
}
