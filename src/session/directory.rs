//! The directory, as a party looks into it: nothing in it is shown that the registrars and the doctor did not sign.

use std::fmt;

use crate::{
    codec,
    credential::{Attestations, Experience, Listing, ListingStatement, Standing, Vouched},
    crypto::Signed,
    custodian::{Answer, Listed, Question, Search},
    error::{Error, Tampering},
    id::PartyId,
    limits::PAGE_MAX,
    party::{Card, Owner, Role},
    session::Session,
};

/// Whether a card is the one that was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pin {
    /// Another card was seen under this id: this one is not used, and nothing is granted to it.
    Changed,
    /// The card seen before.
    Known,
    /// Not seen before.
    New,
}

/// A doctor, as everybody may know him.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedDoctor {
    /// The party to assign.
    pub party: PartyId,
    /// What registrars vouch for, by their own signatures.
    pub vouched: Vouched,
    /// What the doctor says of himself, by his own.
    pub listing: Listing,
    /// How he stands, by the custodian's word alone.
    pub standing: Standing,
    /// Whether his card is the one seen before.
    pub pin: Pin,
    card: Card,
}

impl ListedDoctor {
    /// His card: its fingerprint is for comparing out of band.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }
}

impl fmt::Display for ListedDoctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { party, vouched, listing, standing, pin, card: _ } = self;
        write!(f, "{} ({party}), {}", listing.pseudonym(), vouched.specialty)?;
        if !listing.languages().is_empty() {
            write!(f, ", speaks {}", listing.languages().join(" "))?;
        }
        if !listing.in_region().is_empty() {
            write!(f, ", in {}", listing.in_region())?;
        }
        if listing.has_experience() != Experience::Unsaid {
            write!(f, ", {} in practice", listing.has_experience())?;
        }
        write!(
            f,
            ", standing {standing}, {}",
            if listing.is_accepting() { "takes new cases" } else { "takes no new cases" }
        )?;
        if *pin == Pin::Changed {
            f.write_str(". THE CARD HAS CHANGED: ask him before you trust it")
        } else {
            Ok(())
        }
    }
}

/// A page of the directory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DirectoryPage {
    /// The doctors.
    pub doctors: Vec<ListedDoctor>,
    /// Where the next page begins, if there is one: give it as `after`.
    pub next: Option<u32>,
}

/// A search of the directory, put together before it is asked.
#[derive(Debug, Clone, Default)]
pub struct Looking(Search);

impl Looking {
    /// For doctors, whoever they are: twenty at a time.
    #[must_use]
    pub fn for_doctors() -> Self {
        Self(Search { limit: 20, ..Search::default() })
    }

    /// Of a specialty, by its code or its words as the registrars attest them.
    #[must_use]
    pub fn specialty(self, specialty: &str) -> Self {
        Self(Search { specialty: Some(specialty.to_owned()), ..self.0 })
    }

    /// Who speak a language.
    #[must_use]
    pub fn language(self, language: &str) -> Self {
        Self(Search { language: Some(language.to_owned()), ..self.0 })
    }

    /// In a region, or a country.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self(Search { region: Some(region.to_owned()), ..self.0 })
    }

    /// For so long in practice.
    #[must_use]
    pub fn experience(self, experience: Experience) -> Self {
        Self(Search { experience: Some(experience), ..self.0 })
    }

    /// Who take new cases.
    #[must_use]
    pub fn accepting(self) -> Self {
        Self(Search { is_accepting: true, ..self.0 })
    }

    /// Against whom nothing counts.
    #[must_use]
    pub fn in_good_standing(self) -> Self {
        Self(Search { is_good: true, ..self.0 })
    }

    /// From where the last page ended.
    #[must_use]
    pub fn after(self, next: u32) -> Self {
        Self(Search { after: Some(next), ..self.0 })
    }

    /// So many at a time, 64 at the most.
    #[must_use]
    pub fn at_most(self, count: usize) -> Self {
        Self(Search { limit: u16::try_from(count.clamp(1, PAGE_MAX)).unwrap_or(1), ..self.0 })
    }
}

impl<R: Owner> Session<'_, R> {
    /// Looks into the directory. What is shown is signed by the doctor and by the registrars, and says what was looked for;
    /// that nobody is missing is the custodian's word.
    ///
    /// # Errors
    /// [`Error::Denied`] if one is not attested, or is barred; [`Tampering::Answer`] if an entry is not what was looked for,
    /// or not vouched for.
    pub fn directory(&self, looking: Looking) -> Result<DirectoryPage, Error> {
        let (words, limit) = (looking.0.words(), usize::from(looking.0.limit));
        let Answer::Directory(listed, next) = self.ask(Question::Directory(looking.0))? else {
            return Err(Tampering::Answer.into());
        };
        if listed.len() > limit.max(1) {
            return Err(Tampering::Answer.into());
        }
        let doctors = listed.into_iter().map(|listed| self.check_listed(listed, &words));
        Ok(DirectoryPage { doctors: doctors.collect::<Result<_, _>>()?, next })
    }

    fn check_listed(&self, listed: Listed, words: &[String]) -> Result<ListedDoctor, Error> {
        let Listed { card, attestations, listing, standing } = listed;
        let card: Card = codec::decode(&card).map_err(|_garbled| Tampering::Answer)?;
        let (vouched, listing) = self.check_doctor(&card, &attestations, &listing)?;
        let terms = listing.terms(Some(&vouched));
        if !listing.is_listed() || !words.iter().all(|word| terms.contains(word)) {
            return Err(Tampering::Answer.into());
        }
        let (party, pin) = (card.party(), self.pin_of(&card));
        Ok(ListedDoctor { party, vouched, listing, standing, pin, card })
    }

    fn check_doctor(
        &self,
        card: &Card,
        attestations: &Attestations,
        listing: &Signed<ListingStatement>,
    ) -> Result<(Vouched, Listing), Error> {
        let trust = self.trust()?;
        let vouched = trust.vouched(card, attestations, self.clock.now()).ok_or(Tampering::Answer)?;
        let statement = listing.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Answer)?;
        let ListingStatement { vault, party, listing, at: _ } = statement;
        let fits = vault == trust.vault && party == card.party() && card.role() == Role::Doctor;
        if fits { Ok((vouched, listing)) } else { Err(Tampering::Answer.into()) }
    }

    /// Whether a card is the one seen before; looking at it is not seeing it.
    fn pin_of(&self, card: &Card) -> Pin {
        match self.state().memory.cards.get(&card.party()) {
            Some(pinned) if *pinned == card.digest() => Pin::Known,
            Some(_) => Pin::Changed,
            None => Pin::New,
        }
    }
}
