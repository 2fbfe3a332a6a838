//! Who is suspended, and who is locked out: the second half of the story of vetting.

use std::collections::BTreeSet;

use casevault::{
    consent::Terms,
    credential::{Category, Petition, Severity},
    custodian::Errand,
    event::Principal,
    party::{Patient, Registrar},
    record::Kind,
    session::{ReadPetition, Sentence, Session},
};

use crate::{
    Outcome,
    day::granted,
    report::Report,
    say,
    vetting::{People, in_days, refusal},
};

/// A patient is reported, suspended, and appeals.
pub(crate) fn trouble(
    [office, second]: [&Session<'_, Registrar>; 2],
    People { trudy, frank, .. }: &People<'_>,
    report: &mut Report,
) -> Outcome<()> {
    say("Trudy threatens her doctor, Frank:")?;
    let case = trudy.open_case("sleepless")?;
    trudy.assign(&case, frank.id(), Terms::treatment().until(in_days(14)))?;
    let his = granted(frank, &case)?;
    let her = Principal::Party(frank.open(&his)?.identity()?.party());
    trudy.write(&case, Kind::Note, "more pills by tonight, or I come to your house")?;
    frank.report(her, (Category::Abuse, Severity::Serious), "she threatens to come to my house")?;
    report.reports += 1;
    let reported = first(office, Errand::Report)?;
    let Petition::Report(said) = &reported.petition else { return Err("no report".into()) };
    say("  He reports her. Only the registrars can read that, and one of them does:")?;
    say(&format!("    {}, {}: \"{}\"", said.category, said.severity, said.text))?;
    let ruling = office.uphold(&reported, Sentence::new(Category::Abuse, 3, in_days(30)))?;
    refusal(trudy.open_case("headache"), "denied")?;
    report.suspended += 1;
    say("  It is upheld: a strike of weight 3, for 30 days. Trudy cannot open a new case, and asks why:")?;
    told_how_she_stands(trudy)?;
    let words = "I was in pain, and did not mean it.";
    trudy.appeal(ruling, words)?;
    refusal(office.confirm(&first(office, Errand::Appeal)?), "denied")?;
    second.confirm(&first(second, Errand::Appeal)?)?;
    say(&format!("  She appeals: \"{words}\" The registrar who ruled may not decide that."))?;
    say("  A second registrar does, and the strike stays:")?;
    told_how_she_stands(trudy)?;
    frank.open(&his)?;
    say("  Who reported her, she is not told. Frank can still open the case that he was given.\n")
}

/// A doctor's attestation is withdrawn while a patient has assigned him.
pub(crate) fn withdrawal(
    office: &Session<'_, Registrar>,
    People { heidi, gustav, .. }: &People<'_>,
    report: &mut Report,
) -> Outcome<()> {
    say("Gustav loses his licence:")?;
    let case = heidi.open_case("rash")?;
    heidi.assign(&case, gustav.id(), Terms::treatment().until(in_days(14)))?;
    let his = granted(gustav, &case)?;
    gustav.open(&his)?;
    say("  Heidi has assigned him for a rash, and he has seen the case. Then the council strikes him off.")?;
    let concerned = office.withdraw(gustav.id())?;
    say("  The registrar withdraws the attestation, and is told whom that concerns:")?;
    let patients: BTreeSet<_> = concerned.iter().map(|one| (one.owner, one.terms.ends())).collect();
    for (patient, until) in patients {
        let name = if patient == heidi.id() { "Heidi" } else { "somebody else" };
        say(&format!("    patient {patient} ({name}), whose case he could open until {until}"))?;
    }
    let error = refusal(gustav.open(&his), "denied")?;
    report.withdrawn_locked_out += 1;
    say(&format!("  He opens the case again, and is refused: \"{error}\""))?;
    say(&format!("  Heidi looks him up:\n    {}\n", heidi.doctor(&case, gustav.id())?))
}

fn told_how_she_stands(patient: &Session<'_, Patient>) -> Outcome<()> {
    patient.standing()?.to_string().lines().try_for_each(|line| say(&format!("    {line}")))
}

fn first(registrar: &Session<'_, Registrar>, errand: Errand) -> Outcome<ReadPetition> {
    let waiting = registrar.queue(errand).next().ok_or("nothing waits")??;
    Ok(registrar.read(&waiting)?)
}
