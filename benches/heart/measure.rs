//! Times, and what is said of many of them.

use std::time::Instant;

use crate::Outcome;

/// What many rounds gave, in nanoseconds or bytes, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// One value, where rounds make no sense.
    pub(crate) fn of(value: f64) -> Self {
        Self(vec![value])
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(2)
    }

    pub(crate) fn lower(&self) -> f64 {
        self.at(1)
    }

    pub(crate) fn upper(&self) -> f64 {
        self.at(3)
    }

    fn at(&self, quarter: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * quarter / 4).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }
}

/// How long something took, in nanoseconds, and what came of it.
pub(crate) fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((begun.elapsed().as_secs_f64() * 1e9, result))
}

/// How long each of so many took.
pub(crate) fn timed_each<T>(count: usize, work: impl FnOnce() -> Outcome<T>) -> Outcome<f64> {
    let (whole, _) = timed(work)?;
    Ok(whole / count as f64)
}

/// Rounds of both sides in turn; the first of each warms up and does not count.
///
/// A side returns its time itself, so that what it prepares is not measured.
pub(crate) fn alternate(
    rounds: usize,
    mut ours: impl FnMut(usize) -> Outcome<f64>,
    mut beside: impl FnMut(usize) -> Outcome<f64>,
) -> Outcome<(Spread, Spread)> {
    let (mut of_ours, mut of_beside) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let both = (ours(round)?, beside(round)?);
        if round > 0 {
            of_ours.push(both.0);
            of_beside.push(both.1);
        }
    }
    Ok((of_ours.into_iter().collect(), of_beside.into_iter().collect()))
}
