//! Other people: their cards, and the registrar's work.

use crate::{
    credential::{Attestation, AttestationStatement, Attestations, Vouched},
    crypto::Signed,
    custodian::{Answer, MyFolder, Part, Question},
    error::{Error, Misuse, Tampering},
    event::{Principal, Step, Verb},
    folder::FolderKind,
    id::PartyId,
    party::{Card, Doctor, Registrar, RoleType},
    session::{
        Case, Session,
        exchange::{From, Hand},
    },
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

/// The most cards of others a session keeps at hand.
const CARDS_MAX: usize = 1024;

impl<R: RoleType> Session<'_, R> {
    /// A party's card, the one that was pinned, with its attestations.
    pub(super) fn card_of(&self, party: PartyId) -> Result<(Card, Attestations), Error> {
        let Answer::Card(card, attestations) = self.ask(Question::Card(party))? else {
            return Err(Tampering::Answer.into());
        };
        if card.party() != party {
            return Err(Tampering::Answer.into());
        }
        let mut state = self.state();
        state.memory.pin(party, card.digest())?;
        if state.cards.len() >= CARDS_MAX {
            state.cards.clear();
        }
        state.cards.insert(party, (card.clone(), attestations.clone()));
        Ok((card, attestations))
    }

    /// The same, as it was when it was last asked for: enough where the custodian would refuse what has changed since.
    pub(super) fn known_card(&self, party: PartyId) -> Result<(Card, Attestations), Error> {
        let known = self.state().cards.get(&party).cloned();
        known.map_or_else(|| self.card_of(party), Ok)
    }

    /// A party's card, if trusted registrars vouch for it now.
    ///
    /// # Errors
    /// [`Misuse::NotAttested`] if they do not; [`Tampering::Card`] if it is not the card that was pinned.
    pub fn vouched(&self, party: PartyId) -> Result<(Card, Vouched), Error> {
        let (card, attestations) = self.card_of(party)?;
        self.vouched_by((card, attestations))
    }

    /// The card, if trusted registrars vouch for it now by these attestations.
    pub(super) fn vouched_by(
        &self,
        (card, attestations): (Card, Attestations),
    ) -> Result<(Card, Vouched), Error> {
        let vouched = self.trust()?.vouched(&card, &attestations, self.clock.now());
        vouched.map(|vouched| (card, vouched)).ok_or_else(|| Misuse::NotAttested.into())
    }

    fn my_folders(&self) -> Result<Vec<MyFolder>, Error> {
        let Answer::MyFolders(folders) = self.ask(Question::MyFolders)? else {
            return Err(Tampering::Answer.into());
        };
        Ok(folders)
    }
}

impl Session<'_, Doctor> {
    /// The cases this doctor was granted and may open now.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        let now = self.clock.now();
        let holds = |folder: &&MyFolder| {
            folder.statement.terms.starts() <= now && now < folder.statement.terms.ends()
        };
        let folders = self.my_folders()?;
        let identity_of = |case: &MyFolder| {
            let because = Some(case.statement.folder);
            folders.iter().filter(holds).find(|folder| folder.statement.because == because).copied()
        };
        let cases = folders.iter().filter(|folder| folder.kind != FolderKind::Identity).filter(holds);
        Ok(cases
            .map(|case| Case {
                folder: case.statement.folder,
                kind: case.kind,
                granted: Some(*case),
                identity: identity_of(case),
                is_closed: case.is_closed,
            })
            .collect())
    }
}

impl Session<'_, Registrar> {
    /// Those whose Identity this registrar may read.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn applicants(&self) -> Result<Vec<Applicant>, Error> {
        let folders = self.my_folders()?.into_iter().filter(|folder| folder.kind == FolderKind::Identity);
        let applicant = |granted: MyFolder| {
            let case = Case {
                folder: granted.statement.folder,
                kind: granted.kind,
                granted: Some(granted),
                identity: None,
                is_closed: granted.is_closed,
            };
            Some(Applicant { party: granted.owner?, case })
        };
        Ok(folders.filter_map(applicant).collect())
    }

    /// Attests that a party is who it claims, as far as its Identity was granted: that folder is opened for it, and
    /// the card that is attested is the one which signed it.
    ///
    /// # Errors
    /// [`Error::Denied`] if the party's Identity was not granted to this registrar; [`Misuse::Role`] if the card has
    /// another role than is attested.
    pub fn attest(&self, party: PartyId, attestation: Attestation) -> Result<(), Error> {
        let applicant = self.applicants()?.into_iter().find(|applicant| applicant.party == party);
        let applicant = applicant.ok_or(Error::Denied)?;
        let (_, beside) = self.open_verified(&applicant.case)?;
        let card = beside.owner.ok_or(Tampering::Chart)?.card;
        if card.role() != attestation.role {
            return Err(Misuse::Role.into());
        }
        let from = self.clock.now();
        let statement = AttestationStatement {
            vault: self.vault_id()?,
            subject: party,
            card: card.digest(),
            role: attestation.role,
            specialty: attestation.specialty.clone(),
            jurisdiction: attestation.jurisdiction.clone(),
            evidence: attestation.evidence,
            registrar: self.id(),
            // Clocks differ a little: what is attested now holds now.
            from: from.minus(std::time::Duration::from_secs(60)),
            until: attestation.ends(from),
        };
        self.send(party, Verb::Attest, Signed::sign(&statement, self.keyring.signer()))
    }

    /// Takes this registrar's attestation of a party back, at once.
    ///
    /// # Errors
    /// [`Misuse::NotAttested`] if there is none.
    pub fn withdraw(&self, party: PartyId) -> Result<(), Error> {
        let (_, attestations) = self.card_of(party)?;
        let own = |signed: &Signed<AttestationStatement>| signed.verify(self.card.verifying_key()).is_ok();
        let signed = attestations.0.into_iter().find(own).ok_or(Misuse::NotAttested)?;
        self.send(party, Verb::Withdraw, signed)
    }

    fn send(&self, party: PartyId, verb: Verb, signed: Signed<AttestationStatement>) -> Result<(), Error> {
        let event = self.event(Principal::Party(self.id()), verb, self.fresh_op())?;
        let subject = Some(signed.digest());
        let event = event.with(|step| Step { owner: Principal::Party(party), subject, ..step });
        let part = Part { attestation: Some(signed), ..Part::of(self.sign(&Hand::Own, event)) };
        self.submit_alone(From::Other, vec![part])?;
        Ok(())
    }
}
