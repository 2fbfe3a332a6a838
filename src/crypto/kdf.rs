//! Deriving and digesting, each under a [`Label`].
//!
//! ```text
//! context(p₁ … pₙ)         = len₆₄(p₁) ‖ p₁ ‖ … ‖ len₆₄(pₙ) ‖ pₙ
//! derive(ikm, salt, L, c)  = HKDF-SHA256(ikm, salt, info = L ‖ context(c))         RFC 5869
//! digest(L, c)             = SHA-256(L ‖ context(c))
//! mac(key, L, c)           = HMAC-SHA256(key, L ‖ context(c))                       RFC 2104
//! ```

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::{
    crypto::{Label, Secret},
    id::Digest,
};

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// A secret derived from a secret: what for, and for which place, is part of it.
#[must_use]
pub fn derive(ikm: &[u8], salt: &[u8], label: Label, context: &[&[u8]]) -> Secret<32> {
    let lengths: Vec<[u8; 8]> = context.iter().map(|part| length(part)).collect();
    let mut info: Vec<&[u8]> = vec![label.bytes()];
    for (part, length) in context.iter().zip(&lengths) {
        info.push(length);
        info.push(part);
    }
    let mut bytes = [0; 32];
    let expanded = Hkdf::<Sha256>::new(Some(salt), ikm).expand_multi_info(&info, &mut bytes);
    debug_assert!(expanded.is_ok(), "32 bytes are within what HKDF-SHA256 gives");
    Secret::from_bytes(bytes)
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

/// A digest of parts that only a holder of the key can compute.
#[must_use]
pub fn mac(key: &Secret<32>, label: Label, parts: &[&[u8]]) -> Digest {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose()) else {
        debug_assert!(false, "HMAC takes keys of any length");
        return Digest::from_bytes([0; 32]);
    };
    mac.update(label.bytes());
    for part in parts {
        mac.update(&length(part));
        mac.update(part);
    }
    Digest::from_bytes(mac.finalize().into_bytes().into())
}
