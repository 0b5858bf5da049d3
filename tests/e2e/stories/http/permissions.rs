//! Who may do what: shown before somebody says yes, afterwards, and to whoever looks back.

use serde_json::{Value, json};

use super::{Token, World, departments::install_component, items};
use crate::place::Place;

const PATH: &str = "/v1/automations/helper";

/// Records of team a; what is internal is not said.
fn counters(operations: &[&str], class: Option<&str>) -> Value {
    let mut permission = json!({
        "kind": "records", "collection": "counters", "operations": operations, "rows": {"team": ["a"]},
    });
    if let Some(class) = class {
        permission["class"] = json!(class);
    }
    permission
}

/// The guest `errand`, asking for confidential fields as well, and for what is said.
fn errand(version: &str, asks: &str) -> Vec<u8> {
    let manifest = bursar_artifacts::manifest("errand")
        .replace("1.0.0", version)
        .replace(
            "reason = \"to try every",
            "class = \"confidential\"\nreason = \"to try every",
        );
    let module = bursar_artifacts::module("errand");
    let made = bursar_runtime::package::assemble(&module, &format!("{manifest}\n{asks}"));
    made.expect("a component")
}

fn automation(plugin: &str, grants: &[Value]) -> Value {
    json!({"plugin": plugin, "department": "operations", "grants": grants})
}

fn ceiling(world: &World, permissions: &[Value]) {
    let department = json!({"name": "Operations", "ceiling": permissions});
    world
        .put("/v1/departments/operations", &department)
        .expect(200);
}

/// A world with five records of two teams, and with what a plugin of operations may be granted of them.
fn world_on(place: Place) -> World {
    let world = World::on(place);
    let definition = json!({
        "schema": {"type": "object", "properties": {"team": {"type": "string"}, "pay": {"type": "integer"}}},
        "indexed": [{"name": "team", "type": "text"}, {"name": "pay", "type": "integer"}],
        "fields": {"pay": {"class": "confidential"}},
    });
    world
        .put("/v1/collections/counters", &definition)
        .expect(200);
    for (team, pay) in [("a", 100), ("a", 200), ("b", 100), ("b", 300), ("b", 400)] {
        let record = json!({"team": team, "pay": pay});
        world
            .post("/v1/collections/counters/records", &record)
            .expect(201);
    }
    install_component(&world, &errand("1.0.0", ""));
    let all = ["read", "create", "update"];
    let clerk = json!({"kind": "tasks", "role": "clerk"});
    ceiling(&world, &[counters(&all, Some("confidential")), clerk]);
    world
}

fn codes(consent: &Value) -> Vec<&str> {
    let problems = consent["problems"].as_array().expect("problems");
    let codes = problems.iter().map(|problem| problem["code"].as_str());
    codes.map(|code| code.expect("a code")).collect()
}

#[test]
fn whoever_enables_an_automation_sees_what_for_on_sqlite() {
    whoever_enables_sees_what_for(&world_on(Place::sqlite()));
}

#[test]
fn whoever_enables_an_automation_sees_what_for_on_postgresql() {
    if let Some(place) = Place::postgres() {
        whoever_enables_sees_what_for(&world_on(place));
    }
}

fn whoever_enables_sees_what_for(world: &World) {
    let manager = world.token_of("manager");
    let check = |grants: &[Value], by: &Token| {
        let asked = automation("errand", grants);
        let path = format!("{PATH}/checks");
        world.unchanged(|| world.post(&path, &asked).by(by).expect(200).json())
    };
    let rows = |rows: u32| json!({"kind": "rows", "rows": rows, "is_more": false});
    let mail = json!({"kind": "messages", "recipients": ["example.com"]});
    let own = counters(&["read"], None);
    let consent = check(&[own.clone(), mail], &manager);
    let grants = &consent["permissions"]["grants"];
    assert_eq!(grants[0]["reach"], rows(2), "{consent:#}");
    assert_eq!(grants[0]["worth"], "whole");
    assert_eq!(grants[0]["reason"], "to try every operation");
    assert_eq!(grants[0]["risk"]["level"], "low");
    assert_eq!(grants[1]["worth"], "above-ceiling");
    assert_eq!(grants[1]["reach"], json!({"kind": "uncounted"}));
    assert_eq!(codes(&consent), ["ceiling-exceeded"]);
    assert_eq!(consent["problems"][0]["pointer"], "/grants/1");
    let gained = &consent["difference"]["gained"];
    assert_eq!(
        gained[0], "records of \"counters\": read, where team is \"a\"",
        "{consent:#}"
    );
    // What a department may not have is not counted for its people; what a hidden field would pick, for nobody.
    let auditing = world.token("admin", None);
    let mut by_pay = own.clone();
    by_pay["rows"]["pay"] = json!([100]);
    let mut theirs = own.clone();
    theirs["rows"] = json!({"team": ["b"]});
    let uncounted = json!({"kind": "uncounted"});
    for (grant, token, reach) in [
        (&by_pay, &manager, rows(0)),
        (&by_pay, &auditing, rows(0)),
        (&theirs, &manager, uncounted),
        (&theirs, &auditing, rows(3)),
    ] {
        let consent = check(std::slice::from_ref(grant), token);
        assert_eq!(consent["permissions"]["grants"][0]["reach"], reach);
    }
    let many = vec![own.clone(); 201];
    world
        .post(&format!("{PATH}/checks"), &automation("errand", &many))
        .by(&manager)
        .refused(422, "too-many");
    // Another department.
    let elsewhere = json!({"plugin": "errand", "department": "second", "grants": []});
    world
        .post(&format!("{PATH}/checks"), &elsewhere)
        .by(&manager)
        .refused(422, "other-department");
    what_is_granted_is_shown(world, &manager, &own);
}

fn what_is_granted_is_shown(world: &World, manager: &Token, own: &Value) {
    let enabled = automation("errand", std::slice::from_ref(own));
    world.put(PATH, &enabled).by(manager).expect(200);
    let viewer = world.token_of("viewer");
    let shown = world
        .get(&format!("{PATH}/permissions"))
        .by(&viewer)
        .expect(200);
    assert_eq!(
        shown.json()["grants"][0]["reach"],
        json!({"kind": "rows", "rows": 2, "is_more": false}),
        "{}",
        shown.text()
    );
    let withheld = shown.json()["withheld"].as_array().map(Vec::len);
    assert_eq!(withheld, Some(5), "{}", shown.text());
    ceiling(world, &[counters(&["create"], None)]);
    let table = world
        .get(&format!("{PATH}/permissions?format=csv"))
        .expect(200);
    assert_eq!(table.header("content-type"), Some("text/csv"));
    let lines: Vec<String> = table.text().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("permission,worth,"), "{lines:?}");
    assert!(lines[1].contains(",above-ceiling,"), "{lines:?}");
}

#[test]
fn an_auditor_finds_out_who_may_and_what_changed_on_sqlite() {
    an_auditor_finds_out(&world_on(Place::sqlite()));
}

#[test]
fn an_auditor_finds_out_who_may_and_what_changed_on_postgresql() {
    if let Some(place) = Place::postgres() {
        an_auditor_finds_out(&world_on(place));
    }
}

fn an_auditor_finds_out(world: &World) {
    let (auditor, manager) = (world.token_of("auditor"), world.token_of("manager"));
    let operator = world.token_of("operator");
    let who = |question: &str| -> Vec<String> {
        let path = format!("/v1/access?{question}");
        let page = world.get(&path).by(&auditor).expect(200).json();
        let id = |holder: &Value| holder["id"].as_str().expect("an id").to_owned();
        items(&page).iter().map(id).collect()
    };
    let is_there = |question: &str, id: &str| who(question).iter().any(|one| one == id);
    let pay = "collection=counters&field=pay";
    let begun = world.get("/v1/log?limit=1").expect(200).json();
    let since_us = items(&begun)[0]["at_us"].as_i64().expect("a time") + 1;
    let put = |class: Option<&str>| {
        let grants = [counters(&["read"], class)];
        world
            .put(PATH, &automation("errand", &grants))
            .by(&manager)
            .expect(200);
    };
    put(None);
    assert!(!is_there(pay, "helper") && is_there("collection=counters", "helper"));
    // Operators see what it changes; managers may grant more, as long as the ceiling has it.
    assert!(is_there("collection=counters", &operator.id) && !is_there(pay, &operator.id));
    assert!(is_there(pay, &manager.id));
    put(Some("confidential"));
    assert!(is_there(pay, "helper") && is_there(pay, &auditor.id));
    assert!(!is_there(&format!("{pay}&operation=update"), "helper"));
    assert!(!is_there(&format!("{pay}&operation=update"), &auditor.id));
    // Lowered for the whole department, it holds at once; and nobody changed the automation.
    ceiling(world, &[counters(&["read"], None)]);
    assert!(!is_there(pay, "helper") && !is_there(pay, &manager.id));
    for (question, status, code) in [
        ("", 400, "parameter-invalid"),
        ("collection=counters&folder=in", 400, "parameter-invalid"),
        ("folder=in&field=pay", 400, "parameter-invalid"),
        (
            "collection=counters&operation=steal",
            400,
            "parameter-invalid",
        ),
        ("collection=nothing", 422, "collection-unknown"),
    ] {
        let path = format!("/v1/access?{question}");
        world.get(&path).by(&auditor).refused(status, code);
    }
    what_changed_is_told(world, &auditor, &manager, since_us);
}

fn what_changed_is_told(world: &World, auditor: &Token, manager: &Token, since_us: i64) {
    let changes = format!("/v1/permission-changes?since_us={since_us}");
    let page = world.get(&changes).by(auditor).expect(200).json();
    let told = |change: &Value| {
        let text = |name: &str| change[name].as_str().expect("a text").to_owned();
        (text("subject"), text("author"))
    };
    let found: Vec<_> = items(&page).iter().map(told).collect();
    let helper = "automation/helper".to_owned();
    let by = format!("token:{}", manager.id);
    assert_eq!(found[0].0, "department/operations", "{page:#}");
    assert_eq!(found[1..], [(helper.clone(), by.clone()), (helper, by)]);
    let raised = &items(&page)[1];
    let words = "records of \"counters\": read, fields up to confidential, where team is \"a\"";
    assert_eq!(raised["gained"], json!([words]), "{page:#}");
    assert_eq!(
        raised["lost"],
        json!([]),
        "a higher class allows what the lower one did"
    );
    // One by one they are the same, and from the beginning there are more.
    let mut singly = Vec::new();
    let mut next = Value::Null;
    loop {
        let after = next.as_str().map(|next| format!("&after={next}"));
        let path = format!("{changes}&limit=1{}", after.unwrap_or_default());
        let page = world.get(&path).by(auditor).expect(200).json();
        singly.extend(items(&page).to_vec());
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(singly, items(&page));
    let all = world.get("/v1/permission-changes?limit=1000").expect(200);
    let subjects: Vec<String> = items(&all.json()).iter().map(|it| told(it).0).collect();
    assert!(
        subjects.contains(&format!("token/{}", auditor.id)),
        "{subjects:?}"
    );
    assert!(subjects.contains(&"collection/counters".to_owned()));
    let table = world
        .get(&format!("{changes}&limit=1&format=csv"))
        .expect(200);
    let link = table.header("link").expect("there are more");
    assert!(link.ends_with("; rel=\"next\""), "{link}");
    let next = link.trim_start_matches('<').split('>').next();
    let next = world.get(next.expect("a place")).expect(200).text();
    assert!(next.contains(",automation/helper,"), "{next}");
}

#[test]
fn a_row_tells_which_plugin_version_wrote_it_and_an_upgrade_waits_on_sqlite() {
    an_upgrade_waits(&world_on(Place::sqlite()));
}

#[test]
fn a_row_tells_which_plugin_version_wrote_it_and_an_upgrade_waits_on_postgresql() {
    if let Some(place) = Place::postgres() {
        an_upgrade_waits(&world_on(place));
    }
}

/// Runs the automation; gives the record that it makes.
fn made(world: &World, key: &str) -> String {
    let steps = json!([{"do": "create", "key": key, "body": json!({"team": "a"}).to_string()}]);
    let start = json!({"event": key, "input": steps});
    let run = world
        .post(&format!("{PATH}/runs?wait_ms=30000"), &start)
        .expect(200)
        .json();
    assert_eq!(run["state"], "committed", "{run:#}");
    let rows = world.get("/v1/rows/record?collection=counters&limit=1000");
    let newest = rows.expect(200).json();
    let newest = items(&newest)
        .iter()
        .max_by_key(|row| row["revision"].as_i64());
    let id = newest.and_then(|row| row["id"].as_str());
    id.expect("a record").to_owned()
}

fn author(world: &World, record: &str) -> Value {
    let path = format!("/v1/rows/record/{record}/history?collection=counters");
    let history = world.get(&path).expect(200).json();
    items(&history)[0]["plugin"].clone()
}

fn an_upgrade_waits(world: &World) {
    let manager = world.token_of("manager");
    let grants = [counters(&["read", "create"], None)];
    world
        .put(PATH, &automation("errand", &grants))
        .by(&manager)
        .expect(200);
    let record = made(world, "first");
    let wrote = author(world, &record);
    assert_eq!(
        (&wrote["name"], &wrote["version"], &wrote["publisher"]),
        (&json!("errand"), &json!("1.0.0"), &json!("Example"))
    );
    let words = "records of \"counters\": read, create, where team is \"a\"";
    assert_eq!(wrote["grants"], json!([words]));
    let first = wrote["sha256"].as_str().expect("a digest").to_owned();
    let patched = json!({"team": "a", "pay": 7});
    let path = format!("/v1/collections/counters/records/{record}");
    world
        .ask(&ureq::http::Method::PATCH, &path)
        .json(&patched)
        .expect(200);
    assert_eq!(author(world, &record), Value::Null, "a person wrote it");

    assert!(items(&world.get("/v1/upgrades").expect(200).json()).is_empty());
    let boss = "[[permissions]]\nkind = \"tasks\"\nrole = \"boss\"\nreason = \"to ask the boss\"\n";
    install_component(world, &errand("2.0.0", boss));
    let waiting = world.get("/v1/upgrades").by(&manager).expect(200).json();
    let upgrade = &items(&waiting)[0];
    assert_eq!(upgrade["to"]["version"], "2.0.0", "{waiting:#}");
    let more = &upgrade["changes"]["asks_more"];
    assert_eq!(more[0]["reason"], "to ask the boss", "{waiting:#}");
    assert_eq!(more.as_array().map(Vec::len), Some(1), "{waiting:#}");
    let second = upgrade["to"]["plugin"].as_str().expect("a digest");
    let to = |plugin: &str, approved: bool| {
        let asked = json!({"plugin": plugin, "approved": approved});
        world.post(&format!("{PATH}/upgrades"), &asked).by(&manager)
    };
    world.unchanged(|| {
        to(second, false).refused(409, "approval-needed");
        // Nor does somebody's word go beyond what the department may be granted.
        to(second, true).refused(422, "ceiling-exceeded");
        to("nothing", true).refused(422, "unknown");
    });
    // Nor does it come with enabling once more, which leaves what is granted as it is.
    let again = json!({"plugin": "errand", "department": "operations"});
    world.unchanged(|| {
        world
            .put(PATH, &again)
            .by(&manager)
            .refused(409, "approval-needed");
        let same = json!({"plugin": first, "department": "operations"});
        world.put(PATH, &same).by(&manager).expect(200);
    });
    // The old version runs on.
    let wrote = author(world, &made(world, "second"));
    assert_eq!(wrote["version"], "1.0.0");
    let boss = json!({"kind": "tasks", "role": "boss"});
    ceiling(world, &[counters(&["read", "create"], None), boss.clone()]);
    let upgraded = to(second, true).expect(200).json();
    assert_eq!(upgraded["body"]["grants"], json!([grants[0], boss]));
    assert!(items(&world.get("/v1/upgrades").expect(200).json()).is_empty());
    let wrote = author(world, &made(world, "third"));
    assert_eq!(wrote["version"], "2.0.0");
    // And back: it asks for nothing more, and what it does not ask for is given up.
    let back = to(&first, false).expect(200).json();
    assert_eq!(back["body"]["grants"], json!(grants));
    let wrote = author(world, &made(world, "fourth"));
    assert_eq!(wrote["version"], "1.0.0");
}
