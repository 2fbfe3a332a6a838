//! `casevault share`: a case, anonymised, to the public area; shown first.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use casevault::{
    party::Patient,
    public::{PublicPolicy, Use, policy::Reader},
    session::Session,
    time::{Clock as _, SystemClock, days},
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    context::{Answer, Context, is_vault},
    failure::{Done, Failure},
    init, named, screen,
};

/// What an anonymised case may be used for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum For {
    CareResearch,
    CommercialResearch,
    Education,
    PublicResearch,
}

impl From<For> for Use {
    fn from(purpose: For) -> Self {
        match purpose {
            For::CareResearch => Self::CareResearch,
            For::CommercialResearch => Self::CommercialResearch,
            For::Education => Self::Education,
            For::PublicResearch => Self::PublicResearch,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Share {
    /// Your case, by the beginning of its id. Without it: what you share now.
    case: Option<String>,
    /// Only show what would be said of the case, and what would not.
    #[arg(long, requires = "case")]
    draft: bool,
    /// Say yes without being asked: to what `--draft` shows.
    #[arg(long, requires = "case", conflicts_with = "draft")]
    yes: bool,
    /// Take back what is shared of the case.
    #[arg(long, requires = "case", conflicts_with_all = ["draft", "yes"])]
    retract: bool,
    /// What for. May be given several times; research in care and public research, if not said.
    #[arg(long = "use", value_name = "USE")]
    uses: Vec<For>,
    /// For so many days.
    #[arg(long, value_name = "COUNT", default_value_t = 365)]
    days: u32,
    /// The public policy, if the vault's folder does not hold it: `small`, `default`, or a file.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Explain the public policy in plain words, and nothing else.
    #[arg(long, conflicts_with_all = ["case", "draft", "yes", "retract"])]
    explain: bool,
    #[command(flatten)]
    answer: Answer,
}

/// The public policy that is named, or the one in the vault's folder.
pub(crate) fn policy(context: &Context, named: Option<&str>) -> Done<PublicPolicy> {
    if let Some(named) = named {
        return Ok(init::public_policy(named)?.1);
    }
    let vault = context.vault_path()?;
    is_vault(&vault)?;
    let path = vault.join(init::PUBLIC);
    if !path.is_file() {
        let words = "is not there: the vault has no public area, or give its public policy with --policy";
        return Err(Failure::failed("no-policy", format!("{} {words}", path.display())));
    }
    Ok(init::public_policy(&path.to_string_lossy())?.1)
}

impl Share {
    pub(crate) fn run(self, context: &Context) -> Done {
        let Some(named) = &self.case else {
            if self.explain {
                let policy = policy(context, self.policy.as_deref())?;
                return screen::answer(policy.explain(Reader::Patient).trim_end());
            }
            return self.list(context);
        };
        if self.retract {
            return context.act(|alice: &Session<'_, Patient>| {
                let case = named::case(alice.own_cases()?, named)?;
                alice.retract(&case)?;
                self.tell(&case.id().to_hex(), "taken back")
            });
        }
        let policy = policy(context, self.policy.as_deref())?;
        if !self.draft && !self.yes && !io::stdin().is_terminal() {
            let words = "nobody is here to be asked: look at it with --draft, then say --yes";
            return Err(Failure::usage(words));
        }
        context.act(|alice: &Session<'_, Patient>| {
            let case = named::case(alice.own_cases()?, named)?;
            let draft = alice.draft(&case, &policy)?.map_err(|refused| {
                Failure::failed(refused.why.code(), format!("nothing can be said of this case: {refused}"))
            })?;
            if self.draft {
                return self.tell_draft(&draft.report.lines);
            }
            if !self.yes {
                draft.report.lines.iter().for_each(|line| screen::word(&screen::clean(&line.to_string())));
                if !is_yes()? {
                    screen::word("Nothing is shared.");
                    return Ok(());
                }
            }
            let uses = self.uses.iter().map(|purpose| Use::from(*purpose));
            let usual = [Use::CareResearch, Use::PublicResearch].into_iter().filter(|_| self.uses.is_empty());
            let until = SystemClock.now().plus(days(self.days));
            alice.share(&case, &draft.said, uses.chain(usual), until)?;
            self.tell(&case.id().to_hex(), "shared")
        })
    }

    fn list(&self, context: &Context) -> Done {
        context.act(|alice: &Session<'_, Patient>| {
            let shared = alice.shared_cases()?;
            if self.answer.json {
                let all = shared.iter().map(|one| {
                    let uses: Vec<_> = one.sharing.uses.iter().map(|purpose| purpose.word()).collect();
                    json!({
                        "case": one.case.to_hex(),
                        "at": one.at.to_string(),
                        "until": one.sharing.until.to_string(),
                        "uses": uses,
                        "taken": one.is_taken,
                    })
                });
                return screen::json(&all.collect());
            }
            if shared.is_empty() {
                screen::word(
                    "You share nothing: `casevault share CASE --draft` shows what a case would say.",
                );
            }
            shared.iter().try_for_each(|one| screen::answer(&one.to_string()))
        })
    }

    fn tell_draft(&self, lines: &[casevault::deidentify::Line]) -> Done {
        if self.answer.json {
            let lines = lines
                .iter()
                .map(|line| json!({ "part": line.part, "fate": line.fate.word(), "words": line.words }));
            return screen::json(&lines.collect());
        }
        lines.iter().try_for_each(|line| screen::answer(&screen::clean(&line.to_string())))
    }

    fn tell(&self, case: &str, done: &str) -> Done {
        if self.answer.json {
            return screen::json(&json!({ "case": case, "done": done }));
        }
        screen::answer(&format!("case {} {done}", case.get(..16).unwrap_or(case)))
    }
}

fn is_yes() -> Done<bool> {
    let failed = |error: io::Error| {
        Failure::failed("stdin", format!("the answer cannot be read ({error}): say --yes"))
    };
    let mut err = io::stderr().lock();
    err.write_all(b"Share this, anonymised? yes or no: ").and_then(|()| err.flush()).map_err(failed)?;
    let mut said = String::new();
    io::stdin().lock().read_line(&mut said).map_err(failed)?;
    Ok(said.trim().eq_ignore_ascii_case("yes"))
}
