//! What the crate promises, tested from outside.

#[cfg(all(test, feature = "vault"))]
mod journeys;
#[cfg(test)]
mod layers;
#[cfg(all(test, feature = "vault"))]
mod store;
#[cfg(all(test, feature = "vault"))]
mod world;
