//! One stream, checked by itself: that it follows on itself, and what it leaves to be checked with the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    audit::{Fault, lines::Granted},
    consent::{GrantStatement, Purpose, Rights},
    event::{Event, Principal, Step, Verb},
    folder::{Clearance, Epoch, FolderKind, owned_folder},
    id::{Digest, FolderId, OpId, PartyId, VaultId},
    merkle::{Frontier, Head, leaf_hash},
    party::CaseKey,
    time::Timestamp,
};

/// Of a stream's own heads, the newest so many are looked back to: what an owner has seen is never far behind.
const HEADS_MAX: usize = 65_536;

/// A folder, as its stream tells it.
#[derive(Debug)]
struct Folder {
    kind: FolderKind,
    epoch: Epoch,
    head: Head,
    /// All heads it ever had.
    heads: BTreeSet<(u64, Digest)>,
    is_closed: bool,
    /// The grants of the present epoch, by their statements' digests.
    grants: BTreeMap<Digest, GrantStatement>,
    /// What is shared of a Case with the public area.
    shared: Option<Digest>,
}

/// Someone acted by right of a grant, or was given one: whether he could, the others' streams say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    pub(super) reader: PartyId,
    /// The card the grant names.
    pub(super) card: Digest,
    /// Of a new grant: the attestations it relied on.
    pub(super) given: Option<Option<Digest>>,
    pub(super) purpose: Purpose,
}

/// The keys of a stream's Cases.
#[derive(Debug)]
pub(super) struct Cases {
    vault: VaultId,
    of: Principal,
    keys: BTreeMap<FolderId, [u8; 32]>,
}

impl Cases {
    pub(super) const fn new(vault: VaultId, of: Principal) -> Self {
        Self { vault, of, keys: BTreeMap::new() }
    }

    /// Whose stream they are of.
    pub(super) const fn of(&self) -> Principal {
        self.of
    }

    /// The key of a Case of this stream, once it was begun.
    pub(super) fn key(&self, folder: FolderId) -> Option<[u8; 32]> {
        self.keys.get(&folder).copied()
    }

    /// Learns a Case's key from the event that begins it, before its signature is looked at: the id vouches for the key.
    pub(super) fn learn(&mut self, step: &Step) -> bool {
        let begun = step.folder.zip(step.opening.and_then(|opening| opening.verifying));
        let Some((folder, key)) = begun.filter(|_| step.verb == Verb::OpenFolder) else { return true };
        let is_its = CaseKey::folder_of(self.vault, &key) == folder && step.actor == self.of;
        if is_its {
            self.keys.insert(folder, *key.as_bytes());
        }
        is_its
    }
}

/// A stream while it is read.
#[derive(Debug)]
pub(super) struct Stream {
    vault: VaultId,
    pub(super) of: Principal,
    pub(super) frontier: Frontier,
    pub(super) received: Timestamp,
    folders: BTreeMap<FolderId, Folder>,
    cases: Cases,
    acts: BTreeSet<OpId>,
    /// The newest of the stream's own heads, for what its owner says it has seen, from the one of the newest size back.
    roots: VecDeque<Digest>,
    /// The releases of the public area, in the vault's own stream.
    releases: Frontier,
}

impl Stream {
    pub(super) fn new(vault: VaultId, of: Principal) -> Self {
        Self {
            vault,
            of,
            frontier: Frontier::new(),
            received: Timestamp::at_ms(0),
            folders: BTreeMap::new(),
            cases: Cases::new(vault, of),
            acts: BTreeSet::new(),
            roots: VecDeque::from([Head::default().root]),
            releases: Frontier::new(),
        }
    }

    /// The next event, whose signature was verified: what is wrong with it, and what it leaves to be checked.
    pub(super) fn next(
        &mut self,
        received: Timestamp,
        event: &Event,
        grants: &[Granted],
    ) -> Result<Vec<Right>, Fault> {
        if !self.cases.learn(&event.step)
            || event.step.vault != self.vault
            || event.step.format != Event::FORMAT
            || !self.is_of(&event.step)
        {
            return Err(Fault::Folder);
        }
        if !self.acts.insert(event.step.op_id) {
            return Err(Fault::Repeated);
        }
        self.check_seen(event)?;
        let rights = self.follow(event, received, grants)?;
        self.received = received;
        Ok(rights)
    }

    /// The event stands in the stream from now on, which has this head then.
    pub(super) fn append(&mut self, leaf: Digest) -> Head {
        self.frontier.append(leaf);
        let head = self.frontier.head();
        if self.roots.len() == HEADS_MAX {
            self.roots.pop_front();
        }
        self.roots.push_back(head.root);
        head
    }

    /// About whose data it is: this stream's owner's, or one of its Cases.
    fn is_of(&self, step: &Step) -> bool {
        let is_case = |folder: &FolderId| self.cases.key(*folder).is_some();
        let is_owner = match step.owner {
            Principal::Folder(folder) => is_case(&folder),
            Principal::Party(_) | Principal::Vault(_) => step.owner == self.of,
        };
        let is_actor = match step.actor {
            Principal::Folder(folder) => is_case(&folder) && step.owner == step.actor,
            Principal::Vault(_) => step.actor == self.of,
            Principal::Party(_) => true,
        };
        is_owner && is_actor
    }

    fn check_seen(&self, event: &Event) -> Result<(), Fault> {
        if let Some((folder, seen)) = event.step.folder.zip(event.moment.seen) {
            let known = self
                .folders
                .get(&folder)
                .is_some_and(|folder| folder.heads.contains(&(seen.size, seen.root)));
            if !known {
                return Err(Fault::Seen);
            }
        }
        if let Some(seen) = event.moment.seen_stream {
            let back = self.frontier.size().checked_sub(seen.size).ok_or(Fault::Seen)?;
            let back = usize::try_from(back).ok().and_then(|back| back.checked_add(1));
            let kept = back.and_then(|back| self.roots.get(self.roots.len().checked_sub(back)?));
            if kept.is_some_and(|root| *root != seen.root) {
                return Err(Fault::Seen);
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        event: &Event,
        received: Timestamp,
        grants: &[Granted],
    ) -> Result<Vec<Right>, Fault> {
        let step = &event.step;
        let is_own = step.actor == self.of || matches!(step.actor, Principal::Folder(_));
        match step.verb {
            Verb::OpenFolder => {
                self.begin(step, is_own)?;
                Ok(Vec::new())
            }
            Verb::Rotate | Verb::Revoke => self.renew(step, is_own, grants),
            Verb::Grant | Verb::Assign => self.give(step, is_own, grants),
            Verb::Write | Verb::Amend | Verb::Stage => self.write(event, is_own, received),
            Verb::Open if step.folder.is_some() => self.open(event, is_own, received),
            Verb::Close => {
                let folder = self.folder(step)?;
                let is_second = std::mem::replace(&mut folder.is_closed, true);
                if is_own && !is_second { Ok(Vec::new()) } else { Err(Fault::Folder) }
            }
            Verb::Share | Verb::Retract => {
                let folder = self.folder(step)?;
                let follows = if step.verb == Verb::Share {
                    let is_new = folder.shared.is_none() && folder.kind == FolderKind::Case;
                    folder.shared = step.subject;
                    is_new && folder.shared.is_some()
                } else {
                    folder.shared.is_some() && folder.shared.take() == step.subject
                };
                if is_own && follows { Ok(Vec::new()) } else { Err(Fault::Folder) }
            }
            Verb::Release => {
                let subject = step.subject.ok_or(Fault::Folder)?;
                let before = self.releases.head();
                self.releases.append(leaf_hash(subject.as_bytes()));
                let follows = step.before == Some(before)
                    && step.after == Some(self.releases.head())
                    && step.folder.is_none()
                    && matches!(self.of, Principal::Vault(_));
                if follows { Ok(Vec::new()) } else { Err(Fault::Folder) }
            }
            Verb::Appeal | Verb::Block | Verb::Enrol | Verb::List | Verb::Report | Verb::Reveal => {
                if is_own && step.folder.is_none() { Ok(Vec::new()) } else { Err(Fault::Folder) }
            }
            Verb::Create | Verb::Deny | Verb::Restore => {
                if step.actor == self.of {
                    Ok(Vec::new())
                } else {
                    Err(Fault::Folder)
                }
            }
            Verb::Export => {
                let is_of_vault = matches!(self.of, Principal::Vault(_)) && step.owner == self.of;
                let is_party = matches!(step.actor, Principal::Party(_));
                if is_of_vault && is_party && step.folder.is_none() {
                    Ok(Vec::new())
                } else {
                    Err(Fault::Folder)
                }
            }
            // Of others, who are looked at elsewhere: registrars, and a patient who asks who her doctor is.
            Verb::Attest
            | Verb::Equip
            | Verb::Govern
            | Verb::Open
            | Verb::Refuse
            | Verb::Rule
            | Verb::Withdraw => Ok(Vec::new()),
        }
    }

    fn folder(&mut self, step: &Step) -> Result<&mut Folder, Fault> {
        step.folder.and_then(|folder| self.folders.get_mut(&folder)).ok_or(Fault::Folder)
    }

    fn begin(&mut self, step: &Step, is_own: bool) -> Result<(), Fault> {
        let (folder, opening) = step.folder.zip(step.opening).ok_or(Fault::Folder)?;
        let Principal::Party(owner) = self.of else { return Err(Fault::Folder) };
        let is_its = match opening.verifying {
            Some(key) => opening.kind == FolderKind::Case && CaseKey::folder_of(self.vault, &key) == folder,
            None => owned_folder(self.vault, owner, opening.kind, opening.nonce) == folder,
        };
        let begun = Folder {
            kind: opening.kind,
            epoch: Epoch::from_number(0),
            head: Head::default(),
            heads: BTreeSet::from([(0, Head::default().root)]),
            is_closed: false,
            grants: BTreeMap::new(),
            shared: None,
        };
        let is_new = self.folders.insert(folder, begun).is_none();
        if is_own && is_its && is_new { Ok(()) } else { Err(Fault::Folder) }
    }

    fn renew(&mut self, step: &Step, is_own: bool, grants: &[Granted]) -> Result<Vec<Right>, Fault> {
        let of = self.of;
        let apart: BTreeSet<Digest> = grants
            .iter()
            .filter(|granted| !self.is_beside(&granted.statement))
            .map(|granted| granted.digest)
            .collect();
        let folder = self.folder(step)?;
        let replaced =
            (folder.epoch > Epoch::from_number(0)).then(|| Step::replaced(folder.grants.keys().copied()));
        let follows = is_own
            && step.epoch == Some(folder.epoch.next())
            && step.before == Some(folder.head)
            && step.replaces == replaced
            && step.commitments.is_some();
        if !follows {
            return Err(Fault::Folder);
        }
        if step.verb == Verb::Revoke && !step.subject.is_some_and(|ended| folder.grants.contains_key(&ended))
        {
            return Err(Fault::Grant);
        }
        let before = std::mem::take(&mut folder.grants);
        folder.epoch = folder.epoch.next();
        let mut rights = Vec::new();
        for Granted { digest, statement } in named(step, grants)? {
            let had = before.values().any(|had| {
                (had.reader, had.card, had.terms, had.because)
                    == (statement.reader, statement.card, statement.terms, statement.because)
            });
            let is_owners = Principal::Party(statement.reader) == of;
            fits(step, &statement, folder, is_owners)?;
            if !had && apart.contains(&digest) {
                return Err(Fault::Identity);
            }
            if !had && !is_owners {
                rights.push(given(&statement));
            }
            folder.grants.insert(digest, statement);
        }
        let is_keyed = folder.grants.values().any(|statement| Principal::Party(statement.reader) == of);
        if is_keyed { Ok(rights) } else { Err(Fault::Grant) }
    }

    fn give(&mut self, step: &Step, is_own: bool, grants: &[Granted]) -> Result<Vec<Right>, Fault> {
        let of = self.of;
        let statements = named(step, grants)?;
        for Granted { statement, .. } in &statements {
            if !self.is_beside(statement) {
                return Err(Fault::Identity);
            }
        }
        let folder = self.folder(step)?;
        if !is_own || step.epoch != Some(folder.epoch) || folder.is_closed {
            return Err(Fault::Folder);
        }
        let mut rights = Vec::new();
        for Granted { digest, statement } in statements {
            let is_owners = Principal::Party(statement.reader) == of;
            fits(step, &statement, folder, is_owners)?;
            if is_owners {
                return Err(Fault::Grant);
            }
            if folder.grants.insert(digest, statement).is_some() {
                return Err(Fault::Grant);
            }
            rights.push(given(&statement));
        }
        Ok(rights)
    }

    /// Who the owner is comes out with a Case that was granted to the same reader for the same time.
    fn is_beside(&self, statement: &GrantStatement) -> bool {
        let Some(case) = statement.because else { return true };
        self.folders.get(&case).is_some_and(|case| {
            case.kind == FolderKind::Case
                && case.grants.values().any(|granted| {
                    (granted.reader, granted.card) == (statement.reader, statement.card)
                        && granted.terms.ends() == statement.terms.ends()
                        && granted.terms.purpose() == Purpose::Treatment
                })
        })
    }

    fn write(&mut self, event: &Event, is_own: bool, received: Timestamp) -> Result<Vec<Right>, Fault> {
        let step = &event.step;
        let folder = self.folder(step)?;
        if step.epoch != Some(folder.epoch) || folder.is_closed {
            return Err(Fault::Folder);
        }
        let clearance = step.counts.map_or(Clearance::Normal, |counts| counts.highest());
        let right = if is_own {
            None
        } else {
            let writes = |_: &Digest, statement: &GrantStatement| {
                statement.terms.rights() == Rights::ReadWrite && statement.terms.clearance() >= clearance
            };
            Some(covered(folder, event, received, writes)?)
        };
        if step.verb != Verb::Stage {
            let after = step.after.filter(|_| step.before == Some(folder.head)).ok_or(Fault::Folder)?;
            if after.size <= folder.head.size {
                return Err(Fault::Folder);
            }
            folder.head = after;
            folder.heads.insert((after.size, after.root));
        }
        Ok(right.into_iter().collect())
    }

    fn open(&mut self, event: &Event, is_own: bool, received: Timestamp) -> Result<Vec<Right>, Fault> {
        let step = &event.step;
        let folder = self.folder(step)?;
        if is_own {
            return Ok(Vec::new());
        }
        let named = step.subject;
        let right = covered(folder, event, received, |digest, _| named.is_none_or(|named| *digest == named))?;
        let kind = folder.kind;
        if matches!(kind, FolderKind::Credentials | FolderKind::Identity) {
            let backed = |statement: &GrantStatement| match statement.because {
                Some(case) => self.folders.get(&case).is_some_and(|case| {
                    case.grants
                        .values()
                        .any(|granted| granted.reader == statement.reader && holds(granted, received))
                }),
                None => statement.terms.purpose() == Purpose::Vetting,
            };
            let statement = step.folder.and_then(|folder| self.folders.get(&folder));
            let statements = statement.map(|folder| folder.grants.values()).into_iter().flatten();
            let mut own = statements.filter(|statement| Principal::Party(statement.reader) == step.actor);
            if !own.any(backed) {
                return Err(Fault::Identity);
            }
        }
        Ok(vec![right])
    }
}

/// The grants an event names, each brought with it.
fn named(step: &Step, grants: &[Granted]) -> Result<Vec<Granted>, Fault> {
    let brought: BTreeMap<&Digest, &Granted> =
        grants.iter().rev().map(|granted| (&granted.digest, granted)).collect();
    let granted: Option<Vec<Granted>> =
        step.grants.iter().map(|digest| brought.get(digest).map(|granted| **granted)).collect();
    granted.filter(|granted| granted.len() == grants.len()).ok_or(Fault::Grant)
}

/// Whether a grant is of the folder and epoch of its event, and for someone who can be given it.
fn fits(step: &Step, statement: &GrantStatement, folder: &Folder, is_owners: bool) -> Result<(), Fault> {
    let GrantStatement { vault, folder: of, epoch, terms, because, .. } = statement;
    let is_private = matches!(folder.kind, FolderKind::Credentials | FolderKind::Identity);
    let purpose = terms.purpose();
    let fits = *vault == step.vault
        && Some(*of) == step.folder
        && *epoch == folder.epoch
        && is_owners == (purpose == Purpose::Own)
        && (because.is_none() || folder.kind == FolderKind::Identity);
    let is_named = !is_private || is_owners || because.is_some() || purpose == Purpose::Vetting;
    match (fits, is_named) {
        (false, _) => Err(Fault::Grant),
        (true, false) => Err(Fault::Identity),
        (true, true) => Ok(()),
    }
}

const fn given(statement: &GrantStatement) -> Right {
    let GrantStatement { reader, card, attested, terms, .. } = *statement;
    Right { reader, card, given: Some(attested), purpose: terms.purpose() }
}

fn holds(statement: &GrantStatement, at: Timestamp) -> bool {
    statement.terms.starts() <= at && at < statement.terms.ends()
}

/// The grant of the present epoch by which an actor may do this, by both clocks.
fn covered(
    folder: &Folder,
    event: &Event,
    received: Timestamp,
    may: impl Fn(&Digest, &GrantStatement) -> bool,
) -> Result<Right, Fault> {
    let at = event.moment.at;
    let is_its = |(digest, statement): &(&Digest, &GrantStatement)| {
        Principal::Party(statement.reader) == event.step.actor
            && holds(statement, received)
            && holds(statement, at)
            && may(digest, statement)
    };
    let (_, statement) = folder.grants.iter().find(is_its).ok_or(Fault::Uncovered)?;
    let GrantStatement { reader, card, terms, .. } = *statement;
    Ok(Right { reader, card, given: None, purpose: terms.purpose() })
}
