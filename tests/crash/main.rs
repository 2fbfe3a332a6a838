//! Crashes and damage on the default engine: killed at every system call, on a disk that fails, under load, with bytes
//! of its files changed. What was acknowledged is there, and what is wrong is said.
//!
//! By default a sample of the points; all of them with `CASEVAULT_FULL=1`. `docs/testing.md` says what is tested how.

#[cfg(test)]
mod clinic;
#[cfg(test)]
mod files;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod look;
#[cfg(test)]
mod place;
#[cfg(test)]
mod syscalls;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod verb;
#[cfg(test)]
mod worker;
