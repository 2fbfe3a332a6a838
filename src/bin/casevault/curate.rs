//! `casevault curate`: the public area, brought to its next epoch.

use casevault::{crypto::Random, party::Curator, public::PublicPolicy, session::Session};
use clap::Args;
use serde_json::json;

use crate::{
    context::{Answer, Context},
    failure::Done,
    init, screen, share,
};

#[derive(Debug, Args)]
pub(crate) struct Curate {
    /// Every public policy that was ever in force, in their order, the present one last; the one in the vault's folder, if not
    /// said.
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<String>,
    /// Only say what waits and why; release nothing.
    #[arg(long)]
    look: bool,
    #[command(flatten)]
    answer: Answer,
}

impl Curate {
    pub(crate) fn run(self, context: &Context) -> Done {
        let policies: Vec<PublicPolicy> = if self.policies.is_empty() {
            vec![share::policy(context, None)?]
        } else {
            let read = |named: &String| Ok(init::public_policy(named)?.1);
            self.policies.iter().map(read).collect::<Done<_>>()?
        };
        context.act(|curator: &Session<'_, Curator>| {
            let busy = screen::busy("reading the pool");
            let mut curation = curator.curate(&policies)?;
            let changed = if self.look { None } else { Some(curation.epoch(&mut Random::system()?)?) };
            busy.finish_and_clear();
            let (waiting, unfit) = (curation.waiting(), curation.unfit());
            if self.answer.json {
                let waits = waiting
                    .iter()
                    .map(|one| json!({ "why": one.reason.to_string(), "cases": one.cases.to_string() }));
                let unfit =
                    unfit.iter().map(|(why, count)| json!({ "why": format!("{why:?}"), "cases": count }));
                return screen::json(&json!({
                    "batches": changed.map(|changed| changed.batches),
                    "cases": changed.map(|changed| changed.rows),
                    "hidden": changed.map(|changed| changed.hidden),
                    "waiting": waits.collect::<Vec<_>>(),
                    "unfit": unfit.collect::<Vec<_>>(),
                }));
            }
            if let Some(changed) = changed {
                let (rows, batches, hidden) = (changed.rows, changed.batches, changed.hidden);
                screen::answer(&format!(
                    "{rows} cases in {batches} batches became public, {hidden} batches were hidden"
                ))?;
            }
            if waiting.is_empty() {
                screen::word("Nothing waits. What is shared today is seen when the day is over, in UTC.");
            }
            for one in &waiting {
                screen::answer(&format!("{} wait: {}", one.cases, one.reason))?;
            }
            unfit.iter().try_for_each(|(why, count)| screen::answer(&format!("{count} not taken: {why:?}")))
        })
    }
}
