//! Credentials: a registrar's signed word that a party is who it claims.

mod attestation;
mod trust;

pub use attestation::{Attestation, AttestationStatement, Attestations};
pub use trust::{Trust, Vouched};
