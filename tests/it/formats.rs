//! Formats: one value has one encoding, and version 1 stays what it was.

use std::{collections::BTreeSet, fs, path::Path};

use casevault::{
    access::{Charter, CharterStatement, Policy},
    codec::{self, Malformed, Wire},
    consent::{Grant, Reader, Terms},
    credential::{
        AttestationStatement, Category, CheckList, Checked, Coding, Experience, Listing, ListingStatement,
        PersonId, Petition, RegistryKey, RegistryStatement, Report, Reveal, RulingStatement, Severity,
        Verdict,
    },
    crypto::{Label, Random, Secret, Signed, passphrase::Passphrase},
    custodian::{
        Answer, Enclosure, ExportFile, ExportPlace, Part, PublicPlace, PublicQuery, PublicQuestion,
        Publication, Query, Question, Request, Response, Sender, Submission,
    },
    event::{Event, Principal, Receipt, SignedEvent, Step, StreamEntry, StreamHead, Streamed, Verb},
    folder::{BackLinks, Clearance, Epoch, EpochOf, FolderKey},
    id::{BatchId, Digest, FolderId, OpId, PartyId, PublicId, RecordId, RulingId, VaultId},
    letter::Letter,
    merkle::{Frontier, Head},
    party::{Card, KeyFile, Keyring, Role},
    public::{
        Abstract, Amount, Batch, BatchFacts, Class, Code, Icd3, Journal, LeftOut, Outcome, PublicPolicy,
        PublicRow, PublicValue, Reached, Said, Sharing, Use, Value, WeekBand,
    },
    record::{Content, Context, FolderSalt, Kind, Leaf, open, seal},
    session::Memory,
    time::Timestamp,
};
use proptest::prelude::*;

use crate::ward;

const VAULT: VaultId = VaultId::from_bytes([1; 16]);
const AT: Timestamp = Timestamp::at_ms(1_790_000_000_000);

fn random() -> Random {
    Random::seeded([42; 32])
}

fn keyring() -> Keyring {
    Keyring::from_seed(Secret::from_bytes([7; 32]))
}

fn place(epoch: u32) -> EpochOf {
    EpochOf { vault: VAULT, folder: FolderId::from_bytes([2; 32]), epoch: Epoch::from_number(epoch) }
}

fn key(epoch: u32) -> FolderKey {
    FolderKey::generate(place(epoch), &mut Random::seeded([u8::try_from(epoch).unwrap(); 32]))
}

fn salt() -> FolderSalt {
    FolderSalt::derive(&Secret::from_bytes([5; 32]), place(1))
}

fn event() -> Event {
    let party = Principal::Party(keyring().party());
    let event = Event::new((VAULT, OpId::from_bytes([3; 16])), party, Verb::Write, AT, [4; 16]);
    let head = Some(Head::default());
    let (folder, epoch) = (Some(place(1).folder), Some(Epoch::FIRST));
    event.with(|step| Step { folder, epoch, before: head, after: head, ..step })
}

/// An auditor takes an export.
fn export() -> Event {
    let (party, root) = (Principal::Party(keyring().party()), Some(Digest::from_bytes([9; 32])));
    let event = Event::new((VAULT, OpId::from_bytes([3; 16])), party, Verb::Export, AT, [4; 16]);
    event.with(|step| Step { owner: Principal::Vault(VAULT), subject: root, ..step })
}

/// A question for a page of it.
fn export_query() -> Query {
    let place = ExportPlace { bucket: 1, stream: 2, within: 3 };
    let question = Question::Export(Digest::from_bytes([9; 32]), ExportFile::Events, place);
    Query { vault: VAULT, asker: keyring().party(), question, at: AT, nonce: [1; 16] }
}

fn grant() -> Grant {
    let card = keyring().card(Role::Doctor);
    let reader = Reader { card: &card, attested: Some(card.digest()), because: None };
    Grant::seal(&key(1), reader, Terms::treatment().from(AT).until(Timestamp::MAX), &mut random()).unwrap()
}

fn sealed(length: usize) -> casevault::record::Sealing {
    let EpochOf { vault, folder, epoch } = place(1);
    let record = RecordId::from_bytes([6; 16]);
    let clearance = Clearance::Normal;
    let context = Context { vault, folder, epoch, record, version: 1, kind: Kind::Note, clearance };
    let content = Content::from_bytes("text/plain", vec![b'x'; length]).unwrap();
    seal((&key(1), &salt()), context, OpId::from_bytes([3; 16]), &content, &mut random()).unwrap()
}

fn attestation() -> AttestationStatement {
    let card = keyring().card(Role::Doctor);
    AttestationStatement {
        vault: VAULT,
        subject: card.party(),
        card: card.digest(),
        role: Role::Doctor,
        specialty: "cardiology".to_owned(),
        jurisdiction: "XX".to_owned(),
        evidence: None,
        registrar: PartyId::from_bytes([8; 32]),
        from: AT,
        until: Timestamp::MAX,
        at: None,
        specialties: Vec::new(),
        persons: Vec::new(),
        succeeds: None,
    }
}

/// An attestation that says all that one can.
fn full_attestation() -> AttestationStatement {
    AttestationStatement {
        at: Some(AT),
        evidence: Some(checks().digest()),
        specialties: vec![Coding::snomed("394579002", "Cardiology"), Coding::text("sports medicine")],
        persons: vec![Digest::from_bytes([1; 32])],
        succeeds: Some(PartyId::from_bytes([2; 32])),
        ..attestation()
    }
}

fn checks() -> CheckList {
    CheckList::new(AT, [6; 32]).passed(Checked::Licence, Some(b"4711"), "seen").failed(
        Checked::Register,
        None,
        "",
    )
}

fn policy() -> Policy {
    Policy::trusting([&keyring().card(Role::Registrar)]).open_cases_max(3).one_card_a_person()
}

fn public_policy() -> Policy {
    policy().curated(Digest::from_bytes([4; 32]), &keyring().card(Role::Curator))
}

fn sharing() -> Sharing {
    let case = Abstract {
        policy: Digest::from_bytes([4; 32]),
        class: Class { grid: 0, bins: vec![3, 1, 300] },
        diagnosis: Icd3::parse("J45").unwrap(),
        values: BTreeSet::from([Value::Drug(435), Value::Result(7, 2)]),
        outcome: Outcome::Resolved,
        weeks: BTreeSet::from([WeekBand(0), WeekBand(2)]),
        left_out: LeftOut { texts: Amount::Few, pictures: Amount::None, voice: Amount::Many },
    };
    let uses = BTreeSet::from([Use::CareResearch, Use::Education]);
    Sharing { case, uses, until: Timestamp::MAX, salt: [6; 16] }
}

fn publication() -> Publication {
    let (id, class) = (BatchId::from_bytes([2; 16]), Class { grid: 1, bins: vec![4] });
    let said = Said {
        diagnosis: Code::Chapter(10),
        values: BTreeSet::from([PublicValue::Drug(435)]),
        outcome: Outcome::Unknown,
        weeks: BTreeSet::new(),
        left_out: None,
    };
    let row = PublicRow { id: PublicId::from_bytes([1; 16]), batch: id, class: class.clone(), said };
    let (policy, reached) = (Digest::from_bytes([4; 32]), Reached { k: 1, l: 1, largest: 1, t: 3 });
    let facts = BatchFacts { id, class, policy, epoch: 1, follows: None, reached };
    let hidden = vec![BatchId::from_bytes([3; 16])];
    Publication { rows: vec![row], batches: vec![facts], hidden, journal: vec![9; 40].into(), departed: 2 }
}

fn charter() -> Charter {
    let keyring = keyring();
    let previous = Policy::trusting([&keyring.card(Role::Registrar)]).digest();
    let statement = CharterStatement { vault: VAULT, version: 1, previous, policy: policy() };
    Charter::sign(&statement, (keyring.party(), keyring.signer()))
}

fn registry() -> (RegistryKey, Signed<RegistryStatement>) {
    let keyring = keyring();
    let cards = [keyring.card(Role::Registrar)];
    let maker = (keyring.party(), keyring.signer());
    RegistryKey::make(None, (VAULT, &cards, AT), maker, &mut random()).unwrap()
}

fn petition() -> Petition {
    let reported = Principal::Party(PartyId::from_bytes([9; 32]));
    let (category, severity) = (Category::Abuse, Severity::Serious);
    Petition::Report(Report { reported, category, severity, text: "what was said".to_owned() })
}

fn letter() -> Letter {
    let about: (Label, &[&[u8]]) = (Label::Petition, &[b"vault", b"party"]);
    Letter::seal(keyring().opening_key().sealing_key(), about, &codec::encode(&petition()), &mut random())
        .unwrap()
}

fn listing() -> ListingStatement {
    let listing =
        Listing::new("Dr. Sparrow").language("en").region("GB-SCT").experience(Experience::UnderFive);
    let listing = listing.reveals(Reveal::NameOnly).accepting(false);
    ListingStatement { vault: VAULT, party: keyring().party(), listing, at: AT }
}

fn ruling() -> RulingStatement {
    RulingStatement {
        vault: VAULT,
        ruling: RulingId::from_bytes([3; 16]),
        subject: Principal::Party(PartyId::from_bytes([9; 32])),
        verdict: Verdict::Strike { category: Category::Waste, weight: 2, from: AT, until: Timestamp::MAX },
        registrar: keyring().party(),
        at: AT,
    }
}

fn receipt() -> Receipt {
    let events = vec![Digest::from_bytes([9; 32])];
    let stream = Some(Head::default());
    Receipt { vault: VAULT, op_id: OpId::from_bytes([3; 16]), events, received: AT, promised_by: AT, stream }
}

fn anonymised() -> Abstract {
    let category = |text: &str| Icd3::parse(text).unwrap();
    Abstract {
        policy: Digest::from_bytes([8; 32]),
        class: Class { grid: 1, bins: vec![2, 0, 9, 1, 0] },
        diagnosis: category("J45"),
        values: [
            Value::Diagnosis(category("I10")),
            Value::Drug(6809),
            Value::Result(0, 2),
            Value::Procedure(73_761_001),
        ]
        .into(),
        outcome: Outcome::Ongoing,
        weeks: [WeekBand(0), WeekBand(3)].into(),
        left_out: LeftOut { texts: Amount::Many, pictures: Amount::None, voice: Amount::Few },
    }
}

/// Every format of version 1, made from seeds.
fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let keyring = keyring();
    let signer = keyring.signer();
    let file = KeyFile::lock_with(&keyring, &Passphrase::new("correct horse"), &mut random()).unwrap();
    let mut frontier = Frontier::new();
    (0u8..5).for_each(|leaf| frontier.append(casevault::merkle::leaf_hash(&[leaf])));
    let streamed = Streamed { received: AT, event: SignedEvent::sign(&event(), signer) };
    let large = sealed(100_000);
    let chunks: Vec<u8> = large.chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect();
    let query =
        Query { vault: VAULT, asker: keyring.party(), question: Question::MyFolders, at: AT, nonce: [1; 16] };
    let head = StreamHead { vault: VAULT, owner: Principal::Vault(VAULT), head: frontier.head(), at: AT };
    vec![
        ("abstract", codec::encode(&anonymised())),
        ("attestation", codec::encode(&Signed::sign(&attestation(), signer))),
        ("attestation-full", codec::encode(&Signed::sign(&full_attestation(), signer))),
        ("back-links", codec::encode(&BackLinks::seal(&key(2), &key(1)).unwrap())),
        ("card", codec::encode(&keyring.card(Role::Patient))),
        ("charter", codec::encode(&charter())),
        ("check-list", codec::encode(&checks())),
        ("chunks-digest", casevault::record::SealedRecord::digest_of(&chunks).as_bytes().to_vec()),
        ("commitments", codec::encode(&key(1).commitments().unwrap())),
        ("dossier", registry().0.seal_dossier(&checks(), &mut random())),
        ("event", codec::encode(&SignedEvent::sign(&event(), signer))),
        ("event-digest", SignedEvent::sign(&event(), signer).digest().as_bytes().to_vec()),
        ("event-export", codec::encode(&SignedEvent::sign(&export(), signer))),
        ("event-redacted", codec::encode(&SignedEvent::sign(&event(), signer).redacted())),
        ("frontier", codec::encode(&frontier)),
        ("grant", codec::encode(&grant())),
        ("key-file", file.to_bytes()),
        ("leaf", codec::encode(&sealed(20).leaf)),
        ("leaf-hash", sealed(20).leaf.hash().as_bytes().to_vec()),
        ("letter", codec::encode(&letter())),
        ("listing", codec::encode(&Signed::sign(&listing(), signer))),
        ("memory", Memory::first_use().seal(&keyring, &mut random())),
        ("person-tag", person_tag().as_bytes().to_vec()),
        ("policy", codec::encode(&policy())),
        ("public-batch", codec::encode(&ward::journal().made.remove(0).batch)),
        ("public-journal", codec::encode(&ward::journal())),
        ("policy-public", codec::encode(&public_policy())),
        ("query", codec::encode(&Signed::sign(&query, signer))),
        ("query-export", codec::encode(&Signed::sign(&export_query(), signer))),
        ("receipt", codec::encode(&Signed::sign(&receipt(), signer))),
        ("registry", codec::encode(&registry().1)),
        ("ruling", codec::encode(&Signed::sign(&ruling(), signer))),
        ("release-note", publication().note().digest().as_bytes().to_vec()),
        ("sealed-record", sealed(20).sealed.to_vec()),
        ("sealed-record-large", large.sealed.to_vec()),
        ("sharing", sharing().to_bytes().unwrap()),
        ("stream-entry-hash", streamed.entry(3).hash().as_bytes().to_vec()),
        ("stream-head", codec::encode(&Signed::sign(&head, signer))),
    ]
}

fn person_tag() -> Digest {
    let person = PersonId::new("passport:GBR", "AB 123 456").unwrap();
    person.tag(&registry().0.tag_key().unwrap(), Role::Patient)
}

fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v1")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frozen(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(directory().join(name).with_extension("hex")).unwrap();
    let digits = text.trim().as_bytes();
    let digit = |symbol: u8| u8::try_from(char::from(symbol).to_digit(16).unwrap()).unwrap();
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn version_1_is_what_it_was() {
    for (name, bytes) in vectors() {
        assert_eq!(hex(&bytes), hex(&frozen(name)), "{name}");
    }
}

#[test]
fn what_version_1_wrote_still_opens() {
    let keyring = keyring();
    let file = KeyFile::from_bytes(&frozen("key-file")).unwrap();
    assert_eq!(file.open(&Passphrase::new("correct horse")).unwrap().party(), keyring.party());
    let card: Card = codec::decode(&frozen("card")).unwrap();
    assert_eq!(card.party(), keyring.party());
    let text = fs::read_to_string(directory().join("card.txt")).unwrap();
    assert_eq!((Card::from_text(&text).unwrap(), card.to_text()), (card.clone(), text));
    let signed: SignedEvent = codec::decode(&frozen("event")).unwrap();
    assert_eq!(signed.verify(card.verifying_key()).unwrap(), event());
    let redacted: SignedEvent = codec::decode(&frozen("event-redacted")).unwrap();
    assert_eq!(redacted.verify_step(card.verifying_key()).unwrap(), event().step);
    assert!(redacted.verify(card.verifying_key()).is_err() && redacted.digest() == signed.digest());
    let grant: Grant = codec::decode(&frozen("grant")).unwrap();
    let opened = grant.open(keyring.opening_key(), &key(1).commitments().unwrap()).unwrap();
    let leaf: Leaf = codec::decode(&frozen("leaf")).unwrap();
    let content = open(&opened, &salt(), &leaf, &frozen("sealed-record"), &[]).unwrap();
    assert_eq!(content.bytes(), [b'x'; 20]);
    let links: BackLinks = codec::decode(&frozen("back-links")).unwrap();
    let older = links.open(&key(2), place(1), &key(1).commitments().unwrap()).unwrap();
    assert!(older.secret().same(key(1).secret()));
    assert_eq!(Memory::open(&frozen("memory"), &keyring).unwrap(), Memory::first_use());
    let attested: Signed<AttestationStatement> = codec::decode(&frozen("attestation")).unwrap();
    assert_eq!(attested.verify(card.verifying_key()).unwrap(), attestation());
    let attested: Signed<AttestationStatement> = codec::decode(&frozen("attestation-full")).unwrap();
    assert_eq!(attested.verify(card.verifying_key()).unwrap(), full_attestation());
    let charter: Charter = codec::decode(&frozen("charter")).unwrap();
    assert_eq!(charter.claims().unwrap().policy, policy());
    let made: Signed<RegistryStatement> = codec::decode(&frozen("registry")).unwrap();
    let statement = made.verify(card.verifying_key()).unwrap();
    let key = RegistryKey::open(&statement, (&keyring, &keyring.card(Role::Registrar))).unwrap();
    assert_eq!(key.open_dossier(&frozen("dossier")).unwrap(), checks());
    let sealed: Letter = codec::decode(&frozen("letter")).unwrap();
    let about: (Label, &[&[u8]]) = (Label::Petition, &[b"vault", b"party"]);
    let said = sealed.open(keyring.opening_key(), about).unwrap();
    assert_eq!(codec::decode::<Petition>(&said).unwrap(), petition());
    let listed: Signed<ListingStatement> = codec::decode(&frozen("listing")).unwrap();
    assert_eq!(listed.verify(card.verifying_key()).unwrap(), listing());
    let ruled: Signed<RulingStatement> = codec::decode(&frozen("ruling")).unwrap();
    assert_eq!(ruled.verify(card.verifying_key()).unwrap(), ruling());
    assert_eq!(
        codec::decode::<Batch>(&frozen("public-batch")).unwrap(),
        ward::journal().made.remove(0).batch
    );
    assert_eq!(codec::decode::<Journal>(&frozen("public-journal")).unwrap(), ward::journal());
    assert_eq!(codec::decode::<Abstract>(&frozen("abstract")).unwrap(), anonymised());
}

/// Writes the vectors of a new version: `cargo test --test it write_the_vectors -- --ignored`. Those of an old version
/// are never written again.
#[test]
#[ignore = "writes files: run by hand when a format gets a new version"]
fn write_the_vectors() {
    fs::create_dir_all(directory()).unwrap();
    for (name, bytes) in vectors() {
        let path = directory().join(name).with_extension("hex");
        // What is frozen stays as it is.
        if !path.exists() {
            fs::write(path, hex(&bytes) + "\n").unwrap();
        }
    }
}

/// What must not decode, made from what does.
fn near_misses(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![[bytes, &[0]].concat(), bytes[..bytes.len() - 1].to_vec()];
    // A map or array of known length becomes one of indefinite length.
    let first = bytes[0];
    if (0xa0..0xb8).contains(&first) || (0x80..0x98).contains(&first) {
        let open = if first >= 0xa0 { 0xbf } else { 0x9f };
        all.push([&[open], &bytes[1..], &[0xff]].concat());
    }
    // One more entry, of a key nobody knows; and the first entry twice.
    if (0xa0..0xb7).contains(&first) {
        all.push([&[first + 1], &bytes[1..], &[0x17, 0x00]].concat());
        all.push([&[first + 1], &bytes[1..], &[0x18, 0x63, 0x00]].concat());
        all.push([&[first + 1, 0x00, 0x00], &bytes[1..]].concat());
        // The first key in the longer form of the same number.
        all.push([&[first, 0x18, bytes[1]], &bytes[2..]].concat());
    }
    all
}

fn check<T: Wire>(value: &T) {
    let bytes = codec::encode(value);
    assert_eq!(codec::encode(&codec::decode::<T>(&bytes).unwrap()), bytes, "{}", T::NAME);
    for near in near_misses(&bytes) {
        assert_eq!(codec::decode::<T>(&near).err(), Some(Malformed(T::NAME)), "{}: {near:02x?}", T::NAME);
    }
}

#[test]
fn one_value_has_one_encoding() {
    let keyring = keyring();
    check(&event().step);
    check(&event().moment);
    check(&SignedEvent::sign(&event(), keyring.signer()));
    check(&SignedEvent::sign(&event(), keyring.signer()).redacted());
    check(&Signed::sign(&receipt(), keyring.signer()));
    check(&export().step);
    check(&export_query());
    check(&Response::Answer(Answer::Export(vec![1; 8].into(), Some(ExportPlace::default()))));
    check(&Response::Answer(Answer::Checkpoint("a note".to_owned(), vec![Digest::from_bytes([1; 32])])));
    check(&keyring.card(Role::Doctor));
    check(&grant());
    check(&grant().statement);
    check(&grant().statement.terms);
    check(&sealed(20).leaf);
    check(&attestation());
    check(&full_attestation());
    check(&charter().claims().unwrap());
    check(&checks());
    check(&letter());
    check(&listing());
    check(&petition());
    check(&policy());
    check(&Policy::trusting([&keyring.card(Role::Registrar)]));
    check(&registry().1.claims().unwrap());
    check(&ruling());
    check(&receipt());
    check(&ward::journal());
    check(&ward::journal().made.remove(0).batch);
    check(&ward::journal().made.remove(0).batch.facts);
    check(&ward::journal().made.remove(0).batch.rows.remove(0));
    check(&anonymised());
    check(&PublicPolicy::shipped_small().unwrap());
    check(&PublicPolicy::shipped_default().unwrap());
    check(&Streamed { received: AT, event: SignedEvent::sign(&event(), keyring.signer()) });
    check(&StreamEntry { seq: 1, received: AT, event: Digest::from_bytes([1; 32]) });
    check(&BackLinks::seal(&key(2), &key(1)).unwrap());
    let part = Part { records: vec![sealed(20)], ..Part::of(SignedEvent::sign(&event(), keyring.signer())) };
    check(&Request::Submit(Submission {
        sender: Some(Sender { owner: keyring.party(), token: [5; 32] }),
        parts: vec![part],
    }));
    check(&Request::Hello);
    check(&public_policy());
    check(&sharing());
    check(&publication().rows[0]);
    check(&publication().batches[0]);
    let diagnosis = Some((Icd3::parse("J40").unwrap(), Icd3::parse("J47").unwrap()));
    let query = PublicQuery { grid: Some(0), bins: [(1, 2)].into(), diagnosis };
    let place = PublicPlace { ledger: Head::default(), batch: BatchId::from_bytes([2; 16]), row: None };
    check(&Request::Public(PublicQuestion::Rows(query, Some(place))));
    let release = Part {
        enclosure: Some(Enclosure::Release(publication())),
        ..Part::of(SignedEvent::sign(&event(), keyring.signer()))
    };
    check(&Request::Submit(Submission { sender: None, parts: vec![release] }));
}

#[test]
fn a_sharing_has_one_length_and_one_padding() {
    let bytes = sharing().to_bytes().unwrap();
    assert_eq!(bytes.len(), casevault::limits::SHARING_BYTES);
    assert_eq!(Sharing::from_bytes(&bytes).unwrap(), sharing());
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        Sharing::from_bytes(&bytes)
    };
    assert!(changed(4095, 1).is_err() && changed(0, 16).is_err() && changed(1, bytes[1] + 1).is_err());
    assert!(Sharing::from_bytes(&bytes[..4095]).is_err() && Sharing::from_bytes(&[]).is_err());
    assert!(Sharing { uses: BTreeSet::new(), ..sharing() }.to_bytes().is_err());
    let largest = Abstract {
        values: (0..64).map(|number| Value::Procedure(u64::MAX - number)).collect(),
        weeks: (0..16).map(WeekBand).collect(),
        ..sharing().case
    };
    assert!(Sharing { case: largest, ..sharing() }.to_bytes().is_ok(), "the largest abstract fits");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_a_value_or_malformed_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _event = codec::decode::<SignedEvent>(&bytes);
        let _request = codec::decode::<Request>(&bytes);
        let _response = codec::decode::<Response>(&bytes);
        let _card = codec::decode::<Card>(&bytes);
        let _batch = codec::decode::<Batch>(&bytes);
        let _journal = codec::decode::<Journal>(&bytes);
        let _grant = codec::decode::<Grant>(&bytes);
        let _file = KeyFile::from_bytes(&bytes);
        let _record = casevault::record::SealedRecord::from_bytes(&bytes);
        let _memory = Memory::open(&bytes, &keyring());
    }

    #[test]
    fn a_changed_message_is_another_message_or_none(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let part = Part { records: vec![sealed(20)], grants: vec![grant()], ..Part::of(SignedEvent::sign(&event(), keyring().signer())) };
        let bytes = codec::encode(&Request::Submit(Submission { sender: None, parts: vec![part] }));
        let mut changed = bytes.clone();
        changed[index.index(bytes.len())] ^= 1 << bit;
        if let Ok(request) = codec::decode::<Request>(&changed) {
            prop_assert_eq!(codec::encode(&request), changed);
        }
    }
}
