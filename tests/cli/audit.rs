//! `casevault audit export` and `verify`: each success, and how each failure ends.

use std::{fs, path::Path};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    party::{Doctor, Keyring, Patient, Registrar, Role},
    session::{Memory, Session},
    store::SledStore,
    vault::{HostDir, Vault},
};

pub(crate) use crate::stage::ends;
use crate::stage::{gate, grow};

/// A vault in which a doctor opened a case, and his receipt for that.
pub(crate) fn clinic(place: &Path) -> Vec<u8> {
    let _alone = gate();
    let registrar = Keyring::generate().unwrap();
    let policy = Policy::trusting([&registrar.card(Role::Registrar)]);
    let store = SledStore::open(place.join("store")).unwrap();
    let vault = Vault::create(store, HostDir::open(place.join("host")).unwrap(), policy).unwrap();
    let alice = Session::<Patient>::enrol(&vault, Keyring::generate().unwrap(), "Alice").unwrap();
    let bob = Session::<Doctor>::enrol(&vault, Keyring::generate().unwrap(), "Bob").unwrap();
    let memory = Memory::trusting(vault.trust());
    let office = Session::<Registrar>::sign_in(&vault, registrar, memory).unwrap();
    office.attest(alice.id(), Attestation::patient()).unwrap();
    office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    let case = alice.open_case("a rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let receipt = bob.last_receipt().unwrap();
    drop((alice, bob, office));
    vault.close().unwrap();
    receipt
}

#[test]
fn an_export_is_made_and_verified_and_what_was_changed_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (vault, out) = (path("clinic"), path("export"));
    clinic(Path::new(&vault));
    ends(&["audit", "export", &vault, "--out", &out], 0, "exported to");
    ends(&["audit", "export", &vault, "--out", &out], 1, "not empty");
    ends(&["audit", "verify", &out], 0, "0 findings");
    ends(&["audit", "verify", &vault], 0, "0 findings");
    let verdict = ends(&["audit", "verify", &out, "--json"], 0, "");
    let verdict: serde_json::Value = serde_json::from_str(&verdict).unwrap();
    assert!(verdict["findings"].as_array().unwrap().is_empty() && verdict["events"].as_u64().unwrap() > 15);
    // A checkpoint that was kept; and one that never was this vault's.
    let kept = path("kept");
    fs::copy(Path::new(&out).join("checkpoint"), &kept).unwrap();
    ends(&["audit", "verify", &out, "--checkpoint", &kept], 0, "0 findings");
    fs::write(&kept, "not a checkpoint\n").unwrap();
    ends(&["audit", "verify", &out, "--checkpoint", &kept], 3, "checkpoint");
    ends(&["audit", "verify", &out, "--checkpoint", &path("nowhere")], 1, "cannot be read");

    let events = Path::new(&out).join("events.ndjson");
    let clean = fs::read_to_string(&events).unwrap();
    let lines: Vec<&str> = clean.lines().collect();
    let cut = |lines: &[&str]| fs::write(&events, lines.join("\n") + "\n").unwrap();
    cut(&[&lines[..3], &lines[4..]].concat());
    ends(&["audit", "verify", &out], 3, "tampering at event 3");
    let stream = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"].clone();
    let last = stream(lines.last().unwrap());
    cut(&lines.iter().copied().filter(|line| stream(line) != last).collect::<Vec<_>>());
    ends(&["audit", "verify", &out], 4, "evidence missing");
}

#[test]
fn an_audit_goes_on_from_its_state_and_looks_for_receipts() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (vault, out, state) = (path("clinic"), path("export"), path("state"));
    let receipt = clinic(Path::new(&vault));
    ends(&["audit", "export", &vault, "--out", &out], 0, "exported to");
    ends(&["audit", "verify", &out, "--state", &state], 0, "0 findings");
    let kept = fs::read(&state).unwrap();
    ends(&["audit", "verify", &out, "--state", &state], 0, "0 findings");
    assert_eq!(fs::read(&state).unwrap(), kept, "the same export leaves the same state");
    // Its promise is of this minute.
    fs::write(path("receipt"), &receipt).unwrap();
    ends(&["audit", "verify", &out, "--receipt", &path("receipt")], 0, "0 of 1 receipts were due");
    fs::write(path("other"), clinic(Path::new(&path("another")))).unwrap();
    let both = ["audit", "verify", &out, "--receipt", &path("receipt"), "--receipt", &path("other")];
    ends(&both, 1, "receipt 1 is not signed by this vault");
    ends(&["audit", "verify", &out, "--receipt", &state], 1, "is no receipt");
    // What is tampered with is found, and leaves the state as it was, though the log has grown.
    grow(Path::new(&vault));
    let out = path("later");
    ends(&["audit", "export", &vault, "--out", &out], 0, "exported to");
    let events = Path::new(&out).join("events.ndjson");
    let clean = fs::read_to_string(&events).unwrap();
    fs::write(&events, clean.split_once('\n').unwrap().1).unwrap();
    ends(&["audit", "verify", &out, "--state", &state], 3, "tampering at event 0");
    assert_eq!(fs::read(&state).unwrap(), kept);
    ends(&["audit", "verify", &out, "--state", &path("fresh")], 3, "tampering at event 0");
    assert!(!Path::new(&path("fresh")).exists(), "nothing to go on from");
    fs::write(&state, &kept[1..]).unwrap();
    ends(&["audit", "verify", &out, "--state", &state], 1, "is damaged, or no state");
}

#[test]
fn what_cannot_be_done_says_what_to_do_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    ends(&["audit"], 2, "Usage");
    ends(&["audit", "verify"], 2, "WHAT");
    ends(&["audit", "verify", &path("nowhere")], 1, "neither an export");
    ends(&["audit", "export", &path("vault"), "--out", &path("out")], 1, "holds no vault");
    let (one, other) = (path("one"), path("other"));
    clinic(Path::new(&one));
    clinic(Path::new(&other));
    fs::remove_dir_all(Path::new(&one).join("host")).unwrap();
    fs::rename(Path::new(&other).join("host"), Path::new(&one).join("host")).unwrap();
    ends(&["audit", "verify", &one], 12, "root key is not the one");
    ends(&["--help"], 0, "Exit codes");
}
