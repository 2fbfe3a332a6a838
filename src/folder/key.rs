//! Folder keys, the chain of clearances, and the commitments to them.

use minicbor::{Decode, Encode};

use crate::{
    crypto::{
        DoesNotOpen, Label, Random, Secret,
        kdf::{Root, derive, digest},
    },
    folder::{Clearance, EpochOf},
    id::Digest,
};

/// The key of one folder and epoch, for one clearance and all below it.
#[derive(Debug)]
pub struct FolderKey {
    place: EpochOf,
    clearance: Clearance,
    secret: Secret<32>,
    roots: Roots,
}

/// Each clearance's key as far as the highest goes, ready to derive pre-keys from.
#[derive(Debug)]
struct Roots {
    normal: Root,
    restricted: Option<Root>,
    very_restricted: Option<Root>,
}

impl FolderKey {
    fn new(place: EpochOf, clearance: Clearance, secret: Secret<32>) -> Self {
        let root = |secret: &Secret<32>| Root::extract(secret.expose(), &[]);
        let own = root(&secret);
        let step = |from: &Secret<32>, to| one_step(place, from, to);
        let roots = match clearance {
            Clearance::Normal => Roots { normal: own, restricted: None, very_restricted: None },
            Clearance::Restricted => {
                let normal = root(&step(&secret, Clearance::Normal));
                Roots { normal, restricted: Some(own), very_restricted: None }
            }
            Clearance::VeryRestricted => {
                let restricted = step(&secret, Clearance::Restricted);
                let normal = root(&step(&restricted, Clearance::Normal));
                Roots { normal, restricted: Some(root(&restricted)), very_restricted: Some(own) }
            }
        };
        Self { place, clearance, secret, roots }
    }

    /// A fresh key, of the highest clearance.
    #[must_use]
    pub fn generate(place: EpochOf, random: &mut Random) -> Self {
        Self::new(place, Clearance::VeryRestricted, Secret::generate(random))
    }

    /// A key that came in a wrap, if it is the one the epoch's author committed to.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it is another.
    pub fn accept(
        place: EpochOf,
        clearance: Clearance,
        secret: Secret<32>,
        commitments: &Commitments,
    ) -> Result<Self, DoesNotOpen> {
        let key = Self::new(place, clearance, secret);
        if commitments.of(clearance) == key.commitment() { Ok(key) } else { Err(DoesNotOpen) }
    }

    /// Where it belongs.
    #[must_use]
    pub const fn place(&self) -> EpochOf {
        self.place
    }

    /// The highest clearance it opens.
    #[must_use]
    pub const fn clearance(&self) -> Clearance {
        self.clearance
    }

    /// The secret itself, for wrapping.
    #[must_use]
    pub const fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    /// The key of this clearance or a lower one; none leads upwards.
    ///
    /// # Errors
    /// [`DoesNotOpen`] for a higher clearance.
    pub fn lowered_to(&self, clearance: Clearance) -> Result<Self, DoesNotOpen> {
        let mut secret = self.secret.duplicate();
        let mut at = self.clearance;
        while at > clearance {
            let Some(below) = below(at) else { return Err(DoesNotOpen) };
            secret = one_step(self.place, &secret, below);
            at = below;
        }
        if at == clearance { Ok(Self::new(self.place, clearance, secret)) } else { Err(DoesNotOpen) }
    }

    /// A record's pre-key, of a clearance this key reaches.
    ///
    /// # Errors
    /// [`DoesNotOpen`] for a higher clearance.
    pub fn pre_key(&self, clearance: Clearance, context: &[&[u8]]) -> Result<Secret<32>, DoesNotOpen> {
        let Roots { normal, restricted, very_restricted } = &self.roots;
        let root = match clearance {
            Clearance::Normal => Some(normal),
            Clearance::Restricted => restricted.as_ref(),
            Clearance::VeryRestricted => very_restricted.as_ref(),
        };
        Ok(root.ok_or(DoesNotOpen)?.derive(Label::PreKey, context))
    }

    /// What the epoch's author signs, so that all readers know they hold the same key.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        digest(
            Label::FolderCommitment,
            &[&self.place.to_bytes(), &[self.clearance.code()], self.secret.expose()],
        )
    }

    /// The commitments to this key and all below it.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if this is not a key of the highest clearance.
    pub fn commitments(&self) -> Result<Commitments, DoesNotOpen> {
        let of = |clearance| self.lowered_to(clearance).map(|key| key.commitment());
        Ok(Commitments {
            normal: of(Clearance::Normal)?,
            restricted: of(Clearance::Restricted)?,
            very_restricted: of(Clearance::VeryRestricted)?,
        })
    }
}

/// The key one clearance below.
fn one_step(place: EpochOf, above: &Secret<32>, below: Clearance) -> Secret<32> {
    let context = [place.to_bytes(), vec![below.code()]].concat();
    derive(above.expose(), &[], Label::Clearance, &[&context])
}

const fn below(clearance: Clearance) -> Option<Clearance> {
    match clearance {
        Clearance::VeryRestricted => Some(Clearance::Restricted),
        Clearance::Restricted => Some(Clearance::Normal),
        Clearance::Normal => None,
    }
}

/// The commitments to an epoch's three keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Commitments {
    #[n(0)]
    normal: Digest,
    #[n(1)]
    restricted: Digest,
    #[n(2)]
    very_restricted: Digest,
}

impl Commitments {
    /// The commitment to the key of a clearance.
    #[must_use]
    pub const fn of(&self, clearance: Clearance) -> Digest {
        match clearance {
            Clearance::Normal => self.normal,
            Clearance::Restricted => self.restricted,
            Clearance::VeryRestricted => self.very_restricted,
        }
    }
}
