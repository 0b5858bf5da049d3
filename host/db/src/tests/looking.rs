//! Looking back: which commits there were, and what a row was.

use bursar_domain::row::Seq;
use serde_json::json;

use super::queues::{queue, settle};
use crate::{
    CommitFilter, RunEnd,
    testing::{committed, databases, record, write},
};

const LONG_US: i64 = 3_600_000_000;

#[tokio::test]
async fn commits_are_listed_newest_first() {
    for database in databases().await {
        write(
            &database,
            "plain",
            &[("a", Some(json!({}))), ("b", Some(json!({})))],
        )
        .await;
        committed(queue(&database, "one").await);
        database.claim(1, LONG_US).await.expect("a claim");
        committed(settle(&database, "one", 1, RunEnd::Committed).await);
        let page = async |before| {
            let filter = CommitFilter { before, limit: 2 };
            database.commits(&filter).await.expect("commits")
        };
        let newest = page(None).await;
        assert_eq!(
            newest.iter().map(|commit| commit.seq).collect::<Vec<Seq>>(),
            [3, 2]
        );
        let rest = page(Some(2)).await;
        let [first] = rest.as_slice() else {
            panic!("{rest:?}")
        };
        assert_eq!(
            (
                first.seq,
                first.author.as_str(),
                first.cause.as_str(),
                &first.run,
                first.changes
            ),
            (1, "person:ada", "test", &None, 2)
        );
        assert_eq!(newest[0].run.as_deref(), Some("one"));
        assert_eq!(newest[1].run, None);
        assert!(newest[0].at_us > newest[1].at_us && newest[1].at_us > first.at_us);
        assert!(page(Some(1)).await.is_empty());
        let head = database
            .verify(None)
            .await
            .expect("a verification")
            .head_hash;
        assert_eq!(newest[0].hash, head);
        assert_eq!(
            database.commit(1).await.expect("a read").as_ref(),
            Some(first)
        );
        assert_eq!(database.commit(4).await.expect("a read"), None);
    }
}

#[tokio::test]
async fn a_rows_history_tells_each_version_and_its_removal() {
    for database in databases().await {
        let bodies = [
            Some(json!({"size": 1})),
            Some(json!({"size": 2})),
            None,
            Some(json!({"size": 3})),
        ];
        for body in &bodies {
            write(&database, "plain", &[("a", body.clone())]).await;
            write(&database, "plain", &[("b", Some(json!({"other": body})))]).await;
            write(&database, "other", &[("a", Some(json!({"other": body})))]).await;
        }
        let key = record("plain", "a");
        let all = database.row_history(&key, None, 9).await.expect("versions");
        let mut found: Vec<_> = all
            .iter()
            .map(|version| version.body.as_deref().cloned())
            .collect();
        found.reverse();
        assert_eq!(found, bodies);
        assert_eq!(
            all.iter().map(|version| version.seq).collect::<Vec<Seq>>(),
            [10, 7, 4, 1]
        );
        let newest = database
            .commit(10)
            .await
            .expect("a read")
            .expect("the commit");
        assert_eq!(
            (all[0].at_us, &all[0].author, &all[0].cause, &all[0].run),
            (newest.at_us, &newest.author, &newest.cause, &newest.run)
        );
        let page = database
            .row_history(&key, Some(7), 1)
            .await
            .expect("versions");
        assert_eq!(page, all[2..3]);
        for unknown in [record("plain", "c"), record("plain", "a\0")] {
            assert!(
                database
                    .row_history(&unknown, None, 9)
                    .await
                    .expect("versions")
                    .is_empty()
            );
        }
    }
}
