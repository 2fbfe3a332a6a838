//! Key files: made once, readable by their user alone, locked whole; and where passphrases come from.

use std::{fs, io::Write as _, path::Path, process::Stdio};

use casevault::party::{Card, KeyFile, Passphrase, Role};

use crate::{
    demo::{Demo, alone, has, program},
    stage::{Ran, begun, fed, ran},
};

fn ends(place: &Path, (input, words): (&str, &[&str]), code: i32, says: &str) -> String {
    let Ran { code: ended, out, err } = fed(program(place).args(words), input.as_bytes());
    assert_eq!(ended, Some(code), "{words:?}\n{out}{err}");
    assert!(format!("{out}{err}").contains(says), "{words:?}: {says:?} is not in\n{out}{err}");
    out
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn a_key_file_is_made_once_and_is_its_users_alone() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let make = ["keys", "new", "a.key", "--role", "doctor", "--card", "a.card", "--passphrase-file", "-"];
    let out = ends(place.path(), ("open sesame\nnot this\n", &make), 0, "a.key is made");
    let card = Card::from_text(&fs::read_to_string(at("a.card")).unwrap()).unwrap();
    assert_eq!(card.role(), Role::Doctor);
    assert!(out.contains(&card.party().to_hex()) && out.contains(&card.fingerprint().words()));
    let bytes = fs::read(at("a.key")).unwrap();
    let keyring = KeyFile::from_bytes(&bytes).unwrap().open(&Passphrase::new("open sesame")).unwrap();
    assert_eq!(keyring.card(Role::Doctor), card);
    #[cfg(unix)]
    for name in ["a.key", "a.key.memory"] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    // Whichever of the three is there, none is touched, and none is made.
    for there in ["a.key", "a.key.memory", "a.card"] {
        for other in ["a.key", "a.key.memory", "a.card"].iter().filter(|other| **other != there) {
            fs::rename(at(other), at("aside")).unwrap();
            let kept = fs::read(at(there)).unwrap();
            ends(place.path(), ("other\n", &make), 1, "is there already and is never overwritten");
            assert_eq!(fs::read(at(there)).unwrap(), kept);
            assert!(!at(other).exists(), "{other} was made beside {there}");
            fs::rename(at("aside"), at(other)).unwrap();
        }
    }
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    ends(
        place.path(),
        ("x\n", &["keys", "new", "no/b.key", "--role", "doctor", "--passphrase-file", "-"]),
        1,
        "check the path",
    );
    ends(
        place.path(),
        ("\n", &["keys", "new", "b.key", "--role", "doctor", "--passphrase-file", "-"]),
        1,
        "holds no passphrase",
    );
    ends(place.path(), ("", &["keys", "new", "b.key", "--role", "nobody"]), 2, "possible values");
    assert!(!at("b.key").exists());
}

/// All look, find nothing, and wait for a passphrase; whoever comes second overwrites nothing.
#[test]
fn of_many_who_make_the_same_key_file_at_once_one_makes_it() {
    let place = tempfile::tempdir().unwrap();
    let make = ["keys", "new", "a.key", "--role", "patient", "--passphrase-file", "-"];
    let begin = |_| {
        let mut command = program(place.path());
        begun(command.args(make).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    };
    let mut begun: Vec<_> = (0..4).map(begin).collect();
    let mut made = Vec::new();
    for (number, child) in begun.iter_mut().enumerate() {
        child.stdin.take().unwrap().write_all(format!("number {number}\n").as_bytes()).unwrap_or_default();
    }
    for (number, child) in begun.into_iter().enumerate() {
        let Ran { code, err, .. } = ran(child.wait_with_output().unwrap());
        match code {
            Some(0) => made.push(number),
            _ => assert!(code == Some(1) && err.contains("never overwritten"), "{code:?} {err}"),
        }
    }
    let [number] = made.as_slice() else { panic!("made by {made:?}") };
    let file = KeyFile::from_bytes(&fs::read(place.path().join("a.key")).unwrap()).unwrap();
    let keyring = file.open(&Passphrase::new(format!("number {number}"))).unwrap();
    let memory = fs::read(place.path().join("a.key.memory")).unwrap();
    let sealed = memory.strip_prefix(b"casevault memory 1 patient\n").unwrap();
    casevault::session::Memory::open(sealed, &keyring).unwrap();
}

#[test]
fn a_key_file_is_shown_without_a_secret_and_from_its_card() {
    let demo = Demo::new();
    let from_key = demo.ends(&["keys", "show", "dr-conti.key"], 0, "fingerprint");
    assert_eq!(demo.ends(&["keys", "show", "dr-conti.card"], 0, "doctor"), from_key);
    let text = fs::read_to_string(demo.at("dr-conti.card")).unwrap();
    assert_eq!(demo.ends(&["keys", "show", "dr-conti.key", "--card"], 0, "BEGIN"), text);
    assert_eq!(demo.given(text.as_bytes(), &["keys", "show", "-"]).out, from_key);
    demo.ends(&["keys", "show"], 0, "patient");
    fs::write(demo.at("wrong"), "another\n").unwrap();
    demo.ends(&["keys", "show", "dr-conti.key", "--passphrase-file", "wrong"], 12, "check the passphrase");
    demo.ends(&["keys", "show", "passphrase"], 1, "holds no card");
    demo.ends(&["keys", "show", "nowhere.card"], 1, "check the path");
}

#[test]
fn a_key_file_gets_another_passphrase_whole_or_stays_as_it_is() {
    let demo = Demo::new();
    fs::write(demo.at("new"), "a new one\n").unwrap();
    fs::write(demo.at("empty"), "\n").unwrap();
    let before = fs::read(demo.at("alice.key")).unwrap();
    let failures: [(&[&str], i32, &str); 6] = [
        (&["keys", "lock", "--new-passphrase-file", "nowhere"], 1, "check the path"),
        (&["keys", "lock", "--new-passphrase-file", "empty"], 1, "holds no passphrase"),
        (&["keys", "lock", "--new-passphrase-command", "false"], 1, "ended with"),
        (
            &["keys", "lock", "--new-passphrase-file", "new", "--passphrase-file", "new"],
            12,
            "check the passphrase",
        ),
        (&["keys", "lock", "--new-passphrase-file", "-", "--passphrase-file", "-"], 2, "stdin is there once"),
        (&["keys", "lock", "passphrase", "--new-passphrase-file", "new"], 1, "not a key file"),
    ];
    for (words, code, says) in failures {
        demo.ends(words, code, says);
        assert_eq!(fs::read(demo.at("alice.key")).unwrap(), before, "{words:?}");
    }
    demo.ends(&["keys", "lock", "--new-passphrase-file", "new"], 0, "another passphrase now");
    #[cfg(unix)]
    assert_eq!(mode(&demo.at("alice.key")), 0o600);
    demo.ends(&["show"], 12, "check the passphrase");
    demo.ends(&["show", "--passphrase-file", "new"], 0, "case ");
}

#[test]
fn a_passphrase_comes_from_a_file_a_command_or_a_person_and_from_nowhere_else() {
    let demo = Demo::new();
    demo.ends(&["show", "--passphrase-command", "cat passphrase"], 0, "case ");
    demo.ends(&["show", "--passphrase-command", "cat nowhere"], 1, "run it by itself");
    demo.ends(&["show", "--passphrase-command", "echo another"], 12, "check the passphrase");
    demo.ends(
        &["show", "--passphrase-command", "cat passphrase", "--passphrase-file", "passphrase"],
        2,
        "cannot be used with",
    );
    demo.ends(&["show", "--passphrase", "everybody here is made up"], 2, "unexpected argument");
    let mut told = demo.command(&["show"]);
    told.env("CASEVAULT_PASSPHRASE", "everybody here is made up");
    let Ran { code, err, .. } = fed(&mut told, b"");
    assert!(
        code == Some(2) && err.contains("CASEVAULT_PASSPHRASE_FILE") && !err.contains("made up"),
        "{err}"
    );
    fs::write(demo.at("bad.toml"), "passphrase = \"everybody\"\n").unwrap();
    let said = demo.ends(&["show", "--config", "bad.toml"], 1, "");
    assert_eq!(said, "");
    // Nobody is asked where there is no terminal.
    fs::write(demo.at("bare.toml"), "vault = \"vault\"\nkey = \"alice.key\"\n").unwrap();
    if !has("setsid", "nobody_is_asked_where_there_is_no_terminal") {
        return;
    }
    let mut asked = std::process::Command::new("setsid");
    asked.args([crate::stage::PROGRAM, "show", "--config", "bare.toml"]).current_dir(demo.at(""));
    alone(&mut asked, &demo.at(""));
    let Ran { code, err, .. } = fed(&mut asked, b"");
    assert!(code == Some(1) && err.contains("--passphrase-file or --passphrase-command"), "{code:?} {err}");
}
