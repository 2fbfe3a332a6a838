//! A doctor's own affairs: papers, listing, whom he sees, to whom he says who he is.

use std::fmt;

use minicbor::{Decode, Encode, bytes::ByteVec};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{
    codec::{self, wire},
    consent::{Grant, Purpose, Reader, Terms},
    credential::{Listing, ListingStatement, Reveal, Vouched},
    crypto::{Label, Signed, kdf::digest},
    custodian::{Answer, Delivered, Enclosure, Part, Question, Sealed},
    error::{Error, Misuse, Tampering},
    event::{FolderOpening, Moment, Principal, Step, Verb},
    folder::{FolderKind, owned_folder},
    id::{FolderId, PartyId, RecordId},
    letter::Letter,
    limits::LETTER_BYTES_MAX,
    party::{Card, Doctor, Owner, Patient},
    record::{Content, Kind},
    session::{
        Case, Identity, Session,
        exchange::{From, Hand, Outcome},
        write::Entry,
    },
};

/// How often a grant is tried again when a key is renewed meanwhile.
const ATTEMPTS: usize = 3;

/// What a doctor writes to a patient.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Told {
    #[n(0)]
    name: Option<String>,
    #[n(1)]
    media: Option<String>,
    #[n(2)]
    profile: Option<ByteVec>,
}

wire! { Told: "disclosure", LETTER_BYTES_MAX; }

/// What a patient knows of a doctor of hers, and what she does not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DoctorView {
    /// The party.
    pub party: PartyId,
    /// What registrars vouch for, if they do now.
    pub vouched: Option<Vouched>,
    /// What the doctor says of himself to everybody, if anything.
    pub listing: Option<Listing>,
    name: Option<String>,
    profile: Option<Content>,
    card: Card,
}

impl DoctorView {
    /// His name, if he told it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// His profile, as the value it was made from, if he told it.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is another type's.
    pub fn profile<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        Ok(self.profile.as_ref().map(Content::to_value).transpose()?)
    }

    /// His card: its fingerprint is for comparing out of band.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }
}

impl fmt::Display for DoctorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { party, vouched, listing, name, profile, card: _ } = self;
        write!(f, "doctor {party}: ")?;
        match vouched {
            Some(vouched) => {
                write!(f, "the registrars vouch for {} until {}", vouched.specialty, vouched.until)?
            }
            None => f.write_str("the registrars do not vouch for him now")?,
        }
        match listing {
            Some(listing) => write!(f, "; calls himself {}", listing.pseudonym())?,
            None => f.write_str("; says nothing of himself")?,
        }
        match (name, profile) {
            (None, None) => {
                f.write_str("; he has not told you who he is: name, age and hospital are not known here")
            }
            (Some(name), None) => {
                write!(f, "; he told you his name, {name}; age and hospital are not known here")
            }
            (None, Some(_)) => f.write_str("; he told you his profile, and no name beside it"),
            (Some(name), Some(_)) => write!(f, "; he told you his name, {name}, and his profile"),
        }
    }
}

impl<R: Owner> Session<'_, R> {
    /// Asks to be vetted, for the first time, again, or anew before an attestation ends: the registrars may look at one's
    /// Identity and Credentials until they have attested.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn ask_to_be_vetted(&self) -> Result<(), Error> {
        self.settle()?;
        let own = self.state().memory.own.clone();
        let shown =
            own.iter().filter(|(_, own)| matches!(own.kind, FolderKind::Credentials | FolderKind::Identity));
        for (folder, own) in shown {
            self.show_registrars(&Case::own(*folder, own.kind))?;
        }
        Ok(())
    }

    /// Grants a folder to all registrars who may not look into it now; an Identity to all of them, for that is how one asks:
    /// whom the registrars looked at before is not in their queue any more, though they may look still.
    fn show_registrars(&self, folder: &Case) -> Result<(), Error> {
        let registrars = self.trust()?.registrars;
        for _ in 0..ATTEMPTS {
            let known = self.readers(folder.id())?;
            let held = |card: &Card| {
                known
                    .iter()
                    .find(|statement| statement.card == card.digest())
                    .map(|statement| statement.terms)
            };
            let is_asked = |card: &&Card| folder.kind == FolderKind::Identity || held(card).is_none();
            let asked: Vec<&Card> = registrars.iter().filter(is_asked).collect();
            if asked.is_empty() {
                return Ok(());
            }
            let pen = self.pen(folder)?;
            let (key, _) = pen.ring.of(pen.epoch).ok_or(Misuse::NotOwn)?;
            let (mut random, fresh) = (self.fork_random(), Terms::vetting().settled(self.clock.now()));
            let seal = |card: &&Card| {
                let reader = Reader { card, attested: None, because: None };
                let terms = held(card).unwrap_or(fresh);
                Grant::seal(key, reader, terms, &mut random).map_err(|_unfit| Tampering::Grant)
            };
            let grants: Vec<Grant> = asked.iter().map(seal).collect::<Result<_, _>>()?;
            let digests = grants.iter().map(|grant| grant.statement.digest()).collect();
            let event = self.event(Principal::Party(self.id()), Verb::Grant, self.fresh_op())?;
            let event = event
                .with(|step| Step {
                    folder: Some(folder.id()),
                    epoch: Some(pen.epoch),
                    grants: digests,
                    ..step
                })
                .when(|moment| Moment { purpose: Some(Purpose::Vetting), ..moment });
            let part = Part { grants, ..Part::of(self.sign(&Hand::Own, event)) };
            match self.submit(From::Owner, vec![part])? {
                Outcome::Accepted(_) => return self.sync(),
                Outcome::Conflict => {
                    self.forget_pen(folder.id());
                    self.sync()?;
                }
            }
        }
        Err(Misuse::Conflict.into())
    }
}

impl Session<'_, Doctor> {
    /// Hands papers in, as far as they are not there yet, for the registrars to vet by: licence, diplomas, employer's letter,
    /// what one asks to be vetted as.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn apply(&self, papers: Vec<Entry>) -> Result<(), Error> {
        let folder = match self.credentials()? {
            Some(folder) => folder,
            None => self.begin_credentials()?,
        };
        self.write_entries(&folder, papers)?;
        self.ask_to_be_vetted()
    }

    /// One's own Credentials folder, if it was begun.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn credentials(&self) -> Result<Option<Case>, Error> {
        self.sync()?;
        let state = self.state();
        let mut own = state.memory.own.iter();
        let found = own.find(|(_, own)| own.kind == FolderKind::Credentials);
        Ok(found.map(|(folder, own)| Case::own(*folder, own.kind)))
    }

    fn begin_credentials(&self) -> Result<Case, Error> {
        let (kind, nonce) = (FolderKind::Credentials, self.random());
        let trust = self.trust()?;
        let folder = owned_folder(trust.vault, self.id(), kind, nonce);
        let opening = FolderOpening { kind, verifying: None, nonce };
        let readers: Vec<_> = trust.registrars.iter().map(|card| (card, Terms::vetting())).collect();
        let parts = self.begin(folder, opening, &readers)?;
        match self.submit(From::Owner, parts.into())? {
            Outcome::Accepted(_) => Ok(Case::own(folder, kind)),
            // Another session of this doctor's began it.
            Outcome::Conflict => self.credentials()?.ok_or_else(|| Misuse::Conflict.into()),
        }
    }

    /// Writes the name by which a patient shall know one, if it is revealed to her.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn write_name(&self, name: &str) -> Result<RecordId, Error> {
        let entry = Entry::new(Kind::Name, name)?;
        self.write_entries(&self.own_identity()?, vec![entry])?.pop().ok_or_else(|| Misuse::Empty.into())
    }

    /// Publishes a listing, in the place of an earlier one.
    ///
    /// # Errors
    /// [`Misuse::TooMuch`] for more, or longer, than a listing holds.
    pub fn list(&self, listing: &Listing) -> Result<(), Error> {
        if !listing.is_bounded() {
            return Err(Misuse::TooMuch.into());
        }
        let (vault, party, at) = (self.vault_id()?, self.id(), self.clock.now());
        let statement = ListingStatement { vault, party, listing: listing.clone(), at };
        let signed = Signed::sign(&statement, self.keyring.signer());
        let event = self.event(Principal::Party(party), Verb::List, self.fresh_op())?;
        let event = event.with(|step| Step { subject: Some(signed.digest()), ..step });
        let enclosure = Some(Enclosure::Listing(signed));
        self.submit_alone(From::Owner, vec![Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) }])?;
        self.sync()
    }

    /// One's own listing, the newest one published.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if the custodian shows another.
    pub fn listing(&self) -> Result<Option<Listing>, Error> {
        self.sync()?;
        let newest = self.state().memory.listing;
        let Answer::Listing(signed) = self.ask(Question::Listing(self.id()))? else {
            return Err(Tampering::Answer.into());
        };
        if signed.as_ref().map(Signed::digest) != newest {
            return Err(Tampering::Stream.into());
        }
        let verified = signed.map(|signed| signed.verify_again(self.card.verifying_key()));
        Ok(verified.transpose().map_err(|_forged| Tampering::Stream)?.map(|statement| statement.listing))
    }

    /// Takes new cases from now on, or takes none: what is under way goes on.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn accept_new_cases(&self, is_accepting: bool) -> Result<(), Error> {
        let listing = self.listing()?.unwrap_or_else(|| Listing::new("").unlisted());
        self.list(&listing.accepting(is_accepting))
    }

    /// Shuts someone out: a patient, or the owner of a case one was asked about. Nothing more is granted by them; what was
    /// granted stays.
    ///
    /// # Errors
    /// [`Error::Denied`] if no such case was granted.
    pub fn shut_out(&self, whom: Principal) -> Result<(), Error> {
        self.block(whom, true)
    }

    /// Lets someone in again.
    ///
    /// # Errors
    /// As [`Self::shut_out`].
    pub fn let_in(&self, whom: Principal) -> Result<(), Error> {
        self.block(whom, false)
    }

    fn block(&self, whom: Principal, is_blocked: bool) -> Result<(), Error> {
        let op_id = self.fresh_op();
        let parts: [&[u8]; 3] = [op_id.as_bytes(), &codec::encode(&whom), &[u8::from(is_blocked)]];
        let subject = Some(digest(Label::Blocked, &parts));
        let event = self.event(Principal::Party(self.id()), Verb::Block, op_id)?;
        let event = event.with(|step| Step { subject, ..step });
        let enclosure = Some(Enclosure::Blocked(whom, is_blocked));
        self.submit_alone(From::Owner, vec![Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) }])?;
        Ok(())
    }

    /// Tells the patient of a case one is assigned to who one is, as far as `how` says. It is told to her alone, and cannot be
    /// taken back.
    ///
    /// # Errors
    /// [`Misuse::NoName`] if a name is to be told and none was written; [`Error::Denied`] if one is not assigned, not attested
    /// any more, or barred.
    pub fn reveal(&self, case: &Case, patient: &Identity, how: Reveal) -> Result<(), Error> {
        let told = self.what_to_tell(how)?;
        let content = Zeroizing::new(codec::encode(&told));
        let card = patient.card();
        let vault = self.vault_id()?;
        let place = disclosure_place((vault.as_bytes(), case.id()), &self.card, card);
        let context: Vec<&[u8]> = place.iter().map(Vec::as_slice).collect();
        let about = (Label::Reveal, context.as_slice());
        let letter = Letter::seal(card.sealing_key(), about, &content, &mut self.fork_random());
        let letter = letter.or(Err(Misuse::TooMuch))?;
        let event = self.event(Principal::Party(self.id()), Verb::Reveal, self.fresh_op())?;
        let event = event.with(|step| Step { subject: Some(letter.digest()), ..step });
        let enclosure = Some(Enclosure::Reveal(letter, card.party(), case.id()));
        self.submit_alone(From::Owner, vec![Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) }])?;
        self.state().memory.revealed.insert(case.id());
        Ok(())
    }

    fn what_to_tell(&self, how: Reveal) -> Result<Told, Error> {
        let chart = self.open_chart(&self.own_identity()?)?;
        let name = chart.records_of(Kind::Name)?.pop().map(|record| record.value::<String>()).transpose()?;
        let nothing = Told { name: None, media: None, profile: None };
        match how {
            Reveal::Never => Ok(nothing),
            Reveal::NameOnly => Ok(Told { name: Some(name.ok_or(Misuse::NoName)?), ..nothing }),
            Reveal::OnAssignment => {
                let profile = chart.records_of(Kind::Profile)?.pop().map(|record| record.content().clone());
                let media = profile.as_ref().map(|profile| profile.media_type().to_owned());
                let profile = profile.map(|profile| profile.bytes().to_vec().into());
                Ok(Told { name, media, profile })
            }
        }
    }

    /// What one has chosen to tell every patient who assigns one, told to this one, if it was not yet.
    pub(super) fn reveal_by_choice(&self, case: &Case, patient: &Identity) -> Result<(), Error> {
        if self.state().memory.revealed.contains(&case.id()) || self.state().memory.listing.is_none() {
            return Ok(());
        }
        match self.listing()?.map(|listing| listing.will_reveal()) {
            Some(how @ (Reveal::NameOnly | Reveal::OnAssignment)) => self.reveal(case, patient, how),
            Some(Reveal::Never) | None => Ok(()),
        }
    }
}

impl Session<'_, Patient> {
    /// What one knows of a doctor one has assigned, or might: what registrars vouch for, what he says to everybody, and, if he
    /// is assigned to this case and has told it, who he is. Asking that is an event in his stream.
    ///
    /// # Errors
    /// [`Tampering`] if a card, a listing or a letter is not what it should be.
    pub fn doctor(&self, case: &Case, doctor: PartyId) -> Result<DoctorView, Error> {
        let (card, attestations) = self.card_of(doctor)?;
        let vouched = self.trust()?.vouched(&card, &attestations, self.clock.now());
        let Answer::Listing(signed) = self.ask(Question::Listing(doctor))? else {
            return Err(Tampering::Answer.into());
        };
        let listing = match signed {
            Some(signed) => {
                let statement =
                    signed.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Answer)?;
                if statement.party != doctor || statement.vault != self.vault_id()? {
                    return Err(Tampering::Answer.into());
                }
                Some(statement.listing)
            }
            None => None,
        };
        let Told { name, media, profile } = match self.told(case.id(), &card) {
            Ok(told) => told,
            // Not assigned, or nothing told: which, is not said.
            Err(Error::Denied) => Told { name: None, media: None, profile: None },
            Err(error) => return Err(error),
        };
        let profile = media.zip(profile).map(|(media, bytes)| Content::from_bytes(media, bytes.to_vec()));
        Ok(DoctorView { party: doctor, vouched, listing, name, profile: profile.transpose()?, card })
    }

    fn told(&self, case: FolderId, doctor: &Card) -> Result<Told, Error> {
        let owner = Principal::Party(doctor.party());
        let subject = Some(digest(Label::Reveal, &[case.as_bytes()]));
        let event = self.event(Principal::Party(self.id()), Verb::Open, self.fresh_op())?;
        let event = event.with(|step| Step { owner, subject, ..step });
        let enclosure = Some(Enclosure::WhoIs(case));
        let part = Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) };
        let accepted = self.submit_alone(From::Other, vec![part])?;
        let Delivered { letter, event, author } = accepted.letter.ok_or(Tampering::Answer)?;
        let Sealed::Letter(letter) = letter else { return Err(Tampering::Answer.into()) };
        let step = event.verify_step(doctor.verifying_key()).map_err(|_forged| Tampering::Record)?;
        let vault = self.vault_id()?;
        let fits = author == *doctor
            && step.vault == vault
            && step.verb == Verb::Reveal
            && (step.actor, step.owner) == (owner, owner)
            && step.subject == Some(letter.digest());
        if !fits {
            return Err(Tampering::Record.into());
        }
        let place = disclosure_place((vault.as_bytes(), case), doctor, &self.card);
        let context: Vec<&[u8]> = place.iter().map(Vec::as_slice).collect();
        let content = letter.open(self.keyring.opening_key(), (Label::Reveal, &context));
        codec::decode(&content.or(Err(Tampering::Record))?).map_err(|_garbled| Tampering::Record.into())
    }
}

/// What a doctor's letter is bound to: the vault, the case, and both cards.
fn disclosure_place((vault, case): (&[u8], FolderId), doctor: &Card, patient: &Card) -> [Vec<u8>; 4] {
    [
        vault.to_vec(),
        case.as_bytes().to_vec(),
        doctor.digest().as_bytes().to_vec(),
        patient.digest().as_bytes().to_vec(),
    ]
}
