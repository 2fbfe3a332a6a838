//! The transparency log's texts: what the specifications print, what comes back, what is refused.

use casevault::{
    crypto::{Secret, Signer},
    id::Digest,
    log::{
        Checkpoint, CosignRequest, KeyName, LogProof, Note, NoteSigner, NoteVerifier, SignedCheckpoint,
        Unverified, Witness, WitnessPolicy, WitnessSigner, WitnessState,
    },
    merkle::{Head, leaf_hash, prove_consistency, prove_inclusion, root},
    time::Timestamp,
};
use proptest::prelude::*;

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&Secret::from_bytes([seed; 32]))
}

fn head(size: u64) -> Head {
    Head { size, root: leaf_hash(&size.to_be_bytes()) }
}

/// The example of C2SP signed-note. Its key is not published.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/// The example of C2SP tlog-checkpoint and tlog-cosignature. Its keys are not published.
const SOFA: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

/// The example request of C2SP tlog-witness. Its keys are not published.
const ASKED: &str = "old 20852014\n\
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n\
example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

/// The key and the note that the tests of Go's `sumdb/note` are built on.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PROBLEM: &str = "If you think cryptography is the answer to your problem,\n\
then you don't know what your problem is.\n\n\
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn published_notes_are_read_as_published() {
    let poem = Note::parse(POEM.as_bytes()).unwrap();
    assert!(poem.claims().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(
        (poem.signatures()[0].name(), poem.signatures()[0].id().to_string().as_str()),
        (&name("quasimodo.example/salvatore"), "367ba04b")
    );
    assert_eq!(poem.to_string(), POEM);

    let sofa = SignedCheckpoint::parse(SOFA.as_bytes()).unwrap();
    assert_eq!(
        (sofa.claims().origin.as_str(), sofa.claims().head.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(
        sofa.claims().head.root.to_hex(),
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    );
    assert_eq!(sofa.to_string(), SOFA);
}

#[test]
fn a_published_note_verifies_under_its_published_key() {
    let peter = NoteVerifier::parse(PETER).unwrap();
    assert_eq!(peter.to_string(), PETER);
    let note = Note::parse(PROBLEM.as_bytes()).unwrap();
    assert!(note.verify(&peter).unwrap().starts_with("If you think"));
    let other = Note::parse(PROBLEM.replace("think", "thank").as_bytes()).unwrap();
    assert!(matches!(other.verify(&peter), Err(Unverified::BadSignature(_))));
}

#[test]
fn a_verifier_key_has_one_spelling() {
    for start in 0..PETER.len() {
        assert!(NoteVerifier::parse(PETER.get(start + 1..).unwrap()).is_err());
        assert!(NoteVerifier::parse(PETER.get(..start).unwrap()).is_err());
        let mut bytes = PETER.as_bytes().to_vec();
        bytes[start] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        assert!(NoteVerifier::parse(&changed).is_err(), "{changed}");
    }
    // Another id, upper case, another type with the id that type would have, a longer key with the id it would have.
    for wrong in [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    ] {
        assert!(NoteVerifier::parse(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "a b", "a+b", "a\tb", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\0b", &"a".repeat(256)] {
        assert!(KeyName::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn near_misses_of_a_note_are_refused() {
    let line = PROBLEM.lines().last().unwrap();
    let wrong = |note: String| assert!(Note::parse(note.as_bytes()).is_err(), "{note:?}");
    wrong(PROBLEM.trim_end().to_owned());
    wrong(format!("{PROBLEM}\n"));
    wrong(format!("\n{line}\n"));
    wrong(format!("text\n{line}\n"));
    wrong(format!("text{line}\n"));
    wrong("text\n\n".to_owned());
    wrong("text\n\n\n".to_owned());
    wrong("text\n".to_owned());
    wrong(String::new());
    wrong(PROBLEM.replace('\n', "\r\n"));
    for (from, to) in [
        ("think", "th\tink"),
        ("think", "th\0ink"),
        ("\n\n", "\n\r\n"),
        ("— ", "– "),
        ("— ", "—"),
        ("— ", "-- "),
        ("— ", " — "),
        ("— ", "—  "),
        ("Neumann x08", "Neumann  x08"),
        ("Neumann x08", "Neumann\u{a0}x08"),
        ("PeterNeumann", "Peter+Neumann"),
        ("PeterNeumann", "Peter Neumann"),
        ("PeterNeumann ", ""),
        ("nAM=", "nAM"),
        ("nAM=", "nAM= "),
        ("nAM=", "nAN="),
        ("nAM=", "nAM=="),
        ("nAM=", "nA_="),
        ("x08go", "x0 8go"),
    ] {
        wrong(PROBLEM.replace(from, to));
    }
    // Four bytes are a key id, and no signature.
    wrong(PROBLEM.replace(line, "— PeterNeumann x08gow=="));
    let lines = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    assert!(Note::parse(lines(64).as_bytes()).is_ok());
    wrong(lines(65));
    wrong(format!("{}{PROBLEM}", "a\n".repeat(128 * 1024)));
    assert!(Note::parse(&[PROBLEM.as_bytes(), &[0xff]].concat()).is_err());
}

#[test]
fn lines_of_unknown_keys_are_kept_and_passed_over_and_a_known_key_signs_once() {
    let (key, other) = (signer(1), signer(2));
    let (key, other) =
        (NoteSigner::new(name("log.example"), &key), NoteSigner::new(name("log.example"), &other));
    let note = Note::sign("text\n", &key).unwrap();
    assert_eq!(note.verify(&other.verifier()), Err(Unverified::Unsigned));
    // The same name with another key, and the same key under another name, are other keys.
    let both = note.clone().sign_too(&other).unwrap();
    assert_eq!((both.verify(&key.verifier()), both.verify(&other.verifier())), (Ok("text\n"), Ok("text\n")));
    let renamed = NoteVerifier::new(name("log.example/2"), *key.verifier().key());
    assert_eq!(both.verify(&renamed), Err(Unverified::Unsigned));
    assert_eq!(Note::parse(both.to_string().as_bytes()).unwrap(), both);
    // Signing again changes nothing; two lines of one key are refused, though both are good, and by other keys passed over.
    assert_eq!(note.clone().sign_too(&key).unwrap(), note);
    let line = note.signatures()[0].to_string();
    let twice = Note::parse(format!("{both}{line}\n").as_bytes()).unwrap();
    assert_eq!(twice.verify(&key.verifier()), Err(Unverified::Repeated));
    assert_eq!(twice.verify(&other.verifier()), Ok("text\n"));
    // A line that claims a known key is verified, or the note is refused.
    let stolen = Note::parse(format!("changed\n\n{line}\n").as_bytes()).unwrap();
    assert!(matches!(stolen.verify(&key.verifier()), Err(Unverified::BadSignature(_))));
    let short = format!("text\n\n{}\n", line.get(..line.len() - 44).unwrap());
    let short = Note::parse(short.as_bytes()).unwrap();
    assert!(matches!(short.verify(&key.verifier()), Err(Unverified::BadSignature(_))));
}

#[test]
fn what_could_mean_something_else_is_not_signed_as_a_note() {
    let key = signer(1);
    let key = NoteSigner::new(name("log.example"), &key);
    let line = Note::sign("text\n", &key).unwrap().signatures()[0].to_string();
    for wrong in [
        "",
        "no newline",
        "a\tb\n",
        "a\0b\n",
        "casevault/1 event\n",
        "cosignature/v1\ntime 1\nlog.example\n1\n",
        "an empty line\n\nwithout a last newline",
        &format!("a signed note\n\n{line}"),
    ] {
        assert!(Note::sign(wrong, &key).is_err(), "{wrong:?}");
    }
    for right in [
        "\n",
        "\n\n",
        "a\n\n\nb\n\n",
        "casevault/1\n",
        "cosignature/v2\n",
        "casevault/10 event\n",
        &format!("a signed note\n\n{line}\n"),
    ] {
        assert_eq!(Note::sign(right, &key).unwrap().verify(&key.verifier()), Ok(right));
    }
}

#[test]
fn a_checkpoint_is_read_only_under_its_log_s_key() {
    let (key, other) = (signer(1), signer(2));
    let (key, other) =
        (NoteSigner::new(name("log.example"), &key), NoteSigner::new(name("other.example"), &other));
    for head in [Head::default(), head(1), head(u64::MAX)] {
        let signed = SignedCheckpoint::sign(head, &key).unwrap();
        let expected = Checkpoint { origin: name("log.example"), head };
        assert_eq!(signed.verify(&key.verifier()), Ok(&expected));
        assert_eq!(Checkpoint::parse(&expected.to_string()), Ok(expected.clone()));
        assert_eq!(SignedCheckpoint::parse(signed.to_string().as_bytes()).unwrap(), signed);
        assert_eq!(signed.verify(&other.verifier()), Err(Unverified::Unsigned));
        // Another log's key says what it likes, and that is not this log's head.
        let foreign = Note::sign(&expected.to_string(), &other).unwrap();
        let foreign = SignedCheckpoint::parse(foreign.to_string().as_bytes()).unwrap();
        assert_eq!(foreign.verify(&other.verifier()), Err(Unverified::OtherLog));
        assert_eq!(foreign.verify(&key.verifier()), Err(Unverified::Unsigned));
    }
}

#[test]
fn near_misses_of_a_checkpoint_are_refused() {
    let right = Checkpoint { origin: name("log.example"), head: head(20) }.to_string();
    assert!(Checkpoint::parse(&right).is_ok());
    let root = right.lines().last().unwrap().to_owned();
    let empty = Digest::to_hex(&Head::default().root);
    assert!(empty.starts_with("e3b0c442"));
    for wrong in [
        right.trim_end().to_owned(),
        format!("{right}\n"),
        format!("{right}extension\n"),
        format!("\n{right}"),
        right.replace('\n', "\r\n"),
        right.replace("log.example", ""),
        right.replace("log.example", "log example"),
        right.replace("\n20\n", "\n020\n"),
        right.replace("\n20\n", "\n+20\n"),
        right.replace("\n20\n", "\n 20\n"),
        right.replace("\n20\n", "\n-1\n"),
        right.replace("\n20\n", "\n\n"),
        right.replace("\n20\n", "\n18446744073709551616\n"),
        right.replace("\n20\n", "\n0\n"),
        right.replace(&root, root.trim_end_matches('=')),
        right.replace(&root, "AAAA"),
        right.replace(&root, &format!("{root}{root}")),
        right.replace(&root, &empty),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
    }
}

const AT: Timestamp = Timestamp::at_ms(1_679_315_147_999);

#[test]
fn a_witness_says_when_it_saw_which_checkpoint() {
    let (key, other) = (signer(1), signer(2));
    let log = NoteSigner::new(name("log.example"), &key);
    let witness = WitnessSigner::new(name("witness.example/w1"), &other);
    let signed = SignedCheckpoint::sign(head(20), &log).unwrap();
    assert_eq!(witness.witness().verify(&signed), Err(Unverified::Unsigned));
    let seen = witness.cosign(signed.clone(), &log.verifier(), AT).unwrap();
    assert_eq!(witness.witness().verify(&seen), Ok(Timestamp::at_ms(1_679_315_147_000)));
    assert_eq!(seen.verify(&log.verifier()), signed.verify(&log.verifier()));
    let vkey = witness.witness().to_string();
    assert_eq!(Witness::parse(&vkey), Ok(witness.witness()));
    assert!(NoteVerifier::parse(&vkey).is_err() && Witness::parse(PETER).is_err());

    // The message is the specification's: what another's program signs of it verifies.
    let text = format!("cosignature/v1\ntime 1679315147\n{}", signed.claims());
    let line = seen.note().signatures()[1].to_string();
    let bytes = base64ct_of(&line);
    assert_eq!(bytes[..4], *witness.witness().id().as_bytes());
    assert_eq!(bytes[4..12], 1_679_315_147u64.to_be_bytes());
    assert!(ed25519(&other, &text, &bytes[12..]));

    // Another moment, another checkpoint, and a log's signature in the place of a witness's are none.
    for wrong in [
        seen.to_string().replace("\n20\n", "\n21\n"),
        seen.to_string().replace("BkGFDL", "BkGFDM"),
        seen.to_string().replace("log.example\n20", "log.example2\n20"),
    ] {
        assert_ne!(wrong, seen.to_string());
        let wrong = SignedCheckpoint::parse(wrong.as_bytes()).unwrap();
        assert!(matches!(witness.witness().verify(&wrong), Err(Unverified::BadSignature(_))));
    }
    let twice = SignedCheckpoint::parse(format!("{seen}{line}\n").as_bytes()).unwrap();
    assert_eq!(witness.witness().verify(&twice), Err(Unverified::Repeated));
    // What a log did not sign is not cosigned; and the same key signs as both, each in its own line.
    assert_eq!(
        witness.cosign(signed.clone(), &NoteVerifier::parse(PETER).unwrap(), AT),
        Err(Unverified::Unsigned)
    );
    let own = WitnessSigner::new(name("log.example"), &key);
    let own_seen = own.cosign(signed, &log.verifier(), AT).unwrap();
    assert!(own.witness().verify(&own_seen).is_ok() && own_seen.verify(&log.verifier()).is_ok());
}

/// The bytes of a signature line.
fn base64ct_of(line: &str) -> Vec<u8> {
    use base64ct::{Base64, Encoding as _};
    Base64::decode_vec(line.rsplit_once(' ').unwrap().1).unwrap()
}

fn ed25519(key: &Signer, text: &str, signature: &[u8]) -> bool {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
    key.verify_strict(text.as_bytes(), &signature.try_into().unwrap()).is_ok()
}

#[test]
fn a_witness_s_moment_is_within_the_years_that_are_told() {
    let (key, other) = (signer(1), signer(2));
    let log = NoteSigner::new(name("log.example"), &key);
    let witness = WitnessSigner::new(name("w"), &other);
    let signed = SignedCheckpoint::sign(head(20), &log).unwrap();
    for at in [Timestamp::at_ms(0), Timestamp::MAX] {
        let seen = witness.cosign(signed.clone(), &log.verifier(), at).unwrap();
        assert_eq!(witness.witness().verify(&seen).unwrap().as_ms() / 1000, at.as_ms() / 1000);
    }
    // A witness's own program can say what it likes, over a good signature.
    let dalek = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    for (seconds, is_told) in [(253_402_300_799, true), (253_402_300_800, false), (u64::MAX, false)] {
        use base64ct::{Base64, Encoding as _};
        use ed25519_dalek::Signer as _;
        let message = format!("cosignature/v1\ntime {seconds}\n{}", signed.claims());
        let signature = dalek.sign(message.as_bytes()).to_bytes();
        let line =
            [witness.witness().id().as_bytes().as_slice(), &seconds.to_be_bytes(), &signature].concat();
        let seen = format!("{signed}— w {}\n", Base64::encode_string(&line));
        let seen = SignedCheckpoint::parse(seen.as_bytes()).unwrap();
        assert_eq!(witness.witness().verify(&seen).is_ok(), is_told, "{seconds}");
    }
}

#[test]
fn so_many_witnesses_must_have_seen_a_checkpoint() {
    let keys: Vec<Signer> = (0..5).map(signer).collect();
    let log = NoteSigner::new(name("log.example"), &keys[0]);
    let witness = |index: usize| WitnessSigner::new(name(&format!("w{index}")), &keys[index]);
    let trusted = || [1, 2, 3].map(|index| witness(index).witness()).to_vec();
    let policy = WitnessPolicy::new(trusted(), 2).unwrap();
    let mut checkpoint = SignedCheckpoint::sign(head(20), &log).unwrap();
    // The fourth is none of the three.
    for (index, expected) in [(4, false), (1, false), (3, true), (2, true)] {
        checkpoint = witness(index).cosign(checkpoint, &log.verifier(), AT).unwrap();
        let found = checkpoint.verify_witnessed(&log.verifier(), &policy);
        assert_eq!(found.is_ok(), expected, "after {index}");
        assert!(expected || found == Err(Unverified::TooFewWitnesses));
    }
    assert_eq!(policy.verify(&checkpoint).unwrap().len(), 3);
    assert!(checkpoint.verify_witnessed(&NoteVerifier::parse(PETER).unwrap(), &policy).is_err());
    assert!(checkpoint.verify_witnessed(&log.verifier(), &WitnessPolicy::none()).is_ok());
    // One line that does not verify spoils the note, though enough others do.
    let other = SignedCheckpoint::sign(head(21), &log).unwrap();
    let other = witness(2).cosign(other, &log.verifier(), AT).unwrap().note().signatures()[1].to_string();
    let own =
        checkpoint.note().signatures().iter().find(|line| line.name().as_str() == "w2").unwrap().to_string();
    let spoilt = checkpoint.to_string().replace(&own, &other);
    let spoilt = SignedCheckpoint::parse(spoilt.as_bytes()).unwrap();
    assert!(matches!(policy.verify(&spoilt), Err(Unverified::BadSignature(_))));

    let same_key =
        [Witness::new(name("a"), keys[1].verifying_key()), Witness::new(name("b"), keys[1].verifying_key())];
    let same_name =
        [Witness::new(name("a"), keys[1].verifying_key()), Witness::new(name("a"), keys[2].verifying_key())];
    assert!(WitnessPolicy::new(same_key.to_vec(), 1).is_err());
    assert!(WitnessPolicy::new(same_name.to_vec(), 1).is_err());
    assert!(WitnessPolicy::new(trusted(), 4).is_err());
    assert!(WitnessPolicy::new(trusted(), 0).is_ok());
}

/// A log of so many entries, in two branches that part after three: its checkpoint, signed, and a proof from an old size.
fn branch(number: u8, (old, size): (u64, u64), key: &Signer) -> CosignRequest {
    let leaf =
        |entry: u64| leaf_hash(&[entry.to_be_bytes(), [if entry < 3 { 0 } else { number }; 8]].concat());
    let leaves: Vec<Digest> = (0..size).map(leaf).collect();
    let log = NoteSigner::new(name("log.example"), key);
    let checkpoint = SignedCheckpoint::sign(root(&leaves), &log).unwrap();
    CosignRequest::new(old, prove_consistency(&leaves, old).unwrap(), checkpoint).unwrap()
}

/// Whether a witness that keeps this signs, and what it says and keeps then.
fn considered(kept: &WitnessState, request: &str) -> (u16, String, WitnessState) {
    let key = signer(2);
    let witness = WitnessSigner::new(name("witness.example"), &key);
    let known = |origin: &KeyName| Some(kept.clone()).filter(|kept| kept.log().name() == origin);
    match witness.consider(request.as_bytes(), known) {
        Err(refusal) => {
            let reply = refusal.reply();
            (reply.status, String::from_utf8(reply.body).unwrap(), kept.clone())
        }
        Ok(pending) => {
            let mut after = kept.clone();
            let line = pending.keep(AT, |_, new| {
                after = WitnessState::parse(&new.to_string()).unwrap();
                Ok::<(), ()>(())
            });
            (200, line.unwrap().unwrap(), after)
        }
    }
}

#[test]
fn a_witness_signs_what_continues_what_it_saw_and_says_why_it_does_not() {
    let (key, other) = (signer(1), signer(3));
    let log = NoteSigner::new(name("log.example"), &key).verifier();
    let nothing = WitnessState::new(log.clone());
    let ask = |kept: &WitnessState, request: &CosignRequest| considered(kept, &request.to_string());
    let (status, line, five) = ask(&nothing, &branch(1, (0, 5), &key));
    assert_eq!((status, five.head().size), (200, 5));
    let witness = Witness::new(name("witness.example"), signer(2).verifying_key());
    let seen = branch(1, (0, 5), &key).checkpoint().clone().with_answer(&witness, line.as_bytes()).unwrap();
    assert_eq!(witness.verify(&seen).map(|at| at.as_ms() / 1000), Ok(AT.as_ms() / 1000));
    for (what, kept, request, status, body) in [
        ("the same again", &five, branch(1, (5, 5), &key), 200, None),
        ("grown", &five, branch(1, (5, 9), &key), 200, None),
        ("grown, from a size it did not see", &five, branch(1, (4, 9), &key), 409, Some("5\n")),
        ("grown, from nothing", &five, branch(1, (0, 9), &key), 409, Some("5\n")),
        ("shorter", &five, branch(1, (3, 4), &key), 409, Some("5\n")),
        ("a branch, as long", &five, branch(2, (5, 5), &key), 409, Some("5\n")),
        ("a branch, longer", &five, branch(2, (5, 9), &key), 422, Some("")),
        ("another's key", &five, branch(1, (5, 9), &other), 403, Some("")),
        ("from a size that nothing was", &nothing, branch(1, (5, 9), &key), 409, Some("0\n")),
    ] {
        let (found, said, after) = ask(kept, &request);
        assert_eq!(found, status, "{what}");
        assert!(body.is_none_or(|body| body == said), "{what}: {said}");
        let expected = if status == 200 { request.checkpoint().claims().head } else { kept.head() };
        assert_eq!(after.head(), expected, "{what}");
    }
    // A proof that is not the right one, and none, and one where there must be none.
    let right = branch(1, (5, 9), &key).to_string();
    let hash = right.lines().nth(1).unwrap().to_owned() + "\n";
    for wrong in [right.replacen(&hash, "", 1), right.replacen(&hash, &hash.repeat(2), 1)] {
        assert_eq!(considered(&five, &wrong).0, 422);
    }
    let extra = |text: &str| text.replacen("\n\n", &format!("\n{hash}\n"), 1);
    assert_eq!(considered(&nothing, &extra(&branch(1, (0, 5), &key).to_string())).0, 422);
    assert_eq!(considered(&five, &extra(&branch(1, (5, 5), &key).to_string())).0, 422);
    // A log nobody told it of; and a note that names it, under the key of a log it was told of.
    let elsewhere = WitnessState::new(NoteSigner::new(name("other.example"), &key).verifier());
    assert_eq!(considered(&elsewhere, &right).0, 404);
}

#[test]
fn a_witness_that_cannot_keep_what_it_saw_does_not_sign() {
    let (key, own) = (signer(1), signer(2));
    let kept = WitnessState::new(NoteSigner::new(name("log.example"), &key).verifier());
    let witness = WitnessSigner::new(name("witness.example"), &own);
    let request = branch(1, (0, 5), &key).to_string();
    let pending = witness.consider(request.as_bytes(), |_| Some(kept.clone())).unwrap();
    let kept_as = std::cell::Cell::new(None);
    let refused = pending.keep(AT, |before, after| {
        kept_as.set(Some((before.head().size, after.head().size)));
        Err::<(), _>("the disk is full")
    });
    assert_eq!(refused, Err("the disk is full"));
    assert_eq!(kept_as.take(), Some((0, 5)));
}

#[test]
fn what_a_witness_keeps_is_read_back_and_nothing_like_it() {
    let key = signer(1);
    let kept = WitnessState::new(NoteSigner::new(name("log.example"), &key).verifier());
    let (.., kept) = considered(&kept, &branch(1, (0, 5), &key).to_string());
    let text = kept.to_string();
    assert_eq!(WitnessState::parse(&text), Ok(kept));
    for (from, to) in [
        ("log.example\n", "other.example\n"),
        ("\n5\n", "\n05\n"),
        ("\n5\n", "\n0\n"),
        ("+", "-"),
        ("\n", "\n\n"),
        ("log.example+", "lag.example+"),
    ] {
        assert!(WitnessState::parse(&text.replacen(from, to, 1)).is_err(), "{from:?}, {to:?}");
    }
    assert!(WitnessState::parse(text.trim_end()).is_err());
    assert!(WitnessState::parse(&(text + "\n")).is_err());
}

#[test]
fn near_misses_of_a_request_to_a_witness_are_refused() {
    let key = signer(1);
    let published = CosignRequest::parse(ASKED.as_bytes()).unwrap();
    assert_eq!((published.old(), published.to_string().as_str()), (20_852_014, ASKED));
    let right = branch(1, (5, 9), &key).to_string();
    assert_eq!(CosignRequest::parse(right.as_bytes()).unwrap().to_string(), right);
    let hash = right.lines().nth(1).unwrap().to_owned();
    for (from, to) in [
        ("old 5\n", ""),
        ("old 5\n", "old  5\n"),
        ("old 5\n", "old 05\n"),
        ("old 5\n", "old 5 \n"),
        ("old 5\n", "old 5\r\n"),
        ("old 5\n", "old +5\n"),
        ("old 5\n", "old 10\n"),
        ("old 5\n", "old 18446744073709551616\n"),
        ("old 5\n", "Old 5\n"),
        ("old 5\n", "\nold 5\n"),
        ("old 5\n", "old 5\n\n"),
        (hash.as_str(), "AAAA"),
        (hash.as_str(), hash.trim_end_matches('=')),
        ("\n\nlog", "\nlog"),
        ("\n\nlog", "\n\n\nlog"),
        ("log.example\n9\n", "log.example\n09\n"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        assert!(CosignRequest::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let hashes = |count: usize| right.replacen(&format!("{hash}\n"), &format!("{hash}\n").repeat(count), 1);
    let others = right.lines().take_while(|line| !line.is_empty()).count() - 2;
    assert!(CosignRequest::parse(hashes(63 - others).as_bytes()).is_ok());
    assert!(CosignRequest::parse(hashes(64 - others).as_bytes()).is_err());
    let checkpoint = branch(1, (5, 9), &key).checkpoint().clone();
    assert!(CosignRequest::new(10, Vec::new(), checkpoint.clone()).is_err());
    assert!(CosignRequest::new(5, vec![leaf_hash(b""); 64], checkpoint).is_err());
}

fn proof_of(index: u64, size: u64) -> (LogProof, NoteVerifier, Vec<u8>) {
    let leaves: Vec<Digest> = (0..size).map(|entry| leaf_hash(&entry.to_be_bytes())).collect();
    let key = signer(1);
    let log = NoteSigner::new(name("log.example"), &key);
    let checkpoint = SignedCheckpoint::sign(root(&leaves), &log).unwrap();
    let inclusion = prove_inclusion(&leaves, index).unwrap();
    (LogProof::new(index, inclusion, checkpoint).unwrap(), log.verifier(), index.to_be_bytes().to_vec())
}

#[test]
fn a_proof_convinces_of_its_entry_and_no_other() {
    for (index, size) in [(0, 1), (0, 2), (4, 5), (99, 300), (299, 300)] {
        let (proof, log, entry) = proof_of(index, size);
        let none = WitnessPolicy::none();
        let with_extra = proof.clone().with_extra(b"where from".to_vec()).unwrap();
        for proof in [&proof, &with_extra] {
            let read = LogProof::parse(&proof.to_string()).unwrap();
            assert_eq!(&read, proof);
            assert_eq!(read.verify(&log, &none, &entry).unwrap().head.size, size);
            assert!(matches!(read.verify(&log, &none, b"other"), Err(Unverified::NotProven(_))));
            assert!(read.verify(&NoteVerifier::parse(PETER).unwrap(), &none, &entry).is_err());
            let key = signer(3);
            let witness = WitnessSigner::new(name("w"), &key);
            let policy = WitnessPolicy::new(vec![witness.witness()], 1).unwrap();
            assert_eq!(read.verify(&log, &policy, &entry), Err(Unverified::TooFewWitnesses));
        }
        assert_eq!(with_extra.unproven_extra(), b"where from");
    }
}

/// One text of each kind, for the fuzz corpus.
#[cfg(feature = "vault")]
pub(crate) fn seeds() -> [(&'static str, String); 8] {
    let (proof, log, _) = proof_of(7, 20);
    let key = signer(2);
    let witness = WitnessSigner::new(name("witness.example/w1"), &key);
    let seen = witness.cosign(proof.checkpoint().clone(), &log, AT).unwrap();
    [
        ("note", POEM.to_owned()),
        ("published", SOFA.to_owned()),
        ("checkpoint", seen.claims().to_string()),
        ("cosigned", seen.to_string()),
        ("proof", proof.with_extra(vec![1, 2, 3]).unwrap().to_string()),
        ("log_key", log.to_string()),
        ("witness_key", witness.witness().to_string()),
        ("tile", "tile/1/x001/x234/067.p/8".to_owned()),
    ]
}

/// What a witness reads and keeps, and what it answers of an empty log, for the fuzz corpus.
#[cfg(feature = "vault")]
pub(crate) fn witness_seeds() -> [(&'static str, String); 4] {
    let (key, own) = (signer(1), signer(2));
    let log = NoteSigner::new(name("log.example"), &key);
    let (.., kept) = considered(&WitnessState::new(log.verifier()), &branch(1, (0, 5), &key).to_string());
    let empty = SignedCheckpoint::sign(Head::default(), &log).unwrap();
    let witness = WitnessSigner::new(name("witness.example"), &own);
    let seen = witness.cosign(empty, &log.verifier(), AT).unwrap();
    [
        ("first", branch(1, (0, 5), &key).to_string()),
        ("grown", branch(1, (5, 9), &key).to_string()),
        ("state", kept.to_string()),
        ("answer", format!("{}\n", seen.note().signatures()[1])),
    ]
}

#[test]
fn near_misses_of_a_proof_are_refused() {
    let (proof, ..) = proof_of(7, 20);
    let right = proof.with_extra(vec![1, 2, 3]).unwrap().to_string();
    assert!(right.starts_with("c2sp.org/tlog-proof@v1\nextra AQID\nindex 7\n"));
    let hash = right.lines().nth(3).unwrap().to_owned();
    for (from, to) in [
        ("@v1\n", "@v2\n"),
        ("@v1\n", "@v1\r\n"),
        ("@v1\n", "@v1\n\n"),
        ("c2sp", "\nc2sp"),
        ("extra AQID\n", "extra \n"),
        ("extra AQID\n", "extra\n"),
        ("extra AQID\n", "extra  AQID\n"),
        ("extra AQID\n", "extra AQI\n"),
        ("extra AQID\n", "extra AQID\nextra AQID\n"),
        ("extra AQID\nindex 7\n", "index 7\nextra AQID\n"),
        ("index 7\n", ""),
        ("index 7\n", "index 07\n"),
        ("index 7\n", "index +7\n"),
        ("index 7\n", "index  7\n"),
        ("index 7\n", "index 7 \n"),
        ("index 7\n", "index 7\n\n"),
        ("index 7\n", "index 18446744073709551616\n"),
        (hash.as_str(), "AAAA"),
        (hash.as_str(), hash.trim_end_matches('=')),
        ("\n\nlog", "\nlog"),
        ("\n\nlog", "\n\n\nlog"),
        ("log.example\n20\n", "log.example\n020\n"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        assert!(LogProof::parse(&wrong).is_err(), "{wrong}");
    }
    assert!(LogProof::parse(right.trim_end()).is_err());
    let hashes = |count: usize| right.replacen(&format!("{hash}\n"), &format!("{hash}\n").repeat(count), 1);
    assert!(LogProof::parse(&hashes(60)).is_ok());
    assert!(LogProof::parse(&hashes(61)).is_err());
    let (proof, ..) = proof_of(7, 20);
    assert!(proof.clone().with_extra(vec![0; 16 * 1024]).is_ok());
    assert!(proof.with_extra(vec![0; 16 * 1024 + 1]).is_err());
}

proptest! {
    #[test]
    fn what_is_signed_is_read_back(text in "([a-zé \u{2014}+=]{0,9}\n){1,9}", seeds in prop::collection::vec(0u8..9, 1..5)) {
        let keys: Vec<Signer> = seeds.iter().map(|seed| signer(*seed)).collect();
        let keys: Vec<NoteSigner<'_>> = keys.iter().map(|key| NoteSigner::new(name("a/b"), key)).collect();
        let mut note = Note::sign(&text, &keys[0]).unwrap();
        for key in &keys[1..] {
            note = note.sign_too(key).unwrap();
        }
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        for key in &keys {
            prop_assert_eq!(read.verify(&key.verifier()), Ok(text.as_str()));
        }
    }

    #[test]
    fn what_parses_is_written_as_it_came(note in "(\\PC{0,4}\n){0,3}\n(— [a-z]{0,2} [A-D]{0,8}={0,2}\n){0,3}") {
        if let Ok(read) = Note::parse(note.as_bytes()) {
            prop_assert_eq!(read.to_string(), note);
        }
    }
}
