//! What waits, and why: without a count that would tell of few.

use std::{collections::BTreeMap, fmt};

use super::{Census, Pool};
use crate::public::{
    gate::{GateRules, Held, one_a_person, plan},
    release::counted,
};

/// Why cases wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Another case of the same person, in this class and year, is public or comes before it.
    Counted,
    /// The person is public on another grid or under another policy, or first came there.
    Elsewhere,
    /// Their class has not yet what a batch must have.
    Held(Held),
    /// They were made under a policy that is not in force.
    OtherPolicy,
    /// They go out with the next epoch.
    Ready,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted => f.write_str("another case of the same patient counts already"),
            Self::Elsewhere => f.write_str("the patient is on another grid or under another policy"),
            Self::Held(held) => held.fmt(f),
            Self::OtherPolicy => f.write_str("made under a policy that is not in force"),
            Self::Ready => f.write_str("ready for the next epoch"),
        }
    }
}

/// A count that tells nothing of few: in whole steps of k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "below a bound or not")]
pub enum Counted {
    /// Fewer than k.
    FewerThan(u32),
    /// At least so many, a multiple of k, and less than k more.
    AtLeast(u32),
}

impl Counted {
    fn of(cases: usize, k: u32) -> Self {
        let cases = u32::try_from(cases).unwrap_or(u32::MAX);
        if cases < k { Self::FewerThan(k) } else { Self::AtLeast(cases - cases % k.max(1)) }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewerThan(k) => write!(f, "fewer than {k}"),
            Self::AtLeast(cases) => write!(f, "at least {cases}"),
        }
    }
}

/// Cases that wait for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// The reason.
    pub reason: Reason,
    /// How many.
    pub cases: Counted,
}

impl<K: Ord + Clone, C: Census> Pool<K, C> {
    /// What waits and why, over all classes together; no total is given, of which the others could be taken.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
        for reason in self.waiting.values().filter_map(|waiter| self.bar(waiter)) {
            *reasons.entry(reason).or_default() += 1;
        }
        let current = self.policy.and_then(|policy| self.policies.get(&policy));
        for class in self.eligible().chunk_by(|one, other| one.0 == other.0) {
            let Some(policy) = current else { break };
            let mut candidates = Self::candidates(class);
            let all = candidates.len();
            one_a_person(&mut candidates);
            let repeated = all - candidates.len();
            let counts = counted(candidates.iter().map(|candidate| candidate.said.diagnosis));
            let reason = match plan::plan(&policy.rules, &policy.codes, counts) {
                Ok(_) => Reason::Ready,
                Err(held) => Reason::Held(held),
            };
            *reasons.entry(reason).or_default() += candidates.len();
            if repeated > 0 {
                *reasons.entry(Reason::Counted).or_default() += repeated;
            }
        }
        let k = self.policies.values().map(|policy| GateRules::k(&policy.rules)).max().unwrap_or(u32::MAX);
        reasons.into_iter().map(|(reason, cases)| Waiting { reason, cases: Counted::of(cases, k) }).collect()
    }
}
