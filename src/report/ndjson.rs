//! Rows as NDJSON: an object a line, its members in the order of the columns; what is absent is left out.

use std::io::{self, Write};

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    event::Principal,
    report::{
        consents::Consent,
        reading::{Reader, Told},
        rows::{self, EVENT, GRANT, Value, moment, name, purpose_word, until},
    },
};

/// Two files of objects.
pub(super) struct Ndjson<W> {
    pub(super) events: W,
    pub(super) grants: W,
}

struct Row<'r>(&'r [&'static str], &'r [Value], Option<Vec<serde_json::Value>>);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, values, grants) = self;
        let mut object = serializer.serialize_map(None)?;
        for (column, value) in columns.iter().zip(*values) {
            match value {
                Value::Absent => (),
                Value::Number(number) => object.serialize_entry(column, number)?,
                Value::Text(text) => object.serialize_entry(column, text)?,
                Value::Word(word) => object.serialize_entry(column, word)?,
            }
        }
        if let Some(grants) = grants {
            object.serialize_entry("grants", grants)?;
        }
        object.end()
    }
}

fn line(out: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

impl<W: Write> Reader for Ndjson<W> {
    fn event(&mut self, told: &Told<'_>) -> io::Result<()> {
        let grants = told.line.grants.iter().map(|granted| {
            let grant = &granted.statement;
            let mut told = serde_json::json!({
                "grant": grant.grant.to_hex(),
                "reader": name(Principal::Party(grant.reader)),
                "purpose": purpose_word(grant.terms.purpose()),
                "rights": grant.terms.rights().word(),
                "clearance": grant.terms.clearance().word(),
                "from": moment(grant.terms.starts()),
            });
            if let Some(members) = told.as_object_mut() {
                members.extend(until(&grant.terms).map(|until| ("until".to_owned(), moment(until).into())));
                members.extend(grant.because.map(|case| ("because".to_owned(), case.to_hex().into())));
            }
            told
        });
        let grants = Some(grants.collect::<Vec<_>>()).filter(|grants| !grants.is_empty());
        line(&mut self.events, &Row(&EVENT, &rows::event(told), grants))
    }

    fn consent(&mut self, consent: &Consent) -> io::Result<()> {
        line(&mut self.grants, &Row(&GRANT, &rows::grant(consent), None))
    }

    fn unreadable(&mut self, index: u64) -> io::Result<()> {
        let said = [Value::Number(index), Value::Word("unreadable")];
        line(&mut self.events, &Row(&["index", "decision"], &said, None))
    }
}
