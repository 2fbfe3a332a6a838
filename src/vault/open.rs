//! Opening: the event first; then the chart, sealed, up to the reader's clearance.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Capacity, Permit},
    consent::GrantStatement,
    crypto::Signed,
    custodian::{EpochEntry, Run, SealedChart, Writer},
    event::{Event, Streamed},
    folder::{Clearance, Epoch, FolderKind},
    id::PartyId,
    limits::MESSAGE_BYTES_MAX,
    record::{Leaf, ListItem},
    spread,
    vault::{
        fault::Fault,
        submit::{Claim, Work},
        tables::{EpochRow, FolderRow, GrantRow, PartyRow, RunRow, Table},
    },
};

/// How many rows are worth a thread: some two hundred microseconds of work.
const ROWS_WORTH_A_THREAD: usize = 100;

/// What an Open event permitted, until the chart is drawn up.
pub(super) struct Opened {
    folder: FolderRow,
    grant: GrantRow,
    clearance: Clearance,
}

impl Work<'_> {
    pub(super) fn open(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let folder = self.named_folder(&claim.event)?;
        let (capacity, grant) = self.capacity(claim, Some(&folder))?;
        let permit = self.decide(claim, Act::Open, (capacity, Some(&folder)))?;
        let grant = if capacity == Capacity::Owner {
            self.grants_of(&folder, Some(self.owner))?.into_iter().next()
        } else {
            grant
        };
        let grant = grant.ok_or(Fault::Damaged)?;
        let clearance = permit.clearance().min(grant.grant.statement.terms.clearance());
        for number in 1..=folder.epoch.number() {
            self.salts.push((folder.folder, Epoch::from_number(number)));
        }
        self.opened.push(Opened { folder, grant, clearance });
        Ok(permit)
    }

    /// The chart of what was opened.
    pub(super) fn chart(&self, opened: Opened) -> Result<SealedChart, Fault> {
        let Opened { folder, grant, clearance } = opened;
        let row = self.vault.folder_row(folder.folder);
        let GrantRow { grant, event: granted } = grant;
        let (runs, sealed, writers) = self.list(&folder, clearance)?;
        let owner = if folder.kind == FolderKind::Case {
            None
        } else {
            let owner: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Fault::Damaged)?;
            Some((owner.card, owner.attestations))
        };
        let epochs = self.desk.scan::<EpochRow>(Table::Epoch, &row)?;
        let epochs = epochs.into_iter().map(|(_, epoch)| {
            Ok(EpochEntry { event: self.event(epoch.event)?, back_links: epoch.back_links })
        });
        let tie = match grant.statement.because {
            Some(case) => self.folder(case)?.map(|case| self.event(case.opened)).transpose()?,
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
            granted: self.event(granted)?,
            grant,
            writers,
            tie,
        })
    }

    /// The list, the records a reader of this clearance may have, and the proofs of who wrote.
    #[expect(clippy::type_complexity, reason = "three parts of one chart")]
    fn list(
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
        let sealed = self.sealed(folder, &shown)?;
        let mut proofs = Vec::new();
        for (party, statements) in writers {
            let card = self.vault.party(party)?.ok_or(Fault::Damaged)?.card;
            for (statement, event) in statements {
                proofs.push(Writer { card: card.clone(), statement, granted: self.event(event)? });
            }
        }
        Ok((runs.into_values().collect(), sealed, proofs))
    }

    /// The sealed records of leaves, in their order.
    fn sealed(&self, folder: &FolderRow, leaves: &[Leaf]) -> Result<Vec<ByteVec>, Fault> {
        let sealed = spread::map(leaves, ROWS_WORTH_A_THREAD, |leaf| {
            let row = self.vault.record_row(folder.folder, leaf.record, leaf.version);
            self.desk.get_raw(Table::Record, &[&row])?.map(ByteVec::from).ok_or(Fault::Damaged)
        });
        let sealed = sealed.into_iter().collect::<Result<Vec<_>, _>>()?;
        // Half of what a message may hold: the rest is for the list and its proofs.
        let bytes = sealed.iter().fold(0usize, |bytes, record| bytes.saturating_add(record.len()));
        if bytes > MESSAGE_BYTES_MAX / 2 { Err(Fault::Malformed) } else { Ok(sealed) }
    }

    /// An event of the owner's stream, those of this submission included.
    pub(super) fn event(&self, seq: u64) -> Result<Signed<Event>, Fault> {
        let streamed: Option<Streamed> = self.desk.get(Table::Event, &[&seq.to_be_bytes()])?;
        Ok(streamed.ok_or(Fault::Damaged)?.event)
    }
}
