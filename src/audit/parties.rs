//! The streams' heads and the parties' cards, and whether the heads make the heads map.

use std::{fs::File, io::BufReader, path::Path};

use crate::{
    audit::{
        Fault,
        cards::Known,
        lines::{Lines, PartyLine},
        report::Findings,
    },
    event::Principal,
    id::VaultId,
    limits::MAP_DEPTH_MAX,
    log::{HeadLeaf, LogEpoch, OwnerHead, bucket_hash, bucket_of, bucket_root},
    merkle::{Frontier, Head},
    spread,
};

/// How many cards are worth a thread: each has a signature.
const CARDS_WORTH_A_THREAD: usize = 4;

/// The streams' heads in the order of the file, and the cards of parties.
#[derive(Debug, Default)]
pub(super) struct Parties {
    pub(super) heads: Vec<(Principal, Head)>,
    pub(super) cards: Vec<Known>,
}

impl Parties {
    pub(super) fn read(directory: &Path, findings: &mut Findings) -> std::io::Result<Self> {
        let mut file = BufReader::new(File::open(directory.join("parties.ndjson"))?);
        let mut parties = Self::default();
        loop {
            let lines = Lines::read(&mut file)?;
            if lines.is_empty() {
                return Ok(parties);
            }
            let lines: Vec<_> = lines.iter().collect();
            let read = spread::map(&lines, CARDS_WORTH_A_THREAD, |line| line.and_then(PartyLine::read));
            read.into_iter().for_each(|line| parties.add(line, findings));
        }
    }

    fn add(&mut self, line: Option<PartyLine>, findings: &mut Findings) {
        let place = ("parties.ndjson", u64::try_from(self.heads.len()).unwrap_or(0));
        let Some(PartyLine { stream, head, card }) = line else {
            return findings.add(0, Fault::Malformed, place);
        };
        if let Some(card) = card {
            if stream != Principal::Party(card.party) {
                findings.add(0, Fault::Malformed, place);
            }
            self.cards.push(card);
        }
        self.heads.extend(head.map(|head| (stream, head)));
    }
}

/// Whether the streams' heads make the heads map of an epoch.
pub(super) fn makes_map(epoch: &LogEpoch, vault: VaultId, heads: &[(Principal, Head)]) -> bool {
    if epoch.depth > MAP_DEPTH_MAX {
        return false;
    }
    let count = 1u32.checked_shl(u32::from(epoch.depth)).unwrap_or(0);
    let of = |leaf: &HeadLeaf| bucket_of(&leaf.key, epoch.depth);
    let mut leaves: Vec<_> =
        heads.iter().map(|(owner, head)| OwnerHead { owner: *owner, head: *head }.leaf(vault)).collect();
    leaves.sort_unstable();
    let is_single = leaves.windows(2).all(|pair| matches!(pair, [one, other] if one.key < other.key));
    // In the order of their keys, those of one bucket are together, and the buckets in order.
    let mut buckets = leaves.chunk_by(|one, other| of(one) == of(other)).peekable();
    let (mut map, empty) = (Frontier::new(), bucket_hash(&bucket_root(&[])));
    for number in 0..count {
        let bucket = buckets.next_if(|bucket| bucket.first().is_some_and(|leaf| of(leaf) == number));
        map.append(bucket.map_or(empty, |bucket| bucket_hash(&bucket_root(bucket))));
    }
    let events = heads.iter().map(|(_, head)| head.size).fold(0u64, u64::saturating_add);
    map.head().root == epoch.map
        && is_single
        && u64::try_from(heads.len()).ok() == Some(epoch.owners)
        && events == epoch.events
}
