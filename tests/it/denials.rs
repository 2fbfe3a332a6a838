//! Every denial: by the facts alone, and from outside, where all look the same.

use std::time::Duration;

use casevault::{
    access::{Act, Capacity, Denial, Facts, FolderFacts, GrantFacts, Policy, Taker, decide},
    codec,
    consent::Terms,
    credential::{Attestation, Standing},
    crypto::Signed,
    custodian::{Answer, Custodian, Query, Question, Request, Response},
    error::Error,
    event::Verb,
    folder::{Clearance, FolderKind},
    party::{Auditor, Doctor, Patient, Role},
    record::Kind,
    session::{Entry, Session},
    time::{Clock, Timestamp, days},
};

use crate::world::{ALICE, BOB, CAROL, World, keyring};

const NOW: Timestamp = Timestamp::at_ms(1_790_000_000_000);

fn policy() -> Policy {
    Policy::trusting([&keyring(1).card(Role::Registrar)]).open_cases_max(2).longest_grant(days(30))
}

const CASE: FolderFacts = FolderFacts { kind: FolderKind::Case, is_closed: false, is_lapsed: false };
const CLOSED: FolderFacts = FolderFacts { is_closed: true, ..CASE };
const IDENTITY: FolderFacts = FolderFacts { kind: FolderKind::Identity, ..CASE };

fn terms() -> Terms {
    Terms::treatment().from(NOW).until(NOW.plus(days(14)))
}

fn reader(terms: Terms) -> GrantFacts {
    GrantFacts {
        terms,
        is_current: true,
        is_same_card: true,
        is_attested: true,
        is_backed: true,
        is_vetted: false,
    }
}

const LAPSED: FolderFacts = FolderFacts { is_lapsed: true, ..CASE };

/// A registrar's look at who someone is.
fn vetting() -> GrantFacts {
    // The terms of a vetting are made by the enrolment alone; here they are read from their bytes.
    let mut bytes = codec::encode(&terms().reading());
    bytes[2] = 4;
    reader(codec::decode(&bytes).unwrap())
}

fn facts(capacity: Capacity, folder: Option<FolderFacts>) -> Facts {
    Facts { now: NOW, claimed: NOW, capacity, folder, standing: Standing::Good }
}

const TAKER: Taker = Taker {
    role: Role::Doctor,
    is_attested: true,
    is_assignment: false,
    standing: Standing::Good,
    is_willing: true,
};

fn give(terms: Terms) -> Act {
    Act::Give { terms, taker: TAKER }
}

fn begin(kind: FolderKind, role: Role, open_cases: u32, is_attested: bool) -> Act {
    Act::Begin { kind, role, open_cases, cases_today: 0, is_attested }
}

const fn share(is_attested: bool, is_open: bool, is_shared: bool) -> Act {
    Act::Share { is_attested, is_open, is_shared }
}

/// The owner, in a case that is closed: what was written there can be shared all the same.
const CLOSED_OWN: Facts = Facts {
    now: NOW,
    claimed: NOW,
    capacity: Capacity::Owner,
    folder: Some(CLOSED),
    standing: Standing::Good,
};

type Row = (Denial, (Act, Facts), (Act, Facts));

/// For each denial: what is denied so, and its neighbour that is permitted.
#[expect(clippy::too_many_lines, reason = "a table: a row for each denial")]
fn rows() -> Vec<Row> {
    let granted = |grant| facts(Capacity::Reader(grant), Some(CASE));
    let held = granted(reader(terms()));
    let own = facts(Capacity::Owner, Some(CASE));
    let nobody = facts(Capacity::Owner, None);
    let write = Act::Write(Clearance::Normal);
    let curator = facts(Capacity::Curator, None);
    vec![
        (Denial::Absent, (Act::Open, facts(Capacity::Stranger, Some(CASE))), (Act::Open, held)),
        (Denial::Absent, (Act::Open, facts(Capacity::Owner, None)), (Act::Open, own)),
        (Denial::Absent, (Act::Open, facts(Capacity::Registrar, Some(CASE))), (Act::Open, own)),
        (Denial::Absent, (Act::Renew, facts(Capacity::Stranger, Some(CASE))), (Act::Renew, own)),
        (Denial::ClockSkew, (Act::Open, Facts { claimed: NOW.plus(days(1)), ..held }), (Act::Open, held)),
        (
            Denial::ClockSkew,
            (Act::Open, Facts { claimed: NOW.minus(Duration::from_secs(301)), ..own }),
            (Act::Open, Facts { claimed: NOW.minus(Duration::from_secs(299)), ..own }),
        ),
        (
            Denial::Revoked,
            (Act::Open, granted(GrantFacts { is_current: false, ..reader(terms()) })),
            (Act::Open, held),
        ),
        (
            Denial::NotYet,
            (Act::Open, granted(reader(terms().from(NOW.plus(Duration::from_millis(1)))))),
            (Act::Open, held),
        ),
        (
            Denial::NotYet,
            (Act::Open, Facts { claimed: NOW.minus(Duration::from_secs(1)), ..held }),
            (Act::Open, Facts { claimed: NOW.plus(Duration::from_secs(1)), ..held }),
        ),
        (
            Denial::Expired,
            (Act::Open, granted(reader(terms().from(NOW.minus(days(1))).until(NOW)))),
            (Act::Open, granted(reader(terms().until(NOW.plus(Duration::from_millis(1)))))),
        ),
        (
            Denial::NotAttested,
            (Act::Open, granted(GrantFacts { is_attested: false, ..reader(terms()) })),
            (Act::Open, held),
        ),
        (
            Denial::NotAttested,
            (begin(FolderKind::Case, Role::Patient, 0, false), nobody),
            (begin(FolderKind::Case, Role::Patient, 0, true), nobody),
        ),
        (
            Denial::NotAttested,
            (Act::Give { terms: terms(), taker: Taker { is_attested: false, ..TAKER } }, own),
            (give(terms()), own),
        ),
        (
            Denial::WrongCard,
            (Act::Open, granted(GrantFacts { is_same_card: false, ..reader(terms()) })),
            (Act::Open, held),
        ),
        (Denial::ReadOnly, (write, granted(reader(terms().reading()))), (write, held)),
        (
            Denial::Clearance,
            (Act::Write(Clearance::Restricted), held),
            (Act::Write(Clearance::Restricted), granted(reader(terms().cleared_for(Clearance::Restricted)))),
        ),
        (Denial::Closed, (write, facts(Capacity::Owner, Some(CLOSED))), (write, own)),
        (Denial::Closed, (Act::Close, facts(Capacity::Owner, Some(CLOSED))), (Act::Close, own)),
        (Denial::Closed, (give(terms()), facts(Capacity::Owner, Some(CLOSED))), (give(terms()), own)),
        (Denial::NotOwner, (give(terms()), held), (give(terms()), own)),
        (Denial::NotOwner, (Act::Close, held), (Act::Close, own)),
        (Denial::NotOwner, (Act::Audit, held), (Act::Audit, facts(Capacity::Auditor, None))),
        (Denial::WrongRole, (Act::Attest, own), (Act::Attest, facts(Capacity::Registrar, None))),
        (
            Denial::WrongRole,
            (begin(FolderKind::Case, Role::Doctor, 0, true), nobody),
            (begin(FolderKind::Identity, Role::Doctor, 0, false), nobody),
        ),
        (
            Denial::WrongRole,
            (Act::Give { terms: terms(), taker: Taker { role: Role::Auditor, ..TAKER } }, own),
            (give(terms()), own),
        ),
        (
            Denial::Identity,
            (give(terms()), facts(Capacity::Owner, Some(IDENTITY))),
            (
                Act::Give { terms: terms(), taker: Taker { is_assignment: true, ..TAKER } },
                facts(Capacity::Owner, Some(IDENTITY)),
            ),
        ),
        (
            Denial::Identity,
            (
                Act::Open,
                facts(Capacity::Reader(GrantFacts { is_backed: false, ..reader(terms()) }), Some(IDENTITY)),
            ),
            (Act::Open, facts(Capacity::Reader(reader(terms())), Some(IDENTITY))),
        ),
        (
            Denial::Terms,
            (give(terms().until(NOW.plus(days(31)))), own),
            (give(terms().until(NOW.plus(days(30)))), own),
        ),
        (Denial::Terms, (give(terms().until(NOW)), own), (give(terms()), own)),
        (Denial::Terms, (give(terms().until(Timestamp::MAX)), own), (give(terms()), own)),
        (
            Denial::TooManyCases,
            (begin(FolderKind::Case, Role::Patient, 2, true), nobody),
            (begin(FolderKind::Case, Role::Patient, 1, true), nobody),
        ),
        (
            Denial::TooManyToday,
            (
                Act::Begin {
                    kind: FolderKind::Case,
                    role: Role::Patient,
                    open_cases: 0,
                    cases_today: 50,
                    is_attested: true,
                },
                nobody,
            ),
            (begin(FolderKind::Case, Role::Patient, 0, true), nobody),
        ),
        (
            Denial::TooManyToday,
            (Act::Report { is_attested: true, reports_today: 10 }, own),
            (Act::Report { is_attested: true, reports_today: 9 }, own),
        ),
        (
            Denial::TooManyToday,
            (Act::Appeal { reports_today: 10 }, own),
            (Act::Appeal { reports_today: 9 }, Facts { standing: Standing::Barred, ..own }),
        ),
        (
            Denial::Suspended,
            (
                begin(FolderKind::Case, Role::Patient, 0, true),
                Facts { standing: Standing::Suspended, ..nobody },
            ),
            (begin(FolderKind::Case, Role::Patient, 0, true), Facts { standing: Standing::Warned, ..nobody }),
        ),
        (
            Denial::Suspended,
            (Act::Give { terms: terms(), taker: Taker { standing: Standing::Suspended, ..TAKER } }, own),
            (Act::Give { terms: terms(), taker: Taker { standing: Standing::Warned, ..TAKER } }, own),
        ),
        (
            Denial::Barred,
            (Act::Open, Facts { standing: Standing::Barred, ..held }),
            (Act::Open, Facts { standing: Standing::Suspended, ..held }),
        ),
        (
            Denial::Barred,
            (write, Facts { standing: Standing::Barred, ..own }),
            (Act::Open, Facts { standing: Standing::Barred, ..own }),
        ),
        (Denial::Lapsed, (write, facts(Capacity::Owner, Some(LAPSED))), (write, own)),
        (
            Denial::Lapsed,
            (give(terms()), facts(Capacity::Owner, Some(LAPSED))),
            (Act::Open, facts(Capacity::Reader(reader(terms())), Some(LAPSED))),
        ),
        (
            Denial::Unwilling,
            (Act::Give { terms: terms(), taker: Taker { is_willing: false, ..TAKER } }, own),
            (give(terms()), own),
        ),
        (
            Denial::Vetted,
            (Act::Open, facts(Capacity::Reader(GrantFacts { is_vetted: true, ..vetting() }), Some(IDENTITY))),
            (Act::Open, facts(Capacity::Reader(vetting()), Some(IDENTITY))),
        ),
        (
            Denial::NotAssigned,
            (Act::Reveal { is_assigned: false, is_attested: true }, own),
            (Act::Reveal { is_assigned: true, is_attested: true }, own),
        ),
        (
            Denial::NotAttested,
            (Act::Reveal { is_assigned: true, is_attested: false }, own),
            (Act::Reveal { is_assigned: true, is_attested: true }, own),
        ),
        (Denial::NotPublic, (share(true, false, false), own), (share(true, true, false), own)),
        (Denial::NotAttested, (share(false, true, false), own), (share(true, true, false), own)),
        (Denial::Shared, (share(true, true, true), own), (share(true, true, false), CLOSED_OWN)),
        (Denial::NotOwner, (share(true, true, false), held), (share(true, true, false), own)),
        (
            Denial::Absent,
            (share(true, true, false), facts(Capacity::Owner, Some(IDENTITY))),
            (share(true, true, false), own),
        ),
        (
            Denial::Barred,
            (share(true, true, false), Facts { standing: Standing::Barred, ..own }),
            (Act::Retract, Facts { standing: Standing::Barred, ..own }),
        ),
        (Denial::Absent, (Act::Retract, facts(Capacity::Stranger, Some(CASE))), (Act::Retract, own)),
        (
            Denial::Absent,
            (Act::Gather { is_attested: true }, facts(Capacity::Registrar, None)),
            (Act::Gather { is_attested: true }, curator),
        ),
        (
            Denial::NotAttested,
            (Act::Gather { is_attested: false }, curator),
            (Act::Gather { is_attested: true }, curator),
        ),
        (
            Denial::Absent,
            (Act::Release { is_attested: true }, nobody),
            (Act::Release { is_attested: true }, curator),
        ),
        (
            Denial::Barred,
            (Act::Release { is_attested: true }, Facts { standing: Standing::Barred, ..curator }),
            (Act::Release { is_attested: true }, Facts { standing: Standing::Suspended, ..curator }),
        ),
        (
            Denial::OwnRuling,
            (Act::Rule { is_own_ruling: true }, facts(Capacity::Registrar, None)),
            (Act::Rule { is_own_ruling: false }, facts(Capacity::Registrar, None)),
        ),
    ]
}

#[test]
fn every_denial_has_its_row_and_every_row_its_permitted_neighbour() {
    for (denial, (act, denied), (neighbour, permitted)) in rows() {
        assert_eq!(decide(&policy(), act, &denied).unwrap_err(), denial, "{act:?} {denied:?}");
        assert!(decide(&policy(), neighbour, &permitted).is_ok(), "beside {denial:?}: {neighbour:?}");
    }
    // Who is not known, and which person has a card, are no facts to decide by: these denials are the vault's own.
    let is_decided = |denial: &&Denial| !matches!(denial, Denial::Unknown | Denial::PersonKnown);
    for denial in Denial::ALL.iter().filter(is_decided) {
        assert!(rows().iter().any(|(row, ..)| row == denial), "{denial:?} has no row");
    }
}

/// The reasons in the vault's own stream, as an auditor reads them.
fn reasons(world: &World, auditor: &Session<'_, Auditor>) -> Vec<Denial> {
    let question = Question::VaultStream(0);
    let (vault, at) = (world.vault.trust().vault, world.clock.now());
    let query = Query { vault, asker: auditor.id(), question, at, nonce: [1; 16] };
    let request = Request::Ask(Signed::sign(&query, keyring(30).signer()));
    let answer = world.vault.exchange(&codec::encode(&request)).unwrap();
    let Ok(Response::Answer(Answer::Stream(page))) = codec::decode::<Response>(&answer) else {
        panic!("no stream")
    };
    let events = page.events.iter().map(|streamed| streamed.event.claims().unwrap());
    let codes = events.filter(|event| event.verb == Verb::Deny).filter_map(|event| event.moment.reason);
    codes.map(|code| *Denial::ALL.iter().find(|denial| denial.code() == code).unwrap()).collect()
}

#[test]
fn a16_outside_every_denial_is_the_same_and_the_vaults_stream_says_why() {
    let world = World::with(policy());
    let auditor = world.enrol::<Auditor>(30, "Audit");
    world.office().attest(auditor.id(), Attestation::auditor()).unwrap();
    let mut expected = Vec::new();
    let mut denied = |what: Result<(), Error>, why: Denial| {
        let error = what.unwrap_err();
        // Who signs in hears what to look at: the enrolment or the clock.
        let is_arriving =
            matches!(why, Denial::ClockSkew | Denial::Unknown) && error.code() == "not-enrolled";
        assert!(is_arriving || matches!(error, Error::Denied), "{why:?}: {error:?}");
        expected.push(why);
    };
    let newcomer = world.enrol::<Patient>(9, "Newcomer");
    denied(newcomer.open_case("too early").map(drop), Denial::NotAttested);

    let alice = world.patient(ALICE, "Alice");
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("one").unwrap();
    let second = alice.open_case("two").unwrap();
    denied(alice.open_case("three").map(drop), Denial::TooManyCases);
    let elsewhere =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), alice.memory(), world.tools(78));
    alice.close_case(&second).unwrap();
    assert_eq!(alice.write(&second, Kind::Note, "late").unwrap_err().code(), "closed");
    denied(elsewhere.unwrap().write(&second, Kind::Note, "late").map(drop), Denial::Closed);
    denied(
        alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(31))).map(drop),
        Denial::Terms,
    );
    alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(14))).unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion().until(world.in_days(20))).unwrap();
    let (his, hers) = (bob.cases().unwrap().remove(0), carol.cases().unwrap().remove(0));
    denied(carol.write(&hers, Kind::Note, "no right").map(drop), Denial::ReadOnly);
    let private = || vec![Entry::new(Kind::Note, "x").unwrap().cleared_for(Clearance::Restricted)];
    let above = bob.write_all(&his, private()).unwrap_err();
    assert!(matches!(above, Error::Denied), "the doctor's own session has no key for it");
    let dave = world.doctor(5, "Dave");
    denied(dave.open(&his).map(drop), Denial::Absent);

    world.office().withdraw(carol.id()).unwrap();
    denied(carol.open(&hers).map(drop), Denial::NotAttested);

    // A24: whose clock goes back, forth, or to the end of time gets no longer right.
    for elsewhere in [NOW.plus(days(1)), NOW.minus(days(1)), Timestamp::MAX, Timestamp::at_ms(0)] {
        let clock = casevault::time::ManualClock::at(elsewhere);
        let tools = casevault::session::Tools::new(clock, casevault::crypto::Random::seeded([77; 32]));
        let session = Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), world.trusting(), tools);
        denied(session.map(drop), Denial::ClockSkew);
    }
    world.clock.advance(days(14));
    denied(bob.open(&his).map(drop), Denial::Expired);
    // The vault's clock going back gives the right back only as far as its own time says: never beyond the terms.
    world.clock.set(Timestamp::MAX);
    denied(bob.open(&his).map(drop), Denial::Expired);
    world.clock.set(NOW);
    bob.open(&his).unwrap();
    alice.revoke(&case, bob.id()).unwrap();
    denied(bob.open(&his).map(drop), Denial::Absent);

    let stranger =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(99), world.trusting(), world.tools(99));
    denied(stranger.map(drop), Denial::Unknown);
    assert_eq!(reasons(&world, &auditor), expected);
}

#[test]
fn a15_chunks_are_given_to_who_may_open_and_up_to_the_clearance() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let dave = world.doctor(5, "Dave");
    let case = alice.open_case("large things").unwrap();
    let large = |clearance| {
        Entry::of_bytes(Kind::Document, "text/plain", vec![7; 100_000]).unwrap().cleared_for(clearance)
    };
    alice.write_all(&case, vec![large(Clearance::Normal), large(Clearance::Restricted)]).unwrap();
    // Behind the title.
    let ids = [1, 2];
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let ask = |seed: u8, asker, position| {
        let question = Question::Chunks(case.id(), position);
        let query = Query {
            vault: world.vault.trust().vault,
            asker,
            question,
            at: world.clock.now(),
            nonce: [1; 16],
        };
        let request = Request::Ask(Signed::sign(&query, keyring(seed).signer()));
        let answer = world.vault.exchange(&codec::encode(&request)).unwrap();
        matches!(codec::decode::<Response>(&answer).unwrap(), Response::Answer(Answer::Chunks(_)))
    };
    assert!(ask(ALICE, alice.id(), ids[1]) && ask(BOB, bob.id(), ids[0]));
    assert!(!ask(BOB, bob.id(), ids[1]), "above the clearance");
    assert!(!ask(5, dave.id(), ids[0]), "never granted");
    assert!(!ask(5, bob.id(), ids[0]), "in another's name");
    world.office().withdraw(bob.id()).unwrap();
    assert!(!ask(BOB, bob.id(), ids[0]), "attested no more");
    world.office();
    alice.revoke(&case, bob.id()).unwrap();
    assert!(!ask(BOB, bob.id(), ids[0]), "revoked");
}
