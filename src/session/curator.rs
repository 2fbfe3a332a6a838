//! The curator's session: what was shared comes in, releases go out.
//!
//! ```text
//! journal at rest = r₃₂ ‖ AES-256-GCM(HKDF(seed, "release journal" ‖ vault ‖ r), aad = size ‖ root of the releases before)
//! ```

use std::{collections::BTreeSet, fmt};

use minicbor::bytes::ByteVec;

use crate::{
    codec,
    crypto::{Label, aead::OneUseKey},
    custodian::{Answer, Enclosure, Part, PastRelease, PoolCursor, PoolPage, Pooled, Publication, Question},
    error::{Error, Misuse, Tampering},
    event::{Principal, Step, Verb},
    id::{BatchId, Handle, PersonToken},
    limits::{POOL_PAGE_MAX, RELEASE_BYTES_MAX},
    merkle::{Frontier, Head, leaf_hash},
    party::Curator,
    public::{Abstract, BatchFacts, PublicRow, ReleaseNote, Sharing, Use},
    session::{
        Session,
        exchange::{From, Hand, Outcome},
    },
    time::Timestamp,
};

/// An abstract that came in, opened and checked.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// What names it.
    pub handle: Handle,
    /// Who is the same person, for counting.
    pub token: PersonToken,
    /// The abstract.
    pub case: Abstract,
    /// What it may be used for.
    pub uses: BTreeSet<Use>,
    /// Until when, not included: then it leaves the pool, if it is not public by then.
    pub until: Timestamp,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrival({}, ..)", self.handle)
    }
}

/// Why something that came in is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unfit {
    /// Its consent is over.
    Ended,
    /// It was made under another public policy, or names another than it was handed in under.
    OtherPolicy,
    /// The same came before, under another handle.
    Repeated,
    /// It does not open, or is not an abstract.
    Unreadable,
}

/// What a curator read of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pulled {
    /// What arrived.
    pub arrivals: Vec<Arrival>,
    /// What was taken back: it leaves the pool, and what is public of it is hidden with the next release.
    pub departures: Vec<Handle>,
    /// What arrived and is not taken.
    pub unfit: Vec<(Handle, Unfit)>,
    /// Where to go on.
    pub next: PoolCursor,
    /// Whether that is all for now: before a release, read until it is.
    pub is_last: bool,
}

/// A release of before.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Journalled {
    /// Which one, from zero.
    pub number: u64,
    /// What the curator wrote for itself.
    pub journal: Vec<u8>,
}

impl fmt::Debug for Journalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journalled({}, {} bytes)", self.number, self.journal.len())
    }
}

impl Session<'_, Curator> {
    /// Reads on in the pool: what arrived on days that are over, opened and checked, and what was taken back.
    ///
    /// Within a day the order is that of the handles, which are random.
    ///
    /// # Errors
    /// [`Error::Denied`] if the policy does not name this curator, or the registrars do not vouch for it now.
    pub fn pull(&self, since: &PoolCursor) -> Result<Pulled, Error> {
        let Answer::Pool(page) = self.ask(Question::Pool(*since))? else {
            return Err(Tampering::Answer.into());
        };
        let PoolPage { entries, departed, next, is_last } = page;
        let count = u64::try_from(departed.len()).unwrap_or(u64::MAX);
        let goes_on = next.arrived >= since.arrived && next.departed == since.departed.saturating_add(count);
        let moves = is_last || next != *since;
        if !goes_on || !moves || entries.len() > POOL_PAGE_MAX || departed.len() > POOL_PAGE_MAX {
            return Err(Tampering::Answer.into());
        }
        let (mut arrivals, mut unfit) = (Vec::new(), Vec::new());
        for entry in entries {
            let handle = entry.handle;
            match self.take_in(entry)? {
                Ok(arrival) => arrivals.push(arrival),
                Err(why) => unfit.push((handle, why)),
            }
        }
        Ok(Pulled { arrivals, departures: departed, unfit, next, is_last })
    }

    fn take_in(&self, entry: Pooled) -> Result<Result<Arrival, Unfit>, Error> {
        let Pooled { handle, token, sealed, policy } = entry;
        let known = self.policy()?;
        let area = known.public_area().ok_or(Error::Denied)?;
        let vault = self.vault_id()?;
        let curator = self.card.digest();
        let digest = sealed.digest();
        if *self.state().pooled.entry(digest).or_insert(handle) != handle {
            return Ok(Err(Unfit::Repeated));
        }
        let context: [&[u8]; 3] = [vault.as_bytes(), policy.as_bytes(), curator.as_bytes()];
        let content = sealed.open(self.keyring.opening_key(), (Label::PooledAbstract, context.as_slice()));
        let sharing = content.ok().and_then(|content| Sharing::from_bytes(&content).ok());
        let Some(Sharing { case, uses, until, salt: _ }) = sharing else {
            return Ok(Err(Unfit::Unreadable));
        };
        // Consent is to this abstract under this policy: a policy that changed since asks anew.
        if case.policy != policy || policy != area.policy {
            return Ok(Err(Unfit::OtherPolicy));
        }
        if until <= self.clock.now() {
            return Ok(Err(Unfit::Ended));
        }
        Ok(Ok(Arrival { handle, token, case, uses, until }))
    }

    /// Changes what is public: new batches with their rows, batches to be hidden, and a journal that only this keyring opens,
    /// all of it or nothing.
    ///
    /// `seen` is how far the pool was read: what was taken back since then comes first.
    ///
    /// # Errors
    /// [`Misuse::Conflict`] if something was taken back since, or there was a release that this session has not read:
    /// [`Self::pull`], or [`Self::journals`] and begin anew. After an error of store or transport it is not known whether
    /// it was done: the journals say. [`Misuse::Refused`] for rows and batches that do not fit one another.
    pub fn release(
        &self,
        seen: &PoolCursor,
        (rows, batches, hidden): (Vec<PublicRow>, Vec<BatchFacts>, Vec<BatchId>),
        journal: &[u8],
    ) -> Result<Head, Error> {
        let vault = self.vault_id()?;
        let ledger = self.state().memory.releases.clone();
        let journal = self.seal_journal(ledger.head(), journal)?;
        let publication = Publication { rows, batches, hidden, journal, departed: seen.departed };
        if publication.bytes() > RELEASE_BYTES_MAX {
            return Err(Misuse::TooMuch.into());
        }
        let (subject, before) = (publication.note().digest(), ledger.head());
        let mut after = ledger;
        after.append(leaf_hash(subject.as_bytes()));
        let event = self.event(Principal::Party(self.id()), Verb::Release, self.fresh_op())?;
        let event = event.with(|step| Step {
            owner: Principal::Vault(vault),
            subject: Some(subject),
            before: Some(before),
            after: Some(after.head()),
            ..step
        });
        let enclosure = Some(Enclosure::Release(publication));
        let part = Part { enclosure, ..Part::of(self.sign(&Hand::Own, event)) };
        match self.submit(From::Other, vec![part])? {
            Outcome::Accepted(_) => {
                let head = after.head();
                self.state().memory.releases = after;
                Ok(head)
            }
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }

    /// What this curator wrote for itself with each release, from the first: all of it, and in order.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if a release is missing that this session, or the memory it was given, knows of, or one is not
    /// this curator's; [`Tampering::Record`] if a journal is not what was kept.
    pub fn journals(&self) -> Result<Vec<Journalled>, Error> {
        let known = self.state().memory.releases.head();
        let (mut ledger, mut all) = (Frontier::new(), Vec::new());
        let mut has_known = known == ledger.head();
        loop {
            let Answer::Releases(releases, head) = self.ask(Question::Releases(ledger.size()))? else {
                return Err(Tampering::Answer.into());
            };
            let is_empty = releases.is_empty();
            for past in releases {
                let number = ledger.size();
                let journal = self.read_release(past, &mut ledger)?;
                all.push(Journalled { number, journal });
                has_known |= known == ledger.head();
            }
            if ledger.size() >= head.size || is_empty {
                if ledger.head() != head || !has_known {
                    return Err(Tampering::Stream.into());
                }
                self.state().memory.releases = ledger;
                return Ok(all);
            }
        }
    }

    /// One release, which must be this curator's and follow on those before.
    fn read_release(&self, past: PastRelease, ledger: &mut Frontier) -> Result<Vec<u8>, Error> {
        let PastRelease { event, note, journal } = past;
        let step = event.verify_step(self.card.verifying_key()).map_err(|_forged| Tampering::Stream)?;
        let subject = note.digest();
        let before = ledger.head();
        ledger.append(leaf_hash(subject.as_bytes()));
        let is_next = step.verb == Verb::Release
            && step.owner == Principal::Vault(self.vault_id()?)
            && step.subject == Some(subject)
            && step.before == Some(before)
            && step.after == Some(ledger.head())
            && note.journal == ReleaseNote::journal_digest(&journal);
        if !is_next {
            return Err(Tampering::Stream.into());
        }
        let (fresh, sealed) = journal.split_first_chunk::<32>().ok_or(Tampering::Record)?;
        Ok(self.journal_key(fresh)?.open(&codec::encode(&before), sealed).or(Err(Tampering::Record))?)
    }

    fn seal_journal(&self, before: Head, journal: &[u8]) -> Result<ByteVec, Error> {
        let fresh: [u8; 32] = self.random();
        let sealed = self.journal_key(&fresh)?.seal(&codec::encode(&before), journal);
        Ok([fresh.as_slice(), &sealed].concat().into())
    }

    fn journal_key(&self, fresh: &[u8; 32]) -> Result<OneUseKey, Error> {
        let vault = self.vault_id()?;
        let context: [&[u8]; 2] = [vault.as_bytes(), fresh];
        Ok(OneUseKey::new(self.keyring.derive_own(Label::ReleaseJournal, &context)))
    }
}
