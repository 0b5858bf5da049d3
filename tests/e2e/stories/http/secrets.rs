//! A token's secret part is in the answer that makes it, and nowhere else.

use std::path::Path;

use serde_json::json;
use ureq::http::Method;

use super::{Reply, Token, World, departments::install, token_in};
use crate::place::Place;

/// Everything that the host can say; compilers say too much at that level to be waited for.
const LOG: &str = "trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info,wasmtime=info,wasmtime_cranelift=info,wasmtime_internal_cranelift=info";

#[test]
fn no_secret_is_in_any_log_file_or_answer_but_the_one_that_makes_it() {
    let world = World::logging(Place::sqlite(), LOG);
    let local = world.token_of("admin");
    let made = world
        .post("/v1/tokens", &json!({"name": "Made", "role": "admin"}))
        .expect(201);
    let made = token_in(&made.json());
    let revoked = world.token_of("auditor");
    world
        .ask(&Method::DELETE, &format!("/v1/tokens/{}", revoked.id))
        .expect(200);
    let admin = world.admin.clone();
    let tokens = [local, made, revoked, admin];

    let mut replies = Vec::new();
    for token in &tokens {
        replies.extend(session(&world, token));
    }
    install(&world, "touch");
    let secrets: Vec<&str> = tokens.iter().map(secret).collect();
    for reply in &replies {
        let headers = format!("{:?}", reply.headers);
        clean("an answer", &secrets, headers.as_bytes());
        clean("an answer", &secrets, &reply.body);
    }
    let (place, lines) = world.stop();
    let said = lines.join("\n");
    assert!(
        said.contains("a request was answered"),
        "the log says nothing of requests"
    );
    clean("the log", &secrets, said.as_bytes());
    let files = files(&place.folder(), &secrets);
    assert!(files > 2, "the data folder has {files} files");
}

fn secret(token: &Token) -> &str {
    token.text.rsplit_once('_').expect("a secret").1
}

/// The token's good and bad use: as it is, changed, in the wrong place.
fn session(world: &World, token: &Token) -> Vec<Reply> {
    let (text, secret) = (&token.text, secret(token));
    let me = || world.get("/v1/me");
    let department = json!({"name": "Second"});
    let path = format!("/v1/departments/second-{}", token.id);
    vec![
        me().by(token).send(),
        me().authorized(Some(&format!("Basic {text}"))).send(),
        me().authorized(Some(&format!("Bearer {text}x"))).send(),
        me().authorized(Some(&format!("Bearer bursar_0000000000000000_{secret}")))
            .send(),
        me().by(token).header("authorization", "Bearer x").send(),
        world.get("/v1/tokens").by(token).send(),
        world.get("/v1/log?limit=1000").by(token).send(),
        world.get("/v1/rows/token").by(token).send(),
        world
            .put(&path, &department)
            .by(token)
            .header("idempotency-key", &token.id)
            .send(),
        world
            .put(&path, &department)
            .by(token)
            .header("idempotency-key", &token.id)
            .send(),
        world
            .ask(&Method::PUT, "/v1/folders/inbox/documents/a")
            .by(token)
            .bytes("text/plain", b"a")
            .send(),
        world
            .ask(&Method::POST, "/v1/plugins")
            .by(token)
            .bytes("application/wasm", b"no plugin")
            .send(),
        world
            .ask(&Method::PATCH, &path)
            .by(token)
            .json(&department)
            .send(),
        world.get("/v1/nothing").by(token).send(),
    ]
}

fn clean(what: &str, secrets: &[&str], bytes: &[u8]) {
    for secret in secrets {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{what} holds a secret");
    }
}

/// Looks into each file of a folder; says how many there were.
fn files(folder: &Path, secrets: &[&str]) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                return files(&path, secrets);
            }
            let bytes = std::fs::read(&path).expect("a file");
            clean(&path.display().to_string(), secrets, &bytes);
            1
        })
        .sum()
}
