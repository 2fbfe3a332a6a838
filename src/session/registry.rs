//! The registrars' key, and the policies they sign.

use std::sync::Arc;

use crate::{
    access::{Charter, CharterStatement, Policy},
    credential::{RegistryKey, RegistryStatement, Trust},
    crypto::{Signed, kdf::MacKey},
    custodian::{Answer, Enclosure, Part, Question},
    error::{Error, Misuse, Tampering, Unavailable},
    event::{Principal, Step, Verb},
    id::Digest,
    party::{Card, Registrar, RoleType},
    session::{
        Session,
        exchange::{From, Hand, Outcome},
    },
};

/// A policy that waits for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    charter: Charter,
    statement: CharterStatement,
}

impl Proposal {
    /// What would be allowed.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.statement.policy
    }

    /// What names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.charter.digest()
    }

    /// The registrars trusted now who have signed it.
    #[must_use]
    pub fn signers<'t>(&self, trust: &'t Trust) -> Vec<&'t Card> {
        self.charter.signers(trust)
    }
}

impl<R: RoleType> Session<'_, R> {
    /// What reports and appeals are sealed for: the newest key of all, if a present registrar made it for exactly the present
    /// ones. An older one that was theirs has been handed on since, to whoever came and left.
    pub(super) fn registry(&self) -> Result<RegistryStatement, Error> {
        let trust = self.meet()?;
        let (_, registries) = self.charters(trust.version)?;
        let generation = |signed: &Signed<RegistryStatement>| signed.claims().map_or(0, |key| key.generation);
        let newest = registries.iter().max_by_key(|signed| generation(signed));
        let mut state = self.state();
        if state.memory.registry.is_some_and(|seen| newest.map_or(0, generation) < seen) {
            return Err(Tampering::Trust.into());
        }
        let current = newest.and_then(|signed| current(signed, &trust)).ok_or(Misuse::NoRegistry)?;
        state.memory.registry = Some(current.generation);
        Ok(current)
    }
}

impl<R: RoleType> Session<'_, R> {
    /// Remembers which of the registrars' keys were made by those trusted now: it is they who hand them on.
    pub(super) fn remember_registries(&self, registries: &[Signed<RegistryStatement>], trust: &Trust) {
        let believed =
            registries.iter().filter(|signed| RegistryStatement::believed(signed, trust).is_some());
        self.state().registries.extend(believed.map(Signed::digest));
    }

    /// Whether a registrar signed this who is trusted, or was when this session saw it.
    fn believes(&self, signed: &Signed<RegistryStatement>, trust: &Trust) -> bool {
        RegistryStatement::believed(signed, trust).is_some()
            || self.state().registries.contains(&signed.digest())
    }
}

/// What a present registrar signed, for exactly the present ones.
fn current(signed: &Signed<RegistryStatement>, trust: &Trust) -> Option<RegistryStatement> {
    let statement = RegistryStatement::believed(signed, trust)?;
    let is_present = trust.registrars.iter().any(|card| card.party() == statement.registrar);
    (is_present && statement.is_for(&trust.registrars)).then_some(statement)
}

impl Session<'_, Registrar> {
    /// Sees to it that the present registrars share a key: makes the first, or the next when one has come or gone.
    ///
    /// Happens at sign-in.
    ///
    /// # Errors
    /// As [`Error`] says; [`Misuse::NoRegistry`] if this registrar was not given the older key yet: another one must sign in.
    pub fn equip(&self) -> Result<(), Error> {
        match self.registry() {
            Ok(_) => return Ok(()),
            Err(Error::Misuse(Misuse::NoRegistry)) => (),
            Err(error) => return Err(error),
        }
        let registrars = self.trust()?.registrars;
        match self.make_key(&registrars) {
            // Another registrar did it meanwhile.
            Err(Error::Misuse(Misuse::Conflict)) => self.registry().map(drop),
            outcome => outcome,
        }
    }

    /// The same at sign-in, where a vault that takes nothing, or a key that others must hand on, is no reason to stay out.
    pub(super) fn equip_if_can(&self) -> Result<(), Error> {
        match self.equip() {
            Err(Error::Store(Unavailable::ReadOnly) | Error::Misuse(Misuse::NoRegistry)) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn make_key(&self, registrars: &[Card]) -> Result<(), Error> {
        let trust = self.trust()?;
        let (_, registries) = self.charters(trust.version)?;
        let newest = registries.last().map(Signed::claims).transpose()?;
        let before = match &newest {
            Some(statement) => Some(self.registry_key_of(statement.generation)?),
            None => None,
        };
        let about = (trust.vault, registrars, self.clock.now());
        let maker = (self.id(), self.keyring.signer());
        let mut random = self.fork_random();
        let (_, signed) =
            RegistryKey::make(before.as_deref(), about, maker, &mut random).or(Err(Tampering::Card))?;
        self.to_vault(Verb::Equip, signed.digest(), Enclosure::Registry(signed))
    }

    /// The newest key that the registrars share.
    pub(super) fn registry_key(&self) -> Result<Arc<RegistryKey>, Error> {
        let generation = self.registry()?.generation;
        self.registry_key_of(generation)
    }

    /// The key that makes person tags: the first generation's.
    pub(super) fn tag_key(&self) -> Result<MacKey, Error> {
        self.registry_key_of(1)?.tag_key().ok_or_else(|| Tampering::Trust.into())
    }

    /// The key of a generation: wrapped for this registrar, or by the links from a later one that was.
    ///
    /// A wrap has no sender: only what a registrar signed is opened. What its links lead to was sealed by who had the later key.
    pub(super) fn registry_key_of(&self, generation: u32) -> Result<Arc<RegistryKey>, Error> {
        if let Some(key) = self.state().registry.get(&generation) {
            return Ok(Arc::clone(key));
        }
        let trust = self.trust()?;
        let (_, registries) = self.charters(trust.version)?;
        let statements = registries.iter().map(Signed::claims).collect::<Result<Vec<_>, _>>()?;
        let signed = registries.iter().zip(&statements).enumerate().rev();
        let mut believed = signed.filter(|(_, (signed, _))| self.believes(signed, &trust));
        let opened = believed.find_map(|(index, (_, statement))| {
            RegistryKey::open(statement, (&self.keyring, &self.card)).ok().map(|key| (index, key))
        });
        let (mut index, key) = opened.ok_or(Misuse::NoRegistry)?;
        let mut key = Arc::new(key);
        loop {
            self.state().registry.insert(key.generation(), Arc::clone(&key));
            if key.generation() == generation {
                return Ok(key);
            }
            let before = index.checked_sub(1).ok_or(Misuse::NoRegistry)?;
            let (statement, previous) =
                statements.get(index).zip(statements.get(before)).ok_or(Tampering::Trust)?;
            key = Arc::new(key.previous(statement, previous).or(Err(Tampering::Trust))?);
            index = before;
        }
    }

    /// Proposes a policy, with this registrar's signature: in force at once, if that is enough. Whoever is new in it is given
    /// the registrars' key by who signs last.
    ///
    /// # Errors
    /// [`Misuse::Policy`] if it cannot be kept; [`Misuse::Conflict`] if another policy came into force meanwhile.
    pub fn propose(&self, policy: Policy) -> Result<Digest, Error> {
        if !policy.is_sound() {
            return Err(Misuse::Policy.into());
        }
        let trust = self.meet()?;
        let statement = CharterStatement {
            vault: trust.vault,
            version: trust.version.saturating_add(1),
            previous: trust.policy.ok_or(Tampering::Trust)?,
            policy,
        };
        let charter = Charter::sign(&statement, (self.id(), self.keyring.signer()));
        let digest = charter.digest();
        self.sign_charter(charter)?;
        Ok(digest)
    }

    /// The policies that wait for signatures: for this vault, and following on the present one.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        let trust = self.meet()?;
        let Answer::Proposals(charters) = self.ask(Question::Proposals)? else {
            return Err(Tampering::Answer.into());
        };
        let read = |charter: Charter| Ok(Proposal { statement: charter.claims()?, charter });
        let proposals = charters.into_iter().map(read).collect::<Result<Vec<_>, Error>>()?;
        // What is signed for another vault, or for another time, would be in force there.
        let follows = |Proposal { statement, .. }: &Proposal| {
            statement.vault == trust.vault
                && Some(statement.version) == trust.version.checked_add(1)
                && Some(statement.previous) == trust.policy
        };
        Ok(proposals.into_iter().filter(follows).collect())
    }

    /// Signs a policy that waits; look at it first.
    ///
    /// # Errors
    /// [`Misuse::Conflict`] if another came into force meanwhile.
    pub fn countersign(&self, proposal: &Proposal) -> Result<(), Error> {
        let charter = proposal.charter.clone().sign_too((self.id(), self.keyring.signer()));
        self.sign_charter(charter)
    }

    fn sign_charter(&self, charter: Charter) -> Result<(), Error> {
        self.hand_on(&charter)?;
        self.to_vault(Verb::Govern, charter.digest(), Enclosure::Charter(charter))?;
        self.meet()?;
        // Who has left has no part in the next key; who has stayed sees to it.
        if self.trust()?.is_registrar(&self.card) { self.equip_if_can() } else { Ok(()) }
    }

    /// Gives the registrars' key to whoever is new in a policy that comes into force by this signature: who gives it may leave by
    /// the same policy. Before enough have signed, nobody is new.
    fn hand_on(&self, charter: &Charter) -> Result<(), Error> {
        let trust = self.trust()?;
        let policy = charter.claims()?.policy;
        let new = policy.registrars().iter().filter(|card| !trust.registrars.contains(card));
        let all: Vec<Card> = trust.registrars.iter().chain(new).cloned().collect();
        let is_enough = charter.signers(&trust).len() >= usize::from(trust.registrars_needed.max(1));
        if !is_enough || all.len() == trust.registrars.len() || all.len() > crate::limits::REGISTRARS_MAX {
            return Ok(());
        }
        self.equip()?;
        self.make_key(&all)
    }

    fn to_vault(&self, verb: Verb, subject: Digest, enclosure: Enclosure) -> Result<(), Error> {
        let owner = Principal::Vault(self.vault_id()?);
        let event = self.event(Principal::Party(self.id()), verb, self.fresh_op())?;
        let event = event.with(|step| Step { owner, subject: Some(subject), ..step });
        let part = Part { enclosure: Some(enclosure), ..Part::of(self.sign(&Hand::Own, event)) };
        match self.submit(From::Other, vec![part])? {
            Outcome::Accepted(_) => Ok(()),
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }
}
