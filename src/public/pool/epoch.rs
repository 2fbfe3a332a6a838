//! An epoch: what leaves is hidden and comes back without it, and what may go out does.

use super::{Census, Journal, Made, Policy, Pool, Public};
use crate::{
    crypto::Random,
    id::BatchId,
    limits::EPOCH_ROWS_MAX,
    public::gate::{Candidate, Offer, Release, gate, shuffle},
};

/// What an epoch brings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Epoch<K = crate::public::Class> {
    /// What goes public, in an order that means nothing.
    pub releases: Vec<Release<K>>,
    /// The batches that are public no longer.
    pub hidden: Vec<BatchId>,
    /// What the curator must know of it again.
    pub journal: Journal<K>,
}

/// What an epoch has made so far.
struct Making<K> {
    releases: Vec<Release<K>>,
    journal: Journal<K>,
    room: usize,
}

impl<K: Ord + Clone> Making<K> {
    /// Makes a batch, if the gate lets one through.
    fn offer(&mut self, policy: &Policy, grid: u8, offer: Offer<K>, random: &mut Random) {
        let Ok(passed) = gate(&policy.rules, &policy.codes, offer, random) else { return };
        let batch = passed.release.batch().clone();
        self.room = self.room.saturating_sub(batch.rows.len());
        self.journal.made.push(Made { batch, grid, owners: passed.owners });
        self.releases.push(passed.release);
    }
}

impl<K: Ord + Clone, C: Census> Pool<K, C> {
    /// Brings the pool to its next epoch.
    ///
    /// A batch of which cases left is hidden. Of its other rows, chosen by chance, so many go with them that at least k
    /// patients go; what remains comes back as a batch of its own if it passes the whole gate, and as nothing if it does not.
    /// Then each class of which enough wait is offered to the gate.
    ///
    /// # Security
    /// The randomness must be unknown outside: it chooses who goes as cover.
    pub fn epoch(&mut self, random: &mut Random) -> Epoch<K> {
        let journal =
            Journal { epoch: self.epoch + 1, made: Vec::new(), hidden: Vec::new(), settled: Vec::new() };
        let mut making = Making { releases: Vec::new(), journal, room: EPOCH_ROWS_MAX };
        for (id, public) in &self.batches {
            if public.is_hidden || !public.leaving.is_empty() {
                self.bring_back(*id, public, &mut making, random);
            }
        }
        self.let_out(&mut making, random);
        let Making { mut releases, mut journal, room: _ } = making;
        releases.sort_by_key(|release| release.batch().facts.id);
        journal.made.sort_by_key(|made| made.batch.facts.id);
        self.apply(&journal);
        Epoch { releases, hidden: journal.hidden.clone(), journal }
    }

    fn bring_back(&self, id: BatchId, public: &Public<K>, making: &mut Making<K>, random: &mut Random) {
        if !public.is_hidden {
            making.journal.hidden.push(id);
        }
        let Made { batch, grid, owners } = &public.made;
        // What does not fit into this epoch's journal comes back with the next.
        if batch.rows.len() > making.room {
            return;
        }
        making.journal.settled.push(id);
        let Some(policy) = self.policies.get(&batch.facts.policy) else { return };
        let mut candidates: Vec<Candidate> = batch
            .rows
            .iter()
            .zip(owners)
            .filter(|(_, (handle, _))| !public.leaving.contains(handle))
            .map(|(row, (handle, token))| Candidate {
                handle: *handle,
                token: *token,
                said: row.said.clone(),
            })
            .collect();
        let left = owners.len().saturating_sub(candidates.len());
        let k = usize::try_from(policy.rules.k()).unwrap_or(usize::MAX);
        shuffle(&mut candidates, random);
        candidates.truncate(candidates.len().saturating_sub(k.saturating_sub(left)));
        let (class, epoch) = (batch.facts.class.clone(), making.journal.epoch);
        let offer = Offer { class, policy: batch.facts.policy, epoch, follows: Some(id), candidates };
        making.offer(policy, *grid, offer, random);
    }

    fn let_out(&self, making: &mut Making<K>, random: &mut Random) {
        let Some((digest, policy)) = self.policy.and_then(|digest| self.policies.get_key_value(&digest))
        else {
            return;
        };
        let k = usize::try_from(policy.rules.k()).unwrap_or(usize::MAX);
        for of_class in self.eligible().chunk_by(|one, other| one.0 == other.0) {
            let mut tokens = of_class.iter().map(|(_, _, waiter)| waiter.token);
            let Some((class, _, waiter)) = of_class.first() else { continue };
            if of_class.len() < k || self.census.persons(&mut tokens) < k || of_class.len() > making.room {
                continue;
            }
            let offer = Offer {
                class: (*class).clone(),
                policy: *digest,
                epoch: making.journal.epoch,
                follows: None,
                candidates: Self::candidates(of_class),
            };
            making.offer(policy, waiter.entry.grid, offer, random);
        }
    }
}
