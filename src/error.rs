//! Errors, sorted by whose fault it is.

use crate::{
    codec::Malformed, crypto::NoRandomness, custodian::Unreachable, fhir::FhirError, record::ContentError,
};

/// What went wrong, and with that, what to do next.
///
/// # Security
/// No variant holds content, keys or a name, and none says why an opening failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not permitted, or not there: which of them is not said.
    #[error(
        "denied, or there is no such thing: ask the owner for a grant, or the registrar for an attestation"
    )]
    Denied,
    /// What came back is not what was put in, or was signed by the wrong one.
    #[error("tampered: {0}. Stop, keep the evidence, and compare heads with another device or the auditor")]
    Tampered(#[from] Tampering),
    /// The input cannot be used.
    #[error(transparent)]
    Malformed(#[from] Unusable),
    /// The program asked for something that makes no sense here.
    #[error("misuse: {0}")]
    Misuse(#[from] Misuse),
    /// The custodian or its store failed.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

impl Error {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Tampered(what) => what.code(),
            Self::Malformed(what) => what.code(),
            Self::Misuse(what) => what.code(),
            Self::Store(what) => what.code(),
        }
    }
}

/// Declares an error enum whose variants carry nothing: a message and a code each.
macro_rules! faults {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal, $message:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vmeta])* #[error($message)] $variant,)+ }

        impl $name {
            /// A name for it that stays.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

faults! {
    /// Evidence that someone changed, hid or replayed something.
    Tampering {
        /// The custodian's answer is not one, or not to what was asked.
        Answer = "tampered-answer", "the custodian's answer does not fit the question";
        /// A card is not the one that was pinned, or is not vouched for.
        Card = "tampered-card", "a card is not the one known under this id";
        /// A chart's events, epochs or writers do not verify.
        Chart = "tampered-chart", "a folder's events do not verify";
        /// A grant does not open, or wraps another key than its author committed to.
        Grant = "tampered-grant", "a grant is not what its granter signed";
        /// A list is older than one already seen, or has branched off.
        Head = "tampered-head", "a folder's list does not contain what was already seen of it";
        /// A list does not make the head that was signed.
        List = "tampered-list", "a folder's list is not the one that was signed";
        /// A memory does not open.
        Memory = "tampered-memory", "the saved memory belongs to another keyring, or was changed: check the file names first";
        /// A receipt is not for what was handed in.
        Receipt = "tampered-receipt", "the receipt is not for what was handed in";
        /// A record does not open, or is not what its author wrote.
        Record = "tampered-record", "a record does not open in its place";
        /// A stream is shorter than one already seen, has branched off, or holds what nobody signed.
        Stream = "tampered-stream", "the stream of events does not contain what was already seen, or does not verify";
        /// The vault or its registrars are not those that are trusted.
        Trust = "tampered-trust", "the vault or its registrars are not those pinned in the memory";
    }
}

faults! {
    /// What the program should do differently.
    Misuse {
        /// The keyring's card has another role.
        Role = "wrong-role", "this keyring's card has another role: sign in as that";
        /// Someone else wrote meanwhile, again and again.
        Conflict = "conflict", "others wrote to the folder meanwhile: open it again, and repeat";
        /// The case is closed.
        Closed = "closed", "your case is closed, and nothing is added any more: open a new one";
        /// The party is already enrolled.
        Enrolled = "already-enrolled", "this keyring is enrolled already: sign in";
        /// The keyring's card is not known here, or the clocks are too far apart.
        NotEnrolled = "not-enrolled", "this keyring is not enrolled in this vault, or this device's clock is wrong: enrol first, or set the clock";
        /// The folder is not in this chart, or not the caller's.
        NotOwn = "not-own", "this folder is not the caller's own";
        /// No such record in the chart, or one above the reader's clearance.
        NoRecord = "no-record", "there is no such record in this chart: look at its records";
        /// The chart has no identity to show.
        NoIdentity = "no-identity", "no identity was granted with this case: only an assigned doctor has one";
        /// There is no public area, or not under this public policy.
        NotPublic = "not-public", "this vault has no public area, or one of another public policy: make the abstract under the present one";
        /// Nothing is shared of this case.
        NotShared = "not-shared", "nothing of this case is shared with the public area";
        /// Something is shared of this case already.
        Shared = "shared", "this case is shared with the public area already: take it back first";
        /// The other party is not attested for this.
        NotAttested = "not-attested", "the party is not attested now: ask the registrars";
        /// The other party is attested, and not as a doctor.
        NotADoctor = "not-a-doctor", "the party is not an attested doctor: only a doctor is assigned or asked for an opinion";
        /// The terms make no sense.
        Terms = "terms", "the terms end before they begin, are longer than the vault's policy allows, or weigh nothing or too much";
        /// The custodian does not take what was handed in.
        Refused = "refused", "the vault does not take this: the record may have a newer version, so open the case again; or this build is of another version";
        /// Nothing was given to do.
        Empty = "empty", "there is nothing to write";
        /// Nothing was written or granted in the case for too long.
        Lapsed = "lapsed", "your case has lapsed, for nothing was done in it: open a new one";
        /// The registrars share no key yet, or not the present ones.
        NoRegistry = "no-registry", "the registrars share no key yet: one of them must sign in first";
        /// The person has a live card of this role.
        PersonKnown = "person-known", "this person has a card in this role already: ask whoever holds it whether it is lost, and only then succeed it";
        /// A check list with something in it that was not in order, or with nothing in it.
        ChecksFailed = "checks-failed", "the check list is not in order: refuse the application, or look again";
        /// Nothing to tell a patient.
        NoName = "no-name", "no name is written in the identity to reveal: write one first";
        /// No such thing waits.
        NotWaiting = "not-waiting", "this was answered already, or is not of this kind";
        /// The policy cannot be kept, or follows on another than the present one.
        Policy = "policy", "the policy names no registrars, or too many, or does not follow on the present one";
        /// The fingerprint is another card's.
        Fingerprint = "fingerprint", "this is not the fingerprint of the card that was offered: compare it again, whole";
        /// More than a limit at once.
        TooMuch = "too-much", "more than one submission may hold: do it in several";
    }
}

/// An input that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// A FHIR document.
    #[error(transparent)]
    Fhir(#[from] FhirError),
    /// A content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Bytes that should be a value of ours.
    #[error("malformed: {0}. Check that it is whole and of this version")]
    Bytes(#[from] Malformed),
}

impl Unusable {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fhir(error) => error.code(),
            Self::Content(error) => error.code(),
            Self::Bytes(_) => "malformed",
        }
    }
}

/// The custodian's side failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The transport gave no answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The store failed.
    #[error("the vault's store failed: repeat the act, or reopen the vault")]
    Store,
    /// The vault is open for reading only.
    #[error("the vault is open for salvage and takes nothing: restore it first")]
    ReadOnly,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl Unavailable {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Store => "store",
            Self::ReadOnly => "read-only",
            Self::Randomness(_) => "no-randomness",
        }
    }
}

macro_rules! by_fault {
    ($($inner:ty => $through:ty;)+) => {$(
        impl From<$inner> for Error {
            fn from(error: $inner) -> Self {
                <$through>::from(error).into()
            }
        }
    )+};
}

by_fault! {
    ContentError => Unusable;
    FhirError => Unusable;
    Malformed => Unusable;
    NoRandomness => Unavailable;
    Unreachable => Unavailable;
}
