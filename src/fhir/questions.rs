//! Questions that ask who someone is: what they are answered is left out.

use crate::fhir::{fold::View, tree::Node};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Address,
    Birth,
    Name,
    Number,
    Telecom,
}

/// LOINC's codes for such questions.
const LOINC: &[(&str, Topic)] = &[
    ("21112-8", Topic::Birth),
    ("42077-8", Topic::Telecom),
    ("45392-8", Topic::Name),
    ("45393-6", Topic::Name),
    ("45394-4", Topic::Name),
    ("45396-9", Topic::Number),
    ("45397-7", Topic::Number),
    ("45400-9", Topic::Number),
    ("54126-8", Topic::Name),
    ("56799-0", Topic::Address),
];

const WORDS: &[(&str, Topic)] = &[
    ("address", Topic::Address),
    ("adresse", Topic::Address),
    ("anschrift", Topic::Address),
    ("postcode", Topic::Address),
    ("street", Topic::Address),
    ("zip", Topic::Address),
    ("birthdate", Topic::Birth),
    ("birthday", Topic::Birth),
    ("birthplace", Topic::Birth),
    ("born", Topic::Birth),
    ("dob", Topic::Birth),
    ("geburtsdatum", Topic::Birth),
    ("nacimiento", Topic::Birth),
    ("naissance", Topic::Birth),
    ("apellido", Topic::Name),
    ("firstname", Topic::Name),
    ("forename", Topic::Name),
    ("fullname", Topic::Name),
    ("lastname", Topic::Name),
    ("nachname", Topic::Name),
    ("name", Topic::Name),
    ("nickname", Topic::Name),
    ("nombre", Topic::Name),
    ("prenom", Topic::Name),
    ("surname", Topic::Name),
    ("vorname", Topic::Name),
    ("mrn", Topic::Number),
    ("passport", Topic::Number),
    ("ssn", Topic::Number),
    ("email", Topic::Telecom),
    ("fax", Topic::Telecom),
    ("mobile", Topic::Telecom),
    ("phone", Topic::Telecom),
    ("telefon", Topic::Telecom),
    ("telephone", Topic::Telecom),
];

/// Words of questions that ask what something is called.
const THINGS: &[&str] = &[
    "allergen",
    "allergy",
    "brand",
    "condition",
    "device",
    "diagnosis",
    "disease",
    "drug",
    "medication",
    "medications",
    "medicine",
    "procedure",
    "product",
    "test",
    "vaccine",
];

/// Words that make of a birth the question when or where it was.
const OF_BIRTH: &[&str] = &["date", "day", "place", "time", "when", "where", "year"];

/// What an observation, or an item of a questionnaire's response, asks of who someone is.
pub(super) fn asks(node: &Node) -> Option<Topic> {
    let link = node.text_of("linkId");
    let codings = node.get("code").and_then(|code| code.get("coding")).map(Node::each).unwrap_or_default();
    let codes = codings.iter().filter_map(|coding| coding.text_of("code"));
    let link_code = link.map(|link| link.trim_matches('/'));
    let of_code = |code: &str| LOINC.iter().find(|(own, _)| *own == code).map(|(_, topic)| *topic);
    if let Some(topic) = codes.chain(link_code).find_map(of_code) {
        return Some(topic);
    }
    // What has a type is a question of a Questionnaire, which nobody has answered.
    let link = link.filter(|_| node.get("type").is_none())?;
    node.text_of("text").and_then(topic_of).or_else(|| topic_of(link))
}

fn topic_of(label: &str) -> Option<Topic> {
    let mut apart = String::new();
    for symbol in label.chars() {
        if symbol.is_uppercase() && apart.ends_with(char::is_lowercase) {
            apart.push(' ');
        }
        apart.push(symbol);
    }
    let view = View::of(&apart);
    let words: Vec<&str> = view.tokens().into_iter().map(|token| token.text).collect();
    if words.iter().any(|word| THINGS.contains(word)) {
        return None;
    }
    let is_birth =
        words.contains(&"birth") && (words.len() == 1 || words.iter().any(|word| OF_BIRTH.contains(word)));
    let of_words = || WORDS.iter().find(|(word, _)| words.contains(word)).map(|(_, topic)| *topic);
    if is_birth { Some(Topic::Birth) } else { of_words() }
}
