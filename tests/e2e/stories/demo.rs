//! The whole demo over HTTP: from an empty data folder to a verified log, as a program far away would do it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    bank::{demo, json_of, outcomes, outcomes_of, shown},
    http::{Ask, Reply, Token, World, items},
    place::{Place, say},
    waiting::eventually,
};

const STATEMENTS: &str = "bank-reconciliation";
const REMINDERS: &str = "overdue-reminders";
/// As the issue asks of the demo.
const REMINDERS_MIN: usize = 10;
/// The jobs and runs of this story take seconds.
const WAIT: &str = "wait_ms=30000";

#[test]
fn the_whole_demo_is_driven_over_http_on_sqlite() {
    tell(Place::sqlite());
}

#[test]
fn the_whole_demo_is_driven_over_http_on_postgresql() {
    if let Some(place) = Place::postgres() {
        tell(place);
    }
}

fn tell(place: Place) {
    let world = World::fresh(place);
    let world = &world;
    world
        .get("/v1/status")
        .authorized(None)
        .refused(401, "token-missing");
    load(world);
    install(world);
    enable(world);
    let auditor = world.token("auditor", None);
    let first = upload(world, "statement.xml");
    let overlap = upload(world, "statement-overlap.xml");
    reconcile(world, &first, &overlap);
    answer(world);
    remind(world);
    tells_who_did_what(world);
    audit(world, &auditor);
}

fn load(world: &World) {
    let company = json_of(&demo("company.json"));
    let loaded = world.post("/v1/samples", &company).expect(200).json();
    let invoices = company["invoices"].as_array().map(Vec::len);
    assert_eq!(loaded["invoices"], json!(invoices));
    assert_eq!(loaded["changed"], true);
    let again = world.post("/v1/samples", &company).expect(200).json();
    assert_eq!(again["changed"], false, "loading again changed something");
}

/// Uploads both plugins, twice, and looks at what was installed.
fn install(world: &World) {
    let folder = bursar_artifacts::workspace()
        .join("plugins")
        .join(REMINDERS);
    let reminders = bursar_artifacts::committed(&folder).expect("its component is committed");
    for component in [bursar_artifacts::plugin(STATEMENTS), reminders] {
        let installed = install_one(world, &component);
        assert!(installed["commit"].is_i64(), "{installed}");
        let again = install_one(world, &component);
        assert_eq!(again["commit"], Value::Null, "it was installed before");
        let digest = again["digest"].as_str().expect("a digest");
        let plugin = world.get(&format!("/v1/plugins/{digest}")).expect(200);
        let plugin = &plugin.json()["body"];
        let asks = plugin["manifest"]["permissions"].as_array();
        let reasons = asks.expect("permissions").iter().map(|ask| &ask["reason"]);
        assert!(reasons.clone().count() > 0);
        assert!(reasons.clone().all(Value::is_string), "{plugin}");
        assert!(plugin["manifest"]["limits"].is_object(), "{plugin}");
        assert!(
            plugin["imports"].as_array().map(Vec::len) > Some(5),
            "{plugin}"
        );
    }
}

/// Uploads a component and waits for the job.
fn install_one(world: &World, component: &[u8]) -> Value {
    let upload = world.ask(&Method::POST, "/v1/plugins");
    let started = upload.bytes("application/wasm", component).expect(202);
    let job = ended(&started, |path| world.get(path));
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["steps_done"], job["steps"], "{job}");
    job["result"].clone()
}

/// Waits for the end of a job that was just started, asking in somebody's name.
fn ended(started: &Reply, ask: impl Fn(&str) -> Ask) -> Value {
    let place = started.header("location").expect("the job's place");
    let path = format!("{place}?{WAIT}");
    eventually("the job's end", || {
        let job = ask(&path).expect(200).json();
        (job["state"] != "running").then_some(job)
    })
}

fn enable(world: &World) {
    for (name, config) in [(STATEMENTS, "config.json"), (REMINDERS, "reminders.json")] {
        let asked =
            json!({"plugin": name, "department": "finance", "config": json_of(&demo(config))});
        let path = format!("/v1/automations/{name}");
        let enabled = world.put(&path, &asked).header("if-none-match", "*");
        assert_eq!(enabled.expect(200).json()["body"]["enabled"], true);
        let again = world.put(&path, &asked).header("if-none-match", "*");
        again.refused(412, "revision-changed");
    }
    let wrong = json!({"plugin": STATEMENTS, "department": "finance", "config": {"folders": []}});
    world
        .put("/v1/automations/another", &wrong)
        .refused(422, "schema-violation");
    // The first look at the timer is a commit of its own: from here on the log moves only when somebody asks.
    eventually("the timer is known", || {
        let timers = world.get("/v1/rows/timer").expect(200).json();
        (!items(&timers).is_empty()).then_some(())
    });
}

/// Adds a statement and gives the input of a run that reads it.
fn upload(world: &World, name: &str) -> Value {
    let path = format!("/v1/folders/statements/documents/{name}");
    let content = std::fs::read(demo(name)).expect("the demo has its statements");
    let put = world
        .ask(&Method::PUT, &path)
        .bytes("application/xml", &content);
    json!({"document": put.expect(200).id()})
}

/// Previews, books and repeats; what is booked is what the command line books.
fn reconcile(world: &World, first: &Value, overlap: &Value) {
    let expected = json_of(&demo("expected.json"));
    let outcomes_wanted = |name: &str| outcomes_of(&expected[name]);

    let path = format!("/v1/automations/{STATEMENTS}/previews");
    let head = head(world);
    let preview = world.post(&path, &json!({"input": first})).expect(200);
    let preview = preview.json();
    assert_eq!(self::head(world), head, "the preview changed something");
    assert_eq!(outcomes(&preview["logs"]), outcomes_wanted("statement.xml"));

    let empty = books(world);
    let run = start(world, STATEMENTS, first, "the first statement");
    assert_eq!(
        outcomes(&run["report"]["logs"]),
        outcomes_wanted("statement.xml")
    );
    let told = world.get(&format!("/v1/runs/{}", text(&run["id"])));
    assert_eq!(
        shown(&preview["rows"]),
        shown(&told.expect(200).json()["changes"]),
        "the run did what the preview showed"
    );
    let booked = books(world);
    assert!(
        booked
            .iter()
            .zip(&empty)
            .all(|(after, before)| after > before),
        "{empty:?} -> {booked:?}"
    );

    // Sent again, it is the same run; told again under another name, it finds nothing to book.
    let head = self::head(world);
    let repeated = start(world, STATEMENTS, first, "the first statement");
    assert_eq!(repeated["id"], run["id"]);
    assert_eq!(self::head(world), head, "one request was done twice");
    start(world, STATEMENTS, first, "the first statement, told again");
    assert_eq!(books(world), booked, "the same statement booked again");

    let run = start(world, STATEMENTS, overlap, "the second statement");
    assert_eq!(
        outcomes(&run["report"]["logs"]),
        outcomes_wanted("statement-overlap.xml")
    );
    let more = books(world);
    start(
        world,
        STATEMENTS,
        overlap,
        "the second statement, told again",
    );
    assert_eq!(books(world), more, "the same statement booked again");
    say(&format!(
        "payments, allocations, tasks: {empty:?} -> {booked:?} -> {more:?}"
    ));
}

/// Starts a run under an idempotency key and waits for its end.
fn start(world: &World, automation: &str, input: &Value, key: &str) -> Value {
    let path = format!("/v1/automations/{automation}/runs?{WAIT}");
    let asked = world
        .post(&path, &json!({"input": input}))
        .header("idempotency-key", key);
    let run = asked.expect(200).json();
    assert_eq!(run["state"], "committed", "{run:#}");
    run
}

/// Where the log ends.
fn head(world: &World) -> Value {
    let page = world.get("/v1/log?limit=1").expect(200).json();
    items(&page).first().expect("a commit").clone()
}

/// How many payments, allocations and tasks there are.
fn books(world: &World) -> [usize; 3] {
    ["payment", "allocation", "task"].map(|kind| all(world, &format!("/v1/rows/{kind}?")).len())
}

/// Every item of a listing, page by page. The path has a query already.
fn all(world: &World, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&format!("{path}&limit=50{after}")).expect(200);
        let page = page.json();
        found.extend_from_slice(items(&page));
        let Some(next) = page["next"].as_str() else {
            return found;
        };
        after = format!("&after={next}");
    }
}

/// A person answers one of the questions, once.
fn answer(world: &World) {
    let open = all(world, "/v1/tasks?closed=false");
    let choices = |task: &&Value| {
        let choices = task["body"]["choices"].as_array().expect("choices");
        choices.iter().any(|choice| choice["value"] == "keep")
    };
    let task = open.iter().find(choices).expect("an over-payment");
    let path = format!("/v1/tasks/{}", text(&task["id"]));
    let answer = |choice: &str| world.post(&format!("{path}/answer"), &json!({"choice": choice}));
    answer("no-such-choice").refused(422, "unknown");
    let answered = answer("keep").expect(200).json();
    assert_eq!(answered["body"]["is_closed"], true, "{answered}");
    assert_eq!(answered["body"]["answer"]["choice"], "keep", "{answered}");
    answer("refund").refused(409, "task-closed");
    assert_eq!(world.get(&path).expect(200).json(), answered);
    assert_eq!(
        all(world, "/v1/tasks?closed=false").len() + 1,
        open.len(),
        "one question less"
    );
}

/// Customers are reminded, once.
fn remind(world: &World) {
    let mailed = |state: &str| {
        let query = format!("/v1/messages?automation={REMINDERS}{state}");
        all(world, &query)
    };
    let run = start(world, REMINDERS, &json!({}), "reminders");
    let drafted = mailed("").len();
    assert!(drafted >= REMINDERS_MIN, "{run:#}");
    eventually("every mail is sent", || {
        (mailed("&state=sent").len() == drafted).then_some(())
    });
    assert_eq!(world.place.mails().len(), drafted);
    let recipients: BTreeSet<String> = mailed("")
        .iter()
        .map(|message| {
            let mail = &message["message"];
            format!("{} {}", text(&mail["to"][0]), text(&mail["subject"]))
        })
        .collect();
    assert_eq!(recipients.len(), drafted, "one mail for each invoice");
    start(world, REMINDERS, &json!({}), "reminders again");
    assert_eq!(mailed("").len(), drafted, "somebody was reminded twice");
    say(&format!("{drafted} reminders"));
}

fn tells_who_did_what(world: &World) {
    let me = world.get("/v1/me").expect(200).json();
    let me = text(&me["actor"]);
    assert!(me.starts_with("token:"), "{me}");
    let commits = all(world, "/v1/log?");
    let told: BTreeSet<(&str, &str)> = commits
        .iter()
        .map(|commit| (text(&commit["author"]), text(&commit["cause"])))
        .collect();
    for expected in [
        ("person:ada", "create-token"),
        (me, "sample-books"),
        (me, "install-plugin"),
        (me, "enable-automation"),
        (me, "add-document"),
        (me, "start-run"),
        (me, "answer-task"),
        ("automation:bank-reconciliation", "run"),
        ("automation:overdue-reminders", "run"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    let answered = commits
        .iter()
        .find(|commit| commit["cause"] == "answer-task");
    let seq = &answered.expect("the answer is a commit")["seq"];
    let shown = world.get(&format!("/v1/log/{seq}")).expect(200).json();
    assert_eq!(
        shown["changes"].as_array().map(Vec::len),
        Some(1),
        "{shown:#}"
    );
}

/// The auditor reads everything, changes nothing, and verifies the log.
fn audit(world: &World, auditor: &Token) {
    let before = head(world);
    for path in [
        "status",
        "tokens",
        "entities",
        "departments",
        "calendars",
        "stop",
        "plugins",
        "automations",
        "timers",
        "runs",
        "tasks",
        "messages",
        "collections",
        "invoices",
        "payments",
        "log",
        "rows/allocation",
        "documents?folder=statements",
        "collections/parties/records",
        "events/any",
        "me",
    ] {
        world.get(&format!("/v1/{path}")).by(auditor).expect(200);
    }
    let (get_off, automation) = (
        json!({"enabled": false}),
        format!("automations/{REMINDERS}"),
    );
    for (method, path, body) in [
        (Method::PUT, "departments/finance", json!({"name": "Mine"})),
        (Method::PUT, "stop", json!({"stopped": true, "reason": ""})),
        (Method::PATCH, &automation, get_off),
        (Method::POST, &format!("{automation}/runs"), json!({})),
        (Method::POST, &format!("{automation}/previews"), json!({})),
        (
            Method::POST,
            "tokens",
            json!({"name": "Me", "role": "admin"}),
        ),
        (Method::POST, "samples", json_of(&demo("company.json"))),
    ] {
        let asked = world.ask(&method, &format!("/v1/{path}")).json(&body);
        // What is refused by its head is not sent: the server would hang up on it.
        let asked = asked.header("expect", "100-continue");
        asked.by(auditor).refused(403, "role-insufficient");
    }
    assert_eq!(head(world), before, "the auditor changed something");

    let verify = world.post("/v1/verifications", &json!({})).by(auditor);
    let started = verify.expect(202);
    let found = ended(&started, |path| world.get(path).by(auditor));
    let found = &found["result"];
    assert_eq!(found["findings_total"], 0, "{found:#}");
    assert_eq!(
        (&found["head_seq"], &found["head_hash"]),
        (&before["seq"], &before["hash"]),
        "{found:#}"
    );
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
