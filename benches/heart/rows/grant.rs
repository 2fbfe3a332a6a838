//! Granting a case: the same for one record and for ten thousand.

use casevault::{consent::Terms, crypto::Random, id::PartyId, session::Case};

use crate::{
    Outcome,
    clinic::{Clinic, case_of},
    measure::{Spread, alternate, timed},
    raw::{Primitives, RawStore},
    table::{Goal, Row},
};

const ROUNDS: usize = 60;
const BESIDE: &str = "HPKE seal + signature";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let mut put = RawStore::open()?;
    let put: Spread = (0..200).map(|_| put.put(1)).collect::<Outcome<_>>()?;
    let (small, many) = (1, 10_000);
    let in_memory = grants(&Clinic::in_memory()?, &[small])?;
    let on_disk = grants(&Clinic::open()?, &[small, many])?;
    let goal = |words: &str, plus| Some(Goal::new(words, 1.2, plus));
    let mut rows = Vec::new();
    for times in in_memory {
        let goal = goal("≤ 1.2 ×", 0.0);
        rows.push(Row::of_times("grant, store in memory", times, BESIDE, goal));
    }
    for (times, records) in on_disk.into_iter().zip([small, many]) {
        let goal = goal("≤ 1.2 × + 1 durable put", put.median());
        rows.push(Row::of_times(format!("grant, durable, records: {records}"), times, BESIDE, goal));
    }
    Ok(rows)
}

/// Grants of cases with so many records each, every one to another doctor.
fn grants(clinic: &Clinic, records: &[usize]) -> Outcome<Vec<(Spread, Spread)>> {
    let mut random = Random::system()?;
    let mut primitives = Primitives::new()?;
    let alice = clinic.patient(1)?;
    let doctors = clinic.doctors(100, ROUNDS as u64 + 1)?;
    let each = |records: &usize| {
        let case: Case = case_of(&alice, *records, &mut random)?;
        let grant = |doctor: PartyId| Ok(alice.opinion(&case, doctor, Terms::opinion())?);
        let ours = |round| {
            let doctor = *doctors.get(round).ok_or("too few doctors")?;
            Ok(timed(|| grant(doctor))?.0)
        };
        alternate(ROUNDS, ours, |_| Ok(primitives.wrap(1)? + primitives.sign()?))
    };
    records.iter().map(each).collect()
}
