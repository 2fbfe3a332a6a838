//! How many persons a class has: the one place where a count under encryption would stand.

use std::collections::BTreeSet;

use crate::id::PersonToken;

/// Counts the distinct persons of a class.
///
/// The pool looks at what the cases of a class say only after this counted at least k: one that counts without reading could
/// stand here, and the classes below k would stay sealed.
pub trait Census {
    /// How many distinct persons these tokens are.
    fn persons(&self, tokens: &mut dyn Iterator<Item = PersonToken>) -> usize;
}

/// Counts by comparing tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "nothing but a name")]
pub struct Plain;

impl Census for Plain {
    fn persons(&self, tokens: &mut dyn Iterator<Item = PersonToken>) -> usize {
        tokens.collect::<BTreeSet<_>>().len()
    }
}
