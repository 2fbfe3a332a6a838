//! Dates, as far as they are said.

/// A date of which the year is known, and perhaps the month and the day.
///
/// In print it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    year: u16,
    month: Option<u16>,
    day: Option<u16>,
}

impl Date {
    /// Reads `1985`, `1985-05`, `1985-05-04`, or one of these with a time after it; none if there is no such day.
    ///
    /// The day is the one that was written, in the place where it was written: a time zone changes nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let date = text.split_once('T').map_or(text, |(date, _)| date);
        let mut parts = date.split('-');
        let mut number = |length: usize| -> Option<Option<u16>> {
            let Some(part) = parts.next() else { return Some(None) };
            let is_number = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { part.parse().ok().map(Some) } else { None }
        };
        let (year, month, day) = (number(4)??, number(2)?, number(2)?);
        let is_month = month.is_none_or(|month| (1..=12).contains(&month));
        let is_day = day.is_none_or(|day| (1..=days_in(year, month.unwrap_or(1))).contains(&day));
        let is_whole = parts.next().is_none() && (1700..2300).contains(&year) && is_month && is_day;
        is_whole.then_some(Self { year, month, day })
    }

    pub(super) const fn year(self) -> u16 {
        self.year
    }

    /// Whole years from this date to another; if a day is not known, the years that are reached in that year.
    ///
    /// None if the other comes before it.
    pub(super) fn years_to(self, later: Self) -> Option<u16> {
        let years = later.year.checked_sub(self.year)?;
        let (own, other) = ((self.month, self.day), (later.month, later.day));
        let is_before = match (own, other) {
            ((Some(month), _), (Some(later), _)) if month != later => later < month,
            ((_, Some(day)), (_, Some(later))) => later < day,
            _ => false,
        };
        years.checked_sub(u16::from(is_before))
    }

    /// Days since the first of March of the year 0, if the day is known.
    pub(super) fn number(self) -> Option<u32> {
        let (month, day) = (u32::from(self.month?), u32::from(self.day?));
        // The year begins in March, so that a leap day is its last.
        let (year, month) = if month < 3 {
            (u32::from(self.year).checked_sub(1)?, month.checked_add(9)?)
        } else {
            (u32::from(self.year), month.checked_sub(3)?)
        };
        let before = year * 365 + year / 4 - year / 100 + year / 400;
        Some(before + (153 * month + 2) / 5 + day - 1)
    }
}

impl std::fmt::Debug for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Date(..)")
    }
}

const fn days_in(year: u16, month: u16) -> u16 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + is_leap as u16,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn a_date_is_one_that_there_was() {
        for text in
            ["1985", "1985-05", "1985-05-04", "2000-02-29", "2019-03-04T23:59:59-11:00", "1985-12-31T10:00"]
        {
            assert!(Date::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "85",
            "1985-13",
            "1985-00-01",
            "1900-02-29",
            "2019-04-31",
            "1985-5-4",
            "1985-05-04-01",
            "0000",
            "١٩٨٥",
            "3000",
            " 1985",
        ] {
            assert!(Date::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn years_are_counted_at_birthdays() {
        let years = |from: &str, to: &str| Date::parse(from).unwrap().years_to(Date::parse(to).unwrap());
        assert_eq!(years("1930-06-15", "2020-06-14"), Some(89));
        assert_eq!(years("1930-06-15", "2020-06-15"), Some(90));
        assert_eq!(years("2000-02-29", "2018-02-28"), Some(17));
        assert_eq!(years("2000-02-29", "2018-03-01"), Some(18));
        assert_eq!(years("2000-02-29", "2020-02-29"), Some(20));
        assert_eq!(years("2019-05-01", "2019-04-30"), None);
        assert_eq!(years("2019", "2018-12-31"), None);
        assert_eq!(years("1930-06-15", "2020"), Some(90), "the age that is reached in that year");
        assert_eq!(years("1930-06", "2020-06-01"), Some(90));
        assert_eq!(years("1930-06", "2020-05-31"), Some(89));
    }

    #[test]
    fn days_are_numbered_one_after_another() {
        let number = |text: &str| Date::parse(text).unwrap().number();
        let after = |one: &str, next: &str| number(next).unwrap() - number(one).unwrap();
        assert_eq!(after("2000-02-28", "2000-03-01"), 2);
        assert_eq!(after("1900-02-28", "1900-03-01"), 1);
        assert_eq!(after("1999-12-31", "2000-01-01"), 1);
        assert_eq!(after("2001-01-01", "2401-01-01".replace("2401", "2201").as_str()), 73_048);
        assert_eq!(number("2000-05"), None);
    }
}
