//! What the commit log says of a measure: how commits were grouped, and which rows were written.
//!
//! Reads the database's file itself, beside the host: the bench asks for nothing that only a bench needs.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;
use sqlx::{
    Row, SqlitePool, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use crate::Fault;

/// Commits after one seq, up to and including another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    after: i64,
    until: i64,
}

/// How the commits of a span were grouped into transactions.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the summary calls them so")]
pub struct Groups {
    pub commits: usize,
    pub groups: usize,
    pub largest: usize,
}

impl Groups {
    /// Commits of a group on average, rounded.
    pub fn mean(&self) -> usize {
        (self.commits + self.groups / 2) / self.groups.max(1)
    }
}

/// One stored value.
#[derive(Clone, Debug)]
pub enum Stored {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Null,
}

impl Stored {
    const fn bytes(&self) -> usize {
        match self {
            Stored::Int(_) => 8,
            Stored::Text(text) => text.len(),
            Stored::Bytes(bytes) => bytes.len(),
            Stored::Null => 0,
        }
    }
}

/// A table that each run's commit writes one row of.
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    /// Of the commits after `$1` up to `$2`, in their order.
    condition: &'static str,
}

/// Columns of `log_commit`.
pub const COMMIT: &[&str] = &["seq", "at_us", "author", "run", "cause", "changes", "hash"];
/// Columns of `change`.
pub const CHANGE: &[&str] = &[
    "seq",
    "ordinal",
    "kind",
    "collection",
    "id",
    "previous",
    "body",
    "salt",
    "body_hash",
];
/// Columns of `image`.
pub const IMAGE: &[&str] = &[
    "kind",
    "collection",
    "id",
    "revision",
    "created_us",
    "updated_us",
    "body",
];

/// In the order in which the committer writes them.
pub const TABLES: &[Table] = &[
    Table {
        name: "log_commit",
        columns: COMMIT,
        condition: "seq > $1 and seq <= $2 and cause = 'run' order by seq",
    },
    Table {
        name: "change",
        columns: CHANGE,
        condition: "seq > $1 and seq <= $2 and ordinal = 0 order by seq",
    },
    Table {
        name: "image",
        columns: IMAGE,
        condition: "kind = 'record' and revision > $1 and revision <= $2 order by revision",
    },
    Table {
        name: "run",
        columns: &[
            "id",
            "seq",
            "automation",
            "body",
            "state",
            "fence",
            "attempt",
            "clock_us",
            "due_us",
            "settled_seq",
            "report",
            "seal",
        ],
        condition: "settled_seq > $1 and settled_seq <= $2 order by settled_seq",
    },
];

/// The rows that the commits of a span wrote: of each run its commit, its change, the new image and the settled run.
pub struct Written {
    /// Of each of [`TABLES`], one row a run.
    pub tables: Vec<Vec<Vec<Stored>>>,
    pub runs: usize,
}

impl Written {
    /// Bytes of the values that one run's commit writes: text and bytes by their length, a number as 8, null as none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "sums of bytes are far below 2^52"
    )]
    pub fn bytes_per_run(&self) -> f64 {
        let values = self.tables.iter().flatten().flatten();
        let bytes: usize = values.map(Stored::bytes).sum();
        bytes as f64 / self.runs.max(1) as f64
    }
}

/// The database's file, read only.
pub struct Log {
    pool: SqlitePool,
}

impl Log {
    /// Beside a host that has the file open.
    pub fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        Self { pool }
    }

    pub async fn close(self) {
        self.pool.close().await;
    }

    /// The last commit.
    pub async fn head(&self) -> Result<i64, Fault> {
        let (seq,): (i64,) = sqlx::query_as("select seq from log_head")
            .fetch_one(&self.pool)
            .await?;
        Ok(seq)
    }

    /// All commits since one.
    pub async fn span_since(&self, after: i64) -> Result<Span, Fault> {
        Ok(Span {
            after,
            until: self.head().await?,
        })
    }

    /// Commits of one group are a microsecond apart, since no two have the same instant; a group takes far longer than
    /// it has commits.
    pub async fn groups(&self, span: &Span) -> Result<Groups, Fault> {
        let instants = "select at_us from log_commit where seq > $1 and seq <= $2 order by seq";
        let instants: Vec<(i64,)> = sqlx::query_as(instants)
            .bind(span.after)
            .bind(span.until)
            .fetch_all(&self.pool)
            .await?;
        let mut found = Groups::default();
        let (mut last_us, mut size) = (i64::MIN, 0);
        for (at_us,) in instants {
            if at_us != last_us.saturating_add(1) {
                found.groups += 1;
                size = 0;
            }
            size += 1;
            last_us = at_us;
            found.commits += 1;
            found.largest = found.largest.max(size);
        }
        Ok(found)
    }

    /// What commits wrote into these tables, commit by commit: of each the rows of each table. Each text selects the commit
    /// and then the columns, in the order of the commits.
    pub async fn by_commit(&self, texts: &[String]) -> Result<Vec<Vec<Vec<Stored>>>, Fault> {
        let mut commits: BTreeMap<i64, Vec<Vec<Stored>>> = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            let rows = sqlx::query(sqlx::AssertSqlSafe(text.as_str()));
            for row in rows.fetch_all(&self.pool).await? {
                let commit = commits.entry(row.try_get(0)?).or_default();
                commit.resize_with(texts.len(), Vec::new);
                if let Some(values) = commit.get_mut(place) {
                    values.extend(stored(&row)?.into_iter().skip(1));
                }
            }
        }
        Ok(commits.into_values().collect())
    }

    /// The rows that the runs of a span wrote.
    pub async fn written(&self, span: &Span) -> Result<Written, Fault> {
        let mut tables = Vec::new();
        for table in TABLES {
            let (name, columns) = (table.name, table.columns.join(", "));
            let sql = format!("select {columns} from {name} where {}", table.condition);
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(span.after)
                .bind(span.until)
                .fetch_all(&self.pool)
                .await?;
            let rows: Result<Vec<_>, Fault> = rows.iter().map(stored).collect();
            tables.push(rows?);
        }
        let runs = tables.first().map_or(0, Vec::len);
        if tables.iter().any(|rows| rows.len() != runs) {
            return Err("a run wrote something else than one change".into());
        }
        Ok(Written { tables, runs })
    }
}

fn stored(row: &SqliteRow) -> Result<Vec<Stored>, Fault> {
    let value = |place: usize| -> Result<Stored, Fault> {
        let raw = row.try_get_raw(place)?;
        if raw.is_null() {
            return Ok(Stored::Null);
        }
        Ok(match raw.type_info().name() {
            "INTEGER" => Stored::Int(row.try_get(place)?),
            "TEXT" => Stored::Text(row.try_get(place)?),
            "BLOB" => Stored::Bytes(row.try_get(place)?),
            other => return Err(format!("a column of type {other}").into()),
        })
    };
    (0..row.len()).map(value).collect()
}
