//! `casevault config`: what is set, and where each value came from.

use clap::Subcommand;
use serde_json::{Map, json};

use crate::{
    context::{Answer, Context},
    failure::Done,
    screen,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show every setting with where it came from: a flag, the environment or the config file.
    Show(Answer),
}

impl Config {
    pub(crate) fn run(self, context: &Context) -> Done {
        let Self::Show(answer) = self;
        if answer.json {
            let all = context.settings.all().map(|(name, setting)| {
                let shown = setting.map(|set| json!({ "value": set.value, "origin": set.to_string() }));
                (name.to_owned(), json!(shown))
            });
            return screen::json(&all.collect::<Map<_, _>>().into());
        }
        for (name, setting) in context.settings.all() {
            match setting {
                Some(set) => screen::answer(&format!("{name} = {:?}  # {set}", screen::clean(&set.value)))?,
                None => screen::answer(&format!("# {name} is not set"))?,
            }
        }
        Ok(())
    }
}
