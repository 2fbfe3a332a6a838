//! The helps, the completions, the man pages.

use std::{collections::BTreeSet, fs};

use crate::{
    demo::program,
    stage::{Ran, fed},
};

/// The commands below one, by its help.
fn below(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    let names =
        lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The help of every command, by its words.
fn helps() -> Vec<(Vec<String>, String)> {
    let place = tempfile::tempdir().unwrap();
    let (mut all, mut queue) = (Vec::new(), vec![Vec::<String>::new()]);
    while let Some(words) = queue.pop() {
        let Ran { code, out, err } = fed(program(place.path()).args(&words).arg("--help"), b"");
        assert_eq!(code, Some(0), "{words:?}: {err}");
        queue.extend(below(&out).into_iter().map(|name| [words.clone(), vec![name]].concat()));
        all.push((words, out));
    }
    all
}

#[test]
fn every_help_says_how_runs_end_and_no_option_takes_a_secret() {
    let all = helps();
    assert!(all.len() > 30, "{}", all.len());
    for (words, help) in &all {
        for line in [
            "0   all is well",
            "1   it could not be done",
            "2   the command line is wrong",
            "3   tampering was found",
            "4   evidence is missing",
            "5   denied",
            "12  the wrong key",
        ] {
            assert!(help.contains(line), "{words:?}: {line}\n{help}");
        }
        let options = help.split_whitespace().filter(|word| word.starts_with("--"));
        for option in options.filter(|option| option.contains("passphrase")) {
            let option = option.trim_end_matches(['.', ',', ')']);
            let is_way =
                option.ends_with("-file") || option.ends_with("-command") || option == "--host-passphrase";
            assert!(is_way, "{words:?}: {option}");
        }
    }
}

#[test]
fn every_shell_gets_completions_and_every_command_a_man_page() {
    let place = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let Ran { code, out, .. } = fed(program(place.path()).args(["completions", shell]), b"");
        assert_eq!(code, Some(0));
        assert!(
            out.len() > 10_000 && out.contains("passphrase-file") && out.contains("casevault"),
            "{shell}"
        );
    }
    let Ran { code, .. } = fed(program(place.path()).args(["completions", "tcsh"]), b"");
    assert_eq!(code, Some(2));
    let Ran { code, out, .. } = fed(program(place.path()).arg("man"), b"");
    assert!(code == Some(0) && out.contains(".TH casevault 1") && out.contains("Exit codes"), "{out}");
    let Ran { code, err, .. } = fed(program(place.path()).args(["man", "--out", "pages"]), b"");
    assert_eq!(code, Some(0), "{err}");
    let entries = fs::read_dir(place.path().join("pages")).unwrap().map(Result::unwrap);
    let made: BTreeSet<String> = entries
        .map(|entry| {
            let page = fs::read_to_string(entry.path()).unwrap();
            assert!(page.contains(".TH ") && page.contains("tampering was found"), "{:?}", entry.path());
            entry.file_name().into_string().unwrap()
        })
        .collect();
    let named =
        helps().into_iter().map(|(words, _)| [vec!["casevault".to_owned()], words].concat().join("-") + ".1");
    assert_eq!(made, named.collect());
}
