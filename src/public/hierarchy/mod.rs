//! The shipped hierarchies: what a value is coarsened to, by tables that are part of the crate.
//!
//! Each table names its source in its head. [`tables`] is the digest of all of them, and stands in every policy: a
//! number in a class means what it meant when the policy was hashed, or the policy is refused.

mod icd10;
mod reference;
mod region;
mod rxnorm;
mod snomed;

pub use icd10::{Block, Chapter};
pub(crate) use reference::reference;
pub(in crate::public) use region::Bins;
pub use region::{Level, Region};
pub(crate) use rxnorm::ingredients;
pub use snomed::Meaning;

use crate::{
    crypto::{Label, kdf::digest},
    id::Digest,
};

/// The digest of all tables.
#[must_use]
pub fn tables() -> Digest {
    let texts = [icd10::TEXT, reference::TEXT, region::TEXT, rxnorm::TEXT, snomed::TEXT];
    digest(Label::PublicTables, &texts.map(str::as_bytes))
}

/// The lines of a table that say something, each in its columns.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(is_row).map(|line| line.split('\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        let lines = |text: &'static str| rows(text).count();
        assert_eq!(lines(icd10::TEXT), Chapter::all().count() + Block::all().count());
        assert_eq!(lines(reference::TEXT), reference().count());
        assert_eq!(lines(region::TEXT), Region::all().count());
        assert_eq!(lines(rxnorm::TEXT), rxnorm::len());
        assert_eq!(lines(snomed::TEXT), snomed::len());
    }
}
