//! Events: signed statements "I did this, to these", and the streams they stand in.
//!
//! Every change and every opening is one event, signed by whoever acts. An owner's events stand in the owner's
//! **stream**, an append-only Merkle tree that the custodian orders and the owner can check to the last leaf.

mod receipt;
mod signed;
mod statement;
mod stream;
mod verb;

pub use receipt::Receipt;
pub use signed::SignedEvent;
pub use statement::{Event, FolderOpening, Moment, Principal, Step};
pub use stream::{StreamEntry, StreamHead, Streamed};
pub use verb::{ActorClass, Verb};
