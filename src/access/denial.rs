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
        /// The actor, or who is to be granted something, is suspended.
        Suspended = 17, "the party is suspended";
        /// The actor, or who is to be granted something, is barred.
        Barred = 18, "the party is barred";
        /// Nothing was done in the case for so long that it is closed.
        Lapsed = 19, "the case has lapsed";
        /// The doctor takes no new cases, or none of this patient's.
        Unwilling = 20, "the doctor does not take this case";
        /// As many new cases, or reports, today as the policy allows.
        TooManyToday = 21, "there are too many today";
        /// The vetting is over for which the registrar was let in.
        Vetted = 22, "the vetting is over";
        /// The person has a live card of this role.
        PersonKnown = 23, "the person has a live card already";
        /// The doctor is not assigned to the case he speaks of.
        NotAssigned = 24, "the doctor is not assigned to the case";
        /// Who ruled does not decide the appeal.
        OwnRuling = 25, "an appeal is decided by another registrar";
        /// The policy names no public area, or one of another public policy.
        NotPublic = 28, "there is no such public area";
        /// Of a case one abstract is shared at a time, and none again that the curator has had.
        Shared = 29, "the case is shared, or the curator has had it";
    }
}
