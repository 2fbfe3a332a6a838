//! Supervision: a log of all streams, and an audit that finds what was changed, hidden, or done without a right.

use std::{collections::BTreeMap, fs, path::Path};

use casevault::{
    access::Policy,
    audit::{self, Fault},
    consent::Terms,
    credential::{Attestation, Category, Checked, Listing, Reveal, Severity},
    custodian::{Answer, Errand, Question, Response},
    event::Principal,
    log::{StreamProof, open_checkpoint},
    merkle::Head,
    party::{Auditor, Doctor, Role},
    record::Kind,
    session::Sentence,
    time::days,
};

use crate::world::{ALICE, BOB, CAROL, DAVE, REGISTRAR, World, keyring};

pub(crate) const SECOND: u8 = 40;

/// A clinic in which everything happens that is checked.
pub(crate) fn clinic() -> World {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    let world = World::with(Policy::trusting(&cards));
    let office = world.office();
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let auditor = world.enrol::<Auditor>(30, "Audit");
    office.attest(auditor.id(), Attestation::auditor()).unwrap();
    bob.list(&Listing::new("Dr. Sparrow").reveals(Reveal::Never)).unwrap();
    for (patient, doctor) in [(&alice, &bob), (&dave, &carol)] {
        let case = patient.open_case("a rash").unwrap();
        patient.write(&case, Kind::Complaint, "it itches").unwrap();
        patient.assign(&case, doctor.id(), Terms::treatment()).unwrap();
        world.clock.advance(std::time::Duration::from_secs(60));
        let his = doctor.cases().unwrap().into_iter().find(|granted| granted.id() == case.id()).unwrap();
        doctor.open(&his).unwrap().identity().unwrap();
        doctor.write(&his, Kind::Note, "eczema").unwrap();
        patient
            .opinion(&case, if doctor.id() == bob.id() { carol.id() } else { bob.id() }, Terms::opinion())
            .unwrap();
        patient.open(&case).unwrap();
        world.clock.advance(days(1));
        patient.revoke(&case, doctor.id()).unwrap();
        assert!(doctor.open(&his).is_err(), "a denial, in the vault's own stream");
        patient.write(&case, Kind::Note, "better").unwrap();
        patient.close_case(&case).unwrap();
    }
    bob.report(Principal::Party(alice.id()), (Category::Abuse, Severity::Minor), "x").unwrap();
    let waiting = office.queue(Errand::Report).next().unwrap().unwrap();
    office
        .uphold(&office.read(&waiting).unwrap(), Sentence::new(Category::Abuse, 1, world.in_days(3)))
        .unwrap();
    office.withdraw(carol.id()).unwrap();
    office.propose(world.vault.policy().open_cases_max(9)).unwrap();
    bob.ask_to_be_vetted().unwrap();
    let mallory = world.enrol::<Doctor>(50, "Mallory");
    mallory.ask_to_be_vetted().unwrap();
    let checks = office.check_list().failed(Checked::Licence, None, "not in the register");
    office.refuse(mallory.id(), &checks).unwrap();
    world.clock.advance(days(1));
    office.attest(bob.id(), Attestation::doctor("surgery")).unwrap();
    world
}

fn proof(world: &World, seed: u8) -> (StreamProof, Head) {
    let Response::Answer(Answer::InLog(proof, checkpoint)) =
        world.ask(seed, Question::InLog(keyring(seed).party()))
    else {
        panic!("no proof")
    };
    let trust = world.vault.trust();
    (proof, open_checkpoint(&checkpoint, trust.vault, &trust.vault_key).unwrap())
}

#[test]
fn a_stream_is_in_the_log_once_and_with_the_head_it_had() {
    let world = clinic();
    world.vault.checkpoint().unwrap();
    let vault = world.vault.trust().vault;
    for seed in [ALICE, BOB, CAROL, DAVE, 30] {
        let (proof, log) = proof(&world, seed);
        let owner = Principal::Party(keyring(seed).party());
        let head = proof.verify((vault, owner), &log).unwrap().unwrap();
        assert_eq!(head.size, u64::try_from(world.stream(seed).len()).unwrap());
        // Not another's, not under another head, not with another head.
        let other = Principal::Party(keyring(66).party());
        assert!(proof.verify((vault, other), &log).is_err());
        assert!(proof.verify((vault, owner), &Head { size: log.size + 1, ..log }).is_err());
        let mut lied = proof.clone();
        lied.head = Some(Head { size: head.size - 1, ..head });
        assert!(lied.verify((vault, owner), &log).is_err());
        lied.head = None;
        assert!(lied.verify((vault, owner), &log).is_err(), "there is no hiding that it is there");
    }
}

#[test]
fn checkpoints_grow_from_one_another_and_are_kept_before_they_are_shown() {
    let world = clinic();
    let trust = world.vault.trust();
    let open = |note: &str| open_checkpoint(note, trust.vault, &trust.vault_key).unwrap();
    let first = world.vault.checkpoint().unwrap();
    assert_eq!(world.vault.checkpoint().unwrap(), first, "nothing has grown");
    let mut heads = vec![open(&first)];
    for number in 0..20u8 {
        world.enrol::<casevault::party::Patient>(100 + number, "one more");
        heads.push(open(&world.vault.checkpoint().unwrap()));
    }
    for old in &heads {
        let request = casevault::custodian::Request::Checkpoint(old.size);
        let Response::Checkpoint(note, growth) = world.send(&request) else { panic!("no checkpoint") };
        let newest = open(&note);
        assert_eq!(Some(&newest), heads.last());
        casevault::merkle::verify_consistency(old, &newest, &growth).unwrap();
        let forged = Head { root: newest.root, ..*old };
        assert!(*old == newest || casevault::merkle::verify_consistency(&forged, &newest, &growth).is_err());
    }
}

pub(crate) fn export(world: &World) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    world.vault.export_audit(directory.path()).unwrap();
    directory
}

pub(crate) fn lines(directory: &Path) -> Vec<String> {
    fs::read_to_string(directory.join("events.ndjson")).unwrap().lines().map(str::to_owned).collect()
}

pub(crate) fn put(directory: &Path, lines: &[String]) {
    fs::write(directory.join("events.ndjson"), lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_clean_log_gives_no_finding() {
    let world = clinic();
    let directory = export(&world);
    let report = audit::verify(directory.path(), None).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.events, u64::try_from(lines(directory.path()).len()).unwrap());
    assert!(report.events > 80 && report.streams == 7, "{report:?}");
}

#[test]
fn a17_every_removal_alteration_and_swap_is_found_where_it_begins() {
    let world = clinic();
    let directory = export(&world);
    let path = directory.path();
    let clean = lines(path);
    let stream_of =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"].to_string();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (index, line) in clean.iter().enumerate() {
        ends.insert(stream_of(line), index);
    }
    let first = |lines: &[String]| {
        put(path, lines);
        let report = audit::verify(path, None).unwrap();
        report.findings.first().cloned()
    };
    for index in 0..clean.len() {
        let mut removed = clean.clone();
        removed.remove(index);
        let found = first(&removed).unwrap_or_else(|| panic!("removal of {index}"));
        assert_eq!(found.index, u64::try_from(index).unwrap(), "removal of {index}: {found}");
        // A byte of the event.
        let mut altered = clean.clone();
        let at = altered[index].find("\"event\":\"").unwrap() + 40;
        let other = if altered[index].as_bytes()[at] == b'A' { "B" } else { "A" };
        altered[index].replace_range(at..=at, other);
        let found = first(&altered).unwrap_or_else(|| panic!("alteration of {index}"));
        assert_eq!(found.index, u64::try_from(index).unwrap(), "alteration of {index}: {found}");
        if index + 1 < clean.len() && stream_of(&clean[index]) == stream_of(&clean[index + 1]) {
            let mut swapped = clean.clone();
            swapped.swap(index, index + 1);
            let found = first(&swapped).unwrap_or_else(|| panic!("swap at {index}"));
            assert_eq!(found.index, u64::try_from(index).unwrap(), "swap at {index}: {found}");
        }
    }
    // A tail cut off each stream; a stream cut out, from the events and from the heads.
    for (name, end) in &ends {
        let cut: Vec<String> = clean.iter().filter(|line| stream_of(line) != *name).cloned().collect();
        let found = first(&cut).unwrap();
        assert_eq!(found.fault, Fault::Missing, "{name}: {found}");
        let mut shorter = clean.clone();
        shorter.drain(end - 1..=*end);
        let found = first(&shorter).unwrap();
        assert_eq!(
            (found.fault, found.index),
            (Fault::Stream, u64::try_from(end - 1).unwrap()),
            "{name}: {found}"
        );
    }
    put(path, &clean);
    assert_eq!(audit::verify(path, None).unwrap().findings, []);
}

#[test]
fn a17_a_patient_proves_her_history_whole_and_a_fork_is_found_by_two_checkpoints() {
    use casevault::{
        log::{KeyName, NoteSigner, NoteVerifier, SignedCheckpoint, WitnessPolicy, origin, verify_history},
        party::Patient,
        session::{Memory, Session},
    };

    use crate::custodians::Tampering;
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    assert!(alice.checkpoint().unwrap().is_none() && alice.prove_history(None).is_err(), "no checkpoint yet");
    let case = alice.open_case("a rash").unwrap();
    world.vault.checkpoint().unwrap();
    let proven = alice.prove_history(None).unwrap();
    assert_eq!(proven.head, alice.verify_stream().unwrap().head);
    // The text proves it to whoever has the vault's key, and to nobody that it is another's.
    let trust = world.vault.trust();
    let log = NoteVerifier::new(origin(trust.vault).unwrap(), trust.vault_key);
    let nobody = WitnessPolicy::new(Vec::new(), 0).unwrap();
    let me = Principal::Party(alice.id());
    assert_eq!(verify_history(&proven.text, (&log, &nobody), (trust.vault, me)).unwrap(), proven.head);
    let other = Principal::Party(keyring(66).party());
    assert!(verify_history(&proven.text, (&log, &nobody), (trust.vault, other)).is_err());
    // Later checkpoints contain earlier ones, got here or elsewhere.
    let early = proven.checkpoint.note;
    alice.write(&case, Kind::Note, "more").unwrap();
    world.vault.checkpoint().unwrap();
    let alice = Session::<Patient>::sign_in_with(
        &between,
        keyring(ALICE),
        Memory::open(&alice.save(), &keyring(ALICE)).unwrap(),
        world.tools(70),
    )
    .unwrap();
    alice.prove_history(Some(&early)).unwrap();
    // A checkpoint of another history, signed by the vault's own key, is found against this one.
    let stranger = keyring(66);
    let forged = NoteSigner::new(KeyName::parse("casevault/00").unwrap(), stranger.signer());
    let forged =
        SignedCheckpoint::sign(Head { size: 1, root: proven.head.root }, &forged).unwrap().to_string();
    assert_eq!(alice.compare_checkpoint(&forged).unwrap_err().code(), "tampered-stream");
    // The log rolled back, or branched off: refused by who saw more.
    let old = early.clone();
    between.changing(move |_, response| {
        if let Response::Checkpoint(note, growth) = response {
            note.clone_from(&old);
            growth.clear();
        }
    });
    assert_eq!(alice.checkpoint().unwrap_err().code(), "tampered-stream");
    between.honest();
    alice.checkpoint().unwrap().unwrap();
}

/// Bytes, and after them what each base64 text among them says.
pub(crate) fn with_decoded(mut bytes: Vec<u8>) -> Vec<u8> {
    use base64ct::{Base64Unpadded, Encoding as _};
    let is_other = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/".contains(byte));
    let texts = bytes.split(is_other).filter_map(|text| std::str::from_utf8(text).ok());
    let decoded: Vec<u8> =
        texts.flat_map(|text| Base64Unpadded::decode_vec(text).unwrap_or_default()).collect();
    bytes.extend(decoded);
    bytes
}

#[test]
fn an_export_holds_no_name_and_no_content() {
    let world = World::new();
    let alice = world.patient(ALICE, "Quillfeather");
    let bob = world.doctor(BOB, "Marzipanopoulos");
    let case = alice.open_case("Thistlewick").unwrap();
    alice.write(&case, Kind::Complaint, "Obsidianberry").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.report(Principal::Party(alice.id()), (Category::Abuse, Severity::Minor), "Brandysnap").unwrap();
    let directory = export(&world);
    let mut queue = vec![directory.path().to_owned()];
    let mut bytes = Vec::new();
    while let Some(path) = queue.pop() {
        if path.is_dir() {
            queue.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    assert!(bytes.len() > 10_000);
    let bytes = with_decoded(bytes);
    let finds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    assert!(finds(alice.card().digest().as_bytes()), "what an event says is among it");
    for word in ["Quillfeather", "Marzipanopoulos", "Thistlewick", "Obsidianberry", "Brandysnap"] {
        assert!(!finds(word.as_bytes()), "{word}");
    }
}
