//! SQLCipher: a database for each folder, under a raw key (no passphrase to stretch), WAL, synchronous = FULL.
//!
//! To grant is to hand the database's key over, here wrapped with HPKE (X-Wing) and kept in a row: it opens all of it,
//! to write as to read, until the whole database is rewritten under another key. Nothing is signed or logged.

use std::path::PathBuf;

use casevault::{
    crypto::{Random, Secret},
    party::Keyring,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{Outcome, Peer, Round, same, timed};

pub(crate) struct SqlCipher {
    random: Random,
    reader: Keyring,
    folders: i64,
    directory: TempDir,
}

impl SqlCipher {
    pub(crate) fn open() -> Outcome<Self> {
        let reader = Keyring::generate()?;
        Ok(Self { random: Random::system()?, reader, folders: 0, directory: tempfile::tempdir()? })
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(format!("{}.db", self.folders))
    }
}

fn connect(path: PathBuf, key: &Secret<32>) -> Outcome<Connection> {
    let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA key = \"x'{hex}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    ))?;
    Ok(connection)
}

impl Peer for SqlCipher {
    fn name(&self) -> &'static str {
        "SQLCipher, a database a folder"
    }

    fn round(&mut self, records: &[Vec<u8>]) -> Outcome<Round> {
        self.folders += 1;
        let key = Secret::generate(&mut self.random);
        let mut owner = connect(self.path(), &key)?;
        owner.execute_batch("CREATE TABLE record (id INTEGER PRIMARY KEY, content BLOB NOT NULL);")?;
        let wraps = Connection::open(self.directory.path().join("wraps.db"))?;
        wraps.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS wrap (folder INTEGER PRIMARY KEY, wrap BLOB NOT NULL);",
        )?;
        let (put, ()) = timed(|| {
            let transaction = owner.transaction()?;
            {
                let mut insert = transaction.prepare("INSERT INTO record (content) VALUES (?1)")?;
                records.iter().try_for_each(|record| insert.execute([record]).map(drop))?;
            }
            Ok(transaction.commit()?)
        })?;
        let (grant, _) = timed(|| {
            let wrap =
                self.reader.opening_key().sealing_key().wrap(b"folder", b"", &key, &mut self.random)?;
            Ok(wraps.execute("INSERT INTO wrap VALUES (?1, ?2)", (self.folders, wrap))?)
        })?;
        drop((owner, key));
        let (open, read) = timed(|| {
            let find = "SELECT wrap FROM wrap WHERE folder = ?1";
            let wrap: Vec<u8> = wraps.query_row(find, [self.folders], |row| row.get(0))?;
            let key = self.reader.opening_key().unwrap_key(b"folder", b"", &wrap)?;
            let reader = connect(self.path(), &key)?;
            let mut select = reader.prepare("SELECT content FROM record ORDER BY id")?;
            let rows = select.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        same(&read, records)?;
        Ok(Round { put, grant, open })
    }
}
