//! The public area: anonymised cases, and the border they cross.
//!
//! ```text
//! session (patient)                      curator                                public (no key)
//! case ─ deidentify ─▶ Abstract ─HPKE▶   pool ─ by grid class ─ gate ─▶ release ─▶ query · export
//!         (on the party's side)          counts distinct patients by token
//! ```
//!
//! An [`Abstract`] has no field for a direct identifier. How coarse each quasi-identifier is, a public policy fixes in advance:
//! the pool never decides. A [`Pool`] is what the curator knows; only [`gate()`] makes a [`Release`]; its [`Batch`] is what
//! becomes public, and what [`check_rows`] checks without knowing anything else.

mod codes;
mod consent;
pub mod export;
mod gate;
pub mod hierarchy;
mod note;
pub mod policy;
mod pool;
mod release;
mod values;

pub use codes::{Code, Codes};
pub use consent::{Sharing, Use};
pub use gate::{Candidate, GateRules, Held, Offer, Passed, Release, gate};
pub use note::ReleaseNote;
pub use policy::PublicPolicy;
pub use pool::{
    Census, Counted, Departure, Entry, Epoch, Journal, Made, Misplaced, Plain, Pool, Reason, Refused, Unlike,
    Waiting,
};
pub use release::{Batch, BatchFacts, Broken, PublicRow, PublicValue, Reached, Said, check_rows};
pub use values::{Abstract, Amount, Class, Icd3, LeftOut, Outcome, Value, WeekBand};
