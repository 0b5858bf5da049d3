//! The log is appended to: the database refuses everything else by itself.

use serde_json::json;

use super::tampering::Raw;
use crate::{
    Database,
    adapter::Engine,
    testing::{Fresh, assert_clean, databases, write},
};

/// What changes the log or takes something out of it.
const CHANGES: &[&str] = &[
    "update log_commit set author = 'person:eve' where seq = 1",
    "update log_commit set hash = hash",
    "update change set body = null, salt = null",
    "update change set ordinal = 1 where seq = 2",
    "delete from log_commit where seq = 2",
    "delete from log_commit",
    "delete from change where seq = 2",
    "delete from change",
];
/// Other ways to the same, by engine.
const SQLITE_CHANGES: &[&str] = &[
    "replace into log_commit select seq, at_us, 'person:eve', run, cause, changes, hash from log_commit where seq = 1",
    "insert or replace into change select seq, ordinal, kind, collection, id, previous, '{}', salt, body_hash from change",
    "insert into log_commit select * from log_commit where true on conflict (seq) do update set author = 'person:eve'",
];
const POSTGRES_CHANGES: &[&str] = &[
    "truncate log_commit, change",
    "truncate change",
    "truncate log_commit cascade",
    "insert into log_commit select * from log_commit on conflict (seq) do update set author = 'person:eve'",
    "set session_replication_role = replica; delete from change",
    "merge into change c using log_commit l on c.seq = l.seq when matched then delete",
];

async fn fill(database: &Database) {
    write(database, "plain", &[("a", Some(json!({"size": 1})))]).await;
    write(database, "plain", &[("a", None), ("b", Some(json!({})))]).await;
}

async fn assert_guarded(database: &Fresh) {
    let others = match database.engine() {
        Engine::Sqlite => SQLITE_CHANGES,
        Engine::Postgres => POSTGRES_CHANGES,
    };
    for sql in CHANGES.iter().chain(others) {
        let mut raw = Raw::connect(database).await;
        let Err(said) = raw.attempt(sql).await else {
            panic!("{sql} was let through by {:?}", database.engine());
        };
        assert!(
            said.contains("the commit log is append-only"),
            "{sql}: {said}"
        );
    }
}

#[tokio::test]
async fn the_database_refuses_every_change_of_the_log() {
    for database in databases().await {
        fill(&database).await;
        assert_guarded(&database).await;
        assert_clean(&database).await;
        // What is no log is changed as ever, and the log grows.
        write(&database, "plain", &[("b", None)]).await;
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_log_from_before_is_guarded_once_it_is_opened() {
    for database in databases().await {
        fill(&database).await;
        let mut raw = Raw::beside(&database).await;
        // Nothing in the way: what the guards refuse could be done.
        raw.run("update log_commit set hash = hash").await;
        if database.engine() == Engine::Postgres {
            raw.run("drop function refuse_change_of_log").await;
        }
        raw.run("delete from migration where version = 8").await;
        let again = database.second().await;
        assert_guarded(&database).await;
        assert_clean(&again).await;
        again.close().await;
    }
}
