//! How long something lasts: RFC 5545 §3.3.6.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};

use super::{LENGTH_DAYS_MAX, ScheduleError};
use crate::time;

const DAY_SECONDS: u64 = 86_400;
const SECOND_US: i64 = 1_000_000;

/// Days by the calendar, then exact seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Length {
    days: u32,
    seconds: u64,
}

impl Length {
    /// One day by the calendar.
    pub const DAY: Self = Self {
        days: 1,
        seconds: 0,
    };

    /// A length of so many days and seconds.
    pub fn new(days: u32, seconds: u64) -> Result<Self, ScheduleError> {
        let whole_days = seconds
            .checked_div(DAY_SECONDS)
            .and_then(|whole| whole.checked_add(days.into()));
        if whole_days.is_none_or(|whole| whole > LENGTH_DAYS_MAX.into()) {
            return Err(ScheduleError::Length);
        }
        Ok(Self { days, seconds })
    }

    /// Days by the calendar, which are 23 or 25 hours long where clocks change.
    pub fn days(self) -> u32 {
        self.days
    }

    /// What comes on top of the days, exactly.
    pub fn seconds(self) -> u64 {
        self.seconds
    }

    /// Whether this is days and nothing else.
    pub fn is_whole_days(self) -> bool {
        self.seconds == 0
    }

    pub(super) fn days_between(first: Date, after: Date) -> Result<Self, ScheduleError> {
        let hours = first.duration_until(after).as_hours();
        let days = hours
            .checked_div(24)
            .and_then(|days| u32::try_from(days).ok());
        Self::new(days.ok_or(ScheduleError::EndBeforeStart)?, 0)
    }

    pub(super) fn exact(from_us: i64, to_us: i64) -> Result<Self, ScheduleError> {
        let length_us = to_us
            .checked_sub(from_us)
            .ok_or(ScheduleError::OutOfRange)?;
        let seconds = length_us
            .checked_div_euclid(SECOND_US)
            .and_then(|whole| u64::try_from(whole).ok());
        Self::new(0, seconds.ok_or(ScheduleError::EndBeforeStart)?)
    }

    /// When it is over for what begins at a wall time in a zone.
    pub(super) fn end_us(self, wall: DateTime, zone: &TimeZone, start_us: i64) -> Option<i64> {
        let days_end_us = if self.days == 0 {
            start_us
        } else {
            let days = i64::from(self.days).days();
            time::wall_to_instant(wall.checked_add(days).ok()?, zone)?
        };
        let seconds = i64::try_from(self.seconds).ok()?;
        days_end_us.checked_add(seconds.checked_mul(SECOND_US)?)
    }

    /// At most how many seconds pass until it is over: a day more than it says, for clocks that change.
    pub(super) fn seconds_at_most(self) -> SignedDuration {
        let days = u64::from(self.days)
            .saturating_add(1)
            .saturating_mul(DAY_SECONDS);
        let seconds = i64::try_from(days.saturating_add(self.seconds));
        SignedDuration::from_secs(seconds.unwrap_or(i64::MAX))
    }

    /// Reads `P2W`, `P15DT5H0M20S` and the like; not what is negative.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let text = text.strip_prefix(['P', 'p']).ok_or(ScheduleError::Length)?;
        let (date, clock) = match text.split_once(['T', 't']) {
            Some((_, "")) => return Err(ScheduleError::Length),
            Some(parts) => parts,
            None if text.is_empty() => return Err(ScheduleError::Length),
            None => (text, ""),
        };
        let days = amount(date, &[('W', 7), ('D', 1)])?;
        let seconds = amount(clock, &[('H', 3600), ('M', 60), ('S', 1)])?;
        Self::new(
            u32::try_from(days).map_err(|_| ScheduleError::Length)?,
            seconds,
        )
    }
}

/// The sum of numbers with units, each unit at most once and in this order.
fn amount(text: &str, units: &[(char, u64)]) -> Result<u64, ScheduleError> {
    let mut rest = text;
    let mut units = units.iter();
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or(ScheduleError::Length)?;
        let (number, tail) = rest.split_at(end);
        let number: u64 = number.parse().map_err(|_| ScheduleError::Length)?;
        let mut letters = tail.chars();
        let letter = letters.next().map(|letter| letter.to_ascii_uppercase());
        let (_, size) = units
            .find(|(unit, _)| Some(*unit) == letter)
            .ok_or(ScheduleError::Length)?;
        let added = number
            .checked_mul(*size)
            .and_then(|part| sum.checked_add(part));
        sum = added.ok_or(ScheduleError::Length)?;
        rest = letters.as_str();
    }
    Ok(sum)
}

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("P")?;
        if self.days > 0 || self.seconds == 0 {
            write!(formatter, "{}D", self.days)?;
        }
        if self.seconds > 0 {
            write!(formatter, "T{}S", self.seconds)?;
        }
        Ok(())
    }
}
