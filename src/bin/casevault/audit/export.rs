//! A vault's export.

use std::path::Path;

use casevault::{
    store::SledStore,
    vault::{ExportError, HostDir, Vault, VaultError},
};

use crate::Ending;

pub(super) fn export(vault: &Path, out: &Path) -> Result<(u64, u64), ExportError> {
    let vault = open(vault)?;
    let exported = vault.export_audit(out)?;
    vault.close()?;
    Ok((exported.streams, exported.events))
}

fn open(vault: &Path) -> Result<Vault, VaultError> {
    Vault::open(SledStore::open(vault.join("store"))?, HostDir::open(vault.join("host"))?)
}

pub(super) fn said(error: &ExportError) -> Ending {
    eprintln!("{error}");
    match error {
        ExportError::Vault(VaultError::WrongRoot | VaultError::Anchor) => Ending::WrongKey,
        ExportError::Vault(VaultError::RolledBack { .. } | VaultError::Damaged) => Ending::Tampering,
        ExportError::Files(_) | ExportError::NotEmpty | ExportError::Vault(_) | _ => Ending::Failed,
    }
}
