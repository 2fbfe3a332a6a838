//! Writing: leaves onto a folder's list, sealed records into their rows.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Permit},
    event::{Event, Verb},
    folder::Clearance,
    id::{FolderId, RecordId},
    limits::{BATCH_RECORDS_MAX, FOLDER_RECORDS_MAX, VALUE_BYTES_MAX},
    merkle,
    record::{Counts, Leaf, SealedRecord, Sealing},
    vault::{
        Vault,
        fault::Fault,
        rows::{FolderRow, RunRow},
        submit::{Claim, Work},
        tables::{Blindable, Table},
    },
};

/// The leaves of one run row: well within what a store's value may hold.
pub(super) const RUN_LEAVES: u64 = 256;

struct Version([u8; 4]);

impl Blindable for Version {
    fn blindable(&self) -> &[u8] {
        &self.0
    }
}

impl Work<'_> {
    pub(super) fn write(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let (event, part) = (&claim.event, claim.part);
        let mut folder = self.named_folder(event)?;
        let leaves: Vec<Leaf> =
            part.staged.iter().copied().chain(part.records.iter().map(|sealing| sealing.leaf)).collect();
        let (permit, writer) = self.permit_write(claim, &folder, &leaves)?;
        if event.epoch != Some(folder.epoch) || event.before != Some(folder.list.head()) {
            return Err(Fault::Conflict);
        }
        let whole = folder.list.size().saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
        if whole > FOLDER_RECORDS_MAX {
            return Err(Fault::Malformed);
        }
        self.check_leaves(&leaves, event, &folder)?;
        for leaf in &part.staged {
            let sealed = self.desk.get_raw(Table::Record, &[&self.vault.record_row(folder.folder, leaf)])?;
            if sealed.map(|sealed| SealedRecord::digest_of(&sealed)) != Some(leaf.sealed) {
                return Err(Fault::Malformed);
            }
        }
        for sealing in &part.records {
            self.put_record(&folder, sealing)?;
        }
        let first = folder.list.size();
        for leaf in &leaves {
            folder.list.append(leaf.hash());
        }
        if event.after != Some(folder.list.head()) || event.counts != Some(Counts::of(&leaves)) {
            return Err(Fault::Malformed);
        }
        let (row, position) = (self.vault.folder_row(folder.folder), self.position());
        let most = usize::try_from(RUN_LEAVES).unwrap_or(1);
        for (start, leaves) in (first..).step_by(most).zip(leaves.chunks(most)) {
            let run = RunRow { event: position, leaves: leaves.to_vec(), writer };
            self.desk.put(Table::Run, &[&row, &start.to_be_bytes()], &run)?;
        }
        self.touch(&mut folder);
        self.put_folder(&folder)?;
        Ok(permit)
    }

    /// Takes sealed records ahead of the write that will list them; until then nobody sees them.
    pub(super) fn stage(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let (event, part) = (&claim.event, claim.part);
        let folder = self.named_folder(event)?;
        let leaves: Vec<Leaf> = part.records.iter().map(|sealing| sealing.leaf).collect();
        let (permit, _) = self.permit_write(claim, &folder, &leaves)?;
        if event.epoch != Some(folder.epoch) {
            return Err(Fault::Conflict);
        }
        let hashes: Vec<_> = leaves.iter().map(Leaf::hash).collect();
        if event.subject != Some(merkle::root(&hashes).root) {
            return Err(Fault::Malformed);
        }
        for sealing in &part.records {
            // The act that will list it is not done yet: what was acknowledged is never overwritten.
            let row = self.vault.record_row(folder.folder, &sealing.leaf);
            if self.desk.get_raw(Table::Record, &[&row])?.is_some() {
                return Err(Fault::Malformed);
            }
            self.put_record(&folder, sealing)?;
        }
        Ok(permit)
    }

    fn permit_write(
        &self,
        claim: &Claim<'_>,
        folder: &FolderRow,
        leaves: &[Leaf],
    ) -> Result<(Permit, Option<(crate::consent::GrantStatement, u64)>), Fault> {
        let highest = leaves.iter().map(|leaf| leaf.clearance).max().unwrap_or(Clearance::Normal);
        let stance = self.stance(claim, Some(folder))?;
        let permit = self.decide(claim, Act::Write(highest), (&stance, Some(folder)))?;
        if leaves.is_empty() || leaves.len() > BATCH_RECORDS_MAX {
            return Err(Fault::Malformed);
        }
        // The owner needs no proof of a right; a grant is found for a reader only.
        Ok((permit, stance.grant.map(|row| (row.grant.statement, row.event))))
    }

    /// Fresh records are the first of their versions; an amendment is the next of a record that is listed, and stays what
    /// that is.
    fn check_leaves(&self, leaves: &[Leaf], event: &Event, folder: &FolderRow) -> Result<(), Fault> {
        let mut newest: BTreeMap<RecordId, Leaf> = BTreeMap::new();
        if event.verb == Verb::Amend {
            let rows = self.desk.scan::<RunRow>(Table::Run, &self.vault.folder_row(folder.folder))?;
            let wanted: BTreeSet<RecordId> = leaves.iter().map(|leaf| leaf.record).collect();
            let listed = rows.into_iter().flat_map(|(_, row)| row.leaves);
            newest
                .extend(listed.filter(|leaf| wanted.contains(&leaf.record)).map(|leaf| (leaf.record, leaf)));
        }
        for leaf in leaves {
            let follows = match newest.get(&leaf.record) {
                None => leaf.version == 1,
                Some(last) => {
                    last.version.checked_add(1) == Some(leaf.version)
                        && (last.kind, last.clearance) == (leaf.kind, leaf.clearance)
                }
            };
            if leaf.author != event.op_id || leaf.epoch != folder.epoch || !follows {
                return Err(Fault::Malformed);
            }
            newest.insert(leaf.record, *leaf);
        }
        Ok(())
    }

    /// Puts a sealed record down under the act that lists it: it neither takes another's place nor is taken for one.
    fn put_record(&mut self, folder: &FolderRow, sealing: &Sealing) -> Result<(), Fault> {
        let Sealing { leaf, sealed, chunks } = sealing;
        let record = SealedRecord::from_bytes(sealed)?;
        let fits = leaf.epoch == folder.epoch
            && SealedRecord::digest_of(sealed) == leaf.sealed
            && record.has_chunks(chunks)
            && chunks.iter().all(|chunk| chunk.len() <= VALUE_BYTES_MAX);
        if !fits {
            return Err(Fault::Malformed);
        }
        let row = self.vault.record_row(folder.folder, leaf);
        for (number, chunk) in (0u32..).zip(chunks) {
            self.desk.put_raw(Table::Chunk, &[&row, &number.to_be_bytes()], chunk.to_vec())?;
        }
        self.desk.put_raw(Table::Record, &[&row], sealed.to_vec())
    }
}

impl Vault {
    /// The blinded id of a version of a record, as one act wrote it.
    pub(super) fn record_row(&self, folder: FolderId, leaf: &Leaf) -> [u8; 16] {
        let version = Version(leaf.version.to_be_bytes());
        self.shelves.keys.blind(Table::Record, &[&folder, &leaf.record, &version, &leaf.author])
    }

    /// The chunks of a record's content.
    pub(super) fn chunks(
        &self,
        place: crate::store::Place,
        row: [u8; 16],
        count: u32,
    ) -> Result<Vec<ByteVec>, Fault> {
        (0..count)
            .map(|number| {
                let key = crate::vault::tables::key(place, Table::Chunk, &[&row, &number.to_be_bytes()])?;
                self.shelves.store.get(&key)?.map(ByteVec::from).ok_or(Fault::Damaged)
            })
            .collect()
    }
}
