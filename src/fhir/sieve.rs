//! The sieve: everything in a chart that says who, struck from everything that says what.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::fhir::tree::Node;

/// What stands where something was struck.
const STRUCK: &str = "[withheld]";

/// The shortest number or phrase that is struck wherever it stands; shorter ones only as whole strings.
const PHRASE_CHARS_MIN: usize = 6;

/// The shortest word struck in any case; shorter ones only as a name is written.
const WORD_CHARS_MIN: usize = 4;

/// Titles and degrees, which name nobody.
const TITLES: &[&str] =
    &["dr", "mr", "mrs", "ms", "miss", "prof", "md", "phd", "jd", "sr", "jr", "the", "of", "and"];

/// What is known of who.
#[derive(Debug, Default)]
pub(super) struct Terms {
    words: BTreeSet<String>,
    short: BTreeSet<String>,
    phrases: BTreeSet<String>,
    whole: BTreeSet<String>,
    pub(super) birth_dates: BTreeSet<String>,
}

impl Terms {
    /// The parts of a name of a person.
    pub(super) fn name(&mut self, name: &str) {
        for word in
            name.split(|symbol: char| !symbol.is_alphanumeric()).filter(|word| word.chars().count() > 1)
        {
            let lower = word.to_lowercase();
            if TITLES.contains(&lower.as_str()) || word.chars().all(|symbol| symbol.is_ascii_digit()) {
                continue;
            }
            if lower.chars().count() < WORD_CHARS_MIN {
                let mut capital: String = lower.chars().take(1).flat_map(char::to_uppercase).collect();
                capital.extend(lower.chars().skip(1));
                self.short.extend([word.to_owned(), lower.to_uppercase(), capital]);
            } else {
                self.words.insert(lower);
            }
        }
        if name.contains(|symbol: char| !symbol.is_alphanumeric()) {
            self.phrase(name);
        }
    }

    /// A number, an address line, the name of a place: struck as it stands.
    pub(super) fn phrase(&mut self, phrase: &str) {
        let phrase = phrase.trim();
        if phrase.chars().count() >= PHRASE_CHARS_MIN {
            self.phrases.insert(phrase.to_owned());
        } else if !phrase.is_empty() {
            self.whole.insert(phrase.to_lowercase());
        }
    }

    /// A town: a word or several.
    fn town(&mut self, town: &str) {
        if town.chars().all(char::is_alphanumeric) { self.name(town) } else { self.phrase(town) }
    }

    /// A postal code: its parts, digits or letters.
    fn code(&mut self, code: &str) {
        let parts = code.split(|symbol: char| !symbol.is_alphanumeric()).map(str::to_lowercase);
        self.words.extend(parts.filter(|part| part.chars().count() >= WORD_CHARS_MIN));
    }

    fn birth_date(&mut self, date: &str) {
        let mut parts = date.splitn(3, '-');
        if let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) {
            let forms = [
                format!("{month}/{day}/{year}"),
                format!("{day}/{month}/{year}"),
                format!("{day}.{month}.{year}"),
                format!("{year}{month}{day}"),
                format!("{year}/{month}/{day}"),
            ];
            self.phrases.extend(forms);
            self.birth_dates.insert(date.to_owned());
        }
    }

    /// Gathers from a resource, its contained ones included, what says who.
    pub(super) fn gather(&mut self, node: &Node, says_who: bool) {
        match node {
            Node::Object(members) => {
                for (name, value) in members {
                    self.member(name, value, node, says_who);
                    self.gather(value, says_who);
                }
            }
            Node::Array(items) => items.iter().for_each(|item| self.gather(item, says_who)),
            Node::Literal(_) | Node::Text(_) => (),
        }
    }

    fn member(&mut self, name: &str, value: &Node, of: &Node, says_who: bool) {
        let texts = || value.each().iter().filter_map(Node::as_text);
        match name {
            "family" | "given" => texts().for_each(|text| self.name(text)),
            "text" if of.get("family").is_some() || of.get("given").is_some() => {
                texts().for_each(|text| self.name(text))
            }
            "name" | "alias" if says_who => texts().for_each(|text| self.phrase(text)),
            "name" if value.get("text").is_some() => {
                value.text_of("text").into_iter().for_each(|text| self.name(text))
            }
            "telecom" | "identifier" => {
                let values = value.each().iter().filter_map(|one| one.text_of("value"));
                values.for_each(|text| self.phrase(text));
            }
            "line" => texts().for_each(|text| self.phrase(text)),
            "city" => texts().for_each(|text| self.town(text)),
            "postalCode" => texts().for_each(|text| self.code(text)),
            "birthDate" => texts().for_each(|text| self.birth_date(text)),
            "display" if is_person(of) => texts().for_each(|text| self.name(text)),
            "extension" => value.each().iter().for_each(|extension| {
                let is_maiden =
                    extension.text_of("url").is_some_and(|url| url.ends_with("mothersMaidenName"));
                let maiden = extension.text_of("valueString").filter(|_| is_maiden);
                maiden.into_iter().for_each(|text| self.name(text));
            }),
            _ => (),
        }
    }

    /// Ready to strike.
    pub(super) fn into_sieve(self) -> Sieve {
        let built = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&self.phrases);
        Sieve { phrases: built.ok(), terms: self }
    }
}

/// Whether a reference is to a person.
fn is_person(reference: &Node) -> bool {
    let people = ["Patient", "Practitioner", "RelatedPerson", "Person"];
    let to = reference.text_of("reference").or_else(|| reference.text_of("type")).unwrap_or_default();
    people.iter().any(|person| to.contains(person))
        || (to.is_empty() && reference.get("code").is_none() && reference.get("system").is_none())
}

/// Strikes what is known of who from strings.
pub(super) struct Sieve {
    phrases: Option<AhoCorasick>,
    terms: Terms,
}

impl Sieve {
    /// The string without it, and how often something was struck.
    pub(super) fn strike(&self, text: &str) -> (String, u64) {
        if self.terms.whole.contains(&text.to_lowercase()) {
            return (STRUCK.to_owned(), 1);
        }
        let (text, phrases) = self.strike_phrases(text);
        let (text, dates) = self.strike_dates(text);
        let (text, words) = self.strike_words(text);
        (text, phrases.saturating_add(dates).saturating_add(words))
    }

    /// The birth date that a string is, or begins with, as dates with times do.
    pub(super) fn is_birth_date(&self, text: &str) -> bool {
        text.get(..10).is_some_and(|date| self.terms.birth_dates.contains(date))
    }

    fn strike_phrases(&self, text: &str) -> (String, u64) {
        let Some(phrases) = self.phrases.as_ref().filter(|phrases| phrases.is_match(text)) else {
            return (text.to_owned(), 0);
        };
        let mut struck = String::new();
        let mut count = 0u64;
        phrases.replace_all_with(text, &mut struck, |_, _, to| {
            to.push_str(STRUCK);
            count = count.saturating_add(1);
            true
        });
        (struck, count)
    }

    fn strike_dates(&self, text: String) -> (String, u64) {
        let found = self.terms.birth_dates.iter().filter(|date| text.contains(date.as_str()));
        found.fold((text.clone(), 0), |(text, count), date| {
            (text.replace(date, STRUCK), count.saturating_add(1))
        })
    }

    fn strike_words(&self, text: String) -> (String, u64) {
        let is_struck = |word: &str| {
            !word.is_empty()
                && (self.terms.short.contains(word) || self.terms.words.contains(&word.to_lowercase()))
        };
        let words = || text.split(|symbol: char| !symbol.is_alphanumeric());
        if !words().any(is_struck) {
            return (text, 0);
        }
        let (mut kept, mut count) = (String::new(), 0u64);
        for piece in text.split_inclusive(|symbol: char| !symbol.is_alphanumeric()) {
            let word = piece.trim_end_matches(|symbol: char| !symbol.is_alphanumeric());
            if is_struck(word) {
                count = count.saturating_add(1);
                kept.push_str(STRUCK);
                kept.push_str(piece.strip_prefix(word).unwrap_or_default());
            } else {
                kept.push_str(piece);
            }
        }
        (kept, count)
    }
}
