//! Invariant 1 by machine: the custodian cannot read, nor can who steals its disk, nor who reads its words.

use std::{
    fmt::Write as _,
    fs,
    sync::{Arc, Mutex},
};

use casevault::{
    consent::Terms,
    credential::{Attestation, Category, Checked, Listing, PersonId, Reveal, Severity},
    crypto::{Random, passphrase::Passphrase},
    custodian::{Errand, PoolCursor},
    event::Principal,
    folder::Clearance,
    party::{Auditor, Curator, Doctor, KeyFile, Patient, Registrar},
    public::Use,
    record::Kind,
    session::{Entry, Looking, Sentence, Session},
    store::{KeyRange, Store},
    time::{Timestamp, days},
};

use crate::{
    curators::batch,
    custodians::Recording,
    shares::{CURATOR, PUBLIC, abstracted},
    world::{ALICE, BOB, CAROL, REGISTRAR, World, keyring},
};

/// Words that stand in contents, names and passphrases, and nowhere else in the world.
const PLANTED: &[&str] = &[
    "Zyxomma",
    "Quillfeather",
    "Obsidianberry",
    "Thistlewick",
    "Marzipanopoulos",
    "Vexillology",
    "Brandysnap",
    "Spindlewharf",
    "Oxymoronical",
    "Gallimaufry",
    "Tintinnabuli",
    "Flibbertigib",
    "Wherewithout",
];

/// Everything said aloud during a journey: log lines, errors, debug prints.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<String>>);

impl Ear {
    fn hear(&self, words: &str) {
        self.0.lock().unwrap().push_str(words);
    }
}

impl tracing::Subscriber for Ear {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.hear(&format!("{span:?}"));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        self.hear(&format!("{values:?}"));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.hear(&format!("{event:?}"));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// A whole journey with planted words; what was said is heard.
fn journey(world: &World, recording: &Recording<'_>, ear: &Ear) {
    let mut said = String::new();
    let alice = world.enrol_over::<Patient>(recording, ALICE, PLANTED[0]);
    let bob = world.enrol_over::<Doctor>(recording, BOB, PLANTED[1]);
    let carol = world.enrol_over::<Doctor>(recording, CAROL, "Carol");
    let auditor = world.enrol_over::<Auditor>(recording, 30, "Audit");
    let office = world.office_over(recording);
    bob.apply(vec![Entry::of_bytes(Kind::Licence, "text/plain", PLANTED[7].into()).unwrap()]).unwrap();
    let papers = office.papers(bob.id()).unwrap();
    write!(said, "{papers:?}").unwrap();
    drop(papers);
    let person = PersonId::new("passport", PLANTED[8]).unwrap();
    let checks = office.check_list().passed(Checked::Licence, Some(PLANTED[7].as_bytes()), PLANTED[9]);
    let attested = Attestation::doctor("cardiology").person(person.clone()).checks(checks.clone());
    write!(said, "{person:?}{checks:?}{attested:?}").unwrap();
    office.attest(alice.id(), Attestation::patient().person(person)).unwrap();
    office.attest(auditor.id(), Attestation::auditor()).unwrap();
    office.attest(bob.id(), attested).unwrap();
    office.attest(carol.id(), Attestation::doctor("cardiology")).unwrap();
    write!(said, "{:?}", office.check_lists(bob.id()).unwrap()).unwrap();
    bob.write_name(PLANTED[10]).unwrap();
    bob.list(&Listing::new("Dr. Sparrow").reveals(Reveal::OnAssignment)).unwrap();
    let case = alice.open_case(PLANTED[2]).unwrap();
    alice.write(&case, Kind::Complaint, PLANTED[3]).unwrap();
    public_area(world, recording, (&office, &alice, &case), &mut said);
    let large = PLANTED[4].repeat(8000);
    let entries = vec![
        Entry::new(Kind::Note, PLANTED[5]).unwrap().cleared_for(Clearance::VeryRestricted),
        Entry::of_bytes(Kind::Document, "text/plain", large.clone().into_bytes()).unwrap(),
    ];
    alice.write_all(&case, entries).unwrap();
    let chart = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{{"resourceType":"Patient","id":"1",
        "name":[{{"family":"{}"}}]}}}},{{"resource":{{"resourceType":"Condition","note":[{{"text":"{}"}}]}}}}]}}"#,
        PLANTED[0], PLANTED[6]
    );
    let imported = alice.import(chart.as_bytes()).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    alice.opinion(&imported.case, carol.id(), Terms::opinion()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let opened = bob.open(&his).unwrap();
    let records = opened.records().unwrap();
    assert!(records.iter().any(|record| record.content().bytes() == large.as_bytes()));
    let identity = opened.identity().unwrap();
    bob.write(&his, Kind::Note, PLANTED[5]).unwrap();
    let note = bob.open(&his).unwrap().records_of(Kind::Note).unwrap().remove(0);
    bob.amend(&his, &note, PLANTED[6]).unwrap();
    let view = alice.doctor(&case, bob.id()).unwrap();
    assert_eq!(view.name(), Some(PLANTED[10]));
    conduct(&office, &alice, &bob, &mut said);
    let revocation = alice.revoke(&case, bob.id()).unwrap();
    let residue = alice.residue(&revocation).unwrap();
    let denied = bob.open(&his).unwrap_err();
    let bad = alice.import(chart.replace("Condition", PLANTED[6]).as_bytes()).unwrap_err();
    alice.close_case(&case).unwrap();
    let file =
        KeyFile::lock_with(&keyring(ALICE), &Passphrase::new(PLANTED[5]), &mut Random::seeded([1; 32]))
            .unwrap();
    let wrong = file.open(&Passphrase::new(PLANTED[4])).unwrap_err();
    auditor.check_owner(alice.id(), &[]).unwrap();
    write!(said, "{alice:?}{bob:?}{office:?}{case:?}{opened:?}{records:?}{identity:?}{note:?}{revocation:?}")
        .unwrap();
    write!(said, "{residue:?}{denied:?}{denied}{bad:?}{bad}{file:?}{wrong:?}{wrong}{imported:?}").unwrap();
    write!(said, "{:?}{:?}{:?}", world.vault, alice.memory(), keyring(ALICE)).unwrap();
    for line in alice.history().unwrap() {
        write!(said, "{line}{line:?}").unwrap();
    }
    ear.hear(&said);
}

/// A case shared, taken in and released; what is said of it is not what it says.
fn public_area(
    world: &World,
    recording: &Recording<'_>,
    (office, alice, case): (&Session<'_, Registrar>, &Session<'_, Patient>, &casevault::session::Case),
    said: &mut String,
) {
    let curator = world.enrol_over::<Curator>(recording, CURATOR, PLANTED[1]);
    office.attest(curator.id(), Attestation::curator()).unwrap();
    office.propose(world.vault.policy().curated(PUBLIC, curator.card())).unwrap();
    alice.share(case, &abstracted(4), [Use::Education], world.in_days(300)).unwrap();
    world.clock.advance(days(1));
    let curator =
        Session::<Curator>::sign_in_with(recording, keyring(CURATOR), world.trusting(), world.tools(CURATOR));
    let curator = curator.unwrap();
    let pulled = curator.pull(&PoolCursor::default()).unwrap();
    assert_eq!(pulled.arrivals.len(), 1);
    let (rows, facts) = batch(1, 12);
    curator.release(&pulled.next, (rows, vec![facts], Vec::new()), PLANTED[7].as_bytes()).unwrap();
    write!(said, "{curator:?}{pulled:?}{:?}{:?}", curator.journals().unwrap(), alice.shared_cases().unwrap())
        .unwrap();
    assert!(!said.contains("J04") && !said.contains("Resolved"), "{said}");
}

/// Reports, rulings and appeals, with planted words in all that is written.
fn conduct(
    office: &Session<'_, Registrar>,
    alice: &Session<'_, Patient>,
    bob: &Session<'_, Doctor>,
    said: &mut String,
) {
    let what = (Category::Abuse, Severity::Minor);
    bob.report(Principal::Party(alice.id()), what, PLANTED[11]).unwrap();
    let waiting = office.queue(Errand::Report).next().unwrap().unwrap();
    let report = office.read(&waiting).unwrap();
    let until = Timestamp::at_ms(1_799_000_000_000);
    let ruling = office.uphold(&report, Sentence::new(Category::Abuse, 1, until)).unwrap();
    alice.appeal(ruling, PLANTED[12]).unwrap();
    let waiting = office.queue(Errand::Appeal).next().unwrap().unwrap();
    let appeal = office.read(&waiting).unwrap();
    office.lift(&appeal).unwrap();
    let denied = office.lift(&appeal).unwrap_err();
    write!(said, "{report:?}{appeal:?}{denied:?}{denied}{waiting:?}").unwrap();
    write!(said, "{:?}{}", alice.standing().unwrap(), alice.standing().unwrap()).unwrap();
    let page = alice.directory(Looking::for_doctors()).unwrap();
    write!(said, "{page:?}{}", page.doctors[0]).unwrap();
}

/// A word as it could hide: as it is, in hexadecimal, in UTF-16, reversed, in base64.
fn disguises(word: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
    let wide: Vec<u8> = word.iter().flat_map(|byte| [*byte, 0]).collect();
    let mut reversed = word.to_vec();
    reversed.reverse();
    let mut all =
        vec![word.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes(), wide, reversed];
    for shift in 0..3 {
        let padded = [vec![b' '; shift], word.to_vec()].concat();
        let encoded = base64(&padded).into_bytes();
        // The symbols that depend on the neighbours are left off.
        all.push(encoded[4..encoded.len() - 4].to_vec());
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for position in 0..4 {
            text.push(char::from(SYMBOLS[(bits >> (18 - 6 * position) & 63) as usize]));
        }
    }
    text
}

fn finds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn secrets() -> Vec<Vec<u8>> {
    let words = PLANTED.iter().map(|word| word.as_bytes().to_vec());
    let seeds = [REGISTRAR, ALICE, BOB, CAROL, 30, CURATOR].into_iter().map(|seed| vec![seed; 32]);
    words.chain(seeds).collect()
}

#[test]
fn invariant_1_and_a21_nothing_planted_crosses_the_custodian_is_stored_or_said() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let ear = Ear::default();
    // For the whole process: other tests are heard as well, and say none of these words.
    tracing::subscriber::set_global_default(ear.clone()).unwrap();
    journey(&world, &recording, &ear);
    let crossed = recording.bytes();
    let mut stored = Vec::new();
    for entry in world.store.scan(KeyRange::all(), usize::MAX).unwrap() {
        stored.extend_from_slice(entry.key.as_bytes());
        stored.extend_from_slice(&entry.value);
    }
    let said = ear.0.lock().unwrap().clone().into_bytes();
    assert!(crossed.len() > 100_000 && stored.len() > 50_000 && said.len() > 1000);
    for secret in secrets() {
        for disguise in disguises(&secret) {
            assert!(!finds(&crossed, &disguise), "{secret:02x?} crossed the custodian");
            assert!(!finds(&stored, &disguise), "{secret:02x?} reached the store");
            assert!(!finds(&said, &disguise), "{secret:02x?} was said");
        }
    }
    // What the test looks for, it would find.
    assert!(finds(&crossed, world.vault.trust().vault.as_bytes()));
    assert!(finds(&said, b"refused"), "the log was heard");
}

#[test]
fn a18_a_stolen_disk_without_the_root_key_names_nobody() {
    use casevault::{
        access::Policy,
        party::Role,
        store::SledStore,
        time::SystemClock,
        vault::{HostDir, Vault},
    };
    let (disk, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registrar = keyring(REGISTRAR);
    let policy = Policy::trusting([&registrar.card(Role::Registrar)]);
    let store = SledStore::open(disk.path().join("store")).unwrap();
    let vault = Vault::create_with(
        store,
        HostDir::open(host.path()).unwrap(),
        policy,
        SystemClock,
        Random::seeded([7; 32]),
    )
    .unwrap();
    let alice = Session::<Patient>::enrol(&vault, keyring(ALICE), PLANTED[0]).unwrap();
    let bob = Session::<Doctor>::enrol(&vault, keyring(BOB), PLANTED[1]).unwrap();
    let memory = casevault::session::Memory::trusting(vault.trust().clone());
    let office = Session::<Registrar>::sign_in(&vault, keyring(REGISTRAR), memory).unwrap();
    office.attest(alice.id(), Attestation::patient()).unwrap();
    office.attest(bob.id(), Attestation::doctor("Sphragistics")).unwrap();
    let case = alice.open_case(PLANTED[2]).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    bob.write_name(PLANTED[10]).unwrap();
    let sparrow =
        Listing::new("Dr. Sparrow").language("en-Zyzzyva").region("GB-QLL").reveals(Reveal::NameOnly);
    bob.list(&sparrow).unwrap();
    bob.open(&his).unwrap().identity().unwrap();
    let mut said = String::new();
    conduct(&office, &alice, &bob, &mut said);
    let ruling = alice.standing().unwrap().strikes[0].strike.ruling;
    bob.shut_out(Principal::Party(alice.id())).unwrap();
    let ids = [
        ruling.as_bytes().to_vec(),
        b"Dr. Sparrow".to_vec(),
        b"en-Zyzzyva".to_vec(),
        b"GB-QLL".to_vec(),
        alice.id().as_bytes().to_vec(),
        bob.id().as_bytes().to_vec(),
        alice.identity_folder().unwrap().id().as_bytes().to_vec(),
        case.id().as_bytes().to_vec(),
        alice.card().digest().as_bytes().to_vec(),
        bob.card().verifying_key().as_bytes().to_vec(),
        bob.card().sealing_key().as_bytes()[..64].to_vec(),
        b"Sphragistics".to_vec(),
    ];
    drop((alice, bob, office));
    vault.close().unwrap();
    let mut bytes = Vec::new();
    let mut queue = vec![disk.path().to_owned()];
    while let Some(path) = queue.pop() {
        if path.is_dir() {
            queue.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    assert!(bytes.len() > 10_000);
    for secret in secrets().into_iter().chain(ids) {
        assert!(!finds(&bytes, &secret), "{secret:02x?} is on the disk");
    }
}

#[test]
fn a20_sizes_lie_on_the_padme_grid() {
    use casevault::record::{SealedRecord, padded_length};
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.enrol_over::<Patient>(&recording, ALICE, "Alice");
    let identity = alice.identity_folder().unwrap();
    drop(alice.open(&identity).unwrap());
    let mut sizes = std::collections::BTreeMap::new();
    for length in (0..3000).step_by(50) {
        alice.write_identity(&"x".repeat(length)).unwrap();
    }
    for (request, _) in recording.messages() {
        let Ok(casevault::custodian::Request::Submit(submission)) = casevault::codec::decode(&request) else {
            continue;
        };
        for sealing in submission.parts.iter().flat_map(|part| &part.records) {
            assert!(SealedRecord::from_bytes(&sealing.sealed).is_ok());
            *sizes.entry(sealing.sealed.len()).or_insert(0) += 1;
        }
    }
    // Header and tag are of one length, give or take the CBOR heads of lengths.
    let grid: Vec<usize> = (0..4000).map(padded_length).collect();
    let smallest = *sizes.keys().next().unwrap() - 256;
    for size in sizes.keys() {
        let fits = (0..4).any(|head| grid.contains(&(size - smallest - head)));
        assert!(fits, "{size} is off the grid");
    }
    assert!(sizes.len() < 50, "sixty lengths look like {}", sizes.len());
}
