//! What this crate's tests share: a fresh database per engine, and drafts made the way the office makes them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bursar_domain::{
    derive::derive,
    draft::{Change, Direction, Draft, Issue, Listing},
    index::{Comparison, Condition, FieldType, IndexField},
    office::{Actor, Collection},
    row::{Kind, Row, RowKey, Seq},
};
use serde_json::{Value, json};

use crate::{
    Database, Error, Keys, Options, Page, Proposal, Query, SettledRun, Snapshot, Verdict,
    adapter::Engine, schema,
};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) fn keys() -> Keys {
    Keys::derive(&[7; 32])
}

/// A database in a folder that outlives the test's assertions.
pub(crate) struct Fresh {
    pub database: Database,
    pub options: Options,
    folder: tempfile::TempDir,
}

impl std::ops::Deref for Fresh {
    type Target = Database;
    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Fresh {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder().join("bursar.db")
    }

    /// Another handle on the same database: a second node on PostgreSQL, a second process on SQLite.
    pub(crate) async fn second(&self) -> Database {
        Database::open(&self.options, self.folder())
            .await
            .expect("a second handle")
    }
}

impl Database {
    pub(crate) fn engine(&self) -> Engine {
        self.pools.engine()
    }
}

async fn fresh(url: impl Fn(&Path) -> String) -> Fresh {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options {
        url: url(folder.path()),
        readers_max: 4,
        database_bytes_max: None,
        keys: keys(),
    };
    let database = Database::open(&options, folder.path())
        .await
        .expect("a fresh database");
    Fresh {
        database,
        options,
        folder,
    }
}

pub(crate) async fn sqlite() -> Fresh {
    fresh(|folder| format!("sqlite:{}", folder.join("bursar.db").display())).await
}

/// SQLite, and PostgreSQL where the test runner started one.
pub(crate) async fn databases() -> Vec<Fresh> {
    let mut found = vec![sqlite().await];
    if let Ok(server) = std::env::var("BURSAR_TEST_POSTGRES") {
        let name = format!(
            "bursar_db_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let url = schema::create(&server, &name)
            .await
            .expect("a new database");
        found.push(fresh(|_| url.clone()).await);
    } else {
        assert!(
            std::env::var("BURSAR_REQUIRE_ALL").is_err(),
            "BURSAR_TEST_POSTGRES is not set"
        );
        eprintln!("skipped: PostgreSQL (BURSAR_TEST_POSTGRES is not set)");
    }
    found
}

/// A collection that needs no definition: nothing of it is indexed.
pub(crate) const PLAIN: &str = "plain";

/// The definition of every other collection.
pub(crate) fn items() -> Collection {
    let field = |name: &str, field_type| IndexField {
        name: name.to_owned(),
        pointer: String::new(),
        field_type,
    };
    Collection {
        schema: json!({}),
        indexed: vec![
            field("name", FieldType::Text),
            field("size", FieldType::Integer),
            field("price", FieldType::Decimal),
            field("code", FieldType::Text),
        ],
        unique: vec!["code".to_owned()],
        ..Collection::default()
    }
}

pub(crate) fn condition(field: &str, comparison: Comparison, values: &[Value]) -> Condition {
    let collection = items();
    let field = collection
        .indexed
        .iter()
        .find(|indexed| indexed.name == field)
        .expect("an indexed field");
    Condition::new(field, comparison, values).expect("a good condition")
}

/// Everything of a collection, by id.
pub(crate) fn all_of(collection: &str) -> Query {
    Query {
        kind: Kind::Record,
        collection: Arc::from(collection),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: None,
        limit: 100,
    }
}

pub(crate) fn record(collection: &str, id: &str) -> RowKey {
    RowKey::within(Kind::Record, collection, id)
}

pub(crate) fn ids(page: &Page) -> Vec<&str> {
    page.rows.iter().map(|(_, row)| &*row.key.id).collect()
}

/// A change whose index entries and unique values are those of its body.
pub(crate) fn change(key: &RowKey, previous: Seq, body: Option<Value>) -> Change {
    let definition = (&*key.collection != PLAIN).then(items);
    let derived = body
        .as_ref()
        .map(|body| derive(key, body, definition.as_ref()).expect("a good body"))
        .unwrap_or_default();
    Change {
        key: key.clone(),
        previous,
        body: body.map(Arc::new),
        index: derived.index,
        unique: derived.unique,
    }
}

pub(crate) fn proposal(draft: Draft, settles: Option<SettledRun>) -> Proposal {
    Proposal {
        author: Actor::new("person", "ada"),
        cause: "test".to_owned(),
        draft,
        settles,
    }
}

/// Somebody at work: reads of one snapshot, changes in one draft.
pub(crate) struct Work {
    pub snapshot: Snapshot,
    pub draft: Draft,
}

impl Work {
    pub(crate) async fn on(database: &Database) -> Self {
        let mut snapshot = database.snapshot();
        let seq = snapshot.seq().await.expect("a snapshot");
        Self {
            snapshot,
            draft: Draft::on(seq),
        }
    }

    pub(crate) async fn get(&mut self, key: &RowKey) -> Option<Row> {
        let row = self.snapshot.get(key).await.expect("a read");
        self.draft
            .read_row(key, row.as_ref().map_or(0, |row| row.revision));
        row
    }

    pub(crate) async fn list(&mut self, query: &Query) -> Page {
        let page = self.snapshot.list(query).await.expect("a listing");
        self.draft.read_listing(Listing {
            kind: query.kind,
            collection: query.collection.clone(),
            conditions: query.conditions.clone(),
            order: query.order.clone(),
            direction: query.direction,
            until: page
                .rows
                .get(query.limit - 1)
                .map(|(position, _)| position.clone()),
        });
        page
    }

    pub(crate) async fn put(&mut self, key: &RowKey, body: Value) {
        self.set(key, Some(body)).await;
    }

    pub(crate) async fn set(&mut self, key: &RowKey, body: Option<Value>) {
        let previous = self.get(key).await.map_or(0, |row| row.revision);
        self.draft.put(change(key, previous, body));
    }

    pub(crate) fn issue(&mut self, invoice: &str, series: &str, date: Option<jiff::civil::Date>) {
        self.draft.issues.push(Issue {
            invoice: Arc::from(invoice),
            series: series.to_owned(),
            issue_date: date,
        });
    }

    pub(crate) async fn try_propose(self, database: &Database) -> Result<Verdict, Error> {
        drop(self.snapshot);
        database.propose(proposal(self.draft, None)).await
    }

    pub(crate) async fn propose(self, database: &Database) -> Verdict {
        self.try_propose(database).await.expect("an answer")
    }

    pub(crate) async fn commit(self, database: &Database) -> Seq {
        committed(self.propose(database).await)
    }
}

/// The seq of a commit that must have happened.
pub(crate) fn committed(verdict: Verdict) -> Seq {
    match verdict {
        Verdict::Committed { seq, .. } => seq,
        other => panic!("not committed: {other:?}"),
    }
}

/// The code of a refusal that must have happened.
pub(crate) fn refusal(verdict: Verdict) -> String {
    match verdict {
        Verdict::Refused(problem) => problem.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Commits rows of one collection, whatever was there; none removes.
pub(crate) async fn write(
    database: &Database,
    collection: &str,
    rows: &[(&str, Option<Value>)],
) -> Seq {
    let mut work = Work::on(database).await;
    for (id, body) in rows {
        work.set(&record(collection, id), body.clone()).await;
    }
    work.commit(database).await
}

/// Makes a collection of [`items`].
pub(crate) async fn define(database: &Database, collection: &str) -> Seq {
    let mut work = Work::on(database).await;
    let definition = serde_json::to_value(items()).expect("JSON");
    work.put(&RowKey::of(Kind::Collection, collection), definition)
        .await;
    work.commit(database).await
}

/// Nothing is wrong with the database.
pub(crate) async fn assert_clean(database: &Database) {
    let found = database.verify(None).await.expect("a verification");
    assert!(found.is_clean(), "{:#?}", found.findings);
}
