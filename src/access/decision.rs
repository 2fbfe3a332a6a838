//! The decision.

use crate::{
    access::{Act, Capacity, Denial, Facts, FolderFacts, GrantFacts, Policy, Taker},
    consent::{Purpose, Rights, Terms},
    credential::Standing,
    folder::{Clearance, FolderKind},
    party::Role,
};

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
    let Facts { now, claimed, capacity, folder, standing } = *facts;
    if claimed > now.plus(policy.skew()) || claimed < now.minus(policy.skew()) {
        return Err(Denial::ClockSkew);
    }
    let clearance = match act {
        Act::Appeal { reports_today } => {
            owner(capacity)?;
            only(reports_today < policy.conduct().reports_max, Denial::TooManyToday)?
        }
        Act::Attest | Act::Consult | Act::Govern => only(capacity == Capacity::Registrar, Denial::WrongRole)?,
        Act::Audit => {
            only(matches!(capacity, Capacity::Auditor | Capacity::Owner), Denial::NotOwner)?;
            only(capacity == Capacity::Owner || standing < Standing::Barred, Denial::Barred)?
        }
        Act::Begin { kind, role, open_cases, cases_today, is_attested } => {
            owner(capacity)?;
            let fits = match kind {
                FolderKind::Identity => true,
                FolderKind::Case | FolderKind::Summary => role == Role::Patient,
                FolderKind::Credentials => role == Role::Doctor,
            };
            only(fits, Denial::WrongRole)?;
            begin(policy, kind, Beginning { open_cases, cases_today, is_attested, standing })?
        }
        Act::Close => {
            owner(capacity)?;
            only(!folder.ok_or(Denial::Absent)?.is_closed, Denial::Closed)?
        }
        Act::Give { terms, taker } => {
            owner(capacity)?;
            give(policy, folder.ok_or(Denial::Absent)?, terms, taker)?;
            // The owner's own key, and the registrars' look at who one is, are no grants that a standing takes away.
            let is_own = matches!(terms.purpose(), Purpose::Own | Purpose::Vetting);
            if !is_own {
                may_begin(standing)?;
                may_begin(taker.standing)?;
                only(taker.is_willing, Denial::Unwilling)?;
            }
            terms.clearance()
        }
        Act::Gather { is_attested } | Act::Release { is_attested } => curate(facts, is_attested)?,
        Act::List { role } => {
            owner(capacity)?;
            only(role == Role::Doctor, Denial::WrongRole)?
        }
        Act::Open => granted(facts, folder.ok_or(Denial::Absent)?)?.clearance(),
        Act::Renew | Act::Retract => owner(capacity)?,
        Act::Report { is_attested, reports_today } => report(policy, facts, is_attested, reports_today)?,
        Act::Reveal { is_assigned, is_attested } => {
            owner(capacity)?;
            only(is_attested, Denial::NotAttested)?;
            only(is_assigned, Denial::NotAssigned)?;
            only(standing < Standing::Barred, Denial::Barred)?
        }
        Act::Rule { is_own_ruling } => {
            only(capacity == Capacity::Registrar, Denial::WrongRole)?;
            only(!is_own_ruling, Denial::OwnRuling)?
        }
        Act::Search { is_attested } => {
            only(is_attested || !policy.patients_attested, Denial::NotAttested)?;
            only(standing < Standing::Barred, Denial::Barred)?
        }
        Act::Share { .. } => share(facts, act)?,
        Act::Write(clearance) => write(facts, folder.ok_or(Denial::Absent)?, clearance)?,
    };
    Ok(Permit { clearance })
}

fn write(facts: &Facts, folder: FolderFacts, clearance: Clearance) -> Result<Clearance, Denial> {
    let terms = granted(facts, folder)?;
    only(terms.rights() == Rights::ReadWrite, Denial::ReadOnly)?;
    only(clearance <= terms.clearance(), Denial::Clearance)?;
    // Who one is, and one's papers, one may always say: the registrars read them.
    let is_to_vet = matches!(folder.kind, FolderKind::Credentials | FolderKind::Identity);
    only(is_to_vet || facts.standing < Standing::Barred, Denial::Barred)?;
    is_live(folder)
}

/// What only the curator does whom the policy names.
fn curate(facts: &Facts, is_attested: bool) -> Result<Clearance, Denial> {
    only(facts.capacity == Capacity::Curator, Denial::Absent)?;
    only(is_attested, Denial::NotAttested)?;
    only(facts.standing < Standing::Barred, Denial::Barred)
}

/// Of a case, however old: what is shared is made of what was written.
fn share(facts: &Facts, act: Act) -> Result<Clearance, Denial> {
    let Act::Share { is_attested, is_open, is_shared } = act else { return Err(Denial::Absent) };
    owner(facts.capacity)?;
    only(facts.folder.is_some_and(|folder| folder.kind == FolderKind::Case), Denial::Absent)?;
    only(is_open, Denial::NotPublic)?;
    only(is_attested, Denial::NotAttested)?;
    only(facts.standing < Standing::Barred, Denial::Barred)?;
    only(!is_shared, Denial::Shared)
}

fn report(policy: &Policy, facts: &Facts, is_attested: bool, today: u32) -> Result<Clearance, Denial> {
    owner(facts.capacity)?;
    only(is_attested, Denial::NotAttested)?;
    only(facts.standing < Standing::Barred, Denial::Barred)?;
    only(today < policy.conduct().reports_max, Denial::TooManyToday)
}

fn only(holds: bool, otherwise: Denial) -> Result<Clearance, Denial> {
    if holds { Ok(Clearance::VeryRestricted) } else { Err(otherwise) }
}

fn owner(capacity: Capacity) -> Result<Clearance, Denial> {
    match capacity {
        Capacity::Owner => Ok(Clearance::VeryRestricted),
        Capacity::Stranger => Err(Denial::Absent),
        Capacity::Auditor | Capacity::Curator | Capacity::Reader(_) | Capacity::Registrar => {
            Err(Denial::NotOwner)
        }
    }
}

fn is_live(folder: FolderFacts) -> Result<Clearance, Denial> {
    only(!folder.is_closed, Denial::Closed)?;
    only(!folder.is_lapsed, Denial::Lapsed)
}

/// Whether who stands so may begin something new.
fn may_begin(standing: Standing) -> Result<Clearance, Denial> {
    only(standing < Standing::Barred, Denial::Barred)?;
    only(standing < Standing::Suspended, Denial::Suspended)
}

struct Beginning {
    open_cases: u32,
    cases_today: u32,
    is_attested: bool,
    standing: Standing,
}

fn begin(policy: &Policy, kind: FolderKind, facts: Beginning) -> Result<Clearance, Denial> {
    let Beginning { open_cases, cases_today, is_attested, standing } = facts;
    match kind {
        // Who one is, and one's papers, are there to be vetted by.
        FolderKind::Identity => return Ok(Clearance::VeryRestricted),
        FolderKind::Credentials => return only(standing < Standing::Barred, Denial::Barred),
        FolderKind::Case | FolderKind::Summary => (),
    }
    only(is_attested || !policy.patients_attested, Denial::NotAttested)?;
    may_begin(standing)?;
    if kind == FolderKind::Case {
        only(open_cases < policy.open_cases_max, Denial::TooManyCases)?;
        only(cases_today < policy.conduct().new_cases_max, Denial::TooManyToday)?;
    }
    Ok(Clearance::VeryRestricted)
}

fn give(policy: &Policy, folder: FolderFacts, terms: Terms, taker: Taker) -> Result<(), Denial> {
    let Taker { role, is_attested, is_assignment, standing: _, is_willing: _ } = taker;
    if terms.purpose() == Purpose::Own {
        return Ok(());
    }
    only(is_attested, Denial::NotAttested)?;
    only(
        terms.starts() < terms.ends() && terms.ends() <= terms.starts().plus(policy.longest()),
        Denial::Terms,
    )?;
    is_live(folder)?;
    let fits = match (folder.kind, role) {
        (FolderKind::Identity, Role::Doctor) => is_assignment && terms.purpose() == Purpose::Treatment,
        (FolderKind::Identity | FolderKind::Credentials, Role::Registrar) => {
            terms.purpose() == Purpose::Vetting
        }
        (FolderKind::Identity | FolderKind::Credentials, _) | (_, Role::Registrar) => false,
        (FolderKind::Case | FolderKind::Summary, Role::Doctor) => {
            matches!(terms.purpose(), Purpose::Treatment | Purpose::Opinion)
        }
        (FolderKind::Case | FolderKind::Summary, Role::Auditor | Role::Curator | Role::Patient) => false,
    };
    only(fits, if folder.kind == FolderKind::Identity { Denial::Identity } else { Denial::WrongRole })?;
    Ok(())
}

/// The terms under which the actor may touch the folder now.
///
/// Both clocks must say so: the custodian's, and the actor's, by which other sessions will judge the event.
fn granted(facts: &Facts, folder: FolderFacts) -> Result<Terms, Denial> {
    let Facts { now, claimed, capacity, folder: _, standing } = *facts;
    let grant = match capacity {
        Capacity::Owner => return Ok(Terms::own(now)),
        Capacity::Reader(grant) => grant,
        Capacity::Auditor | Capacity::Curator | Capacity::Registrar | Capacity::Stranger => {
            return Err(Denial::Absent);
        }
    };
    let GrantFacts { terms, is_current, is_same_card, is_attested, is_backed, is_vetted } = grant;
    only(is_current, Denial::Revoked)?;
    only(is_same_card, Denial::WrongCard)?;
    only(terms.starts() <= now.min(claimed), Denial::NotYet)?;
    only(now.max(claimed) < terms.ends(), Denial::Expired)?;
    only(is_attested, Denial::NotAttested)?;
    only(standing < Standing::Barred, Denial::Barred)?;
    only(folder.kind != FolderKind::Identity || is_backed, Denial::Identity)?;
    only(terms.purpose() != Purpose::Vetting || !is_vetted, Denial::Vetted)?;
    Ok(terms)
}
