//! The command line, as it is used: what it prints, and how it ends.

#[cfg(test)]
mod audit;

#[cfg(test)]
mod reports;
