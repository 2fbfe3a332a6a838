//! Charters: a policy as the registrars sign it, each naming the one before.
//!
//! ```text
//! charter = { vault, version, H(policy before), policy } ‖ Ed25519 of k registrars of the policy before
//! ```

use minicbor::{Decode, Encode};

use crate::{
    access::Policy,
    codec::wire,
    credential::Trust,
    crypto::{CoSigned, Label, Statement},
    id::{Digest, VaultId},
    limits::REGISTRARS_MAX,
    party::Card,
};

/// A policy and the one it follows on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CharterStatement {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// How many policies came before.
    #[n(1)]
    pub version: u32,
    /// The digest of the policy before.
    #[n(2)]
    pub previous: Digest,
    /// What is allowed from then on.
    #[n(3)]
    pub policy: Policy,
}

wire! { CharterStatement: "charter", 256 + 2 * 2048 * REGISTRARS_MAX; }

impl Statement for CharterStatement {
    const LABEL: Label = Label::Charter;
}

/// One policy, signed by several registrars.
pub type Charter = CoSigned<CharterStatement>;

impl Charter {
    /// The policy and the trust that follow, if enough of the registrars trusted so far signed it.
    ///
    /// A registrar who leaves may sign, and counts; who is not one yet does not. Nobody is left out by fewer than must sign.
    #[must_use]
    pub fn follow(&self, trust: &Trust) -> Option<(Policy, Trust)> {
        let statement = self.claims().ok()?;
        let follows = statement.vault == trust.vault
            && Some(statement.version) == trust.version.checked_add(1)
            && Some(statement.previous) == trust.policy
            && statement.policy.is_sound();
        let needed = usize::from(trust.registrars_needed.max(1));
        if !follows || self.signers(trust).len() < needed {
            return None;
        }
        let CharterStatement { version, policy, .. } = statement;
        let next = policy.trust(trust.vault, trust.vault_key, version);
        Some((policy, next))
    }

    /// The policy with the good signatures of trusted registrars alone: a bad one in somebody's name would keep his own off.
    #[must_use]
    pub fn kept(self, trust: &Trust) -> Self {
        let keys: Vec<_> = trust.registrars.iter().map(|card| (card.party(), card.verifying_key())).collect();
        self.signed_by(&keys)
    }

    /// The trusted registrars who signed it.
    #[must_use]
    pub fn signers<'t>(&self, trust: &'t Trust) -> Vec<&'t Card> {
        let signed = |card: &&Card| self.is_signed_by(card.party(), card.verifying_key());
        trust.registrars.iter().filter(signed).collect()
    }
}
