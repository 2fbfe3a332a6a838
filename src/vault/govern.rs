//! Governing: policies that registrars sign, and the key they share.

use crate::{
    access::{Act, Charter, Denial, Permit},
    credential::RegistryStatement,
    custodian::{Answer, Enclosure, Response},
    event::Principal,
    limits::{PROPOSALS_MAX, REGISTRARS_MAX},
    vault::{
        META_PLACE, Vault,
        fault::Fault,
        meta_under,
        rows::{CharterRow, PartyRow, RegistryRow},
        rules::Rules,
        submit::{Claim, Work},
        tables::{Table, key},
    },
};

impl Work<'_> {
    /// A registrar signs a policy; it is in force once enough have.
    pub(super) fn govern(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let stance = self.stance(claim, None)?;
        let permit = self.decide(claim, Act::Govern, (&stance, None))?;
        let Some(Enclosure::Charter(charter)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let card = claim.card.as_ref().ok_or(Fault::Malformed)?;
        let trust = &self.rules.trust;
        let statement = charter.claims()?;
        let is_next = statement.vault == self.vault.id
            && Some(statement.version) == trust.version.checked_add(1)
            && Some(statement.previous) == trust.policy;
        if !is_next {
            return Err(Fault::Conflict);
        }
        let is_signed = charter.is_signed_by(card.party(), card.verifying_key());
        let fits = is_signed
            && statement.policy.is_sound()
            && charter.count() <= REGISTRARS_MAX
            && claim.event.subject == Some(charter.digest());
        if !fits {
            return Err(Fault::Malformed);
        }
        let charter = charter.clone().kept(trust);
        let id = self.vault.shelves.keys.blind(Table::Proposal, &[&charter.digest()]);
        let known: Option<CharterRow> = self.desk.get(Table::Proposal, &[&id])?;
        let is_known = known.is_some();
        let charter = match known {
            Some(known) => known.charter.joined(&charter).ok_or(Fault::Malformed)?,
            None => charter,
        };
        let waiting = self.desk.scan::<CharterRow>(Table::Proposal, &[])?;
        if let Some((policy, next)) = charter.follow(trust) {
            // What else waited followed on the policy that is no more.
            for (other, _) in waiting {
                self.desk.delete_at(self.desk.place, Table::Proposal, &[&other])?;
            }
            let version = next.version.to_be_bytes();
            self.desk.put(Table::Charter, &[&version], &CharterRow { charter })?;
            let meta = key(META_PLACE, Table::Meta, &[])?;
            let before = self.vault.shelves.store.get(&meta)?.ok_or(Fault::Damaged)?;
            let (meta, after) = meta_under(&before, &policy, next.version)?;
            self.desk.put_plain((meta, before), after);
            for card in &policy.registrars {
                let place = self.vault.shelves.keys.place(Principal::Party(card.party()));
                let known: Option<PartyRow> = self.desk.get_at(place, Table::Party, &[])?;
                match known {
                    None => self.desk.put_at(place, Table::Party, &[], &PartyRow::new(card.clone(), None))?,
                    Some(known) if known.card == *card => (),
                    Some(_) => return Err(Fault::Malformed),
                }
            }
            let registries = self.rules.registries.clone();
            self.adopts = Some(Rules { trust: next, policy, registries });
        } else {
            if !is_known && waiting.len() >= PROPOSALS_MAX {
                let place = giving_way(&waiting).ok_or(Fault::Damaged)?.to_vec();
                self.desk.delete_at(self.desk.place, Table::Proposal, &[&place])?;
            }
            self.desk.put(Table::Proposal, &[&id], &CharterRow { charter })?;
        }
        Ok(permit)
    }

    /// A registrar makes the next key that the registrars share.
    pub(super) fn equip(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let stance = self.stance(claim, None)?;
        let permit = self.decide(claim, Act::Govern, (&stance, None))?;
        let Some(Enclosure::Registry(signed)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let card = claim.card.as_ref().ok_or(Fault::Malformed)?;
        let statement = signed.verify(card.verifying_key()).map_err(|_forged| Fault::Malformed)?;
        let RegistryStatement { vault, generation, registrar, .. } = &statement;
        let newest = self.rules.registries.last().map_or(Ok(0), |signed| {
            signed.claims().map(|newest| newest.generation).map_err(|_damaged| Fault::Damaged)
        })?;
        if Some(*generation) != newest.checked_add(1) {
            return Err(Fault::Conflict);
        }
        let fits = *vault == self.vault.id
            && *registrar == card.party()
            && statement.covers(&self.rules.trust.registrars)
            && claim.event.subject == Some(signed.digest());
        if !fits {
            return Err(Fault::Malformed);
        }
        let id = generation.to_be_bytes();
        self.desk.put(Table::Registry, &[&id], &RegistryRow { signed: signed.clone() })?;
        let mut rules = (*self.rules).clone();
        rules.registries.push(signed.clone());
        self.adopts = Some(rules);
        Ok(permit)
    }
}

impl Vault {
    /// The policies after so many, and the registrars' keys: for whoever wants to follow, enrolled or not.
    pub(super) fn charters(&self, since: u32) -> Result<Response, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let after = since.to_be_bytes();
        let rows = self.shelves.page::<CharterRow>((place, Table::Charter), Some(&after), PAGE)?;
        let charters = rows.into_iter().map(|(_, row)| row.charter).collect();
        Ok(Response::Charters(charters, self.rules().registries.clone()))
    }

    /// The policies that wait for signatures.
    pub(super) fn proposals(&self) -> Result<Answer, Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let rows: Vec<CharterRow> = self.shelves.scan(place, Table::Proposal, &[])?;
        let charters: Vec<Charter> = rows.into_iter().map(|row| row.charter).collect();
        Ok(Answer::Proposals(charters))
    }

    /// Whether the asker may see what the registrars see.
    pub(super) fn is_office(&self, card: &crate::party::Card) -> Result<(), Denial> {
        if self.rules().trust.is_registrar(card) { Ok(()) } else { Err(Denial::Absent) }
    }
}

/// The place of a policy of whoever has most of them waiting: no registrar fills the room of the others.
fn giving_way(waiting: &[(Vec<u8>, CharterRow)]) -> Option<&[u8]> {
    let proposer = |row: &CharterRow| row.charter.first_signer();
    let count = |row| waiting.iter().filter(|(_, other)| proposer(other) == proposer(row)).count();
    waiting.iter().max_by_key(|(_, row)| count(row)).map(|(place, _)| place.as_slice())
}

/// How many policies one answer carries.
const PAGE: usize = 64;
