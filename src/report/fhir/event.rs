//! Which resources stand for an event.

use serde_json::{Value, json};

use super::{DICOM, begun, coding, data, disclosure::disclosure, patient, read, user, who, with};
use crate::{
    event::{Principal, Verb},
    id::VaultId,
    party::Role,
    report::{reading::Told, rows::denial},
};

pub(super) fn resources(vault: VaultId, told: &Told<'_>) -> Vec<Value> {
    match (told.event.step.verb, data(told)) {
        (Verb::Open, Some(data)) => {
            [Some(read::read(vault, told, data)), read::decision(vault, told)].into_iter().flatten().collect()
        }
        (Verb::Share, Some(data)) => {
            vec![disclosure(vault, told, data).unwrap_or_else(|| plain(vault, told))]
        }
        _ => vec![plain(vault, told)],
    }
}

/// An event for which BALP has no pattern.
fn plain(vault: VaultId, told: &Told<'_>) -> Value {
    let verb = told.event.step.verb;
    let (kind, action) = kind(verb);
    let mut entities = Vec::new();
    if told.owner_role == Some(Role::Patient) {
        entities.push(patient(told));
    }
    entities.extend(data(told));
    let code = format!("{verb:?}");
    let mut more = json!({
        "type": kind,
        "subtype": [{ "system": "urn:casevault:verb", "code": code, "display": verb.word() }],
        "action": action,
        "agent": [user(told, None)],
    });
    if let Some(members) = more.as_object_mut() {
        if !entities.is_empty() {
            members.insert("entity".to_owned(), entities.into());
        }
        if verb == Verb::Deny {
            members.insert("outcome".to_owned(), "8".into());
            let refused = told.event.moment.on_behalf_of.map(Principal::Party);
            // Who was refused asked for it; the vault did not.
            let vault = json!({ "who": who(Principal::Vault(vault), None), "requestor": false });
            let asked =
                refused.map(|party| json!({ "who": who(party, told.refused_role), "requestor": true }));
            members.insert("agent".to_owned(), [asked, Some(vault)].into_iter().flatten().collect());
        }
        members.extend(denial(told).map(|denial| ("outcomeDesc".to_owned(), denial.word().into())));
    }
    with(begun(vault, told, "event", None), more)
}

/// DICOM's word for it, and FHIR's for what it does.
fn kind(verb: Verb) -> (Value, &'static str) {
    let attributes = || coding(DICOM, "110137", "User Security Attributes Changed");
    let activity = || coding(DICOM, "110100", "Application Activity");
    match verb {
        Verb::Deny => (coding(DICOM, "110113", "Security Alert"), "E"),
        Verb::Export => (coding(DICOM, "110106", "Export"), "R"),
        Verb::Open => (activity(), "R"),
        Verb::Attest | Verb::Rule | Verb::Withdraw | Verb::Refuse => (attributes(), "U"),
        Verb::Enrol => (attributes(), "C"),
        Verb::Create | Verb::OpenFolder | Verb::Stage | Verb::Share | Verb::Release => (activity(), "C"),
        Verb::Amend
        | Verb::Appeal
        | Verb::Assign
        | Verb::Block
        | Verb::Close
        | Verb::Equip
        | Verb::Govern
        | Verb::Grant
        | Verb::List
        | Verb::Report
        | Verb::Restore
        | Verb::Retract
        | Verb::Reveal
        | Verb::Revoke
        | Verb::Rotate
        | Verb::Write => (activity(), "U"),
    }
}
