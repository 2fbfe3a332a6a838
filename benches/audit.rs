//! An audit of many events, beside the signatures and hashes that it cannot do without.
//!
//! `cargo bench --bench audit -- 1000000`. An export of so many events is made in a temporary directory, by signing them all:
//! patients with a case each, doctors who are assigned to them, open, write, and see who the patient is. Then it is verified
//! whole; and, grown by new events of every hundredth patient, from the state that was kept; and the first export's report is made,
//! and its events and grants written in each format. Each runs in a process of its own, whose peak memory is told. The limit is as many SHA-256 digests and strictly verified Ed25519 signatures of messages
//! like these, on two threads.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::{
    env, fs,
    io::{BufWriter, Write as _},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use base64ct::{Base64, Encoding as _};
use casevault::{
    access::Policy,
    audit::{Basis, State, verify_from},
    codec,
    consent::{GrantStatement, Terms},
    credential::AttestationStatement,
    crypto::{Random, Secret, Signed, Signer},
    event::{Event, FolderOpening, Moment, Principal, SignedEvent, Step, StreamEntry, Verb},
    folder::{Commitments, Epoch, EpochOf, FolderKey, FolderKind, owned_folder},
    id::{Digest, FolderId, GrantId, OpId, VaultId},
    log::{
        HeadLeaf, LogEpoch, NoteSigner, OwnerHead, SignedCheckpoint, Tile, bucket_of, bucket_root, bundle,
        depth_for, map_root, origin,
    },
    merkle::{self, Frontier, Head},
    party::{Card, CaseKey, Keyring, Role},
    report::{Format, Language, write_events, write_report},
    time::{Timestamp, days},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const HELP: &str = "\
audit: an export verified whole, and from a state, beside the limit of its hashes and signatures

  NUMBER       how many events (without it: 10000)";

/// What the limit's messages are as long as: an event's step behind its label and its moment's digest.
const MESSAGE_BYTES: usize = 330;
/// One doctor for so many patients.
const PATIENTS_A_DOCTOR: u64 = 50;
/// How many visits a case has: an opening and a note by the doctor, two notes and an opening by the owner.
const VISITS: u64 = 8;
/// Events of a patient with one case of so many visits.
const EVENTS_A_PATIENT: u64 = 9 + 5 * VISITS;
/// One patient of so many has new events in the grown export.
const GROWN: u64 = 100;
const REGISTRAR: u64 = u64::MAX;
const BEGAN: u64 = 1_790_000_000_000;

fn main() -> Outcome<()> {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--help" | "-h"] => println!("{HELP}"),
        ["report", directory, state, out] => report(Path::new(directory), Path::new(state), Path::new(out))?,
        ["verify", directory, state] => verify(Path::new(directory), Path::new(state))?,
        [] => measure(10_000)?,
        [number] => measure(number.parse().map_err(|_unsaid| format!("not a number: {number}\n\n{HELP}"))?)?,
        _ => return Err(HELP.into()),
    }
    Ok(())
}

fn measure(events: u64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let (first, grown) = (directory.path().join("first"), directory.path().join("grown"));
    let state = directory.path().join("state");
    let patients = (events / EVENTS_A_PATIENT).max(1);
    let begun = Instant::now();
    let world = World::new(patients)?;
    let heads = world.export(&first, &[], false)?;
    world.export(&grown, &[heads], true)?;
    eprintln!("made in {:.1} s", begun.elapsed().as_secs_f64());
    println!(
        "| audit | events | time, s | a second | µs an event | of the limit | peak memory, MiB | state, KiB |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, export) in [("whole", &first), ("grown, from the state", &grown)] {
        // Half before and half after: what else the machine does then meets both.
        let half = limit(events / 2)?;
        let run = Command::new(env::current_exe()?).arg("verify").args([export, &state]).output()?;
        if !run.status.success() {
            return Err(String::from_utf8_lossy(&run.stderr).into());
        }
        let said: Value = serde_json::from_slice(&run.stdout)?;
        let number = |name: &str| said.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (count, time) = (number("events"), number("seconds"));
        let limit = (half + limit(events / 2)?) * count / (events / 2 * 2) as f64;
        println!(
            "| {name} | {count} | {time:.2} | {:.0} | {:.1} | {:.2} | {:.0} | {:.0} |",
            count / time,
            time * 1e6 / count,
            limit / time,
            number("peak_kib") / 1024.0,
            fs::metadata(&state)?.len() as f64 / 1024.0,
        );
        if name == "whole" {
            fs::copy(&state, directory.path().join("before"))?;
        }
    }
    let (before, out) = (directory.path().join("before"), directory.path().join("report"));
    fs::create_dir(&out)?;
    let run = Command::new(env::current_exe()?).arg("report").args([&first, &before, &out]).output()?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    print!("\n{}", String::from_utf8_lossy(&run.stdout));
    Ok(())
}

/// The report of an export, and its events in each format, beyond the verification, which goes on from its own state.
fn report(directory: &Path, state: &Path, out: &Path) -> Outcome<()> {
    let state = State::from_bytes(&fs::read(state)?)?;
    let (audit, _) = verify_from(directory, &Basis { state: Some(&state), ..Basis::default() })?;
    println!("| beyond the verification | time, s | MiB |\n| --- | ---: | ---: |");
    let at = Timestamp::at_ms(BEGAN).plus(days(7));
    for (name, file, language) in
        [("report, English", "en.html", Language::English), ("report, Chinese", "zh.html", Language::Chinese)]
    {
        let begun = Instant::now();
        let mut page = BufWriter::new(fs::File::create(out.join(file))?);
        write_report(directory, &audit, (language, at), &mut page)?;
        told(name, begun, fs::metadata(out.join(file))?.len());
    }
    // To nowhere: what the disk takes is not the formats' doing.
    for (name, format) in [("CSV", Format::Csv), ("NDJSON", Format::Ndjson), ("FHIR", Format::Fhir)] {
        let (begun, bytes) = (Instant::now(), AtomicU64::new(0));
        write_events(directory, format, at, |_file| Ok(Nowhere(&bytes)))?;
        told(name, begun, bytes.into_inner());
    }
    println!("\npeak memory of all: {:.0} MiB", peak_kib() / 1024.0);
    Ok(())
}

fn told(name: &str, begun: Instant, bytes: u64) {
    println!("| {name} | {:.2} | {:.1} |", begun.elapsed().as_secs_f64(), bytes as f64 / 1024.0 / 1024.0);
}

/// Counts what is written, and keeps nothing.
struct Nowhere<'b>(&'b AtomicU64);

impl std::io::Write for Nowhere<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The most memory this process had.
fn peak_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
    peak.and_then(|peak| peak.parse().ok()).unwrap_or(f64::NAN)
}

/// One audit, in this process, from a state if there is one; what is to be kept is kept.
fn verify(directory: &Path, file: &Path) -> Outcome<()> {
    let state = if file.exists() { Some(State::from_bytes(&fs::read(file)?)?) } else { None };
    let begun = Instant::now();
    let (report, next) = verify_from(directory, &Basis { state: state.as_ref(), ..Basis::default() })?;
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(finding) = report.findings.first() {
        return Err(format!("{} findings, the first: {finding}", report.findings.len()).into());
    }
    fs::write(file, next.ok_or("no state")?.to_bytes())?;
    println!("{}", json!({ "events": report.events, "seconds": seconds, "peak_kib": peak_kib() }));
    Ok(())
}

/// How long as many digests and strictly verified signatures take on two threads, in seconds.
fn limit(count: u64) -> Outcome<f64> {
    use ed25519_dalek::{Signer as _, SigningKey};
    let signed: Vec<_> = (0..1024u64)
        .map(|number| {
            let key = SigningKey::from_bytes(&Sha256::digest(number.to_be_bytes()).into());
            let message: Vec<u8> = Sha256::digest((number + 1024).to_be_bytes())
                .iter()
                .copied()
                .cycle()
                .take(MESSAGE_BYTES)
                .collect();
            let signature = key.sign(&message);
            (key.verifying_key(), message, signature)
        })
        .collect();
    let begun = Instant::now();
    let half = |share: u64| -> Outcome<()> {
        for (key, message, signature) in signed.iter().cycle().take(usize::try_from(share)?) {
            std::hint::black_box(Sha256::digest(message));
            key.verify_strict(message, signature)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| half(count / 2));
        half(count - count / 2)?;
        other.join().map_err(|_panicked| "a thread panicked")?
    })?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A stream's lines, its head, and its owner's card.
type Stream = (String, Head, Option<Card>);

/// Who there is: what all streams are made of, again and again the same.
struct World {
    vault: VaultId,
    signer: Signer,
    policy: Policy,
    registrar: Keyring,
    doctors: Vec<Card>,
    /// Everybody with a stream, in the order of the heads map.
    owners: Vec<(Principal, u64)>,
    patients: u64,
    commitments: Commitments,
}

/// A stream while it is made: its lines and its head.
struct Made<'w> {
    world: &'w World,
    owner: Principal,
    me: Arc<Keyring>,
    lines: String,
    frontier: Frontier,
    now: u64,
}

impl World {
    fn new(patients: u64) -> Outcome<Self> {
        let vault = VaultId::from_bytes([7; 16]);
        let doctors = patients.div_ceil(PATIENTS_A_DOCTOR);
        let registrar = keyring(REGISTRAR);
        let place = EpochOf { vault, folder: FolderId::from_bytes([1; 32]), epoch: Epoch::from_number(1) };
        let commitments = FolderKey::generate(place, &mut Random::seeded([1; 32])).commitments();
        let mut owners: Vec<_> = (0..patients + doctors)
            .map(|number| (Principal::Party(keyring(number).party()), number))
            .chain([(Principal::Vault(vault), REGISTRAR)])
            .collect();
        owners.sort_by_key(|(owner, _)| OwnerHead::key(vault, *owner));
        Ok(Self {
            vault,
            signer: Signer::from_seed(&Secret::from_bytes([77; 32])),
            policy: Policy::trusting([&registrar.card(Role::Registrar)]),
            registrar,
            doctors: (patients..patients + doctors)
                .map(|number| keyring(number).card(Role::Doctor))
                .collect(),
            owners,
            patients,
            commitments: commitments.map_err(|_none| "no commitments")?,
        })
    }

    /// Writes an export, whose log begins with these epochs; the epoch it ends with.
    fn export(&self, directory: &Path, before: &[LogEpoch], is_grown: bool) -> Outcome<LogEpoch> {
        fs::create_dir_all(directory)?;
        let mut events = BufWriter::new(fs::File::create(directory.join("events.ndjson"))?);
        let mut parties = BufWriter::new(fs::File::create(directory.join("parties.ndjson"))?);
        let mut heads = Vec::new();
        for some in self.owners.chunks(256) {
            let (one, other) = some.split_at(some.len() / 2);
            let make = |owners: &[(Principal, u64)]| -> Outcome<Vec<Stream>> {
                owners.iter().map(|(owner, number)| self.stream(*owner, *number, is_grown)).collect()
            };
            let made = thread::scope(|scope| {
                let one = scope.spawn(|| make(one));
                let other = make(other);
                one.join().map(|one| (one, other)).map_err(|_panicked| "a thread panicked")
            })?;
            for ((owner, _), (lines, head, card)) in some.iter().zip(made.0?.into_iter().chain(made.1?)) {
                events.write_all(lines.as_bytes())?;
                heads.push(OwnerHead { owner: *owner, head });
                let (stream, root) = (name(*owner), head.root.to_hex());
                let said = match card.map(|card| base64(&codec::encode(&card))) {
                    Some(card) => json!({ "stream": stream, "size": head.size, "root": root, "card": card }),
                    None => json!({ "stream": stream, "size": head.size, "root": root }),
                };
                writeln!(parties, "{said}")?;
            }
        }
        self.write_log(directory, before, &heads)
    }

    /// The log, its checkpoint, and whose key it is under.
    fn write_log(&self, directory: &Path, before: &[LogEpoch], heads: &[OwnerHead]) -> Outcome<LogEpoch> {
        let depth = depth_for(heads.len() as u64);
        let leaves: Vec<_> = heads.iter().map(|head| head.leaf(self.vault)).collect();
        // They come in the order of their keys.
        let mut buckets = leaves
            .chunk_by(|one, other| bucket_of(&one.key, depth) == bucket_of(&other.key, depth))
            .peekable();
        let mut root = |number| {
            let of = |leaves: &&[HeadLeaf]| {
                leaves.first().is_some_and(|leaf| bucket_of(&leaf.key, depth) == number)
            };
            bucket_root(buckets.next_if(of).unwrap_or_default())
        };
        let roots: Vec<Digest> = (0..1u32 << depth).map(&mut root).collect();
        let epoch = LogEpoch {
            vault: self.vault,
            number: before.len() as u64,
            at: Timestamp::at_ms(BEGAN).plus(days(6)),
            depth,
            map: map_root(&roots),
            owners: heads.len() as u64,
            events: heads.iter().map(|head| head.head.size).sum(),
            generation: 0,
        };
        let epochs: Vec<LogEpoch> = before.iter().copied().chain([epoch]).collect();
        let hashes: Vec<Digest> = epochs.iter().map(LogEpoch::hash).collect();
        let entries: Vec<Vec<u8>> = epochs.iter().map(codec::encode).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let note = NoteSigner::new(origin(self.vault)?, &self.signer);
        let checkpoint = SignedCheckpoint::sign(merkle::root(&hashes), &note)?.to_string();
        for tile in Tile::of(hashes.len() as u64) {
            put(directory, &tile.path(), &tile.of_leaves(&hashes).ok_or("no tile")?)?;
            if let Some(path) = tile.entries_path() {
                put(directory, &path, &bundle(&entries).ok_or("no bundle")?)?;
            }
        }
        put(directory, "checkpoint", checkpoint.as_bytes())?;
        let policy = json!({
            "vault": self.vault.to_hex(),
            "vault_key": base64(self.signer.verifying_key().as_bytes()),
            "first": base64(&codec::encode(&self.policy)),
            "charters": [],
        });
        put(directory, "policy.json", policy.to_string().as_bytes())?;
        Ok(epoch)
    }

    /// The doctor of a patient.
    fn doctor_of(&self, patient: u64) -> Outcome<(&Card, Keyring)> {
        let number = patient / PATIENTS_A_DOCTOR;
        let card = self.doctors.get(usize::try_from(number)?).ok_or("no doctor")?;
        Ok((card, keyring(self.patients + number)))
    }

    /// The stream of an owner: its lines, its head, the owner's card.
    fn stream(&self, owner: Principal, number: u64, is_grown: bool) -> Outcome<Stream> {
        let me = Arc::new(keyring(number));
        let mut made =
            Made { world: self, owner, me, lines: String::new(), frontier: Frontier::new(), now: BEGAN };
        if number == REGISTRAR {
            let first = Some(self.policy.digest());
            made.act((owner, &self.signer), Verb::Create, &[], |step| Step { subject: first, ..step })?;
            return Ok((made.lines, made.frontier.head(), None));
        }
        let role = if number < self.patients { Role::Patient } else { Role::Doctor };
        let card = made.me.card(role);
        made.enrol(&card)?;
        if role == Role::Patient {
            let (doctor, his) = self.doctor_of(number)?;
            made.case(&card, (doctor, &his), VISITS + u64::from(is_grown && number.is_multiple_of(GROWN)))?;
        }
        Ok((made.lines, made.frontier.head(), Some(card)))
    }
}

impl Made<'_> {
    /// The next event: who acts, with which key, what, and what it brings.
    fn act(
        &mut self,
        (actor, signer): (Principal, &Signer),
        verb: Verb,
        brings: &[Value],
        change: impl FnOnce(Step) -> Step,
    ) -> Outcome<()> {
        let Self { world, owner, .. } = self;
        let seq = self.frontier.size();
        self.now += 60_000;
        let received = Timestamp::at_ms(self.now);
        let mut act = [0; 16];
        act.iter_mut().zip(seq.to_be_bytes()).for_each(|(to, from)| *to = from);
        let event =
            Event::new((world.vault, OpId::from_bytes(act)), actor, verb, received, [7; 16]).with(change);
        let seen_stream = Some(self.frontier.head()).filter(|head| actor == *owner && head.size > 0);
        let event = event.when(|moment| Moment { seen_stream, ..moment });
        let signed = SignedEvent::sign(&event, signer);
        self.frontier.append(StreamEntry { seq, received, event: signed.digest() }.hash());
        let (stream, received, event) = (name(*owner), received.as_ms(), base64(&codec::encode(&signed)));
        let said =
            json!({ "stream": stream, "seq": seq, "received": received, "event": event, "brings": brings });
        self.lines += &format!("{said}\n");
        Ok(())
    }

    /// Enrols a party with its Identity, and a registrar attests it.
    fn enrol(&mut self, card: &Card) -> Outcome<()> {
        let (world, owner, me) = (self.world, self.owner, Arc::clone(&self.me));
        let own = (owner, me.signer());
        self.act(own, Verb::Enrol, &[], |step| Step { subject: Some(card.digest()), ..step })?;
        let identity = self.identity();
        let opening = FolderOpening { kind: FolderKind::Identity, verifying: None, nonce: [3; 16] };
        self.act(own, Verb::OpenFolder, &[], |step| Step {
            folder: Some(identity),
            opening: Some(opening),
            ..step
        })?;
        self.first_epoch((own, owner), identity, card)?;
        let from = Timestamp::at_ms(self.now);
        let statement = AttestationStatement {
            vault: world.vault,
            subject: card.party(),
            card: card.digest(),
            role: card.role(),
            specialty: String::new(),
            jurisdiction: "XX".to_owned(),
            evidence: None,
            registrar: world.registrar.party(),
            from,
            until: from.plus(days(365)),
            at: None,
            specialties: Vec::new(),
            persons: Vec::new(),
            succeeds: None,
        };
        let signed = Signed::sign(&statement, world.registrar.signer());
        let by = (Principal::Party(world.registrar.party()), world.registrar.signer());
        let brings = json!({ "attestation": base64(&codec::encode(&signed)) });
        self.act(by, Verb::Attest, &[brings], |step| Step { owner, subject: Some(signed.digest()), ..step })
    }

    fn identity(&self) -> FolderId {
        owned_folder(self.world.vault, self.me.party(), FolderKind::Identity, [3; 16])
    }

    fn first_epoch(
        &mut self,
        (by, owner): ((Principal, &Signer), Principal),
        folder: FolderId,
        card: &Card,
    ) -> Outcome<()> {
        let (grant, brings) = self.granted(folder, card, 1, None)?;
        let commitments = Some(self.world.commitments);
        self.act(by, Verb::Rotate, &[brings], |step| Step {
            owner,
            folder: Some(folder),
            epoch: Some(Epoch::from_number(1)),
            before: Some(Head::default()),
            grants: vec![grant],
            commitments,
            ..step
        })
    }

    /// A grant to read and write for ten days, for a purpose, whatever it wraps: its digest, and how it is brought.
    fn granted(
        &self,
        folder: FolderId,
        card: &Card,
        purpose: u8,
        because: Option<FolderId>,
    ) -> Outcome<(Digest, Value)> {
        // { purpose, rights, clearance: very restricted, from, until }
        let mut terms = vec![0xa5, 0, purpose, 1, 2, 2, 3, 3, 0x1b];
        terms.extend(BEGAN.to_be_bytes());
        terms.extend([4, 0x1b]);
        terms.extend((BEGAN + 864_000_000).to_be_bytes());
        let statement = GrantStatement {
            grant: GrantId::from_bytes([purpose; 16]),
            vault: self.world.vault,
            folder,
            epoch: Epoch::from_number(1),
            reader: card.party(),
            card: card.digest(),
            attested: None,
            terms: codec::decode::<Terms>(&terms)?,
            because,
            wrap: Digest::from_bytes([0; 32]),
        };
        Ok((statement.digest(), json!({ "grant": base64(&codec::encode(&statement)) })))
    }

    /// A case with a doctor, who also sees who the patient is, and so many visits.
    fn case(&mut self, card: &Card, (doctor, his): (&Card, &Keyring), visits: u64) -> Outcome<()> {
        let (me, owner) = (Arc::clone(&self.me), self.owner);
        let key: CaseKey = me.derive_case(self.world.vault, [5; 16]);
        let (case, identity) = (key.folder(), self.identity());
        let (own, as_case) = ((owner, me.signer()), (Principal::Folder(case), key.signer()));
        let verifying = Some(key.signer().verifying_key());
        let opening = FolderOpening { kind: FolderKind::Case, verifying, nonce: [5; 16] };
        self.act(own, Verb::OpenFolder, &[], |step| Step {
            folder: Some(case),
            opening: Some(opening),
            ..step
        })?;
        self.first_epoch((as_case, Principal::Folder(case)), case, card)?;
        let epoch = Some(Epoch::from_number(1));
        for (by, folder, because) in [(as_case, case, None), (own, identity, Some(case))] {
            let (grant, brings) = self.granted(folder, doctor, 2, because)?;
            let verb = if because.is_some() { Verb::Grant } else { Verb::Assign };
            self.act(by, verb, &[brings], |step| Step {
                folder: Some(folder),
                epoch,
                grants: vec![grant],
                ..step
            })?;
        }
        let by_doctor = (Principal::Party(his.party()), his.signer());
        self.act(by_doctor, Verb::Open, &[], |step| Step { owner, folder: Some(identity), ..step })?;
        let mut list = Frontier::new();
        let in_case = Principal::Folder(case);
        for _ in 0..visits {
            for (by, verb) in [
                (as_case, Verb::Write),
                (by_doctor, Verb::Open),
                (by_doctor, Verb::Write),
                (as_case, Verb::Open),
                (as_case, Verb::Write),
            ] {
                let before = list.head();
                if verb == Verb::Write {
                    list.append(Digest::from_bytes([9; 32]));
                }
                let after = list.head();
                self.act(by, verb, &[], |step| {
                    let step = Step { owner: in_case, folder: Some(case), ..step };
                    if verb == Verb::Write {
                        Step { epoch, before: Some(before), after: Some(after), ..step }
                    } else {
                        step
                    }
                })?;
            }
        }
        Ok(())
    }
}

fn keyring(number: u64) -> Keyring {
    let mut seed = [0x5d; 32];
    seed.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Keyring::from_seed(Secret::from_bytes(seed))
}

fn name(owner: Principal) -> String {
    match owner {
        Principal::Party(id) => format!("party:{}", id.to_hex()),
        Principal::Vault(id) => format!("vault:{}", id.to_hex()),
        Principal::Folder(id) => format!("folder:{}", id.to_hex()),
        _ => String::new(),
    }
}

fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

fn put(directory: &Path, path: &str, bytes: &[u8]) -> Outcome<()> {
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}
