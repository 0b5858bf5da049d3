//! Cases of `icalendar`.

use super::*;
use crate::schedule::{Budget, Occurrence, Window};
use crate::time;

fn berlin() -> TimeZone {
    time::zone("Europe/Berlin").expect("known")
}

fn calendar(lines: &[&str]) -> String {
    format!(
        "BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n",
        lines.join("\r\n")
    )
}

fn event(lines: &[&str]) -> String {
    let lines = [&["BEGIN:VEVENT", "UID:one"], lines, &["END:VEVENT"]].concat();
    calendar(&lines)
}

fn only(text: &str) -> Entry {
    let mut entries = read(text, &berlin()).expect("a calendar");
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn starts(entry: &Entry) -> Vec<String> {
    let window = Window {
        start_us: 0,
        end_us: time::from_rfc3339("2027-01-01T00:00:00Z").expect("an instant"),
    };
    let found: Vec<Occurrence> = entry
        .schedule
        .expand(window, &berlin(), &mut Budget::default())
        .expect("expands");
    found
        .iter()
        .map(|one| time::rfc3339(one.start_us))
        .collect()
}

const WEEKLY: &[&str] = &[
    "VERSION:2.0",
    "BEGIN:VTIMEZONE",
    "TZID:Made up",
    "X-LIC-LOCATION:America/New_York",
    "BEGIN:STANDARD",
    "DTSTART:20071104T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
    "END:STANDARD",
    "END:VTIMEZONE",
    "begin:vevent",
    "uid:weekly@example.org",
    "SUMMARY;LANGUAGE=en:Stand-up\\, with",
    "  coffee\\; and \\\\ cake\\n",
    "DTSTART;TZID=\"Made up\":20261005T090000",
    "DTEND;TZID=Made up:20261005T093000",
    "RRULE:FREQ=WEEKLY;COUNT=5",
    "EXDATE;TZID=Made up:20261012T090000,20261019T090000",
    "RDATE;VALUE=PERIOD;TZID=Made up:20261006T090000/PT1H,20261007T090000/20261007T093000",
    "BEGIN:VALARM",
    "DESCRIPTION:of the alarm",
    "DURATION:PT5M",
    "END:VALARM",
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:weekly@example.org",
    "RECURRENCE-ID;TZID=Made up:20261026T090000",
    "DTSTART;TZID=Made up:20261027T110000",
    "DURATION:PT15M",
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:weekly@example.org",
    "RECURRENCE-ID:20261102T140000Z",
    "STATUS:CANCELLED",
    "END:VEVENT",
];

#[test]
fn a_series_is_read_with_its_overrides() {
    let entry = only(&calendar(WEEKLY));
    assert_eq!(entry.title, "Stand-up, with coffee; and \\ cake\n");
    assert!(entry.is_opaque);
    let expected = [
        "2026-10-05T13:00:00Z",
        "2026-10-06T13:00:00Z",
        "2026-10-07T13:00:00Z",
        "2026-10-27T15:00:00Z",
    ];
    assert_eq!(starts(&entry), expected);
}

#[test]
fn what_is_printed_reads_back_and_is_folded() {
    let mut entry = only(&calendar(WEEKLY));
    entry.title = "Später, länger: ".repeat(20);
    let printed = print(std::slice::from_ref(&entry), 0);
    assert!(
        printed
            .split("\r\n")
            .all(|line| line.len() <= 75 && !line.contains('\n'))
    );
    assert!(
        printed
            .contains("\r\nDTSTART;TZID=America/New_York:20261005T090000\r\nDURATION:PT1800S\r\n")
    );
    assert_eq!(read(&printed, &berlin()), Ok(vec![entry]));
}

#[test]
fn days_floating_times_and_tasks_have_their_lengths() {
    let day = only(&event(&["DTSTART;VALUE=DATE:20260501"]));
    assert_eq!(day.schedule.period().length.to_string(), "P1D");
    let days = only(&event(&[
        "DTSTART;VALUE=DATE:20260501",
        "DTEND;VALUE=DATE:20260504",
    ]));
    assert_eq!(days.schedule.period().length.to_string(), "P3D");
    let floating = only(&event(&["DTSTART:20260501T090000", "TRANSP:TRANSPARENT"]));
    assert_eq!(starts(&floating), ["2026-05-01T07:00:00Z"]);
    assert!(!floating.is_opaque);
    let task = only(&calendar(&[
        "BEGIN:VTODO",
        "UID:1",
        "DUE:20260501T090000Z",
        "END:VTODO",
    ]));
    assert_eq!((task.kind, task.is_opaque), (Kind::Task, false));
    assert_eq!(starts(&task), ["2026-05-01T09:00:00Z"]);
    let timeless = calendar(&["BEGIN:VTODO", "UID:1", "END:VTODO"]);
    assert_eq!(read(&timeless, &berlin()), Ok(vec![]));
    let cancelled = event(&["DTSTART:20260501T090000", "STATUS:cancelled"]);
    assert_eq!(read(&cancelled, &berlin()), Ok(vec![]));
    let alone = only(&event(&[
        "RECURRENCE-ID:20260501T090000",
        "DTSTART:20260502T090000",
    ]));
    assert_eq!(starts(&alone), ["2026-05-02T07:00:00Z"]);
}

#[test]
fn zones_are_found_by_iana_name_prefix_or_alias() {
    let check = |id: &str, expected: Option<&str>| {
        let read = read(
            &event(&[&format!("DTSTART;TZID={id}:20260501T090000")]),
            &berlin(),
        );
        let found = read.map(|entries| match &entries[0].schedule.period().start {
            crate::schedule::Moment::Local { zone, .. } => zone.iana_name().map(str::to_owned),
            _ => None,
        });
        let unknown = CalendarError {
            line: 4,
            fault: CalendarFault::UnknownZone(id.to_owned()),
        };
        assert_eq!(
            found,
            expected.map(|name| Some(name.to_owned())).ok_or(unknown)
        );
    };
    check("Asia/Tokyo", Some("Asia/Tokyo"));
    check("/example.org/2026a/Asia/Tokyo", Some("Asia/Tokyo"));
    check("tokyo standard time", Some("Asia/Tokyo"));
    check("Customized Time Zone", None);
}

#[test]
fn what_is_no_calendar_is_refused_with_its_line() {
    let check = |text: &str, line: usize, fault: CalendarFault| {
        assert_eq!(
            read(text, &berlin()),
            Err(CalendarError { line, fault }),
            "{text:.80}"
        );
    };
    check("", 1, CalendarFault::Unbalanced);
    check("BEGIN:VEVENT\nEND:VEVENT", 1, CalendarFault::Unbalanced);
    check("BEGIN:VCALENDAR\nVERSION:2.0", 2, CalendarFault::Unbalanced);
    check(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
        3,
        CalendarFault::Unbalanced,
    );
    check("<html>", 1, CalendarFault::NotALine);
    check("BEGIN:VCALENDAR\n\nX;=1:2", 3, CalendarFault::NotALine);
    check("BEGIN:VCALENDAR\nX;Y=\":2", 2, CalendarFault::NotALine);
    check(
        &calendar(&["BEGIN:VEVENT", "END:VEVENT"]),
        2,
        CalendarFault::Missing("UID"),
    );
    check(&event(&[]), 2, CalendarFault::Missing("DTSTART"));
    check(&event(&["DTSTART:20260230"]), 4, CalendarFault::NotAMoment);
    check(
        &event(&["DTSTART:20260501", "EXRULE:FREQ=DAILY"]),
        5,
        CalendarFault::Unsupported("EXRULE"),
    );
    let reversed = event(&["DTSTART:20260502", "DTEND:20260501"]);
    check(
        &reversed,
        5,
        CalendarFault::Schedule(ScheduleError::EndBeforeStart),
    );
    let long = event(&["DTSTART:20260502", "DURATION:P9999W"]);
    check(&long, 5, CalendarFault::Schedule(ScheduleError::Length));
    let rule = read(&event(&["DTSTART:20260502", "RRULE:FREQ=NEVER"]), &berlin());
    assert_eq!(
        rule.expect_err("refused").to_string(),
        "invalid RRULE: unknown frequency at byte 5 on line 5"
    );
    let deep = "BEGIN:VCALENDAR\n".repeat(DEPTH_MAX.saturating_add(1));
    check(&deep, DEPTH_MAX.saturating_add(1), CalendarFault::TooLarge);
    check(
        &format!("X:{}", "y".repeat(LINE_BYTES_MAX)),
        1,
        CalendarFault::TooLarge,
    );
    check(
        &"x".repeat(CALENDAR_BYTES_MAX.saturating_add(1)),
        1,
        CalendarFault::TooLarge,
    );
    let crowd = "BEGIN:VALARM\nEND:VALARM\n".repeat(COMPONENTS_MAX);
    check(
        &format!("BEGIN:VCALENDAR\n{crowd}END:VCALENDAR"),
        COMPONENTS_MAX.saturating_mul(2),
        CalendarFault::TooLarge,
    );
    let lines = "X:\n".repeat(LINES_MAX.saturating_add(1));
    check(&lines, LINES_MAX.saturating_add(1), CalendarFault::TooLarge);
}

#[test]
fn what_is_wrong_with_one_series_leaves_the_others() {
    let text = calendar(&[
        "BEGIN:VEVENT",
        "UID:good",
        "DTSTART;TZID=tokyo standard time:20260501T090000",
        "SUMMARY:as planned",
        "ATTENDEE;CN=\"Ada ^'Countess^' Lovelace\":mailto:ada@example.org",
        "ATTENDEE:MAILTO:bob@example.org",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:good",
        "RECURRENCE-ID:20260501T000000Z",
        "DTSTART:20260502T000000Z",
        "SUMMARY:moved",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:bad",
        "DTSTART:never",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART:20260501T090000Z",
        "END:VEVENT",
        "BEGIN:VTODO",
        "UID:timeless",
        "END:VTODO",
        "BEGIN:VEVENT",
        "UID:cancelled",
        "STATUS:CANCELLED",
        "END:VEVENT",
    ]);
    let reading = read_each(&text, &berlin()).expect("a calendar");
    let people: Vec<&[String]> = reading.entries.iter().map(|one| &*one.attendees).collect();
    assert_eq!(people, [["Ada \"Countess\" Lovelace", "bob@example.org"]]);
    let refused: Vec<(&str, usize)> = reading
        .refused
        .iter()
        .map(|refused| (refused.uid.as_str(), refused.error.line))
        .collect();
    assert_eq!(refused, [("", 19), ("bad", 17)]);
    let told: Vec<(usize, &str, String)> = reading
        .deviations
        .iter()
        .map(|one| (one.line, one.uid.as_str(), one.what.to_string()))
        .collect();
    let expected = [
        (
            4,
            "",
            "the zone \"tokyo standard time\" is taken to be Asia/Tokyo",
        ),
        (
            9,
            "good",
            "an occurrence's own title and notes are left out",
        ),
        (22, "timeless", "a task without a time is left out"),
        (25, "cancelled", "a cancelled entry is left out"),
    ];
    assert_eq!(
        told,
        expected.map(|(line, uid, text)| (line, uid, text.to_owned()))
    );
}

#[test]
fn of_revisions_of_a_series_the_highest_holds() {
    let revision = |sequence: &str, title: &str| {
        let lines = [
            "BEGIN:VEVENT",
            "UID:one",
            "DTSTART:20260501T090000Z",
            sequence,
            title,
            "END:VEVENT",
        ];
        lines.join("\r\n")
    };
    let text = calendar(&[
        &revision("SEQUENCE:2", "SUMMARY:second"),
        &revision("SEQUENCE:10", "SUMMARY:tenth"),
        &revision("SEQUENCE:what", "SUMMARY:none"),
    ]);
    let reading = read_each(&text, &berlin()).expect("a calendar");
    let titles: Vec<&str> = reading.entries.iter().map(|one| &*one.title).collect();
    assert_eq!(titles, ["tenth"]);
    let left_out: Vec<(usize, &Odd)> = reading
        .deviations
        .iter()
        .map(|one| (one.line, &one.what))
        .collect();
    assert_eq!(left_out, [(2, &Odd::Superseded), (14, &Odd::Superseded)]);
}

/// Every revision of a series with every override of it, and every name of a zone with every line: none is multiplied.
#[test]
fn a_hostile_calendar_costs_no_more_than_its_size() {
    const EACH: usize = 9_000;
    let mut lines = Vec::new();
    for number in 0..EACH {
        let zone = "/x".repeat(100);
        lines.push(format!(
            "BEGIN:VEVENT\nUID:one\nDTSTART;TZID=\"{zone}/{number}/Europe/Vienna\":20260101T000000\nEND:VEVENT"
        ));
        let minute = number.checked_rem(60).expect("not by zero");
        let hour = number.checked_div(60).expect("not by zero");
        let day = hour.div_euclid(24).saturating_add(1);
        let (month, day) = (
            day.div_euclid(28).saturating_add(1),
            day.rem_euclid(28).saturating_add(1),
        );
        let hour = hour.rem_euclid(24);
        lines.push(format!(
            "BEGIN:VEVENT\nUID:one\nRECURRENCE-ID:2026{month:02}{day:02}T{hour:02}{minute:02}00Z\nSTATUS:CANCELLED\nEND:VEVENT"
        ));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let reading = read_each(&calendar(&lines), &berlin()).expect("a calendar");
    let overrides: Vec<usize> = reading
        .entries
        .iter()
        .map(|entry| entry.schedule.recurrence().overrides.len())
        .collect();
    assert_eq!(overrides, [EACH], "one entry, each override once");
    let superseded = reading
        .deviations
        .iter()
        .filter(|one| one.what == Odd::Superseded);
    assert_eq!(superseded.count(), EACH.saturating_sub(1));
    assert!(reading.refused.is_empty());
    let hostile = "Europe/".repeat(30);
    assert_eq!(zones::candidates(&hostile).count(), 3);
    assert_eq!(zones::candidates(&"/".repeat(LINE_BYTES_MAX)).count(), 2);
    let found: Vec<&str> = zones::candidates("/a/b/c/d").collect();
    assert_eq!(found, ["/a/b/c/d", "b/c/d", "c/d", "d"]);
}
