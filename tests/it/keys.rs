//! Keys: what they open, and all they do not. Tests are named for the lines of the attack list.

use casevault::{
    codec,
    consent::{Grant, Reader, Terms},
    credential::AttestationStatement,
    crypto::{Label, Random, Secret, Signed, passphrase::Passphrase},
    event::{Event, Principal, Receipt, SignedEvent, Verb},
    folder::{BackLinks, Clearance, Epoch, EpochOf, FolderKey},
    id::{FolderId, OpId, RecordId, VaultId},
    party::{Card, CardStatement, KeyFile, KeyFileError, Keyring, Role},
    record::{Content, Context, FolderSalt, Kind, Leaf, Sealing, open, seal},
    time::Timestamp,
};
use proptest::prelude::*;

fn random(seed: u8) -> Random {
    Random::seeded([seed; 32])
}

fn place(epoch: u32) -> EpochOf {
    let (vault, folder) = (VaultId::from_bytes([1; 16]), FolderId::from_bytes([2; 32]));
    EpochOf { vault, folder, epoch: Epoch::from_number(epoch) }
}

fn salt() -> FolderSalt {
    FolderSalt::derive(&Secret::from_bytes([5; 32]), place(1))
}

fn context(clearance: Clearance) -> Context {
    let EpochOf { vault, folder, epoch } = place(1);
    Context {
        vault,
        folder,
        epoch,
        record: RecordId::from_bytes([3; 16]),
        version: 1,
        kind: Kind::Note,
        clearance,
    }
}

fn sealed(key: &FolderKey, bytes: Vec<u8>) -> Sealing {
    let content = Content::from_bytes("text/plain", bytes).unwrap();
    seal((key, &salt()), context(Clearance::Restricted), OpId::from_bytes([4; 16]), &content, &mut random(6))
        .unwrap()
}

fn opens(key: &FolderKey, leaf: &Leaf, sealing: &Sealing) -> Option<Vec<u8>> {
    open(key, &salt(), leaf, &sealing.sealed, &sealing.chunks).ok().map(Content::into_bytes)
}

fn card(seed: u8, role: Role) -> (Keyring, Card) {
    let keyring = Keyring::from_seed(Secret::from_bytes([seed; 32]));
    let card = keyring.card(role);
    (keyring, card)
}

#[test]
fn a1_a_record_opens_under_the_key_it_commits_to_and_no_other() {
    let key = FolderKey::generate(place(1), &mut random(1));
    let other = FolderKey::generate(place(1), &mut random(2));
    let sealing = sealed(&key, b"words".to_vec());
    assert_eq!(opens(&key, &sealing.leaf, &sealing), Some(b"words".to_vec()));
    assert_eq!(opens(&other, &sealing.leaf, &sealing), None);
    // The other key's commitment beside this key's ciphertext, and the reverse: a leaf that names them helps neither.
    let theirs = sealed(&other, b"words".to_vec());
    for (index, _) in sealing.sealed.iter().enumerate() {
        let mut mixed = sealing.clone();
        mixed.sealed[index] = theirs.sealed[index];
        mixed.leaf.sealed = casevault::record::SealedRecord::digest_of(&mixed.sealed);
        if mixed.sealed != sealing.sealed {
            assert_eq!(opens(&key, &mixed.leaf, &mixed), None, "byte {index}");
        }
        assert_eq!(opens(&other, &mixed.leaf, &mixed), None, "byte {index}");
    }
}

#[test]
fn a2_a_wrapped_key_other_than_the_committed_one_is_refused() {
    let key = FolderKey::generate(place(1), &mut random(1));
    let other = FolderKey::generate(place(1), &mut random(2));
    let (doctor, card) = card(7, Role::Doctor);
    let reader = Reader { card: &card, attested: None, because: None };
    let commitments = key.commitments().unwrap();
    let honest = Grant::seal(&key, reader, Terms::treatment(), &mut random(3)).unwrap();
    assert!(honest.open(doctor.opening_key(), &commitments).is_ok());
    let false_one = Grant::seal(&other, reader, Terms::treatment(), &mut random(3)).unwrap();
    assert!(false_one.open(doctor.opening_key(), &other.commitments().unwrap()).is_ok());
    assert!(false_one.open(doctor.opening_key(), &commitments).is_err());
}

#[test]
fn a3_a_record_moved_or_relabelled_does_not_open() {
    let key = FolderKey::generate(place(1), &mut random(1));
    let sealing = sealed(&key, b"words".to_vec());
    let leaf = sealing.leaf;
    let check = |changed: Leaf, what: &str| {
        assert_ne!(changed, leaf, "{what}");
        assert_eq!(opens(&key, &changed, &sealing), None, "{what}");
    };
    check(Leaf { record: RecordId::from_bytes([9; 16]), ..leaf }, "record");
    check(Leaf { version: 2, ..leaf }, "version");
    check(Leaf { kind: Kind::Prescription, ..leaf }, "kind");
    check(Leaf { clearance: Clearance::Normal, ..leaf }, "clearance down");
    check(Leaf { clearance: Clearance::VeryRestricted, ..leaf }, "clearance up");
    check(Leaf { epoch: Epoch::from_number(2), ..leaf }, "epoch");
    check(Leaf { content: leaf.sealed, ..leaf }, "content digest");
    for elsewhere in [
        EpochOf { vault: VaultId::from_bytes([8; 16]), ..place(1) },
        EpochOf { folder: FolderId::from_bytes([8; 32]), ..place(1) },
        place(2),
    ] {
        let (doctor, card) = card(7, Role::Doctor);
        let moved = FolderKey::generate(elsewhere, &mut random(1));
        assert!(opens(&moved, &leaf, &sealing).is_none());
        // The same secret, granted as another place's.
        let reader = Reader { card: &card, attested: None, because: None };
        let grant = Grant::seal(&key, reader, Terms::treatment(), &mut random(3)).unwrap();
        assert!(grant.open(doctor.opening_key(), &moved.commitments().unwrap()).is_err());
    }
    let wrong_salt = FolderSalt::derive(&Secret::from_bytes([5; 32]), place(2));
    assert!(open(&key, &wrong_salt, &leaf, &sealing.sealed, &sealing.chunks).is_err());
}

#[test]
fn a4_a_statement_of_one_kind_is_none_of_another() {
    let (keyring, card) = card(7, Role::Doctor);
    let vault = VaultId::from_bytes([1; 16]);
    let actor = Principal::Party(card.party());
    let event =
        Event::new((vault, OpId::from_bytes([2; 16])), actor, Verb::Open, Timestamp::at_ms(1), [3; 16]);
    let signed = SignedEvent::sign(&event, keyring.signer());
    assert!(signed.verify(card.verifying_key()).is_ok());
    // A receipt has the shape of every signed statement; its signature is for a receipt alone.
    let receipt = Receipt {
        vault,
        op_id: event.op_id,
        events: vec![signed.digest()],
        received: event.moment.at,
        promised_by: event.moment.at,
        stream: None,
    };
    let bytes = codec::encode(&Signed::sign(&receipt, keyring.signer()));
    let as_card: Signed<CardStatement> = codec::decode(&bytes).unwrap();
    assert!(as_card.verify(card.verifying_key()).is_err());
    let as_attestation: Signed<AttestationStatement> = codec::decode(&bytes).unwrap();
    assert!(as_attestation.verify(card.verifying_key()).is_err());
    // The same bytes under another label: refused by the label alone.
    let statement = codec::encode(&event.step);
    for label in Label::ALL.iter().filter(|label| **label != Label::Event) {
        let signature = keyring.signer().sign(*label, &statement);
        assert!(card.verifying_key().verify(Label::Event, &statement, &signature).is_err(), "{label:?}");
    }
}

#[test]
fn a7_a_key_file_holds_the_seed_and_nothing_public() {
    let (keyring, card) = card(7, Role::Patient);
    let passphrase = Passphrase::new("correct horse");
    let file = KeyFile::lock_with(&keyring, &passphrase, &mut random(1)).unwrap();
    let bytes = file.to_bytes();
    assert!(bytes.len() < 300, "{} bytes have no room for a public key of 1216", bytes.len());
    let opened = KeyFile::from_bytes(&bytes).unwrap().open(&passphrase).unwrap();
    assert_eq!(opened.card(Role::Patient), card);
    // And nobody shows another key under this party's id.
    let mallory = Keyring::from_seed(Secret::from_bytes([66; 32])).card(Role::Patient);
    assert_ne!(mallory.party(), card.party());
    assert_eq!(Card::party_of(card.verifying_key()), card.party());
}

#[test]
fn a8_weak_and_absurd_key_files_are_refused_before_anything_is_computed() {
    let (keyring, _) = card(7, Role::Patient);
    let bytes =
        KeyFile::lock_with(&keyring, &Passphrase::new("correct horse"), &mut random(1)).unwrap().to_bytes();
    // { 0: suite, 1: { 0: memory, 1: passes, 2: lanes, 3: salt }, … } after magic and version.
    let memory = [0x19, 0x4c, 0x00];
    let at = bytes.windows(3).position(|window| window == memory).unwrap();
    let with = |memory: &[u8], passes: u8, lanes: u8| {
        let mut changed = bytes[..at].to_vec();
        changed.extend_from_slice(memory);
        changed.extend([1, passes, 2, lanes]);
        changed.extend_from_slice(&bytes[at + 7..]);
        changed
    };
    assert_eq!(with(&memory, 2, 1), bytes);
    let check = |bytes: Vec<u8>, expected| assert_eq!(KeyFile::from_bytes(&bytes).unwrap_err(), expected);
    check(with(&memory, 1, 1), KeyFileError::Parameters);
    check(with(&[0x19, 0x20, 0x00], 2, 1), KeyFileError::Parameters);
    check(with(&[0x1a, 0x00, 0x40, 0x00, 0x00], 2, 1), KeyFileError::Parameters);
    check(with(&memory, 17, 1), KeyFileError::Parameters);
    check(with(&memory, 2, 9), KeyFileError::Parameters);
    let mut other_suite = bytes.clone();
    other_suite[7] = 2;
    check(other_suite, KeyFileError::Malformed);
    let mut other_version = bytes.clone();
    other_version[4] = 2;
    check(other_version, KeyFileError::Malformed);
    check(bytes[..bytes.len() - 1].to_vec(), KeyFileError::Malformed);
    let empty = KeyFile::lock_with(&keyring, &Passphrase::new(""), &mut random(1)).unwrap_err();
    assert_eq!(empty, KeyFileError::Empty);
}

#[test]
fn a_changed_passphrase_opens_and_the_old_one_does_not() {
    let (keyring, card) = card(7, Role::Patient);
    let (old, new) = (Passphrase::new("correct horse"), Passphrase::new("battery staple"));
    let file = KeyFile::lock_with(&keyring, &old, &mut random(1)).unwrap();
    let changed = file.change_passphrase_with(&old, &new, &mut random(2)).unwrap();
    assert_eq!(changed.open(&new).unwrap().card(Role::Patient), card);
    assert_eq!(changed.open(&old).unwrap_err(), KeyFileError::WrongPassphrase);
    assert_eq!(
        file.change_passphrase_with(&new, &old, &mut random(3)).unwrap_err(),
        KeyFileError::WrongPassphrase
    );
}

#[test]
fn a11_a_grant_with_any_byte_changed_does_not_open() {
    let key = FolderKey::generate(place(1), &mut random(1));
    let (doctor, card) = card(7, Role::Doctor);
    let reader =
        Reader { card: &card, attested: Some(card.digest()), because: Some(FolderId::from_bytes([9; 32])) };
    let grant = Grant::seal(&key, reader, Terms::treatment(), &mut random(3)).unwrap();
    let commitments = key.commitments().unwrap();
    let bytes = codec::encode(&grant);
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        let Ok(changed) = codec::decode::<Grant>(&changed) else { continue };
        // Either the wrap is not the statement's, or the key does not open, or it is not what the granter signed.
        let opens = changed.open(doctor.opening_key(), &commitments).is_ok();
        assert!(!opens || changed.statement.digest() != grant.statement.digest(), "byte {index}");
    }
    for terms in [
        grant.statement.terms.until(Timestamp::MAX),
        grant.statement.terms.cleared_for(Clearance::VeryRestricted),
        grant.statement.terms.reading(),
        Terms::opinion(),
    ] {
        let mut edited = grant.clone();
        edited.statement.terms = terms;
        assert!(edited.open(doctor.opening_key(), &commitments).is_err());
    }
}

#[test]
fn a12_a_lower_clearance_leads_to_no_higher_one() {
    let key = FolderKey::generate(place(1), &mut random(1));
    for (from, up) in [
        (Clearance::Normal, Clearance::Restricted),
        (Clearance::Normal, Clearance::VeryRestricted),
        (Clearance::Restricted, Clearance::VeryRestricted),
    ] {
        assert!(key.lowered_to(from).unwrap().lowered_to(up).is_err());
    }
    let sealing = sealed(&key, b"restricted".to_vec());
    assert!(opens(&key.lowered_to(Clearance::Restricted).unwrap(), &sealing.leaf, &sealing).is_some());
    assert!(opens(&key.lowered_to(Clearance::Normal).unwrap(), &sealing.leaf, &sealing).is_none());
    assert!(
        Grant::seal(
            &key.lowered_to(Clearance::Normal).unwrap(),
            Reader { card: &card(7, Role::Doctor).1, attested: None, because: None },
            Terms::treatment().cleared_for(Clearance::Restricted),
            &mut random(2)
        )
        .is_err()
    );
}

#[test]
fn a13_chunks_cut_dropped_repeated_or_swapped_do_not_open() {
    let key = FolderKey::generate(place(1), &mut random(1));
    let whole: Vec<u8> = (0..200_000u32).map(|number| number.to_be_bytes()[3]).collect();
    let sealing = sealed(&key, whole.clone());
    assert_eq!(sealing.chunks.len(), 5);
    assert_eq!(opens(&key, &sealing.leaf, &sealing), Some(whole.clone()));
    let other = sealed(&FolderKey::generate(place(1), &mut random(9)), whole);
    let check = |change: &dyn Fn(&mut Sealing), what: &str| {
        let mut changed = sealing.clone();
        change(&mut changed);
        assert_eq!(opens(&key, &sealing.leaf, &changed), None, "{what}");
    };
    check(&|sealing| drop(sealing.chunks.pop()), "last dropped");
    check(&|sealing| drop(sealing.chunks.remove(0)), "first dropped");
    check(&|sealing| sealing.chunks.clear(), "all dropped");
    check(&|sealing| sealing.chunks.swap(0, 1), "swapped");
    check(&|sealing| sealing.chunks.push(sealing.chunks[0].clone()), "one repeated");
    check(&|sealing| sealing.chunks[1] = sealing.chunks[0].clone(), "one in another's place");
    check(&|sealing| sealing.chunks[4] = other.chunks[4].clone(), "another file's");
    check(&|sealing| sealing.chunks[2][100] ^= 1, "a bit flipped");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn contents_of_any_size_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..1000), large in 0usize..120_000) {
        let key = FolderKey::generate(place(1), &mut random(1));
        for content in [bytes.clone(), vec![7; large]] {
            let sealing = sealed(&key, content.clone());
            prop_assert_eq!(opens(&key, &sealing.leaf, &sealing), Some(content));
        }
    }

    #[test]
    fn from_any_epoch_back_links_lead_to_all_earlier_keys_of_the_clearance(epochs in 2u32..8, seed in any::<u8>()) {
        let mut random = random(seed);
        let keys: Vec<FolderKey> = (1..=epochs).map(|epoch| FolderKey::generate(place(epoch), &mut random)).collect();
        let links: Vec<BackLinks> = keys.windows(2).map(|pair| BackLinks::seal(&pair[1], &pair[0]).unwrap()).collect();
        for clearance in Clearance::ALL {
            for start in 1..keys.len() {
                let mut newest = keys[start].lowered_to(*clearance).unwrap();
                for index in (0..start).rev() {
                    let number = u32::try_from(index).unwrap() + 1;
                    let older = links[index].open(&newest, place(number), &keys[index].commitments().unwrap()).unwrap();
                    prop_assert!(older.secret().same(keys[index].lowered_to(*clearance).unwrap().secret()));
                    // Never forwards, never across.
                    prop_assert!(links[index].open(&older, place(number), &keys[index].commitments().unwrap()).is_err());
                    newest = older;
                }
            }
        }
    }

    #[test]
    fn the_chain_of_clearances_is_one_way_and_the_same_by_every_path(seed in any::<u8>()) {
        let top = FolderKey::generate(place(1), &mut random(seed));
        let direct = top.lowered_to(Clearance::Normal).unwrap();
        let stepped = top.lowered_to(Clearance::Restricted).unwrap().lowered_to(Clearance::Normal).unwrap();
        prop_assert!(direct.secret().same(stepped.secret()));
        prop_assert!(!direct.secret().same(top.secret()));
    }
}
