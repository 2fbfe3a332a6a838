//! Problems: what a `Condition` is, in ICD-10.

use std::cmp::{Ordering, Reverse};

use crate::{
    deidentify::{
        date::Date,
        gather::{codings, date_of},
    },
    fhir::Node,
    public::{Icd3, hierarchy::Meaning},
};

/// A code that no table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A concept of SNOMED CT.
    Snomed(u64),
    /// A category that ICD-10 does not have.
    Category(Icd3),
    /// Something else.
    Other,
}

/// What a problem is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A category.
    Known(Icd3),
    /// No table has its code.
    Unmapped(Code),
}

/// A problem that may be the main diagnosis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: What,
    pub(super) date: Option<Date>,
    pub(super) has_ended: bool,
    /// Whether it is said to go on.
    pub(super) goes_on: bool,
}

/// What becomes of a `Condition`.
pub(super) enum Read {
    /// It is a problem.
    Problem(Problem),
    /// It is not confirmed, or was entered in error.
    NotConfirmed,
    /// It says nothing of health.
    SaysNothing,
}

pub(super) const SNOMED: &str = "http://snomed.info/sct";

/// ICD-10, and the national ones whose categories are the same.
const ICD10: &[&str] = &[
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "http://fhir.de/CodeSystem/dimdi/icd-10-gm",
];

impl Problem {
    /// Where it stands in the order of the main diagnosis: the least is it.
    fn order(&self) -> impl Ord + use<> {
        let (rank, name) = match self.what {
            What::Unmapped(code) => (0, (true, None, Some(code))),
            What::Known(category) => (rank_of(category), (false, Some(category), None)),
        };
        (rank, self.has_ended, Reverse(self.date), name)
    }
}

impl PartialOrd for Problem {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Problem {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order()).then_with(|| self.goes_on.cmp(&other.goes_on))
    }
}

/// A disease, a symptom, a circumstance.
fn rank_of(category: Icd3) -> u8 {
    match category.chapter().map(crate::public::hierarchy::Chapter::number) {
        Some(18) => 1,
        Some(20..=22) => 2,
        _ => 0,
    }
}

/// Reads a `Condition`.
pub(super) fn read(condition: &Node) -> Read {
    let said = |name: &str| -> Vec<&str> {
        condition
            .get(name)
            .into_iter()
            .flat_map(codings)
            .filter_map(|coding| coding.text_of("code"))
            .collect()
    };
    let verified = said("verificationStatus");
    if !verified.is_empty() && !verified.contains(&"confirmed") {
        return Read::NotConfirmed;
    }
    let status = said("clinicalStatus");
    let is = |words: &[&str]| status.iter().any(|status| words.contains(status));
    let has_abated =
        ["abatementDateTime", "abatementAge", "abatementPeriod", "abatementRange", "abatementString"]
            .iter()
            .any(|name| condition.get(name).is_some());
    let has_ended = has_abated || is(&["inactive", "remission", "resolved"]);
    let goes_on = !has_ended && is(&["active", "recurrence", "relapse"]);
    let date = ["onsetDateTime", "onsetPeriod", "recordedDate"]
        .iter()
        .find_map(|name| date_of(condition.get(name)?));
    match what(condition) {
        Some(what) => Read::Problem(Problem { what, date, has_ended, goes_on }),
        None => Read::SaysNothing,
    }
}

/// What its codes say: ICD-10 before SNOMED CT, and of several the least; none if they say nothing of health.
fn what(condition: &Node) -> Option<What> {
    let (mut categories, mut meanings, mut unmapped) = (Vec::new(), Vec::new(), Vec::new());
    for coding in condition.get("code").into_iter().flat_map(codings) {
        let code = coding.text_of("code").unwrap_or_default();
        match coding.text_of("system") {
            Some(system) if ICD10.contains(&system) => match category_of(code) {
                Some(category) if category.block().is_some() => categories.push(category),
                Some(category) => unmapped.push(Code::Category(category)),
                None => unmapped.push(Code::Other),
            },
            Some(SNOMED) => match concept_of(code) {
                Some(concept) => match Meaning::of_concept(concept) {
                    Some(meaning) => meanings.push(meaning),
                    None => unmapped.push(Code::Snomed(concept)),
                },
                None => unmapped.push(Code::Other),
            },
            Some(_) | None => unmapped.push(Code::Other),
        }
    }
    let known = meanings.iter().filter_map(|meaning| match meaning {
        Meaning::Category(category) => Some(*category),
        Meaning::Nothing => None,
    });
    let least = categories.into_iter().min().or_else(|| known.min());
    match least {
        Some(category) => Some(What::Known(category)),
        None if meanings.contains(&Meaning::Nothing) => None,
        None => Some(What::Unmapped(unmapped.into_iter().min().unwrap_or(Code::Other))),
    }
}

/// The category of an ICD-10 code: `J45` of `J45.0`; none if this is not one.
fn category_of(code: &str) -> Option<Icd3> {
    let (category, rest) = code.split_at_checked(3)?;
    let is_rest = rest.strip_prefix('.').is_some_and(|rest| {
        (1..=4).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    });
    if rest.is_empty() || is_rest { Icd3::parse(category).ok() } else { None }
}

/// A concept's number, if this is one as they are written.
pub(super) fn concept_of(code: &str) -> Option<u64> {
    let is_number = (6..=18).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !code.starts_with('0') { code.parse().ok() } else { None }
}
