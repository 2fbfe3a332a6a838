//! A clinic on paper: who may do what, by dates and lists alone. It knows of no key, no signature and no store.
//!
//! Written from DESIGN and from what the sessions' documentation says, to be held against the vault: see `histories`.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) const MINUTE: u64 = 60 * 1000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) const PATIENTS: usize = 3;
pub(crate) const PARTIES: usize = 6;

/// What the policy of these histories says.
pub(crate) const WARNED: u32 = 1;
pub(crate) const SUSPENDED: u32 = 2;
pub(crate) const BARRED: u32 = 4;
pub(crate) const OPEN_CASES_MAX: usize = 2;
pub(crate) const NEW_CASES_MAX: u32 = 3;
pub(crate) const REPORTS_MAX: u32 = 2;
pub(crate) const IDLE_DAYS: u32 = 5;
pub(crate) const LONGEST_DAYS: u32 = 40;
/// Clocks differ a little: an attestation so shortly before a vetting began is that vetting's.
const SLACK: u64 = 5 * MINUTE;
const VETTING: u64 = 30 * DAY;

/// What people do. Parties are numbered, patients first; doctors are numbered as parties too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Accept { doctor: usize, is_accepting: bool },
    Answer { registrar: usize, letter: usize, answer: Answer, weight: u8, days: u32 },
    Appeal { party: usize, strike: usize },
    Ask { party: usize },
    Assign { patient: usize, case: usize, doctor: usize, from_days: u32, days: u32 },
    Attest { registrar: usize, party: usize, days: u32 },
    Close { patient: usize, case: usize },
    Decide { registrar: usize, letter: usize, is_lifted: bool },
    Enrol { party: usize },
    Look { doctor: usize, case: usize },
    Note { doctor: usize, case: usize },
    OpenCase { patient: usize },
    Opinion { patient: usize, case: usize, doctor: usize, days: u32, writes: bool },
    Read { patient: usize, case: usize },
    Refuse { registrar: usize, party: usize },
    Report { party: usize, about: About },
    Revoke { patient: usize, case: usize, doctor: usize },
    Shut { doctor: usize, whom: About, is_out: bool },
    SignIn { party: usize },
    Strike { registrar: usize, party: usize, weight: u8, from_days: u32, days: u32 },
    Wait { hours: u32 },
    Withdraw { registrar: usize, party: usize },
    Write { patient: usize, case: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Case(usize),
    Party(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Dismiss,
    DismissAsFalse,
    Uphold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stands {
    Good,
    Warned,
    Suspended,
    Barred,
}

#[derive(Debug, Clone, Copy)]
struct Attested {
    at: u64,
    until: u64,
}

/// A grant of a case, to one doctor at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    from: u64,
    until: u64,
    writes: bool,
}

impl Grant {
    const fn holds(&self, now: u64) -> bool {
        self.from <= now && now < self.until
    }
}

/// Why somebody may look at who someone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Case { doctor: usize, case: usize },
    Vetting { registrar: usize },
}

#[derive(Debug, Default)]
pub(crate) struct Party {
    pub(crate) is_enrolled: bool,
    attested: [Option<Attested>; 2],
    /// When a registrar last refused to attest: what was shown until then is shown no more.
    refused: Option<u64>,
    /// Who may look at its identity, from when until when.
    looks: BTreeMap<Why, (u64, u64)>,
    /// Whether it stands in the registrars' queue.
    pub(crate) waits: bool,
    /// The day of the newest case or report, and how many of each were made that day.
    day: u64,
    cases_today: u32,
    reports_today: u32,
    /// A doctor: whether new cases are taken, and who is shut out.
    takes_none: bool,
    shut_out: BTreeSet<usize>,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) owner: usize,
    is_closed: bool,
    touched: u64,
    pub(crate) records: usize,
    pub(crate) grants: BTreeMap<usize, Grant>,
    /// Who was ever granted it.
    pub(crate) known_to: BTreeSet<usize>,
}

impl Case {
    /// Whether a doctor has a grant of it that is of now.
    pub(crate) fn is_granted(&self, doctor: usize, now: u64) -> bool {
        self.grants.get(&doctor).is_some_and(|grant| grant.holds(now))
    }
}

#[derive(Debug)]
pub(crate) struct Letter {
    author: usize,
    /// Of a report, whom it is about; of an appeal, which strike.
    about: Result<About, usize>,
    pub(crate) is_waiting: bool,
}

#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) party: usize,
    weight: u8,
    from: u64,
    until: u64,
    registrar: usize,
    is_lifted: bool,
}

impl Strike {
    const fn counts(&self, now: u64) -> bool {
        !self.is_lifted && self.from <= now && now < self.until
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: u64,
    needed: usize,
    pub(crate) parties: [Party; PARTIES],
    pub(crate) cases: Vec<Case>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) strikes: Vec<Strike>,
}

impl Model {
    pub(crate) fn new(now: u64, needed: usize) -> Self {
        Self {
            now,
            needed,
            parties: Default::default(),
            cases: Vec::new(),
            letters: Vec::new(),
            strikes: Vec::new(),
        }
    }

    /// Whether enough registrars vouch for a party now.
    pub(crate) fn is_vouched(&self, party: usize) -> bool {
        self.is_vetted(party, 0)
    }

    /// Whether as many as must vouch for it have attested since a vetting began.
    fn is_vetted(&self, party: usize, begun: u64) -> bool {
        let attested = self.parties[party].attested.iter().flatten();
        attested.filter(|one| self.now < one.until && one.at + SLACK >= begun).count() >= self.needed
    }

    /// How a party stands, by what counts at a moment.
    pub(crate) fn stands_at(&self, party: usize, now: u64) -> Stands {
        let counts = |strike: &&Strike| strike.party == party && strike.counts(now);
        match self.strikes.iter().filter(counts).map(|strike| u32::from(strike.weight)).sum() {
            BARRED.. => Stands::Barred,
            SUSPENDED.. => Stands::Suspended,
            WARNED.. => Stands::Warned,
            _ => Stands::Good,
        }
    }

    fn stands(&self, party: usize) -> Stands {
        self.stands_at(party, self.now)
    }

    /// The first moment at which a party stands better than now.
    pub(crate) fn better_at(&self, party: usize) -> Option<u64> {
        let mut ends: Vec<u64> =
            self.strikes.iter().map(|strike| strike.until).filter(|end| *end > self.now).collect();
        ends.sort_unstable();
        ends.into_iter().find(|end| self.stands_at(party, *end) < self.stands(party))
    }

    /// Whether something may be added to a case.
    pub(crate) fn is_live(&self, case: usize) -> bool {
        let Case { is_closed, touched, .. } = self.cases[case];
        !is_closed && self.now < touched + u64::from(IDLE_DAYS) * DAY
    }

    /// The grant by which a doctor may open a case now.
    pub(crate) fn opens(&self, doctor: usize, case: usize) -> Option<Grant> {
        let grant = self.cases[case].grants.get(&doctor).copied().filter(|grant| grant.holds(self.now));
        grant.filter(|_| self.is_vouched(doctor) && self.stands(doctor) < Stands::Barred)
    }

    /// Whether a doctor who opens a case learns whose it is.
    pub(crate) fn knows_who(&self, doctor: usize, case: usize) -> bool {
        let looks = &self.parties[self.cases[case].owner].looks;
        let look = looks.get(&Why::Case { doctor, case });
        self.opens(doctor, case).is_some()
            && look.is_some_and(|(from, until)| *from <= self.now && self.now < *until)
    }

    fn today(&mut self, party: usize) -> &mut Party {
        let day = self.now / DAY;
        let party = &mut self.parties[party];
        if party.day != day {
            (party.day, party.cases_today, party.reports_today) = (day, 0, 0);
        }
        party
    }

    /// Whether a look at who someone is holds, or will: when the owner makes a new key, the others are left out.
    fn remains(&self, owner: usize, why: Why, (from, until): (u64, u64)) -> bool {
        self.now < until
            && match why {
                Why::Case { doctor, .. } => self.is_vouched(doctor),
                Why::Vetting { .. } => self.is_shown(owner, from),
            }
    }

    /// Whether a vetting that began then goes on: neither as many have attested as must, nor has one refused.
    fn is_shown(&self, party: usize, begun: u64) -> bool {
        !self.is_vetted(party, begun) && self.parties[party].refused.is_none_or(|refused| refused < begun)
    }

    /// A new key for an identity, for those whose right goes on.
    fn renew_identity(&mut self, owner: usize, without: Option<Why>) {
        let looks = self.parties[owner].looks.clone();
        let goes_on =
            |why: &Why, term: &(u64, u64)| Some(*why) != without && self.remains(owner, *why, *term);
        let left: BTreeMap<Why, (u64, u64)> =
            looks.iter().filter(|(why, term)| goes_on(why, term)).map(|(why, term)| (*why, *term)).collect();
        self.parties[owner].looks = left;
    }

    fn renew_case(&mut self, case: usize, without: Option<usize>) {
        let left = self.cases[case].grants.iter().filter(|(doctor, grant)| {
            Some(**doctor) != without && self.now < grant.until && self.is_vouched(**doctor)
        });
        self.cases[case].grants = left.map(|(doctor, grant)| (*doctor, *grant)).collect();
    }

    /// What an owner's session does by itself: those whose right has ended are left out of new keys.
    fn settle(&mut self, owner: usize) {
        self.renew_identity(owner, None);
        for case in 0..self.cases.len() {
            if self.cases[case].owner == owner {
                self.renew_case(case, None);
            }
        }
    }

    /// Whether it is permitted; if it is, it is done.
    #[expect(clippy::too_many_lines, reason = "a table: a row for each thing that people do")]
    pub(crate) fn step(&mut self, op: Op) -> bool {
        match op {
            Op::Accept { doctor, is_accepting } => {
                self.parties[doctor].takes_none = !is_accepting;
                true
            }
            Op::Answer { registrar, letter, answer, weight, days } => {
                self.answer(registrar, letter, answer, (weight, days))
            }
            Op::Appeal { party, strike } => self.write_letter(party, Err(strike)),
            Op::Ask { party } => {
                self.settle(party);
                let (now, party) = (self.now, &mut self.parties[party]);
                for registrar in 0..2 {
                    party.looks.entry(Why::Vetting { registrar }).or_insert((now, now + VETTING));
                }
                party.waits = true;
                true
            }
            Op::Assign { patient, case, doctor, from_days, days } => {
                self.renew_identity(patient, None);
                let from = self.now + u64::from(from_days) * DAY;
                let grant = Grant { from, until: self.now + u64::from(days) * DAY, writes: true };
                let is_given = self.give((patient, case), doctor, grant);
                if is_given {
                    let term = (grant.from, grant.until);
                    self.parties[patient].looks.insert(Why::Case { doctor, case }, term);
                }
                is_given
            }
            Op::Attest { registrar, party, days } => self.attest(registrar, party, days),
            Op::Close { patient, case } => {
                let case = &mut self.cases[case];
                case.owner == patient && !std::mem::replace(&mut case.is_closed, true)
            }
            Op::Decide { registrar, letter, is_lifted } => self.decide(registrar, letter, is_lifted),
            Op::Enrol { party } => {
                let looks =
                    [0, 1].map(|registrar| (Why::Vetting { registrar }, (self.now, self.now + VETTING)));
                let party = &mut self.parties[party];
                let is_new = !std::mem::replace(&mut party.is_enrolled, true);
                if is_new {
                    (party.looks, party.waits) = (looks.into(), true);
                }
                is_new
            }
            Op::Look { doctor, case } => self.opens(doctor, case).is_some(),
            Op::Note { doctor, case } => {
                let writes = self.opens(doctor, case).is_some_and(|grant| grant.writes);
                writes && self.is_live(case) && self.add(case)
            }
            Op::OpenCase { patient } => self.open_case(patient),
            Op::Opinion { patient, case, doctor, days, writes } => {
                let (from, until) = (self.now, self.now + u64::from(days) * DAY);
                self.give((patient, case), doctor, Grant { from, until, writes })
            }
            Op::Read { patient, case } => self.cases[case].owner == patient,
            Op::Refuse { party, .. } => self.refuse(party),
            Op::Report { party, about } => {
                self.is_vouched(party)
                    && self.stands(party) < Stands::Barred
                    && self.write_letter(party, Ok(about))
            }
            Op::Revoke { patient, case, doctor } => {
                let is_its =
                    self.cases[case].owner == patient && self.cases[case].grants.contains_key(&doctor);
                if is_its {
                    self.renew_case(case, Some(doctor));
                    let why = Why::Case { doctor, case };
                    if self.parties[patient].looks.contains_key(&why) {
                        self.renew_identity(patient, Some(why));
                    }
                }
                is_its
            }
            Op::Shut { doctor, whom, is_out } => {
                let patient = match whom {
                    About::Case(case) if !self.cases[case].known_to.contains(&doctor) => return false,
                    About::Case(case) => self.cases[case].owner,
                    About::Party(party) => party,
                };
                let shut_out = &mut self.parties[doctor].shut_out;
                if is_out {
                    shut_out.insert(patient)
                } else {
                    shut_out.remove(&patient)
                };
                true
            }
            Op::SignIn { party } => {
                self.settle(party);
                true
            }
            Op::Strike { registrar, party, weight, from_days, days } => {
                let from = self.now + u64::from(from_days) * DAY;
                self.strike(registrar, party, (weight, from, from + u64::from(days) * DAY))
            }
            Op::Wait { hours } => {
                self.now += u64::from(hours) * HOUR;
                true
            }
            Op::Withdraw { registrar, party } => self.parties[party].attested[registrar].take().is_some(),
            Op::Write { patient, case } => {
                self.cases[case].owner == patient
                    && self.stands(patient) < Stands::Barred
                    && self.is_live(case)
                    && self.add(case)
            }
        }
    }

    fn attest(&mut self, registrar: usize, party: usize, days: u32) -> bool {
        let Some((from, until)) = self.parties[party].looks.get(&Why::Vetting { registrar }).copied() else {
            return false;
        };
        if self.now >= until || !self.is_shown(party, from) {
            return false;
        }
        let attested = Attested { at: self.now, until: self.now + u64::from(days) * DAY };
        let all = &mut self.parties[party].attested;
        // What has ended leaves its place.
        *all = all.map(|one| one.filter(|one| self.now < one.until));
        all[registrar] = Some(attested);
        // The vetting is over when nobody may look any more.
        if self.is_vetted(party, from) {
            self.parties[party].waits = false;
        }
        true
    }

    /// A minute goes by, so that what is shown afterwards is shown afterwards.
    fn refuse(&mut self, party: usize) -> bool {
        let now = self.now;
        self.now += MINUTE;
        let party = &mut self.parties[party];
        if party.is_enrolled {
            (party.waits, party.refused) = (false, Some(now));
        }
        party.is_enrolled
    }

    fn open_case(&mut self, patient: usize) -> bool {
        let open =
            (0..self.cases.len()).filter(|case| self.cases[*case].owner == patient && self.is_live(*case));
        let may = open.count() < OPEN_CASES_MAX
            && self.is_vouched(patient)
            && self.stands(patient) < Stands::Suspended
            && self.today(patient).cases_today < NEW_CASES_MAX;
        if may {
            self.parties[patient].cases_today += 1;
            let (touched, grants, known_to) = (self.now, BTreeMap::new(), BTreeSet::new());
            self.cases.push(Case { owner: patient, is_closed: false, touched, records: 1, grants, known_to });
        }
        may
    }

    fn add(&mut self, case: usize) -> bool {
        self.cases[case].records += 1;
        self.cases[case].touched = self.now;
        true
    }

    fn give(&mut self, (patient, case): (usize, usize), doctor: usize, grant: Grant) -> bool {
        let has = self.cases[case].grants.contains_key(&doctor);
        let Party { is_enrolled, takes_none, shut_out, .. } = &self.parties[doctor];
        let is_willing = !shut_out.contains(&patient) && (!takes_none || has);
        let may = self.cases[case].owner == patient
            && *is_enrolled
            && self.is_vouched(doctor)
            && grant.from < grant.until
            && grant.until <= grant.from + u64::from(LONGEST_DAYS) * DAY
            && self.is_live(case)
            && self.stands(patient) < Stands::Suspended
            && self.stands(doctor) < Stands::Suspended
            && is_willing;
        if may {
            let case = &mut self.cases[case];
            case.grants.insert(doctor, grant);
            case.known_to.insert(doctor);
            case.touched = self.now;
        }
        may
    }

    fn write_letter(&mut self, author: usize, about: Result<About, usize>) -> bool {
        let party = self.today(author);
        let may = party.reports_today < REPORTS_MAX;
        if may {
            party.reports_today += 1;
            self.letters.push(Letter { author, about, is_waiting: true });
        }
        may
    }

    fn strike(&mut self, registrar: usize, party: usize, (weight, from, until): (u8, u64, u64)) -> bool {
        let is_enrolled = self.parties[party].is_enrolled;
        if is_enrolled {
            self.strikes.push(Strike { party, weight, from, until, registrar, is_lifted: false });
        }
        is_enrolled
    }

    fn answer(&mut self, registrar: usize, letter: usize, answer: Answer, (weight, days): (u8, u32)) -> bool {
        let Letter { author, about, is_waiting: true } = self.letters[letter] else { return false };
        let about = match (about, answer) {
            (Ok(about), _) => about,
            // An appeal about nothing is left undecided by whose rulings it cannot be about.
            (Err(_), Answer::Dismiss) => {
                let counts = |strike: &Strike| {
                    strike.party == author && strike.registrar == registrar && strike.counts(self.now)
                };
                let may = !self.strikes.iter().any(counts);
                self.letters[letter].is_waiting &= !may;
                return may;
            }
            (Err(_), Answer::DismissAsFalse | Answer::Uphold) => return false,
        };
        let whom = match (answer, about) {
            (Answer::Dismiss, _) => None,
            (Answer::DismissAsFalse, _) => Some(author),
            (Answer::Uphold, About::Party(party)) => Some(party),
            // Whose case it is, is found through whom it was granted to.
            (Answer::Uphold, About::Case(case)) if self.cases[case].known_to.contains(&author) => {
                Some(self.cases[case].owner)
            }
            (Answer::Uphold, About::Case(_)) => return false,
        };
        let term = (weight, self.now, self.now + u64::from(days) * DAY);
        let is_done = whom.is_none_or(|whom| self.strike(registrar, whom, term));
        self.letters[letter].is_waiting &= !is_done;
        is_done
    }

    fn decide(&mut self, registrar: usize, letter: usize, is_lifted: bool) -> bool {
        let Letter { author, about: Err(strike), is_waiting: true } = self.letters[letter] else {
            return false;
        };
        let strike = &mut self.strikes[strike];
        let may = strike.party == author && strike.registrar != registrar;
        if may {
            strike.is_lifted |= is_lifted;
            self.letters[letter].is_waiting = false;
        }
        may
    }
}

/// Which of so many: mostly one of those for whom something comes of it.
fn pick(drawn: usize, count: usize, likely: impl Fn(usize) -> bool) -> Option<usize> {
    let likely: Vec<usize> = (0..count).filter(|one| likely(*one)).collect();
    let all: Vec<usize> = (0..count).collect();
    let from = if drawn < 28 && !likely.is_empty() { likely } else { all };
    (!from.is_empty()).then(|| from[drawn % from.len()])
}

impl Model {
    fn pick_own(&self, drawn: usize, patient: usize) -> Option<usize> {
        pick(drawn, self.cases.len(), |case| self.cases[case].owner == patient)
    }

    fn pick_known(&self, drawn: usize, doctor: usize) -> Option<usize> {
        pick(drawn, self.cases.len(), |case| self.cases[case].known_to.contains(&doctor))
    }

    fn pick_letter(&self, drawn: usize, is_report: bool) -> Option<usize> {
        let fits = |letter: &Letter| letter.is_waiting && letter.about.is_ok() == is_report;
        pick(drawn, self.letters.len(), |letter| fits(&self.letters[letter]))
    }

    fn pick_about(&self, about: About, by: usize) -> Option<About> {
        match about {
            About::Case(drawn) => self.pick_known(drawn, by).map(About::Case),
            About::Party(_) => Some(about),
        }
    }

    /// What was drawn, of what there is; nothing, if who would do it is not enrolled, or there is nothing to do it with.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is drawn whole")]
    pub(crate) fn resolve(&self, op: Op) -> Option<Op> {
        let resolved = match op {
            Op::Answer { registrar, letter, answer, weight, days } => {
                Op::Answer { registrar, letter: self.pick_letter(letter, true)?, answer, weight, days }
            }
            Op::Appeal { party, strike } => {
                let strike = pick(strike, self.strikes.len(), |strike| self.strikes[strike].party == party)?;
                Op::Appeal { party, strike }
            }
            Op::Assign { patient, case, doctor, from_days, days } => {
                Op::Assign { patient, case: self.pick_own(case, patient)?, doctor, from_days, days }
            }
            Op::Close { patient, case } => Op::Close { patient, case: self.pick_own(case, patient)? },
            Op::Decide { registrar, letter, is_lifted } => {
                Op::Decide { registrar, letter: self.pick_letter(letter, false)?, is_lifted }
            }
            Op::Look { doctor, case } => Op::Look { doctor, case: self.pick_known(case, doctor)? },
            Op::Note { doctor, case } => Op::Note { doctor, case: self.pick_known(case, doctor)? },
            Op::Opinion { patient, case, doctor, days, writes } => {
                Op::Opinion { patient, case: self.pick_own(case, patient)?, doctor, days, writes }
            }
            Op::Read { patient, case } => Op::Read { patient, case: self.pick_own(case, patient)? },
            Op::Report { party, about } => Op::Report { party, about: self.pick_about(about, party)? },
            Op::Revoke { patient, case, doctor } => {
                let case = self.pick_own(case, patient)?;
                Op::Revoke { patient, case, doctor }
            }
            Op::Shut { doctor, whom, is_out } => {
                Op::Shut { doctor, whom: self.pick_about(whom, doctor)?, is_out }
            }
            Op::Write { patient, case } => Op::Write { patient, case: self.pick_own(case, patient)? },
            other => other,
        };
        actor(resolved).is_none_or(|party| self.parties[party].is_enrolled).then_some(resolved)
    }
}

/// Who does it, if it is not the registrars, nor someone who enrols.
#[expect(clippy::wildcard_enum_match_arm, reason = "all but a few are done by whom they concern")]
const fn actor(op: Op) -> Option<usize> {
    match op {
        Op::Attest { .. }
        | Op::Enrol { .. }
        | Op::Refuse { .. }
        | Op::Strike { .. }
        | Op::Withdraw { .. } => None,
        other => concerned(other),
    }
}

/// Who does it, or to whom a registrar does it.
pub(crate) const fn concerned(op: Op) -> Option<usize> {
    match op {
        Op::Answer { .. } | Op::Decide { .. } | Op::Wait { .. } => None,
        Op::Accept { doctor, .. }
        | Op::Look { doctor, .. }
        | Op::Note { doctor, .. }
        | Op::Shut { doctor, .. } => Some(doctor),
        Op::Appeal { party, .. }
        | Op::Ask { party }
        | Op::Attest { party, .. }
        | Op::Enrol { party }
        | Op::Refuse { party, .. }
        | Op::Report { party, .. }
        | Op::SignIn { party }
        | Op::Strike { party, .. }
        | Op::Withdraw { party, .. } => Some(party),
        Op::Assign { patient, .. }
        | Op::Close { patient, .. }
        | Op::OpenCase { patient }
        | Op::Opinion { patient, .. }
        | Op::Read { patient, .. }
        | Op::Revoke { patient, .. }
        | Op::Write { patient, .. } => Some(patient),
    }
}
