//! A privacy-preserving vault for medical records.
//!
//! Patient *and* doctor data is encrypted, one key per record. A patient's **consent is a key grant** whose terms are
//! bound to the key it releases. Who the patient is comes out only to the assigned doctor. The platform that runs the
//! vault stores and decides, and cannot read.
//!
//! # The tour
//!
//! Two sides talk in bytes over one seam, the [`custodian::Custodian`] trait:
//!
//! | side | type | holds |
//! | --- | --- | --- |
//! | a party's: a phone, a browser, a backend | [`session::Session`] | the keyring, folder keys, plaintext |
//! | the custodian's | `vault::Vault` (feature `vault`) | sealed rows, signed events; no secret of any party |
//!
//! ```
//! # #[cfg(feature = "sled")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use casevault::{
//!     access::Policy, consent::Terms, credential::Attestation, record::Kind,
//!     party::{Doctor, Keyring, Patient, Registrar, Role},
//!     session::{Memory, Session},
//!     store::SledStore, time::{Clock, SystemClock, days},
//!     vault::{HostDir, Vault},
//! };
//! # let directory = tempfile::tempdir()?;
//! # let place = directory.path();
//! let in_14_days = SystemClock.now().plus(days(14));
//! let registrar = Keyring::generate()?;
//! let policy = Policy::trusting([&registrar.card(Role::Registrar)]);
//! let vault = Vault::create(SledStore::open(place.join("vault"))?, HostDir::open(place.join("host"))?, policy)?;
//!
//! // Enrol: a card, and an Identity folder that the registrars may read until they have attested.
//! let alice = Session::<Patient>::enrol(&vault, Keyring::generate()?, "Alice Liddell, born 1985-05-04")?;
//! let bob = Session::<Doctor>::enrol(&vault, Keyring::generate()?, "Bob Brandt, Quayside Practice")?;
//! let office = Session::<Registrar>::sign_in(&vault, registrar, Memory::trusting(vault.trust().clone()))?;
//! office.attest(bob.id(), Attestation::doctor("cardiology"))?;
//! office.attest(alice.id(), Attestation::patient())?;
//!
//! // Write, and assign a doctor: the case and who the patient is, in one act.
//! let case = alice.open_case("cough for three weeks")?;
//! alice.write(&case, Kind::Complaint, "dry, worse at night")?;
//! alice.assign(&case, bob.id(), Terms::treatment().until(in_14_days))?;
//!
//! // Open: one durable event first, one unwrap after.
//! let case_of_bob = bob.cases()?.remove(0);
//! let chart = bob.open(&case_of_bob)?;
//! for record in chart.records()? {
//!     println!("{} by {}: {}", record.kind(), record.author(), record.value::<String>()?);
//! }
//! let who: String = chart.identity()?.profile()?;      // an assigned doctor only
//! # assert!(who.starts_with("Alice"));
//!
//! // Who looked, when, why; and take it back.
//! for line in alice.history()? {
//!     println!("{line}");
//! }
//! alice.revoke(&case, bob.id())?;
//! assert!(bob.open(&case_of_bob).is_err());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sled"))]
//! # fn main() {}
//! ```
//!
//! # The modules, in reading order
//!
//! | row | modules |
//! | --- | --- |
//! | base | [`limits`], [`codec`], [`id`], [`time`] |
//! | mechanism | [`crypto`], [`merkle`], [`log`], `store` |
//! | domain, pure | [`party`], [`folder`], [`record`], [`letter`], [`consent`], [`event`], [`credential`], [`access`], [`fhir`], [`public`], [`deidentify`] |
//! | seam | [`custodian`], [`error`] |
//! | sides | [`audit`], [`report`] (what an audit shows to people and programs), [`session`], `vault` |
//!
//! A module imports only from rows above it; a test holds it to that.
//!
//! # Features
//!
//! `sled` (the default) brings `vault` and the default engine; `vault` alone brings the custodian with a store in memory;
//! without either, the session side builds alone, also for `wasm32-unknown-unknown` with `wasm_js`. Features add names;
//! none changes behaviour or bytes.

pub mod access;
pub mod audit;
pub mod codec;
pub mod consent;
pub mod credential;
pub mod crypto;
pub mod custodian;
pub mod deidentify;
pub mod error;
pub mod event;
pub mod fhir;
pub mod folder;
pub mod id;
pub mod letter;
pub mod limits;
pub mod log;
pub mod merkle;
pub mod party;
pub mod public;
pub mod record;
pub mod report;
pub mod session;
mod spread;
#[cfg(feature = "vault")]
pub mod store;
pub mod time;
#[cfg(feature = "vault")]
pub mod vault;

/// The README's code, run as it stands there.
#[cfg(doctest)]
#[cfg(feature = "sled")]
#[doc = include_str!("../README.md")]
struct Readme;
