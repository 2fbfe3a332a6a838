//! What may be decided.

use crate::{
    access::Taker,
    consent::Terms,
    folder::{Clearance, FolderKind},
    party::Role,
};

/// What the actor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Ask that a ruling be looked at again.
    Appeal {
        /// How many reports and appeals the party made today.
        reports_today: u32,
    },
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
        /// How many cases were begun today.
        cases_today: u32,
        /// Whether the owner is attested now.
        is_attested: bool,
    },
    /// Close a case.
    Close,
    /// Read a letter to the registrars, or a check list of theirs.
    Consult,
    /// Grant a folder's key.
    Give {
        /// Under which terms.
        terms: Terms,
        /// To whom.
        taker: Taker,
    },
    /// Sign a policy, or make the registrars' key.
    Govern,
    /// Take in what was shared with the public area.
    Gather {
        /// Whether the asker is attested now.
        is_attested: bool,
    },
    /// Publish a listing, or say whom one does not see.
    List {
        /// By a party of which role.
        role: Role,
    },
    /// Open a folder.
    Open,
    /// Change what is public.
    Release {
        /// Whether the actor is attested now.
        is_attested: bool,
    },
    /// Make a new key for a folder.
    Renew,
    /// Report someone's conduct.
    Report {
        /// Whether the reporter is attested now.
        is_attested: bool,
        /// How many reports and appeals the party made today.
        reports_today: u32,
    },
    /// Take back what was shared of a case.
    Retract,
    /// Tell a patient who one is.
    Reveal {
        /// Whether the patient assigns the actor now, with her own identity.
        is_assigned: bool,
        /// Whether the actor is attested now.
        is_attested: bool,
    },
    /// Rule on conduct.
    Rule {
        /// Whether it answers an appeal against a ruling of this same registrar's, and there is another who could.
        is_own_ruling: bool,
    },
    /// Look into the directory.
    Search {
        /// Whether the asker is attested now.
        is_attested: bool,
    },
    /// Give an anonymised case to the public area.
    Share {
        /// Whether the owner is attested now, as a person where the policy asks for that.
        is_attested: bool,
        /// Whether the policy has a public area, under the public policy that was consented to.
        is_open: bool,
        /// Whether the case is shared already, or was until the curator had it.
        is_shared: bool,
    },
    /// Add records of up to this clearance.
    Write(Clearance),
}
