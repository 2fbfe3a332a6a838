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

use crate::{
    context::Context,
    disk,
    failure::{Done, Failure},
    init::{PUBLIC, public_policy},
    screen,
};

const COVER_BYTES_MAX: usize = 64 * 1024;

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
    /// The public policy: `small`, `default`, or a file; the vault's own, if not said.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
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
    fn format(self) -> Done<Format> {
        match self {
            Self::Csv => Ok(Format::Csv),
            Self::Fhir => Ok(Format::Fhir),
            Self::Ndjson => Ok(Format::Ndjson),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Format::Parquet),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(Failure::failed(
                "no-parquet",
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
    pub(super) fn run(self, context: &Context) -> Done {
        let formats = self.format.iter().map(|kind| kind.format()).collect::<Done<BTreeSet<_>>>()?;
        let policy = policy(&self.vault, self.policy.as_deref())?;
        let said = self.cover.as_deref().map(read_cover).transpose()?.unwrap_or_default();
        if fs::symlink_metadata(&self.out).is_ok() {
            return Err(disk::is_there(&self.out));
        }
        let vault = context.open_vault_at(&self.vault)?;
        let exported = write(&vault, &self.out, (said, policy.as_ref()), &formats);
        let key = vault.log_key();
        vault.close()?;
        let Published { files, cases, batches, elsewhere, .. } = exported?;
        let (files, out) = (files.len(), self.out.display());
        screen::word(&format!("{cases} cases in {batches} batches: {files} files in {out}"));
        if elsewhere > 0 {
            let words = "batches are public under other policies: export them with --policy";
            screen::word(&format!("{elsewhere} {words}"));
        }
        screen::word(&format!("signed by {}: give readers this key by another way", key?));
        Ok(())
    }
}

/// Writes an export of a vault as NDJSON, under a policy.
pub(super) fn write_plain(vault: &Vault, out: &Path, policy: Option<&PublicPolicy>) -> Done<Published> {
    write(vault, out, (Said::default(), policy), &BTreeSet::from([Format::Ndjson]))
}

/// The policy that is named, or the one that the vault's folder keeps; none, if neither is.
pub(crate) fn policy(vault: &Path, named: Option<&str>) -> Done<Option<PublicPolicy>> {
    let kept = vault.join(PUBLIC);
    let read = |named: &str| public_policy(named).map(|(_text, policy)| Some(policy));
    match (named, kept.to_str()) {
        (Some(named), _) => read(named),
        (None, Some(kept)) if Path::new(kept).is_file() => read(kept),
        (None, _) => Ok(None),
    }
}

fn write(
    vault: &Vault,
    out: &Path,
    (said, policy): (Said, Option<&PublicPolicy>),
    formats: &BTreeSet<Format>,
) -> Done<Published> {
    let shipped;
    let policy = match policy {
        Some(policy) => policy,
        None => {
            shipped = shipped_policy(vault)?;
            &shipped
        }
    };
    let cover = cover(vault, said)?;
    Ok(vault.export_public(out, (&cover, policy), formats)?)
}

fn shipped_policy(vault: &Vault) -> Done<PublicPolicy> {
    let area = vault.policy().public_area().map(|area| area.policy).ok_or(PublishError::NoArea)?;
    for policy in [PublicPolicy::shipped_default(), PublicPolicy::shipped_small()] {
        let policy = policy.map_err(|fault| Failure::failed(fault.code(), fault.to_string()))?;
        if policy.digest() == area {
            return Ok(policy);
        }
    }
    let words = format!(
        "the vault's public policy, of digest {}, is none that ships: give its file with --policy",
        area.to_hex()
    );
    Err(Failure::failed("other-public-policy", words))
}

fn read_cover(path: &Path) -> Done<Said> {
    let text = disk::read_text(path, COVER_BYTES_MAX)?;
    toml::from_str(&text).map_err(|error| Failure::failed("cover", error.message()).about(path))
}

/// What an export says of itself; where nobody says it, nothing that is not so.
fn cover(vault: &Vault, said: Said) -> Done<Cover> {
    let origin = vault.log_key()?.name().to_string();
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
