//! What an export says of the public area: each release, its batches, and the rows that are shown.
//!
//! ```text
//! {"releases": 2}                                                       how many
//! {"release": 0, "journal": "9f…"}                                      each, in order
//! {"batch": "o2…", "release": 0, "rows": "4c…", "hidden": null}          each batch, in the order of their ids
//! {"rows": ["pA…", …]}                                                  behind it, as often as it takes: its rows
//! ```

use serde_json::{Value, json};

use crate::{
    codec,
    custodian::ExportPlace,
    event::Principal,
    id::BatchId,
    limits::EXPORT_PAGE_BYTES,
    log::{OwnerHead, bucket_of},
    public::{PublicRow, ReleaseNote},
    vault::{
        Vault,
        export::{Page, base64, line},
        fault::Fault,
        rows::{BatchRow, PublicRowsRow, ReleaseRow},
        snapshot::Snapshot,
        tables::Table,
    },
};

/// Where the batches begin, among places that all are in the first bucket.
const BATCHES: u64 = 1 << 32;

impl Vault {
    /// How many releases a snapshot has.
    pub(super) fn releases_in(&self, snapshot: &Snapshot) -> Result<u64, Fault> {
        let own = Principal::Vault(self.id);
        let mut count = self.ledger()?.releases.size();
        if count == 0 {
            return Ok(0);
        }
        let bucket = bucket_of(&OwnerHead::key(self.id, own), snapshot.depth);
        let heads = self.heads(snapshot, bucket)?;
        let size = heads.iter().find(|head| head.owner == own).map_or(0, |head| head.head.size);
        // Some may have come since.
        while let Some(last) = count.checked_sub(1) {
            if self.release_row(last)?.event < size {
                break;
            }
            count = last;
        }
        Ok(count)
    }

    fn release_row(&self, number: u64) -> Result<ReleaseRow, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let row: Option<ReleaseRow> = self.shelves.read(place, Table::Release, &[&number.to_be_bytes()])?;
        row.ok_or(Fault::Damaged)
    }

    /// A page of the releases' file. [`Fault::Conflict`] if another release has since hidden what this one shows.
    pub(super) fn releases_page(&self, snapshot: &Snapshot, from: ExportPlace) -> Result<Page, Fault> {
        let mut page = Vec::new();
        if from == ExportPlace::default() {
            line(&mut page, &json!({ "releases": snapshot.releases }));
        }
        let is_within = from.bucket == 0 && from.stream == 0 && from.within < BATCHES;
        for number in if is_within { from.within..snapshot.releases } else { 0..0 } {
            if page.len() >= EXPORT_PAGE_BYTES {
                return Ok((page, Some(ExportPlace { within: number, ..from })));
            }
            let journal = self.release_row(number)?.note.journal.to_hex();
            line(&mut page, &json!({ "release": number, "journal": journal }));
        }
        let begin = if is_within { ExportPlace { within: BATCHES, ..ExportPlace::default() } } else { from };
        self.batches_page(snapshot, begin, page)
    }

    /// The lines of batches behind a place, which says the first bytes of an id and the line among those of such ids.
    fn batches_page(&self, snapshot: &Snapshot, from: ExportPlace, mut page: Vec<u8>) -> Result<Page, Fault> {
        let own = self.shelves.keys.place(Principal::Vault(self.id));
        let first = [from.bucket.to_be_bytes(), from.stream.to_be_bytes()].concat();
        let rows = self.shelves.scan_between::<BatchRow>((own, Table::Batch), &first, &[0xff; 17])?;
        let mut at = from;
        for (_, batch) in rows.into_iter().filter(|(_, batch)| batch.release < snapshot.releases) {
            let id = batch.facts.id;
            let (bucket, stream) = place_of(&id);
            if (bucket, stream) != (at.bucket, at.stream) {
                at = ExportPlace { bucket, stream, within: BATCHES };
            }
            for value in self.batch_lines(snapshot, &batch)? {
                let is_behind =
                    (at.bucket, at.stream) != (from.bucket, from.stream) || at.within >= from.within;
                if is_behind {
                    if page.len() >= EXPORT_PAGE_BYTES {
                        return Ok((page, Some(at)));
                    }
                    line(&mut page, &value);
                }
                at.within = at.within.saturating_add(1);
            }
        }
        Ok((page, None))
    }

    fn batch_lines(&self, snapshot: &Snapshot, batch: &BatchRow) -> Result<Vec<Value>, Fault> {
        let BatchRow { facts, release, hidden, rows } = batch;
        if hidden.is_some_and(|hidden| hidden >= snapshot.releases) {
            return Err(Fault::Conflict);
        }
        let facts_said = base64(&codec::encode(facts));
        let mut lines =
            vec![json!({ "batch": facts_said, "release": release, "rows": rows.to_hex(), "hidden": hidden })];
        if hidden.is_some() {
            return Ok(lines);
        }
        let own = self.shelves.keys.place(Principal::Vault(self.id));
        let chunks = self.shelves.scan::<PublicRowsRow>(own, Table::PublicRows, facts.id.as_bytes())?;
        let found: Vec<&PublicRow> = chunks.iter().flat_map(|chunk| &chunk.rows).collect();
        if ReleaseNote::rows_digest(found.iter().copied()) != *rows {
            // Hidden meanwhile; or rows are gone, which the audit finds.
            let now: Option<BatchRow> = self.shelves.read(own, Table::Batch, &[facts.id.as_bytes()])?;
            if now.is_none_or(|now| now.hidden.is_some()) {
                return Err(Fault::Conflict);
            }
        }
        lines.extend(chunks.iter().map(|chunk| {
            let rows: Vec<String> = chunk.rows.iter().map(|row| base64(&codec::encode(row))).collect();
            json!({ "rows": rows })
        }));
        Ok(lines)
    }
}

fn place_of(id: &BatchId) -> (u32, u32) {
    let first = id.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (half(first >> 32), half(first))
}
