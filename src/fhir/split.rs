//! The split: what says who to the Identity, the rest to the case.

use std::collections::BTreeMap;

use crate::fhir::{
    Bundle, FhirError,
    age::OLD,
    bundle::Resource,
    gather::Gathering,
    pseudonyms::{Pseudonyms, target_of},
    scrub::Scrubber,
    sieve::Sieve,
    tree::Node,
    types::says_who,
};

/// A resource after the split.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its type.
    pub kind: String,
    /// Its JSON: as it came, for the Identity; with pseudonyms, for the case.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}, {} bytes)", self.kind, self.bytes.len())
    }
}

/// How a split went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SplitReport {
    /// Members left out of case entries.
    pub left_out: u64,
    /// Modifier extensions whose values were left out: what they stand in may mean something else than it seems.
    pub modifiers: u64,
    /// References turned to pseudonyms.
    pub references: u64,
    /// Names, numbers and dates struck from strings.
    pub struck: u64,
}

/// A chart in its two parts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Split {
    /// What says who.
    pub identity: Vec<Entry>,
    /// What the case says.
    pub case: Vec<Entry>,
    /// How it went.
    pub report: SplitReport,
}

/// Splits a chart.
///
/// # Errors
/// [`FhirError`] if a chart says more of who than can be looked for at once.
pub fn split(bundle: &Bundle, mut pseudonyms: Pseudonyms) -> Result<Split, FhirError> {
    bundle.resources.iter().for_each(|resource| pseudonyms.learn(resource));
    let mut gathering = Gathering::new(&pseudonyms);
    bundle.resources.iter().for_each(|resource| gathering.resource(resource));
    let Gathering { terms, newest_year, .. } = gathering;
    let sieve = Sieve::new(terms)?;
    let is_patient = |resource: &&Resource| resource.kind == "Patient";
    let is_old = |resource: &Resource| {
        birth_year(resource).is_some_and(|year| newest_year >= year.saturating_add(OLD))
    };
    let mut scrubber = Scrubber {
        pseudonyms,
        sieve,
        report: SplitReport::default(),
        is_old: bundle.resources.iter().filter(is_patient).any(is_old),
        names: BTreeMap::new(),
    };
    let (mut identity, mut case) = (Vec::new(), Vec::new());
    for resource in &bundle.resources {
        let Resource { kind, bytes, .. } = resource;
        if says_who(kind) {
            identity.push(Entry { kind: kind.clone(), bytes: bytes.clone() });
        } else {
            case.push(entry(kind, &scrubber.scrub(resource)));
        }
    }
    for patient in bundle.resources.iter().filter(is_patient) {
        case.push(entry("Patient", &told_of(patient, &scrubber)));
    }
    Ok(Split { identity, case, report: scrubber.report })
}

fn entry(kind: &str, tree: &Node) -> Entry {
    let mut bytes = Vec::new();
    tree.write(&mut bytes);
    Entry { kind: kind.to_owned(), bytes }
}

fn birth_year(patient: &Resource) -> Option<u32> {
    patient.tree.text_of("birthDate")?.get(..4)?.parse().ok()
}

/// What a case says of the patient: sex, the year of birth below ninety years, whether he lives.
fn told_of(patient: &Resource, scrubber: &Scrubber) -> Node {
    let tree = &patient.tree;
    let mut kept = vec![
        ("resourceType".to_owned(), Node::Text("Patient".to_owned())),
        ("id".to_owned(), Node::Text(scrubber.pseudonyms.of(&target_of(patient)))),
    ];
    let gender =
        tree.text_of("gender").filter(|gender| ["female", "male", "other", "unknown"].contains(gender));
    kept.extend(gender.map(|gender| ("gender".to_owned(), Node::Text(gender.to_owned()))));
    let year = birth_year(patient).filter(|_| !scrubber.is_old);
    kept.extend(year.map(|year| ("birthDate".to_owned(), Node::Text(format!("{year:04}")))));
    let is_dead = tree.get("deceasedDateTime").is_some()
        || tree.get("deceasedBoolean").is_some_and(|dead| *dead == Node::Literal("true".to_owned()));
    if is_dead {
        kept.push(("deceasedBoolean".to_owned(), Node::Literal("true".to_owned())));
    }
    Node::Object(kept)
}
