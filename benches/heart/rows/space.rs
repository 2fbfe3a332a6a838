//! Space on disk for 1 KiB records.

use std::{fs, path::Path};

use casevault::crypto::Random;

use crate::{
    Outcome,
    clinic::{Clinic, case_of, entries},
    measure::Spread,
    raw::RawStore,
    table::{Goal, Row, Unit},
};

const BATCHES: usize = 50;
const BATCH: usize = 1000;

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let case = case_of(&alice, 1, &mut random)?;
    let mut raw = RawStore::open()?;
    for _ in 0..BATCHES {
        alice.write_all(&case, entries(BATCH, &mut random)?)?;
        raw.put(BATCH)?;
    }
    drop(alice);
    let Clinic { vault, directory } = clinic;
    vault.close()?;
    let RawStore { store, directory: beside, .. } = raw;
    drop(store);
    let each = |directory: &Path| {
        Ok::<_, std::io::Error>(Spread::of(bytes_in(directory)? / (BATCHES * BATCH) as f64))
    };
    Ok(vec![Row {
        work: "disk for a record, 50,000 in batches".to_owned(),
        unit: Unit::Bytes,
        ours: each(directory.path())?,
        beside: each(beside.path())?,
        beside_is: "raw store",
        goal: Some(Goal::new("≤ 1.35 ×", 1.35, 0.0)),
    }])
}

/// The bytes of all files in a directory.
fn bytes_in(directory: &Path) -> Result<f64, std::io::Error> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_directory = entry.file_type()?.is_dir();
        bytes += if is_directory { bytes_in(&entry.path())? } else { entry.metadata()?.len() as f64 };
    }
    Ok(bytes)
}
