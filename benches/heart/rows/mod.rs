//! The rows, a file for each kind of work.

mod grant;
mod history;
mod import;
mod large;
mod open;
mod read;
mod revoke;
mod space;
mod write;

use crate::{Outcome, table::Row};

type Measure = fn() -> Outcome<Vec<Row>>;

/// The groups of rows, by name, in the order of the table.
pub(crate) const GROUPS: &[(&str, Measure)] = &[
    ("write-batch", write::batch),
    ("write-single", write::single),
    ("seal", write::seal),
    ("open", open::measure),
    ("read", read::measure),
    ("grant", grant::measure),
    ("revoke", revoke::measure),
    ("history", history::measure),
    ("large", large::measure),
    ("import", import::measure),
    ("space", space::measure),
];
