//! Granting: an assignment, which brings the identity; an opinion, which does not.

use crate::{
    consent::{Grant, Purpose, Reader, Terms},
    custodian::Part,
    error::{Error, Misuse, Tampering},
    event::{Moment, Step, Verb},
    folder::{Clearance, FolderKind},
    id::{FolderId, GrantId, PartyId},
    party::{Card, Patient, Role},
    session::{
        Case, Session,
        exchange::{From, Outcome},
    },
};

/// How often a grant is tried again when a key is renewed meanwhile.
const ATTEMPTS: usize = 3;

/// A grant that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Granted {
    /// Its id.
    pub grant: GrantId,
    /// Its terms, with what was not said filled in.
    pub terms: Terms,
}

impl Session<'_, Patient> {
    /// Assigns a doctor: the case, and with it who the patient is, in one act.
    ///
    /// # Errors
    /// [`Misuse::NotAttested`] if trusted registrars do not vouch for the doctor now; [`Misuse::Terms`] if the terms
    /// are not for treatment; [`Error::Denied`] if the case is closed or the terms are longer than the vault allows.
    ///
    /// # Security
    /// From then on the doctor knows who the patient is: revoking takes back the key, not the knowledge.
    pub fn assign(&self, case: &Case, doctor: PartyId, terms: Terms) -> Result<Granted, Error> {
        if terms.purpose() != Purpose::Treatment {
            return Err(Misuse::Terms.into());
        }
        self.settle_identity()?;
        self.give(case, doctor, terms, Some(self.own_identity()?))
    }

    /// Grants a case to another doctor, who does not learn whose it is.
    ///
    /// # Errors
    /// As [`Self::assign`], for terms of an opinion.
    ///
    /// # Security
    /// What the case's own records say of the patient, the doctor reads: free text may name people.
    pub fn opinion(&self, case: &Case, doctor: PartyId, terms: Terms) -> Result<Granted, Error> {
        if terms.purpose() != Purpose::Opinion {
            return Err(Misuse::Terms.into());
        }
        self.give(case, doctor, terms, None)
    }

    fn give(
        &self,
        case: &Case,
        doctor: PartyId,
        terms: Terms,
        identity: Option<Case>,
    ) -> Result<Granted, Error> {
        let terms = terms.settled(self.clock.now());
        if terms.starts() >= terms.ends() || case.kind != FolderKind::Case || case.granted.is_some() {
            return Err(Misuse::Terms.into());
        }
        let known = self.state().cards.get(&doctor).cloned();
        let is_known = known.is_some();
        let (card, vouched) = match known.map(|known| self.vouched_by(known)) {
            Some(Ok(vouched)) => vouched,
            Some(Err(_)) | None => self.vouched(doctor)?,
        };
        if card.role() != Role::Doctor {
            return Err(Misuse::NotADoctor.into());
        }
        let reader = Reader { card: &card, attested: Some(vouched.digest), because: None };
        for _ in 0..ATTEMPTS {
            let (part, granted) = self.grant_part(case, Verb::Grant, reader, terms)?;
            let mut parts = vec![part];
            if let Some(identity) = &identity {
                let reader = Reader { because: Some(case.folder), ..reader };
                // Who the patient is, and no more: however private the case, imported documents stay the owner's.
                let terms = terms.reading().cleared_for(Clearance::Normal);
                parts.push(self.grant_part(identity, Verb::Assign, reader, terms)?.0);
            }
            match self.submit(From::Owner, parts) {
                Ok(Outcome::Accepted(_)) => return Ok(granted),
                Ok(Outcome::Conflict) => (),
                // What is known of the doctor may be of yesterday: ask, and try once more.
                Err(Error::Denied) if is_known => {
                    self.state().cards.remove(&doctor);
                    return self.give(case, doctor, terms, identity);
                }
                Err(error) => return Err(error),
            }
            let stale: Vec<FolderId> = identity.iter().chain([case]).map(|case| case.folder).collect();
            stale.into_iter().for_each(|folder| self.forget_pen(folder));
        }
        Err(Misuse::Conflict.into())
    }

    fn grant_part(
        &self,
        case: &Case,
        verb: Verb,
        reader: Reader<'_>,
        terms: Terms,
    ) -> Result<(Part, Granted), Error> {
        let pen = self.pen(case)?;
        let (key, _) = pen.ring.of(pen.epoch).ok_or(Misuse::NotOwn)?;
        let mut random = self.fork_random();
        let grant = Grant::seal(key, reader, terms, &mut random).map_err(|_unfit| Tampering::Grant)?;
        let event = self.event(self.actor_in(case)?, verb, self.fresh_op())?;
        let grants = vec![grant.statement.digest()];
        let event = event
            .with(|step| Step { folder: Some(case.folder), epoch: Some(pen.epoch), grants, ..step })
            .when(|moment| Moment { purpose: Some(terms.purpose()), ..moment });
        let granted = Granted { grant: grant.statement.grant, terms };
        Ok((Part { grants: vec![grant], ..Part::of(self.sign_in_case(case, event)?) }, granted))
    }
}

/// A card that someone else vouched for when it was granted something.
pub(super) fn is_same(card: &Card, digest: crate::id::Digest) -> Result<(), Error> {
    if card.digest() == digest { Ok(()) } else { Err(Tampering::Card.into()) }
}
