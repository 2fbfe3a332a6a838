//! The code tree: categories of ICD-10 in blocks, blocks in chapters; and how common each category is in public.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use minicbor::{Decode, Encode};

use super::Icd3;
use crate::codec::Malformed;

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

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category(category) => write!(f, "{category}"),
            Self::Block(first, last) => write!(f, "{first}-{last}"),
            Self::Chapter(chapter) => write!(f, "chapter {chapter}"),
        }
    }
}

/// A block of the tree, with what the reference says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    last: Icd3,
    pub(super) chapter: u8,
    /// The block's part of its chapter, over the chapter's [`Codes::whole`].
    pub(super) part: u64,
    /// What the parts of its categories add up to; 0 if the reference knows none.
    pub(super) whole: u64,
}

/// The tree, and the public reference: how often each category occurs among the cases of its chapter.
///
/// A chapter of which the reference has nothing is taken as uniform: each of its blocks is as common as the next, and so
/// is each category between a block's first and last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    blocks: BTreeMap<Icd3, Block>,
    weights: BTreeMap<Icd3, u32>,
    chapters: BTreeMap<u8, Chapter>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Chapter {
    whole: u64,
    is_uniform: bool,
}

impl Codes {
    /// A tree of blocks (first category, last category, chapter), and the weights of categories: counts, of any total.
    ///
    /// # Errors
    /// [`Malformed`] if blocks overlap or end before they begin, if a category stands in none of them or twice, or if a
    /// chapter's weights exceed 2³² together.
    pub fn new(
        blocks: impl IntoIterator<Item = (Icd3, Icd3, u8)>,
        weights: impl IntoIterator<Item = (Icd3, u32)>,
    ) -> Result<Self, Malformed> {
        let mut tree = Self { blocks: BTreeMap::new(), weights: BTreeMap::new(), chapters: BTreeMap::new() };
        for (first, last, chapter) in blocks {
            let block = Block { last, chapter, part: 0, whole: 0 };
            if last < first || tree.blocks.insert(first, block).is_some() {
                return Err(Malformed("block of ICD-10"));
            }
            tree.chapters.insert(chapter, Chapter::default());
        }
        let mut end = None;
        for (first, block) in &tree.blocks {
            if end.is_some_and(|end| end >= *first) {
                return Err(Malformed("block of ICD-10"));
            }
            end = Some(block.last);
        }
        for (category, weight) in weights {
            let Some((first, _)) = tree.block(category) else {
                return Err(Malformed("category of a reference"));
            };
            if tree.weights.insert(category, weight).is_some() {
                return Err(Malformed("category of a reference"));
            }
            if let Some(block) = tree.blocks.get_mut(&first) {
                block.whole += u64::from(weight);
            }
        }
        tree.weigh()?;
        Ok(tree)
    }

    fn weigh(&mut self) -> Result<(), Malformed> {
        for block in self.blocks.values() {
            self.chapters.entry(block.chapter).or_default().whole += block.whole;
        }
        for chapter in self.chapters.values_mut() {
            if chapter.whole > u64::from(u32::MAX) {
                return Err(Malformed("weights of a reference"));
            }
            chapter.is_uniform = chapter.whole == 0;
        }
        for (first, block) in &mut self.blocks {
            let Some(chapter) = self.chapters.get_mut(&block.chapter) else { continue };
            if chapter.is_uniform {
                chapter.whole += 1;
                (block.part, block.whole) = (1, span(*first, block.last));
            } else {
                block.part = block.whole;
            }
        }
        Ok(())
    }

    /// The block that a category belongs to, by its first and its last category.
    #[must_use]
    pub fn block(&self, category: Icd3) -> Option<(Icd3, Icd3)> {
        let (first, block) = self.blocks.range(..=category).next_back()?;
        (category <= block.last).then_some((*first, block.last))
    }

    /// The chapter that a code belongs to, if the tree has the code.
    #[must_use]
    pub fn chapter(&self, code: Code) -> Option<u8> {
        match code {
            Code::Category(category) => Some(self.blocks.get(&self.block(category)?.0)?.chapter),
            Code::Block(first, last) => {
                self.blocks.get(&first).filter(|block| block.last == last).map(|block| block.chapter)
            }
            Code::Chapter(chapter) => self.chapters.contains_key(&chapter).then_some(chapter),
        }
    }

    /// The next coarser code, if there is one: of a category its block, of a block its chapter.
    #[must_use]
    pub fn parent(&self, code: Code) -> Option<Code> {
        match code {
            Code::Category(category) => self.block(category).map(|(first, last)| Code::Block(first, last)),
            Code::Block(..) => self.chapter(code).map(Code::Chapter),
            Code::Chapter(_) => None,
        }
    }

    /// Whether the first is the second, or above it in the tree.
    #[must_use]
    pub fn covers(&self, above: Code, below: Code) -> bool {
        above == below || self.parent(below).is_some_and(|parent| self.covers(above, parent))
    }

    /// The first category of the block that a code is in; none for a chapter.
    pub(super) fn first(&self, code: Code) -> Option<Icd3> {
        match code {
            Code::Category(category) => self.block(category).map(|(first, _)| first),
            Code::Block(first, _) => Some(first),
            Code::Chapter(_) => None,
        }
    }

    /// A block by its first category.
    pub(super) fn block_at(&self, first: Icd3) -> Option<&Block> {
        self.blocks.get(&first)
    }

    /// What the parts of a chapter's blocks add up to.
    pub(super) fn whole(&self, chapter: u8) -> u64 {
        self.chapters.get(&chapter).map_or(0, |chapter| chapter.whole)
    }

    /// A category's part of its block.
    pub(super) fn part(&self, category: Icd3, block: &Block) -> u64 {
        match self.chapters.get(&block.chapter) {
            Some(chapter) if chapter.is_uniform => 1,
            Some(_) | None => self.weights.get(&category).copied().map_or(0, u64::from),
        }
    }

    /// The chapters of these codes.
    pub(super) fn chapters<'c>(&self, codes: impl Iterator<Item = &'c Code>) -> BTreeSet<u8> {
        codes.filter_map(|code| self.chapter(*code)).collect()
    }
}

/// How many categories there are at most between these two, both counted.
fn span(first: Icd3, last: Icd3) -> u64 {
    let number = |category: Icd3| {
        category.as_str().bytes().fold(0, |number, symbol| match symbol {
            b'0'..=b'9' => number * 10 + u64::from(symbol - b'0'),
            _ if number == 0 => u64::from(symbol),
            // A letter in the last place stands behind the nine digits.
            _ => number * 10 + 9,
        })
    };
    number(last).saturating_sub(number(first)) + 1
}
