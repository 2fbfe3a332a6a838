//! Cases for the public area's tests: a small code tree, people, and what they say.

use std::collections::BTreeSet;

use casevault::{
    crypto::Random,
    id::{BatchId, Digest, Handle, PersonToken, PublicId},
    public::{
        Abstract, Amount, Batch, BatchFacts, Candidate, Class, Code, Codes, GateRules, Icd3, Journal,
        LeftOut, Made, Offer, Outcome, PublicRow, PublicValue, Reached, Said, Value, WeekBand,
    },
};

pub(crate) const POLICY: Digest = Digest::from_bytes([1; 32]);
pub(crate) const OTHER_POLICY: Digest = Digest::from_bytes([2; 32]);

/// Blocks of the tests' tree; chapter 15 has no reference.
pub(crate) const BLOCKS: [(&str, &str, u8); 11] = [
    ("I10", "I15", 9),
    ("I20", "I25", 9),
    ("I30", "I52", 9),
    ("J00", "J06", 10),
    ("J09", "J18", 10),
    ("J20", "J22", 10),
    ("J30", "J39", 10),
    ("J40", "J47", 10),
    ("O00", "O08", 15),
    ("O10", "O16", 15),
    ("O20", "O29", 15),
];

/// How frequent categories are, in the reference.
pub(crate) const WEIGHTS: [(&str, u32); 16] = [
    ("I10", 60),
    ("I20", 10),
    ("I21", 8),
    ("I25", 20),
    ("I48", 12),
    ("I50", 12),
    ("J00", 30),
    ("J02", 18),
    ("J06", 30),
    ("J10", 10),
    ("J18", 12),
    ("J20", 15),
    ("J30", 9),
    ("J32", 6),
    ("J44", 12),
    ("J45", 14),
];

pub(crate) fn icd(code: &str) -> Icd3 {
    Icd3::parse(code).unwrap()
}

pub(crate) fn category(code: &str) -> Code {
    Code::Category(icd(code))
}

pub(crate) fn tree() -> Codes {
    let blocks = BLOCKS.map(|(first, last, chapter)| (icd(first), icd(last), chapter));
    Codes::new(blocks, WEIGHTS.map(|(code, weight)| (icd(code), weight))).unwrap()
}

/// k = 12, l = 3, a share of a half, t = 0.4, rare below 2.
pub(crate) fn usual() -> GateRules {
    GateRules::new(12, 3, (1, 2), 400, 2).unwrap()
}

pub(crate) fn handle(number: u64) -> Handle {
    Handle::from_bytes(Random::seeded(seed(number, 1)).bytes())
}

pub(crate) fn token(number: u64) -> PersonToken {
    PersonToken::from_bytes(Random::seeded(seed(number, 2)).bytes())
}

pub(crate) fn seed(number: u64, what: u8) -> [u8; 32] {
    let mut seed = [what; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    seed
}

pub(crate) fn class(bins: &[u16]) -> Class {
    Class { grid: 0, bins: bins.to_vec() }
}

pub(crate) fn nothing_left_out() -> LeftOut {
    LeftOut { texts: Amount::Few, pictures: Amount::None, voice: Amount::None }
}

/// A case with this main diagnosis, and nothing else that differs.
pub(crate) fn plain(class: &Class, diagnosis: &str) -> Abstract {
    Abstract {
        policy: POLICY,
        class: class.clone(),
        diagnosis: icd(diagnosis),
        values: BTreeSet::new(),
        outcome: Outcome::Resolved,
        weeks: BTreeSet::from([WeekBand(0)]),
        left_out: nothing_left_out(),
    }
}

pub(crate) fn said(diagnosis: &str) -> Said {
    Said {
        diagnosis: category(diagnosis),
        values: BTreeSet::new(),
        outcome: Outcome::Resolved,
        weeks: BTreeSet::from([WeekBand(0)]),
        left_out: Some(nothing_left_out()),
    }
}

pub(crate) fn value(value: Value) -> PublicValue {
    PublicValue::from(value)
}

/// Candidates numbered from 0, each a person of its own.
pub(crate) fn candidates(said: impl IntoIterator<Item = Said>) -> Vec<Candidate> {
    let candidate = |(number, said)| Candidate { handle: handle(number), token: token(number), said };
    (0..).zip(said).map(candidate).collect()
}

pub(crate) fn offer(candidates: Vec<Candidate>) -> Offer {
    Offer { class: class(&[3, 1, 4]), policy: POLICY, epoch: 1, follows: None, candidates }
}

/// So many of each diagnosis.
pub(crate) fn mix(diagnoses: &[(&str, usize)]) -> Vec<Said> {
    diagnoses.iter().flat_map(|(code, many)| std::iter::repeat_n(said(code), *many)).collect()
}

/// A journal with all that one can hold.
pub(crate) fn journal() -> Journal {
    let batch = BatchId::from_bytes([5; 16]);
    let rows: Vec<PublicRow> = [category("J45"), Code::Block(icd("J40"), icd("J47")), Code::Chapter(10)]
        .into_iter()
        .zip(1..)
        .map(|(diagnosis, number)| {
            let values = [
                PublicValue::Diagnosis(diagnosis),
                PublicValue::Drug(435),
                PublicValue::Result(3, 1),
                PublicValue::Procedure(80_146_002),
            ];
            let said = Said { diagnosis, values: BTreeSet::from(values), ..said("J45") };
            PublicRow { id: PublicId::from_bytes([number; 16]), batch, class: class(&[3, 1, 4]), said }
        })
        .collect();
    let facts = BatchFacts {
        id: batch,
        class: class(&[3, 1, 4]),
        policy: POLICY,
        epoch: 7,
        follows: Some(BatchId::from_bytes([4; 16])),
        reached: Reached { k: 3, l: 3, largest: 1, t: 12 },
    };
    let owners = (1..4).map(|number| (handle(number), token(number))).collect();
    let left = vec![BatchId::from_bytes([4; 16])];
    let made = vec![Made { batch: Batch { facts, rows }, grid: 0, owners }];
    Journal { epoch: 7, made, hidden: left.clone(), settled: left }
}

/// A whole number below this.
pub(crate) fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(u64::from_be_bytes(random.bytes()) % u64::try_from(bound).unwrap()).unwrap()
}
