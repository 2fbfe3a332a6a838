//! The pool: what the curator knows. Pure: no clock, no store, randomness as an argument.
//!
//! ```text
//! arrive ─▶ waiting ── epoch: gate ──▶ public batch ── leave ─▶ hidden ── epoch: cover, gate ─▶ a smaller batch, or nothing
//!              └─ leave ─▶ gone at once
//! ```
//!
//! What changes the public area happens in [`Pool::epoch`] alone, and all of it stands in the [`Journal`]: an epoch works out
//! its journal from the pool as it is, and then does to the pool what [`Pool::replay`] would.
//!
//! - A case goes out once: under the policy in force, and only if it was made under exactly that one. Any other, be it weaker or
//!   stronger, waits.
//! - A person counts once per class and year, and is on one grid and under one policy: those of her first batch, or, before it,
//!   of the case with the smallest handle. A place in a class is taken forever: also when the row has gone.
//! - A case that left is never taken again under its handle, were it to arrive after it left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Abstract, Class, Code, Codes, GateRules, PublicValue, Said, gate::Candidate};
use crate::{
    id::{BatchId, Digest, Handle, PersonToken},
    limits::{POOL_CASES_MAX, POOL_CASES_OF_PERSON_MAX},
};

mod census;
mod epoch;
mod journal;
mod waiting;

pub use census::{Census, Plain};
pub use epoch::Epoch;
pub use journal::{Journal, Made};
pub use waiting::{Counted, Reason, Waiting};

/// What a case brings into the pool.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by whoever has a class of another kind")]
pub struct Entry<K = Class> {
    /// The policy it was made under.
    pub policy: Digest,
    /// The grid its class is of.
    pub grid: u8,
    /// Its class.
    pub class: K,
    /// What it says besides.
    pub said: Said,
}

impl From<&Abstract> for Entry {
    fn from(case: &Abstract) -> Self {
        let Abstract { policy, class, diagnosis, values, outcome, weeks, left_out } = case;
        let said = Said {
            diagnosis: Code::Category(*diagnosis),
            values: values.iter().map(|value| PublicValue::from(*value)).collect(),
            outcome: *outcome,
            weeks: weeks.clone(),
            left_out: Some(*left_out),
        };
        Self { policy: *policy, grid: class.grid, class: class.clone(), said }
    }
}

/// Why a case is not taken into the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It says more than an abstract may.
    #[error("the case says more than an abstract may")]
    Bounds,
    /// Its diagnosis is not in the policy's tree.
    #[error("the diagnosis is not in the policy's tree")]
    Code,
    /// The pool is full, or the person has too many cases there.
    #[error("the pool has no room: wait for its next epoch")]
    Full,
    /// It was made under a policy that is not, and was not, in force.
    #[error("the case was made under a policy unknown here")]
    Policy,
    /// A case of the same person says exactly the same.
    #[error("the same case is there already")]
    Repeated,
    /// The handle was there already, or has left.
    #[error("the case was there already")]
    Seen,
}

/// Where a case was when it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Departure {
    /// It waited: it is gone.
    Pending,
    /// It is in this batch: the next epoch hides it, and who keeps the batch may do so at once.
    Public(BatchId),
    /// Not here, or left before: should it arrive, it is refused.
    Unknown,
}

/// A policy of this digest is known with other rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a policy of this digest has other rules")]
#[non_exhaustive]
pub struct Unlike;

/// A journal does not follow on the pool's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal is not that of the next epoch")]
#[non_exhaustive]
pub struct Misplaced;

#[derive(Clone, PartialEq, Eq)]
struct Policy {
    rules: GateRules,
    codes: Codes,
}

#[derive(Clone, PartialEq, Eq)]
struct Waiter<K> {
    token: PersonToken,
    entry: Entry<K>,
}

#[derive(Clone, PartialEq, Eq)]
struct Public<K> {
    made: Made<K>,
    leaving: BTreeSet<Handle>,
    is_hidden: bool,
}

/// Where a person of a year is public, or was.
#[derive(Clone, PartialEq, Eq)]
struct Home<K> {
    policy: Digest,
    grid: u8,
    classes: BTreeSet<K>,
}

/// A case that may go out, with its class before it, to be sorted by.
type Eligible<'p, K> = (&'p K, Handle, &'p Waiter<K>);

/// The curator's state.
#[derive(Clone, PartialEq, Eq)]
pub struct Pool<K = Class, C = Plain> {
    census: C,
    policies: BTreeMap<Digest, Policy>,
    policy: Option<Digest>,
    epoch: u64,
    waiting: BTreeMap<Handle, Waiter<K>>,
    of_person: BTreeMap<PersonToken, BTreeSet<Handle>>,
    batches: BTreeMap<BatchId, Public<K>>,
    placed: BTreeMap<Handle, BatchId>,
    homes: BTreeMap<PersonToken, Home<K>>,
    gone: BTreeSet<Handle>,
}

impl<K, C> fmt::Debug for Pool<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool(epoch {}, ..)", self.epoch)
    }
}

impl<K> fmt::Debug for Entry<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry(..)")
    }
}

impl<K: Ord + Clone, C: Census + Default> Default for Pool<K, C> {
    fn default() -> Self {
        Self::new(C::default())
    }
}

impl<C: Census> Pool<Class, C> {
    /// Takes a case into the pool.
    ///
    /// # Errors
    /// [`Refused`], and why; the pool is as it was.
    pub fn arrive(&mut self, handle: Handle, token: PersonToken, case: &Abstract) -> Result<(), Refused> {
        if !case.is_bounded() {
            return Err(Refused::Bounds);
        }
        self.admit(handle, token, Entry::from(case))
    }
}

impl<K: Ord + Clone, C: Census> Pool<K, C> {
    /// A pool with nothing in it.
    pub fn new(census: C) -> Self {
        Self {
            census,
            policies: BTreeMap::new(),
            policy: None,
            epoch: 0,
            waiting: BTreeMap::new(),
            of_person: BTreeMap::new(),
            batches: BTreeMap::new(),
            placed: BTreeMap::new(),
            homes: BTreeMap::new(),
            gone: BTreeSet::new(),
        }
    }

    /// Puts a policy in force. Cases made under another wait until that one is in force again; what is public under another
    /// stays, and what comes back of it passes the gate under its own rules.
    ///
    /// # Errors
    /// [`Unlike`] if the digest is known with other rules or another tree.
    pub fn adopt(&mut self, digest: Digest, rules: GateRules, codes: Codes) -> Result<(), Unlike> {
        let policy = Policy { rules, codes };
        if self.policies.get(&digest).is_some_and(|known| *known != policy) {
            return Err(Unlike);
        }
        self.policies.insert(digest, policy);
        self.policy = Some(digest);
        Ok(())
    }

    /// Takes a case with a class of any kind into the pool.
    ///
    /// # Errors
    /// As [`Pool::arrive`].
    pub fn admit(&mut self, handle: Handle, token: PersonToken, entry: Entry<K>) -> Result<(), Refused> {
        let is_known = |handle| self.waiting.contains_key(handle) || self.placed.contains_key(handle);
        if is_known(&handle) || self.gone.contains(&handle) {
            return Err(Refused::Seen);
        }
        let policy = self.policies.get(&entry.policy).ok_or(Refused::Policy)?;
        policy.codes.chapter(entry.said.diagnosis).ok_or(Refused::Code)?;
        let of_person = self.of_person.get(&token);
        let is_same = |other| self.waiting.get(other).is_some_and(|waiter| waiter.entry == entry);
        if of_person.is_some_and(|handles| handles.iter().any(is_same)) {
            return Err(Refused::Repeated);
        }
        let cases = of_person.map_or(0, BTreeSet::len);
        if self.waiting.len() >= POOL_CASES_MAX || cases >= POOL_CASES_OF_PERSON_MAX {
            return Err(Refused::Full);
        }
        self.of_person.entry(token).or_default().insert(handle);
        self.waiting.insert(handle, Waiter { token, entry });
        Ok(())
    }

    /// A case leaves: its patient withdrew it, or what she consented to has ended.
    ///
    /// It is in no batch of any later epoch.
    pub fn leave(&mut self, handle: Handle) -> Departure {
        if let Some(id) = self.placed.get(&handle)
            && let Some(public) = self.batches.get_mut(id)
        {
            public.leaving.insert(handle);
            return Departure::Public(*id);
        }
        let was_waiting = self.forget(handle);
        self.gone.insert(handle);
        if was_waiting { Departure::Pending } else { Departure::Unknown }
    }

    /// Does again what an epoch did.
    ///
    /// Journals come in their order. The rest comes between them in its own, or by kind: the policies before the journals,
    /// the departures after them, then the arrivals that were taken in.
    ///
    /// # Errors
    /// [`Misplaced`] if the journal is not that of the next epoch; the pool is as it was.
    pub fn replay(&mut self, journal: &Journal<K>) -> Result<(), Misplaced> {
        let is_whole = |made: &Made<K>| made.owners.len() == made.batch.rows.len();
        if journal.epoch != self.epoch + 1 || !journal.made.iter().all(is_whole) {
            return Err(Misplaced);
        }
        self.apply(journal);
        Ok(())
    }

    fn apply(&mut self, journal: &Journal<K>) {
        let Journal { epoch, made, hidden, settled } = journal;
        self.epoch = *epoch;
        for id in hidden {
            if let Some(public) = self.batches.get_mut(id) {
                public.is_hidden = true;
            }
        }
        for public in settled.iter().filter_map(|id| self.batches.remove(id)) {
            for (handle, _) in &public.made.owners {
                self.placed.remove(handle);
                self.gone.insert(*handle);
            }
        }
        for made in made {
            let facts = &made.batch.facts;
            for (handle, token) in &made.owners {
                self.forget(*handle);
                self.gone.remove(handle);
                self.placed.insert(*handle, facts.id);
                let at_home = || Home { policy: facts.policy, grid: made.grid, classes: BTreeSet::new() };
                self.homes.entry(*token).or_insert_with(at_home).classes.insert(facts.class.clone());
            }
            let public = Public { made: made.clone(), leaving: BTreeSet::new(), is_hidden: false };
            self.batches.insert(facts.id, public);
        }
    }

    /// Takes a case out of those that wait; whether it was there.
    fn forget(&mut self, handle: Handle) -> bool {
        let Some(waiter) = self.waiting.remove(&handle) else { return false };
        if let Some(of_person) = self.of_person.get_mut(&waiter.token) {
            of_person.remove(&handle);
            if of_person.is_empty() {
                self.of_person.remove(&waiter.token);
            }
        }
        true
    }

    /// Why a case that waits cannot go out, whatever its class has.
    fn bar(&self, waiter: &Waiter<K>) -> Option<Reason> {
        let Waiter { token, entry } = waiter;
        if self.policy != Some(entry.policy) {
            return Some(Reason::OtherPolicy);
        }
        if let Some(home) = self.homes.get(token) {
            return if (home.policy, home.grid) != (entry.policy, entry.grid) {
                Some(Reason::Elsewhere)
            } else {
                home.classes.contains(&entry.class).then_some(Reason::Counted)
            };
        }
        let first = self.of_person.get(token).and_then(|handles| {
            handles
                .iter()
                .filter_map(|handle| self.waiting.get(handle))
                .find(|it| it.entry.policy == entry.policy)
        });
        let is_home = first.is_none_or(|first| first.entry.grid == entry.grid);
        (!is_home).then_some(Reason::Elsewhere)
    }

    /// The cases that may go out, in the order of their classes.
    fn eligible(&self) -> Vec<Eligible<'_, K>> {
        let mut found: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, waiter)| self.bar(waiter).is_none())
            .map(|(handle, waiter)| (&waiter.entry.class, *handle, waiter))
            .collect();
        found.sort_unstable_by_key(|(class, handle, _)| (*class, *handle));
        found
    }

    fn candidates(of_class: &[Eligible<'_, K>]) -> Vec<Candidate> {
        let candidate = |(_, handle, waiter): &Eligible<'_, K>| Candidate {
            handle: *handle,
            token: waiter.token,
            said: waiter.entry.said.clone(),
        };
        of_class.iter().map(candidate).collect()
    }
}
