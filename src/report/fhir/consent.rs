//! Consent: a patient's grant, as FHIR tells it.

use serde_json::{Value, json};

use super::{PARTICIPATION, PURPOSE_OF_USE, coding, concept, identifier, reference, who};
use crate::{
    consent::{Purpose, Rights},
    event::Principal,
    folder::Clearance,
    party::Role,
    report::{
        consents::{Consent, State},
        rows::{moment, purpose_word},
    },
    time::Timestamp,
};

const CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// The Consent of a patient's grant; nothing of another's.
pub(super) fn resource(consent: &Consent, at: Timestamp) -> Option<Value> {
    if consent.owner_role != Some(Role::Patient) {
        return None;
    }
    let (grant, terms) = (&consent.grant, &consent.grant.terms);
    let id = grant.grant.to_hex();
    let mut period = json!({ "start": moment(terms.starts()) });
    if let (Some(members), Some(end)) = (period.as_object_mut(), consent.ends()) {
        // What was revoked before it began was never in force.
        members.insert("end".to_owned(), moment(end.max(terms.starts())).into());
    }
    let mut action = vec![concept(ACTION, "access", "Access")];
    if terms.rights() == Rights::ReadWrite {
        action.push(concept(ACTION, "correct", "Correct"));
    }
    Some(json!({
        "resourceType": "Consent",
        "id": id,
        "identifier": [identifier("grant", &id)],
        "status": match consent.state(at) {
            State::InForce | State::Ahead => "active",
            State::Expired | State::LeftOut | State::Revoked => "inactive",
        },
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent"),
        "category": [concept(CLASS, "IDSCL", "information disclosure")],
        "patient": who(consent.owner, Some(Role::Patient)),
        "dateTime": moment(consent.given),
        "performer": [who(consent.owner, Some(Role::Patient))],
        "policyRule": concept(CLASS, "OPTIN", "opt-in"),
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [{
                "role": concept(PARTICIPATION, "IRCP", "information recipient"),
                "reference": who(Principal::Party(grant.reader), consent.role),
            }],
            "action": action,
            "securityLabel": labels(terms.clearance()),
            "purpose": purposes(terms.purpose()),
            "data": [{ "meaning": "instance", "reference": reference("folder", &grant.folder.to_hex()) }],
        },
    }))
}

/// The purpose as a concept: HL7's code where it has one, and ours.
pub(super) fn purpose(purpose: Purpose) -> Value {
    json!({ "coding": purposes(purpose) })
}

fn purposes(purpose: Purpose) -> Vec<Value> {
    let (code, display) = match purpose {
        Purpose::Opinion | Purpose::Treatment => ("TREAT", "treatment"),
        Purpose::Own => ("PATRQT", "patient requested"),
        Purpose::Vetting => ("PATADMIN", "patient administration"),
    };
    let ours = coding("urn:casevault:purpose", purpose_word(purpose), purpose.word());
    vec![coding(PURPOSE_OF_USE, code, display), ours]
}

/// All that the clearance lets be read.
fn labels(clearance: Clearance) -> Vec<Value> {
    let all = [
        (Clearance::Normal, "N", "normal"),
        (Clearance::Restricted, "R", "restricted"),
        (Clearance::VeryRestricted, "V", "very restricted"),
    ];
    let within = all.into_iter().filter(|(label, _, _)| *label <= clearance);
    within.map(|(_, code, display)| coding(CONFIDENTIALITY, code, display)).collect()
}
