//! Rules: the policy in force, whom it trusts, and the registrars' keys. A submission is judged by those it found.

use std::sync::{Arc, PoisonError};

use crate::{
    access::Policy,
    credential::{RegistryStatement, Trust},
    crypto::Signed,
    event::Principal,
    vault::{Vault, fault::Fault, rows::RegistryRow, tables::Table},
};

/// What is in force.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) trust: Trust,
    pub(super) policy: Policy,
    /// The registrars' keys, the newest last.
    pub(super) registries: Vec<Signed<RegistryStatement>>,
}

impl Vault {
    /// What is in force now.
    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is in force.
    pub(super) fn adopt(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// The registrars' keys, when a vault is opened.
    pub(super) fn load_registries(&self) -> Result<(), Fault> {
        let place = self.shelves.keys.place(Principal::Vault(self.id));
        let rows: Vec<RegistryRow> = self.shelves.scan(place, Table::Registry, &[])?;
        let registries = rows.into_iter().map(|row| row.signed).collect();
        self.adopt(Rules { registries, ..(*self.rules()).clone() });
        Ok(())
    }
}
