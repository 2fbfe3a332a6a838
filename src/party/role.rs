//! Roles, as values on the wire and as types in code.

use crate::codec::coded;

coded! {
    /// What a card is for; it has one role.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Role {
        /// Whose health it is.
        Patient = 1, "patient";
        /// Who treats.
        Doctor = 2, "doctor";
        /// Who vets patients and doctors.
        Registrar = 3, "registrar";
        /// Who checks that all is in order, and sees no data.
        Auditor = 4, "auditor";
        /// Who runs the public area.
        Curator = 5, "curator";
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "a seal: only the roles of this module are roles")]
    pub trait Seal {}
}

/// A role as a type.
pub trait RoleType: sealed::Seal + Send + Sync + 'static {
    /// The same role as a value.
    const ROLE: Role;
}

/// A role that owns data of its own: an Identity folder, and a history of who opened it.
pub trait Owner: RoleType {}

macro_rules! roles {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $name;

        impl sealed::Seal for $name {}

        impl RoleType for $name {
            const ROLE: Role = Role::$name;
        }
    )+};
}

roles! {
    /// Checks streams; reads no data.
    Auditor;
    /// Reads what was shared with the public area, and releases what hides everybody.
    Curator;
    /// Opens what is granted, writes where the grant says so.
    Doctor;
    /// Opens cases, writes, grants, revokes.
    Patient;
    /// Reads the Identity of who is to be vetted; attests.
    Registrar;
}

impl Owner for Auditor {}
impl Owner for Curator {}
impl Owner for Doctor {}
impl Owner for Patient {}
