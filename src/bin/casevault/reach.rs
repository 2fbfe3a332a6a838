//! The host, and the way to its witnesses: what `witnesses.toml` in its folder says.
//!
//! ```toml
//! [[witness]]
//! name = "clinic.example/witness"     # as the policy names it
//! command = ["ssh", "witness@clinic.example", "casevault audit witness sign --key w.key --state w"]
//!
//! [[witness]]
//! name = "auditor.example/witness"
//! url = "http://10.0.0.7:8080/add-checkpoint"
//! ```
//!
//! A command gets the request on stdin and answers as `witness sign` does: 0 and signature lines; 3 and a size, or nothing; 5 if
//! it does not know the vault.

use std::{
    collections::BTreeMap,
    fmt, io,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use casevault::{
    crypto::Secret,
    limits::NOTE_BYTES_MAX,
    log::{Witness, WitnessReply},
    vault::{Host, HostDir, HostError, ShredTag},
};
use serde::Deserialize;

use crate::{
    disk,
    failure::{Done, Failure},
};

/// How long a witness is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const FILE: &str = "witnesses.toml";
const FILE_BYTES_MAX: usize = 256 * 1024;

/// How a witness is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Command(String, Vec<String>),
    Url(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    witness: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    command: Option<Vec<String>>,
    url: Option<String>,
}

/// What came of the last request to each witness.
pub(crate) type Heard = Arc<Mutex<BTreeMap<String, Said>>>;

/// What a witness said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing, for this reason.
    Nothing(String),
    /// A status, and the size it saw last if it said so.
    Status(u16, Option<u64>),
}

impl Said {
    /// Whether it saw a log that this one does not continue.
    pub(crate) const fn is_conflict(&self) -> bool {
        matches!(self, Self::Status(409 | 422, _))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(words) => write!(f, "no answer: {words}"),
            Self::Status(200, _) => f.write_str("signed"),
            Self::Status(403 | 404, _) => {
                f.write_str("does not know this vault: let it `witness trust` the key")
            }
            Self::Status(409 | 422, Some(size)) => {
                write!(f, "saw another log, of size {size}: this one branched off, or was rolled back")
            }
            Self::Status(409 | 422, None) => f.write_str("saw a log that this one does not continue"),
            Self::Status(status, _) => write!(f, "did not sign: status {status}"),
        }
    }
}

/// A host in a folder, whose witnesses can be reached.
#[derive(Debug)]
pub(crate) struct Reaching {
    inner: HostDir,
    ways: BTreeMap<String, Way>,
    heard: Heard,
}

impl Reaching {
    /// The host, with the ways that its folder names.
    pub(crate) fn over(inner: HostDir, folder: &Path) -> Done<Self> {
        let path = folder.join(FILE);
        let wrong = |words: &str| Failure::failed("witnesses", format!("{}: {words}", path.display()));
        let bytes = disk::read_if_there(&path, FILE_BYTES_MAX)?.unwrap_or_default();
        let text = str::from_utf8(&bytes).map_err(|_not_text| wrong("it is no text"))?;
        let table: Table = toml::from_str(text).map_err(|error| wrong(error.message()))?;
        let mut ways = BTreeMap::new();
        for Entry { name, command, url } in table.witness {
            let way =
                match (command.map(|words| words.split_first().map(|(a, b)| (a.clone(), b.to_vec()))), url) {
                    (Some(Some((program, arguments))), None) => Way::Command(program, arguments),
                    (None, Some(url)) if url.starts_with("http://") => Way::Url(url),
                    (None, Some(_)) => {
                        return Err(wrong(
                            "a url begins with http://; for https name a command that goes there",
                        ));
                    }
                    _ => return Err(wrong(&format!("{name} has either a command or a url"))),
                };
            if ways.insert(name.clone(), way).is_some() {
                return Err(wrong(&format!("{name} is there twice")));
            }
        }
        Ok(Self { inner, ways, heard: Heard::default() })
    }

    /// What witnesses said, as it will stand.
    pub(crate) fn heard(&self) -> Heard {
        Arc::clone(&self.heard)
    }
}

impl Host for Reaching {
    fn root(&self) -> Result<Secret<32>, HostError> {
        self.inner.root()
    }

    fn anchor(&self) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.anchor()
    }

    fn keep_anchor(&self, anchor: &[u8]) -> Result<(), HostError> {
        self.inner.keep_anchor(anchor)
    }

    fn shred_key(&self, tag: ShredTag) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.shred_key(tag)
    }

    fn keep_shred_key(&self, tag: ShredTag, wrapped: &[u8]) -> Result<(), HostError> {
        self.inner.keep_shred_key(tag, wrapped)
    }

    fn ask_witness(&self, witness: &Witness, request: &[u8]) -> Result<Option<WitnessReply>, HostError> {
        let name = witness.name().to_string();
        // One that is away is waited for once a run, and not at each checkpoint.
        let before = self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(Said::Nothing(words)) = before {
            return Err(io::Error::other(words).into());
        }
        let reply = match self.ways.get(&name) {
            None => Err(io::Error::other(format!("{FILE} in the host's folder names no way to it"))),
            Some(Way::Command(program, arguments)) => ask_command(program, arguments, request),
            Some(Way::Url(url)) => ask_url(url, request),
        };
        let said = match &reply {
            Ok(reply) => Said::Status(reply.status, reply.size()),
            Err(error) => Said::Nothing(error.to_string()),
        };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(name, said);
        Ok(Some(reply?))
    }
}

/// Asks a witness that is a command.
fn ask_command(program: &str, arguments: &[String], request: &[u8]) -> io::Result<WitnessReply> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let answered = talk(&mut child, request.to_vec());
    if answered.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    let body = answered?;
    match status.code() {
        Some(0) => Ok(WitnessReply { status: 200, body }),
        Some(5) => Ok(WitnessReply { status: 403, body: Vec::new() }),
        Some(3) => Ok(WitnessReply { status: if body.is_empty() { 422 } else { 409 }, body }),
        _ => Err(io::Error::other(format!("the command ended with {status}"))),
    }
}

/// What a command says, so many bytes and seconds at the most.
fn talk(child: &mut Child, request: Vec<u8>) -> io::Result<Vec<u8>> {
    let piped = || io::Error::other("no pipe");
    let (mut to, from) = (child.stdin.take().ok_or_else(piped)?, child.stdout.take().ok_or_else(piped)?);
    // A command may answer before it has read everything; whether it was heard, its answer says.
    thread::Builder::new().spawn(move || to.write_all(&request).unwrap_or_default())?;
    let (done, answer) = mpsc::channel();
    let most = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    thread::Builder::new().spawn(move || {
        // Nobody listens any more if it came too late.
        let mut body = Vec::new();
        let read = from.take(most).read_to_end(&mut body).map(|_bytes| body);
        done.send(read).unwrap_or_default();
    })?;
    let answer = answer.recv_timeout(PATIENCE).map_err(|_late| io::Error::from(io::ErrorKind::TimedOut))?;
    answer.and_then(|body| {
        if body.len() > NOTE_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(body) }
    })
}

/// Asks a witness over HTTP.
fn ask_url(url: &str, request: &[u8]) -> io::Result<WitnessReply> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into();
    let mut response = agent.post(url).send(request).map_err(ureq::Error::into_io)?;
    let status = response.status().as_u16();
    let most = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let body = response.body_mut().with_config().limit(most).read_to_vec().map_err(ureq::Error::into_io)?;
    Ok(WitnessReply { status, body })
}
