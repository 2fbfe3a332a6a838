//! How a reader stands to a folder: by its grants, looked at wherever something is handed out.

use crate::{
    access::{Capacity, GrantFacts},
    consent::GrantStatement,
    id::{Digest, FolderId, PartyId},
    party::Card,
    store::Place,
    time::Timestamp,
    vault::{
        Vault,
        fault::Fault,
        tables::{FolderRow, GrantRow, Table},
    },
};

impl Vault {
    /// The grant a reader relies on: the one it names, or the one that reaches farthest.
    pub(super) fn reader(
        &self,
        now: Timestamp,
        (place, folder): (Place, &FolderRow),
        card: &Card,
        named: Option<Digest>,
    ) -> Result<(Capacity, Option<GrantRow>), Fault> {
        let is_attested = self.is_vouched(card, now)?;
        let mut best: Option<(GrantFacts, GrantRow)> = None;
        for row in self.grants_at(place, folder, card.party())? {
            let GrantStatement { card: granted, terms, because, .. } = row.grant.statement;
            let is_named = named.is_none_or(|named| named == row.grant.statement.digest());
            let is_backed = match because {
                None => true,
                Some(case) => self.is_backed(now, place, case, card.party())?,
            };
            let facts = GrantFacts {
                terms,
                is_current: true,
                is_same_card: granted == card.digest(),
                is_attested,
                is_backed,
            };
            let reach = |facts: &GrantFacts| {
                let holds = facts.is_backed && facts.terms.starts() <= now && now < facts.terms.ends();
                (holds, facts.terms.rights(), facts.terms.clearance())
            };
            if is_named && best.as_ref().is_none_or(|(known, _)| reach(&facts) > reach(known)) {
                best = Some((facts, row));
            }
        }
        Ok(match best {
            Some((facts, row)) => (Capacity::Reader(facts), Some(row)),
            None => (Capacity::Stranger, None),
        })
    }

    /// A reader's grants of a folder's present epoch.
    pub(super) fn grants_at(
        &self,
        place: Place,
        folder: &FolderRow,
        reader: PartyId,
    ) -> Result<Vec<GrantRow>, Fault> {
        let keys = &self.shelves.keys;
        let epoch = folder.epoch.number().to_be_bytes();
        let reader = keys.blind(Table::Grant, &[&folder.folder, &reader]);
        let prefix = [self.folder_row(folder.folder).as_slice(), &epoch, &reader].concat();
        self.shelves.scan(place, Table::Grant, &prefix)
    }

    /// Whether a reader's grant of a Case still holds.
    fn is_backed(
        &self,
        now: Timestamp,
        place: Place,
        case: FolderId,
        reader: PartyId,
    ) -> Result<bool, Fault> {
        let folder: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&self.folder_row(case)])?;
        let Some(folder) = folder else { return Ok(false) };
        Ok(self.grants_at(place, &folder, reader)?.iter().any(|row| {
            let terms = row.grant.statement.terms;
            terms.starts() <= now && now < terms.ends()
        }))
    }
}
