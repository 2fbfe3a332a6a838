//! Audits that go on from one another, and the receipts that parties send in.

use std::{cell::Cell, collections::BTreeSet, path::Path, time::Duration};

use casevault::{
    audit::{self, AuditError, AuditReport, Basis, Fault, Finding, Gravity, State},
    codec,
    consent::Terms,
    crypto::Signed,
    event::{Principal, Receipt, StreamEntry},
    id::{Digest, OpId},
    merkle::Frontier,
    record::Kind,
    time::{Timestamp, days},
};
use proptest::prelude::*;

use crate::{
    forged::Forged,
    forgeries::{FORGERIES, changing},
    independent::{both_with, python, run},
    supervision::{clinic, export, lines, put},
    world::{ALICE, BOB, World},
};

/// What an audit finds that goes on from a state.
fn from(directory: &Path, state: &State) -> (AuditReport, Option<State>) {
    audit::verify_from(directory, &Basis { state: Some(state), ..Basis::default() }).unwrap()
}

fn whole(directory: &Path) -> (AuditReport, Option<State>) {
    audit::verify_from(directory, &Basis::default()).unwrap()
}

/// The moments at which something was received.
fn moments(forged: &mut Forged) -> Vec<Timestamp> {
    let mut moments: Vec<Timestamp> =
        forged.streams().iter().flat_map(|(_, lines)| lines.iter().map(|line| line.received)).collect();
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// An export as it stood at a moment, and the one that it grew to: where the later one's streams begin, and how long each was.
struct Grown {
    state: State,
    later: tempfile::TempDir,
    /// For each line of the later export whether it was there at the moment.
    is_old: Vec<bool>,
}

/// What was there at a moment is verified, and then the log grows to what a custodian makes of it.
fn grown(world: &Forged, moment: Timestamp, change: impl FnOnce(&mut Forged)) -> Grown {
    let (earlier, _, epoch) = world.until(moment).write_after(&[]);
    let (report, state) = whole(earlier.path());
    assert_eq!(report.findings, []);
    let mut later = world.clone();
    change(&mut later);
    let (later, starts, _) = later.write_after(&[epoch]);
    let mut old = world.until(moment);
    let old: Vec<(Principal, usize)> =
        old.streams().iter().map(|(owner, lines)| (*owner, lines.len())).collect();
    let count = u64::try_from(lines(later.path()).len()).unwrap();
    let is_old = (0..count).map(|index| {
        let (owner, start) = starts.iter().rev().find(|(_, start)| *start <= index).unwrap();
        let known = old.iter().find(|(known, _)| known == owner).map_or(0, |(_, length)| *length);
        index - start < u64::try_from(known).unwrap()
    });
    Grown { state: state.unwrap(), is_old: is_old.collect(), later }
}

/// Changes one line: 0 takes it away, 1 alters a byte of its event, 2 tells another time, 3 puts it in the place of the next.
fn tamper(lines: &mut Vec<String>, index: usize, how: u8) {
    match how {
        0 => drop(lines.remove(index)),
        1 => {
            let at = lines[index].find("\"event\":\"").unwrap() + 60;
            let other = if lines[index].as_bytes()[at] == b'A' { "B" } else { "A" };
            lines[index].replace_range(at..=at, other);
        }
        2 => {
            let at = lines[index].find("\"received\":").unwrap() + "\"received\":".len() + 12;
            let other = if lines[index].as_bytes()[at] == b'1' { "2" } else { "1" };
            lines[index].replace_range(at..=at, other);
        }
        _ => {
            let other = (index + 1) % lines.len();
            lines.swap(index, other);
        }
    }
}

/// Whether more is wrong than what is to be looked into.
fn is_wrong(report: &AuditReport) -> bool {
    report.worst().is_some_and(|worst| worst > Gravity::Warning)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    /// Whatever came before and whatever was done to what came after: what is found is what an audit of the whole finds.
    #[test]
    fn an_audit_that_goes_on_finds_what_an_audit_of_the_whole_finds(
        is_changing: bool, cut: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 8),
    ) {
        let world = if is_changing { changing() } else { clinic() };
        let mut forged = Forged::of(&world);
        let moments = moments(&mut forged);
        let moment = *cut.get(&moments);
        let Grown { state, later, is_old } = grown(&forged, moment, |_| ());
        let path = later.path();
        let (report, next) = from(path, &state);
        let (expected, fresh) = whole(path);
        prop_assert_eq!(&report, &expected);
        prop_assert_eq!(&report.findings, &[]);
        prop_assert_eq!(next, fresh, "the state it leaves is the same");
        let clean = lines(path);
        for (index, how) in changes {
            let index = index.index(clean.len());
            let mut wrong = clean.clone();
            tamper(&mut wrong, index, how);
            put(path, &wrong);
            let ((report, next), (expected, _)) = (from(path, &state), whole(path));
            prop_assert_eq!(next.is_none(), is_wrong(&expected));
            let is_of_old = is_old[index] || (how == 3 && is_old[(index + 1) % clean.len()]);
            if is_of_old {
                // Found where it was, or at the latest where what was verified ends.
                prop_assert!(report.findings.first() <= expected.findings.first(), "{:?}", report);
                prop_assert!(is_wrong(&report));
            } else {
                prop_assert_eq!(report, expected);
            }
        }
    }
}

#[test]
fn a_custodian_who_signs_what_it_likes_is_found_out_by_who_goes_on() {
    let world = clinic();
    let mut forged = Forged::of(&world);
    let moments = moments(&mut forged);
    for (number, (name, forge, ..)) in FORGERIES.iter().enumerate() {
        let moment = moments[(number * 7) % moments.len()];
        let Grown { state, later, .. } = grown(&forged, moment, |later| forge(later, world.in_days(1)));
        let (expected, _) = whole(later.path());
        assert!(is_wrong(&expected), "{name}");
        assert_eq!(from(later.path(), &state).0, expected, "{name}");
    }
}

#[test]
fn a_history_that_was_verified_cannot_be_written_anew() {
    let world = clinic();
    let forged = Forged::of(&world);
    let alice = Principal::Party(crate::world::keyring(ALICE).party());
    let moment = world.in_days(1);
    // The custodian tells another time, and signs streams, map and log again: the log grows, and nothing in it is wrong.
    let another_time = |later: &mut Forged| {
        let lines = later.of_party(ALICE);
        let last = lines.last_mut().unwrap();
        last.received = last.received.plus(Duration::from_millis(1));
    };
    let cut_short = |later: &mut Forged| drop(later.of_party(ALICE).pop());
    let gone = |later: &mut Forged| later.streams().retain(|(owner, _)| *owner != alice);
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Forged));
    let changes: [Change<'_>; 3] =
        [("another time", &another_time), ("cut short", &cut_short), ("gone", &gone)];
    for (name, change) in changes {
        let Grown { state, later, .. } = grown(&forged, moment, change);
        assert_eq!(whole(later.path()).0.findings, [], "{name}: nobody sees it who comes anew");
        let (report, next) = from(later.path(), &state);
        let found: Vec<_> =
            report.findings.iter().map(|found| (found.fault, found.stream.as_str())).collect();
        let name_of = format!("party:{}", crate::world::keyring(ALICE).party().to_hex());
        assert_eq!(found, [(Fault::Stream, name_of.as_str())], "{name}");
        assert!(next.is_none());
    }
    // A log that does not grow from the one of the state.
    let Grown { state, .. } = grown(&forged, moment, |_| ());
    let (other, _, _) = forged.until(moment).write_after(&[]);
    assert_eq!(from(other.path(), &state).0.findings, [], "the very same");
    let mut shorter = forged.clone();
    cut_short(&mut shorter);
    let faults: Vec<Fault> =
        from(shorter.write().0.path(), &state).0.findings.iter().map(|found| found.fault).collect();
    assert_eq!(faults, [Fault::Checkpoint, Fault::Stream]);
    // A state of another vault.
    let (_, state) = whole(export(&World::new()).path());
    let faults = from(forged.write().0.path(), &state.unwrap()).0.findings;
    assert_eq!(faults.iter().map(|found| found.fault).collect::<Vec<_>>(), [Fault::Checkpoint]);
}

/// The head of a CBOR value: its kind, and its number or length.
fn head(kind: u8, number: u64) -> Vec<u8> {
    let short = |number: u8| kind << 5 | number;
    match number {
        0..=23 => vec![short(u8::try_from(number).unwrap())],
        24..=255 => vec![short(24), u8::try_from(number).unwrap()],
        _ => [&[short(25)], &u16::try_from(number).unwrap().to_be_bytes()[..]].concat(),
    }
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&head(2, u64::try_from(bytes.len()).unwrap()), bytes].concat()
}

fn of_head(size: u64, root: &[u8]) -> Vec<u8> {
    [vec![0xa2, 0], head(0, size), vec![1], bytes(root)].concat()
}

#[test]
fn a_state_is_what_its_page_says() {
    let directory = export(&clinic());
    let (report, state) = whole(directory.path());
    let of_hex = |text: &str| Digest::from_hex(text).unwrap().as_bytes().to_vec();
    let mut streams: Vec<(u8, Vec<u8>, u64, Vec<u8>)> = Vec::new();
    for line in std::fs::read_to_string(directory.path().join("parties.ndjson")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (Some(size), Some(root)) = (line["size"].as_u64(), line["root"].as_str()) else { continue };
        let (kind, id) = line["stream"].as_str().unwrap().split_once(':').unwrap();
        streams.push(match kind {
            "party" => (0, of_hex(id), size, of_hex(root)),
            _ => (2, report.vault.as_bytes().to_vec(), size, of_hex(root)),
        });
    }
    streams.sort();
    let policy: serde_json::Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("policy.json")).unwrap()).unwrap();
    let key = {
        use base64ct::{Base64, Encoding as _};
        Base64::decode_vec(policy["vault_key"].as_str().unwrap()).unwrap()
    };
    let mut expected = b"CVAS\x01\xa4\x00".to_vec();
    expected.extend(bytes(report.vault.as_bytes()));
    expected.extend([vec![1], bytes(&key)].concat());
    expected.extend([vec![2], of_head(report.log.size, report.log.root.as_bytes())].concat());
    expected.extend([vec![3], head(4, u64::try_from(streams.len()).unwrap())].concat());
    for (kind, id, size, root) in streams {
        expected
            .extend([vec![0xa2, 0, 0x82, kind, 0x81], bytes(&id), vec![1], of_head(size, &root)].concat());
    }
    let length = u64::try_from(expected.len()).unwrap().to_be_bytes();
    let sum = {
        use sha2::Digest as _;
        sha2::Sha256::digest([b"casevault/1 audit state\0".as_slice(), &length, &expected].concat())
    };
    expected.extend(sum);
    assert_eq!(state.unwrap().to_bytes(), expected);
}

#[test]
fn a_state_that_was_damaged_is_none() {
    let (_, state) = whole(export(&clinic()).path());
    let state = state.unwrap();
    let bytes = state.to_bytes();
    assert_eq!(State::from_bytes(&bytes).unwrap(), state);
    for index in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[index] ^= 1;
        assert!(State::from_bytes(&wrong).is_err(), "{index}");
        assert!(State::from_bytes(&bytes[..index]).is_err(), "{index}");
    }
    assert!(State::from_bytes(&[bytes, vec![0]].concat()).is_err());
}

/// A receipt for each event of each stream, as the vault signs them; for every third it tells no head.
fn receipts(forged: &mut Forged, streams: &[Principal]) -> Vec<Signed<Receipt>> {
    let mut receipts = Vec::new();
    for (owner, lines) in forged.streams().iter().filter(|(owner, _)| streams.contains(owner)) {
        let mut frontier = Frontier::new();
        for (seq, line) in (0u64..).zip(lines) {
            let event = Forged::written(&line.event);
            let step = event.claimed_step().unwrap();
            frontier.append(StreamEntry { seq, received: line.received, event: event.digest() }.hash());
            let receipt = Receipt {
                vault: step.vault,
                op_id: step.op_id,
                events: vec![event.digest()],
                received: line.received,
                promised_by: line.received,
                stream: Some(frontier.head()).filter(|_| seq % 3 > 0),
            };
            assert!(matches!(owner, Principal::Party(_)));
            receipts.push(Signed::sign(&receipt, &Forged::signer()));
        }
    }
    receipts
}

#[test]
fn what_a_receipt_promised_and_no_stream_holds_is_found_by_two_verifiers() {
    let python = python("what_a_receipt_promised_and_no_stream_holds_is_found_by_two_verifiers");
    let world = clinic();
    let mut forged = Forged::of(&world);
    let parties = [ALICE, BOB].map(|seed| Principal::Party(crate::world::keyring(seed).party()));
    let receipts = receipts(&mut forged, &parties);
    let asked = Cell::new(0);
    let found = |forged: &Forged, receipts: &[Signed<Receipt>]| -> Vec<Finding> {
        let (directory, ..) = forged.write_after(&[]);
        let basis = Basis { receipts, ..Basis::default() };
        let report = audit::verify_from(directory.path(), &basis).unwrap().0;
        asked.set(report.receipts);
        if let Some(python) = &python {
            both_with(python, directory.path(), (None, receipts));
        }
        report.findings
    };
    assert_eq!(found(&forged, &receipts), []);
    assert_eq!(asked.get(), u64::try_from(receipts.len()).unwrap());
    // The newest of Alice's is left out, and all is signed again.
    let mut without = forged.clone();
    let count = without.of_party(ALICE).len();
    without.of_party(ALICE).pop();
    let of_alice = receipts.iter().take(usize::MAX);
    let last = {
        let digest = Forged::written(&forged.of_party(ALICE)[count - 1].event).digest();
        let key = Forged::signer().verifying_key();
        of_alice.clone().position(|receipt| receipt.verify(&key).unwrap().events == [digest]).unwrap()
    };
    let omitted = |findings: &[Finding]| -> Vec<u64> {
        let omitted = findings.iter().filter(|found| found.fault == Fault::Omitted);
        omitted.map(|found| found.seq).collect()
    };
    let findings = found(&without, &receipts);
    assert_eq!(omitted(&findings), [u64::try_from(last).unwrap()]);
    assert_eq!((findings.len(), findings[0].index, findings[0].stream.as_str()), (1, 0, "receipt"));
    // Another time was told for it: it stands there, but not under the head that was promised.
    let key = Forged::signer().verifying_key();
    let mut another = forged.clone();
    let line = another.of_party(ALICE).last_mut().unwrap();
    line.received = line.received.plus(Duration::from_millis(1));
    let promised = receipts[last].verify(&key).unwrap();
    let told = Receipt { stream: Some(promised.stream.unwrap_or_default()), ..promised.clone() };
    let untold = Receipt { stream: None, ..promised.clone() };
    let [told, untold] = [told, untold].map(|receipt| Signed::sign(&receipt, &Forged::signer()));
    assert_eq!(omitted(&found(&another, &[untold, told])), [1]);
    // What is promised for later is not due; nor what was being taken up when the last epoch was made.
    let later = Receipt { promised_by: Timestamp::MAX, ..promised.clone() };
    assert_eq!(found(&without, &[Signed::sign(&later, &Forged::signer())]), []);
    assert_eq!(asked.get(), 0);
    // No promise for nothing; and one event here, the other nowhere.
    let both = vec![promised.events[0], Digest::from_bytes([1; 32])];
    let half = Receipt { events: both, stream: None, ..promised };
    assert_eq!(omitted(&found(&forged, &[Signed::sign(&half, &Forged::signer())])), [0]);
}

#[test]
fn a_receipt_that_another_signed_is_no_evidence() {
    let world = clinic();
    let mut forged = Forged::of(&world);
    let parties = [Principal::Party(crate::world::keyring(ALICE).party())];
    let good = receipts(&mut forged, &parties).swap_remove(0);
    let receipt = good.verify(&Forged::signer().verifying_key()).unwrap();
    let forged_receipt = Signed::sign(&receipt, crate::world::keyring(ALICE).signer());
    let (directory, ..) = forged.write_after(&[]);
    let receipts = [good, forged_receipt];
    let basis = Basis { receipts: &receipts, ..Basis::default() };
    assert!(matches!(audit::verify_from(directory.path(), &basis), Err(AuditError::Receipt(1))));
    let Some(python) = python("a_receipt_that_another_signed_is_no_evidence") else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), codec::encode(&receipts[1])).unwrap();
    let words = [directory.path().to_str().unwrap(), "--receipt", file.path().to_str().unwrap()];
    let output = run(&python, &words);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("receipt 0 is not signed by this vault"));
}

#[test]
fn the_receipts_that_sessions_hand_out_are_borne_out_by_the_streams() {
    let world = World::new();
    let (alice, bob) = (world.patient(ALICE, "Alice"), world.doctor(BOB, "Bob"));
    let mut receipts = Vec::new();
    let mut keep = |receipt: Option<Vec<u8>>| {
        receipts.push(codec::decode::<Signed<Receipt>>(&receipt.unwrap()).unwrap());
    };
    let case = alice.open_case("a rash").unwrap();
    keep(alice.last_receipt());
    alice.write(&case, Kind::Note, "it itches").unwrap();
    keep(alice.last_receipt());
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    keep(alice.last_receipt());
    bob.open(&bob.cases().unwrap()[0]).unwrap();
    keep(bob.last_receipt());
    let key = world.vault.trust().vault_key;
    let acts: BTreeSet<OpId> = receipts.iter().map(|receipt| receipt.verify(&key).unwrap().op_id).collect();
    assert_eq!(acts.len(), 4, "each is of an act of its own");
    let found = |due| {
        let directory = export(&world);
        let basis = Basis { receipts: &receipts, ..Basis::default() };
        let report = audit::verify_from(directory.path(), &basis).unwrap().0;
        assert_eq!((report.findings.as_slice(), report.receipts), ([].as_slice(), due));
    };
    found(0);
    world.clock.advance(days(1));
    alice.write(&case, Kind::Note, "better").unwrap();
    found(4);
}
