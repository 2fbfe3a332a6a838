//! `casevault list` and `casevault directory`: how patients find a doctor.

use casevault::{
    credential::{Listing, Reveal},
    party::{Doctor, Patient},
    session::{Looking, Session},
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context},
    failure::Done,
    named, screen,
};

/// To whom a doctor tells who he is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Tells {
    /// To nobody.
    Never,
    /// The name, to a patient who assigns.
    Name,
    /// Name and profile, to a patient who assigns.
    Profile,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The name everybody reads: it need not be yours.
    pseudonym: String,
    /// A language you speak, as `en`. May be given several times.
    #[arg(long = "language", value_name = "CODE")]
    languages: Vec<String>,
    /// Where, coarsely, as `GB-SCT`.
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// To whom you tell who you are.
    #[arg(long, default_value = "never")]
    tells: Tells,
    /// Your own name, as patients read it to whom you tell it.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// You take no new cases now.
    #[arg(long)]
    full: bool,
    /// Do not list you any more.
    #[arg(long)]
    unlisted: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// A specialty, by its code or the words the registrars attest.
    #[arg(long, value_name = "TEXT")]
    specialty: Option<String>,
    /// A language they speak, as `en`.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// A region or a country, as `GB-SCT`.
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// Only those who take new cases.
    #[arg(long)]
    accepting: bool,
    #[command(flatten)]
    answer: Answer,
}

impl List {
    pub(crate) fn run(self, context: &Context) -> Done {
        let listing = Listing::new(&self.pseudonym).accepting(!self.full).reveals(match self.tells {
            Tells::Name => Reveal::NameOnly,
            Tells::Never => Reveal::Never,
            Tells::Profile => Reveal::OnAssignment,
        });
        let listing = self.languages.iter().fold(listing, |listing, language| listing.language(language));
        let listing = match &self.region {
            Some(region) => listing.region(region),
            None => listing,
        };
        let listing = if self.unlisted { listing.unlisted() } else { listing };
        context.act(|bob: &Session<'_, Doctor>| {
            if let Some(name) = &self.name {
                bob.write_name(name)?;
            }
            bob.list(&listing)?;
            screen::word("Your listing is as you say.");
            Ok(())
        })
    }
}

impl Directory {
    pub(crate) fn run(self, context: &Context) -> Done {
        let mut looking = Looking::for_doctors();
        if let Some(specialty) = &self.specialty {
            looking = looking.specialty(specialty);
        }
        if let Some(language) = &self.language {
            looking = looking.language(language);
        }
        if let Some(region) = &self.region {
            looking = looking.region(region);
        }
        if self.accepting {
            looking = looking.accepting();
        }
        context.act(|alice: &Session<'_, Patient>| {
            let doctors = named::directory(alice, looking)?;
            if self.answer.json {
                let all = doctors.iter().map(|doctor| {
                    json!({
                        "party": doctor.party.to_hex(),
                        "pseudonym": doctor.listing.pseudonym(),
                        "languages": doctor.listing.languages(),
                        "region": doctor.listing.in_region(),
                        "accepting": doctor.listing.is_accepting(),
                        "fingerprint": doctor.card().fingerprint().words(),
                        "words": doctor.to_string(),
                    })
                });
                return screen::json(&all.collect());
            }
            for doctor in &doctors {
                screen::answer(&screen::clean(&doctor.to_string()))?;
                screen::answer(&format!("  fingerprint  {}", doctor.card().fingerprint().words()))?;
            }
            if doctors.is_empty() {
                screen::word("No doctor is found so: look for less, or ask a doctor for his card's file.");
            }
            Ok(())
        })
    }
}
