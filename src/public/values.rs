//! What an abstract can say: closed types, with no field for a direct identifier.

use std::{collections::BTreeSet, fmt};

use minicbor::{Decode, Encode};

use crate::{
    codec::{Malformed, coded, wire},
    id::Digest,
    limits::{ABSTRACT_VALUES_MAX, ABSTRACT_WEEKS_MAX, QUASI_IDENTIFIERS_MAX},
};

/// Where a case stands on the policy's grid: for each of the policy's quasi-identifiers, in its order, which of its values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Class {
    /// Which of the policy's grids: 0 the finer, 1 the coarser one.
    #[n(0)]
    pub grid: u8,
    /// The value of each quasi-identifier, as its number among those that this grid has for it.
    #[n(1)]
    pub bins: Vec<u16>,
}

impl Class {
    /// Whether no more is said than five quasi-identifiers may say.
    pub(crate) fn is_bounded(&self) -> bool {
        self.grid < 2 && self.bins.len() <= QUASI_IDENTIFIERS_MAX
    }
}

/// A category of ICD-10: a letter, a digit, and a digit or letter, as in `J45`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Icd3([u8; 3]);

impl Icd3 {
    /// Reads a category.
    ///
    /// # Errors
    /// [`Malformed`] if it has not the form of one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match text.as_bytes() {
            [letter, digit, last]
                if letter.is_ascii_uppercase()
                    && digit.is_ascii_digit()
                    && (last.is_ascii_digit() || last.is_ascii_uppercase()) =>
            {
                Ok(Self([*letter, *digit, *last]))
            }
            _ => Err(Malformed("ICD-10 category")),
        }
    }

    /// The category, as three characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Icd3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Icd3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Icd3({self})")
    }
}

impl<C> Encode<C> for Icd3 {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Icd3 {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::parse(d.str()?).map_err(minicbor::decode::Error::custom)
    }
}

/// A sensitive value beside the diagnosis, coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[non_exhaustive]
pub enum Value {
    /// A further diagnosis.
    #[n(0)]
    Diagnosis(#[n(0)] Icd3),
    /// A drug, by its RxNorm concept.
    #[n(1)]
    Drug(#[n(0)] u32),
    /// A result: which of the policy's tests, and which of its clinical bins.
    #[n(2)]
    Result(#[n(0)] u16, #[n(1)] u8),
    /// A procedure, by its SNOMED CT concept, if the policy's vocabulary has it.
    #[n(3)]
    Procedure(#[n(0)] u64),
}

coded! {
    /// How a case ended, as far as it is known.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Outcome {
        /// Not known.
        Unknown = 1, "unknown";
        /// The condition has ended.
        Resolved = 2, "resolved";
        /// It goes on.
        Ongoing = 3, "ongoing";
        /// The patient died.
        Died = 4, "died";
    }
}

coded! {
    /// How much of something there was, in words: a number would be a fingerprint.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Amount {
        /// None.
        None = 1, "none";
        /// One to three.
        Few = 2, "a few";
        /// More.
        Many = 3, "many";
    }
}

/// A step of a case's timeline: how many bands of weeks after its beginning, by the policy's bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct WeekBand(#[n(0)] pub u8);

/// What did not enter: free text, pictures, voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct LeftOut {
    /// Notes, letters, narratives.
    #[n(0)]
    pub texts: Amount,
    /// Pictures.
    #[n(1)]
    pub pictures: Amount,
    /// Voice.
    #[n(2)]
    pub voice: Amount,
}

/// An anonymised case, as its patient saw it before she said yes.
///
/// Sets are in order and have no repetition, and there is one encoding: nothing is said by order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Abstract {
    /// The digest of the public policy it was made under.
    #[n(0)]
    pub policy: Digest,
    /// Where it stands on the grid.
    #[n(1)]
    pub class: Class,
    /// The main diagnosis.
    #[n(2)]
    pub diagnosis: Icd3,
    /// The other values.
    #[n(3)]
    pub values: BTreeSet<Value>,
    /// How it ended.
    #[n(4)]
    pub outcome: Outcome,
    /// When something was written, in bands of weeks.
    #[n(5)]
    pub weeks: BTreeSet<WeekBand>,
    /// What did not enter.
    #[n(6)]
    pub left_out: LeftOut,
}

wire! { Abstract: "abstract", 2048; }

impl Abstract {
    /// Whether it says no more than an abstract may.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.class.is_bounded()
            && self.values.len() <= ABSTRACT_VALUES_MAX
            && self.weeks.len() <= ABSTRACT_WEEKS_MAX
    }
}
