//! Labels: what a key, a digest or a signature is for.

/// Declares the labels, each with the bytes that stand for it.
macro_rules! labels {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)+) => {
        /// What something is derived, digested or signed for.
        ///
        /// Each is `casevault/1 `, its words and a NUL; no other NUL occurs, so none is a prefix of another.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Label { $($(#[$meta])* $name,)+ }

        impl Label {
            /// Every label.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The bytes that stand before whatever is labelled.
            #[must_use]
            pub const fn bytes(self) -> &'static [u8] {
                match self { $(Self::$name => concat!("casevault/1 ", $text, "\0").as_bytes(),)+ }
            }
        }
    };
}

labels! {
    /// The anchor a host keeps outside the store.
    Anchor = "anchor";
    /// A registrar's word on a party.
    Attestation = "attestation";
    /// The digest of a set of attestations.
    Attested = "attested";
    /// The key that seals an older epoch's key under a newer one.
    BackLink = "back link";
    /// The digest of back links, in the event that brings them.
    BackLinks = "back links";
    /// The digest by which a doctor's stream names whom he blocks.
    Blocked = "blocked";
    /// A card, signed by itself.
    Card = "card";
    /// The id of a Case, from its verifying key.
    CaseId = "case id";
    /// A Case's signing key, from its owner's seed.
    CaseSigning = "case signing";
    /// A policy, as registrars sign it.
    Charter = "charter";
    /// The digest of a check list.
    CheckList = "check list";
    /// The key for the chunks of a large content.
    ChunkKey = "chunk key";
    /// The digest of a record's chunks.
    Chunks = "chunks";
    /// One step down in clearance.
    Clearance = "clearance";
    /// The commitment to a record's key.
    Commitment = "record commitment";
    /// The digest of a content, under its salt.
    Content = "content";
    /// The key that seals one content.
    ContentKey = "content key";
    /// A check list, sealed for the registrars.
    Dossier = "dossier";
    /// An event.
    Event = "event";
    /// The digest of a signed event.
    EventDigest = "event digest";
    /// The digest of a paper that was seen.
    Evidence = "evidence";
    /// The commitment to a folder's key.
    FolderCommitment = "folder commitment";
    /// The id of a folder that is no Case, from its owner.
    FolderId = "folder id";
    /// The statement of a grant.
    Grant = "grant";
    /// A stream's head, in the heads map.
    HeadEntry = "head entry";
    /// Where an owner stands in the heads map.
    HeadKey = "head key";
    /// What a host keeps under its root key.
    HostKey = "host key";
    /// The vault's storage key and signing key, wrapped.
    HostWrap = "host wrap";
    /// A key file.
    KeyFile = "key file";
    /// A letter's key, wrapped.
    Letter = "letter";
    /// The digest of a whole letter.
    LetterDigest = "letter digest";
    /// A doctor's listing.
    Listing = "listing";
    /// A session's memory at rest.
    Memory = "memory";
    /// The digest of an event's moment.
    Moment = "moment";
    /// A party's id, from its verifying key.
    PartyId = "party id";
    /// The tag by which registrars know a person again.
    PersonTag = "person tag";
    /// A report or an appeal, for the registrars.
    Petition = "petition";
    /// Where an owner's rows lie.
    Place = "place";
    /// A policy.
    Policy = "policy";
    /// A record's pre-key.
    PreKey = "pre-key";
    /// A public policy: the policy by hash.
    PublicPolicy = "public policy";
    /// The hierarchies a public policy was made for.
    PublicTables = "public tables";
    /// A question to the custodian.
    Query = "query";
    /// A receipt.
    Receipt = "receipt";
    /// A record's key.
    RecordKey = "record key";
    /// The key the registrars share.
    Registry = "registry";
    /// The older key of the registrars, under the newer one.
    RegistryLink = "registry link";
    /// The mark of a signature that was found good.
    Remembered = "remembered";
    /// The grants a new epoch replaces.
    Replaced = "replaced";
    /// A doctor's name, for one patient.
    Reveal = "reveal";
    /// The id in a row's key.
    RowId = "row id";
    /// The key of one row write.
    RowKey = "row key";
    /// A registrar's ruling.
    Ruling = "ruling";
    /// The id of a ruling that follows on a report.
    RulingId = "ruling id";
    /// The salt of an owner's folder and epoch, from the shred key.
    Salt = "salt";
    /// The digest of a sealed record.
    Sealed = "sealed";
    /// What proves an owner to be the sender of a submission.
    Sender = "sender";
    /// An Ed25519 key pair from a seed.
    Signing = "keyring ed25519";
    /// A stream's head, signed by the vault.
    StreamHead = "stream head";
    /// The key of one table.
    Table = "table";
    /// Terms of a grant.
    Terms = "terms";
    /// An HPKE wrap of a folder's key.
    Wrap = "wrap";
    /// The digest of a whole wrap.
    WrapDigest = "wrap digest";
    /// An X-Wing key pair from a seed.
    XWing = "keyring x-wing";
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn no_label_is_a_prefix_of_another() {
        for one in Label::ALL {
            assert_eq!(one.bytes().iter().filter(|byte| **byte == 0).count(), 1);
            for other in Label::ALL.iter().filter(|other| *other != one) {
                assert!(!other.bytes().starts_with(one.bytes()), "{one:?} begins {other:?}");
            }
        }
    }
}
