//! The clinic's clock: the system's, and as many days further as the story has gone on.

use std::sync::atomic::{AtomicU32, Ordering};

use casevault::time::{Clock, SystemClock, Timestamp, days};

static AHEAD: AtomicU32 = AtomicU32::new(0);

/// The clock that everybody here goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClinicClock;

impl ClinicClock {
    /// The night goes by.
    pub(crate) fn next_day() {
        AHEAD.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clock for ClinicClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(days(AHEAD.load(Ordering::Relaxed)))
    }
}
