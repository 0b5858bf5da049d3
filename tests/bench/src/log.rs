//! What the commit log says of a measure: how commits were grouped, and which values were written.
//!
//! Reads the database's file itself, beside the host: the bench asks for nothing that only a bench needs.

use std::path::Path;

use serde::Serialize;
use sqlx::{
    FromRow, SqlitePool,
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

/// One bound value.
#[derive(Clone, Debug)]
pub enum Bound {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Null,
}

impl Bound {
    const fn bytes(&self) -> usize {
        match self {
            Bound::Int(_) => 8,
            Bound::Text(text) => text.len(),
            Bound::Bytes(bytes) => bytes.len(),
            Bound::Null => 0,
        }
    }
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Bound::Int(value)
    }
}

impl From<String> for Bound {
    fn from(value: String) -> Self {
        Bound::Text(value)
    }
}

impl From<Vec<u8>> for Bound {
    fn from(value: Vec<u8>) -> Self {
        Bound::Bytes(value)
    }
}

impl<T: Into<Bound>> From<Option<T>> for Bound {
    fn from(value: Option<T>) -> Self {
        value.map_or(Bound::Null, Into::into)
    }
}

/// Columns of the widest row: a logged change and an updated run.
pub const COLUMNS: usize = 9;
/// A row of any table.
pub type Row = [Bound; COLUMNS];

/// The rows that the commits of a span wrote: of each run its commit, its change, the new image and the run's new columns.
pub struct Written {
    /// Of each run, one row of each of the four tables.
    pub runs: Vec<[Row; 4]>,
}

impl Written {
    /// Bytes of the values that one run's commit binds: text and bytes by their length, a number as 8, null as none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "sums of bytes are far below 2^52"
    )]
    pub fn bytes_per_run(&self) -> f64 {
        let bytes: usize = self.runs.iter().flatten().flatten().map(Bound::bytes).sum();
        bytes as f64 / self.runs.len().max(1) as f64
    }
}

/// The database's file, read only.
pub struct Log {
    pool: SqlitePool,
}

type Commit = (i64, i64, String, String, String, i64, Vec<u8>);
type Change = (
    i64,
    i64,
    String,
    String,
    String,
    i64,
    Option<String>,
    Vec<u8>,
    Vec<u8>,
);
type Image = (String, String, String, i64, i64, i64, String);
type Run = (
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
    Vec<u8>,
);

const COMMITS: &str = "select seq, at_us, author, run, cause, changes, hash from log_commit \
    where seq > $1 and seq <= $2 and cause = 'run' order by seq";
const CHANGES: &str = "select seq, ordinal, kind, collection, id, previous, body, salt, body_hash from change \
    where seq > $1 and seq <= $2 and ordinal = 0 order by seq";
const IMAGES: &str = "select kind, collection, id, revision, created_us, updated_us, body from image \
    where kind = 'record' and revision > $1 and revision <= $2 order by revision";
const RUNS: &str = "select id, state, fence, attempt, clock_us, due_us, settled_seq, report, seal from run \
    where settled_seq > $1 and settled_seq <= $2 order by settled_seq";

impl Log {
    /// Beside a host that has the file open.
    pub fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        Self { pool }
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
        let mut found = Groups::default();
        let (mut last_us, mut size) = (i64::MIN, 0);
        for (_, at_us, ..) in self.read::<Commit>(COMMITS, span).await? {
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

    /// The rows that the runs of a span wrote.
    pub async fn written(&self, span: &Span) -> Result<Written, Fault> {
        let commits = self.read::<Commit>(COMMITS, span).await?;
        let changes = self.read::<Change>(CHANGES, span).await?;
        let images = self.read::<Image>(IMAGES, span).await?;
        let runs = self.read::<Run>(RUNS, span).await?;
        let count = commits.len();
        if changes.len() != count || images.len() != count || runs.len() != count {
            return Err("a run wrote something else than one change".into());
        }
        let rows = commits.into_iter().zip(changes).zip(images).zip(runs);
        let runs = rows.map(|(((commit, change), image), run)| {
            [
                commit_row(commit),
                change_row(change),
                image_row(image),
                run_row(run),
            ]
        });
        Ok(Written {
            runs: runs.collect(),
        })
    }

    async fn read<T>(&self, sql: &'static str, span: &Span) -> Result<Vec<T>, Fault>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let rows = sqlx::query_as(sql).bind(span.after).bind(span.until);
        Ok(rows.fetch_all(&self.pool).await?)
    }
}

#[expect(
    clippy::many_single_char_names,
    reason = "the columns have their names in the statement"
)]
fn commit_row(row: Commit) -> Row {
    let (a, b, c, d, e, f, g) = row;
    [
        a.into(),
        b.into(),
        c.into(),
        d.into(),
        e.into(),
        f.into(),
        g.into(),
        Bound::Null,
        Bound::Null,
    ]
}

#[expect(
    clippy::many_single_char_names,
    reason = "the columns have their names in the statement"
)]
fn change_row(row: Change) -> Row {
    let (a, b, c, d, e, f, g, h, i) = row;
    [
        a.into(),
        b.into(),
        c.into(),
        d.into(),
        e.into(),
        f.into(),
        g.into(),
        h.into(),
        i.into(),
    ]
}

#[expect(
    clippy::many_single_char_names,
    reason = "the columns have their names in the statement"
)]
fn image_row(row: Image) -> Row {
    let (a, b, c, d, e, f, g) = row;
    [
        a.into(),
        b.into(),
        c.into(),
        d.into(),
        e.into(),
        f.into(),
        g.into(),
        Bound::Null,
        Bound::Null,
    ]
}

#[expect(
    clippy::many_single_char_names,
    reason = "the columns have their names in the statement"
)]
fn run_row(row: Run) -> Row {
    let (a, b, c, d, e, f, g, h, i) = row;
    [
        a.into(),
        b.into(),
        c.into(),
        d.into(),
        e.into(),
        f.into(),
        g.into(),
        h.into(),
        i.into(),
    ]
}
