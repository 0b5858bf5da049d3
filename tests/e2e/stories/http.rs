//! The HTTP API from outside: a real server, real sockets, and callers with good and with bad manners.
//!
//! One module for each kind of manners. [`World`] is a place with a server on it; [`Reply::problem`] checks what every
//! failure has in common.

mod aging;
mod bodies;
mod calendars;
mod collections;
mod conditions;
mod credits;
mod cursors;
mod departments;
mod folders;
mod idempotency;
mod imports;
mod json;
mod managers;
mod permissions;
mod quarantine;
mod raw;
mod roles;
mod secrets;
mod slow;
mod tokens;

use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Method, Request};

use crate::{place::Place, server::Server};

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_mins(2);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
const PROBLEM_JSON: &str = "application/problem+json";

/// A place with a server on it, and an administrator's token.
pub struct World {
    pub place: Place,
    server: Server,
    url: String,
    agent: ureq::Agent,
    admin: Token,
}

/// An access token that was used before: noting its first use would be a commit among those that a test counts.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: String,
    pub text: String,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A request on its way.
pub struct Ask {
    agent: ureq::Agent,
    method: Method,
    url: String,
    authorization: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl World {
    /// A place with an organisation and a department, and a server.
    pub fn on(place: Place) -> Self {
        Self::logging(place, "info")
    }

    /// As [`World::on`]; `log` says what the server logs.
    pub fn logging(place: Place, log: &str) -> Self {
        let place = place.founded();
        let admin = made(&place, &["--name", "Ada"]);
        let server = Server::start(&place, log);
        Self::around(place, server, admin)
    }

    /// An empty place with a server, and the first administrator's token.
    pub fn fresh(place: Place) -> Self {
        let server = Server::start(&place, "info");
        let admin = made(&place, &["--name", "Ada"]);
        Self::around(place, server, admin)
    }

    fn around(place: Place, server: Server, admin: Token) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_MAX))
            .build()
            .new_agent();
        let world = Self {
            url: server.url(),
            place,
            server,
            agent,
            admin,
        };
        world.get("/v1/me").expect(200);
        world
    }

    /// Kills the server and starts another on the same folder.
    pub fn restarted(self) -> Self {
        self.server.kill();
        let server = Server::start(&self.place, "info");
        Self::around(self.place, server, self.admin)
    }

    /// Ends the server; gives the place and every line that it wrote.
    pub fn stop(self) -> (Place, Vec<String>) {
        let lines = self.server.stop();
        (self.place, lines)
    }

    /// The address that the server listens on.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A token that the local command makes.
    pub fn token(&self, role: &str, department: Option<&str>) -> Token {
        let mut options = vec!["--name", role, "--role", role];
        options.extend(department.iter().flat_map(|name| ["--department", name]));
        let token = made(&self.place, &options);
        self.get("/v1/me").by(&token).expect(200);
        token
    }

    /// A token of each role, by the role's name; those of a department for `operations`.
    pub fn token_of(&self, role: &str) -> Token {
        let is_departmental = matches!(role, "manager" | "operator" | "viewer");
        self.token(role, is_departmental.then_some("operations"))
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask(&Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Ask {
        self.ask(&Method::POST, path).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Ask {
        self.ask(&Method::PUT, path).json(body)
    }

    /// A request in the administrator's name.
    pub fn ask(&self, method: &Method, path: &str) -> Ask {
        Ask {
            agent: self.agent.clone(),
            method: method.clone(),
            url: format!("{}{path}", self.url),
            authorization: Some(format!("Bearer {}", self.admin.text)),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// How many commits the log has.
    pub fn commits(&self) -> i64 {
        let status = self.get("/v1/status").expect(200).json();
        status["commits"].as_i64().expect("a number of commits")
    }

    /// Does something that must not change anything.
    pub fn unchanged<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.commits();
        let result = work();
        assert_eq!(self.commits(), before, "something was changed");
        result
    }

    /// Defines the collection `notes`: records with a text and a whole number.
    pub fn define_notes(&self) {
        let definition = json!({
            "schema": {
                "type": "object", "additionalProperties": false,
                "properties": {"text": {"type": "string"}, "count": {"type": "integer"}},
            },
            "indexed": [{"name": "count", "type": "integer"}],
        });
        self.put("/v1/collections/notes", &definition).expect(200);
    }
}

/// Makes a token by the local command; options follow `token create`.
fn made(place: &Place, options: &[&str]) -> Token {
    let made = place.call(&[&["token", "create"], options].concat());
    token_in(&made)
}

/// The token of an answer that makes one.
fn token_in(made: &Value) -> Token {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    Token {
        id: text(&made["id"]),
        text: text(&made["body"]["token"]),
    }
}

impl Ask {
    /// In the name of a token's bearer.
    pub fn by(self, token: &Token) -> Self {
        self.authorized(Some(&format!("Bearer {}", token.text)))
    }

    /// With this `Authorization`, or without any.
    pub fn authorized(self, authorization: Option<&str>) -> Self {
        Self {
            authorization: authorization.map(str::to_owned),
            ..self
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().as_bytes())
    }

    pub fn bytes(self, media_type: &str, body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            ..self.header("content-type", media_type)
        }
    }

    /// Sends it and waits for the answer.
    pub fn send(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(self.url);
        if let Some(authorization) = self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).expect("a request");
        let mut response = self.agent.run(request).expect("the server answers");
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let body = body.read_to_vec().expect("the answer is read");
        Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        }
    }

    /// Sends it; the answer must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        let what = format!("{} {}", self.method, self.url);
        let reply = self.send();
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        reply
    }

    /// Sends it; the answer must be a problem of this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        self.send().problem(status, code)
    }
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id of the row that it shows.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }

    /// The answer is a problem document as all of them are, of this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, Some(PROBLEM_JSON)),
            "{code}: {}",
            self.text()
        );
        let problem = self.json();
        let request = self.header("x-request-id").expect("a request id");
        assert!(!request.is_empty());
        assert_eq!(
            (
                &problem["code"],
                &problem["status"],
                &problem["type"],
                &problem["request_id"]
            ),
            (
                &json!(code),
                &json!(status),
                &json!(format!("urn:bursar:problem:{code}")),
                &json!(request)
            ),
            "{problem}"
        );
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }
}

/// The items of a page.
pub fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("a page has items")
}
