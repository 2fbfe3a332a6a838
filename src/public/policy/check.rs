//! What makes a policy sound.

use std::collections::BTreeSet;

use crate::{
    limits::{ABSTRACT_WEEKS_MAX, TEXT_BYTES_MAX},
    public::{
        hierarchy::Chapter,
        policy::{Ages, Chapters, Coarser, Every, Field, Grid, PolicyFault, ResultRule, Share, Terms, Years},
    },
};

/// The age from which on no other is told.
const OLD: u16 = 90;

/// The fewest people that live in a place that is told, whatever a policy says.
const PEOPLE_MIN: u64 = 20_000;

/// The most codes of one vocabulary.
const CODES_MAX: usize = 4096;

/// The most bands of one quasi-identifier, and tests of one policy.
const BANDS_MAX: usize = 64;

/// The most bins of one test.
const BINS_MAX: usize = 16;

/// Refuses what is not sound.
pub(super) fn check(terms: &Terms) -> Result<(), PolicyFault> {
    let Terms { name, version, tables: _, k, l, share, t, epoch, people_min, .. } = terms;
    let Terms { grids, coarser, results, drugs, procedures, weeks, rare, .. } = terms;
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=TEXT_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter);
    let is_short = drugs.len() <= CODES_MAX && procedures.len() <= CODES_MAX;
    let is_epoch = match epoch {
        Every::Months(count) => (1..=24).contains(count),
        Every::Weeks(count) => (1..=104).contains(count),
    };
    let is_rising =
        |numbers: &[u16]| numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| one < next);
    let is_weeks = weeks.first() == Some(&0) && is_rising(weeks) && weeks.len() <= ABSTRACT_WEEKS_MAX;
    let is_rare = rare.iter().zip(rare.iter().skip(1)).all(|(one, next)| one < next);
    let rules = [
        (is_name && *version > 0, PolicyFault::Name),
        ((11..=1000).contains(k), PolicyFault::K),
        (*l >= 3 && l <= k, PolicyFault::L),
        (is_share(*share), PolicyFault::Share),
        ((1..=400).contains(t), PolicyFault::T),
        (is_epoch, PolicyFault::Epoch),
        (*people_min >= PEOPLE_MIN, PolicyFault::PeopleMin),
        (is_weeks, PolicyFault::Weeks),
        (is_rare, PolicyFault::Rare),
        (is_short && !drugs.contains(&0) && !procedures.contains(&0), PolicyFault::Vocabulary),
        ((1..=2).contains(&grids.len()), PolicyFault::Grids),
    ];
    if let Some((_, fault)) = rules.into_iter().find(|(holds, _)| !holds) {
        return Err(fault);
    }
    (0..).zip(grids).try_for_each(|(number, grid)| check_grid(number, grid))?;
    check_results(results)?;
    match (grids.as_slice(), coarser) {
        ([finer, second], Some(rule)) if *rule != NOTHING => check_coarser(finer, second),
        ([_], None) => Ok(()),
        _ => Err(PolicyFault::Coarser),
    }
}

/// The rule that takes no case.
const NOTHING: Coarser = Coarser { people_below: None, age_from: None, year_before: None };

fn is_share(Share { of, out_of }: Share) -> bool {
    let (mut one, mut other) = (of, out_of);
    while other > 0 {
        (one, other) = (other, one.checked_rem(other).unwrap_or_default());
    }
    of > 0 && one == 1 && of.saturating_mul(2) <= out_of
}

fn check_grid(number: u8, grid: &Grid) -> Result<(), PolicyFault> {
    let Grid { ages, sex, region, years, chapters } = grid;
    if ages.is_none() && !sex && region.is_none() && years.is_none() && chapters.is_none() {
        return Err(PolicyFault::Untold(number));
    }
    ages.iter().try_for_each(|ages| check_ages(number, ages))?;
    if years.is_some_and(|years| !is_years(years)) {
        return Err(PolicyFault::Years(number));
    }
    if chapters.as_ref().is_some_and(|chapters| !is_chapters(chapters)) {
        return Err(PolicyFault::Chapters(number));
    }
    Ok(())
}

fn check_ages(number: u8, ages: &Ages) -> Result<(), PolicyFault> {
    let follows = ages
        .iter()
        .zip(ages.iter().skip(1))
        .all(|(one, next)| one.to.is_some_and(|to| one.from <= to && to.checked_add(1) == Some(next.from)));
    let begins = ages.first().is_some_and(|band| band.from == 0) && ages.len() <= BANDS_MAX;
    match ages.last() {
        Some(last) if follows && begins && last.to.is_none() => {
            if last.from <= OLD {
                Ok(())
            } else {
                Err(PolicyFault::AgeTop(number))
            }
        }
        _ => Err(PolicyFault::AgeBands(number)),
    }
}

fn is_years(years: Years) -> bool {
    let Years { from, until, every } = years;
    let divides = until.checked_sub(from).and_then(|span| span.checked_rem(every)) == Some(0);
    (1700..=2300).contains(&from) && until <= 2300 && divides && years.starts().count() < BANDS_MAX
}

fn is_chapters(chapters: &Chapters) -> bool {
    let Chapters::Groups(groups) = chapters else { return true };
    let numbers: Vec<_> = groups.iter().flat_map(|group| &group.chapters).collect();
    let is_named = groups.iter().all(|group| is_label(&group.name) && !group.chapters.is_empty());
    let names: BTreeSet<_> = groups.iter().map(|group| &group.name).collect();
    is_named
        && !groups.is_empty()
        && names.len() == groups.len()
        && numbers.iter().all(|number| Chapter::numbered(**number).is_some())
        && numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len()
}

/// A word that files and people can carry: short, and without a control character.
fn is_label(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn check_results(results: &[ResultRule]) -> Result<(), PolicyFault> {
    let mut codes = BTreeSet::new();
    for (place, rule) in results.iter().enumerate() {
        let ResultRule { loinc, name, unit, bounds, bins } = rule;
        let is_loinc = loinc.len() <= 10
            && loinc.split_once('-').is_some_and(|(number, check)| {
                let is_number =
                    |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                is_number(number) && is_number(check) && check.len() == 1
            });
        let rises = bounds.iter().zip(bounds.iter().skip(1)).all(|(one, next)| one < next);
        let is_binned = !bounds.is_empty()
            && bins.len() <= BINS_MAX
            && bounds.len().checked_add(1) == Some(bins.len())
            && bins.iter().all(|bin| is_label(bin))
            && bins.iter().collect::<BTreeSet<_>>().len() == bins.len();
        let is_said = is_label(name) && is_label(unit) && place < BANDS_MAX;
        if !(is_loinc && codes.insert(loinc) && rises && is_binned && is_said) {
            return Err(PolicyFault::Results(place));
        }
    }
    Ok(())
}

/// Each value of the second grid holds whole values of the first: else the two together would tell more than either.
fn check_coarser(finer: &Grid, second: &Grid) -> Result<(), PolicyFault> {
    let is_held = |field: Field| match field {
        Field::Age => second.ages.as_ref().is_none_or(|ages| {
            let starts = |ages: &Ages| ages.iter().map(|band| band.from).collect::<BTreeSet<_>>();
            finer.ages.as_ref().is_some_and(|finer| starts(ages).is_subset(&starts(finer)))
        }),
        Field::Sex => !second.sex || finer.sex,
        Field::Region => second.region.is_none_or(|level| finer.region.is_some_and(|finer| finer <= level)),
        Field::Year => second.years.is_none_or(|years| {
            let starts = |years: Years| years.starts().collect::<BTreeSet<_>>();
            finer.years.is_some_and(|finer| starts(years).is_subset(&starts(finer)))
        }),
        Field::Chapter => match (&second.chapters, &finer.chapters) {
            (None, _) | (Some(_), Some(Chapters::Each)) => true,
            (Some(second), Some(finer)) => second == finer,
            (Some(_), None) => false,
        },
    };
    match Field::ALL.iter().find(|field| !is_held(**field)) {
        Some(field) => Err(PolicyFault::CrossedGrids(*field)),
        None => Ok(()),
    }
}
