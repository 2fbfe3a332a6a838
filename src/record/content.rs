//! Contents: what a record says, as the caller gave it.

use std::sync::Arc;

use minicbor::{Decode, Encode, bytes::ByteSlice};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    codec::decode_borrowed,
    crypto::{DoesNotOpen, Label, aead::TAG_BYTES, kdf::digest},
    id::Digest,
    limits::{CONTENT_BYTES_MAX, TEXT_BYTES_MAX},
    record::padded_length,
};

/// Why something cannot be a content, or a content not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Above [`CONTENT_BYTES_MAX`], or a media type above [`TEXT_BYTES_MAX`].
    #[error("the content is too large for a record: split it")]
    TooLarge,
    /// The value does not serialize, or the bytes are not such a value.
    #[error("the content is not of this type: read it as what its media type says")]
    WrongType,
}

impl ContentError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "content-too-large",
            Self::WrongType => "content-wrong-type",
        }
    }
}

/// The media type of values serialized by this crate.
const CBOR: &str = "application/cbor";

/// Bytes with a media type, kept as they came; or any serializable value, as self-describing CBOR.
///
/// A clone is the same content once more, not a copy; the bytes are cleared when the last is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    media: Arc<str>,
    bytes: Arc<Zeroizing<Vec<u8>>>,
}

impl Content {
    /// Bytes with a media type; they come back as they are.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`].
    pub fn from_bytes(media: impl Into<Arc<str>>, bytes: impl Into<Vec<u8>>) -> Result<Self, ContentError> {
        let (media, bytes) = (media.into(), Zeroizing::new(bytes.into()));
        if bytes.len() > CONTENT_BYTES_MAX || media.len() > TEXT_BYTES_MAX {
            return Err(ContentError::TooLarge);
        }
        Ok(Self { media, bytes: Arc::new(bytes) })
    }

    /// A value, as CBOR.
    ///
    /// # Errors
    /// [`ContentError`] if it does not serialize or is too large.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, ContentError> {
        let bytes = minicbor_serde::to_vec(value).or(Err(ContentError::WrongType))?;
        Self::from_bytes(CBOR, bytes)
    }

    /// The value it was made from.
    ///
    /// # Errors
    /// [`ContentError::WrongType`] if it is not one of these.
    pub fn to_value<T: DeserializeOwned>(&self) -> Result<T, ContentError> {
        if *self.media != *CBOR {
            return Err(ContentError::WrongType);
        }
        minicbor_serde::from_slice(&self.bytes).or(Err(ContentError::WrongType))
    }

    /// What the bytes are.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Arc::unwrap_or_clone(self.bytes);
        std::mem::take(&mut *bytes)
    }

    /// The digest by which a record is known again after its ciphertext changes: salted, so that it tells nothing.
    pub(super) fn digest(&self, salt: &[u8; 32]) -> Digest {
        digest(Label::Content, &[salt, self.media.as_bytes(), &self.bytes])
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.bytes.len())
    }
}

/// What is sealed: the content, or, for a large one, its length, with the salt of its digest.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Inner<'b> {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) salt: [u8; 32],
    #[b(1)]
    pub(super) media: &'b str,
    #[b(2)]
    pub(super) bytes: &'b ByteSlice,
    /// The length of the whole content, in bytes.
    #[n(3)]
    pub(super) length: u64,
}

impl<'b> Inner<'b> {
    /// The bytes by which an encoding is longer than media type and bytes, at most.
    const FRAME_BYTES: usize = 64;

    /// `length ‖ encoding ‖ zeros`, in one piece with room for a tag.
    pub(super) fn padded(&self) -> Vec<u8> {
        let most = self.media.len().saturating_add(self.bytes.len()).saturating_add(8 + Self::FRAME_BYTES);
        let mut plain = Vec::with_capacity(padded_length(most).saturating_add(TAG_BYTES));
        plain.extend_from_slice(&[0; 8]);
        // Writing to memory does not fail.
        let encoded = minicbor::encode(self, &mut plain);
        debug_assert!(encoded.is_ok() && plain.len() <= most, "the frame is as small as it is said to be");
        let length = plain.len();
        if let Some(first) = plain.first_chunk_mut::<8>() {
            *first = u64::try_from(length.saturating_sub(8)).unwrap_or(u64::MAX).to_be_bytes();
        }
        plain.resize(padded_length(length), 0);
        plain
    }

    /// Reads it back; what follows must be zeros.
    pub(super) fn read(padded: &'b [u8]) -> Result<Self, DoesNotOpen> {
        let (length, rest) = padded.split_first_chunk::<8>().ok_or(DoesNotOpen)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).or(Err(DoesNotOpen))?;
        let (bytes, padding) = rest.split_at_checked(length).ok_or(DoesNotOpen)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(DoesNotOpen);
        }
        decode_borrowed("content", bytes).or(Err(DoesNotOpen))
    }
}
