//! Calendars in and out as files.

use bursar_domain::time;
use serde_json::json;

use super::{
    calendars::{calendar, entry, nights, window},
    organisation::{Organisation, code},
};

const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
    BEGIN:VEVENT\r\nUID:talk\r\nDTSTART;TZID=W. Europe Standard Time:20261024T100000\r\nDURATION:PT1H\r\n\
    RRULE:FREQ=WEEKLY;COUNT=2\r\nSUMMARY:Talk\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:bad\r\nDTSTART:soon\r\nEND:VEVENT\r\n\
    BEGIN:VTODO\r\nUID:loose\r\nSUMMARY:Some day\r\nEND:VTODO\r\n\
    BEGIN:VEVENT\r\nUID:flood\r\nDTSTART:20260101T000000Z\r\n\
    RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45;BYSECOND=0,15,30,45\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:twice\r\nRECURRENCE-ID:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:twice\r\nRECURRENCE-ID:20260102T000000Z\r\nDTSTART:20260102T000000Z\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

async fn two_calendars() -> Organisation {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    for id in ["desk", "copy"] {
        let made = session.put_calendar(id, &calendar("Europe/Vienna")).await;
        made.expect("a calendar");
    }
    office.commit(session).await;
    office
}

#[tokio::test]
async fn a_file_is_taken_in_by_uid_and_tells_what_it_left_out() {
    let mut office = two_calendars().await;
    let mut session = office.person();
    let report = session
        .import_calendar("desk", FILE)
        .await
        .expect("taken in");
    let counts = (report.created, report.updated, report.unchanged);
    assert_eq!(counts, (2, 0, 0));
    let refused: Vec<(&str, Option<usize>, &str)> = report
        .refused
        .iter()
        .map(|one| (one.uid.as_str(), one.line, one.problem.code.as_str()))
        .collect();
    let expected = [
        ("bad", Some(12), "not-a-calendar"),
        ("flood", None, "too-many"),
        ("twice", None, "duplicate"),
    ];
    assert_eq!(refused, expected);
    let told: Vec<&str> = report
        .deviations
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    let expected = [
        "the zone \"W. Europe Standard Time\" is taken to be Europe/Berlin",
        "a task without a time is left out",
    ];
    assert_eq!(told, expected);
    assert_eq!((report.refused_count, report.deviation_count), (3, 2));
    office.commit(session).await;

    let mut session = office.person();
    let again = session
        .import_calendar("desk", FILE)
        .await
        .expect("taken in");
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 2));
    assert!(session.draft().changes().is_empty());
    let moved = FILE.replace("T100000", "T110000");
    let changed = session.import_calendar("desk", &moved).await;
    let changed = changed.expect("taken in");
    assert_eq!(
        (changed.created, changed.updated, changed.unchanged),
        (0, 1, 1)
    );
    let elsewhere = session.import_calendar("copy", FILE).await;
    assert_eq!(elsewhere.expect("taken in").created, 2);
    office.commit(session).await;
}

#[tokio::test]
async fn what_is_no_calendar_is_refused_whole() {
    let mut office = two_calendars().await;
    let mut session = office.person();
    let refused = session.import_calendar("desk", "<html>").await;
    assert_eq!(code(refused), "not-a-calendar");
    let one =
        |number: u32| format!("BEGIN:VEVENT\nUID:{number}\nDTSTART:20260101T000000Z\nEND:VEVENT\n");
    let many: String = (0..=2_000).map(one).collect();
    let many = format!("BEGIN:VCALENDAR\n{many}END:VCALENDAR\n");
    assert_eq!(
        code(session.import_calendar("desk", &many).await),
        "too-many"
    );
    assert_eq!(
        code(session.import_calendar("other", FILE).await),
        "not-found"
    );
    assert_eq!(code(session.export_calendar("other").await), "not-found");
}

#[tokio::test]
async fn sch_8_a_calendar_that_is_exported_and_imported_elsewhere_happens_at_the_same_times() {
    let mut office = two_calendars().await;
    let mut session = office.person();
    let bodies = [
        json!({
            "uid": "clocks", "kind": "reminder", "title": "Clocks; \"change\"", "notes": "At night,\ntwice",
            "start": "2026-10-25", "length": "P1D", "rules": ["FREQ=YEARLY"],
        }),
        json!({
            "uid": "round", "kind": "event", "title": "Round", "start": "2026-10-19T09:00:00[America/New_York]",
            "length": "PT45M", "attendees": ["Ada \"Countess\" Lovelace", "Bob"], "is_opaque": false,
            "rules": ["FREQ=WEEKLY;UNTIL=20261130T000000Z"], "excluded": ["2026-10-26T13:00:00Z"],
            "added": [{"start": "2026-10-28T12:00:00Z", "length": "PT2H"}],
            "overrides": [{
                "original": "2026-11-02T09:00:00[America/New_York]",
                "moved": {"start": "2026-11-03T09:00:00[Asia/Tokyo]", "length": "PT15M"},
            }],
        }),
        json!({"uid": "pay", "kind": "task", "title": "Pay", "start": "2026-10-30T12:00:00Z", "length": "PT0S"}),
    ];
    let entries = bodies.into_iter().map(entry).chain([nights()]);
    for content in entries {
        let made = session.create_entry("desk", &content.uid, &content).await;
        made.expect("an entry");
    }
    office.commit(session).await;
    let mut session = office.person();
    let file = session.export_calendar("desk").await.expect("a file");
    let report = session.import_calendar("copy", &file).await;
    let report = report.expect("taken in");
    assert_eq!((report.created, report.refused_count), (4, 0));
    office.commit(session).await;
    let mut session = office.person();
    let year = window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let mut shown = Vec::new();
    for id in ["desk", "copy"] {
        let found = session.occurrences(&[id.to_owned()], year).await;
        let mut found = found.expect("occurrences");
        for one in &mut found {
            one.calendar.clear();
            one.entry.clear();
        }
        found.sort_by(|a, b| (a.start_us, &a.uid).cmp(&(b.start_us, &b.uid)));
        shown.push(found);
    }
    assert_eq!(shown[0].len(), 3 + 1 + 1 + 6);
    assert_eq!(shown[0], shown[1]);
    let moved = shown[0]
        .iter()
        .find(|one| one.start_us != one.original_start_us);
    let original = moved.map(|one| time::rfc3339(one.original_start_us));
    assert_eq!(original.as_deref(), Some("2026-11-02T14:00:00Z"));
    let again = session.export_calendar("copy").await.expect("a file");
    let lines = |file: &str| {
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&again), lines(&file), "only the order is another");
}
