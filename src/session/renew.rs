//! Renewing a folder's key: to leave a reader out, or all whose right has ended.

use std::sync::Arc;

use crate::{
    consent::{Grant, GrantStatement, Purpose, Reader, Terms},
    custodian::{Accepted, Part},
    error::{Error, Misuse, Tampering},
    event::{Step, Verb},
    folder::{BackLinks, Epoch, EpochOf, FolderKey},
    id::{Digest, FolderId, PartyId},
    party::{Card, Owner, Patient},
    record::FolderSalt,
    session::{
        Case, Session,
        assign::is_same,
        exchange::{From, Outcome},
        memory::Own,
        pen::{Pen, Ring},
    },
};

/// How often a renewal is tried again when someone grants or writes meanwhile.
const ATTEMPTS: usize = 3;

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

struct Renewal {
    part: Part,
    key: FolderKey,
    epoch: Epoch,
    folder: FolderId,
}

impl<R: Owner> Session<'_, R> {
    /// Makes new keys for one's folders without those whose right has ended: registrars once they have attested, readers
    /// whose terms are over or whom the registrars no longer vouch for.
    ///
    /// Happens at sign-in. Until then the custodian alone keeps them from what is new. Vetting anew is a new grant.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn settle(&self) -> Result<(), Error> {
        self.sync()?;
        self.granted_folders().into_iter().try_for_each(|folder| self.settle_folder(folder))
    }

    /// The same for one's Identity, before someone is told who one is.
    pub(super) fn settle_identity(&self) -> Result<(), Error> {
        self.sync()?;
        self.settle_folder(self.own_identity()?.folder)
    }

    fn settle_folder(&self, folder: FolderId) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let all = self.readers(folder)?;
            let remaining = self.remaining(&all)?;
            if remaining.len() == all.len() {
                return Ok(());
            }
            let case = Case::own(folder, self.own_folder(folder)?.kind);
            let renewal = self.renew(&case, Verb::Rotate, &remaining, None)?;
            if self.hand_in(vec![renewal])? {
                return Ok(());
            }
        }
        Err(Misuse::Conflict.into())
    }

    /// Those of a folder's readers whose right holds, or will.
    fn remaining(&self, readers: &[GrantStatement]) -> Result<Vec<GrantStatement>, Error> {
        let (now, trust) = (self.clock.now(), self.trust()?);
        let refused = self.state().memory.refused;
        let mut own = None;
        let mut remaining = Vec::new();
        for statement in readers {
            let holds = now < statement.terms.ends() && {
                if statement.terms.purpose() == Purpose::Vetting {
                    let attestations = match own.take() {
                        Some(attestations) => attestations,
                        None => self.card_of(self.id())?.1,
                    };
                    let vetting = (now, statement.terms.starts());
                    let is_vetted = trust.is_vetted(&self.card, &attestations, vetting);
                    own = Some(attestations);
                    let is_refused = refused.is_some_and(|refused| statement.terms.starts() <= refused);
                    !is_vetted
                        && !is_refused
                        && trust.registrars.iter().any(|card| card.party() == statement.reader)
                } else {
                    let (card, attestations) = self.card_of(statement.reader)?;
                    trust.is_registrar(&card) || trust.vouched(&card, &attestations, now).is_some()
                }
            };
            if holds {
                remaining.push(*statement);
            }
        }
        Ok(remaining)
    }

    fn renew(
        &self,
        case: &Case,
        verb: Verb,
        remaining: &[GrantStatement],
        ended: Option<Digest>,
    ) -> Result<Renewal, Error> {
        let pen = self.pen(case)?;
        let Own { grants: replaced, .. } = self.own_folder(case.folder)?;
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
            let (card, _): (Card, _) = self.known_card(statement.reader)?;
            is_same(&card, statement.card)?;
            let reader = Reader { card: &card, attested: statement.attested, because: statement.because };
            grants.push(Grant::seal(&key, reader, statement.terms, &mut random).map_err(wrong)?);
        }
        let commitments = Some(key.commitments().map_err(wrong)?);
        let event = self.event(self.actor_in(case)?, verb, self.fresh_op())?.with(|step| Step {
            folder: Some(case.folder),
            epoch: Some(epoch),
            before: Some(pen.list.head()),
            grants: grants.iter().map(|grant| grant.statement.digest()).collect(),
            commitments,
            back_links: Some(links.digest()),
            subject: ended,
            replaces: Some(Step::replaced(replaced)),
            ..step
        });
        let part = Part { grants, back_links: Some(links), ..Part::of(self.sign_in_case(case, event)?) };
        Ok(Renewal { part, key, epoch, folder: case.folder })
    }

    /// Hands renewals in, all or none, and takes up the new keys; not if someone else came first.
    fn hand_in(&self, renewals: Vec<Renewal>) -> Result<bool, Error> {
        let parts = renewals.iter().map(|renewal| renewal.part.clone()).collect();
        let accepted = match self.submit(From::Owner, parts)? {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Conflict => {
                renewals.iter().for_each(|renewal| self.forget_pen(renewal.folder));
                self.sync()?;
                return Ok(false);
            }
        };
        let Accepted { salts, .. } = *accepted;
        for Renewal { part: _, key, epoch, folder } in renewals {
            let salt = salts.iter().find(|salt| salt.folder == folder && salt.epoch == epoch);
            let salt = salt.map(|salt| FolderSalt::from_bytes(salt.salt)).ok_or(Tampering::Answer)?;
            let mut state = self.state();
            let Some(pen) = state.pens.remove(&folder) else { continue };
            state.memory.keep_seen(folder, pen.list.head(), epoch);
            let ring = Ring { keys: [(epoch, key)].into(), salts: [(epoch, salt)].into() };
            let pen = Pen { ring: Arc::new(ring), epoch, ..(*pen).clone() };
            state.pens.insert(folder, Arc::new(pen));
        }
        // What was revoked is remembered before anyone is told that it is.
        self.sync()?;
        Ok(true)
    }
}

impl Session<'_, Patient> {
    /// Takes a case back from a doctor, and with it the identity that came with it: at once with the custodian, and
    /// for all that is written from now on by a new key. Others whose right has ended are left out with him.
    ///
    /// # Errors
    /// [`Misuse::NotOwn`] if the doctor has no grant of this case; [`Misuse::Conflict`] if others keep writing to it.
    ///
    /// # Security
    /// What the doctor could read, he may have kept: [`Self::residue`] says what that is.
    pub fn revoke(&self, case: &Case, doctor: PartyId) -> Result<Revocation, Error> {
        self.sync()?;
        for _ in 0..ATTEMPTS {
            let readers = self.readers(case.folder)?;
            let ended = readers.iter().find(|statement| statement.reader == doctor).copied();
            let ended = ended.ok_or(Misuse::NotOwn)?;
            let others: Vec<_> = readers.into_iter().filter(|statement| statement.reader != doctor).collect();
            let mut renewals =
                vec![self.renew(case, Verb::Revoke, &self.remaining(&others)?, Some(ended.digest()))?];
            let identity = self.own_identity()?;
            let (gone, others): (Vec<_>, Vec<_>) = self
                .readers(identity.folder)?
                .into_iter()
                .partition(|statement| statement.reader == doctor && statement.because == Some(case.folder));
            if let Some(gone) = gone.first() {
                let remaining = self.remaining(&others)?;
                renewals.push(self.renew(&identity, Verb::Revoke, &remaining, Some(gone.digest()))?);
            }
            if self.hand_in(renewals)? {
                let Case { folder, .. } = *case;
                return Ok(Revocation {
                    case: folder,
                    reader: doctor,
                    terms: ended.terms,
                    last: ended.epoch,
                });
            }
        }
        Err(Misuse::Conflict.into())
    }
}
