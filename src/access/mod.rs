//! Access: who may do what, decided by a pure function.
//!
//! [`decide`] looks at [`Facts`] that others gathered, at no clock and no store, and is the only maker of a
//! [`Permit`]. What needs permission takes the permit by value: a second path without the check does not compile.

mod act;
mod charter;
mod decision;
mod denial;
mod facts;
mod policy;

pub use act::Act;
pub use charter::{Charter, CharterStatement};
pub use decision::{Permit, decide};
pub use denial::Denial;
pub use facts::{Capacity, Facts, FolderFacts, GrantFacts, Taker};
pub use policy::{Policy, PublicArea};
