//! The host: what the custodian keeps that must not lie in the store or its backups.
//!
//! ```text
//! root key     32 bytes; wraps the storage key and the vault's signing key, the shred keys, nothing else
//! shred ledger one file for each owner: r₃₂ ‖ AES-256-GCM(HKDF(root, "host key" ‖ "shred" ‖ r), aad = tag)
//! anchor       { vault, generation, time, head of the log }, signed by the vault
//! ```
//!
//! And it is the host who can reach witnesses, if there are any.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, Magic, wire},
    crypto::{
        Label, Random, Secret,
        aead::OneUseKey,
        kdf::derive,
        passphrase::{Passphrase, Stretch},
    },
    log::{Witness, WitnessReply},
};

/// Which owner a shred key is of: a blinded id.
pub type ShredTag = [u8; 16];

/// Why the host did not give or keep something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The file system failed.
    #[error("the host's files cannot be read or written: check the disk and its rights")]
    Io(#[from] std::io::Error),
    /// The root key does not open with this passphrase, or the file is damaged.
    #[error("the root key does not open: check the passphrase, or restore the host's directory")]
    Root,
    /// A file of the host is not what was written.
    #[error("a file of the host is damaged: restore the host's directory from its own backup")]
    Damaged,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] crate::crypto::NoRandomness),
}

impl HostError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "host-io",
            Self::Root => "host-root",
            Self::Damaged => "host-damaged",
            Self::Randomness(_) => "no-randomness",
        }
    }
}

/// Keeps what must not lie in the store: the root key, the shred ledger, the anchor.
///
/// What it keeps is durable when it returns. The bytes of shred keys and anchors are sealed or signed already.
pub trait Host: Send + Sync + 'static {
    /// The root key.
    ///
    /// # Errors
    /// [`HostError`] if it cannot be had.
    fn root(&self) -> Result<Secret<32>, HostError>;

    /// The last anchor, if there is one.
    ///
    /// # Errors
    /// [`HostError`] if it cannot be read.
    fn anchor(&self) -> Result<Option<Vec<u8>>, HostError>;

    /// Keeps an anchor in place of the last.
    ///
    /// # Errors
    /// [`HostError`] if it is not durable.
    fn keep_anchor(&self, anchor: &[u8]) -> Result<(), HostError>;

    /// An owner's wrapped shred key, if there is one.
    ///
    /// # Errors
    /// [`HostError`] if it cannot be read.
    fn shred_key(&self, tag: ShredTag) -> Result<Option<Vec<u8>>, HostError>;

    /// Keeps an owner's wrapped shred key.
    ///
    /// # Errors
    /// [`HostError`] if it is not durable.
    fn keep_shred_key(&self, tag: ShredTag, wrapped: &[u8]) -> Result<(), HostError>;

    /// Asks a witness to sign a checkpoint: posts the request (C2SP tlog-witness, `add-checkpoint`) to where this host
    /// knows the witness, and gives back what it answered. A host that knows none asks nobody.
    ///
    /// Called outside every lock, witness by witness: an answer that does not come is to be given up after some seconds.
    /// What is answered is verified, and need not be believed; of a body, no more than
    /// [`NOTE_BYTES_MAX`](crate::limits::NOTE_BYTES_MAX) bytes need be read.
    ///
    /// # Errors
    /// [`HostError`] if the witness cannot be asked; the next checkpoint is asked for anew.
    fn ask_witness(&self, witness: &Witness, request: &[u8]) -> Result<Option<WitnessReply>, HostError> {
        let _nobody = (witness, request);
        Ok(None)
    }
}

/// A host in a directory of its own, which must not be the store's and must not be backed up with it.
#[derive(Debug)]
pub struct HostDir {
    path: PathBuf,
    root: Secret<32>,
}

const ROOT: Magic = Magic(*b"CVHR", 1);

#[derive(Encode, Decode)]
#[cbor(map)]
struct RootFile {
    #[n(0)]
    stretch: Option<Stretch>,
    #[n(1)]
    root: ByteVec,
}

wire! { RootFile: "root key file", 512; }

impl HostDir {
    /// A directory with the root key in a file only its user may read; made if it does not exist.
    ///
    /// # Errors
    /// [`HostError`] if it cannot be made or read, or its root key is under a passphrase.
    ///
    /// # Security
    /// Whoever reads the file and the store sees what the custodian sees: who was granted what, never a record.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HostError> {
        Self::open_with(path.as_ref(), None)
    }

    /// A directory with the root key under a passphrase; made if it does not exist.
    ///
    /// # Errors
    /// [`HostError`] if it cannot be made or read, or the passphrase is another.
    pub fn open_with_passphrase(path: impl AsRef<Path>, passphrase: &Passphrase) -> Result<Self, HostError> {
        Self::open_with(path.as_ref(), Some(passphrase))
    }

    /// A directory for the rest, with a root key that the caller keeps elsewhere: in an HSM, a KMS, a secret store.
    ///
    /// # Errors
    /// [`HostError`] if the directory cannot be made.
    pub fn open_with_root(path: impl AsRef<Path>, root: Secret<32>) -> Result<Self, HostError> {
        create_directory(path.as_ref())?;
        Ok(Self { path: path.as_ref().to_owned(), root })
    }

    fn open_with(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self, HostError> {
        create_directory(path)?;
        let file = path.join("root.key");
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let bytes = make_root(passphrase)?;
                write_durably(&file, &bytes)?;
                bytes
            }
            Err(error) => return Err(error.into()),
        };
        let RootFile { stretch, root } = codec::unframe(ROOT, &bytes).or(Err(HostError::Damaged))?;
        let root = match (stretch, passphrase) {
            (None, None) => zeroize::Zeroizing::new(Vec::from(root)),
            (Some(stretch), Some(passphrase)) => {
                let key = stretch.derive_key(passphrase).or(Err(HostError::Root))?;
                zeroize::Zeroizing::new(root_lock(&key).open(&ROOT.0, &root).or(Err(HostError::Root))?)
            }
            (None, Some(_)) | (Some(_), None) => return Err(HostError::Root),
        };
        let root = Secret::try_from(root.as_slice()).or(Err(HostError::Damaged))?;
        Ok(Self { path: path.to_owned(), root })
    }

    fn shred_path(&self, tag: ShredTag) -> PathBuf {
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let (shelf, name) = hex.split_at(2);
        self.path.join("shred").join(shelf).join(name)
    }
}

fn make_root(passphrase: Option<&Passphrase>) -> Result<Vec<u8>, HostError> {
    let mut random = Random::system()?;
    let root = Secret::<32>::generate(&mut random);
    let file = match passphrase {
        None => RootFile { stretch: None, root: root.expose().to_vec().into() },
        Some(passphrase) => {
            let stretch = Stretch::generate(&mut random);
            let key = stretch.derive_key(passphrase).or(Err(HostError::Root))?;
            RootFile { stretch: Some(stretch), root: root_lock(&key).seal(&ROOT.0, root.expose()).into() }
        }
    };
    Ok(codec::frame(ROOT, &file))
}

// The salt of the stretching is fresh for each file, so its key seals once.
fn root_lock(stretched: &Secret<32>) -> OneUseKey {
    OneUseKey::new(derive(stretched.expose(), &[], Label::HostKey, &[b"root"]))
}

impl Host for HostDir {
    fn root(&self) -> Result<Secret<32>, HostError> {
        Ok(self.root.duplicate())
    }

    fn anchor(&self) -> Result<Option<Vec<u8>>, HostError> {
        read(&self.path.join("anchor"))
    }

    fn keep_anchor(&self, anchor: &[u8]) -> Result<(), HostError> {
        write_durably(&self.path.join("anchor"), anchor)
    }

    fn shred_key(&self, tag: ShredTag) -> Result<Option<Vec<u8>>, HostError> {
        read(&self.shred_path(tag))
    }

    fn keep_shred_key(&self, tag: ShredTag, wrapped: &[u8]) -> Result<(), HostError> {
        let path = self.shred_path(tag);
        if let Some(shelf) = path.parent() {
            fs::create_dir_all(shelf)?;
            sync_directory(&self.path)?;
            sync_directory(&self.path.join("shred"))?;
        }
        write_durably(&path, wrapped)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, HostError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes beside, syncs, renames over, syncs the directory: whole or not at all, and durable on return.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), HostError> {
    let beside = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes the directory and those above it, and their names durable.
fn create_directory(path: &Path) -> Result<(), HostError> {
    let is_missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
    let missing: Vec<_> = path.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(path)?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_directory(parent.unwrap_or_else(|| Path::new(".")))?;
    }
    Ok(())
}

fn sync_directory(path: &Path) -> Result<(), HostError> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _path = path;
    Ok(())
}

/// Wraps bytes under the root key, for keeping outside or inside the store.
pub(super) fn wrap(root: &Secret<32>, what: &[u8], bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let fresh: [u8; 32] = random.bytes();
    let key = OneUseKey::new(derive(root.expose(), &[], Label::HostWrap, &[what, &fresh]));
    [fresh.as_slice(), &key.seal(what, bytes)].concat()
}

/// Unwraps them.
pub(super) fn unwrap(
    root: &Secret<32>,
    what: &[u8],
    wrapped: &[u8],
) -> Result<zeroize::Zeroizing<Vec<u8>>, HostError> {
    let (fresh, body) = wrapped.split_first_chunk::<32>().ok_or(HostError::Damaged)?;
    let key = OneUseKey::new(derive(root.expose(), &[], Label::HostWrap, &[what, fresh]));
    key.open(what, body).map(zeroize::Zeroizing::new).or(Err(HostError::Damaged))
}
