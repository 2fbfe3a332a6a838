//! FHIR R4: AuditEvent by IHE's Basic Audit Log Patterns (BALP) 1.1, and Consent; a resource a line.
//!
//! ```text
//! an opening of a patient's folder        PatientRead
//!   … by right of a grant                 and AuthZconsent: the decision, by the Consent it rests on
//! an opening of another's folder          Read
//! a case shared with the public area      PrivacyDisclosure.Source
//! all else                                an AuditEvent without a profile
//! ```
//!
//! People, folders, grants and the vault are references by identifier alone: no resource stands behind them in these files but
//! the Consents. The log knows no network addresses and no employer; where a profile asks for one, an extension says that it is
//! unknown.

mod consent;
mod disclosure;
mod event;
mod read;

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    event::Principal,
    id::VaultId,
    party::Role,
    report::{
        consents::Consent,
        reading::{Reader, Told},
        rows::{moment, name},
    },
    time::Timestamp,
};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const PURPOSE_OF_USE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

/// Two files of resources.
pub(super) struct Fhir<W> {
    events: W,
    consents: W,
    vault: VaultId,
    /// When it is told whether a consent is active.
    at: Timestamp,
}

impl<W: Write> Fhir<W> {
    pub(super) fn begin([events, consents]: [W; 2], (vault, at): (VaultId, Timestamp)) -> Self {
        Self { events, consents, vault, at }
    }

    pub(super) fn into_files(self) -> [W; 2] {
        [self.events, self.consents]
    }
}

impl<W: Write> Reader for Fhir<W> {
    fn event(&mut self, told: &Told<'_>) -> io::Result<()> {
        event::resources(self.vault, told).iter().try_for_each(|resource| line(&mut self.events, resource))
    }

    fn consent(&mut self, consent: &Consent) -> io::Result<()> {
        consent::resource(consent, self.at).map_or(Ok(()), |resource| line(&mut self.consents, &resource))
    }

    fn unreadable(&mut self, _index: u64) -> io::Result<()> {
        Ok(())
    }
}

fn line(out: &mut impl Write, resource: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, resource)?;
    out.write_all(b"\n")
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)] })
}

fn identifier(kind: &str, id: &str) -> Value {
    json!({ "system": format!("urn:casevault:{kind}"), "value": id })
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "identifier": identifier(kind, id) })
}

/// Whoever it is, as the export names it.
fn who(principal: Principal, role: Option<Role>) -> Value {
    let name = name(principal);
    let (kind, id) = name.split_once(':').unwrap_or(("party", &name));
    let mut said = reference(kind, id);
    let resource = match (principal, role) {
        (Principal::Party(_), Some(Role::Patient)) => Some("Patient"),
        (Principal::Party(_), Some(Role::Doctor)) => Some("Practitioner"),
        (Principal::Vault(_), _) => Some("Device"),
        (Principal::Folder(_) | Principal::Party(_), _) => None,
    };
    if let (Some(members), Some(resource)) = (said.as_object_mut(), resource) {
        members.insert("type".to_owned(), resource.into());
    }
    said
}

/// What an element is of which the log knows nothing.
fn unknown() -> Value {
    json!({ "extension": [{ "url": ABSENT, "valueCode": "unknown" }] })
}

/// What every AuditEvent has: `id` tells those of one event apart.
fn begun(vault: VaultId, told: &Told<'_>, id: &str, profile: Option<&str>) -> Value {
    let digest = told.line.digest.to_hex();
    let short = digest.get(..48).unwrap_or(&digest);
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "id": format!("{short}-{id}"),
        "recorded": moment(told.line.received),
        "outcome": "0",
        "source": {
            "site": format!("casevault/{}", vault.to_hex()),
            "observer": who(Principal::Vault(vault), None),
            "type": [coding(SOURCE_TYPE, "4", "Application Server")],
        },
    });
    if let (Some(members), Some(profile)) = (resource.as_object_mut(), profile) {
        members.insert("meta".to_owned(), json!({ "profile": [format!("{BALP}{profile}")] }));
    }
    resource
}

/// The resource with these members too.
fn with(mut resource: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (resource.as_object_mut(), more) {
        members.extend(more);
    }
    resource
}

/// The patient, whose data it is.
fn patient(told: &Told<'_>) -> Value {
    json!({
        "what": who(told.line.stream, Some(Role::Patient)),
        "type": coding(ENTITY_TYPE, "1", "Person"),
        "role": coding(OBJECT_ROLE, "1", "Patient"),
    })
}

/// The folder, or whatever else it was done to; nothing of an event that is about nothing more.
fn data(told: &Told<'_>) -> Option<Value> {
    let folder = told.event.step.folder?;
    let what = reference("folder", &folder.to_hex());
    let entity = json!({
        "what": what,
        "type": coding(ENTITY_TYPE, "2", "System Object"),
        "role": coding(OBJECT_ROLE, "4", "Domain Resource"),
    });
    Some(match told.kind {
        Some(kind) => with(entity, json!({ "description": kind.word() })),
        None => entity,
    })
}

/// Who acts; what for and by right of which grant, if that is known. A profile says as what.
fn user(told: &Told<'_>, kind: Option<Value>) -> Value {
    // Behind a Case's own key is the owner of the stream.
    let (acting, role) = match told.event.step.actor {
        Principal::Folder(_) => (told.line.stream, told.owner_role),
        actor @ (Principal::Party(_) | Principal::Vault(_)) => (actor, told.role),
    };
    let mut agent = json!({ "who": who(acting, role), "requestor": true });
    let more = [
        ("type", kind),
        ("role", role.map(|role| json!([{ "text": role.word() }]))),
        (
            "policy",
            told.right.map(|held| json!([format!("urn:casevault:grant:{}", held.grant.grant.to_hex())])),
        ),
        (
            "purposeOfUse",
            crate::report::rows::purpose(told).map(|purpose| json!([consent::purpose(purpose)])),
        ),
    ];
    if let Some(members) = agent.as_object_mut() {
        members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    agent
}
