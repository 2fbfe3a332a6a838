//! Contents: what a record says, as the caller gave it.

use minicbor::{Decode, Encode, bytes::ByteVec};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    crypto::{Label, kdf::digest},
    id::Digest,
    limits::{CONTENT_BYTES_MAX, TEXT_BYTES_MAX},
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
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    media: String,
    bytes: Vec<u8>,
}

impl Content {
    /// Bytes with a media type; they come back as they are.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`].
    pub fn from_bytes(media: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<Self, ContentError> {
        let (media, bytes) = (media.into(), bytes.into());
        if bytes.len() > CONTENT_BYTES_MAX || media.len() > TEXT_BYTES_MAX {
            return Err(ContentError::TooLarge);
        }
        Ok(Self { media, bytes })
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
        if self.media != CBOR {
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
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
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

impl Drop for Content {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}

/// What is sealed: the content, or, for a large one, its length, with the salt of its digest.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Inner {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) salt: [u8; 32],
    #[n(1)]
    pub(super) media: String,
    #[n(2)]
    pub(super) bytes: ByteVec,
    /// The length of the whole content, in bytes.
    #[n(3)]
    pub(super) length: u64,
}

crate::codec::wire! { Inner: "content", crate::limits::VALUE_BYTES_MAX; }
