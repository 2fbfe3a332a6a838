//! `casevault audit cosign` and `vkey`: how a vault reaches its witnesses, and what it says of what they said.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use casevault::log::SignedCheckpoint;

use crate::{
    stage::{PROGRAM, Stage, copy, ends, fed, grow, vault},
    witness::{Serving, VKEY, sign_words, size_on_disk},
};

/// Writes how a host reaches witnesses.
fn ways(place: &Path, text: &str) {
    fs::write(place.join("host/witnesses.toml"), text).unwrap();
}

fn by_command(key: &str, state: &str) -> String {
    let words: Vec<String> =
        std::iter::once(PROGRAM).chain(sign_words(key, state)).map(|word| format!("'{word}'")).collect();
    format!("[[witness]]\nname = \"witness.example/w\"\ncommand = [{}]\n", words.join(", "))
}

/// A vault whose policy asks for one witness, and that witness's key and folder, which know the vault.
fn witnessed(stage: &Stage) -> (String, String, String) {
    let (key, state, place) = (stage.path("w.key"), stage.path("w"), stage.path("vault"));
    let vkey = ends(&["audit", "witness", "new", "--key", &key, "--name", "witness.example/w"], 0, "");
    vault(Path::new(&place), &[&vkey], 1);
    let log = ends(&["audit", "vkey", &place], 0, "casevault/");
    ends(&["audit", "witness", "trust", "--state", &state, &log], 0, "known from now on");
    (key, state, place)
}

/// The Python verifier, if there is one: how it ends for an export.
fn independent(test: &str, export: &str) -> Option<i32> {
    let python = env::var("CASEVAULT_PYTHON").unwrap_or_else(|_unsaid| "python3".to_owned());
    let mut asked = Command::new(&python);
    asked.args(["-c", "import cryptography"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !asked.status().is_ok_and(|status| status.success()) {
        writeln!(std::io::stderr(), "SKIPPED {test}: no `python3` with the package `cryptography`").unwrap();
        return None;
    }
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/verify.py");
    fed(Command::new(python).arg("-B").arg(verifier).arg(export), b"").code
}

#[test]
fn a_vault_asks_its_witness_by_a_command_and_both_verifiers_see_the_line() {
    const TEST: &str = "a_vault_asks_its_witness_by_a_command_and_both_verifiers_see_the_line";
    let stage = Stage::new();
    let (key, state, place) = witnessed(&stage);
    // Nobody says how it is reached.
    ends(&["audit", "cosign", &place], 4, "names no way to it");
    let unseen = stage.path("unseen");
    ends(&["audit", "export", &place, "--out", &unseen], 0, "exported to");
    ends(&["audit", "verify", &unseen], 4, "fewer witnesses");
    assert!(independent(TEST, &unseen).is_none_or(|code| code == 4));
    ways(Path::new(&place), &by_command(&key, &state));
    let note = ends(&["audit", "cosign", &place], 0, "1 of 1");
    assert!(note.contains("\u{2014} witness.example/w "));
    assert_eq!(size_on_disk(&state), SignedCheckpoint::parse(note.as_bytes()).unwrap().claims().head.size);
    // An export is of a new checkpoint, for which the witness is asked by the way.
    grow(Path::new(&place));
    let seen = stage.path("seen");
    ends(&["audit", "export", &place, "--out", &seen], 0, "exported to");
    ends(&["audit", "verify", &seen], 0, "0 findings");
    ends(&["audit", "verify", &place], 0, "0 findings");
    assert!(independent(TEST, &seen).is_none_or(|code| code == 0));
    assert_eq!(ends(&["audit", "vkey", &seen], 0, ""), ends(&["audit", "vkey", &place], 0, ""));
}

#[test]
fn a_vault_asks_its_witness_over_http() {
    let stage = Stage::new();
    let (key, state, place) = witnessed(&stage);
    let serving = Serving::begin(&key, &state);
    ways(Path::new(&place), &format!("[[witness]]\nname = \"witness.example/w\"\nurl = \"{}\"\n", serving.1));
    ends(&["audit", "cosign", &place], 0, "1 of 1");
    grow(Path::new(&place));
    ends(&["audit", "cosign", &place], 0, "1 of 1");
    drop(serving);
    grow(Path::new(&place));
    ends(&["audit", "cosign", &place], 4, "no answer");
}

#[test]
fn a_witness_finds_the_fork_of_a_vault_and_says_so() {
    let stage = Stage::new();
    let (key, state, place) = witnessed(&stage);
    ways(Path::new(&place), &by_command(&key, &state));
    let other = stage.path("other");
    copy(Path::new(&place), Path::new(&other));
    grow(Path::new(&place));
    ends(&["audit", "cosign", &place], 0, "1 of 1");
    // The same vault, grown otherwise behind a copy of its host.
    grow(Path::new(&other));
    ends(&["audit", "cosign", &other], 3, "saw");
    grow(Path::new(&other));
    ends(&["audit", "cosign", &other], 3, "saw");
    grow(Path::new(&place));
    ends(&["audit", "cosign", &place], 0, "1 of 1");
}

#[test]
fn what_cannot_be_asked_is_said() {
    let stage = Stage::new();
    let (key, state, place) = witnessed(&stage);
    ends(&["audit", "cosign", &stage.path("nowhere")], 1, "holds no vault");
    ends(&["audit", "cosign"], 2, "VAULT");
    ends(&["audit", "vkey", &stage.path("nowhere")], 1, "holds no vault");
    let plain = stage.path("plain");
    vault(Path::new(&plain), &[], 0);
    ends(&["audit", "cosign", &plain], 1, "names no witnesses");
    for (text, says) in [
        ("witness = 1", "witnesses.toml"),
        ("[[witness]]\nname = 'w'\n", "either a command or a url"),
        ("[[witness]]\nname = 'w'\ncommand = []\n", "either a command or a url"),
        ("[[witness]]\nname = 'w'\nurl = 'https://w.example/add-checkpoint'\n", "begins with http://"),
        ("[[witness]]\nname = 'w'\nurl = 'http://w'\n[[witness]]\nname = 'w'\nurl = 'http://w'\n", "twice"),
    ] {
        ways(Path::new(&place), text);
        ends(&["audit", "cosign", &place], 1, says);
    }
    let failing = |command: &str| {
        let text = format!("[[witness]]\nname = \"witness.example/w\"\ncommand = {command}\n");
        ways(Path::new(&place), &text);
    };
    failing("['/nowhere/witness']");
    ends(&["audit", "cosign", &place], 4, "no answer");
    failing("['false']");
    ends(&["audit", "cosign", &place], 4, "ended with");
    // A line that is not the witness's own is none.
    failing("['echo', 'not a line']");
    ends(&["audit", "cosign", &place], 4, "0 of 1");
    // A witness that does not know the vault.
    let stranger = stage.path("stranger");
    ends(&["audit", "witness", "trust", "--state", &stranger, VKEY], 0, "");
    ways(Path::new(&place), &by_command(&key, &stranger));
    ends(&["audit", "cosign", &place], 4, "does not know this vault");
    ways(Path::new(&place), &by_command(&key, &state));
    ends(&["audit", "cosign", &place], 0, "1 of 1");
}

#[test]
fn a_vault_is_made_with_its_witnesses_by_the_command_line_alone() {
    let stage = Stage::new();
    let (card, place) = (stage.path("registrar.card"), stage.path("vault"));
    fs::write(stage.at("passphrase"), "a long night at the office\n").unwrap();
    let passphrase = ["--passphrase-file", &stage.path("passphrase")];
    let new = ["keys", "new", &stage.path("registrar.key"), "--role", "registrar", "--card", &card];
    ends(&[&new[..], &passphrase].concat(), 0, "");
    let witness = |name: &str| {
        let (key, name) = (stage.path(name), format!("{name}.example/w"));
        let vkey = ends(&["audit", "witness", "new", "--key", &key, "--name", &name], 0, "");
        vkey.trim().to_owned()
    };
    let (one, two) = (witness("one"), witness("two"));
    let init = |more: &[&str], code, says: &str| {
        let init = ["init", "--vault", &place, "--registrar", &card];
        ends(&[&init[..], more].concat(), code, says);
        assert_eq!(Path::new(&place).exists(), code == 0);
    };
    init(&["--witness", "one.example/w"], 2, "no witness's verifier key");
    init(&["--witness", &one, "--witness", &one], 2, "there twice");
    init(&["--witness", &one, "--witnesses-needed", "2"], 2, "more are needed than are named");
    init(&["--witnesses-needed", "1"], 2, "--witness");
    init(&["--witness", &one, "--witness", &two, "--witnesses-needed", "1"], 0, "vault ");
    let log = ends(&["audit", "vkey", &place], 0, "");
    ends(&["audit", "witness", "trust", "--state", &stage.path("w"), log.trim()], 0, "known from now on");
    let by_command = by_command(&stage.path("one"), &stage.path("w"));
    ways(Path::new(&place), &by_command.replace("witness.example/w", "one.example/w"));
    ends(&["audit", "cosign", &place], 0, "1 of 1 witnesses that are needed");
}
