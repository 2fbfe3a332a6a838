//! The pool: what patients share waits here, sealed for the curator, under handles that say nothing of whose it is.
//!
//! ```text
//! place in the pool = day (8 bytes) ‖ handle (16 random bytes)
//! token             = HMAC(custodian's key, "person token" ‖ the earliest party of the person's cards ‖ year)
//! ```
//!
//! The curator is shown days that are over, and within a day the order of the handles: when within it something was shared,
//! and after what, is not in it. That a day is shown is durable before it is: what is taken back before was never seen, and
//! leaves no trace; what is taken back after leaves its handle.

use std::sync::{MutexGuard, PoisonError};

use crate::{
    access::{Act, Denial, Permit},
    codec,
    custodian::{
        Answer, Enclosure, PoolCursor, PoolPage, PoolPlace, Pooled, SharedAbstract, SharedCase, SharedState,
    },
    event::Principal,
    id::{Handle, OpId, PartyId, PersonToken},
    letter,
    limits::{POOL_PAGE_MAX, SHARING_BYTES, SUCCESSIONS_MAX},
    party::Card,
    time::{Timestamp, days},
    vault::{
        Vault,
        desk::Desk,
        fault::Fault,
        rows::{GoneRow, PartyRow, PoolHeadRow, PoolRow, SharedRow},
        submit::{Claim, Work},
        tables::Table,
    },
};

/// The length of an owner's own copy: salt, content, tag.
const OWN_BYTES: usize = 32 + SHARING_BYTES + 16;

/// The number of a day, from 1970.
fn day(now: Timestamp) -> u64 {
    now.as_ms() / (days(1).as_secs() * 1000)
}

fn pool_place(epoch: u64, handle: Handle) -> [u8; 24] {
    let mut place = [0; 24];
    let bytes = epoch.to_be_bytes();
    place.iter_mut().zip(bytes.iter().chain(handle.as_bytes())).for_each(|(to, from)| *to = *from);
    place
}

impl Work<'_> {
    /// An owner gives an anonymised case to the public area.
    pub(super) fn share(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let folder = self.named_folder(event)?;
        let stance = self.stance(claim, Some(&folder))?;
        let Some(Enclosure::Share(shared)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let row: Option<PartyRow> = self.desk.get(Table::Party, &[])?;
        let is_attested = row.is_some_and(|row| self.is_counted(&row));
        let area = self.rules.policy.public_area();
        let is_open =
            area.is_some_and(|area| (area.policy, area.curator.digest()) == (shared.policy, shared.curator));
        let id = self.vault.shelves.keys.blind(Table::Shared, &[&folder.folder]);
        let is_shared = self.desk.get::<SharedRow>(Table::Shared, &[&id])?.is_some();
        let act = Act::Share { is_attested, is_open, is_shared };
        let permit = self.decide(claim, act, (&stance, Some(&folder)))?;
        let SharedAbstract { sealed, own, policy, curator: _ } = shared;
        let fits = event.subject == Some(sealed.digest())
            && codec::encode(sealed).len() == letter::encoded_length(SHARING_BYTES)
            && own.len() == OWN_BYTES;
        if !fits {
            return Err(Fault::Malformed);
        }
        let head = self.enter_pool()?;
        let epoch = day(self.now).max(head.shown.saturating_add(1));
        let handle = Handle::from_bytes(self.desk.random().bytes());
        let token = self.vault.person_token(self.owner, self.now)?;
        let (owner, received) = (self.owner, self.received);
        let entry = PoolRow { handle, owner, sealed: sealed.clone(), policy: *policy, token, received };
        let place = self.vault.shelves.keys.pool_place();
        self.desk.put_at(place, Table::Pool, &[&pool_place(epoch, handle)], &entry)?;
        let (case, sealed) = (folder.folder, sealed.digest());
        let shared =
            SharedRow { case, handle, epoch, sealed, own: Some(own.clone()), received, is_gone: false };
        self.desk.put(Table::Shared, &[&id], &shared)?;
        Ok(permit)
    }

    /// An owner takes it back: without a trace, if the curator has not had it.
    pub(super) fn retract(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let folder = self.named_folder(event)?;
        let stance = self.stance(claim, Some(&folder))?;
        let permit = self.decide(claim, Act::Retract, (&stance, Some(&folder)))?;
        let id = self.vault.shelves.keys.blind(Table::Shared, &[&folder.folder]);
        let shared: Option<SharedRow> = self.desk.get(Table::Shared, &[&id])?;
        let shared = shared.filter(|shared| !shared.is_gone).ok_or(Denial::Absent)?;
        if event.subject != Some(shared.sealed) {
            return Err(Fault::Malformed);
        }
        let head = self.enter_pool()?;
        let place = self.vault.shelves.keys.pool_place();
        self.desk.delete_at(place, Table::Pool, &[&pool_place(shared.epoch, shared.handle)])?;
        if shared.epoch > head.shown {
            self.desk.delete_at(self.desk.place, Table::Shared, &[&id])?;
            return Ok(permit);
        }
        let gone = GoneRow { handle: shared.handle };
        self.desk.put_at(place, Table::Gone, &[&head.gone.to_be_bytes()], &gone)?;
        let head = PoolHeadRow { gone: head.gone.saturating_add(1), ..head };
        self.desk.put_at(place, Table::PoolHead, &[], &head)?;
        self.desk.put(Table::Shared, &[&id], &SharedRow { own: None, is_gone: true, ..shared })?;
        Ok(permit)
    }

    /// How far the pool was shown, which stays so until this is committed.
    pub(super) fn enter_pool(&mut self) -> Result<PoolHeadRow, Fault> {
        if self.pool.is_some() {
            // A second act on the pool in one submission would look past the first.
            return Err(Fault::Malformed);
        }
        self.pool = Some(self.vault.pool_turn());
        let place = self.vault.shelves.keys.pool_place();
        Ok(self.desk.get_at(place, Table::PoolHead, &[])?.unwrap_or_default())
    }

    /// Whether the owner may be counted: vouched for now, and as a person where the policy asks for that.
    fn is_counted(&self, row: &PartyRow) -> bool {
        let (trust, now) = (&self.rules.trust, self.now);
        let vouching = trust.vouching(&row.card, &row.attestations, now);
        let is_named = vouching.iter().any(|statement| !statement.persons.is_empty())
            || !self.rules.policy.conduct().is_one_card_a_person;
        is_named && trust.vouched(&row.card, &row.attestations, now).is_some()
    }
}

impl Vault {
    /// Waits for the pool's turn.
    pub(super) fn pool_turn(&self) -> MutexGuard<'_, ()> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is counted as one person in a year: all cards that succeed one another. A tag of the registrars leads to one such
    /// chain and no other, and may come or go while a year lasts; the chain's first card stays.
    fn person_token(&self, party: PartyId, now: Timestamp) -> Result<PersonToken, Fault> {
        let mut earliest = party;
        for _ in 0..SUCCESSIONS_MAX {
            match self.party(earliest)?.and_then(|row| row.succeeds) {
                Some(earlier) => earliest = earlier,
                None => break,
            }
        }
        Ok(self.shelves.keys.person_token(earliest, now.year()))
    }

    /// Whether a card is that of the curator whom the policy names.
    pub(super) fn is_curator(&self, card: &Card) -> bool {
        self.rules().policy.public_area().is_some_and(|area| area.curator == *card)
    }

    /// A page of the pool, from where the curator stands: of days that are over.
    pub(super) fn pool_page(&self, now: Timestamp, cursor: &PoolCursor) -> Result<Answer, Fault> {
        let _turn = self.pool_turn();
        let place = self.shelves.keys.pool_place();
        let head: Option<PoolHeadRow> = self.shelves.read(place, Table::PoolHead, &[])?;
        let head = head.unwrap_or_default();
        let over = if self.is_read_only() { head.shown } else { head.shown.max(day(now).saturating_sub(1)) };
        let after = cursor.arrived.as_ref().map(|PoolPlace(bytes)| bytes.as_slice());
        let rows = self.shelves.page::<PoolRow>((place, Table::Pool), after, POOL_PAGE_MAX)?;
        let mut has_more = rows.len() == POOL_PAGE_MAX;
        let (mut entries, mut arrived, mut newest) = (Vec::new(), cursor.arrived, head.shown);
        for (id, PoolRow { handle, sealed, policy, token, owner: _, received: _ }) in rows {
            let id: [u8; 24] = id.try_into().map_err(|_wrong| Fault::Damaged)?;
            let epoch = id.first_chunk::<8>().map_or(u64::MAX, |epoch| u64::from_be_bytes(*epoch));
            if epoch > over {
                has_more = false;
                break;
            }
            newest = newest.max(epoch);
            arrived = Some(PoolPlace(id));
            entries.push(Pooled { handle, token, sealed, policy });
        }
        let before = cursor.departed.checked_sub(1).map(u64::to_be_bytes);
        let before = before.as_ref().map(<[u8; 8]>::as_slice);
        let gone = self.shelves.page::<GoneRow>((place, Table::Gone), before, POOL_PAGE_MAX)?;
        let departed: Vec<Handle> = gone.into_iter().map(|(_, GoneRow { handle })| handle).collect();
        let count = u64::try_from(departed.len()).unwrap_or(u64::MAX);
        let next = PoolCursor { arrived, departed: cursor.departed.saturating_add(count) };
        let is_last = !has_more && next.departed >= head.gone;
        if newest > head.shown {
            self.note_shown(newest)?;
        }
        Ok(Answer::Pool(PoolPage { entries, departed, next, is_last }))
    }

    /// The pool was shown up to a day: durable, before one entry of that day is.
    fn note_shown(&self, shown: u64) -> Result<(), Fault> {
        let place = self.shelves.keys.pool_place();
        let mut desk = Desk::beside(&self.shelves, Principal::Vault(self.id), self.fork_random());
        let head: PoolHeadRow = desk.get_at(place, Table::PoolHead, &[])?.unwrap_or_default();
        desk.put_at(place, Table::PoolHead, &[], &PoolHeadRow { shown, ..head })?;
        let op_id = OpId::from_bytes(desk.random().bytes());
        desk.commit(op_id, Vec::new())?;
        self.anchor_if_due();
        Ok(())
    }

    /// What an owner shared.
    pub(super) fn shared_by(&self, owner: PartyId) -> Result<Answer, Fault> {
        let _turn = self.pool_turn();
        let pool = self.shelves.keys.pool_place();
        let head: Option<PoolHeadRow> = self.shelves.read(pool, Table::PoolHead, &[])?;
        let shown = head.unwrap_or_default().shown;
        let place = self.shelves.keys.place(Principal::Party(owner));
        let rows: Vec<SharedRow> = self.shelves.scan(place, Table::Shared, &[])?;
        let shared =
            rows.into_iter().map(|SharedRow { case, epoch, sealed, own, received, is_gone, .. }| {
                let state = match (is_gone, epoch > shown) {
                    (true, _) => SharedState::Gone,
                    (false, true) => SharedState::Waiting,
                    (false, false) => SharedState::Taken,
                };
                SharedCase { case, received, sealed, own, state }
            });
        Ok(Answer::Shared(shared.collect()))
    }
}
