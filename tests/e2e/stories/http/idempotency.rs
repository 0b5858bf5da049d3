//! The same request twice.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use super::{Ask, Reply, World, items};
use crate::place::Place;

const NOTES: &str = "/v1/collections/notes/records";
/// Requests that arrive together.
const AT_ONCE: usize = 8;

#[test]
fn a_request_under_its_key_is_done_once_also_across_a_restart_on_sqlite() {
    done_once(World::on(Place::sqlite()));
}

#[test]
fn a_request_under_its_key_is_done_once_also_across_a_restart_on_postgresql() {
    if let Some(place) = Place::postgres() {
        done_once(World::on(place));
    }
}

fn done_once(world: World) {
    world.define_notes();
    world.place.file("kept", b"");
    let department = json!({"name": "Second"});
    let ask_both = |world: &World| {
        (
            sent(world, "make", "a").expect(201),
            put(world, &department).expect(200),
        )
    };
    let (made, put_first) = ask_both(&world);
    assert!(commit(&made).is_some() && commit(&put_first).is_some());
    let world = {
        same(
            &ask_both(&world),
            &(made_again(&made), made_again(&put_first)),
        );
        world.restarted()
    };
    let before = world.commits();
    let again = ask_both(&world);
    assert_eq!(world.commits(), before, "a request was done twice");
    same(&again, &(made, put_first));
    assert_eq!(notes(&world), 1);
    other_requests_under_the_key(&world);
}

/// What an answer is compared by.
fn made_again(reply: &Reply) -> Reply {
    Reply {
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone(),
    }
}

fn same(again: &(Reply, Reply), first: &(Reply, Reply)) {
    for (again, first) in [(&again.0, &first.0), (&again.1, &first.1)] {
        assert_eq!(again.status, first.status);
        assert_eq!(again.json(), first.json());
        for name in ["bursar-commit", "etag", "location"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
    }
}

fn other_requests_under_the_key(world: &World) {
    world.unchanged(|| {
        sent(world, "make", "b").refused(409, "key-reused");
        let other_path = world.post("/v1/collections/parties/records", &json!({"text": "a"}));
        other_path
            .header("idempotency-key", "make")
            .refused(409, "key-reused");
        let other_method = world.put("/v1/departments/third", &json!({"name": "Third"}));
        other_method
            .header("idempotency-key", "make")
            .refused(409, "key-reused");
        for bad in ["", " ", "\"\"", &"k".repeat(201)] {
            sent(world, bad, "a").refused(400, "header-invalid");
        }
        let twice = sent(world, "one", "a").header("idempotency-key", "two");
        twice.refused(400, "header-invalid");
    });
    let other = world.token_of("admin");
    let own = sent(world, "make", "a").by(&other).expect(201);
    assert_eq!(notes(world), 2, "a key belongs to its token");
    let again = sent(world, "make", "a").by(&other).expect(201);
    assert_eq!(again.id(), own.id());
    assert_eq!(notes(world), 2);
}

#[test]
fn requests_under_one_key_that_come_together_make_one_row_on_sqlite() {
    together(&World::on(Place::sqlite()));
}

#[test]
fn requests_under_one_key_that_come_together_make_one_row_on_postgresql() {
    if let Some(place) = Place::postgres() {
        together(&World::on(place));
    }
}

fn together(world: &World) {
    world.define_notes();
    for round in 0..5 {
        let key = format!("round-{round}");
        let start = Barrier::new(AT_ONCE);
        let replies: Vec<Reply> = thread::scope(|scope| {
            let send = |ask: Ask| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    ask.expect(201)
                })
            };
            let asks: Vec<_> = (0..AT_ONCE).map(|_| sent(world, &key, "a")).collect();
            let threads: Vec<_> = asks.into_iter().map(send).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a reply"))
                .collect()
        });
        let first = replies.first().expect("replies");
        for reply in &replies {
            assert_eq!((reply.id(), commit(reply)), (first.id(), commit(first)));
        }
        assert_eq!(notes(world), round + 1, "one row for a key");
    }
}

#[test]
fn a_run_that_is_started_again_under_its_key_is_the_same_run() {
    let world = World::on(Place::sqlite());
    super::departments::install(&world, "touch");
    let new = json!({"plugin": "touch", "department": "operations"});
    world.put("/v1/automations/touch", &new).expect(200);
    let start = |event: Value| {
        let start = world.post("/v1/automations/touch/runs?wait_ms=30000", &event);
        start.header("idempotency-key", "start").send()
    };
    let first = start(json!({}));
    assert!(first.status < 300, "{}", first.text());
    let again = start(json!({}));
    assert_eq!(again.id(), first.id());
    assert_eq!(commit(&again), commit(&first));
    start(json!({"event": "other"})).problem(409, "key-reused");
    assert_eq!(items(&world.get("/v1/runs").expect(200).json()).len(), 1);
}

/// A note that is to be made under a key.
fn sent(world: &World, key: &str, text: &str) -> Ask {
    world
        .post(NOTES, &json!({"text": text}))
        .header("idempotency-key", key)
}

fn put(world: &World, department: &Value) -> Ask {
    world
        .put("/v1/departments/second", department)
        .header("idempotency-key", "put")
}

fn commit(reply: &Reply) -> Option<String> {
    reply.header("bursar-commit").map(str::to_owned)
}

fn notes(world: &World) -> usize {
    items(&world.get(NOTES).expect(200).json()).len()
}
