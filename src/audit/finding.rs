//! Findings: what is wrong, how bad, and where it begins.

use std::fmt;

use crate::codec::coded;

coded! {
    /// What is wrong.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Fault {
        /// The checkpoint is not signed by the vault, or does not grow from one that was kept.
        Checkpoint = 1, "the checkpoint is not this vault's, or does not grow from the one that was kept";
        /// The log's tiles or entries do not make the checkpoint.
        Log = 2, "the log does not make the checkpoint";
        /// The streams' heads do not make the heads map of the last epoch.
        Map = 3, "the streams' heads do not make the heads map";
        /// A stream is longer, shorter or another than its head says, or does not grow from what was verified before.
        Stream = 4, "the stream is not the one its head says";
        /// A stream is there that has no head, or is there twice, or is missing.
        Missing = 5, "a stream is missing, or there without a head";
        /// Something is not a line of this format.
        Malformed = 6, "not a line of this format";
        /// A position is left out, or stands twice.
        Position = 7, "a position is left out, or stands twice";
        /// Not signed by whom it names.
        Signature = 8, "not signed by whom it names";
        /// A time goes back, or clocks were too far apart.
        Time = 9, "times are out of order";
        /// One act stands twice.
        Repeated = 10, "the same act stands twice";
        /// It does not follow on what was before in its folder.
        Folder = 11, "it does not follow on what was before in the folder";
        /// The actor says it saw what never was.
        Seen = 12, "the actor saw what this stream never held";
        /// A grant is not what its event names, or is not one that can be given.
        Grant = 13, "a grant is not what its event names, or could not be given";
        /// No grant that held then covers it.
        Uncovered = 14, "no grant that held then covers it";
        /// Someone's Identity or Credentials were opened otherwise than by assignment, by the owner, or to vet.
        Identity = 15, "an identity was opened otherwise than by assignment, by its owner, or to vet";
        /// The party was not attested then.
        Unattested = 16, "the party was not attested then";
        /// The party was suspended or barred then.
        Standing = 17, "the party was suspended or barred then";
        /// Only a registrar may do this, and this was none then, or the wrong statement.
        Registrar = 18, "only a registrar of then may do this";
        /// A policy is not signed by enough of the registrars before it, or was left out, or is not the one the vault was made under.
        Policy = 19, "a policy is not signed by enough of the registrars before it, or was left out";
        /// Fewer witnesses have seen the checkpoint than the policy in force asks for.
        Unwitnessed = 20, "fewer witnesses have seen the checkpoint than the policy asks for";
        /// What a receipt promised stands in no stream, or not as it promised.
        Omitted = 21, "what a receipt promised is not there";
        /// What became public, or was hidden, is not what its release names.
        Release = 22, "what is public is not what its release names";
        /// A batch that became public does not pass the gate of its policy.
        Gate = 23, "a batch does not pass the gate of its policy";
    }
}

coded! {
    /// How bad it is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Gravity {
        /// To be looked into: clocks, for instance.
        Warning = 1, "warning";
        /// Evidence is not there.
        Missing = 2, "evidence missing";
        /// Someone changed, hid or did what was not permitted.
        Tampering = 3, "tampering";
    }
}

impl Fault {
    /// How bad it is.
    #[must_use]
    pub const fn gravity(self) -> Gravity {
        match self {
            Self::Time => Gravity::Warning,
            Self::Missing | Self::Unwitnessed => Gravity::Missing,
            Self::Checkpoint
            | Self::Folder
            | Self::Gate
            | Self::Grant
            | Self::Identity
            | Self::Log
            | Self::Malformed
            | Self::Map
            | Self::Omitted
            | Self::Policy
            | Self::Position
            | Self::Registrar
            | Self::Release
            | Self::Repeated
            | Self::Seen
            | Self::Signature
            | Self::Standing
            | Self::Stream
            | Self::Unattested
            | Self::Uncovered => Gravity::Tampering,
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The first line of the events at which it shows, from zero: for a stream that is too short, the line at which it ends.
    pub index: u64,
    /// What.
    pub fault: Fault,
    /// Whose stream, as the export names it; nothing if it is about the whole.
    pub stream: String,
    /// The position in it.
    pub seq: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, fault, stream, seq } = self;
        write!(f, "{} at event {index}: {fault}", fault.gravity())?;
        if stream.is_empty() { Ok(()) } else { write!(f, " ({stream}, position {seq})") }
    }
}
