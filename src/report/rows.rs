//! Events and grants as rows: the one table of columns that NDJSON and CSV share.

use crate::{
    access::Denial,
    consent::{GrantStatement, Purpose, Terms},
    event::{Principal, Verb},
    report::{
        consents::{Consent, Ending},
        reading::Told,
    },
    time::Timestamp,
};

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Absent,
    Number(u64),
    Text(String),
    Word(&'static str),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn of<T>(value: Option<T>, say: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Absent, say)
    }
}

/// The columns of events.
pub(super) const EVENT: [&str; 26] = [
    "index",
    "vault",
    "stream",
    "seq",
    "received",
    "at",
    "verb",
    "decision",
    "reason",
    "actor",
    "role",
    "class",
    "on_behalf_of",
    "purpose",
    "folder",
    "kind",
    "epoch",
    "records_normal",
    "records_restricted",
    "records_very_restricted",
    "grant",
    "rights",
    "clearance",
    "granted",
    "subject",
    "event",
];

/// The columns of grants.
pub(super) const GRANT: [&str; 18] = [
    "grant",
    "vault",
    "owner",
    "owner_role",
    "folder",
    "kind",
    "reader",
    "role",
    "purpose",
    "rights",
    "clearance",
    "from",
    "until",
    "because",
    "given",
    "index",
    "ended",
    "how",
];

/// A moment as RFC 3339 writes it, in UTC, with milliseconds.
pub(super) fn moment(at: Timestamp) -> String {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at.min(Timestamp::MAX).as_ms());
    humantime::format_rfc3339_millis(at).to_string()
}

/// A principal, as the export's lines name it.
pub(super) fn name(principal: Principal) -> String {
    crate::audit::lines::name_of(principal)
}

/// The end of terms; nothing if they have none.
pub(super) fn until(terms: &Terms) -> Option<Timestamp> {
    Some(terms.ends()).filter(|end| *end < Timestamp::MAX)
}

/// Why the custodian refused.
pub(super) fn denial(told: &Told<'_>) -> Option<Denial> {
    let code = told.event.moment.reason.filter(|_| told.event.step.verb == Verb::Deny)?;
    Denial::ALL.iter().find(|denial| denial.code() == code).copied()
}

/// What an event was done for: as it says, or by right of what. Who opens its own folder does so for itself.
pub(super) fn purpose(told: &Told<'_>) -> Option<Purpose> {
    let by_right = told.right.map(|consent| consent.grant.terms.purpose());
    let own = || Some(Purpose::Own).filter(|_| told.is_own() && told.event.step.verb == Verb::Open);
    told.event.moment.purpose.or(by_right).or_else(own)
}

/// The row of an event.
pub(super) fn event(told: &Told<'_>) -> [Value; EVENT.len()] {
    let (line, step, moment_of) = (told.line, &told.event.step, &told.event.moment);
    let terms = told.right.map(|consent| &consent.grant.terms);
    let [normal, restricted, very_restricted] =
        step.counts.map_or([None; 3], |counts| counts.each().map(|count| Some(u64::from(count))));
    let is_refused = step.verb == Verb::Deny;
    [
        Value::Number(told.index),
        Value::text(step.vault.to_hex()),
        Value::text(name(line.stream)),
        Value::Number(line.seq),
        Value::text(moment(line.received)),
        Value::text(moment(moment_of.at)),
        Value::text(format!("{:?}", step.verb)),
        Value::Word(if is_refused { "refused" } else { "permitted" }),
        Value::of(denial(told), |denial| Value::text(format!("{denial:?}"))),
        Value::text(name(step.actor)),
        Value::of(told.role, |role| Value::Word(role.word())),
        Value::Word(moment_of.class.word()),
        Value::of(moment_of.on_behalf_of, |party| Value::text(name(Principal::Party(party)))),
        Value::of(purpose(told), |purpose| Value::Word(purpose_word(purpose))),
        Value::of(step.folder, |folder| Value::text(folder.to_hex())),
        Value::of(told.kind, |kind| Value::Word(kind.word())),
        Value::of(step.epoch, |epoch| Value::Number(u64::from(epoch.number()))),
        Value::of(normal, Value::Number),
        Value::of(restricted, Value::Number),
        Value::of(very_restricted, Value::Number),
        Value::of(told.right, |consent| Value::text(consent.grant.grant.to_hex())),
        Value::of(terms, |terms| Value::Word(terms.rights().word())),
        Value::of(terms, |terms| Value::Word(terms.clearance().word())),
        Value::Number(u64::try_from(line.grants.len()).unwrap_or(u64::MAX)),
        Value::of(step.subject, |subject| Value::text(subject.to_hex())),
        Value::text(line.digest.to_hex()),
    ]
}

/// The row of a grant.
pub(super) fn grant(consent: &Consent) -> [Value; GRANT.len()] {
    let GrantStatement { grant, vault, folder, reader, terms, because, .. } = &consent.grant;
    [
        Value::text(grant.to_hex()),
        Value::text(vault.to_hex()),
        Value::text(name(consent.owner)),
        Value::of(consent.owner_role, |role| Value::Word(role.word())),
        Value::text(folder.to_hex()),
        Value::of(consent.kind, |kind| Value::Word(kind.word())),
        Value::text(name(Principal::Party(*reader))),
        Value::of(consent.role, |role| Value::Word(role.word())),
        Value::Word(purpose_word(terms.purpose())),
        Value::Word(terms.rights().word()),
        Value::Word(terms.clearance().word()),
        Value::text(moment(terms.starts())),
        Value::of(until(terms), |until| Value::text(moment(until))),
        Value::of(*because, |folder| Value::text(folder.to_hex())),
        Value::text(moment(consent.given)),
        Value::Number(consent.index),
        Value::of(consent.ended, |(ended, _)| Value::text(moment(ended))),
        Value::of(consent.ended, |(_, how)| {
            Value::Word(match how {
                Ending::LeftOut => "left out of the next key",
                Ending::Revoked => "revoked",
            })
        }),
    ]
}

/// One word for a purpose, for programs.
pub(super) const fn purpose_word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Opinion => "opinion",
        Purpose::Own => "own",
        Purpose::Treatment => "treatment",
        Purpose::Vetting => "vetting",
    }
}
