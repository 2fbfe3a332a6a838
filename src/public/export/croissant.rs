//! `croissant.json`: Croissant 1.1, JSON-LD.
//!
//! A record set a table, read from the first of NDJSON, CSV and Parquet that was asked for. Each field bears its `role`.

use crate::public::export::{
    cases::Words,
    file::Written,
    json::Json,
    table::{Field, Kind, Table},
    write::{Content, Cover, Format},
};

/// The specification's context, term by term.
const TERMS: [(&str, &str); 39] = [
    ("@language", "en"),
    ("@vocab", "https://schema.org/"),
    ("arrayShape", "cr:arrayShape"),
    ("citeAs", "cr:citeAs"),
    ("column", "cr:column"),
    ("conformsTo", "dct:conformsTo"),
    ("containedIn", "cr:containedIn"),
    ("cr", "http://mlcommons.org/croissant/"),
    ("rai", "http://mlcommons.org/croissant/RAI/"),
    ("dct", "http://purl.org/dc/terms/"),
    ("equivalentProperty", "cr:equivalentProperty"),
    ("extract", "cr:extract"),
    ("field", "cr:field"),
    ("fileProperty", "cr:fileProperty"),
    ("fileObject", "cr:fileObject"),
    ("fileSet", "cr:fileSet"),
    ("format", "cr:format"),
    ("includes", "cr:includes"),
    ("isArray", "cr:isArray"),
    ("isLiveDataset", "cr:isLiveDataset"),
    ("jsonPath", "cr:jsonPath"),
    ("key", "cr:key"),
    ("md5", "cr:md5"),
    ("parentField", "cr:parentField"),
    ("path", "cr:path"),
    ("recordSet", "cr:recordSet"),
    ("references", "cr:references"),
    ("regex", "cr:regex"),
    ("repeated", "cr:repeated"),
    ("replace", "cr:replace"),
    ("samplingRate", "cr:samplingRate"),
    ("sc", "https://schema.org/"),
    ("separator", "cr:separator"),
    ("source", "cr:source"),
    ("subField", "cr:subField"),
    ("transform", "cr:transform"),
    // Not the specification's.
    ("casevault", "urn:casevault:public:"),
    ("role", "casevault:role"),
    ("codeSystem", "casevault:codeSystem"),
];

fn context() -> Json {
    let terms = TERMS.map(|(term, meaning)| (term, Json::text(meaning)));
    let as_json = |id: &str| Json::object([("@id", Json::text(id)), ("@type", Json::text("@json"))]);
    let by_language = || Json::object([("@container", Json::text("@language"))]);
    Json::object(terms)
        .with("data", as_json("cr:data"))
        .with("dataType", Json::object([("@id", Json::text("cr:dataType")), ("@type", Json::text("@vocab"))]))
        .with("description", by_language())
        .with("examples", as_json("cr:examples"))
        .with("name", by_language())
}

pub(super) fn croissant(cover: &Cover, words: &Words, files: &[(Content, Written)]) -> Json {
    let Cover { name, title, description, publisher, homepage, licence: _, licence_url, version, published } =
        cover;
    let creator = Json::object([("@type", Json::text("Organization")), ("name", Json::text(publisher))]);
    let published = published.to_string();
    let day = published.split_once('T').map_or(published.as_str(), |(day, _)| day);
    let quasi: Vec<&str> = words.quasi_identifiers.iter().map(|quasi| quasi.name.as_str()).collect();
    let sensitive = format!(
        "Health records of persons, anonymised: at least {} persons share each combination of {}. Fields of role `sensitive` \
         hold diagnoses, drugs, results, procedures and outcomes. Who tries to find a person in them does wrong.",
        words.k,
        quasi.join(", ")
    );
    let tables = files.iter().filter(|(content, _)| Some(content.format) == source(files));
    Json::object([
        ("@context", context()),
        ("@type", Json::text("sc:Dataset")),
        ("conformsTo", Json::text("http://mlcommons.org/croissant/1.1")),
        ("name", Json::text(name)),
        ("alternateName", Json::text(title)),
        ("description", Json::text(description)),
        ("url", Json::text(homepage)),
        ("license", Json::text(licence_url)),
        ("creator", creator.clone()),
        ("publisher", creator),
        ("version", Json::text(version)),
        ("datePublished", Json::text(day)),
        ("citeAs", Json::Text(format!("{publisher}: {title}, version {version}."))),
        ("rai:personalSensitiveInformation", Json::Text(sensitive)),
        ("distribution", Json::list(files.iter().map(|(content, file)| file_object(content, file)))),
        ("recordSet", Json::list(tables.map(|(content, file)| record_set(&content.table, file)))),
    ])
}

/// The format that record sets are read from.
fn source(files: &[(Content, Written)]) -> Option<Format> {
    let formats = files.iter().map(|(content, _)| content.format);
    formats.filter(|format| *format != Format::Fhir).min_by_key(|format| *format != Format::Ndjson)
}

fn file_object(content: &Content, file: &Written) -> Json {
    Json::object([
        ("@type", Json::text("cr:FileObject")),
        ("@id", Json::text(&file.name)),
        ("name", Json::text(&file.name)),
        ("description", Json::text(content.table.description())),
        ("contentUrl", Json::text(&file.name)),
        ("contentSize", Json::Text(format!("{} B", file.bytes))),
        ("encodingFormat", Json::text(content.format.croissant_type())),
        ("sha256", Json::Text(file.sha256.to_hex())),
    ])
}

fn record_set(table: &Table, file: &Written) -> Json {
    let name = table.name();
    let key = Json::object([("@id", Json::Text(format!("{name}/id")))]);
    Json::object([
        ("@type", Json::text("cr:RecordSet")),
        ("@id", Json::text(name)),
        ("name", Json::text(name)),
        ("description", Json::text(table.description())),
        ("key", key),
        ("field", Json::list(table.fields().iter().map(|of| field(name, of, file)))),
    ])
}

fn field(table: &str, field: &Field, file: &Written) -> Json {
    let from = Json::object([
        ("fileObject", Json::object([("@id", Json::text(&file.name))])),
        ("extract", Json::object([("column", Json::text(&field.name))])),
    ]);
    let kind = match field.kind {
        Kind::Integer => "sc:Integer",
        Kind::List | Kind::Text => "sc:Text",
    };
    let described = Json::object([
        ("@type", Json::text("cr:Field")),
        ("@id", Json::Text(format!("{table}/{}", field.name))),
        ("name", Json::text(&field.name)),
        ("description", Json::text(&field.description)),
        ("dataType", Json::text(kind)),
        ("role", Json::text(field.role.word())),
    ]);
    let described = described.with_some("codeSystem", field.system.as_deref().map(Json::text));
    let described = match field.kind {
        Kind::List => described.with("isArray", Json::Bool(true)).with("arrayShape", Json::text("-1")),
        Kind::Integer | Kind::Text => described,
    };
    described.with("source", from)
}
