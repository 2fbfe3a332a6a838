//! What became of a case's parts, in words, for the patient.

use std::fmt;

use crate::{codec::coded, public::Amount};

coded! {
    /// What became of a part of a case.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Fate {
        /// Told as it is.
        Told = 1, "told";
        /// Told more coarsely.
        Coarsened = 2, "coarsened";
        /// Not told, though it could have been.
        Dropped = 3, "dropped";
        /// Never told.
        LeftOut = 4, "left out";
    }
}

/// A part of a case, and what became of it.
///
/// In `Debug`, only which part: the words may repeat what the case says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The part.
    pub part: &'static str,
    /// What became of it.
    pub fate: Fate,
    /// As what it is told, or why it is not.
    pub words: String,
}

/// What became of each part of a case: to be shown before she says yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Part by part.
    pub lines: Vec<Line>,
}

impl Report {
    pub(super) fn say(&mut self, part: &'static str, fate: Fate, words: impl Into<String>) {
        self.lines.push(Line { part, fate, words: words.into() });
    }

    /// Says that some of something did not enter, if there was any.
    pub(super) fn say_of(&mut self, part: &'static str, fate: Fate, count: usize, why: &str) {
        if count > 0 {
            self.say(part, fate, format!("{}: {why}", amount(count)));
        }
    }
}

/// How much so many are, in words.
pub(super) const fn amount(count: usize) -> Amount {
    match count {
        0 => Amount::None,
        1..=3 => Amount::Few,
        _ => Amount::Many,
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, fate, words } = self;
        write!(f, "{part}, {fate}: {words}")
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, fate, words: _ } = self;
        write!(f, "Line({part}, {fate})")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
