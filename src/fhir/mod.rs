//! FHIR R4: in, a chart is split into who it is about and what it says; out, vetted parties have a face.
//!
//! Out, [`practitioner`], [`practitioner_role`] and [`verification_result`] say of a party what the crate's own types do.
//!
//! In, a [`Bundle`] is parsed without a model: its numbers stay as they were written, and its own bytes are kept. [`split`]
//! takes it apart:
//!
//! - **Identity**: patients, relatives, practitioners, organisations, places, insurance: as they came.
//! - **Case**: all else, with ids and references turned to pseudonyms under a key that is fresh for each import;
//!   narrative, identifiers, names, addresses, telecoms, birth dates, displays of references to people and institutions,
//!   attachments, extensions and answers to who someone is left out; and every name, address line, number and birth date
//!   that the chart says of them struck from what remains, however it is written. Of the patient remain sex and year of
//!   birth (no year from 90 years on); ages from 90 years on are told as 90 and more.
//!
//! # What a case loses
//! Extensions, but for HL7's numeric scores. Of a **modifier extension** only a marker stays, with its URL if HL7 defined
//! it: what it stands in may mean something else than it seems (an order *not* to do something), so whoever meets a marker
//! must not rely on it, and [`SplitReport::modifiers`] counts them. Words of the standard terminologies stay beside their
//! codes even if someone is called so; there, only numbers, whole names and addresses are struck.
//!
//! # Security
//! A case is for a second doctor who may read it and shall not be told whose it is. It is **not** anonymisation:
//! dates, rare findings and free text about people the chart does not name can tell who someone is. Neither are
//! nicknames, initials, misspelt names and names in another script found.

mod age;
mod bundle;
mod dates;
mod error;
mod faces;
mod fold;
mod gather;
mod members;
mod patients;
mod pseudonyms;
mod questions;
mod scrub;
mod sieve;
mod split;
mod terms;
mod tree;
mod types;
mod whom;

pub use bundle::Bundle;
pub use error::{FhirError, FhirReason};
pub use faces::{practitioner, practitioner_role, verification_result};
pub use pseudonyms::Pseudonyms;
pub use split::{Entry, Split, SplitReport, split};
pub(crate) use tree::Node;
