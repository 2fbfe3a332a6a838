//! The lines of an export, one after the other, each with what was said before it that it needs.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use crate::{
    audit::{
        AuditError,
        lines::{EventLine, Lines, PartyLine, PolicyFile},
        report::read_file,
    },
    event::{Event, Principal},
    folder::FolderKind,
    id::{PartyId, VaultId},
    limits::AUDIT_POLICY_BYTES_MAX,
    party::Role,
    report::{
        ReportError,
        consents::{Consent, Folders},
    },
    spread,
};

/// How many lines are worth a thread.
const LINES_WORTH_A_THREAD: usize = 64;
/// How many cards are: each has a signature.
const CARDS_WORTH_A_THREAD: usize = 4;

/// An event, and what was said before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'l> {
    /// The line, from zero: what findings count.
    pub(super) index: u64,
    pub(super) line: &'l EventLine,
    pub(super) event: &'l Event,
    /// As what the actor is known; of a Case, its owner.
    pub(super) role: Option<Role>,
    /// As what the stream's owner is known.
    pub(super) owner_role: Option<Role>,
    /// As what that party is known on whose behalf it was done: of a refusal, who was refused.
    pub(super) refused_role: Option<Role>,
    /// What its folder is for.
    pub(super) kind: Option<FolderKind>,
    /// By right of which grant it was done, or of one that this carried on.
    pub(super) right: Option<&'l Consent>,
}

impl Told<'_> {
    /// Whether the stream's owner acts, under a card or a Case's key.
    pub(super) fn is_own(&self) -> bool {
        let actor = self.event.step.actor;
        actor == self.line.stream || matches!(actor, Principal::Folder(_))
    }
}

/// Who takes what is read.
pub(super) trait Reader {
    /// The next event.
    fn event(&mut self, told: &Told<'_>) -> io::Result<()>;
    /// A consent that ended, or stands when its stream ends.
    fn consent(&mut self, consent: &Consent) -> io::Result<()>;
    /// A line that is not of its format.
    fn unreadable(&mut self, index: u64) -> io::Result<()>;
}

/// An export's folder, with what is to be known before its events are read.
#[derive(Debug)]
pub(super) struct Reading {
    events: PathBuf,
    pub(super) vault: VaultId,
    pub(super) roles: BTreeMap<PartyId, Role>,
}

impl Reading {
    /// Opens an export's folder.
    pub(super) fn open(directory: &Path) -> Result<Self, AuditError> {
        let policy = read_file(&directory.join("policy.json"), AUDIT_POLICY_BYTES_MAX)?;
        let policy = PolicyFile::read(&policy).ok_or(AuditError::Malformed("policy.json"))?;
        let later = policy.charters.iter().filter_map(|charter| charter.claims().ok());
        let mut roles = BTreeMap::new();
        for policy in later.map(|charter| charter.policy).chain([policy.first.clone()]) {
            roles.extend(policy.registrars.iter().map(|card| (card.party(), card.role())));
        }
        let mut file = BufReader::new(File::open(directory.join("parties.ndjson"))?);
        loop {
            let lines = Lines::read(&mut file)?;
            if lines.is_empty() {
                break;
            }
            let lines: Vec<_> = lines.iter().collect();
            let read = spread::map(&lines, CARDS_WORTH_A_THREAD, |line| line.and_then(PartyLine::read));
            roles.extend(
                read.into_iter().flatten().filter_map(|line| line.card).map(|card| (card.party, card.role)),
            );
        }
        Ok(Self { events: directory.join("events.ndjson"), vault: policy.vault, roles })
    }

    /// As what a principal is known: nothing of the vault, or of who has no card here.
    pub(super) fn role(&self, principal: Principal) -> Option<Role> {
        match principal {
            Principal::Party(party) => self.roles.get(&party).copied(),
            Principal::Folder(_) | Principal::Vault(_) => None,
        }
    }

    /// Reads the events to their end, and gives them out in their order; a stream's consents as they end, the rest behind it.
    pub(super) fn read(&self, reader: &mut impl Reader) -> Result<(), ReportError> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.events).map_err(AuditError::from)?);
        let (mut index, mut stream, mut folders) = (0u64, None, Folders::default());
        let mut raw = Lines::read(&mut file).map_err(AuditError::from)?;
        while !raw.is_empty() {
            let lines: Vec<_> = raw.iter().collect();
            let decoded = spread::map(&lines, LINES_WORTH_A_THREAD, |line| line.and_then(EventLine::read));
            for line in decoded {
                match line.as_ref().and_then(|line| Some((line, line.event.as_ref()?))) {
                    None => reader.unreadable(index).map_err(ReportError::Written)?,
                    Some((line, event)) => {
                        if stream.replace(line.stream) != Some(line.stream) {
                            finish(&mut folders, reader)?;
                        }
                        self.tell((index, line, event), &mut folders, reader)
                            .map_err(ReportError::Written)?;
                    }
                }
                index = index.saturating_add(1);
            }
            raw = Lines::read(&mut file).map_err(AuditError::from)?;
        }
        finish(&mut folders, reader)
    }

    fn tell(
        &self,
        (index, line, event): (u64, &EventLine, &Event),
        folders: &mut Folders,
        reader: &mut impl Reader,
    ) -> io::Result<()> {
        let owner_role = self.role(line.stream);
        let ended =
            folders.follow((index, line, event), owner_role, |grant| self.roles.get(&grant.reader).copied());
        let role = match event.step.actor {
            Principal::Folder(_) => owner_role,
            actor @ (Principal::Party(_) | Principal::Vault(_)) => self.role(actor),
        };
        let kind = event.step.folder.and_then(|folder| folders.kind(folder));
        let right = folders.right(event);
        let refused_role = event.moment.on_behalf_of.and_then(|party| self.roles.get(&party).copied());
        reader.event(&Told { index, line, event, role, owner_role, refused_role, kind, right })?;
        ended.iter().try_for_each(|consent| reader.consent(consent))
    }
}

fn finish(folders: &mut Folders, reader: &mut impl Reader) -> Result<(), ReportError> {
    folders.finish().try_for_each(|consent| reader.consent(&consent)).map_err(ReportError::Written)
}
