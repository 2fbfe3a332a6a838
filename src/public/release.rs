//! What became public: rows, in batches, and what anyone can check about a batch.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use minicbor::{Decode, Encode};

use super::{
    Class, Code, Codes, GateRules, LeftOut, Outcome, Value, WeekBand,
    gate::{coarsen, distance},
};
use crate::{
    codec::wire,
    id::{BatchId, Digest, PublicId},
    limits::{ABSTRACT_VALUES_MAX, ABSTRACT_WEEKS_MAX, PUBLIC_BATCH_ROWS_MAX},
};

/// A sensitive value beside the main diagnosis, as it becomes public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[non_exhaustive]
pub enum PublicValue {
    /// A further diagnosis, or its block or chapter.
    #[n(0)]
    Diagnosis(#[n(0)] Code),
    /// A drug, by its RxNorm concept.
    #[n(1)]
    Drug(#[n(0)] u32),
    /// A result: which of the policy's tests, and which of its clinical bins.
    #[n(2)]
    Result(#[n(0)] u16, #[n(1)] u8),
    /// A procedure, by its SNOMED CT concept.
    #[n(3)]
    Procedure(#[n(0)] u64),
}

impl From<Value> for PublicValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Diagnosis(category) => Self::Diagnosis(Code::Category(category)),
            Value::Drug(concept) => Self::Drug(concept),
            Value::Result(test, bin) => Self::Result(test, bin),
            Value::Procedure(concept) => Self::Procedure(concept),
        }
    }
}

/// What a case says besides its class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Said {
    /// The main diagnosis, or its block or chapter.
    #[n(0)]
    pub diagnosis: Code,
    /// The other values that enough rows of the batch share.
    #[n(1)]
    pub values: BTreeSet<PublicValue>,
    /// How it ended; unknown also if too few rows of the batch ended so.
    #[n(2)]
    pub outcome: Outcome,
    /// The timeline, in bands of weeks; empty also if too few rows of the batch have the same.
    #[n(3)]
    pub weeks: BTreeSet<WeekBand>,
    /// What did not enter, if enough rows of the batch say the same.
    #[n(4)]
    pub left_out: Option<LeftOut>,
}

/// A row of the public area.
///
/// It has the class of its batch, and so of all of the batch's rows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicRow<K = Class> {
    /// Random; a row that comes back in another batch has another.
    #[n(0)]
    pub id: PublicId,
    /// The batch it came with.
    #[n(1)]
    pub batch: BatchId,
    /// Its place on the grid.
    #[n(2)]
    pub class: K,
    /// What it says.
    #[n(3)]
    pub said: Said,
}

/// What a batch reaches: counted on its public rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reached {
    /// Rows, and as many patients: the smallest group that any of the quasi-identifiers, or all, make of it.
    #[n(0)]
    pub k: u32,
    /// Distinct main diagnoses, as they became public.
    #[n(1)]
    pub l: u32,
    /// The rows of the most frequent of them.
    #[n(2)]
    pub largest: u32,
    /// The distance of the diagnoses from the public reference, in thousandths, rounded up.
    #[n(3)]
    pub t: u16,
}

/// What is said of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BatchFacts<K = Class> {
    /// Random.
    #[n(0)]
    pub id: BatchId,
    /// The class of all of its rows.
    #[n(1)]
    pub class: K,
    /// The policy that each of its patients consented to.
    #[n(2)]
    pub policy: Digest,
    /// The epoch it came with.
    #[n(3)]
    pub epoch: u64,
    /// The batch of which it is what remained: its rows were all in there. That one is hidden.
    #[n(4)]
    pub follows: Option<BatchId>,
    /// What it reaches.
    #[n(5)]
    pub reached: Reached,
}

/// A batch: what goes public together, and together is hidden.
///
/// Anybody can write one down; only the gate makes a [`Release`](super::Release). Whoever reads one checks it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Batch<K = Class> {
    /// What is said of it.
    #[n(0)]
    pub facts: BatchFacts<K>,
    /// Its rows, in an order that means nothing.
    #[n(1)]
    pub rows: Vec<PublicRow<K>>,
}

wire! {
    PublicRow: "public row", 4096;
    BatchFacts: "facts of a batch", 512;
    Batch: "batch", 24 * 1024 * 1024;
}

impl<K: Ord> Batch<K> {
    /// Checks the rows, and that the facts are those of the rows.
    ///
    /// # Errors
    /// What is [`Broken`].
    pub fn check(&self, rules: &GateRules, codes: &Codes) -> Result<(), Broken> {
        let is_theirs = |row: &PublicRow<K>| row.batch == self.facts.id && row.class == self.facts.class;
        if !self.rows.iter().all(is_theirs) {
            return Err(Broken::Class);
        }
        if check_rows(rules, codes, &self.rows)? == self.facts.reached { Ok(()) } else { Err(Broken::Facts) }
    }
}

/// What is wrong with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// More rows or values than there may be, or an id twice.
    #[error("the batch is out of bounds")]
    Bounds,
    /// Rows of several classes or batches.
    #[error("the rows are not of one class and batch")]
    Class,
    /// A code the tree does not have.
    #[error("a code is not in the tree")]
    Code,
    /// The facts are not those of the rows.
    #[error("the facts are not those of the rows")]
    Facts,
    /// Fewer rows than k.
    #[error("too few rows")]
    Few,
    /// A value, outcome, timeline or diagnosis that too few rows share, or too few lack.
    #[error("a value is too rare to be shown")]
    Rare,
    /// One diagnosis has too large a share.
    #[error("one diagnosis has too large a share")]
    Share,
    /// The diagnoses are too far from the reference.
    #[error("the diagnoses are too far from the public reference")]
    T,
    /// Too few distinct diagnoses.
    #[error("too few distinct diagnoses")]
    L,
}

/// Checks the rows of a batch against the rules; from the public rows alone.
///
/// That each row is another patient's cannot be seen on the rows: it is the gate's word.
///
/// # Errors
/// The first thing that is [`Broken`].
pub fn check_rows<K: Ord>(
    rules: &GateRules,
    codes: &Codes,
    rows: &[PublicRow<K>],
) -> Result<Reached, Broken> {
    let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    let are_new = ids.windows(2).all(|pair| matches!(pair, [one, other] if one != other));
    let is_bounded = |row: &PublicRow<K>| {
        row.said.values.len() <= ABSTRACT_VALUES_MAX && row.said.weeks.len() <= ABSTRACT_WEEKS_MAX
    };
    if rows.len() > PUBLIC_BATCH_ROWS_MAX || !are_new || !rows.iter().all(is_bounded) {
        return Err(Broken::Bounds);
    }
    if rows
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one.class != other.class || one.batch != other.batch))
    {
        return Err(Broken::Class);
    }
    let Ok(k) = u32::try_from(rows.len()) else { return Err(Broken::Bounds) };
    if k == 0 || k < rules.k() {
        return Err(Broken::Few);
    }
    let counts = counted(rows.iter().map(|row| row.said.diagnosis));
    if counts.keys().any(|code| codes.chapter(*code).is_none()) {
        return Err(Broken::Code);
    }
    if !are_common(rules, codes, &counts) || !coarsen::is_settled(rules, rows.iter().map(|row| &row.said)) {
        return Err(Broken::Rare);
    }
    judge(rules, codes, &counts)
}

/// The conditions on the diagnoses of a batch, counted as they become public.
pub(super) fn judge(
    rules: &GateRules,
    codes: &Codes,
    counts: &BTreeMap<Code, u32>,
) -> Result<Reached, Broken> {
    let k = counts.values().sum::<u32>();
    let largest = counts.values().copied().max().unwrap_or(0);
    let l = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    if l < rules.l() {
        return Err(Broken::L);
    }
    let (numerator, denominator) = rules.share();
    if u64::from(largest) * u64::from(denominator) > u64::from(k) * u64::from(numerator) {
        return Err(Broken::Share);
    }
    let t = distance::distance(codes, counts);
    if t > rules.t() {
        return Err(Broken::T);
    }
    Ok(Reached { k, l, largest, t })
}

/// Whether each main diagnosis is as common as the rules ask. A chapter may be rarer where all rows are of that chapter:
/// then it says nothing.
fn are_common(rules: &GateRules, codes: &Codes, counts: &BTreeMap<Code, u32>) -> bool {
    let is_one = codes.chapters(counts.keys()).len() == 1;
    counts.iter().all(|(code, count)| *count >= rules.rare() || (is_one && matches!(code, Code::Chapter(_))))
}

/// How often each occurs.
pub(super) fn counted<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u32> {
    let mut counts = BTreeMap::new();
    let mut run: Option<(T, u32)> = None;
    for item in items {
        match &mut run {
            Some((same, count)) if *same == item => *count += 1,
            _ => {
                if let Some((other, count)) = run.replace((item, 1)) {
                    *counts.entry(other).or_default() += count;
                }
            }
        }
    }
    if let Some((last, count)) = run {
        *counts.entry(last).or_default() += count;
    }
    counts
}

impl<K> fmt::Display for BatchFacts<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reached { k, l, largest, t } = self.reached;
        write!(f, "batch {}: {k} patients, {l} diagnoses, at most {largest} of one, t 0.{t:03}", self.id)
    }
}
