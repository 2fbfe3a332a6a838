//! Who was attested, and who stood how, at a moment: by what registrars signed until then.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::Policy,
    audit::{
        cards::Known,
        rules::{Rules, is_registrar},
    },
    credential::{
        AttestationStatement, Attestations, CreditLedger, RulingStatement, Standing, Trust, Verdict, Word,
    },
    crypto::Signed,
    id::{Digest, PartyId, RulingId},
    limits::SUCCESSIONS_MAX,
    time::Timestamp,
};

/// An attestation given or withdrawn, as far as the judgement needs it.
#[derive(Debug)]
pub(super) struct Attested {
    received: Timestamp,
    is_given: bool,
    /// The digest of the signed attestation.
    signed: Digest,
    word: Word,
    /// Whether it is by the registrar who handed it in, whose signature it bears.
    is_by_its: bool,
    succeeds: Option<PartyId>,
    /// The digest of all attestations of the party that held after it: what a grant names.
    after: Digest,
}

/// The attestations of one party that hold, while its stream is read.
#[derive(Debug, Default)]
pub(super) struct Held(Vec<(PartyId, Signed<AttestationStatement>)>);

impl Held {
    /// The next one, whose signature by this registrar was verified.
    pub(super) fn next(
        &mut self,
        (is_given, received): (bool, Timestamp),
        registrar: PartyId,
        (signed, statement): (Signed<AttestationStatement>, &AttestationStatement),
    ) -> Attested {
        let word = Word::of(statement);
        let digest = signed.digest();
        if is_given {
            self.0.retain(|(known, _)| *known != word.registrar);
            self.0.push((word.registrar, signed));
        } else {
            self.0.retain(|(_, known)| *known != signed);
        }
        let held = self.0.iter().map(|(_, signed)| signed.clone()).collect();
        Attested {
            received,
            is_given,
            signed: digest,
            word,
            is_by_its: registrar == word.registrar,
            succeeds: statement.succeeds,
            after: Attestations(held).digest(),
        }
    }
}

/// What registrars said of parties, in the order it was received.
#[derive(Debug)]
pub(super) struct People {
    attested: BTreeMap<PartyId, Vec<Attested>>,
    ruled: BTreeMap<PartyId, Vec<(Timestamp, RulingId, Verdict)>>,
    /// The digest of no attestations.
    nothing: Digest,
}

impl Default for People {
    fn default() -> Self {
        let nothing = Attestations::default().digest();
        Self { attested: BTreeMap::new(), ruled: BTreeMap::new(), nothing }
    }
}

impl People {
    pub(super) fn attest(&mut self, party: PartyId, attested: Attested) {
        let known = self.attested.entry(party).or_default();
        // Most are attested once: the room for four would be most of the memory.
        known.reserve_exact(1);
        known.push(attested);
    }

    pub(super) fn rule(&mut self, party: PartyId, received: Timestamp, statement: &RulingStatement) {
        self.ruled.entry(party).or_default().push((received, statement.ruling, statement.verdict));
    }

    /// Whether a card was vouched for at a moment; by exactly these attestations, if they are named.
    ///
    /// The attestations of a party at a moment are as they were before it, or as after one that was received in it: clocks of
    /// different streams tell no order within a millisecond.
    pub(super) fn is_attested(
        &self,
        rules: &Rules,
        (card, moment): (&Known, Timestamp),
        named: Option<Digest>,
    ) -> bool {
        let (mut held, mut digest): (Vec<&Attested>, _) = (Vec::new(), self.nothing);
        let is_enough = |held: &[&Attested], digest: Digest| {
            named.is_none_or(|named| named == digest)
                && rules
                    .at(moment)
                    .any(|(trust, _)| is_registrar(trust, card) || is_vouched(trust, (card, moment), held))
        };
        for attested in self.attested.get(&card.party).into_iter().flatten() {
            if attested.received > moment {
                break;
            }
            if attested.received == moment && is_enough(&held, digest) {
                return true;
            }
            if attested.is_given {
                held.retain(|known| known.word.registrar != attested.word.registrar);
                held.push(attested);
            } else {
                held.retain(|known| known.signed != attested.signed);
            }
            digest = attested.after;
        }
        is_enough(&held, digest)
    }

    /// The best standing that a party may have had at a moment: rulings received in it count, or do not.
    pub(super) fn standing(&self, rules: &Rules, party: PartyId, moment: Timestamp) -> Standing {
        let mut ledger = CreditLedger::default();
        let (mut next, mut seen) = (Some(party), BTreeSet::new());
        for _ in 0..SUCCESSIONS_MAX {
            let Some(party) = next.filter(|party| seen.insert(*party)) else { break };
            for (received, ruling, verdict) in self.ruled.get(&party).into_iter().flatten() {
                if *received < moment {
                    ledger.enter(*ruling, verdict);
                }
            }
            let given = self.attested.get(&party).into_iter().flatten();
            next = given.filter(|known| known.received <= moment).rev().find_map(|known| known.succeeds);
        }
        let of = |policy: &Policy| ledger.standing(&policy.standing_thresholds(), moment);
        rules.at(moment).map(|(_, policy)| of(policy)).min().unwrap_or_default()
    }
}

/// Whether enough registrars whom one policy trusts vouch for exactly this card at this moment.
fn is_vouched(trust: &Trust, (card, moment): (&Known, Timestamp), held: &[&Attested]) -> bool {
    let of = (card.party, card.digest, card.role);
    let vouching =
        held.iter().filter(|known| known.is_by_its && trust.admits(&known.word, of, moment).is_some());
    let registrars: BTreeSet<PartyId> = vouching.map(|known| known.word.registrar).collect();
    registrars.len() >= usize::from(trust.registrars_needed.max(1))
}
