//! The lines of an export, read one by one: bounded, and refused if they are not of this format.

use std::io::{BufRead, Read as _};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use crate::{
    access::{Charter, Policy},
    codec::{self, Malformed, Wire},
    consent::GrantStatement,
    credential::{AttestationStatement, RulingStatement},
    crypto::{Signed, VerifyingKey},
    event::{Principal, SignedEvent},
    id::{Digest, FolderId, PartyId, VaultId},
    limits::AUDIT_LINE_BYTES_MAX,
    merkle::Head,
    party::Card,
    time::Timestamp,
};

/// What an event brought that is checked with it.
#[derive(Debug, Clone)]
pub(super) enum Brought {
    Attestation(Signed<AttestationStatement>),
    Grant(GrantStatement),
    Ruling(Signed<RulingStatement>),
}

/// An event, as a line tells it.
#[derive(Debug, Clone)]
pub(super) struct EventLine {
    /// Whose stream, in the line's own words.
    pub(super) name: String,
    pub(super) stream: Principal,
    pub(super) seq: u64,
    pub(super) received: Timestamp,
    pub(super) event: SignedEvent,
    pub(super) brings: Vec<Brought>,
}

/// A stream's head, and whose it is.
#[derive(Debug, Clone)]
pub(super) struct PartyLine {
    pub(super) stream: Principal,
    /// None of a registrar, who owns no stream.
    pub(super) head: Option<Head>,
    pub(super) card: Option<Card>,
}

/// Under which policies all is judged.
#[derive(Debug)]
pub(super) struct PolicyFile {
    pub(super) vault: VaultId,
    pub(super) vault_key: VerifyingKey,
    pub(super) first: Policy,
    pub(super) charters: Vec<Charter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    stream: String,
    seq: u64,
    received: u64,
    event: String,
    brings: Vec<RawBrought>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum RawBrought {
    Attestation(String),
    Grant(String),
    Ruling(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParty {
    stream: String,
    size: Option<u64>,
    root: Option<String>,
    card: Option<String>,
}

#[derive(Deserialize)]
struct RawPolicy {
    vault: String,
    vault_key: String,
    first: String,
    charters: Vec<String>,
}

impl EventLine {
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let RawEvent { stream: name, seq, received, event, brings } = serde_json::from_slice(line).ok()?;
        let brings = brings.into_iter().map(|brought| {
            Some(match brought {
                RawBrought::Attestation(text) => Brought::Attestation(value(&text)?),
                RawBrought::Grant(text) => Brought::Grant(value(&text)?),
                RawBrought::Ruling(text) => Brought::Ruling(value(&text)?),
            })
        });
        let received = Some(received).filter(|ms| *ms <= Timestamp::MAX.as_ms())?;
        Some(Self {
            stream: principal(&name)?,
            name,
            seq,
            received: Timestamp::at_ms(received),
            event: value(&event)?,
            brings: brings.collect::<Option<_>>()?,
        })
    }
}

impl PartyLine {
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let RawParty { stream, size, root, card } = serde_json::from_slice(line).ok()?;
        let head = match (size, root) {
            (Some(size), Some(root)) => Some(Head { size, root: Digest::from_hex(&root)? }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let card = match card {
            Some(card) => Some(value(&card)?),
            None => None,
        };
        Some(Self { stream: principal(&stream)?, head, card })
    }
}

impl PolicyFile {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let RawPolicy { vault, vault_key, first, charters } = serde_json::from_slice(bytes).ok()?;
        let key: [u8; 32] = bytes_of(&vault_key)?.try_into().ok()?;
        Some(Self {
            vault: VaultId::from_hex(&vault)?,
            vault_key: VerifyingKey::from_bytes(key).ok()?,
            first: value(&first)?,
            charters: charters.iter().map(|charter| value(charter)).collect::<Option<_>>()?,
        })
    }
}

/// The next line, without its newline; none at the end.
pub(super) fn next_line(
    file: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> std::io::Result<Option<Result<(), Malformed>>> {
    line.clear();
    let most = u64::try_from(AUDIT_LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let read = file.by_ref().take(most).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(None);
    }
    Ok(Some(if line.pop() == Some(b'\n') { Ok(()) } else { Err(Malformed("line")) }))
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

fn value<T: Wire>(text: &str) -> Option<T> {
    codec::decode(&bytes_of(text)?).ok()
}

/// A stream's owner, as a line names it.
fn principal(text: &str) -> Option<Principal> {
    let (kind, id) = text.split_once(':')?;
    match kind {
        "party" => PartyId::from_hex(id).map(Principal::Party),
        "folder" => FolderId::from_hex(id).map(Principal::Folder),
        "vault" => VaultId::from_hex(id).map(Principal::Vault),
        _ => None,
    }
}
