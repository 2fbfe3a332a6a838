//! What a party may ask, signed, so that only it is answered.

use minicbor::{Decode, Encode};

use crate::{
    codec::{coded, wire},
    credential::{Experience, term},
    crypto::{Label, Statement},
    custodian::PoolCursor,
    folder::Epoch,
    id::{Digest, FolderId, PartyId, VaultId},
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
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
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
    /// Doctors who are listed: a page of them.
    #[n(7)]
    Directory(#[n(0)] Search),
    /// A doctor's listing.
    #[n(8)]
    Listing(#[n(0)] PartyId),
    /// What waits for the registrars, of one kind: a page, behind the place where the last one ended.
    #[n(9)]
    Queue(#[n(0)] Errand, #[n(1)] Option<QueuePlace>, #[n(2)] u16),
    /// Which party has this person's live card: for registrars.
    #[n(10)]
    Person(#[n(0)] Digest),
    /// The rulings on a party: for itself, registrars and auditors.
    #[n(11)]
    Rulings(#[n(0)] PartyId),
    /// The asker's grants of a party's Identity and Credentials: for registrars.
    #[n(12)]
    Application(#[n(0)] PartyId),
    /// The policies that wait for signatures: for registrars.
    #[n(13)]
    Proposals,
    /// That an owner's stream is whole and in the log: for the owner and for auditors.
    #[n(14)]
    InLog(#[n(0)] PartyId),
    /// The check lists that registrars kept of a party, by their digests: for registrars.
    #[n(15)]
    Dossiers(#[n(0)] PartyId),
    /// Begins an export of all streams: the newest checkpoint, and that it grew from a log of this size. For auditors.
    #[n(16)]
    BeginExport(#[n(0)] u64),
    /// A page of a file of the export that was begun, by the root of its checkpoint, once an event says that it is taken.
    #[n(17)]
    Export(#[n(0)] Digest, #[n(1)] ExportFile, #[n(2)] ExportPlace),
    /// What arrived in the pool and what left it, from where the curator stands: for the curator.
    #[n(20)]
    Pool(#[n(0)] PoolCursor),
    /// The releases after so many, with their journals: for the curator.
    #[n(21)]
    Releases(#[n(0)] u64),
    /// What the asker shared with the public area.
    #[n(22)]
    Shared,
}

/// What an export is made of, besides its checkpoint and what follows from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum ExportFile {
    /// The lines of all events, stream by stream.
    #[n(0)]
    Events,
    /// A bundle of the log's entries.
    #[n(1)]
    LogEntries(#[n(0)] u64),
    /// The lines of the streams' heads and of the cards.
    #[n(2)]
    Parties,
    /// The vault, its key and its policies.
    #[n(3)]
    Policy,
    /// The lines of the releases, of their batches and of the rows that are shown.
    #[n(4)]
    Releases,
}

/// Where a page of an export begins; places rise from page to page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct ExportPlace {
    /// In which bucket of the heads map.
    #[n(0)]
    pub bucket: u32,
    /// At which stream of it.
    #[n(1)]
    pub stream: u32,
    /// At which event of it; of a file without streams, at which byte.
    #[n(2)]
    pub within: u64,
}

coded! {
    /// What waits for the registrars.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Errand {
        /// Someone is to be vetted.
        Application = 1, "application";
        /// Someone's conduct is to be looked at.
        Report = 2, "report";
        /// A ruling is to be looked at again.
        Appeal = 3, "appeal";
    }
}

/// A place in a queue: when it was received, and which of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct QueuePlace(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// What is looked for in the directory; what is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Search {
    /// A specialty: its code, or its words.
    #[n(0)]
    pub specialty: Option<String>,
    /// A language, with or without its region.
    #[n(1)]
    pub language: Option<String>,
    /// A region, or a country.
    #[n(2)]
    pub region: Option<String>,
    /// For how long in practice.
    #[n(3)]
    pub experience: Option<Experience>,
    /// Only those who take new cases.
    #[n(4)]
    pub is_accepting: bool,
    /// Only those against whom nothing counts.
    #[n(5)]
    pub is_good: bool,
    /// Behind the entry where the last page ended.
    #[n(6)]
    pub after: Option<u32>,
    /// At most so many.
    #[n(7)]
    pub limit: u16,
}

impl Search {
    /// The words that a listing must have.
    #[must_use]
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { specialty, language, region, experience, is_accepting, .. } = self;
        let of = |name, word: &Option<String>| word.as_ref().map(|word| term(name, word));
        let experience = experience.map(|experience| term("experience", experience.word()));
        let all = [
            of("specialty", specialty),
            of("language", language),
            of("region", region),
            experience,
            is_accepting.then(|| term("accepting", "")),
        ];
        // With nothing asked, all that are listed.
        std::iter::once(term("listed", "")).chain(all.into_iter().flatten()).collect()
    }
}

wire! { Query: "query", 2048; }

impl Statement for Query {
    const LABEL: Label = Label::Query;
}
