//! How far the diagnoses of a batch are from what is usual in their chapter: t-closeness by hierarchical distance.
//!
//! The earth mover's distance over the code tree: category (level 0), block (1), chapter (2), all codes (3). To move a share
//! of the rows from one category to another costs the level of the lowest node above both, over 3: 1/3 inside a block, 2/3
//! inside a chapter. Over a tree this is a sum over its edges,
//!
//! ```text
//! Σ over categories and blocks v of │share of the batch below v − share of the reference below v│ / 6
//! ```
//!
//! A batch is compared chapter by chapter, each chapter with the public reference *of that chapter* and weighted by its rows:
//! that all rows are of one chapter, their class says anyway. What became public as a block or chapter stands for its
//! categories as the reference has them: that is what a reader knows of it. All in integers, rounded up.

use std::collections::BTreeMap;

use crate::public::{Code, Codes, Icd3};

const MILLION: i128 = 1_000_000;

/// The rows of one chapter: of the chapter itself, of blocks themselves, of categories.
#[derive(Default)]
struct Rows {
    total: i128,
    own: i128,
    blocks: BTreeMap<Icd3, InBlock>,
}

#[derive(Default)]
struct InBlock {
    total: i128,
    own: i128,
    categories: Vec<(Icd3, i128)>,
}

fn by_chapter(codes: &Codes, counts: &BTreeMap<Code, u32>) -> BTreeMap<u8, Rows> {
    let mut chapters: BTreeMap<u8, Rows> = BTreeMap::new();
    for (code, count) in counts {
        let count = i128::from(*count);
        let Some(chapter) = codes.chapter(*code) else { continue };
        let rows = chapters.entry(chapter).or_default();
        rows.total += count;
        let Some(first) = codes.first(*code) else {
            rows.own += count;
            continue;
        };
        let block = rows.blocks.entry(first).or_default();
        block.total += count;
        match code {
            Code::Category(category) => block.categories.push((*category, count)),
            Code::Block(..) | Code::Chapter(_) => block.own += count,
        }
    }
    chapters
}

/// The distance, in thousandths, rounded up: at most 667. Of nothing, 0.
pub(in crate::public) fn distance(codes: &Codes, counts: &BTreeMap<Code, u32>) -> u16 {
    let rows: i128 = counts.values().map(|count| i128::from(*count)).sum();
    let edges: i128 =
        by_chapter(codes, counts).iter().map(|(chapter, part)| of_chapter(codes, *chapter, part, rows)).sum();
    u16::try_from(edges.div_ceil_of(6 * 1000)).unwrap_or(u16::MAX)
}

/// What a chapter's edges add up to, in millionths of all rows.
fn of_chapter(codes: &Codes, chapter: u8, part: &Rows, rows: i128) -> i128 {
    let whole = i128::from(codes.whole(chapter));
    let scale = rows * whole;
    // What is public as the chapter lies as the reference does: only the rest can differ.
    let rest = part.total - part.own;
    let mut absent = whole;
    let mut sum = 0;
    for (first, here) in &part.blocks {
        let Some(block) = codes.block_at(*first) else { continue };
        let (share, inner) = (i128::from(block.part), i128::from(block.whole));
        absent -= share;
        sum += ((here.total * whole - rest * share).abs() * MILLION).div_ceil_of(scale);
        if inner == 0 {
            sum += (here.total * MILLION).div_ceil_of(rows);
            continue;
        }
        let level = here.own * whole - rest * share;
        let mut others = inner;
        let mut leaves = 0;
        for (category, count) in &here.categories {
            let weight = i128::from(codes.part(*category, block));
            others -= weight;
            leaves += (count * inner * whole + level * weight).abs();
        }
        leaves += others.max(0) * level.abs();
        sum += (leaves * MILLION).div_ceil_of(scale * inner);
    }
    // A block that no row is in differs by its whole share, itself and its categories.
    sum + (2 * rest * absent.max(0) * MILLION).div_ceil_of(scale)
}

/// How much more frequent a code is than the reference has it, with its block, in millionths of its chapter's rows.
pub(super) fn excess(codes: &Codes, counts: &BTreeMap<Code, u32>) -> Vec<(Code, i128)> {
    let mut found = Vec::new();
    for (chapter, part) in by_chapter(codes, counts) {
        let whole = i128::from(codes.whole(chapter));
        let rest = part.total - part.own;
        for (first, here) in &part.blocks {
            let Some(block) = codes.block_at(*first) else { continue };
            let share = i128::from(block.part);
            let of_block = ((here.total * whole - rest * share) * MILLION).div_ceil_of(part.total * whole);
            for (category, count) in &here.categories {
                let weight = i128::from(codes.part(*category, block));
                let inner = i128::from(block.whole).max(1);
                let expected = (rest * share * weight).div_ceil_of(whole * inner);
                let of_category = ((count - expected) * MILLION).div_ceil_of(part.total);
                found.push((Code::Category(*category), of_block + of_category));
            }
            let block_code = codes.parent(Code::Category(*first)).filter(|_| here.own > 0);
            found.extend(block_code.map(|code| (code, of_block)));
        }
    }
    found
}

/// Division that rounds up; by nothing, 0.
trait DivCeil {
    fn div_ceil_of(self, by: i128) -> i128;
}

impl DivCeil for i128 {
    fn div_ceil_of(self, by: i128) -> i128 {
        if by <= 0 { 0 } else { self.div_euclid(by) + i128::from(self.rem_euclid(by) != 0) }
    }
}
