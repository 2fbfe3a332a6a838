//! Signing in with a key file, and what the key has seen, which is kept beside it between runs.
//!
//! ```text
//! memory file = "casevault memory 1 " role "\n" ‖ the session's memory, sealed under the keyring
//! ```

use std::path::Path;

use casevault::{
    custodian::Custodian,
    error::{Error, Tampering},
    party::{Auditor, Curator, Doctor, Keyring, Patient, Registrar, Role, RoleType},
    session::{Memory, Session},
    vault::Vault,
};

use crate::{
    context::Context,
    disk,
    ending::Ending,
    failure::{Done, Failure},
};

const HEAD: &str = "casevault memory 1 ";
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// A role that signs in.
pub(crate) trait SignsIn: RoleType + Sized {
    fn sign_in<'c>(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        memory: Memory,
    ) -> Result<Session<'c, Self>, Error>;
}

macro_rules! signs_in {
    ($($role:ty),+) => {$(
        impl SignsIn for $role {
            fn sign_in<'c>(
                custodian: &'c dyn Custodian,
                keyring: Keyring,
                memory: Memory,
            ) -> Result<Session<'c, Self>, Error> {
                Session::<$role>::sign_in(custodian, keyring, memory)
            }
        }
    )+};
}

signs_in!(Auditor, Curator, Doctor, Patient, Registrar);

/// The bytes of a memory file.
pub(crate) fn memory_file(role: Role, sealed: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), role.word().as_bytes(), b"\n", sealed].concat()
}

impl Context {
    /// What is kept beside the key: its role, and its memory, sealed.
    pub(crate) fn kept(&self) -> Done<(Role, Vec<u8>)> {
        let (key, path) = (self.key_path()?, self.memory_path()?);
        if !key.exists() {
            let error = std::io::ErrorKind::NotFound.into();
            return Err(Failure::files(&key, "read", &error));
        }
        let Some(bytes) = disk::read_if_there(&path, BYTES_MAX)? else {
            let next = "without it nobody can tell an old state of the vault from the present one: bring it back from a \
                        copy; if it is lost, `casevault enrol --anew --role ROLE` trusts what the vault shows now";
            return Err(Failure::missing("no-memory", format!("{} is not there; {next}", path.display())));
        };
        let parted = bytes.strip_prefix(HEAD.as_bytes()).and_then(|rest| {
            let at = rest.iter().position(|byte| *byte == b'\n')?;
            let (word, sealed) = rest.split_at_checked(at)?;
            let role = Role::ALL.iter().find(|role| role.word().as_bytes() == word)?;
            Some((*role, sealed.get(1..)?.to_vec()))
        });
        parted.ok_or_else(|| {
            let words = "is not what this key has seen of a vault, or is damaged: bring it back from a copy";
            Failure::failed("memory-file", format!("{} {words}", path.display()))
        })
    }

    /// The role of the key that is set.
    pub(crate) fn role(&self) -> Done<Role> {
        Ok(self.kept()?.0)
    }

    /// Keeps what a session has seen.
    pub(crate) fn keep<R: SignsIn>(&self, session: &Session<'_, R>) -> Done {
        disk::replace(&self.memory_path()?, &memory_file(R::ROLE, &session.save()))
    }

    /// Signs in, acts, and keeps what was seen, also when the act failed.
    pub(crate) fn act<R: SignsIn, T>(&self, act: impl FnOnce(&Session<'_, R>) -> Done<T>) -> Done<T> {
        let (role, _) = self.kept()?;
        if role != R::ROLE {
            let words =
                format!("the key is a {role}'s, and this is for a {}: give another with --key", R::ROLE);
            return Err(Failure::wrong_key("wrong-role", words));
        }
        let keyring = self.keyring()?;
        self.over_vault(|vault| {
            // With the vault open nobody else writes the memory.
            let (_, sealed) = self.kept()?;
            let memory = Memory::open(&sealed, &keyring).map_err(|error| self.of_memory(error))?;
            let session = R::sign_in(vault, keyring, memory)?;
            let acted = act(&session);
            match &acted {
                // What a vault that lies has shown is not kept.
                Err(failure) if failure.ending == Ending::Tampering => (),
                Ok(_) | Err(_) => self.keep(&session)?,
            }
            acted
        })
    }

    /// Opens the vault, acts, and closes it with a checkpoint.
    pub(crate) fn over_vault<T>(&self, act: impl FnOnce(&Vault) -> Done<T>) -> Done<T> {
        let vault = self.open_vault()?;
        let acted = act(&vault);
        let closed = vault.close();
        let done = acted?;
        closed?;
        Ok(done)
    }

    fn of_memory(&self, error: Error) -> Failure {
        let path = self.memory_path().unwrap_or_default();
        let is_memory = matches!(error, Error::Tampered(Tampering::Memory));
        if is_memory { Failure::from(error).about(&path) } else { error.into() }
    }
}

/// The first thing a key knows: its role, and nothing of any vault.
pub(crate) fn first_memory(role: Role, keyring: &Keyring, path: &Path) -> Done {
    let sealed = Memory::first_use().seal(keyring, &mut casevault::crypto::Random::system()?);
    disk::make(path, &memory_file(role, &sealed))
}
