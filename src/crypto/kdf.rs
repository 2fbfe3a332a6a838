//! Deriving and digesting, each under a [`Label`].
//!
//! ```text
//! context(p₁ … pₙ)         = len₆₄(p₁) ‖ p₁ ‖ … ‖ len₆₄(pₙ) ‖ pₙ
//! derive(ikm, salt, L, c)  = HKDF-SHA256(ikm, salt, info = L ‖ context(c))         RFC 5869
//! digest(L, c)             = SHA-256(L ‖ context(c))
//! mac(key, L, c)           = HMAC-SHA256(key, L ‖ context(c))                       RFC 2104
//! ```
//!
//! Where much is derived or authenticated under one key, [`Root`] and [`MacKey`] keep the half of the work that is the
//! same each time.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    crypto::{Label, Secret},
    id::Digest,
};

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// A secret from which many are derived, extracted once.
pub struct Root(Hkdf<Sha256>);

impl Root {
    /// Extracts.
    #[must_use]
    pub fn extract(ikm: &[u8], salt: &[u8]) -> Self {
        Self(Hkdf::new(Some(salt), ikm))
    }

    /// A secret derived from this one: what for, and for which place, is part of it.
    #[must_use]
    pub fn derive(&self, label: Label, context: &[&[u8]]) -> Secret<32> {
        let mut info = Vec::with_capacity(256);
        info.extend_from_slice(label.bytes());
        for part in context {
            info.extend_from_slice(&length(part));
            info.extend_from_slice(part);
        }
        let mut bytes = [0; 32];
        let expanded = self.0.expand(&info, &mut bytes);
        debug_assert!(expanded.is_ok(), "32 bytes are within what HKDF-SHA256 gives");
        Secret::from_bytes(bytes)
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root(..)")
    }
}

/// A secret derived from a secret: what for, and for which place, is part of it.
#[must_use]
pub fn derive(ikm: &[u8], salt: &[u8], label: Label, context: &[&[u8]]) -> Secret<32> {
    Root::extract(ikm, salt).derive(label, context)
}

/// A digest of parts: of which parts, and as what, is part of it.
#[must_use]
pub fn digest(label: Label, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(label.bytes());
    for part in parts {
        hash.update(length(part));
        hash.update(part);
    }
    Digest::from_bytes(hash.finalize().into())
}

/// A key under which much is authenticated, prepared once.
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &Secret<32>) -> Self {
        // RFC 2104 fills a key up to the block with zeros.
        let mut block = Zeroizing::new([0u8; 64]);
        block.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
        Self(Hmac::new(&(*block).into()))
    }

    /// A digest of parts that only a holder of the key can compute.
    #[must_use]
    pub fn mac(&self, label: Label, parts: &[&[u8]]) -> Digest {
        let mut mac = self.0.clone();
        mac.update(label.bytes());
        for part in parts {
            mac.update(&length(part));
            mac.update(part);
        }
        Digest::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(..)")
    }
}
