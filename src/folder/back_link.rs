//! Back links: from an epoch's key to the one before it.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, wire},
    crypto::{
        DoesNotOpen, Label, Secret,
        aead::OneUseKey,
        kdf::{derive, digest},
    },
    folder::{Clearance, Commitments, EpochOf, FolderKey},
    id::Digest,
};

/// The older epoch's keys, each sealed under the newer epoch's key of the same clearance.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BackLinks {
    #[n(0)]
    normal: ByteVec,
    #[n(1)]
    restricted: ByteVec,
    #[n(2)]
    very_restricted: ByteVec,
}

wire! { BackLinks: "back links", 512; }

impl BackLinks {
    /// Links two epochs; both keys are of the highest clearance.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if one is not.
    pub fn seal(newer: &FolderKey, older: &FolderKey) -> Result<Self, DoesNotOpen> {
        let link = |clearance| {
            let key = older.lowered_to(clearance)?;
            let under = link_key(&newer.lowered_to(clearance)?);
            Ok(under.seal(&aad(older.place(), clearance), key.secret().expose()).into())
        };
        Ok(Self {
            normal: link(Clearance::Normal)?,
            restricted: link(Clearance::Restricted)?,
            very_restricted: link(Clearance::VeryRestricted)?,
        })
    }

    /// The older epoch's key of the same clearance, if it is the one that epoch's author committed to.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the link is another's, was changed, or leads to another key.
    pub fn open(
        &self,
        newer: &FolderKey,
        older: EpochOf,
        commitments: &Commitments,
    ) -> Result<FolderKey, DoesNotOpen> {
        let clearance = newer.clearance();
        let sealed = match clearance {
            Clearance::Normal => &self.normal,
            Clearance::Restricted => &self.restricted,
            Clearance::VeryRestricted => &self.very_restricted,
        };
        let secret = zeroize::Zeroizing::new(link_key(newer).open(&aad(older, clearance), sealed)?);
        FolderKey::accept(older, clearance, Secret::try_from(secret.as_slice())?, commitments)
    }

    /// The digest that stands in the event which brings them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::BackLinks, &[&codec::encode(self)])
    }
}

impl std::fmt::Debug for BackLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackLinks(..)")
    }
}

// A newer key exists once, and links to one older key: its link key seals once.
fn link_key(newer: &FolderKey) -> OneUseKey {
    OneUseKey::new(derive(newer.secret().expose(), &[], Label::BackLink, &[&newer.place().to_bytes()]))
}

fn aad(older: EpochOf, clearance: Clearance) -> Vec<u8> {
    [older.to_bytes(), vec![clearance.code()]].concat()
}
