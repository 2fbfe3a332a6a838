//! Verifying a chart: nothing unverified is shown, and nothing is missing unseen.
//!
//! The owner's signature makes the epochs, the grant and the writers' rights; each write's signature takes the list from
//! one head to the next; the list makes the head; the head contains what this session has seen before.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;

use crate::{
    consent::{GrantStatement, Rights},
    crypto::{OpeningKey, Signed, VerifyingKey},
    custodian::{EpochEntry, Run, Salt, SealedChart, Writer},
    error::{Error, Tampering},
    event::{Event, Principal, Verb},
    folder::{Clearance, Commitments, Epoch, EpochOf, FolderKey, FolderKind},
    id::{Digest, FolderId, PartyId, VaultId},
    merkle::{Frontier, Head},
    party::{Card, CaseKey, Role},
    record::{Counts, FolderSalt, Leaf, ListItem},
    session::{Author, pen::Ring, proven::Proven},
    spread,
    time::Timestamp,
};

/// How many of each are worth a thread: some two hundred microseconds of work.
const SIGNATURES_WORTH_A_THREAD: usize = 4;
const HASHES_WORTH_A_THREAD: usize = 400;

/// What a session knows before it looks at a chart.
pub(super) struct Expected<'a> {
    pub(super) vault: VaultId,
    pub(super) folder: FolderId,
    pub(super) kind: FolderKind,
    /// The reader's card and opening key.
    pub(super) card: &'a Card,
    pub(super) opening: &'a OpeningKey,
    /// Whose folder it is, if it is not a Case.
    pub(super) owner: Option<PartyId>,
    /// The newest head seen before.
    pub(super) seen: Option<Head>,
    pub(super) salts: &'a [Salt],
    pub(super) proven: &'a Proven,
}

/// A chart that was verified.
pub(super) struct Verified {
    pub(super) ring: Ring,
    pub(super) epoch: Epoch,
    pub(super) clearance: Clearance,
    pub(super) list: Frontier,
    pub(super) entries: Vec<Listed>,
    pub(super) hidden: u64,
    pub(super) statement: GrantStatement,
}

/// A record of the list, with who wrote it and its sealed bytes.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) leaf: Leaf,
    pub(super) author: Author,
    pub(super) at: Timestamp,
    pub(super) sealed: ByteVec,
}

/// The signers a chart may have.
struct Signers<'a> {
    expected: &'a Expected<'a>,
    owner: Principal,
    key: VerifyingKey,
    writers: &'a [Writer],
}

pub(super) fn verify(chart: SealedChart, expected: &Expected<'_>) -> Result<Verified, Error> {
    let SealedChart {
        folder,
        kind,
        verifying,
        owner,
        head,
        runs,
        sealed,
        epochs,
        grant,
        granted,
        writers,
        tie: _,
    } = chart;
    if folder != expected.folder || kind != expected.kind {
        return Err(Tampering::Answer.into());
    }
    let (owner, key) = if kind == FolderKind::Case {
        let key = verifying.ok_or(Tampering::Chart)?;
        if CaseKey::folder_of(expected.vault, &key) != folder {
            return Err(Tampering::Chart.into());
        }
        (Principal::Folder(folder), key)
    } else {
        let (card, _) = owner.ok_or(Tampering::Chart)?;
        if Some(card.party()) != expected.owner {
            return Err(Tampering::Card.into());
        }
        (Principal::Party(card.party()), *card.verifying_key())
    };
    let signers = Signers { expected, owner, key, writers: &writers };
    let commitments = signers.epochs(&epochs)?;
    let epoch = Epoch::from_number(u32::try_from(commitments.len()).or(Err(Tampering::Chart))?);
    let statement = grant.statement;
    signers.grant(&statement, &granted, epoch)?;
    let own = (statement.reader, statement.card) == (expected.card.party(), expected.card.digest());
    let current = commitments.last().filter(|_| own && statement.epoch == epoch).ok_or(Tampering::Grant)?;
    let key = grant.open(expected.opening, current).or(Err(Tampering::Grant))?;
    let clearance = key.clearance();
    signers.writers()?;
    let keys = all_keys(key, &epochs, &commitments)?;
    let (list, entries, hidden) = signers.list(runs, sealed, clearance)?;
    if list.head() != head {
        return Err(Tampering::List.into());
    }
    let of = |salt: &&Salt| salt.folder == folder;
    let salts = expected.salts.iter().filter(of).map(|salt| (salt.epoch, FolderSalt::from_bytes(salt.salt)));
    Ok(Verified {
        ring: Ring { keys, salts: salts.collect() },
        epoch,
        clearance,
        list,
        entries,
        hidden,
        statement,
    })
}

/// From the present epoch's key back to the first.
fn all_keys(
    key: FolderKey,
    epochs: &[EpochEntry],
    commitments: &[Commitments],
) -> Result<BTreeMap<Epoch, FolderKey>, Error> {
    let mut keys = BTreeMap::new();
    let mut newest = key;
    for (index, entry) in epochs.iter().enumerate().rev() {
        let place = newest.place();
        let Some((previous, links)) = place.epoch.previous().zip(entry.back_links.as_ref()) else { break };
        let commitments =
            index.checked_sub(1).and_then(|index| commitments.get(index)).ok_or(Tampering::Chart)?;
        let older = links
            .open(&newest, EpochOf { epoch: previous, ..place }, commitments)
            .or(Err(Tampering::Chart))?;
        keys.insert(place.epoch, newest);
        newest = older;
    }
    keys.insert(newest.place().epoch, newest);
    Ok(keys)
}

impl Signers<'_> {
    /// An event of the owner's in this folder.
    fn owners(&self, signed: &Signed<Event>) -> Result<Event, Error> {
        let event = self.expected.proven.verify(signed, &self.key).map_err(|_forged| Tampering::Chart)?;
        if self.is_here(&event) && event.actor == self.owner {
            Ok(event)
        } else {
            Err(Tampering::Chart.into())
        }
    }

    fn is_here(&self, event: &Event) -> bool {
        let Expected { vault, folder, .. } = self.expected;
        event.format == Event::FORMAT
            && event.vault == *vault
            && event.folder == Some(*folder)
            && event.owner == self.owner
    }

    /// The epochs from the first, each made by the owner, each with its commitments and the way back.
    fn epochs(&self, epochs: &[EpochEntry]) -> Result<Vec<Commitments>, Error> {
        let mut epoch = Epoch::FIRST;
        let mut all = Vec::new();
        for EpochEntry { event, back_links } in epochs {
            let event = self.owners(event)?;
            let links = back_links.as_ref().map(crate::folder::BackLinks::digest);
            let fits = matches!(event.verb, Verb::Rotate | Verb::Revoke)
                && event.epoch == Some(epoch)
                && event.back_links == links
                && links.is_some() == (epoch > Epoch::FIRST);
            all.push(event.commitments.filter(|_| fits).ok_or(Tampering::Chart)?);
            epoch = epoch.next();
        }
        Ok(all)
    }

    /// A grant, by the owner's event that names its statement.
    fn grant(&self, statement: &GrantStatement, granted: &Signed<Event>, epoch: Epoch) -> Result<(), Error> {
        let event = self.owners(granted)?;
        let Expected { vault, folder, .. } = self.expected;
        let fits = matches!(event.verb, Verb::Assign | Verb::Grant | Verb::Revoke | Verb::Rotate)
            && event.epoch == Some(epoch)
            && statement.epoch == epoch
            && (statement.vault, statement.folder) == (*vault, *folder)
            && event.grants.contains(&statement.digest());
        if fits { Ok(()) } else { Err(Tampering::Grant.into()) }
    }

    /// The proofs of those who wrote without being the owner.
    fn writers(&self) -> Result<(), Error> {
        for Writer { card, statement, granted } in self.writers {
            self.grant(statement, granted, statement.epoch)?;
            let fits = (statement.reader, statement.card) == (card.party(), card.digest())
                && statement.terms.rights() == Rights::ReadWrite;
            if !fits {
                return Err(Tampering::Chart.into());
            }
        }
        Ok(())
    }

    /// Takes the list from nothing to its head, write by write.
    fn list(
        &self,
        runs: Vec<Run>,
        sealed: Vec<ByteVec>,
        clearance: Clearance,
    ) -> Result<(Frontier, Vec<Listed>, u64), Error> {
        let mut list = Frontier::new();
        let mut watch = Watch::new(self.expected.seen);
        let (mut entries, mut hidden) = (Vec::new(), 0u64);
        let mut sealed = sealed.into_iter();
        let writes = spread::map(&runs, SIGNATURES_WORTH_A_THREAD, |run| self.write(&run.event, &run.items));
        let items: Vec<&ListItem> = runs.iter().flat_map(|run| &run.items).collect();
        let mut hashes = spread::map(&items, HASHES_WORTH_A_THREAD, |item| item.hash()).into_iter();
        watch.pass(&list)?;
        for (Run { event: _, items }, write) in runs.into_iter().zip(writes) {
            let (event, author) = write?;
            let shown = items
                .iter()
                .filter_map(|item| if let ListItem::Shown(leaf) = item { Some(leaf) } else { None });
            let counts = event.counts.ok_or(Tampering::Chart)?.up_to(clearance);
            if event.before != Some(list.head()) || counts != Counts::of(shown) {
                return Err(Tampering::List.into());
            }
            for (item, hash) in items.into_iter().zip(&mut hashes) {
                list.append(hash);
                watch.pass(&list)?;
                match item {
                    ListItem::Hidden(_) => hidden = hidden.saturating_add(1),
                    ListItem::Shown(leaf) => {
                        let is_its = leaf.author == event.op_id && Some(leaf.epoch) == event.epoch;
                        let sealed = sealed.next().filter(|_| is_its && leaf.clearance <= clearance);
                        let sealed = sealed.ok_or(Tampering::List)?;
                        entries.push(Listed { leaf, author, at: event.at, sealed });
                    }
                }
            }
            if event.after != Some(list.head()) {
                return Err(Tampering::List.into());
            }
        }
        watch.finish()?;
        if sealed.next().is_some() { Err(Tampering::List.into()) } else { Ok((list, entries, hidden)) }
    }

    /// One write, by the owner or by someone who had the right.
    fn write(&self, signed: &Signed<Event>, items: &[ListItem]) -> Result<(Event, Author), Error> {
        let claims = signed.claims().map_err(|_garbled| Tampering::Chart)?;
        let (event, author) = if claims.actor == self.owner {
            (self.owners(signed)?, Author::Owner)
        } else {
            let writer = self.writer(&claims, items).ok_or(Tampering::Chart)?;
            let key = writer.card.verifying_key();
            let event = self.expected.proven.verify(signed, key).map_err(|_forged| Tampering::Chart)?;
            (event, Author::Party(writer.card.party(), writer.card.role()))
        };
        let is_write = matches!(event.verb, Verb::Write | Verb::Amend);
        if is_write && self.is_here(&event) { Ok((event, author)) } else { Err(Tampering::Chart.into()) }
    }

    /// Whose grant covered such a write: this writer, this epoch, then, up to what it wrote.
    fn writer(&self, claims: &Event, items: &[ListItem]) -> Option<&Writer> {
        self.writers.iter().find(|writer| {
            let terms = writer.statement.terms;
            claims.actor == Principal::Party(writer.card.party())
                && claims.epoch == Some(writer.statement.epoch)
                && terms.starts() <= claims.at
                && claims.at < terms.ends()
                && items.iter().all(|item| match item {
                    ListItem::Hidden(_) => terms.clearance() > Clearance::Normal,
                    ListItem::Shown(leaf) => leaf.clearance <= terms.clearance(),
                })
        })
    }
}

/// Watches a list grow past the head that was seen before.
struct Watch {
    seen: Option<Head>,
}

impl Watch {
    const fn new(seen: Option<Head>) -> Self {
        Self { seen }
    }

    fn pass(&mut self, list: &Frontier) -> Result<(), Error> {
        match self.seen {
            Some(seen) if seen.size == list.size() => {
                if seen != list.head() {
                    return Err(Tampering::Head.into());
                }
                self.seen = None;
            }
            Some(_) | None => (),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        if self.seen.is_none() { Ok(()) } else { Err(Tampering::Head.into()) }
    }
}

/// Whether an event by which an owner began a Case ties it to the card that signed it.
pub(super) fn ties(signed: &Signed<Event>, card: &Card, vault: VaultId, case: FolderId) -> bool {
    let Ok(event) = signed.verify(card.verifying_key()) else { return false };
    let key = event.opening.and_then(|opening| opening.verifying);
    event.verb == Verb::OpenFolder
        && event.vault == vault
        && event.actor == Principal::Party(card.party())
        && event.folder == Some(case)
        && key.is_some_and(|key| CaseKey::folder_of(vault, &key) == case)
}

/// A doctor's word counts as a doctor's only under a doctor's card.
pub(super) const fn is_doctor(card: &Card) -> bool {
    matches!(card.role(), Role::Doctor)
}

/// The digests of grants an event of the owner's brings, with the epoch they are of.
pub(super) fn grants_of(event: &Event) -> Option<(FolderId, Epoch, &[Digest], bool)> {
    let starts = matches!(event.verb, Verb::Rotate | Verb::Revoke);
    let adds = matches!(event.verb, Verb::Grant | Verb::Assign);
    if !starts && !adds {
        return None;
    }
    Some((event.folder?, event.epoch?, &event.grants, starts))
}
