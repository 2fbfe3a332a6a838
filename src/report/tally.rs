//! What the report shows, added up while the events are read; each part of it bounded.

use std::{collections::BTreeMap, io, path::Path};

use crate::{
    access::Denial,
    audit::{AuditError, epochs},
    consent::Purpose,
    event::{Principal, Verb},
    id::{GrantId, PartyId},
    log::LogEpoch,
    party::Role,
    report::{
        consents::{Consent, State},
        reading::{Reader, Told},
        rows::{denial, purpose},
    },
    time::Timestamp,
};

/// The most rows of a table of grants.
pub(super) const GRANTS_SHOWN: usize = 200;
/// The most points of a curve that are kept; then every second one is dropped.
const POINTS_MAX: usize = 2048;
/// The most bins that are kept before they are made wider.
const BINS_MAX: usize = 512;
/// The most pairs of a doctor and a week that are counted.
const CELLS_MAX: usize = 1 << 20;
/// The most pairs of a party and a reason that are counted.
const TRIES_MAX: usize = 1 << 16;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const WEEK: u64 = 7 * DAY;
/// The first day of 1970 was a Thursday: so long after a Monday.
const SINCE_MONDAY: u64 = 3 * DAY;

/// The widths of bins.
const WIDTHS: [u64; 11] = [
    MINUTE,
    10 * MINUTE,
    60 * MINUTE,
    6 * 60 * MINUTE,
    DAY,
    WEEK,
    4 * WEEK,
    52 * WEEK,
    520 * WEEK,
    5200 * WEEK,
    52_000 * WEEK,
];

/// The purposes that openings are told by, in the order they are drawn in; what is not said comes last.
pub(super) const PURPOSES: [Option<Purpose>; 5] =
    [Some(Purpose::Treatment), Some(Purpose::Opinion), Some(Purpose::Vetting), Some(Purpose::Own), None];

/// Openings by purpose in spans of time, as wide as they must be so that there are not too many.
#[derive(Debug, Default)]
pub(super) struct Bins {
    width: usize,
    counts: BTreeMap<u64, [u64; PURPOSES.len()]>,
}

impl Bins {
    pub(super) fn width(&self) -> u64 {
        WIDTHS.get(self.width).copied().unwrap_or(52_000 * WEEK)
    }

    pub(super) fn add(&mut self, at: Timestamp, purpose: Option<Purpose>) {
        let bin = (at.as_ms() + SINCE_MONDAY) / self.width();
        let counts = self.counts.entry(bin).or_default();
        for (count, known) in counts.iter_mut().zip(PURPOSES) {
            *count = count.saturating_add(u64::from(known == purpose));
        }
        if self.counts.len() > BINS_MAX {
            self.widen();
        }
    }

    fn widen(&mut self) -> bool {
        let Some(width) = WIDTHS.get(self.width + 1) else { return false };
        let factor = width / self.width().max(1);
        let mut wider = BTreeMap::<u64, [u64; PURPOSES.len()]>::new();
        for (bin, counts) in std::mem::take(&mut self.counts) {
            let sums = wider.entry(bin / factor.max(1)).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(count));
        }
        self.counts = wider;
        self.width += 1;
        true
    }

    /// All bins from the first to the last, so many at the most: when each begins, and its counts.
    pub(super) fn all(&mut self, most: u64) -> Vec<(Timestamp, [u64; PURPOSES.len()])> {
        let span = |counts: &BTreeMap<u64, _>| {
            let ends = counts.first_key_value().zip(counts.last_key_value());
            ends.map(|((first, _), (last, _))| (*first, *last))
        };
        while span(&self.counts).is_some_and(|(first, last)| last - first >= most) {
            if !self.widen() {
                break;
            }
        }
        let Some((first, last)) = span(&self.counts) else { return Vec::new() };
        let begin = |bin: u64| Timestamp::at_ms((bin * self.width()).saturating_sub(SINCE_MONDAY));
        (first..=last).map(|bin| (begin(bin), self.counts.get(&bin).copied().unwrap_or_default())).collect()
    }
}

/// Openings of doctors in weeks.
#[derive(Debug, Default)]
pub(super) struct Weeks {
    pub(super) doctors: BTreeMap<PartyId, u64>,
    cells: BTreeMap<(u64, PartyId), u64>,
}

impl Weeks {
    pub(super) fn add(&mut self, doctor: PartyId, at: Timestamp) {
        let sum = self.doctors.entry(doctor).or_default();
        *sum = sum.saturating_add(1);
        let week = (at.as_ms() + SINCE_MONDAY) / WEEK;
        if self.cells.len() < CELLS_MAX || self.cells.contains_key(&(week, doctor)) {
            let count = self.cells.entry((week, doctor)).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The first and the last week.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        let ends = self.cells.first_key_value().zip(self.cells.last_key_value());
        ends.map(|(((first, _), _), ((last, _), _))| (*first, *last))
    }

    pub(super) fn count(&self, week: u64, doctor: PartyId) -> u64 {
        self.cells.get(&(week, doctor)).copied().unwrap_or(0)
    }

    /// The Monday of a week.
    pub(super) fn monday(week: u64) -> Timestamp {
        Timestamp::at_ms(week.saturating_mul(WEEK).saturating_sub(SINCE_MONDAY))
    }

    /// The doctors who opened the most, so many at the most.
    pub(super) fn most(&self, count: usize) -> Vec<(PartyId, u64)> {
        let mut doctors: Vec<_> = self.doctors.iter().map(|(doctor, sum)| (*doctor, *sum)).collect();
        doctors.sort_by_key(|(doctor, sum)| (std::cmp::Reverse(*sum), *doctor));
        doctors.truncate(count);
        doctors
    }
}

/// The newest grants of a kind, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Newest {
    pub(super) count: u64,
    kept: BTreeMap<(Timestamp, u64, GrantId), Consent>,
}

impl Newest {
    fn add(&mut self, moment: Timestamp, consent: &Consent) {
        self.count = self.count.saturating_add(1);
        self.kept.insert((moment, consent.index, consent.grant.grant), *consent);
        if self.kept.len() > GRANTS_SHOWN {
            self.kept.pop_first();
        }
    }

    /// The newest first.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &Consent> {
        self.kept.values().rev()
    }
}

/// What a party tried that was refused for who it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// All that the report shows of events and grants.
#[derive(Debug)]
pub(super) struct Tally {
    /// When it is told which grants are in force.
    pub(super) at: Timestamp,
    pub(super) events: u64,
    pub(super) unreadable: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) verbs: BTreeMap<Verb, u64>,
    pub(super) openings: Bins,
    pub(super) opened: u64,
    pub(super) weeks: Weeks,
    pub(super) in_force: Newest,
    pub(super) ended: Newest,
    pub(super) refusals: BTreeMap<Denial, u64>,
    pub(super) tries: BTreeMap<(PartyId, Denial), Tries>,
}

impl Tally {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            at,
            events: 0,
            unreadable: 0,
            first: None,
            last: None,
            verbs: BTreeMap::new(),
            openings: Bins::default(),
            opened: 0,
            weeks: Weeks::default(),
            in_force: Newest::default(),
            ended: Newest::default(),
            refusals: BTreeMap::new(),
            tries: BTreeMap::new(),
        }
    }

    fn open(&mut self, told: &Told<'_>) {
        let received = told.line.received;
        self.opened = self.opened.saturating_add(1);
        self.openings.add(received, purpose(told));
        if let (Principal::Party(party), Some(Role::Doctor), false) =
            (told.event.step.actor, told.role, told.is_own())
        {
            self.weeks.add(party, received);
        }
    }

    fn deny(&mut self, told: &Told<'_>) {
        let (received, Some(denial)) = (told.line.received, denial(told)) else { return };
        let count = self.refusals.entry(denial).or_default();
        *count = count.saturating_add(1);
        let is_for_who = matches!(denial, Denial::Barred | Denial::NotAttested | Denial::Suspended);
        let Some(party) = told.event.moment.on_behalf_of.filter(|_| is_for_who) else { return };
        if self.tries.len() < TRIES_MAX || self.tries.contains_key(&(party, denial)) {
            let none = Tries { count: 0, first: received, last: received };
            let tries = self.tries.entry((party, denial)).or_insert(none);
            tries.count = tries.count.saturating_add(1);
            tries.first = tries.first.min(received);
            tries.last = tries.last.max(received);
        }
    }
}

impl Reader for Tally {
    fn event(&mut self, told: &Told<'_>) -> io::Result<()> {
        let received = told.line.received;
        self.events = self.events.saturating_add(1);
        self.first = Some(self.first.map_or(received, |first| first.min(received)));
        self.last = self.last.max(Some(received));
        let verb = told.event.step.verb;
        let count = self.verbs.entry(verb).or_default();
        *count = count.saturating_add(1);
        if verb == Verb::Open && told.event.step.folder.is_some() {
            self.open(told);
        }
        if verb == Verb::Deny {
            self.deny(told);
        }
        Ok(())
    }

    fn consent(&mut self, consent: &Consent) -> io::Result<()> {
        match consent.state(self.at) {
            State::Ahead | State::InForce => self.in_force.add(consent.given, consent),
            State::Expired | State::LeftOut | State::Revoked => {
                self.ended.add(consent.ends().unwrap_or(consent.given), consent);
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, _index: u64) -> io::Result<()> {
        self.unreadable = self.unreadable.saturating_add(1);
        Ok(())
    }
}

/// How the log grew: at each of its epochs, or of some of them, how many events there were.
pub(super) fn growth(directory: &Path, size: u64) -> Result<Vec<(Timestamp, u64)>, AuditError> {
    let (mut points, mut step, mut last) = (Vec::new(), 1u64, None);
    epochs::each(directory, size, |LogEpoch { number, at, events, .. }| {
        last = Some((at, events));
        if number.is_multiple_of(step) {
            points.push((at, events));
        }
        if points.len() > POINTS_MAX {
            step = step.saturating_mul(2);
            let mut place = 0usize;
            points.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
    })?;
    if points.last() != last.as_ref() {
        points.extend(last);
    }
    Ok(points)
}
