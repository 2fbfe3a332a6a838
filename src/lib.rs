//! A privacy-preserving vault for medical records.

pub mod limits;
pub mod codec;
pub mod id;
pub mod time;
pub mod crypto;
pub mod merkle;
#[cfg(feature = "vault")]
pub mod store;
pub mod party;
pub mod folder;
pub mod record;
pub mod consent;
pub mod event;
pub mod credential;
pub mod access;
pub mod fhir;
pub mod custodian;
pub mod error;
#[cfg(feature = "vault")]
pub mod vault;
pub mod session;
