//! What stands beside the vault: the raw store, set up as the vault's, and the raw primitives.

use casevault::{
    crypto::{Label, Random, Secret, Signature, Signer, VerifyingKey, aead::OneUseKey},
    id::OpId,
    party::Keyring,
    store::{Batch, Key, Place, SledStore, Store},
};
use tempfile::TempDir;

use crate::{
    Outcome,
    clinic::RECORD_BYTES,
    measure::{Spread, timed},
};

/// The length of an event's statement, roughly: what a signature is over.
const EVENT_BYTES: usize = 512;

/// The engine of the vault, without the vault: `sled` with 8 MiB segments and a cache of 64 MiB, durable on return.
pub(crate) struct RawStore {
    pub(crate) store: SledStore,
    pub(crate) random: Random,
    pub(crate) keys: Vec<Key>,
    /// Last, so that the store has gone when its files do.
    pub(crate) directory: TempDir,
}

impl RawStore {
    pub(crate) fn open() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let store = SledStore::open(directory.path().join("store"))?;
        Ok(Self { store, random: Random::system()?, keys: Vec::new(), directory })
    }

    /// Puts so many records in one batch; how long it took.
    pub(crate) fn put(&mut self, count: usize) -> Outcome<f64> {
        let values = (0..count).map(|_| self.random.bytes::<RECORD_BYTES>().to_vec()).collect();
        self.put_values(values)
    }

    /// Puts values under fresh keys of one place in one batch; how long it took.
    #[expect(clippy::disallowed_methods, reason = "the raw store is what is measured")]
    pub(crate) fn put_values(&mut self, values: Vec<Vec<u8>>) -> Outcome<f64> {
        let place = Place::from_bytes([7; 16]);
        let fresh = |_: &Vec<u8>| Key::new(place, 1, &self.random.bytes::<16>());
        let keys: Vec<Key> = values.iter().map(fresh).collect::<Result<_, _>>()?;
        self.keys.extend(keys.iter().cloned());
        let op_id = OpId::from_bytes(self.random.bytes());
        let (time, ()) = timed(|| {
            let mut batch = Batch::new(op_id);
            for (key, value) in keys.into_iter().zip(values) {
                batch.put(key, value);
            }
            Ok(self.store.commit(batch)?)
        })?;
        Ok(time)
    }
}

/// The primitives, each timed alone.
pub(crate) struct Primitives {
    reader: Keyring,
    signer: Signer,
    key: VerifyingKey,
    random: Random,
    statement: [u8; EVENT_BYTES],
    signature: Signature,
}

impl Primitives {
    pub(crate) fn new() -> Outcome<Self> {
        let mut random = Random::system()?;
        let signer = Signer::from_seed(&Secret::generate(&mut random));
        let statement = random.bytes();
        let signature = signer.sign(Label::Event, &statement);
        let reader = Keyring::generate_with(&mut random);
        Ok(Self { key: signer.verifying_key(), reader, signer, random, statement, signature })
    }

    /// Ed25519 over so much as an event.
    pub(crate) fn sign(&mut self) -> Outcome<f64> {
        self.statement = self.random.bytes();
        let (time, signature) = timed(|| Ok(self.signer.sign(Label::Event, &self.statement)))?;
        self.signature = signature;
        Ok(time)
    }

    /// So many signatures verified strictly.
    pub(crate) fn verify(&self, count: usize) -> Outcome<f64> {
        let verify = |_| self.key.verify(Label::Event, &self.statement, &self.signature);
        Ok(timed(|| Ok((0..count).try_for_each(verify)?))?.0)
    }

    /// HPKE with X-Wing: a key sealed for so many readers.
    pub(crate) fn wrap(&mut self, count: usize) -> Outcome<f64> {
        let card = self.reader.opening_key().sealing_key();
        let key = Secret::generate(&mut self.random);
        let random = &mut self.random;
        Ok(timed(|| {
            for _ in 0..count {
                card.wrap(&[7; 200], &[7; 70], &key, random)?;
            }
            Ok(())
        })?
        .0)
    }

    /// What a signature takes, once and for all.
    pub(crate) fn signature(&mut self) -> Outcome<Spread> {
        (0..200).map(|_| self.sign()).collect()
    }

    /// AES-256-GCM under a fresh key for each of these.
    pub(crate) fn seal(&mut self, messages: &[Vec<u8>]) -> Outcome<f64> {
        let keys: Vec<OneUseKey> =
            messages.iter().map(|_| OneUseKey::new(Secret::generate(&mut self.random))).collect();
        Ok(timed(|| {
            Ok(keys
                .into_iter()
                .zip(messages)
                .map(|(key, text)| key.seal(b"place", text).len())
                .sum::<usize>())
        })?
        .0)
    }

    /// The same, opened again.
    pub(crate) fn open(&mut self, message: &[u8]) -> Outcome<f64> {
        let secret: [u8; 32] = self.random.bytes();
        let sealed = OneUseKey::new(Secret::from_bytes(secret)).seal(b"place", message);
        let key = OneUseKey::new(Secret::from_bytes(secret));
        Ok(timed(|| Ok(key.open(b"place", &sealed)?))?.0)
    }
}
