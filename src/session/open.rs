//! Opening a folder: log first, key after.

use std::sync::Arc;

use crate::{
    consent::Purpose,
    crypto::Signed,
    custodian::{Accepted, Part, SealedChart},
    error::{Error, Tampering},
    event::{Event, Verb},
    folder::FolderKind,
    party::{Doctor, Owner, Patient, Registrar, RoleType},
    session::{
        Case, Chart, Session,
        exchange::Outcome,
        pen::Pen,
        verify::{Expected, Verified, verify},
    },
};

/// What came with a chart besides its records.
pub(super) struct Beside {
    pub(super) owner: Option<(crate::party::Card, crate::credential::Attestations)>,
    pub(super) tie: Option<Signed<Event>>,
}

macro_rules! opens {
    ($($role:ty: $doc:literal;)+) => {$(
        impl<'c> Session<'c, $role> {
            #[doc = $doc]
            ///
            /// One durable event first, one unwrap after. The whole list is verified before anything is shown.
            ///
            /// # Errors
            /// [`Error::Denied`] without a grant that holds now; [`Error::Tampered`] if what comes back does not verify.
            pub fn open(&self, case: &Case) -> Result<Chart<'_, 'c, $role>, Error> {
                self.open_chart(case)
            }
        }
    )+};
}

opens! {
    Doctor: "Opens a case that was granted, or one's own Identity.";
    Patient: "Opens one of one's own folders.";
    Registrar: "Opens the Identity of someone to be vetted.";
}

impl<R: Owner> Session<'_, R> {
    /// One's own Identity folder.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn identity_folder(&self) -> Result<Case, Error> {
        self.own_identity()
    }
}

impl<'c, R: RoleType> Session<'c, R> {
    pub(super) fn open_chart(&self, case: &Case) -> Result<Chart<'_, 'c, R>, Error> {
        let (verified, beside) = self.open_verified(case)?;
        Ok(Chart::new(self, case.clone(), verified, beside))
    }

    pub(super) fn open_verified(&self, case: &Case) -> Result<(Verified, Beside), Error> {
        let Accepted { receipt: _, salts, charts } = self.ask_to_open(case)?;
        let seen = self.state().memory.heads.get(&case.folder).copied();
        let chart = charts.into_iter().next().ok_or(Tampering::Answer)?;
        let SealedChart { owner: card, tie, .. } = &chart;
        let beside = Beside { owner: card.clone(), tie: tie.clone() };
        if let Some((card, _)) = &beside.owner {
            self.state().memory.pin(card.party(), card.digest())?;
        }
        let expected = Expected {
            vault: self.vault_id()?,
            folder: case.folder,
            kind: case.kind,
            card: &self.card,
            opening: self.keyring.opening_key(),
            owner: (case.kind != FolderKind::Case)
                .then(|| case.granted.and_then(|granted| granted.owner).unwrap_or(self.id())),
            seen,
            salts: &salts,
            proven: &self.proven,
        };
        let verified = verify(chart, &expected)?;
        self.state().memory.keep_head(case.folder, verified.list.head());
        Ok((verified, beside))
    }

    /// Hands in the event of an opening; a second one, if the first was lost on the way back and came twice.
    fn ask_to_open(&self, case: &Case) -> Result<Accepted, Error> {
        for _ in 0..2 {
            let seen = self.state().memory.heads.get(&case.folder).copied();
            let event = self.event(self.actor_in(case)?, Verb::Open, self.fresh_op())?;
            let purpose = case.statement().map_or(Purpose::Own, |statement| statement.terms.purpose());
            let event = Event {
                owner: self.owner_of(case)?,
                folder: Some(case.folder),
                seen,
                subject: case.statement().map(|statement| statement.digest()),
                purpose: Some(purpose),
                ..event
            };
            let owner = case.granted.is_none().then(|| self.id());
            let parts = vec![Part::of(self.sign_in_case(case, &event)?)];
            if let Outcome::Accepted(accepted) = self.submit(owner, parts)? {
                return Ok(*accepted);
            }
        }
        Err(Tampering::Answer.into())
    }

    /// The pen for a folder: kept from an opening, or got by one.
    pub(super) fn pen(&self, case: &Case) -> Result<Arc<Pen>, Error> {
        if let Some(pen) = self.state().pens.get(&case.folder) {
            return Ok(Arc::clone(pen));
        }
        let (verified, _) = self.open_verified(case)?;
        let Verified { ring, epoch, clearance, list, .. } = verified;
        let pen = Arc::new(Pen { ring: Arc::new(ring), epoch, list, clearance });
        self.state().pens.insert(case.folder, Arc::clone(&pen));
        Ok(pen)
    }
}
