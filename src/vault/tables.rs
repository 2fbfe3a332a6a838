//! The tables: what the custodian keeps, row by row, and how a row is sealed.
//!
//! ```text
//! place   = HMAC(place key, owner)[..16]              an owner's rows lie together and say nothing
//! row id  = HMAC(row key, table ‖ ids)[..16]          blinded; positions and epochs stand after it in the clear
//! value   = r₃₂ ‖ AES-256-GCM(HKDF(table key, r), aad = place ‖ table ‖ row)        records, sealed already, as they are
//! ```

use crate::{
    codec,
    crypto::{
        Label, Random, Secret,
        aead::OneUseKey,
        kdf::{MacKey, Root, derive},
    },
    custodian::Errand,
    event::Principal,
    id::{Digest, FolderId, PartyId, PersonToken},
    store::{Key, Place, StoreError},
    vault::rows::Row,
};

/// Declares the tables: each with its number in row keys, and the name of its key.
macro_rules! tables {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $key:ident;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Table { $($(#[$meta])* $name,)+ }

        impl Table {
            pub(super) const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)+ }
            }
        }

        /// The key of each table, ready to derive from.
        struct TableKeys { $($key: Root,)+ }

        impl TableKeys {
            fn derive(storage: &Secret<32>) -> Self {
                let root = |code: u8| {
                    Root::extract(derive(storage.expose(), &[], Label::Table, &[&[code]]).expose(), &[])
                };
                Self { $($key: root($code),)+ }
            }

            const fn of(&self, table: Table) -> &Root {
                match table { $(Table::$name => &self.$key,)+ }
            }
        }
    };
}

tables! {
    /// The stream's head, and what is counted for an owner.
    Head = 1, head;
    /// Events, by position.
    Event = 2, event;
    /// Cards and attestations.
    Party = 3, party;
    /// Folders.
    Folder = 4, folder;
    /// Writes to a folder, by the first index they fill.
    Run = 5, run;
    /// Sealed records.
    Record = 6, record;
    /// The chunks of large contents.
    Chunk = 7, chunk;
    /// Grants of the present epoch.
    Grant = 8, grant;
    /// Epochs.
    Epoch = 9, epoch;
    /// What a reader was granted: where it lies.
    Mine = 10, mine;
    /// Acts done.
    Op = 11, op;
    /// Owners whose head has changed.
    Changed = 12, changed;
    /// Entries that wait to be moved to a reader's place.
    Outbox = 13, outbox;
    /// The vault itself.
    Meta = 14, meta;
    /// Statements of grants, kept after their wraps are gone.
    Consent = 15, consent;
    /// Letters to the registrars, at the place of who wrote them.
    Letter = 16, letter;
    /// Letters of a doctor to his patients, by case.
    Reveal = 17, reveal;
    /// What waits for the registrars, in the order it came.
    Queue = 18, queue;
    /// Who has a person's live card.
    Person = 19, person;
    /// Rulings, by the position of their events.
    Ruling = 20, ruling;
    /// The directory's entries.
    Listing = 21, listing;
    /// Whom a doctor does not see.
    Block = 22, block;
    /// The policies after the first.
    Charter = 23, charter;
    /// Policies that wait for signatures.
    Proposal = 24, proposal;
    /// The registrars' keys.
    Registry = 25, registry;
    /// Sealed check lists.
    Dossier = 26, dossier;
    /// The heads map, bucket by bucket.
    Bucket = 27, bucket;
    /// The log's epochs.
    LogEpoch = 29, log_epoch;
    /// The log's hashes, 256 together.
    LogTile = 30, log_tile;
    /// How far the log has come, and its newest checkpoint.
    Log = 31, log;
    /// Attestations that were ever given or taken back, by the position of their events.
    Attested = 32, attested;
    /// Who works on the log.
    Lease = 33, lease;
    /// What witnesses signed of the newest checkpoint.
    Cosigned = 34, cosigned;
    /// The hashes of the heads map's buckets and over them, 256 together.
    MapTile = 35, map_tile;
    /// What waits for the curator, day by day.
    Pool = 40, pool;
    /// The handles of what was taken back after the curator had it, in that order.
    Gone = 41, gone;
    /// How far the pool was shown.
    PoolHead = 42, pool_head;
    /// What an owner shared, by case.
    Shared = 43, shared;
    /// The batches that were ever released.
    Batch = 44, batch;
    /// The public rows, many together, by their batch and the last of them.
    PublicRows = 45, public_rows;
    /// The releases.
    Release = 46, release;
    /// The curator's sealed journals, in pieces, by release.
    Journal = 47, journal;
    /// The head of the releases.
    Ledger = 48, ledger;
}

/// What is blinded in a row id, or a place.
pub(super) trait Blindable {
    fn blindable(&self) -> &[u8];
}

macro_rules! blindable {
    ($($type:ty),+) => {$(
        impl Blindable for $type {
            fn blindable(&self) -> &[u8] {
                self.as_bytes()
            }
        }
    )+};
}

blindable!(Digest, FolderId, PartyId, crate::id::OpId, crate::id::RecordId, crate::id::RulingId);

/// A stored value is not what this vault wrote there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

/// The keys of the custodian's rows.
pub(super) struct RowKeys {
    place: MacKey,
    row: MacKey,
    person: MacKey,
    tables: TableKeys,
}

impl RowKeys {
    pub(super) fn derive(storage: &Secret<32>) -> Self {
        let of = |label| derive(storage.expose(), &[], label, &[]);
        Self {
            place: MacKey::new(&of(Label::Place)),
            row: MacKey::new(&of(Label::RowId)),
            person: MacKey::new(&of(Label::PersonToken)),
            tables: TableKeys::derive(storage),
        }
    }

    /// Where the rows of an owner, a reader or the vault lie.
    pub(super) fn place(&self, of: Principal) -> Place {
        Place::from_bytes(first16(&self.place.mac(Label::Place, &[&codec::encode(&of)])))
    }

    /// One of the sixteen places of a table that has places of its own.
    pub(super) fn shared_place(&self, table: Table, of: Place) -> Place {
        let nibble = of.as_bytes().first().map_or(0, |byte| byte >> 4);
        self.numbered_place(table, nibble)
    }

    /// All sixteen places of such a table.
    pub(super) fn shared_places(&self, table: Table) -> Vec<Place> {
        (0u8..16).map(|nibble| self.numbered_place(table, nibble)).collect()
    }

    fn numbered_place(&self, table: Table, nibble: u8) -> Place {
        Place::from_bytes(first16(&self.place.mac(Label::Place, &[b"shared", &[table.code(), nibble]])))
    }

    /// The place of a table that is one queue, by what waits there.
    pub(super) fn queue_place(&self, errand: Errand) -> Place {
        self.numbered_place(Table::Queue, errand.code())
    }

    /// The place of the pool: of nobody's rows but its own.
    pub(super) fn pool_place(&self) -> Place {
        self.numbered_place(Table::Pool, 0)
    }

    /// A person of one year, as the curator may count.
    pub(super) fn person_token(&self, earliest: PartyId, year: u32) -> PersonToken {
        let parts: [&[u8]; 2] = [earliest.as_bytes(), &year.to_be_bytes()];
        PersonToken::from_bytes(*self.person.mac(Label::PersonToken, &parts).as_bytes())
    }

    /// The place of a person's row: nothing else lies there.
    pub(super) fn person_place(&self, tag: &Digest) -> Place {
        Place::from_bytes(first16(&self.place.mac(Label::Place, &[b"person", tag.as_bytes()])))
    }

    /// An id, blinded for a table.
    pub(super) fn blind(&self, table: Table, ids: &[&dyn Blindable]) -> [u8; 16] {
        let code = [table.code()];
        let mut parts: Vec<&[u8]> = vec![&code];
        parts.extend(ids.iter().map(|id| id.blindable()));
        first16(&self.row.mac(Label::RowId, &parts))
    }

    /// Seals a row's value for its key.
    pub(super) fn seal<T: Row>(&self, table: Table, key: &Key, value: &T, random: &mut Random) -> Vec<u8> {
        self.seal_with(random.bytes(), table, key, value)
    }

    /// The same, with 32 fresh random bytes that the caller drew for it.
    pub(super) fn seal_with<T: Row>(&self, fresh: [u8; 32], table: Table, key: &Key, value: &T) -> Vec<u8> {
        let body = self.row_key(table, &fresh).seal(key.as_bytes(), &codec::frame(T::MAGIC, value));
        [fresh.as_slice(), &body].concat()
    }

    /// Opens a row's value in its key's place.
    pub(super) fn open<T: Row>(&self, table: Table, key: &Key, sealed: &[u8]) -> Result<T, Foreign> {
        let (fresh, body) = sealed.split_first_chunk::<32>().ok_or(Foreign)?;
        let value = self.row_key(table, fresh).open(key.as_bytes(), body).or(Err(Foreign))?;
        codec::unframe(T::MAGIC, &value).or(Err(Foreign))
    }

    fn row_key(&self, table: Table, fresh: &[u8; 32]) -> OneUseKey {
        OneUseKey::new(self.tables.of(table).derive(Label::RowKey, &[fresh]))
    }
}

impl std::fmt::Debug for RowKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowKeys(..)")
    }
}

fn first16(digest: &Digest) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    bytes
}

/// A key in a table of a place.
pub(super) fn key(place: Place, table: Table, row: &[&[u8]]) -> Result<Key, StoreError> {
    Key::new(place, table.code(), &row.concat())
}
