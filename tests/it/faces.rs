//! FHIR out: each resource is legal R4, and says no more than it may.

use casevault::{
    credential::{
        AttestationStatement, Attestations, CheckList, Checked, Coding, Experience, Listing, PersonId,
        Reveal, Trust, Vouched,
    },
    crypto::{Secret, Signed, kdf::MacKey},
    fhir::{practitioner, practitioner_role, verification_result},
    id::{Digest, VaultId},
    party::{Card, Keyring, Role},
    time::{Timestamp, days},
};
use serde_json::{Value, json};

const VAULT: VaultId = VaultId::from_bytes([1; 16]);
/// 2026-09-21T14:13:20Z.
const AT: Timestamp = Timestamp::at_ms(1_790_000_000_000);
const NOTE: &str = "the licence number is 4711";

fn keyring(seed: u8) -> Keyring {
    Keyring::from_seed(Secret::from_bytes([seed; 32]))
}

fn doctor() -> Card {
    keyring(3).card(Role::Doctor)
}

fn trust(registrars: &[u8], registrars_needed: u8) -> Trust {
    Trust {
        vault: VAULT,
        vault_key: *keyring(9).card(Role::Registrar).verifying_key(),
        registrars: registrars.iter().map(|seed| keyring(*seed).card(Role::Registrar)).collect(),
        registrars_needed,
        version: 0,
        policy: None,
        former: Vec::new(),
    }
}

fn checks() -> CheckList {
    CheckList::new(AT, [5; 32]).passed(Checked::Licence, Some(b"licence"), NOTE)
}

fn tag() -> Digest {
    let key = MacKey::new(&Secret::from_bytes([7; 32]));
    PersonId::new("passport:GBR", "AB123456").unwrap().tag(&key, Role::Doctor)
}

/// An attestation of a year, signed so many days after [`AT`] by the registrar of this seed.
fn attested(card: &Card, registrar: u8, day: u32, specialties: &[Coding]) -> Signed<AttestationStatement> {
    let from = AT.plus(days(day));
    let statement = AttestationStatement {
        vault: VAULT,
        subject: card.party(),
        card: card.digest(),
        role: card.role(),
        specialty: specialties.first().map(ToString::to_string).unwrap_or_default(),
        jurisdiction: "GB".to_owned(),
        evidence: Some(checks().digest()),
        registrar: keyring(registrar).party(),
        from,
        until: from.plus(days(365)),
        at: Some(from),
        specialties: specialties.to_vec(),
        persons: vec![tag()],
        succeeds: None,
    };
    Signed::sign(&statement, keyring(registrar).signer())
}

fn vouched(specialties: &[Coding]) -> Vouched {
    let attestations = Attestations(vec![attested(&doctor(), 1, 0, specialties)]);
    trust(&[1], 1).vouched(&doctor(), &attestations, AT).unwrap()
}

fn listing() -> Listing {
    Listing::new("Dr. Heron")
        .language("en")
        .language("zh-CN")
        .language("sign language")
        .region("GB-SCT")
        .experience(Experience::FiveToFourteen)
        .accepting(false)
        .reveals(Reveal::NameOnly)
}

fn cardiology() -> Coding {
    Coding::snomed("394579002", "Cardiology")
}

/// The face as a value, once every part of it is what R4's JSON takes.
fn read(face: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(face).unwrap();
    check_parts("", &value);
    value
}

fn check_parts(name: &str, value: &Value) {
    match value {
        Value::Null => panic!("{name} is null"),
        Value::Bool(_) | Value::Number(_) => (),
        Value::Array(items) => {
            assert!(!items.is_empty(), "{name} is an empty array");
            items.iter().for_each(|item| check_parts(name, item));
        }
        Value::Object(members) => {
            assert!(!members.is_empty(), "{name} is an empty object");
            members.iter().for_each(|(name, member)| check_parts(name, member));
        }
        Value::String(text) => check_text(name, text),
    }
}

fn check_text(name: &str, text: &str) {
    assert!(!text.is_empty() && text.trim() == text && !text.contains('\0'), "{name}: {text:?}");
    let is_id = |id: &str| {
        (1..=64).contains(&id.len())
            && id.chars().all(|symbol| symbol.is_ascii_alphanumeric() || "-.".contains(symbol))
    };
    let is_shaped = |shape: &str| {
        let fits =
            |(symbol, like): (char, char)| if like == '0' { symbol.is_ascii_digit() } else { symbol == like };
        text.len() == shape.len() && text.chars().zip(shape.chars()).all(fits)
    };
    let ok = match name {
        "id" => is_id(text),
        "reference" => text.split_once('/').is_some_and(|(kind, id)| {
            ["Patient", "Practitioner"].contains(&kind) && id == doctor_or_patient(kind) && is_id(id)
        }),
        "system" | "url" => !text.contains(char::is_whitespace) && text.contains(':'),
        "date" | "nextScheduled" => is_shaped("0000-00-00"),
        "end" | "lastPerformed" | "statusDate" => is_shaped("0000-00-00T00:00:00Z"),
        "code" | "valueCode" | "status" | "use" => text.split(' ').all(|word| !word.is_empty()),
        _ => true,
    };
    assert!(ok, "{name}: {text:?}");
}

fn doctor_or_patient(kind: &str) -> String {
    let role = if kind == "Patient" { Role::Patient } else { Role::Doctor };
    keyring(3).card(role).party().to_hex()
}

/// Of each row, the member at a place is the value beside it.
fn check(face: &Value, rows: &[(&str, Value)]) {
    for (place, expected) in rows {
        assert_eq!(face.pointer(place), Some(expected), "{place} of {face:#}");
    }
}

/// Whatever is shown, no other member is there.
fn check_members(face: &Value, members: &[&str]) {
    let there: Vec<&str> = face.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = members.to_vec();
    expected.sort_unstable();
    assert_eq!(there, expected);
}

fn verified(card: &Card, attestations: &[Signed<AttestationStatement>], needed: u8, day: u32) -> Value {
    let attestations = Attestations(attestations.to_vec());
    read(&verification_result(card, &attestations, &trust(&[1, 2], needed), AT.plus(days(day))))
}

#[test]
fn a_practitioner_has_what_r4_asks_for() {
    let hex = doctor().party().to_hex();
    let face = read(&practitioner(&doctor(), Some(&listing()), Some(" Bob Brandt\0")));
    check(
        &face,
        &[
            ("/resourceType", json!("Practitioner")),
            ("/id", json!(hex)),
            ("/identifier", json!([{"system": "urn:casevault:party", "value": hex}])),
            ("/active", json!(true)),
            ("/name", json!([{"text": "Bob Brandt"}, {"use": "anonymous", "text": "Dr. Heron"}])),
            ("/communication/0", json!({"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]})),
            ("/communication/1/coding/0/code", json!("zh-CN")),
            ("/communication/2", json!({"text": "sign language"})),
        ],
    );
    check_members(&face, &["active", "communication", "id", "identifier", "name", "resourceType"]);
}

#[test]
fn a_name_that_was_not_revealed_is_masked() {
    let masked = json!({"extension": [{
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "masked",
    }]});
    let listed = read(&practitioner(&doctor(), Some(&listing()), None));
    check(&listed, &[("/name", json!([masked, {"use": "anonymous", "text": "Dr. Heron"}]))]);
    for unlisted in [None, Some(Listing::new(" \0"))] {
        let face = read(&practitioner(&doctor(), unlisted.as_ref(), None));
        check(&face, &[("/name", json!([masked]))]);
        check_members(&face, &["active", "id", "identifier", "name", "resourceType"]);
    }
}

#[test]
fn a_role_has_what_r4_asks_for() {
    let hex = doctor().party().to_hex();
    let face = read(&practitioner_role(&doctor(), &listing(), &vouched(&[cardiology()])));
    let code = json!([{"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/practitioner-role", "code": "doctor", "display": "Doctor",
    }]}]);
    let specialty = json!([{"coding": [{"system": "http://snomed.info/sct", "code": "394579002", "display": "Cardiology"}]}]);
    check(
        &face,
        &[
            ("/resourceType", json!("PractitionerRole")),
            ("/id", json!(hex)),
            ("/active", json!(true)),
            ("/practitioner/reference", json!(format!("Practitioner/{hex}"))),
            ("/practitioner/type", json!("Practitioner")),
            ("/practitioner/display", json!("Dr. Heron")),
            ("/code", code),
            ("/specialty", specialty),
            ("/location", json!([{"display": "GB-SCT"}])),
            // The end is included in R4, and not here.
            ("/period", json!({"end": "2027-09-21T14:13:19Z"})),
            ("/extension/0", json!({"url": "urn:casevault:accepting", "valueBoolean": false})),
            (
                "/extension/1",
                json!({"url": "urn:casevault:experience", "valueString": "five to fourteen years"}),
            ),
            ("/extension/2", json!({"url": "urn:casevault:jurisdiction", "valueString": "GB"})),
        ],
    );
    let members = ["active", "code", "extension", "id", "location", "period", "practitioner"];
    check_members(&face, &[members.as_slice(), &["resourceType", "specialty"]].concat());
}

#[test]
fn what_has_no_code_of_a_system_is_said_in_words() {
    let specialties = [
        ("cardiology".into(), json!({"text": "cardiology"})),
        (Coding::new("", "207RC0000X", ""), json!({"text": "207RC0000X"})),
        (Coding::new("http://snomed.info/sct", "", "Cardiology"), json!({"text": "Cardiology"})),
        (Coding::new("http://snomed.info/sct", " 1", "Cardiology"), json!({"text": "Cardiology"})),
        (Coding::new("not a uri", "1", "Cardiology"), json!({"text": "Cardiology"})),
        (
            Coding::nucc("1", ""),
            json!({"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "1"}]}),
        ),
    ];
    for (specialty, expected) in specialties {
        let face = read(&practitioner_role(&doctor(), &listing(), &vouched(&[specialty])));
        check(&face, &[("/specialty", json!([expected]))]);
    }
}

#[test]
fn what_was_not_said_is_not_there() {
    let face = read(&practitioner_role(&doctor(), &Listing::new(""), &vouched(&[Coding::text(" ")])));
    check(&face, &[("/extension/0/valueBoolean", json!(true)), ("/extension/1/valueString", json!("GB"))]);
    check_members(&face, &["active", "code", "extension", "id", "period", "practitioner", "resourceType"]);
    assert_eq!(face.pointer("/practitioner/display"), None);
}

#[test]
fn a_verification_has_what_r4_asks_for() {
    let card = doctor();
    let two = [attested(&card, 1, 0, &[cardiology()]), attested(&card, 2, 10, &[cardiology()])];
    let face = verified(&card, &two, 2, 20);
    let registrar = |seed: u8| {
        let value = keyring(seed).party().to_hex();
        json!({"type": "Organization", "identifier": {"system": "urn:casevault:party", "value": value}})
    };
    let validation = json!({"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/validation-type", "code": "primary", "display": "Primary Source",
    }]});
    check(
        &face,
        &[
            ("/resourceType", json!("VerificationResult")),
            ("/id", json!(card.party().to_hex())),
            ("/target/0/reference", json!(format!("Practitioner/{}", card.party().to_hex()))),
            ("/status", json!("validated")),
            ("/statusDate", json!("2026-10-01T14:13:20Z")),
            ("/validationType", validation),
            ("/lastPerformed", json!("2026-10-01T14:13:20Z")),
            ("/nextScheduled", json!("2027-09-21")),
            ("/validator", json!([{"organization": registrar(1)}, {"organization": registrar(2)}])),
            ("/attestation", json!({"who": registrar(2), "date": "2026-10-01"})),
        ],
    );
    let members = ["attestation", "id", "lastPerformed", "nextScheduled", "resourceType", "status"];
    check_members(
        &face,
        &[members.as_slice(), &["statusDate", "target", "validationType", "validator"]].concat(),
    );
}

#[test]
fn the_status_is_what_the_attestations_come_to() {
    let card = doctor();
    let of = |registrar, day| attested(&card, registrar, day, &[]);
    let other = keyring(4).card(Role::Doctor);
    let rows = [
        ("nobody", vec![], 1, 0, ("in-process", None, 0)),
        ("one of one", vec![of(1, 0)], 1, 0, ("validated", Some("2026-09-21T14:13:20Z"), 1)),
        ("one of two", vec![of(1, 0)], 2, 0, ("in-process", Some("2026-09-21T14:13:20Z"), 1)),
        ("the same twice", vec![of(1, 0), of(1, 1)], 2, 1, ("in-process", Some("2026-09-22T14:13:20Z"), 1)),
        ("not yet", vec![of(1, 5)], 1, 0, ("in-process", None, 0)),
        ("ended", vec![of(1, 0)], 1, 365, ("req-revalid", Some("2027-09-21T14:13:20Z"), 1)),
        // The end of the second is what made the two too few.
        (
            "one of two ended",
            vec![of(1, 9), of(2, 0)],
            2,
            366,
            ("req-revalid", Some("2027-09-21T14:13:20Z"), 2),
        ),
        // One was enough, so that it is the last end that counts.
        ("both ended", vec![of(1, 0), of(2, 9)], 1, 400, ("req-revalid", Some("2027-09-30T14:13:20Z"), 1)),
        ("never two at once", vec![of(1, 0), of(2, 365)], 2, 800, ("in-process", None, 0)),
        ("another's", vec![attested(&other, 1, 0, &[])], 1, 0, ("in-process", None, 0)),
        ("no registrar's", vec![of(8, 0)], 1, 0, ("in-process", None, 0)),
        ("no registrar's, ended", vec![of(8, 0)], 1, 400, ("in-process", None, 0)),
    ];
    for (why, attestations, needed, day, expected) in rows {
        let face = verified(&card, &attestations, needed, day);
        let text = |name: &str| face.get(name).and_then(Value::as_str);
        let validators = face.get("validator").map_or(0, |validators| validators.as_array().unwrap().len());
        assert_eq!((text("status").unwrap(), text("statusDate"), validators), expected, "{why}");
        // The day of the next is said while enough vouch, and who attested where somebody did.
        assert_eq!(text("nextScheduled").is_some(), expected.0 == "validated", "{why}");
        assert_eq!(face.get("attestation").is_some(), validators > 0, "{why}");
    }
}

#[test]
fn each_role_is_a_target_of_its_own() {
    for (role, kind) in [
        (Role::Doctor, Some("Practitioner")),
        (Role::Patient, Some("Patient")),
        (Role::Auditor, None),
        (Role::Registrar, None),
    ] {
        let card = keyring(3).card(role);
        let face = verified(&card, &[attested(&card, 1, 0, &[])], 1, 0);
        let hex = card.party().to_hex();
        let identifier = json!({"system": "urn:casevault:party", "value": hex});
        let target = kind.map_or_else(
            || json!({"identifier": identifier}),
            |kind| json!({"reference": format!("{kind}/{hex}"), "type": kind, "identifier": identifier}),
        );
        check(&face, &[("/target", json!([target])), ("/status", json!("validated"))]);
    }
}

#[test]
fn no_face_says_who_a_person_is_to_the_registrars_or_what_they_saw() {
    let card = doctor();
    let attestations = Attestations(vec![attested(&card, 1, 0, &[cardiology()])]);
    let trust = trust(&[1], 1);
    let vouched = trust.vouched(&card, &attestations, AT).unwrap();
    let faces = [
        practitioner(&card, Some(&listing()), Some("Bob Brandt")),
        practitioner_role(&card, &listing(), &vouched),
        verification_result(&card, &attestations, &trust, AT),
        verification_result(&card, &attestations, &trust, AT.plus(days(400))),
    ];
    let digests =
        [tag(), checks().digest(), checks().evidence(b"licence"), attestations.digest(), card.digest()];
    // The handle is how each begins.
    let handles = digests.map(|digest| digest.to_string());
    let words = ["AB123456", "passport", NOTE, "4711"].map(str::to_owned);
    for face in faces {
        let text = String::from_utf8(face).unwrap();
        for unsaid in handles.iter().chain(&words) {
            assert!(!text.contains(unsaid), "{unsaid} in {text}");
        }
    }
}
