//! The pool over many epochs: any order of arrivals, departures, epochs and policies, against what must hold whatever happens.
//!
//! The checker (`Watch`) knows who is who and what everybody did, and sees of the pool only what is public, and from the
//! journal which row is whose. It was written from the promises, not from the pool. Attacks B1, B3–B8, B16.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
};

use casevault::{
    codec,
    crypto::Random,
    id::{BatchId, Digest, Handle, PersonToken, PublicId},
    public::{
        Abstract, Batch, Census, Class, Code, Codes, Counted, Departure, Epoch, GateRules, Held, Journal,
        Outcome, Plain, Pool, Reason, Refused, Said, Unlike, Value, WeekBand,
    },
};

use crate::ward::{
    OTHER_POLICY, POLICY, WEIGHTS, below, class, handle, icd, plain, seed, token, tree, usual,
};

// ── What everybody did ─────────────────────────────────────────────────────────────────────────────────────────────────

/// A case, and whose it is.
#[derive(Debug, Clone)]
struct Truth {
    person: usize,
    year: u16,
    case: Abstract,
    has_left: bool,
}

#[derive(Debug, Clone)]
enum Op {
    Adopt(Digest),
    Arrive(Handle, PersonToken, Abstract),
    Epoch,
    Leave(Handle),
}

/// Rules with small numbers, so that short histories reach every corner: one stricter, one weaker.
fn rules_of(policy: Digest) -> GateRules {
    if policy == POLICY {
        GateRules::new(4, 2, (2, 3), 500, 1).unwrap()
    } else {
        GateRules::new(5, 3, (1, 2), 450, 2).unwrap()
    }
}

fn token_of(person: usize, year: u16) -> PersonToken {
    token(person as u64 * 100 + u64::from(year))
}

/// A class of grid 0 has year, sex, region, of grid 1 year and sex.
fn class_of(grid: u8, year: u16, random: &mut Random) -> Class {
    let sex = u16::try_from(below(random, 2)).unwrap();
    let region = u16::try_from(below(random, 2)).unwrap();
    if grid == 0 {
        Class { grid, bins: vec![year, sex, region] }
    } else {
        Class { grid, bins: vec![year, sex] }
    }
}

fn case_of(random: &mut Random, policy: Digest, persons: usize) -> (Handle, Truth) {
    let person = below(random, persons);
    let year = u16::try_from(below(random, 8) / 7).unwrap();
    let grid = u8::from(below(random, 6) == 0);
    let mut case = plain(&class_of(grid, year, random), WEIGHTS[6..][below(random, 10)].0);
    if below(random, 3) == 0 {
        case.diagnosis = icd(["J00", "J06", "J45"][below(random, 3)]);
    }
    case.policy = policy;
    if below(random, 2) == 0 {
        case.values.insert(Value::Drug(u32::try_from(below(random, 2)).unwrap()));
    }
    case.outcome = [Outcome::Resolved, Outcome::Resolved, Outcome::Died][below(random, 3)];
    if below(random, 3) == 0 {
        case.weeks.insert(WeekBand(1));
    }
    (Handle::from_bytes(random.bytes()), Truth { person, year, case, has_left: false })
}

// ── What is seen ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// A group that some of the quasi-identifiers make, on one grid or both, under one policy or both.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    bins: Vec<Option<u16>>,
    grid: Option<u8>,
    policy: Option<Digest>,
}

/// What is public at one moment: of each row the case.
type Snapshot = BTreeSet<Handle>;

#[derive(Default)]
struct Watch {
    truths: BTreeMap<Handle, Truth>,
    visible: BTreeMap<BatchId, Batch>,
    whose: BTreeMap<PublicId, Handle>,
    snapshots: Vec<Snapshot>,
    last_said: BTreeMap<Handle, Said>,
    ever: BTreeMap<(usize, u16), BTreeSet<Handle>>,
    fresh: usize,
    returned: usize,
    vanished: usize,
    covered: usize,
}

impl Watch {
    fn new() -> Self {
        Self { snapshots: vec![Snapshot::new()], ..Self::default() }
    }

    fn truth(&self, handle: &Handle) -> &Truth {
        &self.truths[handle]
    }

    /// Takes in an epoch, and checks all that is promised.
    fn see(&mut self, epoch: &Epoch, in_force: Option<Digest>) {
        let before = self.snapshots.last().unwrap().clone();
        let mut came_back = BTreeSet::new();
        let mut old = BTreeMap::new();
        for id in &epoch.hidden {
            old.insert(*id, self.visible.remove(id).expect("only what is public is hidden"));
        }
        for (release, made) in epoch.releases.iter().zip(&epoch.journal.made) {
            let batch = release.batch();
            assert_eq!(*batch, made.batch);
            assert_eq!(batch.check(&rules_of(batch.facts.policy), &tree()), Ok(()));
            if let Some(followed) = batch.facts.follows {
                assert!(epoch.hidden.contains(&followed));
                let was_in = |handle| old[&followed].rows.iter().any(|row| self.whose[&row.id] == handle);
                assert!(made.owners.iter().all(|(handle, _)| was_in(*handle)), "what comes back was there");
                came_back.insert(followed);
                self.returned += 1;
            } else {
                assert_eq!(Some(batch.facts.policy), in_force);
                self.fresh += 1;
            }
            self.learn(batch, &made.owners);
            assert!(self.visible.insert(batch.facts.id, batch.clone()).is_none(), "a batch's id is new");
        }
        self.vanished += old.len() - came_back.len();
        let after: Snapshot = self
            .visible
            .values()
            .flat_map(|batch| batch.rows.iter().map(|row| self.whose[&row.id]))
            .collect();
        let rows: usize = self.visible.values().map(|batch| batch.rows.len()).sum();
        assert_eq!(after.len(), rows, "no case is public twice");
        self.covered += before.difference(&after).filter(|handle| !self.truth(handle).has_left).count();
        assert!(after.iter().all(|handle| !self.truth(handle).has_left), "who left is not public");
        let gone: BTreeSet<_> =
            self.snapshots.iter().flatten().filter(|handle| !before.contains(*handle)).collect();
        assert!(after.iter().all(|handle| !gone.contains(handle)), "what was gone does not return");
        for earlier in &self.snapshots {
            self.compare(earlier, &after, self.snapshots.len() < 6);
        }
        self.snapshots.push(after);
    }

    fn learn(&mut self, batch: &Batch, owners: &[(Handle, PersonToken)]) {
        let mut persons = BTreeSet::new();
        assert_eq!(batch.rows.len(), owners.len());
        for (row, (handle, token)) in batch.rows.iter().zip(owners) {
            let truth = self.truths[handle].clone();
            assert_eq!(*token, token_of(truth.person, truth.year));
            assert!(persons.insert(truth.person), "a person has one row of a batch");
            assert_eq!((&row.class, batch.facts.policy), (&truth.case.class, truth.case.policy));
            assert_eq!(row.class, batch.facts.class);
            let was = self.last_said.insert(*handle, row.said.clone());
            let was = was.unwrap_or_else(|| casevault::public::Entry::from(&truth.case).said);
            assert!(is_coarser(&row.said, &was), "a row is never improved");
            assert!(self.whose.insert(row.id, *handle).is_none(), "a row's id is new");
            let ever = self.ever.entry((truth.person, truth.year)).or_default();
            ever.insert(*handle);
            let cases: Vec<_> = ever.iter().map(|handle| &self.truths[handle].case).collect();
            let classes: BTreeSet<_> = cases.iter().map(|case| &case.class).collect();
            assert_eq!(classes.len(), cases.len(), "a person counts once per class and year, ever");
            let homes: BTreeSet<_> = cases.iter().map(|case| (case.policy, case.class.grid)).collect();
            assert_eq!(homes.len(), 1, "a person of a year is on one grid and under one policy");
        }
        assert!(persons.len() >= rules_of(batch.facts.policy).k() as usize);
    }

    /// Every group that any quasi-identifiers make: 0 or at least k persons came, and went. A group that some of them make is
    /// a union of groups that all of them make: these are looked at always, and with `of_all`, all of them.
    fn compare(&self, earlier: &Snapshot, later: &Snapshot, of_all: bool) {
        for (one, other) in [(earlier, later), (later, earlier)] {
            let mut groups: BTreeMap<Group, BTreeSet<usize>> = BTreeMap::new();
            for Truth { person, case, .. } in other.difference(one).map(|handle| self.truth(handle)) {
                for subset in if of_all { 0_usize..8 } else { 7..8 } {
                    for (grid, policy) in [(true, true), (true, false), (false, true), (false, false)] {
                        // What both grids have is year and sex.
                        let bins = case.class.bins.iter().take(if grid { 3 } else { 2 }).enumerate();
                        let group = Group {
                            bins: bins.map(|(at, bin)| (subset >> at & 1 == 1).then_some(*bin)).collect(),
                            grid: grid.then_some(case.class.grid),
                            policy: policy.then_some(case.policy),
                        };
                        groups.entry(group).or_default().insert(*person);
                    }
                }
            }
            for (group, persons) in groups {
                let k = rules_of(group.policy.unwrap_or(POLICY)).k() as usize;
                assert!(persons.len() >= k, "{} persons differ in {group:?}", persons.len());
            }
        }
    }
}

fn is_coarser(now: &Said, was: &Said) -> bool {
    let tree = tree();
    tree.covers(now.diagnosis, was.diagnosis)
        && now.values.is_subset(&was.values)
        && (now.outcome == was.outcome || now.outcome == Outcome::Unknown)
        && (now.weeks == was.weeks || now.weeks.is_empty())
        && (now.left_out == was.left_out || now.left_out.is_none())
}

// ── Histories ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Lives one history; the watch at its end, what was done, and the journals.
fn live(number: u64) -> (Watch, Vec<Op>, Vec<Journal>, Pool) {
    let random = &mut Random::seeded(seed(number, 20));
    let persons = 10 + below(random, 150);
    let leaves = 1 + below(random, 6);
    let epochs = 1 + below(random, 3);
    let mut pool: Pool = Pool::default();
    let mut watch = Watch::new();
    let (mut ops, mut journals) = (Vec::new(), Vec::new());
    let mut policy = POLICY;
    let mut handles: Vec<Handle> = Vec::new();
    adopt(&mut pool, OTHER_POLICY, &mut ops);
    adopt(&mut pool, POLICY, &mut ops);
    for _ in 0..60 + below(random, 340) {
        match below(random, 40) {
            0 if below(random, 3) == 0 => {
                policy = if policy == POLICY { OTHER_POLICY } else { POLICY };
                adopt(&mut pool, policy, &mut ops);
            }
            it if (1..=epochs).contains(&it) => {
                let epoch = pool.epoch(random);
                watch.see(&epoch, Some(policy));
                journals.push(codec::decode(&codec::encode(&epoch.journal)).unwrap());
                ops.push(Op::Epoch);
            }
            4..=9 if !handles.is_empty() && below(random, 8) < leaves => {
                let handle = handles[below(random, handles.len())];
                watch.truths.get_mut(&handle).unwrap().has_left = true;
                let departure = pool.leave(handle);
                let is_public = watch.snapshots.last().unwrap().contains(&handle);
                assert_eq!(matches!(departure, Departure::Public(_)), is_public);
                ops.push(Op::Leave(handle));
            }
            10 if !handles.is_empty() => {
                again(&mut pool, &watch, handles[below(random, handles.len())], random)
            }
            _ => {
                let made_under = if below(random, 10) == 0 { OTHER_POLICY } else { policy };
                let (handle, truth) = case_of(random, made_under, persons);
                let token = token_of(truth.person, truth.year);
                let is_late = below(random, 30) == 0;
                if is_late {
                    assert_eq!(pool.leave(handle), Departure::Unknown);
                    ops.push(Op::Leave(handle));
                    assert_eq!(pool.arrive(handle, token, &truth.case), Err(Refused::Seen));
                } else if pool.arrive(handle, token, &truth.case).is_ok() {
                    ops.push(Op::Arrive(handle, token, truth.case.clone()));
                    handles.push(handle);
                }
                watch.truths.insert(handle, Truth { has_left: is_late, ..truth });
            }
        }
    }
    (watch, ops, journals, pool)
}

fn adopt(pool: &mut Pool, policy: Digest, ops: &mut Vec<Op>) {
    pool.adopt(policy, rules_of(policy), tree()).unwrap();
    ops.push(Op::Adopt(policy));
}

/// A case arrives again: under its handle; under another while it waits.
fn again(pool: &mut Pool, watch: &Watch, handle: Handle, random: &mut Random) {
    let truth = watch.truth(&handle);
    let token = token_of(truth.person, truth.year);
    let was = pool.clone();
    assert_eq!(pool.arrive(handle, token, &truth.case), Err(Refused::Seen));
    let is_waiting = was.clone().leave(handle) == Departure::Pending;
    if is_waiting {
        let arrived = pool.arrive(Handle::from_bytes(random.bytes()), token, &truth.case);
        assert_eq!(arrived, Err(Refused::Repeated));
    }
    assert_eq!(*pool, was, "what is refused changes nothing");
}

/// How many histories: a few by default, all with `CASEVAULT_FULL=1`; one by its number, with `CASEVAULT_HISTORY=n`.
fn numbers() -> std::ops::Range<u64> {
    if let Some(number) = std::env::var("CASEVAULT_HISTORY").ok().and_then(|number| number.parse().ok()) {
        return number..number + 1;
    }
    let is_full = std::env::var_os("CASEVAULT_FULL").is_some_and(|value| !value.is_empty() && value != "0");
    if is_full { 0..6_000 } else { 0..300 }
}

/// Tells which history failed.
struct Telling(u64);

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            writeln!(std::io::stderr(), "CASEVAULT_HISTORY={}", self.0).ok();
        }
    }
}

fn replay(ops: &[Op], journals: &[Journal]) -> Pool {
    let mut pool = Pool::default();
    let mut journals = journals.iter();
    for op in ops {
        match op {
            Op::Adopt(policy) => pool.adopt(*policy, rules_of(*policy), tree()).unwrap(),
            Op::Arrive(handle, token, case) => {
                assert!(matches!(pool.arrive(*handle, *token, case), Ok(()) | Err(Refused::Seen)))
            }
            Op::Epoch => pool.replay(journals.next().unwrap()).unwrap(),
            Op::Leave(handle) => {
                pool.leave(*handle);
            }
        }
    }
    pool
}

#[test]
fn any_order_of_arrivals_departures_epochs_and_policies_keeps_the_promises() {
    let (mut fresh, mut returned, mut vanished, mut covered) = (0, 0, 0, 0);
    for number in numbers() {
        let _telling = Telling(number);
        let (watch, ops, journals, pool) = live(number);
        fresh += watch.fresh;
        returned += watch.returned;
        vanished += watch.vanished;
        covered += watch.covered;
        assert!(replay(&ops, &journals) == pool, "what is replayed is as it was");
        // After a crash what is kept in tables comes table by table: policies, journals, departures, cases.
        let (epochs, others): (Vec<Op>, Vec<Op>) = ops.into_iter().partition(|op| matches!(op, Op::Epoch));
        let (adopted, others): (Vec<Op>, Vec<Op>) =
            others.into_iter().partition(|op| matches!(op, Op::Adopt(_)));
        let (arrived, left): (Vec<Op>, Vec<Op>) =
            others.into_iter().partition(|op| matches!(op, Op::Arrive(..)));
        let by_table = [adopted, epochs, left, arrived].concat();
        assert!(replay(&by_table, &journals) == pool, "table by table, too");
    }
    let told =
        format!("{fresh} batches, {returned} came back, {vanished} did not; {covered} rows went as cover");
    writeln!(std::io::stderr(), "{told}").unwrap();
    assert!(fresh > 100 && returned > 20 && vanished > 20 && covered > 50);
}

// ── One by one ─────────────────────────────────────────────────────────────────────────────────────────────────────────

fn pool() -> Pool {
    let mut pool = Pool::default();
    pool.adopt(POLICY, usual(), tree()).unwrap();
    pool
}

/// So many patients of one class arrive, numbered from `first`.
fn fill(pool: &mut Pool, class: &Class, first: u64, mix: &[(&str, usize)]) -> Vec<Handle> {
    let codes = mix.iter().flat_map(|(code, many)| std::iter::repeat_n(*code, *many));
    (first..)
        .zip(codes)
        .map(|(number, code)| {
            pool.arrive(handle(number), token(number), &plain(class, code)).unwrap();
            handle(number)
        })
        .collect()
}

fn random(number: u64) -> Random {
    Random::seeded(seed(number, 21))
}

const USUAL: [(&str, usize); 3] = [("J00", 11), ("J06", 10), ("J20", 9)];

#[test]
fn b3_an_open_class_stays_shut_to_the_next_case() {
    let (mut pool, mut random, class) = (pool(), random(1), class(&[1]));
    fill(&mut pool, &class, 0, &USUAL);
    assert_eq!(pool.epoch(&mut random).releases.len(), 1);
    fill(&mut pool, &class, 100, &[("J00", 4), ("J06", 4), ("J20", 3)]);
    assert_eq!(pool.epoch(&mut random).releases.len(), 0, "eleven more wait");
    fill(&mut pool, &class, 200, &[("J00", 1)]);
    assert_eq!(pool.epoch(&mut random).releases[0].batch().rows.len(), 12);
}

#[test]
fn b3_whoever_leaves_goes_among_k_or_with_all() {
    // Of thirty: so many leave, so many come back.
    for (leave, back) in [(1, 18), (5, 18), (12, 18), (13, 17), (17, 13), (19, 0), (30, 0)] {
        let (mut pool, mut random) = (pool(), random(leave as u64));
        let mut handles = fill(&mut pool, &class(&[1]), 0, &USUAL);
        // One diagnosis after the other, so that what remains stays mixed.
        handles.sort_by_key(|handle| *handle.as_bytes());
        let first = pool.epoch(&mut random).releases.remove(0).into_batch();
        for handle in handles.iter().take(leave) {
            assert_eq!(pool.leave(*handle), Departure::Public(first.facts.id));
        }
        let epoch = pool.epoch(&mut random);
        assert_eq!(epoch.hidden, [first.facts.id]);
        let rows = epoch.releases.first().map_or(0, |release| release.batch().rows.len());
        assert_eq!(rows, back, "{leave} left");
        assert!(epoch.releases.iter().all(|release| release.batch().facts.follows == Some(first.facts.id)));
        let next = pool.epoch(&mut random);
        assert!(next.hidden.is_empty() && next.releases.is_empty(), "cover does not return");
    }
}

#[test]
fn what_comes_back_passes_the_gate_or_stays_away() {
    let (mut pool, mut random) = (pool(), random(1));
    let handles = fill(&mut pool, &class(&[1]), 0, &[("J00", 20), ("J06", 20), ("J20", 3)]);
    pool.epoch(&mut random);
    for handle in &handles[40..] {
        pool.leave(*handle);
    }
    assert!(
        pool.epoch(&mut random).releases.is_empty(),
        "two diagnoses would be left, of twenty and more patients"
    );
}

#[test]
fn cover_is_chance() {
    let covers: BTreeSet<BTreeSet<Handle>> = (0..20)
        .map(|number| {
            let (mut pool, mut random) = (pool(), random(number));
            let handles = fill(&mut pool, &class(&[1]), 0, &USUAL);
            pool.epoch(&mut random);
            pool.leave(handles[0]);
            pool.epoch(&mut random).journal.made[0].owners.iter().map(|(handle, _)| *handle).collect()
        })
        .collect();
    assert!(covers.len() > 15, "{}", covers.len());
}

#[test]
fn b4_a_second_case_of_a_person_never_goes_out_in_her_class() {
    let (mut pool, mut random, class) = (pool(), random(1), class(&[1]));
    let first = fill(&mut pool, &class, 0, &USUAL);
    pool.epoch(&mut random);
    for number in 0..30 {
        pool.arrive(handle(1000 + number), token(number), &plain(&class, "J45")).unwrap();
    }
    assert!(pool.epoch(&mut random).releases.is_empty());
    assert_eq!(pool.waiting()[0].reason, Reason::Counted);
    for handle in first {
        pool.leave(handle);
    }
    let epoch = pool.epoch(&mut random);
    assert!(epoch.releases.is_empty() && epoch.hidden.len() == 1, "nor after her first has gone");
    assert!(pool.epoch(&mut random).releases.is_empty());
}

#[test]
fn b4_a_person_is_on_one_grid_and_under_one_policy() {
    for (is_grid, other) in [(true, Class { grid: 1, bins: vec![1] }), (false, class(&[3, 2]))] {
        let (mut pool, mut random) = (pool(), random(1));
        pool.adopt(OTHER_POLICY, usual(), tree()).unwrap();
        pool.adopt(POLICY, usual(), tree()).unwrap();
        fill(&mut pool, &class(&[1, 2]), 0, &USUAL);
        pool.epoch(&mut random);
        for (number, code) in (0..30).zip(["J00", "J06", "J20"].iter().cycle()) {
            let mut case = plain(&other, code);
            case.policy = if is_grid { POLICY } else { OTHER_POLICY };
            pool.arrive(handle(1000 + number), token(number), &case).unwrap();
        }
        if !is_grid {
            pool.adopt(OTHER_POLICY, usual(), tree()).unwrap();
        }
        assert!(pool.epoch(&mut random).releases.is_empty());
        assert_eq!(pool.waiting()[0].reason, Reason::Elsewhere);
    }
}

#[test]
fn b4_nobody_goes_out_on_two_grids_in_one_epoch() {
    let (mut pool, mut random) = (pool(), random(1));
    fill(&mut pool, &class(&[1, 2]), 0, &USUAL);
    for (number, code) in (0..30).zip(["J00", "J06", "J20"].iter().cycle()) {
        let case = plain(&Class { grid: 1, bins: vec![1] }, code);
        pool.arrive(handle(1000 + number), token(number), &case).unwrap();
    }
    let epoch = pool.epoch(&mut random);
    let mut persons: Vec<_> =
        epoch.journal.made.iter().flat_map(|made| made.owners.iter().map(|it| it.1)).collect();
    let all = persons.len();
    persons.sort();
    persons.dedup();
    assert!(all > 0 && persons.len() == all);
}

#[test]
fn b5_what_others_do_changes_nothing() {
    let here = class(&[1, 1]);
    let elsewhere = [class(&[1, 0]), class(&[0, 1]), Class { grid: 1, bins: vec![1] }];
    for number in 0..60 {
        let script = &mut random(number);
        let mut alone = pool();
        let mut among = pool();
        let (mut one, mut other) = (random(1), random(2));
        for round in 0..4_u64 {
            for at in 0..below(script, 30) as u64 {
                let code = ["J00", "J00", "J06", "J20", "J45", "J39"][below(script, 6)];
                let me = round * 100 + at;
                for pool in [&mut alone, &mut among] {
                    pool.arrive(handle(me), token(me), &plain(&here, code)).unwrap();
                }
            }
            for at in 0..below(script, 120) as u64 {
                let they = 10_000 + round * 1000 + at;
                let case = plain(&elsewhere[below(script, 3)], WEIGHTS[below(script, 16)].0);
                among.arrive(handle(they), token(they), &case).unwrap();
            }
            let sizes = |epoch: &Epoch| -> Vec<BTreeMap<Code, usize>> {
                let here = epoch.releases.iter().filter(|release| release.batch().facts.class == here);
                here.map(|release| {
                    let mut counts = BTreeMap::new();
                    for row in &release.batch().rows {
                        *counts.entry(row.said.diagnosis).or_default() += 1;
                    }
                    counts
                })
                .collect()
            };
            assert_eq!(sizes(&alone.epoch(&mut one)), sizes(&among.epoch(&mut other)));
        }
    }
}

#[test]
fn b7_replays_devices_and_cases_of_one_person_count_once() {
    let (mut pool, mut random, class) = (pool(), random(1), class(&[1]));
    fill(&mut pool, &class, 0, &[("J00", 5), ("J06", 4), ("J20", 2)]);
    assert_eq!(pool.arrive(handle(0), token(0), &plain(&class, "J00")), Err(Refused::Seen));
    assert_eq!(pool.arrive(handle(99), token(0), &plain(&class, "J00")), Err(Refused::Repeated));
    let others = ["J45", "J44", "J30", "J02", "J10", "J18", "J20", "J32", "J06", "J31"];
    for (number, code) in (0..).zip(others) {
        pool.arrive(handle(100 + number), token(0), &plain(&class, code)).unwrap();
    }
    assert!(pool.epoch(&mut random).releases.is_empty(), "eleven patients, whoever of them sends what");
    let mut refused = 0;
    for number in 0..200 {
        let mut case = plain(&class, "J00");
        case.values.insert(Value::Drug(u32::try_from(number).unwrap()));
        refused += u64::from(pool.arrive(handle(1000 + number), token(0), &case) == Err(Refused::Full));
    }
    assert!(refused > 100, "one person does not fill the pool");
}

#[test]
fn b8_two_runs_on_the_same_cases_have_nothing_in_common() {
    let run = |number| {
        let (mut pool, mut random) = (pool(), random(number));
        for place in 0..6 {
            fill(&mut pool, &class(&[place]), u64::from(place) * 100, &USUAL);
        }
        pool.epoch(&mut random)
    };
    let (one, other) = (run(1), run(2));
    let ids = |epoch: &Epoch| -> BTreeSet<[u8; 16]> {
        let batches = epoch.releases.iter().map(|release| release.batch());
        let ids = batches.flat_map(|batch| {
            let rows = batch.rows.iter().map(|row| *row.id.as_bytes());
            rows.chain([*batch.facts.id.as_bytes()])
        });
        ids.collect()
    };
    let order = |epoch: &Epoch| -> Vec<Class> {
        epoch.releases.iter().map(|release| release.batch().facts.class.clone()).collect()
    };
    assert!(ids(&one).is_disjoint(&ids(&other)));
    assert_ne!(order(&one), order(&other));
    let handles: BTreeSet<_> = (0..600).map(|number| *handle(number).as_bytes()).collect();
    assert!(ids(&one).is_disjoint(&handles));
    let public = codec::encode(one.releases[0].batch());
    for number in 0..600 {
        let (handle, token) = (handle(number), token(number));
        assert!(
            !public
                .windows(16)
                .any(|window| window == handle.as_bytes() || window == &token.as_bytes()[..16])
        );
    }
}

#[test]
fn b16_a_withdrawal_wins_whenever_it_comes() {
    let (mut pool, mut random, class) = (pool(), random(1), class(&[1]));
    let handles = fill(&mut pool, &class, 0, &USUAL);
    assert_eq!(pool.leave(handles[3]), Departure::Pending);
    assert_eq!(pool.leave(handles[3]), Departure::Unknown);
    assert_eq!(pool.leave(handle(50)), Departure::Unknown);
    assert_eq!(pool.arrive(handle(50), token(50), &plain(&class, "J06")), Err(Refused::Seen));
    let epoch = pool.epoch(&mut random);
    let owners = &epoch.journal.made[0].owners;
    assert_eq!(owners.len(), 29);
    assert!(owners.iter().all(|(handle, _)| *handle != handles[3]));
    // Who only changed her mind may change it again: as a case of its own.
    pool.arrive(handle(51), token(3), &plain(&class, "J00")).unwrap();
}

#[test]
fn b16_only_the_very_policy_consented_to_lets_a_case_out() {
    let weaker = GateRules::new(2, 1, (1, 1), 1000, 1).unwrap();
    let (mut pool, mut random, class) = (pool(), random(1), class(&[1]));
    let is_unlike = |adopted: Result<(), Unlike>| assert!(adopted.is_err(), "a digest has one meaning");
    let mut case = plain(&class, "J00");
    case.policy = OTHER_POLICY;
    assert_eq!(pool.arrive(handle(1), token(1), &case), Err(Refused::Policy), "it is not known here");
    fill(&mut pool, &class, 10, &USUAL);
    pool.adopt(OTHER_POLICY, weaker, tree()).unwrap();
    assert!(pool.epoch(&mut random).releases.is_empty(), "all were made under the stricter one");
    assert_eq!(pool.waiting()[0].reason, Reason::OtherPolicy);
    pool.arrive(handle(1), token(1), &case).unwrap();
    is_unlike(pool.adopt(POLICY, weaker, tree()));
    let without_weights = Codes::new([(icd("J00"), icd("J99"), 10)], []).unwrap();
    is_unlike(pool.adopt(POLICY, usual(), without_weights));
    pool.adopt(POLICY, usual(), tree()).unwrap();
    assert_eq!(pool.epoch(&mut random).releases[0].batch().rows.len(), 30);
}

#[test]
fn what_comes_back_passes_under_its_own_policy() {
    let weaker = GateRules::new(2, 1, (1, 1), 1000, 1).unwrap();
    let (mut pool, mut random) = (pool(), random(1));
    let handles = fill(&mut pool, &class(&[1]), 0, &USUAL);
    pool.epoch(&mut random);
    pool.adopt(OTHER_POLICY, weaker, tree()).unwrap();
    pool.leave(handles[0]);
    let epoch = pool.epoch(&mut random);
    assert_eq!(epoch.releases[0].batch().rows.len(), 18);
    assert_eq!(epoch.releases[0].batch().facts.policy, POLICY);
}

#[test]
fn b6_what_waits_is_told_without_small_counts() {
    let mut pool = pool();
    fill(&mut pool, &class(&[1]), 0, &[("J00", 3)]);
    let told = |pool: &Pool| -> Vec<(Reason, Counted)> {
        pool.waiting().iter().map(|waiting| (waiting.reason, waiting.cases)).collect()
    };
    assert_eq!(told(&pool), [(Reason::Held(Held::Few), Counted::FewerThan(12))]);
    fill(&mut pool, &class(&[2]), 100, &[("J00", 9)]);
    assert_eq!(told(&pool), [(Reason::Held(Held::Few), Counted::AtLeast(12))]);
    fill(&mut pool, &class(&[3]), 200, &[("J00", 25)]);
    fill(&mut pool, &class(&[4]), 300, &[("J00", 13), ("J06", 2), ("J20", 2)]);
    fill(&mut pool, &class(&[5]), 400, &USUAL);
    assert_eq!(
        told(&pool),
        [
            (Reason::Held(Held::Few), Counted::AtLeast(12)),
            (Reason::Held(Held::L), Counted::AtLeast(24)),
            (Reason::Held(Held::Share), Counted::AtLeast(12)),
            (Reason::Ready, Counted::AtLeast(24)),
        ]
    );
    for one in 0..40 {
        fill(&mut pool, &class(&[6]), 1000 + one, &[("J00", 1)]);
        let counts = told(&pool);
        assert!(counts.iter().all(|(_, cases)| matches!(cases, Counted::FewerThan(12))
            || matches!(cases, Counted::AtLeast(many) if many % 12 == 0 && *many > 0)));
    }
}

#[test]
fn a_class_is_read_only_after_it_was_counted() {
    #[derive(Clone, PartialEq, Eq)]
    struct Nobody;
    impl Census for Nobody {
        fn persons(&self, tokens: &mut dyn Iterator<Item = PersonToken>) -> usize {
            tokens.count();
            11
        }
    }
    let mut shut = Pool::new(Nobody);
    let mut open = Pool::new(Plain);
    shut.adopt(POLICY, usual(), tree()).unwrap();
    open.adopt(POLICY, usual(), tree()).unwrap();
    for (number, code) in (0..30).zip(["J00", "J06", "J20"].iter().cycle()) {
        shut.arrive(handle(number), token(number), &plain(&class(&[1]), code)).unwrap();
        open.arrive(handle(number), token(number), &plain(&class(&[1]), code)).unwrap();
    }
    assert!(shut.epoch(&mut random(1)).releases.is_empty());
    assert_eq!(open.epoch(&mut random(1)).releases.len(), 1);
}

#[test]
fn cases_out_of_bounds_are_refused() {
    let mut pool = pool();
    let mut case = plain(&class(&[1, 2, 3, 4, 5, 6]), "J00");
    assert_eq!(pool.arrive(handle(1), token(1), &case), Err(Refused::Bounds));
    case.class = class(&[1]);
    case.diagnosis = icd("Z99");
    assert_eq!(pool.arrive(handle(1), token(1), &case), Err(Refused::Code));
}

#[test]
fn journals_are_replayed_in_their_order_or_not() {
    let (mut curator, mut random) = (pool(), random(1));
    fill(&mut curator, &class(&[1]), 0, &USUAL);
    let first = curator.epoch(&mut random).journal;
    let second = curator.epoch(&mut random).journal;
    let mut other = pool();
    assert!(other.replay(&second).is_err());
    other.replay(&first).unwrap();
    assert!(other.replay(&first).is_err());
    let mut short = second;
    short.made.clone_from(&first.made);
    short.made[0].owners.pop();
    assert!(other.replay(&short).is_err());
}

#[test]
fn b1_nobody_is_found_by_a_register_of_everybody() {
    // A register says of everybody sex, age and place; she who has it looks for rows by every subset of them.
    let random = &mut random(1);
    let mut pool = pool();
    let mut register = Vec::new();
    let mut visible: BTreeMap<BatchId, Batch> = BTreeMap::new();
    let mut whose = BTreeMap::new();
    for epoch in 0..8_u64 {
        for at in 0..120 {
            let bin = |random: &mut Random, many| u16::try_from(below(random, many)).unwrap();
            let class = class(&[bin(random, 2), bin(random, 4), bin(random, 3)]);
            let number = epoch * 1000 + at;
            pool.arrive(handle(number), token(number), &plain(&class, WEIGHTS[6..][below(random, 10)].0))
                .unwrap();
            register.push((token(number), class));
        }
        for (token, _) in register.iter().filter(|(token, _)| token.as_bytes()[0] < 3) {
            let number = (0..8000).find(|number| crate::ward::token(*number) == *token).unwrap();
            pool.leave(handle(number));
        }
        let epoch = pool.epoch(random);
        epoch.hidden.iter().for_each(|id| drop(visible.remove(id)));
        for made in epoch.journal.made {
            for (row, (_, token)) in made.batch.rows.iter().zip(&made.owners) {
                whose.insert(row.id, *token);
            }
            visible.insert(made.batch.facts.id, made.batch);
        }
    }
    let rows: Vec<_> = visible.values().flat_map(|batch| &batch.rows).collect();
    assert!(rows.len() > 500);
    for (token, class) in &register {
        for subset in 0..8 {
            let is_like =
                |other: &Class| (0..3).all(|at| subset >> at & 1 == 0 || other.bins[at] == class.bins[at]);
            let matches: Vec<_> = rows.iter().filter(|row| is_like(&row.class)).collect();
            let hits = matches.iter().filter(|row| whose[&row.id] == *token).count();
            assert!(hits * 12 <= matches.len(), "one of {} rows", matches.len());
        }
    }
}
