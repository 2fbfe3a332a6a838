//! The command line, as it is used: what it prints, and how it ends.

#[cfg(test)]
mod area;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod cosign;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod people;
#[cfg(test)]
mod public;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod witness;
