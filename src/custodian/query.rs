//! What a party may ask, signed, so that only it is answered.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    crypto::{Label, Statement},
    folder::Epoch,
    id::{FolderId, PartyId, VaultId},
    time::Timestamp,
};

/// A question with who asks it and when.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Query {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// Who asks.
    #[n(1)]
    pub asker: PartyId,
    /// What.
    #[n(2)]
    pub question: Question,
    /// When, by the asker's clock.
    #[n(3)]
    pub at: Timestamp,
    /// Random.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
}

/// What may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Question {
    /// A party's card and attestations.
    #[n(0)]
    Card(#[n(0)] PartyId),
    /// The chunks of the large record at a position of the list of a folder the asker may open.
    #[n(1)]
    Chunks(#[n(0)] FolderId, #[n(1)] u64),
    /// The folders the asker was granted, with the grants.
    #[n(2)]
    MyFolders,
    /// The grants of one of the asker's folders, of an epoch and all later ones.
    #[n(3)]
    Consents(#[n(0)] FolderId, #[n(1)] Epoch),
    /// A page of an owner's stream, from a position: for the owner and for auditors.
    #[n(4)]
    Stream(#[n(0)] PartyId, #[n(1)] u64),
    /// A page of the vault's own stream, from a position: for auditors and registrars.
    #[n(5)]
    VaultStream(#[n(0)] u64),
    /// The sealed records from a position of the list of a folder the asker may open, as many as an answer holds.
    #[n(6)]
    Records(#[n(0)] FolderId, #[n(1)] u64),
}

wire! { Query: "query", 512; }

impl Statement for Query {
    const LABEL: Label = Label::Query;
}
