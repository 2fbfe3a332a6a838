//! Sealing in chunks: the STREAM construction over AES-256-GCM.
//!
//! ```text
//! chunk i of n = AES-256-GCM(k, nonce = 0⁵⁶ ‖ i₃₂ ‖ last?, aad, mᵢ)      Hoang, Reyhanitabar, Rogaway, Vizár 2015
//! ```
//!
//! The counter stops a chunk from standing anywhere else, the last-flag stops a cut from looking like an end. The key
//! is fresh for each version of a record; a number is sealed once because a whole content is sealed in one pass that
//! consumes the key.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};

use crate::{
    crypto::{DoesNotOpen, Secret},
    limits::CHUNK_BYTES,
    spread,
};

/// How many chunks are worth a thread: some two hundred microseconds of work.
const CHUNKS_WORTH_A_THREAD: usize = 8;

/// A key for the chunks of one content.
#[derive(Debug)]
pub struct ChunkKey(Secret<32>);

fn nonce(number: u32, last: bool) -> [u8; 12] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)]
}

impl ChunkKey {
    /// Takes a secret that was derived for one content.
    #[must_use]
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// Seals the whole content, in chunks of [`CHUNK_BYTES`]; an empty content is one empty chunk.
    #[must_use]
    pub fn seal(self, aad: &[u8], content: &[u8]) -> Vec<Vec<u8>> {
        let cipher = Aes256Gcm::new(self.0.expose().into());
        let pieces: Vec<&[u8]> =
            if content.is_empty() { vec![content] } else { content.chunks(CHUNK_BYTES).collect() };
        let count = pieces.len();
        let numbered: Vec<(u32, bool, &[u8])> = (0u32..)
            .zip(pieces.into_iter().enumerate())
            .map(|(number, (index, piece))| (number, index.saturating_add(1) == count, piece))
            .collect();
        spread::map(&numbered, CHUNKS_WORTH_A_THREAD, |(number, last, msg)| {
            cipher.encrypt(&nonce(*number, *last).into(), Payload { msg, aad }).unwrap_or_default()
        })
    }

    /// Opens one chunk in its position.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it is not this chunk of this content, whole and unchanged.
    pub fn open(&self, aad: &[u8], position: Position, sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let cipher = Aes256Gcm::new(self.0.expose().into());
        let nonce = nonce(position.number, position.number.checked_add(1) == Some(position.count));
        cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad }).or(Err(DoesNotOpen))
    }
}

/// Which chunk of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From zero.
    pub number: u32,
    /// How many there are.
    pub count: u32,
}
