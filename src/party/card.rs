//! Cards: a party's public keys.
//!
//! ```text
//! card  = { party, role, X-Wing public key, Ed25519 public key } ‖ Ed25519(…)      signed by the key it names
//! party = SHA-256("party id" ‖ Ed25519 public key)                                 nobody makes a card for another's id
//! ```

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    crypto::{Label, SealingKey, Signed, Signer, Statement, VerifyingKey, kdf::digest},
    id::{Digest, PartyId},
    party::{Fingerprint, Role},
};

/// What a card says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CardStatement {
    #[n(0)]
    pub(crate) party: PartyId,
    #[n(1)]
    pub(crate) role: Role,
    #[n(2)]
    pub(crate) sealing: SealingKey,
    #[n(3)]
    pub(crate) verifying: VerifyingKey,
}

wire! { CardStatement: "card", 2048; Card: "card", 2048; }

impl Statement for CardStatement {
    const LABEL: Label = Label::Card;
}

/// A party's public keys, with its own signature; a value of this type has been verified. A clone is cheap.
///
/// # Security
/// A card proves that whoever made it holds its keys, and no more. That the party is who it says is an attestation.
#[derive(Clone, PartialEq, Eq)]
pub struct Card(Arc<Verified>);

#[derive(PartialEq, Eq)]
struct Verified {
    signed: Signed<CardStatement>,
    statement: CardStatement,
    digest: Digest,
}

/// The most cards remembered: some twelve megabytes. Above it all are forgotten, and verified again.
const REMEMBERED_MAX: usize = 4096;

/// Cards that were read before, by their digests: what bytes are as a card does not change.
static REMEMBERED: Mutex<BTreeMap<Digest, Card>> = Mutex::new(BTreeMap::new());

impl Card {
    /// Makes a card and signs it with its own key.
    #[must_use]
    pub(super) fn sign(statement: CardStatement, signer: &Signer) -> Self {
        Self::of(Signed::sign(&statement, signer), statement)
    }

    fn of(signed: Signed<CardStatement>, statement: CardStatement) -> Self {
        let digest = signed.digest();
        Self(Arc::new(Verified { signed, statement, digest }))
    }

    /// The party whose first card has this key: the id vouches for the key, so that no other can be shown under it.
    #[must_use]
    pub fn party_of(key: &VerifyingKey) -> PartyId {
        PartyId::from_bytes(*digest(Label::PartyId, &[key.as_bytes()]).as_bytes())
    }

    /// Whose it is.
    #[must_use]
    pub fn party(&self) -> PartyId {
        self.0.statement.party
    }

    /// As what.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.statement.role
    }

    /// The key to wrap for.
    #[must_use]
    pub fn sealing_key(&self) -> &SealingKey {
        &self.0.statement.sealing
    }

    /// The key that verifies what it signs.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.0.statement.verifying
    }

    /// The digest that grants and attestations name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// What people compare out of band to know that they mean the same card.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.digest())
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({} {})", self.role(), self.party())
    }
}

impl<C> Encode<C> for Card {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        c: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.signed.encode(e, c)
    }
}

impl<'b, C> Decode<'b, C> for Card {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        let signed = Signed::<CardStatement>::decode(d, c)?;
        let wrong = || minicbor::decode::Error::message("not a card signed by itself");
        let remembered = || REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = signed.digest();
        if let Some(card) = remembered().get(&digest).filter(|card| card.0.signed == signed) {
            return Ok(card.clone());
        }
        let key = signed.claims().or(Err(wrong()))?.verifying;
        let statement = signed.verify(&key).or(Err(wrong()))?;
        if Self::party_of(&key) != statement.party {
            return Err(wrong());
        }
        let card = Self::of(signed, statement);
        let mut cards = remembered();
        if cards.len() >= REMEMBERED_MAX {
            cards.clear();
        }
        cards.insert(digest, card.clone());
        Ok(card)
    }
}
