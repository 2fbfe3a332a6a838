//! Who has access: grants as the owner signed them, and what an ex-reader keeps.

use std::collections::BTreeMap;

use crate::{
    consent::{GrantStatement, Purpose, Terms},
    error::{Error, Misuse, Tampering},
    event::{Principal, Verb},
    folder::{Clearance, Epoch, FolderKind},
    id::{Digest, FolderId, PartyId},
    party::{Owner, Patient},
    session::{
        Case, Revocation, Session,
        ledger::{Line, Pages},
        memory::Own,
    },
    time::Timestamp,
};

/// A grant of a folder that holds now or will hold, by the owner's own signature.
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

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { party, folder, terms, because } = self;
        match because {
            Some(case) => write!(f, "{party}: who you are, for your case {case}, to {terms}"),
            None => write!(f, "{party}: folder {folder}, to {terms}"),
        }
    }
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
    /// The versions of records under keys the reader has, up to the clearances of his grants.
    pub could_read: u64,
    /// Of these, those that were there at the reader's last opening.
    pub did_open: u64,
    /// The openings.
    pub looks: Vec<Look>,
    /// Those under keys the reader has not.
    pub out_of_reach: u64,
}

impl<R: Owner> Session<'_, R> {
    /// Who may open one's folders, now or later: every grant of the present keys, each as one signed it oneself.
    ///
    /// # Errors
    /// [`Tampering::Grant`] if the custodian names someone the owner never granted, or hides someone.
    pub fn who_has_access(&self) -> Result<Vec<Access>, Error> {
        self.sync()?;
        let mut all = Vec::new();
        for folder in self.granted_folders() {
            all.extend(self.grants(folder)?.into_iter().map(|statement| Access {
                party: statement.reader,
                folder: statement.folder,
                terms: statement.terms,
                because: statement.because,
            }));
        }
        let now = self.clock.now();
        Ok(all.into_iter().filter(|access| now < access.terms.ends()).collect())
    }

    /// One's folders whose present key others have.
    pub(super) fn granted_folders(&self) -> Vec<FolderId> {
        let state = self.state();
        let granted = state.memory.own.iter().filter(|(_, own)| own.grants.len() > 1);
        granted.map(|(folder, _)| *folder).collect()
    }

    /// The grants of a folder's present epoch to others, in the order they were made, as one's stream says: all of them, and
    /// no other.
    pub(super) fn grants(&self, folder: FolderId) -> Result<Vec<GrantStatement>, Error> {
        let Own { grants, epoch, .. } = self.own_folder(folder)?;
        if grants.len() < 2 {
            return Ok(Vec::new());
        }
        let consents = self.consents(folder, epoch)?;
        let statements = grants.iter().map(|digest| consents.get(digest).copied());
        let statements = statements.collect::<Option<Vec<_>>>().ok_or(Tampering::Grant)?;
        Ok(statements.into_iter().filter(|statement| statement.terms.purpose() != Purpose::Own).collect())
    }

    /// The last word to each reader: a later grant replaces an earlier one when a key is renewed.
    pub(super) fn readers(&self, folder: FolderId) -> Result<Vec<GrantStatement>, Error> {
        let grants = self.grants(folder)?;
        let latest: BTreeMap<(PartyId, Option<FolderId>), GrantStatement> =
            grants.into_iter().map(|statement| ((statement.reader, statement.because), statement)).collect();
        Ok(latest.into_values().collect())
    }
}

impl Session<'_, Patient> {
    /// What a reader who was left out could have read of a case, and what, by the log, he did open.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn residue(&self, revocation: &Revocation) -> Result<Residue, Error> {
        let Revocation { case, reader, .. } = *revocation;
        let me = Principal::Party(self.id());
        self.sync()?;
        let Pages { events, .. } = self.whole_stream(me, &self.known_heads())?;
        let (mut looks, mut size, mut granted) = (Vec::new(), 0, Vec::<Digest>::new());
        for Line { received, event, .. } in events {
            if event.folder != Some(case) {
                continue;
            }
            size = event.after.map_or(size, |after| after.size);
            granted.extend(&event.grants);
            if event.verb == Verb::Open && event.actor == Principal::Party(reader) {
                looks.push(Look { at: received, records: size });
            }
        }
        let consents = self.consents(case, Epoch::FIRST)?;
        let statements = granted.iter().map(|digest| consents.get(digest)).collect::<Option<Vec<_>>>();
        let statements = statements.ok_or(Tampering::Grant)?;
        let keys: Vec<(Epoch, Clearance)> = statements
            .into_iter()
            .filter(|statement| statement.reader == reader)
            .map(|statement| (statement.epoch, statement.terms.clearance()))
            .collect();
        if keys.is_empty() {
            return Err(Misuse::NotOwn.into());
        }
        let (verified, _) = self.open_verified(&Case::own(case, FolderKind::Case))?;
        // A key opens its own epoch and, by the back links, all before it.
        let reaches = |epoch: Epoch, clearance: Clearance| {
            keys.iter().any(|(until, up_to)| epoch <= *until && clearance <= *up_to)
        };
        let in_reach = |size: u64| {
            let listed = verified.entries.iter().filter(|listed| listed.position < size);
            let readable = listed.filter(|listed| reaches(listed.leaf.epoch, listed.leaf.clearance));
            u64::try_from(readable.count()).unwrap_or(u64::MAX)
        };
        let could_read = in_reach(u64::MAX);
        let did_open = looks.last().map_or(0, |look| in_reach(look.records));
        let all = u64::try_from(verified.entries.len()).unwrap_or(u64::MAX);
        Ok(Residue { could_read, did_open, looks, out_of_reach: all.saturating_sub(could_read) })
    }
}
