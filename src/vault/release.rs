//! Releases: rows, batches, what is hidden and the curator's journal, in one batch with their event, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Capacity, Permit},
    codec::{self, Wire as _},
    credential::Standing,
    custodian::{Answer, Enclosure, PastRelease, Publication},
    event::{Principal, Streamed},
    id::BatchId,
    limits::{RELEASE_BATCHES_MAX, RELEASE_BYTES_MAX},
    merkle::leaf_hash,
    public::{BatchFacts, PublicRow, ReleaseNote},
    vault::{
        Vault,
        fault::Fault,
        rows::{BatchRow, BytesRow, LedgerRow, PublicRowsRow, ReleaseRow},
        standing::{Repute, Stance},
        submit::{Claim, Work},
        tables::Table,
    },
};

/// How many bytes of rows, or of a journal, one row of the store holds.
const CHUNK_BYTES: usize = 56 * 1024;

/// The most bytes of journals in one answer, if they are more than one.
const JOURNALS_BYTES_MAX: usize = 32 * 1024 * 1024;

impl Work<'_> {
    /// How a curator stands to the vault's own stream.
    pub(super) fn stance_of_curator(&self, claim: &Claim<'_>) -> Result<Stance, Fault> {
        let own = Principal::Vault(self.vault.id);
        let is_its = self.desk.owner == own && claim.event.owner == own;
        let card = claim.card.as_ref().filter(|card| is_its && self.vault.is_curator(card));
        match card {
            Some(card) => {
                let Repute { standing, .. } = self.vault.repute(&self.rules, card, self.now)?;
                Ok(Stance::of(Capacity::Curator, standing))
            }
            None => Ok(Stance::of(Capacity::Stranger, Standing::Good)),
        }
    }

    /// The curator changes what is public.
    pub(super) fn release(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let stance = self.stance(claim, None)?;
        let is_attested = match &claim.card {
            Some(card) => self.vault.repute(&self.rules, card, self.now)?.is_attested,
            None => false,
        };
        let permit = self.decide(claim, Act::Release { is_attested }, (&stance, None))?;
        let Some(Enclosure::Release(publication)) = &claim.part.enclosure else {
            return Err(Fault::Malformed);
        };
        let note = publication.note();
        if event.subject != Some(note.digest()) || publication.bytes() > RELEASE_BYTES_MAX {
            return Err(Fault::Malformed);
        }
        let mut ledger: LedgerRow = self.desk.get(Table::Ledger, &[])?.unwrap_or_default();
        let before = ledger.releases.head();
        // Withdrawal wins: a curator who has not read of one reads on first.
        if event.before != Some(before) || self.enter_pool()?.gone != publication.departed {
            return Err(Fault::Conflict);
        }
        ledger.releases.append(leaf_hash(note.digest().as_bytes()));
        if event.after != Some(ledger.releases.head()) {
            return Err(Fault::Malformed);
        }
        self.hide(publication, before.size)?;
        self.put_batches(publication, before.size)?;
        let number = before.size.to_be_bytes();
        let row = ReleaseRow { event: self.position(), note };
        self.desk.put(Table::Release, &[&number], &row)?;
        for (index, bytes) in (0u32..).zip(publication.journal.chunks(CHUNK_BYTES)) {
            let row = BytesRow { bytes: bytes.to_vec().into() };
            self.desk.put(Table::Journal, &[&number, &index.to_be_bytes()], &row)?;
        }
        self.desk.put(Table::Ledger, &[], &ledger)?;
        Ok(permit)
    }

    /// Batches that are shown no more: their rows are gone, and what is known of them says so.
    fn hide(&mut self, publication: &Publication, number: u64) -> Result<(), Fault> {
        let hidden: BTreeSet<&BatchId> = publication.hidden.iter().collect();
        if hidden.len() != publication.hidden.len() || hidden.len() > RELEASE_BATCHES_MAX {
            return Err(Fault::Malformed);
        }
        for batch in hidden {
            let row: Option<BatchRow> = self.desk.get(Table::Batch, &[batch.as_bytes()])?;
            let row = row.filter(|row| row.hidden.is_none()).ok_or(Fault::Malformed)?;
            self.desk.put(Table::Batch, &[batch.as_bytes()], &BatchRow { hidden: Some(number), ..row })?;
            for (id, _) in self.desk.scan::<PublicRowsRow>(Table::PublicRows, batch.as_bytes())? {
                self.desk.delete_at(self.desk.place, Table::PublicRows, &[&id])?;
            }
        }
        Ok(())
    }

    fn put_batches(&mut self, publication: &Publication, number: u64) -> Result<(), Fault> {
        let mut rows: BTreeMap<BatchId, Vec<&PublicRow>> = BTreeMap::new();
        for row in &publication.rows {
            rows.entry(row.batch).or_default().push(row);
        }
        let is_once = rows.len() == publication.batches.len();
        if !is_once || publication.batches.len() > RELEASE_BATCHES_MAX {
            return Err(Fault::Malformed);
        }
        for facts in &publication.batches {
            let mut rows = rows.remove(&facts.id).ok_or(Fault::Malformed)?;
            rows.sort_by_key(|row| row.id);
            self.check_batch(facts, &rows)?;
            let its = ReleaseNote::rows_digest(rows.iter().copied());
            let row = BatchRow { facts: facts.clone(), release: number, hidden: None, rows: its };
            self.desk.put(Table::Batch, &[facts.id.as_bytes()], &row)?;
            for chunk in chunks(rows) {
                let last = chunk.last().ok_or(Fault::Malformed)?.id;
                let id: [&[u8]; 2] = [facts.id.as_bytes(), last.as_bytes()];
                self.desk.put(Table::PublicRows, &id, &PublicRowsRow { rows: chunk })?;
            }
        }
        Ok(())
    }

    /// What can be seen on public rows without the public policy, of which the vault knows the digest alone: a batch is new,
    /// its rows are of its class, each once and as many as it says; what remains of a batch is less than that was.
    fn check_batch(&self, facts: &BatchFacts, rows: &[&PublicRow]) -> Result<(), Fault> {
        let count = u32::try_from(rows.len()).map_err(|_many| Fault::Malformed)?;
        let is_known = self.desk.get::<BatchRow>(Table::Batch, &[facts.id.as_bytes()])?.is_some();
        let policy = self.rules.policy.public_area().map(|area| area.policy);
        let is_under = match facts.follows {
            None => policy == Some(facts.policy),
            Some(before) => {
                let before: Option<BatchRow> = self.desk.get(Table::Batch, &[before.as_bytes()])?;
                before.is_some_and(|before| {
                    before.hidden.is_some()
                        && before.facts.policy == facts.policy
                        && before.facts.class == facts.class
                        && before.facts.reached.k > count
                })
            }
        };
        let is_single = rows.windows(2).all(|pair| matches!(pair, [one, other] if one.id < other.id));
        let are_its = rows
            .iter()
            .all(|row| row.class == facts.class && codec::encode(*row).len() <= PublicRow::BYTES_MAX);
        let is_short = codec::encode(facts).len() <= BatchFacts::BYTES_MAX;
        let fits = !is_known && is_under && is_single && are_its && is_short && facts.reached.k == count;
        if fits { Ok(()) } else { Err(Fault::Malformed) }
    }
}

/// Rows, in order, as many together as one row of the store holds.
fn chunks(rows: Vec<&PublicRow>) -> Vec<Vec<PublicRow>> {
    let (mut all, mut chunk, mut bytes) = (Vec::new(), Vec::new(), 0usize);
    for row in rows {
        let size = codec::encode(row).len();
        if bytes.saturating_add(size) > CHUNK_BYTES {
            all.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
        chunk.push(row.clone());
    }
    all.push(chunk);
    all
}

impl Vault {
    /// The releases after so many, each with its journal; as many as an answer holds.
    pub(super) fn releases(&self, since: u64) -> Result<Answer, Fault> {
        let own = Principal::Vault(self.id);
        let place = self.shelves.keys.place(own);
        let _turn = self.turn(own);
        let head = self.ledger()?.releases.head();
        let (mut all, mut bytes) = (Vec::new(), 0usize);
        for number in since..head.size {
            let number = number.to_be_bytes();
            let row: Option<ReleaseRow> = self.shelves.read(place, Table::Release, &[&number])?;
            let ReleaseRow { event, note } = row.ok_or(Fault::Damaged)?;
            let streamed: Option<Streamed> =
                self.shelves.read(place, Table::Event, &[&event.to_be_bytes()])?;
            let event = streamed.ok_or(Fault::Damaged)?.event;
            let chunks: Vec<BytesRow> = self.shelves.scan(place, Table::Journal, &number)?;
            let journal: Vec<u8> = chunks.iter().flat_map(|row| row.bytes.iter().copied()).collect();
            bytes = bytes.saturating_add(journal.len());
            if bytes > JOURNALS_BYTES_MAX && !all.is_empty() {
                break;
            }
            all.push(PastRelease { event, note, journal: ByteVec::from(journal) });
        }
        Ok(Answer::Releases(all, head))
    }

    /// The releases so far.
    pub(super) fn ledger(&self) -> Result<LedgerRow, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let ledger: Option<LedgerRow> = self.shelves.read(place, Table::Ledger, &[])?;
        Ok(ledger.unwrap_or_default())
    }
}
