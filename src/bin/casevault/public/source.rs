//! Where public cases come from: an export's folder, whose signature holds; a vault's area is one, too, once it is written.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use casevault::{
    log::NoteVerifier,
    public::export::{NotGenuine, Written, verify_export},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    disk,
    failure::{Done, Failure},
};

const VKEY_BYTES_MAX: usize = 1024;
const PACKAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest case, in bytes.
const CASE_BYTES_MAX: u64 = 1024 * 1024;

/// A field of the cases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    role: String,
}

impl Field {
    pub(super) fn is_quasi(&self) -> bool {
        self.role == "quasi-identifier"
    }
}

/// A value of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Empty,
    List(Vec<String>),
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
struct Package {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    path: String,
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Schema {
    fields: Vec<Field>,
}

/// The files of an export, if this key signed them.
pub(super) fn verified(export: &Path, vkey: &str) -> Done<Vec<Written>> {
    let key = read_key(vkey)?;
    let failure = |error: NotGenuine| match &error {
        NotGenuine::Files(cause) if export.join("manifest.json").is_file() => Failure::missing(
            "export-files",
            format!("{error} ({cause}): its signature, or a file that was signed; ask for the whole folder"),
        ),
        NotGenuine::Files(cause) => {
            Failure::failed("export-files", format!("{error} ({cause}): check the path"))
        }
        NotGenuine::Changed { .. } | NotGenuine::Unlisted | NotGenuine::Unverified(_) | _ => {
            Failure::tampering(
                "not-genuine",
                format!("{error}: do not use it; keep it, and ask who gave it to you"),
            )
        }
    };
    verify_export(export, &key).map_err(|error| failure(error).about(export))
}

/// A verifier key, as it is or in a file.
fn read_key(vkey: &str) -> Done<NoteVerifier> {
    let file = Path::new(vkey);
    let text =
        if file.is_file() { disk::read_text(file, VKEY_BYTES_MAX)?.to_string() } else { vkey.to_owned() };
    NoteVerifier::parse(text.trim()).map_err(|_malformed| {
        Failure::usage(
            "--vkey is no verifier key, nor a file that holds one: ask the vault's operator for what \
             `casevault audit vkey` prints",
        )
    })
}

/// The fields of an export's cases, and the cases.
pub(super) struct Cases {
    pub(super) fields: Vec<Field>,
    file: File,
    is_csv: bool,
}

impl Cases {
    /// Of an export that was verified, in whichever format it has.
    pub(super) fn of(export: &Path) -> Done<Self> {
        let package = disk::read(&export.join("datapackage.json"), PACKAGE_BYTES_MAX)?;
        let package: Package =
            serde_json::from_slice(&package).map_err(|_wrong| not_held("datapackage.json"))?;
        for (name, is_csv) in [("cases.ndjson", false), ("cases.csv", true)] {
            let mut resources = package.resources.iter();
            let Some(resource) = resources.find(|resource| resource.path == name) else { continue };
            let schema = resource.schema.as_ref().ok_or_else(|| not_held("datapackage.json"))?;
            let path = export.join(name);
            let file = File::open(&path).map_err(|error| Failure::files(&path, "read", &error))?;
            return Ok(Self { fields: schema.fields.clone(), file, is_csv });
        }
        Err(Failure::failed("export-format", "the export has neither NDJSON nor CSV: ask for one that does"))
    }

    /// Takes them one by one.
    pub(super) fn each(self, take: impl FnMut(Vec<Cell>)) -> Done {
        let Self { fields, file, is_csv } = self;
        if is_csv { each_of_csv(&fields, file, take) } else { each_of_ndjson(&fields, file, take) }
    }
}

fn not_held(what: &str) -> Failure {
    Failure::failed("export-malformed", format!("{what} is not what an export holds: ask for another"))
}

fn each_of_csv(fields: &[Field], file: File, mut take: impl FnMut(Vec<Cell>)) -> Done {
    let mut rows = csv::Reader::from_reader(file);
    let header = rows.headers().map_err(|_wrong| not_held("cases.csv"))?;
    if !header.iter().eq(fields.iter().map(|field| field.name.as_str())) {
        return Err(not_held("cases.csv"));
    }
    for row in rows.records() {
        let row = row.map_err(|_wrong| not_held("cases.csv"))?;
        let cells = fields.iter().zip(&row).map(|(field, text)| of_text(field, text)).collect::<Option<_>>();
        take(cells.ok_or_else(|| not_held("cases.csv"))?);
    }
    Ok(())
}

fn each_of_ndjson(fields: &[Field], file: File, mut take: impl FnMut(Vec<Cell>)) -> Done {
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut lines).take(CASE_BYTES_MAX);
        if bounded.read_until(b'\n', &mut line).map_err(|_wrong| not_held("cases.ndjson"))? == 0 {
            return Ok(());
        }
        let case: Value = serde_json::from_slice(&line).map_err(|_wrong| not_held("cases.ndjson"))?;
        let cells = fields.iter().map(|field| of_json(case.get(&field.name)?)).collect::<Option<_>>();
        take(cells.ok_or_else(|| not_held("cases.ndjson"))?);
    }
}

fn of_json(value: &Value) -> Option<Cell> {
    match value {
        Value::Null => Some(Cell::Empty),
        Value::Number(number) => number.as_u64().map(Cell::Number),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>();
            texts.map(Cell::List)
        }
        Value::Bool(_) | Value::Object(_) => None,
    }
}

fn of_text(field: &Field, text: &str) -> Option<Cell> {
    match (text, field.kind.as_str()) {
        ("", _) => Some(Cell::Empty),
        (text, "array") => serde_json::from_str(text).ok().map(Cell::List),
        (text, "integer") => text.parse().ok().map(Cell::Number),
        // Without the mark that keeps a spreadsheet from running a cell.
        (text, _) => Some(Cell::Text(text.strip_prefix('\'').unwrap_or(text).to_owned())),
    }
}
