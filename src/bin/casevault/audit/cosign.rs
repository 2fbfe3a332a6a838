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
    Ending,
    context::Context,
    disk,
    failure::{Done, Failure},
    screen,
};

/// Puts a checkpoint down, asks the witnesses for their lines, and prints it with them.
pub(super) fn cosign(context: &Context, path: &Path) -> Done<Ending> {
    let (vault, heard) = context.open_vault_heard_at(path)?;
    let note = vault.checkpoint()?;
    let policy = vault.policy();
    let witnesses = policy.witnesses();
    vault.close()?;
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())
        .map_err(|malformed| Failure::failed("checkpoint", malformed.to_string()))?;
    screen::write(note.as_bytes())?;
    if witnesses.is_none() {
        let words = "the vault's policy names no witnesses: its registrars can, in a new policy";
        return Err(Failure::failed("no-witnesses", words));
    }
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let mut is_conflict = false;
    for witness in witnesses.witnesses() {
        let name = witness.name();
        match (witness.verify(&checkpoint), heard.get(name.as_str())) {
            (Ok(at), _) => screen::word(&format!("{name}: seen {at}")),
            (Err(_), None) => screen::word(&format!("{name}: not asked")),
            (Err(_), Some(said)) => {
                is_conflict |= said.is_conflict();
                screen::word(&screen::clean(&format!("{name}: {said}")));
            }
        }
    }
    let (seen, needed, size) =
        (witnesses.seen(&checkpoint).len(), witnesses.needed(), checkpoint.claims().head.size);
    screen::word(&format!(
        "{seen} of {needed} witnesses that are needed have seen the checkpoint of size {size}"
    ));
    Ok(match (is_conflict, seen < needed) {
        (true, _) => Ending::Tampering,
        (false, true) => Ending::Missing,
        (false, false) => Ending::Fine,
    })
}

#[derive(Deserialize)]
struct PolicyFile {
    origin: String,
    vault_key: String,
}

/// Prints the verifier key of a vault's log: what witnesses trust, and what signs its public exports.
pub(super) fn vkey(context: &Context, what: &Path) -> Done<Ending> {
    let policy = what.join("policy.json");
    let key = if policy.is_file() { of_export(&policy)? } else { context.open_vault_at(what)?.log_key()? };
    screen::answer(&key.to_string())?;
    Ok(Ending::Fine)
}

fn of_export(policy: &Path) -> Done<NoteVerifier> {
    let bytes = disk::read(policy, usize::try_from(AUDIT_POLICY_BYTES_MAX).unwrap_or(usize::MAX))?;
    let read = || {
        let PolicyFile { origin, vault_key } = serde_json::from_slice(&bytes).ok()?;
        let key = Base64::decode_vec(&vault_key).ok()?.try_into().ok()?;
        Some(NoteVerifier::new(KeyName::parse(&origin).ok()?, VerifyingKey::from_bytes(key).ok()?))
    };
    let wrong = || Failure::failed("audit-malformed", "it is not what an export holds: ask for another");
    read().ok_or_else(|| wrong().about(policy))
}
