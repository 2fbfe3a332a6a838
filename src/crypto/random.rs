//! Randomness, as an input.

use std::fmt;

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// The system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no randomness: nothing was made, try again when it does")]
#[non_exhaustive]
pub struct NoRandomness;

/// A source of random bytes: ChaCha20, seeded by the system or, so that tests and vectors repeat, by the caller. Its state
/// is cleared on drop.
pub struct Random(ChaCha20Rng);

impl Random {
    /// Seeded by the operating system (in a browser, by its `crypto`).
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn system() -> Result<Self, NoRandomness> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).or(Err(NoRandomness))?;
        Ok(Self::seeded(seed))
    }

    /// Seeded by the caller: the same seed, the same bytes.
    ///
    /// # Security
    /// Only as secret as the seed. Outside tests, vectors and replays take [`Self::system`].
    #[must_use]
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// So many bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub(super) fn source(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}
