//! Writing an export: one pass over the cases, every format at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use crate::{
    id::{BatchId, PublicId},
    log::NoteSigner,
    public::{
        BatchFacts, PublicRow,
        export::{
            ExportError,
            cases::{Labels, Told, Words},
            croissant::croissant,
            csv::Lines,
            dictionary::dictionary,
            fhir::Bundle,
            file::{Draft, Hashed, Written},
            manifest, ndjson,
            package::package,
            report::{Report, Tally, Withheld},
            table::{Cell, Table},
        },
    },
    time::Timestamp,
};

/// A format of the cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// CSV; lists as JSON in a cell.
    Csv,
    /// A FHIR R4 Bundle.
    Fhir,
    /// A JSON object a line.
    Ndjson,
    /// Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[
        Self::Csv,
        Self::Fhir,
        Self::Ndjson,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// How its files' names end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Fhir => "fhir.json",
            Self::Ndjson => "ndjson",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Fhir => "application/fhir+json",
            Self::Ndjson => "application/x-ndjson",
            #[cfg(feature = "parquet")]
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What Croissant's tools call it.
    pub(super) const fn croissant_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Fhir => self.media_type(),
            Self::Ndjson => "application/jsonlines",
            #[cfg(feature = "parquet")]
            Self::Parquet => "application/x-parquet",
        }
    }
}

/// What an export says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// A short name: small letters, digits and hyphens.
    pub name: String,
    /// The title.
    pub title: String,
    /// What it is, in a few sentences.
    pub description: String,
    /// Who publishes it.
    pub publisher: String,
    /// Where more is said of it: a URL.
    pub homepage: String,
    /// The licence, as SPDX names it.
    pub licence: String,
    /// Where the licence stands: a URL.
    pub licence_url: String,
    /// Its version, as three numbers with dots.
    pub version: String,
    /// When it was made.
    pub published: Timestamp,
}

/// What a file of rows holds.
pub(super) struct Content {
    pub(super) table: Table,
    pub(super) format: Format,
}

/// An export to be written.
#[derive(Clone, Copy)]
pub struct Export<'e> {
    /// What it says of itself.
    pub cover: &'e Cover,
    /// The policy's words.
    pub labels: &'e dyn Labels,
    /// In which formats.
    pub formats: &'e BTreeSet<Format>,
    /// Every batch that is public, whole.
    pub batches: &'e [BatchFacts],
    /// What is not public, by reasons.
    pub withheld: &'e [Withheld],
}

impl std::fmt::Debug for Export<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cover, labels: _, formats, batches, withheld: _ } = self;
        write!(f, "Export({}, {formats:?}, {} batches)", cover.name, batches.len())
    }
}

impl Export<'_> {
    /// Writes the folder: all of it, durably, or nothing. The cases come in the order of their public ids; memory holds a few
    /// thousand of them.
    ///
    /// # Errors
    /// [`ExportError`]; nothing is at the place then that was not there before.
    ///
    /// # Security
    /// A case whose batch is not among the batches, a batch that is not whole, has fewer than k persons or is of another
    /// policy: nothing is written.
    /// Whether a batch may be public is for the gate to say; this only refuses what cannot have come from it.
    pub fn write<E>(
        &self,
        directory: impl AsRef<Path>,
        cases: impl IntoIterator<Item = Result<PublicRow, E>>,
        signer: &NoteSigner<'_>,
    ) -> Result<Vec<Written>, ExportError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let words = Words::of(self.labels)?;
        let tables = [words.cases()?, words.batches()?];
        let mut open = Open::of(self.batches, &words)?;
        let draft = Draft::begin(directory.as_ref())?;
        let (mut rows, tally) = self.put_cases(&draft, (&words, &tables[0]), &mut open, cases)?;
        rows.extend(self.put_batches(&draft, (&words, &tables[1]), &open)?);
        rows.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        let batches = open.batches.values().map(|(batch, _)| *batch).collect();
        let report = Report { words: &words, batches, withheld: self.withheld, tally: &tally };
        let mut files: Vec<Written> = rows.iter().map(|(_, file)| file.clone()).collect();
        for (name, text) in [
            ("croissant.json", croissant(self.cover, &words, &rows).page()?),
            ("datapackage.json", package(self.cover, &words, &report, &rows).page()?),
            ("dictionary.md", dictionary(self.cover, &words, &tables)),
            ("suppression.json", report.json().page()?),
            ("suppression.md", report.page()),
        ] {
            files.push(draft.put(name, &text)?);
        }
        let sums = files.iter().map(|file| format!("{}  {}\n", file.sha256.to_hex(), file.name));
        let sums = draft.put("SHA256SUMS", &sums.collect::<String>())?;
        files.push(sums);
        manifest::put(&draft, (self.cover, &words), &files, signer)?;
        draft.publish()?;
        Ok(files)
    }

    fn put_cases<E>(
        &self,
        draft: &Draft,
        (words, table): (&Words, &Table),
        open: &mut Open<'_>,
        cases: impl IntoIterator<Item = Result<PublicRow, E>>,
    ) -> Result<(Vec<(Content, Written)>, Tally), ExportError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut sinks = self.formats.iter().map(|format| Sink::begin(draft, table, *format));
        let mut sinks: Vec<Sink> = sinks.by_ref().collect::<Result<_, _>>()?;
        let (mut tally, mut before) = (Tally::default(), None::<PublicId>);
        for case in cases {
            let case = case.map_err(|error| ExportError::Rows(error.into()))?;
            if before.is_some_and(|before| before >= case.id) {
                return Err(ExportError::Order);
            }
            before = Some(case.id);
            open.count(&case)?;
            tally.add(case.said.diagnosis);
            let told = words.tell(&case)?;
            let row = told.cells();
            table.check(&row)?;
            sinks.iter_mut().try_for_each(|sink| sink.case(words, table, &told, &row))?;
        }
        open.are_whole()?;
        let files = sinks.into_iter().map(|sink| sink.finish(table));
        Ok((files.collect::<Result<_, _>>()?, tally))
    }

    fn put_batches(
        &self,
        draft: &Draft,
        (words, table): (&Words, &Table),
        open: &Open<'_>,
    ) -> Result<Vec<(Content, Written)>, ExportError> {
        let formats = self.formats.iter().filter(|format| **format != Format::Fhir);
        let files = formats.map(|format| {
            let mut sink = Sink::begin(draft, table, *format)?;
            for (batch, _) in open.batches.values() {
                let row = words.batch(batch)?;
                table.check(&row)?;
                sink.row(table, &row)?;
            }
            sink.finish(table)
        });
        files.collect()
    }
}

/// The batches, each with the cases still to come.
struct Open<'b> {
    batches: BTreeMap<BatchId, (&'b BatchFacts, u32)>,
}

impl<'b> Open<'b> {
    fn of(batches: &'b [BatchFacts], words: &Words) -> Result<Self, ExportError> {
        let mut open = BTreeMap::new();
        for batch in batches {
            if batch.reached.k < words.k {
                return Err(ExportError::TooFew);
            }
            if batch.policy != words.policy || open.insert(batch.id, (batch, batch.reached.k)).is_some() {
                return Err(ExportError::Batch);
            }
        }
        Ok(Self { batches: open })
    }

    fn count(&mut self, case: &PublicRow) -> Result<(), ExportError> {
        let (batch, to_come) = self.batches.get_mut(&case.batch).ok_or(ExportError::Batch)?;
        *to_come = to_come.checked_sub(1).ok_or(ExportError::Batch)?;
        if batch.class == case.class { Ok(()) } else { Err(ExportError::Batch) }
    }

    fn are_whole(&self) -> Result<(), ExportError> {
        let whole = self.batches.values().all(|(_, to_come)| *to_come == 0);
        if whole { Ok(()) } else { Err(ExportError::Batch) }
    }
}

/// A file of rows that is being written.
enum Sink {
    Csv(Lines<Hashed>),
    Fhir(Bundle<Hashed>),
    Ndjson(Hashed),
    #[cfg(feature = "parquet")]
    Parquet(Box<crate::public::export::parquet::Groups<Hashed>>),
}

impl Sink {
    fn begin(draft: &Draft, table: &Table, format: Format) -> Result<Self, ExportError> {
        let file = draft.file(&format!("{}.{}", table.name(), format.extension()))?;
        Ok(match format {
            Format::Csv => Self::Csv(Lines::begin(table, file)?),
            Format::Fhir => Self::Fhir(Bundle::begin(file)?),
            Format::Ndjson => Self::Ndjson(file),
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                Self::Parquet(Box::new(crate::public::export::parquet::Groups::begin(table, file)?))
            }
        })
    }

    fn case(&mut self, words: &Words, table: &Table, told: &Told<'_>, row: &[Cell]) -> io::Result<()> {
        if let Self::Fhir(bundle) = self { bundle.case(words, told) } else { self.row(table, row) }
    }

    fn row(&mut self, table: &Table, row: &[Cell]) -> io::Result<()> {
        match self {
            Self::Csv(lines) => lines.row(row),
            // A Bundle is made of cases, not of rows.
            Self::Fhir(_) => Ok(()),
            Self::Ndjson(file) => ndjson::line(table, row, file),
            #[cfg(feature = "parquet")]
            Self::Parquet(groups) => groups.row(row),
        }
    }

    fn finish(self, table: &Table) -> Result<(Content, Written), ExportError> {
        let (format, file) = match self {
            Self::Csv(lines) => (Format::Csv, lines.out),
            Self::Fhir(bundle) => (Format::Fhir, bundle.finish()?),
            Self::Ndjson(file) => (Format::Ndjson, file),
            #[cfg(feature = "parquet")]
            Self::Parquet(groups) => (Format::Parquet, groups.finish()?),
        };
        Ok((Content { table: table.clone(), format }, file.finish()?))
    }
}
