//! A record's place: what is bound to its ciphertext.

use minicbor::{Decode, Encode};

use crate::{
    codec::coded,
    folder::{Clearance, Epoch, EpochOf},
    id::{FolderId, RecordId, VaultId},
};

coded! {
    /// What a record is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Kind {
        /// What the case is about, in a line.
        Title = 1, "title";
        /// What the patient says.
        Complaint = 2, "complaint";
        /// What a doctor found or thinks.
        Note = 3, "note";
        /// What a doctor prescribes.
        Prescription = 4, "prescription";
        /// A measured value.
        Observation = 5, "observation";
        /// Who the owner is.
        Profile = 6, "profile";
        /// A FHIR resource, as it came or with pseudonyms.
        Resource = 7, "FHIR resource";
        /// An imported document, byte for byte.
        Original = 8, "original document";
        /// Anything else: the media type says what.
        Document = 9, "document";
        /// What someone asks to be vetted as.
        Application = 10, "application";
        /// A licence to practise.
        Licence = 11, "licence";
        /// A diploma.
        Diploma = 12, "diploma";
        /// A letter of an employer.
        Employment = 13, "employer's letter";
        /// A doctor's name, as patients he reveals it to shall read it.
        Name = 14, "name";
    }
}

/// Where a record lies and how private it is: bound to its ciphertext as associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Context {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// The folder.
    #[n(1)]
    pub folder: FolderId,
    /// The epoch whose key seals it.
    #[n(2)]
    pub epoch: Epoch,
    /// The record.
    #[n(3)]
    pub record: RecordId,
    /// Its version, from one.
    #[n(4)]
    pub version: u32,
    /// What it is.
    #[n(5)]
    pub kind: Kind,
    /// How private it is.
    #[n(6)]
    pub clearance: Clearance,
}

impl Context {
    /// The epoch it is sealed in.
    #[must_use]
    pub const fn place(&self) -> EpochOf {
        EpochOf { vault: self.vault, folder: self.folder, epoch: self.epoch }
    }
}
