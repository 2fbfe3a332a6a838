//! Places: states and provinces in divisions, areas and countries, with how many people live there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::{codec::coded, public::hierarchy::rows};

pub(super) const TEXT: &str = include_str!("../data/regions.tsv");

coded! {
    /// How coarse a place is told.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Level {
        /// State, province, prefecture.
        State = 1, "state";
        /// A group of them, where a country has such groups: in the United States the census divisions.
        Division = 2, "division";
        /// A group of divisions: in the United States the census regions.
        Area = 3, "area";
        /// Country.
        Country = 4, "country";
    }
}

/// A place of the shipped table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u16);

struct Row {
    code: &'static str,
    parent: Option<Region>,
    level: Level,
    people: u64,
    label: &'static str,
    others: Vec<&'static str>,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut table: Vec<Row> = Vec::new();
    for row in rows(TEXT) {
        let &[code, parent, level, people, label, others] = row.as_slice() else { continue };
        let level = Level::ALL.iter().find(|own| own.word() == level);
        let place = table.iter().position(|own| own.code == parent).and_then(|at| u16::try_from(at).ok());
        let (Some(level), Ok(thousands)) = (level, people.parse::<u64>()) else { continue };
        table.push(Row {
            code,
            parent: place.map(Region),
            level: *level,
            people: thousands.saturating_mul(1000),
            label,
            others: others.split('|').filter(|other| !other.is_empty()).collect(),
        });
    }
    table
});

impl Row {
    fn is_called(&self, name: &str) -> bool {
        let mut names = [self.code, self.label].into_iter().chain(self.others.iter().copied());
        names.any(|own| own.to_lowercase() == name)
    }
}

impl Region {
    /// All of them, in the table's order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..u16::try_from(TABLE.len()).unwrap_or(u16::MAX)).map(Self)
    }

    /// The place that records call this: the state, if it is known, or the country; none if the table has neither.
    #[must_use]
    pub fn find(country: &str, state: Option<&str>) -> Option<Self> {
        let called = |name: &str, level: Level, within: Option<Self>| {
            let name = name.trim().to_lowercase();
            let is_it = |place: &Self| {
                place.row().is_some_and(|row| row.level == level && row.is_called(&name))
                    && within.is_none_or(|country| place.at_level(Level::Country) == Some(country))
            };
            Self::all().find(is_it)
        };
        let country = called(country, Level::Country, None)?;
        state.and_then(|state| called(state, Level::State, Some(country))).or(Some(country))
    }

    /// Its code: ISO 3166's, or a name of the table's own for what ISO has no code for.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().map(|row| row.code).unwrap_or_default()
    }

    /// What it is called.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.row().map(|row| row.label).unwrap_or_default()
    }

    /// How coarse it is.
    #[must_use]
    pub fn level(self) -> Level {
        self.row().map_or(Level::Country, |row| row.level)
    }

    /// How many people live there, by the census named in the table, rounded to thousands.
    #[must_use]
    pub fn people(self) -> u64 {
        self.row().map(|row| row.people).unwrap_or_default()
    }

    /// What it lies in; none for a country.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.row().and_then(|row| row.parent)
    }

    /// The place it lies in, or itself, that is at least so coarse.
    fn at_level(self, level: Level) -> Option<Self> {
        let mut place = self;
        while place.level() < level {
            place = place.parent()?;
        }
        Some(place)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(usize::from(self.0))
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({})", self.code())
    }
}

/// The values of the quasi-identifier *region* at a level: none with fewer people than a policy asks for, and one for
/// all that is elsewhere or not known.
#[derive(Debug, Clone)]
pub(in crate::public) struct Bins {
    level: Level,
    of: BTreeMap<Region, Option<Region>>,
    bins: Vec<Region>,
}

impl Bins {
    /// What stands for a place of which no more may be said.
    pub(in crate::public) const ELSEWHERE: &'static str = "elsewhere, or not known";

    /// The values at a level: what has fewer people than so many is told by what it lies in, and so on.
    pub(in crate::public) fn at(level: Level, people_min: u64) -> Self {
        let states = Region::all().filter(|region| region.level() == Level::State);
        let mut of: BTreeMap<_, _> = states.map(|state| (state, state.at_level(level))).collect();
        loop {
            let mut people = BTreeMap::<Region, u64>::new();
            for (state, bin) in &of {
                bin.iter().for_each(|bin| *people.entry(*bin).or_default() += state.people());
            }
            people.retain(|_, people| *people < people_min);
            if people.is_empty() {
                break;
            }
            for bin in of.values_mut() {
                *bin = bin.and_then(|own| if people.contains_key(&own) { own.parent() } else { Some(own) });
            }
        }
        let bins: BTreeSet<_> = of.values().copied().flatten().collect();
        Self { level, of, bins: bins.into_iter().collect() }
    }

    /// The value of a place, as its number: the last is for what is elsewhere.
    pub(in crate::public) fn number_of(&self, place: Option<Region>) -> usize {
        let told = place.and_then(|place| match self.of.get(&place) {
            Some(bin) => *bin,
            // A country of which the state is not known: told only where no more is told of the others.
            None if place.level() <= self.level => place.at_level(self.level),
            None => None,
        });
        told.and_then(|told| self.bins.binary_search(&told).ok()).unwrap_or(self.bins.len())
    }

    /// What each value is called.
    pub(in crate::public) fn labels(&self) -> Vec<String> {
        let label = |bin: &Region| {
            if bin.level() > self.level
                && self.of.iter().any(|(state, own)| self.is_apart(*state, *own, *bin))
            {
                format!("{} (smaller places)", bin.label())
            } else {
                bin.label().to_owned()
            }
        };
        self.bins.iter().map(label).chain([Self::ELSEWHERE.to_owned()]).collect()
    }

    /// Whether a state that lies in a bin is told by another.
    fn is_apart(&self, state: Region, own: Option<Region>, bin: Region) -> bool {
        own != Some(bin) && state.at_level(bin.level()) == Some(bin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_make_their_countries() {
        // The published totals of the censuses named in the table, in thousands.
        let totals = [
            ("US", 331_449),
            ("CN", 1_409_779),
            ("IN", 1_210_855),
            ("JP", 126_146),
            ("DE", 80_210),
            ("GB", 66_941),
            ("CA", 36_992),
            ("AU", 25_418),
        ];
        for (country, total) in totals {
            let country = Region::find(country, None).unwrap();
            let inside = |region: &Region| region.at_level(Level::Country) == Some(country);
            let states: Vec<_> =
                Region::all().filter(inside).filter(|own| own.level() == Level::State).collect();
            let sum: u64 = states.iter().map(|state| state.people() / 1000).sum();
            assert_eq!(sum * 1000, country.people(), "{country:?}");
            let rounding = u64::try_from(states.len()).unwrap().div_ceil(2);
            assert!(sum.abs_diff(total) <= rounding, "{country:?}: {sum}");
        }
        assert_eq!(Region::all().filter(|own| own.level() == Level::Country).count(), totals.len());
        for region in Region::all().filter(|own| own.level() != Level::Country) {
            assert!(region.parent().is_some_and(|parent| parent.level() > region.level()), "{region:?}");
            let states = Region::all().filter(|own| own.level() == Level::State);
            let sum: u64 = states
                .filter(|own| own.at_level(region.level()) == Some(region))
                .map(|own| own.people())
                .sum();
            assert_eq!(sum, region.people(), "{region:?}");
        }
    }

    #[test]
    fn a_place_is_found_by_what_records_call_it() {
        let code = |country: &str, state: Option<&str>| Region::find(country, state).map(Region::code);
        assert_eq!(code("US", Some("MA")), Some("US-MA"));
        assert_eq!(code("usa", Some(" massachusetts ")), Some("US-MA"));
        assert_eq!(code("中国", Some("四川省")), Some("CN-SC"));
        // Codes are of a country: South Carolina is not Sichuan.
        assert_eq!(code("US", Some("SC")), Some("US-SC"));
        assert_eq!(code("US", Some("Bavaria")), Some("US"));
        assert_eq!(code("TV", Some("MA")), None);
    }

    #[test]
    fn no_value_has_fewer_people_than_asked_for() {
        for level in Level::ALL {
            for people_min in [20_000, 100_000, 1_000_000, 40_000_000] {
                let bins = Bins::at(*level, people_min);
                let mut people = vec![0; bins.labels().len()];
                for state in Region::all().filter(|own| own.level() == Level::State) {
                    people[bins.number_of(Some(state))] += state.people();
                }
                people.pop();
                assert!(people.iter().all(|people| *people >= people_min), "{level:?} {people_min}");
            }
        }
        let bins = Bins::at(Level::State, 100_000);
        let label = |country, state| bins.labels()[bins.number_of(Region::find(country, state))].clone();
        assert_eq!(label("CA", Some("Nunavut")), "Canada (smaller places)");
        assert_eq!(label("CA", Some("Ontario")), "Ontario");
        assert_eq!(label("CA", None), Bins::ELSEWHERE);
        // Alone among India's, and too few.
        assert_eq!(label("IN", Some("Lakshadweep")), Bins::ELSEWHERE);
        let countries = Bins::at(Level::Country, 100_000);
        assert_eq!(countries.labels()[countries.number_of(Region::find("CA", None))], "Canada");
    }
}
