//! Parties: who has keys, as what, and how keys rest.
//!
//! A [`Keyring`] is a party's secret half; its [`Card`], which it signs itself, the public half, and the card's
//! [`Fingerprint`] what people compare of it. A [`KeyFile`] is a keyring at rest. A card has one [`Role`]; the marker
//! types [`Patient`], [`Doctor`], [`Registrar`], [`Auditor`] and [`Curator`] say the same to the compiler.

mod card;
mod fingerprint;
mod key_file;
mod keyring;
mod role;
mod text;
mod words;

pub use card::{Card, CardStatement};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use key_file::{KeyFile, KeyFileError};

pub use crate::crypto::passphrase::Passphrase;
pub use keyring::{CaseKey, Keyring};
pub use role::{Auditor, Curator, Doctor, Owner, Patient, Registrar, Role, RoleType};
