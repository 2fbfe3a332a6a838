//! What the curator makes public: whole or not at all, in one order, read by whoever likes.

use std::{collections::BTreeSet, sync::Arc};

use casevault::{
    codec,
    credential::Attestation,
    crypto::Random,
    custodian::{
        Answer, Custodian, Enclosure, PoolCursor, PublicError, PublicQuery, PublicReader, Question, Request,
        Response, Submission,
    },
    error::Error,
    id::{BatchId, Digest, PublicId},
    merkle::Head,
    party::Curator,
    public::{BatchFacts, Class, Code, Icd3, Outcome, PublicRow, PublicValue, Reached, Said, Use},
    session::{Memory, Session, Tools},
    store::{
        MemoryStore,
        fault::{Fault, FaultStore, Operations},
    },
    time::days,
    vault::{HostDir, Vault},
};

use crate::{
    custodians::Recording,
    shares::{CURATOR, PUBLIC, abstracted, area, curator, policy, pull_all, until},
    world::{ALICE, is_accepted, keyring},
};

fn row(batch: u8, number: u8, class: &Class, category: &str) -> PublicRow {
    PublicRow {
        id: PublicId::from_bytes([[batch; 8], [number; 8]].concat().try_into().unwrap()),
        batch: BatchId::from_bytes([batch; 16]),
        class: class.clone(),
        said: Said {
            diagnosis: Code::Category(Icd3::parse(category).unwrap()),
            values: BTreeSet::new(),
            outcome: Outcome::Unknown,
            weeks: BTreeSet::new(),
            left_out: None,
        },
    }
}

/// A batch of so many rows, in a class that is its number's.
pub(crate) fn batch(number: u8, count: u8) -> (Vec<PublicRow>, BatchFacts) {
    let class = Class { grid: 0, bins: vec![u16::from(number), 1] };
    let rows = (0..count).map(|row_number| {
        row(number, row_number, &class, ["J45", "J46", "K20"][usize::from(row_number % 3)])
    });
    let facts = BatchFacts {
        id: BatchId::from_bytes([number; 16]),
        class: class.clone(),
        policy: PUBLIC,
        epoch: 1,
        follows: None,
        reached: Reached { k: u32::from(count), l: 3, largest: 4, t: 100 },
    };
    (rows.collect(), facts)
}

fn release(
    curator: &Session<'_, Curator>,
    (rows, facts): (Vec<PublicRow>, BatchFacts),
    hidden: Vec<BatchId>,
    journal: &[u8],
) -> Result<Head, Error> {
    curator.release(&PoolCursor::default(), (rows, vec![facts], hidden), journal)
}

fn sign_in_to<'c>(custodian: &'c dyn Custodian, memory: Memory, tools: Tools) -> Session<'c, Curator> {
    Session::<Curator>::sign_in_with(custodian, keyring(CURATOR), memory, tools).unwrap()
}

fn all_rows(public: PublicReader<'_>, query: &PublicQuery) -> Result<Vec<PublicRow>, PublicError> {
    let (mut all, mut place) = (Vec::new(), None);
    loop {
        let page = public.rows(query, place)?;
        all.extend(page.found);
        place = page.next;
        if place.is_none() {
            return Ok(all);
        }
    }
}

fn ids(rows: &[PublicRow]) -> Vec<PublicId> {
    rows.iter().map(|row| row.id).collect()
}

#[test]
fn what_is_released_anyone_reads_and_what_is_hidden_nobody() {
    let world = area();
    let curator = curator(&world);
    let everything = PublicQuery::default();
    assert_eq!(world.vault.public().batches().unwrap(), (Head::default(), Vec::new()));
    let (one, other) = (batch(2, 12), batch(1, 15));
    let first = release(&curator, one.clone(), Vec::new(), b"first").unwrap();
    let second = release(&curator, other.clone(), Vec::new(), b"second").unwrap();
    let (ledger, batches) = world.vault.public().batches().unwrap();
    assert_eq!((ledger, batches), (second, vec![other.1.clone(), one.1.clone()]));
    let rows = all_rows(world.vault.public(), &everything).unwrap();
    assert_eq!(rows.len(), 27);
    assert!(ids(&rows).is_sorted(), "in the order of the public ids");
    // Over any transport, without a key.
    let recording = Recording::over(&world.vault);
    assert_eq!(all_rows(PublicReader::over(&recording), &everything).unwrap(), rows);
    // A batch that is hidden is not there, and its rows are in the store no more; what remains of it is another.
    let stored = world.store.export().len();
    let mut rest = batch(3, 12);
    rest.1 = BatchFacts { follows: Some(other.1.id), class: other.1.class.clone(), ..rest.1 };
    rest.0.iter_mut().for_each(|row| row.class = other.1.class.clone());
    release(&curator, rest.clone(), vec![other.1.id], b"third").unwrap();
    let (_, batches) = world.vault.public().batches().unwrap();
    assert_eq!(batches, [one.1.clone(), rest.1.clone()]);
    let rows = all_rows(world.vault.public(), &everything).unwrap();
    assert!(rows.iter().all(|row| row.batch != other.1.id) && rows.len() == 24);
    assert!(world.store.export().len() > stored && first.size == 1);
    let journals = curator.journals().unwrap();
    let said: Vec<&[u8]> = journals.iter().map(|journal| journal.journal.as_slice()).collect();
    assert_eq!(said, [b"first".as_slice(), b"second", b"third"]);
}

#[test]
fn a_query_finds_by_class_and_by_diagnosis_and_no_row_that_may_be_another() {
    let world = area();
    let curator = curator(&world);
    let (mut rows, facts) = batch(1, 12);
    let of = |text: &str| Icd3::parse(text).unwrap();
    rows[0].said.diagnosis = Code::Block(of("J40"), of("J47"));
    rows[1].said.diagnosis = Code::Chapter(10);
    release(&curator, (rows, facts), Vec::new(), b"").unwrap();
    release(&curator, batch(2, 12), Vec::new(), b"").unwrap();
    let count = |query: PublicQuery| all_rows(world.vault.public(), &query).unwrap().len();
    let any = PublicQuery::default;
    assert_eq!(count(any()), 24);
    assert_eq!(count(PublicQuery { bins: [(0, 2)].into(), ..any() }), 12);
    assert_eq!(count(PublicQuery { bins: [(0, 2), (1, 9)].into(), ..any() }), 0);
    assert_eq!(count(PublicQuery { bins: [(7, 1)].into(), ..any() }), 0, "no such quasi-identifier");
    assert_eq!(count(PublicQuery { grid: Some(1), ..any() }), 0);
    let coded = |first: &str, last: &str| PublicQuery { diagnosis: Some((of(first), of(last))), ..any() };
    assert_eq!(count(coded("J45", "J45")), 3 + 4);
    assert_eq!(count(coded("J40", "J47")), 3 + 4 + 3 + 4 + 1, "the block, coarsened or not");
    assert_eq!(count(coded("J45", "J47")), 3 + 4 + 3 + 4, "a whole block may be another");
}

#[test]
fn a_reader_sees_one_state_or_is_told_to_begin_anew() {
    let world = area();
    let curator = curator(&world);
    // More batches than one answer looks at.
    for number in 0..70 {
        release(&curator, batch(number, 12), Vec::new(), b"").unwrap();
    }
    let everything = PublicQuery::default();
    let before = all_rows(world.vault.public(), &everything).unwrap();
    assert_eq!(before.len(), 70 * 12);
    assert_eq!(ids(&before).into_iter().collect::<BTreeSet<_>>().len(), 70 * 12, "none twice");
    let page = world.vault.public().rows(&everything, None).unwrap();
    let place = page.next;
    assert!(place.is_some());
    world.vault.public().rows(&everything, place).unwrap();
    release(&curator, batch(100, 12), vec![BatchId::from_bytes([69; 16])], b"").unwrap();
    let changed = world.vault.public().rows(&everything, place).unwrap_err();
    assert_eq!(changed.code(), "public-changed");
    assert_eq!(all_rows(world.vault.public(), &everything).unwrap().len(), 70 * 12);
}

#[test]
fn a_release_that_contradicts_itself_is_not_taken() {
    let world = area();
    let curator = curator(&world);
    let (rows, facts) = batch(1, 12);
    let other = batch(2, 12);
    let with = |rows: &[PublicRow], batches: &[BatchFacts], hidden: &[BatchId]| {
        curator.release(&PoolCursor::default(), (rows.to_vec(), batches.to_vec(), hidden.to_vec()), b"")
    };
    let changed = |change: fn(&mut PublicRow)| {
        let mut rows = rows.clone();
        change(&mut rows[3]);
        rows
    };
    let facts_with = |reached: u32, policy: u8, follows: Option<BatchId>| BatchFacts {
        reached: Reached { k: reached, ..facts.reached },
        policy: if policy == 0 { PUBLIC } else { Digest::from_bytes([policy; 32]) },
        follows,
        ..facts.clone()
    };
    let own = std::slice::from_ref(&facts);
    let refused = [
        ("another class", with(&changed(|row| row.class.grid = 1), own, &[])),
        ("another batch", with(&changed(|row| row.batch = BatchId::from_bytes([9; 16])), own, &[])),
        ("an id twice", with(&changed(|row| row.id = PublicId::from_bytes([1; 16])), own, &[])),
        (
            "a row longer than a row is",
            with(&changed(|row| row.said.values = (0..2000).map(PublicValue::Drug).collect()), own, &[]),
        ),
        ("a row too few", with(&rows[1..], own, &[])),
        ("a count that is none", with(&rows, &[facts_with(13, 0, None)], &[])),
        ("B16: another policy", with(&rows, &[facts_with(12, 1, None)], &[])),
        ("what remains of nothing", with(&rows, &[facts_with(12, 0, Some(other.1.id))], &[])),
        ("a batch without rows", with(&rows, &[facts.clone(), other.1.clone()], &[])),
        ("a batch twice", with(&rows, &[facts.clone(), facts.clone()], &[])),
        ("hiding what is not there", with(&rows, own, &[other.1.id])),
    ];
    for (what, refused) in refused {
        assert_eq!(refused.unwrap_err().code(), "refused", "{what}");
    }
    with(&rows, own, &[]).unwrap();
    assert_eq!(with(&rows, own, &[]).unwrap_err().code(), "refused", "the same batch again");
    with(&[], &[], &[facts.id]).unwrap();
    assert_eq!(with(&[], &[], &[facts.id]).unwrap_err().code(), "refused", "hidden twice");
    assert_eq!(with(&rows, own, &[]).unwrap_err().code(), "refused", "a batch comes back as another");
    // What is too large for one batch is not begun.
    let journal = vec![7; 25 * 1024 * 1024];
    assert_eq!(release(&curator, other, Vec::new(), &journal).unwrap_err().code(), "too-much");
}

#[test]
fn of_two_curators_at_once_the_second_reads_what_the_first_did() {
    let world = area();
    let (one, other) = (curator(&world), curator(&world));
    release(&one, batch(1, 12), Vec::new(), b"mine").unwrap();
    let late = release(&other, batch(2, 12), Vec::new(), b"his").unwrap_err();
    assert_eq!(late.code(), "conflict");
    let journals = other.journals().unwrap();
    assert_eq!(journals[0].journal, b"mine");
    release(&other, batch(2, 12), Vec::new(), b"his").unwrap();
    assert_eq!(one.journals().unwrap().len(), 2);
}

#[test]
fn b16_a_release_that_has_not_heard_of_a_withdrawal_is_refused() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("one").unwrap();
    alice.share(&case, &abstracted(1), [Use::Education], until(&world)).unwrap();
    world.clock.advance(days(1));
    let curator = curator(&world);
    let mut seen = PoolCursor::default();
    let handle = pull_all(&curator, &mut seen).arrivals[0].handle;
    alice.retract(&case).unwrap();
    let (rows, facts) = batch(1, 12);
    let parts = (rows, vec![facts], Vec::new());
    let raced = curator.release(&seen, parts.clone(), b"with her").unwrap_err();
    assert_eq!(raced.code(), "conflict", "withdrawal wins");
    assert_eq!(pull_all(&curator, &mut seen).departures, [handle]);
    curator.release(&seen, parts, b"without her").unwrap();
}

/// Hides the last release from whoever asks for the journals, or all.
struct Forgetful<'v> {
    inner: &'v Vault,
    kept: usize,
}

impl Custodian for Forgetful<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, casevault::custodian::Unreachable> {
        let answer = self.inner.exchange(message)?;
        let Ok(Response::Answer(Answer::Releases(mut past, head))) = codec::decode::<Response>(&answer)
        else {
            return Ok(answer);
        };
        past.truncate(self.kept);
        let head =
            past.last().map_or(Head::default(), |last| last.event.claims().unwrap().after.unwrap_or(head));
        Ok(codec::encode(&Response::Answer(Answer::Releases(past, head))))
    }
}

#[test]
fn journals_are_all_there_in_order_and_open_to_their_curator_alone() {
    let world = area();
    let curator = curator(&world);
    for number in 1..4 {
        release(&curator, batch(number, 12), Vec::new(), &[number; 70_000]).unwrap();
    }
    let memory = curator.memory();
    let saved = Memory::open(&curator.save(), &keyring(CURATOR)).unwrap();
    let again = sign_in_to(&world.vault, saved, world.tools(95));
    let lengths: Vec<_> =
        again.journals().unwrap().iter().map(|one| (one.number, one.journal.clone())).collect();
    assert_eq!(
        lengths,
        (0..3).map(|number| (number, vec![u8::try_from(number).unwrap() + 1; 70_000])).collect::<Vec<_>>()
    );
    for kept in 0..3 {
        let forgetful = Forgetful { inner: &world.vault, kept };
        let lied_to = sign_in_to(&forgetful, memory.clone(), world.tools(95));
        assert_eq!(lied_to.journals().unwrap_err().code(), "tampered-stream", "{kept} of 3");
        // And without a memory of it, the next release is refused, for it does not follow.
        let new = sign_in_to(&forgetful, world.trusting(), world.tools(98));
        assert_eq!(new.journals().unwrap().len(), kept);
        assert_eq!(release(&new, batch(9, 12), Vec::new(), b"").unwrap_err().code(), "conflict");
    }
    let stored: Vec<u8> = world.store.export().into_iter().flat_map(|entry| entry.value).collect();
    assert!(!stored.windows(64).any(|window| window == [2; 64]), "sealed");
}

#[test]
fn b7_and_b17_a_release_that_is_handed_in_again_is_the_same_release() {
    let world = area();
    let recording = Recording::over(&world.vault);
    let session =
        Session::<Curator>::sign_in_with(&recording, keyring(CURATOR), world.trusting(), world.tools(96))
            .unwrap();
    release(&session, batch(1, 12), Vec::new(), b"once").unwrap();
    let rows = world.store.export().len();
    let is_release = |submission: &Submission| {
        submission.parts.iter().any(|part| matches!(part.enclosure, Some(Enclosure::Release(_))))
    };
    let submissions: Vec<_> = recording.submissions().into_iter().filter(is_release).collect();
    for submission in submissions.clone() {
        assert!(is_accepted(&world.send(&Request::Submit(submission))), "the same receipt once more");
    }
    assert_eq!(world.store.export().len(), rows);
    assert_eq!(world.vault.public().batches().unwrap().1.len(), 1);
    // With another enclosure under the same event it is another, and refused.
    let mut submission = submissions[0].clone();
    if let Some(Enclosure::Release(publication)) = &mut submission.parts[0].enclosure {
        publication.rows.truncate(11);
    }
    world.send(&Request::Submit(submission));
    assert_eq!(all_rows(world.vault.public(), &PublicQuery::default()).unwrap().len(), 12);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one world, set back at each point")]
fn b17_a_release_is_there_whole_or_not_at_all_at_every_fault() {
    let clock =
        Arc::new(casevault::time::ManualClock::at(casevault::time::Timestamp::at_ms(1_790_000_000_000)));
    let memory = Arc::new(MemoryStore::new());
    let engine = Arc::new(FaultStore::new(Arc::clone(&memory)));
    let host = tempfile::tempdir().unwrap();
    let directory = || HostDir::open(host.path()).unwrap();
    let tools = |seed: u8| Tools::new(Arc::clone(&clock), Random::seeded([seed; 32]));
    let vault = Vault::create_with(
        Arc::clone(&engine),
        directory(),
        policy(),
        Arc::clone(&clock),
        Random::seeded([1; 32]),
    )
    .unwrap();
    let trusting = Memory::trusting(vault.trust());
    let enrolled =
        Session::<Curator>::enrol_with(&vault, keyring(CURATOR), "Curator", trusting.clone(), tools(1));
    drop(enrolled.unwrap());
    let office = Session::<casevault::party::Registrar>::sign_in_with(
        &vault,
        keyring(crate::world::REGISTRAR),
        trusting.clone(),
        tools(2),
    );
    office.unwrap().attest(keyring(CURATOR).party(), Attestation::curator()).unwrap();
    let curator = sign_in_to(&vault, trusting.clone(), tools(3));
    release(&curator, batch(1, 12), Vec::new(), b"first").unwrap();
    drop(curator);
    vault.close().unwrap();
    let (begun, anchor) = (memory.snapshot(), std::fs::read(host.path().join("anchor")).unwrap());
    let open = |seed| {
        Vault::open_with(Arc::clone(&engine), directory(), Arc::clone(&clock), Random::seeded([seed; 32]))
            .unwrap()
    };
    // What is public and what the curator knows of it: both of one release, or both of the one before.
    let state = |vault: &Vault, seed| {
        let curator = sign_in_to(vault, trusting.clone(), tools(seed));
        let journals = curator.journals().unwrap().len();
        let (ledger, batches) = vault.public().batches().unwrap();
        let rows = all_rows(vault.public(), &PublicQuery::default()).unwrap();
        let numbers: BTreeSet<_> = rows.iter().map(|row| row.batch).collect();
        (
            journals,
            batches.iter().map(|facts| facts.id).collect::<Vec<_>>(),
            rows.len(),
            numbers.len(),
            ledger.size,
        )
    };
    let second = |vault: &Vault, seed| {
        let (keys, memory) = (keyring(CURATOR), trusting.clone());
        let curator = Session::<Curator>::sign_in_with(vault, keys, memory, tools(seed))?;
        curator.journals()?;
        let hidden = vec![BatchId::from_bytes([1; 16])];
        release(&curator, batch(2, 14), hidden, &[7; 200_000])
    };
    let reset = || {
        engine.disarm();
        memory.restore(&begun);
        std::fs::write(host.path().join("anchor"), &anchor).unwrap();
    };
    reset();
    let vault = open(4);
    let before = state(&vault, 4);
    engine.disarm();
    second(&vault, 5).unwrap();
    let (reads, commits) = (engine.operations(Operations::Reads), engine.operations(Operations::Commits));
    let after = state(&vault, 6);
    drop(vault);
    assert_eq!((before.2, after.2, commits), (12, 14, 1), "one batch");
    let points = Fault::ALL
        .into_iter()
        .flat_map(|fault| (0..commits).map(move |nth| (fault, Operations::Commits, nth)));
    let points = points.chain((0..reads).map(|nth| (Fault::Error, Operations::Reads, nth)));
    for (number, (fault, operations, nth)) in points.enumerate() {
        let point = format!("{fault:?} at {operations:?} {nth}");
        let seed = u8::try_from(20 + number % 200).unwrap();
        reset();
        let vault = open(seed);
        engine.arm(fault, operations, nth);
        let done = second(&vault, seed);
        engine.disarm();
        drop(vault);
        let vault = open(seed.wrapping_add(1));
        let found = state(&vault, seed.wrapping_add(1));
        if done.is_ok() {
            assert_eq!(found, after, "{point}: acknowledged and lost");
        } else {
            assert!(found == before || found == after, "{point}: half done: {found:?}");
        }
        if found == before {
            second(&vault, seed.wrapping_add(2)).unwrap();
            assert_eq!(state(&vault, seed.wrapping_add(3)), after, "{point}: repeated");
        }
    }
}

#[test]
fn the_public_area_is_asked_without_a_name_and_says_no_more() {
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("one").unwrap();
    alice.share(&case, &abstracted(1), [Use::Education], until(&world)).unwrap();
    release(&curator(&world), batch(1, 12), Vec::new(), b"").unwrap();
    let recording = Recording::over(&world.vault);
    all_rows(PublicReader::over(&recording), &PublicQuery::default()).unwrap();
    PublicReader::over(&recording).batches().unwrap();
    let crossed = recording.bytes();
    for id in [alice.id().as_bytes().as_slice(), case.id().as_bytes(), keyring(CURATOR).party().as_bytes()] {
        assert!(!crossed.windows(id.len()).any(|window| window == id));
    }
    // A keyring of another role signs in as no curator.
    let wrong =
        Session::<Curator>::sign_in_with(&world.vault, keyring(ALICE), world.trusting(), world.tools(97));
    assert_eq!(wrong.unwrap_err().code(), "wrong-role");
    let question = Question::Releases(u64::MAX);
    assert!(
        matches!(world.ask(CURATOR, question), Response::Answer(Answer::Releases(past, _)) if past.is_empty())
    );
}
