//! The public area, for whoever asks: no key, no question who.

use crate::{
    custodian::{PublicAnswer, PublicPage, PublicPlace, PublicQuery, PublicQuestion, PublicReader},
    event::Principal,
    limits::PUBLIC_PAGE_MAX,
    merkle::Head,
    public::{BatchFacts, PublicRow},
    vault::{
        Vault,
        fault::Fault,
        rows::{BatchRow, PublicRowsRow},
        tables::Table,
    },
};

/// How many rows of the store are looked at for one answer, at the most: a page may be short, and says where to go on.
const LOOKED_AT_MAX: usize = 64;

impl Vault {
    /// Reads what is public: needs no key.
    #[must_use]
    pub fn public(&self) -> PublicReader<'_> {
        PublicReader::over(self)
    }

    /// An answer of one state of the public area: none, if that changed since the reading began, or meanwhile.
    pub(super) fn answer_public(&self, question: &PublicQuestion) -> Result<PublicAnswer, Fault> {
        let ledger = self.ledger()?.releases.head();
        let place = match question {
            PublicQuestion::Batches(place) | PublicQuestion::Rows(_, place) => place,
        };
        if place.is_some_and(|place| place.ledger != ledger) {
            return Err(Fault::Conflict);
        }
        let answer = match question {
            PublicQuestion::Batches(place) => PublicAnswer::Batches(self.public_batches(ledger, *place)?),
            PublicQuestion::Rows(query, place) => {
                PublicAnswer::Rows(self.public_rows((ledger, *place), query)?)
            }
        };
        if self.ledger()?.releases.head() == ledger { Ok(answer) } else { Err(Fault::Conflict) }
    }

    fn public_batches(
        &self,
        ledger: Head,
        after: Option<PublicPlace>,
    ) -> Result<PublicPage<BatchFacts>, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let after = after.map(|after| after.batch);
        let after = after.as_ref().map(|batch| batch.as_bytes().as_slice());
        let rows = self.shelves.page::<BatchRow>((place, Table::Batch), after, PUBLIC_PAGE_MAX)?;
        let last = rows.last().filter(|_| rows.len() == PUBLIC_PAGE_MAX).map(|(_, row)| row.facts.id);
        let next = last.map(|batch| PublicPlace { ledger, batch, row: None });
        let shown = rows.into_iter().filter(|(_, row)| row.hidden.is_none());
        Ok(PublicPage { ledger, found: shown.map(|(_, row)| row.facts).collect(), next })
    }

    fn public_rows(
        &self,
        (ledger, after): (Head, Option<PublicPlace>),
        query: &PublicQuery,
    ) -> Result<PublicPage<PublicRow>, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let after = after.map(|PublicPlace { batch, row, .. }| {
            let row = row.map_or([0; 16], |row| *row.as_bytes());
            [batch.as_bytes().as_slice(), &row].concat()
        });
        let rows = self.shelves.page::<PublicRowsRow>(
            (place, Table::PublicRows),
            after.as_deref(),
            LOOKED_AT_MAX,
        )?;
        let last = rows.last().filter(|_| rows.len() == LOOKED_AT_MAX);
        let last = last.and_then(|(_, row)| row.rows.last());
        let next = last.map(|last| PublicPlace { ledger, batch: last.batch, row: Some(last.id) });
        let found = rows.into_iter().flat_map(|(_, row)| row.rows).filter(|row| query.fits(row));
        Ok(PublicPage { ledger, found: found.collect(), next })
    }
}
