//! Gathering: what a chart itself says of who, so that it can be struck from the rest.

use crate::fhir::{
    bundle::Resource,
    dates::year_of,
    members::{is_address, is_coding, is_identifier, is_standard},
    pseudonyms::Pseudonyms,
    questions::{Topic, asks},
    terms::{Terms, reach},
    tree::Node,
    types::says_who,
    whom::{Whom, whom},
};

/// Types of persons.
const PEOPLE: &[&str] = &["Patient", "Person", "Practitioner", "RelatedPerson"];

/// Types of what has a name and is no person.
const NAMED: &[&str] = &[
    "Account",
    "CareTeam",
    "Group",
    "HealthcareService",
    "Location",
    "Organization",
    "OrganizationAffiliation",
];

/// Members that hold a HumanName.
const NAMES: &[&str] = &["name", "valueHumanName"];

/// Members that hold a number of some register.
const NUMBERS: &[&str] = &[
    "accountNumber",
    "deviceIdentifier",
    "policyNumber",
    "preAuthRef",
    "serialNumber",
    "subscriberId",
    "uid",
];

/// Everything that says who, gathered resource by resource.
pub(super) struct Gathering<'p> {
    pub(super) terms: Terms,
    /// The newest year of a date in the case, or in which the patient died.
    pub(super) newest_year: u32,
    pseudonyms: &'p Pseudonyms,
}

impl<'p> Gathering<'p> {
    pub(super) fn new(pseudonyms: &'p Pseudonyms) -> Self {
        Self { terms: Terms::default(), newest_year: pseudonyms.year.unwrap_or(0), pseudonyms }
    }

    pub(super) fn resource(&mut self, resource: &Resource) {
        if PEOPLE.contains(&resource.kind.as_str())
            && let Some(last) = resource.full_url.as_ref().and_then(|url| url.rsplit(['/', ':']).next())
        {
            self.terms.id(last);
        }
        self.node("", &resource.tree, &resource.kind);
    }

    fn node(&mut self, field: &str, node: &Node, who: &str) {
        match node {
            Node::Array(items) => items.iter().for_each(|item| self.node(field, item, who)),
            Node::Literal(_) => (),
            Node::Object(members) => {
                let inner = node.text_of("resourceType").unwrap_or(who);
                self.object(field, node, inner);
                for (name, value) in members {
                    self.member((field, node), name, value, inner);
                    self.node(name, value, inner);
                }
            }
            Node::Text(text) => {
                if let Some(value) = reach(text) {
                    self.terms.telecom(value);
                }
                if !says_who(who) || field == "deceasedDateTime" {
                    let latest = self.pseudonyms.year.map_or(u32::MAX, |year| year.saturating_add(1));
                    let year = year_of(text).filter(|year| *year <= latest);
                    self.newest_year = self.newest_year.max(year.unwrap_or(0));
                }
            }
        }
    }

    fn object(&mut self, field: &str, node: &Node, who: &str) {
        let texts = |name: &str| -> Vec<&str> {
            node.get(name).map(Node::each).unwrap_or_default().iter().filter_map(Node::as_said).collect()
        };
        if NAMES.contains(&field) || node.get("family").is_some() || node.get("given").is_some() {
            self.terms.person(&texts("family"), &texts("given"));
            texts("text").into_iter().for_each(|text| self.terms.name(text));
        }
        if is_address(field, node) {
            texts("line").into_iter().for_each(|line| self.terms.line(line));
            texts("city").into_iter().for_each(|city| self.terms.place(city));
            texts("postalCode").into_iter().for_each(|code| self.terms.postal(code));
            texts("district").into_iter().for_each(|district| self.terms.district(district));
            texts("state").into_iter().for_each(|state| self.terms.district(state));
            texts("text").into_iter().for_each(|text| self.terms.address(text));
        } else if is_identifier(field, node) && !is_of_terminology(node) {
            let is_telecom = field == "telecom"
                || ["email", "fax", "pager", "phone", "sms", "url"]
                    .iter()
                    .any(|system| node.text_of("system") == Some(*system));
            for value in texts("value").into_iter().filter(|value| !is_standard(value)) {
                if is_telecom { self.terms.telecom(value) } else { self.terms.number(value) }
            }
        }
        if node.get("resourceType").is_some() && PEOPLE.contains(&who) {
            texts("id").into_iter().for_each(|id| self.terms.id(id));
        }
        if let Some(topic) = asks(node) {
            self.answers(node, topic);
        }
    }

    fn member(&mut self, (field, of): (&str, &Node), name: &str, value: &Node, who: &str) {
        let texts = || value.each().iter().filter_map(Node::as_said);
        match name {
            "name" if PEOPLE.contains(&who) || who == "FamilyMemberHistory" => {
                texts().for_each(|text| self.terms.name(text));
            }
            "alias" | "name" if NAMED.contains(&who) => {
                texts().for_each(|text| self.terms.place(text));
            }
            // A barcode as people read it: `(01)00844588003288(21)1234`.
            "carrierHRF" => {
                texts().flat_map(|text| text.split(['(', ')'])).for_each(|part| self.terms.number(part))
            }
            "authorString" => texts().for_each(|text| self.terms.whoever(text)),
            "birthDate" | "bornDate" | "bornString" => texts().for_each(|text| self.terms.birth(text)),
            "email" | "fax" | "phone" => texts().for_each(|text| self.terms.telecom(text)),
            "value" if field == "class" && who == "Coverage" => {
                texts().for_each(|text| self.terms.number(text))
            }
            "valueString" if of.text_of("url").is_some_and(|url| url.ends_with("mothersMaidenName")) => {
                texts().for_each(|text| self.terms.name(text));
            }
            "display" if !is_coding(field, of) => {
                texts().for_each(|text| match whom(of, field, self.pseudonyms) {
                    Whom::Institution => self.terms.place(text),
                    Whom::Person => self.terms.name(text),
                    Whom::Thing | Whom::Unknown => (),
                    Whom::Whoever => self.terms.whoever(text),
                })
            }
            _ if NUMBERS.contains(&name) || name.ends_with("dentifier") => {
                texts().for_each(|text| self.terms.number(text));
            }
            _ if name.ends_with("ddress") => texts().for_each(|text| self.terms.address(text)),
            _ => (),
        }
    }

    /// What a question of who someone is was answered.
    fn answers(&mut self, node: &Node, topic: Topic) {
        match node {
            Node::Array(items) => items.iter().for_each(|item| self.answers(item, topic)),
            Node::Literal(_) | Node::Text(_) => (),
            Node::Object(members) => {
                for (name, value) in members {
                    match value.as_said().filter(|_| name.starts_with("value")) {
                        Some(text) => match topic {
                            Topic::Address => self.terms.address(text),
                            Topic::Birth => self.terms.birth(text),
                            Topic::Name => self.terms.name(text),
                            Topic::Number => self.terms.number(text),
                            Topic::Telecom => self.terms.telecom(text),
                        },
                        None if ["answer", "item"].contains(&name.as_str()) => self.answers(value, topic),
                        None => (),
                    }
                }
            }
        }
    }
}

/// Whether an identifier is a code of LOINC's or SNOMED's, as forms have them: it is nobody's.
fn is_of_terminology(identifier: &Node) -> bool {
    ["http://loinc.org", "http://snomed.info/sct"]
        .iter()
        .any(|own| identifier.text_of("system") == Some(*own))
}
