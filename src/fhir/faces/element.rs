//! Elements as R4's JSON writes them: nothing empty, no text that is not one.

use serde_json::{Map, Value};

use crate::{credential::Coding, id::PartyId};

/// What a party's id is called among identifiers.
const PARTY: &str = "urn:casevault:party";

/// A JSON object. What is empty is left out of it, as R4 demands (FHIR R4, JSON).
#[derive(Debug, Default)]
pub(super) struct Element(Map<String, Value>);

impl From<Element> for Value {
    fn from(Element(members): Element) -> Self {
        Self::Object(members)
    }
}

impl Element {
    /// The resource of this type about a party, under the party's id: in hexadecimal it is as long as an id may be.
    pub(super) fn resource(kind: &str, party: PartyId) -> Self {
        Self::default().with("resourceType", kind).with("id", party.to_hex())
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(value) = legal(value.into()) {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        Value::from(self).to_string().into_bytes()
    }
}

/// What is left of a value when what R4 does not write is left out; nothing, if nothing is.
fn legal(value: Value) -> Option<Value> {
    let value = match value {
        Value::String(text) => Value::String(words(&text)),
        Value::Array(items) => Value::Array(items.into_iter().filter_map(legal).collect()),
        // An object came to be member by member, above.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value,
    };
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    (!is_empty).then_some(value)
}

/// A text as R4 takes one: no control characters but those that are white, no white at its ends.
pub(super) fn words(text: &str) -> String {
    let is_said = |symbol: &char| !symbol.is_control() || symbol.is_whitespace();
    text.chars().filter(is_said).collect::<String>().trim().to_owned()
}

/// Whether R4 takes it for a code: words with one white between each two.
fn is_code(text: &str) -> bool {
    !text.contains(char::is_control) && text.split(char::is_whitespace).all(|word| !word.is_empty())
}

/// Whether R4 takes it for a URI: nothing white.
fn is_uri(text: &str) -> bool {
    !text.is_empty() && !text.contains(|symbol: char| symbol.is_control() || symbol.is_whitespace())
}

/// A `CodeableConcept`: a code of a system with its display, or words alone where there is no such code.
pub(super) fn concept(coding: &Coding) -> Element {
    if !is_code(coding.code()) || !is_uri(coding.system()) {
        return Element::default().with("text", coding.to_string());
    }
    let coding = Element::default()
        .with("system", coding.system())
        .with("code", coding.code())
        .with("display", coding.display());
    Element::default().with("coding", vec![coding])
}

/// An `Extension` with one value, under the name its type has in `value[x]`.
pub(super) fn extension(url: &str, name: &str, value: impl Into<Value>) -> Element {
    match legal(value.into()) {
        Some(value) => Element::default().with("url", url).with(name, value),
        None => Element::default(),
    }
}

/// An `Identifier`: the party's id, in hexadecimal.
pub(super) fn identifier(party: PartyId) -> Element {
    Element::default().with("system", PARTY).with("value", party.to_hex())
}

/// A `Reference` by identifier alone, to what has no resource of its own here.
pub(super) fn known_as(kind: &str, party: PartyId) -> Element {
    Element::default().with("type", kind).with("identifier", identifier(party))
}

/// A `Reference` to the resource of this type about a party.
pub(super) fn reference(kind: &str, party: PartyId) -> Element {
    known_as(kind, party).with("reference", format!("{kind}/{}", party.to_hex()))
}
