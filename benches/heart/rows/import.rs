//! Importing FHIR charts.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use casevault::limits::CHUNK_BYTES;
use serde_json::Value;

use crate::{
    Outcome,
    clinic::Clinic,
    measure::{alternate, timed},
    raw::RawStore,
    table::Row,
};

/// At most so many charts, and at least so many rounds.
const CHARTS_MAX: usize = 40;
const ROUNDS_MIN: usize = 40;

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let charts: Vec<Vec<u8>> = find_charts()?.iter().map(fs::read).collect::<Result<_, _>>()?;
    let clinic = Clinic::open()?;
    let alice = clinic.patient(1)?;
    let mut raw = RawStore::open()?;
    let chart = |round: usize| charts.get(round % charts.len()).map(Vec::as_slice).unwrap_or_default();
    let ours = |round| {
        let (time, imported) = timed(|| Ok(alice.import(chart(round))?))?;
        alice.close_case(&imported.case)?;
        Ok(time)
    };
    let beside = |round| {
        let document = chart(round);
        let (parsing, _) = timed(|| Ok(serde_json::from_slice::<Value>(&unpacked(document)?)?))?;
        // What the vault keeps: the resources, and the document as it came.
        let resources = unpacked(document)?;
        let pieces = resources.chunks(CHUNK_BYTES).chain(document.chunks(CHUNK_BYTES));
        Ok(parsing + raw.put_values(pieces.map(<[u8]>::to_vec).collect())?)
    };
    let rounds = charts.len().max(ROUNDS_MIN);
    let times = alternate(rounds, ours, beside)?;
    let bytes: usize = charts.iter().map(|chart| Ok(unpacked(chart)?.len())).sum::<Outcome<usize>>()?;
    let work = format!("import a FHIR chart of {} KiB on average", bytes / charts.len() / 1024);
    Ok(vec![Row::of_times(work, times, "parse + raw put of its bytes, twice", None)])
}

fn unpacked(chart: &[u8]) -> Outcome<Vec<u8>> {
    if !chart.starts_with(&[0x1f, 0x8b]) {
        return Ok(chart.to_vec());
    }
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(chart).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn find_charts() -> Outcome<Vec<PathBuf>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let said = std::env::var_os("CASEVAULT_FHIR");
    let mut queue: Vec<PathBuf> =
        said.map_or_else(|| vec![own], |paths| std::env::split_paths(&paths).collect());
    let mut charts = Vec::new();
    while let Some(path) = queue.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                queue.push(entry?.path());
            }
        } else if [".json", ".json.gz"].iter().any(|end| path.to_string_lossy().ends_with(end)) {
            charts.push(path);
        }
    }
    charts.sort();
    charts.truncate(CHARTS_MAX);
    if charts.is_empty() { Err("CASEVAULT_FHIR names no charts".into()) } else { Ok(charts) }
}
