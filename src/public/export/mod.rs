//! Exports: what researchers get, as a folder of files that explain and vouch for themselves.
//!
//! ```text
//! cases.csv  cases.ndjson  cases.parquet  cases.fhir.json     the same cases, in the formats asked for
//! batches.csv  batches.ndjson  batches.parquet                what was released together, with the k, l and t reached
//! datapackage.json    Frictionless Data Package 2: files, fields, types, roles
//! croissant.json      Croissant 1.1: the same for machine learning
//! dictionary.md       each field: meaning, values, role
//! suppression.json  suppression.md      what is withheld and coarsened, in no number that is not at least k
//! SHA256SUMS          of all of the above
//! manifest.json       every file with its length and SHA-256; manifest.json.sig: a signature line under exactly its bytes
//! ```
//!
//! Same rows, same bytes. An [`Export`] is written whole or not at all, and knows of no vault: rows, batches and a policy's
//! [`Labels`] go in. [`write_csv`], [`write_ndjson`] and `write_parquet` write any [`Table`] alike.

mod cases;
mod croissant;
mod csv;
mod dictionary;
mod fhir;
mod file;
mod json;
mod manifest;
mod ndjson;
mod package;
#[cfg(feature = "parquet")]
mod parquet;
mod policy;
mod report;
mod table;
mod write;

pub use cases::{Labels, QuasiIdentifier, Test};
pub use csv::{formula_safe, write_csv};
pub use file::Written;
pub use manifest::{NotGenuine, verify_export};
pub use ndjson::write_ndjson;
#[cfg(feature = "parquet")]
pub use parquet::write_parquet;
pub use report::Withheld;
pub use table::{Cell, Field, Kind, Role, Table};
pub use write::{Cover, Export, Format};

/// What an export could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A batch is not what its cases make it.
    #[error("a batch and its cases do not agree: publish whole batches only")]
    Batch,
    /// There is something where the export was to be.
    #[error("there is something at the export's place already: choose another name")]
    Exists,
    /// A folder or file could not be written; nothing of the export is left.
    #[error("the export cannot be written: choose a place with room, and repeat")]
    Files(#[from] std::io::Error),
    /// The policy's labels do not fit the rows, or are no closed words.
    #[error("the policy has no fit label for a value of the rows")]
    Label,
    /// The rows are not in the order of their ids, each once.
    #[error("rows come in the order of their public ids, each once")]
    Order,
    /// The rows could not be read.
    #[error("the rows cannot be read")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The manifest could not be signed.
    #[error("the manifest cannot be signed")]
    Signature(#[from] crate::codec::Malformed),
    /// A table, or a row of it, is none that every format holds alike.
    #[error("no table for every format: {0}")]
    Table(&'static str),
    /// Fewer than k persons stand behind a batch.
    #[error("a batch has fewer than k persons: it must not be published")]
    TooFew,
}

impl ExportError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Batch => "public-export-batch",
            Self::Exists => "public-export-exists",
            Self::Files(_) => "public-export-files",
            Self::Label => "public-export-label",
            Self::Order => "public-export-order",
            Self::Rows(_) => "public-export-rows",
            Self::Signature(_) => "public-export-signature",
            Self::Table(_) => "public-export-table",
            Self::TooFew => "public-export-too-few",
        }
    }
}
