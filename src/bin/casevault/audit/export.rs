//! A vault's export, and the formats that programs read.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use casevault::{
    report::{self, Format, ReportError},
    time::{Clock as _, SystemClock},
};
use clap::ValueEnum;

use crate::{
    Ending,
    context::Context,
    failure::{Done, Failure},
    screen,
};

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// All that an auditor needs to verify, as the vault has it.
    Bundle,
    /// Events and grants as CSV.
    Csv,
    /// Events and grants as FHIR R4 AuditEvent and Consent.
    Fhir,
    /// Events and grants as JSON, an object a line.
    Ndjson,
}

/// Writes an export's folder in a format, or a vault's bundle.
pub(super) fn run(context: &Context, what: &Path, out: &Path, format: As) -> Ending {
    let format = match format {
        As::Bundle => return bundle(context, what, out),
        As::Csv => Format::Csv,
        As::Fhir => Format::Fhir,
        As::Ndjson => Format::Ndjson,
    };
    let export = match Export::of(context, what) {
        Ok(export) => export,
        Err(ending) => return ending,
    };
    match write(export.folder(), out, format) {
        Ok(written) => {
            eprintln!(
                "{} events and {} grants written to {}: nothing was verified, `casevault audit verify` does that",
                written.events,
                written.grants,
                out.display()
            );
            if written.unreadable > 0 {
                eprintln!("{} lines are not of their format: verify the export", written.unreadable);
            }
            Ending::Fine
        }
        Err(words) => {
            eprintln!("{words}");
            Ending::Failed
        }
    }
}

fn bundle(context: &Context, vault: &Path, out: &Path) -> Ending {
    if is_export(vault) {
        eprintln!("{} is an export already: name another --format, or a vault", vault.display());
        return Ending::Failed;
    }
    match export(context, vault, out) {
        Ok((streams, events)) => {
            eprintln!("{events} events of {streams} streams exported to {}", out.display());
            Ending::Fine
        }
        Err(error) => said(&error),
    }
}

/// An export's folder: one that was given, or one made of a vault for as long as it is needed.
pub(super) enum Export<'w> {
    Given(&'w Path),
    Made(tempfile::TempDir),
}

impl<'w> Export<'w> {
    /// What was given, if it is an export's folder; else an export of the vault that it is.
    pub(super) fn of(context: &Context, what: &'w Path) -> Result<Self, Ending> {
        if is_export(what) {
            return Ok(Self::Given(what));
        }
        if !what.join("store").is_dir() {
            eprintln!(
                "{} is neither an export (policy.json is not there) nor a vault (store is not there): check the path",
                what.display()
            );
            return Err(Ending::Failed);
        }
        let scratch = tempfile::tempdir().map_err(|error| {
            eprintln!("no place for an export: {error}");
            Ending::Failed
        })?;
        export(context, what, scratch.path()).map_err(|error| said(&error))?;
        Ok(Self::Made(scratch))
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Given(folder) => folder,
            Self::Made(scratch) => scratch.path(),
        }
    }
}

fn is_export(path: &Path) -> bool {
    path.join("policy.json").is_file()
}

pub(super) fn export(context: &Context, vault: &Path, out: &Path) -> Done<(u64, u64)> {
    let vault = context.open_vault_at(vault)?;
    let exported = vault.export_audit(out)?;
    vault.close()?;
    Ok((exported.streams, exported.events))
}

fn said(failure: &Failure) -> Ending {
    screen::word(&screen::clean(&failure.to_string()));
    failure.ending
}

/// Writes both files into a folder that gets its name when they are whole; what went wrong, in words.
fn write(export: &Path, out: &Path, format: Format) -> Result<report::Written, String> {
    let cannot = |error: io::Error| format!("{} cannot be written: {error}", out.display());
    let is_free = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(format!("{} is not an empty folder: choose another", out.display()));
    }
    let above = above(out);
    fs::create_dir_all(above).map_err(cannot)?;
    let draft = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(above).map_err(cannot)?;
    let begin = |name: &str| Ok(Durable(BufWriter::new(File::create_new(draft.path().join(name))?)));
    let written = report::write_events(export, format, SystemClock.now(), begin)
        .map_err(|error: ReportError| error.to_string())?;
    sync(draft.path()).map_err(cannot)?;
    // Over a folder that is empty, and over nothing else.
    fs::rename(draft.path(), out).map_err(cannot)?;
    drop(draft.keep());
    sync(above).map_err(cannot)?;
    Ok(written)
}

/// A file that is on the disk when it is flushed.
struct Durable(BufWriter<File>);

impl Write for Durable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_all()
    }
}

/// The folder that a path lies in.
pub(super) fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
