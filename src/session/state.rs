//! What a session is made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    access::Policy,
    codec,
    credential::{Attestations, RegistryKey},
    crypto::{NoRandomness, Random, Signed},
    custodian::Custodian,
    event::Receipt,
    id::{Digest, FolderId, Handle, PartyId},
    party::{Card, CaseKey, Keyring, Owner, RoleType},
    session::{Memory, pen::Pen},
    time::{Clock, SystemClock},
};

/// What a session takes from outside besides its custodian: time and randomness.
pub struct Tools {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Random,
}

impl Tools {
    /// The system's clock and randomness.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn system() -> Result<Self, NoRandomness> {
        Ok(Self { clock: Arc::new(SystemClock), random: Random::system()? })
    }

    /// This clock and this randomness.
    #[must_use]
    pub fn new(clock: impl Clock, random: Random) -> Self {
        Self { clock: Arc::new(clock), random }
    }
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools(..)")
    }
}

/// The party's side, in a role.
///
/// # Security
/// Holds the keyring and the keys of opened folders in memory, until dropped.
pub struct Session<'c, R> {
    pub(super) custodian: &'c dyn Custodian,
    pub(super) keyring: Keyring,
    pub(super) card: Card,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) state: Mutex<State>,
    pub(super) role: PhantomData<fn() -> R>,
}

/// What changes while a session lasts.
pub(super) struct State {
    pub(super) memory: Memory,
    /// What the vault allows, as it said when it was met.
    pub(super) policy: Option<Policy>,
    /// A registrar's: the keys the registrars share, by their generations.
    pub(super) registry: BTreeMap<u32, Arc<RegistryKey>>,
    /// What registrars signed of such keys while they were trusted, by its digests: one may have been expelled since.
    pub(super) registries: BTreeSet<Digest>,
    pub(super) random: Random,
    pub(super) pens: BTreeMap<FolderId, Arc<Pen>>,
    /// The newest events met in the party's own stream.
    pub(super) met: BTreeSet<Digest>,
    /// Cards of others with what registrars said of them when they were last asked for.
    pub(super) cards: BTreeMap<PartyId, (Card, Attestations)>,
    /// The keys of the party's Cases, by their nonces.
    pub(super) case_keys: BTreeMap<[u8; 16], Arc<CaseKey>>,
    /// The receipt of the last act.
    pub(super) receipt: Option<Signed<Receipt>>,
    /// A curator's: under which handle each sealed abstract first came.
    pub(super) pooled: BTreeMap<Digest, Handle>,
}

impl<'c, R: RoleType> Session<'c, R> {
    pub(super) fn assemble(
        custodian: &'c dyn Custodian,
        keyring: Keyring,
        memory: Memory,
        tools: Tools,
    ) -> Self {
        let card = keyring.card(R::ROLE);
        let state = State {
            memory,
            policy: None,
            registry: BTreeMap::new(),
            registries: BTreeSet::new(),
            random: tools.random,
            pens: BTreeMap::new(),
            met: BTreeSet::new(),
            cards: BTreeMap::new(),
            case_keys: BTreeMap::new(),
            receipt: None,
            pooled: BTreeMap::new(),
        };
        Self { custodian, keyring, card, clock: tools.clock, state: Mutex::new(state), role: PhantomData }
    }

    /// The party's id: what others need to grant it something.
    #[must_use]
    pub fn id(&self) -> PartyId {
        self.card.party()
    }

    /// The party's card.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// The vault's receipt for this session's last act, in the bytes that an auditor takes: a signed [`Receipt`], to be kept or
    /// mailed. None before the first.
    ///
    /// # Security
    /// It names no party and no folder; but whoever has the streams finds the act in them. An owner's tells the length of the
    /// owner's stream.
    #[must_use]
    pub fn last_receipt(&self) -> Option<Vec<u8>> {
        self.state().receipt.as_ref().map(codec::encode)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        self.state().random.bytes()
    }

    /// Randomness of its own for one piece of work.
    pub(super) fn fork_random(&self) -> Random {
        Random::seeded(self.random())
    }
}

impl<R: Owner> Session<'_, R> {
    pub(super) fn forget_pen(&self, folder: FolderId) {
        self.state().pens.remove(&folder);
    }
}

impl<R> std::fmt::Debug for Session<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?})", self.card)
    }
}
