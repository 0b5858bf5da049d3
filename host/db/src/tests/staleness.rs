//! What makes a read stale, and what does not.

use bursar_domain::{
    draft::Direction,
    index::Comparison,
    row::{Kind, RowKey},
};
use serde_json::{Value, json};

use crate::{
    Database, Query, Verdict,
    testing::{Work, all_of, condition, databases, define, record, write},
};

fn sized(size: impl Into<Option<i64>>) -> Option<Value> {
    let size = size.into()?;
    Some(json!({ "size": size }))
}

/// Reads, lets others commit, and proposes something else: was the read stale?
async fn is_stale(
    database: &Database,
    mut work: Work,
    later: &[(&str, Option<Value>)],
    shelf: &str,
) -> bool {
    work.put(&RowKey::of(Kind::State, shelf), json!({})).await;
    write(database, shelf, later).await;
    match work.propose(database).await {
        Verdict::Stale(_) => true,
        Verdict::Committed { .. } => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_row_read_is_stale_once_it_changed_or_appeared() {
    let cases: &[(&str, &str, Option<Value>, bool)] = &[
        ("row-changed", "a", sized(2), true),
        ("row-removed", "a", None, true),
        ("other-row", "b", sized(2), false),
        ("row-appeared", "missing", sized(2), true),
    ];
    for database in databases().await {
        for (shelf, id, body, expected) in cases {
            write(&database, shelf, &[("a", sized(1)), ("b", sized(1))]).await;
            let mut work = Work::on(&database).await;
            work.get(&record(shelf, "a")).await;
            work.get(&record(shelf, "missing")).await;
            let later = [(*id, body.clone())];
            let stale = is_stale(&database, work, &later, shelf).await;
            assert_eq!(stale, *expected, "{shelf}");
        }
    }
}

#[tokio::test]
async fn a_listing_is_stale_once_it_gained_lost_or_moved_a_row() {
    let cases: &[(&str, &str, Option<Value>, bool)] = &[
        ("gained", "d", sized(3), true),
        ("gained-by-change", "z", sized(3), true),
        ("lost", "b", sized(99), true),
        ("removed", "b", None, true),
        ("moved-within", "a", sized(3), true),
        (
            "content",
            "b",
            Some(json!({"size": 2, "name": "new"})),
            true,
        ),
        ("outside-conditions", "z", sized(98), false),
        ("outside-made", "y", sized(50), false),
        ("outside-removed", "z", None, false),
        ("beyond-the-last", "e", sized(5), false),
        ("at-the-last-by-id", "bb", sized(3), true),
        ("beyond-the-last-by-id", "d", sized(4), false),
    ];
    for database in databases().await {
        for (shelf, id, body, expected) in cases {
            define(&database, shelf).await;
            let rows = [
                ("a", sized(1)),
                ("b", sized(2)),
                ("c", sized(4)),
                ("f", sized(9)),
                ("z", sized(99)),
            ];
            write(&database, shelf, &rows).await;
            let mut work = Work::on(&database).await;
            let query = Query {
                conditions: vec![condition("size", Comparison::Less, &[json!(10)])],
                order: Some("size".to_owned()),
                limit: 3,
                ..all_of(shelf)
            };
            assert_eq!(work.list(&query).await.rows.len(), 3);
            let later = [(*id, body.clone())];
            let stale = is_stale(&database, work, &later, shelf).await;
            assert_eq!(stale, *expected, "{shelf}");
        }
    }
}

#[tokio::test]
async fn a_descending_page_depends_on_what_is_above_its_last_row() {
    for database in databases().await {
        for (shelf, size, expected) in [("above", 3, true), ("below", 1, false)] {
            define(&database, shelf).await;
            write(&database, shelf, &[("a", sized(2)), ("b", sized(4))]).await;
            let mut work = Work::on(&database).await;
            let query = Query {
                order: Some("size".to_owned()),
                direction: Direction::Descending,
                limit: 2,
                ..all_of(shelf)
            };
            work.list(&query).await;
            let later = [("n", sized(size))];
            let stale = is_stale(&database, work, &later, shelf).await;
            assert_eq!(stale, expected, "{shelf}");
        }
    }
}

#[tokio::test]
async fn a_draft_without_an_effect_is_never_stale() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        work.list(&all_of("c")).await;
        work.get(&record("c", "a")).await;
        write(&database, "c", &[("a", sized(1))]).await;
        work.commit(&database).await;
    }
}

#[tokio::test]
async fn another_nodes_commits_make_reads_stale() {
    for database in databases().await {
        let other = database.second().await;
        for (shelf, size, expected) in [("inside", 1, true), ("outside", 20, false)] {
            define(&database, shelf).await;
            write(&database, shelf, &[("a", sized(9))]).await;
            let mut work = Work::on(&database).await;
            let query = Query {
                conditions: vec![condition("size", Comparison::Less, &[json!(10)])],
                ..all_of(shelf)
            };
            work.list(&query).await;
            work.put(&RowKey::of(Kind::State, shelf), json!({})).await;
            write(&other, shelf, &[("n", sized(size))]).await;
            let is_stale = matches!(work.propose(&database).await, Verdict::Stale(_));
            assert_eq!(is_stale, expected, "{shelf}");
        }
        other.close().await;
    }
}

#[tokio::test]
async fn proposals_of_one_group_are_stale_to_each_other() {
    for database in databases().await {
        write(&database, "c", &[("a", sized(0))]).await;
        let mut proposals = Vec::new();
        for _ in 0..8 {
            let mut work = Work::on(&database).await;
            work.list(&all_of("c")).await;
            work.put(&record("c", "a"), json!({"size": 1})).await;
            work.snapshot = database.snapshot();
            proposals.push(work);
        }
        let tasks: Vec<_> = proposals
            .into_iter()
            .map(|work| {
                let database = database.database.clone();
                tokio::spawn(async move { work.propose(&database).await })
            })
            .collect();
        let mut committed = 0;
        for task in tasks {
            let verdict = task.await.expect("no panic");
            committed += i32::from(matches!(verdict, Verdict::Committed { .. }));
        }
        assert_eq!(committed, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_2_concurrent_increments_add_up() {
    const WORKERS: i64 = 6;
    const EACH: i64 = 8;
    for database in databases().await {
        let key = record("c", "counter");
        write(&database, "c", &[("counter", sized(0))]).await;
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (database, key) = (database.database.clone(), key.clone());
                tokio::spawn(async move {
                    let mut done = 0;
                    while done < EACH {
                        let mut work = Work::on(&database).await;
                        let row = work.get(&key).await.expect("the counter");
                        let size = row.body["size"].as_i64().expect("a number");
                        work.put(&key, json!({"size": size + 1})).await;
                        if let Verdict::Committed { .. } = work.propose(&database).await {
                            done += 1;
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.expect("no panic");
        }
        let row = database.snapshot().get(&key).await.expect("a read");
        let row = row.expect("the counter");
        assert_eq!(row.body["size"], json!(WORKERS * EACH));
        assert_eq!(row.revision, 1 + WORKERS * EACH);
    }
}
