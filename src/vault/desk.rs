//! The desk: where one submission is worked out before it is committed, whole or not at all.
//!
//! Reads go through what this submission has already put down; writes are gathered. [`Desk::commit`] is the one place
//! that calls [`Store::commit`](crate::store::Store::commit).

use std::collections::BTreeMap;

use crate::{
    access::Permit,
    event::Principal,
    id::OpId,
    spread,
    store::{Batch, Entry, Key, KeyRange, Place, Store, StoreError},
    vault::{
        fault::Fault,
        rows::Row,
        tables::{RowKeys, Table, key},
    },
};

/// Store and row keys: what reading needs.
pub(super) struct Shelves {
    pub(super) store: Box<dyn Store>,
    pub(super) keys: RowKeys,
}

impl Shelves {
    /// A row of a place.
    pub(super) fn read<T: Row>(&self, place: Place, table: Table, row: &[&[u8]]) -> Result<Option<T>, Fault> {
        let key = key(place, table, row)?;
        match self.store.get(&key)? {
            None => Ok(None),
            Some(sealed) => Ok(Some(self.keys.open(table, &key, &sealed)?)),
        }
    }

    /// The rows of a place whose ids begin so, in order.
    pub(super) fn scan<T: Row>(&self, place: Place, table: Table, prefix: &[u8]) -> Result<Vec<T>, Fault> {
        let range = KeyRange::table(place, table.code()).prefix(prefix);
        Ok(self.scan_range(table, range)?.into_iter().map(|(_, row)| row).collect())
    }

    /// The rows of a place whose ids lie from one to before another, in order, with their ids.
    pub(super) fn scan_between<T: Row>(
        &self,
        (place, table): (Place, Table),
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<(Vec<u8>, T)>, Fault> {
        let range = KeyRange::table(place, table.code()).starting(from).before(until);
        self.scan_range(table, range)
    }

    /// The first rows of a table that lie behind an id, so many at most, with their ids.
    pub(super) fn page<T: Row>(
        &self,
        (place, table): (Place, Table),
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, Fault> {
        let mut range = KeyRange::table(place, table.code());
        if let Some(after) = after {
            range = range.past(&key(place, table, &[after])?);
        }
        let open = |entry: Entry| {
            let row = self.keys.open(table, &entry.key, &entry.value)?;
            Ok((entry.key.row().to_vec(), row))
        };
        self.store.scan(range, limit)?.into_iter().map(open).collect()
    }

    fn scan_range<T: Row>(&self, table: Table, range: KeyRange) -> Result<Vec<(Vec<u8>, T)>, Fault> {
        let open = |entry: Entry| {
            let row = self.keys.open(table, &entry.key, &entry.value)?;
            Ok((entry.key.row().to_vec(), row))
        };
        self.entries(range)?.into_iter().map(open).collect()
    }

    /// All entries of a table of a place, as they lie there.
    pub(super) fn raw(&self, place: Place, table: Table) -> Result<Vec<Entry>, Fault> {
        self.entries(KeyRange::table(place, table.code()))
    }

    /// The entries of a range, page by page.
    fn entries(&self, range: KeyRange) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut rest = range.clone();
        loop {
            let page = self.store.scan(rest, PAGE)?;
            let is_last = page.len() < PAGE;
            entries.extend(page);
            match entries.last() {
                Some(last) if !is_last => rest = range.clone().past(&last.key),
                Some(_) | None => return Ok(entries),
            }
        }
    }
}

const PAGE: usize = 256;

/// How many rows to seal are worth a thread: some two hundred microseconds of work.
const ROWS_WORTH_A_THREAD: usize = 32;

/// What will stand in a row.
enum Write {
    Delete,
    Put(Vec<u8>),
}

/// One submission's work on one owner's rows.
pub(super) struct Desk<'v> {
    pub(super) shelves: &'v Shelves,
    pub(super) owner: Principal,
    pub(super) place: Place,
    writes: BTreeMap<Key, Write>,
    /// What must still stand in the store when this is committed: the owner's head as it was read, first of all.
    expected: Vec<(Key, Option<Vec<u8>>)>,
    random: crate::crypto::Random,
}

impl<'v> Desk<'v> {
    /// A clear desk for an owner.
    pub(super) fn new(
        shelves: &'v Shelves,
        owner: Principal,
        random: crate::crypto::Random,
    ) -> Result<Self, Fault> {
        let place = shelves.keys.place(owner);
        let head = key(place, Table::Head, &[])?;
        let head_before = shelves.store.get(&head)?;
        Ok(Self {
            shelves,
            owner,
            place,
            writes: BTreeMap::new(),
            expected: vec![(head, head_before)],
            random,
        })
    }

    /// A clear desk for what is no owner's stream: what must still stand when it is committed is said one by one.
    pub(super) fn beside(shelves: &'v Shelves, owner: Principal, random: crate::crypto::Random) -> Self {
        let place = shelves.keys.place(owner);
        Self { shelves, owner, place, writes: BTreeMap::new(), expected: Vec::new(), random }
    }

    /// Takes a row away, if it still stands as it was read.
    pub(super) fn delete_as_read(&mut self, key: Key, sealed: Vec<u8>) {
        self.expected.push((key.clone(), Some(sealed)));
        self.writes.insert(key, Write::Delete);
    }

    pub(super) const fn random(&mut self) -> &mut crate::crypto::Random {
        &mut self.random
    }

    /// A row of the owner's place, as this submission leaves it.
    pub(super) fn get<T: Row>(&self, table: Table, row: &[&[u8]]) -> Result<Option<T>, Fault> {
        let key = key(self.place, table, row)?;
        let stored = match self.writes.get(&key) {
            Some(Write::Delete) => None,
            Some(Write::Put(sealed)) => Some(sealed.clone()),
            None => self.shelves.store.get(&key)?,
        };
        stored.map_or(Ok(None), |sealed| Ok(Some(self.shelves.keys.open(table, &key, &sealed)?)))
    }

    /// A row that is kept as it came.
    pub(super) fn get_raw(&self, table: Table, row: &[&[u8]]) -> Result<Option<Vec<u8>>, Fault> {
        let key = key(self.place, table, row)?;
        match self.writes.get(&key) {
            Some(Write::Delete) => Ok(None),
            Some(Write::Put(bytes)) => Ok(Some(bytes.clone())),
            None => Ok(self.shelves.store.get(&key)?),
        }
    }

    pub(super) fn put<T: Row>(&mut self, table: Table, row: &[&[u8]], value: &T) -> Result<(), Fault> {
        self.put_at(self.place, table, row, value)
    }

    pub(super) fn put_at<T: Row>(
        &mut self,
        place: Place,
        table: Table,
        row: &[&[u8]],
        value: &T,
    ) -> Result<(), Fault> {
        let key = key(place, table, row)?;
        let sealed = self.shelves.keys.seal(table, &key, value, &mut self.random);
        self.writes.insert(key, Write::Put(sealed));
        Ok(())
    }

    /// Rows of one table of a place, sealed on all cores.
    pub(super) fn put_all<T: Row + Sync>(
        &mut self,
        (place, table): (Place, Table),
        rows: &[(Vec<u8>, T)],
    ) -> Result<(), Fault> {
        let drawn: Vec<_> = rows.iter().map(|row| (self.random.bytes(), row)).collect();
        let keys = &self.shelves.keys;
        let sealed = spread::map(&drawn, ROWS_WORTH_A_THREAD, |(fresh, (row, value))| {
            let key = key(place, table, &[row])?;
            let sealed = keys.seal_with(*fresh, table, &key, value);
            Ok::<_, Fault>((key, Write::Put(sealed)))
        });
        for one in sealed {
            let (key, write) = one?;
            self.writes.insert(key, write);
        }
        Ok(())
    }

    pub(super) fn put_raw(&mut self, table: Table, row: &[&[u8]], bytes: Vec<u8>) -> Result<(), Fault> {
        self.writes.insert(key(self.place, table, row)?, Write::Put(bytes));
        Ok(())
    }

    /// A row as it is, which must not be there yet.
    pub(super) fn put_new(&mut self, key: Key, bytes: Vec<u8>) {
        self.expected.push((key.clone(), None));
        self.writes.insert(key, Write::Put(bytes));
    }

    /// A row as it is, in the place of the one that was read.
    pub(super) fn put_plain(&mut self, (key, before): (Key, Vec<u8>), bytes: Vec<u8>) {
        self.expected.push((key.clone(), Some(before)));
        self.writes.insert(key, Write::Put(bytes));
    }

    /// A row of another place, which must stand as it was read until this is committed.
    pub(super) fn get_at<T: Row>(
        &mut self,
        place: Place,
        table: Table,
        row: &[&[u8]],
    ) -> Result<Option<T>, Fault> {
        let key = key(place, table, row)?;
        let stored = self.shelves.store.get(&key)?;
        let value = match &stored {
            Some(sealed) => Some(self.shelves.keys.open(table, &key, sealed)?),
            None => None,
        };
        self.expected.push((key, stored));
        Ok(value)
    }

    pub(super) fn delete_at(&mut self, place: Place, table: Table, row: &[&[u8]]) -> Result<(), Fault> {
        self.writes.insert(key(place, table, row)?, Write::Delete);
        Ok(())
    }

    /// Rows of the owner's place whose ids begin so, as this submission leaves them, with their full ids.
    pub(super) fn scan<T: Row>(&self, table: Table, prefix: &[u8]) -> Result<Vec<(Vec<u8>, T)>, Fault> {
        let range = KeyRange::table(self.place, table.code()).prefix(prefix);
        let stored = self.shelves.entries(range)?;
        let mut rows: BTreeMap<Key, Vec<u8>> =
            stored.into_iter().map(|entry| (entry.key, entry.value)).collect();
        for (key, write) in &self.writes {
            if key.place() == self.place && key.table() == table.code() && key.row().starts_with(prefix) {
                match write {
                    Write::Delete => rows.remove(key),
                    Write::Put(sealed) => rows.insert(key.clone(), sealed.clone()),
                };
            }
        }
        rows.into_iter()
            .map(|(key, sealed)| Ok((key.row().to_vec(), self.shelves.keys.open(table, &key, &sealed)?)))
            .collect()
    }

    /// Commits all of it in one atomic batch, if the owner's head is still the one the work began with.
    ///
    /// The permits of all its events are given up here.
    pub(super) fn commit(self, op_id: OpId, permits: Vec<Permit>) -> Result<(), Fault> {
        drop(permits);
        let mut batch = Batch::across(op_id);
        for (key, before) in self.expected {
            batch.expect(key, before);
        }
        for (key, write) in self.writes {
            match write {
                Write::Delete => batch.delete(key),
                Write::Put(value) => batch.put(key, value),
            };
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that writes: every change has come through `submit`"
        )]
        let committed = self.shelves.store.commit(batch);
        Ok(committed?)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
