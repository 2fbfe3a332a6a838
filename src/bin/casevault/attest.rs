//! `casevault attest`: the registrar's desk.

use std::path::PathBuf;

use casevault::{
    credential::{Attestation, CheckList, Checked, Coding, PersonId},
    custodian::Errand,
    id::PartyId,
    party::{Registrar, Role},
    session::Session,
    time::{Clock as _, SystemClock, days},
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context},
    failure::{Done, Failure},
    named::Named,
    records, screen,
};

/// What a registrar looked at.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Looked {
    Diploma,
    Employment,
    Licence,
    Other,
    Person,
    Register,
}

impl From<Looked> for Checked {
    fn from(looked: Looked) -> Self {
        match looked {
            Looked::Diploma => Self::Diploma,
            Looked::Employment => Self::Employment,
            Looked::Licence => Self::Licence,
            Looked::Other => Self::Other,
            Looked::Person => Self::Person,
            Looked::Register => Self::Register,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// Who: the id or its beginning, or the card's file. Without it: who waits.
    party: Option<String>,
    /// Only read what the party shows for it: an event in the party's own history.
    #[arg(long, requires = "party", conflicts_with_all = ["refuse", "withdraw"])]
    papers: bool,
    /// A doctor's specialty: words, or a SNOMED CT code and words, as `394579002|Cardiology`. May be given several times.
    #[arg(long = "specialty", value_name = "TEXT")]
    specialties: Vec<String>,
    /// Where a doctor's licence holds, as `GB`.
    #[arg(long, value_name = "TEXT")]
    jurisdiction: Option<String>,
    /// What was looked at and in order; noted for the registrars. May be given several times.
    #[arg(long = "checked", value_name = "WHAT")]
    checked: Vec<Looked>,
    /// A note to what was looked at, for the registrars.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// A file with a line of scheme, space, number (`passport:GBR 533380006`): nobody has two cards of one role; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    person: Option<PathBuf>,
    /// For so many days; a year, if not said.
    #[arg(long, value_name = "COUNT")]
    days: Option<u32>,
    /// Do not attest: this was looked at, and is not in order.
    #[arg(long, value_name = "WHAT", requires = "party", conflicts_with = "withdraw")]
    refuse: Option<Looked>,
    /// Take your attestation back: nothing new is opened by it.
    #[arg(long, requires = "party")]
    withdraw: bool,
    #[command(flatten)]
    answer: Answer,
}

const PERSON_BYTES_MAX: usize = 4096;

impl Attest {
    pub(crate) fn run(self, context: &Context) -> Done {
        let named = self.party.as_deref().map(|party| Named::read(context, party)).transpose()?;
        let person = self.person.as_deref().map(|path| {
            let bytes = context.read_input(path, PERSON_BYTES_MAX)?;
            let line = str::from_utf8(&bytes).ok().and_then(|text| text.lines().next());
            let parts = line.and_then(|line| line.trim().split_once(' '));
            parts.and_then(|(scheme, number)| PersonId::new(scheme, number)).ok_or_else(|| {
                let words = "has no line of a scheme, a space and a number, as `passport:GBR 533380006`";
                Failure::failed("person", format!("{} {words}", path.display()))
            })
        });
        let person = person.transpose()?;
        context.act(|office: &Session<'_, Registrar>| {
            let Some(named) = named else { return self.waiting(office) };
            let next = "`casevault attest` lists who waits; of others give the whole id";
            let known = || {
                let waiting = office.queue(Errand::Application);
                let waiting = waiting.map(|waiting| Ok(waiting?.party)).collect::<Done<Vec<_>>>()?;
                let may = office.applicants()?.into_iter().map(|applicant| applicant.party());
                Ok(waiting.into_iter().chain(may).collect())
            };
            let party = named.among(known, next)?;
            match (self.papers, self.refuse, self.withdraw) {
                (true, ..) => self.show_papers(office, party),
                (false, Some(what), _) => {
                    let checks = office.check_list().failed(what.into(), None, &self.note);
                    office.refuse(party, &checks)?;
                    self.tell(party, "refused", "the application is refused; why is noted for the registrars")
                }
                (false, None, true) => self.withdraw(office, party),
                (false, None, false) => {
                    // The id vouches for the key that signed the card, and with it the role.
                    let role = match &named {
                        Named::Card(card) => Some(card.role()),
                        Named::Id(_) | Named::Begins(_) | Named::Fingerprint(_) => None,
                    };
                    self.attest(office, party, (role, person))
                }
            }
        })
    }

    fn waiting(&self, office: &Session<'_, Registrar>) -> Done {
        let mut all = Vec::new();
        for role in [Role::Doctor, Role::Patient, Role::Auditor, Role::Curator] {
            for waiting in office.queue(Errand::Application).of_role(role) {
                let waiting = waiting?;
                all.push((waiting.received, role, waiting.party));
            }
        }
        all.sort_unstable();
        if self.answer.json {
            let all = all.iter().map(|(at, role, party)| {
                json!({ "received": at.to_string(), "role": role.word(), "party": party.to_hex() })
            });
            return screen::json(&all.collect());
        }
        for (at, role, party) in &all {
            screen::answer(&format!("{at}  {role} {party}"))?;
        }
        if all.is_empty() {
            screen::word("Nobody waits.");
        } else {
            screen::word("`casevault attest PARTY --papers` shows what one says and hands in.");
        }
        Ok(())
    }

    fn show_papers(&self, office: &Session<'_, Registrar>, party: PartyId) -> Done {
        let papers = office.papers(party)?;
        let mut records = papers.identity.records()?;
        let card = papers.identity.as_identity()?.card().clone();
        if let Some(credentials) = papers.credentials {
            records.extend(credentials.records()?);
        }
        if !self.answer.json {
            crate::keys::tell(&card, self.answer)?;
        }
        records::tell(&records, self.answer)
    }

    fn attest(
        &self,
        office: &Session<'_, Registrar>,
        party: PartyId,
        (role, person): (Option<Role>, Option<PersonId>),
    ) -> Done {
        let role = match role {
            Some(role) => role,
            None => self.role_of(office, party)?,
        };
        if role != Role::Doctor && !(self.specialties.is_empty() && self.jurisdiction.is_none()) {
            let words = format!("a {role} has no specialty and no jurisdiction: leave them away");
            return Err(Failure::usage(words));
        }
        let mut attestation = match role {
            Role::Doctor => self.doctor()?,
            Role::Auditor => Attestation::auditor(),
            Role::Curator => Attestation::curator(),
            Role::Patient => Attestation::patient(),
            role @ (Role::Registrar | _) => {
                return Err(Failure::usage(format!(
                    "a {role} is not attested: the vault's policy names them"
                )));
            }
        };
        if let Some(person) = person {
            attestation = attestation.person(person);
        }
        if let Some(count) = self.days {
            attestation = attestation.until(SystemClock.now().plus(days(count)));
        }
        if !self.checked.is_empty() {
            attestation = attestation.checks(self.check_list(office));
        }
        office.attest(party, attestation)?;
        self.tell(party, "attested", &format!("attested as a {role}"))
    }

    /// As what somebody waits; of who does not wait, the Identity is opened.
    fn role_of(&self, office: &Session<'_, Registrar>, party: PartyId) -> Done<Role> {
        for role in Role::ALL {
            for waiting in office.queue(Errand::Application).of_role(*role) {
                if waiting?.party == party {
                    return Ok(*role);
                }
            }
        }
        Ok(office.papers(party)?.identity.as_identity()?.card().role())
    }

    fn doctor(&self) -> Done<Attestation> {
        let mut codings = self.specialties.iter().map(|said| match said.split_once('|') {
            Some((code, words)) => Coding::snomed(code.trim(), words.trim()),
            None => Coding::from(said.as_str()),
        });
        let first =
            codings.next().ok_or_else(|| Failure::usage("a doctor has a specialty: give --specialty"))?;
        let attestation = codings.fold(Attestation::doctor(first), Attestation::specialty);
        Ok(match &self.jurisdiction {
            Some(jurisdiction) => attestation.jurisdiction(jurisdiction),
            None => attestation,
        })
    }

    fn check_list(&self, office: &Session<'_, Registrar>) -> CheckList {
        let looked = |list: CheckList, what: &Looked| list.passed((*what).into(), None, &self.note);
        self.checked.iter().fold(office.check_list(), looked)
    }

    fn withdraw(&self, office: &Session<'_, Registrar>, party: PartyId) -> Done {
        let concerned = office.withdraw(party)?;
        if self.answer.json {
            let concerned = concerned.iter().map(|one| {
                json!({ "party": one.owner.to_hex(), "what": one.kind.word(), "terms": one.terms.to_string() })
            });
            let concerned: Vec<_> = concerned.collect();
            return screen::json(
                &json!({ "party": party.to_hex(), "done": "withdrawn", "concerned": concerned }),
            );
        }
        screen::answer(&format!("{party} withdrawn"))?;
        for one in concerned {
            screen::answer(&format!("  concerns patient {}: a {}, to {}", one.owner, one.kind, one.terms))?;
        }
        Ok(())
    }

    fn tell(&self, party: PartyId, done: &str, words: &str) -> Done {
        if self.answer.json {
            return screen::json(&json!({ "party": party.to_hex(), "done": done }));
        }
        screen::answer(&format!("{party} {words}"))
    }
}
