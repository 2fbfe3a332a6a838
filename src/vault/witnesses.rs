//! Witnesses: asked to sign the newest checkpoint once it is stored and anchored, and nobody waits for them.
//!
//! A line is kept if it verifies under the policy's key; another is logged and left out. Lines lie beside the log, in a row
//! of their own that names the head they are for: they are not the checkpointer's work, and never in its way.

use std::collections::BTreeMap;

use crate::{
    log::{CosignRequest, NoteSignature, SignedCheckpoint, Witness, tiles},
    merkle::Head,
    store::StoreError,
    time::Timestamp,
    vault::{
        Vault, VaultError,
        checkpoint::PERIOD,
        fault::Fault,
        rows::{CosignedRow, LogRow},
        tables::Table,
        tiles::StoredTiles,
    },
};

/// How often lines are put down again when another process puts some down meanwhile.
const ATTEMPTS: usize = 4;

/// What witnesses were asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// For which checkpoint, and when.
    last: Option<(u64, Timestamp)>,
    /// The size that each saw last, as far as this process knows.
    sizes: BTreeMap<String, u64>,
}

impl Vault {
    /// Asks the witnesses whose lines the newest checkpoint lacks.
    pub(super) fn ask_witnesses(&self) {
        // Whoever is at it already may be waiting for one that is away.
        let Ok(mut asked) = self.asked.try_lock() else { return };
        if let Err(fault) = self.ask_all(&mut asked) {
            tracing::warn!(code = VaultError::from(fault).code(), "witnesses could not be asked");
        }
    }

    /// The same for a checkpoint that is new, or for which they were asked a minute ago.
    pub(super) fn ask_witnesses_if_due(&self) {
        let rules = self.rules();
        if rules.policy.witnesses().is_none() {
            return;
        }
        let Ok(asked) = self.asked.try_lock() else { return };
        let last = asked.last;
        drop(asked);
        let is_due = last.is_none_or(|(size, at)| {
            let is_new = self.log().is_ok_and(|log| log.frontier.size() != size);
            is_new || at.plus(PERIOD) <= self.clock.now()
        });
        if is_due {
            self.ask_witnesses();
        }
    }

    fn ask_all(&self, asked: &mut Asked) -> Result<(), Fault> {
        let rules = self.rules();
        let (policy, log) = (rules.policy.witnesses(), self.log()?);
        if policy.is_none() || log.checkpoint.is_empty() {
            return Ok(());
        }
        let head = log.frontier.head();
        asked.last = Some((head.size, self.clock.now()));
        self.remember_sizes(&mut asked.sizes)?;
        let shown = SignedCheckpoint::parse(self.shown(&log)?.as_bytes())?;
        for witness in policy.witnesses() {
            if witness.verify(&shown).is_ok() {
                asked.sizes.insert(witness.name().to_string(), head.size);
            } else if let Some(line) = self.ask_one(witness, &log, &mut asked.sizes)? {
                self.keep_line(head, witness, &line)?;
            }
        }
        let seen = SignedCheckpoint::parse(self.shown(&log)?.as_bytes())?;
        if !policy.is_met(&seen) {
            let (seen, needed) = (policy.seen(&seen).len(), policy.needed());
            tracing::warn!(size = head.size, seen, needed, "too few witnesses have seen the checkpoint");
        }
        Ok(())
    }

    /// Asks a witness, once more if it says that it saw another size last: its line, if it verifies.
    fn ask_one(
        &self,
        witness: &Witness,
        log: &LogRow,
        sizes: &mut BTreeMap<String, u64>,
    ) -> Result<Option<String>, Fault> {
        let (name, size) = (witness.name(), log.frontier.size());
        let checkpoint = SignedCheckpoint::parse(log.checkpoint.as_bytes())?;
        let mut old = sizes.get(name.as_str()).map_or(0, |last| size.min(*last));
        for _ in 0..2 {
            let stored = StoredTiles::log(self);
            let proof = tiles::prove_consistency(&stored, old, size).ok_or_else(|| stored.missing())?;
            let request = CosignRequest::new(old, proof, checkpoint.clone())?.to_string();
            let reply = match self.host.ask_witness(witness, request.as_bytes()) {
                Ok(Some(reply)) => reply,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%name, code = error.code(), "a witness could not be asked");
                    break;
                }
            };
            match (reply.status, reply.size()) {
                (200, _) => match checkpoint.clone().with_answer(witness, &reply.body) {
                    Ok(seen) => {
                        sizes.insert(name.to_string(), size);
                        return Ok(seen.note().signatures().last().map(|line| format!("{line}\n")));
                    }
                    Err(error) => {
                        tracing::warn!(%name, %error, "what a witness answered is not its line");
                        break;
                    }
                },
                (_, Some(last)) if last != old && last <= size => old = last,
                (_, Some(last)) => {
                    tracing::error!(%name, size, last, "a witness saw another log: this one branched off, or was rolled back");
                    break;
                }
                (status, None) => {
                    tracing::warn!(%name, status, "a witness did not sign");
                    break;
                }
            }
        }
        Ok(None)
    }

    /// What witnesses signed last, by what is stored: the vault may have been closed since.
    fn remember_sizes(&self, sizes: &mut BTreeMap<String, u64>) -> Result<(), Fault> {
        let row: Option<CosignedRow> = self.shelves.read(self.log_place(), Table::Cosigned, &[])?;
        let CosignedRow { head, lines } = row.unwrap_or_default();
        for line in lines_of(&lines) {
            sizes.entry(line.name().to_string()).or_insert(head.size);
        }
        Ok(())
    }

    /// Keeps a witness's line beside those of others, unless the log has gone on.
    fn keep_line(&self, head: Head, witness: &Witness, line: &str) -> Result<(), Fault> {
        for _ in 0..ATTEMPTS {
            let mut desk = self.log_desk();
            let row: CosignedRow = desk.get_at(self.log_place(), Table::Cosigned, &[])?.unwrap_or_default();
            let row = if row.head == head { row } else { CosignedRow { head, lines: String::new() } };
            let is_its = |known: NoteSignature| (known.name(), known.id()) == (witness.name(), witness.id());
            if self.log()?.frontier.head() != head || lines_of(&row.lines).any(is_its) {
                return Ok(());
            }
            let row = CosignedRow { lines: row.lines + line, ..row };
            desk.put_at(self.log_place(), Table::Cosigned, &[], &row)?;
            match self.commit_log(desk) {
                Err(Fault::Store(StoreError::Conflict)) => (),
                outcome => return outcome,
            }
        }
        Ok(())
    }

    /// What witnesses signed of a head, as it stands under its checkpoint.
    pub(super) fn cosigned(&self, head: Head) -> Result<String, Fault> {
        let row: Option<CosignedRow> = self.shelves.read(self.log_place(), Table::Cosigned, &[])?;
        Ok(row.filter(|row| row.head == head).map(|row| row.lines).unwrap_or_default())
    }
}

/// The lines of a row.
fn lines_of(lines: &str) -> impl Iterator<Item = NoteSignature> {
    lines.lines().filter_map(|line| NoteSignature::parse(line).ok())
}
