//! Exports: the same rows in every format, explained, signed, whole or not there, and with no small number in them.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
};

use casevault::{
    crypto::{Secret, Signer},
    id::{BatchId, Digest, PublicId},
    log::{KeyName, NoteSigner, NoteVerifier},
    public::{
        Amount, BatchFacts, Class, Code, Icd3, LeftOut, Outcome, PublicPolicy, PublicRow, PublicValue,
        Reached, Said, WeekBand,
        export::{
            Cell, Cover, Export, ExportError, Field, Format, Kind, Labels, NotGenuine, QuasiIdentifier, Role,
            Table, Test, Withheld, formula_safe, verify_export, write_csv, write_ndjson,
        },
    },
    time::Timestamp,
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A policy's words, as an export asks for them.
struct Grid {
    k: u32,
}

fn said(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

fn quasi(name: &str, description: &str, bins: [Vec<Option<String>>; 2]) -> QuasiIdentifier {
    QuasiIdentifier {
        name: name.to_owned(),
        title: name.to_owned(),
        description: description.to_owned(),
        bins,
    }
}

impl Labels for Grid {
    fn policy(&self) -> Digest {
        Digest::from_bytes([0x5a; 32])
    }

    fn k(&self) -> u32 {
        self.k
    }

    fn quasi_identifiers(&self) -> Vec<QuasiIdentifier> {
        let years = [said(&["2023", "2024"]), said(&["2020-2024"])];
        vec![
            quasi(
                "age",
                "Years of age when the case began.",
                [said(&["0-17", "18-64", "65 or more"]), vec![None]],
            ),
            quasi("sex", "As registered.", [said(&["female", "male"]), said(&["female", "male"])]),
            quasi("region", "Where the patient lives.", [said(&["US-CA", "CN-44"]), said(&["US", "CN"])]),
            quasi("year", "In which the case began.", years),
            quasi("chapter", "Of ICD-10.", [said(&["IX", "X"]), said(&["IX", "X"])]),
        ]
    }

    fn tests(&self) -> Vec<Test> {
        let test = |code: &str, title: &str, bins: &[&str]| Test {
            system: "http://loinc.org".to_owned(),
            code: code.to_owned(),
            title: title.to_owned(),
            bins: bins.iter().map(|bin| (*bin).to_owned()).collect(),
        };
        vec![
            test("4548-4", "Hemoglobin A1c", &["below 5.7 %", "5.7 to 6.4 %", "6.5 % or more"]),
            test("8480-6", "Systolic blood pressure", &["below 120", "120 to 139", "140 or more"]),
        ]
    }

    fn week_bands(&self) -> Vec<String> {
        ["0", "1-2", "3-6", "7 or more"].map(|weeks| format!("weeks {weeks}")).into()
    }
}

fn id(text: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(text).into();
    *digest.first_chunk().unwrap()
}

/// A batch of so many cases, and the cases. What they say differs from case to case, and is the same every time.
fn batch(name: &str, class: Class, rows: u32) -> (BatchFacts, Vec<PublicRow>) {
    let facts = BatchFacts {
        id: BatchId::from_bytes(id(name)),
        class: class.clone(),
        policy: Grid { k: 12 }.policy(),
        epoch: 1,
        follows: (name == "again").then(|| BatchId::from_bytes(id("old"))),
        reached: Reached { k: rows, l: 4, largest: rows / 2, t: 250 },
    };
    let icd = |text: &str| Icd3::parse(text).unwrap();
    let cases = (0..rows).map(|number| {
        let one_in = |many: u32| number.is_multiple_of(many);
        let diagnosis = match number % 4 {
            0 => Code::Chapter(10),
            1 => Code::Block(icd("J40"), icd("J47")),
            2 => Code::Category(icd("J45")),
            _ => Code::Category(icd("J44")),
        };
        let mut values = BTreeSet::from([PublicValue::Drug(if one_in(2) { 197_361 } else { 314_076 })]);
        if one_in(3) {
            values.extend([Code::Category(icd("E11")), Code::Chapter(9)].map(PublicValue::Diagnosis));
            values.extend([PublicValue::Result(0, 2), PublicValue::Result(1, 0)]);
        }
        if one_in(4) {
            values.insert(PublicValue::Procedure(1_269_479_004_000_000_000));
        }
        if one_in(5) {
            values.clear();
        }
        let amounts = LeftOut { texts: Amount::Many, pictures: Amount::Few, voice: Amount::None };
        let said = Said {
            diagnosis,
            values,
            outcome: Outcome::ALL[usize::try_from(number).unwrap() % 4],
            weeks: (0..number % 4).map(|band| WeekBand(u8::try_from(band).unwrap())).collect(),
            left_out: (!one_in(5)).then_some(amounts),
        };
        let id = PublicId::from_bytes(id(&format!("{name} {number}")));
        PublicRow { id, batch: facts.id, class: class.clone(), said }
    });
    let cases = cases.collect();
    (facts, cases)
}

struct Public {
    batches: Vec<BatchFacts>,
    cases: Vec<PublicRow>,
}

fn public(batches: impl IntoIterator<Item = (BatchFacts, Vec<PublicRow>)>) -> Public {
    let (batches, cases): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
    let mut cases: Vec<PublicRow> = cases.into_iter().flatten().collect();
    cases.sort_by_key(|case| case.id);
    Public { batches, cases }
}

fn class(grid: u8, bins: [u16; 5]) -> Class {
    Class { grid, bins: bins.into() }
}

/// Two exports, one after the other: of three batches one goes, and one comes.
fn samples() -> [Public; 2] {
    let young = || batch("young", class(0, [0, 0, 0, 1, 1]), 14);
    let old = || batch("old", class(0, [2, 1, 1, 0, 1]), 12);
    let coarse = || batch("coarse", class(1, [0, 1, 1, 0, 1]), 13);
    let again = || batch("again", class(0, [0, 0, 0, 1, 1]), 12);
    [public([young(), old(), coarse()]), public([young(), coarse(), again()])]
}

fn cover() -> Cover {
    Cover {
        name: "quayside-cases".to_owned(),
        title: "Quayside: anonymised cases".to_owned(),
        description: "Made-up cases, in the form of an export.".to_owned(),
        publisher: "Quayside Practice".to_owned(),
        homepage: "https://quayside.example/cases".to_owned(),
        licence: "CC-BY-4.0".to_owned(),
        licence_url: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
        version: "1.0.0".to_owned(),
        published: Timestamp::at_ms(1_790_000_000_000),
    }
}

fn signer() -> Signer {
    Signer::from_seed(&Secret::from_bytes([9; 32]))
}

fn named(signer: &Signer) -> NoteSigner<'_> {
    NoteSigner::new(KeyName::parse("quayside.example/public").unwrap(), signer)
}

fn key() -> NoteVerifier {
    named(&signer()).verifier()
}

fn withheld() -> Vec<Withheld> {
    let of = |reason: &str, words: &str, cases| Withheld {
        reason: reason.to_owned(),
        words: words.to_owned(),
        cases,
    };
    vec![
        of("waiting", "the class has too few persons yet.", 31),
        of("diverse", "the class has too few diagnoses.", 11),
        of("unmapped", "a code is in no hierarchy.", 0),
    ]
}

type Formats = BTreeSet<Format>;

fn every_format() -> Formats {
    Format::ALL.iter().copied().collect()
}

fn write_as(public: &Public, k: u32, formats: &Formats, at: &Path) -> Result<(), ExportError> {
    let (cover, labels, withheld) = (cover(), Grid { k }, withheld());
    let export =
        Export { cover: &cover, labels: &labels, formats, batches: &public.batches, withheld: &withheld };
    let cases = public.cases.iter().cloned().map(Ok::<_, Infallible>);
    export.write(at, cases, &named(&signer())).map(|_files| ())
}

fn write(public: &Public, at: &Path) -> Result<(), ExportError> {
    write_as(public, 12, &every_format(), at)
}

/// The names in a folder, hidden ones too.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn exported(public: &Public) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("export");
    write(public, &at).unwrap();
    (place, at)
}

/// Where `CASEVAULT_PUBLIC` says, or where they are thrown away: for `tests/public/check.py`, one folder an export.
#[test]
fn the_samples_are_written() {
    let place = tempfile::tempdir().unwrap();
    let at = env::var_os("CASEVAULT_PUBLIC").map_or_else(|| place.path().to_owned(), PathBuf::from);
    for (number, sample) in samples().iter().enumerate() {
        write(sample, &at.join(format!("{}", number + 1))).unwrap();
    }
    fs::write(at.join("vkey"), format!("{}\n", key())).unwrap();
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/public/golden")
}

/// An export small enough to be read by eye: in the formats that are texts.
fn small(at: &Path) {
    let texts = Formats::from([Format::Csv, Format::Fhir, Format::Ndjson]);
    let small =
        public([batch("small", class(0, [1, 0, 0, 1, 1]), 2), batch("coarse", class(1, [0, 1, 1, 0, 1]), 2)]);
    write_as(&small, 2, &texts, at).unwrap();
}

#[test]
fn a_small_export_is_what_it_was() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("small");
    small(&at);
    assert_eq!(names(&at), names(&golden()));
    for name in names(&at) {
        let [written, frozen] =
            [&at, &golden()].map(|folder| fs::read_to_string(folder.join(&name)).unwrap());
        assert_eq!(written, frozen, "{name}");
    }
}

/// `cargo test --test it write_the_golden_export -- --ignored`, when its form changes on purpose.
#[test]
#[ignore = "writes into the tree"]
fn write_the_golden_export() {
    drop(fs::remove_dir_all(golden()));
    small(&golden());
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let [sample, _] = samples();
    let ((_one, one), (_other, other)) = (exported(&sample), exported(&sample));
    let mut mixed = samples().into_iter().next().unwrap();
    mixed.batches.reverse();
    let (_third, third) = exported(&mixed);
    for name in names(&one) {
        let bytes = fs::read(one.join(&name)).unwrap();
        assert_eq!(bytes, fs::read(other.join(&name)).unwrap(), "{name}");
        assert_eq!(bytes, fs::read(third.join(&name)).unwrap(), "{name}, of batches in another order");
    }
}

#[test]
fn a_manifest_verifies_and_any_change_is_noticed() {
    let (_place, at) = exported(&samples()[0]);
    let files = verify_export(&at, &key()).unwrap();
    assert_eq!(files.len() + 2, names(&at).len());
    for name in names(&at) {
        let path = at.join(&name);
        let clean = fs::read(&path).unwrap();
        // Of the manifest and its signature every byte, of the others some.
        let step = if name.starts_with("manifest") { 1 } else { clean.len() / 40 + 1 };
        for place in (0..clean.len()).step_by(step) {
            let mut wrong = clean.clone();
            wrong[place] ^= 1;
            fs::write(&path, wrong).unwrap();
            assert!(verify_export(&at, &key()).is_err(), "{name}, byte {place}");
        }
        for wrong in [[clean.as_slice(), b"\n"].concat(), clean[..clean.len() - 1].to_vec(), Vec::new()] {
            fs::write(&path, wrong).unwrap();
            assert!(verify_export(&at, &key()).is_err(), "{name}, of another length");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(verify_export(&at, &key()), Err(NotGenuine::Files(_))), "{name} is gone");
        fs::write(&path, &clean).unwrap();
    }
    fs::write(at.join("one-more"), "").unwrap();
    assert!(matches!(verify_export(&at, &key()), Err(NotGenuine::Unlisted)));
    fs::remove_file(at.join("one-more")).unwrap();
    let other = Signer::from_seed(&Secret::from_bytes([8; 32]));
    assert!(matches!(verify_export(&at, &named(&other).verifier()), Err(NotGenuine::Unverified(_))));
    verify_export(&at, &key()).unwrap();
}

#[test]
fn an_export_overwrites_nothing_and_leaves_nothing_half_written() {
    let place = tempfile::tempdir().unwrap();
    let [sample, _] = samples();
    let at = place.path().join("export");
    // A folder, with and without something in it; a file; a link to nothing.
    fs::create_dir(&at).unwrap();
    assert!(matches!(write(&sample, &at), Err(ExportError::Exists)));
    fs::write(at.join("mine"), "mine").unwrap();
    assert!(matches!(write(&sample, &at), Err(ExportError::Exists)));
    assert_eq!(names(&at), ["mine"]);
    fs::write(place.path().join("file"), "mine").unwrap();
    assert!(matches!(write(&sample, &place.path().join("file")), Err(ExportError::Exists)));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", place.path().join("link")).unwrap();
        assert!(matches!(write(&sample, &place.path().join("link")), Err(ExportError::Exists)));
        fs::remove_file(place.path().join("link")).unwrap();
    }
    // Rows that cannot be read to their end.
    let (cover, labels, formats) = (cover(), Grid { k: 12 }, every_format());
    let export =
        Export { cover: &cover, labels: &labels, formats: &formats, batches: &sample.batches, withheld: &[] };
    let broken = sample.cases.iter().cloned().map(Ok).take(20).chain([Err("the store is gone")]);
    let fresh = place.path().join("fresh");
    assert!(matches!(export.write(&fresh, broken, &named(&signer())), Err(ExportError::Rows(_))));
    assert_eq!(names(place.path()), ["export", "file"]);
}

/// Writes the samples under a limit of so many KiB a file, in a process of its own.
#[cfg(unix)]
fn write_under_a_limit(kib: u32, at: &Path) -> bool {
    let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
    let mut limited = std::process::Command::new("bash");
    limited.args(["-c", script, &kib.to_string()]).arg(env::current_exe().unwrap());
    limited.args(["--exact", "exports::the_samples_are_written"]).env("CASEVAULT_PUBLIC", at);
    limited.output().unwrap().status.success()
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    assert!(!write_under_a_limit(4, place.path()));
    assert_eq!(names(place.path()), Vec::<String>::new());
    assert!(write_under_a_limit(4096, place.path()));
    assert_eq!(names(place.path()), ["1", "2", "vkey"]);
}

#[test]
fn what_the_gate_cannot_have_released_is_not_exported() {
    let place = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut Public), expected: &str| {
        let [mut sample, _] = samples();
        change(&mut sample);
        let error = write(&sample, &place.path().join("export")).unwrap_err();
        assert_eq!(error.code(), expected);
        assert_eq!(names(place.path()), Vec::<String>::new());
    };
    refused(|public| drop(public.cases.pop()), "public-export-batch");
    refused(|public| drop(public.batches.pop()), "public-export-batch");
    refused(|public| public.batches.push(public.batches[0].clone()), "public-export-batch");
    refused(|public| public.cases[3].class.bins[0] = 1, "public-export-batch");
    refused(|public| public.cases.swap(3, 4), "public-export-order");
    refused(|public| public.cases.insert(3, public.cases[3].clone()), "public-export-order");
    refused(|public| public.batches[1].reached.k = 11, "public-export-too-few");
    refused(|public| public.batches[1].reached.k = 13, "public-export-batch");
    refused(|public| public.batches[1].policy = Digest::from_bytes([0; 32]), "public-export-batch");
    refused(|public| public.batches[1].epoch = u64::MAX, "public-export-label");
    refused(
        |public| public.cases[0].said.values = BTreeSet::from([PublicValue::Result(7, 0)]),
        "public-export-label",
    );
    refused(
        |public| public.cases[0].said.values = BTreeSet::from([PublicValue::Result(0, 3)]),
        "public-export-label",
    );
    refused(|public| public.cases[0].said.weeks = BTreeSet::from([WeekBand(4)]), "public-export-label");
}

#[test]
fn no_number_in_the_report_tells_of_fewer_than_k() {
    let place = tempfile::tempdir().unwrap();
    let [sample, _] = samples();
    let report = |cases: u64| {
        let (cover, labels, formats) = (cover(), Grid { k: 12 }, Formats::from([Format::Ndjson]));
        let withheld =
            [Withheld { reason: "waiting".to_owned(), words: "too few persons yet.".to_owned(), cases }];
        let batches = &sample.batches;
        let export =
            Export { cover: &cover, labels: &labels, formats: &formats, batches, withheld: &withheld };
        let at = place.path().join(cases.to_string());
        let rows = sample.cases.iter().cloned().map(Ok::<_, Infallible>);
        export.write(&at, rows, &named(&signer())).unwrap();
        ["suppression.json", "suppression.md"].map(|name| fs::read_to_string(at.join(name)).unwrap())
    };
    let none = report(0);
    for cases in 1..12 {
        assert_eq!(report(cases), none, "{cases}");
    }
    assert!(none[1].contains("Withheld, fewer than 12: too few persons yet."), "{}", none[1]);
    let some = report(24);
    assert!(some[0].contains("\"at_least\": 24") && some[1].contains("24 or more"), "{some:?}");
    for cases in 25..36 {
        assert_eq!(report(cases), some, "{cases}");
    }
    // Of 39 cases 10 have a chapter for a diagnosis.
    let said: serde_json::Value = serde_json::from_str(&none[0]).unwrap();
    assert_eq!(said["published"]["at_least"], 36);
    assert_eq!(
        said["diagnoses"][2],
        serde_json::json!({ "level": "chapter", "cases": { "fewer_than": 12 } })
    );
    fn numbers(value: &serde_json::Value, found: &mut Vec<u64>) {
        found.extend(value.as_u64());
        value.as_array().into_iter().flatten().for_each(|item| numbers(item, found));
        value.as_object().into_iter().flat_map(|of| of.values()).for_each(|member| numbers(member, found));
    }
    let mut found = Vec::new();
    numbers(&said, &mut found);
    // Besides l, which counts diagnoses.
    assert_eq!(said["reached"]["l"], 4);
    assert_eq!(found.iter().filter(|number| **number < 12).count(), 1, "{found:?}");
}

#[test]
fn a_label_that_is_no_closed_word_is_refused() {
    struct Odd(&'static str);
    impl Labels for Odd {
        fn policy(&self) -> Digest {
            Grid { k: 12 }.policy()
        }
        fn k(&self) -> u32 {
            12
        }
        fn quasi_identifiers(&self) -> Vec<QuasiIdentifier> {
            let mut known = Grid { k: 12 }.quasi_identifiers();
            known[2].bins[0].push(Some(self.0.to_owned()));
            known
        }
        fn tests(&self) -> Vec<Test> {
            Grid { k: 12 }.tests()
        }
        fn week_bands(&self) -> Vec<String> {
            Grid { k: 12 }.week_bands()
        }
    }
    let place = tempfile::tempdir().unwrap();
    let [sample, _] = samples();
    let (cover, formats) = (cover(), every_format());
    let write = |label: &'static str| {
        let labels = Odd(label);
        let batches = &sample.batches;
        let export = Export { cover: &cover, labels: &labels, formats: &formats, batches, withheld: &[] };
        let rows = sample.cases.iter().cloned().map(Ok::<_, Infallible>);
        export.write(place.path().join("export"), rows, &named(&signer())).map(|_files| ())
    };
    for label in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'x", "", " x", "x ", "a\nb", "a\u{7f}"] {
        assert_eq!(write(label).unwrap_err().code(), "public-export-label", "{label:?}");
    }
    // Namibia's code is what pandas reads as nothing.
    for label in ["NA", "null", "None", "nan"] {
        assert_eq!(write(label).unwrap_err().code(), "public-export-table", "{label:?}");
    }
    write("NA-KH").unwrap();
}

#[test]
fn the_shipped_policies_have_a_closed_word_for_every_value() {
    let place = tempfile::tempdir().unwrap();
    for policy in [PublicPolicy::shipped_default().unwrap(), PublicPolicy::shipped_small().unwrap()] {
        let (cover, formats) = (cover(), every_format());
        let export =
            Export { cover: &cover, labels: &policy, formats: &formats, batches: &[], withheld: &withheld() };
        let at = place.path().join(policy.name());
        export.write(&at, Vec::<Result<PublicRow, Infallible>>::new(), &named(&signer())).unwrap();
        verify_export(&at, &key()).unwrap();
        let quasi = policy.quasi_identifiers();
        for (grid, _) in policy.grids().iter().enumerate() {
            assert!(quasi.iter().all(|quasi| !quasi.bins[grid].is_empty()), "grid {grid}");
        }
        let words = fs::read_to_string(at.join("dictionary.md")).unwrap();
        // What a grid does not tell is empty, in no words.
        assert!(!words.contains(PublicPolicy::UNTOLD));
        for label in quasi.iter().flat_map(|quasi| quasi.bins.iter().flatten().flatten()) {
            assert!(words.contains(&format!("`{label}`")), "{label}");
        }
    }
}

#[test]
fn a_cell_is_never_a_formula_and_reads_back_by_one_rule() {
    let safe = |text: &str, expected: &str| assert_eq!(formula_safe(text), expected);
    safe("=1+1", "'=1+1");
    safe("+1", "'+1");
    safe("-1", "'-1");
    safe("@x", "'@x");
    safe("\t=x", "'\t=x");
    safe("\r=x", "'\r=x");
    safe("'x", "''x");
    safe("x=1", "x=1");
    safe("", "");
}

fn any_field() -> impl Strategy<Value = (Kind, bool)> {
    prop_oneof![
        any::<bool>().prop_map(|may_be_empty| (Kind::Integer, may_be_empty)),
        Just((Kind::List, false)),
        any::<bool>().prop_map(|may_be_empty| (Kind::Text, may_be_empty)),
    ]
}

/// Texts of any symbols, and such that are hard for a format.
fn any_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "=", "'", "''", "+-", "\"", "\",\"", "\r\n", ",", "\t", "[]", "nul", "é\u{0}",
    ]);
    let taken = ["NA", "null", "None", "NULL", "NaN", "nan", "n/a", "N/A"];
    prop_oneof![hard.prop_map(str::to_owned), ".{1,12}", "[=+@'\"a,\n\r\t-]{1,6}"]
        .prop_filter("taken for nothing", move |text| !taken.contains(&text.as_str()))
}

fn any_cell((kind, may_be_empty): (Kind, bool)) -> BoxedStrategy<Cell> {
    let full = if kind == Kind::Integer {
        any::<u32>().prop_map(Cell::Integer).boxed()
    } else if kind == Kind::List {
        prop::collection::vec(any_text(), 0..4).prop_map(Cell::List).boxed()
    } else {
        any_text().prop_map(Cell::Text).boxed()
    };
    if may_be_empty { prop_oneof![1 => Just(Cell::Empty), 3 => full].boxed() } else { full }
}

fn any_table() -> impl Strategy<Value = (Table, Vec<Vec<Cell>>)> {
    prop::collection::vec(any_field(), 1..6).prop_flat_map(|kinds| {
        let fields = kinds.iter().enumerate().map(|(number, (kind, may_be_empty))| Field {
            name: format!("f{number}"),
            title: String::new(),
            description: String::new(),
            kind: *kind,
            role: Role::Sensitive,
            may_be_empty: *may_be_empty,
            values: Vec::new(),
            system: None,
        });
        let table = Table::new("any", "Any rows.", fields.collect()).unwrap();
        let row: Vec<BoxedStrategy<Cell>> = kinds.into_iter().map(any_cell).collect();
        (Just(table), prop::collection::vec(row, 0..6))
    })
}

/// The cells of a CSV, read by its rules: types from the fields, one mark dropped, lists from JSON.
fn from_csv(table: &Table, bytes: &[u8]) -> Vec<Vec<Cell>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, table.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>());
    let cell = |(field, text): (&Field, &str)| {
        if text.is_empty() {
            Cell::Empty
        } else if field.kind == Kind::Integer {
            Cell::Integer(text.parse().unwrap())
        } else if field.kind == Kind::List {
            Cell::List(serde_json::from_str(text).unwrap())
        } else {
            assert!(!text.starts_with(['=', '+', '-', '@', '\t', '\r']), "{text:?}");
            Cell::Text(text.strip_prefix('\'').unwrap_or(text).to_owned())
        }
    };
    let rows = reader.records().map(|row| table.fields().iter().zip(row.unwrap().iter()).map(cell).collect());
    rows.collect()
}

fn from_ndjson(table: &Table, bytes: &[u8]) -> Vec<Vec<Cell>> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        assert_eq!(line.last(), Some(&b'\n'));
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).unwrap();
        assert_eq!(members.len(), table.fields().len());
        let cells = table.fields().iter().map(|field| match (field.kind, &members[&field.name]) {
            (_, serde_json::Value::Null) => Cell::Empty,
            (Kind::Integer, number) => Cell::Integer(u32::try_from(number.as_u64().unwrap()).unwrap()),
            (Kind::List, list) => Cell::List(serde_json::from_value(list.clone()).unwrap()),
            (_, text) => Cell::Text(text.as_str().unwrap().to_owned()),
        });
        cells.collect()
    });
    lines.collect()
}

#[cfg(feature = "parquet")]
fn from_parquet(table: &Table, bytes: Vec<u8>) -> Vec<Vec<Cell>> {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::{Field as Read, Row},
    };
    let text = |item: &Read| if let Read::Str(text) = item { text.clone() } else { panic!("{item:?}") };
    let cell = |value: &Read| {
        if let Read::Null = value {
            Cell::Empty
        } else if let Read::Long(number) = value {
            Cell::Integer(u32::try_from(*number).unwrap())
        } else if let Read::ListInternal(list) = value {
            Cell::List(list.elements().iter().map(text).collect())
        } else {
            Cell::Text(text(value))
        }
    };
    let read = |row: Row| row.get_column_iter().map(|(_, value)| cell(value)).collect::<Vec<_>>();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let names: Vec<String> = reader
        .metadata()
        .file_metadata()
        .schema()
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    assert_eq!(names, table.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>());
    reader.get_row_iter(None).unwrap().map(|row| read(row.unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_format_reads_back_to_the_same_table((table, rows) in any_table()) {
        let slices = || rows.iter().map(Vec::as_slice);
        let mut csv = Vec::new();
        write_csv(&table, slices(), &mut csv).unwrap();
        prop_assert_eq!(&from_csv(&table, &csv), &rows);
        let mut ndjson = Vec::new();
        write_ndjson(&table, slices(), &mut ndjson).unwrap();
        prop_assert_eq!(&from_ndjson(&table, &ndjson), &rows);
        #[cfg(feature = "parquet")]
        {
            let mut parquet = Vec::new();
            casevault::public::export::write_parquet(&table, slices(), &mut parquet).unwrap();
            prop_assert_eq!(&from_parquet(&table, parquet), &rows);
        }
    }
}

#[test]
fn an_export_holds_the_same_rows_in_every_format() {
    let (_place, at) = exported(&samples()[0]);
    let rows = |name: &str| fs::read(at.join(name)).unwrap();
    let text = String::from_utf8(rows("cases.csv")).unwrap();
    assert_eq!(text.lines().count(), 40);
    assert!(!text.contains('\'') && !text.contains('\r'), "no closed word needs a mark");
    let lines: Vec<serde_json::Value> = String::from_utf8(rows("cases.ndjson"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (record, line) in csv::Reader::from_reader(text.as_bytes()).deserialize::<Vec<String>>().zip(&lines) {
        let cells = record.unwrap();
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        for (name, cell) in header.iter().zip(&cells) {
            let value = &line[*name];
            let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let said = if value.is_null() { String::new() } else { said };
            assert_eq!(*cell, said, "{name}");
        }
    }
    let bundle: serde_json::Value = serde_json::from_slice(&rows("cases.fhir.json")).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let anonymised = serde_json::json!([{
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "ANONYED",
        "display": "anonymized",
    }]);
    assert_eq!(
        (&bundle["type"], &bundle["meta"]["security"]),
        (&serde_json::json!("collection"), &anonymised)
    );
    let mut urls = BTreeSet::new();
    for entry in entries {
        assert_eq!(entry["resource"]["meta"]["security"], anonymised);
        assert!(urls.insert(entry["fullUrl"].as_str().unwrap()));
        for name in ["identifier", "name", "birthDate", "address", "telecom", "text", "note"] {
            assert!(entry["resource"].get(name).is_none(), "{name}");
        }
        if let Some(subject) = entry["resource"].get("subject") {
            assert!(urls.contains(subject["reference"].as_str().unwrap()));
        }
    }
    let patients: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "Patient")
        .map(|entry| entry["resource"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(patients, lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>());
}
