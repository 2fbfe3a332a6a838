//! Values that too few rows share: coarsened to their fixed parent, or left out.
//!
//! A value is shown only if at least k rows have it **and** the rows without it are none or at least k: who counts the batch
//! less the rows with a value, counts no few either. A timeline is one value, the whole set of its steps; so is what did not
//! enter.

use std::collections::{BTreeMap, BTreeSet};

use crate::public::{
    Code, Codes, GateRules, LeftOut, Outcome, PublicValue, Said, WeekBand, release::counted,
};

/// Whether so many rows may be told from the others.
fn is_shown(rules: &GateRules, count: u32, rows: usize) -> bool {
    let rest = rows.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    count >= rules.k() && (rest == 0 || rest >= usize::try_from(rules.k()).unwrap_or(usize::MAX))
}

/// What is looked at one after the other: categories and all that is no diagnosis, blocks, chapters.
const LEVELS: [fn(&PublicValue) -> bool; 3] = [
    |value| !matches!(value, PublicValue::Diagnosis(Code::Block(..) | Code::Chapter(_))),
    |value| matches!(value, PublicValue::Diagnosis(Code::Block(..))),
    |value| matches!(value, PublicValue::Diagnosis(Code::Chapter(_))),
];

/// Coarsens all but the main diagnosis, or leaves it out, until what is left can be shown.
pub(super) fn settle(rules: &GateRules, codes: &Codes, rows: &mut [Said]) {
    // A rare category becomes its block; a block, with those that became it, its chapter; a rare chapter goes.
    for is_due in LEVELS {
        let due = rows.iter().flat_map(|said| &said.values).copied().filter(is_due);
        let rare: BTreeSet<PublicValue> = counted(due)
            .into_iter()
            .filter(|(_, count)| !is_shown(rules, *count, rows.len()))
            .map(|(value, _)| value)
            .collect();
        if rare.is_empty() {
            continue;
        }
        for said in rows.iter_mut() {
            let mut parents = Vec::new();
            said.values.retain(|value| {
                let is_rare = rare.contains(value);
                parents.extend(parent(codes, *value).filter(|_| is_rare));
                !is_rare
            });
            said.values.extend(parents);
        }
    }
    let (outcomes, weeks, left_out) = shown(rules, rows.iter());
    for said in rows {
        if !outcomes.contains(&said.outcome) {
            said.outcome = Outcome::Unknown;
        }
        if !weeks.contains(&said.weeks) {
            said.weeks.clear();
        }
        said.left_out = said.left_out.filter(|amounts| left_out.contains(amounts));
    }
}

/// Whether nothing is left to coarsen.
pub(in crate::public) fn is_settled<'s>(
    rules: &GateRules,
    rows: impl ExactSizeIterator<Item = &'s Said> + Clone,
) -> bool {
    let all = rows.len();
    let (outcomes, weeks, left_out) = shown(rules, rows.clone());
    let are_shown = |said: &Said| {
        (said.outcome == Outcome::Unknown || outcomes.contains(&said.outcome))
            && (said.weeks.is_empty() || weeks.contains(&said.weeks))
            && said.left_out.is_none_or(|amounts| left_out.contains(&amounts))
    };
    rows.clone().all(are_shown)
        && counted(rows.flat_map(|said| said.values.iter()))
            .into_values()
            .all(|count| is_shown(rules, count, all))
}

fn parent(codes: &Codes, value: PublicValue) -> Option<PublicValue> {
    match value {
        PublicValue::Diagnosis(code) => codes.parent(code).map(PublicValue::Diagnosis),
        PublicValue::Drug(_) | PublicValue::Procedure(_) | PublicValue::Result(..) => None,
    }
}

type Shown = (BTreeSet<Outcome>, BTreeSet<BTreeSet<WeekBand>>, BTreeSet<LeftOut>);

/// The outcomes, timelines and amounts that may be shown.
fn shown<'s>(rules: &GateRules, rows: impl Iterator<Item = &'s Said> + Clone) -> Shown {
    let outcomes = rows.clone().map(|said| (said.outcome != Outcome::Unknown).then_some(said.outcome));
    let weeks = rows.clone().map(|said| (!said.weeks.is_empty()).then_some(&said.weeks));
    let weeks = groups(rules, weeks).into_iter().cloned().collect();
    (groups(rules, outcomes), weeks, groups(rules, rows.map(|said| said.left_out)))
}

/// Of values of which each row has one or none, those to show: each in at least k rows, and the rows that then show none
/// are none or at least k. If they are fewer, the rarest of the others join them.
fn groups<T: Ord>(rules: &GateRules, items: impl Iterator<Item = Option<T>>) -> BTreeSet<T> {
    let mut counts = counted(items);
    let mut rest = counts.remove(&None).unwrap_or(0);
    let mut kept: BTreeMap<(u32, T), ()> = BTreeMap::new();
    for (value, count) in counts {
        match value {
            Some(value) if count >= rules.k() => drop(kept.insert((count, value), ())),
            Some(_) | None => rest += count,
        }
    }
    while rest > 0 && rest < rules.k() {
        let Some(((count, _), ())) = kept.pop_first() else { break };
        rest += count;
    }
    kept.into_keys().map(|(_, value)| value).collect()
}
