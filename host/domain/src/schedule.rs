//! Schedules: when an entry of a calendar happens, as rules that occurrences are expanded from.
//!
//! A schedule is DTSTART with RRULE, RDATE, EXDATE and overrides (RFC 5545 §3.8.5). Knows no titles, no calendars and no
//! clock; a zone for days and a window of time are arguments. Entered by [`Schedule::new`] and [`Schedule::expand`].
//!
//! DTSTART always is an occurrence and is counted, fitting its rule or not. A wall time in a gap uses the offset before
//! it, one in a fold the first (RFC 5545 §3.8.5.3); of wall times that become one instant, one is an occurrence.

mod budget;
mod expand;
mod length;
mod moment;
mod span;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::recurrence::{End, Rule, RuleError, TooFrequent, Until};
use crate::time;

pub use budget::Budget;
pub use length::Length;
pub use span::Span;

/// Most days of a [`Length`]: ten years.
pub const LENGTH_DAYS_MAX: u32 = 3660;
/// Most instances that a rule of a stored schedule counts: whoever looks at a late window counts up to it.
pub const COUNT_MAX: u32 = 100_000;
/// Most rules of one schedule.
pub const RULES_MAX: usize = 8;
/// Most RDATEs, EXDATEs and overrides of one schedule, of each.
pub const DATES_MAX: usize = 10_000;
/// Most occurrences of one expansion.
pub const OCCURRENCES_MAX: usize = 50_000;

/// Why a schedule cannot be made or expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A rule is no rule.
    #[error("invalid RRULE: {0}")]
    Rule(#[from] RuleError),
    /// A rule's frequency is below what the start allows.
    #[error(transparent)]
    TooFrequent(#[from] TooFrequent),
    /// A start that is a date with an RDATE that is a time, a length that is no whole number of days, or the like.
    #[error("a schedule of whole days has dates and whole days only, and any other has none")]
    DaysAndTimes,
    /// No day or time such as `2026-01-31T09:00:00[Europe/Vienna]`.
    #[error(
        "a moment is a day such as 2026-01-31, a time such as 2026-01-31T09:00:00[Europe/Vienna], or one that ends with Z"
    )]
    Moment,
    /// No length such as `PT1H30M`, or one that is negative or longer than [`LENGTH_DAYS_MAX`].
    #[error("a length is written like P1D or PT1H30M and has at most {LENGTH_DAYS_MAX} days")]
    Length,
    /// An end before its start.
    #[error("an end is not before its start")]
    EndBeforeStart,
    /// More than [`RULES_MAX`] rules, or [`DATES_MAX`] dates.
    #[error("a schedule has at most {RULES_MAX} rules and {DATES_MAX} dates of a kind")]
    TooManyDates,
    /// More than [`OCCURRENCES_MAX`] in the window.
    #[error("more than {OCCURRENCES_MAX} occurrences in one window")]
    TooManyOccurrences,
    /// A stored rule counts more instances than can be counted again and again.
    #[error("a rule that is kept counts at most {COUNT_MAX} instances")]
    TooManyCounted,
    /// The search for an occurrence was given up.
    #[error("a rule has nothing for too many periods")]
    CutShort,
    /// A [`Budget`] is used up.
    #[error("this takes too many steps to work out")]
    OverBudget,
    /// A window ends before it starts.
    #[error("a window ends no earlier than it starts")]
    Window,
    /// A time lies beyond the years that instants have.
    #[error("a time is out of range")]
    OutOfRange,
}

/// A point in time as a calendar writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// A day in whatever zone it is looked at from.
    Day(Date),
    /// A wall time in a zone.
    Local {
        /// What the clock shows.
        wall: DateTime,
        /// Where it hangs.
        zone: TimeZone,
    },
    /// A wall time of UTC.
    Utc(DateTime),
}

impl Moment {
    /// Whether this is a day, not a time.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// What the clock shows; midnight for a day.
    pub fn wall(&self) -> DateTime {
        match self {
            Self::Day(date) => date.at(0, 0, 0, 0),
            Self::Local { wall, .. } | Self::Utc(wall) => *wall,
        }
    }

    fn zone(&self, day_zone: &TimeZone) -> TimeZone {
        match self {
            Self::Day(_) => day_zone.clone(),
            Self::Local { zone, .. } => zone.clone(),
            Self::Utc(_) => TimeZone::UTC,
        }
    }

    /// The instant, in microseconds; of a day, its first in a zone.
    pub fn instant_us(&self, day_zone: &TimeZone) -> Result<i64, ScheduleError> {
        time::wall_to_instant(self.wall(), &self.zone(day_zone)).ok_or(ScheduleError::OutOfRange)
    }
}

/// A moment and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// When it begins.
    pub start: Moment,
    /// How long it lasts.
    pub length: Length,
}

impl Period {
    /// From a start to an end of the same kind: exact, as RFC 5545 §3.8.5.3 has it for DTEND.
    pub fn until(start: Moment, end: &Moment) -> Result<Self, ScheduleError> {
        let length = match (&start, end) {
            (Moment::Day(first), Moment::Day(after)) => Length::days_between(*first, *after)?,
            (Moment::Day(_), _) | (_, Moment::Day(_)) => return Err(ScheduleError::DaysAndTimes),
            _ => {
                let [from_us, to_us] =
                    [&start, end].map(|moment| moment.instant_us(&TimeZone::UTC));
                Length::exact(from_us?, to_us?)?
            }
        };
        Ok(Self { start, length })
    }
}

/// What became of one occurrence of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The start that the series gives it (RECURRENCE-ID).
    pub original: Moment,
    /// Its own time; none if it does not take place.
    pub period: Option<Period>,
}

/// Everything but the start that recurrence is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recurrence {
    /// RRULE.
    pub rules: Vec<Rule>,
    /// RDATE; none as length is the schedule's own.
    pub added: Vec<(Moment, Option<Length>)>,
    /// EXDATE.
    pub excluded: Vec<Moment>,
    /// Occurrences that were changed one by one.
    pub overrides: Vec<Override>,
}

/// When an entry happens, checked: days with days, times with times, rules that a calendar may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    period: Period,
    recurrence: Recurrence,
    /// The last instance of each rule that counts, where it is known: nobody counts up to it again.
    last_counted: Vec<Option<DateTime>>,
}

/// One time that an entry happens; its original start names it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When it begins, in microseconds UTC.
    pub start_us: i64,
    /// The start that the series gives it.
    pub original_start_us: i64,
    /// When it is over.
    pub end_us: i64,
    /// Which of the schedule's overrides this is.
    pub override_index: Option<usize>,
}

/// Time from a start, included, to an end, excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its first microsecond, UTC.
    pub start_us: i64,
    /// The microsecond after its last.
    pub end_us: i64,
}

impl Recurrence {
    /// Days belong to days, times to times; only an override may turn one into the other.
    fn check(&self, of: &Period) -> Result<(), ScheduleError> {
        let counts = [self.added.len(), self.excluded.len(), self.overrides.len()];
        if self.rules.len() > RULES_MAX || counts.iter().any(|count| *count > DATES_MAX) {
            return Err(ScheduleError::TooManyDates);
        }
        let added = self.added.iter().map(|(moment, _)| moment);
        let originals = self.overrides.iter().map(|change| &change.original);
        let mut moments = added.chain(&self.excluded).chain(originals);
        if moments.any(|moment| moment.is_day() != of.start.is_day()) {
            return Err(ScheduleError::DaysAndTimes);
        }
        let moved = self
            .overrides
            .iter()
            .filter_map(|change| change.period.as_ref());
        let moved = moved.map(|period| (&period.start, period.length));
        let added = self
            .added
            .iter()
            .map(|(start, length)| (start, length.unwrap_or(of.length)));
        // No calendar can write down that one added day is longer than the others (RFC 5545 §3.3.9).
        if of.start.is_day() && self.added.iter().any(|(_, length)| length.is_some()) {
            return Err(ScheduleError::DaysAndTimes);
        }
        let mut lengths = added.chain(moved).chain([(&of.start, of.length)]);
        if lengths.any(|(start, length)| start.is_day() && !length.is_whole_days()) {
            return Err(ScheduleError::DaysAndTimes);
        }
        Ok(())
    }
}

impl Schedule {
    /// A schedule, its rules' UNTIL made to be in UTC, or a date for days.
    pub fn new(period: Period, mut recurrence: Recurrence) -> Result<Self, ScheduleError> {
        recurrence.check(&period)?;
        let rules = recurrence.rules.into_iter();
        let rules = rules.map(|rule| checked_rule(rule, &period.start));
        recurrence.rules = rules.collect::<Result<_, _>>()?;
        Ok(Self {
            period,
            recurrence,
            last_counted: Vec::new(),
        })
    }

    /// The first start and the length.
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// How it recurs.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }
}

fn checked_rule(rule: Rule, start: &Moment) -> Result<Rule, ScheduleError> {
    let rule = if start.is_day() {
        rule.for_dates()?
    } else {
        rule.for_calendar()?
    };
    let End::Until(until) = rule.end() else {
        return Ok(rule);
    };
    let until = match (start, until) {
        (Moment::Day(_), Until::Local(wall) | Until::Utc(wall)) => Until::Date(wall.date()),
        (Moment::Day(_), Until::Date(_)) | (_, Until::Utc(_)) => until,
        (_, Until::Date(date)) => in_utc(date.at(23, 59, 59, 0), start)?,
        (_, Until::Local(wall)) => in_utc(wall, start)?,
    };
    Ok(rule.ending(End::Until(until)))
}

/// What a clock of UTC shows when one where the schedule starts shows a wall time.
fn in_utc(wall: DateTime, start: &Moment) -> Result<Until, ScheduleError> {
    let instant = start
        .zone(&TimeZone::UTC)
        .to_ambiguous_timestamp(wall)
        .compatible();
    let instant = instant.map_err(|_| ScheduleError::OutOfRange)?;
    Ok(Until::Utc(TimeZone::UTC.to_datetime(instant)))
}

#[cfg(test)]
mod tests;
