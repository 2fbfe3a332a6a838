//! Queues: what waits for the registrars, in the order it came.
//!
//! ```text
//! place of an entry = received (ms, 8 bytes) ‖ 8 random bytes        no counter: nobody waits for another's entry
//! ```

use crate::{
    custodian::{Answer, Errand, QueuePlace, Queued},
    id::Digest,
    limits::PAGE_MAX,
    vault::{
        Vault,
        fault::Fault,
        rows::{PartyRow, QueueRow},
        submit::Work,
        tables::Table,
    },
};

impl Work<'_> {
    /// The owner, or a letter of the owner's, waits from now on.
    pub(super) fn wait(&mut self, errand: Errand, letter: Option<Digest>) -> Result<QueuePlace, Fault> {
        let random: [u8; 8] = self.desk.random().bytes();
        let mut bytes = [0; 16];
        let time = self.received.as_ms().to_be_bytes();
        bytes.iter_mut().zip(time.iter().chain(&random)).for_each(|(to, from)| *to = *from);
        let row = QueueRow { party: self.owner, letter, received: self.received };
        let place = self.vault.shelves.keys.queue_place(errand);
        self.desk.put_at(place, Table::Queue, &[&bytes], &row)?;
        Ok(QueuePlace(bytes))
    }

    /// What waited there waits no more.
    pub(super) fn served(&mut self, errand: Errand, QueuePlace(bytes): QueuePlace) -> Result<(), Fault> {
        let place = self.vault.shelves.keys.queue_place(errand);
        self.desk.delete_at(place, Table::Queue, &[&bytes])
    }

    /// The owner waits to be vetted, if it does not yet.
    pub(super) fn wait_to_be_vetted(&mut self) -> Result<(), Fault> {
        let row: Option<PartyRow> = self.desk.get(Table::Party, &[])?;
        let Some(mut row) = row.filter(|row| row.waits.is_none()) else { return Ok(()) };
        row.waits = Some(self.wait(Errand::Application, None)?);
        self.desk.put(Table::Party, &[], &row)
    }
}

impl Vault {
    /// A page of a queue.
    pub(super) fn queue(
        &self,
        errand: Errand,
        after: Option<QueuePlace>,
        limit: u16,
    ) -> Result<Answer, Fault> {
        let limit = usize::from(limit).clamp(1, PAGE_MAX);
        let place = self.shelves.keys.queue_place(errand);
        let after = after.as_ref().map(|QueuePlace(bytes)| bytes.as_slice());
        let rows = self.shelves.page::<QueueRow>((place, Table::Queue), after, limit)?;
        let is_last = rows.len() < limit;
        let queued = rows.into_iter().map(|(id, QueueRow { party, letter, received })| {
            let place = QueuePlace(id.try_into().map_err(|_wrong| Fault::Damaged)?);
            Ok(Queued { place, party, letter, received })
        });
        Ok(Answer::Queue(queued.collect::<Result<_, Fault>>()?, is_last))
    }
}
