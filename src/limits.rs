//! Every bound the formats and messages are held to, in one place.
//!
//! A length that comes from outside is compared with one of these before anything is allocated for it.

/// The largest value a store accepts, in bytes. Above it `sled` would write to files it never syncs.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The longest row of a store's key, in bytes, after its place and table.
pub const ROW_BYTES_MAX: usize = 120;

/// The most rows one store batch reads for its expectations or writes.
pub const STORE_BATCH_ROWS_MAX: usize = 32 * 1024;

/// The largest store batch, keys and values together, in bytes: a submission's sealed bytes and what they bring along.
pub const STORE_BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The largest content sealed in one piece, in bytes; above it, content is sealed in chunks.
pub const INLINE_BYTES_MAX: usize = 48 * 1024;

/// The plaintext bytes of one chunk of a large content.
pub const CHUNK_BYTES: usize = 48 * 1024;

/// The largest content of one record, in bytes: with its padding, what one store batch holds.
pub const CONTENT_BYTES_MAX: usize = 24 * 1024 * 1024;

/// The smallest padded plaintext, in bytes: a one-word note and a short sentence look alike.
pub const PADDED_BYTES_MIN: usize = 256;

/// The largest message a custodian accepts or answers, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The largest submission committed as one batch, in sealed bytes; a larger import is staged in several.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most records one event may bring.
pub const BATCH_RECORDS_MAX: usize = 131_072;

/// The most events one submission may hold: what must happen together.
pub const PARTS_MAX: usize = 8;

/// The most versions of records in one folder: its whole list, each version signed by itself, fits one message.
pub const FOLDER_RECORDS_MAX: u64 = 1 << 17;

/// The sealed bytes of records that one answer carries, if they are more than one record; the rest is asked for.
pub const CHART_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most parties one epoch of a folder is granted to.
pub const READERS_MAX: usize = 256;

/// The most events one answer about a stream carries.
pub const STREAM_PAGE_MAX: usize = 4096;

/// The largest signed note, in bytes: sixteen post-quantum signatures have room.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// The most signatures one note carries, known and unknown.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// The longest name of a key that signs notes, in bytes: what a cosigner's name may have.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// The most witnesses a policy names: each has room for its line in one note.
pub const WITNESSES_MAX: usize = 32;

/// The most hashes of a consistency proof that a witness is sent.
pub const CONSISTENCY_LINES_MAX: usize = 63;

/// The most data of its own that a proof of the log carries along, in bytes.
pub const PROOF_EXTRA_BYTES_MAX: usize = 16 * 1024;

/// The longest text in a signed statement (a specialty, a reason code), in bytes.
pub const TEXT_BYTES_MAX: usize = 256;

/// The most registrars a policy names.
pub const REGISTRARS_MAX: usize = 16;

/// The largest FHIR document read, in bytes, after decompression.
pub const FHIR_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The deepest nesting of a FHIR document.
pub const FHIR_DEPTH_MAX: usize = 64;

/// The most entries of one FHIR Bundle.
pub const FHIR_ENTRIES_MAX: usize = 100_000;

/// The most specialties one attestation names.
pub const SPECIALTIES_MAX: usize = 4;

/// The most identifiers by which one attestation knows a person.
pub const PERSONS_MAX: usize = 4;

/// The longest text of a coding (a system, a code, a display), in bytes.
pub const CODING_BYTES_MAX: usize = 120;

/// The most checks one check list holds.
pub const CHECKS_MAX: usize = 32;

/// The longest sealed check list, in bytes.
pub const DOSSIER_BYTES_MAX: usize = 16 * 1024;

/// The longest text of a report or an appeal, in bytes.
pub const PETITION_BYTES_MAX: usize = 16 * 1024;

/// The largest letter, in bytes: what one row of a store holds, with room for its frame.
pub const LETTER_BYTES_MAX: usize = 48 * 1024;

/// The most strikes that count against one party at once.
pub const STRIKES_MAX: usize = 128;

/// The heaviest strike: what bars at once whatever the policy says is not for one ruling to weigh.
pub const STRIKE_WEIGHT_MAX: u8 = 100;

/// The most languages one listing names.
pub const LANGUAGES_MAX: usize = 16;

/// The most entries one page of a directory or a queue holds.
pub const PAGE_MAX: usize = 64;

/// The most policies that wait for signatures at once.
pub const PROPOSALS_MAX: usize = 16;

/// The longest chain of cards that one person had one after another.
pub const SUCCESSIONS_MAX: usize = 16;

/// The most owners one bucket of the heads map holds: buckets are made for four.
pub const BUCKET_OWNERS_MAX: usize = 600;

/// The heads map has at most 2 to this power buckets.
pub const MAP_DEPTH_MAX: u8 = 24;

/// The longest line of an auditor's export, in bytes: an event with all the grants it can bring.
pub const AUDIT_LINE_BYTES_MAX: usize = 512 * 1024;

/// The most batches of the public area that an audit looks at.
pub const AUDIT_BATCHES_MAX: usize = 256 * 1024;

/// A page of an auditor's export ends with the line that makes it so long, in bytes.
pub const EXPORT_PAGE_BYTES: usize = 64 * 1024;

/// The longest page of an auditor's export, in bytes.
pub const EXPORT_PAGE_BYTES_MAX: usize = EXPORT_PAGE_BYTES + AUDIT_LINE_BYTES_MAX;

/// The most auditors' fetches that are under way at once.
pub const FETCHES_MAX: usize = 8;

/// The most epochs of a log whose export is fetched: one a minute for thirty years.
pub const LOG_EPOCHS_MAX: u64 = 1 << 24;

/// The most findings one audit reports.
pub const FINDINGS_MAX: usize = 1000;

/// The longest `policy.json` of an auditor's export, in bytes: hundreds of policies.
pub const AUDIT_POLICY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The most streams the state of an audit holds.
pub const STATE_STREAMS_MAX: usize = 1 << 22;

/// The longest encoding of a public policy, in bytes.
pub const PUBLIC_POLICY_BYTES_MAX: usize = 256 * 1024;

/// The most quasi-identifiers a public policy's grid has.
pub const QUASI_IDENTIFIERS_MAX: usize = 5;

/// The most coded values of an abstract, besides its diagnosis.
pub const ABSTRACT_VALUES_MAX: usize = 64;

/// The most steps of an abstract's timeline.
pub const ABSTRACT_WEEKS_MAX: usize = 16;

/// The most rows of one batch of the public area; what else is there waits for the next epoch.
pub const PUBLIC_BATCH_ROWS_MAX: usize = 16 * 1024;

/// The most rows of one epoch of the public area: its journal stays below [`JOURNAL_BYTES_MAX`].
pub const EPOCH_ROWS_MAX: usize = 16 * 1024;

/// The largest journal of one epoch of the public area, in bytes.
pub const JOURNAL_BYTES_MAX: usize = 24 * 1024 * 1024;

/// The most cases that wait in the public area's pool.
pub const POOL_CASES_MAX: usize = 1 << 20;

/// The most cases of one person and year that wait there at once.
pub const POOL_CASES_OF_PERSON_MAX: usize = 64;

/// The length of an abstract with its consent before it is sealed, in bytes: the same for all.
pub const SHARING_BYTES: usize = 4096;

/// The most entries of the pool, and departures from it, in one answer.
pub const POOL_PAGE_MAX: usize = 512;

/// The most bytes of one release, its journal included: what one store batch holds, with room for what goes with it.
pub const RELEASE_BYTES_MAX: usize = 24 * 1024 * 1024;

/// The most batches one release brings or hides.
pub const RELEASE_BATCHES_MAX: usize = 4096;

/// The most batches in one answer about the public area.
pub const PUBLIC_PAGE_MAX: usize = 1024;
