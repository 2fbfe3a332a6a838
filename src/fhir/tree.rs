//! JSON as it is written: keys in their order, numbers as text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    fhir::error::{At, FhirError, FhirReason},
    limits::FHIR_DEPTH_MAX,
};

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Array(Vec<Node>),
    /// A number, `true`, `false` or `null`, as it is written.
    Literal(String),
    Object(Vec<(String, Node)>),
    Text(String),
}

/// The members of an object, unread.
struct Members<'j>(Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'j> Deserialize<'j> for Members<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'j> Visitor<'j> for Reader {
            type Value = Members<'j>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                struct Name<'n>(#[serde(borrow)] Cow<'n, str>);
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'j>, &'j RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

fn parse<'j, T: Deserialize<'j>>(raw: &'j RawValue, at: &At<'_>) -> Result<T, FhirError> {
    serde_json::from_str(raw.get()).map_err(|_unsaid| at.error(FhirReason::Syntax))
}

/// The members of an object, each key once.
pub(super) fn members<'j>(
    raw: &'j RawValue,
    at: &At<'_>,
) -> Result<Vec<(Cow<'j, str>, &'j RawValue)>, FhirError> {
    if !raw.get().starts_with('{') {
        return Err(at.error(FhirReason::Shape));
    }
    let Members(members) = parse(raw, at)?;
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    match names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next) {
        Some((twice, _)) => Err(At::Key(at, twice).error(FhirReason::DuplicateKey)),
        None => Ok(members),
    }
}

/// The items of an array.
pub(super) fn items<'j>(raw: &'j RawValue, at: &At<'_>) -> Result<Vec<&'j RawValue>, FhirError> {
    if raw.get().starts_with('[') { parse(raw, at) } else { Err(at.error(FhirReason::Shape)) }
}

/// A string.
pub(super) fn text(raw: &RawValue, at: &At<'_>) -> Result<String, FhirError> {
    if raw.get().starts_with('"') { parse(raw, at) } else { Err(at.error(FhirReason::Shape)) }
}

impl Node {
    /// Reads a JSON document.
    ///
    /// # Errors
    /// [`FhirError`] if it is none, too deep, or has a key twice.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FhirError> {
        let raw = serde_json::from_slice(bytes).map_err(|_unsaid| At::Root.error(FhirReason::Syntax))?;
        Self::read(raw, &At::Root)
    }

    /// Reads a whole value.
    pub(super) fn read(raw: &RawValue, at: &At<'_>) -> Result<Self, FhirError> {
        if at.depth() > FHIR_DEPTH_MAX {
            return Err(at.error(FhirReason::Depth));
        }
        match raw.get().bytes().next() {
            Some(b'{') => {
                let read = |(name, value): (Cow<'_, str>, &RawValue)| {
                    let node = Self::read(value, &At::Key(at, &name))?;
                    Ok((name.into_owned(), node))
                };
                members(raw, at)?.into_iter().map(read).collect::<Result<_, _>>().map(Self::Object)
            }
            Some(b'[') => {
                let numbered = items(raw, at)?.into_iter().enumerate();
                numbered
                    .map(|(index, item)| Self::read(item, &At::Index(at, index)))
                    .collect::<Result<_, _>>()
                    .map(Self::Array)
            }
            Some(b'"') => text(raw, at).map(Self::Text),
            _ => Ok(Self::Literal(raw.get().to_owned())),
        }
    }

    /// Writes it, without white space.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Array(items) => {
                to.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        to.push(b',');
                    }
                    item.write(to);
                }
                to.push(b']');
            }
            Self::Literal(literal) => to.extend_from_slice(literal.as_bytes()),
            Self::Object(members) => {
                to.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        to.push(b',');
                    }
                    write_text(name, to);
                    to.push(b':');
                    value.write(to);
                }
                to.push(b'}');
            }
            Self::Text(text) => write_text(text, to),
        }
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            Self::Array(_) | Self::Literal(_) | Self::Text(_) => None,
        }
    }

    /// The text of a member of an object.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_text)
    }

    pub(crate) const fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text.as_str()) } else { None }
    }

    /// A number, `true`, `false` or `null`, as it is written.
    pub(crate) const fn as_literal(&self) -> Option<&str> {
        if let Self::Literal(literal) = self { Some(literal.as_str()) } else { None }
    }

    /// A string, or a number as it is written.
    pub(super) fn as_said(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal.as_str())
                .filter(|literal| literal.starts_with(|symbol: char| symbol.is_ascii_digit())),
            Self::Text(text) => Some(text),
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The items of an array; one that is not an array is its own item.
    pub(crate) fn each(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { std::slice::from_ref(self) }
    }
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    // Writing a string to memory does not fail.
    if serde_json::to_writer(&mut *to, text).is_err() {
        to.extend_from_slice(b"\"\"");
    }
}
