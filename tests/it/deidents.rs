//! From a case to an abstract: what a policy must be, what is said, and what has no way in.

use std::{collections::BTreeSet, fs, path::Path};

use casevault::{
    codec,
    deidentify::{Code, Draft, Fate, Owner, Refusal, Refused, ReviewedPicture, ReviewedText, draft},
    fhir::{Bundle, Pseudonyms, split},
    public::{
        Amount, Icd3, Outcome, PublicPolicy, Value,
        hierarchy::{Meaning, Region},
        policy::{Field, Reader, Sex},
    },
    record::{Content, Kind},
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const FHIR: &str = "application/fhir+json";

fn small() -> PublicPolicy {
    PublicPolicy::shipped_small().unwrap()
}

fn fine() -> PublicPolicy {
    PublicPolicy::shipped_default().unwrap()
}

fn alice() -> Owner {
    Owner::unknown().born("1960-06-15").unwrap().of_sex(Sex::Female).living_in("US", Some("MA"))
}

fn content(text: &str) -> Content {
    Content::from_bytes(FHIR, text).unwrap()
}

fn drafted(policy: &PublicPolicy, owner: &Owner, resources: &[String]) -> Result<Draft, Refused> {
    let contents: Vec<_> = resources.iter().map(|text| content(text)).collect();
    draft(policy, owner, contents.iter().map(|content| (Kind::Resource, content)))
}

/// What is said of Alice, by the small policy, of these resources.
fn said(resources: &[Json]) -> Result<Draft, Refused> {
    drafted(&small(), &alice(), &resources.iter().map(Json::to_string).collect::<Vec<_>>())
}

fn snomed(concept: &str) -> Json {
    json!({"coding": [{"system": "http://snomed.info/sct", "code": concept}]})
}

fn icd(code: &str) -> Json {
    json!({"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]})
}

fn problem(code: &Json, onset: &str) -> Json {
    let active = json!({"coding": [{"code": "active"}]});
    json!({"resourceType": "Condition", "clinicalStatus": active, "code": code, "onsetDateTime": onset})
}

/// A resource with other members.
fn with(mut resource: Json, members: &Json) -> Json {
    for (name, value) in members.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

fn cough() -> Json {
    problem(&icd("J20.9"), "2018-03-04")
}

fn label(policy: &PublicPolicy, draft: &Draft, field: Field) -> String {
    let class = &draft.said.class;
    let axes = policy.axes(class.grid);
    let at = axes.iter().position(|axis| axis.field == field).unwrap();
    axes[at].labels[usize::from(class.bins[at])].clone()
}

fn main_of(resources: &[Json]) -> String {
    said(resources).unwrap().said.diagnosis.to_string()
}

// ── policies ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_unsound_policy_is_refused_and_says_what_it_must_be() {
    let groups =
        |groups: &str| format!("chapter = {{ groups = [{groups}] }}\n[[result]]\nloinc = \"4548-4\"");
    let first = "[[result]]\nloinc = \"4548-4\"";
    let fields: Vec<(&str, String, &str)> = vec![
        ("k = 12 ", "k = 10 ".into(), "k"),
        ("k = 12 ", "k = 1001 ".into(), "k"),
        ("l = 3 ", "l = 2 ".into(), "l"),
        ("l = 3 ", "l = 13 ".into(), "l"),
        ("\"1/2\"", "\"2/3\"".into(), "share"),
        ("\"1/2\"", "\"2/4\"".into(), "share"),
        ("\"1/2\"", "\"0/1\"".into(), "share"),
        ("\"1/2\"", "\"half\"".into(), "share"),
        ("\"0.4\"", "\"0.401\"".into(), "t"),
        ("\"0.4\"", "\"0\"".into(), "t"),
        ("\"0.4\"", "\"0.0004\"".into(), "t"),
        ("{ months = 1 }", "{ months = 0 }".into(), "epoch"),
        ("{ months = 1 }", "{ weeks = 105 }".into(), "epoch"),
        ("{ months = 1 }", "{ days = 1 }".into(), "text"),
        ("1_000_000", "19_999".into(), "people-min"),
        ("[0, 1, 5, 14, 27, 53]", "[1, 5]".into(), "weeks"),
        ("[0, 1, 5, 14, 27, 53]", "[0, 5, 5]".into(), "weeks"),
        ("[0, 1, 5, 14, 27, 53]", "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]".into(), "weeks"),
        ("[\"block\", \"chapter\"]", "[\"chapter\", \"block\"]".into(), "rare"),
        ("[\"block\", \"chapter\"]", "[\"block\", \"block\"]".into(), "rare"),
        ("\"18-39\", ", String::new(), "age-bands"),
        ("\"18-39\"", "\"17-39\"".into(), "age-bands"),
        ("\"18-39\"", "\"39-18\"".into(), "age-bands"),
        ("\"0-17\"", "\"1-17\"".into(), "age-bands"),
        ("\"65+\"", "\"65-120\"".into(), "age-bands"),
        ("\"18-39\"", "\"18+\"".into(), "age-bands"),
        ("\"65+\"", "\"65-91\", \"92+\"".into(), "age-top"),
        ("every = 1 ", "every = 0 ".into(), "years"),
        ("from = 2000", "from = 2001".into(), "years"),
        ("from = 2000, until = 2000, every = 1 ", "from = 1990, until = 2001, every = 2 ".into(), "years"),
        ("from = 2000, until = 2000, every = 1 ", "from = 1800, until = 2000, every = 1 ".into(), "years"),
        ("region = \"country\"", "region = \"town\"".into(), "text"),
        ("sex = true", "sex = true\nrace = true".into(), "text"),
        ("k = 12 ", "k = 12\nm = 1 ".into(), "text"),
        (first, groups("{ name = \"a\", chapters = [1, 23] }"), "chapters"),
        (first, groups("{ name = \"a\", chapters = [1] }, { name = \"b\", chapters = [1] }"), "chapters"),
        (first, groups("{ name = \"a\", chapters = [] }"), "chapters"),
        ("name = \"small\"", "name = \"Small\"".into(), "name"),
        ("version = 1\n", "version = 0\n".into(), "name"),
        ("\"4548-4\"", "\"4548\"".into(), "results"),
        ("\"4548-4\"", "\"39156-5\"".into(), "results"),
        ("[\"5.7\", \"6.5\", \"9\"]", "[\"6.5\", \"5.7\", \"9\"]".into(), "results"),
        ("[\"5.7\", \"6.5\", \"9\"]", "[\"5.7\", \"6.5\"]".into(), "results"),
        ("[\"5.7\", \"6.5\", \"9\"]", "[\"5.7\", \"six\", \"9\"]".into(), "results"),
        ("    161, ", "    0, ".into(), "vocabulary"),
        (first, format!("[coarser]\nage_from = 80\n{first}"), "coarser"),
        (first, format!("[[grid]]\nsex = true\n{first}"), "coarser"),
        (first, format!("[[grid]]\n\n[coarser]\nage_from = 80\n{first}"), "untold"),
        (first, format!("[[grid]]\nsex = true\n[[grid]]\nsex = true\n{first}"), "grids"),
        (first, format!("[[grid]]\nsex = true\n[coarser]\n{first}"), "coarser"),
        (
            first,
            format!("[[grid]]\nage = [\"0-49\", \"50+\"]\n[coarser]\nage_from = 80\n{first}"),
            "crossed-grids",
        ),
        (first, format!("[[grid]]\nregion = \"state\"\n[coarser]\nage_from = 80\n{first}"), "crossed-grids"),
    ];
    for (from, to, code) in fields {
        assert!(PublicPolicy::SMALL_TEXT.contains(from), "{from}");
        let text = PublicPolicy::SMALL_TEXT.replacen(from, &to, 1);
        let fault = PublicPolicy::parse(&text).map(|_| ()).unwrap_err();
        assert_eq!(fault.code(), format!("public-policy-{code}"), "{from} → {to}");
    }
    assert!(PublicPolicy::parse("").is_err());
}

#[test]
fn a_policy_has_one_encoding_and_its_digest_is_of_what_it_says() {
    for policy in [small(), fine()] {
        let bytes = codec::encode(&policy);
        assert_eq!(codec::decode::<PublicPolicy>(&bytes).unwrap(), policy);
    }
    let text = PublicPolicy::SMALL_TEXT;
    let same = text.replace("k = 12  ", "# another comment\nk   =   12  ").replace("1_000_000", "1000000");
    assert_eq!(PublicPolicy::parse(&same).unwrap().digest(), small().digest());
    for (from, to) in
        [("k = 12", "k = 20"), ("65+", "65-79\", \"80+"), ("161, ", ""), ("\"9\"", "\"9.000001\"")]
    {
        let other = PublicPolicy::parse(&text.replacen(from, to, 1)).unwrap();
        assert_ne!(other.digest(), small().digest(), "{from}");
    }
    // `k`, field 3: what no text could say, no encoding can.
    let bytes = codec::encode(&small());
    let place = bytes.windows(4).position(|window| window == [0x03, 12, 0x04, 3]).unwrap();
    let mut weak = bytes.clone();
    weak[place + 1] = 5;
    assert!(codec::decode::<PublicPolicy>(&weak).is_err());
    // Field 2, the digest of the tables: numbers of other tables mean something else.
    let place = bytes.windows(3).position(|window| window == [0x02, 0x58, 32]).unwrap();
    let mut other = bytes;
    other[place + 3] ^= 1;
    assert!(codec::decode::<PublicPolicy>(&other).is_err());
}

/// The four explanations, as they stand in `tests/golden`; with `CASEVAULT_GOLDEN=write` they are written anew.
#[test]
fn a_policy_explains_itself_in_words() {
    for (name, policy) in [("small", small()), ("default", fine())] {
        for (reader, who) in [(Reader::Patient, "patient"), (Reader::Curator, "curator")] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}-{who}.txt"));
            let text = policy.explain(reader);
            if std::env::var_os("CASEVAULT_GOLDEN").is_some_and(|value| value == "write") {
                fs::write(&path, &text).unwrap();
            }
            assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}, {who}");
        }
    }
}

// ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_age_is_counted_at_the_birthday_and_told_to_ninety() {
    let policy =
        PublicPolicy::parse(&PublicPolicy::DEFAULT_TEXT.replace("age_from = 85", "age_from = 100")).unwrap();
    let rows = [
        ("1930-06-15", "2020-06-14", "75-89"),
        ("1930-06-15", "2020-06-15", "90+"),
        ("1930-06-15", "2020", "90+"),
        ("1925-06-15", "2020-06-15", "90+"),
        ("2000-02-29", "2018-02-28", "5-17"),
        ("2000-02-29", "2018-03-01", "18-29"),
        ("2015-07-01", "2020-06-30", "0-4"),
        ("2015-07-01", "2020-07-01", "5-17"),
        ("2020-07-01", "2020-07-01", "0-4"),
    ];
    for (birth, onset, band) in rows {
        let owner = alice().born(birth).unwrap();
        let draft = drafted(&policy, &owner, &[problem(&icd("J20"), onset).to_string()]).unwrap();
        assert_eq!(label(&policy, &draft, Field::Age), band, "{birth}, {onset}");
    }
    // Under the default as it is, who is 85 or older stands on the coarser grid.
    for (birth, grid, band) in
        [("1936-01-01", 0, "75-89"), ("1935-01-01", 1, "75+"), ("1901-01-01", 1, "75+")]
    {
        let owner = alice().born(birth).unwrap();
        let draft = drafted(&fine(), &owner, &[problem(&icd("J20"), "2020-06-01").to_string()]).unwrap();
        assert_eq!(
            (draft.said.class.grid, label(&fine(), &draft, Field::Age).as_str()),
            (grid, band),
            "{birth}"
        );
    }
}

#[test]
fn a_case_without_an_age_a_date_or_a_diagnosis_is_refused() {
    let why = |owner: &Owner, resources: &[Json]| {
        let texts: Vec<_> = resources.iter().map(Json::to_string).collect();
        drafted(&small(), owner, &texts).unwrap_err().why
    };
    let undated = json!({"resourceType": "Condition", "code": icd("J20")});
    assert_eq!(why(&Owner::unknown(), &[cough()]), Refusal::NoAge);
    assert_eq!(why(&alice().born("2019-01-01").unwrap(), &[cough()]), Refusal::NoAge, "before the birth");
    assert_eq!(why(&alice().born("1880-01-01").unwrap(), &[cough()]), Refusal::NoAge, "138 years");
    assert_eq!(alice().born("1985-02-30"), Err(Refusal::NoAge));
    assert_eq!(why(&alice(), std::slice::from_ref(&undated)), Refusal::NoDate);
    assert_eq!(why(&alice(), &[]), Refusal::NoDiagnosis);
    let visit = json!({"resourceType": "Encounter", "period": {"start": "2018-03-04"}});
    assert_eq!(why(&alice(), std::slice::from_ref(&visit)), Refusal::NoDiagnosis);
    // Another date of the case does, if the diagnosis has none.
    assert!(said(&[undated, visit]).is_ok());
}

#[test]
fn the_main_diagnosis_is_chosen_by_the_rule_of_the_case_alone() {
    let ended = |problem: Json| with(problem, &json!({"abatementDateTime": "2019-01-01"}));
    let rows: Vec<(&str, Vec<Json>)> = vec![
        // A disease before a symptom, and this before a circumstance, however new.
        (
            "I10",
            vec![
                problem(&icd("I10"), "2001-01-01"),
                problem(&icd("R73.0"), "2015-01-01"),
                problem(&icd("Z34"), "2016-01-01"),
            ],
        ),
        ("R73", vec![problem(&icd("R73.0"), "2001-01-01"), problem(&icd("Z34"), "2016-01-01")]),
        ("Z34", vec![problem(&icd("Z34"), "2016-01-01")]),
        // What goes on before what has ended.
        ("I10", vec![problem(&icd("I10"), "2001-01-01"), ended(problem(&icd("J20"), "2015-01-01"))]),
        // The newest; one without a date last.
        ("J45", vec![problem(&icd("I10"), "2001-01-01"), problem(&icd("J45"), "2001-01-02")]),
        (
            "I10",
            vec![
                problem(&icd("I10"), "2001-01-01"),
                json!({"resourceType": "Condition", "code": icd("A09")}),
            ],
        ),
        // The smaller category.
        ("I10", vec![problem(&icd("J45"), "2001-01-01"), problem(&icd("I10"), "2001-01-01")]),
        // ICD-10 before SNOMED CT.
        (
            "E11",
            vec![problem(
                &json!({"coding": [
            {"system": "http://snomed.info/sct", "code": "38341003"},
            {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.65"}]}),
                "2001-01-01",
            )],
        ),
        ("I10", vec![problem(&snomed("38341003"), "2001-01-01")]),
        // What is not confirmed, and what says nothing of health, is no diagnosis.
        (
            "I10",
            vec![
                problem(&icd("I10"), "2001-01-01"),
                with(cough(), &json!({"verificationStatus": {"coding": [{"code": "refuted"}]}})),
            ],
        ),
        ("I10", vec![problem(&icd("I10"), "2001-01-01"), problem(&snomed("160903007"), "2015-01-01")]),
        ("J20", vec![with(cough(), &json!({"verificationStatus": {"coding": [{"code": "confirmed"}]}}))]),
    ];
    for (expected, mut resources) in rows {
        assert_eq!(main_of(&resources), expected);
        resources.reverse();
        assert_eq!(main_of(&resources), expected, "in another order");
    }
}

#[test]
fn an_unmapped_code_waits_and_is_counted() {
    let odd = |code: &Json, onset: &str| problem(code, onset);
    let other = json!({"coding": [{"system": "urn:mine", "code": "x"}]});
    let refused = said(&[
        odd(&snomed("999999990989121104"), "2018-01-01"),
        odd(&icd("E91"), "2018-01-01"),
        odd(&other, "2018-01-01"),
        odd(&icd("J45; call Zoe"), "2018-01-01"),
        problem(&icd("I10"), "2001-01-01"),
    ])
    .unwrap_err();
    assert_eq!(refused.why, Refusal::Unmapped(3));
    let e91 = Code::Category(Icd3::parse("E91").unwrap());
    assert_eq!(refused.unmapped, BTreeSet::from([Code::Snomed(999_999_990_989_121_104), e91, Code::Other]));
    // One that could not be the main diagnosis does not make the case wait; it is told as dropped.
    let draft = said(&[odd(&other, "2000-01-01"), problem(&icd("I10"), "2001-01-01")]).unwrap();
    assert_eq!(draft.said.diagnosis.as_str(), "I10");
    assert!(draft.report.to_string().contains("problems, dropped: a few: no table has their codes"));
}

#[test]
fn values_are_told_by_the_policys_lists_and_bins_alone() {
    let of = |resource: Json| -> Vec<Value> {
        said(&[cough(), resource]).unwrap().said.values.into_iter().collect()
    };
    let drug = |code: &str| {
        json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}]}})
    };
    let a1c = |value: &str, unit: &str| {
        let text = format!(
            r#"{{"resourceType":"Observation","status":"final","effectiveDateTime":"2018-03-05",
            "code":{{"coding":[{{"system":"http://loinc.org","code":"4548-4"}}]}},"valueQuantity":{{"value":{value},"code":"{unit}"}}}}"#
        );
        serde_json::from_str::<Json>(&text).unwrap()
    };
    let none: Vec<Value> = Vec::new();
    // Products are told by what is in them; what the list does not have is not told.
    assert_eq!(of(drug("562251")), [Value::Drug(723), Value::Drug(48203)]);
    assert_eq!(of(drug("161")), [Value::Drug(161)]);
    for code in ["4711", "161 ", "0161", "161x", ""] {
        assert_eq!(of(drug(code)), none, "{code}");
    }
    for (name, value) in [
        ("status", json!("entered-in-error")),
        ("intent", json!("proposal")),
        ("doNotPerform", json!(true)),
        ("modifierExtension", json!([{"url": "x"}])),
    ] {
        assert_eq!(of(with(drug("161"), &json!({ name: value }))), none, "{name}");
    }
    let named =
        json!({"resourceType": "MedicationRequest", "medicationReference": {"reference": "urn:uuid:7"}});
    let medication =
        json!({"resourceType": "Medication", "id": "7", "code": drug("316049")["medicationCodeableConcept"]});
    let draft = said(&[cough(), named, medication]).unwrap();
    assert!(draft.said.values.contains(&Value::Drug(5487)));
    // A bound belongs to the upper bin.
    for (value, bin) in
        [("5.69", 0), ("5.7", 1), ("6.499999", 1), ("6.50", 2), ("8.99", 2), ("0.9E1", 3), ("99", 3)]
    {
        assert_eq!(of(a1c(value, "%")), [Value::Result(0, bin)], "{value}");
    }
    assert_eq!(of(a1c("6.5", "mmol/mol")), none, "another unit");
    assert_eq!(of(with(a1c("6.5", "%"), &json!({"status": "preliminary"}))), none);
    let bounded = json!({"value": 6.5, "code": "%", "comparator": ">"});
    assert_eq!(of(with(a1c("6.5", "%"), &json!({"valueQuantity": bounded}))), none);
    // Of one test the newest.
    let older = with(a1c("9.5", "%"), &json!({"effectiveDateTime": "2017-01-01"}));
    let draft = said(&[cough(), a1c("5.0", "%"), older]).unwrap();
    assert_eq!(Vec::from_iter(draft.said.values), [Value::Result(0, 0)]);
    let colonoscopy = json!({"resourceType": "Procedure", "status": "completed", "code": snomed("73761001")});
    assert_eq!(of(colonoscopy), [Value::Procedure(73_761_001)]);
    let unlisted =
        json!({"resourceType": "Procedure", "status": "completed", "code": snomed("428191000124101")});
    assert_eq!(of(unlisted), none);
    assert_eq!(of(problem(&icd("I10"), "2001-01-01")), [Value::Diagnosis(Icd3::parse("I10").unwrap())]);
}

#[test]
fn the_outcome_is_what_records_say_of_the_main_diagnosis_and_of_death() {
    let of = |resources: &[Json]| said(resources).unwrap().said.outcome;
    let bare = json!({"resourceType": "Condition", "code": icd("J20"), "onsetDateTime": "2018-03-04"});
    assert_eq!(of(&[cough()]), Outcome::Ongoing);
    assert_eq!(of(std::slice::from_ref(&bare)), Outcome::Unknown);
    assert_eq!(of(&[with(bare, &json!({"abatementDateTime": "2018-04-01"}))]), Outcome::Resolved);
    let resolved = json!({"clinicalStatus": {"coding": [{"code": "resolved"}]}});
    assert_eq!(of(&[with(cough(), &resolved)]), Outcome::Resolved);
    let dead = json!({"resourceType": "Patient", "deceasedBoolean": true});
    assert_eq!(of(&[cough(), dead]), Outcome::Died);
    let alive = json!({"resourceType": "Patient", "deceasedBoolean": false});
    assert_eq!(of(&[cough(), alive]), Outcome::Ongoing);
}

#[test]
fn whose_it_is_comes_from_the_identity_and_of_one_person() {
    let of = |patients: &[Json]| {
        let contents: Vec<_> = patients.iter().map(|patient| content(&patient.to_string())).collect();
        Owner::of_records(contents.iter().map(|content| (Kind::Resource, content)))
    };
    let home = json!({"use": "home", "country": "US", "state": "MA", "city": "Boston"});
    let work = json!({"use": "work", "country": "US", "state": "NY"});
    let old = json!({"use": "old", "country": "CN", "state": "四川"});
    let patient = |addresses: &[&Json]| json!({"resourceType": "Patient", "birthDate": "1960-06-15", "gender": "female", "address": addresses});
    for addresses in [vec![&home], vec![&work, &home], vec![&home, &old, &work]] {
        assert_eq!(of(&[patient(&addresses)]), Ok(alice()), "{addresses:?}");
    }
    let nowhere = Owner::unknown().born("1960-06-15").unwrap().of_sex(Sex::Female);
    let elsewhere = json!({"use": "home", "country": "US", "state": "NY"});
    assert_eq!(of(&[patient(&[&home, &elsewhere])]), Ok(nowhere), "two homes are none");
    assert_eq!(of(&[patient(&[&home]), patient(&[&home])]), Ok(alice()));
    let other = with(patient(&[&home]), &json!({"birthDate": "1961-06-15"}));
    assert_eq!(of(&[patient(&[&home]), other]), Err(Refusal::TwoPeople));
    assert_eq!(of(&[]), Ok(Owner::unknown()));
    assert_eq!(format!("{:?}", alice()), "Owner(..)");
}

#[test]
fn the_report_says_part_by_part_what_became_of_it() {
    let letter = Content::from_bytes("text/plain", "dear Zoe").unwrap();
    let picture = Content::from_bytes("image/jpeg", [0xff, 0xd8]).unwrap();
    let voice = Content::from_bytes("audio/ogg", "Ogg").unwrap();
    let title = Content::from_value("an imported chart").unwrap();
    let (main, noted) =
        (content(&cough().to_string()), json!({"resourceType": "Observation", "note": [{"text": "x"}]}));
    let noted = content(&noted.to_string());
    let mut records = vec![(Kind::Title, &title), (Kind::Resource, &main), (Kind::Note, &letter)];
    records.extend([(Kind::Document, &picture), (Kind::Document, &voice), (Kind::Resource, &noted)]);
    records.extend([(Kind::Document, &picture); 4]);
    let Draft { said, report, .. } = draft(&small(), &alice(), records).unwrap();
    assert_eq!(
        (said.left_out.texts, said.left_out.pictures, said.left_out.voice),
        (Amount::Few, Amount::Many, Amount::Few)
    );
    let words = report.to_string();
    for line in [
        "age, coarsened: 40-64",
        "sex, told: female",
        "region, coarsened: United States",
        "year, coarsened: 2000 and later",
        "chapter, dropped: not told",
        "main diagnosis, coarsened: its category J20 (breathing)",
        "outcome, told: ongoing",
        "texts, left out: a few:",
        "pictures, left out: many:",
        "voice, left out: a few:",
        "address, left out: all of it but what the place above tells",
    ] {
        assert!(words.contains(line), "{line}\n{words}");
    }
    assert!(
        report.lines.iter().all(|line| line.fate != Fate::Told || ["sex", "outcome"].contains(&line.part))
    );
    assert!(!format!("{report:?}").contains("40-64"), "no debug output holds what the case says");
}

// ── what has no way in ──────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn b11_no_text_and_no_picture_can_be_made_a_reviewed_one() {
    // Types without a value have no size, and nor has a choice between one of them and nothing. Their doc tests show that
    // neither a constructor, a conversion nor a default makes one.
    assert_eq!((size_of::<Option<ReviewedText>>(), size_of::<Option<ReviewedPicture>>()), (0, 0));
}

#[test]
fn b13_dates_are_told_as_bands_and_cases_that_differ_within_them_are_one() {
    let visit = |date: &str| json!({"resourceType": "Encounter", "period": {"start": date}});
    let one =
        said(&[cough(), visit("2018-03-12T10:00:00Z"), visit("2018-04-20"), visit("2019-07-01")]).unwrap();
    let other = said(&[
        problem(&icd("J20"), "2018-09-01"),
        visit("2018-09-29"),
        visit("2018-10-10"),
        visit("2027-01-01"),
    ])
    .unwrap();
    assert_eq!(codec::encode(&one.said), codec::encode(&other.said));
    let bands: Vec<u8> = one.said.weeks.iter().map(|band| band.0).collect();
    assert_eq!(bands, [0, 1, 2, 5]);
    assert_eq!(small().week_labels(), ["0", "1-4", "5-13", "14-26", "27-52", "53 and later"]);
    // However many dates, no more bands than there may be.
    let many: Vec<_> = (0..400)
        .map(|day| visit(&format!("20{:02}-{:02}-{:02}", 18 + day / 300, 1 + day % 12, 1 + day % 28)))
        .collect();
    let said = said(&[&[cough()], many.as_slice()].concat()).unwrap().said;
    assert!(said.is_bounded() && said.weeks.len() <= 6);
    // A month or a year alone is no step of a timeline.
    let alone = crate::deidents::said(&[problem(&icd("J20"), "2018"), visit("2018-04")]).unwrap();
    assert!(alone.said.weeks.is_empty());
}

#[test]
fn b14_a_place_of_few_people_is_told_by_what_it_lies_in_or_not_at_all() {
    let policy = |people: &str| {
        let text = PublicPolicy::SMALL_TEXT.replace("\"country\"", "\"state\"").replace("1_000_000", people);
        PublicPolicy::parse(&text).unwrap()
    };
    let region = |policy: &PublicPolicy, country: &str, state: &str| {
        let owner = alice().living_in(country, Some(state));
        label(policy, &drafted(policy, &owner, &[cough().to_string()]).unwrap(), Field::Region)
    };
    let (least, million) = (policy("20_000"), policy("1_000_000"));
    assert_eq!(region(&least, "US", "VT"), "Vermont");
    // Alone below a million in the whole Northeast, and with no other in the country; in the West there are two.
    assert_eq!(region(&million, "US", "VT"), "elsewhere, or not known");
    assert_eq!(region(&million, "US", "WY"), "US, West (smaller places)");
    assert_eq!(region(&million, "US", "MA"), "Massachusetts");
    for place in [("TV", "Funafuti"), ("US", "Boston"), ("", ""), ("Zebulon", "Zebulon")] {
        assert_eq!(region(&least, place.0, place.1), "elsewhere, or not known", "{place:?}");
    }
    // No bin of any level stands for fewer people than the policy asks for.
    for (policy, people_min) in [(least, 20_000), (million, 1_000_000)] {
        let axes = policy.axes(0);
        let axis = axes.iter().find(|axis| axis.field == Field::Region).unwrap();
        let mut people = std::collections::BTreeMap::<String, u64>::new();
        for place in Region::all().filter(|place| place.level().word() == "state") {
            let mut country = place;
            while let Some(parent) = country.parent() {
                country = parent;
            }
            *people.entry(region(&policy, country.code(), place.code())).or_default() += place.people();
        }
        people.remove("elsewhere, or not known");
        assert!(people.values().all(|people| *people >= people_min));
        assert_eq!(people.len() + 1, axis.labels.len());
    }
    // Under the default, who lives where few do, or nobody knows where, stands on the coarser grid.
    for (state, grid) in [("MA", 0), ("VT", 1), ("Boston", 1)] {
        let owner = alice().living_in("US", Some(state));
        let draft = drafted(&fine(), &owner, &[cough().to_string()]).unwrap();
        assert_eq!(draft.said.class.grid, grid, "{state}");
    }
}

/// The case that the attackers below change.
fn chart() -> Vec<Json> {
    let quantity = |value: f64| json!({"value": value, "code": "%"});
    vec![
        json!({"resourceType": "Patient", "gender": "female", "birthDate": "1960"}),
        cough(),
        problem(&snomed("38341003"), "2011-01-01"),
        json!({"resourceType": "Observation", "status": "final", "effectiveDateTime": "2018-03-05",
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}, "valueQuantity": quantity(7.25)}),
        json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": "2018-03-06",
            "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "562251"}]}}),
        json!({"resourceType": "Procedure", "status": "completed", "performedDateTime": "2018-05-01", "code": snomed("73761001")}),
        json!({"resourceType": "Encounter", "period": {"start": "2018-03-04", "end": "2018-03-04"}}),
    ]
}

/// JSON with its keys in another order, white space, and numbers and letters written otherwise.
fn rewritten(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(name, value)| format!("{name:?} :\n {}", rewritten(value)))
                .collect();
            format!("{{ {} }}", members.join(" , "))
        }
        Json::Array(items) => {
            format!("[ {} ]", items.iter().rev().map(rewritten).collect::<Vec<_>>().join(",\t"))
        }
        Json::Number(number) => {
            format!("{}0e0", number.as_f64().map(|number| format!("{number:?}")).unwrap())
        }
        Json::String(text) => {
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{escaped}\"")
        }
        Json::Bool(_) | Json::Null => value.to_string(),
    }
}

#[test]
fn b15_order_numbers_and_unknown_fields_carry_no_bit() {
    let plain: Vec<_> = chart().iter().map(Json::to_string).collect();
    let bytes = codec::encode(&drafted(&small(), &alice(), &plain).unwrap().said);
    let check = |resources: &[String]| {
        assert_eq!(codec::encode(&drafted(&small(), &alice(), resources).unwrap().said), bytes);
    };
    let mut other: Vec<_> = chart().iter().map(rewritten).collect();
    other.reverse();
    check(&other);
    // Twice the same says no more.
    check(&[plain.as_slice(), plain.as_slice()].concat());
    let added: Vec<_> = chart()
        .into_iter()
        .map(|resource| with(resource, &json!({"zebulon": "0110", "_status": {"id": "0110"}, "language": "x-0110", "meta": {"tag": [{"code": "0110"}]}})).to_string())
        .collect();
    check(&added);
    // Within a bin, a number is a bin.
    check(&plain.iter().map(|text| text.replace("7.25", "7.2511010101")).collect::<Vec<_>>());
    // A key twice, which readers read in two ways, is no resource.
    let twice = cough().to_string().replacen('{', r#"{"onsetDateTime":"1999-01-01","#, 1);
    assert_eq!(drafted(&small(), &alice(), &[twice]).unwrap_err().why, Refusal::NoDiagnosis);
}

/// Every string of a resource replaced in turn by one that says who.
fn planted(value: &Json, word: &str) -> Vec<Json> {
    match value {
        Json::Object(members) => members
            .iter()
            .flat_map(|(name, inner)| {
                let own = planted(inner, word)
                    .into_iter()
                    .map(|inner| with(value.clone(), &json!({ name: inner })));
                own.chain([with(value.clone(), &json!({ word: word }))]).collect::<Vec<_>>()
            })
            .collect(),
        Json::Array(items) => {
            let mut all = Vec::new();
            for (index, item) in items.iter().enumerate() {
                for other in planted(item, word) {
                    let mut items = items.clone();
                    items[index] = other;
                    all.push(Json::Array(items));
                }
            }
            all
        }
        Json::String(text) => {
            vec![json!(word), json!(format!("{text}{word}")), json!(format!("{word} {text}"))]
        }
        Json::Bool(_) | Json::Null | Json::Number(_) => vec![json!(word)],
    }
}

#[test]
fn an_identifier_planted_anywhere_in_a_case_is_in_no_byte_of_what_is_said() {
    let word = "Zebulon-481";
    let full = json!({"display": word, "userSelected": true});
    let mut tried = 0;
    let chart: Vec<_> = chart()
        .into_iter()
        .map(|resource| with(resource, &json!({"note": [{"text": word}], "subject": {"display": word, "identifier": {"value": word}},
            "name": [{"family": word, "given": [word]}], "contact": [{"name": {"text": word}}], "address": [{"line": [word], "city": word}],
            "text": {"div": word}, "identifier": [{"value": word}], "extra": full})))
        .collect();
    for place in 0..chart.len() {
        for resource in planted(&chart[place], word) {
            let mut resources = chart.clone();
            resources[place] = resource;
            let texts: Vec<_> = resources.iter().map(Json::to_string).collect();
            let (bytes, words) = match drafted(&small(), &alice(), &texts) {
                Ok(draft) => (codec::encode(&draft.said), draft.report.to_string()),
                Err(refused) => (Vec::new(), format!("{refused} {refused:?}")),
            };
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()));
            assert!(!words.contains(word) && !words.contains("ebulon"), "{words}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

// ── any case ────────────────────────────────────────────────────────────────────────────────────────────────────────

fn any_json() -> impl Strategy<Value = Json> {
    let words = prop_oneof![
        Just("Condition".to_owned()),
        Just("http://snomed.info/sct".to_owned()),
        Just("http://hl7.org/fhir/sid/icd-10".to_owned()),
        "[A-Z][0-9]{2}(\\.[0-9])?",
        "[0-9]{6,12}",
        "[12][0-9]{3}-[01][0-9]-[0-3][0-9]",
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        words.prop_map(Json::String),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(Json::Bool),
        Just(Json::Null),
    ];
    let names = prop::sample::select(vec![
        "abatementDateTime",
        "authoredOn",
        "clinicalStatus",
        "code",
        "coding",
        "component",
        "deceasedBoolean",
        "effectiveDateTime",
        "intent",
        "medicationCodeableConcept",
        "modifierExtension",
        "note",
        "onsetDateTime",
        "performedPeriod",
        "period",
        "start",
        "status",
        "system",
        "unit",
        "value",
        "valueQuantity",
        "verificationStatus",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let object = prop::collection::btree_map(names.clone(), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Json::Array),
            object.prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_json_gives_closed_values_or_a_typed_refusal(
        parts in prop::collection::vec((prop::sample::select(vec![
            "Condition", "Encounter", "Medication", "MedicationRequest", "Observation", "Patient", "Procedure", "Media",
        ]), any_json()), 0..6),
        code in "([A-Z][0-9]{2}|[0-9]{8})",
        onset in "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
    ) {
        let policy = small();
        let mut resources: Vec<_> = parts
            .into_iter()
            .map(|(kind, value)| match value {
                Json::Object(_) => with(value, &json!({"resourceType": kind})).to_string(),
                other => json!({"resourceType": kind, "code": other}).to_string(),
            })
            .collect();
        resources.push(problem(&icd(&code), &onset).to_string());
        if let Ok(draft) = drafted(&policy, &alice(), &resources) {
            prop_assert!(draft.said.is_bounded());
            prop_assert!(draft.said.diagnosis.block().is_some());
            let axes = policy.axes(draft.said.class.grid);
            prop_assert_eq!(axes.len(), draft.said.class.bins.len());
            for (axis, bin) in axes.iter().zip(&draft.said.class.bins) {
                prop_assert!(usize::from(*bin) < axis.labels.len());
            }
            prop_assert!(draft.said.weeks.iter().all(|band| usize::from(band.0) < policy.weeks().len()));
            for value in &draft.said.values {
                let is_closed = match value {
                    Value::Diagnosis(category) => category.block().is_some(),
                    Value::Drug(drug) => policy.drugs().contains(drug),
                    Value::Procedure(concept) => policy.procedures().contains(concept),
                    Value::Result(test, bin) => {
                        policy.results().get(usize::from(*test)).is_some_and(|rule| usize::from(*bin) < rule.bins.len())
                    }
                    _ => false,
                };
                prop_assert!(is_closed, "{:?}", value);
            }
            let bytes = codec::encode(&draft.said);
            prop_assert_eq!(codec::decode::<casevault::public::Abstract>(&bytes).unwrap(), draft.said);
        }
    }

    #[test]
    fn any_bytes_in_a_record_are_no_resource_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let odd = Content::from_bytes(FHIR, bytes).unwrap();
        let main = content(&cough().to_string());
        let records = [(Kind::Resource, &odd), (Kind::Resource, &main)];
        prop_assert!(draft(&small(), &alice(), records).is_ok());
    }
}

// ── real charts ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// One chart, as an import makes it one case.
struct Imported {
    owner: Owner,
    records: Vec<Content>,
}

fn imported(path: &Path) -> Option<Imported> {
    let bundle = Bundle::parse(&fs::read(path).unwrap()).ok()?;
    let parts = split(&bundle, Pseudonyms::with_key([9; 32])).unwrap();
    let contents = |entries: Vec<casevault::fhir::Entry>| -> Vec<Content> {
        entries.into_iter().map(|entry| Content::from_bytes(FHIR, entry.bytes).unwrap()).collect()
    };
    let identity = contents(parts.identity);
    let owner = Owner::of_records(identity.iter().map(|content| (Kind::Resource, content))).unwrap();
    Some(Imported { owner, records: contents(parts.case) })
}

#[test]
fn the_small_charts_have_abstracts_and_every_code_of_theirs_is_mapped() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut mains = Vec::new();
    for path in ["cough.json", "pressure.json", "rash.json", "sugar.json.gz"] {
        let Imported { owner, records } = imported(&directory.join(path)).unwrap();
        let records = || records.iter().map(|content| (Kind::Resource, content));
        let one = draft(&small(), &owner, records()).unwrap();
        assert!(!one.report.to_string().contains("no table has their codes"), "{path}");
        assert!(draft(&fine(), &owner, records()).is_ok(), "{path}");
        mains.push(one.said.diagnosis.to_string());
    }
    assert_eq!(mains.len(), 4);
}

/// FHIR R4 charts below the directory that `CASEVAULT_FHIR` names, each one case of one patient, as an import makes it.
#[test]
fn real_charts_have_abstracts_and_half_of_their_patients_stand_in_classes_that_pass() {
    use std::io::Write as _;
    let test = "real_charts_have_abstracts_and_half_of_their_patients_stand_in_classes_that_pass";
    let Some(directory) = crate::vectors::directory("CASEVAULT_FHIR", test) else { return };
    let files = crate::vectors::files(&directory);
    let paths = files.iter().filter(|path| {
        path.to_string_lossy().contains(".json") && path.to_string_lossy().contains("patients")
    });
    let charts: Vec<_> = paths.filter_map(|path| imported(path)).collect();
    let mut out = std::io::stderr();
    for policy in [small(), fine()] {
        let mut classes = std::collections::BTreeMap::<_, Vec<Icd3>>::new();
        let mut refusals = std::collections::BTreeMap::<&str, usize>::new();
        let (mut unmapped, mut longest) = (BTreeSet::new(), 0);
        for Imported { owner, records } in &charts {
            match draft(&policy, owner, records.iter().map(|content| (Kind::Resource, content))) {
                Ok(draft) => {
                    longest = longest.max(codec::encode(&draft.said).len());
                    classes.entry(draft.said.class).or_default().push(draft.said.diagnosis);
                }
                Err(refused) => {
                    unmapped.extend(refused.unmapped);
                    *refusals.entry(refused.why.code()).or_default() += 1;
                }
            }
        }
        let (mut public, mut passing) = (0, 0);
        for (class, diagnoses) in &classes {
            let distinct: BTreeSet<_> = diagnoses.iter().collect();
            let most = distinct
                .iter()
                .map(|one| diagnoses.iter().filter(|other| other == one).count())
                .max()
                .unwrap();
            let k = usize::try_from(policy.k()).unwrap();
            let passes = diagnoses.len() >= k && distinct.len() >= 3 && most * 2 <= diagnoses.len();
            if passes {
                (public, passing) = (public + diagnoses.len(), passing + 1);
            }
            if policy.name() == "small" {
                let axes = policy.axes(class.grid);
                let labels: Vec<_> = axes
                    .iter()
                    .zip(&class.bins)
                    .map(|(axis, bin)| axis.labels[usize::from(*bin)].clone())
                    .collect();
                writeln!(
                    out,
                    "  {}: {} patients, {} diagnoses, most {most}, passes: {passes}",
                    labels.join(", "),
                    diagnoses.len(),
                    distinct.len()
                )
                .unwrap();
            }
        }
        let abstracts: usize = classes.values().map(Vec::len).sum();
        writeln!(
            out,
            "{}: {} charts, {abstracts} abstracts (longest {longest} bytes) in {} classes; {passing} classes with {public} patients pass; refused {refusals:?}; unmapped {unmapped:?}",
            policy.name(),
            charts.len(),
            classes.len(),
        )
        .unwrap();
        assert!(unmapped.is_empty());
        assert!(policy.name() != "small" || public * 2 >= charts.len());
    }
    assert_eq!(Meaning::of_concept(160_903_007), Some(Meaning::Nothing));
}
