//! Charts: `import`, `show`, `write`.

use std::path::PathBuf;

use casevault::{
    limits::{CONTENT_BYTES_MAX, FHIR_BYTES_MAX},
    party::{Doctor, Patient, Role},
    record::Kind,
    session::{Case, Entry, Record, Session},
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context},
    failure::{Done, Failure},
    named, records, screen,
};

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// FHIR R4 documents, each a Bundle of one patient in JSON, plain or gzip; `-` is stdin.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    answer: Answer,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The case, by the beginning of its id. Without it: the cases you have.
    case: Option<String>,
    /// Yourself: what your identity says.
    #[arg(long, conflicts_with = "case")]
    me: bool,
    #[command(flatten)]
    answer: Answer,
}

/// What is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Written {
    Complaint,
    Note,
    Observation,
    Prescription,
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The case, by the beginning of its id; `new` opens one, whose title is the text's first line.
    case: String,
    /// The text's file; `-` is stdin.
    file: PathBuf,
    /// What it is; a patient's is a complaint, a doctor's a note, if not said.
    #[arg(long)]
    kind: Option<Written>,
    #[command(flatten)]
    answer: Answer,
}

impl Import {
    pub(crate) fn run(self, context: &Context) -> Done {
        if self.files.iter().filter(|file| crate::disk::is_dash(file)).count() > 1 {
            return Err(Failure::usage("stdin is there once: give `-` once"));
        }
        self.files.iter().try_for_each(|file| context.may_read(file))?;
        let length = u64::try_from(self.files.len()).unwrap_or(u64::MAX);
        context.act(|alice: &Session<'_, Patient>| {
            let bar = screen::bar(length, "charts");
            let told = self.files.iter().try_for_each(|file| {
                let document = context.read_input(file, FHIR_BYTES_MAX)?;
                let imported = alice.import(&document).map_err(|error| Failure::from(error).about(file))?;
                bar.inc(1);
                let (case, id) = (imported.case_records, imported.case.id());
                bar.suspend(|| {
                    if self.answer.json {
                        return screen::json(&json!({
                            "case": id.to_hex(),
                            "case_records": case,
                            "identity_records": imported.identity_records,
                            "struck": imported.report.struck,
                        }));
                    }
                    let who = imported.identity_records;
                    screen::answer(&format!(
                        "case {id}: {case} records; {who} that say who, in your identity"
                    ))
                })
            });
            bar.finish_and_clear();
            told
        })
    }
}

impl Show {
    pub(crate) fn run(self, context: &Context) -> Done {
        match context.role()? {
            Role::Doctor => context.act(|bob: &Session<'_, Doctor>| self.of_doctor(bob)),
            Role::Patient => context.act(|alice: &Session<'_, Patient>| self.of_patient(alice)),
            role @ (Role::Auditor | Role::Curator | Role::Registrar | _) => {
                let words =
                    format!("a {role} has no cases: a patient or a doctor has; give another key with --key");
                Err(Failure::wrong_key("wrong-role", words))
            }
        }
    }

    fn of_patient(&self, alice: &Session<'_, Patient>) -> Done {
        if self.me {
            return records::tell(&alice.open(&alice.identity_folder()?)?.records()?, self.answer);
        }
        let mut cases = alice.own_cases()?;
        if let Some(named) = &self.case {
            let chart = alice.open(&named::case(cases, named)?)?;
            return records::tell(&chart.records()?, self.answer);
        }
        cases.sort_by_key(Case::id);
        let access = alice.who_has_access()?;
        let mut all = Vec::new();
        for case in &cases {
            let title = title(&alice.open(case)?.records_of(Kind::Title)?);
            let readers = access.iter().filter(|access| access.folder == case.id());
            let readers: Vec<_> = readers.map(|access| (access.party, access.terms)).collect();
            all.push((case, title, readers));
        }
        if self.answer.json {
            let all = all.iter().map(|(case, title, readers)| {
                let readers = readers.iter().map(|(party, terms)| {
                    json!({ "party": party.to_hex(), "terms": terms.to_string() })
                });
                let readers: Vec<_> = readers.collect();
                json!({ "case": case.id().to_hex(), "title": title, "closed": case.is_closed(), "readers": readers })
            });
            return screen::json(&all.collect());
        }
        for (case, title, readers) in all {
            let closed = if case.is_closed() { ", closed" } else { "" };
            screen::answer(&format!("case {}: {}{closed}", case.id(), screen::clean(&title)))?;
            for (party, terms) in readers {
                screen::answer(&format!("  doctor {party}, to {terms}"))?;
            }
        }
        no_cases(cases.is_empty(), "`casevault import FILE` or `casevault write new FILE` begins one");
        Ok(())
    }

    fn of_doctor(&self, bob: &Session<'_, Doctor>) -> Done {
        if self.me {
            return records::tell(&bob.open(&bob.identity_folder()?)?.records()?, self.answer);
        }
        let mut cases = bob.cases()?;
        if let Some(named) = &self.case {
            let chart = bob.open(&named::case(cases, named)?)?;
            let mut records = chart.records()?;
            let who = chart.identity();
            match who {
                Ok(who) => {
                    if !self.answer.json {
                        screen::answer(&format!("patient {}", who.party()))?;
                    }
                    records.splice(0..0, who.records().iter().cloned());
                }
                Err(casevault::error::Error::Misuse(casevault::error::Misuse::NoIdentity)) => {
                    screen::word("Who the patient is, is not told with a second opinion.");
                }
                Err(error) => return Err(error.into()),
            }
            return records::tell(&records, self.answer);
        }
        cases.sort_by_key(Case::id);
        if self.answer.json {
            let all = cases.iter().map(|case| {
                let terms = case.terms().map(|terms| terms.to_string());
                json!({ "case": case.id().to_hex(), "terms": terms, "identity": case.has_identity() })
            });
            return screen::json(&all.collect());
        }
        for case in &cases {
            let terms = case.terms().map(|terms| format!(", to {terms}")).unwrap_or_default();
            screen::answer(&format!("case {}{terms}", case.id()))?;
        }
        no_cases(cases.is_empty(), "a patient must assign you or ask you for an opinion");
        Ok(())
    }
}

impl Write {
    pub(crate) fn run(self, context: &Context) -> Done {
        let bytes = context.read_input(&self.file, CONTENT_BYTES_MAX)?;
        let text = str::from_utf8(&bytes).map(str::trim_end);
        let text = text.ok().filter(|text| !text.is_empty()).ok_or_else(|| {
            Failure::failed("not-text", format!("{} holds no text: write it first", self.file.display()))
        })?;
        let first = text.lines().next().unwrap_or_default();
        let case = match context.role()? {
            Role::Doctor => context.act(|bob: &Session<'_, Doctor>| {
                let case = named::case(bob.cases()?, &self.case)?;
                bob.write(&case, self.kind(Kind::Note), text)?;
                Ok(case)
            }),
            Role::Patient => context.act(|alice: &Session<'_, Patient>| {
                if self.case == "new" {
                    let case = alice.open_case(first)?;
                    alice.write_all(&case, vec![Entry::new(self.kind(Kind::Complaint), text)?])?;
                    return Ok(case);
                }
                let case = named::case(alice.own_cases()?, &self.case)?;
                alice.write(&case, self.kind(Kind::Complaint), text)?;
                Ok(case)
            }),
            role @ (Role::Auditor | Role::Curator | Role::Registrar | _) => {
                let words =
                    format!("a {role} writes in no case: give a patient's or a doctor's key with --key");
                Err(Failure::wrong_key("wrong-role", words))
            }
        }?;
        if self.answer.json {
            return screen::json(&json!({ "case": case.id().to_hex() }));
        }
        screen::answer(&format!("case {}", case.id()))
    }

    fn kind(&self, usual: Kind) -> Kind {
        match self.kind {
            None => usual,
            Some(Written::Complaint) => Kind::Complaint,
            Some(Written::Note) => Kind::Note,
            Some(Written::Observation) => Kind::Observation,
            Some(Written::Prescription) => Kind::Prescription,
        }
    }
}

fn no_cases(is_so: bool, next: &str) {
    if is_so {
        screen::word(&format!("There are no cases: {next}."));
    }
}

fn title(records: &[Record]) -> String {
    let title = records.first().and_then(|record| record.value::<String>().ok());
    title.unwrap_or_else(|| "without a title".to_owned())
}
