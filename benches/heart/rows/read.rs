//! A point read in an open chart, each record for the first time.

use casevault::{crypto::Random, store::Store as _};

use crate::{
    Outcome,
    clinic::{Clinic, case_of, entries},
    measure::{alternate, timed_each},
    raw::RawStore,
    table::{Goal, Row},
};

const RECORDS: usize = 1000;

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let case = case_of(&alice, 1, &mut random)?;
    let mut ids = alice.write_all(&case, entries(RECORDS, &mut random)?)?;
    // Ids are random: their order is one in which nothing lies.
    ids.sort_unstable();
    let mut raw = RawStore::open()?;
    raw.put(RECORDS)?;
    raw.keys.sort_unstable();
    let ours = |_| {
        let chart = alice.open(&case)?;
        timed_each(RECORDS, || {
            for id in &ids {
                chart.versions(*id)?;
            }
            Ok(())
        })
    };
    let beside = |_| {
        timed_each(RECORDS, || {
            for key in &raw.keys {
                raw.store.get(key)?.ok_or("a row is not there")?;
            }
            Ok(())
        })
    };
    let goal = Goal::new("≤ 4 µs over the get", 1.0, 4e3);
    let times = alternate(30, ours, beside)?;
    Ok(vec![Row::of_times("read 1 of 1,000 in an open chart", times, "raw get", Some(goal))])
}
