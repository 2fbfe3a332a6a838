//! The public area: anonymised cases, and the border they cross.
//!
//! ```text
//! session (patient)                      curator                                public (no key)
//! case ─ deidentify ─▶ Abstract ─HPKE▶   pool ─ by grid class ─ gate ─▶ release ─▶ query · export
//!         (on the party's side)          counts distinct patients by token
//! ```
//!
//! An [`Abstract`] has no field for a direct identifier. How coarse each quasi-identifier is, a public policy fixes in advance:
//! the pool never decides.

pub mod export;
pub mod hierarchy;
pub mod policy;
mod values;

pub use policy::PublicPolicy;
pub use values::{Abstract, Amount, Class, Icd3, LeftOut, Outcome, Value, WeekBand};
