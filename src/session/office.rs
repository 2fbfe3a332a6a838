//! The registrars' work: who waits, what they show, what is attested.

use crate::{
    credential::{Attestation, AttestationStatement, CheckList, RegistryKey},
    crypto::Signed,
    custodian::{
        Accepted, Answer, Concerned, Delivered, Enclosure, Errand, MyFolder, Part, Question, QueuePlace,
        Queued, Sealed,
    },
    error::{Error, Misuse, Tampering},
    event::{Principal, Step, Verb},
    folder::FolderKind,
    id::{Digest, PartyId},
    limits::PAGE_MAX,
    party::{Registrar, Role},
    session::{
        Case, Chart, Session,
        exchange::{From, Hand},
    },
    time::Timestamp,
};

/// Someone who waits to be vetted, or to be vetted again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    party: PartyId,
    case: Case,
}

impl Applicant {
    /// Who.
    #[must_use]
    pub const fn party(&self) -> PartyId {
        self.party
    }

    /// The Identity folder to open.
    #[must_use]
    pub const fn identity(&self) -> &Case {
        &self.case
    }
}

/// Something that waits for the registrars, by the custodian's word: read it to know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// What it is.
    pub errand: Errand,
    /// Who is to be vetted, or who wrote.
    pub party: PartyId,
    /// When the custodian received it.
    pub received: Timestamp,
    /// The letter, if it is one.
    pub letter: Option<Digest>,
}

/// What waits, in the order it came, fetched page by page as it is looked through.
#[derive(Debug)]
pub struct Queue<'s, 'c> {
    session: &'s Session<'c, Registrar>,
    errand: Errand,
    role: Option<Role>,
    since: Timestamp,
    until: Timestamp,
    page: std::vec::IntoIter<Queued>,
    after: Option<QueuePlace>,
    is_last: bool,
}

impl Queue<'_, '_> {
    /// Only what came from this moment on.
    #[must_use]
    pub fn since(self, since: Timestamp) -> Self {
        let mut bytes = [0; 16];
        let before = since.as_ms().saturating_sub(1).to_be_bytes();
        bytes.iter_mut().zip(before.into_iter().chain([u8::MAX; 8])).for_each(|(to, from)| *to = from);
        let after = Some(QueuePlace(bytes)).filter(|_| since.as_ms() > 0);
        Self { since, after, ..self }
    }

    /// Only what came before this moment.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until, ..self }
    }

    /// Only of parties of this role: their cards are looked at.
    #[must_use]
    pub fn of_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    fn turn_page(&mut self) -> Result<bool, Error> {
        if self.is_last {
            return Ok(false);
        }
        let limit = u16::try_from(PAGE_MAX).unwrap_or(u16::MAX);
        let question = Question::Queue(self.errand, self.after, limit);
        let Answer::Queue(queued, is_last) = self.session.ask(question)? else {
            return Err(Tampering::Answer.into());
        };
        let is_in_order = queued.is_sorted_by(|one, other| one.place < other.place)
            && queued.first().is_none_or(|first| self.after.is_none_or(|after| after < first.place));
        if !is_in_order {
            return Err(Tampering::Answer.into());
        }
        self.after = queued.last().map(|last| last.place).or(self.after);
        self.is_last = is_last || queued.is_empty();
        self.page = queued.into_iter();
        Ok(true)
    }

    fn seek(&mut self) -> Result<Option<Waiting>, Error> {
        loop {
            let Some(Queued { party, letter, received, .. }) = self.page.next() else {
                if self.turn_page()? {
                    continue;
                }
                return Ok(None);
            };
            if received >= self.until {
                self.is_last = true;
                return Ok(None);
            }
            let is_of_role = match self.role {
                Some(role) => self.session.card_of(party)?.0.role() == role,
                None => true,
            };
            if received >= self.since && is_of_role {
                return Ok(Some(Waiting { errand: self.errand, party, received, letter }));
            }
        }
    }
}

impl Iterator for Queue<'_, '_> {
    type Item = Result<Waiting, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.seek().transpose()
    }
}

/// What someone shows who is to be vetted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Papers<'s, 'c> {
    /// Who it is.
    pub identity: Chart<'s, 'c, Registrar>,
    /// A doctor's papers, if there are any.
    pub credentials: Option<Chart<'s, 'c, Registrar>>,
}

impl<'c> Session<'c, Registrar> {
    /// What waits for the registrars: who is to be vetted, what was reported, what was appealed.
    #[must_use]
    pub fn queue(&self, errand: Errand) -> Queue<'_, 'c> {
        Queue {
            session: self,
            errand,
            role: None,
            since: Timestamp::at_ms(0),
            until: Timestamp::MAX,
            page: Vec::new().into_iter(),
            after: None,
            is_last: false,
        }
    }

    /// Those whose Identity this registrar may read, all at once; [`Self::queue`] goes page by page.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn applicants(&self) -> Result<Vec<Applicant>, Error> {
        let folders = self.my_folders()?.into_iter().filter(|folder| folder.kind == FolderKind::Identity);
        Ok(folders
            .filter_map(|folder| Some(Applicant { party: folder.owner?, case: case_of(folder) }))
            .collect())
    }

    /// Opens what someone shows who is to be vetted: each folder an event in that party's stream.
    ///
    /// # Errors
    /// [`Error::Denied`] if the vetting is over, or was never begun.
    pub fn papers(&self, party: PartyId) -> Result<Papers<'_, 'c>, Error> {
        let folders = self.application(party)?;
        let of = |kind: FolderKind| folders.iter().find(|folder| folder.kind == kind).copied();
        let identity = self.open_chart(&case_of(of(FolderKind::Identity).ok_or(Error::Denied)?))?;
        let credentials = of(FolderKind::Credentials);
        let credentials = credentials.map(|folder| self.open_chart(&case_of(folder))).transpose()?;
        Ok(Papers { identity, credentials })
    }

    /// The newest grants this registrar has of a party's folders.
    fn application(&self, party: PartyId) -> Result<Vec<MyFolder>, Error> {
        let Answer::MyFolders(mut folders) = self.ask(Question::Application(party))? else {
            return Err(Tampering::Answer.into());
        };
        let is_its = |folder: &MyFolder| folder.owner == Some(party) && folder.statement.reader == self.id();
        if !folders.iter().all(is_its) {
            return Err(Tampering::Answer.into());
        }
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.statement.terms.starts()));
        Ok(folders)
    }

    /// An empty check list, to fill while looking at papers.
    #[must_use]
    pub fn check_list(&self) -> CheckList {
        CheckList::new(self.clock.now(), self.random())
    }

    /// Attests that a party is who it claims, as far as its Identity was granted: that folder is opened for it, and
    /// the card that is attested is the one which signed it.
    ///
    /// # Errors
    /// [`Error::Denied`] if the party's Identity was not granted to this registrar, or the vetting is over;
    /// [`Misuse::Role`] if the card has another role than is attested; [`Misuse::ChecksFailed`] if something was not in
    /// order; [`Misuse::PersonKnown`] if the person has a live card of this role; [`Misuse::TooMuch`] for more than the format holds.
    pub fn attest(&self, party: PartyId, attestation: Attestation) -> Result<(), Error> {
        if !attestation.is_bounded() {
            return Err(Misuse::TooMuch.into());
        }
        if attestation.checks.as_ref().is_some_and(|checks| !checks.is_passed()) {
            return Err(Misuse::ChecksFailed.into());
        }
        let folders = self.application(party)?;
        let identity = folders.into_iter().find(|folder| folder.kind == FolderKind::Identity);
        let (_, beside) = self.open_verified(&case_of(identity.ok_or(Error::Denied)?))?;
        let card = beside.owner.ok_or(Tampering::Chart)?.card;
        if card.role() != attestation.role {
            return Err(Misuse::Role.into());
        }
        let persons = self.tags(party, &attestation)?;
        let now = self.clock.now();
        let first = attestation.specialties.first();
        let statement = AttestationStatement {
            vault: self.vault_id()?,
            subject: party,
            card: card.digest(),
            role: attestation.role,
            specialty: first.map(ToString::to_string).unwrap_or_default(),
            jurisdiction: attestation.jurisdiction.clone(),
            evidence: attestation.evidence,
            registrar: self.id(),
            // Clocks differ a little: what is attested now holds now.
            from: attestation.from.unwrap_or_else(|| now.minus(std::time::Duration::from_secs(60))),
            until: attestation.ends(now),
            at: Some(now),
            // Words alone stand above; codes stand here.
            specialties: if attestation.specialties.iter().all(|specialty| specialty.code().is_empty())
                && attestation.specialties.len() < 2
            {
                Vec::new()
            } else {
                attestation.specialties.clone()
            },
            persons,
            succeeds: attestation.succeeds,
        };
        let enclosure = match &attestation.checks {
            Some(checks) => {
                let key = self.registry_key()?;
                Some(Enclosure::Dossier(key.seal_dossier(checks, &mut self.fork_random()).into()))
            }
            None => None,
        };
        let signed = Signed::sign(&statement, self.keyring.signer());
        self.send(party, Verb::Attest, signed, enclosure)?;
        Ok(())
    }

    /// Does not attest: the check list says why, for the registrars. The application waits no more, and nobody looks into what
    /// was shown for it, until the party asks to be vetted again. That it was refused stands in the party's stream.
    ///
    /// # Errors
    /// [`Error::Denied`] if there is no such party; [`Misuse::TooMuch`] for more than the format holds.
    pub fn refuse(&self, party: PartyId, checks: &CheckList) -> Result<(), Error> {
        if !checks.is_bounded() {
            return Err(Misuse::TooMuch.into());
        }
        let sealed = self.registry_key()?.seal_dossier(checks, &mut self.fork_random());
        let event = self.event(Principal::Party(self.id()), Verb::Refuse, self.fresh_op())?;
        let (owner, subject) = (Principal::Party(party), Some(checks.digest()));
        let event = event.with(|step| Step { owner, subject, ..step });
        let enclosure = Some(Enclosure::Dossier(sealed.into()));
        self.submit_alone(From::Other, vec![Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) }])?;
        Ok(())
    }

    /// All check lists that registrars kept of a party, of refusals too, each with whose it is: reading one is an event in the
    /// party's stream.
    ///
    /// # Errors
    /// [`Tampering::Record`] if one is not what it is called.
    pub fn noted(&self, party: PartyId) -> Result<Vec<(PartyId, CheckList)>, Error> {
        let Answer::Dossiers(kept) = self.ask(Question::Dossiers(party))? else {
            return Err(Tampering::Answer.into());
        };
        let read = |(registrar, evidence)| Ok((registrar, self.read_list(party, evidence)?));
        kept.into_iter().map(read).collect()
    }

    fn read_list(&self, party: PartyId, evidence: Digest) -> Result<CheckList, Error> {
        let delivered = self.consult(party, evidence)?;
        let Sealed::Dossier(sealed) = delivered.letter else { return Err(Tampering::Answer.into()) };
        let generation = RegistryKey::dossier_generation(&sealed).ok_or(Tampering::Record)?;
        let checks = self.registry_key_of(generation)?.open_dossier(&sealed).or(Err(Tampering::Record))?;
        if checks.digest() == evidence { Ok(checks) } else { Err(Tampering::Record.into()) }
    }

    /// The tags of the person an attestation names; nobody else may have a live card by them.
    fn tags(&self, party: PartyId, attestation: &Attestation) -> Result<Vec<Digest>, Error> {
        if attestation.persons.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.tag_key()?;
        let mut tags = Vec::new();
        for person in &attestation.persons {
            let tag = person.tag(&key, attestation.role);
            let Answer::Person(known) = self.ask(Question::Person(tag))? else {
                return Err(Tampering::Answer.into());
            };
            if known.is_some_and(|known| known != party && attestation.succeeds != Some(known)) {
                return Err(Misuse::PersonKnown.into());
            }
            tags.push(tag);
        }
        Ok(tags)
    }

    /// The party that has a person's card of a role, by an identifier of the person.
    ///
    /// # Errors
    /// [`Misuse::NoRegistry`] if the registrars share no key yet.
    pub fn find_person(
        &self,
        person: &crate::credential::PersonId,
        role: Role,
    ) -> Result<Option<PartyId>, Error> {
        let Answer::Person(known) = self.ask(Question::Person(person.tag(&self.tag_key()?, role)))? else {
            return Err(Tampering::Answer.into());
        };
        Ok(known)
    }

    /// Takes this registrar's attestation of a party back, at once: nothing new is opened by it. Who had granted it
    /// something that holds is listed, to be told.
    ///
    /// # Errors
    /// [`Misuse::NotAttested`] if there is none.
    pub fn withdraw(&self, party: PartyId) -> Result<Vec<Concerned>, Error> {
        let (_, attestations) = self.card_of(party)?;
        let own = |signed: &Signed<AttestationStatement>| signed.verify(self.card.verifying_key()).is_ok();
        let signed = attestations.0.into_iter().find(own).ok_or(Misuse::NotAttested)?;
        Ok(self.send(party, Verb::Withdraw, signed, None)?.concerned)
    }

    /// Attests a person's new card in the place of the old one, whose attestation is withdrawn and whose standing goes on.
    ///
    /// # Errors
    /// As [`Self::attest`]; [`Misuse::PersonKnown`] or [`Error::Denied`] while other registrars still vouch for the old card.
    pub fn succeed(
        &self,
        old: PartyId,
        new: PartyId,
        attestation: Attestation,
    ) -> Result<Vec<Concerned>, Error> {
        let concerned = match self.withdraw(old) {
            Ok(concerned) => concerned,
            Err(Error::Misuse(Misuse::NotAttested)) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.attest(new, attestation.succeeding(old))?;
        Ok(concerned)
    }

    /// The check lists that stand behind a party's attestations, each with the registrar whose it is: reading one is an event
    /// in the party's stream.
    ///
    /// # Errors
    /// [`Tampering::Record`] if one is not what its attestation names; [`Tampering::Card`] if an attestation is another's.
    pub fn check_lists(&self, party: PartyId) -> Result<Vec<(PartyId, CheckList)>, Error> {
        let (attested, attestations) = self.card_of(party)?;
        let mut lists = Vec::new();
        for signed in attestations.0 {
            let claims = signed.claims()?;
            let trust = self.trust()?;
            // The word of who was expelled is void.
            let Some(card) = trust.registrar(claims.registrar) else { continue };
            let statement = signed.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Card)?;
            if (statement.vault, statement.card) != (trust.vault, attested.digest()) {
                return Err(Tampering::Card.into());
            }
            let Some(evidence) = statement.evidence else { continue };
            let delivered = match self.consult(party, evidence) {
                // Kept elsewhere: the digest is all there is.
                Err(Error::Denied) => continue,
                delivered => delivered?,
            };
            let Sealed::Dossier(sealed) = delivered.letter else { return Err(Tampering::Answer.into()) };
            let generation = RegistryKey::dossier_generation(&sealed).ok_or(Tampering::Record)?;
            let key = self.registry_key_of(generation)?;
            let checks = key.open_dossier(&sealed).or(Err(Tampering::Record))?;
            if checks.digest() != evidence {
                return Err(Tampering::Record.into());
            }
            lists.push((statement.registrar, checks));
        }
        Ok(lists)
    }

    /// Reads something that a party wrote to the registrars, or that they noted of it: an event in that party's stream.
    pub(super) fn consult(&self, party: PartyId, subject: Digest) -> Result<Delivered, Error> {
        let event = self.event(Principal::Party(self.id()), Verb::Open, self.fresh_op())?;
        let owner = Principal::Party(party);
        let event = event.with(|step| Step { owner, subject: Some(subject), ..step });
        let accepted = self.submit_alone(From::Other, vec![Part::of(self.sign(&Hand::Own, event))])?;
        accepted.letter.ok_or_else(|| Tampering::Answer.into())
    }

    fn send(
        &self,
        party: PartyId,
        verb: Verb,
        signed: Signed<AttestationStatement>,
        enclosure: Option<Enclosure>,
    ) -> Result<Accepted, Error> {
        let event = self.event(Principal::Party(self.id()), verb, self.fresh_op())?;
        let subject = Some(signed.digest());
        let event = event.with(|step| Step { owner: Principal::Party(party), subject, ..step });
        let part = Part { attestation: Some(signed), enclosure, ..Part::of(self.sign(&Hand::Own, event)) };
        self.submit_alone(From::Other, vec![part])
    }
}

/// A folder of another's, as one opens it.
fn case_of(granted: MyFolder) -> Case {
    Case {
        folder: granted.statement.folder,
        kind: granted.kind,
        granted: Some(granted),
        identity: None,
        is_closed: granted.is_closed,
    }
}
