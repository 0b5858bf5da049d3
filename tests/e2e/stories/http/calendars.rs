//! A planner's autumn: a shift plan over the end of daylight saving, who is busy, and the same plan in another program.

use bursar_domain::time;
use serde_json::{Value, json};
use ureq::http::Method;

use super::{World, items};
use crate::{office::DEPARTMENT, place::Place};

fn at(text: &str) -> i64 {
    time::from_rfc3339(text).expect("an instant")
}

fn window(from: &str, to: &str) -> Value {
    json!({"start_us": at(from), "end_us": at(to)})
}

fn calendar(world: &World, id: &str) {
    let body = json!({"name": "Night desk", "department": DEPARTMENT, "zone": "Europe/Vienna"});
    let made = world.put(&format!("/v1/calendars/{id}"), &body).expect(200);
    assert_eq!(made.json()["body"], body);
}

fn nights() -> Value {
    json!({
        "kind": "shift", "title": "Night shift", "attendees": ["Ada"],
        "start": "2026-10-23T22:00:00[Europe/Vienna]", "length": "PT8H", "rules": ["FREQ=DAILY;COUNT=3"],
        "overrides": [{
            "original": "2026-10-25T22:00:00[Europe/Vienna]",
            "moved": {"start": "2026-10-25T23:00:00[Europe/Vienna]", "length": "PT7H"},
        }],
    })
}

/// Start and end of each occurrence in October.
fn october(world: &World, id: &str) -> Vec<[String; 2]> {
    let (from, to) = (at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    let path = format!("/v1/calendars/{id}/occurrences?from_us={from}&to_us={to}");
    let page = world.get(&path).expect(200).json();
    let instant = |one: &Value, name: &str| {
        let at_us = one[name].as_i64().expect("an instant");
        time::rfc3339(at_us)
    };
    items(&page)
        .iter()
        .map(|one| [instant(one, "start_us"), instant(one, "end_us")])
        .collect()
}

fn pairs(expected: &[[&str; 2]]) -> Vec<[String; 2]> {
    expected
        .iter()
        .map(|pair| pair.map(str::to_owned))
        .collect()
}

/// Who is busy, and when everybody is free: asking changes nothing, and no title is told.
fn answered_for(world: &World) {
    let of = json!({"calendars": ["desk", "elsewhere"], "person": "Ada"});
    let asked = json!({"of": of, "window": window("2026-10-24T00:00:00Z", "2026-10-25T00:00:00Z")});
    let busy = world.unchanged(|| world.post("/v1/free-busy", &asked).expect(200).json());
    let taken = [
        window("2026-10-24T00:00:00Z", "2026-10-24T04:00:00Z"),
        window("2026-10-24T20:00:00Z", "2026-10-25T00:00:00Z"),
    ];
    assert_eq!(items(&busy), taken);
    assert!(!busy.to_string().contains("Night"), "{busy}");
    let shifts = json!([{"weekday": "saturday", "from": "00:00", "to": "12:00"}]);
    let search = json!({
        "window": window("2026-10-23T22:00:00Z", "2026-10-25T00:00:00Z"), "length": "PT2H", "buffer": "PT1H",
        "attendees": [{"busy": of, "hours": {"zone": "Europe/Vienna", "shifts": shifts}}], "at_most": 5,
    });
    let slots = world.unchanged(|| world.post("/v1/find-slots", &search).expect(200).json());
    let free = [
        window("2026-10-24T05:00:00Z", "2026-10-24T07:00:00Z"),
        window("2026-10-24T07:00:00Z", "2026-10-24T09:00:00Z"),
    ];
    assert_eq!(items(&slots), free);
}

/// The plan as a file, taken in elsewhere.
fn exchanged(world: &World, expected: &[[String; 2]]) {
    let file = world.get("/v1/calendars/desk/entries.ics").expect(200);
    assert_eq!(
        file.header("content-type"),
        Some("text/calendar; charset=utf-8")
    );
    assert!(
        file.text()
            .contains("DTSTART;TZID=Europe/Vienna:20261023T220000")
    );
    let import = |body: &[u8]| {
        world
            .ask(&Method::POST, "/v1/calendars/elsewhere/entries.ics")
            .bytes("text/calendar", body)
    };
    let report = import(&file.body).expect(200).json();
    assert_eq!(report["created"], 1, "{report}");
    assert_eq!(october(world, "elsewhere"), expected);
    let again = world.unchanged(|| import(&file.body).expect(200).json());
    assert_eq!(again["unchanged"], 1, "{again}");
    import(b"<html>").refused(422, "not-a-calendar");
    import(b"\xff").refused(422, "not-utf-8");
    let json = world.post("/v1/calendars/elsewhere/entries.ics", &json!({}));
    json.refused(415, "media-type-unsupported");
}

fn replaced_and_removed(world: &World, place: &str, tag: &str) {
    let mut shorter = nights();
    shorter["rules"] = json!(["FREQ=DAILY;COUNT=2"]);
    let stale = world.put(place, &shorter).header("if-match", "\"1\"");
    stale.refused(412, "revision-changed");
    let changed = world.put(place, &shorter).header("if-match", tag);
    changed.expect(200);
    let faulty = world.put(
        place,
        &json!({"kind": "shift", "title": "", "start": "soon", "length": "P1D"}),
    );
    let problem = faulty.refused(422, "not-a-moment");
    assert_eq!(problem["problems"][0]["pointer"], "/start");
    world.ask(&Method::DELETE, place).expect(204);
    assert!(october(world, "desk").is_empty());
}

#[test]
fn a_shift_plan_over_the_end_of_daylight_saving_is_shown_answered_for_and_exchanged() {
    let world = World::on(Place::sqlite());
    for id in ["desk", "elsewhere"] {
        calendar(&world, id);
    }
    let made = world
        .post("/v1/calendars/desk/entries", &nights())
        .expect(201);
    let place = made.header("location").expect("its place").to_owned();
    let tag = made.header("etag").expect("its tag").to_owned();
    assert_eq!(made.json()["body"]["length"], "PT28800S");
    let expected = pairs(&[
        ["2026-10-23T20:00:00Z", "2026-10-24T04:00:00Z"],
        ["2026-10-24T20:00:00Z", "2026-10-25T04:00:00Z"],
        ["2026-10-25T22:00:00Z", "2026-10-26T05:00:00Z"],
    ]);
    assert_eq!(october(&world, "desk"), expected);

    answered_for(&world);
    exchanged(&world, &expected);
    replaced_and_removed(&world, &place, &tag);
    assert_eq!(october(&world, "elsewhere"), expected);
    let show = [
        "calendar",
        "show",
        "elsewhere",
        "--from",
        "2026-10-23",
        "--days",
        "5",
    ];
    let shown = world.place.call(&show);
    assert_eq!(shown.as_array().map(Vec::len), Some(3), "{shown}");
    world.stop().0.assert_clean();
}
