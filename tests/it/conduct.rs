//! A strict credit system: reports, rulings, appeals, limits; and the reported never learns the reporter.

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Category, Petition, Severity, Standing},
    custodian::Errand,
    error::{Error, Misuse},
    event::{Principal, Verb},
    party::{Owner, Patient, Registrar, Role},
    record::Kind,
    session::{ReadPetition, Sentence, Session, Waiting},
    time::days,
};

use crate::world::{ALICE, BOB, CAROL, DAVE, REGISTRAR, World, keyring};

const SECOND: u8 = 40;

fn office(world: &World, seed: u8) -> Session<'_, Registrar> {
    Session::<Registrar>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed))
        .unwrap()
}

fn waiting(office: &Session<'_, Registrar>, errand: Errand) -> Vec<Waiting> {
    office.queue(errand).collect::<Result<_, _>>().unwrap()
}

fn first(office: &Session<'_, Registrar>, errand: Errand) -> ReadPetition {
    office.read(&waiting(office, errand)[0]).unwrap()
}

fn standing<R: Owner>(session: &Session<'_, R>) -> Standing {
    session.standing().unwrap().standing
}

const ABUSE: (Category, Severity) = (Category::Abuse, Severity::Serious);

#[test]
fn a_report_is_read_by_registrars_and_a_strike_suspends_until_it_ends() {
    let world = World::new();
    let office = world.office();
    let (alice, bob, carol) =
        (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    bob.report(Principal::Party(alice.id()), ABUSE, "she threatened me").unwrap();
    let report = first(&office, Errand::Report);
    let Petition::Report(said) = &report.petition else { panic!("no report") };
    assert_eq!(
        (report.author, said.reported, said.text.as_str()),
        (bob.id(), Principal::Party(alice.id()), "she threatened me")
    );
    let until = world.in_days(30);
    office.uphold(&report, Sentence::new(Category::Abuse, 3, until)).unwrap();
    assert!(waiting(&office, Errand::Report).is_empty());
    assert!(matches!(office.dismiss(&report), Err(Error::Misuse(Misuse::NotWaiting))));

    let told = alice.standing().unwrap();
    assert_eq!((told.standing, told.until), (Standing::Suspended, Some(until)));
    let words = told.to_string();
    assert!(
        words.contains("suspended until") && words.contains("abuse") && words.contains("appeal"),
        "{words}"
    );
    assert!(matches!(alice.open_case("another"), Err(Error::Denied)), "no new case");
    assert!(matches!(alice.opinion(&case, carol.id(), Terms::opinion()), Err(Error::Denied)), "nobody new");
    // What is open stays open, to both sides.
    alice.write(&case, Kind::Note, "still itching").unwrap();
    assert_eq!(bob.open(&his).unwrap().records().unwrap().len(), 2);
    // It ends when it ends.
    world.clock.set(until);
    assert_eq!(standing(&alice), Standing::Good);
    alice.open_case("another").unwrap();
    // Who reported sees that it was read and answered.
    let verbs: Vec<Verb> = bob.history().unwrap().into_iter().rev().take(3).map(|line| line.verb).collect();
    assert_eq!(verbs, [Verb::Rule, Verb::Open, Verb::Report]);
}

#[test]
fn a_standing_that_a_later_strike_goes_on_with_ends_when_that_one_does() {
    let world = World::new();
    let (office, alice) = (world.office(), world.patient(ALICE, "Alice"));
    let (ends, goes_on) = (world.in_days(10), world.in_days(15));
    office.strike(alice.id(), Sentence::new(Category::Waste, 3, ends)).unwrap();
    office.strike(alice.id(), Sentence::new(Category::Waste, 3, goes_on).from(world.in_days(5))).unwrap();
    let told = || alice.standing().map(|told| (told.standing, told.until)).unwrap();
    assert_eq!(told(), (Standing::Suspended, Some(goes_on)));
    world.clock.advance(days(5));
    assert_eq!(told(), (Standing::Barred, Some(ends)));
    world.clock.set(ends);
    assert_eq!(told(), (Standing::Suspended, Some(goes_on)));
    world.clock.set(goes_on);
    assert_eq!(told(), (Standing::Good, None));
}

#[test]
fn a_suspended_doctor_receives_no_new_grant_and_a_barred_one_opens_nothing_of_others() {
    let world = World::new();
    let office = world.office();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let (case, other) = (alice.open_case("one").unwrap(), alice.open_case("two").unwrap());
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    office.strike(bob.id(), Sentence::new(Category::Malpractice, 3, world.in_days(9))).unwrap();
    assert!(matches!(alice.assign(&other, bob.id(), Terms::treatment()), Err(Error::Denied)));
    bob.open(&his).unwrap().identity().unwrap();
    bob.write(&his, Kind::Note, "to be continued").unwrap();
    office.strike(bob.id(), Sentence::new(Category::Fraud, 3, world.in_days(5))).unwrap();
    assert_eq!(standing(&bob), Standing::Barred);
    assert!(matches!(bob.open(&his), Err(Error::Denied)));
    assert!(matches!(bob.write(&his, Kind::Note, "no more"), Err(Error::Denied)));
    assert!(matches!(bob.report(Principal::Party(alice.id()), ABUSE, "revenge"), Err(Error::Denied)));
    // What is his own stays his.
    bob.open(&bob.identity_folder().unwrap()).unwrap();
    bob.write_identity("Bob, barred").unwrap();
    bob.verify_stream().unwrap();
    // To the other side it is open, and is taken back.
    alice.write(&case, Kind::Note, "where are you?").unwrap();
    alice.revoke(&case, bob.id()).unwrap();
    world.clock.advance(days(5));
    assert_eq!(standing(&bob), Standing::Suspended);
}

#[test]
fn an_appeal_is_decided_by_another_registrar() {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    let world = World::with(Policy::trusting(&cards));
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let until = world.in_days(30);
    let ruling = one.strike(alice.id(), Sentence::new(Category::Waste, 6, until)).unwrap();
    let theirs = one.strike(dave.id(), Sentence::new(Category::Waste, 3, until)).unwrap();
    assert_eq!(standing(&alice), Standing::Barred);
    alice.appeal(ruling, "I was in hospital").unwrap();
    let appeal = first(&one, Errand::Appeal);
    assert!(matches!(one.lift(&appeal), Err(Error::Denied)), "not by who ruled");
    assert!(matches!(one.confirm(&appeal), Err(Error::Denied)));
    assert!(matches!(
        other.uphold(&appeal, Sentence::new(Category::Waste, 1, until)),
        Err(Error::Misuse(Misuse::NotWaiting))
    ));
    other.lift(&appeal).unwrap();
    assert_eq!(standing(&alice), Standing::Good);
    assert!(alice.standing().unwrap().strikes[0].is_lifted);
    alice.open_case("back").unwrap();

    // A refusal leaves the strike, and says so; another's ruling is nobody's to appeal away.
    dave.appeal(ruling, "hers, mine, whose").unwrap();
    let foreign = first(&other, Errand::Appeal);
    assert!(matches!(other.lift(&foreign), Err(Error::Denied)));
    other.dismiss(&foreign).unwrap();
    dave.appeal(theirs, "mine").unwrap();
    other.confirm(&first(&other, Errand::Appeal)).unwrap();
    assert_eq!(standing(&dave), Standing::Suspended);
    assert!(dave.standing().unwrap().to_string().contains("an appeal was refused"));
}

#[test]
fn an_appeal_that_was_decided_is_decided_once() {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    let world = World::with(Policy::trusting(&cards));
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let alice = world.patient(ALICE, "Alice");
    let ruling = one.strike(alice.id(), Sentence::new(Category::Waste, 3, world.in_days(9))).unwrap();
    alice.appeal(ruling, "I was in hospital").unwrap();
    let appeal = first(&other, Errand::Appeal);
    other.confirm(&appeal).unwrap();
    for again in [other.lift(&appeal), other.confirm(&appeal), other.dismiss(&appeal)] {
        assert!(matches!(again, Err(Error::Misuse(Misuse::NotWaiting))), "{again:?}");
    }
    assert_eq!(standing(&alice), Standing::Suspended);
}

#[test]
fn what_was_answered_is_struck_for_by_nobody_who_read_it_before() {
    let cards = [REGISTRAR, SECOND].map(|seed| keyring(seed).card(Role::Registrar));
    let world = World::with(Policy::trusting(&cards));
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let sentence = Sentence::new(Category::Abuse, 3, world.in_days(9));
    bob.report(Principal::Party(alice.id()), ABUSE, "she was rude").unwrap();
    bob.report(Principal::Party(alice.id()), ABUSE, "and again").unwrap();
    let read: Vec<_> =
        waiting(&one, Errand::Report).iter().map(|waiting| one.read(waiting).unwrap()).collect();
    other.dismiss(&read[0]).unwrap();
    other.uphold(&read[1], Sentence::new(Category::Abuse, 1, world.in_days(9))).unwrap();
    for read in &read {
        assert!(matches!(one.uphold(read, sentence), Err(Error::Misuse(Misuse::NotWaiting))));
        let as_false = one.dismiss_as_false(read, (3, world.in_days(9)));
        assert!(matches!(as_false, Err(Error::Misuse(Misuse::NotWaiting))));
    }
    assert_eq!((standing(&alice), standing(&bob)), (Standing::Warned, Standing::Good));
}

#[test]
fn false_reporters_get_strikes_too() {
    let world = World::new();
    let office = world.office();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    alice
        .report(Principal::Party(bob.id()), (Category::Impersonation, Severity::Grave), "not a doctor")
        .unwrap();
    let report = first(&office, Errand::Report);
    office.dismiss_as_false(&report, (3, world.in_days(10))).unwrap();
    assert_eq!((standing(&alice), standing(&bob)), (Standing::Suspended, Standing::Good));
    assert_eq!(alice.standing().unwrap().strikes[0].strike.category, Category::FalseReport);
    assert!(bob.history().unwrap().iter().all(|line| line.verb != Verb::Rule), "nothing reached the doctor");
}

#[test]
fn the_owner_of_a_case_is_ruled_on_without_the_registrar_learning_whose_it_is() {
    let world = World::new();
    let office = world.office();
    let (alice, carol) = (world.patient(ALICE, "Alice"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    let hers = carol.cases().unwrap().remove(0);
    carol.report(Principal::Folder(hers.id()), ABUSE, "abuse in the notes").unwrap();
    let report = first(&office, Errand::Report);
    let sentence = Sentence::new(Category::Abuse, 3, world.in_days(3));
    let ruling = office.uphold(&report, sentence).unwrap();
    assert_eq!(standing(&alice), Standing::Suspended);
    assert_eq!(alice.standing().unwrap().strikes[0].strike.ruling, ruling);
    // A case that was not granted to who reports it leads to nobody.
    carol.report(Principal::Folder(casevault::id::FolderId::from_bytes([9; 32])), ABUSE, "made up").unwrap();
    assert!(matches!(office.uphold(&first(&office, Errand::Report), sentence), Err(Error::Denied)));
}

#[test]
fn limits_on_cases_a_day_on_reports_and_on_idle_cases() {
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)])
        .open_cases_max(3)
        .new_cases_a_day_max(4)
        .reports_a_day_max(2)
        .cases_lapse_after(days(30));
    let world = World::with(policy);
    drop(world.office());
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let mut cases: Vec<_> = (0..3).map(|_| alice.open_case("one of three").unwrap()).collect();
    assert!(matches!(alice.open_case("a fourth"), Err(Error::Denied)), "three are open");
    alice.close_case(&cases[0]).unwrap();
    cases.push(alice.open_case("the fourth today").unwrap());
    alice.close_case(&cases[1]).unwrap();
    assert!(matches!(alice.open_case("a fifth today"), Err(Error::Denied)), "four today");
    world.clock.advance(days(1));
    alice.open_case("tomorrow").unwrap();

    for _ in 0..2 {
        bob.report(Principal::Party(alice.id()), ABUSE, "again").unwrap();
    }
    assert!(matches!(bob.report(Principal::Party(alice.id()), ABUSE, "and again"), Err(Error::Denied)));
    world.clock.advance(days(1));
    bob.report(Principal::Party(alice.id()), ABUSE, "tomorrow").unwrap();

    // Idle cases lapse: nothing is added, nobody new is let in, they are read, and count no more.
    alice.assign(&cases[2], bob.id(), Terms::treatment().until(world.in_days(90))).unwrap();
    let his = bob.cases().unwrap().remove(0);
    world.clock.advance(days(29));
    bob.write(&his, Kind::Note, "keeps it alive").unwrap();
    world.clock.advance(days(29));
    bob.open(&his).unwrap();
    world.clock.advance(days(1));
    assert!(matches!(bob.write(&his, Kind::Note, "too late"), Err(Error::Denied)));
    assert!(matches!(
        alice.write(&cases[2], Kind::Note, "too late"),
        Err(Error::Misuse(Misuse::Lapsed | Misuse::Closed))
    ));
    assert!(alice.own_cases().unwrap().iter().all(|case| case.is_closed()));
    assert!(alice.assign(&cases[2], bob.id(), Terms::treatment()).is_err());
    bob.open(&his).unwrap();
    for _ in 0..3 {
        alice.open_case("anew").unwrap();
    }
    assert!(matches!(alice.open_case("a fourth"), Err(Error::Denied)));
}

#[test]
fn a_lapsed_case_stays_lapsed_when_a_doctor_is_left_out_of_it() {
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]).cases_lapse_after(days(30));
    let world = World::with(policy);
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let is_closed = || alice.own_cases().unwrap()[0].is_closed();
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(60))).unwrap();
    world.clock.advance(days(29));
    assert!(!is_closed());
    world.clock.advance(days(1));
    assert!(is_closed());
    alice.revoke(&case, bob.id()).unwrap();
    assert!(is_closed());
    assert!(matches!(alice.write(&case, Kind::Note, "too late"), Err(Error::Misuse(Misuse::Lapsed))));
}

#[test]
fn closing_a_case_that_has_lapsed_makes_no_room_for_another() {
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)])
        .open_cases_max(2)
        .cases_lapse_after(days(30));
    let world = World::with(policy);
    let alice = world.patient(ALICE, "Alice");
    let idle = alice.open_case("an old one").unwrap();
    world.clock.advance(days(30));
    for _ in 0..2 {
        alice.open_case("one of two").unwrap();
    }
    alice.close_case(&idle).unwrap();
    assert!(matches!(alice.open_case("a third"), Err(Error::Denied)));
}

#[test]
fn what_a_doctor_writes_keeps_a_case_alive_for_the_patient_too() {
    let policy = Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]).cases_lapse_after(days(30));
    let world = World::with(policy);
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(60))).unwrap();
    alice.own_cases().unwrap();
    world.clock.advance(days(29));
    bob.write(&bob.cases().unwrap()[0], Kind::Note, "come back in a month").unwrap();
    world.clock.advance(days(29));
    alice.write(&case, Kind::Note, "it is gone").unwrap();
}

#[test]
fn a_doctor_shuts_patients_out_and_takes_no_new_cases_when_he_says_so() {
    let world = World::new();
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let bob = world.doctor(BOB, "Bob");
    let (hers, his) = (alice.open_case("hers").unwrap(), dave.open_case("his").unwrap());
    alice.assign(&hers, bob.id(), Terms::treatment()).unwrap();
    bob.accept_new_cases(false).unwrap();
    assert!(matches!(dave.assign(&his, bob.id(), Terms::treatment()), Err(Error::Denied)));
    alice.assign(&hers, bob.id(), Terms::treatment().until(world.in_days(60))).unwrap();
    bob.accept_new_cases(true).unwrap();
    dave.opinion(&his, bob.id(), Terms::opinion()).unwrap();

    // By the case alone: who it is, he does not know.
    let case = bob.cases().unwrap().into_iter().find(|case| case.id() == his.id()).unwrap();
    bob.shut_out(Principal::Folder(case.id())).unwrap();
    let another = dave.open_case("another").unwrap();
    assert!(matches!(dave.assign(&another, bob.id(), Terms::treatment()), Err(Error::Denied)));
    alice.assign(&hers, bob.id(), Terms::treatment().until(world.in_days(70))).unwrap();
    bob.open(&case).unwrap();
    bob.let_in(Principal::Folder(case.id())).unwrap();
    dave.assign(&another, bob.id(), Terms::treatment()).unwrap();
    let nowhere = Principal::Folder(casevault::id::FolderId::from_bytes([9; 32]));
    assert!(matches!(bob.shut_out(nowhere), Err(Error::Denied)));
}

#[test]
fn a_report_cannot_be_traced_from_the_reporteds_side() {
    use crate::custodians::Recording;
    let world = World::new();
    let office = world.office();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let watched =
        Session::<Patient>::sign_in_with(&recording, keyring(ALICE), alice.memory(), world.tools(61))
            .unwrap();
    let case = watched.open_case("rash").unwrap();
    watched.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let report = bob.report(Principal::Party(alice.id()), ABUSE, "Quillfeather").unwrap();
    let before = recording.messages().len();
    let length = world.stream(ALICE).len();
    // Reported, read, dismissed: nothing at all changes for the reported.
    office.dismiss(&first(&office, Errand::Report)).unwrap();
    assert_eq!(world.stream(ALICE).len(), length);
    world.clock.advance(days(3));
    let second = bob.report(Principal::Party(alice.id()), ABUSE, "Quillfeather").unwrap();
    office
        .uphold(&first(&office, Errand::Report), Sentence::new(Category::Abuse, 1, world.in_days(9)))
        .unwrap();
    watched.standing().unwrap();
    for line in watched.history().unwrap() {
        let words = format!("{line}");
        assert!(!words.contains("report"), "{words}");
        if line.verb == Verb::Rule {
            assert!(
                !words.contains(&bob.id().to_string()) && !words.contains(&office.id().to_string()),
                "{words}"
            );
        }
    }
    let mut seen: Vec<u8> = Vec::new();
    for (_, answer) in &recording.messages()[before..] {
        seen.extend(answer);
    }
    for secret in [report.as_bytes().as_slice(), second.as_bytes(), b"Quillfeather"] {
        assert!(!seen.windows(secret.len()).any(|window| window == secret), "a trace of the report");
    }
    // Of the reporter the reported sees what she saw before: the doctor's id in her own grants, and in no ruling.
    let rulings = office.rulings(alice.id()).unwrap();
    assert_eq!(rulings.len(), 1);
    let bytes = casevault::codec::encode(&rulings[0]);
    assert!(!bytes.windows(32).any(|window| window == bob.id().as_bytes()));
}

#[test]
fn a17_a_ruling_that_is_left_out_or_made_up_is_noticed() {
    use casevault::custodian::{Answer, Response};
    let world = World::new();
    let office = world.office();
    let between = crate::custodians::Tampering::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    for _ in 0..2 {
        office.strike(alice.id(), Sentence::new(Category::Waste, 1, world.in_days(5))).unwrap();
    }
    let alice =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(62)).unwrap();
    assert_eq!(alice.standing().unwrap().strikes.len(), 2);
    between.changing(|_, response| {
        if let Response::Answer(Answer::Rulings(rulings, _)) = response {
            rulings.pop();
        }
    });
    assert_eq!(alice.standing().unwrap_err().code(), "tampered-stream");
    let forged = {
        let mut statement = office.rulings(alice.id()).unwrap().remove(0);
        statement.ruling = casevault::id::RulingId::from_bytes([9; 16]);
        casevault::crypto::Signed::sign(&statement, keyring(66).signer())
    };
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Rulings(rulings, _)) = response {
            rulings.push(forged.clone());
        }
    });
    assert_eq!(alice.standing().unwrap_err().code(), "tampered-stream");
}

#[test]
fn an_unvetted_party_reports_nobody_and_a_text_has_its_limit() {
    let world = World::new();
    drop(world.office());
    let bob = world.doctor(BOB, "Bob");
    let mallory = world.enrol::<Patient>(66, "Mallory");
    assert!(matches!(mallory.report(Principal::Party(bob.id()), ABUSE, "x"), Err(Error::Denied)));
    let long = "x".repeat(casevault::limits::PETITION_BYTES_MAX + 1);
    assert!(matches!(
        bob.report(Principal::Party(mallory.id()), ABUSE, &long),
        Err(Error::Misuse(Misuse::TooMuch))
    ));
    let most = "x".repeat(casevault::limits::PETITION_BYTES_MAX);
    bob.report(Principal::Party(mallory.id()), ABUSE, &most).unwrap();
    let office = world.office();
    let Petition::Report(read) = first(&office, Errand::Report).petition else { panic!("no report") };
    assert_eq!(read.text, most);
}

#[test]
fn without_a_key_of_the_registrars_nothing_is_sealed_for_nobody() {
    let world = World::new();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let reported = alice.report(Principal::Party(alice.id()), ABUSE, "x");
    assert!(matches!(reported, Err(Error::Misuse(Misuse::NoRegistry))), "{reported:?}");
}
