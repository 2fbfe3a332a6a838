//! Listings: what doctors say of themselves to everybody, kept with what the registrars say of them.

use std::collections::BTreeSet;

use minicbor::bytes::ByteVec;

use crate::{
    access::{Act, Denial, Permit},
    codec,
    credential::ListingStatement,
    crypto::Signed,
    custodian::Enclosure,
    party::Role,
    vault::{
        directory::{Change, Found},
        fault::Fault,
        rows::{ListingRow, PartyRow},
        submit::{Claim, Work},
        tables::Table,
    },
};

impl Work<'_> {
    /// Whether the owner may say something of itself as a doctor.
    pub(super) fn decide_list(&self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let stance = self.stance(claim, None)?;
        let role = claim.card.as_ref().map_or(Role::Auditor, crate::party::Card::role);
        self.decide(claim, Act::List { role }, (&stance, None))
    }

    /// A doctor's listing, in the place of an earlier one.
    pub(super) fn list(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let permit = self.decide_list(claim)?;
        let Some(Enclosure::Listing(signed)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let mut row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        let statement = signed.verify(row.card.verifying_key()).map_err(|_forged| Fault::Malformed)?;
        let ListingStatement { vault, party, listing, at: _ } = statement;
        let fits = vault == self.vault.id
            && party == self.owner
            && claim.event.subject == Some(signed.digest())
            && listing.is_bounded();
        if !fits {
            return Err(Fault::Malformed);
        }
        row.is_accepting = Some(listing.is_accepting());
        if row.ordinal.is_none() {
            row.ordinal = Some(self.vault.reserve(self.desk.random())?);
        }
        self.put_listing(&row, signed)?;
        self.desk.put(Table::Party, &[], &row)?;
        Ok(permit)
    }

    /// What the directory says of a party, after something else about it has changed.
    pub(super) fn relist(&mut self, row: &PartyRow) -> Result<(), Fault> {
        if row.ordinal.is_none() {
            return Ok(());
        }
        let known = self.vault.listing_row(self.owner)?.ok_or(Fault::Damaged)?;
        self.put_listing(row, &known.listing)
    }

    fn put_listing(&mut self, row: &PartyRow, signed: &Signed<ListingStatement>) -> Result<(), Fault> {
        let ordinal = row.ordinal.ok_or(Fault::Damaged)?;
        let listing = signed.claims().map_err(|_damaged| Fault::Damaged)?.listing;
        let vouched = self.rules.trust.vouched(&row.card, &row.attestations, self.now);
        let terms = if listing.is_listed() { listing.terms(vouched.as_ref()) } else { BTreeSet::new() };
        let ledger = self.vault.whole_ledger(row)?;
        let entry = ListingRow {
            ordinal,
            party: self.owner,
            card: ByteVec::from(codec::encode(&row.card)),
            attestations: row.attestations.clone(),
            listing: signed.clone(),
            vouched: vouched.map(|vouched| (self.now, vouched.until)),
            version: self.rules.trust.version,
            ledger,
            terms: terms.clone(),
        };
        let (place, id) = self.vault.listing_key(self.owner);
        self.desk.put_at(place, Table::Listing, &[&id], &entry)?;
        self.changes.push(Change { ordinal, found: Found { place, id }, terms });
        Ok(())
    }
}
