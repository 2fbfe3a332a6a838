//! Other people: their cards, and what was granted by them.

use crate::{
    credential::{Attestations, Vouched},
    custodian::{Answer, MyFolder, Question},
    error::{Error, Misuse, Tampering},
    folder::FolderKind,
    id::{Digest, PartyId},
    party::{Card, Doctor, Fingerprint, RoleType},
    session::{Case, Session},
};

/// The most cards of others a session keeps at hand.
const CARDS_MAX: usize = 1024;

impl<R: RoleType> Session<'_, R> {
    /// A party's card, the one that was pinned, with its attestations.
    pub(super) fn card_of(&self, party: PartyId) -> Result<(Card, Attestations), Error> {
        let Answer::Card(card, attestations) = self.ask(Question::Card(party))? else {
            return Err(Tampering::Answer.into());
        };
        if card.party() != party {
            return Err(Tampering::Answer.into());
        }
        let mut state = self.state();
        state.memory.pin(party, card.digest())?;
        if state.cards.len() >= CARDS_MAX {
            state.cards.clear();
        }
        state.cards.insert(party, (card.clone(), attestations.clone()));
        Ok((card, attestations))
    }

    /// The same, as it was when it was last asked for: enough where the custodian would refuse what has changed since.
    pub(super) fn known_card(&self, party: PartyId) -> Result<(Card, Attestations), Error> {
        let known = self.state().cards.get(&party).cloned();
        known.map_or_else(|| self.card_of(party), Ok)
    }

    /// A party's card, if trusted registrars vouch for it now.
    ///
    /// # Errors
    /// [`Misuse::NotAttested`] if they do not; [`Tampering::Card`] if it is not the card that was pinned.
    pub fn vouched(&self, party: PartyId) -> Result<(Card, Vouched), Error> {
        let (card, attestations) = self.card_of(party)?;
        self.vouched_by((card, attestations))
    }

    /// The card, if trusted registrars vouch for it now by these attestations.
    pub(super) fn vouched_by(
        &self,
        (card, attestations): (Card, Attestations),
    ) -> Result<(Card, Vouched), Error> {
        let vouched = self.trust()?.vouched(&card, &attestations, self.clock.now());
        vouched.map(|vouched| (card, vouched)).ok_or_else(|| Misuse::NotAttested.into())
    }

    /// The cards that were offered in the place of pinned ones, by their digests: none of them was used.
    ///
    /// A card that changes is either the custodian's doing, or a party that lost its keys; ask the party, and
    /// [`Self::pin_anew`] what it confirms. [`Fingerprint::of`](crate::party::Fingerprint::of) puts a digest in words.
    #[must_use]
    pub fn changed_cards(&self) -> Vec<(PartyId, Digest)> {
        self.state().memory.offered.iter().map(|(party, card)| (*party, *card)).collect()
    }

    /// Takes the card that was offered for a party, after its fingerprint was compared out of band.
    ///
    /// # Errors
    /// [`Misuse::Fingerprint`] if it is not this card's, or none was offered.
    pub fn pin_anew(&self, party: PartyId, fingerprint: &Fingerprint) -> Result<(), Error> {
        let mut state = self.state();
        let offered = state.memory.offered.get(&party).copied();
        let offered =
            offered.filter(|card| Fingerprint::of(card) == *fingerprint).ok_or(Misuse::Fingerprint)?;
        state.memory.offered.remove(&party);
        state.memory.cards.insert(party, offered);
        state.cards.remove(&party);
        Ok(())
    }

    pub(super) fn my_folders(&self) -> Result<Vec<MyFolder>, Error> {
        let Answer::MyFolders(folders) = self.ask(Question::MyFolders)? else {
            return Err(Tampering::Answer.into());
        };
        Ok(folders)
    }
}

impl Session<'_, Doctor> {
    /// The cases this doctor was granted and may open now.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        let now = self.clock.now();
        let holds = |folder: &&MyFolder| {
            folder.statement.terms.starts() <= now && now < folder.statement.terms.ends()
        };
        let folders = self.my_folders()?;
        let identity_of = |case: &MyFolder| {
            let because = Some(case.statement.folder);
            folders.iter().filter(holds).find(|folder| folder.statement.because == because).copied()
        };
        let cases = folders.iter().filter(|folder| folder.kind != FolderKind::Identity).filter(holds);
        Ok(cases
            .map(|case| Case {
                folder: case.statement.folder,
                kind: case.kind,
                granted: Some(*case),
                identity: identity_of(case),
                is_closed: case.is_closed,
            })
            .collect())
    }
}
