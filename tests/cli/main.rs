//! The command line, as it is used: what it prints, and how it ends.

#[cfg(test)]
mod area;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod public;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod witness;
