//! `casevault public export`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use casevault::{
    public::{
        PublicPolicy,
        export::{Cover, Format},
    },
    time::{Clock as _, SystemClock},
    vault::{PublishError, Published, Vault},
};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::Trouble;
use crate::{
    Ending, files,
    reach::{open, said_of_vault},
};

const COVER_BYTES_MAX: usize = 64 * 1024;
const POLICY_BYTES_MAX: usize = 1024 * 1024;

/// What to export, and as what.
#[derive(Debug, Args)]
pub(crate) struct ExportOf {
    /// The vault: a folder with its `store` and its `host`.
    vault: PathBuf,
    /// In which formats; several with commas.
    #[arg(long, required = true, value_delimiter = ',')]
    format: Vec<Kind>,
    /// The folder to write, which must not be there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The public policy, as TOML; without it, the one of those that ship which is the vault's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What the export says of itself, as TOML: title, description, publisher, homepage, licence, licence_url, name, version.
    #[arg(long, value_name = "FILE")]
    cover: Option<PathBuf>,
}

/// A format.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// CSV, lists as JSON in a cell.
    Csv,
    /// A FHIR R4 Bundle.
    Fhir,
    /// A JSON object a line.
    Ndjson,
    /// Parquet, in builds that have it.
    Parquet,
}

impl Kind {
    fn format(self) -> Result<Format, Trouble> {
        match self {
            Self::Csv => Ok(Format::Csv),
            Self::Fhir => Ok(Format::Fhir),
            Self::Ndjson => Ok(Format::Ndjson),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Format::Parquet),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(Trouble::failed(
                "this build writes no Parquet: install one with `--features cli,parquet`, or take ndjson or csv",
            )),
        }
    }
}

/// The cover that a file gives.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    name: Option<String>,
    title: Option<String>,
    description: Option<String>,
    publisher: Option<String>,
    homepage: Option<String>,
    licence: Option<String>,
    licence_url: Option<String>,
    version: Option<String>,
}

impl ExportOf {
    pub(super) fn run(self) -> Result<Ending, Trouble> {
        let formats = self.format.iter().map(|kind| kind.format()).collect::<Result<BTreeSet<_>, _>>()?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let said = self.cover.as_deref().map(read_cover).transpose()?.unwrap_or_default();
        if fs::symlink_metadata(&self.out).is_ok() {
            return Err(Trouble::failed(format!(
                "{} is there already: choose another name",
                self.out.display()
            )));
        }
        let vault = open_vault(&self.vault)?;
        let exported = write(&vault, &self.out, (said, policy.as_ref()), &formats);
        let key = vault.log_key();
        close(vault)?;
        let Published { files, cases, batches, elsewhere, .. } = exported?;
        eprintln!("{cases} cases in {batches} batches: {} files in {}", files.len(), self.out.display());
        if elsewhere > 0 {
            eprintln!("{elsewhere} batches are public under other policies: export them with --policy");
        }
        eprintln!("signed by {}: give readers this key by another way", key.map_err(Trouble::failed)?);
        Ok(Ending::Fine)
    }
}

pub(super) fn open_vault(path: &Path) -> Result<Vault, Trouble> {
    match open(path) {
        Ok((vault, _heard)) => Ok(vault),
        Err(error) => Err(Trouble(String::new(), said_of_vault(&error))),
    }
}

pub(super) fn close(vault: Vault) -> Result<(), Trouble> {
    vault.close().map_err(|error| Trouble(String::new(), said_of_vault(&error)))
}

/// Writes an export of a vault as NDJSON: under this policy, or the one of those that ship which is its own.
pub(super) fn write_plain(vault: &Vault, out: &Path, policy: Option<&Path>) -> Result<Published, Trouble> {
    let policy = policy.map(read_policy).transpose()?;
    write(vault, out, (Said::default(), policy.as_ref()), &BTreeSet::from([Format::Ndjson]))
}

fn write(
    vault: &Vault,
    out: &Path,
    (said, policy): (Said, Option<&PublicPolicy>),
    formats: &BTreeSet<Format>,
) -> Result<Published, Trouble> {
    let shipped;
    let policy = match policy {
        Some(policy) => policy,
        None => {
            shipped = shipped_policy(vault)?;
            &shipped
        }
    };
    let cover = cover(vault, said)?;
    vault.export_public(out, (&cover, policy), formats).map_err(|error| {
        if let PublishError::Vault(error) = error {
            return Trouble(String::new(), said_of_vault(&error));
        }
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Trouble::failed(format!("{error}{}", cause.unwrap_or_default()))
    })
}

fn shipped_policy(vault: &Vault) -> Result<PublicPolicy, Trouble> {
    let area = vault.policy().public_area().map(|area| area.policy);
    let area = area.ok_or_else(|| Trouble::failed(PublishError::NoArea))?;
    for policy in [PublicPolicy::shipped_default(), PublicPolicy::shipped_small()] {
        let policy = policy.map_err(Trouble::failed)?;
        if policy.digest() == area {
            return Ok(policy);
        }
    }
    Err(Trouble::failed(format!(
        "the vault's public policy, of digest {}, is none that ships: give its file with --policy",
        area.to_hex()
    )))
}

fn read_policy(path: &Path) -> Result<PublicPolicy, Trouble> {
    let text = read_text(path, POLICY_BYTES_MAX)?;
    PublicPolicy::parse(&text).map_err(|fault| Trouble::failed(format!("{}: {fault}", path.display())))
}

fn read_cover(path: &Path) -> Result<Said, Trouble> {
    let text = read_text(path, COVER_BYTES_MAX)?;
    toml::from_str(&text).map_err(|error| Trouble::failed(format!("{}: {}", path.display(), error.message())))
}

fn read_text(path: &Path, most: usize) -> Result<String, Trouble> {
    let bytes = files::read(path, most);
    let bytes = bytes.map_err(|error| Trouble::failed(format!("{}: {error}", path.display())))?;
    if bytes.len() > most {
        return Err(Trouble::failed(format!("{} is too long", path.display())));
    }
    String::from_utf8(bytes).map_err(|_wrong| Trouble::failed(format!("{} is no text", path.display())))
}

/// What an export says of itself; where nobody says it, nothing that is not so.
fn cover(vault: &Vault, said: Said) -> Result<Cover, Trouble> {
    let origin = vault.log_key().map_err(Trouble::failed)?.name().to_string();
    let host = origin.replace('/', ".");
    let Said { name, title, description, publisher, homepage, licence, licence_url, version } = said;
    let or = |said: Option<String>, plain: &str| said.unwrap_or_else(|| plain.to_owned());
    Ok(Cover {
        name: or(name, "public-cases"),
        title: or(title, "Public cases"),
        description: or(description, "Anonymised medical cases, released by patients' consent."),
        publisher: or(publisher, &origin),
        // A name that never leads anywhere: nobody has said where more is to be read.
        homepage: or(homepage, &format!("https://{host}.invalid/")),
        licence: or(licence, "LicenseRef-not-said"),
        licence_url: or(licence_url, &format!("https://{host}.invalid/licence")),
        version: or(version, "1.0.0"),
        published: SystemClock.now(),
    })
}
