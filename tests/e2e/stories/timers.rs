//! SCH-4 for timers: each occurrence fires once, over kills and with several workers.

use std::collections::BTreeSet;

use bursar_domain::office::Timer;
use serde_json::{Value, json};

use crate::{
    place::{Place, say},
    server::{SETTLES, Server},
    waiting::eventually,
};

const MINUTE_US: i64 = 60 * 1_000_000;
const AUTOMATION: &str = "ticker";

#[test]
fn a_timer_fires_once_for_its_occurrences_over_a_kill_on_sqlite() {
    let place = Place::sqlite();
    fire(&place.founded(), 1);
}

#[test]
fn two_workers_fire_a_timer_once_on_postgresql() {
    if let Some(place) = Place::postgres() {
        fire(&place.founded(), 2);
    }
}

#[test]
fn a_stop_holds_timers_back_until_resume() {
    let place = Place::sqlite().founded();
    let from_us = fall_behind(&place);
    let stopped = place.call(&["stop-all"])["commit"].clone();
    let mut server = Server::start(&place, SETTLES);
    look(&mut server);
    assert_eq!(place.commits(), stopped, "a timer fired after the stop");
    place.call(&["resume"]);
    wait_for_runs(&place);
    server.stop();
    check(&place, from_us);
}

/// Lets a timer that is behind fire, by so many servers at once, twice.
fn fire(place: &Place, servers: usize) {
    let from_us = fall_behind(place);
    for _ in 0..2 {
        let mut started: Vec<_> = (0..servers)
            .map(|_| Server::start(place, SETTLES))
            .collect();
        wait_for_runs(place);
        started.iter_mut().for_each(look);
        for server in started {
            server.kill();
        }
    }
    check(place, from_us);
}

/// Enables an automation whose timer is ten minutes behind, and gives the instant that it stands at.
pub fn fall_behind(place: &Place) -> i64 {
    place.configure("[worker]\nlease_ms = 1000\npoll_ms = 50\n");
    place.office(async |office| {
        let definition = json!({"schema": {"type": "object"}});
        office.define_collection("ticks", definition).await;
    });
    place.enable_guest(AUTOMATION);
    set_back(place, 10)
}

/// Waits until there is a run, and none that has not ended.
pub fn wait_for_runs(place: &Place) {
    eventually("the timer's run is committed", || {
        let runs = place.call(&["status"])["runs"].clone();
        (runs["committed"].as_u64() > Some(0) && runs.as_object()?.len() == 1).then_some(())
    });
}

/// Waits until a server has looked at its queues and timers a few times.
fn look(server: &mut Server) {
    let mut looks = 0;
    server.until("the server looks again", |line| {
        looks += usize::from(line.contains("settle ends"));
        looks > 10
    });
}

/// Has the timer looked at so many minutes ago, as if it had been enabled then, and gives that instant.
fn set_back(place: &Place, minutes: i64) -> i64 {
    place.office(async |office| {
        let now_us = office.database.now_us().await.expect("a clock");
        let back_us = now_us - minutes * MINUTE_US;
        let back = Timer {
            fired_until_us: back_us,
            since_us: back_us,
        };
        let mut session = office.session().await;
        let put = session.put_timer(AUTOMATION, "minutely", &back).await;
        put.expect("the timer is the manifest's");
        office.commit(session).await;
        back_us
    })
}

/// Each minute since then is covered by exactly one run.
fn check(place: &Place, from_us: i64) {
    let ticks = place.rows("record", "ticks");
    let runs = place.call(&["run", "list", "--automation", AUTOMATION]);
    let runs = runs.as_array().expect("a list of runs");
    assert_eq!(runs.len(), ticks.len(), "each run keeps one record");
    let events: BTreeSet<&str> = ticks
        .iter()
        .filter_map(|row| row["body"]["event"].as_str())
        .collect();
    assert_eq!(
        events.len(),
        ticks.len(),
        "each run has an occurrence of its own"
    );
    let trigger = |run: &Value, name: &str| run["queued"]["event"]["trigger"][name].as_i64();
    let covered: i64 = runs
        .iter()
        .filter_map(|run| Some(1 + trigger(run, "missed")?))
        .sum();
    let last_us = runs
        .iter()
        .filter_map(|run| trigger(run, "scheduled_us"))
        .max();
    let last_us = last_us.expect("the timer fired");
    let minutes = last_us.div_euclid(MINUTE_US) - from_us.div_euclid(MINUTE_US);
    assert!(minutes >= 10, "{minutes} minutes passed");
    assert_eq!(covered, minutes, "each minute is covered once: {runs:#?}");
    place.assert_clean();
    say(&format!("{} runs stand for {minutes} minutes", runs.len()));
}
