//! A vault's export.

use std::path::Path;

use casevault::vault::ExportError;

use crate::{
    Ending,
    reach::{open, said_of_vault},
};

pub(super) fn export(vault: &Path, out: &Path) -> Result<(u64, u64), ExportError> {
    let (vault, _heard) = open(vault)?;
    let exported = vault.export_audit(out)?;
    vault.close()?;
    Ok((exported.streams, exported.events))
}

pub(super) fn said(error: &ExportError) -> Ending {
    match error {
        ExportError::Vault(error) => said_of_vault(error),
        ExportError::Files(_) | ExportError::NotEmpty | _ => {
            eprintln!("{error}");
            Ending::Failed
        }
    }
}
