//! From a thousand owners to a hundred thousand: what a point operation takes, memory, disk, opening.
//!
//! `cargo bench --bench scale -- 1000 10000 100000 --csv FILE`. Each owner has an Identity and one case of a few records
//! of 1 KiB; those who act when it is measured are drawn at random and have just signed in.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::{
    fmt::Write as _,
    fs,
    num::NonZero,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    crypto::{Random, Secret},
    id::PartyId,
    party::{Doctor, Keyring, Patient, Registrar, Role},
    record::Kind,
    session::{Case, Entry, Memory, Session, Tools},
    store::{KeyRange, SledStore, Store as _},
    vault::{HostDir, Vault},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const RECORDS: usize = 4;
const RECORD_BYTES: usize = 1024;
/// How many owners act when it is measured.
const SAMPLES: usize = 300;
const REGISTRAR: u64 = u64::MAX;
const DOCTOR: u64 = u64::MAX - 1;

const HELP: &str = "\
scale: point operations, memory and disk as the number of owners grows

  NUMBER…      how many owners (without it: 1000 10000)
  --csv FILE   the table once more, as CSV: microseconds, bytes, milliseconds";

fn main() -> Outcome<()> {
    let (mut sizes, mut csv): (Vec<u64>, Option<String>) = (Vec::new(), None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // What cargo says to every benchmark.
            "--bench" => (),
            "--csv" => csv = Some(words.next().ok_or("--csv needs a file")?),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            number => {
                sizes.push(number.parse().map_err(|_unsaid| format!("not a number: {number}\n\n{HELP}"))?)
            }
        }
    }
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000];
    }
    let lines: Vec<Line> = sizes.into_iter().map(measure).collect::<Outcome<_>>()?;
    println!("{}", words_of(&lines));
    if let Some(file) = csv {
        fs::write(file, csv_of(&lines)?)?;
    }
    Ok(())
}

/// What was measured at one size.
struct Line {
    owners: u64,
    values: [(&'static str, f64); 13],
}

fn measure(owners: u64) -> Outcome<Line> {
    let directory = tempfile::tempdir()?;
    let (store, host) = (directory.path().join("store"), directory.path().join("host"));
    let policy =
        Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]).admitting_unattested_patients();
    let vault = Vault::create(SledStore::open(&store)?, HostDir::open(&host)?, policy)?;
    let trusting = || Memory::trusting(vault.trust().clone());
    let bob = Session::<Doctor>::enrol_with(&vault, keyring(DOCTOR), "Bob", trusting(), Tools::system()?)?;
    let office = Session::<Registrar>::sign_in(&vault, keyring(REGISTRAR), trusting())?;
    office.attest(bob.id(), Attestation::doctor("general practice"))?;
    let doctor = bob.id();
    let begun = Instant::now();
    build(&vault, owners)?;
    let build_us = begun.elapsed().as_secs_f64() * 1e6 / owners as f64;
    drop((bob, office));
    vault.close()?;

    let begun = Instant::now();
    let vault = Vault::open(SledStore::open(&store)?, HostDir::open(&host)?)?;
    let open_ms = begun.elapsed().as_secs_f64() * 1e3;
    let (in_store, beside) = (bytes_in(&store)?, bytes_in(&host)?);
    let times = operations(&vault, owners, doctor)?;
    let (now, peak) = (resident("VmRSS:")?, resident("VmHWM:")?);
    vault.close()?;
    let rows = bytes_of(&SledStore::open(&store)?)?;
    Ok(Line {
        owners,
        values: [
            ("enrol_with_case_us", build_us),
            ("sign_in_us", times.sign_in),
            ("write_us", times.write),
            ("open_us", times.open),
            ("read_us", times.read),
            ("grant_us", times.grant),
            ("resident_bytes", now),
            ("resident_peak_bytes", peak),
            ("store_bytes", in_store),
            ("host_bytes", beside),
            ("row_bytes", rows),
            ("store_over_rows", in_store / rows),
            ("open_vault_ms", open_ms),
        ],
    })
}

/// Enrols owners, each with a case, on all cores; several a core, for most of the time they wait for the disk.
fn build(vault: &Vault, owners: u64) -> Outcome<()> {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    let work = || -> Outcome<()> {
        let mut random = Random::system()?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= owners {
                return Ok(());
            }
            enrol(vault, number, &mut random)?;
            let done = number + 1;
            if done.is_multiple_of((owners / 20).max(1)) {
                let rate = done as f64 / begun.elapsed().as_secs_f64();
                eprintln!("{done} of {owners} owners, {rate:.0} a second");
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4 * cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_panicked| "a worker panicked")?)
    })
}

fn enrol(vault: &Vault, number: u64, random: &mut Random) -> Outcome<()> {
    let memory = Memory::trusting(vault.trust().clone());
    let name = format!("owner {number}");
    let owner = Session::<Patient>::enrol_with(vault, keyring(number), &name, memory, Tools::system()?)?;
    let case = owner.open_case("measured")?;
    owner.write_all(&case, (0..RECORDS).map(|_| entry(random)).collect::<Outcome<_>>()?)?;
    Ok(())
}

/// Medians, in microseconds.
struct Times {
    sign_in: f64,
    write: f64,
    open: f64,
    read: f64,
    grant: f64,
}

/// Owners drawn at random, each once: sign in, open the case, read a record, write one, grant the case.
fn operations(vault: &Vault, owners: u64, doctor: PartyId) -> Outcome<Times> {
    let mut random = Random::system()?;
    let mut of: [Vec<f64>; 5] = Default::default();
    for _ in 0..SAMPLES {
        let number = u64::from_be_bytes(random.bytes()) % owners;
        let keyring = keyring(number);
        let memory = Memory::trusting(vault.trust().clone());
        let (sign_in, owner) = timed(|| Ok(Session::<Patient>::sign_in(vault, keyring, memory)?))?;
        let case: Case = owner.own_cases()?.into_iter().next().ok_or("an owner has no case")?;
        let (open, chart) = timed(|| Ok(owner.open(&case)?))?;
        let (read, records) = timed(|| Ok(chart.records()?))?;
        let one_more = vec![entry(&mut random)?];
        let (write, _) = timed(|| Ok(owner.write_all(&case, one_more)?))?;
        let (grant, _) = timed(|| Ok(owner.opinion(&case, doctor, Terms::opinion())?))?;
        let read = read / records.len() as f64;
        for (times, time) in of.iter_mut().zip([sign_in, write, open, read, grant]) {
            times.push(time);
        }
    }
    let [sign_in, write, open, read, grant] = of.map(median);
    Ok(Times { sign_in, write, open, read, grant })
}

fn keyring(number: u64) -> Keyring {
    let mut seed = [0x5c; 32];
    seed.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Keyring::from_seed(Secret::from_bytes(seed))
}

fn entry(random: &mut Random) -> Outcome<Entry> {
    let bytes = random.bytes::<RECORD_BYTES>().to_vec();
    Ok(Entry::of_bytes(Kind::Document, "application/octet-stream", bytes)?)
}

/// How long something took, in microseconds.
fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((begun.elapsed().as_secs_f64() * 1e6, result))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What the system says this process holds in memory; zero where it does not say.
fn resident(name: &str) -> Outcome<f64> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return Ok(0.0) };
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// The bytes of all files in a directory.
fn bytes_in(directory: &Path) -> Outcome<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_directory = entry.file_type()?.is_dir();
        bytes += if is_directory { bytes_in(&entry.path())? } else { entry.metadata()?.len() as f64 };
    }
    Ok(bytes)
}

/// The bytes of all rows, keys and values: what the store was given to keep.
fn bytes_of(store: &SledStore) -> Outcome<f64> {
    let (mut bytes, mut range) = (0.0, KeyRange::all());
    loop {
        let page = store.scan(range, 4096)?;
        bytes += page.iter().map(|row| (row.key.as_bytes().len() + row.value.len()) as f64).sum::<f64>();
        match page.last() {
            Some(last) => range = KeyRange::all().past(&last.key),
            None => return Ok(bytes),
        }
    }
}

/// A column for each size, and how the last compares with the first.
fn words_of(lines: &[Line]) -> String {
    let heads = lines.iter().map(|line| format!(" {:>14} |", line.owners));
    let mut table = format!("| {:24} |{} last / first |\n", "owners", heads.collect::<String>());
    table += &format!("| {} |{} ------------ |", "-".repeat(24), " -------------: |".repeat(lines.len()));
    let names = lines.first().map(|line| line.values.map(|(name, _)| name)).unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        let values = || lines.iter().filter_map(|line| line.values.get(index)).map(|(_, value)| *value);
        let cells: String = values().map(|value| format!(" {value:>14.1} |")).collect();
        let ratio = values().next_back().zip(values().next()).map_or(f64::NAN, |(last, first)| last / first);
        table += &format!("\n| {name:24} |{cells} {ratio:>12.2} |");
    }
    table
}

fn csv_of(lines: &[Line]) -> Outcome<String> {
    let mut csv = String::from("owners");
    let names = lines.first().map(|line| line.values.map(|(name, _)| name)).unwrap_or_default();
    names.iter().try_for_each(|name| write!(csv, ",{name}"))?;
    for line in lines {
        write!(csv, "\n{}", line.owners)?;
        line.values.iter().try_for_each(|(_, value)| write!(csv, ",{value:.1}"))?;
    }
    csv.push('\n');
    Ok(csv)
}
