//! The keys of notes: a name, a key, and what it signs as.
//!
//! ```text
//! key id = SHA-256(name ‖ "\n" ‖ type ‖ key)[..4]      type: 0x01 a note, 0x04 a cosignature      C2SP signed-note
//! vkey   = name "+" hex(key id) "+" base64(type ‖ key)
//! ```

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{
    codec::Malformed,
    crypto::{Signature, Signer, VerifyingKey, sign::BadSignature},
    limits::KEY_NAME_BYTES_MAX,
    log::text::{base64, from_base64, is_plain},
};

/// The name of a key that signs notes; for a log, its origin too. A schema-less URL keeps it from being another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`Malformed`] for an empty or too long one, and one with a space, a plus or a control character.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_name = !text.is_empty()
            && text.len() <= KEY_NAME_BYTES_MAX
            && is_plain(text)
            && !text.contains(|symbol: char| symbol.is_whitespace() || symbol == '+');
        if is_name { Ok(Self(text.to_owned())) } else { Err(Malformed("key name")) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four bytes that with a name point to a key. Anybody can make a key that has them: they identify, and prove nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key under a name, for one type of signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedKey<const TYPE: u8> {
    pub(super) name: KeyName,
    pub(super) key: VerifyingKey,
}

impl<const TYPE: u8> NamedKey<TYPE> {
    pub(super) fn id(&self) -> KeyId {
        let mut hash = Sha256::new();
        hash.update(self.name.as_str());
        hash.update([b'\n', TYPE]);
        hash.update(self.key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
        KeyId([a, b, c, d])
    }

    pub(super) fn parse(vkey: &str) -> Result<Self, Malformed> {
        let read = || {
            let mut parts = vkey.splitn(3, '+');
            let (name, id, material) = (parts.next()?, parts.next()?, parts.next()?);
            // Nothing longer is decoded: the type, a key, and the padding.
            let material = from_base64(Some(material).filter(|text| text.len() <= 64)?)?;
            let key = material.strip_prefix(&[TYPE])?.try_into().ok()?;
            let named = Self { name: KeyName::parse(name).ok()?, key: VerifyingKey::from_bytes(key).ok()? };
            (named.id().to_string() == id).then_some(named)
        };
        read().ok_or(Malformed("verifier key"))
    }

    pub(super) fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = signature.try_into().or(Err(BadSignature))?;
        self.key.verify_note(text, &Signature::from_bytes(signature))
    }
}

impl<const TYPE: u8> fmt::Display for NamedKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [[TYPE].as_slice(), self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, self.id(), base64(&material))
    }
}

/// The type of keys whose signatures are over the text alone.
const NOTE: u8 = 0x01;

/// What a text signed as a note must not begin with: such texts are what witnesses sign.
pub(super) const COSIGNED: &str = "cosignature/v1\n";

/// Whose notes to believe: a name and an Ed25519 key. In text, a *vkey*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier(pub(super) NamedKey<NOTE>);

impl NoteVerifier {
    /// The key under a name.
    #[must_use]
    pub const fn new(name: KeyName, key: VerifyingKey) -> Self {
        Self(NamedKey { name, key })
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, of another type of key, or its id is not the key's.
    pub fn parse(vkey: &str) -> Result<Self, Malformed> {
        NamedKey::parse(vkey).map(Self)
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.0.name
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.0.key
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.0.id()
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A signing key under a name.
#[derive(Debug)]
pub struct NoteSigner<'k> {
    name: KeyName,
    signer: &'k Signer,
}

impl<'k> NoteSigner<'k> {
    /// The key under a name.
    #[must_use]
    pub const fn new(name: KeyName, signer: &'k Signer) -> Self {
        Self { name, signer }
    }

    /// What verifies its notes.
    #[must_use]
    pub fn verifier(&self) -> NoteVerifier {
        NoteVerifier::new(self.name.clone(), self.signer.verifying_key())
    }

    /// A text that could be a cosignature's is refused: the same key may be a witness's.
    pub(super) fn sign(&self, text: &str) -> Result<Signature, Malformed> {
        if text.starts_with(COSIGNED) {
            Err(Malformed("note"))
        } else {
            self.signer.sign_note(text.as_bytes())
        }
    }
}
