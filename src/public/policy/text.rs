//! A policy's text: TOML, of which every field is known.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::public::{
    hierarchy::{self, Level},
    policy::{
        AgeBand, Chapters, Coarser, Every, Grid, Group, Parent, PolicyFault, ResultRule, Share, Terms, Years,
        micros,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    version: u32,
    k: u32,
    l: u32,
    share: String,
    t: String,
    epoch: EpochText,
    people_min: u64,
    weeks: Vec<u16>,
    rare: Vec<ParentText>,
    grid: Vec<GridText>,
    coarser: Option<CoarserText>,
    #[serde(default)]
    result: Vec<ResultText>,
    #[serde(default)]
    vocabulary: VocabularyText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum EpochText {
    Months(u16),
    Weeks(u16),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ParentText {
    Block,
    Chapter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GridText {
    age: Option<Vec<String>>,
    #[serde(default)]
    sex: bool,
    region: Option<LevelText>,
    year: Option<YearText>,
    chapter: Option<ChapterText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LevelText {
    Area,
    Country,
    Division,
    State,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearText {
    from: u16,
    until: u16,
    every: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum ChapterText {
    Each,
    Groups(Vec<GroupText>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: String,
    chapters: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CoarserText {
    people_below: Option<u64>,
    age_from: Option<u16>,
    year_before: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultText {
    loinc: String,
    name: String,
    unit: String,
    bounds: Vec<String>,
    bins: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct VocabularyText {
    drugs: BTreeSet<u32>,
    procedures: BTreeSet<u64>,
}

/// Reads a text; what it says is not yet sound.
pub(super) fn read(text: &str) -> Result<Terms, PolicyFault> {
    let text: Text = toml::from_str(text).map_err(|error| PolicyFault::Text(Box::new(error)))?;
    let grids = (0..).zip(text.grid).map(|(number, grid)| grid_of(number, grid));
    let results = text.result.into_iter().enumerate().map(|(place, rule)| rule_of(place, rule));
    let coarser =
        |CoarserText { people_below, age_from, year_before }| Coarser { people_below, age_from, year_before };
    Ok(Terms {
        name: text.name,
        version: text.version,
        tables: hierarchy::tables(),
        k: text.k,
        l: text.l,
        share: share_of(&text.share).ok_or(PolicyFault::Share)?,
        t: thousandths(&text.t).ok_or(PolicyFault::T)?,
        epoch: match text.epoch {
            EpochText::Months(count) => Every::Months(count),
            EpochText::Weeks(count) => Every::Weeks(count),
        },
        people_min: text.people_min,
        grids: grids.collect::<Result<_, _>>()?,
        coarser: text.coarser.map(coarser),
        results: results.collect::<Result<_, _>>()?,
        drugs: text.vocabulary.drugs,
        procedures: text.vocabulary.procedures,
        weeks: text.weeks,
        rare: text
            .rare
            .into_iter()
            .map(|parent| match parent {
                ParentText::Block => Parent::Block,
                ParentText::Chapter => Parent::Chapter,
            })
            .collect(),
    })
}

fn share_of(text: &str) -> Option<Share> {
    let (of, out_of) = text.split_once('/')?;
    Some(Share { of: of.parse().ok()?, out_of: out_of.parse().ok()? })
}

/// A decimal number without an exponent, in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let millionths = micros(text).filter(|_| !text.contains(['e', 'E']))?;
    let is_whole = millionths.checked_rem(1000) == Some(0);
    u16::try_from(millionths.checked_div(1000)?).ok().filter(|_| is_whole)
}

fn grid_of(number: u8, text: GridText) -> Result<Grid, PolicyFault> {
    let GridText { age, sex, region, year, chapter } = text;
    let bands = |bands: Vec<String>| {
        let read = bands.iter().map(|band| band_of(band)).collect::<Option<_>>();
        read.ok_or(PolicyFault::AgeBands(number))
    };
    let group = |GroupText { name, chapters }| Group { name, chapters };
    Ok(Grid {
        ages: age.map(bands).transpose()?,
        sex,
        region: region.map(|level| match level {
            LevelText::Area => Level::Area,
            LevelText::Country => Level::Country,
            LevelText::Division => Level::Division,
            LevelText::State => Level::State,
        }),
        years: year.map(|YearText { from, until, every }| Years { from, until, every }),
        chapters: chapter.map(|chapters| match chapters {
            ChapterText::Each => Chapters::Each,
            ChapterText::Groups(groups) => Chapters::Groups(groups.into_iter().map(group).collect()),
        }),
    })
}

/// `18-39`, or `65+`.
fn band_of(text: &str) -> Option<AgeBand> {
    if let Some(from) = text.strip_suffix('+') {
        return Some(AgeBand { from: from.parse().ok()?, to: None });
    }
    let (from, to) = text.split_once('-')?;
    Some(AgeBand { from: from.parse().ok()?, to: Some(to.parse().ok()?) })
}

fn rule_of(place: usize, text: ResultText) -> Result<ResultRule, PolicyFault> {
    let ResultText { loinc, name, unit, bounds, bins } = text;
    let bounds = bounds.iter().map(|bound| micros(bound)).collect::<Option<_>>();
    Ok(ResultRule { loinc, name, unit, bounds: bounds.ok_or(PolicyFault::Results(place))?, bins })
}
