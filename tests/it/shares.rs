//! What a patient gives to the public area: sealed, counted once, hers to take back.

use std::collections::{BTreeMap, BTreeSet};

use casevault::{
    access::Policy,
    codec,
    credential::{Attestation, PersonId},
    crypto::{Label, Random},
    custodian::{
        Answer, Enclosure, Part, PoolCursor, Question, Request, Response, SharedAbstract, SharedState,
    },
    error::Error,
    event::{Principal, SignedEvent, Step, Verb},
    id::{Digest, Handle},
    letter::Letter,
    party::{Curator, Doctor, Patient, Role},
    public::{Abstract, Amount, Class, Icd3, LeftOut, Outcome, Sharing, Use, Value, WeekBand},
    record::Kind,
    session::{Case, Pulled, Session, Unfit},
    store::{KeyRange, Store},
    time::{Clock, Timestamp, days},
};

use crate::{
    custodians::Recording,
    world::{ALICE, BOB, CAROL, REGISTRAR, World, is_accepted, keyring, signed},
};

pub(crate) const CURATOR: u8 = 70;

/// The digest of the public policy of these tests.
pub(crate) const PUBLIC: Digest = Digest::from_bytes([0x5a; 32]);

pub(crate) fn policy() -> Policy {
    let registrar = keyring(REGISTRAR).card(Role::Registrar);
    Policy::trusting([&registrar]).curated(PUBLIC, &keyring(CURATOR).card(Role::Curator))
}

/// A world with a public area, and its curator attested.
pub(crate) fn area() -> World {
    area_with(policy())
}

pub(crate) fn area_with(policy: Policy) -> World {
    let world = World::with(policy);
    attest_curator(&world);
    world
}

fn attest_curator(world: &World) {
    let curator = world.enrol::<Curator>(CURATOR, "Curator");
    world.office().attest(curator.id(), Attestation::curator().until(world.in_days(1000))).unwrap();
}

pub(crate) fn curator(world: &World) -> Session<'_, Curator> {
    Session::<Curator>::sign_in_with(&world.vault, keyring(CURATOR), world.trusting(), world.tools(CURATOR))
        .unwrap()
}

/// An abstract that differs by a number.
pub(crate) fn abstracted(number: u8) -> Abstract {
    Abstract {
        policy: PUBLIC,
        class: Class { grid: 0, bins: vec![3, 1, u16::from(number)] },
        diagnosis: Icd3::parse(&format!("J{:02}", number % 100)).unwrap(),
        values: BTreeSet::from([Value::Drug(435), Value::Result(7, 2)]),
        outcome: Outcome::Resolved,
        weeks: BTreeSet::from([WeekBand(0), WeekBand(2)]),
        left_out: LeftOut { texts: Amount::Few, pictures: Amount::None, voice: Amount::None },
    }
}

pub(crate) fn until(world: &World) -> Timestamp {
    world.in_days(365)
}

/// Everything that the pool shows now, from where the curator stands.
pub(crate) fn pull_all(curator: &Session<'_, Curator>, since: &mut PoolCursor) -> Pulled {
    let mut all = curator.pull(since).unwrap();
    *since = all.next;
    while !all.is_last {
        let more = curator.pull(since).unwrap();
        *since = more.next;
        all.arrivals.extend(more.arrivals);
        all.departures.extend(more.departures);
        all.unfit.extend(more.unfit);
        (all.next, all.is_last) = (more.next, more.is_last);
    }
    all
}

fn shared_by(world: &World, seed: u8, count: u8) -> (Session<'_, Patient>, Vec<Case>) {
    let patient = world.patient(seed, "Patient");
    let cases: Vec<Case> = (0..count).map(|_| patient.open_case("a case").unwrap()).collect();
    for (case, number) in cases.iter().zip(0..) {
        patient.share(case, &abstracted(number), [Use::PublicResearch], until(world)).unwrap();
    }
    (patient, cases)
}

#[test]
fn what_a_patient_shares_reaches_the_curator_whole_and_nobody_else() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("a cough").unwrap();
    alice.write(&case, Kind::Complaint, "dry").unwrap();
    let uses = [Use::PublicResearch, Use::Education];
    alice.share(&case, &abstracted(4), uses, until(&world)).unwrap();
    let curator = curator(&world);
    let mut at = PoolCursor::default();
    assert_eq!(pull_all(&curator, &mut at).arrivals, [], "a day is shown when it is over");
    world.clock.advance(days(1));
    let pulled = pull_all(&curator, &mut at);
    let [arrival] = pulled.arrivals.as_slice() else { panic!("{pulled:?}") };
    assert_eq!((&arrival.case, &arrival.uses), (&abstracted(4), &BTreeSet::from(uses)));
    assert_eq!(arrival.until, Timestamp::at_ms(1_790_000_000_000).plus(days(365)));
    assert!(pulled.departures.is_empty() && pulled.unfit.is_empty());
    assert_eq!(pull_all(&curator, &mut at).arrivals, [], "each arrives once");

    let [shared] = alice.shared_cases().unwrap().try_into().unwrap();
    assert_eq!((shared.case, &shared.sharing.case, shared.is_taken), (case.id(), &abstracted(4), true));
    let words = shared.to_string();
    assert!(
        words.contains("public research, education") && words.contains("cannot be called back"),
        "{words}"
    );
    let history: Vec<String> = alice.history().unwrap().iter().map(ToString::to_string).collect();
    let line = format!("you gave your case {}, anonymised, to the public area", case.id());
    assert!(history.iter().any(|said| said.ends_with(&line)), "{history:?}");
    alice.retract(&case).unwrap();
    assert_eq!(alice.shared_cases().unwrap(), []);
    assert_eq!(pull_all(&curator, &mut at).departures, [arrival.handle]);
    // Another device knows it all from the stream.
    let tablet =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), world.trusting(), world.tools(90));
    assert_eq!(tablet.unwrap().shared_cases().unwrap(), []);
    alice.verify_stream().unwrap();
}

#[test]
fn what_is_refused_is_refused_before_it_is_sealed() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("one").unwrap();
    let one = [Use::PublicResearch];
    let share = |case: &Case, shown: &Abstract, until| alice.share(case, shown, one, until);
    let code = |refused: Result<(), Error>| refused.unwrap_err().code();
    let weaker = Abstract { policy: Digest::from_bytes([1; 32]), ..abstracted(1) };
    assert_eq!(code(share(&case, &weaker, until(&world))), "not-public", "B16: another policy");
    assert_eq!(code(share(&case, &abstracted(1), world.clock.now())), "terms");
    assert_eq!(code(alice.share(&case, &abstracted(1), [], until(&world))), "terms");
    let long = Abstract { values: (0..65).map(Value::Drug).collect(), ..abstracted(1) };
    assert_eq!(code(share(&case, &long, until(&world))), "malformed");
    let identity = alice.identity_folder().unwrap();
    assert_eq!(code(share(&identity, &abstracted(1), until(&world))), "not-own");
    let bob = world.patient(BOB, "Bob");
    assert_eq!(code(bob.share(&case, &abstracted(1), one, until(&world))), "not-own");
    assert_eq!(code(alice.retract(&case)), "not-shared");
    share(&case, &abstracted(1), until(&world)).unwrap();
    assert_eq!(code(share(&case, &abstracted(2), until(&world))), "shared", "one abstract a case at a time");

    let newcomer = world.enrol::<Patient>(CAROL, "Carol");
    let elsewhere = area_with(policy().admitting_unattested_patients());
    let carol = elsewhere.enrol::<Patient>(CAROL, "Carol");
    let hers = carol.open_case("two").unwrap();
    assert_eq!(code(carol.share(&hers, &abstracted(1), one, until(&elsewhere))), "not-attested");
    drop(newcomer);

    let closed = World::new();
    let dave = closed.patient(5, "Dave");
    let his = dave.open_case("three").unwrap();
    assert_eq!(code(dave.share(&his, &abstracted(1), one, until(&closed))), "not-public", "no public area");
}

/// A submission made by hand: a Case's own event with this enclosure.
fn by_hand(
    world: &World,
    seed: u8,
    case: &Case,
    (verb, op): (Verb, u8),
    enclosure: Option<Enclosure>,
) -> Part {
    let subject = match &enclosure {
        Some(Enclosure::Share(shared)) => Some(shared.sealed.digest()),
        Some(_) | None => None,
    };
    let event = world.event(Principal::Folder(case.id()), verb, op);
    let event = event.with(|step| Step { folder: Some(case.id()), subject, ..step });
    let key = world.case_key(seed, case.id());
    Part { enclosure, ..Part::of(SignedEvent::sign(&event, key.signer())) }
}

fn sealed_by_hand(world: &World, sharing: &Sharing, (policy, curator): (Digest, u8)) -> SharedAbstract {
    let card = keyring(curator).card(Role::Curator);
    let (vault, digest) = (world.vault.trust().vault, card.digest());
    let context: [&[u8]; 3] = [vault.as_bytes(), policy.as_bytes(), digest.as_bytes()];
    let about = (Label::PooledAbstract, context.as_slice());
    let content = sharing.to_bytes().unwrap();
    let sealed =
        Letter::seal(card.sealing_key(), about, &content, &mut Random::seeded([policy.as_bytes()[0]; 32]));
    SharedAbstract { sealed: sealed.unwrap(), own: vec![0; 32 + 4096 + 16].into(), policy, curator: digest }
}

fn sharing(world: &World, case: Abstract) -> Sharing {
    Sharing { case, uses: BTreeSet::from([Use::PublicResearch]), until: until(world), salt: [3; 16] }
}

#[test]
fn the_vault_takes_no_share_that_a_session_would_not_make() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("one").unwrap();
    let other = Digest::from_bytes([1; 32]);
    let good = sealed_by_hand(&world, &sharing(&world, abstracted(1)), (PUBLIC, CURATOR));
    let send = |op: u8, shared: SharedAbstract| {
        let part = by_hand(&world, ALICE, &case, (Verb::Share, op), Some(Enclosure::Share(shared)));
        world.submit(Some(world.sender(ALICE)), vec![part])
    };
    let short = SharedAbstract { own: vec![0; 17].into(), ..good.clone() };
    let under_another = SharedAbstract { policy: other, ..good.clone() };
    let for_another = sealed_by_hand(&world, &sharing(&world, abstracted(1)), (PUBLIC, 71));
    let content = [7; 40];
    let small = Letter::seal(
        keyring(CURATOR).opening_key().sealing_key(),
        (Label::PooledAbstract, &[]),
        &content,
        &mut Random::seeded([9; 32]),
    );
    let small = SharedAbstract { sealed: small.unwrap(), ..good.clone() };
    for (op, (what, shared)) in [
        ("an own copy of another length", short),
        ("another public policy", under_another),
        ("another curator", for_another),
        ("a length that says something", small),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(!is_accepted(&send(u8::try_from(op).unwrap(), shared)), "{what}");
    }
    // In a stranger's name, and by another party's hand.
    let part = by_hand(&world, ALICE, &case, (Verb::Share, 50), Some(Enclosure::Share(good.clone())));
    let bob = world.patient(BOB, "Bob");
    for sender in [None, Some(world.sender(BOB))] {
        assert!(!is_accepted(&world.submit(sender, vec![part.clone()])), "only its owner shares a case");
    }
    drop(bob);
    let part = by_hand(&world, ALICE, &case, (Verb::Retract, 51), None);
    assert!(!is_accepted(&world.submit(Some(world.sender(ALICE)), vec![part])), "nothing is shared");
    assert!(is_accepted(&send(52, good)), "and its neighbour is taken");
}

#[test]
fn b7_one_patient_counts_once_and_a_case_is_one_entry() {
    let world = area();
    let (alice, cases) = shared_by(&world, ALICE, 11);
    let (_bob, _) = shared_by(&world, BOB, 1);
    // Two devices: the second finds what the first did.
    let tablet =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), world.trusting(), world.tools(91));
    let tablet = tablet.unwrap();
    let again = tablet.share(&cases[0], &abstracted(1), [Use::Education], until(&world));
    assert_eq!(again.unwrap_err().code(), "shared");
    // The tablet's own hand, without a session's care.
    let shared = sealed_by_hand(&world, &sharing(&world, abstracted(1)), (PUBLIC, CURATOR));
    let part = by_hand(&world, ALICE, &cases[0], (Verb::Share, 60), Some(Enclosure::Share(shared)));
    assert!(!is_accepted(&world.submit(Some(world.sender(ALICE)), vec![part])));
    // A replay of every message that was handed in.
    let recording = Recording::over(&world.vault);
    let carol = world.patient(CAROL, "Carol");
    let hers = carol.open_case("one").unwrap();
    let carol = Session::<Patient>::sign_in_with(&recording, keyring(CAROL), carol.memory(), world.tools(92));
    carol.unwrap().share(&hers, &abstracted(9), [Use::Education], until(&world)).unwrap();
    for submission in recording.submissions() {
        world.send(&Request::Submit(submission));
    }
    world.clock.advance(days(1));
    let pulled = pull_all(&curator(&world), &mut PoolCursor::default());
    assert_eq!(pulled.arrivals.len(), 13);
    let mut persons: BTreeMap<_, usize> = BTreeMap::new();
    for arrival in &pulled.arrivals {
        *persons.entry(arrival.token).or_default() += 1;
    }
    let mut counts: Vec<usize> = persons.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 11]);
    drop(alice);
}

#[test]
fn b7_who_is_not_vouched_for_as_a_person_is_not_counted() {
    let world = area_with(policy().admitting_unattested_patients());
    let carol = world.enrol::<Patient>(CAROL, "Carol");
    let case = carol.open_case("one").unwrap();
    let shared = || {
        let sealed = sealed_by_hand(&world, &sharing(&world, abstracted(1)), (PUBLIC, CURATOR));
        Some(Enclosure::Share(sealed))
    };
    let part = by_hand(&world, CAROL, &case, (Verb::Share, 60), shared());
    assert!(!is_accepted(&world.submit(Some(world.sender(CAROL)), vec![part])), "not attested");
    let alice = world.patient(ALICE, "Alice");
    let hers = alice.open_case("two").unwrap();
    world.office().propose(world.vault.policy().one_card_a_person()).unwrap();
    let share = || alice.share(&hers, &abstracted(2), [Use::Education], until(&world));
    assert!(matches!(share(), Err(Error::Denied)), "no person stands behind the card");
    world.clock.advance(days(1));
    alice.ask_to_be_vetted().unwrap();
    let person = PersonId::new("passport", "4711").unwrap();
    world.office().attest(alice.id(), Attestation::patient().person(person)).unwrap();
    share().unwrap();
}

#[test]
fn b7_who_has_a_new_card_is_the_same_person_and_in_another_year_another() {
    let world = area();
    let (alice, _) = shared_by(&world, ALICE, 1);
    let first = alice.id();
    drop(alice);
    world.office().withdraw(first).unwrap();
    let again = world.enrol::<Patient>(61, "Alice");
    world
        .office()
        .attest(again.id(), Attestation::patient().succeeding(first).until(world.in_days(1000)))
        .unwrap();
    let case = again.open_case("two").unwrap();
    again.share(&case, &abstracted(2), [Use::Education], until(&world)).unwrap();
    let later = again.open_case("three").unwrap();
    world.clock.advance(days(366));
    again.share(&later, &abstracted(3), [Use::Education], until(&world)).unwrap();
    world.clock.advance(days(1));
    let curator = curator(&world);
    let mut at = PoolCursor::default();
    let Ok(answer) = curator.pull(&at) else { panic!("no pool") };
    at = answer.next;
    assert_eq!(at.departed, 0);
    // The consents of the first two are over by now; their tokens are in what came all the same.
    assert_eq!(answer.unfit.iter().filter(|(_, why)| *why == Unfit::Ended).count(), 2);
    let Response::Answer(Answer::Pool(page)) = world.ask(CURATOR, Question::Pool(PoolCursor::default()))
    else {
        panic!("no pool")
    };
    let tokens: Vec<_> = page.entries.iter().map(|entry| entry.token).collect();
    let distinct: BTreeSet<_> = tokens.iter().collect();
    assert_eq!((tokens.len(), distinct.len()), (3, 2));
}

#[test]
fn b8_and_b19_handles_order_and_sizes_say_nothing() {
    let run = |seed: u8| -> (Vec<Handle>, Vec<u16>) {
        let world = World::with_seed(policy(), seed);
        attest_curator(&world);
        let (_alice, _) = shared_by(&world, ALICE, 16);
        world.clock.advance(days(1));
        let pulled = pull_all(&curator(&world), &mut PoolCursor::default());
        pulled.arrivals.iter().map(|arrival| (arrival.handle, arrival.case.class.bins[2])).unzip()
    };
    let ((handles, order), (others, other_order)) = (run(1), run(2));
    let submitted: Vec<u16> = (0..16).collect();
    assert!(order != submitted && other_order != submitted, "not in the order of their coming");
    assert_ne!(order, other_order, "two runs differ");
    assert!(handles.iter().all(|handle| !others.contains(handle)));
}

/// Whether some bytes stand in others.
fn finds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn b19_the_custodian_learns_no_class_and_the_curator_no_owner() {
    let world = area();
    let recording = Recording::over(&world.vault);
    let people = [ALICE, BOB].map(|seed| {
        let patient = world.enrol_over::<Patient>(&recording, seed, "Patient");
        let person = PersonId::new("passport", &format!("number {seed}")).unwrap();
        world.office().attest(patient.id(), Attestation::patient().person(person)).unwrap();
        let case = patient.open_case("one").unwrap();
        let mut shown = abstracted(seed);
        // Of another length, and other words.
        shown.values.extend((0..u32::from(seed)).map(|number| Value::Drug(0x00c0_ffee + number)));
        shown.diagnosis = Icd3::parse("Q97").unwrap();
        patient.share(&case, &shown, [Use::CommercialResearch], until(&world)).unwrap();
        (patient.id(), case.id(), shown)
    });
    let shares: Vec<SharedAbstract> = recording
        .submissions()
        .into_iter()
        .flat_map(|submission| submission.parts)
        .filter_map(|part| match part.enclosure {
            Some(Enclosure::Share(shared)) => Some(shared),
            Some(_) | None => None,
        })
        .collect();
    let sizes: BTreeSet<usize> = shares.iter().map(|shared| codec::encode(shared).len()).collect();
    assert_eq!((shares.len(), sizes.len()), (2, 1), "one size, whatever it says");
    let stored: Vec<u8> = world
        .store
        .scan(KeyRange::all(), usize::MAX)
        .unwrap()
        .into_iter()
        .flat_map(|entry| entry.value)
        .collect();
    for (_, _, shown) in &people {
        for part in [
            codec::encode(shown),
            codec::encode(&shown.class),
            b"Q97".to_vec(),
            0x00c0_ffee_u32.to_be_bytes().to_vec(),
        ] {
            assert!(!finds(&recording.bytes(), &part) && !finds(&stored, &part), "{part:02x?}");
        }
    }
    world.clock.advance(days(1));
    let shown_to_the_curator = Recording::over(&world.vault);
    let curator = Session::<Curator>::sign_in_with(
        &shown_to_the_curator,
        keyring(CURATOR),
        world.trusting(),
        world.tools(93),
    );
    assert_eq!(pull_all(&curator.unwrap(), &mut PoolCursor::default()).arrivals.len(), 2);
    let seen: Vec<u8> =
        shown_to_the_curator.messages().into_iter().flat_map(|(_, response)| response).collect();
    for (party, case, _) in &people {
        assert!(!finds(&seen, party.as_bytes()) && !finds(&seen, case.as_bytes()));
    }
    // What this test looks for, it would find.
    assert!(finds(&recording.bytes(), people[0].0.as_bytes()));
}

#[test]
fn b16_taken_back_before_the_curator_had_it_is_gone_without_a_trace() {
    let world = area();
    let (alice, cases) = shared_by(&world, ALICE, 2);
    let before = world.store.export().len();
    alice.retract(&cases[0]).unwrap();
    let kept: Vec<_> = alice.shared_cases().unwrap().iter().map(|shared| shared.case).collect();
    assert_eq!(kept, [cases[1].id()]);
    // Two rows less, of the pool and of the owner; one event and one act more.
    assert_eq!(world.store.export().len(), before);
    world.clock.advance(days(1));
    let curator = curator(&world);
    let mut at = PoolCursor::default();
    let pulled = pull_all(&curator, &mut at);
    assert_eq!((pulled.arrivals.len(), pulled.departures.len()), (1, 0));
    // It can be shared again, for nobody has had it.
    alice.share(&cases[0], &abstracted(0), [Use::Education], until(&world)).unwrap();
    // What the curator has had does not come out again: neither twice, nor in a second form.
    alice.retract(&cases[1]).unwrap();
    assert_eq!(pull_all(&curator, &mut at).departures, [pulled.arrivals[0].handle]);
    let again = alice.share(&cases[1], &abstracted(1), [Use::Education], until(&world));
    assert!(matches!(again, Err(Error::Denied)), "{again:?}");
    let Response::Answer(Answer::Shared(rows)) = world.ask(ALICE, Question::Shared) else {
        panic!("no rows")
    };
    let states: BTreeSet<SharedState> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, BTreeSet::from([SharedState::Waiting, SharedState::Gone]));
    assert!(rows.iter().all(|row| row.own.is_some() == (row.state == SharedState::Waiting)));
    alice.verify_stream().unwrap();
}

#[test]
fn a24_a_clock_that_goes_back_hides_no_arrival() {
    let world = area();
    let (alice, _) = shared_by(&world, ALICE, 1);
    let curator = curator(&world);
    let (start, mut at) = (world.clock.now(), PoolCursor::default());
    world.clock.set(start.plus(days(30)));
    assert_eq!(pull_all(&curator, &mut at).arrivals.len(), 1);
    world.clock.set(start);
    let case = alice.open_case("two").unwrap();
    alice.share(&case, &abstracted(2), [Use::Education], until(&world)).unwrap();
    assert_eq!(pull_all(&curator, &mut at).arrivals.len(), 0);
    world.clock.advance(days(2));
    assert_eq!(pull_all(&curator, &mut at).arrivals.len(), 1);
}

#[test]
fn the_curator_takes_nothing_that_does_not_fit() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let cases: Vec<Case> = (0..4).map(|_| alice.open_case("a case").unwrap()).collect();
    let other = Digest::from_bytes([1; 32]);
    let weaker = sharing(&world, Abstract { policy: other, ..abstracted(1) });
    let soon = Sharing { until: world.in_days(0).plus(days(1)), ..sharing(&world, abstracted(2)) };
    let garbled = {
        let good = sealed_by_hand(&world, &sharing(&world, abstracted(3)), (PUBLIC, CURATOR));
        let elsewhere = sealed_by_hand(&world, &sharing(&world, abstracted(3)), (other, CURATOR));
        SharedAbstract { sealed: elsewhere.sealed, ..good }
    };
    let shares = [
        sealed_by_hand(&world, &weaker, (PUBLIC, CURATOR)),
        garbled,
        sealed_by_hand(&world, &soon, (PUBLIC, CURATOR)),
        sealed_by_hand(&world, &soon, (PUBLIC, CURATOR)),
    ];
    for ((case, shared), op) in cases.iter().zip(shares).zip(70..) {
        let part = by_hand(&world, ALICE, case, (Verb::Share, op), Some(Enclosure::Share(shared)));
        assert!(is_accepted(&world.submit(Some(world.sender(ALICE)), vec![part])));
    }
    world.clock.advance(days(2));
    let pulled = pull_all(&curator(&world), &mut PoolCursor::default());
    let mut why: Vec<Unfit> = pulled.unfit.iter().map(|(_, why)| *why).collect();
    why.sort_unstable();
    assert_eq!(pulled.arrivals, []);
    assert_eq!(why, [Unfit::Ended, Unfit::OtherPolicy, Unfit::Repeated, Unfit::Unreadable]);
}

#[test]
fn a16_and_a31_who_is_not_the_curator_learns_nothing() {
    let world = area();
    let (alice, _) = shared_by(&world, ALICE, 1);
    world.doctor(BOB, "Bob");
    world.clock.advance(days(1));
    let pool = || Question::Pool(PoolCursor::default());
    let refusal = |response: &Response| codec::encode(response);
    let absent = refusal(&world.ask(BOB, Question::Stream(alice.id(), 0)));
    for seed in [ALICE, BOB, REGISTRAR, 99] {
        for question in [pool(), Question::Releases(0)] {
            assert_eq!(refusal(&world.ask(seed, question)), absent, "party {seed}");
        }
    }
    // Nor does the curator, once nobody vouches for it, or the policy names another.
    assert!(matches!(world.ask(CURATOR, pool()), Response::Answer(Answer::Pool(_))));
    world.office().withdraw(keyring(CURATOR).party()).unwrap();
    assert_eq!(refusal(&world.ask(CURATOR, pool())), absent, "not attested");
    world.office().attest(keyring(CURATOR).party(), Attestation::curator()).unwrap();
    assert!(matches!(world.ask(CURATOR, pool()), Response::Answer(Answer::Pool(_))));
    world.office().propose(world.vault.policy().curated(PUBLIC, &keyring(71).card(Role::Curator))).unwrap();
    assert_eq!(refusal(&world.ask(CURATOR, pool())), absent, "another curator");
    let doctor =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), world.trusting(), world.tools(94));
    drop(doctor.unwrap());
    // Without a public area nothing more is shared, and what was can be taken back.
    world.office().propose(world.vault.policy().uncurated()).unwrap();
    let case = alice.open_case("two").unwrap();
    let refused = alice.share(&case, &abstracted(2), [Use::Education], until(&world));
    assert_eq!(refused.unwrap_err().code(), "not-public");
    let own = alice.own_cases().unwrap();
    let shared = alice.shared_cases().unwrap()[0].case;
    alice.retract(own.iter().find(|case| case.id() == shared).unwrap()).unwrap();
}

#[test]
fn a_curator_is_a_party_that_is_vetted_and_no_registrar_makes_itself_one() {
    let registrar = keyring(REGISTRAR).card(Role::Registrar);
    assert!(!Policy::trusting([&registrar]).curated(PUBLIC, &registrar).is_sound());
    let world = area();
    let impostor = world.patient(CAROL, "Carol");
    let event = world.event(Principal::Party(impostor.id()), Verb::Release, 80);
    let event = event.with(|step| Step { owner: Principal::Vault(world.vault.trust().vault), ..step });
    for sender in [None, Some(world.sender(CAROL))] {
        assert!(!is_accepted(&world.submit(sender, vec![signed(CAROL, &event)])));
    }
}
