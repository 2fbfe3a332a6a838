//! `casevault enrol`: a key becomes a party of the vault.

use std::path::{Path, PathBuf};

use casevault::{
    crypto::Random,
    limits::CONTENT_BYTES_MAX,
    party::{Auditor, Curator, Doctor, Owner, Patient, Registrar, Role},
    record::Kind,
    session::{Entry, Memory, Session, Tools},
    vault::Vault,
};
use clap::Args;

use crate::{
    context::{Answer, Context},
    disk,
    failure::{Done, Failure},
    keys::{self, As},
    screen,
    signed_in::{SignsIn, memory_file},
};

#[derive(Debug, Args)]
pub(crate) struct Enrol {
    /// Who you are, for the registrars and, if you are a patient, for a doctor you assign: a text.
    #[arg(long, value_name = "TEXT", conflicts_with = "identity")]
    name: Option<String>,
    /// The same from a file; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// You are enrolled, and were refused or are attested no more: ask to be vetted again. A doctor hands papers in with it, or with
    /// `--licence` and `--paper` alone.
    #[arg(long, conflicts_with_all = ["name", "identity"])]
    again: bool,
    /// A doctor's licence, for the registrars alone. May be given several times.
    #[arg(long = "licence", value_name = "FILE")]
    licences: Vec<PathBuf>,
    /// Another paper of a doctor's, for the registrars alone. May be given several times.
    #[arg(long = "paper", value_name = "FILE")]
    papers: Vec<PathBuf>,
    /// The key is enrolled, and what it had seen is lost: trust what the vault shows now.
    #[arg(long, requires = "role", conflicts_with_all = ["name", "identity", "licences", "papers", "again"])]
    anew: bool,
    /// With --anew: the key's role.
    #[arg(long, requires = "anew")]
    role: Option<As>,
    #[command(flatten)]
    answer: Answer,
}

const TEXT_BYTES_MAX: usize = 64 * 1024;

impl Enrol {
    pub(crate) fn run(self, context: &Context) -> Done {
        if let Some(role) = self.role {
            return match role {
                As::Auditor => self.anew::<Auditor>(context),
                As::Curator => self.anew::<Curator>(context),
                As::Doctor => self.anew::<Doctor>(context),
                As::Patient => self.anew::<Patient>(context),
                As::Registrar => self.anew::<Registrar>(context),
            };
        }
        match context.role()? {
            Role::Auditor => self.enrol::<Auditor>(context),
            Role::Curator => self.enrol::<Curator>(context),
            Role::Doctor => self.enrol_doctor(context),
            Role::Patient => self.enrol::<Patient>(context),
            Role::Registrar | _ => Err(Failure::usage(
                "a registrar is not enrolled: `casevault init --registrar CARD` names the card",
            )),
        }
    }

    fn enrol<R: Owner + SignsIn>(self, context: &Context) -> Done {
        if !(self.licences.is_empty() && self.papers.is_empty()) {
            return Err(Failure::usage(
                "papers are handed in by doctors alone: leave --licence and --paper away",
            ));
        }
        if self.again {
            return self.ask_again::<R>(context, |session| Ok(session.ask_to_be_vetted()?));
        }
        self.enrol_as::<R>(context, |_session| Ok(()))
    }

    fn ask_again<R: Owner + SignsIn>(
        &self,
        context: &Context,
        ask: impl FnOnce(&Session<'_, R>) -> Done,
    ) -> Done {
        let card = context.act(|session: &Session<'_, R>| {
            ask(session)?;
            Ok(session.card().clone())
        })?;
        screen::word("The registrars are asked to look again: give them this id.");
        keys::tell(&card, self.answer)
    }

    fn enrol_doctor(self, context: &Context) -> Done {
        let kinds = [(Kind::Licence, &self.licences), (Kind::Document, &self.papers)];
        let mut entries = Vec::new();
        for (kind, paths) in kinds {
            for path in paths {
                let bytes = context.read_input(path, CONTENT_BYTES_MAX)?;
                entries.push(Entry::of_bytes(kind, media_of(path, &bytes), bytes.to_vec())?);
            }
        }
        let is_later = self.name.is_none() && self.identity.is_none() && !entries.is_empty();
        if self.again || is_later {
            return self.ask_again::<Doctor>(context, |session| {
                let asked =
                    if entries.is_empty() { session.ask_to_be_vetted() } else { session.apply(entries) };
                Ok(asked?)
            });
        }
        self.enrol_as::<Doctor>(context, |session| {
            if entries.is_empty() { Ok(()) } else { Ok(session.apply(entries)?) }
        })
    }

    fn enrol_as<R: Owner + SignsIn>(
        self,
        context: &Context,
        then: impl FnOnce(&Session<'_, R>) -> Done,
    ) -> Done {
        let who = self.who(context)?;
        let keyring = context.keyring()?;
        let card = context.over_vault(|vault| {
            let (_, sealed) = context.kept()?;
            let memory = Memory::open(&sealed, &keyring)?;
            let session = Session::<R>::enrol_with(vault, keyring, who.as_str(), memory, Tools::system()?)?;
            let done = then(&session);
            context.keep(&session)?;
            pinned(vault);
            done.map(|()| session.card().clone())
        })?;
        screen::word("Enrolled. Now a registrar must look who you are and attest you: give him this id.");
        keys::tell(&card, self.answer)
    }

    fn who(&self, context: &Context) -> Done<String> {
        let who = match (&self.name, &self.identity) {
            (Some(name), _) => name.clone(),
            (None, Some(path)) => {
                let bytes = context.read_input(path, TEXT_BYTES_MAX)?;
                let text = str::from_utf8(&bytes);
                let text =
                    text.map_err(|_not_text| Failure::failed("not-text", "who you are is no UTF-8 text"))?;
                text.trim_end().to_owned()
            }
            (None, None) => String::new(),
        };
        if who.is_empty() {
            return Err(Failure::usage(
                "who are you? Give --name TEXT or --identity FILE: the registrars read it",
            ));
        }
        Ok(who)
    }

    fn anew<R: SignsIn>(self, context: &Context) -> Done {
        let path = context.memory_path()?;
        if path.exists() {
            return Err(disk::is_there(&path));
        }
        let keyring = context.keyring()?;
        // Made before anything is trusted: what is there by then stays.
        let sealed = Memory::first_use().seal(&keyring, &mut Random::system()?);
        disk::make(&path, &memory_file(R::ROLE, &sealed))?;
        let signed = context.over_vault(|vault| {
            let session = R::sign_in(vault, keyring, Memory::first_use())?;
            context.keep(&session)?;
            pinned(vault);
            Ok(session.card().clone())
        });
        if signed.is_err() {
            std::fs::remove_file(&path).map_err(|error| Failure::files(&path, "taken away", &error))?;
        }
        keys::tell(&signed?, self.answer)
    }
}

/// Whom the key trusts from now on: to be compared with what the operator and the registrars say.
fn pinned(vault: &Vault) {
    let trust = vault.trust();
    screen::word(&format!(
        "Vault {} is trusted from here on, and its registrars. Ask them if this is so:",
        trust.vault.to_hex()
    ));
    for card in &trust.registrars {
        screen::word(&format!("  registrar {}  {}", card.party(), card.fingerprint().words()));
    }
}

/// What a paper is, by its first bytes.
fn media_of(path: &Path, bytes: &[u8]) -> &'static str {
    let known: [(&[u8], &str); 4] = [
        (b"%PDF-", "application/pdf"),
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x1f\x8b", "application/gzip"),
    ];
    match known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, media)) => media,
        None if path.extension().is_some_and(|extension| extension == "json") => "application/json",
        None if str::from_utf8(bytes).is_ok() => "text/plain; charset=utf-8",
        None => "application/octet-stream",
    }
}
