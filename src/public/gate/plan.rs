//! Which rows of a class go out, and as what: by the numbers of its diagnoses alone.
//!
//! If the class as a whole fails, rows are held back for a later epoch: of the diagnosis with too large a share so many that
//! the share is met; then, while the distance is too large, some of the diagnosis that is most above the reference; and the
//! rows of a chapter that is rare among others. How many, the numbers say; which of a diagnosis, chance.
//! So that a row waits says that its diagnosis was frequent here, or its chapter rare; that it waits, nobody outside sees.

use std::collections::BTreeMap;

use super::{GateRules, Held, distance};
use crate::public::{
    Code, Codes,
    release::{Broken, Reached, judge},
};

/// What goes out of a class.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::public) struct Plan {
    /// How many rows of each diagnosis.
    pub(super) keep: BTreeMap<Code, u32>,
    /// What each diagnosis becomes in public.
    pub(super) published: BTreeMap<Code, Code>,
    /// What the batch reaches.
    pub(super) reached: Reached,
}

/// Works out what of these may go out.
///
/// # Errors
/// What the class lacks, as it is without anything held back.
pub(in crate::public) fn plan(
    rules: &GateRules,
    codes: &Codes,
    counts: BTreeMap<Code, u32>,
) -> Result<Plan, Held> {
    let mut keep = counts;
    let mut first = None;
    loop {
        let lacks = |held| Err(first.unwrap_or(held));
        if keep.values().sum::<u32>() < rules.k() {
            return lacks(Held::Few);
        }
        let published = publish(rules, codes, &keep);
        let shown = totals(&keep, &published);
        let alone = if codes.chapters(shown.keys()).len() > 1 {
            shown.iter().find(|(code, count)| matches!(code, Code::Chapter(_)) && **count < rules.rare())
        } else {
            None
        };
        if let Some((alone, _)) = alone {
            keep.retain(|code, _| published.get(code) != Some(alone));
            continue;
        }
        match judge(rules, codes, &shown) {
            Ok(reached) => return Ok(Plan { keep, published, reached }),
            Err(Broken::Share) => {
                first.get_or_insert(Held::Share);
                hold_share(rules, &mut keep, &published, &shown);
            }
            Err(Broken::T) => {
                first.get_or_insert(Held::T);
                if !hold_distance(codes, &mut keep, &published, &shown) {
                    return Err(first.unwrap_or(Held::T));
                }
            }
            Err(_) => return lacks(Held::L),
        }
    }
}

/// What each diagnosis becomes: rarer than the rules allow, its block; the block, with all that became it, its chapter.
fn publish(rules: &GateRules, codes: &Codes, keep: &BTreeMap<Code, u32>) -> BTreeMap<Code, Code> {
    let mut published: BTreeMap<Code, Code> = keep.keys().map(|code| (*code, *code)).collect();
    for is_block in [false, true] {
        let shown = totals(keep, &published);
        for code in published.values_mut() {
            let is_due = matches!(code, Code::Block(..)) == is_block && !matches!(code, Code::Chapter(_));
            if is_due && shown.get(code).is_some_and(|count| *count < rules.rare()) {
                *code = codes.parent(*code).unwrap_or(*code);
            }
        }
    }
    published
}

fn totals(keep: &BTreeMap<Code, u32>, published: &BTreeMap<Code, Code>) -> BTreeMap<Code, u32> {
    let mut shown = BTreeMap::new();
    for (code, count) in keep {
        if let Some(public) = published.get(code) {
            *shown.entry(*public).or_default() += count;
        }
    }
    shown
}

/// Holds back what the most frequent diagnosis has above its share.
fn hold_share(
    rules: &GateRules,
    keep: &mut BTreeMap<Code, u32>,
    published: &BTreeMap<Code, Code>,
    shown: &BTreeMap<Code, u32>,
) {
    let Some((largest, count)) = shown.iter().max_by_key(|(_, count)| **count) else { return };
    let (numerator, denominator) = rules.share();
    let others = u64::from(shown.values().sum::<u32>() - count);
    let allowed = (others * u64::from(numerator)).checked_div(u64::from(denominator - numerator));
    let allowed = allowed.and_then(|allowed| u32::try_from(allowed).ok()).unwrap_or(u32::MAX);
    hold(keep, published, *largest, count.saturating_sub(allowed).max(1));
}

/// Holds back some of the diagnosis that is most above the reference; false if none is.
fn hold_distance(
    codes: &Codes,
    keep: &mut BTreeMap<Code, u32>,
    published: &BTreeMap<Code, Code>,
    shown: &BTreeMap<Code, u32>,
) -> bool {
    let most = distance::excess(codes, shown).into_iter().max_by_key(|(code, excess)| (*excess, *code));
    let Some((code, _)) = most.filter(|(_, excess)| *excess > 0) else { return false };
    // One by one where rows are few; where they are many, a sixteenth at a time.
    hold(keep, published, code, shown.get(&code).map_or(1, |count| (count / 16).max(1)));
    true
}

/// Holds back so many rows of what is published as this, each of the diagnosis that then has most of them.
fn hold(keep: &mut BTreeMap<Code, u32>, published: &BTreeMap<Code, Code>, shown: Code, mut many: u32) {
    while many > 0 {
        let mut of_it: Vec<_> =
            keep.iter_mut().filter(|(code, _)| published.get(code) == Some(&shown)).collect();
        of_it.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), **code));
        let second = of_it.get(1).map_or(0, |(_, count)| **count);
        let Some((_, most)) = of_it.first_mut().filter(|(_, count)| **count > 0) else { break };
        let taken = many.min((**most - second).max(1));
        **most -= taken;
        many -= taken;
    }
    keep.retain(|_, count| *count > 0);
}
