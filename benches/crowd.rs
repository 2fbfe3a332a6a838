//! What gathering brings: durable writes a second by one thread, by two, by eight, by sixty-four.
//!
//! `cargo bench --bench crowd -- --csv FILE`. Each thread is a patient who writes to a case of its own; beside it as many
//! threads put one row each into the raw store.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::{
    fmt::Write as _,
    fs,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use casevault::{
    access::Policy,
    crypto::{Random, Secret},
    id::OpId,
    party::{Keyring, Patient, Role},
    record::Kind,
    session::{Memory, Session},
    store::{Batch, Key, Place, SledStore, Store as _},
    vault::{HostDir, Vault},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const THREADS: [usize; 4] = [1, 2, 8, 64];
const LASTS: Duration = Duration::from_secs(4);
const RECORD_BYTES: usize = 1024;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let csv = match words.as_slice() {
        [] => None,
        [option, file] if option == "--csv" => Some(file),
        _ => return Err("crowd: durable writes a second by so many threads\n\n  --csv FILE   as CSV".into()),
    };
    let mut lines = Vec::new();
    for threads in THREADS {
        lines.push((threads, written(threads)?, put(threads)?));
    }
    let (_, first, first_raw) = lines.first().copied().ok_or("nothing was measured")?;
    println!("| threads | writes a second | against one | raw puts a second | against one | vault / raw |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut table = String::from("threads,writes_per_s,raw_puts_per_s\n");
    for (threads, writes, puts) in lines {
        let (more, more_raw, ratio) = (writes / first, puts / first_raw, writes / puts);
        println!("| {threads} | {writes:.0} | {more:.2} × | {puts:.0} | {more_raw:.2} × | {ratio:.2} |");
        writeln!(table, "{threads},{writes:.0},{puts:.0}")?;
    }
    if let Some(file) = csv {
        fs::write(file, table)?;
    }
    Ok(())
}

/// Runs so many threads for a while; how much they did a second.
fn rate(threads: usize, work: impl Fn(usize, &dyn Fn() -> bool) -> Outcome<()> + Sync) -> Outcome<f64> {
    let (ready, over, done) = (Barrier::new(threads + 1), AtomicBool::new(false), AtomicU64::new(0));
    let (ready, over, done, work) = (&ready, &over, &done, &work);
    let seconds = thread::scope(|scope| -> Outcome<f64> {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    let began = AtomicBool::new(false);
                    // The first call waits for all; each later one counts what was done.
                    let goes_on = || {
                        if began.swap(true, Ordering::Relaxed) {
                            done.fetch_add(1, Ordering::Relaxed);
                        } else {
                            ready.wait();
                        }
                        !over.load(Ordering::Relaxed)
                    };
                    work(number, &goes_on)
                })
            })
            .collect();
        ready.wait();
        let begun = Instant::now();
        thread::sleep(LASTS);
        over.store(true, Ordering::Relaxed);
        let seconds = begun.elapsed().as_secs_f64();
        for thread in running {
            thread.join().map_err(|_panic| "a thread panicked")??;
        }
        Ok(seconds)
    })?;
    Ok(done.load(Ordering::Relaxed) as f64 / seconds)
}

fn keyring(number: usize) -> Outcome<Keyring> {
    let mut seed = [0xc0; 32];
    seed.iter_mut().zip(u32::try_from(number)?.to_be_bytes()).for_each(|(to, from)| *to = from);
    Ok(Keyring::from_seed(Secret::from_bytes(seed)))
}

fn written(threads: usize) -> Outcome<f64> {
    let directory = tempfile::tempdir()?;
    let registrar = keyring(1_000_000)?.card(Role::Registrar);
    let policy = Policy::trusting([&registrar]).admitting_unattested_patients();
    let store = SledStore::open(directory.path().join("store"))?;
    let vault = Vault::create(store, HostDir::open(directory.path().join("host"))?, policy)?;
    let vault = &vault;
    rate(threads, |number, goes_on| {
        let memory = Memory::trusting(vault.trust().clone());
        let tools = casevault::session::Tools::system()?;
        let patient = Session::<Patient>::enrol_with(vault, keyring(number)?, "someone", memory, tools)?;
        let case = patient.open_case("a crowd")?;
        let mut random = Random::system()?;
        while goes_on() {
            let text: Vec<u8> = random.bytes::<RECORD_BYTES>().to_vec();
            patient.write(&case, Kind::Note, &text)?;
        }
        Ok(())
    })
}

fn put(threads: usize) -> Outcome<f64> {
    let directory = tempfile::tempdir()?;
    let store = SledStore::open(directory.path())?;
    let store = &store;
    rate(threads, |_, goes_on| {
        let mut random = Random::system()?;
        while goes_on() {
            let key = Key::new(Place::from_bytes(random.bytes()), 1, &random.bytes::<16>())?;
            let mut batch = Batch::new(OpId::from_bytes(random.bytes()));
            batch.put(key, random.bytes::<RECORD_BYTES>().to_vec());
            #[expect(clippy::disallowed_methods, reason = "the raw store is what it is measured beside")]
            store.commit(batch)?;
        }
        Ok(())
    })
}
