//! Signatures, and statements that cannot be read before they are verified.
//!
//! ```text
//! sign(k, L, s) = Ed25519(k, L ‖ s)                                             RFC 8032, verified strictly
//! note(k, t)    = Ed25519(k, t)     t a text without NUL, not beginning with `casevault/1 `
//! ```

use std::{fmt, marker::PhantomData};

use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Malformed, Wire},
    crypto::{Label, Secret, kdf, remembered},
    id::{Digest, PartyId},
};

/// The signature is not this key's over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not by this key over these bytes")]
#[non_exhaustive]
pub struct BadSignature;

/// What every labelled message begins with.
const LABELLED: &[u8] = b"casevault/1 ";

/// A secret signing key.
pub struct Signer(SigningKey);

impl Signer {
    /// The key pair of a seed.
    #[must_use]
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs bytes as what the label says.
    #[must_use]
    pub fn sign(&self, label: Label, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(&[label.bytes(), bytes].concat()).to_bytes())
    }

    /// Signs the text of a note as it stands, without a label: others read it who know nothing of ours.
    ///
    /// # Errors
    /// [`Malformed`] for a text that a labelled message could be.
    ///
    /// # Security
    /// No such signature is ever one over a labelled message, nor the reverse: every label begins with `casevault/1 ` and ends
    /// with a NUL, and a text with either is refused here, in signing and in verifying. What kinds of texts the key signs,
    /// and that none is taken for another, is for the caller to keep.
    pub(crate) fn sign_note(&self, text: &[u8]) -> Result<Signature, Malformed> {
        if is_note(text) { Ok(Signature(self.0.sign(text).to_bytes())) } else { Err(Malformed("note")) }
    }
}

/// Whether a text is none that a labelled message could be.
fn is_note(text: &[u8]) -> bool {
    !text.starts_with(LABELLED) && !text.contains(&0)
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// A public signing key; never a weak one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// [`Malformed`] if they are no point of the curve, or one of small order, under which anything verifies.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, Malformed> {
        match ed25519_dalek::VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            Ok(_) | Err(_) => Err(Malformed("verifying key")),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Checks a signature strictly: one key, one message, one signature.
    ///
    /// # Errors
    /// [`BadSignature`] in every other case.
    pub fn verify(&self, label: Label, bytes: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(&[label.bytes(), bytes].concat(), &signature).or(Err(BadSignature))
    }

    /// Checks the signature of a note's text, as strictly.
    ///
    /// # Errors
    /// [`BadSignature`] in every other case, and for every text that [`Signer::sign_note`] refuses.
    pub(crate) fn verify_note(&self, text: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        if !is_note(text) {
            return Err(BadSignature);
        }
        self.0.verify_strict(text, &signature).or(Err(BadSignature))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", Digest::from_bytes(*self.as_bytes()))
    }
}

impl<C> Encode<C> for VerifyingKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(self.as_bytes())?;
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for VerifyingKey {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let wrong = || minicbor::decode::Error::message("not a verifying key");
        let bytes = d.bytes()?.try_into().or(Err(wrong()))?;
        Self::from_bytes(bytes).or(Err(wrong()))
    }
}

/// A signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes the bytes as they are; verifying judges them.
    pub(crate) const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

impl<C> Encode<C> for Signature {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?;
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Signature {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?.try_into();
        bytes.map(Self).or(Err(minicbor::decode::Error::message("wrong length")))
    }
}

/// A value that is signed: its label keeps it from being taken for any other.
pub trait Statement: Wire {
    /// What its signature is for.
    const LABEL: Label;
}

/// A statement as it came, with its signature; read it by verifying it.
pub struct Signed<T> {
    statement: Vec<u8>,
    signature: Signature,
    of: PhantomData<fn() -> T>,
}

impl<T: Statement> Signed<T> {
    /// Signs a statement.
    #[must_use]
    pub fn sign(statement: &T, signer: &Signer) -> Self {
        let statement = codec::encode(statement);
        let signature = signer.sign(T::LABEL, &statement);
        Self { statement, signature, of: PhantomData }
    }

    /// The statement, if this key signed it.
    ///
    /// # Errors
    /// [`BadSignature`] if it did not, or the bytes are not the one encoding of such a statement.
    pub fn verify(&self, key: &VerifyingKey) -> Result<T, BadSignature> {
        key.verify(T::LABEL, &self.statement, &self.signature)?;
        codec::decode(&self.statement).or(Err(BadSignature))
    }

    /// The same, by remembering if this very statement was verified before.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_again(&self, key: &VerifyingKey) -> Result<T, BadSignature> {
        remembered::verify(key, T::LABEL, &self.statement, &self.signature)?;
        codec::decode(&self.statement).or(Err(BadSignature))
    }

    /// What the statement claims, before anything is verified: only to find out whose key to verify it with.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not the one encoding of such a statement.
    pub fn claims(&self) -> Result<T, Malformed> {
        codec::decode(&self.statement)
    }

    /// The digest of statement and signature.
    #[must_use]
    pub fn digest(&self) -> Digest {
        kdf::digest(T::LABEL, &[&self.statement, &self.signature.0])
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self { statement: self.statement.clone(), signature: self.signature, of: PhantomData }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement && self.signature == other.signature
    }
}

impl<T> Eq for Signed<T> {}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({} bytes)", self.statement.len())
    }
}

impl<T, C> Encode<C> for Signed<T> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.bytes(&self.statement)?.bytes(&self.signature.0)?;
        Ok(())
    }
}

impl<'b, T, C> Decode<'b, C> for Signed<T> {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("not a signed statement"));
        }
        let statement = d.bytes()?.to_vec();
        Ok(Self { statement, signature: Signature::decode(d, c)?, of: PhantomData })
    }
}

impl<T: Statement> Wire for Signed<T> {
    const NAME: &'static str = T::NAME;
    // The statement, its signature (64 bytes) and their CBOR heads.
    const BYTES_MAX: usize = T::BYTES_MAX.saturating_add(80);
}

/// One statement, signed by several.
pub struct CoSigned<T> {
    statement: Vec<u8>,
    signatures: Vec<(PartyId, Signature)>,
    of: PhantomData<fn() -> T>,
}

impl<T: Statement> CoSigned<T> {
    /// A statement with its first signature.
    #[must_use]
    pub fn sign(statement: &T, signer: (PartyId, &Signer)) -> Self {
        let unsigned = Self { statement: codec::encode(statement), signatures: Vec::new(), of: PhantomData };
        unsigned.sign_too(signer)
    }

    /// The same statement with one more signature; a signer signs once.
    #[must_use]
    pub fn sign_too(mut self, (party, signer): (PartyId, &Signer)) -> Self {
        let signature = signer.sign(T::LABEL, &self.statement);
        self.signatures.retain(|(known, _)| *known != party);
        self.signatures.push((party, signature));
        self
    }

    /// The same statement with the signatures of both; nothing if the statements differ.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Option<Self> {
        if self.statement != other.statement {
            return None;
        }
        for (party, signature) in &other.signatures {
            if self.signatures.iter().all(|(known, _)| known != party) {
                self.signatures.push((*party, *signature));
            }
        }
        Some(self)
    }

    /// The same statement with those signatures alone that these parties made with these keys.
    #[must_use]
    pub fn signed_by(mut self, signers: &[(PartyId, &VerifyingKey)]) -> Self {
        let Self { statement, signatures, of: _ } = &mut self;
        signatures.retain(|(party, signature)| {
            let mut keys = signers.iter().filter(|(signer, _)| signer == party);
            keys.any(|(_, key)| remembered::verify(key, T::LABEL, statement, signature).is_ok())
        });
        self
    }

    /// Whether a party signed it with this key.
    #[must_use]
    pub fn is_signed_by(&self, party: PartyId, key: &VerifyingKey) -> bool {
        let mut of_party = self.signatures.iter().filter(|(signer, _)| *signer == party);
        of_party.any(|(_, signature)| remembered::verify(key, T::LABEL, &self.statement, signature).is_ok())
    }

    /// Who signed first.
    #[must_use]
    pub fn first_signer(&self) -> Option<PartyId> {
        self.signatures.first().map(|(party, _)| *party)
    }

    /// How many signatures there are, good or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.signatures.len()
    }

    /// What the statement claims, before anything is verified.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not the one encoding of such a statement.
    pub fn claims(&self) -> Result<T, Malformed> {
        codec::decode(&self.statement)
    }

    /// The digest of the statement, whoever signed it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        kdf::digest(T::LABEL, &[&self.statement])
    }
}

impl<T> Clone for CoSigned<T> {
    fn clone(&self) -> Self {
        Self { statement: self.statement.clone(), signatures: self.signatures.clone(), of: PhantomData }
    }
}

impl<T> PartialEq for CoSigned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement && self.signatures == other.signatures
    }
}

impl<T> Eq for CoSigned<T> {}

impl<T> fmt::Debug for CoSigned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoSigned({} bytes, {} signatures)", self.statement.len(), self.signatures.len())
    }
}

impl<T, C> Encode<C> for CoSigned<T> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        c: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.bytes(&self.statement)?;
        self.signatures.encode(e, c)
    }
}

impl<'b, T, C> Decode<'b, C> for CoSigned<T> {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("not a signed statement"));
        }
        let statement = d.bytes()?.to_vec();
        Ok(Self { statement, signatures: Vec::decode(d, c)?, of: PhantomData })
    }
}

impl<T: Statement> Wire for CoSigned<T> {
    const NAME: &'static str = T::NAME;
    // The statement, and for each signer an id and a signature.
    const BYTES_MAX: usize = T::BYTES_MAX.saturating_add(4096);
}

#[cfg(test)]
mod tests {
    use super::{LABELLED, Signer, is_note};
    use crate::crypto::{Label, Secret};

    #[test]
    fn no_text_that_is_signed_bare_could_be_labelled() {
        let signer = Signer::from_seed(&Secret::from_bytes([7; 32]));
        for label in Label::ALL {
            assert!(label.bytes().starts_with(LABELLED));
            let message = [label.bytes(), b"text\n"].concat();
            assert!(signer.sign_note(&message).is_err());
            // Not even when somebody else's program signed it.
            assert!(signer.verifying_key().verify_note(&message, &signer.sign(*label, b"text\n")).is_err());
        }
        assert!(!is_note(b"a\0b\n") && !is_note(b"casevault/1 b\n"));
        let text = b"casevault/11\n";
        let signature = signer.sign_note(text).unwrap();
        assert!(signer.verifying_key().verify_note(text, &signature).is_ok());
        assert!(signer.verifying_key().verify_note(b"casevault/12\n", &signature).is_err());
    }
}
