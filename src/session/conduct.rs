//! Conduct: what one reports, how one stands, what the registrars rule.

use std::{fmt, time::Duration};

use crate::{
    codec,
    credential::{
        Appeal, Category, CreditLedger, Petition, Report, RulingStatement, Severity, Standing, Strike,
        Verdict,
    },
    crypto::{Label, Signed, kdf::digest},
    custodian::{Accepted, Answer, Delivered, Enclosure, Errand, Part, Question, Sealed},
    error::{Error, Misuse, Tampering},
    event::{Principal, Step, Verb},
    id::{Digest, PartyId, RulingId},
    letter::Letter,
    limits::{PETITION_BYTES_MAX, STRIKE_WEIGHT_MAX, SUCCESSIONS_MAX},
    party::{Owner, Registrar, Role},
    session::{
        Session, Waiting,
        exchange::{From, Hand},
        ledger::Pages,
    },
    time::Timestamp,
};

/// How one stands, and by which strikes: what, until when, and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StandingReport {
    /// How one stands now.
    pub standing: Standing,
    /// When that gets better by itself.
    pub until: Option<Timestamp>,
    /// All strikes, those that count no more included.
    pub strikes: Vec<StrikeLine>,
}

/// A strike, as it is told to whom it is against: not who reported, and not who ruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StrikeLine {
    /// The strike.
    pub strike: Strike,
    /// Whether it counts now.
    pub is_counting: bool,
    /// Whether an appeal was granted.
    pub is_lifted: bool,
    /// Whether an appeal was refused.
    pub is_confirmed: bool,
}

impl fmt::Display for StandingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { standing, until, strikes } = self;
        write!(f, "your standing is {standing}")?;
        if let Some(until) = until {
            write!(f, " until {until}")?;
        }
        f.write_str(match standing {
            Standing::Good => ": nothing counts against you",
            Standing::Warned => ": you may do all that you could, and should not do it again",
            Standing::Suspended => ": you open no new case and receive no new grant; what is open stays open",
            Standing::Barred => ": you may only see what is your own, take back what you granted, and appeal",
        })?;
        for line in strikes {
            let Strike { ruling, category, weight, from, until } = line.strike;
            write!(f, "\n  {ruling}: {category}, weight {weight}, from {from} until {until}")?;
            f.write_str(match (line.is_lifted, line.is_counting, line.is_confirmed) {
                (true, ..) => " (lifted: it does not count)",
                (false, false, _) => " (does not count now)",
                (false, true, true) => " (counts; an appeal was refused)",
                (false, true, false) => " (counts; you may appeal it by this number)",
            })?;
        }
        Ok(())
    }
}

/// What a registrar decides that someone did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    category: Category,
    weight: u8,
    from: Option<Timestamp>,
    until: Timestamp,
}

impl Sentence {
    /// A strike for this, of this weight, from now until then.
    #[must_use]
    pub const fn new(category: Category, weight: u8, until: Timestamp) -> Self {
        Self { category, weight, from: None, until }
    }

    /// Not before this moment.
    #[must_use]
    pub const fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }
}

/// A report or an appeal, as a registrar read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadPetition {
    /// Who wrote it.
    pub author: PartyId,
    /// When the custodian received it.
    pub received: Timestamp,
    /// What it says.
    pub petition: Petition,
    letter: Digest,
}

impl<R: Owner> Session<'_, R> {
    /// Reports someone to the registrars: a party one knows, or the owner of a case one was asked about. They alone read it;
    /// whom it is about never learns of it.
    ///
    /// # Errors
    /// [`Misuse::NoRegistry`] if the registrars share no key yet; [`Misuse::TooMuch`] for a text above the limit;
    /// [`Error::Denied`] if one is not attested, is barred, or has made as many reports today as the vault allows.
    pub fn report(
        &self,
        reported: Principal,
        (category, severity): (Category, Severity),
        text: &str,
    ) -> Result<Digest, Error> {
        let report = Report { reported, category, severity, text: text.to_owned() };
        self.petition(Verb::Report, &Petition::Report(report), text.len())
    }

    /// Asks the registrars to look at a ruling again.
    ///
    /// # Errors
    /// As [`Self::report`]; also who is barred may appeal.
    pub fn appeal(&self, ruling: RulingId, text: &str) -> Result<Digest, Error> {
        self.petition(Verb::Appeal, &Petition::Appeal(Appeal { ruling, text: text.to_owned() }), text.len())
    }

    fn petition(&self, verb: Verb, petition: &Petition, length: usize) -> Result<Digest, Error> {
        if length > PETITION_BYTES_MAX {
            return Err(Misuse::TooMuch.into());
        }
        let registry = self.registry()?;
        let content = zeroize::Zeroizing::new(codec::encode(petition));
        let (vault, me) = (self.vault_id()?, self.id());
        let context: [&[u8]; 2] = [vault.as_bytes(), me.as_bytes()];
        let about = (Label::Petition, context.as_slice());
        let letter = Letter::seal(&registry.sealing, about, &content, &mut self.fork_random());
        let letter = letter.or(Err(Misuse::TooMuch))?;
        let digest = letter.digest();
        let event = self.event(Principal::Party(me), verb, self.fresh_op())?;
        let event = event.with(|step| Step { subject: Some(digest), ..step });
        let enclosure = Some(Enclosure::Letter(letter));
        self.submit_alone(From::Owner, vec![Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) }])?;
        Ok(digest)
    }

    /// How one stands: every ruling of one's stream, folded, and what counted against the card one had before. A registrar who
    /// was expelled since has ruled all the same.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if the custodian leaves a ruling out, or shows one that no registrar signed.
    pub fn standing(&self) -> Result<StandingReport, Error> {
        self.sync()?;
        let me = Principal::Party(self.id());
        let Pages { events, cards, .. } = self.whole_stream(me, &self.known_heads())?;
        let ruled = events.iter().filter(|line| line.event.verb == Verb::Rule);
        let mut expected: Vec<Digest> = ruled.filter_map(|line| line.event.subject).collect();
        let Answer::Rulings(rulings, mut earlier) = self.ask(Question::Rulings(self.id()))? else {
            return Err(Tampering::Answer.into());
        };
        let trust = self.trust()?;
        let mut statements = Vec::new();
        for signed in rulings {
            let claimed = signed.claims()?.registrar;
            let once = cards.get(&claimed).filter(|card| card.role() == Role::Registrar);
            let card = trust.registrar(claimed).or(once).ok_or(Tampering::Stream)?;
            let statement = signed.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Stream)?;
            // What is not in one's stream was ruled on somebody else.
            let digest = signed.digest();
            let place = expected.iter().position(|expected| *expected == digest).ok_or(Tampering::Stream)?;
            expected.swap_remove(place);
            if statement.vault != trust.vault {
                return Err(Tampering::Stream.into());
            }
            statements.push(statement);
        }
        if !expected.is_empty() {
            return Err(Tampering::Stream.into());
        }
        for _ in 0..SUCCESSIONS_MAX {
            let Some(party) = earlier else { break };
            let Answer::Rulings(rulings, before) = self.ask(Question::Rulings(party))? else {
                return Err(Tampering::Answer.into());
            };
            for signed in rulings {
                let (card, _) = self.card_of(signed.claims()?.registrar)?;
                let statement =
                    signed.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Stream)?;
                if statement.vault != trust.vault || card.role() != Role::Registrar {
                    return Err(Tampering::Stream.into());
                }
                statements.push(statement);
            }
            earlier = before;
        }
        let thresholds = self.policy()?.standing_thresholds();
        Ok(StandingReport::of(&statements, &thresholds, self.clock.now()))
    }
}

impl StandingReport {
    /// The fold of rulings at a moment.
    fn of(rulings: &[RulingStatement], thresholds: &crate::credential::Thresholds, now: Timestamp) -> Self {
        let mut ledger = CreditLedger::default();
        for statement in rulings {
            ledger.enter(statement.ruling, &statement.verdict);
        }
        let confirmed = |ruling| rulings.iter().any(|other| other.verdict == Verdict::Confirm(ruling));
        let strikes = rulings.iter().filter_map(|statement| ledger.strike(statement.ruling)).copied();
        let line = |strike: Strike| StrikeLine {
            strike,
            is_counting: ledger.counting(now).any(|counting| *counting == strike),
            is_lifted: ledger.is_lifted(strike.ruling),
            is_confirmed: confirmed(strike.ruling),
        };
        Self {
            standing: ledger.standing(thresholds, now),
            until: ledger.ends(thresholds, now),
            strikes: strikes.map(line).collect(),
        }
    }
}

impl Session<'_, Registrar> {
    /// Reads a report or an appeal that waits: an event in the stream of who wrote it.
    ///
    /// # Errors
    /// [`Misuse::NotWaiting`] if it is neither; [`Tampering::Record`] if it is not what its author signed.
    pub fn read(&self, waiting: &Waiting) -> Result<ReadPetition, Error> {
        let (letter, digest) = self.fetch(waiting)?;
        let petition = self.open_as(&letter, waiting)?;
        Ok(ReadPetition { author: waiting.party, received: waiting.received, petition, letter: digest })
    }

    /// Dismisses what waits and cannot be read, though its author signed it: it was sealed for nobody, or is no petition.
    ///
    /// # Errors
    /// [`Misuse::NotWaiting`] if it can be read, or was answered already; [`Tampering::Record`] if its author did not sign it.
    pub fn dismiss_unread(&self, waiting: &Waiting) -> Result<(), Error> {
        let (letter, digest) = self.fetch(waiting)?;
        match self.open_as(&letter, waiting) {
            Ok(_) => Err(Misuse::NotWaiting.into()),
            Err(Error::Tampered(Tampering::Record)) => self.answer(waiting.party, Verdict::Dismissed(digest)),
            Err(error) => Err(error),
        }
    }

    /// A letter that waits, as its author signed it.
    fn fetch(&self, waiting: &Waiting) -> Result<(Letter, Digest), Error> {
        let Waiting { errand, party, letter, .. } = *waiting;
        let digest = letter.filter(|_| errand != Errand::Application).ok_or(Misuse::NotWaiting)?;
        let Delivered { letter, event, author } = self.consult(party, digest)?;
        let Sealed::Letter(letter) = letter else { return Err(Tampering::Answer.into()) };
        self.state().memory.pin(author.party(), author.digest())?;
        let step = event.verify_step(author.verifying_key()).map_err(|_forged| Tampering::Record)?;
        let (verb, vault) =
            (if errand == Errand::Report { Verb::Report } else { Verb::Appeal }, self.vault_id()?);
        let me = Principal::Party(party);
        let fits = author.party() == party
            && step.vault == vault
            && step.verb == verb
            && (step.actor, step.owner) == (me, me)
            && step.subject == Some(letter.digest())
            && letter.digest() == digest;
        if fits { Ok((letter, digest)) } else { Err(Tampering::Record.into()) }
    }

    /// What a letter says, if it is what it waits as.
    fn open_as(&self, letter: &Letter, waiting: &Waiting) -> Result<Petition, Error> {
        let content = self.open_petition(letter, waiting.party)?;
        let petition: Petition = codec::decode(&content).or(Err(Tampering::Record))?;
        let is_its = matches!(
            (&petition, waiting.errand),
            (Petition::Report(_), Errand::Report) | (Petition::Appeal(_), Errand::Appeal)
        );
        if is_its { Ok(petition) } else { Err(Tampering::Record.into()) }
    }

    /// Opens a letter to the registrars with whichever of their keys it was sealed for, the newest first.
    fn open_petition(&self, letter: &Letter, author: PartyId) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let vault = self.vault_id()?;
        let context: [&[u8]; 2] = [vault.as_bytes(), author.as_bytes()];
        let newest = self.charters(self.trust()?.version)?.1.len();
        for generation in (1..=u32::try_from(newest).or(Err(Tampering::Trust))?).rev() {
            let key = match self.registry_key_of(generation) {
                Ok(key) => key,
                Err(Error::Misuse(Misuse::NoRegistry)) => continue,
                Err(error) => return Err(error),
            };
            if let Ok(content) = letter.open(key.opening_key(), (Label::Petition, &context)) {
                return Ok(content);
            }
        }
        Err(Tampering::Record.into())
    }

    /// Upholds a report: a strike against whom it is about, and word to who reported that something was done.
    ///
    /// A strike that bars a doctor shuts him out with the custodian, and renews no key: withdraw his attestation as well, and
    /// every owner's next session does.
    ///
    /// Repeated after an interruption, it does what is left.
    ///
    /// # Errors
    /// [`Misuse::NotWaiting`] if it is no report, or was answered already; [`Error::Denied`] if there is no such party;
    /// [`Misuse::Terms`] for a sentence that ends before it begins, weighs nothing, or too much.
    pub fn uphold(&self, report: &ReadPetition, sentence: Sentence) -> Result<RulingId, Error> {
        let reported = report.reported()?;
        self.still_waits(report)?;
        let ruling = self.ruling_for(report, b"reported")?;
        self.strike_as(ruling, reported, (sentence, Some(report.author)))?;
        self.answer(report.author, Verdict::Upheld(report.letter))?;
        Ok(ruling)
    }

    /// Dismisses a report, or an appeal that is about no ruling of its author: nothing reaches anybody else.
    ///
    /// # Errors
    /// [`Misuse::NotWaiting`] if it was answered already; [`Error::Denied`] if it is an appeal, this registrar's ruling counts
    /// against its author, and there is another who could look at it.
    pub fn dismiss(&self, petition: &ReadPetition) -> Result<(), Error> {
        self.answer(petition.author, Verdict::Dismissed(petition.letter))
    }

    /// Dismisses a report that its author knew to be false, with a strike against the author.
    ///
    /// # Errors
    /// As [`Self::uphold`].
    pub fn dismiss_as_false(
        &self,
        report: &ReadPetition,
        (weight, until): (u8, Timestamp),
    ) -> Result<RulingId, Error> {
        report.reported()?;
        self.still_waits(report)?;
        let ruling = self.ruling_for(report, b"author")?;
        let sentence = Sentence::new(Category::FalseReport, weight, until);
        self.strike_as(ruling, Principal::Party(report.author), (sentence, None))?;
        self.answer(report.author, Verdict::Dismissed(report.letter))?;
        Ok(ruling)
    }

    /// A strike against a party, without a report.
    ///
    /// # Errors
    /// [`Error::Denied`] if there is no such party.
    pub fn strike(&self, party: PartyId, sentence: Sentence) -> Result<RulingId, Error> {
        let ruling = RulingId::from_bytes(self.random());
        self.strike_as(ruling, Principal::Party(party), (sentence, None))?;
        Ok(ruling)
    }

    /// Grants an appeal: the strike counts no more.
    ///
    /// # Errors
    /// [`Misuse::NotWaiting`] if it is no appeal, or was answered already; [`Error::Denied`] if this registrar made the
    /// ruling and there is another who could decide, or there is no such ruling.
    pub fn lift(&self, appeal: &ReadPetition) -> Result<(), Error> {
        self.decide_appeal(appeal, Verdict::Lift(appeal.appealed()?), Verdict::Upheld(appeal.letter))
    }

    /// Refuses an appeal: the strike stays.
    ///
    /// # Errors
    /// As [`Self::lift`].
    pub fn confirm(&self, appeal: &ReadPetition) -> Result<(), Error> {
        self.decide_appeal(appeal, Verdict::Confirm(appeal.appealed()?), Verdict::Dismissed(appeal.letter))
    }

    fn decide_appeal(&self, appeal: &ReadPetition, decided: Verdict, answered: Verdict) -> Result<(), Error> {
        let author = Principal::Party(appeal.author);
        let decided = self.ruling(RulingId::from_bytes(self.random()), author, (decided, None))?;
        let answered = self.ruling(RulingId::from_bytes(self.random()), author, (answered, None))?;
        Self::answered(self.submit_alone(From::Other, vec![decided, answered]))
    }

    /// What came of an answer: to what waits no more there is none.
    fn answered(outcome: Result<Accepted, Error>) -> Result<(), Error> {
        match outcome {
            Err(Error::Misuse(Misuse::Refused)) => Err(Misuse::NotWaiting.into()),
            outcome => outcome.map(drop),
        }
    }

    /// The rulings on a party, for the registrars.
    ///
    /// # Errors
    /// [`Error::Denied`] if there is no such party; [`Tampering::Stream`] if one is on another, or no registrar signed it.
    pub fn rulings(&self, party: PartyId) -> Result<Vec<RulingStatement>, Error> {
        let Answer::Rulings(rulings, _) = self.ask(Question::Rulings(party))? else {
            return Err(Tampering::Answer.into());
        };
        let trust = self.trust()?;
        let read = |signed: Signed<RulingStatement>| {
            // One who was expelled since has ruled all the same.
            let (card, _) = self.card_of(signed.claims()?.registrar)?;
            let statement = signed.verify_again(card.verifying_key()).map_err(|_forged| Tampering::Stream)?;
            if card.role() != Role::Registrar {
                return Err(Tampering::Stream.into());
            }
            // The owner of a case may be anybody, to a registrar.
            let is_its = matches!(statement.subject, Principal::Folder(_))
                || statement.subject == Principal::Party(party);
            if is_its && statement.vault == trust.vault {
                Ok(statement)
            } else {
                Err(Tampering::Stream.into())
            }
        };
        rulings.into_iter().map(read).collect()
    }

    fn strike_as(
        &self,
        ruling: RulingId,
        subject: Principal,
        (sentence, via): (Sentence, Option<PartyId>),
    ) -> Result<(), Error> {
        let Sentence { category, weight, from, until } = sentence;
        let from = from.unwrap_or_else(|| self.clock.now());
        if !(1..=STRIKE_WEIGHT_MAX).contains(&weight) || from >= until {
            return Err(Misuse::Terms.into());
        }
        let via = via.filter(|_| matches!(subject, Principal::Folder(_)));
        let part = self.ruling(ruling, subject, (Verdict::Strike { category, weight, from, until }, via))?;
        match self.submit_alone(From::Other, vec![part]) {
            // The same ruling stands already: an earlier attempt got so far.
            Err(Error::Misuse(Misuse::Refused)) if self.has_ruled(ruling, subject)? => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    fn has_ruled(&self, ruling: RulingId, subject: Principal) -> Result<bool, Error> {
        match subject {
            Principal::Party(party) => {
                Ok(self.rulings(party)?.iter().any(|statement| statement.ruling == ruling))
            }
            // Whose case it is, a registrar is not told; that the ruling is taken, the refusal says.
            Principal::Folder(_) => Ok(true),
            Principal::Vault(_) => Ok(false),
        }
    }

    /// That nobody has answered a report since it was read: what was dismissed is not struck for.
    fn still_waits(&self, report: &ReadPetition) -> Result<(), Error> {
        let moment = report.received;
        for waiting in self.queue(Errand::Report).since(moment).until(moment.plus(Duration::from_millis(1))) {
            if waiting?.letter == Some(report.letter) {
                return Ok(());
            }
        }
        Err(Misuse::NotWaiting.into())
    }

    fn answer(&self, author: PartyId, verdict: Verdict) -> Result<(), Error> {
        let ruling = RulingId::from_bytes(self.random());
        let part = self.ruling(ruling, Principal::Party(author), (verdict, None))?;
        Self::answered(self.submit_alone(From::Other, vec![part]))
    }

    fn ruling(
        &self,
        ruling: RulingId,
        subject: Principal,
        (verdict, via): (Verdict, Option<PartyId>),
    ) -> Result<Part, Error> {
        let statement = RulingStatement {
            vault: self.vault_id()?,
            ruling,
            subject,
            verdict,
            registrar: self.id(),
            at: self.clock.now(),
        };
        let signed = Signed::sign(&statement, self.keyring.signer());
        let event = self.event(Principal::Party(self.id()), Verb::Rule, self.fresh_op())?;
        let event = event.with(|step| Step { owner: subject, subject: Some(signed.digest()), ..step });
        let enclosure = Some(Enclosure::Ruling(signed, via));
        Ok(Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) })
    }

    /// The ruling that follows on a report: always the same one, and nobody without the registrars' key can tell which report.
    fn ruling_for(&self, report: &ReadPetition, whom: &[u8]) -> Result<RulingId, Error> {
        let tag = self.tag_key()?.mac(Label::RulingId, &[report.letter.as_bytes(), whom]);
        let digest = digest(Label::RulingId, &[tag.as_bytes()]);
        let bytes = digest.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
        Ok(RulingId::from_bytes(bytes))
    }
}

impl ReadPetition {
    fn reported(&self) -> Result<Principal, Error> {
        match &self.petition {
            Petition::Report(report) => Ok(report.reported),
            Petition::Appeal(_) => Err(Misuse::NotWaiting.into()),
        }
    }

    fn appealed(&self) -> Result<RulingId, Error> {
        match &self.petition {
            Petition::Appeal(appeal) => Ok(appeal.ruling),
            Petition::Report(_) => Err(Misuse::NotWaiting.into()),
        }
    }
}
