//! Revoking without a reseal: constant in the records, linear in the readers who remain.

use casevault::{
    consent::Terms,
    crypto::Random,
    id::PartyId,
    party::Patient,
    session::{Case, Session},
};

use crate::{
    Outcome,
    clinic::{Clinic, case_of},
    measure::{Spread, alternate, timed},
    raw::{Primitives, RawStore},
    table::{Goal, Row},
};

const ROUNDS: usize = 20;
const RECORDS: [usize; 2] = [100, 10_000];
const REMAINING: [usize; 3] = [1, 10, 50];
const BESIDE: &str = "HPKE seals + signature + raw durable put";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let doctors = clinic.doctors(100, 51)?;
    let (victim, others) = doctors.split_last().ok_or("no doctors")?;
    let cases: Vec<Case> =
        RECORDS.iter().map(|records| case_of(&alice, *records, &mut random)).collect::<Outcome<_>>()?;
    let mut beside = Beside { raw: RawStore::open()?, primitives: Primitives::new()? };
    let mut rows = Vec::new();
    let mut slopes: Vec<(f64, f64)> = Vec::new();
    let mut granted = 0;
    for remaining in REMAINING {
        let fresh = others.iter().take(remaining).skip(granted);
        for (doctor, case) in fresh.flat_map(|doctor| cases.iter().map(move |case| (doctor, case))) {
            alice.opinion(case, *doctor, Terms::opinion())?;
        }
        granted = remaining;
        let mut of_records: Vec<Spread> = Vec::new();
        for (case, records) in cases.iter().zip(RECORDS) {
            let ours = |_| revoke(&alice, case, *victim);
            let times = alternate(ROUNDS, ours, |_| beside.renewal(remaining + 1))?;
            slopes.push((times.0.median(), times.1.median()));
            of_records.push(times.0.clone());
            let work = format!("revoke, readers left: {remaining}, records: {records}");
            rows.push(Row::of_times(work, times, BESIDE, None));
        }
        if let [few, many] = of_records.as_slice() {
            let goal = Goal::new("constant: ≤ 1.15 ×", 1.15, 0.0);
            let work = format!("revoke, readers left: {remaining}, 10,000 records");
            rows.push(Row::of_times(work, (many.clone(), few.clone()), "100 records", Some(goal)));
        }
    }
    // With 10,000 records, from 10 readers to 50: what each further one takes.
    if let [_, _, _, ten, _, fifty] = slopes.as_slice() {
        let each = |of: fn(&(f64, f64)) -> f64| Spread::of((of(fifty) - of(ten)) / 40.0);
        let times = (each(|both| both.0), each(|both| both.1));
        rows.push(Row::of_times("revoke, each further reader", times, "HPKE seal", None));
    }
    Ok(rows)
}

fn revoke(alice: &Session<'_, Patient>, case: &Case, doctor: PartyId) -> Outcome<f64> {
    alice.opinion(case, doctor, Terms::opinion())?;
    Ok(timed(|| Ok(alice.revoke(case, doctor)?))?.0)
}

struct Beside {
    raw: RawStore,
    primitives: Primitives,
}

impl Beside {
    /// A key for so many readers, the owner among them.
    fn renewal(&mut self, readers: usize) -> Outcome<f64> {
        Ok(self.primitives.wrap(readers)? + self.primitives.sign()? + self.raw.put(1)?)
    }
}
