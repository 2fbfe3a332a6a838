//! Verifying a chart: nothing unverified is shown, and nothing is missing unseen.
//!
//! The owner's signature makes the epochs, the grant and the writers' rights; each write's signature takes the list from
//! one head to the next; each epoch ends where the next begins; the list makes the head; the head contains what this
//! session has seen before.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;

use crate::{
    consent::{GrantStatement, Rights},
    crypto::{OpeningKey, VerifyingKey},
    custodian::{EpochEntry, Run, Salt, SealedChart, Writer},
    error::{Error, Tampering},
    event::{Event, Moment, Principal, SignedEvent, Step, Verb},
    folder::{BackLinks, Clearance, Commitments, Epoch, EpochOf, FolderKey, FolderKind, owned_folder},
    id::{Digest, FolderId, PartyId, VaultId},
    merkle::{Frontier, Head},
    party::{Card, CaseKey, Role},
    record::{Counts, FolderSalt, Leaf, ListItem},
    session::{Author, memory::Seen, pen::Ring},
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
    /// The grant that was asked for; none by the owner.
    pub(super) granted: Option<Digest>,
    /// How far the folder was seen before.
    pub(super) seen: Option<Seen>,
    pub(super) salts: &'a [Salt],
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
    /// The digest of the event that began the folder, by its first epoch.
    pub(super) begun: Option<Digest>,
}

/// A record of the list, with who wrote it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) leaf: Leaf,
    /// Where it stands in the list.
    pub(super) position: u64,
    pub(super) author: Author,
    /// When, unless that is not for the reader to know.
    pub(super) at: Option<Timestamp>,
    /// Its sealed bytes, if they came with the chart.
    pub(super) sealed: Option<ByteVec>,
}

/// The signers a chart may have.
struct Signers<'a> {
    expected: &'a Expected<'a>,
    owner: Principal,
    key: VerifyingKey,
    writers: &'a [Writer],
}

/// One epoch, as its owner signed it.
struct EpochFacts {
    commitments: Commitments,
    /// Where the list stood when it began.
    before: Head,
    subject: Option<Digest>,
}

pub(super) fn verify(chart: SealedChart, expected: &Expected<'_>) -> Result<Verified, Error> {
    let SealedChart { folder, kind, verifying, ref owner, .. } = chart;
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
        let owner = owner.as_ref().ok_or(Tampering::Chart)?;
        let party = owner.card.party();
        let is_its = owned_folder(expected.vault, party, kind, owner.nonce) == folder;
        if Some(party) != expected.owner || !is_its {
            return Err(Tampering::Card.into());
        }
        (Principal::Party(party), *owner.card.verifying_key())
    };
    let SealedChart { head, runs, sealed, epochs, grant, granted, writers, .. } = chart;
    let signers = Signers { expected, owner, key, writers: &writers };
    let facts = signers.epochs(&epochs)?;
    let epoch = Epoch::from_number(u32::try_from(facts.len()).or(Err(Tampering::Chart))?);
    if expected.seen.is_some_and(|seen| epoch < seen.epoch) {
        return Err(Tampering::Head.into());
    }
    let statement = grant.statement;
    signers.grant(&statement, &granted, epoch)?;
    let is_own = (statement.reader, statement.card) == (expected.card.party(), expected.card.digest());
    let is_asked = expected.granted.is_none_or(|asked| asked == statement.digest());
    let current = facts.last().filter(|_| is_own && is_asked).ok_or(Tampering::Grant)?;
    let key = grant.open(expected.opening, &current.commitments).or(Err(Tampering::Grant))?;
    let clearance = key.clearance();
    signers.writers()?;
    let keys = all_keys(key, &epochs, &facts)?;
    let (list, entries, hidden) = signers.list((runs, sealed), &facts, clearance)?;
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
        begun: facts.first().and_then(|first| first.subject),
    })
}

/// From the present epoch's key back to the first.
fn all_keys(
    key: FolderKey,
    epochs: &[EpochEntry],
    facts: &[EpochFacts],
) -> Result<BTreeMap<Epoch, FolderKey>, Error> {
    let mut keys = BTreeMap::new();
    let mut newest = key;
    for (index, entry) in epochs.iter().enumerate().rev() {
        let place = newest.place();
        let Some((previous, links)) = place.epoch.previous().zip(entry.back_links.as_ref()) else { break };
        let older = index.checked_sub(1).and_then(|index| facts.get(index)).ok_or(Tampering::Chart)?;
        let older = links
            .open(&newest, EpochOf { epoch: previous, ..place }, &older.commitments)
            .or(Err(Tampering::Chart))?;
        keys.insert(place.epoch, newest);
        newest = older;
    }
    keys.insert(newest.place().epoch, newest);
    Ok(keys)
}

impl Signers<'_> {
    /// What an event says that this key signed, and when, if that is not withheld: in a Case it never is.
    fn read(&self, signed: &SignedEvent, key: &VerifyingKey) -> Result<(Step, Option<Moment>), Error> {
        let step = signed.verify_step_again(key).map_err(|_forged| Tampering::Chart)?;
        let moment = signed.claimed_moment().map_err(|_garbled| Tampering::Chart)?;
        if self.is_here(&step) && (moment.is_some() || self.expected.kind != FolderKind::Case) {
            Ok((step, moment))
        } else {
            Err(Tampering::Chart.into())
        }
    }

    /// An event of the owner's in this folder.
    fn owners(&self, signed: &SignedEvent) -> Result<(Step, Option<Moment>), Error> {
        let (step, moment) = self.read(signed, &self.key)?;
        if step.actor == self.owner { Ok((step, moment)) } else { Err(Tampering::Chart.into()) }
    }

    fn is_here(&self, step: &Step) -> bool {
        let Expected { vault, folder, .. } = self.expected;
        step.format == Event::FORMAT
            && step.vault == *vault
            && step.folder == Some(*folder)
            && step.owner == self.owner
    }

    /// The epochs from the first, each made by the owner, each with its commitments and the way back.
    fn epochs(&self, epochs: &[EpochEntry]) -> Result<Vec<EpochFacts>, Error> {
        let mut epoch = Epoch::FIRST;
        let mut all = Vec::new();
        for EpochEntry { event, back_links } in epochs {
            let (step, _) = self.owners(event)?;
            let links = back_links.as_ref().map(BackLinks::digest);
            let fits = matches!(step.verb, Verb::Rotate | Verb::Revoke)
                && step.epoch == Some(epoch)
                && step.back_links == links
                && links.is_some() == (epoch > Epoch::FIRST);
            let (commitments, before) =
                step.commitments.zip(step.before).filter(|_| fits).ok_or(Tampering::Chart)?;
            all.push(EpochFacts { commitments, before, subject: step.subject });
            epoch = epoch.next();
        }
        Ok(all)
    }

    /// A grant, by the owner's event that names its statement.
    fn grant(&self, statement: &GrantStatement, granted: &SignedEvent, epoch: Epoch) -> Result<(), Error> {
        let (step, _) = self.owners(granted)?;
        let Expected { vault, folder, .. } = self.expected;
        let fits = matches!(step.verb, Verb::Assign | Verb::Grant | Verb::Revoke | Verb::Rotate)
            && step.epoch == Some(epoch)
            && statement.epoch == epoch
            && (statement.vault, statement.folder) == (*vault, *folder)
            && step.grants.contains(&statement.digest());
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

    /// Takes the list from nothing to its head, write by write, epoch by epoch.
    fn list(
        &self,
        (runs, sealed): (Vec<Run>, Vec<ByteVec>),
        epochs: &[EpochFacts],
        clearance: Clearance,
    ) -> Result<(Frontier, Vec<Listed>, u64), Error> {
        let writes = spread::map(&runs, SIGNATURES_WORTH_A_THREAD, |run| self.write(&run.event, &run.items));
        let items: Vec<&ListItem> = runs.iter().flat_map(|run| &run.items).collect();
        let mut hashes = spread::map(&items, HASHES_WORTH_A_THREAD, |item| item.hash()).into_iter();
        let mut walk = Walk::new(self.expected.seen.map(|seen| seen.head), epochs);
        let (mut entries, mut hidden) = (Vec::new(), 0u64);
        let mut sealed = sealed.into_iter();
        for (Run { event: _, items }, write) in runs.into_iter().zip(writes) {
            let (step, moment, author) = write?;
            walk.begin(&step)?;
            let leaves = items.iter().filter_map(|item| match item {
                ListItem::Shown(leaf) => Some(leaf),
                ListItem::Hidden(_) => None,
            });
            if step.counts.ok_or(Tampering::Chart)?.up_to(clearance) != Counts::of(leaves) {
                return Err(Tampering::List.into());
            }
            for (item, hash) in items.into_iter().zip(&mut hashes) {
                let position = walk.list.size();
                walk.append(hash)?;
                match item {
                    ListItem::Hidden(_) => hidden = hidden.saturating_add(1),
                    ListItem::Shown(leaf) => {
                        let is_its = leaf.author == step.op_id
                            && Some(leaf.epoch) == step.epoch
                            && leaf.clearance <= clearance;
                        if !is_its {
                            return Err(Tampering::List.into());
                        }
                        let at = moment.map(|moment| moment.at);
                        entries.push(Listed { leaf, position, author, at, sealed: sealed.next() });
                    }
                }
            }
            if step.after != Some(walk.list.head()) {
                return Err(Tampering::List.into());
            }
        }
        let list = walk.finish()?;
        if sealed.next().is_some() { Err(Tampering::List.into()) } else { Ok((list, entries, hidden)) }
    }

    /// One write, by the owner or by someone who had the right.
    fn write(
        &self,
        signed: &SignedEvent,
        items: &[ListItem],
    ) -> Result<(Step, Option<Moment>, Author), Error> {
        let claims = signed.claimed_step().map_err(|_garbled| Tampering::Chart)?;
        let (step, moment, author) = if claims.actor == self.owner {
            let (step, moment) = self.owners(signed)?;
            (step, moment, Author::Owner)
        } else {
            let moment = signed.claimed_moment().map_err(|_garbled| Tampering::Chart)?;
            let at = moment.ok_or(Tampering::Chart)?.at;
            let writer = self.writer(&claims, at, items).ok_or(Tampering::Chart)?;
            let (step, moment) = self.read(signed, writer.card.verifying_key())?;
            (step, moment, Author::Party(writer.card.party(), writer.card.role()))
        };
        let is_write = matches!(step.verb, Verb::Write | Verb::Amend);
        if is_write { Ok((step, moment, author)) } else { Err(Tampering::Chart.into()) }
    }

    /// Whose grant covered such a write: this writer, this epoch, then, up to what it wrote.
    fn writer(&self, claims: &Step, at: Timestamp, items: &[ListItem]) -> Option<&Writer> {
        self.writers.iter().find(|writer| {
            let terms = writer.statement.terms;
            claims.actor == Principal::Party(writer.card.party())
                && claims.epoch == Some(writer.statement.epoch)
                && terms.starts() <= at
                && at < terms.ends()
                && items.iter().all(|item| match item {
                    ListItem::Hidden(_) => terms.clearance() > Clearance::Normal,
                    ListItem::Shown(leaf) => leaf.clearance <= terms.clearance(),
                })
        })
    }
}

/// Walks a list to its end: past the head that was seen before, and from epoch to epoch where their beginnings say.
struct Walk<'e> {
    list: Frontier,
    seen: Option<Head>,
    epochs: &'e [EpochFacts],
    /// The epoch of the last write.
    epoch: Epoch,
}

impl<'e> Walk<'e> {
    fn new(seen: Option<Head>, epochs: &'e [EpochFacts]) -> Self {
        let seen = seen.filter(|seen| seen.size > 0);
        Self { list: Frontier::new(), seen, epochs, epoch: Epoch::from_number(0) }
    }

    /// A write follows on what was written, in the same epoch or a later one that began here.
    fn begin(&mut self, step: &Step) -> Result<(), Error> {
        let epoch = step.epoch.ok_or(Tampering::Chart)?;
        if step.before != Some(self.list.head()) {
            return Err(Tampering::List.into());
        }
        self.enter(epoch)
    }

    /// Goes on to an epoch: it, and all that lie between, began where the list stands.
    fn enter(&mut self, epoch: Epoch) -> Result<(), Error> {
        let here = self.list.head();
        while self.epoch < epoch {
            self.epoch = self.epoch.next();
            let index = usize::try_from(self.epoch.number()).ok().and_then(|number| number.checked_sub(1));
            let facts = index.and_then(|index| self.epochs.get(index)).ok_or(Tampering::Chart)?;
            if facts.before != here {
                return Err(Tampering::List.into());
            }
        }
        if self.epoch == epoch { Ok(()) } else { Err(Tampering::List.into()) }
    }

    fn append(&mut self, leaf: Digest) -> Result<(), Error> {
        self.list.append(leaf);
        if let Some(seen) = self.seen.filter(|seen| seen.size == self.list.size()) {
            if seen != self.list.head() {
                return Err(Tampering::Head.into());
            }
            self.seen = None;
        }
        Ok(())
    }

    /// The list, if it has come past what was seen, and all epochs have begun.
    fn finish(mut self) -> Result<Frontier, Error> {
        let last = u32::try_from(self.epochs.len()).or(Err(Tampering::Chart))?;
        self.enter(Epoch::from_number(last))?;
        if self.seen.is_none() { Ok(self.list) } else { Err(Tampering::Head.into()) }
    }
}

/// Whether an event by which an owner began a Case is the one its first epoch names, and ties it to this card.
///
/// All its readers know a Case's public key, and may sign that they began it: the Case itself must name the event.
pub(super) fn ties(
    signed: &SignedEvent,
    card: &Card,
    (vault, case): (VaultId, FolderId),
    begun: Option<Digest>,
) -> bool {
    let Ok(step) = signed.verify_step(card.verifying_key()) else { return false };
    let me = Principal::Party(card.party());
    let key = step.opening.and_then(|opening| opening.verifying);
    begun == Some(signed.digest())
        && step.verb == Verb::OpenFolder
        && step.vault == vault
        && (step.actor, step.owner) == (me, me)
        && step.folder == Some(case)
        && key.is_some_and(|key| CaseKey::folder_of(vault, &key) == case)
}

/// A doctor's word counts as a doctor's only under a doctor's card.
pub(super) fn is_doctor(card: &Card) -> bool {
    matches!(card.role(), Role::Doctor)
}
