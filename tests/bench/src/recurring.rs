//! Expanding recurrence rules, beside the crate `rrule`.
//!
//! The rules are the examples of RFC 5545 §3.8.5.3, and those of `shared/testdata` where it lies beside the project's
//! folder or under `BURSAR_SHARED`. Libraries differ in what they make of a rule: only cases of which both make the same
//! instants are measured.

use std::{hint::black_box, path::PathBuf, time::Instant};

use bursar_domain::{
    recurrence::Rule,
    schedule::{Budget, Length, Moment, Period, Recurrence, Schedule, Window},
    time,
};
use jiff::{civil::DateTime, tz::TimeZone};
use rrule::RRuleSet;
use serde_json::Value;

use crate::{
    Fault,
    compared::{Compared, Pair, Subject},
    summary::Bound,
};

/// Longest time, in times of what the crate needs.
const RECURRENCE_TO_RRULE_MAX: f64 = 1.0;

/// A start and a rule each.
const EXAMPLES: &str = include_str!("rules.txt");
/// Each rule is expanded in each of them.
const ZONES: [&str; 2] = ["UTC", "Europe/Vienna"];
/// Most instants of a case.
const INSTANTS_MAX: u16 = 1_000;
/// How often a case is expanded in a round.
const TIMES: usize = 10;

/// A rule that both expand to the same.
struct Case {
    ours: Ours,
    theirs: RRuleSet,
    count: usize,
}

/// A calendar's entry; without one what lies below it, for a frequency that no calendar takes.
enum Ours {
    Entry(Schedule, Window, TimeZone),
    Rule(Rule, DateTime, TimeZone),
}

/// Cases that both agree on, by turns.
pub struct Recurring {
    cases: Vec<Case>,
}

impl Recurring {
    pub fn set() -> Result<Self, Fault> {
        let mut cases = Vec::new();
        for (start, rule) in rules()? {
            for zone in ZONES {
                cases.extend(case(&start, &rule, zone));
            }
        }
        if cases.is_empty() {
            return Err("no rule is expanded to the same by both".into());
        }
        Ok(Self { cases })
    }

    pub fn compared(&self, rounds: Vec<Pair>) -> Compared {
        let subject = Subject {
            name: "recurrences",
            what: "recurrences / the crate rrule",
            ours: "rules expanded to instants, as entries of a calendar",
            theirs: "the same by the crate rrule",
            bound: Bound::AtMost(RECURRENCE_TO_RRULE_MAX),
            note: "milliseconds for all cases together, each expanded ten times to at most 1,000 instants; count is that of \
                   the cases, which are those of RFC 5545 and of ical.js in UTC and in Europe/Vienna of which both make \
                   the same instants; both have read and checked the rule before; ours: Schedule::expand, and the rule \
                   alone where its frequency is below what calendars take",
        };
        Compared::new(subject, self.cases.len(), rounds)
    }

    /// Expands every case with both, each directly after the other.
    pub fn round(&self) -> Result<Pair, Fault> {
        let mut sum = Pair::NOTHING;
        for case in &self.cases {
            let started = Instant::now();
            for _ in 0..TIMES {
                expect(black_box(case.ours.expand(case.count)).len(), case.count)?;
            }
            sum.ours_ms += started.elapsed().as_secs_f64() * 1000.0;
            let started = Instant::now();
            for _ in 0..TIMES {
                let found: Vec<_> = (&case.theirs).into_iter().take(case.count).collect();
                expect(black_box(found).len(), case.count)?;
            }
            sum.theirs_ms += started.elapsed().as_secs_f64() * 1000.0;
        }
        Ok(sum)
    }
}

fn expect(found: usize, wanted: usize) -> Result<(), Fault> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{found} instants instead of {wanted}").into())
}

impl Ours {
    fn expand(&self, count: usize) -> Vec<i64> {
        match self {
            Ours::Entry(schedule, window, zone) => {
                let mut budget = Budget::new(u64::MAX);
                let found = schedule.expand(*window, zone, &mut budget);
                let found = found.unwrap_or_default();
                found.iter().map(|occurrence| occurrence.start_us).collect()
            }
            Ours::Rule(rule, start, zone) => rule
                .instances(*start)
                .take(count)
                .filter_map(|wall| time::wall_to_instant(wall, zone))
                .collect(),
        }
    }
}

/// The case, if both expand it to the same.
fn case(start: &str, rule: &str, zone_name: &str) -> Option<Case> {
    let wall: DateTime = start.parse().ok()?;
    let zone = time::zone(zone_name).ok()?;
    let text = wall.strftime("%Y%m%dT%H%M%S");
    let begin = match zone_name {
        "UTC" => format!("DTSTART:{text}Z"),
        name => format!("DTSTART;TZID={name}:{text}"),
    };
    // Their limits end the search of a rule that never matches.
    let theirs: RRuleSet = format!("{begin}\nRRULE:{rule}").parse().ok()?;
    let theirs = theirs.limit();
    let found = (&theirs).into_iter().take(INSTANTS_MAX.into());
    let expected: Vec<i64> = found.map(|at| at.timestamp_micros()).collect();
    let window = Window {
        start_us: *expected.first()?,
        end_us: expected.last()?.checked_add(1)?,
    };
    let ours = ours(wall, Rule::parse(rule).ok()?, zone, window)?;
    let count = expected.len();
    (ours.expand(count) == expected).then_some(Case {
        ours,
        theirs,
        count,
    })
}

fn ours(wall: DateTime, rule: Rule, zone: TimeZone, window: Window) -> Option<Ours> {
    if rule.clone().for_calendar().is_err() {
        return Some(Ours::Rule(rule, wall, zone));
    }
    let period = Period {
        start: Moment::Local {
            wall,
            zone: zone.clone(),
        },
        length: Length::new(0, 3600).ok()?,
    };
    let recurrence = Recurrence {
        rules: vec![rule],
        ..Recurrence::default()
    };
    let schedule = Schedule::new(period, recurrence).ok()?;
    Some(Ours::Entry(schedule, window, zone))
}

/// Starts and rules.
fn rules() -> Result<Vec<(String, String)>, Fault> {
    let example = |line: &str| {
        let (start, rule) = line.split_once(' ')?;
        Some((start.to_owned(), rule.to_owned()))
    };
    let mut rules: Vec<_> = EXAMPLES.lines().filter_map(example).collect();
    let beside_the_project = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("BURSAR_SHARED").map_or_else(beside_the_project, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("testdata/rrule/icaljs.json")) else {
        return Ok(rules);
    };
    let cases: Vec<Value> = serde_json::from_str(&text)?;
    rules.extend(cases.iter().filter_map(|case| {
        let start = case.get("dtstart")?.as_str()?.trim_end_matches('Z');
        let time = if start.contains('T') { "" } else { "T00:00:00" };
        Some((
            format!("{start}{time}"),
            case.get("rrule")?.as_str()?.to_owned(),
        ))
    }));
    Ok(rules)
}
