//! The pages for people: every command in them is run, and answers what stands there.
//!
//! ```text
//! $ a command           run by `sh`, in one folder for the page
//! > its next line
//! ? 3                   how it ends, if not with 0
//! what it says          on stdout and stderr; [..] stands for any text, a line ... for any lines
//! ```

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use casevault::audit::Fault;

use crate::{
    area::area,
    audit::clinic,
    demo::{Demo, alone},
    stage::{PROGRAM, Stage, ends, fed, vault},
};

/// A command of a page, and what it must come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    code: i32,
    says: Vec<String>,
}

/// The commands in a page's `console` blocks.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut is_console) = (Vec::<Step>::new(), false);
    for (number, line) in page.lines().enumerate() {
        match (is_console, line) {
            (false, "```console") => is_console = true,
            (true, "```") => is_console = false,
            (true, line) => {
                if let Some(command) = line.strip_prefix("$ ") {
                    let command = command.to_owned();
                    steps.push(Step { line: number + 1, command, ..Step::default() });
                    continue;
                }
                let step = steps.last_mut().expect("a block begins with a command");
                if let Some(more) = line.strip_prefix("> ") {
                    step.command += &format!("\n{more}");
                } else if let Some(code) = line.strip_prefix("? ") {
                    step.code = code.parse().unwrap();
                } else {
                    step.says.push(line.to_owned());
                }
            }
            (false, _) => (),
        }
    }
    assert!(!is_console, "a block does not end");
    steps
}

/// Whether a line is as it should be.
fn is_line(expected: &str, said: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = said.strip_prefix(parts.next().unwrap()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

fn are_lines(expected: &[String], said: &[&str]) -> bool {
    match (expected, said) {
        ([], said) => said.is_empty(),
        ([any, expected @ ..], said) if any == "..." => {
            (0..=said.len()).any(|from| are_lines(expected, &said[from..]))
        }
        ([one, expected @ ..], [line, said @ ..]) => is_line(one, line) && are_lines(expected, said),
        ([_, ..], []) => false,
    }
}

/// Runs a page in this folder.
fn run(page: &str, place: &Path) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let programs = Path::new(PROGRAM).parent().map(Path::to_path_buf);
    let paths = env::split_paths(&env::var_os("PATH").unwrap()).collect::<Vec<PathBuf>>();
    let paths = env::join_paths(programs.into_iter().chain(paths)).unwrap();
    let steps = steps(&fs::read_to_string(path).unwrap());
    for Step { line, command, code, says } in &steps {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(place).env("PATH", &paths);
        alone(&mut shell, place);
        let ran = fed(shell.stdin(Stdio::null()), b"");
        let said: Vec<&str> = ran.out.lines().collect();
        let is_so = ran.code == Some(*code) && are_lines(says, &said);
        assert!(is_so, "{page}, line {line}: {command}\nended with {:?} and said\n{}", ran.code, ran.out);
    }
    steps.len()
}

#[test]
fn the_auditors_page_says_what_happens() {
    let stage = Stage::new();
    fs::write(stage.at("doctor.receipt"), clinic(&stage.at("clinic"))).unwrap();
    let new =
        ["audit", "witness", "new", "--key", &stage.path("witness.key"), "--name", "auditor.example/witness"];
    let vkey = ends(&new, 0, "");
    vault(&stage.at("practice"), &[&vkey], 1);
    assert!(run("auditor.md", &stage.at("")) > 15);
}

#[test]
fn the_operators_page_says_what_happens() {
    let stage = Stage::new();
    assert!(run("operator.md", &stage.at("")) > 15);
}

#[test]
fn the_registrars_page_says_what_happens() {
    let demo = Demo::new();
    fs::write(demo.at("licence"), "GMC 7012345").unwrap();
    for (file, name) in [("erik", "Dr. Erik Eklund"), ("max", "Dr. Max Mallory")] {
        let (key, card) = (format!("{file}.key"), format!("{file}.card"));
        demo.ends(&["keys", "new", &key, "--role", "doctor", "--card", &card], 0, "doctor");
        demo.ends(&["enrol", "--key", &key, "--name", name, "--licence", "licence"], 0, "Enrolled");
    }
    assert!(run("registrar.md", &demo.at("")) > 9);
}

#[test]
fn the_researchers_page_says_what_happens() {
    let stage = Stage::new();
    area(&stage.at("clinic"), 24);
    assert!(run("researcher.md", &stage.at("")) > 10);
}

/// Who finds something looks it up: nothing that an audit finds is left out, and each has its gravity.
#[test]
fn the_auditors_page_explains_every_finding() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/auditor.md")).unwrap();
    for fault in Fault::ALL {
        let row = format!("| {fault} | {} |", fault.gravity().word());
        assert!(page.contains(&row), "{row}");
    }
}

#[test]
fn a_page_is_held_to_its_words() {
    let page = "```console\n$ echo one\n> two\n? 3\nany [..] text\n```\n$ not this\n";
    let step = Step {
        line: 2,
        command: "echo one\ntwo".to_owned(),
        code: 3,
        says: vec!["any [..] text".to_owned()],
    };
    assert_eq!(steps(page), [step]);
    let of = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(are_lines(&of(&["a[..]c", "...", "z"]), &["abc", "k", "z"]));
    assert!(are_lines(&of(&["a[..]b[..]"]), &["ab"]) && are_lines(&of(&["..."]), &[]));
    for (expected, said) in [
        (&["a[..]c"][..], &["abd"][..]),
        (&["a"], &["ab"]),
        (&["a"], &["a", "b"]),
        (&["a", "b"], &["a"]),
        (&["...", "z"], &["z", "k"]),
        (&[], &["a"]),
        (&["a[..]bb"], &["ab"]),
    ] {
        assert!(!are_lines(&of(expected), said), "{expected:?} {said:?}");
    }
}
