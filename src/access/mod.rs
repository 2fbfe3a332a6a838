//! Access: who may do what, decided by a pure function.
//!
//! [`decide`] looks at [`Facts`] that others gathered, at no clock and no store, and is the only maker of a
//! [`Permit`]. What needs permission takes the permit by value: a second path without the check does not compile.

mod decision;
mod denial;
mod policy;

pub use decision::{Act, Capacity, Facts, FolderFacts, GrantFacts, Permit, decide};
pub use denial::Denial;
pub use policy::Policy;
