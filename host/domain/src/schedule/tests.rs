//! Cases of `schedule`.

use super::*;
use crate::recurrence::Rule;

fn berlin() -> TimeZone {
    time::zone("Europe/Berlin").expect("known")
}

/// `2026-01-31` is a day, `2026-01-31T09:00:00` a wall time in Berlin, with a `Z` one of UTC.
fn moment(text: &str) -> Moment {
    if let Ok(date) = time::date(text) {
        return Moment::Day(date);
    }
    let wall = time::local(text.trim_end_matches('Z')).expect("a wall time");
    if text.ends_with('Z') {
        Moment::Utc(wall)
    } else {
        Moment::Local {
            wall,
            zone: berlin(),
        }
    }
}

fn length(text: &str) -> Length {
    Length::parse(text).expect("a length")
}

fn period(start: &str, lasts: &str) -> Period {
    Period {
        start: moment(start),
        length: length(lasts),
    }
}

fn ruled(start: &str, lasts: &str, rule: &str) -> Schedule {
    let rules = vec![Rule::parse(rule).expect("a rule")];
    Schedule::new(
        period(start, lasts),
        Recurrence {
            rules,
            ..Recurrence::default()
        },
    )
    .expect("valid")
}

fn at_us(text: &str) -> i64 {
    time::from_rfc3339(text).expect("an instant")
}

fn year(of: i16) -> Window {
    Window {
        start_us: at_us(&format!("{of}-01-01T00:00:00Z")),
        end_us: at_us(&format!("{}-01-01T00:00:00Z", of.saturating_add(1))),
    }
}

/// Start and end of each occurrence, in UTC.
#[track_caller]
fn check(schedule: &Schedule, window: Window, expected: &[[&str; 2]]) {
    let occurrences = schedule
        .expand(window, &berlin(), &mut Budget::default())
        .expect("expands");
    let shown: Vec<[String; 2]> = occurrences
        .iter()
        .map(|found| [found.start_us, found.end_us].map(time::rfc3339))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn hours_are_exact_and_days_go_by_the_calendar() {
    let nights = "FREQ=DAILY;COUNT=2";
    let expected = [
        ["2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"],
        ["2026-03-28T22:00:00Z", "2026-03-29T22:00:00Z"],
    ];
    check(
        &ruled("2026-03-27T23:00:00", "PT24H", nights),
        year(2026),
        &expected,
    );
    let expected = [
        ["2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"],
        ["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
    ];
    check(
        &ruled("2026-03-27T23:00:00", "P1D", nights),
        year(2026),
        &expected,
    );
    let expected = [
        ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"],
        ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    ];
    check(&ruled("2026-03-28", "P1D", nights), year(2026), &expected);
    let expected = [
        ["2026-03-27T23:00:00Z", "2026-03-29T00:30:00Z"],
        ["2026-03-28T23:00:00Z", "2026-03-30T00:30:00Z"],
    ];
    check(
        &ruled("2026-03-27T23:00:00Z", "P1DT90M", nights),
        year(2026),
        &expected,
    );
}

#[test]
fn a_start_that_does_not_fit_its_rule_is_an_occurrence_and_is_counted() {
    // The first of May 2026 is a Friday.
    let mondays = ruled("2026-05-01", "P1D", "FREQ=WEEKLY;BYDAY=MO;COUNT=2");
    let expected = [
        ["2026-04-30T22:00:00Z", "2026-05-01T22:00:00Z"],
        ["2026-05-03T22:00:00Z", "2026-05-04T22:00:00Z"],
    ];
    check(&mondays, year(2026), &expected);
    check(
        &ruled("2026-05-01", "P1D", "FREQ=DAILY;COUNT=0"),
        year(2026),
        &expected[..1],
    );
    let synchronized = ruled("2026-05-04", "P1D", "FREQ=WEEKLY;BYDAY=MO;COUNT=1");
    check(&synchronized, year(2026), &expected[1..]);
}

#[test]
fn in_a_gap_the_offset_before_it_holds_and_in_a_fold_the_first() {
    let spring = ruled("2026-03-28T02:30:00", "PT1H", "FREQ=DAILY;COUNT=3");
    let expected = [
        ["2026-03-28T01:30:00Z", "2026-03-28T02:30:00Z"],
        ["2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"],
        ["2026-03-30T00:30:00Z", "2026-03-30T01:30:00Z"],
    ];
    check(&spring, year(2026), &expected);
    let autumn = ruled("2026-10-25T02:30:00", "PT1H", "FREQ=DAILY;COUNT=1");
    check(
        &autumn,
        year(2026),
        &[["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]],
    );
    // Wall time 02:30 is moved to 03:30, after 03:00; wall times 02:00 and 03:00 are one instant.
    let hourly = ruled(
        "2026-03-29T01:30:00",
        "PT1M",
        "FREQ=HOURLY;BYMINUTE=0,30;COUNT=5",
    );
    let starts = ["00:30", "01:00", "01:30"].map(|clock| format!("2026-03-29T{clock}:00Z"));
    let occurrences = hourly
        .expand(year(2026), &berlin(), &mut Budget::default())
        .expect("expands");
    let shown: Vec<String> = occurrences
        .iter()
        .map(|found| time::rfc3339(found.start_us))
        .collect();
    assert_eq!(shown, starts);
}

#[test]
fn until_bounds_by_instant_where_the_start_has_a_zone() {
    let check_until = |until: &str, kept: &str, count: usize| {
        let schedule = ruled(
            "2026-06-01T09:00:00",
            "PT1H",
            &format!("FREQ=DAILY;UNTIL={until}"),
        );
        assert_eq!(
            schedule.recurrence().rules[0].to_string(),
            format!("FREQ=DAILY;UNTIL={kept}")
        );
        let found = schedule
            .expand(year(2026), &berlin(), &mut Budget::default())
            .expect("expands");
        assert_eq!(found.len(), count, "{until}");
    };
    check_until("20260603T070000Z", "20260603T070000Z", 3);
    check_until("20260603T065959Z", "20260603T065959Z", 2);
    check_until("20260603T090000", "20260603T070000Z", 3);
    check_until("20260603", "20260603T215959Z", 3);
    check_until("20250603", "20250603T215959Z", 1);
    let days = ruled("2026-06-01", "P1D", "FREQ=DAILY;UNTIL=20260603T000000Z");
    assert_eq!(
        days.recurrence().rules[0].to_string(),
        "FREQ=DAILY;UNTIL=20260603"
    );
    assert_eq!(
        days.expand(year(2026), &berlin(), &mut Budget::default())
            .expect("expands")
            .len(),
        3
    );
}

#[test]
fn dates_are_added_and_taken_away_and_single_occurrences_moved() {
    let recurrence = Recurrence {
        rules: vec![Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule")],
        added: vec![
            (moment("2026-06-03T09:00:00"), Some(length("PT2H"))),
            (moment("2026-06-08T07:00:00Z"), None),
        ],
        excluded: vec![moment("2026-06-15T07:00:00Z")],
        overrides: vec![
            Override {
                original: moment("2026-06-01T09:00:00"),
                period: None,
            },
            Override {
                original: moment("2026-06-22T09:00:00"),
                period: Some(period("2026-06-02T12:00:00", "PT5M")),
            },
            Override {
                original: moment("2026-06-15T09:00:00"),
                period: Some(period("2026-06-16T12:00:00", "PT5M")),
            },
        ],
    };
    let schedule = Schedule::new(period("2026-06-01T09:00:00", "PT1H"), recurrence).expect("valid");
    let expected = [
        ["2026-06-02T10:00:00Z", "2026-06-02T10:05:00Z"],
        ["2026-06-03T07:00:00Z", "2026-06-03T09:00:00Z"],
        ["2026-06-08T07:00:00Z", "2026-06-08T08:00:00Z"],
    ];
    check(&schedule, year(2026), &expected);
    let first = schedule
        .expand(year(2026), &berlin(), &mut Budget::default())
        .expect("expands")[0];
    assert_eq!(first.original_start_us, at_us("2026-06-22T07:00:00Z"));
    assert_eq!(first.override_index, Some(1));
}

#[test]
fn a_window_holds_what_begins_in_it_or_what_it_shares_time_with() {
    let schedule = ruled("2020-01-01T22:00:00Z", "PT4H", "FREQ=DAILY");
    let window = Window {
        start_us: at_us("2026-06-02T00:00:00Z"),
        end_us: at_us("2026-06-02T22:00:00Z"),
    };
    assert_eq!(
        schedule.expand(window, &berlin(), &mut Budget::default()),
        Ok(vec![])
    );
    let overlapping = schedule
        .expand_overlapping(window, &berlin(), &mut Budget::default())
        .expect("expands");
    let starts: Vec<i64> = overlapping.iter().map(|found| found.start_us).collect();
    assert_eq!(starts, [at_us("2026-06-01T22:00:00Z")]);
    // What lasts no time at all is in the window that it begins with, and in no other.
    let reminder = ruled("2020-01-01T00:00:00Z", "PT0S", "FREQ=DAILY");
    let overlapping = reminder.expand_overlapping(window, &berlin(), &mut Budget::default());
    let starts: Vec<i64> = overlapping
        .expect("expands")
        .iter()
        .map(|found| found.start_us)
        .collect();
    assert_eq!(starts, [window.start_us]);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let check = |start: &str, lasts: &str, recurrence: Recurrence, expected: ScheduleError| {
        assert_eq!(
            Schedule::new(period(start, lasts), recurrence),
            Err(expected)
        );
    };
    let rule = |text| Rule::parse(text).expect("a rule");
    let plain = Recurrence::default;
    let mixed = ScheduleError::DaysAndTimes;
    check("2026-06-01", "PT1H", plain(), mixed.clone());
    check(
        "2026-06-01",
        "P1D",
        Recurrence {
            excluded: vec![moment("2026-06-01T09:00:00Z")],
            ..plain()
        },
        mixed.clone(),
    );
    check(
        "2026-06-01T09:00:00",
        "P1D",
        Recurrence {
            added: vec![(moment("2026-06-01"), None)],
            ..plain()
        },
        mixed,
    );
    let frequent = ScheduleError::TooFrequent(TooFrequent);
    check(
        "2026-06-01",
        "P1D",
        Recurrence {
            rules: vec![rule("FREQ=HOURLY")],
            ..plain()
        },
        frequent.clone(),
    );
    check(
        "2026-06-01T09:00:00",
        "P1D",
        Recurrence {
            rules: vec![rule("FREQ=MINUTELY")],
            ..plain()
        },
        frequent,
    );
    let rules = vec![rule("FREQ=DAILY"); RULES_MAX.saturating_add(1)];
    check(
        "2026-06-01",
        "P1D",
        Recurrence { rules, ..plain() },
        ScheduleError::TooManyDates,
    );
    let end = Period::until(moment("2026-06-01"), &moment("2026-05-31"));
    assert_eq!(end, Err(ScheduleError::EndBeforeStart));
    let end = Period::until(moment("2026-06-01"), &moment("2026-06-01T09:00:00"));
    assert_eq!(end, Err(ScheduleError::DaysAndTimes));
}

#[test]
fn an_expansion_has_its_limits() {
    let flood = ruled(
        "2026-01-01T00:00:00Z",
        "PT1S",
        "FREQ=HOURLY;BYMINUTE=0,15,30,45;BYSECOND=0,15,30,45",
    );
    assert_eq!(
        flood.expand(year(2026), &berlin(), &mut Budget::default()),
        Err(ScheduleError::TooManyOccurrences)
    );
    let never = ruled(
        "2026-01-01T00:00:00Z",
        "PT1S",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=1",
    );
    assert_eq!(
        never
            .expand(year(2026), &berlin(), &mut Budget::default())
            .map(|found| found.len()),
        Ok(1)
    );
    let long = ruled(
        "0001-01-01T00:00:00Z",
        "PT1S",
        "FREQ=HOURLY;COUNT=4000000000",
    );
    assert_eq!(
        long.expand(year(2026), &berlin(), &mut Budget::default()),
        Err(ScheduleError::CutShort)
    );
    let backwards = Window {
        start_us: 1,
        end_us: 0,
    };
    assert_eq!(
        long.expand(backwards, &berlin(), &mut Budget::default()),
        Err(ScheduleError::Window)
    );
    let everything = Window {
        start_us: i64::MIN,
        end_us: i64::MAX,
    };
    let last_days = ruled("9998-12-31T09:00:00", "PT1S", "FREQ=YEARLY");
    let found = last_days.expand(everything, &berlin(), &mut Budget::default());
    assert_eq!(found.map(|found| found.len()), Ok(1));
    let yearly = ruled("2026-01-01T00:00:00Z", "PT1S", "FREQ=YEARLY");
    assert_eq!(
        yearly
            .expand(everything, &berlin(), &mut Budget::default())
            .map(|found| found.len()),
        Ok(7974)
    );
}

#[test]
fn schedules_share_a_budget_and_say_when_it_is_used_up() {
    let hourly = ruled("2026-01-01T00:00:00Z", "PT1S", "FREQ=HOURLY");
    let mut budget = Budget::new(100_000);
    let found = hourly.expand(year(2026), &berlin(), &mut budget);
    assert_eq!(found.map(|found| found.len()), Ok(365 * 24));
    assert!((20_000..60_000).contains(&budget.left()), "{budget:?}");
    let refused = hourly.expand(year(2026), &berlin(), &mut budget);
    assert_eq!(
        (refused, budget.left()),
        (Err(ScheduleError::OverBudget), 0)
    );
    let numbers: Vec<String> = (1..=366).map(|number| number.to_string()).collect();
    let numbers = numbers.join(",");
    let costly =
        format!("FREQ=YEARLY;BYYEARDAY={numbers};BYSETPOS={numbers};BYMONTH=2;BYMONTHDAY=30");
    let costly = ruled("0001-01-01T00:00:00Z", "PT1S", &costly);
    let mut budget = Budget::new(100_000);
    let whole = Window {
        start_us: at_us("0001-01-01T00:00:00Z"),
        end_us: at_us("9000-01-01T00:00:00Z"),
    };
    let refused = costly.expand(whole, &berlin(), &mut budget);
    assert_eq!(refused, Err(ScheduleError::OverBudget));
    let mut budget = Budget::new(1_000);
    let lent = budget.lend(600, |part| part.spend(100));
    assert_eq!((lent, budget.left()), (Ok(()), 900));
    let lent = budget.lend(600, |part| part.spend(700));
    assert_eq!((lent, budget.left()), (Err(ScheduleError::OverBudget), 300));
}

#[test]
fn a_days_original_is_its_date_and_a_times_its_instant() {
    let name = |schedule: &Schedule, zone: &str| {
        let zone = TimeZone::get(zone).expect("a zone");
        let found = schedule.expand(year(2026), &zone, &mut Budget::default());
        let first = found.expect("expands")[0];
        schedule.original_text(first.original_start_us, &zone)
    };
    let day = ruled("2026-03-29", "P1D", "FREQ=YEARLY");
    let time = ruled("2026-03-29T09:00:00", "PT1H", "FREQ=YEARLY");
    for zone in ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati"] {
        assert_eq!(name(&day, zone), "2026-03-29");
        assert_eq!(name(&time, zone), "2026-03-29T07:00:00Z");
    }
}

#[test]
fn lengths_are_read_and_printed() {
    let check = |text: &str, days: u32, seconds: u64, printed: &str| {
        let read = Length::parse(text).expect("a length");
        assert_eq!((read.days(), read.seconds()), (days, seconds), "{text}");
        assert_eq!(read.to_string(), printed);
        assert_eq!(Length::parse(printed), Ok(read));
    };
    check("P7W", 49, 0, "P49D");
    check("P15DT5H0M20S", 15, 18_020, "P15DT18020S");
    check("+PT1H30M", 0, 5400, "PT5400S");
    check("p1d", 1, 0, "P1D");
    check("PT0S", 0, 0, "P0D");
    let texts = [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "-P1D",
        "P1H",
        "PT1D",
        "P1DT",
        "PT1S1M",
        "P1D1D",
        "P3661D",
        "PT99999999999999999999S",
        "P1.5D",
        "PÄ",
    ];
    for text in texts {
        assert_eq!(Length::parse(text), Err(ScheduleError::Length), "{text}");
    }
}
