//! Questions: signed by who asks, answered as far as the asker may know.

use std::collections::BTreeSet;

use crate::{
    access::{Act, Capacity, Denial, Facts, decide},
    crypto::Signed,
    custodian::{Answer, MyFolder, OwnFolder, Query, Question, StreamPage},
    event::{Principal, StreamHead, Streamed},
    folder::FolderKind,
    id::{FolderId, PartyId, RecordId},
    limits::STREAM_PAGE_MAX,
    party::{Card, Role},
    record::SealedRecord,
    time::Timestamp,
    vault::{
        Vault,
        fault::Fault,
        tables::{ConsentRow, FolderRow, GrantRow, HeadRow, MineRow, RunRow, Table, key},
    },
};

/// Who asks, and when.
struct Asker {
    card: Card,
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
        if vault != self.trust.vault {
            return Err(Fault::Malformed);
        }
        let asker = Asker { card, now: self.clock.now(), claimed: at };
        // Everyone answers for the time of the question; the act is refined below.
        self.may(&asker, Act::Audit, Capacity::Owner)?;
        match question {
            Question::Card(party) => self.card_of(&asker, party),
            Question::Chunks(folder, record, version) => self.chunks_of(&asker, folder, (record, version)),
            Question::OwnFolders => self.own_folders(&asker),
            Question::MyFolders => self.my_folders(&asker),
            Question::Readers(folder) => self.readers(&asker, folder),
            Question::Stream(owner, from) => {
                let capacity =
                    if owner == asker.card.party() { Capacity::Owner } else { self.auditor(&asker)? };
                self.may(&asker, Act::Audit, capacity)?;
                self.page(Principal::Party(owner), from)
            }
            Question::VaultStream(from) => {
                let is_registrar = self.policy.registrars.contains(&asker.card);
                let capacity = if is_registrar { Capacity::Auditor } else { self.auditor(&asker)? };
                self.may(&asker, Act::Audit, capacity)?;
                self.page(Principal::Vault(self.trust.vault), from)
            }
        }
    }

    fn may(&self, asker: &Asker, act: Act, capacity: Capacity) -> Result<(), Fault> {
        let facts = Facts { now: asker.now, claimed: asker.claimed, capacity, folder: None };
        match decide(&self.policy, act, &facts) {
            Ok(_permit) => Ok(()),
            Err(denial) => Err(Fault::Denied(denial, Some(asker.card.party()), None)),
        }
    }

    fn auditor(&self, asker: &Asker) -> Result<Capacity, Fault> {
        let is_auditor = asker.card.role() == Role::Auditor && self.is_vouched(&asker.card, asker.now)?;
        Ok(if is_auditor { Capacity::Auditor } else { Capacity::Stranger })
    }

    /// A doctor's or registrar's card is for all parties; a patient's is its own, the registrars' and the auditors'.
    fn card_of(&self, asker: &Asker, party: PartyId) -> Result<Answer, Fault> {
        let row = self.party(party)?;
        let is_open = |role| matches!(role, Role::Doctor | Role::Registrar);
        let may = |card: &Card| {
            is_open(card.role())
                || asker.card.party() == party
                || matches!(asker.card.role(), Role::Auditor | Role::Registrar)
        };
        let row = row.filter(|row| may(&row.card)).ok_or(Denial::Absent)?;
        Ok(Answer::Card(row.card, row.attestations))
    }

    fn own_folders(&self, asker: &Asker) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Party(asker.card.party()));
        let rows: Vec<FolderRow> = self.shelves.scan(place, Table::Folder, &[])?;
        let folders = rows.into_iter().filter_map(|row| {
            let FolderRow {
                folder,
                kind,
                verifying: _,
                nonce,
                epoch,
                commitments,
                list,
                is_closed,
                opened: _,
            } = row;
            Some(OwnFolder {
                folder,
                kind,
                nonce,
                epoch,
                commitments: commitments?,
                head: list.head(),
                is_closed,
            })
        });
        Ok(Answer::OwnFolders(folders.collect()))
    }

    fn my_folders(&self, asker: &Asker) -> Result<Answer, Fault> {
        let reader = asker.card.party();
        let mut rows: Vec<MineRow> =
            self.shelves.scan(self.shelves.keys.place(Principal::Party(reader)), Table::Mine, &[])?;
        for waiting in self.waiting(reader) {
            if !rows.contains(&waiting) {
                rows.push(waiting);
            }
        }
        let mut folders = Vec::new();
        for mine in rows {
            for row in self.present_grants(&mine, reader)? {
                let owner = (mine.kind != FolderKind::Case).then_some(mine.owner);
                folders.push(MyFolder { statement: row.grant.statement, kind: mine.kind, owner });
            }
        }
        Ok(Answer::MyFolders(folders))
    }

    /// A reader's grants of a folder's present epoch.
    fn present_grants(&self, mine: &MineRow, reader: PartyId) -> Result<Vec<GrantRow>, Fault> {
        let place = self.shelves.keys.place(Principal::Party(mine.owner));
        let folder: Option<FolderRow> =
            self.shelves.read(place, Table::Folder, &[&self.folder_row(mine.folder)])?;
        let Some(folder) = folder else { return Ok(Vec::new()) };
        let blind = self.shelves.keys.blind(Table::Grant, &[&mine.folder, &reader]);
        let prefix =
            [self.folder_row(mine.folder).as_slice(), &folder.epoch.number().to_be_bytes(), &blind].concat();
        self.shelves.scan(place, Table::Grant, &prefix)
    }

    fn readers(&self, asker: &Asker, folder: FolderId) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Party(asker.card.party()));
        let row: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&self.folder_row(folder)])?;
        let row = row.ok_or(Denial::Absent)?;
        let prefix = [self.folder_row(folder).as_slice(), &row.epoch.number().to_be_bytes()].concat();
        let grants: Vec<ConsentRow> = self.shelves.scan(place, Table::Consent, &prefix)?;
        Ok(Answer::Readers(grants.into_iter().map(|row| row.statement).collect()))
    }

    /// Sealed chunks, for who may open the folder now. The event of the opening is on record already; its salts went
    /// out with it, and without them chunks are nothing.
    fn chunks_of(
        &self,
        asker: &Asker,
        folder: FolderId,
        (record, version): (RecordId, u32),
    ) -> Result<Answer, Fault> {
        let party = asker.card.party();
        let denied = || Fault::Denied(Denial::Absent, Some(party), Some(folder));
        let own = self.shelves.keys.place(Principal::Party(party));
        let is_own =
            self.shelves.read::<FolderRow>(own, Table::Folder, &[&self.folder_row(folder)])?.is_some();
        let (place, clearance) = if is_own {
            (own, crate::folder::Clearance::VeryRestricted)
        } else {
            let mine = self.mine(party, folder)?.ok_or_else(denied)?;
            let is_vouched = self.is_vouched(&asker.card, asker.now)?;
            let grants = self.present_grants(&mine, party)?.into_iter().map(|row| row.grant.statement.terms);
            let holding = grants.filter(|terms| terms.starts() <= asker.now && asker.now < terms.ends());
            let clearance =
                holding.map(|terms| terms.clearance()).max().filter(|_| is_vouched).ok_or_else(denied)?;
            (self.shelves.keys.place(Principal::Party(mine.owner)), clearance)
        };
        let runs: Vec<RunRow> = self.shelves.scan(place, Table::Run, &self.folder_row(folder))?;
        let mut leaves = runs.iter().flat_map(|run| &run.leaves);
        let leaf = leaves.find(|leaf| (leaf.record, leaf.version) == (record, version));
        leaf.filter(|leaf| leaf.clearance <= clearance).ok_or_else(denied)?;
        let row = self.record_row(folder, record, version);
        let sealed = self.shelves.store.get(&key(place, Table::Record, &[&row])?)?.ok_or(Fault::Damaged)?;
        let sealed = SealedRecord::from_bytes(&sealed).map_err(|_damaged| Fault::Damaged)?;
        Ok(Answer::Chunks(self.chunks(place, row, sealed.chunk_count())?))
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
        let head = self.sign(&StreamHead { vault: self.trust.vault, owner, head, at: self.clock.now() });
        Ok(Answer::Stream(StreamPage { head, first: from, events, cards }))
    }
}
