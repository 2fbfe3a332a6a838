//! Documents, as they come.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

use crate::{
    fhir::{
        error::{At, FhirError, FhirReason},
        patients,
        tree::{Node, items, members, text},
        types::is_known,
    },
    limits::{FHIR_BYTES_MAX, FHIR_ENTRIES_MAX},
};

/// A resource of a document.
#[derive(Clone)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) full_url: Option<String>,
    /// The bytes, as they came.
    pub(super) bytes: Vec<u8>,
    pub(super) tree: Node,
    /// Its number in the document.
    pub(super) place: usize,
}

/// A FHIR R4 document, checked: a Bundle, or one resource by itself.
///
/// # Security
/// Holds a chart in the clear; `Debug` shows only how large it is.
#[derive(Clone)]
pub struct Bundle {
    original: Vec<u8>,
    pub(super) resources: Vec<Resource>,
}

impl Bundle {
    /// Reads a document, plain or gzip.
    ///
    /// # Errors
    /// [`FhirError`] with the place of the first thing that is not FHIR R4, or is beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, FhirError> {
        let unpacked = unpack(bytes)?;
        let document = str::from_utf8(&unpacked).map_err(|_unsaid| At::Root.error(FhirReason::NotUtf8))?;
        let document = document.trim_start_matches('\u{feff}').trim();
        match document.bytes().next() {
            None => return Err(At::Root.error(FhirReason::Empty)),
            Some(b'<') => return Err(At::Root.error(FhirReason::Xml)),
            Some(b'[') => return Err(At::Root.error(FhirReason::List)),
            Some(_) => (),
        }
        let raw: &RawValue = serde_json::from_str(document).map_err(|error| syntax(document, &error))?;
        let root = members(raw, &At::Root)?;
        let kind = type_of(raw, &At::Root)?;
        let resources = if kind == "Bundle" {
            let member = |wanted: &str| root.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
            let entries = member("entry").ok_or_else(|| At::Root.error(FhirReason::NoResources))?;
            let is_answer = member("type").is_some_and(|kind| kind.get().ends_with("-response\""));
            read_entries(entries, is_answer, &At::Key(&At::Root, "entry"))?
        } else {
            let resource = read_resource(raw, None, &At::Root)?;
            patients::count(&resource.tree, &At::Root, &mut 0)?;
            vec![resource]
        };
        Ok(Self { original: bytes.to_vec(), resources })
    }

    /// The bytes it was read from, compressed if they were.
    #[must_use]
    pub fn original(&self) -> &[u8] {
        &self.original
    }

    /// How many resources it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundle({} resources, {} bytes)", self.resources.len(), self.original.len())
    }
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, FhirError> {
    let at = At::Root;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return if bytes.len() > FHIR_BYTES_MAX {
            Err(at.error(FhirReason::TooLarge))
        } else {
            Ok(bytes.to_vec())
        };
    }
    let most = u64::try_from(FHIR_BYTES_MAX).unwrap_or(u64::MAX);
    let mut unpacked = Vec::new();
    // One byte more than may be: a small file that unpacks to a huge one is found out before it is huge.
    let read = MultiGzDecoder::new(bytes).take(most.saturating_add(1)).read_to_end(&mut unpacked);
    read.map_err(|_unsaid| at.error(FhirReason::Compression))?;
    if unpacked.len() > FHIR_BYTES_MAX { Err(at.error(FhirReason::TooLarge)) } else { Ok(unpacked) }
}

/// Tells lines of resources, and a file that was cut off, from what is no JSON at all.
fn syntax(document: &str, error: &serde_json::Error) -> FhirError {
    let mut values = serde_json::Deserializer::from_str(document).into_iter::<&RawValue>();
    let reason = match (values.next(), values.next()) {
        (Some(Ok(_)), Some(Ok(_))) => FhirReason::Ndjson,
        _ if error.is_eof() => FhirReason::Truncated,
        _ => FhirReason::Syntax,
    };
    FhirError { position: Some((error.line(), error.column())), ..At::Root.error(reason) }
}

fn read_entries(raw: &RawValue, is_answer: bool, at: &At<'_>) -> Result<Vec<Resource>, FhirError> {
    let entries = items(raw, at)?;
    if entries.len() > FHIR_ENTRIES_MAX {
        return Err(at.error(FhirReason::Entries));
    }
    let (mut resources, mut patients) = (Vec::new(), 0);
    for (index, entry) in entries.into_iter().enumerate() {
        let at = At::Index(at, index);
        let entry = members(entry, &at)?;
        let member = |wanted: &str| entry.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
        let full_url = member("fullUrl").map(|raw| text(raw, &At::Key(&at, "fullUrl"))).transpose()?;
        // An entry without a resource (a delete, a response) has nothing to keep but the document itself.
        if let Some(resource) = member("resource") {
            let at = At::Key(&at, "resource");
            let resource = read_resource(resource, full_url, &at).map_err(|error| {
                let is_inner = is_answer && error.reason == FhirReason::NestedBundle;
                if is_inner { FhirError { reason: FhirReason::Answer, ..error } } else { error }
            })?;
            patients::count(&resource.tree, &at, &mut patients)?;
            resources.push(Resource { place: index, ..resource });
        }
    }
    if resources.is_empty() { Err(at.error(FhirReason::NoResources)) } else { Ok(resources) }
}

fn type_of(raw: &RawValue, at: &At<'_>) -> Result<String, FhirError> {
    let members = members(raw, at)?;
    let at = At::Key(at, "resourceType");
    let kind = members
        .iter()
        .find(|(name, _)| name == "resourceType")
        .ok_or_else(|| at.error(FhirReason::UnknownType))?;
    text(kind.1, &at)
}

fn read_resource(raw: &RawValue, full_url: Option<String>, at: &At<'_>) -> Result<Resource, FhirError> {
    let kind = type_of(raw, at)?;
    if kind == "Bundle" {
        return Err(at.error(FhirReason::NestedBundle));
    }
    if !is_known(&kind) {
        return Err(At::Key(at, "resourceType").error(FhirReason::UnknownType));
    }
    let tree = Node::read(raw, at)?;
    check_release(&tree, at)?;
    let id = match tree.get("id") {
        None => None,
        Some(Node::Text(id)) => Some(id.clone()),
        Some(_) => return Err(At::Key(at, "id").error(FhirReason::Shape)),
    };
    Ok(Resource { kind, id, full_url, bytes: raw.get().as_bytes().to_vec(), tree, place: 0 })
}

/// What a resource says of its own release.
fn check_release(tree: &Node, at: &At<'_>) -> Result<(), FhirError> {
    if let Some(version) = tree.text_of("fhirVersion")
        && !version.starts_with("4.0")
    {
        return Err(At::Key(at, "fhirVersion").error(FhirReason::WrongRelease));
    }
    let profiles = tree.get("meta").and_then(|meta| meta.get("profile"));
    let others = ["/DSTU2/", "/STU3/", "/R4B/", "/R5/", "|1.0.2", "|3.0.1", "|3.0.2", "|4.3.0", "|5.0.0"];
    for profile in profiles.map(Node::each).unwrap_or_default() {
        let base = profile.as_text().filter(|url| url.starts_with("http://hl7.org/fhir/"));
        if base.is_some_and(|url| others.iter().any(|other| url.contains(other))) {
            let meta = At::Key(at, "meta");
            return Err(At::Key(&meta, "profile").error(FhirReason::WrongRelease));
        }
    }
    Ok(())
}
