//! Questions: signed by who asks, answered as far as the asker may know.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use crate::{
    access::{Act, Capacity, Denial, Facts, decide},
    credential::Standing,
    crypto::Signed,
    custodian::{Answer, MyFolder, Query, Question, StreamPage},
    event::{Principal, StreamHead, Streamed},
    folder::{Clearance, Epoch, FolderKind},
    id::{FolderId, PartyId},
    limits::STREAM_PAGE_MAX,
    party::{Card, Role},
    record::{Leaf, SealedRecord},
    store::Place,
    time::Timestamp,
    vault::{
        Vault,
        directory::looking,
        fault::Fault,
        rows::{ConsentRow, FolderRow, HeadRow, MineRow, RunRow},
        rules::Rules,
        standing::{Repute, Stance, folder_facts},
        tables::{Table, key},
        write::RUN_LEAVES,
    },
};

/// Who asks, and when.
pub(super) struct Asker {
    pub(super) card: Card,
    rules: Arc<Rules>,
    now: Timestamp,
    claimed: Timestamp,
}

impl Vault {
    pub(super) fn ask(&self, query: &Signed<Query>) -> Result<Answer, Fault> {
        let claims = query.claims()?;
        let unknown = || Fault::Denied(Denial::Unknown, Some(claims.asker), None);
        let card = self.party(claims.asker)?.ok_or_else(unknown)?.card;
        let Query { vault, asker: _, question, at, nonce: _ } =
            query.verify(card.verifying_key()).map_err(|_unsigned| unknown())?;
        if vault != self.id {
            return Err(Fault::Malformed);
        }
        let asker = Asker { card, rules: self.rules(), now: self.clock.now(), claimed: at };
        // Everyone answers for the time of the question; the act is refined below.
        self.may(&asker, (Act::Audit, Capacity::Owner), Standing::Good)?;
        match question {
            Question::Application(party) => {
                self.for_office(&asker)?;
                self.application(&asker, party)
            }
            Question::BeginExport(since) => self.begin_export(&asker, since),
            Question::Card(party) => self.card_of(&asker, party),
            Question::Chunks(folder, position) => self.chunks_of(&asker, folder, position),
            Question::Consents(folder, since) => self.consents(&asker, folder, since),
            Question::Directory(search) => {
                let repute = self.repute(&asker.rules, &asker.card, asker.now)?;
                self.may(&asker, looking(repute.is_attested), repute.standing)?;
                self.search((&asker.rules, asker.now), &search)
            }
            Question::Dossiers(party) => {
                self.for_office(&asker)?;
                self.dossiers(party)
            }
            Question::Export(log, file, from) => self.part_of_export((&asker, log), file, from),
            Question::InLog(owner) => {
                self.may_audit(&asker, owner)?;
                self.in_log(Principal::Party(owner))
            }
            Question::Listing(party) => {
                let repute = self.repute(&asker.rules, &asker.card, asker.now)?;
                if asker.card.party() != party {
                    self.may(&asker, looking(repute.is_attested), repute.standing)?;
                }
                Ok(Answer::Listing(self.listing_row(party)?.map(|row| row.listing)))
            }
            Question::MyFolders => self.my_folders(&asker),
            Question::Person(tag) => {
                self.for_office(&asker)?;
                self.person(&tag)
            }
            Question::Pool(cursor) => self.for_curator(&asker, |now| self.pool_page(now, &cursor)),
            Question::Proposals => {
                self.for_office(&asker)?;
                self.proposals()
            }
            Question::Queue(errand, after, limit) => {
                self.for_office(&asker)?;
                self.queue(errand, after, limit)
            }
            Question::Records(folder, from) => self.records_of(&asker, folder, from),
            Question::Releases(since) => self.for_curator(&asker, |_| self.releases(since)),
            Question::Rulings(party) => self.rulings(&asker, party),
            Question::Shared => self.shared_by(asker.card.party()),
            Question::Stream(owner, from) => {
                self.may_audit(&asker, owner)?;
                self.page(Principal::Party(owner), from)
            }
            Question::VaultStream(from) => {
                let is_registrar = asker.rules.trust.is_registrar(&asker.card);
                let (capacity, standing) =
                    if is_registrar { (Capacity::Auditor, Standing::Good) } else { self.auditing(&asker)? };
                self.may(&asker, (Act::Audit, capacity), standing)?;
                self.page(Principal::Vault(self.id), from)
            }
        }
    }

    fn may(&self, asker: &Asker, (act, capacity): (Act, Capacity), standing: Standing) -> Result<(), Fault> {
        let facts = Facts { now: asker.now, claimed: asker.claimed, capacity, folder: None, standing };
        match decide(&asker.rules.policy, act, &facts) {
            Ok(_permit) => Ok(()),
            Err(denial) => Err(Fault::Denied(denial, Some(asker.card.party()), None)),
        }
    }

    /// Whether the asker may read an owner's stream: its own, or as an auditor.
    fn may_audit(&self, asker: &Asker, owner: PartyId) -> Result<(), Fault> {
        let is_own = owner == asker.card.party();
        let (capacity, standing) =
            if is_own { (Capacity::Owner, Standing::Good) } else { self.auditing(asker)? };
        self.may(asker, (Act::Audit, capacity), standing)
    }

    /// Whether the asker may read all streams: as an auditor, and no other way.
    pub(super) fn may_export(&self, asker: &Asker) -> Result<(), Fault> {
        let (capacity, standing) = self.auditing(asker)?;
        self.may(asker, (Act::Audit, capacity), standing)
    }

    /// What only registrars may ask is not there for others.
    fn for_office(&self, asker: &Asker) -> Result<(), Fault> {
        let denied = |denial| Fault::Denied(denial, Some(asker.card.party()), None);
        self.is_office(&asker.card).map_err(denied)
    }

    fn auditing(&self, asker: &Asker) -> Result<(Capacity, Standing), Fault> {
        self.auditor(&asker.rules, &asker.card, asker.now)
    }

    /// What only the curator may ask is not there for others.
    fn for_curator(
        &self,
        asker: &Asker,
        answer: impl FnOnce(Timestamp) -> Result<Answer, Fault>,
    ) -> Result<Answer, Fault> {
        let Repute { is_attested, standing } = self.repute(&asker.rules, &asker.card, asker.now)?;
        let is_curator = self.is_curator(&asker.card);
        let capacity = if is_curator { Capacity::Curator } else { Capacity::Stranger };
        self.may(asker, (Act::Gather { is_attested }, capacity), standing)?;
        answer(asker.now)
    }

    /// Whether a card is an auditor's who is attested now, and how its party stands.
    pub(super) fn auditor(
        &self,
        rules: &Rules,
        card: &Card,
        now: Timestamp,
    ) -> Result<(Capacity, Standing), Fault> {
        let repute = self.repute(rules, card, now)?;
        let is_auditor = card.role() == Role::Auditor && repute.is_attested;
        Ok((if is_auditor { Capacity::Auditor } else { Capacity::Stranger }, repute.standing))
    }

    pub(super) fn is_supervisor(&self, asker: &Asker) -> Result<bool, Fault> {
        Ok(asker.rules.trust.is_registrar(&asker.card)
            || matches!(self.auditing(asker)?, (Capacity::Auditor, standing) if standing < Standing::Barred))
    }

    /// A doctor's or registrar's card is for all parties; a patient's is its own, the registrars' and the auditors'.
    fn card_of(&self, asker: &Asker, party: PartyId) -> Result<Answer, Fault> {
        let row = self.party(party)?;
        let is_supervisor = self.is_supervisor(asker)?;
        let is_open = |role| matches!(role, Role::Doctor | Role::Registrar);
        let may = |card: &Card| is_open(card.role()) || asker.card.party() == party || is_supervisor;
        let row = row.filter(|row| may(&row.card)).ok_or(Denial::Absent)?;
        Ok(Answer::Card(row.card, row.attestations))
    }

    /// The folders a reader was ever granted, with where they lie.
    pub(super) fn granted_to(&self, reader: PartyId) -> Result<Vec<(MineRow, FolderRow)>, Fault> {
        let mut rows: Vec<MineRow> =
            self.shelves.scan(self.shelves.keys.place(Principal::Party(reader)), Table::Mine, &[])?;
        for waiting in self.waiting(reader) {
            if !rows.contains(&waiting) {
                rows.push(waiting);
            }
        }
        let mut folders = Vec::new();
        for mine in rows {
            let place = self.shelves.keys.place(Principal::Party(mine.owner));
            let row = self.folder_row(mine.folder);
            let folder: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&row])?;
            folders.extend(folder.map(|folder| (mine, folder)));
        }
        Ok(folders)
    }

    fn my_folders(&self, asker: &Asker) -> Result<Answer, Fault> {
        let reader = asker.card.party();
        let mut folders = Vec::new();
        for (mine, folder) in self.granted_to(reader)? {
            let owner = (mine.kind != FolderKind::Case).then_some(mine.owner);
            let place = self.shelves.keys.place(Principal::Party(mine.owner));
            for row in self.grants_at(place, &folder, reader)? {
                let facts = folder_facts(&asker.rules, &folder, asker.now);
                let (statement, is_closed) = (row.grant.statement, facts.is_closed || facts.is_lapsed);
                folders.push(MyFolder { statement, kind: mine.kind, owner, is_closed });
            }
        }
        Ok(Answer::MyFolders(folders))
    }

    fn consents(&self, asker: &Asker, folder: FolderId, since: Epoch) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Party(asker.card.party()));
        let row = self.folder_row(folder);
        let own: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&row])?;
        own.ok_or(Denial::Absent)?;
        let grants = self.shelves.scan_between::<ConsentRow>(
            (place, Table::Consent),
            &[row.as_slice(), &since.number().to_be_bytes()].concat(),
            &[row.as_slice(), &u32::MAX.to_be_bytes(), &[u8::MAX; 17]].concat(),
        )?;
        Ok(Answer::Consents(grants.into_iter().map(|(_, row)| row.statement).collect()))
    }

    /// Sealed records from a position on, for who may open the folder now, up to his clearance.
    fn records_of(&self, asker: &Asker, folder: FolderId, from: u64) -> Result<Answer, Fault> {
        let (place, clearance) = self.may_read(asker, folder)?;
        let last = from.saturating_add(RUN_LEAVES);
        let leaves = self.leaves(place, folder, from..last)?;
        let shown = leaves.into_iter().map(|(_, leaf)| leaf).filter(|leaf| leaf.clearance <= clearance);
        Ok(Answer::Records(self.sealed(place, folder, &shown.collect::<Vec<_>>())?))
    }

    /// The sealed chunks of a record, likewise.
    fn chunks_of(&self, asker: &Asker, folder: FolderId, position: u64) -> Result<Answer, Fault> {
        let denied = || Fault::Denied(Denial::Absent, Some(asker.card.party()), Some(folder));
        let (place, clearance) = self.may_read(asker, folder)?;
        let leaves = self.leaves(place, folder, position..position.saturating_add(1))?;
        let (_, leaf) = leaves.into_iter().next().ok_or_else(denied)?;
        if leaf.clearance > clearance {
            return Err(denied());
        }
        let row = self.record_row(folder, &leaf);
        let sealed = self.shelves.store.get(&key(place, Table::Record, &[&row])?)?.ok_or(Fault::Damaged)?;
        let sealed = SealedRecord::from_bytes(&sealed).map_err(|_damaged| Fault::Damaged)?;
        Ok(Answer::Chunks(self.chunks(place, row, sealed.chunk_count())?))
    }

    /// Whether the asker may open the folder now, and how far: by the same decision as an opening. The event of the opening
    /// is on record already; its salts went out with it, and without them what is sealed is nothing.
    fn may_read(&self, asker: &Asker, folder: FolderId) -> Result<(Place, Clearance), Fault> {
        let party = asker.card.party();
        let denied = |denial| Fault::Denied(denial, Some(party), Some(folder));
        let row = self.folder_row(folder);
        let own = self.shelves.keys.place(Principal::Party(party));
        let (place, found, stance) = match self.shelves.read::<FolderRow>(own, Table::Folder, &[&row])? {
            Some(found) => (own, Some(found), Stance::of(Capacity::Owner, Standing::Good)),
            None => {
                let mine = self.mine(party, folder)?.ok_or_else(|| denied(Denial::Absent))?;
                let place = self.shelves.keys.place(Principal::Party(mine.owner));
                let found: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&row])?;
                let stance = match &found {
                    Some(found) => {
                        let rules = (asker.rules.as_ref(), asker.now);
                        self.reader(rules, (place, found), &asker.card, None)?
                    }
                    None => Stance::of(Capacity::Stranger, Standing::Good),
                };
                (place, found, stance)
            }
        };
        let folder = found.map(|found| folder_facts(&asker.rules, &found, asker.now));
        let Stance { capacity, standing, .. } = stance;
        let facts = Facts { now: asker.now, claimed: asker.claimed, capacity, folder, standing };
        match decide(&asker.rules.policy, Act::Open, &facts) {
            Ok(permit) => Ok((place, permit.clearance())),
            Err(denial) => Err(denied(denial)),
        }
    }

    /// The leaves of a folder's list at these positions, with their positions.
    fn leaves(
        &self,
        place: Place,
        folder: FolderId,
        positions: Range<u64>,
    ) -> Result<Vec<(u64, Leaf)>, Fault> {
        let row = self.folder_row(folder);
        // A row of the list holds so many leaves at the most: the one that holds the first position begins no earlier.
        let from = positions.start.saturating_sub(RUN_LEAVES - 1);
        let rows = self.shelves.scan_between::<RunRow>(
            (place, Table::Run),
            &[row.as_slice(), &from.to_be_bytes()].concat(),
            &[row.as_slice(), &positions.end.to_be_bytes()].concat(),
        )?;
        let mut leaves = Vec::new();
        for (id, run) in rows {
            let start = id.last_chunk::<8>().map(|start| u64::from_be_bytes(*start)).ok_or(Fault::Damaged)?;
            leaves.extend((start..).zip(run.leaves).filter(|(position, _)| positions.contains(position)));
        }
        Ok(leaves)
    }

    fn page(&self, owner: Principal, from: u64) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(owner);
        let _turn = self.turn(owner);
        let head: Option<HeadRow> = self.shelves.read(place, Table::Head, &[])?;
        let head = head.ok_or(Denial::Absent)?.frontier.head();
        let last = from.saturating_add(u64::try_from(STREAM_PAGE_MAX).unwrap_or(u64::MAX)).min(head.size);
        let mut events = Vec::new();
        let mut actors = BTreeSet::new();
        for seq in from..last {
            let streamed: Option<Streamed> = self.shelves.read(place, Table::Event, &[&seq.to_be_bytes()])?;
            let streamed = streamed.ok_or(Fault::Damaged)?;
            if let Principal::Party(party) = streamed.event.claims().map_err(|_damaged| Fault::Damaged)?.actor
            {
                actors.insert(party);
            }
            events.push(streamed);
        }
        let mut cards = Vec::new();
        for party in actors {
            cards.extend(self.party(party)?.map(|row| row.card));
        }
        let head = self.sign(&StreamHead { vault: self.id, owner, head, at: self.clock.now() });
        Ok(Answer::Stream(StreamPage { head, first: from, events, cards }))
    }
}
