//! What is withheld and what was coarsened, in no number that tells of fewer than k.
//!
//! ```text
//! n < k     "fewer than k": nothing else is said, not even whether there is one
//! n ≥ k     n rounded down to a multiple of k, so that two reports differ by 0 or by k
//! ```
//!
//! There is no total: from one and its parts, a part that is not said would follow.

use std::fmt::Write as _;

use crate::public::{
    BatchFacts, Code, Reached,
    export::{
        cases::{LEVELS, Words},
        json::Json,
    },
};

/// Cases that are not public, by one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The reason, as a word for programs.
    pub reason: String,
    /// The reason, for people: a sentence without a number.
    pub words: String,
    /// How many cases: not printed as it is.
    pub cases: u64,
}

/// A count as it may be said.
#[derive(Clone, Copy)]
pub(super) enum Count {
    AtLeast(u64),
    FewerThan(u64),
}

impl Count {
    pub(super) const fn of(cases: u64, k: u32) -> Self {
        let k = k as u64;
        match cases.checked_rem(k) {
            Some(rest) if cases >= k => Self::AtLeast(cases.saturating_sub(rest)),
            Some(_) | None => Self::FewerThan(k),
        }
    }

    fn json(self) -> Json {
        let (name, number) = match self {
            Self::AtLeast(number) => ("at_least", number),
            Self::FewerThan(number) => ("fewer_than", number),
        };
        Json::object([(name, Json::Number(number))])
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(number) => format!("{number} or more"),
            Self::FewerThan(number) => format!("fewer than {number}"),
        }
    }
}

/// What was counted while the cases were written.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) cases: u64,
    category: u64,
    block: u64,
    chapter: u64,
}

impl Tally {
    pub(super) fn add(&mut self, diagnosis: Code) {
        let of_level = match diagnosis {
            Code::Category(_) => &mut self.category,
            Code::Block(..) => &mut self.block,
            Code::Chapter(_) => &mut self.chapter,
        };
        *of_level = of_level.saturating_add(1);
        self.cases = self.cases.saturating_add(1);
    }
}

/// The report: as JSON, and in words.
pub(super) struct Report<'r> {
    pub(super) words: &'r Words,
    pub(super) batches: Vec<&'r BatchFacts>,
    pub(super) withheld: &'r [Withheld],
    pub(super) tally: &'r Tally,
}

impl Report<'_> {
    fn count(&self, cases: u64) -> Count {
        Count::of(cases, self.words.k)
    }

    fn levels(&self) -> impl Iterator<Item = (&'static str, Count)> {
        let Tally { cases: _, category, block, chapter } = *self.tally;
        let counts = [category, block, chapter].map(|cases| self.count(cases));
        LEVELS.into_iter().zip(counts)
    }

    /// The least k and l, and the greatest t, of any batch; none without batches.
    pub(super) fn reached(&self) -> Option<[(&'static str, u64); 3]> {
        let least = |of: fn(&Reached) -> u32| self.batches.iter().map(|batch| of(&batch.reached)).min();
        let t = self.batches.iter().map(|batch| u32::from(batch.reached.t)).max()?;
        let reached =
            [("k", least(|reached| reached.k)?), ("l", least(|reached| reached.l)?), ("t_thousandths", t)];
        Some(reached.map(|(name, number)| (name, u64::from(number))))
    }

    pub(super) fn reached_json(&self) -> Option<Json> {
        self.reached().map(|reached| Json::object(reached.map(|(name, number)| (name, Json::Number(number)))))
    }

    pub(super) fn json(&self) -> Json {
        let withheld = self.withheld.iter().map(|withheld| {
            let Withheld { reason, words, cases } = withheld;
            Json::object([
                ("reason", Json::text(reason)),
                ("words", Json::text(words)),
                ("cases", self.count(*cases).json()),
            ])
        });
        let levels = self
            .levels()
            .map(|(level, count)| Json::object([("level", Json::text(level)), ("cases", count.json())]));
        let rule = "Numbers are rounded down to a multiple of k; of less than k, only that is said.";
        Json::object([
            ("k", Json::Number(u64::from(self.words.k))),
            ("rule", Json::text(rule)),
            ("published", self.count(self.tally.cases).json()),
            ("diagnoses", Json::list(levels)),
            ("withheld", Json::list(withheld)),
        ])
        .with_some("reached", self.reached_json())
    }

    pub(super) fn page(&self) -> String {
        let k = self.words.k;
        let mut page = format!(
            "# What is withheld\n\nEvery number here is rounded down to a multiple of {k}; of less than {k}, only that is said.\n\n"
        );
        // Writing to a text does not fail.
        let mut line = |text: String| writeln!(page, "- {text}").unwrap_or_default();
        line(format!("Public: {} cases.", self.count(self.tally.cases).words()));
        for (level, count) in self.levels() {
            line(format!("Main diagnosis said as a {}: {} cases.", level, count.words()));
        }
        if let Some([(_, k), (_, l), (_, t)]) = self.reached() {
            line(format!("Every batch has at least {k} persons and {l} distinct diagnoses."));
            line(format!("No batch stands further than {t} thousandths from its chapter at large."));
        }
        for Withheld { reason: _, words, cases } in self.withheld {
            line(format!("Withheld, {}: {words}", self.count(*cases).words()));
        }
        page
    }
}
