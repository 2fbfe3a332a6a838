//! Policy: what this vault allows.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::{codec::wire, limits::REGISTRARS_MAX, party::Card, time::days};

/// What this vault allows; the defaults are safe.
///
/// Fixed when the vault is made. (Changing it, signed by the registrars, is not built yet.)
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    #[n(0)]
    pub(crate) registrars: Vec<Card>,
    #[n(1)]
    pub(crate) registrars_needed: u8,
    #[n(2)]
    pub(crate) patients_attested: bool,
    #[n(3)]
    pub(crate) open_cases_max: u32,
    #[n(4)]
    longest_grant_s: u64,
    #[n(5)]
    clock_skew_s: u64,
    #[n(6)]
    pub(crate) denials_per_minute: u32,
}

wire! { Policy: "policy", 2048 * REGISTRARS_MAX; }

impl Policy {
    /// Trusts these registrars, one of whom must attest; patients must be attested; at most 20 open cases a patient;
    /// grants of at most a year; clocks at most five minutes apart.
    #[must_use]
    pub fn trusting<'a>(registrars: impl IntoIterator<Item = &'a Card>) -> Self {
        Self {
            registrars: registrars.into_iter().cloned().collect(),
            registrars_needed: 1,
            patients_attested: true,
            open_cases_max: 20,
            longest_grant_s: days(366).as_secs(),
            clock_skew_s: 300,
            denials_per_minute: 600,
        }
    }

    /// So many registrars must attest a card.
    #[must_use]
    pub fn registrars_needed(self, count: u8) -> Self {
        Self { registrars_needed: count, ..self }
    }

    /// Patients open cases without an attestation.
    #[must_use]
    pub fn admitting_unattested_patients(self) -> Self {
        Self { patients_attested: false, ..self }
    }

    /// A patient has at most so many open cases.
    #[must_use]
    pub fn open_cases_max(self, count: u32) -> Self {
        Self { open_cases_max: count, ..self }
    }

    /// No grant lasts longer.
    #[must_use]
    pub fn longest_grant(self, span: Duration) -> Self {
        Self { longest_grant_s: span.as_secs(), ..self }
    }

    /// A party's clock and the custodian's may be so far apart.
    #[must_use]
    pub fn clock_skew(self, span: Duration) -> Self {
        Self { clock_skew_s: span.as_secs(), ..self }
    }

    pub(crate) const fn longest(&self) -> Duration {
        Duration::from_secs(self.longest_grant_s)
    }

    pub(crate) const fn skew(&self) -> Duration {
        Duration::from_secs(self.clock_skew_s)
    }
}
