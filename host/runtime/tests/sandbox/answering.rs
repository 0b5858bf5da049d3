//! What guests are told, above all about what they should not have asked.

use serde_json::{Value, json};

use crate::office::{NOW_US, Office};

async fn told(steps: Value) -> Vec<String> {
    Office::open().await.errand(steps).await
}

#[tokio::test]
async fn hostile_texts_are_invalid_and_never_a_trap() {
    let long = "x".repeat(300);
    let answers = told(json!([
        {"do": "create", "key": "", "body": r#"{"value":1}"#},
        {"do": "create", "key": long, "body": r#"{"value":1}"#},
        {"do": "create", "key": "k", "body": "{"},
        {"do": "create", "key": "k", "body": r#"{"value":1,"value":2}"#},
        {"do": "create", "key": "k", "body": r#"{"value":1e400}"#},
        {"do": "create", "key": "k", "body": r#"{"value":"\u0000"}"#},
        {"do": "create", "key": "k", "body": "[".repeat(100_000)},
        {"do": "create", "key": "k", "body": "null"},
        {"do": "search", "limit": 0},
        {"do": "search", "limit": 1, "after": "zz"},
        {"do": "search-by", "field": "value", "value": "nonsense"},
        {"do": "search-by", "field": "value", "value": "\"text\""},
        {"do": "search-by", "field": "other", "value": "1"},
        {"do": "mail", "key": "k", "to": "someone@example.com\r\nBcc: other@example.com"},
        {"do": "put-state", "name": "", "value": "1"},
        {"do": "put-state", "name": "n", "value": "{"},
        {"do": "add-days", "calendar": "none", "date": "2026-02-30", "days": 1},
        {"do": "count-days", "calendar": "none", "start": "0", "end": "9999-12-31T00"},
        {"do": "to-local", "at": i64::MAX.to_string(), "zone": "Europe/Vienna"},
        {"do": "to-local", "at": "0", "zone": "../../etc/passwd"},
    ]))
    .await;
    assert!(
        answers.iter().all(|answer| answer.starts_with("invalid ")),
        "{answers:#?}"
    );
    assert_eq!(answers.len(), 20);
}

#[tokio::test]
async fn strange_ids_are_not_found() {
    for id in [
        "",
        "no-such-id",
        "a/b",
        "'; drop table record; --",
        "~",
        &"x".repeat(5000),
    ] {
        assert_eq!(
            told(json!([{"do": "get", "id": id}])).await,
            ["not-found not-found"],
            "{id:?}"
        );
    }
}

#[tokio::test]
async fn a_run_sees_what_it_wrote_itself() {
    let office = Office::open().await;
    let id = office.counters.first().expect("three counters");
    let patch = |expected: Value, value: i64| json!({"do": "patch", "id": id, "expected": expected, "merge": format!(r#"{{"value":{value}}}"#)});
    let answers = office
        .errand(json!([
            patch(Value::Null, 7), {"do": "get", "id": id}, {"do": "search-by", "field": "value", "value": "7"},
            {"do": "search-by", "field": "value", "value": "0"}, patch(json!("1"), 8), {"do": "remove", "id": id}, {"do": "get", "id": id},
        ]))
        .await;
    let [_, read, found, rest, conflict, removed, gone] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(
        (read.as_str(), found.as_str(), rest.as_str()),
        (r#"{"value":7}"#, "1", "2")
    );
    assert_eq!(
        (conflict.as_str(), removed.as_str(), gone.as_str()),
        (
            "conflict revision-changed",
            "removed",
            "not-found not-found"
        )
    );
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer() {
    let create = |value: i64| json!({"do": "create", "key": "once", "body": format!(r#"{{"value":{value}}}"#)});
    let answers = told(json!([create(1), create(1), create(2)])).await;
    let [first, again, other] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(first, again);
    assert_eq!(other, "conflict key-reused");
}

#[tokio::test]
async fn a_listing_continues_where_its_page_ended() {
    let office = Office::open().await;
    let page = office.errand(json!([{"do": "search", "limit": 2}])).await;
    let (count, next) = page
        .first()
        .and_then(|answer| answer.split_once(' '))
        .expect("a page");
    assert_eq!(count, "2");
    // A cursor is good for the run that it was made in; a run of the same claim is that run.
    assert_eq!(
        office
            .errand(json!([{"do": "search", "limit": 2, "after": next}]))
            .await,
        ["1 "]
    );
}

#[tokio::test]
async fn what_is_not_granted_is_denied() {
    let answers = told(json!([
        {"do": "mail", "key": "k", "to": "someone@elsewhere.example"},
        {"do": "task", "key": "k", "assignee": "role:director"},
    ]))
    .await;
    assert_eq!(answers, ["denied not-granted", "denied not-granted"]);
}

#[tokio::test]
async fn documents_state_and_clock_answer() {
    let office = Office::open().await;
    let answers = office
        .errand(json!([
            {"do": "read", "document": office.document, "offset": "0", "length": 5},
            {"do": "read", "document": office.document, "offset": "7", "length": 100},
            {"do": "read", "document": office.document, "offset": u64::MAX.to_string(), "length": u32::MAX},
            {"do": "put-state", "name": "n", "value": " {\"b\":1, \"a\":2} "},
            {"do": "get-state", "name": "n"},
            {"do": "get-state", "name": "m"},
            {"do": "today"},
            {"do": "to-local", "at": NOW_US.to_string(), "zone": "Europe/Vienna"},
        ]))
        .await;
    assert_eq!(
        answers,
        [
            "5",
            "5",
            "0",
            "put",
            r#"{"a":2,"b":1}"#,
            "none",
            "2026-03-02",
            "2026-03-02T10:00:00"
        ]
    );
}
