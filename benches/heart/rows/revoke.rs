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

const ROUNDS: usize = 40;
const REMAINING: [usize; 3] = [1, 10, 50];
const BESIDE: &str = "HPKE seals + signature + durable put";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let doctors = clinic.doctors(100, 51)?;
    let (victim, others) = doctors.split_last().ok_or("no doctors")?;
    let (few, many) = (case_of(&alice, 100, &mut random)?, case_of(&alice, 10_000, &mut random)?);
    let mut beside = Beside { raw: RawStore::open()?, primitives: Primitives::new()? };
    let mut rows = Vec::new();
    let mut medians: Vec<(f64, f64)> = Vec::new();
    let mut granted = 0;
    for remaining in REMAINING {
        for doctor in others.iter().take(remaining).skip(granted) {
            alice.opinion(&few, *doctor, Terms::opinion())?;
            alice.opinion(&many, *doctor, Terms::opinion())?;
        }
        granted = remaining;
        let times = alternate(ROUNDS, |_| revoke(&alice, &many, *victim), |_| beside.renewal(remaining + 1))?;
        medians.push((times.0.median(), times.1.median()));
        rows.push(Row::of_times(format!("revoke, readers left: {remaining}"), times, BESIDE, None));
        let times = alternate(ROUNDS, |_| revoke(&alice, &many, *victim), |_| revoke(&alice, &few, *victim))?;
        let goal = Goal::new("constant: ≤ 1.15 ×", 1.15, 0.0);
        let work = format!("the same, readers left: {remaining}, 10,000 records");
        rows.push(Row::of_times(work, times, "100 records", Some(goal)));
    }
    if let [_, ten, fifty] = medians.as_slice() {
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
