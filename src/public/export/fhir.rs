//! FHIR R4: one Bundle of type `collection`, its resources without an identifier and labelled anonymised.
//!
//! ```text
//! Patient               one a case: the public id as `id`; gender if the policy's `sex` says it; deceased if the outcome does
//! Condition             the main diagnosis, and each further one
//! MedicationStatement   each drug                    Procedure     each procedure
//! Observation           each result; each quasi-identifier; the weeks; what was left out
//! ```
//!
//! A resource's `fullUrl` is a UUID (version 8) made from the public id and its place in the case. Dates are nowhere.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::public::{
    Outcome,
    export::{
        cases::{ICD_10, RXNORM, SNOMED, Told, Words, icd},
        json::Json,
    },
};

/// The code systems and codes that are not a case's.
const ANONYMISED: (&str, &str, &str) =
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "ANONYED", "anonymized");
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
/// Of what this crate alone has a name for.
const OURS: &str = "urn:casevault:public";

/// A Bundle that is being written.
pub(super) struct Bundle<W> {
    out: W,
    is_first: bool,
}

impl<W: Write> Bundle<W> {
    pub(super) fn begin(mut out: W) -> io::Result<Self> {
        let security = Json::list([labelled(ANONYMISED)]).line()?;
        write!(
            out,
            "{{\"resourceType\":\"Bundle\",\"meta\":{{\"security\":{security}}},\"type\":\"collection\",\"entry\":["
        )?;
        Ok(Self { out, is_first: true })
    }

    pub(super) fn case(&mut self, words: &Words, told: &Told<'_>) -> io::Result<()> {
        let subject = uuid(&told.id, 0);
        for (place, resource) in (0..).zip(resources(words, told, &subject)) {
            let comma = if self.is_first { "\n" } else { ",\n" };
            self.is_first = false;
            let entry = [("fullUrl", Json::Text(uuid(&told.id, place))), ("resource", resource)];
            write!(self.out, "{comma}{}", Json::object(entry).line()?)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}\n")?;
        Ok(self.out)
    }
}

/// A resource's name in the Bundle: the same in every export, and of no other resource.
fn uuid(id: &str, place: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("casevault public resource {id} {place}"));
    let mut bytes: [u8; 32] = hash.finalize().into();
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0f | 0x80;
    *variant = *variant & 0x3f | 0x80;
    let digits: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut rest = digits.as_str();
    let parts = [8, 4, 4, 4, 12].map(|length| {
        let (part, after) = rest.split_at_checked(length).unwrap_or_default();
        rest = after;
        part
    });
    format!("urn:uuid:{}", parts.join("-"))
}

fn coding(system: &str, code: &str) -> Json {
    Json::object([("system", Json::text(system)), ("code", Json::text(code))])
}

fn labelled((system, code, display): (&str, &str, &str)) -> Json {
    coding(system, code).with("display", Json::text(display))
}

/// A CodeableConcept of one code.
fn concept(system: &str, code: &str) -> Json {
    Json::object([("coding", Json::list([coding(system, code)]))])
}

fn words_only(text: &str) -> Json {
    Json::object([("text", Json::text(text))])
}

/// What each resource begins with.
fn begin(kind: &str, told: &Told<'_>, place: usize) -> Json {
    let id = if place == 0 { told.id.clone() } else { format!("{}-{place}", told.id) };
    let security = Json::list([labelled(ANONYMISED)]);
    let tag = Json::list([
        coding(&format!("{OURS}:batch"), &told.batch),
        coding(&format!("{OURS}:grid"), &told.grid.to_string()),
    ]);
    let meta = Json::object([("security", security), ("tag", tag)]);
    Json::object([("resourceType", Json::text(kind)), ("id", Json::Text(id)), ("meta", meta)])
}

fn resources(words: &Words, told: &Told<'_>, subject: &str) -> Vec<Json> {
    let mut made: Vec<Json> = vec![patient(words, told)];
    let subject = Json::object([("reference", Json::text(subject))]);
    let mut push = |kind: &str, members: Vec<(&str, Json)>, value: Option<(&str, Json)>| {
        let resource = members
            .into_iter()
            .fold(begin(kind, told, made.len()), |resource, (name, member)| resource.with(name, member));
        let resource = resource.with("subject", subject.clone());
        let (name, value) = value.unzip();
        made.push(resource.with_some(name.unwrap_or_default(), value));
    };
    let status = |word: &str| ("status", Json::text(word));
    let main = concept(ICD_10, &icd(told.diagnosis));
    let main = vec![("code", main.with("text", Json::text("main diagnosis")))];
    push("Condition", ended(told.outcome).into_iter().chain(main).collect(), None);
    for code in &told.diagnoses {
        push("Condition", vec![("code", concept(ICD_10, code))], None);
    }
    for code in &told.drugs {
        push(
            "MedicationStatement",
            vec![status("unknown"), ("medicationCodeableConcept", concept(RXNORM, code))],
            None,
        );
    }
    for code in &told.procedures {
        push("Procedure", vec![status("unknown"), ("code", concept(SNOMED, code))], None);
    }
    for found in &told.results {
        let code = concept(&found.test.system, &found.test.code).with("text", Json::text(&found.test.title));
        push(
            "Observation",
            vec![status("final"), ("code", code)],
            Some(("valueCodeableConcept", words_only(found.bin))),
        );
    }
    let own =
        |name: &str, title: &str| concept(&format!("{OURS}:field"), name).with("text", Json::text(title));
    for (quasi, bin) in words.quasi_identifiers.iter().zip(&told.bins) {
        if let Some(bin) = bin {
            let code = own(&quasi.name, &quasi.title);
            push(
                "Observation",
                vec![status("final"), ("code", code)],
                Some(("valueCodeableConcept", words_only(bin))),
            );
        }
    }
    let component = |name: &str, text: &str| {
        Json::object([("code", own(name, name)), ("valueCodeableConcept", words_only(text))])
    };
    if !told.weeks.is_empty() {
        let bands = Json::list(told.weeks.iter().map(|band| component("weeks", band)));
        push(
            "Observation",
            vec![status("final"), ("code", own("weeks", "weeks"))],
            Some(("component", bands)),
        );
    }
    if let Some(left_out) = told.left_out {
        let amounts = [("texts", left_out.texts), ("pictures", left_out.pictures), ("voice", left_out.voice)];
        let amounts = amounts.map(|(name, amount)| component(&format!("{name}_left_out"), amount.word()));
        let code = ("code", own("left_out", "left out"));
        push("Observation", vec![status("final"), code], Some(("component", Json::list(amounts))));
    }
    made
}

fn patient(words: &Words, told: &Told<'_>) -> Json {
    let sex = words.quasi_identifiers.iter().position(|quasi| quasi.name == "sex");
    let sex = sex.and_then(|place| told.bins.get(place).copied().flatten());
    let gender = sex.filter(|sex| ["female", "male", "other", "unknown"].contains(sex)).map(Json::text);
    let deceased = (told.outcome == Outcome::Died).then_some(Json::Bool(true));
    begin("Patient", told, 0).with_some("gender", gender).with_some("deceasedBoolean", deceased)
}

fn ended(outcome: Outcome) -> Option<(&'static str, Json)> {
    match outcome {
        Outcome::Resolved => Some(("clinicalStatus", concept(CLINICAL, "resolved"))),
        Outcome::Ongoing => Some(("clinicalStatus", concept(CLINICAL, "active"))),
        Outcome::Died | Outcome::Unknown => None,
    }
}
