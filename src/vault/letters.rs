//! Letters handed out: to a registrar what was written to the registrars, to a patient what her doctor wrote her.

use crate::{
    access::{Act, Capacity, Denial, Facts, FolderFacts, GrantFacts, Permit, decide},
    consent::Purpose,
    crypto::{Label, kdf::digest},
    custodian::{Delivered, Enclosure, Sealed},
    event::Principal,
    folder::FolderKind,
    id::{Digest, FolderId, PartyId},
    limits::LETTER_BYTES_MAX,
    vault::{
        Vault,
        fault::Fault,
        rows::{BlockRow, DossierRow, LetterRow, PartyRow, RevealRow},
        submit::{Claim, Work},
        tables::Table,
    },
};

impl Work<'_> {
    /// Opens a letter: the event first.
    pub(super) fn deliver(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let (permit, delivered) = match &claim.part.enclosure {
            Some(Enclosure::WhoIs(case)) => self.deliver_reveal(claim, *case)?,
            Some(_) | None => self.deliver_to_office(claim)?,
        };
        if self.opened.is_some() || self.delivered.replace(delivered).is_some() {
            return Err(Fault::Malformed);
        }
        Ok(permit)
    }

    /// To a registrar: a report, an appeal, or a check list, by its digest.
    fn deliver_to_office(&self, claim: &Claim<'_>) -> Result<(Permit, Delivered), Fault> {
        let stance = self.stance(claim, None)?;
        if stance.capacity != Capacity::Registrar {
            return Err(Denial::Absent.into());
        }
        let permit = self.decide(claim, Act::Consult, (&stance, None))?;
        let subject = claim.event.subject.ok_or(Fault::Malformed)?;
        let keys = &self.vault.shelves.keys;
        let letter = keys.blind(Table::Letter, &[&subject]);
        if let Some(LetterRow { letter, event, .. }) = self.desk.get(Table::Letter, &[&letter])? {
            let owner: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Fault::Damaged)?;
            let letter = Sealed::Letter(letter);
            return Ok((permit, Delivered { letter, event: self.event(event)?, author: owner.card }));
        }
        let dossier = keys.blind(Table::Dossier, &[&subject]);
        let dossier: Option<DossierRow> = self.desk.get(Table::Dossier, &[&dossier])?;
        let DossierRow { sealed, event, registrar, evidence: _ } = dossier.ok_or(Denial::Absent)?;
        let author = self.vault.party(registrar)?.ok_or(Fault::Damaged)?.card;
        Ok((permit, Delivered { letter: Sealed::Dossier(sealed), event: self.event(event)?, author }))
    }

    /// To a patient: who her doctor is, as long as he is assigned to her case.
    fn deliver_reveal(&self, claim: &Claim<'_>, case: FolderId) -> Result<(Permit, Delivered), Fault> {
        let event = &claim.event;
        let card = claim.card.as_ref().ok_or(Denial::Unknown)?;
        let patient = card.party();
        if event.owner != Principal::Party(self.owner) || event.subject != Some(who_is(case)) {
            return Err(Denial::Absent.into());
        }
        let place = self.vault.shelves.keys.place(Principal::Party(patient));
        let grant = self.vault.backing(self.now, place, case, self.owner)?;
        let repute = self.vault.repute(&self.rules, card, self.now)?;
        let id = self.vault.reveal_row(case, patient);
        let row: Option<RevealRow> = self.desk.get(Table::Reveal, &[&id])?;
        let (grant, row) = grant.zip(row).ok_or(Denial::Absent)?;
        let grant = GrantFacts {
            terms: grant.terms,
            is_current: true,
            is_same_card: row.patient == patient,
            is_attested: repute.is_attested || !self.rules.policy.patients_attested,
            is_backed: grant.terms.purpose() == Purpose::Treatment,
            is_vetted: false,
        };
        let folder = FolderFacts { kind: FolderKind::Identity, is_closed: false, is_lapsed: false };
        let facts = Facts {
            now: self.now,
            claimed: event.moment.at,
            capacity: Capacity::Reader(grant),
            folder: Some(folder),
            standing: repute.standing,
        };
        let permit = decide(&self.rules.policy, Act::Open, &facts)?;
        let owner: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Fault::Damaged)?;
        // When, and what else he did then, is not the patient's to know.
        let event = self.event(row.event)?.redacted();
        Ok((permit, Delivered { letter: Sealed::Letter(row.letter), event, author: owner.card }))
    }

    /// A doctor tells the patient of a case who he is.
    pub(super) fn reveal(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let Some(Enclosure::Reveal(letter, patient, case)) = &claim.part.enclosure else {
            return Err(Fault::Malformed);
        };
        let stance = self.stance(claim, None)?;
        let is_assigned = self.is_assigned(*case, *patient)?;
        let row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        let is_attested = self.rules.trust.vouched(&row.card, &row.attestations, self.now).is_some();
        let permit = self.decide(claim, Act::Reveal { is_assigned, is_attested }, (&stance, None))?;
        let is_short = crate::codec::encode(letter).len() <= LETTER_BYTES_MAX;
        if claim.event.subject != Some(letter.digest()) || !is_short {
            return Err(Fault::Malformed);
        }
        let id = self.vault.reveal_row(*case, *patient);
        let row = RevealRow { letter: letter.clone(), event: self.position(), patient: *patient };
        self.desk.put(Table::Reveal, &[&id], &row)?;
        Ok(permit)
    }

    /// Whether a case is this patient's, and the owner of this stream is assigned to it now.
    fn is_assigned(&self, case: FolderId, patient: PartyId) -> Result<bool, Fault> {
        // A guess at whose case it is takes the same reads, right or wrong.
        let owner = self.vault.mine(self.owner, case)?.map(|mine| mine.owner);
        let place = self.vault.shelves.keys.place(Principal::Party(owner.unwrap_or(self.owner)));
        let grant = self.vault.backing(self.now, place, case, self.owner)?;
        let is_to_treat = grant.is_some_and(|grant| grant.terms.purpose() == Purpose::Treatment);
        Ok(is_to_treat && owner == Some(patient))
    }

    /// A doctor shuts a patient out, or lets her in again.
    pub(super) fn block(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let Some(Enclosure::Blocked(whom, is_blocked)) = claim.part.enclosure else {
            return Err(Fault::Malformed);
        };
        let permit = self.decide_list(claim)?;
        if claim.event.subject != Some(blocked(&claim.event, whom, is_blocked)) {
            return Err(Fault::Malformed);
        }
        let party = match whom {
            Principal::Party(party) => party,
            Principal::Folder(case) => self.vault.mine(self.owner, case)?.ok_or(Denial::Absent)?.owner,
            Principal::Vault(_) => return Err(Fault::Malformed),
        };
        let id = self.vault.shelves.keys.blind(Table::Block, &[&party]);
        if is_blocked {
            self.desk.put(Table::Block, &[&id], &BlockRow { whom })?;
        } else {
            self.desk.delete_at(self.desk.place, Table::Block, &[&id])?;
        }
        Ok(permit)
    }
}

/// The digest by which a patient's question names the case it is for.
pub(super) fn who_is(case: FolderId) -> Digest {
    digest(Label::Reveal, &[case.as_bytes()])
}

/// The digest by which a doctor's event names whom it is about: of this event alone.
fn blocked(event: &crate::event::Event, whom: Principal, is_blocked: bool) -> Digest {
    let parts: [&[u8]; 3] =
        [event.step.op_id.as_bytes(), &crate::codec::encode(&whom), &[u8::from(is_blocked)]];
    digest(Label::Blocked, &parts)
}

impl Vault {
    fn reveal_row(&self, case: FolderId, patient: PartyId) -> [u8; 16] {
        self.shelves.keys.blind(Table::Reveal, &[&case, &patient])
    }

    /// Whether a doctor has shut a patient out.
    pub(super) fn has_shut_out(&self, doctor: PartyId, patient: PartyId) -> Result<bool, Fault> {
        let place = self.shelves.keys.place(Principal::Party(doctor));
        let id = self.shelves.keys.blind(Table::Block, &[&patient]);
        Ok(self.shelves.read::<BlockRow>(place, Table::Block, &[&id])?.is_some())
    }
}
