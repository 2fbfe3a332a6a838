//! The operator's and the registrar's commands: how they succeed, and how they fail.

use std::fs;

use crate::{
    demo::{Demo, first, program},
    stage::{Ran, fed},
};

#[test]
fn a_registrar_sees_who_waits_and_attests_or_refuses() {
    let demo = Demo::new();
    demo.ends(&["keys", "new", "erik.key", "--role", "doctor"], 0, "doctor");
    fs::write(demo.at("licence"), "GMC 7012345").unwrap();
    fs::write(demo.at("one"), "533380006").unwrap();
    fs::write(demo.at("person"), "passport:GBR 533380006\n").unwrap();
    let enrol = ["enrol", "--key", "erik.key", "--name", "Dr. Erik Eklund", "--licence", "licence"];
    demo.ends(&enrol, 0, "Enrolled");
    demo.ends(&enrol, 1, "enrolled already");
    let desk = ["--key", "registrar.key"];
    let waiting = demo.json(&["attest", "--json", desk[0], desk[1]]);
    let party = waiting[0]["party"].as_str().unwrap().to_owned();
    let rows: [(&[&str], i32, &str); 15] = [
        (&["attest"], 0, first(&party, 16)),
        (&["attest", first(&party, 8), "--papers"], 0, "Dr. Erik Eklund"),
        (&["attest", first(&party, 8), "--papers"], 0, "GMC 7012345"),
        (&["attest", first(&party, 8)], 2, "give --specialty"),
        (&["attest", "00000000", "--specialty", "x"], 5, "lists who waits"),
        (
            &["attest", first(&party, 8), "--refuse", "licence", "--note", "not in the register"],
            0,
            "is refused",
        ),
        (&["attest"], 0, "Nobody waits"),
        (&["attest", &demo.party("alice.card"), "--specialty", "Surgery"], 5, ""),
        (&["attest", "--person", "one", &party], 1, "as `passport:GBR 533380006`"),
        (&["attest", &party, "--withdraw"], 5, "not attested"),
        (&["attest", &party, "--withdraw", "--papers"], 2, "cannot be used with"),
        (&["attest", "passphrase"], 1, "holds no card"),
        (&["attest", &party, "--days", "many"], 2, "invalid value"),
        (&["attest", &demo.party("dr-conti.card"), "--withdraw"], 0, "concerns patient"),
        (&["attest", "--withdraw"], 2, "required"),
    ];
    for (words, code, says) in rows {
        demo.ends(&[words, &desk].concat(), code, says);
    }
    demo.ends(&["keys", "new", "fay.key", "--role", "doctor", "--card", "fay.card"], 0, "doctor");
    demo.ends(&["enrol", "--key", "fay.key", "--name", "Dr. Fay"], 0, "Enrolled");
    let attest = [
        "attest",
        "fay.card",
        "--specialty",
        "394579002|Cardiology",
        "--checked",
        "licence",
        "--person",
        "person",
        "--jurisdiction",
        "GB",
        "--days",
        "90",
        "--key",
        "registrar.key",
    ];
    demo.ends(&attest, 0, "attested as a doctor");
    demo.ends(
        &["list", "Dr. Swift", "--language", "sv", "--name", "Fay", "--tells", "name", "--key", "fay.key"],
        0,
        "",
    );
    demo.ends(&["directory", "--language", "sv"], 0, "Dr. Swift");
    demo.ends(&["directory", "--language", "xx"], 0, "No doctor is found");
    demo.ends(&["list", &"long".repeat(100), "--key", "fay.key"], 1, "");
    demo.ends(&["list", "--key", "fay.key"], 2, "required");
    demo.ends(&["directory", "--specialty"], 2, "value is required");
}

#[test]
fn who_was_refused_asks_again_with_papers_or_without_and_who_was_never_there_cannot() {
    let demo = Demo::new();
    let desk = ["--key", "registrar.key"];
    fs::write(demo.at("licence"), "GMC 7012345").unwrap();
    demo.ends(&["keys", "new", "erik.key", "--role", "doctor", "--card", "erik.card"], 0, "doctor");
    demo.ends(&["enrol", "--key", "erik.key", "--name", "Dr. Erik Eklund"], 0, "Enrolled");
    let party = demo.party("erik.card");
    demo.ends(&["attest", "erik.card", "--refuse", "person", desk[0], desk[1]], 0, "is refused");
    demo.ends(&["attest", desk[0], desk[1]], 0, "Nobody waits");
    demo.ends(&["enrol", "--key", "erik.key", "--again"], 0, "asked to look again");
    demo.ends(&["attest", desk[0], desk[1]], 0, first(&party, 16));
    demo.ends(&["attest", &party, "--refuse", "person", desk[0], desk[1]], 0, "is refused");
    demo.ends(&["enrol", "--key", "erik.key", "--paper", "licence"], 0, "asked to look again");
    demo.ends(&["attest", desk[0], desk[1]], 0, first(&party, 16));
    demo.ends(&["enrol", "--key", "erik.key", "--again", "--name", "E"], 2, "cannot be used with");
    demo.ends(&["enrol", "--key", "carl.key", "--again"], 0, "asked to look again");
    demo.ends(&["keys", "new", "gil.key", "--role", "patient"], 0, "patient");
    demo.ends(&["enrol", "--key", "gil.key", "--again"], 12, "not enrolled in this vault");
}

#[test]
fn a_new_vault_is_made_once_and_may_have_a_passphrase_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| fed(program(place.path()).args(words), b"");
    let ends = |words: &[&str], code: i32, says: &str| {
        let Ran { code: ended, out, err } = run(words);
        assert_eq!(ended, Some(code), "{words:?}\n{out}{err}");
        assert!(format!("{out}{err}").contains(says), "{words:?}: {says:?} is not in\n{out}{err}");
    };
    fs::write(place.path().join("words"), "of the key\n").unwrap();
    fs::write(place.path().join("host-words"), "of the host\n").unwrap();
    let key = ["--passphrase-file", "words"];
    for role in ["registrar", "patient", "curator"] {
        let (file, card) = (format!("{role}.key"), format!("{role}.card"));
        ends(&["keys", "new", &file, "--role", role, "--card", &card, key[0], key[1]], 0, role);
    }
    let init = ["init", "--vault", "v", "--registrar", "registrar.card"];
    ends(&["init", "--registrar", "registrar.card"], 2, "which vault?");
    ends(&["init", "--vault", "v"], 2, "--registrar");
    ends(&["init", "--vault", "v", "--registrar", "patient.card"], 1, "a registrar's is needed");
    ends(&["init", "--vault", "v", "--registrar", "words"], 1, "holds no card");
    ends(&[&init[..], &["--needed", "9"]].concat(), 2, "--needed");
    ends(&[&init[..], &["--public", "small"]].concat(), 2, "--curator");
    assert!(!place.path().join("v").exists(), "nothing is half made");
    let host = ["--host-passphrase-file", "host-words"];
    let public = ["--public", "small", "--curator", "curator.card", "--host-passphrase"];
    ends(&[&init[..], &public, &host].concat(), 0, "vault ");
    ends(&[&init[..], &public, &host].concat(), 1, "is there already");
    let alice = ["enrol", "--vault", "v", "--key", "patient.key", "--name", "Alice", key[0], key[1]];
    ends(&[&alice[..], &["--host-passphrase-file", "words"]].concat(), 12, "root key does not open");
    ends(&[&alice[..], &["--licence", "words"], &host].concat(), 2, "by doctors alone");
    ends(
        &["enrol", "--vault", "v", "--key", "patient.key", key[0], key[1], host[0], host[1]],
        2,
        "who are you?",
    );
    ends(
        &["enrol", "--vault", "v", "--key", "registrar.key", "--name", "R", key[0], key[1]],
        2,
        "is not enrolled",
    );
    ends(&[&alice[..], &host].concat(), 0, "Enrolled");
    let desk = ["attest", "--vault", "v", "--key", "registrar.key", key[0], key[1], host[0], host[1]];
    ends(&desk, 0, "patient ");
    fs::remove_file(place.path().join("v/host/root.key")).unwrap();
    ends(&desk, 4, "bring the host directory back");
}
