//! Talking to the custodian: messages out, answers checked.

use std::sync::Arc;

use crate::{
    access::{Charter, Policy},
    codec,
    credential::{RegistryStatement, Trust},
    crypto::{Label, Secret, Signed},
    custodian::{Accepted, Answer, Part, Query, Question, Refusal, Request, Response, Sender, Submission},
    error::{Error, Misuse, Tampering, Unavailable},
    event::{Event, Moment, Principal, Receipt, SignedEvent, Verb},
    folder::FolderKind,
    id::{Digest, FolderId, OpId, VaultId},
    party::{CaseKey, RoleType},
    session::{Memory, Session, memory::Own, state::State},
};

/// What came of a submission that may meet another's.
pub(super) enum Outcome {
    Accepted(Box<Accepted>),
    Conflict,
}

/// How many promises are kept open before the stream is looked at.
const PROMISES_MAX: usize = 256;

/// Who hands something in: the owner of what it is about, or another, who does not know whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Other,
    Owner,
}

/// With which key the owner acts in one of its folders.
pub(super) enum Hand {
    Case(Arc<CaseKey>),
    Own,
}

impl<R: RoleType> Session<'_, R> {
    pub(super) fn exchange(&self, request: &Request) -> Result<Response, Error> {
        let answer = self.custodian.exchange(&codec::encode(request))?;
        match codec::decode::<Response>(&answer).map_err(|_garbled| Tampering::Answer)? {
            Response::Refused(Refusal::Denied) => Err(Error::Denied),
            Response::Refused(Refusal::Malformed) => Err(Misuse::Refused.into()),
            Response::Refused(Refusal::ReadOnly) => Err(Unavailable::ReadOnly.into()),
            Response::Refused(Refusal::Unavailable) => Err(Unavailable::Store.into()),
            response @ (Response::Accepted(_)
            | Response::Answer(_)
            | Response::Charters(..)
            | Response::Checkpoint(..)
            | Response::Hello(..)
            | Response::Public(_)
            | Response::Refused(Refusal::Conflict)) => Ok(response),
        }
    }

    /// Learns which vault this is, and holds it to what is pinned; follows to another policy if enough of the registrars
    /// pinned so far signed it.
    pub(super) fn meet(&self) -> Result<Trust, Error> {
        let Response::Hello(trust, policy) = self.exchange(&Request::Hello)? else {
            return Err(Tampering::Answer.into());
        };
        let is_its = trust == policy.trust(trust.vault, trust.vault_key, trust.version);
        let pinned = self.state().memory.trust.clone();
        let followed = match pinned {
            _ if !is_its => return Err(Tampering::Trust.into()),
            Some(pinned) if pinned == trust => trust,
            Some(pinned) => self.follow(pinned, &trust)?,
            None => trust,
        };
        let mut state = self.state();
        state.memory.trust = Some(followed.clone());
        state.policy = Some(policy);
        Ok(followed)
    }

    /// From the trust that is pinned to the one that is claimed, policy by policy.
    fn follow(&self, pinned: Trust, claimed: &Trust) -> Result<Trust, Error> {
        let mut trust = pinned;
        while trust != *claimed {
            if trust.version >= claimed.version {
                return Err(Tampering::Trust.into());
            }
            let (charters, registries) = self.charters(trust.version)?;
            if charters.is_empty() {
                return Err(Tampering::Trust.into());
            }
            for charter in charters {
                self.remember_registries(&registries, &trust);
                let (_, next) = charter.follow(&trust).ok_or(Tampering::Trust)?;
                trust = next;
                // There may be newer ones by now.
                if trust == *claimed {
                    break;
                }
            }
        }
        Ok(trust)
    }

    /// The policies after so many, and the registrars' keys: what the custodian says, not verified.
    pub(super) fn charters(
        &self,
        since: u32,
    ) -> Result<(Vec<Charter>, Vec<Signed<RegistryStatement>>), Error> {
        match self.exchange(&Request::Charters(since))? {
            Response::Charters(charters, registries) => Ok((charters, registries)),
            Response::Accepted(_)
            | Response::Answer(_)
            | Response::Checkpoint(..)
            | Response::Hello(..)
            | Response::Public(_)
            | Response::Refused(_) => Err(Tampering::Answer.into()),
        }
    }

    /// What this vault allows, as it was when this session last asked.
    ///
    /// # Errors
    /// [`Error`] if nothing is known yet and the custodian does not answer.
    pub fn policy(&self) -> Result<Policy, Error> {
        let known = self.state().policy.clone();
        match known {
            Some(policy) => Ok(policy),
            None => {
                self.meet()?;
                self.state().policy.clone().ok_or_else(|| Tampering::Trust.into())
            }
        }
    }

    /// Whom this session trusts.
    ///
    /// # Errors
    /// [`Error`] if nothing is pinned yet and the custodian does not answer.
    pub fn trust(&self) -> Result<Trust, Error> {
        let pinned = self.state().memory.trust.clone();
        pinned.map_or_else(|| self.meet(), Ok)
    }

    pub(super) fn vault_id(&self) -> Result<VaultId, Error> {
        Ok(self.trust()?.vault)
    }

    pub(super) fn ask(&self, question: Question) -> Result<Answer, Error> {
        let query = Query {
            vault: self.vault_id()?,
            asker: self.id(),
            question,
            at: self.clock.now(),
            nonce: self.random(),
        };
        match self.exchange(&Request::Ask(Signed::sign(&query, self.keyring.signer())))? {
            Response::Answer(answer) => Ok(answer),
            // What it is about has moved on meanwhile.
            Response::Refused(Refusal::Conflict) => Err(Misuse::Conflict.into()),
            Response::Accepted(_)
            | Response::Charters(..)
            | Response::Checkpoint(..)
            | Response::Hello(..)
            | Response::Public(_)
            | Response::Refused(_) => Err(Tampering::Answer.into()),
        }
    }

    /// An event by this party, or by one of its Cases, to be filled in and signed.
    pub(super) fn event(&self, actor: Principal, verb: Verb, op_id: OpId) -> Result<Event, Error> {
        Ok(Event::new((self.vault_id()?, op_id), actor, verb, self.clock.now(), self.random()))
    }

    pub(super) fn fresh_op(&self) -> OpId {
        OpId::from_bytes(self.random())
    }

    /// Hands in what belongs together.
    pub(super) fn submit(&self, from: From, parts: Vec<Part>) -> Result<Outcome, Error> {
        let events: Vec<Digest> = parts.iter().map(|part| part.event.digest()).collect();
        let sender = match from {
            From::Other => None,
            From::Owner => Some(Sender { owner: self.id(), token: *self.token()?.expose() }),
        };
        let known = self.promised_size();
        let response = self.exchange(&Request::Submit(Submission { sender, parts }))?;
        let accepted = match response {
            Response::Accepted(accepted) => accepted,
            Response::Refused(Refusal::Conflict) => return Ok(Outcome::Conflict),
            Response::Answer(_)
            | Response::Charters(..)
            | Response::Checkpoint(..)
            | Response::Hello(..)
            | Response::Public(_)
            | Response::Refused(_) => {
                return Err(Tampering::Answer.into());
            }
        };
        let trust = self.trust()?;
        let receipt: Receipt =
            accepted.receipt.verify(&trust.vault_key).map_err(|_forged| Tampering::Receipt)?;
        if receipt.vault != trust.vault || receipt.events != events {
            return Err(Tampering::Receipt.into());
        }
        self.state().receipt = Some(accepted.receipt.clone());
        if from == From::Owner && self.keep_promise(&receipt, known)? >= PROMISES_MAX {
            self.sync()?;
        }
        Ok(Outcome::Accepted(Box::new(accepted)))
    }

    /// How long one's own stream is, by all that is known.
    fn promised_size(&self) -> u64 {
        let state = self.state();
        let Memory { stream, promised, .. } = &state.memory;
        promised.iter().map(|promised| promised.size).max().unwrap_or(0).max(stream.size())
    }

    /// Remembers what was promised of one's own stream: a head that has these events in it, behind all that was known when
    /// they were handed in. How many promises are open now.
    fn keep_promise(&self, receipt: &Receipt, known: u64) -> Result<usize, Error> {
        let head = receipt.stream.ok_or(Tampering::Receipt)?;
        let count = u64::try_from(receipt.events.len()).unwrap_or(u64::MAX);
        if head.size < known.saturating_add(count) {
            return Err(Tampering::Receipt.into());
        }
        let mut state = self.state();
        let State { memory: Memory { stream, promised, accepted, .. }, met, .. } = &mut *state;
        if head.size > stream.size() {
            promised.push(head);
            accepted.extend(&receipt.events);
        } else if receipt.events.iter().any(|event| !met.contains(event)) {
            // Another thread has read the stream past this head meanwhile, and these events were not there.
            return Err(Tampering::Receipt.into());
        }
        Ok(promised.len())
    }

    /// What proves this party to be the sender of what is about its own data.
    pub(super) fn token(&self) -> Result<Secret<32>, Error> {
        Ok(self.keyring.derive_own(Label::Sender, &[self.vault_id()?.as_bytes()]))
    }

    /// Hands in what cannot meet another's.
    pub(super) fn submit_alone(&self, from: From, parts: Vec<Part>) -> Result<Accepted, Error> {
        match self.submit(from, parts)? {
            Outcome::Accepted(accepted) => Ok(*accepted),
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }

    /// One of the party's own folders, as its own stream says.
    pub(super) fn own_folder(&self, folder: FolderId) -> Result<Own, Error> {
        let known = || self.state().memory.own.get(&folder).cloned();
        if let Some(own) = known() {
            return Ok(own);
        }
        self.sync()?;
        known().ok_or_else(|| Misuse::NotOwn.into())
    }

    /// With which key the party acts in one of its own folders, and as whom.
    pub(super) fn hand(&self, own: &Own) -> Result<(Hand, Principal), Error> {
        if own.kind == FolderKind::Case {
            let vault = self.vault_id()?;
            let mut state = self.state();
            let derive = || Arc::new(self.keyring.derive_case(vault, own.nonce));
            let key = state.case_keys.entry(own.nonce).or_insert_with(derive);
            Ok((Hand::Case(Arc::clone(key)), Principal::Folder(key.folder())))
        } else {
            Ok((Hand::Own, Principal::Party(self.id())))
        }
    }

    /// Signs an event. What one does under one's own card with one's own data says how far one has seen one's stream;
    /// in a Case that would tie the Case to its owner.
    pub(super) fn sign(&self, hand: &Hand, event: Event) -> SignedEvent {
        match hand {
            Hand::Case(key) => SignedEvent::sign(&event, key.signer()),
            Hand::Own if event.owner == Principal::Party(self.id()) => {
                let seen = self.state().memory.stream.head();
                let seen_stream = Some(seen).filter(|seen| seen.size > 0);
                let event = event.when(|moment| Moment { seen_stream, ..moment });
                SignedEvent::sign(&event, self.keyring.signer())
            }
            Hand::Own => SignedEvent::sign(&event, self.keyring.signer()),
        }
    }
}
