//! What was done, and how long it took.

use std::time::Instant;

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) patients: u64,
    pub(crate) doctors: u64,
    pub(crate) records: u64,
    pub(crate) bytes_in: u64,
    pub(crate) charts_refused: u64,
    pub(crate) bundles_restored_identical: u64,
    pub(crate) opens_assigned: u64,
    pub(crate) opens_opinion: u64,
    pub(crate) opens_refused: u64,
    pub(crate) strings_struck: u64,
    /// Doctors' applications in the story of vetting, as are the next four.
    pub(crate) applications: u64,
    /// Cards that no registrar attested.
    pub(crate) impostors_refused: u64,
    pub(crate) reports: u64,
    pub(crate) suspended: u64,
    /// Openings that were refused after an attestation was withdrawn.
    pub(crate) withdrawn_locked_out: u64,
    pub(crate) events: u64,
    pub(crate) streams_verified: u64,
    pub(crate) public: PublicReport,
    pub(crate) seconds: Seconds,
}

/// What became public.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PublicReport {
    pub(crate) shared: u64,
    /// Cases of which nothing can be said.
    pub(crate) refused: u64,
    pub(crate) taken_back: u64,
    pub(crate) epochs: u64,
    pub(crate) public_cases: u64,
    pub(crate) public_batches: u64,
    pub(crate) seconds_draft: f64,
    pub(crate) seconds_share: f64,
    pub(crate) seconds_epochs: f64,
}

/// Seconds for each phase.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Seconds {
    pub(crate) enrol_and_vet: f64,
    pub(crate) import: f64,
    pub(crate) assign_and_open: f64,
    pub(crate) opinion: f64,
    pub(crate) write: f64,
    pub(crate) revoke: f64,
    pub(crate) restore: f64,
    pub(crate) verify: f64,
}

/// Does something, and adds the time it took.
pub(crate) fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    *seconds += begun.elapsed().as_secs_f64();
    result
}
