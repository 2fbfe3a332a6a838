//! A raw store for peers that bring none: casevault's own engine, durable on return.

use casevault::{
    crypto::Random,
    id::OpId,
    store::{Batch, Key, Place, SledStore, Store},
};
use tempfile::TempDir;

use crate::Outcome;

pub(crate) struct Shelf {
    store: SledStore,
    random: Random,
    _directory: TempDir,
}

impl Shelf {
    pub(crate) fn open() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let store = SledStore::open(directory.path().join("store"))?;
        Ok(Self { store, random: Random::system()?, _directory: directory })
    }

    /// Fresh keys for so many rows.
    pub(crate) fn keys(&mut self, count: usize) -> Outcome<Vec<Key>> {
        let place = Place::from_bytes([7; 16]);
        Ok((0..count).map(|_| Key::new(place, 1, &self.random.bytes::<16>())).collect::<Result<_, _>>()?)
    }

    #[expect(clippy::disallowed_methods, reason = "a peer writes to the store as it likes")]
    pub(crate) fn put(&mut self, keys: &[Key], values: Vec<Vec<u8>>) -> Outcome<()> {
        let mut batch = Batch::new(OpId::from_bytes(self.random.bytes()));
        for (key, value) in keys.iter().zip(values) {
            batch.put(key.clone(), value);
        }
        Ok(self.store.commit(batch)?)
    }

    pub(crate) fn get(&self, key: &Key) -> Outcome<Vec<u8>> {
        Ok(self.store.get(key)?.ok_or("a row is not there")?)
    }
}
