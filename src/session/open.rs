//! Opening a folder: log first, key after.

use std::sync::Arc;

use crate::{
    consent::Purpose,
    custodian::{Accepted, ChartOwner, Part, SealedChart},
    error::{Error, Tampering},
    event::{Moment, SignedEvent, Step, Verb},
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
    pub(super) owner: Option<ChartOwner>,
    pub(super) tie: Option<SignedEvent>,
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
        // What was seen before the question: another thread may see more before the answer is looked at.
        let seen = self.state().memory.seen(case.folder);
        let Accepted { salts, charts, .. } = self.ask_to_open(case)?;
        let chart = charts.into_iter().next().ok_or(Tampering::Answer)?;
        let SealedChart { owner: card, tie, .. } = &chart;
        let beside = Beside { owner: card.clone(), tie: tie.clone() };
        if let Some(ChartOwner { card, .. }) = &beside.owner {
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
            granted: case.statement().map(|statement| statement.digest()),
            seen,
            salts: &salts,
        };
        let verified = verify(chart, &expected)?;
        self.state().memory.keep_seen(case.folder, verified.list.head(), verified.epoch);
        Ok((verified, beside))
    }

    /// Hands in the event of an opening; a second one, if the first was lost on the way back and came twice.
    fn ask_to_open(&self, case: &Case) -> Result<Accepted, Error> {
        for _ in 0..2 {
            let seen = self.state().memory.seen(case.folder).map(|seen| seen.head);
            let event = self.event(self.actor_in(case)?, Verb::Open, self.fresh_op())?;
            let purpose = case.statement().map_or(Purpose::Own, |statement| statement.terms.purpose());
            let owner = self.owner_of(case)?;
            let subject = case.statement().map(|statement| statement.digest());
            let event = event
                .with(|step| Step { owner, folder: Some(case.folder), subject, ..step })
                .when(|moment| Moment { seen, purpose: Some(purpose), ..moment });
            let parts = vec![Part::of(self.sign_in_case(case, event)?)];
            if let Outcome::Accepted(accepted) = self.submit(case.sender(), parts)? {
                return Ok(*accepted);
            }
        }
        Err(Tampering::Answer.into())
    }

    /// The pen for a folder: kept from an opening, or got by one.
    pub(super) fn pen(&self, case: &Case) -> Result<Arc<Pen>, Error> {
        {
            let state = self.state();
            let seen = state.memory.seen(case.folder).map(|seen| seen.epoch);
            let known = state.pens.get(&case.folder).filter(|pen| seen.is_none_or(|seen| seen <= pen.epoch));
            if let Some(pen) = known {
                return Ok(Arc::clone(pen));
            }
        }
        let (verified, _) = self.open_verified(case)?;
        let Verified { ring, epoch, clearance, list, .. } = verified;
        let pen = Arc::new(Pen { ring: Arc::new(ring), epoch, list, clearance });
        self.state().pens.insert(case.folder, Arc::clone(&pen));
        Ok(pen)
    }
}
