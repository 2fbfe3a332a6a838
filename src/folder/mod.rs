//! Folders: the unit of consent, with one key for each epoch.
//!
//! ```text
//! K_V ─HKDF "clearance"→ K_R ─HKDF→ K_N        a grant carries the key of its clearance: it opens that and all below
//! K_X(e) sealed under HKDF(K_X(e+1), "back link"): who has an epoch's key has all earlier ones
//! folder id    = SHA-256("case id" ‖ vault ‖ the Case's key), or SHA-256("folder id" ‖ vault ‖ owner ‖ kind ‖ nonce)
//! commitment_X = SHA-256("folder commitment" ‖ place ‖ X ‖ K_X), signed in the event that made the epoch
//! ```

mod back_link;
mod clearance;
mod epoch;
mod key;

pub use back_link::BackLinks;
pub use clearance::{Clearance, FolderKind};
pub use epoch::{Epoch, EpochOf, owned_folder};
pub use key::{Commitments, FolderKey};
