//! The time that all occurrences of a schedule lie in, as far as that is known without expanding it.

use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::expand::last_us;
use super::{Budget, Moment, Schedule, ScheduleError};
use crate::recurrence::{End, Rule, Until};
use crate::time;

/// What days and clocks may be away from UTC, and more than any change of a zone's rules moves a time, in microseconds.
const MARGIN_US: i64 = 2 * 86_400_000_000;
/// Most instances that are counted to find the last one; a rule with more is taken to have no end.
const COUNTED_MAX: usize = 5_000;
/// As many years of a rule are looked through for them.
const COUNTED_YEARS: i64 = 30;

/// Where occurrences can be at all: a net that is too wide rather than too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// None begins before this instant, in microseconds UTC.
    pub start_us: i64,
    /// All are over by this instant, in microseconds UTC; none says that there is no end, or that it is too far to count.
    pub end_us: Option<i64>,
}

impl Schedule {
    /// The time that all occurrences lie in, whatever zone days are looked at from.
    pub fn span(&self, budget: &mut Budget) -> Result<Span, ScheduleError> {
        budget.spend(self.moment_steps())?;
        let recurrence = self.recurrence();
        let added = recurrence.added.iter().map(|(start, _)| start);
        let moved = recurrence
            .overrides
            .iter()
            .filter_map(|change| change.period.as_ref().map(|period| &period.start));
        let (mut first_us, mut last_start_us) = (i64::MAX, Some(i64::MIN));
        for moment in added.chain(moved).chain([&self.period().start]) {
            let at_us = moment.instant_us(&TimeZone::UTC)?;
            first_us = first_us.min(at_us);
            last_start_us = last_start_us.map(|last| last.max(at_us));
        }
        for rule in &recurrence.rules {
            let end_us = self.end_of(rule, budget)?;
            last_start_us = last_start_us.and_then(|last| Some(last.max(end_us?)));
        }
        let reach_us = self.longest_us().saturating_add(MARGIN_US);
        Ok(Span {
            start_us: first_us.saturating_sub(MARGIN_US),
            end_us: last_start_us.map(|last| last.saturating_add(reach_us)),
        })
    }

    /// The last instant at which a rule's occurrence may begin, but for the margin.
    fn end_of(&self, rule: &Rule, budget: &mut Budget) -> Result<Option<i64>, ScheduleError> {
        let start = &self.period().start;
        Ok(match rule.end() {
            End::Never => None,
            End::Until(Until::Date(date)) => {
                time::wall_to_instant(date.to_datetime(Time::MAX), &TimeZone::UTC)
            }
            End::Until(_) => Some(last_us(rule)),
            End::Count(count) => {
                let first = start.wall();
                let last = first
                    .checked_add(COUNTED_YEARS.years())
                    .unwrap_or(DateTime::MAX);
                let mut instances = rule
                    .instances_between(first, first, last)
                    .within(budget.left());
                let mut found = 0_u32;
                let mut latest = first;
                for instance in instances.by_ref().take(COUNTED_MAX) {
                    found = found.saturating_add(1);
                    latest = instance;
                }
                budget.spend(instances.steps_taken())?;
                // Those that are missing may be still to come.
                if found < count {
                    return Ok(None);
                }
                let zone = match start {
                    Moment::Local { zone, .. } => zone.clone(),
                    Moment::Day(_) | Moment::Utc(_) => TimeZone::UTC,
                };
                time::wall_to_instant(latest, &zone)
            }
        })
    }
}
