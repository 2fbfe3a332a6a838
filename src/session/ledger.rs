//! The party's own stream: read, verified, remembered; history in plain words.

use std::collections::BTreeMap;

use crate::{
    credential::Trust,
    crypto::VerifyingKey,
    custodian::{Answer, Question, StreamPage},
    error::{Error, Tampering},
    event::{Event, Principal, StreamHead, Streamed, Verb},
    folder::FolderKind,
    id::{FolderId, PartyId},
    merkle::{Frontier, Head},
    party::{Card, CaseKey, Owner, Role, RoleType},
    session::{Session, memory::Keyholders, verify::grants_of},
    spread,
    time::Timestamp,
};

/// How many signatures are worth a thread: some two hundred microseconds of work.
const SIGNATURES_WORTH_A_THREAD: usize = 4;

/// One line of a history: who did what, when, why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryLine {
    /// Its position in the stream.
    pub seq: u64,
    /// When the custodian received it.
    pub received: Timestamp,
    /// Who acted, as the stream says.
    pub actor: Principal,
    /// The actor's role; none for the owner acting as a Case, and the custodian.
    pub role: Option<Role>,
    /// Whether it was the stream's owner.
    pub is_own: bool,
    /// What was done.
    pub verb: Verb,
    /// To which folder.
    pub folder: Option<FolderId>,
    /// What that folder is for, if it is known.
    pub kind: Option<FolderKind>,
    /// What for.
    pub purpose: Option<crate::consent::Purpose>,
    /// The folder's head after a write.
    pub after: Option<Head>,
}

impl std::fmt::Display for HistoryLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { received, actor, role, is_own, verb, folder, kind, purpose, .. } = self;
        write!(f, "{received}  ")?;
        match (is_own, role, actor) {
            (true, ..) => f.write_str("you")?,
            (false, Some(role), Principal::Party(party)) => write!(f, "{role} {party}")?,
            (false, ..) => write!(f, "{actor}")?,
        }
        write!(f, " {verb}")?;
        match (folder, kind) {
            (Some(_), Some(FolderKind::Identity)) => f.write_str(" your identity")?,
            (Some(folder), Some(kind)) => write!(f, " your {kind} {folder}")?,
            (Some(folder), None) => write!(f, " folder {folder}")?,
            (None, _) if *verb == Verb::Enrol => f.write_str(" here")?,
            (None, _) if *verb == Verb::Attest => f.write_str(" you")?,
            (None, _) => (),
        }
        purpose.filter(|_| *verb == Verb::Open).map_or(Ok(()), |purpose| write!(f, ", for {purpose}"))
    }
}

/// What checking a whole stream found: all of it in order, signed, and as far as was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamReport {
    /// The head of the stream.
    pub head: Head,
    /// How many signatures were verified.
    pub signatures: u64,
}

/// A stream's events, read from a position and verified.
pub(super) struct Pages {
    pub(super) frontier: Frontier,
    pub(super) events: Vec<(u64, Timestamp, Event)>,
    pub(super) cards: BTreeMap<PartyId, Card>,
}

/// The keys that may sign in a stream.
#[derive(Default)]
struct Keys {
    folders: BTreeMap<FolderId, VerifyingKey>,
    cards: BTreeMap<PartyId, Card>,
}

impl<R: RoleType> Session<'_, R> {
    /// Reads a stream from where a frontier stands to its end, and verifies it: positions, signatures, head.
    pub(super) fn read_stream(
        &self,
        of: Principal,
        from: Frontier,
        promised: &[Head],
    ) -> Result<Pages, Error> {
        let trust = self.trust()?;
        let mut frontier = from;
        let mut keys = Keys::default();
        let mut events = Vec::new();
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
            let signers: Vec<VerifyingKey> = page
                .iter()
                .map(|streamed| self.signer_of(streamed, &mut keys, &trust))
                .collect::<Result<_, _>>()?;
            let pairs: Vec<_> = page.iter().zip(&signers).collect();
            let verified = spread::map(&pairs, SIGNATURES_WORTH_A_THREAD, |(streamed, key)| {
                self.proven.verify(&streamed.event, key)
            });
            for (streamed, event) in page.iter().zip(verified) {
                let seq = frontier.size();
                let event = event.map_err(|_forged| Tampering::Stream)?;
                check_owner(&event, of, &trust)?;
                frontier.append(streamed.entry(seq).hash());
                check_promised(&mut promised, &frontier)?;
                events.push((seq, streamed.received, event));
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

    /// Whose signature an event of a stream must bear, by what it claims: a Case's key is vouched for by its id.
    fn signer_of(&self, streamed: &Streamed, keys: &mut Keys, trust: &Trust) -> Result<VerifyingKey, Error> {
        let wrong = || Error::from(Tampering::Stream);
        let claims = streamed.event.claims().map_err(|_garbled| wrong())?;
        if let (Verb::OpenFolder, Some(folder), Some(opening)) = (claims.verb, claims.folder, claims.opening)
            && let Some(key) = opening.verifying
        {
            if CaseKey::folder_of(trust.vault, &key) != folder {
                return Err(wrong());
            }
            keys.folders.insert(folder, key);
        }
        match claims.actor {
            Principal::Party(party) => Ok(*keys.cards.get(&party).ok_or_else(wrong)?.verifying_key()),
            Principal::Folder(folder) => match keys.folders.get(&folder) {
                Some(key) => Ok(*key),
                None => self.own_case_key(folder),
            },
            Principal::Vault(_) => Ok(trust.vault_key),
        }
    }

    /// The key of one's own Case, when its beginning lies before where reading began.
    fn own_case_key(&self, folder: FolderId) -> Result<VerifyingKey, Error> {
        let own = self.state().own.get(&folder).copied().ok_or(Tampering::Stream)?;
        let key = self.keyring.derive_case(self.vault_id()?, own.nonce);
        if key.folder() == folder { Ok(key.signer().verifying_key()) } else { Err(Tampering::Stream.into()) }
    }

    /// Checks a whole stream, from its first event: for auditors any, for owners one's own.
    pub(super) fn check_stream(&self, of: Principal, promised: &[Head]) -> Result<StreamReport, Error> {
        let Pages { frontier, events, .. } = self.read_stream(of, Frontier::new(), promised)?;
        Ok(StreamReport {
            head: frontier.head(),
            signatures: u64::try_from(events.len()).unwrap_or(u64::MAX),
        })
    }
}

/// An event stands in the stream it is about.
fn check_owner(event: &Event, of: Principal, trust: &Trust) -> Result<(), Error> {
    let is_of = match event.owner {
        Principal::Folder(_) => matches!(of, Principal::Party(_)),
        Principal::Party(_) | Principal::Vault(_) => event.owner == of,
    };
    if is_of && event.vault == trust.vault { Ok(()) } else { Err(Tampering::Stream.into()) }
}

fn check_promised(promised: &mut Vec<Head>, frontier: &Frontier) -> Result<(), Error> {
    if promised.iter().any(|promised| promised.size == frontier.size() && *promised != frontier.head()) {
        return Err(Tampering::Stream.into());
    }
    promised.retain(|promised| promised.size > frontier.size());
    Ok(())
}

impl<R: Owner> Session<'_, R> {
    /// Who did what with one's data, from the first event to the last: verified, in plain words.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if an event is missing, out of order, not signed, or behind what was promised.
    pub fn history(&self) -> Result<Vec<HistoryLine>, Error> {
        self.sync()?;
        let me = Principal::Party(self.id());
        let Pages { events, cards, .. } = self.read_stream(me, Frontier::new(), &self.known_heads())?;
        let own = self.state().own.clone();
        let line = |(seq, received, event): (u64, Timestamp, Event)| {
            let Event { actor, verb, folder, purpose, after, .. } = event;
            let (is_own, role) = match actor {
                Principal::Party(party) => (party == self.id(), cards.get(&party).map(Card::role)),
                Principal::Folder(_) => (true, None),
                Principal::Vault(_) => (false, None),
            };
            let kind = folder.and_then(|folder| own.get(&folder)).map(|own| own.kind);
            HistoryLine { seq, received, actor, role, is_own, verb, folder, kind, purpose, after }
        };
        Ok(events.into_iter().map(line).collect())
    }

    /// Checks one's whole stream, from its first event.
    ///
    /// # Errors
    /// As [`Self::history`].
    pub fn verify_stream(&self) -> Result<StreamReport, Error> {
        self.sync()?;
        self.check_stream(Principal::Party(self.id()), &self.known_heads())
    }

    fn known_heads(&self) -> Vec<Head> {
        let state = self.state();
        let mut heads = vec![state.memory.stream.head()];
        heads.extend(state.memory.promised);
        heads
    }

    /// Reads one's stream on from where it was last verified, and remembers who holds which key.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let (from, promised) = {
            let state = self.state();
            (state.memory.stream.clone(), state.memory.promised)
        };
        let promised: Vec<Head> =
            promised.into_iter().filter(|promised| promised.size > from.size()).collect();
        let Pages { frontier, events, .. } =
            self.read_stream(Principal::Party(self.id()), from, &promised)?;
        let mut state = self.state();
        for (_, _, event) in &events {
            let is_own =
                matches!(event.actor, Principal::Folder(_)) || event.actor == Principal::Party(self.id());
            let Some((folder, epoch, grants, starts)) = grants_of(event).filter(|_| is_own) else { continue };
            let holders =
                state.memory.granted.entry(folder).or_insert(Keyholders { epoch, grants: Vec::new() });
            if starts {
                *holders = Keyholders { epoch, grants: grants.to_vec() };
            } else if holders.epoch == epoch {
                holders.grants.extend(grants);
            }
        }
        state.memory.stream = frontier;
        Ok(())
    }
}
