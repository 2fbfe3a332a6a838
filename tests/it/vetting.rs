//! Every doctor a doctor, every patient a patient: vetting from both sides, and who may not.

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Attestation, Checked, Coding, PersonId, Reveal},
    custodian::Errand,
    error::{Error, Misuse},
    event::{Principal, Verb},
    folder::FolderKind,
    party::{Auditor, Doctor, Patient, Registrar, Role},
    record::Kind,
    session::{Entry, Session, Waiting},
    time::{Clock, days},
};

use crate::world::{ALICE, BOB, CAROL, DAVE, Profile, REGISTRAR, World, keyring, profile};

const SECOND: u8 = 40;

/// A vault of two registrars, both of whom must attest.
fn two() -> World {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    World::with(Policy::trusting(&cards).registrars_needed(2))
}

fn office(world: &World, seed: u8) -> Session<'_, Registrar> {
    Session::<Registrar>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed))
        .unwrap()
}

fn waiting(office: &Session<'_, Registrar>, errand: Errand) -> Vec<Waiting> {
    office.queue(errand).collect::<Result<_, _>>().unwrap()
}

fn licence() -> Vec<Entry> {
    vec![
        Entry::of_bytes(Kind::Licence, "image/png", b"licence 4711".to_vec()).unwrap(),
        Entry::new(Kind::Application, "cardiology, GB").unwrap(),
    ]
}

#[test]
fn a_doctor_is_vetted_by_papers_and_a_check_list_stands_behind_it() {
    let world = World::new();
    let office = world.office();
    let bob = world.enrol::<Doctor>(BOB, "Bob Brandt");
    bob.apply(licence()).unwrap();
    let queue = waiting(&office, Errand::Application);
    assert_eq!(queue.iter().map(|one| one.party).collect::<Vec<_>>(), [bob.id()]);
    let papers = office.papers(bob.id()).unwrap();
    let name: Profile = papers.identity.as_identity().unwrap().profile().unwrap();
    assert_eq!(name.name, "Bob Brandt");
    let licence = papers.credentials.unwrap().records_of(Kind::Licence).unwrap().remove(0);
    let paper = licence.content().bytes();
    let checks = office
        .check_list()
        .passed(Checked::Licence, Some(paper), "seen beside the register")
        .passed(Checked::Person, None, "video call");
    let evidence = checks.evidence(paper);
    let cardiology = Coding::snomed("394579002", "Cardiology");
    let attestation = Attestation::doctor(cardiology.clone()).jurisdiction("GB").checks(checks);
    office.attest(bob.id(), attestation).unwrap();
    assert!(waiting(&office, Errand::Application).is_empty());
    let (_, vouched) = office.vouched(bob.id()).unwrap();
    assert_eq!(
        (vouched.specialties.as_slice(), vouched.jurisdiction.as_str()),
        ([cardiology].as_slice(), "GB")
    );
    let lists = office.check_lists(bob.id()).unwrap();
    assert_eq!(lists.len(), 1);
    assert!(lists[0].1.is_passed() && lists[0].1.checks()[0].evidence == Some(evidence));
    // What the registrar read stands in the doctor's own history: two folders, the list, and the folder once more to attest.
    let read = bob.history().unwrap().into_iter().filter(|line| line.role == Some(Role::Registrar));
    let verbs: Vec<String> = read.map(|line| line.verb.to_string()).collect();
    assert_eq!(verbs, ["opened", "opened", "opened", "attested", "opened"]);
}

#[test]
fn a9_vetting_ends_the_registrars_access_at_once_and_for_ever() {
    let world = World::new();
    let office = world.office();
    let bob = world.enrol::<Doctor>(BOB, "Bob Brandt");
    bob.apply(licence()).unwrap();
    office.papers(bob.id()).unwrap();
    office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    // At once, with the custodian.
    assert!(matches!(office.papers(bob.id()), Err(Error::Denied)));
    assert!(matches!(office.attest(bob.id(), Attestation::doctor("surgery")), Err(Error::Denied)));
    for applicant in office.applicants().unwrap() {
        assert!(matches!(office.open(applicant.identity()), Err(Error::Denied)));
    }
    // For ever, by the keys: after the doctor's next session.
    let bob =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), bob.memory(), world.tools(50)).unwrap();
    assert!(bob.who_has_access().unwrap().is_empty());
    assert!(office.applicants().unwrap().is_empty());
    // Vetting anew is a new grant, and ends again.
    world.clock.advance(days(1));
    bob.ask_to_be_vetted().unwrap();
    assert_eq!(waiting(&office, Errand::Application).len(), 1);
    assert!(office.papers(bob.id()).unwrap().credentials.is_some());
    office.attest(bob.id(), Attestation::doctor("surgery")).unwrap();
    assert!(matches!(office.papers(bob.id()), Err(Error::Denied)));
    assert_eq!(office.vouched(bob.id()).unwrap().1.specialty, "surgery");
}

#[test]
fn as_many_registrars_attest_as_the_policy_says_each_by_his_own_look() {
    let world = two();
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    one.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    assert!(one.vouched(bob.id()).is_err(), "one is not enough");
    assert_eq!(waiting(&other, Errand::Application).len(), 1, "and so he waits");
    one.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    assert!(one.vouched(bob.id()).is_err(), "nor is one twice");
    other.papers(bob.id()).unwrap();
    other.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    assert!(one.vouched(bob.id()).is_ok());
    assert!(waiting(&one, Errand::Application).is_empty());
    assert!(matches!(one.papers(bob.id()), Err(Error::Denied)));
    other.withdraw(bob.id()).unwrap();
    assert!(one.vouched(bob.id()).is_err());
}

#[test]
fn who_is_vetted_anew_waits_until_as_many_have_looked_anew_as_must() {
    let world = two();
    let offices = [office(&world, REGISTRAR), office(&world, SECOND)];
    let attest = |office: &Session<'_, Registrar>, party| {
        office.attest(party, Attestation::doctor("cardiology")).unwrap();
    };
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    offices.iter().for_each(|office| attest(office, bob.id()));
    assert!(waiting(&offices[0], Errand::Application).is_empty());
    world.clock.advance(days(300));
    bob.ask_to_be_vetted().unwrap();
    attest(&offices[0], bob.id());
    // The other's word of before holds still, and ends before long.
    assert!(offices[0].vouched(bob.id()).is_ok());
    assert_eq!(waiting(&offices[1], Errand::Application).len(), 1);
    attest(&offices[1], bob.id());
    assert!(waiting(&offices[1], Errand::Application).is_empty());
}

#[test]
fn who_asks_waits_also_when_the_registrars_may_look_still() {
    let world = World::new();
    let office = world.office();
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    let ends = world.in_days(2);
    office.attest(bob.id(), Attestation::doctor("cardiology").until(ends)).unwrap();
    let asks = || {
        assert!(waiting(&office, Errand::Application).is_empty() && office.vouched(bob.id()).is_err());
        bob.ask_to_be_vetted().unwrap();
        assert_eq!(waiting(&office, Errand::Application).len(), 1);
    };
    // No session of his came between: the grant of his enrolment is of the present key.
    world.clock.set(ends);
    asks();
    office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    office.withdraw(bob.id()).unwrap();
    asks();
    office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    assert!(waiting(&office, Errand::Application).is_empty() && office.vouched(bob.id()).is_ok());
}

#[test]
fn whose_attestation_was_withdrawn_waits_when_she_asks_and_not_by_a_new_key() {
    let world = World::new();
    let office = world.office();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let case = alice.open_case("rash").unwrap();
    office.withdraw(alice.id()).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(1))).unwrap();
    world.clock.advance(days(2));
    let before = world.stream(ALICE).len();
    alice.settle().unwrap();
    assert!(world.stream(ALICE).len() > before, "her identity has a new key, without the doctor");
    assert!(waiting(&office, Errand::Application).is_empty());
    alice.ask_to_be_vetted().unwrap();
    assert_eq!(waiting(&office, Errand::Application).len(), 1);
}

#[test]
fn what_a_session_granted_itself_it_settles_too() {
    let world = World::new();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let case = alice.open_case("rash").unwrap();
    alice.settle().unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion().until(world.in_days(1))).unwrap();
    world.clock.advance(days(2));
    alice.settle().unwrap();
    let steps = world.stream(ALICE).into_iter().map(|streamed| streamed.event.claimed_step().unwrap());
    let newest = steps.rev().find(|step| step.folder == Some(case.id()) && !step.grants.is_empty()).unwrap();
    assert_eq!((newest.verb, newest.grants.len()), (Verb::Rotate, 1), "a new key, for her alone");
}

#[test]
fn a_withdrawn_doctor_opens_nothing_and_whom_it_concerns_is_listed() {
    let world = World::new();
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let other = dave.open_case("cough").unwrap();
    dave.opinion(&other, bob.id(), Terms::opinion().until(world.in_days(1))).unwrap();
    world.clock.advance(days(2));
    let his = bob.cases().unwrap();
    bob.open(&his[0]).unwrap();
    let concerned = world.office().withdraw(bob.id()).unwrap();
    let owners: Vec<_> = concerned.iter().map(|concerned| concerned.owner).collect();
    assert_eq!(owners, [alice.id(), alice.id()], "the case and the identity; what has ended concerns nobody");
    assert!(matches!(bob.open(&his[0]), Err(Error::Denied)));
    assert!(matches!(bob.write(&his[0], Kind::Note, "still here"), Err(Error::Denied)));
    assert!(matches!(
        alice.assign(&case, bob.id(), Terms::treatment()),
        Err(Error::Misuse(Misuse::NotAttested))
    ));
    assert!(matches!(world.office().withdraw(bob.id()), Err(Error::Misuse(Misuse::NotAttested))));
}

#[test]
fn a_doctor_for_whom_nobody_vouches_any_more_tells_no_patient_who_he_is() {
    let world = World::new();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let who = bob.open(&his).unwrap().identity().unwrap();
    bob.write_name("Dr. Robert Brandt").unwrap();
    world.office().withdraw(bob.id()).unwrap();
    assert!(matches!(bob.reveal(&his, &who, Reveal::NameOnly), Err(Error::Denied)));
    assert_eq!(alice.doctor(&case, bob.id()).unwrap().name(), None);
}

#[test]
fn one_person_has_one_live_card_of_a_role_and_a_new_card_inherits_the_standing() {
    let world =
        World::with(Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]).one_card_a_person());
    let office = world.office();
    let passport = |number: &str| PersonId::new("passport:GBR", number).unwrap();
    let (alice, again) = (world.enrol::<Patient>(ALICE, "Alice"), world.enrol::<Patient>(CAROL, "Alice A."));
    let twin = world.enrol::<Doctor>(DAVE, "Dr. Alice");
    assert!(
        office.attest(alice.id(), Attestation::patient()).is_err(),
        "the policy wants to know the person"
    );
    office.attest(alice.id(), Attestation::patient().person(passport("AB 123"))).unwrap();
    let same = || Attestation::patient().person(passport("ab-123"));
    assert!(matches!(office.attest(again.id(), same()), Err(Error::Misuse(Misuse::PersonKnown))));
    assert_eq!(office.find_person(&passport("AB123"), Role::Patient).unwrap(), Some(alice.id()));
    assert_eq!(office.find_person(&passport("AB123"), Role::Doctor).unwrap(), None);
    office.attest(twin.id(), Attestation::doctor("surgery").person(passport("AB123"))).unwrap();

    let until = world.in_days(30);
    office
        .strike(
            alice.id(),
            casevault::session::Sentence::new(casevault::credential::Category::Abuse, 3, until),
        )
        .unwrap();
    assert!(matches!(alice.open_case("more"), Err(Error::Denied)));
    office.succeed(alice.id(), again.id(), same()).unwrap();
    assert!(matches!(again.open_case("under another card"), Err(Error::Denied)), "the strike came along");
    let told = again.standing().unwrap();
    assert_eq!((told.standing, told.strikes.len()), (casevault::credential::Standing::Suspended, 1));
    assert_eq!(office.find_person(&passport("AB123"), Role::Patient).unwrap(), Some(again.id()));
    // The old card is dead, and does not come back beside the new one.
    let back = office.attest(alice.id(), same());
    assert!(matches!(back, Err(Error::Misuse(Misuse::PersonKnown))), "{back:?}");
    world.clock.set(until);
    again.open_case("after the strike").unwrap();
}

#[test]
fn a_registrar_attests_neither_himself_nor_another_role_than_the_cards() {
    let world = World::new();
    let office = world.office();
    assert!(office.attest(office.id(), Attestation::doctor("cardiology")).is_err());
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    for wrong in [Attestation::patient(), Attestation::auditor()] {
        assert!(matches!(office.attest(bob.id(), wrong), Err(Error::Misuse(Misuse::Role))));
    }
    let enrolled = Session::<Doctor>::enrol_with(
        &world.vault,
        keyring(REGISTRAR),
        &profile("registrar and doctor"),
        world.trusting(),
        world.tools(60),
    );
    assert!(enrolled.is_err(), "the same keys are not two parties");
}

#[test]
fn the_queue_is_read_in_pages_in_order_and_by_filter() {
    let world = World::new();
    let office = world.office();
    let mut expected = Vec::new();
    let mut middle = world.clock.now();
    for seed in 100..230u8 {
        if seed == 160 {
            middle = world.clock.now();
        }
        let party = if seed % 3 == 0 {
            world.enrol::<Doctor>(seed, "someone").id()
        } else {
            world.enrol::<Patient>(seed, "someone").id()
        };
        expected.push(party);
        world.clock.advance(std::time::Duration::from_secs(1));
    }
    let parties = |queue: casevault::session::Queue<'_, '_>| -> Vec<_> {
        queue.map(|waiting| waiting.unwrap().party).collect()
    };
    assert_eq!(parties(office.queue(Errand::Application)), expected);
    assert_eq!(parties(office.queue(Errand::Application).since(middle)), expected[60..]);
    assert_eq!(parties(office.queue(Errand::Application).until(middle)), expected[..60]);
    let doctors = parties(office.queue(Errand::Application).of_role(Role::Doctor));
    assert_eq!(doctors.len(), (100..230u8).filter(|seed| seed % 3 == 0).count());
}

#[test]
fn a16_a31_what_registrars_ask_is_not_there_for_others() {
    use casevault::custodian::{Question, Refusal, Response};
    let world = World::new();
    let bob = world.doctor(BOB, "Bob");
    let auditor = world.enrol::<Auditor>(30, "Audit");
    world.office().attest(auditor.id(), Attestation::auditor()).unwrap();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let tag = casevault::id::Digest::from_bytes([7; 32]);
    for seed in [ALICE, BOB, 30] {
        for question in [
            Question::Queue(Errand::Application, None, 10),
            Question::Queue(Errand::Report, None, 10),
            Question::Person(tag),
            Question::Proposals,
            Question::Application(alice.id()),
        ] {
            let answer = world.ask(seed, question.clone());
            assert_eq!(answer, Response::Refused(Refusal::Denied), "{seed}: {question:?}");
        }
    }
    // Rulings are one's own affair, and the supervisors'.
    let asked = |seed, party| matches!(world.ask(seed, Question::Rulings(party)), Response::Answer(_));
    assert!(asked(BOB, bob.id()) && asked(30, bob.id()) && asked(REGISTRAR, bob.id()));
    assert!(!asked(ALICE, bob.id()));
    // Absent and forbidden are the same.
    let nobody = casevault::id::PartyId::from_bytes([9; 32]);
    assert_eq!(world.ask(ALICE, Question::Rulings(bob.id())), world.ask(ALICE, Question::Rulings(nobody)));
}

#[test]
fn credentials_are_a_doctors_and_for_registrars_alone() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    bob.apply(licence()).unwrap();
    let folder = bob.credentials().unwrap().unwrap();
    assert_eq!(folder.kind(), FolderKind::Credentials);
    assert!(matches!(alice.open(&folder), Err(Error::Misuse(_) | Error::Denied | Error::Tampered(_))));
    assert_eq!(bob.open(&folder).unwrap().records().unwrap().len(), 2);
}

#[test]
fn a_refused_application_waits_no_more_and_what_was_shown_is_shut() {
    let world = two();
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let max = world.enrol::<Doctor>(BOB, "Max Mallory");
    max.apply(licence()).unwrap();
    let forged = one.check_list().failed(Checked::Licence, Some(b"licence 4711"), "not in the register");
    let refused = one.attest(max.id(), Attestation::doctor("cardiology").checks(forged.clone()));
    assert!(matches!(refused, Err(Error::Misuse(Misuse::ChecksFailed))));
    assert!(
        one.attest(max.id(), Attestation::doctor("cardiology").checks(one.check_list())).is_err(),
        "nothing was looked at"
    );
    one.refuse(max.id(), &forged).unwrap();
    assert!(waiting(&one, Errand::Application).is_empty());
    for office in [&one, &other] {
        assert!(matches!(office.papers(max.id()), Err(Error::Denied)));
        let noted = office.noted(max.id()).unwrap();
        assert_eq!(noted, [(one.id(), forged.clone())], "the next registrar sees why");
    }
    assert!(max.history().unwrap().iter().any(|line| line.to_string().contains("refused to attest you")));
    // His next session renews the keys without them; he may ask again, and shows himself anew.
    let max =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), max.memory(), world.tools(50)).unwrap();
    assert!(max.who_has_access().unwrap().is_empty());
    world.clock.advance(days(1));
    max.ask_to_be_vetted().unwrap();
    assert_eq!(waiting(&other, Errand::Application).len(), 1);
    for office in [&one, &other] {
        office.papers(max.id()).unwrap();
        office.attest(max.id(), Attestation::doctor("cardiology")).unwrap();
    }
    assert!(one.vouched(max.id()).is_ok());
    // Nobody but a registrar refuses anybody.
    let event = world.event(Principal::Party(max.id()), Verb::Refuse, 7);
    let bob = world.enrol::<Doctor>(CAROL, "Carol");
    let owner = Principal::Party(bob.id());
    let event = event.with(|step| casevault::event::Step { owner, subject: Some(forged.digest()), ..step });
    assert!(!crate::world::is_accepted(&world.submit(None, vec![crate::world::signed(BOB, &event)])));
}
