//! Exports that a dishonest custodian made: everything in order and signed again, but for what an audit must find.

use std::{fs, path::Path};

use casevault::{
    codec::{self, Wire},
    consent::GrantStatement,
    crypto::{Secret, Signer},
    event::{Event, Principal, SignedEvent, Step, StreamEntry, Verb},
    id::{Digest, VaultId},
    log::{
        HeadLeaf, LogEpoch, NoteSigner, OwnerHead, SignedCheckpoint, Tile, bucket_root, bundle, map_root,
        origin,
    },
    merkle,
    time::Timestamp,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    supervision::export,
    world::{World, keyring},
};

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding as _};
    Base64::encode_string(bytes)
}

pub(crate) fn from_base64<T: Wire>(value: &Value) -> T {
    use base64ct::{Base64, Encoding as _};
    codec::decode(&Base64::decode_vec(value.as_str().unwrap()).unwrap()).unwrap()
}

fn objects(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One event, as it will stand in an export.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) received: Timestamp,
    pub(crate) event: SignedEvent,
    pub(crate) brings: Vec<Value>,
}

impl Line {
    pub(crate) fn step(&self) -> Step {
        self.event.claimed_step().unwrap()
    }

    /// The grants it brings.
    pub(crate) fn grants(&self) -> Vec<GrantStatement> {
        self.brings.iter().filter_map(|brought| brought.get("grant")).map(from_base64).collect()
    }
}

/// An export that can be changed and is then put in order again, by a custodian who has the vault's key.
#[derive(Debug, Clone)]
pub(crate) struct Forged {
    pub(crate) vault: VaultId,
    pub(crate) streams: Vec<(Principal, Vec<Line>)>,
    pub(crate) cards: Vec<(Principal, Value)>,
    pub(crate) policy: Value,
    pub(crate) releases: String,
}

impl Forged {
    pub(crate) fn of(world: &World) -> Self {
        let directory = export(world);
        let vault = world.vault.trust().vault;
        let id = |name: &str| {
            let hex = name.split_once(':').unwrap().1;
            let vaults = VaultId::from_hex(hex).map(Principal::Vault);
            vaults.or(casevault::id::PartyId::from_hex(hex).map(Principal::Party)).unwrap()
        };
        let cards = objects(&directory.path().join("parties.ndjson"));
        let cards: Vec<_> = cards
            .into_iter()
            .map(|line| (id(line["stream"].as_str().unwrap()), line["card"].clone()))
            .collect();
        let mut streams: Vec<(Principal, Vec<Line>)> = Vec::new();
        for line in objects(&directory.path().join("events.ndjson")) {
            let stream = id(line["stream"].as_str().unwrap());
            if streams.last().is_none_or(|(last, _)| *last != stream) {
                streams.push((stream, Vec::new()));
            }
            streams.last_mut().unwrap().1.push(Line {
                received: Timestamp::at_ms(line["received"].as_u64().unwrap()),
                event: from_base64(&line["event"]),
                brings: line["brings"].as_array().unwrap().clone(),
            });
        }
        let policy =
            serde_json::from_slice(&fs::read(directory.path().join("policy.json")).unwrap()).unwrap();
        let releases = fs::read_to_string(directory.path().join("releases.ndjson")).unwrap();
        Self { vault, streams, cards, policy, releases }
    }

    pub(crate) fn stream(&mut self, of: Principal) -> &mut Vec<Line> {
        &mut self.streams.iter_mut().find(|(owner, _)| *owner == of).unwrap().1
    }

    pub(crate) fn of_party(&mut self, seed: u8) -> &mut Vec<Line> {
        self.stream(Principal::Party(keyring(seed).party()))
    }

    pub(crate) fn of_vault(&mut self) -> &mut Vec<Line> {
        self.stream(Principal::Vault(self.vault))
    }

    /// Puts what somebody signed at the end of the vault's stream.
    pub(crate) fn takes(&mut self, event: SignedEvent, received: Timestamp) {
        self.of_vault().push(Line { received, event, brings: Vec::new() });
    }

    /// Adds an event of a party's to a stream, at a moment, with what it brings.
    pub(crate) fn add(
        &mut self,
        stream: u8,
        (actor, verb, at): (u8, Verb, Timestamp),
        brings: Vec<Value>,
        change: impl FnOnce(Step) -> Step,
    ) {
        let actor_id = Principal::Party(keyring(actor).party());
        let lines = self.of_party(stream);
        let mut act = [actor; 16];
        act[..8].copy_from_slice(&u64::try_from(lines.len()).unwrap().to_be_bytes());
        let place = (lines[0].step().vault, casevault::id::OpId::from_bytes(act));
        let event = Event::new(place, actor_id, verb, at, [7; 16]).with(change);
        lines.push(Line { received: at, event: SignedEvent::sign(&event, keyring(actor).signer()), brings });
    }

    /// The same as it stood at an earlier moment.
    pub(crate) fn until(&self, moment: Timestamp) -> Self {
        let streams = self.streams.iter().map(|(owner, lines)| {
            (*owner, lines.iter().take_while(|line| line.received <= moment).cloned().collect())
        });
        Self { streams: streams.collect(), ..self.clone() }
    }

    /// All lines, stream by stream.
    pub(crate) fn streams(&mut self) -> &mut Vec<(Principal, Vec<Line>)> {
        &mut self.streams
    }

    /// The vault's key, as its custodian has it.
    pub(crate) fn signer() -> Signer {
        Signer::from_seed(&Secret::from_bytes([77; 32]))
    }

    /// An event as it is written: the vault's own are signed again.
    pub(crate) fn written(event: &SignedEvent) -> SignedEvent {
        let is_vaults = event.claimed_step().is_ok_and(|step| matches!(step.actor, Principal::Vault(_)));
        match event.claims() {
            Ok(claims) if is_vaults => SignedEvent::sign(&claims, &Self::signer()),
            Ok(_) | Err(_) => event.clone(),
        }
    }

    /// Writes it all, and signs what the vault signs; the position of each stream's first line.
    pub(crate) fn write(&self) -> (TempDir, Vec<(Principal, u64)>) {
        let (directory, starts, _) = self.write_after(&[]);
        (directory, starts)
    }

    /// The same, with a log that begins with these epochs; and the epoch it ends with.
    pub(crate) fn write_after(&self, before: &[LogEpoch]) -> (TempDir, Vec<(Principal, u64)>, LogEpoch) {
        let directory = tempfile::tempdir().unwrap();
        let (starts, epoch) = self.write_there(directory.path(), before);
        (directory, starts, epoch)
    }

    /// The same, in a folder, with a log of one epoch.
    pub(crate) fn write_into(&self, directory: &Path) -> Vec<(Principal, u64)> {
        self.write_there(directory, &[]).0
    }

    fn write_there(&self, directory: &Path, before: &[LogEpoch]) -> (Vec<(Principal, u64)>, LogEpoch) {
        let signer = Self::signer();
        let mut streams: Vec<_> = self.streams.iter().filter(|(_, lines)| !lines.is_empty()).collect();
        streams.sort_by_key(|(owner, _)| OwnerHead::key(self.vault, *owner));
        let (mut events, mut parties, mut leaves) = (String::new(), String::new(), Vec::new());
        let (mut starts, mut count) = (Vec::new(), 0u64);
        let name = |owner: Principal| match owner {
            Principal::Party(id) => format!("party:{}", id.to_hex()),
            Principal::Vault(id) => format!("vault:{}", id.to_hex()),
            Principal::Folder(_) | _ => panic!("no stream of its own"),
        };
        let mut add_party = |owner: Principal, head: Option<merkle::Head>| {
            let mut said = json!({ "stream": name(owner) });
            if let Some(head) = head {
                said["size"] = head.size.into();
                said["root"] = head.root.to_hex().into();
            }
            let card = self.cards.iter().find(|(known, _)| *known == owner).map(|(_, card)| card);
            if let Some(card) = card.filter(|card| !card.is_null()) {
                said["card"] = card.clone();
            }
            parties += &format!("{said}\n");
        };
        for (owner, lines) in &streams {
            starts.push((*owner, count));
            let mut hashes = Vec::new();
            for (seq, Line { received, event, brings }) in (0u64..).zip(lines) {
                let event = Self::written(event);
                hashes.push(StreamEntry { seq, received: *received, event: event.digest() }.hash());
                let event = base64(&codec::encode(&event));
                let (stream, received) = (name(*owner), received.as_ms());
                let said = json!({ "stream": stream, "seq": seq, "received": received, "event": event, "brings": brings });
                events += &format!("{said}\n");
                count += 1;
            }
            let head = merkle::root(&hashes);
            leaves.push(OwnerHead { owner: *owner, head }.leaf(self.vault));
            add_party(*owner, Some(head));
        }
        for (owner, _) in &self.cards {
            if !streams.iter().any(|(known, _)| known == owner) {
                add_party(*owner, None);
            }
        }
        let epoch = self.write_log(directory, (&signer, before), (count, &leaves));
        let releases = self.releases.clone();
        for (path, text) in
            [("parties.ndjson", parties), ("events.ndjson", events), ("releases.ndjson", releases)]
        {
            fs::write(directory.join(path), text).unwrap();
        }
        (starts, epoch)
    }

    /// The log, its checkpoint, and whose key it is under.
    fn write_log(
        &self,
        directory: &Path,
        (signer, before): (&Signer, &[LogEpoch]),
        (events, leaves): (u64, &[HeadLeaf]),
    ) -> LogEpoch {
        let epoch = LogEpoch {
            vault: self.vault,
            number: u64::try_from(before.len()).unwrap(),
            at: Timestamp::MAX,
            depth: 0,
            map: map_root(&[bucket_root(leaves)]),
            owners: u64::try_from(leaves.len()).unwrap(),
            events,
            generation: 0,
        };
        let epochs: Vec<LogEpoch> = before.iter().copied().chain([epoch]).collect();
        let hashes: Vec<Digest> = epochs.iter().map(LogEpoch::hash).collect();
        let head = merkle::root(&hashes);
        let note =
            SignedCheckpoint::sign(head, &NoteSigner::new(origin(self.vault).unwrap(), signer)).unwrap();
        let mut policy = self.policy.clone();
        policy["vault_key"] = base64(signer.verifying_key().as_bytes()).into();
        let entries: Vec<Vec<u8>> = epochs.iter().map(codec::encode).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let tile = Tile::within(0, 0, head.size).unwrap();
        for (path, bytes) in [
            (tile.path(), tile.of_leaves(&hashes).unwrap()),
            (tile.entries_path().unwrap(), bundle(&entries).unwrap()),
            ("checkpoint".to_owned(), note.to_string().into_bytes()),
            ("policy.json".to_owned(), policy.to_string().into_bytes()),
        ] {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        epoch
    }
}
