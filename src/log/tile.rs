//! Where the tree's hashes lie: tiles of 256, and the entries beside the lowest.
//!
//! ```text
//! tile (l, n) holds the roots of D[(256 n + i) 256^l .. (256 n + i + 1) 256^l], i from 0 to its width
//! path        tile/<l>/<n>[.p/<width>]          n in three digits a piece, all but the last behind an x: x001/x234/067
//! entries     tile/entries/<n>[.p/<width>]      each entry behind its length (2 bytes, big-endian)
//! ```
//!
//! C2SP tlog-tiles. A tile narrower than 256 is *partial*, and is named with its width: it is another file once it grew.

use crate::{codec::Malformed, id::Digest, log::text::from_decimal, merkle};

/// The hashes of a full tile.
const WIDTH: u64 = 256;

/// A tree of less than 2⁶⁴ entries has tiles on so many levels.
pub(super) const LEVELS: u8 = 8;

/// The longest path there is, in characters.
const PATH_MAX: usize = 64;

/// One tile's place in the tree, and its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile at a level and an index there, with 1 to 256 hashes; none that no tree of less than 2⁶⁴ entries has.
    #[must_use]
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let hashes = index.checked_mul(WIDTH)?.checked_add(u64::from(width))?;
        hashes.checked_mul(below(level)?)?;
        (1..=256).contains(&width).then_some(Self { level, index, width })
    }

    /// The tile as it is in a tree of this size; none if it is empty there.
    #[must_use]
    pub fn within(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_div(below(level)?)?;
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        Self::new(level, index, u16::try_from(width).ok()?)
    }

    /// The level: 0 holds the hashes of entries.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Which one on its level.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it holds.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it holds all it ever will.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == 256
    }

    /// Where it is served.
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, self.place())
    }

    /// Where the entries whose hashes it holds are served; for a tile of level 0.
    #[must_use]
    pub fn entries_path(self) -> Option<String> {
        (self.level == 0).then(|| format!("tile/entries/{}", self.place()))
    }

    fn place(self) -> String {
        let mut rest = self.index;
        let mut place = format!("{:03}", rest % 1000);
        while rest >= 1000 {
            rest /= 1000;
            place = format!("x{:03}/{place}", rest % 1000);
        }
        if self.is_full() { place } else { format!("{place}.p/{}", self.width) }
    }

    /// Reads [`Self::path`] back.
    ///
    /// # Errors
    /// [`Malformed`] for every other text.
    pub fn from_path(path: &str) -> Result<Self, Malformed> {
        let read = || {
            let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
            let tile = from_place(u8::try_from(from_decimal(level)?).ok()?, place)?;
            (tile.path() == path).then_some(tile)
        };
        read().ok_or(Malformed("path of a tile"))
    }

    /// Reads [`Self::entries_path`] back.
    ///
    /// # Errors
    /// [`Malformed`] for every other text.
    pub fn from_entries_path(path: &str) -> Result<Self, Malformed> {
        let read = || {
            let tile = from_place(0, path.strip_prefix("tile/entries/")?)?;
            (tile.entries_path().as_deref() == Some(path)).then_some(tile)
        };
        read().ok_or(Malformed("path of entries"))
    }

    /// The tiles of a tree of this size, the lowest level first.
    pub fn of(size: u64) -> impl Iterator<Item = Self> {
        Self::changed(0, size)
    }

    /// The tiles that a tree of the new size has and one of the old size has not, the lowest level first.
    pub fn changed(old: u64, new: u64) -> impl Iterator<Item = Self> {
        (0..LEVELS).flat_map(move |level| {
            let count = |size: u64| below(level).and_then(|below| size.checked_div(below)).unwrap_or(0);
            let from = count(old) / WIDTH;
            let to = if count(old) < count(new) { count(new).div_ceil(WIDTH) } else { from };
            (from..to).filter_map(move |index| Self::within(level, index, new))
        })
    }

    /// The tile's bytes, from the hashes of all entries.
    #[must_use]
    pub fn of_leaves(self, leaves: &[Digest]) -> Option<Vec<u8>> {
        let below = usize::try_from(below(self.level)?).ok()?;
        let first = usize::try_from(self.index.checked_mul(WIDTH)?).ok()?.checked_mul(below)?;
        let count = usize::from(self.width).checked_mul(below)?;
        let leaves = leaves.get(first..first.checked_add(count)?)?;
        Some(bytes_of(leaves.chunks(below).map(|leaves| merkle::root(leaves).root)))
    }

    /// The hashes in the tile's bytes; none if they are not exactly so many.
    #[must_use]
    pub fn hashes(self, bytes: &[u8]) -> Option<Vec<Digest>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let is_whole = rest.is_empty() && hashes.len() == usize::from(self.width);
        is_whole.then(|| hashes.iter().map(|hash| Digest::from_bytes(*hash)).collect())
    }
}

/// The bytes of a tile with these hashes.
pub(super) fn bytes_of(hashes: impl Iterator<Item = Digest>) -> Vec<u8> {
    hashes.flat_map(|hash| *hash.as_bytes()).collect()
}

/// How many entries one hash on this level stands for.
fn below(level: u8) -> Option<u64> {
    WIDTH.checked_pow(level.into()).filter(|_| level < LEVELS)
}

fn from_place(level: u8, place: &str) -> Option<Tile> {
    let place = Some(place).filter(|place| place.len() <= PATH_MAX)?;
    let (index, width) = match place.split_once(".p/") {
        Some((index, width)) => (index, u16::try_from(from_decimal(width)?).ok()?),
        None => (place, 256),
    };
    let index = index.split('/').try_fold(0u64, |index, digits| {
        let digits = digits.strip_prefix('x').unwrap_or(digits);
        index.checked_mul(1000)?.checked_add(digits.parse::<u16>().ok().filter(|_| digits.len() == 3)?.into())
    })?;
    Tile::new(level, index, width)
}

/// The bytes under [`Tile::entries_path`]; none if they are none or more than 256, or one is too long.
#[must_use]
pub fn bundle(entries: &[&[u8]]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    (1..=256).contains(&entries.len()).then_some(bytes)
}

/// Reads [`bundle`] back: the entries whose hashes this tile of level 0 holds.
///
/// # Errors
/// [`Malformed`] if they are not exactly so many.
///
/// # Security
/// They are entries of the log only if they hash to what a verified tile holds.
pub fn entries(tile: Tile, bundle: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let read = || {
        let (mut entries, mut rest) = (Vec::new(), bundle);
        for _ in 0..tile.width {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            entries.push(entry);
            rest = after;
        }
        (rest.is_empty() && tile.level == 0).then_some(entries)
    };
    read().ok_or(Malformed("bundle of entries"))
}
