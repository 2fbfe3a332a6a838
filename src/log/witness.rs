//! A witness: asked to sign that a log only grew, it compares with what it saw last.
//!
//! ```text
//! request   old <size>                        C2SP tlog-witness, the body of add-checkpoint
//!           <base64 of a hash>                the consistency proof from there, at most 63 lines
//!           <an empty line>
//!           <the checkpoint, a signed note>
//! reply     200 and signature lines, 409 and the size last seen, or why not
//! state     <the log's vkey>                  what a witness keeps of one log
//!           <origin>  <size>  <root>          the checkpoint's text: the last it signed, or of size 0
//! ```
//!
//! ```
//! use std::collections::BTreeMap;
//! use casevault::{crypto::{Random, Secret, Signer}, log::*, time::Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let keys = [1, 2].map(|seed| Signer::from_seed(&Secret::from_bytes([seed; 32])));
//! # let log = NoteSigner::new(KeyName::parse("log.example")?, &keys[0]);
//! # let checkpoint = SignedCheckpoint::sign(Default::default(), &log)?;
//! # let request = CosignRequest::new(0, Vec::new(), checkpoint)?.to_string();
//! let witness = WitnessSigner::new(KeyName::parse("witness.example")?, &keys[1]);
//! let mut kept = BTreeMap::from([(log.verifier().name().clone(), WitnessState::new(log.verifier()))]);
//!
//! let pending = witness.consider(request.as_bytes(), |origin| kept.get(origin).cloned())?;
//! // There is no line before the state is kept.
//! let line = pending.keep(Timestamp::at_ms(1_790_000_000_000), |_before, after| {
//!     kept.insert(after.log().name().clone(), after.clone());
//!     Ok::<(), std::io::Error>(())
//! })??;
//! assert!(line.starts_with("\u{2014} witness.example "));
//! # Ok(())
//! # }
//! ```

use std::fmt;

use crate::{
    codec::Malformed,
    id::Digest,
    limits::{CONSISTENCY_LINES_MAX, KEY_NAME_BYTES_MAX, NOTE_BYTES_MAX},
    log::{
        Checkpoint, KeyName, NoteVerifier, SignedCheckpoint, WitnessSigner,
        text::{base64, from_base64, from_decimal},
    },
    merkle::{Head, verify_consistency},
    time::Timestamp,
};

/// What a log asks a witness: to sign its checkpoint, which continues what the witness saw last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignRequest {
    old: u64,
    proof: Vec<Digest>,
    checkpoint: SignedCheckpoint,
}

impl CosignRequest {
    /// The longest request, in bytes: the old size, the proof and the checkpoint.
    pub const BYTES_MAX: usize = 64 * (CONSISTENCY_LINES_MAX + 1) + NOTE_BYTES_MAX;

    /// The size that the witness saw last, the proof that the log grew from there, and its checkpoint.
    ///
    /// # Errors
    /// [`Malformed`] if the old size is the larger one, or the proof too long.
    pub fn new(old: u64, proof: Vec<Digest>, checkpoint: SignedCheckpoint) -> Result<Self, Malformed> {
        if old <= checkpoint.claims().head.size && proof.len() <= CONSISTENCY_LINES_MAX {
            Ok(Self { old, proof, checkpoint })
        } else {
            Err(Malformed("cosign request"))
        }
    }

    /// Reads a request. Nothing is verified by that.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, or as for [`Self::new`].
    pub fn parse(request: &[u8]) -> Result<Self, Malformed> {
        let read = || {
            let request = Some(request).filter(|request| request.len() <= Self::BYTES_MAX)?;
            // Proof lines are never empty: the first empty line divides.
            let (said, checkpoint) = std::str::from_utf8(request).ok()?.split_once("\n\n")?;
            let mut lines = said.split('\n');
            let old = from_decimal(lines.next()?.strip_prefix("old ")?)?;
            let hash = |line: &str| {
                let line = Some(line).filter(|line| line.len() == 44)?;
                from_base64(line)?.try_into().ok().map(Digest::from_bytes)
            };
            let proof =
                lines.take(CONSISTENCY_LINES_MAX.saturating_add(1)).map(hash).collect::<Option<_>>()?;
            Self::new(old, proof, SignedCheckpoint::parse(checkpoint.as_bytes()).ok()?).ok()
        };
        read().ok_or(Malformed("cosign request"))
    }

    /// The size that the log believes the witness saw last.
    #[must_use]
    pub const fn old(&self) -> u64 {
        self.old
    }

    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for CosignRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, proof, checkpoint } = self;
        writeln!(f, "old {old}")?;
        proof.iter().try_for_each(|hash| writeln!(f, "{}", base64(hash.as_bytes())))?;
        write!(f, "\n{checkpoint}")
    }
}

/// What a witness answered, as it comes over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessReply {
    /// The status: 200 with signature lines, 409 with a size, or another.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl WitnessReply {
    /// With a witness's signature line.
    #[must_use]
    pub fn signed(line: &str) -> Self {
        Self { status: 200, body: line.as_bytes().to_vec() }
    }

    /// The size that the witness saw last, if it said so because the log believed otherwise.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let text = Some(&self.body).filter(|body| self.status == 409 && body.len() <= 21)?;
        from_decimal(std::str::from_utf8(text).ok()?.strip_suffix('\n')?)
    }
}

/// Why a witness does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessRefusal {
    /// The log's checkpoint of the size last seen had another root: the log has branched off.
    #[error("the log has two roots of size {0}: it has branched off")]
    Branched(u64),
    /// It is no request.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The log believes that the witness saw another size last than this one.
    #[error("the checkpoint last seen was of size {0}")]
    OtherSize(u64),
    /// No such log is known.
    #[error("no log of this origin is known")]
    UnknownLog,
    /// The checkpoint does not continue the one last seen.
    #[error("the log does not grow from the checkpoint last seen")]
    Unproven,
    /// The log's key did not sign it.
    #[error("the log did not sign this checkpoint")]
    Unsigned,
}

impl WitnessRefusal {
    /// The answer over HTTP: for another size or root, with the size last seen, as `text/x.tlog.size`.
    #[must_use]
    pub fn reply(self) -> WitnessReply {
        let (status, body) = match self {
            Self::Branched(size) | Self::OtherSize(size) => (409, format!("{size}\n").into_bytes()),
            Self::Malformed(_) => (400, Vec::new()),
            Self::UnknownLog => (404, Vec::new()),
            Self::Unproven => (422, Vec::new()),
            Self::Unsigned => (403, Vec::new()),
        };
        WitnessReply { status, body }
    }
}

/// What a witness keeps of one log: whose checkpoints it believes, and the last it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessState {
    log: NoteVerifier,
    head: Head,
}

impl WitnessState {
    /// Of a log of which nothing was seen yet.
    #[must_use]
    pub fn new(log: NoteVerifier) -> Self {
        Self { log, head: Head::default() }
    }

    /// Reads a state back.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, or of two logs.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let read = || {
            // A vkey, and three lines of which the first is a name.
            let text = Some(text).filter(|text| text.len() <= 3 * KEY_NAME_BYTES_MAX)?;
            let (vkey, checkpoint) = text.split_once('\n')?;
            let (log, checkpoint) = (NoteVerifier::parse(vkey).ok()?, Checkpoint::parse(checkpoint).ok()?);
            (checkpoint.origin == *log.name()).then_some(Self { log, head: checkpoint.head })
        };
        read().ok_or(Malformed("witness state"))
    }

    /// Whose checkpoints are believed; its name is the origin.
    #[must_use]
    pub const fn log(&self) -> &NoteVerifier {
        &self.log
    }

    /// The head that was signed last; the empty one before the first.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }
}

impl fmt::Display for WitnessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, head } = self;
        write!(f, "{log}\n{}", Checkpoint { origin: log.name().clone(), head: *head })
    }
}

/// A checkpoint that a witness may sign, once it has kept that it did.
#[derive(Debug)]
#[must_use = "nothing is signed before the state is kept"]
pub struct PendingCosignature<'w> {
    signer: &'w WitnessSigner<'w>,
    before: WitnessState,
    after: WitnessState,
    checkpoint: SignedCheckpoint,
}

impl WitnessSigner<'_> {
    /// Reads a request and compares it with what was kept of its log.
    ///
    /// # Errors
    /// [`WitnessRefusal`]: what to answer.
    pub fn consider(
        &self,
        request: &[u8],
        kept: impl FnOnce(&KeyName) -> Option<WitnessState>,
    ) -> Result<PendingCosignature<'_>, WitnessRefusal> {
        let CosignRequest { old, proof, checkpoint } = CosignRequest::parse(request)?;
        let before = kept(&checkpoint.claims().origin).ok_or(WitnessRefusal::UnknownLog)?;
        let head = checkpoint.verify(&before.log).map_err(|_unsigned| WitnessRefusal::Unsigned)?.head;
        let last = before.head;
        if old != last.size {
            return Err(WitnessRefusal::OtherSize(last.size));
        }
        if head.size == last.size && head.root != last.root {
            return Err(WitnessRefusal::Branched(last.size));
        }
        verify_consistency(&last, &head, &proof).map_err(|_unproven| WitnessRefusal::Unproven)?;
        let after = WitnessState { head, ..before.clone() };
        Ok(PendingCosignature { signer: self, before, after, checkpoint })
    }
}

impl PendingCosignature<'_> {
    /// Keeps the state, and then signs: the line, with its newline.
    ///
    /// `durably` puts the second state in the place of the first if that one still stands there, in one step, and returns
    /// when it is durable: two requests at once must not both find the old one.
    ///
    /// # Errors
    /// What `durably` returns; [`Malformed`] within for a text that no witness signs.
    ///
    /// # Security
    /// A witness that signs and forgets may sign a fork.
    pub fn keep<E>(
        self,
        at: Timestamp,
        durably: impl FnOnce(&WitnessState, &WitnessState) -> Result<(), E>,
    ) -> Result<Result<String, Malformed>, E> {
        let Self { signer, before, after, checkpoint } = self;
        durably(&before, &after)?;
        Ok(signer.line(&checkpoint, at).map(|line| format!("{line}\n")))
    }
}
