//! `casevault keys`: key files made, shown, and given another passphrase.

use std::path::{Path, PathBuf};

use casevault::party::{Card, KeyFile, Keyring, Role};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context},
    disk,
    failure::{Done, Failure},
    passphrase::Source,
    screen, signed_in,
};

/// What a key is for; it has one role.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum As {
    /// Checks that all is in order, and sees no data.
    Auditor,
    /// Runs the public area.
    Curator,
    /// Treats.
    Doctor,
    /// Whose health it is.
    Patient,
    /// Vets patients and doctors.
    Registrar,
}

impl From<As> for Role {
    fn from(role: As) -> Self {
        match role {
            As::Auditor => Self::Auditor,
            As::Curator => Self::Curator,
            As::Doctor => Self::Doctor,
            As::Patient => Self::Patient,
            As::Registrar => Self::Registrar,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key file, locked with a passphrase; a file that is there is never overwritten.
    New {
        /// The key file to make; beside it comes FILE.memory, which keeps what the key has seen. Keep a copy of both.
        file: PathBuf,
        /// What the key is for.
        #[arg(long)]
        role: As,
        /// Write the card to this file too: the public half, to be given to others.
        #[arg(long, value_name = "FILE")]
        card: Option<PathBuf>,
        #[command(flatten)]
        answer: Answer,
    },
    /// Show whose a key file or a card is: the id, and the fingerprint that people compare. Nothing secret.
    Show(Show),
    /// Put another passphrase on a key file: it is replaced whole, or stays as it is.
    Lock {
        /// The key file, if not the one that is set.
        file: Option<PathBuf>,
        #[command(flatten)]
        new: New,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The key file or card, if not the key file that is set; `-` is a card on stdin.
    file: Option<PathBuf>,
    /// Print the card itself, as text to be given to others.
    #[arg(long, conflicts_with = "json")]
    card: bool,
    #[command(flatten)]
    answer: Answer,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The new passphrase is the first line of this file; `-` is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "new_passphrase_command")]
    new_passphrase_file: Option<PathBuf>,
    /// The new passphrase is the first line this command prints.
    #[arg(long, value_name = "COMMAND")]
    new_passphrase_command: Option<String>,
}

impl Keys {
    pub(crate) fn run(self, context: &Context) -> Done {
        match self {
            Self::New { file, role, card, answer } => {
                new(context, &file, role.into(), card.as_deref(), answer)
            }
            Self::Show(asked) => show(context, asked),
            Self::Lock { file, new } => lock(context, file, new),
        }
    }
}

fn new(context: &Context, file: &Path, role: Role, card_file: Option<&Path>, answer: Answer) -> Done {
    let memory = disk::with_suffix(file, ".memory");
    for path in [file, &memory].into_iter().chain(card_file) {
        if path.symlink_metadata().is_ok() {
            return Err(disk::is_there(path));
        }
    }
    let passphrase = context.passphrase()?.chosen(&file.display().to_string())?;
    let keyring = Keyring::generate()?;
    let busy = screen::busy("locking the key file");
    let locked = KeyFile::lock(&keyring, &passphrase);
    busy.finish_and_clear();
    disk::make(file, &locked?.to_bytes())?;
    signed_in::first_memory(role, &keyring, &memory)?;
    let card = keyring.card(role);
    if let Some(path) = card_file {
        disk::make(path, card.to_text().as_bytes())?;
    }
    screen::word(&format!(
        "{} is made. Keep a copy of it and of {}, and remember the passphrase: nobody can help without.",
        file.display(),
        memory.display()
    ));
    tell(&card, answer)
}

/// What a card says, for people or programs.
pub(crate) fn tell(card: &Card, answer: Answer) -> Done {
    let (party, fingerprint) = (card.party(), card.fingerprint());
    if answer.json {
        return screen::json(&json!({
            "role": card.role().word(),
            "party": party.to_hex(),
            "handle": party.to_string(),
            "card": card.digest().to_hex(),
            "fingerprint": { "words": fingerprint.words(), "digits": fingerprint.digits() },
        }));
    }
    screen::answer(&format!("{} {party}", card.role()))?;
    screen::answer(&format!("  id           {}", party.to_hex()))?;
    screen::answer(&format!("  card         {}", card.digest().to_hex()))?;
    screen::answer(&format!("  fingerprint  {}", fingerprint.words()))?;
    screen::answer(&format!("               {}", fingerprint.digits()))
}

fn show(context: &Context, Show { file, card: is_text, answer }: Show) -> Done {
    let path = match file {
        Some(file) => file,
        None => context.key_path()?,
    };
    let card = match card_in(context, &path)? {
        Some(card) => card,
        None => {
            // The role stands beside the key.
            let beside = disk::with_suffix(&path, ".memory");
            let role = context.with("key", &path).with("memory", &beside).role()?;
            context.unlock(&path)?.2.card(role)
        }
    };
    if is_text { screen::write(card.to_text().as_bytes()) } else { tell(&card, answer) }
}

/// The card in a file, if it holds one.
fn card_in(context: &Context, path: &Path) -> Done<Option<Card>> {
    let bytes = context.read_input(path, Card::TEXT_BYTES_MAX)?;
    if bytes.starts_with(b"CVKF") && !disk::is_dash(path) {
        return Ok(None);
    }
    read_card(&bytes, path).map(Some)
}

/// Reads a card.
pub(crate) fn card_at(context: &Context, path: &Path) -> Done<Card> {
    read_card(&context.read_input(path, Card::TEXT_BYTES_MAX)?, path)
}

fn read_card(bytes: &[u8], path: &Path) -> Done<Card> {
    let card = str::from_utf8(bytes).ok().and_then(|text| Card::from_text(text).ok());
    card.ok_or_else(|| {
        let words = "holds no card: give what `casevault keys show --card` printed, whole";
        Failure::failed("card", format!("{} {words}", path.display()))
    })
}

fn lock(context: &Context, file: Option<PathBuf>, new: New) -> Done {
    let path = match file {
        Some(file) => file,
        None => context.key_path()?,
    };
    let source = match (new.new_passphrase_file, new.new_passphrase_command) {
        (Some(file), _) => Source::File(file),
        (None, Some(command)) => Source::Command(command),
        (None, None) => Source::Person,
    };
    if source.is_stdin() && context.passphrase()?.is_stdin() {
        return Err(Failure::usage("stdin is there once: give one of the two passphrases otherwise"));
    }
    let (key_file, old, _) = context.unlock(&path)?;
    let chosen = source.chosen(&path.display().to_string())?;
    let busy = screen::busy("locking the key file");
    let locked = key_file.change_passphrase(&old, &chosen);
    busy.finish_and_clear();
    disk::replace(&path, &locked?.to_bytes())?;
    screen::word(&format!(
        "{} has another passphrase now. Copies made before still open with the old one: destroy them.",
        path.display()
    ));
    Ok(())
}
