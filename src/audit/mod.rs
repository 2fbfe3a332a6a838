//! The audit: every access covered, nothing removed or re-ordered, and no data seen.
//!
//! [`verify`] reads an export (`docs/audit.md` says its formats) and needs no key, no store and no network. It checks that
//! the log makes its checkpoint and grows from one that was kept; that the streams make the heads map, each whole, once, in
//! order and signed; that every folder's keys, lists and grants follow on what was before; that every opening and write was
//! covered by a grant that held, to a card then attested, of a party then in good standing; that who someone is came out by
//! assignment, to its owner, or to vet; that registrars were registrars, by policies that enough of them signed; that what is
//! public is what the releases name, and, where the public policy is given, that it passes its gate.
//!
//! # What it does not find
//! A change of the time at which the custodian says it received an event is found in the stream, not at the event. An event
//! that was never taken up is found if its receipt is brought. A fork shown to another is found by comparing checkpoints.
//!
//! [`verify_from`] goes on from the [`State`] that an audit before left, and takes receipts.

pub(crate) mod cards;
pub(crate) mod epochs;
mod finding;
mod input;
mod judge;
pub(crate) mod lines;
mod parties;
mod people;
mod receipts;
mod releases;
pub(crate) mod report;
mod rules;
mod state;
mod stream;
mod streams;
mod verify;

pub use finding::{Fault, Finding, Gravity};
pub use report::{AuditError, AuditReport};
pub use state::State;
pub use verify::{Basis, verify, verify_from};
