//! Records in answers.

use casevault::session::Record;
use serde_json::{Value, json};

use crate::{context::Answer, failure::Done, screen};

/// Records, for people or programs.
pub(crate) fn tell(records: &[Record], answer: Answer) -> Done {
    if answer.json {
        let all = records.iter().map(|record| {
            json!({
                "record": record.id().to_hex(),
                "version": record.version(),
                "kind": record.kind().word(),
                "author": record.author().to_string(),
                "at": record.at().map(|at| at.to_string()),
                "media": record.content().media_type(),
                "content": content(record),
            })
        });
        return screen::json(&all.collect());
    }
    for record in records {
        let at = record.at().map(|at| format!("{at}  ")).unwrap_or_default();
        let content = content(record);
        let said = match content.as_str() {
            Some(text) => text.to_owned(),
            None if content.is_null() => {
                let bytes = record.content().bytes().len();
                format!("{bytes} bytes of {}", record.content().media_type())
            }
            None => summary(&content),
        };
        let said = screen::clean(&said).replace('\n', "\n    ");
        screen::answer(&format!("{at}{} by {}: {said}", record.kind(), record.author()))?;
    }
    Ok(())
}

/// A FHIR resource in a line: what it is, of what, how much, and whose name; `--json` has all of it.
fn summary(resource: &Value) -> String {
    let text = |path: &str| resource.pointer(path).and_then(Value::as_str);
    let first = |paths: &[&str]| paths.iter().find_map(|path| text(path)).map(str::to_owned);
    let kind = text("/resourceType").unwrap_or("resource").to_owned();
    let coded = ["code", "medicationCodeableConcept", "vaccineCode"];
    let of = coded.iter().find_map(|member| {
        first(&[
            &format!("/{member}/text"),
            &format!("/{member}/coding/0/display"),
            &format!("/{member}/coding/0/code"),
        ])
    });
    let given = [text("/name/0/given/0"), text("/name/0/family")];
    let given: Vec<&str> = given.into_iter().flatten().collect();
    let name = if given.is_empty() { first(&["/name/0/text", "/name"]) } else { Some(given.join(" ")) };
    let value = resource.pointer("/valueQuantity/value").map(|value| {
        format!("{value} {}", text("/valueQuantity/unit").unwrap_or_default()).trim_end().to_owned()
    });
    let value =
        value.or_else(|| first(&["/valueString", "/valueCodeableConcept/text", "/dosageInstruction/0/text"]));
    let when = first(&["/effectiveDateTime", "/onsetDateTime", "/period/start", "/authoredOn", "/birthDate"]);
    let parts: Vec<String> = [name, of, value, when].into_iter().flatten().collect();
    if parts.is_empty() { kind } else { format!("{kind}: {}", parts.join(", ")) }
}

/// A record's content as JSON: text, a FHIR resource, or nothing for other bytes.
fn content(record: &Record) -> Value {
    if let Ok(text) = record.value::<String>() {
        return Value::String(text);
    }
    let content = record.content();
    if content.media_type().contains("json") {
        return serde_json::from_slice(content.bytes()).unwrap_or(Value::Null);
    }
    match str::from_utf8(content.bytes()) {
        Ok(text) if content.media_type().starts_with("text/") => Value::String(text.to_owned()),
        Ok(_) | Err(_) => Value::Null,
    }
}
