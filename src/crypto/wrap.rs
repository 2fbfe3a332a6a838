//! Wrapping a key for one reader: HPKE with X-Wing.
//!
//! ```text
//! wrap(card, info, aad, k) = enc₁₁₂₀ ‖ HPKE.Seal(X-Wing, HKDF-SHA256, AES-256-GCM)      RFC 9180, draft-ietf-hpke-pq
//! ```
//!
//! HPKE has no sender: who wrapped is said by the signature over the digest of the whole wrap, in an event.

use std::fmt;

use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing,
    single_shot_open, single_shot_seal_with_rng,
};
use zeroize::Zeroizing;

use crate::{
    codec::Malformed,
    crypto::{DoesNotOpen, Random, Secret},
};

type PublicKey = <XWing as hpke::Kem>::PublicKey;
type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

/// The length of a public key, in bytes.
pub const SEALING_KEY_BYTES: usize = 1216;

/// The length of the encapsulated key before the ciphertext, in bytes.
pub const ENCAPSULATED_BYTES: usize = 1120;

/// The length of a wrapped 32-byte key, in bytes.
pub const WRAP_BYTES: usize = ENCAPSULATED_BYTES.saturating_add(48);

/// A public key to wrap for.
#[derive(Clone)]
pub struct SealingKey {
    bytes: Vec<u8>,
    key: PublicKey,
}

impl PartialEq for SealingKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for SealingKey {}

impl SealingKey {
    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// [`Malformed`] if they are no X-Wing public key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let key = PublicKey::from_bytes(bytes).or(Err(Malformed("sealing key")))?;
        Ok(Self { bytes: bytes.to_vec(), key })
    }

    /// The bytes, [`SEALING_KEY_BYTES`] of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Wraps a key for whoever holds the other half.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the key does not encapsulate, which a parsed one does.
    pub fn wrap(
        &self,
        info: &[u8],
        aad: &[u8],
        key: &Secret<32>,
        random: &mut Random,
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let (encapsulated, sealed) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.key,
            info,
            key.expose(),
            aad,
            random.source(),
        )
        .or(Err(DoesNotOpen))?;
        Ok([encapsulated.to_bytes().as_slice(), &sealed].concat())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl<C> minicbor::Encode<C> for SealingKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.bytes)?;
        Ok(())
    }
}

impl<'b, C> minicbor::Decode<'b, C> for SealingKey {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_bytes(d.bytes()?).or(Err(minicbor::decode::Error::message("not a sealing key")))
    }
}

/// The secret key that unwraps.
pub struct OpeningKey {
    private: PrivateKey,
    public: SealingKey,
}

impl OpeningKey {
    /// The key pair of a seed.
    #[must_use]
    pub fn from_seed(seed: &Secret<32>) -> Self {
        let (private, public) = XWing::derive_keypair(seed.expose());
        let bytes = public.to_bytes().to_vec();
        Self { private, public: SealingKey { bytes, key: public } }
    }

    /// The public half.
    #[must_use]
    pub const fn sealing_key(&self) -> &SealingKey {
        &self.public
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it was wrapped for another, for another place or under other terms, or was changed.
    pub fn unwrap_key(&self, info: &[u8], aad: &[u8], wrap: &[u8]) -> Result<Secret<32>, DoesNotOpen> {
        let (encapsulated, sealed) = wrap.split_at_checked(ENCAPSULATED_BYTES).ok_or(DoesNotOpen)?;
        let encapsulated = EncappedKey::from_bytes(encapsulated).or(Err(DoesNotOpen))?;
        let key = single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            info,
            sealed,
            aad,
        )
        .or(Err(DoesNotOpen))?;
        Secret::try_from(Zeroizing::new(key).as_slice())
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(..)")
    }
}
