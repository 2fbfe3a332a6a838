//! Patients, wherever in a document they stand: one at the most, and written so that what says who is found.

use crate::fhir::{
    error::{At, FhirError, FhirReason},
    tree::Node,
};

/// Counts the patients in a value, and refuses the second.
pub(super) fn count(node: &Node, at: &At<'_>, patients: &mut u32) -> Result<(), FhirError> {
    match node {
        Node::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| count(item, &At::Index(at, index), patients)),
        Node::Literal(_) | Node::Text(_) => Ok(()),
        Node::Object(members) => {
            if node.text_of("resourceType") == Some("Patient") {
                *patients = patients.saturating_add(1);
                if *patients > 1 {
                    return Err(at.error(FhirReason::TwoPatients));
                }
                check(node, at)?;
            }
            members.iter().try_for_each(|(name, value)| count(value, &At::Key(at, name), patients))
        }
    }
}

/// A birth date that is a number, or a name that is a string, would be overlooked.
fn check(patient: &Node, at: &At<'_>) -> Result<(), FhirError> {
    let is_name = |name: &Node| name.each().iter().all(|name| matches!(name, Node::Object(_)));
    let is_date = |date: &Node| date.as_text().is_some();
    if !patient.get("name").is_none_or(is_name) {
        return Err(At::Key(at, "name").error(FhirReason::Shape));
    }
    if patient.get("birthDate").is_none_or(is_date) {
        Ok(())
    } else {
        Err(At::Key(at, "birthDate").error(FhirReason::Shape))
    }
}
