//! What a case says, gathered from its records.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    deidentify::{
        date::Date,
        owner::has_died,
        problem::{self, Problem, Read, SNOMED, concept_of},
    },
    fhir::Node,
    public::{
        hierarchy::ingredients,
        policy::{PublicPolicy, micros},
    },
    record::{Content, Kind},
};

const FHIR: &str = "application/fhir+json";
const LOINC: &str = "http://loinc.org";
const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

/// Types that are words as a whole.
const WORDS: &[&str] = &["Communication", "Composition", "DocumentReference", "QuestionnaireResponse"];

/// Members that are words.
const WORDY: &[&str] = &["comment", "conclusion", "description", "note", "text", "valueString"];

/// Types of which nothing enters but, perhaps, a date.
const DATED: &[(&str, &[&str])] = &[
    ("Condition", &["onsetDateTime", "onsetPeriod", "recordedDate"]),
    ("DiagnosticReport", &["effectiveDateTime", "effectivePeriod"]),
    ("Encounter", &["period"]),
    ("Immunization", &["occurrenceDateTime"]),
    ("MedicationAdministration", &["effectiveDateTime", "effectivePeriod"]),
    ("MedicationRequest", &["authoredOn"]),
    ("MedicationStatement", &["effectiveDateTime", "effectivePeriod"]),
    ("Observation", &["effectiveDateTime", "effectivePeriod"]),
    ("Procedure", &["performedDateTime", "performedPeriod"]),
];

/// How many there were, of what does not enter.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) texts: usize,
    pub(super) pictures: usize,
    pub(super) voice: usize,
    /// Problems that are not confirmed.
    pub(super) not_confirmed: usize,
    /// Problems that say nothing of health.
    pub(super) says_nothing: usize,
    /// Resources with a modifier that is not known: what they say may not be so.
    pub(super) modified: usize,
    /// Resources that no part of an abstract is made of.
    pub(super) others: usize,
    /// Drugs, results and procedures that the policy does not have.
    pub(super) not_in_policy: usize,
}

/// What a case says.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) problems: BTreeSet<Problem>,
    pub(super) drugs: BTreeSet<u32>,
    pub(super) procedures: BTreeSet<u64>,
    /// For each of the policy's tests the newest result: when, and its bin.
    pub(super) results: BTreeMap<u16, (Option<Date>, u8)>,
    pub(super) dates: BTreeSet<Date>,
    pub(super) is_dead: bool,
    pub(super) counts: Counts,
}

/// A record that is a FHIR resource.
pub(super) fn resource_of(kind: Kind, content: &Content) -> Option<Node> {
    if kind != Kind::Resource || content.media_type() != FHIR {
        return None;
    }
    Node::parse(content.bytes()).ok().filter(|node| node.text_of("resourceType").is_some())
}

/// The codings of a concept.
pub(super) fn codings(concept: &Node) -> &[Node] {
    concept.get("coding").map(Node::each).unwrap_or_default()
}

/// A date, or the beginning of a period.
pub(super) fn date_of(said: &Node) -> Option<Date> {
    Date::parse(said.as_text().or_else(|| said.text_of("start"))?)
}

impl Gathered {
    /// Gathers what all records say.
    pub(super) fn of<'r>(
        policy: &PublicPolicy,
        records: impl IntoIterator<Item = (Kind, &'r Content)>,
    ) -> Self {
        let (mut gathered, mut resources) = (Self::default(), Vec::new());
        for (kind, content) in records {
            match resource_of(kind, content) {
                Some(resource) => resources.push(resource),
                None => gathered.counts.other_than_fhir(kind, content),
            }
        }
        let medications = medications(&resources);
        for resource in &resources {
            gathered.resource(policy, resource, &medications);
        }
        gathered
    }

    fn resource(&mut self, policy: &PublicPolicy, resource: &Node, medications: &Medications<'_>) {
        let kind = resource.text_of("resourceType").unwrap_or_default();
        self.counts.words_and_media(kind, resource);
        if is_modified(resource) {
            self.counts.modified = self.counts.modified.saturating_add(1);
            return;
        }
        if let Some((_, names)) = DATED.iter().find(|(own, _)| *own == kind) {
            self.dates.extend(names.iter().find_map(|name| date_of(resource.get(name)?)));
        }
        match kind {
            "Condition" => self.problem(resource),
            "MedicationAdministration" | "MedicationRequest" | "MedicationStatement" => {
                self.drug(policy, resource, medications);
            }
            "Observation" => self.observation(policy, resource),
            "Patient" => self.is_dead = self.is_dead || has_died(resource),
            "Procedure" => self.procedure(policy, resource),
            // Of these there are dates, or what a drug is.
            "Encounter" | "Immunization" | "DiagnosticReport" | "Medication" => (),
            _ => self.counts.others = self.counts.others.saturating_add(1),
        }
    }

    fn problem(&mut self, condition: &Node) {
        match problem::read(condition) {
            Read::Problem(problem) => {
                self.problems.insert(problem);
            }
            Read::NotConfirmed => self.counts.not_confirmed = self.counts.not_confirmed.saturating_add(1),
            Read::SaysNothing => self.counts.says_nothing = self.counts.says_nothing.saturating_add(1),
        }
    }

    fn drug(&mut self, policy: &PublicPolicy, resource: &Node, medications: &Medications<'_>) {
        let is_not = ["cancelled", "draft", "entered-in-error", "not-done", "not-taken", "unknown"];
        let is_order = resource.text_of("intent").is_none_or(|intent| intent.ends_with("order"));
        let is_forbidden =
            resource.get("doNotPerform").is_some_and(|forbidden| forbidden.as_literal() != Some("false"));
        if !is_order
            || is_forbidden
            || resource.text_of("status").is_some_and(|status| is_not.contains(&status))
        {
            return;
        }
        let own = resource.get("medicationCodeableConcept");
        let other = resource.get("medicationReference").and_then(|reference| {
            let id = reference.text_of("reference")?.rsplit(['/', ':']).next()?;
            medications.get(id).copied()
        });
        let concepts = [own, other].into_iter().flatten().flat_map(codings);
        let products = concepts.filter(|coding| coding.text_of("system") == Some(RXNORM));
        let products = products.filter_map(|coding| rxnorm_of(coding.text_of("code")?));
        let known: BTreeSet<_> = products
            .flat_map(|product| ingredients(product).chain([product]))
            .filter(|drug| policy.drugs().contains(drug))
            .collect();
        self.counts.in_policy(!known.is_empty());
        self.drugs.extend(known);
    }

    fn procedure(&mut self, policy: &PublicPolicy, resource: &Node) {
        if resource.text_of("status").is_some_and(|status| status != "completed") {
            return;
        }
        let coded = resource.get("code").into_iter().flat_map(codings);
        let concepts = coded.filter(|coding| coding.text_of("system") == Some(SNOMED));
        let concepts = concepts.filter_map(|coding| concept_of(coding.text_of("code")?));
        let known: BTreeSet<_> = concepts.filter(|concept| policy.procedures().contains(concept)).collect();
        self.counts.in_policy(!known.is_empty());
        self.procedures.extend(known);
    }

    fn observation(&mut self, policy: &PublicPolicy, resource: &Node) {
        let is_final = ["amended", "corrected", "final"];
        if resource.text_of("status").is_some_and(|status| !is_final.contains(&status)) {
            return;
        }
        let date =
            ["effectiveDateTime", "effectivePeriod"].iter().find_map(|name| date_of(resource.get(name)?));
        let components = resource.get("component").map(Node::each).unwrap_or_default();
        for measured in [resource].into_iter().chain(components) {
            let results = results(policy, measured);
            self.counts.in_policy(!results.is_empty() || measured.get("valueQuantity").is_none());
            for (test, bin) in results {
                let newest = self.results.entry(test).or_insert((date, bin));
                *newest = (*newest).max((date, bin));
            }
        }
    }
}

impl Counts {
    /// Records that are no resources: by what their bytes are. A title is neither note nor letter.
    fn other_than_fhir(&mut self, kind: Kind, content: &Content) {
        let (large, _) = content.media_type().split_once('/').unwrap_or_default();
        let count = match large.to_ascii_lowercase().as_str() {
            "audio" => &mut self.voice,
            "image" | "video" => &mut self.pictures,
            _ if kind == Kind::Title => return,
            _ => &mut self.texts,
        };
        *count = count.saturating_add(1);
    }

    fn words_and_media(&mut self, kind: &str, resource: &Node) {
        let is_words = WORDS.contains(&kind) || WORDY.iter().any(|name| resource.get(name).is_some());
        let media = (kind == "Media").then(|| {
            let content = resource.get("content").and_then(|content| content.text_of("contentType"));
            content.is_some_and(|content| content.starts_with("audio/"))
        });
        let count = match media {
            Some(true) => &mut self.voice,
            Some(false) => &mut self.pictures,
            None if is_words => &mut self.texts,
            None => return,
        };
        *count = count.saturating_add(1);
    }

    fn in_policy(&mut self, is_in: bool) {
        self.not_in_policy = self.not_in_policy.saturating_add(usize::from(!is_in));
    }
}

/// What `Medication` resources say a drug is, by their ids.
type Medications<'r> = BTreeMap<&'r str, &'r Node>;

fn medications(resources: &[Node]) -> Medications<'_> {
    let medication = |node: &&Node| node.text_of("resourceType") == Some("Medication") && !is_modified(node);
    resources
        .iter()
        .filter(medication)
        .filter_map(|node| Some((node.text_of("id")?, node.get("code")?)))
        .collect()
}

/// Whether anything in it has a modifier extension, or rules that are not known.
fn is_modified(node: &Node) -> bool {
    match node {
        Node::Array(items) => items.iter().any(is_modified),
        Node::Object(members) => members.iter().any(|(name, value)| {
            name == "modifierExtension" || name == "implicitRules" || is_modified(value)
        }),
        Node::Literal(_) | Node::Text(_) => false,
    }
}

/// A concept's number, if this is one as they are written.
fn rxnorm_of(code: &str) -> Option<u32> {
    let is_number = code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0');
    if is_number { code.parse().ok() } else { None }
}

/// The bins of a measured value: for each of the policy's tests that it is a result of.
fn results(policy: &PublicPolicy, measured: &Node) -> Vec<(u16, u8)> {
    let Some(quantity) = measured.get("valueQuantity") else { return Vec::new() };
    let codes: Vec<_> = measured
        .get("code")
        .into_iter()
        .flat_map(codings)
        .filter(|coding| coding.text_of("system") == Some(LOINC))
        .filter_map(|coding| coding.text_of("code"))
        .collect();
    let unit = quantity.text_of("code").or_else(|| quantity.text_of("unit"));
    let value = quantity.get("value").and_then(Node::as_literal).and_then(micros);
    let (Some(unit), Some(value), None) = (unit, value, quantity.get("comparator")) else {
        return Vec::new();
    };
    let own = (0..).zip(policy.results());
    own.filter(|(_, rule)| codes.contains(&rule.loinc.as_str()) && rule.unit == unit)
        .map(|(test, rule)| (test, rule.bin_of(value)))
        .collect()
}
