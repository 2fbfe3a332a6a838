//! The doctor's own privacy, and the directory: found by what he says, known by whom he tells.

use casevault::{
    codec,
    consent::Terms,
    credential::{Attestation, Coding, Experience, Listing, Reveal, Standing},
    custodian::{Answer, Errand, Question, Response, Search},
    error::{Error, Misuse},
    event::Verb,
    party::{Auditor, Card, Doctor, Patient, Role},
    record::Kind,
    session::{Entry, Looking, Pin, Sentence, Session},
    store::{KeyRange, Store},
    time::days,
};
use proptest::prelude::*;

use crate::{
    custodians::{Recording, Tampering},
    world::{ALICE, BOB, CAROL, DAVE, Profile, World, keyring, profile},
};

const NAME: &str = "Quillfeather";
const HOSPITAL: &str = "Marzipan Infirmary, 57 years";

/// A doctor with a name, and a profile that says more.
fn doctor<'w>(world: &'w World, reveals: Reveal) -> Session<'w, Doctor> {
    let bob = world.doctor(BOB, HOSPITAL);
    bob.write_name(NAME).unwrap();
    bob.list(&Listing::new("Dr. Sparrow").language("en").region("GB-SCT").reveals(reveals)).unwrap();
    bob
}

fn finds(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn a_patient_is_told_as_much_as_the_doctor_chose_and_her_view_says_what_it_does_not_know() {
    for (reveals, knows_name, knows_profile) in
        [(Reveal::Never, false, false), (Reveal::NameOnly, true, false), (Reveal::OnAssignment, true, true)]
    {
        let world = World::new();
        let bob = doctor(&world, reveals);
        let alice = world.patient(ALICE, "Alice");
        let case = alice.open_case("rash").unwrap();
        let before = alice.doctor(&case, bob.id()).unwrap();
        assert!(
            before.name().is_none() && before.profile::<Profile>().unwrap().is_none(),
            "not assigned yet"
        );
        alice.assign(&case, bob.id(), Terms::treatment().until(world.in_days(9))).unwrap();
        bob.open(&bob.cases().unwrap()[0]).unwrap().identity().unwrap();
        let view = alice.doctor(&case, bob.id()).unwrap();
        assert_eq!(view.name(), knows_name.then_some(NAME), "{reveals}");
        let told = view.profile::<Profile>().unwrap();
        assert_eq!(told, knows_profile.then(|| profile(HOSPITAL)), "{reveals}");
        let words = view.to_string();
        assert!(words.contains("cardiology") && words.contains("Dr. Sparrow"), "{words}");
        assert_eq!(
            words.contains("hospital are not known") || words.contains("hospital are not"),
            !knows_profile,
            "{words}"
        );
        // The doctor sees that it was read.
        let read = bob
            .history()
            .unwrap()
            .iter()
            .filter(|line| line.verb == Verb::Open && line.role == Some(Role::Patient))
            .count();
        assert_eq!(read, usize::from(knows_name), "{reveals}");
        // What was told is told once, and is shown as long as the assignment holds.
        bob.open(&bob.cases().unwrap()[0]).unwrap().identity().unwrap();
        let reveals_made = bob.history().unwrap().iter().filter(|line| line.verb == Verb::Reveal).count();
        assert_eq!(reveals_made, usize::from(knows_name));
        world.clock.advance(days(9));
        assert!(alice.doctor(&case, bob.id()).unwrap().name().is_none(), "{reveals}: the assignment is over");
    }
}

#[test]
fn an_act_of_the_doctors_reveals_him_to_this_patient_and_to_nobody_else() {
    let world = World::new();
    let bob = doctor(&world, Reveal::Never);
    let (alice, dave) = (world.patient(ALICE, "Alice"), world.patient(DAVE, "Dave"));
    let carol = world.doctor(CAROL, "Carol");
    let (hers, his) = (alice.open_case("hers").unwrap(), dave.open_case("his").unwrap());
    alice.assign(&hers, bob.id(), Terms::treatment()).unwrap();
    dave.opinion(&his, bob.id(), Terms::opinion()).unwrap();
    let case = bob.cases().unwrap().into_iter().find(|case| case.id() == hers.id()).unwrap();
    let who = bob.open(&case).unwrap().identity().unwrap();
    bob.reveal(&case, &who, Reveal::NameOnly).unwrap();
    assert_eq!(alice.doctor(&hers, bob.id()).unwrap().name(), Some(NAME));
    // Not to the other patient, for her case or for his own; not for a case of hers he is not assigned to.
    assert!(dave.doctor(&hers, bob.id()).unwrap().name().is_none());
    assert!(dave.doctor(&his, bob.id()).unwrap().name().is_none());
    let another = alice.open_case("another").unwrap();
    assert!(alice.doctor(&another, bob.id()).unwrap().name().is_none());
    // Who only gives an opinion has nobody to reveal himself to: not even with a patient's card from elsewhere.
    let opinion = bob.cases().unwrap().into_iter().find(|case| case.id() == his.id()).unwrap();
    assert!(matches!(bob.reveal(&opinion, &who, Reveal::NameOnly), Err(Error::Denied)));
    // After the revocation there is nothing to read.
    alice.revoke(&hers, bob.id()).unwrap();
    assert!(alice.doctor(&hers, bob.id()).unwrap().name().is_none());
    assert!(matches!(bob.reveal(&case, &who, Reveal::NameOnly), Err(Error::Denied)));
    drop(carol);
}

#[test]
fn a_name_that_was_not_written_is_not_revealed() {
    let world = World::new();
    let bob = world.doctor(BOB, HOSPITAL);
    let alice = world.patient(ALICE, "Alice");
    let case = alice.open_case("rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let who = bob.open(&his).unwrap().identity().unwrap();
    assert!(matches!(bob.reveal(&his, &who, Reveal::NameOnly), Err(Error::Misuse(Misuse::NoName))));
    bob.reveal(&his, &who, Reveal::OnAssignment).unwrap();
    let view = alice.doctor(&case, bob.id()).unwrap();
    assert_eq!((view.name(), view.profile().unwrap()), (None, Some(profile(HOSPITAL))));
}

#[test]
fn a18_a_doctors_name_age_and_hospital_appear_to_nobody_who_was_not_told() {
    let world = World::new();
    let bob = doctor(&world, Reveal::OnAssignment);
    bob.apply(vec![Entry::of_bytes(Kind::Licence, "text/plain", NAME.into()).unwrap()]).unwrap();
    let recordings: Vec<_> = (0..4).map(|_| Recording::over(&world.vault)).collect();
    // A patient he sees as a second doctor, one who only looks him up, another doctor, an auditor.
    let alice = world.enrol_over::<Patient>(&recordings[0], ALICE, "Alice");
    let dave = world.enrol_over::<Patient>(&recordings[1], DAVE, "Dave");
    let carol = world.enrol_over::<Doctor>(&recordings[2], CAROL, "Carol");
    let auditor = world.enrol_over::<Auditor>(&recordings[3], 30, "Audit");
    let office = world.office();
    for patient in [alice.id(), dave.id()] {
        office.attest(patient, Attestation::patient()).unwrap();
    }
    office.attest(carol.id(), Attestation::doctor("surgery")).unwrap();
    office.attest(auditor.id(), Attestation::auditor()).unwrap();
    let case = alice.open_case("rash").unwrap();
    alice.opinion(&case, bob.id(), Terms::opinion().writing()).unwrap();
    alice.assign(&case, carol.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    bob.open(&his).unwrap();
    bob.write(&his, Kind::Note, "looks harmless").unwrap();
    alice.open(&case).unwrap().records().unwrap();
    alice.history().unwrap();
    alice.doctor(&case, bob.id()).unwrap();
    dave.directory(Looking::for_doctors()).unwrap();
    dave.vouched(bob.id()).unwrap();
    carol.open(&carol.cases().unwrap()[0]).unwrap().identity().unwrap();
    carol.directory(Looking::for_doctors().specialty("cardiology")).unwrap();
    auditor.check_owner(bob.id(), &[]).unwrap();
    auditor.check_vault(&[]).unwrap();
    let mut places: Vec<Vec<u8>> = recordings
        .iter()
        .map(|recording| {
            recording
                .messages()
                .into_iter()
                .flat_map(|(request, answer)| [request, answer].concat())
                .collect()
        })
        .collect();
    places.push(
        world
            .store
            .scan(KeyRange::all(), usize::MAX)
            .unwrap()
            .into_iter()
            .flat_map(|entry| [entry.key.as_bytes().to_vec(), entry.value].concat())
            .collect(),
    );
    for (number, bytes) in places.iter().enumerate() {
        assert!(bytes.len() > 4000);
        for word in [NAME, "Marzipan", "57 years"] {
            assert!(!finds(bytes, word), "{word} in {number}");
        }
    }
    // Public, to whoever may search, and so on the wire: what he says of himself.
    assert!(finds(&places[1], "Dr. Sparrow"));
    // Not on the disk, where nobody may search.
    assert!(!finds(&places[4], "Dr. Sparrow") && !finds(&places[4], "GB-SCT"));
}

/// The numbers of all doctors that a search finds, page by page.
fn every_page(alice: &Session<'_, Patient>, looking: &dyn Fn() -> Looking) -> Vec<u8> {
    let (mut seeds, mut next) = (Vec::new(), None);
    loop {
        let looking = next.map_or_else(looking, |next| looking().after(next));
        let page = alice.directory(looking.at_most(7)).unwrap();
        let name = |doctor: &casevault::session::ListedDoctor| {
            doctor.listing.pseudonym().trim_start_matches("Dr. ").parse::<u8>().unwrap()
        };
        seeds.extend(page.doctors.iter().map(name));
        next = page.next;
        if next.is_none() {
            seeds.sort_unstable();
            return seeds;
        }
    }
}

#[test]
fn the_directory_is_searched_by_what_doctors_say_and_registrars_attest() {
    let world = World::new();
    let office = world.office();
    let alice = world.patient(ALICE, "Alice");
    for seed in 100..170u8 {
        let doctor = world.enrol::<Doctor>(seed, "someone");
        let cardiology = Coding::snomed("394579002", "Cardiology");
        let specialty = if seed % 2 == 0 { cardiology } else { Coding::text("Surgery") };
        office.attest(doctor.id(), Attestation::doctor(specialty)).unwrap();
        let listing = Listing::new(&format!("Dr. {seed}"))
            .language(if seed % 3 == 0 { "zh-CN" } else { "en" })
            .region(if seed % 5 == 0 { "GB-SCT" } else { "GB-ENG" })
            .experience(if seed % 7 == 0 { Experience::UnderFive } else { Experience::FifteenOrMore })
            .accepting(seed % 11 != 0);
        doctor.list(&listing).unwrap();
    }
    let all = |looking: &dyn Fn() -> Looking| every_page(&alice, looking);
    let those = |is: &dyn Fn(u8) -> bool| (100..170u8).filter(|seed| is(*seed)).collect::<Vec<_>>();
    assert_eq!(all(&Looking::for_doctors), those(&|_| true));
    assert_eq!(all(&|| Looking::for_doctors().specialty("cardiology")), those(&|seed| seed % 2 == 0));
    assert_eq!(all(&|| Looking::for_doctors().specialty("394579002")), those(&|seed| seed % 2 == 0));
    assert_eq!(all(&|| Looking::for_doctors().language("zh")), those(&|seed| seed % 3 == 0));
    assert_eq!(all(&|| Looking::for_doctors().language("ZH-cn")), those(&|seed| seed % 3 == 0));
    assert_eq!(all(&|| Looking::for_doctors().region("GB")), those(&|_| true));
    assert_eq!(all(&|| Looking::for_doctors().region("GB-SCT")), those(&|seed| seed % 5 == 0));
    assert_eq!(
        all(&|| Looking::for_doctors().experience(Experience::UnderFive)),
        those(&|seed| seed % 7 == 0)
    );
    assert_eq!(all(&|| Looking::for_doctors().accepting()), those(&|seed| seed % 11 != 0));
    let narrow = || Looking::for_doctors().specialty("surgery").language("en").region("GB-ENG").accepting();
    let is_narrow = |seed: u8| seed % 2 == 1 && [3, 5, 11].iter().all(|by| !seed.is_multiple_of(*by));
    assert_eq!(all(&narrow), those(&is_narrow));
    assert!(all(&|| Looking::for_doctors().specialty("astrology")).is_empty());
    // What changes is found as it is: withdrawn, suspended, warned, unlisted, listed anew.
    let party = |seed: u8| keyring(seed).party();
    office.withdraw(party(100)).unwrap();
    let sentence = |weight| Sentence::new(casevault::credential::Category::Fraud, weight, world.in_days(3));
    office.strike(party(102), sentence(3)).unwrap();
    office.strike(party(104), sentence(1)).unwrap();
    let session = |seed: u8| {
        Session::<Doctor>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed))
            .unwrap()
    };
    session(106).list(&Listing::new("Dr. 106").unlisted()).unwrap();
    session(108).list(&Listing::new("Dr. 108").language("fr")).unwrap();
    let gone = [100, 102, 106];
    assert_eq!(all(&Looking::for_doctors), those(&|seed| !gone.contains(&seed)));
    assert_eq!(
        all(&|| Looking::for_doctors().in_good_standing()),
        those(&|seed| !gone.contains(&seed) && seed != 104)
    );
    assert_eq!(all(&|| Looking::for_doctors().language("fr")), [108]);
    world.clock.advance(days(3));
    assert_eq!(
        all(&|| Looking::for_doctors().in_good_standing()),
        those(&|seed| ![100, 106].contains(&seed))
    );
    world.clock.advance(days(365));
    let ended = alice.directory(Looking::for_doctors());
    assert!(ended.is_err_and(|error| matches!(error, Error::Denied)), "her own attestation has ended too");
}

#[test]
fn a16_who_is_not_vetted_looks_nobody_up() {
    let world = World::new();
    let bob = doctor(&world, Reveal::Never);
    let newcomer = world.enrol::<Patient>(66, "Mallory");
    assert!(matches!(newcomer.directory(Looking::for_doctors()), Err(Error::Denied)));
    let alice = world.patient(ALICE, "Alice");
    let found = alice.directory(Looking::for_doctors()).unwrap().doctors.remove(0);
    assert_eq!((found.party, found.standing, found.pin), (bob.id(), Standing::Good, Pin::New));
    assert_eq!(found.card().fingerprint(), bob.card().fingerprint());
    world
        .office()
        .strike(alice.id(), Sentence::new(casevault::credential::Category::Abuse, 9, world.in_days(3)))
        .unwrap();
    assert!(matches!(alice.directory(Looking::for_doctors()), Err(Error::Denied)));
    // Nobody lists himself as a doctor who is none.
    let queue: Vec<_> = world.office().queue(Errand::Application).collect();
    assert_eq!(queue.len(), 1);
}

#[test]
fn a6_a_listing_that_doctor_and_registrars_did_not_sign_is_not_shown() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let _bob = doctor(&world, Reveal::Never);
    let mallory = world.enrol::<Doctor>(66, "Mallory, unvetted");
    mallory.list(&Listing::new("Dr. Sparrow")).unwrap();
    let alice = world.patient(ALICE, "Alice");
    let alice =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(63)).unwrap();
    assert_eq!(alice.directory(Looking::for_doctors()).unwrap().doctors.len(), 1);
    let forged = codec::encode(&keyring(66).card(Role::Doctor));
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Directory(listed, _)) = response {
            listed[0].card = forged.clone().into();
        }
    });
    assert_eq!(alice.directory(Looking::for_doctors()).unwrap_err().code(), "tampered-answer");
    // Nor one who is not what was looked for.
    between.honest();
    let surgeon = Looking::for_doctors().specialty("surgery");
    assert!(alice.directory(surgeon.clone()).unwrap().doctors.is_empty());
    let everybody = Question::Directory(Search { limit: 5, ..Search::default() });
    let Response::Answer(Answer::Directory(listed, _)) = world.ask(ALICE, everybody) else {
        panic!("no page")
    };
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Directory(shown, _)) = response {
            shown.clone_from(&listed);
        }
    });
    assert_eq!(alice.directory(surgeon).unwrap_err().code(), "tampered-answer");
}

/// At which answer the platform shows another card in a card's place, and whose.
#[derive(Debug, Clone, Copy)]
struct Swap {
    at: usize,
    by: u8,
}

fn swap_cards(response: &mut Response, by: &Card) -> bool {
    match response {
        Response::Answer(Answer::Card(card, _)) => *card = by.clone(),
        Response::Answer(Answer::Directory(listed, _)) if !listed.is_empty() => {
            listed[0].card = codec::encode(by).into();
        }
        Response::Answer(Answer::Stream(page)) if !page.cards.is_empty() => page.cards[0] = by.clone(),
        Response::Accepted(accepted) => {
            let mut is_swapped = false;
            for chart in &mut accepted.charts {
                if let Some(owner) = &mut chart.owner {
                    owner.card = by.clone();
                    is_swapped = true;
                }
                for writer in &mut chart.writers {
                    writer.card = by.clone();
                    is_swapped = true;
                }
            }
            if let Some(delivered) = &mut accepted.letter {
                delivered.author = by.clone();
                is_swapped = true;
            }
            return is_swapped;
        }
        Response::Answer(_) | Response::Charters(..) | Response::Hello(..) | Response::Refused(_) | _ => {
            return false;
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A6: a platform that swaps a card at any step of a journey gets an error, or nothing: never a grant to another card, never
    /// another's name taken for the doctor's.
    #[test]
    fn a6_a_platform_that_swaps_cards_at_any_step_gains_nothing(
        swap in (0usize..60, prop_oneof![Just(66u8), Just(CAROL), Just(ALICE)]).prop_map(|(at, by)| Swap { at, by }),
    ) {
        let world = World::new();
        let bob = doctor(&world, Reveal::NameOnly);
        let _carol = world.doctor(CAROL, "Carol, another");
        let _mallory = world.enrol::<Doctor>(66, "Mallory");
        let between = Tampering::over(&world.vault);
        let alice = world.patient(ALICE, "Alice");
        let alice = Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(64)).unwrap();
        let role = if swap.by == ALICE { Role::Patient } else { Role::Doctor };
        let by = keyring(swap.by).card(role);
        let mut answers = 0;
        between.changing(move |_, response| {
            answers += 1;
            if answers > swap.at && swap_cards(response, &by) {
                answers = usize::MAX / 2;
            }
        });
        let journey = || -> Result<(), Error> {
            let found = alice.directory(Looking::for_doctors().specialty("cardiology"))?;
            let case = alice.open_case("rash")?;
            for doctor in found.doctors.iter().filter(|doctor| doctor.party == bob.id()) {
                assert_eq!(doctor.card().fingerprint(), bob.card().fingerprint());
            }
            alice.assign(&case, bob.id(), Terms::treatment())?;
            if let Some(his) = bob.cases().unwrap().first() {
                bob.open(his).unwrap().identity().unwrap();
                bob.write(his, Kind::Note, "seen").unwrap();
            }
            let view = alice.doctor(&case, bob.id())?;
            assert!(view.name().is_none_or(|name| name == NAME));
            for record in alice.open(&case)?.records()? {
                let author = record.author().to_string();
                assert!(author == "the owner" || author.contains(&bob.id().to_string()), "{author}");
            }
            alice.history()?;
            Ok(())
        };
        let outcome = journey();
        between.honest();
        if let Err(error) = &outcome {
            prop_assert!(matches!(error, Error::Tampered(_) | Error::Denied | Error::Misuse(_)), "{error:?}");
        }
        // Whoever was swapped in holds nothing.
        for seed in [66u8, CAROL] {
            let session = Session::<Doctor>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed)).unwrap();
            prop_assert!(session.cases().unwrap().is_empty());
        }
    }
}

#[test]
fn a6_a_card_that_changed_is_shown_as_such_and_taken_only_after_comparing_fingerprints() {
    let world = World::new();
    let bob = doctor(&world, Reveal::Never);
    let alice = world.patient(ALICE, "Alice");
    // What the patient saw first, and what the custodian shows later, are two cards under one id: she was lied to once.
    let between = Tampering::over(&world.vault);
    let false_card = codec::encode(&keyring(BOB).card(Role::Auditor));
    let memory = alice.memory();
    between.changing(move |_, response| {
        if let Response::Answer(Answer::Card(card, _)) = response
            && card.role() == Role::Doctor
        {
            *card = codec::decode(&false_card).unwrap();
        }
    });
    let fooled = Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory, world.tools(65)).unwrap();
    assert!(fooled.vouched(bob.id()).is_err(), "nobody vouches for it");
    between.honest();
    assert_eq!(fooled.vouched(bob.id()).unwrap_err().code(), "tampered-card");
    let found = fooled.directory(Looking::for_doctors()).unwrap().doctors.remove(0);
    assert_eq!(found.pin, Pin::Changed);
    assert!(found.to_string().contains("THE CARD HAS CHANGED"));
    let case = fooled.open_case("rash").unwrap();
    assert!(fooled.assign(&case, bob.id(), Terms::treatment()).is_err());
    let offered = fooled.changed_cards();
    assert_eq!(offered, [(bob.id(), bob.card().digest())]);
    let saved = fooled.save();
    let memory = casevault::session::Memory::open(&saved, &keyring(ALICE)).unwrap();
    let later =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), memory, world.tools(66)).unwrap();
    assert_eq!(later.changed_cards(), offered, "it is remembered");
    let wrong = keyring(66).card(Role::Doctor).fingerprint();
    assert!(matches!(later.pin_anew(bob.id(), &wrong), Err(Error::Misuse(Misuse::Fingerprint))));
    later.pin_anew(bob.id(), &bob.card().fingerprint()).unwrap();
    later.assign(&case, bob.id(), Terms::treatment()).unwrap();
    assert!(later.changed_cards().is_empty());
}
