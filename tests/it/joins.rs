//! A29: a doctor is assigned in one case and asked for an opinion on another of the same patient. Whatever else happens, he
//! finds nothing that joins the two.

use std::{collections::BTreeSet, time::Duration};

use casevault::{
    consent::Terms,
    custodian::SealedChart,
    event::SignedEvent,
    folder::{Epoch, FolderKind},
    id::OpId,
    party::{Doctor, Patient},
    record::{FolderSalt, ListItem, open},
    session::{Case, Session},
    time::Timestamp,
};

use crate::{
    custodians::Recording,
    world::{ALICE, BOB, CAROL, World, keyring},
};

const CHART: &str = r#"{"resourceType":"Bundle","entry":[
    {"resource":{"resourceType":"Patient","id":"p","birthDate":"1984-05-17","name":[{"family":"Liddell"}]}},
    {"resource":{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},
        "code":{"text":"schizophrenia"}}}]}"#;

fn events(chart: &SealedChart) -> impl Iterator<Item = &SignedEvent> {
    let epochs = chart.epochs.iter().map(|entry| &entry.event);
    let others = chart.runs.iter().map(|run| &run.event).chain(&chart.tie).chain([&chart.granted]);
    epochs.chain(others).chain(chart.writers.iter().map(|writer| &writer.granted))
}

fn times(chart: &SealedChart) -> BTreeSet<Timestamp> {
    events(chart).filter_map(|event| event.claimed_moment().unwrap()).map(|moment| moment.at).collect()
}

fn acts(chart: &SealedChart) -> BTreeSet<OpId> {
    events(chart).map(|event| event.claimed_step().unwrap().op_id).collect()
}

/// What the doctor is shown of the known Identity and of the other case, which comes to be in some way.
fn shown(other: impl FnOnce(&World, &Session<'_, Patient>, &dyn Fn()) -> Case) -> (SealedChart, SealedChart) {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let hour = || world.clock.advance(Duration::from_secs(3600));
    let alice = world.patient(ALICE, "Alice Liddell");
    world.doctor(BOB, "Bob");
    let bob =
        Session::<Doctor>::sign_in_with(&recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap();
    hour();
    let known = alice.open_case("the known one").unwrap();
    hour();
    alice.assign(&known, bob.id(), Terms::treatment()).unwrap();
    hour();
    let other = other(&world, &alice, &hour);
    hour();
    alice.opinion(&other, bob.id(), Terms::opinion()).unwrap();
    for case in bob.cases().unwrap() {
        let chart = bob.open(&case).unwrap();
        if case.has_identity() {
            chart.identity().unwrap();
        }
    }
    (recording.chart_of(alice.identity_folder().unwrap().id()), recording.chart_of(other.id()))
}

#[test]
fn a29_of_an_identity_no_time_is_shown_and_no_act_is_shared_with_a_case() {
    let check = |(identity, other): (SealedChart, SealedChart), what: &str| {
        assert!(identity.runs.len() + identity.epochs.len() > 1);
        assert_eq!(times(&identity), BTreeSet::new(), "{what}");
        assert!(!times(&other).is_empty(), "a case has its times");
        assert_eq!(acts(&identity).intersection(&acts(&other)).count(), 0, "{what}");
    };
    let revoked = |world: &World, alice: &Session<'_, Patient>, hour: &dyn Fn()| {
        let carol = world.doctor(CAROL, "Carol").id();
        let other = alice.open_case("the other one").unwrap();
        hour();
        alice.assign(&other, carol, Terms::treatment()).unwrap();
        hour();
        alice.revoke(&other, carol).unwrap();
        other
    };
    check(shown(revoked), "revoked from another doctor");
    check(shown(|_, alice, _| alice.import(CHART.as_bytes()).unwrap().case), "imported");
}

#[test]
fn a29_an_assignment_to_one_case_brings_no_imported_chart() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice Liddell");
    world.doctor(BOB, "Bob");
    let bob =
        Session::<Doctor>::sign_in_with(&recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap();
    alice.settle().unwrap();
    alice.import(CHART.as_bytes()).unwrap();
    let rash = alice.open_case("rash").unwrap();
    alice.assign(&rash, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap().identity().unwrap();
    // What the doctor's own client could do: every record under the keys and salts that came.
    let opening = recording.opening_of(alice.identity_folder().unwrap().id());
    let chart = &opening.charts[0];
    assert_eq!(chart.kind, FolderKind::Identity);
    let commitments = chart.epochs.last().unwrap().event.claimed_step().unwrap().commitments.unwrap();
    let key = chart.grant.open(keyring(BOB).opening_key(), &commitments).unwrap();
    let shown = chart.runs.iter().flat_map(|run| &run.items);
    let leaves = shown.filter_map(|item| if let ListItem::Shown(leaf) = item { Some(leaf) } else { None });
    let mut opened = 0;
    for (leaf, sealed) in leaves.zip(&chart.sealed) {
        let salt = opening.salts.iter().find(|salt| salt.folder == chart.folder && salt.epoch == leaf.epoch);
        let salt = FolderSalt::from_bytes(salt.unwrap().salt);
        if leaf.epoch == Epoch::from_number(u32::try_from(chart.epochs.len()).unwrap()) {
            let content = open(&key, &salt, leaf, sealed, &[]).unwrap();
            let text = String::from_utf8_lossy(content.bytes()).into_owned();
            assert!(!text.contains("schizophrenia"), "the {} shows it", leaf.kind);
            opened += 1;
        }
    }
    assert!(opened > 0, "the chart's own Patient is there");
}
