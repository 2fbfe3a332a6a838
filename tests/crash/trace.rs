//! `strace`: which system calls a worker makes on the files of its place, and one of them made to fail or to kill.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    place::Place,
    worker::{self, Said},
};

/// The calls that change what is on disk. `openat` counts where it creates.
const CALLS: [&str; 20] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "ftruncate",
    "fallocate",
    "openat",
    "mkdir",
    "mkdirat",
    "link",
    "linkat",
];

/// The calls that begin a thread.
const THREADS: [&str; 2] = ["clone", "clone3"];

/// Longer than any worker takes: one that runs on has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many threads the engine writes with. `strace` counts by thread: what several of them write in turns is told
/// apart only where one of them does it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// As many as it likes.
    Any,
    /// One: it is refused the others.
    One,
}

const SIGKILL: i32 = 9;

/// One call of a worker's life: the nth of its kind that a thread makes on these files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) nth: usize,
    pub(crate) writers: Writers,
    /// The files it names, relative to the place.
    pub(crate) paths: BTreeSet<String>,
    /// Whether the verb was acknowledged before.
    pub(crate) is_after: bool,
}

/// What is done at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Injection {
    /// The call fails, once.
    Fails,
    /// From this call on there is no space.
    Full,
    /// The process is killed instead of making the call.
    Kill,
}

impl Injection {
    pub(crate) const ALL: [Self; 3] = [Self::Fails, Self::Full, Self::Kill];

    fn rule(self, Call { name, nth, .. }: &Call) -> String {
        match self {
            Self::Fails => format!("inject={name}:error=EIO:when={nth}"),
            Self::Full => format!("inject={name}:error=ENOSPC:when={nth}+"),
            Self::Kill => format!("inject={name}:signal=SIGKILL:when={nth}"),
        }
    }
}

/// How a worker under trace ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) said: Said,
    /// None: it hung.
    pub(crate) status: Option<ExitStatus>,
    log: String,
}

/// A worker under trace: the job, the place, the round, and the files beside them for what is said.
pub(crate) struct Trace<'t> {
    pub(crate) job: &'t str,
    pub(crate) place: &'t Place,
    pub(crate) round: u32,
}

impl Trace<'_> {
    /// Runs it to its end, with every call on its place written down.
    pub(crate) fn plain(&self, writers: Writers) -> Ended {
        self.run(&Self::limits(writers))
    }

    /// Runs it with one call on these files failing or killing.
    pub(crate) fn injected(&self, call: &Call, injection: Injection, paths: &BTreeSet<String>) -> Ended {
        let mut options = Self::limits(call.writers);
        options.extend(["-e".to_owned(), injection.rule(call)]);
        // A thread has no path: where threads are refused, calls on other files count too. Of those that are injected
        // then, there are none.
        for path in paths.iter().filter(|_| call.writers == Writers::Any) {
            options.extend(["-P".to_owned(), self.place.path().join(path).to_str().unwrap().to_owned()]);
        }
        self.run(&options)
    }

    /// The first thread that each thread begins: the harness's, then the engine's.
    fn limits(writers: Writers) -> Vec<String> {
        match writers {
            Writers::Any => Vec::new(),
            Writers::One => vec!["-e".to_owned(), "inject=?clone,?clone3:error=EAGAIN:when=2+".to_owned()],
        }
    }

    fn run(&self, options: &[String]) -> Ended {
        let beside = |name: &str| self.place.path().with_extension(name);
        let (log, out) = (beside("trace"), beside("out"));
        let traced: Vec<String> = CALLS.iter().chain(&THREADS).map(|call| format!("?{call}")).collect();
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-qq", "-o"]).arg(&log);
        command.args(["-e", &format!("trace={}", traced.join(","))]).args(options);
        command.arg("--").args(worker::program());
        worker::environment(&mut command, self.job, self.place, self.round);
        let output = File::create(&out).unwrap();
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let status = wait(command.spawn().unwrap());
        let mut said = Said::default();
        String::from_utf8_lossy(&fs::read(&out).unwrap()).lines().for_each(|line| said.hear(line));
        let log = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        Ended { said, status, log }
    }
}

/// Waits for a process, and ends one that has hung: `strace` takes with it what it traces when it is told to end.
fn wait(mut child: Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl Ended {
    /// The calls that change something in the place, each kind counted by thread, and every file any call names.
    pub(crate) fn calls(&self, place: &Place, writers: Writers) -> (Vec<Call>, BTreeSet<String>) {
        let prefix = format!("{}/", place.path().to_str().unwrap());
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut calls: Vec<Call> = Vec::new();
        let mut all = BTreeSet::new();
        let mut is_after = false;
        for line in self.log.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
            is_after |= name == "write" && rest.contains("\"\\ndone\\n\"");
            let paths: BTreeSet<String> = paths(rest, &prefix);
            if !CALLS.contains(&name) || paths.is_empty() {
                continue;
            }
            let nth = counts.entry((thread, name)).or_default();
            *nth += 1;
            all.extend(paths.iter().cloned());
            let changes = name != "openat" || rest.contains("O_CREAT");
            let is_known = calls.iter().any(|call| call.name == name && call.nth == *nth);
            if changes && !is_known {
                calls.push(Call { name: name.to_owned(), nth: *nth, writers, paths, is_after });
            }
        }
        (calls, all)
    }

    /// Whether what was to be injected came to be.
    pub(crate) fn is_injected(&self, call: &Call, injection: Injection) -> bool {
        match injection {
            Injection::Fails | Injection::Full => {
                let begin = format!("{}(", call.name);
                let resumed = format!("<... {} resumed>", call.name);
                let is_it = |line: &&str| line.contains(&begin) || line.contains(&resumed);
                self.log.lines().filter(is_it).any(|line| line.ends_with("(INJECTED)"))
            }
            // `strace` ends as what it traced ended.
            Injection::Kill => self.status.is_some_and(|status| status.signal() == Some(SIGKILL)),
        }
    }
}

/// The files of a place that a line of the trace names, in quotes or as what a descriptor is of.
fn paths(line: &str, prefix: &str) -> BTreeSet<String> {
    let after = line.match_indices(prefix).map(|(at, _)| line.get(at + prefix.len()..).unwrap_or_default());
    let name = |rest: &str| rest.split(['"', '>', '<', '(']).next().unwrap_or_default().trim().to_owned();
    after.map(name).filter(|name| !name.is_empty()).collect()
}

/// Why system calls cannot be traced here, if they cannot.
pub(crate) fn missing() -> Option<String> {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=write", "true"])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            Some(format!("strace cannot trace here: {words}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("strace is not installed".to_owned()),
        Err(error) => Some(format!("strace does not start: {error}")),
    }
}
