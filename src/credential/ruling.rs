//! Rulings: what the registrars decide about conduct. Reports and appeals: what they are asked.

use minicbor::{Decode, Encode};

use crate::{
    codec::{coded, wire},
    crypto::{Label, Statement},
    event::Principal,
    id::{Digest, PartyId, RulingId, VaultId},
    limits::PETITION_BYTES_MAX,
    time::Timestamp,
};

coded! {
    /// What conduct is about.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Category {
        /// Threats, insults, harassment.
        Abuse = 1, "abuse";
        /// Someone who is not who the card says.
        Impersonation = 2, "impersonation";
        /// A report that its author knew to be false.
        FalseReport = 3, "false report";
        /// Money, prescriptions, papers.
        Fraud = 4, "fraud";
        /// Hours that were booked and not meant.
        Waste = 5, "wasted hours";
        /// Treatment below what is owed.
        Malpractice = 6, "malpractice";
        /// Something told that was not to be told.
        Breach = 7, "breach of confidence";
        /// Anything else.
        Other = 8, "other conduct";
    }
}

coded! {
    /// How bad it was.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Severity {
        /// A nuisance.
        Minor = 1, "minor";
        /// Harm, or the danger of it.
        Serious = 2, "serious";
        /// Danger to life, or a crime.
        Grave = 3, "grave";
    }
}

/// What a party tells the registrars of another.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Report {
    /// Whom: a party, or the owner of a case whom the reporter does not know.
    #[n(0)]
    pub reported: Principal,
    /// About what.
    #[n(1)]
    pub category: Category,
    /// How bad.
    #[n(2)]
    pub severity: Severity,
    /// In the reporter's words.
    #[n(3)]
    pub text: String,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reported: _, category, severity, text: _ } = self;
        write!(f, "Report({category}, {severity}, ..)")
    }
}

/// What the registrars are asked: sealed for them, whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Petition {
    /// To look at someone's conduct.
    #[n(0)]
    Report(#[n(0)] Report),
    /// To look at a ruling again.
    #[n(1)]
    Appeal(#[n(0)] Appeal),
}

/// What a party asks about a ruling against it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Appeal {
    /// The ruling.
    #[n(0)]
    pub ruling: RulingId,
    /// In the party's words.
    #[n(1)]
    pub text: String,
}

impl std::fmt::Debug for Appeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Appeal({}, ..)", self.ruling)
    }
}

/// What a registrar decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Verdict {
    /// Something counts against the party.
    #[n(0)]
    Strike {
        /// For what.
        #[n(0)]
        category: Category,
        /// How much it weighs.
        #[n(1)]
        weight: u8,
        /// From when it counts.
        #[n(2)]
        from: Timestamp,
        /// Until when, not included.
        #[n(3)]
        until: Timestamp,
    },
    /// A strike counts no more: an appeal was granted.
    #[n(1)]
    Lift(#[n(0)] RulingId),
    /// A strike stays: an appeal was refused.
    #[n(2)]
    Confirm(#[n(0)] RulingId),
    /// To who reported: something was done.
    #[n(3)]
    Upheld(#[n(0)] Digest),
    /// To who reported: nothing was done.
    #[n(4)]
    Dismissed(#[n(0)] Digest),
}

impl Verdict {
    /// The letter that it answers, if it is to who reported.
    #[must_use]
    pub const fn report(&self) -> Option<Digest> {
        match self {
            Self::Upheld(report) | Self::Dismissed(report) => Some(*report),
            Self::Strike { .. } | Self::Lift(_) | Self::Confirm(_) => None,
        }
    }

    /// The strike that it is about, if it answers an appeal.
    #[must_use]
    pub const fn appealed(&self) -> Option<RulingId> {
        match self {
            Self::Lift(ruling) | Self::Confirm(ruling) => Some(*ruling),
            Self::Strike { .. } | Self::Upheld(_) | Self::Dismissed(_) => None,
        }
    }
}

/// What a registrar signs.
///
/// # Security
/// It names neither a report nor who made it. A Case stands for an owner whom the reporter did not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RulingStatement {
    /// The vault in which it holds.
    #[n(0)]
    pub vault: VaultId,
    /// The ruling.
    #[n(1)]
    pub ruling: RulingId,
    /// About whom.
    #[n(2)]
    pub subject: Principal,
    /// What.
    #[n(3)]
    pub verdict: Verdict,
    /// By which registrar.
    #[n(4)]
    pub registrar: PartyId,
    /// When.
    #[n(5)]
    pub at: Timestamp,
}

wire! { Petition: "petition", PETITION_BYTES_MAX + 256; RulingStatement: "ruling", 512; }

impl Statement for RulingStatement {
    const LABEL: Label = Label::Ruling;
}
