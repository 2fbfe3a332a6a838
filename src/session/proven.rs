//! What a session has verified before: a signature is checked once.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    crypto::{VerifyingKey, sign::BadSignature},
    event::{Event, SignedEvent, Step},
    id::Digest,
};

/// The most signatures remembered: some ten megabytes. Above it all are forgotten, and checked again.
const REMEMBERED_MAX: usize = 1 << 17;

/// Events whose signatures were found good, each with the key it was checked with.
#[derive(Debug, Default)]
pub(super) struct Proven(Mutex<BTreeSet<(VerifyingKey, Digest)>>);

impl Proven {
    /// The event, if this key signed it: by looking, or by remembering that it did.
    pub(super) fn verify(&self, signed: &SignedEvent, key: &VerifyingKey) -> Result<Event, BadSignature> {
        self.verify_step(signed, key)?;
        signed.claims().or(Err(BadSignature))
    }

    /// What was done, if this key signed it, of an event that may be redacted.
    pub(super) fn verify_step(&self, signed: &SignedEvent, key: &VerifyingKey) -> Result<Step, BadSignature> {
        // The digest is of statement and signature: what was good once is good again.
        let mark = (*key, signed.digest());
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&mark) {
            return signed.claimed_step().or(Err(BadSignature));
        }
        let step = signed.verify_step(key)?;
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() >= REMEMBERED_MAX {
            marks.clear();
        }
        marks.insert(mark);
        Ok(step)
    }
}
