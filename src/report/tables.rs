//! Tables of the report: readable as they are; a script adds a search to them.

use std::collections::BTreeMap;

use crate::{
    access::Denial,
    audit::Finding,
    event::Principal,
    id::PartyId,
    limits::FINDINGS_MAX,
    party::Role,
    report::{
        Language,
        charts::note,
        consents::{Consent, State},
        html::{escape, grouped, handle, minute, named, number, time},
        rows::until,
        tally::{Newest, PURPOSES, Tally, Tries},
        words::{Said, Word, fill, gravity},
    },
};

/// The most rows of a table of parties.
const TRIES_SHOWN: usize = 200;

/// A column: its heading, and what it is.
type Column = (Word, &'static str);

/// A table: rows of cells that are escaped already.
fn table(language: Language, id: &str, caption: Word, columns: &[Column], rows: Vec<Vec<String>>) -> String {
    let caption = escape(caption.say(language));
    let class = if columns.len() == 2 { " class=\"narrow\"" } else { "" };
    let heads = columns.iter().map(|(word, kind)| {
        let pick = if *kind == "pick" { " data-pick" } else { "" };
        let class = if *kind == "num" { " class=\"num\"" } else { "" };
        format!("<th scope=\"col\"{class}{pick}>{}</th>", escape(word.say(language)))
    });
    let heads: String = heads.collect();
    let mut body = String::new();
    for row in rows {
        body.push_str("<tr>");
        for (cell, (_, kind)) in row.iter().zip(columns) {
            body.push_str(if *kind == "num" { "<td class=\"num\">" } else { "<td>" });
            body.push_str(cell);
            body.push_str("</td>");
        }
        body.push_str("</tr>\n");
    }
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table id=\"{id}\"{class} data-filter>\
         <caption class=\"unseen\">{caption}</caption><thead><tr>{heads}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )
}

fn say<T: Said>(value: Option<T>, language: Language) -> String {
    value.map(|value| escape(value.say(language))).unwrap_or_default()
}

/// What the audit found.
pub(super) fn findings(findings: &[Finding], language: Language) -> String {
    let columns = [
        (Word::Gravity, "pick"),
        (Word::FirstIndex, "num"),
        (Word::What, "pick"),
        (Word::Stream, "text"),
        (Word::Position, "num"),
    ];
    let rows = findings.iter().map(|finding| {
        let bad = finding.fault.gravity();
        let stream = if finding.stream.is_empty() {
            escape(Word::Whole.say(language))
        } else {
            named(&finding.stream)
        };
        vec![
            format!("<span class=\"badge {}\">{}</span>", gravity(bad), escape(bad.say(language))),
            number(finding.index),
            escape(finding.fault.say(language)),
            stream,
            number(finding.seq),
        ]
    });
    let mut said = table(language, "t-findings", Word::Findings, &columns, rows.collect());
    if findings.len() >= FINDINGS_MAX {
        said += &note(&escape(Word::FindingsFull.say(language)));
    }
    said
}

/// Grants, the newest first.
pub(super) fn grants(
    (id, caption): (&str, Word),
    newest: &Newest,
    tally: &Tally,
    language: Language,
) -> String {
    if newest.count == 0 {
        return note(&escape(Word::None.say(language)));
    }
    let is_over = id == "t-ended";
    let mut columns = vec![(Word::Given, "text"), (if is_over { Word::Ended } else { Word::Until }, "text")];
    columns.extend(is_over.then_some((Word::How, "pick")));
    columns.extend([
        (Word::Owner, "text"),
        (Word::FolderKind, "pick"),
        (Word::Folder, "text"),
        (Word::Reader, "text"),
        (Word::Purpose, "pick"),
        (Word::Rights, "pick"),
        (Word::Clearance, "pick"),
    ]);
    let row = |consent: &Consent| {
        let (grant, terms, state) = (&consent.grant, &consent.grant.terms, consent.state(tally.at));
        let end = if is_over { consent.ends() } else { until(terms) };
        let mut end = end.map_or_else(|| escape(Word::NoEnd.say(language)), time);
        if state == State::Ahead {
            end = format!("{end} ({})", escape(state.say(language)));
        }
        let mut cells = vec![time(consent.given), end];
        cells.extend(is_over.then(|| say(Some(state), language)));
        cells.extend([
            handle(&id_of(consent.owner)),
            say(consent.kind, language),
            handle(&grant.folder.to_hex()),
            handle(&grant.reader.to_hex()),
            say(Some(terms.purpose()), language),
            say(Some(terms.rights()), language),
            say(Some(terms.clearance()), language),
        ]);
        cells
    };
    let rows = newest.rows();
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let mut said = note(&fill(Word::AsOf.say(language), &[&minute(tally.at)]));
    said += &table(language, id, caption, &columns, rows.map(row).collect());
    if shown < newest.count {
        let (shown, all) = (grouped(shown), grouped(newest.count));
        said += &note(&fill(Word::RowsLeftOut.say(language), &[&shown, &all]));
    }
    said
}

/// Parties that were refused for who they were, most often first.
pub(super) fn tries(
    tries: &BTreeMap<(PartyId, Denial), Tries>,
    roles: &BTreeMap<PartyId, Role>,
    language: Language,
) -> String {
    if tries.is_empty() {
        return note(&escape(Word::NoSuspended.say(language)));
    }
    let columns = [
        (Word::Party, "text"),
        (Word::Role, "pick"),
        (Word::Reason, "pick"),
        (Word::Count, "num"),
        (Word::FirstTime, "text"),
        (Word::LastTime, "text"),
    ];
    let mut most: Vec<_> = tries.iter().collect();
    most.sort_by_key(|(whom, tries)| (std::cmp::Reverse(tries.count), **whom));
    let rows = most.iter().take(TRIES_SHOWN).map(|((party, denial), tries)| {
        vec![
            handle(&party.to_hex()),
            say(roles.get(party).copied(), language),
            escape(denial.say(language)),
            number(tries.count),
            time(tries.first),
            time(tries.last),
        ]
    });
    let mut said = table(language, "t-tries", Word::Suspended, &columns, rows.collect());
    if most.len() > TRIES_SHOWN {
        let all = grouped(u64::try_from(most.len()).unwrap_or(u64::MAX));
        let shown = grouped(u64::try_from(TRIES_SHOWN).unwrap_or(u64::MAX));
        said += &note(&fill(Word::RowsLeftOutMost.say(language), &[&shown, &all]));
    }
    said
}

/// How often each of some coded values occurs, most often first.
pub(super) fn counts<T: Said + Ord>(
    (id, caption): (&str, Word),
    head: Word,
    counts: &BTreeMap<T, u64>,
    language: Language,
) -> String {
    let mut most: Vec<_> = counts.iter().collect();
    most.sort_by_key(|(value, count)| (std::cmp::Reverse(**count), **value));
    let rows = most.iter().map(|(value, count)| vec![escape(value.say(language)), number(**count)]);
    table(language, id, caption, &[(head, "text"), (Word::Count, "num")], rows.collect())
}

/// The numbers of a drawing: spans of time by purpose.
pub(super) fn by_purpose<'c>(rows: impl Iterator<Item = (String, &'c [u64])>, language: Language) -> String {
    let purposes =
        PURPOSES.map(|purpose| purpose.map_or(Word::Other.say(language), |purpose| purpose.say(language)));
    let heads = purposes.map(|words| format!("<th scope=\"col\" class=\"num\">{}</th>", escape(words)));
    let row = |(begin, counts): (String, &[u64])| {
        let cells: String =
            counts.iter().map(|count| format!("<td class=\"num\">{}</td>", number(*count))).collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&begin))
    };
    let [caption, since] = [Word::OpeningsTitle, Word::Since].map(|word| escape(word.say(language)));
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\
         <caption class=\"unseen\">{caption}</caption><thead><tr><th scope=\"col\">{since}</th>{}</tr></thead>\
         <tbody>\n{}</tbody></table></div>",
        heads.concat(),
        rows.map(row).collect::<String>()
    )
}

/// A principal's id, without what kind it is.
fn id_of(principal: Principal) -> String {
    match principal {
        Principal::Folder(id) => id.to_hex(),
        Principal::Party(id) => id.to_hex(),
        Principal::Vault(id) => id.to_hex(),
    }
}
