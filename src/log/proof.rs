//! Proofs that somebody can check offline: an entry stands in the log.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>                   only if there is something
//! index <decimal>
//! <base64 of a hash>               the inclusion, from the leaf's sibling up, one a line
//! <an empty line>
//! <the checkpoint, with its signatures>
//! ```
//!
//! C2SP tlog-proof.

use std::fmt;

use crate::{
    codec::Malformed,
    id::Digest,
    limits::PROOF_EXTRA_BYTES_MAX,
    log::{
        Checkpoint, NoteVerifier, SignedCheckpoint, Unverified, WitnessPolicy,
        text::{base64, from_base64, from_decimal},
    },
    merkle::{leaf_hash, verify_inclusion},
};

/// What a proof begins with.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// The most hashes of an inclusion: a tree of less than 2⁶⁴ leaves is not higher.
const HASHES_MAX: usize = 64;

/// Characters of an index and of the hashes before the checkpoint, without the extra data.
const LINES_BYTES_MAX: usize = 4096;

/// That an entry stands in a log, for who has the entry and the log's key; verify it before using it.
#[derive(Clone, PartialEq, Eq)]
pub struct LogProof {
    extra: Vec<u8>,
    index: u64,
    inclusion: Vec<Digest>,
    checkpoint: SignedCheckpoint,
}

impl LogProof {
    /// The proof that the entry at an index stands in the tree of a checkpoint.
    ///
    /// # Errors
    /// [`Malformed`] for more hashes than any tree is high.
    pub fn new(index: u64, inclusion: Vec<Digest>, checkpoint: SignedCheckpoint) -> Result<Self, Malformed> {
        Self { extra: Vec::new(), index, inclusion, checkpoint }.checked()
    }

    /// The same with data that goes along, and is not proven by it; with none of it, no line is written.
    ///
    /// # Errors
    /// [`Malformed`] for too much of it.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, Malformed> {
        Self { extra, ..self }.checked()
    }

    fn checked(self) -> Result<Self, Malformed> {
        let is_proof = self.inclusion.len() <= HASHES_MAX && self.extra.len() <= PROOF_EXTRA_BYTES_MAX;
        if is_proof { Ok(self) } else { Err(Malformed("proof of the log")) }
    }

    /// Reads a proof. Nothing is verified by that.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, or too large.
    pub fn parse(proof: &str) -> Result<Self, Malformed> {
        let read = || {
            let (lines, checkpoint) = proof.strip_prefix(HEADER)?.split_once("\n\n")?;
            let bytes_max = PROOF_EXTRA_BYTES_MAX.saturating_mul(2).saturating_add(LINES_BYTES_MAX);
            let mut lines = Some(lines).filter(|lines| lines.len() <= bytes_max)?.split('\n');
            let mut line = lines.next()?;
            let mut extra = Vec::new();
            if let Some(text) = line.strip_prefix("extra ") {
                extra = from_base64(text).filter(|extra| !extra.is_empty())?;
                line = lines.next()?;
            }
            let index = from_decimal(line.strip_prefix("index ")?)?;
            let hash = |line: &str| from_base64(line)?.try_into().ok().map(Digest::from_bytes);
            let inclusion = lines.map(hash).collect::<Option<_>>()?;
            let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes()).ok()?;
            Self { extra, index, inclusion, checkpoint }.checked().ok()
        };
        read().ok_or(Malformed("proof of the log"))
    }

    /// The checkpoint in whose tree the entry stands, if this log signed it and enough witnesses saw it.
    ///
    /// # Errors
    /// [`Unverified`] if they did not, or another entry stands there.
    pub fn verify(
        &self,
        log: &NoteVerifier,
        policy: &WitnessPolicy,
        entry: &[u8],
    ) -> Result<&Checkpoint, Unverified> {
        let checkpoint = self.checkpoint.verify_witnessed(log, policy)?;
        verify_inclusion(&leaf_hash(entry), self.index, &checkpoint.head, &self.inclusion)?;
        Ok(checkpoint)
    }

    /// Where the entry stands, if the proof verifies.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint it came with.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The data that came along: nobody vouches for it, not even if the proof verifies.
    #[must_use]
    pub fn unproven_extra(&self) -> &[u8] {
        &self.extra
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extra, index, inclusion, checkpoint } = self;
        f.write_str(HEADER)?;
        if !extra.is_empty() {
            writeln!(f, "extra {}", base64(extra))?;
        }
        writeln!(f, "index {index}")?;
        inclusion.iter().try_for_each(|hash| writeln!(f, "{}", base64(hash.as_bytes())))?;
        write!(f, "\n{checkpoint}")
    }
}

impl fmt::Debug for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogProof({} of {:?})", self.index, self.checkpoint)
    }
}
