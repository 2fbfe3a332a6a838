//! The public area's export, signed as the log is: what researchers get.

use std::{collections::BTreeSet, path::Path};

use crate::{
    custodian::{PublicError, PublicQuery},
    id::Digest,
    log::{NoteSigner, NoteVerifier, origin},
    public::{
        BatchFacts, PublicPolicy, PublicRow,
        export::{Cover, Export, ExportError, Format, Withheld, Written},
    },
    vault::{Vault, VaultError, fault::Fault, rows::PoolRow, tables::Table},
};

/// How often the area is read anew when it changes meanwhile.
const ATTEMPTS: usize = 4;
/// How many entries of the pool are counted at a time.
const COUNTED: usize = 1024;

/// What the public area's export could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The export could not be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The vault's policy opens none, and nothing was released before.
    #[error("this vault has no public area: its registrars can name a curator and a public policy")]
    NoArea,
    /// The policy is not the one that the vault's own names, nor one of what was released.
    #[error("this is not the public policy of the vault: bring the one with the digest {}", .0.to_hex())]
    OtherPolicy(Digest),
    /// The area could not be read.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The vault could not be read.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl PublishError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Export(error) => error.code(),
            Self::NoArea => "no-public-area",
            Self::OtherPolicy(_) => "other-public-policy",
            Self::Public(error) => error.code(),
            Self::Vault(error) => error.code(),
        }
    }
}

impl From<Fault> for PublishError {
    fn from(fault: Fault) -> Self {
        Self::Vault(fault.into())
    }
}

/// What was exported of the public area.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The files that the manifest names.
    pub files: Vec<Written>,
    /// Cases.
    pub cases: usize,
    /// Batches.
    pub batches: usize,
    /// Batches that are public under other policies, and not in this export.
    pub elsewhere: usize,
}

impl Vault {
    /// What verifies this vault's checkpoints, and its public exports.
    ///
    /// # Errors
    /// None that occur: an id in hexadecimal is a name.
    pub fn log_key(&self) -> Result<NoteVerifier, VaultError> {
        let name = origin(self.id).map_err(|malformed| VaultError::from(Fault::from(malformed)))?;
        Ok(NoteVerifier::new(name, self.signer.verifying_key()))
    }

    /// Writes what is public under a policy into a folder that is not there yet, as `docs/exports.md` describes it, in these
    /// formats, with a manifest signed by [`Self::log_key`].
    ///
    /// Of what is withheld this side knows one reason: it was shared, and is not public.
    ///
    /// # Errors
    /// [`PublishError`]; nothing is at the place then.
    ///
    /// # Security
    /// All of it is public already. It holds every public case in memory, some hundred bytes each.
    pub fn export_public(
        &self,
        directory: impl AsRef<Path>,
        (cover, policy): (&Cover, &PublicPolicy),
        formats: &BTreeSet<Format>,
    ) -> Result<Published, PublishError> {
        let (digest, area) = (policy.digest(), self.policy().public_area().map(|area| area.policy));
        let (mut batches, mut cases) = self.read_area()?;
        let all = batches.len();
        batches.retain(|batch| batch.policy == digest);
        if batches.is_empty() && area != Some(digest) {
            return Err(area.map_or(PublishError::NoArea, PublishError::OtherPolicy));
        }
        let own: BTreeSet<_> = batches.iter().map(|batch| batch.id).collect();
        let public = cases.len();
        cases.retain(|case| own.contains(&case.batch));
        cases.sort_unstable_by_key(|case| case.id);
        let waiting = Withheld {
            reason: "not-public".to_owned(),
            words: "shared by patients, and not public: too few people of a class have shared yet, or their \
                    diagnoses are too alike, or someone of the batch took theirs back."
                .to_owned(),
            cases: self.count_pool()?.saturating_sub(u64::try_from(public).unwrap_or(u64::MAX)),
        };
        let key = self.log_key()?;
        let signer = NoteSigner::new(key.name().clone(), &self.signer);
        let export = Export { cover, labels: policy, formats, batches: &batches, withheld: &[waiting] };
        let (count, batches) = (cases.len(), batches.len());
        let files =
            export.write(directory, cases.into_iter().map(Ok::<_, std::convert::Infallible>), &signer)?;
        Ok(Published { files, cases: count, batches, elsewhere: all.saturating_sub(batches) })
    }

    /// All that is public, of one state.
    fn read_area(&self) -> Result<(Vec<BatchFacts>, Vec<PublicRow>), PublicError> {
        let mut tries = 0;
        loop {
            match self.read_area_once() {
                Err(PublicError::Changed) if tries < ATTEMPTS => tries = tries.saturating_add(1),
                outcome => return outcome,
            }
        }
    }

    fn read_area_once(&self) -> Result<(Vec<BatchFacts>, Vec<PublicRow>), PublicError> {
        let reader = self.public();
        let (ledger, batches) = reader.batches()?;
        let (mut cases, mut place) = (Vec::new(), None);
        loop {
            let page = reader.rows(&PublicQuery::default(), place)?;
            if page.ledger != ledger {
                return Err(PublicError::Changed);
            }
            cases.extend(page.found);
            place = page.next;
            if place.is_none() {
                return Ok((batches, cases));
            }
        }
    }

    /// How many cases are shared.
    fn count_pool(&self) -> Result<u64, Fault> {
        let place = self.shelves.keys.pool_place();
        let (mut count, mut after) = (0_u64, None::<Vec<u8>>);
        loop {
            let rows = self.shelves.page::<PoolRow>((place, Table::Pool), after.as_deref(), COUNTED)?;
            count = count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
            match rows.into_iter().last() {
                Some((id, _)) => after = Some(id),
                None => return Ok(count),
            }
        }
    }
}
