//! The outbox: how a reader's place learns of a grant without lying beside the owner's.
//!
//! A grant's entry for the reader waits in one of sixteen shared places; a later commit, of someone else as a rule,
//! moves it on. Until then it is answered from memory; after a crash it is found again in the outbox.

use std::sync::PoisonError;

use crate::{
    id::PartyId,
    store::Key,
    vault::{
        Vault,
        desk::Desk,
        fault::Fault,
        rows::{MineRow, OutboxRow},
        tables::{Table, key},
    },
};

/// The most entries one commit moves.
const MOVED_MAX: usize = 16;

/// An entry that waits, and where.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    key: Key,
    row: OutboxRow,
}

impl Vault {
    /// What waits for a reader.
    pub(super) fn waiting(&self, reader: PartyId) -> Vec<MineRow> {
        let queue = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        queue.iter().filter(|waiting| waiting.row.reader == reader).map(|waiting| waiting.row.mine).collect()
    }

    /// Puts entries down to wait.
    pub(super) fn put_outbox(
        &self,
        desk: &mut Desk<'_>,
        rows: Vec<OutboxRow>,
    ) -> Result<Vec<Waiting>, Fault> {
        let place = self.shelves.keys.shared_place(Table::Outbox, desk.place);
        rows.into_iter()
            .map(|row| {
                let id: [u8; 16] = desk.random().bytes();
                desk.put_at(place, Table::Outbox, &[&id], &row)?;
                Ok(Waiting { key: key(place, Table::Outbox, &[&id])?, row })
            })
            .collect()
    }

    /// Moves what waits to where it belongs, in the batch of this desk.
    pub(super) fn move_outbox(&self, desk: &mut Desk<'_>) -> Result<Vec<Key>, Fault> {
        let queue: Vec<Waiting> = {
            let queue = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
            queue.iter().take(MOVED_MAX).cloned().collect()
        };
        for Waiting { key, row: OutboxRow { reader, mine } } in &queue {
            let place = self.shelves.keys.place(crate::event::Principal::Party(*reader));
            let row = self.shelves.keys.blind(Table::Mine, &[&mine.folder]);
            desk.put_at(place, Table::Mine, &[&row], mine)?;
            desk.delete_at(key.place(), Table::Outbox, &[key.row()])?;
        }
        Ok(queue.into_iter().map(|waiting| waiting.key).collect())
    }

    /// After the commit: what was moved waits no more, what was put down does.
    pub(super) fn outbox_moved(&self, moved: &[Key], waiting: Vec<Waiting>) {
        let mut queue = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain(|entry| !moved.contains(&entry.key));
        queue.extend(waiting);
    }

    /// What waited when the vault was last closed.
    pub(super) fn load_outbox(&self) -> Result<(), Fault> {
        let mut found = Vec::new();
        for place in self.shelves.keys.shared_places(Table::Outbox) {
            let range = crate::store::KeyRange::table(place, Table::Outbox.code());
            for entry in self.shelves.store.scan(range, usize::MAX)? {
                let row = self.shelves.keys.open(Table::Outbox, &entry.key, &entry.value)?;
                found.push(Waiting { key: entry.key, row });
            }
        }
        self.outbox_moved(&[], found);
        Ok(())
    }
}
