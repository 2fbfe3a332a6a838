//! Checkpoints: the head of a log, in the text that logs sign.
//!
//! ```text
//! <origin>
//! <size, decimal>
//! <base64 of the root>
//! ```
//!
//! C2SP tlog-checkpoint, without extension lines: what nobody can audit is neither written nor read. The origin is the name
//! of the log's key, as the specification advises; a checkpoint in which they differ is another log's.

use std::fmt;

use crate::{
    codec::Malformed,
    id::Digest,
    log::{
        KeyName, Note, NoteSigner, NoteVerifier, Unverified,
        text::{base64, from_base64, from_decimal},
    },
    merkle::Head,
};

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: KeyName,
    /// How many entries it has, and the root over them.
    pub head: Head,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`Malformed`] if it is no checkpoint, has extension lines, or says of an empty log what it cannot be.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let read = || {
            let mut lines = text.strip_suffix('\n')?.split('\n');
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let root = from_base64(root)?.try_into().ok().map(Digest::from_bytes)?;
            let head = Head { size: from_decimal(size)?, root };
            let is_whole = lines.next().is_none() && (head.size > 0 || head == Head::default());
            let origin = KeyName::parse(origin).ok()?;
            is_whole.then_some(Self { origin, head })
        };
        read().ok_or(Malformed("checkpoint"))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, head: Head { size, root } } = self;
        writeln!(f, "{origin}\n{size}\n{}", base64(root.as_bytes()))
    }
}

/// A checkpoint as it came, with its signatures; read it by verifying it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub(super) note: Note,
    claimed: Checkpoint,
}

impl SignedCheckpoint {
    /// Signs the head of the log that is called as this key is.
    ///
    /// # Errors
    /// [`Malformed`] for a head that no log has.
    ///
    /// # Security
    /// A log signs no two heads of which one does not continue the other: that is for the caller to keep.
    pub fn sign(head: Head, signer: &NoteSigner<'_>) -> Result<Self, Malformed> {
        let checkpoint = Checkpoint { origin: signer.verifier().name().clone(), head };
        Self::of(Note::sign(&checkpoint.to_string(), signer)?)
    }

    /// Reads a checkpoint with its signatures. Nothing is verified by that.
    ///
    /// # Errors
    /// [`Malformed`] if it is no note, or its text no checkpoint.
    pub fn parse(note: &[u8]) -> Result<Self, Malformed> {
        Self::of(Note::parse(note)?)
    }

    pub(super) fn of(note: Note) -> Result<Self, Malformed> {
        let claimed = Checkpoint::parse(note.claims())?;
        Ok(Self { note, claimed })
    }

    /// The checkpoint, if this log signed it.
    ///
    /// # Errors
    /// [`Unverified`] if it did not, or the key signed another log's.
    pub fn verify(&self, log: &NoteVerifier) -> Result<&Checkpoint, Unverified> {
        self.note.verify(log)?;
        if self.claimed.origin == *log.name() { Ok(&self.claimed) } else { Err(Unverified::OtherLog) }
    }

    /// What it claims, before anything is verified: only to find out whose key to verify it with.
    #[must_use]
    pub const fn claims(&self) -> &Checkpoint {
        &self.claimed
    }

    /// The note it is.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

impl fmt::Debug for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedCheckpoint({:?})", self.note)
    }
}
