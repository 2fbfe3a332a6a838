//! `datapackage.json`: a Frictionless Data Package, version 2.
//!
//! Each field bears its `role`; a list is an `array`, in CSV as JSON; `missingValues` is the empty cell alone.

use crate::public::export::{
    cases::Words,
    file::Written,
    json::Json,
    report::Report,
    table::{Field, Kind, Table},
    write::{Content, Cover, Format},
};

pub(super) fn package(
    cover: &Cover,
    words: &Words,
    report: &Report<'_>,
    files: &[(Content, Written)],
) -> Json {
    let Cover { name, title, description, publisher, homepage, licence, licence_url, version, published } =
        cover;
    let licence = Json::object([("name", Json::text(licence)), ("path", Json::text(licence_url))]);
    let contributor =
        Json::object([("title", Json::text(publisher)), ("roles", Json::list([Json::text("publisher")]))]);
    let anonymity = Json::object([
        ("policy", Json::Text(words.policy.to_hex())),
        ("k", Json::Number(u64::from(words.k))),
    ]);
    Json::object([
        ("$schema", Json::text("https://datapackage.org/profiles/2.0/datapackage.json")),
        ("name", Json::text(name)),
        ("title", Json::text(title)),
        ("description", Json::text(description)),
        ("homepage", Json::text(homepage)),
        ("version", Json::text(version)),
        ("created", Json::Text(published.to_string())),
        ("licenses", Json::list([licence])),
        ("contributors", Json::list([contributor])),
        ("anonymity", anonymity.with_some("reached", report.reached_json())),
        ("resources", Json::list(files.iter().map(|(content, file)| resource(content, file)))),
    ])
}

fn resource(Content { table, format }: &Content, file: &Written) -> Json {
    let name = format!("{}-{}", table.name(), format.extension().replace('.', "-"));
    let described = Json::object([
        ("name", Json::Text(name)),
        ("path", Json::text(&file.name)),
        ("description", Json::text(table.description())),
    ]);
    let described = match format {
        // Its fields are those of the standard: no table, to no reader.
        Format::Fhir => described.with("format", Json::text("fhir")),
        Format::Csv => described.with("type", Json::text("table")).with("format", Json::text("csv")),
        Format::Ndjson => described.with("type", Json::text("table")).with("format", Json::text("ndjson")),
        // Not `parquet`: Frictionless' own reader of that knows no lists. Of another it takes length and digest.
        #[cfg(feature = "parquet")]
        Format::Parquet => described.with("format", Json::text("apache-parquet")),
    };
    let described = described
        .with("mediatype", Json::text(format.media_type()))
        .with("bytes", Json::Number(file.bytes))
        .with("hash", Json::Text(format!("sha256:{}", file.sha256.to_hex())));
    match format {
        Format::Fhir => described,
        Format::Csv => {
            let dialect = Json::object([
                ("header", Json::Bool(true)),
                ("delimiter", Json::text(",")),
                ("lineTerminator", Json::text("\n")),
                ("quoteChar", Json::text("\"")),
                ("doubleQuote", Json::Bool(true)),
            ]);
            let encoding = described.with("encoding", Json::text("utf-8"));
            encoding.with("dialect", dialect).with("schema", schema(table, *format))
        }
        Format::Ndjson => {
            described.with("encoding", Json::text("utf-8")).with("schema", schema(table, *format))
        }
        #[cfg(feature = "parquet")]
        Format::Parquet => described.with("schema", schema(table, *format)),
    }
}

fn schema(table: &Table, format: Format) -> Json {
    let fields = Json::list(table.fields().iter().map(field));
    let schema = Json::object([
        ("$schema", Json::text("https://datapackage.org/profiles/2.0/tableschema.json")),
        ("fields", fields),
        ("missingValues", Json::list([Json::text("")])),
        ("primaryKey", Json::list([Json::text("id")])),
    ]);
    if table.fields().iter().all(|field| field.name != "batch") {
        return schema;
    }
    let reference = Json::object([
        ("resource", Json::Text(format!("batches-{}", format.extension()))),
        ("fields", Json::list([Json::text("id")])),
    ]);
    let key = Json::object([("fields", Json::list([Json::text("batch")])), ("reference", reference)]);
    schema.with("foreignKeys", Json::list([key]))
}

fn field(field: &Field) -> Json {
    let kind = match field.kind {
        Kind::Integer => "integer",
        Kind::List => "array",
        Kind::Text => "string",
    };
    let mut constraints = vec![("required".to_owned(), Json::Bool(!field.may_be_empty))];
    // Of a list, these would be values of the whole.
    if field.kind == Kind::Text && !field.values.is_empty() {
        constraints.push(("enum".to_owned(), Json::texts(&field.values)));
    }
    let described = Json::object([
        ("name", Json::text(&field.name)),
        ("title", Json::text(&field.title)),
        ("description", Json::text(&field.description)),
        ("type", Json::text(kind)),
        ("role", Json::text(field.role.word())),
        ("constraints", Json::Object(constraints)),
    ]);
    described.with_some("codeSystem", field.system.as_deref().map(Json::text))
}
