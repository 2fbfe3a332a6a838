//! `Practitioner`: who someone is, as far as it was said.

use crate::{
    credential::{Coding, Listing},
    fhir::faces::element::{Element, concept, extension, identifier, words},
    party::Card,
};

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The `Practitioner` of a card, with the listing and the name that the reader has of it.
///
/// | element | carries |
/// | --- | --- |
/// | `id`, `identifier` | the party |
/// | `active` | `true`: the record is in use. Whether anybody vouches for it, [`verification_result`] says |
/// | `name` (`text`) | the name, if it was revealed |
/// | `name` (`extension`) | that it is `masked`, if it was not (`data-absent-reason`) |
/// | `name` (`use` `anonymous`) | the listing's pseudonym |
/// | `communication` | the listing's languages, as BCP 47 tags; what is no tag, as text |
///
/// A name is not taken apart: neither family name nor title is known. Sex, birth date, address, telecom, photo and
/// qualifications are not said: a profile may say them, in the words of whoever wrote it. Region, experience and whether
/// new cases are taken stand in [`practitioner_role`], where R4 has them.
///
/// Source: HL7 FHIR R4, `Practitioner`; *Data Absent Reason* (an extension of the name itself: R4 has no `_name`, since a
/// `HumanName` is no primitive).
///
/// # Security
/// With a name, whoever reads it learns whose the pseudonym is. Give a name only to whom it was revealed.
///
/// ```
/// use casevault::{
///     credential::Listing, crypto::Secret, fhir::practitioner,
///     party::{Keyring, Role},
/// };
///
/// let card = Keyring::from_seed(Secret::from_bytes([3; 32])).card(Role::Doctor);
/// let listing = Listing::new("Dr. Heron").language("en");
/// let json = String::from_utf8(practitioner(&card, Some(&listing), None))?;
/// assert!(json.contains("masked") && json.contains("Dr. Heron"));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
///
/// [`practitioner_role`]: crate::fhir::practitioner_role
/// [`verification_result`]: crate::fhir::verification_result
#[must_use]
pub fn practitioner(card: &Card, listing: Option<&Listing>, name: Option<&str>) -> Vec<u8> {
    let languages = listing.map(Listing::languages).unwrap_or_default();
    let pseudonym = words(listing.map(Listing::pseudonym).unwrap_or_default());
    let anonymous = Element::default().with("use", "anonymous").with("text", pseudonym.as_str());
    let names = [Some(own_name(name)), (!pseudonym.is_empty()).then_some(anonymous)];
    Element::resource("Practitioner", card.party())
        .with("identifier", vec![identifier(card.party())])
        .with("active", true)
        .with("name", names.into_iter().flatten().collect::<Vec<_>>())
        .with("communication", languages.iter().map(|tag| language(tag)).collect::<Vec<_>>())
        .into_bytes()
}

fn own_name(name: Option<&str>) -> Element {
    match name {
        Some(name) => Element::default().with("text", name),
        None => Element::default().with("extension", vec![extension(ABSENT, "valueCode", "masked")]),
    }
}

/// A language: a listing takes any text, BCP 47's tags are letters, digits and hyphens.
fn language(tag: &str) -> Element {
    let is_tag = tag.chars().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == '-');
    concept(&if is_tag { Coding::new("urn:ietf:bcp:47", tag, "") } else { Coding::text(tag) })
}
