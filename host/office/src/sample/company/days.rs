//! Days: when the works are open, and how far one day is from another.

use std::collections::BTreeSet;

use bursar_domain::business::{BusinessCalendar, Roll};
use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

use crate::error::Error;

/// Days from Easter Sunday to Easter Monday, Ascension, Whit Monday and Corpus Christi.
const AFTER_EASTER_DAYS: [(i64, &str); 4] = [
    (1, "Ostermontag"),
    (39, "Christi Himmelfahrt"),
    (50, "Pfingstmontag"),
    (60, "Fronleichnam"),
];
/// Month and day of the others.
const FIXED: [(i8, i8, &str); 9] = [
    (1, 1, "Neujahr"),
    (1, 6, "Heilige Drei Könige"),
    (5, 1, "Staatsfeiertag"),
    (8, 15, "Mariä Himmelfahrt"),
    (10, 26, "Nationalfeiertag"),
    (11, 1, "Allerheiligen"),
    (12, 8, "Mariä Empfängnis"),
    (12, 25, "Christtag"),
    (12, 26, "Stefanitag"),
];

/// So many days later, or earlier.
pub(super) fn after(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// How many days lie from one day to another.
pub(super) fn between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

/// Easter Sunday (the Gregorian computus, in Meeus' form).
fn easter(year: i16) -> Date {
    let year_i32 = i32::from(year);
    let (golden, century, of_century) = (year_i32 % 19, year_i32 / 100, year_i32 % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let shift = (golden + 11 * epact + 22 * weekday) / 451;
    let day = epact + weekday - 7 * shift + 114;
    let month = i8::try_from(day / 31).unwrap_or(4);
    date(year, month, i8::try_from(day % 31 + 1).unwrap_or(1))
}

/// The public holidays of Austria in a year, with their names.
pub(super) fn holidays(year: i16) -> Vec<(Date, &'static str)> {
    let fixed = FIXED
        .iter()
        .map(|(month, day, name)| (date(year, *month, *day), *name));
    let sunday = easter(year);
    let moving = AFTER_EASTER_DAYS
        .iter()
        .map(|(days, name)| (after(sunday, *days), *name));
    let mut all: Vec<_> = fixed.chain(moving).collect();
    all.sort_unstable();
    all
}

/// The days of the company's books: two years until today, and which of them are open.
pub(super) struct Days {
    pub today: Date,
    pub start: Date,
    pub holidays: BTreeSet<Date>,
    open: BusinessCalendar,
}

impl Days {
    pub(super) fn until(today: Date) -> Result<Self, Error> {
        let start = today.saturating_sub(2.years()).first_of_month();
        let years = start.year()..=today.year().saturating_add(2);
        let holidays = years.flat_map(holidays).map(|(day, _)| day).collect();
        let weekend = [Weekday::Saturday, Weekday::Sunday];
        let open = BusinessCalendar::new(weekend, BTreeSet::clone(&holidays), 1);
        Ok(Self {
            today,
            start,
            holidays,
            open: open.map_err(|error| Error::Broken(error.to_string()))?,
        })
    }

    /// The open days from the start until today.
    pub(super) fn open_days(&self) -> impl Iterator<Item = Date> {
        let all = self.start.series(1.day());
        all.take_while(|day| *day <= self.today)
            .filter(|day| self.open.is_open(*day))
    }

    /// The day itself if open, else the next open one.
    pub(super) fn open_from(&self, day: Date) -> Result<Date, Error> {
        let rolled = self.open.roll(day, Roll::Following);
        rolled.map_err(|error| Error::Broken(error.to_string()))
    }

    /// How many days ago that was.
    pub(super) fn ago(&self, day: Date) -> i64 {
        between(day, self.today)
    }

    /// The Friday of a day's week, on which the bank's statements are booked, or today if that is sooner.
    pub(super) fn booked_on(&self, day: Date) -> Date {
        let ahead = i64::from(Weekday::Friday.to_monday_zero_offset())
            - i64::from(day.weekday().to_monday_zero_offset());
        after(day, ahead).max(day).min(self.today)
    }

    /// The last day of the quarter before today's.
    pub(super) fn last_quarter_end(&self) -> Date {
        let first_month = (self.today.month() - 1) / 3 * 3 + 1;
        after(date(self.today.year(), first_month, 1), -1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_when_it_was() {
        let cases = [
            (1961, date(1961, 4, 2)),
            (2000, date(2000, 4, 23)),
            (2008, date(2008, 3, 23)),
            (2024, date(2024, 3, 31)),
            (2025, date(2025, 4, 20)),
            (2026, date(2026, 4, 5)),
            (2027, date(2027, 3, 28)),
            (2038, date(2038, 4, 25)),
            (2049, date(2049, 4, 18)),
        ];
        for (year, day) in cases {
            assert_eq!(easter(year), day, "{year}");
        }
    }

    #[test]
    fn austria_has_thirteen_holidays_a_year() {
        let days: Vec<Date> = holidays(2026).into_iter().map(|(day, _)| day).collect();
        assert_eq!(days.len(), 13);
        for (month, day) in [(4, 6), (5, 14), (5, 25), (6, 4), (10, 26)] {
            assert!(days.contains(&date(2026, month, day)), "{month}-{day}");
        }
    }

    #[test]
    fn books_are_closed_with_the_quarter_before() {
        let end = |today| Days::until(today).expect("days").last_quarter_end();
        assert_eq!(end(date(2026, 11, 22)), date(2026, 9, 30));
        assert_eq!(end(date(2026, 1, 1)), date(2025, 12, 31));
        assert_eq!(end(date(2026, 3, 31)), date(2025, 12, 31));
        assert_eq!(end(date(2026, 4, 1)), date(2026, 3, 31));
    }
}
