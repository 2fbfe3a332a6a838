//! Pens: what it takes to write to a folder whose list was verified.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    folder::{Clearance, Epoch, FolderKey},
    merkle::Frontier,
    record::FolderSalt,
};

/// The keys and salts of an opened folder's epochs.
#[derive(Debug, Default)]
pub(super) struct Ring {
    pub(super) keys: BTreeMap<Epoch, FolderKey>,
    pub(super) salts: BTreeMap<Epoch, FolderSalt>,
}

/// An opened folder's keys and the state of its list.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    pub(super) ring: Arc<Ring>,
    pub(super) epoch: Epoch,
    pub(super) list: Frontier,
    pub(super) clearance: Clearance,
}

impl Ring {
    /// The key and salt of an epoch.
    pub(super) fn of(&self, epoch: Epoch) -> Option<(&FolderKey, &FolderSalt)> {
        self.keys.get(&epoch).zip(self.salts.get(&epoch))
    }
}

impl Pen {
    /// The same pen after a write.
    pub(super) fn moved_to(&self, list: Frontier) -> Self {
        Self { list, ..self.clone() }
    }
}
