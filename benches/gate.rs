//! The gate and the pool, beside what any grouping costs.
//!
//! `cargo bench --bench gate -- --adult DIR`, where `DIR` has the Adult data set (30,162 rows, nine quasi-identifiers) as
//! `adult.csv` and its hierarchies as `adult_hierarchy_<column>.csv`, separated by semicolons. Each row is a patient, the grid is
//! fixed in advance, the rows arrive in the order of the file, and every change is 0 or at least 11. Without it, as many cases
//! are drawn and go through the whole gate: classes of five quasi-identifiers, l, share, distance, values.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use casevault::{
    crypto::Random,
    id::{Digest, Handle, PersonToken},
    public::{
        Amount, Candidate, Class, Code, Codes, Entry, GateRules, Icd3, LeftOut, Offer, Outcome, Pool,
        PublicValue, Said, WeekBand, gate,
    },
};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
gate: what the gate and the pool cost, and what they release

  --adult DIR   the Adult data set and its hierarchies, as a stream";

/// The columns, and how coarse the grid has each: a level of its hierarchy, 0 as it is.
const COLUMNS: [(&str, usize); 9] = [
    ("sex", 0),
    ("age", 3),
    ("race", 0),
    ("marital-status", 0),
    ("education", 2),
    ("native-country", 1),
    ("workclass", 1),
    ("occupation", 1),
    ("salary-class", 0),
];

const ROWS: usize = 30_162;
const ARRIVALS: usize = 1_000;
const EPOCHS: usize = 30;
const ROUNDS: usize = 61;
const POLICY: Digest = Digest::from_bytes([0; 32]);

fn main() -> Fallible<()> {
    let mut adult = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // What cargo says to every benchmark.
            "--bench" => (),
            "--adult" => adult = Some(words.next().ok_or(HELP)?),
            _ => {
                println!("{HELP}");
                return Ok(());
            }
        }
    }
    println!("| work | casevault | quickest | beside it |  | ratio | goal | met |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut random = Random::seeded([7; 32]);
    let drawn = drawn(&mut random)?;
    let rules = GateRules::new(12, 3, (1, 2), 400, 2)?;
    measure("whole gate, drawn cases", &drawn, rules, &tree()?)?;
    if let Some(place) = adult {
        let adult = Adult::read(Path::new(&place))?;
        let alone = GateRules::new(11, 1, (1, 1), 1000, 1)?;
        measure("Adult, k alone", &adult.rows, alone, &tree()?)?;
        adult.show(alone)?;
    }
    Ok(())
}

type Row<K> = (K, Candidate);

/// One pass of the gate over all rows, and the same rows as a stream through the pool.
fn measure<K: Ord + Clone>(what: &str, rows: &[Row<K>], rules: GateRules, codes: &Codes) -> Fallible<()> {
    let plain = timed(|| grouped(rows).len());
    let whole = timed(|| pass(rows, &rules, codes));
    report(&format!("{what}: {} rows", rows.len()), whole, plain, 10.0);
    let mut stream = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..5 {
        let entries: Vec<_> = rows.iter().map(entry).collect();
        let start = Instant::now();
        run(entries, rules, codes, |_| ())?;
        stream.push(ms(start));
        let start = Instant::now();
        for epoch in 1..=EPOCHS {
            // What has arrived by then, sorted and grouped.
            std::hint::black_box(grouped(rows.get(..epoch * ARRIVALS).unwrap_or(rows)).len());
        }
        beside.push(ms(start));
    }
    report(&format!("{what}: {EPOCHS} epochs of {ARRIVALS}"), middle(stream), middle(beside), 1000.0);
    Ok(())
}

/// A row of the table. Other work makes each of the medians longer, and the longer work more: the quickest are compared.
fn report(what: &str, (here, quickest): Times, (_, beside): Times, goal: f64) {
    let met = if quickest <= goal { "yes" } else { "**no**" };
    println!(
        "| {what} | {here:.1} ms | {quickest:.1} ms | sort and group | {beside:.2} ms | {:.1} | ≤ {goal:.0} ms | {met} |",
        quickest / beside
    );
}

/// The sizes of the classes: what any grouping costs.
fn grouped<K: Ord>(rows: &[Row<K>]) -> Vec<usize> {
    let mut order: Vec<&Row<K>> = rows.iter().collect();
    order.sort_unstable_by_key(|(class, _)| class);
    order.chunk_by(|one, other| one.0 == other.0).map(<[_]>::len).collect()
}

/// Each class of these rows, offered to the gate; how many rows went out.
fn pass<K: Ord + Clone>(rows: &[Row<K>], rules: &GateRules, codes: &Codes) -> usize {
    let mut random = Random::seeded([1; 32]);
    let mut order: Vec<&Row<K>> = rows.iter().collect();
    order.sort_unstable_by_key(|(class, _)| class);
    let mut out = 0;
    for of_class in order.chunk_by(|one, other| one.0 == other.0) {
        let Some((class, _)) = of_class.first() else { continue };
        let candidates = of_class.iter().map(|(_, candidate)| candidate.clone()).collect();
        let offer = Offer { class: class.clone(), policy: POLICY, epoch: 1, follows: None, candidates };
        out += gate(rules, codes, offer, &mut random).map_or(0, |passed| passed.owners.len());
    }
    out
}

fn entry<K: Clone>((class, candidate): &Row<K>) -> (Handle, PersonToken, Entry<K>) {
    let entry = Entry { policy: POLICY, grid: 0, class: class.clone(), said: candidate.said.clone() };
    (candidate.handle, candidate.token, entry)
}

/// The stream: so many arrivals, an epoch, and again.
fn run<K: Ord + Clone>(
    entries: Vec<(Handle, PersonToken, Entry<K>)>,
    rules: GateRules,
    codes: &Codes,
    mut see: impl FnMut(&casevault::public::Epoch<K>),
) -> Fallible<()> {
    let mut random = Random::seeded([1; 32]);
    let mut pool: Pool<K> = Pool::default();
    pool.adopt(POLICY, rules, codes.clone())?;
    let mut entries = entries.into_iter();
    for _ in 0..EPOCHS {
        for (handle, token, entry) in entries.by_ref().take(ARRIVALS) {
            pool.admit(handle, token, entry)?;
        }
        see(&pool.epoch(&mut random));
    }
    Ok(())
}

// ── The Adult data set ─────────────────────────────────────────────────────────────────────────────────────────────────

struct Adult {
    rows: Vec<Row<[u8; 9]>>,
    /// Of each column and each of its values on the grid, the share of the column's other leaves that it covers: 0 for a
    /// leaf, 1 for all.
    covered: Vec<Vec<f64>>,
}

impl Adult {
    fn read(place: &Path) -> Fallible<Self> {
        let mut covered = Vec::new();
        let mut bins: Vec<BTreeMap<String, u8>> = Vec::new();
        for (column, level) in COLUMNS {
            let text = std::fs::read_to_string(place.join(format!("adult_hierarchy_{column}.csv")))?;
            let mut of_leaf = BTreeMap::new();
            let mut numbers: BTreeMap<String, u8> = BTreeMap::new();
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let mut values = line.trim().split(';');
                let leaf = values.clone().next().ok_or("an empty line")?.to_owned();
                let value = values.nth(level).ok_or("a hierarchy has too few levels")?.to_owned();
                let next = u8::try_from(numbers.len())?;
                of_leaf.insert(leaf, *numbers.entry(value).or_insert(next));
            }
            let others = of_leaf.len() as f64 - 1.0;
            let below = |bin| of_leaf.values().filter(|of| **of == bin).count() as f64 - 1.0;
            covered.push((0..u8::try_from(numbers.len())?).map(|bin| below(bin) / others).collect());
            bins.push(of_leaf);
        }
        let text = std::fs::read_to_string(place.join("adult.csv"))?;
        let mut random = Random::seeded([3; 32]);
        let mut rows = Vec::new();
        for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            let mut class = [0; 9];
            for ((value, bins), bin) in line.trim().split(';').zip(&bins).zip(&mut class) {
                *bin = *bins.get(value).ok_or("a value is not in its hierarchy")?;
            }
            let said = Said {
                diagnosis: Code::Category(Icd3::parse("J00")?),
                values: BTreeSet::new(),
                outcome: Outcome::Unknown,
                weeks: BTreeSet::new(),
                left_out: None,
            };
            let (handle, token) =
                (Handle::from_bytes(random.bytes()), PersonToken::from_bytes(random.bytes()));
            rows.push((class, Candidate { handle, token, said }));
        }
        Ok(Self { rows, covered })
    }

    /// How much is lost of a row: the mean share of other leaves that its values cover.
    fn loss(&self, class: &[u8; 9]) -> f64 {
        let shares = class.iter().zip(&self.covered);
        shares.map(|(bin, covered)| covered.get(usize::from(*bin)).copied().unwrap_or(1.0)).sum::<f64>() / 9.0
    }

    /// What is released, and what is lost, by a stream and at once.
    fn show(&self, rules: GateRules) -> Fallible<()> {
        let rows = self.rows.get(..EPOCHS * ARRIVALS).unwrap_or(&self.rows);
        let all = rows.len() as f64;
        let (mut released, mut lost, mut batches, mut least) = (0, 0.0, 0, usize::MAX);
        run(rows.iter().map(entry).collect(), rules, &tree()?, |epoch| {
            for release in &epoch.releases {
                let rows = release.batch().rows.len();
                (released, batches, least) = (released + rows, batches + 1, least.min(rows));
                lost += self.loss(&release.batch().facts.class) * rows as f64;
            }
        })?;
        let mut classes: BTreeMap<[u8; 9], usize> = BTreeMap::new();
        for (class, _) in rows {
            *classes.entry(*class).or_default() += 1;
        }
        let open = classes.iter().filter(|(_, rows)| **rows >= 11);
        let (at_once, lost_at_once) = open.fold((0, 0.0), |(count, lost), (class, rows)| {
            (count + rows, lost + self.loss(class) * *rows as f64)
        });
        let share = |released: usize| 100.0 * released as f64 / all;
        let loss = |lost: f64, released: usize| (lost + all - released as f64) / all;
        println!("\n| Adult, {EPOCHS} epochs | released | loss |\n| --- | ---: | ---: |");
        println!("| here | {:.1} % | {:.3} |", share(released), loss(lost, released));
        println!("| to meet | 81.8 % | 0.310 |");
        println!("| all in one batch | {:.1} % | {:.3} |", share(at_once), loss(lost_at_once, at_once));
        println!("\n{batches} batches in {} classes, the smallest of {least} rows", classes.len());
        Ok(())
    }
}

// ── Drawn cases ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Blocks and categories of one chapter, with weights that fall off.
const CATEGORIES: u32 = 60;

fn category(number: u32) -> Fallible<Icd3> {
    Ok(Icd3::parse(&format!("J{number:02}"))?)
}

fn tree() -> Fallible<Codes> {
    let mut blocks = Vec::new();
    for block in 0..CATEGORIES / 10 {
        blocks.push((category(block * 10)?, category(block * 10 + 9)?, 10));
    }
    let mut weights = Vec::new();
    for number in 0..CATEGORIES {
        weights.push((category(number)?, 10_000 / (number * 7 % CATEGORIES + 1)));
    }
    Ok(Codes::new(blocks, weights)?)
}

fn below(random: &mut Random, bound: u32) -> u32 {
    u32::from_be_bytes(random.bytes()) % bound
}

/// As many cases as Adult has rows, in 240 classes, with diagnoses as the reference has them and three values each.
fn drawn(random: &mut Random) -> Fallible<Vec<Row<Class>>> {
    let total: u32 = (0..CATEGORIES).map(|number| 10_000 / (number * 7 % CATEGORIES + 1)).sum();
    let mut rows = Vec::new();
    for _ in 0..ROWS {
        let bins = [2, 6, 5, 2, 2].map(|many| u16::try_from(below(random, many)).unwrap_or(0)).to_vec();
        let (mut at, mut number) = (below(random, total), 0);
        while number + 1 < CATEGORIES && at >= 10_000 / (number * 7 % CATEGORIES + 1) {
            at -= 10_000 / (number * 7 % CATEGORIES + 1);
            number += 1;
        }
        let mut values = BTreeSet::new();
        for _ in 0..3 {
            values.insert(PublicValue::Drug(below(random, 40)));
        }
        let said = Said {
            diagnosis: Code::Category(category(number)?),
            values,
            outcome: if below(random, 9) == 0 { Outcome::Died } else { Outcome::Resolved },
            weeks: (0..below(random, 3)).map(|band| WeekBand(u8::try_from(band).unwrap_or(0))).collect(),
            left_out: Some(LeftOut { texts: Amount::Few, pictures: Amount::None, voice: Amount::None }),
        };
        let (handle, token) = (Handle::from_bytes(random.bytes()), PersonToken::from_bytes(random.bytes()));
        rows.push((Class { grid: 0, bins }, Candidate { handle, token, said }));
    }
    Ok(rows)
}

// ── Times, in milliseconds ─────────────────────────────────────────────────────────────────────────────────────────────

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The median, and the quickest.
type Times = (f64, f64);

fn middle(mut times: Vec<f64>) -> Times {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().unwrap_or(f64::NAN);
    (at(times.len() / 2), at(0))
}

fn timed<T>(mut work: impl FnMut() -> T) -> Times {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::hint::black_box(work());
        times.push(ms(start));
    }
    middle(times)
}
