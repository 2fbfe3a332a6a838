//! The log, as a party holds the vault to it: checkpoints remembered, and that one's own history is whole and in the log.

use std::time::Duration;

use crate::{
    codec,
    custodian::{Answer, Question, Request, Response},
    error::{Error, Tampering},
    event::Principal,
    id::Digest,
    log::{KeyName, LogProof, SignedCheckpoint, StreamProof, open_checkpoint},
    merkle::{Head, verify_consistency},
    party::{Owner, RoleType},
    session::{Session, ledger::Pages},
    time::Timestamp,
};

/// How often the newest checkpoint is asked for again when it moves on meanwhile.
const ATTEMPTS: usize = 4;

/// An event that was received so long before an epoch ended is in it.
const SETTLED: Duration = Duration::from_secs(60);

/// A checkpoint of the log, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpointed {
    /// The log's head.
    pub head: Head,
    /// The checkpoint itself, a C2SP signed note: what to compare with others'.
    pub note: String,
    /// Which of the witnesses that the policy names have signed it too, and when.
    pub witnesses: Vec<(KeyName, Timestamp)>,
    /// Whether they are as many as the policy asks for.
    pub is_witnessed: bool,
}

/// That one's own history is whole and in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryProof {
    /// The head of one's stream in the log.
    pub head: Head,
    /// When the epoch ended that has it.
    pub at: Timestamp,
    /// The checkpoint it leads to.
    pub checkpoint: Checkpointed,
    /// The proof as text, to be mailed and checked offline: C2SP tlog-proof, with the stream's own proof beside.
    pub text: String,
}

impl<R: RoleType> Session<'_, R> {
    /// The newest checkpoint of the vault's log: signed by the vault, and grown from all that this session has seen of the
    /// log. None before the first.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if it is not signed, or the log has branched off or is rolled back.
    pub fn checkpoint(&self) -> Result<Option<Checkpointed>, Error> {
        let seen = self.state().memory.log;
        let (newest, _) = self.grown_from(seen.unwrap_or_default())?;
        let Some(newest) = newest else {
            return if seen.is_none() { Ok(None) } else { Err(Tampering::Stream.into()) };
        };
        self.remember_log(newest.head);
        Ok(Some(newest))
    }

    /// Holds the vault's log to a checkpoint that was got elsewhere, from another device, an auditor, a witness; and says
    /// which witnesses signed that one.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if it is not this vault's, or the vault's log does not contain it: then the vault has shown two
    /// histories, and the two checkpoints are the proof.
    pub fn compare_checkpoint(&self, note: &str) -> Result<Checkpointed, Error> {
        let elsewhere = self.checkpointed(note.to_owned())?;
        self.hold_log(elsewhere.head)?;
        Ok(elsewhere)
    }

    /// A checkpoint that the vault signed, and who saw it.
    fn checkpointed(&self, note: String) -> Result<Checkpointed, Error> {
        let (trust, policy) = (self.trust()?, self.policy()?);
        let head =
            open_checkpoint(&note, trust.vault, &trust.vault_key).map_err(|_forged| Tampering::Stream)?;
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).map_err(|_garbled| Tampering::Stream)?;
        let seen = policy.witnesses().seen(&checkpoint);
        let is_witnessed = seen.len() >= policy.witnesses().needed();
        let witnesses = seen.into_iter().map(|(name, at)| (name.clone(), at)).collect();
        Ok(Checkpointed { head, note, witnesses, is_witnessed })
    }

    /// Holds what was seen of the log, and another head of it, to one that both grow to.
    fn hold_log(&self, other: Head) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let seen = self.state().memory.log.unwrap_or_default();
            let (one, _) = self.grown_from(seen)?;
            let (both, _) = self.grown_from(other)?;
            let (Some(one), Some(both)) = (one, both) else { return Err(Tampering::Stream.into()) };
            if one.head == both.head {
                self.remember_log(one.head);
                return Ok(());
            }
            self.remember_log(one.head);
        }
        Err(Tampering::Stream.into())
    }

    /// The newest checkpoint, which grows from a head that is known.
    fn grown_from(&self, known: Head) -> Result<(Option<Checkpointed>, Head), Error> {
        let Response::Checkpoint(note, growth) = self.exchange(&Request::Checkpoint(known.size))? else {
            return Err(Tampering::Answer.into());
        };
        if note.is_empty() {
            return if known.size == 0 { Ok((None, known)) } else { Err(Tampering::Stream.into()) };
        }
        let grown = self.verify_growth(known, note, &growth)?;
        let head = grown.head;
        Ok((Some(grown), head))
    }

    /// A checkpoint that the vault signed, of a log that grew from a head that is known.
    pub(super) fn verify_growth(
        &self,
        known: Head,
        note: String,
        growth: &[Digest],
    ) -> Result<Checkpointed, Error> {
        let grown = self.checkpointed(note)?;
        verify_consistency(&known, &grown.head, growth).map_err(|_branched| Tampering::Stream)?;
        Ok(grown)
    }

    pub(super) fn remember_log(&self, head: Head) {
        let mut state = self.state();
        let log = &mut state.memory.log;
        if log.is_none_or(|known| known.size < head.size) {
            *log = Some(head);
        }
    }
}

impl<R: Owner> Session<'_, R> {
    /// Proves that one's own history is whole and in the log: every event of one's stream, from the first, leads to the head
    /// that the newest checkpoint has of it, and nothing that was received a minute before is missing there. A checkpoint got
    /// elsewhere, if there is one, is held against the vault's log.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if it is not; [`Error::Denied`] before the first checkpoint.
    pub fn prove_history(&self, elsewhere: Option<&str>) -> Result<HistoryProof, Error> {
        self.sync()?;
        let Answer::InLog(proof, note) = self.ask(Question::InLog(self.id()))? else {
            return Err(Tampering::Answer.into());
        };
        let trust = self.trust()?;
        let wrong = |_| Error::from(Tampering::Stream);
        let checkpointed = self.checkpointed(note)?;
        let log = checkpointed.head;
        self.hold_log(log)?;
        if let Some(elsewhere) = elsewhere {
            self.compare_checkpoint(elsewhere)?;
        }
        let me = Principal::Party(self.id());
        let head = proof.verify((trust.vault, me), &log).map_err(|_unproven| Tampering::Stream)?;
        let head = head.ok_or(Tampering::Stream)?;
        let mut known = self.known_heads();
        known.push(head);
        let Pages { events, .. } = self.whole_stream(me, &known)?;
        let settled = proof.epoch.at.minus(SETTLED);
        if events.iter().any(|line| line.received < settled && line.seq >= head.size) {
            return Err(Tampering::Stream.into());
        }
        let checkpoint =
            SignedCheckpoint::parse(checkpointed.note.as_bytes()).map_err(|_garbled| Tampering::Stream)?;
        let text = LogProof::new(proof.epoch.number, proof.path.clone(), checkpoint).map_err(wrong)?;
        let text = text.with_extra(codec::encode::<StreamProof>(&proof)).map_err(wrong)?.to_string();
        Ok(HistoryProof { head, at: proof.epoch.at, checkpoint: checkpointed, text })
    }
}
