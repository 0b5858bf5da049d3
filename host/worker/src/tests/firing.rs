//! SCH-4: an occurrence fires at most once, whatever happens to the host and its clock, and once if a host is up in time.

use std::collections::BTreeMap;

use bursar_db::RunFilter;
use bursar_domain::{
    calendar::{Calendar, EntryContent, OverrideText, PeriodText},
    row::{Kind, RowKey},
    run::Trigger,
    time,
};
use serde_json::json;

use super::office::{Office, Place, postgres, sqlite};
use crate::{
    occurrences::due_occurrences,
    timers::{GRACE_US, fire},
};

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const STEP_US: i64 = 10 * MINUTE_US;
const TRIGGER: &str = "[[triggers]]\nkind = 'occurrence'\nname = 'soon'\ncalendar = 'desk'\nlead_minutes = 5\nmisfire = 'skip'\n";
const LEAD_US: i64 = 5 * MINUTE_US;
/// A property is worth its name only if what it guards against came up this often.
const OCCURRED_MIN: usize = 100;

/// Numbers that look random and are the same in every run of the test (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// How often something came up.
#[derive(Debug, Default)]
struct Counts {
    fired: usize,
    crashes: usize,
    races: usize,
    restarts: usize,
    set_back: usize,
    set_forward: usize,
    rewritten: usize,
}

struct World {
    office: Office,
    dice: Dice,
    base_us: i64,
    now_us: i64,
    /// When somebody looked and what was due was committed.
    looks_us: Vec<i64>,
    counts: Counts,
}

fn entry(start_us: i64, rule: &str) -> EntryContent {
    let start = time::rfc3339(start_us);
    serde_json::from_value(json!({
        "uid": "round@example.org", "kind": "reminder", "title": "Round", "start": start, "length": "PT0S",
        "rules": [rule],
    }))
    .expect("an entry's shape")
}

impl World {
    /// An office whose calendar has something every ten minutes, from ten minutes after a round hour of tomorrow on.
    async fn new(seed: u64) -> Self {
        Self::at(sqlite(), seed).await
    }

    async fn at(place: Place, seed: u64) -> Self {
        let office = Office::at(place, &[("helper", TRIGGER)]).await;
        // Rows are stamped by the database's own clock: what is planned must lie behind that.
        let real_us = office.database.now_us().await.expect("a clock");
        let hour_us = 60 * MINUTE_US;
        let base_us = (real_us / hour_us + 25) * hour_us;
        let calendar = Calendar {
            name: "Desk".to_owned(),
            department: "finance".to_owned(),
            zone: "Europe/Vienna".to_owned(),
        };
        let rule = "FREQ=HOURLY;COUNT=1000;BYMINUTE=0,10,20,30,40,50;BYSECOND=0";
        let content = entry(base_us + STEP_US, rule);
        office
            .change(async |session| {
                session.put_calendar("desk", &calendar).await?;
                session.create_entry("desk", "round", &content).await?;
                Ok(())
            })
            .await;
        let mut world = Self {
            office,
            dice: Dice(seed),
            base_us,
            now_us: base_us,
            looks_us: Vec::new(),
            counts: Counts::default(),
        };
        world.look().await;
        world
    }

    /// One look, and what may become of it.
    async fn look(&mut self) {
        let database = self.office.database.clone();
        let looked = due_occurrences(&database, self.now_us).await;
        let due = looked.expect("due").due;
        let is_crash = !self.looks_us.is_empty() && self.dice.roll(4) == 0;
        if is_crash {
            self.counts.crashes += usize::from(!due.is_empty());
            return;
        }
        // Another worker looked at the same moment.
        let other = match self.dice.roll(3) {
            0 => due.clone(),
            _ => Vec::new(),
        };
        for due in due {
            assert!(fire(&database, due, self.now_us).await.expect("an answer"));
        }
        for due in other {
            let is_second = fire(&database, due, self.now_us).await.expect("an answer");
            assert!(!is_second, "nothing is left to be done");
            self.counts.races += 1;
        }
        self.looks_us.push(self.now_us);
    }

    async fn step(&mut self, may_jump: bool) {
        match self.dice.roll(10) {
            0 => {
                self.office.restart().await;
                self.counts.restarts += 1;
            }
            1 => self.rewrite().await,
            2 if may_jump => {
                self.now_us -= self.dice.roll(90) * MINUTE_US;
                self.counts.set_back += 1;
            }
            3 if may_jump => {
                self.now_us += self.dice.roll(90) * MINUTE_US;
                self.counts.set_forward += 1;
            }
            _ => self.now_us += (30 + self.dice.roll(240)) * SECOND_US,
        }
        self.look().await;
    }

    /// The same series is imported anew, with an occurrence that has fired put off.
    async fn rewrite(&mut self) {
        let Some(fired_us) = self.fired().await.into_keys().next_back() else {
            return;
        };
        let rule = "FREQ=HOURLY;COUNT=1000;BYMINUTE=0,10,20,30,40,50;BYSECOND=0";
        let mut content = entry(self.base_us + STEP_US, rule);
        content.overrides.push(OverrideText {
            original: time::rfc3339(fired_us),
            moved: Some(PeriodText {
                start: time::rfc3339(fired_us + 3 * STEP_US + MINUTE_US),
                length: "PT0S".to_owned(),
            }),
        });
        let paging = bursar_office::Paging::first();
        self.office
            .change(async |session| {
                let there = session.list_entries("desk", None, &paging).await?;
                for view in there.items {
                    session.remove_entry("desk", &view.id, None).await?;
                }
                let key = format!("again-{}", self.counts.rewritten);
                session.create_entry("desk", &key, &content).await?;
                Ok(())
            })
            .await;
        self.counts.rewritten += 1;
    }

    /// How often each occurrence fired, by its original start.
    async fn fired(&self) -> BTreeMap<i64, usize> {
        let filter = RunFilter {
            automations: None,
            state: None,
            before: None,
            limit: 1_000,
        };
        let runs = self.office.database.runs(&filter).await.expect("runs");
        assert!(runs.len() < 1_000);
        let mut fired = BTreeMap::new();
        for run in runs {
            match run.queued.expect("readable").event.trigger {
                Trigger::Occurrence {
                    original_start_us,
                    uid,
                    ..
                } => {
                    assert_eq!(uid, "round@example.org");
                    *fired.entry(original_start_us).or_default() += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        fired
    }

    /// Those that somebody looked for in time, if clocks only went forward.
    fn expected(&self) -> Vec<i64> {
        let starts = (1..).map(|number| self.base_us + number * STEP_US);
        let in_time = |start_us: &i64| {
            let planned_us = *start_us - LEAD_US;
            let first = self.looks_us.iter().find(|at_us| **at_us >= planned_us);
            first.is_some_and(|at_us| *at_us <= planned_us + GRACE_US)
        };
        let until_us = self.now_us + LEAD_US;
        starts
            .take_while(|start_us| *start_us <= until_us)
            .filter(in_time)
            .collect()
    }

    async fn assert_row_moved_on(&self) {
        let key = RowKey::of(Kind::Timer, "helper/soon");
        let row = self.office.database.snapshot().get(&key).await;
        let row = row.expect("an answer").expect("the trigger's row");
        assert!(row.body["fired_until_us"].as_i64() >= Some(self.base_us));
    }
}

fn add(total: &mut Counts, counts: &Counts) {
    total.fired += counts.fired;
    total.crashes += counts.crashes;
    total.races += counts.races;
    total.restarts += counts.restarts;
    total.set_back += counts.set_back;
    total.set_forward += counts.set_forward;
    total.rewritten += counts.rewritten;
}

/// Worlds of such seeds, each in a place of its own, until all have gone their way.
async fn sch_4(seeds: std::ops::Range<u64>, place: impl AsyncFn() -> Option<Place>) -> Counts {
    let mut total = Counts::default();
    for seed in seeds {
        let Some(place) = place().await else {
            break;
        };
        let may_jump = seed % 2 == 0;
        let mut world = World::at(place, seed).await;
        for _ in 0..100 {
            world.step(may_jump).await;
        }
        let fired = world.fired().await;
        assert!(fired.values().all(|times| *times == 1), "{fired:?}");
        if !may_jump {
            let starts: Vec<i64> = fired.keys().copied().collect();
            assert_eq!(starts, world.expected(), "seed {seed}");
        }
        world.assert_row_moved_on().await;
        world.counts.fired = fired.len();
        add(&mut total, &world.counts);
    }
    eprintln!("sch_4: {total:?}");
    total
}

fn assert_occurred(total: &Counts) {
    let disturbed = total.crashes + total.races + total.set_back + total.set_forward;
    assert!(total.fired >= OCCURRED_MIN && disturbed >= OCCURRED_MIN);
    assert!(total.restarts > 0 && total.rewritten > 0 && total.crashes > 0 && total.races > 0);
}

#[tokio::test]
async fn sch_4_an_occurrence_fires_at_most_once_and_once_if_a_host_is_up_in_time() {
    let total = sch_4(0..12, async || Some(sqlite())).await;
    assert_occurred(&total);
}

#[tokio::test]
async fn sch_4_holds_on_postgresql_too() {
    let total = sch_4(20..30, postgres).await;
    if std::env::var_os("BURSAR_TEST_POSTGRES").is_some() {
        assert_occurred(&total);
    }
}

#[tokio::test]
async fn nothing_fires_while_the_organisation_is_stopped_or_the_automation_off() {
    let mut world = World::new(1).await;
    world.office.set_stop(true).await;
    world.now_us += STEP_US;
    let database = world.office.database.clone();
    let looked = due_occurrences(&database, world.now_us).await;
    for due in looked.expect("due").due {
        assert!(!fire(&database, due, world.now_us).await.expect("an answer"));
    }
    assert!(world.fired().await.is_empty());
    world.office.set_stop(false).await;
    world
        .office
        .change(async |session| session.disable_automation("helper").await)
        .await;
    let looked = due_occurrences(&database, world.now_us).await;
    assert!(looked.expect("due").due.is_empty());
}
