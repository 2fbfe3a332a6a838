//! Trust: the vault and the registrars that a session goes by, pinned in its memory.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    credential::{AttestationStatement, Attestations},
    crypto::VerifyingKey,
    id::{Digest, VaultId},
    limits::REGISTRARS_MAX,
    party::{Card, Role},
    time::Timestamp,
};

/// Whom to believe: the vault's key, the registrars' cards, and how many of them must attest.
///
/// # Security
/// Given out of band, or pinned at first use: then the first answer decides, and comparing the fingerprint of the
/// registrars' cards is what makes it safe. A custodian cannot change it afterwards.
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
}

wire! { Trust: "trust", 2048 * REGISTRARS_MAX; }

/// That enough trusted registrars vouch for one card, now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vouched {
    /// The digest by which a grant names the attestations.
    pub digest: Digest,
    /// A doctor's specialty code.
    pub specialty: String,
    /// Until when, if none is withdrawn.
    pub until: Timestamp,
}

impl Trust {
    /// Whether enough registrars vouch for exactly this card at this moment.
    #[must_use]
    pub fn vouched(&self, card: &Card, attestations: &Attestations, now: Timestamp) -> Option<Vouched> {
        let valid: Vec<AttestationStatement> =
            attestations.0.iter().filter_map(|signed| self.believe(signed, card, now)).collect();
        let registrars: BTreeSet<_> = valid.iter().map(|statement| statement.registrar).collect();
        let needed = usize::from(self.registrars_needed.max(1));
        let first = valid.first().filter(|_| registrars.len() >= needed)?;
        let until = valid.iter().map(|statement| statement.until).min()?;
        Some(Vouched { digest: attestations.digest(), specialty: first.specialty.clone(), until })
    }

    fn believe(
        &self,
        signed: &crate::crypto::Signed<AttestationStatement>,
        card: &Card,
        now: Timestamp,
    ) -> Option<AttestationStatement> {
        let claimed = signed.claims().ok()?.registrar;
        let registrar = self.registrars.iter().find(|known| known.party() == claimed)?;
        let statement = signed.verify_again(registrar.verifying_key()).ok()?;
        let AttestationStatement { vault, subject, card: digest, role, from, until, .. } = &statement;
        let ok = registrar.role() == Role::Registrar
            && *vault == self.vault
            && *subject == card.party()
            && *digest == card.digest()
            && *role == card.role()
            && *from <= now
            && now < *until;
        ok.then_some(statement)
    }
}
