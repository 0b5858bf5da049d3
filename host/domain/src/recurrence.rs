//! Recurrence rules of RFC 5545 §3.3.10: read, printed and expanded over local times.
//!
//! Knows no zones, no clock and no calendar entries: an instance is a wall time, and whether DTSTART is one of them
//! although the rule does not produce it is for the caller to say. Entered by [`Rule::parse`] and [`Rule::instances`].
//!
//! Where libraries disagree, these are the decisions, each held by a test:
//!
//! - `BYMONTHDAY` of a yearly rule without `BYMONTH` means those days of every month, as the table of RFC 5545 has it.
//! - `BYSETPOS` picks among all candidates of a period, those before DTSTART too; what is picked before DTSTART is no instance.
//! - With `BYWEEKNO` a year is the year of its weeks: days of week 1 that lie in December belong to the next year.
//! - `BYWEEKNO` without a rule for days means DTSTART's weekday.
//! - `UNTIL` that is a date takes in all of that day; local and UTC times are compared digit by digit with wall times.
//! - Second 60 is second 59; a date that does not exist is no instance and is not counted.

mod candidates;
mod civil;
mod expand;
mod filter;
mod parse;
mod print;

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time, Weekday};

pub use expand::Instances;
pub use parse::{Name, RuleError, RuleFault};
pub(crate) use parse::{compact_date, compact_time};

/// Longest text of a rule, in bytes: every list complete has half of that.
pub const RULE_BYTES_MAX: usize = 8192;
/// Most periods that are looked at between two instances before an expansion ends.
pub const STEPS_MAX: u32 = 1_000_000;

/// How long a rule's period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// A second.
    Secondly,
    /// A minute.
    Minutely,
    /// An hour.
    Hourly,
    /// A day.
    Daily,
    /// Seven days from [`Rule::week_start`] on.
    Weekly,
    /// A calendar month.
    Monthly,
    /// A calendar year.
    Yearly,
}

/// Where a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// At the end of year 9999.
    Never,
    /// After that many instances.
    Count(u32),
    /// With this moment, included.
    Until(Until),
}

/// The moment up to which a rule goes, itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// All of that day.
    Date(Date),
    /// A wall time, in whatever zone the instances have.
    Local(DateTime),
    /// A wall time of UTC.
    Utc(DateTime),
}

/// A rule part that is a list of numbers, in the order in which rules are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Seconds of a minute, 0 to 60.
    Second,
    /// Minutes of an hour, 0 to 59.
    Minute,
    /// Hours of a day, 0 to 23.
    Hour,
    /// Days of a month, 1 to 31 or -31 to -1.
    MonthDay,
    /// Days of a year, 1 to 366 or -366 to -1.
    YearDay,
    /// Weeks of a year, 1 to 53 or -53 to -1.
    WeekNumber,
    /// Months, 1 to 12.
    Month,
    /// Positions within a period's candidates, 1 to 366 or -366 to -1.
    SetPosition,
}

/// A weekday of `BYDAY`: every one of a period, or the nth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByDay {
    /// 0 for every one; n for the nth, -n for the nth from the end.
    pub ordinal: i8,
    /// Which day of the week.
    pub weekday: Weekday,
}

/// A recurrence rule that is well formed.
///
/// ```
/// use bursar_domain::recurrence::Rule;
/// use jiff::civil::date;
///
/// let rule = Rule::parse("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2")?;
/// let fridays: Vec<_> = rule.instances(date(2026, 1, 30).at(9, 0, 0, 0)).collect();
/// assert_eq!(fridays, [date(2026, 1, 30).at(9, 0, 0, 0), date(2026, 2, 27).at(9, 0, 0, 0)]);
/// # Ok::<(), bursar_domain::recurrence::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    frequency: Frequency,
    interval: u32,
    end: End,
    /// Sorted, without doubles, never empty.
    numbers: BTreeMap<Part, Vec<i16>>,
    /// Sorted, without doubles.
    days: Vec<ByDay>,
    week_start: Weekday,
}

/// The rule's frequency is below what a calendar takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a calendar's rule has a frequency of HOURLY or longer")]
pub struct TooFrequent;

impl Rule {
    /// How long a period is.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Every how many periods; at least 1.
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// Where the rule ends.
    pub fn end(&self) -> End {
        self.end
    }

    /// The numbers of a part, sorted; empty if the rule does not have it.
    pub fn numbers(&self, part: Part) -> &[i16] {
        self.numbers.get(&part).map_or(&[], Vec::as_slice)
    }

    /// The weekdays of `BYDAY`.
    pub fn days(&self) -> &[ByDay] {
        &self.days
    }

    /// The day that weeks begin with.
    pub fn week_start(&self) -> Weekday {
        self.week_start
    }

    /// The same rule with another end.
    #[must_use]
    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// The rule, if a calendar entry may have it.
    pub fn for_calendar(self) -> Result<Self, TooFrequent> {
        if self.frequency < Frequency::Hourly {
            return Err(TooFrequent);
        }
        Ok(self)
    }

    /// The rule for a DTSTART that is a date: parts for the time of day are ignored, as RFC 5545 wants.
    pub fn for_dates(mut self) -> Result<Self, TooFrequent> {
        if self.frequency < Frequency::Daily {
            return Err(TooFrequent);
        }
        self.numbers
            .retain(|part, _| !matches!(part, Part::Second | Part::Minute | Part::Hour));
        Ok(self)
    }

    /// The wall times that the rule produces from a start on, strictly rising.
    ///
    /// The start itself is among them only if it fits the rule; what the rule leaves open is taken from it.
    pub fn instances(&self, start: DateTime) -> Instances {
        Instances::new(self, start, self.last_wall_time())
    }

    /// Those instances that lie within two moments, both included; the last one stands in for the rule's `UNTIL`.
    ///
    /// What comes before is stepped over, but where `COUNT` makes it count.
    pub fn instances_between(&self, start: DateTime, from: DateTime, last: DateTime) -> Instances {
        Instances::new(self, start, last).seek(from)
    }

    fn last_wall_time(&self) -> DateTime {
        match self.end {
            End::Never | End::Count(_) => DateTime::MAX,
            End::Until(Until::Date(date)) => date.to_datetime(Time::MAX),
            End::Until(Until::Local(wall) | Until::Utc(wall)) => wall,
        }
    }
}

#[cfg(test)]
mod tests;
