//! The policies, each with when it came into force, and who was a registrar by them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    access::{Charter, Policy},
    audit::cards::Known,
    credential::Trust,
    crypto::VerifyingKey,
    id::{Digest, PartyId, VaultId},
    limits::PROPOSALS_MAX,
    log::SignedCheckpoint,
    party::Role,
    time::Timestamp,
};

/// The policies, each with when it came into force.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    eras: Vec<(Timestamp, Trust, Policy)>,
    /// The charters that follow on one another, by what their events name.
    charters: Vec<Digest>,
    /// Who signed other charters since the last of these came into force.
    proposed: BTreeMap<Digest, BTreeSet<PartyId>>,
    /// How far clocks may be apart by the policy that allows most.
    skew: Duration,
}

impl Rules {
    /// From the first policy, charter by charter: nothing if one of them does not follow.
    pub(super) fn read(
        (vault, vault_key): (VaultId, VerifyingKey),
        first: Policy,
        charters: &[Charter],
    ) -> Option<Self> {
        let trust = first.trust(vault, vault_key, 0);
        let mut eras = vec![(Timestamp::at_ms(0), trust.clone(), first)];
        let mut newest = trust;
        for charter in charters {
            let (policy, next) = charter.follow(&newest)?;
            // When, the vault's stream will say.
            eras.push((Timestamp::MAX, next.clone(), policy));
            newest = next;
        }
        let skew = eras.iter().map(|(_, _, policy)| policy.skew()).max().unwrap_or_default();
        let charters = charters.iter().map(Charter::digest).collect();
        Some(Self { eras, charters, proposed: BTreeMap::new(), skew })
    }

    /// Whether as many witnesses as the newest policy asks for have seen a checkpoint.
    pub(super) fn is_witnessed(&self, checkpoint: &[u8]) -> bool {
        let newest = self.eras.last().map(|(_, _, policy)| policy.witnesses());
        let checkpoint = SignedCheckpoint::parse(checkpoint);
        newest.zip(checkpoint.ok()).is_some_and(|(witnesses, checkpoint)| witnesses.is_met(&checkpoint))
    }

    /// The digest of the policy a vault began with.
    pub(super) fn first(&self) -> Option<Digest> {
        self.eras.first().map(|(_, _, policy)| policy.digest())
    }

    /// The cards of who is or was a registrar, each party's newest first.
    pub(super) fn registrars(&self) -> Vec<Known> {
        let mut known: Vec<Known> = Vec::new();
        for (_, trust, _) in self.eras.iter().rev() {
            let former = trust.former.iter().map(|former| &former.card);
            for card in trust.registrars.iter().chain(former) {
                if known.iter().all(|known| known.party != card.party()) {
                    known.push(Known::of(card));
                }
            }
        }
        known
    }

    /// That a charter's last signature was received then: in force, if it is the next and has enough by all.
    pub(super) fn signed(&mut self, charter: Digest, received: Timestamp) {
        if let Some(index) = self.charters.iter().position(|known| *known == charter)
            && let Some(era) = self.eras.get_mut(index.saturating_add(1))
        {
            era.0 = received;
        }
    }

    /// Whether a charter is not among these though as many registrars have signed it, with this one, as must: then it is in
    /// force, and was left out. Where more were proposed than a vault keeps, one may have been forgotten with its first
    /// signatures.
    pub(super) fn is_left_out(&mut self, charter: Digest, registrar: PartyId, received: Timestamp) -> bool {
        if self.charters.contains(&charter) {
            self.proposed.clear();
            return false;
        }
        let needed = self.at(received).map(|(trust, _)| usize::from(trust.registrars_needed.max(1))).max();
        let signers = self.proposed.entry(charter).or_default();
        signers.insert(registrar);
        needed.is_some_and(|needed| signers.len() >= needed) && self.proposed.len() <= PROPOSALS_MAX
    }

    /// What was in force at a moment; both, at the moment of a change.
    pub(super) fn at(&self, moment: Timestamp) -> impl Iterator<Item = (&Trust, &Policy)> {
        let last = self.eras.iter().rposition(|(from, ..)| *from < moment).unwrap_or(0);
        let same =
            self.eras.iter().enumerate().filter(move |(index, (from, ..))| *index == last || *from == moment);
        same.map(|(_, (_, trust, policy))| (trust, policy))
    }

    /// Whether a party's clock and the custodian's were farther apart than any of the policies allows.
    pub(super) fn are_apart(&self, one: Timestamp, other: Timestamp) -> bool {
        one.max(other) > one.min(other).plus(self.skew)
    }

    /// Whether a card was a registrar's at a moment.
    pub(super) fn is_registrar(&self, card: &Known, moment: Timestamp) -> bool {
        self.at(moment).any(|(trust, _)| is_registrar(trust, card))
    }
}

/// Whether this is the card of a registrar by one policy.
pub(super) fn is_registrar(trust: &Trust, card: &Known) -> bool {
    card.role == Role::Registrar && trust.registrars.iter().any(|known| known.digest() == card.digest)
}
