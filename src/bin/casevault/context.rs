//! What a command works with: the settings, the vault they name, the key, and what that key has seen.

use std::path::{Path, PathBuf};

use casevault::{
    party::{KeyFile, Keyring, Passphrase},
    store::SledStore,
    vault::{HostDir, HostError, Vault},
};
use clap::Args;

use crate::{
    disk,
    failure::{Done, Failure},
    passphrase::{Source, warn_if_open},
    reach::{Heard, Reaching},
    screen,
    settings::Settings,
};

/// How an answer is given.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Answer {
    /// The answer as JSON on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
}

const KEY_FILE_BYTES_MAX: usize = 4096;

impl Context {
    /// The same with a path set otherwise.
    pub(crate) fn with(&self, name: &'static str, path: &Path) -> Self {
        Self { settings: self.settings.with(name, path) }
    }

    /// The folder of the vault.
    pub(crate) fn vault_path(&self) -> Done<PathBuf> {
        self.settings.path("vault").ok_or_else(|| {
            Failure::usage(
                "which vault? Give --vault DIR, or set CASEVAULT_VAULT, or `vault` in the config file",
            )
        })
    }

    /// The key file.
    pub(crate) fn key_path(&self) -> Done<PathBuf> {
        self.settings.path("key").ok_or_else(|| {
            Failure::usage("whose key? Give --key FILE, or set CASEVAULT_KEY, or `key` in the config file")
        })
    }

    /// Where what the key has seen is kept.
    pub(crate) fn memory_path(&self) -> Done<PathBuf> {
        match self.settings.path("memory") {
            Some(path) => Ok(path),
            None => Ok(disk::with_suffix(&self.key_path()?, ".memory")),
        }
    }

    /// Opens the vault that is set.
    pub(crate) fn open_vault(&self) -> Done<Vault> {
        let path = self.vault_path()?;
        self.open_vault_at(&path)
    }

    /// Opens a vault; nothing is made where there is none.
    pub(crate) fn open_vault_at(&self, path: &Path) -> Done<Vault> {
        Ok(self.open_vault_heard_at(path)?.0)
    }

    /// The same; and what its witnesses say, from now on.
    pub(crate) fn open_vault_heard_at(&self, path: &Path) -> Done<(Vault, Heard)> {
        is_vault(path)?;
        let host = path.join("host");
        if !host.join("root.key").is_file() {
            let words = "has no `host` with its root key: bring the host directory back to where it was";
            return Err(Failure::missing("no-host", format!("{} {words}", path.display())));
        }
        let inner = match HostDir::open(&host) {
            Err(HostError::Root) => {
                HostDir::open_with_passphrase(&host, &self.host_passphrase()?.known("the vault's root key")?)?
            }
            opened => opened?,
        };
        let host = Reaching::over(inner, &host)?;
        let heard = host.heard();
        Ok((Vault::open(SledStore::open(path.join("store"))?, host)?, heard))
    }

    /// Where the passphrase on the vault's root key comes from.
    pub(crate) fn host_passphrase(&self) -> Done<Source> {
        Source::of(&self.settings, "host-passphrase-file", "host-passphrase-command")
    }

    /// Where the key file's passphrase comes from.
    pub(crate) fn passphrase(&self) -> Done<Source> {
        Source::of(&self.settings, "passphrase-file", "passphrase-command")
    }

    /// Reads a file that a command was given; stdin is there once.
    pub(crate) fn read_input(&self, path: &Path, most: usize) -> Done<zeroize::Zeroizing<Vec<u8>>> {
        self.may_read(path)?;
        disk::read(path, most)
    }

    /// Whether stdin is free, if that is what is to be read.
    pub(crate) fn may_read(&self, path: &Path) -> Done {
        if disk::is_dash(path) && (self.passphrase()?.is_stdin() || self.host_passphrase()?.is_stdin()) {
            let words = "stdin is there once: give the passphrase otherwise, or the input by a file";
            return Err(Failure::usage(words));
        }
        Ok(())
    }

    /// A key file with the passphrase that opens it.
    pub(crate) fn unlock(&self, path: &Path) -> Done<(KeyFile, Passphrase, Keyring)> {
        let bytes = disk::read(path, KEY_FILE_BYTES_MAX)?;
        warn_if_open(path);
        let named = |failure: Failure| failure.about(path);
        let file = KeyFile::from_bytes(&bytes).map_err(|error| named(error.into()))?;
        let passphrase = self.passphrase()?.known(&path.display().to_string())?;
        let busy = screen::busy("opening the key file");
        let keyring = file.open(&passphrase);
        busy.finish_and_clear();
        let keyring = keyring.map_err(|error| named(error.into()))?;
        Ok((file, passphrase, keyring))
    }

    /// The keyring in the key file that is set.
    pub(crate) fn keyring(&self) -> Done<Keyring> {
        Ok(self.unlock(&self.key_path()?)?.2)
    }
}

/// Whether a folder holds a vault, by what is in it.
pub(crate) fn is_vault(path: &Path) -> Done {
    if path.join("store").is_dir() {
        return Ok(());
    }
    let words =
        "holds no vault (there is no `store` in it): check the path, or make one with `casevault init`";
    Err(Failure::failed("no-vault", format!("{} {words}", path.display())))
}
