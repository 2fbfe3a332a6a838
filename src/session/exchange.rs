//! Talking to the custodian: messages out, answers checked.

use crate::{
    codec,
    credential::Trust,
    crypto::Signed,
    custodian::{Accepted, Answer, OwnFolder, Part, Query, Question, Refusal, Request, Response, Submission},
    error::{Error, Misuse, Tampering, Unavailable},
    event::{Event, Principal, Receipt, Verb},
    folder::FolderKind,
    id::{Digest, FolderId, OpId, VaultId},
    party::{CaseKey, RoleType},
    session::Session,
};

/// What came of a submission that may meet another's.
pub(super) enum Outcome {
    Accepted(Box<Accepted>),
    Conflict,
}

/// With which key the owner acts in one of its folders.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one signature, and holds a key that is not to be copied about"
)]
pub(super) enum Hand {
    Case(CaseKey),
    Own,
}

impl<R: RoleType> Session<'_, R> {
    fn exchange(&self, request: &Request) -> Result<Response, Error> {
        let answer = self.custodian.exchange(&codec::encode(request))?;
        match codec::decode::<Response>(&answer).map_err(|_garbled| Tampering::Answer)? {
            Response::Refused(Refusal::Denied) => Err(Error::Denied),
            Response::Refused(Refusal::Malformed) => Err(Misuse::Refused.into()),
            Response::Refused(Refusal::ReadOnly) => Err(Unavailable::ReadOnly.into()),
            Response::Refused(Refusal::Unavailable) => Err(Unavailable::Store.into()),
            response @ (Response::Accepted(_)
            | Response::Answer(_)
            | Response::Hello(..)
            | Response::Refused(Refusal::Conflict)) => Ok(response),
        }
    }

    /// Learns which vault this is, and holds it to what is pinned.
    pub(super) fn meet(&self) -> Result<Trust, Error> {
        let Response::Hello(trust, _policy) = self.exchange(&Request::Hello)? else {
            return Err(Tampering::Answer.into());
        };
        let mut state = self.state();
        match &state.memory.trust {
            Some(pinned) if *pinned != trust => Err(Tampering::Trust.into()),
            Some(_) => Ok(trust),
            None => {
                state.memory.trust = Some(trust.clone());
                Ok(trust)
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
            Response::Accepted(_) | Response::Hello(..) | Response::Refused(_) => {
                Err(Tampering::Answer.into())
            }
        }
    }

    /// An event by this party, or by one of its Cases, to be filled in and signed.
    pub(super) fn event(&self, actor: Principal, verb: Verb, op_id: OpId) -> Result<Event, Error> {
        Ok(Event::new((self.vault_id()?, op_id), actor, verb, self.clock.now(), self.random()))
    }

    pub(super) fn fresh_op(&self) -> OpId {
        OpId::from_bytes(self.random())
    }

    /// Hands in what belongs together; as the owner of the data, or as someone it was granted to.
    pub(super) fn submit(
        &self,
        owner: Option<crate::id::PartyId>,
        parts: Vec<Part>,
    ) -> Result<Outcome, Error> {
        let events: Vec<Digest> = parts.iter().map(|part| part.event.digest()).collect();
        let response = self.exchange(&Request::Submit(Submission { owner, parts }))?;
        let accepted = match response {
            Response::Accepted(accepted) => accepted,
            Response::Refused(Refusal::Conflict) => return Ok(Outcome::Conflict),
            Response::Answer(_) | Response::Hello(..) | Response::Refused(_) => {
                return Err(Tampering::Answer.into());
            }
        };
        let trust = self.trust()?;
        let receipt: Receipt =
            accepted.receipt.verify(&trust.vault_key).map_err(|_forged| Tampering::Receipt)?;
        if receipt.vault != trust.vault || receipt.events != events {
            return Err(Tampering::Receipt.into());
        }
        if owner == Some(self.id())
            && let Some(head) = receipt.stream
        {
            let mut state = self.state();
            if state.memory.promised.is_none_or(|promised| promised.size <= head.size) {
                state.memory.promised = Some(head);
            }
        }
        Ok(Outcome::Accepted(Box::new(accepted)))
    }

    /// Hands in what cannot meet another's.
    pub(super) fn submit_alone(
        &self,
        owner: Option<crate::id::PartyId>,
        parts: Vec<Part>,
    ) -> Result<Accepted, Error> {
        match self.submit(owner, parts)? {
            Outcome::Accepted(accepted) => Ok(*accepted),
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }

    /// One of the party's own folders, as the custodian describes it; its epochs are verified when it is opened.
    pub(super) fn own_folder(&self, folder: FolderId) -> Result<OwnFolder, Error> {
        if let Some(own) = self.state().own.get(&folder) {
            return Ok(*own);
        }
        self.own_folders()?.into_iter().find(|own| own.folder == folder).ok_or_else(|| Misuse::NotOwn.into())
    }

    /// All of the party's own folders.
    pub(super) fn own_folders(&self) -> Result<Vec<OwnFolder>, Error> {
        let Answer::OwnFolders(folders) = self.ask(Question::OwnFolders)? else {
            return Err(Tampering::Answer.into());
        };
        let vault = self.vault_id()?;
        for own in &folders {
            let is_own = own.kind != FolderKind::Case
                || self.keyring.derive_case(vault, own.nonce).folder() == own.folder;
            if !is_own {
                return Err(Tampering::Answer.into());
            }
        }
        let mut state = self.state();
        // A folder that was there is there for good.
        let missing = state.own.keys().chain(state.memory.granted.keys());
        if missing.into_iter().any(|known| folders.iter().all(|own| own.folder != *known)) {
            return Err(Tampering::Head.into());
        }
        state.own = folders.iter().map(|own| (own.folder, *own)).collect();
        Ok(folders)
    }

    /// With which key the party acts in one of its own folders, and as whom.
    pub(super) fn hand(&self, own: &OwnFolder) -> Result<(Hand, Principal), Error> {
        if own.kind == FolderKind::Case {
            let key = self.keyring.derive_case(self.vault_id()?, own.nonce);
            let folder = key.folder();
            Ok((Hand::Case(key), Principal::Folder(folder)))
        } else {
            Ok((Hand::Own, Principal::Party(self.id())))
        }
    }

    /// Signs an event. What one does under one's own card with one's own data says how far one has seen one's stream;
    /// in a Case that would tie the Case to its owner.
    pub(super) fn sign(&self, hand: &Hand, event: &Event) -> Signed<Event> {
        match hand {
            Hand::Case(key) => Signed::sign(event, key.signer()),
            Hand::Own if event.owner == Principal::Party(self.id()) => {
                let seen = self.state().memory.stream.head();
                let seen_stream = Some(seen).filter(|seen| seen.size > 0);
                Signed::sign(&Event { seen_stream, ..event.clone() }, self.keyring.signer())
            }
            Hand::Own => Signed::sign(event, self.keyring.signer()),
        }
    }
}
