//! The auditor's export: all that is needed to check every stream against a checkpoint, and no data key.
//!
//! A folder of text files, whose formats `docs/audit.md` says exactly: `checkpoint`, `tile/…`, `events.ndjson`,
//! `parties.ndjson`, `policy.json`, `releases.ndjson`.

use std::{fs, io::Write as _, path::Path, sync::PoisonError};

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::{
    access::{Charter, Policy},
    codec,
    custodian::{ExportFile, ExportPlace},
    event::{Principal, Step, Streamed, Verb},
    limits::EXPORT_PAGE_BYTES,
    log::{Tile, bundle, tiles::Tiles as _},
    merkle::Head,
    party::Card,
    store::Place,
    vault::{
        META_PLACE, Vault, VaultError,
        fault::Fault,
        first_policy,
        rows::{AttestedRow, CharterRow, ConsentRow, RulingRow},
        snapshot::Snapshot,
        tables::{Table, key},
        tiles::StoredTiles,
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
    /// No name and no content is in it; but who acted on which folder when is: it is for auditors. Nothing says in the vault's
    /// stream that it was made: that is for who fetches it as a party.
    pub fn export_audit(&self, directory: impl AsRef<Path>) -> Result<Exported, ExportError> {
        let directory = directory.as_ref();
        fs::create_dir_all(directory)?;
        if fs::read_dir(directory)?.next().is_some() {
            return Err(ExportError::NotEmpty);
        }
        self.checkpoint()?;
        let _not_between = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.snapshot()?;
        fs::write(directory.join("checkpoint"), &snapshot.note)?;
        let stored = StoredTiles::log(self);
        for tile in Tile::of(snapshot.log.size) {
            let hashes = stored.tile(tile).ok_or_else(|| stored.missing())?;
            put(directory, &tile.path(), &hashes)?;
            if let Some(path) = tile.entries_path() {
                let (entries, _) = self.export_page(
                    &snapshot,
                    ExportFile::LogEntries(tile.index()),
                    ExportPlace::default(),
                )?;
                put(directory, &path, &entries)?;
            }
        }
        for (file, name) in [
            (ExportFile::Policy, "policy.json"),
            (ExportFile::Parties, "parties.ndjson"),
            (ExportFile::Events, "events.ndjson"),
            (ExportFile::Releases, "releases.ndjson"),
        ] {
            let mut written = fs::File::create_new(directory.join(name))?;
            let mut from = Some(ExportPlace::default());
            while let Some(place) = from {
                let (page, next) = self.export_page(&snapshot, file, place)?;
                written.write_all(&page)?;
                from = next;
            }
            written.sync_all()?;
        }
        Ok(Exported { streams: snapshot.streams, events: snapshot.events })
    }

    /// A page of a file of an export, from a place on, and where the next one begins, if there is one.
    pub(super) fn export_page(
        &self,
        snapshot: &Snapshot,
        file: ExportFile,
        from: ExportPlace,
    ) -> Result<Page, Fault> {
        match file {
            ExportFile::Events => self.events_page(snapshot, from),
            ExportFile::LogEntries(index) => Ok((self.log_entries(snapshot, index)?, None)),
            ExportFile::Parties => self.parties_page(snapshot, from),
            ExportFile::Releases => self.releases_page(snapshot, from),
            ExportFile::Policy => {
                let policy = self.policy_file(snapshot)?;
                let start = usize::try_from(from.within).map_err(|_wide| Fault::Malformed)?;
                let end = start.saturating_add(EXPORT_PAGE_BYTES).min(policy.len());
                let page = policy.get(start..end).ok_or(Fault::Malformed)?.to_vec();
                let next = ExportPlace { within: u64::try_from(end).unwrap_or(u64::MAX), ..from };
                Ok((page, (end < policy.len()).then_some(next)))
            }
        }
    }

    /// A bundle of the log's entries.
    fn log_entries(&self, snapshot: &Snapshot, index: u64) -> Result<Vec<u8>, Fault> {
        let tile = Tile::within(0, index, snapshot.log.size).ok_or(Fault::Malformed)?;
        let first = tile.index().saturating_mul(256);
        let entries = (first..)
            .take(usize::from(tile.width()))
            .map(|number| Ok(codec::encode(&self.log_epoch(number)?.ok_or(Fault::Damaged)?)));
        let entries = entries.collect::<Result<Vec<Vec<u8>>, Fault>>()?;
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        bundle(&entries).ok_or(Fault::Damaged)
    }

    fn parties_page(&self, snapshot: &Snapshot, from: ExportPlace) -> Result<Page, Fault> {
        let mut page = Vec::new();
        for bucket in from.bucket..snapshot.buckets()? {
            let heads = (0u32..).zip(self.heads(snapshot, bucket)?);
            for (stream, head) in heads.filter(|(stream, _)| (bucket, *stream) >= (from.bucket, from.stream))
            {
                if page.len() >= EXPORT_PAGE_BYTES {
                    return Ok((page, Some(ExportPlace { bucket, stream, within: 0 })));
                }
                self.party_line(&mut page, head.owner, Some(head.head))?;
            }
        }
        // Registrars own no stream; what they sign is checked all the same, by the cards that policies name.
        for card in &self.policy_of(snapshot)?.registrars {
            self.party_line(&mut page, Principal::Party(card.party()), None)?;
        }
        Ok((page, None))
    }

    fn party_line(&self, page: &mut Vec<u8>, owner: Principal, head: Option<Head>) -> Result<(), Fault> {
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
        line(page, &Value::Object(said));
        Ok(())
    }

    fn events_page(&self, snapshot: &Snapshot, from: ExportPlace) -> Result<Page, Fault> {
        let mut page = Vec::new();
        let mut within = from.within;
        for bucket in from.bucket..snapshot.buckets()? {
            let heads = (0u32..).zip(self.heads(snapshot, bucket)?);
            for (stream, head) in heads.filter(|(stream, _)| (bucket, *stream) >= (from.bucket, from.stream))
            {
                for seq in within..head.head.size {
                    if page.len() >= EXPORT_PAGE_BYTES {
                        return Ok((page, Some(ExportPlace { bucket, stream, within: seq })));
                    }
                    self.event_line(&mut page, head.owner, seq)?;
                }
                within = 0;
            }
        }
        Ok((page, None))
    }

    fn event_line(&self, page: &mut Vec<u8>, owner: Principal, seq: u64) -> Result<(), Fault> {
        let place = self.shelves.keys.place(owner);
        let streamed: Option<Streamed> = self.shelves.read(place, Table::Event, &[&seq.to_be_bytes()])?;
        let Streamed { received, event } = streamed.ok_or(Fault::Damaged)?;
        let step = event.claimed_step().map_err(|_damaged| Fault::Damaged)?;
        let said = json!({
            "stream": name_of(owner),
            "seq": seq,
            "received": received.as_ms(),
            "event": base64(&codec::encode(&event)),
            "brings": self.brought(place, seq, &step)?,
        });
        line(page, &said);
        Ok(())
    }

    /// What an event brought that is to be checked with it, as far as it is there: what is missing, the audit finds.
    fn brought(&self, place: Place, seq: u64, step: &Step) -> Result<Vec<Value>, Fault> {
        let mut brought = Vec::new();
        if let (Some(folder), Some(epoch), false) = (step.folder, step.epoch, step.grants.is_empty()) {
            let prefix = [self.folder_row(folder).as_slice(), &epoch.number().to_be_bytes()].concat();
            let consents = self.shelves.scan::<ConsentRow>(place, Table::Consent, &prefix)?;
            let its = consents.into_iter().filter(|row| row.event == seq);
            brought.extend(its.map(|row| json!({ "grant": base64(&codec::encode(&row.statement)) })));
        }
        let position = seq.to_be_bytes();
        if matches!(step.verb, Verb::Attest | Verb::Withdraw) {
            let row: Option<AttestedRow> = self.shelves.read(place, Table::Attested, &[&position])?;
            brought.extend(row.map(|row| json!({ "attestation": base64(&codec::encode(&row.signed)) })));
        }
        if step.verb == Verb::Rule {
            let row: Option<RulingRow> = self.shelves.read(place, Table::Ruling, &[&position])?;
            brought.extend(row.map(|row| json!({ "ruling": base64(&codec::encode(&row.signed)) })));
        }
        Ok(brought)
    }

    /// The policy the vault was made under.
    fn first_policy(&self) -> Result<Policy, Fault> {
        let meta = self.shelves.store.get(&key(META_PLACE, Table::Meta, &[])?)?;
        first_policy(&meta.ok_or(Fault::Damaged)?)
    }

    /// The policies that followed on it, as a snapshot has them.
    fn charters_of(&self, snapshot: &Snapshot) -> Result<Vec<Charter>, Fault> {
        let rows = self.shelves.scan::<CharterRow>(self.log_place(), Table::Charter, &[])?;
        Ok(rows.into_iter().map(|row| row.charter).take(snapshot.charters).collect())
    }

    /// The policy that was in force.
    fn policy_of(&self, snapshot: &Snapshot) -> Result<Policy, Fault> {
        match self.charters_of(snapshot)?.last() {
            Some(charter) => Ok(charter.claims().map_err(|_damaged| Fault::Damaged)?.policy),
            None => self.first_policy(),
        }
    }

    fn policy_file(&self, snapshot: &Snapshot) -> Result<Vec<u8>, Fault> {
        let charters = self.charters_of(snapshot)?;
        let charters: Vec<String> = charters.iter().map(|charter| base64(&codec::encode(charter))).collect();
        let policy = self.policy_of(snapshot)?;
        let registrar =
            |card: &Card| json!({ "party": card.party().to_hex(), "fingerprint": card.digest().to_hex() });
        let registrars: Vec<Value> = policy.registrars().iter().map(registrar).collect();
        let policy = json!({
            "vault": self.id.to_hex(),
            "origin": crate::log::origin(self.id)?.as_str(),
            "vault_key": base64(self.signer.verifying_key().as_bytes()),
            "first": base64(&codec::encode(&self.first_policy()?)),
            "charters": charters,
            "registrars": registrars,
        });
        Ok(format!("{policy:#}\n").into_bytes())
    }
}

/// A page, and where the next one begins.
pub(super) type Page = (Vec<u8>, Option<ExportPlace>);

fn put(directory: &Path, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}

pub(super) fn name_of(stream: Principal) -> String {
    match stream {
        Principal::Party(party) => format!("party:{}", party.to_hex()),
        Principal::Folder(folder) => format!("folder:{}", folder.to_hex()),
        Principal::Vault(vault) => format!("vault:{}", vault.to_hex()),
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

pub(super) fn line(page: &mut Vec<u8>, value: &Value) {
    page.extend_from_slice(value.to_string().as_bytes());
    page.push(b'\n');
}
