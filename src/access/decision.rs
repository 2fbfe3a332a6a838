//! The decision.

use crate::{
    access::{Denial, Policy},
    consent::{Purpose, Rights, Terms},
    folder::{Clearance, FolderKind},
    party::Role,
    time::Timestamp,
};

/// How the actor stands to the data it wants to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capacity {
    /// A vetted checker of streams.
    Auditor,
    /// It is the actor's own.
    Owner,
    /// It was granted to the actor.
    Reader(GrantFacts),
    /// One of the policy's registrars.
    Registrar,
    /// None of these.
    Stranger,
}

/// What is known of the grant an actor relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantFacts {
    /// Its terms.
    pub terms: Terms,
    /// Whether it is of the folder's present epoch.
    pub is_current: bool,
    /// Whether it names the card that signed.
    pub is_same_card: bool,
    /// Whether the actor is attested now; a registrar vouches for itself.
    pub is_attested: bool,
    /// For an Identity granted with a Case: whether that Case's own grant still holds.
    pub is_backed: bool,
}

/// What is known of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderFacts {
    /// What it is for.
    pub kind: FolderKind,
    /// Whether nothing is to be added.
    pub is_closed: bool,
}

/// All that a decision looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The custodian's time.
    pub now: Timestamp,
    /// The time the actor says it is.
    pub claimed: Timestamp,
    /// How the actor stands to the data.
    pub capacity: Capacity,
    /// The folder, if one is touched.
    pub folder: Option<FolderFacts>,
}

/// What the actor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Vouch for a party, or take it back.
    Attest,
    /// Read a stream of events.
    Audit,
    /// Begin a folder.
    Begin {
        /// What for.
        kind: FolderKind,
        /// By a party of which role.
        role: Role,
        /// How many open cases there are already.
        open_cases: u32,
        /// Whether the owner is attested now.
        is_attested: bool,
    },
    /// Close a case.
    Close,
    /// Grant a folder's key.
    Give {
        /// Under which terms.
        terms: Terms,
        /// To which role.
        role: Role,
        /// Whether the reader is attested now; the owner need not be.
        is_attested: bool,
        /// Whether a Case's grant to the same reader stands beside it, under the same terms.
        is_assignment: bool,
    },
    /// Open a folder.
    Open,
    /// Make a new key for a folder.
    Renew,
    /// Add records of up to this clearance.
    Write(Clearance),
}

/// Permission for one act.
///
/// Nobody else makes one:
/// ```compile_fail,E0451
/// use casevault::{access::Permit, folder::Clearance};
/// let forged = Permit { clearance: Clearance::VeryRestricted };
/// ```
/// And it is used once:
/// ```compile_fail,E0382
/// # use casevault::access::Permit;
/// fn twice(permit: Permit) { drop(permit); drop(permit); }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit is for the act that takes it"]
pub struct Permit {
    clearance: Clearance,
}

impl Permit {
    /// Up to which clearance it reaches.
    #[must_use]
    pub const fn clearance(&self) -> Clearance {
        self.clearance
    }
}

/// Decides whether the act is permitted: by the facts alone.
///
/// # Errors
/// The [`Denial`] that applies first.
pub fn decide(policy: &Policy, act: Act, facts: &Facts) -> Result<Permit, Denial> {
    let Facts { now, claimed, capacity, folder } = facts;
    if *claimed > now.plus(policy.skew()) || *claimed < now.minus(policy.skew()) {
        return Err(Denial::ClockSkew);
    }
    let clearance = match act {
        Act::Attest => only(*capacity == Capacity::Registrar, Denial::WrongRole)?,
        Act::Audit => only(matches!(capacity, Capacity::Auditor | Capacity::Owner), Denial::NotOwner)?,
        Act::Begin { kind, role, open_cases, is_attested } => {
            owner(*capacity)?;
            let fits = match kind {
                FolderKind::Identity => true,
                FolderKind::Case | FolderKind::Summary => role == Role::Patient,
                FolderKind::Credentials => role == Role::Doctor,
            };
            only(fits, Denial::WrongRole)?;
            begin(policy, kind, open_cases, is_attested)?
        }
        Act::Close => {
            owner(*capacity)?;
            only(!folder.ok_or(Denial::Absent)?.is_closed, Denial::Closed)?
        }
        Act::Give { terms, role, is_attested, is_assignment } => {
            owner(*capacity)?;
            let folder = folder.ok_or(Denial::Absent)?;
            give(policy, folder, terms, Taker { role, is_attested, is_assignment })?;
            terms.clearance()
        }
        Act::Open => granted(facts, folder.ok_or(Denial::Absent)?)?.clearance(),
        Act::Renew => owner(*capacity)?,
        Act::Write(clearance) => {
            let folder = folder.ok_or(Denial::Absent)?;
            let terms = granted(facts, folder)?;
            only(terms.rights() == Rights::ReadWrite, Denial::ReadOnly)?;
            only(clearance <= terms.clearance(), Denial::Clearance)?;
            only(!folder.is_closed, Denial::Closed)?
        }
    };
    Ok(Permit { clearance })
}

fn only(holds: bool, otherwise: Denial) -> Result<Clearance, Denial> {
    if holds { Ok(Clearance::VeryRestricted) } else { Err(otherwise) }
}

fn owner(capacity: Capacity) -> Result<Clearance, Denial> {
    match capacity {
        Capacity::Owner => Ok(Clearance::VeryRestricted),
        Capacity::Stranger => Err(Denial::Absent),
        Capacity::Auditor | Capacity::Reader(_) | Capacity::Registrar => Err(Denial::NotOwner),
    }
}

fn begin(policy: &Policy, kind: FolderKind, open_cases: u32, is_attested: bool) -> Result<Clearance, Denial> {
    if kind == FolderKind::Identity {
        return Ok(Clearance::VeryRestricted);
    }
    only(is_attested || !policy.patients_attested, Denial::NotAttested)?;
    only(kind != FolderKind::Case || open_cases < policy.open_cases_max, Denial::TooManyCases)
}

struct Taker {
    role: Role,
    is_attested: bool,
    is_assignment: bool,
}

fn give(policy: &Policy, folder: FolderFacts, terms: Terms, taker: Taker) -> Result<(), Denial> {
    let Taker { role, is_attested, is_assignment } = taker;
    if terms.purpose() == Purpose::Own {
        return Ok(());
    }
    only(is_attested, Denial::NotAttested)?;
    only(
        terms.starts() < terms.ends() && terms.ends() <= terms.starts().plus(policy.longest()),
        Denial::Terms,
    )?;
    only(!folder.is_closed, Denial::Closed)?;
    let fits = match (folder.kind, role) {
        (FolderKind::Identity, Role::Doctor) => is_assignment && terms.purpose() == Purpose::Treatment,
        (FolderKind::Identity | FolderKind::Credentials, Role::Registrar) => {
            terms.purpose() == Purpose::Vetting
        }
        (FolderKind::Identity | FolderKind::Credentials, _) | (_, Role::Registrar) => false,
        (FolderKind::Case | FolderKind::Summary, Role::Doctor) => {
            matches!(terms.purpose(), Purpose::Treatment | Purpose::Opinion)
        }
        (FolderKind::Case | FolderKind::Summary, Role::Auditor | Role::Patient) => false,
    };
    only(fits, if folder.kind == FolderKind::Identity { Denial::Identity } else { Denial::WrongRole })?;
    Ok(())
}

/// The terms under which the actor may touch the folder now.
///
/// Both clocks must say so: the custodian's, and the actor's, by which other sessions will judge the event.
fn granted(facts: &Facts, folder: FolderFacts) -> Result<Terms, Denial> {
    let Facts { now, claimed, capacity, folder: _ } = *facts;
    let grant = match capacity {
        Capacity::Owner => return Ok(Terms::own(now)),
        Capacity::Reader(grant) => grant,
        Capacity::Auditor | Capacity::Registrar | Capacity::Stranger => return Err(Denial::Absent),
    };
    let GrantFacts { terms, is_current, is_same_card, is_attested, is_backed } = grant;
    only(is_current, Denial::Revoked)?;
    only(is_same_card, Denial::WrongCard)?;
    only(terms.starts() <= now.min(claimed), Denial::NotYet)?;
    only(now.max(claimed) < terms.ends(), Denial::Expired)?;
    only(is_attested, Denial::NotAttested)?;
    only(folder.kind != FolderKind::Identity || is_backed, Denial::Identity)?;
    Ok(terms)
}
