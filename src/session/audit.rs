//! The auditor's session: streams checked, no data seen.

use crate::{
    error::Error,
    event::Principal,
    id::PartyId,
    merkle::Head,
    party::Auditor,
    session::{Session, StreamReport},
};

impl Session<'_, Auditor> {
    /// Checks an owner's whole stream: positions, signatures, the head the custodian signs, and that it contains a head
    /// the owner or an earlier check has seen.
    ///
    /// # Errors
    /// [`Error::Denied`] if the auditor is not attested, or there is no such owner; [`Error::Tampered`] if the stream
    /// does not verify.
    pub fn check_owner(&self, owner: PartyId, seen: &[Head]) -> Result<StreamReport, Error> {
        self.check_stream(Principal::Party(owner), seen)
    }

    /// Checks the vault's own stream: how it began, what it refused, whether it was restored.
    ///
    /// # Errors
    /// As [`Self::check_owner`].
    pub fn check_vault(&self, seen: &[Head]) -> Result<StreamReport, Error> {
        let vault = self.trust()?.vault;
        self.check_stream(Principal::Vault(vault), seen)
    }
}
