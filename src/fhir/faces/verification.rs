//! `VerificationResult`: by whose word someone is who the card says.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    credential::{AttestationStatement, Attestations, Coding, Trust},
    fhir::faces::element::{Element, concept, identifier, known_as, reference},
    limits::REGISTRARS_MAX,
    party::{Card, Role},
    time::Timestamp,
};

/// The `VerificationResult` of a card: what its attestations come to at this moment, for who trusts these registrars.
///
/// | element | carries |
/// | --- | --- |
/// | `id` | the party |
/// | `target` | the party: a `Practitioner`, a `Patient`; an auditor or a registrar by identifier, without a type |
/// | `status` | see below |
/// | `statusDate` | when it came to be so, by what the registrars signed |
/// | `validationType` | `primary`: a registrar sees the papers themselves |
/// | `lastPerformed` | when the newest attestation was signed |
/// | `nextScheduled` | the day on which the first of them ends, while enough vouch |
/// | `validator` | each registrar once, by identifier (`organization` is required, and no resource is here) |
/// | `attestation` | who signed the newest one, and on which day: R4 has room for one |
///
/// | `status` | if |
/// | --- | --- |
/// | `validated` | enough registrars vouch now |
/// | `req-revalid` | enough did, until an attestation ended: those who did are named |
/// | `in-process` | enough never did: those who do are named; whether more are to come is not known |
///
/// `attested`, `val-fail` and `reval-fail` are never said: nobody signs that someone was refused, and an attestation that
/// was withdrawn is not among those of the card. An attestation that these registrars did not sign, or that is for another
/// card, role or vault, counts for nothing, and nobody is named by it.
///
/// Not said: specialties and jurisdiction ([`practitioner_role`] has them), the digests of card and evidence, the person's
/// tags, the card of before, and the signatures, which are over the crate's own bytes.
///
/// Source: HL7 FHIR R4, `VerificationResult`; code systems `http://hl7.org/fhir/verificationresult-status`,
/// `http://terminology.hl7.org/CodeSystem/validation-type`.
///
/// [`practitioner_role`]: crate::fhir::practitioner_role
#[must_use]
pub fn verification_result(
    card: &Card,
    attestations: &Attestations,
    trust: &Trust,
    now: Timestamp,
) -> Vec<u8> {
    let Finding { status, by, changed, ends } = Finding::of(card, attestations, trust, now);
    let newest = by.iter().max_by_key(|statement| statement.signed_at());
    let mut named = BTreeSet::new();
    let registrars = by.iter().map(|statement| statement.registrar).filter(|party| named.insert(*party));
    let validators =
        registrars.map(|party| Element::default().with("organization", known_as(REGISTRAR, party)));
    let validators: Vec<Element> = validators.collect();
    let attestation = newest.map(|newest| {
        let who = known_as(REGISTRAR, newest.registrar);
        Element::default().with("who", who).with("date", date(newest.signed_at()))
    });
    let primary =
        Coding::new("http://terminology.hl7.org/CodeSystem/validation-type", "primary", "Primary Source");
    Element::resource("VerificationResult", card.party())
        .with("target", vec![target(card)])
        .with("status", status)
        .with("statusDate", changed.map(|changed| changed.to_string()))
        .with("validationType", concept(&primary))
        .with("lastPerformed", newest.map(|newest| newest.signed_at().to_string()))
        .with("nextScheduled", ends.map(date))
        .with("attestation", attestation)
        .with("validator", validators)
        .into_bytes()
}

/// What R4 lets a validator be.
const REGISTRAR: &str = "Organization";

/// What the attestations come to.
struct Finding {
    status: &'static str,
    by: Vec<AttestationStatement>,
    changed: Option<Timestamp>,
    ends: Option<Timestamp>,
}

impl Finding {
    fn of(card: &Card, attestations: &Attestations, trust: &Trust, now: Timestamp) -> Self {
        let by = trust.vouching(card, attestations, now);
        // Neither before it was signed nor before it holds; a clock that is ahead of this one is not believed.
        let newest = by.iter().map(|statement| statement.signed_at().max(statement.from).min(now)).max();
        if let Some(vouched) = trust.vouched(card, attestations, now) {
            return Self { status: "validated", by, changed: newest, ends: Some(vouched.until) };
        }
        match lapsed(card, attestations, trust, now) {
            Some((end, by)) => Self { status: "req-revalid", by, changed: Some(end), ends: None },
            None => Self { status: "in-process", by, changed: newest, ends: None },
        }
    }
}

/// The last moment up to which enough vouched, and who did, if that is over.
fn lapsed(
    card: &Card,
    attestations: &Attestations,
    trust: &Trust,
    now: Timestamp,
) -> Option<(Timestamp, Vec<AttestationStatement>)> {
    // An end that nobody signed is only one more moment to ask about. A card has one attestation of each registrar.
    let claims = attestations.0.iter().take(REGISTRARS_MAX).filter_map(|signed| signed.claims().ok());
    let ends: BTreeSet<_> = claims.map(|claimed| claimed.until).filter(|until| *until <= now).collect();
    ends.into_iter().rev().find_map(|end| {
        let before = end.minus(Duration::from_millis(1));
        trust.vouched(card, attestations, before)?;
        Some((end, trust.vouching(card, attestations, before)))
    })
}

fn target(card: &Card) -> Element {
    match card.role() {
        Role::Doctor => reference("Practitioner", card.party()),
        Role::Patient => reference("Patient", card.party()),
        Role::Auditor | Role::Curator | Role::Registrar => {
            Element::default().with("identifier", identifier(card.party()))
        }
    }
}

/// A `date`: what a moment's text, as RFC 3339 writes it, begins with.
fn date(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}
