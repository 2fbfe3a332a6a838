//! Denials: why not. For the custodian's log only; whoever is refused hears one word.

use crate::codec::coded;

coded! {
    /// Why an act was not permitted.
    ///
    /// # Security
    /// Never sent to whoever was refused: absent and forbidden must look the same.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Denial {
        /// No such folder, or none the actor has ever been granted.
        Absent = 1, "there is no such folder, or no grant of it";
        /// The actor has no card here, or this is not its signature.
        Unknown = 2, "the actor is not known, or did not sign";
        /// The actor's clock and the custodian's are too far apart.
        ClockSkew = 3, "the clocks are too far apart";
        /// The folder's key was renewed without the actor.
        Revoked = 4, "the grant was revoked";
        /// The grant has not begun.
        NotYet = 5, "the grant has not begun";
        /// The grant has ended.
        Expired = 6, "the grant has ended";
        /// The reader's attestation has ended or was withdrawn, or there never was one.
        NotAttested = 7, "the party is not attested";
        /// The grant lets read, not write.
        ReadOnly = 8, "the grant gives no right to write";
        /// The record is more private than the grant reaches.
        Clearance = 9, "the grant does not reach this clearance";
        /// The case is closed.
        Closed = 10, "the case is closed";
        /// Only the owner does this.
        NotOwner = 11, "only the owner may do this";
        /// The actor's role has no such act.
        WrongRole = 12, "the role has no such right";
        /// An Identity comes out by assignment, to its owner, or to a registrar who vets.
        Identity = 13, "an identity is not granted this way";
        /// The terms are longer than the policy's longest grant, or end before they begin.
        Terms = 14, "the terms are outside the policy";
        /// The owner has as many open cases as the policy allows.
        TooManyCases = 15, "there are too many open cases";
        /// The grant is to another card than the one attested.
        WrongCard = 16, "the grant is for another card";
    }
}
