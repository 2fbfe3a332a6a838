//! Enrolling and vouching.

use crate::{
    access::{Act, Capacity, Denial, Permit},
    consent::Purpose,
    credential::{AttestationStatement, Standing},
    crypto::Signed,
    custodian::{Concerned, Enclosure, Errand},
    event::{Principal, Verb},
    folder::FolderKind,
    id::{Digest, PartyId},
    limits::{DOSSIER_BYTES_MAX, PERSONS_MAX, REGISTRARS_MAX, SPECIALTIES_MAX},
    party::Role,
    time::Timestamp,
    vault::{
        fault::Fault,
        rows::{AttestedRow, DossierRow, PartyRow, PersonRow},
        standing::Stance,
        submit::{Claim, Work},
        tables::Table,
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
        let role = card.role();
        let begin = Act::Begin {
            kind: FolderKind::Identity,
            role,
            open_cases: 0,
            cases_today: 0,
            is_attested: false,
        };
        let permit = self.decide(claim, begin, (&Stance::of(Capacity::Owner, Standing::Good), None))?;
        let sender = Some(part.sender.ok_or(Fault::Malformed)?);
        self.enrols = true;
        self.desk.put(Table::Party, &[], &PartyRow::new(card.clone(), sender))?;
        Ok(permit)
    }

    pub(super) fn attest(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let stance = self.stance(claim, None)?;
        let permit = self.decide(claim, Act::Attest, (&stance, None))?;
        let signed = claim.part.attestation.as_ref().ok_or(Fault::Malformed)?;
        let mut row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        if event.subject != Some(signed.digest()) || event.owner != Principal::Party(self.owner) {
            return Err(Fault::Malformed);
        }
        if event.verb == Verb::Withdraw {
            let list = &mut row.attestations.0;
            let before = list.len();
            list.retain(|known| known != signed);
            if list.len() == before {
                return Err(Denial::Absent.into());
            }
            self.concerned = self.concerned_by(&row)?;
        } else {
            self.enter(claim, signed, &mut row)?;
        }
        // What is gone from the party's row stays for who checks what it was worth then.
        let position = self.position().to_be_bytes();
        self.desk.put(Table::Attested, &[&position], &AttestedRow { signed: signed.clone() })?;
        self.put_party(row)?;
        Ok(permit)
    }

    /// Enters an attestation in the place of the same registrar's earlier one.
    fn enter(
        &mut self,
        claim: &Claim<'_>,
        signed: &Signed<AttestationStatement>,
        row: &mut PartyRow,
    ) -> Result<(), Fault> {
        let card = claim.card.as_ref().ok_or(Fault::Malformed)?;
        let statement = signed.verify(card.verifying_key()).map_err(|_forged| Fault::Malformed)?;
        let fits = statement.vault == self.vault.id
            && statement.subject == self.owner
            && statement.card == row.card.digest()
            && statement.role == row.card.role()
            && statement.registrar == card.party()
            && statement.specialties.len() <= SPECIALTIES_MAX
            && statement.persons.len() <= PERSONS_MAX;
        let is_named = !statement.persons.is_empty() || !self.rules.policy.conduct().is_one_card_a_person;
        if !fits || !is_named {
            return Err(Fault::Malformed);
        }
        self.take_persons(&statement, row)?;
        let list = &mut row.attestations.0;
        // What has ended, or is void, leaves its place to others.
        let (trust, now) = (&self.rules.trust, self.now);
        list.retain(|known| {
            known.claims().is_ok_and(|known| {
                known.registrar != statement.registrar
                    && now < known.until
                    && trust.registrar(known.registrar).is_some()
            })
        });
        list.push(signed.clone());
        if list.len() > REGISTRARS_MAX {
            return Err(Fault::Malformed);
        }
        if let Some(evidence) = statement.evidence {
            self.keep_dossier(claim, (statement.registrar, evidence))?;
        } else if claim.part.enclosure.is_some() {
            return Err(Fault::Malformed);
        }
        if self.is_vetted(row)?
            && let Some(place) = row.waits.take()
        {
            self.served(Errand::Application, place)?;
        }
        Ok(())
    }

    /// Keeps a check list, if one came with the event.
    fn keep_dossier(
        &mut self,
        claim: &Claim<'_>,
        (registrar, evidence): (PartyId, Digest),
    ) -> Result<(), Fault> {
        let sealed = match &claim.part.enclosure {
            None => return Ok(()),
            Some(Enclosure::Dossier(sealed)) if sealed.len() <= DOSSIER_BYTES_MAX => sealed.clone(),
            Some(_) => return Err(Fault::Malformed),
        };
        let dossier = DossierRow { sealed, event: self.position(), registrar, evidence: Some(evidence) };
        let id = self.vault.shelves.keys.blind(Table::Dossier, &[&evidence]);
        // A check list stays whoever's it was: the evidence of his attestation.
        let known: Option<DossierRow> = self.desk.get(Table::Dossier, &[&id])?;
        if known.is_some_and(|known| known.registrar != registrar) {
            return Err(Fault::Malformed);
        }
        self.desk.put(Table::Dossier, &[&id], &dossier)
    }

    /// A registrar does not attest: who applied waits no more, and what was shown for it is shut.
    pub(super) fn refuse(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let stance = self.stance(claim, None)?;
        let permit = self.decide(claim, Act::Attest, (&stance, None))?;
        let mut row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        let registrar = claim.card.as_ref().ok_or(Fault::Malformed)?.party();
        let evidence = event.subject.ok_or(Fault::Malformed)?;
        if event.owner != Principal::Party(self.owner) || claim.part.enclosure.is_none() {
            return Err(Fault::Malformed);
        }
        self.keep_dossier(claim, (registrar, evidence))?;
        if let Some(place) = row.waits.take() {
            self.served(Errand::Application, place)?;
        }
        row.refused = Some(self.received);
        self.put_party(row)?;
        Ok(permit)
    }

    /// Whether the vetting is over that was asked for last: an earlier one's attestations may hold still, and are not this
    /// one's.
    fn is_vetted(&self, row: &PartyRow) -> Result<bool, Fault> {
        let identity = self.head.identity.map_or(Ok(None), |identity| self.folder(identity))?;
        let grants = identity.map_or(Ok(Vec::new()), |identity| self.grants_of(&identity))?;
        let terms = grants.iter().map(|row| row.grant.statement.terms);
        let begun =
            terms.filter(|terms| terms.purpose() == Purpose::Vetting).map(|terms| terms.starts()).max();
        let vetting = (self.now, begun.unwrap_or(Timestamp::at_ms(0)));
        Ok(self.rules.trust.is_vetted(&row.card, &row.attestations, vetting))
    }

    /// Takes a person's tags for this party: from no other that is vouched for, and from none but the one it succeeds.
    fn take_persons(&mut self, statement: &AttestationStatement, row: &mut PartyRow) -> Result<(), Fault> {
        for tag in &statement.persons {
            let place = self.vault.shelves.keys.person_place(tag);
            let known: Option<PersonRow> = self.desk.get_at(place, Table::Person, &[])?;
            let is_anothers = |party| party != self.owner && statement.succeeds != Some(party);
            if known.is_some_and(|PersonRow { party }| is_anothers(party)) {
                return Err(Denial::PersonKnown.into());
            }
            self.desk.put_at(place, Table::Person, &[], &PersonRow { party: self.owner })?;
        }
        let Some(earlier) = statement.succeeds else { return Ok(()) };
        let other = self.vault.party(earlier)?.ok_or(Denial::Absent)?;
        let is_live = self.rules.trust.vouched(&other.card, &other.attestations, self.now).is_some();
        let is_other = earlier != self.owner && other.card.role() == row.card.role();
        if !is_other || row.succeeds.is_some_and(|known| known != earlier) {
            return Err(Fault::Malformed);
        }
        if is_live {
            return Err(Denial::PersonKnown.into());
        }
        row.succeeds = Some(earlier);
        Ok(())
    }

    /// Puts a party's row down, and with it what the directory says of it.
    pub(super) fn put_party(&mut self, row: PartyRow) -> Result<(), Fault> {
        self.desk.put(Table::Party, &[], &row)?;
        self.relist(&row)
    }

    /// Whose data a party may open now, by grants that hold.
    fn concerned_by(&self, row: &PartyRow) -> Result<Vec<Concerned>, Fault> {
        let mut concerned = Vec::new();
        for (mine, folder) in self.vault.granted_to(row.card.party())? {
            let place = self.vault.shelves.keys.place(Principal::Party(mine.owner));
            for grant in self.vault.grants_at(place, &folder, row.card.party())? {
                let terms = grant.grant.statement.terms;
                if terms.starts() <= self.now && self.now < terms.ends() {
                    concerned.push(Concerned { owner: mine.owner, terms, kind: mine.kind });
                }
            }
        }
        Ok(concerned)
    }
}
