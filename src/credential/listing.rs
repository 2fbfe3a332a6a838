//! Listings: what a doctor says of himself to everybody, under a pseudonym.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{
    codec::{coded, wire},
    credential::Vouched,
    crypto::{Label, Statement},
    id::{PartyId, VaultId},
    limits::{CODING_BYTES_MAX, LANGUAGES_MAX},
    time::Timestamp,
};

coded! {
    /// For how long a doctor has practised, in bands too wide to find him by.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Experience {
        /// Not said.
        #[default]
        Unsaid = 1, "not said";
        /// Under five years.
        UnderFive = 2, "under five years";
        /// Five to fourteen.
        FiveToFourteen = 3, "five to fourteen years";
        /// Fifteen or more.
        FifteenOrMore = 4, "fifteen years or more";
    }
}

coded! {
    /// To whom a doctor says who he is, besides the registrars.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Reveal {
        /// To nobody, but by an act of his.
        #[default]
        Never = 1, "to nobody";
        /// To a patient who assigns him: his name.
        NameOnly = 2, "the name, to a patient who assigns";
        /// To a patient who assigns him: his name and his profile.
        OnAssignment = 3, "name and profile, to a patient who assigns";
    }
}

/// What a doctor says of himself to everybody. His specialties are not here: the registrars vouch for those.
///
/// # Security
/// Whoever may search reads it. A pseudonym, a coarse region and a few languages can still name someone who is the only one
/// of a kind: say less then.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Listing {
    #[n(0)]
    pub(crate) pseudonym: String,
    #[n(1)]
    pub(crate) languages: Vec<String>,
    #[n(2)]
    pub(crate) region: String,
    #[n(3)]
    pub(crate) experience: Experience,
    #[n(4)]
    pub(crate) is_listed: bool,
    #[n(5)]
    pub(crate) is_accepting: bool,
    #[n(6)]
    pub(crate) reveals: Reveal,
}

impl Listing {
    /// A listing under a pseudonym: listed, accepting new cases, telling nobody who it is.
    #[must_use]
    pub fn new(pseudonym: &str) -> Self {
        Self {
            pseudonym: pseudonym.to_owned(),
            languages: Vec::new(),
            region: String::new(),
            experience: Experience::Unsaid,
            is_listed: true,
            is_accepting: true,
            reveals: Reveal::Never,
        }
    }

    /// With a further language, as a BCP 47 tag (`"en"`, `"zh-CN"`).
    #[must_use]
    pub fn language(mut self, language: &str) -> Self {
        self.languages.push(language.to_owned());
        self
    }

    /// In a coarse region, as an ISO 3166-2 code (`"GB-SCT"`) or a country's (`"GB"`).
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    /// With so much experience.
    #[must_use]
    pub fn experience(self, experience: Experience) -> Self {
        Self { experience, ..self }
    }

    /// Whether new cases are taken: what is under way goes on.
    #[must_use]
    pub fn accepting(self, is_accepting: bool) -> Self {
        Self { is_accepting, ..self }
    }

    /// Not in the directory: only who knows the party's id finds it.
    #[must_use]
    pub fn unlisted(self) -> Self {
        Self { is_listed: false, ..self }
    }

    /// To whom one says who one is.
    #[must_use]
    pub fn reveals(self, reveals: Reveal) -> Self {
        Self { reveals, ..self }
    }

    /// The pseudonym.
    #[must_use]
    pub fn pseudonym(&self) -> &str {
        &self.pseudonym
    }

    /// The languages.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The region, or nothing.
    #[must_use]
    pub fn in_region(&self) -> &str {
        &self.region
    }

    /// The experience.
    #[must_use]
    pub const fn has_experience(&self) -> Experience {
        self.experience
    }

    /// Whether new cases are taken.
    #[must_use]
    pub const fn is_accepting(&self) -> bool {
        self.is_accepting
    }

    /// Whether it is in the directory.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// To whom the doctor says who he is.
    #[must_use]
    pub const fn will_reveal(&self) -> Reveal {
        self.reveals
    }

    /// What it is found by, with what the registrars vouch for: words in lower case, each under what it is a word for.
    #[must_use]
    pub(crate) fn terms(&self, vouched: Option<&Vouched>) -> BTreeSet<String> {
        let mut terms = BTreeSet::from([term("listed", "")]);
        for specialty in vouched.map(|vouched| vouched.specialties.as_slice()).unwrap_or_default() {
            terms.extend([specialty.code(), specialty.display()].map(|word| term("specialty", word)));
        }
        for language in &self.languages {
            terms.extend(with_wider(language).map(|word| term("language", word)));
        }
        terms.extend(with_wider(&self.region).map(|word| term("region", word)));
        terms.insert(term("experience", self.experience.word()));
        if self.is_accepting {
            terms.insert(term("accepting", ""));
        }
        terms
    }

    pub(crate) fn is_bounded(&self) -> bool {
        let is_short = |text: &String| text.len() <= CODING_BYTES_MAX;
        self.languages.len() <= LANGUAGES_MAX
            && self.languages.iter().all(is_short)
            && is_short(&self.region)
            && is_short(&self.pseudonym)
    }
}

/// A word that listings are found by.
pub(crate) fn term(of: &str, word: &str) -> String {
    format!("{of} {}", word.trim().to_lowercase())
}

/// A tag, and the wider one it begins with: a language without its region, a country without its part.
fn with_wider(tag: &str) -> impl Iterator<Item = &str> {
    let wide = tag.split_once('-').map(|(wide, _)| wide);
    [Some(tag), wide].into_iter().flatten().filter(|word| !word.is_empty())
}

/// What a doctor signs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListingStatement {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// The doctor.
    #[n(1)]
    pub party: PartyId,
    /// What is said.
    #[n(2)]
    pub listing: Listing,
    /// When.
    #[n(3)]
    pub at: Timestamp,
}

wire! { ListingStatement: "listing", 4096; }

impl Statement for ListingStatement {
    const LABEL: Label = Label::Listing;
}
