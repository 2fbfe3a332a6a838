//! The vault: the custodian's side. It stores and decides, and cannot read.
//!
//! A message is verified, decided by [`access`](crate::access), worked out on a desk, and committed in one atomic
//! durable batch; only then is it answered. No function here and no row holds a party's secret key, a folder key or
//! plaintext.

mod anchor;
mod ask;
mod checkpoint;
mod conduct;
mod deny;
mod desk;
mod directory;
mod error;
mod export;
mod fault;
mod folders;
mod govern;
mod host;
mod lease;
mod letters;
mod listing;
mod map;
mod office;
mod open;
mod outbox;
mod people;
mod pool;
mod promise;
mod public;
mod publish;
mod published;
mod queue;
mod release;
mod rows;
mod rules;
mod sender;
mod shred;
mod snapshot;
mod standing;
mod submit;
mod tables;
mod tiles;
mod witnesses;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use minicbor::{Decode, Encode, bytes::ByteVec};

pub use anchor::Anchor;
pub use error::VaultError;
pub use export::{ExportError, Exported};
pub use host::{Host, HostDir, HostError, ShredTag};
pub use publish::{PublishError, Published};

use crate::{
    access::Policy,
    codec::{self, Magic, Malformed, wire},
    credential::Trust,
    crypto::{Random, Secret, Signer},
    custodian::{Custodian, Refusal, Request, Response, Unreachable},
    event::Principal,
    id::VaultId,
    limits::REGISTRARS_MAX,
    store::{Key, Place, Store},
    time::{Clock, SystemClock},
    vault::{
        anchor::Anchored,
        deny::DenialRate,
        desk::Shelves,
        directory::Directory,
        fault::Fault,
        map::{A_BATCH, ABatch},
        outbox::Waiting,
        rules::Rules,
        snapshot::Fetches,
        tables::{RowKeys, Table, key},
        witnesses::Asked,
    },
};

/// Turns for owners: two submissions about one owner's data follow each other, those about different owners' need not.
const TURNS: usize = 64;

/// The custodian, in process.
///
/// # Security
/// It cannot read a record, and cannot forge an event. It can refuse, delay, forget and watch: who acts when, on how
/// much. What it forgets is found by receipts and by sessions' memories.
pub struct Vault {
    shelves: Shelves,
    host: Box<dyn Host>,
    clock: Box<dyn Clock>,
    random: Mutex<Random>,
    signer: Signer,
    root: Secret<32>,
    id: VaultId,
    rules: RwLock<Arc<Rules>>,
    directory: Mutex<Directory>,
    turns: Vec<Mutex<()>>,
    outbox: Mutex<Vec<Waiting>>,
    denials: Mutex<DenialRate>,
    anchored: Mutex<Anchored>,
    /// One act on the pool at a time: what is shown of it, and what is taken back.
    pool: Mutex<()>,
    /// One checkpoint at a time; who shows the map waits for it.
    checkpointing: Mutex<()>,
    /// As which the lease knows this vault, of all that are open over the store.
    holder: [u8; 16],
    /// What witnesses were asked; who finds them being asked does not wait.
    asked: Mutex<Asked>,
    /// The exports that auditors fetch.
    fetches: Fetches,
    /// How many rows of the heads map one batch writes.
    a_batch: ABatch,
    read_only: bool,
}

/// A vault's own row: its id, and its keys wrapped under the host's root.
#[derive(Encode, Decode)]
#[cbor(map)]
struct MetaRow {
    #[n(0)]
    vault: VaultId,
    #[n(1)]
    keys: ByteVec,
    /// The present policy.
    #[n(2)]
    policy: Policy,
    /// How many came before it.
    #[cbor(n(3), default, skip_if = "is_first")]
    version: u32,
    /// The first policy, once there is another.
    #[n(4)]
    first: Option<Policy>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called with a reference by the derived encoder")]
const fn is_first(version: &u32) -> bool {
    *version == 0
}

wire! { MetaRow: "vault row", 4 * 2048 * REGISTRARS_MAX + 1024; }

/// With the version of all the vault's rows.
const META: Magic = Magic(*b"CVva", 2);

/// The version before: no tiles lie over the heads map, and the word of a change has no head.
const META_BEFORE: Magic = Magic(*b"CVva", 1);

/// Where the vault's own row lies: the one place that is not blinded, for its key is in it.
const META_PLACE: Place = Place::from_bytes([0xff; 16]);

impl Vault {
    /// Makes a vault in an empty store.
    ///
    /// # Errors
    /// [`VaultError::Exists`] if the store holds a vault already: a making that did not end is either that, or is made
    /// anew; [`VaultError::HostInUse`] if the host keeps another vault's anchor; otherwise if the policy names no
    /// registrar, or store or host fail.
    pub fn create(store: impl Store, host: impl Host, policy: Policy) -> Result<Self, VaultError> {
        Self::create_with(store, host, policy, SystemClock, Random::system()?)
    }

    /// Makes a vault with this clock and this randomness.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_with(
        store: impl Store,
        host: impl Host,
        policy: Policy,
        clock: impl Clock,
        mut random: Random,
    ) -> Result<Self, VaultError> {
        if !policy.is_sound() {
            return Err(VaultError::Policy);
        }
        let key = key(META_PLACE, Table::Meta, &[])?;
        if store.get(&key)?.is_some() {
            return Err(VaultError::Exists);
        }
        let root = host.root()?;
        let vault = VaultId::from_bytes(random.bytes());
        let secrets = zeroize::Zeroizing::new(random.bytes::<64>());
        let keys = host::wrap(&root, &meta_label(vault), secrets.as_slice(), &mut random);
        let row = MetaRow { vault, keys: keys.into(), policy, version: 0, first: None };
        let mut vault = Self::assemble(Box::new(store), Box::new(host), &row, (Box::new(clock), random))?;
        // Before the vault is there: one that is there has an anchor.
        vault.first_anchor()?;
        vault.note_creation(&row.policy, (key, codec::frame(META, &row)))?;
        vault.read_only = false;
        vault.anchor()?;
        Ok(vault)
    }

    /// Opens a vault.
    ///
    /// # Errors
    /// [`VaultError::RolledBack`] if the store is behind its anchor, [`VaultError::OtherHistory`] if its log is not the one
    /// that was anchored; otherwise as the variants say.
    pub fn open(store: impl Store, host: impl Host) -> Result<Self, VaultError> {
        Self::open_with(store, host, SystemClock, Random::system()?)
    }

    /// Opens a vault with this clock and this randomness.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        store: impl Store,
        host: impl Host,
        clock: impl Clock,
        random: Random,
    ) -> Result<Self, VaultError> {
        let row = read_meta(&store)?;
        let mut vault = Self::assemble(Box::new(store), Box::new(host), &row, (Box::new(clock), random))?;
        vault.check_anchor()?;
        vault.load_outbox()?;
        vault.load_registries()?;
        vault.read_only = false;
        vault.renew()?;
        Ok(vault)
    }

    /// Opens a vault whose store is behind its anchor, to save what is there: it answers questions and takes nothing.
    ///
    /// # Errors
    /// As [`Self::open`], save for the anchor, which is not looked at.
    pub fn salvage(store: impl Store, host: impl Host) -> Result<Self, VaultError> {
        let row = read_meta(&store)?;
        let parts: (Box<dyn Clock>, Random) = (Box::new(SystemClock), Random::system()?);
        let vault = Self::assemble(Box::new(store), Box::new(host), &row, parts)?;
        vault.load_outbox()?;
        vault.load_registries()?;
        Ok(vault)
    }

    /// Goes on from a store that was restored from a backup: says so in a signed event, and anchors anew.
    ///
    /// What was committed after the backup is gone. Sessions that saw newer heads refuse this vault for those folders,
    /// and are right to: tell their holders.
    ///
    /// # Errors
    /// As [`Self::open`], save for the anchor, which may be ahead.
    pub fn accept_restore(store: impl Store, host: impl Host) -> Result<Self, VaultError> {
        let row = read_meta(&store)?;
        let parts: (Box<dyn Clock>, Random) = (Box::new(SystemClock), Random::system()?);
        let mut vault = Self::assemble(Box::new(store), Box::new(host), &row, parts)?;
        let anchor = vault.host.anchor()?.unwrap_or_default();
        vault.load_outbox()?;
        vault.load_registries()?;
        vault.read_only = false;
        vault.renew()?;
        vault.note_restore(crate::crypto::kdf::digest(crate::crypto::Label::Anchor, &[&anchor]))?;
        vault.anchor()?;
        Ok(vault)
    }

    /// Takes a vault of the version before over: what that did otherwise is read as it lies there, and written as it is written now.
    /// From then on the version before does not open it.
    fn renew(&self) -> Result<(), Fault> {
        let key = key(META_PLACE, Table::Meta, &[])?;
        let row = self.shelves.store.get(&key)?.ok_or(Fault::Damaged)?;
        if codec::unframe::<MetaRow>(META, &row).is_ok() {
            return Ok(());
        }
        let renewed = codec::frame(META, &read_row(&row).map_err(|_damaged| Fault::Damaged)?);
        let mut desk = self.log_desk();
        desk.put_plain((key, row), renewed);
        self.commit_log(desk)
    }

    fn assemble(
        store: Box<dyn Store>,
        host: Box<dyn Host>,
        row: &MetaRow,
        (clock, mut random): (Box<dyn Clock>, Random),
    ) -> Result<Self, VaultError> {
        let root = host.root()?;
        let secrets =
            host::unwrap(&root, &meta_label(row.vault), &row.keys).or(Err(VaultError::WrongRoot))?;
        let (storage, signing) = secrets.split_first_chunk::<32>().ok_or(VaultError::WrongRoot)?;
        let signing = Secret::try_from(signing).or(Err(VaultError::WrongRoot))?;
        let signer = Signer::from_seed(&signing);
        let trust = row.policy.trust(row.vault, signer.verifying_key(), row.version);
        let rules = Rules { trust, policy: row.policy.clone(), registries: Vec::new() };
        Ok(Self {
            shelves: Shelves { store, keys: RowKeys::derive(&Secret::from_bytes(*storage)) },
            host,
            clock,
            holder: random.bytes(),
            random: Mutex::new(random),
            signer,
            root,
            id: row.vault,
            rules: RwLock::new(Arc::new(rules)),
            directory: Mutex::default(),
            turns: std::iter::repeat_with(Mutex::default).take(TURNS).collect(),
            outbox: Mutex::default(),
            denials: Mutex::new(DenialRate::new()),
            anchored: Mutex::new(Anchored::nothing()),
            pool: Mutex::default(),
            checkpointing: Mutex::default(),
            asked: Mutex::default(),
            fetches: Fetches::default(),
            a_batch: A_BATCH,
            // Until all is checked: a vault given up on the way must not anchor what it found.
            read_only: true,
        })
    }

    /// The vault's id, key and registrars: what a session's memory should be given out of band.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.rules().trust.clone()
    }

    /// What this vault allows at present.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.rules().policy.clone()
    }

    /// Puts a checkpoint down unless another process is at it, anchors the store's present state and gives the vault up;
    /// dropping it anchors too, but makes no checkpoint and cannot say if it failed.
    ///
    /// # Errors
    /// [`VaultError`] if the anchor could not be kept.
    pub fn close(self) -> Result<(), VaultError> {
        if self.read_only {
            return Ok(());
        }
        match self.checkpoint() {
            Ok(_) | Err(VaultError::Leased) => self.anchor(),
            Err(error) => Err(error),
        }
    }

    const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Waits for an owner's turn.
    fn turn(&self, of: Principal) -> Option<MutexGuard<'_, ()>> {
        let place = self.shelves.keys.place(of);
        let number = place.as_bytes().last().map_or(0, |byte| usize::from(*byte) % TURNS);
        self.turns.get(number).map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, message: &[u8]) -> Result<Response, Fault> {
        match codec::decode::<Request>(message)? {
            Request::Ask(query) => Ok(Response::Answer(self.ask(&query)?)),
            Request::Charters(since) => self.charters(since),
            Request::Checkpoint(since) => self.newest_checkpoint(since),
            Request::Hello => {
                let rules = self.rules();
                Ok(Response::Hello(rules.trust.clone(), rules.policy.clone()))
            }
            Request::Public(question) => Ok(Response::Public(self.answer_public(&question)?)),
            Request::Submit(submission) => Ok(Response::Accepted(self.submit(&submission)?)),
        }
    }

    fn refuse(&self, fault: &Fault) -> Refusal {
        match fault {
            Fault::Denied(denial, actor, folder) => {
                tracing::info!(reason = denial.word(), ?actor, ?folder, "refused");
                self.note_denial(*denial, *actor, *folder);
            }
            Fault::Store(error) => tracing::error!(code = error.code(), "the store failed"),
            Fault::Host(error) => tracing::error!(code = error.code(), "the host failed"),
            Fault::Damaged => tracing::error!("a stored row is not what was written"),
            Fault::Conflict | Fault::Leased | Fault::Malformed | Fault::ReadOnly => {
                tracing::debug!(?fault, "not taken");
            }
        }
        fault.refusal()
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.id)
    }
}

impl Custodian for Vault {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        let response = self.respond(message).unwrap_or_else(|fault| Response::Refused(self.refuse(&fault)));
        Ok(codec::encode(&response))
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        if !self.read_only
            && let Err(error) = self.anchor()
        {
            tracing::warn!(code = error.code(), "the last anchor could not be kept");
        }
    }
}

fn meta_label(vault: VaultId) -> Vec<u8> {
    [b"vault keys".as_slice(), vault.as_bytes()].concat()
}

/// The vault's own row, as it will stand under another policy.
fn meta_under(row: &[u8], policy: &Policy, version: u32) -> Result<(Key, Vec<u8>), Fault> {
    let row = read_row(row).map_err(|_damaged| Fault::Damaged)?;
    let first = row.first.or(Some(row.policy));
    let row = MetaRow { policy: policy.clone(), version, first, ..row };
    Ok((key(META_PLACE, Table::Meta, &[])?, codec::frame(META, &row)))
}

/// The policy a vault began with.
fn first_policy(row: &[u8]) -> Result<Policy, Fault> {
    let row = read_row(row).map_err(|_damaged| Fault::Damaged)?;
    Ok(row.first.unwrap_or(row.policy))
}

fn read_meta(store: &impl Store) -> Result<MetaRow, VaultError> {
    let row = store.get(&key(META_PLACE, Table::Meta, &[])?)?.ok_or(VaultError::NoVault)?;
    let Magic(name, version) = META;
    let is_other = row.strip_prefix(&name).and_then(<[u8]>::first).is_some_and(|other| *other != version);
    read_row(&row).or(Err(if is_other { VaultError::OtherFormat } else { VaultError::Damaged }))
}

fn read_row(row: &[u8]) -> Result<MetaRow, Malformed> {
    codec::unframe(META, row).or_else(|_other| codec::unframe(META_BEFORE, row))
}
