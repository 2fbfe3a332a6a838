//! How a run ends: the exit codes, the same everywhere.

use std::process::ExitCode;

/// What `--help` of every command and the man pages say of it.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   all is well
  1   it could not be done; stderr says what to do next
  2   the command line is wrong
  3   tampering was found: stop, and keep the evidence
  4   evidence is missing
  5   denied, or there is no such thing
  12  the wrong key, passphrase or host directory";

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Fine,
    Failed,
    Usage,
    Tampering,
    Missing,
    Denied,
    WrongKey,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Fine => 0,
            Ending::Failed => 1,
            Ending::Usage => 2,
            Ending::Tampering => 3,
            Ending::Missing => 4,
            Ending::Denied => 5,
            Ending::WrongKey => 12,
        })
    }
}
