//! ICD-10: categories lie in blocks, blocks in chapters.

use std::sync::LazyLock;

use crate::public::{Icd3, hierarchy::rows};

pub(super) const TEXT: &str = include_str!("../data/icd10.tsv");

/// A chapter of ICD-10, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chapter(u8);

/// A block of ICD-10: the categories of one kind inside a chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Block {
    /// Its first category.
    pub first: Icd3,
    /// Its last category.
    pub last: Icd3,
    /// The chapter it lies in.
    pub chapter: Chapter,
    /// What it is about, in our own short words.
    pub title: &'static str,
}

#[derive(Default)]
struct Table {
    chapters: Vec<(Chapter, &'static str)>,
    blocks: Vec<Block>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for row in rows(TEXT) {
        let &[number, first, last, title] = row.as_slice() else { continue };
        if let Ok(number) = number.parse() {
            table.chapters.push((Chapter(number), title));
        } else if let (Ok(first), Ok(last), Some((chapter, _))) =
            (Icd3::parse(first), Icd3::parse(last), table.chapters.last())
        {
            table.blocks.push(Block { first, last, chapter: *chapter, title });
        }
    }
    table
});

impl Chapter {
    /// How many there are.
    pub const COUNT: u8 = 22;

    /// The chapter of this number.
    #[must_use]
    pub const fn numbered(number: u8) -> Option<Self> {
        if number == 0 || number > Self::COUNT { None } else { Some(Self(number)) }
    }

    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.chapters.iter().map(|(chapter, _)| *chapter)
    }

    /// Its number, from one.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// What it is about, in our own short words.
    #[must_use]
    pub fn title(self) -> &'static str {
        let own = TABLE.chapters.iter().find(|(chapter, _)| *chapter == self);
        own.map(|(_, title)| *title).unwrap_or_default()
    }
}

impl Block {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.blocks.iter().copied()
    }
}

impl Icd3 {
    /// The block it lies in; none if ICD-10 has no such category.
    #[must_use]
    pub fn block(self) -> Option<Block> {
        TABLE.blocks.iter().find(|block| (block.first..=block.last).contains(&self)).copied()
    }

    /// The chapter it lies in; none if ICD-10 has no such category.
    #[must_use]
    pub fn chapter(self) -> Option<Chapter> {
        self.block().map(|block| block.chapter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_rise_and_do_not_overlap_and_each_chapter_has_its_own() {
        let blocks: Vec<_> = Block::all().collect();
        assert_eq!((Chapter::all().count(), blocks.len()), (22, 263));
        assert!(Chapter::all().map(Chapter::number).eq(1..=Chapter::COUNT));
        assert!(blocks.iter().all(|block| block.first <= block.last && !block.title.is_empty()));
        // Chapter 22 was added last, and its letter stands before V.
        let mut sorted = blocks.clone();
        sorted.sort_by_key(|block| block.first);
        assert!(sorted.iter().zip(sorted.iter().skip(1)).all(|(one, next)| one.last < next.first));
        for row in rows(TEXT).filter(|row| row.first() != Some(&".")) {
            let chapter = Chapter(row.first().unwrap().parse().unwrap());
            let own: Vec<_> = blocks.iter().filter(|block| block.chapter == chapter).collect();
            let (first, last) = (own.first().unwrap(), own.last().unwrap());
            assert_eq!(Some(&first.first.as_str()), row.get(1));
            assert!(Some(&last.last.as_str()) <= row.get(2), "{chapter:?}");
        }
    }

    #[test]
    fn a_category_has_its_parents_or_none() {
        let parents = |category: &str| {
            let block = Icd3::parse(category).unwrap().block()?;
            Some((block.first.to_string(), block.chapter.number()))
        };
        assert_eq!(parents("J45"), Some(("J40".to_owned(), 10)));
        assert_eq!(parents("D48"), Some(("D37".to_owned(), 2)));
        assert_eq!(parents("D50"), Some(("D50".to_owned(), 3)));
        assert_eq!(parents("Y98"), Some(("Y90".to_owned(), 20)));
        assert_eq!(parents("U07"), Some(("U00".to_owned(), 22)));
        assert_eq!(parents("E91"), None);
        assert_eq!(parents("A14"), None);
    }
}
