//! A personnel officer's collection: what it refuses, who is held, and how its definition changes.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Ask, World, items};
use crate::place::Place;

const STAFF: &str = "/v1/collections/staff";

fn staff() -> Value {
    json!({
        "schema": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string"}, "team": {"type": "string"}, "pay": {"type": "string"}
            }
        },
        "indexed": [{"name": "name", "type": "text"}, {"name": "team", "type": "text"}],
        "references": [{"field": "team", "collection": "teams", "on_delete": "null"}],
        "fields": {"pay": {"class": "confidential", "tags": ["payroll"]}}
    })
}

fn gone(world: &World, path: &str) -> Ask {
    world.ask(&Method::DELETE, path)
}

fn id(reply: &Value) -> String {
    reply["id"].as_str().unwrap_or("?").to_owned()
}

#[test]
fn a_personnel_officer_keeps_staff_on_sqlite() {
    keeps_staff(&World::on(Place::sqlite()));
}

#[test]
fn a_personnel_officer_keeps_staff_on_postgresql() {
    if let Some(place) = Place::postgres() {
        keeps_staff(&World::on(place));
    }
}

fn keeps_staff(world: &World) {
    world.put(STAFF, &staff()).refused(422, "unknown");
    let teams = json!({"schema": {"type": "object"}});
    world.put("/v1/collections/teams", &teams).expect(200);
    world.put(STAFF, &staff()).expect(200);
    let records = format!("{STAFF}/records");
    let others = "/v1/collections/teams/records";
    let team = id(&world
        .post(others, &json!({"name": "Books"}))
        .expect(201)
        .json());
    let nobody = json!({"name": "Ada", "team": "nobody"});
    world
        .post(&records, &nobody)
        .refused(422, "unknown-reference");
    let mut ids = Vec::new();
    for name in ["Ada", "Bo", "Cy"] {
        let body = json!({"name": name, "team": team, "pay": "4100.00"});
        ids.push(id(&world.post(&records, &body).expect(201).json()));
    }
    let of_team =
        json!({"conditions": [{"field": "team", "comparison": "equal", "values": [team]}]});
    let counted = world.post(&format!("{STAFF}/count"), &of_team).expect(200);
    assert_eq!(counted.json(), json!({"count": 3}));
    let asked = json!({"ids": [ids[2], "nobody", ids[0]]});
    let found = world
        .post(&format!("{STAFF}/get"), &asked)
        .expect(200)
        .json();
    let names: Vec<&Value> = items(&found).iter().map(|it| &it["body"]["name"]).collect();
    assert_eq!(names, ["Cy", "Ada"]);

    hold(world, &format!("{records}/{}", ids[0]));
    evolve(world);

    // The team goes, those who named it stay; each image is told with who wrote it.
    gone(world, &format!("{others}/{team}")).expect(204);
    let rest = world
        .get(&format!("{records}/{}", ids[1]))
        .expect(200)
        .json();
    assert_eq!(rest["body"], json!({"name": "Bo", "pay": "4100.00"}));
    let path = format!("/v1/rows/record/{}/history?collection=staff", ids[1]);
    let history = world.get(&path).expect(200).json();
    let causes: Vec<&Value> = items(&history).iter().map(|it| &it["cause"]).collect();
    assert_eq!(causes, ["remove-record", "create-record"]);
    let first = &items(&history)[1]["revision"];
    let path = format!("/v1/rows/record/{}?collection=staff&as_of={first}", ids[1]);
    assert_eq!(world.get(&path).expect(200).json()["body"]["team"], team);
    let absent = "/v1/rows/record/nobody/history?collection=staff";
    world.get(absent).refused(404, "not-found");
}

/// Nobody deletes what is held.
fn hold(world: &World, record: &str) {
    let matter = format!("{record}/holds/audit-2026");
    world
        .put(&matter, &json!({"reason": "Asked for by the auditors."}))
        .expect(200);
    gone(world, record).refused(409, "held");
    let holds = world.get(&format!("{record}/holds")).expect(200).json();
    assert_eq!(holds, json!({"audit-2026": "Asked for by the auditors."}));
    gone(world, &matter).expect(204);
    gone(world, &matter).refused(404, "not-found");
    gone(world, record).expect(204);
}

/// A definition that records break is counted beforehand, and refused.
fn evolve(world: &World) {
    let mut narrow = staff();
    narrow["schema"]["properties"]["name"]["minLength"] = json!(3);
    let found = world
        .post(&format!("{STAFF}/check"), &narrow)
        .expect(200)
        .json();
    assert_eq!((&found["rows"], &found["failing"]), (&json!(2), &json!(2)));
    world.put(STAFF, &narrow).refused(409, "records-fail");
    let mut wider = staff();
    wider["schema"]["properties"]["room"] = json!({"type": "string"});
    wider["indexed"] = json!([
        {"name": "name", "type": "text"}, {"name": "team", "type": "text"}, {"name": "pay", "type": "decimal"}
    ]);
    world.put(STAFF, &wider).expect(200);
    let search =
        json!({"conditions": [{"field": "pay", "comparison": "greater", "values": ["4000"]}]});
    let found = world
        .post(&format!("{STAFF}/search"), &search)
        .expect(200)
        .json();
    assert_eq!(items(&found).len(), 2);
}
