//! Settings: config file, then environment, then flags; each knows where it came from.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    disk,
    failure::{Done, Failure},
};

/// What can be set, for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings (flag, else environment, else config file)")]
pub(crate) struct Flags {
    /// The vault: a folder with its `store` and its `host`. [env: CASEVAULT_VAULT]
    #[arg(long = "vault", id = "vault-setting", value_name = "DIR", global = true)]
    vault: Option<PathBuf>,
    /// Your key file. [env: CASEVAULT_KEY]
    // Commands with a key of another kind have an option of the same id, which stands there in the place of this one.
    #[arg(long = "key", id = "key-setting", value_name = "FILE", global = true)]
    key: Option<PathBuf>,
    /// What your key has seen of the vault; beside the key, with `.memory` behind its name, if not said. [env: CASEVAULT_MEMORY]
    #[arg(long = "memory", id = "memory-setting", value_name = "FILE", global = true)]
    memory: Option<PathBuf>,
    /// The key file's passphrase is the first line of this file; `-` is stdin. [env: CASEVAULT_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "passphrase_command")]
    passphrase_file: Option<PathBuf>,
    /// The key file's passphrase is the first line this command prints. [env: CASEVAULT_PASSPHRASE_COMMAND]
    #[arg(long, value_name = "COMMAND", global = true)]
    passphrase_command: Option<String>,
    /// The same for a passphrase on the vault's own root key. [env: CASEVAULT_HOST_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "host_passphrase_command")]
    host_passphrase_file: Option<PathBuf>,
    /// The same for a passphrase on the vault's own root key. [env: CASEVAULT_HOST_PASSPHRASE_COMMAND]
    #[arg(long, value_name = "COMMAND", global = true)]
    host_passphrase_command: Option<String>,
    /// A config file in place of the usual one, `casevault/config.toml` in $XDG_CONFIG_HOME or ~/.config. [env: CASEVAULT_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

/// The name of a setting, as the config file has it, and whether it is a path.
const NAMES: [(&str, bool); 7] = [
    ("vault", true),
    ("key", true),
    ("memory", true),
    ("passphrase-file", true),
    ("passphrase-command", false),
    ("host-passphrase-file", true),
    ("host-passphrase-command", false),
];

/// Where a value came from; the later beats the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Config,
    Environment,
    Flag,
}

/// A value, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: Origin,
    /// The flag, the variable or the file.
    pub(crate) by: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Config => write!(f, "config file {}", self.by),
            Origin::Environment => write!(f, "environment, {}", self.by),
            Origin::Flag => write!(f, "flag {}", self.by),
        }
    }
}

/// What is set.
#[derive(Debug)]
pub(crate) struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    /// Puts flags over the environment over the config file.
    pub(crate) fn gather(flags: Flags) -> Done<Self> {
        let mut all = BTreeMap::new();
        if let Some((path, is_said)) = config_path(flags.config.as_deref()) {
            read_config(&path, is_said, &mut all)?;
        }
        for secret in ["CASEVAULT_PASSPHRASE", "CASEVAULT_HOST_PASSPHRASE"] {
            if env::var_os(secret).is_some() {
                let words =
                    "a passphrase is not taken from the environment, which other programs can read: give";
                return Err(Failure::usage(format!(
                    "{secret} is set, but {words} {secret}_FILE or {secret}_COMMAND"
                )));
            }
        }
        for (name, _) in NAMES {
            let variable = format!("CASEVAULT_{}", name.to_uppercase().replace('-', "_"));
            match env::var(&variable) {
                Ok(value) if !value.is_empty() => {
                    all.insert(name, Setting { value, origin: Origin::Environment, by: variable });
                }
                Ok(_) | Err(env::VarError::NotPresent) => (),
                Err(env::VarError::NotUnicode(_)) => {
                    return Err(Failure::usage(format!("{variable} is no UTF-8 text: set it anew")));
                }
            }
        }
        for (name, value) in flags.said()? {
            all.insert(name, Setting { value, origin: Origin::Flag, by: format!("--{name}") });
        }
        Ok(Self(all))
    }

    /// A setting by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    /// A setting that is a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|setting| PathBuf::from(&setting.value))
    }

    /// The same with a path set otherwise.
    pub(crate) fn with(&self, name: &'static str, path: &Path) -> Self {
        let value = path.to_string_lossy().into_owned();
        let mut all = self.0.clone();
        all.insert(name, Setting { value, origin: Origin::Flag, by: format!("--{name}") });
        Self(all)
    }

    /// Every setting, set or not, in the order of the help.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Option<&Setting>)> {
        NAMES.iter().map(|(name, _)| (*name, self.get(name)))
    }
}

impl Flags {
    fn said(self) -> Done<Vec<(&'static str, String)>> {
        let Self { vault, key, memory, passphrase_file, host_passphrase_file, .. } = self;
        let Self { passphrase_command, host_passphrase_command, .. } = self;
        let paths = [
            ("vault", vault),
            ("key", key),
            ("memory", memory),
            ("passphrase-file", passphrase_file),
            ("host-passphrase-file", host_passphrase_file),
        ];
        let mut said = Vec::new();
        for (name, path) in paths {
            let Some(path) = path else { continue };
            let value = path.into_os_string().into_string().map_err(|_not_text| {
                Failure::usage(format!("the path of --{name} is no UTF-8 text: give it another name"))
            })?;
            said.push((name, value));
        }
        let commands = [
            ("passphrase-command", passphrase_command),
            ("host-passphrase-command", host_passphrase_command),
        ];
        said.extend(commands.into_iter().filter_map(|(name, command)| Some((name, command?))));
        Ok(said)
    }
}

/// The config file, and whether someone named it: then it must be there.
fn config_path(flag: Option<&Path>) -> Option<(PathBuf, bool)> {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = flag.map(Path::to_owned).or_else(|| named("CASEVAULT_CONFIG")) {
        return Some((path, true));
    }
    // By the XDG specification a relative path there is no path.
    let place = named("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let place = place.or_else(|| Some(named("HOME")?.join(".config"))).or_else(|| named("APPDATA"))?;
    Some((place.join("casevault").join("config.toml"), false))
}

const CONFIG_BYTES_MAX: usize = 64 * 1024;

fn read_config(path: &Path, is_said: bool, all: &mut BTreeMap<&'static str, Setting>) -> Done {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !is_said => return Ok(()),
        Err(_) | Ok(_) => (),
    }
    let text = disk::read_text(path, CONFIG_BYTES_MAX)?;
    let wrong =
        |words: String| Failure::failed("config", format!("the config file {}: {words}", path.display()));
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| wrong(format!("{} is no TOML: mend it, or take it away", error.message())))?;
    for (key, value) in table {
        let Some((name, is_path)) = NAMES.into_iter().find(|(name, _)| *name == key) else {
            return Err(wrong(if key.ends_with("passphrase") {
                format!(
                    "`{key}`: a passphrase does not stand in a config file: name a `{key}-file` or `{key}-command`"
                )
            } else {
                let names = NAMES.map(|(name, _)| name).join(", ");
                format!("there is no setting `{key}`: there are {names}")
            }));
        };
        let toml::Value::String(value) = value else {
            return Err(wrong(format!("`{name}` is a text in quotes: write it as {name} = \"…\"")));
        };
        // What stands in a file is meant from there.
        let value = if is_path && !disk::is_dash(Path::new(&value)) {
            let there = path.parent().unwrap_or(Path::new("")).join(&value);
            there
                .to_str()
                .map(str::to_owned)
                .ok_or_else(|| wrong("its folder's name is no UTF-8 text".to_owned()))?
        } else {
            value
        };
        all.insert(name, Setting { value, origin: Origin::Config, by: path.display().to_string() });
    }
    Ok(())
}
