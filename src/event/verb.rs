//! Verbs: all that can happen.

use crate::codec::coded;

coded! {
    /// What an event says was done.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Verb {
        /// A party brought its card.
        Enrol = 1, "enrolled";
        /// A registrar gave its word on a party.
        Attest = 2, "attested";
        /// A registrar took its word back.
        Withdraw = 3, "withdrew the attestation";
        /// An owner began a folder.
        OpenFolder = 4, "began";
        /// An owner made a new key for a folder.
        Rotate = 5, "made a new key for";
        /// Records were added.
        Write = 6, "wrote to";
        /// Records got a new version.
        Amend = 7, "amended";
        /// Sealed records were handed in that a later write will add.
        Stage = 8, "sent ahead records for";
        /// A key was granted, without the identity.
        Grant = 9, "granted";
        /// The identity was granted together with a case.
        Assign = 10, "assigned a doctor, with the identity in";
        /// A reader was left out of the next epoch.
        Revoke = 11, "revoked access to";
        /// A folder was opened.
        Open = 12, "opened";
        /// A case was closed: nothing is added to it any more.
        Close = 13, "closed";
        /// The custodian refused.
        Deny = 14, "refused";
        /// The custodian's store was restored from a backup.
        Restore = 15, "restored a backup of";
        /// The vault was made, under this policy.
        Create = 16, "made";
        /// A party told the registrars of another's conduct.
        Report = 17, "reported to the registrars";
        /// A registrar ruled on conduct, or closed a report.
        Rule = 18, "ruled";
        /// A party asked the registrars to look at a ruling again.
        Appeal = 19, "appealed a ruling";
        /// A doctor published a listing.
        List = 20, "published a listing";
        /// A doctor shut someone out, or let him in again.
        Block = 21, "changed the list of whom not to see";
        /// A doctor told an assigning patient who he is.
        Reveal = 22, "revealed a name";
        /// A registrar signed a policy.
        Govern = 23, "signed a policy of";
        /// A registrar made the key that the registrars share.
        Equip = 24, "made the registrars' key of";
        /// A registrar looked at an application, and does not attest.
        Refuse = 25, "refused to attest";
        /// An auditor took an export of all streams.
        Export = 26, "took an export of";
        /// An owner gave an anonymised case to the public area.
        Share = 27, "shared with the public area";
        /// An owner took it back.
        Retract = 28, "took back from the public area";
        /// The curator changed what is public.
        Release = 29, "released in the public area of";
    }
}

coded! {
    /// What kind of actor acted.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum ActorClass {
        /// Someone, now.
        Person = 1, "person";
        /// A program, by itself.
        System = 2, "system";
        /// A program, over many at once.
        Batch = 3, "batch";
    }
}
