//! Opening a folder of 1,000 records and reading all of it, after the durable event that says so.

use casevault::{
    consent::Terms,
    crypto::Random,
    party::{Doctor, Patient},
    session::{Case, Session},
};

use crate::{
    Outcome,
    clinic::{Clinic, case_of, entries, granted},
    measure::{Spread, alternate, timed},
    raw::{Primitives, RawStore},
    table::{Goal, Row},
};

const RECORDS: usize = 1000;
const BOB: u64 = 2;
const BESIDE: &str = "raw durable put + signature";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let bob = clinic.doctor(BOB)?;
    let grant = |case: Case| -> Outcome<Case> {
        alice.opinion(&case, bob.id(), Terms::opinion())?;
        Ok(case)
    };
    let short = grant(case_of(&alice, 1, &mut random)?)?;
    let imported = grant(case_of(&alice, RECORDS, &mut random)?)?;
    let signed = grant(written_one_by_one(&alice, &mut random)?)?;
    let mut beside = Beside { raw: RawStore::open()?, primitives: Primitives::new()? };
    let first = |case: &Case, rounds, records, beside: &mut Beside| {
        let ours = |_| {
            let bob = clinic.returning::<Doctor>(BOB)?;
            let case = granted(&bob, case)?;
            open(&bob, &case, records)
        };
        alternate(rounds, ours, |_| beside.event())
    };
    let again = |case: &Case, rounds, beside: &mut Beside| -> Outcome<(Spread, Spread)> {
        let case = granted(&bob, case)?;
        alternate(rounds, |_| open(&bob, &case, RECORDS), |_| beside.event())
    };
    let goal = |ms: f64| Some(Goal::new(format!("≤ {ms} ms over the event"), 1.0, ms * 1e6));
    let row = |work: &str, times, goal| Row::of_times(work, times, BESIDE, goal);
    Ok(vec![
        row("open 1 record", first(&short, 60, 1, &mut beside)?, None),
        row("open 1,000 of one import", first(&imported, 40, RECORDS, &mut beside)?, goal(6.0)),
        row("open 1,000 of one import, again", again(&imported, 40, &mut beside)?, goal(6.0)),
        row("open 1,000 signed one by one", first(&signed, 10, RECORDS, &mut beside)?, goal(65.0)),
        row("open 1,000 signed ones, again", again(&signed, 10, &mut beside)?, goal(6.0)),
    ])
}

/// The durable event's own cost: one durable put, one signature.
struct Beside {
    raw: RawStore,
    primitives: Primitives,
}

impl Beside {
    fn event(&mut self) -> Outcome<f64> {
        Ok(self.raw.put(1)? + self.primitives.sign()?)
    }
}

fn open(bob: &Session<'_, Doctor>, case: &Case, expected: usize) -> Outcome<f64> {
    let (time, (_chart, records)) = timed(|| {
        let chart = bob.open(case)?;
        let records = chart.records()?;
        Ok((chart, records))
    })?;
    if records.len() == expected { Ok(time) } else { Err("not all records were read".into()) }
}

fn written_one_by_one(alice: &Session<'_, Patient>, random: &mut Random) -> Outcome<Case> {
    let case = case_of(alice, 1, random)?;
    for entry in entries(RECORDS - 1, random)? {
        alice.write_all(&case, vec![entry])?;
    }
    Ok(case)
}
