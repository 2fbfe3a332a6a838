//! A custodian that repeats, drops, and puts back: what a session once knew it is not talked out of.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use casevault::{
    consent::{Grant, GrantStatement, Reader, Terms},
    credential::Attestation,
    crypto::Random,
    custodian::{Accepted, Answer, Question, Request, Response, Run, Salt, SealedChart, StreamPage, Writer},
    event::{Event, FolderOpening, Principal, SignedEvent, Step, Streamed, Verb},
    folder::{Clearance, Epoch, FolderKind},
    id::{FolderId, OpId, RecordId},
    merkle::Frontier,
    party::{Doctor, Patient, Role},
    record::{Counts, Kind, ListItem},
    session::{Case, Entry, Memory, Session},
    time::{Clock as _, Timestamp},
};

use crate::{
    custodians::{Evil, Meanwhile, Recording, Tampering, Told, false_receipt, verbs},
    world::{ALICE, BOB, CAROL, DAVE, World, keyring, profile, sealed},
};

/// A vetted patient over a custodian.
fn patient<'c>(world: &World, custodian: &'c dyn casevault::custodian::Custodian) -> Session<'c, Patient> {
    let alice = world.enrol_over::<Patient>(custodian, ALICE, "Alice");
    world.office().attest(alice.id(), Attestation::patient()).unwrap();
    alice.settle().unwrap();
    alice
}

/// The last opening that crossed, to be shown again.
type Kept = Arc<Mutex<Option<(Vec<Salt>, SealedChart)>>>;

fn keep(between: &Tampering<'_>) -> Kept {
    let kept = Kept::default();
    let keeping = Arc::clone(&kept);
    between.changing(move |_, response| {
        if let Response::Accepted(Accepted { salts, charts, .. }) = response
            && let Some(chart) = charts.first()
        {
            *keeping.lock().unwrap() = Some((salts.clone(), chart.clone()));
        }
    });
    kept
}

fn show_again(between: &Tampering<'_>, kept: Kept) {
    between.changing(move |request, response| {
        if verbs(request) == [Verb::Open]
            && let Response::Accepted(accepted) = response
        {
            let (salts, chart) = kept.lock().unwrap().clone().unwrap();
            accepted.salts = salts;
            accepted.charts = vec![chart];
        }
    });
}

#[test]
fn a10_after_a_revocation_nothing_is_sealed_under_the_key_of_before() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let between = Tampering::over(&recording);
    let alice = patient(&world, &between);
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let kept = keep(&between);
    alice.open(&case).unwrap();
    between.honest();
    alice.revoke(&case, bob.id()).unwrap();
    let memory = alice.memory();
    let again = Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory, world.tools(70)).unwrap();
    show_again(&between, kept);
    let before = recording.submissions().len();
    assert_eq!(again.open(&case).unwrap_err().code(), "tampered-head");
    assert_eq!(again.write(&case, Kind::Complaint, "not for Bob").unwrap_err().code(), "tampered-head");
    let later = recording.submissions().into_iter().skip(before);
    assert!(later.flat_map(|submission| submission.parts).all(|part| part.records.is_empty()));
}

#[test]
fn a30_a_write_the_stream_told_of_is_not_left_out_of_the_chart() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let alice = patient(&world, &between);
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let kept = keep(&between);
    alice.open(&case).unwrap();
    between.honest();
    bob.write(&bob.cases().unwrap()[0], Kind::Note, "allergic to penicillin").unwrap();
    assert!(alice.history().unwrap().iter().any(|line| line.verb == Verb::Write && !line.is_own));
    show_again(&between, kept);
    assert_eq!(alice.open(&case).unwrap_err().code(), "tampered-head");
}

/// A patient of a custodian with a key of its own, with a case that a doctor was asked about.
fn forked<'c>(world: &World, evil: &'c Evil<'c>) -> (Session<'c, Patient>, Case, casevault::id::PartyId) {
    let enrolled = Session::<Patient>::enrol_with(
        evil,
        keyring(ALICE),
        &profile("Alice"),
        evil.trusting(),
        world.tools(ALICE),
    );
    let alice = enrolled.unwrap();
    world.office().attest(alice.id(), Attestation::patient()).unwrap();
    let bob = world.doctor(BOB, "Bob").id();
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, bob, Terms::opinion()).unwrap();
    (alice, case, bob)
}

/// Tells another stream of the patient's from now on.
fn tell(world: &World, evil: &Evil<'_>, change: impl Fn(&mut Vec<Streamed>) + Send + 'static) {
    let told = Told::of(world.stream(ALICE));
    evil.between.changing(move |_, response| {
        if let Response::Answer(Answer::Stream(page)) = response {
            told.tell(page, &change);
        }
    });
}

#[test]
fn a17_an_event_that_is_repeated_inserted_altered_or_left_out_is_found() {
    let of = |verb: Verb| move |streamed: &&Streamed| streamed.event.claimed_step().unwrap().verb == verb;
    let check = |what: &str, change: fn(&mut Vec<Streamed>, &dyn Fn(Verb) -> Streamed)| {
        let world = World::new();
        let evil = Evil::over(&world, &world.vault);
        let (alice, ..) = forked(&world, &evil);
        tell(&world, &evil, move |events| {
            let known = events.clone();
            let first = |verb| known.iter().find(of(verb)).unwrap().clone();
            change(events, &first);
        });
        // Who reads from the beginning, and who reads on.
        assert_eq!(alice.history().map(drop).unwrap_err().code(), "tampered-stream", "{what}");
    };
    check("an old key, as if made now", |events, first| events.push(first(Verb::Rotate)));
    check("an old grant, as if made now", |events, first| events.push(first(Verb::Grant)));
    check("a folder begun again", |events, first| events.push(first(Verb::OpenFolder)));
    check("an old write", |events, first| events.push(first(Verb::Write)));
    check("the last event cut off", |events, _| drop(events.pop()));
    check("one in the middle left out", |events, _| drop(events.remove(3)));
    check("two in another order", |events, _| events.swap(2, 3));
    check("another time", |events, _| events[4].received = Timestamp::at_ms(1));
}

#[test]
fn a17_a_grant_hidden_behind_a_repeated_key_is_not_hidden() {
    let world = World::new();
    let evil = Evil::over(&world, &world.vault);
    let (alice, case, bob) = forked(&world, &evil);
    let memory = alice.memory();
    let id = case.id();
    tell(&world, &evil, move |events| {
        let is_first_key = |streamed: &&Streamed| {
            let step = streamed.event.claimed_step().unwrap();
            step.verb == Verb::Rotate && step.folder == Some(id)
        };
        let again = events.iter().find(is_first_key).cloned();
        events.extend(again);
    });
    // Also to a session that has seen nothing.
    for memory in [memory, evil.trusting()] {
        let session = Session::<Patient>::sign_in_with(&evil, keyring(ALICE), memory, world.tools(70));
        let access = session.and_then(|alice| alice.who_has_access());
        assert_eq!(access.unwrap_err().code(), "tampered-stream", "{bob} is hidden");
    }
}

#[test]
fn a17_a_fork_is_found_by_who_is_shown_the_other_branch() {
    let world = World::new();
    let evil = Evil::over(&world, &world.vault);
    let (alice, case, _) = forked(&world, &evil);
    alice.verify_stream().unwrap();
    let memory = alice.memory();
    // One device hears of a write that the other is not told of, and then of others.
    alice.write(&case, Kind::Note, "on the telephone").unwrap();
    alice.write(&case, Kind::Note, "and on").unwrap();
    alice.verify_stream().unwrap();
    let both = alice.memory();
    tell(&world, &evil, |events| drop(events.remove(events.len() - 2)));
    for memory in [both, memory] {
        let session = Session::<Patient>::sign_in_with(&evil, keyring(ALICE), memory, world.tools(71));
        let outcome = session.and_then(|alice| alice.verify_stream().map(drop));
        assert_eq!(outcome.unwrap_err().code(), "tampered-stream");
    }
}

#[test]
fn a5_an_acknowledged_revocation_is_not_forgotten() {
    let world = World::new();
    let evil = Evil::over(&world, &world.vault);
    let (alice, case, bob) = forked(&world, &evil);
    let (id, now) = (case.id(), Timestamp::at_ms(1_790_000_000_000));
    let known = world.vault.trust().clone();
    evil.between.answering(move |request| {
        let Request::Submit(submission) = request else { return None };
        if !verbs(request).contains(&Verb::Revoke) {
            return None;
        }
        let receipt = false_receipt(submission, &known, now);
        let salts = vec![Salt { folder: id, epoch: Epoch::from_number(2), salt: [7; 32] }];
        Some(Response::Accepted(Accepted {
            receipt,
            salts,
            charts: Vec::new(),
            letter: None,
            concerned: Vec::new(),
        }))
    });
    assert_eq!(alice.revoke(&case, bob).unwrap_err().code(), "tampered-receipt");
}

#[test]
fn a17_the_residue_is_told_by_the_whole_stream() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let alice = patient(&world, &between);
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    let old: Arc<Mutex<Option<StreamPage>>> = Arc::default();
    let keeping = Arc::clone(&old);
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Stream(page)) = response
            && page.first == 0
        {
            *keeping.lock().unwrap() = Some(page.clone());
        }
    });
    alice.history().unwrap();
    between.honest();
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let revocation = alice.revoke(&case, bob.id()).unwrap();
    assert_eq!(alice.residue(&revocation).unwrap().looks.len(), 1);
    between.changing(move |request, response| {
        if let Request::Ask(query) = request
            && query.claims().unwrap().question == Question::Stream(keyring(ALICE).party(), 0)
        {
            *response = Response::Answer(Answer::Stream(old.lock().unwrap().clone().unwrap()));
        }
    });
    assert_eq!(alice.residue(&revocation).unwrap_err().code(), "tampered-stream");
}

#[test]
fn a10_an_ex_writer_and_the_custodian_add_nothing_to_an_epoch_that_is_over() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let between = Tampering::over(&world.vault);
    let alice = patient(&world, &between);
    world.doctor(BOB, "Bob");
    let bob =
        Session::<Doctor>::sign_in_with(&recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap();
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    let Accepted { salts, charts, .. } = recording.opening_of(case.id());
    let old = charts.into_iter().next().unwrap();
    let write = world.event_in(case.id(), BOB, Verb::Write, 66);
    world.clock.advance(Duration::from_secs(3600));
    alice.revoke(&case, bob.id()).unwrap();
    // Before anything is written under the new key, and after.
    for is_written in [false, true] {
        if is_written {
            alice.write(&case, Kind::Complaint, "since the revocation").unwrap();
        }
        let (old, salts, write) = (old.clone(), salts.clone(), write.clone());
        let (card, folder) = (bob.card().clone(), case.id());
        between.changing(move |request, response| {
            if verbs(request) != [Verb::Open] {
                return;
            }
            let Response::Accepted(accepted) = response else { return };
            let chart = &mut accepted.charts[0];
            let commitments = old.epochs[0].event.claims().unwrap().step.commitments.unwrap();
            let key = old.grant.open(keyring(BOB).opening_key(), &commitments).unwrap();
            let salt = salts.iter().find(|salt| salt.folder == folder).unwrap().salt;
            let record = (RecordId::from_bytes([66; 16]), 1, Kind::Prescription);
            let sealing = sealed((&key, salt), record, 66, "warfarin 50 mg");
            let mut list = Frontier::new();
            chart.runs.iter().flat_map(|run| &run.items).for_each(|item| list.append(item.hash()));
            let before = list.head();
            list.append(sealing.leaf.hash());
            let event = write.clone().with(|step| Step {
                epoch: Some(Epoch::FIRST),
                before: Some(before),
                after: Some(list.head()),
                counts: Some(Counts::of([&sealing.leaf])),
                ..step
            });
            let event = SignedEvent::sign(&event, keyring(BOB).signer());
            chart.runs.push(Run { event, items: vec![ListItem::Shown(sealing.leaf)] });
            chart.sealed.push(sealing.sealed);
            chart.head = list.head();
            let (statement, granted) = (old.grant.statement, old.granted.clone());
            chart.writers.push(Writer { card: card.clone(), statement, granted });
        });
        let memory = world.trusting();
        let fresh = Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory, world.tools(80));
        assert_eq!(fresh.unwrap().open(&case).unwrap_err().code(), "tampered-list", "written: {is_written}");
        between.honest();
    }
}

#[test]
fn a10_a_new_key_is_for_nobody_whose_right_is_over() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = patient(&world, &recording);
    let [bob, carol, dave] = [(BOB, "Bob"), (CAROL, "Carol"), (DAVE, "Dave")].map(|(seed, name)| {
        let doctor = world.doctor(seed, name);
        doctor.id()
    });
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, bob, Terms::opinion().until(world.in_days(1))).unwrap();
    alice.opinion(&case, carol, Terms::opinion()).unwrap();
    alice.opinion(&case, dave, Terms::opinion()).unwrap();
    world.clock.advance(Duration::from_secs(2 * 24 * 3600));
    world.office().withdraw(dave).unwrap();
    alice.revoke(&case, carol).unwrap();
    let last = recording.submissions().pop().unwrap();
    let grants = last.parts.iter().flat_map(|part| &part.grants);
    let readers: Vec<_> = grants.map(|grant| grant.statement.reader).collect();
    assert_eq!(readers, [alice.id()], "neither the expired, nor the withdrawn, nor the revoked");
}

#[test]
fn a10_the_residue_counts_what_a_wider_grant_of_before_opened() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    let private = Entry::new(Kind::Note, "private").unwrap().cleared_for(Clearance::Restricted);
    alice.write_all(&case, vec![private]).unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion().cleared_for(Clearance::VeryRestricted)).unwrap();
    assert_eq!(bob.open(&bob.cases().unwrap()[0]).unwrap().records().unwrap().len(), 2);
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    let his = alice.who_has_access().unwrap().into_iter().filter(|access| access.party == bob.id());
    assert_eq!(his.count(), 2, "both grants hold until the key is renewed");
    let revocation = alice.revoke(&case, bob.id()).unwrap();
    let residue = alice.residue(&revocation).unwrap();
    assert_eq!((residue.could_read, residue.did_open, residue.out_of_reach), (2, 2, 0));
}

#[test]
fn a24_an_end_at_the_beginning_of_time_is_no_longer_right() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    let granted = alice.opinion(&case, bob.id(), Terms::opinion().until(Timestamp::at_ms(0)));
    assert_eq!(granted.unwrap_err().code(), "terms");
}

#[test]
fn a23_a_large_write_that_meets_another_succeeds_at_the_next_try() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let memory = alice.memory();
    let meanwhile = Meanwhile::over(
        &world.vault,
        |request| verbs(request) == [Verb::Write],
        || assert!(bob.write(&his, Kind::Note, "meanwhile").is_ok()),
    );
    let alice =
        Session::<Patient>::sign_in_with(&meanwhile, keyring(ALICE), memory, world.tools(80)).unwrap();
    let entry = |byte| Entry::of_bytes(Kind::Document, "x/y", vec![byte; 3 << 20]).unwrap();
    alice.write_all(&case, vec![entry(1), entry(2)]).unwrap();
    assert!(meanwhile.has_acted());
    let chart = alice.open(&case).unwrap();
    assert_eq!(chart.records().unwrap().len(), 4, "the title, his note, two documents");
}

#[test]
fn a23_a_grant_made_while_a_key_is_renewed_is_not_lost() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    let memory = alice.memory();
    let meanwhile = Meanwhile::over(
        &world.vault,
        |request| verbs(request) == [Verb::Revoke],
        || assert!(alice.opinion(&case, carol.id(), Terms::opinion()).is_ok()),
    );
    let other =
        Session::<Patient>::sign_in_with(&meanwhile, keyring(ALICE), memory, world.tools(80)).unwrap();
    other.revoke(&case, bob.id()).unwrap();
    assert!(meanwhile.has_acted());
    assert!(bob.cases().unwrap().is_empty());
    assert_eq!(carol.open(&carol.cases().unwrap()[0]).unwrap().records().unwrap().len(), 1);
}

#[test]
fn a6_the_identity_of_a_case_is_that_of_its_owner() {
    let world = World::new();
    let evil = Evil::over(&world, &world.vault);
    let alice = world.patient(ALICE, "Alice Liddell");
    let mallory = world.patient(66, "Mallory");
    world.doctor(BOB, "Bob");
    let bob = Session::<Doctor>::sign_in_with(&evil, keyring(BOB), evil.trusting(), world.tools(51)).unwrap();
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    // Mallory says that she began Alice's case; the custodian shows it in place of what Alice said.
    let verifying = world.case_key(ALICE, case.id()).signer().verifying_key();
    let opening = FolderOpening { kind: FolderKind::Case, verifying: Some(verifying), nonce: [0; 16] };
    let me = Principal::Party(mallory.id());
    let begun = world.event(me, Verb::OpenFolder, 2).with(|step| Step {
        folder: Some(case.id()),
        opening: Some(opening),
        ..step
    });
    let tie = SignedEvent::sign(&begun, keyring(66).signer());
    evil.between.changing(move |_, response| {
        if let Response::Accepted(Accepted { charts, .. }) = response
            && let Some(chart) = charts.first_mut().filter(|chart| chart.kind == FolderKind::Identity)
        {
            chart.tie = Some(tie.clone());
        }
    });
    let his = bob.cases().unwrap().remove(0);
    assert_eq!(bob.open(&his).unwrap().identity().unwrap_err().code(), "tampered-chart");
}

#[test]
fn a6_nobody_passes_off_a_case_of_anothers_as_his_own() {
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let evil = Evil::over(&world, &recording);
    let alice = world.patient(ALICE, "Alice");
    let mallory = world.patient(66, "Mallory");
    world.doctor(BOB, "Bob");
    let bob = Session::<Doctor>::sign_in_with(&evil, keyring(BOB), evil.trusting(), world.tools(51)).unwrap();
    let case = alice.open_case("anonymous").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion()).unwrap();
    let mallorys = mallory.open_case("a pretext").unwrap();
    mallory.assign(&mallorys, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().into_iter().find(|his| his.id() == mallorys.id()).unwrap();
    assert_eq!(bob.open(&his).unwrap().identity().unwrap().party(), mallory.id());
    // Mallory grants Bob her Identity once more, for Alice's case, and says that she began it; the custodian helps.
    let mut opening = recording.opening_of(mallory.identity_folder().unwrap().id());
    let chart = &mut opening.charts[0];
    let epoch = usize::try_from(chart.grant.statement.epoch.number()).unwrap();
    let commitments = chart.epochs[epoch - 1].event.claimed_step().unwrap().commitments.unwrap();
    let key = chart.grant.open(keyring(BOB).opening_key(), &commitments).unwrap();
    let GrantStatement { terms, attested, .. } = chart.grant.statement;
    let reader = Reader { card: bob.card(), attested, because: Some(case.id()) };
    chart.grant = Grant::seal(&key, reader, terms, &mut Random::seeded([66; 32])).unwrap();
    let (me, forged) = (Principal::Party(mallory.id()), chart.grant.statement);
    let assigned = world.event(me, Verb::Assign, 66).with(|step| Step {
        folder: Some(forged.folder),
        epoch: Some(forged.epoch),
        grants: vec![forged.digest()],
        ..step
    });
    chart.granted = SignedEvent::sign(&assigned, keyring(66).signer());
    let verifying = Some(world.case_key(ALICE, case.id()).signer().verifying_key());
    let begun = world.event(me, Verb::OpenFolder, 67).with(|step| Step {
        folder: Some(case.id()),
        opening: Some(FolderOpening { kind: FolderKind::Case, verifying, nonce: [0; 16] }),
        ..step
    });
    chart.tie = Some(SignedEvent::sign(&begun, keyring(66).signer()));
    evil.between.changing(move |_, response| {
        if let Response::Answer(Answer::MyFolders(folders)) = response {
            let identity = folders.iter_mut().find(|folder| folder.statement.folder == forged.folder);
            identity.unwrap().statement = forged;
        }
    });
    let (known, now) = (world.vault.trust().clone(), world.clock.now());
    evil.between.answering(move |request| {
        let Request::Submit(submission) = request else { return None };
        let asked = submission.parts[0].event.claimed_step().unwrap().subject;
        let receipt = false_receipt(submission, &known, now);
        (asked == Some(forged.digest())).then(|| Response::Accepted(Accepted { receipt, ..opening.clone() }))
    });
    let his = bob.cases().unwrap().into_iter().find(|his| his.id() == case.id()).unwrap();
    assert!(his.has_identity());
    assert_eq!(bob.open(&his).unwrap().identity().unwrap_err().code(), "tampered-chart");
}

#[test]
fn a17_history_says_you_of_nobody_else() {
    let world = World::new();
    let evil = Evil::over(&world, &world.vault);
    let (alice, ..) = forked(&world, &evil);
    let (vault, me) = (world.vault.trust().vault, Principal::Party(alice.id()));
    let mallory = keyring(66);
    let false_case = mallory.derive_case(vault, [3; 16]);
    let folder: FolderId = false_case.folder();
    let verifying = Some(false_case.signer().verifying_key());
    let opening = FolderOpening { kind: FolderKind::Case, verifying, nonce: [3; 16] };
    let begun = world.event(Principal::Party(mallory.party()), Verb::OpenFolder, 1).with(|step| Step {
        owner: me,
        folder: Some(folder),
        opening: Some(opening),
        ..step
    });
    let granted: Event = world.event(Principal::Folder(folder), Verb::Grant, 2);
    let granted = granted.with(|step| Step {
        op_id: OpId::from_bytes([2; 16]),
        folder: Some(folder),
        epoch: Some(Epoch::FIRST),
        ..step
    });
    let received = begun.moment.at;
    let more = [
        Streamed { received, event: SignedEvent::sign(&begun, mallory.signer()) },
        Streamed { received, event: SignedEvent::sign(&granted, false_case.signer()) },
    ];
    let card = mallory.card(Role::Patient);
    let told = Told::of(world.stream(ALICE));
    evil.between.changing(move |_, response| {
        if let Response::Answer(Answer::Stream(page)) = response {
            told.tell(page, |events| events.extend(more.clone()));
            page.cards.push(card.clone());
        }
    });
    assert_eq!(alice.history().unwrap_err().code(), "tampered-stream");
}

#[test]
fn a_memory_kept_by_one_device_holds_the_next_to_it() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("rash").unwrap();
    alice.write(&case, Kind::Note, "seen").unwrap();
    // Saved before the stream was read again: the promises are in it.
    let memory = Memory::open(&alice.save(), &keyring(ALICE)).unwrap();
    let next = Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), memory, world.tools(90));
    assert_eq!(next.unwrap().open(&case).unwrap().records().unwrap().len(), 2);
}
