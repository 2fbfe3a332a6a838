//! What is on its way to the disk: its rows are not read until they are there; all others are.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::store::{Key, StoreError};

/// Rows by their keys, as a group leaves them; none is removed.
pub(super) type Rows = BTreeMap<Key, Option<Vec<u8>>>;

/// The group between apply and sync, and the count of those before it.
#[derive(Debug)]
pub(super) struct Flight {
    now: RwLock<Now>,
    /// How many have landed, for who waits.
    landed: Mutex<u64>,
    changed: Condvar,
}

#[derive(Debug)]
struct Now {
    rows: Rows,
    landed: u64,
    generation: u64,
    is_lost: bool,
}

/// While it lives, no group begins: what is read is what was durable.
pub(super) struct Clear<'f> {
    _now: RwLockReadGuard<'f, Now>,
}

impl Flight {
    pub(super) fn landed_at(generation: u64) -> Self {
        let now = Now { rows: Rows::new(), landed: 0, generation, is_lost: false };
        Self { now: RwLock::new(now), landed: Mutex::new(0), changed: Condvar::new() }
    }

    /// Waits until nothing is on its way that a reader touches.
    pub(super) fn clear_of(&self, touches: impl Fn(&Rows) -> bool) -> Result<Clear<'_>, StoreError> {
        loop {
            let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
            if now.is_lost {
                return Err(StoreError::Poisoned);
            }
            if !touches(&now.rows) {
                return Ok(Clear { _now: now });
            }
            let landed = now.landed;
            drop(now);
            let mut known = self.landed();
            while *known == landed {
                known = self.changed.wait(known).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// These rows begin their way. Who reads now has finished when this returns.
    pub(super) fn begin(&self, rows: Rows) {
        self.now_changing().rows = rows;
    }

    /// The rows are there, under this generation; or it is not known where they are, and nothing is read any more.
    pub(super) fn land(&self, generation: Option<u64>) {
        let landed = {
            let mut now = self.now_changing();
            now.rows.clear();
            match generation {
                Some(generation) => now.generation = generation,
                None => now.is_lost = true,
            }
            now.landed = now.landed.wrapping_add(1);
            now.landed
        };
        *self.landed() = landed;
        self.changed.notify_all();
    }

    pub(super) fn generation(&self) -> u64 {
        self.now.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn now_changing(&self) -> RwLockWriteGuard<'_, Now> {
        self.now.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn landed(&self) -> MutexGuard<'_, u64> {
        self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
