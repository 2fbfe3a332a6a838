//! What is known of who: names, numbers, places and birth dates, each with how it is looked for.

use std::collections::BTreeSet;

use crate::fhir::{
    dates::Birth,
    fold::{View, fold, is_korean, is_semitic, is_unspaced, spellings},
};

/// The shortest number or phrase that is struck wherever it stands; shorter ones only as whole strings.
const PHRASE_CHARS_MIN: usize = 6;

/// The shortest word struck in any case; shorter ones only as a name is written.
const WORD_CHARS_MIN: usize = 4;

/// Titles, degrees, trades and relatives, which name nobody.
const TITLES: &[&str] = &[
    "dr",
    "mr",
    "mrs",
    "ms",
    "mx",
    "miss",
    "mme",
    "mlle",
    "herr",
    "aunt",
    "brother",
    "cousin",
    "daughter",
    "father",
    "grandfather",
    "grandmother",
    "husband",
    "maternal",
    "mother",
    "paternal",
    "sister",
    "uncle",
    "wife",
    "frau",
    "prof",
    "professor",
    "doctor",
    "nurse",
    "patient",
    "md",
    "phd",
    "jd",
    "rn",
    "sr",
    "jr",
    "the",
    "of",
    "and",
];

/// Words of institutions: what has one in it is no person.
const INSTITUTIONS: &[&str] = &[
    "associates",
    "care",
    "center",
    "centre",
    "clinic",
    "clinica",
    "department",
    "dept",
    "foundation",
    "gmbh",
    "group",
    "health",
    "healthcare",
    "hospital",
    "inc",
    "institute",
    "insurance",
    "klinik",
    "krankenhaus",
    "lab",
    "laboratory",
    "labs",
    "llc",
    "ltd",
    "medical",
    "office",
    "pharmacy",
    "practice",
    "service",
    "services",
    "system",
    "systems",
    "team",
    "trust",
    "unit",
    "university",
    "ward",
];

/// Ids that stand in a hundred charts.
const NOBODY: &[&str] = &[
    "anonymous",
    "child",
    "demo",
    "example",
    "infant",
    "mother",
    "newborn",
    "patient",
    "person",
    "sample",
    "subject",
];

/// How a term is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// In a script without spaces: wherever it stands.
    Inner,
    /// A street and a number.
    Line,
    /// A part of a name: a word, or its genitive.
    Name,
    /// A number or an address of some register, telephone or mailbox.
    Number,
    /// In a script that joins particles to a name.
    Particled,
    /// A place or an institution.
    Place,
    /// A postal code of few digits, which could be any number: beside a place only.
    Postal,
    /// A short name, unless it is written as a common word.
    ShortName,
    /// Given name and family name.
    WholeName,
}

impl Sort {
    /// Whether it can be no word of a code system's.
    pub(super) const fn is_strong(self) -> bool {
        matches!(self, Self::Line | Self::Number | Self::WholeName)
    }
}

/// What is known of who.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) patterns: BTreeSet<(String, Sort)>,
    /// What is struck only as a whole string.
    pub(super) whole: BTreeSet<String>,
    /// Numbers of digits alone.
    pub(super) numbers: BTreeSet<String>,
    pub(super) births: BTreeSet<Birth>,
}

impl Terms {
    /// The name of a person, in one string.
    pub(super) fn name(&mut self, name: &str) {
        let words = View::of(name).words();
        let is_alone = words.len() < 2;
        let named = |word: &&str| {
            let is_particle = word.chars().count() < WORD_CHARS_MIN && word.starts_with(char::is_lowercase);
            !TITLES.contains(&fold(word).as_str()) && (is_alone || !is_particle)
        };
        let named: Vec<&str> = words.into_iter().filter(named).collect();
        named.iter().for_each(|word| self.word(word));
        if let Some((last, rest)) = named.split_last().filter(|(_, rest)| !rest.is_empty()) {
            self.joined(&named.concat());
            self.joined(&[&[*last], rest].concat().concat());
        }
    }

    /// The name of a person, by its parts: together they are looked for without what stands between them, too.
    pub(super) fn person(&mut self, families: &[&str], givens: &[&str]) {
        families.iter().chain(givens).for_each(|name| self.name(name));
        let all = givens.concat();
        for family in families {
            for given in givens.first().into_iter().copied().chain([all.as_str()]) {
                self.joined(&format!("{given}{family}"));
                self.joined(&format!("{family}{given}"));
            }
        }
    }

    /// Either a person or an institution: nothing but the words can tell.
    pub(super) fn whoever(&mut self, name: &str) {
        let is_institution = |word: &&str| INSTITUTIONS.contains(&fold(word).as_str());
        if View::of(name).words().iter().any(is_institution) { self.place(name) } else { self.name(name) }
    }

    fn word(&mut self, word: &str) {
        let folded = fold(word);
        let letters = folded.chars().count();
        if letters < 2 || folded.chars().all(char::is_numeric) {
            return;
        }
        if let Some(sort) = scripted(word) {
            self.patterns.insert((folded, sort));
            return;
        }
        for spelling in spellings(word) {
            let sort = if spelling.chars().count() < WORD_CHARS_MIN { Sort::ShortName } else { Sort::Name };
            self.patterns.insert((spelling, sort));
        }
    }

    fn joined(&mut self, name: &str) {
        let sort = scripted(name).unwrap_or(Sort::WholeName);
        let long = spellings(name).into_iter().filter(|spelling| spelling.chars().count() > 1);
        self.patterns.extend(long.map(|spelling| (spelling, sort)));
    }

    /// The name of a place or an institution.
    pub(super) fn place(&mut self, place: &str) {
        let least = if View::of(place).words().len() < 2 { WORD_CHARS_MIN } else { PHRASE_CHARS_MIN };
        self.phrase(place, least, Sort::Place);
    }

    /// A district or state: abbreviated, it is no more than two letters.
    pub(super) fn district(&mut self, district: &str) {
        if fold(district).chars().count() >= WORD_CHARS_MIN {
            self.place(district);
        }
    }

    /// A street and a number, in either order.
    pub(super) fn line(&mut self, line: &str) {
        self.phrase(line, PHRASE_CHARS_MIN, Sort::Line);
        let words = View::of(line).words();
        let is_number = |word: &&&str| word.contains(|symbol: char| symbol.is_numeric());
        let street: Vec<&str> = words.iter().filter(|word| !is_number(word)).copied().collect();
        let numbers: Vec<&str> = words.iter().filter(is_number).copied().collect();
        let street = street.concat();
        if let [number] = numbers.as_slice() {
            self.phrase(&format!("{street}{number}"), PHRASE_CHARS_MIN, Sort::Line);
            self.phrase(&format!("{number}{street}"), PHRASE_CHARS_MIN, Sort::Line);
        }
        if !numbers.is_empty() && street.chars().count() > 7 {
            self.phrase(&street, PHRASE_CHARS_MIN, Sort::Place);
        }
    }

    /// An address in one string.
    pub(super) fn address(&mut self, text: &str) {
        for part in text.split([',', ';', '\n']).map(str::trim) {
            if part.contains(|symbol: char| symbol.is_numeric()) {
                self.line(part)
            } else {
                self.district(part)
            }
        }
    }

    fn phrase(&mut self, phrase: &str, chars_min: usize, sort: Sort) {
        for spelling in spellings(phrase) {
            let letters = spelling.chars().count();
            if scripted(phrase) == Some(Sort::Inner) && letters > 1 {
                self.patterns.insert((spelling, Sort::Inner));
            } else if letters >= chars_min {
                self.patterns.insert((spelling, sort));
            } else if letters > 0 {
                self.whole.insert(spelling);
            }
        }
    }

    /// A number of a register, or what stands for one.
    pub(super) fn number(&mut self, number: &str) {
        let number =
            number.strip_prefix("urn:oid:").or_else(|| number.strip_prefix("urn:uuid:")).unwrap_or(number);
        let folded = fold(number);
        let has_digit = folded.contains(|symbol: char| symbol.is_ascii_digit());
        self.phrase(number, PHRASE_CHARS_MIN, if has_digit { Sort::Number } else { Sort::Place });
        if folded.len() >= PHRASE_CHARS_MIN && folded.bytes().all(|byte| byte.is_ascii_digit()) {
            self.numbers.insert(folded);
        }
    }

    /// A telephone number, also without its country code or the nought before the trunk; or another way to reach someone.
    pub(super) fn telecom(&mut self, value: &str) {
        let value = reach(value).unwrap_or(value).trim();
        let is_phone = value.chars().all(|symbol| symbol.is_numeric() || "+-()/. x".contains(symbol));
        let Some(digits) = Some(fold(value)).filter(|_| is_phone) else { return self.number(value) };
        let mut shorter = BTreeSet::from([digits.clone()]);
        let abroad = if value.starts_with('+') { Some(digits.as_str()) } else { digits.strip_prefix("00") };
        for code in abroad.iter().flat_map(|digits| (1..=3).filter_map(|length| digits.get(length..))) {
            shorter.extend([
                code.trim_start_matches('0').to_owned(),
                format!("0{}", code.trim_start_matches('0')),
            ]);
        }
        shorter.insert(digits.trim_start_matches('0').to_owned());
        shorter.retain(|digits| digits.len() > PHRASE_CHARS_MIN);
        self.numbers.extend(shorter.iter().cloned());
        self.patterns.extend(shorter.into_iter().map(|digits| (digits, Sort::Number)));
        self.whole.insert(digits);
    }

    /// A postal code.
    pub(super) fn postal(&mut self, code: &str) {
        let folded = fold(code);
        let is_bare =
            |code: &str| code.len() < PHRASE_CHARS_MIN && code.bytes().all(|byte| byte.is_ascii_digit());
        if is_bare(&folded) {
            self.patterns.insert((folded.clone(), Sort::Postal));
            self.whole.insert(folded);
        } else {
            self.phrase(code, PHRASE_CHARS_MIN.saturating_sub(1), Sort::Place);
            let first = code.split('-').next().unwrap_or_default();
            self.patterns.extend(
                Some((fold(first), Sort::Postal)).filter(|(first, _)| first.len() == 5 && is_bare(first)),
            );
        }
    }

    /// A birth date, as FHIR writes it.
    pub(super) fn birth(&mut self, date: &str) {
        self.births.extend(Birth::parse(date));
    }

    /// The id of a person's resource, unless a machine made it up or it is nobody's.
    pub(super) fn id(&mut self, id: &str) {
        let folded = fold(id);
        let is_uuid = folded.len() == 32 && folded.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_uuid && folded.len() >= WORD_CHARS_MIN && !NOBODY.contains(&folded.as_str()) {
            self.number(id);
        }
    }
}

/// How a term is looked for in a script whose words do not end where a name does.
fn scripted(term: &str) -> Option<Sort> {
    let first = term.chars().find(|symbol| symbol.is_alphabetic())?;
    let is_long = term.chars().filter(|symbol| symbol.is_alphabetic()).count() > 2;
    if is_unspaced(first) || (is_korean(first) && is_long) {
        Some(Sort::Inner)
    } else if is_korean(first) || is_semitic(first) {
        Some(Sort::Particled)
    } else {
        None
    }
}

/// What a link to a telephone or a mailbox leads to.
pub(super) fn reach(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_reach =
        ["callto", "fax", "mailto", "sip", "sms", "tel"].iter().any(|own| own.eq_ignore_ascii_case(scheme));
    Some(rest).filter(|_| is_reach)
}
