//! Standing: what the credit ledger makes of someone.
//!
//! ```text
//! weight(now) = Σ weight of strikes with from ≤ now < until that no ruling lifted
//! standing    = Barred if weight ≥ barred, Suspended if ≥ suspended, Warned if ≥ warned, else Good
//! ```
//!
//! A fold over rulings in whatever order: a strike and its lifting are sets, so nothing depends on which came first.
#![deny(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{
    codec::coded,
    credential::{Category, Verdict},
    id::RulingId,
    limits::STRIKES_MAX,
    time::Timestamp,
};

coded! {
    /// How someone stands.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Standing {
        /// Nothing counts against the party.
        #[default]
        Good = 1, "good";
        /// Something counts, and changes nothing yet.
        Warned = 2, "warned";
        /// Opens no new case, and receives no new grant.
        Suspended = 3, "suspended";
        /// Sees and does nothing but with what is its own.
        Barred = 4, "barred";
    }
}

/// From which weight of strikes on a standing is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Thresholds {
    /// Warned.
    #[n(0)]
    pub warned: u32,
    /// Suspended.
    #[n(1)]
    pub suspended: u32,
    /// Barred.
    #[n(2)]
    pub barred: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { warned: 1, suspended: 3, barred: 6 }
    }
}

impl Thresholds {
    /// The standing of so much weight.
    #[must_use]
    pub const fn of(&self, weight: u32) -> Standing {
        if weight >= self.barred {
            Standing::Barred
        } else if weight >= self.suspended {
            Standing::Suspended
        } else if weight >= self.warned {
            Standing::Warned
        } else {
            Standing::Good
        }
    }
}

/// A strike against a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Strike {
    /// The ruling that made it.
    #[n(0)]
    pub ruling: RulingId,
    /// For what.
    #[n(1)]
    pub category: Category,
    /// How much it weighs.
    #[n(2)]
    pub weight: u8,
    /// From when it counts.
    #[n(3)]
    pub from: Timestamp,
    /// Until when, not included.
    #[n(4)]
    pub until: Timestamp,
}

/// The credit ledger of one party: its strikes, and which of them were lifted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreditLedger {
    #[n(0)]
    strikes: BTreeSet<Strike>,
    #[n(1)]
    lifted: BTreeSet<RulingId>,
}

impl CreditLedger {
    /// Enters a ruling's verdict; those that are about no strike change nothing.
    pub fn enter(&mut self, ruling: RulingId, verdict: &Verdict) {
        match *verdict {
            Verdict::Strike { category, weight, from, until } => {
                self.strikes.insert(Strike { ruling, category, weight, from, until });
            }
            Verdict::Lift(strike) => {
                self.lifted.insert(strike);
            }
            Verdict::Confirm(_) | Verdict::Dismissed(_) | Verdict::Upheld(_) => (),
        }
    }

    /// Enters all that another ledger holds: a person's earlier card's.
    pub fn merge(&mut self, other: &Self) {
        let Self { strikes, lifted } = other;
        self.strikes.extend(strikes);
        self.lifted.extend(lifted);
    }

    /// The strikes that count at this moment.
    pub fn counting(&self, now: Timestamp) -> impl Iterator<Item = &Strike> {
        let counts = move |strike: &&Strike| {
            strike.from <= now && now < strike.until && !self.lifted.contains(&strike.ruling)
        };
        self.strikes.iter().filter(counts)
    }

    /// How the party stands at this moment.
    #[must_use]
    pub fn standing(&self, thresholds: &Thresholds, now: Timestamp) -> Standing {
        let weight =
            self.counting(now).map(|strike| u32::from(strike.weight)).fold(0u32, u32::saturating_add);
        thresholds.of(weight)
    }

    /// When the standing of this moment gets better by itself, if strikes alone decide; never, if it is good.
    #[must_use]
    pub fn ends(&self, thresholds: &Thresholds, now: Timestamp) -> Option<Timestamp> {
        let present = self.standing(thresholds, now);
        // Also the ends of what has not begun: a strike that begins before the others end goes on after them.
        let goes_on = |strike: &&Strike| now < strike.until && !self.lifted.contains(&strike.ruling);
        let mut ends: Vec<Timestamp> =
            self.strikes.iter().filter(goes_on).map(|strike| strike.until).collect();
        ends.sort_unstable();
        ends.into_iter().find(|end| self.standing(thresholds, *end) < present)
    }

    /// The strike that a ruling made, if it is here.
    #[must_use]
    pub fn strike(&self, ruling: RulingId) -> Option<&Strike> {
        self.strikes.iter().find(|strike| strike.ruling == ruling)
    }

    /// Whether a strike was lifted.
    #[must_use]
    pub fn is_lifted(&self, ruling: RulingId) -> bool {
        self.lifted.contains(&ruling)
    }

    /// Leaves out what has ended and counts no more; whether what is left is no more than a row may hold.
    pub fn prune(&mut self, now: Timestamp) -> bool {
        self.strikes.retain(|strike| now < strike.until);
        let Self { strikes, lifted } = self;
        lifted.retain(|ruling| strikes.iter().any(|strike| strike.ruling == *ruling));
        strikes.len() <= STRIKES_MAX
    }
}
