//! RUN-1, RUN-2 and RUN-7 as properties of real guests, in process.
//!
//! Each property is tried with histories drawn at random, each in an office of its own, so that later runs meet what
//! earlier ones left; each prints how often the situation that it is about came up.

mod asks;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bursar_db::RunState;
use bursar_domain::{
    row::Kind,
    run::{Event, Outcome},
};
use bursar_office::describe::RowDiff;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    office::manual,
    place::{block_on, say},
};
use asks::{Ask, ask, halfway};
use world::{Holdings, World, plugin, runtime};

/// Histories for each property, and runs in one, at most.
const HISTORIES: u32 = 12;
const RUNS_MAX: usize = 12;
/// What stands for a number that only the commit gives.
const PENDING: &str = "(number pending)";

/// Tries a property with histories of such runs, each in a fresh office.
fn check(runs: impl Strategy<Value = Ask>, property: &impl AsyncFn(&World, &[Ask])) {
    let config = Config {
        cases: HISTORIES,
        max_shrink_iters: 30,
        failure_persistence: None,
        ..Config::default()
    };
    let histories = proptest::collection::vec(runs, 4..RUNS_MAX);
    let tried = TestRunner::new(config).run(&histories, |asks| {
        block_on(async {
            let world = World::open().await;
            property(&world, &asks).await;
            world.assert_clean().await;
        });
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

/// How often something came up.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn add(&self, is_so: bool) {
        self.0.fetch_add(usize::from(is_so), Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

#[test]
fn run_1_a_preview_changes_nothing_and_shows_what_the_run_commits() {
    let (tried, shown, issued, failed) = (
        Count::default(),
        Count::default(),
        Count::default(),
        Count::default(),
    );
    check(ask(), &async |world, asks| {
        for (place, ask) in asks.iter().enumerate() {
            let event = manual(&format!("event-{place}"), ask.input(&world.books));
            let before = (
                world.head().await,
                world.holdings().await,
                world.office.database.runs_counted().await.ok(),
            );
            let preview = world
                .worker
                .preview(ask.guest(), &event)
                .await
                .expect("the host is well");
            let after = (
                world.head().await,
                world.holdings().await,
                world.office.database.runs_counted().await.ok(),
            );
            assert_eq!(before, after, "the preview changed something");
            let (state, seq) = world.run(ask.guest(), &event).await;
            tried.add(true);
            if !matches!(preview.report.outcome, Outcome::Succeeded(_)) {
                assert_eq!(state, RunState::Failed, "{:?}", preview.report.outcome);
                failed.add(true);
                continue;
            }
            assert_eq!(state, RunState::Committed);
            assert_eq!(
                without_numbers(&preview.rows),
                without_numbers(&world.diffs(seq).await)
            );
            shown.add(!preview.rows.is_empty());
            issued.add(preview.rows.iter().any(|row| row.title.contains(PENDING)));
        }
    });
    assert!(shown.get() > 0 && issued.get() > 0 && failed.get() > 0);
    let counts = [&tried, &shown, &issued, &failed].map(Count::get);
    say(&format!(
        "previews, with changes, with numbers, failed: {counts:?}"
    ));
}

/// Rows without what only the commit can know: numbers, the series that they come from, issue dates.
fn without_numbers(rows: &[RowDiff]) -> Vec<Value> {
    let numbers = rows
        .iter()
        .flat_map(|row| &row.fields)
        .filter(|field| field.pointer == "/number");
    let numbers: Vec<&str> = numbers
        .filter_map(|field| field.after.as_ref()?.as_str())
        .collect();
    let business = rows.iter().filter(|row| !row.key.starts_with("series/"));
    let mut shown: Vec<Value> = business
        .map(|row| {
            let text = serde_json::to_string(row).expect("a difference is JSON");
            let text = numbers
                .iter()
                .fold(text, |text, number| text.replace(number, PENDING));
            let mut row: Value = serde_json::from_str(&text).expect("still JSON");
            if let Some(fields) = row["fields"].as_array_mut() {
                fields.retain(|field| {
                    field["pointer"] != "/issue_date" && field["pointer"] != "/reference"
                });
            }
            row
        })
        .collect();
    shown.sort_by_key(|row| row["key"].to_string());
    shown
}

#[test]
fn run_2_a_run_commits_all_or_nothing() {
    let (nothing, all, after_writes) = (Count::default(), Count::default(), Count::default());
    check(halfway(), &async |world, asks| {
        for (place, ask) in asks.iter().enumerate() {
            let Ask::Halfway { steps, end } = ask else {
                continue;
            };
            let event = manual(&format!("event-{place}"), ask.input(&world.books));
            let before = world.holdings().await;
            let (state, seq) = world.run("halfway", &event).await;
            let changes = world
                .office
                .database
                .changes_of(seq)
                .await
                .expect("a commit");
            if *end == "success" {
                assert_eq!(state, RunState::Committed);
                check_steps(world, &event, &before, *steps).await;
                all.add(true);
            } else {
                assert_eq!(state, RunState::Failed);
                assert_eq!(world.holdings().await, before, "{ask:?} left something");
                let kinds: Vec<Kind> = changes.iter().map(|change| change.key.kind).collect();
                assert_eq!(kinds, [Kind::Notice], "{ask:?} committed something");
                nothing.add(true);
                after_writes.add(*steps > 0);
            }
        }
    });
    assert!(after_writes.get() > 0 && all.get() > 0);
    let counts = [&nothing, &after_writes, &all].map(Count::get);
    say(&format!(
        "nothing left, of these after writes, all there: {counts:?}"
    ));
}

/// What the first so many steps of the guest leave is there, and nothing else is.
async fn check_steps(world: &World, event: &Event, before: &Holdings, steps: usize) {
    let after = world.holdings().await;
    let count = |holdings: &Holdings, kind: &str| {
        holdings
            .rows
            .keys()
            .filter(|key| key.starts_with(kind))
            .count()
    };
    let more = |kind: &str| count(&after, kind) - count(before, kind);
    let messages = |holdings: &Holdings| {
        holdings
            .messages
            .iter()
            .map(|(_, count)| count)
            .sum::<i64>()
    };
    let taken = |step: usize| usize::from(steps >= step);
    let made = [more("record/"), more("task/"), more("invoice/")];
    assert_eq!(made, [taken(1), taken(4), taken(6)], "{steps} steps");
    let sent = i64::try_from(taken(3) + taken(6)).unwrap_or(-1);
    assert_eq!(messages(&after) - messages(before), sent, "{steps} steps");
    let counter = after
        .rows
        .iter()
        .find(|(key, _)| key.ends_with(&world.books.counters[0]));
    if steps >= 2 {
        assert_eq!(counter.map(|(_, body)| &body["value"]), Some(&json!(7)));
    }
    if steps >= 5 {
        let kept: Vec<&Value> = after
            .rows
            .iter()
            .filter(|(key, _)| key.starts_with("state/"))
            .map(|(_, body)| body)
            .collect();
        assert!(format!("{kept:?}").contains(&event.id), "{kept:?}");
    }
}

#[test]
fn run_7_the_same_claim_on_the_same_snapshot_gives_the_same_change_set() {
    let (tried, effective, random) = (Count::default(), Count::default(), Count::default());
    check(ask(), &async |world, asks| {
        for (place, ask) in asks.iter().enumerate() {
            let event = manual(&format!("event-{place}"), ask.input(&world.books));
            let plugin = plugin(ask.guest());
            let mut reports = Vec::new();
            for _ in 0..2 {
                let (claim, session) = world.claim(&plugin, &event);
                reports.push(
                    runtime()
                        .execute(&plugin, &claim, session)
                        .await
                        .expect("the host is well"),
                );
            }
            let [first, second] = reports.as_slice() else {
                panic!("two executions")
            };
            assert_eq!(first.draft, second.draft);
            assert_eq!(
                (&first.outcome, &first.logs, &first.usage),
                (&second.outcome, &second.logs, &second.usage)
            );
            tried.add(true);
            effective.add(!first.draft.is_empty());
            random.add(matches!(ask, Ask::Dice { rolls } if *rolls > 0));
            world.run(ask.guest(), &event).await;
        }
    });
    assert!(effective.get() > 0 && random.get() > 0);
    let counts = [&tried, &effective, &random].map(Count::get);
    say(&format!(
        "executed twice, with changes, with random ones: {counts:?}"
    ));
}
