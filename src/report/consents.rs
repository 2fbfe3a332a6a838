//! Grants, from when they are given until they end.
//!
//! A folder's next epoch brings the grants anew of all who keep their access. To people that is one grant that goes on: same
//! reader, card, terms, and Case. Here it is one **consent**, named by the first grant.

use std::collections::BTreeMap;

use crate::{
    audit::lines::{EventLine, Granted},
    consent::{GrantStatement, Purpose},
    event::{Event, Principal, Verb},
    folder::FolderKind,
    id::{Digest, FolderId},
    party::Role,
    time::Timestamp,
};

/// How a grant ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The owner made a new key without the reader.
    LeftOut,
    /// The owner revoked it.
    Revoked,
}

/// What stands behind one grant, and those that carried it on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    /// The first grant.
    pub(super) grant: GrantStatement,
    /// Whose stream it stands in.
    pub(super) owner: Principal,
    /// As what the owner is known.
    pub(super) owner_role: Option<Role>,
    /// As what the reader is known.
    pub(super) role: Option<Role>,
    /// What the folder is for.
    pub(super) kind: Option<FolderKind>,
    /// When the custodian received it.
    pub(super) given: Timestamp,
    /// The line that brought it.
    pub(super) index: u64,
    /// When and how it ended, if not by its terms.
    pub(super) ended: Option<(Timestamp, Ending)>,
}

/// Where a consent stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has not begun.
    Ahead,
    /// Its time is over.
    Expired,
    /// It holds.
    InForce,
    /// A new key was made without the reader.
    LeftOut,
    /// It was revoked.
    Revoked,
}

impl Consent {
    pub(super) fn state(&self, at: Timestamp) -> State {
        let terms = &self.grant.terms;
        // What had expired when a new key was made without it had ended before.
        match self.ended {
            Some((ended, Ending::Revoked)) if ended < terms.ends() => State::Revoked,
            Some((ended, Ending::LeftOut)) if ended < terms.ends() => State::LeftOut,
            Some(_) => State::Expired,
            None if terms.ends() <= at => State::Expired,
            None if terms.starts() > at => State::Ahead,
            None => State::InForce,
        }
    }

    /// When it ended, or will; nothing if it has no end.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        let until = self.grant.terms.ends();
        let end = self.ended.map_or(until, |(ended, _)| ended.min(until));
        (end < Timestamp::MAX).then_some(end)
    }
}

/// A grant of a folder's present epoch, and the consent it carries.
#[derive(Debug, Clone, Copy)]
struct Held {
    digest: Digest,
    grant: GrantStatement,
    consent: Consent,
}

#[derive(Debug, Default)]
struct Folder {
    kind: Option<FolderKind>,
    held: Vec<Held>,
}

/// The folders of the stream that is being read.
#[derive(Debug, Default)]
pub(super) struct Folders(BTreeMap<FolderId, Folder>);

impl Folders {
    /// What a folder is for, if the stream told.
    pub(super) fn kind(&self, folder: FolderId) -> Option<FolderKind> {
        self.0.get(&folder).and_then(|folder| folder.kind)
    }

    /// By right of which consent an event was done: of the grant it names, or that the actor holds. An owner needs none.
    pub(super) fn right(&self, event: &Event) -> Option<&Consent> {
        let held = &self.0.get(&event.step.folder?)?.held;
        let named = held.iter().find(|held| Some(held.digest) == event.step.subject);
        let its = || {
            held.iter().find(|held| {
                Principal::Party(held.grant.reader) == event.step.actor
                    && held.grant.terms.starts() <= event.moment.at
                    && event.moment.at < held.grant.terms.ends()
            })
        };
        named.or_else(its).map(|held| &held.consent).filter(|consent| is_anothers(consent))
    }

    /// Follows an event, and gives the consents that end with it.
    pub(super) fn follow(
        &mut self,
        (index, line, event): (u64, &EventLine, &Event),
        owner_role: Option<Role>,
        role: impl Fn(&GrantStatement) -> Option<Role>,
    ) -> Vec<Consent> {
        let Some(id) = event.step.folder else { return Vec::new() };
        let folder = match event.step.verb {
            Verb::OpenFolder => {
                let folder = self.0.entry(id).or_default();
                folder.kind = event.step.opening.map(|opening| opening.kind);
                return Vec::new();
            }
            Verb::Assign | Verb::Grant | Verb::Revoke | Verb::Rotate => self.0.entry(id).or_default(),
            Verb::Amend
            | Verb::Appeal
            | Verb::Attest
            | Verb::Block
            | Verb::Close
            | Verb::Create
            | Verb::Deny
            | Verb::Enrol
            | Verb::Equip
            | Verb::Export
            | Verb::Govern
            | Verb::List
            | Verb::Open
            | Verb::Refuse
            | Verb::Release
            | Verb::Report
            | Verb::Restore
            | Verb::Retract
            | Verb::Reveal
            | Verb::Rule
            | Verb::Share
            | Verb::Stage
            | Verb::Withdraw
            | Verb::Write => return Vec::new(),
        };
        let is_epoch = matches!(event.step.verb, Verb::Revoke | Verb::Rotate);
        let before = if is_epoch { std::mem::take(&mut folder.held) } else { Vec::new() };
        let kind = folder.kind;
        for Granted { digest, statement } in
            line.grants.iter().copied().filter(|granted| granted.statement.folder == id)
        {
            let carried = before.iter().find(|held| is_same(&held.grant, &statement));
            let consent = carried.map_or_else(
                || Consent {
                    grant: statement,
                    owner: line.stream,
                    owner_role,
                    role: role(&statement),
                    kind,
                    given: line.received,
                    index,
                    ended: None,
                },
                |held| held.consent,
            );
            folder.held.push(Held { digest, grant: statement, consent });
        }
        let is_over = |held: &&Held| !folder.held.iter().any(|next| is_same(&next.grant, &held.grant));
        let end = |held: &Held| {
            let is_named = event.step.verb == Verb::Revoke && event.step.subject == Some(held.digest);
            let how = if is_named { Ending::Revoked } else { Ending::LeftOut };
            Consent { ended: Some((line.received, how)), ..held.consent }
        };
        before.iter().filter(is_over).map(end).filter(is_anothers).collect()
    }

    /// The consents that still stand when the stream ends.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Consent> {
        let folders = std::mem::take(&mut self.0);
        folders.into_values().flat_map(|folder| folder.held).map(|held| held.consent).filter(is_anothers)
    }
}

/// The owner's own grant is no consent.
fn is_anothers(consent: &Consent) -> bool {
    consent.grant.terms.purpose() != Purpose::Own
}

fn is_same(one: &GrantStatement, other: &GrantStatement) -> bool {
    (one.reader, one.card, one.terms, one.because) == (other.reader, other.card, other.terms, other.because)
}
