//! A history of 10,000 events: read, verified, put into words.

use std::{num::NonZero, thread::available_parallelism};

use casevault::crypto::Random;

use crate::{
    Outcome,
    clinic::{Clinic, case_of, entries},
    measure::{alternate, timed},
    raw::Primitives,
    table::{Goal, Row},
};

const EVENTS: usize = 10_000;
const ROUNDS: usize = 3;
const BESIDE: &str = "10,000 × verify, one core";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let auditor = clinic.auditor(2)?;
    let case = case_of(&alice, 1, &mut random)?;
    for entry in entries(EVENTS, &mut random)? {
        alice.write_all(&case, vec![entry])?;
    }
    let primitives = Primitives::new()?;
    let cores = available_parallelism().map_or(1, NonZero::get).min(2);
    // Half of what the signatures alone would take on these cores at most.
    let goal = || Some(Goal::new(format!("≥ 0.5 of the limit on {cores} cores"), 2.0 / cores as f64, 0.0));
    let whole = |read: usize| if read >= EVENTS { Ok(()) } else { Err("events are missing") };
    let history = |_| {
        let (time, lines) = timed(|| Ok(alice.history()?.iter().map(ToString::to_string).count()))?;
        whole(lines)?;
        Ok(time)
    };
    let audit = |_| {
        let (time, report) = timed(|| Ok(auditor.check_owner(alice.id(), &[])?))?;
        whole(usize::try_from(report.signatures)?)?;
        Ok(time)
    };
    let history = alternate(ROUNDS, history, |_| primitives.verify(EVENTS))?;
    let audit = alternate(ROUNDS, audit, |_| primitives.verify(EVENTS))?;
    Ok(vec![
        Row::of_times("history of 10,000 events", history, BESIDE, goal()),
        Row::of_times("audit of a stream of 10,000 events", audit, BESIDE, goal()),
    ])
}
