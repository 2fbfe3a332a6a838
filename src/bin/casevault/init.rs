//! `casevault init`: a new vault, and who may vet for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use casevault::{
    access::Policy,
    log::{Witness, WitnessPolicy},
    party::{Card, Role},
    public::PublicPolicy,
    store::SledStore,
    vault::{HostDir, Vault},
};
use clap::Args;
use serde_json::json;

use crate::{
    context::{Answer, Context},
    disk,
    failure::{Done, Failure},
    keys, screen,
};

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// A registrar's card (`casevault keys show --card`): who vets patients and doctors. May be given several times.
    #[arg(long = "registrar", value_name = "CARD", required = true)]
    registrars: Vec<PathBuf>,
    /// How many registrars must sign a change of the vault's policy; more than half, if not said.
    #[arg(long, value_name = "COUNT")]
    needed: Option<u8>,
    /// Hold each person to one card a role, by the identifiers that registrars look at.
    #[arg(long)]
    one_card_a_person: bool,
    /// Have a public area under this public policy: `small`, `default`, or a file.
    #[arg(long, value_name = "POLICY", requires = "curator")]
    public: Option<String>,
    /// The card of the curator who runs the public area.
    #[arg(long, value_name = "CARD", requires = "public")]
    curator: Option<PathBuf>,
    /// A witness's verifier key (`casevault audit witness show`): it is asked to sign that the log only grew. May be given
    /// several times; how each is reached stands in `witnesses.toml` in the vault's `host`.
    #[arg(long = "witness", value_name = "VKEY")]
    witnesses: Vec<String>,
    /// How many witnesses must have seen a checkpoint; all of them, if not said.
    #[arg(long, value_name = "COUNT", requires = "witnesses")]
    witnesses_needed: Option<usize>,
    /// Put a passphrase on the vault's root key: then every command asks for it (--host-passphrase-file, …).
    #[arg(long)]
    host_passphrase: bool,
    #[command(flatten)]
    answer: Answer,
}

/// Where a vault keeps the text of its public policy, which holds nothing secret.
pub(crate) const PUBLIC: &str = "public.toml";

/// The text of a public policy, and the policy.
pub(crate) fn public_policy(named: &str) -> Done<(String, PublicPolicy)> {
    let text = match named {
        "small" => PublicPolicy::SMALL_TEXT.to_owned(),
        "default" => PublicPolicy::DEFAULT_TEXT.to_owned(),
        file => {
            disk::read_text(Path::new(file), casevault::limits::PUBLIC_POLICY_BYTES_MAX)?.as_str().to_owned()
        }
    };
    let policy = PublicPolicy::parse(&text);
    let policy = policy
        .map_err(|fault| Failure::failed(fault.code(), format!("{named}: {fault}: mend the policy")))?;
    Ok((text, policy))
}

impl Init {
    pub(crate) fn run(self, context: &Context) -> Done {
        let path = context.vault_path()?;
        let registrars = self.cards(context, Role::Registrar, &self.registrars)?;
        let mut policy = Policy::trusting(&registrars);
        if let Some(count) = self.needed {
            policy = policy.registrars_needed(count);
        }
        if self.one_card_a_person {
            policy = policy.one_card_a_person();
        }
        let public = self.public.as_deref().map(public_policy).transpose()?;
        if let Some((_, public)) = &public {
            let curators = self.cards(context, Role::Curator, self.curator.as_slice())?;
            let curator =
                curators.first().ok_or_else(|| Failure::usage("give the curator's card: --curator"))?;
            policy = policy.curated(public.digest(), curator);
        }
        policy = policy.witnessed_by(self.witnesses()?);
        if !policy.is_sound() {
            let words = "the policy names too many registrars, one twice, or needs more than it names: look at --registrar and --needed";
            return Err(Failure::usage(words));
        }
        if let Some(there) =
            ["store", "host", PUBLIC].map(|name| path.join(name)).iter().find(|path| path.exists())
        {
            let words = "is there already: a vault is made in a folder that holds none";
            return Err(Failure::failed("exists", format!("{} {words}", there.display())));
        }
        fs::create_dir_all(&path).map_err(|error| Failure::files(&path, "made", &error))?;
        let host = path.join("host");
        let host = if self.host_passphrase {
            HostDir::open_with_passphrase(&host, &context.host_passphrase()?.chosen("the vault's root key")?)?
        } else {
            HostDir::open(&host)?
        };
        if let Some((text, _)) = &public {
            disk::make(&path.join(PUBLIC), text.as_bytes())?;
        }
        let vault = Vault::create(SledStore::open(path.join("store"))?, host, policy)?;
        let id = vault.trust().vault;
        vault.close()?;
        screen::word(&format!(
            "A new vault in {}. Keep copies of {0}/store and {0}/host apart: with both one sees what the custodian sees.",
            path.display()
        ));
        if self.answer.json {
            return screen::json(&json!({ "vault": id.to_hex(), "path": path.display().to_string() }));
        }
        screen::answer(&format!("vault {}", id.to_hex()))
    }

    fn witnesses(&self) -> Done<WitnessPolicy> {
        let read = |vkey: &String| {
            Witness::parse(vkey.trim()).map_err(|_malformed| {
                Failure::usage(format!(
                    "{vkey} is no witness's verifier key: take the line that `casevault audit witness show` prints"
                ))
            })
        };
        let witnesses = self.witnesses.iter().map(read).collect::<Done<Vec<_>>>()?;
        let needed = self.witnesses_needed.unwrap_or(witnesses.len());
        WitnessPolicy::new(witnesses, needed).map_err(|_malformed| {
            Failure::usage(
                "a witness is there twice, or there are too many, or more are needed than are named: look at --witness \
                 and --witnesses-needed",
            )
        })
    }

    fn cards(&self, context: &Context, role: Role, paths: &[PathBuf]) -> Done<Vec<Card>> {
        let read = |path: &PathBuf| {
            let card = keys::card_at(context, path)?;
            if card.role() == role {
                return Ok(card);
            }
            let words = format!("is a {}'s card, and a {role}'s is needed: give another", card.role());
            Err(Failure::failed("wrong-role", format!("{} {words}", path.display())))
        };
        paths.iter().map(read).collect()
    }
}
