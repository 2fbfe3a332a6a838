//! The tree in tiles: where they lie, how they grow, and that what is read out of them is what the whole list proves.

use std::collections::BTreeMap;

use casevault::{
    id::Digest,
    log::{
        Tile, bundle, entries,
        tiles::{self, Tiles, grown},
    },
    merkle::{
        Frontier, Head, leaf_hash, prove_consistency, prove_inclusion, root, verify_consistency,
        verify_inclusion,
    },
};
use proptest::prelude::*;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// All tiles of a tree, grown in one step.
fn tiled(leaves: &[Digest]) -> BTreeMap<Tile, Vec<u8>> {
    grown(&BTreeMap::new(), 0, leaves).unwrap().into_iter().collect()
}

fn tile(level: u8, index: u64, width: u16) -> Tile {
    Tile::new(level, index, width).unwrap()
}

#[test]
fn a_tile_has_one_path() {
    let check = |tile: Tile, path: &str| {
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::from_path(path), Ok(tile));
        let beside = (tile.level() == 0).then(|| path.replace("tile/0/", "tile/entries/"));
        assert_eq!(tile.entries_path(), beside);
        if let Some(path) = beside {
            assert_eq!(Tile::from_entries_path(&path), Ok(tile));
        }
    };
    check(tile(0, 0, 256), "tile/0/000");
    check(tile(0, 0, 1), "tile/0/000.p/1");
    check(tile(3, 999, 255), "tile/3/999.p/255");
    check(tile(1, 1000, 256), "tile/1/x001/000");
    // The specification's example.
    check(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
    check(tile(0, 1_234_067, 8), "tile/0/x001/x234/067.p/8");
    check(tile(0, (1 << 56) - 1, 255), "tile/0/x072/x057/x594/x037/x927/935.p/255");
    check(tile(7, 0, 255), "tile/7/000.p/255");
    for wrong in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/01/000",
        "tile/8/000.p/1",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/000/000",
        "tile/0/x000/001",
        "tile/0/001/x234",
        "tile/0/x001/x234",
        "tile/0/X001/234",
        "tile/0/+01",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/entries/000",
        "tile/7/000",
        "tile/7/001.p/1",
        "tile/0/x072/x057/x594/x037/x927/935",
        "tile/0/x072/x057/x594/x037/x927/936.p/1",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert!(Tile::from_path(wrong).is_err(), "{wrong}");
    }
    for wrong in
        ["tile/0/000", "tile/entries/0", "tile/entries/0/000", "tile/entries/000.p/256", "tile/entries/"]
    {
        assert!(Tile::from_entries_path(wrong).is_err(), "{wrong}");
    }
    assert_eq!((Tile::new(0, 0, 0), Tile::new(0, 0, 257), Tile::new(7, 0, 256)), (None, None, None));
}

#[test]
fn a_tree_has_the_tiles_that_the_specification_says() {
    let paths = |size: u64| Tile::of(size).map(Tile::path).collect::<Vec<_>>();
    assert_eq!(paths(0), Vec::<String>::new());
    assert_eq!(paths(1), ["tile/0/000.p/1"]);
    assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
    let large: Vec<Tile> = Tile::of(70_000).collect();
    let full = |level: u8| large.iter().filter(|tile| tile.level() == level && tile.is_full()).count();
    assert_eq!((large.len(), full(0), full(1), full(2)), (273 + 1 + 1 + 1 + 1, 273, 1, 0));
    let partial: Vec<String> = large.iter().filter(|tile| !tile.is_full()).map(|tile| tile.path()).collect();
    assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    assert_eq!(Tile::of(u64::MAX).take(3).count(), 3);
    assert_eq!(Tile::changed(u64::MAX - 1, u64::MAX).count(), 1);
    assert_eq!(Tile::changed(5, 4).count(), 0);
}

#[test]
fn entries_are_read_from_a_bundle_as_they_were_put_in() {
    let long = vec![7; 65_535];
    let check = |list: &[&[u8]]| {
        let bytes = bundle(list).unwrap();
        let width = u16::try_from(list.len()).unwrap();
        assert_eq!(entries(tile(0, 9, width), &bytes).unwrap(), list);
        assert!(entries(tile(1, 9, width), &bytes).is_err());
        assert!(entries(tile(0, 9, width), &[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(entries(tile(0, 9, width), &bytes[..bytes.len() - 1]).is_err());
        for other in [width - 1, width + 1] {
            assert!(Tile::new(0, 9, other).is_none_or(|tile| entries(tile, &bytes).is_err()));
        }
    };
    check(&[b""]);
    check(&[b"one", b"", &long]);
    check(&[b"x".as_slice(); 256]);
    assert_eq!(bundle(&[b"ab", b""]).unwrap(), b"\0\x02ab\0\0");
    assert_eq!(
        (bundle(&[]), bundle(&[b"".as_slice(); 257]), bundle(&[&[long.as_slice(), &[7]].concat()])),
        (None, None, None)
    );
}

#[test]
fn all_proofs_of_small_trees_are_those_of_the_whole_list() {
    let leaves = leaves(300);
    let mut kept = BTreeMap::new();
    for size in 0..=300u64 {
        let list = &leaves[..usize::try_from(size).unwrap()];
        assert_eq!(tiles::head(&kept, size), Some(root(list)), "{size}");
        // Every pair below 40, and about forty pairs of each size above.
        let step = usize::try_from(size / 40 + 1).unwrap();
        for older in (0..=size).step_by(step).chain([size.saturating_sub(1), size, size + 1]) {
            assert_eq!(
                tiles::prove_inclusion(&kept, older, size),
                prove_inclusion(list, older),
                "{older} in {size}"
            );
            assert_eq!(
                tiles::prove_consistency(&kept, older, size),
                prove_consistency(list, older),
                "{older} to {size}"
            );
        }
        let next =
            leaves.get(usize::try_from(size).unwrap()).map(|leaf| grown(&kept, size, &[*leaf]).unwrap());
        kept.extend(next.into_iter().flatten());
    }
    assert_eq!(kept.keys().map(|tile| u32::from(tile.is_full())).sum::<u32>(), 1);
}

#[test]
fn a_large_tree_is_proven_and_a_missing_or_wrong_tile_proves_nothing() {
    let leaves = leaves(70_000);
    let mut kept = tiled(&leaves);
    let head = root(&leaves);
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), Tile::of(70_000).collect::<Vec<_>>());
    assert_eq!(tiles::head(&kept, 70_000), Some(head));
    let proof = tiles::prove_inclusion(&kept, 65_536, 70_000).unwrap();
    assert!(verify_inclusion(&leaves[65_536], 65_536, &head, &proof).is_ok());
    let at = tile(0, 256, 256);
    kept.get_mut(&at).unwrap()[40] ^= 1;
    let proof = tiles::prove_inclusion(&kept, 65_536, 70_000).unwrap();
    assert!(verify_inclusion(&leaves[65_536], 65_536, &head, &proof).is_err());
    kept.get_mut(&at).unwrap().push(0);
    assert_eq!(tiles::prove_inclusion(&kept, 65_536, 70_000), None);
    kept.remove(&at);
    assert_eq!(tiles::prove_inclusion(&kept, 65_536, 70_000), None);
    assert_eq!(tiles::prove_consistency(&kept, 65_537, 70_000), None);
    assert_eq!(tiles::head(&kept, 70_000), Some(head));
    assert_eq!(grown(&BTreeMap::new(), 70_000, &leaves[..1]), None);
    assert_eq!(grown(&kept, u64::MAX, &leaves[..1]), None);
}

/// Whatever is asked for is there: what a hostile store may say.
struct Anything;

impl Tiles for Anything {
    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        Some(vec![7; usize::from(tile.width()) * 32])
    }
}

proptest! {
    #[test]
    fn tiles_grow_to_what_they_are_from_the_start(steps in prop::collection::vec(0usize..700, 1..6)) {
        let all = leaves(3500);
        let (mut kept, mut size) = (BTreeMap::new(), 0);
        for step in steps {
            let (old, new) = (u64::try_from(size).unwrap(), u64::try_from(size + step).unwrap());
            let changed = grown(&kept, old, &all[size..size + step]).unwrap();
            prop_assert_eq!(changed.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(), Tile::changed(old, new).collect::<Vec<_>>());
            for (tile, bytes) in &changed {
                prop_assert_eq!(Some(bytes.clone()), tile.of_leaves(&all[..size + step]));
            }
            kept.extend(changed);
            size += step;
            prop_assert!(Tile::of(new).all(|tile| kept.contains_key(&tile)));
        }
    }

    #[test]
    fn tiles_whose_leaves_are_replaced_are_those_of_the_list_as_it_is_then(
        size in 1u64..3500,
        picks in prop::collection::btree_map(any::<u64>(), any::<[u8; 32]>(), 0..40),
        broken in any::<prop::sample::Index>(),
    ) {
        let mut list = leaves(size);
        let mut kept = tiled(&list);
        let fresh: BTreeMap<u64, Digest> =
            picks.into_iter().map(|(pick, hash)| (pick % size, Digest::from_bytes(hash))).collect();
        for (index, hash) in &fresh {
            list[usize::try_from(*index).unwrap()] = *hash;
        }
        let changed = tiles::replaced(&kept, size, &fresh).unwrap();
        let order: Vec<Tile> = changed.iter().map(|(tile, _)| *tile).collect();
        prop_assert!(order.is_sorted_by(|one, other| (one.level(), one.index()) < (other.level(), other.index())));
        let mut without = kept.clone();
        kept.extend(changed);
        prop_assert_eq!(&kept, &tiled(&list));
        // No tile is written that has not changed, none that is missing is made up, and no leaf is put behind the last.
        if !order.is_empty() {
            let missing = without.remove(broken.get(&order)).unwrap();
            prop_assert_eq!(tiles::replaced(&without, size, &fresh), None);
            without.insert(*broken.get(&order), missing);
        }
        let behind = fresh.into_iter().chain([(size, list[0])]).collect();
        prop_assert_eq!(tiles::replaced(&without, size, &behind), None);
    }

    #[test]
    fn absurd_sizes_end(size in any::<u64>(), index in any::<u64>(), level in any::<u8>(), width in any::<u16>()) {
        let (low, high) = (size.min(index), size.max(index));
        prop_assert!(tiles::head(&Anything, size).is_some());
        prop_assert!(tiles::prove_consistency(&Anything, low, high).is_some_and(|proof| proof.len() <= 65));
        prop_assert_eq!(tiles::prove_inclusion(&Anything, low, high).is_some(), low < high);
        prop_assert_eq!(tiles::prove_inclusion(&Anything, high, low), None);
        let replaced = tiles::replaced(&Anything, high, &[(low, leaf_hash(b""))].into());
        prop_assert_eq!(replaced.is_some_and(|tiles| tiles.len() <= 8), low < high);
        if let Some(tile) = Tile::new(level, index, width) {
            prop_assert_eq!(Tile::from_path(&tile.path()), Ok(tile));
        }
        if let Some(tile) = Tile::new(level % 9, index >> (8 * u32::from(level % 8)), width % 258) {
            prop_assert_eq!(Tile::from_path(&tile.path()), Ok(tile));
        }
    }

    #[test]
    fn a_path_that_is_read_is_written_again(path in "tile/([0-9]|entries)(/x[0-9]{3}){0,2}/[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(tile) = Tile::from_path(&path) {
            prop_assert_eq!(tile.path(), path);
        } else if let Ok(tile) = Tile::from_entries_path(&path) {
            prop_assert_eq!(tile.entries_path(), Some(path));
        }
    }
}

proptest! {
    // Each hashes a whole tree, several times over.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_size_is_proven(size in 1u64..100_000, pick in any::<u64>(), other in any::<u64>()) {
        let list = leaves(size);
        let kept = tiled(&list);
        let mut frontier = Frontier::new();
        let (index, old) = (pick % size, other % (size + 1));
        let mut older = Head::default();
        for (at, leaf) in (1..).zip(&list) {
            frontier.append(*leaf);
            if at == old {
                older = frontier.head();
            }
        }
        let head = frontier.head();
        prop_assert_eq!(tiles::head(&kept, size), Some(head));
        let inclusion = tiles::prove_inclusion(&kept, index, size).unwrap();
        prop_assert!(verify_inclusion(&list[usize::try_from(index).unwrap()], index, &head, &inclusion).is_ok());
        let consistency = tiles::prove_consistency(&kept, old, size).unwrap();
        prop_assert!(verify_consistency(&older, &head, &consistency).is_ok());
        prop_assert_eq!(inclusion, prove_inclusion(&list, index).unwrap());
        prop_assert_eq!(consistency, prove_consistency(&list, old).unwrap());
    }
}
