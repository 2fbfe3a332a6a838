//! Why a policy is none.

use crate::{
    limits::{ABSTRACT_WEEKS_MAX, TEXT_BYTES_MAX},
    public::policy::Field,
};

/// Why a text, or an encoding, is no public policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The bands of age overlap, leave a gap, do not begin at nought, or only the last is not open.
    #[error(
        "grid {0}: bands of age must begin at 0, follow one another without gap or overlap, and end in an open one"
    )]
    AgeBands(u8),
    /// Ages from ninety years on are told apart.
    #[error("grid {0}: the last band of age must begin at 90 or before: who is older is told as that")]
    AgeTop(u8),
    /// The groups of chapters overlap, are empty, have no name, or name a chapter that is none.
    #[error(
        "grid {0}: groups of chapters need a name each, and chapters from 1 to 22, each in one group at most"
    )]
    Chapters(u8),
    /// There are two grids without a rule, or a rule without a second grid, or one that takes nothing.
    #[error(
        "two grids need a rule [coarser] that says by a case's own values which stands on the second; one needs none"
    )]
    Coarser,
    /// A band of age, a year or a region of the finer grid lies in two of the coarser.
    #[error(
        "the second grid must be coarser: each value of its {0} must hold whole values of the first grid's"
    )]
    CrossedGrids(Field),
    /// No epoch, or one of more than two years.
    #[error("an epoch has 1 to 24 months, or 1 to 104 weeks")]
    Epoch,
    /// None, or more than two.
    #[error("a policy has one grid or two")]
    Grids,
    /// Below eleven, or above a thousand.
    #[error("k must be 11 or more, and at most 1000: no count of 1 to 10 may be derivable")]
    K,
    /// Below three, or above k.
    #[error("l must be 3 or more, and at most k")]
    L,
    /// Empty, too long, or not of letters a–z, digits and hyphens; or version nought.
    #[error(
        "a policy needs a name of letters a to z, digits and hyphens, at most {TEXT_BYTES_MAX} long, and a version from 1 on"
    )]
    Name,
    /// Places of fewer than twenty thousand people are told.
    #[error("people_min must be 20000 or more: a place where fewer live is told by what it lies in")]
    PeopleMin,
    /// A rare value has a parent twice, or a chapter before a block.
    #[error("rare must be some of \"block\", \"chapter\", in this order")]
    Rare,
    /// A result's code, unit, bounds or bins are not as they must be; by its place.
    #[error(
        "result {0}: needs a LOINC code of its own, a name, a unit, rising bounds, and one more bin than bounds, at most 16"
    )]
    Results(usize),
    /// Nought, above one half, or not in lowest terms.
    #[error("share must be above 0 and at most 1/2, in lowest terms: no diagnosis may be most of a batch")]
    Share,
    /// Nought or above 0.4.
    #[error("t must be above 0 and at most 0.4, with at most three places")]
    T,
    /// Made for other tables than this version ships.
    #[error(
        "the policy was hashed with other tables: use the version of the crate that has them, or publish it anew"
    )]
    Tables,
    /// Not what a policy's text has: an unknown field, a missing one, a value of another kind.
    #[error("the policy's text is not what a policy has")]
    Text(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A grid that tells nothing.
    #[error("grid {0} has no quasi-identifier")]
    Untold(u8),
    /// Drugs and procedures: too many, or nought.
    #[error("a vocabulary has at most 4096 codes, and none is 0")]
    Vocabulary,
    /// Bands of weeks do not begin at nought, do not rise, or are too many.
    #[error("bands of weeks must begin at 0 and rise, and there are at most {ABSTRACT_WEEKS_MAX}")]
    Weeks,
    /// The bands of years do not divide what they span, or are too many.
    #[error(
        "grid {0}: years need from, until and every between 1700 and 2300, where every divides the span into at most 64 bands"
    )]
    Years(u8),
}

impl PolicyFault {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AgeBands(_) => "public-policy-age-bands",
            Self::AgeTop(_) => "public-policy-age-top",
            Self::Chapters(_) => "public-policy-chapters",
            Self::Coarser => "public-policy-coarser",
            Self::CrossedGrids(_) => "public-policy-crossed-grids",
            Self::Epoch => "public-policy-epoch",
            Self::Grids => "public-policy-grids",
            Self::K => "public-policy-k",
            Self::L => "public-policy-l",
            Self::Name => "public-policy-name",
            Self::PeopleMin => "public-policy-people-min",
            Self::Rare => "public-policy-rare",
            Self::Results(_) => "public-policy-results",
            Self::Share => "public-policy-share",
            Self::T => "public-policy-t",
            Self::Tables => "public-policy-tables",
            Self::Text(_) => "public-policy-text",
            Self::Untold(_) => "public-policy-untold",
            Self::Vocabulary => "public-policy-vocabulary",
            Self::Weeks => "public-policy-weeks",
            Self::Years(_) => "public-policy-years",
        }
    }
}
