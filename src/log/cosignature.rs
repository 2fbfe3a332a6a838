//! Cosignatures: witnesses who saw that a log only grew, and when.
//!
//! ```text
//! line      = key id ‖ seconds since 1970 (8 bytes, big-endian) ‖ signature
//! signature = Ed25519("cosignature/v1\n" ‖ "time " ‖ seconds ‖ "\n" ‖ checkpoint text)
//! ```
//!
//! C2SP tlog-cosignature, the Ed25519 form, key type 0x04. Against a log that shows different heads to different people, one
//! compares what enough witnesses saw.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::{
    codec::Malformed,
    crypto::{Signer, VerifyingKey, sign::BadSignature},
    limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, WITNESSES_MAX},
    log::{
        Checkpoint, KeyId, KeyName, NoteSignature, NoteVerifier, SignedCheckpoint, Unverified,
        key::{COSIGNED, NamedKey},
    },
    time::Timestamp,
};

/// The type of witnesses' keys.
const COSIGNATURE: u8 = 0x04;

/// What a witness signs.
fn message(seconds: u64, text: &str) -> Vec<u8> {
    format!("{COSIGNED}time {seconds}\n{text}").into_bytes()
}

/// A witness: a name and an Ed25519 key. In text, a *vkey* of another type than a log's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness(NamedKey<COSIGNATURE>);

impl Witness {
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

    /// When this witness saw the checkpoint, to the second.
    ///
    /// # Errors
    /// [`Unverified`] if it has no line under it, or more than one, or one that does not verify.
    ///
    /// # Security
    /// Says nothing about who made the checkpoint: for that, the log's own signature is verified.
    pub fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<Timestamp, Unverified> {
        let line = checkpoint.note.line(self.name(), self.id())?;
        let (seconds, signature) = line.split_first_chunk::<8>().ok_or(BadSignature)?;
        let seconds = u64::from_be_bytes(*seconds);
        // Before the year 10000, which the specification's own bound is far beyond.
        let at = seconds.checked_mul(1000).map(Timestamp::at_ms).filter(|at| at.as_ms() / 1000 == seconds);
        self.0.verify(&message(seconds, checkpoint.note.claims()), signature)?;
        Ok(at.ok_or(Malformed("cosignature"))?)
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A witness's signing key under its name.
#[derive(Debug)]
pub struct WitnessSigner<'k> {
    name: KeyName,
    signer: &'k Signer,
}

impl<'k> WitnessSigner<'k> {
    /// The key under a name.
    #[must_use]
    pub const fn new(name: KeyName, signer: &'k Signer) -> Self {
        Self { name, signer }
    }

    /// What verifies its cosignatures.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness::new(self.name.clone(), self.signer.verifying_key())
    }

    /// The checkpoint with this witness's line, if the log signed it.
    ///
    /// # Errors
    /// [`Unverified`] if the log did not sign it, or there is no room for one more line.
    ///
    /// # Security
    /// A witness has verified before that the checkpoint continues the last one it signed for this log; that is for the
    /// caller to keep, and to keep durably.
    pub fn cosign(
        &self,
        checkpoint: SignedCheckpoint,
        log: &NoteVerifier,
        at: Timestamp,
    ) -> Result<SignedCheckpoint, Unverified> {
        checkpoint.verify(log)?;
        let line = self.line(&checkpoint, at)?;
        Ok(SignedCheckpoint::of(checkpoint.note.with(line)?)?)
    }

    /// This witness's line under a checkpoint, whoever signed that.
    pub(super) fn line(
        &self,
        checkpoint: &SignedCheckpoint,
        at: Timestamp,
    ) -> Result<NoteSignature, Malformed> {
        let (witness, seconds) = (self.witness(), at.as_ms() / 1000);
        let signature = self.signer.sign_note(&message(seconds, checkpoint.note.claims()))?;
        let line = [seconds.to_be_bytes().as_slice(), signature.as_bytes()].concat();
        Ok(NoteSignature::new(self.name.clone(), witness.id(), line))
    }
}

/// How many of which witnesses must have seen a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    witnesses: Vec<Witness>,
    needed: usize,
}

impl WitnessPolicy {
    /// So many of these.
    ///
    /// # Errors
    /// [`Malformed`] if there are not so many, or too many, or two have a name or a key in common: a cosignature does not
    /// say whose it is, so one key under two names would count twice.
    pub fn new(witnesses: Vec<Witness>, needed: usize) -> Result<Self, Malformed> {
        let is_alone = |(index, one): (usize, &Witness)| {
            let mut before = witnesses.iter().take(index);
            before.all(|other| other.name() != one.name() && other.key() != one.key())
        };
        let is_policy = needed <= witnesses.len()
            && witnesses.len() <= WITNESSES_MAX
            && witnesses.iter().enumerate().all(is_alone);
        if is_policy { Ok(Self { witnesses, needed }) } else { Err(Malformed("witness policy")) }
    }

    /// No witness is asked for.
    #[must_use]
    pub const fn none() -> Self {
        Self { witnesses: Vec::new(), needed: 0 }
    }

    /// Whether it names nobody.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.witnesses.is_empty()
    }

    /// The witnesses.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// How many of them must have seen a checkpoint.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// Who of them saw the checkpoint, and when, however few they are: a line that does not verify, or is there twice, says
    /// nothing.
    ///
    /// # Security
    /// As for [`Witness::verify`].
    #[must_use]
    pub fn seen(&self, checkpoint: &SignedCheckpoint) -> Vec<(&KeyName, Timestamp)> {
        let seen = self.witnesses.iter().map(|witness| (witness.name(), witness.verify(checkpoint)));
        seen.filter_map(|(name, at)| Some((name, at.ok()?))).collect()
    }

    /// Whether as many as must have seen the checkpoint, by [`Self::seen`].
    #[must_use]
    pub fn is_met(&self, checkpoint: &SignedCheckpoint) -> bool {
        self.seen(checkpoint).len() >= self.needed
    }

    /// Who of them saw the checkpoint, and when.
    ///
    /// # Errors
    /// [`Unverified`] if they are not enough, or one's line does not verify or is there twice.
    ///
    /// # Security
    /// As for [`Witness::verify`]; [`SignedCheckpoint::verify_witnessed`] asks for the log's signature too. That the moments
    /// are recent is for the caller to judge.
    pub fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<Vec<(&KeyName, Timestamp)>, Unverified> {
        let mut seen = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            let at = witness.verify(checkpoint);
            if at != Err(Unverified::Unsigned) {
                seen.push((witness.name(), at?));
            }
        }
        if seen.len() < self.needed { Err(Unverified::TooFewWitnesses) } else { Ok(seen) }
    }
}

impl Default for WitnessPolicy {
    fn default() -> Self {
        Self::none()
    }
}

/// How a witness policy is written: the vkeys, and how many are needed.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Written {
    #[n(0)]
    witnesses: Vec<String>,
    #[n(1)]
    needed: u8,
}

impl<C> Encode<C> for WitnessPolicy {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        c: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let Self { witnesses, needed } = self;
        // Not more than there are witnesses, whose number is bounded.
        let needed = u8::try_from(*needed).unwrap_or(u8::MAX);
        Written { witnesses: witnesses.iter().map(Witness::to_string).collect(), needed }.encode(e, c)
    }
}

impl<'b, C> Decode<'b, C> for WitnessPolicy {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        let Written { witnesses, needed } = Written::decode(d, c)?;
        let malformed = |_| minicbor::decode::Error::message("not a witness policy");
        let witnesses = witnesses.iter().map(|vkey| Witness::parse(vkey)).collect::<Result<_, _>>();
        Self::new(witnesses.map_err(malformed)?, usize::from(needed)).map_err(malformed)
    }
}

impl SignedCheckpoint {
    /// The checkpoint with the line that a witness answered, if it verifies; lines of others are passed over, and none that
    /// stands under the checkpoint is replaced.
    ///
    /// # Errors
    /// [`Unverified`] if the answer is no signature lines, or not the witness's own and only line, or not for this
    /// checkpoint, or the checkpoint has one of this name and id already.
    pub fn with_answer(self, witness: &Witness, answer: &[u8]) -> Result<Self, Unverified> {
        let answer = answer.get(..NOTE_BYTES_MAX).map_or(answer, |_| &[]);
        let lines = std::str::from_utf8(answer).or(Err(Malformed("cosignatures")))?;
        let lines = lines.strip_suffix('\n').ok_or(Malformed("cosignatures"))?;
        let mut own = None;
        for (count, line) in lines.split('\n').enumerate() {
            let line = NoteSignature::parse(line)?;
            if count >= NOTE_SIGNATURES_MAX {
                return Err(Malformed("cosignatures").into());
            }
            if (line.name(), line.id()) == (witness.name(), witness.id()) && own.replace(line).is_some() {
                return Err(Unverified::Repeated);
            }
        }
        let own = own.ok_or(Unverified::Unsigned)?;
        if self.note.line(witness.name(), witness.id()) != Err(Unverified::Unsigned) {
            return Err(Unverified::Repeated);
        }
        let seen = Self::of(self.note.with(own)?)?;
        witness.verify(&seen)?;
        Ok(seen)
    }

    /// The checkpoint, if this log signed it and enough witnesses saw it.
    ///
    /// # Errors
    /// [`Unverified`] if not.
    pub fn verify_witnessed(
        &self,
        log: &NoteVerifier,
        policy: &WitnessPolicy,
    ) -> Result<&Checkpoint, Unverified> {
        let checkpoint = self.verify(log)?;
        policy.verify(self)?;
        Ok(checkpoint)
    }
}
