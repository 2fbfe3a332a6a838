//! The verbs under test, each from a closed vault to a closed vault.

use std::collections::BTreeSet;

use casevault::{
    consent::Terms,
    custodian::{Custodian, PoolCursor},
    error::Error,
    id::{BatchId, PublicId},
    party::Doctor,
    public::{Batch, BatchFacts, Class, Code, Icd3, Outcome, PublicRow, Reached, Said},
    session::Memory,
};

use crate::clinic::{
    ALICE, BOB, CAROL, DAVE, PUBLIC, Refused, curator, doctor, enrol, first_case, keyring, patient,
};

const CHART: &[u8] = br#"{"resourceType":"Bundle","type":"collection","entry":[
    {"resource":{"resourceType":"Patient","id":"1","birthDate":"1984-05-17"}},
    {"resource":{"resourceType":"Condition","id":"2","subject":{"reference":"Patient/1"}}},
    {"resource":{"resourceType":"Observation","id":"3","subject":{"reference":"Patient/1"}}}]}"#;

/// What someone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// The patient assigns a second doctor: two grants.
    Assign,
    /// The operator makes the vault.
    Create,
    /// A doctor enrols, and gets a shred key.
    Enrol,
    /// The patient imports a chart: a case and who it is about.
    Import,
    /// The assigned doctor opens the case.
    Open,
    /// The curator makes a batch public, and keeps a journal of it.
    Release,
    /// The patient takes the case back from the assigned doctor.
    Revoke,
}

impl Verb {
    pub(crate) const ALL: [Self; 7] =
        [Self::Assign, Self::Create, Self::Enrol, Self::Import, Self::Open, Self::Release, Self::Revoke];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Create => "create",
            Self::Enrol => "enrol",
            Self::Import => "import",
            Self::Open => "open",
            Self::Release => "release",
            Self::Revoke => "revoke",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// Does it, in an open vault; making one is no act in it.
    pub(crate) fn act(self, custodian: &dyn Custodian, round: u32, memory: Memory) -> Result<(), Refused> {
        match self {
            Self::Assign => {
                let alice = patient(custodian, (ALICE, round), memory)?;
                let case = first_case(&alice)?;
                alice.assign(&case, keyring(CAROL).party(), Terms::treatment()).map(drop)?;
            }
            Self::Create => (),
            Self::Enrol => enrol::<Doctor>(custodian, (DAVE, round), memory).map(drop)?,
            Self::Import => patient(custodian, (ALICE, round), memory)?.import(CHART).map(drop)?,
            Self::Open => {
                let bob = doctor(custodian, (BOB, round), memory)?;
                let case = bob.cases()?.into_iter().next().ok_or(Error::Denied)?;
                bob.open(&case)?.identity().map(drop)?;
            }
            Self::Release => {
                let curator = curator(custodian, round, memory)?;
                if curator.journals()?.is_empty() {
                    let batch = batch();
                    let changes = (batch.rows, vec![batch.facts], Vec::new());
                    curator.release(&PoolCursor::default(), changes, b"whose they are")?;
                }
            }
            Self::Revoke => {
                let alice = patient(custodian, (ALICE, round), memory)?;
                let case = first_case(&alice)?;
                alice.revoke(&case, keyring(BOB).party()).map(drop)?;
            }
        }
        Ok(())
    }
}

/// Twelve cases of a class, of four diagnoses.
fn batch() -> Batch {
    let (id, class) = (BatchId::from_bytes([1; 16]), Class { grid: 0, bins: vec![2, 0, 0, 1] });
    let said = |number: u8| Said {
        diagnosis: Code::Category(
            Icd3::parse(["J01", "J02", "J20", "J32"][usize::from(number % 4)]).unwrap(),
        ),
        values: BTreeSet::new(),
        outcome: Outcome::Unknown,
        weeks: BTreeSet::new(),
        left_out: None,
    };
    let row = |number| PublicRow {
        id: PublicId::from_bytes([number; 16]),
        batch: id,
        class: class.clone(),
        said: said(number),
    };
    let reached = Reached { k: 12, l: 4, largest: 3, t: 100 };
    let facts = BatchFacts { id, class: class.clone(), policy: PUBLIC, epoch: 1, follows: None, reached };
    Batch { facts, rows: (0..12).map(row).collect() }
}
