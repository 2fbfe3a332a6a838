//! The gate: one pure function, and the only maker of a [`Release`].
//!
//! ```text
//! offer of one class ─▶ one row a person ─▶ plan: hold back, coarsen diagnoses ─▶ coarsen values ─▶ check_rows ─▶ Release
//! ```
//!
//! What is offered is of one class: all quasi-identifiers are equal. So a batch of at least k persons is a group of at least k
//! under every subset of them, and whatever is made of whole batches is, too: a public area that only ever gains and loses
//! whole batches, or at least k persons of one, differs between any two moments by nobody or by at least k, in every group
//! that quasi-identifiers make. This is why a class that is open stays shut to the next single case.
//!
//! The decision depends on the class's own candidates alone: nothing else is an argument.
//!
//! Who knows more of a person than the quasi-identifiers (drugs, results, dates) may know her again: values are shared by k
//! rows each, not in every combination.
//!
//! A release is made here, and nowhere else:
//!
//! ```compile_fail
//! fn forge(batch: casevault::public::Batch) -> casevault::public::Release {
//!     casevault::public::Release { batch }
//! }
//! ```

use std::collections::BTreeMap;

use crate::{
    codec::Malformed,
    crypto::Random,
    id::{BatchId, Digest, Handle, PersonToken, PublicId},
    limits::PUBLIC_BATCH_ROWS_MAX,
    public::{Batch, BatchFacts, Class, Code, Codes, PublicRow, Said, check_rows, release::counted},
};

pub(super) mod coarsen;
pub(super) mod distance;
pub(super) mod plan;

/// What a batch must be to become public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateRules {
    k: u32,
    l: u32,
    share: (u32, u32),
    t: u16,
    rare: u32,
}

impl GateRules {
    /// At least `k` patients, `l` distinct main diagnoses, no one of them in more than `share` (numerator, denominator) of the
    /// rows; a distance of at most `t` thousandths from the public reference; and no main diagnosis that fewer than `rare`
    /// rows have: it becomes its block, or its chapter.
    ///
    /// # Errors
    /// [`Malformed`] if `k` is below 2, `l` or `rare` 0 or above `k`, the share not in (0, 1], or `t` above 1000.
    pub fn new(k: u32, l: u32, share: (u32, u32), t: u16, rare: u32) -> Result<Self, Malformed> {
        let counts = 1..=k;
        let is_sound = k >= 2 && counts.contains(&l) && counts.contains(&rare);
        if is_sound && share.0 > 0 && share.0 <= share.1 && t <= 1000 {
            Ok(Self { k, l, share, t, rare })
        } else {
            Err(Malformed("rules of the gate"))
        }
    }

    /// The fewest patients of a batch, and of any change.
    #[must_use]
    pub const fn k(&self) -> u32 {
        self.k
    }

    /// The fewest distinct main diagnoses.
    #[must_use]
    pub const fn l(&self) -> u32 {
        self.l
    }

    /// The largest share of one main diagnosis: numerator, denominator.
    #[must_use]
    pub const fn share(&self) -> (u32, u32) {
        self.share
    }

    /// The largest distance from the public reference, in thousandths.
    #[must_use]
    pub const fn t(&self) -> u16 {
        self.t
    }

    /// The fewest rows of a main diagnosis that is shown as it is.
    #[must_use]
    pub const fn rare(&self) -> u32 {
        self.rare
    }
}

/// One row that may go out, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which case.
    pub handle: Handle,
    /// Which person.
    pub token: PersonToken,
    /// What it says.
    pub said: Said,
}

/// The candidates of one class, and what a batch of them would be.
#[derive(Debug, Clone)]
pub struct Offer<K = Class> {
    /// The class of all of them.
    pub class: K,
    /// The policy that all of them were made under.
    pub policy: Digest,
    /// The epoch.
    pub epoch: u64,
    /// The batch they were public in, if they were.
    pub follows: Option<BatchId>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// A batch that passed the gate.
///
/// It has no public field, no other constructor, and does not decode: who holds one has it from [`gate`]. What is stored and
/// sent is its [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release<K = Class> {
    batch: Batch<K>,
}

impl<K> Release<K> {
    /// What goes public.
    #[must_use]
    pub const fn batch(&self) -> &Batch<K> {
        &self.batch
    }

    /// What goes public, to keep.
    #[must_use]
    pub fn into_batch(self) -> Batch<K> {
        self.batch
    }
}

/// A release, and what only the curator may know: which row is whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed<K = Class> {
    /// What goes public.
    pub release: Release<K>,
    /// Of each row, in their order, the case and the person.
    pub owners: Vec<(Handle, PersonToken)>,
}

/// Why a class stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Held {
    /// Too few patients.
    #[error("too few patients")]
    Few,
    /// Too few distinct diagnoses.
    #[error("too few distinct diagnoses")]
    L,
    /// One diagnosis has too large a share, and without it too little is left.
    #[error("one diagnosis has too large a share")]
    Share,
    /// The diagnoses are too far from what is usual, and without some of them too little is left.
    #[error("the diagnoses are too far from the public reference")]
    T,
}

/// Makes a batch of the candidates of one class, or nothing.
///
/// Of several cases of one person the one with the smallest handle counts. Ids, order, and which rows are held back, are of
/// the randomness.
///
/// # Errors
/// What the class lacks; then nothing goes out.
pub fn gate<K: Ord + Clone>(
    rules: &GateRules,
    codes: &Codes,
    offer: Offer<K>,
    random: &mut Random,
) -> Result<Passed<K>, Held> {
    let Offer { class, policy, epoch, follows, mut candidates } = offer;
    let k = usize::try_from(rules.k()).unwrap_or(usize::MAX);
    if candidates.len() < k {
        return Err(Held::Few);
    }
    one_a_person(&mut candidates);
    shuffle(&mut candidates, random);
    candidates.truncate(PUBLIC_BATCH_ROWS_MAX);
    let mut counts = counted(candidates.iter().map(|candidate| candidate.said.diagnosis));
    // What the tree does not have is not kept.
    counts.retain(|code, _| codes.chapter(*code).is_some());
    let mut plan = plan::plan(rules, codes, counts)?;
    candidates.retain(|candidate| take(&mut plan.keep, candidate.said.diagnosis));
    let mut owners = Vec::with_capacity(candidates.len());
    let mut said = Vec::with_capacity(candidates.len());
    for mut candidate in candidates {
        if let Some(public) = plan.published.get(&candidate.said.diagnosis) {
            candidate.said.diagnosis = *public;
        }
        owners.push((candidate.handle, candidate.token));
        said.push(candidate.said);
    }
    coarsen::settle(rules, codes, &mut said);
    let id = BatchId::from_bytes(random.bytes());
    let row =
        |said| PublicRow { id: PublicId::from_bytes(random.bytes()), batch: id, class: class.clone(), said };
    let rows: Vec<PublicRow<K>> = said.into_iter().map(row).collect();
    // What leaves has passed the check that everybody can repeat.
    match check_rows(rules, codes, &rows) {
        Ok(reached) if reached == plan.reached => {
            let facts = BatchFacts { id, class, policy, epoch, follows, reached };
            Ok(Passed { release: Release { batch: Batch { facts, rows } }, owners })
        }
        Ok(_) | Err(_) => Err(Held::Few),
    }
}

/// Leaves one candidate of each person: the one with the smallest handle.
pub(super) fn one_a_person(candidates: &mut Vec<Candidate>) {
    // Mostly there is nothing to do, and beginnings of tokens are enough to see that.
    let begin =
        |it: &Candidate| it.token.as_bytes().first_chunk().map_or(0, |begin| u128::from_be_bytes(*begin));
    let mut begins: Vec<u128> = candidates.iter().map(begin).collect();
    begins.sort_unstable();
    if begins.windows(2).all(|pair| matches!(pair, [one, other] if one != other)) {
        return;
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.token, candidate.handle));
    candidates.dedup_by_key(|candidate| candidate.token);
}

/// Takes one of those to keep, if any is left.
fn take(keep: &mut BTreeMap<Code, u32>, code: Code) -> bool {
    let Some(left) = keep.get_mut(&code).filter(|left| **left > 0) else { return false };
    *left -= 1;
    true
}

/// Any order is as likely as any other.
pub(super) fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        let drawn = u128::from(u64::from_be_bytes(random.bytes()));
        let bound = u128::try_from(last).unwrap_or(0) + 1;
        items.swap(last, usize::try_from((drawn * bound) >> 64).unwrap_or(last));
    }
}
