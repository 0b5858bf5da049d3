//! Cases of `calendar`.

use serde_json::{Value, json};

use super::*;

fn content(changes: Value) -> EntryContent {
    let mut body = json!({
        "uid": "1", "kind": "shift", "title": "Night", "start": "2026-10-24T22:00:00[Europe/Vienna]", "length": "PT8H",
    });
    let object = body.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else {
        panic!("an object is expected");
    };
    object.extend(changes);
    serde_json::from_value(body).expect("an entry's shape")
}

#[test]
fn an_entry_is_stored_in_its_one_form_and_read_again() {
    let written = content(json!({
        "start": "2026-10-24T22:00:00[europe/vienna]", "length": "PT7H60M", "attendees": ["Ada"],
        "rules": ["COUNT=3;FREQ=DAILY"], "added": [{"start": "2026-10-30T08:00:00Z"}],
        "excluded": ["2026-10-25T22:00:00[Europe/Vienna]"],
        "overrides": [
            {"original": "2026-10-26T21:00:00Z"},
            {"original": "2026-10-24T20:00:00Z", "moved": {"start": "2026-10-24", "length": "P1D"}},
        ],
    }));
    let entry = written.read().expect("a good entry");
    let stored = StoredEntry::new(&entry, &mut Budget::default()).expect("it can be expanded");
    assert_eq!(stored.content.start, "2026-10-24T22:00:00[Europe/Vienna]");
    assert_eq!(stored.content.length, "PT28800S");
    assert_eq!(stored.content.rules, ["FREQ=DAILY;COUNT=3"]);
    assert_eq!(stored.content.is_opaque, Some(true));
    assert_eq!(stored.content.read(), Ok(entry));
    let body = serde_json::to_value(&stored).expect("JSON");
    assert_eq!(
        body["overrides"][0],
        json!({"original": "2026-10-26T21:00:00Z"})
    );
    let again: StoredEntry = serde_json::from_value(body).expect("the stored shape");
    assert_eq!(again, stored);
}

#[test]
fn a_late_window_of_a_rule_that_counts_costs_no_more_than_an_early_one() {
    let rules = json!({"rules": ["FREQ=HOURLY;COUNT=100000"]});
    let entry = content(rules).read().expect("a good entry");
    let stored = StoredEntry::new(&entry, &mut Budget::default()).expect("it can be expanded");
    let entry = stored.read().expect("the same entry");
    let steps = |text: &str| {
        let start_us = crate::time::from_rfc3339(text).expect("an instant");
        let window = Window {
            start_us,
            end_us: start_us + 86_400 * SECOND_US,
        };
        let mut budget = Budget::new(ENTRY_STEPS_MAX);
        let found = entry
            .schedule
            .expand(window, &jiff::tz::TimeZone::UTC, &mut budget);
        assert_eq!(found.expect("a day of it").len(), 24);
        ENTRY_STEPS_MAX - budget.left()
    };
    let (early, late) = (steps("2026-11-01T00:00:00Z"), steps("2038-01-01T00:00:00Z"));
    assert!(late <= early + 10, "{early} and {late} steps");
}

#[test]
fn an_entry_lies_within_what_is_stored_of_its_time() {
    let check = |changes: Value, expected: Option<&str>| {
        let entry = content(changes).read().expect("a good entry");
        let stored = StoredEntry::new(&entry, &mut Budget::default()).expect("it can be expanded");
        let day_s = 86_400;
        assert_eq!(stored.first_s, 1_792_872_000 - 2 * day_s);
        let last_s = expected.map(|text| {
            crate::time::from_rfc3339(text).expect("an instant") / SECOND_US + 3 * day_s + 28_801
        });
        assert_eq!(stored.last_s, last_s);
    };
    check(json!({}), Some("2026-10-24T20:00:00Z"));
    check(json!({"rules": ["FREQ=DAILY"]}), None);
    check(
        json!({"rules": ["FREQ=DAILY;COUNT=100000"]}),
        Some("2300-08-08T20:00:00Z"),
    );
    check(
        json!({"rules": ["FREQ=DAILY;COUNT=3"]}),
        Some("2026-10-26T21:00:00Z"),
    );
    let until = json!({"rules": ["FREQ=DAILY;UNTIL=20261101T000000Z"]});
    check(until, Some("2026-11-01T00:00:00Z"));
    let added =
        json!({"rules": ["FREQ=DAILY;COUNT=3"], "added": [{"start": "2027-01-01T00:00:00Z"}]});
    check(added, Some("2027-01-01T00:00:00Z"));
}

#[test]
fn a_rule_that_counts_too_many_is_not_kept() {
    for count in ["100001", "4000000000"] {
        let rule = format!("FREQ=DAILY;COUNT={count}");
        let entry = content(json!({"rules": [rule]}))
            .read()
            .expect("a good entry");
        let refused =
            StoredEntry::new(&entry, &mut Budget::default()).expect_err("it counts too many");
        assert_eq!(refused, ScheduleError::TooManyCounted);
    }
}

#[test]
fn every_fault_of_an_entry_is_told_with_its_place() {
    let check = |changes: Value, expected: &[(&str, &str)]| {
        let problems = content(changes).read().expect_err("faults");
        let found: Vec<(&str, &str)> = problems
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.code.as_str()))
            .collect();
        assert_eq!(found, expected);
    };
    check(
        json!({"uid": "", "title": "\u{7}\t", "start": "2026-10-24T22:00", "length": "-PT1H"}),
        &[
            ("/title", "control-character"),
            ("/uid", "empty"),
            ("/start", "not-a-moment"),
            ("/length", "not-a-length"),
        ],
    );
    check(
        json!({
            "attendees": ["Ada", "", " Bob"], "rules": ["FREQ=NEVER"], "added": [{"start": "x"}], "excluded": [""],
            "overrides": [{"original": "2026-10-24T20:00:00Z", "moved": {"start": "2026-10-24T20:00:00[Mars]", "length": "P"}}],
        }),
        &[
            ("/attendees/1", "empty"),
            ("/attendees/2", "not-one-line"),
            ("/rules/0", "not-a-rule"),
            ("/added/0/start", "not-a-moment"),
            ("/excluded/0", "not-a-moment"),
            ("/overrides/0/moved/start", "not-a-moment"),
            ("/overrides/0/moved/length", "not-a-length"),
        ],
    );
    check(
        json!({"kind": "task", "is_opaque": true}),
        &[("/is_opaque", "out-of-range")],
    );
    check(json!({"start": "2026-10-24"}), &[("", "days-and-times")]);
    check(json!({"rules": ["FREQ=MINUTELY"]}), &[("", "too-frequent")]);
    let many = vec!["Ada"; ATTENDEES_MAX + 1];
    check(json!({"attendees": many}), &[("/attendees", "too-many")]);
    let bad = vec!["?"; FAULTS_MAX + 1];
    let problems = content(json!({"excluded": bad}))
        .read()
        .expect_err("faults");
    assert_eq!(problems.len(), FAULTS_MAX);
}

#[test]
fn what_would_flood_every_listing_is_not_stored() {
    let flood = content(json!({"rules": ["FREQ=HOURLY;BYMINUTE=0,15,30,45;BYSECOND=0,15,30,45"]}));
    let entry = flood.read().expect("well formed");
    let refused = StoredEntry::new(&entry, &mut Budget::default()).expect_err("refused");
    assert_eq!(code(&refused), "too-many");
}

#[test]
fn kinds_are_written_by_their_names() {
    use EntryKind::{Event, Reminder, Shift, Task};
    for kind in [Event, Task, Reminder, Shift] {
        let written = serde_json::to_value(kind).expect("JSON");
        assert_eq!(written, kind.as_str());
    }
    let usual = [Event, Task, Reminder, Shift].map(EntryKind::is_usually_opaque);
    assert_eq!(usual, [true, false, false, true]);
}
