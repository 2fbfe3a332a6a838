//! A history of 10,000 events: read, verified, put into words. What a session has verified it remembers, so the first
//! reading and the next are two rows.

use std::{num::NonZero, thread::available_parallelism};

use casevault::{
    crypto::Random,
    id::PartyId,
    party::{Auditor, Patient},
    session::Session,
};

use crate::{
    Outcome,
    clinic::{Clinic, case_of, entries},
    measure::{alternate, timed},
    raw::Primitives,
    table::{Goal, Row},
};

const EVENTS: usize = 10_000;
const ROUNDS: usize = 5;
const ALICE: u64 = 1;
const AUDITOR: u64 = 2;
const BESIDE: &str = "10,000 × verify, one core";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(ALICE)?;
    let auditor = clinic.auditor(AUDITOR)?;
    let case = case_of(&alice, 1, &mut random)?;
    for entry in entries(EVENTS, &mut random)? {
        alice.write_all(&case, vec![entry])?;
    }
    let primitives = Primitives::new()?;
    let cores = available_parallelism().map_or(1, NonZero::get).min(2);
    // Half of what the signatures alone would take on these cores at most.
    let goal = || Some(Goal::new(format!("≥ 0.5 of the limit on {cores} cores"), 2.0 / cores as f64, 0.0));
    let beside = |_| primitives.verify(EVENTS);
    // Signing in without a memory reads the whole stream already, so it belongs to the time.
    let first = |_| Ok(timed(|| history(&clinic.returning(ALICE)?))?.0);
    let first = alternate(ROUNDS, first, beside)?;
    let again = alternate(ROUNDS, |_| Ok(timed(|| history(&alice))?.0), beside)?;
    let first_audit = |_| {
        let auditor = clinic.returning(AUDITOR)?;
        Ok(timed(|| audit(&auditor, alice.id()))?.0)
    };
    let first_audit = alternate(ROUNDS, first_audit, beside)?;
    let next_audit = alternate(ROUNDS, |_| Ok(timed(|| audit(&auditor, alice.id()))?.0), beside)?;
    Ok(vec![
        Row::of_times("sign in anew, history of 10,000 events", first, BESIDE, goal()),
        Row::of_times("history of 10,000 events, again", again, BESIDE, None),
        Row::of_times("audit a stream of 10,000 events", first_audit, BESIDE, goal()),
        Row::of_times("audit a stream of 10,000 events, again", next_audit, BESIDE, None),
    ])
}

fn history(alice: &Session<'_, Patient>) -> Outcome<()> {
    whole(alice.history()?.iter().map(ToString::to_string).count())
}

fn audit(auditor: &Session<'_, Auditor>, owner: PartyId) -> Outcome<()> {
    whole(usize::try_from(auditor.check_owner(owner, &[])?.signatures)?)
}

fn whole(read: usize) -> Outcome<()> {
    if read >= EVENTS { Ok(()) } else { Err("events are missing".into()) }
}
