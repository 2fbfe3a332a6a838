//! An epoch of the log as the number of owners grows: so many changed heads put down, and a checkpoint signed.
//!
//! `cargo bench --bench epoch -- 100000 1000000 --changed 10000`. A million enrolments would take hours, so the owners' heads
//! and the word that they have changed are put into the store as the vault itself would: it is made from a seed, and with what
//! that gives its rows are sealed here. All else, the map, its buckets, the log and the checkpoints, the vault writes itself,
//! on the default engine; what is measured is `Vault::checkpoint`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use casevault::{
    access::Policy,
    codec::{self, Magic},
    crypto::{
        Label, Random, Secret,
        aead::OneUseKey,
        kdf::{MacKey, Root, derive},
    },
    event::Principal,
    id::{Digest, OpId, PartyId, VaultId},
    log::{HeadLeaf, OwnerHead, bucket_of, bucket_root, depth_for, map_root},
    merkle::{Frontier, leaf_hash},
    party::{Keyring, Role},
    store::{Batch, Entry, Key, KeyRange, Place, SledOptions, SledStore, Store, StoreError},
    time::{SystemClock, Timestamp},
    vault::{HostDir, Vault},
};
use minicbor::Encode;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often an epoch is measured; once more before that, which is thrown away.
const ROUNDS: u64 = 9;
/// Events of an owner before anything is measured.
const EVENTS: u64 = 40;
/// Rows of a batch that fills the store.
const ROWS_A_BATCH: usize = 4000;
/// Calls after which the engine has nothing left to throw away of some ten thousands of writes.
const CALLS_TO_SETTLE: u64 = 100_000;
const SEED: [u8; 32] = [0xe9; 32];

const HEAD: (u8, Magic) = (1, Magic(*b"CVhd", 1));
const CHANGED: (u8, Magic) = (12, Magic(*b"CVch", 2));
/// Where what is put beside it lies.
const RAW: Place = Place::from_bytes([0xb5; 16]);

const HELP: &str = "\
epoch: a checkpoint over many changed heads, as the number of owners grows

  NUMBER…            how many owners (without it: 10000 100000)
  --changed NUMBER   how many of them have changed (without it: 10000, or all)
  --cache MIB        the engine's cache (without it: 512 bytes an owner, at least its own 64)
  --go-on            measure the vault into which the owners came, without opening it again";

fn main() -> Outcome<()> {
    let (mut sizes, mut changed, mut cache) = (Vec::new(), 10_000, None);
    let mut goes_on = false;
    let mut words = std::env::args().skip(1);
    let number = |word: &str| word.parse().map_err(|_unsaid| format!("not a number: {word}\n\n{HELP}"));
    while let Some(word) = words.next() {
        match word.as_str() {
            // What cargo says to every benchmark.
            "--bench" => (),
            "--changed" => changed = number(&words.next().ok_or("--changed needs a number")?)?,
            "--cache" => {
                let mib = number(&words.next().ok_or("--cache needs a number")?)?;
                cache = Some(mib * 1024 * 1024);
            }
            "--go-on" => goes_on = true,
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            size => sizes.push(number(size)?),
        }
    }
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000];
    }
    println!(
        "| owners | changed | buckets, changed of all | epoch, ms | least, most | rows written | MiB | the same rows, raw, ms | \
         ratio | the map alone, ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for size in sizes {
        // What docs/performance.md advises.
        let cache = cache.unwrap_or_else(|| (size * 512).max(64 * 1024 * 1024));
        measure((&SledStore::options().cache_bytes(cache), goes_on), size, changed.min(size))?;
    }
    Ok(())
}

fn measure((options, goes_on): (&SledOptions, bool), owners: u64, changed: u64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let mut sled = Arc::new(options.clone().open(directory.path().join("store"))?);
    let mut store = Arc::new(Watched { inner: Arc::clone(&sled), seen: Mutex::default() });
    let policy = Policy::trusting([&registrar().card(Role::Registrar)]);
    let host = HostDir::open(directory.path().join("host"))?;
    let mut vault = Vault::create_with(Arc::clone(&store), host, policy, SystemClock, Random::seeded(SEED))?;
    let mut rows = Rows::of(&vault)?;
    fill(&vault, (&*sled, &mut rows), owners)?;
    if !goes_on {
        // The memory of who took up a million owners at once is in pieces.
        vault.close()?;
        drop((store, sled));
        sled = Arc::new(options.clone().open(directory.path().join("store"))?);
        store = Arc::new(Watched { inner: Arc::clone(&sled), seen: Mutex::default() });
        vault = Vault::open(Arc::clone(&store), HostDir::open(directory.path().join("host"))?)?;
    }

    let mut random = Random::system()?;
    let (mut epochs, mut raws, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    let mut note = vault.checkpoint()?;
    for round in 0..=ROUNDS {
        let drawn = draw(changed, owners, &mut random);
        rows.put(&*sled, drawn.iter().copied(), EVENTS + 1 + round)?;
        // What is written is looked at in the round that does not count.
        store.watch(round == 0);
        settle(&*sled)?;
        let (time, next) = timed(|| Ok(vault.checkpoint()?))?;
        if next == note {
            return Err("nothing had changed".into());
        }
        note = next;
        if round == 0 {
            batches = store.seen();
        }
        let raw = raw(&*sled, &batches, &mut random)?;
        eprintln!("epoch {time:.0} ms, raw {raw:.0} ms");
        if round > 0 {
            epochs.push(time);
            raws.push(raw);
        }
    }
    vault.close()?;
    let written = batches.iter().flatten().copied();
    let (count, bytes) = written.fold((0, 0), |(count, bytes), row| (count + 1, bytes + row.unwrap_or(0)));
    let (buckets, alone) = map_alone(vault_id()?, owners, changed, &mut random)?;
    let (least, most) =
        (epochs.iter().copied().fold(f64::INFINITY, f64::min), epochs.iter().copied().fold(0.0, f64::max));
    let (epoch, raw) = (median(epochs), median(raws));
    println!(
        "| {owners} | {changed} | {buckets} of {} | {epoch:.0} | {least:.0}, {most:.0} | {count} | {:.1} | {raw:.0} | {:.2} | \
         {alone:.0} |",
        1u32 << depth_for(owners),
        bytes as f64 / f64::from(1 << 20),
        epoch / raw
    );
    Ok(())
}

/// Owners, and the epochs in which they came: as many each time as there were before.
fn fill(vault: &Vault, (store, rows): (&impl Store, &mut Rows), owners: u64) -> Outcome<()> {
    let begun = Instant::now();
    let mut known = 0;
    while known < owners {
        let next = owners.min((2 * known).max(32));
        rows.put(store, known..next, EVENTS)?;
        vault.checkpoint()?;
        known = next;
        eprintln!("{known} of {owners} owners, {:.0} s", begun.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Lets the engine throw away what the writes before this left in memory, which it does a little of at each call: else that is
/// in the time of who comes next.
fn settle(store: &impl Store) -> Outcome<()> {
    for number in 0..CALLS_TO_SETTLE {
        store.get(&Key::new(RAW, 2, &digest16(number))?)?;
    }
    Ok(())
}

/// So many different owners.
fn draw(count: u64, of: u64, random: &mut Random) -> Vec<u64> {
    let mut drawn = std::collections::BTreeSet::new();
    while (drawn.len() as u64) < count {
        drawn.insert(u64::from_be_bytes(random.bytes()) % of);
    }
    drawn.into_iter().collect()
}

/// An owner's head, as it lies in the store.
#[derive(Encode)]
#[cbor(map)]
struct HeadRow {
    #[n(0)]
    frontier: Frontier,
    #[n(2)]
    open_cases: u32,
    #[n(3)]
    received: Timestamp,
}

/// Word of an owner whose head has changed.
#[derive(Encode)]
#[cbor(map)]
struct ChangedRow {
    #[n(0)]
    head: OwnerHead,
}

/// The keys of the vault's rows, derived as it derives them.
struct Rows {
    place: MacKey,
    row: MacKey,
    head: Root,
    changed: Root,
    random: Random,
}

/// The vault's id is the first that it draws.
fn vault_id() -> Outcome<VaultId> {
    Ok(VaultId::from_bytes(Random::seeded(SEED).bytes()))
}

impl Rows {
    fn of(vault: &Vault) -> Outcome<Self> {
        let mut drawn = Random::seeded(SEED);
        if VaultId::from_bytes(drawn.bytes()) != vault.trust().vault {
            return Err("the vault draws otherwise: its rows cannot be written here".into());
        }
        let secrets: [u8; 64] = drawn.bytes();
        let storage = secrets.first_chunk::<32>().ok_or("no storage key")?;
        let table = |code: u8| Root::extract(derive(storage, &[], Label::Table, &[&[code]]).expose(), &[]);
        Ok(Self {
            place: MacKey::new(&derive(storage, &[], Label::Place, &[])),
            row: MacKey::new(&derive(storage, &[], Label::RowId, &[])),
            head: table(HEAD.0),
            changed: table(CHANGED.0),
            random: Random::system()?,
        })
    }

    /// The heads of owners with so many events, and word of each.
    fn put(
        &mut self,
        store: &impl Store,
        owners: impl Iterator<Item = u64>,
        events: u64,
    ) -> Result<(), StoreError> {
        let owners: Vec<u64> = owners.collect();
        for some in owners.chunks(ROWS_A_BATCH / 2) {
            let mut batch = Batch::across(OpId::from_bytes(self.random.bytes()));
            for number in some {
                let id = owner(*number);
                let owner = Principal::Party(PartyId::from_bytes(id));
                let mut frontier = Frontier::new();
                (0..events)
                    .for_each(|seq| frontier.append(leaf_hash(&[&id[..], &seq.to_be_bytes()].concat())));
                let place = first16(&self.place.mac(Label::Place, &[&codec::encode(&owner)]));
                let changed = ChangedRow { head: OwnerHead { owner, head: frontier.head() } };
                let row = HeadRow { frontier, open_cases: 0, received: Timestamp::at_ms(0) };
                let key = Key::new(Place::from_bytes(place), HEAD.0, &[])?;
                let sealed = seal((&self.head, HEAD.1), &key, &row, &mut self.random);
                batch.put(key, sealed);
                let nibble = place.first().map_or(0, |byte| byte >> 4);
                let shared = self.place.mac(Label::Place, &[b"shared", &[CHANGED.0, nibble]]);
                let blinded = self.row.mac(Label::RowId, &[&[CHANGED.0], &id]);
                let key = Key::new(Place::from_bytes(first16(&shared)), CHANGED.0, &first16(&blinded))?;
                let sealed = seal((&self.changed, CHANGED.1), &key, &changed, &mut self.random);
                batch.put(key, sealed);
            }
            commit(store, batch)?;
        }
        Ok(())
    }
}

fn seal<T: Encode<()>>((table, magic): (&Root, Magic), key: &Key, row: &T, random: &mut Random) -> Vec<u8> {
    let fresh: [u8; 32] = random.bytes();
    let body = OneUseKey::new(table.derive(Label::RowKey, &[&fresh]))
        .seal(key.as_bytes(), &codec::frame(magic, row));
    [fresh.as_slice(), &body].concat()
}

#[expect(clippy::disallowed_methods, reason = "rows as the vault would write them, and rows beside it")]
fn commit(store: &impl Store, batch: Batch) -> Result<(), StoreError> {
    store.commit(batch)
}

fn owner(number: u64) -> [u8; 32] {
    *leaf_hash(&number.to_be_bytes()).as_bytes()
}

fn first16(digest: &Digest) -> [u8; 16] {
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A batch: of each row how long it is, or that it is taken away.
type Written = Vec<Option<usize>>;

/// A store that notes what is written, while it is told to.
struct Watched<S> {
    inner: S,
    seen: Mutex<Option<Vec<Written>>>,
}

impl<S> Watched<S> {
    fn watch(&self, is_on: bool) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = is_on.then(Vec::new);
    }

    fn seen(&self) -> Vec<Written> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

impl<S: Store> Store for Watched<S> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan(range, limit)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        if let Some(seen) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let rows = batch.clone().checked()?;
            seen.push(rows.writes().map(|(_, value)| value.map(<[u8]>::len)).collect());
        }
        commit(&self.inner, batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.inner.generation()
    }
}

/// The same rows in the same batches, with random values; those to be taken away are put there before.
fn raw(store: &impl Store, batches: &[Written], random: &mut Random) -> Outcome<f64> {
    let (mut made, mut before) = (Vec::new(), Vec::new());
    let mut number = 0u64;
    for batch in batches {
        let mut rows = Batch::new(OpId::from_bytes(random.bytes()));
        let mut there = Batch::new(OpId::from_bytes(random.bytes()));
        for row in batch {
            number += 1;
            let key = Key::new(RAW, 1, &digest16(number))?;
            match row {
                Some(length) => {
                    rows.put(key, bytes(*length, random));
                }
                None => {
                    there.put(key.clone(), bytes(128, random));
                    rows.delete(key);
                }
            }
        }
        made.push(rows);
        before.push(there);
    }
    for batch in before {
        commit(store, batch)?;
    }
    settle(store)?;
    let write = || -> Outcome<()> { Ok(made.into_iter().try_for_each(|batch| commit(store, batch))?) };
    Ok(timed(write)?.0)
}

fn digest16(number: u64) -> [u8; 16] {
    first16(&leaf_hash(&number.to_be_bytes()))
}

fn bytes(length: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    while bytes.len() < length {
        bytes.extend_from_slice(&random.bytes::<32>());
    }
    bytes.truncate(length);
    bytes
}

/// The map's own part on one core, without a store: the leaves and roots of the buckets that change, and the root over all.
fn map_alone(vault: VaultId, owners: u64, changed: u64, random: &mut Random) -> Outcome<(usize, f64)> {
    let depth = depth_for(owners);
    let mut buckets: Vec<Vec<OwnerHead>> = vec![Vec::new(); 1 << depth];
    for number in 0..owners {
        let owner = Principal::Party(PartyId::from_bytes(owner(number)));
        let head = OwnerHead { owner, head: Frontier::new().head() };
        let bucket = usize::try_from(bucket_of(&OwnerHead::key(vault, owner), depth))?;
        buckets.get_mut(bucket).ok_or("no such bucket")?.push(head);
    }
    let mut roots = vec![bucket_root(&[]); buckets.len()];
    let drawn = draw(changed, owners, random).into_iter().map(|number| {
        let owner = Principal::Party(PartyId::from_bytes(owner(number)));
        bucket_of(&OwnerHead::key(vault, owner), depth)
    });
    let drawn: std::collections::BTreeSet<u32> = drawn.collect();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let work = || -> Outcome<Digest> {
            for (root, heads) in roots.iter_mut().zip(&buckets).enumerate().filter_map(|(number, bucket)| {
                u32::try_from(number).is_ok_and(|number| drawn.contains(&number)).then_some(bucket)
            }) {
                let leaves: Vec<HeadLeaf> = heads.iter().map(|head| head.leaf(vault)).collect();
                *root = bucket_root(&leaves);
            }
            Ok(map_root(&roots))
        };
        times.push(timed(work)?.0);
    }
    Ok((drawn.len(), median(times)))
}

fn registrar() -> Keyring {
    Keyring::from_seed(Secret::from_bytes([0x5d; 32]))
}

/// How long something took, in milliseconds.
fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((begun.elapsed().as_secs_f64() * 1e3, result))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
