//! An export's report, for people.

use std::{
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use casevault::{
    audit::AuditReport,
    report::{self, Language},
    time::{Clock as _, SystemClock},
};
use clap::{Args, ValueEnum};

use super::{
    export::{Export, above, sync},
    verify::{From, ending, verify_from},
};
use crate::{Ending, context::Context};

/// Where a report goes, and in which language.
#[derive(Debug, Args)]
pub(crate) struct To {
    /// The HTML file to write, which must not be there.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The language.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// Write over a file that is there.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// Verifies, and writes the report: what the audit found is in it, and is how this ends.
pub(super) fn run(context: &Context, what: &Path, to: &To, from: &From) -> Ending {
    if !to.replace && fs::symlink_metadata(&to.out).is_ok() {
        eprintln!("{}", exists(&to.out));
        return Ending::Failed;
    }
    let export = match Export::of(context, what) {
        Ok(export) => export,
        Err(ending) => return ending,
    };
    let verdict = verify_from((export.folder(), what), from).and_then(|audit| {
        write(export.folder(), &audit, to)?;
        Ok(audit)
    });
    match verdict {
        Ok(audit) => {
            from.tell(&audit);
            eprintln!("the report is in {}", to.out.display());
            ending(&audit)
        }
        Err(words) => {
            eprintln!("{words}");
            Ending::Failed
        }
    }
}

fn exists(out: &Path) -> String {
    format!("{} is there already: choose another name, or say --replace", out.display())
}

/// Writes the file whole, or not at all; what went wrong, in words.
fn write(export: &Path, audit: &AuditReport, to: &To) -> Result<(), String> {
    let cannot = |error: io::Error| format!("{} cannot be written: {error}", to.out.display());
    let language = match to.lang {
        Lang::En => Language::English,
        Lang::Zh => Language::Chinese,
    };
    let folder = above(&to.out);
    let mut file = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder).map_err(cannot)?;
    let mut out = BufWriter::new(file.as_file_mut());
    report::write_report(export, audit, (language, SystemClock.now()), &mut out)
        .map_err(|error| error.to_string())?;
    drop(out);
    file.as_file().sync_all().map_err(cannot)?;
    if to.replace {
        file.persist(&to.out).map_err(|error| cannot(error.error))?;
    } else {
        file.persist_noclobber(&to.out).map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                exists(&to.out)
            } else {
                cannot(error.error)
            }
        })?;
    }
    sync(folder).map_err(cannot)
}
