//! A14: every stored value damaged, cut, emptied, swapped: an error or the same answer, never a panic or other words.

use std::{
    collections::BTreeMap,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Attestation, Category, Checked, Listing, PersonId, Reveal, Severity},
    custodian::{Errand, PoolCursor, PublicQuery},
    error::Error,
    event::Principal,
    party::{Curator, Doctor, Patient, Registrar, Role},
    public::Use,
    record::Kind,
    session::{Case, Entry, Looking, Sentence, Session},
    store::{Entry as Row, Store},
    time::days,
    vault::{HostDir, Vault},
};

use crate::{
    curators::batch,
    shares::{CURATOR, PUBLIC, abstracted},
    world::{ALICE, BOB, Profile, REGISTRAR, World, keyring, profile},
};

/// What the people of a small clinic read, all of it.
fn read(world: &World, seed: u8) -> Result<String, &'static str> {
    let code = |error: Error| error.code();
    let alice =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), world.trusting(), world.tools(seed))
            .map_err(code)?;
    let bob =
        Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), world.trusting(), world.tools(seed + 1))
            .map_err(code)?;
    let mut all = String::new();
    let said = |record: &casevault::session::Record| {
        let length = record.content().bytes().len();
        format!("{} {} {length} {:?};", record.kind(), record.version(), record.value::<String>().ok())
    };
    let own: Vec<Case> = alice.own_cases().map_err(code)?;
    for case in &own {
        all.extend(alice.open(case).map_err(code)?.records().map_err(code)?.iter().map(said));
    }
    for case in bob.cases().map_err(code)? {
        let chart = bob.open(&case).map_err(code)?;
        all.extend(chart.records().map_err(code)?.iter().map(said));
        let who = chart.identity().map_err(code)?.profile::<Profile>().map_err(code)?;
        all += &format!("{who:?};");
    }
    all += &format!("{} cases, {} of his;", own.len(), all.matches("Profile").count());
    all += &format!("{};", alice.standing().map_err(code)?);
    for doctor in alice.directory(Looking::for_doctors()).map_err(code)?.doctors {
        all += &format!("{doctor};");
    }
    for case in &own {
        all += &format!("{:?};", alice.doctor(case, bob.id()).map_err(code)?.name());
    }
    all += &office(world, seed + 2).map_err(code)?;
    for shared in alice.shared_cases().map_err(code)? {
        let said = &shared.sharing;
        all += &format!("{:?} {:?} {};", said.case, said.uses, shared.is_taken);
    }
    all += &public_area(world, seed + 3)?;
    alice.history().map_err(code)?;
    Ok(all)
}

/// What the curator reads, and what anyone does.
fn public_area(world: &World, seed: u8) -> Result<String, &'static str> {
    let code = |error: Error| error.code();
    let (keys, tools) = (keyring(CURATOR), world.tools(seed));
    let curator =
        Session::<Curator>::sign_in_with(&world.vault, keys, world.trusting(), tools).map_err(code)?;
    let pulled = curator.pull(&PoolCursor::default()).map_err(code)?;
    let journals = curator.journals().map_err(code)?;
    let (_, batches) = world.vault.public().batches().map_err(|error| error.code())?;
    let page = world.vault.public().rows(&PublicQuery::default(), None).map_err(|error| error.code())?;
    let arrived: Vec<_> = pulled.arrivals.iter().map(|one| (one.handle, &one.case, one.until)).collect();
    let kept: Vec<_> = journals.iter().map(|one| &one.journal).collect();
    let gone = (&pulled.departures, &pulled.unfit);
    Ok(format!("{arrived:?};{gone:?};{kept:?};{batches:?};{:?};", page.found))
}

/// What the registrars read.
fn office(world: &World, seed: u8) -> Result<String, Error> {
    let tools = world.tools(seed);
    let office =
        Session::<Registrar>::sign_in_with(&world.vault, keyring(REGISTRAR), world.trusting(), tools)?;
    let mut all = String::new();
    for errand in [Errand::Application, Errand::Report, Errand::Appeal] {
        for waiting in office.queue(errand) {
            let waiting = waiting?;
            let said = if errand == Errand::Application {
                office.papers(waiting.party)?.identity.as_identity()?.profile::<Profile>()?.name
            } else {
                format!("{:?}", office.read(&waiting)?.petition)
            };
            all += &format!("{errand} {said};");
        }
    }
    for seed in [ALICE, BOB] {
        let party = keyring(seed).party();
        let lists = office.check_lists(party)?;
        all += &format!("{} rulings, {} lists;", office.rulings(party)?.len(), lists.len());
    }
    let passport = PersonId::new("passport", "4711").unwrap();
    all += &format!("{:?};", office.find_person(&passport, Role::Patient)?);
    all += &format!("{} proposals, {} policies;", office.proposals()?.len(), office.trust()?.version);
    Ok(all)
}

fn clinic() -> World {
    let cards = [REGISTRAR, 40].map(|seed| keyring(seed).card(Role::Registrar));
    let area = keyring(CURATOR).card(Role::Curator);
    let world = World::with(Policy::trusting(&cards).curated(PUBLIC, &area));
    let office = world.office();
    let curator = world.enrol::<Curator>(CURATOR, "Curator");
    office.attest(curator.id(), Attestation::curator()).unwrap();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let person = PersonId::new("passport", "4711").unwrap();
    office.attest(alice.id(), Attestation::patient().person(person)).unwrap();
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    bob.write_name("Dr. Bob Brandt").unwrap();
    let checks = office.check_list().passed(Checked::Licence, Some(b"4711"), "seen");
    office.attest(bob.id(), Attestation::doctor("cardiology").checks(checks)).unwrap();
    bob.list(&Listing::new("Dr. Sparrow").reveals(Reveal::NameOnly)).unwrap();
    world.enrol::<Patient>(60, "Newcomer");
    let conduct = (Category::Other, Severity::Minor);
    bob.report(Principal::Party(alice.id()), conduct, "late").unwrap();
    let until = world.in_days(20);
    let ruling = office.strike(alice.id(), Sentence::new(Category::Waste, 1, until)).unwrap();
    alice.appeal(ruling, "I was ill").unwrap();
    bob.shut_out(Principal::Party(keyring(60).party())).unwrap();
    office.propose(world.vault.policy().registrars_needed(1).open_cases_max(9)).unwrap();
    drop(office);
    let case = alice.open_case("a rash").unwrap();
    alice.write(&case, Kind::Complaint, "it itches").unwrap();
    let large = Entry::of_bytes(Kind::Document, "text/plain", vec![7; 60_000]).unwrap();
    alice.write_all(&case, vec![large]).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    bob.write(&his, Kind::Note, "eczema").unwrap();
    bob.open(&his).unwrap().identity().unwrap();
    share_and_release(&world, &alice, &curator);
    drop((alice, bob, curator));
    world
}

/// One case that waits, one that the curator has, one that was taken back from it; a batch that is shown and one that is
/// not.
fn share_and_release(world: &World, alice: &Session<'_, Patient>, curator: &Session<'_, Curator>) {
    let cases: Vec<Case> = (0..3).map(|_| alice.open_case("to share").unwrap()).collect();
    let share = |case: &Case, number| {
        alice.share(case, &abstracted(number), [Use::Education], world.in_days(300)).unwrap();
    };
    share(&cases[0], 1);
    share(&cases[1], 2);
    world.clock.advance(days(1));
    curator.pull(&PoolCursor::default()).unwrap();
    alice.retract(&cases[1]).unwrap();
    let seen = curator.pull(&PoolCursor::default()).unwrap().next;
    let (rows, facts) = batch(1, 12);
    let hidden = facts.id;
    curator.release(&seen, (rows, vec![facts], Vec::new()), b"first").unwrap();
    let (rows, facts) = batch(2, 12);
    curator.release(&seen, (rows, vec![facts], vec![hidden]), b"second").unwrap();
    share(&cases[2], 3);
}

/// Reads after a change; the change must be noticed, or make no difference.
fn check(world: &World, what: &str, expected: &str, change: impl FnOnce()) -> bool {
    let before = world.store.snapshot();
    change();
    let found = catch_unwind(AssertUnwindSafe(|| read(world, 100)));
    world.store.restore(&before);
    let found = found.unwrap_or_else(|_| panic!("{what}: a panic"));
    if let Ok(words) = &found {
        assert_eq!(words, expected, "{what}: other words");
    }
    found.is_err()
}

/// Whether every byte is to be tried: `CASEVAULT_FULL=1`.
fn is_full() -> bool {
    std::env::var_os("CASEVAULT_FULL").is_some_and(|value| !value.is_empty() && value != "0")
}

#[test]
fn a14_damage_to_any_stored_value_is_an_error_or_makes_no_difference() {
    let world = clinic();
    let expected = read(&world, 50).unwrap();
    assert!(expected.contains("eczema") && expected.contains(&format!("{:?}", profile("Alice"))));
    let rows: Vec<Row> = world.store.export();
    let (mut tried, mut noticed) = (0u32, 0u32);
    let mut count = |was_noticed: bool| {
        tried += 1;
        noticed += u32::from(was_noticed);
    };
    for (number, row) in rows.iter().enumerate() {
        let Row { key, value, .. } = row;
        let name = |what: &str| format!("{what} of {key:?}");
        // By default not all bytes of all values, for time's sake: a few of each, at other places in each row.
        let some =
            [0, value.len() / 3, value.len() / 2, value.len() - 1].map(|at| (at + number) % value.len());
        let some = some.into_iter().take(if number % 3 == 0 { 4 } else { 1 });
        let flips: Vec<usize> = if is_full() { (0..value.len()).collect() } else { some.collect() };
        for at in flips {
            let mut changed = value.clone();
            changed[at] ^= 1 << ((at + number) % 8);
            count(check(&world, &name("a flip"), &expected, || world.store.overwrite(key, Some(changed))));
        }
        let half = value[..value.len() / 2].to_vec();
        count(check(&world, &name("a cut"), &expected, || world.store.overwrite(key, Some(half))));
        if number % 4 == 0 {
            count(check(&world, &name("an emptying"), &expected, || {
                world.store.overwrite(key, Some(Vec::new()))
            }));
        }
    }
    let mut tables: BTreeMap<u8, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        tables.entry(row.key.table()).or_default().push(row);
    }
    for pair in tables.values().flat_map(|rows| rows.windows(2)) {
        let [one, other] = pair else { continue };
        count(check(&world, "a swap", &expected, || {
            world.store.overwrite(&one.key, Some(other.value.clone()));
            world.store.overwrite(&other.key, Some(one.value.clone()));
        }));
    }
    writeln!(std::io::stderr(), "damages tried: {tried}, noticed: {noticed}, silent: 0, panicked: 0")
        .unwrap();
    assert!(tried > 300 && noticed > tried / 3);
    assert_eq!(read(&world, 60).unwrap(), expected);
}

#[test]
fn a_vault_of_another_version_is_called_that_and_a_damaged_one_damaged() {
    let World { store, host, vault, clock: _ } = World::new();
    vault.close().unwrap();
    let row = store.export().into_iter().find(|row| row.value.starts_with(b"CVva")).unwrap();
    let open = |value: Vec<u8>| {
        store.overwrite(&row.key, Some(value));
        Vault::open(std::sync::Arc::clone(&store), HostDir::open(host.path()).unwrap())
    };
    let with = |at: usize, byte: u8| {
        let mut changed = row.value.clone();
        changed[at] = byte;
        changed
    };
    assert_eq!(open(with(4, 3)).unwrap_err().code(), "other-format");
    assert_eq!(open(with(4, 77)).unwrap_err().code(), "other-format");
    assert_eq!(open(with(0, 0)).unwrap_err().code(), "damaged");
    assert_eq!(open(row.value[..row.value.len() / 2].to_vec()).unwrap_err().code(), "damaged");
    assert_eq!(open(row.value[..4].to_vec()).unwrap_err().code(), "damaged");
    open(row.value.clone()).unwrap();
}

#[test]
fn a10_a_revoked_doctor_with_the_store_in_hand_opens_nothing_written_after() {
    use casevault::{
        crypto::Random,
        custodian::{Request, Response},
        folder::{Epoch, EpochOf, FolderKey},
        record::{FolderSalt, Leaf, SealedRecord, open},
    };

    use crate::custodians::Recording;
    let world = World::new();
    let recording = Recording::over(&world.vault);
    let alice = world.patient(ALICE, "Alice");
    world.doctor(BOB, "Bob");
    let case = alice.open_case("a rash").unwrap();
    let bob =
        Session::<Doctor>::sign_in_with(&recording, keyring(BOB), world.trusting(), world.tools(51)).unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    bob.open(&his).unwrap();
    // What he keeps: the chart as it crossed, with grant and salts.
    let chart = recording
        .messages()
        .into_iter()
        .filter_map(|(_, response)| casevault::codec::decode::<Response>(&response).ok())
        .filter_map(
            |response| if let Response::Accepted(accepted) = response { Some(accepted) } else { None },
        )
        .find(|accepted| accepted.charts.first().is_some_and(|chart| chart.folder == case.id()))
        .unwrap();
    let salt = chart.salts.iter().find(|salt| salt.folder == case.id()).unwrap().salt;
    let commitments = chart.charts[0].epochs[0].event.claims().unwrap().commitments.unwrap();
    let kept: FolderKey = chart.charts[0].grant.open(keyring(BOB).opening_key(), &commitments).unwrap();
    alice.revoke(&case, bob.id()).unwrap();
    let before = world.store.export();
    let later = Recording::over(&world.vault);
    let alice =
        Session::<Patient>::sign_in_with(&later, keyring(ALICE), alice.memory(), world.tools(52)).unwrap();
    alice.write(&case, Kind::Complaint, "written after").unwrap();
    let leaves: Vec<Leaf> = later
        .messages()
        .into_iter()
        .filter_map(|(request, _)| casevault::codec::decode::<Request>(&request).ok())
        .filter_map(|request| if let Request::Submit(submission) = request { Some(submission) } else { None })
        .flat_map(|submission| submission.parts.into_iter().flat_map(|part| part.records))
        .map(|sealing| sealing.leaf)
        .collect();
    assert_eq!(leaves.len(), 1);
    let place = EpochOf { vault: world.vault.trust().vault, folder: case.id(), epoch: Epoch::from_number(2) };
    let guesses = [kept, FolderKey::generate(place, &mut Random::seeded([1; 32]))];
    let mut tried = 0;
    for row in world.store.export().iter().filter(|row| !before.contains(row)) {
        for leaf in &leaves {
            for key in &guesses {
                for leaf in [
                    *leaf,
                    Leaf { epoch: Epoch::FIRST, sealed: SealedRecord::digest_of(&row.value), ..*leaf },
                ] {
                    assert!(open(key, &FolderSalt::from_bytes(salt), &leaf, &row.value, &[]).is_err());
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 4);
    assert!(world.store.generation().unwrap() > 0);
}
