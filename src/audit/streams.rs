//! All streams, one after another: each begun, followed and ended as its head says, and what they leave to be judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    audit::{
        Fault, State,
        cards::Cards,
        input::{self, Checked, Said, Signers},
        lines::{Statement, name_of},
        people::{Attested, Held},
        receipts::Receipts,
        report::Findings,
        rules::Rules,
        stream::{Right, Stream},
    },
    credential::RulingStatement,
    event::{Event, Principal, Verb},
    id::{Digest, PartyId, VaultId},
    merkle::Head,
    time::Timestamp,
};

/// Where something stands in an export, and when it was received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) seq: u64,
    pub(super) received: Timestamp,
}

/// Someone acted by right of a grant, or was given one: by which right, by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dealing {
    pub(super) place: Place,
    pub(super) right: u32,
}

/// What a registrar did.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) place: Place,
    pub(super) stream: Principal,
    pub(super) actor: Principal,
    pub(super) deed: Deed,
}

/// A party took an export of the log with this root.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) place: Place,
    pub(super) party: PartyId,
    pub(super) log: Option<Digest>,
}

/// A release of the public area, and who made it.
#[derive(Debug)]
pub(super) struct Released {
    pub(super) place: Place,
    pub(super) actor: Principal,
    /// What it names.
    pub(super) subject: Option<Digest>,
}

/// What it was, with the right statement or without it.
#[derive(Debug)]
pub(super) enum Deed {
    Attested(Option<Box<Attested>>),
    Governed(Option<Digest>),
    Other,
    Ruled(Option<Box<RulingStatement>>),
}

/// What was read of all streams.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    pub(super) vault: VaultId,
    pub(super) rules: Rules,
    pub(super) cards: &'a Cards,
    /// Each stream's head, in the order in which the streams come.
    heads: &'a [(Principal, Head)],
    /// How far the streams were verified before.
    state: Option<&'a State>,
    /// Whether signatures from before are not looked at again.
    is_resumed: bool,
    /// Whether something that was taken for verified is not what was.
    is_unfounded: bool,
    pub(super) receipts: Receipts,
    /// What is judged when all streams were read.
    pub(super) dealings: Vec<Dealing>,
    pub(super) rights: BTreeMap<Right, u32>,
    pub(super) offices: Vec<Office>,
    pub(super) exports: Vec<Taken>,
    pub(super) releases: Vec<Released>,
    pub(super) findings: Findings,
    /// Streams that are not whole: what depends on them is not judged.
    pub(super) bad: BTreeSet<Principal>,
    /// What streams are called whose first lines do not call them as usual.
    names: BTreeMap<Principal, Box<str>>,
    stream: Option<Open>,
    /// The first of the heads whose stream has not come yet.
    next_head: usize,
    /// The number of the next line.
    pub(super) index: u64,
}

/// The stream that is being read.
#[derive(Debug)]
struct Open {
    stream: Stream,
    /// What its stream must come to, if there is a head of it.
    head: Option<Head>,
    /// A head it had when it was verified before, until it is come to.
    kept: Option<Head>,
    held: Held,
    /// Whether something was found in it: what follows on it is not judged.
    is_bad: bool,
}

impl<'a> Streams<'a> {
    pub(super) fn new(
        (vault, rules, cards): (VaultId, Rules, &'a Cards),
        heads: &'a [(Principal, Head)],
        (state, is_resumed): (Option<&'a State>, bool),
        (receipts, findings): (Receipts, Findings),
    ) -> Self {
        Self {
            vault,
            rules,
            cards,
            heads,
            state,
            is_resumed,
            is_unfounded: false,
            receipts,
            dealings: Vec::new(),
            rights: BTreeMap::new(),
            offices: Vec::new(),
            exports: Vec::new(),
            releases: Vec::new(),
            findings,
            bad: BTreeSet::new(),
            names: BTreeMap::new(),
            stream: None,
            next_head: 0,
            index: 0,
        }
    }

    /// Reads all; nothing, if something was taken for verified that is not what was: then all is to be verified.
    pub(super) fn read(mut self, path: &Path, vault_key: [u8; 32]) -> std::io::Result<Option<Self>> {
        let state = self.state.filter(|_| self.is_resumed);
        let mut signers = Signers::new((self.vault, vault_key), self.cards, state);
        input::read(path, &mut signers, |checked| {
            self.follow(checked);
            self.index = self.index.saturating_add(1);
            !self.is_unfounded
        })?;
        self.end_stream();
        self.stream = None;
        if self.is_unfounded {
            return Ok(None);
        }
        self.pass_over(self.heads.len());
        self.look_for_kept();
        Ok(Some(self))
    }

    /// What findings call a stream.
    pub(super) fn name(&self, stream: Principal) -> String {
        self.names.get(&stream).map_or_else(|| name_of(stream), |name| (**name).to_owned())
    }

    fn follow(&mut self, Checked { line, is_signed, said }: Checked) {
        let Some(line) = line else {
            let seq = self.stream.as_ref().map_or(0, |open| open.stream.frontier.size());
            return self.found(Fault::Malformed, seq);
        };
        self.receipts.met(&line.digest, line.stream);
        if self.stream.as_ref().is_none_or(|open| open.stream.of != line.stream) {
            self.end_stream();
            self.begin_stream(line.stream, line.name, line.seq);
        }
        let Some(open) = &mut self.stream else { return };
        if open.is_bad {
            return;
        }
        let place = Place { index: self.index, seq: line.seq, received: line.received };
        let is_next = line.seq == open.stream.frontier.size();
        let event = line.event.filter(|_| is_signed);
        // A warning, and no more: what follows is judged all the same.
        let is_late = line.received < open.stream.received;
        let is_untimely = event
            .as_ref()
            .is_some_and(|event| is_late || self.rules.are_apart(event.moment.at, line.received));
        let followed = match &event {
            _ if !is_next => Err(Fault::Position),
            None => Err(Fault::Signature),
            Some(event) => open.stream.next(line.received, event, &line.grants),
        };
        let head = open.stream.append(line.leaf);
        let is_there = open.kept.is_some_and(|kept| kept.size == head.size);
        let is_another = is_there && open.kept != Some(head);
        if is_there && !is_another {
            open.kept = None;
        }
        self.receipts.had(head, line.stream);
        if is_next && is_untimely {
            self.findings.add(place.index, Fault::Time, (&self.name(line.stream), place.seq));
        }
        let fault = match followed {
            Err(fault) => Some(fault),
            Ok(_) if is_another => Some(Fault::Stream),
            Ok(rights) => {
                rights.into_iter().for_each(|right| self.deal(place, right));
                event.and_then(|event| self.office((place, line.stream), &event, (said, line.statement)))
            }
        };
        if let Some(fault) = fault {
            self.found(fault, place.seq);
        }
    }
    fn deal(&mut self, place: Place, right: Right) {
        let next = u32::try_from(self.rights.len()).unwrap_or(u32::MAX);
        let right = *self.rights.entry(right).or_insert(next);
        self.dealings.push(Dealing { place, right });
    }

    /// What a vault was made under is looked at now; what registrars do, when all streams were read: until then it is not known
    /// who was one.
    fn office(
        &mut self,
        (place, stream): (Place, Principal),
        event: &Event,
        (said, statement): (Option<Said>, Option<Statement>),
    ) -> Option<Fault> {
        let step = &event.step;
        // The first policy is what all others follow on: the first event of the vault names it, and no other event does.
        let is_vaults = matches!(stream, Principal::Vault(_));
        let is_made = step.verb == Verb::Create;
        if (is_vaults && place.seq == 0) != is_made || (is_made && step.subject != self.rules.first()) {
            return Some(Fault::Policy);
        }
        let deed = match step.verb {
            Verb::Attest | Verb::Withdraw => {
                Deed::Attested(self.attested((place, stream), event, (said, statement)))
            }
            Verb::Rule => match said {
                Some(Said::Ruling(statement)) if statement.subject == step.owner => {
                    Deed::Ruled(Some(Box::new(statement)))
                }
                Some(Said::Attestation(_) | Said::Ruling(_)) | None => Deed::Ruled(None),
            },
            Verb::Govern => {
                if let (Some(charter), true) = (step.subject, is_vaults) {
                    self.rules.signed(charter, place.received);
                }
                Deed::Governed(step.subject)
            }
            Verb::Equip | Verb::Refuse => Deed::Other,
            Verb::Export => {
                if let Principal::Party(party) = step.actor {
                    self.exports.push(Taken { place, party, log: step.subject });
                }
                return None;
            }
            Verb::Release => {
                self.releases.push(Released { place, actor: step.actor, subject: step.subject });
                return None;
            }
            Verb::Amend
            | Verb::Appeal
            | Verb::Assign
            | Verb::Block
            | Verb::Close
            | Verb::Create
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
            | Verb::Write => return None,
        };
        self.offices.push(Office { place, stream, actor: step.actor, deed });
        None
    }

    /// An attestation given or withdrawn in the stream of whom it is about.
    fn attested(
        &mut self,
        (place, stream): (Place, Principal),
        event: &Event,
        (said, statement): (Option<Said>, Option<Statement>),
    ) -> Option<Box<Attested>> {
        let (Some(Said::Attestation(said)), Some(Statement::Attestation(signed))) = (said, statement) else {
            return None;
        };
        let Principal::Party(registrar) = event.step.actor else { return None };
        if Principal::Party(said.subject) != stream || said.vault != self.vault {
            return None;
        }
        let how = (event.step.verb == Verb::Attest, place.received);
        let held = &mut self.stream.as_mut()?.held;
        Some(Box::new(held.next(how, registrar, (signed, &said))))
    }

    fn begin_stream(&mut self, of: Principal, name: Option<Box<str>>, seq: u64) {
        let mut rest = self.heads.iter().enumerate().skip(self.next_head);
        let found = rest.find(|(_, (owner, _))| *owner == of).map(|(number, (_, head))| (number, *head));
        if let Some(name) = name {
            self.names.insert(of, name);
        }
        self.stream = Some(Open {
            stream: Stream::new(self.vault, of),
            head: found.map(|(_, head)| head),
            kept: self.state.and_then(|state| state.head(of)),
            held: Held::default(),
            is_bad: false,
        });
        if let Some((number, _)) = found {
            self.pass_over(number);
            self.next_head = number.saturating_add(1);
        } else {
            // The heads wait for their own streams.
            self.found(Fault::Missing, seq);
        }
    }

    /// The stream that was read ends here, as its head says or not, and not before it was verified to.
    fn end_stream(&mut self) {
        let Some(open) = &self.stream else { return };
        let is_whole = open.head == Some(open.stream.frontier.head()) && open.kept.is_none();
        if !open.is_bad && !is_whole {
            self.found(Fault::Stream, open.stream.frontier.size());
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

    /// The streams that were verified before, and are nowhere now.
    fn look_for_kept(&mut self) {
        let Some(state) = self.state else { return };
        let mut owners: Vec<Principal> = self.heads.iter().map(|(owner, _)| *owner).collect();
        owners.sort_unstable();
        for owner in state.owners() {
            if owners.binary_search(&owner).is_err() && self.bad.insert(owner) {
                self.findings.add(self.index, Fault::Stream, (&self.name(owner), 0));
            }
        }
    }

    fn found(&mut self, fault: Fault, seq: u64) {
        let name = self.stream.as_ref().map(|open| self.name(open.stream.of)).unwrap_or_default();
        self.findings.add(self.index, fault, (&name, seq));
        if let Some(open) = &mut self.stream {
            open.is_bad = true;
            self.bad.insert(open.stream.of);
            self.is_unfounded |= self.is_resumed && open.kept.is_some();
        }
    }
}
