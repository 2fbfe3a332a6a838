//! `casevault history`: who did what with one's data.

use casevault::{
    event::Principal,
    party::{Auditor, Curator, Doctor, Owner, Patient, Role},
    session::{HistoryLine, Session},
};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    context::{Answer, Context},
    failure::{Done, Failure},
    screen,
    signed_in::SignsIn,
};

#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    answer: Answer,
}

impl History {
    pub(crate) fn run(self, context: &Context) -> Done {
        match context.role()? {
            Role::Auditor => self.of::<Auditor>(context),
            Role::Curator => self.of::<Curator>(context),
            Role::Doctor => self.of::<Doctor>(context),
            Role::Patient => self.of::<Patient>(context),
            role @ (Role::Registrar | _) => {
                let words = format!(
                    "a {role} has no history of its own: what it did stands in the others'; give another --key"
                );
                Err(Failure::wrong_key("wrong-role", words))
            }
        }
    }

    fn of<R: Owner + SignsIn>(self, context: &Context) -> Done {
        context.act(|session: &Session<'_, R>| {
            let lines = session.history()?;
            if self.answer.json {
                return screen::json(&lines.iter().map(of_line).collect());
            }
            lines.iter().try_for_each(|line| screen::answer(&line.to_string()))
        })
    }
}

fn of_line(line: &HistoryLine) -> Value {
    let actor = match line.actor {
        Principal::Folder(folder) => folder.to_hex(),
        Principal::Party(party) => party.to_hex(),
        Principal::Vault(vault) => vault.to_hex(),
        other => other.to_string(),
    };
    let grants = line.grants.iter();
    let grants =
        grants.map(|grant| json!({ "reader": grant.reader.to_hex(), "terms": grant.terms.to_string() }));
    json!({
        "seq": line.seq,
        "received": line.received.to_string(),
        "at": line.at.to_string(),
        "actor": actor,
        "role": line.role.map(Role::word),
        "own": line.is_own,
        "verb": line.verb.word(),
        "folder": line.folder.map(|folder| folder.to_hex()),
        "kind": line.kind.map(|kind| kind.word()),
        "purpose": line.purpose.map(|purpose| purpose.word()),
        "grants": grants.collect::<Vec<_>>(),
        "words": line.to_string(),
    })
}
