//! Dates: what is one, and a birth date however it is written.

use std::{collections::BTreeSet, ops::Range};

use crate::fhir::fold::View;

/// The names of the months, as they begin in English, German, French, Spanish and Italian.
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "janvier", "enero", "gennaio"],
    &["february", "feb", "februar", "fevrier", "febrero", "febbraio"],
    &["march", "mar", "marz", "maerz", "mars", "marzo"],
    &["april", "apr", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio"],
    &["june", "jun", "juni", "juin", "junio", "giugno"],
    &["july", "jul", "juli", "juillet", "julio", "luglio"],
    &["august", "aug", "aout", "agosto"],
    &["september", "sep", "sept", "septembre", "septiembre", "settembre"],
    &["october", "oct", "okt", "oktober", "octobre", "octubre", "ottobre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dez", "dezember", "decembre", "diciembre", "dicembre"],
];

/// What stands between the numbers of a date and is no part of it.
const FILLERS: &[&str] = &[
    "st",
    "nd",
    "rd",
    "th",
    "of",
    "the",
    "de",
    "den",
    "年",
    "月",
    "\u{1102}\u{1167}\u{11ab}",
    "\u{110b}\u{116f}\u{11af}",
];

/// Words that make the number before them an age, and those that make the number after them one.
const YEARS: &[&str] =
    &["year", "years", "yr", "yrs", "yo", "jahre", "jahrig", "jahriger", "jahrige", "ans", "anos", "anni"];
const AGED: &[&str] = &["age", "aged", "alter"];

/// The most bytes between two numbers of one date.
const BETWEEN_MAX: usize = 8;

/// A birth date: with its month and its day, if they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Birth {
    year: u32,
    month: u32,
    day: Option<u32>,
}

impl Birth {
    /// Reads `1985-05-04` or `1985-05`; a year alone says too little to be struck.
    pub(super) fn parse(date: &str) -> Option<Self> {
        let mut parts = date.get(..10).unwrap_or(date).splitn(3, '-').map(|part| part.parse().ok());
        let (year, month) = (parts.next()??, parts.next()??);
        Some(Self { year, month, day: parts.next().flatten() })
    }

    fn is_day(&self, numbers: [u32; 2]) -> bool {
        self.day.is_some_and(|day| numbers == [self.month, day] || numbers == [day, self.month])
    }

    fn is_year(&self, part: Part<'_>) -> bool {
        match part {
            Part::Month(_) => false,
            Part::Number(digits) => {
                let number = digits.parse::<u32>().ok();
                (digits.len() == 4 && number == Some(self.year))
                    || (digits.len() == 2 && number == self.year.checked_rem(100))
            }
        }
    }

    /// Whether three parts in a row are this date, in any order that people write.
    fn is_triple(&self, parts: [Part<'_>; 3]) -> bool {
        let [one, two, three] = parts;
        let is_rest = |one: Part<'_>, two: Part<'_>| match (one, two) {
            (Part::Number(one), Part::Number(two)) => {
                one.len() < 3 && two.len() < 3 && self.is_day([value(one), value(two)])
            }
            (Part::Month(month), Part::Number(day)) | (Part::Number(day), Part::Month(month)) => {
                month == self.month && self.day == Some(value(day))
            }
            (Part::Month(_), Part::Month(_)) => false,
        };
        (self.is_year(three) && is_rest(one, two)) || (self.is_year(one) && is_rest(two, three))
    }

    /// Whether two parts in a row are the month and the year.
    fn is_pair(&self, one: Part<'_>, two: Part<'_>) -> bool {
        let is_month = |part: Part<'_>| match part {
            Part::Month(month) => month == self.month,
            Part::Number(digits) => digits.len() < 3 && value(digits) == self.month,
        };
        let is_long_year = |part: Part<'_>| matches!(part, Part::Number(digits) if digits.len() == 4);
        (is_long_year(one) && self.is_year(one) && is_month(two))
            || (is_long_year(two) && self.is_year(two) && is_month(one))
    }

    /// Whether one number is this date, written without anything between.
    fn is_single(&self, digits: &str) -> bool {
        let (year, month, Some(day)) = (self.year, self.month, self.day) else { return false };
        let short = year.checked_rem(100).unwrap_or_default();
        let forms = [
            format!("{year:04}{month:02}{day:02}"),
            format!("{day:02}{month:02}{year:04}"),
            format!("{month:02}{day:02}{year:04}"),
            format!("{short:02}{month:02}{day:02}"),
            format!("{day:02}{month:02}{short:02}"),
            format!("{month:02}{day:02}{short:02}"),
        ];
        let date = if digits.len() == 14 { digits.get(..8).unwrap_or_default() } else { digits };
        forms.iter().any(|form| form == date)
    }
}

/// A part of a date.
#[derive(Debug, Clone, Copy)]
enum Part<'v> {
    Month(u32),
    Number(&'v str),
}

fn value(digits: &str) -> u32 {
    digits.parse().unwrap_or(u32::MAX)
}

fn part(token: &str) -> Option<Part<'_>> {
    if token.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Part::Number(token));
    }
    let month = MONTHS.iter().zip(1..).find(|(names, _)| names.contains(&token))?;
    Some(Part::Month(month.1))
}

/// Where a birth date, or an age from ninety years on, stands in a string.
pub(super) fn find(view: &View<'_>, births: &BTreeSet<Birth>) -> Vec<Range<usize>> {
    if !view.folded().bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let tokens: Vec<_> = view.tokens();
    let mut found = Vec::new();
    for (word, next) in tokens.iter().zip(tokens.iter().skip(1)) {
        let is_old = |digits: &str| (90..130).contains(&value(digits));
        if is_old(word.text) && YEARS.contains(&next.text) {
            found.extend(view.original_of(word.at.clone()));
        } else if AGED.contains(&word.text) && is_old(next.text) {
            found.extend(view.original_of(next.at.clone()));
        }
    }
    let tokens = tokens.into_iter().filter(|token| !FILLERS.contains(&token.text));
    let parts: Vec<_> =
        tokens.filter_map(|token| Some((part(token.text), view.original_of(token.at)?))).collect();
    for (index, (first, at)) in parts.iter().enumerate() {
        let Some(first) = *first else { continue };
        let joined = |from: usize, to: usize| {
            let (from, to) = (parts.get(from)?, parts.get(to)?);
            let gap = to.1.start.saturating_sub(from.1.end);
            Some((to.0?, to.1.end, gap)).filter(|(_, _, gap)| *gap <= BETWEEN_MAX)
        };
        let second = joined(index, index.saturating_add(1));
        let third = second.and(joined(index.saturating_add(1), index.saturating_add(2)));
        let before = index.checked_sub(1).and_then(|before| parts.get(before));
        // A date that is longer is another date.
        let is_after = before.is_some_and(|(part, before)| part.is_some() && at.start <= before.end + 1);
        let is_before = third.is_some_and(|(_, _, gap)| gap < 2);
        for birth in births {
            match (first, second, third) {
                (_, Some((two, _, _)), Some((three, end, _))) if birth.is_triple([first, two, three]) => {
                    found.push(at.start..end);
                }
                (_, Some((two, end, _)), _) if !is_after && !is_before && birth.is_pair(first, two) => {
                    found.push(at.start..end);
                }
                (Part::Number(digits), _, _) if birth.is_single(digits) => found.push(at.clone()),
                _ => (),
            }
        }
    }
    found
}

/// Whether a string is a date of FHIR, or a date and a time, and nothing else.
pub(super) fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let is_number =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = date.split('-');
    let is_year = parts.next().is_some_and(|year| is_number(year, 4) && matches!(value(year), 1700..2300));
    let is_rest = parts.clone().count() < 3 && parts.all(|part| is_number(part, 2));
    let is_time = time.is_none_or(|time| {
        date.len() == 10
            && (5..=25).contains(&time.len())
            && time.chars().all(|symbol| symbol.is_ascii_digit() || ":.+-Z".contains(symbol))
    });
    is_year && is_rest && is_time
}

/// The year of a date.
pub(super) fn year_of(text: &str) -> Option<u32> {
    if is_date(text) { text.get(..4)?.parse().ok() } else { None }
}
