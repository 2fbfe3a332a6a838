//! Signed events, whole or without their moment.
//!
//! ```text
//! signature = Ed25519(k, "event" ‖ H("moment" ‖ moment) ‖ step)
//! whole     = [ step, moment, signature ]             for the owner, the custodian, auditors, the readers of a Case
//! redacted  = [ step, H("moment" ‖ moment), signature ]       for the readers of an Identity
//! ```
//!
//! One signature is over both forms, and both have one digest. A doctor who is assigned to one case of a patient and gives
//! an opinion on another reads both folders: what happened in both at the same time must not tell him that they are one
//! person's. The moment is salted, so its digest tells nothing.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, Malformed},
    crypto::{Label, Signature, Signer, VerifyingKey, kdf, remembered, sign::BadSignature},
    event::{Event, Moment, Step},
    id::Digest,
};

/// An event as it came, with its signature; read it by verifying it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedEvent {
    #[n(0)]
    step: ByteVec,
    #[n(1)]
    moment: Form,
    #[n(2)]
    signature: Signature,
}

#[derive(Clone, PartialEq, Eq, Encode, Decode)]
enum Form {
    #[n(0)]
    Redacted(#[n(0)] Digest),
    #[n(1)]
    Whole(#[n(0)] ByteVec),
}

impl Form {
    fn digest(&self) -> Digest {
        match self {
            Self::Redacted(digest) => *digest,
            Self::Whole(moment) => kdf::digest(Label::Moment, &[moment]),
        }
    }
}

codec::wire! { SignedEvent: "event", Step::BYTES_MAX + Moment::BYTES_MAX + 128; }

impl SignedEvent {
    /// Signs an event.
    #[must_use]
    pub fn sign(event: &Event, signer: &Signer) -> Self {
        let Event { step, moment } = event;
        let (step, moment) = (codec::encode(step), Form::Whole(codec::encode(moment).into()));
        let signature = signer.sign(Label::Event, &signed_bytes(&step, &moment));
        Self { step: step.into(), moment, signature }
    }

    /// The event, if this key signed it and its moment is there.
    ///
    /// # Errors
    /// [`BadSignature`] otherwise, or if the bytes are not the one encoding of an event.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Event, BadSignature> {
        self.check(key)?;
        self.claims().or(Err(BadSignature))
    }

    /// What was done, if this key signed it; of a redacted event there is no more.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_step(&self, key: &VerifyingKey) -> Result<Step, BadSignature> {
        self.check(key)?;
        self.claimed_step().or(Err(BadSignature))
    }

    /// The event, by remembering if this very one was verified before.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_again(&self, key: &VerifyingKey) -> Result<Event, BadSignature> {
        remembered::verify(key, Label::Event, &signed_bytes(&self.step, &self.moment), &self.signature)?;
        self.claims().or(Err(BadSignature))
    }

    /// What was done, by remembering likewise.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_step_again(&self, key: &VerifyingKey) -> Result<Step, BadSignature> {
        remembered::verify(key, Label::Event, &signed_bytes(&self.step, &self.moment), &self.signature)?;
        self.claimed_step().or(Err(BadSignature))
    }

    /// Whether this key signed it: what it says is then what it claims, if it can be read.
    ///
    /// # Errors
    /// [`BadSignature`] if it did not.
    pub fn check(&self, key: &VerifyingKey) -> Result<(), BadSignature> {
        key.verify(Label::Event, &signed_bytes(&self.step, &self.moment), &self.signature)
    }

    /// What the event claims, before anything is verified: only to find out whose key to verify it with.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not the one encoding of an event, or its moment is not there.
    pub fn claims(&self) -> Result<Event, Malformed> {
        let moment = self.claimed_moment()?.ok_or(Malformed("event"))?;
        Ok(Event { step: self.claimed_step()?, moment })
    }

    /// What was done, as it is claimed.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not the one encoding of a step.
    pub fn claimed_step(&self) -> Result<Step, Malformed> {
        codec::decode(&self.step)
    }

    /// When, as it is claimed; nothing of a redacted event.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not the one encoding of a moment.
    pub fn claimed_moment(&self) -> Result<Option<Moment>, Malformed> {
        match &self.moment {
            Form::Redacted(_) => Ok(None),
            Form::Whole(moment) => codec::decode(moment).map(Some),
        }
    }

    /// The digest of event and signature: the same of both forms.
    #[must_use]
    pub fn digest(&self) -> Digest {
        kdf::digest(
            Label::EventDigest,
            &[&self.step, self.moment.digest().as_bytes(), self.signature.as_bytes()],
        )
    }

    /// The same event without its moment.
    #[must_use]
    pub fn redacted(self) -> Self {
        Self { moment: Form::Redacted(self.moment.digest()), ..self }
    }
}

fn signed_bytes(step: &[u8], moment: &Form) -> Vec<u8> {
    [moment.digest().as_bytes().as_slice(), step].concat()
}

impl std::fmt::Debug for SignedEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedEvent({} bytes)", self.step.len())
    }
}
