//! From charts to the public area and back: patients who share, a curator who works, a reader who has no key.

use std::collections::{BTreeMap, BTreeSet};

use casevault::{
    access::Policy,
    credential::Attestation,
    crypto::Random,
    custodian::PublicQuery,
    error::{Error, Misuse},
    log::SignedCheckpoint,
    party::{Curator, Patient, Role},
    public::{
        Batch, PublicPolicy, PublicRow, Use,
        export::{Cover, Format, verify_export},
    },
    session::{Case, Curated, Session},
    time::{Timestamp, days},
    vault::PublishError,
};
use serde_json::json;

use crate::world::{ALICE, BOB, REGISTRAR, World, keyring};

pub(crate) const CURATOR: u8 = 70;
/// The first of the patients.
const FIRST: u8 = 100;
/// Problems that people of middle age come with: SNOMED CT concepts of four categories.
const PROBLEMS: [&str; 4] = ["195662009", "444814009", "10509002", "36971009"];

pub(crate) fn small() -> PublicPolicy {
    PublicPolicy::shipped_small().unwrap()
}

pub(crate) fn world() -> World {
    let registrar = keyring(REGISTRAR).card(Role::Registrar);
    let curator = keyring(CURATOR).card(Role::Curator);
    let world = World::with(Policy::trusting([&registrar]).curated(small().digest(), &curator));
    let curator = world.enrol::<Curator>(CURATOR, "Curator");
    world.office().attest(curator.id(), Attestation::curator().until(world.in_days(1000))).unwrap();
    world
}

pub(crate) fn curator(world: &World) -> Session<'_, Curator> {
    Session::<Curator>::sign_in_with(&world.vault, keyring(CURATOR), world.trusting(), world.tools(CURATOR))
        .unwrap()
}

/// A chart that names its patient wherever a name can stand.
fn chart(seed: u8, concept: &str) -> Vec<u8> {
    let name = name(seed);
    let patient = json!({
        "resourceType": "Patient", "id": "p", "gender": "female",
        "birthDate": format!("19{}-03-0{}", 60 + seed % 10, 1 + seed % 9),
        "name": [{ "family": name, "given": ["Zenobia"] }],
        "address": [{ "use": "home", "country": "US", "state": "MA", "city": name }],
        "identifier": [{ "system": "urn:number", "value": format!("{name}-4711") }],
    });
    let condition = json!({
        "resourceType": "Condition", "id": "c", "subject": { "reference": "Patient/p", "display": name },
        "code": { "text": name, "coding": [{ "system": "http://snomed.info/sct", "code": concept, "display": name }] },
        "clinicalStatus": { "coding": [{ "code": "active" }] },
        "onsetDateTime": "2015-06-01",
        "note": [{ "text": format!("told by {name} of Crooked Lane") }],
    });
    let entry: Vec<_> =
        [patient, condition].into_iter().map(|resource| json!({ "resource": resource })).collect();
    serde_json::to_vec(&json!({ "resourceType": "Bundle", "type": "collection", "entry": entry })).unwrap()
}

fn name(seed: u8) -> String {
    format!("Quillfeather{seed}")
}

fn share_of<'w>(world: &'w World, seed: u8, concept: &str, until: Timestamp) -> (Session<'w, Patient>, Case) {
    let alice = world.patient(seed, &name(seed));
    let case = alice.import(&chart(seed, concept)).unwrap().case;
    let draft = alice.draft(&case, &small()).unwrap().unwrap();
    alice.share(&case, &draft.said, [Use::PublicResearch], until).unwrap();
    (alice, case)
}

/// So many patients of one class who share, with as many of each problem as of the next.
pub(crate) fn many(world: &World, count: u8) -> Vec<(Session<'_, Patient>, Case)> {
    let concept = |seed: u8| PROBLEMS[usize::from(seed % 4)];
    (FIRST..FIRST + count).map(|seed| share_of(world, seed, concept(seed), world.in_days(300))).collect()
}

/// A night goes by, and the curator works.
pub(crate) fn epoch(world: &World, seed: u8) -> Curated {
    world.clock.advance(days(1));
    let curator = curator(world);
    curator.curate(&[small()]).unwrap().epoch(&mut Random::seeded([seed; 32])).unwrap()
}

fn public(world: &World) -> Vec<PublicRow> {
    let (mut rows, mut place) = (Vec::new(), None);
    loop {
        let page = world.vault.public().rows(&PublicQuery::default(), place).unwrap();
        rows.extend(page.found);
        place = page.next;
        if place.is_none() {
            return rows;
        }
    }
}

/// What is public passes the gate's rules, for whoever checks.
fn check(world: &World) {
    let (_, batches) = world.vault.public().batches().unwrap();
    let mut rows: BTreeMap<_, Vec<PublicRow>> = BTreeMap::new();
    public(world).into_iter().for_each(|row| rows.entry(row.batch).or_default().push(row));
    for facts in batches {
        let rows = rows.remove(&facts.id).unwrap();
        Batch { facts, rows }.check(&small().gate_rules().unwrap(), &PublicPolicy::codes().unwrap()).unwrap();
    }
    assert!(rows.is_empty(), "no row without its batch");
}

#[test]
fn patients_share_their_charts_and_in_what_is_public_nobody_is_named() {
    let world = world();
    drop(many(&world, 11));
    let eleven = epoch(&world, 1);
    assert_eq!((eleven.rows, eleven.releases), (0, None), "eleven hide nobody");
    drop(many_more(&world, 11, 9));
    let changed = epoch(&world, 2);
    assert!(changed.rows >= 12 && changed.hidden == 0, "{changed:?}");
    check(&world);
    let rows = public(&world);
    assert_eq!(rows.len(), changed.rows);
    let said =
        format!("{rows:?}{}", casevault::codec::encode(&rows).iter().map(|b| *b as char).collect::<String>());
    for planted in ["Quillfeather", "Zenobia", "Crooked", "4711", "2015-06"] {
        assert!(!said.contains(planted), "{planted}");
    }
    assert_eq!(epoch(&world, 3).releases, None, "nothing twice");
}

/// More patients, whose numbers follow on.
fn many_more(world: &World, from: u8, count: u8) -> Vec<(Session<'_, Patient>, Case)> {
    let seeds = FIRST + from..FIRST + from + count;
    seeds.map(|seed| share_of(world, seed, PROBLEMS[usize::from(seed % 4)], world.in_days(300))).collect()
}

#[test]
fn b3_what_is_taken_back_goes_with_its_cover_and_does_not_come_again() {
    let world = world();
    let shared = many(&world, 40);
    let first = epoch(&world, 1);
    assert!((first.batches, first.rows >= 24) == (1, true), "{first:?}");
    let before: BTreeSet<_> = public(&world).iter().map(|row| row.id).collect();
    // So many take theirs back that one of them at least is public.
    let taken = shared.iter().take(shared.len() - before.len() + 1);
    taken.for_each(|(alice, case)| alice.retract(case).unwrap());
    let (alice, case) = &shared[0];
    let changed = epoch(&world, 2);
    check(&world);
    let after: BTreeSet<_> = public(&world).iter().map(|row| row.id).collect();
    assert_eq!(changed.hidden, 1);
    assert!(before.len() - after.len() >= 12, "{} and {}", before.len(), after.len());
    assert!(before.is_disjoint(&after), "what comes back has other ids");
    assert!(matches!(
        alice.share(
            case,
            &alice.draft(case, &small()).unwrap().unwrap().said,
            [Use::PublicResearch],
            world.in_days(9)
        ),
        Err(Error::Denied)
    ));
    assert_eq!(epoch(&world, 3).releases, None);
}

#[test]
fn consent_that_ends_takes_what_waits_and_what_is_public_along() {
    let world = world();
    let soon = world.in_days(3);
    let ending: Vec<_> = (FIRST..FIRST + 20)
        .map(|seed| share_of(&world, seed, PROBLEMS[usize::from(seed % 4)], soon))
        .collect();
    assert!(epoch(&world, 1).rows >= 12);
    world.clock.set(soon);
    // A curator who begins anew knows it as well as one who has worked all along.
    let changed = epoch(&world, 2);
    assert!(changed.hidden > 0, "{changed:?}");
    assert_eq!(public(&world), []);
    drop(ending);
}

#[test]
fn b17_a_curator_who_begins_anew_knows_what_he_knew() {
    let world = world();
    drop(many(&world, 30));
    world.clock.advance(days(1));
    let one = curator(&world);
    let mut working = one.curate(&[small()]).unwrap();
    working.epoch(&mut Random::seeded([1; 32])).unwrap();
    let other = curator(&world);
    let anew = other.curate(&[small()]).unwrap();
    assert_eq!(working.waiting(), anew.waiting());
    drop(many_more(&world, 30, 24));
    world.clock.advance(days(1));
    let (mut anew, random) = (anew, || Random::seeded([2; 32]));
    assert!(anew.epoch(&mut random()).unwrap().releases.is_some());
    // Whom another has overtaken begins anew.
    assert!(matches!(working.epoch(&mut random()), Err(Error::Misuse(Misuse::Conflict))));
}

#[test]
fn b16_a_draft_is_of_the_vaults_own_policy_and_of_ones_own_case() {
    let world = world();
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(BOB, "Dave"));
    let case = alice.import(&chart(ALICE, PROBLEMS[0])).unwrap().case;
    let other = PublicPolicy::shipped_default().unwrap();
    assert!(matches!(alice.draft(&case, &other), Err(Error::Misuse(Misuse::NotPublic))));
    assert!(dave.draft(&case, &small()).is_err());
    assert!(curator(&world).curate(&[other]).is_err());
    // An unmapped code waits, and is told.
    let case = alice.import(&chart(ALICE, "999999999")).unwrap().case;
    let refused = alice.draft(&case, &small()).unwrap().unwrap_err();
    assert_eq!((refused.why.code(), refused.unmapped.len()), ("unmapped", 1));
    let plain = World::new();
    let carol = plain.patient(ALICE, "Carol");
    let case = carol.open_case("rash").unwrap();
    assert!(matches!(carol.draft(&case, &small()), Err(Error::Misuse(Misuse::NotPublic))));
}

fn cover() -> Cover {
    Cover {
        name: "cases".to_owned(),
        title: "Cases".to_owned(),
        description: "Made-up cases.".to_owned(),
        publisher: "Quayside".to_owned(),
        homepage: "https://quayside.example/".to_owned(),
        licence: "CC-BY-4.0".to_owned(),
        licence_url: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
        version: "1.0.0".to_owned(),
        published: Timestamp::at_ms(1_790_000_000_000),
    }
}

#[test]
fn a_vault_exports_what_is_public_signed_by_its_logs_key() {
    let (world, place) = (world(), tempfile::tempdir().unwrap());
    let formats = BTreeSet::from([Format::Ndjson]);
    let (cover, policy) = (cover(), small());
    let export =
        |name: &str, policy| world.vault.export_public(place.path().join(name), (&cover, policy), &formats);
    let withheld = |name: &str| {
        let report = std::fs::read(place.path().join(name).join("suppression.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&report).unwrap()["withheld"][0]["cases"].clone()
    };
    // Before there is anything it is an export of nothing; what waits is told in steps of k.
    drop(many(&world, 13));
    assert_eq!(export("none", &policy).unwrap().cases, 0);
    assert_eq!(withheld("none"), json!({ "at_least": 12 }));
    drop(many_more(&world, 13, 11));
    epoch(&world, 1);
    let exported = export("some", &policy).unwrap();
    assert_eq!((exported.cases, exported.batches, exported.elsewhere), (public(&world).len(), 1, 0));
    assert!(exported.cases >= 12);
    assert_eq!(withheld("some"), json!({ "fewer_than": 12 }));
    let key = world.vault.log_key().unwrap();
    assert_eq!(verify_export(place.path().join("some"), &key).unwrap(), exported.files);
    // It is the log's own: what verifies the checkpoint.
    let checkpoint = world.vault.checkpoint().unwrap();
    assert!(SignedCheckpoint::parse(checkpoint.as_bytes()).unwrap().verify(&key).is_ok());
    // What was released stays to be had under its own policy, when there is another, or no area any more.
    let other = PublicPolicy::shipped_default().unwrap();
    assert!(
        matches!(export("other", &other), Err(PublishError::OtherPolicy(digest)) if digest == policy.digest())
    );
    let curator = keyring(CURATOR).card(Role::Curator);
    world.office().propose(world.vault.policy().curated(other.digest(), &curator)).unwrap();
    let exported = export("other", &other).unwrap();
    assert_eq!((exported.cases, exported.batches, exported.elsewhere), (0, 0, 1));
    world.office().propose(world.vault.policy().uncurated()).unwrap();
    assert!(matches!(export("gone", &other), Err(PublishError::NoArea)));
    assert!(!place.path().join("gone").exists());
    assert_eq!(export("kept", &policy).unwrap().cases, public(&world).len());
}
