//! casevault beside what else one might use for a folder of records: put, grant, open.
//!
//! `cargo run --release` prints one table; `-- --csv FILE` keeps it. A round is a new folder of 1,000 records of 1 KiB: put in one durable batch,
//! granted to a second reader, opened and read whole by that reader. The peers take turns in each round; medians of the
//! rounds are shown. What a peer does not do besides (sign, log, prove that nothing is missing) is in its own file.

mod envelopes;
mod files;
mod shelf;
mod sqlcipher;
mod vault;

use std::time::Instant;

use casevault::crypto::Random;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const RECORDS: usize = 1000;
const RECORD_BYTES: usize = 1024;
const ROUNDS: usize = 9;

/// What a round took, in microseconds.
struct Round {
    put: f64,
    grant: f64,
    open: f64,
}

/// One way to keep a folder.
trait Peer {
    fn name(&self) -> &'static str;

    /// A new folder of these records, granted and opened by a second reader, who must read what was put.
    fn round(&mut self, records: &[Vec<u8>]) -> Outcome<Round>;
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let csv = match words.as_slice() {
        [] => None,
        [option, file] if option == "--csv" => Some(file),
        _ => return Err("the only option is --csv FILE".into()),
    };
    let place = vault::Place::open()?;
    let mut peers: Vec<Box<dyn Peer + '_>> = vec![
        Box::new(place.peer()?),
        Box::new(sqlcipher::SqlCipher::open()?),
        Box::new(files::Age::open()?),
        Box::new(envelopes::Hpke::open()?),
    ];
    let mut random = Random::system()?;
    let mut rounds: Vec<Vec<Round>> = peers.iter().map(|_| Vec::new()).collect();
    for number in 0..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        let records: Vec<Vec<u8>> = (0..RECORDS).map(|_| random.bytes::<RECORD_BYTES>().to_vec()).collect();
        for (peer, rounds) in peers.iter_mut().zip(&mut rounds) {
            let round = peer.round(&records)?;
            // The first warms up.
            if number > 0 {
                rounds.push(round);
            }
        }
    }
    let mut kept = String::from("peer,put_us_a_record,grant_us,open_us\n");
    println!("| folder of 1,000 × 1 KiB | put, µs a record | grant, ms | open and read all, ms |");
    println!("| --- | ---: | ---: | ---: |");
    for (peer, rounds) in peers.iter().zip(&rounds) {
        let name = peer.name();
        let put = median(rounds, |round| round.put) / RECORDS as f64;
        let (grant, open) = (median(rounds, |round| round.grant), median(rounds, |round| round.open));
        println!("| {name} | {put:.1} | {:.2} | {:.2} |", grant / 1e3, open / 1e3);
        kept += &format!("\"{name}\",{put:.1},{grant:.1},{open:.1}\n");
    }
    csv.map_or(Ok(()), |file| Ok(std::fs::write(file, kept)?))
}

fn median(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut times: Vec<f64> = rounds.iter().map(of).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long something took, in microseconds.
fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((begun.elapsed().as_secs_f64() * 1e6, result))
}

/// Fails unless exactly what was put was read.
fn same(read: &[Vec<u8>], put: &[Vec<u8>]) -> Outcome<()> {
    if read == put { Ok(()) } else { Err("the reader did not read what was put".into()) }
}
