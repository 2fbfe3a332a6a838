//! The whole: an export against its checkpoint, and against what the auditor has from elsewhere.

use std::path::Path;

use crate::{
    audit::{
        AuditError, AuditReport, Fault, Gravity, State,
        cards::Cards,
        epochs::Log,
        lines::PolicyFile,
        parties::{Parties, makes_map},
        receipts::Receipts,
        releases::Published,
        report::{Findings, read_file},
        rules::Rules,
        streams::Streams,
    },
    crypto::{Signed, VerifyingKey},
    event::{Principal, Receipt},
    id::VaultId,
    limits::{AUDIT_POLICY_BYTES_MAX, NOTE_BYTES_MAX},
    merkle::Head,
    public::PublicPolicy,
};

/// What an auditor goes by, besides the export.
#[derive(Debug, Clone, Copy, Default)]
pub struct Basis<'a> {
    /// A checkpoint that was kept from before, or got from someone else: the log must have grown from it.
    pub kept: Option<&'a str>,
    /// What the last audit left: the log and every stream must have grown from it, and only what is new is verified.
    pub state: Option<&'a State>,
    /// Receipts that parties sent in: what they promise must stand in the streams.
    pub receipts: &'a [Signed<Receipt>],
    /// Public policies: what became public under one of them must pass its gate.
    pub policies: &'a [PublicPolicy],
}

/// Checks an export, against its own checkpoint and one that was kept from before.
///
/// # Errors
/// [`AuditError`] if the export is not one; what is wrong within it is a finding.
pub fn verify(directory: &Path, kept: Option<&str>) -> Result<AuditReport, AuditError> {
    Ok(verify_from(directory, &Basis { kept, ..Basis::default() })?.0)
}

/// Checks an export, against all that the auditor has; gives what to keep for the next time, if nothing is wrong but what is to be
/// looked into.
///
/// Going on from a state finds what an audit of the whole finds, and also where the export is not what was verified then: then
/// nothing is believed of the state, and all is verified.
///
/// # Errors
/// [`AuditError`] if the export is not one, or a receipt is not this vault's; what is wrong within the export is a finding.
pub fn verify_from(directory: &Path, basis: &Basis<'_>) -> Result<(AuditReport, Option<State>), AuditError> {
    let policy = read_file(&directory.join("policy.json"), AUDIT_POLICY_BYTES_MAX)?;
    let policy = PolicyFile::read(&policy).ok_or(AuditError::Malformed("policy.json"))?;
    let (vault, key) = (policy.vault, policy.vault_key);
    let receipts = Receipts::read(basis.receipts, (vault, &key))?;
    let mut findings = Findings::default();
    let rules = Rules::read((vault, key), policy.first.clone(), &policy.charters);
    let rules = rules.or_else(|| {
        findings.add(0, Fault::Policy, ("", 0));
        Rules::read((vault, key), policy.first.clone(), &[])
    });
    let rules = rules.ok_or(AuditError::Malformed("policy.json"))?;
    let (head, log, is_grown) = read_log(directory, (vault, &key, &rules), basis, &mut findings)?;
    let Parties { heads, cards } = Parties::read(directory, &mut findings)?;
    if heads.iter().all(|(owner, _)| *owner != Principal::Vault(vault)) {
        findings.add(0, Fault::Missing, ("", 0));
    }
    let is_map_wrong = log.last.map_or(!heads.is_empty(), |epoch| !makes_map(&epoch, vault, &heads));
    if head.is_some() && is_map_wrong {
        findings.add(0, Fault::Map, ("", 0));
    }
    let cards = Cards::new(cards, rules.registrars());
    let read = |is_resumed| {
        let (rules, receipts, findings) = (rules.clone(), receipts.clone(), findings.clone());
        let state = basis.state.filter(|state| state.is_of(vault, &key));
        let streams = Streams::new((vault, rules, &cards), &heads, (state, is_resumed), (receipts, findings));
        streams.read(&directory.join("events.ndjson"), *key.as_bytes())
    };
    let read_all = || read(false)?.ok_or(AuditError::Malformed("events.ndjson"));
    let resumed = if basis.state.is_some() && is_grown { read(true)? } else { None };
    let mut streams = resumed.map_or_else(read_all, Ok)?;
    streams.judge(head.filter(|head| log.makes(*head)).map(|_| &log));
    let receipts = streams.receipts.judge(log.last, &streams.bad, &mut streams.findings);
    let public = Published::read(&directory.join("releases.ndjson"), streams.releases.len(), basis.policies)?;
    let (batches, gated) = (public.shown(), public.gated());
    streams.judge_public(public);
    let (findings, events) = (streams.findings.in_order(), streams.index);
    let streams = u64::try_from(heads.len()).unwrap_or(u64::MAX);
    let (epochs, log) = (log.size(), head.unwrap_or_default());
    let report = AuditReport { vault, log, epochs, streams, events, receipts, batches, gated, findings };
    let is_sound = report.worst().is_none_or(|worst| worst == Gravity::Warning);
    let state = if is_sound { State::new((vault, key, log), heads) } else { None };
    Ok((report, state))
}

/// The log and the head that its checkpoint signs, if it is this vault's; and whether it has grown from all that is known of it.
fn read_log(
    directory: &Path,
    (vault, key, rules): (VaultId, &VerifyingKey, &Rules),
    basis: &Basis<'_>,
    findings: &mut Findings,
) -> Result<(Option<Head>, Log, bool), AuditError> {
    let checkpoint =
        read_file(&directory.join("checkpoint"), u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX))?;
    let open = |note: &str| crate::log::open_checkpoint(note, vault, key).ok();
    let not_text = |_wrong| std::io::Error::from(std::io::ErrorKind::InvalidData);
    let head = open(str::from_utf8(&checkpoint).map_err(not_text)?);
    let log = Log::read(directory, head.unwrap_or_default().size, vault)?;
    match head {
        None => findings.add(0, Fault::Checkpoint, ("", 0)),
        Some(head) if !log.makes(head) => findings.add(0, Fault::Log, ("", 0)),
        Some(_) => (),
    }
    if head.is_some() && !rules.is_witnessed(&checkpoint) {
        findings.add(0, Fault::Unwitnessed, ("", 0));
    }
    let has_grown = |head: Option<Head>| head.is_some_and(|head| log.grows_from(head));
    let is_grown = basis.kept.is_none_or(|kept| has_grown(open(kept)))
        && basis.state.is_none_or(|state| has_grown(Some(state.log()).filter(|_| state.is_of(vault, key))));
    if !is_grown {
        findings.add(0, Fault::Checkpoint, ("", 0));
    }
    Ok((head, log, is_grown))
}
