//! Openings: what was read, and the decision that let it be read.

use serde_json::{Value, json};

use super::{
    DICOM, EVENT_TYPE, PARTICIPATION, begun, coding, concept, patient, reference, unknown, user, who, with,
};
use crate::{
    event::Principal,
    id::VaultId,
    party::Role,
    report::{reading::Told, rows::name},
};

/// BALP's PatientRead; of a folder that is no patient's, Read.
pub(super) fn read(vault: VaultId, told: &Told<'_>, data: Value) -> Value {
    let is_patients = told.owner_role == Some(Role::Patient);
    let profile = if is_patients { "PatientRead" } else { "Read" };
    let mut entities = vec![data];
    if is_patients {
        entities.insert(0, patient(told));
    }
    let recipient = concept(PARTICIPATION, "IRCP", "information recipient");
    with(
        begun(vault, told, "read", Some(profile)),
        json!({
            "type": coding(EVENT_TYPE, "rest", "Restful Operation"),
            "subtype": [coding("http://hl7.org/fhir/restful-interaction", "read", "read")],
            "action": "R",
            "agent": [
                session(told, &concept(DICOM, "110152", "Destination Role ID")),
                {
                    "type": concept(DICOM, "110153", "Source Role ID"),
                    "who": who(Principal::Vault(vault), None),
                    "requestor": false,
                    "network": { "address": format!("casevault/{}", vault.to_hex()), "type": "5" },
                },
                user(told, Some(recipient)),
            ],
            "entity": entities,
        }),
    )
}

/// BALP's AuthZconsent, where a patient's folder was opened by right of a grant.
pub(super) fn decision(vault: VaultId, told: &Told<'_>) -> Option<Value> {
    let consent = told.right.filter(|_| told.owner_role == Some(Role::Patient) && !told.is_own())?;
    let mut what = reference("grant", &consent.grant.grant.to_hex());
    if let Some(members) = what.as_object_mut() {
        members.insert("type".to_owned(), "Consent".into());
    }
    let recipient = concept(PARTICIPATION, "IRCP", "information recipient");
    let decided = json!({
        "type": coding(DICOM, "110113", "Security Alert"),
        "subtype": [coding("https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Consent",
            "Authorization Decision using Roles and Consent")],
        "action": "E",
        "agent": [
            session(told, &concept(DICOM, "110150", "Application")),
            user(told, Some(recipient)),
            {
                "type": concept("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider"),
                "who": unknown(),
                "requestor": false,
            },
            {
                "type": concept("http://terminology.hl7.org/CodeSystem/extra-security-role-type", "authserver",
                    "authorization server"),
                "who": who(Principal::Vault(vault), None),
                "requestor": false,
            },
        ],
        "entity": [
            patient(told),
            { "what": what, "type": coding("http://hl7.org/fhir/resource-types", "Consent", "Consent") },
        ],
    });
    Some(with(begun(vault, told, "decision", Some("AuthZconsent")), decided))
}

/// The program that acted for the user, of which only the user is known.
fn session(told: &Told<'_>, kind: &Value) -> Value {
    json!({
        "type": kind,
        "who": reference("session-of", &name(told.event.step.actor)),
        "requestor": false,
        "network": unknown(),
    })
}
