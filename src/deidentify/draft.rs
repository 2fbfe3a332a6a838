//! The draft: what would be said of a case, and what became of the rest.

use std::collections::BTreeSet;

use crate::{
    deidentify::{
        date::Date,
        gather::{Counts, Gathered},
        owner::Owner,
        problem::{Code, Problem, What},
        report::{Fate, Report, amount},
    },
    limits::ABSTRACT_VALUES_MAX,
    public::{
        Abstract, Icd3, LeftOut, Outcome, Value, WeekBand,
        hierarchy::Chapter,
        policy::{Facts, Field, PublicPolicy},
    },
    record::{Content, Kind},
};

/// The highest age that is believed.
const AGE_MAX: u16 = 130;

/// What would be said of a case, to be shown to its patient before she says yes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What would be sealed to the curator.
    pub said: Abstract,
    /// What became of each part.
    pub report: Report,
}

/// Why a case has no abstract, now or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The birth date is not known, or no age that someone can have comes out.
    #[error("the age is not known: write a birth date to the Identity")]
    NoAge,
    /// No date says when the case was.
    #[error("the year is not known: no record of the case has a date")]
    NoDate,
    /// No problem in it is a confirmed diagnosis.
    #[error("no main diagnosis: the case has no confirmed problem with a code")]
    NoDiagnosis,
    /// The Identity speaks of two people.
    #[error("the Identity has two birth dates or sexes: it must be of one person")]
    TwoPeople,
    /// So many problems have codes that no table has, and one of them may be the main diagnosis: the case waits.
    #[error("{0} problems have codes that no table has yet: the case waits")]
    Unmapped(usize),
}

impl Refusal {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAge => "no-age",
            Self::NoDate => "no-date",
            Self::NoDiagnosis => "no-diagnosis",
            Self::TwoPeople => "two-people",
            Self::Unmapped(_) => "unmapped",
        }
    }
}

/// A case without an abstract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// The codes that no table has, each once.
    pub unmapped: BTreeSet<Code>,
}

/// Says of a case what the policy lets be said, and what became of the rest.
///
/// The records are those of one case, in any order; the same records and owner give the same bytes.
///
/// # Errors
/// [`Refused`] if the case has no abstract under this policy.
pub fn draft<'r>(
    policy: &PublicPolicy,
    owner: &Owner,
    records: impl IntoIterator<Item = (Kind, &'r Content)>,
) -> Result<Draft, Refused> {
    let gathered = Gathered::of(policy, records);
    let unmapped = unmapped(&gathered);
    let refused = |why| Refused { why, unmapped: unmapped.clone() };
    let main = gathered.problems.first().ok_or_else(|| refused(Refusal::NoDiagnosis))?;
    let What::Known(diagnosis) = main.what else { return Err(refused(Refusal::Unmapped(unmapped.len()))) };
    let chapter = diagnosis.chapter().ok_or_else(|| refused(Refusal::NoDiagnosis))?;
    let newest = gathered.dates.iter().next_back().copied();
    let when = main.date.or(newest).ok_or_else(|| refused(Refusal::NoDate))?;
    let age = owner.birth.and_then(|birth| birth.years_to(when)).filter(|age| *age <= AGE_MAX);
    let age = age.ok_or_else(|| refused(Refusal::NoAge))?;
    let facts = Facts { age, sex: owner.sex, place: owner.place, year: when.year(), chapter };
    let mut report = Report::default();
    let class = policy.class_of(&facts);
    say_class(&mut report, policy, class.grid, &class.bins, owner);
    say_diagnosis(&mut report, diagnosis, chapter);
    let values = values(&mut report, &gathered, diagnosis);
    let outcome = outcome(main, owner.is_dead || gathered.is_dead);
    report.say("outcome", Fate::Told, outcome.word());
    let weeks = weeks(policy, &gathered);
    report.say(
        "dates",
        Fate::Coarsened,
        "told as the year band above, and as bands of weeks after the first date",
    );
    let left_out = say_left_out(&mut report, &gathered.counts, unmapped.len());
    let said = Abstract { policy: policy.digest(), class, diagnosis, values, outcome, weeks, left_out };
    debug_assert!(said.is_bounded(), "what is said is within the limits");
    Ok(Draft { said, report })
}

fn unmapped(gathered: &Gathered) -> BTreeSet<Code> {
    let code = |problem: &Problem| match problem.what {
        What::Unmapped(code) => Some(code),
        What::Known(_) => None,
    };
    gathered.problems.iter().filter_map(code).collect()
}

fn say_class(report: &mut Report, policy: &PublicPolicy, grid: u8, bins: &[u16], owner: &Owner) {
    let axes = policy.axes(grid);
    for (axis, bin) in axes.iter().zip(bins) {
        let label = axis.labels.get(usize::from(*bin)).map(String::as_str).unwrap_or_default();
        let fate = match axis.field {
            _ if label == PublicPolicy::UNTOLD => Fate::Dropped,
            Field::Sex => Fate::Told,
            Field::Age | Field::Chapter | Field::Region | Field::Year => Fate::Coarsened,
        };
        report.say(axis.field.word(), fate, label);
    }
    for field in Field::ALL.iter().filter(|field| axes.iter().all(|axis| axis.field != **field)) {
        report.say(field.word(), Fate::Dropped, PublicPolicy::UNTOLD);
    }
    if grid > 0 {
        report.say(
            "grid",
            Fate::Coarsened,
            "the second, by the policy's rule: place, age or year stand out by themselves",
        );
    }
    if owner.place.is_none() {
        report.say("address", Fate::LeftOut, "state and country are not known, or in no table");
    } else {
        report.say("address", Fate::LeftOut, "all of it but what the place above tells");
    }
}

fn say_diagnosis(report: &mut Report, diagnosis: Icd3, chapter: Chapter) {
    report.say("main diagnosis", Fate::Coarsened, format!("its category {diagnosis} ({})", chapter.title()));
}

/// The values beside the main diagnosis, as many as there may be: what comes last in their order is dropped.
fn values(report: &mut Report, gathered: &Gathered, diagnosis: Icd3) -> BTreeSet<Value> {
    let further = gathered.problems.iter().filter_map(|problem| match problem.what {
        What::Known(category) if category != diagnosis => Some(Value::Diagnosis(category)),
        What::Known(_) | What::Unmapped(_) => None,
    });
    let drugs = gathered.drugs.iter().map(|drug| Value::Drug(*drug));
    let results = gathered.results.iter().map(|(test, (_, bin))| Value::Result(*test, *bin));
    let procedures = gathered.procedures.iter().map(|concept| Value::Procedure(*concept));
    let mut values: BTreeSet<_> = further.chain(drugs).chain(results).chain(procedures).collect();
    let count = |is: fn(&Value) -> bool| values.iter().filter(|value| is(value)).count();
    let told = [
        (
            "further diagnoses",
            count(|value| matches!(value, Value::Diagnosis(_))),
            "each by its category, without a date",
        ),
        (
            "drugs",
            count(|value| matches!(value, Value::Drug(_))),
            "each by its ingredient, without dose and date",
        ),
        (
            "results",
            count(|value| matches!(value, Value::Result(..))),
            "of each test the newest, by its clinical bin",
        ),
        (
            "procedures",
            count(|value| matches!(value, Value::Procedure(_))),
            "each by its code, without a date",
        ),
    ];
    for (part, count, how) in told {
        report.say_of(part, Fate::Coarsened, count, how);
    }
    let over = values.len().saturating_sub(ABSTRACT_VALUES_MAX);
    report.say_of("values", Fate::Dropped, over, "more than a row holds");
    while values.len() > ABSTRACT_VALUES_MAX {
        values.pop_last();
    }
    values
}

fn outcome(main: &Problem, is_dead: bool) -> Outcome {
    match (is_dead, main.has_ended, main.goes_on) {
        (true, _, _) => Outcome::Died,
        (false, true, _) => Outcome::Resolved,
        (false, false, true) => Outcome::Ongoing,
        (false, false, false) => Outcome::Unknown,
    }
}

/// In which bands of weeks after the first date there is another: only dates of which the day is known.
fn weeks(policy: &PublicPolicy, gathered: &Gathered) -> BTreeSet<WeekBand> {
    let days: BTreeSet<_> = gathered.dates.iter().copied().filter_map(Date::number).collect();
    let Some(first) = days.first() else { return BTreeSet::new() };
    let band = |day: &u32| {
        let week = day.saturating_sub(*first) / 7;
        let after = policy.weeks().partition_point(|start| u32::from(*start) <= week);
        u8::try_from(after.saturating_sub(1)).unwrap_or(u8::MAX)
    };
    days.iter().map(band).map(WeekBand).collect()
}

fn say_left_out(report: &mut Report, counts: &Counts, unmapped: usize) -> LeftOut {
    let Counts { texts, pictures, voice, not_confirmed, says_nothing, modified, others, not_in_policy } =
        counts;
    let lines = [
        (
            "texts",
            Fate::LeftOut,
            *texts,
            "notes, letters and words beside codes never enter; how many is told in these words",
        ),
        ("pictures", Fate::LeftOut, *pictures, "they never enter; how many is told in these words"),
        ("voice", Fate::LeftOut, *voice, "it never enters; how much is told in these words"),
        ("problems", Fate::Dropped, *not_confirmed, "not confirmed, or entered in error"),
        ("problems", Fate::Dropped, *says_nothing, "they say nothing of health"),
        ("problems", Fate::Dropped, unmapped, "no table has their codes"),
        ("records", Fate::Dropped, *modified, "they are marked as meaning something else than they seem"),
        (
            "drugs, results, procedures",
            Fate::Dropped,
            *not_in_policy,
            "the policy's lists do not have them, or not in this unit",
        ),
        ("other records", Fate::LeftOut, *others, "of their kind nothing is told"),
    ];
    for (part, fate, count, why) in lines {
        report.say_of(part, fate, count, why);
    }
    report.say("names, identifiers, displays", Fate::LeftOut, "there is no field for them");
    LeftOut { texts: amount(*texts), pictures: amount(*pictures), voice: amount(*voice) }
}
