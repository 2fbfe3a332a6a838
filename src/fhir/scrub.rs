//! Scrubbing: a resource without what says who.

use std::collections::BTreeMap;

use crate::fhir::{
    age::top_coded,
    bundle::Resource,
    dates::is_date,
    members::{
        is_address, is_attachment, is_code, is_code_word, is_coding, is_element_word, is_identifier,
        is_instant, is_left_out, is_standard, is_standard_coding, score,
    },
    pseudonyms::{Pseudonyms, target_of},
    questions::asks,
    sieve::{Reach, STRUCK, Sieve},
    split::SplitReport,
    terms::reach,
    tree::Node,
    types::says_who,
    whom::{Whom, whom},
};

/// The object whose members are looked at.
#[derive(Clone, Copy)]
struct Within<'n> {
    /// The member it stands in.
    field: &'n str,
    node: &'n Node,
    /// Which resource `#` references are resolved in.
    target: &'n str,
    /// Whether its values tell who someone is.
    is_asked: bool,
}

impl<'n> Within<'n> {
    fn new(field: &'n str, node: &'n Node, target: &'n str) -> Self {
        Self { field, node, target, is_asked: asks(node).is_some() }
    }
}

/// Takes resources apart.
pub(super) struct Scrubber {
    pub(super) pseudonyms: Pseudonyms,
    pub(super) sieve: Sieve,
    pub(super) report: SplitReport,
    /// Whether the patient is so old that the year of birth is not told.
    pub(super) is_old: bool,
    /// Names of members seen, and whether they say who.
    pub(super) names: BTreeMap<String, bool>,
}

impl Scrubber {
    /// A resource as the case has it.
    pub(super) fn scrub(&mut self, resource: &Resource) -> Node {
        let target = target_of(resource);
        let mut scrubbed = self.resource(&resource.tree, &target, &target);
        if let Node::Object(members) = &mut scrubbed
            && resource.id.is_none()
        {
            members.push(("id".to_owned(), Node::Text(self.pseudonyms.of(&target))));
        }
        scrubbed
    }

    /// A resource, or one inside it: the id is its pseudonym.
    fn resource(&mut self, tree: &Node, target: &str, within: &str) -> Node {
        let Node::Object(members) = tree else { return tree.clone() };
        let of = Within::new("", tree, within);
        let mut kept = Vec::new();
        for (name, value) in members {
            let value = match name.as_str() {
                "id" => Some(Node::Text(self.pseudonyms.of(target))),
                "contained" => self.contained(value, within),
                _ => self.member(of, name, value),
            };
            kept.extend(value.map(|value| (name.clone(), value)));
        }
        Node::Object(kept)
    }

    fn contained(&mut self, value: &Node, within: &str) -> Option<Node> {
        let mut kept = Vec::new();
        for inner in value.each() {
            let target = format!("{within}#{}", inner.text_of("id").unwrap_or_default());
            kept.extend(self.nested(inner, &target, within));
        }
        if kept.is_empty() { None } else { Some(Node::Array(kept)) }
    }

    /// A resource inside another: one that says who, or that may hold such, is left out.
    fn nested(&mut self, inner: &Node, target: &str, within: &str) -> Option<Node> {
        let kind = inner.text_of("resourceType").unwrap_or_default();
        if says_who(kind) || kind == "Bundle" || kind.is_empty() {
            self.report.left_out = self.report.left_out.saturating_add(1);
            return None;
        }
        Some(self.resource(inner, target, within))
    }

    /// A member of an object, if it is kept.
    fn member(&mut self, of: Within<'_>, name: &str, value: &Node) -> Option<Node> {
        let kept = match name {
            "extension" => scores(value),
            "meta" | "valueMeta" => self.meta(value, of.target),
            "modifierExtension" => Some(self.modifiers(value)),
            _ if self.is_left_out(of, name, value) => None,
            _ => self.value(of, name, value),
        };
        if kept.is_none() {
            self.report.left_out = self.report.left_out.saturating_add(1);
        }
        kept
    }

    fn is_left_out(&mut self, of: Within<'_>, name: &str, value: &Node) -> bool {
        is_left_out(name)
            || (name == "id" && of.node.get("resourceType").is_none())
            || (name == "text" && matches!(value, Node::Object(_)))
            || (name == "display" && !self.is_told(of))
            || (["data", "hash", "title", "url"].contains(&name) && is_attachment(of.field, of.node))
            || (of.is_asked && (name.starts_with("value") || ["answer", "item"].contains(&name)))
            || self.is_name(name)
    }

    /// Whether a display is the word for a code, or for what a case is about.
    fn is_told(&self, of: Within<'_>) -> bool {
        is_coding(of.field, of.node) || whom(of.node, of.field, &self.pseudonyms) == Whom::Thing
    }

    /// Whether the name of a member is one that someone bears.
    fn is_name(&mut self, name: &str) -> bool {
        if is_element_word(name) {
            return false;
        }
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let is_name = self.sieve.finds(name);
        self.names.insert(name.to_owned(), is_name);
        is_name
    }

    fn value(&mut self, of: Within<'_>, name: &str, value: &Node) -> Option<Node> {
        match value {
            Node::Array(items) => {
                let kept: Vec<Node> = items.iter().filter_map(|item| self.value(of, name, item)).collect();
                if kept.is_empty() { None } else { Some(Node::Array(kept)) }
            }
            Node::Literal(literal) => Some(value.clone()).filter(|_| !self.sieve.is_number(literal)),
            Node::Object(_) if value.get("resourceType").is_some() => {
                let kind = value.text_of("resourceType").unwrap_or_default();
                let target = format!("{kind}/{}", value.text_of("id").unwrap_or_default());
                self.nested(value, &target, &target)
            }
            Node::Object(_) if is_address(name, value) || is_identifier(name, value) => None,
            Node::Object(members) => {
                let told = top_coded(value);
                let members = match &told {
                    Some(Node::Object(told)) => told,
                    _ => members,
                };
                let of = Within::new(name, value, of.target);
                let mut kept = Vec::new();
                for (name, inner) in members {
                    kept.extend(self.member(of, name, inner).map(|inner| (name.clone(), inner)));
                }
                if kept.is_empty() { None } else { Some(Node::Object(kept)) }
            }
            Node::Text(text) => self.text(of, name, text),
        }
    }

    fn text(&mut self, of: Within<'_>, name: &str, text: &str) -> Option<Node> {
        let kept = match name {
            "fhirVersion" | "resourceType" => text.to_owned(),
            "reference" => {
                self.report.references = self.report.references.saturating_add(1);
                self.pseudonyms.reference(text, of.target)
            }
            "uid" => self.pseudonyms.of(text),
            _ if is_date(text) && self.sieve.is_birth(text) => {
                self.report.struck = self.report.struck.saturating_add(1);
                let is_told = !is_instant(name) && !self.is_old;
                text.get(..4).filter(|_| is_told)?.to_owned()
            }
            // What is a date is no postal code and no number.
            _ if is_date(text) || is_standard(text) => text.to_owned(),
            _ if reach(text).is_some() => return None,
            "system" if self.sieve.finds(text) => self.struck(),
            _ if is_code(name) => {
                let is_standard = name == "code" && is_standard_coding(of.node);
                let reach = if is_standard { Reach::Strong } else { Reach::All };
                let is_kept = is_code_word(text) || !self.sieve.is_term(text, reach);
                if is_kept { text.to_owned() } else { self.struck() }
            }
            _ => {
                let (text, struck) = self.sieve.strike(text, reach_of(of.node, name, text));
                self.report.struck = self.report.struck.saturating_add(struck);
                text
            }
        };
        Some(Node::Text(kept))
    }

    fn struck(&mut self) -> String {
        self.report.struck = self.report.struck.saturating_add(1);
        STRUCK.to_owned()
    }

    /// Of the metadata, only which rules the resource follows and how private it is.
    fn meta(&mut self, value: &Node, target: &str) -> Option<Node> {
        let Node::Object(members) = value else { return None };
        let mut kept = Vec::new();
        for (name, value) in members {
            let value = match name.as_str() {
                "profile" => {
                    let is_told = |url: &&Node| {
                        url.as_text().is_some_and(|url| is_standard(url) || !self.sieve.finds(url))
                    };
                    let told: Vec<Node> = value.each().iter().filter(is_told).cloned().collect();
                    if told.is_empty() { None } else { Some(Node::Array(told)) }
                }
                "security" => self.value(Within::new("meta", &Node::Object(Vec::new()), target), name, value),
                _ => None,
            };
            kept.extend(value.map(|value| (name.clone(), value)));
        }
        if kept.is_empty() { None } else { Some(Node::Object(kept)) }
    }

    /// That something changes what a resource means stays, and what it is if HL7 has defined it; what it says does not.
    fn modifiers(&mut self, value: &Node) -> Node {
        let marker = |extension: &Node| {
            let url = extension.text_of("url").filter(|url| is_standard(url)).unwrap_or(STRUCK);
            Node::Object(vec![("url".to_owned(), Node::Text(url.to_owned()))])
        };
        let markers: Vec<Node> = value.each().iter().map(marker).collect();
        let count = u64::try_from(markers.len()).unwrap_or(u64::MAX);
        self.report.modifiers = self.report.modifiers.saturating_add(count);
        Node::Array(markers)
    }
}

fn scores(extensions: &Node) -> Option<Node> {
    let kept: Vec<Node> = extensions.each().iter().filter_map(score).collect();
    if kept.is_empty() { None } else { Some(Node::Array(kept)) }
}

/// How much is struck from a string: less from the words of a terminology, which are nobody's.
fn reach_of(of: &Node, name: &str, text: &str) -> Reach {
    let codings = || of.get("coding").map(Node::each).unwrap_or_default().iter();
    let is_word_of = |coding: &Node| is_standard_coding(coding) && coding.text_of("display") == Some(text);
    let is_word = match name {
        "display" => is_standard_coding(of),
        "text" => codings().any(is_word_of),
        _ => false,
    };
    if is_word { Reach::Strong } else { Reach::All }
}
