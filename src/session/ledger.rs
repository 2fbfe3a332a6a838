//! Streams: read, verified; one's own remembered.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    credential::Trust,
    crypto::VerifyingKey,
    custodian::{Answer, Question, StreamPage},
    error::{Error, Tampering},
    event::{Event, Principal, StreamHead, Streamed, Verb},
    folder::{Epoch, FolderKind},
    id::{Digest, FolderId, PartyId},
    merkle::{Frontier, Head},
    party::{Card, CaseKey, Owner, RoleType},
    session::{Memory, Session, memory::Own, state::State},
    spread,
    time::Timestamp,
};

/// How many of the newest events are kept, for threads of one session that overtake one another.
const MET_MAX: usize = 16 * 1024;

/// How many signatures are worth a thread: some two hundred microseconds of work.
const SIGNATURES_WORTH_A_THREAD: usize = 4;

/// What checking a whole stream found: all of it in order, signed, and as far as was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamReport {
    /// The head of the stream.
    pub head: Head,
    /// How many signatures were verified.
    pub signatures: u64,
}

/// An event of a stream, verified.
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) received: Timestamp,
    pub(super) digest: Digest,
    pub(super) event: Event,
}

/// A stream's events, read from a position and verified.
pub(super) struct Pages {
    pub(super) frontier: Frontier,
    pub(super) events: Vec<Line>,
    pub(super) cards: BTreeMap<PartyId, Card>,
}

/// The keys that may sign in a stream.
#[derive(Default)]
struct Keys {
    folders: BTreeMap<FolderId, VerifyingKey>,
    cards: BTreeMap<PartyId, Card>,
}

impl<R: RoleType> Session<'_, R> {
    /// Reads a stream from where a frontier stands to its end, and verifies it: positions, times, signatures, head.
    pub(super) fn read_stream(
        &self,
        of: Principal,
        from: Frontier,
        promised: &[Head],
    ) -> Result<Pages, Error> {
        let trust = self.trust()?;
        let mut frontier = from;
        let mut keys = Keys::default();
        let mut events: Vec<Line> = Vec::new();
        let mut promised: Vec<Head> = promised.to_vec();
        loop {
            let seq = frontier.size();
            let question = match of {
                Principal::Party(party) => Question::Stream(party, seq),
                Principal::Vault(_) | Principal::Folder(_) => Question::VaultStream(seq),
            };
            let Answer::Stream(StreamPage { head, first, events: page, cards }) = self.ask(question)? else {
                return Err(Tampering::Answer.into());
            };
            let StreamHead { vault, owner, head, at: _ } =
                head.verify(&trust.vault_key).map_err(|_forged| Tampering::Stream)?;
            if vault != trust.vault || owner != of || first != seq || head.size < seq {
                return Err(Tampering::Stream.into());
            }
            for card in cards {
                self.state().memory.pin(card.party(), card.digest())?;
                keys.cards.insert(card.party(), card);
            }
            let is_empty = page.is_empty();
            for (streamed, event) in page.iter().zip(self.verify_page(&page, &mut keys, (of, &trust))?) {
                let seq = frontier.size();
                let (entry, received) = (streamed.entry(seq), streamed.received);
                if events.last().is_some_and(|last| received < last.received) {
                    return Err(Tampering::Stream.into());
                }
                frontier.append(entry.hash());
                check_promised(&mut promised, &frontier)?;
                events.push(Line { seq, received, digest: entry.event, event });
            }
            if frontier.size() >= head.size || is_empty {
                // What was promised beyond this end is missing.
                let is_short = promised.iter().any(|promised| promised.size > frontier.size());
                if frontier.head() != head || is_short {
                    return Err(Tampering::Stream.into());
                }
                return Ok(Pages { frontier, events, cards: keys.cards });
            }
        }
    }

    /// The events of a page, each signed by whom it names, each about whose stream it is.
    fn verify_page(
        &self,
        page: &[Streamed],
        keys: &mut Keys,
        (of, trust): (Principal, &Trust),
    ) -> Result<Vec<Event>, Error> {
        let signer = |streamed: &Streamed| self.signer_of(streamed, keys, (of, trust));
        let signers: Vec<VerifyingKey> = page.iter().map(signer).collect::<Result<_, _>>()?;
        let pairs: Vec<_> = page.iter().zip(&signers).collect();
        let verified = spread::map(&pairs, SIGNATURES_WORTH_A_THREAD, |(streamed, key)| {
            streamed.event.verify_again(key)
        });
        verified.into_iter().map(|event| event.map_err(|_forged| Tampering::Stream.into())).collect()
    }

    /// Whose signature an event of a stream must bear, by what it claims: a Case's key is vouched for by its id, and the
    /// Case by the owner who began it in this stream.
    fn signer_of(
        &self,
        streamed: &Streamed,
        keys: &mut Keys,
        (of, trust): (Principal, &Trust),
    ) -> Result<VerifyingKey, Error> {
        let wrong = || Error::from(Tampering::Stream);
        let Event { step, .. } = streamed.event.claims().map_err(|_garbled| wrong())?;
        if step.vault != trust.vault {
            return Err(wrong());
        }
        let begun = step.folder.zip(step.opening.and_then(|opening| opening.verifying));
        if let (Verb::OpenFolder, Some((folder, key))) = (step.verb, begun) {
            if CaseKey::folder_of(trust.vault, &key) != folder || step.actor != of {
                return Err(wrong());
            }
            keys.folders.insert(folder, key);
        }
        let mut folder_key = |folder| match keys.folders.get(&folder) {
            Some(key) => Ok(*key),
            None => {
                let key = self.own_case_key(folder)?;
                keys.folders.insert(folder, key);
                Ok(key)
            }
        };
        match step.owner {
            Principal::Folder(folder) if matches!(of, Principal::Party(_)) => drop(folder_key(folder)?),
            owner if owner == of => (),
            Principal::Folder(_) | Principal::Party(_) | Principal::Vault(_) => return Err(wrong()),
        }
        match step.actor {
            Principal::Folder(folder) if step.owner == step.actor => folder_key(folder),
            Principal::Folder(_) => Err(wrong()),
            Principal::Party(party) => Ok(*keys.cards.get(&party).ok_or_else(wrong)?.verifying_key()),
            Principal::Vault(_) => Ok(trust.vault_key),
        }
    }

    /// The key of one's own Case, when its beginning lies before where reading began.
    fn own_case_key(&self, folder: FolderId) -> Result<VerifyingKey, Error> {
        let nonce = self.state().memory.own.get(&folder).map(|own| own.nonce).ok_or(Tampering::Stream)?;
        let key = self.keyring.derive_case(self.vault_id()?, nonce);
        if key.folder() == folder { Ok(key.signer().verifying_key()) } else { Err(Tampering::Stream.into()) }
    }

    /// Reads a whole stream, from its first event, in which each event follows on what was before.
    pub(super) fn whole_stream(&self, of: Principal, promised: &[Head]) -> Result<Pages, Error> {
        let pages = self.read_stream(of, Frontier::new(), promised)?;
        let mut folders = BTreeMap::new();
        let mut acts = BTreeSet::new();
        for Line { event, received, .. } in &pages.events {
            // A folder's owner acts as the folder, or as itself.
            let is_own = matches!(event.actor, Principal::Folder(_)) || event.actor == of;
            follow(&mut folders, (event, *received), is_own)?;
            if !acts.insert(event.op_id) {
                return Err(Tampering::Stream.into());
            }
        }
        Ok(pages)
    }

    /// Checks a whole stream: for auditors any, for owners one's own.
    pub(super) fn check_stream(&self, of: Principal, promised: &[Head]) -> Result<StreamReport, Error> {
        let Pages { frontier, events, .. } = self.whole_stream(of, promised)?;
        Ok(StreamReport {
            head: frontier.head(),
            signatures: u64::try_from(events.len()).unwrap_or(u64::MAX),
        })
    }
}

fn check_promised(promised: &mut Vec<Head>, frontier: &Frontier) -> Result<(), Error> {
    if promised.iter().any(|promised| promised.size == frontier.size() && *promised != frontier.head()) {
        return Err(Tampering::Stream.into());
    }
    promised.retain(|promised| promised.size > frontier.size());
    Ok(())
}

impl<R: RoleType> Session<'_, R> {
    pub(super) fn known_heads(&self) -> Vec<Head> {
        let state = self.state();
        let mut heads = vec![state.memory.stream.head()];
        heads.extend(&state.memory.promised);
        heads
    }

    /// Reads one's stream on from where it was last verified, and remembers what it says of one's folders.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let (from, promised) = {
            let state = self.state();
            (state.memory.stream.clone(), state.memory.promised.clone())
        };
        let begun = from.size();
        let me = Principal::Party(self.id());
        let Pages { frontier, events, .. } = self.read_stream(me, from, &promised)?;
        let mut state = self.state();
        if state.memory.stream.size() != begun {
            // Another thread has read it meanwhile.
            return Ok(());
        }
        let mut own = state.memory.own.clone();
        let (mut listing, mut refused) = (state.memory.listing, state.memory.refused);
        for Line { event, received, .. } in &events {
            let is_own = matches!(event.actor, Principal::Folder(_)) || event.actor == me;
            follow(&mut own, (event, *received), is_own)?;
            match event.verb {
                Verb::List => listing = event.subject,
                Verb::Refuse => refused = Some(*received),
                Verb::Amend | Verb::Appeal | Verb::Assign | Verb::Attest | Verb::Block | Verb::Close => (),
                Verb::Create | Verb::Deny | Verb::Enrol | Verb::Equip | Verb::Export | Verb::Govern => (),
                Verb::Grant => (),
                Verb::Open
                | Verb::OpenFolder
                | Verb::Release
                | Verb::Report
                | Verb::Restore
                | Verb::Retract
                | Verb::Reveal
                | Verb::Revoke => (),
                Verb::Rotate | Verb::Rule | Verb::Share | Verb::Stage | Verb::Withdraw | Verb::Write => (),
            }
        }
        let State { memory, met, .. } = &mut *state;
        if met.len() > MET_MAX {
            met.clear();
        }
        met.extend(events.iter().map(|line| line.digest));
        let Memory { own: known, stream, promised, accepted, .. } = memory;
        accepted.retain(|accepted| !met.contains(accepted));
        // All that was promised lies behind now, and so must all that was accepted.
        promised.retain(|promised| promised.size > frontier.size());
        if promised.is_empty() && !accepted.is_empty() {
            return Err(Tampering::Stream.into());
        }
        (*known, *stream) = (own, frontier);
        (memory.listing, memory.refused) = (listing, refused);
        Ok(())
    }
}

impl<R: Owner> Session<'_, R> {
    /// Checks one's whole stream, from its first event.
    ///
    /// # Errors
    /// As [`Self::history`].
    pub fn verify_stream(&self) -> Result<StreamReport, Error> {
        self.sync()?;
        self.check_stream(Principal::Party(self.id()), &self.known_heads())
    }
}

/// Follows what a stream says of one's folders; what cannot follow on what was before is a lie.
fn follow(
    all: &mut BTreeMap<FolderId, Own>,
    (event, received): (&Event, Timestamp),
    is_own: bool,
) -> Result<(), Error> {
    let wrong = || Error::from(Tampering::Stream);
    let Some(folder) = event.folder else { return Ok(()) };
    if event.verb == Verb::OpenFolder {
        let opening = event.opening.filter(|_| is_own).ok_or_else(wrong)?;
        let (kind, nonce) = (opening.kind, opening.nonce);
        let begun = Own {
            kind,
            nonce,
            epoch: Epoch::from_number(0),
            grants: Vec::new(),
            head: Head::default(),
            is_closed: false,
            touched: Some(received),
            shared: None,
        };
        let is_single = matches!(kind, FolderKind::Credentials | FolderKind::Identity);
        let is_second = is_single && all.values().any(|own| own.kind == kind);
        return if is_second || all.insert(folder, begun).is_some() { Err(wrong()) } else { Ok(()) };
    }
    if event.verb == Verb::Deny {
        // Of a folder that somebody wanted, in the vault's own stream.
        return if matches!(event.actor, Principal::Vault(_)) { Ok(()) } else { Err(wrong()) };
    }
    let own = all.get_mut(&folder).ok_or_else(wrong)?;
    if matches!(event.verb, Verb::Amend | Verb::Assign | Verb::Grant | Verb::Write) {
        own.touched = Some(received);
    }
    let follows = match event.verb {
        Verb::Rotate | Verb::Revoke => {
            let follows = is_own && event.epoch == Some(own.epoch.next()) && event.before == Some(own.head);
            own.epoch = own.epoch.next();
            own.grants.clone_from(&event.grants);
            follows
        }
        Verb::Grant | Verb::Assign => {
            let is_new = event.grants.iter().all(|grant| !own.grants.contains(grant));
            own.grants.extend(&event.grants);
            is_own && is_new && event.epoch == Some(own.epoch)
        }
        Verb::Write | Verb::Amend => {
            let follows = event.before == Some(own.head) && event.epoch == Some(own.epoch);
            own.head = event.after.ok_or_else(wrong)?;
            follows
        }
        Verb::Close => is_own && !std::mem::replace(&mut own.is_closed, true),
        Verb::Open | Verb::Stage => true,
        Verb::Share | Verb::Retract => is_own && own.follow_shared(event),
        Verb::Appeal
        | Verb::Attest
        | Verb::Block
        | Verb::Create
        | Verb::Deny
        | Verb::Enrol
        | Verb::Equip
        | Verb::Export
        | Verb::Govern
        | Verb::List
        | Verb::OpenFolder
        | Verb::Refuse
        | Verb::Release
        | Verb::Report
        | Verb::Restore
        | Verb::Reveal
        | Verb::Rule
        | Verb::Withdraw => false,
    };
    if follows { Ok(()) } else { Err(wrong()) }
}

impl Own {
    /// Of a Case one abstract at a time is shared, and that one is taken back: whether it is so.
    fn follow_shared(&mut self, event: &Event) -> bool {
        let before = std::mem::replace(&mut self.shared, event.subject.filter(|_| event.verb == Verb::Share));
        if event.verb == Verb::Share {
            before.is_none() && self.kind == FolderKind::Case && self.shared.is_some()
        } else {
            before.is_some() && before == event.subject
        }
    }
}
