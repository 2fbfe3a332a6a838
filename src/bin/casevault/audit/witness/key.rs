//! A witness's key file.
//!
//! ```text
//! PRIVATE+KEY+<name>+<key id>+<base64 of 0x04 ‖ seed>
//! ```
//!
//! One line, in the form in which signing keys of notes are commonly written. It is in the clear: a witness signs with nobody by.

use std::{io, path::Path};

use base64ct::{Base64, Encoding as _};
use casevault::{
    crypto::{Random, Secret, Signer},
    log::{KeyName, Witness, WitnessSigner},
};
use zeroize::Zeroizing;

use crate::files;

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
    pub(super) fn make(path: &Path, name: &str) -> Result<Self, String> {
        let name = KeyName::parse(name).map_err(|_malformed| {
            "a name has no spaces and no plus, like clinic.example/witness: choose another".to_owned()
        })?;
        let mut random = Random::system().map_err(|error| error.to_string())?;
        let seed = Secret::<32>::generate(&mut random);
        let key = Self { name, signer: Signer::from_seed(&seed) };
        let material = Zeroizing::new([[COSIGNATURE].as_slice(), seed.expose()].concat());
        let material = Zeroizing::new(Base64::encode_string(&material));
        let line = Zeroizing::new(format!("{PREFIX}{}+{}+{}\n", key.name, key.witness().id(), *material));
        files::create(path, line.as_bytes()).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                format!(
                    "{} is there already, and no key is written over: choose another name",
                    path.display()
                )
            } else {
                format!("{} cannot be written: {error}", path.display())
            }
        })?;
        Ok(key)
    }

    /// Reads a key file that only its user can read.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let bytes = files::read(path, LINE_BYTES_MAX).map_err(|error| {
            format!("the key {shown} cannot be read: {error}. Make one with `witness new`")
        })?;
        let bytes = Zeroizing::new(bytes);
        if is_open(path) {
            return Err(format!("others can read the key {shown}: `chmod 600` it, or make a new one"));
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
        read()
            .ok_or_else(|| format!("{shown} is no witness's key: check the path, or restore it from a copy"))
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
