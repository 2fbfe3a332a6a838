//! Sharing a case with the public area, anonymised; taking it back; seeing what was shared.
//!
//! ```text
//! own copy = r₃₂ ‖ AES-256-GCM(HKDF(seed, "shared" ‖ vault ‖ case ‖ r), aad = digest of what is sealed for the curator)
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use zeroize::Zeroizing;

use crate::{
    crypto::{Label, aead::OneUseKey},
    custodian::{Answer, Enclosure, Part, Question, SharedAbstract, SharedState},
    deidentify::{Draft, Owner, Refused, draft},
    error::{Error, Misuse, Tampering},
    event::{Step, Verb},
    folder::FolderKind,
    id::{Digest, FolderId},
    letter::Letter,
    party::Patient,
    public::{Abstract, PublicPolicy, Sharing, Use},
    record::Kind,
    session::{
        Case, Session,
        exchange::{From, Outcome},
        memory::Own,
    },
    time::Timestamp,
};

/// A case that was shared, and what was said yes to.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedWithPublic {
    /// The case.
    pub case: FolderId,
    /// When the custodian received it.
    pub at: Timestamp,
    /// The abstract, as it was shown, its uses, and until when.
    pub sharing: Sharing,
    /// Whether the curator has had it: then it may be public.
    pub is_taken: bool,
}

impl fmt::Debug for SharedWithPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedWithPublic({}, ..)", self.case)
    }
}

impl fmt::Display for SharedWithPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, at, sharing, is_taken } = self;
        let uses: Vec<&str> = sharing.uses.iter().map(|purpose| purpose.word()).collect();
        write!(
            f,
            "your case {case}, anonymised, shared on {at} for {} until {}: ",
            uses.join(", "),
            sharing.until
        )?;
        f.write_str(if *is_taken {
            "the curator has had it, and it may be public; copies that were downloaded cannot be called back"
        } else {
            "it waits for the curator, and can be taken back without a trace"
        })
    }
}

impl Session<'_, Patient> {
    /// What would be said of a case in public, and what would become of the rest: to be read before she says yes. Nothing leaves
    /// the session by it.
    ///
    /// A case of which nothing can be said now is [`Refused`], with the reason.
    ///
    /// # Errors
    /// [`Misuse::NotPublic`] if the policy is not that of the vault's public area; otherwise as [`Self::open`].
    pub fn draft(&self, case: &Case, policy: &PublicPolicy) -> Result<Result<Draft, Refused>, Error> {
        self.own_case(case)?;
        self.meet()?;
        let known = self.policy()?;
        known.public_area().filter(|area| area.policy == policy.digest()).ok_or(Misuse::NotPublic)?;
        let who = self.open(&self.identity_folder()?)?.records_of(Kind::Resource)?;
        let owner = Owner::of_records(who.iter().map(|record| (record.kind(), record.content())));
        let owner = match owner {
            Ok(owner) => owner,
            Err(why) => return Ok(Err(Refused { why, unmapped: BTreeSet::new() })),
        };
        let records = self.open(case)?.records()?;
        Ok(draft(policy, &owner, records.iter().map(|record| (record.kind(), record.content()))))
    }

    /// Gives an anonymised case to the public area: exactly this abstract, for these uses, until then.
    ///
    /// # Errors
    /// [`Misuse::NotPublic`] if the vault has no public area, or one of another public policy than the abstract was made
    /// under; [`Misuse::NotOwn`] if the case is another's, or no case; [`Misuse::Shared`] if it is shared already;
    /// [`Misuse::NotAttested`] if the registrars do not vouch for the patient now; [`Misuse::Terms`] for no use, or an end
    /// that is past. [`Error::Denied`] if the case was taken back once after the curator had it: it does not come out again.
    ///
    /// # Security
    /// The custodian learns that a case was shared when, and nothing of what it says. The curator reads the abstract and does
    /// not learn whose it is. What was released can be hidden, and not called back from who has a copy.
    pub fn share(
        &self,
        case: &Case,
        shown: &Abstract,
        uses: impl IntoIterator<Item = Use>,
        until: Timestamp,
    ) -> Result<(), Error> {
        let own = self.own_case(case)?;
        if own.shared.is_some() {
            return Err(Misuse::Shared.into());
        }
        self.meet()?;
        let policy = self.policy()?;
        let area = policy.public_area().filter(|area| area.policy == shown.policy);
        let area = area.ok_or(Misuse::NotPublic)?;
        let sharing =
            Sharing { case: shown.clone(), uses: uses.into_iter().collect(), until, salt: self.random() };
        if sharing.uses.is_empty() || until <= self.clock.now() {
            return Err(Misuse::Terms.into());
        }
        self.vouched(self.id())?;
        let vault = self.vault_id()?;
        let content = Zeroizing::new(sharing.to_bytes()?);
        let curator = area.curator.digest();
        let context: [&[u8]; 3] = [vault.as_bytes(), area.policy.as_bytes(), curator.as_bytes()];
        let about = (Label::PooledAbstract, context.as_slice());
        let sealed = Letter::seal(area.curator.sealing_key(), about, &content, &mut self.fork_random());
        let sealed = sealed.or(Err(Misuse::TooMuch))?;
        let digest = sealed.digest();
        let own = self.seal_own_copy((case.folder, digest), &content)?.into();
        let enclosure = SharedAbstract { sealed, own, policy: area.policy, curator };
        self.act_on_shared(case, (Verb::Share, digest), Some(Enclosure::Share(enclosure)))
    }

    /// Takes back what was shared of a case: what waits is gone at once; what the curator has had is hidden with the next
    /// release.
    ///
    /// # Errors
    /// [`Misuse::NotShared`] if nothing of it is shared; [`Misuse::NotOwn`] if it is another's.
    pub fn retract(&self, case: &Case) -> Result<(), Error> {
        let digest = self.own_case(case)?.shared.ok_or(Misuse::NotShared)?;
        self.act_on_shared(case, (Verb::Retract, digest), None)
    }

    /// The cases that are shared now, each with the abstract and the consent as they were given.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if the custodian leaves one out that one's stream has; [`Tampering::Record`] if a copy is not
    /// what was shared.
    pub fn shared_cases(&self) -> Result<Vec<SharedWithPublic>, Error> {
        self.sync()?;
        let expected: BTreeMap<FolderId, Digest> = {
            let state = self.state();
            let shared = state.memory.own.iter().filter_map(|(case, own)| Some((*case, own.shared?)));
            shared.collect()
        };
        let Answer::Shared(answered) = self.ask(Question::Shared)? else {
            return Err(Tampering::Answer.into());
        };
        let of = |case: &FolderId, sealed: &Digest| {
            answered.iter().find(|shared| shared.case == *case && shared.sealed == *sealed)
        };
        let shown = expected.iter().map(|(case, sealed)| {
            let shared = of(case, sealed).ok_or(Tampering::Stream)?;
            let own = shared.own.as_ref().ok_or(Tampering::Stream)?;
            let sharing = self.open_own_copy((*case, *sealed), own)?;
            let is_taken = shared.state != SharedState::Waiting;
            Ok(SharedWithPublic { case: *case, at: shared.received, sharing, is_taken })
        });
        shown.collect()
    }

    /// One's own case, by one's stream as it is now.
    fn own_case(&self, case: &Case) -> Result<Own, Error> {
        self.sync()?;
        let own = self.own_folder(case.folder)?;
        if own.kind == FolderKind::Case && case.granted.is_none() {
            Ok(own)
        } else {
            Err(Misuse::NotOwn.into())
        }
    }

    fn act_on_shared(
        &self,
        case: &Case,
        (verb, digest): (Verb, Digest),
        enclosure: Option<Enclosure>,
    ) -> Result<(), Error> {
        let event = self.event(self.actor_in(case)?, verb, self.fresh_op())?;
        let event = event.with(|step| Step { folder: Some(case.folder), subject: Some(digest), ..step });
        let part = Part { enclosure, ..Part::of(self.sign_in_case(case, event)?) };
        match self.submit(From::Owner, vec![part])? {
            Outcome::Accepted(_) => self.sync(),
            // Another device did it meanwhile.
            Outcome::Conflict => Err(Misuse::Conflict.into()),
        }
    }

    fn seal_own_copy(&self, place: (FolderId, Digest), content: &[u8]) -> Result<Vec<u8>, Error> {
        let fresh: [u8; 32] = self.random();
        let sealed = self.own_copy_key(place, &fresh)?.seal(place.1.as_bytes(), content);
        Ok([fresh.as_slice(), &sealed].concat())
    }

    fn open_own_copy(&self, place: (FolderId, Digest), copy: &[u8]) -> Result<Sharing, Error> {
        let (fresh, sealed) = copy.split_first_chunk::<32>().ok_or(Tampering::Record)?;
        let content = self.own_copy_key(place, fresh)?.open(place.1.as_bytes(), sealed);
        let content = Zeroizing::new(content.or(Err(Tampering::Record))?);
        Ok(Sharing::from_bytes(&content).or(Err(Tampering::Record))?)
    }

    fn own_copy_key(&self, (case, _): (FolderId, Digest), fresh: &[u8; 32]) -> Result<OneUseKey, Error> {
        let vault = self.vault_id()?;
        let context: [&[u8]; 3] = [vault.as_bytes(), case.as_bytes(), fresh];
        Ok(OneUseKey::new(self.keyring.derive_own(Label::Shared, &context)))
    }
}
