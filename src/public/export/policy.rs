//! A public policy's own words, as exports ask for them.

use crate::{
    id::Digest,
    public::{
        PublicPolicy,
        export::cases::{Labels, QuasiIdentifier, Test},
        policy::Field,
    },
};

/// LOINC, as FHIR names it.
const LOINC: &str = "http://loinc.org";

impl Labels for PublicPolicy {
    fn policy(&self) -> Digest {
        self.digest()
    }

    fn k(&self) -> u32 {
        Self::k(self)
    }

    /// What a grid does not tell is empty.
    fn quasi_identifiers(&self) -> Vec<QuasiIdentifier> {
        let [fine, coarse] = [0, 1].map(|grid| self.axes(grid));
        let bins = |axes: &[crate::public::policy::Axis], field| {
            let own = axes.iter().find(|axis| axis.field == field).map(|axis| axis.labels.as_slice());
            let told = |label: &String| Some(label.clone()).filter(|label| label != Self::UNTOLD);
            own.unwrap_or_default().iter().map(told).collect()
        };
        let quasi = |field: Field| QuasiIdentifier {
            name: field.word().to_owned(),
            title: field.word().to_owned(),
            description: describe(field).to_owned(),
            bins: [bins(&fine, field), bins(&coarse, field)],
        };
        self.fields().map(quasi).collect()
    }

    fn tests(&self) -> Vec<Test> {
        let test = |rule: &crate::public::policy::ResultRule| Test {
            system: LOINC.to_owned(),
            code: rule.loinc.clone(),
            title: format!("{}, in {}", rule.name, rule.unit),
            bins: rule.bins.clone(),
        };
        self.results().iter().map(test).collect()
    }

    fn week_bands(&self) -> Vec<String> {
        self.week_labels()
    }
}

const fn describe(field: Field) -> &'static str {
    match field {
        Field::Age => "Age in whole years when the main diagnosis was made, in bands.",
        Field::Chapter => "The chapter of ICD-10 that the main diagnosis lies in, or a group of chapters.",
        Field::Region => "Where the patient lives, or what that place lies in.",
        Field::Sex => "Sex, as the records say it.",
        Field::Year => "The year of the main diagnosis, in bands.",
    }
}
