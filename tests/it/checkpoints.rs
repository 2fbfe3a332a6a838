//! Checkpoints: anchored before they are shown, made by one process at a time, by whoever is there.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use casevault::{
    audit,
    crypto::Random,
    log::open_checkpoint,
    merkle::{Head, verify_consistency},
    party::Patient,
    store::{
        Batch, Entry, Key, KeyRange, MemorySnapshot, MemoryStore, Store, StoreError,
        fault::{Fault, FaultStore, Operations},
    },
    vault::{Anchor, HostDir, Vault, VaultError},
};
use tempfile::TempDir;

use crate::{supervision::export, world::World};

/// A vault over a store of this world, with a host directory of its own or the world's.
fn open(world: &World, store: impl Store, host: &Path, seed: u8) -> Result<Vault, VaultError> {
    let clock = Arc::clone(&world.clock);
    Vault::open_with(store, HostDir::open(host).unwrap(), clock, Random::seeded([seed; 32]))
}

fn head(world: &World, note: &str) -> Head {
    let trust = world.vault.trust();
    open_checkpoint(note, trust.vault, &trust.vault_key).unwrap()
}

/// What the host keeps.
fn anchor(world: &World) -> Anchor {
    let trust = world.vault.trust();
    Anchor::read(&fs::read(world.host.path().join("anchor")).unwrap(), trust.vault, &trust.vault_key).unwrap()
}

/// What a thief has who took store and host together.
fn taken(world: &World) -> (MemorySnapshot, TempDir) {
    let host = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(world.host.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, host.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    (world.store.snapshot(), host)
}

fn grow(world: &World, vault: &Vault, seed: u8) {
    world.enrol_over::<Patient>(vault, seed, "one more");
}

#[test]
fn every_epoch_is_anchored_at_once() {
    let world = World::new();
    assert_eq!(anchor(&world).log, None);
    // The clock stands: no second has passed since the last anchor.
    for seed in 60..63 {
        grow(&world, &world.vault, seed);
        let note = world.vault.checkpoint().unwrap();
        assert_eq!(anchor(&world).log, Some(head(&world, &note)));
    }
}

#[test]
fn a5_a_store_that_is_as_far_but_grew_otherwise_is_refused() {
    // What is grown on the stolen store: how many checkpoints, so that its log is shorter, as long, longer.
    for checkpoints in 0..4u8 {
        let world = World::new();
        grow(&world, &world.vault, 60);
        world.vault.checkpoint().unwrap();
        let (store, host) = taken(&world);
        grow(&world, &world.vault, 61);
        world.vault.checkpoint().unwrap();
        world.vault.checkpoint().unwrap();
        let World { vault, store: own, host: own_host, clock } = world;
        let far = own.generation().unwrap();
        drop(vault);
        let right = own.snapshot();

        own.restore(&store);
        let random = Random::seeded([7; 32]);
        let other = Vault::open_with(
            Arc::clone(&own),
            HostDir::open(host.path()).unwrap(),
            Arc::clone(&clock),
            random,
        )
        .unwrap();
        let other = World { vault: other, store: Arc::clone(&own), host, clock: Arc::clone(&clock) };
        for number in 0..checkpoints {
            grow(&other, &other.vault, 70 + number);
            other.vault.checkpoint().unwrap();
        }
        let mut seed = 100;
        while own.generation().unwrap() <= far {
            grow(&other, &other.vault, seed);
            seed += 1;
        }
        drop(other.vault);
        let open = || {
            Vault::open_with(
                Arc::clone(&own),
                HostDir::open(own_host.path()).unwrap(),
                Arc::clone(&clock),
                Random::seeded([8; 32]),
            )
        };
        for _ in 0..2 {
            // Refused, and refused again: the anchor has not moved.
            let refused = open().unwrap_err();
            assert_eq!(refused.code(), "other-history", "{checkpoints} checkpoints: {refused}");
        }
        own.restore(&right);
        open().unwrap();
        own.restore(&store);
        assert_eq!(open().unwrap_err().code(), "rolled-back");
        // Whoever goes on from there says so, and the log is anchored as it is.
        Vault::accept_restore(Arc::clone(&own), HostDir::open(own_host.path()).unwrap()).unwrap();
        open().unwrap();
    }
}

#[test]
fn an_anchor_without_a_log_still_opens() {
    let world = World::new();
    let before = fs::read(world.host.path().join("anchor")).unwrap();
    assert_eq!(anchor(&world).log, None);
    grow(&world, &world.vault, 60);
    world.vault.checkpoint().unwrap();
    assert!(anchor(&world).log.is_some());
    fs::write(world.host.path().join("anchor"), before).unwrap();
    open(&world, Arc::clone(&world.store), world.host.path(), 3).unwrap();
}

/// Before which commit it stops, whom it tells, and who tells it to go on.
type Pause = (u32, Sender<()>, Receiver<()>);

/// A store that stops before one commit until it is told to go on.
struct Pausing {
    inner: Arc<MemoryStore>,
    pause: Mutex<Option<Pause>>,
}

impl Pausing {
    /// Before the commit that so many come before: when it is there, and how to let it go on.
    fn before(&self, commits: u32) -> (Receiver<()>, Sender<()>) {
        let ((is_there, there), (go, goes)) = (mpsc::channel(), mpsc::channel());
        *self.pause.lock().unwrap() = Some((commits, is_there, goes));
        (there, go)
    }
}

impl Store for Pausing {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan(range, limit)
    }

    #[expect(clippy::disallowed_methods, reason = "hands the caller's own commit on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let pause = {
            let mut pause = self.pause.lock().unwrap();
            match pause.take() {
                Some((0, is_there, goes)) => Some((is_there, goes)),
                Some((more, is_there, goes)) => {
                    *pause = Some((more - 1, is_there, goes));
                    None
                }
                None => None,
            }
        };
        if let Some((is_there, goes)) = pause {
            is_there.send(()).unwrap();
            // A test that failed meanwhile has let go.
            let _gone_on = goes.recv();
        }
        self.inner.commit(batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.inner.generation()
    }
}

#[test]
fn of_two_checkpointers_one_works_and_an_overtaken_one_writes_nothing() {
    // The commits: the lease; the epoch; who changed; the lease given back.
    for (paused, is_held, is_overtaken) in
        [(0, false, true), (1, true, true), (2, true, false), (3, true, false)]
    {
        let world = World::new();
        let pausing = Arc::new(Pausing { inner: Arc::clone(&world.store), pause: Mutex::new(None) });
        let slow = open(&world, Arc::clone(&pausing), world.host.path(), 3).unwrap();
        grow(&world, &world.vault, 60);
        let first = head(&world, &world.vault.checkpoint().unwrap());
        grow(&world, &world.vault, 61);
        let (there, go) = pausing.before(paused);
        let (of_slow, of_other) = std::thread::scope(|threads| {
            // Let go if this fails.
            let go = go;
            let of_slow = threads.spawn(|| slow.checkpoint());
            there.recv().unwrap();
            // Writers do not wait for a checkpoint that is being made.
            grow(&world, &world.vault, 62);
            if is_held {
                assert!(matches!(world.vault.checkpoint(), Err(VaultError::Leased)), "paused at {paused}");
                world.vault.checkpoint_if_due().unwrap();
            }
            world.clock.advance(Duration::from_secs(30));
            let of_other = world.vault.checkpoint().unwrap();
            go.send(()).unwrap();
            (of_slow.join().unwrap(), of_other)
        });
        assert_eq!(matches!(of_slow, Err(VaultError::Leased)), is_overtaken, "paused at {paused}");
        assert_eq!(of_slow.is_ok(), !is_overtaken, "paused at {paused}");
        // One history, in which each checkpoint that was shown is contained.
        grow(&world, &world.vault, 63);
        let last = head(&world, &slow.checkpoint().unwrap());
        let mut shown = vec![first, head(&world, &of_other)];
        shown.extend(of_slow.ok().map(|note| head(&world, &note)));
        for old in shown {
            let request = casevault::custodian::Request::Checkpoint(old.size);
            let casevault::custodian::Response::Checkpoint(note, growth) = world.send(&request) else {
                panic!("no checkpoint")
            };
            assert_eq!(head(&world, &note), last);
            verify_consistency(&old, &last, &growth).unwrap();
        }
        assert_eq!(audit::verify(export(&world).path(), None).unwrap().findings, []);
        drop(slow);
        open(&world, Arc::clone(&world.store), world.host.path(), 4).unwrap();
    }
}

#[test]
fn of_two_checkpointers_one_that_was_overtaken_writes_nothing_though_the_other_has_not_begun() {
    let world = World::new();
    let over = |seed| {
        let pausing = Arc::new(Pausing { inner: Arc::clone(&world.store), pause: Mutex::new(None) });
        (Arc::clone(&pausing), open(&world, pausing, world.host.path(), seed).unwrap())
    };
    let ((slow_store, slow), (other_store, other)) = (over(3), over(4));
    grow(&world, &world.vault, 60);
    world.vault.checkpoint().unwrap();
    grow(&world, &world.vault, 61);
    // Both have the lease, one after the other, and nothing of the log is written: only the lease tells them apart.
    let (slow_there, slow_go) = slow_store.before(1);
    let (other_there, other_go) = other_store.before(1);
    let (of_slow, of_other) = std::thread::scope(|threads| {
        // Let go if this fails.
        let (slow_go, other_go) = (slow_go, other_go);
        let of_slow = threads.spawn(|| slow.checkpoint());
        slow_there.recv().unwrap();
        world.clock.advance(Duration::from_secs(30));
        let of_other = threads.spawn(|| other.checkpoint());
        other_there.recv().unwrap();
        slow_go.send(()).unwrap();
        let of_slow = of_slow.join().unwrap();
        other_go.send(()).unwrap();
        (of_slow, of_other.join().unwrap())
    });
    assert!(matches!(of_slow, Err(VaultError::Leased)), "{of_slow:?}");
    assert_eq!(head(&world, &of_other.unwrap()).size, 2);
    assert_eq!(audit::verify(export(&world).path(), None).unwrap().findings, []);
}

#[test]
fn a_lease_is_taken_over_from_who_stopped_and_from_a_clock_that_went_wrong() {
    for (jump, expected) in [(0, false), (29, false), (30, true)] {
        let world = World::new();
        let failing = Arc::new(FaultStore::new(Arc::clone(&world.store)));
        let dead = open(&world, Arc::clone(&failing), world.host.path(), 3).unwrap();
        grow(&world, &world.vault, 60);
        failing.arm(Fault::StopBefore, Operations::Commits, 1);
        assert!(dead.checkpoint().is_err());
        drop(dead);
        world.clock.advance(Duration::from_secs(jump));
        assert_eq!(world.vault.checkpoint().is_ok(), expected, "after {jump} s");
        // A year back: no lease lasts so long.
        world.clock.set(casevault::time::Timestamp::at_ms(1_760_000_000_000));
        world.vault.checkpoint().unwrap();
    }
    // The same process does not wait for itself.
    let world = World::new();
    let failing = Arc::new(FaultStore::new(Arc::clone(&world.store)));
    let same = open(&world, Arc::clone(&failing), world.host.path(), 3).unwrap();
    grow(&world, &same, 60);
    failing.arm(Fault::Error, Operations::Commits, 1);
    assert!(same.checkpoint().is_err());
    same.checkpoint().unwrap();
}

#[test]
fn a_checkpointer_works_when_it_is_time_and_goes_on_after_a_failure() {
    let world = World::new();
    let failing = Arc::new(FaultStore::new(Arc::clone(&world.store)));
    let vault = open(&world, Arc::clone(&failing), world.host.path(), 3).unwrap();
    let office = world.office();
    let size = || office.checkpoint().unwrap().map_or(0, |newest| newest.head.size);
    let (mut looks, mut seen) = (0u8, Vec::new());
    vault.checkpointing(|span| {
        looks += 1;
        seen.push((size(), span.as_secs()));
        match looks {
            // Something to put down; not yet a minute, then one.
            1 => grow(&world, &vault, 60),
            2 => world.clock.advance(Duration::from_millis(59_999)),
            3 => world.clock.advance(Duration::from_millis(1)),
            4 => {
                // The next one fails.
                grow(&world, &vault, 61);
                world.clock.advance(Duration::from_secs(60));
                failing.arm(Fault::Error, Operations::Commits, 0);
            }
            5 => world.clock.advance(span),
            // A minute in which nothing grows.
            6 => world.clock.advance(Duration::from_secs(60)),
            _ => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    });
    assert_eq!(seen, [(1, 1), (1, 1), (1, 1), (2, 1), (2, 60), (3, 1), (3, 1)]);
}

#[test]
fn a_crash_anywhere_in_a_checkpoint_leaves_a_log_that_goes_on() {
    let mut points = 0;
    for fault in Fault::ALL {
        for nth in 0.. {
            let world = World::new();
            let failing = Arc::new(FaultStore::new(Arc::clone(&world.store)));
            let vault = open(&world, Arc::clone(&failing), world.host.path(), 3).unwrap();
            grow(&world, &vault, 60);
            let first = head(&world, &vault.checkpoint().unwrap());
            grow(&world, &vault, 61);
            failing.arm(fault, Operations::Commits, nth);
            let made = vault.checkpoint();
            let has_failed = failing.has_failed();
            drop(vault);
            failing.disarm();
            world.clock.advance(Duration::from_secs(30));
            let again = open(&world, Arc::clone(&failing), world.host.path(), 4).unwrap();
            let last = head(&world, &again.checkpoint().unwrap());
            for old in [Some(first), made.ok().map(|note| head(&world, &note))].into_iter().flatten() {
                let request = casevault::custodian::Request::Checkpoint(old.size);
                let casevault::custodian::Response::Checkpoint(_, growth) = world.send(&request) else {
                    panic!("no checkpoint")
                };
                verify_consistency(&old, &last, &growth).unwrap();
            }
            // Nobody was left out: the vault's stream, and the two that grew.
            let report = audit::verify(export(&world).path(), None).unwrap();
            assert_eq!((report.findings, report.streams), (vec![], 3), "{fault:?} {nth}");
            points += 1;
            if !has_failed {
                break;
            }
        }
    }
    assert!(points >= 25, "{points}");
}
