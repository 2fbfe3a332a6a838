//! What became public: each release's batches are those its event names, and pass the gate of their policy.
//!
//! Rows that are hidden are gone; of them the digest is there, which the release named with the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, ErrorKind},
    path::Path,
};

use serde::Deserialize;

use crate::{
    audit::{
        AuditError, Fault,
        lines::{Lines, value_of},
        streams::{Released, Streams},
    },
    event::Principal,
    id::{BatchId, Digest},
    limits::{AUDIT_BATCHES_MAX, PUBLIC_BATCH_ROWS_MAX},
    public::{Batch, BatchFacts, Codes, GateRules, PublicPolicy, PublicRow, ReleaseNote},
};

/// What an export says of the public area.
pub(super) struct Published {
    gates: BTreeMap<Digest, GateRules>,
    codes: Option<Codes>,
    count: Option<u64>,
    journals: Vec<Digest>,
    batches: BTreeMap<BatchId, Told>,
    /// How many releases there are, by the vault's stream.
    most: usize,
    /// The batch whose rows come.
    open: Option<(BatchId, Vec<PublicRow>)>,
    /// Whether a line is not of its format, or not where it can be.
    is_malformed: bool,
    gated: u64,
}

/// A batch, as its line tells it.
struct Told {
    facts: BatchFacts,
    release: u64,
    rows: Digest,
    hidden: Option<u64>,
    /// What is wrong with its rows.
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Line {
    Batch { batch: String, release: u64, rows: String, hidden: Option<u64> },
    Release { release: u64, journal: String },
    Count { releases: u64 },
    Rows { rows: Vec<String> },
}

impl Published {
    /// Reads the file, of so many releases at the most; one that is not there says that nothing became public.
    pub(super) fn read(path: &Path, most: usize, policies: &[PublicPolicy]) -> Result<Self, AuditError> {
        let mut gates = BTreeMap::new();
        for policy in policies {
            let rules = policy.gate_rules().map_err(|_unfit| AuditError::Malformed("the public policy"))?;
            gates.insert(policy.digest(), rules);
        }
        let codes = if gates.is_empty() { None } else { PublicPolicy::codes().ok() };
        let mut public = Self {
            gates,
            codes,
            count: None,
            journals: Vec::new(),
            batches: BTreeMap::new(),
            most,
            open: None,
            is_malformed: false,
            gated: 0,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(public),
            Err(error) => return Err(error.into()),
        };
        let mut file = BufReader::new(file);
        loop {
            let lines = Lines::read(&mut file)?;
            if lines.is_empty() {
                break;
            }
            for line in lines.iter() {
                let is_read = line.and_then(|line| public.take(serde_json::from_slice(line).ok()?));
                public.is_malformed |= is_read.is_none();
            }
        }
        public.close();
        Ok(public)
    }

    /// Batches that are shown.
    pub(super) fn shown(&self) -> u64 {
        let shown = self.batches.values().filter(|told| told.hidden.is_none()).count();
        u64::try_from(shown).unwrap_or(u64::MAX)
    }

    /// Those whose rows were held to their gate.
    pub(super) const fn gated(&self) -> u64 {
        self.gated
    }

    fn take(&mut self, line: Line) -> Option<()> {
        let is_first = self.count.is_none();
        match line {
            Line::Count { releases } if is_first => self.count = Some(releases),
            Line::Release { release, journal }
                if self.batches.is_empty() && !is_first && self.journals.len() < self.most =>
            {
                let is_next = u64::try_from(self.journals.len()).ok() == Some(release);
                self.journals.push(Digest::from_hex(&journal).filter(|_| is_next)?);
            }
            Line::Batch { batch, release, rows, hidden } if self.batches.len() < AUDIT_BATCHES_MAX => {
                self.close();
                let facts: BatchFacts = value_of(&batch)?;
                let (id, rows) = (facts.id, Digest::from_hex(&rows)?);
                let follows = self.batches.last_key_value().is_none_or(|(last, _)| *last < id);
                if !follows {
                    return None;
                }
                if hidden.is_none() {
                    self.open = Some((id, Vec::new()));
                }
                self.batches.insert(id, Told { facts, release, rows, hidden, fault: None });
            }
            Line::Rows { rows } => {
                let (_, known) = self.open.as_mut()?;
                if known.len().saturating_add(rows.len()) > PUBLIC_BATCH_ROWS_MAX {
                    return None;
                }
                for row in rows {
                    known.push(value_of::<PublicRow>(&row)?);
                }
            }
            Line::Count { .. } | Line::Release { .. } | Line::Batch { .. } => return None,
        }
        Some(())
    }

    /// All rows of the batch are there: they are held to what is said of them.
    fn close(&mut self) {
        let Some((id, rows)) = self.open.take() else { return };
        let Some(told) = self.batches.get_mut(&id) else { return };
        let is_same = ReleaseNote::rows_digest(&rows) == told.rows;
        let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        let are_its = rows.iter().all(|row| row.batch == id && row.class == told.facts.class);
        let is_counted =
            u32::try_from(ids.len()).ok() == Some(told.facts.reached.k) && ids.len() == rows.len();
        if !(is_same && are_its && is_counted) {
            told.fault = Some(Fault::Release);
            return;
        }
        let gate = self.gates.get(&told.facts.policy).zip(self.codes.as_ref());
        let Some((rules, codes)) = gate else { return };
        self.gated = self.gated.saturating_add(1);
        let batch = Batch { facts: told.facts.clone(), rows };
        told.fault = batch.check(rules, codes).err().map(|_broken| Fault::Gate);
    }

    /// Whether a batch is one that its release could bring: under the policy of then, or what remains of one that is hidden.
    fn could_be(&self, told: &Told, policies: &BTreeSet<Digest>) -> bool {
        match told.facts.follows {
            None => policies.contains(&told.facts.policy),
            Some(before) => self.batches.get(&before).is_some_and(|before| {
                before.hidden.is_some_and(|hidden| hidden <= told.release)
                    && before.release < told.release
                    && before.facts.policy == told.facts.policy
                    && before.facts.class == told.facts.class
                    && before.facts.reached.k > told.facts.reached.k
            }),
        }
    }
}

impl Streams<'_> {
    /// Judges what became public by what the vault's stream says of it.
    pub(super) fn judge_public(&mut self, public: Published) {
        if self.bad.contains(&Principal::Vault(self.vault)) {
            return;
        }
        let releases = std::mem::take(&mut self.releases);
        let told = u64::try_from(public.journals.len()).unwrap_or(u64::MAX);
        let is_told = public.count.unwrap_or(0) == told
            && public
                .batches
                .values()
                .all(|one| one.release < told && one.hidden.is_none_or(|hidden| hidden < told));
        if public.is_malformed || !is_told {
            let fault = if public.is_malformed { Fault::Malformed } else { Fault::Release };
            return self.findings.add(0, fault, ("releases.ndjson", 0));
        }
        let mut brought: BTreeMap<u64, Vec<&Told>> = BTreeMap::new();
        let mut hidden: BTreeMap<u64, Vec<BatchId>> = BTreeMap::new();
        for (id, told) in &public.batches {
            brought.entry(told.release).or_default().push(told);
            if let Some(number) = told.hidden {
                hidden.entry(number).or_default().push(*id);
            }
        }
        for (number, Released { place, subject, .. }) in (0u64..).zip(&releases) {
            let journal = usize::try_from(number).ok().and_then(|number| public.journals.get(number));
            let Some(journal) = journal else {
                self.findings.add(place.index, Fault::Release, ("", place.seq));
                continue;
            };
            let its = brought.remove(&number).unwrap_or_default();
            let gone = hidden.remove(&number).unwrap_or_default();
            let note = ReleaseNote::of(its.iter().map(|told| (&told.facts, told.rows)), gone, *journal);
            let at = self.rules.at(place.received);
            let policies: BTreeSet<Digest> =
                at.filter_map(|(_, policy)| policy.public_area().map(|area| area.policy)).collect();
            let could_be = its.iter().all(|told| public.could_be(told, &policies));
            if *subject != Some(note.digest()) || !could_be {
                self.findings.add(place.index, Fault::Release, ("", place.seq));
                continue;
            }
            if let Some(fault) = its.iter().filter_map(|told| told.fault).min() {
                self.findings.add(place.index, fault, ("", place.seq));
            }
        }
    }
}
