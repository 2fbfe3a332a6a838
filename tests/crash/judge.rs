//! Whether a vault that was left in the middle is what was promised: in it all that was acknowledged, nothing half
//! done, and it goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use casevault::{
    credential::Attestation,
    party::{Auditor, Registrar},
    session::{Memory, Session},
    vault::Vault,
};

use crate::{
    clinic::{REGISTRAR, Refused, create, enrol, keyring, open, tools, trusting},
    look::{Found, look},
    place::Place,
    tally::Verdict,
    verb::Verb,
    worker::Said,
};

/// What is seen of the doctor who enrols.
const ENROLLED: &str = r#"5 is ["profile 1 9 Some(\"person 5\")"]"#;

/// What a verb finds and what it leaves.
pub(crate) struct Expected {
    pub(crate) verb: Verb,
    /// Nothing, where there is no vault yet.
    pub(crate) ends: Option<[Found; 2]>,
    /// The patient's memory of the beginning.
    pub(crate) memory: Memory,
}

impl Expected {
    /// Judges a place by what its worker said before it ended.
    pub(crate) fn judge(&self, place: &Place, said: &Said) -> Verdict {
        if said.has_panicked {
            return Verdict::Panicked("in the worker".to_owned());
        }
        let judged = catch_unwind(AssertUnwindSafe(|| match &self.ends {
            None => judge_new(place, said),
            Some(ends) => self.judge_verb(place, said, ends),
        }));
        match judged {
            Ok(Ok(())) => Verdict::Kept,
            Ok(Err(what)) => Verdict::Lost(what),
            Err(_) => Verdict::Panicked("on opening again".to_owned()),
        }
    }

    fn judge_verb(&self, place: &Place, said: &Said, [before, after]: &[Found; 2]) -> Result<(), String> {
        let vault =
            open(place, 20).map_err(|error| format!("it does not open again: {}", Refused::from(error)))?;
        let found =
            look(&vault, 21, self.memory.clone()).map_err(|error| format!("it does not read: {error}"))?;
        let missing = said.events.iter().filter(|event| !found.events.contains(event)).count();
        if missing > 0 {
            return Err(format!("{missing} acknowledged events are gone"));
        }
        let is_whole = found.words == after.words && found.looks == after.looks;
        let looks = before.looks..=after.looks;
        // Enrolling is two acts; the second can be done by enrolling again.
        let between = after.words.replace(ENROLLED, "5 is []");
        let ends = [&before.words, &after.words, &between];
        let is_an_end = ends.contains(&&found.words) && looks.contains(&found.looks);
        if said.is_done && !is_whole {
            return Err(format!("acknowledged, and not there:\n{}", found.words));
        }
        if !is_an_end {
            return Err(format!("half done:\n{}", found.words));
        }
        let refused = |refused: Refused| format!("it does not go on: {refused}");
        if !is_whole {
            self.verb.act(&vault, 22, trusting(&vault)).map_err(refused)?;
        }
        let again = look(&vault, 23, found.memory).map_err(|error| refused(error.into()))?;
        if again.words != after.words {
            return Err(format!("other than expected when repeated:\n{}", again.words));
        }
        vault.close().map_err(|error| refused(error.into()))?;
        nothing_left_over(place)?;
        open(place, 24).map(drop).map_err(|error| refused(error.into()))
    }
}

/// A vault that was being made: it opens, or is made anew.
fn judge_new(place: &Place, said: &Said) -> Result<(), String> {
    let vault = match open(place, 20) {
        Ok(vault) => vault,
        Err(error) if said.is_done => {
            return Err(format!("it does not open again: {}", Refused::from(error)));
        }
        Err(first) => create(place, 21).map_err(|second| {
            format!("it neither opens ({}) nor is made ({})", Refused::from(first), Refused::from(second))
        })?,
    };
    is_usable(&vault).map_err(|refused| format!("it opens and cannot be used: {refused}"))?;
    vault.close().map_err(|error| Refused::from(error).to_string())?;
    nothing_left_over(place)?;
    open(place, 24).map(drop).map_err(|error| format!("it does not open again: {}", Refused::from(error)))
}

/// Its registrars are known to it, people enrol, and its stream begins with how it began.
fn is_usable(vault: &Vault) -> Result<(), Refused> {
    let memory = || trusting(vault);
    let office =
        Session::<Registrar>::sign_in_with(vault, keyring(REGISTRAR), memory(), tools(REGISTRAR, 22))?;
    let auditor: Session<'_, Auditor> = enrol(vault, (50, 22), memory())?;
    office.attest(auditor.id(), Attestation::auditor())?;
    if auditor.check_vault(&[])?.signatures == 0 {
        return Err(Refused {
            code: "no-beginning",
            words: "its stream does not say how it began".to_owned(),
        });
    }
    Ok(())
}

/// Drafts that a crash left are gone once the vault has gone on.
fn nothing_left_over(place: &Place) -> Result<(), String> {
    let is_draft = |name: &str| [".new", ".draft", ".generating"].iter().any(|end| name.ends_with(end));
    match place.files().into_iter().find(|(name, _)| is_draft(name)) {
        Some((name, _)) => Err(format!("{name} is left over")),
        None => Ok(()),
    }
}
