//! Passphrases: from a file, a command, or a person; never from the command line or the environment.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use casevault::party::Passphrase;
use zeroize::Zeroizing;

use crate::{
    disk,
    failure::{Done, Failure},
    settings::Settings,
};

const BYTES_MAX: usize = 4096;

/// Where a passphrase comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Command(String),
    File(std::path::PathBuf),
    /// A person at a terminal.
    Person,
}

impl Source {
    /// The one that is set nearest: two in one place are one too many.
    pub(crate) fn of(settings: &Settings, file: &str, command: &str) -> Done<Self> {
        match (settings.get(file), settings.get(command)) {
            (Some(one), Some(other)) if one.origin == other.origin => Err(Failure::usage(format!(
                "both {file} and {command} are set ({one}; {other}): set one of them"
            ))),
            (Some(one), Some(other)) if one.origin < other.origin => Ok(Self::Command(other.value.clone())),
            (Some(one), _) => Ok(Self::File((&one.value).into())),
            (None, Some(other)) => Ok(Self::Command(other.value.clone())),
            (None, None) => Ok(Self::Person),
        }
    }

    pub(crate) fn is_stdin(&self) -> bool {
        matches!(self, Self::File(path) if disk::is_dash(path))
    }

    /// A passphrase that was chosen before.
    pub(crate) fn known(&self, of: &str) -> Done<Passphrase> {
        match self {
            Self::Command(command) => printed(command),
            Self::File(path) => first_line(&disk::read(path, BYTES_MAX)?, &path.display().to_string()),
            Self::Person => ask(&format!("Passphrase of {of}: ")),
        }
    }

    /// A passphrase that is chosen now: a person types it twice.
    pub(crate) fn chosen(&self, of: &str) -> Done<Passphrase> {
        if *self != Self::Person {
            return self.known(of);
        }
        let typed = prompt(&format!("A new passphrase for {of}: "))?;
        if *typed != *prompt("The same once more: ")? {
            return Err(Failure::failed("passphrases-differ", "the two passphrases differ: begin again"));
        }
        usable(&typed, "what was typed")
    }
}

fn ask(words: &str) -> Done<Passphrase> {
    usable(&prompt(words)?, "what was typed")
}

fn prompt(words: &str) -> Done<Zeroizing<String>> {
    rpassword::prompt_password(words).map(Zeroizing::new).map_err(|error| {
        let next = "give --passphrase-file or --passphrase-command (and --host-…, --new-… where asked for)";
        Failure::failed(
            "no-terminal",
            format!("there is no terminal to ask for a passphrase at ({error}): {next}"),
        )
    })
}

fn printed(command: &str) -> Done<Passphrase> {
    let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
    let failed = |how: String| {
        Failure::failed(
            "passphrase-command",
            format!("the passphrase command {how}: run it by itself to see why"),
        )
    };
    let [program, option] = shell;
    let child =
        Command::new(program).args([option, command]).stdin(Stdio::inherit()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| failed(format!("cannot be run ({error})")))?;
    let mut said = Zeroizing::new(Vec::with_capacity(BYTES_MAX + 1));
    if let Some(out) = child.stdout.take() {
        let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
        out.take(limit)
            .read_to_end(&mut said)
            .map_err(|error| failed(format!("cannot be heard ({error})")))?;
    }
    let status = child.wait().map_err(|error| failed(format!("does not end ({error})")))?;
    if !status.success() {
        return Err(failed(format!("ended with {status}")));
    }
    first_line(&said, "what the passphrase command printed")
}

fn first_line(bytes: &[u8], of: &str) -> Done<Passphrase> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = str::from_utf8(line).map_err(|_not_text| {
        Failure::failed("passphrase", format!("the first line of {of} is no UTF-8 text: write it anew"))
    })?;
    usable(line, of)
}

fn usable(words: &str, of: &str) -> Done<Passphrase> {
    if words.is_empty() {
        return Err(Failure::failed(
            "empty-passphrase",
            format!("{of} holds no passphrase: choose one that is not empty"),
        ));
    }
    Ok(Passphrase::new(words))
}

/// Warns of a file with a secret that others may read.
pub(crate) fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    if let Ok(known) = std::fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;
        if known.is_file() && known.permissions().mode() & 0o077 != 0 {
            let words = "can be read by others on this machine: chmod 600";
            let _unheard = writeln!(std::io::stderr(), "warning: {} {words} {0}", path.display());
        }
    }
    #[cfg(not(unix))]
    let _path = path;
}
