//! Grants: a folder's key, wrapped for one reader, under terms.

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, wire},
    consent::Terms,
    crypto::{DoesNotOpen, Label, OpeningKey, Random, kdf::digest},
    folder::{Commitments, Epoch, EpochOf, FolderKey},
    id::{Digest, FolderId, GrantId, PartyId, VaultId},
    party::Card,
};

/// What the granter signs the digest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct GrantStatement {
    /// The grant: random, so that the statement's digest tells nothing.
    #[n(0)]
    pub grant: GrantId,
    /// The vault.
    #[n(1)]
    pub vault: VaultId,
    /// The folder.
    #[n(2)]
    pub folder: FolderId,
    /// The epoch whose key it wraps.
    #[n(3)]
    pub epoch: Epoch,
    /// For whom.
    #[n(4)]
    pub reader: PartyId,
    /// The digest of the reader's card.
    #[n(5)]
    pub card: Digest,
    /// The digest of the attestations on which the granter relied; the owner's own grant needs none.
    #[n(6)]
    pub attested: Option<Digest>,
    /// Under which terms.
    #[n(7)]
    pub terms: Terms,
    /// For an Identity: the Case whose assignment brings it.
    #[n(8)]
    pub because: Option<FolderId>,
    /// The digest of the whole wrap.
    #[n(9)]
    pub wrap: Digest,
}

/// A statement and the wrap it is about.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// What the granter signed the digest of.
    #[n(0)]
    pub statement: GrantStatement,
    #[n(1)]
    wrap: ByteVec,
}

wire! { GrantStatement: "grant", 512; Grant: "grant", 2048; }

impl GrantStatement {
    /// The digest that stands in the granter's event.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(Label::Grant, &[&codec::encode(self)])
    }

    /// The place of the key.
    #[must_use]
    pub const fn place(&self) -> EpochOf {
        EpochOf { vault: self.vault, folder: self.folder, epoch: self.epoch }
    }

    fn info(&self) -> Vec<u8> {
        let Self { grant, vault, card, terms, .. } = self;
        let label = Label::Wrap.bytes();
        [label, vault.as_bytes(), grant.as_bytes(), card.as_bytes(), terms.digest().as_bytes()].concat()
    }

    fn aad(&self) -> Vec<u8> {
        [self.place().to_bytes(), vec![self.terms.clearance().code()]].concat()
    }
}

/// For whom and why a key is granted.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The reader's card.
    pub card: &'a Card,
    /// The digest of the attestations relied on.
    pub attested: Option<Digest>,
    /// For an Identity: the Case whose assignment brings it.
    pub because: Option<FolderId>,
}

impl Grant {
    /// Wraps a folder's key for a reader, under terms that are settled.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the key is of a lower clearance than the terms.
    pub fn seal(
        key: &FolderKey,
        reader: Reader<'_>,
        terms: Terms,
        random: &mut Random,
    ) -> Result<Self, DoesNotOpen> {
        let EpochOf { vault, folder, epoch } = key.place();
        let key = key.lowered_to(terms.clearance())?;
        let mut statement = GrantStatement {
            grant: GrantId::from_bytes(random.bytes()),
            vault,
            folder,
            epoch,
            reader: reader.card.party(),
            card: reader.card.digest(),
            attested: reader.attested,
            terms,
            because: reader.because,
            wrap: Digest::from_bytes([0; 32]),
        };
        let wrap =
            reader.card.sealing_key().wrap(&statement.info(), &statement.aad(), key.secret(), random)?;
        statement.wrap = wrap_digest(&wrap);
        Ok(Self { statement, wrap: wrap.into() })
    }

    /// The folder's key, if this grant is for the holder of the opening key, unchanged, and wraps what the epoch's
    /// author committed to.
    ///
    /// # Errors
    /// [`DoesNotOpen`] otherwise.
    pub fn open(&self, key: &OpeningKey, commitments: &Commitments) -> Result<FolderKey, DoesNotOpen> {
        let Self { statement, wrap } = self;
        if !self.is_whole() {
            return Err(DoesNotOpen);
        }
        let secret = key.unwrap_key(&statement.info(), &statement.aad(), wrap)?;
        FolderKey::accept(statement.place(), statement.terms.clearance(), secret, commitments)
    }

    /// Whether the wrap is the one the statement is about.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        wrap_digest(&self.wrap) == self.statement.wrap
    }
}

fn wrap_digest(wrap: &[u8]) -> Digest {
    digest(Label::WrapDigest, &[wrap])
}
