//! The directory and the vetting queue as they grow: a page of doctors, a page of applicants.
//!
//! `cargo bench --bench directory -- 1000 100000`. So many doctors enrol, are attested and list themselves, under a hundred
//! specialties, twenty languages, fifty regions; a tenth as many wait to be vetted. Then a patient searches by several words
//! at once, and a registrar looks at the head of the queue: on the default engine, warm.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::{
    num::NonZero,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use casevault::{
    access::Policy,
    codec,
    credential::{Attestation, Coding, Listing},
    crypto::{Random, Secret, Signed},
    custodian::{Answer, Custodian as _, Errand, Query, Question, Request, Response, Search},
    party::{Doctor, Keyring, Patient, Registrar, Role},
    session::{Looking, Memory, Session, Tools},
    store::{KeyRange, SledStore, Store as _},
    time::{Clock as _, SystemClock},
    vault::{HostDir, Vault},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How many searches and pages are measured.
const SAMPLES: usize = 1000;
/// How many doctors a page shows.
const PAGE: u16 = 20;
const REGISTRAR: u64 = u64::MAX;
const PATIENT: u64 = u64::MAX - 1;

const HELP: &str = "\
directory: a search among listings, and a page of the vetting queue, as their number grows

  NUMBER…      how many listings (without it: 1000 5000)";

fn main() -> Outcome<()> {
    let mut sizes: Vec<u64> = Vec::new();
    for word in std::env::args().skip(1) {
        match word.as_str() {
            // What cargo says to every benchmark.
            "--bench" => (),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            number => {
                sizes.push(number.parse().map_err(|_unsaid| format!("not a number: {number}\n\n{HELP}"))?);
            }
        }
    }
    if sizes.is_empty() {
        sizes = vec![1_000, 5_000];
    }
    println!(
        "| listings | waiting | index built, ms | search and page, µs | the same rows, raw, µs | ratio | whole in a session, µs | \
         page of the queue, µs |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for size in sizes {
        measure(size)?;
    }
    Ok(())
}

fn measure(listings: u64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let (store, host) = (directory.path().join("store"), directory.path().join("host"));
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]);
    let vault = Vault::create(SledStore::open(&store)?, HostDir::open(&host)?, policy)?;
    let trusting = || Memory::trusting(vault.trust());
    let office = Session::<Registrar>::sign_in(&vault, keyring(REGISTRAR), trusting())?;
    let alice =
        Session::<Patient>::enrol_with(&vault, keyring(PATIENT), "Alice", trusting(), Tools::system()?)?;
    office.attest(alice.id(), Attestation::patient())?;
    let waiting = listings / 10;
    build(&vault, listings, waiting)?;
    drop((alice, office));
    vault.close()?;

    let vault = Vault::open(SledStore::open(&store)?, HostDir::open(&host)?)?;
    let alice = Session::<Patient>::sign_in(&vault, keyring(PATIENT), Memory::trusting(vault.trust()))?;
    let (first, _) = timed(|| Ok(alice.directory(Looking::for_doctors())?))?;
    let mut random = Random::system()?;
    let searches: Vec<Search> = (0..SAMPLES).map(|_| search(&mut random)).collect();
    let mut found = 0usize;
    let mut of_search = Vec::new();
    for search in &searches {
        let message = asked(&vault, PATIENT, Question::Directory(search.clone()))?;
        let (time, answer) = timed(|| Ok(vault.exchange(&message)?))?;
        let Response::Answer(Answer::Directory(listed, _)) = codec::decode::<Response>(&answer)? else {
            return Err("no page".into());
        };
        found += listed.len();
        of_search.push(time);
    }
    let mut of_session = Vec::new();
    for number in 0..SAMPLES as u64 / 10 {
        let looking =
            Looking::for_doctors().specialty(&specialty(number % 100)).language(&language(number % 20));
        of_session.push(timed(|| Ok(alice.directory(looking)?))?.0);
    }
    let mut of_queue = Vec::new();
    for _ in 0..SAMPLES {
        let message = asked(&vault, REGISTRAR, Question::Queue(Errand::Application, None, 64))?;
        of_queue.push(timed(|| Ok(vault.exchange(&message)?))?.0);
    }
    drop(alice);
    vault.close()?;
    let raw = raw_rows(&SledStore::open(&store)?, found / SAMPLES)?;
    let (search, session, queue) = (median(of_search), median(of_session), median(of_queue));
    println!(
        "| {listings} | {waiting} | {:.0} | {search:.0} | {raw:.0} | {:.1} | {session:.0} | {queue:.0} |",
        first / 1e3,
        search / raw
    );
    eprintln!("{:.1} doctors a page", found as f64 / SAMPLES as f64);
    Ok(())
}

/// As many rows of the raw store as a page shows, one by one, drawn at random.
fn raw_rows(store: &SledStore, count: usize) -> Outcome<f64> {
    let keys: Vec<_> = store.scan(KeyRange::all(), 100_000)?.into_iter().map(|row| row.key).collect();
    let first = keys.first().ok_or("an empty store")?;
    let mut random = Random::system()?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        let drawn = || usize::try_from(u32::from_be_bytes(random.bytes())).map(|drawn| drawn % keys.len());
        let drawn = std::iter::repeat_with(drawn).take(count.max(1)).collect::<Result<Vec<_>, _>>()?;
        let read = || -> Outcome<usize> {
            let mut bytes = 0;
            for index in &drawn {
                bytes += store.get(keys.get(*index).unwrap_or(first))?.map_or(0, |value| value.len());
            }
            Ok(bytes)
        };
        times.push(timed(read)?.0);
    }
    Ok(median(times))
}

/// Doctors who list themselves, and applicants who wait, on all cores; several a core, for most of the time they wait for the disk.
fn build(vault: &Vault, listings: u64, waiting: u64) -> Outcome<()> {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    let all = listings + waiting;
    let work = || -> Outcome<()> {
        let office =
            Session::<Registrar>::sign_in(vault, keyring(REGISTRAR), Memory::trusting(vault.trust()))?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= all {
                return Ok(());
            }
            let memory = Memory::trusting(vault.trust());
            let doctor =
                Session::<Doctor>::enrol_with(vault, keyring(number), "someone", memory, Tools::system()?)?;
            if number < listings {
                let coding = Coding::new("urn:x-specialty", &specialty(number % 100), "a specialty");
                office.attest(doctor.id(), Attestation::doctor(coding))?;
                let listing = Listing::new(&format!("Dr. {number}"))
                    .language(&language(number / 100 % 20))
                    .region(&region(number / 7 % 50))
                    .accepting(!number.is_multiple_of(11));
                doctor.list(&listing)?;
            }
            if (number + 1).is_multiple_of((all / 10).max(1)) {
                let rate = (number + 1) as f64 / begun.elapsed().as_secs_f64();
                eprintln!("{} of {all}, {rate:.0} a second", number + 1);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4 * cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_panicked| "a worker panicked")?)
    })
}

/// What someone looks for: a specialty, mostly a language, sometimes a region, mostly who takes new cases.
fn search(random: &mut Random) -> Search {
    let [one, two, three, four] = random.bytes::<4>().map(u64::from);
    Search {
        specialty: Some(specialty(one % 100)),
        language: (two % 4 > 0).then(|| language(two % 20)),
        region: (three % 4 == 0).then(|| region(three % 50)),
        is_accepting: four % 4 > 0,
        limit: PAGE,
        ..Search::default()
    }
}

fn specialty(number: u64) -> String {
    format!("S{number:03}")
}

fn language(number: u64) -> String {
    format!("l{number}")
}

fn region(number: u64) -> String {
    format!("XX-{number}")
}

fn asked(vault: &Vault, asker: u64, question: Question) -> Outcome<Vec<u8>> {
    let keyring = keyring(asker);
    let (vault, at) = (vault.trust().vault, SystemClock.now());
    let nonce = Random::system()?.bytes();
    let query = Query { vault, asker: keyring.party(), question, at, nonce };
    Ok(codec::encode(&Request::Ask(Signed::sign(&query, keyring.signer()))))
}

fn keyring(number: u64) -> Keyring {
    let mut seed = [0x5d; 32];
    seed.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Keyring::from_seed(Secret::from_bytes(seed))
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
