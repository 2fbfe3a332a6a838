//! What arguments name: cases and parties, by the beginning of an id, a card's file, or a fingerprint.

use std::path::Path;

use casevault::{
    id::PartyId,
    party::{Card, Fingerprint, Patient},
    session::{Case, Looking, Session},
};

use crate::{
    context::Context,
    disk,
    failure::{Done, Failure},
    keys,
};

/// The fewest digits that name a party: fewer are found again by trying keys.
const PARTY_DIGITS_MIN: usize = 8;
const CASE_DIGITS_MIN: usize = 4;

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|symbol| symbol.is_ascii_hexdigit())
}

/// The case whose id begins so.
pub(crate) fn case(among: Vec<Case>, named: &str) -> Done<Case> {
    if !is_hex(named) || named.len() < CASE_DIGITS_MIN {
        let words =
            format!("{named}: a case is named by the first {CASE_DIGITS_MIN} or more digits of its id");
        return Err(Failure::usage(format!("{words}: `casevault show` lists yours")));
    }
    let begins = named.to_ascii_lowercase();
    let mut found = among.into_iter().filter(|case| case.id().to_hex().starts_with(&begins));
    match (found.next(), found.next()) {
        (Some(case), None) => Ok(case),
        (None, _) => Err(Failure::unknown(format!(
            "you have no case {named}, now: `casevault show` lists those you have"
        ))),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("more than one case begins with {named}: give more digits")))
        }
    }
}

/// A party as an argument names it.
#[derive(Debug)]
pub(crate) enum Named {
    Card(Box<Card>),
    Id(PartyId),
    Begins(String),
    Fingerprint(Fingerprint),
}

impl Named {
    /// Reads an argument: a card's file, an id or its beginning, or a fingerprint.
    pub(crate) fn read(context: &Context, text: &str) -> Done<Self> {
        let path = Path::new(text);
        if disk::is_dash(path) || path.is_file() {
            return Ok(Self::Card(Box::new(keys::card_at(context, path)?)));
        }
        if is_hex(text) && text.len() <= 2 * PartyId::LEN {
            return match PartyId::from_hex(&text.to_ascii_lowercase()) {
                Some(party) => Ok(Self::Id(party)),
                None if text.len() < PARTY_DIGITS_MIN => Err(Failure::usage(format!(
                    "{text} is too short: give {PARTY_DIGITS_MIN} digits of the id or more"
                ))),
                None => Ok(Self::Begins(text.to_ascii_lowercase())),
            };
        }
        if let Ok(fingerprint) = Fingerprint::parse(text) {
            return Ok(Self::Fingerprint(fingerprint));
        }
        let words = "is no file with a card, no id, and no whole fingerprint: give one of them, as `casevault keys show` \
                     prints it";
        Err(Failure::usage(format!("{text} {words}")))
    }

    /// The party, looked for among these where only a part of it was said.
    pub(crate) fn among(
        &self,
        parties: impl FnOnce() -> Done<Vec<PartyId>>,
        where_to_look: &str,
    ) -> Done<PartyId> {
        let begins = match self {
            Self::Card(card) => return Ok(card.party()),
            Self::Id(party) => return Ok(*party),
            Self::Fingerprint(_) => {
                return Err(Failure::usage(
                    "a fingerprint is of no use here: give the id, or the card's file",
                ));
            }
            Self::Begins(begins) => begins,
        };
        let mut found: Vec<PartyId> =
            parties()?.into_iter().filter(|party| party.to_hex().starts_with(begins)).collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [party] => Ok(*party),
            [] => Err(Failure::unknown(format!("nobody known here begins with {begins}: {where_to_look}"))),
            _ => Err(Failure::usage(format!("more than one party begins with {begins}: give more digits"))),
        }
    }

    /// The doctor a patient means; a card or a fingerprint must be the one that the vault shows.
    pub(crate) fn doctor(&self, alice: &Session<'_, Patient>) -> Done<PartyId> {
        match self {
            Self::Card(card) => {
                let (shown, _) = alice.vouched(card.party())?;
                if shown.digest() == card.digest() {
                    return Ok(card.party());
                }
                let words = "the vault shows another card of this party than the one in the file: ask the doctor which is his";
                Err(Failure::tampering("other-card", words))
            }
            Self::Fingerprint(fingerprint) => {
                let listed = directory(alice, Looking::for_doctors())?;
                let found = listed.into_iter().find(|doctor| doctor.card().fingerprint() == *fingerprint);
                found.map(|doctor| doctor.party).ok_or_else(|| {
                    let words = "no listed doctor's card has this fingerprint: compare it again, or ask for the card's file";
                    Failure::unknown(words)
                })
            }
            Self::Id(_) | Self::Begins(_) => {
                let known = || {
                    let listed =
                        directory(alice, Looking::for_doctors())?.into_iter().map(|doctor| doctor.party);
                    let granted = alice.who_has_access()?.into_iter().map(|access| access.party);
                    Ok(listed.chain(granted).collect())
                };
                let next =
                    "`casevault directory` lists doctors; of one who is not listed, give the card's file";
                self.among(known, next)
            }
        }
    }
}

/// All pages of a search.
pub(crate) fn directory(
    alice: &Session<'_, Patient>,
    looking: Looking,
) -> Done<Vec<casevault::session::ListedDoctor>> {
    let (mut doctors, mut after) = (Vec::new(), None);
    loop {
        let asked = looking.clone().at_most(100);
        let page = alice.directory(match after {
            Some(next) => asked.after(next),
            None => asked,
        })?;
        doctors.extend(page.doctors);
        match page.next {
            Some(next) if after != Some(next) => after = Some(next),
            Some(_) | None => return Ok(doctors),
        }
    }
}
