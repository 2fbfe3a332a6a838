//! `casevault audit cosign` and `audit vkey`: a vault's newest checkpoint under its witnesses' lines, and whose log it is.

use std::{path::Path, sync::PoisonError};

use base64ct::{Base64, Encoding as _};
use casevault::{
    crypto::VerifyingKey,
    limits::AUDIT_POLICY_BYTES_MAX,
    log::{KeyName, NoteVerifier, SignedCheckpoint},
};
use serde::Deserialize;

use crate::{
    Ending, files,
    reach::{open, said_of_vault},
};

/// Puts a checkpoint down, asks the witnesses for their lines, and prints it with them.
pub(super) fn cosign(path: &Path) -> Ending {
    let (vault, heard) = match open(path) {
        Ok(opened) => opened,
        Err(error) => return said_of_vault(&error),
    };
    let note = match vault.checkpoint() {
        Ok(note) => note,
        Err(error) => return said_of_vault(&error),
    };
    let policy = vault.policy();
    let witnesses = policy.witnesses();
    if let Err(error) = vault.close() {
        return said_of_vault(&error);
    }
    let Ok(checkpoint) = SignedCheckpoint::parse(note.as_bytes()) else {
        eprintln!("the vault has no checkpoint yet");
        return Ending::Failed;
    };
    if let Err(error) = files::print(&note) {
        eprintln!("stdout cannot be written: {error}");
        return Ending::Failed;
    }
    if witnesses.is_none() {
        eprintln!("the vault's policy names no witnesses: its registrars can, in a new policy");
        return Ending::Failed;
    }
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let mut is_conflict = false;
    for witness in witnesses.witnesses() {
        let name = witness.name();
        match (witness.verify(&checkpoint), heard.get(name.as_str())) {
            (Ok(at), _) => eprintln!("{name}: seen {at}"),
            (Err(_), None) => eprintln!("{name}: not asked"),
            (Err(_), Some(said)) => {
                is_conflict |= said.is_conflict();
                eprintln!("{name}: {said}");
            }
        }
    }
    let (seen, needed) = (witnesses.seen(&checkpoint).len(), witnesses.needed());
    eprintln!(
        "{seen} of {needed} witnesses that are needed have seen the checkpoint of size {}",
        checkpoint.claims().head.size
    );
    match (is_conflict, seen < needed) {
        (true, _) => Ending::Tampering,
        (false, true) => Ending::Missing,
        (false, false) => Ending::Fine,
    }
}

#[derive(Deserialize)]
struct PolicyFile {
    origin: String,
    vault_key: String,
}

/// Prints the verifier key of a vault's log: what witnesses trust, and what signs its public exports.
pub(super) fn vkey(what: &Path) -> Ending {
    let vkey = if what.join("policy.json").is_file() {
        vkey_of_export(what)
    } else {
        match open(what) {
            Err(error) => return said_of_vault(&error),
            Ok((vault, _heard)) => vault.log_key().map_err(|error| error.to_string()),
        }
    };
    match vkey.and_then(|vkey| files::print(&format!("{vkey}\n")).map_err(|error| error.to_string())) {
        Ok(()) => Ending::Fine,
        Err(words) => {
            eprintln!("{words}");
            Ending::Failed
        }
    }
}

fn vkey_of_export(export: &Path) -> Result<NoteVerifier, String> {
    let most = usize::try_from(AUDIT_POLICY_BYTES_MAX).unwrap_or(usize::MAX);
    let bytes = files::read(&export.join("policy.json"), most)
        .map_err(|error| format!("policy.json cannot be read: {error}"))?;
    let read = || {
        let PolicyFile { origin, vault_key } = serde_json::from_slice(&bytes).ok()?;
        let key = Base64::decode_vec(&vault_key).ok()?.try_into().ok()?;
        Some(NoteVerifier::new(KeyName::parse(&origin).ok()?, VerifyingKey::from_bytes(key).ok()?))
    };
    read().ok_or_else(|| "policy.json is not what an export holds: ask for another".to_owned())
}
