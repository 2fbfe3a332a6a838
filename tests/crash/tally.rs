//! What a run of points came to, in one line.

use std::{env, io::Write as _};

/// What became of one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All that was promised is there, or what is missing is said.
    Kept,
    /// Something acknowledged is gone, half done, or the vault does not go on.
    Lost(String),
    /// A panic crossed the border, or the process ended or hung by itself.
    Panicked(String),
    /// Other words than before, or an acknowledgement without the disk's, and nobody said so.
    Silent(String),
}

/// The sum of many points.
#[derive(Debug)]
pub(crate) struct Tally {
    name: &'static str,
    points: usize,
    acknowledged: usize,
    lost: usize,
    silent: usize,
    panicked: usize,
    faults: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, points: 0, acknowledged: 0, lost: 0, silent: 0, panicked: 0, faults: Vec::new() }
    }

    /// Adds a point, and how much was acknowledged on the way.
    pub(crate) fn add(&mut self, point: &str, acknowledged: usize, verdict: Verdict) {
        self.points += 1;
        self.acknowledged += acknowledged;
        let (count, fault) = match verdict {
            Verdict::Kept => return,
            Verdict::Lost(what) => (&mut self.lost, format!("lost: {what}")),
            Verdict::Panicked(what) => (&mut self.panicked, format!("panicked: {what}")),
            Verdict::Silent(what) => (&mut self.silent, format!("silent: {what}")),
        };
        *count += 1;
        self.faults.push(format!("{point}: {fault}"));
    }

    pub(crate) fn points(&self) -> usize {
        self.points
    }

    /// Prints the line, and fails if anything was lost, silent or panicked.
    #[track_caller]
    pub(crate) fn finish(self) {
        let Self { name, points, acknowledged, lost, silent, panicked, faults } = self;
        say(&format!(
            "{name}: points tried {points}, acknowledged {acknowledged}, lost {lost}, silent {silent}, panicked \
             {panicked}"
        ));
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }
}

/// Past the test harness, which keeps what passes to itself.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

pub(crate) fn skipped(test: &str, reason: &str) {
    say(&format!("SKIPPED {test}: {reason}"));
}

/// Whether every point is to be tried, and not a sample.
pub(crate) fn is_full() -> bool {
    env::var_os("CASEVAULT_FULL").is_some_and(|value| !value.is_empty() && value != "0")
}

/// A sample of so many, evenly spread; all of them in a full run.
pub(crate) fn sample<T>(all: Vec<T>, by_default: usize) -> Vec<T> {
    if is_full() || all.len() <= by_default {
        return all;
    }
    let count = all.len();
    let is_taken = |index: usize| index * by_default / count != (index + 1) * by_default / count;
    all.into_iter().enumerate().filter(|(index, _)| is_taken(*index)).map(|(_, item)| item).collect()
}
