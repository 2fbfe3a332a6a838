//! A policy, in words.

use std::fmt::{self, Write as _};

use crate::public::policy::{Axis, Coarser, Every, Field, Parent, PublicPolicy, Share};

/// To whom a policy is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reader {
    /// Who runs the pool: the whole policy, with its numbers.
    Curator,
    /// Whose case it is: what would be told of her, and what is not promised.
    Patient,
}

impl PublicPolicy {
    /// The whole policy in plain words, in lines.
    #[must_use]
    pub fn explain(&self, reader: Reader) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let written = match reader {
            Reader::Curator => self.for_curator(&mut text),
            Reader::Patient => self.for_patient(&mut text),
        };
        debug_assert!(written.is_ok(), "a string takes what is written");
        text
    }

    fn for_patient(&self, text: &mut String) -> fmt::Result {
        self.write_head(text)?;
        writeln!(
            text,
            "\nIf you say yes, one row may become public that says, of your case, no more than this:"
        )?;
        self.write_axes(text, 0)?;
        if let Some(rule) = self.coarser() {
            writeln!(text, "If {}, it says less instead:", when(rule))?;
            self.write_axes(text, 1)?;
        }
        writeln!(text, "and beside it:")?;
        self.write_values(text)?;
        writeln!(
            text,
            "\nIt never says your name, an address, a telephone number, an identifier, a date, or anything in free text; no \
             picture and no voice enters. How much of these was left out is told as none, a few or many.",
        )?;
        writeln!(
            text,
            "\nYour row appears only together with those of at least {} others who are the same as you in all of the first \
             list, with {} main diagnoses or more among them, none in more than {} of the rows. What too few of these rows \
             have is told more coarsely ({}), or left out. Until there are so many it waits: nobody but the curator has read \
             it, and you can take it back.",
            self.k().saturating_sub(1),
            self.l(),
            share(self.share()),
            parents(self.rare()),
        )?;
        writeln!(
            text,
            "\nNot promised: who knows your drugs, results or further diagnoses from elsewhere may find the row that has all \
             of them, and with it the rest. After a row is public you can have it taken away, but copies that someone made \
             cannot be called back.",
        )
    }

    fn for_curator(&self, text: &mut String) -> fmt::Result {
        self.write_head(text)?;
        writeln!(text, "\nA batch is released if it has")?;
        writeln!(text, "  k      {} distinct patients or more, and so has every change", self.k())?;
        writeln!(text, "  l      {} distinct main diagnoses or more", self.l())?;
        writeln!(text, "  share  at most {} of the rows with one main diagnosis", share(self.share()))?;
        writeln!(
            text,
            "  t      a distance of at most {} from the public reference",
            decimal(self.t_thousandths())
        )?;
        let epoch = match self.epoch() {
            Every::Months(1) => "month".to_owned(),
            Every::Months(count) => format!("{count} months"),
            Every::Weeks(1) => "week".to_owned(),
            Every::Weeks(count) => format!("{count} weeks"),
        };
        writeln!(
            text,
            "Batches are looked for once every {epoch}. A value in fewer than {} rows of a batch",
            self.k()
        )?;
        writeln!(text, "is coarsened to {}, or left out.", parents(self.rare()))?;
        for (number, _) in (0u8..).zip(self.grids()) {
            let cells = self.axes(number).iter().map(|axis| axis.labels.len()).product::<usize>();
            match (number, self.coarser()) {
                (1, Some(rule)) => writeln!(text, "\nSecond grid, {cells} classes, if {}:", when(rule))?,
                _ => writeln!(text, "\nGrid, {cells} classes:")?,
            }
            self.write_axes(text, number)?;
        }
        writeln!(text, "\nValues:")?;
        self.write_values(text)
    }

    fn write_head(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "Public policy \"{}\", version {}", self.name(), self.version())?;
        writeln!(text, "{}", self.digest().to_hex())
    }

    fn write_axes(&self, text: &mut String, grid: u8) -> fmt::Result {
        for Axis { field, labels } in self.axes(grid) {
            let what = match field {
                Field::Age => "age, when the main diagnosis was made".to_owned(),
                Field::Chapter => "chapter of the main diagnosis".to_owned(),
                Field::Region => format!("place, of {} people or more", self.people_min()),
                Field::Sex => "sex".to_owned(),
                Field::Year => "year of the main diagnosis".to_owned(),
            };
            writeln!(text, "  - {what}: {}", labels.join("; "))?;
        }
        Ok(())
    }

    fn write_values(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "  - the main diagnosis and further ones, each by its category of ICD-10 (as J45)")?;
        writeln!(
            text,
            "  - drugs, if they are among {} ingredients or products; procedures, among {}",
            self.drugs().len(),
            self.procedures().len(),
        )?;
        for rule in self.results() {
            writeln!(text, "  - {} ({} in {}): {}", rule.name, rule.loinc, rule.unit, rule.bins.join("; "))?;
        }
        writeln!(text, "  - how it ended: unknown; resolved; ongoing; died")?;
        writeln!(
            text,
            "  - in which of these weeks after its beginning something was recorded: {}",
            self.week_labels().join("; ")
        )
    }
}

fn share(Share { of, out_of }: Share) -> String {
    if (of, out_of) == (1, 2) { "half".to_owned() } else { format!("{of}/{out_of}") }
}

fn decimal(thousandths: u16) -> String {
    let text = format!("0.{thousandths:03}");
    text.trim_end_matches('0').to_owned()
}

fn parents(parents: &[Parent]) -> String {
    let words: Vec<_> = parents.iter().map(|parent| format!("its {parent} of ICD-10")).collect();
    if words.is_empty() { "nothing coarser".to_owned() } else { words.join(", then ") }
}

fn when(rule: Coarser) -> String {
    let Coarser { people_below, age_from, year_before } = rule;
    let rules = [
        people_below.map(|below| {
            format!("fewer than {below} people live in the state or province, or it is not known")
        }),
        age_from.map(|from| format!("the age is {from} or more")),
        year_before.map(|before| format!("the year is before {before}")),
    ];
    rules.into_iter().flatten().collect::<Vec<_>>().join(", or ")
}
