//! The time that all occurrences of a schedule lie in, as far as that is known without expanding it.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::expand::{counting_start, last_us};
use super::{Budget, Moment, Schedule, ScheduleError};
use crate::recurrence::{End, Rule, Until};
use crate::time;

/// What days and clocks may be away from UTC, and more than any change of a zone's rules moves a time, in microseconds.
const MARGIN_US: i64 = 2 * 86_400_000_000;

/// Most steps in which the last instance of a rule that counts is sought; one that is farther is counted up to each time.
const COUNTED_STEPS_MAX: u64 = 250_000;

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
        let last = match self.last_counted() {
            [] => self.count(budget)?,
            known => known.to_vec(),
        };
        for (rule, last) in recurrence.rules.iter().zip(last) {
            let end_us = self.end_of(rule, last);
            last_start_us = last_start_us.and_then(|last| Some(last.max(end_us?)));
        }
        let reach_us = self.longest_us().saturating_add(MARGIN_US);
        Ok(Span {
            start_us: first_us.saturating_sub(MARGIN_US),
            end_us: last_start_us.map(|last| last.saturating_add(reach_us)),
        })
    }

    /// The last instant at which a rule's occurrence may begin, but for the margin.
    fn end_of(&self, rule: &Rule, last: Option<DateTime>) -> Option<i64> {
        let start = &self.period().start;
        match rule.end() {
            End::Never => None,
            End::Until(Until::Date(date)) => {
                time::wall_to_instant(date.to_datetime(Time::MAX), &TimeZone::UTC)
            }
            End::Until(_) => Some(last_us(rule)),
            End::Count(_) => {
                let zone = match start {
                    Moment::Local { zone, .. } => zone.clone(),
                    Moment::Day(_) | Moment::Utc(_) => TimeZone::UTC,
                };
                last.and_then(|last| time::wall_to_instant(last, &zone))
            }
        }
    }

    /// The same with the last instance of each rule that counts: windows are found without counting up to them.
    pub fn counted(mut self, budget: &mut Budget) -> Result<Self, ScheduleError> {
        self.last_counted = self.count(budget)?;
        Ok(self)
    }

    /// What [`Schedule::counted`] found out, rule by rule.
    pub fn last_counted(&self) -> &[Option<DateTime>] {
        &self.last_counted
    }

    /// As [`Schedule::counted`], by whoever found it out before.
    #[must_use]
    pub fn with_last_counted(mut self, last_counted: Vec<Option<DateTime>>) -> Self {
        self.last_counted = last_counted;
        self
    }

    fn count(&self, budget: &mut Budget) -> Result<Vec<Option<DateTime>>, ScheduleError> {
        let first = self.period().start.wall();
        let rules = self.recurrence().rules.iter();
        let last = rules.map(|rule| {
            if !matches!(rule.end(), End::Count(_)) {
                return Ok(None);
            }
            let rule = counting_start(rule, first);
            let mut instances = rule
                .instances_between(first, first, DateTime::MAX)
                .within(COUNTED_STEPS_MAX.min(budget.left() / 2));
            let last = instances.by_ref().last().unwrap_or(first);
            let is_known = !instances.is_cut_short() && !instances.is_over_budget();
            budget.spend(instances.steps_taken().min(budget.left()))?;
            Ok(is_known.then_some(last))
        });
        last.collect()
    }
}
