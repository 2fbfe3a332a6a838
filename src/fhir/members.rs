//! What the members of a resource are, by their names and shapes.

use crate::fhir::tree::Node;

/// Members that say who, wherever they stand.
const LEFT_OUT: &[&str] = &[
    "accession",
    "alias",
    "authorString",
    "birthDate",
    "bornDate",
    "bornPeriod",
    "bornString",
    "contact",
    "div",
    "email",
    "fax",
    "fullUrl",
    "implicitRules",
    "name",
    "phone",
    "photo",
    "policyNumber",
    "preAuthRef",
    "requisition",
    "serialNumber",
    "signature",
    "subscriberId",
    "telecom",
    "udiCarrier",
    "valueAttachment",
    "valueBase64Binary",
    "valueContactPoint",
    "valueHumanName",
    "valueSignature",
];

/// Members that are codes, not words.
const CODES: &[&str] = &[
    "action",
    "code",
    "comparator",
    "connectionType",
    "contentType",
    "criticality",
    "docStatus",
    "gender",
    "intent",
    "kind",
    "language",
    "lifecycleStatus",
    "mode",
    "onlineStatus",
    "operationalStatus",
    "outcome",
    "presence",
    "priority",
    "relationship",
    "requirement",
    "severity",
    "status",
    "system",
    "type",
    "unit",
    "use",
];

/// Words that FHIR itself has for states, intents and the like: they stay even if someone is called so.
const CODE_WORDS: &[&str] = &[
    "active",
    "amended",
    "appointment",
    "asap",
    "billing",
    "booked",
    "cancelled",
    "claim",
    "collection",
    "complete",
    "completed",
    "confirmed",
    "corrected",
    "current",
    "document",
    "draft",
    "entered-in-error",
    "error",
    "female",
    "final",
    "finished",
    "food",
    "generated",
    "high",
    "home",
    "inactive",
    "intolerance",
    "low",
    "male",
    "medication",
    "mild",
    "mobile",
    "moderate",
    "normal",
    "official",
    "old",
    "onleave",
    "order",
    "original",
    "other",
    "outcome",
    "partial",
    "plan",
    "planned",
    "preliminary",
    "proposal",
    "registered",
    "routine",
    "severe",
    "snapshot",
    "stat",
    "stopped",
    "superseded",
    "temp",
    "triage",
    "unknown",
    "urgent",
    "usual",
    "work",
    "working",
];

/// Names of members of FHIR that people bear, too.
const ELEMENT_WORDS: &[&str] = &[
    "action",
    "agent",
    "answer",
    "area",
    "base",
    "basis",
    "body",
    "bond",
    "case",
    "class",
    "code",
    "content",
    "cost",
    "culture",
    "date",
    "day",
    "days",
    "detail",
    "dose",
    "driver",
    "duration",
    "effect",
    "event",
    "form",
    "frequency",
    "goal",
    "grade",
    "group",
    "hand",
    "hash",
    "item",
    "kind",
    "lens",
    "line",
    "link",
    "list",
    "mean",
    "measure",
    "method",
    "mode",
    "moiety",
    "name",
    "note",
    "order",
    "page",
    "part",
    "period",
    "phase",
    "power",
    "price",
    "prism",
    "process",
    "product",
    "program",
    "range",
    "rank",
    "rate",
    "reason",
    "result",
    "role",
    "route",
    "rule",
    "score",
    "season",
    "section",
    "series",
    "service",
    "severity",
    "shape",
    "site",
    "size",
    "stage",
    "start",
    "status",
    "step",
    "story",
    "strength",
    "subject",
    "system",
    "target",
    "term",
    "time",
    "title",
    "topic",
    "type",
    "unit",
    "usage",
    "use",
    "value",
    "weight",
    "what",
    "when",
    "width",
    "word",
];

/// Members whose type is an instant, which has no shorter form.
const INSTANTS: &[&str] = &["issued", "lastUpdated", "recorded", "timestamp"];

/// Members that hold an attachment, or a list of them.
const ATTACHMENTS: &[&str] = &["content", "document", "form", "image", "photo", "presentedForm"];

/// The hosts of those who publish terminologies and profiles.
const STANDARDS: &[&str] = &[
    "ama-assn.org",
    "dicom.nema.org",
    "hl7.org",
    "loinc.org",
    "nlm.nih.gov",
    "snomed.info",
    "unitsofmeasure.org",
    "who.int",
    "whocc.no",
];

/// Values of HL7's that are extensions and only numbers.
const SCORES: &[&str] = &[
    "http://hl7.org/fhir/StructureDefinition/iso21090-CO-value",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue",
];

/// Whether a member says who by its name alone.
pub(super) fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name)
        || name.starts_with('_')
        || name.ends_with("dentifier")
        || name.ends_with("ddress")
}

pub(super) fn is_code(name: &str) -> bool {
    CODES.contains(&name)
}

pub(super) fn is_code_word(word: &str) -> bool {
    CODE_WORDS.contains(&word)
}

pub(super) fn is_element_word(name: &str) -> bool {
    ELEMENT_WORDS.contains(&name)
}

pub(super) fn is_instant(name: &str) -> bool {
    INSTANTS.contains(&name)
}

/// Whether an object is an attachment, by the name it has or by what it holds.
pub(super) fn is_attachment(field: &str, node: &Node) -> bool {
    field.ends_with("ttachment")
        || ATTACHMENTS.contains(&field)
        || node.get("contentType").is_some()
        || node.get("data").is_some()
}

pub(super) fn is_address(field: &str, node: &Node) -> bool {
    let has_parts = || node.get("line").is_some() || node.get("postalCode").is_some();
    matches!(node, Node::Object(_)) && (field.ends_with("ddress") || has_parts())
}

/// Whether an object is an Identifier or a ContactPoint: a value of words, and of which system or for which use.
pub(super) fn is_identifier(field: &str, node: &Node) -> bool {
    let is_shaped = || {
        ["assigner", "system", "use"].iter().any(|name| node.get(name).is_some())
            && !["code", "unit", "url"].iter().any(|name| node.get(name).is_some())
            && node.text_of("value").is_some()
    };
    matches!(node, Node::Object(_)) && (field.ends_with("dentifier") || field == "telecom" || is_shaped())
}

/// Whether an object is a Coding.
pub(super) fn is_coding(field: &str, node: &Node) -> bool {
    field.ends_with("oding") || node.get("code").is_some() || node.get("system").is_some()
}

/// Whether a URL is of a terminology or a profile that everyone uses.
pub(super) fn is_standard(url: &str) -> bool {
    if url.starts_with("urn:iso:")
        || url.starts_with("urn:ietf:")
        || url.starts_with("urn:oid:2.16.840.1.113883.6.")
    {
        return !url.contains(char::is_whitespace);
    }
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_of = |own: &str| host.strip_suffix(own).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
    STANDARDS.iter().any(|own| is_of(own)) && !url.contains(char::is_whitespace)
}

/// Whether a Coding says a code of a terminology that everyone uses.
pub(super) fn is_standard_coding(node: &Node) -> bool {
    node.get("code").is_some() && node.text_of("system").is_some_and(is_standard)
}

/// An extension that is a score and nothing else, as it is kept.
pub(super) fn score(extension: &Node) -> Option<Node> {
    let url = extension.text_of("url").filter(|url| SCORES.contains(url))?;
    let value = extension.get("valueDecimal").filter(|value| matches!(value, Node::Literal(_)))?;
    let url = ("url".to_owned(), Node::Text(url.to_owned()));
    Some(Node::Object(vec![url, ("valueDecimal".to_owned(), value.clone())]))
}
