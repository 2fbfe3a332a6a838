//! Plain HPKE envelopes: a fresh key for each record, wrapped for each reader (X-Wing, as casevault does for a folder).
//!
//! To grant, the owner unwraps every record's key and wraps it for the reader. Nothing is signed or logged, and a
//! missing or older record is not noticed.

use casevault::{
    crypto::{Random, Secret, aead::OneUseKey, wrap::WRAP_BYTES},
    party::Keyring,
    store::Key,
};

use crate::{Outcome, Peer, Round, same, shelf::Shelf, timed};

pub(crate) struct Hpke {
    shelf: Shelf,
    random: Random,
    owner: Keyring,
    reader: Keyring,
}

impl Hpke {
    pub(crate) fn open() -> Outcome<Self> {
        let (owner, reader) = (Keyring::generate()?, Keyring::generate()?);
        Ok(Self { shelf: Shelf::open()?, random: Random::system()?, owner, reader })
    }

    /// The owner's wrap, then the record.
    fn seal(&mut self, record: &[u8]) -> Outcome<Vec<u8>> {
        let key = Secret::generate(&mut self.random);
        let mut row = wrap(&self.owner, &key, &mut self.random)?;
        row.extend(OneUseKey::new(key).seal(b"", record));
        Ok(row)
    }
}

fn wrap(reader: &Keyring, key: &Secret<32>, random: &mut Random) -> Outcome<Vec<u8>> {
    Ok(reader.opening_key().sealing_key().wrap(b"record", b"", key, random)?)
}

fn halves(row: &[u8]) -> Outcome<(&[u8], &[u8])> {
    Ok(row.split_at_checked(WRAP_BYTES).ok_or("a row is too short")?)
}

impl Peer for Hpke {
    fn name(&self) -> &'static str {
        "HPKE envelopes, a wrap a record"
    }

    fn round(&mut self, records: &[Vec<u8>]) -> Outcome<Round> {
        let (keys, granted): (Vec<Key>, Vec<Key>) =
            (self.shelf.keys(records.len())?, self.shelf.keys(records.len())?);
        let (put, ()) = timed(|| {
            let rows = records.iter().map(|record| self.seal(record)).collect::<Outcome<_>>()?;
            self.shelf.put(&keys, rows)
        })?;
        let (grant, ()) = timed(|| {
            let mut wraps = Vec::new();
            for key in &keys {
                let row = self.shelf.get(key)?;
                let key = self.owner.opening_key().unwrap_key(b"record", b"", halves(&row)?.0)?;
                wraps.push(wrap(&self.reader, &key, &mut self.random)?);
            }
            self.shelf.put(&granted, wraps)
        })?;
        let (open, read) = timed(|| {
            let open = |(key, granted): (&Key, &Key)| -> Outcome<Vec<u8>> {
                let wrap = self.shelf.get(granted)?;
                let record = OneUseKey::new(self.reader.opening_key().unwrap_key(b"record", b"", &wrap)?)
                    .open(b"", halves(&self.shelf.get(key)?)?.1)?;
                Ok(record)
            };
            keys.iter().zip(&granted).map(open).collect::<Outcome<Vec<_>>>()
        })?;
        same(&read, records)?;
        Ok(Round { put, grant, open })
    }
}
