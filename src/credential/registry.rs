//! The registry: the key that the registrars share, and the custodian never holds.
//!
//! ```text
//! seed_g (32 random bytes), wrapped to each registrar's card       a new one when a registrar leaves
//!   ├─ X-Wing key pair = HKDF(seed_g, "registry" ‖ "x-wing")       reports and appeals are sealed for it
//!   ├─ dossier key     = HKDF(seed_g, "dossier" ‖ 32 random bytes)  one for each check list
//!   └─ link            = seed_(g-1) sealed under HKDF(seed_g, "registry link")
//! tag key              = HKDF(seed_1, "person tag")                 one for all time: a person keeps its tag
//! ```

use minicbor::{Decode, Encode, bytes::ByteVec};
use zeroize::Zeroizing;

use crate::{
    codec::{self, wire},
    credential::{CheckList, Trust},
    crypto::{
        DoesNotOpen, Label, OpeningKey, Random, SealingKey, Secret, Signed, Signer, Statement,
        aead::OneUseKey,
        kdf::{MacKey, derive},
    },
    id::{Digest, PartyId, VaultId},
    letter,
    limits::REGISTRARS_MAX,
    party::{Card, Keyring},
    time::Timestamp,
};

/// One generation of the registrars' key, as one of them signs it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RegistryStatement {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// Which generation, from one.
    #[n(1)]
    pub generation: u32,
    /// What reports and appeals are sealed for.
    #[n(2)]
    pub sealing: SealingKey,
    /// The seed, for each registrar, by the digest of its card.
    #[n(3)]
    wraps: Vec<Wrapped>,
    /// The seed of the generation before.
    #[n(4)]
    link: Option<ByteVec>,
    /// Who made it.
    #[n(5)]
    pub registrar: PartyId,
    /// When.
    #[n(6)]
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wrapped {
    #[n(0)]
    card: Digest,
    #[n(1)]
    wrap: ByteVec,
}

wire! { RegistryStatement: "registry", 4096 + 1400 * REGISTRARS_MAX; }

impl Statement for RegistryStatement {
    const LABEL: Label = Label::Registry;
}

impl RegistryStatement {
    /// Whether it is for exactly these registrars.
    #[must_use]
    pub fn is_for(&self, registrars: &[Card]) -> bool {
        self.wraps.len() == registrars.len() && self.covers(registrars)
    }

    /// Whether it is for all of these registrars; others may be about to become some.
    #[must_use]
    pub fn covers(&self, registrars: &[Card]) -> bool {
        self.wraps.len() <= REGISTRARS_MAX
            && registrars.iter().all(|card| self.wraps.iter().any(|wrap| wrap.card == card.digest()))
    }

    /// What this vault's trusted registrars signed, if one of them did.
    #[must_use]
    pub fn believed(signed: &Signed<Self>, trust: &Trust) -> Option<Self> {
        let claimed = signed.claims().ok()?.registrar;
        let card = trust.registrar(claimed)?;
        signed.verify_again(card.verifying_key()).ok().filter(|statement| statement.vault == trust.vault)
    }

    fn info(vault: VaultId, generation: u32) -> Vec<u8> {
        [Label::Registry.bytes(), vault.as_bytes(), &generation.to_be_bytes()].concat()
    }
}

/// The registrars' key, held by one of them.
#[derive(Debug)]
pub struct RegistryKey {
    generation: u32,
    seed: Secret<32>,
    opening: OpeningKey,
}

impl RegistryKey {
    fn of(generation: u32, seed: Secret<32>) -> Self {
        let opening = OpeningKey::from_seed(&derive(seed.expose(), &[], Label::Registry, &[b"x-wing"]));
        Self { generation, seed, opening }
    }

    /// Makes the next generation for these registrars: the first, if there is none before.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if a card takes no wrap, which a parsed one does.
    pub fn make(
        before: Option<&Self>,
        (vault, registrars, at): (VaultId, &[Card], Timestamp),
        (maker, signer): (PartyId, &Signer),
        random: &mut Random,
    ) -> Result<(Self, Signed<RegistryStatement>), DoesNotOpen> {
        let generation = before.map_or(0, |before| before.generation).saturating_add(1);
        let key = Self::of(generation, Secret::generate(random));
        let info = RegistryStatement::info(vault, generation);
        let wrap = |card: &Card, random: &mut Random| -> Result<Wrapped, DoesNotOpen> {
            let digest = card.digest();
            let wrap = card.sealing_key().wrap(&info, digest.as_bytes(), &key.seed, random)?;
            Ok(Wrapped { card: digest, wrap: wrap.into() })
        };
        let wraps = registrars.iter().map(|card| wrap(card, random)).collect::<Result<_, _>>()?;
        let link = before.map(|before| key.link_key().seal(&info, before.seed.expose()).into());
        let sealing = key.opening.sealing_key().clone();
        let statement = RegistryStatement { vault, generation, sealing, wraps, link, registrar: maker, at };
        Ok((key, Signed::sign(&statement, signer)))
    }

    /// The key of a generation that was wrapped for the holder of a keyring.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it was not, or is not what the statement says.
    pub fn open(
        statement: &RegistryStatement,
        (keyring, card): (&Keyring, &Card),
    ) -> Result<Self, DoesNotOpen> {
        let RegistryStatement { vault, generation, sealing, wraps, .. } = statement;
        let digest = card.digest();
        let wrapped = wraps.iter().find(|wrapped| wrapped.card == digest).ok_or(DoesNotOpen)?;
        let info = RegistryStatement::info(*vault, *generation);
        let seed = keyring.opening_key().unwrap_key(&info, digest.as_bytes(), &wrapped.wrap)?;
        let key = Self::of(*generation, seed);
        if key.opening.sealing_key() == sealing { Ok(key) } else { Err(DoesNotOpen) }
    }

    /// The key of the generation before, by this one's link.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if the link leads elsewhere than that generation's statement says.
    pub fn previous(
        &self,
        statement: &RegistryStatement,
        previous: &RegistryStatement,
    ) -> Result<Self, DoesNotOpen> {
        let link = statement.link.as_ref().ok_or(DoesNotOpen)?;
        let info = RegistryStatement::info(statement.vault, statement.generation);
        let seed = Zeroizing::new(self.link_key().open(&info, link)?);
        let key = Self::of(previous.generation, Secret::try_from(seed.as_slice())?);
        let follows = previous.generation.checked_add(1) == Some(self.generation);
        if follows && key.opening.sealing_key() == &previous.sealing { Ok(key) } else { Err(DoesNotOpen) }
    }

    /// Which generation it is.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// What opens the reports and appeals of this generation.
    #[must_use]
    pub const fn opening_key(&self) -> &OpeningKey {
        &self.opening
    }

    /// What person tags are made with: of the first generation alone.
    #[must_use]
    pub fn tag_key(&self) -> Option<MacKey> {
        let key = || MacKey::new(&derive(self.seed.expose(), &[], Label::PersonTag, &[]));
        (self.generation == 1).then(key)
    }

    /// Seals a check list for the registrars.
    #[must_use]
    pub fn seal_dossier(&self, checks: &CheckList, random: &mut Random) -> Vec<u8> {
        let fresh: [u8; 32] = random.bytes();
        let generation = self.generation.to_be_bytes();
        let plain = Zeroizing::new(codec::encode(checks));
        let body = self.dossier_key(&fresh).seal_in_place(&generation, letter::padded(&plain));
        [generation.as_slice(), &fresh, &body].concat()
    }

    /// Which generation sealed a check list.
    #[must_use]
    pub fn dossier_generation(sealed: &[u8]) -> Option<u32> {
        sealed.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Opens a check list of this generation.
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it is of another, or was changed.
    pub fn open_dossier(&self, sealed: &[u8]) -> Result<CheckList, DoesNotOpen> {
        let (generation, rest) = sealed.split_first_chunk::<4>().ok_or(DoesNotOpen)?;
        let (fresh, body) = rest.split_first_chunk::<32>().ok_or(DoesNotOpen)?;
        let plain = letter::unpadded(self.dossier_key(fresh).open(generation, body)?)?;
        codec::decode(&plain).or(Err(DoesNotOpen))
    }

    fn dossier_key(&self, fresh: &[u8; 32]) -> OneUseKey {
        OneUseKey::new(derive(self.seed.expose(), &[], Label::Dossier, &[fresh]))
    }

    fn link_key(&self) -> OneUseKey {
        OneUseKey::new(derive(self.seed.expose(), &[], Label::RegistryLink, &[]))
    }
}
