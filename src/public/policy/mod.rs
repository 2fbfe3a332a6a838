//! The public policy: fixed in advance, read by everyone, named by its digest.
//!
//! ```text
//! text (TOML) ─ parse ─▶ PublicPolicy ─ codec::encode ─▶ CBOR ─ H("public policy"; CBOR) ─▶ the digest abstracts and charters name
//! ```
//!
//! A [`PublicPolicy`] is sound by being there: whoever has one got it from [`PublicPolicy::parse`] or from its one encoding, and
//! both refuse what is not. How coarse each quasi-identifier is, its grids say; which grid a case stands on, a rule over
//! the case's own values. Nothing in it looks at other cases.

mod check;
mod explain;
mod fault;
mod grid;
mod results;
mod rules;
mod text;

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

pub use self::{
    explain::Reader,
    fault::PolicyFault,
    grid::{AgeBand, Ages, Axis, Chapters, Coarser, Field, Grid, Group, Sex, Years},
    results::{ResultRule, micros},
};
pub(crate) use grid::Facts;

use crate::{
    codec::{self, coded, wire},
    crypto::{Label, kdf::digest},
    id::Digest,
    public::{Class, hierarchy},
};

coded! {
    /// What a value in too few rows of a batch is coarsened to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Parent {
        /// The block of ICD-10 it lies in.
        Block = 1, "block";
        /// The chapter of ICD-10 it lies in.
        Chapter = 2, "chapter";
    }
}

/// A part of a whole, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Share {
    /// So many …
    #[n(0)]
    pub of: u32,
    /// … of so many.
    #[n(1)]
    pub out_of: u32,
}

/// How long one epoch of the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[non_exhaustive]
pub enum Every {
    /// So many calendar months.
    #[n(0)]
    Months(#[n(0)] u16),
    /// So many weeks.
    #[n(1)]
    Weeks(#[n(0)] u16),
}

/// The fields, as they are encoded; nothing here says that they are sound.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Terms {
    #[n(0)]
    name: String,
    #[n(1)]
    version: u32,
    /// The digest of the hierarchies it was made for.
    #[n(2)]
    tables: Digest,
    #[n(3)]
    k: u32,
    #[n(4)]
    l: u32,
    #[n(5)]
    share: Share,
    /// In thousandths.
    #[n(6)]
    t: u16,
    #[n(7)]
    epoch: Every,
    #[n(8)]
    people_min: u64,
    /// The finer, and, if there is one, the coarser.
    #[n(9)]
    grids: Vec<Grid>,
    #[n(10)]
    coarser: Option<Coarser>,
    #[n(11)]
    results: Vec<ResultRule>,
    #[n(12)]
    drugs: BTreeSet<u32>,
    #[n(13)]
    procedures: BTreeSet<u64>,
    /// The first week of each band.
    #[n(14)]
    weeks: Vec<u16>,
    #[n(15)]
    rare: Vec<Parent>,
}

/// A public policy, sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPolicy(Terms);

wire! { PublicPolicy: "public policy", crate::limits::PUBLIC_POLICY_BYTES_MAX; }

impl PublicPolicy {
    /// Reads a policy's text.
    ///
    /// # Errors
    /// [`PolicyFault`]: the first thing that is not as a policy's must be.
    pub fn parse(text: &str) -> Result<Self, PolicyFault> {
        Self::checked(text::read(text)?)
    }

    /// The default: for a platform of many patients.
    ///
    /// # Errors
    /// None, unless the crate was built from other files.
    pub fn shipped_default() -> Result<Self, PolicyFault> {
        Self::parse(Self::DEFAULT_TEXT)
    }

    /// The one for a small platform: few patients, one coarse grid.
    ///
    /// # Errors
    /// None, unless the crate was built from other files.
    pub fn shipped_small() -> Result<Self, PolicyFault> {
        Self::parse(Self::SMALL_TEXT)
    }

    /// The text of [`Self::shipped_default`], to begin one's own with.
    pub const DEFAULT_TEXT: &str = include_str!("../data/default.toml");

    /// The text of [`Self::shipped_small`].
    pub const SMALL_TEXT: &str = include_str!("../data/small.toml");

    /// The policy by hash: what abstracts, consents and charters name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::PublicPolicy, &[&codec::encode(self)])
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its version, from one.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.0.version
    }

    /// The fewest distinct patients of a batch, of what a batch takes away, and of rows that share a value.
    #[must_use]
    pub const fn k(&self) -> u32 {
        self.0.k
    }

    /// The fewest distinct diagnoses of a batch.
    #[must_use]
    pub const fn l(&self) -> u32 {
        self.0.l
    }

    /// The largest share that one diagnosis has of a batch.
    #[must_use]
    pub const fn share(&self) -> Share {
        self.0.share
    }

    /// The farthest a batch's diagnoses are from the public reference, in thousandths.
    #[must_use]
    pub const fn t_thousandths(&self) -> u16 {
        self.0.t
    }

    /// How long one epoch of the pool is.
    #[must_use]
    pub const fn epoch(&self) -> Every {
        self.0.epoch
    }

    /// The fewest people that live in a place that is told.
    #[must_use]
    pub const fn people_min(&self) -> u64 {
        self.0.people_min
    }

    /// The grids: the finer, and, if there is one, the coarser.
    #[must_use]
    pub fn grids(&self) -> &[Grid] {
        &self.0.grids
    }

    /// Which cases stand on the coarser grid.
    #[must_use]
    pub const fn coarser(&self) -> Option<Coarser> {
        self.0.coarser
    }

    /// The tests whose results enter, as [`Value::Result`](crate::public::Value::Result) numbers them.
    #[must_use]
    pub fn results(&self) -> &[ResultRule] {
        &self.0.results
    }

    /// The drugs that enter, by their RxNorm concepts.
    #[must_use]
    pub const fn drugs(&self) -> &BTreeSet<u32> {
        &self.0.drugs
    }

    /// The procedures that enter, by their SNOMED CT concepts.
    #[must_use]
    pub const fn procedures(&self) -> &BTreeSet<u64> {
        &self.0.procedures
    }

    /// The first week of each band of a timeline.
    #[must_use]
    pub fn weeks(&self) -> &[u16] {
        &self.0.weeks
    }

    /// What a value in too few rows is coarsened to, step by step, before it is left out.
    #[must_use]
    pub fn rare(&self) -> &[Parent] {
        &self.0.rare
    }

    /// The quasi-identifiers, in the order of a class's bins: those that some grid tells.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(|field| self.0.grids.iter().any(|grid| grid.tells(*field)))
    }

    /// The quasi-identifiers, with what each of their values is called on a grid: one that this grid does not tell has one
    /// value, [`Self::UNTOLD`].
    #[must_use]
    pub fn axes(&self, grid: u8) -> Vec<Axis> {
        let Some(grid) = self.0.grids.get(usize::from(grid)) else { return Vec::new() };
        let labels = |field| {
            let told = grid.labels_of(field, self.0.people_min);
            told.unwrap_or_else(|| vec![Self::UNTOLD.to_owned()])
        };
        self.fields().map(|field| Axis { field, labels: labels(field) }).collect()
    }

    /// What the only value of a quasi-identifier is called that a grid does not tell.
    pub const UNTOLD: &str = "not told";

    /// What each band of weeks is called.
    #[must_use]
    pub fn week_labels(&self) -> Vec<String> {
        let label = |(start, next): (&u16, Option<&u16>)| match next.map(|next| next.saturating_sub(1)) {
            None => format!("{start} and later"),
            Some(last) if last == *start => start.to_string(),
            Some(last) => format!("{start}-{last}"),
        };
        let nexts = self.0.weeks.iter().skip(1).map(Some).chain([None]);
        self.0.weeks.iter().zip(nexts).map(label).collect()
    }

    /// Where a case stands, by its own values alone.
    pub(crate) fn class_of(&self, facts: &Facts) -> Class {
        let number = u8::from(self.0.coarser.is_some_and(|rule| rule.takes(facts)));
        let grid = self.0.grids.get(usize::from(number));
        let bin = |field| {
            let told = grid.and_then(|grid| grid.number_of(field, facts, self.0.people_min));
            u16::try_from(told.unwrap_or_default()).unwrap_or(u16::MAX)
        };
        Class { grid: number, bins: self.fields().map(bin).collect() }
    }

    fn checked(terms: Terms) -> Result<Self, PolicyFault> {
        if terms.tables != hierarchy::tables() {
            return Err(PolicyFault::Tables);
        }
        check::check(&terms)?;
        Ok(Self(terms))
    }
}

impl<C> Encode<C> for PublicPolicy {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(e, context)
    }
}

impl<'b, C> Decode<'b, C> for PublicPolicy {
    fn decode(d: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::checked(Terms::decode(d, context)?).map_err(minicbor::decode::Error::custom)
    }
}
