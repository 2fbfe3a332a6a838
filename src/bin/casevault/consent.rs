//! Consent: `assign`, `opinion`, `revoke`.

use casevault::{
    consent::Terms,
    folder::Clearance,
    id::PartyId,
    party::Patient,
    session::{Case, Granted, Session},
    time::{Clock as _, SystemClock, days},
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context},
    failure::Done,
    named::{self, Named},
    screen,
};

/// How private a record may be that is shown.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum UpTo {
    /// What a treating doctor needs.
    Normal,
    /// More than usual: psychiatry, HIV, addiction.
    Restricted,
    /// Everything.
    VeryRestricted,
}

#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// Your case, by the beginning of its id.
    case: String,
    /// The doctor: the id or its beginning, the card's file, or the whole fingerprint.
    doctor: String,
    /// For so many days; thirty, if not said.
    #[arg(long, value_name = "COUNT")]
    days: Option<u32>,
    /// How private a record may be that the doctor reads.
    #[arg(long, default_value = "normal")]
    clearance: UpTo,
    #[command(flatten)]
    answer: Answer,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Your case, by the beginning of its id.
    case: String,
    /// The doctor: the id or its beginning, or the card's file.
    doctor: String,
    #[command(flatten)]
    answer: Answer,
}

impl Grant {
    pub(crate) fn assign(self, context: &Context) -> Done {
        self.give(context, Terms::treatment(), |alice, case, doctor, terms| {
            Ok(alice.assign(case, doctor, terms)?)
        })
    }

    pub(crate) fn opinion(self, context: &Context) -> Done {
        self.give(context, Terms::opinion(), |alice, case, doctor, terms| {
            Ok(alice.opinion(case, doctor, terms)?)
        })
    }

    fn give(
        self,
        context: &Context,
        terms: Terms,
        give: impl FnOnce(&Session<'_, Patient>, &Case, PartyId, Terms) -> Done<Granted>,
    ) -> Done {
        let named = Named::read(context, &self.doctor)?;
        let terms = terms.cleared_for(match self.clearance {
            UpTo::Normal => Clearance::Normal,
            UpTo::Restricted => Clearance::Restricted,
            UpTo::VeryRestricted => Clearance::VeryRestricted,
        });
        let terms = match self.days {
            Some(count) => terms.until(SystemClock.now().plus(days(count))),
            None => terms,
        };
        context.act(|alice: &Session<'_, Patient>| {
            let case = named::case(alice.own_cases()?, &self.case)?;
            let doctor = named.doctor(alice)?;
            let granted = give(alice, &case, doctor, terms)?;
            if self.answer.json {
                return screen::json(&json!({
                    "case": case.id().to_hex(),
                    "party": doctor.to_hex(),
                    "grant": granted.grant.to_hex(),
                    "terms": granted.terms.to_string(),
                }));
            }
            screen::answer(&format!("case {} given to doctor {doctor}, to {}", case.id(), granted.terms))
        })
    }
}

impl Revoke {
    pub(crate) fn run(self, context: &Context) -> Done {
        let named = Named::read(context, &self.doctor)?;
        context.act(|alice: &Session<'_, Patient>| {
            let case = named::case(alice.own_cases()?, &self.case)?;
            let access = alice.who_has_access()?.into_iter();
            let readers = access.filter(|access| access.folder == case.id()).map(|access| access.party);
            let doctor =
                named.among(|| Ok(readers.collect()), "`casevault show` lists who may read your cases")?;
            let revocation = alice.revoke(&case, doctor)?;
            let residue = alice.residue(&revocation)?;
            if self.answer.json {
                return screen::json(&json!({
                    "case": case.id().to_hex(),
                    "party": doctor.to_hex(),
                    "could_read": residue.could_read,
                    "did_open": residue.did_open,
                    "looks": residue.looks.iter().map(|look| look.at.to_string()).collect::<Vec<_>>(),
                }));
            }
            screen::answer(&format!("case {} taken back from doctor {doctor}", case.id()))?;
            screen::answer(&format!(
                "  he could have read {} records, and by the log opened {}",
                residue.could_read, residue.did_open
            ))
        })
    }
}
