//! Trust roots: who is a registrar is in a policy that registrars sign, and nothing else changes it.

use casevault::{
    access::{Charter, CharterStatement, Policy},
    credential::{Attestation, Category, PersonId, Severity},
    custodian::{Enclosure, Errand, Response},
    error::{Error, Misuse},
    event::{Principal, Step, Verb},
    party::{Doctor, Patient, Registrar, Role},
    session::{Session, Waiting},
    store::MemoryStore,
    time::{Clock, days},
    vault::{HostDir, Vault},
};

use crate::{
    custodians::Tampering,
    world::{ALICE, BOB, CAROL, REGISTRAR, World, is_accepted, keyring, signed},
};

const SECOND: u8 = 40;
const THIRD: u8 = 41;
const NEW: u8 = 42;

fn card(seed: u8) -> casevault::party::Card {
    keyring(seed).card(Role::Registrar)
}

fn three() -> World {
    World::with(Policy::trusting(&[REGISTRAR, SECOND, THIRD].map(card)).registrars_needed(2))
}

fn office(world: &World, seed: u8) -> Session<'_, Registrar> {
    Session::<Registrar>::sign_in_with(&world.vault, keyring(seed), world.trusting(), world.tools(seed))
        .unwrap()
}

fn registrars(world: &World) -> Vec<casevault::id::PartyId> {
    world.vault.trust().registrars.iter().map(casevault::party::Card::party).collect()
}

fn reports(office: &Session<'_, Registrar>) -> Vec<Waiting> {
    office.queue(Errand::Report).collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_registrar_comes_by_the_signatures_of_as_many_as_must_and_sessions_follow() {
    let world = three();
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let memory = alice.memory();
    one.propose(world.vault.policy().adding(&card(NEW))).unwrap();
    assert_eq!(registrars(&world).len(), 3, "one signature is not enough");
    let newcomer =
        Session::<Registrar>::sign_in_with(&world.vault, keyring(NEW), world.trusting(), world.tools(9));
    assert!(newcomer.is_err());
    let proposal = other.proposals().unwrap().remove(0);
    assert_eq!(proposal.signers(&world.vault.trust()).len(), 1);
    assert_eq!(proposal.policy().registrars().len(), 4);
    one.countersign(&proposal).unwrap();
    assert_eq!(registrars(&world).len(), 3, "nor is one twice");
    other.countersign(&proposal).unwrap();
    assert_eq!(registrars(&world).len(), 4);
    assert!(other.proposals().unwrap().is_empty());
    // Who pinned the old three follows, by their signatures; and the newcomer works.
    let alice =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), memory, world.tools(50)).unwrap();
    assert_eq!(alice.trust().unwrap(), world.vault.trust());
    let newcomer = office(&world, NEW);
    alice.ask_to_be_vetted().unwrap();
    one.attest(alice.id(), Attestation::patient()).unwrap();
    newcomer.attest(alice.id(), Attestation::patient()).unwrap();
    alice.open_case("vouched for by the newcomer too").unwrap();
}

#[test]
fn a28_a_policy_that_too_few_signed_is_refused_by_the_vault_and_by_every_session() {
    let world = three();
    let between = Tampering::over(&world.vault);
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    let memory = alice.memory();
    let (trust, policy) = (world.vault.trust(), world.vault.policy());
    let statement = |policy: &Policy| CharterStatement {
        vault: trust.vault,
        version: trust.version + 1,
        previous: trust.policy.unwrap(),
        policy: policy.clone(),
    };
    let sign = |seeds: &[u8], policy: &Policy| {
        let mut seeds = seeds.iter();
        let first = keyring(*seeds.next().unwrap());
        let charter = Charter::sign(&statement(policy), (first.party(), first.signer()));
        seeds.fold(charter, |charter, seed| {
            let keyring = keyring(*seed);
            charter.sign_too((keyring.party(), keyring.signer()))
        })
    };
    let grown = policy.clone().adding(&card(66));
    // The platform's own registrar; one of three; one and a stranger; a newcomer who signs for himself.
    for seeds in
        [vec![66], vec![REGISTRAR], vec![REGISTRAR, 77], vec![REGISTRAR, 66], vec![REGISTRAR, REGISTRAR]]
    {
        let charter = sign(&seeds, &grown);
        assert!(charter.follow(&trust).is_none(), "{seeds:?}");
        let claimed = grown.trust(trust.vault, trust.vault_key, trust.version + 1);
        let (grown, charter) = (grown.clone(), charter.clone());
        between.changing(move |_, response| match response {
            Response::Hello(trust, policy) => (*trust, *policy) = (claimed.clone(), grown.clone()),
            Response::Charters(charters, _) => *charters = vec![charter.clone()],
            Response::Accepted(_) | Response::Answer(_) | Response::Refused(_) | _ => (),
        });
        let session =
            Session::<Patient>::sign_in_with(&between, keyring(ALICE), memory.clone(), world.tools(51));
        assert_eq!(session.unwrap_err().code(), "tampered-trust", "{seeds:?}");
    }
    // Two of three are enough; but not for a policy that follows on another, or skips one, or cannot be kept.
    assert!(sign(&[REGISTRAR, SECOND], &grown).follow(&trust).is_some());
    let mut wrong = trust.clone();
    wrong.version += 1;
    assert!(sign(&[REGISTRAR, SECOND], &grown).follow(&wrong).is_none());
    let unkept = [
        policy.clone().registrars_needed(0),
        policy.clone().registrars_needed(4),
        policy.clone().adding(&card(REGISTRAR)),
        policy.clone().adding(&keyring(66).card(Role::Doctor)),
    ];
    for policy in unkept {
        assert!(sign(&[REGISTRAR, SECOND, THIRD], &policy).follow(&trust).is_none());
        assert!(matches!(office(&world, REGISTRAR).propose(policy), Err(Error::Misuse(Misuse::Policy))));
    }
    // By hand, to the vault: a stranger, and a doctor.
    let bob = world.enrol::<Doctor>(BOB, "Bob");
    for (op, seed) in [(1, 66), (2, BOB)] {
        let charter = sign(&[seed], &grown);
        let event = world.event(Principal::Party(keyring(seed).party()), Verb::Govern, op);
        let owner = Principal::Vault(trust.vault);
        let event = event.with(|step| Step { owner, subject: Some(charter.digest()), ..step });
        let part = casevault::custodian::Part {
            enclosure: Some(Enclosure::Charter(charter)),
            ..signed(seed, &event)
        };
        assert!(!is_accepted(&world.submit(None, vec![part.clone()])));
        assert!(!is_accepted(&world.submit(Some(world.sender(BOB)), vec![part])));
    }
    drop(bob);
    assert_eq!(world.vault.trust(), trust);
}

#[test]
fn a_policy_that_is_gone_is_not_brought_back() {
    let world = World::new();
    let between = Tampering::over(&world.vault);
    let office = world.office();
    let old = (world.vault.trust(), world.vault.policy());
    office.propose(world.vault.policy().adding(&card(SECOND)).registrars_needed(2)).unwrap();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    between.changing(move |_, response| match response {
        Response::Hello(trust, policy) => (*trust, *policy) = old.clone(),
        Response::Charters(charters, _) => charters.clear(),
        Response::Accepted(_) | Response::Answer(_) | Response::Refused(_) | _ => (),
    });
    let rolled = Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(52));
    assert_eq!(rolled.unwrap_err().code(), "tampered-trust");
}

#[test]
fn nobody_is_left_out_by_fewer_than_must_sign_and_an_expelled_registrars_word_is_void() {
    let world = three();
    let (one, other, third) = (office(&world, REGISTRAR), office(&world, SECOND), office(&world, THIRD));
    let (alice, bob) = (world.enrol::<Patient>(ALICE, "Alice"), world.enrol::<Doctor>(BOB, "Bob"));
    for office in [&one, &third] {
        office.attest(alice.id(), Attestation::patient()).unwrap();
    }
    for office in [&one, &other] {
        office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    }
    one.propose(world.vault.policy().expelling(third.id())).unwrap();
    assert_eq!(registrars(&world).len(), 3);
    other.countersign(&other.proposals().unwrap()[0]).unwrap();
    assert_eq!(registrars(&world), [one.id(), other.id()]);
    let one = office(&world, REGISTRAR);
    assert!(one.vouched(bob.id()).is_ok());
    assert!(one.vouched(alice.id()).is_err(), "what he attested is void");
    let carol = world.enrol::<Patient>(CAROL, "Carol");
    assert!(third.attest(carol.id(), Attestation::patient()).is_err());
    assert!(third.queue(Errand::Application).next().unwrap().is_err());
}

#[test]
fn a_registrars_keys_are_changed_and_what_he_attested_holds() {
    let world = World::new();
    let office_of_old = world.office();
    let bob = world.doctor(BOB, "Bob");
    let passport = PersonId::new("passport", "77").unwrap();
    let alice = world.enrol::<Patient>(ALICE, "Alice");
    office_of_old.attest(alice.id(), Attestation::patient().person(passport.clone())).unwrap();
    alice.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "before").unwrap();
    world.clock.advance(days(1));
    let at = world.clock.now();
    office_of_old.propose(world.vault.policy().replacing(office_of_old.id(), &card(NEW), at)).unwrap();
    assert_eq!(registrars(&world), [keyring(NEW).party()]);
    let office_of_new = office(&world, NEW);
    assert!(office_of_new.vouched(bob.id()).is_ok(), "what was attested before holds");
    // The new keys read what was written for the old, and know a person again.
    office_of_new.read(&reports(&office_of_new)[0]).unwrap();
    assert_eq!(office_of_new.find_person(&passport, Role::Patient).unwrap(), Some(alice.id()));
    // The old keys do nothing more, and are given nothing more to read.
    let carol = world.enrol::<Patient>(CAROL, "Carol");
    assert!(office_of_old.attest(carol.id(), Attestation::patient()).is_err());
    assert!(
        Session::<Registrar>::sign_in_with(
            &world.vault,
            keyring(REGISTRAR),
            world.trusting(),
            world.tools(53)
        )
        .and_then(|office| office.queue(Errand::Report).next().unwrap().map(drop))
        .is_err()
    );
    let alice =
        Session::<Patient>::sign_in_with(&world.vault, keyring(ALICE), alice.memory(), world.tools(54))
            .unwrap();
    alice.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "after").unwrap();
    let newest = reports(&office_of_new).pop().unwrap();
    office_of_new.read(&newest).unwrap();
    // A backdated word of the old keys counts for nothing after the change: it would have to have been signed before it.
    let late = world.enrol::<Doctor>(90, "Late");
    assert!(office_of_new.vouched(late.id()).is_err());
}

#[test]
fn a_removed_registrar_does_not_get_the_next_key_and_a_false_key_is_not_sealed_for() {
    use casevault::credential::RegistryKey;
    let world = three();
    let (one, other) = (office(&world, REGISTRAR), office(&world, SECOND));
    let (alice, bob) = (world.enrol::<Patient>(ALICE, "Alice"), world.enrol::<Doctor>(BOB, "Bob"));
    for office in [&one, &other] {
        office.attest(alice.id(), Attestation::patient()).unwrap();
        office.attest(bob.id(), Attestation::doctor("cardiology")).unwrap();
    }
    one.propose(world.vault.policy().expelling(keyring(THIRD).party())).unwrap();
    other.countersign(&other.proposals().unwrap()[0]).unwrap();
    // The platform offers keys that it, or the one who was removed, made.
    let between = Tampering::over(&world.vault);
    let alice =
        Session::<Patient>::sign_in_with(&between, keyring(ALICE), alice.memory(), world.tools(55)).unwrap();
    let now = world.clock.now();
    for (maker, registrars) in
        [(66u8, [REGISTRAR, SECOND]), (THIRD, [REGISTRAR, SECOND]), (REGISTRAR, [REGISTRAR, THIRD])]
    {
        let cards = registrars.map(card);
        let keyring = keyring(maker);
        let about = (world.vault.trust().vault, cards.as_slice(), now);
        let mut random = casevault::crypto::Random::seeded([maker; 32]);
        let (_, false_key) =
            RegistryKey::make(None, about, (keyring.party(), keyring.signer()), &mut random).unwrap();
        between.changing(move |_, response| {
            if let Response::Charters(_, registries) = response {
                *registries = vec![false_key.clone()];
            }
        });
        let reported = alice.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "secret");
        assert!(matches!(reported, Err(Error::Misuse(Misuse::NoRegistry))), "{maker}: {reported:?}");
        assert_eq!(between.submitted(), 0);
    }
    between.honest();
    alice.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "secret").unwrap();
    // An older key of theirs, which the one who left has, is not taken again.
    between.changing(|_, response| {
        if let Response::Charters(_, registries) = response {
            registries.truncate(1);
        }
    });
    assert!(alice.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "x").is_err());
}

#[test]
fn policies_and_keys_are_there_after_the_vault_was_closed() {
    let world = World::new();
    let office = world.office();
    let bob = world.doctor(BOB, "Bob");
    office.propose(world.vault.policy().adding(&card(SECOND)).open_cases_max(1)).unwrap();
    let (trust, memory) = (world.vault.trust(), bob.memory());
    drop((office, bob));
    let World { clock, store, host, vault } = world;
    vault.close().unwrap();
    let store: std::sync::Arc<MemoryStore> = store;
    let vault = Vault::open_with(
        std::sync::Arc::clone(&store),
        HostDir::open(host.path()).unwrap(),
        std::sync::Arc::clone(&clock),
        casevault::crypto::Random::seeded([3; 32]),
    )
    .unwrap();
    assert_eq!(vault.trust(), trust);
    let world = World { clock, store, host, vault };
    let bob = Session::<Doctor>::sign_in_with(&world.vault, keyring(BOB), memory, world.tools(57)).unwrap();
    bob.report(Principal::Party(bob.id()), (Category::Other, Severity::Minor), "still sealed").unwrap();
    let second = self::office(&world, SECOND);
    second.read(&reports(&second)[0]).unwrap();
}
