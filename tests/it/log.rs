//! The transparency log's texts: what the specifications print, what comes back, what is refused.

use casevault::{
    crypto::{Secret, Signer},
    id::Digest,
    log::{Checkpoint, KeyName, Note, NoteSigner, NoteVerifier, SignedCheckpoint, Unverified},
    merkle::{Head, leaf_hash},
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
        assert!(NoteVerifier::parse(&PETER[start + 1..]).is_err());
        assert!(NoteVerifier::parse(&PETER[..start]).is_err());
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
    let short =
        Note::parse(format!("text\n\n{}\n", line.replace(&line[line.len() - 40..], "")).as_bytes()).unwrap();
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
