//! Whose case it is, as far as a grid asks.

use std::collections::BTreeSet;

use crate::{
    deidentify::{date::Date, draft::Refusal, gather::resource_of},
    fhir::Node,
    public::{hierarchy::Region, policy::Sex},
    record::{Content, Kind},
};

/// What a grid asks of a patient: when she was born, her sex, where she lives. Nothing of it leaves but as a bin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub(super) birth: Option<Date>,
    pub(super) sex: Sex,
    pub(super) place: Option<Region>,
    pub(super) is_dead: bool,
}

impl Owner {
    /// Someone of whom nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { birth: None, sex: Sex::Other, place: None, is_dead: false }
    }

    /// What the records of her Identity say: every FHIR `Patient` among them.
    ///
    /// Where she lives is the state and country of her address: of several, of the one at home; what is old does not count, and if there are
    /// still two, it is not known.
    ///
    /// # Errors
    /// [`Refusal::TwoPeople`] if two of them differ in birth date or sex: they are not of one person.
    pub fn of_records<'r>(records: impl IntoIterator<Item = (Kind, &'r Content)>) -> Result<Self, Refusal> {
        let (mut births, mut sexes, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut is_dead = false;
        for (kind, content) in records {
            let Some(patient) = resource_of(kind, content) else { continue };
            if patient.text_of("resourceType") != Some("Patient") {
                continue;
            }
            births.extend(patient.text_of("birthDate").and_then(Date::parse));
            sexes.extend(patient.text_of("gender").map(sex_of));
            places.insert(place_of(&patient));
            is_dead = is_dead || has_died(&patient);
        }
        if births.len() > 1 || sexes.len() > 1 {
            return Err(Refusal::TwoPeople);
        }
        let place = if places.len() == 1 { places.first().copied().flatten() } else { None };
        Ok(Self {
            birth: births.first().copied(),
            sex: sexes.first().copied().unwrap_or(Sex::Other),
            place,
            is_dead,
        })
    }

    /// Born on this date, as `1985-05-04`; or in this month or year.
    ///
    /// # Errors
    /// [`Refusal::NoAge`] if this is no date.
    pub fn born(self, date: &str) -> Result<Self, Refusal> {
        Ok(Self { birth: Some(Date::parse(date).ok_or(Refusal::NoAge)?), ..self })
    }

    /// Of this sex.
    #[must_use]
    pub const fn of_sex(self, sex: Sex) -> Self {
        Self { sex, ..self }
    }

    /// Living here; not known, if the table has no such place.
    #[must_use]
    pub fn living_in(self, country: &str, state: Option<&str>) -> Self {
        Self { place: Region::find(country, state), ..self }
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner(..)")
    }
}

fn sex_of(gender: &str) -> Sex {
    match gender {
        "female" => Sex::Female,
        "male" => Sex::Male,
        _ => Sex::Other,
    }
}

/// Whether a FHIR `Patient` is said to have died.
pub(super) fn has_died(patient: &Node) -> bool {
    patient.get("deceasedDateTime").is_some()
        || patient.get("deceasedBoolean").is_some_and(|dead| dead.as_literal() == Some("true"))
}

fn place_of(patient: &Node) -> Option<Region> {
    let addresses = patient.get("address").map(Node::each).unwrap_or_default();
    let is_now = |address: &&Node| {
        let ended = address.get("period").is_some_and(|period| period.get("end").is_some());
        !ended && !matches!(address.text_of("use"), Some("old" | "billing"))
    };
    let now: Vec<_> = addresses.iter().filter(is_now).collect();
    let home: Vec<_> = now.iter().copied().filter(|address| address.text_of("use") == Some("home")).collect();
    let told = if home.is_empty() { now } else { home };
    let places =
        told.into_iter().map(|address| Region::find(address.text_of("country")?, address.text_of("state")));
    let places: BTreeSet<_> = places.collect();
    if places.len() == 1 { places.first().copied().flatten() } else { None }
}
