//! Credentials: a registrar's signed word that a party is who it claims, and how it has conducted itself.
//!
//! An [`Attestation`] vouches for one card in one role; [`Trust`] says whose word counts. A [`RulingStatement`] is a
//! registrar's word on conduct, and [`Standing`] what all of them come to. A [`Listing`] is what a doctor says of himself.

mod attestation;
mod checks;
mod coding;
mod listing;
mod person;
mod registry;
mod ruling;
mod standing;
mod trust;

pub use attestation::{Attestation, AttestationStatement, Attestations};
pub use checks::{Check, CheckList, Checked};
pub use coding::Coding;
pub(crate) use listing::term;
pub use listing::{Experience, Listing, ListingStatement, Reveal};
pub use person::PersonId;
pub use registry::{RegistryKey, RegistryStatement};
pub use ruling::{Appeal, Category, Petition, Report, RulingStatement, Severity, Verdict};
pub use standing::{CreditLedger, Standing, Strike, Thresholds};
pub(crate) use trust::Word;
pub use trust::{FormerRegistrar, Trust, Vouched};
