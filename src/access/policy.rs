//! Policy: what this vault allows.

use std::{collections::BTreeSet, time::Duration};

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    credential::{FormerRegistrar, Thresholds, Trust},
    crypto::{Label, VerifyingKey, kdf::digest},
    id::{Digest, PartyId, VaultId},
    limits::REGISTRARS_MAX,
    log::WitnessPolicy,
    party::{Card, Role},
    time::{Timestamp, days},
};

/// What this vault allows; the defaults are safe.
///
/// Changed only by enough of its registrars: see [`Charter`](crate::access::Charter).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    #[n(0)]
    pub(crate) registrars: Vec<Card>,
    #[n(1)]
    pub(crate) registrars_needed: u8,
    #[n(2)]
    pub(crate) patients_attested: bool,
    #[n(3)]
    pub(crate) open_cases_max: u32,
    #[n(4)]
    longest_grant_s: u64,
    #[n(5)]
    clock_skew_s: u64,
    #[n(6)]
    pub(crate) denials_per_minute: u32,
    /// What was said of conduct; the defaults, if nothing was.
    #[n(7)]
    conduct: Option<Conduct>,
    /// Registrars of before: what they attested until then still holds.
    #[cbor(n(8), default, skip_if = "Vec::is_empty")]
    pub(crate) former: Vec<FormerRegistrar>,
    /// Who must see the log's checkpoints.
    #[cbor(n(9), default, skip_if = "WitnessPolicy::is_none")]
    witnesses: WitnessPolicy,
    /// The public area, if there is one.
    #[n(10)]
    pub(crate) public: Option<PublicArea>,
}

/// Who runs the public area, and under which public policy: what enough registrars signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicArea {
    /// The digest of the public policy: how coarse an abstract is, and what hides a person.
    #[n(0)]
    pub policy: Digest,
    /// The curator's card, for which abstracts are sealed.
    #[n(1)]
    pub curator: Card,
}

/// What is asked of people's conduct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Conduct {
    #[n(0)]
    pub(crate) thresholds: Thresholds,
    #[n(1)]
    pub(crate) new_cases_max: u32,
    #[n(2)]
    idle_s: u64,
    #[n(3)]
    pub(crate) reports_max: u32,
    #[n(4)]
    pub(crate) is_one_card_a_person: bool,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            new_cases_max: 50,
            idle_s: days(180).as_secs(),
            reports_max: 10,
            is_one_card_a_person: false,
        }
    }
}

wire! { Policy: "policy", 2 * 2048 * REGISTRARS_MAX; }

impl Policy {
    /// Trusts these registrars, one of whom must attest; patients must be attested; at most 20 open cases a patient, and
    /// 50 new ones a day; cases lapse after 180 days without an act; at most ten reports a party a day; grants of at most a
    /// year; clocks at most five minutes apart.
    #[must_use]
    pub fn trusting<'a>(registrars: impl IntoIterator<Item = &'a Card>) -> Self {
        Self {
            registrars: registrars.into_iter().cloned().collect(),
            registrars_needed: 1,
            patients_attested: true,
            open_cases_max: 20,
            longest_grant_s: days(366).as_secs(),
            clock_skew_s: 300,
            denials_per_minute: 600,
            conduct: None,
            former: Vec::new(),
            witnesses: WitnessPolicy::none(),
            public: None,
        }
    }

    /// So many registrars must attest a card, and sign a change of this policy.
    #[must_use]
    pub fn registrars_needed(self, count: u8) -> Self {
        Self { registrars_needed: count, ..self }
    }

    /// With one more registrar.
    #[must_use]
    pub fn adding(mut self, registrar: &Card) -> Self {
        self.registrars.push(registrar.clone());
        self.former.retain(|former| former.card != *registrar);
        self
    }

    /// Without a registrar, and without all that he attested.
    #[must_use]
    pub fn expelling(mut self, registrar: PartyId) -> Self {
        self.registrars.retain(|card| card.party() != registrar);
        self.former.retain(|former| former.card.party() != registrar);
        self
    }

    /// Without a registrar; what he attested before this moment still holds, as long as it says.
    #[must_use]
    pub fn retiring(mut self, registrar: PartyId, at: Timestamp) -> Self {
        let (left, stay) = self.registrars.into_iter().partition(|card| card.party() == registrar);
        let left: Vec<Card> = left;
        self.former.extend(left.into_iter().map(|card| FormerRegistrar { card, until: at }));
        Self { registrars: stay, ..self }
    }

    /// With a registrar's new card in the place of the old: a change of keys.
    #[must_use]
    pub fn replacing(self, registrar: PartyId, card: &Card, at: Timestamp) -> Self {
        self.retiring(registrar, at).adding(card)
    }

    /// Patients open cases without an attestation.
    #[must_use]
    pub fn admitting_unattested_patients(self) -> Self {
        Self { patients_attested: false, ..self }
    }

    /// A patient has at most so many open cases.
    #[must_use]
    pub fn open_cases_max(self, count: u32) -> Self {
        Self { open_cases_max: count, ..self }
    }

    /// A patient opens at most so many cases a day.
    #[must_use]
    pub fn new_cases_a_day_max(self, count: u32) -> Self {
        self.with_conduct(|conduct| Conduct { new_cases_max: count, ..conduct })
    }

    /// A case in which nothing is written or granted for so long is closed by itself.
    #[must_use]
    pub fn cases_lapse_after(self, span: Duration) -> Self {
        self.with_conduct(|conduct| Conduct { idle_s: span.as_secs(), ..conduct })
    }

    /// A party makes at most so many reports and appeals a day.
    #[must_use]
    pub fn reports_a_day_max(self, count: u32) -> Self {
        self.with_conduct(|conduct| Conduct { reports_max: count, ..conduct })
    }

    /// From which weight of strikes on a party is warned, suspended, barred.
    #[must_use]
    pub fn thresholds(self, thresholds: Thresholds) -> Self {
        self.with_conduct(|conduct| Conduct { thresholds, ..conduct })
    }

    /// An attestation says which person it is about, and nobody has two live cards of one role.
    #[must_use]
    pub fn one_card_a_person(self) -> Self {
        self.with_conduct(|conduct| Conduct { is_one_card_a_person: true, ..conduct })
    }

    /// Witnesses sign the log's checkpoints too, so many of these at the least: an audit misses what they did not see.
    #[must_use]
    pub fn witnessed_by(self, witnesses: WitnessPolicy) -> Self {
        Self { witnesses, ..self }
    }

    /// With a public area: the digest of its public policy, and the card of its curator, who must be attested besides.
    #[must_use]
    pub fn curated(self, policy: Digest, curator: &Card) -> Self {
        Self { public: Some(PublicArea { policy, curator: curator.clone() }), ..self }
    }

    /// Without a public area: nothing more is shared or released; what was shared can be taken back.
    #[must_use]
    pub fn uncurated(self) -> Self {
        Self { public: None, ..self }
    }

    /// The public area, if there is one.
    #[must_use]
    pub const fn public_area(&self) -> Option<&PublicArea> {
        self.public.as_ref()
    }

    fn with_conduct(self, change: impl FnOnce(Conduct) -> Conduct) -> Self {
        Self { conduct: Some(change(self.conduct())), ..self }
    }

    /// No grant lasts longer.
    #[must_use]
    pub fn longest_grant(self, span: Duration) -> Self {
        Self { longest_grant_s: span.as_secs(), ..self }
    }

    /// A party's clock and the custodian's may be so far apart.
    #[must_use]
    pub fn clock_skew(self, span: Duration) -> Self {
        Self { clock_skew_s: span.as_secs(), ..self }
    }

    /// The registrars' cards.
    #[must_use]
    pub fn registrars(&self) -> &[Card] {
        &self.registrars
    }

    /// From which weight of strikes on a party stands how.
    #[must_use]
    pub fn standing_thresholds(&self) -> Thresholds {
        self.conduct().thresholds
    }

    /// After how long without an act a case lapses.
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.conduct().idle_s)
    }

    /// Who must see the log's checkpoints.
    #[must_use]
    pub const fn witnesses(&self) -> &WitnessPolicy {
        &self.witnesses
    }

    /// The digest by which the next policy names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::Policy, &[&codec::encode(self)])
    }

    /// Whom sessions trust under this policy.
    #[must_use]
    pub fn trust(&self, vault: VaultId, vault_key: VerifyingKey, version: u32) -> Trust {
        Trust {
            vault,
            vault_key,
            registrars: self.registrars.clone(),
            registrars_needed: self.registrars_needed,
            version,
            policy: Some(self.digest()),
            former: self.former.clone(),
        }
    }

    /// Whether it can be kept: registrars there are, not too many, each once, as many as must sign; worse standings need
    /// more weight.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let Thresholds { warned, suspended, barred } = self.conduct().thresholds;
        let (count, needed) = (self.registrars.len(), usize::from(self.registrars_needed));
        let all = self.registrars.iter().chain(self.former.iter().map(|former| &former.card));
        let parties: BTreeSet<PartyId> = all.clone().map(Card::party).collect();
        all.clone().all(|card| card.role() == Role::Registrar)
            && parties.len() == all.count()
            && (1..=count).contains(&needed)
            && parties.len() <= REGISTRARS_MAX
            && (1..=suspended).contains(&warned)
            && suspended <= barred
            && self.public.as_ref().is_none_or(|area| area.curator.role() == Role::Curator)
    }

    pub(crate) fn conduct(&self) -> Conduct {
        self.conduct.unwrap_or_default()
    }

    pub(crate) const fn longest(&self) -> Duration {
        Duration::from_secs(self.longest_grant_s)
    }

    pub(crate) const fn skew(&self) -> Duration {
        Duration::from_secs(self.clock_skew_s)
    }
}
