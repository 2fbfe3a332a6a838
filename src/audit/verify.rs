//! The verdict: a whole export against its checkpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    path::Path,
};

use crate::{
    audit::{
        Fault, Finding,
        lines::{Brought, EventLine, PartyLine, PolicyFile, next_line},
        people::{People, Rules},
        stream::{Dealing, Stream},
    },
    consent::Purpose,
    credential::{Standing, Verdict},
    crypto::VerifyingKey,
    event::{Event, Principal, Step, Verb},
    id::{Digest, PartyId, VaultId},
    limits::FINDINGS_MAX,
    log::{LogEpoch, OwnerHead, bucket_of, bucket_root, map_root},
    merkle::{self, Head},
    party::{Card, Role},
    spread,
    time::Timestamp,
};

/// How many lines are read before their signatures are looked at.
const LINES_AT_A_TIME: usize = 4096;

/// How many signatures are worth a thread: some two hundred microseconds of work.
const SIGNATURES_WORTH_A_THREAD: usize = 4;

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A file cannot be read.
    #[error("the export cannot be read: {0}. Check that the folder is whole")]
    Files(#[from] std::io::Error),
    /// A file that all depends on is not one.
    #[error("{0} is not what an export holds: ask for another, and keep this one")]
    Malformed(&'static str),
}

impl AuditError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Files(_) => "audit-files",
            Self::Malformed(_) => "audit-malformed",
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// The vault.
    pub vault: VaultId,
    /// The head of the log, by its checkpoint.
    pub log: Head,
    /// Epochs of the log.
    pub epochs: u64,
    /// Streams, the vault's own included.
    pub streams: u64,
    /// Events, each with a signature that was verified.
    pub events: u64,
    /// What is wrong, the first first; nothing, if all is in order.
    pub findings: Vec<Finding>,
}

/// Checks an export, against its own checkpoint and one that was kept from before.
///
/// # Errors
/// [`AuditError`] if the export is not one; what is wrong within it is a finding.
pub fn verify(directory: &Path, kept: Option<&str>) -> Result<AuditReport, AuditError> {
    let policy = fs::read(directory.join("policy.json"))?;
    let policy = PolicyFile::read(&policy).ok_or(AuditError::Malformed("policy.json"))?;
    let (vault, key) = (policy.vault, policy.vault_key);
    let mut findings = Findings::default();
    let rules = Rules::read((vault, key), policy.first.clone(), &policy.charters);
    let rules = rules.or_else(|| {
        findings.add(0, Fault::Policy, ("", 0));
        Rules::read((vault, key), policy.first.clone(), &[])
    });
    let rules = rules.ok_or(AuditError::Malformed("policy.json"))?;
    let checkpoint = fs::read_to_string(directory.join("checkpoint"))?;
    let log = read_checkpoint(&checkpoint, (vault, &key));
    let (epochs, are_its) = crate::audit::epochs::read(directory, log.unwrap_or_default().size)?;
    let hashes: Vec<Digest> = epochs.iter().map(LogEpoch::hash).collect();
    match log {
        None => findings.add(0, Fault::Checkpoint, ("", 0)),
        Some(log) if merkle::root(&hashes) != log || !are_its || !are_in_order(&epochs, vault) => {
            findings.add(0, Fault::Log, ("", 0));
        }
        Some(_) => (),
    }
    if let Some(kept) = kept {
        let grows = read_checkpoint(kept, (vault, &key)).is_some_and(|kept| {
            let size = usize::try_from(kept.size).ok();
            size.and_then(|size| hashes.get(..size)).is_some_and(|hashes| merkle::root(hashes) == kept)
        });
        if !grows {
            findings.add(0, Fault::Checkpoint, ("", 0));
        }
    }
    let (heads, cards) = read_parties(directory, &mut findings)?;
    if heads.iter().all(|(owner, _)| *owner != Principal::Vault(vault)) {
        findings.add(0, Fault::Missing, ("", 0));
    }
    let is_map_wrong = epochs.last().map_or(!heads.is_empty(), |epoch| !makes_map(epoch, vault, &heads));
    if log.is_some() && is_map_wrong {
        findings.add(0, Fault::Map, ("", 0));
    }
    let mut audit = Audit {
        key,
        rules,
        heads,
        cards,
        people: People::default(),
        dealings: Vec::new(),
        offices: Vec::new(),
        releases: Vec::new(),
        findings,
        bad: BTreeSet::new(),
        stream: None,
        next_head: 0,
        vault,
        index: 0,
    };
    audit.read_events(&directory.join("events.ndjson"))?;
    audit.judge_offices();
    audit.judge();
    audit.judge_releases();
    let Audit { heads, findings, index, .. } = audit;
    let findings = findings.in_order();
    let (epochs, streams) = (u64::try_from(epochs.len()).unwrap_or(u64::MAX), heads.len());
    let streams = u64::try_from(streams).unwrap_or(u64::MAX);
    Ok(AuditReport { vault, log: log.unwrap_or_default(), epochs, streams, events: index, findings })
}

/// Findings, so many at the most; the first of each stream.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, index: u64, fault: Fault, (stream, seq): (&str, u64)) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding { index, fault, stream: stream.to_owned(), seq });
        }
    }

    fn in_order(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort();
        findings
    }
}

/// The head that a checkpoint signs, if this vault's key signed it.
fn read_checkpoint(text: &str, (vault, key): (VaultId, &VerifyingKey)) -> Option<Head> {
    crate::log::open_checkpoint(text, vault, key).ok()
}

fn are_in_order(epochs: &[LogEpoch], vault: VaultId) -> bool {
    let numbered = (0u64..).zip(epochs).all(|(number, epoch)| epoch.number == number && epoch.vault == vault);
    numbered && epochs.is_sorted_by_key(|epoch| epoch.at)
}

/// The streams' heads in the order of the file, and the cards of parties.
type Parties = (Vec<(Principal, Head)>, BTreeMap<PartyId, Card>);

fn read_parties(directory: &Path, findings: &mut Findings) -> Result<Parties, AuditError> {
    let mut file = BufReader::new(fs::File::open(directory.join("parties.ndjson"))?);
    let (mut line, mut heads, mut cards) = (Vec::new(), Vec::new(), BTreeMap::new());
    while let Some(read) = next_line(&mut file, &mut line)? {
        let party = read.ok().and_then(|()| PartyLine::read(&line));
        let Some(PartyLine { stream, head, card }) = party else {
            findings.add(0, Fault::Malformed, ("parties.ndjson", u64::try_from(heads.len()).unwrap_or(0)));
            continue;
        };
        if let Some(card) = card {
            let is_its = stream == Principal::Party(card.party());
            if !is_its {
                findings.add(
                    0,
                    Fault::Malformed,
                    ("parties.ndjson", u64::try_from(heads.len()).unwrap_or(0)),
                );
            }
            cards.insert(card.party(), card);
        }
        heads.extend(head.map(|head| (stream, head)));
    }
    Ok((heads, cards))
}

/// Whether the streams' heads make the heads map of an epoch.
fn makes_map(epoch: &LogEpoch, vault: VaultId, heads: &[(Principal, Head)]) -> bool {
    let Some(count) =
        1usize.checked_shl(u32::from(epoch.depth)).filter(|_| epoch.depth <= crate::limits::MAP_DEPTH_MAX)
    else {
        return false;
    };
    let mut leaves: Vec<_> =
        heads.iter().map(|(owner, head)| OwnerHead { owner: *owner, head: *head }.leaf(vault)).collect();
    leaves.sort_unstable();
    let is_single = leaves.windows(2).all(|pair| matches!(pair, [one, other] if one.key < other.key));
    let mut buckets = vec![Vec::new(); count];
    for leaf in leaves {
        let bucket = usize::try_from(bucket_of(&leaf.key, epoch.depth)).ok();
        if let Some(bucket) = bucket.and_then(|bucket| buckets.get_mut(bucket)) {
            bucket.push(leaf);
        }
    }
    let roots: Vec<Digest> = buckets.iter().map(|leaves| bucket_root(leaves)).collect();
    let events = heads.iter().map(|(_, head)| head.size).fold(0u64, u64::saturating_add);
    is_single
        && map_root(&roots) == epoch.map
        && u64::try_from(heads.len()).ok() == Some(epoch.owners)
        && events == epoch.events
}

/// An audit while it is made.
struct Audit {
    key: VerifyingKey,
    vault: VaultId,
    rules: Rules,
    /// Each stream's head, in the order in which the streams come.
    heads: Vec<(Principal, Head)>,
    cards: BTreeMap<PartyId, Card>,
    people: People,
    /// What is judged when all streams were read.
    dealings: Vec<Dealing>,
    offices: Vec<Office>,
    releases: Vec<Released>,
    findings: Findings,
    /// Streams that are not whole: what depends on them is not judged.
    bad: BTreeSet<Principal>,
    stream: Option<Open>,
    /// The first of the heads whose stream has not come yet.
    next_head: usize,
    /// The number of the next line.
    index: u64,
}

/// What a registrar did, and what it brought.
struct Office {
    index: u64,
    line: EventLine,
    step: Step,
}

/// A release of the public area, and who made it.
struct Released {
    index: u64,
    seq: u64,
    received: Timestamp,
    actor: Principal,
}

/// The stream that is being read.
struct Open {
    stream: Stream,
    name: String,
    /// What its stream must come to, if there is a head of it.
    head: Option<Head>,
    /// Whether something was found in it: what follows on it is not judged.
    is_bad: bool,
}

impl Audit {
    fn read_events(&mut self, path: &Path) -> Result<(), AuditError> {
        let mut file = BufReader::new(fs::File::open(path)?);
        while self.read_some(&mut file)? {}
        self.end_stream();
        self.stream = None;
        self.pass_over(self.heads.len());
        Ok(())
    }

    /// Reads some lines, verifies their signatures on all cores, and follows them one by one.
    fn read_some(&mut self, file: &mut impl BufRead) -> Result<bool, AuditError> {
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        while lines.len() < LINES_AT_A_TIME {
            match next_line(file, &mut line)? {
                None => break,
                Some(read) => lines.push(read.ok().and_then(|()| EventLine::read(&line))),
            }
        }
        let mut keys = Keys {
            of: self.stream.as_ref().map(|open| open.stream.of),
            cases: Stream::new(self.vault, Principal::Vault(self.vault)),
        };
        if let Some(open) = &self.stream {
            keys.cases = open.stream.keys_alone();
        }
        let signers: Vec<Option<VerifyingKey>> =
            lines.iter().map(|line| line.as_ref().and_then(|line| self.signer_of(line, &mut keys))).collect();
        let pairs: Vec<_> = lines.iter().zip(&signers).collect();
        let events = spread::map(&pairs, SIGNATURES_WORTH_A_THREAD, |(line, key)| {
            let (line, key) = line.as_ref().zip(key.as_ref())?;
            line.event.verify(key).ok()
        });
        let count = lines.len();
        for (line, event) in lines.into_iter().zip(events) {
            self.follow(line, event);
            self.index = self.index.saturating_add(1);
        }
        Ok(count == LINES_AT_A_TIME)
    }

    /// Whose signature a line's event must bear.
    fn signer_of(&self, line: &EventLine, keys: &mut Keys) -> Option<VerifyingKey> {
        if keys.of != Some(line.stream) {
            *keys = Keys { of: Some(line.stream), cases: Stream::new(self.vault, line.stream) };
        }
        let step = line.event.claimed_step().ok()?;
        if !keys.cases.learn(&step) {
            return None;
        }
        match step.actor {
            Principal::Folder(folder) => keys.cases.case_key(folder),
            Principal::Party(party) => {
                let registrar = || self.rules.card(party);
                self.cards.get(&party).or_else(registrar).map(|card| *card.verifying_key())
            }
            Principal::Vault(vault) => (vault == self.vault).then_some(self.key),
        }
    }

    fn follow(&mut self, line: Option<EventLine>, event: Option<Event>) {
        let index = self.index;
        let Some(line) = line else {
            let (name, seq) = self
                .stream
                .as_ref()
                .map_or_else(Default::default, |open| (open.name.clone(), open.stream.frontier.size()));
            return self.found(Fault::Malformed, (&name, seq));
        };
        if self.stream.as_ref().is_none_or(|open| open.stream.of != line.stream) {
            self.end_stream();
            self.begin_stream(&line);
        }
        let Some(open) = &mut self.stream else { return };
        if open.is_bad {
            return;
        }
        // A warning, and no more: what follows is judged all the same.
        let is_late = line.received < open.stream.received;
        if let Some(event) = &event
            && line.seq == open.stream.frontier.size()
            && (is_late || self.rules.are_apart(event.moment.at, line.received))
        {
            self.findings.add(index, Fault::Time, (&line.name, line.seq));
        }
        let fault = if line.seq != open.stream.frontier.size() {
            Some(Fault::Position)
        } else {
            match &event {
                None => Some(Fault::Signature),
                Some(event) => {
                    if !open.stream.learn(&event.step) {
                        Some(Fault::Folder)
                    } else {
                        match open.stream.next((index, line.received), event, &line.brings) {
                            Ok(dealings) => {
                                self.dealings.extend(dealings);
                                None
                            }
                            Err(fault) => Some(fault),
                        }
                    }
                }
            }
        };
        let entry = crate::event::Streamed { received: line.received, event: line.event.clone() };
        open.stream.append(entry.entry(line.seq).hash());
        if let (Some(fault), name) = (fault, open.name.clone()) {
            return self.found(fault, (&name, line.seq));
        }
        if let Some(event) = event
            && let Some(fault) = self.office(&line, &event)
        {
            self.found(fault, (&line.name, line.seq));
        }
    }

    /// What a vault was made under is looked at now; what registrars do, when all streams were read: until then it is not known
    /// who was one.
    fn office(&mut self, line: &EventLine, event: &Event) -> Option<Fault> {
        let (step, received) = (&event.step, line.received);
        // The first policy is what all others follow on: the first event of the vault names it, and no other event does.
        let is_first = matches!(line.stream, Principal::Vault(_)) && line.seq == 0;
        let is_made = step.verb == Verb::Create;
        if is_first != is_made || (is_made && step.subject != self.rules.first()) {
            return Some(Fault::Policy);
        }
        match step.verb {
            Verb::Attest | Verb::Equip | Verb::Govern | Verb::Refuse | Verb::Rule | Verb::Withdraw => {
                if let (Verb::Govern, Some(charter), Principal::Vault(_)) =
                    (step.verb, step.subject, line.stream)
                {
                    self.rules.signed(charter, received);
                }
                self.offices.push(Office { index: self.index, line: line.clone(), step: step.clone() });
                None
            }
            Verb::Release => {
                self.releases.push(Released {
                    index: self.index,
                    seq: line.seq,
                    received,
                    actor: step.actor,
                });
                None
            }
            Verb::Create => None,
            Verb::Amend
            | Verb::Appeal
            | Verb::Assign
            | Verb::Block
            | Verb::Close
            | Verb::Deny
            | Verb::Enrol
            | Verb::Grant
            | Verb::List
            | Verb::Open
            | Verb::OpenFolder
            | Verb::Report
            | Verb::Restore
            | Verb::Retract
            | Verb::Reveal
            | Verb::Revoke
            | Verb::Rotate
            | Verb::Share
            | Verb::Stage
            | Verb::Write => None,
        }
    }

    /// What registrars did: each statement by whom it names, who was a registrar then.
    fn judge_offices(&mut self) {
        for Office { index, line, step } in std::mem::take(&mut self.offices) {
            if self.bad.contains(&Principal::Vault(self.vault)) {
                return;
            }
            if let Err(fault) = self.judge_office(&line, &step) {
                self.findings.add(index, fault, (&line.name, line.seq));
                self.bad.insert(line.stream);
            }
        }
    }

    fn judge_office(&mut self, line: &EventLine, step: &Step) -> Result<(), Fault> {
        let received = line.received;
        let Principal::Party(actor) = step.actor else { return Err(Fault::Registrar) };
        let card = self.rules.card(actor).filter(|card| self.rules.is_registrar(card, received));
        let key = *card.ok_or(Fault::Registrar)?.verifying_key();
        if matches!(step.verb, Verb::Attest | Verb::Withdraw) {
            let signed = line.brings.iter().find_map(|brought| match brought {
                Brought::Attestation(signed) if Some(signed.digest()) == step.subject => Some(signed),
                Brought::Attestation(_) | Brought::Grant(_) | Brought::Ruling(_) => None,
            });
            let signed = signed.ok_or(Fault::Registrar)?;
            let statement = signed.verify(&key).map_err(|_forged| Fault::Registrar)?;
            if Principal::Party(statement.subject) != line.stream || statement.vault != self.vault {
                return Err(Fault::Registrar);
            }
            let given = (step.verb == Verb::Attest, signed.clone());
            self.people.attest(statement.subject, received, given);
        } else if step.verb == Verb::Rule {
            let statement = line.brings.iter().find_map(|brought| match brought {
                Brought::Ruling(signed) if Some(signed.digest()) == step.subject => signed.verify(&key).ok(),
                Brought::Ruling(_) | Brought::Attestation(_) | Brought::Grant(_) => None,
            });
            let statement = statement.filter(|statement| statement.subject == step.owner);
            let statement = statement.ok_or(Fault::Registrar)?;
            if let (Principal::Party(party), Verdict::Strike { .. } | Verdict::Lift(_)) =
                (line.stream, statement.verdict)
            {
                self.people.rule(party, received, statement);
            }
        } else if let (Verb::Govern, Some(charter)) = (step.verb, step.subject) {
            let is_left_out = self.rules.is_left_out(charter, actor, received);
            return if is_left_out { Err(Fault::Policy) } else { Ok(()) };
        }
        Ok(())
    }

    fn begin_stream(&mut self, line: &EventLine) {
        let mut rest = self.heads.iter().enumerate().skip(self.next_head);
        let found =
            rest.find(|(_, (owner, _))| *owner == line.stream).map(|(number, (_, head))| (number, *head));
        let stream = Stream::new(self.vault, line.stream);
        let head = found.map(|(_, head)| head);
        self.stream = Some(Open { stream, name: line.name.clone(), head, is_bad: false });
        if let Some((number, _)) = found {
            self.pass_over(number);
            self.next_head = number.saturating_add(1);
        } else {
            // The heads wait for their own streams.
            self.found(Fault::Missing, (&line.name, line.seq));
        }
    }

    /// The stream that was read ends here, as its head says or not.
    fn end_stream(&mut self) {
        let Some(open) = &self.stream else { return };
        if !open.is_bad && open.head != Some(open.stream.frontier.head()) {
            let (name, seq) = (open.name.clone(), open.stream.frontier.size());
            self.found(Fault::Stream, (&name, seq));
        }
    }

    /// The streams that should have come before this head's are missing.
    fn pass_over(&mut self, number: usize) {
        for passed in self.next_head..number {
            if let Some((owner, head)) = self.heads.get(passed)
                && head.size > 0
            {
                self.bad.insert(*owner);
                self.findings.add(self.index, Fault::Missing, ("", u64::try_from(passed).unwrap_or(0)));
            }
        }
    }

    fn found(&mut self, fault: Fault, (name, seq): (&str, u64)) {
        self.findings.add(self.index, fault, (name, seq));
        if let Some(open) = &mut self.stream {
            open.is_bad = true;
            self.bad.insert(open.stream.of);
        }
    }

    /// What was done by right of grants, and what was granted: to cards attested then, of parties then in good standing.
    fn judge(&mut self) {
        for dealing in std::mem::take(&mut self.dealings) {
            let Dealing { index, seq, received, reader, card, given, purpose } = dealing;
            if self.bad.contains(&Principal::Party(reader))
                || self.bad.contains(&Principal::Vault(self.vault))
            {
                continue;
            }
            let known = self.cards.get(&reader).or_else(|| self.rules.card(reader));
            let fault = match known.filter(|known| known.digest() == card) {
                None => Some(Fault::Unattested),
                Some(known) => {
                    // A registrar who vets needs nobody else's word.
                    let named = given.flatten().filter(|_| purpose != Purpose::Vetting);
                    let is_attested = self.people.is_attested(&self.rules, (known, received), named);
                    let most = if given.is_some() { Standing::Suspended } else { Standing::Barred };
                    let is_standing = self.people.standing(&self.rules, reader, received) < most;
                    let is_to_vet = purpose == Purpose::Vetting;
                    if !is_attested {
                        Some(Fault::Unattested)
                    } else if is_to_vet && !self.rules.is_registrar(known, received) {
                        Some(Fault::Identity)
                    } else if !is_to_vet && known.role() != Role::Doctor {
                        Some(Fault::Grant)
                    } else {
                        (!is_standing).then_some(Fault::Standing)
                    }
                }
            };
            if let Some(fault) = fault {
                self.findings.add(index, fault, ("", seq));
            }
        }
    }
}

impl Audit {
    /// What became public: by the curator whom the policy of then names, attested then and not barred.
    fn judge_releases(&mut self) {
        let vault = Principal::Vault(self.vault);
        for Released { index, seq, received, actor } in std::mem::take(&mut self.releases) {
            if self.bad.contains(&actor) || self.bad.contains(&vault) {
                continue;
            }
            let areas = self.rules.at(received).filter_map(|(_, policy)| policy.public_area());
            let cards: Vec<&Card> = areas.map(|area| &area.curator).collect();
            let card = cards.into_iter().find(|card| Principal::Party(card.party()) == actor);
            let fault = match card {
                None => Some(Fault::Uncovered),
                Some(card) if !self.people.is_attested(&self.rules, (card, received), None) => {
                    Some(Fault::Unattested)
                }
                Some(card) => {
                    let standing = self.people.standing(&self.rules, card.party(), received);
                    (standing >= Standing::Barred).then_some(Fault::Standing)
                }
            };
            if let Some(fault) = fault {
                self.findings.add(index, fault, ("", seq));
            }
        }
    }
}

/// The keys that sign in the stream a line is of.
struct Keys {
    of: Option<Principal>,
    cases: Stream,
}
