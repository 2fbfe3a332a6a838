//! Commits that wait for the same disk go there together.
//!
//! The first to come leads: it takes all that wait, checks each batch in turn against the rows and against what the
//! batches before it in the group will have written, and writes those that hold as one. Whoever came meanwhile waits
//! for the next group, which one of them leads.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    Opened,
    flight::{Flight, Rows},
};
use crate::{
    limits::{STORE_BATCH_BYTES_MAX, STORE_BATCH_ROWS_MAX},
    store::{CheckedBatch, Key, StoreError},
};

/// One answer for each batch of a group, in its order.
pub(super) type Answers = Vec<Result<(), StoreError>>;

/// The queue before the disk.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    queue: Mutex<Queue>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(u64, CheckedBatch)>,
    answers: BTreeMap<u64, Result<(), StoreError>>,
    next: u64,
    led: bool,
}

impl Queue {
    /// The group to write next: at least one batch, and not more than one batch may be.
    fn group(&mut self) -> (Vec<u64>, Vec<CheckedBatch>) {
        let (mut rows, mut bytes) = (0_usize, 0_usize);
        let mut fits = |(_, batch): &(u64, CheckedBatch)| {
            rows = rows.saturating_add(batch.writes().count());
            bytes = bytes.saturating_add(batch.bytes());
            rows <= STORE_BATCH_ROWS_MAX && bytes <= STORE_BATCH_BYTES_MAX
        };
        let count = self.waiting.iter().take_while(|waiting| fits(waiting)).count();
        self.waiting.drain(..count.max(1).min(self.waiting.len())).unzip()
    }
}

impl Gathering {
    /// Hands a batch in and returns its answer. `write` is called for a group that may hold others' batches too, by one
    /// thread at a time.
    pub(super) fn submit(
        &self,
        batch: CheckedBatch,
        write: impl Fn(Vec<CheckedBatch>) -> Result<Answers, StoreError>,
    ) -> Result<(), StoreError> {
        let mut queue = self.queue();
        let ticket = queue.next;
        queue.next = ticket.wrapping_add(1);
        queue.waiting.push_back((ticket, batch));
        loop {
            if let Some(answer) = queue.answers.remove(&ticket) {
                return answer;
            }
            if queue.led {
                queue = self.answered.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.led = true;
            let (tickets, group) = queue.group();
            drop(queue);
            let outcome = write(group);
            queue = self.queue();
            queue.led = false;
            match outcome {
                Ok(answers) => queue.answers.extend(tickets.into_iter().zip(answers)),
                Err(error) => {
                    queue.answers.extend(tickets.into_iter().map(|ticket| (ticket, Err(error.clone()))))
                }
            }
            self.answered.notify_all();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    /// Writes the batches of a group whose expectations hold, as one, and counts them once.
    ///
    /// An error is everybody's: what became of the group is then unknown.
    pub(super) fn write(&self, group: Vec<CheckedBatch>, flight: &Flight) -> Result<Answers, StoreError> {
        let mut answers = Vec::new();
        let mut overlay = Rows::new();
        for batch in group {
            if self.holds(&batch, &overlay)? {
                overlay.extend(batch.into_writes());
                answers.push(Ok(()));
            } else {
                answers.push(Err(StoreError::Conflict));
            }
        }
        if !overlay.is_empty() {
            // 2^64 batches take longer than any disk lasts: a count that ends is one that was damaged.
            let generation = flight.generation().checked_add(1).ok_or(StoreError::Corrupt)?;
            let mut writes = ::sled::Batch::default();
            for (key, value) in &overlay {
                match value {
                    Some(value) => writes.insert(key.as_bytes(), value.as_slice()),
                    None => writes.remove(key.as_bytes()),
                }
            }
            writes.insert(Key::generation().as_bytes(), &generation.to_be_bytes());
            flight.begin(overlay);
            let applied = self.apply(writes);
            flight.land(applied.is_ok().then_some(generation));
            applied?;
        }
        Ok(answers)
    }

    fn holds(&self, batch: &CheckedBatch, overlay: &Rows) -> Result<bool, StoreError> {
        for (key, expectation) in batch.expectations() {
            let holds = match overlay.get(key) {
                Some(written) => expectation.holds(written.as_deref()),
                None => self.holds_now(key, expectation)?,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
