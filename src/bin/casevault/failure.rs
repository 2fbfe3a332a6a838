//! What went wrong: how the run ends, a code that stays, and words that say what to do next.

use std::{fmt, io, path::Path};

use casevault::{
    crypto::NoRandomness,
    error::{Error, Misuse},
    party::KeyFileError,
    store::StoreError,
    vault::{ExportError, HostError, PublishError, VaultError},
};

use crate::ending::Ending;

/// How a command ends when it does not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) ending: Ending,
    code: &'static str,
    words: String,
}

/// What a command's function gives.
pub(crate) type Done<T = ()> = Result<T, Failure>;

impl Failure {
    /// It could not be done.
    pub(crate) fn failed(code: &'static str, words: impl Into<String>) -> Self {
        Self { ending: Ending::Failed, code, words: words.into() }
    }

    /// The command line asks for something that makes no sense.
    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self { ending: Ending::Usage, code: "usage", words: words.into() }
    }

    /// The key is not the one that is needed.
    pub(crate) fn wrong_key(code: &'static str, words: impl Into<String>) -> Self {
        Self { ending: Ending::WrongKey, code, words: words.into() }
    }

    /// What was shown is not what was known.
    pub(crate) fn tampering(code: &'static str, words: impl Into<String>) -> Self {
        Self { ending: Ending::Tampering, code, words: words.into() }
    }

    /// There is no such thing, or not for this key.
    pub(crate) fn unknown(words: impl Into<String>) -> Self {
        Self { ending: Ending::Denied, code: "unknown", words: words.into() }
    }

    /// The code, which stays.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The words alone.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// Something that should be kept is not there.
    pub(crate) fn missing(code: &'static str, words: impl Into<String>) -> Self {
        Self { ending: Ending::Missing, code, words: words.into() }
    }

    /// The same failure, with the file it is about.
    pub(crate) fn about(self, path: &Path) -> Self {
        Self { words: format!("{}: {}", path.display(), self.words), ..self }
    }

    /// The file system refused.
    pub(crate) fn files(path: &Path, doing: &str, error: &io::Error) -> Self {
        let known = [
            (io::ErrorKind::NotFound, "check the path"),
            (io::ErrorKind::PermissionDenied, "look who may read and write it"),
            (io::ErrorKind::StorageFull, "make room, and repeat"),
        ];
        let next = known.iter().find(|(kind, _)| *kind == error.kind());
        let next = next.map_or("look at the path and the disk, and repeat", |(_, next)| next);
        Self::failed("files", format!("{} cannot be {doing} ({error}): {next}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "casevault: {} [{}]", self.words, self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let ending = match &error {
            Error::Denied | Error::Misuse(Misuse::NotAttested) => Ending::Denied,
            Error::Tampered(_) => Ending::Tampering,
            Error::Misuse(Misuse::Role | Misuse::NotEnrolled) => Ending::WrongKey,
            Error::Malformed(_) | Error::Misuse(_) | Error::Store(_) | _ => Ending::Failed,
        };
        Self { ending, code: error.code(), words: error.to_string() }
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        Error::from(misuse).into()
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::failed("no-randomness", error.to_string())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let ending = if error == KeyFileError::WrongPassphrase { Ending::WrongKey } else { Ending::Failed };
        Self { ending, code: error.code(), words: error.to_string() }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        VaultError::from(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        VaultError::from(error).into()
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let ending = match &error {
            VaultError::Anchor | VaultError::WrongRoot | VaultError::Host(HostError::Root) => {
                Ending::WrongKey
            }
            VaultError::Damaged
            | VaultError::Host(HostError::Damaged)
            | VaultError::OtherHistory { .. }
            | VaultError::RolledBack { .. }
            | VaultError::Store(StoreError::Corrupt | StoreError::StrayBlobs) => Ending::Tampering,
            VaultError::Exists
            | VaultError::Host(_)
            | VaultError::HostInUse
            | VaultError::Leased
            | VaultError::NoVault
            | VaultError::OtherFormat
            | VaultError::Policy
            | VaultError::Randomness(_)
            | VaultError::Store(_)
            | _ => Ending::Failed,
        };
        Self { ending, code: error.code(), words: error.to_string() }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let (code, words) = (error.code(), error.to_string());
        if let ExportError::Vault(error) = error { error.into() } else { Self::failed(code, words) }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let (code, words) = (error.code(), format!("{error}{}", cause.unwrap_or_default()));
        if let PublishError::Vault(error) = error { error.into() } else { Self::failed(code, words) }
    }
}
