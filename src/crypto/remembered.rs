//! Signatures that were found good before: to verify is a pure function, and its answer does not change.
//!
//! ```text
//! mark = SHA-256("remembered" ‖ key ‖ label ‖ statement ‖ signature)
//! ```
//!
//! A card, an attestation, an event of a chart that is opened again: verifying takes fifty microseconds, remembering one.
//! Only good signatures are remembered, in this process, so many at the most. To pass for one, other bytes would have to
//! have the same SHA-256.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    crypto::{Label, Signature, VerifyingKey, kdf::digest, sign::BadSignature},
    id::Digest,
};

/// The most signatures remembered: some ten megabytes. Above it all are forgotten, and checked again.
const MOST: usize = 1 << 17;

static GOOD: Mutex<BTreeSet<Digest>> = Mutex::new(BTreeSet::new());

/// Checks a signature, by looking or by remembering that it is good.
///
/// # Errors
/// As [`VerifyingKey::verify`].
pub(crate) fn verify(
    key: &VerifyingKey,
    label: Label,
    bytes: &[u8],
    signature: &Signature,
) -> Result<(), BadSignature> {
    let mark = digest(Label::Remembered, &[key.as_bytes(), label.bytes(), bytes, signature.as_bytes()]);
    let is_good = || GOOD.lock().unwrap_or_else(PoisonError::into_inner);
    if is_good().contains(&mark) {
        return Ok(());
    }
    key.verify(label, bytes, signature)?;
    let mut good = is_good();
    if good.len() >= MOST {
        good.clear();
    }
    good.insert(mark);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::verify;
    use crate::crypto::{Label, Secret, Signer};

    #[test]
    fn what_is_remembered_is_one_signature_of_one_key_over_one_statement() {
        let signer = |seed| Signer::from_seed(&Secret::from_bytes([seed; 32]));
        let (key, other) = (signer(1).verifying_key(), signer(2).verifying_key());
        let signature = signer(1).sign(Label::Event, b"this");
        for _ in 0..2 {
            assert!(verify(&key, Label::Event, b"this", &signature).is_ok());
            assert!(verify(&key, Label::Event, b"that", &signature).is_err());
            assert!(verify(&key, Label::Receipt, b"this", &signature).is_err());
            assert!(verify(&other, Label::Event, b"this", &signature).is_err());
            assert!(verify(&key, Label::Event, b"this", &signer(2).sign(Label::Event, b"this")).is_err());
        }
    }
}
