//! A plugin version that turns out to be bad is stopped at once, wherever it runs, and can do nothing until it is released.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{World, departments::install, items};
use crate::{place::Place, waiting::eventually};

const PATH: &str = "/v1/automations/loop";

#[test]
fn a_plugin_that_is_quarantined_ends_while_it_runs_on_sqlite() {
    ends_while_it_runs(&World::on(Place::sqlite()));
}

#[test]
fn a_plugin_that_is_quarantined_ends_while_it_runs_on_postgresql() {
    if let Some(place) = Place::postgres() {
        ends_while_it_runs(&World::on(place));
    }
}

/// Starts a run that would go on until its time is up, and waits until it runs.
fn begun(world: &World, event: &str) -> String {
    let run = world.post(&format!("{PATH}/runs"), &json!({"event": event}));
    let id = run.expect(202).id();
    eventually("the run begins", || {
        (state(world, &id)["state"] == "running").then_some(())
    });
    id
}

fn state(world: &World, run: &str) -> Value {
    let shown = world.get(&format!("/v1/runs/{run}")).expect(200).json();
    shown["run"].clone()
}

fn ends_while_it_runs(world: &World) {
    install(world, "spin");
    let new = json!({"plugin": "spin", "department": "operations", "mode": "live"});
    let enabled = world.put(PATH, &new).expect(200).json();
    let digest = enabled["body"]["plugin"].as_str().expect("a digest");
    let path = format!("/v1/plugins/{digest}/quarantine");
    let run = begun(world, "first");
    let asked = json!({"quarantined": true, "reason": "it loops"});
    world.put(&path, &asked).expect(200);
    // By itself it would have failed at the limit of its time.
    let ended = eventually("the run ends", || {
        let shown = state(world, &run);
        (shown["state"] != "running").then_some(shown)
    });
    assert_eq!(ended["state"], "queued", "{ended:#}");
    let waits = ended["report"]["waits"].as_str().expect("why it waits");
    assert_eq!(waits, "its plugin is quarantined: it loops");
    assert_eq!(ended["attempt"], 1, "it was not its fault: {ended:#}");
    let listed = world.get("/v1/quarantines").expect(200).json();
    assert_eq!(items(&listed)[0]["plugin"], digest, "{listed:#}");
    world.unchanged(|| {
        world.put(&path, &asked).expect(200);
        world
            .put("/v1/automations/other", &new)
            .refused(422, "plugin-quarantined");
        world
            .post(&format!("{PATH}/previews"), &json!({}))
            .refused(409, "plugin-quarantined");
        world
            .put("/v1/plugins/nothing/quarantine", &asked)
            .refused(422, "not-a-digest");
    });
    let turn = |on: bool| {
        let ask = world.ask(&Method::PATCH, PATH);
        ask.json(&json!({"enabled": on}))
    };
    turn(false).expect(200);
    turn(true).refused(422, "plugin-quarantined");
    // What is not installed yet can be kept out as well.
    let other = "0".repeat(64);
    world
        .put(&format!("/v1/plugins/{other}/quarantine"), &asked)
        .expect(200);
    world
        .put(&path, &json!({"quarantined": false, "reason": "mended"}))
        .expect(200);
    turn(true).expect(200);
    begun(world, "second");
}
