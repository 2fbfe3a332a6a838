//! The sieve: everything in a chart that says who, struck from everything that says what.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::fhir::{
    dates,
    error::{At, FhirError, FhirReason},
    fold::{Kind, View, fold, is_korean},
    terms::{Sort, Terms},
};

/// What stands where something was struck.
pub(super) const STRUCK: &str = "[withheld]";

/// How far a postal code stands from its town, in bytes.
const BESIDE_MAX: usize = 12;

/// How many places before a postal code are looked at.
const AROUND: usize = 4;

/// The shortest term that letters may touch with digits between them, or the other way round.
const TOUCHED_CHARS_MIN: usize = 7;

/// Letters that Arabic and Hebrew set before a word, folded.
const PARTICLES: &str = "وفبكلاسהוכלבמש";

/// How many letters around a name are looked at: one more than particles have.
const LOOK_AROUND: usize = 4;

/// How much is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All that is known.
    All,
    /// What can be no word: numbers, whole names, addresses, birth dates.
    Strong,
}

/// Strikes what is known of who from strings.
pub(super) struct Sieve {
    finder: AhoCorasick,
    sorts: Vec<Sort>,
    terms: Terms,
}

impl Sieve {
    /// Ready to strike.
    pub(super) fn new(mut terms: Terms) -> Result<Self, FhirError> {
        let (patterns, sorts): (Vec<_>, Vec<_>) = std::mem::take(&mut terms.patterns).into_iter().unzip();
        let finder = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .map_err(|_unsaid| At::Root.error(FhirReason::TooLarge))?;
        Ok(Self { finder, sorts, terms })
    }

    /// The string without it, and how often something was struck.
    pub(super) fn strike(&self, text: &str, reach: Reach) -> (String, u64) {
        let view = View::of(text);
        if reach == Reach::All && self.terms.whole.contains(view.folded()) {
            return (STRUCK.to_owned(), 1);
        }
        let mut found = self.find(&view, reach);
        found.extend(dates::find(&view, &self.terms.births));
        found.sort_by_key(|at| (at.start, at.end));
        let (mut kept, mut count, mut done) = (String::with_capacity(text.len()), 0u64, 0);
        for at in found {
            if at.start >= done {
                kept.push_str(text.get(done..at.start).unwrap_or_default());
                kept.push_str(STRUCK);
                count = count.saturating_add(1);
            }
            done = done.max(at.end);
        }
        kept.push_str(text.get(done..).unwrap_or_default());
        (kept, count)
    }

    /// Whether a string holds anything of it.
    pub(super) fn finds(&self, text: &str) -> bool {
        !self.find(&View::of(text), Reach::All).is_empty()
    }

    /// Whether a code or a unit is, as a whole, a name or a number.
    pub(super) fn is_term(&self, text: &str, reach: Reach) -> bool {
        let folded = fold(text);
        let is_long = folded.chars().count() > 3;
        let is_whole = reach == Reach::All && is_long && self.terms.whole.contains(&folded);
        is_whole || self.find(&View::of(text), reach).contains(&(0..text.len()))
    }

    /// Whether a number is one that says who.
    pub(super) fn is_number(&self, literal: &str) -> bool {
        self.terms.numbers.contains(literal)
    }

    /// Whether a date is a birth date, with or without a time, or the month of one.
    pub(super) fn is_birth(&self, date: &str) -> bool {
        let view = View::of(date.split('T').next().unwrap_or(date));
        date.len() > 4 && !dates::find(&view, &self.terms.births).is_empty()
    }

    fn find(&self, view: &View<'_>, reach: Reach) -> Vec<Range<usize>> {
        let Ok(matches) = self.finder.try_find_overlapping_iter(view.folded()) else { return Vec::new() };
        let (mut found, mut places, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for one in matches {
            let Some(&sort) = self.sorts.get(one.pattern().as_usize()) else { continue };
            if reach == Reach::Strong && !sort.is_strong() {
                continue;
            }
            let Some(at) = bounded(view, one.range(), sort) else { continue };
            match sort {
                Sort::Postal => codes.push(at),
                Sort::Line | Sort::Place => places.push(at),
                Sort::Inner
                | Sort::Name
                | Sort::Number
                | Sort::Particled
                | Sort::ShortName
                | Sort::WholeName => {
                    found.push(at);
                }
            }
        }
        places.sort_by_key(|place| place.start);
        // Places overlap, but not many at once: the few that begin around the code are enough.
        let is_beside = |code: &Range<usize>| {
            let next = places.partition_point(|place| place.start < code.start);
            let around = places.iter().take(next.saturating_add(1)).skip(next.saturating_sub(AROUND));
            around.into_iter().any(|place| {
                place.start.saturating_sub(code.end).max(code.start.saturating_sub(place.end)) <= BESIDE_MAX
            })
        };
        codes.retain(is_beside);
        found.extend(places);
        found.extend(codes);
        found
    }
}

/// Where in the original a match stands, if it begins and ends as its sort must.
fn bounded(view: &View<'_>, at: Range<usize>, sort: Sort) -> Option<Range<usize>> {
    let original = view.original_of(at.clone())?;
    let is_touched = at.len() >= TOUCHED_CHARS_MIN || matches!(sort, Sort::Name | Sort::WholeName);
    let is_edge = |offset: usize| match view.neighbours(offset) {
        None => true,
        Some((before, after)) => {
            let is_script = |kind: Kind| matches!(kind, Kind::Korean | Kind::Unspaced);
            before != after && (is_touched || is_script(before) || is_script(after))
        }
    };
    match sort {
        Sort::Inner => Some(original),
        Sort::Particled => Some(original).filter(|_| has_particles_only(view, &at)),
        Sort::Name | Sort::WholeName => {
            let end = at.end.saturating_add(1);
            let is_genitive = view.after(at.end, 1) == "s" && is_edge(end);
            if is_edge(at.start) && is_edge(at.end) {
                Some(original)
            } else if is_edge(at.start) && is_genitive {
                view.original_of(at.start..end)
            } else {
                None
            }
        }
        Sort::ShortName => {
            let word = view.original().get(original.clone())?;
            let is_common = word.is_ascii() && word.starts_with(char::is_lowercase);
            Some(original).filter(|_| !is_common && is_edge(at.start) && is_edge(at.end))
        }
        Sort::Line | Sort::Number | Sort::Place | Sort::Postal => {
            Some(original).filter(|_| is_edge(at.start) && is_edge(at.end))
        }
    }
}

/// Whether what stands before and after a name in its word is no more than particles.
fn has_particles_only(view: &View<'_>, at: &Range<usize>) -> bool {
    let term = view.folded().get(at.clone()).unwrap_or_default();
    let (before, after) = (view.before(at.start, LOOK_AROUND), view.after(at.end, LOOK_AROUND));
    if term.chars().any(is_korean) {
        return before.is_empty();
    }
    let letters = |text: &str| text.chars().count();
    let is_prefix = letters(before) < 4 && before.chars().all(|letter| PARTICLES.contains(letter));
    is_prefix && (after.is_empty() || (letters(term) > 3 && letters(after) < 4))
}
