//! SNOMED CT: which category of ICD-10 a problem falls in.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::public::{Icd3, hierarchy::rows};

pub(super) const TEXT: &str = include_str!("../data/snomed.tsv");

/// What a concept says of a person's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Meaning {
    /// A diagnosis, or what ICD-10 has a category for.
    Category(Icd3),
    /// Nothing: an occupation, an education, an office's reminder.
    Nothing,
}

static TABLE: LazyLock<BTreeMap<u64, Meaning>> = LazyLock::new(|| {
    let read = |row: Vec<&'static str>| {
        let &[concept, category] = row.as_slice() else { return None };
        let meaning = match category {
            "-" => Meaning::Nothing,
            category => Meaning::Category(Icd3::parse(category).ok()?),
        };
        Some((concept.parse().ok()?, meaning))
    };
    rows(TEXT).filter_map(read).collect()
});

#[cfg(test)]
pub(super) fn len() -> usize {
    TABLE.len()
}

impl Meaning {
    /// What a concept says, if the table has it.
    #[must_use]
    pub fn of_concept(concept: u64) -> Option<Self> {
        TABLE.get(&concept).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_lies_in_a_block() {
        for (concept, meaning) in TABLE.iter() {
            if let Meaning::Category(category) = meaning {
                assert!(category.block().is_some(), "{concept}: {category}");
            }
        }
    }
}
