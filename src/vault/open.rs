//! Opening: the event first; then the chart, sealed, up to the reader's clearance.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Capacity, Permit},
    consent::GrantStatement,
    custodian::{ChartOwner, EpochEntry, Run, SealedChart, Writer},
    event::{SignedEvent, Streamed},
    folder::{Clearance, Epoch, FolderKind},
    id::{FolderId, PartyId},
    limits::CHART_BYTES_MAX,
    record::{Leaf, ListItem},
    spread,
    store::Place,
    vault::{
        Vault,
        fault::Fault,
        rows::{EpochRow, FolderRow, GrantRow, PartyRow, RunRow},
        standing::Stance,
        submit::{Claim, Work},
        tables::{Table, key},
    },
};

/// How many records are read before it is looked at how many bytes they are.
const RECORDS_AT_A_TIME: usize = 1024;

/// How many rows are worth a thread: some two hundred microseconds of work.
const ROWS_WORTH_A_THREAD: usize = 100;

/// What an Open event permitted, until the chart is drawn up.
pub(super) struct Opened {
    folder: FolderRow,
    grant: GrantRow,
    clearance: Clearance,
    is_own: bool,
}

impl Work<'_> {
    pub(super) fn open(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let folder = self.named_folder(&claim.event)?;
        let stance = self.stance(claim, Some(&folder))?;
        let permit = self.decide(claim, Act::Open, (&stance, Some(&folder)))?;
        let Stance { capacity, grant, .. } = stance;
        let grant = if capacity == Capacity::Owner {
            self.vault.grants_at(self.desk.place, &folder, self.owner)?.into_iter().next()
        } else {
            grant
        };
        let grant = grant.ok_or(Fault::Damaged)?;
        let clearance = permit.clearance().min(grant.grant.statement.terms.clearance());
        for number in 1..=folder.epoch.number() {
            self.salts.push((folder.folder, Epoch::from_number(number)));
        }
        if self
            .opened
            .replace(Opened { folder, grant, clearance, is_own: capacity == Capacity::Owner })
            .is_some()
        {
            return Err(Fault::Malformed);
        }
        Ok(permit)
    }

    /// The chart of what was opened.
    pub(super) fn chart(&self, opened: Opened) -> Result<SealedChart, Fault> {
        let Opened { folder, grant, clearance, is_own } = opened;
        let row = self.vault.folder_row(folder.folder);
        let GrantRow { grant, event: granted } = grant;
        // Who reads another's Identity learns what was done there, and not when: a case he reads too must not be joined to it.
        let is_redacted = !is_own && folder.kind != FolderKind::Case;
        let shown = |event: SignedEvent| if is_redacted { event.redacted() } else { event };
        let (mut runs, sealed, writers) = self.listed(&folder, clearance)?;
        if is_redacted {
            runs = runs.into_iter().map(|run| Run { event: run.event.redacted(), ..run }).collect();
        }
        let owner = if folder.kind == FolderKind::Case {
            None
        } else {
            let owner: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Fault::Damaged)?;
            Some(ChartOwner { card: owner.card, attestations: owner.attestations, nonce: folder.nonce })
        };
        let epochs = self.desk.scan::<EpochRow>(Table::Epoch, &row)?;
        let epochs = epochs.into_iter().map(|(_, epoch)| {
            Ok(EpochEntry { event: shown(self.event(epoch.event)?), back_links: epoch.back_links })
        });
        let tie = match grant.statement.because {
            Some(case) => self.folder(case)?.map(|case| self.event(case.opened)).transpose()?.map(shown),
            None => None,
        };
        Ok(SealedChart {
            folder: folder.folder,
            kind: folder.kind,
            verifying: folder.verifying,
            owner,
            head: folder.list.head(),
            runs,
            sealed,
            epochs: epochs.collect::<Result<_, Fault>>()?,
            granted: shown(self.event(granted)?),
            grant,
            writers,
            tie,
        })
    }

    /// The list, the records a reader of this clearance may have, and the proofs of who wrote.
    #[expect(clippy::type_complexity, reason = "three parts of one chart")]
    fn listed(
        &self,
        folder: &FolderRow,
        clearance: Clearance,
    ) -> Result<(Vec<Run>, Vec<ByteVec>, Vec<Writer>), Fault> {
        let rows = self.desk.scan::<RunRow>(Table::Run, &self.vault.folder_row(folder.folder))?;
        let mut runs: BTreeMap<u64, Run> = BTreeMap::new();
        let mut shown = Vec::new();
        let mut writers: BTreeMap<PartyId, Vec<(GrantStatement, u64)>> = BTreeMap::new();
        for (_, row) in rows {
            let run = match runs.entry(row.event) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(Run { event: self.event(row.event)?, items: Vec::new() })
                }
            };
            for leaf in row.leaves {
                let item = ListItem::of(leaf, clearance);
                run.items.push(item);
                if matches!(item, ListItem::Shown(_)) {
                    shown.push(leaf);
                }
            }
            if let Some((statement, event)) = row.writer {
                let proofs = writers.entry(statement.reader).or_default();
                if !proofs.contains(&(statement, event)) {
                    proofs.push((statement, event));
                }
            }
        }
        let sealed = self.vault.sealed(self.desk.place, folder.folder, &shown)?;
        let mut proofs = Vec::new();
        for (party, statements) in writers {
            let card = self.vault.party(party)?.ok_or(Fault::Damaged)?.card;
            for (statement, event) in statements {
                proofs.push(Writer { card: card.clone(), statement, granted: self.event(event)? });
            }
        }
        Ok((runs.into_values().collect(), sealed, proofs))
    }

    /// An event of the owner's stream, those of this submission included.
    pub(super) fn event(&self, seq: u64) -> Result<SignedEvent, Fault> {
        let streamed: Option<Streamed> = self.desk.get(Table::Event, &[&seq.to_be_bytes()])?;
        Ok(streamed.ok_or(Fault::Damaged)?.event)
    }
}

impl Vault {
    /// The sealed records of leaves, in their order: the first of them, as many as one answer carries.
    pub(super) fn sealed(
        &self,
        place: Place,
        folder: FolderId,
        leaves: &[Leaf],
    ) -> Result<Vec<ByteVec>, Fault> {
        let (mut sealed, mut bytes) = (Vec::new(), 0usize);
        for leaves in leaves.chunks(RECORDS_AT_A_TIME) {
            let read = spread::map(leaves, ROWS_WORTH_A_THREAD, |leaf| {
                let key = key(place, Table::Record, &[&self.record_row(folder, leaf)])?;
                self.shelves.store.get(&key)?.map(ByteVec::from).ok_or(Fault::Damaged)
            });
            for record in read {
                let record = record?;
                bytes = bytes.saturating_add(record.len());
                if bytes > CHART_BYTES_MAX && !sealed.is_empty() {
                    return Ok(sealed);
                }
                sealed.push(record);
            }
        }
        Ok(sealed)
    }
}
