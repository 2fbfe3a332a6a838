//! `casevault audit report`, and `audit export` for programs: each success, and how each failure ends.

use std::{collections::BTreeSet, fs, path::Path};

use crate::audit::{clinic, ends};

/// What is in a folder, hidden files too.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_report_is_made_of_a_vault_and_of_an_export_and_ends_as_the_audit_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (vault, export, page) = (path("clinic"), path("export"), path("report.html"));
    clinic(Path::new(&vault));
    ends(&["audit", "export", &vault, "--out", &export], 0, "exported to");
    ends(&["audit", "report", &vault, "--out", &page], 0, "the report is in");
    let english = fs::read_to_string(&page).unwrap();
    assert!(english.contains("<html lang=\"en\">") && english.ends_with("</html>\n"));
    // Never over another file, unless that was said.
    ends(&["audit", "report", &export, "--out", &page, "--lang", "zh"], 1, "--replace");
    assert_eq!(fs::read_to_string(&page).unwrap(), english);
    ends(&["audit", "report", &export, "--out", &page, "--lang", "zh", "--replace"], 0, "0 findings");
    assert!(fs::read_to_string(&page).unwrap().contains("<html lang=\"zh-Hans\">"));
    // Going on from what the last audit kept, with the verdict as JSON.
    let state = path("state");
    let verdict = ["audit", "report", &export, "--out", &path("two.html"), "--state", &state, "--json"];
    let verdict: serde_json::Value = serde_json::from_str(&ends(&verdict, 0, "")).unwrap();
    assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(0));
    assert!(Path::new(&state).is_file());
    fs::write(path("kept"), "not a checkpoint\n").unwrap();
    let kept = ["audit", "report", &export, "--out", &path("kept.html"), "--checkpoint", &path("kept")];
    ends(&kept, 3, "checkpoint");

    let events = Path::new(&export).join("events.ndjson");
    let clean = fs::read_to_string(&events).unwrap();
    fs::write(&events, clean.split_once('\n').unwrap().1).unwrap();
    ends(&["audit", "report", &export, "--out", &path("bad.html")], 3, "tampering at event 0");
    assert!(fs::read_to_string(path("bad.html")).unwrap().contains("class=\"verdict tampering\""));
    let last: serde_json::Value = serde_json::from_str(clean.lines().last().unwrap()).unwrap();
    let stream = format!("\"{}\"", last["stream"].as_str().unwrap());
    let kept: Vec<&str> = clean.lines().filter(|line| !line.contains(&stream)).collect();
    fs::write(&events, kept.join("\n") + "\n").unwrap();
    ends(&["audit", "report", &export, "--out", &path("less.html")], 4, "evidence missing");
}

#[test]
fn a_report_that_cannot_be_made_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (vault, export) = (path("clinic"), path("export"));
    clinic(Path::new(&vault));
    ends(&["audit", "export", &vault, "--out", &export], 0, "exported to");
    let before = names(directory.path());
    ends(&["audit", "report", &export], 2, "--out");
    ends(&["audit", "report", &export, "--out", &path("a.html"), "--lang", "la"], 2, "possible values");
    ends(&["audit", "report", &path("nowhere"), "--out", &path("a.html")], 1, "neither an export");
    ends(&["audit", "report", &export, "--out", &path("no/folder.html")], 1, "cannot be written");
    fs::rename(Path::new(&export).join("parties.ndjson"), path("aside")).unwrap();
    ends(&["audit", "report", &export, "--out", &path("a.html")], 1, "cannot be read");
    ends(&["audit", "export", &export, "--out", &path("csv"), "--format", "csv"], 1, "cannot be read");
    fs::rename(path("aside"), Path::new(&export).join("parties.ndjson")).unwrap();
    assert_eq!(names(directory.path()), before, "whole, or not there");
}

#[test]
fn each_format_is_written_of_a_vault_and_of_an_export() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (vault, export) = (path("clinic"), path("export"));
    clinic(Path::new(&vault));
    ends(&["audit", "export", &vault, "--out", &export, "--format", "bundle"], 0, "exported to");
    ends(&["audit", "verify", &export], 0, "0 findings");
    for (format, files) in [
        ("csv", ["events.csv", "grants.csv"]),
        ("ndjson", ["events.ndjson", "grants.ndjson"]),
        ("fhir", ["AuditEvent.ndjson", "Consent.ndjson"]),
    ] {
        let out = path(format);
        ends(&["audit", "export", &export, "--out", &out, "--format", format], 0, "nothing was verified");
        assert_eq!(names(Path::new(&out)), files.map(str::to_owned).into());
        let again = path(&format!("{format}-of-vault"));
        ends(&["audit", "export", &vault, "--out", &again, "--format", format], 0, "nothing was verified");
        for file in files {
            let read = |out: &str| fs::read_to_string(Path::new(out).join(file)).unwrap();
            assert_eq!(read(&out), read(&again), "{file}");
            assert!(read(&out).lines().count() > 1, "{file}");
        }
        // Into an empty folder, and into no other.
        ends(&["audit", "export", &export, "--out", &out, "--format", format], 1, "not an empty folder");
        let empty = path(&format!("{format}-empty"));
        fs::create_dir(&empty).unwrap();
        ends(&["audit", "export", &export, "--out", &empty, "--format", format], 0, "written to");
        assert_eq!(names(Path::new(&empty)).len(), 2);
    }
    ends(&["audit", "export", &export, "--out", &path("b")], 1, "is an export already");
    ends(&["audit", "export", &export, "--out", &path("b"), "--format", "xml"], 2, "possible values");
    ends(
        &["audit", "export", &path("nowhere"), "--out", &path("b"), "--format", "csv"],
        1,
        "neither an export",
    );
    let hidden = names(directory.path()).into_iter().filter(|name| name.starts_with('.'));
    assert_eq!(hidden.count(), 0, "no draft is left");
}
