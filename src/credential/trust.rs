//! Trust: the vault and the registrars that a session goes by, pinned in its memory.

use std::{collections::BTreeSet, time::Duration};

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    credential::{AttestationStatement, Attestations, Coding},
    crypto::{Signed, VerifyingKey},
    id::{Digest, PartyId, VaultId},
    limits::REGISTRARS_MAX,
    party::{Card, Role},
    time::Timestamp,
};

/// Clocks differ a little: an attestation signed so shortly before a vetting began is that vetting's.
const VETTING_SLACK: Duration = Duration::from_secs(300);

/// Whom to believe: the vault's key, the registrars' cards, and how many of them must attest.
///
/// # Security
/// Given out of band, or pinned at first use: then the first answer decides, and comparing the fingerprint of the
/// registrars' cards is what makes it safe. A custodian cannot change it afterwards: it follows a policy only if enough of
/// these registrars signed it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Trust {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// The key it signs receipts and heads with.
    #[n(1)]
    pub vault_key: VerifyingKey,
    /// The registrars.
    #[n(2)]
    pub registrars: Vec<Card>,
    /// How many of them must attest a card.
    #[n(3)]
    pub registrars_needed: u8,
    /// How many policies came before the present one.
    #[cbor(n(4), default, skip_if = "is_first")]
    pub version: u32,
    /// The digest of the present policy.
    #[n(5)]
    pub policy: Option<Digest>,
    /// Registrars of before: what they attested until then still holds.
    #[cbor(n(6), default, skip_if = "Vec::is_empty")]
    pub former: Vec<FormerRegistrar>,
}

/// A registrar who left in good order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FormerRegistrar {
    /// The registrar's card.
    #[n(0)]
    pub card: Card,
    /// Until when it attested.
    #[n(1)]
    pub until: Timestamp,
}

wire! { Trust: "trust", 2 * 2048 * REGISTRARS_MAX; }

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called with a reference by the derived encoder")]
const fn is_first(version: &u32) -> bool {
    *version == 0
}

/// That enough trusted registrars vouch for one card, now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vouched {
    /// The digest by which a grant names the attestations.
    pub digest: Digest,
    /// A doctor's first specialty, in words.
    pub specialty: String,
    /// A doctor's specialties, with their codes where there are any: those that as many registrars name as must attest.
    pub specialties: Vec<Coding>,
    /// Where the licence holds, as as many say, or nothing.
    pub jurisdiction: String,
    /// Until when, if none is withdrawn.
    pub until: Timestamp,
    /// The card this person had before.
    pub succeeds: Option<PartyId>,
}

impl Trust {
    /// Whether enough registrars vouch for exactly this card at this moment.
    #[must_use]
    pub fn vouched(&self, card: &Card, attestations: &Attestations, now: Timestamp) -> Option<Vouched> {
        let valid = self.vouching(card, attestations, now);
        if !self.are_enough(&valid) {
            return None;
        }
        let until = valid.iter().map(|statement| statement.until).min()?;
        let mut specialties: Vec<Coding> = Vec::new();
        for specialty in valid.iter().flat_map(AttestationStatement::all_specialties) {
            let names = |statement: &&AttestationStatement| {
                statement.all_specialties().iter().any(|named| named.is_same(&specialty))
            };
            let is_new = !specialties.iter().any(|known| known.is_same(&specialty));
            if is_new && self.are_enough(valid.iter().filter(names)) {
                specialties.push(specialty);
            }
        }
        let is_agreed = |jurisdiction: &&String| {
            self.are_enough(valid.iter().filter(|statement| statement.jurisdiction == **jurisdiction))
        };
        let jurisdiction = valid.iter().map(|statement| &statement.jurisdiction).find(is_agreed);
        Some(Vouched {
            digest: attestations.digest(),
            specialty: specialties.first().map(ToString::to_string).unwrap_or_default(),
            specialties,
            jurisdiction: jurisdiction.cloned().unwrap_or_default(),
            until,
            succeeds: valid.iter().find_map(|statement| statement.succeeds),
        })
    }

    /// Whether a vetting that began then is over: enough registrars have attested since.
    #[must_use]
    pub fn is_vetted(
        &self,
        card: &Card,
        attestations: &Attestations,
        (now, begun): (Timestamp, Timestamp),
    ) -> bool {
        let valid = self.vouching(card, attestations, now);
        let since: Vec<_> = valid
            .into_iter()
            .filter(|statement| statement.signed_at().plus(VETTING_SLACK) >= begun)
            .collect();
        self.are_enough(&since)
    }

    /// Whether this is the card of a present registrar.
    #[must_use]
    pub fn is_registrar(&self, card: &Card) -> bool {
        card.role() == Role::Registrar && self.registrars.contains(card)
    }

    /// The card of a registrar, present or former.
    #[must_use]
    pub fn registrar(&self, party: PartyId) -> Option<&Card> {
        let former = self.former.iter().map(|former| &former.card);
        self.registrars.iter().chain(former).find(|card| card.party() == party)
    }

    fn are_enough<'s>(&self, valid: impl IntoIterator<Item = &'s AttestationStatement>) -> bool {
        let registrars: BTreeSet<_> = valid.into_iter().map(|statement| statement.registrar).collect();
        registrars.len() >= usize::from(self.registrars_needed.max(1))
    }

    /// What each registrar who is to be believed says of exactly this card at this moment, enough of them or not.
    #[must_use]
    pub(crate) fn vouching(
        &self,
        card: &Card,
        attestations: &Attestations,
        now: Timestamp,
    ) -> Vec<AttestationStatement> {
        attestations.0.iter().filter_map(|signed| self.believe(signed, card, now)).collect()
    }

    fn believe(
        &self,
        signed: &Signed<AttestationStatement>,
        card: &Card,
        now: Timestamp,
    ) -> Option<AttestationStatement> {
        let registrar =
            self.admits(&Word::of(&signed.claims().ok()?), (card.party(), card.digest(), card.role()), now)?;
        signed.verify_again(registrar.verifying_key()).ok()
    }

    /// The card of the registrar who says so, if the word counts for this card at this moment: then it remains to be seen
    /// whether that registrar signed it.
    pub(crate) fn admits(
        &self,
        word: &Word,
        (party, digest, role): (PartyId, Digest, Role),
        now: Timestamp,
    ) -> Option<&Card> {
        let is_its = |known: &Card| known.party() == word.registrar && known.role() == Role::Registrar;
        let present = self.registrars.iter().find(|known| is_its(known)).map(|known| (known, None));
        let former = || {
            let former = self.former.iter().find(|former| is_its(&former.card));
            former.map(|former| (&former.card, Some(former.until)))
        };
        let (registrar, ended) = present.or_else(former)?;
        let ok = word.vault == self.vault
            && word.subject == party
            && word.card == digest
            && word.role == role
            && word.from <= now
            && now < word.until
            && ended.is_none_or(|ended| word.signed_at < ended);
        ok.then_some(registrar)
    }
}

/// What decides whether an attestation counts, and no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    vault: VaultId,
    pub(crate) registrar: PartyId,
    subject: PartyId,
    card: Digest,
    role: Role,
    from: Timestamp,
    until: Timestamp,
    signed_at: Timestamp,
}

impl Word {
    pub(crate) fn of(statement: &AttestationStatement) -> Self {
        let AttestationStatement { vault, registrar, subject, card, role, from, until, .. } = *statement;
        Self { vault, registrar, subject, card, role, from, until, signed_at: statement.signed_at() }
    }
}
