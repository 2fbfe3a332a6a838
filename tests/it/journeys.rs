//! Journeys: what people do with the vault, from end to end.

use casevault::{
    consent::Terms,
    error::Error,
    folder::Clearance,
    record::Kind,
    session::{Author, Entry},
};

use crate::world::{ALICE, BOB, CAROL, DAVE, Profile, World, profile};

#[test]
fn an_assigned_doctor_reads_the_case_and_the_name_and_writes_back() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice Liddell");
    let bob = world.doctor(BOB, "Bob Builder");
    let case = alice.open_case("cough for three weeks").unwrap();
    alice.write(&case, Kind::Complaint, "dry, worse at night").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(14))).unwrap();

    let cases = bob.cases().unwrap();
    assert_eq!(cases.len(), 1);
    let chart = bob.open(&cases[0]).unwrap();
    let words: Vec<String> = chart.records().unwrap().iter().map(|record| record.value().unwrap()).collect();
    assert_eq!(words, ["cough for three weeks", "dry, worse at night"]);
    let who = chart.identity().unwrap();
    assert_eq!(who.party(), alice.id());
    assert_eq!(who.profile::<Profile>().unwrap(), profile("Alice Liddell"));
    assert!(who.vouched().is_some());

    bob.write(&cases[0], Kind::Note, "viral, wait a week").unwrap();
    let chart = alice.open(&case).unwrap();
    let note = chart.records_of(Kind::Note).unwrap().remove(0);
    assert_eq!(note.value::<String>().unwrap(), "viral, wait a week");
    assert_eq!(note.author(), Author::Party(bob.id(), casevault::party::Role::Doctor));

    let history = alice.history().unwrap();
    let lines: Vec<String> = history.iter().map(ToString::to_string).collect();
    assert!(
        lines.iter().any(|line| line.contains(&format!("doctor {} opened your identity", bob.id()))),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.contains("opened your case")), "{lines:#?}");
    alice.verify_stream().unwrap();
}

#[test]
fn an_opinion_shows_the_case_and_not_the_person() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice Liddell");
    let carol = world.doctor(CAROL, "Carol");
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    let cases = carol.cases().unwrap();
    assert!(!cases[0].has_identity());
    let chart = carol.open(&cases[0]).unwrap();
    assert_eq!(chart.records().unwrap().len(), 1);
    assert_eq!(chart.identity().unwrap_err().code(), "no-identity");
    let denied = carol.write(&cases[0], Kind::Note, "eczema").unwrap_err();
    assert!(matches!(denied, Error::Denied));
}

#[test]
fn a_stranger_finds_nothing() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice Liddell");
    let (bob, dave) = (world.doctor(BOB, "Bob"), world.doctor(DAVE, "Dave"));
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    assert!(dave.cases().unwrap().is_empty());
    let his = bob.cases().unwrap().remove(0);
    assert!(matches!(dave.open(&his).unwrap_err(), Error::Denied));
}

#[test]
fn revocation_takes_effect_at_once_and_the_residue_is_exact() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice Liddell");
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.write(&case, Kind::Complaint, "it itches").unwrap();
    alice
        .write_all(&case, vec![Entry::new(Kind::Note, "private").unwrap().cleared_for(Clearance::Restricted)])
        .unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let chart = bob.open(&his).unwrap();
    assert_eq!((chart.len(), chart.hidden()), (2, 1));
    assert_eq!(alice.who_has_access().unwrap().len(), 3);
    alice.write(&case, Kind::Complaint, "it itches more").unwrap();

    let revocation = alice.revoke(&case, bob.id()).unwrap();
    assert!(matches!(bob.open(&his).unwrap_err(), Error::Denied));
    assert!(matches!(chart.identity().unwrap_err(), Error::Denied));
    assert!(bob.cases().unwrap().is_empty());
    alice.write(&case, Kind::Complaint, "gone").unwrap();

    let residue = alice.residue(&revocation).unwrap();
    assert_eq!((residue.could_read, residue.did_open, residue.out_of_reach), (3, 2, 2));
    assert_eq!(residue.looks.len(), 1);

    let hers = carol.cases().unwrap().remove(0);
    assert_eq!(carol.open(&hers).unwrap().records().unwrap().len(), 4);
    assert_eq!(alice.open(&case).unwrap().records().unwrap().len(), 5);
    assert_eq!(alice.who_has_access().unwrap().len(), 1);
}

#[test]
fn amending_keeps_all_versions_and_closing_ends_writing() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice Liddell");
    let case = alice.open_case("rash").unwrap();
    alice.write(&case, Kind::Complaint, "left arm").unwrap();
    let record = alice.open(&case).unwrap().records_of(Kind::Complaint).unwrap().remove(0);
    alice.amend(&case, &record, "right arm").unwrap();
    let chart = alice.open(&case).unwrap();
    assert_eq!(chart.records_of(Kind::Complaint).unwrap()[0].value::<String>().unwrap(), "right arm");
    assert_eq!(chart.versions(record.id()).unwrap().len(), 2);
    alice.close_case(&case).unwrap();
    assert_eq!(alice.write(&case, Kind::Complaint, "both").unwrap_err().code(), "closed");
    assert_eq!(alice.close_case(&case).unwrap_err().code(), "closed");
    assert!(alice.open(&case).is_ok());
}
