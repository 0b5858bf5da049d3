//! Calendars, their entries, and what both come to in a window of time.

use bursar_db::Verdict;
use bursar_domain::{
    calendar::{Calendar, EntryContent},
    schedule::Window,
    time,
};
use bursar_office::{
    Paging, Session,
    appointments::Whose,
    due::{DueOccurrence, DueSearch},
    slots::SlotsAsked,
};
use serde_json::{Value, json};

use super::organisation::{Organisation, code, faults};

pub fn calendar(zone: &str) -> Calendar {
    Calendar {
        name: "Night desk".to_owned(),
        department: "finance".to_owned(),
        zone: zone.to_owned(),
    }
}

pub fn entry(body: Value) -> EntryContent {
    serde_json::from_value(body).expect("an entry's shape")
}

/// Three nights over the end of daylight saving, for Ada; and a day off for nobody.
pub fn nights() -> EntryContent {
    entry(json!({
        "uid": "nights@example.org", "kind": "shift", "title": "Night shift", "attendees": ["Ada"],
        "start": "2026-10-23T22:00:00[Europe/Vienna]", "length": "PT8H", "rules": ["FREQ=DAILY;COUNT=3"],
    }))
}

fn at(text: &str) -> i64 {
    time::from_rfc3339(text).expect("an instant")
}

pub fn window(from: &str, to: &str) -> Window {
    Window {
        start_us: at(from),
        end_us: at(to),
    }
}

pub fn october() -> Window {
    window("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
}

pub fn whose(calendars: &[&str], person: Option<&str>) -> Whose {
    Whose {
        calendars: calendars.iter().map(|id| (*id).to_owned()).collect(),
        person: person.map(str::to_owned),
    }
}

fn shown(windows: &[Window]) -> Vec<[String; 2]> {
    let shown = |one: &Window| [time::rfc3339(one.start_us), time::rfc3339(one.end_us)];
    windows.iter().map(shown).collect()
}

async fn starts(session: &mut Session, calendars: &[&str], window: Window) -> Vec<String> {
    let calendars: Vec<String> = calendars.iter().map(|id| (*id).to_owned()).collect();
    let found = session.occurrences(&calendars, window).await;
    let found = found.expect("occurrences");
    found
        .iter()
        .map(|one| format!("{} {}", one.title, time::rfc3339(one.start_us)))
        .collect()
}

/// An office with a calendar "desk" in Vienna that holds the nights.
pub async fn desk() -> Organisation {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    session
        .put_calendar("desk", &calendar("Europe/Vienna"))
        .await
        .expect("a calendar");
    session
        .create_entry("desk", "nights", &nights())
        .await
        .expect("an entry");
    office.commit(session).await;
    office
}

#[tokio::test]
async fn a_calendar_has_a_name_a_department_and_a_zone() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let bad = Calendar {
        name: String::new(),
        department: "nobody".to_owned(),
        zone: "Mars/Base".to_owned(),
    };
    let found = faults(session.put_calendar("Desk", &bad).await);
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/id", "/name", "/zone", "/department"]);
    let absent = session.create_entry("desk", "1", &nights()).await;
    assert_eq!(code(absent), "not-found");
    let mut plugin = office.automation(&[]);
    let refused = plugin.put_calendar("desk", &calendar("UTC")).await;
    assert_eq!(code(refused), "administrator-only");
    let refused = plugin.occurrences(&["desk".to_owned()], october()).await;
    assert_eq!(code(refused), "not-granted");
}

#[tokio::test]
async fn entries_are_made_once_replaced_by_revision_and_removed() {
    let mut office = desk().await;
    let mut session = office.person();
    let again = session.create_entry("desk", "nights", &nights()).await;
    let first = again.expect("the first one again");
    assert!(session.draft().is_empty());
    assert_eq!(first.body.content.rules, ["FREQ=DAILY;COUNT=3"]);
    let taken = session.create_entry("desk", "other", &nights()).await;
    assert_eq!(code(taken), "not-unique");
    let nameless = EntryContent {
        uid: String::new(),
        ..nights()
    };
    let made = session.create_entry("desk", "nameless", &nameless).await;
    let made = made.expect("an entry");
    assert_eq!(made.body.content.uid, *made.id);

    let mut longer = nights();
    longer.length = "PT9H".to_owned();
    let stale = session.update_entry("desk", &first.id, Some("1"), &longer);
    assert_eq!(code(stale.await), "revision-changed");
    let renamed = EntryContent {
        uid: "other".to_owned(),
        ..longer.clone()
    };
    let renamed = session.update_entry("desk", &first.id, None, &renamed);
    assert_eq!(
        faults(renamed.await),
        [("/uid".to_owned(), "out-of-range".to_owned())]
    );
    let wrong = EntryContent {
        start: "soon".to_owned(),
        ..longer.clone()
    };
    let wrong = session.update_entry("desk", &first.id, None, &wrong);
    assert_eq!(
        faults(wrong.await),
        [("/start".to_owned(), "not-a-moment".to_owned())]
    );
    longer.uid.clear();
    let expected = Some(first.revision.as_str());
    let changed = session.update_entry("desk", &first.id, expected, &longer);
    let changed = changed.await.expect("changed");
    assert_eq!(changed.body.content.uid, "nights@example.org");
    assert_eq!(changed.body.content.length, "PT32400S");
    session
        .remove_entry("desk", &first.id, Some(&changed.revision))
        .await
        .expect("removed");
    assert_eq!(code(session.entry("desk", &first.id).await), "not-found");
    session
        .create_entry("desk", "again", &nights())
        .await
        .expect("its UID is free again");
    office.commit(session).await;
}

#[tokio::test]
async fn a_window_shows_wall_times_over_the_end_of_daylight_saving() {
    let mut office = desk().await;
    let mut session = office.person();
    let reminder = entry(json!({
        "kind": "reminder", "title": "Clocks", "start": "2026-10-25", "length": "P1D", "rules": ["FREQ=YEARLY"],
    }));
    session
        .create_entry("desk", "clocks", &reminder)
        .await
        .expect("an entry");
    office.commit(session).await;
    let mut session = office.person();
    let all = [
        "Night shift 2026-10-23T20:00:00Z",
        "Night shift 2026-10-24T20:00:00Z",
        "Clocks 2026-10-24T22:00:00Z",
        "Night shift 2026-10-25T21:00:00Z",
    ];
    assert_eq!(starts(&mut session, &["desk"], october()).await, all);
    let lasting = window("2026-10-24T03:59:59Z", "2026-10-24T04:00:00Z");
    assert_eq!(starts(&mut session, &["desk"], lasting).await, all[..1]);
    let over = window("2026-10-24T04:00:00Z", "2026-10-24T07:00:00Z");
    assert!(starts(&mut session, &["desk"], over).await.is_empty());

    let listed = |found: bursar_office::Listed<_>| -> Vec<String> {
        let title = |view: &bursar_office::View<bursar_domain::calendar::StoredEntry>| {
            view.body.content.title.clone()
        };
        found.items.iter().map(title).collect()
    };
    let paging = Paging::first();
    let everything = session.list_entries("desk", None, &paging).await;
    assert_eq!(listed(everything.expect("entries")).len(), 2);
    let later = window("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    let endless = session.list_entries("desk", Some(later), &paging).await;
    assert_eq!(listed(endless.expect("entries")), ["Clocks"]);
    let before = window("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let none = session.list_entries("desk", Some(before), &paging).await;
    assert!(listed(none.expect("entries")).is_empty());
    let backwards = window("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z");
    let refused = session.list_entries("desk", Some(backwards), &paging).await;
    let expected = [("/window".to_owned(), "out-of-range".to_owned())];
    assert_eq!(faults(refused), expected);
}

#[tokio::test]
async fn busy_time_is_merged_and_says_nothing_of_what_takes_it() {
    let mut office = desk().await;
    let mut session = office.person();
    session
        .put_calendar("hall", &calendar("Asia/Tokyo"))
        .await
        .expect("a calendar");
    for (key, body) in [
        (
            "a",
            json!({"kind": "event", "title": "Talk", "start": "2026-10-24T03:00:00Z", "length": "PT5H"}),
        ),
        (
            "b",
            json!({"kind": "event", "title": "Party", "start": "2026-10-31", "length": "P1D"}),
        ),
        (
            "c",
            json!({"kind": "event", "title": "Maybe", "start": "2026-10-10", "length": "P1D", "is_opaque": false}),
        ),
        (
            "d",
            json!({"kind": "task", "title": "Clean", "start": "2026-10-11", "length": "P1D"}),
        ),
    ] {
        let made = session.create_entry("hall", key, &entry(body)).await;
        made.expect("an entry");
    }
    let all = session
        .free_busy(&whose(&["desk", "hall"], None), october())
        .await;
    let expected = [
        ["2026-10-23T20:00:00Z", "2026-10-24T08:00:00Z"],
        ["2026-10-24T20:00:00Z", "2026-10-25T04:00:00Z"],
        ["2026-10-25T21:00:00Z", "2026-10-26T05:00:00Z"],
        ["2026-10-30T15:00:00Z", "2026-10-31T15:00:00Z"],
    ];
    assert_eq!(
        shown(&all.expect("busy time")),
        expected.map(|pair| pair.map(str::to_owned))
    );
    let hers = session
        .free_busy(&whose(&["desk", "hall"], Some("Ada")), october())
        .await;
    assert_eq!(hers.expect("busy time").len(), 3);
    let his = session
        .free_busy(&whose(&["desk", "hall"], Some("Bob")), october())
        .await;
    assert!(his.expect("busy time").is_empty());
}

#[tokio::test]
async fn questions_that_are_too_large_are_refused_by_name() {
    let mut office = desk().await;
    let mut session = office.person();
    let check = |found: Result<Vec<bursar_office::appointments::Appointment>, _>,
                 expected: (&str, &str)| {
        let found = faults(found);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(found, [expected]);
    };
    let desk = vec!["desk".to_owned()];
    let long = window("2026-01-01T00:00:00Z", "2027-03-01T00:00:00Z");
    check(
        session.occurrences(&desk, long).await,
        ("/window", "out-of-range"),
    );
    let backwards = window("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z");
    check(
        session.occurrences(&desk, backwards).await,
        ("/window", "out-of-range"),
    );
    check(
        session.occurrences(&[], october()).await,
        ("/calendars", "wrong-count"),
    );
    let crowd = vec!["desk".to_owned(); 51];
    check(
        session.occurrences(&crowd, october()).await,
        ("/calendars", "wrong-count"),
    );
    let twice = ["desk".to_owned(), "desk".to_owned()];
    check(
        session.occurrences(&twice, october()).await,
        ("/calendars/1", "duplicate"),
    );
    for key in ["one", "two"] {
        let hourly = entry(json!({
            "kind": "reminder", "title": "Look", "start": "2026-01-01T00:00:00Z", "length": "PT0S",
            "rules": ["FREQ=HOURLY"],
        }));
        let made = session.create_entry("desk", key, &hourly).await;
        made.expect("an entry");
    }
    let year = window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    check(
        session.occurrences(&desk, year).await,
        ("/window", "too-many"),
    );
    let other = session.occurrences(&["other".to_owned()], october()).await;
    assert_eq!(code(other), "not-found");
}

#[tokio::test]
async fn slots_are_found_where_everybody_is_free_and_at_work() {
    let mut office = desk().await;
    let mut session = office.person();
    let talk = entry(json!({
        "kind": "event", "title": "Talk", "start": "2026-10-26T10:00:00[Europe/Vienna]", "length": "PT1H",
        "attendees": ["Ada"],
    }));
    session
        .create_entry("desk", "talk", &talk)
        .await
        .expect("an entry");
    let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    let hours = |zone: &str, to: &str| {
        let shift = |day: &&str| json!({"weekday": day, "from": "09:00", "to": to});
        let shifts: Vec<Value> = weekdays.iter().map(shift).collect();
        json!({"zone": zone, "shifts": shifts, "business_calendar": "vienna"})
    };
    let mut asked = json!({
        "window": {"start_us": at("2026-10-24T00:00:00Z"), "end_us": at("2026-10-27T12:00:00Z")},
        "length": "PT30M", "buffer": "PT15M", "at_most": 3,
        "attendees": [
            {"busy": {"calendars": ["desk"], "person": "Ada"}, "hours": hours("Europe/Vienna", "17:00")},
            {"busy": {"calendars": ["desk"], "person": "Bob"}, "hours": hours("Europe/London", "12:00")},
        ],
    });
    let search =
        |asked: &Value| -> SlotsAsked { serde_json::from_value(asked.clone()).expect("a search") };
    let found = session.find_slots(&search(&asked)).await.expect("slots");
    // London opens at ten in Vienna; Ada's talk ends at eleven there, and wants a quarter of an hour.
    let expected = [
        ["2026-10-26T10:15:00Z", "2026-10-26T10:45:00Z"],
        ["2026-10-26T10:45:00Z", "2026-10-26T11:15:00Z"],
        ["2026-10-26T11:15:00Z", "2026-10-26T11:45:00Z"],
    ];
    assert_eq!(shown(&found), expected.map(|pair| pair.map(str::to_owned)));
    asked["at_most"] = json!(0);
    assert_eq!(code(session.find_slots(&search(&asked)).await), "too-many");
    asked["at_most"] = json!(1);
    asked["length"] = json!("PT0S");
    assert_eq!(
        code(session.find_slots(&search(&asked)).await),
        "out-of-range"
    );
    asked["attendees"][1]["hours"]["shifts"][0]["to"] = json!("9:00");
    let found = faults(session.find_slots(&search(&asked)).await);
    assert_eq!(found[0].0, "/attendees/1/hours/shifts/0/to");
    assert_eq!(found[0].1, "not-a-time");
    // Counts are looked at before shifts are read.
    let shift = asked["attendees"][1]["hours"]["shifts"][0].clone();
    asked["attendees"][1]["hours"]["shifts"] = Value::from(vec![shift; 51]);
    assert_eq!(code(session.find_slots(&search(&asked)).await), "too-many");
}

#[tokio::test]
async fn a_buffer_may_reach_beyond_the_longest_window() {
    let mut office = desk().await;
    let mut session = office.person();
    let asked = |to: &str, buffer: &str| -> SlotsAsked {
        serde_json::from_value(json!({
            "window": window("2026-10-24T04:00:00Z", to), "length": "PT30M", "buffer": buffer, "at_most": 1,
            "attendees": [{"busy": {"calendars": ["desk"]}}],
        }))
        .expect("a search")
    };
    let longest = "2027-11-28T04:00:00Z";
    let found = session.find_slots(&asked(longest, "PT15M")).await;
    // A night shift ends as the window begins, and wants a quarter of an hour.
    let expected = ["2026-10-24T04:15:00Z", "2026-10-24T04:45:00Z"].map(str::to_owned);
    assert_eq!(shown(&found.expect("slots")), [expected]);
    for (to, buffer, pointer) in [
        ("2027-11-28T04:00:01Z", "PT15M", "/window"),
        (longest, "P401D", "/buffer"),
    ] {
        let refused = session.find_slots(&asked(to, buffer)).await;
        let expected = [(pointer.to_owned(), "out-of-range".to_owned())];
        assert_eq!(faults(refused), expected);
    }
}

#[tokio::test]
async fn who_looked_at_a_window_is_stale_once_something_happens_in_it() {
    let mut office = desk().await;
    let mut outcomes = Vec::new();
    for (key, start) in [
        ("in", "2026-10-20T09:00:00Z"),
        ("out", "2027-10-20T09:00:00Z"),
    ] {
        let mut reader = office.person();
        starts(&mut reader, &["desk"], october()).await;
        let department = bursar_domain::office::Department {
            name: key.to_owned(),
            ..bursar_domain::office::Department::default()
        };
        let put = reader.put_department(key, &department).await;
        put.expect("a department");
        let mut other = office.person();
        let body = json!({"kind": "event", "title": key, "start": start, "length": "PT1H"});
        let made = other.create_entry("desk", key, &entry(body)).await;
        made.expect("an entry");
        office.commit(other).await;
        outcomes.push(matches!(office.propose(reader).await, Verdict::Stale(_)));
    }
    assert_eq!(outcomes, [true, false]);
}

#[tokio::test]
async fn what_a_question_costs_is_counted_over_all_of_its_entries() {
    let mut office = desk().await;
    let mut session = office.person();
    let crowd = ["desk", "hall", "yard"];
    for (key, of) in (0..80).flat_map(|key| crowd.map(|of| (key, of))) {
        if key == 0 {
            let put = session.put_calendar(of, &calendar("Europe/Vienna")).await;
            put.expect("a calendar");
        }
        let hourly = entry(json!({
            "kind": "event", "title": "Look", "start": "2026-01-01T00:00:00Z", "length": "PT30M",
            "rules": ["FREQ=HOURLY"],
        }));
        let key = format!("{of}-{key}");
        let made = session.create_entry(of, &key, &hourly);
        made.await.expect("an entry");
    }
    let week = window("2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z");
    let busy = session.free_busy(&whose(&["desk"], None), week).await;
    assert_eq!(busy.expect("within the budget").len(), 7 * 24);
    let year = window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let refused = session.free_busy(&whose(&crowd, None), year).await;
    let found = faults(refused);
    assert_eq!(found, [("/window".to_owned(), "too-costly".to_owned())]);
    let attendee = json!({"busy": {"calendars": ["desk"]}});
    let asked: SlotsAsked = serde_json::from_value(json!({
        "window": year, "length": "PT30M", "at_most": 1, "attendees": vec![attendee; 4],
    }))
    .expect("a search");
    assert_eq!(code(session.find_slots(&asked).await), "too-costly");
}

#[tokio::test]
async fn an_entry_that_takes_too_long_to_work_out_is_refused() {
    let mut office = desk().await;
    let mut session = office.person();
    let rules = vec!["FREQ=HOURLY;BYMINUTE=0,20,40"; 8];
    let costly = entry(json!({
        "kind": "event", "title": "Costly", "start": "2026-01-01T00:00:00Z", "length": "PT0S", "rules": rules,
    }));
    let refused = session.create_entry("desk", "costly", &costly).await;
    assert_eq!(code(refused), "too-costly");
}

/// What is due in a window.
async fn dues(session: &mut Session, within: Window) -> Vec<DueOccurrence> {
    let mut search = DueSearch::new("desk", within);
    let mut found = Vec::new();
    while let Some(page) = session.next_due(&mut search).await.expect("a page") {
        assert!(page.left_out.is_empty());
        found.extend(page.found);
    }
    found.sort_by_key(|due| due.start_us);
    found
}

#[tokio::test]
async fn what_was_there_in_time_was_missed_whatever_was_written_later() {
    let mut office = desk().await;
    let mut session = office.person();
    let body = |title: &str, rule: &str| {
        entry(json!({
            "uid": "round", "kind": "event", "title": title, "start": "2026-10-20T09:00:00Z", "length": "PT0S",
            "rules": [rule],
        }))
    };
    let weekly = body("Round", "FREQ=WEEKLY");
    let made = session.create_entry("desk", "round", &weekly).await;
    let id = made.expect("an entry").id;
    office.commit(session).await;
    let in_time_us = office.database.now_us().await.expect("a clock");
    for content in [
        body("Renamed", "FREQ=WEEKLY"),
        body("Renamed", "FREQ=DAILY"),
    ] {
        let mut session = office.person();
        let updated = session.update_entry("desk", &id, None, &content).await;
        updated.expect("an entry");
        office.commit(session).await;
        let mut session = office.person();
        let mut search = DueSearch::new("desk", october());
        let found: Vec<DueOccurrence> = dues(&mut session, october()).await;
        let found = found.into_iter().filter(|due| due.uid == "round");
        let found: Vec<DueOccurrence> = found.collect();
        assert!(found.iter().all(|due| due.written_us > in_time_us));
        let there = session.there_by(&mut search, found.clone(), |_| in_time_us);
        let starts: Vec<String> = there
            .await
            .expect("an answer")
            .iter()
            .map(|due| due.original.clone())
            .collect();
        assert_eq!(starts, ["2026-10-20T09:00:00Z", "2026-10-27T09:00:00Z"]);
        let none = session.there_by(&mut search, found, |_| in_time_us - 3_600_000_000);
        assert!(none.await.expect("an answer").is_empty());
    }
}
