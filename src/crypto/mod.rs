//! Keys and ciphers: suite version 1, and nothing of our own below it.
//!
//! ```text
//! keyring seed (32 bytes)
//!   ├─ HKDF "keyring x-wing"      → X-Wing key pair      [`wrap`]    HPKE, AES-256-GCM
//!   ├─ HKDF "keyring ed25519"     → Ed25519 key pair     [`sign`]    verify_strict, weak keys refused
//!   └─ HKDF "case signing" ‖ nonce → Ed25519 key pair of one Case
//!
//! folder key ── pre-key ── record key ─┬─ content key     [`aead`]   AES-256-GCM, used once
//!                                      ├─ chunk key       [`stream`] AES-256-GCM under STREAM
//!                                      └─ commitment      checked first, in constant time
//! ```
//!
//! Everything derived names a [`Label`]; a label and the length before each part of a context make every derivation
//! and every signed statement distinct from all others.
#![deny(clippy::arithmetic_side_effects)]

pub mod aead;
pub mod kdf;
pub mod label;
pub mod passphrase;
pub mod random;
pub(crate) mod remembered;
pub mod secret;
pub mod sign;
pub mod stream;
pub mod wrap;

pub use label::Label;
pub use random::{NoRandomness, Random};
pub use secret::Secret;
pub use sign::{CoSigned, Signature, Signed, Signer, Statement, VerifyingKey};
pub use wrap::{OpeningKey, SealingKey};

/// It did not open: another key, another place, or changed bytes. Which of them is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not open")]
#[non_exhaustive]
pub struct DoesNotOpen;
