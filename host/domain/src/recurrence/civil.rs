//! The Gregorian calendar as day numbers, where whole years and months are stepped over.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years have four digits, so that everything here is far from the ends of its type"
)]

use jiff::civil::{Date, Weekday};

/// A day of the calendar; the year may lie one beyond those that dates have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Civil {
    pub(super) fn of(date: Date) -> Self {
        Self {
            year: date.year().into(),
            month: date.month().into(),
            day: date.day().into(),
        }
    }

    pub(super) fn date(self) -> Option<Date> {
        let year = self.year.try_into().ok()?;
        Date::new(year, self.month.try_into().ok()?, self.day.try_into().ok()?).ok()
    }

    /// Days since 1970-01-01; from Howard Hinnant's `days_from_civil`.
    pub(super) fn number(self) -> i64 {
        let year = if self.month <= 2 {
            self.year - 1
        } else {
            self.year
        };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day of that number; from Howard Hinnant's `civil_from_days`.
    pub(super) fn from_number(number: i64) -> Self {
        let shifted = number + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }
}

/// Days from 1970-01-01 to the first of January.
pub(super) fn new_year(year: i64) -> i64 {
    Civil {
        year,
        month: 1,
        day: 1,
    }
    .number()
}

/// 365 or 366.
pub(super) fn year_length(year: i64) -> i64 {
    365 + i64::from(is_leap(year))
}

/// 28 to 31.
pub(super) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Day of the week by day number, 0 for Monday: 1970-01-01 was a Thursday.
pub(super) fn weekday(number: i64) -> i64 {
    (number + 3).rem_euclid(7)
}

/// 0 for Monday.
pub(super) fn weekday_index(weekday: Weekday) -> i64 {
    weekday.to_monday_zero_offset().into()
}

/// A week in the year that it belongs to: the one that holds its fourth day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Week {
    pub year: i64,
    /// From 1.
    pub number: i64,
    /// From -1 backwards.
    pub number_from_end: i64,
}

impl Week {
    /// The week after this one, of which the first day's number is known.
    pub(super) fn next(self, first_day: i64) -> Self {
        if self.number_from_end == -1 {
            return week(first_day);
        }
        Self {
            year: self.year,
            number: self.number + 1,
            number_from_end: self.number_from_end + 1,
        }
    }
}

/// The week that begins with a day number.
pub(super) fn week(first_day: i64) -> Week {
    let fourth = first_day + 3;
    let year = Civil::from_number(fourth).year;
    let day_of_year = fourth - new_year(year);
    Week {
        year,
        number: day_of_year / 7 + 1,
        number_from_end: -((year_length(year) - 1 - day_of_year) / 7 + 1),
    }
}

/// The day number that a day's week begins with.
pub(super) fn week_begin(number: i64, week_start: i64) -> i64 {
    number - (weekday(number) - week_start).rem_euclid(7)
}

/// The day number that the first week of a year begins with: it holds the fourth of January.
pub(super) fn first_week_begin(year: i64, week_start: i64) -> i64 {
    week_begin(new_year(year) + 3, week_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_agree_with_dates() {
        let mut date = Date::new(1582, 1, 1).expect("valid");
        let first = Civil::of(date).number();
        for number in first..first + 366 * 1200 {
            let day = Civil::from_number(number);
            assert_eq!((day, day.number()), (Civil::of(date), number));
            assert_eq!(weekday(number), weekday_index(date.weekday()));
            let length = i64::from(date.days_in_month());
            assert_eq!(month_length(day.year, day.month), length);
            let monday = week_begin(number, 0);
            let iso = date.iso_week_date();
            let week = week(monday);
            assert_eq!(
                (week.year, week.number),
                (iso.year().into(), iso.week().into())
            );
            let weeks = i64::from(iso.weeks_in_year());
            assert_eq!(week.number_from_end, week.number - weeks - 1);
            assert!(first_week_begin(week.year, 0) <= monday);
            assert_eq!(super::week(monday - 7).next(monday), week);
            date = date.tomorrow().expect("in range");
        }
    }
}
