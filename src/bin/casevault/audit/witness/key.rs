//! A witness's key file.
//!
//! ```text
//! PRIVATE+KEY+<name>+<key id>+<base64 of 0x04 ‖ seed>
//! ```
//!
//! One line, in the form in which signing keys of notes are commonly written. It is in the clear: a witness signs with nobody by.

use std::path::Path;

use base64ct::{Base64, Encoding as _};
use casevault::{
    crypto::{Random, Secret, Signer},
    log::{KeyName, Witness, WitnessSigner},
};
use zeroize::Zeroizing;

use crate::{
    disk,
    failure::{Done, Failure},
};

const PREFIX: &str = "PRIVATE+KEY+";
/// The type of witnesses' keys.
const COSIGNATURE: u8 = 0x04;
const LINE_BYTES_MAX: usize = 512;

/// A witness's name and signing key.
pub(super) struct Key {
    name: KeyName,
    signer: Signer,
}

impl Key {
    /// Makes a key, and the file, which must not be there.
    pub(super) fn make(path: &Path, name: &str) -> Done<Self> {
        let name = KeyName::parse(name).map_err(|_malformed| {
            Failure::usage("a name has no spaces and no plus, like clinic.example/witness: choose another")
        })?;
        let seed = Secret::<32>::generate(&mut Random::system()?);
        let key = Self { name, signer: Signer::from_seed(&seed) };
        let material = Zeroizing::new([[COSIGNATURE].as_slice(), seed.expose()].concat());
        let material = Zeroizing::new(Base64::encode_string(&material));
        let line = Zeroizing::new(format!("{PREFIX}{}+{}+{}\n", key.name, key.witness().id(), *material));
        disk::make(path, line.as_bytes())?;
        Ok(key)
    }

    /// Reads a key file that only its user can read.
    pub(super) fn read(path: &Path) -> Done<Self> {
        let bytes = disk::read(path, LINE_BYTES_MAX)?;
        let wrong = |words: &str| Failure::failed("witness-key", words).about(path);
        if is_open(path) {
            return Err(wrong("others can read this key: `chmod 600` it, or make a new one"));
        }
        let read = || {
            let line = str::from_utf8(&bytes).ok()?.strip_suffix('\n')?.strip_prefix(PREFIX)?;
            let mut parts = line.splitn(3, '+');
            let (name, id, material) = (parts.next()?, parts.next()?, parts.next()?);
            let material = Zeroizing::new(Base64::decode_vec(material).ok()?);
            let seed = Secret::try_from(material.strip_prefix(&[COSIGNATURE])?).ok()?;
            let key = Self { name: KeyName::parse(name).ok()?, signer: Signer::from_seed(&seed) };
            (key.witness().id().to_string() == id).then_some(key)
        };
        let next = "it is no witness's key: check the path, or make one with `witness new`";
        read().ok_or_else(|| wrong(next))
    }

    /// What signs.
    pub(super) fn signer(&self) -> WitnessSigner<'_> {
        WitnessSigner::new(self.name.clone(), &self.signer)
    }

    /// What verifies.
    pub(super) fn witness(&self) -> Witness {
        self.signer().witness()
    }
}

/// Whether others than its user can read a file.
#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn is_open(_path: &Path) -> bool {
    false
}
