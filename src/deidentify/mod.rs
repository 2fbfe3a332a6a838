//! From a case to an abstract, on the patient's side.
//!
//! ```text
//! Owner (her Identity) ─┐
//! records of a case ────┴─ draft(policy) ─▶ Draft { abstract, report } ─ shown to her ─▶ yes ─▶ sealed to the curator
//!                                      └──▶ Refused { why, report }    it waits, or cannot be
//! ```
//!
//! [`draft`] is a pure function of the policy and of this case alone. What it reads are FHIR resources, by their codes, their dates and
//! their numbers; what it writes are numbers of the policy's tables: a display, a note, a name or an identifier has no way in.
//!
//! # The main diagnosis
//! Of the problems (FHIR `Condition`) that are confirmed, not entered in error, and say something of health:
//!
//! 1. a disease or injury before a symptom or finding (chapter 18), and this before a circumstance (chapters 20 to 22);
//! 2. what goes on before what has ended;
//! 3. the newest, by its onset (else by when it was recorded); one without a date last;
//! 4. the smaller category.
//!
//! A problem whose code no table has counts as a disease in this order: if it would be the main diagnosis, the case waits
//! ([`Refusal::Unmapped`]), for a row that is public is never improved. The year and the age are those of the main diagnosis; if it has no date, of
//! the newest date in the case.
//!
//! # Security
//! The abstract is for the curator. That it may become public is the gate's affair, and the consent's.

mod date;
mod draft;
mod gather;
mod owner;
mod problem;
mod report;
mod reviewed;

pub use draft::{Draft, Refusal, Refused, draft};
pub use owner::Owner;
pub use problem::Code;
pub use report::{Fate, Line, Report};
pub use reviewed::{ReviewedPicture, ReviewedText};
