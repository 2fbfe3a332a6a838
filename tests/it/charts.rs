//! FHIR in: what is taken, what is refused and where, what a case says.

use std::{fs, path::Path};

use casevault::fhir::{Bundle, FhirReason, Pseudonyms, split};
use proptest::prelude::*;

fn case_of(document: &str) -> String {
    let bundle = Bundle::parse(document.as_bytes()).unwrap();
    let parts = split(&bundle, Pseudonyms::with_key([1; 32])).unwrap();
    parts.case.iter().map(|entry| str::from_utf8(&entry.bytes).unwrap().to_owned() + "\n").collect()
}

fn resource(body: &str) -> String {
    format!(r#"{{"resourceType":"Observation","id":"o"{body}}}"#)
}

fn bundle(resources: &[&str]) -> String {
    let entries: Vec<String> =
        resources.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
    format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
}

#[test]
fn a22_what_is_not_fhir_r4_is_refused_with_its_place() {
    let patient = r#"{"resourceType":"Patient","id":"1"}"#;
    let deep = "[".repeat(70) + &"]".repeat(70);
    let rows: Vec<(String, &str, FhirReason)> = vec![
        (String::new(), "", FhirReason::Empty),
        ("  \n".to_owned(), "", FhirReason::Empty),
        ("<Bundle/>".to_owned(), "", FhirReason::Xml),
        ("nonsense".to_owned(), "", FhirReason::Syntax),
        ("{\"resourceType\":\"Patient\"".to_owned(), "", FhirReason::Syntax),
        (format!("{patient}\n{patient}"), "", FhirReason::Ndjson),
        (resource(r#","valueQuantity":{"value":NaN}"#), "", FhirReason::Syntax),
        (resource(r#","status":"final","status":"amended""#), "/status", FhirReason::DuplicateKey),
        (
            resource(r#","code":{"coding":[{"code":"a","code":"b"}]}"#),
            "/code/coding/0/code",
            FhirReason::DuplicateKey,
        ),
        (resource(r#","note":[{"a b":1,"a b":2}]"#), "/note/0/*", FhirReason::DuplicateKey),
        (resource(&format!(r#","note":{deep}"#)), "", FhirReason::Depth),
        (resource(r#","note":[{"text":"\ud800"}]"#), "", FhirReason::Syntax),
        (r#"{"resourceType":"Observation","id":7}"#.to_owned(), "/id", FhirReason::Shape),
        (r#"{"resourceType":7}"#.to_owned(), "/resourceType", FhirReason::Shape),
        (r#"{"type":"collection"}"#.to_owned(), "/resourceType", FhirReason::UnknownType),
        (
            bundle(&[r#"{"resourceType":"BodySite"}"#]),
            "/entry/0/resource/resourceType",
            FhirReason::UnknownType,
        ),
        (bundle(&[patient, &bundle(&[])]), "/entry/1/resource", FhirReason::NestedBundle),
        (bundle(&[patient, patient]), "/entry/1/resource", FhirReason::TwoPatients),
        (r#"{"resourceType":"Bundle","entry":{}}"#.to_owned(), "/entry", FhirReason::Shape),
        (r#"{"resourceType":"Bundle","entry":[7]}"#.to_owned(), "/entry/0", FhirReason::Shape),
        (
            r#"{"resourceType":"CapabilityStatement","fhirVersion":"3.0.1"}"#.to_owned(),
            "/fhirVersion",
            FhirReason::WrongRelease,
        ),
        (
            resource(r#","meta":{"profile":["http://hl7.org/fhir/STU3/StructureDefinition/x"]}"#),
            "/meta/profile",
            FhirReason::WrongRelease,
        ),
    ];
    for (document, pointer, reason) in rows {
        let error = Bundle::parse(document.as_bytes()).unwrap_err();
        assert_eq!(error.reason, reason, "{document}");
        let is_deep = reason == FhirReason::Depth || document.contains("ud800");
        assert!(is_deep || error.pointer == pointer, "{document}: {}", error.pointer);
        assert!(!error.to_string().contains("a b"), "no word of the document is repeated");
    }
    assert_eq!(Bundle::parse(&[0xff, 0xfe, 0x00]).unwrap_err().reason, FhirReason::Syntax);
}

#[test]
fn a22_a_small_file_that_unpacks_to_a_huge_one_is_refused_in_bounded_memory() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..80 {
        packed.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 200_000);
    assert_eq!(Bundle::parse(&packed).unwrap_err().reason, FhirReason::TooLarge);
    assert_eq!(Bundle::parse(&packed[..packed.len() / 2]).unwrap_err().reason, FhirReason::Compression);
}

#[test]
fn numbers_stay_as_they_were_written() {
    for number in
        ["0.40", "1.0E2", "1e-7", "-0", "0.0", "1.00000000000000000000001", "12345678901234567890123"]
    {
        let case = case_of(&resource(&format!(r#","valueQuantity":{{"value":{number}}}"#)));
        assert!(case.contains(&format!(r#""value":{number}}}"#)), "{number}: {case}");
    }
}

#[test]
fn references_to_one_thing_are_one_pseudonym_however_they_are_written() {
    let document = r#"{"resourceType":"Bundle","entry":[
        {"fullUrl":"http://server/Patient/7","resource":{"resourceType":"Patient","id":"7"}},
        {"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","resource":{"resourceType":"Encounter","id":"e",
            "subject":{"reference":"Patient/7"}}},
        {"resource":{"resourceType":"Condition","id":"c","subject":{"reference":"http://server/Patient/7"},
            "encounter":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"},
            "recorder":{"reference":"Patient/7/_history/3"},"asserter":{"reference":"Encounter/e"}}}]}"#;
    let case = case_of(document);
    let values: Vec<serde_json::Value> =
        case.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (encounter, condition, patient) = (&values[0], &values[1], &values[2]);
    let of = |value: &serde_json::Value, pointer: &str| {
        value.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    };
    let who = of(encounter, "/subject/reference");
    assert_eq!(who, format!("urn:uuid:{}", of(patient, "/id")));
    assert_eq!(who, of(condition, "/subject/reference"));
    assert_eq!(who, of(condition, "/recorder/reference"));
    let when = of(condition, "/encounter/reference");
    assert_eq!(when, format!("urn:uuid:{}", of(encounter, "/id")));
    assert_eq!(when, of(condition, "/asserter/reference"));
    assert!(!case.contains("server") && !case.contains("1111"));
    // Another import, another key: nothing joins the two.
    let bundle = Bundle::parse(document.as_bytes()).unwrap();
    let again = split(&bundle, Pseudonyms::with_key([2; 32])).unwrap();
    assert!(!str::from_utf8(&again.case[0].bytes).unwrap().contains(&who));
}

#[test]
fn what_says_who_is_left_out_or_struck() {
    let document = r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Patient","id":"p","birthDate":"1984-05-17","gender":"female",
            "name":[{"family":"Okonjo-Vance","given":["Ada","Li"]}],"telecom":[{"value":"+00 555 0142"}],
            "address":[{"line":["12 Lantern Row"],"city":"Harrow Mills","postalCode":"90210"}],
            "identifier":[{"value":"XX-481-2207"}]}},
        {"resource":{"resourceType":"Observation","id":"o","text":{"status":"generated","div":"<div>Ada</div>"},
            "subject":{"reference":"Patient/p","display":"Ada Okonjo-Vance"},
            "performer":[{"reference":"Practitioner/x","display":"Dr. Bertram Quill"}],
            "contained":[{"resourceType":"Practitioner","id":"x","name":[{"family":"Quillon"}]}],
            "effectiveDateTime":"1984-05-17T10:00:00Z","issued":"1984-05-17T10:00:00Z",
            "code":{"coding":[{"system":"http://loinc.org","code":"8310-5","display":"Body temperature"}]},
            "valueString":"ADA of 12 lantern row, Harrow Mills 90210, born 1984-05-17 or 05/17/1984, tel +00 555 0142",
            "note":[{"authorString":"Quillon","text":"Li was seen by bertram; the adamant lid is fine. Okonjo! XX-481-2207."}],
            "extension":[{"url":"x","valueString":"Ada"}]}}]}"#;
    let case = case_of(document);
    for gone in [
        "Ada",
        "ADA",
        "Okonjo",
        "Vance",
        "Li was",
        "lantern",
        "Lantern",
        "Harrow",
        "90210",
        "XX-481",
        "555",
        "1984-05",
        "05/17",
        "Quill",
        "ertram",
        "generated",
        "performer\":[{\"reference\":\"Practitioner",
    ] {
        assert!(!case.contains(gone), "{gone}: {case}");
    }
    for kept in
        ["Body temperature", "8310-5", "the adamant lid is fine", "\"effectiveDateTime\":\"1984\"", "female"]
    {
        assert!(case.contains(kept), "{kept}: {case}");
    }
    assert!(!case.contains("issued"), "an instant has no shorter form");
    assert!(case.contains(r#""birthDate":"1984""#));
}

#[test]
fn from_ninety_years_on_there_is_no_year_of_birth() {
    let chart = |birth: &str| {
        let patient = format!(r#"{{"resourceType":"Patient","id":"p","birthDate":"{birth}"}}"#);
        case_of(&bundle(&[&patient, &resource(r#","effectiveDateTime":"2026-03-02""#)]))
    };
    assert!(chart("1937-01-01").contains("birthDate"));
    assert!(!chart("1936-01-01").contains("birthDate"));
}

#[test]
fn the_small_charts_split_and_come_back() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut charts = 0;
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.to_string_lossy().contains(".json") {
            let bytes = fs::read(&path).unwrap();
            let bundle = Bundle::parse(&bytes).unwrap();
            assert_eq!(bundle.original(), bytes);
            let parts = split(&bundle, Pseudonyms::with_key([1; 32])).unwrap();
            assert_eq!(parts.identity.len() + parts.case.len(), bundle.len() + 1);
            charts += 1;
        }
    }
    assert_eq!(charts, 4);
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-zA-Z0-9 -]{0,20}".prop_map(|text| format!("{text:?}")),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let object = proptest::collection::btree_map("[a-z]{3,12}", inner.clone(), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            object.prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_json_is_split_or_refused_and_a_planted_name_never_comes_through(value in json(), name in "[A-Z][a-z]{4,9}") {
        let patient = format!(r#"{{"resourceType":"Patient","name":[{{"family":{name:?}}}]}}"#);
        let words = value.replace("a ", &format!("{name} "));
        let document = bundle(&[&patient, &resource(&format!(r#","note":[{{"text":{name:?}}}],"component":{words}"#))]);
        if let Ok(bundle) = Bundle::parse(document.as_bytes()) {
            let parts = split(&bundle, Pseudonyms::with_key([3; 32])).unwrap();
            for entry in &parts.case {
                let text = str::from_utf8(&entry.bytes).unwrap();
                prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
                let found = text.split(|symbol: char| !symbol.is_alphanumeric()).any(|word| word == name);
                prop_assert!(!found, "{}", text);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _judged = Bundle::parse(&bytes);
        let _packed = Bundle::parse(&[&[0x1f, 0x8b], bytes.as_slice()].concat());
    }
}
