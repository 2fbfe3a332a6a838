//! The resource types of FHIR R4 (4.0.1), and which of them say who someone is.

/// Resource types that say who: they go to the Identity, whole.
const WHO: &[&str] = &[
    "Account", "AuditEvent", "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "Endpoint",
    "EnrollmentRequest", "EnrollmentResponse", "Group", "HealthcareService", "InsurancePlan", "Location",
    "MessageHeader", "Organization", "OrganizationAffiliation", "Patient", "Person", "Practitioner",
    "PractitionerRole", "RelatedPerson", "Subscription", "VerificationResult",
];

/// All others.
const WHAT: &[&str] = &[
    "ActivityDefinition", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse", "Basic", "Binary",
    "BiologicallyDerivedProduct", "BodyStructure", "CapabilityStatement", "CarePlan", "CareTeam", "CatalogEntry",
    "ChargeItem", "ChargeItemDefinition", "Claim", "ClaimResponse", "ClinicalImpression", "CodeSystem", "Communication",
    "CommunicationRequest", "CompartmentDefinition", "Composition", "ConceptMap", "Condition", "Consent", "Contract",
    "DetectedIssue", "Device", "DeviceDefinition", "DeviceMetric", "DeviceRequest", "DeviceUseStatement",
    "DiagnosticReport", "DocumentManifest", "DocumentReference", "EffectEvidenceSynthesis", "Encounter", "EpisodeOfCare",
    "EventDefinition", "Evidence", "EvidenceVariable", "ExampleScenario", "ExplanationOfBenefit", "FamilyMemberHistory",
    "Flag", "Goal", "GraphDefinition", "GuidanceResponse", "ImagingStudy", "Immunization", "ImmunizationEvaluation",
    "ImmunizationRecommendation", "ImplementationGuide", "Invoice", "Library", "Linkage", "List", "Measure",
    "MeasureReport", "Media", "Medication", "MedicationAdministration", "MedicationDispense", "MedicationKnowledge",
    "MedicationRequest", "MedicationStatement", "MedicinalProduct", "MedicinalProductAuthorization",
    "MedicinalProductContraindication", "MedicinalProductIndication", "MedicinalProductIngredient",
    "MedicinalProductInteraction", "MedicinalProductManufactured", "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical", "MedicinalProductUndesirableEffect", "MessageDefinition", "MolecularSequence",
    "NamingSystem", "NutritionOrder", "Observation", "ObservationDefinition", "OperationDefinition", "OperationOutcome",
    "Parameters", "PaymentNotice", "PaymentReconciliation", "PlanDefinition", "Procedure", "Provenance", "Questionnaire",
    "QuestionnaireResponse", "RequestGroup", "ResearchDefinition", "ResearchElementDefinition", "ResearchStudy",
    "ResearchSubject", "RiskAssessment", "RiskEvidenceSynthesis", "Schedule", "SearchParameter", "ServiceRequest",
    "Slot", "Specimen", "SpecimenDefinition", "StructureDefinition", "StructureMap", "Substance", "SubstanceNucleicAcid",
    "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation", "SubstanceSourceMaterial",
    "SubstanceSpecification", "SupplyDelivery", "SupplyRequest", "Task", "TerminologyCapabilities", "TestReport",
    "TestScript", "ValueSet", "VisionPrescription",
];

/// Whether R4 has such a type, a Bundle left out.
pub(super) fn is_known(name: &str) -> bool {
    says_who(name) || WHAT.contains(&name)
}

/// Whether such a resource says who someone is.
pub(super) fn says_who(name: &str) -> bool {
    WHO.contains(&name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_as_many_types_as_r4_has() {
        // 148 with Bundle: FHIR 4.0.1, "Resource Index".
        assert_eq!(super::WHO.len() + super::WHAT.len() + 1, 148);
    }
}
