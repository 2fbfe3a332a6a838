//! Messages made by hand, of people with keys and bad intentions: a vault does what its rules say, and no more.

use std::time::Duration;

use casevault::{
    codec,
    consent::{Grant, Reader, Terms},
    crypto::{Random, Signed},
    custodian::{Answer, Part, Question, Response},
    event::{FolderOpening, Principal, SignedEvent, Step, Verb},
    folder::{Clearance, Epoch, EpochOf, FolderKey, FolderKind},
    id::{FolderId, OpId},
    merkle::{Frontier, root},
    party::{Auditor, Doctor, Patient},
    record::{Counts, Kind, Leaf, ListItem},
    session::{Entry, Session},
    time::{Clock, Timestamp},
};

use crate::{
    custodians::Recording,
    world::{ALICE, BOB, CAROL, DAVE, World, is_accepted, keyring, made_up_key, sealed, signed},
};

/// A doctor whose messages are kept.
fn listened_to<'c>(world: &World, recording: &'c Recording<'c>) -> Session<'c, Doctor> {
    world.doctor(BOB, "Bob");
    Session::<Doctor>::sign_in_with(recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap()
}

#[test]
fn a29_naming_an_owner_tells_no_reader_whether_it_is_the_one() {
    let world = World::new();
    let (alice, _eve) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Eve"));
    let bob = world.doctor(BOB, "Bob");
    let other = alice.open_case("anonymous").unwrap();
    alice.opinion(&other, bob.id(), Terms::opinion()).unwrap();
    let named = |owner: u8, token: [u8; 32], op: u8| {
        let open = world.event_in(other.id(), BOB, Verb::Open, op);
        let sender = casevault::custodian::Sender { owner: keyring(owner).party(), token };
        world.submit(Some(sender), vec![signed(BOB, &open)])
    };
    let right = named(ALICE, [7; 32], 1);
    assert!(!is_accepted(&right));
    assert_eq!(right, named(DAVE, [7; 32], 2));
    // Not even with the token, which only the owner has: a reader's event is not the owner's.
    assert!(!is_accepted(&named(ALICE, world.sender(ALICE).token, 3)));
}

#[test]
fn a29_what_a_reader_saw_signed_cannot_be_handed_in_again() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let bob = listened_to(&world, &recording);
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap().identity().unwrap();
    let tie = recording.openings().into_iter().flat_map(|opening| opening.charts).find_map(|chart| chart.tie);
    let keyed = recording.chart_of(case.id()).epochs[0].event.clone();
    alice.revoke(&case, bob.id()).unwrap();
    world.clock.advance(Duration::from_secs(86_400 * 100));
    for (number, sender) in [None, Some([7; 32])].into_iter().enumerate() {
        let sender = sender.map(|token| casevault::custodian::Sender { owner: alice.id(), token });
        let parts = vec![Part::of(tie.clone().unwrap()), Part::of(keyed.clone())];
        assert!(!is_accepted(&world.submit(sender.clone(), parts)), "{number}");
        assert!(!is_accepted(&world.submit(sender, vec![Part::of(keyed.clone())])), "{number}");
    }
}

#[test]
fn a29_an_owners_own_event_handed_in_again_tells_nobody_whose_it_is() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let (alice, _eve) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Eve"));
    let bob = listened_to(&world, &recording);
    let carol = world.doctor(CAROL, "Carol");
    let case = alice.open_case("anonymous").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    alice.revoke(&case, carol.id()).unwrap();
    // A submission of one event, which who was asked for an opinion sees: done before, it would be promised once more.
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let renewal = recording.chart_of(case.id()).epochs.pop().unwrap().event;
    let handed_in = |seed, token| {
        let owner = keyring(seed).party();
        let sender = casevault::custodian::Sender { owner, token };
        world.submit(Some(sender), vec![Part::of(renewal.clone())])
    };
    let right = handed_in(ALICE, [7; 32]);
    assert!(!is_accepted(&right));
    assert_eq!(right, handed_in(DAVE, [7; 32]));
    assert!(is_accepted(&handed_in(ALICE, world.sender(ALICE).token)), "the owner's own repetition");
}

#[test]
fn a25_terms_of_the_owners_own_use_are_for_the_owner_alone() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    alice.settle().unwrap();
    let identity = alice.identity_folder().unwrap().id();
    let steps = world.stream(ALICE).into_iter().map(|streamed| streamed.event.claimed_step().unwrap());
    let epoch =
        steps.filter(|step| step.folder == Some(identity)).filter_map(|step| step.epoch).max().unwrap();
    let key = made_up_key(EpochOf { vault: world.vault.trust().vault, folder: identity, epoch });
    let now = world.clock.now();
    // "For the owner's own use" is the first of all purposes; the builder gives it to nobody.
    let lent = Terms::treatment().cleared_for(Clearance::VeryRestricted).from(now).until(Timestamp::MAX);
    let mut bytes = codec::encode(&lent);
    bytes[2] = 1;
    let own: Terms = codec::decode(&bytes).unwrap();
    for (op, verb) in [(1, Verb::Assign), (2, Verb::Grant)] {
        let reader = Reader { card: bob.card(), attested: None, because: None };
        let grant = Grant::seal(&key, reader, own, &mut Random::seeded([op; 32])).unwrap();
        let grants = vec![grant.statement.digest()];
        let event = world.event(Principal::Party(alice.id()), verb, op);
        let event = event.with(|step| Step { folder: Some(identity), epoch: Some(epoch), grants, ..step });
        let part = Part { grants: vec![grant], ..signed(ALICE, &event) };
        assert!(!is_accepted(&world.submit(Some(world.sender(ALICE)), vec![part])), "{verb:?}");
    }
}

#[test]
fn a16_a_withdrawn_attestation_is_not_played_again_behind_another_event() {
    let world = World::new();
    let bob = world.doctor(BOB, "Bob");
    let Response::Answer(Answer::Card(_, attestations)) = world.ask(BOB, Question::Card(bob.id())) else {
        panic!("no card")
    };
    let is_attest = |event: &SignedEvent| event.claimed_step().unwrap().verb == Verb::Attest;
    let attest = world.stream(BOB).into_iter().map(|streamed| streamed.event).find(is_attest).unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.office().withdraw(bob.id()).unwrap();
    let own = world.event(Principal::Party(bob.id()), Verb::Open, 7);
    let folder = Some(bob.identity_folder().unwrap().id());
    let own = signed(BOB, &own.with(|step| Step { folder, ..step }));
    let again = Part { attestation: Some(attestations.0[0].clone()), ..Part::of(attest) };
    for sender in [None, Some(world.sender(BOB))] {
        assert!(!is_accepted(&world.submit(sender.clone(), vec![own.clone(), again.clone()])));
        // By itself it is what was done before: the same receipt once more, and nothing else.
        let before = world.stream(BOB).len();
        drop(world.submit(sender.clone(), vec![again.clone()]));
        assert_eq!(world.stream(BOB).len(), before);
        // Behind itself it is all by one registrar, and not what was done before.
        assert!(!is_accepted(&world.submit(sender, vec![again.clone(), again.clone()])));
    }
    assert!(bob.vouched(bob.id()).is_err());
}

#[test]
fn a17_an_event_stands_once_in_a_stream_however_often_it_is_handed_in() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let identity = alice.identity_folder().unwrap().id();
    let open = |op| {
        let event = world.event(Principal::Party(alice.id()), Verb::Open, op);
        signed(ALICE, &event.with(|step| Step { folder: Some(identity), ..step }))
    };
    let length = || world.stream(ALICE).len();
    let before = length();
    assert!(is_accepted(&world.submit(Some(world.sender(ALICE)), vec![open(1)])));
    assert_eq!(length(), before + 1);
    for parts in [vec![open(1)], vec![open(2), open(1)], vec![open(3), open(3)], vec![open(4), open(5)]] {
        assert!(!is_accepted(&world.submit(Some(world.sender(ALICE)), parts)));
    }
    assert_eq!(length(), before + 1, "and one submission opens one folder");
}

#[test]
fn a16_an_auditor_nobody_vetted_reads_no_card() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let auditor = world.enrol::<Auditor>(30, "self-declared");
    assert!(auditor.vouched(alice.id()).is_err_and(|error| error.code() == "denied"));
}

#[test]
fn a3_nobody_begins_a_folder_under_anothers_id() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("rash").unwrap();
    let mallory = world.patient(66, "Mallory");
    let me = Principal::Party(mallory.id());
    for (op, kind) in [(1, FolderKind::Summary), (3, FolderKind::Case)] {
        let opening = FolderOpening { kind, verifying: None, nonce: [9; 16] };
        let begun = world.event(me, Verb::OpenFolder, op);
        let begun = begun.with(|step| Step { folder: Some(case.id()), opening: Some(opening), ..step });
        let begun = signed(66, &begun);
        let vault = world.vault.trust().vault;
        let key = FolderKey::generate(
            EpochOf { vault, folder: case.id(), epoch: Epoch::FIRST },
            &mut Random::seeded([op; 32]),
        );
        let now = world.clock.now();
        let mut own = codec::encode(
            &Terms::treatment().cleared_for(Clearance::VeryRestricted).from(now).until(Timestamp::MAX),
        );
        own[2] = 1;
        let reader = Reader { card: mallory.card(), attested: None, because: None };
        let grant =
            Grant::seal(&key, reader, codec::decode(&own).unwrap(), &mut Random::seeded([op; 32])).unwrap();
        let keyed = world.event(me, Verb::Rotate, op + 1).with(|step| Step {
            folder: Some(case.id()),
            epoch: Some(Epoch::FIRST),
            before: Some(casevault::merkle::Head::default()),
            grants: vec![grant.statement.digest()],
            commitments: Some(key.commitments().unwrap()),
            subject: Some(begun.event.digest()),
            ..step
        });
        let keyed = Part { grants: vec![grant], ..signed(66, &keyed) };
        assert!(!is_accepted(&world.submit(Some(world.sender(66)), vec![begun, keyed])), "{kind:?}");
    }
}

#[test]
fn what_a_writer_sends_ahead_stands_in_nobodys_way() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    let note = alice.write(&case, Kind::Note, "left").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let key =
        made_up_key(EpochOf { vault: world.vault.trust().vault, folder: case.id(), epoch: Epoch::FIRST });
    let stage = |sealing: casevault::record::Sealing, op: u8| {
        let event = world.event_in(case.id(), BOB, Verb::Stage, op).with(|step| Step {
            epoch: Some(Epoch::FIRST),
            subject: Some(root(&[sealing.leaf.hash()]).root),
            ..step
        });
        world.submit(None, vec![Part { records: vec![sealing], ..signed(BOB, &event) }])
    };
    // The next version of the patient's record, never listed.
    let taken = stage(sealed((&key, [0; 32]), (note, 2, Kind::Note), 9, "garbage"), 9);
    assert!(is_accepted(&taken), "{taken:?}");
    // The patient's own version, under the patient's own act: what was acknowledged is not overwritten.
    let shown = alice.open(&case).unwrap().record(note).unwrap();
    let writes = world.stream(ALICE).into_iter().map(|streamed| streamed.event.claimed_step().unwrap());
    let author = writes.filter(|step| step.verb == Verb::Write).map(|step| step.op_id).next_back().unwrap();
    let mut over = sealed((&key, [0; 32]), (note, 1, Kind::Note), 8, "garbage");
    over.leaf.author = author;
    assert!(!is_accepted(&stage(over, 8)));
    alice.revoke(&case, bob.id()).unwrap();
    alice.amend(&case, &shown, "right").unwrap();
    assert_eq!(alice.open(&case).unwrap().record(note).unwrap().value::<String>().unwrap(), "right");
}

#[test]
fn a27_nobody_lists_anothers_record_as_his_own() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let bob = listened_to(&world, &recording);
    let case = alice.open_case("rash").unwrap();
    alice.write(&case, Kind::Complaint, "it itches").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let chart = recording.chart_of(case.id());
    let items: Vec<ListItem> = chart.runs.iter().flat_map(|run| run.items.clone()).collect();
    let ListItem::Shown(last) = *items.last().unwrap() else { panic!("hidden") };
    for version in [1, 2] {
        let op = 10 + u8::try_from(version).unwrap();
        let leaf = Leaf { author: OpId::from_bytes([op; 16]), version, ..last };
        let mut list = Frontier::new();
        items.iter().for_each(|item| list.append(item.hash()));
        let before = list.head();
        list.append(leaf.hash());
        let write = world.event_in(case.id(), BOB, Verb::Write, op).with(|step| Step {
            epoch: Some(Epoch::FIRST),
            before: Some(before),
            after: Some(list.head()),
            counts: Some(Counts::of(&[leaf])),
            ..step
        });
        let part = Part { staged: vec![leaf], ..signed(BOB, &write) };
        assert!(!is_accepted(&world.submit(None, vec![part])), "version {version}");
    }
}

#[test]
fn a_case_of_more_than_a_message_is_read_whole_and_misses_nothing_unseen() {
    let world = World::new();
    let between = crate::custodians::Tampering::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("much").unwrap();
    // Twenty megabytes: more than one answer carries.
    for number in 0..6u8 {
        let entries =
            (0..72).map(|_| Entry::of_bytes(Kind::Document, "text/plain", vec![number; 47_000]).unwrap());
        alice.write_all(&case, entries.collect()).unwrap();
    }
    let again =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(70)).unwrap();
    let chart = again.open(&case).unwrap();
    assert_eq!(chart.records().unwrap().len(), 433);
    let check = |change: fn(&mut Vec<minicbor::bytes::ByteVec>), code: &str| {
        between.changing(move |_, response| {
            if let Response::Answer(Answer::Records(sealed)) = response {
                change(sealed);
            }
        });
        assert_eq!(chart.records().unwrap_err().code(), code);
        between.honest();
    };
    check(Vec::clear, "tampered-list");
    check(|sealed| sealed.swap(0, 1), "tampered-record");
    check(|sealed| sealed[0] = sealed[1].clone(), "tampered-record");
}

#[test]
fn a31_a_denial_names_nobody_who_did_not_sign() {
    let world = World::new();
    let auditor = world.enrol::<Auditor>(30, "Audit");
    world.office().attest(auditor.id(), casevault::credential::Attestation::auditor()).unwrap();
    let bob = world.doctor(BOB, "Bob");
    // In Bob's name, under Carol's signature.
    let open = world.event_in(FolderId::from_bytes([9; 32]), BOB, Verb::Open, 1);
    assert!(!is_accepted(&world.submit(None, vec![signed(CAROL, &open)])));
    let Response::Answer(Answer::Stream(page)) = world.ask(30, Question::VaultStream(0)) else {
        panic!("no stream")
    };
    let denials = page.events.iter().map(|streamed| streamed.event.claims().unwrap());
    let named: Vec<_> = denials.filter_map(|event| event.moment.on_behalf_of).collect();
    assert!(!named.contains(&bob.id()), "the vault signed what nobody said");
}

#[test]
fn what_a_writer_spoilt_hides_nothing_else() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let bob = listened_to(&world, &recording);
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let mut list = Frontier::new();
    recording
        .chart_of(case.id())
        .runs
        .iter()
        .flat_map(|run| &run.items)
        .for_each(|item| list.append(item.hash()));
    let key =
        made_up_key(EpochOf { vault: world.vault.trust().vault, folder: case.id(), epoch: Epoch::FIRST });
    let record = casevault::id::RecordId::from_bytes([6; 16]);
    let sealing = sealed((&key, [0; 32]), (record, 1, Kind::Note), 11, "no key opens this");
    let before = list.head();
    list.append(sealing.leaf.hash());
    let write = world.event_in(case.id(), BOB, Verb::Write, 11).with(|step| Step {
        epoch: Some(Epoch::FIRST),
        before: Some(before),
        after: Some(list.head()),
        counts: Some(Counts::of([&sealing.leaf])),
        ..step
    });
    assert!(is_accepted(&world.submit(None, vec![Part { records: vec![sealing], ..signed(BOB, &write) }])));
    alice.write(&case, Kind::Complaint, "still there").unwrap();
    let chart = alice.open(&case).unwrap();
    assert_eq!(chart.records().unwrap_err().code(), "tampered-record");
    let (records, spoilt) = chart.readable().unwrap();
    assert_eq!((records.len(), spoilt.len()), (2, 1));
    let who = casevault::session::Author::Party(bob.id(), casevault::party::Role::Doctor);
    assert_eq!((spoilt[0].record, spoilt[0].author), (record, who));
}

#[test]
fn a_doctor_of_two_cases_learns_who_the_patient_is_in_both() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    for title in ["one", "two"] {
        let case = alice.open_case(title).unwrap();
        alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    }
    for case in bob.cases().unwrap() {
        assert_eq!(bob.open(&case).unwrap().identity().unwrap().party(), alice.id());
    }
}

#[test]
fn a_question_of_another_is_answered_by_the_same_decision_as_an_opening() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(1))).unwrap();
    let identity = alice.identity_folder().unwrap().id();
    let answered = |folder| matches!(world.ask(BOB, Question::Records(folder, 0)), Response::Answer(_));
    assert!(answered(case.id()) && answered(identity));
    let late = Signed::sign(
        &casevault::custodian::Query {
            vault: world.vault.trust().vault,
            asker: bob.id(),
            question: Question::Records(case.id(), 0),
            at: world.in_days(2),
            nonce: [1; 16],
        },
        keyring(BOB).signer(),
    );
    let late = world.send(&casevault::custodian::Request::Ask(late));
    assert!(!matches!(late, Response::Answer(_)), "by a clock of its own");
    world.clock.advance(Duration::from_secs(86_400));
    assert!(!answered(case.id()) && !answered(identity));
}
