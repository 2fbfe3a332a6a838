//! Cards, as far as an audit needs them: whose, as what, and what verifies what they signed.

use crate::{
    id::{Digest, PartyId},
    party::{Card, Role},
};

/// What is kept of a card that was verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) party: PartyId,
    pub(crate) digest: Digest,
    pub(crate) role: Role,
    /// Its Ed25519 key: in this form it takes a fifth of the memory.
    pub(crate) key: [u8; 32],
}

impl Known {
    pub(crate) fn of(card: &Card) -> Self {
        let key = *card.verifying_key().as_bytes();
        Self { party: card.party(), digest: card.digest(), role: card.role(), key }
    }
}

/// All cards of an export.
#[derive(Debug)]
pub(super) struct Cards {
    /// Of parties, one each, in the order of their ids.
    parties: Vec<Known>,
    /// Of who is or was a registrar.
    registrars: Vec<Known>,
}

impl Cards {
    /// Of a party's cards, the last counts; of a registrar's, the first.
    pub(super) fn new(mut parties: Vec<Known>, registrars: Vec<Known>) -> Self {
        parties.reverse();
        parties.sort_by_key(|known| known.party);
        parties.dedup_by_key(|known| known.party);
        parties.shrink_to_fit();
        Self { parties, registrars }
    }

    pub(super) fn of(&self, party: PartyId) -> Option<&Known> {
        let found = self.parties.binary_search_by_key(&party, |known| known.party);
        found.ok().and_then(|index| self.parties.get(index)).or_else(|| self.registrar(party))
    }

    pub(super) fn registrar(&self, party: PartyId) -> Option<&Known> {
        self.registrars.iter().find(|known| known.party == party)
    }
}
