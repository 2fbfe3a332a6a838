//! Codings: a code of a terminology, with the words people read.

use minicbor::{Decode, Encode};

use crate::limits::CODING_BYTES_MAX;

/// A code of a terminology, with its display, as FHIR's `Coding`: the caller's own, never looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Coding {
    #[n(0)]
    system: String,
    #[n(1)]
    code: String,
    #[n(2)]
    display: String,
}

impl Coding {
    /// A code of a system that is named by its URI.
    #[must_use]
    pub fn new(system: &str, code: &str, display: &str) -> Self {
        Self { system: system.to_owned(), code: code.to_owned(), display: display.to_owned() }
    }

    /// A SNOMED CT concept.
    #[must_use]
    pub fn snomed(code: &str, display: &str) -> Self {
        Self::new("http://snomed.info/sct", code, display)
    }

    /// A code of the NUCC Health Care Provider Taxonomy.
    #[must_use]
    pub fn nucc(code: &str, display: &str) -> Self {
        Self::new("http://nucc.org/provider-taxonomy", code, display)
    }

    /// Words without a code.
    #[must_use]
    pub fn text(display: &str) -> Self {
        Self::new("", "", display)
    }

    /// The system's URI; empty for words alone.
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The code; empty for words alone.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The words.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Whether it means the same: the same code of the same system, or without a code the same words.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_coded = !self.code.is_empty() || !other.code.is_empty();
        (&self.system, &self.code) == (&other.system, &other.code)
            && (is_coded || self.display == other.display)
    }

    /// Whether none of its parts is longer than a format takes.
    #[must_use]
    pub(crate) fn is_bounded(&self) -> bool {
        [&self.system, &self.code, &self.display].iter().all(|text| text.len() <= CODING_BYTES_MAX)
    }
}

impl From<&str> for Coding {
    fn from(display: &str) -> Self {
        Self::text(display)
    }
}

impl std::fmt::Display for Coding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.display.is_empty() { &self.code } else { &self.display })
    }
}
