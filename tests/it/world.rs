//! A small clinic for tests: a vault, a clock that stands, people with seeds.

use std::sync::Arc;

use casevault::{
    access::Policy,
    codec,
    credential::Attestation,
    crypto::{Label, Random, Secret, Signed},
    custodian::{Answer, Custodian, Part, Query, Question, Request, Response, Sender, Submission},
    event::{Event, Principal, SignedEvent, Step, Streamed, Verb},
    folder::{Clearance, EpochOf, FolderKey},
    id::{FolderId, OpId, RecordId},
    party::{CaseKey, Doctor, Keyring, Owner, Patient, Registrar, Role},
    record::{Content, Context, FolderSalt, Kind, Sealing, seal},
    session::{Memory, Session, Tools},
    store::MemoryStore,
    time::{Clock, ManualClock, Timestamp, days},
    vault::{HostDir, Vault},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Who someone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

pub(crate) fn profile(name: &str) -> Profile {
    Profile { name: name.to_owned() }
}

pub(crate) fn keyring(seed: u8) -> Keyring {
    Keyring::from_seed(Secret::from_bytes([seed; 32]))
}

pub(crate) const REGISTRAR: u8 = 1;
pub(crate) const ALICE: u8 = 2;
pub(crate) const BOB: u8 = 3;
pub(crate) const CAROL: u8 = 4;
pub(crate) const DAVE: u8 = 5;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) host: TempDir,
    pub(crate) vault: Vault,
}

impl World {
    pub(crate) fn new() -> Self {
        let registrar = keyring(REGISTRAR).card(Role::Registrar);
        Self::with(Policy::trusting([&registrar]))
    }

    pub(crate) fn with(policy: Policy) -> Self {
        Self::with_seed(policy, 9)
    }

    /// The same world under other randomness of the vault.
    pub(crate) fn with_seed(policy: Policy, seed: u8) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::at_ms(1_790_000_000_000)));
        let store = Arc::new(MemoryStore::new());
        let host = TempDir::new().unwrap();
        let vault = Vault::create_with(
            Arc::clone(&store),
            HostDir::open(host.path()).unwrap(),
            policy,
            Arc::clone(&clock),
            Random::seeded([seed; 32]),
        )
        .unwrap();
        Self { clock, store, host, vault }
    }

    pub(crate) fn tools(&self, seed: u8) -> Tools {
        let generation = self.store_generation();
        let mut bytes = [seed; 32];
        bytes[..8].copy_from_slice(&generation.to_be_bytes());
        Tools::new(Arc::clone(&self.clock), Random::seeded(bytes))
    }

    fn store_generation(&self) -> u64 {
        use casevault::store::Store;
        self.store.generation().unwrap()
    }

    pub(crate) fn trusting(&self) -> Memory {
        Memory::trusting(self.vault.trust().clone())
    }

    pub(crate) fn office(&self) -> Session<'_, Registrar> {
        self.office_over(&self.vault)
    }

    pub(crate) fn office_over<'c>(&self, custodian: &'c dyn Custodian) -> Session<'c, Registrar> {
        Session::<Registrar>::sign_in_with(
            custodian,
            keyring(REGISTRAR),
            self.trusting(),
            self.tools(REGISTRAR),
        )
        .unwrap()
    }

    pub(crate) fn enrol<R: Owner>(&self, seed: u8, name: &str) -> Session<'_, R> {
        self.enrol_over(&self.vault, seed, name)
    }

    pub(crate) fn enrol_over<'c, R: Owner>(
        &self,
        custodian: &'c dyn Custodian,
        seed: u8,
        name: &str,
    ) -> Session<'c, R> {
        Session::<R>::enrol_with(custodian, keyring(seed), &profile(name), self.trusting(), self.tools(seed))
            .unwrap()
    }

    /// An attested patient.
    pub(crate) fn patient(&self, seed: u8, name: &str) -> Session<'_, Patient> {
        let patient = self.enrol::<Patient>(seed, name);
        self.office().attest(patient.id(), Attestation::patient()).unwrap();
        patient
    }

    /// An attested doctor.
    pub(crate) fn doctor(&self, seed: u8, name: &str) -> Session<'_, Doctor> {
        let doctor = self.enrol::<Doctor>(seed, name);
        self.office().attest(doctor.id(), Attestation::doctor("cardiology")).unwrap();
        doctor
    }

    pub(crate) fn in_days(&self, count: u32) -> Timestamp {
        self.clock.now().plus(days(count))
    }
}

/// What a client made by hand can do: the same messages, without a session's care.
impl World {
    pub(crate) fn send(&self, request: &Request) -> Response {
        codec::decode(&self.vault.exchange(&codec::encode(request)).unwrap()).unwrap()
    }

    pub(crate) fn submit(&self, sender: Option<Sender>, parts: Vec<Part>) -> Response {
        self.send(&Request::Submit(Submission { sender, parts }))
    }

    pub(crate) fn ask(&self, seed: u8, question: Question) -> Response {
        let (vault, at) = (self.vault.trust().vault, self.clock.now());
        let query = Query { vault, asker: keyring(seed).party(), question, at, nonce: [1; 16] };
        self.send(&Request::Ask(Signed::sign(&query, keyring(seed).signer())))
    }

    /// The owner as the sender of what is about its own data.
    pub(crate) fn sender(&self, seed: u8) -> Sender {
        let keyring = keyring(seed);
        let token = keyring.derive_own(Label::Sender, &[self.vault.trust().vault.as_bytes()]);
        Sender { owner: keyring.party(), token: *token.expose() }
    }

    /// An event of a principal's own, with this op id.
    pub(crate) fn event(&self, actor: Principal, verb: Verb, op: u8) -> Event {
        let place = (self.vault.trust().vault, OpId::from_bytes([op; 16]));
        Event::new(place, actor, verb, self.clock.now(), [op; 16])
    }

    /// An event of a party in a Case of another's.
    pub(crate) fn event_in(&self, case: FolderId, seed: u8, verb: Verb, op: u8) -> Event {
        let event = self.event(Principal::Party(keyring(seed).party()), verb, op);
        event.with(|step| Step { owner: Principal::Folder(case), folder: Some(case), ..step })
    }

    /// The whole stream of an owner, as the owner reads it.
    pub(crate) fn stream(&self, seed: u8) -> Vec<Streamed> {
        let question = Question::Stream(keyring(seed).party(), 0);
        let Response::Answer(Answer::Stream(page)) = self.ask(seed, question) else { panic!("no stream") };
        page.events
    }

    /// The key of one's own Case, from the event that began it.
    pub(crate) fn case_key(&self, seed: u8, case: FolderId) -> CaseKey {
        let steps = self.stream(seed).into_iter().map(|streamed| streamed.event.claimed_step().unwrap());
        let begun = steps.filter(|step| step.folder == Some(case)).find_map(|step| step.opening).unwrap();
        keyring(seed).derive_case(self.vault.trust().vault, begun.nonce)
    }
}

/// A part that brings nothing but its event, signed by a party.
pub(crate) fn signed(seed: u8, event: &Event) -> Part {
    Part::of(SignedEvent::sign(event, keyring(seed).signer()))
}

pub(crate) fn is_accepted(response: &Response) -> bool {
    matches!(response, Response::Accepted(_))
}

/// A key nobody was granted, which the custodian cannot tell from one that was.
pub(crate) fn made_up_key(place: EpochOf) -> FolderKey {
    FolderKey::generate(place, &mut Random::seeded([5; 32]))
}

/// A record sealed by hand: its id, version and kind, by the act with this op id.
pub(crate) fn sealed(
    (key, salt): (&FolderKey, [u8; 32]),
    (record, version, kind): (RecordId, u32, Kind),
    op: u8,
    text: &str,
) -> Sealing {
    let EpochOf { vault, folder, epoch } = key.place();
    let context = Context { vault, folder, epoch, record, version, kind, clearance: Clearance::Normal };
    let content = Content::from_value(text).unwrap();
    let (salt, op) = (FolderSalt::from_bytes(salt), OpId::from_bytes([op; 16]));
    seal((key, &salt), context, op, &content, &mut Random::seeded([op.as_bytes()[0]; 32])).unwrap()
}
