//! Whatever is changed behind the program's back is found, and named.

use bursar_domain::{
    checkpoint::Checkpoint,
    log::{CommitHead, Hash, body_hash, commit_hash, hex},
    office::STOP,
    row::{Kind, RowKey},
};
use jiff::civil::date;
use serde_json::json;

use super::{
    invoicing, queues,
    tampering::{Raw, Table, altered},
};
use crate::{
    Database, Delivery, DeliveryOutcome, RunEnd, Verification,
    adapter::Engine,
    testing::{Fresh, Work, assert_clean, committed, databases, define, record, write},
};

/// Rows of every kind, runs and messages in every state, documents and plugins with their contents.
async fn populate(database: &Database) {
    define(database, "c").await;
    let shelf = [
        ("a", Some(json!({"name": "one", "size": 1, "code": "x"}))),
        (
            "b",
            Some(json!({"name": "two", "price": "1.10", "code": "y"})),
        ),
        ("gone", Some(json!({"name": "three"}))),
    ];
    write(database, "c", &shelf).await;
    write(
        database,
        "c",
        &[("a", Some(json!({"name": "änders"}))), ("gone", None)],
    )
    .await;
    invoicing::found(database, &["e1"], None).await;
    for id in ["i1", "i2"] {
        invoicing::issue(database, id, "e1", date(2026, 3, 1)).await;
    }
    let document = database.blobs().put(b"a statement").await.expect("stored");
    let plugin = database.blobs().put(b"a component").await.expect("stored");
    let mut work = Work::on(database).await;
    let rows = [
        (Kind::Department, "finance", json!({"name": "Finance"})),
        (Kind::Calendar, "office", json!({"weekend": ["saturday"]})),
        (Kind::Hold, "r1", json!({"matters": {"audit": "evidence"}})),
        (
            Kind::BusinessCalendar,
            "office",
            json!({"weekend": ["saturday"]}),
        ),
        (Kind::Calendar, "office", json!({"name": "Office"})),
        (Kind::Entry, "e1", json!({"uid": "1", "first_s": 1})),
        (Kind::Payment, "p1", invoicing::payment(10_000, "ref")),
        (Kind::Folder, "in", json!({"name": "In"})),
        (Kind::Template, "dues", json!({"fallback": "en"})),
        (
            Kind::Document,
            "d1",
            json!({"folder": "in", "name": "s.xml", "sha256": document}),
        ),
        (
            Kind::Task,
            "t1",
            json!({"title": "?", "assignee": "role:clerk", "is_closed": false}),
        ),
        (Kind::State, "cursor", json!({"at": 1})),
        (Kind::Effect, "key", json!({"result": "i1"})),
        (Kind::Plugin, plugin.as_str(), json!({"bytes": 11})),
        (Kind::Automation, "reminders", json!({"plugin": plugin})),
        (Kind::Timer, "reminders/daily", json!({"fired_until_us": 1})),
        (Kind::Control, STOP, json!({"stopped": false, "reason": ""})),
        (Kind::Token, "abc", json!({"name": "a script"})),
    ];
    for (kind, id, body) in rows {
        work.put(&RowKey::of(kind, id), body).await;
    }
    work.commit(database).await;
    populate_queues(database).await;
}

async fn populate_queues(database: &Database) {
    for end in [
        RunEnd::Committed,
        RunEnd::Failed,
        RunEnd::Held,
        RunEnd::Shadowed,
    ] {
        committed(queues::queue(database, end.as_str()).await);
        database.claim(9, 3_600_000_000).await.expect("a claim");
        committed(queues::settle(database, end.as_str(), 1, end).await);
    }
    committed(queues::queue(database, "running").await);
    database.claim(9, 3_600_000_000).await.expect("a claim");
    committed(queues::queue(database, "waiting").await);
    let error = || "no".to_owned();
    for (id, outcome) in [
        ("sent", Some(DeliveryOutcome::Sent)),
        ("failed", Some(DeliveryOutcome::Failed { error: error() })),
        ("sending", None),
        (
            "later",
            Some(DeliveryOutcome::Retry {
                at_us: 5,
                error: error(),
            }),
        ),
    ] {
        queues::send(database, id).await;
        let claimed = database.claim_messages(9, 3_600_000_000).await;
        let claimed = claimed.expect("a claim").pop().expect("a message");
        if let Some(outcome) = outcome {
            let delivery = Delivery {
                id: id.to_owned(),
                until_us: claimed.until_us,
                outcome,
            };
            assert_eq!(database.delivered(vec![delivery]).await.expect("marks"), 1);
        }
    }
    queues::send(database, "waiting").await;
}

/// A populated database, which is clean, with a connection beside it.
async fn populated() -> Vec<(Fresh, Raw)> {
    let mut found = Vec::new();
    for database in databases().await {
        populate(&database).await;
        assert_clean(&database).await;
        let raw = Raw::beside(&database).await;
        found.push((database, raw));
    }
    found
}

async fn verify(database: &Database) -> Verification {
    database.verify(None).await.expect("a verification")
}

/// The table is named, and its first finding is at one of these commits.
fn assert_named(found: &Verification, table: &str, seqs: &[i64], what: &str) {
    let first = found
        .findings
        .iter()
        .filter(|finding| finding.table == table)
        .map(|finding| finding.seq)
        .min();
    let first = first.unwrap_or_else(|| panic!("{what} went unnoticed: {:#?}", found.findings));
    assert!(
        seqs.is_empty() || seqs.contains(&first),
        "{what} was found at {first} instead of {seqs:?}"
    );
}

#[tokio::test]
async fn a_populated_database_verifies() {
    for (database, _) in populated().await {
        let found = verify(&database).await;
        assert!(found.is_clean());
        assert!(found.changes > found.commits && found.rows > 50);
        assert_eq!(
            found.head_seq,
            database.snapshot().seq().await.expect("a snapshot")
        );
        let noted = Checkpoint {
            seq: found.head_seq,
            hash: found.head_hash,
        };
        let again = database.verify(Some(&noted)).await.expect("a verification");
        assert!(again.is_clean());
    }
}

#[tokio::test]
async fn the_populated_database_has_rows_of_every_kind_and_in_every_table() {
    for (database, mut raw) in populated().await {
        let mut kinds: Vec<_> = Kind::ALL
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect();
        // An allocation changes its invoice and its payment: the tests of invoices have them.
        kinds.retain(|kind| kind != Kind::Allocation.as_str());
        kinds.sort();
        let logged = raw
            .rows("select distinct kind from change order by kind")
            .await;
        let logged: Vec<_> = logged.into_iter().flatten().flatten().collect();
        assert_eq!(logged, kinds);
        for table in raw.tables().await {
            let column = table.columns.first().expect("a column");
            let cells = raw.cells(&table, column).await;
            assert!(!cells.is_empty(), "{} is empty", table.name);
        }
        drop(database);
    }
}

#[tokio::test]
async fn a_changed_byte_is_found_in_every_column_of_every_table() {
    for (database, mut raw) in populated().await {
        for table in raw.tables().await {
            raw.save(&table.name).await;
            for column in &table.columns {
                let cells = raw.cells(&table, column).await;
                let first_null = cells.iter().find(|cell| cell.value.is_none());
                let chosen = [
                    cells.first(),
                    cells.get(cells.len() / 2),
                    cells.last(),
                    first_null,
                ];
                for cell in chosen.into_iter().flatten() {
                    for value in altered(column, cell.value.as_deref()) {
                        raw.set(&table.name, column, &cell.place, value.as_deref())
                            .await;
                        let what = format!(
                            "{}.{} of {} as {value:?} ({:?})",
                            table.name,
                            column.name,
                            cell.place,
                            database.engine()
                        );
                        let found = verify(&database).await;
                        let seqs: Vec<i64> = cell.seq.into_iter().collect();
                        assert_named(&found, &table.name, &seqs, &what);
                        raw.restore(&table.name).await;
                    }
                }
                assert_clean(&database).await;
            }
        }
    }
}

#[tokio::test]
async fn a_deleted_row_is_found_in_every_table() {
    for (database, mut raw) in populated().await {
        for table in raw.tables().await {
            raw.save(&table.name).await;
            let column = table.columns.first().expect("a column");
            let cells = raw.cells(&table, column).await;
            for cell in &cells {
                raw.run(&format!("delete from {} where {}", table.name, cell.place))
                    .await;
                let what = format!("{} without {}", table.name, cell.place);
                let found = verify(&database).await;
                let seqs: Vec<i64> = cell.seq.into_iter().collect();
                assert_named(&found, &table.name, &seqs, &what);
                raw.restore(&table.name).await;
            }
            assert_clean(&database).await;
        }
    }
}

#[tokio::test]
async fn two_swapped_bodies_are_found_in_every_table_that_has_them() {
    for (database, mut raw) in populated().await {
        let has_body = |table: &Table| table.columns.iter().any(|column| column.name == "body");
        let tables: Vec<_> = raw.tables().await.into_iter().filter(has_body).collect();
        assert_eq!(tables.len(), 4);
        for table in tables {
            raw.save(&table.name).await;
            let column = table
                .columns
                .iter()
                .find(|column| column.name == "body")
                .expect("a body");
            let cells = raw.cells(&table, column).await;
            let first = cells.first().expect("a row");
            let other = cells
                .iter()
                .find(|cell| cell.value != first.value)
                .expect("another row");
            for (cell, body) in [(first, &other.value), (other, &first.value)] {
                raw.set(&table.name, column, &cell.place, body.as_deref())
                    .await;
            }
            let found = verify(&database).await;
            let seqs = [first.seq, other.seq].map(|seq| seq.expect("a seq"));
            assert_named(&found, &table.name, &seqs, &table.name);
            raw.restore(&table.name).await;
            assert_clean(&database).await;
        }
    }
}

#[tokio::test]
async fn a_cut_tail_is_found_against_a_checkpoint() {
    for (database, mut raw) in populated().await {
        let last = write(&database, "c", &[("last", Some(json!({"code": "last"})))]).await;
        let noted = verify(&database).await;
        let noted = Checkpoint {
            seq: noted.head_seq,
            hash: noted.head_hash,
        };
        let before = last - 1;
        for sql in [
            format!("delete from change where seq = {last}"),
            format!("delete from log_commit where seq = {last}"),
            format!("delete from image where revision = {last}"),
            "delete from field_index where id = 'last'".to_owned(),
            "delete from unique_key where id = 'last'".to_owned(),
            format!(
                "update log_head set seq = {before}, at_us = (select at_us from log_commit where seq = {before}), \
                 hash = (select hash from log_commit where seq = {before})"
            ),
        ] {
            raw.run(&sql).await;
        }
        assert_clean(&database).await;
        let found = database.verify(Some(&noted)).await.expect("a verification");
        assert_named(&found, "log_commit", &[last], "the cut tail");

        // Neither does another commit in its place hide it.
        write(&database, "c", &[("other", Some(json!({})))]).await;
        assert_clean(&database).await;
        let found = database.verify(Some(&noted)).await.expect("a verification");
        assert_named(&found, "log_commit", &[last], "the replaced tail");
    }
}

type CommitRow = (i64, i64, String, String, String, i64, Vec<u8>);

/// Rewrites the body of one record in every place, up to the hash of its commit.
async fn forge(database: &Database, raw: &mut Raw, seq: i64, body: &str) {
    let mut tx = database.pools.reading().await.expect("a transaction");
    let args = crate::adapter::args![seq - 2, 2_i64];
    let commits: Vec<CommitRow> = tx
        .all(&crate::statements::VERIFY_COMMITS, args)
        .await
        .expect("two commits");
    tx.rollback().await.expect("a rollback");
    let [(.., before), (_, at_us, author, run, cause, _, _)] = commits.as_slice() else {
        panic!("{commits:?}");
    };
    let before: Hash = before.as_slice().try_into().expect("a hash");
    let salt = [5; 16];
    let key = record("plain", "forged");
    let hash = body_hash(&salt, seq, &key, 0, Some(body));
    let head = CommitHead {
        seq,
        at_us: *at_us,
        author: author.clone(),
        run: run.clone(),
        cause: cause.clone(),
    };
    let commit = commit_hash(&before, &head, [(&key, 0, &hash)]);
    let (salt, hash, commit) = (hex(&salt), hex(&hash), hex(&commit));
    let (salt, hash, commit) = (raw.bytes(&salt), raw.bytes(&hash), raw.bytes(&commit));
    for sql in [
        format!(
            "update change set body = '{body}', salt = {salt}, body_hash = {hash} where seq = {seq}"
        ),
        format!("update image set body = '{body}' where revision = {seq}"),
        format!("update log_commit set hash = {commit} where seq = {seq}"),
        format!("update log_head set hash = {commit} where seq = {seq}"),
    ] {
        raw.run(&sql).await;
    }
}

#[tokio::test]
async fn a_forged_commit_is_found_at_the_next_one_or_against_a_checkpoint() {
    for (database, mut raw) in populated().await {
        let seq = write(
            &database,
            "plain",
            &[("forged", Some(json!({"paid": false})))],
        )
        .await;
        let noted = verify(&database).await;
        let noted = Checkpoint {
            seq: noted.head_seq,
            hash: noted.head_hash,
        };
        // As the last commit it is consistent in itself: only the checkpoint knows better.
        forge(&database, &mut raw, seq, r#"{"paid":true}"#).await;
        assert_clean(&database).await;
        let found = database.verify(Some(&noted)).await.expect("a verification");
        assert_named(&found, "log_commit", &[seq], "the forged last commit");

        write(&database, "plain", &[("next", Some(json!({})))]).await;
        assert_clean(&database).await;
        forge(&database, &mut raw, seq, r#"{"paid":"twice"}"#).await;
        let found = verify(&database).await;
        assert_eq!(found.findings_total, 1, "{:#?}", found.findings);
        assert_named(&found, "log_commit", &[seq + 1], "the forged commit");
    }
}

#[tokio::test]
async fn a_damaged_or_missing_blob_is_found_with_the_commit_that_names_it() {
    for (database, mut raw) in populated().await {
        let seq = verify(&database).await.head_seq;
        let content = database
            .blobs()
            .put(b"one more statement")
            .await
            .expect("stored");
        let mut work = Work::on(&database).await;
        let document = json!({"folder": "in", "name": "two.xml", "sha256": content});
        work.put(&RowKey::of(Kind::Document, "d2"), document).await;
        work.commit(&database).await;
        assert_clean(&database).await;
        let file = database.folder().join("blobs").join(&content);
        match database.engine() {
            Engine::Sqlite => std::fs::write(&file, b"one more Statement").expect("damaged"),
            Engine::Postgres => {
                let damage = format!("update blob set bytes = 'S' where sha256 = '{content}'");
                raw.run(&damage).await;
            }
        }
        let place = database.blobs().place();
        assert_named(
            &verify(&database).await,
            place,
            &[seq + 1],
            "the damaged blob",
        );
        match database.engine() {
            Engine::Sqlite => std::fs::remove_file(&file).expect("removed"),
            Engine::Postgres => {
                let removal = format!("delete from blob where sha256 = '{content}'");
                raw.run(&removal).await;
            }
        }
        assert_named(
            &verify(&database).await,
            place,
            &[seq + 1],
            "the missing blob",
        );
        database
            .blobs()
            .put(b"one more statement")
            .await
            .expect("stored");
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn many_findings_are_counted_and_the_first_are_kept() {
    for (database, mut raw) in populated().await {
        raw.run("update log_commit set author = 'x:y'").await;
        let found = verify(&database).await;
        assert_eq!(found.findings_total, found.commits);
        assert!(found.findings.is_sorted_by_key(|finding| finding.seq));
    }
}
