//! The numbered invariants of schedules, for rules that nobody chose, and a slow expander that the fast one agrees with.

mod made;
mod slow;

use std::cell::Cell;
use std::fmt::Debug;
use std::io::Write as _;

use bursar_domain::availability::{self, AvailabilityError};
use bursar_domain::calendar::EntryContent;
use bursar_domain::icalendar::{self, Entry, Kind};
use bursar_domain::recurrence::{End, Rule};
use bursar_domain::schedule::{
    Budget, Length, Moment, Occurrence, Period, Recurrence, Schedule, ScheduleError, Window,
};
use bursar_domain::time;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use made::{CALENDAR, any_schedule, any_start, any_text, any_zone, instant_us, rule_of, windows};

/// A property is worth its name only if what it guards against came up this often.
const OCCURRED_MIN: u32 = 100;

/// Runs a property and tells how often the situation that it is about came up.
fn check<S: Strategy>(
    name: &str,
    cases: u32,
    strategy: &S,
    property: impl Fn(S::Value, &Cell<u32>) -> TestCaseResult,
) where
    S::Value: Debug,
{
    let occurred = Cell::new(0);
    let config = Config {
        cases,
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(strategy, |value| property(value, &occurred));
    let occurred = occurred.get();
    let line = writeln!(std::io::stderr(), "{name}: occurred {occurred} times");
    line.expect("standard error is open");
    result.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(
        occurred >= OCCURRED_MIN,
        "{name}: occurred only {occurred} times"
    );
}

fn count(occurred: &Cell<u32>) {
    occurred.set(occurred.get() + 1);
}

/// Rules may flood a window or find nothing for too long: those are for other properties.
fn expand(schedule: &Schedule, window: Window) -> Result<Vec<Occurrence>, TestCaseError> {
    schedule
        .expand(window, &TimeZone::UTC, &mut Budget::default())
        .map_err(|error| match error {
            ScheduleError::TooManyOccurrences | ScheduleError::CutShort => {
                TestCaseError::reject(error.to_string())
            }
            other => TestCaseError::fail(other.to_string()),
        })
}

#[test]
fn sch_1_adjoining_windows_expand_to_what_they_expand_to_together() {
    check(
        "sch_1, occurrences in both windows",
        1200,
        &(any_schedule(), windows()),
        |(schedule, [a, b]), occurred| {
            let [mut first, second] = [expand(&schedule, a)?, expand(&schedule, b)?];
            if !first.is_empty() && !second.is_empty() {
                count(occurred);
            }
            first.extend(second);
            let whole = Window {
                start_us: a.start_us,
                end_us: b.end_us,
            };
            prop_assert_eq!(first, expand(&schedule, whole)?);
            Ok(())
        },
    );
}

#[test]
fn sch_1_what_was_counted_once_expands_as_what_is_counted_again() {
    check(
        "SCH-1, occurrences of rules with COUNT",
        2000,
        &(any_schedule(), windows()),
        |(schedule, windows), occurred| {
            let counted = schedule.clone().counted(&mut Budget::default());
            let counted = counted.map_err(|error| TestCaseError::reject(error.to_string()))?;
            let is_counted = counted.last_counted().iter().any(Option::is_some);
            for window in windows {
                let expected = expand(&schedule, window)?;
                if is_counted && !expected.is_empty() {
                    count(occurred);
                }
                prop_assert_eq!(expand(&counted, window)?, expected);
            }
            Ok(())
        },
    );
}

#[test]
fn sch_2_occurrences_rise_strictly_and_keep_within_their_bounds() {
    check(
        "sch_2, excluded or counted out",
        600,
        &(any_schedule(), windows()),
        |(schedule, [a, b]), occurred| {
            let from_us = schedule
                .period()
                .start
                .instant_us(&TimeZone::UTC)
                .expect("in range");
            let whole = Window {
                start_us: a.start_us.min(from_us),
                end_us: b.end_us,
            };
            let found = expand(&schedule, whole)?;
            prop_assert!(found.is_sorted_by(|one, next| one.start_us < next.start_us));
            prop_assert!(
                found
                    .iter()
                    .all(|one| one.start_us >= from_us && one.end_us > one.start_us)
            );
            let Recurrence {
                rules, excluded, ..
            } = schedule.recurrence();
            for moment in excluded {
                let excluded_us = moment.instant_us(&TimeZone::UTC).expect("in range");
                prop_assert!(found.iter().all(|one| one.start_us != excluded_us));
            }
            let is_counted_out = match rules[0].end() {
                End::Count(at_most) => {
                    prop_assert!(found.len() <= usize::try_from(at_most.max(1)).expect("fits"));
                    found.len() == usize::try_from(at_most).expect("fits")
                }
                _ => false,
            };
            if is_counted_out || !excluded.is_empty() {
                count(occurred);
            }
            Ok(())
        },
    );
}

#[test]
fn sch_2_nothing_comes_after_until() {
    let strategy = (rule_of(CALENDAR), any_start(), any_zone(), 0..500_i64);
    check(
        "sch_2, ended by UNTIL",
        1000,
        &strategy,
        |(rule, wall, zone, days), occurred| {
            let last = wall.checked_add(days.days()).expect("in range");
            let until: String = time::local_text(last)
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let ending = Rule::parse(&format!("{rule};UNTIL={until}Z")).expect("a rule");
            let schedule = |rule: Rule| {
                let start = Moment::Local {
                    wall,
                    zone: zone.clone(),
                };
                let period = Period {
                    start,
                    length: Length::default(),
                };
                Schedule::new(
                    period,
                    Recurrence {
                        rules: vec![rule],
                        ..Recurrence::default()
                    },
                )
                .expect("fits together")
            };
            let start_us = time::wall_to_instant(wall, &zone).expect("in range");
            let end_us = instant_us(last.checked_add(60.days()).expect("in range"));
            let window = Window { start_us, end_us };
            let (all, ended) = (
                expand(&schedule(rule), window)?,
                expand(&schedule(ending), window)?,
            );
            let is_within =
                |one: &&Occurrence| one.start_us <= instant_us(last) || one.start_us == start_us;
            let within: Vec<Occurrence> = all.iter().filter(is_within).copied().collect();
            if within.len() < all.len() {
                count(occurred);
            }
            prop_assert_eq!(ended, within);
            Ok(())
        },
    );
}

#[test]
fn sch_3_wall_time_stays_the_same_when_clocks_change() {
    let daily = (
        select(vec!["DAILY", "WEEKLY", "MONTHLY"]),
        any_start(),
        any_zone(),
    );
    check(
        "sch_3, clocks changed",
        100,
        &daily,
        |(frequency, wall, zone), occurred| {
            let rules = vec![Rule::parse(&format!("FREQ={frequency};COUNT=300")).expect("a rule")];
            let start = Moment::Local {
                wall,
                zone: zone.clone(),
            };
            let period = Period {
                start,
                length: Length::default(),
            };
            let schedule = Schedule::new(
                period,
                Recurrence {
                    rules,
                    ..Recurrence::default()
                },
            )
            .expect("fits together");
            let window = Window {
                start_us: instant_us(wall) - 86_400_000_000,
                end_us: i64::MAX,
            };
            let instants = expand(&schedule, window)?;
            let instants = instants
                .iter()
                .map(|one| Timestamp::from_microsecond(one.start_us).expect("in range"));
            let mut offset = None;
            for instant in instants {
                let shown = zone.to_datetime(instant);
                let expected = shown.date().to_datetime(wall.time());
                let offset_then = zone.to_ambiguous_timestamp(expected).offset();
                let is_in_gap = matches!(offset_then, AmbiguousOffset::Gap { .. });
                prop_assert!(
                    shown == expected || is_in_gap,
                    "{shown} instead of {}",
                    wall.time()
                );
                let offset_here = zone.to_offset(instant);
                if offset
                    .replace(offset_here)
                    .is_some_and(|before| before != offset_here)
                {
                    count(occurred);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn sch_6_busy_and_free_partition_the_window() {
    let strategy = (prop::collection::vec(any_schedule(), 1..3), windows());
    check(
        "sch_6, busy and free",
        1000,
        &strategy,
        |(schedules, [within, _]), occurred| {
            let busy =
                availability::busy(&schedules, within, &TimeZone::UTC, &mut Budget::default())
                    .map_err(|error| match error {
                        AvailabilityError::Schedule(error) => {
                            TestCaseError::reject(error.to_string())
                        }
                        other => TestCaseError::fail(other.to_string()),
                    })?;
            let free = availability::free(&busy, within);
            if !busy.is_empty() && !free.is_empty() {
                count(occurred);
            }
            let mut parts = [busy, free].concat();
            parts.sort();
            let ends = parts.iter().map(|part| part.end_us);
            let begins: Vec<i64> = std::iter::once(within.start_us).chain(ends).collect();
            let expected: Vec<i64> = parts
                .iter()
                .map(|part| part.start_us)
                .chain([within.end_us])
                .collect();
            prop_assert_eq!(begins, expected);
            prop_assert!(parts.iter().all(|part| part.start_us < part.end_us));
            Ok(())
        },
    );
}

#[test]
fn sch_7_every_rule_ends_or_goes_on_within_its_budget() {
    let all = &[
        "SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY",
    ];
    check(
        "sch_7, nothing found",
        800,
        &(rule_of(all), any_start()),
        |(rule, start), occurred| {
            let mut instances = rule.instances(start);
            let found: Vec<DateTime> = instances.by_ref().take(50).collect();
            prop_assert!(found.is_sorted_by(|one, next| one < next));
            prop_assert!(found.iter().all(|one| *one >= start));
            if found.len() < 50 {
                prop_assert_eq!(instances.next(), None);
                count(occurred);
            }
            let printed = rule.to_string();
            prop_assert_eq!(Rule::parse(&printed), Ok(rule));
            Ok(())
        },
    );
}

/// What one period of a rule can cost beyond a budget: twelve months with full lists, and every position picked.
const PERIOD_STEPS_MAX: u64 = 5_000;

#[test]
fn sch_7_an_expansion_takes_no_more_steps_than_it_is_given() {
    let all = &["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
    check(
        "sch_7, over budget",
        400,
        &(rule_of(all), any_start(), 1..5_000_u64),
        |(rule, start, steps_max), occurred| {
            let mut bounded = rule.instances(start).within(steps_max);
            let found: Vec<DateTime> = bounded.by_ref().collect();
            if bounded.is_over_budget() {
                count(occurred);
            }
            prop_assert!(bounded.steps_taken() <= steps_max + PERIOD_STEPS_MAX);
            prop_assert!(found.len() as u64 <= bounded.steps_taken());
            let unbounded: Vec<DateTime> = rule.instances(start).take(found.len()).collect();
            prop_assert_eq!(found, unbounded);
            Ok(())
        },
    );
}

#[test]
fn sch_8_a_calendar_out_and_in_expands_to_the_same() {
    let kinds = vec![Kind::Event, Kind::Task, Kind::Reminder, Kind::Shift];
    let strategy = (any_schedule(), windows(), select(kinds));
    check(
        "sch_8, occurrences",
        1000,
        &strategy,
        |(schedule, [a, b], kind), occurred| {
            let entry = Entry {
                uid: "one@example.org".to_owned(),
                kind,
                title: "One; two, \u{fc}\nthree".to_owned(),
                notes: "Bring:\t\\ cake".to_owned(),
                attendees: vec!["Ada; \"^Countess^\" of, Lovelace: \u{fc}".to_owned()],
                is_opaque: kind != Kind::Task,
                schedule,
            };
            prop_assert_eq!(EntryContent::of(&entry).read(), Ok(entry.clone()));
            let printed = icalendar::print(std::slice::from_ref(&entry), a.start_us);
            let read = icalendar::read(&printed, &TimeZone::UTC)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&read, std::slice::from_ref(&entry));
            let window = Window {
                start_us: a.start_us,
                end_us: b.end_us,
            };
            let expected = expand(&entry.schedule, window)?;
            if !expected.is_empty() {
                count(occurred);
            }
            let span = entry
                .schedule
                .span(&mut Budget::default())
                .expect("it can be expanded");
            for one in &expected {
                prop_assert!(span.start_us <= one.start_us, "{span:?} {one:?}");
                prop_assert!(span.end_us.is_none_or(|end_us| one.end_us <= end_us));
            }
            prop_assert_eq!(expand(&read[0].schedule, window)?, expected);
            Ok(())
        },
    );
}

#[test]
fn the_fast_expander_agrees_with_a_slow_one() {
    let days = &["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
    check(
        "slow expander, instances",
        400,
        &(rule_of(days), any_start()),
        |(rule, start), occurred| {
            let last = start.checked_add(3.years()).expect("in range");
            let expected = slow::instances(&rule, start, last);
            if !expected.is_empty() {
                count(occurred);
            }
            let fast: Vec<DateTime> = rule.instances_between(start, start, last).collect();
            prop_assert_eq!(&fast, &expected, "{}", rule);
            let from = start.checked_add(400.days()).expect("in range");
            let later: Vec<DateTime> = rule.instances_between(start, from, last).collect();
            let expected: Vec<DateTime> =
                expected.into_iter().filter(|wall| *wall >= from).collect();
            prop_assert_eq!(later, expected, "{} from {}", rule, from);
            Ok(())
        },
    );
}

#[test]
fn hostile_texts_are_read_or_refused() {
    check(
        "hostile texts, refused",
        4000,
        &any_text(),
        |text, occurred| {
            let around = format!(
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:00000101\n{text}\nEND:VEVENT\nEND:VCALENDAR"
            );
            for calendar in [&text, &around] {
                match icalendar::read(calendar, &TimeZone::UTC) {
                    Ok(entries) => {
                        let window = Window {
                            start_us: i64::MIN,
                            end_us: i64::MAX,
                        };
                        for entry in entries {
                            let _ = entry.schedule.expand(
                                window,
                                &TimeZone::UTC,
                                &mut Budget::default(),
                            );
                        }
                    }
                    Err(_) => count(occurred),
                }
            }
            if let Ok(rule) = Rule::parse(&text) {
                prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
            }
            Ok(())
        },
    );
}
