//! Tokens that open nothing, or nothing any more.

use serde_json::json;
use ureq::http::Method;

use super::{Reply, Token, World, token_in};
use crate::{place::Place, waiting::eventually};

#[test]
fn only_the_whole_token_opens_the_door_on_sqlite() {
    only_the_whole_token(&World::on(Place::sqlite()));
}

#[test]
fn only_the_whole_token_opens_the_door_on_postgresql() {
    if let Some(place) = Place::postgres() {
        only_the_whole_token(&World::on(place));
    }
}

fn only_the_whole_token(world: &World) {
    let token = world.token_of("admin");
    let (begin, secret) = token.text.rsplit_once('_').expect("an id and a secret");
    let other = world.token_of("admin");
    let (_, other_secret) = other.text.rsplit_once('_').expect("an id and a secret");
    let me = |authorization: Option<&str>| world.get("/v1/me").authorized(authorization).send();
    world.unchanged(|| {
        let reply = me(None);
        reply.problem(401, "token-missing");
        assert_eq!(challenge(&reply), "Bearer realm=\"bursar\"");
        for bad in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            "Bearer x".to_owned(),
            token.text.clone(),
            format!("Basic {}", token.text),
            format!("Token {}", token.text),
            format!("Bearer {begin}_"),
            format!("Bearer {begin}_{}", "0".repeat(secret.len())),
            format!("Bearer {begin}_{other_secret}"),
            format!("Bearer bursar_{}_{secret}", "0".repeat(16)),
            format!("Bearer bursar_%00_{secret}"),
            format!("Bearer {}", &token.text[..token.text.len() - 1]),
            format!("Bearer {}0", token.text),
            format!("Bearer {}", token.text.to_uppercase()),
            format!("Bearer {}, Bearer {}", token.text, token.text),
            format!("Bearer {}", "a".repeat(10_000)),
        ] {
            let reply = me(Some(&bad));
            let problem = reply.problem(401, "token-invalid");
            assert!(challenge(&reply).contains("invalid_token"));
            assert!(
                !problem.to_string().contains(secret),
                "the answer holds the secret"
            );
        }
        let twice = world
            .get("/v1/me")
            .by(&token)
            .header("authorization", "Bearer x");
        twice.refused(401, "token-invalid");
    });
    me(Some(&format!("bearer {}", token.text))).json();
    assert_eq!(me(Some(&format!("bearer {}", token.text))).status, 200);
}

fn challenge(reply: &Reply) -> &str {
    reply.header("www-authenticate").expect("a challenge")
}

#[test]
fn a_revoked_token_is_refused_from_the_next_request_on_sqlite() {
    revoked(&World::on(Place::sqlite()));
}

#[test]
fn a_revoked_token_is_refused_from_the_next_request_on_postgresql() {
    if let Some(place) = Place::postgres() {
        revoked(&World::on(place));
    }
}

fn revoked(world: &World) {
    let over_http = |token: &Token| {
        let path = format!("/v1/tokens/{}", token.id);
        world.ask(&Method::DELETE, &path).expect(200);
    };
    let by_command = |token: &Token| {
        world.place.call(&["token", "revoke", &token.id]);
    };
    let by_itself = |token: &Token| {
        let path = format!("/v1/tokens/{}", token.id);
        world.ask(&Method::DELETE, &path).by(token).expect(200);
    };
    for revoke in [&over_http as &dyn Fn(&Token), &by_command, &by_itself] {
        let token = world.token_of("admin");
        world.get("/v1/me").by(&token).expect(200);
        revoke(&token);
        world.unchanged(|| {
            world.get("/v1/me").by(&token).refused(401, "token-revoked");
            let put = world.put("/v1/departments/second", &json!({"name": "Second"}));
            put.by(&token).refused(401, "token-revoked");
        });
        let listed = world
            .get(&format!("/v1/tokens/{}", token.id))
            .expect(200)
            .json();
        assert!(listed["body"]["revoked_us"].is_i64(), "{listed}");
    }
}

#[test]
fn a_token_ends_at_its_time() {
    let world = World::on(Place::sqlite());
    let token = |expires_us: i64| {
        let asked = json!({"name": "Short", "role": "auditor", "expires_us": expires_us});
        world.post("/v1/tokens", &asked)
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_us = i64::try_from(now.expect("a clock").as_micros()).expect("microseconds");
    world.unchanged(|| {
        for past in [now_us - 1, 0, -1, i64::from(i32::MIN)] {
            token(past).refused(422, "out-of-range");
        }
    });
    let short = token_in(&token(now_us + 5_000_000).expect(201).json());
    world.get("/v1/me").by(&short).expect(200);
    let refused = eventually("the token ends", || {
        let reply = world.get("/v1/me").by(&short).send();
        (reply.status != 200).then_some(reply)
    });
    refused.problem(401, "token-expired");
    world.get("/v1/me").by(&short).refused(401, "token-expired");
}

#[test]
fn a_token_shows_its_text_once() {
    let world = World::on(Place::sqlite());
    let asked = json!({"name": "Once", "role": "auditor"});
    let ask = || {
        world
            .post("/v1/tokens", &asked)
            .header("idempotency-key", "once")
    };
    let made = ask().expect(201);
    let token = token_in(&made.json());
    let again = ask().expect(201).json();
    assert_eq!(again["id"], token.id);
    assert!(again["body"].get("token").is_none(), "{again}");
    for path in [
        format!("/v1/tokens/{}", token.id),
        "/v1/tokens".to_owned(),
        "/v1/rows/token".to_owned(),
        "/v1/log".to_owned(),
    ] {
        let shown = world.get(&path).expect(200).text();
        let (_, secret) = token.text.rsplit_once('_').expect("a secret");
        assert!(!shown.contains(secret), "{path} shows the secret");
        assert!(!shown.contains("sha256\":\""), "{path} shows a digest");
    }
}
