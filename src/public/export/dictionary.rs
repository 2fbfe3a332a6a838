//! The data dictionary: each field with its meaning, values and role, for people.

use crate::public::export::{
    cases::Words,
    table::{Field, Kind, Table},
    write::Cover,
};

/// Markdown: a section a table, a line a field.
pub(super) fn dictionary(cover: &Cover, words: &Words, tables: &[Table]) -> String {
    let mut page = format!("# {}\n\n{}\n", line(&cover.title), line(&cover.description));
    for table in tables {
        page += &format!(
            "\n## {}\n\n{}\n\n| field | meaning | type | values | role |\n| --- | --- | --- | --- | --- |\n",
            table.name(),
            table.description()
        );
        for field in table.fields() {
            let Field { name, title: _, description, kind: _, role, may_be_empty: _, values: _, system: _ } =
                field;
            let cells = [name, &line(description), kind(field), &values(field), role.word()];
            page += &format!("| {} |\n", cells.join(" | "));
        }
    }
    if !words.tests.is_empty() {
        page += "\n## Tests\n\n| code | system | test | bins |\n| --- | --- | --- | --- |\n";
        for test in &words.tests {
            let bins: Vec<String> = test.bins.iter().map(|bin| line(bin)).collect();
            page += &format!(
                "| {} | {} | {} | {} |\n",
                line(&test.code),
                line(&test.system),
                line(&test.title),
                bins.join("; ")
            );
        }
    }
    page
}

const fn kind(field: &Field) -> &'static str {
    match (field.kind, field.may_be_empty) {
        (Kind::Integer, false) => "number",
        (Kind::Integer, true) => "number, or empty",
        (Kind::List, _) => "list of texts",
        (Kind::Text, false) => "text",
        (Kind::Text, true) => "text, or empty",
    }
}

fn values(field: &Field) -> String {
    match (&field.system, field.values.as_slice()) {
        (Some(system), _) => format!("codes of {system}"),
        (None, []) => String::new(),
        (None, values) => {
            values.iter().map(|value| format!("`{}`", line(value))).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A text that stays in its cell.
fn line(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
