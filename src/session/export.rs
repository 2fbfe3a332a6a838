//! The auditor's export, for who is not on the custodian's machine: fetched page by page, and judged by [`audit`](crate::audit).
//!
//! ```text
//! BeginExport(log seen)     → a checkpoint, grown from it
//! Export event, signed      → in the vault's stream: who takes which checkpoint's export
//! Export(file, place) …     → its pages, as that checkpoint has all streams, whatever is written meanwhile
//! ```

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use crate::{
    access::{Charter, Policy},
    audit::{self, AuditError, AuditReport},
    codec::{self, Wire},
    credential::Trust,
    custodian::{Answer, ExportFile, ExportPlace, Part, Question},
    error::{Error, Misuse, Tampering},
    event::{Principal, Step, Verb},
    id::Digest,
    limits::{EXPORT_PAGE_BYTES_MAX, LOG_EPOCHS_MAX, REGISTRARS_MAX, RELEASE_BATCHES_MAX},
    log::{self, LogEpoch, Tile, entries},
    merkle,
    party::{Auditor, Card},
    session::{
        Checkpointed, Session,
        exchange::{From, Hand, Outcome},
    },
};

/// How often a fetch begins anew when the custodian has given up the one before.
const ATTEMPTS: usize = 4;

/// The longest policy with its signatures, in base64.
const CHARTER_BYTES_MAX: usize = 128 * 1024;

/// Why an export could not be fetched, or not be audited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// What was fetched could not be audited.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The folder could not be written.
    #[error("the export cannot be written: choose a folder in a place with room, and repeat")]
    Files(#[from] std::io::Error),
    /// The folder holds something already.
    #[error("the export's folder is not empty: choose another")]
    NotEmpty,
    /// The custodian did not give it, or not as it should be.
    #[error(transparent)]
    Session(Error),
}

impl FetchError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Audit(error) => error.code(),
            Self::Files(_) => "export-files",
            Self::NotEmpty => "export-not-empty",
            Self::Session(error) => error.code(),
        }
    }
}

impl<T: Into<Error>> std::convert::From<T> for FetchError {
    fn from(error: T) -> Self {
        Self::Session(error.into())
    }
}

impl Session<'_, Auditor> {
    /// Fetches an export of all streams, as `docs/audit.md` describes it, into a folder that is not there yet, or is empty: there
    /// whole and durable on return, or not at all. Its checkpoint has grown from all that this session has seen of the log, and
    /// its policies lead to the registrars this session trusts; what else is in it, [`Self::audit`] judges.
    ///
    /// That this auditor takes it stands in the vault's stream before any of it is given. Acts that come after its checkpoint,
    /// which may be a minute old, are in the next.
    ///
    /// # Errors
    /// [`Error::Denied`] if the auditor is not attested now, or barred; [`Error::Tampered`] if the custodian shows another log, or
    /// other registrars, or less or more than the checkpoint has; [`Misuse::Conflict`] if it gives each fetch up halfway.
    ///
    /// # Security
    /// No name and no content is in it; but who acted on which folder when is: keep it where nobody else reads it. A custodian who
    /// signs that there is endless much fills the disk.
    pub fn fetch(&self, directory: impl AsRef<Path>) -> Result<Checkpointed, FetchError> {
        let directory = directory.as_ref();
        if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(FetchError::NotEmpty);
        }
        self.meet()?;
        for _ in 0..ATTEMPTS {
            let scratch = Scratch::beside(directory, self.random())?;
            match self.fetch_into(&scratch.0) {
                Err(FetchError::Session(Error::Misuse(Misuse::Conflict))) => (),
                Err(error) => return Err(error),
                Ok(checkpoint) => {
                    scratch.keep_as(directory)?;
                    return Ok(checkpoint);
                }
            }
        }
        Err(Misuse::Conflict.into())
    }

    /// Fetches an export, and checks all of it: every stream, against its checkpoint and so against every checkpoint that this
    /// session has seen, without a key. The export stays, for it is the evidence.
    ///
    /// # Errors
    /// As when it is only fetched; [`FetchError::Audit`] if the export is not one. What is wrong within it is a finding of the report.
    pub fn audit(&self, directory: impl AsRef<Path>) -> Result<AuditReport, FetchError> {
        let directory = directory.as_ref();
        let checkpoint = self.fetch(directory)?;
        let report = audit::verify(directory, None)?;
        // Nobody has put another in its place meanwhile.
        let is_its = report.vault == self.trust()?.vault && report.log == checkpoint.head;
        if is_its { Ok(report) } else { Err(Tampering::Stream.into()) }
    }

    fn fetch_into(&self, path: &Path) -> Result<Checkpointed, FetchError> {
        let checkpoint = self.begin_export()?;
        put(&path.join("checkpoint"), checkpoint.note.as_bytes())?;
        let last = self.fetch_log(&checkpoint, path)?;
        let log = checkpoint.head.root;
        let policy = self.fetch_policy(log)?;
        put(&path.join("policy.json"), &policy)?;
        let parties = self.fetch_lines((log, ExportFile::Parties), &path.join("parties.ndjson"), {
            let registrars = u64::try_from(REGISTRARS_MAX).unwrap_or(u64::MAX);
            last.owners.saturating_add(registrars)
        })?;
        let events = self.fetch_lines((log, ExportFile::Events), &path.join("events.ndjson"), last.events)?;
        if parties < last.owners || events < last.events {
            return Err(Tampering::Stream.into());
        }
        // Each release is an event.
        let batches = u64::try_from(RELEASE_BATCHES_MAX).unwrap_or(u64::MAX);
        let most = last.events.saturating_mul(batches);
        self.fetch_lines((log, ExportFile::Releases), &path.join("releases.ndjson"), most)?;
        Ok(checkpoint)
    }

    /// The checkpoint of the export, verified; and that this auditor takes it, on record.
    fn begin_export(&self) -> Result<Checkpointed, Error> {
        let seen = self.state().memory.log.unwrap_or_default();
        let Answer::Checkpoint(note, growth) = self.ask(Question::BeginExport(seen.size))? else {
            return Err(Tampering::Answer.into());
        };
        let checkpoint = self.verify_growth(seen, note, &growth)?;
        if !(1..=LOG_EPOCHS_MAX).contains(&checkpoint.head.size) {
            return Err(Tampering::Stream.into());
        }
        self.remember_log(checkpoint.head);
        let event = self.event(Principal::Party(self.id()), Verb::Export, self.fresh_op())?;
        let owner = Principal::Vault(self.vault_id()?);
        let event = event.with(|step| Step { owner, subject: Some(checkpoint.head.root), ..step });
        match self.submit(From::Other, vec![Part::of(self.sign(&Hand::Own, event))])? {
            Outcome::Accepted(_) => Ok(checkpoint),
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }

    /// The log's entries, which make the checkpoint, and the tiles that follow from them; the last entry.
    fn fetch_log(&self, checkpoint: &Checkpointed, path: &Path) -> Result<LogEpoch, FetchError> {
        let Checkpointed { head, .. } = checkpoint;
        let wrong = || Error::from(Tampering::Stream);
        let vault = self.vault_id()?;
        let (mut hashes, mut last) = (Vec::new(), None);
        for tile in Tile::of(head.size) {
            let Some(entries_path) = tile.entries_path() else { continue };
            let mut bundle = Vec::new();
            self.pages((head.root, ExportFile::LogEntries(tile.index())), |page| {
                bundle.extend_from_slice(page);
                if bundle.len() > EXPORT_PAGE_BYTES_MAX { Err(wrong().into()) } else { Ok(()) }
            })?;
            for entry in entries(tile, &bundle).map_err(|_malformed| wrong())? {
                let epoch: LogEpoch = codec::decode(entry).map_err(|_malformed| wrong())?;
                if epoch.vault != vault || u64::try_from(hashes.len()).ok() != Some(epoch.number) {
                    return Err(wrong().into());
                }
                hashes.push(epoch.hash());
                last = Some(epoch);
            }
            put(&path.join(entries_path), &bundle)?;
        }
        if merkle::root(&hashes) != *head {
            return Err(wrong().into());
        }
        for tile in Tile::of(head.size) {
            put(&path.join(tile.path()), &tile.of_leaves(&hashes).ok_or_else(wrong)?)?;
        }
        Ok(last.ok_or_else(wrong)?)
    }

    /// The policies, which lead to the registrars that this session trusts.
    fn fetch_policy(&self, log: Digest) -> Result<Vec<u8>, FetchError> {
        let trust = self.trust()?;
        let count = usize::try_from(trust.version).unwrap_or(usize::MAX);
        // Some may have come since the vault was met.
        let most = count.saturating_add(2 * REGISTRARS_MAX).saturating_mul(CHARTER_BYTES_MAX);
        let mut policy = Vec::new();
        self.pages((log, ExportFile::Policy), |page| {
            policy.extend_from_slice(page);
            if policy.len() > most { Err(Tampering::Answer.into()) } else { Ok(()) }
        })?;
        if leads_to(&policy, &trust).is_some() { Ok(policy) } else { Err(Tampering::Trust.into()) }
    }

    /// Writes the lines of a file, so many at the most; how many there were.
    fn fetch_lines(&self, file: (Digest, ExportFile), path: &Path, most: u64) -> Result<u64, FetchError> {
        let mut written = BufWriter::new(fs::File::create_new(path)?);
        let mut count = 0u64;
        self.pages(file, |page| {
            let lines = page.iter().filter(|byte| **byte == b'\n').count();
            count = count.saturating_add(u64::try_from(lines).unwrap_or(u64::MAX));
            if page.last() != Some(&b'\n') || count > most {
                return Err(Tampering::Stream.into());
            }
            Ok(written.write_all(page)?)
        })?;
        written.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        Ok(count)
    }

    /// The pages of a file, one by one: bounded, none of them empty, and each behind the one before.
    fn pages(
        &self,
        (log, file): (Digest, ExportFile),
        mut take: impl FnMut(&[u8]) -> Result<(), FetchError>,
    ) -> Result<(), FetchError> {
        let mut place = ExportPlace::default();
        loop {
            let Answer::Export(page, next) = self.ask(Question::Export(log, file, place))? else {
                return Err(Tampering::Answer.into());
            };
            let is_behind = next.is_none_or(|next| next > place);
            if page.is_empty() || page.len() > EXPORT_PAGE_BYTES_MAX || !is_behind {
                return Err(Tampering::Answer.into());
            }
            take(&page)?;
            match next {
                Some(next) => place = next,
                None => return Ok(()),
            }
        }
    }
}

/// What an export says of its policies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    vault: String,
    origin: String,
    vault_key: String,
    first: String,
    charters: Vec<String>,
    registrars: Vec<RegistrarLine>,
}

/// A registrar, for people to compare.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrarLine {
    party: String,
    fingerprint: String,
}

/// Whether a file of policies is this vault's, and its policies follow on one another by way of the one that is trusted.
fn leads_to(file: &[u8], trust: &Trust) -> Option<()> {
    let PolicyFile { vault, origin, vault_key, first, charters, registrars } =
        serde_json::from_slice(file).ok()?;
    let key = Base64::decode_vec(&vault_key).ok()?;
    let is_its = vault == trust.vault.to_hex() && key == trust.vault_key.as_bytes();
    if !is_its || origin != log::origin(trust.vault).ok()?.as_str() {
        return None;
    }
    let mut reached = value::<Policy>(&first)?.trust(trust.vault, trust.vault_key, 0);
    let mut is_met = reached == *trust;
    for charter in charters {
        (_, reached) = value::<Charter>(&charter)?.follow(&reached)?;
        is_met |= reached == *trust;
    }
    let of = |card: &Card| (card.party().to_hex(), card.digest().to_hex());
    let shown = registrars.into_iter().map(|RegistrarLine { party, fingerprint }| (party, fingerprint));
    (is_met && shown.eq(reached.registrars.iter().map(of))).then_some(())
}

fn value<T: Wire>(text: &str) -> Option<T> {
    codec::decode(&Base64::decode_vec(text).ok()?).ok()
}

/// A folder that is not whole yet: gone if it does not come to be.
struct Scratch(PathBuf);

impl Scratch {
    /// A new folder beside the one it is to become.
    fn beside(directory: &Path, random: [u8; 16]) -> Result<Self, std::io::Error> {
        let name = directory.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(parent_of(directory))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{:032x}", u128::from_be_bytes(random)));
        let path = directory.with_file_name(hidden);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Gives it its name, when all of it is on the disk.
    fn keep_as(self, directory: &Path) -> Result<(), std::io::Error> {
        let mut queue = vec![self.0.clone()];
        while let Some(path) = queue.pop() {
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    queue.push(entry.path());
                }
            }
            sync_directory(&path)?;
        }
        match fs::remove_dir(directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => (),
        }
        fs::rename(&self.0, directory)?;
        sync_directory(parent_of(directory))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(error) = fs::remove_dir_all(&self.0)
        {
            tracing::warn!(%error, "what was fetched of an export could not be removed");
        }
    }
}

fn parent_of(directory: &Path) -> &Path {
    match directory.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Writes a new file, durable on return but for its name.
fn put(path: &Path, bytes: &[u8]) -> Result<(), std::io::Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable, where a folder can be opened.
fn sync_directory(path: &Path) -> Result<(), std::io::Error> {
    if cfg!(unix) { fs::File::open(path)?.sync_all() } else { Ok(()) }
}
