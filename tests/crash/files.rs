//! Damage to the files of a closed vault: bytes flipped, files cut, the store put back to an older day. What is read after
//! is what was there before, or an error says otherwise.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use casevault::{session::Memory, vault::VaultError};

use crate::{
    clinic::{self, Refused, trusting},
    look::look,
    place::{Files, Place, used},
    tally::{Tally, Verdict, is_full, sample},
    verb::Verb,
    worker::{self, tell},
};

/// The job of a process that looks at a vault and says what it found.
pub(crate) const LOOK: &str = "look";

const FLIPS: usize = 3_600;
const FLIPS_BY_DEFAULT: usize = 60;
const CUTS_BY_DEFAULT: usize = 12;
const THREADS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a vault and tells what everybody in it reads.
pub(crate) fn look_and_tell(place: &Place, round: u32) -> Result<(), Refused> {
    let vault = clinic::open(place, round)?;
    let found = look(&vault, round, trusting(&vault))?;
    tell(&format!("found {:?}", found.words));
    Ok(())
}

/// What a process that looks says: the words it found, or that it was refused.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Found(String),
    Refused(String),
    Ended(String),
}

/// Looks in a process of its own: what an engine makes of damaged pages may end it, or never end.
fn told(place: &Place) -> Told {
    let program = worker::program();
    let mut command = Command::new(&program[0]);
    worker::environment(command.args(&program[1..]), LOOK, place, 40);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reading = thread::spawn(move || {
        let mut said = String::new();
        stdout.read_to_string(&mut said).map(|_| said)
    });
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if begun.elapsed() > PATIENCE => {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let said = reading.join().unwrap().unwrap_or_default();
    let line = |word: &str| said.lines().find_map(|line| line.strip_prefix(word)).map(str::to_owned);
    match (status, line("found "), line("refused ")) {
        (None, ..) => Told::Ended("it hung".to_owned()),
        (Some(_), Some(words), _) => Told::Found(words),
        (Some(_), None, Some(refused)) => Told::Refused(refused),
        (Some(status), None, None) => Told::Ended(format!("{status}: {said}")),
    }
}

/// A clinic of a moment ago and of now, and what is read in it.
struct Scene {
    older: Files,
    files: Files,
    memory: Memory,
    words: String,
}

fn scene(place: &Place) -> Scene {
    let begun = clinic::begin(place);
    let older = place.files();
    let vault = clinic::open(place, 30).unwrap();
    Verb::Import.act(&vault, 31, begun).unwrap();
    Verb::Open.act(&vault, 32, trusting(&vault)).unwrap();
    let memory = look(&vault, 33, trusting(&vault)).unwrap().memory;
    vault.close().unwrap();
    let files = place.files();
    let Told::Found(words) = told(place) else { panic!("a vault that is whole is read") };
    Scene { older, files, memory, words }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// Only so many bytes are left.
    Cut(usize),
    /// A bit of a byte is flipped.
    Flip(usize, usize),
}

impl Damage {
    fn done_to(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Cut(kept) => bytes[..kept].to_vec(),
            Self::Flip(offset, bit) => {
                let mut changed = bytes.to_vec();
                changed[offset] ^= 1 << bit;
                changed
            }
        }
    }
}

/// A file of the scene, by its index, and what is done to it.
type Point = (usize, Damage);

/// Tries each damage on a copy, in processes of their own.
fn try_all(name: &'static str, scene: &Scene, beside: &Place, all: &[Point]) -> Tally {
    let (tally, next) = (Mutex::new(Tally::new(name)), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let slot = Place::new(beside.path().with_extension(format!("slot-{number}")));
            let (tally, next) = (&tally, &next);
            scope.spawn(move || {
                while let Some((index, damage)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (name, bytes) = &scene.files[*index];
                    slot.lay(&scene.files);
                    slot.put(name, &damage.done_to(bytes));
                    let verdict = match told(&slot) {
                        Told::Found(words) if words == scene.words => Verdict::Kept,
                        Told::Found(words) => Verdict::Silent(words),
                        Told::Refused(_) => Verdict::Kept,
                        Told::Ended(how) => Verdict::Panicked(how),
                    };
                    tally.lock().unwrap().add(&format!("{name}, {damage:?}"), 0, verdict);
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

#[test]
fn a_flipped_bit_in_any_file_changes_no_word_in_silence() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("clinic"));
    let scene = scene(&place);
    // Evenly over all that is written, each file at least once.
    let written: usize = scene.files.iter().map(|(_, bytes)| used(bytes)).sum();
    let step = (written / FLIPS).max(1);
    let mut flips = Vec::new();
    for (index, (_, bytes)) in scene.files.iter().enumerate() {
        for (count, offset) in (0..used(bytes)).step_by(step).enumerate() {
            flips.push((index, Damage::Flip(offset, (offset + count) % 8)));
        }
    }
    let flips = sample(flips, FLIPS_BY_DEFAULT);
    assert!(!is_full() || flips.len() >= 3_000);
    try_all("flips", &scene, &place, &flips).finish();
}

#[test]
fn a_file_cut_short_changes_no_word_in_silence() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("clinic"));
    let scene = scene(&place);
    let mut cuts = Vec::new();
    for (index, (_, bytes)) in scene.files.iter().enumerate() {
        let length = used(bytes);
        let mut kept: Vec<usize> = (0..8).map(|eighth| length * eighth / 8).collect();
        kept.push(length.saturating_sub(1));
        kept.dedup();
        cuts.extend(kept.into_iter().map(|kept| (index, Damage::Cut(kept))));
    }
    try_all("cuts", &scene, &place, &sample(cuts, CUTS_BY_DEFAULT)).finish();
}

#[test]
fn a_store_put_back_to_an_older_day_says_so_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("clinic"));
    let Scene { older, files, memory, words } = scene(&place);
    let only = |files: &Files, of: &str| -> Files {
        files.iter().filter(|(name, _)| name.starts_with(of)).cloned().collect()
    };
    // The store of yesterday beside the host of today.
    place.lay(&[only(&older, "vault"), only(&files, "host")].concat());
    let refused = clinic::open(&place, 50).map(drop).unwrap_err();
    assert!(matches!(refused, VaultError::RolledBack { .. }), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("salvage") && said.contains("accept_restore"), "{said}");
    // Both of yesterday: the vault cannot know, and whoever remembers today does.
    place.lay(&older);
    let vault = clinic::open(&place, 51).unwrap();
    assert_eq!(look(&vault, 52, memory).map(drop).unwrap_err().code(), "tampered-stream");
    drop(vault);
    // The store of today beside the host of yesterday: nothing is lost.
    place.lay(&[only(&files, "vault"), only(&older, "host")].concat());
    assert_eq!(told(&place), Told::Found(words));
}
