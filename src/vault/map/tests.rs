//! The heads map, against all heads put together from nothing; and what may happen to it on the way.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::{
    access::Policy,
    custodian::Answer,
    event::Principal,
    id::PartyId,
    log::{LogEpoch, SignedCheckpoint, map_root},
    merkle::{Frontier, leaf_hash},
    party::{Keyring, Role},
    store::{
        Batch, Entry, Key, KeyRange, MemoryStore, Store, StoreError,
        fault::{Fault as Broken, FaultStore, Operations},
    },
    vault::{
        HostDir, META_PLACE,
        checkpoint::Changed,
        rows::{ChangedBeforeRow, HeadRow},
        tables::key,
    },
};

/// What is done once, after so many reads more.
type Due = Option<(u32, Box<dyn FnOnce() + Send>)>;

/// A store that does something else before one of its reads.
#[derive(Default)]
struct Meddled {
    inner: MemoryStore,
    next: Mutex<Due>,
}

impl Meddled {
    fn meddle(&self) {
        let mut next = self.next.lock().unwrap();
        match next.take() {
            Some((0, act)) => {
                drop(next);
                act();
            }
            Some((left, act)) => *next = Some((left - 1, act)),
            None => (),
        }
    }
}

impl Store for Meddled {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.meddle();
        self.inner.get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.meddle();
        self.inner.scan(range, limit)
    }

    #[expect(clippy::disallowed_methods, reason = "what was committed is passed on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.commit(batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.inner.generation()
    }
}

type Engine = Arc<FaultStore<Arc<Meddled>>>;

/// A vault, where it lies, and the streams that grew in it.
struct World {
    vault: Vault,
    heads: BTreeMap<Principal, OwnerHead>,
    memory: Arc<Meddled>,
    engine: Engine,
    host: tempfile::TempDir,
}

fn owner(number: u32) -> Principal {
    Principal::Party(PartyId::from_bytes(*leaf_hash(&number.to_be_bytes()).as_bytes()))
}

fn tiny(buckets: usize, tiles: usize) -> ABatch {
    ABatch { buckets, tiles }
}

impl World {
    fn new(a_batch: ABatch) -> Self {
        let host = tempfile::tempdir().unwrap();
        let policy = Policy::trusting([&Keyring::generate().unwrap().card(Role::Registrar)]);
        let memory = Arc::new(Meddled::default());
        let engine = Arc::new(FaultStore::new(Arc::clone(&memory)));
        let place = HostDir::open(host.path()).unwrap();
        let mut vault = Vault::create(Arc::clone(&engine), place, policy).unwrap();
        vault.a_batch = a_batch;
        let own = Principal::Vault(vault.id);
        let head = vault.head_of(own).unwrap();
        Self { vault, heads: [(own, head)].into(), memory, engine, host }
    }

    /// The same vault, opened once more beside it.
    fn beside(&self) -> Vault {
        let host = HostDir::open(self.host.path()).unwrap();
        let mut vault = Vault::open(Arc::clone(&self.memory), host).unwrap();
        vault.a_batch = self.vault.a_batch;
        vault
    }

    /// A stream grows by an event, as far as the map is concerned.
    fn grow(&mut self, number: u32) {
        let owner = owner(number);
        let mut frontier = Frontier::new();
        let size = self.heads.get(&owner).map_or(0, |head| head.head.size);
        (0..=size).for_each(|seq| frontier.append(leaf_hash(&seq.to_be_bytes())));
        self.heads.insert(owner, OwnerHead { owner, head: frontier.head() });
        let row = HeadRow { frontier, ..HeadRow::default() };
        let mut desk = Desk::beside(&self.vault.shelves, owner, self.vault.fork_random());
        desk.put(Table::Head, &[], &row).unwrap();
        self.vault.note_changed(&mut desk, &row).unwrap();
        self.vault.commit_log(desk).unwrap();
    }

    fn epoch(&self) -> LogEpoch {
        let log = self.vault.log().unwrap();
        self.vault.log_epoch(log.frontier.size() - 1).unwrap().unwrap()
    }

    /// All buckets of a map of this depth, from nothing.
    fn buckets(&self, depth: u8) -> Vec<Vec<HeadLeaf>> {
        let mut buckets = vec![Vec::new(); 1 << depth];
        for head in self.heads.values() {
            let leaf = head.leaf(self.vault.id);
            buckets[bucket_of(&leaf.key, depth) as usize].push(leaf);
        }
        buckets.iter_mut().for_each(|bucket| bucket.sort());
        buckets
    }

    /// A checkpoint has the map that all heads make, and proves who stands in it and who does not.
    fn check(&self) {
        self.vault.checkpoint().unwrap();
        self.is_whole();
    }

    fn is_whole(&self) {
        let (log, epoch) = (self.vault.log().unwrap(), self.epoch());
        assert_eq!((log.depth, log.is_between), (epoch.depth, false));
        assert_eq!(epoch.depth, depth_for(epoch.owners));
        assert_eq!(epoch.owners, self.heads.len() as u64);
        assert_eq!(epoch.events, self.heads.values().map(|head| head.head.size).sum::<u64>());
        let roots: Vec<Digest> = self.buckets(epoch.depth).iter().map(|bucket| bucket_root(bucket)).collect();
        assert_eq!(epoch.map, map_root(&roots));
        let hashes: Vec<Digest> = roots.iter().map(bucket_hash).collect();
        assert_eq!(self.vault.bucket_hashes(epoch.depth).unwrap(), hashes);
        let known = self.heads.keys().copied().step_by(self.heads.len() / 7 + 1);
        for owner in known.chain([owner(u32::MAX)]) {
            let Answer::InLog(proof, _) = self.vault.in_log(owner).unwrap() else { panic!("no proof") };
            let head = proof.verify((self.vault.id, owner), &log.frontier.head()).unwrap();
            assert_eq!(head, self.heads.get(&owner).map(|head| head.head));
        }
        self.vault.snapshot().unwrap();
    }

    /// The rows of a table, in all places.
    fn rows(&self, table: Table) -> Vec<Entry> {
        let rows = self.memory.inner.export();
        rows.into_iter().filter(|row| row.key.table() == table.code()).collect()
    }
}

fn batches() -> impl Strategy<Value = ABatch> {
    prop_oneof![Just(A_BATCH), (1usize..60, 1usize..3).prop_map(|(buckets, tiles)| tiny(buckets, tiles))]
}

proptest! {
    // Each makes a vault and some thousand streams.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_epoch_has_the_map_that_all_heads_make(
        steps in prop::collection::vec((0u32..1500, prop::collection::vec(any::<u32>(), 0..40)), 1..5),
        a_batch in batches(),
    ) {
        let mut world = World::new(a_batch);
        let mut count = 0;
        for (more, again) in steps {
            for number in count..count + more {
                world.grow(number);
            }
            count += more;
            for number in again.into_iter().filter(|_| count > 0) {
                world.grow(number % count);
            }
            world.check();
        }
    }

    #[test]
    fn a_map_that_was_left_half_written_is_taken_up(
        before in 0u32..3000,
        grown in prop::collection::vec(0u32..6000, 1..400),
        (buckets, tiles) in (1usize..60, 1usize..3),
        broken in prop::sample::select(&Broken::ALL[..]),
        breaks_at in 1u64..40,
        by_another in any::<bool>(),
        after in 0u32..5,
    ) {
        let mut world = World::new(tiny(buckets, tiles));
        (0..before).for_each(|number| world.grow(number));
        world.check();
        grown.into_iter().for_each(|number| world.grow(number));
        // One of the batches does not come to be, nor any after it.
        world.engine.arm(broken, Operations::Commits, breaks_at);
        drop(world.vault.checkpoint());
        world.engine.disarm();
        (0..after).for_each(|number| world.grow(number));
        if by_another {
            // The lease of who broke off lasts until it is given back, or is over.
            for row in world.rows(Table::Lease) {
                world.memory.inner.overwrite(&row.key, None);
            }
            world.beside().checkpoint().unwrap();
            world.is_whole();
        } else {
            world.check();
        }
    }
}

#[test]
fn many_owners_who_come_at_once_into_few_buckets_find_room() {
    let mut world = World::new(tiny(3, 1));
    (0..30).for_each(|number| world.grow(number));
    world.check();
    (30..6000).for_each(|number| world.grow(number));
    world.check();
    assert!(world.epoch().depth > 8);
}

#[test]
fn an_old_word_takes_no_head_back() {
    let mut world = World::new(A_BATCH);
    (0..100).for_each(|number| world.grow(number));
    let words = world.rows(Table::Changed);
    world.check();
    (0..100).for_each(|number| world.grow(number));
    world.check();
    // The first words once more; and beside the newest head another of the same size.
    words.iter().for_each(|row| world.memory.inner.overwrite(&row.key, Some(row.value.clone())));
    world.check();
    let forked = Frontier::clone(&{
        let mut frontier = Frontier::new();
        frontier.append(leaf_hash(b"other"));
        frontier.append(leaf_hash(b"words"));
        frontier
    });
    let mut desk = Desk::beside(&world.vault.shelves, owner(7), world.vault.fork_random());
    let row = HeadRow { frontier: forked, ..HeadRow::default() };
    world.vault.note_changed(&mut desk, &row).unwrap();
    world.vault.commit_log(desk).unwrap();
    world.check();
    world.grow(7);
    world.check();
}

#[test]
fn a_damaged_tile_is_told_and_a_map_left_half_written_is_made_anew() {
    let mut world = World::new(tiny(4, 1));
    (0..3000).for_each(|number| world.grow(number));
    world.check();
    let tile = world.rows(Table::MapTile).remove(0);
    world.memory.inner.overwrite(&tile.key, Some(b"nothing that the vault wrote".to_vec()));
    (0..3000).step_by(17).for_each(|number| world.grow(number));
    assert_eq!(world.vault.checkpoint().unwrap_err().code(), "damaged");
    world.check();
}

#[test]
fn a_read_that_fails_is_no_damage() {
    let mut world = World::new(tiny(4, 1));
    (0..3000).for_each(|number| world.grow(number));
    world.check();
    let mut tried = 0;
    for nth in 1.. {
        (0..3000).step_by(97).for_each(|number| world.grow(number));
        world.engine.arm(Broken::Error, Operations::Reads, nth);
        let made = world.vault.checkpoint();
        let proven = world.vault.in_log(owner(1));
        let has_failed = world.engine.has_failed();
        world.engine.disarm();
        if let Err(error) = &made {
            assert!(error.code().starts_with("store"), "{error}");
        }
        assert!(!matches!(proven, Err(Fault::Damaged)), "{nth}");
        world.check();
        if made.is_ok() && !has_failed {
            break;
        }
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn a_vault_whose_log_cannot_be_read_is_not_said_to_have_another_history() {
    let mut world = World::new(A_BATCH);
    let mut anchor = Vec::new();
    for number in 0..5 {
        world.grow(number);
        world.check();
        if number == 2 {
            anchor = std::fs::read(world.host.path().join("anchor")).unwrap();
        }
    }
    for nth in 0.. {
        // The log has grown since it was anchored: that it did is read out of its tiles.
        std::fs::write(world.host.path().join("anchor"), &anchor).unwrap();
        world.engine.arm(Broken::Error, Operations::Reads, nth);
        let opened = Vault::open(Arc::clone(&world.engine), HostDir::open(world.host.path()).unwrap());
        let has_failed = world.engine.has_failed();
        world.engine.disarm();
        match opened {
            Ok(_) if !has_failed => break,
            Ok(_) => (),
            Err(error) => assert!(error.code().starts_with("store"), "{nth}: {error}"),
        }
    }
}

#[test]
fn what_another_process_writes_between_two_reads_is_never_shown_as_damage() {
    let (mut proven, mut later) = (0, 0);
    for nth in 0..30 {
        let mut world = World::new(A_BATCH);
        (0..600).for_each(|number| world.grow(number));
        world.check();
        (0..600).step_by(7).for_each(|number| world.grow(number));
        let other = world.beside();
        *world.memory.next.lock().unwrap() = Some((
            nth,
            Box::new(move || {
                other.checkpoint().unwrap();
            }),
        ));
        let is_shown = if nth % 2 == 0 {
            match world.vault.in_log(owner(7)) {
                Ok(Answer::InLog(proof, note)) => {
                    let log = SignedCheckpoint::parse(note.as_bytes()).unwrap().claims().head;
                    proof.verify((world.vault.id, owner(7)), &log).unwrap();
                    true
                }
                Ok(_) | Err(Fault::Conflict) => false,
                Err(fault) => panic!("{nth}: {fault:?}"),
            }
        } else {
            match world.vault.snapshot() {
                Ok(snapshot) => {
                    let epoch = world.vault.log_epoch(snapshot.log.size - 1).unwrap().unwrap();
                    assert_eq!(merkle::root(&snapshot.hashes).root, epoch.map);
                    true
                }
                Err(Fault::Leased) => false,
                Err(fault) => panic!("{nth}: {fault:?}"),
            }
        };
        *(if is_shown { &mut proven } else { &mut later }) += 1;
        // Who was not called upon is given up without the lock, which it takes to anchor.
        let left = world.memory.next.lock().unwrap().take();
        drop(left);
    }
    assert!(proven > 0 && later > 0, "{proven} {later}");
}

#[test]
fn a_vault_of_the_version_before_goes_on() {
    let mut world = World::new(A_BATCH);
    (0..900).for_each(|number| world.grow(number));
    world.check();
    (0..900).step_by(5).for_each(|number| world.grow(number));
    // As it lay there: no tiles, words with owners alone, its own version.
    for tile in world.rows(Table::MapTile) {
        world.memory.inner.overwrite(&tile.key, None);
    }
    let words: Vec<Changed> = world.vault.changed().unwrap();
    for (word, row) in words.iter().zip(world.rows(Table::Changed)) {
        let owner = word.head.owner;
        let row = (row.key, ChangedBeforeRow { owner });
        let sealed =
            world.vault.shelves.keys.seal(Table::Changed, &row.0, &row.1, &mut world.vault.fork_random());
        world.memory.inner.overwrite(&row.0, Some(sealed));
    }
    let meta = key(META_PLACE, Table::Meta, &[]).unwrap();
    let mut own = world.memory.inner.get(&meta).unwrap().unwrap();
    own[4] = 1;
    world.memory.inner.overwrite(&meta, Some(own));
    let opened = world.beside();
    assert_eq!(world.memory.inner.get(&meta).unwrap().unwrap()[4], 2, "it is of this version now");
    // Before the next epoch it shows the last one.
    opened.snapshot().unwrap();
    let Answer::InLog(proof, _) = opened.in_log(owner(3)).unwrap() else { panic!("no proof") };
    assert!(proof.head.is_some());
    world.vault = opened;
    world.check();
}
