//! The demonstration, and what the tests of people's commands share: a vault with everybody in it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{PROGRAM, Ran, fed};

/// A folder with a demonstration in it.
pub(crate) struct Demo {
    place: TempDir,
    /// What the demonstration says to try, a line a command.
    pub(crate) lines: Vec<String>,
}

/// The program as a person runs it in a folder: no setting of the one who tests.
pub(crate) fn program(place: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(place);
    alone(&mut command, place);
    command
}

/// Takes the settings of the one who tests away.
pub(crate) fn alone(command: &mut Command, place: &Path) {
    let mine = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CASEVAULT_"));
    mine.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command.env("XDG_CONFIG_HOME", place.join("nobodys-config"));
}

/// The first digits of an id.
pub(crate) fn first(id: &str, digits: usize) -> &str {
    id.get(..digits).unwrap()
}

/// Whether a program that a test needs is here; without it the test names itself as skipped.
pub(crate) fn has(needed: &str, test: &str) -> bool {
    let is_here = Command::new(needed).arg("--version").output().is_ok();
    if !is_here {
        // Past the test harness, which keeps what passes to itself.
        writeln!(std::io::stderr(), "SKIPPED {test}: there is no `{needed}`").unwrap();
    }
    is_here
}

impl Demo {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let Ran { code, out, err } = fed(program(place.path()).args(["demo", "demo"]), b"");
        assert_eq!(code, Some(0), "{err}");
        let lines = out.lines().map(str::to_owned).collect();
        Self { place, lines }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.place.path().join("demo").join(name)
    }

    /// A command in the demonstration's folder, with its config file.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program(&self.at(""));
        command.args(words).env("CASEVAULT_CONFIG", self.at("config.toml"));
        command
    }

    pub(crate) fn given(&self, input: &[u8], words: &[&str]) -> Ran {
        fed(&mut self.command(words), input)
    }

    /// Runs a command, and holds it to its exit code and to what it says; what was on stdout.
    pub(crate) fn ends(&self, words: &[&str], code: i32, says: &str) -> String {
        let Ran { code: ended, out, err } = self.given(b"", words);
        assert_eq!(ended, Some(code), "{words:?}\n{out}{err}");
        assert!(format!("{out}{err}").contains(says), "{words:?}: {says:?} is not in\n{out}{err}");
        out
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let out = self.ends(words, 0, "");
        assert_eq!(out.lines().count(), 1, "{words:?}: {out}");
        serde_json::from_str(&out).unwrap()
    }

    /// The id of the only or first case of a key.
    pub(crate) fn case(&self, key: &str) -> String {
        self.json(&["show", "--json", "--key", key])[0]["case"].as_str().unwrap().to_owned()
    }

    pub(crate) fn party(&self, card: &str) -> String {
        self.json(&["keys", "show", "--json", card])["party"].as_str().unwrap().to_owned()
    }
}

#[test]
fn everything_the_demonstration_says_to_try_works() {
    let demo = Demo::new();
    let programs = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
    let mut set = String::new();
    let mut told = Vec::new();
    for line in &demo.lines {
        if line.starts_with("cd ") || line.starts_with("export ") {
            set += &format!("{line}\n");
            continue;
        }
        let mut shell = Command::new("sh");
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        shell.args(["-ec", &format!("{set}{line}")]).current_dir(demo.place.path()).env("PATH", path);
        alone(&mut shell, demo.place.path());
        let Ran { code, out, err } = fed(&mut shell, b"");
        assert_eq!(code, Some(0), "{line}\n{out}{err}");
        assert!(!(out.is_empty() && err.is_empty()), "{line}: says nothing");
        told.push((line.clone(), out));
    }
    assert_eq!(told.len(), 14, "a command was left away: {told:?}");
    let of = |words: &str| &told.iter().find(|(line, _)| line.contains(words)).unwrap().1;
    assert!(of("dr-brandt.key    #").contains("Alice Liddell"));
    assert!(!of("dr-conti.key    #").contains("Alice") && of("dr-conti.key    #").contains("Cough"));
    assert!(of("history").contains("opened your case"));
    assert!(of("revoke").contains("taken back from doctor"));
    assert!(of("--draft").contains("main diagnosis"));
}

#[test]
fn a_demonstration_is_made_where_nothing_is_and_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("there"), "mine").unwrap();
    for (folder, says) in [("there", "is there already"), ("no/such/place", "cannot be written")] {
        let Ran { code, out, err } = fed(program(place.path()).args(["demo", folder]), b"");
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains(says), "{err}");
    }
    assert_eq!(std::fs::read(place.path().join("there")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}
