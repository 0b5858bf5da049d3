//! A department's manager enables automations within its ceiling; what a ceiling or an end takes away is worth nothing at
//! once, whoever granted it.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Token, World, departments::install};
use crate::place::Place;

const PATH: &str = "/v1/automations/helper";

fn counters(operations: &[&str]) -> Value {
    json!({
        "kind": "records", "collection": "counters", "operations": operations, "rows": {"team": ["a"]},
    })
}

fn automation(grants: &[Value]) -> Value {
    json!({"plugin": "errand", "department": "operations", "grants": grants})
}

/// Sets the most that the department's automations may be granted.
fn ceiling(world: &World, permissions: &Value) {
    let department = json!({"name": "Operations", "ceiling": permissions});
    world
        .put("/v1/departments/operations", &department)
        .expect(200);
}

/// What came of each step of a run that somebody starts.
fn run(world: &World, by: &Token, event: &str, steps: &Value) -> Vec<String> {
    let start = json!({"event": event, "input": steps});
    let run = world
        .post(&format!("{PATH}/runs?wait_ms=30000"), &start)
        .by(by)
        .expect(200);
    let text = run.json()["report"]["summary"]
        .as_str()
        .unwrap_or_else(|| panic!("no summary: {}", run.text()))
        .to_owned();
    text.lines().map(str::to_owned).collect()
}

fn create(key: &str, team: &str) -> Value {
    json!({"do": "create", "key": key, "body": json!({"team": team}).to_string()})
}

#[test]
fn a_manager_enables_within_the_ceiling_on_sqlite() {
    a_manager_enables_within_the_ceiling(&World::on(Place::sqlite()));
}

#[test]
fn a_manager_enables_within_the_ceiling_on_postgresql() {
    if let Some(place) = Place::postgres() {
        a_manager_enables_within_the_ceiling(&World::on(place));
    }
}

fn a_manager_enables_within_the_ceiling(world: &World) {
    let definition = json!({
        "schema": {"type": "object", "properties": {"team": {"type": "string"}}},
        "indexed": [{"name": "team", "type": "text"}],
    });
    world
        .put("/v1/collections/counters", &definition)
        .expect(200);
    world
        .put("/v1/departments/second", &json!({"name": "Second"}))
        .expect(200);
    install(world, "errand");
    let manager = world.token_of("manager");
    let own = automation(&[counters(&["read", "create"])]);
    world.unchanged(|| {
        // Nobody has said yet how much the department may have.
        world
            .put(PATH, &own)
            .by(&manager)
            .refused(403, "no-ceiling");
    });
    let tasks = json!({"kind": "tasks", "role": "clerk"});
    ceiling(world, &json!([counters(&["read", "create"]), tasks]));
    world.unchanged(|| {
        let above = json!({"kind": "records", "collection": "counters", "operations": ["create"]});
        let refused = world
            .put(PATH, &automation(&[tasks.clone(), above]))
            .by(&manager)
            .refused(422, "ceiling-exceeded");
        assert_eq!(refused["problems"][0]["pointer"], "/grants/1", "{refused}");
        // All that the plugin asks for is more than that.
        let all = json!({"plugin": "errand", "department": "operations"});
        world
            .put(PATH, &all)
            .by(&manager)
            .refused(422, "ceiling-exceeded");
        let elsewhere = json!({"plugin": "errand", "department": "second", "grants": []});
        world
            .put(PATH, &elsewhere)
            .by(&manager)
            .refused(422, "other-department");
    });
    world.put(PATH, &own).by(&manager).expect(200);
    let steps = json!([create("1", "a"), create("2", "b"), {"do": "search", "limit": 9}]);
    let came = run(world, &manager, "first", &steps);
    assert_eq!(came[1..], ["denied row-outside", "1 "]);
    others_are_left_alone(world, &manager);
    what_is_taken_away_is_worth_nothing(world, &manager);
}

/// Automations of other departments are not there, and their names are taken.
fn others_are_left_alone(world: &World, manager: &Token) {
    let elsewhere = json!({"plugin": "errand", "department": "second", "grants": []});
    world.put("/v1/automations/theirs", &elsewhere).expect(200);
    world.unchanged(|| {
        let off = json!({"enabled": false});
        world
            .ask(&Method::PATCH, "/v1/automations/theirs")
            .json(&off)
            .by(manager)
            .refused(404, "not-found");
        world
            .put("/v1/automations/theirs", &automation(&[]))
            .by(manager)
            .refused(409, "name-taken");
        let moved = json!({"department": "second"});
        world
            .ask(&Method::PATCH, PATH)
            .json(&moved)
            .by(manager)
            .refused(422, "other-department");
    });
}

fn what_is_taken_away_is_worth_nothing(world: &World, manager: &Token) {
    ceiling(world, &json!([counters(&["read"])]));
    let steps = json!([create("3", "a"), {"do": "search", "limit": 9}]);
    let came = run(world, manager, "lowered", &steps);
    assert_eq!(came, ["denied not-granted", "1 "]);
    let shown = world.get(PATH).expect(200).json();
    let granted = &shown["body"]["grants"];
    assert_eq!(granted, &json!([counters(&["read", "create"])]), "{shown}");
    // Also for a run that only looks.
    ceiling(world, &json!([]));
    let steps = json!([{"do": "search", "limit": 9}]);
    let came = run(world, manager, "emptied", &steps);
    assert_eq!(came, ["denied not-granted"]);
    ceiling(world, &json!([counters(&["read"])]));
    // What is granted above a ceiling can be turned off all the same, and not on again; a ceiling is not left out.
    let patch = |enabled: bool| {
        let ask = world.ask(&Method::PATCH, PATH);
        ask.json(&json!({"enabled": enabled})).by(manager)
    };
    patch(false).expect(200);
    patch(true).refused(422, "ceiling-exceeded");
    world
        .put("/v1/departments/operations", &json!({"name": "Operations"}))
        .refused(422, "ceiling-left-out");
    // An end that has passed, and one that has not.
    let until = |expires_us: i64| {
        let mut grant = counters(&["read"]);
        grant["note"] = json!("for the audit");
        grant["expires_us"] = json!(expires_us);
        automation(&[grant])
    };
    for (expires_us, expected) in [(1, "denied not-granted"), (4_000_000_000_000_000, "1 ")] {
        world.put(PATH, &until(expires_us)).by(manager).expect(200);
        let steps = json!([{"do": "search", "limit": 9}]);
        let came = run(world, manager, &format!("until {expires_us}"), &steps);
        assert_eq!(came, [expected]);
    }
}
