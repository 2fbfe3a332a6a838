//! What a release is named by, in the curator's event: all of it, and of each batch enough to know it by when its rows are gone.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::{
    codec,
    crypto::{Label, kdf::digest},
    id::{BatchId, Digest},
    public::{BatchFacts, PublicRow},
};

/// The digests by which an event names all that a release brings.
///
/// ```text
/// batches   H("release"; "batches" ‖ for each, in the order of their ids: its facts, the digest of its rows)
/// rows      H("release"; "rows" ‖ the rows of one batch, in the order of their ids)
/// hidden    H("release"; "hidden" ‖ the ids, in order)
/// ```
///
/// So a batch whose rows are gone is still named by the digest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReleaseNote {
    /// Of the batches and their rows.
    #[n(0)]
    pub batches: Digest,
    /// Of the batches it hides.
    #[n(1)]
    pub hidden: Digest,
    /// Of the sealed journal.
    #[n(2)]
    pub journal: Digest,
}

impl ReleaseNote {
    /// Of batches, each with the digest of its rows, and of what is hidden.
    #[must_use]
    pub fn of<'b>(
        batches: impl IntoIterator<Item = (&'b BatchFacts, Digest)>,
        hidden: impl IntoIterator<Item = BatchId>,
        journal: Digest,
    ) -> Self {
        let batches: BTreeMap<BatchId, (Vec<u8>, Digest)> =
            batches.into_iter().map(|(facts, rows)| (facts.id, (codec::encode(facts), rows))).collect();
        let named = batches.values().flat_map(|(facts, rows)| [facts.as_slice(), rows.as_bytes()]);
        let hidden: BTreeSet<BatchId> = hidden.into_iter().collect();
        let its = hidden.iter().map(|id| id.as_bytes().as_slice());
        Self { batches: of_all(b"batches", named), hidden: of_all(b"hidden", its), journal }
    }

    /// The digest of the rows of one batch.
    #[must_use]
    pub fn rows_digest<'r>(rows: impl IntoIterator<Item = &'r PublicRow>) -> Digest {
        let mut rows: Vec<&PublicRow> = rows.into_iter().collect();
        rows.sort_by_key(|row| row.id);
        let rows: Vec<Vec<u8>> = rows.into_iter().map(codec::encode).collect();
        of_all(b"rows", rows.iter().map(Vec::as_slice))
    }

    /// The digest that is the subject of the event.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let Self { batches, hidden, journal } = self;
        digest(Label::Release, &[batches.as_bytes(), hidden.as_bytes(), journal.as_bytes()])
    }

    /// The digest of a sealed journal.
    #[must_use]
    pub fn journal_digest(journal: &[u8]) -> Digest {
        digest(Label::Release, &[b"journal", journal])
    }
}

fn of_all<'p>(what: &'p [u8], values: impl Iterator<Item = &'p [u8]>) -> Digest {
    let parts: Vec<&[u8]> = std::iter::once(what).chain(values).collect();
    digest(Label::Release, &parts)
}
