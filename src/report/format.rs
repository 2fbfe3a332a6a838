//! The formats for programs.

/// A format that events and grants are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// CSV (RFC 4180, with LF): `events.csv` and `grants.csv`.
    Csv,
    /// FHIR R4 as NDJSON: `AuditEvent.ndjson` and `Consent.ndjson`.
    Fhir,
    /// A JSON object a line: `events.ndjson` and `grants.ndjson`.
    Ndjson,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Csv, Self::Fhir, Self::Ndjson];

    /// The files it makes: of events, and of grants.
    #[must_use]
    pub const fn files(self) -> [&'static str; 2] {
        match self {
            Self::Csv => ["events.csv", "grants.csv"],
            Self::Fhir => ["AuditEvent.ndjson", "Consent.ndjson"],
            Self::Ndjson => ["events.ndjson", "grants.ndjson"],
        }
    }
}
