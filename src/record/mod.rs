//! Records: one sealed thing each, in its place in a folder.
//!
//! ```text
//! pre-key     = HKDF(K_X, "pre-key" ‖ vault, folder, epoch, record, version ‖ 32 random bytes)
//! record key  = HKDF(pre-key, salt = HKDF(owner's shred key, folder ‖ epoch))
//!   ├─ content key, used once                    ├─ commitment, stored, checked first, in constant time
//! sealed      = header ‖ AES-256-GCM(content key, length ‖ content ‖ zeros (Padmé), aad = context ‖ header)
//! ```
//!
//! The context (vault, folder, epoch, record, version, kind, clearance) is bound and not written: who has the disk alone
//! does not learn from a record which folder it is of.
//!
//! A folder's list is an append-only Merkle tree of [`Leaf`]s: what is in it, signed with every write.

mod content;
mod context;
mod list;
mod padding;
mod sealed;

pub use content::{Content, ContentError};
pub use context::{Context, Kind};
pub use list::{Counts, Leaf, ListItem};
pub use padding::padded_length;
pub use sealed::{FolderSalt, SealedRecord, Sealing, open, seal};
