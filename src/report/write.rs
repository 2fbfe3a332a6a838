//! Writing events and grants, in one pass over the export.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{
    report::{
        Format, ReportError,
        consents::Consent,
        csv::Csv,
        fhir::Fhir,
        ndjson::Ndjson,
        reading::{Reader, Reading, Told},
    },
    time::Timestamp,
};

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Grants, those that carry one on not counted.
    pub grants: u64,
    /// Lines of the export that are not of their format.
    pub unreadable: u64,
}

/// Writes the events and grants of an export's folder in a format, as two files that `begin` opens by the names of
/// [`Format::files`]. Where a format says whether a grant is in force, it is at `at`.
///
/// # Errors
/// [`ReportError`]; what was written then is to be thrown away.
///
/// # Security
/// What is written is what the lines claim: verify the export first. A line that is not of its format is written as `unreadable`,
/// and in FHIR left out; [`Written`] counts them.
pub fn write_events<W: Write>(
    directory: impl AsRef<Path>,
    format: Format,
    at: Timestamp,
    mut begin: impl FnMut(&'static str) -> io::Result<W>,
) -> Result<Written, ReportError> {
    let reading = Reading::open(directory.as_ref())?;
    let [events, grants] = format.files();
    let files = [begin(events).map_err(ReportError::Written)?, begin(grants).map_err(ReportError::Written)?];
    let counting = |reader: &mut dyn Reader| {
        let mut counted = Counted { reader, written: Written::default() };
        reading.read(&mut counted).map(|()| counted.written)
    };
    let (written, files) = match format {
        Format::Csv => {
            let mut csv = Csv::begin(files).map_err(ReportError::Written)?;
            (counting(&mut csv)?, csv.into_files())
        }
        Format::Fhir => {
            let mut fhir = Fhir::begin(files, (reading.vault, at));
            (counting(&mut fhir)?, fhir.into_files())
        }
        Format::Ndjson => {
            let [events, grants] = files;
            let mut ndjson = Ndjson { events, grants };
            (counting(&mut ndjson)?, [ndjson.events, ndjson.grants])
        }
    };
    files.into_iter().try_for_each(|mut file| file.flush()).map_err(ReportError::Written)?;
    Ok(written)
}

/// A reader, and how much it was given.
struct Counted<'r> {
    reader: &'r mut dyn Reader,
    written: Written,
}

impl Reader for Counted<'_> {
    fn event(&mut self, told: &Told<'_>) -> io::Result<()> {
        self.written.events = self.written.events.saturating_add(1);
        self.reader.event(told)
    }

    fn consent(&mut self, consent: &Consent) -> io::Result<()> {
        self.written.grants = self.written.grants.saturating_add(1);
        self.reader.consent(consent)
    }

    fn unreadable(&mut self, index: u64) -> io::Result<()> {
        self.written.unreadable = self.written.unreadable.saturating_add(1);
        self.reader.unreadable(index)
    }
}
