//! Pages: where the next one begins, and what is no such place.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use ureq::http::Method;

use super::{World, items};
use crate::place::Place;

const NOTES: usize = 7;

#[test]
fn pages_follow_each_other_and_nothing_else_is_taken_for_a_place_on_sqlite() {
    pages(&World::on(Place::sqlite()));
}

#[test]
fn pages_follow_each_other_and_nothing_else_is_taken_for_a_place_on_postgresql() {
    if let Some(place) = Place::postgres() {
        pages(&World::on(place));
    }
}

fn pages(world: &World) {
    world.define_notes();
    let shifts = json!({"name": "Shifts", "department": "operations", "zone": "Europe/Vienna"});
    world.put("/v1/calendars/shifts", &shifts).expect(200);
    for count in 0..NOTES {
        world
            .post("/v1/collections/notes/records", &json!({"count": count}))
            .expect(201);
        world
            .put(&format!("/v1/departments/d{count}"), &json!({"name": "D"}))
            .expect(200);
    }
    for listing in [
        "/v1/collections/notes/records",
        "/v1/departments",
        "/v1/log",
        "/v1/rows/department",
    ] {
        let all = walked(world, listing, 1000);
        assert!(all.len() >= NOTES, "{listing}");
        for limit in [1, 2, 3] {
            assert_eq!(walked(world, listing, limit), all, "{listing} by {limit}");
        }
    }
    searched(world);
    let put = world.ask(&Method::PUT, "/v1/folders/inbox/documents/a.txt");
    put.bytes("text/plain", b"one").expect(200);
    let document = world.get("/openapi.json").expect(200).json();
    world.unchanged(|| {
        unusable(world, &document);
        limits(world, &document);
    });
}

/// All items of a listing, page by page.
fn walked(world: &World, listing: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = world
            .get(&format!("{listing}?limit={limit}{after}"))
            .expect(200)
            .json();
        assert!(items(&page).len() <= limit);
        found.extend_from_slice(items(&page));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
        assert!(found.len() < 1000, "{listing} has no end");
    }
}

fn searched(world: &World) {
    let search = |after: &Value| {
        let asked = json!({"order": [{"field": "count", "direction": "descending"}], "limit": 2, "after": after});
        world.post("/v1/collections/notes/search", &asked)
    };
    let mut counts = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = search(&after).expect(200).json();
        counts.extend(
            items(&page)
                .iter()
                .filter_map(|item| item["body"]["count"].as_u64()),
        );
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(counts, (0..NOTES as u64).rev().collect::<Vec<_>>());
    let other = world.get("/v1/departments?limit=1").expect(200).json();
    for bad in [&json!("x"), &json!(""), &other["next"]] {
        search(bad).refused(422, "cursor-unusable");
    }
}

/// Listings whose cursors are opaque know a forged one; the others take any text for an id that something follows.
fn unusable(world: &World, document: &Value) {
    let mut opaque = BTreeSet::new();
    let next = |path: &str| {
        let page = world.get(path).expect(200).json();
        page["next"].as_str().expect("there is more").to_owned()
    };
    let cursor = next("/v1/departments?limit=1");
    let foreign = next("/v1/collections/notes/records?limit=1");
    let cut = cursor.get(..cursor.len() - 1).expect("ASCII");
    let shorter = cursor.get(..34).expect("ASCII");
    let other = cursor.replace(['0', '1'], "2");
    let long = "f".repeat(10_000);
    for path in listings(world, document, "after") {
        for bad in [
            "",
            "zzz",
            "0",
            "ff",
            "-1",
            "1.",
            ".",
            "%F0%9F%8C%8D",
            &foreign,
            cut,
            shorter,
            &other,
            &long,
        ] {
            let reply = world
                .get(&format!("{path}{}after={bad}", joint(&path)))
                .send();
            if reply.status == 200 {
                continue;
            }
            let status = if reply.status == 422 { 422 } else { 400 };
            reply.problem(status, "cursor-unusable");
            opaque.insert(path.clone());
        }
    }
    for path in [
        "/v1/departments",
        "/v1/tokens",
        "/v1/plugins",
        "/v1/tasks",
        "/v1/automations",
        "/v1/runs",
        "/v1/messages",
        "/v1/log",
    ] {
        assert!(opaque.contains(path), "{path} takes anything for a cursor");
    }
    for bad in [&foreign, cut, shorter, &other] {
        let path = format!("/v1/departments?limit=1&after={bad}");
        world.get(&path).refused(422, "cursor-unusable");
    }
}

fn limits(world: &World, document: &Value) {
    for path in listings(world, document, "limit") {
        for bad in [
            "0",
            "1001",
            "-1",
            "abc",
            "",
            "1.0",
            "4294967296",
            "99999999999999999999",
        ] {
            let problem = world.get(&format!("{path}{}limit={bad}", joint(&path)));
            problem.refused(400, "parameter-invalid");
        }
        for good in ["1", "1000"] {
            world
                .get(&format!("{path}{}limit={good}", joint(&path)))
                .expect(200);
        }
    }
}

/// Paths of operations that read and have a parameter, with something that is there in the place of their parts.
fn listings(world: &World, document: &Value, parameter: &str) -> Vec<String> {
    let documents = world.get("/v1/documents?folder=inbox").expect(200).json();
    let known = items(&documents)[0]["id"].as_str().expect("an id");
    let known = format!("/v1/documents/{known}/");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let parameters = item["get"]["parameters"].as_array();
        if parameters
            .into_iter()
            .flatten()
            .any(|known| known["name"] == parameter)
        {
            let path = path
                .replace("/v1/documents/{id}/", &known)
                .replace("/v1/rows/{kind}/{id}/", "/v1/rows/department/operations/")
                .replace("{collection}", "notes")
                .replace("{calendar}", "shifts")
                .replace("{kind}", "department")
                .replace("{id}", "some");
            found.push(if path == "/v1/documents" {
                format!("{path}?folder=inbox")
            } else {
                path
            });
        }
    }
    assert!(found.len() > 10);
    found
}

fn joint(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}
