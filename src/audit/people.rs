//! Who was attested, and who stood how, at a moment: by what registrars signed until then.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::{Charter, Policy},
    credential::{AttestationStatement, Attestations, CreditLedger, RulingStatement, Standing, Trust},
    crypto::{Signed, VerifyingKey},
    id::{Digest, PartyId, VaultId},
    limits::{PROPOSALS_MAX, SUCCESSIONS_MAX},
    log::SignedCheckpoint,
    party::Card,
    time::Timestamp,
};

/// The policies, each with when it came into force.
#[derive(Debug)]
pub(super) struct Rules {
    eras: Vec<(Timestamp, Trust, Policy)>,
    /// The charters that follow on one another, by what their events name.
    charters: Vec<Digest>,
    /// Who signed other charters since the last of these came into force.
    proposed: BTreeMap<Digest, BTreeSet<PartyId>>,
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
        Some(Self {
            eras,
            charters: charters.iter().map(Charter::digest).collect(),
            proposed: BTreeMap::new(),
        })
    }

    /// Whether as many witnesses as the newest policy asks for have seen a checkpoint.
    pub(super) fn is_witnessed(&self, checkpoint: &str) -> bool {
        let newest = self.eras.last().map(|(_, _, policy)| policy.witnesses());
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes());
        newest.zip(checkpoint.ok()).is_some_and(|(witnesses, checkpoint)| witnesses.is_met(&checkpoint))
    }

    /// The digest of the policy a vault began with.
    pub(super) fn first(&self) -> Option<Digest> {
        self.eras.first().map(|(_, _, policy)| policy.digest())
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
        let most = self.eras.iter().map(|(_, _, policy)| policy.skew()).max().unwrap_or_default();
        one.max(other) > one.min(other).plus(most)
    }

    /// The card of a party that is or was a registrar.
    pub(super) fn card(&self, party: PartyId) -> Option<&Card> {
        self.eras.iter().rev().find_map(|(_, trust, _)| trust.registrar(party))
    }

    /// Whether a card was a registrar's at a moment.
    pub(super) fn is_registrar(&self, card: &Card, moment: Timestamp) -> bool {
        self.at(moment).any(|(trust, _)| trust.is_registrar(card))
    }
}

/// What registrars said of parties, in the order it was received.
#[derive(Debug, Default)]
pub(super) struct People {
    attested: BTreeMap<PartyId, Vec<(Timestamp, bool, Signed<AttestationStatement>)>>,
    ruled: BTreeMap<PartyId, Vec<(Timestamp, RulingStatement)>>,
}

impl People {
    pub(super) fn attest(
        &mut self,
        party: PartyId,
        received: Timestamp,
        (is_given, signed): (bool, Signed<AttestationStatement>),
    ) {
        self.attested.entry(party).or_default().push((received, is_given, signed));
    }

    pub(super) fn rule(&mut self, party: PartyId, received: Timestamp, statement: RulingStatement) {
        self.ruled.entry(party).or_default().push((received, statement));
    }

    /// The attestations of a party at a moment: as they were before it, and after each that was received in it. Clocks of
    /// different streams tell no order within a millisecond.
    fn states(&self, party: PartyId, moment: Timestamp) -> Vec<Attestations> {
        let mut list: Vec<Signed<AttestationStatement>> = Vec::new();
        let mut states = Vec::new();
        for (received, is_given, signed) in self.attested.get(&party).into_iter().flatten() {
            if *received > moment {
                break;
            }
            if *received == moment {
                states.push(Attestations(list.clone()));
            }
            if *is_given {
                let registrar = signed.claims().ok().map(|claims| claims.registrar);
                list.retain(|known| known.claims().ok().map(|known| known.registrar) != registrar);
                list.push(signed.clone());
            } else {
                list.retain(|known| known != signed);
            }
        }
        states.push(Attestations(list));
        states
    }

    /// Whether a card was vouched for at a moment; by exactly these attestations, if they are named.
    pub(super) fn is_attested(
        &self,
        rules: &Rules,
        (card, moment): (&Card, Timestamp),
        named: Option<Digest>,
    ) -> bool {
        let states = self.states(card.party(), moment);
        states.iter().filter(|state| named.is_none_or(|named| state.digest() == named)).any(|state| {
            rules
                .at(moment)
                .any(|(trust, _)| trust.is_registrar(card) || trust.vouched(card, state, moment).is_some())
        })
    }

    /// The best standing that a party may have had at a moment: rulings received in it count, or do not.
    pub(super) fn standing(&self, rules: &Rules, party: PartyId, moment: Timestamp) -> Standing {
        let mut ledger = CreditLedger::default();
        let (mut next, mut seen) = (Some(party), BTreeSet::new());
        for _ in 0..SUCCESSIONS_MAX {
            let Some(party) = next.filter(|party| seen.insert(*party)) else { break };
            for (received, statement) in self.ruled.get(&party).into_iter().flatten() {
                if *received < moment {
                    ledger.enter(statement.ruling, &statement.verdict);
                }
            }
            let given = self.attested.get(&party).into_iter().flatten();
            let statements = given.filter(|(received, ..)| *received <= moment);
            next = statements.rev().find_map(|(_, _, signed)| signed.claims().ok()?.succeeds);
        }
        let of = |policy: &Policy| ledger.standing(&policy.standing_thresholds(), moment);
        rules.at(moment).map(|(_, policy)| of(policy)).min().unwrap_or_default()
    }
}
