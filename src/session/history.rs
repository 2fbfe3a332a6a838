//! History: a stream in plain words.

use std::{collections::BTreeMap, fmt};

use crate::{
    consent::{GrantStatement, Purpose},
    custodian::{Answer, Question},
    error::{Error, Tampering},
    event::{Event, Principal, Verb},
    folder::{Epoch, FolderKind},
    id::{Digest, FolderId},
    merkle::Head,
    party::{Card, Owner, Role},
    session::{
        Session,
        ledger::{Line, Pages},
    },
    time::Timestamp,
};

/// One line of a history: who did what, when, why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryLine {
    /// Its position in the stream.
    pub seq: u64,
    /// When the custodian received it.
    pub received: Timestamp,
    /// When, by the actor's clock.
    pub at: Timestamp,
    /// Who acted, as the stream says.
    pub actor: Principal,
    /// The actor's role; none for the owner acting as a Case, and the custodian.
    pub role: Option<Role>,
    /// Whether it was the stream's owner.
    pub is_own: bool,
    /// What was done.
    pub verb: Verb,
    /// To which folder.
    pub folder: Option<FolderId>,
    /// What that folder is for, if it is known.
    pub kind: Option<FolderKind>,
    /// What for.
    pub purpose: Option<Purpose>,
    /// The grants that were made, or the one that ended: to whom, under which terms.
    pub grants: Vec<GrantStatement>,
    /// The folder's head after a write.
    pub after: Option<Head>,
}

impl fmt::Display for HistoryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.received)?;
        match (self.verb, self.is_own) {
            // What was ruled is for the ruled to know, and not by whom.
            (Verb::Rule, false) => return f.write_str("the registrars ruled: your standing says what"),
            (Verb::Open, false) if self.folder.is_none() => {
                return match (self.role, self.actor) {
                    (Some(Role::Patient), Principal::Party(party)) => {
                        write!(f, "patient {party} read who you are")
                    }
                    _ => f.write_str(
                        "a registrar read what you wrote to the registrars, or what they noted of you",
                    ),
                };
            }
            _ => (),
        }
        match (self.is_own, self.role, self.actor) {
            (true, ..) => f.write_str("you")?,
            (false, Some(role), Principal::Party(party)) => write!(f, "{role} {party}")?,
            (false, _, actor) => write!(f, "{actor}")?,
        }
        match (self.verb, self.grants.as_slice()) {
            (Verb::Grant, [granted]) => {
                write!(f, " gave {} {}, to {}", reader(granted), self.what(), granted.terms)
            }
            (Verb::Assign, [granted]) => {
                write!(f, " told {} who you are", reader(granted))?;
                granted.because.map_or(Ok(()), |case| write!(f, ", for your case {case}"))
            }
            (Verb::Revoke, [ended]) => write!(f, " took {} back from {}", self.what(), reader(ended)),
            (Verb::Enrol, _) => f.write_str(" enrolled here"),
            (Verb::Refuse, _) => f.write_str(" refused to attest you: ask the registrars what is missing"),
            (Verb::Report, _) => f.write_str(" reported someone to the registrars"),
            (Verb::Appeal, _) => f.write_str(" appealed a ruling"),
            (Verb::List, _) => f.write_str(" published a listing"),
            (Verb::Block, _) => f.write_str(" changed the list of whom not to see"),
            (Verb::Reveal, _) => f.write_str(" told a patient who you are"),
            (Verb::Attest, _) => f.write_str(" attested you"),
            (Verb::Withdraw, _) => f.write_str(" withdrew the attestation of you"),
            (Verb::Share, _) => write!(f, " gave {}, anonymised, to the public area", self.what()),
            (Verb::Retract, _) => write!(f, " took {}, anonymised, back from the public area", self.what()),
            (Verb::Rotate, _) => write!(f, " locked {} with a new key", self.what()),
            (Verb::Open, _) => {
                write!(f, " opened {}", self.what())?;
                self.purpose.map_or(Ok(()), |purpose| write!(f, ", for {purpose}"))
            }
            (verb, _) => write!(f, " {verb} {}", self.what()),
        }
    }
}

impl HistoryLine {
    /// What it was done to, as its owner calls it.
    fn what(&self) -> String {
        match (self.folder, self.kind) {
            (Some(_), Some(FolderKind::Identity)) => "your identity".to_owned(),
            (Some(folder), Some(kind)) => format!("your {kind} {folder}"),
            (Some(folder), None) => format!("folder {folder}"),
            (None, _) => "the vault".to_owned(),
        }
    }
}

fn reader(statement: &GrantStatement) -> String {
    let role = if statement.terms.purpose() == Purpose::Vetting { Role::Registrar } else { Role::Doctor };
    format!("{role} {}", statement.reader)
}

impl<R: Owner> Session<'_, R> {
    /// Who did what with one's data, from the first event to the last: verified, in plain words.
    ///
    /// # Errors
    /// [`Tampering::Stream`] if an event is missing, out of order, not signed, or behind what was promised.
    pub fn history(&self) -> Result<Vec<HistoryLine>, Error> {
        self.sync()?;
        let me = Principal::Party(self.id());
        let Pages { events, cards, .. } = self.whole_stream(me, &self.known_heads())?;
        let own = self.state().memory.own.clone();
        let mut consents: BTreeMap<Digest, GrantStatement> = BTreeMap::new();
        for (folder, _) in own.iter().filter(|(_, own)| own.epoch > Epoch::FIRST || own.grants.len() > 1) {
            consents.extend(self.consents(*folder, Epoch::FIRST)?);
        }
        let line = |Line { seq, received, event: Event { step, moment }, .. }: Line| {
            let (is_own, role) = match step.actor {
                Principal::Party(party) => (party == self.id(), cards.get(&party).map(Card::role)),
                Principal::Folder(_) => (true, None),
                Principal::Vault(_) => (false, None),
            };
            let of = match step.verb {
                Verb::Revoke => step.subject.as_slice(),
                Verb::Assign | Verb::Grant | Verb::Rotate => step.grants.as_slice(),
                Verb::Amend
                | Verb::Appeal
                | Verb::Attest
                | Verb::Block
                | Verb::Close
                | Verb::Create
                | Verb::Deny
                | Verb::Enrol
                | Verb::Equip
                | Verb::Export
                | Verb::Govern
                | Verb::List
                | Verb::Open
                | Verb::OpenFolder
                | Verb::Refuse
                | Verb::Release
                | Verb::Report
                | Verb::Restore
                | Verb::Retract
                | Verb::Reveal
                | Verb::Rule
                | Verb::Share
                | Verb::Stage
                | Verb::Withdraw
                | Verb::Write => &[],
            };
            let statements = of.iter().filter_map(|digest| consents.get(digest)).copied();
            let grants = statements.filter(|statement| statement.reader != self.id()).collect();
            HistoryLine {
                seq,
                received,
                at: moment.at,
                actor: step.actor,
                role,
                is_own,
                verb: step.verb,
                folder: step.folder,
                kind: step.folder.and_then(|folder| own.get(&folder)).map(|own| own.kind),
                purpose: moment.purpose,
                grants,
                after: step.after,
            }
        };
        Ok(events.into_iter().map(line).collect())
    }

    /// The grants of a folder since an epoch, by their statements' digests, which is how signed events name them.
    pub(super) fn consents(
        &self,
        folder: FolderId,
        since: Epoch,
    ) -> Result<BTreeMap<Digest, GrantStatement>, Error> {
        let Answer::Consents(statements) = self.ask(Question::Consents(folder, since))? else {
            return Err(Tampering::Answer.into());
        };
        Ok(statements.into_iter().map(|statement| (statement.digest(), statement)).collect())
    }
}
