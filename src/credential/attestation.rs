//! Attestations: this card, this role, until then.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    credential::{CheckList, Coding, PersonId},
    crypto::{Label, Signed, Statement, kdf::digest},
    id::{Digest, PartyId, VaultId},
    limits::{PERSONS_MAX, REGISTRARS_MAX, SPECIALTIES_MAX, TEXT_BYTES_MAX},
    party::Role,
    time::{Timestamp, days},
};

/// What a registrar is about to attest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    pub(crate) role: Role,
    pub(crate) specialties: Vec<Coding>,
    pub(crate) jurisdiction: String,
    pub(crate) evidence: Option<Digest>,
    pub(crate) checks: Option<CheckList>,
    pub(crate) persons: Vec<PersonId>,
    pub(crate) succeeds: Option<PartyId>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Attestation {
    const fn of(role: Role, specialties: Vec<Coding>) -> Self {
        Self {
            role,
            specialties,
            jurisdiction: String::new(),
            evidence: None,
            checks: None,
            persons: Vec::new(),
            succeeds: None,
            from: None,
            until: None,
        }
    }

    /// A qualified doctor, with a specialty: words, or a [`Coding`].
    #[must_use]
    pub fn doctor(specialty: impl Into<Coding>) -> Self {
        Self::of(Role::Doctor, vec![specialty.into()])
    }

    /// A real patient.
    #[must_use]
    pub fn patient() -> Self {
        Self::of(Role::Patient, Vec::new())
    }

    /// Someone who may check the vault's streams.
    #[must_use]
    pub fn auditor() -> Self {
        Self::of(Role::Auditor, Vec::new())
    }

    /// Someone who may run the public area, if the policy names the card.
    #[must_use]
    pub fn curator() -> Self {
        Self::of(Role::Curator, Vec::new())
    }

    /// A further specialty.
    #[must_use]
    pub fn specialty(mut self, specialty: impl Into<Coding>) -> Self {
        self.specialties.push(specialty.into());
        self
    }

    /// Where the licence holds.
    #[must_use]
    pub fn jurisdiction(self, jurisdiction: &str) -> Self {
        Self { jurisdiction: jurisdiction.to_owned(), ..self }
    }

    /// The salted digest of the papers that were seen, where no check list is kept here.
    #[must_use]
    pub fn evidence(self, evidence: Digest) -> Self {
        Self { evidence: Some(evidence), ..self }
    }

    /// What was looked at: kept sealed for the registrars, its digest in the attestation.
    #[must_use]
    pub fn checks(self, checks: CheckList) -> Self {
        Self { evidence: Some(checks.digest()), checks: Some(checks), ..self }
    }

    /// The person this is, by an identifier of an authority: nobody has two live cards of one role.
    #[must_use]
    pub fn person(mut self, person: PersonId) -> Self {
        self.persons.push(person);
        self
    }

    /// The card that this person had before, whose standing goes on with this one.
    #[must_use]
    pub fn succeeding(self, party: PartyId) -> Self {
        Self { succeeds: Some(party), ..self }
    }

    /// From when it holds; at once, if nothing is said.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Until when it holds; a year, if nothing is said.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    pub(crate) fn ends(&self, from: Timestamp) -> Timestamp {
        self.until.unwrap_or_else(|| from.plus(days(365)))
    }

    /// Whether the formats take it.
    pub(crate) fn is_bounded(&self) -> bool {
        self.specialties.len() <= SPECIALTIES_MAX
            && self.specialties.iter().all(Coding::is_bounded)
            && self.persons.len() <= PERSONS_MAX
            && self.jurisdiction.len() <= TEXT_BYTES_MAX
            && self.checks.as_ref().is_none_or(CheckList::is_bounded)
    }
}

/// What a registrar signs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AttestationStatement {
    /// The vault in which it holds.
    #[n(0)]
    pub vault: VaultId,
    /// Whom it is about.
    #[n(1)]
    pub subject: PartyId,
    /// The digest of the subject's card: this one and no other.
    #[n(2)]
    pub card: Digest,
    /// As what.
    #[n(3)]
    pub role: Role,
    /// A doctor's first specialty in words, or nothing.
    #[n(4)]
    pub specialty: String,
    /// Where the licence holds, or nothing.
    #[n(5)]
    pub jurisdiction: String,
    /// The salted digest of the papers that were seen.
    #[n(6)]
    pub evidence: Option<Digest>,
    /// Who attests.
    #[n(7)]
    pub registrar: PartyId,
    /// From when.
    #[n(8)]
    pub from: Timestamp,
    /// Until when, not included.
    #[n(9)]
    pub until: Timestamp,
    /// When it was signed; before this was said, that is when it began.
    #[n(10)]
    pub at: Option<Timestamp>,
    /// A doctor's specialties, with their codes.
    #[cbor(n(11), default, skip_if = "Vec::is_empty")]
    pub specialties: Vec<Coding>,
    /// The tags of the person: nobody has two live cards of one role.
    #[cbor(n(12), default, skip_if = "Vec::is_empty")]
    pub persons: Vec<Digest>,
    /// The card this person had before.
    #[n(13)]
    pub succeeds: Option<PartyId>,
}

wire! {
    AttestationStatement: "attestation", 3072;
    Attestations: "attestations", 3200 * REGISTRARS_MAX;
}

impl Statement for AttestationStatement {
    const LABEL: Label = Label::Attestation;
}

impl AttestationStatement {
    /// When it was signed.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.at.unwrap_or(self.from)
    }

    /// A doctor's specialties: words alone, where there are no codes.
    pub(crate) fn all_specialties(&self) -> Vec<Coding> {
        if self.specialties.is_empty() && !self.specialty.is_empty() {
            vec![Coding::text(&self.specialty)]
        } else {
            self.specialties.clone()
        }
    }
}

/// The attestations of one card, by different registrars.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Attestations(#[n(0)] pub Vec<Signed<AttestationStatement>>);

impl Attestations {
    /// The digest by which a grant names what it relied on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::Attested, &[&codec::encode(self)])
    }
}
