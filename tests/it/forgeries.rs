//! What a dishonest custodian signs, and that an audit finds it: forgeries, one by one.

use std::fs;

use casevault::{
    audit::{self, Fault, Finding},
    codec::{self},
    consent::{GrantStatement, Terms},
    credential::{Attestation, AttestationStatement, Category},
    crypto::Signed,
    event::{Event, Moment, Principal, SignedEvent, Step, Verb},
    folder::{Epoch, FolderKind},
    id::{Digest, FolderId, GrantId, VaultId},
    merkle,
    party::{Auditor, Card, Role},
    session::Sentence,
    time::{Timestamp, days},
};
use serde_json::{Value, json};

use crate::{
    forged::{Forged, Line, base64},
    supervision::{SECOND, clinic, export},
    world::{ALICE, BOB, CAROL, DAVE, REGISTRAR, World, keyring},
};

/// What an audit finds in it.
fn findings(forged: &Forged) -> Vec<Finding> {
    audit::verify(forged.write().0.path(), None).unwrap().findings
}

/// The first folder of a kind in a stream.
fn folder(lines: &[Line], kind: FolderKind) -> FolderId {
    let begun = |line: &Line| {
        let step = line.step();
        step.folder.filter(|_| step.opening.is_some_and(|opening| opening.kind == kind))
    };
    lines.iter().find_map(begun).unwrap()
}

/// How a folder stands at a stream's end: its epoch, and the grants in force, as the last events to name them say.
fn epoch_of(lines: &[Line], of: FolderId) -> Epoch {
    lines
        .iter()
        .rev()
        .map(Line::step)
        .filter(|step| step.folder == Some(of))
        .find_map(|step| step.epoch)
        .unwrap()
}

/// A party opens a folder of another's, at the end of the other's stream.
fn open_by(forged: &mut Forged, (reader, owner): (u8, u8), kind: FolderKind, at: Timestamp) {
    let of = folder(forged.of_party(owner), kind);
    let whose = if kind == FolderKind::Case {
        Principal::Folder(of)
    } else {
        Principal::Party(keyring(owner).party())
    };
    forged.add(owner, (reader, Verb::Open, at), Vec::new(), |step| Step {
        owner: whose,
        folder: Some(of),
        ..step
    });
}

/// What terms are for, as their bytes say it.
const OWN: u8 = 1;
const TREATMENT: u8 = 2;
const VETTING: u8 = 4;

/// A grant to read everything for a day, for a purpose, whatever it wraps.
fn granted(
    (vault, folder, epoch): (VaultId, FolderId, Epoch),
    card: &Card,
    (purpose, at): (u8, Timestamp),
    because: Option<FolderId>,
) -> GrantStatement {
    // { purpose, rights: read, clearance: very restricted, from, until }
    let mut terms = vec![0xa5, 0, purpose, 1, 1, 2, 3, 3, 0x1b];
    terms.extend(at.as_ms().to_be_bytes());
    terms.extend([4, 0x1b]);
    terms.extend(at.plus(days(1)).as_ms().to_be_bytes());
    GrantStatement {
        grant: GrantId::from_bytes([purpose; 16]),
        vault,
        folder,
        epoch,
        reader: card.party(),
        card: card.digest(),
        attested: None,
        terms: codec::decode::<Terms>(&terms).unwrap(),
        because,
        wrap: Digest::from_bytes([0; 32]),
    }
}

/// A new epoch of an Identity, with grants that may name a Case.
fn renewed(
    forged: &mut Forged,
    (owner, at): (u8, Timestamp),
    grants: impl FnOnce((VaultId, FolderId, Epoch), FolderId) -> Vec<GrantStatement>,
) {
    let vault = forged.vault;
    let lines = forged.of_party(owner);
    let (of, case) = (folder(lines, FolderKind::Identity), folder(lines, FolderKind::Case));
    let steps: Vec<Step> = lines.iter().map(Line::step).filter(|step| step.folder == Some(of)).collect();
    let renewed = steps.iter().rposition(|step| step.commitments.is_some()).unwrap();
    let before = steps.iter().rev().find_map(|step| step.after).unwrap_or_default();
    let place = (vault, of, epoch_of(lines, of).next());
    let grants = grants(place, case);
    let brings = grants.iter().map(|grant| json!({ "grant": base64(&codec::encode(grant)) })).collect();
    forged.add(owner, (owner, Verb::Rotate, at), brings, |step| Step {
        folder: Some(of),
        epoch: Some(place.2),
        before: Some(before),
        grants: grants.iter().map(GrantStatement::digest).collect(),
        commitments: steps[renewed].commitments,
        replaces: Some(Step::replaced(steps[renewed..].iter().flat_map(|step| step.grants.clone()))),
        ..step
    });
}

/// A doctor has it for a Case that was taken from him.
fn renewed_for(forged: &mut Forged, (reader, owner): (u8, u8), at: Timestamp) {
    let cards = (keyring(owner).card(Role::Patient), keyring(reader).card(Role::Doctor));
    renewed(forged, (owner, at), |place, case| {
        vec![granted(place, &cards.0, (OWN, at), None), granted(place, &cards.1, (TREATMENT, at), Some(case))]
    });
}

/// The owner's own grant names a Case, as only a reader's may.
fn renewed_naming(forged: &mut Forged, owner: u8, at: Timestamp) {
    let card = keyring(owner).card(Role::Patient);
    renewed(forged, (owner, at), |place, case| vec![granted(place, &card, (OWN, at), Some(case))]);
}

/// A grant of an Identity for vetting, to somebody.
fn vetted_by(forged: &mut Forged, (reader, role, owner): (u8, Role, u8), at: Timestamp) {
    let card = keyring(reader).card(role);
    let of = folder(forged.of_party(owner), FolderKind::Identity);
    let epoch = epoch_of(forged.of_party(owner), of);
    let statement = granted((forged.vault, of, epoch), &card, (VETTING, at), None);
    let brings = vec![json!({ "grant": base64(&codec::encode(&statement)) })];
    forged.add(owner, (owner, Verb::Grant, at), brings, |step| Step {
        folder: Some(of),
        epoch: Some(epoch),
        grants: vec![statement.digest()],
        ..step
    });
}

/// A registrar's word on a party, as one who is none gives it.
fn attested_by(forged: &mut Forged, (registrar, party): (u8, u8), at: Timestamp) {
    let card = keyring(party).card(Role::Doctor);
    let statement = AttestationStatement {
        vault: forged.vault,
        subject: card.party(),
        card: card.digest(),
        role: Role::Doctor,
        specialty: String::new(),
        jurisdiction: String::new(),
        evidence: None,
        registrar: keyring(registrar).party(),
        from: at,
        until: at.plus(days(9)),
        at: None,
        specialties: Vec::new(),
        persons: Vec::new(),
        succeeds: None,
    };
    let signed = Signed::sign(&statement, keyring(registrar).signer());
    let brings = vec![json!({ "attestation": base64(&codec::encode(&signed)) })];
    forged.add(party, (registrar, Verb::Attest, at), brings, |step| Step {
        owner: Principal::Party(card.party()),
        subject: Some(signed.digest()),
        ..step
    });
}

/// What a forgery is called, how it is made, whose stream it shows in (the vault's own, if nobody's) and as what.
pub(crate) type Forgery = (&'static str, fn(&mut Forged, Timestamp), Option<u8>, Fault);

/// Each with the place of the last line of a stream as the place where it shows, if it is not the first line of the vault's.
pub(crate) const FORGERIES: &[Forgery] = &[
    (
        "opened by someone revoked",
        |f, at| open_by(f, (BOB, ALICE), FolderKind::Case, at),
        Some(ALICE),
        Fault::Uncovered,
    ),
    (
        "opened by a stranger",
        |f, at| open_by(f, (DAVE, ALICE), FolderKind::Case, at),
        Some(ALICE),
        Fault::Uncovered,
    ),
    (
        "opened after the attestation was withdrawn",
        |f, at| open_by(f, (CAROL, ALICE), FolderKind::Case, at),
        Some(ALICE),
        Fault::Unattested,
    ),
    (
        "an identity opened that was assigned no more",
        |f, at| open_by(f, (BOB, ALICE), FolderKind::Identity, at),
        Some(ALICE),
        Fault::Uncovered,
    ),
    (
        "an identity granted to a doctor, to vet",
        |f, at| vetted_by(f, (BOB, Role::Doctor, ALICE), at),
        Some(ALICE),
        Fault::Identity,
    ),
    (
        "an identity granted in a new epoch, for a case that was taken away",
        |f, at| renewed_for(f, (BOB, ALICE), at),
        Some(ALICE),
        Fault::Identity,
    ),
    (
        "an owner's own grant that names a case it does not stand beside",
        |f, at| renewed_naming(f, ALICE, at),
        Some(ALICE),
        Fault::Identity,
    ),
    ("an attestation by a doctor", |f, at| attested_by(f, (CAROL, BOB), at), Some(BOB), Fault::Registrar),
    (
        "an act that stands twice",
        |f, _| {
            let lines = f.of_party(ALICE);
            lines.push(lines.last().unwrap().clone());
        },
        Some(ALICE),
        Fault::Repeated,
    ),
    (
        "signed by another",
        |f, at| {
            open_by(f, (BOB, ALICE), FolderKind::Case, at);
            let line = f.of_party(ALICE).last_mut().unwrap();
            line.event = SignedEvent::sign(&line.event.claims().unwrap(), keyring(CAROL).signer());
        },
        Some(ALICE),
        Fault::Signature,
    ),
    (
        "a head that never was",
        |f, at| {
            open_by(f, (BOB, ALICE), FolderKind::Case, at);
            let line = f.of_party(ALICE).last_mut().unwrap();
            let seen = Some(merkle::Head { size: 1, root: Digest::from_bytes([1; 32]) });
            let event = line.event.claims().unwrap().when(|moment| Moment { seen, ..moment });
            line.event = SignedEvent::sign(&event, keyring(BOB).signer());
        },
        Some(ALICE),
        Fault::Seen,
    ),
    (
        "a vault that does not say what it was made under",
        |f, _| drop(f.of_vault().drain(..1)),
        None,
        Fault::Policy,
    ),
];

/// What an export is called that nobody should have had, how it is made, and as what it shows.
type Export = (&'static str, fn(&mut Forged, Timestamp), Fault);

/// Exports that are in the vault's stream and should not be there: each shows at that stream's end.
pub(crate) const EXPORTS: &[Export] = &[
    ("an export taken by a doctor", |f, at| exported_by(f, BOB, at), Fault::Unattested),
    (
        "an export taken by an auditor whom nobody attested",
        |f, at| exported_by(f, UNVETTED, at),
        Fault::Unattested,
    ),
    ("an export taken by a barred auditor", |f, at| exported_by(f, BARRED, at), Fault::Standing),
    ("an export of another log", |f, at| exported_by(f, AUDITOR, at), Fault::Seen),
    (
        "an export that is a folder's",
        |f, at| {
            exported_by(f, AUDITOR, at);
            let line = f.of_vault().last_mut().unwrap();
            let folder = Some(FolderId::from_bytes([1; 32]));
            let event = line.event.claims().unwrap().with(|step| Step { folder, ..step });
            line.event = SignedEvent::sign(&event, keyring(AUDITOR).signer());
        },
        Fault::Folder,
    ),
];

const AUDITOR: u8 = 30;
const UNVETTED: u8 = 31;
const BARRED: u8 = 32;

/// The clinic, with auditors of whom nobody should take an export.
pub(crate) fn watched() -> World {
    let world = clinic();
    world.enrol::<Auditor>(UNVETTED, "nobody");
    let barred = world.enrol::<Auditor>(BARRED, "barred").id();
    let office = world.office();
    office.attest(barred, Attestation::auditor()).unwrap();
    office.strike(barred, Sentence::new(Category::Fraud, 9, world.in_days(90))).unwrap();
    world
}

/// A party takes an export of a log that never was.
fn exported_by(forged: &mut Forged, seed: u8, at: Timestamp) {
    let vault = Principal::Vault(forged.vault);
    let place = (forged.vault, casevault::id::OpId::from_bytes([seed; 16]));
    let event = Event::new(place, Principal::Party(keyring(seed).party()), Verb::Export, at, [7; 16]);
    let root = Some(Digest::from_bytes([1; 32]));
    let event = event.with(|step| Step { owner: vault, subject: root, ..step });
    forged.takes(SignedEvent::sign(&event, keyring(seed).signer()), at);
}

/// Where the vault's stream ends.
pub(crate) fn end_of_vault(forged: &Forged, starts: &[(Principal, u64)]) -> u64 {
    let vault = Principal::Vault(forged.vault);
    let lines = &forged.streams.iter().find(|(known, _)| *known == vault).unwrap().1;
    place_of(forged, None, starts) + u64::try_from(lines.len()).unwrap() - 1
}

#[test]
fn an_export_that_nobody_should_have_had_is_found() {
    let world = watched();
    assert_eq!(findings(&Forged::of(&world)), []);
    for (name, forge, fault) in EXPORTS {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let (directory, starts) = forged.write();
        let found = audit::verify(directory.path(), None).unwrap().findings;
        let found: Vec<_> = found.into_iter().map(|found| (found.fault, found.index)).collect();
        assert_eq!(found, [(*fault, end_of_vault(&forged, &starts))], "{name}");
    }
}

/// Where a forgery must show.
pub(crate) fn place_of(forged: &Forged, whose: Option<u8>, starts: &[(Principal, u64)]) -> u64 {
    let owner = whose.map_or(Principal::Vault(forged.vault), |seed| Principal::Party(keyring(seed).party()));
    let start = starts.iter().find(|(known, _)| *known == owner).unwrap().1;
    let lines = forged.streams.iter().find(|(known, _)| *known == owner).unwrap().1.len();
    if whose.is_none() { start } else { start + u64::try_from(lines).unwrap() - 1 }
}

#[test]
fn a_custodian_who_signs_what_it_likes_is_found_out() {
    let world = clinic();
    assert_eq!(findings(&Forged::of(&world)), [], "what is signed again is in order");
    for (name, forge, whose, fault) in FORGERIES {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let (directory, starts) = forged.write();
        let found = audit::verify(directory.path(), None).unwrap().findings;
        let first = found.first().unwrap_or_else(|| panic!("{name}: nothing found"));
        assert_eq!(
            (first.fault, first.index),
            (*fault, place_of(&forged, *whose, &starts)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_clock_that_went_back_hides_nothing_that_follows() {
    let world = clinic();
    let mut forged = Forged::of(&world);
    forged.of_party(ALICE).last_mut().unwrap().received = Timestamp::at_ms(5);
    open_by(&mut forged, (BOB, ALICE), FolderKind::Case, world.in_days(1));
    let faults: Vec<Fault> = findings(&forged).into_iter().map(|finding| finding.fault).collect();
    assert_eq!(faults, [Fault::Time, Fault::Uncovered]);
}

#[test]
fn clocks_farther_apart_than_the_policy_allows_are_told() {
    let world = clinic();
    let mut forged = Forged::of(&world);
    let lines = forged.of_party(ALICE);
    let last = lines.len() - 1;
    lines[last].received = lines[last].received.plus(days(1));
    let faults: Vec<Fault> = findings(&forged).into_iter().map(|finding| finding.fault).collect();
    assert_eq!(faults, [Fault::Time]);
}

#[test]
fn a_stream_that_nobody_knows_hides_no_other() {
    let world = clinic();
    let mut forged = Forged::of(&world);
    open_by(&mut forged, (BOB, ALICE), FolderKind::Case, world.in_days(1));
    let (directory, _) = forged.write();
    let path = directory.path().join("events.ndjson");
    let events = fs::read_to_string(&path).unwrap();
    let mut line: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    line["stream"] = format!("party:{}", "ab".repeat(32)).into();
    fs::write(&path, format!("{line}\n{events}")).unwrap();
    let found = audit::verify(directory.path(), None).unwrap().findings;
    let faults: Vec<Fault> = found.iter().map(|finding| finding.fault).collect();
    assert_eq!((faults.as_slice(), found[0].index), ([Fault::Missing, Fault::Uncovered].as_slice(), 0));
}

/// A vault whose second registrar came later, and whose first one left.
pub(crate) fn changing() -> World {
    let world = World::new();
    let office = world.office();
    let second = keyring(SECOND).card(Role::Registrar);
    world.clock.advance(days(1));
    office.propose(world.vault.policy().adding(&second)).unwrap();
    world.clock.advance(days(1));
    let tools = || world.tools(SECOND);
    let later = casevault::session::Session::<casevault::party::Registrar>::sign_in_with(
        &world.vault,
        keyring(SECOND),
        world.trusting(),
        tools(),
    )
    .unwrap();
    for seed in 50..60 {
        let patient = world.enrol::<casevault::party::Patient>(seed, "someone");
        later.attest(patient.id(), Attestation::patient()).unwrap();
    }
    world.clock.advance(days(1));
    later.propose(world.vault.policy().expelling(keyring(REGISTRAR).party())).unwrap();
    world.clock.advance(days(1));
    world.enrol::<casevault::party::Patient>(60, "someone");
    world
}

#[test]
fn registrars_come_and_go_and_what_they_sign_is_in_order() {
    assert_eq!(audit::verify(export(&changing()).path(), None).unwrap().findings, []);
}

#[test]
fn a_policy_that_was_signed_cannot_be_left_out() {
    let world = changing();
    let is_govern = |line: &Line| line.step().verb == Verb::Govern;
    let mut forged = Forged::of(&world);
    let governed: Vec<usize> = forged
        .of_vault()
        .iter()
        .enumerate()
        .filter(|(_, line)| is_govern(line))
        .map(|(seq, _)| seq)
        .collect();
    assert_eq!(governed.len(), 2);
    for (kept, seq) in governed.into_iter().enumerate() {
        let mut forged = Forged::of(&world);
        forged.policy["charters"].as_array_mut().unwrap().truncate(kept);
        let (directory, starts) = forged.write();
        let found = audit::verify(directory.path(), None).unwrap().findings;
        let start = starts.iter().find(|(owner, _)| *owner == Principal::Vault(forged.vault)).unwrap().1;
        let shown = found.iter().find(|finding| finding.fault == Fault::Policy).map(|finding| finding.index);
        assert_eq!(shown, Some(start + u64::try_from(seq).unwrap()), "{found:?}");
    }
}

/// What is shared, taken back and released, and a curator who has come and gone.
pub(crate) fn released() -> World {
    use casevault::{custodian::PoolCursor, public::Use};

    use crate::{
        curators::batch,
        shares::{abstracted, area, curator, pull_all, until},
    };
    let world = area();
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("one").unwrap();
    let share = || alice.share(&case, &abstracted(1), [Use::Education], until(&world)).unwrap();
    share();
    alice.retract(&case).unwrap();
    share();
    world.clock.advance(days(1));
    let curator = curator(&world);
    let mut seen = PoolCursor::default();
    pull_all(&curator, &mut seen);
    for number in 1..3 {
        let (rows, facts) = batch(number, 12);
        curator.release(&seen, (rows, vec![facts], Vec::new()), b"").unwrap();
        world.clock.advance(days(1));
    }
    alice.retract(&case).unwrap();
    world.office().withdraw(keyring(crate::shares::CURATOR).party()).unwrap();
    world
}

/// A release that follows on those before, by this party, at a moment.
fn release_by(forged: &mut Forged, actor: u8, at: Timestamp) {
    release_named(forged, (actor, at), Digest::from_bytes([9; 32]));
}

/// The same, of what a digest names.
pub(crate) fn release_named(forged: &mut Forged, (actor, at): (u8, Timestamp), subject: Digest) {
    let own = Principal::Vault(forged.vault);
    let mut ledger = merkle::Frontier::new();
    let lines = forged.of_vault();
    for step in lines.iter().map(Line::step).filter(|step| step.verb == Verb::Release) {
        ledger.append(merkle::leaf_hash(step.subject.unwrap().as_bytes()));
    }
    let before = ledger.head();
    ledger.append(merkle::leaf_hash(subject.as_bytes()));
    let place = (lines[0].step().vault, casevault::id::OpId::from_bytes([actor; 16]));
    let actor_id = Principal::Party(keyring(actor).party());
    let event = Event::new(place, actor_id, Verb::Release, at, [7; 16]).with(|step| Step {
        owner: own,
        subject: Some(subject),
        before: Some(before),
        after: Some(ledger.head()),
        ..step
    });
    lines.push(Line {
        received: at,
        event: SignedEvent::sign(&event, keyring(actor).signer()),
        brings: Vec::new(),
    });
}

/// What a custodian could make of that, and what is found.
pub(crate) type Misreleased = (&'static str, fn(&mut Forged, Timestamp), Fault);

pub(crate) const MISRELEASED: &[Misreleased] = &[
    ("released by a patient", |f, at| release_by(f, ALICE, at), Fault::Uncovered),
    ("released when nobody vouched", |f, at| release_by(f, crate::shares::CURATOR, at), Fault::Unattested),
    (
        "a release left out",
        |f, _| {
            let lines = f.of_vault();
            let place = lines.iter().position(|line| line.step().verb == Verb::Release).unwrap();
            lines.remove(place);
        },
        Fault::Folder,
    ),
    (
        "shared twice, and not taken back",
        |f, _| {
            let lines = f.of_party(ALICE);
            let place = lines.iter().position(|line| line.step().verb == Verb::Retract).unwrap();
            lines.remove(place);
        },
        Fault::Folder,
    ),
    (
        "taken back what was not shared",
        |f, _| {
            let lines = f.of_party(ALICE);
            let place = lines.iter().position(|line| line.step().verb == Verb::Share).unwrap();
            lines.remove(place);
        },
        Fault::Folder,
    ),
];

#[test]
fn what_is_shared_and_released_is_in_order_and_what_is_not_is_found() {
    let world = released();
    assert_eq!(audit::verify(export(&world).path(), None).unwrap().findings, []);
    for (name, forge, fault) in MISRELEASED {
        let mut forged = Forged::of(&world);
        forge(&mut forged, world.in_days(1));
        let found: Vec<Fault> = findings(&forged).into_iter().map(|finding| finding.fault).collect();
        assert_eq!(found.first(), Some(fault), "{name}: {found:?}");
    }
}
