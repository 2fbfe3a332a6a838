//! Renewing a folder's key: to leave a reader out, or all registrars once their work is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    consent::{Grant, GrantStatement, Purpose, Reader, Terms},
    custodian::{Accepted, Answer, OwnFolder, Part, Question},
    error::{Error, Misuse, Tampering},
    event::{Event, Principal, Verb},
    folder::{BackLinks, Epoch, EpochOf, FolderKey, FolderKind},
    id::{Digest, FolderId, PartyId},
    merkle::Frontier,
    party::{Card, Owner, Patient},
    record::FolderSalt,
    session::{
        Case, Session,
        assign::is_same,
        exchange::Outcome,
        ledger::Pages,
        pen::{Pen, Ring},
    },
    time::Timestamp,
};

/// Someone who may open a folder now, by the owner's own signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Who.
    pub party: PartyId,
    /// The folder.
    pub folder: FolderId,
    /// Under which terms.
    pub terms: Terms,
    /// For an Identity: because of which Case.
    pub because: Option<FolderId>,
}

/// That a reader was left out of a folder's next epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// The case.
    pub case: FolderId,
    /// Who may no more.
    pub reader: PartyId,
    /// The terms that ended.
    pub terms: Terms,
    /// The last epoch whose key the reader has.
    pub last: Epoch,
}

/// One opening by a reader, by the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// When the custodian received it.
    pub at: Timestamp,
    /// How many versions of records the folder held then.
    pub records: u64,
}

/// What an ex-reader could have read, and what, by the log, he did open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Residue {
    /// The versions of records under keys the reader has, up to his clearance.
    pub could_read: u64,
    /// Of these, those that were there at the reader's last opening.
    pub did_open: u64,
    /// The openings.
    pub looks: Vec<Look>,
    /// Those written since, under keys the reader has not.
    pub out_of_reach: u64,
}

struct Renewal {
    part: Part,
    key: FolderKey,
    epoch: Epoch,
    folder: FolderId,
}

impl<R: Owner> Session<'_, R> {
    /// Who may open one's folders now; each line checked against one's own signature in the stream.
    ///
    /// # Errors
    /// [`Tampering::Grant`] if the custodian names someone the owner never granted, or hides someone.
    pub fn who_has_access(&self) -> Result<Vec<Access>, Error> {
        let mut all = Vec::new();
        for own in self.own_folders()? {
            all.extend(self.readers(own.folder)?.into_iter().map(|statement| Access {
                party: statement.reader,
                folder: statement.folder,
                terms: statement.terms,
                because: statement.because,
            }));
        }
        let now = self.clock.now();
        Ok(all.into_iter().filter(|access| now < access.terms.ends()).collect())
    }

    /// The grants of a folder's present epoch to others, as the owner signed them: all of them, and no other.
    fn readers(&self, folder: FolderId) -> Result<Vec<GrantStatement>, Error> {
        self.sync()?;
        let Answer::Readers(statements) = self.ask(Question::Readers(folder))? else {
            return Err(Tampering::Answer.into());
        };
        let known = self.state().memory.granted.get(&folder).cloned().ok_or(Misuse::NotOwn)?;
        let shown: BTreeMap<Digest, GrantStatement> =
            statements.into_iter().map(|statement| (statement.digest(), statement)).collect();
        if shown.len() != known.grants.iter().collect::<BTreeSet<_>>().len() {
            return Err(Tampering::Grant.into());
        }
        // In the order they were granted: a later grant to the same reader replaces an earlier one.
        let mut latest: BTreeMap<(PartyId, Option<FolderId>), GrantStatement> = BTreeMap::new();
        for digest in &known.grants {
            let statement = shown.get(digest).ok_or(Tampering::Grant)?;
            latest.insert((statement.reader, statement.because), *statement);
        }
        Ok(latest.into_values().filter(|statement| statement.terms.purpose() != Purpose::Own).collect())
    }

    /// Once attested, takes the Identity back from the registrars: their work is done.
    ///
    /// Happens at sign-in and before an assignment. Vetting anew is a new grant.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn settle(&self) -> Result<(), Error> {
        let identity = self.own_identity()?;
        let readers = self.readers(identity.folder)?;
        let is_vetting = |statement: &GrantStatement| statement.terms.purpose() == Purpose::Vetting;
        let (_, attestations) = self.card_of(self.id())?;
        let is_attested = self.trust()?.vouched(&self.card, &attestations, self.clock.now()).is_some();
        if !is_attested || !readers.iter().any(is_vetting) {
            return Ok(());
        }
        let remaining: Vec<_> = readers.into_iter().filter(|statement| !is_vetting(statement)).collect();
        let renewal = self.renew(&identity, Verb::Rotate, &remaining, None)?;
        self.hand_in(vec![renewal])
    }

    fn renew(
        &self,
        case: &Case,
        verb: Verb,
        remaining: &[GrantStatement],
        ended: Option<Digest>,
    ) -> Result<Renewal, Error> {
        let pen = self.pen(case)?;
        let (older, _) = pen.ring.of(pen.epoch).ok_or(Misuse::NotOwn)?;
        let epoch = pen.epoch.next();
        let place = EpochOf { vault: self.vault_id()?, folder: case.folder, epoch };
        let mut random = self.fork_random();
        let key = FolderKey::generate(place, &mut random);
        let wrong = |_| Tampering::Grant;
        let links = BackLinks::seal(&key, older).map_err(wrong)?;
        let own = Reader { card: &self.card, attested: None, because: None };
        let mut grants =
            vec![Grant::seal(&key, own, Terms::own(self.clock.now()), &mut random).map_err(wrong)?];
        for statement in remaining {
            let (card, _): (Card, _) = self.card_of(statement.reader)?;
            is_same(&card, statement.card)?;
            let reader = Reader { card: &card, attested: statement.attested, because: statement.because };
            grants.push(Grant::seal(&key, reader, statement.terms, &mut random).map_err(wrong)?);
        }
        let event = self.event(self.actor_in(case)?, verb, self.fresh_op())?;
        let event = Event {
            folder: Some(case.folder),
            epoch: Some(epoch),
            grants: grants.iter().map(|grant| grant.statement.digest()).collect(),
            commitments: Some(key.commitments().map_err(wrong)?),
            back_links: Some(links.digest()),
            subject: ended,
            ..event
        };
        let part = Part { grants, back_links: Some(links), ..Part::of(self.sign_in_case(case, &event)?) };
        Ok(Renewal { part, key, epoch, folder: case.folder })
    }

    /// Hands renewals in, all or none, and takes up the new keys.
    fn hand_in(&self, renewals: Vec<Renewal>) -> Result<(), Error> {
        let parts = renewals.iter().map(|renewal| renewal.part.clone()).collect();
        let accepted = match self.submit(Some(self.id()), parts)? {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Conflict => {
                renewals.iter().for_each(|renewal| self.forget_pen(renewal.folder));
                return Err(Misuse::Conflict.into());
            }
        };
        let Accepted { salts, .. } = *accepted;
        for Renewal { part: _, key, epoch, folder } in renewals {
            let mut state = self.state();
            let salt = salts.iter().find(|salt| salt.folder == folder && salt.epoch == epoch);
            let salt = salt.map(|salt| FolderSalt::from_bytes(salt.salt)).ok_or(Tampering::Answer)?;
            if let Some(own) = state.own.get_mut(&folder) {
                own.epoch = epoch;
            }
            let Some(pen) = state.pens.remove(&folder) else { continue };
            let ring = Ring { keys: [(epoch, key)].into(), salts: [(epoch, salt)].into() };
            let pen = Pen { ring: Arc::new(ring), epoch, ..(*pen).clone() };
            state.pens.insert(folder, Arc::new(pen));
        }
        Ok(())
    }
}

impl Session<'_, Patient> {
    /// Takes a case back from a doctor, and with it the identity that came with it: at once with the custodian, and
    /// for all that is written from now on by a new key.
    ///
    /// # Errors
    /// [`Misuse::NotOwn`] if the doctor has no grant of this case.
    ///
    /// # Security
    /// What the doctor could read, he may have kept: [`Self::residue`] says what that is.
    pub fn revoke(&self, case: &Case, doctor: PartyId) -> Result<Revocation, Error> {
        let readers = self.readers(case.folder)?;
        let ended =
            readers.iter().find(|statement| statement.reader == doctor).copied().ok_or(Misuse::NotOwn)?;
        let remaining: Vec<_> = readers.into_iter().filter(|statement| statement.reader != doctor).collect();
        let mut renewals = vec![self.renew(case, Verb::Revoke, &remaining, Some(ended.digest()))?];
        let identity = self.own_identity()?;
        let (gone, remaining): (Vec<_>, Vec<_>) = self
            .readers(identity.folder)?
            .into_iter()
            .partition(|statement| statement.reader == doctor && statement.because == Some(case.folder));
        if let Some(gone) = gone.first() {
            renewals.push(self.renew(&identity, Verb::Revoke, &remaining, Some(gone.digest()))?);
        }
        self.hand_in(renewals)?;
        Ok(Revocation { case: case.folder, reader: doctor, terms: ended.terms, last: ended.epoch })
    }

    /// What a reader who was left out could have read of a case, and what, by the log, he did open.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn residue(&self, revocation: &Revocation) -> Result<Residue, Error> {
        let own: OwnFolder = self.own_folder(revocation.case)?;
        let case = Case::own(own.folder, FolderKind::Case);
        let (verified, _) = self.open_verified(&case)?;
        let in_reach = |size: u64| {
            let listed = verified.entries.iter().zip(0u64..).filter(|(_, index)| *index < size);
            let readable = listed.filter(|(listed, _)| {
                listed.leaf.epoch <= revocation.last && listed.leaf.clearance <= revocation.terms.clearance()
            });
            u64::try_from(readable.count()).unwrap_or(u64::MAX)
        };
        let mut looks = Vec::new();
        let mut size = 0;
        let Pages { events, .. } = self.read_stream(Principal::Party(self.id()), Frontier::new(), &[])?;
        for (_, received, event) in events {
            if event.folder != Some(revocation.case) {
                continue;
            }
            size = event.after.map_or(size, |after| after.size);
            let is_look = event.verb == Verb::Open && event.actor == Principal::Party(revocation.reader);
            if is_look {
                looks.push(Look { at: received, records: size });
            }
        }
        let could_read = in_reach(u64::MAX);
        let did_open = looks.last().map_or(0, |look| in_reach(look.records));
        let all = u64::try_from(verified.entries.len()).unwrap_or(u64::MAX);
        let out_of_reach = all.saturating_sub(could_read);
        Ok(Residue { could_read, did_open, looks, out_of_reach })
    }
}
