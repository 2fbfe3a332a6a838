//! Enrolling and signing in.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    consent::{Grant, Reader, Terms},
    custodian::{Answer, Custodian, Part, Question, Sender},
    error::{Error, Misuse, Tampering, Unavailable},
    event::{FolderOpening, Principal, Step, Verb},
    folder::{Epoch, EpochOf, FolderKey, FolderKind, owned_folder},
    id::FolderId,
    merkle::Head,
    party::{Keyring, Owner, Registrar, RoleType},
    record::{Content, Kind},
    session::{
        Case, Memory, Session, Tools,
        exchange::{From, Hand, Outcome},
        write::Entry,
    },
};

impl<'c, R: Owner> Session<'c, R> {
    /// Enrols a new party: its card, and its Identity folder, which the registrars may read until they have attested.
    ///
    /// The vault and its registrars are pinned at this first use; [`Self::enrol_with`] takes them as known. An enrolment
    /// that did not end is finished by another with the same keyring.
    ///
    /// # Errors
    /// [`Misuse::Enrolled`] if the keyring is enrolled already and who it is has been written; otherwise as [`Error`]
    /// says.
    pub fn enrol<T: Serialize + ?Sized>(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        identity: &T,
    ) -> Result<Self, Error> {
        Self::enrol_with(custodian, keyring, identity, Memory::first_use(), Tools::system()?)
    }

    /// Enrols a new party with what is known of the vault, and this clock and randomness.
    ///
    /// # Errors
    /// As [`Self::enrol`]; [`Tampering::Trust`] if the vault or its registrars are others than the memory says.
    pub fn enrol_with<T: Serialize + ?Sized>(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        identity: &T,
        memory: Memory,
        tools: Tools,
    ) -> Result<Self, Error> {
        let content = Content::from_value(identity)?;
        let session = Self::assemble(custodian, keyring, memory, tools);
        let trust = session.meet()?;
        let me = Principal::Party(session.id());
        let event = session.event(me, Verb::Enrol, session.fresh_op())?;
        let event = event.with(|step| Step { subject: Some(session.card.digest()), ..step });
        let sender = Some(Sender::digest_of(session.token()?.expose()));
        let card = Some(session.card.clone());
        let enrol = Part { card, sender, ..Part::of(session.sign(&Hand::Own, event)) };
        let readers: Vec<_> = trust.registrars.iter().map(|card| (card, Terms::vetting())).collect();
        let (kind, nonce) = (FolderKind::Identity, session.random());
        let folder = owned_folder(trust.vault, session.id(), kind, nonce);
        let opening = FolderOpening { kind, verifying: None, nonce };
        let mut parts = vec![enrol];
        parts.extend(session.begin(folder, opening, &readers)?);
        let folder = match session.submit(From::Owner, parts)? {
            Outcome::Accepted(_) => Case::own(folder, FolderKind::Identity),
            Outcome::Conflict => session.unfinished()?,
        };
        session.write_entries(&folder, vec![Entry::of_content(Kind::Profile, content)])?;
        Ok(session)
    }

    /// One's Identity, if one is enrolled and nothing was written there yet.
    fn unfinished(&self) -> Result<Case, Error> {
        self.sync()?;
        let identity = self.own_identity()?;
        if self.pen(&identity)?.list.size() == 0 { Ok(identity) } else { Err(Misuse::Enrolled.into()) }
    }

    /// Signs in with a keyring that is enrolled, and the memory of the last session.
    ///
    /// # Errors
    /// [`Tampering`] if the vault is not the one remembered, or shows less than was seen; [`Misuse::NotEnrolled`] if
    /// the keyring is not enrolled here.
    pub fn sign_in(custodian: &'c dyn Custodian, keyring: Keyring, memory: Memory) -> Result<Self, Error> {
        Self::sign_in_with(custodian, keyring, memory, Tools::system()?)
    }

    /// Signs in with this clock and randomness.
    ///
    /// # Errors
    /// As [`Self::sign_in`].
    pub fn sign_in_with(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        memory: Memory,
        tools: Tools,
    ) -> Result<Self, Error> {
        let session = Self::arrive(custodian, keyring, memory, tools)?;
        match session.settle() {
            // A vault that is open for salvage answers, and takes nothing.
            Err(Error::Store(Unavailable::ReadOnly)) | Ok(()) => Ok(session),
            Err(error) => Err(error),
        }
    }

    /// The parts that begin a folder: the beginning, and its first key.
    pub(super) fn begin(
        &self,
        folder: FolderId,
        opening: FolderOpening,
        readers: &[(&crate::party::Card, Terms)],
    ) -> Result<[Part; 2], Error> {
        let vault = self.vault_id()?;
        let me = Principal::Party(self.id());
        let event = self.event(me, Verb::OpenFolder, self.fresh_op())?;
        let event = event.with(|step| Step { folder: Some(folder), opening: Some(opening), ..step });
        let begun = Part::of(self.sign(&Hand::Own, event));
        let mut random = self.fork_random();
        let key = FolderKey::generate(EpochOf { vault, folder, epoch: Epoch::FIRST }, &mut random);
        let now = self.clock.now();
        let own = Reader { card: &self.card, attested: None, because: None };
        let wrong = |_| Tampering::Card;
        let mut grants = vec![Grant::seal(&key, own, Terms::own(now), &mut random).map_err(wrong)?];
        for (card, terms) in readers {
            let reader = Reader { card, attested: None, because: None };
            grants.push(Grant::seal(&key, reader, terms.settled(now), &mut random).map_err(wrong)?);
        }
        let (hand, actor) = match opening.kind {
            FolderKind::Case => {
                let key = self.keyring.derive_case(vault, opening.nonce);
                (Hand::Case(Arc::new(key)), Principal::Folder(folder))
            }
            FolderKind::Credentials | FolderKind::Identity | FolderKind::Summary => (Hand::Own, me),
        };
        let event = self.event(actor, Verb::Rotate, self.fresh_op())?;
        let commitments = Some(key.commitments().map_err(wrong)?);
        let event = event.with(|step| Step {
            folder: Some(folder),
            epoch: Some(Epoch::FIRST),
            before: Some(Head::default()),
            grants: grants.iter().map(|grant| grant.statement.digest()).collect(),
            commitments,
            subject: Some(begun.event.digest()),
            ..step
        });
        Ok([begun, Part { grants, ..Part::of(self.sign(&hand, event)) }])
    }
}

impl<'c> Session<'c, Registrar> {
    /// Signs in as one of the vault's registrars, whose card its policy names.
    ///
    /// # Errors
    /// [`Tampering`] if the vault is not the one remembered; [`Misuse::NotEnrolled`] if the card is not a
    /// registrar's here.
    pub fn sign_in(custodian: &'c dyn Custodian, keyring: Keyring, memory: Memory) -> Result<Self, Error> {
        Self::sign_in_with(custodian, keyring, memory, Tools::system()?)
    }

    /// Signs in with this clock and randomness.
    ///
    /// # Errors
    /// As [`Self::sign_in`].
    pub fn sign_in_with(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        memory: Memory,
        tools: Tools,
    ) -> Result<Self, Error> {
        let session = Self::arrive(custodian, keyring, memory, tools)?;
        session.equip_if_can()?;
        Ok(session)
    }
}

impl<'c, R: RoleType> Session<'c, R> {
    fn arrive(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        memory: Memory,
        tools: Tools,
    ) -> Result<Self, Error> {
        let session = Self::assemble(custodian, keyring, memory, tools);
        session.meet()?;
        let card = match session.ask(Question::Card(session.id())) {
            Ok(Answer::Card(card, _)) => card,
            Err(Error::Denied) => return Err(Misuse::NotEnrolled.into()),
            Ok(_) => return Err(Tampering::Answer.into()),
            Err(error) => return Err(error),
        };
        if card.verifying_key() == session.card.verifying_key() && card.role() != R::ROLE {
            return Err(Misuse::Role.into());
        }
        if card == session.card { Ok(session) } else { Err(Tampering::Card.into()) }
    }

    /// The session's memory, sealed under its keyring: keep it, and hand it back at the next sign-in.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut random = self.fork_random();
        self.state().memory.seal(&self.keyring, &mut random)
    }

    /// The session's memory as it is now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.state().memory.clone()
    }
}
