//! Terms: what for, how far, how private, from when, until when.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, coded, wire},
    crypto::{Label, kdf::digest},
    folder::Clearance,
    id::Digest,
    time::{Timestamp, days},
};

coded! {
    /// Why a key is granted, and why a folder is opened.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Purpose {
        /// By the owner, for the owner.
        Own = 1, "the owner's own use";
        /// By the assigned doctor.
        Treatment = 2, "treatment";
        /// By another doctor, who does not learn who the patient is.
        Opinion = 3, "a second opinion";
        /// By a registrar, to vet the party.
        Vetting = 4, "vetting";
    }
}

coded! {
    /// How far a grant goes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Rights {
        /// Read.
        Read = 1, "read";
        /// Read, and write records of one's own.
        ReadWrite = 2, "read and write";
    }
}

/// The terms of a grant.
///
/// A beginning or an end that is not said is filled in when the grant is made: from then, for thirty days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Terms {
    #[n(0)]
    purpose: Purpose,
    #[n(1)]
    rights: Rights,
    #[n(2)]
    clearance: Clearance,
    #[n(3)]
    from: Timestamp,
    #[n(4)]
    until: Timestamp,
}

wire! { Terms: "terms", 64; }

impl Terms {
    const fn new(purpose: Purpose, rights: Rights) -> Self {
        Self {
            purpose,
            rights,
            clearance: Clearance::Normal,
            from: Timestamp::UNSAID,
            until: Timestamp::UNSAID,
        }
    }

    /// To treat: read and write. Who may write may also amend what others wrote; every version stays, with its author.
    #[must_use]
    pub const fn treatment() -> Self {
        Self::new(Purpose::Treatment, Rights::ReadWrite)
    }

    /// To give a second opinion: read; [`Self::writing`] lets it be written down in the case.
    #[must_use]
    pub const fn opinion() -> Self {
        Self::new(Purpose::Opinion, Rights::Read)
    }

    /// To vet: read, until it is done.
    #[must_use]
    pub(crate) const fn vetting() -> Self {
        Self::new(Purpose::Vetting, Rights::Read)
    }

    /// The owner's own: everything, without end.
    #[must_use]
    pub(crate) const fn own(from: Timestamp) -> Self {
        let own = Self::new(Purpose::Own, Rights::ReadWrite);
        Self { clearance: Clearance::VeryRestricted, from, until: Timestamp::MAX, ..own }
    }

    /// With the right to read only.
    #[must_use]
    pub const fn reading(self) -> Self {
        Self { rights: Rights::Read, ..self }
    }

    /// With the right to write as well.
    #[must_use]
    pub const fn writing(self) -> Self {
        Self { rights: Rights::ReadWrite, ..self }
    }

    /// Up to records of this clearance.
    #[must_use]
    pub const fn cleared_for(self, clearance: Clearance) -> Self {
        Self { clearance, ..self }
    }

    /// Not before this moment.
    #[must_use]
    pub const fn from(self, from: Timestamp) -> Self {
        Self { from, ..self }
    }

    /// Not from this moment on.
    #[must_use]
    pub const fn until(self, until: Timestamp) -> Self {
        Self { until, ..self }
    }

    /// The same terms with what was not said filled in.
    #[must_use]
    pub(crate) fn settled(self, now: Timestamp) -> Self {
        let from = if self.from == Timestamp::UNSAID { now } else { self.from };
        let until = if self.until == Timestamp::UNSAID { from.plus(days(30)) } else { self.until };
        Self { from, until, ..self }
    }

    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// How far.
    #[must_use]
    pub const fn rights(&self) -> Rights {
        self.rights
    }

    /// Up to which clearance.
    #[must_use]
    pub const fn clearance(&self) -> Clearance {
        self.clearance
    }

    /// From when.
    #[must_use]
    pub const fn starts(&self) -> Timestamp {
        self.from
    }

    /// Until when, not included.
    #[must_use]
    pub const fn ends(&self) -> Timestamp {
        self.until
    }

    /// Their digest, to which the wrapped key is bound.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::Terms, &[&codec::encode(self)])
    }
}

impl std::fmt::Display for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { purpose, rights, clearance, from, until } = self;
        write!(f, "{rights}, up to {clearance}, for {purpose}, from {from} ")?;
        if *until == Timestamp::MAX { write!(f, "without end") } else { write!(f, "until {until}") }
    }
}
