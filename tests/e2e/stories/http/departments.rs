//! What belongs to another department is not there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Reply, Token, World, items};
use crate::place::Place;

/// Stands for an id in what is compared.
const ID: &str = "(id)";
/// The event that both departments' automations get.
const EVENT: &str = "shared";

/// What the first department has, by kind.
struct Theirs {
    automation: String,
    runs: Vec<String>,
    task: String,
    message: String,
    event: String,
}

#[test]
fn another_departments_things_are_answered_as_absent_on_sqlite() {
    answered_as_absent(&World::on(Place::sqlite()));
}

#[test]
fn another_departments_things_are_answered_as_absent_on_postgresql() {
    if let Some(place) = Place::postgres() {
        answered_as_absent(&World::on(place));
    }
}

fn answered_as_absent(world: &World) {
    world
        .put("/v1/departments/second", &json!({"name": "Second"}))
        .expect(200);
    world.define_notes();
    install(world, "errand");
    install(world, "ticker");
    let theirs = work(world);
    let own = own(world);
    // Timers would fire, and change what is counted.
    let stop = json!({"stopped": true, "reason": "a test"});
    world.put("/v1/stop", &stop).expect(200);
    for role in ["operator", "viewer"] {
        let token = world.token(role, Some("second"));
        world.unchanged(|| {
            ids(world, &token, &theirs);
            lists(world, &token, &theirs, &own);
            pages_of_events(world, &token);
        });
    }
    let operator = world.token("operator", Some("second"));
    world.unchanged(|| changes(world, &operator, &theirs));
    let go_on = json!({"stopped": false});
    world.put("/v1/stop", &go_on).expect(200);
    beginnings(world, &operator, &own);
}

/// Uploads a guest of the tests and waits until it is installed.
pub fn install(world: &World, guest: &str) {
    install_component(world, &bursar_artifacts::guest(guest));
}

pub fn install_component(world: &World, component: &[u8]) {
    let upload = world
        .ask(&Method::POST, "/v1/plugins")
        .bytes("application/wasm", component);
    let job = upload.expect(202);
    let place = job.header("location").expect("a place");
    let job = world
        .get(&format!("{place}?wait_ms=30000"))
        .expect(200)
        .json();
    assert_eq!(job["state"], "done", "{job}");
}

fn enable(world: &World, name: &str, plugin: &str, department: &str) {
    let new = json!({"plugin": plugin, "department": department});
    world
        .put(&format!("/v1/automations/{name}"), &new)
        .expect(200);
}

fn run(world: &World, automation: &str, event: &str) -> String {
    let input = json!([
        {"do": "task", "key": event, "assignee": "role:clerk"},
        {"do": "mail", "key": event, "to": "customer@example.com"},
    ]);
    let path = format!("/v1/automations/{automation}/runs?wait_ms=30000");
    let ended = world
        .post(&path, &json!({"event": event, "input": input}))
        .expect(200);
    assert_eq!(ended.json()["state"], "committed", "{}", ended.text());
    ended.id()
}

/// The first department at work. Automations' names surround those of the second.
fn work(world: &World) -> Theirs {
    for name in ["a-first", "m-first", "z-first"] {
        enable(world, name, "errand", "operations");
    }
    enable(world, "a-ticker", "ticker", "operations");
    let runs = vec![
        run(world, "m-first", EVENT),
        run(world, "m-first", "private"),
    ];
    let first = |path: &str| {
        let page = world.get(path).expect(200).json();
        page["items"][0]["id"].as_str().expect("an id").to_owned()
    };
    Theirs {
        automation: "m-first".to_owned(),
        runs,
        task: first("/v1/tasks"),
        message: first("/v1/messages"),
        event: "private".to_owned(),
    }
}

/// What the second department has: the ids of its runs, tasks, messages, automations.
fn own(world: &World) -> BTreeMap<&'static str, BTreeSet<String>> {
    enable(world, "b-second", "errand", "second");
    enable(world, "n-second", "ticker", "second");
    let run = run(world, "b-second", EVENT);
    let of = |path: &str| {
        let page = world.get(path).expect(200).json();
        let ids = items(&page)
            .iter()
            .filter_map(|item| item["id"].as_str().map(str::to_owned));
        ids.collect::<BTreeSet<_>>()
    };
    BTreeMap::from([
        ("/v1/runs", BTreeSet::from([run])),
        ("/v1/tasks", of("/v1/tasks?automation=b-second")),
        ("/v1/messages", of("/v1/messages?automation=b-second")),
        (
            "/v1/automations",
            ["b-second", "n-second"].map(str::to_owned).into(),
        ),
    ])
}

/// An answer without what names it.
fn faceless(reply: &Reply, id: &str) -> (u16, Value) {
    let text = reply.text().replace(id, ID);
    let mut answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    if let Some(members) = answer.as_object_mut() {
        members.remove("request_id");
    }
    (reply.status, answer)
}

/// The same request about what is another's and about what is not there has the same answer.
fn check(
    world: &World,
    token: &Token,
    method: &Method,
    path: &str,
    id: &str,
    body: Option<&Value>,
) {
    let absent: String = id
        .bytes()
        .map(|byte| if byte == b'-' { '-' } else { 'e' })
        .collect();
    let answer = |id: &str| {
        let ask = world.ask(method, &path.replace(ID, id)).by(token);
        let ask = match body {
            Some(body) => ask.json(body),
            None => ask,
        };
        faceless(&ask.send(), id)
    };
    let (theirs, nothing) = (answer(id), answer(&absent));
    assert_eq!(theirs, nothing, "{method} {path}");
    assert!(theirs.0 < 500);
}

fn ids(world: &World, token: &Token, theirs: &Theirs) {
    let get = |path: &str, id: &str| check(world, token, &Method::GET, path, id, None);
    let not_found = |path: &str, id: &str| {
        get(path, id);
        world
            .get(&path.replace(ID, id))
            .by(token)
            .refused(404, "not-found");
    };
    not_found("/v1/automations/(id)", &theirs.automation);
    not_found("/v1/tasks/(id)", &theirs.task);
    not_found("/v1/messages/(id)", &theirs.message);
    for run in &theirs.runs {
        not_found("/v1/runs/(id)", run);
        for digits in [4, 8, 63] {
            not_found("/v1/runs/(id)", run.get(..digits).expect("hex digits"));
        }
    }
    get("/v1/events/(id)", &theirs.event);
    for path in [
        "/v1/runs?automation=(id)",
        "/v1/tasks?automation=(id)",
        "/v1/messages?automation=(id)",
        "/v1/events/shared?automation=(id)",
        "/v1/events/other?automation=(id)",
    ] {
        get(path, &theirs.automation);
    }
}

fn changes(world: &World, token: &Token, theirs: &Theirs) {
    let post = |path: &str, id: &str, body: &Value| {
        check(world, token, &Method::POST, path, id, Some(body));
    };
    let automation = &theirs.automation;
    for body in [json!({}), json!({"event": EVENT}), json!({"subjects": 1})] {
        post("/v1/automations/(id)/runs", automation, &body);
        post("/v1/automations/(id)/previews", automation, &body);
    }
    for body in [
        json!({"choice": "yes"}),
        json!({"choice": "yes", "note": "x"}),
        json!({}),
    ] {
        post("/v1/tasks/(id)/answer", &theirs.task, &body);
    }
    let task = format!("/v1/tasks/{}/answer", theirs.task);
    let answer = world.post(&task, &json!({"choice": "yes"})).by(token);
    answer.header("if-match", "\"1\"").refused(404, "not-found");
}

/// Lists show what is one's own, all of it, and nothing else.
fn lists(
    world: &World,
    token: &Token,
    theirs: &Theirs,
    own: &BTreeMap<&'static str, BTreeSet<String>>,
) {
    for (path, own) in own {
        for query in ["", "?limit=1", "?limit=1000"] {
            let mut found = BTreeSet::new();
            let mut after = String::new();
            loop {
                let joint = if query.is_empty() { '?' } else { '&' };
                let page = match after.as_str() {
                    "" => format!("{path}{query}"),
                    after => format!("{path}{query}{joint}after={after}"),
                };
                let page = world.get(&page).by(token).expect(200).json();
                found.extend(
                    items(&page)
                        .iter()
                        .filter_map(|item| item["id"].as_str().map(str::to_owned)),
                );
                let Some(next) = page["next"].as_str() else {
                    break;
                };
                assert!(
                    own.iter().any(|id| next.contains(id.as_str()))
                        || *path == "/v1/tasks"
                        || *path == "/v1/automations",
                    "{path}: {next} is not one's own"
                );
                next.clone_into(&mut after);
            }
            assert_eq!(&found, own, "{path}{query}");
        }
    }
    for path in [
        "/v1/runs",
        "/v1/tasks",
        "/v1/messages",
        "/v1/timers",
        "/v1/automations",
        "/v1/events/shared",
        "/v1/events/private",
    ] {
        let text = world.get(path).by(token).expect(200).text();
        let ids = theirs
            .runs
            .iter()
            .chain([&theirs.automation, &theirs.task, &theirs.message]);
        for id in ids {
            assert!(!text.contains(id.as_str()), "{path} shows {id}");
        }
        assert!(
            !text.contains("-first") && !text.contains("a-ticker"),
            "{path}: {text}"
        );
    }
    let timers = world.get("/v1/timers").by(token).expect(200).json();
    assert_eq!(items(&timers).len(), 1);
}

/// An event's pages hold as many of one's own automations as asked for, wherever others' stand between them.
fn pages_of_events(world: &World, token: &Token) {
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = world
            .get(&format!("/v1/events/shared?limit=1{after}"))
            .by(token)
            .expect(200)
            .json();
        let automations = page["automations"].as_array().expect("automations");
        assert_eq!(automations.len(), 1, "a page has a gap: {page}");
        seen.extend(
            automations
                .iter()
                .filter_map(|answer| answer["automation"].as_str().map(str::to_owned)),
        );
        match page["next"].as_str() {
            Some(next) => {
                assert!(
                    seen.iter().any(|own| own == next),
                    "{next} is another department's"
                );
                after = format!("&after={next}");
            }
            None => break,
        }
    }
    assert_eq!(seen, ["b-second", "n-second"]);
}

/// The beginning of a run's id finds one's own run, also where another department's begins alike.
fn beginnings(world: &World, operator: &Token, own: &BTreeMap<&'static str, BTreeSet<String>>) {
    let run = own["/v1/runs"].first().expect("a run");
    let beginning = run.get(..4).expect("hex digits");
    let alike = (0..10_000_000)
        .map(|n| format!("event-{n}"))
        .find(|event| bursar_office::run_id("m-first", event).starts_with(beginning));
    let theirs = self::run(world, "m-first", &alike.expect("one in 65,536 begins so"));
    assert!(theirs.starts_with(beginning));
    let path = format!("/v1/runs/{beginning}");
    let found = world.get(&path).by(operator).expect(200).json();
    assert_eq!(found["run"]["id"], **run);
    world.get(&path).refused(409, "run-ambiguous");
}
