//! What the crate promises, tested from outside.

#[cfg(test)]
#[cfg(feature = "vault")]
mod attack;
#[cfg(test)]
#[cfg(feature = "vault")]
mod auditors;
#[cfg(test)]
#[cfg(feature = "vault")]
mod audits;
#[cfg(test)]
#[cfg(feature = "vault")]
mod browser;
#[cfg(test)]
mod charts;
#[cfg(test)]
#[cfg(feature = "vault")]
mod checkpoints;
#[cfg(test)]
#[cfg(feature = "vault")]
mod conduct;
#[cfg(test)]
mod corpus;
#[cfg(test)]
#[cfg(feature = "vault")]
mod crowds;
#[cfg(test)]
#[cfg(feature = "vault")]
mod curations;
#[cfg(test)]
#[cfg(feature = "vault")]
mod curators;
#[cfg(test)]
#[cfg(feature = "vault")]
mod custodians;
#[cfg(test)]
#[cfg(feature = "sled")]
mod custody;
#[cfg(test)]
#[cfg(feature = "vault")]
mod damage;
#[cfg(test)]
mod deidents;
#[cfg(test)]
#[cfg(feature = "vault")]
mod denials;
#[cfg(test)]
#[cfg(feature = "vault")]
mod doctors;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod faces;
#[cfg(test)]
#[cfg(feature = "vault")]
mod faults;
#[cfg(test)]
#[cfg(feature = "vault")]
mod forged;
#[cfg(test)]
#[cfg(feature = "vault")]
mod forgeries;
#[cfg(test)]
#[cfg(feature = "vault")]
mod forks;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod gates;
#[cfg(test)]
#[cfg(feature = "vault")]
mod govern;
#[cfg(test)]
#[cfg(feature = "vault")]
mod hands;
#[cfg(test)]
#[cfg(feature = "vault")]
mod histories;
#[cfg(test)]
#[cfg(feature = "vault")]
mod independent;
#[cfg(test)]
#[cfg(feature = "vault")]
mod joins;
#[cfg(test)]
#[cfg(feature = "vault")]
mod journeys;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod layers;
#[cfg(test)]
#[cfg(feature = "vault")]
mod lies;
#[cfg(test)]
mod log;
#[cfg(test)]
#[cfg(feature = "vault")]
mod model;
#[cfg(test)]
mod pools;
#[cfg(test)]
#[cfg(feature = "vault")]
mod released;
#[cfg(test)]
#[cfg(feature = "vault")]
mod reports;
#[cfg(test)]
#[cfg(feature = "vault")]
mod shares;
#[cfg(test)]
mod standings;
#[cfg(test)]
#[cfg(feature = "vault")]
mod store;
#[cfg(test)]
#[cfg(feature = "vault")]
mod supervision;
#[cfg(test)]
#[cfg(feature = "vault")]
mod sweep;
#[cfg(test)]
mod tiles;
#[cfg(test)]
mod vectors;
#[cfg(test)]
#[cfg(feature = "vault")]
mod vetting;
#[cfg(test)]
mod ward;
#[cfg(test)]
#[cfg(feature = "vault")]
mod witnesses;
#[cfg(test)]
#[cfg(feature = "vault")]
mod world;
