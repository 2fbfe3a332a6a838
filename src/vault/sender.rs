//! Whose data a submission is about, and whether its sender may say so.

use subtle::ConstantTimeEq as _;

use crate::{
    access::Denial,
    credential::RulingStatement,
    custodian::{Enclosure, Part, Sender, Submission},
    event::{Event, Principal, Verb},
    id::{Digest, FolderId, PartyId},
    vault::{
        Vault,
        fault::Fault,
        rows::{FolderRow, MineRow},
        submit::is_office,
        tables::Table,
    },
};

impl Vault {
    /// Whose data a submission is about, and that its sender may say so: the owner proves it with its token, a registrar
    /// and a reader with a signature.
    ///
    /// What an owner does is signed besides; but readers see it signed, and by the answer to it, handed in again in this or
    /// that owner's name, they would learn whose it is.
    pub(super) fn owner_of(&self, submission: &Submission, first: &Event) -> Result<Principal, Fault> {
        let actors = || submission.parts.iter().map(|part| part.event.claimed_step().map(|step| step.actor));
        let all_act_as = |may: &dyn Fn(Principal) -> bool| actors().all(|actor| actor.is_ok_and(may));
        let absent = |actor| Fault::Denied(Denial::Absent, actor, first.folder);
        if let Some(Sender { owner, token }) = &submission.sender {
            let row = self.party(*owner)?;
            let enrolled = row.and_then(|row| row.sender);
            let enrolling = submission.parts.iter().find_map(|part| part.sender);
            let known = enrolled.or(enrolling.filter(|_| first.verb == Verb::Enrol));
            let is_owner = known.is_some_and(|known| same(&known, &Sender::digest_of(token)));
            let may = |actor| actor == Principal::Party(*owner) || matches!(actor, Principal::Folder(_));
            return if is_owner && all_act_as(&may) {
                Ok(Principal::Party(*owner))
            } else {
                Err(absent(None))
            };
        }
        let Principal::Party(actor) = first.actor else { return Err(absent(None)) };
        let unknown = || Fault::Denied(Denial::Unknown, None, first.folder);
        let row = self.party(actor)?.ok_or_else(unknown)?;
        let part = submission.parts.first().ok_or(Fault::Malformed)?;
        part.event.verify_step(row.card.verifying_key()).map_err(|_unsigned| unknown())?;
        if !all_act_as(&|other| other == first.actor) {
            return Err(absent(Some(actor)));
        }
        if first.verb == Verb::Export {
            let is_here = first.owner == Principal::Vault(self.id);
            return if is_here { Ok(first.owner) } else { Err(absent(Some(actor))) };
        }
        if first.verb == Verb::Release {
            let is_its = first.owner == Principal::Vault(self.id) && self.is_curator(&row.card);
            return if is_its { Ok(first.owner) } else { Err(absent(Some(actor))) };
        }
        if is_office(first) {
            let is_registrar = self.rules().trust.is_registrar(&row.card);
            return if is_registrar {
                self.of_office(part, first).map(|owner| owner.ok_or_else(|| absent(Some(actor))))?
            } else if let (Verb::Open, Principal::Party(owner)) = (first.verb, first.owner) {
                // A patient who asks who her doctor is.
                Ok(Principal::Party(owner))
            } else {
                Err(Fault::Denied(Denial::WrongRole, Some(actor), None))
            };
        }
        let folder = first.folder.ok_or_else(|| absent(Some(actor)))?;
        if let Some(mine) = self.mine(actor, folder)? {
            return Ok(Principal::Party(mine.owner));
        }
        // Absent and forbidden take the same reads: those of a grant that is not there.
        let place = self.shelves.keys.place(Principal::Party(actor));
        let _row: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&self.folder_row(folder)])?;
        Err(absent(Some(actor)))
    }

    /// About whom the registrars' work is: a party, the vault, or the owner of a case, found through whom it was granted to.
    fn of_office(&self, part: &Part, first: &Event) -> Result<Option<Principal>, Fault> {
        match (first.verb, first.owner, &part.enclosure) {
            (Verb::Govern | Verb::Equip, Principal::Vault(vault), _) if vault == self.id => {
                Ok(Some(first.owner))
            }
            (Verb::Govern | Verb::Equip, ..) => Ok(None),
            (Verb::Rule, Principal::Folder(case), Some(Enclosure::Ruling(signed, Some(via)))) => {
                let RulingStatement { subject, .. } = signed.claims()?;
                let mine = if subject == first.owner { self.mine(*via, case)? } else { None };
                Ok(mine.map(|mine| Principal::Party(mine.owner)))
            }
            (_, Principal::Party(_), _) => Ok(Some(first.owner)),
            (_, Principal::Folder(_) | Principal::Vault(_), _) => Ok(None),
        }
    }

    /// Where a folder lies that was granted to a reader, moved there or still waiting.
    pub(super) fn mine(&self, reader: PartyId, folder: FolderId) -> Result<Option<MineRow>, Fault> {
        if let Some(waiting) = self.waiting(reader).into_iter().find(|mine| mine.folder == folder) {
            return Ok(Some(waiting));
        }
        let place = self.shelves.keys.place(Principal::Party(reader));
        self.shelves.read(place, Table::Mine, &[&self.shelves.keys.blind(Table::Mine, &[&folder])])
    }
}

/// Whether two digests are the same, in constant time.
fn same(one: &Digest, other: &Digest) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
