//! The fuzz corpus, replayed: what once was found stays found.

use std::{fs, path::Path};

#[path = "../../fuzz/properties.rs"]
mod properties;

fn replay(target: &str, property: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{target} has no corpus");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        property(&bytes);
        // And what lies near: cut, longer, and with one byte changed.
        property(bytes.get(..bytes.len() / 2).unwrap());
        property(&[bytes.as_slice(), &[0]].concat());
        for index in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            property(&changed);
        }
    }
}

#[test]
fn the_corpus_is_replayed() {
    replay("card", properties::card);
    replay("event", properties::event);
    replay("fhir", properties::fhir);
    replay("key_file", properties::key_file);
    replay("message", properties::message);
    replay("note", properties::note);
    replay("sealed_record", properties::sealed_record);
    replay("witness", properties::witness);
}

/// Writes the first seeds of the corpus: `cargo test --test it write_the_seeds -- --ignored`.
#[test]
#[cfg(feature = "vault")]
#[ignore = "writes files: run by hand when a format changes"]
fn write_the_seeds() {
    use casevault::{
        codec,
        crypto::{Random, passphrase::Passphrase},
        custodian::{Request, Response},
        party::{KeyFile, Patient, Role},
        record::Kind,
    };

    use crate::{
        custodians::Recording,
        world::{ALICE, World, keyring},
    };

    let write = |target: &str, name: &str, bytes: &[u8]| {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), bytes).unwrap();
    };
    write("card", "patient", &codec::encode(&keyring(ALICE).card(Role::Patient)));
    let file =
        KeyFile::lock_with(&keyring(ALICE), &Passphrase::new("correct horse"), &mut Random::seeded([1; 32]))
            .unwrap();
    write("key_file", "passphrase", &file.to_bytes());
    for (name, chart) in
        [("small", r#"{"resourceType":"Observation","valueQuantity":{"value":0.40}}"#), ("bundle", CHART)]
    {
        write("fhir", name, chart.as_bytes());
    }
    for (name, text) in crate::log::seeds() {
        write("note", name, text.as_bytes());
    }
    for (name, text) in crate::log::witness_seeds() {
        write("witness", name, text.as_bytes());
    }
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.enrol_over::<Patient>(&recording, ALICE, "Alice");
    alice.write_identity("Alice, again").unwrap();
    let identity = alice.identity_folder().unwrap();
    assert_eq!(alice.open(&identity).unwrap().records_of(Kind::Profile).unwrap().len(), 2);
    for (number, (request, response)) in recording.messages().into_iter().enumerate() {
        write("message", &format!("request-{number:02}"), &request);
        write("message", &format!("response-{number:02}"), &response);
        if let Ok(Request::Submit(submission)) = codec::decode(&request) {
            for part in &submission.parts {
                let verb = part.event.claims().unwrap().verb.code();
                write("event", &format!("signed-{verb}"), &codec::encode(&part.event));
                write("event", &format!("plain-{verb}"), &codec::encode(&part.event.claimed_step().unwrap()));
                for sealing in &part.records {
                    write("sealed_record", "inline", &sealing.sealed);
                }
            }
        }
        assert!(codec::decode::<Response>(&response).is_ok());
    }
}

#[cfg(feature = "vault")]
const CHART: &str = r##"{"resourceType":"Bundle","type":"collection","entry":[
{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"1","name":[{"family":"Okonjo","given":["Ada"]}],"birthDate":"1984-05-17"}},
{"resource":{"resourceType":"Condition","id":"c","contained":[{"resourceType":"Practitioner","id":"p"}],
"subject":{"reference":"urn:uuid:1","display":"Ada"},"asserter":{"reference":"#p"},"onsetDateTime":"1984-05-17T01:00:00Z",
"note":[{"text":"Okonjo, 1984-05-17"}]}}]}"##;
