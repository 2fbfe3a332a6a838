//! What the tests of witnesses, watches and the public area share: a vault on disk, and the program.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use casevault::{
    access::Policy,
    log::{Witness, WitnessPolicy},
    party::{Keyring, Patient, Role},
    session::Session,
    store::SledStore,
    vault::{HostDir, Vault},
};
use tempfile::TempDir;

/// Held while a vault is open in this process, and while a program is begun: a child has every lock of its parent until it is
/// the program, and would hold a store that was closed meanwhile.
static GATE: Mutex<()> = Mutex::new(());

pub(crate) fn gate() -> MutexGuard<'static, ()> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn begun(command: &mut Command) -> Child {
    let _alone = gate();
    command.spawn().unwrap()
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_casevault");

/// A folder for one test.
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }
}

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn ran(output: Output) -> Ran {
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Runs the program with something on stdin.
pub(crate) fn given(input: &[u8], words: &[&str]) -> Ran {
    let mut command = Command::new(PROGRAM);
    command.args(words);
    fed(&mut command, input)
}

pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = begun(command);
    // Who ends before it has read all is judged by how it ended.
    child.stdin.take().unwrap().write_all(input).unwrap_or_default();
    ran(child.wait_with_output().unwrap())
}

/// Runs the program, holds it to its exit code and to what it says; what was on stdout.
pub(crate) fn ends(words: &[&str], code: i32, says: &str) -> String {
    given_ends(b"", words, code, says)
}

pub(crate) fn given_ends(input: &[u8], words: &[&str], code: i32, says: &str) -> String {
    let Ran { code: ended, out, err } = given(input, words);
    assert_eq!(ended, Some(code), "{words:?}\n{out}{err}");
    assert!(format!("{out}{err}").contains(says), "{words:?}: {says:?} is not in\n{out}{err}");
    out
}

/// A vault in which one is enrolled, and whose policy asks for so many of these witnesses.
pub(crate) fn vault(place: &Path, witnesses: &[&str], needed: usize) {
    let _alone = gate();
    let registrar = Keyring::generate().unwrap();
    let named = witnesses.iter().map(|vkey| Witness::parse(vkey.trim()).unwrap()).collect();
    let policy = Policy::trusting([&registrar.card(Role::Registrar)])
        .witnessed_by(WitnessPolicy::new(named, needed).unwrap());
    let store = SledStore::open(place.join("store")).unwrap();
    let vault = Vault::create(store, HostDir::open(place.join("host")).unwrap(), policy).unwrap();
    drop(Session::<Patient>::enrol(&vault, Keyring::generate().unwrap(), "Alice").unwrap());
    vault.close().unwrap();
}

/// One more is enrolled in it, and its log grows.
pub(crate) fn grow(place: &Path) {
    let _alone = gate();
    let vault = reopened(place);
    drop(Session::<Patient>::enrol(&vault, Keyring::generate().unwrap(), "One more").unwrap());
    vault.close().unwrap();
}

/// Opens it in this process: for as long as the gate is held.
pub(crate) fn reopened(place: &Path) -> Vault {
    let host = HostDir::open(place.join("host")).unwrap();
    Vault::open(SledStore::open(place.join("store")).unwrap(), host).unwrap()
}

/// Copies a folder as it is.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
