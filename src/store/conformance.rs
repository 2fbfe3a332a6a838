//! What every store must do, as rules with names.
//!
//! An engine of one's own passes [`check`] before it keeps a record:
//!
//! ```
//! use casevault::store::{MemoryStore, StoreError, conformance::{self, Engine}};
//!
//! struct Memory;
//!
//! impl Engine for Memory {
//!     type Store = MemoryStore;
//!
//!     fn fresh(&self) -> Result<MemoryStore, StoreError> {
//!         Ok(MemoryStore::new())
//!     }
//!
//!     fn reopen(&self, store: MemoryStore) -> Result<MemoryStore, StoreError> {
//!         Ok(store) // memory forgets when it is closed, so it is not
//!     }
//! }
//!
//! conformance::check(&Memory)?;
//! # Ok::<(), conformance::ConformanceFailure>(())
//! ```
#![expect(clippy::disallowed_methods, reason = "the rules of `Store::commit` are tried on `Store::commit`")]

use std::thread;

use super::{Batch, Entry, Expectation, Key, KeyRange, Place, Store, StoreError};
use crate::{
    id::OpId,
    limits::{ROW_BYTES_MAX, STORE_BATCH_BYTES_MAX, STORE_BATCH_ROWS_MAX, VALUE_BYTES_MAX},
};

/// How the suite comes by stores of the engine under test.
pub trait Engine {
    /// The store.
    type Store: Store;

    /// A new, empty store.
    ///
    /// # Errors
    /// What keeps the engine from making one.
    fn fresh(&self) -> Result<Self::Store, StoreError>;

    /// Closes a store and opens it again where it was.
    ///
    /// # Errors
    /// What keeps the engine from opening it.
    fn reopen(&self, store: Self::Store) -> Result<Self::Store, StoreError>;
}

/// A store is none.
#[derive(Debug, thiserror::Error)]
#[error("the store breaks the rule `{rule}`: correct the engine")]
pub struct ConformanceFailure {
    /// The rule.
    pub rule: &'static str,
    /// The error where there should have been none; none if an answer was wrong.
    pub source: Option<StoreError>,
}

/// Tries every rule on a store of its own.
///
/// # Errors
/// [`ConformanceFailure`] with the first rule that does not hold.
pub fn check<E: Engine>(engine: &E) -> Result<(), ConformanceFailure> {
    let rules: &[Rule<E>] = &[
        ("a new store has no rows and generation zero", new_store_is_empty),
        ("what is put is got, the last one of several", put_is_got),
        ("a deleted row is gone, and deleting nothing is no error", deleted_is_gone),
        ("rows are scanned in the order of their keys, within their table and place", scans_are_ordered),
        ("a page has at most its limit, and pages join without gap or repetition", pages_join),
        ("every byte string may be a row or a value", bytes_are_kept),
        ("`Expectation::Absent` holds for no row alone", absent_is_checked),
        ("`Expectation::Value` holds for exactly this value", value_is_checked),
        ("all expectations hold for the state before the batch, or nothing is written", batches_are_whole),
        ("a batch without writes checks and counts for nothing", empty_batch_counts_nothing),
        ("values, rows and batches keep their bounds", bounds_are_kept),
        ("a batch touches one place unless it says otherwise", places_are_kept_apart),
        ("compare-and-set loses no increment between threads", increments_are_kept),
        ("a reader sees a batch whole or not at all", readers_see_whole_batches),
        ("rows and generation survive closing, and the generation goes on", all_survives_closing),
    ];
    rules.iter().try_for_each(|(rule, holds)| match holds(engine) {
        Ok(true) => Ok(()),
        Ok(false) => Err(ConformanceFailure { rule, source: None }),
        Err(error) => Err(ConformanceFailure { rule, source: Some(error) }),
    })
}

/// Whether a rule holds, or the error that came between.
type Holds = Result<bool, StoreError>;

/// A rule's name, and what tries it.
type Rule<E> = (&'static str, fn(&E) -> Holds);

const THREADS: u8 = 4;
const ROUNDS: u8 = 25;

fn place(number: u8) -> Place {
    Place::from_bytes([number; Place::LEN])
}

fn key(row: &[u8]) -> Result<Key, StoreError> {
    Key::new(place(1), 1, row)
}

fn batch() -> Batch {
    Batch::new(OpId::from_bytes([1; OpId::LEN]))
}

fn put(store: &impl Store, key: &Key, value: &[u8]) -> Result<(), StoreError> {
    let mut batch = Batch::across(OpId::from_bytes([1; OpId::LEN]));
    batch.put(key.clone(), value.to_vec());
    store.commit(batch)
}

/// Whether a batch is refused as the rule says; any other error is the rule's failure too.
fn refused(store: &impl Store, batch: &Batch, code: &str) -> bool {
    store.commit(batch.clone()).is_err_and(|error| error.code() == code)
}

fn new_store_is_empty<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    Ok(store.get(&key(b"row")?)?.is_none()
        && store.scan(KeyRange::all(), 10)?.is_empty()
        && store.generation()? == 0)
}

fn put_is_got<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let row = key(b"row")?;
    let mut twice = batch();
    twice.delete(row.clone()).put(row.clone(), b"first".to_vec()).put(row.clone(), b"second".to_vec());
    store.commit(twice)?;
    let last_of_one = store.get(&row)?;
    put(&store, &row, b"third")?;
    let last_of_two = store.get(&row)?;
    Ok(last_of_one.as_deref() == Some(b"second")
        && last_of_two.as_deref() == Some(b"third")
        && store.get(&key(b"ro")?)?.is_none()
        && store.get(&key(b"row ")?)?.is_none())
}

fn deleted_is_gone<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let (row, other) = (key(b"row")?, key(b"other")?);
    put(&store, &row, b"value")?;
    put(&store, &other, b"value")?;
    let mut removal = batch();
    removal.delete(row.clone()).delete(key(b"never there")?);
    store.commit(removal)?;
    let scanned = store.scan(KeyRange::all(), 10)?;
    Ok(store.get(&row)?.is_none() && scanned == [Entry { key: other, value: b"value".to_vec() }])
}

fn scans_are_ordered<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let rows: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"b", b"\xff\xff"];
    let mut keys = Vec::new();
    for place in [place(1), place(2), place(255)] {
        for table in [0, 1, 255] {
            for row in rows {
                keys.push(Key::new(place, table, row)?);
            }
        }
    }
    // Backwards, so that the order is the store's doing.
    for key in keys.iter().rev() {
        put(&store, key, key.as_bytes())?;
    }
    let (table, end) = (KeyRange::table(place(1), 1), KeyRange::table(place(255), 255));
    let ranges = [
        KeyRange::all(),
        KeyRange::place(place(2)),
        KeyRange::place(place(255)),
        KeyRange::place(place(3)),
        KeyRange::place(Place::from_bytes([0; Place::LEN])),
        KeyRange::place(place(1)).starting(&[1]),
        table.clone(),
        table.clone().starting(b"a"),
        table.clone().after(b"a"),
        table.clone().prefix(b"a"),
        table.clone().prefix(b"a").after(b"a"),
        table.clone().after(b"b").prefix(b"a"),
        table.prefix(b"c"),
        end.clone().prefix(b"\xff"),
        end.after(b"\xff\xff"),
    ];
    for range in ranges {
        let expected: Vec<_> = keys.iter().filter(|key| range.contains(key)).cloned().collect();
        let scanned = store.scan(range, keys.len())?;
        if scanned.iter().any(|entry| entry.value != entry.key.as_bytes()) {
            return Ok(false);
        }
        if !scanned.into_iter().map(|entry| entry.key).eq(expected) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn pages_join<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let mut written = Vec::new();
    let mut rows = batch();
    for row in 0..100_u8 {
        written.push(key(&[row])?);
        rows.put(key(&[row])?, vec![row]);
    }
    store.commit(rows)?;
    let table = KeyRange::table(place(1), 1);
    let (mut read, mut range) = (Vec::new(), table.clone());
    loop {
        let page = store.scan(range, 33)?;
        read.extend(page.iter().map(|entry| entry.key.clone()));
        match page.last() {
            Some(last) if page.len() == 33 => range = table.clone().past(&last.key),
            _ => break,
        }
    }
    Ok(read == written
        && store.scan(table.clone(), 0)?.is_empty()
        && store.scan(table, usize::MAX)?.len() == 100)
}

fn bytes_are_kept<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let values = [Vec::new(), vec![0], all.clone(), vec![255; VALUE_BYTES_MAX]];
    let rows = all.chunks(ROW_BYTES_MAX).chain([b"".as_slice()]);
    let keys = rows.map(key).collect::<Result<Vec<_>, _>>()?;
    for (key, value) in keys.iter().zip(&values) {
        put(&store, key, value)?;
    }
    for (key, value) in keys.iter().zip(&values) {
        if store.get(key)?.as_ref() != Some(value) {
            return Ok(false);
        }
    }
    Ok(keys.len() == values.len())
}

fn absent_is_checked<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let row = key(b"row")?;
    let mut creation = batch();
    creation.expect(row.clone(), Expectation::Absent).put(row.clone(), Vec::new());
    store.commit(creation.clone())?;
    // An empty value is a value.
    Ok(refused(&store, &creation, "store-conflict") && store.get(&row)? == Some(Vec::new()))
}

fn value_is_checked<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let row = key(b"row")?;
    let expecting = |value: &[u8]| {
        let mut change = batch();
        change.expect(row.clone(), Expectation::Value(value.to_vec())).put(row.clone(), b"new".to_vec());
        change
    };
    if !refused(&store, &expecting(b""), "store-conflict") {
        return Ok(false);
    }
    put(&store, &row, b"value")?;
    for other in [b"".as_slice(), b"valu", b"value ", b"other"] {
        if !refused(&store, &expecting(other), "store-conflict") || store.generation()? != 1 {
            return Ok(false);
        }
    }
    store.commit(expecting(b"value"))?;
    Ok(store.get(&row)?.as_deref() == Some(b"new"))
}

fn batches_are_whole<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let (kept, row) = (key(b"kept")?, key(b"row")?);
    put(&store, &kept, b"value")?;
    let mut failing = batch();
    failing.put(row.clone(), b"new".to_vec()).delete(kept.clone());
    failing.expect(kept.clone(), Some(b"value".to_vec()));
    let mut holding = failing.clone();
    // What the batch itself writes fulfils none of its expectations.
    failing.expect(row.clone(), Some(b"new".to_vec()));
    holding.expect(row.clone(), Expectation::Absent);
    let nothing = refused(&store, &failing, "store-conflict")
        && store.get(&row)?.is_none()
        && store.get(&kept)?.as_deref() == Some(b"value")
        && store.generation()? == 1;
    store.commit(holding)?;
    Ok(nothing && store.get(&row)?.is_some() && store.get(&kept)?.is_none())
}

fn empty_batch_counts_nothing<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    store.commit(batch())?;
    let mut failing = batch();
    failing.expect(key(b"row")?, Expectation::Value(Vec::new()));
    Ok(refused(&store, &failing, "store-conflict") && store.generation()? == 0)
}

fn bounds_are_kept<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let (mut value, mut rows, mut bytes) = (batch(), batch(), batch());
    value.put(key(b"row")?, vec![0; VALUE_BYTES_MAX + 1]);
    for row in 0..=u32::try_from(STORE_BATCH_ROWS_MAX).unwrap_or_default() {
        rows.put(key(&row.to_be_bytes())?, Vec::new());
    }
    for row in 0..=u32::try_from(STORE_BATCH_BYTES_MAX / VALUE_BYTES_MAX).unwrap_or_default() {
        bytes.put(key(&row.to_be_bytes())?, vec![0; VALUE_BYTES_MAX]);
    }
    let mut expecting = batch();
    expecting.expect(key(b"row")?, Expectation::Value(vec![0; VALUE_BYTES_MAX + 1]));
    let none_is_written = refused(&store, &value, "store-value-too-large")
        && refused(&store, &expecting, "store-value-too-large")
        && refused(&store, &rows, "store-batch-too-large")
        && refused(&store, &bytes, "store-batch-too-large")
        && store.scan(KeyRange::all(), 1)?.is_empty()
        && store.generation()? == 0;
    // Two values fewer leave room for the keys.
    bytes.delete(key(&[0; 4])?).delete(key(&1_u32.to_be_bytes())?);
    store.commit(bytes)?;
    let kept = store.scan(KeyRange::all(), usize::MAX)?.len();
    Ok(none_is_written && kept == STORE_BATCH_BYTES_MAX / VALUE_BYTES_MAX - 1)
}

fn places_are_kept_apart<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let (here, there) = (key(b"row")?, Key::new(place(2), 1, b"row")?);
    let (mut writing, mut expecting) = (batch(), batch());
    writing.put(here.clone(), Vec::new()).put(there.clone(), Vec::new());
    expecting.put(here.clone(), Vec::new()).expect(there.clone(), Expectation::Absent);
    let nothing = refused(&store, &writing, "store-mixed-places")
        && refused(&store, &expecting, "store-mixed-places")
        && store.scan(KeyRange::all(), 1)?.is_empty();
    let mut across = Batch::across(OpId::from_bytes([1; OpId::LEN]));
    across.put(here.clone(), Vec::new()).put(there.clone(), Vec::new());
    store.commit(across)?;
    Ok(nothing && store.get(&here)?.is_some() && store.get(&there)?.is_some())
}

fn increments_are_kept<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let counter = key(b"counter")?;
    let increment = || -> Result<(), StoreError> {
        loop {
            let before = store.get(&counter)?;
            let sum =
                before.as_deref().and_then(<[u8]>::first_chunk).map_or(0, |sum| u64::from_be_bytes(*sum));
            let mut change = batch();
            change.expect(counter.clone(), before);
            change.put(counter.clone(), sum.saturating_add(1).to_be_bytes().to_vec());
            match store.commit(change) {
                Err(StoreError::Conflict) => (),
                outcome => return outcome,
            }
        }
    };
    let all = |_| (0..ROUNDS).try_for_each(|_| increment());
    in_threads(all)?;
    let sum = u64::from(THREADS).saturating_mul(u64::from(ROUNDS));
    Ok(store.get(&counter)? == Some(sum.to_be_bytes().to_vec()) && (1..=sum).contains(&store.generation()?))
}

fn readers_see_whole_batches<E: Engine>(engine: &E) -> Holds {
    let store = engine.fresh()?;
    let rows = [key(b"first")?, key(b"second")?, key(b"third")?];
    let torn = std::sync::atomic::AtomicBool::new(false);
    // One thread writes all rows with one value, the others look for rows with different ones.
    in_threads(|thread| {
        for round in 0..ROUNDS {
            if thread == 0 {
                let mut all = batch();
                for row in &rows {
                    all.put(row.clone(), vec![round]);
                }
                store.commit(all)?;
            } else {
                let seen = store.scan(KeyRange::table(place(1), 1), rows.len())?;
                let same = seen.windows(2).all(|pair| match pair {
                    [one, next] => one.value == next.value,
                    _ => true,
                });
                if !same || !(seen.is_empty() || seen.len() == rows.len()) {
                    torn.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        Ok(())
    })?;
    Ok(!torn.into_inner())
}

fn all_survives_closing<E: Engine>(engine: &E) -> Holds {
    let mut store = engine.fresh()?;
    for round in 1..=3_u8 {
        let before = store.generation()?;
        put(&store, &key(&[round])?, &[round])?;
        let after = store.generation()?;
        store = engine.reopen(store)?;
        let rows = store.scan(KeyRange::all(), 10)?;
        let whole = rows.len() == usize::from(round) && rows.iter().all(|row| row.key.row() == row.value);
        if !whole || after <= before || store.generation()? != after {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Runs the same work in several threads, each with its number.
fn in_threads(work: impl Fn(u8) -> Result<(), StoreError> + Sync) -> Result<(), StoreError> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        // A thread that panicked is an engine that panicked; the suite passes it on as what it is, damage.
        running.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err(StoreError::Corrupt)))
    })
}
