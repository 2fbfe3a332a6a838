//! `casevault audit witness`: keeps the last checkpoint of the vaults it knows, signs what grows from it, refuses what does not.

mod key;
mod serve;
mod state;

use std::path::{Path, PathBuf};

use casevault::{
    log::{CosignRequest, NoteVerifier, WitnessRefusal},
    time::{Clock as _, SystemClock},
};
use clap::{Args, Subcommand};
use serde_json::json;

use self::{key::Key, state::States};
use crate::{
    Ending, disk,
    failure::{Done, Failure},
    screen,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key, in a file that must not be there; prints what verifies it.
    New {
        /// The key file to make; only its user can read it. It is in the clear, for a witness signs with nobody by.
        #[arg(long = "key", id = "key-setting", value_name = "FILE")]
        key: PathBuf,
        /// The witness's name: a place of one's own, like clinic.example/witness.
        #[arg(long)]
        name: String,
    },
    /// Print what verifies a key: the line that the vault's policy names.
    Show {
        /// The key file.
        #[arg(long = "key", id = "key-setting", value_name = "FILE")]
        key: PathBuf,
    },
    /// Begin to know a vault: its log's key, from `audit vkey`, got another way than by the requests.
    Trust {
        /// The folder in which the witness keeps what it saw; made if it is not there. One key, one folder: never restore it
        /// from a copy, for a witness that forgets may sign two histories.
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// The log's verifier key.
        vkey: String,
    },
    /// The vaults that are known, and the size last signed of each.
    Known {
        /// The witness's folder.
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Answer one request (C2SP tlog-witness, the body of add-checkpoint) with signature lines on stdout.
    ///
    /// Ends with 3 for a fork, and for another size than the one last signed, which is then on stdout; with 5 if the log is
    /// not known, or did not sign; with 1 if the request is none.
    Sign {
        #[command(flatten)]
        desk: Desk,
        /// A file with the request, or - for stdin.
        #[arg(default_value = "-")]
        request: PathBuf,
    },
    /// Answer requests over HTTP: POST /add-checkpoint. Runs until it is ended.
    Serve {
        #[command(flatten)]
        desk: Desk,
        /// Where to listen: 127.0.0.1:8080. For the outside, put a server with TLS before it.
        #[arg(long, value_name = "ADDRESS")]
        listen: String,
    },
}

/// With what a witness signs.
#[derive(Debug, Args)]
pub(crate) struct Desk {
    /// The key file.
    #[arg(long = "key", id = "key-setting", value_name = "FILE")]
    key: PathBuf,
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
}

impl Command {
    pub(crate) fn run(self) -> Done<Ending> {
        match self {
            Self::New { key, name } => show(&Key::make(&key, &name)?)?,
            Self::Show { key } => show(&Key::read(&key)?)?,
            Self::Trust { state, vkey } => trust(&state, &vkey)?,
            Self::Known { state, json } => known(&state, json)?,
            Self::Sign { desk, request } => return sign(&desk, &request),
            Self::Serve { desk, listen } => serve::serve(&Key::read(&desk.key)?, &desk.state, &listen)?,
        }
        Ok(Ending::Fine)
    }
}

fn show(key: &Key) -> Done {
    screen::answer(&key.witness().to_string())
}

fn trust(state: &Path, vkey: &str) -> Done {
    let log = NoteVerifier::parse(vkey.trim()).map_err(|_malformed| {
        Failure::usage(
            "that is no log's verifier key: take the line that `casevault audit vkey VAULT` prints",
        )
    })?;
    let (states, origin) = (States::make(state)?, log.name().clone());
    let is_new = states.trust(log)?;
    screen::word(&format!("{origin} is {}", if is_new { "known from now on" } else { "known already" }));
    Ok(())
}

fn known(state: &Path, is_json: bool) -> Done {
    for state in States::lock(state)?.all()? {
        let (log, head) = (state.log(), state.head());
        if is_json {
            let (name, root, vkey) = (log.name().as_str(), head.root.to_hex(), log.to_string());
            screen::json(&json!({ "origin": name, "size": head.size, "root": root, "vkey": vkey }))?;
        } else {
            screen::answer(&format!("{}  {}", log.name(), head.size))?;
        }
    }
    Ok(())
}

/// What came of a request: a signature line, or why there is none.
type Answer = Result<String, WitnessRefusal>;

/// Compares, keeps, and only then signs; one at a time over a folder.
fn answer(key: &Key, state: &Path, request: &[u8]) -> Done<Answer> {
    let asked = match CosignRequest::parse(request) {
        Ok(asked) => asked,
        Err(malformed) => return Ok(Err(malformed.into())),
    };
    let checkpoint = asked.checkpoint();
    let (states, signer) = (States::lock(state)?, key.signer());
    let mut trouble = None;
    let pending = signer.consider(request, |origin| {
        states.of(origin).unwrap_or_else(|failure| {
            trouble = Some(failure);
            None
        })
    });
    if let Some(failure) = trouble {
        return Err(failure);
    }
    match pending {
        Ok(pending) => {
            let line = pending.keep(SystemClock.now(), |_before, after| states.keep(after, checkpoint))?;
            Ok(line.map_err(WitnessRefusal::from))
        }
        Err(refusal) => {
            // The log itself signed it: it cannot take it back, and nobody else can fill the folder.
            if matches!(refusal, WitnessRefusal::Branched(_) | WitnessRefusal::Unproven) {
                match states.keep_refused(&checkpoint.claims().origin, request) {
                    Ok(Some(path)) => screen::word(&format!("the request is kept: {}", path.display())),
                    Ok(None) => (),
                    // It is refused in any case.
                    Err(failure) => screen::word(&failure.to_string()),
                }
            }
            Ok(Err(refusal))
        }
    }
}

fn sign(desk: &Desk, request: &Path) -> Done<Ending> {
    let key = Key::read(&desk.key)?;
    let request = disk::read(request, CosignRequest::BYTES_MAX)?;
    match answer(&key, &desk.state, &request)? {
        Ok(line) => screen::write(line.as_bytes()).map(|()| Ending::Fine),
        Err(refusal) => {
            screen::word(&format!("not signed: {}", in_words(refusal)));
            match refusal {
                WitnessRefusal::Branched(_) | WitnessRefusal::OtherSize(_) | WitnessRefusal::Unproven => {
                    screen::write(&refusal.reply().body).map(|()| Ending::Tampering)
                }
                WitnessRefusal::UnknownLog | WitnessRefusal::Unsigned => Ok(Ending::Denied),
                WitnessRefusal::Malformed(_) | _ => Ok(Ending::Failed),
            }
        }
    }
}

/// Why not, and what to do.
fn in_words(refusal: WitnessRefusal) -> String {
    let next = match refusal {
        WitnessRefusal::Branched(_) | WitnessRefusal::Unproven => {
            "with the last checkpoint that was signed, the request is evidence; ask the vault's operator"
        }
        WitnessRefusal::OtherSize(_) => {
            "ask again from that size; if the vault is smaller, it was rolled back"
        }
        WitnessRefusal::UnknownLog => "if it is a vault you want to vouch for, `witness trust` its key",
        WitnessRefusal::Unsigned => "compare the log's key with the one that you trusted",
        WitnessRefusal::Malformed(_) | _ => "send the body of a C2SP add-checkpoint request",
    };
    format!("{refusal}: {next}")
}
