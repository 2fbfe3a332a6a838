//! Secret bytes: cleared on drop, silent in print, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::Random;

/// So many secret bytes.
///
/// # Security
/// Not `Clone`, not `Serialize`; `Debug` prints `Secret(..)`. Cleared when dropped, as far as a compiler lets one
/// promise it: moves may leave copies on the stack.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Fresh random bytes.
    #[must_use]
    pub fn generate(random: &mut Random) -> Self {
        Self(random.bytes())
    }

    /// The bytes themselves: for deriving, sealing and wrapping, never for printing.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether both are the same, in constant time.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The same secret once more, where two owners need it.
    #[must_use]
    pub(crate) const fn duplicate(&self) -> Self {
        Self(self.0)
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<const N: usize> TryFrom<&[u8]> for Secret<N> {
    type Error = super::DoesNotOpen;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).or(Err(super::DoesNotOpen))
    }
}
