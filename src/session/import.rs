//! Importing a chart: who to the Identity, what to a new case, the document itself beside who.

use crate::{
    error::Error,
    fhir::{self, Bundle, Pseudonyms, Split, SplitReport, split},
    folder::Clearance,
    party::Patient,
    record::{Content, Kind},
    session::{Case, Session, write::Entry},
};

const FHIR: &str = "application/fhir+json";

/// What became of a chart.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// The new case.
    pub case: Case,
    /// Records in the case, its title included.
    pub case_records: usize,
    /// Records in the Identity, the document itself included.
    pub identity_records: usize,
    /// How the split went.
    pub report: SplitReport,
}

impl Session<'_, Patient> {
    /// Imports a FHIR R4 document, plain or gzip: a new case with its clinical content under pseudonyms; who it is
    /// about, and the document byte for byte, in the Identity. All of it appears at once, or nothing does.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the place of what is wrong: nothing was done then. [`Error::Denied`] as
    /// [`Self::open_case`].
    ///
    /// # Security
    /// Free text in the case may still name people the chart does not list.
    pub fn import(&self, document: &[u8]) -> Result<Imported, Error> {
        let bundle = Bundle::parse(document)?;
        let pseudonyms = Pseudonyms::with_key(self.random()).imported_in(self.clock.now().year());
        let Split { identity, case, report, .. } = split(&bundle, pseudonyms)?;
        let records = |entries: Vec<fhir::Entry>| {
            entries.into_iter().map(|entry| Entry::of_bytes(Kind::Resource, FHIR, entry.bytes))
        };
        let mut case_entries = vec![Entry::new(Kind::Title, "an imported chart")?];
        case_entries.extend(records(case).collect::<Result<Vec<_>, _>>()?);
        let mut identity_entries: Vec<_> = records(identity).collect::<Result<_, _>>()?;
        let is_packed = document.starts_with(&[0x1f, 0x8b]);
        let media = if is_packed { "application/gzip" } else { FHIR };
        let original = Content::from_bytes(media, document)?;
        // With the whole chart in it, whoever is told who the patient is must not be able to open it.
        identity_entries
            .push(Entry::of_content(Kind::Original, original).cleared_for(Clearance::VeryRestricted));
        let (case_records, identity_records) = (case_entries.len(), identity_entries.len());
        let own = self.own_identity()?;
        let case = self.begin_case()?;
        self.write_together(&[(&case, case_entries), (&own, identity_entries)])?;
        Ok(Imported { case, case_records, identity_records, report })
    }
}
