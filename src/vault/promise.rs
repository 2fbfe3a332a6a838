//! The end of a submission: its events onto the stream, one batch, a receipt; and the same once more for who repeats it.

use crate::{
    crypto::Signed,
    custodian::{Accepted, Salt, Submission},
    event::{Receipt, Verb},
    folder::{Epoch, EpochOf},
    id::{Digest, FolderId, OpId},
    record::FolderSalt,
    vault::{
        fault::Fault,
        rows::{Done, OpRow},
        submit::Work,
        tables::Table,
    },
};

impl Work<'_> {
    /// The submission as it was done before, if it was: all of it, and signed by who may.
    pub(super) fn done_before(&self, submission: &Submission) -> Result<Option<Done>, Fault> {
        let first = submission.parts.first().ok_or(Fault::Malformed)?;
        let row: Option<OpRow> =
            self.desk.get(Table::Op, &[&self.op_row(first.event.claimed_step()?.op_id)])?;
        let done = row.and_then(|row| row.submission);
        let events: Vec<Digest> = submission.parts.iter().map(|part| part.event.digest()).collect();
        Ok(done.filter(|done| done.events == events))
    }

    pub(super) fn finish(mut self, submission: &Submission) -> Result<Accepted, Fault> {
        let first = submission.parts.first().ok_or(Fault::Malformed)?.event.claims()?;
        for streamed in &self.events {
            let seq = self.head.frontier.size();
            self.head.frontier.append(streamed.entry(seq).hash());
            self.desk.put(Table::Event, &[&seq.to_be_bytes()], streamed)?;
        }
        self.head.received = self.received;
        let events: Vec<Digest> = self.events.iter().map(|streamed| streamed.event.digest()).collect();
        let done = Done { events, received: self.received, stream: self.head.frontier.head() };
        let receipt = self.receipt(&done, first.op_id);
        self.desk.put(Table::Head, &[], &self.head)?;
        let row = self.op_row(first.op_id);
        self.desk.put(Table::Op, &[&row], &OpRow { submission: Some(done) })?;
        self.vault.note_changed(&mut self.desk, &self.head)?;
        let moved = self.vault.move_outbox(&mut self.desk)?;
        let waiting = self.vault.put_outbox(&mut self.desk, std::mem::take(&mut self.outbox))?;
        if self.enrols {
            // Durable before the event: a crash may leave a shred key without an owner, never an owner without one.
            self.vault.make_shred_key(self.owner)?;
        }
        let answer = self.answer(receipt)?;
        // Before the commit, whose answer may be lost: what waits is a hint, and a wrong one leads to nothing.
        self.vault.outbox_moved(&[], waiting);
        self.desk.commit(first.op_id, self.permits)?;
        self.vault.outbox_moved(&moved, Vec::new());
        if let Some((auditor, log)) = self.exports {
            self.vault.fetches.put_on_record(auditor, log);
        }
        if let Some(rules) = self.adopts {
            self.vault.adopt(rules);
        }
        self.vault.change_directory(self.changes);
        self.vault.anchor_if_due();
        Ok(answer)
    }

    /// What was promised before, once more; but nothing is opened twice by one event.
    pub(super) fn repeat(mut self, submission: &Submission, done: &Done) -> Result<Accepted, Fault> {
        for (index, part) in submission.parts.iter().enumerate() {
            let (before, rest) = submission.parts.split_at(index);
            let claim = self.verify(part, before, rest.get(1..).unwrap_or_default())?;
            let step = &claim.event.step;
            match step.verb {
                // What is opened again is opened by a new event: since then there may be more to see.
                Verb::Open => return Err(Fault::Conflict),
                Verb::Rotate | Verb::Revoke if self.is_owner => {
                    self.salts.push(step.folder.zip(step.epoch).ok_or(Fault::Malformed)?);
                }
                Verb::Amend
                | Verb::Appeal
                | Verb::Assign
                | Verb::Attest
                | Verb::Block
                | Verb::Close
                | Verb::Create
                | Verb::Deny
                | Verb::Enrol
                | Verb::Equip
                | Verb::Export
                | Verb::Govern
                | Verb::Grant
                | Verb::List
                | Verb::OpenFolder
                | Verb::Refuse
                | Verb::Release
                | Verb::Report
                | Verb::Restore
                | Verb::Retract
                | Verb::Reveal
                | Verb::Revoke
                | Verb::Rotate
                | Verb::Rule
                | Verb::Share
                | Verb::Stage
                | Verb::Withdraw
                | Verb::Write => (),
            }
        }
        let first = submission.parts.first().ok_or(Fault::Malformed)?.event.claimed_step()?;
        let receipt = self.receipt(done, first.op_id);
        self.answer(receipt)
    }

    fn receipt(&self, done: &Done, op_id: OpId) -> Signed<Receipt> {
        let Done { events, received, stream } = done;
        self.vault.sign(&Receipt {
            vault: self.vault.id,
            op_id,
            events: events.clone(),
            received: *received,
            promised_by: *received,
            // The owner hears where its events stand; a reader or a registrar does not.
            stream: self.is_owner.then_some(*stream),
        })
    }

    fn answer(&mut self, receipt: Signed<Receipt>) -> Result<Accepted, Fault> {
        let shred = if self.salts.is_empty() { None } else { Some(self.vault.shred_key(self.owner)?) };
        let salt_of = |(folder, epoch): &(FolderId, Epoch)| {
            let place = EpochOf { vault: self.vault.id, folder: *folder, epoch: *epoch };
            let shred = shred.as_ref()?;
            let salt = *FolderSalt::derive(shred, place).expose();
            Some(Salt { folder: *folder, epoch: *epoch, salt })
        };
        let salts = self.salts.iter().filter_map(salt_of).collect();
        let chart = self.opened.take().map(|opened| self.chart(opened)).transpose()?;
        let (letter, concerned) = (self.delivered.take(), std::mem::take(&mut self.concerned));
        Ok(Accepted { receipt, salts, charts: chart.into_iter().collect(), letter, concerned })
    }
}
