//! A grid: the quasi-identifiers of a case, each with its values.

use minicbor::{Decode, Encode};

use crate::{
    codec::coded,
    public::hierarchy::{Bins, Chapter, Level, Region},
};

coded! {
    /// A quasi-identifier, in the order in which classes tell them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Field {
        /// Age in whole years when the main diagnosis was made.
        Age = 1, "age";
        /// Sex.
        Sex = 2, "sex";
        /// Where the patient lives.
        Region = 3, "region";
        /// The year of the main diagnosis.
        Year = 4, "year";
        /// The chapter of ICD-10 the main diagnosis lies in, or a group of chapters.
        Chapter = 5, "chapter";
    }
}

coded! {
    /// Sex, as records say it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Sex {
        /// Female.
        Female = 1, "female";
        /// Male.
        Male = 2, "male";
        /// Another, or not said.
        Other = 3, "other, or not said";
    }
}

/// A band of ages in whole years, both ends in it; the last of a grid's is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AgeBand {
    /// The first age.
    #[n(0)]
    pub from: u16,
    /// The last age; none if it is open.
    #[n(1)]
    pub to: Option<u16>,
}

/// Bands of age, rising.
pub type Ages = Vec<AgeBand>;

/// Bands of years: before the first, so many years each, and from the end on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Years {
    /// The first year of the first band.
    #[n(0)]
    pub from: u16,
    /// The first year of the last, open one.
    #[n(1)]
    pub until: u16,
    /// How many years a band has.
    #[n(2)]
    pub every: u16,
}

/// Chapters of ICD-10 that are told as one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Group {
    /// What it is called.
    #[n(0)]
    pub name: String,
    /// The numbers of its chapters.
    #[n(1)]
    pub chapters: Vec<u8>,
}

/// How chapters are told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Chapters {
    /// Each by itself.
    #[n(0)]
    Each,
    /// In groups; what is in none is *other*.
    #[n(1)]
    Groups(#[n(0)] Vec<Group>),
}

/// A grid: for each quasi-identifier, its values, or none if it is not told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
#[non_exhaustive]
pub struct Grid {
    /// Bands of age.
    #[n(0)]
    pub ages: Option<Ages>,
    /// Whether sex is told.
    #[n(1)]
    pub sex: bool,
    /// How coarse a place is told.
    #[n(2)]
    pub region: Option<Level>,
    /// Bands of years.
    #[n(3)]
    pub years: Option<Years>,
    /// How chapters are told.
    #[n(4)]
    pub chapters: Option<Chapters>,
}

/// Which cases stand on the coarser grid: those of which any of this is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
#[non_exhaustive]
pub struct Coarser {
    /// Fewer people than this live in the patient's state, or it is not known.
    #[n(0)]
    pub people_below: Option<u64>,
    /// The patient is of this age or older.
    #[n(1)]
    pub age_from: Option<u16>,
    /// The year is before this.
    #[n(2)]
    pub year_before: Option<u16>,
}

/// A quasi-identifier of a grid, with what each of its values is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Axis {
    /// Which.
    pub field: Field,
    /// The values, in the order of their numbers.
    pub labels: Vec<String>,
}

/// What places a case on a grid.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) age: u16,
    pub(crate) sex: Sex,
    pub(crate) place: Option<Region>,
    pub(crate) year: u16,
    pub(crate) chapter: Chapter,
}

impl AgeBand {
    fn label(self) -> String {
        match self.to {
            Some(to) => format!("{}-{to}", self.from),
            None => format!("{}+", self.from),
        }
    }
}

impl Years {
    /// The first year of each band but the first, which is what is before.
    pub(super) fn starts(self) -> impl Iterator<Item = u16> {
        (self.from..=self.until).step_by(usize::from(self.every.max(1)))
    }

    fn labels(self) -> Vec<String> {
        let band = |start: u16| {
            let last = start.saturating_add(self.every).saturating_sub(1);
            match (start == self.until, start == last) {
                (true, _) => format!("{start} and later"),
                (false, true) => start.to_string(),
                (false, false) => format!("{start}-{last}"),
            }
        };
        [format!("before {}", self.from)].into_iter().chain(self.starts().map(band)).collect()
    }
}

impl Chapters {
    /// What stands for a chapter that is in no group.
    const OTHER: &'static str = "other";

    fn labels(&self) -> Vec<String> {
        match self {
            Self::Each => Chapter::all().map(|chapter| chapter.title().to_owned()).collect(),
            Self::Groups(groups) => {
                groups.iter().map(|group| group.name.clone()).chain([Self::OTHER.to_owned()]).collect()
            }
        }
    }

    fn number_of(&self, chapter: Chapter) -> usize {
        match self {
            Self::Each => usize::from(chapter.number().saturating_sub(1)),
            Self::Groups(groups) => {
                let holds = |group: &Group| group.chapters.contains(&chapter.number());
                groups.iter().position(holds).unwrap_or(groups.len())
            }
        }
    }
}

impl Coarser {
    /// Whether a case stands on the coarser grid.
    pub(super) fn takes(self, facts: &Facts) -> bool {
        // Of someone of whom no more than the country is known, nobody knows how few live where she does.
        let state = facts.place.filter(|place| place.level() == Level::State);
        let people = state.map(Region::people).unwrap_or_default();
        self.people_below.is_some_and(|below| people < below)
            || self.age_from.is_some_and(|from| facts.age >= from)
            || self.year_before.is_some_and(|before| facts.year < before)
    }
}

impl Grid {
    /// What the values of a quasi-identifier are called; none if this grid does not tell it.
    pub(super) fn labels_of(&self, field: Field, people_min: u64) -> Option<Vec<String>> {
        let Self { ages, sex, region, years, chapters } = self;
        match field {
            Field::Age => ages.as_ref().map(|ages| ages.iter().map(|band| band.label()).collect()),
            Field::Chapter => chapters.as_ref().map(Chapters::labels),
            Field::Region => region.map(|level| Bins::at(level, people_min).labels()),
            Field::Sex => sex.then(|| Sex::ALL.iter().map(|sex| sex.word().to_owned()).collect()),
            Field::Year => years.map(Years::labels),
        }
    }

    /// The value of a quasi-identifier, as its number; none if this grid does not tell it.
    pub(super) fn number_of(&self, field: Field, facts: &Facts, people_min: u64) -> Option<usize> {
        let Self { ages, sex, region, years, chapters } = self;
        match field {
            Field::Age => ages.as_ref().map(|ages| {
                let after = ages.partition_point(|band| band.from <= facts.age);
                after.saturating_sub(1)
            }),
            Field::Chapter => chapters.as_ref().map(|chapters| chapters.number_of(facts.chapter)),
            Field::Region => region.map(|level| Bins::at(level, people_min).number_of(facts.place)),
            Field::Sex => sex.then(|| usize::from(facts.sex.code().saturating_sub(1))),
            Field::Year => years.map(|years| years.starts().take_while(|start| *start <= facts.year).count()),
        }
    }

    /// Whether it tells a quasi-identifier.
    pub(super) const fn tells(&self, field: Field) -> bool {
        match field {
            Field::Age => self.ages.is_some(),
            Field::Chapter => self.chapters.is_some(),
            Field::Region => self.region.is_some(),
            Field::Sex => self.sex,
            Field::Year => self.years.is_some(),
        }
    }
}
