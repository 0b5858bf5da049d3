//! From a schedule and a window to occurrences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::budget::OCCURRENCE_STEPS;
use super::{Budget, Length, Moment, OCCURRENCES_MAX, Occurrence, Schedule, ScheduleError, Window};
use crate::recurrence::{End, Rule, Until};
use crate::time;

impl Schedule {
    /// The occurrences that begin in a window, by start; days are those of a zone.
    pub fn expand(
        &self,
        window: Window,
        day_zone: &TimeZone,
        budget: &mut Budget,
    ) -> Result<Vec<Occurrence>, ScheduleError> {
        if window.end_us < window.start_us {
            return Err(ScheduleError::Window);
        }
        budget.spend(self.moment_steps())?;
        let mut found = Found {
            window,
            excluded: self
                .recurrence
                .excluded
                .iter()
                .map(|moment| moment.instant_us(day_zone))
                .collect::<Result<_, _>>()?,
            occurrences: BTreeMap::new(),
        };
        self.find_overrides(&mut found, day_zone)?;
        let Schedule {
            period, recurrence, ..
        } = self;
        found.add(&period.start, period.length, day_zone)?;
        for (start, length) in &recurrence.added {
            found.add(start, length.unwrap_or(period.length), day_zone)?;
        }
        for (place, rule) in recurrence.rules.iter().enumerate() {
            let last = self.last_counted.get(place).copied().flatten();
            self.find_by_rule((rule, last), &mut found, day_zone, budget)?;
        }
        let mut occurrences: Vec<Occurrence> = found.occurrences.into_values().collect();
        occurrences.sort_unstable();
        Ok(occurrences)
    }

    /// The occurrences that begin in a window or last into it.
    pub fn expand_overlapping(
        &self,
        window: Window,
        day_zone: &TimeZone,
        budget: &mut Budget,
    ) -> Result<Vec<Occurrence>, ScheduleError> {
        let earliest_us = window.start_us.saturating_sub(self.longest_us());
        let wider = Window {
            start_us: earliest_us,
            ..window
        };
        let mut occurrences = self.expand(wider, day_zone, budget)?;
        occurrences
            .retain(|found| found.end_us > window.start_us || found.start_us >= window.start_us);
        Ok(occurrences)
    }

    pub(super) fn longest_us(&self) -> i64 {
        let added = self
            .recurrence
            .added
            .iter()
            .filter_map(|(_, length)| *length);
        let moved = self
            .recurrence
            .overrides
            .iter()
            .filter_map(|change| change.period.as_ref());
        let lengths = added
            .chain(moved.map(|period| period.length))
            .chain([self.period.length]);
        let longest = lengths
            .map(Length::seconds_at_most)
            .max()
            .unwrap_or_default();
        i64::try_from(longest.as_micros()).unwrap_or(i64::MAX)
    }

    /// Takes the overridden occurrences out of the series, and puts those in that were moved into the window.
    fn find_overrides(&self, found: &mut Found, day_zone: &TimeZone) -> Result<(), ScheduleError> {
        for (index, change) in self.recurrence.overrides.iter().enumerate() {
            let original_start_us = change.original.instant_us(day_zone)?;
            if !found.excluded.insert(original_start_us) {
                continue;
            }
            let Some(period) = &change.period else {
                continue;
            };
            let start_us = period.start.instant_us(day_zone)?;
            let zone = period.start.zone(day_zone);
            let end_us = period.length.end_us(period.start.wall(), &zone, start_us);
            let end_us = end_us.ok_or(ScheduleError::OutOfRange)?;
            let override_index = Some(index);
            found.put(Occurrence {
                start_us,
                original_start_us,
                end_us,
                override_index,
            })?;
        }
        Ok(())
    }

    /// A rule that counts has its last instance with it, where that is known.
    fn find_by_rule(
        &self,
        (rule, last): (&Rule, Option<DateTime>),
        found: &mut Found,
        day_zone: &TimeZone,
        budget: &mut Budget,
    ) -> Result<(), ScheduleError> {
        let start = &self.period.start;
        let zone = start.zone(day_zone);
        let first = start.wall();
        let (rule, last) = match (rule.end(), last) {
            (End::Count(_), Some(last)) => (rule.clone().ending(End::Never), last),
            _ => (counting_start(rule, first), DateTime::MAX),
        };
        let last_us = last_us(&rule);
        let near = |at_us: i64| {
            Timestamp::from_microsecond(at_us)
                .ok()
                .map(|at| zone.to_datetime(at))
        };
        // A day on either side is more than any zone is away from what its clock shows in a gap.
        let from = near(found.window.start_us).and_then(|wall| wall.checked_sub(1.day()).ok());
        let to =
            near(found.window.end_us.min(last_us)).and_then(|wall| wall.checked_add(1.day()).ok());
        let to = match rule.end() {
            End::Until(Until::Date(date)) => {
                to.unwrap_or(DateTime::MAX).min(date.to_datetime(Time::MAX))
            }
            _ => to.unwrap_or(DateTime::MAX).min(last),
        };
        let instances = rule.instances_between(first, from.unwrap_or(first), to);
        let mut instances = instances.within(budget.left());
        for wall in &mut instances {
            // Where instants end, so does every rule.
            let Some(start_us) = time::wall_to_instant(wall, &zone) else {
                break;
            };
            budget.spend(OCCURRENCE_STEPS)?;
            if start_us <= last_us {
                found.add_at(start_us, wall, &zone, self.period.length)?;
            }
        }
        budget.spend(instances.steps_taken())?;
        if instances.is_cut_short() {
            Err(ScheduleError::CutShort)
        } else {
            Ok(())
        }
    }
}

/// The rule with one instance less to count if DTSTART, which is counted, is none of them.
pub(super) fn counting_start(rule: &Rule, first: DateTime) -> Rule {
    let rule = rule.clone();
    match rule.end() {
        End::Count(count)
            if rule
                .clone()
                .ending(End::Never)
                .instances_between(first, first, first)
                .next()
                .is_none() =>
        {
            rule.ending(End::Count(count.saturating_sub(1)))
        }
        _ => rule,
    }
}

/// The last microsecond at which an occurrence of a rule may begin.
pub(super) fn last_us(rule: &Rule) -> i64 {
    match rule.end() {
        End::Until(Until::Utc(wall)) => {
            time::wall_to_instant(wall, &TimeZone::UTC).unwrap_or(i64::MAX)
        }
        _ => i64::MAX,
    }
}

/// Occurrences by original start, so that none is there twice.
struct Found {
    window: Window,
    excluded: BTreeSet<i64>,
    occurrences: BTreeMap<i64, Occurrence>,
}

impl Found {
    fn add(
        &mut self,
        start: &Moment,
        length: Length,
        day_zone: &TimeZone,
    ) -> Result<(), ScheduleError> {
        let start_us = start.instant_us(day_zone)?;
        self.add_at(start_us, start.wall(), &start.zone(day_zone), length)
    }

    /// Of what begins at one instant, what is added first stays.
    fn add_at(
        &mut self,
        start_us: i64,
        wall: DateTime,
        zone: &TimeZone,
        length: Length,
    ) -> Result<(), ScheduleError> {
        if self.excluded.contains(&start_us) || !self.window.contains(start_us) {
            return Ok(());
        }
        let end_us = length
            .end_us(wall, zone, start_us)
            .ok_or(ScheduleError::OutOfRange)?;
        let (original_start_us, override_index) = (start_us, None);
        self.put(Occurrence {
            start_us,
            original_start_us,
            end_us,
            override_index,
        })
    }

    fn put(&mut self, occurrence: Occurrence) -> Result<(), ScheduleError> {
        if self.window.contains(occurrence.start_us) {
            self.occurrences
                .entry(occurrence.original_start_us)
                .or_insert(occurrence);
        }
        if self.occurrences.len() > OCCURRENCES_MAX {
            return Err(ScheduleError::TooManyOccurrences);
        }
        Ok(())
    }
}

impl Window {
    /// Whether an instant lies in the window.
    pub fn contains(self, at_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&at_us)
    }
}
