//! Of whom or of what a reference speaks: by what it leads to, and else by the member it stands in.

use crate::fhir::{
    pseudonyms::Pseudonyms,
    tree::Node,
    types::{is_known, says_who},
};

/// Members that refer to a person or an institution.
const WHOEVER: &[&str] = &[
    "actor",
    "agent",
    "asserter",
    "assigner",
    "attester",
    "author",
    "authorizer",
    "beneficiary",
    "careManager",
    "collector",
    "consenter",
    "consentingParty",
    "consultant",
    "dispenser",
    "enterer",
    "entity",
    "evaluator",
    "generalPractitioner",
    "individual",
    "informant",
    "informationSource",
    "interpreter",
    "issuer",
    "member",
    "onBehalfOf",
    "operator",
    "orderer",
    "owner",
    "participant",
    "party",
    "patient",
    "payee",
    "performer",
    "performingOrganization",
    "policyHolder",
    "practitioner",
    "prescriber",
    "primaryPerformer",
    "provider",
    "receiver",
    "recipient",
    "recorder",
    "referrer",
    "reporter",
    "requester",
    "requestor",
    "responsible",
    "responsibleParty",
    "resultsInterpreter",
    "sender",
    "sourceReference",
    "subject",
    "subscriber",
    "supplier",
    "valueReference",
    "verifier",
    "who",
    "witness",
];

/// Members that refer to an institution or a place.
const INSTITUTIONS: &[&str] = &[
    "custodian",
    "destination",
    "facility",
    "hospital",
    "insurer",
    "location",
    "managingOrganization",
    "organization",
    "origin",
    "payor",
    "sendingOrganization",
    "serviceProvider",
    "team",
];

/// Members that refer to what a case is about.
const THINGS: &[&str] = &[
    "addresses",
    "basedOn",
    "condition",
    "conditionReference",
    "detail",
    "device",
    "diagnosis",
    "diagnosisReference",
    "evidence",
    "finding",
    "focus",
    "goal",
    "implicated",
    "indication",
    "itemReference",
    "medication",
    "medicationReference",
    "outcome",
    "outcomeReference",
    "partOf",
    "problem",
    "procedure",
    "procedureReference",
    "product",
    "productReference",
    "reason",
    "reasonReference",
    "result",
    "specimen",
    "substance",
    "substanceReference",
    "supportingInfo",
    "supportingInformation",
    "target",
    "trigger",
];

/// Of whom or of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    Institution,
    Person,
    Thing,
    /// Left out, and nothing is learned from it.
    Unknown,
    /// A person or an institution.
    Whoever,
}

pub(super) fn whom(reference: &Node, field: &str, pseudonyms: &Pseudonyms) -> Whom {
    let leads_to = reference.text_of("reference").and_then(|to| pseudonyms.kind_of(to));
    let says = || reference.text_of("type").map(|kind| kind.rsplit('/').next().unwrap_or(kind).to_owned());
    match leads_to.or_else(says).as_deref() {
        Some("Patient" | "Person" | "Practitioner" | "RelatedPerson") => Whom::Person,
        Some("PractitionerRole") => Whom::Whoever,
        Some("CareTeam" | "Group" | "Location" | "Organization") => Whom::Institution,
        Some(kind) if says_who(kind) => Whom::Unknown,
        Some(kind) if is_known(kind) => Whom::Thing,
        _ if WHOEVER.contains(&field) => Whom::Whoever,
        _ if INSTITUTIONS.contains(&field) => Whom::Institution,
        _ if THINGS.contains(&field) => Whom::Thing,
        _ => Whom::Unknown,
    }
}
