//! JSON whose members stay in the order they were written in, whatever else is built with it.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _},
};

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Bool(bool),
    List(Vec<Json>),
    Number(u64),
    Object(Vec<(String, Json)>),
    Text(String),
}

impl Json {
    /// An object of these members.
    pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }

    pub(super) fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        Self::list(texts.into_iter().map(|text| Self::text(text)))
    }

    /// The same object with one more member at its end.
    pub(super) fn with(self, name: &str, value: Self) -> Self {
        match self {
            Self::Object(mut members) => {
                members.push((name.to_owned(), value));
                Self::Object(members)
            }
            other @ (Self::Bool(_) | Self::List(_) | Self::Number(_) | Self::Text(_)) => other,
        }
    }

    /// The same object, with a member more if there is something to say.
    pub(super) fn with_some(self, name: &str, value: Option<Self>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// One line.
    pub(super) fn line(&self) -> std::io::Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Many lines, indented by two, ending with a newline.
    pub(super) fn page(&self) -> std::io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_u64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| object.serialize_entry(name, value))?;
                object.end()
            }
        }
    }
}
