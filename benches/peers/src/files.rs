//! age: a file for each record, X25519, kept as rows of the raw store.
//!
//! A recipient more means encrypting anew: to grant, the owner reads all, encrypts to both and puts all. Not
//! post-quantum. Nothing is signed or logged, and a missing or older file is not noticed.

use age::x25519::Identity;
use casevault::store::Key;

use crate::{Outcome, Peer, Round, same, shelf::Shelf, timed};

pub(crate) struct Age {
    shelf: Shelf,
    owner: Identity,
    reader: Identity,
}

impl Age {
    pub(crate) fn open() -> Outcome<Self> {
        Ok(Self { shelf: Shelf::open()?, owner: Identity::generate(), reader: Identity::generate() })
    }

    fn read(&self, keys: &[Key], identity: &Identity) -> Outcome<Vec<Vec<u8>>> {
        keys.iter().map(|key| Ok(age::decrypt(identity, &self.shelf.get(key)?)?)).collect()
    }
}

impl Peer for Age {
    fn name(&self) -> &'static str {
        "age, a file a record"
    }

    fn round(&mut self, records: &[Vec<u8>]) -> Outcome<Round> {
        let keys = self.shelf.keys(records.len())?;
        let (put, ()) = timed(|| {
            let owner = self.owner.to_public();
            let seal = |record: &Vec<u8>| age::encrypt(&owner, record);
            let files = records.iter().map(seal).collect::<Result<_, _>>()?;
            self.shelf.put(&keys, files)
        })?;
        let (grant, ()) = timed(|| {
            let (owner, reader) = (self.owner.to_public(), self.reader.to_public());
            let seal = |record: &Vec<u8>| -> Outcome<Vec<u8>> {
                let both: [&dyn age::Recipient; 2] = [&owner, &reader];
                let encryptor = age::Encryptor::with_recipients(both.into_iter())?;
                let mut file = Vec::new();
                let mut writer = encryptor.wrap_output(&mut file)?;
                std::io::Write::write_all(&mut writer, record)?;
                writer.finish()?;
                Ok(file)
            };
            let files = self.read(&keys, &self.owner)?.iter().map(seal).collect::<Outcome<_>>()?;
            self.shelf.put(&keys, files)
        })?;
        let (open, read) = timed(|| self.read(&keys, &self.reader))?;
        same(&read, records)?;
        Ok(Round { put, grant, open })
    }
}
