//! What registrars ask: who applies with what, what was ruled, noted and known of whom.

use crate::{
    access::Denial,
    custodian::{Answer, MyFolder},
    event::Principal,
    id::{Digest, PartyId},
    limits::SUCCESSIONS_MAX,
    vault::{
        Vault,
        ask::Asker,
        fault::Fault,
        rows::{DossierRow, FolderRow, HeadRow, PersonRow, RulingRow},
        tables::Table,
    },
};

impl Vault {
    /// Who has a person's live card.
    pub(super) fn person(&self, tag: &Digest) -> Result<Answer, Fault> {
        let place = self.shelves.keys.person_place(tag);
        let known: Option<PersonRow> = self.shelves.read(place, Table::Person, &[])?;
        Ok(Answer::Person(known.map(|known| known.party)))
    }

    /// The check lists that registrars kept of a party.
    pub(super) fn dossiers(&self, party: PartyId) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Party(party));
        let rows: Vec<DossierRow> = self.shelves.scan(place, Table::Dossier, &[])?;
        let kept = rows.into_iter().filter_map(|row| Some((row.registrar, row.evidence?)));
        Ok(Answer::Dossiers(kept.collect()))
    }

    /// The rulings on a party: its own affair, the registrars' and the auditors'.
    pub(super) fn rulings(&self, asker: &Asker, party: PartyId) -> Result<Answer, Fault> {
        let is_own = asker.card.party() == party || self.succeeds(asker.card.party(), party)?;
        if !is_own && !self.is_supervisor(asker)? {
            return Err(Fault::Denied(Denial::Absent, Some(asker.card.party()), None));
        }
        let row = self.party(party)?.ok_or(Denial::Absent)?;
        let place = self.shelves.keys.place(Principal::Party(party));
        let rows: Vec<RulingRow> = self.shelves.scan(place, Table::Ruling, &[])?;
        Ok(Answer::Rulings(rows.into_iter().map(|row| row.signed).collect(), row.succeeds))
    }

    /// Whether a party's person had another party's card before.
    fn succeeds(&self, party: PartyId, earlier: PartyId) -> Result<bool, Fault> {
        let mut next = Some(party);
        for _ in 0..SUCCESSIONS_MAX {
            next = next.map_or(Ok(None), |party| self.party(party))?.and_then(|row| row.succeeds);
            if next == Some(earlier) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The asker's grants of a party's Identity and Credentials.
    pub(super) fn application(&self, asker: &Asker, party: PartyId) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Party(party));
        let head: Option<HeadRow> = self.shelves.read(place, Table::Head, &[])?;
        let folders = head.map(|head| [head.identity, head.credentials]).unwrap_or_default();
        let mut granted = Vec::new();
        for folder in folders.into_iter().flatten() {
            let row = self.folder_row(folder);
            let folder: FolderRow =
                self.shelves.read(place, Table::Folder, &[&row])?.ok_or(Fault::Damaged)?;
            for grant in self.grants_at(place, &folder, asker.card.party())? {
                let (statement, is_closed) = (grant.grant.statement, folder.is_closed);
                granted.push(MyFolder { statement, kind: folder.kind, owner: Some(party), is_closed });
            }
        }
        Ok(Answer::MyFolders(granted))
    }
}
