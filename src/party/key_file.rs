//! Key files: a keyring at rest.
//!
//! ```text
//! key file = "CVKF" ‖ 1 ‖ { suite, Argon2id parameters and salt, lock, seed }
//! lock     = AES-256-GCM(HKDF(Argon2id(passphrase), "key file" ‖ "lock"), file key)      one for each way to open it
//! seed     = AES-256-GCM(HKDF(file key, "key file" ‖ "seed"), seed)                      sealed once
//! ```

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, Magic, Malformed, wire},
    crypto::{
        Label, NoRandomness, Random, Secret,
        aead::OneUseKey,
        kdf::derive,
        passphrase::{Passphrase, Stretch},
    },
    party::Keyring,
};

/// Why a key file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The bytes are no key file of a version this build knows.
    #[error("this is not a key file, or one of a later version: check the path, or use a newer build")]
    Malformed,
    /// The parameters that stretch the passphrase are too weak, or too large to compute.
    #[error("the key file's parameters are outside what is accepted: restore it from a copy you trust")]
    Parameters,
    /// Another passphrase, or changed bytes.
    #[error("the key file does not open: check the passphrase, or restore the file from a copy")]
    WrongPassphrase,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty: choose one")]
    Empty,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl KeyFileError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "key-file-malformed",
            Self::Parameters => "key-file-parameters",
            Self::WrongPassphrase => "wrong-passphrase",
            Self::Empty => "empty-passphrase",
            Self::Randomness(_) => "no-randomness",
        }
    }
}

impl From<Malformed> for KeyFileError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

const MAGIC: Magic = Magic(*b"CVKF", 1);
const SUITE: u8 = 1;

#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    suite: u8,
    #[n(1)]
    stretch: Stretch,
    #[n(2)]
    lock: ByteVec,
    #[n(3)]
    seed: ByteVec,
}

wire! { Body: "key file", 1024; }

/// A keyring at rest, locked with a passphrase.
///
/// # Security
/// It holds the seed alone: the public half is computed on opening, so no foreign key can be slipped in beside it.
/// Changing the passphrase does not shut copies of the file made before.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile(Body);

impl KeyFile {
    /// Locks a keyring with a passphrase. Do it before the keyring goes into a session, which keeps it.
    ///
    /// # Errors
    /// [`KeyFileError::Empty`] for an empty passphrase; [`KeyFileError::Randomness`] if the system has none to give.
    pub fn lock(keyring: &Keyring, passphrase: &Passphrase) -> Result<Self, KeyFileError> {
        Self::lock_with(keyring, passphrase, &mut Random::system()?)
    }

    /// Locks a keyring with a passphrase and this randomness.
    ///
    /// # Errors
    /// [`KeyFileError::Empty`] for an empty passphrase.
    pub fn lock_with(
        keyring: &Keyring,
        passphrase: &Passphrase,
        random: &mut Random,
    ) -> Result<Self, KeyFileError> {
        let file_key = Secret::generate(random);
        let seed = seed_key(&file_key).seal(MAGIC.0.as_slice(), keyring.seed().expose()).into();
        let (stretch, lock) = make_lock(&file_key, passphrase, random)?;
        Ok(Self(Body { suite: SUITE, stretch, lock, seed }))
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`KeyFileError`]: another passphrase, changed bytes, parameters out of bounds.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Keyring, KeyFileError> {
        let seed = seed_key(&self.file_key(passphrase)?).open(MAGIC.0.as_slice(), &self.0.seed);
        let seed = zeroize::Zeroizing::new(seed.or(Err(KeyFileError::WrongPassphrase))?);
        let seed = Secret::try_from(seed.as_slice()).or(Err(KeyFileError::Malformed))?;
        Ok(Keyring::from_seed(seed))
    }

    /// The same keyring under another passphrase.
    ///
    /// # Errors
    /// As [`Self::open`] for the old one, as [`Self::lock`] for the new one.
    pub fn change_passphrase(&self, old: &Passphrase, new: &Passphrase) -> Result<Self, KeyFileError> {
        self.change_passphrase_with(old, new, &mut Random::system()?)
    }

    /// The same keyring under another passphrase, with this randomness.
    ///
    /// # Errors
    /// As [`Self::open`] for the old one, [`KeyFileError::Empty`] for the new one.
    pub fn change_passphrase_with(
        &self,
        old: &Passphrase,
        new: &Passphrase,
        random: &mut Random,
    ) -> Result<Self, KeyFileError> {
        let (stretch, lock) = make_lock(&self.file_key(old)?, new, random)?;
        Ok(Self(Body { stretch, lock, ..self.0.clone() }))
    }

    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::frame(MAGIC, &self.0)
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`KeyFileError::Malformed`], or [`KeyFileError::Parameters`] before anything is computed from them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let body: Body = codec::unframe(MAGIC, bytes)?;
        if body.suite != SUITE {
            return Err(KeyFileError::Malformed);
        }
        if body.stretch.is_acceptable() { Ok(Self(body)) } else { Err(KeyFileError::Parameters) }
    }

    fn file_key(&self, passphrase: &Passphrase) -> Result<Secret<32>, KeyFileError> {
        let Body { suite: _, stretch, lock, seed: _ } = &self.0;
        let stretched = stretch.derive_key(passphrase).or(Err(KeyFileError::Parameters))?;
        let key = lock_key(&stretched).open(&codec::encode(stretch), lock);
        let key = zeroize::Zeroizing::new(key.or(Err(KeyFileError::WrongPassphrase))?);
        Secret::try_from(key.as_slice()).or(Err(KeyFileError::Malformed))
    }
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile(..)")
    }
}

fn make_lock(
    file_key: &Secret<32>,
    passphrase: &Passphrase,
    random: &mut Random,
) -> Result<(Stretch, ByteVec), KeyFileError> {
    if passphrase.is_empty() {
        return Err(KeyFileError::Empty);
    }
    let stretch = Stretch::generate(random);
    let stretched = stretch.derive_key(passphrase).or(Err(KeyFileError::Parameters))?;
    let lock = lock_key(&stretched).seal(&codec::encode(&stretch), file_key.expose());
    Ok((stretch, lock.into()))
}

// The salt of the stretching is fresh for each lock, so its key seals once.
fn lock_key(stretched: &Secret<32>) -> OneUseKey {
    OneUseKey::new(derive(stretched.expose(), &[], Label::KeyFile, &[b"lock"]))
}

fn seed_key(file_key: &Secret<32>) -> OneUseKey {
    OneUseKey::new(derive(file_key.expose(), &[], Label::KeyFile, &[b"seed"]))
}
