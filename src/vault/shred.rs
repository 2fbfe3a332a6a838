//! Shred keys: one for each owner, kept by the host, without which no record of the owner opens.

use crate::{
    crypto::Secret,
    id::PartyId,
    vault::{
        Vault,
        fault::Fault,
        host::{self, HostError, ShredTag},
        tables::Table,
    },
};

impl Vault {
    /// Makes an owner's shred key, durable on return; one that is there already stays.
    pub(super) fn make_shred_key(&self, owner: PartyId) -> Result<(), Fault> {
        let tag = self.shred_tag(owner);
        if self.host.shred_key(tag)?.is_none() {
            let mut random = self.fork_random();
            let key = Secret::<32>::generate(&mut random);
            let wrapped = host::wrap(&self.root, &label(tag), key.expose(), &mut random);
            self.host.keep_shred_key(tag, &wrapped)?;
        }
        Ok(())
    }

    /// An owner's shred key.
    pub(super) fn shred_key(&self, owner: PartyId) -> Result<Secret<32>, Fault> {
        let tag = self.shred_tag(owner);
        let wrapped = self.host.shred_key(tag)?.ok_or(Fault::Damaged)?;
        let key = host::unwrap(&self.root, &label(tag), &wrapped)?;
        Secret::try_from(key.as_slice()).or(Err(Fault::Host(HostError::Damaged)))
    }

    fn shred_tag(&self, owner: PartyId) -> ShredTag {
        self.shelves.keys.blind(Table::Meta, &[&owner])
    }
}

fn label(tag: ShredTag) -> Vec<u8> {
    [b"shred".as_slice(), &tag].concat()
}
