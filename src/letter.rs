//! Letters: a few words sealed for one reader, outside any folder.
//!
//! ```text
//! letter = HPKE.Seal(reader's card, info = "letter" ‖ label ‖ context, fresh key) ‖
//!          AES-256-GCM(fresh key, length ‖ content ‖ zeros (Padmé), aad = label ‖ context)
//! ```
//!
//! A report to the registrars, an appeal, a doctor's name for a patient. HPKE has no sender: who wrote a letter is said by
//! the event that names its digest.

use minicbor::{Decode, Encode, bytes::ByteVec};
use zeroize::Zeroizing;

use crate::{
    codec::wire,
    crypto::{
        DoesNotOpen, Label, OpeningKey, Random, SealingKey, Secret,
        aead::{OneUseKey, TAG_BYTES},
        kdf::digest,
        wrap::WRAP_BYTES,
    },
    id::Digest,
    limits::LETTER_BYTES_MAX,
    record::padded_length,
};

/// A sealed letter.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Letter {
    #[n(0)]
    wrap: ByteVec,
    #[n(1)]
    body: ByteVec,
}

wire! { Letter: "letter", LETTER_BYTES_MAX; }

impl Letter {
    /// Seals a content for one reader, for what it is about.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the content is longer than a letter may be.
    pub fn seal(
        reader: &SealingKey,
        (label, context): (Label, &[&[u8]]),
        content: &[u8],
        random: &mut Random,
    ) -> Result<Self, DoesNotOpen> {
        let plain = padded(content);
        if plain.len().saturating_add(2048) > LETTER_BYTES_MAX {
            return Err(DoesNotOpen);
        }
        let place = place(label, context);
        let key = Secret::generate(random);
        let wrap = reader.wrap(&place, &[], &key, random)?;
        let body = OneUseKey::new(key).seal_in_place(&place, plain);
        Ok(Self { wrap: wrap.into(), body: body.into() })
    }

    /// Opens a letter that was sealed for the holder of this key, about this.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it was sealed for another, is about something else, or was changed.
    pub fn open(
        &self,
        key: &OpeningKey,
        (label, context): (Label, &[&[u8]]),
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let place = place(label, context);
        let secret = key.unwrap_key(&place, &[], &self.wrap)?;
        unpadded(OneUseKey::new(secret).open(&place, &self.body)?)
    }

    /// The digest by which an event names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::LetterDigest, &[&self.wrap, &self.body])
    }
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} bytes)", self.body.len())
    }
}

/// The length of a letter's encoding, in bytes, by that of a content of some kilobytes.
#[cfg_attr(not(feature = "vault"), expect(dead_code, reason = "the custodian alone asks for it"))]
pub(crate) fn encoded_length(content: usize) -> usize {
    // A map of two byte strings, whose lengths take two bytes each.
    let heads = 1 + 2 * (1 + 3);
    WRAP_BYTES
        .saturating_add(padded_length(content.saturating_add(8)))
        .saturating_add(TAG_BYTES)
        .saturating_add(heads)
}

/// `length ‖ content ‖ zeros`, with room for a tag: so long that its length tells little.
pub(crate) fn padded(content: &[u8]) -> Vec<u8> {
    let length = padded_length(content.len().saturating_add(8));
    let mut plain = Vec::with_capacity(length.saturating_add(TAG_BYTES));
    plain.extend_from_slice(&u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes());
    plain.extend_from_slice(content);
    plain.resize(length, 0);
    plain
}

/// The content of what was padded so.
pub(crate) fn unpadded(plain: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let plain = Zeroizing::new(plain);
    let (length, rest) = plain.split_first_chunk::<8>().ok_or(DoesNotOpen)?;
    let length = usize::try_from(u64::from_be_bytes(*length)).or(Err(DoesNotOpen))?;
    let (content, padding) = rest.split_at_checked(length).ok_or(DoesNotOpen)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(DoesNotOpen);
    }
    Ok(Zeroizing::new(content.to_vec()))
}

fn place(label: Label, context: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<&[u8]> = std::iter::once(label.bytes()).chain(context.iter().copied()).collect();
    digest(Label::Letter, &parts).as_bytes().to_vec()
}
