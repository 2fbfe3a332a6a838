//! Who may come in: told once, of people who are in no chart.

use casevault::{
    consent::Terms,
    credential::{Attestation, Checked, Coding, Listing, PersonId, Reveal},
    crypto::Random,
    custodian::Errand,
    error::{Error, Misuse},
    id::PartyId,
    party::{Doctor, Patient, Registrar, Role},
    record::Kind,
    session::{Case, Chart, Entry, Looking, Record, Session},
    time::{Clock as _, Timestamp, days},
    vault::Vault,
};

use crate::{
    Outcome,
    charts::counted,
    clock::ClinicClock,
    day::{Profile, enrol, granted},
    report::Report,
    say, standing,
};

/// What a doctor's papers say.
struct Claim {
    name: &'static str,
    licence: &'static str,
    passport: &'static str,
    snomed: &'static str,
    specialty: &'static str,
}

const ERIK: Claim = claim(["Dr. Erik Eklund", "GMC 7012345", "533 380 006", "394579002", "Cardiology"]);
const FRANK: Claim =
    claim(["Dr. Frank Faber", "GMC 7023456", "533 380 017", "394814009", "General practice"]);
const GUSTAV: Claim = claim(["Dr. Gustav Gallo", "GMC 7034567", "533 380 028", "394582007", "Dermatology"]);
const MAX: Claim = claim(["Dr. Max Mallory", "GMC 7999999", "533 380 099", "394609007", "General surgery"]);

/// The medical council's own register, where a registrar looks every licence up: Max is not in it.
const REGISTER: [Claim; 3] = [ERIK, FRANK, GUSTAV];

/// The registrars' desk, and who stands before it.
pub(crate) struct Desk<'a, 'v> {
    vault: &'v Vault,
    office: &'a Session<'v, Registrar>,
    second: &'a Session<'v, Registrar>,
    random: &'a mut Random,
    report: &'a mut Report,
}

/// Who it is about.
pub(crate) struct People<'v> {
    pub(crate) heidi: Session<'v, Patient>,
    pub(crate) trudy: Session<'v, Patient>,
    pub(crate) erik: Session<'v, Doctor>,
    pub(crate) frank: Session<'v, Doctor>,
    pub(crate) gustav: Session<'v, Doctor>,
    pub(crate) max: Session<'v, Doctor>,
}

impl<'a, 'v> Desk<'a, 'v> {
    pub(crate) const fn new(
        vault: &'v Vault,
        [office, second]: [&'a Session<'v, Registrar>; 2],
        random: &'a mut Random,
        report: &'a mut Report,
    ) -> Self {
        Self { vault, office, second, random, report }
    }

    /// The whole story; the parties whose streams it filled.
    pub(crate) fn tell(mut self) -> Outcome<Vec<PartyId>> {
        let people = self.morning()?;
        let case = people.heidi.open_case("palpitations")?;
        let again = self.impostor(&people, &case)?;
        find_a_doctor(&people, &case)?;
        standing::trouble([self.office, self.second], &people, self.report)?;
        standing::withdrawal(self.office, &people, self.report)?;
        let People { heidi, trudy, erik, frank, gustav, max } = people;
        Ok(vec![heidi.id(), trudy.id(), erik.id(), frank.id(), gustav.id(), max.id(), again])
    }

    fn morning(&mut self) -> Outcome<People<'v>> {
        say("In the morning four doctors hand in a licence and a passport, sealed for the registrars:")?;
        let [erik, frank] = [self.apply(&ERIK)?, self.apply(&FRANK)?];
        let [gustav, max] = [self.apply(&GUSTAV)?, self.apply(&MAX)?];
        self.look_through_queue()?;
        let listing = |pseudonym, region| Listing::new(pseudonym).language("en").region(region);
        erik.list(&listing("Dr. Heron", "GB-SCT").language("sv").reveals(Reveal::OnAssignment))?;
        frank.list(&listing("Dr. Finch", "GB-SCT"))?;
        gustav.list(&listing("Dr. Gull", "GB-ENG"))?;
        max.list(&listing("Dr. Magpie", "GB-SCT"))?;
        say("  All four publish a listing under a pseudonym: languages, a region, and no name.")?;
        let (heidi, trudy) =
            (self.admit("Heidi Holm", "533 380 031")?, self.admit("Trudy Tanner", "533 380 042")?);
        say("  Two patients, Heidi and Trudy, show their passports at the desk and are attested.\n")?;
        Ok(People { heidi, trudy, erik, frank, gustav, max })
    }

    /// Someone enrols, and hands in papers that say so.
    fn apply(&mut self, claim: &Claim) -> Outcome<Session<'v, Doctor>> {
        let session = enrol::<Doctor>(self.vault, claim.name, self.random)?;
        session.write_name(claim.name)?;
        let (wish, licence) = ((Kind::Application, claim.specialty), (Kind::Licence, claim.licence));
        let papers = [wish, licence, (Kind::Document, claim.passport)];
        let papers = papers.map(|(kind, text)| Entry::new(kind, text));
        session.apply(papers.into_iter().collect::<Result<_, _>>()?)?;
        self.report.applications += 1;
        Ok(session)
    }

    fn admit(&mut self, name: &str, passport: &str) -> Outcome<Session<'v, Patient>> {
        let session = enrol::<Patient>(self.vault, name, self.random)?;
        self.office.attest(session.id(), Attestation::patient().person(person(passport)?))?;
        Ok(session)
    }

    fn look_through_queue(&mut self) -> Outcome<()> {
        let queue: Vec<_> = self.office.queue(Errand::Application).of_role(Role::Doctor).collect();
        for waiting in queue {
            let party = waiting?.party;
            if !self.vet(party)? {
                self.report.impostors_refused += 1;
            }
        }
        Ok(())
    }

    /// Looks at someone's papers; whether that ended in an attestation.
    fn vet(&self, party: PartyId) -> Outcome<bool> {
        let papers = self.office.papers(party)?;
        let name = papers.identity.as_identity()?.profile::<Profile>()?.name;
        let credentials = papers.credentials.ok_or("a doctor came without papers")?;
        let (licence, passport) = (paper(&credentials, Kind::Licence)?, paper(&credentials, Kind::Document)?);
        let (number, bytes) = (licence.value::<String>()?, Some(licence.content().bytes()));
        let known = REGISTER.iter().find(|known| known.licence == number && known.name == name);
        let checks = self.office.check_list();
        let checks =
            checks.passed(Checked::Person, Some(passport.content().bytes()), "his face is the passport's");
        let checks = match known {
            Some(_) => checks.passed(Checked::Licence, bytes, "the council's register has it"),
            None => checks.failed(Checked::Licence, bytes, "the council's register does not have it"),
        };
        say(&format!("  The registrar opens the papers of {name}:"))?;
        for check in checks.checks() {
            let found = if check.is_passed { "in order" } else { "NOT in order" };
            say(&format!("    {}: {found} ({})", check.what, check.note))?;
        }
        let Some(Claim { snomed, specialty, .. }) = known.filter(|_| checks.is_passed()) else {
            self.office.refuse(party, &checks)?;
            say(
                "    One check failed: his application is refused, and why is noted for the other registrars.",
            )?;
            return Ok(false);
        };
        let attestation =
            Attestation::doctor(Coding::snomed(snomed, specialty)).jurisdiction("GB").checks(checks.clone());
        match self.office.attest(party, attestation.person(person(&passport.value::<String>()?)?)) {
            Ok(()) => {
                say(&format!("    Attested as a doctor: {specialty} (SNOMED CT {snomed}).")).map(|()| true)
            }
            Err(error @ Error::Misuse(Misuse::PersonKnown)) => {
                say(&format!("    Not attested: \"{error}\""))?;
                let note = "another card has this passport, and its holder has lost none";
                let checks = checks.failed(Checked::Person, Some(passport.content().bytes()), note);
                self.office.refuse(party, &checks)?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The impostor's two tries; the party of the second.
    fn impostor(&mut self, People { heidi, erik, max, .. }: &People<'v>, case: &Case) -> Outcome<PartyId> {
        say("Max Mallory is no doctor:")?;
        let all = heidi.directory(Looking::for_doctors())?.doctors;
        if all.iter().any(|doctor| doctor.party == max.id()) {
            return Err("the directory shows a doctor whom nobody attested".into());
        }
        let count = counted(u64::try_from(all.len())?, "doctor");
        say(&format!(
            "  Heidi finds {count} in the directory, and not him. So he gives her his id, {}.",
            max.id()
        ))?;
        let error = refusal(heidi.assign(case, max.id(), Terms::treatment()), "not-attested")?;
        say(&format!("  She assigns him, and is refused: \"{error}\""))?;
        say(
            "  He enrols with another card as Erik Eklund, with Erik's licence and a forged copy of his passport.",
        )?;
        let again = self.apply(&ERIK)?;
        self.look_through_queue()?;
        if self.office.find_person(&person(ERIK.passport)?, Role::Doctor)? != Some(erik.id()) {
            return Err("the passport is not its owner's".into());
        }
        say(
            "    The registrar calls Erik, who has his card and asked for no other. Nothing is withdrawn.\n",
        )?;
        Ok(again.id())
    }
}

/// How a patient finds a doctor, and what she knows of him.
fn find_a_doctor(People { heidi, erik, .. }: &People<'_>, case: &Case) -> Outcome<()> {
    say("Heidi looks for a cardiologist who speaks Swedish and takes new cases:")?;
    let looking = Looking::for_doctors().specialty(ERIK.snomed).language("sv").accepting();
    let found = heidi.directory(looking)?.doctors.into_iter().next().ok_or("no doctor was found")?;
    let fingerprint = found.card().fingerprint();
    say(&format!("    {found}\n    the fingerprint of his card: {fingerprint}"))?;
    if fingerprint != erik.card().fingerprint() {
        return Err("the directory shows another card".into());
    }
    say("  She asks the clinic by telephone for Dr. Heron's fingerprint: it is the same.")?;
    say(&format!("  Before she assigns him, she knows:\n    {}", heidi.doctor(case, found.party)?))?;
    heidi.assign(case, found.party, Terms::treatment().until(in_days(14)))?;
    erik.open(&granted(erik, case)?)?.identity()?;
    let known = heidi.doctor(case, found.party)?;
    if known.name() != Some(ERIK.name) {
        return Err("the doctor did not tell who he is".into());
    }
    say(
        "  She assigns him. He opens the case and learns who she is. By his own choice she learns who he is:",
    )?;
    say(&format!("    {known}\n"))
}

const fn claim([name, licence, passport, snomed, specialty]: [&'static str; 5]) -> Claim {
    Claim { name, licence, passport, snomed, specialty }
}

fn paper(credentials: &Chart<'_, '_, Registrar>, kind: Kind) -> Outcome<Record> {
    Ok(credentials.records_of(kind)?.into_iter().next().ok_or("a paper is missing")?)
}

fn person(passport: &str) -> Outcome<PersonId> {
    Ok(PersonId::new("passport:GBR", passport).ok_or("a passport has a number")?)
}

/// The refusal that had to come.
pub(crate) fn refusal<T>(outcome: Result<T, Error>, code: &str) -> Outcome<Error> {
    match outcome {
        Ok(_) => Err(format!("let through what should be refused: {code}").into()),
        Err(error) if error.code() == code => Ok(error),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn in_days(count: u32) -> Timestamp {
    ClinicClock.now().plus(days(count))
}
