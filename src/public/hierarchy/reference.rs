//! The public reference: how common each category is.

use crate::public::{Icd3, hierarchy::rows};

pub(super) const TEXT: &str = include_str!("../data/reference.tsv");

/// The categories of the reference, each with its weight.
pub(crate) fn reference() -> impl Iterator<Item = (Icd3, u32)> {
    rows(TEXT).filter_map(|row| {
        let &[category, weight] = row.as_slice() else { return None };
        Some((Icd3::parse(category).ok()?, weight.parse().ok()?))
    })
}
