//! A plugin that reads a calendar: what is on tomorrow's becomes somebody's tasks.

use bursar_domain::calendar::Calendar;
use serde_json::{Value, json};

use crate::{office::DEPARTMENT, place::Place};

#[test]
fn tomorrows_appointments_become_tasks_where_the_calendar_may_be_read() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    place.office(async |office| {
        for id in ["desk", "hall"] {
            let calendar = Calendar {
                name: id.to_owned(),
                department: DEPARTMENT.to_owned(),
                zone: "Europe/Vienna".to_owned(),
            };
            let entries = [
                json!({"kind": "event", "title": "Round", "start": "2026-01-01T10:00:00[Europe/Vienna]", "length": "PT1H",
                       "rules": ["FREQ=DAILY"]}),
                json!({"kind": "event", "title": "Founding", "start": "2026-01-01", "length": "P1D"}),
            ];
            office.put_calendar(id, &calendar, &entries).await;
        }
    });
    let steps = json!([
        {"do": "tomorrow", "calendar": "desk", "assignee": "role:clerk"},
        {"do": "tomorrow", "calendar": "hall", "assignee": "role:clerk"},
        {"do": "tomorrow", "calendar": "nowhere", "assignee": "role:clerk"},
    ]);
    let steps = steps.to_string();
    let start = [
        "automation",
        "run",
        "errand",
        "--event",
        "evening",
        "--input",
        &steps,
    ];
    let run = place.call(&start);
    assert_eq!(run["state"], "committed", "{run}");
    let told = run["report"]["summary"].as_str().expect("a summary");
    let denied = "denied not-granted";
    assert_eq!(told.lines().collect::<Vec<_>>(), ["Round", denied, denied]);
    let tasks = place.call(&["task", "list"]);
    let titles: Vec<&Value> = tasks
        .as_array()
        .expect("a list")
        .iter()
        .map(|task| &task["body"]["title"])
        .collect();
    assert_eq!(titles, ["Prepare Round"], "{tasks}");
    place.assert_clean();
}
