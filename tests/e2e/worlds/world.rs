//! An organisation with records that have hidden fields, on a host of its own, and callers with tokens.
//!
//! Everything is made with fixed seeds at fixed times, so that two worlds with the same history have the same ids.

use std::{sync::OnceLock, time::Duration};

use bursar_api::Api;
use bursar_artifacts::{Rebuilt, rebuilt, workspace};
use bursar_cases::{DEPARTMENT, Seed, Stage, read_json};
use bursar_domain::{
    calendar::Calendar,
    log::sha256_hex,
    office::{Automation, Collection, PARTIES, Token},
    row::{Kind, RowKey},
    run::Event,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};
use ureq::http::Request;

/// The first run takes place then: 2026-03-18T08:00:00Z.
const RUN_US: i64 = 1_773_820_800_000_000;
/// The last instant that can be written.
const LATEST_US: i64 = (1 << 53) - 1;
/// Ids of the worlds' history are below this: those of 2026-04.
const LATEST_ID: &str = "019d4";
/// Records with hidden fields.
const RECORDS: usize = 12;
/// Who asks, by the role of their token; only the administrator sees everything.
const CALLERS: [&str; 3] = ["admin", "operator", "viewer"];
/// The longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_mins(2);

pub struct World {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    stage: Option<Stage>,
    url: String,
    agent: ureq::Agent,
    known: Map<String, Value>,
}

/// What is compared of an answer: all but when it was given, and the request's own id.
#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Value,
}

/// A stored shape; by its JSON, so that members that come later keep their defaults here.
fn shape<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("the shape is the host's")
}

/// The guest that makes the calls it is given.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(
        || match rebuilt(&workspace().join("sdk/conformance/guests/rust")) {
            Rebuilt::Component(component) => component,
            Rebuilt::Without(toolchain) => panic!("{toolchain} is not ready"),
        },
    )
}

/// The text of a caller's token.
fn token_of(name: &str) -> String {
    let (id, secret) = parts_of(name);
    format!("bursar_{id}_{secret}")
}

fn parts_of(name: &str) -> (String, String) {
    let id = sha256_hex(name.as_bytes())[..16].to_owned();
    (id, sha256_hex(format!("secret of {name}").as_bytes()))
}

/// The books: those of the conformance cases, with more records, three of whose members are hidden.
fn seed(hidden: &dyn Fn(usize) -> Value) -> Seed {
    let mut seed = read_json(&workspace().join("sdk/conformance/cases/seed.json"));
    seed["collections"]["items"]["fields"] = json!({
        "name": {"class": "public"},
        "price": {"class": "confidential", "tags": ["payroll"]},
        "made_on": {"class": "restricted"},
        "note": {"class": "restricted", "tags": ["health"]},
    });
    let record = |place: usize| {
        let mut body = json!({
            "name": format!("n{place}"), "code": format!("c{place}"), "size": place % 3, "is_sold": place.is_multiple_of(2),
        });
        for (name, value) in hidden(place).as_object().expect("hidden members") {
            body[name] = value.clone();
        }
        json!({"collection": "items", "id": format!("r{place}"), "body": body})
    };
    seed["records"] = (0..RECORDS).map(record).collect();
    shape(seed)
}

impl World {
    /// A world whose records have these hidden members.
    pub fn open(hidden: impl Fn(usize) -> Value) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let (stage, known) = runtime.block_on(found(&hidden));
        let worker = stage.worker();
        let api = Api::new(stage.database.clone(), move || Ok(worker.clone()));
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a socket");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(bursar_api::serve(api.router(), listener, stopped));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_MAX))
            .build()
            .new_agent();
        Self {
            runtime,
            stop,
            stage: Some(stage),
            url: format!("http://{address}"),
            agent,
            known,
        }
    }

    /// Ids by the names that the lists have for them.
    pub fn known(&self) -> &Map<String, Value> {
        &self.known
    }

    pub fn document(&self) -> Value {
        self.ask("admin", "get", "/openapi.json", None).body
    }

    /// What starts a run that makes these calls; the first one's members are those of the others, unless they have their own.
    pub fn start(&self, call: &[Value]) -> Value {
        let mut merged = Map::new();
        for part in call {
            merged.extend(part.as_object().cloned().unwrap_or_default());
        }
        json!({"event": "e", "input": {"calls": [merged], "known": self.known}})
    }

    /// An operation's path and body: "PATH" or "PATH BODY", with names of ids in angles.
    pub fn filled(&self, ask: &str) -> (String, Option<Value>) {
        let mut filled = ask.to_owned();
        for (name, id) in &self.known {
            if let Some(id) = id.as_str() {
                filled = filled.replace(&format!("<{name}>"), id);
            }
        }
        match filled.split_once(' ') {
            None => (filled, None),
            Some((path, body)) => {
                let body =
                    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
                (path.to_owned(), Some(body))
            }
        }
    }

    /// Asks in somebody's name.
    pub fn ask(&self, name: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", token_of(name)));
        let (request, body) = match body {
            Some(body) => (
                request.header("content-type", "application/json"),
                body.to_string(),
            ),
            None => (request, String::new()),
        };
        let request = request.body(body).expect("a request");
        let mut response = self.agent.run(request).expect("the host answers");
        let headers = response.headers().iter();
        let headers =
            headers.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        });
        let headers = headers.collect();
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().expect("a text");
        let body = serde_json::from_str(&text).unwrap_or_else(|_| text.into());
        Reply {
            status,
            headers,
            body: without_instants(body),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(stage) = self.stage.take().filter(|_| !std::thread::panicking()) {
            self.runtime.block_on(stage.close());
        }
    }
}

/// A value without instants and the id of its request; texts that are JSON are looked into.
fn without_instants(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let is_instant = ["created", "updated", "request_id"].contains(&name.as_str())
                    || name.ends_with("_us");
                let told = if is_instant {
                    Value::Null
                } else {
                    without_instants(member)
                };
                (name, told)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(without_instants).collect(),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => without_instants(inner),
            _ => undated(&text).into(),
        },
        other => other,
    }
}

/// A text whose ids no longer say when they were made (UUIDs of version 7), if that was later than the worlds' history.
fn undated(text: &str) -> String {
    let is_of_id = |c: char| c.is_ascii_hexdigit() || c == '-';
    let is_new =
        |word: &str| word.len() == 36 && word.as_bytes().get(14) == Some(&b'7') && word > LATEST_ID;
    let mut words = Vec::new();
    for piece in text.split_inclusive(|c| !is_of_id(c)) {
        let word = piece.trim_end_matches(|c| !is_of_id(c));
        if is_new(word) {
            words.push(piece.replacen(&word[..13], "(now)", 1));
        } else {
            words.push(piece.to_owned());
        }
    }
    words.concat()
}

/// A world's data: books, automations, what they did, and tokens.
async fn found(hidden: &dyn Fn(usize) -> Value) -> (Stage, Map<String, Value>) {
    let stage = Stage::open().await;
    let names = stage.fill(&seed(hidden)).await;
    let Value::Object(mut known) = json!({
        "entity": bursar_cases::ENTITY, "parties": names.parties, "invoices": names.invoices,
        "payments": names.payments, "records": names.records, "documents": names.documents,
        "record": names.records["r3"], "other": names.records["r4"], "invoice": names.invoices["one"],
        "draft": names.invoices["draft"], "payment": names.payments["wire"],
        "document": names.documents["a.txt"], "party": names.parties["alpenrose"], "gone": names.records["r5"],
    }) else {
        panic!("an object is an object")
    };
    let mut session = stage.session(RUN_US - 2);
    let draft = session.invoice(&names.invoices["draft"]).await;
    known.insert(
        "draft_revision".to_owned(),
        draft.expect("a draft").revision.into(),
    );
    stage.enable(component(), &json!({}), |_| true).await;
    let mut session = stage.session(RUN_US - 2);
    let enabled = session.automation("conformance").await;
    let plugin = enabled.expect("it is enabled").body.plugin;
    known.insert("plugin".to_owned(), plugin.into());
    organise(&stage).await;
    work(&stage, &mut known).await;
    (stage, known)
}

/// Hidden members of parties, automations that keep what they would do, a calendar, a folder's holds, and tokens.
async fn organise(stage: &Stage) {
    let mut session = stage.session(RUN_US - 1);
    let key = RowKey::of(Kind::Collection, PARTIES);
    let parties = stage.database.snapshot().get(&key).await.expect("a read");
    let mut parties = parties.expect("it is there").body.as_ref().clone();
    parties["fields"] = json!({"email": {"class": "confidential", "tags": ["pii"]}});
    let parties: Collection = shape(parties);
    let defined = session.define_collection(PARTIES, &parties).await;
    defined.expect("a definition");
    let enabled = session.automation("conformance").await;
    let enabled = enabled.expect("it is enabled").body;
    for mode in ["shadow", "review"] {
        let mut automation = serde_json::to_value(&enabled).expect("JSON");
        automation["mode"] = json!(mode);
        let automation: Automation = shape(automation);
        let put = session.enable_automation(mode, &automation).await;
        put.expect("it is good");
    }
    let calendar: Calendar =
        shape(json!({"name": "Desk", "department": DEPARTMENT, "zone": "UTC"}));
    let put = session.put_calendar("desk", &calendar).await;
    put.expect("a calendar");
    for role in CALLERS {
        let (id, secret) = parts_of(role);
        let department = (role != "admin").then_some(DEPARTMENT);
        let token: Token = shape(json!({
            "name": role, "role": role, "department": department, "sha256": sha256_hex(secret.as_bytes()),
            // Noting its use would be a commit among those that are listed.
            "last_used_us": LATEST_US,
        }));
        session.create_token(&id, &token).await.expect("a token");
    }
    stage.commit(session).await;
}

/// What automations did: one that is live, and those whose change sets are kept.
async fn work(stage: &Stage, known: &mut Map<String, Value>) {
    let calls = json!([
        {"call": "records-write.create", "as": "made", "collection": "items", "key": "k", "body": {"name": "new"}},
        {"call": "records-write.patch", "collection": "items", "id": "${records/r1}", "merge": {"size": 7}},
        {"call": "records-write.patch", "as": "refused", "collection": "items", "id": "${records/r2}", "merge": {"price": "1"}},
        {"call": "records-write.remove", "collection": "items", "id": "${records/r5}"},
        {"call": "records-write.remove", "as": "gone", "collection": "items", "id": "${records/r6}"},
        {"call": "records.search", "collection": "items", "conditions": [], "order": [], "limit": 5},
        {"call": "messages.mail", "as": "mail", "key": "m", "mail": {"to": ["a@alpenrose.example"], "subject": "S", "text": "T"}},
        {"call": "tasks.create", "as": "task", "key": "t", "task": {
            "assignee": "role:accounting", "title": "Look", "text": "Please.", "choices": [{"value": "yes", "label": "Yes"}]}},
    ]);
    for (place, automation) in ["conformance", "shadow", "review"].into_iter().enumerate() {
        let time_us = RUN_US + i64::try_from(place).expect("few");
        let done = format!("done-{automation}");
        let event: Event = shape(json!({
            "id": done, "source": "manual", "type": "manual.started", "time_us": time_us,
            "actor": {"kind": "person", "id": "ada"},
            "trigger": {"kind": "manual", "subjects": [], "input": {"calls": calls, "known": known}},
        }));
        let run = stage.run(automation, &event).await;
        known.insert(
            format!("run-{automation}"),
            bursar_office::run_id(automation, &done).into(),
        );
        if automation == "conformance" {
            let seq = stage.database.snapshot().seq().await.expect("a snapshot");
            known.insert("commit".to_owned(), seq.to_string().into());
            for line in run.report["logs"].as_array().expect("logs") {
                let name = line["message"].as_str().unwrap_or_default();
                if ["mail", "task"].contains(&name) {
                    let answer = line["fields"][0][1].as_str().unwrap_or_default();
                    let id: Value = serde_json::from_str(answer).expect("an id");
                    known.insert(name.to_owned(), id);
                }
            }
        }
    }
}
