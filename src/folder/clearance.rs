//! How private a record is, and what a folder holds.

use crate::codec::coded;

coded! {
    /// How private a record is: HL7's confidentiality N, R and V.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Clearance {
        /// What a treating doctor needs.
        #[default]
        Normal = 1, "normal";
        /// More than usual: psychiatry, HIV, addiction.
        Restricted = 2, "restricted";
        /// Only whom the owner names for it.
        VeryRestricted = 3, "very restricted";
    }
}

coded! {
    /// What a folder is for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum FolderKind {
        /// Who I am.
        Identity = 1, "identity";
        /// One consultation or episode.
        Case = 2, "case";
        /// What helps in an emergency.
        Summary = 3, "summary";
        /// A doctor's papers.
        Credentials = 4, "credentials";
    }
}
