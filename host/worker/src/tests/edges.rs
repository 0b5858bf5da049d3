//! SCH-4 at its edges: zones, late entries, floods, beginnings, stalled workers, and what is told of all that.

use bursar_db::RunFilter;
use bursar_domain::{
    calendar::{Calendar, EntryContent},
    matching::Unmet,
    office::Timer,
    run::{DEPTH_MAX, Event, Trigger},
    time,
};
use serde_json::json;

use super::{Answer, Asked, office::Office};
use crate::{
    occurrences::due_occurrences,
    timers::{GRACE_US, Looked, fire},
};

const MINUTE_US: i64 = 60 * 1_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

fn trigger(calendar: &str, misfire: &str) -> String {
    format!(
        "[[triggers]]\nkind = 'occurrence'\nname = 'soon'\ncalendar = '{calendar}'\nmisfire = '{misfire}'\n"
    )
}

fn entry(uid: &str, start: &str) -> EntryContent {
    let length = if start.len() == 10 { "P1D" } else { "PT0S" };
    serde_json::from_value(json!({
        "uid": uid, "kind": "reminder", "title": uid, "start": start, "length": length,
    }))
    .expect("an entry's shape")
}

struct Desk {
    office: Office,
    /// Behind the instants that the database stamps rows with.
    base_us: i64,
}

impl Desk {
    async fn new(misfire: &str) -> Self {
        let office = Office::with(&[("helper", &trigger("desk", misfire))]).await;
        let real_us = office.database.now_us().await.expect("a clock");
        let desk = Self {
            office,
            base_us: (real_us / DAY_US + 2) * DAY_US,
        };
        desk.in_zone("Europe/Vienna").await;
        desk
    }

    async fn in_zone(&self, zone: &str) {
        let calendar = Calendar {
            name: "Desk".to_owned(),
            department: "finance".to_owned(),
            zone: zone.to_owned(),
        };
        self.office
            .change(async |session| session.put_calendar("desk", &calendar).await)
            .await;
    }

    async fn add(&self, uid: &str, start_us: i64) {
        self.write(&entry(uid, &time::rfc3339(start_us))).await;
    }

    async fn write(&self, content: &EntryContent) {
        self.write_after(0, content).await;
    }

    /// An entry that so many runs led to.
    async fn write_after(&self, runs: u32, content: &EntryContent) {
        self.office
            .change_after(runs, async |session| {
                let made = session.create_entry("desk", &content.uid, content).await;
                made.map(drop)
            })
            .await;
    }

    async fn looked(&self, now_us: i64) -> Looked {
        let looked = due_occurrences(&self.office.database, now_us).await;
        looked.expect("an answer")
    }

    /// Looks, and queues what is due.
    async fn look(&self, now_us: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for due in self.looked(now_us).await.due {
            events.extend(due.events.clone());
            let fired = fire(&self.office.database, due, now_us).await;
            assert!(fired.expect("an answer"));
        }
        events
    }

    async fn runs(&self) -> usize {
        let filter = RunFilter {
            automations: None,
            state: None,
            before: None,
            limit: 1_000,
        };
        let runs = self.office.database.runs(&filter).await;
        runs.expect("runs").len()
    }

    /// As if it had been enabled and looked at then.
    async fn put(&self, fired_until_us: i64) {
        let fired = Timer {
            fired_until_us,
            since_us: fired_until_us,
        };
        self.office
            .change(async |session| session.put_timer("helper", "soon", &fired).await)
            .await;
    }

    async fn fired_until_us(&self) -> i64 {
        let key = bursar_office::timer_key("helper", "soon");
        let row = self.office.database.snapshot().get(&key).await;
        let row = row.expect("an answer").expect("the trigger's row");
        row.decode::<Timer>().expect("a timer").fired_until_us
    }
}

#[tokio::test]
async fn a_whole_day_fires_once_though_its_calendar_moves_to_another_zone() {
    let desk = Desk::new("once").await;
    let day = time::rfc3339(desk.base_us + DAY_US);
    desk.write(&entry("day", &day[..10])).await;
    desk.look(desk.base_us).await;
    // Midnight in Vienna, an hour or two before that of UTC.
    let vienna_us = desk.base_us + DAY_US - HOUR_US;
    assert_eq!(desk.look(vienna_us).await.len(), 1);
    desk.in_zone("America/New_York").await;
    for hours in 1..12 {
        let again = desk.look(vienna_us + hours * HOUR_US).await;
        assert!(again.is_empty(), "{again:?}");
    }
    assert_eq!(desk.runs().await, 1);
}

#[tokio::test]
async fn an_entry_that_is_written_after_a_look_still_fires_if_that_is_within_the_grace_time() {
    let desk = Desk::new("skip").await;
    desk.put(desk.base_us).await;
    desk.add("first", desk.base_us + MINUTE_US).await;
    let now_us = desk.base_us + 2 * MINUTE_US;
    assert_eq!(desk.look(now_us).await.len(), 1);
    assert_eq!(desk.fired_until_us().await, now_us);
    desk.add("second", desk.base_us + MINUTE_US).await;
    desk.add("early", desk.base_us - MINUTE_US).await;
    let events = desk.look(now_us + 10).await;
    assert_eq!(
        events.len(),
        1,
        "the one from before the enabling is none of its own"
    );
    assert!(desk.looked(now_us + 20).await.due.is_empty());
    // Too late for anything.
    desk.add("third", desk.base_us + MINUTE_US).await;
    assert!(
        desk.look(desk.base_us + MINUTE_US + GRACE_US + 1)
            .await
            .is_empty()
    );
    assert_eq!(desk.runs().await, 2);
}

#[tokio::test]
async fn what_is_written_for_an_instant_long_past_was_not_missed() {
    for misfire in ["skip", "once", "all"] {
        let desk = Desk::new(misfire).await;
        let now_us = desk.office.database.now_us().await.expect("a clock");
        // Entries begin at whole seconds.
        let now_us = now_us / 1_000_000 * 1_000_000;
        desk.put(now_us - 2 * DAY_US).await;
        desk.add("long-ago", now_us - DAY_US).await;
        desk.add("just-now", now_us - MINUTE_US).await;
        let events = desk.look(now_us).await;
        let [Event { trigger, .. }] = &events[..] else {
            panic!("{misfire}: {events:?}")
        };
        assert!(
            matches!(trigger, Trigger::Occurrence { uid, missed: 0, .. } if uid == "just-now"),
            "{misfire}: {trigger:?}"
        );
    }
}

#[tokio::test]
async fn a_trigger_begins_with_its_enabling_and_not_with_its_first_look() {
    let desk = Desk::new("once").await;
    let now_us = desk.office.database.now_us().await.expect("a clock");
    // Entries begin at whole seconds.
    let enabled_us = (now_us / 1_000_000 + 1) * 1_000_000;
    desk.add("before", enabled_us - HOUR_US).await;
    desk.add("after", enabled_us + MINUTE_US).await;
    let events = desk.look(enabled_us + 2 * MINUTE_US).await;
    assert_eq!(events.len(), 1);
    assert!(desk.look(enabled_us + 3 * MINUTE_US).await.is_empty());
}

#[tokio::test]
async fn an_automation_that_is_started_by_what_it_writes_comes_to_an_end_that_is_told() {
    let desk = Desk::new("once").await;
    desk.look(desk.base_us).await;
    desk.add("0", desk.base_us + MINUTE_US).await;
    let mut depths = Vec::new();
    let mut looked = Looked::default();
    for round in 1..=2 * i64::from(DEPTH_MAX) {
        let now_us = desk.base_us + round * MINUTE_US;
        looked = desk.looked(now_us).await;
        for event in desk.look(now_us).await {
            depths.push(event.depth);
            // The run makes the entry that the next one is to be started by.
            let next = entry(&round.to_string(), &time::rfc3339(now_us + MINUTE_US));
            desk.write_after(event.depth + 1, &next).await;
        }
        if !looked.troubles.is_empty() {
            break;
        }
    }
    assert_eq!(depths, (0..=DEPTH_MAX).collect::<Vec<u32>>());
    let told: Vec<_> = looked.troubles.iter().collect();
    let [(name, why)] = told[..] else {
        panic!("{told:?}")
    };
    assert!(name.starts_with("helper/soon "), "{name}");
    assert!(why.contains("is a loop"), "{why}");
    // What else is planned there fires all the same.
    let now_us = desk.base_us + 3 * HOUR_US;
    desk.add("another", now_us).await;
    let depths: Vec<u32> = desk.look(now_us).await.iter().map(|it| it.depth).collect();
    assert_eq!(depths, [0]);
}

#[tokio::test]
async fn what_is_skipped_is_looked_at_once() {
    let desk = Desk::new("skip").await;
    desk.add("one", desk.base_us + MINUTE_US).await;
    desk.look(desk.base_us).await;
    let now_us = desk.base_us + HOUR_US;
    assert!(desk.look(now_us).await.is_empty());
    assert_eq!(desk.fired_until_us().await, now_us);
    assert!(desk.looked(now_us + 1).await.due.is_empty());
}

#[tokio::test]
async fn a_flood_fires_in_several_commits_and_each_occurrence_once() {
    let desk = Desk::new("skip").await;
    desk.look(desk.base_us).await;
    let start = time::rfc3339(desk.base_us + MINUTE_US);
    for place in 0..3_u32 {
        desk.office
            .change(async |session| {
                for number in 0..150 {
                    let uid = format!("{place}-{number}");
                    let content = entry(&uid, &start);
                    session.create_entry("desk", &uid, &content).await?;
                }
                Ok(())
            })
            .await;
    }
    let now_us = desk.base_us + 2 * MINUTE_US;
    let mut counts = Vec::new();
    loop {
        let looked = desk.looked(now_us).await;
        let has_more = looked.due.iter().any(|due| due.has_more);
        counts.push(desk.look(now_us).await.len());
        if !has_more {
            break;
        }
    }
    assert_eq!(counts, [200, 200, 50]);
    assert_eq!(desk.runs().await, 450);
    assert_eq!(desk.fired_until_us().await, now_us);
}

#[tokio::test]
async fn a_worker_that_was_stalled_moves_nothing_back() {
    let desk = Desk::new("once").await;
    desk.add("one", desk.base_us + MINUTE_US).await;
    desk.add("two", desk.base_us + 2 * HOUR_US).await;
    desk.look(desk.base_us).await;
    let stalled = desk.looked(desk.base_us + HOUR_US).await.due;
    let now_us = desk.base_us + 3 * HOUR_US;
    assert_eq!(desk.look(now_us).await.len(), 1);
    for due in stalled {
        let fired = fire(&desk.office.database, due, now_us).await;
        assert!(!fired.expect("an answer"));
    }
    assert_eq!(desk.fired_until_us().await, now_us);
    assert_eq!(desk.runs().await, 1);
}

#[tokio::test]
async fn a_moved_occurrence_that_has_fired_does_not_stand_for_one_that_has_not() {
    let desk = Desk::new("once").await;
    desk.add("moved", desk.base_us + MINUTE_US).await;
    desk.look(desk.base_us).await;
    assert_eq!(desk.look(desk.base_us + MINUTE_US).await.len(), 1);
    let mut content = entry("moved", &time::rfc3339(desk.base_us + MINUTE_US));
    content.overrides = serde_json::from_value(json!([{
        "original": time::rfc3339(desk.base_us + MINUTE_US),
        "moved": {"start": time::rfc3339(desk.base_us + 90 * MINUTE_US), "length": "PT0S"},
    }]))
    .expect("an override's shape");
    let paging = bursar_office::Paging::first();
    desk.office
        .change(async |session| {
            let there = session.list_entries("desk", None, &paging).await?;
            let id = there.items[0].id.clone();
            session.update_entry("desk", &id, None, &content).await?;
            Ok(())
        })
        .await;
    desk.add("missed", desk.base_us + HOUR_US).await;
    let events = desk.look(desk.base_us + 2 * HOUR_US).await;
    let told: Vec<(i64, u32)> = events
        .into_iter()
        .map(|event| match event.trigger {
            Trigger::Occurrence {
                start_us, missed, ..
            } => (start_us - desk.base_us, missed),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(HOUR_US, 0)]);
}

#[tokio::test]
async fn a_missing_calendar_is_told_and_does_not_hold_up_the_others() {
    let office = Office::with(&[
        ("helper", &trigger("desk", "skip")),
        ("lost", &trigger("nowhere", "skip")),
    ])
    .await;
    let real_us = office.database.now_us().await.expect("a clock");
    let base_us = (real_us / DAY_US + 2) * DAY_US;
    let desk = Desk { office, base_us };
    desk.in_zone("UTC").await;
    desk.put(base_us).await;
    desk.add("one", base_us + MINUTE_US).await;
    let looked = desk.looked(base_us + 2 * MINUTE_US).await;
    assert_eq!(looked.due.len(), 1);
    let told: Vec<&str> = looked.troubles.keys().map(String::as_str).collect();
    assert_eq!(told, ["lost/soon"]);

    let shown = desk.office.upcoming(base_us).await;
    let shown: Vec<_> = shown
        .iter()
        .map(|one| {
            let calendar = one.calendar.as_deref().unwrap_or_default();
            (
                &*one.automation,
                calendar,
                one.next_us,
                one.unreadable.is_some(),
            )
        })
        .collect();
    let expected = [
        ("helper", "desk", Some(base_us + MINUTE_US), false),
        ("lost", "nowhere", None, true),
    ];
    assert_eq!(shown, expected);

    let asked = Asked::Occurrence {
        trigger: "soon".to_owned(),
    };
    let told = desk.office.explain("occurrence/soon/x", Some(asked)).await;
    let answers: Vec<Option<Unmet>> = told
        .automations
        .iter()
        .map(|explained| match &explained.answer {
            Answer::Unmet { unmet, .. } => Some(*unmet),
            Answer::Met => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers, [None, Some(Unmet::CalendarMissing)]);
}

#[tokio::test]
async fn what_was_planned_while_an_automation_was_off_is_not_missed() {
    for misfire in ["skip", "once", "all"] {
        let desk = Desk::new(misfire).await;
        let now_us = desk.office.database.now_us().await.expect("a clock");
        desk.put(now_us - DAY_US).await;
        for hours in 1..5 {
            let start_us = (now_us - hours * HOUR_US) / 1_000_000 * 1_000_000;
            desk.add(&format!("{hours}"), start_us).await;
        }
        desk.office.switch("helper", false).await;
        desk.office.switch("helper", true).await;
        assert!(desk.look(now_us + MINUTE_US).await.is_empty(), "{misfire}");
        let soon_us = (now_us / DAY_US + 2) * DAY_US;
        desk.add("soon", soon_us).await;
        assert_eq!(desk.look(soon_us).await.len(), 1, "{misfire}");
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_is_told_and_enabling_again_begins_anew() {
    let desk = Desk::new("once").await;
    let now_us = desk.office.database.now_us().await.expect("a clock");
    desk.put(now_us + 40 * DAY_US).await;
    desk.add("one", desk.base_us).await;
    let looked = desk.looked(desk.base_us + 1).await;
    assert!(looked.due.is_empty());
    let told = looked.troubles.get("helper/soon");
    assert!(told.is_some_and(|told| told.contains("ahead")), "{told:?}");
    assert_eq!(desk.office.upcoming(now_us).await[0].next_us, None);
    desk.office.switch("helper", false).await;
    desk.office.switch("helper", true).await;
    assert_eq!(
        desk.office.upcoming(now_us).await[0].next_us,
        Some(desk.base_us)
    );
    let looked = desk.looked(desk.base_us + 1).await;
    assert_eq!((looked.due.len(), looked.troubles.len()), (1, 0));
}
