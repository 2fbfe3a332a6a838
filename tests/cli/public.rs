//! `casevault public export`, `verify` and `query`: what a researcher gets, and when nothing.

use std::{fs, path::Path, sync::LazyLock};

use casevault::{
    log::NoteVerifier,
    public::{PublicPolicy, export::verify_export},
};
use serde_json::Value;

use crate::{
    area::{DRUG, PLANTED, area},
    stage::{Stage, copy, ends, vault},
};

/// One vault with a public area for all these tests: each works on a copy.
static AREA: LazyLock<Stage> = LazyLock::new(|| {
    let stage = Stage::new();
    area(&stage.at("vault"), 24);
    stage
});

fn public(stage: &Stage) -> String {
    copy(&AREA.at("vault"), &stage.at("vault"));
    stage.path("vault")
}

/// The vault, an export of it, and its key in a file.
fn exported(stage: &Stage, formats: &str) -> (String, String, String) {
    let (place, out, key) = (public(stage), stage.path("export"), stage.path("vkey"));
    ends(&["public", "export", &place, "--format", formats, "--out", &out], 0, "signed by casevault/");
    fs::write(&key, ends(&["audit", "vkey", &place], 0, "")).unwrap();
    (place, out, key)
}

fn names(export: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(export)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_format_is_exported_and_in_none_is_anybody_named() {
    let stage = Stage::new();
    let (place, out, key) = exported(&stage, "csv,ndjson,fhir");
    let cases = ["batches.csv", "batches.ndjson", "cases.csv", "cases.fhir.json", "cases.ndjson"];
    for name in cases {
        assert!(names(&out).contains(&name.to_owned()), "{name}");
    }
    let vkey = fs::read_to_string(&key).unwrap();
    assert!(verify_export(&out, &NoteVerifier::parse(vkey.trim()).unwrap()).unwrap().len() >= 10);
    for name in names(&out) {
        let text = fs::read_to_string(Path::new(&out).join(&name)).unwrap();
        for planted in PLANTED {
            assert!(!text.contains(planted), "{planted} is in {name}");
        }
    }
    // So much is withheld as may be said.
    let report = fs::read_to_string(Path::new(&out).join("suppression.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["withheld"][0]["reason"], "not-public");
    assert_eq!(report["withheld"][0]["cases"]["fewer_than"], 12);
    assert_eq!(report["published"]["at_least"].as_u64().unwrap() % 12, 0);
    // One format alone is the contract of scripts.
    for format in ["csv", "ndjson", "fhir"] {
        let one = stage.path(format);
        ends(&["public", "export", &place, "--format", format, "--out", &one], 0, "cases in");
        ends(&["public", "verify", &one, "--vkey", vkey.trim()], 0, "are what the vault signed");
    }
    // What the export says of itself is the operator's.
    fs::write(stage.at("cover"), "title = 'Quayside'\nlicence = 'CC-BY-4.0'\n").unwrap();
    let covered = stage.path("covered");
    let export = ["public", "export", &place, "--format", "csv", "--out", &covered];
    ends(&[&export[..], &["--cover", &stage.path("cover")]].concat(), 0, "cases in");
    let package = fs::read_to_string(Path::new(&covered).join("datapackage.json")).unwrap();
    assert!(package.contains("Quayside") && package.contains("CC-BY-4.0"));
}

#[test]
fn parquet_is_there_or_said_to_be_absent() {
    let stage = Stage::new();
    let (place, out) = (public(&stage), stage.path("export"));
    let export = ["public", "export", &place, "--format", "parquet", "--out", &out];
    if cfg!(feature = "parquet") {
        ends(&export, 0, "cases in");
        assert!(names(&out).contains(&"cases.parquet".to_owned()));
    } else {
        ends(&export, 1, "--features cli,parquet");
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn what_cannot_be_exported_says_why_and_leaves_nothing() {
    let stage = Stage::new();
    let (place, out) = (public(&stage), stage.path("export"));
    let export = |place: &str, more: &[&str], code, says: &str| {
        ends(&[&["public", "export", place, "--format", "csv", "--out", &out], more].concat(), code, says);
        assert!(!Path::new(&out).exists());
    };
    ends(&["public", "export", &place, "--out", &out], 2, "--format");
    ends(&["public", "export", &place, "--format", "excel", "--out", &out], 2, "parquet");
    ends(&["public", "export", &place, "--format", "csv"], 2, "--out");
    export(&stage.path("nowhere"), &[], 1, "holds no vault");
    let plain = stage.path("plain");
    vault(Path::new(&plain), &[], 0);
    export(&plain, &[], 1, "has no public area");
    fs::write(stage.at("policy"), "k = 3").unwrap();
    export(&place, &["--policy", &stage.path("policy")], 1, "policy");
    let other = include_str!("../../src/public/data/default.toml");
    fs::write(stage.at("policy"), other).unwrap();
    let digest = PublicPolicy::shipped_small().unwrap().digest().to_hex();
    export(&place, &["--policy", &stage.path("policy")], 1, &digest);
    fs::write(stage.at("cover"), "colour = 'red'").unwrap();
    export(&place, &["--cover", &stage.path("cover")], 1, "colour");
    export(&place, &["--cover", &stage.path("nowhere")], 1, "nowhere");
    fs::create_dir(&out).unwrap();
    fs::write(Path::new(&out).join("mine"), "mine").unwrap();
    ends(&["public", "export", &place, "--format", "csv", "--out", &out], 1, "there already");
    assert_eq!(names(&out), ["mine"]);
}

#[test]
fn an_export_is_believed_as_far_as_its_signature_holds() {
    let stage = Stage::new();
    let (_, out, key) = exported(&stage, "ndjson");
    let check = |code, says: &str| {
        ends(&["public", "verify", &out, "--vkey", &key], code, says);
        // Nothing is told of what does not hold.
        let told = ends(&["public", "query", &out, "--vkey", &key], code, if code == 0 { "" } else { says });
        assert_eq!(told.is_empty(), code != 0);
    };
    check(0, "");
    let file = |name: &str| Path::new(&out).join(name);
    let changing = |name: &str, change: &dyn Fn(&str) -> String, code, says: &str| {
        let before = fs::read_to_string(file(name)).unwrap();
        fs::write(file(name), change(&before)).unwrap();
        check(code, says);
        fs::write(file(name), before).unwrap();
    };
    changing("cases.ndjson", &|text| text.replace("female", "male"), 3, "cases.ndjson is not the file");
    changing("suppression.md", &|text| format!("{text}\n"), 3, "suppression.md");
    changing("manifest.json", &|text| text.replace("\"k\"", "\"k\" "), 3, "do not use it");
    changing("manifest.json.sig", &|text| text.replace("casevault/", "casevault/0"), 3, "do not use it");
    fs::write(file("more.csv"), "id\n").unwrap();
    check(3, "do not name the same files");
    fs::remove_file(file("more.csv")).unwrap();
    for name in ["manifest.json.sig", "cases.ndjson"] {
        let before = fs::read(file(name)).unwrap();
        fs::remove_file(file(name)).unwrap();
        check(4, "ask for the whole folder");
        fs::write(file(name), before).unwrap();
    }
    check(0, "");
    // Another vault's key.
    let other = stage.path("other");
    vault(Path::new(&other), &[], 0);
    let strange = ends(&["audit", "vkey", &other], 0, "");
    ends(&["public", "verify", &out, "--vkey", strange.trim()], 3, "do not use it");
    ends(&["public", "verify", &out, "--vkey", "casevault"], 2, "no verifier key");
    ends(&["public", "verify", &out], 2, "--vkey");
    ends(&["public", "verify", &stage.path("nowhere"), "--vkey", &key], 1, "check the path");
}

#[test]
fn cases_are_listed_and_counted_alike_from_a_vault_and_from_its_exports() {
    let stage = Stage::new();
    let (place, out, key) = exported(&stage, "ndjson");
    let csv = stage.path("csv");
    ends(&["public", "export", &place, "--format", "csv", "--out", &csv], 0, "");
    let all = json_lines(&fs::read_to_string(Path::new(&out).join("cases.ndjson")).unwrap());
    assert!(all.len() >= 12);
    let asked = |more: &[&str]| {
        let of =
            |what: &str, given: &[&str]| ends(&[&["public", "query", what], given, more].concat(), 0, "");
        let told = of(&place, &[]);
        assert_eq!(of(&out, &["--vkey", &key]), told);
        assert_eq!(of(&csv, &["--vkey", &key]), told);
        told
    };
    assert_eq!(json_lines(&asked(&["--json"])), all);
    let held = |fits: &dyn Fn(&Value) -> bool| all.iter().filter(|case| fits(case)).count();
    let count = |more: &[&str]| -> usize {
        let told = json_lines(&asked(&[more, &["--count", "--json"]].concat()));
        told[0]["count"].as_u64().unwrap().try_into().unwrap()
    };
    assert_eq!(count(&[]), all.len());
    let diagnosis = all[0]["diagnosis"].as_str().unwrap();
    let (age, year) = (all[0]["age"].as_str().unwrap(), all[0]["year"].as_str().unwrap());
    let is_same = held(&|case| case["diagnosis"] == diagnosis);
    assert_eq!(count(&["--diagnosis", diagnosis]), is_same);
    assert_eq!(count(&["--where", &format!("diagnosis={diagnosis}")]), is_same);
    assert_eq!(count(&["--diagnosis", "A00-Z99"]), held(&|case| case["diagnosis_level"] != "chapter"));
    assert_eq!(count(&["--diagnosis", "Z99"]), 0);
    let both = [format!("age={age}"), format!("year={year}")];
    let fits = |case: &Value| case["age"] == age && case["year"] == year;
    assert_eq!(count(&["--where", &both[0], "--where", &both[1]]), held(&fits));
    // A list holds a value, or it does not.
    let holds = |case: &Value| case["drugs"].as_array().unwrap().iter().any(|value| value == DRUG);
    assert!(held(&holds) >= 12);
    assert_eq!(count(&["--where", &format!("drugs={DRUG}")]), held(&holds));
    assert_eq!(count(&["--where", "drugs=16"]), 0);
    // Counts of a field make up the whole, the most first.
    let by = json_lines(&asked(&["--by", "diagnosis", "--json"]));
    let counts: Vec<u64> = by.iter().map(|line| line["count"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|one, other| one >= other));
    assert_eq!(counts.iter().sum::<u64>(), u64::try_from(all.len()).unwrap());
    assert_eq!(asked(&["--by", "diagnosis,outcome", "--limit", "1"]).lines().count(), 2);
    // As a table, and as CSV that others read.
    let table = asked(&["--limit", "3"]);
    assert!(table.starts_with("id ") && table.contains("diagnosis") && table.lines().count() == 4, "{table}");
    assert_eq!(asked(&["--columns", "outcome", "--limit", "1"]), "outcome\nongoing\n");
    let text = asked(&["--csv"]);
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), all.len());
    assert_eq!(text, fs::read_to_string(Path::new(&csv).join("cases.csv")).unwrap());
}

#[test]
fn what_cannot_be_asked_says_what_can() {
    let stage = Stage::new();
    let (_, out, key) = exported(&stage, "fhir");
    ends(&["public", "query", &out], 2, "an export needs --vkey");
    ends(&["public", "query", &out, "--vkey", &key], 1, "neither NDJSON nor CSV");
    ends(&["public", "query", &stage.path("nowhere")], 1, "neither an export");
    ends(&["public", "query"], 2, "WHAT");
    let place = stage.path("vault");
    ends(&["public", "query", &place, "--where", "name=Alice"], 2, "there is no field name: there are id");
    ends(&["public", "query", &place, "--where", "sex"], 2, "an equals sign");
    ends(&["public", "query", &place, "--by", "name"], 2, "there is no field");
    ends(&["public", "query", &place, "--diagnosis", "asthma"], 2, "like J45 or J40-J47");
    ends(&["public", "query", &place, "--diagnosis", "J47-J40"], 2, "like J45 or J40-J47");
    ends(&["public", "query", &place, "--json", "--csv"], 2, "cannot be used with");
}

#[test]
fn an_audit_of_a_vault_goes_by_the_public_policy_that_is_kept_there() {
    let stage = Stage::new();
    let place = public(&stage);
    let kept = stage.at("vault").join("public.toml");
    let gated = |words: &[&str]| {
        let said = ends(&[&["audit", "verify", "--json"], words].concat(), 0, "0 findings");
        let verdict: Value = serde_json::from_str(&said).unwrap();
        let batches = &verdict["batches"];
        assert!(batches["public"].as_u64().unwrap() > 0);
        (batches["held_to_gate"] == batches["public"], batches["held_to_gate"] == 0)
    };
    fs::write(&kept, PublicPolicy::SMALL_TEXT).unwrap();
    assert_eq!(gated(&[&place]), (true, false));
    // A policy that somebody put in its place is not the one that releases name.
    fs::write(&kept, PublicPolicy::DEFAULT_TEXT).unwrap();
    assert_eq!(gated(&[&place]), (false, true));
    assert_eq!(gated(&[&place, "--public-policy", "small"]), (true, false));
    fs::remove_file(&kept).unwrap();
    assert_eq!(gated(&[&place]), (false, true));
    // What is there and cannot be read is said, not passed over.
    fs::write(&kept, "k = ").unwrap();
    ends(&["audit", "verify", &place], 1, "public.toml");
}
