//! Writing: leaves onto a folder's list, sealed records into their rows.

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Permit},
    event::{Event, Verb},
    folder::Clearance,
    limits::{BATCH_RECORDS_MAX, FOLDER_RECORDS_MAX, VALUE_BYTES_MAX},
    merkle,
    record::{Counts, Leaf, SealedRecord, Sealing},
    vault::{
        fault::Fault,
        submit::{Claim, Work},
        tables::{FolderRow, RunRow, Table},
    },
};

/// The leaves of one run row: well within what a store's value may hold.
const RUN_LEAVES: usize = 256;

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
        for leaf in &leaves {
            self.check_leaf(leaf, event, &folder)?;
        }
        for leaf in &part.staged {
            let sealed = self.desk.get_raw(Table::Record, &[&self.record_row(event, leaf)])?;
            if sealed.map(|sealed| SealedRecord::digest_of(&sealed)) != Some(leaf.sealed) {
                return Err(Fault::Malformed);
            }
        }
        for sealing in &part.records {
            self.put_record(event, sealing)?;
        }
        let first = folder.list.size();
        for leaf in &leaves {
            folder.list.append(leaf.hash());
        }
        if event.after != Some(folder.list.head()) || event.counts != Some(Counts::of(&leaves)) {
            return Err(Fault::Malformed);
        }
        let (row, position) = (self.vault.folder_row(folder.folder), self.position());
        for (start, leaves) in (first..).step_by(RUN_LEAVES).zip(leaves.chunks(RUN_LEAVES)) {
            let run = RunRow { event: position, leaves: leaves.to_vec(), writer };
            self.desk.put(Table::Run, &[&row, &start.to_be_bytes()], &run)?;
        }
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
            self.put_record(event, sealing)?;
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
        let (capacity, grant) = self.capacity(claim, Some(folder))?;
        let permit = self.decide(claim, Act::Write(highest), (capacity, Some(folder)))?;
        if leaves.is_empty() || leaves.len() > BATCH_RECORDS_MAX {
            return Err(Fault::Malformed);
        }
        // The owner needs no proof of a right; `capacity` finds a grant for a reader only.
        Ok((permit, grant.map(|row| (row.grant.statement, row.event))))
    }

    fn check_leaf(&self, leaf: &Leaf, event: &Event, folder: &FolderRow) -> Result<(), Fault> {
        let is_amendment = event.verb == Verb::Amend;
        let fits =
            leaf.author == event.op_id && leaf.epoch == folder.epoch && is_amendment == (leaf.version > 1);
        if !fits {
            return Err(Fault::Malformed);
        }
        if is_amendment {
            let previous = Leaf { version: leaf.version.saturating_sub(1), ..*leaf };
            if self.desk.get_raw(Table::Record, &[&self.record_row(event, &previous)])?.is_none() {
                return Err(Fault::Malformed);
            }
        }
        Ok(())
    }

    fn put_record(&mut self, event: &Event, sealing: &Sealing) -> Result<(), Fault> {
        let Sealing { leaf, sealed, chunks } = sealing;
        let record = SealedRecord::from_bytes(sealed)?;
        let fits = Some(leaf.epoch) == event.epoch
            && SealedRecord::digest_of(sealed) == leaf.sealed
            && record.has_chunks(chunks)
            && chunks.iter().all(|chunk| chunk.len() <= VALUE_BYTES_MAX);
        let row = self.record_row(event, leaf);
        // One version of a record is written once: what was acknowledged is never overwritten.
        if !fits || self.desk.get_raw(Table::Record, &[&row])?.is_some() {
            return Err(Fault::Malformed);
        }
        for (number, chunk) in (0u32..).zip(chunks) {
            self.desk.put_raw(Table::Chunk, &[&row, &number.to_be_bytes()], chunk.to_vec())?;
        }
        self.desk.put_raw(Table::Record, &[&row], sealed.to_vec())
    }

    fn record_row(&self, event: &Event, leaf: &Leaf) -> [u8; 16] {
        event.folder.map_or([0; 16], |folder| self.vault.record_row(folder, leaf.record, leaf.version))
    }
}

impl crate::vault::Vault {
    /// The blinded id of a record's version.
    pub(super) fn record_row(
        &self,
        folder: crate::id::FolderId,
        record: crate::id::RecordId,
        version: u32,
    ) -> [u8; 16] {
        struct Version([u8; 4]);
        impl crate::vault::tables::Blindable for Version {
            fn blindable(&self) -> &[u8] {
                &self.0
            }
        }
        self.shelves.keys.blind(Table::Record, &[&folder, &record, &Version(version.to_be_bytes())])
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
