//! Attestations: this card, this role, until then.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    crypto::{Label, Signed, Statement, kdf::digest},
    id::{Digest, PartyId, VaultId},
    limits::REGISTRARS_MAX,
    party::Role,
    time::{Timestamp, days},
};

/// What a registrar is about to attest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    pub(crate) role: Role,
    pub(crate) specialty: String,
    pub(crate) jurisdiction: String,
    pub(crate) evidence: Option<Digest>,
    pub(crate) until: Option<Timestamp>,
}

impl Attestation {
    fn of(role: Role, specialty: &str) -> Self {
        Self {
            role,
            specialty: specialty.to_owned(),
            jurisdiction: String::new(),
            evidence: None,
            until: None,
        }
    }

    /// A qualified doctor, with a specialty code.
    #[must_use]
    pub fn doctor(specialty: &str) -> Self {
        Self::of(Role::Doctor, specialty)
    }

    /// A real patient.
    #[must_use]
    pub fn patient() -> Self {
        Self::of(Role::Patient, "")
    }

    /// Someone who may check the vault's streams.
    #[must_use]
    pub fn auditor() -> Self {
        Self::of(Role::Auditor, "")
    }

    /// Where the licence holds.
    #[must_use]
    pub fn jurisdiction(self, jurisdiction: &str) -> Self {
        Self { jurisdiction: jurisdiction.to_owned(), ..self }
    }

    /// The salted digest of the papers that were seen.
    #[must_use]
    pub fn evidence(self, evidence: Digest) -> Self {
        Self { evidence: Some(evidence), ..self }
    }

    /// Until when it holds; a year, if nothing is said.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    pub(crate) fn ends(&self, from: Timestamp) -> Timestamp {
        self.until.unwrap_or_else(|| from.plus(days(365)))
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
    /// A doctor's specialty code, or nothing.
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
}

wire! {
    AttestationStatement: "attestation", 1024;
    Attestations: "attestations", 1200 * REGISTRARS_MAX;
}

impl Statement for AttestationStatement {
    const LABEL: Label = Label::Attestation;
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
