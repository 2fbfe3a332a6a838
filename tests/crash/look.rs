//! What a clinic looks like from within, to everybody in it.

use std::{collections::BTreeSet, sync::Mutex};

use casevault::{
    custodian::{Custodian, PublicQuery, PublicReader},
    error::{Error, Misuse},
    event::Verb,
    id::Digest,
    party::Patient,
    record::Kind,
    session::{Memory, Record, Session},
    vault::Vault,
};

use crate::{
    clinic::{ALICE, BOB, CAROL, DAVE, curator, doctor, patient, trusting},
    listening::{Heard, Listening},
};

/// What was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// What everybody reads, in words that do not depend on ids.
    pub(crate) words: String,
    /// How often doctors looked, by the patient's history: this look not counted.
    pub(crate) looks: usize,
    /// The events of all streams, verified.
    pub(crate) events: BTreeSet<Digest>,
    /// The patient's memory, after.
    pub(crate) memory: Memory,
}

/// Looks as everybody, the patient with this memory. Streams are read first: looking is an event too.
pub(crate) fn look(vault: &Vault, round: u32, memory: Memory) -> Result<Found, Error> {
    let shown = Mutex::new(BTreeSet::new());
    let listening = Listening::over(vault, |heard| {
        if let Heard::Shown(events) = heard {
            shown.lock().unwrap().extend(events);
        }
    });
    let alice = patient(&listening, (ALICE, round), memory)?;
    let history = alice.history()?;
    let looks = history.iter().filter(|line| line.verb == Verb::Open && !line.is_own).count();
    let mut lines = vec![from_patient(&alice)?];
    for who in [BOB, CAROL, DAVE] {
        lines.push(from_doctor(&listening, (who, round), trusting(vault))?);
    }
    lines.push(from_curator(&listening, round, trusting(vault))?);
    let memory = alice.memory();
    drop(alice);
    Ok(Found { words: lines.join("\n"), looks, events: shown.into_inner().unwrap(), memory })
}

fn said(record: &Record) -> String {
    let (kind, version, length) = (record.kind(), record.version(), record.content().bytes().len());
    format!("{kind} {version} {length} {:?}", record.value::<String>().ok())
}

fn from_patient(alice: &Session<'_, Patient>) -> Result<String, Error> {
    alice.verify_stream()?;
    let access = alice.who_has_access()?;
    let mut lines: Vec<String> =
        access.iter().map(|access| format!("{} {}", access.party, access.because.is_some())).collect();
    for case in alice.own_cases()? {
        let records = alice.open(&case)?.records()?;
        // A case that a broken import began and that nothing was written to.
        if !records.is_empty() {
            let records: Vec<_> = records.iter().map(said).collect();
            lines.push(format!("{} {records:?}", case.is_closed()));
        }
    }
    let identity = alice.open(&alice.identity_folder()?)?.records()?;
    lines.push(format!("{:?}", identity.iter().map(said).collect::<Vec<_>>()));
    lines.sort();
    Ok(lines.join("\n"))
}

fn from_doctor(custodian: &dyn Custodian, who: (u8, u32), memory: Memory) -> Result<String, Error> {
    let doctor = match doctor(custodian, who, memory) {
        Ok(doctor) => doctor,
        Err(Error::Misuse(Misuse::NotEnrolled)) => return Ok(format!("{} is not enrolled", who.0)),
        Err(error) => return Err(error),
    };
    doctor.verify_stream()?;
    let own: Vec<String> = doctor.open(&doctor.identity_folder()?)?.records()?.iter().map(said).collect();
    let mut lines = vec![format!("{} is {own:?}", who.0)];
    for case in doctor.cases()? {
        let chart = match doctor.open(&case) {
            Ok(chart) => chart,
            Err(Error::Denied) => {
                lines.push("a case that is no longer his".to_owned());
                continue;
            }
            Err(error) => return Err(error),
        };
        let records: Vec<_> = chart.records()?.iter().map(said).collect();
        let identity = chart.identity()?;
        let profiles = identity.records().iter().filter(|record| record.kind() == Kind::Profile).count();
        lines.push(format!("{records:?} of {} with {profiles} profiles", identity.profile::<String>()?));
    }
    Ok(lines.join("\n"))
}

/// What is public, and the journals of it.
fn from_curator(custodian: &dyn Custodian, round: u32, memory: Memory) -> Result<String, Error> {
    let public = PublicReader::over(custodian);
    let unread = |_error| Error::Denied;
    let (releases, batches) = public.batches().map_err(unread)?;
    let rows = public.rows(&PublicQuery::default(), None).map_err(unread)?.found.len();
    let journals = curator(custodian, round, memory)?.journals()?.len();
    Ok(format!("{} releases, {} batches, {rows} rows, {journals} journals", releases.size, batches.len()))
}
