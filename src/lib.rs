//! A privacy-preserving vault for medical records.

pub mod access;
pub mod codec;
pub mod consent;
pub mod credential;
pub mod crypto;
pub mod custodian;
pub mod error;
pub mod event;
pub mod fhir;
pub mod folder;
pub mod id;
pub mod limits;
pub mod merkle;
pub mod party;
pub mod record;
pub mod session;
#[cfg(feature = "vault")]
pub mod store;
pub mod time;
#[cfg(feature = "vault")]
pub mod vault;
