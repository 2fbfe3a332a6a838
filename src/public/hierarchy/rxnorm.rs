//! RxNorm: which ingredients a product has.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::public::hierarchy::rows;

pub(super) const TEXT: &str = include_str!("../data/rxnorm.tsv");

static TABLE: LazyLock<BTreeMap<u32, BTreeSet<u32>>> = LazyLock::new(|| {
    let mut table = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows(TEXT) {
        let &[product, ingredient] = row.as_slice() else { continue };
        if let (Ok(product), Ok(ingredient)) = (product.parse(), ingredient.parse()) {
            table.entry(product).or_default().insert(ingredient);
        }
    }
    table
});

#[cfg(test)]
pub(super) fn len() -> usize {
    TABLE.values().map(BTreeSet::len).sum()
}

/// The ingredients of a product; none if the table does not have it.
pub(crate) fn ingredients(product: u32) -> impl Iterator<Item = u32> {
    TABLE.get(&product).into_iter().flatten().copied()
}
