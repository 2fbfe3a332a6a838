//! Attacks on vetting, conduct, the directory and the trust roots, each from the side of who would make it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use casevault::{
    access::{Charter, CharterStatement, Policy},
    consent::Terms,
    credential::{
        Attestation, AttestationStatement, Category, Checked, Listing, ListingStatement, PersonId,
        RegistryKey, Reveal, RulingStatement, Severity, Verdict,
    },
    crypto::{Label, Random, Signed},
    custodian::{Answer, Enclosure, Errand, Part, Question, Refusal, Request, Response},
    error::{Error, Misuse},
    event::{Principal, Step, Verb},
    id::{Digest, FolderId, PartyId, RulingId},
    letter::Letter,
    party::{Card, Doctor, Patient, Registrar, Role},
    session::{Looking, ReadPetition, Sentence, Session, Waiting},
    store::{Batch, Entry as Row, Key, KeyRange, MemoryStore, Store, StoreError},
    time::{Clock, ManualClock, Timestamp, days},
    vault::{HostDir, Vault},
};

use crate::{
    custodians::{Meanwhile, Recording, Tampering},
    world::{ALICE, BOB, CAROL, DAVE, REGISTRAR, World, is_accepted, keyring, signed},
};

const SECOND: u8 = 40;
const THIRD: u8 = 41;
const STRANGER: u8 = 66;
const ABUSE: (Category, Severity) = (Category::Abuse, Severity::Serious);

fn card(seed: u8) -> Card {
    keyring(seed).card(Role::Registrar)
}

/// A vault of these registrars, so many of whom must sign.
fn world_of(seeds: &[u8], needed: u8) -> World {
    let cards: Vec<Card> = seeds.iter().map(|seed| card(*seed)).collect();
    World::with(Policy::trusting(&cards).registrars_needed(needed))
}

fn office(world: &World, seed: u8) -> Session<'_, Registrar> {
    Session::<Registrar>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed))
        .unwrap()
}

fn registrars(world: &World) -> Vec<PartyId> {
    world.vault.trust().registrars.iter().map(Card::party).collect()
}

fn waiting(office: &Session<'_, Registrar>, errand: Errand) -> Vec<Waiting> {
    office.queue(errand).collect::<Result<_, _>>().unwrap()
}

fn first(office: &Session<'_, Registrar>, errand: Errand) -> ReadPetition {
    office.read(&waiting(office, errand)[0]).unwrap()
}

/// A key that the registrars would share, were it not made by somebody else in one registrar's name.
fn made_up_registry(
    world: &World,
    seeds: &[u8],
) -> (RegistryKey, Signed<casevault::credential::RegistryStatement>) {
    let cards: Vec<Card> = seeds.iter().map(|seed| card(*seed)).collect();
    let about = (world.vault.trust().vault, cards.as_slice(), world.clock.now());
    let maker = keyring(STRANGER);
    let mut random = Random::seeded([STRANGER; 32]);
    RegistryKey::make(None, about, (card(seeds[0]).party(), maker.signer()), &mut random).unwrap()
}

/// A part of a registrar's work, by hand.
fn of_office(world: &World, seed: u8, (owner, verb, op): (Principal, Verb, u8), subject: Digest) -> Part {
    let event = world.event(Principal::Party(keyring(seed).party()), verb, op);
    signed(seed, &event.with(|step| Step { owner, subject: Some(subject), ..step }))
}

/// A ruling, by hand.
fn ruling(world: &World, seed: u8, subject: Principal, op: u8) -> Part {
    let statement = RulingStatement {
        vault: world.vault.trust().vault,
        ruling: RulingId::from_bytes([op; 16]),
        subject,
        verdict: Verdict::Strike {
            category: Category::Other,
            weight: 1,
            from: world.clock.now(),
            until: world.in_days(1),
        },
        registrar: keyring(seed).party(),
        at: world.clock.now(),
    };
    let signed = Signed::sign(&statement, keyring(seed).signer());
    let part = of_office(world, seed, (subject, Verb::Rule, op), signed.digest());
    Part { enclosure: Some(Enclosure::Ruling(signed, None)), ..part }
}

#[test]
fn a28_person_tags_and_check_lists_are_never_made_with_a_key_of_the_custodians() {
    let world = World::new();
    drop(world.office());
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    let (known, made_up) = made_up_registry(&world, &[REGISTRAR]);
    let recording = Recording::over(&world.vault);
    let between = Tampering::over(&recording);
    let office = world.office_over(&between);
    let offered = made_up.clone();
    between.changing(move |_, response| {
        if let Response::Charters(_, registries) = response {
            *registries = vec![offered.clone()];
        }
    });
    let passport = PersonId::new("passport", "AB123").unwrap();
    let found = office.find_person(&passport, Role::Patient);
    assert!(found.is_err(), "asked for a tag that the custodian can make for every number there is");
    // Nor when the true key is shown first, and the other is slipped in behind it.
    let mut shown = 0;
    between.changing(move |_, response| {
        if let Response::Charters(_, registries) = response {
            shown += 1;
            if shown > 1 {
                *registries = vec![made_up.clone()];
            }
        }
    });
    let checks = office.check_list().passed(Checked::Licence, None, "Quillfeather");
    let attested = office.attest(bob.id(), Attestation::doctor("cardiology").checks(checks));
    let parts = recording.submissions().into_iter().flat_map(|submission| submission.parts);
    for part in parts {
        if let Some(Enclosure::Dossier(sealed)) = part.enclosure {
            assert!(known.open_dossier(&sealed).is_err(), "the custodian reads the check list");
        }
    }
    drop(attested);
}

#[test]
fn a28_a_registrar_who_came_and_left_reads_nothing_written_afterwards() {
    let world = World::new();
    let office_of_first = world.office();
    let bob = world.doctor(BOB, "Bob");
    let alice = world.patient(ALICE, "Alice");
    office_of_first.propose(world.vault.policy().adding(&card(SECOND))).unwrap();
    office_of_first.propose(world.vault.policy().expelling(keyring(SECOND).party())).unwrap();
    let recording = Recording::over(&world.vault);
    let alice = Session::<Patient>::sign_in_with(&recording, keyring(ALICE), alice.memory(), world.tools(50))
        .unwrap();
    alice.report(Principal::Party(bob.id()), ABUSE, "secret").unwrap();
    // All that the one who left can open, from what was wrapped for him down to the first key.
    let Response::Charters(_, registries) = world.send(&Request::Charters(0)) else { panic!("no keys") };
    let statements: Vec<_> = registries.iter().map(|signed| signed.claims().unwrap()).collect();
    let mut his = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let Ok(key) = RegistryKey::open(statement, (&keyring(SECOND), &card(SECOND))) else { continue };
        his.push(key);
        for index in (0..index).rev() {
            let key = his.last().unwrap();
            let key = key.previous(&statements[index + 1], &statements[index]).unwrap();
            his.push(key);
        }
    }
    assert!(his.len() >= 2, "he had a key, and the one before");
    let letters: Vec<Letter> = recording
        .submissions()
        .into_iter()
        .flat_map(|submission| submission.parts)
        .filter_map(
            |part| if let Some(Enclosure::Letter(letter)) = part.enclosure { Some(letter) } else { None },
        )
        .collect();
    let (vault, me) = (world.vault.trust().vault, alice.id());
    let context: [&[u8]; 2] = [vault.as_bytes(), me.as_bytes()];
    for key in &his {
        assert!(letters[0].open(key.opening_key(), (Label::Petition, &context)).is_err());
    }
    // And those who are there read it.
    assert_eq!(first(&office(&world, REGISTRAR), Errand::Report).author, alice.id());
}

#[test]
fn a28_nobody_reads_reports_who_was_proposed_and_not_taken() {
    let world = world_of(&[REGISTRAR, SECOND], 2);
    let one = office(&world, REGISTRAR);
    one.propose(world.vault.policy().adding(&card(STRANGER))).unwrap();
    let Response::Charters(_, registries) = world.send(&Request::Charters(0)) else { panic!("no keys") };
    let opened = registries
        .iter()
        .map(|signed| signed.claims().unwrap())
        .any(|statement| RegistryKey::open(&statement, (&keyring(STRANGER), &card(STRANGER))).is_ok());
    assert!(!opened, "one registrar alone handed the office's key out");
    // Once enough have signed, the newcomer has it.
    let other = office(&world, SECOND);
    other.countersign(&other.proposals().unwrap()[0]).unwrap();
    assert_eq!(registrars(&world).len(), 3);
    office(&world, STRANGER).find_person(&PersonId::new("passport", "1").unwrap(), Role::Patient).unwrap();
}

#[test]
fn a28_the_key_goes_on_when_the_registrar_who_made_it_is_expelled() {
    let world = world_of(&[REGISTRAR, SECOND, THIRD], 2);
    // The third was first at work: the key is his making.
    let third = office(&world, THIRD);
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let passport = PersonId::new("passport", "77").unwrap();
    third.attest(alice.id(), Attestation::patient().person(passport.clone())).unwrap();
    let (memory_of_one, memory_of_other) =
        (office(&world, REGISTRAR).memory(), office(&world, SECOND).memory());
    let one = office(&world, REGISTRAR);
    one.propose(world.vault.policy().expelling(third.id())).unwrap();
    let other = office(&world, SECOND);
    other.countersign(&other.proposals().unwrap()[0]).unwrap();
    assert_eq!(registrars(&world), [one.id(), other.id()]);
    for (seed, memory) in [(REGISTRAR, memory_of_one), (SECOND, memory_of_other)] {
        let again =
            Session::<Registrar>::sign_in_with(&world.vault, keyring(seed), memory, world.tools(seed))
                .unwrap();
        assert_eq!(again.find_person(&passport, Role::Patient).unwrap(), Some(alice.id()));
    }
}

#[test]
fn a17_a_registrars_event_stands_only_in_the_stream_of_whom_it_names() {
    let world = World::new();
    drop(world.office());
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let letter = alice.report(Principal::Party(bob.id()), ABUSE, "x").unwrap();
    let (hers, his) = (Principal::Party(alice.id()), Principal::Party(bob.id()));
    let the_vaults = Principal::Vault(world.vault.trust().vault);
    let trust = world.vault.trust();
    let charter = {
        let statement = CharterStatement {
            vault: trust.vault,
            version: trust.version + 1,
            previous: trust.policy.unwrap(),
            policy: world.vault.policy().open_cases_max(1),
        };
        Charter::sign(&statement, (keyring(REGISTRAR).party(), keyring(REGISTRAR).signer()))
    };
    let governing = |owner, op| {
        let part = of_office(&world, REGISTRAR, (owner, Verb::Govern, op), charter.digest());
        Part { enclosure: Some(Enclosure::Charter(charter.clone())), ..part }
    };
    let registry = {
        let Response::Charters(_, registries) = world.send(&Request::Charters(0)) else { panic!("no keys") };
        let before = RegistryKey::open(
            &registries.last().unwrap().claims().unwrap(),
            (&keyring(REGISTRAR), &card(REGISTRAR)),
        )
        .unwrap();
        let cards = [card(REGISTRAR)];
        let maker = (keyring(REGISTRAR).party(), keyring(REGISTRAR));
        let about = (trust.vault, cards.as_slice(), world.clock.now());
        let mut random = Random::seeded([8; 32]);
        RegistryKey::make(Some(&before), about, (maker.0, maker.1.signer()), &mut random).unwrap().1
    };
    let equipping = |owner, op| {
        let part = of_office(&world, REGISTRAR, (owner, Verb::Equip, op), registry.digest());
        Part { enclosure: Some(Enclosure::Registry(registry.clone())), ..part }
    };
    let reading = |owner, op| of_office(&world, REGISTRAR, (owner, Verb::Open, op), letter);
    for (op, second) in [
        (1, ruling(&world, REGISTRAR, his, 101)),
        (2, ruling(&world, REGISTRAR, Principal::Folder(FolderId::from_bytes([7; 32])), 102)),
        (3, ruling(&world, REGISTRAR, the_vaults, 103)),
        (4, reading(his, 104)),
        (5, reading(the_vaults, 105)),
        (6, governing(the_vaults, 106)),
        (7, governing(hers, 107)),
        (8, equipping(the_vaults, 108)),
        (9, equipping(hers, 109)),
    ] {
        let first = ruling(&world, REGISTRAR, hers, op);
        assert!(!is_accepted(&world.submit(None, vec![first, second])), "{op}");
    }
    assert_eq!(world.vault.trust(), trust);
    // Her stream is as it was, and she goes on.
    alice.verify_stream().unwrap();
    alice.open_case("rash").unwrap();
    // What stands where it belongs is taken, two at once as well.
    let both = vec![ruling(&world, REGISTRAR, hers, 11), reading(hers, 12)];
    assert!(is_accepted(&world.submit(None, both)));
    assert!(is_accepted(&world.submit(None, vec![equipping(the_vaults, 13), governing(the_vaults, 14)])));
    alice.verify_stream().unwrap();
    let memory = alice.memory();
    Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), memory, world.tools(60)).unwrap();
}

#[test]
fn a28_one_registrar_does_not_keep_others_signatures_off_a_policy() {
    let world = world_of(&[REGISTRAR, SECOND, THIRD, 43], 3);
    let (one, other, third) = (office(&world, REGISTRAR), office(&world, SECOND), office(&world, THIRD));
    let trust = world.vault.trust();
    let statement = CharterStatement {
        vault: trust.vault,
        version: trust.version + 1,
        previous: trust.policy.unwrap(),
        policy: world.vault.policy().expelling(third.id()),
    };
    // The one who is to go is first to sign, and signs for the others too, badly; one more of them does not count.
    let his = keyring(THIRD);
    let mut forged = Charter::sign(&statement, (one.id(), his.signer()));
    for party in (0..13u8).map(|number| PartyId::from_bytes([number; 32])).chain([other.id(), third.id()]) {
        forged = forged.sign_too((party, his.signer()));
    }
    let trust_before = world.vault.trust();
    let owner = Principal::Vault(trust.vault);
    let part = of_office(&world, THIRD, (owner, Verb::Govern, 1), forged.digest());
    let part = Part { enclosure: Some(Enclosure::Charter(forged)), ..part };
    drop(world.submit(None, vec![part]));
    assert_eq!(world.vault.trust(), trust_before);
    one.propose(statement.policy.clone()).unwrap();
    other.countersign(&other.proposals().unwrap()[0]).unwrap();
    assert_eq!(registrars(&world), [one.id(), other.id(), keyring(43).party()]);
}

#[test]
fn a28_one_registrars_proposals_leave_room_for_the_others() {
    let world = world_of(&[REGISTRAR, SECOND, THIRD], 2);
    let (one, other, third) = (office(&world, REGISTRAR), office(&world, SECOND), office(&world, THIRD));
    for count in 1..40 {
        drop(third.propose(world.vault.policy().open_cases_max(count)));
    }
    let digest = one.propose(world.vault.policy().expelling(third.id())).unwrap();
    let proposals = other.proposals().unwrap();
    let proposal = proposals.iter().find(|proposal| proposal.digest() == digest).unwrap();
    other.countersign(proposal).unwrap();
    assert_eq!(registrars(&world), [one.id(), other.id()]);
}

#[test]
fn a17_a_ruling_on_another_is_not_shown_as_ones_own() {
    let world = World::new();
    let office = world.office();
    let between = Tampering::over(&world.vault);
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    office.strike(dave.id(), Sentence::new(Category::Fraud, 6, world.in_days(5))).unwrap();
    let alice =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(62)).unwrap();
    let office = world.office_over(&between);
    let Response::Answer(Answer::Rulings(his, _)) = world.ask(REGISTRAR, Question::Rulings(dave.id())) else {
        panic!("no rulings")
    };
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Rulings(rulings, _)) = response {
            rulings.extend(his.clone());
        }
    });
    assert_eq!(alice.standing().unwrap_err().code(), "tampered-stream");
    assert_eq!(office.rulings(alice.id()).unwrap_err().code(), "tampered-stream");
}

#[test]
fn a_check_list_is_not_written_over_by_another_registrar() {
    let world = world_of(&[REGISTRAR, SECOND], 2);
    let one = office(&world, REGISTRAR);
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    let checks = one.check_list().passed(Checked::Licence, None, "seen");
    one.attest(bob.id(), Attestation::doctor("cardiology").checks(checks.clone())).unwrap();
    let now = world.clock.now();
    let statement = AttestationStatement {
        vault: world.vault.trust().vault,
        subject: bob.id(),
        card: bob.card().digest(),
        role: Role::Doctor,
        specialty: "cardiology".to_owned(),
        jurisdiction: String::new(),
        evidence: Some(checks.digest()),
        registrar: keyring(SECOND).party(),
        from: now,
        until: world.in_days(9),
        at: Some(now),
        specialties: Vec::new(),
        persons: Vec::new(),
        succeeds: None,
    };
    let statement = Signed::sign(&statement, keyring(SECOND).signer());
    let about = (Principal::Party(bob.id()), Verb::Attest, 1);
    let part = Part {
        enclosure: Some(Enclosure::Dossier(vec![0; 300].into())),
        attestation: Some(statement.clone()),
        ..of_office(&world, SECOND, about, statement.digest())
    };
    assert!(!is_accepted(&world.submit(None, vec![part])));
    assert_eq!(one.check_lists(bob.id()).unwrap(), [(one.id(), checks)]);
}

#[test]
fn a28_a_check_list_behind_another_partys_attestation_is_not_shown() {
    let world = World::new();
    let office = world.office();
    let between = Tampering::over(&world.vault);
    let (bob, carol) = (world.enrol::<Doctor>(BOB, "Bob"), world.enrol::<Doctor>(CAROL, "Carol"));
    for doctor in [&bob, &carol] {
        let checks = office.check_list().passed(Checked::Licence, None, "seen");
        office.attest(doctor.id(), Attestation::doctor("cardiology").checks(checks)).unwrap();
    }
    let office = world.office_over(&between);
    let Response::Answer(Answer::Card(_, hers)) = world.ask(REGISTRAR, Question::Card(carol.id())) else {
        panic!("no card")
    };
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Card(_, attestations)) = response {
            *attestations = hers.clone();
        }
    });
    assert_eq!(office.check_lists(bob.id()).unwrap_err().code(), "tampered-card");
}

#[test]
fn what_an_expelled_registrar_attested_hides_nobodys_check_list() {
    let world = world_of(&[REGISTRAR, SECOND], 1);
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    other.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    bob.ask_to_be_vetted().unwrap();
    world.clock.advance(days(1));
    let bob =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), bob.memory(), world.tools(7)).unwrap();
    bob.ask_to_be_vetted().unwrap();
    let checks = one.check_list().passed(Checked::Licence, None, "seen");
    one.attest(bob.id(), Attestation::doctor("cardiology").checks(checks.clone())).unwrap();
    one.propose(world.vault.policy().expelling(other.id())).unwrap();
    assert_eq!(one.check_lists(bob.id()).unwrap(), [(one.id(), checks)]);
}

/// A store that counts what is read.
struct Counting {
    inner: Arc<MemoryStore>,
    reads: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key)
    }

    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.scan(range, limit)
    }

    #[expect(clippy::disallowed_methods, reason = "hands the vault's own commit on")]
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.commit(batch)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.inner.generation()
    }
}

fn counted() -> (World, Arc<AtomicUsize>) {
    let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
    let (store, reads) = (Arc::new(MemoryStore::new()), Arc::new(AtomicUsize::new(0)));
    let host = tempfile::TempDir::new().unwrap();
    let vault = Vault::create_with(
        Counting { inner: Arc::clone(&store), reads: Arc::clone(&reads) },
        HostDir::open(host.path()).unwrap(),
        Policy::trusting([&card(REGISTRAR)]),
        Arc::clone(&clock),
        Random::seeded([9; 32]),
    )
    .unwrap();
    (World { clock, store, host, vault }, reads)
}

#[test]
fn a29_guessing_the_owner_of_a_case_costs_the_same_right_or_wrong() {
    let (world, reads) = counted();
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("anonymous").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    // What waits is moved: the next batches are alike.
    alice.open_case("another").unwrap();
    let guess = |patient: &Session<'_, Patient>, op: u8| {
        let mut random = Random::seeded([op; 32]);
        let about = (Label::Reveal, [b"x".as_slice()]);
        let letter =
            Letter::seal(patient.card().sealing_key(), (about.0, &about.1), b"hello", &mut random).unwrap();
        let event = world.event(Principal::Party(bob.id()), Verb::Reveal, op);
        let event = event.with(|step| Step { subject: Some(letter.digest()), ..step });
        let enclosure = Some(Enclosure::Reveal(letter, patient.id(), case.id()));
        let before = reads.load(Ordering::Relaxed);
        let answer = world.submit(Some(world.sender(BOB)), vec![Part { enclosure, ..signed(BOB, &event) }]);
        (answer, reads.load(Ordering::Relaxed) - before)
    };
    let (wrong, right) = (guess(&dave, 1), guess(&alice, 2));
    assert_eq!(wrong.0, Response::Refused(Refusal::Denied));
    assert_eq!(wrong, right);
}

#[test]
fn a_letter_to_a_patient_is_no_longer_than_a_letter_may_be() {
    let world = World::new();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    for (op, length) in [(1, 50_000usize), (2, 300_000)] {
        let mut bytes = vec![0xa2, 0x00, 0x41, 0x00, 0x01, 0x5a];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.resize(bytes.len() + length, 7);
        let letter: Letter = minicbor::decode(&bytes).unwrap();
        let event = world.event(Principal::Party(bob.id()), Verb::Reveal, op);
        let event = event.with(|step| Step { subject: Some(letter.digest()), ..step });
        let enclosure = Some(Enclosure::Reveal(letter, alice.id(), case.id()));
        let answer = world.submit(Some(world.sender(BOB)), vec![Part { enclosure, ..signed(BOB, &event) }]);
        assert_eq!(answer, Response::Refused(Refusal::Malformed), "{length}");
    }
}

#[test]
fn a_policy_that_comes_into_force_while_one_is_followed_is_no_tampering() {
    let world = World::new();
    let office = world.office();
    let alice = world.patient(ALICE, "Alice");
    office.propose(world.vault.policy().open_cases_max(3)).unwrap();
    let slow = Meanwhile::over(
        &world.vault,
        |request| matches!(request, Request::Charters(_)),
        || {
            office.propose(world.vault.policy().open_cases_max(4)).unwrap();
        },
    );
    let again =
        Session::<Patient>::sign_in_with(&slow, keyring(ALICE), alice.memory(), world.tools(51)).unwrap();
    assert!(slow.has_acted());
    again.open_case("rash").unwrap();
}

#[test]
fn who_ruled_does_not_close_the_appeal_against_it() {
    let world = world_of(&[REGISTRAR, SECOND], 1);
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let alice = world.patient(ALICE, "Alice");
    let struck = one.strike(alice.id(), Sentence::new(Category::Waste, 3, world.in_days(30))).unwrap();
    alice.appeal(struck, "I was in hospital").unwrap();
    let appeal = first(&one, Errand::Appeal);
    assert!(matches!(one.dismiss(&appeal), Err(Error::Denied)), "by leaving it unanswered");
    assert_eq!(waiting(&other, Errand::Appeal).len(), 1);
    other.lift(&appeal).unwrap();
    assert!(waiting(&other, Errand::Appeal).is_empty());
    // What he ruled on no longer counts: he may close what is about nothing of his.
    alice.appeal(RulingId::from_bytes([1; 16]), "about nothing").unwrap();
    one.dismiss(&first(&one, Errand::Appeal)).unwrap();
}

#[test]
fn a_specialty_is_what_as_many_registrars_say_as_must_attest() {
    let world = world_of(&[REGISTRAR, SECOND], 2);
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    other.attest(bob.id(), Attestation::doctor("neurosurgery").jurisdiction("FR")).unwrap();
    one.attest(bob.id(), Attestation::doctor("cardiology").jurisdiction("GB")).unwrap();
    let (_, vouched) = one.vouched(bob.id()).unwrap();
    assert!(vouched.specialties.is_empty() && vouched.specialty.is_empty(), "{vouched:?}");
    assert!(vouched.jurisdiction.is_empty(), "{vouched:?}");
    world.clock.advance(days(1));
    bob.ask_to_be_vetted().unwrap();
    other
        .attest(bob.id(), Attestation::doctor("neurosurgery").specialty("cardiology").jurisdiction("GB"))
        .unwrap();
    let (_, vouched) = one.vouched(bob.id()).unwrap();
    assert_eq!((vouched.specialty.as_str(), vouched.jurisdiction.as_str()), ("cardiology", "GB"));
    assert_eq!(vouched.specialties.len(), 1);
}

#[test]
fn the_directory_answers_as_registrars_come_and_go() {
    let world = world_of(&[REGISTRAR, SECOND], 1);
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    other.attest(bob.id(), Attestation::doctor("cardiology").until(world.in_days(9))).unwrap();
    world.clock.advance(days(1));
    bob.ask_to_be_vetted().unwrap();
    one.attest(bob.id(), Attestation::doctor("surgery")).unwrap();
    bob.list(&Listing::new("Dr. Sparrow")).unwrap();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    one.attest(alice.id(), Attestation::patient()).unwrap();
    let found =
        |alice: &Session<'_, Patient>, looking: Looking| alice.directory(looking).unwrap().doctors.len();
    assert_eq!(found(&alice, Looking::for_doctors()), 1);
    // One word ends; another registrar's holds.
    world.clock.advance(days(9));
    assert_eq!(found(&alice, Looking::for_doctors()), 1, "still vouched for");
    assert_eq!(found(&alice, Looking::for_doctors().specialty("cardiology")), 0);
    one.propose(world.vault.policy().expelling(other.id())).unwrap();
    let alice =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), alice.memory(), world.tools(52))
            .unwrap();
    assert_eq!(found(&alice, Looking::for_doctors()), 1);
    assert_eq!(found(&alice, Looking::for_doctors().specialty("cardiology")), 0);
}

#[test]
fn a_party_that_many_registrars_attested_over_the_years_is_attested_again() {
    let world = world_of(&[100], 1);
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    let mut memory = bob.memory();
    for seed in 100..118u8 {
        let office = office(&world, seed);
        office.attest(bob.id(), Attestation::doctor("cardiology").until(world.in_days(30))).unwrap();
        world.clock.advance(days(31));
        let next = world.vault.policy().adding(&card(seed + 1)).retiring(office.id(), world.clock.now());
        office.propose(next.expelling(keyring(seed - 1).party())).unwrap();
        let bob =
            Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), memory, world.tools(seed)).unwrap();
        bob.ask_to_be_vetted().unwrap();
        memory = bob.memory();
    }
}

#[test]
fn a_sentence_that_is_none_is_refused_and_the_report_waits_on() {
    let world = World::new();
    let office = world.office();
    let (alice, carol) = (world.patient(ALICE, "Alice"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    carol.report(Principal::Folder(case.id()), ABUSE, "abuse in the notes").unwrap();
    let report = first(&office, Errand::Report);
    let (now, later) = (world.clock.now(), world.in_days(3));
    for sentence in [
        Sentence::new(Category::Abuse, 0, later),
        Sentence::new(Category::Abuse, 101, later),
        Sentence::new(Category::Abuse, 3, now),
        Sentence::new(Category::Abuse, 3, later).from(world.in_days(4)),
    ] {
        let upheld = office.uphold(&report, sentence);
        assert!(matches!(upheld, Err(Error::Misuse(Misuse::Terms))), "{upheld:?}");
        assert_eq!(waiting(&office, Errand::Report).len(), 1);
    }
    office.uphold(&report, Sentence::new(Category::Abuse, 3, later)).unwrap();
    assert_eq!(alice.standing().unwrap().strikes.len(), 1);
}

#[test]
fn what_no_registrar_can_read_does_not_wait_for_ever() {
    let world = World::new();
    let office = world.office();
    let bob = world.doctor(BOB, "Bob");
    let mut random = Random::seeded([4; 32]);
    let about: (Label, &[&[u8]]) = (Label::Petition, &[b"nowhere"]);
    let letter = Letter::seal(bob.card().sealing_key(), about, b"noise", &mut random).unwrap();
    let event = world.event(Principal::Party(bob.id()), Verb::Report, 1);
    let event = event.with(|step| Step { subject: Some(letter.digest()), ..step });
    let enclosure = Some(Enclosure::Letter(letter));
    let part = Part { enclosure, ..signed(BOB, &event) };
    assert!(is_accepted(&world.submit(Some(world.sender(BOB)), vec![part])));
    let noise = waiting(&office, Errand::Report).remove(0);
    assert_eq!(office.read(&noise).unwrap_err().code(), "tampered-record");
    office.dismiss_unread(&noise).unwrap();
    assert!(waiting(&office, Errand::Report).is_empty());
    assert!(matches!(office.dismiss_unread(&noise), Err(Error::Misuse(Misuse::NotWaiting))));
}

#[test]
fn a28_a_proposal_for_another_vault_is_not_signed_for_this_one() {
    let world = world_of(&[REGISTRAR, SECOND], 2);
    let between = Tampering::over(&world.vault);
    let office = world.office_over(&between);
    office.propose(world.vault.policy().open_cases_max(3)).unwrap();
    let trust = world.vault.trust();
    let elsewhere = CharterStatement {
        vault: casevault::id::VaultId::from_bytes([8; 16]),
        version: trust.version + 1,
        previous: trust.policy.unwrap(),
        policy: world.vault.policy().open_cases_max(3),
    };
    let other =
        CharterStatement { vault: trust.vault, previous: Digest::from_bytes([8; 32]), ..elsewhere.clone() };
    assert_eq!(office.proposals().unwrap().len(), 1);
    for statement in [elsewhere, other] {
        let charter = Charter::sign(&statement, (keyring(SECOND).party(), keyring(SECOND).signer()));
        between.changing(move |_, response| {
            if let Response::Answer(Answer::Proposals(charters)) = response {
                *charters = vec![charter.clone()];
            }
        });
        assert!(office.proposals().unwrap().is_empty());
    }
}

#[test]
fn a6_a_doctor_who_is_not_listed_is_not_shown_in_the_directory() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    bob.list(&Listing::new("Dr. Sparrow")).unwrap();
    carol.list(&Listing::new("Dr. Wren").unlisted()).unwrap();
    let Response::Answer(Answer::Listing(Some(unlisted))) = world.ask(BOB, Question::Listing(carol.id()))
    else {
        panic!("no listing")
    };
    let Response::Answer(Answer::Card(card, attestations)) = world.ask(BOB, Question::Card(carol.id()))
    else {
        panic!("no card")
    };
    let alice = world.patient(ALICE, "Alice");
    let alice =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(63)).unwrap();
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Directory(listed, _)) = response {
            listed[0].card = casevault::codec::encode(&card).into();
            listed[0].attestations = attestations.clone();
            listed[0].listing = unlisted.clone();
        }
    });
    assert_eq!(alice.directory(Looking::for_doctors()).unwrap_err().code(), "tampered-answer");
}

#[test]
fn submissions_that_fail_use_up_no_number_of_the_directory() {
    let world = World::new();
    let bob = world.doctor(BOB, "Bob");
    let listing = |seed: u8| {
        let statement = ListingStatement {
            vault: world.vault.trust().vault,
            party: keyring(seed).party(),
            listing: Listing::new("Dr. Sparrow"),
            at: world.clock.now(),
        };
        Signed::sign(&statement, keyring(seed).signer())
    };
    let statement = listing(BOB);
    let event = world.event(Principal::Party(bob.id()), Verb::List, 1);
    let event = event.with(|step| Step { subject: Some(statement.digest()), ..step });
    let good = Part { enclosure: Some(Enclosure::Listing(statement)), ..signed(BOB, &event) };
    let bad = signed(BOB, &world.event(Principal::Party(bob.id()), Verb::List, 2));
    for _ in 0..3000 {
        assert!(!is_accepted(&world.submit(Some(world.sender(BOB)), vec![good.clone(), bad.clone()])));
    }
    for seed in 110..118u8 {
        world.doctor(seed, "someone").list(&Listing::new("Dr. Wren")).unwrap();
    }
    // Numbers are drawn among twice as many as there are, and a thousand at the least.
    let alice = world.patient(ALICE, "Alice");
    let mut after = None;
    loop {
        let looking = Looking::for_doctors().at_most(1);
        let page = alice.directory(after.map_or(looking.clone(), |next| looking.after(next))).unwrap();
        after = page.next;
        match after {
            Some(number) => assert!(number < 1024, "{number}"),
            None => break,
        }
    }
}

/// What is handed in, and by which owner, if by one.
type Tried = (&'static str, Option<u8>, Part);

fn party(seed: u8) -> Principal {
    Principal::Party(keyring(seed).party())
}

fn rulings_by_hand(world: &World, case: FolderId) -> Vec<Tried> {
    let the_case = |op, via: Option<u8>| {
        let part = ruling(world, REGISTRAR, Principal::Folder(case), op);
        let Some(Enclosure::Ruling(signed, _)) = part.enclosure else { panic!("no ruling") };
        let via = via.map(|seed| keyring(seed).party());
        Part { enclosure: Some(Enclosure::Ruling(signed, via)), ..part }
    };
    let of_another = || {
        let Some(Enclosure::Ruling(signed, via)) = ruling(world, BOB, party(ALICE), 18).enclosure else {
            panic!("no ruling")
        };
        let part = of_office(world, REGISTRAR, (party(ALICE), Verb::Rule, 18), signed.digest());
        Part { enclosure: Some(Enclosure::Ruling(signed, via)), ..part }
    };
    vec![
        ("a doctor rules", None, ruling(world, BOB, party(ALICE), 1)),
        ("a patient rules on himself", None, ruling(world, DAVE, party(DAVE), 2)),
        ("a patient rules on himself, as the owner", Some(DAVE), ruling(world, DAVE, party(DAVE), 3)),
        ("a case found by whom it was not granted to", None, the_case(4, Some(CAROL))),
        ("a case found by its owner", None, the_case(5, Some(ALICE))),
        ("a case without a way to it", None, the_case(6, None)),
        (
            "nothing where a ruling belongs",
            None,
            Part { enclosure: None, ..ruling(world, REGISTRAR, party(ALICE), 17) },
        ),
        ("a ruling that another signed", None, of_another()),
    ]
}

fn letters_by_hand(world: &World, case: FolderId, report: Digest) -> Vec<Tried> {
    let who_is = casevault::crypto::kdf::digest(Label::Reveal, &[case.as_bytes()]);
    let open = |(reader, owner): (u8, u8), op: u8, subject: Digest| {
        of_office(world, reader, (party(owner), Verb::Open, op), subject)
    };
    let asking = |part: Part| Part { enclosure: Some(Enclosure::WhoIs(case)), ..part };
    vec![
        ("a report, by the reported", None, open((ALICE, BOB), 7, report)),
        ("a report, by its author as an office", Some(BOB), open((BOB, BOB), 8, report)),
        ("a report, by a patient who asks who he is", None, asking(open((ALICE, BOB), 9, report))),
        ("a report, in another's place", None, open((REGISTRAR, ALICE), 10, report)),
        ("who the doctor of another's case is", None, asking(open((DAVE, BOB), 11, who_is))),
        ("who another doctor is", None, asking(open((ALICE, CAROL), 12, who_is))),
    ]
}

fn listings_by_hand(world: &World, case: FolderId) -> Vec<Tried> {
    let listing = |seed: u8, op: u8| {
        let statement = ListingStatement {
            vault: world.vault.trust().vault,
            party: keyring(seed).party(),
            listing: Listing::new("Dr. Wren"),
            at: world.clock.now(),
        };
        let statement = Signed::sign(&statement, keyring(seed).signer());
        let part = of_office(world, seed, (party(seed), Verb::List, op), statement.digest());
        Part { enclosure: Some(Enclosure::Listing(statement)), ..part }
    };
    let misplaced = Part { enclosure: Some(Enclosure::WhoIs(case)), ..listing(BOB, 16) };
    vec![
        ("a patient is listed", Some(DAVE), listing(DAVE, 14)),
        ("another's listing", Some(BOB), listing(CAROL, 15)),
        ("a question where a listing belongs", Some(BOB), misplaced),
    ]
}

#[test]
fn a16_messages_of_who_may_not_are_refused_whatever_they_enclose() {
    let world = World::new();
    let office = world.office();
    let (alice, _dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let (bob, _carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.write_name("Bob").unwrap();
    bob.list(&Listing::new("Dr. Sparrow").reveals(Reveal::NameOnly)).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap().identity().unwrap();
    let report = bob.report(Principal::Party(alice.id()), ABUSE, "x").unwrap();
    let lengths = || [ALICE, BOB, CAROL, DAVE].map(|seed| world.stream(seed).len());
    let before = lengths();
    let mut tried = rulings_by_hand(&world, case.id());
    tried.extend(letters_by_hand(&world, case.id(), report));
    tried.extend(listings_by_hand(&world, case.id()));
    for (what, sender, part) in tried {
        let answer = world.submit(sender.map(|seed| world.sender(seed)), vec![part]);
        assert!(!is_accepted(&answer), "{what}");
    }
    assert_eq!(lengths(), before, "nothing was written in any stream");
    // What was taken once is not taken again: a report, a listing, that a name was told, a registrar's word.
    for (seed, verb) in [(BOB, Verb::Report), (BOB, Verb::List), (BOB, Verb::Reveal), (ALICE, Verb::Attest)] {
        let mut events = world.stream(seed).into_iter().map(|streamed| streamed.event);
        let event = events.find(|event| event.claimed_step().unwrap().verb == verb).unwrap();
        for owner in [None, Some(BOB), Some(ALICE), Some(CAROL)] {
            let sender = owner.map(|owner| world.sender(owner));
            drop(world.submit(sender, vec![Part::of(event.clone())]));
        }
    }
    assert_eq!(lengths(), before);
    assert_eq!(waiting(&office, Errand::Report).len(), 1);
}
