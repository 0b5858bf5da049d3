//! The candidates of one period: its days, month by month, and their times of day.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years have four digits and sets 64 members, so that everything here is far from the ends of its type"
)]

use jiff::civil::{Date, DateTime, Time};

use super::civil::Civil;
use super::filter::{DayFilter, MonthDays, Times};

/// A span of days, and the times of day on each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub first: Civil,
    pub last: Civil,
    pub times: Times,
}

/// The days of a span that a rule takes, month by month.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    year: i64,
    month: i64,
    left: MonthDays,
    last: Civil,
}

impl Days {
    pub(super) fn within(first: Civil, last: Civil, filter: &mut DayFilter) -> Self {
        let (year, month) = (first.year, first.month);
        let mut days = Self {
            year,
            month,
            left: 0,
            last,
        };
        if first <= last {
            days.left = days.of_month(filter) & !days_before(first.day);
        }
        days
    }

    fn of_month(&self, filter: &mut DayFilter) -> MonthDays {
        let days = filter.days(self.year, self.month);
        if self.is_last_month() {
            days & days_before(self.last.day + 1)
        } else {
            days
        }
    }

    fn is_last_month(&self) -> bool {
        (self.year, self.month) >= (self.last.year, self.last.month)
    }

    /// Goes to the next month that has days left, if there is one.
    fn turn(&mut self, filter: &mut DayFilter) -> Option<()> {
        while self.left == 0 {
            if self.is_last_month() {
                return None;
            }
            (self.year, self.month) = if self.month == 12 {
                (self.year + 1, 1)
            } else {
                (self.year, self.month + 1)
            };
            self.left = self.of_month(filter);
        }
        Some(())
    }

    pub(super) fn next(&mut self, filter: &mut DayFilter) -> Option<Civil> {
        self.turn(filter)?;
        let day = i64::from(self.left.trailing_zeros()) + 1;
        self.left &= self.left - 1;
        Some(Civil {
            year: self.year,
            month: self.month,
            day,
        })
    }

    pub(super) fn count(mut self, filter: &mut DayFilter) -> i64 {
        let mut count = 0;
        while self.turn(filter).is_some() {
            count += i64::from(self.left.count_ones());
            self.left = 0;
        }
        count
    }
}

/// The candidates of a period: every time of day on every day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates {
    days: Days,
    times: Times,
    /// What is left of the present day, hour and minute.
    left: Times,
    date: Option<Date>,
    hour: i64,
    minute: i64,
}

impl Candidates {
    pub(super) const NONE: Self = {
        let day = Civil {
            year: 1970,
            month: 1,
            day: 1,
        };
        let times = Times {
            hours: 0,
            minutes: 0,
            seconds: 0,
        };
        let days = Days {
            year: 1970,
            month: 1,
            left: 0,
            last: day,
        };
        Self {
            days,
            times,
            left: times,
            date: None,
            hour: 0,
            minute: 0,
        }
    };

    pub(super) fn of(period: Period, filter: &mut DayFilter) -> Self {
        let days = Days::within(period.first, period.last, filter);
        Self {
            days,
            times: period.times,
            ..Self::NONE
        }
    }

    pub(super) fn next(&mut self, filter: &mut DayFilter) -> Option<DateTime> {
        while self.left.seconds == 0 {
            if self.left.minutes != 0 {
                self.minute = take_lowest(&mut self.left.minutes);
                self.left.seconds = self.times.seconds;
            } else if self.left.hours != 0 {
                self.hour = take_lowest(&mut self.left.hours);
                self.left.minutes = self.times.minutes;
            } else {
                self.date = Some(self.days.next(filter)?.date()?);
                self.left.hours = self.times.hours;
            }
        }
        let second = take_lowest(&mut self.left.seconds);
        Some(
            self.date?
                .to_datetime(time(self.hour, self.minute, second)?),
        )
    }
}

impl Times {
    /// How many times of day these are; never 0, since DTSTART fills in what a rule leaves open.
    pub(super) fn count(&self) -> i64 {
        [self.hours, self.minutes, self.seconds]
            .iter()
            .map(|set| i64::from(set.count_ones()))
            .product::<i64>()
            .max(1)
    }

    pub(super) fn nth(&self, index: i64) -> Option<Time> {
        let minutes = i64::from(self.minutes.count_ones());
        let seconds = i64::from(self.seconds.count_ones());
        let hour = nth_bit(self.hours, index / (minutes * seconds).max(1));
        let minute = nth_bit(self.minutes, index / seconds.max(1) % minutes.max(1));
        time(hour, minute, nth_bit(self.seconds, index % seconds.max(1)))
    }
}

fn time(hour: i64, minute: i64, second: i64) -> Option<Time> {
    let small = |n: i64| i8::try_from(n).ok();
    Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
}

/// The bit of a day of the month, from 1.
pub(super) fn day_bit(day: i64) -> MonthDays {
    days_before(day + 1) & !days_before(day)
}

/// The bits of the days of a month before one, from 1.
pub(super) fn days_before(day: i64) -> MonthDays {
    let shift = u32::try_from(day - 1).unwrap_or(0);
    MonthDays::MAX
        .checked_shl(shift)
        .map_or(MonthDays::MAX, |from| !from)
}

pub(super) fn bit(value: i64) -> u64 {
    u32::try_from(value)
        .ok()
        .and_then(|shift| 1_u64.checked_shl(shift))
        .unwrap_or(0)
}

fn take_lowest(set: &mut u64) -> i64 {
    let lowest = set.trailing_zeros().into();
    *set &= set.wrapping_sub(1);
    lowest
}

fn nth_bit(mut set: u64, n: i64) -> i64 {
    for _ in 0..n {
        set &= set.wrapping_sub(1);
    }
    set.trailing_zeros().into()
}
