//! Sealing once: AES-256-GCM under a key that is used for one message only.
//!
//! ```text
//! seal(k, aad, m) = AES-256-GCM(k, nonce = 0⁹⁶, aad, m)          NIST SP 800-38D; ciphertext ‖ 16-byte tag
//! ```
//!
//! A key that seals once needs no nonce. The type sees to the once: sealing consumes it. AES-GCM does not commit to
//! its key; where two readers must agree on what they read, a commitment to the key is checked first (see `record`).

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, AeadInOut, Payload},
};

use zeroize::Zeroize as _;

use crate::crypto::{DoesNotOpen, Secret};

/// The bytes by which a ciphertext is longer than its plaintext.
pub const TAG_BYTES: usize = 16;

/// A key for one message.
///
/// It seals once, because sealing consumes it:
/// ```compile_fail,E0382
/// # use casevault::crypto::{aead::OneUseKey, Secret};
/// let key = OneUseKey::new(Secret::from_bytes([7; 32]));
/// let first = key.seal(b"place", b"one");
/// let second = key.seal(b"place", b"two");
/// ```
#[derive(Debug)]
pub struct OneUseKey(Secret<32>);

impl OneUseKey {
    /// Takes a secret that was made or derived for one message.
    #[must_use]
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// Seals the message for its place.
    #[must_use]
    pub fn seal(self, aad: &[u8], message: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(message.len().saturating_add(TAG_BYTES));
        sealed.extend_from_slice(message);
        self.seal_in_place(aad, sealed)
    }

    /// Seals a message where it lies: nothing of it stays behind, if there was room for [`TAG_BYTES`] more.
    #[must_use]
    pub fn seal_in_place(self, aad: &[u8], mut message: Vec<u8>) -> Vec<u8> {
        let cipher = Aes256Gcm::new(self.0.expose().into());
        // Fails only above 64 GiB, which no limit of ours lets through.
        let sealed = cipher.encrypt_in_place(&[0; 12].into(), aad, &mut message);
        if sealed.is_err() {
            message.zeroize();
        }
        message
    }

    /// Opens a message in its place.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if key, place or bytes are not those it was sealed with.
    pub fn open(self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let cipher = Aes256Gcm::new(self.0.expose().into());
        cipher.decrypt(&[0; 12].into(), Payload { msg: sealed, aad }).or(Err(DoesNotOpen))
    }
}
