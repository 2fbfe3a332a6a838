//! Sealing a record and opening it again.

use minicbor::{
    Decode, Encode,
    bytes::{ByteSlice, ByteVec},
};
use zeroize::Zeroizing;

use crate::{
    codec::{self, Magic, Malformed},
    crypto::{
        DoesNotOpen, Label, Random, Secret,
        aead::OneUseKey,
        kdf::{Root, derive, digest},
        stream::{ChunkKey, Position},
    },
    folder::{EpochOf, FolderKey},
    id::{Digest, OpId},
    limits::{CHUNK_BYTES, CONTENT_BYTES_MAX, INLINE_BYTES_MAX, VALUE_BYTES_MAX},
    record::{Content, Context, Leaf, content::Inner, padded_length},
    spread,
};

const MAGIC: Magic = Magic(*b"CVSR", 1);

/// What the owner's shred key adds to every record key of one folder and epoch; destroyed, all stay shut.
#[derive(Debug)]
pub struct FolderSalt(Secret<32>);

impl FolderSalt {
    /// The salt of a place, from the owner's shred key.
    #[must_use]
    pub fn derive(shred_key: &Secret<32>, place: EpochOf) -> Self {
        Self(derive(shred_key.expose(), &[], Label::Salt, &[&place.to_bytes()]))
    }

    /// The salt as the custodian handed it out.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::from_bytes(bytes))
    }

    /// The bytes, to hand out with an opened chart.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// What stands before the ciphertext, bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Header {
    #[cbor(n(0), with = "minicbor::bytes")]
    random: [u8; 32],
    #[n(1)]
    commitment: Digest,
    /// How many chunks hold the content; none when it is inside.
    #[n(2)]
    chunks: u32,
    /// The digest of all chunks.
    #[n(3)]
    chunked: Option<Digest>,
}

impl Header {
    /// What the ciphertext is bound to: its place, which is not written beside it, and what is.
    fn aad(&self, context: &Context) -> Vec<u8> {
        let mut aad = Vec::with_capacity(256);
        codec::encode_onto(&mut aad, context);
        codec::encode_onto(&mut aad, self);
        aad
    }
}

/// A sealed record, read where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedRecord<'b> {
    #[n(0)]
    header: Header,
    #[b(1)]
    body: &'b ByteSlice,
}

impl<'b> SealedRecord<'b> {
    /// Reads one.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &'b [u8]) -> Result<Self, Malformed> {
        if bytes.len() > VALUE_BYTES_MAX {
            return Err(Malformed("sealed record"));
        }
        let record: Self = codec::unframe_borrowed(MAGIC, "sealed record", bytes)?;
        let Header { chunks, chunked, .. } = record.header;
        let most = CONTENT_BYTES_MAX.saturating_mul(9) / 8 / CHUNK_BYTES;
        if (chunks == 0) != chunked.is_none() || usize::try_from(chunks).is_ok_and(|chunks| chunks > most) {
            return Err(Malformed("sealed record"));
        }
        Ok(record)
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::frame(MAGIC, self)
    }

    /// How many chunks hold its content.
    #[must_use]
    pub const fn chunk_count(&self) -> u32 {
        self.header.chunks
    }

    /// Whether these are its chunks: all of them, whole, in order.
    #[must_use]
    pub fn has_chunks(&self, chunks: &[ByteVec]) -> bool {
        match self.header.chunked {
            None => chunks.is_empty(),
            Some(all) => {
                chunks.len() == self.header.chunks.try_into().unwrap_or(usize::MAX)
                    && all == chunks_digest(chunks)
            }
        }
    }

    /// The digest of sealed bytes, as a leaf names it.
    #[must_use]
    pub fn digest_of(bytes: &[u8]) -> Digest {
        digest(Label::Sealed, &[bytes])
    }
}

impl std::fmt::Debug for SealedRecord<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedRecord({} bytes)", self.body.len())
    }
}

fn chunks_digest(chunks: &[ByteVec]) -> Digest {
    let digests = spread::map(chunks, CHUNKS_WORTH_A_THREAD, |chunk| digest(Label::Sealed, &[chunk]));
    let parts: Vec<&[u8]> = digests.iter().map(|digest| digest.as_bytes().as_slice()).collect();
    digest(Label::Chunks, &parts)
}

/// How many chunks are worth a thread: some two hundred microseconds of work.
const CHUNKS_WORTH_A_THREAD: usize = 8;

/// A record ready to be handed in: its leaf, its sealed bytes, the chunks of a large content.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sealing {
    /// What the folder's list will say of it.
    #[n(0)]
    pub leaf: Leaf,
    /// The sealed record.
    #[n(1)]
    pub sealed: ByteVec,
    /// The chunks of its content, if it is large.
    #[n(2)]
    pub chunks: Vec<ByteVec>,
}

/// The key of one version of one record, and the commitment to it.
struct RecordKey {
    root: Root,
    commitment: Secret<32>,
}

impl RecordKey {
    fn derive(
        key: &FolderKey,
        salt: &FolderSalt,
        context: &Context,
        random: &[u8; 32],
    ) -> Result<Self, DoesNotOpen> {
        if key.place() != context.place() {
            return Err(DoesNotOpen);
        }
        let place = context.place().to_bytes();
        let parts: [&[u8]; 4] = [&place, context.record.as_bytes(), &context.version.to_be_bytes(), random];
        let pre_key = key.pre_key(context.clearance, &parts)?;
        let record_key = derive(pre_key.expose(), salt.expose(), Label::RecordKey, &[]);
        let root = Root::extract(record_key.expose(), &[]);
        Ok(Self { commitment: root.derive(Label::Commitment, &[]), root })
    }

    /// For the chunks of a large content.
    fn chunks(&self) -> ChunkKey {
        ChunkKey::new(self.root.derive(Label::ChunkKey, &[]))
    }

    /// For the content itself.
    fn content(self) -> OneUseKey {
        OneUseKey::new(self.root.derive(Label::ContentKey, &[]))
    }
}

/// Seals a content in its place; the author is the act that will write it.
///
/// # Errors
/// [`DoesNotOpen`] if the key is of another place or a lower clearance.
pub fn seal(
    (key, salt): (&FolderKey, &FolderSalt),
    context: Context,
    author: OpId,
    content: &Content,
    random: &mut Random,
) -> Result<Sealing, DoesNotOpen> {
    let fresh: [u8; 32] = random.bytes();
    let digest_salt: [u8; 32] = random.bytes();
    let key = RecordKey::derive(key, salt, &context, &fresh)?;
    let is_large = content.bytes().len() > INLINE_BYTES_MAX;
    let chunks: Vec<ByteVec> = if is_large {
        let padded = zero_padded(content.bytes());
        key.chunks().seal(&codec::encode(&context), &padded).into_iter().map(ByteVec::from).collect()
    } else {
        Vec::new()
    };
    let header = Header {
        random: fresh,
        commitment: Digest::from_bytes(*key.commitment.expose()),
        chunks: u32::try_from(chunks.len()).or(Err(DoesNotOpen))?,
        chunked: is_large.then(|| chunks_digest(&chunks)),
    };
    let inner = Inner {
        salt: digest_salt,
        media: content.media_type(),
        bytes: if is_large { [].as_slice() } else { content.bytes() }.into(),
        length: u64::try_from(content.bytes().len()).or(Err(DoesNotOpen))?,
    };
    let body = key.content().seal_in_place(&header.aad(&context), inner.padded());
    let sealed = SealedRecord { header, body: body.as_slice().into() }.to_bytes();
    let leaf = Leaf {
        record: context.record,
        version: context.version,
        kind: context.kind,
        clearance: context.clearance,
        epoch: context.epoch,
        author,
        sealed: SealedRecord::digest_of(&sealed),
        content: content.digest(&digest_salt),
    };
    Ok(Sealing { leaf, sealed: sealed.into(), chunks })
}

/// Opens a record that the list names: commitment first, then the content, then whether it is what its author signed.
///
/// # Errors
/// [`DoesNotOpen`] for another key or place, changed bytes, a missing chunk, or another content than the leaf says.
pub fn open(
    key: &FolderKey,
    salt: &FolderSalt,
    leaf: &Leaf,
    sealed: &[u8],
    chunks: &[ByteVec],
) -> Result<Content, DoesNotOpen> {
    let record = SealedRecord::from_bytes(sealed).or(Err(DoesNotOpen))?;
    let EpochOf { vault, folder, .. } = key.place();
    let context = Context {
        vault,
        folder,
        epoch: leaf.epoch,
        record: leaf.record,
        version: leaf.version,
        kind: leaf.kind,
        clearance: leaf.clearance,
    };
    if SealedRecord::digest_of(sealed) != leaf.sealed || !record.has_chunks(chunks) {
        return Err(DoesNotOpen);
    }
    let keys = RecordKey::derive(key, salt, &context, &record.header.random)?;
    if !keys.commitment.same(&Secret::from_bytes(*record.header.commitment.as_bytes())) {
        return Err(DoesNotOpen);
    }
    let large = match record.header.chunks {
        0 => None,
        count => Some(open_chunks(&keys.chunks(), &context, chunks, count)?),
    };
    let plaintext = Zeroizing::new(keys.content().open(&record.header.aad(&context), record.body)?);
    let inner = Inner::read(&plaintext)?;
    let bytes = large.unwrap_or_else(|| inner.bytes.to_vec());
    let length = usize::try_from(inner.length).or(Err(DoesNotOpen))?;
    let bytes = cut(bytes, length)?;
    let content = Content::from_bytes(inner.media, bytes).or(Err(DoesNotOpen))?;
    if content.digest(&inner.salt) == leaf.content { Ok(content) } else { Err(DoesNotOpen) }
}

fn open_chunks(
    key: &ChunkKey,
    context: &Context,
    chunks: &[ByteVec],
    count: u32,
) -> Result<Vec<u8>, DoesNotOpen> {
    let aad = codec::encode(context);
    let numbered: Vec<(u32, &ByteVec)> = (0..count).zip(chunks).collect();
    let opened = spread::map(&numbered, CHUNKS_WORTH_A_THREAD, |(number, chunk)| {
        key.open(&aad, Position { number: *number, count }, chunk).map(Zeroizing::new)
    });
    let mut bytes = Vec::with_capacity(numbered.len().saturating_mul(CHUNK_BYTES));
    for chunk in opened {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// The content without its padding, which must be zeros.
fn cut(mut bytes: Vec<u8>, length: usize) -> Result<Vec<u8>, DoesNotOpen> {
    let padding = bytes.get(length..).ok_or(DoesNotOpen)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(DoesNotOpen);
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn zero_padded(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(Vec::with_capacity(padded_length(bytes.len())));
    padded.extend_from_slice(bytes);
    padded.resize(padded_length(bytes.len()), 0);
    padded
}
