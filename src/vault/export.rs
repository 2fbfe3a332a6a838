//! The auditor's export: all that is needed to check every stream against a checkpoint, and no data key.
//!
//! A folder of text files, whose formats `docs/audit.md` says exactly: `checkpoint`, `tile/…`, `events.ndjson`,
//! `parties.ndjson`, `policy.json`.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Write},
    path::Path,
    sync::PoisonError,
};

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::{
    codec,
    event::{Principal, Streamed},
    log::{OwnerHead, Tile, bundle, tiles::Tiles as _},
    merkle::Head,
    store::Place,
    vault::{
        META_PLACE, Vault, VaultError,
        checkpoint::StoredTiles,
        fault::Fault,
        first_policy,
        rows::{AttestedRow, CharterRow, ConsentRow, RulingRow},
        tables::{Table, key},
    },
};

/// What an export could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The folder could not be written.
    #[error("the export cannot be written: choose an empty folder with room, and repeat")]
    Files(#[from] std::io::Error),
    /// The folder holds something already.
    #[error("the export's folder is not empty: choose another")]
    NotEmpty,
    /// The vault could not be read.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ExportError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Files(_) => "export-files",
            Self::NotEmpty => "export-not-empty",
            Self::Vault(error) => error.code(),
        }
    }
}

impl From<Fault> for ExportError {
    fn from(fault: Fault) -> Self {
        Self::Vault(fault.into())
    }
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Streams, the vault's own included.
    pub streams: u64,
    /// Events.
    pub events: u64,
}

impl Vault {
    /// Writes the auditor's export of all streams, as they stand at a new checkpoint, into an empty folder.
    ///
    /// # Errors
    /// [`ExportError`]; what was written by then is to be thrown away.
    ///
    /// # Security
    /// No name and no content is in it; but who acted on which folder when is: it is for auditors.
    pub fn export_audit(&self, directory: impl AsRef<Path>) -> Result<Exported, ExportError> {
        let directory = directory.as_ref();
        fs::create_dir_all(directory)?;
        if fs::read_dir(directory)?.next().is_some() {
            return Err(ExportError::NotEmpty);
        }
        self.checkpoint()?;
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        if log.is_between {
            return Err(Fault::Leased.into());
        }
        fs::write(directory.join("checkpoint"), self.shown(&log)?)?;
        self.export_tiles(directory)?;
        self.export_policy(directory)?;
        let mut parties = BufWriter::new(fs::File::create_new(directory.join("parties.ndjson"))?);
        let mut events = BufWriter::new(fs::File::create_new(directory.join("events.ndjson"))?);
        let mut exported = Exported { streams: 0, events: 0 };
        for bucket in 0..1u32.checked_shl(u32::from(log.depth)).ok_or(Fault::Damaged)? {
            for head in self.bucket(log.depth, bucket)?.heads {
                exported.streams = exported.streams.saturating_add(1);
                exported.events = exported.events.saturating_add(head.head.size);
                self.export_party(&mut parties, head.owner, Some(head.head))?;
                self.export_stream(&mut events, &head)?;
            }
        }
        // Registrars own no stream; what they sign is checked all the same, by the cards that policies name.
        for card in &self.rules().policy.registrars {
            self.export_party(&mut parties, Principal::Party(card.party()), None)?;
        }
        parties.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        events.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        let (before, log) = (log.frontier.size(), self.log()?);
        if log.is_between || log.frontier.size() != before {
            // Another process wrote on the map while it was read.
            return Err(Fault::Leased.into());
        }
        Ok(exported)
    }

    /// The log, in tiles: its entries in bundles, and the hashes over them, level by level.
    fn export_tiles(&self, directory: &Path) -> Result<(), ExportError> {
        let size = self.log()?.frontier.size();
        for tile in Tile::of(size) {
            let hashes = StoredTiles(self).tile(tile).ok_or(Fault::Damaged)?;
            put(directory, &tile.path(), &hashes)?;
            let Some(path) = tile.entries_path() else { continue };
            let first = tile.index().saturating_mul(256);
            let entries = (first..)
                .take(usize::from(tile.width()))
                .map(|number| Ok(codec::encode(&self.log_epoch(number)?.ok_or(Fault::Damaged)?)));
            let entries = entries.collect::<Result<Vec<Vec<u8>>, Fault>>()?;
            let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
            put(directory, &path, &bundle(&entries).ok_or(Fault::Damaged)?)?;
        }
        Ok(())
    }

    fn export_party(
        &self,
        file: &mut impl Write,
        owner: Principal,
        head: Option<Head>,
    ) -> Result<(), ExportError> {
        let card = match owner {
            Principal::Party(party) => self.party(party)?.map(|row| base64(&codec::encode(&row.card))),
            Principal::Folder(_) | Principal::Vault(_) => None,
        };
        let mut said = serde_json::Map::from_iter([("stream".to_owned(), Value::from(name_of(owner)))]);
        if let Some(Head { size, root }) = head {
            said.insert("size".to_owned(), size.into());
            said.insert("root".to_owned(), root.to_hex().into());
        }
        if let Some(card) = card {
            said.insert("card".to_owned(), card.into());
        }
        line(file, &Value::Object(said))
    }

    fn export_stream(&self, file: &mut impl Write, head: &OwnerHead) -> Result<(), ExportError> {
        let place = self.shelves.keys.place(head.owner);
        let mut brought = self.brought(place)?;
        let stream = name_of(head.owner);
        for seq in 0..head.head.size {
            let streamed: Option<Streamed> = self.shelves.read(place, Table::Event, &[&seq.to_be_bytes()])?;
            let Streamed { received, event } = streamed.ok_or(Fault::Damaged)?;
            let said = json!({
                "stream": stream,
                "seq": seq,
                "received": received.as_ms(),
                "event": base64(&codec::encode(&event)),
                "brings": brought.remove(&seq).unwrap_or_default(),
            });
            line(file, &said)?;
        }
        Ok(())
    }

    /// What the events of a place brought that is to be checked with them, by their positions.
    fn brought(&self, place: Place) -> Result<BTreeMap<u64, Vec<Value>>, Fault> {
        let mut brought: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        for row in self.shelves.scan::<ConsentRow>(place, Table::Consent, &[])? {
            let grant = json!({ "grant": base64(&codec::encode(&row.statement)) });
            brought.entry(row.event).or_default().push(grant);
        }
        let positions = |table| -> Result<Vec<(u64, Vec<u8>)>, Fault> {
            let rows = self.shelves.raw(place, table)?.into_iter();
            rows.map(|row| {
                let id = row.key.row().first_chunk::<8>().copied().ok_or(Fault::Damaged)?;
                Ok((u64::from_be_bytes(id), row.key.row().to_vec()))
            })
            .collect()
        };
        for (position, id) in positions(Table::Attested)? {
            let row: Option<AttestedRow> = self.shelves.read(place, Table::Attested, &[&id])?;
            let signed = row.ok_or(Fault::Damaged)?.signed;
            let attestation = json!({ "attestation": base64(&codec::encode(&signed)) });
            brought.entry(position).or_default().push(attestation);
        }
        for (position, id) in positions(Table::Ruling)? {
            let row: Option<RulingRow> = self.shelves.read(place, Table::Ruling, &[&id])?;
            let signed = row.ok_or(Fault::Damaged)?.signed;
            brought.entry(position).or_default().push(json!({ "ruling": base64(&codec::encode(&signed)) }));
        }
        Ok(brought)
    }

    fn export_policy(&self, directory: &Path) -> Result<(), ExportError> {
        let meta = self.shelves.store.get(&key(META_PLACE, Table::Meta, &[]).map_err(Fault::from)?);
        let first = first_policy(&meta.map_err(Fault::from)?.ok_or(Fault::Damaged)?)?;
        let charters = self.shelves.scan::<CharterRow>(self.log_place(), Table::Charter, &[])?;
        let charters: Vec<String> =
            charters.into_iter().map(|row| base64(&codec::encode(&row.charter))).collect();
        let registrars = |policy: &crate::access::Policy| -> Vec<Value> {
            let cards = policy.registrars().iter();
            cards
                .map(|card| json!({ "party": card.party().to_hex(), "fingerprint": card.digest().to_hex() }))
                .collect()
        };
        let policy = json!({
            "vault": self.id.to_hex(),
            "origin": crate::log::origin(self.id).map_err(Fault::from)?.as_str(),
            "vault_key": base64(self.signer.verifying_key().as_bytes()),
            "first": base64(&codec::encode(&first)),
            "charters": charters,
            "registrars": registrars(&self.rules().policy),
        });
        let mut file = fs::File::create_new(directory.join("policy.json"))?;
        serde_json::to_writer_pretty(&mut file, &policy).map_err(std::io::Error::from)?;
        file.write_all(b"\n")?;
        Ok(file.sync_all()?)
    }
}

fn put(directory: &Path, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}

fn name_of(stream: Principal) -> String {
    match stream {
        Principal::Party(party) => format!("party:{}", party.to_hex()),
        Principal::Folder(folder) => format!("folder:{}", folder.to_hex()),
        Principal::Vault(vault) => format!("vault:{}", vault.to_hex()),
    }
}

fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

fn line(file: &mut impl Write, value: &Value) -> Result<(), ExportError> {
    serde_json::to_writer(&mut *file, value).map_err(std::io::Error::from)?;
    Ok(file.write_all(b"\n")?)
}
