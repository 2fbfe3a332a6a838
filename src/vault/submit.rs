//! Submissions: verify, decide, work out, commit, promise.

use std::sync::{Arc, MutexGuard};

use crate::{
    access::{Act, Capacity, Denial, Facts, Permit, decide},
    credential::Standing,
    crypto::{Random, Signed, VerifyingKey},
    custodian::{Accepted, Concerned, Delivered, Part, Submission},
    event::{Event, Principal, Streamed, Verb},
    folder::FolderKind,
    id::{Digest, FolderId, OpId, PartyId},
    limits::PARTS_MAX,
    party::Card,
    time::Timestamp,
    vault::{
        Vault,
        desk::Desk,
        directory::Change,
        fault::Fault,
        open::Opened,
        rows::{FolderRow, HeadRow, OpRow, OutboxRow, PartyRow},
        rules::Rules,
        standing::{Stance, folder_facts},
        tables::Table,
    },
};

/// A submission while it is worked out.
pub(super) struct Work<'v> {
    pub(super) vault: &'v Vault,
    /// What was in force when it came.
    pub(super) rules: Arc<Rules>,
    pub(super) desk: Desk<'v>,
    /// By the clock: what decisions go by.
    pub(super) now: Timestamp,
    /// The same, or when the event before was received, if that is later: a stream's times do not go back.
    pub(super) received: Timestamp,
    /// The owner's own id; `desk.owner` is the same as a principal. The vault itself is no party.
    pub(super) owner: PartyId,
    /// Whom the first event is about: by that name the registrars know the owner.
    about: Principal,
    pub(super) head: HeadRow,
    /// The events so far, with their parts' verbs done.
    pub(super) events: Vec<Streamed>,
    pub(super) permits: Vec<Permit>,
    pub(super) salts: Vec<(FolderId, crate::folder::Epoch)>,
    pub(super) outbox: Vec<OutboxRow>,
    /// What is opened: one folder, or one letter, at a time.
    pub(super) opened: Option<Opened>,
    pub(super) delivered: Option<Delivered>,
    /// Whom a withdrawal concerns.
    pub(super) concerned: Vec<Concerned>,
    /// What is in force once this is committed, and what the directory then says.
    pub(super) adopts: Option<Rules>,
    pub(super) changes: Vec<Change>,
    /// Which export an auditor takes, by the root of its checkpoint.
    pub(super) exports: Option<(PartyId, Digest)>,
    /// Whether a party is enrolled.
    pub(super) enrols: bool,
    /// Whether the owner sent it.
    pub(super) is_owner: bool,
    /// The pool's turn, once it is looked at.
    pub(super) pool: Option<MutexGuard<'v, ()>>,
    /// The first event, if its signature was looked at to find the owner.
    proven: Option<Digest>,
}

/// One event with who signed it.
pub(super) struct Claim<'s> {
    pub(super) part: &'s Part,
    pub(super) event: Event,
    /// The signer's card; none for the owner of a Case, who signs as the folder.
    pub(super) card: Option<Card>,
    /// The parts before it, and those after it: for what must stand together.
    pub(super) before: &'s [Part],
    pub(super) after: &'s [Part],
}

/// No party: an id is a digest, and none is all zeros.
const NOBODY: PartyId = PartyId::from_bytes([0; 32]);

impl Vault {
    /// Does a submission, or refuses it and says so in the vault's own stream.
    pub(super) fn submit(&self, submission: &Submission) -> Result<Accepted, Fault> {
        if self.is_read_only() {
            return Err(Fault::ReadOnly);
        }
        let first = submission.parts.first().ok_or(Fault::Malformed)?;
        if submission.parts.len() > PARTS_MAX {
            return Err(Fault::Malformed);
        }
        let claims = first.event.claims()?;
        let principal = self.owner_of(submission, &claims)?;
        let owner = match principal {
            Principal::Party(owner) => owner,
            Principal::Folder(_) | Principal::Vault(_) => NOBODY,
        };
        let _turn = self.turn(principal);
        let desk = Desk::new(&self.shelves, principal, self.fork_random())?;
        let head: HeadRow = desk.get(Table::Head, &[])?.unwrap_or_default();
        let now = self.clock.now();
        let mut work = Work {
            vault: self,
            rules: self.rules(),
            desk,
            now,
            received: now.max(head.received),
            owner,
            about: claims.owner,
            head,
            events: Vec::new(),
            permits: Vec::new(),
            salts: Vec::new(),
            outbox: Vec::new(),
            opened: None,
            delivered: None,
            concerned: Vec::new(),
            adopts: None,
            changes: Vec::new(),
            exports: None,
            enrols: false,
            is_owner: submission.sender.is_some(),
            pool: None,
            proven: submission.sender.is_none().then(|| first.event.digest()),
        };
        if let Some(done) = work.done_before(submission)? {
            return work.repeat(submission, &done);
        }
        if let Err(fault) = work.take(submission) {
            self.release(&work.changes);
            return Err(fault);
        }
        work.finish(submission)
    }

    pub(super) fn folder_row(&self, folder: FolderId) -> [u8; 16] {
        self.shelves.keys.blind(Table::Folder, &[&folder])
    }
}

impl Work<'_> {
    pub(super) fn op_row(&self, op_id: OpId) -> [u8; 16] {
        self.vault.shelves.keys.blind(Table::Op, &[&op_id])
    }

    fn take(&mut self, submission: &Submission) -> Result<(), Fault> {
        for (index, part) in submission.parts.iter().enumerate() {
            let (before, rest) = submission.parts.split_at(index);
            let after = rest.get(1..).unwrap_or_default();
            let claim = self.verify(part, before, after)?;
            let permit = match self.take_once(&claim) {
                Ok(permit) => permit,
                Err(fault) => return Err(self.hush(fault, &claim)?),
            };
            self.permits.push(permit);
            self.events.push(Streamed { received: self.received, event: part.event.clone() });
        }
        Ok(())
    }

    /// An event is taken once: not again alone, nor behind another.
    fn take_once(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let row = self.op_row(claim.event.op_id);
        if self.desk.get::<OpRow>(Table::Op, &[&row])?.is_some() {
            return Err(Fault::Malformed);
        }
        self.desk.put(Table::Op, &[&row], &OpRow { submission: None })?;
        self.apply(claim)
    }

    /// What is wrong with a submission is told to who may know of the folder; to others it is not there.
    fn hush(&self, fault: Fault, claim: &Claim<'_>) -> Result<Fault, Fault> {
        let tells = matches!(fault, Fault::Conflict | Fault::Malformed);
        let is_hushed = tells && claim.event.verb != Verb::Enrol && {
            let folder = claim.event.folder.map_or(Ok(None), |folder| self.folder(folder))?;
            self.stance(claim, folder.as_ref())?.capacity == Capacity::Stranger
        };
        Ok(name(if is_hushed { Denial::Absent.into() } else { fault }, &claim.event))
    }

    /// The event, if its actor signed it.
    pub(super) fn verify<'s>(
        &self,
        part: &'s Part,
        before: &'s [Part],
        after: &'s [Part],
    ) -> Result<Claim<'s>, Fault> {
        let claims = part.event.claims()?;
        if claims.vault != self.vault.id || claims.format != Event::FORMAT {
            return Err(Fault::Malformed);
        }
        // Whose signature it is not is not said: anyone could have named anyone.
        let folder = claims.folder;
        let unknown = || Fault::Denied(Denial::Unknown, None, folder);
        let (key, card): (VerifyingKey, Option<Card>) = match claims.actor {
            Principal::Party(party) => {
                let card = self.card(party, part)?.ok_or_else(unknown)?;
                (*card.verifying_key(), Some(card))
            }
            Principal::Folder(own) if self.is_owner => {
                let row = self.folder(own)?.ok_or_else(unknown)?;
                (row.verifying.ok_or_else(unknown)?, None)
            }
            Principal::Folder(_) | Principal::Vault(_) => return Err(unknown()),
        };
        let is_proven = before.is_empty() && self.proven == Some(part.event.digest());
        let event =
            if is_proven { claims } else { part.event.verify(&key).map_err(|_unsigned| unknown())? };
        Ok(Claim { part, event, card, before, after })
    }

    fn card(&self, party: PartyId, part: &Part) -> Result<Option<Card>, Fault> {
        if party != self.owner {
            return Ok(self.vault.party(party)?.map(|row| row.card));
        }
        let row: Option<PartyRow> = self.desk.get(Table::Party, &[])?;
        Ok(row.map(|row| row.card).or_else(|| part.card.clone().filter(|card| card.party() == party)))
    }

    /// Decides and works out one event.
    fn apply(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let verb = claim.event.verb;
        match verb {
            Verb::Enrol => self.enrol(claim),
            Verb::Attest | Verb::Withdraw => self.attest(claim),
            Verb::Refuse => self.refuse(claim),
            Verb::OpenFolder => self.open_folder(claim),
            Verb::Rotate | Verb::Revoke => self.renew(claim),
            Verb::Grant | Verb::Assign => self.give(claim),
            Verb::Write | Verb::Amend => self.write(claim),
            Verb::Stage => self.stage(claim),
            Verb::Open if claim.event.folder.is_none() => self.deliver(claim),
            Verb::Open => self.open(claim),
            Verb::Close => self.close(claim),
            Verb::Report | Verb::Appeal => self.petition(claim),
            Verb::Rule => self.rule(claim),
            Verb::List => self.list(claim),
            Verb::Block => self.block(claim),
            Verb::Reveal => self.reveal(claim),
            Verb::Govern => self.govern(claim),
            Verb::Equip => self.equip(claim),
            Verb::Export => self.export(claim),
            Verb::Release => self.release(claim),
            Verb::Retract => self.retract(claim),
            Verb::Share => self.share(claim),
            Verb::Create | Verb::Deny | Verb::Restore => Err(Denial::WrongRole.into()),
        }
    }

    /// How the actor stands to the owner's data in this event, with the grant it relies on.
    pub(super) fn stance(&self, claim: &Claim<'_>, folder: Option<&FolderRow>) -> Result<Stance, Fault> {
        let event = &claim.event;
        let is_case = folder.is_some_and(|folder| folder.kind == FolderKind::Case);
        match event.actor {
            Principal::Folder(id) => {
                let is_own = is_case && event.folder == Some(id) && event.owner == event.actor;
                self.owner_if(is_own)
            }
            Principal::Party(party) if party == self.owner && event.verb != Verb::Export => {
                // In a Case the owner acts as the folder, save for beginning it.
                let is_own = event.owner == event.actor && (!is_case || event.verb == Verb::OpenFolder);
                self.owner_if(is_own)
            }
            Principal::Party(_) => {
                let card = claim.card.as_ref().ok_or(Denial::Unknown)?;
                if event.verb == Verb::Export {
                    let stranger = (Capacity::Stranger, Standing::Good);
                    let is_here = self.is_of_here(event);
                    let auditor = || self.vault.auditor(&self.rules, card, self.now);
                    let (capacity, standing) = if is_here { auditor()? } else { stranger };
                    return Ok(Stance::of(capacity, standing));
                }
                if event.verb == Verb::Release {
                    return self.stance_of_curator(claim);
                }
                if is_office(event) {
                    let is_registrar = self.is_of_here(event) && self.rules.trust.is_registrar(card);
                    let capacity = if is_registrar { Capacity::Registrar } else { Capacity::Stranger };
                    return Ok(Stance::of(capacity, Standing::Good));
                }
                // What the sessions of others will check, this one must have said: whose folder, as readers know it.
                let named = if is_case { event.folder.map(Principal::Folder) } else { Some(self.desk.owner) };
                match folder.filter(|_| named == Some(event.owner)) {
                    Some(folder) => {
                        // An opening names its grant; another act is about something else.
                        let grant = event.subject.filter(|_| event.verb == Verb::Open);
                        let place = (self.desk.place, folder);
                        self.vault.reader((&self.rules, self.now), place, card, grant)
                    }
                    None => Ok(Stance::of(Capacity::Stranger, Standing::Good)),
                }
            }
            Principal::Vault(_) => Ok(Stance::of(Capacity::Stranger, Standing::Good)),
        }
    }

    /// Whether the registrars' work, or an auditor's, is about whose stream it will stand in: another's name there would spoil it, and what is the
    /// vault's own would be lost in it.
    fn is_of_here(&self, event: &Event) -> bool {
        let is_the_vaults = matches!(self.desk.owner, Principal::Vault(_));
        event.owner == self.about
            && is_the_vaults == matches!(event.verb, Verb::Equip | Verb::Export | Verb::Govern)
    }

    fn owner_if(&self, is_own: bool) -> Result<Stance, Fault> {
        let capacity = if is_own { Capacity::Owner } else { Capacity::Stranger };
        Ok(Stance::of(capacity, self.own_standing()?))
    }

    /// How the owner stands.
    pub(super) fn own_standing(&self) -> Result<Standing, Fault> {
        match self.desk.get::<PartyRow>(Table::Party, &[])? {
            Some(row) => self.vault.standing(&self.rules, &row, self.now),
            None => Ok(Standing::Good),
        }
    }

    /// Decides, by the facts of this event.
    pub(super) fn decide(
        &self,
        claim: &Claim<'_>,
        act: Act,
        about: (&Stance, Option<&FolderRow>),
    ) -> Result<Permit, Fault> {
        let (Stance { capacity, standing, .. }, folder) = about;
        let folder = folder.map(|folder| folder_facts(&self.rules, folder, self.now));
        let claimed = claim.event.moment.at;
        let facts = Facts { now: self.now, claimed, capacity: *capacity, folder, standing: *standing };
        Ok(decide(&self.rules.policy, act, &facts)?)
    }

    pub(super) fn folder(&self, folder: FolderId) -> Result<Option<FolderRow>, Fault> {
        self.desk.get(Table::Folder, &[&self.vault.folder_row(folder)])
    }

    pub(super) fn put_folder(&mut self, row: &FolderRow) -> Result<(), Fault> {
        self.desk.put(Table::Folder, &[&self.vault.folder_row(row.folder)], row)
    }

    /// The folder an event names, which must be there.
    pub(super) fn named_folder(&self, event: &Event) -> Result<FolderRow, Fault> {
        let folder = event.folder.ok_or(Fault::Malformed)?;
        Ok(self.folder(folder)?.ok_or(Denial::Absent)?)
    }

    /// The position the present event will have.
    pub(super) fn position(&self) -> u64 {
        let so_far = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        self.head.frontier.size().saturating_add(so_far)
    }
}

/// Adds to a denial, for the log, who wanted what.
fn name(fault: Fault, event: &Event) -> Fault {
    let Fault::Denied(denial, ..) = fault else { return fault };
    let actor = match event.actor {
        Principal::Party(party) => Some(party),
        Principal::Folder(_) | Principal::Vault(_) => None,
    };
    Fault::Denied(denial, actor, event.folder)
}

impl Vault {
    /// A party's card and attestations.
    pub(super) fn party(&self, party: PartyId) -> Result<Option<PartyRow>, Fault> {
        self.shelves.read(self.shelves.keys.place(Principal::Party(party)), Table::Party, &[])
    }

    /// Signs as the vault.
    pub(super) fn sign<T: crate::crypto::Statement>(&self, statement: &T) -> Signed<T> {
        Signed::sign(statement, &self.signer)
    }

    /// Randomness of its own for one piece of work.
    pub(super) fn fork_random(&self) -> Random {
        Random::seeded(self.random().bytes())
    }
}

/// Whether an event is the registrars' work on another party: vouching, ruling, reading what was written to them; or on the
/// vault itself.
pub(super) const fn is_office(event: &Event) -> bool {
    matches!(
        event.step.verb,
        Verb::Attest | Verb::Equip | Verb::Govern | Verb::Refuse | Verb::Rule | Verb::Withdraw
    ) || (matches!(event.step.verb, Verb::Open) && event.step.folder.is_none())
}
