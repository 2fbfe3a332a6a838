//! Witnesses: who saw a checkpoint, who did not, and what nobody is made to believe.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use casevault::{
    access::Policy,
    audit::{self, Fault, Gravity},
    codec,
    crypto::{Random, Secret, Signer},
    log::{
        CosignRequest, KeyName, NoteVerifier, SignedCheckpoint, Witness, WitnessPolicy, WitnessReply,
        WitnessSigner, WitnessState, origin,
    },
    merkle::Head,
    party::{Patient, Role},
    store::MemoryStore,
    time::{ManualClock, Timestamp},
    vault::{Host, HostDir, HostError, ShredTag, Vault, VaultError},
};

use crate::{
    independent::{both, python},
    supervision::export,
    world::{REGISTRAR, World, keyring},
};

/// How long a witness waits to be let go.
const PATIENCE: Duration = Duration::from_secs(30);

const AT: Timestamp = Timestamp::at_ms(1_790_000_000_000);

fn signer(number: u8) -> Signer {
    Signer::from_seed(&Secret::from_bytes([0xd0 + number; 32]))
}

fn name(number: u8) -> KeyName {
    KeyName::parse(&format!("witness.example/w{number}")).unwrap()
}

fn witness(number: u8) -> Witness {
    Witness::new(name(number), signer(number).verifying_key())
}

/// The line of a witness under a checkpoint, whatever else it saw.
fn line_of(number: u8, checkpoint: &SignedCheckpoint, log: &NoteVerifier) -> String {
    let key = signer(number);
    let seen = WitnessSigner::new(name(number), &key).cosign(checkpoint.clone(), log, AT).unwrap();
    format!("{}\n", seen.note().signatures().last().unwrap())
}

type Saying = Box<dyn Fn(&CosignRequest, WitnessReply) -> WitnessReply + Send>;

/// How a witness answers.
#[derive(Default)]
enum Manner {
    Away,
    #[default]
    Honest,
    /// So, given what an honest one would.
    Saying(Saying),
}

/// A witness elsewhere.
#[derive(Default)]
struct Elsewhere {
    /// What it keeps of the log, as text.
    kept: Option<String>,
    manner: Manner,
    /// From which size it was asked, and the status it replied, in order.
    replies: Vec<(u64, u16)>,
}

/// Witnesses that a vault's host can reach, and whether its anchor can be kept.
#[derive(Default)]
struct Outside {
    /// Whose log the witnesses took on.
    log: Mutex<Option<NoteVerifier>>,
    witnesses: [Mutex<Elsewhere>; 5],
    is_failing: AtomicBool,
}

impl Outside {
    fn manner(&self, number: u8, manner: Manner) {
        self.witnesses[usize::from(number)].lock().unwrap().manner = manner;
    }

    fn saying(
        &self,
        number: u8,
        say: impl Fn(&CosignRequest, WitnessReply) -> WitnessReply + Send + 'static,
    ) {
        self.manner(number, Manner::Saying(Box::new(say)));
    }

    /// What a witness was asked since the last time.
    fn replies(&self, number: u8) -> Vec<(u64, u16)> {
        std::mem::take(&mut self.witnesses[usize::from(number)].lock().unwrap().replies)
    }

    /// The head that a witness signed last.
    fn seen(&self, number: u8) -> Head {
        let kept = self.witnesses[usize::from(number)].lock().unwrap().kept.clone();
        kept.map(|kept| WitnessState::parse(&kept).unwrap().head()).unwrap_or_default()
    }

    fn ask(&self, of: &Witness, request: &[u8]) -> Result<WitnessReply, HostError> {
        let number = (0..5).find(|number| name(*number) == *of.name()).unwrap();
        let mut elsewhere = self.witnesses[usize::from(number)].lock().unwrap();
        let Elsewhere { kept, manner, replies } = &mut *elsewhere;
        if matches!(manner, Manner::Away) {
            return Err(io::Error::other("no route").into());
        }
        let log = self.log.lock().unwrap().clone();
        let known = |origin: &KeyName| {
            let log = log.filter(|log| log.name() == origin)?;
            Some(kept.as_ref().map_or(WitnessState::new(log), |kept| WitnessState::parse(kept).unwrap()))
        };
        let key = signer(number);
        let signer = WitnessSigner::new(of.name().clone(), &key);
        let considered = signer.consider(request, known);
        let reply = match considered {
            Ok(pending) => {
                let line = pending.keep(AT, |before, after| {
                    assert!(kept.as_ref().is_none_or(|kept| *kept == before.to_string()));
                    *kept = Some(after.to_string());
                    Ok::<(), HostError>(())
                })?;
                WitnessReply::signed(&line.unwrap())
            }
            Err(refusal) => refusal.reply(),
        };
        let request = CosignRequest::parse(request).unwrap();
        replies.push((request.old(), reply.status));
        Ok(match manner {
            Manner::Saying(say) => say(&request, reply),
            Manner::Away | Manner::Honest => reply,
        })
    }
}

/// A host that can reach witnesses.
struct Reaching {
    inner: HostDir,
    outside: Arc<Outside>,
}

impl Host for Reaching {
    fn root(&self) -> Result<Secret<32>, HostError> {
        self.inner.root()
    }

    fn anchor(&self) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.anchor()
    }

    fn keep_anchor(&self, anchor: &[u8]) -> Result<(), HostError> {
        if self.outside.is_failing.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected").into());
        }
        self.inner.keep_anchor(anchor)
    }

    fn shred_key(&self, tag: ShredTag) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.shred_key(tag)
    }

    fn keep_shred_key(&self, tag: ShredTag, wrapped: &[u8]) -> Result<(), HostError> {
        self.inner.keep_shred_key(tag, wrapped)
    }

    fn ask_witness(&self, witness: &Witness, request: &[u8]) -> Result<Option<WitnessReply>, HostError> {
        self.outside.ask(witness, request).map(Some)
    }
}

fn policy(needed: usize, of: &[u8]) -> Policy {
    let witnesses = WitnessPolicy::new(of.iter().copied().map(witness).collect(), needed).unwrap();
    Policy::trusting([&keyring(REGISTRAR).card(Role::Registrar)]).witnessed_by(witnesses)
}

/// A world whose vault asks witnesses.
fn witnessed(policy: Policy) -> (World, Arc<Outside>) {
    let clock = Arc::new(ManualClock::at(AT));
    let (store, host) = (Arc::new(MemoryStore::new()), tempfile::tempdir().unwrap());
    let outside = Arc::new(Outside::default());
    let reaching = Reaching { inner: HostDir::open(host.path()).unwrap(), outside: Arc::clone(&outside) };
    let random = Random::seeded([9; 32]);
    let vault = Vault::create_with(Arc::clone(&store), reaching, policy, Arc::clone(&clock), random).unwrap();
    let world = World { clock, store, host, vault };
    *outside.log.lock().unwrap() = Some(log_of(&world));
    (world, outside)
}

/// The same vault, opened again.
fn reopened(world: World, outside: &Arc<Outside>) -> World {
    let World { clock, store, host, vault } = world;
    vault.close().unwrap();
    let reaching = Reaching { inner: HostDir::open(host.path()).unwrap(), outside: Arc::clone(outside) };
    let vault =
        Vault::open_with(Arc::clone(&store), reaching, Arc::clone(&clock), Random::seeded([10; 32])).unwrap();
    World { clock, store, host, vault }
}

fn log_of(world: &World) -> NoteVerifier {
    let trust = world.vault.trust();
    NoteVerifier::new(origin(trust.vault).unwrap(), trust.vault_key)
}

/// One more in the clinic, and a checkpoint.
fn checkpoint(world: &World, seed: u8) -> SignedCheckpoint {
    world.enrol::<Patient>(seed, "one more");
    SignedCheckpoint::parse(world.vault.checkpoint().unwrap().as_bytes()).unwrap()
}

/// Whose lines stand under a note, the log's first.
fn signed_by(checkpoint: &SignedCheckpoint) -> Vec<String> {
    checkpoint.note().signatures().iter().map(|line| line.name().as_str().to_owned()).collect()
}

/// Who saw the newest checkpoint, and whether they are enough, by a session and by both audits.
fn check(test: &str, world: &World, seen: &[u8], is_enough: bool) {
    let newest = world.office().checkpoint().unwrap().unwrap();
    let names: Vec<KeyName> = newest.witnesses.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, seen.iter().copied().map(name).collect::<Vec<_>>());
    assert_eq!(newest.is_witnessed, is_enough);
    assert!(newest.witnesses.iter().all(|(_, at)| *at == AT));
    let directory = export(world);
    let report = audit::verify(directory.path(), None).unwrap();
    let faults: Vec<Fault> = report.findings.iter().map(|found| found.fault).collect();
    assert_eq!(faults, if is_enough { vec![] } else { vec![Fault::Unwitnessed] });
    assert_eq!(Fault::Unwitnessed.gravity(), Gravity::Missing);
    if let Some(python) = python(test) {
        both(&python, directory.path(), Some(&newest.note));
    }
}

#[test]
fn a_checkpoint_is_seen_by_as_many_as_the_policy_asks_for_or_it_is_said() {
    const TEST: &str = "a_checkpoint_is_seen_by_as_many_as_the_policy_asks_for_or_it_is_said";
    let (world, outside) = witnessed(policy(2, &[1, 2, 3]));
    checkpoint(&world, 60);
    check(TEST, &world, &[1, 2, 3], true);
    outside.manner(1, Manner::Away);
    checkpoint(&world, 61);
    check(TEST, &world, &[2, 3], true);
    outside.manner(3, Manner::Away);
    checkpoint(&world, 62);
    check(TEST, &world, &[2], false);
    // Back again: asked for the same checkpoint, and only who has not signed it.
    outside.replies(2);
    outside.manner(3, Manner::Honest);
    world.vault.checkpoint().unwrap();
    check(TEST, &world, &[2, 3], true);
    assert_eq!(outside.replies(2), []);
    // What is proven to a patient bears their lines, for whoever is shown it.
    let alice = world.patient(90, "Alice");
    world.vault.checkpoint().unwrap();
    let proven = alice.prove_history(None).unwrap();
    assert!(proven.checkpoint.is_witnessed && proven.checkpoint.witnesses.len() == 2);
    let witnesses = world.vault.policy().witnesses().clone();
    let me = (world.vault.trust().vault, casevault::event::Principal::Party(alice.id()));
    casevault::log::verify_history(&proven.text, (&log_of(&world), &witnesses), me).unwrap();
    // And one that is got elsewhere says who saw it.
    let bare: String = proven.checkpoint.note.lines().take(5).map(|line| format!("{line}\n")).collect();
    let compared = alice.compare_checkpoint(&bare).unwrap();
    assert_eq!((compared.witnesses.len(), compared.is_witnessed), (0, false));
    assert!(alice.compare_checkpoint(&proven.checkpoint.note).unwrap().is_witnessed);
}

#[test]
fn nobody_is_asked_whom_the_policy_does_not_name_and_who_comes_in_is_asked_at_once() {
    let (world, outside) = witnessed(policy(0, &[]));
    let directory = tempfile::tempdir().unwrap();
    let alone = checkpoint(&world, 60);
    assert_eq!(signed_by(&alone).len(), 1);
    assert!(world.office().checkpoint().unwrap().unwrap().is_witnessed, "as many as nobody asks for");
    assert!((0..5).all(|number| outside.replies(number).is_empty()));
    let office = world.office();
    office.propose(world.vault.policy().witnessed_by(policy(1, &[4]).witnesses().clone())).unwrap();
    // An export makes a checkpoint, and that is asked for, too.
    world.vault.export_audit(directory.path()).unwrap();
    assert_eq!(outside.replies(4), [(0, 200)]);
    assert_eq!(audit::verify(directory.path(), None).unwrap().findings, []);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: a row for each answer")]
fn what_a_witness_answers_is_kept_only_if_it_is_its_own_line_for_this_checkpoint() {
    type Say = fn(&NoteVerifier, &CosignRequest, WitnessReply) -> WitnessReply;
    const CASES: [(&str, Say, bool); 13] = [
        ("garbage", |_, _, _| WitnessReply { status: 200, body: vec![0xff; 300] }, false),
        ("nothing", |_, _, _| WitnessReply { status: 200, body: Vec::new() }, false),
        ("an empty line", |_, _, _| WitnessReply::signed("\n"), false),
        ("another's", |log, asked, _| WitnessReply::signed(&line_of(3, asked.checkpoint(), log)), false),
        (
            "its own, for another checkpoint",
            |_, asked, _| {
                let other = Head { size: asked.checkpoint().claims().head.size, root: Head::default().root };
                let key = signer(7);
                let log = casevault::log::NoteSigner::new(name(4), &key);
                let other = SignedCheckpoint::sign(other, &log).unwrap();
                WitnessReply::signed(&line_of(1, &other, &log.verifier()))
            },
            false,
        ),
        ("its own, twice", |_, _, honest| WitnessReply { body: honest.body.repeat(2), ..honest }, false),
        (
            "its own, cut",
            |_, _, honest| WitnessReply { body: honest.body[..honest.body.len() - 1].to_vec(), ..honest },
            false,
        ),
        (
            "its own, and more than a note holds",
            |log, asked, honest| {
                let more = line_of(3, asked.checkpoint(), log).repeat(64);
                WitnessReply { body: [honest.body, more.into_bytes()].concat(), ..honest }
            },
            false,
        ),
        (
            "its own, and no end of it",
            |_, _, honest| WitnessReply { body: [honest.body, vec![b'x'; 1 << 20]].concat(), ..honest },
            false,
        ),
        ("its own, with another status", |_, _, honest| WitnessReply { status: 202, ..honest }, false),
        (
            "a size that no log of this has",
            |_, _, _| WitnessReply { status: 409, body: b"18446744073709551615\n".to_vec() },
            false,
        ),
        (
            "the same size again",
            |_, asked, _| WitnessReply { status: 409, body: format!("{}\n", asked.old()).into_bytes() },
            false,
        ),
        (
            "its own, among others that are not",
            |log, asked, honest| {
                // The log's own line in another's making, and another witness's that does not verify.
                let own = asked.checkpoint().note().signatures()[0].to_string();
                let forged = own.replacen(own.get(own.len() - 20..own.len() - 10).unwrap(), "AAAAAAAAAA", 1);
                let wrong = line_of(3, asked.checkpoint(), log).replacen("= ", " ", 1);
                let lines = format!("{forged}\n{wrong}{}", String::from_utf8(honest.body).unwrap());
                WitnessReply { status: 200, body: lines.into_bytes() }
            },
            true,
        ),
    ];
    for (what, say, is_kept) in CASES {
        let (world, outside) = witnessed(policy(1, &[1, 3]));
        let log = log_of(&world);
        outside.saying(1, move |asked, honest| say(&log, asked, honest));
        outside.manner(3, Manner::Away);
        let shown = checkpoint(&world, 60);
        shown.verify(&log_of(&world)).unwrap();
        assert_eq!(shown.note().signatures().len(), 1 + usize::from(is_kept), "{what}");
        assert_eq!(witness(1).verify(&shown).is_ok(), is_kept, "{what}");
        // No place was taken from the other.
        outside.manner(3, Manner::Honest);
        let shown = world.vault.checkpoint().unwrap();
        let shown = SignedCheckpoint::parse(shown.as_bytes()).unwrap();
        shown.verify(&log_of(&world)).unwrap();
        witness(3).verify(&shown).unwrap();
    }
}

#[test]
fn a5_a_witness_does_not_sign_a_log_that_branched_off_and_says_what_it_saw() {
    // So many epochs the other branch has: fewer than the witness saw, as many, more.
    for (epochs, expected) in
        [(1u8, &[(1, 409)][..]), (2, &[(1, 409), (3, 409)][..]), (3, &[(1, 409), (3, 422)][..])]
    {
        let (world, outside) = witnessed(policy(1, &[1]));
        checkpoint(&world, 60);
        let old = world.store.snapshot();
        checkpoint(&world, 61);
        checkpoint(&world, 62);
        let seen = outside.seen(1);
        assert_eq!(seen.size, 3);
        let World { clock, store, host, vault } = world;
        drop(vault);
        store.restore(&old);
        let reaching =
            || Reaching { inner: HostDir::open(host.path()).unwrap(), outside: Arc::clone(&outside) };
        drop(Vault::accept_restore(Arc::clone(&store), reaching()).unwrap());
        let random = Random::seeded([11; 32]);
        let vault = Vault::open_with(Arc::clone(&store), reaching(), Arc::clone(&clock), random).unwrap();
        let world = World { clock, store, host, vault };
        for epoch in 0..epochs - 1 {
            outside.manner(1, Manner::Away);
            checkpoint(&world, 70 + epoch);
        }
        outside.manner(1, Manner::Honest);
        outside.replies(1);
        let shown = checkpoint(&world, 80);
        assert_eq!(signed_by(&shown).len(), 1, "{epochs} epochs");
        assert_eq!(outside.replies(1), expected, "{epochs} epochs");
        assert_eq!(outside.seen(1), seen, "it keeps what it saw");
    }
}

#[test]
fn a_witness_that_was_away_catches_up_with_one_proof() {
    let (world, outside) = witnessed(policy(1, &[1, 2]));
    for seed in 60..65 {
        checkpoint(&world, seed);
    }
    outside.manner(1, Manner::Away);
    for seed in 65..68 {
        assert_eq!(signed_by(&checkpoint(&world, seed)).len(), 2);
    }
    outside.manner(1, Manner::Honest);
    outside.replies(1);
    let shown = checkpoint(&world, 68);
    assert_eq!(outside.replies(1), [(5, 200)]);
    witness(1).verify(&shown).unwrap();
    // A vault that was opened again knows from its store who saw what; of who was away, the witness says it.
    outside.manner(1, Manner::Away);
    checkpoint(&world, 69);
    let world = reopened(world, &outside);
    outside.manner(1, Manner::Honest);
    outside.replies(1);
    outside.replies(2);
    checkpoint(&world, 70);
    assert_eq!(outside.replies(1), [(0, 409), (9, 200)]);
    assert_eq!(outside.replies(2), [(10, 200)]);
}

#[test]
fn nobody_waits_for_a_witness() {
    let (world, outside) = witnessed(policy(1, &[1]));
    let ((asked, is_asked), (go, goes)) = (mpsc::channel(), mpsc::channel::<()>());
    let goes = Mutex::new(goes);
    let is_waited_for = Arc::new(AtomicBool::new(false));
    let is_tired = Arc::clone(&is_waited_for);
    outside.saying(1, move |_, honest| {
        asked.send(()).unwrap();
        // If who is to let it go waits for it, it gives up, and the test fails.
        let is_patient = !is_tired.load(Ordering::SeqCst);
        if is_patient && goes.lock().unwrap().recv_timeout(PATIENCE).is_err() {
            is_tired.store(true, Ordering::SeqCst);
        }
        honest
    });
    world.enrol::<Patient>(60, "one more");
    std::thread::scope(|threads| {
        // Let go if this fails.
        let go = go;
        let asking = threads.spawn(|| world.vault.checkpoint().unwrap());
        is_asked.recv().unwrap();
        // Who writes, who reads, who makes the next checkpoint, here or in another process.
        let shown = world.office().checkpoint().unwrap().unwrap();
        assert!(!shown.is_witnessed);
        checkpoint(&world, 61);
        world.clock.advance(Duration::from_secs(60));
        world.vault.checkpoint_if_due().unwrap();
        let host = HostDir::open(world.host.path()).unwrap();
        let other = Vault::open_with(
            Arc::clone(&world.store),
            host,
            Arc::clone(&world.clock),
            Random::seeded([3; 32]),
        )
        .unwrap();
        world.enrol::<Patient>(62, "one more");
        other.checkpoint().unwrap();
        assert!(!is_waited_for.load(Ordering::SeqCst), "somebody waited for a witness");
        go.send(()).unwrap();
        // It signed one that is no longer the newest: its line is not put under another.
        let newest = asking.join().unwrap();
        let newest = SignedCheckpoint::parse(newest.as_bytes()).unwrap();
        assert_eq!((newest.claims().head.size, signed_by(&newest).len()), (3, 1));
    });
    outside.manner(1, Manner::Honest);
    world.vault.checkpoint_if_due().unwrap();
    assert!(world.office().checkpoint().unwrap().unwrap().is_witnessed);
}

#[test]
fn who_has_not_signed_is_asked_again_once_a_minute() {
    let (world, outside) = witnessed(policy(1, &[1]));
    outside.saying(1, |_, _| WitnessReply { status: 503, body: Vec::new() });
    let office = world.office();
    checkpoint(&world, 60);
    let asked = || outside.replies(1).len();
    assert_eq!(asked(), 1);
    for (seconds, expected) in [(0, 0), (59, 0), (1, 1), (0, 0), (60, 1)] {
        world.clock.advance(Duration::from_secs(seconds));
        world.vault.checkpoint_if_due().unwrap();
        assert_eq!(asked(), expected);
    }
    outside.manner(1, Manner::Honest);
    world.clock.advance(Duration::from_secs(60));
    world.vault.checkpoint_if_due().unwrap();
    assert!(office.checkpoint().unwrap().unwrap().is_witnessed);
    outside.replies(1);
    world.clock.advance(Duration::from_secs(600));
    world.vault.checkpoint_if_due().unwrap();
    assert_eq!(asked(), 0, "it has signed");
}

#[test]
fn no_checkpoint_is_shown_before_it_is_anchored() {
    let (world, outside) = witnessed(policy(1, &[1]));
    let office = world.office();
    let first = checkpoint(&world, 60);
    outside.replies(1);
    world.enrol::<Patient>(61, "one more");
    outside.is_failing.store(true, Ordering::SeqCst);
    assert!(matches!(world.vault.checkpoint(), Err(VaultError::Host(_))));
    // It is stored; and neither a party nor a witness nor an auditor is shown it.
    assert_eq!(office.checkpoint().unwrap_err().code(), "store");
    assert!(world.vault.export_audit(tempfile::tempdir().unwrap().path()).is_err());
    assert_eq!(outside.replies(1), []);
    outside.is_failing.store(false, Ordering::SeqCst);
    let shown = office.checkpoint().unwrap().unwrap();
    assert_eq!(shown.head.size, first.claims().head.size + 1);
    let kept = std::fs::read(world.host.path().join("anchor")).unwrap();
    let trust = world.vault.trust();
    let anchor = casevault::vault::Anchor::read(&kept, trust.vault, &trust.vault_key).unwrap();
    assert_eq!(anchor.log, Some(shown.head));
}

#[test]
fn a_policy_names_each_witness_once_and_asks_for_no_more_than_there_are() {
    let sound = policy(2, &[1, 2]);
    let bytes = codec::encode(&sound);
    assert_eq!(codec::decode::<Policy>(&bytes).unwrap(), sound);
    // The last byte says how many must sign.
    for (needed, expected) in [(0, true), (1, true), (2, true), (3, false)] {
        let mut bytes = bytes.clone();
        *bytes.last_mut().unwrap() = needed;
        assert_eq!(codec::decode::<Policy>(&bytes).is_ok(), expected, "{needed}");
    }
    let twice = |from: &Witness, to: &Witness| {
        let (from, to) = (from.to_string(), to.to_string());
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        codec::decode::<Policy>(&bytes)
    };
    assert!(twice(&witness(2), &witness(3)).is_ok());
    assert!(twice(&witness(2), &witness(1)).is_err(), "one under two names");
    assert!(twice(&witness(2), &Witness::new(name(3), signer(1).verifying_key())).is_err(), "one key");
    // One that names nobody is written as if nothing was said.
    assert_eq!(codec::encode(&policy(0, &[])).len(), bytes.len() - 2 * 74 - 6);
}
