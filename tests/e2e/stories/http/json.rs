//! Requests that cannot be read, or say what nobody asked for.

use serde_json::json;
use ureq::http::Method;

use super::World;
use crate::place::Place;

/// Where a record is made.
const NOTES: &str = "/v1/collections/notes/records";
const ENTITY: &str = "/v1/entities/main";

#[test]
fn json_that_cannot_be_read_is_refused_and_changes_nothing_on_sqlite() {
    unreadable(&World::on(Place::sqlite()));
}

#[test]
fn json_that_cannot_be_read_is_refused_and_changes_nothing_on_postgresql() {
    if let Some(place) = Place::postgres() {
        unreadable(&World::on(place));
    }
}

fn unreadable(world: &World) {
    world.define_notes();
    let deep = [b"{\"text\":".as_slice(), &[b'['; 10_000]].concat();
    let cases: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"{\"text\": \"cut",
        b"{\"text\": \"a\"} x",
        b"{'text': 'a'}",
        b"{\"text\": NaN}",
        b"\xef\xbb\xbf{\"text\": \"a\"}",
        b"{\"text\": \"a\", \"text\": \"b\"}",
        b"{\"count\": 9007199254740993}",
        b"{\"count\": 123456789012345678901234567890}",
        b"{\"count\": 1.5}",
        b"{\"count\": 1e400}",
        b"{\"text\": \"a\\u0000b\"}",
        b"{\"\\u0000\": 1}",
        b"{\"text\": \"\xff\xfe\"}",
        b"{\"text\": \"\\ud800\"}",
        &deep,
        &[b'['; 10_000],
        &[b'{'; 10_000],
    ];
    world.unchanged(|| {
        for body in cases {
            let sent = |method, path| world.ask(&method, path).bytes("application/json", body);
            sent(Method::POST, NOTES).refused(400, "not-json");
            sent(Method::PUT, ENTITY).refused(400, "not-json");
        }
    });
}

#[test]
fn a_body_of_another_shape_is_refused_with_the_place_of_what_is_wrong() {
    let world = World::on(Place::sqlite());
    let check = |method: &Method, path: &str, body: &serde_json::Value, code: &str, at: &str| {
        let problem = world.ask(method, path).json(body).refused(422, code);
        let pointer = problem["problems"][0]["pointer"].as_str();
        assert_eq!(pointer.unwrap_or_default(), at, "{body}: {problem}");
        let words = problem["detail"].as_str().expect("a detail");
        let name = at.rsplit('/').next().unwrap_or_default();
        assert!(words.contains(name), "{name:?} is not named: {words}");
    };
    let (put, post) = (&Method::PUT, &Method::POST);
    let search = "/v1/invoices/search";
    world.unchanged(|| {
        let department = "/v1/departments/second";
        check(put, department, &json!({"name": 1}), "wrong-type", "/name");
        check(put, department, &json!({}), "missing-field", "");
        check(put, department, &json!([]), "wrong-type", "");
        check(put, department, &json!(null), "wrong-type", "");
        let extra = json!({"name": "Second", "colour": "red"});
        check(put, department, &extra, "unknown-field", "/colour");
        let stop = json!({"stopped": true, "colour": "red"});
        check(put, "/v1/stop", &stop, "unknown-field", "/colour");
        let condition =
            json!({"conditions": [{"field": "state", "comparison": "equal", "size": 1}]});
        check(
            post,
            search,
            &condition,
            "unknown-field",
            "/conditions/0/size",
        );
        let comparison = json!({"conditions": [{"field": "state", "comparison": "like"}]});
        check(
            post,
            search,
            &comparison,
            "unknown-value",
            "/conditions/0/comparison",
        );
        check(
            post,
            search,
            &json!({"limit": "ten"}),
            "wrong-type",
            "/limit",
        );
        check(post, search, &json!({"limit": -1}), "wrong-type", "/limit");
        let role = json!({"name": "x", "role": "king"});
        check(post, "/v1/tokens", &role, "unknown-value", "/role");
        check(
            post,
            "/v1/tokens",
            &json!({"role": "admin"}),
            "missing-field",
            "",
        );
        let patch = json!({"colour": "red"});
        world
            .ask(&Method::PATCH, "/v1/automations/absent")
            .json(&patch)
            .refused(404, "not-found");
    });
}

#[test]
fn a_parameter_that_an_operation_does_not_know_is_refused_by_name() {
    let world = World::on(Place::sqlite());
    let check = |path: &str, code: &str, name: &str| {
        let problem = world.get(path).refused(400, code);
        let words = problem["detail"].as_str().expect("a detail");
        assert!(words.contains(name), "{path}: {words}");
    };
    for path in [
        "/health/live",
        "/v1/me",
        "/v1/stop",
        "/v1/timers",
        "/v1/status",
        "/v1/departments",
        "/v1/departments/operations",
        "/v1/runs",
        "/v1/events/x",
    ] {
        check(&format!("{path}?colour=red"), "unknown-parameter", "colour");
        check(&format!("{path}?%F0%9F%8C%8D"), "unknown-parameter", "🌍");
    }
    check("/v1/runs?limit=1&limit=2", "parameter-invalid", "limit");
    check("/v1/runs?state=asleep", "parameter-invalid", "asleep");
    world.unchanged(|| {
        let path = "/v1/departments/second?colour=red";
        let put = world.put(path, &json!({"name": "Second"}));
        put.refused(400, "unknown-parameter");
    });
}

#[test]
fn a_body_of_another_media_type_is_refused() {
    let world = World::on(Place::sqlite());
    let path = "/v1/departments/second";
    let body = json!({"name": "Second"}).to_string();
    world.unchanged(|| {
        for media_type in [
            "text/plain",
            "application/xml",
            "application/json+x",
            "json",
            "*/*",
            "",
        ] {
            let put = world
                .ask(&Method::PUT, path)
                .bytes(media_type, body.as_bytes());
            put.refused(415, "media-type-unsupported");
        }
        let nameless = format!(
            "{}content-length: {}\r\n\r\n{body}",
            world.lines(&format!("PUT {path}")),
            body.len()
        );
        let reply = world.talk(nameless.as_bytes()).expect("an answer");
        reply.problem(415, "media-type-unsupported");
    });
    for media_type in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/merge-patch+json",
    ] {
        let put = world
            .ask(&Method::PUT, path)
            .bytes(media_type, body.as_bytes());
        put.expect(200);
    }
}

#[test]
fn what_is_not_there_and_what_is_asked_in_another_way_is_told_apart() {
    let world = World::on(Place::sqlite());
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/me",
        "/v1/me/",
        "/v1/me/x",
        "//v1/me",
        "/v1/../v1/me",
        "/admin",
        "/%2e%2e/etc",
    ] {
        world.get(path).refused(404, "no-such-route");
        world
            .get(path)
            .authorized(None)
            .refused(404, "no-such-route");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/me", "GET,HEAD"),
        (Method::POST, "/health/live", "GET,HEAD"),
        (Method::POST, "/openapi.json", "GET,HEAD"),
        (Method::DELETE, "/v1/departments/operations", "GET,HEAD,PUT"),
        (Method::PUT, "/v1/tokens", "GET,HEAD,POST"),
        (Method::OPTIONS, "/v1/me", "GET,HEAD"),
    ] {
        let reply = world.ask(&method, path).send();
        reply.problem(405, "method-not-allowed");
        let mut allow: Vec<&str> = reply
            .header("allow")
            .expect("what is allowed")
            .split(',')
            .collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed, "{method} {path}");
    }
}

#[test]
fn words_that_no_database_can_hold_are_answered_and_no_fault_of_the_host_on_sqlite() {
    strange_words(&World::on(Place::sqlite()));
}

#[test]
fn words_that_no_database_can_hold_are_answered_and_no_fault_of_the_host_on_postgresql() {
    if let Some(place) = Place::postgres() {
        strange_words(&World::on(place));
    }
}

/// In every parameter and part of a path of every operation that reads.
fn strange_words(world: &World) {
    let long = "x".repeat(20_000);
    let words = [
        "%00",
        "a%00b",
        "%ff",
        "%ed%a0%80",
        "%0d%0a",
        "%F0%9F%8C%8D",
        "'%22;--",
        "-1",
        "9223372036854775808",
        "",
        &long,
    ];
    let document = world.get("/openapi.json").expect(200).json();
    world.unchanged(|| {
        for (path, item) in document["paths"].as_object().expect("paths") {
            let Some(operation) = item.get("get") else {
                continue;
            };
            let names: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            for word in words {
                let paths = filled(path, word);
                let queries = names
                    .iter()
                    .map(|name| format!("{}?{name}={word}", filled(path, "notes")));
                for path in queries.chain([paths]) {
                    let reply = world.get(&path).send();
                    assert!(reply.status < 500, "{path}: {}", reply.text());
                }
            }
        }
    });
}

/// A path with a word in the place of each of its parts that have names.
pub fn filled(path: &str, word: &str) -> String {
    let part = |part: &str| {
        if part.starts_with('{') {
            word.to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn a_request_that_is_no_http_is_refused_and_others_are_answered() {
    let world = World::on(Place::sqlite());
    let get = world.lines("GET /v1/me");
    let body =
        world.lines("GET /v1/me") + "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(
        world.talk(body.as_bytes()).map(|reply| reply.status),
        Some(200)
    );
    for (words, statuses) in [
        ("\r\n\r\n\0\0\0".to_owned(), &[400][..]),
        ("HELLO\r\n\r\n".to_owned(), &[400]),
        ("GET /v1/me HTTP/9.9\r\n\r\n".to_owned(), &[400, 505]),
        (
            format!("{get}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef"),
            &[400],
        ),
        (format!("{get}content-length: -1\r\n\r\n"), &[400]),
        (
            format!("{get}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            &[400, 200],
        ),
        (format!("{get}transfer-encoding: gzip\r\n\r\n"), &[400]),
        (format!("{get}x y: z\r\n\r\n"), &[400]),
        (format!("{get}x: a\0b\r\n\r\n"), &[400]),
        (format!("{get}: empty\r\n\r\n"), &[400]),
    ] {
        let status = world.talk(words.as_bytes()).map(|reply| reply.status);
        assert!(
            status.is_none_or(|status| statuses.contains(&status)),
            "{words:?}: {status:?}"
        );
    }
    world.get("/v1/me").expect(200);
}
