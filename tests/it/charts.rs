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

fn parameters(resource: &str) -> String {
    format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"x","resource":{resource}}}]}}"#)
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
        ("{\"resourceType\":\"Patient\"".to_owned(), "", FhirReason::Truncated),
        (format!("[{patient}]"), "", FhirReason::List),
        (r#"{"resourceType":"Bundle"}"#.to_owned(), "", FhirReason::NoResources),
        (bundle(&[]), "/entry", FhirReason::NoResources),
        (r#"{"resourceType":"Bundle","entry":[{}]}"#.to_owned(), "/entry", FhirReason::NoResources),
        (
            r#"{"resourceType":"Bundle","type":"batch-response","entry":[{"resource":{"resourceType":"Bundle"}}]}"#
                .to_owned(),
            "/entry/0/resource",
            FhirReason::Answer,
        ),
        (
            bundle(&[r#"{"resourceType":"Patient","birthDate":1985}"#]),
            "/entry/0/resource/birthDate",
            FhirReason::Shape,
        ),
        (r#"{"resourceType":"Patient","name":"Ada"}"#.to_owned(), "/name", FhirReason::Shape),
        (
            bundle(&[patient, &resource(&format!(r#","contained":[{patient}]"#))]),
            "/entry/1/resource/contained/0",
            FhirReason::TwoPatients,
        ),
        (
            bundle(&[patient, &parameters(&bundle(&[patient]))]),
            "/entry/1/resource/parameter/0/resource/entry/0/resource",
            FhirReason::TwoPatients,
        ),
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
    assert_eq!(Bundle::parse(&[0xff, 0xfe, 0x00]).unwrap_err().reason, FhirReason::NotUtf8);
}

#[test]
fn an_error_says_where_in_words() {
    let said = |document: &str| Bundle::parse(document.as_bytes()).unwrap_err().to_string();
    assert_eq!(said(""), "FHIR document, the file itself: this is empty");
    let broken = "{\"resourceType\":\"Patient\",\n \"id\" 7}";
    assert_eq!(said(broken), "FHIR document, the file itself, at line 2, column 7: this is not JSON");
    assert!(said(r#"{"resourceType":"Patient","id":7}"#).contains("at `/id`: this is not what"));
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

/// A chart of this patient (`{}` around its members) with these other resources: what must be gone, what must stay.
#[track_caller]
fn check(patient: &str, resources: &[&str], gone: &[&str], kept: &[&str]) {
    let patient = format!(r#"{{"resourceType":"Patient","id":"7c0e"{patient}}}"#);
    let case = case_of(&bundle(&[&[patient.as_str()], resources].concat()));
    for gone in gone {
        assert!(!case.contains(gone), "{gone} stayed: {case}");
    }
    for kept in kept {
        assert!(case.contains(kept), "{kept} is gone: {case}");
    }
}

/// An observation that says this in words.
fn said(text: &str) -> String {
    resource(&format!(r#","valueString":{}"#, serde_json::to_string(text).unwrap()))
}

/// One of these for each line: of a patient with these members, nothing of a line may stay but what is `[withheld]`.
#[track_caller]
fn check_lines(patient: &str, lines: &[(&str, &str)]) {
    let patient = format!(r#"{{"resourceType":"Patient","id":"7c0e"{patient}}}"#);
    for (line, left) in lines {
        let case = case_of(&bundle(&[&patient, &said(line)]));
        let first: serde_json::Value = serde_json::from_str(case.lines().next().unwrap()).unwrap();
        assert_eq!(first["valueString"], *left, "of {line:?}");
    }
}

#[test]
fn a_resource_inside_another_has_a_pseudonym_or_is_left_out() {
    let inner = r#"{"resourceType":"Observation","id":"raw-77","meta":{"source":"http://okonjo/x"},"valueString":"fine"}"#;
    let who = r#"{"resourceType":"Practitioner","id":"raw-78","name":[{"family":"Quillon"}]}"#;
    let nested = r#"{"resourceType":"Bundle","id":"raw-79","entry":[{"fullUrl":"http://raw-80/x","resource":{"resourceType":"Basic","id":"b"}}]}"#;
    check(
        "",
        &[
            &parameters(inner),
            &parameters(who),
            &resource(&format!(
                r#","contained":[{nested}],"component":[{{"fullUrl":"http://raw-81","code":{{"text":"kept"}}}}]"#
            )),
        ],
        &["raw-7", "raw-8", "okonjo", "Quillon", "fullUrl", "Practitioner"],
        &["fine", "kept"],
    );
}

#[test]
fn names_are_struck_in_scripts_without_spaces_and_with_particles() {
    let named =
        |family: &str, given: &str| format!(r#","name":[{{"family":"{family}","given":["{given}"]}}]"#);
    check_lines(
        &named("王", "小明"),
        &[
            ("患者王小明今日就诊", "患者[withheld]今日就诊"),
            ("小明发热", "[withheld]发热"),
            ("王 小明", "[withheld]"),
        ],
    );
    check_lines(&named("王", "伟"), &[("患者王伟今日就诊", "患者[withheld]今日就诊"), ("伟大", "伟大")]);
    check_lines(
        &named("山田", "太郎"),
        &[("山田太郎さんの診察", "[withheld]さんの診察"), ("太郎さん", "[withheld]さん")],
    );
    check_lines(
        &named("김", "철수"),
        &[("김철수는 기침", "[withheld]는 기침"), ("철수가 왔다", "[withheld]가 왔다")],
    );
    check_lines(&named("ใจดี", "สมชาย"), &[("คุณสมชายมาพบแพทย์", "คุณ[withheld]มาพบแพทย์")]);
    check_lines(
        &named("حسن", "أحمد"),
        &[("وصفة لأحمد اليوم", "وصفة ل[withheld] اليوم"), ("احمد", "[withheld]")],
    );
    check_lines(r#","name":[{"text":"王小明"}]"#, &[("患者王小明今日就诊", "患者[withheld]今日就诊")]);
}

#[test]
fn names_are_struck_however_their_letters_are_written() {
    let named = r#","name":[{"family":"Okonjo-Müller","given":["Zoë"]},{"family":"Okonjo","given":["Adaeze"]}],
        "address":[{"line":["12 Müllerstraße"]}]"#;
    let gone = "[withheld]";
    let whole = [
        "Mu\u{308}ller",
        "MULLER",
        "Mueller",
        "MÜLLER",
        "Zoe",
        "zoë",
        "Zoe\u{308}",
        "ZOË",
        "Okon\u{200b}jo",
        "Okon\u{ad}jo",
        "Ｏｋｏｎｊｏ",
        "Okonjos",
        "AdaezeOkonjo",
        "okonjomüller",
        "12 MÜLLERSTRASSE",
        "12, Mu\u{308}llerstrasse",
        "Müllerstraße 12",
    ];
    check_lines(named, &whole.map(|line| (line, gone)));
    check_lines(
        named,
        &[("seen by Okonjo’s aunt", "seen by [withheld]’s aunt"), ("Okonjo1984", "[withheld]1984")],
    );
    // A name spelled out is found where it is drawn, and a common word is not a short name.
    check_lines(
        r#","name":[{"family":"Moeller","given":["May"]}]"#,
        &[("it may be Möller’s cough", "it may be [withheld]’s cough")],
    );
}

#[test]
fn addresses_and_identifiers_are_left_out_by_their_shape() {
    check(
        "",
        &[
            &resource(
                r#","locationAddress":{"city":"Harrowville"},"place":{"line":["12 Lantern Row"]},"x":{"postalCode":"QS1 4ZZ"}"#,
            ),
            r#"{"resourceType":"Claim","id":"c","related":[{"reference":{"system":"http://x.example/claims","value":"CL-99-1207"}}],
               "note":[{"text":"12 lantern row, Harrowville, qs1 4zz, QS14ZZ, cl991207"}]}"#,
            &resource(r#","z":{"system":"http://unitsofmeasure.org","code":"mg","unit":"mg","value":3}"#),
        ],
        &["Harrow", "antern", "4zz", "4ZZ", "1207"],
        &[r#""code":"mg""#],
    );
}

#[test]
fn attachments_are_known_by_their_names_too() {
    check(
        "",
        &[
            r#"{"resourceType":"DiagnosticReport","id":"d","presentedForm":[{"url":"http://x.example/okonjo.pdf","title":"Okonjo"}]}"#,
            r#"{"resourceType":"DocumentReference","id":"e","content":[{"attachment":{"url":"http://x.example/ada.pdf","title":"Ada"}}]}"#,
            r#"{"resourceType":"Media","id":"m","content":{"title":"Okonjo's knee"}}"#,
        ],
        &["okonjo", "Okonjo", "ada.pdf", "Ada"],
        &[],
    );
}

#[test]
fn what_says_who_and_is_left_out_is_struck_from_the_rest() {
    check(
        r#","identifier":[{"value":"12"}],"address":[{"text":"9 Cinder Close\nOldbridge","district":"Wexcombe","state":"Norland"}],
           "name":[{"text":"Tamsin Rook"}]"#,
        &[
            r#"{"resourceType":"FamilyMemberHistory","id":"f","name":"Ottoline Rook","bornDate":"1951-02-03","note":[{"text":"Ottoline, 3 February 1951"}]}"#,
            r#"{"resourceType":"CareTeam","id":"t","name":"Foxglove Team","note":[{"text":"the Foxglove team"}]}"#,
            r#"{"resourceType":"Coverage","id":"v","subscriberId":"SUB-4471-9","class":[{"value":"GRP99310"}]}"#,
            r#"{"resourceType":"Device","id":"w","serialNumber":"SN-77120-X","udiCarrier":[{"carrierHRF":"(01)00844588003288"}]}"#,
            r#"{"resourceType":"Condition","id":"n","contained":[{"resourceType":"Organization","id":"g","name":"Larkspur Clinic"}],
               "asserter":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111","display":"Hesper Vane"},
               "note":[{"authorString":"Isolde Marsh"}],
               "extension":[{"url":"x","valueHumanName":{"text":"Perpetua Stone"}}]}"#,
            r#"{"resourceType":"Encounter","id":"q","serviceProvider":{"display":"Juniper Hospital"},
               "location":[{"location":{"display":"Marigold Wing"}}]}"#,
            &said(
                "Tamsin of 9 cinder close, Oldbridge, Wexcombe, Norland. SUB44719, grp99310, SN77120X, 00844588003288, \
                   larkspur clinic, Hesper, Isolde, Perpetua, Juniper Hospital, marigold wing; born elsewhere",
            ),
        ],
        &[
            "Tamsin",
            "inder",
            "Oldbridge",
            "Wexcombe",
            "Norland",
            "Ottoline",
            "1951",
            "oxglove",
            "44719",
            "99310",
            "77120",
            "0084",
            "arkspur",
            "Hesper",
            "Isolde",
            "Perpetua",
            "Juniper",
            "arigold",
        ],
        &["born elsewhere"],
    );
    let case =
        case_of(&bundle(&[r#"{"resourceType":"Patient","id":"tamsin.rook88"}"#, &said("see tamsin.rook88")]));
    assert!(!case.contains("rook88"), "{case}");
}

#[test]
fn a_modifier_stays_as_a_marker_and_is_counted() {
    let document = resource(
        r#","modifierExtension":[{"url":"http://hl7.org/fhir/StructureDefinition/request-doNotPerform","valueBoolean":true},
            {"url":"http://okonjo.example/x","valueString":"Ada"}]"#,
    );
    let bundle = Bundle::parse(document.as_bytes()).unwrap();
    let parts = split(&bundle, Pseudonyms::with_key([1; 32])).unwrap();
    let case = str::from_utf8(&parts.case[0].bytes).unwrap();
    let markers = r#""modifierExtension":[{"url":"http://hl7.org/fhir/StructureDefinition/request-doNotPerform"},{"url":"[withheld]"}]"#;
    assert!(case.contains(markers), "{case}");
    assert_eq!(parts.report.modifiers, 2);
}

#[test]
fn birth_dates_and_numbers_are_struck_however_they_are_written() {
    let patient = r#","birthDate":"1985-05-04","telecom":[{"system":"phone","value":"+44 20 7946 0958"}],
        "identifier":[{"value":"123-45-6789"}]"#;
    let dates = [
        "5/4/1985",
        "4.5.1985",
        "4 May 1985",
        "May 4, 1985",
        "04-May-1985",
        "4th May 1985",
        "4th of May 1985",
        "04.05.85",
        "85-05-04",
        "04-05-1985",
        "1985.05.04",
        "1985-5-4",
        "04051985",
        "19850504",
        "May 1985",
        "05/1985",
        "4. Mai 1985",
        "４/５/１９８５",
    ];
    let numbers = [
        "123456789",
        "123.45.6789",
        "123 45 6789",
        "02079460958",
        "020 7946 0958",
        "0044-20-7946-0958",
        "+442079460958",
        "2079460958",
    ];
    check_lines(patient, &dates.map(|line| (line, "[withheld]")));
    check_lines(
        patient,
        &[("1985年5月4日生まれ", "[withheld]日生まれ"), ("in 1985-05", "in [withheld]"), ("1985-05", "1985")],
    );
    for number in numbers {
        let case = case_of(&bundle(&[&format!(r#"{{"resourceType":"Patient"{patient}}}"#), &said(number)]));
        assert!(!case.contains("7946") && !case.contains("6789"), "{number}: {case}");
    }
    for other in ["1985-05-06", "4 May 1986", "seen 6 May 1985", "1985", "BP 120/85"] {
        check_lines(patient, &[(other, other)]);
    }
}

#[test]
fn ages_from_ninety_years_on_are_told_as_ninety() {
    let age = |value: &str, unit: &str| {
        case_of(&resource(&format!(
            r#","onsetAge":{{"value":{value},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}"#
        )))
    };
    assert!(age("93", "a").contains(r#""value":90"#) && age("93", "a").contains(r#""comparator":">=""#));
    assert!(age("89", "a").contains(r#""value":89"#));
    assert!(age("93", "mg").contains(r#""value":93"#));
    check_lines("", &[("a 93-year-old woman, aged 94", "a [withheld]-year-old woman, aged [withheld]")]);
}

#[test]
fn the_year_of_the_import_and_of_a_death_count_for_the_age() {
    let told = |patient: &str, year: u32, date: &str| {
        let patient = format!(r#"{{"resourceType":"Patient","id":"p"{patient}}}"#);
        let document = bundle(&[&patient, &resource(&format!(r#","effectiveDateTime":"{date}""#))]);
        let parsed = Bundle::parse(document.as_bytes()).unwrap();
        let parts = split(&parsed, Pseudonyms::with_key([1; 32]).imported_in(year)).unwrap();
        parts.case.iter().any(|entry| str::from_utf8(&entry.bytes).unwrap().contains("birthDate"))
    };
    let born = r#","birthDate":"1930-01-01""#;
    assert!(told(born, 2015, "2010-01-01"));
    assert!(!told(born, 2026, "2010-01-01"), "by the clock");
    assert!(told(born, 2015, "2200-01-01"), "a date to come is a slip of the pen");
    let dead = r#","birthDate":"1930-01-01","deceasedDateTime":"2016-01-01""#;
    assert!(told(dead, 2015, "2010-01-01"));
    assert!(!told(r#","birthDate":"1926-01-01","deceasedDateTime":"2016-01-01""#, 2015, "2010-01-01"));
}

#[test]
fn a_very_old_patients_birth_date_leaves_no_year() {
    let patient = r#"{"resourceType":"Patient","birthDate":"1930-01-02"}"#;
    let document =
        bundle(&[patient, &resource(r#","effectiveDateTime":"1930-01-02","issued":"2026-01-01T00:00:00Z""#)]);
    assert!(!case_of(&document).contains("1930"));
}

#[test]
fn codes_units_systems_profiles_and_members_are_sieved() {
    check(
        r#","name":[{"family":"Okonjo"}],"identifier":[{"value":"4471220"}]"#,
        &[
            &resource(
                r#","code":{"coding":[{"system":"http://okonjo.example/codes","code":"Okonjo"},{"code":"4471220"},
                    {"system":"http://loinc.org","code":"2339-0"}]},
                "meta":{"profile":["http://okonjo.example/p","http://hl7.org/fhir/StructureDefinition/vitalsigns"],
                    "security":[{"system":"http://x.example","code":"R","display":"Okonjo only"}]},
                "valueQuantity":{"value":1,"unit":"Okonjo"},"okonjo":"x","status":"Okonjo""#,
            ),
            &resource(r#","valueInteger":4471220,"status":"final""#),
        ],
        &["konjo", "4471220"],
        &["vitalsigns", "2339-0", "only", r#""status":"final""#],
    );
}

#[test]
fn answers_to_who_someone_is_are_left_out() {
    let item = |link: &str, text: &str, value: &str| {
        format!(r#"{{"linkId":"{link}","text":"{text}","answer":[{{"valueString":"{value}"}}]}}"#)
    };
    let items = [
        item("/54126-8", "?", "Quintessa"),
        item("1", "Name of child", "Rosalind"),
        item("dateOfBirth", "?", "2001-02-03"),
        item("2", "Mobile phone", "0700 900 461"),
        item("3", "Home address", "4 Tallow Lane"),
        item("4", "Name of medication", "Paracetamol"),
        item("5", "Birth weight", "3.2 kg"),
    ];
    let response =
        format!(r#"{{"resourceType":"QuestionnaireResponse","id":"q","item":[{}]}}"#, items.join(","));
    let loinc = r#"{"resourceType":"Observation","id":"l","code":{"coding":[{"system":"http://loinc.org","code":"21112-8"}]},"valueDateTime":"2001-02-04"}"#;
    check(
        "",
        &[
            &response,
            loinc,
            &resource(r#","valueUri":"tel:+1-555-0100""#),
            &said("Quintessa or Rosalind, 3.2.2001, 0700900461"),
        ],
        &["Quintessa", "Rosalind", "2001", "0700", "900461", "Tallow", "555"],
        &["Paracetamol", "3.2 kg", "Name of child"],
    );
}

#[test]
fn references_to_things_keep_their_words_and_teach_no_names() {
    check(
        "",
        &[
            r#"{"resourceType":"MedicationRequest","id":"m","medicationReference":{"reference":"Medication/9","display":"Warfarin 1 mg"},
                "reasonReference":[{"display":"CT of head-neck"}],"requester":{"display":"Bertram Quill"}}"#,
            &resource(
                r#","code":{"coding":[{"display":"Cough"}]},"note":[{"text":"CT of head-neck with Quill"}]"#,
            ),
        ],
        &["Quill"],
        &["Warfarin 1 mg", r#""display":"CT of head-neck""#, "CT of head-neck with [withheld]", "Cough"],
    );
}

#[test]
fn dates_and_the_words_of_terminologies_are_not_struck() {
    check(
        r#","name":[{"family":"White","given":["Order"]}],"address":[{"city":"Reading","postalCode":"2019"}],"identifier":[{"value":"567890"}]"#,
        &[
            r#"{"resourceType":"Organization","name":"Health"}"#,
            &resource(
                r#","effectiveDateTime":"2019-04-05T10:00:00Z","status":"final","intent":"order",
                "code":{"coding":[{"system":"http://loinc.org","code":"6690-2","display":"Leukocytes (white blood cells)"}],
                        "text":"Leukocytes (white blood cells)"},
                "valueString":"12345678901234 in 2019, healthy""#,
            ),
            &said("Mrs White of Reading 2019 and Health"),
        ],
        &["Mrs White", "Reading", "and Health"],
        &[
            "2019-04-05T10:00:00Z",
            "\"intent\":\"order\"",
            "\"text\":\"Leukocytes (white blood cells)\"",
            "\"display\":\"Leukocytes (white blood cells)\"",
            "12345678901234 in 2019, healthy",
        ],
    );
}

#[test]
fn two_resources_without_an_id_are_two() {
    let case = case_of(&bundle(&[r#"{"resourceType":"Basic"}"#, r#"{"resourceType":"Basic"}"#]));
    let lines: Vec<&str> = case.lines().collect();
    assert_ne!(lines[0], lines[1]);
}

#[test]
fn what_is_of_a_terminology_is_nobodys_and_stays() {
    check(
        "",
        &[
            r#"{"resourceType":"Questionnaire","id":"u","identifier":[{"system":"http://loinc.org","value":"54127-6"}],
                "code":[{"system":"http://loinc.org","code":"54127-6"}]}"#,
            r#"{"resourceType":"FamilyMemberHistory","id":"h","name":"maternal grandfather","relationship":{"coding":[{
                "system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"MGRFTH","display":"maternal grandfather"}]}}"#,
            r#"{"resourceType":"ValueSet","id":"v","contact":[{"telecom":[{"system":"url","value":"http://loinc.org"}]}]}"#,
            &resource(
                r#","code":{"coding":[{"system":"http://loinc.org","code":"1-8",
                "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/ordinalValue","valueDecimal":3},{"url":"x","valueDecimal":4}]}]}"#,
            ),
        ],
        &[r#""valueDecimal":4"#],
        &[
            r#""system":"http://loinc.org""#,
            r#""valueDecimal":3"#,
            r#""code":"54127-6""#,
            r#""display":"maternal grandfather""#,
        ],
    );
}

#[test]
fn a_name_said_a_million_times_is_struck_in_time() {
    let patient = r#"{"resourceType":"Patient","name":[{"family":"Okonjo"}],"address":[{"city":"Harrow","postalCode":"90210"}]}"#;
    let text =
        "okonjo".repeat(200_000) + &" Harrow".repeat(100_000) + &" .".repeat(20) + &" 90210".repeat(100_000);
    let case = case_of(&bundle(&[patient, &said(&text)]));
    assert!(!case.contains("Harrow") && case.contains("90210"));
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
