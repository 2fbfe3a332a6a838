//! `casevault audit witness`: what it signs, and what not.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use casevault::{
    crypto::{Secret, Signer},
    id::Digest,
    log::{CosignRequest, KeyName, NoteSigner, SignedCheckpoint, Witness, WitnessState},
    merkle::{self, Head},
};

use crate::stage::{PROGRAM, Ran, Stage, begun, copy, ends, fed, given, given_ends};

/// A log of this key, with an entry for each of these.
struct Log {
    signer: Signer,
    entries: Vec<Digest>,
}

impl Log {
    fn new(seed: u8, entries: &[u8]) -> Self {
        let entries = entries.iter().map(|entry| merkle::leaf_hash(&[*entry])).collect();
        Self { signer: Signer::from_seed(&Secret::from_bytes([seed; 32])), entries }
    }

    fn named(&self) -> NoteSigner<'_> {
        NoteSigner::new(KeyName::parse("log.example").unwrap(), &self.signer)
    }

    fn vkey(&self) -> String {
        self.named().verifier().to_string()
    }

    fn head(&self, size: usize) -> Head {
        merkle::root(&self.entries[..size])
    }

    /// The request to sign this size for who saw that one.
    fn request(&self, old: usize, size: usize) -> Vec<u8> {
        let old = old.try_into().unwrap();
        // A proof from no true size proves nothing.
        let proof = merkle::prove_consistency(&self.entries[..size], old).unwrap_or_default();
        let checkpoint = SignedCheckpoint::sign(self.head(size), &self.named()).unwrap();
        CosignRequest::new(old, proof, checkpoint).unwrap().to_string().into_bytes()
    }
}

/// A witness's key and folder, which know a log.
fn desk(stage: &Stage, log: &Log) -> (String, String, Witness) {
    let (key, state) = (stage.path("w.key"), stage.path("w"));
    let vkey = ends(
        &["audit", "witness", "new", "--key", &key, "--name", "witness.example/w"],
        0,
        "witness.example/w+",
    );
    ends(&["audit", "witness", "trust", "--state", &state, &log.vkey()], 0, "known from now on");
    (key, state, Witness::parse(vkey.trim()).unwrap())
}

pub(crate) fn sign_words<'w>(key: &'w str, state: &'w str) -> [&'w str; 7] {
    ["audit", "witness", "sign", "--key", key, "--state", state]
}

fn is_line_of(line: &str, witness: &Witness, log: &Log, size: usize) -> bool {
    let checkpoint = SignedCheckpoint::sign(log.head(size), &log.named()).unwrap();
    checkpoint.with_answer(witness, line.as_bytes()).is_ok()
}

#[test]
fn a_key_is_made_once_shown_again_and_nobody_elses_to_read() {
    let stage = Stage::new();
    let key = stage.path("w.key");
    let new = ["audit", "witness", "new", "--key", &key, "--name", "clinic.example/w"];
    let vkey = ends(&new, 0, "clinic.example/w+");
    assert!(Witness::parse(vkey.trim_end()).is_ok());
    assert_eq!(ends(&["audit", "witness", "show", "--key", &key], 0, ""), vkey);
    let made = fs::read(&key).unwrap();
    ends(&new, 1, "never overwritten");
    assert_eq!(fs::read(&key).unwrap(), made);
    let bad = ["audit", "witness", "new", "--key", &stage.path("other"), "--name", "a b"];
    ends(&bad, 2, "no spaces");
    ends(&["audit", "witness", "new", "--name", "w"], 2, "--key");
    ends(&["audit", "witness", "show", "--key", &stage.path("nowhere")], 1, "check the path");
    let text = String::from_utf8(made).unwrap();
    fs::write(stage.at("short"), text.trim_end()).unwrap();
    let renamed = text.replace("clinic", "cosmic");
    fs::write(stage.at("renamed"), renamed).unwrap();
    for name in ["short", "renamed"] {
        only_mine(&stage.at(name));
        ends(&["audit", "witness", "show", "--key", &stage.path(name)], 1, "no witness's key");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        ends(&["audit", "witness", "show", "--key", &key], 1, "others can read");
    }
}

#[cfg(unix)]
fn only_mine(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn only_mine(_path: &Path) {}

#[test]
fn what_grows_is_signed_and_forks_stale_sizes_and_strangers_are_not() {
    let stage = Stage::new();
    let (log, fork) = (Log::new(7, &[1, 2, 3, 4, 5]), Log::new(7, &[1, 9, 3, 4, 5]));
    let (key, state, witness) = desk(&stage, &log);
    let sign = sign_words(&key, &state);
    let line = given_ends(&log.request(0, 2), &sign, 0, "");
    assert!(is_line_of(&line, &witness, &log, 2) && !is_line_of(&line, &witness, &fork, 2));
    // The same once more, from a file.
    fs::write(stage.at("request"), log.request(2, 2)).unwrap();
    let line = ends(&[&sign[..], &[&stage.path("request")]].concat(), 0, "");
    assert!(is_line_of(&line, &witness, &log, 2));
    // A stale size says the size, on stdout.
    assert_eq!(given_ends(&log.request(0, 3), &sign, 3, "last seen was of size 2"), "2\n");
    assert_eq!(given_ends(&log.request(3, 4), &sign, 3, "last seen was of size 2"), "2\n");
    // Two roots of one size; a history that does not continue what was seen.
    assert_eq!(given_ends(&fork.request(2, 2), &sign, 3, "branched off"), "2\n");
    assert_eq!(given_ends(&fork.request(2, 4), &sign, 3, "does not grow"), "");
    let stranger = Log::new(8, &[1, 2, 3]);
    assert_eq!(given_ends(&stranger.request(2, 3), &sign, 5, "did not sign"), "");
    let fresh = stage.path("fresh");
    ends(&["audit", "witness", "trust", "--state", &fresh, VKEY], 0, "known from now on");
    assert_eq!(given_ends(&log.request(0, 2), &sign_words(&key, &fresh), 5, "`witness trust`"), "");
    assert_eq!(given_ends(b"old 2\n", &sign, 1, "add-checkpoint"), "");
    assert_eq!(given_ends(&vec![b'a'; CosignRequest::BYTES_MAX + 9], &sign, 1, "is longer than"), "");
    // What the log itself signed and cannot have is kept: two checkpoints that do not go together. Other requests are not.
    let kept = |name: &str| kept_files(&state, name);
    given_ends(&fork.request(2, 4), &sign, 3, ".2.refused");
    assert_eq!(kept("refused"), [fork.request(2, 2), fork.request(2, 4)]);
    let seen = SignedCheckpoint::parse(&kept("checkpoint")[0]).unwrap();
    assert_eq!(seen.verify(&log.named().verifier()).unwrap().head, log.head(2));
    let refused = CosignRequest::parse(&kept("refused")[0]).unwrap();
    assert_eq!(refused.checkpoint().verify(&log.named().verifier()).unwrap().head, fork.head(2));
    for entry in 20..40 {
        given_ends(&Log::new(7, &[1, entry]).request(2, 2), &sign, 3, "branched off");
    }
    assert_eq!(kept("refused").len(), 16, "a log that forks without end fills no disk");
    // None of that moved it.
    let known = ends(&["audit", "witness", "known", "--state", &state], 0, "");
    assert_eq!(known, "log.example  2\n");
    assert!(is_line_of(&given_ends(&log.request(2, 5), &sign, 0, ""), &witness, &log, 5));
    let known = ends(&["audit", "witness", "known", "--state", &state, "--json"], 0, "");
    let known: serde_json::Value = serde_json::from_str(&known).unwrap();
    assert_eq!((known["size"].as_u64(), known["vkey"].as_str()), (Some(5), Some(log.vkey().as_str())));
}

/// The files of a witness's folder whose names end so, in the order of their names.
fn kept_files(state: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A log's verifier key of C2SP's example.
pub(crate) const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

#[test]
fn a_log_is_known_by_one_key() {
    let stage = Stage::new();
    let log = Log::new(7, &[1, 2]);
    let (key, state, _witness) = desk(&stage, &log);
    given_ends(&log.request(0, 2), &sign_words(&key, &state), 0, "");
    // To know it again loses nothing of what was seen.
    ends(&["audit", "witness", "trust", "--state", &state, &log.vkey()], 0, "known already");
    ends(&["audit", "witness", "known", "--state", &state], 0, "log.example  2\n");
    ends(
        &["audit", "witness", "trust", "--state", &state, &Log::new(8, &[]).vkey()],
        1,
        "another key is known",
    );
    ends(&["audit", "witness", "trust", "--state", &state, "log.example"], 2, "verifier key");
    ends(&["audit", "witness", "trust", "--state", &state], 2, "VKEY");
    ends(&["audit", "witness", "known", "--state", &stage.path("nowhere")], 1, "witness trust");
    let nowhere = stage.path("nowhere");
    given_ends(&log.request(0, 2), &sign_words(&key, &nowhere), 1, "witness trust");
    for entry in fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "state") {
            fs::write(path, "damaged").unwrap();
        }
    }
    assert_eq!(given_ends(&log.request(0, 2), &sign_words(&key, &state), 1, "sign nothing more"), "");
}

/// The size that is on the disk.
pub(crate) fn size_on_disk(state: &str) -> u64 {
    let files = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let mut states = files.filter(|path| path.extension().is_some_and(|ending| ending == "state"));
    WitnessState::parse(&fs::read_to_string(states.next().unwrap()).unwrap()).unwrap().head().size
}

#[cfg(unix)]
#[test]
fn who_cannot_keep_what_it_saw_shows_no_signature() {
    let stage = Stage::new();
    let log = Log::new(7, &[1, 2, 3]);
    let (key, state, witness) = desk(&stage, &log);
    // No file may be written: the first byte of the state ends the process.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 0; exec \"$@\"", "sh", PROGRAM]).args(sign_words(&key, &state));
    let Ran { code, out, .. } = fed(&mut limited, &log.request(0, 2));
    assert!(code != Some(0) && out.is_empty(), "{code:?} {out}");
    assert_eq!(size_on_disk(&state), 0);
    let line = given_ends(&log.request(0, 2), &sign_words(&key, &state), 0, "");
    assert!(is_line_of(&line, &witness, &log, 2));
}

/// Killed at each of its calls that could make something durable, or known: where there is a signature there is the state.
#[cfg(target_os = "linux")]
#[test]
fn killed_anywhere_there_is_no_signature_without_its_state() {
    let has_strace = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !has_strace.is_ok_and(|status| status.success()) {
        writeln!(
            std::io::stderr(),
            "SKIPPED killed_anywhere_there_is_no_signature_without_its_state: there is no `strace`"
        )
        .unwrap();
        return;
    }
    let log = Log::new(7, &[1, 2, 3]);
    let stage = Stage::new();
    let (key, state, _witness) = desk(&stage, &log);
    for call in ["write", "fsync", "rename", "openat", "close", "flock"] {
        for when in 1..60 {
            let fresh = stage.path(&format!("{call}{when}"));
            copy(Path::new(&state), Path::new(&fresh));
            let mut traced = Command::new("strace");
            traced.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            traced.args(["-e", &format!("inject={call}:signal=KILL:when={when}"), PROGRAM]);
            traced.args(sign_words(&key, &fresh));
            let Ran { code, out, .. } = fed(&mut traced, &log.request(0, 2));
            let size = size_on_disk(&fresh);
            assert!(out.is_empty() || size == 2, "{call} {when}: {out}");
            if code == Some(0) {
                assert!(!out.is_empty(), "{call} {when}");
                break;
            }
        }
        // A disk that does not make it durable.
        if call == "fsync" {
            let fresh = stage.path("failing");
            copy(Path::new(&state), Path::new(&fresh));
            let mut traced = Command::new("strace");
            traced.args([
                "-f",
                "-o",
                "/dev/null",
                "-e",
                "trace=fsync",
                "-e",
                "inject=fsync:error=EIO:when=1",
                PROGRAM,
            ]);
            traced.args(sign_words(&key, &fresh));
            let Ran { code, out, err } = fed(&mut traced, &log.request(0, 2));
            assert_eq!((code, out.as_str(), size_on_disk(&fresh)), (Some(1), "", 0), "{err}");
        }
    }
}

#[test]
fn of_many_at_once_over_one_folder_one_history_is_signed() {
    let stage = Stage::new();
    let log = Log::new(7, &[1]);
    let (key, state, witness) = desk(&stage, &log);
    let histories: Vec<Log> = (0..8).map(|number| Log::new(7, &[1, 10 + number])).collect();
    let lines: Vec<Ran> = thread::scope(|scope| {
        let asked: Vec<_> = histories
            .iter()
            .map(|history| scope.spawn(|| given(&history.request(0, 2), &sign_words(&key, &state))))
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let signed: Vec<_> = lines.iter().zip(&histories).filter(|(ran, _)| ran.code == Some(0)).collect();
    assert_eq!(signed.len(), 1);
    assert!(is_line_of(&signed[0].0.out, &witness, signed[0].1, 2));
    assert!(lines.iter().all(|ran| ran.code == Some(0) || (ran.code == Some(3) && ran.out == "2\n")));
}

/// A witness that listens; ended with this.
pub(crate) struct Serving(Child, pub(crate) String);

impl Serving {
    pub(crate) fn begin(key: &str, state: &str) -> Self {
        let words = ["audit", "witness", "serve", "--listen", "127.0.0.1:0", "--key", key, "--state", state];
        let mut command = Command::new(PROGRAM);
        let mut child = begun(command.args(words).stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self(child, url.trim().to_owned())
    }

    fn address(&self) -> &str {
        self.1.strip_prefix("http://").unwrap().strip_suffix("/add-checkpoint").unwrap()
    }

    /// Sends these bytes: the status, the head and the body of what comes.
    fn send(&self, bytes: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        // Who is refused early may be cut off.
        stream.write_all(bytes).unwrap_or_default();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_default();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    fn post(&self, body: &[u8]) -> (u16, String, String) {
        let head =
            format!("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n\r\n", body.len());
        self.send(&[head.as_bytes(), body].concat())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn over_http_a_witness_answers_as_c2sp_says() {
    let stage = Stage::new();
    let (log, fork) = (Log::new(7, &[1, 2, 3, 4]), Log::new(7, &[1, 9, 3, 4]));
    let (key, state, witness) = desk(&stage, &log);
    let serving = Serving::begin(&key, &state);
    let (status, _, line) = serving.post(&log.request(0, 2));
    assert!(status == 200 && is_line_of(&line, &witness, &log, 2), "{status} {line}");
    let (status, head, size) = serving.post(&log.request(1, 3));
    assert_eq!((status, size.as_str()), (409, "2\n"));
    assert!(head.contains("\r\nContent-Type: text/x.tlog.size\r\n"), "{head}");
    let status = |body: &[u8]| serving.post(body).0;
    assert_eq!(status(&fork.request(2, 2)), 409);
    assert_eq!(status(&fork.request(2, 3)), 422);
    assert_eq!(status(&Log::new(8, &[1, 2, 3]).request(2, 3)), 403);
    let elsewhere = String::from_utf8(log.request(2, 3)).unwrap().replace("log.example", "log.elsewhere");
    assert_eq!(status(elsewhere.as_bytes()), 404);
    assert_eq!(status(b"old 2\n"), 400);
    let sent = |bytes: &[u8]| serving.send(bytes).0;
    assert_eq!(sent(b"GET /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n"), 405);
    assert_eq!(sent(b"POST /other HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n"), 404);
    assert_eq!(sent(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n"), 411);
    let chunked =
        b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n";
    assert_eq!(sent(chunked), 411);
    let (whole, seen) = (log.request(2, 3), size_on_disk(&state));
    let twice = format!(
        "POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: {}\r\n\r\n",
        whole.len()
    );
    assert_eq!((sent(&[twice.as_bytes(), &whole].concat()), size_on_disk(&state)), (400, seen));
    assert_eq!(sent(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: +1\r\n\r\na"), 400);
    assert_eq!(sent(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 999999999\r\n\r\na"), 413);
    assert_eq!(sent(&vec![b'x'; 64 * 1024]), 431);
    assert_eq!(sent(b"\x00\xff\r\n\r\n"), 400);
    // It shares its folder with who signs beside it, and goes on from there after it was ended.
    given_ends(&log.request(2, 3), &sign_words(&key, &state), 0, "");
    assert_eq!(serving.post(&log.request(2, 4)).2, "3\n");
    drop(serving);
    let again = Serving::begin(&key, &state);
    let (status, _, line) = again.post(&log.request(3, 4));
    assert!(status == 200 && is_line_of(&line, &witness, &log, 4));
    let serve = ["audit", "witness", "serve", "--key", &key];
    ends(
        &[&serve[..], &["--state", &stage.path("nowhere"), "--listen", "127.0.0.1:0"]].concat(),
        1,
        "witness trust",
    );
    ends(&[&serve[..], &["--state", &state, "--listen", again.address()]].concat(), 1, again.address());
    ends(&[&serve[..], &["--state", &state]].concat(), 2, "--listen");
}
