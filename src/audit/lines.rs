//! The lines of an export, read one by one: bounded, and refused if they are not of this format.

use std::{
    borrow::Cow,
    io::{BufRead, Read as _},
};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use crate::{
    access::{Charter, Policy},
    audit::cards::Known,
    codec::{self, Wire},
    consent::GrantStatement,
    credential::{AttestationStatement, RulingStatement},
    crypto::{Signed, VerifyingKey},
    event::{Event, Principal, SignedEvent, StreamEntry, Verb},
    id::{Digest, FolderId, PartyId, VaultId},
    limits::AUDIT_LINE_BYTES_MAX,
    merkle::Head,
    party::Card,
    time::Timestamp,
};

/// A grant that an event brought, with the digest by which events name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granted {
    pub(crate) digest: Digest,
    pub(crate) statement: GrantStatement,
}

/// What a registrar signed and an event names.
#[derive(Debug)]
pub(crate) enum Statement {
    Attestation(Signed<AttestationStatement>),
    Ruling(Signed<RulingStatement>),
}

/// An event, as a line tells it.
#[derive(Debug)]
pub(crate) struct EventLine {
    pub(crate) stream: Principal,
    /// The line's own word for the stream, where it is not the usual one.
    pub(crate) name: Option<Box<str>>,
    pub(crate) seq: u64,
    pub(crate) received: Timestamp,
    pub(crate) signed: SignedEvent,
    /// What it claims, before its signature is looked at; nothing, if that cannot be read.
    pub(crate) event: Option<Event>,
    pub(crate) digest: Digest,
    /// The hash of its leaf in the stream.
    pub(crate) leaf: Digest,
    pub(crate) grants: Vec<Granted>,
    /// What was brought that a registrar's event is about.
    pub(crate) statement: Option<Statement>,
}

/// A stream's head, and whose it is.
#[derive(Debug)]
pub(crate) struct PartyLine {
    pub(crate) stream: Principal,
    /// None of a registrar, who owns no stream.
    pub(crate) head: Option<Head>,
    pub(crate) card: Option<Known>,
}

/// Under which policies all is judged.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    pub(crate) vault: VaultId,
    pub(crate) vault_key: VerifyingKey,
    pub(crate) first: Policy,
    pub(crate) charters: Vec<Charter>,
}

/// A text of JSON: where it has no escapes, the line's own bytes.
#[derive(Deserialize)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent<'l> {
    #[serde(borrow)]
    stream: Text<'l>,
    seq: u64,
    received: u64,
    #[serde(borrow)]
    event: Text<'l>,
    #[serde(borrow)]
    brings: Vec<RawBrought<'l>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum RawBrought<'l> {
    #[serde(borrow)]
    Attestation(Text<'l>),
    #[serde(borrow)]
    Grant(Text<'l>),
    #[serde(borrow)]
    Ruling(Text<'l>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParty<'l> {
    #[serde(borrow)]
    stream: Text<'l>,
    size: Option<u64>,
    #[serde(borrow)]
    root: Option<Text<'l>>,
    #[serde(borrow)]
    card: Option<Text<'l>>,
}

#[derive(Deserialize)]
struct RawPolicy {
    vault: String,
    vault_key: String,
    first: String,
    charters: Vec<String>,
}

impl EventLine {
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let RawEvent { stream: Text(name), seq, received, event, brings } =
            serde_json::from_slice(line).ok()?;
        let received = Some(received).filter(|ms| *ms <= Timestamp::MAX.as_ms())?;
        let received = Timestamp::at_ms(received);
        let stream = principal(&name)?;
        let signed: SignedEvent = value(&event)?;
        let event = signed.claims().ok();
        let digest = signed.digest();
        let leaf = StreamEntry { seq, received, event: digest }.hash();
        let subject = event.as_ref().and_then(|event| event.step.subject);
        let verb = event.as_ref().map(|event| event.step.verb);
        let (mut grants, mut statement) = (Vec::new(), None);
        for brought in brings {
            match brought {
                RawBrought::Attestation(text) => {
                    let signed: Signed<AttestationStatement> = value(&text)?;
                    let is_its = matches!(verb, Some(Verb::Attest | Verb::Withdraw))
                        && Some(signed.digest()) == subject;
                    if is_its && statement.is_none() {
                        statement = Some(Statement::Attestation(signed));
                    }
                }
                RawBrought::Grant(text) => {
                    let statement: GrantStatement = value(&text)?;
                    grants.push(Granted { digest: statement.digest(), statement });
                }
                RawBrought::Ruling(text) => {
                    let signed: Signed<RulingStatement> = value(&text)?;
                    let is_its = verb == Some(Verb::Rule) && Some(signed.digest()) == subject;
                    if is_its && statement.is_none() {
                        statement = Some(Statement::Ruling(signed));
                    }
                }
            }
        }
        let is_usual = !name.bytes().any(|symbol| symbol.is_ascii_uppercase());
        let name = (!is_usual).then(|| Box::from(&*name));
        Some(Self { stream, name, seq, received, signed, event, digest, leaf, grants, statement })
    }
}

impl PartyLine {
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let RawParty { stream: Text(stream), size, root, card } = serde_json::from_slice(line).ok()?;
        let head = match (size, root) {
            (Some(size), Some(Text(root))) => Some(Head { size, root: Digest::from_hex(&root)? }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let card = match card {
            Some(card) => Some(Known::of(&value::<Card>(&card)?)),
            None => None,
        };
        Some(Self { stream: principal(&stream)?, head, card })
    }
}

impl PolicyFile {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let RawPolicy { vault, vault_key, first, charters } = serde_json::from_slice(bytes).ok()?;
        let text = |said: String| Text(Cow::Owned(said));
        let key: [u8; 32] = bytes_of(&vault_key)?.try_into().ok()?;
        Some(Self {
            vault: VaultId::from_hex(&vault)?,
            vault_key: VerifyingKey::from_bytes(key).ok()?,
            first: value(&text(first))?,
            charters: charters.into_iter().map(|charter| value(&text(charter))).collect::<Option<_>>()?,
        })
    }
}

/// Lines as they came, so many at a time; nothing for one that is too long, or has no newline.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where each ends, without its newline; the next begins behind that.
    ends: Vec<(usize, bool)>,
}

impl Lines {
    /// So many lines are read at once, unless they are long.
    const COUNT: usize = 1024;
    /// So many bytes; with the last line, a little more.
    const BYTES: usize = 1024 * 1024;

    /// The next lines; none at the end.
    pub(crate) fn read(file: &mut impl BufRead) -> std::io::Result<Self> {
        let mut lines = Self::default();
        let most = u64::try_from(AUDIT_LINE_BYTES_MAX).unwrap_or(u64::MAX);
        while lines.ends.len() < Self::COUNT && lines.bytes.len() < Self::BYTES {
            if file.by_ref().take(most).read_until(b'\n', &mut lines.bytes)? == 0 {
                break;
            }
            lines.ends.push((lines.bytes.len(), lines.bytes.last() == Some(&b'\n')));
        }
        Ok(lines)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut begin = 0;
        self.ends.iter().map(move |(end, is_whole)| {
            let line = self.bytes.get(begin..*end);
            begin = *end;
            line.filter(|_| *is_whole).and_then(|line| line.split_last()).map(|(_newline, line)| line)
        })
    }
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

fn value<T: Wire>(Text(text): &Text<'_>) -> Option<T> {
    value_of(text)
}

/// A value in base64.
pub(super) fn value_of<T: Wire>(text: &str) -> Option<T> {
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

/// How lines usually name a stream's owner.
pub(crate) fn name_of(stream: Principal) -> String {
    match stream {
        Principal::Party(party) => format!("party:{}", party.to_hex()),
        Principal::Folder(folder) => format!("folder:{}", folder.to_hex()),
        Principal::Vault(vault) => format!("vault:{}", vault.to_hex()),
    }
}
