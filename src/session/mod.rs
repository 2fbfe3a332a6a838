//! The session: the party's side, where everything secret happens.
//!
//! A [`Session`] holds a keyring, talks to a [`Custodian`](crate::custodian::Custodian) and believes it nothing: what comes back is verified against
//! signatures of those who had the right, and against the session's [`Memory`]. Roles are types: what a role cannot do
//! does not compile.
//!
//! ```compile_fail,E0599
//! # use casevault::{party::Doctor, session::{Case, Session}, consent::Terms, id::PartyId};
//! fn a_doctor_cannot_assign(bob: &Session<'_, Doctor>, case: &Case, other: PartyId) {
//!     bob.assign(case, other, Terms::treatment());
//! }
//! ```
//! ```compile_fail,E0599
//! # use casevault::{party::Patient, credential::Attestation, session::Session, id::PartyId};
//! fn a_patient_cannot_attest(alice: &Session<'_, Patient>, doctor: PartyId) {
//!     alice.attest(doctor, Attestation::doctor("cardiology"));
//! }
//! ```
//! ```compile_fail,E0599
//! # use casevault::{party::Registrar, session::Session};
//! fn a_registrar_has_no_cases_of_its_own(office: &Session<'_, Registrar>) {
//!     office.open_case("mine");
//! }
//! ```
//! ```compile_fail,E0599
//! # use casevault::{custodian::PoolCursor, party::Patient, session::Session};
//! fn a_patient_reads_no_pool(alice: &Session<'_, Patient>) {
//!     alice.pull(&PoolCursor::default());
//! }
//! ```
//! ```compile_fail,E0599
//! # use casevault::{party::Auditor, session::{Case, Session}};
//! fn an_auditor_opens_nothing(auditor: &Session<'_, Auditor>, case: &Case) {
//!     auditor.open(case);
//! }
//! ```

mod access;
mod assign;
mod audit;
mod case;
mod chart;
mod conduct;
mod curate;
mod curator;
mod directory;
mod enrol;
mod exchange;
mod export;
mod history;
mod import;
mod in_log;
mod ledger;
mod memory;
mod office;
mod open;
mod pen;
mod people;
mod practice;
mod registry;
mod renew;
mod share;
mod state;
mod verify;
mod write;

pub use access::{Access, Look, Residue};
pub use assign::Granted;
pub use case::Case;
pub use chart::{Author, Chart, Identity, Record, Unreadable};
pub use conduct::{ReadPetition, Sentence, StandingReport, StrikeLine};
pub use curate::{Curated, Curation};
pub use curator::{Arrival, Journalled, Pulled, Unfit};
pub use directory::{DirectoryPage, ListedDoctor, Looking, Pin};
pub use export::FetchError;
pub use history::HistoryLine;
pub use import::Imported;
pub use in_log::{Checkpointed, HistoryProof};
pub use ledger::StreamReport;
pub use memory::Memory;
pub use office::{Applicant, Papers, Queue, Waiting};
pub use practice::DoctorView;
pub use registry::Proposal;
pub use renew::Revocation;
pub use share::SharedWithPublic;
pub use state::{Session, Tools};
pub use write::Entry;
