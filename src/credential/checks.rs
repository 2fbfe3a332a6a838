//! Check lists: what a registrar looked at before attesting.
//!
//! ```text
//! evidence   = SHA-256("evidence" ‖ salt ‖ content)            a paper, by its bytes
//! check list = SHA-256("check list" ‖ the list, salt included)  stands in the attestation
//! ```

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, coded, wire},
    crypto::{Label, kdf::digest},
    id::Digest,
    limits::{CHECKS_MAX, DOSSIER_BYTES_MAX, TEXT_BYTES_MAX},
    time::Timestamp,
};

coded! {
    /// What was looked at.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Checked {
        /// That the person is who it says: an identity card beside a face.
        Person = 1, "person";
        /// The licence to practise.
        Licence = 2, "licence";
        /// A diploma.
        Diploma = 3, "diploma";
        /// The employer's letter.
        Employment = 4, "employment";
        /// The authority's own register.
        Register = 5, "register";
        /// Anything else: the note says what.
        Other = 6, "other";
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Check {
    /// What.
    #[n(0)]
    pub what: Checked,
    /// Whether it was found in order.
    #[n(1)]
    pub is_passed: bool,
    /// The digest of the paper, under the list's salt.
    #[n(2)]
    pub evidence: Option<Digest>,
    /// A word on it.
    #[n(3)]
    pub note: String,
}

/// What a registrar looked at, in order: kept sealed for the registrars, its digest in the attestation.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CheckList {
    #[n(0)]
    checks: Vec<Check>,
    #[cbor(n(1), with = "minicbor::bytes")]
    salt: [u8; 32],
    /// When it was begun.
    #[n(2)]
    at: Timestamp,
}

wire! { CheckList: "check list", DOSSIER_BYTES_MAX; }

impl CheckList {
    /// An empty list, with a random salt.
    #[must_use]
    pub const fn new(at: Timestamp, salt: [u8; 32]) -> Self {
        Self { checks: Vec::new(), salt, at }
    }

    /// The list with one more thing that was found in order, by the bytes of the paper.
    #[must_use]
    pub fn passed(self, what: Checked, paper: Option<&[u8]>, note: &str) -> Self {
        self.with(what, true, paper, note)
    }

    /// The list with one more thing that was not in order.
    #[must_use]
    pub fn failed(self, what: Checked, paper: Option<&[u8]>, note: &str) -> Self {
        self.with(what, false, paper, note)
    }

    fn with(mut self, what: Checked, is_passed: bool, paper: Option<&[u8]>, note: &str) -> Self {
        let evidence = paper.map(|paper| self.evidence(paper));
        self.checks.push(Check { what, is_passed, evidence, note: note.to_owned() });
        self
    }

    /// The digest of a paper under this list's salt: the same paper gives the same.
    #[must_use]
    pub fn evidence(&self, paper: &[u8]) -> Digest {
        digest(Label::Evidence, &[&self.salt, paper])
    }

    /// What was looked at.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// When it was begun.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether something was looked at and all of it was in order.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.is_passed)
    }

    /// The digest that stands in an attestation.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::CheckList, &[&codec::encode(self)])
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.checks.len() <= CHECKS_MAX && self.checks.iter().all(|check| check.note.len() <= TEXT_BYTES_MAX)
    }
}

impl std::fmt::Debug for CheckList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckList({} checks)", self.checks.len())
    }
}
