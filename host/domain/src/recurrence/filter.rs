//! Which days of a month, and which times of a day, a rule takes: sets of bits.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years have four digits and list entries three, so that everything here is far from the ends of its type"
)]

use jiff::civil::DateTime;

use super::civil::{self, Civil};
use super::{Frequency, Part, Rule};

/// How many numbers of a list are gone through in the time of a step.
const NUMBERS_PER_STEP: u64 = 8;

/// The days of a month; bit 0 is the first.
pub(super) type MonthDays = u32;

/// The rule's parts for days, with what DTSTART fills in.
#[derive(Debug, Clone)]
pub(super) struct DayFilter {
    /// Bit 1 is January.
    months: u32,
    month_days: Vec<i64>,
    year_days: Vec<i64>,
    week_numbers: Vec<i64>,
    /// Bits of `BYDAY` without a number, repeated week after week from a Monday on; none says nothing about weekdays.
    weekdays: Option<u64>,
    /// Number and weekday, 0 for Monday.
    ordinals: Vec<(i64, i64)>,
    ordinals_within: Within,
    week_start: i64,
    /// The month asked for last, and its days.
    seen: (i64, i64, MonthDays),
    /// What working out a month costs, in steps: its lists are gone through.
    month_steps: u64,
    /// Steps taken so far: months worked out, and what the expansion adds.
    pub(super) steps: u64,
}

/// What the number before a weekday counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Month,
    Year,
}

impl DayFilter {
    pub(super) fn new(rule: &Rule, start: DateTime) -> Self {
        let numbers = |part| rule.numbers(part).iter().map(|n| i64::from(*n)).collect();
        let counts = rule.frequency >= Frequency::Monthly;
        let ordinal = |ordinal: i8| if counts { i64::from(ordinal) } else { 0 };
        let days = rule.days.iter();
        let days = days.map(|day| (ordinal(day.ordinal), civil::weekday_index(day.weekday)));
        let (every, ordinals): (Vec<_>, Vec<_>) = days.partition(|(ordinal, _)| *ordinal == 0);
        let months: Vec<i64> = numbers(Part::Month);
        let is_yearly = rule.frequency == Frequency::Yearly;
        let mut filter = Self {
            ordinals_within: if is_yearly && months.is_empty() {
                Within::Year
            } else {
                Within::Month
            },
            months: if months.is_empty() {
                u32::MAX
            } else {
                bits(months)
            },
            month_days: numbers(Part::MonthDay),
            year_days: numbers(Part::YearDay),
            week_numbers: numbers(Part::WeekNumber),
            weekdays: (!rule.days.is_empty())
                .then(|| repeated(every.into_iter().map(|(_, weekday)| weekday))),
            ordinals,
            week_start: civil::weekday_index(rule.week_start),
            // There is no month 0.
            seen: (0, 0, 0),
            month_steps: 1,
            steps: 0,
        };
        filter.fill_in(rule.frequency, start);
        // A month touches six weeks, and each looks through the numbers of weeks.
        let numbers = filter.month_days.len() + filter.year_days.len() + filter.ordinals.len();
        let looked_through = numbers + 6 * filter.week_numbers.len();
        filter.month_steps += looked_through as u64 / NUMBERS_PER_STEP;
        filter
    }

    /// What the rule does not say about days is said by DTSTART.
    fn fill_in(&mut self, frequency: Frequency, start: DateTime) {
        let names_days =
            !self.month_days.is_empty() || !self.year_days.is_empty() || self.weekdays.is_some();
        let names_weeks = !self.week_numbers.is_empty();
        let weekday = || Some(repeated([civil::weekday_index(start.weekday())]));
        match frequency {
            _ if names_days => {}
            Frequency::Yearly if names_weeks => self.weekdays = weekday(),
            Frequency::Yearly => {
                self.month_days = vec![start.day().into()];
                if self.months == u32::MAX {
                    self.months = bits([start.month().into()]);
                }
            }
            Frequency::Monthly if !names_weeks => self.month_days = vec![start.day().into()],
            Frequency::Weekly if !names_weeks => self.weekdays = weekday(),
            _ => {}
        }
    }

    /// Whether a yearly period is made of whole weeks.
    pub(super) fn counts_weeks(&self) -> bool {
        !self.week_numbers.is_empty()
    }

    /// The days of a month that the rule takes.
    pub(super) fn days(&mut self, year: i64, month: i64) -> MonthDays {
        if (self.seen.0, self.seen.1) != (year, month) {
            self.steps = self.steps.saturating_add(self.month_steps);
            self.seen = (year, month, self.days_of(year, month));
        }
        self.seen.2
    }

    fn days_of(&self, year: i64, month: i64) -> MonthDays {
        if self.months & bit(month) == 0 {
            return 0;
        }
        let length = civil::month_length(year, month);
        let mut days = bit(length).wrapping_sub(1);
        if !self.month_days.is_empty() {
            let from_start = |n: &i64| if *n > 0 { n - 1 } else { length + n };
            days &= bits(self.month_days.iter().map(from_start));
        }
        if days == 0
            || (self.weekdays.is_none()
                && self.year_days.is_empty()
                && self.week_numbers.is_empty())
        {
            return days;
        }
        let first = Civil {
            year,
            month,
            day: 1,
        }
        .number();
        if let Some(weekdays) = self.weekdays {
            let every = low_bits(weekdays >> civil::weekday(first));
            days &= every | self.ordinal_days(year, first, length);
        }
        if !self.year_days.is_empty() {
            let from_start = |n: &i64| {
                if *n > 0 {
                    n - 1
                } else {
                    civil::year_length(year) + n
                }
            };
            let before = first - civil::new_year(year);
            days &= bits(self.year_days.iter().map(|n| from_start(n) - before));
        }
        if !self.week_numbers.is_empty() {
            days &= self.week_days(first, length);
        }
        days
    }

    fn ordinal_days(&self, year: i64, first: i64, length: i64) -> MonthDays {
        if self.ordinals.is_empty() {
            return 0;
        }
        let (begin, span) = match self.ordinals_within {
            Within::Month => (first, length),
            Within::Year => (civil::new_year(year), civil::year_length(year)),
        };
        let days = self.ordinals.iter();
        let days = days.filter_map(|(n, weekday)| nth_weekday(begin, span, *n, *weekday));
        bits(days.map(|day| day - first))
    }

    fn week_days(&self, first: i64, length: i64) -> MonthDays {
        let mut days = 0;
        let mut begin = civil::week_begin(first, self.week_start);
        let mut week = civil::week(begin);
        while begin < first + length {
            let is_named = |n: &i64| *n == week.number || *n == week.number_from_end;
            if self.week_numbers.iter().any(is_named) {
                days |= bits(begin - first..begin - first + 7);
            }
            begin += 7;
            week = week.next(begin);
        }
        days
    }
}

/// Day number of the nth weekday within a span of days; counted from its end if n is negative.
fn nth_weekday(begin: i64, length: i64, n: i64, weekday: i64) -> Option<i64> {
    let end = begin + length;
    let day = if n > 0 {
        begin + (weekday - civil::weekday(begin)).rem_euclid(7) + 7 * (n - 1)
    } else {
        end - 1 - (civil::weekday(end - 1) - weekday).rem_euclid(7) + 7 * (n + 1)
    };
    (begin..end).contains(&day).then_some(day)
}

/// The times of a day that a rule takes, with what DTSTART fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub hours: u64,
    pub minutes: u64,
    pub seconds: u64,
}

impl Times {
    /// A part of a longer period than the rule's is taken from DTSTART; of a shorter one, any will do.
    pub(super) fn new(rule: &Rule, start: DateTime) -> Self {
        let taken = |part, unit: Frequency, of_start: i8, last: i64| match rule.numbers(part) {
            [] if rule.frequency > unit => wide_bits([i64::from(of_start)]),
            [] => wide_bits(0..=last),
            numbers => wide_bits(numbers.iter().map(|n| i64::from(*n).min(last))),
        };
        Self {
            hours: taken(Part::Hour, Frequency::Hourly, start.hour(), 23),
            minutes: taken(Part::Minute, Frequency::Minutely, start.minute(), 59),
            seconds: taken(Part::Second, Frequency::Secondly, start.second(), 59),
        }
    }
}

/// The weekdays as bits, repeated for the weeks that a month can touch.
fn repeated(weekdays: impl IntoIterator<Item = i64>) -> u64 {
    let week = wide_bits(weekdays);
    (0..6).fold(0, |weeks, _| weeks << 7 | week)
}

/// A set of small numbers; others are left away.
fn bits(numbers: impl IntoIterator<Item = i64>) -> u32 {
    numbers.into_iter().fold(0, |set, n| set | bit(n))
}

fn bit(n: i64) -> u32 {
    low_bits(wide_bit(n))
}

fn wide_bits(numbers: impl IntoIterator<Item = i64>) -> u64 {
    numbers.into_iter().fold(0, |set, n| set | wide_bit(n))
}

fn wide_bit(n: i64) -> u64 {
    u32::try_from(n)
        .ok()
        .and_then(|n| 1_u64.checked_shl(n))
        .unwrap_or(0)
}

fn low_bits(wide: u64) -> u32 {
    u32::try_from(wide & u64::from(u32::MAX)).unwrap_or(0)
}
