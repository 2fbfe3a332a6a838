//! Passphrases: Argon2id, with parameters that are stored, held to a floor and capped.
//!
//! ```text
//! key = Argon2id(passphrase, 16-byte salt, m ≥ 19 MiB, t ≥ 2, p ≥ 1)             RFC 9106; OWASP's floor
//! ```

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::crypto::{DoesNotOpen, Random, Secret};

/// A passphrase, cleared on drop and silent in print.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the words as they were typed.
    #[must_use]
    pub fn new(words: impl Into<String>) -> Self {
        Self(Zeroizing::new(words.into()))
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Passphrase {
    fn from(words: &str) -> Self {
        Self::new(words)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// How a passphrase is stretched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stretch {
    #[n(0)]
    memory_kib: u32,
    #[n(1)]
    passes: u32,
    #[n(2)]
    lanes: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    salt: [u8; 16],
}

impl Stretch {
    const MEMORY_KIB: std::ops::RangeInclusive<u32> = 19 * 1024..=1024 * 1024;
    const PASSES: std::ops::RangeInclusive<u32> = 2..=16;
    const LANES: std::ops::RangeInclusive<u32> = 1..=8;

    /// The floor's parameters (19 MiB, two passes, one lane) with a fresh salt.
    #[must_use]
    pub fn generate(random: &mut Random) -> Self {
        Self { memory_kib: *Self::MEMORY_KIB.start(), passes: 2, lanes: 1, salt: random.bytes() }
    }

    /// Whether the parameters are neither too weak to protect nor too large to compute.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        Self::MEMORY_KIB.contains(&self.memory_kib)
            && Self::PASSES.contains(&self.passes)
            && Self::LANES.contains(&self.lanes)
    }

    /// The key a passphrase gives.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the parameters are not acceptable: nothing is computed then.
    pub fn derive_key(&self, passphrase: &Passphrase) -> Result<Secret<32>, DoesNotOpen> {
        if !self.is_acceptable() {
            return Err(DoesNotOpen);
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).or(Err(DoesNotOpen))?;
        let mut key = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), &self.salt, &mut key)
            .or(Err(DoesNotOpen))?;
        Ok(Secret::from_bytes(key))
    }
}
