//! The directory: which listings say what is looked for.
//!
//! An index in memory, built at the first search from the listings' rows: for each word a bitmap over the listings' numbers,
//! so that a search costs the same however many words it has. A listing's number is drawn at random among twice as many as
//! there are listings, and stays: pages follow on one another over a restart, and their order says nothing of who came first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
};

use roaring::RoaringBitmap;

use crate::{
    access::{Act, Capacity},
    codec,
    credential::Standing,
    crypto::Random,
    custodian::{Answer, Listed, Search},
    event::Principal,
    id::PartyId,
    limits::PAGE_MAX,
    party::Card,
    store::Place,
    time::Timestamp,
    vault::{Vault, fault::Fault, rows::ListingRow, rules::Rules, tables::Table},
};

/// How many listings are looked at for one that a page shows, at the most: a page may be short, and says where to go on.
const LOOKED_AT_MAX: usize = 4;

/// Where a listing's row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) id: [u8; 16],
}

/// A listing, as it is found once its submission is committed.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) ordinal: u32,
    pub(super) found: Found,
    pub(super) terms: BTreeSet<String>,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Directory {
    is_loaded: bool,
    rows: BTreeMap<u32, Found>,
    words: BTreeMap<String, RoaringBitmap>,
    /// Numbers given to listings that are not committed yet, or never were.
    reserved: BTreeSet<u32>,
}

impl Directory {
    fn enter(&mut self, Change { ordinal, found, terms }: Change) {
        self.reserved.remove(&ordinal);
        if self.rows.insert(ordinal, found).is_some() {
            self.words.retain(|_, bitmap| {
                bitmap.remove(ordinal);
                !bitmap.is_empty()
            });
        }
        for word in terms {
            self.words.entry(word).or_default().insert(ordinal);
        }
    }

    /// The numbers of the listings that have all these words.
    fn find(&self, words: &[String]) -> RoaringBitmap {
        let mut bitmaps = words.iter().map(|word| self.words.get(word));
        let Some(Some(first)) = bitmaps.next() else { return RoaringBitmap::new() };
        let mut found = first.clone();
        for bitmap in bitmaps {
            match bitmap {
                Some(bitmap) => found &= bitmap,
                None => return RoaringBitmap::new(),
            }
        }
        found
    }
}

impl Vault {
    /// A number for a new listing.
    pub(super) fn reserve(&self, random: &mut Random) -> Result<u32, Fault> {
        let mut directory = self.directory()?;
        let taken = directory.rows.len().saturating_add(directory.reserved.len());
        let size = u32::try_from(taken.saturating_mul(2).max(1024)).map_err(|_many| Fault::Malformed)?;
        loop {
            let ordinal = u32::from_be_bytes(random.bytes()) % size;
            if !directory.rows.contains_key(&ordinal) && directory.reserved.insert(ordinal) {
                return Ok(ordinal);
            }
        }
    }

    /// Numbers that were given to what is not taken are free again.
    pub(super) fn release(&self, changes: &[Change]) {
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            directory.reserved.remove(&change.ordinal);
        }
    }

    /// After the commit: listings are found by what they say now.
    pub(super) fn change_directory(&self, changes: Vec<Change>) {
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        if directory.is_loaded {
            changes.into_iter().for_each(|change| directory.enter(change));
        }
    }

    pub(super) fn listing_row(&self, party: PartyId) -> Result<Option<ListingRow>, Fault> {
        let (place, id) = self.listing_key(party);
        self.shelves.read(place, Table::Listing, &[&id])
    }

    pub(super) fn listing_key(&self, party: PartyId) -> (Place, [u8; 16]) {
        let keys = &self.shelves.keys;
        let own = keys.place(Principal::Party(party));
        (keys.shared_place(Table::Listing, own), keys.blind(Table::Listing, &[&party]))
    }

    /// The index, built if it is not there yet.
    fn directory(&self) -> Result<MutexGuard<'_, Directory>, Fault> {
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        if !directory.is_loaded {
            for place in self.shelves.keys.shared_places(Table::Listing) {
                let mut after: Option<Vec<u8>> = None;
                loop {
                    let rows =
                        self.shelves.page::<ListingRow>((place, Table::Listing), after.as_deref(), 256)?;
                    let Some((last, _)) = rows.last() else { break };
                    after = Some(last.clone());
                    for (id, ListingRow { ordinal, terms, .. }) in rows {
                        let id = id.try_into().map_err(|_wrong| Fault::Damaged)?;
                        directory.enter(Change { ordinal, found: Found { place, id }, terms });
                    }
                }
            }
            directory.is_loaded = true;
        }
        Ok(directory)
    }

    /// A page of the directory: doctors whom the registrars vouch for, and who may be given something.
    pub(super) fn search(&self, (rules, now): (&Rules, Timestamp), search: &Search) -> Result<Answer, Fault> {
        let (limit, words) = (usize::from(search.limit).clamp(1, PAGE_MAX), search.words());
        let found: Vec<(u32, Found)> = {
            let directory = self.directory()?;
            let ordinals = directory.find(&words);
            let behind = search.after.map_or(0, |after| after.saturating_add(1));
            let ordinals =
                ordinals.range(behind..).take(limit.saturating_mul(LOOKED_AT_MAX).saturating_add(1));
            ordinals.filter_map(|ordinal| Some((ordinal, *directory.rows.get(&ordinal)?))).collect()
        };
        let (mut page, mut looked_at) = (Vec::new(), 0usize);
        for (ordinal, Found { place, id }) in &found {
            if page.len() == limit || looked_at == limit.saturating_mul(LOOKED_AT_MAX) {
                let before = looked_at.checked_sub(1).and_then(|index| found.get(index));
                return Ok(Answer::Directory(page, before.map(|(ordinal, _)| *ordinal)));
            }
            looked_at = looked_at.saturating_add(1);
            let Some(row) = self.shelves.read::<ListingRow>(*place, Table::Listing, &[id])? else { continue };
            if row.ordinal == *ordinal
                && let Some(standing) = shown(rules, (&row, &words), now)
                && (!search.is_good || standing == Standing::Good)
            {
                let ListingRow { card, attestations, listing, .. } = row;
                page.push(Listed { card, attestations, listing, standing });
            }
        }
        Ok(Answer::Directory(page, None))
    }
}

/// How a listed doctor stands, if he is to be shown: vouched for now, as what was looked for, and not suspended.
fn shown(rules: &Rules, (row, words): (&ListingRow, &[String]), now: Timestamp) -> Option<Standing> {
    let is_as_found = row.version == rules.trust.version && row.vouched.is_some_and(|(_, until)| now < until);
    let is_vouched = is_as_found || {
        // One registrar's word has ended, or is void: what the others' come to is less, and may be enough.
        let card: Card = codec::decode(&row.card).ok()?;
        let vouched = rules.trust.vouched(&card, &row.attestations, now)?;
        let terms = row.listing.claims().ok()?.listing.terms(Some(&vouched));
        words.iter().all(|word| terms.contains(word))
    };
    let standing = row.ledger.standing(&rules.policy.standing_thresholds(), now);
    (is_vouched && standing < Standing::Suspended).then_some(standing)
}

/// What looking into the directory takes.
pub(super) const fn looking(is_attested: bool) -> (Act, Capacity) {
    (Act::Search { is_attested }, Capacity::Stranger)
}
