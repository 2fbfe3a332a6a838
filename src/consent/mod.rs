//! Consent: a folder's key, granted under terms.
//!
//! ```text
//! wrap      = HPKE.Seal(reader's card, info = "wrap" ‖ vault ‖ grant ‖ card digest ‖ H(terms), aad = place ‖ clearance, K_X)
//! statement = { grant, vault, folder, epoch, reader, card digest, attested, terms, because, H(wrap) }
//! event     = signed by the granter, over H(statement)
//! ```
//!
//! The terms are bound to the key twice: HPKE does not open under others, and the granter signed no others. Only the
//! digest of a statement stands in the event, so that one reader's event does not name another reader.

mod grant;
mod terms;

pub use grant::{Grant, GrantStatement, Reader};
pub use terms::{Purpose, Rights, Terms};
