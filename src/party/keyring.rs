//! Keyrings: all a party's secrets, from one seed.
//!
//! ```text
//! X-Wing  = HKDF(seed, "keyring x-wing")        Ed25519 = HKDF(seed, "keyring ed25519")
//! party   = SHA-256("party id" ‖ Ed25519 key)   Case    = HKDF(seed, "case signing" ‖ vault ‖ nonce)
//! ```

use std::fmt;

use crate::{
    crypto::{
        Label, NoRandomness, OpeningKey, Random, Secret, Signer, VerifyingKey,
        kdf::{derive, digest},
    },
    id::{FolderId, PartyId, VaultId},
    party::{Card, CardStatement, Role},
};

/// A party's secret keys.
///
/// # Security
/// Not `Clone`, not printable. Whoever has the seed is the party: keep it in a [`KeyFile`](crate::party::KeyFile).
pub struct Keyring {
    seed: Secret<32>,
    party: PartyId,
    opening: OpeningKey,
    signer: Signer,
}

impl Keyring {
    /// A new keyring, from the system's randomness.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::generate_with(&mut Random::system()?))
    }

    /// A new keyring, from this randomness.
    #[must_use]
    pub fn generate_with(random: &mut Random) -> Self {
        Self::from_seed(Secret::generate(random))
    }

    /// The keyring of a seed. The public half is computed, never taken from elsewhere.
    #[must_use]
    pub fn from_seed(seed: Secret<32>) -> Self {
        let of = |label| derive(seed.expose(), &[], label, &[]);
        let signer = Signer::from_seed(&of(Label::Signing));
        let party = Card::party_of(&signer.verifying_key());
        Self { party, opening: OpeningKey::from_seed(&of(Label::XWing)), signer, seed }
    }

    /// The party whose keyring it is.
    #[must_use]
    pub const fn party(&self) -> PartyId {
        self.party
    }

    /// The public half, in a role.
    #[must_use]
    pub fn card(&self, role: Role) -> Card {
        let statement = CardStatement {
            party: self.party,
            role,
            sealing: self.opening.sealing_key().clone(),
            verifying: self.signer.verifying_key(),
        };
        Card::sign(statement, &self.signer)
    }

    /// Signs as the party.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Unwraps what was wrapped for the party.
    #[must_use]
    pub const fn opening_key(&self) -> &OpeningKey {
        &self.opening
    }

    /// The signing key of one of the party's Cases, under which nothing ties it to the party.
    #[must_use]
    pub fn derive_case(&self, vault: VaultId, nonce: [u8; 16]) -> CaseKey {
        let seed = derive(self.seed.expose(), &[], Label::CaseSigning, &[vault.as_bytes(), &nonce]);
        let signer = Signer::from_seed(&seed);
        CaseKey { folder: CaseKey::folder_of(vault, &signer.verifying_key()), nonce, signer }
    }

    /// The key that seals what this party keeps for itself.
    #[must_use]
    pub fn derive_own(&self, label: Label, context: &[&[u8]]) -> Secret<32> {
        derive(self.seed.expose(), &[], label, context)
    }

    pub(super) const fn seed(&self) -> &Secret<32> {
        &self.seed
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.party)
    }
}

/// The signing key of one Case.
#[derive(Debug)]
pub struct CaseKey {
    folder: FolderId,
    nonce: [u8; 16],
    signer: Signer,
}

impl CaseKey {
    /// The Case's id: the digest of its verifying key, so that the id vouches for the key.
    #[must_use]
    pub const fn folder(&self) -> FolderId {
        self.folder
    }

    /// The id of the Case with this verifying key.
    #[must_use]
    pub fn folder_of(vault: VaultId, key: &VerifyingKey) -> FolderId {
        FolderId::from_bytes(*digest(Label::CaseId, &[vault.as_bytes(), key.as_bytes()]).as_bytes())
    }

    /// What it was derived with: public, and enough for the owner to derive it again.
    #[must_use]
    pub const fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    /// Signs as the Case.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }
}
