//! Stores: the one suite on each, and what each promises besides.
#![expect(clippy::disallowed_methods, reason = "a store is tested by what it commits")]

use casevault::{
    id::OpId,
    store::{
        Batch, Entry, Key, KeyRange, MemoryStore, Place, Store, StoreError,
        conformance::{self, Engine},
        fault::{Fault, FaultStore, LossyMemory, Operations},
    },
};

fn key(row: &[u8]) -> Key {
    Key::new(Place::from_bytes([7; 16]), 1, row).unwrap()
}

fn put(row: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new(OpId::from_bytes([1; 16]));
    batch.put(key(row), value.to_vec());
    batch
}

fn code<T>(outcome: Result<T, StoreError>) -> &'static str {
    outcome.err().map_or("ok", |error| error.code())
}

/// An engine that makes its stores with a function and closes them with another.
struct With<F, R>(F, R);

impl<S: Store, F: Fn() -> S, R: Fn(S) -> S> Engine for With<F, R> {
    type Store = S;

    fn fresh(&self) -> Result<S, StoreError> {
        Ok(self.0())
    }

    fn reopen(&self, store: S) -> Result<S, StoreError> {
        Ok(self.1(store))
    }
}

#[test]
fn memory_keeps_every_rule() {
    conformance::check(&With(MemoryStore::new, |store| store)).unwrap();
}

#[test]
fn wrappers_without_a_fault_keep_every_rule() {
    conformance::check(&With(|| FaultStore::new(MemoryStore::new()), |store| store)).unwrap();
    let crash = |store: LossyMemory| {
        store.crash();
        store
    };
    conformance::check(&With(LossyMemory::new, crash)).unwrap();
    let shared = || -> std::sync::Arc<dyn Store> { std::sync::Arc::new(MemoryStore::new()) };
    conformance::check(&With(shared, |store| store)).unwrap();
}

/// Engines that each break one promise: the suite must name it.
mod broken {
    use super::*;

    struct Broken<C, S>(MemoryStore, C, S);

    impl<C, S> Store for Broken<C, S>
    where
        C: Fn(&MemoryStore, Batch) -> Result<(), StoreError> + Send + Sync + 'static,
        S: Fn(&MemoryStore, KeyRange, usize) -> Result<Vec<Entry>, StoreError> + Send + Sync + 'static,
    {
        fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.get(key)
        }

        fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
            self.2(&self.0, range, limit)
        }

        fn commit(&self, batch: Batch) -> Result<(), StoreError> {
            self.1(&self.0, batch)
        }

        fn generation(&self) -> Result<u64, StoreError> {
            self.0.generation()
        }
    }

    fn failing_rule<C, S>(commit: C, scan: S) -> &'static str
    where
        C: Fn(&MemoryStore, Batch) -> Result<(), StoreError> + Send + Sync + Copy + 'static,
        S: Fn(&MemoryStore, KeyRange, usize) -> Result<Vec<Entry>, StoreError> + Send + Sync + Copy + 'static,
    {
        let engine = With(move || Broken(MemoryStore::new(), commit, scan), |store| store);
        conformance::check(&engine).unwrap_err().rule
    }

    /// Writes rows one by one and forgets what was expected.
    fn careless(store: &MemoryStore, batch: Batch) -> Result<(), StoreError> {
        batch.checked()?.into_writes().for_each(|(key, value)| store.overwrite(&key, value));
        Ok(())
    }

    #[test]
    fn suite_finds_a_store_that_expects_nothing() {
        assert_eq!(failing_rule(careless, Store::scan), "`Expectation::Absent` holds for no row alone");
    }

    #[test]
    fn suite_finds_a_store_without_bounds_on_pages() {
        let scan =
            |store: &MemoryStore, range: KeyRange, limit: usize| store.scan(range, limit.saturating_add(1));
        assert_eq!(
            failing_rule(Store::commit, scan),
            "a page has at most its limit, and pages join without gap or repetition"
        );
    }

    #[test]
    fn suite_finds_a_store_out_of_order() {
        let scan = |store: &MemoryStore, range: KeyRange, limit: usize| {
            let mut rows = store.scan(range, limit)?;
            rows.reverse();
            Ok(rows)
        };
        assert_eq!(
            failing_rule(Store::commit, scan),
            "rows are scanned in the order of their keys, within their table and place"
        );
    }

    #[test]
    fn suite_finds_a_store_that_forgets_on_closing() {
        let lossy = || {
            let store = LossyMemory::new();
            store.lie();
            store
        };
        let crash = |store: LossyMemory| {
            store.crash();
            store
        };
        let failure = conformance::check(&With(lossy, crash)).unwrap_err();
        assert_eq!(failure.rule, "rows and generation survive closing, and the generation goes on");
    }
}

#[test]
fn keys_are_checked_where_they_are_made() {
    let place = Place::from_bytes([7; 16]);
    assert_eq!(code(Key::new(Place::from_bytes([0; 16]), 1, b"row")), "store-reserved-place");
    assert_eq!(code(Key::new(place, 1, &[0; 121])), "store-row-too-long");
    assert_eq!(code(Key::new(place, 1, &[0; 120])), "ok");
    assert_eq!(code(Key::from_bytes(&[7; 16])), "store-key-malformed");
    assert_eq!(code(Key::from_bytes(&[0; 17])), "store-reserved-place");
    let whole = Key::from_bytes(key(b"row").as_bytes()).unwrap();
    assert_eq!((whole.place(), whole.table(), whole.row()), (place, 1, b"row".as_slice()));
}

#[test]
fn ranges_narrow_and_never_widen() {
    let rows = ["", "a", "aa", "ab", "b", "c"];
    let table = || KeyRange::table(Place::from_bytes([7; 16]), 1);
    let cases: [(KeyRange, &[&str]); 10] = [
        (table(), &rows),
        (table().starting(b"aa"), &["aa", "ab", "b", "c"]),
        (table().after(b"aa"), &["ab", "b", "c"]),
        (table().past(&key(b"aa")), &["ab", "b", "c"]),
        (table().prefix(b"a"), &["a", "aa", "ab"]),
        (table().prefix(b"a").after(b"a"), &["aa", "ab"]),
        (table().after(b"b").prefix(b"a"), &[]),
        (table().prefix(b"a").prefix(b""), &["a", "aa", "ab"]),
        (table().past(&key(b"c")).starting(b"a"), &[]),
        (KeyRange::place(Place::from_bytes([0; 16])), &[]),
    ];
    for (range, expected) in cases {
        let inside: Vec<_> =
            rows.iter().copied().filter(|row| range.contains(&key(row.as_bytes()))).collect();
        assert_eq!(inside, expected, "{range:?}");
    }
}

#[test]
fn debug_shows_handles_and_lengths_only() {
    let mut batch = put(b"a secret row that is long", b"secret");
    batch.expect(key(b"other"), Some(b"secret".to_vec()));
    let words = format!(
        "{:?} {batch:?} {:?} {:?}",
        key(b"a secret row that is long"),
        Entry { key: key(b""), value: b"secret".to_vec() },
        batch.clone().checked().unwrap(),
    );
    assert_eq!(
        words,
        "Key(0707070707070707/01/6120736563726574) Batch(0101010101010101, One place, 1 expected, 1 written) \
         Entry(Key(0707070707070707/01/), 6 bytes) CheckedBatch(0101010101010101, 1 expected, 1 written, 76 bytes)"
    );
}

#[test]
fn memory_can_be_tampered_with_and_rolled_back() {
    let store = MemoryStore::from_entries([Entry { key: key(b"row"), value: b"old".to_vec() }]);
    let before = store.snapshot();
    store.commit(put(b"row", b"new")).unwrap();
    store.overwrite(&key(b"row"), Some(b"false".to_vec()));
    assert_eq!(store.export(), [Entry { key: key(b"row"), value: b"false".to_vec() }]);
    store.restore(&before);
    assert_eq!((store.get(&key(b"row")).unwrap(), store.generation().unwrap()), (Some(b"old".to_vec()), 0));
}

#[test]
fn a_fault_does_what_its_name_says() {
    // The fault, the code it reports, whether the commit happened, what the next read says.
    let rows = [
        (Fault::AcknowledgementLost, "store-io", true, "ok"),
        (Fault::Error, "store-io", false, "ok"),
        (Fault::Full, "store-full", false, "ok"),
        (Fault::StopAfter, "store-io", true, "store-poisoned"),
        (Fault::StopBefore, "store-io", false, "store-poisoned"),
    ];
    assert_eq!(rows.map(|(fault, ..)| fault), Fault::ALL);
    for (fault, reported, happened, next) in rows {
        let store = FaultStore::new(MemoryStore::new());
        store.arm(fault, Operations::Commits, 1);
        store.commit(put(b"first", b"")).unwrap();
        assert!(store.get(&key(b"first")).unwrap().is_some(), "reads do not count");
        assert!(!store.has_failed());
        assert_eq!(code(store.commit(put(b"second", b""))), reported, "{fault:?}");
        assert!(store.has_failed());
        assert_eq!(code(store.get(&key(b"second"))), next, "{fault:?}");
        assert_eq!(store.inner().get(&key(b"second")).unwrap().is_some(), happened, "{fault:?}");
    }
}

#[test]
fn every_operation_can_be_the_one_that_fails() {
    let store = FaultStore::new(MemoryStore::new());
    let verb = |store: &FaultStore<MemoryStore>| {
        let before = store.get(&key(b"row"))?;
        let mut batch = put(b"row", b"value");
        batch.expect(key(b"row"), before);
        store.commit(batch)?;
        store.scan(KeyRange::all(), 1)?;
        store.generation()
    };
    verb(&store).unwrap();
    assert_eq!(store.operations(Operations::All), 4);
    assert_eq!(store.operations(Operations::Reads), 3);
    for nth in 0..4 {
        store.arm(Fault::StopBefore, Operations::All, nth);
        assert!(verb(&store).is_err());
        assert_eq!(store.operations(Operations::All), nth + 1);
    }
    store.arm(Fault::StopBefore, Operations::All, 4);
    verb(&store).unwrap();
    assert!(!store.has_failed());
}

#[test]
fn a_lying_disk_loses_what_it_acknowledged() {
    let store = LossyMemory::new();
    store.commit(put(b"kept", b"")).unwrap();
    store.lie();
    store.commit(put(b"lost", b"")).unwrap();
    assert_eq!(store.generation().unwrap(), 2);
    store.crash();
    assert_eq!(store.generation().unwrap(), 1);
    assert!(store.get(&key(b"kept")).unwrap().is_some() && store.get(&key(b"lost")).unwrap().is_none());
}

#[cfg(feature = "sled")]
mod sled {
    use std::{
        cell::Cell,
        fs,
        path::{Path, PathBuf},
        thread,
    };

    use casevault::store::SledStore;
    use tempfile::TempDir;

    use super::*;

    const PATHS: [&str; 3] = ["casevault.format", "conf", "db"];

    /// A closed store with some rows, opened and closed twice, so that it has a snapshot and a log after it.
    fn closed() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for round in 0..2_u8 {
            let store = SledStore::open(directory.path()).unwrap();
            for row in 0..40 {
                store.commit(put(&[round, row], &[row; 100])).unwrap();
            }
        }
        directory
    }

    #[track_caller]
    fn refused(path: &Path, expected: &str) {
        assert_eq!(code(SledStore::open(path)), expected);
    }

    #[test]
    fn sled_keeps_every_rule() {
        let parent = tempfile::tempdir().unwrap();
        let stores = Cell::new(0);
        let path =
            || -> PathBuf { parent.path().join("above").join(stores.replace(stores.get() + 1).to_string()) };
        let reopen = |store: SledStore| {
            let path = store.path().to_owned();
            drop(store);
            SledStore::open(path).unwrap()
        };
        conformance::check(&With(|| SledStore::open(path()).unwrap(), reopen)).unwrap();
    }

    #[test]
    fn a_small_cache_changes_no_rule() {
        let parent = tempfile::tempdir().unwrap();
        let stores = Cell::new(0);
        let open = |path: &Path| SledStore::options().cache_bytes(0).open(path).unwrap();
        let fresh = || open(&parent.path().join(stores.replace(stores.get() + 1).to_string()));
        let reopen = |store: SledStore| {
            let path = store.path().to_owned();
            drop(store);
            open(&path)
        };
        conformance::check(&With(fresh, reopen)).unwrap();
    }

    #[test]
    fn no_value_within_bounds_becomes_a_blob() {
        let directory = tempfile::tempdir().unwrap();
        let store = SledStore::open(directory.path()).unwrap();
        for round in 0..3_u8 {
            let mut batch = Batch::new(OpId::from_bytes([1; 16]));
            for row in 0..120_u8 {
                batch.put(key(&[[row].as_slice(), &[0; 119]].concat()), vec![round; 64 * 1024]);
            }
            store.commit(batch).unwrap();
        }
        assert_eq!(fs::read_dir(directory.path().join("blobs")).unwrap().count(), 0);
    }

    #[test]
    fn a_second_opening_is_refused_until_the_first_is_closed() {
        let directory = closed();
        let first = SledStore::open(directory.path()).unwrap();
        refused(directory.path(), "store-locked");
        assert_eq!(first.generation().unwrap(), 80);
        drop(first);
        refused(directory.path(), "ok");
    }

    #[test]
    fn either_lock_held_elsewhere_is_enough_to_be_refused() {
        let directory = closed();
        for name in ["casevault.lock", "db"] {
            let held = fs::File::open(directory.path().join(name)).unwrap();
            held.lock().unwrap();
            refused(directory.path(), "store-locked");
        }
        refused(directory.path(), "ok");
    }

    #[test]
    fn an_unfinished_snapshot_is_removed() {
        let directory = closed();
        let unfinished = directory.path().join("snap.7FFFFFFFFFFFFFFF.generating");
        fs::write(&unfinished, b"half").unwrap();
        let store = SledStore::open(directory.path()).unwrap();
        assert!(!unfinished.exists());
        assert_eq!(store.scan(KeyRange::all(), 100).unwrap().len(), 80);
    }

    #[test]
    fn a_stray_blob_is_refused_and_kept() {
        let directory = closed();
        let blob = directory.path().join("blobs").join("1234");
        fs::write(&blob, b"never synced").unwrap();
        refused(directory.path(), "store-stray-blobs");
        assert!(blob.exists());
    }

    #[test]
    fn another_format_is_refused() {
        let marker = b"CVST\x01\x00\x80\x00\x00\x01";
        // The version, the segment size, the stage, the length, the magic.
        let rows: [(usize, u8, &str); 5] = [
            (4, 2, "store-other-format"),
            (6, 0x40, "store-other-format"),
            (9, 2, "store-other-format"),
            (0, b'X', "store-foreign-format"),
            (3, b'X', "store-foreign-format"),
        ];
        let directory = closed();
        let path = directory.path().join("casevault.format");
        assert_eq!(fs::read(&path).unwrap(), marker);
        for (at, byte, expected) in rows {
            let mut other = *marker;
            other[at] = byte;
            fs::write(&path, other).unwrap();
            refused(directory.path(), expected);
        }
        fs::write(&path, &marker[..9]).unwrap();
        refused(directory.path(), "store-other-format");
        fs::write(&path, marker).unwrap();
        refused(directory.path(), "ok");
    }

    #[test]
    fn a_directory_that_is_no_store_is_refused_and_left_as_it_is() {
        for name in ["db", "conf", "blobs", "snap.0", "letter.txt"] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join(name), b"foreign").unwrap();
            refused(directory.path(), "store-foreign-format");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        }
        // A store whose marker was lost is no store either: its segment size is not known.
        let directory = closed();
        fs::remove_file(directory.path().join("casevault.format")).unwrap();
        refused(directory.path(), "store-foreign-format");
    }

    #[test]
    fn a_store_that_lost_its_files_is_not_a_new_one() {
        for name in ["db", "conf"] {
            let directory = closed();
            fs::remove_file(directory.path().join(name)).unwrap();
            refused(directory.path(), "store-corrupt");
        }
        let directory = closed();
        let rows = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        for path in rows.filter(|path| path.to_string_lossy().contains("snap.")) {
            fs::remove_file(path).unwrap();
        }
        fs::write(directory.path().join("db"), b"").unwrap();
        refused(directory.path(), "store-corrupt");
    }

    #[test]
    fn a_creation_that_did_not_end_is_begun_again() {
        const BEGUN: &[u8] = b"CVST\x01\x00\x80\x00\x00\x00begun";
        const COMPLETE: &[u8] = b"CVST\x01\x00\x80\x00\x00\x01";
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("casevault.lock"), b"").unwrap();
        fs::write(directory.path().join("casevault.format.draft"), b"CV").unwrap();
        refused(directory.path(), "ok");
        // What a crash may leave of `sled`'s files, at any of their lengths.
        for (data, config) in [(None, Some(0)), (Some(0), Some(0)), (Some(0), Some(9)), (Some(40), None)] {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            fs::write(path("casevault.format"), BEGUN).unwrap();
            fs::create_dir(path("blobs")).unwrap();
            for (name, length) in [("db", data), ("conf", config)] {
                if let Some(length) = length {
                    fs::write(path(name), vec![7; length]).unwrap();
                }
            }
            refused(directory.path(), "ok");
            assert_eq!(fs::read(path("casevault.format")).unwrap(), COMPLETE);
        }
    }

    #[test]
    fn no_changed_byte_of_the_marker_makes_a_store_begin_again() {
        let directory = closed();
        let path = directory.path().join("casevault.format");
        let marker = fs::read(&path).unwrap();
        let stage = marker.len() - 1;
        for byte in (0..=u8::MAX).filter(|byte| *byte != 1) {
            fs::write(&path, [&marker[..stage], &[byte]].concat()).unwrap();
            refused(directory.path(), "store-other-format");
        }
        fs::write(&path, marker).unwrap();
        assert_eq!(SledStore::open(directory.path()).unwrap().generation().unwrap(), 80);
    }

    /// Copies a store with one file changed, opens it and reads all; says whether that worked.
    fn survives(from: &Path, name: &str, change: impl Fn(&mut Vec<u8>)) -> bool {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("blobs")).unwrap();
        for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
            }
        }
        let mut bytes = fs::read(from.join(name)).unwrap();
        change(&mut bytes);
        fs::write(directory.path().join(name), bytes).unwrap();
        let Ok(store) = SledStore::open(directory.path()) else { return false };
        let Ok(rows) = store.scan(KeyRange::all(), usize::MAX) else { return false };
        rows.iter().all(|row| store.get(&row.key).is_ok()) && store.commit(put(b"after", b"")).is_ok()
    }

    /// The files of a store and how many bytes of each are in use.
    fn files(directory: &Path) -> Vec<(String, usize)> {
        let mut files: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| {
                let bytes = fs::read(entry.path()).unwrap();
                let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                (entry.file_name().into_string().unwrap(), used)
            })
            .filter(|(_, used)| *used > 0)
            .collect();
        files.sort();
        files
    }

    #[test]
    fn no_flipped_bit_panics_through_the_border() {
        let original = closed();
        let files = files(original.path());
        assert!(PATHS.iter().all(|path| files.iter().any(|(name, _)| name == path)));
        for (name, used) in files {
            for sample in 0..30 {
                let at = used * sample / 30;
                survives(original.path(), &name, |bytes| bytes[at] ^= 1 << (sample % 8));
            }
        }
    }

    #[test]
    fn no_truncated_file_panics_through_the_border() {
        let original = closed();
        for (name, used) in files(original.path()) {
            for sample in 0..8 {
                survives(original.path(), &name, |bytes| bytes.truncate(used * sample / 8));
            }
        }
        assert!(survives(original.path(), "db", |_| ()), "what is not changed opens");
    }

    #[test]
    fn commits_of_many_threads_are_gathered_and_all_kept() {
        const THREADS: u8 = 8;
        const ROUNDS: u8 = 50;
        let directory = tempfile::tempdir().unwrap();
        let store = SledStore::open(directory.path()).unwrap();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        store.commit(put(&[thread, round], &[round])).unwrap();
                    }
                });
            }
        });
        let generation = store.generation().unwrap();
        drop(store);
        let store = SledStore::open(directory.path()).unwrap();
        let commits = u64::from(THREADS) * u64::from(ROUNDS);
        assert!((1..=commits).contains(&generation), "{generation}");
        assert_eq!(store.generation().unwrap(), generation);
        assert_eq!(
            store.scan(KeyRange::all(), usize::MAX).unwrap().len(),
            usize::from(THREADS) * usize::from(ROUNDS)
        );
    }
}
