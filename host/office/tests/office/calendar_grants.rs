//! What an automation may do with calendars, and what it depends on then.

use bursar_db::Verdict;
use bursar_domain::{calendar::EntryContent, manifest::Permission};
use bursar_office::{Error, Paging, Session, slots::SlotsAsked};
use serde_json::{Value, json};

use crate::{
    calendars::{calendar, desk, entry, october, whose, window},
    organisation::{code, faults, grant},
};

fn granted(calendar: &str, operations: &[&str]) -> Permission {
    grant(json!({"kind": "calendars", "calendar": calendar, "operations": operations}))
}

fn talk(title: &str, start: &str) -> EntryContent {
    entry(json!({"kind": "event", "title": title, "start": start, "length": "PT1H"}))
}

fn slots(calendar: &str) -> SlotsAsked {
    let asked: Value = json!({
        "window": october(), "length": "PT1H", "at_most": 1,
        "attendees": [{"busy": {"calendars": ["desk"]}}, {"busy": {"calendars": [calendar]}}],
    });
    serde_json::from_value(asked).expect("a search")
}

/// What each question and each change about a calendar is answered with.
async fn answers(session: &mut Session, calendar: &str, id: &str) -> Vec<Option<Error>> {
    let both = ["desk".to_owned(), calendar.to_owned()];
    let paging = Paging::first();
    let content = talk("Talk", "2026-10-20T09:00:00Z");
    vec![
        session.entry(calendar, id).await.err(),
        session.list_entries(calendar, None, &paging).await.err(),
        session.occurrences(&both, october()).await.err(),
        session
            .free_busy(&whose(&["desk", calendar], None), october())
            .await
            .err(),
        session.find_slots(&slots(calendar)).await.err(),
        session.create_entry(calendar, "k", &content).await.err(),
        session
            .update_entry(calendar, id, None, &content)
            .await
            .err(),
        session.remove_entry(calendar, id, None).await.err(),
    ]
}

#[tokio::test]
async fn who_has_no_grant_is_denied_whether_the_calendar_is_there_or_not() {
    let mut office = desk().await;
    let mut session = office.person();
    let put = session.put_calendar("hall", &calendar("UTC")).await;
    put.expect("a calendar");
    let content = talk("Secret", "2026-10-20T09:00:00Z");
    let made = session.create_entry("hall", "secret", &content).await;
    let id = made.expect("an entry").id;
    office.commit(session).await;
    let mut plugin = office.automation(&[granted("desk", &["read"])]);
    let words = |found: Vec<Option<Error>>, calendar: &str| -> Vec<String> {
        let word = |error: Option<Error>| match error {
            Some(Error::Denied(problem)) => problem.message.replace(calendar, "IT"),
            other => panic!("{calendar} is answered: {other:?}"),
        };
        found.into_iter().map(word).collect()
    };
    let there = words(answers(&mut plugin, "hall", &id).await, "hall");
    let absent = words(answers(&mut plugin, "nowhere", &id).await, "nowhere");
    assert_eq!(there, absent);
    let operations = [
        "read", "read", "read", "read", "read", "create", "update", "delete",
    ];
    let expected = operations.map(|one| format!("not granted: {one} on calendar \"IT\""));
    assert_eq!(there, expected);
    let draft = plugin.draft();
    assert!(
        draft.is_empty() && draft.rows_read_count() == 0,
        "{draft:?}"
    );
}

#[tokio::test]
async fn each_change_needs_its_own_permission() {
    let mut office = desk().await;
    let content = talk("Talk", "2026-10-20T09:00:00Z");
    let mut session = office.person();
    let made = session.create_entry("desk", "old", &content).await;
    let old = made.expect("an entry");
    office.commit(session).await;
    let refused = |found: Vec<Option<Error>>| -> Vec<bool> {
        let is_denied = |error: &Option<Error>| matches!(error, Some(Error::Denied(_)));
        found.iter().map(is_denied).collect()
    };
    for (operation, allowed) in [("create", 5), ("update", 6), ("delete", 7)] {
        let mut plugin = office.automation(&[granted("desk", &[operation])]);
        let found = refused(answers(&mut plugin, "desk", &old.id).await);
        let expected: Vec<bool> = (0..8).map(|place| place != allowed).collect();
        assert_eq!(found, expected, "{operation}");
    }
    let mut plugin = office.automation(&[granted("desk", &["create"])]);
    let made = plugin.create_entry("desk", "new", &content).await;
    let made = made.expect("an entry").id;
    let again = plugin.create_entry("desk", "new", &content).await;
    assert_eq!(again.expect("the first one again").id, made);
    office.commit(plugin).await;
    let mut person = office.person();
    let changed = talk("Rescheduled, for she is ill", "2026-10-20T09:00:00Z");
    let update = person.update_entry("desk", &made, None, &changed).await;
    update.expect("changed");
    office.commit(person).await;
    for (operations, title) in [
        (&["create"][..], &content.title),
        (&["create", "read"], &changed.title),
    ] {
        let mut plugin = office.automation(&[granted("desk", operations)]);
        let again = plugin.create_entry("desk", "new", &content).await;
        let again = again.expect("the first one again");
        assert_eq!((&*again.id, &again.body.content.title), (&*made, title));
    }
    let mut plugin = office.automation(&[granted("desk", &["read", "update"])]);
    let seen = plugin.entry("desk", &old.id).await.expect("an entry");
    let later = talk("Talk", "2026-10-21T09:00:00Z");
    let moved = plugin.update_entry("desk", &old.id, Some(&seen.revision), &later);
    assert_eq!(moved.await.expect("moved").body.content, {
        let uid = seen.body.content.uid.clone();
        let length = seen.body.content.length.clone();
        EntryContent {
            uid,
            length,
            is_opaque: Some(true),
            ..later
        }
    });
    office.commit(plugin).await;
}

#[tokio::test]
async fn calendars_themselves_and_whole_files_are_for_administrators() {
    let mut office = desk().await;
    let all = granted("desk", &["read", "create", "update", "delete"]);
    let mut plugin = office.automation(&[all]);
    let put = plugin.put_calendar("desk", &calendar("UTC")).await;
    assert_eq!(code(put), "administrator-only");
    assert_eq!(code(plugin.calendar("desk").await), "administrator-only");
    let export = plugin.export_calendar("desk").await;
    assert_eq!(code(export), "administrator-only");
    let import = plugin.import_calendar("desk", "").await;
    assert_eq!(code(import), "administrator-only");
}

#[tokio::test]
async fn an_automation_is_stale_once_something_happens_in_the_window_it_looked_at() {
    let mut office = desk().await;
    let grants = [granted("desk", &["read", "create"])];
    let asked = whose(&["desk"], None);
    let mut outcomes = Vec::new();
    for place in 0..4 {
        for (key, start) in [
            ("in", "2026-10-20T09:00:00Z"),
            ("out", "2027-10-20T09:00:00Z"),
        ] {
            let mut plugin = office.automation(&grants);
            let desk = ["desk".to_owned()];
            match place {
                0 => drop(
                    plugin
                        .occurrences(&desk, october())
                        .await
                        .expect("answered"),
                ),
                1 => drop(plugin.free_busy(&asked, october()).await.expect("answered")),
                2 => drop(plugin.find_slots(&slots("desk")).await.expect("answered")),
                _ => {
                    let window = Some(october());
                    let listed = plugin.list_entries("desk", window, &Paging::first()).await;
                    drop(listed.expect("answered"));
                }
            }
            let name = format!("{key} {place}");
            let own = talk("Own", "2028-01-01T09:00:00Z");
            let made = plugin.create_entry("desk", &name, &own).await;
            made.expect("an entry");
            let mut other = office.person();
            let made = other.create_entry("desk", &name, &talk(&name, start)).await;
            made.expect("an entry");
            office.commit(other).await;
            outcomes.push(matches!(office.propose(plugin).await, Verdict::Stale(_)));
        }
    }
    assert_eq!(outcomes, [true, false].repeat(4));
}

#[tokio::test]
async fn the_texts_of_an_answers_occurrences_are_bounded() {
    let mut office = desk().await;
    let mut session = office.person();
    let crowd: Vec<String> = (0..100).map(|place| format!("{place:0190}")).collect();
    let hourly = entry(json!({
        "kind": "event", "title": "Look", "start": "2026-10-01T00:00:00Z", "length": "PT0S",
        "rules": ["FREQ=HOURLY"], "attendees": crowd,
    }));
    let made = session.create_entry("desk", "hourly", &hourly).await;
    made.expect("an entry");
    let desk = ["desk".to_owned()];
    let month = session.occurrences(&desk, october()).await;
    assert!(month.expect("less than 16 MiB").len() > 700);
    let quarter = window("2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let found = faults(session.occurrences(&desk, quarter).await);
    assert_eq!(found, [("/window".to_owned(), "too-many".to_owned())]);
}

#[tokio::test]
async fn short_names_of_many_attendees_are_bounded_too() {
    let mut office = desk().await;
    let mut session = office.person();
    let crowd: Vec<String> = (0..100).map(|place| format!("{place:02}")).collect();
    let hourly = entry(json!({
        "kind": "event", "title": "Look", "start": "2026-11-01T00:00:00Z", "length": "PT0S",
        "rules": ["FREQ=HOURLY"], "attendees": crowd,
    }));
    let made = session.create_entry("desk", "hourly", &hourly).await;
    made.expect("an entry");
    let year = window("2026-11-01T00:00:00Z", "2027-11-01T00:00:00Z");
    let found = faults(session.occurrences(&["desk".to_owned()], year).await);
    assert_eq!(found, [("/window".to_owned(), "too-many".to_owned())]);
}
