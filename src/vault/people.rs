//! Enrolling and vouching.

use crate::{
    access::{Act, Capacity, Denial, Facts, Permit, decide},
    credential::AttestationStatement,
    event::{Principal, Verb},
    folder::FolderKind,
    limits::REGISTRARS_MAX,
    party::Role,
    vault::{
        fault::Fault,
        submit::{Claim, Work},
        tables::{PartyRow, Table},
    },
};

impl Work<'_> {
    pub(super) fn enrol(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let (event, part) = (&claim.event, claim.part);
        let card = part.card.as_ref().ok_or(Fault::Malformed)?;
        let is_own = event.actor == Principal::Party(self.owner) && event.owner == event.actor;
        if !is_own || card.party() != self.owner || event.subject != Some(card.digest()) {
            return Err(Fault::Malformed);
        }
        if card.role() == Role::Registrar {
            return Err(Denial::WrongRole.into());
        }
        let known: Option<PartyRow> = self.desk.get(Table::Party, &[])?;
        if known.is_some() {
            return Err(Fault::Conflict);
        }
        let facts =
            Facts { now: self.now, claimed: event.moment.at, capacity: Capacity::Owner, folder: None };
        let role = card.role();
        let begin = Act::Begin { kind: FolderKind::Identity, role, open_cases: 0, is_attested: false };
        let permit = decide(&self.vault.policy, begin, &facts)?;
        let sender = Some(part.sender.ok_or(Fault::Malformed)?);
        self.enrols = true;
        self.desk.put(
            Table::Party,
            &[],
            &PartyRow { card: card.clone(), attestations: <_>::default(), sender },
        )?;
        Ok(permit)
    }

    pub(super) fn attest(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let (capacity, _) = self.capacity(claim, None)?;
        let permit = self.decide(claim, Act::Attest, (capacity, None))?;
        let signed = claim.part.attestation.as_ref().ok_or(Fault::Malformed)?;
        let mut row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        if event.subject != Some(signed.digest()) || event.owner != Principal::Party(self.owner) {
            return Err(Fault::Malformed);
        }
        let list = &mut row.attestations.0;
        if event.verb == Verb::Withdraw {
            let before = list.len();
            list.retain(|known| known != signed);
            if list.len() == before {
                return Err(Denial::Absent.into());
            }
        } else {
            let card = claim.card.as_ref().ok_or(Fault::Malformed)?;
            let statement = signed.verify(card.verifying_key()).map_err(|_forged| Fault::Malformed)?;
            let AttestationStatement { vault, subject, card: of, role, registrar, .. } = statement;
            let fits = vault == self.vault.trust.vault
                && subject == self.owner
                && of == row.card.digest()
                && role == row.card.role()
                && registrar == card.party();
            if !fits {
                return Err(Fault::Malformed);
            }
            list.retain(|known| known.claims().is_ok_and(|known| known.registrar != registrar));
            list.push(signed.clone());
            if list.len() > REGISTRARS_MAX {
                return Err(Fault::Malformed);
            }
        }
        self.desk.put(Table::Party, &[], &row)?;
        Ok(permit)
    }
}
