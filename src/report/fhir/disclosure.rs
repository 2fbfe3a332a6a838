//! A case that its owner shared with the public area.

use serde_json::{Value, json};

use super::{DICOM, begun, coding, concept, patient, reference, unknown, who, with};
use crate::{event::Principal, id::VaultId, party::Role, report::reading::Told};

/// BALP's PrivacyDisclosure.Source: from the vault to the public area's curator, by the patient's own will.
pub(super) fn disclosure(vault: VaultId, told: &Told<'_>, data: Value) -> Option<Value> {
    if told.owner_role != Some(Role::Patient) {
        return None;
    }
    let disclosed = json!({
        "type": coding(DICOM, "110106", "Export"),
        "subtype": [coding("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose",
            "Disclose Record Lifecycle Event")],
        "action": "R",
        "purposeOfEvent": [concept(super::PURPOSE_OF_USE, "PATRQT", "patient requested")],
        "agent": [
            {
                "type": concept(DICOM, "110153", "Source Role ID"),
                "who": who(Principal::Vault(vault), None),
                "requestor": false,
                "network": { "address": format!("casevault/{}", vault.to_hex()), "type": "5" },
            },
            {
                "type": concept(DICOM, "110152", "Destination Role ID"),
                "who": reference("public-area", &vault.to_hex()),
                "requestor": false,
                "network": unknown(),
            },
            {
                "type": concept("http://snomed.info/sct", "429577009", "Patient Advocate"),
                "who": who(told.line.stream, Some(Role::Patient)),
                "requestor": true,
            },
        ],
        "entity": [patient(told), data],
    });
    Some(with(begun(vault, told, "disclosure", Some("PrivacyDisclosure.Source")), disclosed))
}
