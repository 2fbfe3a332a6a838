//! The split: what says who to the Identity, the rest to the case.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::fhir::{
    Bundle, FhirError,
    bundle::Resource,
    sieve::{Sieve, Terms},
    tree::Node,
    types::says_who,
};

/// Turns ids to pseudonyms, under a key that is fresh for each import: nothing joins two imports.
///
/// ```text
/// pseudonym = UUID of version 8 from HMAC-SHA256(key, target)[..16]
/// ```
pub struct Pseudonyms {
    key: [u8; 32],
    /// Where each full URL leads.
    targets: BTreeMap<String, String>,
}

impl Pseudonyms {
    /// With this key, which must be random and used for one import.
    #[must_use]
    pub const fn with_key(key: [u8; 32]) -> Self {
        Self { key, targets: BTreeMap::new() }
    }

    fn of(&self, target: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(target.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut hex: Vec<char> = digest
            .iter()
            .take(16)
            .flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>())
            .collect();
        // RFC 9562: version 8, the variant of all UUIDs.
        for (position, symbol) in [(12, '8'), (16, 'a')] {
            if let Some(digit) = hex.get_mut(position) {
                *digit = symbol;
            }
        }
        let mut uuid = String::new();
        for (position, symbol) in hex.into_iter().enumerate() {
            if [8, 12, 16, 20].contains(&position) {
                uuid.push('-');
            }
            uuid.push(symbol);
        }
        uuid
    }

    /// What a reference leads to, however it is written.
    fn target(&self, reference: &str, within: &str) -> String {
        if reference.starts_with('#') {
            return format!("{within}{reference}");
        }
        let plain = reference.split("/_history/").next().unwrap_or(reference);
        self.targets.get(plain).cloned().unwrap_or_else(|| plain.to_owned())
    }

    fn reference(&self, reference: &str, within: &str) -> String {
        let pseudonym = self.of(&self.target(reference, within));
        if reference.starts_with('#') { format!("#{pseudonym}") } else { format!("urn:uuid:{pseudonym}") }
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

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
/// [`FhirError`] if a resource cannot be taken apart; one that was parsed can.
pub fn split(bundle: &Bundle, mut pseudonyms: Pseudonyms) -> Result<Split, FhirError> {
    let mut terms = Terms::default();
    for resource in &bundle.resources {
        terms.gather(&resource.tree, says_who(&resource.kind));
        let target = target_of(resource);
        pseudonyms.targets.extend(resource.full_url.clone().map(|url| (url, target.clone())));
    }
    let sieve = terms.into_sieve();
    let mut splitter = Splitter { pseudonyms, sieve, report: SplitReport::default(), newest_year: 0 };
    let (mut identity, mut case) = (Vec::new(), Vec::new());
    for resource in &bundle.resources {
        let Resource { kind, bytes, .. } = resource;
        if says_who(kind) {
            identity.push(Entry { kind: kind.clone(), bytes: bytes.clone() });
        } else {
            case.push(splitter.entry(resource));
        }
    }
    for patient in bundle.resources.iter().filter(|resource| resource.kind == "Patient") {
        case.push(splitter.patient(patient));
    }
    Ok(Split { identity, case, report: splitter.report })
}

/// How a resource is known inside its document.
fn target_of(resource: &Resource) -> String {
    match (&resource.id, &resource.full_url) {
        (Some(id), _) => format!("{}/{id}", resource.kind),
        (None, Some(url)) => url.clone(),
        (None, None) => resource.kind.clone(),
    }
}

struct Splitter {
    pseudonyms: Pseudonyms,
    sieve: Sieve,
    report: SplitReport,
    newest_year: u32,
}

/// Members that say who, wherever they stand.
const LEFT_OUT: &[&str] = &[
    "accession",
    "address",
    "alias",
    "authorString",
    "birthDate",
    "contact",
    "div",
    "email",
    "extension",
    "fax",
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
    "valueAddress",
    "valueAttachment",
    "valueBase64Binary",
    "valueContactPoint",
    "valueHumanName",
    "valueSignature",
];

/// Members that are codes, not words.
const CODES: &[&str] = &["code", "contentType", "language", "resourceType", "status", "system", "unit"];

/// Members whose type is an instant, which has no shorter form.
const INSTANTS: &[&str] = &["issued", "lastUpdated", "recorded", "timestamp"];

impl Splitter {
    fn entry(&mut self, resource: &Resource) -> Entry {
        let target = target_of(resource);
        let scrubbed = self.resource(&resource.tree, &target, &target);
        let mut bytes = Vec::new();
        scrubbed.write(&mut bytes);
        Entry { kind: resource.kind.clone(), bytes }
    }

    /// A resource, or one contained in it: the id is its pseudonym.
    fn resource(&mut self, tree: &Node, target: &str, within: &str) -> Node {
        let Node::Object(members) = tree else { return tree.clone() };
        let mut kept = Vec::new();
        for (name, value) in members {
            match name.as_str() {
                "id" => kept.push((name.clone(), Node::Text(self.pseudonyms.of(target)))),
                "meta" => kept.extend(meta(value).map(|meta| (name.clone(), meta))),
                "contained" => {
                    let inner = self.contained(value, within);
                    if !inner.is_empty() {
                        kept.push((name.clone(), Node::Array(inner)));
                    }
                }
                _ => kept.extend(self.member(tree, name, value, within).map(|value| (name.clone(), value))),
            }
        }
        if !members.iter().any(|(name, _)| name == "id") {
            kept.push(("id".to_owned(), Node::Text(self.pseudonyms.of(target))));
        }
        Node::Object(kept)
    }

    fn contained(&mut self, value: &Node, within: &str) -> Vec<Node> {
        let mut kept = Vec::new();
        for inner in value.each() {
            if says_who(inner.text_of("resourceType").unwrap_or_default()) {
                self.report.left_out = self.report.left_out.saturating_add(1);
                continue;
            }
            let target = format!("{within}#{}", inner.text_of("id").unwrap_or_default());
            kept.push(self.resource(inner, &target, within));
        }
        kept
    }

    /// A member of an object, if it is kept.
    fn member(&mut self, of: &Node, name: &str, value: &Node, within: &str) -> Option<Node> {
        let is_left_out = LEFT_OUT.contains(&name)
            || name.starts_with('_')
            || name.ends_with("dentifier")
            || (name == "id" && of.get("resourceType").is_none())
            || (name == "text" && matches!(value, Node::Object(_)))
            || (name == "display" && of.get("code").is_none() && of.get("system").is_none())
            || (["data", "hash", "title", "url"].contains(&name) && is_attachment(of));
        let kept = if is_left_out { None } else { self.value(name, value, within) };
        if kept.is_none() {
            self.report.left_out = self.report.left_out.saturating_add(1);
        }
        kept
    }

    fn value(&mut self, name: &str, value: &Node, within: &str) -> Option<Node> {
        match value {
            Node::Array(items) => {
                let kept: Vec<Node> =
                    items.iter().filter_map(|item| self.value(name, item, within)).collect();
                if kept.is_empty() { None } else { Some(Node::Array(kept)) }
            }
            Node::Literal(_) => Some(value.clone()),
            Node::Object(members) => {
                let mut kept = Vec::new();
                for (name, inner) in members {
                    kept.extend(self.member(value, name, inner, within).map(|inner| (name.clone(), inner)));
                }
                if kept.is_empty() { None } else { Some(Node::Object(kept)) }
            }
            Node::Text(text) => self.text(name, text, within),
        }
    }

    fn text(&mut self, name: &str, text: &str, within: &str) -> Option<Node> {
        match name {
            "reference" => {
                self.report.references = self.report.references.saturating_add(1);
                Some(Node::Text(self.pseudonyms.reference(text, within)))
            }
            "uid" => Some(Node::Text(self.pseudonyms.of(text))),
            _ if CODES.contains(&name) => Some(Node::Text(text.to_owned())),
            _ if self.sieve.is_birth_date(text) => {
                self.report.struck = self.report.struck.saturating_add(1);
                let year = text.get(..4).filter(|_| !INSTANTS.contains(&name) && is_date(text));
                year.map(|year| Node::Text(year.to_owned()))
            }
            _ => {
                self.note_year(text);
                let (text, struck) = self.sieve.strike(text);
                self.report.struck = self.report.struck.saturating_add(struck);
                Some(Node::Text(text))
            }
        }
    }

    fn note_year(&mut self, text: &str) {
        let year = text.get(..5).and_then(|start| start.strip_suffix('-')).and_then(|year| year.parse().ok());
        self.newest_year = self.newest_year.max(year.filter(|year| (1900..2200).contains(year)).unwrap_or(0));
    }

    /// What a case says of the patient: sex, the year of birth below ninety years, whether he lives.
    fn patient(&self, resource: &Resource) -> Entry {
        let tree = &resource.tree;
        let mut kept = vec![
            ("resourceType".to_owned(), Node::Text("Patient".to_owned())),
            ("id".to_owned(), Node::Text(self.pseudonyms.of(&target_of(resource)))),
        ];
        if let Some(gender) =
            tree.text_of("gender").filter(|gender| ["female", "male", "other", "unknown"].contains(gender))
        {
            kept.push(("gender".to_owned(), Node::Text(gender.to_owned())));
        }
        let year = tree
            .text_of("birthDate")
            .and_then(|date| date.get(..4))
            .filter(|year| year.parse::<u32>().is_ok());
        let is_young =
            |year: &&str| year.parse::<u32>().is_ok_and(|year| year.saturating_add(90) > self.newest_year);
        if let Some(year) = year.filter(is_young) {
            kept.push(("birthDate".to_owned(), Node::Text(year.to_owned())));
        }
        let is_dead = tree.get("deceasedDateTime").is_some()
            || tree.get("deceasedBoolean").is_some_and(|dead| *dead == Node::Literal("true".to_owned()));
        if is_dead {
            kept.push(("deceasedBoolean".to_owned(), Node::Literal("true".to_owned())));
        }
        let mut bytes = Vec::new();
        Node::Object(kept).write(&mut bytes);
        Entry { kind: "Patient".to_owned(), bytes }
    }
}

/// Of the metadata, only which rules the resource follows and how private it is.
fn meta(value: &Node) -> Option<Node> {
    let Node::Object(members) = value else { return None };
    let kept: Vec<_> = members
        .iter()
        .filter(|(name, _)| ["profile", "security"].contains(&name.as_str()))
        .cloned()
        .collect();
    if kept.is_empty() { None } else { Some(Node::Object(kept)) }
}

fn is_attachment(node: &Node) -> bool {
    node.get("contentType").is_some() || node.get("data").is_some()
}

/// Whether a string is a date, or a date and a time, and nothing else.
fn is_date(text: &str) -> bool {
    text.len() <= 35 && text.chars().all(|symbol| symbol.is_ascii_digit() || "-:.+TZ".contains(symbol))
}
