//! FHIR R4 out: vetted parties, as other systems read them.
//!
//! | resource | function | says |
//! | --- | --- | --- |
//! | `Practitioner` | [`practitioner`] | who: the party, its languages, its pseudonym, its name if that was revealed |
//! | `PractitionerRole` | [`practitioner_role`] | as what: specialties, until when, where, whether new cases are taken |
//! | `VerificationResult` | [`verification_result`] | by whose word: which registrars vouch, since when, until when |
//!
//! Each is a value of its arguments alone, as UTF-8 JSON whose members are in no order. All three have the party's id as theirs, in hexadecimal: R4 lets
//! resources of different types share one. Elsewhere a party is named by an identifier of the system
//! `urn:casevault:party`. What R4 has no element for stands in extensions, under `urn:casevault:` too.
//!
//! A text that R4 does not take is made one: control characters and white at its ends are left out, and so is what is then
//! empty. Dates are in UTC. What R4 includes (the end of a period) and the crate does not is given a second earlier.
//!
//! Source: HL7 FHIR R4 (4.0.1), `Practitioner`, `PractitionerRole`, `VerificationResult`, *JSON representation*.
//!
//! # Security
//! Person tags, digests of evidence, check lists, strikes and standing are in none of them. The party's id is: who has two
//! of these about one party sees that they are, and finds its listing. They are not signed: whoever reads one has the word
//! of who handed it over, and [`Trust::vouched`](crate::credential::Trust::vouched) is what proves.

mod element;
mod practitioner;
mod role;
mod verification;

pub use practitioner::practitioner;
pub use role::practitioner_role;
pub use verification::verification_result;
