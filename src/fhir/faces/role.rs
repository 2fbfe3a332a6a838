//! `PractitionerRole`: as what a doctor practises.

use std::time::Duration;

use crate::{
    credential::{Coding, Experience, Listing, Vouched},
    fhir::faces::element::{Element, concept, extension, reference},
    party::Card,
};

const ACCEPTING: &str = "urn:casevault:accepting";
const EXPERIENCE: &str = "urn:casevault:experience";
const JURISDICTION: &str = "urn:casevault:jurisdiction";

/// The `PractitionerRole` of a doctor: what registrars vouch for, and what the doctor says of himself to everybody.
///
/// | element | carries |
/// | --- | --- |
/// | `id` | the party |
/// | `active` | `true`: registrars vouch for it, or there were no [`Vouched`] |
/// | `period.end` | the last second in which they do; when it began, they do not say together |
/// | `practitioner` | the [`practitioner`] of the same card; its `display` is the pseudonym |
/// | `code` | `doctor` |
/// | `specialty` | the specialties that are vouched for; without a code, as text |
/// | `location` | the listing's region, as `display`: no place that has a resource |
/// | extension `urn:casevault:accepting` | whether new cases are taken (`valueBoolean`) |
/// | extension `urn:casevault:experience` | the band, in words (`valueString`); not there, if not said |
/// | extension `urn:casevault:jurisdiction` | where the licence holds (`valueString`); not there, if not said |
///
/// R4's role has no languages: they stand in `Practitioner.communication`. Not said: whether the listing is in the
/// directory and to whom the doctor reveals himself, which is between him and the vault; his standing, which has the
/// custodian's word alone; an organization, hours, telecoms, which nobody has told.
///
/// Source: HL7 FHIR R4, `PractitionerRole`; code system `http://terminology.hl7.org/CodeSystem/practitioner-role`.
///
/// # Security
/// It says what it is given: that `vouched` and `listing` are this card's is the caller's to see to.
///
/// [`practitioner`]: crate::fhir::practitioner
#[must_use]
pub fn practitioner_role(card: &Card, listing: &Listing, vouched: &Vouched) -> Vec<u8> {
    let doctor = Coding::new("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor", "Doctor");
    // `until` is not included, and an end of R4's is, to the second: one later would promise what nobody signed.
    let end = vouched.until.minus(Duration::from_secs(1));
    let practitioner = reference("Practitioner", card.party()).with("display", listing.pseudonym());
    let extensions = vec![
        extension(ACCEPTING, "valueBoolean", listing.is_accepting()),
        extension(EXPERIENCE, "valueString", experience(listing)),
        extension(JURISDICTION, "valueString", vouched.jurisdiction.as_str()),
    ];
    Element::resource("PractitionerRole", card.party())
        .with("extension", extensions)
        .with("active", true)
        .with("period", Element::default().with("end", end.to_string()))
        .with("practitioner", practitioner)
        .with("code", vec![concept(&doctor)])
        .with("specialty", vouched.specialties.iter().map(concept).collect::<Vec<_>>())
        .with("location", vec![Element::default().with("display", listing.in_region())])
        .into_bytes()
}

fn experience(listing: &Listing) -> Option<&'static str> {
    let experience = listing.has_experience();
    (experience != Experience::Unsaid).then(|| experience.word())
}
