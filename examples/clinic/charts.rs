//! Which charts, and where what comes out of them goes: looked at before anything is made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{Outcome, options::Options, say};

/// The charts, in the order of their names.
pub(crate) fn find(options: &Options) -> Outcome<Vec<PathBuf>> {
    let own = [Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data")];
    let mut queue: Vec<PathBuf> = if options.fhir.is_empty() { own.to_vec() } else { options.fhir.clone() };
    // A link may lead back to a folder that was looked at.
    let (mut seen, mut charts, mut skipped) = (BTreeSet::new(), Vec::new(), 0u64);
    while let Some(path) = queue.pop() {
        let real = fs::canonicalize(&path)
            .map_err(|error| format!("no such file or folder: {} ({error})", path.display()))?;
        if !seen.insert(real) {
            continue;
        }
        if !path.is_dir() {
            charts.push(path);
            continue;
        }
        for entry in fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))? {
            let path = entry?.path();
            let name = path.to_string_lossy();
            // A link that leads nowhere is no chart.
            if path.exists() && (path.is_dir() || name.ends_with(".json") || name.ends_with(".json.gz")) {
                queue.push(path);
            } else {
                // The project's own folder has words beside its charts: nothing to tell.
                skipped += u64::from(!options.fhir.is_empty());
            }
        }
    }
    if skipped > 0 {
        say(&format!(
            "{} skipped: no chart in .json or .json.gz (lines of resources, .ndjson, are none).",
            counted(skipped, "file")
        ))?;
    }
    charts.sort();
    charts.truncate(options.limit.unwrap_or(usize::MAX));
    if charts.is_empty() {
        Err("no charts found: give files or folders of .json or .json.gz".into())
    } else {
        Ok(charts)
    }
}

/// Whether all that is to be written can be, before the day begins.
pub(crate) fn check_targets(options: &Options) -> Outcome<()> {
    if let Some(vault) = &options.vault {
        if vault.is_file() {
            return Err(format!("{} is a file: give a directory", vault.display()).into());
        }
        if vault.join("store").exists() || vault.join("host").exists() {
            let words = "holds a vault already; this example needs a new one: choose another, or delete it";
            return Err(format!("{} {words}", vault.display()).into());
        }
    }
    if let Some(directory) = &options.dump_opinion {
        fs::create_dir_all(directory)
            .map_err(|error| format!("cannot write to {}: {error}", directory.display()))?;
    }
    if let Some(directory) = &options.public
        && directory.join("epoch-1").exists()
    {
        return Err(format!("{} has exports already: choose another", directory.display()).into());
    }
    if let Some(report) = &options.report {
        fs::write(report, b"")
            .map_err(|error| format!("cannot write the report to {}: {error}", report.display()))?;
    }
    Ok(())
}

/// So many of something.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
