//! The report: one HTML file that needs nothing from outside, and lets nothing in.

use std::{fmt::Write as _, io::Write, path::Path};

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};

use crate::{
    audit::{AuditReport, Gravity},
    party::Role,
    report::{
        Language, ReportError, charts,
        html::{escape, minute, number},
        reading::Reading,
        tables,
        tally::{Tally, growth},
        words::{Said as _, Word, fill},
    },
    time::Timestamp,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the report of an export's folder, of which an audit said this, in a language, as one HTML file that says it was
/// made at `at`. Which grants are in force it tells as of then, or of the log's last epoch, if that is later.
///
/// # Errors
/// [`ReportError`]; what was written then is to be thrown away.
///
/// # Security
/// The audit must be of this folder as it is: what it found is shown, and nothing is verified again. The page loads nothing: its
/// content security policy admits its own style and script by their digests, and nothing else.
pub fn write_report(
    directory: impl AsRef<Path>,
    audit: &AuditReport,
    (language, at): (Language, Timestamp),
    out: &mut impl Write,
) -> Result<(), ReportError> {
    let directory = directory.as_ref();
    let reading = Reading::open(directory)?;
    let points = growth(directory, audit.log.size)?;
    // A log may be ahead of the reader's clock: then its own end is the present.
    let present = points.last().map_or(at, |(end, _)| at.max(*end));
    let mut tally = Tally::new(present);
    reading.read(&mut tally)?;
    let mut page = Page { language, html: String::with_capacity(256 * 1024) };
    page.head(audit);
    page.top(audit, at);
    page.summary(audit, &tally, &reading);
    page.findings(audit);
    page.openings(&mut tally);
    page.grants(&tally);
    page.refusals(&tally, &reading);
    page.growth(&points);
    page.about();
    page.add(format_args!("</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"));
    out.write_all(page.html.as_bytes()).and_then(|()| out.flush()).map_err(ReportError::Written)
}

/// A source for a content security policy: the digest of what stands in the page.
fn source(text: &str) -> String {
    format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(text)))
}

struct Page {
    language: Language,
    html: String,
}

impl Page {
    fn add(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _written = self.html.write_fmt(piece);
    }

    fn say(&self, word: Word) -> String {
        escape(word.say(self.language))
    }

    fn head(&mut self, audit: &AuditReport) {
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            source(STYLE),
            source(SCRIPT)
        );
        let (title, tag) = (self.say(Word::Title), self.language.tag());
        let vault = audit.vault;
        self.add(format_args!(
            "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title} · {vault}</title>\n<style>{STYLE}</style>\n</head>\n"
        ));
        let (search, all, of) = (self.say(Word::Search), self.say(Word::All), self.say(Word::Of));
        let skip = self.say(Word::Skip);
        self.add(format_args!(
            "<body data-search=\"{search}\" data-all=\"{all}\" data-of=\"{of}\">\n<a class=\"skip\" href=\"#report\">{skip}</a>\n"
        ));
    }

    /// What it is, of which vault, and the verdict.
    fn top(&mut self, audit: &AuditReport, made: Timestamp) {
        let (class, verdict, said) = match audit.worst() {
            None => ("sound", Word::VerdictSound, Word::NothingWrong),
            Some(Gravity::Warning) => ("warning", Word::VerdictWarning, Word::VerdictWarningSaid),
            Some(Gravity::Missing) => ("missing", Word::VerdictMissing, Word::VerdictMissingSaid),
            Some(Gravity::Tampering) => ("tampering", Word::VerdictTampering, Word::VerdictTamperingSaid),
        };
        let [title, vault, verdict, said] =
            [Word::Title, Word::Vault, verdict, said].map(|word| self.say(word));
        let made = escape(&fill(Word::Made.say(self.language), &[&minute(made)]));
        let utc = self.say(Word::Utc);
        self.add(format_args!(
            "<header>\n<h1>{title}</h1>\n<p>{vault} <code>{}</code></p>\n<p class=\"note\">{made} {utc}</p>\n</header>\n\
             <main id=\"report\">\n<section class=\"verdict {class}\" aria-labelledby=\"verdict\">\n\
             <h2 id=\"verdict\">{verdict}</h2>\n<p>{said}</p>\n</section>\n",
            audit.vault.to_hex()
        ));
    }

    fn begin(&mut self, id: &str, word: Word) {
        let words = self.say(word);
        self.add(format_args!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{words}</h2>\n"));
    }

    fn end(&mut self) {
        self.html.push_str("</section>\n");
    }

    fn fact(&mut self, name: &str, word: Word, value: &str) {
        let words = self.say(word);
        self.add(format_args!("<div><dt>{words}</dt><dd id=\"n-{name}\">{value}</dd></div>\n"));
    }

    fn summary(&mut self, audit: &AuditReport, tally: &Tally, reading: &Reading) {
        let findings = u64::try_from(audit.findings.len()).unwrap_or(u64::MAX);
        let refused = tally.refusals.values().copied().fold(0, u64::saturating_add);
        self.begin("summary", Word::Summary);
        self.html.push_str("<dl class=\"facts\">\n");
        for (name, word, value) in [
            ("findings", Word::Findings, findings),
            ("events", Word::Events, audit.events),
            ("streams", Word::Streams, audit.streams),
            ("epochs", Word::LogSize, audit.epochs),
            ("openings", Word::Openings, tally.opened),
            ("in-force", Word::GrantsInForce, tally.in_force.count),
            ("ended", Word::GrantsEnded, tally.ended.count),
            ("refusals", Word::Refusals, refused),
        ] {
            self.fact(name, word, &number(value));
        }
        if audit.receipts > 0 {
            self.fact("receipts", Word::Receipts, &number(audit.receipts));
        }
        if tally.unreadable > 0 {
            self.fact("unreadable", Word::Unreadable, &number(tally.unreadable));
        }
        self.html.push_str("</dl>\n<dl class=\"lines\">\n");
        let root = format!("<code>{}</code>", audit.log.root.to_hex());
        self.fact("root", Word::LogRoot, &root);
        let parties = parties(reading.roles.values().copied(), self.language);
        self.fact("parties", Word::Parties, &parties);
        self.html.push_str("</dl>\n");
        if let Some((first, last)) = tally.first.zip(tally.last) {
            let span = fill(Word::Span.say(self.language), &[&minute(first), &minute(last)]);
            self.html.push_str(&charts::note(&escape(&span)));
        }
        let kinds = tables::counts(("t-kinds", Word::EventsByKind), Word::What, &tally.verbs, self.language);
        let words = self.say(Word::EventsByKind);
        self.add(format_args!("\n<details><summary>{words}</summary>\n{kinds}</details>\n"));
        self.end();
    }

    fn findings(&mut self, audit: &AuditReport) {
        self.begin("findings", Word::Findings);
        if audit.findings.is_empty() {
            self.html.push_str(&charts::note(&self.say(Word::None)));
        } else {
            self.html.push_str(&tables::findings(&audit.findings, self.language));
        }
        self.end();
    }

    fn openings(&mut self, tally: &mut Tally) {
        self.begin("openings", Word::OpeningsTitle);
        match charts::openings(&mut tally.openings, self.language) {
            Some((drawing, numbers)) => {
                let desc = self.say(Word::OpeningsDesc);
                let words = self.say(Word::Numbers);
                self.add(format_args!(
                    "<p class=\"note\">{desc}</p>\n{drawing}\n<details><summary>{words}</summary>\n{numbers}</details>\n"
                ));
            }
            None => self.html.push_str(&charts::note(&self.say(Word::NoOpenings))),
        }
        self.end();
        self.begin("weeks", Word::HeatTitle);
        match charts::heat(&tally.weeks, self.language) {
            Some(drawing) => {
                let desc = self.say(Word::HeatDesc);
                self.add(format_args!("<p class=\"note\">{desc}</p>\n{drawing}\n"));
            }
            None => self.html.push_str(&charts::note(&self.say(Word::NothingDrawn))),
        }
        self.end();
    }

    fn grants(&mut self, tally: &Tally) {
        for (id, table, word, newest) in [
            ("in-force", "t-in-force", Word::InForce, &tally.in_force),
            ("ended", "t-ended", Word::EndedGrants, &tally.ended),
        ] {
            self.begin(id, word);
            self.html.push_str(&tables::grants((table, word), newest, tally, self.language));
            self.end();
        }
    }

    fn refusals(&mut self, tally: &Tally, reading: &Reading) {
        self.begin("tries", Word::Suspended);
        let said = self.say(Word::SuspendedSaid);
        self.html.push_str(&charts::note(&said));
        self.html.push_str(&tables::tries(&tally.tries, &reading.roles, self.language));
        self.end();
        self.begin("refusals", Word::RefusalsByReason);
        if tally.refusals.is_empty() {
            self.html.push_str(&charts::note(&self.say(Word::NoRefusals)));
        } else {
            let caption = ("t-refusals", Word::RefusalsByReason);
            self.html.push_str(&tables::counts(caption, Word::Reason, &tally.refusals, self.language));
        }
        self.end();
    }

    fn growth(&mut self, points: &[(Timestamp, u64)]) {
        self.begin("growth", Word::LogGrowth);
        match (charts::growth(points, self.language), points.last()) {
            (Some(drawing), _) => {
                let desc = self.say(Word::LogGrowthDesc);
                self.add(format_args!("<p class=\"note\">{desc}</p>\n{drawing}\n"));
            }
            (None, Some((at, events))) => {
                let words = [number(*events), escape(&minute(*at))];
                let said = fill(Word::OneEpoch.say(self.language), &words.each_ref().map(String::as_str));
                self.html.push_str(&charts::note(&said));
            }
            (None, None) => self.html.push_str(&charts::note(&self.say(Word::NothingDrawn))),
        }
        self.end();
    }

    fn about(&mut self) {
        self.begin("about", Word::About);
        for word in [Word::AboutHandles, Word::AboutJudged, Word::AboutLimits] {
            let words = self.say(word);
            self.add(format_args!("<p>{words}</p>\n"));
        }
        let words = self.say(Word::AboutRest);
        self.add(format_args!(
            "<p>{words}<br><code class=\"command\">casevault audit export EXPORT --format csv --out DIR</code></p>\n"
        ));
        self.end();
    }
}

/// How many parties there are of each role.
fn parties(roles: impl Iterator<Item = Role>, language: Language) -> String {
    let mut counts = std::collections::BTreeMap::<Role, u64>::new();
    roles.for_each(|role| *counts.entry(role).or_default() += 1);
    let say = |(role, count): (&Role, &u64)| format!("{} {}", escape(role.say(language)), number(*count));
    counts.iter().map(say).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Colours<'c> = BTreeMap<&'c str, &'c str>;

    /// The colours that a rule names, on top of others.
    fn colours<'c>(rule: &'c str, before: &Colours<'c>) -> Colours<'c> {
        let rule = rule.split_once('{').and_then(|(_, rest)| rest.split_once('}')).unwrap().0;
        let named = rule.split(';').filter_map(|one| one.trim().strip_prefix("--")?.split_once(": #"));
        before.clone().into_iter().chain(named).collect()
    }

    /// WCAG's relative luminance of a colour.
    fn luminance(colour: &str) -> f64 {
        let part = |place: usize| {
            let value =
                f64::from(u8::from_str_radix(colour.get(place..place + 2).unwrap(), 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    #[test]
    fn what_is_written_can_be_read_on_what_it_stands_on() {
        let mut rules = STYLE.split(":root ").skip(1);
        let light = colours(rules.next().unwrap(), &BTreeMap::new());
        let (dark, paper) = (colours(rules.next().unwrap(), &light), colours(rules.next().unwrap(), &light));
        assert_ne!(light["ink"], dark["ink"]);
        let on = |ground: &'static str, inks: &[&'static str]| {
            inks.iter().map(|ink| (*ink, ground)).collect::<Vec<_>>()
        };
        let inks = ["ink", "quiet", "accent", "sound", "warning", "missing", "tampering"];
        let cells = ["h0", "h1", "h2", "h3"].map(|ground| ("shallow", ground));
        let deep = ["h4", "h5"].map(|ground| ("deep", ground));
        let texts =
            [on("card", &inks), on("back", &["ink", "quiet"]), cells.to_vec(), deep.to_vec()].concat();
        // What is drawn, three.
        let drawn = on("card", &["s0", "s1", "s2", "s3"]);
        for (scheme, colours) in [("light", &light), ("dark", &dark), ("paper", &paper)] {
            let all = texts.iter().map(|pair| (pair, 4.5)).chain(drawn.iter().map(|pair| (pair, 3.0)));
            for ((ink, ground), least) in all {
                let (one, other) = (luminance(colours[ink]), luminance(colours[ground]));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= least, "{ink} on {ground}, {scheme}: {contrast:.2}");
            }
        }
    }
}
