//! What became public: rows, in batches, and what anyone can check about a batch.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use super::{Class, Icd3, LeftOut, Outcome, Value, WeekBand};
use crate::{
    codec::wire,
    id::{BatchId, Digest, PublicId},
};

/// A diagnosis as it becomes public: itself, or the block or the chapter it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[expect(clippy::exhaustive_enums, reason = "the three levels of the code tree")]
pub enum Code {
    /// A category, as `J45`.
    #[n(0)]
    Category(#[n(0)] Icd3),
    /// A block, by its first and its last category, as `J40-J47`.
    #[n(1)]
    Block(#[n(0)] Icd3, #[n(1)] Icd3),
    /// A chapter, by its number.
    #[n(2)]
    Chapter(#[n(0)] u8),
}

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

wire! {
    PublicRow: "public row", 4096;
    BatchFacts: "facts of a batch", 512;
}
