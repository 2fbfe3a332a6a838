//! Each command of people's: how it succeeds, and how it fails in three ways.

use std::{fs, process::Command};

use crate::{
    demo::{Demo, first, has, program},
    stage::{Ran, fed},
};

/// A row: the words, how it ends, what it says.
type Row<'a> = (&'a [&'a str], i32, &'a str);

fn holds(demo: &Demo, rows: &[Row<'_>]) {
    for (words, code, says) in rows {
        demo.ends(words, *code, says);
    }
}

/// What every command that signs in does with a wrong vault, passphrase, key or memory.
#[test]
fn a_wrong_vault_passphrase_or_key_is_told_apart_by_every_command() {
    let demo = Demo::new();
    let (case, doctor) = (demo.case("carl.key"), demo.party("dr-brandt.card"));
    fs::write(demo.at("wrong"), "another\n").unwrap();
    fs::write(demo.at("text"), "since May\n").unwrap();
    fs::copy(demo.at("carl.key"), demo.at("lost.key")).unwrap();
    let commands: [(&[&str], &str, &str); 13] = [
        (&["assign", &case, &doctor], "carl.key", "dr-brandt.key"),
        (&["opinion", &case, &doctor], "carl.key", "registrar.key"),
        (&["revoke", &case, &doctor], "carl.key", "curator.key"),
        (&["attest"], "registrar.key", "carl.key"),
        (&["curate"], "curator.key", "carl.key"),
        (&["directory"], "carl.key", "dr-conti.key"),
        (&["enrol", "--name", "Carl"], "carl.key", ""),
        (&["history"], "carl.key", "registrar.key"),
        (&["import", "text"], "carl.key", "dr-conti.key"),
        (&["list", "Dr. Finch"], "dr-conti.key", "carl.key"),
        (&["share", &case, "--draft"], "carl.key", "dr-conti.key"),
        (&["show"], "carl.key", "registrar.key"),
        (&["write", &case, "text"], "carl.key", "registrar.key"),
    ];
    for (words, key, other) in commands {
        let with = |more: &[&'static str]| [words, &["--key", key], more].concat();
        demo.ends(&with(&["--vault", "nowhere"]), 1, "holds no vault");
        assert!(!demo.at("nowhere").exists(), "{words:?} made a folder");
        demo.ends(&with(&["--passphrase-file", "wrong"]), 12, "check the passphrase");
        demo.ends(&with(&["--passphrase-file", "no-such-file"]), 1, "check the path");
        demo.ends(&[words, &["--key", "lost.key"]].concat(), 4, "lost.key.memory is not there");
        demo.ends(&[words, &["--key", "no-such.key"]].concat(), 1, "no-such.key cannot be read");
        demo.ends(&[words, &["--key", "text"]].concat(), 4, "");
        if !other.is_empty() {
            demo.ends(&[words, &["--key", other]].concat(), 12, "");
        }
    }
}

#[test]
fn consent_is_given_and_taken_back_by_handles_cards_and_fingerprints() {
    let demo = Demo::new();
    let (case, doctor) = (demo.case("carl.key"), demo.party("dr-brandt.card"));
    let words = demo.json(&["keys", "show", "--json", "dr-conti.card"])["fingerprint"]["words"].clone();
    let words = words.as_str().unwrap();
    let brief = first(&case, 8);
    let carl = ["--key", "carl.key"];
    let rows: [(&[&str], i32, &str); 19] = [
        (&["assign", brief, first(&doctor, 8)], 0, "given to doctor"),
        (&["opinion", brief, words, "--days", "3", "--clearance", "restricted"], 0, "up to restricted"),
        (&["revoke", brief, "dr-conti.card"], 0, "taken back from doctor"),
        (&["revoke", brief, &doctor], 0, "opened 0"),
        (&["assign", brief, "dr-brandt.card"], 0, "for treatment"),
        (&["assign", "00000000", &doctor], 5, "`casevault show` lists"),
        (&["assign", brief, "00000000"], 5, "`casevault directory` lists"),
        (&["assign", brief, "bella.card"], 5, "denied"),
        (&["assign", "12", &doctor], 2, "first 4 or more digits"),
        (&["assign", brief, "12"], 2, "give 8 digits"),
        (&["assign", brief, "somebody"], 2, "no file with a card, no id"),
        (&["assign", brief, "passphrase"], 1, "holds no card"),
        (&["assign", brief, &doctor, "--days", "100000"], 5, ""),
        (&["opinion", "ffffffff", words], 5, "you have no case"),
        (&["opinion", brief, &["acorn"; 16].join(" ")], 5, "compare it again"),
        (&["opinion", brief, words, "--days", "0"], 1, "terms"),
        (&["revoke", brief, "dr-conti.card"], 1, "not the caller's own"),
        (&["revoke", brief, "00000000"], 5, "nobody known here"),
        (&["revoke", brief, words], 2, "a fingerprint is of no use here"),
    ];
    for (words, code, says) in rows {
        demo.ends(&[words, &carl].concat(), code, says);
    }
    // A stranger's card is a card, and no doctor of this vault's.
    let make = ["keys", "new", "eve.key", "--role", "doctor", "--card", "eve.card"];
    demo.ends(&make, 0, "doctor");
    demo.ends(&["assign", brief, "eve.card", "--key", "carl.key"], 5, "");
    let given = demo.json(&["assign", brief, "dr-conti.card", "--key", "carl.key", "--json"]);
    assert_eq!(given["case"], case);
    let back = demo.json(&["revoke", brief, "dr-conti.card", "--key", "carl.key", "--json"]);
    assert_eq!((&back["did_open"], &back["looks"]), (&0.into(), &serde_json::json!([])));
}

#[test]
fn charts_are_imported_shown_and_written() {
    let demo = Demo::new();
    let chart = include_bytes!("../../examples/data/rash.json");
    fs::write(demo.at("chart.json"), chart).unwrap();
    fs::write(demo.at("text"), "cough since May\nworse at night\n").unwrap();
    let alice = demo.case("alice.key");
    let carl = demo.case("carl.key");
    holds(
        &demo,
        &[
            (&["import", "chart.json"], 0, "who, in your identity"),
            (&["import", "no-such.json"], 1, "no-such.json cannot be read"),
            (&["import", "text"], 1, "text: "),
            (&["import", "-", "-"], 2, "stdin is there once"),
            (&["write", "new", "text"], 0, "case "),
            (&["write", first(&alice, 8), "text", "--kind", "observation"], 0, first(&alice, 16)),
            (&["write", first(&carl, 8), "text"], 5, "you have no case"),
            (&["write", first(&alice, 8), "no-such"], 1, "check the path"),
            (&["write", first(&alice, 8), "alice.key"], 1, "holds no text"),
            (&["show"], 0, "cough since May"),
            (&["show", "--me"], 0, "Alice Liddell"),
            (&["show", first(&alice, 8)], 0, "Condition: Cough"),
            (&["show", first(&carl, 8)], 5, "you have no case"),
            (&["show", first(&alice, 8), "--key", "carl.key"], 5, "you have no case"),
            (&["show", "everything"], 2, "named by the first 4"),
        ],
    );
    let Ran { code, out, err } = demo.given(chart, &["import", "-", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    let imported: serde_json::Value = serde_json::from_str(&out).unwrap();
    let records = demo.json(&["show", imported["case"].as_str().unwrap(), "--json"]);
    assert_eq!(imported["case_records"], records.as_array().unwrap().len());
    // Stdin is not both.
    let both = demo.given(b"x", &["import", "-", "--passphrase-file", "-"]);
    assert_eq!(both.code, Some(2), "{}", both.err);
}

#[test]
fn what_others_wrote_does_not_drive_the_terminal() {
    let demo = Demo::new();
    let case = demo.case("alice.key");
    let ran = demo.given("red \u{1b}[31m and \u{202e}turned\u{7}".as_bytes(), &["write", &case, "-"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let shown = demo.ends(&["show", &case], 0, "\\u{1b}[31m");
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown}");
}

#[test]
fn a_case_is_shared_after_it_was_shown_and_taken_back() {
    let demo = Demo::new();
    let case = demo.case("alice.key");
    holds(
        &demo,
        &[
            (&["share"], 0, "You share nothing"),
            (&["share", "--explain"], 0, ""),
            (&["share", &case], 2, "look at it with --draft"),
            (&["share", &case, "--draft"], 0, "main diagnosis, coarsened"),
            (&["share", &case, "--draft", "--policy", "default"], 1, "another public policy"),
            (&["share", &case, "--draft", "--policy", "passphrase"], 1, "mend the policy"),
            (&["share", &case, "--yes", "--use", "education", "--days", "0"], 1, "terms"),
            (&["share", "00000000", "--yes"], 5, "you have no case"),
            (&["share", &case, "--yes", "--use", "education"], 0, "shared"),
            (&["share", &case, "--yes"], 1, "take it back first"),
            (&["share"], 0, "for education until"),
            (&["share", &case, "--retract"], 0, "taken back"),
            (&["share", &case, "--retract"], 1, "nothing of this case is shared"),
            (&["curate", "--look", "--key", "curator.key"], 0, "Nothing waits"),
            (&["curate", "--key", "curator.key"], 0, "0 cases in 0 batches"),
            (&["curate", "--policy", "default", "--key", "curator.key"], 1, "public"),
            (&["curate", "--policy", "no-such", "--key", "curator.key"], 1, "check the path"),
        ],
    );
    assert!(
        demo.json(&["curate", "--json", "--key", "curator.key"])["waiting"].as_array().unwrap().is_empty()
    );
    let lines = demo.json(&["history", "--json"]);
    assert!(
        lines.as_array().unwrap().iter().any(|line| line["verb"] == "shared with the public area"),
        "{lines}"
    );
}

/// Both the store and the host are put back to where they were: only who was there before can tell.
#[test]
fn a_vault_that_was_put_back_is_found_out_by_what_the_key_has_seen() {
    let demo = Demo::new();
    crate::stage::copy(&demo.at("vault"), &demo.at("before"));
    demo.ends(&["show"], 0, "");
    demo.ends(&["write", &demo.case("alice.key"), "config.toml"], 0, "case");
    fs::rename(demo.at("vault"), demo.at("after")).unwrap();
    fs::rename(demo.at("before"), demo.at("vault")).unwrap();
    let known = fs::read(demo.at("alice.key.memory")).unwrap();
    demo.ends(&["show"], 3, "keep the evidence");
    assert_eq!(fs::read(demo.at("alice.key.memory")).unwrap(), known, "a lie is not remembered");
    // Who lost what he saw is told so, and decides it himself.
    fs::remove_file(demo.at("alice.key.memory")).unwrap();
    demo.ends(&["show"], 4, "enrol --anew --role ROLE");
    demo.ends(&["enrol", "--anew", "--role", "doctor"], 12, "another role");
    assert!(!demo.at("alice.key.memory").exists());
    demo.ends(&["enrol", "--anew", "--role", "patient"], 0, "is trusted from here on");
    demo.ends(&["enrol", "--anew", "--role", "patient"], 1, "never overwritten");
    demo.ends(&["show"], 0, "case ");
    // What is kept is another key's, or damaged.
    fs::copy(demo.at("carl.key.memory"), demo.at("alice.key.memory")).unwrap();
    demo.ends(&["show"], 3, "belongs to another keyring");
    fs::write(demo.at("alice.key.memory"), "garbled").unwrap();
    demo.ends(&["show"], 1, "is damaged");
}

#[test]
fn nothing_but_words_is_on_stderr_where_it_is_no_terminal_and_who_reads_no_more_is_no_failure() {
    let demo = Demo::new();
    fs::write(demo.at("chart.json"), include_bytes!("../../examples/data/rash.json")).unwrap();
    let Ran { code, err, .. } = demo.given(b"", &["import", "chart.json", "chart.json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let place = tempfile::tempdir().unwrap();
    let made = fed(program(place.path()).args(["demo", "d"]), b"");
    assert!(
        !made.err.contains(['\u{1b}', '\r', '█', '░']) && made.err.lines().count() == 1,
        "{:?}",
        made.err
    );
    let mut head = Command::new("sh");
    let words = format!("{} history | true", crate::stage::PROGRAM);
    head.args(["-c", &words]).current_dir(demo.at("")).env("CASEVAULT_CONFIG", demo.at("config.toml"));
    let Ran { err, .. } = fed(&mut head, b"");
    assert_eq!(err, "");
    // Where it is one, a bar is drawn.
    if !has("script", "a_bar_is_drawn_on_a_terminal") {
        return;
    }
    let mut script = Command::new("script");
    let line = format!("{} demo {}", crate::stage::PROGRAM, place.path().join("e").display());
    script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
    let shown = fed(&mut script, b"");
    assert!(shown.out.contains("steps"), "{:?}", shown.out);
}
