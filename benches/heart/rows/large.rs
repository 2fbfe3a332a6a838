//! A large content, sealed in chunks: in memory, beside the cipher alone over the same bytes.

use casevault::{
    crypto::Random,
    folder::{Clearance, Epoch, EpochOf, FolderKey},
    id::{FolderId, OpId, RecordId, VaultId},
    record::{Content, Context, FolderSalt, Kind, open, seal},
};

use crate::{
    Outcome,
    measure::{alternate, timed},
    raw::Primitives,
    table::{Goal, Row},
};

const BYTES: usize = 8 * 1024 * 1024;
const ROUNDS: usize = 15;
const BESIDE: &str = "AES-256-GCM";

pub(super) fn measure() -> Outcome<Vec<Row>> {
    let mut random = Random::system()?;
    let mut primitives = Primitives::new()?;
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.bytes::<1024>()).flatten().take(BYTES).collect();
    let (vault, folder) = (VaultId::from_bytes(random.bytes()), FolderId::from_bytes(random.bytes()));
    let epoch = Epoch::FIRST;
    let key = FolderKey::generate(EpochOf { vault, folder, epoch }, &mut random);
    let salt = FolderSalt::from_bytes(random.bytes());
    let record = RecordId::from_bytes(random.bytes());
    let author = OpId::from_bytes(random.bytes());
    let (kind, clearance) = (Kind::Document, Clearance::Normal);
    let context = Context { vault, folder, epoch, record, version: 1, kind, clearance };
    let content = Content::from_bytes("image/png", bytes.clone())?;
    let sealed = seal((&key, &salt), context, author, &content, &mut random)?;
    let lowered = key.lowered_to(clearance)?;
    let goal = || Some(Goal::new("≥ 0.9 of the cipher's speed", 1.0 / 0.9, 0.0));
    let message = [bytes];
    let sealing = alternate(
        ROUNDS,
        |_| Ok(timed(|| Ok(seal((&key, &salt), context, author, &content, &mut random)?))?.0),
        |_| primitives.seal(&message),
    )?;
    let [message] = &message;
    let opening = alternate(
        ROUNDS,
        |_| Ok(timed(|| Ok(open(&lowered, &salt, &sealed.leaf, &sealed.sealed, &sealed.chunks)?))?.0),
        |_| primitives.open(message),
    )?;
    Ok(vec![
        Row::of_times("seal 8 MiB, in memory", sealing, BESIDE, goal()),
        Row::of_times("open 8 MiB, in memory", opening, BESIDE, goal()),
    ])
}
