//! Many proposals, one transaction.

use bursar_domain::row::{Kind, RowKey};
use jiff::civil::date;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::{invoicing, queues};
use crate::{
    Error, RunEnd, Verdict,
    adapter::{Engine, args},
    committer::GROUP_JOBS_MAX,
    statements as sql,
    testing::{Fresh, Work, all_of, assert_clean, committed, databases, define, record, refusal},
};

/// Makes the database refuse one row by itself, as it would for a rule that the program forgot.
async fn forbid_row(database: &Fresh, id: &str) {
    match database.engine() {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(&database.options.url)
                .await
                .expect("a connection");
            let sql = format!(
                "create trigger forbid before insert on image when new.id = '{id}' \
                 begin select raise(abort, 'forbidden'); end"
            );
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.expect("a trigger");
            connection.close().await.expect("closed");
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(&database.options.url)
                .await
                .expect("a connection");
            let sql = format!("alter table image add constraint forbid check (id <> '{id}')");
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.expect("a constraint");
            connection.close().await.expect("closed");
        }
    }
}

/// Proposals that reach the committer while it waits for the head's lock, and so form one group.
async fn together(database: &Fresh, works: Vec<Work>) -> Vec<Result<Verdict, Error>> {
    let mut blocker = database.pools.writing().await.expect("a transaction");
    let _: (i64, i64, Vec<u8>) = blocker
        .one(&sql::LOCK_HEAD, args![])
        .await
        .expect("the head");
    let tasks: Vec<_> = works
        .into_iter()
        .map(|work| {
            let database = database.database.clone();
            tokio::spawn(async move { work.try_propose(&database).await })
        })
        .collect();
    // All have handed their proposals in once each has been polled.
    for _ in 0..tasks.len() * 4 {
        tokio::task::yield_now().await;
    }
    blocker.rollback().await.expect("a rollback");
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    answers
}

async fn works(database: &Fresh, count: usize) -> Vec<Work> {
    let mut works = Vec::new();
    for n in 0..count {
        let mut work = Work::on(database).await;
        work.put(
            &record("c", &format!("r{n}")),
            json!({"code": format!("{n}")}),
        )
        .await;
        // Nothing is held open while the group waits.
        work.snapshot = database.snapshot();
        works.push(work);
    }
    works
}

#[tokio::test]
async fn what_a_group_writes_makes_listings_of_its_later_proposals_stale() {
    for database in databases().await {
        define(&database, "c").await;
        let mut works = works(&database, 3).await;
        for work in &mut works {
            work.list(&all_of("c")).await;
            work.snapshot = database.snapshot();
        }
        let answers = together(&database, works).await;
        let verdicts: Vec<Verdict> = answers
            .into_iter()
            .map(|it| it.expect("an answer"))
            .collect();
        let [first, later @ ..] = verdicts.as_slice() else {
            panic!("{verdicts:?}")
        };
        assert!(matches!(first, Verdict::Committed { .. }), "{first:?}");
        let is_stale = |verdict: &Verdict| matches!(verdict, Verdict::Stale(_));
        assert!(later.iter().all(is_stale), "{later:?}");
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_group_is_one_transaction_and_one_commit_each() {
    for database in databases().await {
        let first = define(&database, "c").await;
        let works = works(&database, 40).await;
        let mut seqs = Vec::new();
        for answer in together(&database, works).await {
            seqs.push(committed(answer.expect("an answer")));
        }
        seqs.sort_unstable();
        let expected: Vec<_> = (first + 1..=first + 40).collect();
        assert_eq!(seqs, expected);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_group_has_a_limit_and_the_rest_waits() {
    for database in databases().await {
        define(&database, "c").await;
        let works = works(&database, GROUP_JOBS_MAX + 10).await;
        for answer in together(&database, works).await {
            committed(answer.expect("an answer"));
        }
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_statement_that_the_database_refuses_fails_its_own_proposal_alone() {
    for database in databases().await {
        let first = define(&database, "c").await;
        forbid_row(&database, "r2").await;
        let works = works(&database, 5).await;
        let answers = together(&database, works).await;
        for (n, answer) in answers.into_iter().enumerate() {
            match answer {
                Err(Error::Sql(_)) => assert_eq!(n, 2),
                Ok(Verdict::Committed { .. }) => assert_ne!(n, 2),
                other => panic!("{n}: {other:?}"),
            }
        }
        let mut snapshot = database.snapshot();
        assert_eq!(snapshot.seq().await.expect("a snapshot"), first + 4);
        let missing = snapshot.get(&record("c", "r2")).await.expect("a read");
        assert_eq!(missing, None);
        let value = snapshot
            .find_unique("record/c/code", "2")
            .await
            .expect("a read");
        assert_eq!(value, None);
        drop(snapshot);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn run_2_a_refused_proposal_leaves_nothing() {
    for database in databases().await {
        invoicing::found(&database, &["e1"], None).await;
        committed(queues::queue(&database, "one").await);
        database.claim(1, 1_000_000_000).await.expect("a claim");
        let head = database.snapshot().seq().await.expect("a snapshot");

        let mut work = Work::on(&database).await;
        for id in ["i", "j"] {
            work.put(
                &RowKey::of(Kind::Invoice, id),
                invoicing::issued("e1", 10_000),
            )
            .await;
            work.issue(id, "INV", Some(date(2026, 3, 1)));
        }
        work.put(&RowKey::of(Kind::Message, "m"), queues::message("hello"))
            .await;
        work.put(&record("plain", "a"), json!({})).await;
        // The last change is bad: more is open than was invoiced.
        work.put(
            &RowKey::of(Kind::Invoice, "bad"),
            invoicing::issued("e1", 10_001),
        )
        .await;
        work.issue("bad", "INV", Some(date(2026, 3, 1)));
        assert_eq!(
            refusal(work.propose(&database).await),
            "invoice-over-settled"
        );

        let mut snapshot = database.snapshot();
        assert_eq!(snapshot.seq().await.expect("a snapshot"), head);
        for key in [
            RowKey::of(Kind::Invoice, "i"),
            RowKey::of(Kind::Message, "m"),
            RowKey::within(Kind::Series, "e1", "INV-2026"),
            record("plain", "a"),
        ] {
            assert_eq!(snapshot.get(&key).await.expect("a read"), None, "{key}");
        }
        drop(snapshot);
        let due = database.claim_messages(9, 1).await.expect("a claim");
        assert!(due.is_empty());
        let Verdict::Committed { numbers, .. } =
            invoicing::issue(&database, "i", "e1", date(2026, 3, 1)).await
        else {
            panic!("not committed");
        };
        assert_eq!(numbers["i"], "INV-2026-000001");
        committed(queues::settle(&database, "one", 1, RunEnd::Committed).await);
        assert_clean(&database).await;
    }
}
