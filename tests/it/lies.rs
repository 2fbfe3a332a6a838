//! What a custodian that lies can make a session believe: nothing. Tests are named for the lines of the attack list.

use std::collections::BTreeSet;

use casevault::{
    consent::Terms,
    custodian::{Accepted, Answer, Request, Response},
    error::Error,
    folder::Clearance,
    party::{Doctor, Patient, Registrar, Role},
    record::{Kind, ListItem},
    session::{Case, Entry, Memory, Session},
    vault::{HostDir, Vault, VaultError},
};

use crate::{
    custodians::Tampering,
    world::{ALICE, BOB, CAROL, World, keyring},
};

/// A patient with a case of several writes, and an assigned doctor whose answers can be tampered with.
struct Scene<'w> {
    alice: Session<'w, Patient>,
    case: Case,
    bob: Session<'w, Doctor>,
    his: Case,
}

fn scene<'w>(world: &'w World, between: &'w Tampering<'w>) -> Scene<'w> {
    let alice = world.patient(ALICE, "Alice Liddell");
    world.doctor(BOB, "Bob");
    let case = alice.open_case("rash").unwrap();
    alice.write(&case, Kind::Note, "allergic to penicillin").unwrap();
    alice.write(&case, Kind::Complaint, "left arm").unwrap();
    let record = alice.open(&case).unwrap().records_of(Kind::Complaint).unwrap().remove(0);
    alice.amend(&case, &record, "right arm").unwrap();
    let private = Entry::new(Kind::Note, "private").unwrap().cleared_for(Clearance::Restricted);
    alice.write_all(&case, vec![private]).unwrap();
    let bob =
        Session::<Doctor>::sign_in_with(between, keyring(BOB), world.trusting(), world.tools(BOB)).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(14))).unwrap();
    let his = bob.cases().unwrap().remove(0);
    Scene { alice, case, bob, his }
}

fn accepted(response: &mut Response) -> &mut Accepted {
    let Response::Accepted(accepted) = response else { panic!("not accepted") };
    accepted
}

/// Opens as the doctor while the chart is changed; what the session says of it.
fn opened(change: impl Fn(&mut Accepted) + Send + 'static) -> Result<usize, &'static str> {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let Scene { bob, his, .. } = scene(&world, &between);
    between.changing(move |request, response| {
        if matches!(request, Request::Submit(_)) {
            change(accepted(response));
        }
    });
    let chart = bob.open(&his).map_err(|error| error.code())?;
    Ok(chart.records().map_err(|error| error.code())?.len())
}

#[test]
fn a30_what_is_left_out_of_a_chart_is_missed() {
    assert_eq!(opened(|_| ()), Ok(3));
    // The title, the allergy, the complaint, its amendment, the private note: five writes, one record each.
    for run in 0..5 {
        assert_eq!(
            opened(move |answer| drop(answer.charts[0].runs.remove(run))),
            Err("tampered-list"),
            "run {run}"
        );
    }
    for run in 0..5 {
        let code = opened(move |answer| answer.charts[0].runs[run].items.clear());
        assert_eq!(code, Err("tampered-list"), "items of run {run}");
    }
    // What does not come with the chart is asked for.
    assert_eq!(opened(|answer| drop(answer.charts[0].sealed.pop())), Ok(3));
    assert_eq!(opened(|answer| answer.charts[0].sealed.clear()), Ok(3));
    assert_eq!(opened(|answer| answer.charts[0].sealed.push(vec![1].into())), Err("tampered-list"));
    assert_eq!(opened(|answer| answer.charts[0].sealed.swap(0, 1)), Err("tampered-record"));
    assert_eq!(opened(|answer| answer.charts[0].runs.swap(1, 2)), Err("tampered-list"));
    assert_eq!(opened(|answer| drop(answer.charts[0].epochs.pop())), Err("tampered-grant"));
    assert_eq!(opened(|answer| answer.salts.clear()), Err("tampered-record"));
    assert_eq!(opened(|answer| answer.charts.clear()), Err("tampered-answer"));
}

#[test]
fn a30_a_record_below_the_clearance_is_not_passed_off_as_one_above() {
    let code = opened(|answer| {
        let chart = &mut answer.charts[0];
        let item = &mut chart.runs[1].items[0];
        *item = ListItem::Hidden(item.hash());
        drop(chart.sealed.remove(1));
    });
    assert_eq!(code, Err("tampered-list"));
}

#[test]
fn a30_a_cut_list_under_an_older_head_is_refused_by_who_saw_the_newer() {
    let cut = |answer: &mut Accepted| {
        let chart = &mut answer.charts[0];
        chart.runs.truncate(2);
        chart.sealed.truncate(2);
        chart.head = chart.runs[1].event.claims().unwrap().after.unwrap();
    };
    // Who has seen nothing cannot know: that is what a memory is for.
    assert_eq!(opened(cut), Ok(2));
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let Scene { bob, his, .. } = scene(&world, &between);
    bob.open(&his).unwrap();
    between.changing(move |request, response| {
        if matches!(request, Request::Submit(_)) {
            cut(accepted(response));
        }
    });
    assert_eq!(bob.open(&his).unwrap_err().code(), "tampered-head");
    // The memory outlives the session.
    let memory = Memory::open(&bob.save(), &keyring(BOB)).unwrap();
    between.honest();
    let again = Session::<Doctor>::sign_in_with(&between, keyring(BOB), memory, world.tools(77)).unwrap();
    between.changing(move |request, response| {
        if matches!(request, Request::Submit(_)) {
            cut(accepted(response));
        }
    });
    assert_eq!(again.open(&his).unwrap_err().code(), "tampered-head");
}

#[test]
fn a26_a_key_of_the_custodians_making_seals_nothing() {
    use casevault::{
        consent::{Grant, Reader},
        crypto::Random,
        folder::{Epoch, EpochOf, FolderKey},
    };
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let Scene { bob, his, .. } = scene(&world, &between);
    let card = bob.card().clone();
    let vault = world.vault.trust().vault;
    between.changing(move |request, response| {
        let Request::Submit(submission) = request else { return };
        if submission.parts.iter().any(|part| !part.records.is_empty()) {
            return;
        }
        let chart = &mut accepted(response).charts[0];
        let place = EpochOf { vault, folder: chart.folder, epoch: Epoch::FIRST };
        let mut random = Random::seeded([8; 32]);
        let own = FolderKey::generate(place, &mut random);
        let reader = Reader { card: &card, attested: chart.grant.statement.attested, because: None };
        chart.grant = Grant::seal(&own, reader, chart.grant.statement.terms, &mut random).unwrap();
    });
    assert_eq!(bob.write(&his, Kind::Note, "secret").unwrap_err().code(), "tampered-grant");
    assert_eq!(between.submitted(), 0, "nothing was sealed");
}

#[test]
fn a6_a_doctors_card_is_the_attested_one_or_nothing_is_granted() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let bob = world.doctor(BOB, "Bob");
    let alice = world.enrol_over::<Patient>(&between, ALICE, "Alice");
    world.office().attest(alice.id(), casevault::credential::Attestation::patient()).unwrap();
    let case = alice.open_case("rash").unwrap();
    // Mallory's own card, with Bob's attestations beside it; and Bob's card without any.
    let check = |change: fn(&mut Answer), code: &str| {
        between.changing(move |_, response| {
            if let Response::Answer(answer) = response {
                change(answer);
            }
        });
        assert_eq!(alice.assign(&case, bob.id(), Terms::treatment()).unwrap_err().code(), code);
        assert_eq!(between.submitted(), 0, "nothing was wrapped");
        between.honest();
    };
    let mallory = |answer: &mut Answer| {
        if let Answer::Card(card, _) = answer
            && card.role() == Role::Doctor
        {
            *card = keyring(66).card(Role::Doctor);
        }
    };
    let unattested = |answer: &mut Answer| {
        if let Answer::Card(card, attestations) = answer
            && card.role() == Role::Doctor
        {
            attestations.0.clear();
        }
    };
    alice.settle().unwrap();
    check(mallory, "tampered-answer");
    check(unattested, "not-attested");
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
}

#[test]
fn a28_other_registrars_or_another_vault_are_refused_by_pinned_trust() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    let memory = alice.memory();
    let check = |change: fn(&mut casevault::credential::Trust)| {
        between.changing(move |_, response| {
            if let Response::Hello(trust, _) = response {
                change(trust);
            }
        });
        let session =
            Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory.clone(), world.tools(50));
        assert_eq!(session.unwrap_err().code(), "tampered-trust");
    };
    check(|trust| trust.registrars.push(keyring(66).card(Role::Registrar)));
    check(|trust| trust.registrars = vec![keyring(66).card(Role::Registrar)]);
    check(|trust| trust.registrars_needed = 0);
    check(|trust| trust.vault_key = *keyring(66).card(Role::Registrar).verifying_key());
}

#[test]
fn a28_a_false_registrars_word_vouches_for_nobody() {
    use casevault::{
        codec,
        credential::{AttestationStatement, Attestations},
        crypto::Signed,
        time::Timestamp,
    };
    let world = World::new();
    let doctor = keyring(BOB).card(Role::Doctor);
    let trust = world.vault.trust();
    let statement = |registrar: u8| AttestationStatement {
        vault: trust.vault,
        subject: doctor.party(),
        card: doctor.digest(),
        role: Role::Doctor,
        specialty: "cardiology".to_owned(),
        jurisdiction: String::new(),
        evidence: None,
        registrar: keyring(registrar).party(),
        from: Timestamp::at_ms(0),
        until: Timestamp::MAX,
        at: None,
        specialties: Vec::new(),
        persons: Vec::new(),
        succeeds: None,
    };
    let vouched = |statement: AttestationStatement, signer: u8| {
        let signed = Signed::sign(&statement, keyring(signer).signer());
        assert!(codec::decode::<Signed<AttestationStatement>>(&codec::encode(&signed)).is_ok());
        trust.vouched(&doctor, &Attestations(vec![signed]), Timestamp::at_ms(1)).is_some()
    };
    assert!(vouched(statement(1), 1));
    assert!(!vouched(statement(66), 66), "a registrar nobody named");
    assert!(!vouched(statement(1), 66), "a registrar's name under another's signature");
    assert!(
        !vouched(AttestationStatement { card: trust.registrars[0].digest(), ..statement(1) }, 1),
        "another card"
    );
    assert!(!vouched(AttestationStatement { role: Role::Patient, ..statement(1) }, 1), "another role");
    assert!(!vouched(AttestationStatement { until: Timestamp::at_ms(1), ..statement(1) }, 1), "over");
    assert!(!vouched(AttestationStatement { from: Timestamp::at_ms(2), ..statement(1) }, 1), "not yet");
}

#[test]
fn a5_a_store_rolled_back_is_refused_by_the_anchor_and_by_who_saw_more() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("rash").unwrap();
    let old = world.store.snapshot();
    alice.write(&case, Kind::Complaint, "since then").unwrap();
    let memory = alice.save();
    drop(alice);
    let World { store, host, vault, clock: _ } = world;
    vault.close().unwrap();
    store.restore(&old);
    let open_host = || HostDir::open(host.path()).unwrap();
    let refused = Vault::open(std::sync::Arc::clone(&store), open_host()).unwrap_err();
    assert!(matches!(refused, VaultError::RolledBack { .. }), "{refused}");
    // A vault that was refused has not moved the anchor: refused again.
    let refused = Vault::open(std::sync::Arc::clone(&store), open_host()).unwrap_err();
    assert!(matches!(refused, VaultError::RolledBack { .. }), "{refused}");

    let signed_in = |vault: &Vault, seed: u8| {
        let memory = Memory::open(&memory, &keyring(ALICE)).unwrap();
        let random = casevault::crypto::Random::seeded([seed; 32]);
        let tools = casevault::session::Tools::new(casevault::time::SystemClock, random);
        Session::<Patient>::sign_in_with(vault, keyring(ALICE), memory, tools).map(drop)
    };
    let salvaged = Vault::salvage(std::sync::Arc::clone(&store), open_host()).unwrap();
    assert_eq!(signed_in(&salvaged, 61).unwrap_err().code(), "tampered-stream");
    drop(salvaged);
    let restored = Vault::accept_restore(std::sync::Arc::clone(&store), open_host()).unwrap();
    assert_eq!(signed_in(&restored, 62).unwrap_err().code(), "tampered-stream");
    drop(restored);
    Vault::open(store, open_host()).unwrap();
}

#[test]
fn a_stream_that_leaves_out_or_reorders_is_refused() {
    let check = |change: fn(&mut casevault::custodian::StreamPage), code: &str| {
        let world = World::new();
        let between = Tampering::over(&world.vault);
        let Scene { alice, .. } = scene(&world, &between);
        let memory = alice.memory();
        let alice =
            Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory, world.tools(70)).unwrap();
        between.changing(move |_, response| {
            if let Response::Answer(Answer::Stream(page)) = response {
                change(page);
            }
        });
        assert_eq!(alice.history().unwrap_err().code(), code);
    };
    check(|page| drop(page.events.pop()), "tampered-stream");
    check(|page| drop(page.events.drain(..1.min(page.events.len()))), "tampered-stream");
    check(|page| page.events.reverse(), "tampered-stream");
    check(|page| page.events.clear(), "tampered-stream");
    check(|page| page.cards.clear(), "tampered-stream");
    check(|page| page.first += 1, "tampered-stream");
}

#[test]
fn receipts_are_for_what_was_handed_in() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let Scene { bob, his, .. } = scene(&world, &between);
    let mut kept = None;
    between.changing(move |request, response| {
        if matches!(request, Request::Submit(_)) {
            let receipt = &mut accepted(response).receipt;
            let first = kept.get_or_insert_with(|| receipt.clone());
            *receipt = first.clone();
        }
    });
    bob.open(&his).unwrap();
    assert_eq!(bob.open(&his).unwrap_err().code(), "tampered-receipt");
}

#[test]
fn readers_the_owner_never_granted_get_no_key_and_none_is_hidden() {
    let check = |change: fn(&mut Vec<casevault::consent::GrantStatement>)| {
        let world = World::new();
        let between = Tampering::over(&world.vault);
        let Scene { alice, case, bob, .. } = scene(&world, &between);
        let memory = alice.memory();
        let alice =
            Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory, world.tools(70)).unwrap();
        between.changing(move |_, response| {
            if let Response::Answer(Answer::Consents(statements)) = response {
                change(statements);
            }
        });
        assert_eq!(alice.who_has_access().unwrap_err().code(), "tampered-grant");
        assert_eq!(alice.revoke(&case, bob.id()).unwrap_err().code(), "tampered-grant");
        assert_eq!(between.submitted(), 0, "no key was wrapped");
    };
    check(|statements| statements.clear());
    check(|statements| {
        for statement in statements {
            statement.reader = keyring(66).party();
            statement.card = keyring(66).card(Role::Doctor).digest();
        }
    });
    check(|statements| {
        for statement in statements {
            statement.terms = statement.terms.cleared_for(Clearance::VeryRestricted);
        }
    });
}

#[test]
fn a25_after_an_opinion_no_way_leads_to_the_identity() {
    use casevault::{
        codec,
        crypto::Signed,
        custodian::{Custodian, Part, Query, Question, Refusal, Sender, Submission},
        event::{Event, Principal, SignedEvent, Step, Verb},
        id::OpId,
        time::Clock,
    };
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let carol = world.doctor(CAROL, "Carol");
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion()).unwrap();
    let hers = carol.cases().unwrap().remove(0);
    assert!(!hers.has_identity());
    assert_eq!(carol.open(&hers).unwrap().identity().unwrap_err().code(), "no-identity");
    assert_eq!(carol.open(&hers).unwrap().as_identity().unwrap_err().code(), "no-identity");
    let opinion_as_assignment = alice.opinion(&case, carol.id(), Terms::treatment());
    assert_eq!(opinion_as_assignment.unwrap_err().code(), "terms");

    // And by hand, knowing the folder's id and the owner's.
    let identity = alice.identity_folder().unwrap().id();
    let (key, now, vault) = (keyring(CAROL), world.clock.now(), world.vault.trust().vault);
    let refused = |request: &Request| {
        let answer = world.vault.exchange(&codec::encode(request)).unwrap();
        assert_eq!(codec::decode::<Response>(&answer).unwrap(), Response::Refused(Refusal::Denied));
    };
    let sender = |owner| Sender { owner, token: [7; 32] };
    for sender in [None, Some(sender(alice.id())), Some(sender(carol.id()))] {
        for principal in
            [Principal::Party(alice.id()), Principal::Party(carol.id()), Principal::Folder(identity)]
        {
            let event = Event::new(
                (vault, OpId::from_bytes([3; 16])),
                Principal::Party(carol.id()),
                Verb::Open,
                now,
                [4; 16],
            );
            let event = event.with(|step| Step { owner: principal, folder: Some(identity), ..step });
            let parts = vec![Part::of(SignedEvent::sign(&event, key.signer()))];
            refused(&Request::Submit(Submission { sender: sender.clone(), parts }));
        }
    }
    for question in [
        Question::Chunks(identity, 0),
        Question::Records(identity, 0),
        Question::Consents(identity, casevault::folder::Epoch::FIRST),
        Question::Stream(alice.id(), 0),
        Question::Card(alice.id()),
        Question::VaultStream(0),
    ] {
        let query = Query { vault, asker: carol.id(), question, at: now, nonce: [5; 16] };
        refused(&Request::Ask(Signed::sign(&query, key.signer())));
    }
    assert!(matches!(carol.write(&hers, Kind::Note, "x"), Err(Error::Denied)));
}

#[test]
fn a31_absent_and_forbidden_get_the_same_answer() {
    use casevault::{
        codec,
        crypto::Signed,
        custodian::{Custodian, Part, Query, Question, Sender, Submission},
        event::{Event, Principal, SignedEvent, Step, Verb},
        id::{FolderId, OpId, PartyId},
        time::Clock,
    };
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let dave = world.doctor(BOB, "Dave");
    let case = alice.open_case("rash").unwrap();
    let (there, nowhere) = (case.id(), FolderId::from_bytes([9; 32]));
    let (someone, nobody) = (alice.id(), PartyId::from_bytes([9; 32]));
    let (key, now, vault) = (keyring(BOB), world.clock.now(), world.vault.trust().vault);
    let answer = |request: &Request| world.vault.exchange(&codec::encode(request)).unwrap();
    for verb in Verb::ALL.iter().filter(|verb| **verb != Verb::Enrol) {
        for asked in [None, Some(someone), Some(nobody)] {
            let ask = |folder: FolderId, of: PartyId, op: u8| {
                let actor = Principal::Party(dave.id());
                let event = Event::new((vault, OpId::from_bytes([op; 16])), actor, *verb, now, [op; 16]);
                let named = [Principal::Party(of), Principal::Folder(folder)].map(|owner| {
                    let event = event.clone().with(|step| Step { owner, folder: Some(folder), ..step });
                    let parts = vec![Part::of(SignedEvent::sign(&event, key.signer()))];
                    let sender = asked.map(|owner| Sender { owner, token: [7; 32] });
                    answer(&Request::Submit(Submission { sender, parts }))
                });
                named.concat()
            };
            let (forbidden, absent) = (ask(there, someone, 1), ask(nowhere, nobody, 2));
            assert_eq!(forbidden, absent, "{verb:?} by {asked:?}");
        }
    }
    let ask = |question: Question| {
        let query = Query { vault, asker: dave.id(), question, at: now, nonce: [5; 16] };
        answer(&Request::Ask(Signed::sign(&query, key.signer())))
    };
    assert_eq!(ask(Question::Card(someone)), ask(Question::Card(nobody)));
    assert_eq!(ask(Question::Chunks(there, 1)), ask(Question::Chunks(nowhere, 1)));
    assert_eq!(ask(Question::Records(there, 0)), ask(Question::Records(nowhere, 0)));
    let epoch = casevault::folder::Epoch::FIRST;
    assert_eq!(ask(Question::Consents(there, epoch)), ask(Question::Consents(nowhere, epoch)));
    assert_eq!(ask(Question::Stream(someone, 0)), ask(Question::Stream(nobody, 0)));
}

#[test]
fn a29_an_assignment_and_an_opinion_of_one_patient_have_nothing_in_common() {
    use casevault::codec;

    use crate::custodians::Recording;
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    world.doctor(BOB, "Bob");
    let bob =
        Session::<Doctor>::sign_in_with(&recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap();
    let known = alice.open_case("the known one").unwrap();
    let other = alice.open_case("the other one").unwrap();
    alice.write(&other, Kind::Complaint, "anonymous").unwrap();
    alice.opinion(&other, bob.id(), Terms::opinion()).unwrap();
    alice.assign(&known, bob.id(), Terms::treatment()).unwrap();
    let cases = bob.cases().unwrap();
    let opinion = cases.iter().find(|case| !case.has_identity()).unwrap();
    let before = recording.messages().len();
    bob.open(opinion).unwrap().records().unwrap();
    let of_the_other: Vec<u8> =
        recording.messages().into_iter().skip(before).flat_map(|(_, response)| response).collect();
    let assigned = cases.iter().find(|case| case.has_identity()).unwrap();
    let before = recording.messages().len();
    bob.open(assigned).unwrap().identity().unwrap();
    let of_the_known: Vec<u8> =
        recording.messages().into_iter().skip(before).flat_map(|(_, response)| response).collect();
    let finds = |hay: &[u8], needle: &[u8]| hay.windows(needle.len()).any(|window| window == needle);
    let card = keyring(ALICE).card(Role::Patient);
    for needle in [
        alice.id().as_bytes().as_slice(),
        known.id().as_bytes(),
        alice.identity_folder().unwrap().id().as_bytes(),
        card.digest().as_bytes(),
        card.verifying_key().as_bytes(),
        &card.sealing_key().as_bytes()[..32],
        &codec::encode(&card)[..64],
    ] {
        assert!(!finds(&of_the_other, needle));
        assert!(finds(&of_the_known, needle) || needle == known.id().as_bytes() || needle.len() == 32);
    }
    // No byte string occurs in both, but for the doctor himself, the vault, and what the registrar said of the doctor.
    let both: BTreeSet<Vec<u8>> =
        strings(&of_the_other).intersection(&strings(&of_the_known)).cloned().collect();
    let attested = assigned.terms().map(|_| bob.vouched(bob.id()).unwrap().1.digest).unwrap();
    let (id, own, vault) = (bob.id(), bob.card().digest(), world.vault.trust().vault);
    let allowed = [id.as_bytes().as_slice(), own.as_bytes(), attested.as_bytes(), vault.as_bytes()];
    let empty = casevault::merkle::Head::default().root;
    let is_allowed = |string: &Vec<u8>| allowed.contains(&string.as_slice()) || string == empty.as_bytes();
    let joined: Vec<_> = both.iter().filter(|string| !is_allowed(string)).collect();
    assert!(joined.is_empty(), "{joined:02x?}");
}

/// All byte strings of eight bytes or more in encoded messages, those inside others included.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds, numbers and texts, are skipped alike")]
fn strings(bytes: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let mut decoder = minicbor::Decoder::new(bytes);
    while let Ok(kind) = decoder.datatype() {
        let step = match kind {
            minicbor::data::Type::Bytes => decoder.bytes().map(|string| {
                if string.len() >= 8 {
                    found.extend(strings(string));
                    found.insert(string.to_vec());
                }
            }),
            minicbor::data::Type::Array => decoder.array().map(drop),
            minicbor::data::Type::Map => decoder.map().map(drop),
            _ => decoder.skip(),
        };
        if step.is_err() {
            break;
        }
    }
    found
}

#[test]
fn a_registrar_attests_the_card_that_signed_the_identity() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let doctor = world.enrol::<Doctor>(BOB, "Bob");
    let office = world.office_over(&between);
    between.changing(|_, response| {
        if let Response::Accepted(accepted) = response
            && let Some(chart) = accepted.charts.first_mut()
            && let Some(owner) = chart.owner.as_mut()
        {
            owner.card = keyring(66).card(Role::Doctor);
        }
    });
    let attested = office.attest(doctor.id(), casevault::credential::Attestation::doctor("cardiology"));
    assert_eq!(attested.unwrap_err().code(), "tampered-card");
    let _typed: &Session<'_, Registrar> = &office;
}
