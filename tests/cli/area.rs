//! A vault with a public area, on disk: patients who shared, and one night of a curator's work.

use std::{path::Path, sync::Arc};

use casevault::{
    access::Policy,
    credential::Attestation,
    crypto::{Random, Secret},
    party::{Curator, Keyring, Patient, Registrar, Role},
    public::{PublicPolicy, Use},
    session::{Memory, Session, Tools},
    store::SledStore,
    time::{Clock as _, ManualClock, SystemClock, days},
    vault::{HostDir, Vault},
};
use serde_json::json;

use crate::stage::gate;

/// What is planted wherever a name can stand.
pub(crate) const PLANTED: [&str; 5] = ["Quillfeather", "Zenobia", "Crooked", "4711", "2015-06"];

/// Problems that people of middle age come with: SNOMED CT concepts of four categories.
const PROBLEMS: [&str; 4] = ["195662009", "444814009", "10509002", "36971009"];

/// Paracetamol, as RxNorm numbers it.
pub(crate) const DRUG: &str = "161";

fn name(seed: u8) -> String {
    format!("Quillfeather{seed}")
}

/// A chart that names its patient wherever a name can stand.
fn chart(seed: u8) -> Vec<u8> {
    let (name, concept) = (name(seed), PROBLEMS[usize::from(seed % 4)]);
    let patient = json!({
        "resourceType": "Patient", "id": "p", "gender": "female",
        "birthDate": format!("19{}-03-0{}", 60 + seed % 10, 1 + seed % 9),
        "name": [{ "family": name, "given": ["Zenobia"] }],
        "address": [{ "use": "home", "country": "US", "state": "MA", "city": name }],
        "identifier": [{ "system": "urn:number", "value": format!("{name}-4711") }],
    });
    let condition = json!({
        "resourceType": "Condition", "id": "c", "subject": { "reference": "Patient/p", "display": name },
        "code": { "text": name, "coding": [{ "system": "http://snomed.info/sct", "code": concept, "display": name }] },
        "clinicalStatus": { "coding": [{ "code": "active" }] },
        "onsetDateTime": "2015-06-01",
        "note": [{ "text": format!("told by {name} of Crooked Lane") }],
    });
    let medication = json!({
        "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "subject": { "reference": "Patient/p", "display": name },
        "medicationCodeableConcept": {
            "text": name, "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": DRUG }],
        },
    });
    let entry: Vec<_> = [patient, condition, medication]
        .into_iter()
        .map(|resource| json!({ "resource": resource }))
        .collect();
    serde_json::to_vec(&json!({ "resourceType": "Bundle", "type": "collection", "entry": entry })).unwrap()
}

fn keyring(seed: u8) -> Keyring {
    Keyring::from_seed(Secret::from_bytes([seed; 32]))
}

/// The vault, whose patients' cases are shared, and public if they are as many as hide one another.
pub(crate) fn area(place: &Path, patients: u8) {
    let _alone = gate();
    let (registrar, curator) = (keyring(1), keyring(2));
    let small = PublicPolicy::shipped_small().unwrap();
    let policy = Policy::trusting([&registrar.card(Role::Registrar)])
        .curated(small.digest(), &curator.card(Role::Curator));
    // All of it is over when the program opens the vault.
    let clock = Arc::new(ManualClock::at(SystemClock.now().minus(days(20))));
    let vault = Vault::create_with(
        SledStore::open(place.join("store")).unwrap(),
        HostDir::open(place.join("host")).unwrap(),
        policy,
        Arc::clone(&clock),
        Random::seeded([9; 32]),
    );
    let vault = vault.unwrap();
    let tools = |seed: u8| Tools::new(Arc::clone(&clock), Random::seeded([seed; 32]));
    let memory = || Memory::trusting(vault.trust());
    let office = Session::<Registrar>::sign_in_with(&vault, registrar, memory(), tools(1)).unwrap();
    let until = clock.now().plus(days(300));
    let curator = Session::<Curator>::enrol_with(&vault, curator, "Curator", memory(), tools(2)).unwrap();
    office.attest(curator.id(), Attestation::curator().until(until)).unwrap();
    for seed in 100..100 + patients {
        let alice = Session::<Patient>::enrol_with(&vault, keyring(seed), &name(seed), memory(), tools(seed))
            .unwrap();
        office.attest(alice.id(), Attestation::patient()).unwrap();
        let case = alice.import(&chart(seed)).unwrap().case;
        let draft = alice.draft(&case, &small).unwrap().unwrap();
        alice.share(&case, &draft.said, [Use::PublicResearch], until).unwrap();
    }
    clock.advance(days(1));
    curator.curate(&[small]).unwrap().epoch(&mut Random::seeded([3; 32])).unwrap();
    drop((office, curator));
    vault.close().unwrap();
}
