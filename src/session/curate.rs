//! The curator's work: what is shared comes into the pool, and epoch by epoch goes out through the gate.

use std::{collections::BTreeMap, fmt};

use crate::{
    codec,
    crypto::Random,
    custodian::PoolCursor,
    error::{Error, Misuse, Tampering},
    id::Handle,
    merkle::Head,
    party::Curator,
    public::{Batch, Epoch, Journal, Plain, Pool, PublicPolicy, Release, Waiting},
    session::{Session, Unfit},
    time::Timestamp,
};

/// How often an epoch is worked out again when something is taken back meanwhile.
const ATTEMPTS: usize = 3;

/// What an epoch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Curated {
    /// Batches that became public.
    pub batches: usize,
    /// Rows in them.
    pub rows: usize,
    /// Batches that were hidden.
    pub hidden: usize,
    /// The head of the releases with this one; none, if nothing changed.
    pub releases: Option<Head>,
}

/// A curator's pool, kept in step with the vault's.
///
/// # Security
/// Holds every abstract that waits and which row is whose, in memory. It does not know who anyone is.
pub struct Curation<'s, 'c> {
    session: &'s Session<'c, Curator>,
    pool: Pool,
    seen: PoolCursor,
    /// Until when the patients said yes.
    ends: BTreeMap<Handle, Timestamp>,
    /// What came and was not taken, by why.
    unfit: BTreeMap<Unfit, u64>,
}

impl<'c> Session<'c, Curator> {
    /// Takes the curator's work up where the releases say it stood: after a crash, too.
    ///
    /// The policies are all that were ever in force, in their order, the present one last.
    ///
    /// # Errors
    /// [`Misuse::NotPublic`] if the last is not the one that the registrars signed; [`Tampering::Record`] if a journal does not
    /// follow on those before it; otherwise as [`Self::pull`] and [`Self::journals`].
    pub fn curate(&self, policies: &[PublicPolicy]) -> Result<Curation<'_, 'c>, Error> {
        self.meet()?;
        let known = self.policy()?;
        let area = known.public_area().ok_or(Misuse::NotPublic)?;
        if policies.last().map(PublicPolicy::digest) != Some(area.policy) {
            return Err(Misuse::NotPublic.into());
        }
        let mut pool = Pool::new(Plain);
        for policy in policies {
            let adopted = pool.adopt(policy.digest(), policy.gate_rules()?, PublicPolicy::codes()?);
            adopted.map_err(|_unlike| Misuse::NotPublic)?;
        }
        for past in self.journals()? {
            let journal: Journal = codec::decode(&past.journal).map_err(|_garbled| Tampering::Record)?;
            pool.replay(&journal).map_err(|_misplaced| Tampering::Record)?;
        }
        let (seen, ends, unfit) = (PoolCursor::default(), BTreeMap::new(), BTreeMap::new());
        let mut curation = Curation { session: self, pool, seen, ends, unfit };
        curation.catch_up()?;
        Ok(curation)
    }
}

impl Curation<'_, '_> {
    /// Reads what was shared and what was taken back since.
    ///
    /// # Errors
    /// As [`Session::pull`].
    pub fn catch_up(&mut self) -> Result<(), Error> {
        loop {
            let pulled = self.session.pull(&self.seen)?;
            for arrival in pulled.arrivals {
                self.ends.insert(arrival.handle, arrival.until);
                if let Err(refused) = self.pool.arrive(arrival.handle, arrival.token, &arrival.case) {
                    tracing::debug!(handle = %arrival.handle, %refused, "not taken into the pool");
                }
            }
            for handle in pulled.departures {
                self.leave(handle);
            }
            for (handle, why) in pulled.unfit {
                *self.unfit.entry(why).or_default() += 1;
                if why == Unfit::Ended {
                    // What is public of a consent that is over by now goes too.
                    self.leave(handle);
                }
            }
            self.seen = pulled.next;
            if pulled.is_last {
                return Ok(());
            }
        }
    }

    /// Brings the public area to its next epoch: what was taken back, or whose consent has ended, is hidden with its cover; what
    /// passes the gate comes out. All of it at once, or nothing.
    ///
    /// # Errors
    /// [`Misuse::Conflict`] if more is taken back each time it is tried, or another session of this curator has released:
    /// begin anew with [`Session::curate`]. After any error, too, for it may have been done.
    ///
    /// # Security
    /// The randomness must be unknown outside: it chooses ids, order, and who goes as cover.
    pub fn epoch(&mut self, random: &mut Random) -> Result<Curated, Error> {
        for _ in 0..ATTEMPTS {
            self.catch_up()?;
            let now = self.session.clock.now();
            let ended = self.ends.iter().filter(|(_, until)| **until <= now);
            for handle in ended.map(|(handle, _)| *handle).collect::<Vec<_>>() {
                self.leave(handle);
            }
            let mut pool = self.pool.clone();
            let Epoch { releases, hidden, journal } = pool.epoch(random);
            if journal.made.is_empty() && journal.hidden.is_empty() && journal.settled.is_empty() {
                return Ok(Curated { batches: 0, rows: 0, hidden: 0, releases: None });
            }
            let (mut rows, mut batches) = (Vec::new(), Vec::new());
            for Batch { facts, rows: of_batch } in releases.into_iter().map(Release::into_batch) {
                batches.push(facts);
                rows.extend(of_batch);
            }
            let counts = (batches.len(), rows.len(), hidden.len());
            match self.session.release(&self.seen, (rows, batches, hidden), &codec::encode(&journal)) {
                Ok(head) => {
                    self.pool = pool;
                    let (batches, rows, hidden) = counts;
                    return Ok(Curated { batches, rows, hidden, releases: Some(head) });
                }
                Err(Error::Misuse(Misuse::Conflict)) => (),
                Err(error) => return Err(error),
            }
        }
        Err(Misuse::Conflict.into())
    }

    /// What waits and why: no count tells of few.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        self.pool.waiting()
    }

    /// How much came that was not taken, by why.
    #[must_use]
    pub const fn unfit(&self) -> &BTreeMap<Unfit, u64> {
        &self.unfit
    }

    fn leave(&mut self, handle: Handle) {
        self.ends.remove(&handle);
        self.pool.leave(handle);
    }
}

impl fmt::Debug for Curation<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Curation({:?}, ..)", self.pool)
    }
}
