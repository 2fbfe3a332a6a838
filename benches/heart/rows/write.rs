//! Writing: a batch, a single record, and what sealing alone takes.

use casevault::{
    crypto::Random,
    folder::{Clearance, Epoch, EpochOf, FolderKey},
    id::{FolderId, OpId, RecordId, VaultId},
    record::{Content, Context, FolderSalt, Kind, seal as seal_record},
};

use crate::{
    Outcome,
    clinic::{Clinic, RECORD_BYTES, case_of, entries},
    measure::{alternate, timed, timed_each},
    raw::{Primitives, RawStore},
    table::{Goal, Row},
};

const BATCH: usize = 1000;

pub(super) fn batch() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let case = case_of(&alice, 1, &mut random)?;
    let mut raw = RawStore::open()?;
    let ours = |_| {
        let entries = entries(BATCH, &mut random)?;
        timed_each(BATCH, || Ok(alice.write_all(&case, entries)?))
    };
    let times = alternate(40, ours, |_| Ok(raw.put(BATCH)? / BATCH as f64))?;
    let goal = Goal::new("≥ 0.7 of the store's speed", 1.0 / 0.7, 0.0);
    Ok(vec![Row::of_times("write a record, 1 of a batch of 1,000", times, "raw batch insert", Some(goal))])
}

pub(super) fn single() -> Outcome<Vec<Row>> {
    let clinic = Clinic::open()?;
    let mut random = Random::system()?;
    let alice = clinic.patient(1)?;
    let case = case_of(&alice, 1, &mut random)?;
    let mut raw = RawStore::open()?;
    let signature = Primitives::new()?.signature()?.median();
    let ours = |_| {
        let entries = entries(1, &mut random)?;
        Ok(timed(|| Ok(alice.write_all(&case, entries)?))?.0)
    };
    let times = alternate(400, ours, |_| raw.put(1))?;
    let goal = Goal::new("≤ 1.5 × + 1 signature", 1.5, signature);
    Ok(vec![Row::of_times("write one record, durable", times, "raw durable put", Some(goal))])
}

/// Sealing alone, without store or signature.
pub(super) fn seal() -> Outcome<Vec<Row>> {
    let mut random = Random::system()?;
    let mut primitives = Primitives::new()?;
    let place = EpochOf {
        vault: VaultId::from_bytes(random.bytes()),
        folder: FolderId::from_bytes(random.bytes()),
        epoch: Epoch::FIRST,
    };
    // What an owner holds is the key of the highest clearance.
    let key = FolderKey::generate(place, &mut random);
    let salt = FolderSalt::from_bytes(random.bytes());
    let messages: Vec<Vec<u8>> = (0..BATCH).map(|_| random.bytes::<RECORD_BYTES>().to_vec()).collect();
    let content = |bytes: &Vec<u8>| Content::from_bytes("application/octet-stream", bytes.clone());
    let contents: Vec<Content> = messages.iter().map(content).collect::<Result<_, _>>()?;
    let author = OpId::from_bytes(random.bytes());
    let ours = |_| {
        let ids: Vec<RecordId> = (0..BATCH).map(|_| RecordId::from_bytes(random.bytes())).collect();
        timed_each(BATCH, || {
            for (content, record) in contents.iter().zip(ids) {
                let context = Context {
                    vault: place.vault,
                    folder: place.folder,
                    epoch: place.epoch,
                    record,
                    version: 1,
                    kind: Kind::Document,
                    clearance: Clearance::Normal,
                };
                seal_record((&key, &salt), context, author, content, &mut random)?;
            }
            Ok(())
        })
    };
    let times = alternate(60, ours, |_| Ok(primitives.seal(&messages)? / BATCH as f64))?;
    let goal = Goal::new("≤ 3 µs", 0.0, 3e3);
    Ok(vec![Row::of_times("seal a record, no store", times, "AES-256-GCM, fresh key", Some(goal))])
}
