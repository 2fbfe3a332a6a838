//! Why a document was not taken.

use crate::codec::coded;

coded! {
    /// What is wrong with a document.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FhirReason {
        /// The gzip stream does not decompress.
        Compression = 1, "does not decompress: is the file whole?";
        /// Nesting above the limit.
        Depth = 2, "is nested too deeply for FHIR";
        /// A key stands twice in one object.
        DuplicateKey = 3, "has the same key twice: which of them counts?";
        /// Nothing there.
        Empty = 4, "is empty";
        /// More entries than the limit.
        Entries = 5, "has too many entries: split the Bundle";
        /// NDJSON instead of one document.
        Ndjson = 6, "is followed by more: give one Bundle, not lines of resources";
        /// A Bundle in a Bundle.
        NestedBundle = 7, "is a Bundle inside a Bundle: give the inner one by itself";
        /// A JSON value of another kind than FHIR has there.
        Shape = 8, "is not what FHIR R4 has there";
        /// Not JSON.
        Syntax = 9, "is not JSON";
        /// Larger than the limit.
        TooLarge = 10, "is too large";
        /// Two patients.
        TwoPatients = 11, "is a second Patient: a chart is about one person";
        /// A type R4 does not have.
        UnknownType = 12, "is not a resource type of FHIR R4 (4.0.1): convert the chart first";
        /// Another release, by its own word.
        WrongRelease = 13, "says it is of another FHIR release: convert the chart to R4 (4.0.1)";
        /// XML.
        Xml = 14, "is XML: convert the chart to JSON";
        /// A Bundle in the answer to a batch.
        Answer = 15, "is one answer of several: give each inner Bundle by itself, as a chart of one patient";
        /// A JSON array.
        List = 16, "is a list: give one Bundle with the resources as its entries";
        /// No resource.
        NoResources = 17, "holds no resources";
        /// Not UTF-8.
        NotUtf8 = 18, "is not UTF-8: convert it, or unpack it first";
        /// Cut off.
        Truncated = 19, "ends too early: is the file whole?";
    }
}

/// What is wrong, and where: as a JSON pointer, with keys that are no plain FHIR names shown as `*`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("FHIR document, {}this {reason}", Place(self))]
#[non_exhaustive]
pub struct FhirError {
    /// Where: RFC 6901; empty for the file itself.
    pub pointer: String,
    /// The line and the column, if it is not JSON.
    pub position: Option<(usize, usize)>,
    /// What.
    pub reason: FhirReason,
}

/// Where something is wrong, in words.
struct Place<'e>(&'e FhirError);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0.pointer.as_str(), self.0.position) {
            ("", Some((line, column))) => write!(f, "the file itself, at line {line}, column {column}: "),
            ("", None) => f.write_str("the file itself: "),
            (pointer, _) => write!(f, "at `{pointer}`: "),
        }
    }
}

impl FhirError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.reason {
            FhirReason::Answer => "fhir-answer",
            FhirReason::Compression => "fhir-compression",
            FhirReason::Depth => "fhir-depth",
            FhirReason::DuplicateKey => "fhir-duplicate-key",
            FhirReason::Empty => "fhir-empty",
            FhirReason::Entries => "fhir-entries",
            FhirReason::List => "fhir-list",
            FhirReason::Ndjson => "fhir-ndjson",
            FhirReason::NestedBundle => "fhir-nested-bundle",
            FhirReason::NoResources => "fhir-no-resources",
            FhirReason::NotUtf8 => "fhir-not-utf8",
            FhirReason::Shape => "fhir-shape",
            FhirReason::Syntax => "fhir-syntax",
            FhirReason::TooLarge => "fhir-too-large",
            FhirReason::Truncated => "fhir-truncated",
            FhirReason::TwoPatients => "fhir-two-patients",
            FhirReason::UnknownType => "fhir-unknown-type",
            FhirReason::WrongRelease => "fhir-wrong-release",
            FhirReason::Xml => "fhir-xml",
        }
    }
}

/// Where in a document: grown on the way down, printed only when something is wrong.
#[derive(Clone, Copy)]
pub(super) enum At<'p> {
    Root,
    Key(&'p At<'p>, &'p str),
    Index(&'p At<'p>, usize),
}

impl At<'_> {
    pub(super) fn error(&self, reason: FhirReason) -> FhirError {
        let mut pointer = String::new();
        self.write(&mut pointer);
        FhirError { pointer, position: None, reason }
    }

    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Key(above, _) | Self::Index(above, _) => above.depth().saturating_add(1),
        }
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Self::Root => (),
            Self::Key(above, key) => {
                above.write(pointer);
                let is_plain =
                    key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
                pointer.push('/');
                pointer.push_str(if is_plain { key } else { "*" });
            }
            Self::Index(above, index) => {
                above.write(pointer);
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
    }
}
