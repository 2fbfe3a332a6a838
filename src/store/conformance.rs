//! What every store must do: one suite for all of them, those of others too.

use std::{sync::Arc, thread};

use crate::{
    id::OpId,
    limits::VALUE_BYTES_MAX,
    store::{Batch, Key, KeyRange, Place, Store, StoreError},
};

/// A rule a store breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store breaks the rule: {rule}")]
#[non_exhaustive]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
}

type Verdict = Result<(), Broken>;

fn rule(rule: &'static str, holds: bool) -> Verdict {
    if holds { Ok(()) } else { Err(Broken { rule }) }
}

fn key(place: u8, row: &[u8]) -> Key {
    Key::new(Place([place.max(1); 16]), 1, row).unwrap_or_else(|_| key(1, b""))
}

fn batch() -> Batch {
    Batch::new(OpId::from_bytes([1; 16]))
}

#[expect(clippy::disallowed_methods, reason = "the suite that every store must pass")]
fn commit(store: &impl Store, batch: Batch) -> Result<(), StoreError> {
    store.commit(batch)
}

fn put(store: &impl Store, key: Key, value: &[u8]) -> bool {
    commit(store, batch().put(key, value.to_vec())).is_ok()
}

fn value(store: &impl Store, key: &Key) -> Option<Vec<u8>> {
    store.get(key).ok().flatten()
}

/// Runs the suite. `open` opens the store anew over what it held before: first over nothing.
///
/// # Errors
/// The first rule that is [`Broken`].
pub fn check<S: Store>(open: impl Fn() -> S) -> Verdict {
    {
        let store = open();
        rows(&store)?;
        ranges(&store)?;
        batches(&store)?;
        bounds(&store)?;
    }
    {
        let store = Arc::new(open());
        rule("what was committed survives reopening", value(&store, &key(1, b"kept")) == Some(b"value".to_vec()))?;
        writers(&store)?;
    }
    let store = open();
    let counted = store.generation().unwrap_or(0);
    rule("the generation survives reopening", counted > 0)?;
    rule("a commit moves the generation on", put(&store, key(1, b"more"), b"1") && store.generation().unwrap_or(0) > counted)
}

fn rows(store: &impl Store) -> Verdict {
    rule("a row that was never put is absent", value(store, &key(1, b"none")).is_none())?;
    rule("a row that was put is there", put(store, key(1, b"kept"), b"value") && value(store, &key(1, b"kept")) == Some(b"value".to_vec()))?;
    rule("an empty value is a value", put(store, key(1, b"empty"), b"") && value(store, &key(1, b"empty")) == Some(Vec::new()))?;
    rule("a row can be put again", put(store, key(1, b"empty"), b"2") && value(store, &key(1, b"empty")) == Some(b"2".to_vec()))?;
    let deleted = commit(store, batch().delete(key(1, b"empty")).delete(key(1, b"never"))).is_ok();
    rule("a deleted row is absent", deleted && value(store, &key(1, b"empty")).is_none())
}

fn ranges(store: &impl Store) -> Verdict {
    let mut filled = true;
    for row in (0u8..10).rev() {
        filled &= put(store, key(7, &[b'r', row]), &[row]);
        filled &= put(store, key(8, &[b'r', row]), &[row]);
    }
    rule("rows of two places can be put", filled)?;
    let place = Place([7; 16]);
    let Ok(range) = KeyRange::prefix(place, 1, b"r") else { return rule("a range can be named", false) };
    let scan = |range: KeyRange, limit| store.scan(range, limit).unwrap_or_default();
    let all = scan(range.clone(), 100);
    rule("a range holds its rows and no others", all.len() == 10 && all.iter().all(|entry| entry.key.place() == place))?;
    rule("rows come in the order of their keys", all.is_sorted_by(|one, next| one.key < next.key))?;
    let first = scan(range.clone(), 4);
    rule("a scan gives no more than it was asked for", first.len() == 4)?;
    let rest = first.last().map(|last| scan(range.after(&last.key), 100)).unwrap_or_default();
    rule("a scan goes on after a key", rest.len() == 6 && first.iter().chain(&rest).eq(&all))?;
    let whole = scan(KeyRange::all(), 1000);
    rule("a scan of everything shows callers' rows only", whole.len() == 21)
}

fn batches(store: &impl Store) -> Verdict {
    let (one, two) = (key(3, b"one"), key(3, b"two"));
    rule("an expectation of absence holds", commit(store, batch().expect_absent(one.clone()).put(one.clone(), b"1".to_vec())).is_ok())?;
    let late = batch().expect_absent(one.clone()).put(one.clone(), b"x".to_vec()).put(two.clone(), b"x".to_vec());
    let is_conflict = matches!(commit(store, late), Err(StoreError::Conflict));
    rule("a failed expectation is a conflict", is_conflict)?;
    rule("after a conflict nothing was written", value(store, &one) == Some(b"1".to_vec()) && value(store, &two).is_none())?;
    let swap = batch().expect_value(one.clone(), b"1".to_vec()).put(one.clone(), b"2".to_vec()).delete(two.clone());
    rule("an expected value holds", commit(store, swap).is_ok() && value(store, &one) == Some(b"2".to_vec()))?;
    let last = batch().put(one.clone(), b"3".to_vec()).put(one.clone(), b"4".to_vec());
    rule("the last change of a row counts", commit(store, last).is_ok() && value(store, &one) == Some(b"4".to_vec()))?;
    rule("an empty batch is taken", commit(store, batch()).is_ok())
}

fn bounds(store: &impl Store) -> Verdict {
    let big = |extra: usize| vec![7; VALUE_BYTES_MAX.saturating_add(extra)];
    rule("the largest value is taken", commit(store, batch().put(key(4, b"big"), big(0))).is_ok() && value(store, &key(4, b"big")) == Some(big(0)))?;
    let refused = matches!(commit(store, batch().put(key(4, b"big"), big(1))), Err(StoreError::ValueTooLarge));
    rule("a larger one is refused", refused)?;
    let mixed = batch().put(key(4, b"a"), vec![1]).put(key(5, b"b"), vec![1]);
    rule("a batch over two places is refused", matches!(commit(store, mixed), Err(StoreError::Places)))?;
    let across = Batch::across(OpId::from_bytes([2; 16])).put(key(4, b"a"), vec![1]).put(key(5, b"b"), vec![1]);
    rule("unless it says so", commit(store, across).is_ok() && value(store, &key(5, b"b")).is_some())
}

const WRITERS: u8 = 8;
const INCREMENTS: u64 = 20;

fn writers<S: Store>(store: &Arc<S>) -> Verdict {
    let counter = key(6, b"counter");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, counter) = (Arc::clone(store), counter.clone());
            scope.spawn(move || {
                for number in 0..INCREMENTS {
                    increment(&store, &counter);
                    put(&store, key(6, &[b'w', writer, u8::try_from(number).unwrap_or(0)]), &[writer]);
                }
            });
        }
    });
    let expected = u64::from(WRITERS).saturating_mul(INCREMENTS).to_be_bytes().to_vec();
    rule("no increment of concurrent writers is lost", value(store, &counter) == Some(expected))?;
    let Ok(range) = KeyRange::prefix(Place([6; 16]), 1, b"w") else { return rule("a range can be named", false) };
    let rows = store.scan(range, usize::MAX).unwrap_or_default().len();
    rule("no row of concurrent writers is lost", u64::try_from(rows) == Ok(u64::from(WRITERS).saturating_mul(INCREMENTS)))
}

fn increment<S: Store>(store: &Arc<S>, counter: &Key) {
    loop {
        let before = value(store, counter);
        let number = before.as_deref().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let next = batch().put(counter.clone(), number.saturating_add(1).to_be_bytes().to_vec());
        let next = match before {
            Some(before) => next.expect_value(counter.clone(), before),
            None => next.expect_absent(counter.clone()),
        };
        if commit(store, next).is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::check;
    use crate::store::{FaultStore, MemoryStore};

    #[test]
    fn the_memory_store_keeps_every_rule() {
        let store = Arc::new(MemoryStore::new());
        check(|| Arc::clone(&store)).unwrap();
    }

    #[test]
    fn a_fault_store_without_a_fault_keeps_every_rule() {
        let store = Arc::new(FaultStore::new(MemoryStore::new()));
        check(|| Arc::clone(&store)).unwrap();
    }

    #[test]
    fn a_store_that_forgets_is_found_out() {
        let store = Arc::new(FaultStore::forgetting(MemoryStore::new()));
        let broken = check(|| FaultStore::forgetting(store.survivors())).unwrap_err();
        assert_eq!(broken.rule, "what was committed survives reopening");
    }

    #[cfg(feature = "sled")]
    #[test]
    fn the_sled_store_keeps_every_rule() {
        let directory = tempfile::tempdir().unwrap();
        check(|| crate::store::SledStore::open(directory.path().join("store")).unwrap()).unwrap();
    }
}
