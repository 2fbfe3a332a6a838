//! The rows of the public area in words: what a case and a batch say, as cells and for FHIR.

use crate::{
    id::Digest,
    public::{
        Amount, BatchFacts, Class, Code, LeftOut, Outcome, PublicRow, PublicValue, Reached, Said,
        export::{
            ExportError,
            csv::formula_safe,
            table::{Cell, Field, Kind, Role, Table},
        },
    },
};

/// ICD-10, in the WHO's edition, as FHIR names it.
pub(super) const ICD_10: &str = "http://hl7.org/fhir/sid/icd-10";
/// `RxNorm`, as FHIR names it.
pub(super) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
/// SNOMED CT, as FHIR names it.
pub(super) const SNOMED: &str = "http://snomed.info/sct";

/// The words for how fine a diagnosis is, the finest first.
pub(super) const LEVELS: [&str; 3] = ["category", "block", "chapter"];

/// How fine a diagnosis is.
const fn level(code: Code) -> &'static str {
    let [category, block, chapter] = LEVELS;
    match code {
        Code::Category(_) => category,
        Code::Block(..) => block,
        Code::Chapter(_) => chapter,
    }
}

/// A diagnosis as ICD-10 writes it: `J45`, `J40-J47`, and chapters in Roman numerals.
pub(super) fn icd(code: Code) -> String {
    match code {
        Code::Category(_) | Code::Block(..) => code.to_string(),
        Code::Chapter(number) => {
            let ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
            let ones = ones.get(usize::from(number % 10)).copied().unwrap_or_default();
            format!("{}{ones}", "X".repeat(usize::from(number / 10)))
        }
    }
}

/// A quasi-identifier of a policy, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuasiIdentifier {
    /// The column's name: small letters, digits, underscores.
    pub name: String,
    /// The name as people say it.
    pub title: String,
    /// What it means.
    pub description: String,
    /// For each grid the text of each bin, by its number; a bin without text tells nothing, and its cells are empty.
    pub bins: [Vec<Option<String>>; 2],
}

/// A test whose results a policy knows, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The code system, as FHIR names it.
    pub system: String,
    /// The code.
    pub code: String,
    /// The name of the test.
    pub title: String,
    /// The text of each clinical bin, by its number.
    pub bins: Vec<String>,
}

/// What a policy calls what its rows hold as numbers.
pub trait Labels {
    /// The policy's digest.
    fn policy(&self) -> Digest;
    /// How many persons at least stand behind everything that is released.
    fn k(&self) -> u32;
    /// The quasi-identifiers, in the order of a class's bins.
    fn quasi_identifiers(&self) -> Vec<QuasiIdentifier>;
    /// The tests, by their number.
    fn tests(&self) -> Vec<Test>;
    /// The bands of weeks, by their number.
    fn week_bands(&self) -> Vec<String>;
}

/// A policy's labels, checked once.
pub(super) struct Words {
    pub(super) policy: Digest,
    pub(super) k: u32,
    pub(super) quasi_identifiers: Vec<QuasiIdentifier>,
    pub(super) tests: Vec<Test>,
    pub(super) week_bands: Vec<String>,
}

/// A result, in words.
pub(super) struct TestResult<'w> {
    pub(super) test: &'w Test,
    pub(super) bin: &'w str,
}

/// A case, in words: the same for every format.
pub(super) struct Told<'w> {
    pub(super) id: String,
    pub(super) batch: String,
    pub(super) grid: u8,
    pub(super) bins: Vec<Option<&'w str>>,
    pub(super) diagnosis: Code,
    pub(super) diagnoses: Vec<String>,
    pub(super) drugs: Vec<String>,
    pub(super) procedures: Vec<String>,
    pub(super) results: Vec<TestResult<'w>>,
    pub(super) outcome: Outcome,
    pub(super) weeks: Vec<&'w str>,
    pub(super) left_out: Option<LeftOut>,
}

/// Closed words need no mark in a table and no care in a terminal.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 200
        && formula_safe(text) == text
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

impl Words {
    pub(super) fn of(labels: &dyn Labels) -> Result<Self, ExportError> {
        let words = Self {
            policy: labels.policy(),
            k: labels.k(),
            quasi_identifiers: labels.quasi_identifiers(),
            tests: labels.tests(),
            week_bands: labels.week_bands(),
        };
        if words.k >= 2 && words.texts().all(|text| is_plain(text)) {
            Ok(words)
        } else {
            Err(ExportError::Label)
        }
    }

    /// Every text that comes from the policy.
    fn texts(&self) -> impl Iterator<Item = &String> {
        let of_quasi = self.quasi_identifiers.iter().flat_map(|quasi| {
            let bins = quasi.bins.iter().flatten().flatten();
            bins.chain([&quasi.name, &quasi.title, &quasi.description])
        });
        let of_tests = self
            .tests
            .iter()
            .flat_map(|test| test.bins.iter().chain([&test.system, &test.code, &test.title]));
        of_quasi.chain(of_tests).chain(&self.week_bands)
    }

    /// The texts of a class's bins.
    fn bins(&self, class: &Class) -> Result<Vec<Option<&str>>, ExportError> {
        if class.bins.len() != self.quasi_identifiers.len() {
            return Err(ExportError::Label);
        }
        let known = class.bins.iter().zip(&self.quasi_identifiers).map(|(bin, quasi)| {
            let grid = quasi.bins.get(usize::from(class.grid)).ok_or(ExportError::Label)?;
            Ok(grid.get(usize::from(*bin)).ok_or(ExportError::Label)?.as_deref())
        });
        known.collect()
    }

    fn result(&self, test: u16, bin: u8) -> Option<TestResult<'_>> {
        let test = self.tests.get(usize::from(test))?;
        Some(TestResult { test, bin: test.bins.get(usize::from(bin))? })
    }

    /// A case, in words.
    pub(super) fn tell(&self, row: &PublicRow) -> Result<Told<'_>, ExportError> {
        let PublicRow { id, batch, class, said } = row;
        let Said { diagnosis, values, outcome, weeks, left_out } = said;
        let weeks = weeks.iter().map(|band| self.week_bands.get(usize::from(band.0)).map(String::as_str));
        let mut told = Told {
            id: id.to_hex(),
            batch: batch.to_hex(),
            grid: class.grid,
            bins: self.bins(class)?,
            diagnosis: *diagnosis,
            diagnoses: Vec::new(),
            drugs: Vec::new(),
            procedures: Vec::new(),
            results: Vec::new(),
            outcome: *outcome,
            weeks: weeks.collect::<Option<_>>().ok_or(ExportError::Label)?,
            left_out: *left_out,
        };
        for value in values {
            match value {
                PublicValue::Diagnosis(code) => told.diagnoses.push(icd(*code)),
                PublicValue::Drug(concept) => told.drugs.push(concept.to_string()),
                PublicValue::Procedure(concept) => told.procedures.push(concept.to_string()),
                PublicValue::Result(test, bin) => {
                    told.results.push(self.result(*test, *bin).ok_or(ExportError::Label)?);
                }
            }
        }
        Ok(told)
    }

    /// The cells of a batch.
    pub(super) fn batch(&self, batch: &BatchFacts) -> Result<Vec<Cell>, ExportError> {
        let BatchFacts { id, class, policy: _, epoch, follows, reached } = batch;
        // How many rows the most frequent diagnosis has, is for whoever counts them.
        let Reached { k, l, largest: _, t } = *reached;
        let epoch = u32::try_from(*epoch).or(Err(ExportError::Label))?;
        let ids = [Cell::Text(id.to_hex()), Cell::Integer(u32::from(class.grid))];
        let facts = [k, l, u32::from(t), epoch].map(Cell::Integer);
        let follows = follows.map_or(Cell::Empty, |before| Cell::Text(before.to_hex()));
        Ok(ids.into_iter().chain(cells(&self.bins(class)?)).chain(facts).chain([follows]).collect())
    }

    /// The table of cases.
    pub(super) fn cases(&self) -> Result<Table, ExportError> {
        let about = "A random number for this case, in hexadecimal. It leads to no other id.";
        let mut fields = vec![plain("id", "public id", about, Kind::Text)];
        let about = "The batch that this case was released in: an id in the table of batches.";
        fields.extend([plain("batch", "batch", about, Kind::Text), grid()]);
        fields.extend(self.quasi_fields());
        fields.extend(diagnoses());
        fields.push(coded("drugs", "drugs", "Drugs, by their RxNorm concepts.", Kind::List, RXNORM));
        let about = "Results of tests: the code of the test, a colon, and a clinical bin.";
        let results = self.tests.iter().flat_map(|test| test.bins.iter().map(|bin| result(test, bin)));
        fields.push(closed(plain("results", "results", about, Kind::List), Role::Sensitive, results));
        let about = "Procedures, by their SNOMED CT concepts.";
        fields.push(coded("procedures", "procedures", about, Kind::List, SNOMED));
        let about = "How the case ended; unknown also where too few cases of the batch ended so.";
        let outcomes = Outcome::ALL.iter().map(|outcome| outcome.word().to_owned());
        fields.push(closed(plain("outcome", "outcome", about, Kind::Text), Role::Sensitive, outcomes));
        let about = "How many weeks after the case began something was written, in bands.";
        let weeks = self.week_bands.iter().cloned();
        fields.push(closed(plain("weeks", "weeks", about, Kind::List), Role::Sensitive, weeks));
        fields.extend(left_out());
        Table::new("cases", "Anonymised cases, one a row, in the order of their public ids.", fields)
    }

    /// The table of batches.
    pub(super) fn batches(&self) -> Result<Table, ExportError> {
        let id = plain("id", "public id", "A random number for this batch, in hexadecimal.", Kind::Text);
        let mut fields = vec![id, grid()];
        fields.extend(self.quasi_fields());
        let about = "How many distinct persons its cases are of: a case is another person's each.";
        fields.push(plain("k", "persons", about, Kind::Integer));
        let about = "How many distinct main diagnoses its cases have.";
        fields.push(plain("l", "distinct diagnoses", about, Kind::Integer));
        let about = "How far its diagnoses stand from those of their chapter at large, in thousandths.";
        fields.push(plain("t_thousandths", "distance", about, Kind::Integer));
        fields.push(plain("epoch", "epoch", "The number of the release.", Kind::Integer));
        let about = "The batch of which it is what remained when cases were withdrawn. That one is hidden.";
        let follows = plain("follows", "batch before", about, Kind::Text);
        fields.push(Field { may_be_empty: true, ..follows });
        Table::new(
            "batches",
            "What was released together: cases of one class, of at least k persons.",
            fields,
        )
    }

    fn quasi_fields(&self) -> impl Iterator<Item = Field> {
        self.quasi_identifiers.iter().map(|quasi| {
            let mut values: Vec<String> = Vec::new();
            for text in quasi.bins.iter().flatten().flatten() {
                if !values.contains(text) {
                    values.push(text.clone());
                }
            }
            Field {
                name: quasi.name.clone(),
                title: quasi.title.clone(),
                description: quasi.description.clone(),
                kind: Kind::Text,
                role: Role::QuasiIdentifier,
                may_be_empty: quasi.bins.iter().flatten().any(Option::is_none),
                values,
                system: None,
            }
        })
    }
}

impl Told<'_> {
    /// The cells of the case.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let text = |text: &str| Cell::Text(text.to_owned());
        let list = |texts: &[String]| Cell::List(texts.to_vec());
        let results = self.results.iter().map(|found| result(found.test, found.bin)).collect();
        let weeks = self.weeks.iter().map(|band| (*band).to_owned()).collect();
        let begin = [text(&self.id), text(&self.batch), Cell::Integer(u32::from(self.grid))];
        let sensitive = [
            text(&icd(self.diagnosis)),
            text(level(self.diagnosis)),
            list(&self.diagnoses),
            list(&self.drugs),
            Cell::List(results),
            list(&self.procedures),
            text(self.outcome.word()),
            Cell::List(weeks),
        ];
        let left_out = match self.left_out {
            Some(LeftOut { texts, pictures, voice }) => {
                [texts, pictures, voice].map(|amount| text(amount.word()))
            }
            None => [Cell::Empty, Cell::Empty, Cell::Empty],
        };
        begin.into_iter().chain(cells(&self.bins)).chain(sensitive).chain(left_out).collect()
    }
}

fn cells(bins: &[Option<&str>]) -> Vec<Cell> {
    bins.iter().map(|bin| bin.map_or(Cell::Empty, |text| Cell::Text(text.to_owned()))).collect()
}

fn result(test: &Test, bin: &str) -> String {
    format!("{}:{bin}", test.code)
}

fn plain(name: &str, title: &str, description: &str, kind: Kind) -> Field {
    Field {
        name: name.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        kind,
        role: Role::Insensitive,
        may_be_empty: false,
        values: Vec::new(),
        system: None,
    }
}

fn coded(name: &str, title: &str, description: &str, kind: Kind, system: &str) -> Field {
    Field { role: Role::Sensitive, system: Some(system.to_owned()), ..plain(name, title, description, kind) }
}

fn grid() -> Field {
    let description = "Which of the policy's two grids the quasi-identifiers are coarsened by: 0 the finer, 1 the coarser one.";
    plain("grid", "grid", description, Kind::Integer)
}

fn closed(field: Field, role: Role, values: impl Iterator<Item = String>) -> Field {
    Field { role, values: values.collect(), ..field }
}

fn diagnoses() -> [Field; 3] {
    let main =
        "A category of ICD-10, or where too few cases of the batch share it the block or chapter it lies in.";
    let level = "How fine the main diagnosis is.";
    let level = plain("diagnosis_level", "level of the main diagnosis", level, Kind::Text);
    let further = "Categories of ICD-10, or the blocks or chapters they lie in.";
    [
        coded("diagnosis", "main diagnosis", main, Kind::Text, ICD_10),
        closed(level, Role::Sensitive, LEVELS.iter().map(|level| (*level).to_owned())),
        coded("diagnoses", "further diagnoses", further, Kind::List, ICD_10),
    ]
}

fn left_out() -> [Field; 3] {
    let of =
        [("texts", "notes, letters and narratives"), ("pictures", "pictures"), ("voice", "voice recordings")];
    of.map(|(name, what)| {
        let about = format!(
            "How many {what} the case has that are not public; empty where too few cases say the same."
        );
        let field = plain(&format!("{name}_left_out"), &format!("{name} left out"), &about, Kind::Text);
        let amounts = Amount::ALL.iter().map(|amount| amount.word().to_owned());
        Field { may_be_empty: true, ..closed(field, Role::Insensitive, amounts) }
    })
}
