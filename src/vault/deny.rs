//! The vault's own stream: how it began, what it refused, that it was restored.

use std::sync::PoisonError;

use crate::{
    access::{Denial, Policy},
    event::{ActorClass, Event, Moment, Principal, SignedEvent, Step, Streamed, Verb},
    id::{Digest, FolderId, OpId, PartyId},
    store::Key,
    time::{Timestamp, days},
    vault::{
        Vault,
        desk::Desk,
        fault::Fault,
        rows::{HeadRow, PartyRow},
        tables::Table,
    },
};

/// How many denials were written in the present minute: of those who signed, and of nobody known. So much of the second
/// kind as there may be, the first kind is written.
#[derive(Debug)]
pub(super) struct DenialRate {
    minute: u64,
    signed: u32,
    unsigned: u32,
}

impl DenialRate {
    pub(super) const fn new() -> Self {
        Self { minute: 0, signed: 0, unsigned: 0 }
    }

    /// Whether one more may be written.
    fn admits(&mut self, now: Timestamp, is_signed: bool, most: u32) -> bool {
        let minute = now.as_ms() / (days(1).as_secs() * 1000 / 24 / 60);
        if minute != self.minute {
            let left_out =
                self.signed.saturating_sub(most).saturating_add(self.unsigned.saturating_sub(most));
            if left_out > 0 {
                tracing::warn!(left_out, "denials beyond the policy's rate were not written");
            }
            *self = Self { minute, signed: 0, unsigned: 0 };
        }
        let count = if is_signed { &mut self.signed } else { &mut self.unsigned };
        *count = count.saturating_add(1);
        *count <= most
    }
}

impl Vault {
    /// Writes a refusal to the vault's stream. It takes the same work whether the thing was absent or forbidden.
    pub(super) fn note_denial(&self, denial: Denial, actor: Option<PartyId>, folder: Option<FolderId>) {
        let now = self.clock.now();
        let admitted = {
            let mut rate = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
            rate.admits(now, actor.is_some(), self.rules().policy.denials_per_minute)
        };
        if !admitted || self.is_read_only() {
            return;
        }
        let event = |event: Event| {
            let event = event.with(|step| Step { folder, ..step });
            event.when(|moment| Moment { on_behalf_of: actor, reason: Some(denial.code()), ..moment })
        };
        if let Err(fault) = self.act_as_vault(Verb::Deny, event, nothing) {
            tracing::warn!(code = ?fault.refusal(), "a denial could not be written to the vault's stream");
        }
    }

    /// The first event of all: this vault, under this policy; with it, in one batch, the vault's own row and its
    /// registrars' cards.
    pub(super) fn note_creation(&self, policy: &Policy, own: (Key, Vec<u8>)) -> Result<(), Fault> {
        let digest = policy.digest();
        let beside = |desk: &mut Desk<'_>| {
            let (key, row) = own;
            desk.put_new(key, row);
            for card in &policy.registrars {
                let place = self.shelves.keys.place(Principal::Party(card.party()));
                let row = PartyRow::new(card.clone(), None);
                desk.put_at(place, Table::Party, &[], &row)?;
            }
            Ok(())
        };
        let made = |event: Event| event.with(|step| Step { subject: Some(digest), ..step });
        self.act_as_vault(Verb::Create, made, beside)
    }

    /// That the store was restored from a backup, and from which generation on.
    pub(super) fn note_restore(&self, evidence: Digest) -> Result<(), Fault> {
        let restored = |event: Event| event.with(|step| Step { subject: Some(evidence), ..step });
        self.act_as_vault(Verb::Restore, restored, nothing)
    }

    fn act_as_vault(
        &self,
        verb: Verb,
        with: impl FnOnce(Event) -> Event,
        beside: impl FnOnce(&mut Desk<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let principal = Principal::Vault(self.id);
        let _turn = self.turn(principal);
        let mut desk = Desk::new(&self.shelves, principal, self.fork_random())?;
        let now = self.clock.now();
        let op_id = OpId::from_bytes(desk.random().bytes());
        let event = Event::new((self.id, op_id), principal, verb, now, desk.random().bytes());
        let event = with(event).when(|moment| Moment { class: ActorClass::System, ..moment });
        let mut head: HeadRow = desk.get(Table::Head, &[])?.unwrap_or_default();
        let received = now.max(head.received);
        head.received = received;
        let streamed = Streamed { received, event: SignedEvent::sign(&event, &self.signer) };
        let seq = head.frontier.size();
        head.frontier.append(streamed.entry(seq).hash());
        desk.put(Table::Event, &[&seq.to_be_bytes()], &streamed)?;
        desk.put(Table::Head, &[], &head)?;
        beside(&mut desk)?;
        self.note_changed(&mut desk, &head)?;
        desk.commit(op_id, Vec::new())?;
        self.anchor_if_due();
        Ok(())
    }
}

/// Nothing goes with the event.
fn nothing(_: &mut Desk<'_>) -> Result<(), Fault> {
    Ok(())
}
