//! Charts, as SVG in the page: no style of their own, so that the page's policy holds and its colours change with it.

use std::fmt::Write as _;

use crate::{
    report::{
        Language,
        html::{day, escape, grouped, minute},
        tables,
        tally::{Bins, PURPOSES, Weeks},
        words::{Said as _, Word, fill},
    },
    time::Timestamp,
};

/// How many bars a chart has at the most.
const BARS_MAX: u64 = 72;
/// How many doctors are drawn.
pub(super) const DOCTORS_DRAWN: usize = 30;
/// How many weeks.
const WEEKS_DRAWN: u64 = 26;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// A drawing that tells what it is to who cannot see it.
struct Drawing {
    title: String,
    svg: String,
}

impl Drawing {
    fn begin((width, height): (f64, f64), name: &str, title: &str, description: &str) -> Self {
        let svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" class=\"{name}\" role=\"img\" aria-labelledby=\"{name}-t {name}-d\">\
             <title id=\"{name}-t\">{}</title><desc id=\"{name}-d\">{}</desc>",
            escape(title),
            escape(description)
        );
        Self { title: escape(title), svg }
    }

    fn add(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _written = self.svg.write_fmt(piece);
    }

    fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: &str, text: &str) {
        let text = escape(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Lines across, each with its number.
    fn grid(&mut self, top: u64) {
        let step = step(top);
        let mut value = 0;
        while value <= top {
            let y = level(value, top);
            self.add(format_args!(
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" class=\"grid\"/>",
                WIDTH - RIGHT
            ));
            self.text((LEFT - 8.0, y + 4.0), "tick", "end", &grouped(value));
            let Some(next) = value.checked_add(step) else { break };
            value = next;
        }
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        let Self { title, svg } = self;
        format!("<div class=\"chart\" role=\"region\" aria-label=\"{title}\" tabindex=\"0\">{svg}</div>")
    }
}

/// A round step that makes five lines or fewer.
fn step(top: u64) -> u64 {
    let decades = std::iter::successors(Some(1u64), |decade| decade.checked_mul(10));
    let mut steps = decades.flat_map(|decade| [1, 2, 5].map(|factor| decade.saturating_mul(factor)));
    steps.find(|step| top / step <= 4).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
const fn real(number: u64) -> f64 {
    number as f64
}

fn level(value: u64, top: u64) -> f64 {
    let share = real(value) / real(top.max(1));
    (HEIGHT - BOTTOM) - share * (HEIGHT - BOTTOM - TOP)
}

/// Openings over time, by purpose: the drawing, and its numbers as a table's rows.
pub(super) fn openings(bins: &mut Bins, language: Language) -> Option<(String, String)> {
    let bars = bins.all(BARS_MAX);
    let (first, last) = (bars.first()?.0, bars.last()?.0);
    let sum = |counts: &[u64]| counts.iter().copied().fold(0, u64::saturating_add);
    let top = bars.iter().map(|(_, counts)| sum(counts)).max().unwrap_or(0);
    let count = u64::try_from(bars.len()).unwrap_or(1);
    let slot = (WIDTH - LEFT - RIGHT) / real(count.max(8));
    let title = Word::OpeningsTitle.say(language);
    let mut drawing = Drawing::begin((WIDTH, HEIGHT), "openings", title, Word::OpeningsDesc.say(language));
    drawing.grid(top);
    let is_fine = bins.width() < 24 * 60 * 60_000;
    let say = |at: Timestamp| if is_fine { minute(at) } else { day(at) };
    for (place, (at, counts)) in (0u64..).zip(&bars) {
        let (x, mut below) = (LEFT + slot * real(place), 0u64);
        let label = escape(&say(*at));
        for (number, (purpose, value)) in
            PURPOSES.iter().zip(counts).enumerate().filter(|(_, (_, value))| **value > 0)
        {
            let above = below.saturating_add(*value);
            let (from, to) = (level(below, top), level(above, top));
            let what = purpose.map_or(Word::Other.say(language), |purpose| purpose.say(language));
            drawing.add(format_args!(
                "<rect x=\"{:.1}\" y=\"{to:.1}\" width=\"{:.1}\" height=\"{:.1}\" class=\"s{number}\"><title>{label} · {} · {}</title></rect>",
                x + slot * 0.1,
                slot * 0.8,
                (from - to).max(0.5),
                escape(what),
                grouped(*value)
            ));
            below = above;
        }
    }
    drawing.text((LEFT, HEIGHT - 12.0), "tick", "start", &say(first));
    if bars.len() > 1 {
        let x = LEFT + slot * real(count);
        drawing.text((x.max(LEFT + 260.0), HEIGHT - 12.0), "tick", "end", &say(last));
    }
    let rows =
        bars.iter().filter(|(_, counts)| sum(counts) > 0).map(|(at, counts)| (say(*at), counts.as_slice()));
    let mut sums = [0u64; PURPOSES.len()];
    for (_, counts) in &bars {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
    }
    let numbers = tables::by_purpose(rows, language);
    Some((legend(sums, language) + &drawing.finish(), numbers))
}

/// Which colour is which purpose, of those that occur.
fn legend(sums: [u64; PURPOSES.len()], language: Language) -> String {
    let present = PURPOSES.iter().zip(sums).enumerate().filter(|(_, (_, sum))| *sum > 0);
    let items = present.map(|(number, (purpose, _))| {
        let what = purpose.map_or(Word::Other.say(language), |purpose| purpose.say(language));
        format!("<li><span class=\"key k{number}\" aria-hidden=\"true\"></span>{}</li>", escape(what))
    });
    format!("<ul class=\"legend\">{}</ul>", items.collect::<String>())
}

/// Doctors and weeks, and what is left out of the drawing.
pub(super) fn heat(weeks: &Weeks, language: Language) -> Option<String> {
    const CELL: f64 = 30.0;
    const ROW: f64 = 24.0;
    const NAMES: f64 = 150.0;
    const HEAD: f64 = 78.0;
    let (first, last) = weeks.span()?;
    let all = last.saturating_sub(first).saturating_add(1);
    let from = first.max(last.saturating_add(1).saturating_sub(WEEKS_DRAWN));
    let doctors = weeks.most(DOCTORS_DRAWN);
    let drawn =
        || doctors.iter().flat_map(|(doctor, _)| (from..=last).map(|week| weeks.count(week, *doctor)));
    let top = drawn().max().unwrap_or(0).max(1);
    let columns = last.saturating_sub(from).saturating_add(1);
    let rows = u64::try_from(doctors.len()).unwrap_or(0);
    let size = (NAMES + CELL * real(columns) + 60.0, HEAD + ROW * real(rows) + 4.0);
    let title = Word::HeatTitle.say(language);
    let mut drawing = Drawing::begin(size, "heat", title, Word::HeatDesc.say(language));
    for (place, week) in (0u64..).zip(from..=last) {
        let (x, y) = (NAMES + CELL * (real(place) + 0.5) + 4.0, HEAD - 8.0);
        let monday = day(Weeks::monday(week));
        let is_new_year =
            place == 0 || day(Weeks::monday(week.saturating_sub(1))).get(..4) != monday.get(..4);
        let label = if is_new_year { monday.as_str() } else { monday.get(5..).unwrap_or_default() };
        drawing.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"tick\" transform=\"rotate(-55 {x:.1} {y:.1})\">{label}</text>"
        ));
    }
    drawing.text((size.0 - 4.0, HEAD - 8.0), "tick", "end", Word::Total.say(language));
    for (place, (doctor, sum)) in (0u64..).zip(&doctors) {
        let y = HEAD + ROW * real(place);
        drawing.text((NAMES - 8.0, y + 16.0), "mono", "end", &doctor.to_string());
        for (column, week) in (0u64..).zip(from..=last) {
            let count = weeks.count(week, *doctor);
            let heat = if count == 0 { 0 } else { (count.saturating_mul(5)).div_ceil(top) };
            let x = NAMES + CELL * real(column);
            drawing.add(format_args!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" rx=\"3\" class=\"h{heat}\"><title>{doctor} · {} · {}</title></rect>",
                x + 1.0,
                y + 1.0,
                CELL - 2.0,
                ROW - 2.0,
                day(Weeks::monday(week)),
                grouped(count)
            ));
            if (1..10_000).contains(&count) {
                let class = if heat > 3 { "cell deep" } else { "cell" };
                drawing.text((x + CELL / 2.0, y + 16.0), class, "middle", &count.to_string());
            }
        }
        drawing.text((size.0 - 4.0, y + 16.0), "tick", "end", &grouped(*sum));
    }
    let mut said = drawing.finish();
    let hidden = weeks.doctors.len().saturating_sub(doctors.len());
    if hidden > 0 {
        let hidden = grouped(u64::try_from(hidden).unwrap_or(u64::MAX));
        said += &note(&fill(Word::DoctorsLeftOut.say(language), &[&hidden]));
    }
    if all > columns {
        said += &note(&fill(Word::WeeksLeftOut.say(language), &[&grouped(columns), &grouped(all)]));
    }
    Some(said)
}

/// A plain sentence under a drawing or a table.
pub(super) fn note(text: &str) -> String {
    format!("<p class=\"note\">{text}</p>")
}

/// How the log grew.
pub(super) fn growth(points: &[(Timestamp, u64)], language: Language) -> Option<String> {
    let ((first, _), (last, _)) = (points.first()?, points.last()?);
    let top = points.iter().map(|(_, events)| *events).max().unwrap_or(0);
    let span = last.as_ms().saturating_sub(first.as_ms());
    if points.len() < 2 || span == 0 {
        return None;
    }
    let title = Word::LogGrowth.say(language);
    let mut drawing = Drawing::begin((WIDTH, HEIGHT), "growth", title, Word::LogGrowthDesc.say(language));
    drawing.grid(top);
    let at = |moment: Timestamp| {
        let share = real(moment.as_ms().saturating_sub(first.as_ms())) / real(span);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    };
    let mut line = String::new();
    for (moment, events) in points {
        let command = if line.is_empty() { 'M' } else { 'L' };
        // Writing to a string does not fail.
        let _written = write!(line, "{command}{:.1} {:.1}", at(*moment), level(*events, top));
    }
    let floor = level(0, top);
    drawing.add(format_args!(
        "<path d=\"{line}L{:.1} {floor:.1}L{LEFT:.1} {floor:.1}Z\" class=\"area\"/>",
        at(*last)
    ));
    drawing.add(format_args!("<path d=\"{line}\" class=\"curve\"/>"));
    drawing.text((LEFT, HEIGHT - 12.0), "tick", "start", &minute(*first));
    drawing.text((WIDTH - RIGHT, HEIGHT - 12.0), "tick", "end", &minute(*last));
    Some(drawing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::PartyId, time::days};

    #[test]
    fn what_is_not_drawn_is_said() {
        let mut weeks = Weeks::default();
        let begin = Timestamp::at_ms(1_790_000_000_000);
        for doctor in 0..40u8 {
            for week in 0..30u8 {
                for _ in 0..u64::from(doctor) * u64::from(week) % 7 {
                    weeks.add(PartyId::from_bytes([doctor; 32]), begin.plus(days(7 * u32::from(week))));
                }
            }
        }
        let known = weeks.doctors.len() - DOCTORS_DRAWN;
        let drawn = heat(&weeks, Language::English).unwrap();
        assert!(drawn.contains(&format!("{known} further doctors")), "{drawn}");
        assert!(drawn.contains("the newest 26 of 29 weeks") || drawn.contains("the newest 26 of 30 weeks"));
        assert_eq!(drawn.matches("<rect").count(), 26 * DOCTORS_DRAWN);
    }

    #[test]
    fn bars_are_as_wide_as_they_must_be_and_lose_nothing() {
        for (step, count) in [(1u64, 100u64), (60_000, 5000), (86_400_000, 900), (31_000_000_000_000, 9)] {
            let mut bins = Bins::default();
            for number in 0..count {
                bins.add(Timestamp::at_ms(number * step), None);
            }
            let bars = bins.all(BARS_MAX);
            assert!(u64::try_from(bars.len()).unwrap() <= BARS_MAX, "{step}: {}", bars.len());
            let sum: u64 = bars.iter().flat_map(|(_, counts)| counts).sum();
            assert_eq!(sum, count, "{step}");
        }
    }

    #[test]
    fn the_lines_of_a_grid_are_few_and_round() {
        for (top, said) in [
            (0, 1),
            (4, 1),
            (5, 2),
            (91, 20),
            (1343, 500),
            (1_001_629, 500_000),
            (u64::MAX, 5_000_000_000_000_000_000),
        ] {
            assert_eq!(step(top), said, "{top}");
        }
    }
}
