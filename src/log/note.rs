//! Signed notes: text that anybody can read, under lines that say who signed it.
//!
//! ```text
//! <text, ending with a newline>
//! <an empty line>
//! — <key name> base64(key id ‖ signature)          one line a signature, each ending with a newline
//! ```
//!
//! C2SP signed-note. UTF-8, no control characters but the newline. The last empty line divides.

use std::fmt;

use crate::{
    codec::Malformed,
    limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX},
    log::{
        KeyId, KeyName, NoteSigner, NoteVerifier, Unverified,
        text::{base64, from_base64, is_plain},
    },
};

/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// One signature line, by a key that may be known or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl NoteSignature {
    pub(super) const fn new(name: KeyName, id: KeyId, signature: Vec<u8>) -> Self {
        Self { name, id, signature }
    }

    /// Reads a line, without its newline.
    ///
    /// # Errors
    /// [`Malformed`] if it is none.
    pub fn parse(line: &str) -> Result<Self, Malformed> {
        let read = || {
            let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
            let bytes = from_base64(bytes)?;
            let (id, signature) =
                bytes.split_first_chunk::<4>().filter(|(_, signature)| !signature.is_empty())?;
            Some(Self::new(KeyName::parse(name).ok()?, KeyId::from_bytes(*id), signature.to_vec()))
        };
        read().ok_or(Malformed("signature line"))
    }

    /// The name it claims.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key id it claims.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, signature } = self;
        write!(f, "{DASH}{name} {}", base64(&[id.as_bytes(), signature.as_slice()].concat()))
    }
}

/// A note as it came; read it by verifying it. Written out, it is the very text that was parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs a text.
    ///
    /// # Errors
    /// [`Malformed`] for a text that no note can have, and one that means something else to this crate's or a witness's keys.
    pub fn sign(text: &str, signer: &NoteSigner<'_>) -> Result<Self, Malformed> {
        Self { text: text.to_owned(), signatures: Vec::new() }.sign_too(signer)
    }

    /// The same note with one more signature; a key signs once.
    ///
    /// # Errors
    /// As [`Self::sign`], and if the note becomes too large.
    pub fn sign_too(self, signer: &NoteSigner<'_>) -> Result<Self, Malformed> {
        let (verifier, signature) = (signer.verifier(), signer.sign(&self.text)?);
        self.with(NoteSignature::new(verifier.name().clone(), verifier.id(), signature.as_bytes().to_vec()))
    }

    /// The same note with this line, in the place of others by the same key.
    pub(super) fn with(mut self, line: NoteSignature) -> Result<Self, Malformed> {
        self.signatures.retain(|known| (&known.name, known.id) != (&line.name, line.id));
        self.signatures.push(line);
        // What was signed is what others will read: the text must come back as it is.
        let read = Self::parse(self.to_string().as_bytes())?;
        if read == self { Ok(read) } else { Err(Malformed("note")) }
    }

    /// Reads a note. Nothing is verified by that.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, or too large.
    pub fn parse(note: &[u8]) -> Result<Self, Malformed> {
        let read = || {
            let note = std::str::from_utf8(Some(note).filter(|note| note.len() <= NOTE_BYTES_MAX)?).ok()?;
            let (text, lines) = note.rsplit_once("\n\n").filter(|_| is_plain(note))?;
            let lines = lines.strip_suffix('\n')?.split('\n').take(NOTE_SIGNATURES_MAX.saturating_add(1));
            let signatures: Vec<_> =
                lines.map(|line| NoteSignature::parse(line).ok()).collect::<Option<_>>()?;
            (signatures.len() <= NOTE_SIGNATURES_MAX).then(|| Self { text: format!("{text}\n"), signatures })
        };
        read().ok_or(Malformed("note"))
    }

    /// The text, if this key signed it. Lines of other keys are passed over.
    ///
    /// # Errors
    /// [`Unverified`] if the key has no line, or more than one, or one that does not verify.
    pub fn verify(&self, verifier: &NoteVerifier) -> Result<&str, Unverified> {
        let line = self.line(verifier.name(), verifier.id())?;
        verifier.0.verify(self.text.as_bytes(), line)?;
        Ok(&self.text)
    }

    /// The one line of a key.
    pub(super) fn line(&self, name: &KeyName, id: KeyId) -> Result<&[u8], Unverified> {
        let mut lines = self.signatures.iter().filter(|line| line.name == *name && line.id == id);
        match (lines.next(), lines.next()) {
            (Some(line), None) => Ok(&line.signature),
            (Some(_), Some(_)) => Err(Unverified::Repeated),
            (None, _) => Err(Unverified::Unsigned),
        }
    }

    /// What the note claims, before anything is verified: only to find out whose key to verify it with.
    #[must_use]
    pub fn claims(&self) -> &str {
        &self.text
    }

    /// The signature lines, good or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, signatures } = self;
        writeln!(f, "{text}")?;
        signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({} bytes, {} signatures)", self.text.len(), self.signatures.len())
    }
}
