//! Opening, closing, and files that are not what they should be.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::{
    Database, Error, Options,
    adapter::Engine,
    schema::MIGRATIONS,
    testing::{Fresh, Work, assert_clean, databases, keys, record, sqlite, write},
};

async fn by_hand(database: &Fresh, sql: &'static str) {
    match database.engine() {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(&database.options.url)
                .await
                .expect("a connection");
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.expect("done");
            connection.close().await.expect("closed");
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(&database.options.url)
                .await
                .expect("a connection");
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.expect("done");
            connection.close().await.expect("closed");
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_opened() {
    for database in databases().await {
        by_hand(
            &database,
            "insert into migration (version, checksum) values (99, 'later')",
        )
        .await;
        let refused = Database::open(&database.options, database.folder()).await;
        let newest = MIGRATIONS.last().map(|migration| migration.version);
        let Err(Error::Newer { found: 99, known }) = refused else {
            panic!("{:?}", refused.err());
        };
        assert_eq!(Some(known), newest);
    }
}

#[tokio::test]
async fn a_database_of_another_schema_is_not_opened() {
    for database in databases().await {
        by_hand(&database, "update migration set checksum = 'another'").await;
        let refused = Database::open(&database.options, database.folder()).await;
        assert!(
            matches!(refused, Err(Error::OtherSchema { version: 1 })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    for database in databases().await {
        let seq = write(&database, "plain", &[("a", Some(json!({})))]).await;
        let again = database.second().await;
        assert_eq!(again.snapshot().seq().await.expect("a snapshot"), seq);
        assert_clean(&again).await;
        again.close().await;
    }
}

#[tokio::test]
async fn what_is_no_database_is_a_typed_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bursar.db");
    let text = "this is a letter and not a database. ".repeat(200);
    std::fs::write(&file, &text).expect("a file");
    let refused = Database::open_sqlite(folder.path(), keys()).await;
    assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), text);

    let options = |url: &str| Options {
        url: url.to_owned(),
        readers_max: 1,
        database_bytes_max: None,
        keys: keys(),
    };
    for url in [
        "sqlite:/no/such/folder/bursar.db",
        "letter.txt",
        "postgres://127.0.0.1:1/none",
    ] {
        let refused = Database::open(&options(url), folder.path()).await;
        assert!(
            matches!(refused, Err(Error::Open { .. })),
            "{url}: {refused:?}"
        );
    }
    let refused = Database::open_sqlite(&folder.path().join("missing"), keys()).await;
    assert!(matches!(refused, Err(Error::Open { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_full_database_changes_nothing_and_goes_on_with_more_room() {
    let small = sqlite().await;
    let options = Options {
        database_bytes_max: Some(400_000),
        ..small.options.clone()
    };
    let database = Database::open(&options, small.folder())
        .await
        .expect("opened");
    let big = || Some(Value::String("x".repeat(20_000)));
    let mut commits = 0;
    let full = loop {
        let mut work = Work::on(&database).await;
        let body = json!({"text": big()});
        work.put(&record("plain", &format!("r{commits}")), body)
            .await;
        match work.try_propose(&database).await {
            Ok(_) => commits += 1,
            Err(error) => break error,
        }
        assert!(commits < 100, "the limit is not kept");
    };
    assert!(matches!(full, Error::Full), "{full:?}");
    let head = database.snapshot().seq().await.expect("a snapshot");
    assert_eq!(head, commits);
    // Whoever needs no more room than there is can go on.
    write(&database, "plain", &[("r0", None)]).await;
    assert_clean(&database).await;
    database.close().await;

    let roomy = small.second().await;
    write(&roomy, "plain", &[("late", Some(json!({"text": big()})))]).await;
    assert_clean(&roomy).await;
    roomy.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_on_one_database_take_turns() {
    for database in databases().await {
        let other = database.second().await;
        let writers: Vec<_> = [("a", database.database.clone()), ("b", other.clone())]
            .into_iter()
            .map(|(row, handle)| {
                tokio::spawn(async move {
                    for n in 0..25 {
                        write(&handle, "plain", &[(row, Some(json!({"size": n})))]).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("no panic");
        }
        assert_eq!(database.snapshot().seq().await.expect("a snapshot"), 50);
        assert_clean(&database).await;
        assert_clean(&other).await;
        other.close().await;
    }
}

#[tokio::test]
async fn a_closed_database_says_so() {
    for database in databases().await {
        let handle = database.second().await;
        let work = Work::on(&handle).await;
        let draft = work.draft.clone();
        drop(work);
        handle.clone().close().await;
        let refused = handle.propose(crate::testing::proposal(draft, None)).await;
        assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    }
}

#[tokio::test]
async fn the_file_lies_where_it_should() {
    let database = sqlite().await;
    assert!(database.file().is_file());
    assert!(database.folder().join("blobs").is_dir());
}
